package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// withdraw takes an outreach off a message that was not sent and cannot have
// been, so that it is never said. A mail that waits for approval ends with it;
// the rest of a card goes without it.
func withdraw(ctx context.Context, tx *sqlx.Tx, w steward.Withdrawal, now time.Time) error {
	said, err := selectOutreach(ctx, tx, `SELECT * FROM outreach WHERE id = ?`, w.Outreach)
	if err != nil || len(said) == 0 || said[0].Message == "" {
		return err
	}
	m, ok, err := unsent(ctx, tx, said[0].Message)
	if err != nil || !ok {
		return err
	}
	if m.State == steward.AwaitingApproval {
		return endApproval(ctx, tx, m, steward.Suppressed, w.Reason, w.Detail, now)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE outreach SET message = NULL, suppressed = ? WHERE id = ?`, w.Reason, w.Outreach); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, dropUntoldQuery, w.Reason, now.Unix(), w.Outreach); err != nil {
		return err
	}
	d := steward.Decision{Effect: steward.Suppress, Reason: w.Reason, Detail: w.Detail}
	if err := putRecords(ctx, tx, recordsOf(m, said, d, now)); err != nil {
		return err
	}
	return lessen(ctx, tx, m.ID, w.Reason, w.Detail, now)
}
