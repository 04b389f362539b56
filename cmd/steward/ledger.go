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

// Settle is the store's.
func (l ledger) Settle(ctx context.Context, id steward.MessageID, epoch int, s steward.Settlement, now time.Time) error {
	return moved(l.DB.Settle(ctx, id, epoch, s, now))
}

// Claim is the store's.
func (l ledger) Claim(ctx context.Context, id steward.MessageID, epoch int, now time.Time, lease time.Duration, decide func(steward.Dossier) (steward.Ruling, error)) (steward.Dossier, steward.Ruling, error) {
	d, v, err := l.DB.Claim(ctx, id, epoch, now, lease, decide)
	return d, v, moved(err)
}

// Perform is the store's.
func (l ledger) Perform(ctx context.Context, a steward.Act, change steward.Change, answer string, now time.Time) (string, bool, error) {
	said, again, err := l.DB.Perform(ctx, a, change, answer, now)
	return said, again, moved(err)
}

// Receive is the store's.
func (l ledger) Receive(ctx context.Context, in steward.Incoming, change steward.Change, now time.Time) (bool, error) {
	isNew, err := l.DB.Receive(ctx, in, change, now)
	return isNew, moved(err)
}

// Dossier is the store's.
func (l ledger) Dossier(ctx context.Context, id steward.MessageID) (steward.Dossier, error) {
	d, err := l.DB.Dossier(ctx, id)
	return d, moved(err)
}

// moved names the errors that mean that a message has gone its way without us.
func moved(err error) error {
	if errors.Is(err, store.ErrSettled) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w: %w", jobs.ErrMoved, err)
	}
	return err
}
