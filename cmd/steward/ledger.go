package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"steward"
	"steward/jobs"
	"steward/store"
)

// ledger is the database as jobs sees it: the same methods, with the store's
// ways of saying "too late" in the words of jobs.
type ledger struct{ *store.DB }

var _ jobs.Ledger = ledger{}

// Claim is the store's.
func (l ledger) Claim(ctx context.Context, id steward.MessageID, epoch int, now time.Time, lease time.Duration, decide func(steward.Dossier) steward.Decision) (steward.Dossier, steward.Decision, error) {
	d, v, err := l.DB.Claim(ctx, id, epoch, now, lease, decide)
	if errors.Is(err, store.ErrSettled) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return d, v, fmt.Errorf("%w: %w", jobs.ErrMoved, err)
	}
	return d, v, err
}
