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
	Ended         int64                `db:"ended_at"`
	EndedBy       string               `db:"ended_by"`
}

func (r silenceRow) noun() (steward.Silence, error) {
	return steward.Silence{ID: r.ID, Account: r.Account, Owner: r.Owner, Playbook: r.Playbook, When: r.Condition, From: instant(r.From), Until: instant(r.Until),
		UntilResolved: r.UntilResolved, Because: r.Because, By: r.By, Ended: instant(r.Ended), EndedBy: r.EndedBy}, nil
}

// putSilence keeps a silence, or ends one that has an id.
func putSilence(ctx context.Context, tx *sqlx.Tx, s steward.Silence) error {
	if s.ID != 0 {
		return oneRow(tx.ExecContext(ctx, `UPDATE silences SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at = 0`, seconds(s.Ended), s.EndedBy, s.ID))(
			fmt.Errorf("silence %d is over already, or never was: %w", s.ID, ErrSettled))
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO silences (account, owner, playbook, condition, from_at, until_at, until_resolved, because, by_whom, ended_at, ended_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '')`,
		s.Account, s.Owner, s.Playbook, s.When, seconds(s.From), seconds(s.Until), s.UntilResolved, s.Because, s.By)
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

func readSilences(ctx context.Context, tx *sqlx.Tx, now time.Time, all bool) ([]steward.Silence, error) {
	var rows []silenceRow
	if err := tx.SelectContext(ctx, &rows, `
		SELECT * FROM silences WHERE ? OR ended_at = 0 AND from_at <= ? AND (until_at = 0 OR until_at > ?) ORDER BY id`, all, now.Unix(), now.Unix()); err != nil {
		return nil, err
	}
	return each(rows, silenceRow.noun)
}
