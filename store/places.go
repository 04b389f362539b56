package store

import (
	"fmt"
	"strings"
	"time"

	"steward"
)

// What a limit counts: messages that went, may have gone, or are on their way,
// by when they were claimed.
const placesTaken = ` AND claimed > 0 AND claimed >= ? AND state IN ('sending', 'sent', 'uncertain') ORDER BY claimed DESC LIMIT ?`

var placeQueries = map[steward.PlaceKind]string{
	steward.OwnerPlace:   `SELECT claimed FROM messages WHERE owner = ? AND kind IN ('card', 'task')` + placesTaken,
	steward.AddressPlace: `SELECT claimed FROM messages WHERE address = ? AND kind = 'mail'` + placesTaken,
	steward.RatePlace:    `SELECT claimed FROM messages WHERE channel = ?` + placesTaken,
	steward.AccountPlace: `SELECT claimed FROM messages WHERE account = ? AND kind = 'mail'` + placesTaken,
}

// seat looks whether every place that a message would take is free, and puts it
// off until the last of them is; full tells that its owner's are taken. It
// stands in the transaction that claims, and sees what was claimed in it before.
func (w *mover) seat(m steward.Message, places []steward.Place) (d steward.Decision, full bool, err error) {
	d = steward.Decision{Effect: steward.Pass}
	for _, p := range places {
		var taken []int64
		query, ok := placeQueries[p.Kind]
		if !ok {
			return d, false, fmt.Errorf("%q is not a kind of place", p.Kind)
		}
		key := p.Key
		if p.Kind == steward.AddressPlace {
			key = strings.ToLower(key)
		}
		if err := w.tx.SelectContext(w.ctx, &taken, query, key, seconds(p.Since), p.Most); err != nil {
			return d, false, err
		}
		if len(taken) < p.Most {
			continue
		}
		full = full || p.Kind == steward.OwnerPlace
		free := p.Until
		if free.IsZero() && len(taken) > 0 {
			free = instant(taken[len(taken)-1]).Add(p.Window + time.Second)
		}
		if !free.Before(d.Until) {
			reason := steward.ReasonCapped
			if p.Kind == steward.RatePlace {
				reason = steward.ReasonRate
			}
			d = steward.Decision{Effect: steward.Defer, Reason: reason, Until: free, Detail: "the limit is reached: " + p.Words}
		}
	}
	if m.Kind != steward.Digest && !m.Expires.IsZero() && !d.Passes() && !d.Until.Before(m.Expires) {
		d.Detail += fmt.Sprintf(" until %s, past its expiry", d.Until.Format(time.RFC3339))
		d.Effect, d.Reason = steward.Suppress, steward.ReasonExpired
	}
	return d, full, nil
}
