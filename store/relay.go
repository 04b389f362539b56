package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// DueMessages moves deferred messages whose time has come back to planned,
// each with a new epoch, and reads up to limit planned ones of the channels
// that are due (all, for 0), longest due first.
func (db *DB) DueMessages(ctx context.Context, now time.Time, limit int, channels ...steward.Channel) ([]steward.Due, error) {
	var found []dueRow
	err := db.updateStates(ctx, "read due messages", func(tx *sqlx.Tx) error {
		// The reason stays: it says why the message is as late as it is.
		if _, err := tx.ExecContext(ctx, wakeQuery, now.Unix()); err != nil {
			return err
		}
		// A query for each, so that one channel's backlog is not read through to
		// find what is due in another.
		for _, channel := range channels {
			var rows []dueRow
			if err := tx.SelectContext(ctx, &rows, dueMessagesQuery, channel, now.Unix(), rowLimit(limit)); err != nil {
				return err
			}
			found = append(found, rows...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b dueRow) int { return cmp.Compare(a.Due, b.Due) })
	if limit > 0 && len(found) > limit {
		found = found[:limit]
	}
	return each(found, dueRow.noun)
}

const (
	wakeQuery        = `UPDATE messages SET state = 'planned', epoch = epoch + 1 WHERE state = 'deferred' AND due <= ?`
	dueMessagesQuery = `SELECT id, epoch, channel, due FROM messages WHERE state = 'planned' AND channel = ? AND due <= ? ORDER BY due, urgency DESC, id LIMIT ?`
)

type dueRow struct {
	ID      steward.MessageID `db:"id"`
	Epoch   int               `db:"epoch"`
	Channel steward.Channel   `db:"channel"`
	Due     int64             `db:"due"`
	Task    string            `db:"task"`
}

func (r dueRow) noun() (steward.Due, error) {
	return steward.Due{ID: r.ID, Epoch: r.Epoch, Channel: r.Channel, Task: r.Task}, nil
}

// MarkEnqueued notes that the messages are in the queue since now, each with
// its Task. One that is no
// longer planned under its epoch, because its handler was quicker, is left as
// it is.
func (db *DB) MarkEnqueued(ctx context.Context, due []steward.Due, now time.Time) error {
	if len(due) == 0 {
		return nil
	}
	return db.updateStates(ctx, "mark messages as enqueued", func(tx *sqlx.Tx) error {
		mark, err := tx.PreparexContext(ctx,
			`UPDATE messages SET state = 'enqueued', enqueued_at = ?, task = ? WHERE id = ? AND epoch = ? AND state = 'planned'`)
		if err != nil {
			return err
		}
		defer mark.Close()
		for _, d := range due {
			if _, err := mark.ExecContext(ctx, now.Unix(), d.Task, d.ID, d.Epoch); err != nil {
				return err
			}
		}
		return nil
	})
}

// Enqueued reads up to limit messages that were put into the queue before since,
// longest ago first. One that was put there after now was so by a clock that has
// been set back, and is among them.
func (db *DB) Enqueued(ctx context.Context, since, now time.Time, limit int) ([]steward.Due, error) {
	var rows []dueRow
	err := db.view(ctx, "read what is in the queue", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, enqueuedQuery, since.Unix()+1, now.Unix(), rowLimit(limit))
	})
	if err != nil {
		return nil, err
	}
	return each(rows, dueRow.noun)
}

const enqueuedQuery = `
	SELECT id, epoch, channel, due, task FROM messages
	WHERE state = 'enqueued' AND enqueued_at NOT BETWEEN ? AND ? ORDER BY enqueued_at, id LIMIT ?`

// InQueue counts a channel's messages that are in the queue.
func (db *DB) InQueue(ctx context.Context, channel steward.Channel) (int, error) {
	var n int
	err := db.view(ctx, "count what is in the queue", func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &n, `SELECT COUNT(*) FROM messages WHERE state = 'enqueued' AND channel = ?`, channel)
	})
	return n, err
}

// Requeue moves messages that the queue has lost back to planned, each with a
// new epoch, and tells how many. One that is no longer enqueued under its epoch
// is left as it is. A task that turns up after all finds its epoch gone.
func (db *DB) Requeue(ctx context.Context, lost []steward.Due) (int, error) {
	var n int64
	err := db.updateStates(ctx, "take messages back from the queue", func(tx *sqlx.Tx) error {
		n = 0
		for _, d := range lost {
			res, err := tx.ExecContext(ctx, `
				UPDATE messages SET state = 'planned', epoch = epoch + 1 WHERE id = ? AND epoch = ? AND state = 'enqueued'`, d.ID, d.Epoch)
			if err != nil {
				return err
			}
			moved, err := res.RowsAffected()
			if err != nil {
				return err
			}
			n += moved
		}
		return nil
	})
	return int(n), err
}

// RequeueAll does so for every message in the queue, when a worker begins.
func (db *DB) RequeueAll(ctx context.Context) (int, error) {
	var n int64
	err := db.updateStates(ctx, "take messages back from the queue", func(tx *sqlx.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE messages SET state = 'planned', epoch = epoch + 1 WHERE state = 'enqueued'`)
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
// be tried again (RetryUncertain) become planned with a new epoch, in doubt.
// Either way the attempt is closed as uncertain. It lists the messages.
//
// lease is how long senders hold a message. One that is held for longer than
// that from now on was claimed by a clock that has been set back since, and is
// lapsed, too: its sender may be long dead.
func (db *DB) LapsedSends(ctx context.Context, now time.Time, lease time.Duration) ([]steward.MessageID, error) {
	var out []steward.MessageID
	err := db.updateStates(ctx, "end lapsed sends", func(tx *sqlx.Tx) error {
		out = nil
		if err := tx.SelectContext(ctx, &out, lapsedSendsQuery, now.Unix(), now.Add(lease).Unix()); err != nil || len(out) == 0 {
			return err
		}
		w := &mover{ctx: ctx, tx: tx}
		defer w.close()
		lapsed, err := readDepartures(ctx, tx, out, out)
		if err != nil {
			return err
		}
		for _, id := range out {
			m := lapsed[id]
			end := steward.Settlement{State: steward.Uncertain, Reason: steward.ReasonOutcomeLost, Doubt: true, Started: instant(m.Lease).Add(-lease),
				Detail: fmt.Sprintf("the sender did not come back from attempt %d; it may have been delivered", m.Attempts)}
			if m.RetryUncertain {
				end.State, end.Due, end.Detail = steward.Planned, now, end.Detail+"; it is looked for, and tried again if it is not there"
			}
			if _, err := w.leaves(m, move{id: id, epoch: m.Epoch, now: now, end: end}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

const lapsedSendsQuery = `SELECT id FROM messages WHERE state = 'sending' AND (lease <= ? OR lease > ?) ORDER BY id`
