package main

import (
	"context"
	"fmt"

	"steward"
	"steward/playbooks"
	"steward/store"
)

// Limits are counted where a message is sent. Who asks why is told how they stand
// now, after the gates.

// seats counts what was sent.
type seats interface {
	Seats(ctx context.Context, places []steward.Place) ([]store.Seat, error)
}

// withLimits adds to what would be said next how the limits on it stand.
func withLimits(ctx context.Context, db seats, x *playbooks.Explanation) error {
	if x.Next == nil || len(x.Next.Places) == 0 {
		return nil
	}
	taken, err := db.Seats(ctx, x.Next.Places)
	if err != nil {
		return err
	}
	for i, p := range x.Next.Places {
		x.Next.Gates = append(x.Next.Gates, limitCheck(p, taken[i]))
	}
	return nil
}

// limitCheck is one limit as it stands.
func limitCheck(p steward.Place, s store.Seat) playbooks.Check {
	names := map[steward.PlaceKind]string{steward.OwnerPlace: "owner's limit", steward.AddressPlace: "address's limit", steward.AccountPlace: "account's limit", steward.RatePlace: "rate"}
	c := playbooks.Check{Name: names[p.Kind]}
	c.Detail = fmt.Sprintf("%d taken of %s", s.Taken, p.Words)
	if s.Free.IsZero() {
		c.Effect = steward.Pass
		return c
	}
	c.Effect, c.Reason, c.Until = steward.Defer, steward.ReasonCapped, s.Free
	switch p.Kind {
	case steward.RatePlace:
		c.Reason = steward.ReasonRate
	case steward.OwnerPlace:
		c.Detail += "; another card goes into the next digest"
	}
	return c
}
