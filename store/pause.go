package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jmoiron/sqlx"

	"steward"
)

// SetPause orders that nothing is sent, or renews the order with another
// reason.
func (db *DB) SetPause(ctx context.Context, p steward.Pause) error {
	if p.IsZero() {
		return errors.New("pause: it needs a time")
	}
	return db.update(ctx, "pause", func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO pause (id, at, by_whom, reason) VALUES (1, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET at = excluded.at, by_whom = excluded.by_whom, reason = excluded.reason`,
			p.At.Unix(), p.By, p.Reason)
		return err
	})
}

// ClearPause lets sending go on.
func (db *DB) ClearPause(ctx context.Context) error {
	return db.update(ctx, "end the pause", func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM pause`)
		return err
	})
}

// Pause reads the standing order; its zero value when there is none.
func (db *DB) Pause(ctx context.Context) (steward.Pause, error) {
	var p steward.Pause
	err := db.view(ctx, "read the pause", func(tx *sqlx.Tx) (err error) {
		p, err = readPause(ctx, tx)
		return err
	})
	return p, err
}

func readPause(ctx context.Context, tx *sqlx.Tx) (steward.Pause, error) {
	var row struct {
		At     int64  `db:"at"`
		By     string `db:"by_whom"`
		Reason string `db:"reason"`
	}
	err := tx.GetContext(ctx, &row, `SELECT at, by_whom, reason FROM pause WHERE id = 1`)
	if errors.Is(err, sql.ErrNoRows) {
		return steward.Pause{}, nil
	}
	return steward.Pause{At: instant(row.At), By: row.By, Reason: row.Reason}, err
}
