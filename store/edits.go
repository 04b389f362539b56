package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// repaint has cards drawn anew that were sent. One that was not sent yet shows
// how things stand when it goes.
func repaint(ctx context.Context, tx *sqlx.Tx, messages []steward.MessageID, now time.Time) error {
	for _, id := range messages {
		if _, err := tx.ExecContext(ctx, repaintQuery+`id = ?`+repaintAgain, now.Unix(), id); err != nil {
			return fmt.Errorf("repaint %s: %w", id, err)
		}
	}
	return nil
}

// A message without a ref was never learnt to be anywhere.
const (
	repaintQuery = `
		INSERT INTO edits (message, wanted, painted, due, attempts, detail)
		SELECT id, 1, 0, ?, 0, '' FROM messages WHERE channel = 'slack' AND ref <> '' AND (state = 'sent' OR state = 'uncertain') AND `
	repaintAgain = ` ON CONFLICT (message) DO UPDATE SET wanted = edits.wanted + 1, due = excluded.due, attempts = 0, detail = ''`
)

// DueEdits reads up to limit cards that show something else than how things
// stand, longest due first.
func (db *DB) DueEdits(ctx context.Context, now time.Time, limit int) ([]steward.Edit, error) {
	var rows []struct {
		Message  steward.MessageID `db:"message"`
		Wanted   int               `db:"wanted"`
		Attempts int               `db:"attempts"`
	}
	err := db.view(ctx, "read due edits", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT message, wanted, attempts FROM edits WHERE painted < wanted AND due <= ? ORDER BY due, message LIMIT ?`, now.Unix(), rowLimit(limit))
	})
	out := make([]steward.Edit, len(rows))
	for i, r := range rows {
		out[i] = steward.Edit{Message: r.Message, Wanted: r.Wanted, Attempts: r.Attempts}
	}
	return out, err
}

// Painted notes that a card shows what was wanted of it; what was wanted since is
// still due.
func (db *DB) Painted(ctx context.Context, e steward.Edit, detail string) error {
	return db.updateStates(ctx, "note an edit", func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE edits SET painted = MAX(painted, ?), detail = ? WHERE message = ?`, e.Wanted, detail, e.Message)
		return err
	})
}

// EditFailed puts an edit off.
func (db *DB) EditFailed(ctx context.Context, e steward.Edit, until time.Time, detail string) error {
	return db.updateStates(ctx, "put an edit off", func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE edits SET due = ?, attempts = ?, detail = ? WHERE message = ? AND wanted = ?`, until.Unix(), e.Attempts+1, detail, e.Message, e.Wanted)
		return err
	})
}
