package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// DueMessages moves deferred messages whose time has come back to planned,
// each with a new epoch, and reads up to limit planned ones that are due (all,
// for 0), longest due first.
func (db *DB) DueMessages(ctx context.Context, now time.Time, limit int) ([]steward.Due, error) {
	var out []steward.Due
	err := db.update(ctx, "read due messages", func(tx *sqlx.Tx) error {
		// The reason stays: it says why the message is as late as it is.
		if _, err := tx.ExecContext(ctx,
			`UPDATE messages SET state = 'planned', epoch = epoch + 1 WHERE state = 'deferred' AND due <= ?`, now.Unix()); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, dueMessagesQuery, now.Unix(), rowLimit(limit))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var d steward.Due
			if err := rows.Scan(&d.ID, &d.Epoch); err != nil {
				return err
			}
			out = append(out, d)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

const dueMessagesQuery = `SELECT id, epoch FROM messages WHERE state = 'planned' AND due <= ? ORDER BY due, id LIMIT ?`

// MarkEnqueued notes that the messages' tasks are in the queue since now. One that is no
// longer planned under its epoch, because its handler was quicker, is left as
// it is.
func (db *DB) MarkEnqueued(ctx context.Context, due []steward.Due, now time.Time) error {
	if len(due) == 0 {
		return nil
	}
	return db.update(ctx, "mark messages as enqueued", func(tx *sqlx.Tx) error {
		mark, err := tx.PreparexContext(ctx,
			`UPDATE messages SET state = 'enqueued', enqueued_at = ? WHERE id = ? AND epoch = ? AND state = 'planned'`)
		if err != nil {
			return err
		}
		defer mark.Close()
		for _, d := range due {
			if _, err := mark.ExecContext(ctx, now.Unix(), d.ID, d.Epoch); err != nil {
				return err
			}
		}
		return nil
	})
}

// Requeue moves messages whose task has been in the queue for longer than
// olderThan back to planned, each with a new epoch, and tells how many: the
// queue has lost them. A task that turns up after all finds its epoch gone.
func (db *DB) Requeue(ctx context.Context, now time.Time, olderThan time.Duration) (int, error) {
	return db.requeue(ctx, `
		UPDATE messages SET state = 'planned', epoch = epoch + 1 WHERE state = 'enqueued' AND enqueued_at <= ?`,
		now.Add(-olderThan).Unix())
}

// RequeueAll does so for every message in the queue: the embedded queue begins
// empty.
func (db *DB) RequeueAll(ctx context.Context) (int, error) {
	return db.requeue(ctx, `UPDATE messages SET state = 'planned', epoch = epoch + 1 WHERE state = 'enqueued'`)
}

func (db *DB) requeue(ctx context.Context, query string, args ...any) (int, error) {
	var n int64
	err := db.update(ctx, "take messages back from the queue", func(tx *sqlx.Tx) error {
		res, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return int(n), err
}

// LapsedSends ends the sends whose lease has lapsed: their sender died, or hangs,
// after it may have called the provider. They become uncertain; those that may
// be tried again (RetryUncertain) become planned with a new epoch. Either way
// the attempt is closed as uncertain. It lists the messages.
func (db *DB) LapsedSends(ctx context.Context, now time.Time) ([]steward.MessageID, error) {
	var out []steward.MessageID
	err := db.update(ctx, "end lapsed sends", func(tx *sqlx.Tx) error {
		out = nil
		lapsed, err := selectMessages(ctx, tx, `SELECT * FROM messages WHERE state = 'sending' AND lease <= ? ORDER BY id`, now.Unix())
		if err != nil {
			return err
		}
		for _, m := range lapsed {
			s := steward.Settlement{State: steward.Uncertain, Reason: steward.ReasonOutcomeLost,
				Detail: fmt.Sprintf("the sender did not come back from attempt %d; it may have been delivered", m.Attempts)}
			if err := closeAttempt(ctx, tx, m.ID, s, now, true); err != nil {
				return err
			}
			if m.RetryUncertain {
				s.State, s.Due, s.Detail = steward.Planned, now, s.Detail+"; it is tried again"
			}
			if err := leaveSending(ctx, tx, m, s, now, m.Attempts); err != nil {
				return err
			}
			out = append(out, m.ID)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
