package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// A Suppression is an address that gets no more mail.
type Suppression struct {
	Address string    `json:"address"` // in lower case
	Reason  string    `json:"reason"`
	Source  string    `json:"source"` // where it came from: a link, a bounce, a person
	At      time.Time `json:"at"`
}

// Suppress ends mail to an address. Doing so again is nothing: the first
// reason stays.
func (db *DB) Suppress(ctx context.Context, email, reason, source string, now time.Time) error {
	email = address(email)
	if email == "" {
		return fmt.Errorf("suppress: there is no address")
	}
	return db.update(ctx, "suppress an address", func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO suppressions (address, reason, source, at) VALUES (?, ?, ?, ?) ON CONFLICT (address) DO NOTHING`,
			email, reason, source, now.Unix())
		return err
	})
}

// Unsuppress allows mail to an address again, or tells ErrNotFound.
func (db *DB) Unsuppress(ctx context.Context, email string) error {
	return db.update(ctx, "allow an address again", func(tx *sqlx.Tx) error {
		return oneRow(tx.ExecContext(ctx, `DELETE FROM suppressions WHERE address = ?`, address(email)))(
			fmt.Errorf("the address is not suppressed: %w", ErrNotFound))
	})
}

// Suppressions reads every suppressed address, in order.
func (db *DB) Suppressions(ctx context.Context) ([]Suppression, error) {
	var rows []struct {
		Address string `db:"address"`
		Reason  string `db:"reason"`
		Source  string `db:"source"`
		At      int64  `db:"at"`
	}
	err := db.view(ctx, "read suppressions", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT * FROM suppressions ORDER BY address`)
	})
	var out []Suppression
	for _, r := range rows {
		out = append(out, Suppression{Address: r.Address, Reason: r.Reason, Source: r.Source, At: instant(r.At)})
	}
	return out, err
}

// SuppressedAddresses is the reason of every suppression by its address, which
// is in lower case.
func (db *DB) SuppressedAddresses(ctx context.Context) (map[string]string, error) {
	all, err := db.Suppressions(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(all))
	for _, s := range all {
		out[s.Address] = s.Reason
	}
	return out, nil
}
