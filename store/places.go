package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

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

// A Seat is how many of a limited number of places are taken.
type Seat struct {
	Taken int
	// Free is when the next is free again; zero where one is.
	Free time.Time
}

// Seats counts, of each place, how many are taken now. By the time that a message
// is sent it may be others: what counts then is counted there.
func (db *DB) Seats(ctx context.Context, places []steward.Place) ([]Seat, error) {
	out := make([]Seat, len(places))
	err := db.view(ctx, "count what was sent", func(tx *sqlx.Tx) error {
		for i, p := range places {
			taken, err := placesOf(ctx, tx, p)
			if err != nil {
				return err
			}
			if out[i].Taken = len(taken); len(taken) >= p.Most {
				out[i].Free = freeAgain(p, taken)
			}
		}
		return nil
	})
	return out, err
}

// placesOf is when the places were taken, newest first, as many as there are.
func placesOf(ctx context.Context, tx *sqlx.Tx, p steward.Place) (taken []int64, err error) {
	query, ok := placeQueries[p.Kind]
	if !ok {
		return nil, fmt.Errorf("%q is not a kind of place", p.Kind)
	}
	key := p.Key
	if p.Kind == steward.AddressPlace {
		key = strings.ToLower(key)
	}
	return taken, tx.SelectContext(ctx, &taken, query, key, seconds(p.Since), p.Most)
}

// freeAgain is when a place is free again of those that are all taken.
func freeAgain(p steward.Place, taken []int64) time.Time {
	if !p.Until.IsZero() || len(taken) == 0 {
		return p.Until
	}
	return instant(taken[len(taken)-1]).Add(p.Window + time.Second)
}

// seat looks whether every place that a message would take is free, and puts it
// off until the last of them is; full tells that its owner's are taken. It
// stands in the transaction that claims, and sees what was claimed in it before.
func (w *mover) seat(m steward.Message, places []steward.Place) (d steward.Decision, full bool, err error) {
	d = steward.Decision{Effect: steward.Pass}
	for _, p := range places {
		taken, err := placesOf(w.ctx, w.tx, p)
		if err != nil {
			return d, false, err
		}
		if len(taken) < p.Most {
			continue
		}
		full = full || p.Kind == steward.OwnerPlace
		free := freeAgain(p, taken)
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
