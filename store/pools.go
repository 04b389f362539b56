package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// TakeOver notes that a person claimed enrolments from a pool, or for an account
// that nobody owns: they are taken on, and what they say to the owner from now on
// is said to that person. All of them or none: ErrConflict names one that somebody
// else took on, ErrSettled one that has ended. Doing so again is nothing.
func (db *DB) TakeOver(ctx context.Context, ids []steward.EnrolmentID, by steward.OwnerID, now time.Time) error {
	return db.update(ctx, fmt.Sprintf("claim %d enrolments", len(ids)), func(tx *sqlx.Tx) error {
		for _, id := range ids {
			if err := takeOver(ctx, tx, id, by, now); err != nil {
				return fmt.Errorf("enrolment %s: %w", id, err)
			}
		}
		return nil
	})
}

func takeOver(ctx context.Context, tx *sqlx.Tx, id steward.EnrolmentID, by steward.OwnerID, now time.Time) error {
	row, err := getEnrolment(ctx, tx, id)
	if err != nil {
		return err
	}
	e, err := row.noun()
	switch {
	case err != nil:
		return err
	case !e.State.Open():
		return fmt.Errorf("it is %s (%s): %w", e.State, e.Reason, ErrSettled)
	case e.ClaimedBy == by:
		return nil
	case e.ClaimedBy != "":
		return fmt.Errorf("%s claimed it at %s: %w", e.ClaimedBy, e.AckedAt.Format(time.RFC3339), ErrConflict)
	case !e.AckedAt.IsZero() && e.AckedBy != string(by):
		return fmt.Errorf("%s took it on at %s: %w", e.AckedBy, e.AckedAt.Format(time.RFC3339), ErrConflict)
	}
	// Advance looks at it at once, and hands over what was not sent yet. One that is
	// held back begins when it is released.
	if _, err := tx.ExecContext(ctx, `
		UPDATE enrolments SET claimed_by = ?, acked_at = CASE WHEN acked_at = 0 THEN ? ELSE acked_at END, acked_by = ?,
			due = ?, rev = rev + 1, changed_at = ? WHERE id = ?`,
		by, now.Unix(), by, now.Unix(), now.Unix(), id); err != nil {
		return err
	}
	if err := claimTasks(ctx, tx, id, by); err != nil {
		return err
	}
	if err := repaintOf(ctx, tx, id, now); err != nil {
		return err
	}
	return putRecord(ctx, tx, recordOf(e, now, steward.Decision{Effect: steward.Pass, Reason: steward.ReasonClaimed, Detail: "claimed by " + string(by)}))
}

// Unclaimed reads the open enrolments that nobody has taken on, of which a card
// went to one of the pools since a moment, by pool and then longest ago first.
func (db *DB) Unclaimed(ctx context.Context, pools []steward.OwnerID, since time.Time) ([]steward.Unclaimed, error) {
	var out []steward.Unclaimed
	err := db.view(ctx, "read what pools have not claimed", func(tx *sqlx.Tx) error {
		for _, pool := range pools {
			var rows []struct {
				Sent int64 `db:"sent"`
				enrolmentRow
			}
			if err := tx.SelectContext(ctx, &rows, unclaimedQuery, pool, since.Unix()); err != nil {
				return err
			}
			for _, r := range rows {
				e, err := r.noun()
				if err != nil {
					return err
				}
				out = append(out, steward.Unclaimed{Enrolment: e, Pool: pool, Sent: instant(r.Sent)})
			}
		}
		return nil
	})
	// The first card about each counts.
	slices.SortFunc(out, func(a, b steward.Unclaimed) int {
		return cmp.Or(strings.Compare(string(a.Pool), string(b.Pool)), a.Sent.Compare(b.Sent), strings.Compare(string(a.Enrolment.ID), string(b.Enrolment.ID)))
	})
	seen := map[steward.EnrolmentID]bool{}
	return slices.DeleteFunc(out, func(u steward.Unclaimed) bool {
		again := seen[u.Enrolment.ID]
		seen[u.Enrolment.ID] = true
		return again
	}), err
}

// unclaimedQuery begins at the pool's messages of late: what is open is found
// from there, however much there is.
const unclaimedQuery = `
	SELECT m.settled AS sent, e.*
	FROM messages m JOIN outreach o ON o.message = m.id JOIN enrolments e ON e.id = o.enrolment
	WHERE m.owner = ? AND m.planned >= ? AND m.kind = 'card' AND (m.state = 'sent' OR m.state = 'uncertain')
		AND (e.state = 'active' OR e.state = 'waiting') AND e.acked_at = 0`
