package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// repaint has cards drawn anew that were sent, or are on their way. One that was
// not tried yet shows how things stand when it goes.
func repaint(ctx context.Context, tx *sqlx.Tx, messages []steward.MessageID, now time.Time) error {
	for _, id := range messages {
		if _, err := tx.ExecContext(ctx, repaintQuery+`id = ?`+repaintAgain, now.Unix(), id); err != nil {
			return fmt.Errorf("repaint %s: %w", id, err)
		}
		if err := repaintAsking(ctx, tx, id, now); err != nil { // of a mail it is the card that asks about it
			return fmt.Errorf("repaint what asks about %s: %w", id, err)
		}
	}
	return nil
}

// One that was tried may be there, and shows how things stood then, whatever is
// learnt of it later.
const (
	repaintQuery = `
		INSERT INTO edits (message, wanted, painted, due, attempts, detail)
		SELECT id, 1, 0, ?, 0, '' FROM messages WHERE channel = 'slack' AND attempts > 0 AND state NOT IN ('failed', 'suppressed', 'expired') AND `
	repaintAgain = ` ON CONFLICT (message) DO UPDATE SET wanted = edits.wanted + 1, due = excluded.due, attempts = 0, detail = ''`
)

// repaintOf has the cards drawn anew that carry something of an enrolment.
func repaintOf(ctx context.Context, tx *sqlx.Tx, id steward.EnrolmentID, now time.Time) error {
	_, err := tx.ExecContext(ctx, repaintQuery+`id IN (SELECT message FROM outreach WHERE enrolment = ?)`+repaintAgain, now.Unix(), id)
	return err
}

// repaintChanged is repaintOf for an enrolment that is about to be written, where
// it differs from what is stored in something that cards show.
func repaintChanged(ctx context.Context, tx *sqlx.Tx, e enrolmentRow) error {
	query, args, err := tx.BindNamed(repaintQuery+`id IN (
			SELECT o.message FROM enrolments e JOIN outreach o ON o.enrolment = e.id
			WHERE e.id = :id AND (e.ended_at <> :ended_at OR e.acked_at <> :acked_at OR e.acked_by <> :acked_by OR e.claimed_by <> :claimed_by
				OR e.done_at <> :done_at OR e.snoozed_until <> :snoozed_until OR e.snoozed_for_change <> :snoozed_for_change
				OR e.finished_at <> :finished_at OR e.unhelpful <> :unhelpful OR e.replied_at <> :replied_at))`+repaintAgain, e)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, query, append([]any{e.ChangedAt}, args...)...)
	return err
}

// repaintOver has the cards drawn anew of the enrolments of an episode that is
// over. Those that are still open change with it; of those that came to their
// last step before, nothing else does.
func repaintOver(ctx context.Context, tx *sqlx.Tx, p steward.PhaseState, now time.Time) error {
	_, err := tx.ExecContext(ctx, repaintQuery+`id IN (
			SELECT o.message FROM enrolments e JOIN outreach o ON o.enrolment = e.id
			WHERE e.playbook = ? AND e.kind = ? AND e.subject = ? AND e.episode = ? AND e.state = 'completed')`+repaintAgain,
		now.Unix(), p.Playbook, p.Subject.Kind, p.Subject.ID, p.Episode.Unix())
	return err
}

// repaintAsking has the cards drawn anew that asked for the approval of a mail.
func repaintAsking(ctx context.Context, tx *sqlx.Tx, mail steward.MessageID, now time.Time) error {
	_, err := tx.ExecContext(ctx, repaintQuery+`id IN (SELECT card FROM asks WHERE mail = ?)`+repaintAgain, now.Unix(), mail)
	return err
}

// DueEdits reads up to limit cards that show something else than how things
// stand, longest due first. Of one whose place is not known yet nothing can be
// drawn.
func (db *DB) DueEdits(ctx context.Context, now time.Time, limit int) ([]steward.Edit, error) {
	var rows []struct {
		Message  steward.MessageID `db:"message"`
		Wanted   int               `db:"wanted"`
		Attempts int               `db:"attempts"`
	}
	err := db.view(ctx, "read due edits", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `
			SELECT e.message, e.wanted, e.attempts FROM edits e
			WHERE e.painted < e.wanted AND e.due <= ?
				AND EXISTS (SELECT 1 FROM messages m WHERE m.id = e.message AND m.ref <> '' AND (m.state = 'sent' OR m.state = 'uncertain'))
			ORDER BY e.due, e.message LIMIT ?`, now.Unix(), rowLimit(limit))
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

// EditFailed puts an edit off. One that was wanted anew meanwhile is due as it is.
func (db *DB) EditFailed(ctx context.Context, e steward.Edit, until time.Time, detail string) error {
	return db.updateStates(ctx, "put an edit off", func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE edits SET due = ?, attempts = ?, detail = ? WHERE message = ? AND wanted = ?`, until.Unix(), e.Attempts+1, detail, e.Message, e.Wanted)
		return err
	})
}
