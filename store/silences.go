package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

type silenceRow struct {
	ID            int64                `db:"id"`
	Account       steward.AccountID    `db:"account"`
	Owner         steward.OwnerID      `db:"owner"`
	Playbook      steward.PlaybookName `db:"playbook"`
	Condition     string               `db:"condition"`
	From          int64                `db:"from_at"`
	Until         int64                `db:"until_at"`
	UntilResolved bool                 `db:"until_resolved"`
	Because       string               `db:"because"`
	By            string               `db:"by_whom"`
	ByOwner       steward.OwnerID      `db:"by_owner"`
	Ended         int64                `db:"ended_at"`
	EndedBy       string               `db:"ended_by"`
}

func (r silenceRow) noun() (steward.Silence, error) {
	return steward.Silence{ID: r.ID, Account: r.Account, Owner: r.Owner, Playbook: r.Playbook, When: r.Condition, From: instant(r.From), Until: instant(r.Until),
		UntilResolved: r.UntilResolved, Because: r.Because, By: r.By, ByOwner: r.ByOwner, Ended: instant(r.Ended), EndedBy: r.EndedBy}, nil
}

// Silence keeps a silence, and tells its id.
func (db *DB) Silence(ctx context.Context, s steward.Silence) (int64, error) {
	var id int64
	err := db.update(ctx, "silence", func(tx *sqlx.Tx) error {
		s.ID = 0
		if err := putSilence(ctx, tx, s); err != nil {
			return err
		}
		return tx.GetContext(ctx, &id, `SELECT MAX(id) FROM silences`)
	})
	return id, err
}

// Unsilence ends a silence. ErrSettled when it is over, or never was.
func (db *DB) Unsilence(ctx context.Context, id int64, by string, now time.Time) error {
	return db.update(ctx, "end a silence", func(tx *sqlx.Tx) error {
		return putSilence(ctx, tx, steward.Silence{ID: id, Ended: now, EndedBy: by})
	})
}

// putSilence keeps a silence, or ends one that has an id.
func putSilence(ctx context.Context, tx *sqlx.Tx, s steward.Silence) error {
	if s.ID != 0 {
		if err := oneRow(tx.ExecContext(ctx, `UPDATE silences SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at = 0`, seconds(s.Ended), s.EndedBy, s.ID))(
			fmt.Errorf("silence %d is over already, or never was: %w", s.ID, ErrSettled)); err != nil {
			return err
		}
		return wakeSilenced(ctx, tx, s.Ended)
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO silences (account, owner, playbook, condition, from_at, until_at, until_resolved, because, by_whom, by_owner, ended_at, ended_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '')`,
		s.Account, s.Owner, s.Playbook, s.When, seconds(s.From), seconds(s.Until), s.UntilResolved, s.Because, s.By, s.ByOwner)
	return err
}

// Silences reads those that stand, or all that ever were, oldest first.
func (db *DB) Silences(ctx context.Context, now time.Time, all bool) ([]steward.Silence, error) {
	var out []steward.Silence
	err := db.view(ctx, "read silences", func(tx *sqlx.Tx) (err error) {
		out, err = readSilences(ctx, tx, now, all)
		return err
	})
	return out, err
}

// EndSilences ends silences that are over, each at its Ended; of one that was
// ended before nothing is written.
func (db *DB) EndSilences(ctx context.Context, over []steward.Silence) error {
	if len(over) == 0 {
		return nil
	}
	return db.update(ctx, "end silences", func(tx *sqlx.Tx) error {
		for _, s := range over {
			if _, err := tx.ExecContext(ctx, `UPDATE silences SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at = 0`, seconds(s.Ended), s.EndedBy, s.ID); err != nil {
				return fmt.Errorf("silence %d: %w", s.ID, err)
			}
		}
		return wakeSilenced(ctx, tx, over[len(over)-1].Ended)
	})
}

// wakeSilenced has messages looked at again that a silence put off: which of
// them it was about, gates find out.
func wakeSilenced(ctx context.Context, tx *sqlx.Tx, now time.Time) error {
	_, err := tx.ExecContext(ctx, wakeSilencedQuery, now.Unix(), steward.ReasonSilenced, now.Unix())
	return err
}

const wakeSilencedQuery = `UPDATE messages SET due = ? WHERE state = 'deferred' AND reason = ? AND due > ?`

// unendedSilences is those that nobody ended, for gates, which look at the time
// themselves.
func unendedSilences(ctx context.Context, tx *sqlx.Tx) ([]steward.Silence, error) {
	var rows []silenceRow
	if err := tx.SelectContext(ctx, &rows, `SELECT * FROM silences WHERE ended_at = 0 ORDER BY id`); err != nil {
		return nil, err
	}
	return each(rows, silenceRow.noun)
}

func readSilences(ctx context.Context, tx *sqlx.Tx, now time.Time, all bool) ([]steward.Silence, error) {
	var rows []silenceRow
	if err := tx.SelectContext(ctx, &rows, `
		SELECT * FROM silences WHERE ? OR ended_at = 0 AND from_at <= ? AND (until_at = 0 OR until_at > ?) ORDER BY id`, all, now.Unix(), now.Unix()); err != nil {
		return nil, err
	}
	return each(rows, silenceRow.noun)
}
