package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Override keeps a person's word on an account's health. Words that were said
// before stay, under it: where it ends first, they stand again.
func (db *DB) Override(ctx context.Context, o steward.HealthOverride) error {
	if o.Because == "" || o.By == "" {
		return errors.New("override: it needs a reason and somebody who gives it")
	}
	if o.Until < o.From {
		return errors.New("override: it ends before it begins")
	}
	return db.update(ctx, "keep what somebody says of health", func(tx *sqlx.Tx) error { return putOverride(ctx, tx, o) })
}

func putOverride(ctx context.Context, tx *sqlx.Tx, o steward.HealthOverride) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO health_overrides (account, health, from_day, until_day, because, by_whom, at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		o.Account, o.Health, o.From, o.Until, o.Because, o.By, o.At.Unix())
	return err
}

// ClearOverride takes back from a day on whatever stands of an account's health
// then or later, and tells how many words that were.
func (db *DB) ClearOverride(ctx context.Context, account steward.AccountID, by string, day steward.Day) (int, error) {
	n := 0
	err := db.update(ctx, "take back what was said of health", func(tx *sqlx.Tx) error {
		res, err := tx.ExecContext(ctx, `
			UPDATE health_overrides SET cleared = ?, cleared_by = ? WHERE account = ? AND until_day >= ? AND cleared IS NULL`,
			day, by, account, day)
		if err != nil {
			return err
		}
		rows, err := res.RowsAffected()
		n = int(rows)
		return err
	})
	return n, err
}

// Overrides reads all that was ever said of accounts' health, in the order in
// which it was said; of one account, unless it is "".
func (db *DB) Overrides(ctx context.Context, account steward.AccountID) ([]steward.HealthOverride, error) {
	var out []steward.HealthOverride
	err := db.view(ctx, "read what was said of health", func(tx *sqlx.Tx) (err error) {
		out, err = readOverrides(ctx, tx, account)
		return err
	})
	return out, err
}

func readOverrides(ctx context.Context, tx *sqlx.Tx, account steward.AccountID) ([]steward.HealthOverride, error) {
	var rows []struct {
		ID        int64             `db:"id"`
		Account   steward.AccountID `db:"account"`
		Health    float64           `db:"health"`
		From      int32             `db:"from_day"`
		Until     int32             `db:"until_day"`
		Because   string            `db:"because"`
		By        string            `db:"by_whom"`
		At        int64             `db:"at"`
		Cleared   sql.Null[int32]   `db:"cleared"`
		ClearedBy string            `db:"cleared_by"`
	}
	if err := tx.SelectContext(ctx, &rows, `SELECT * FROM health_overrides WHERE ? = '' OR account = ? ORDER BY id`, account, account); err != nil {
		return nil, err
	}
	out := make([]steward.HealthOverride, len(rows))
	for i, r := range rows {
		out[i] = steward.HealthOverride{ID: r.ID, Account: r.Account, Health: r.Health, From: steward.Day(r.From), Until: steward.Day(r.Until),
			Because: r.Because, By: r.By, At: instant(r.At), Cleared: dayOf(r.Cleared), ClearedBy: r.ClearedBy}
	}
	return out, nil
}
