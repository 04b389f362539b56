package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Suppress ends mail to an address. Doing so again is nothing: the first
// reason stays.
func (db *DB) Suppress(ctx context.Context, email, reason, source string, now time.Time) error {
	email = address(email)
	if email == "" {
		return fmt.Errorf("suppress: there is no address")
	}
	return db.update(ctx, "suppress an address", func(tx *sqlx.Tx) error {
		return suppress(ctx, tx, steward.Suppression{Address: email, Reason: reason, Source: source, At: now})
	})
}

func suppress(ctx context.Context, tx *sqlx.Tx, s steward.Suppression) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO suppressions (address, reason, source, at) VALUES (?, ?, ?, ?) ON CONFLICT (address) DO NOTHING`,
		address(s.Address), s.Reason, s.Source, seconds(s.At))
	return err
}

// Unsuppress allows mail to an address again, or tells ErrNotFound.
func (db *DB) Unsuppress(ctx context.Context, email string) error {
	return db.update(ctx, "allow an address again", func(tx *sqlx.Tx) error {
		return oneRow(tx.ExecContext(ctx, `DELETE FROM suppressions WHERE address = ?`, address(email)))(
			fmt.Errorf("the address is not suppressed: %w", ErrNotFound))
	})
}

// Suppressions reads who gets no mail, or none of some topics, in order.
func (db *DB) Suppressions(ctx context.Context) ([]steward.Suppression, error) {
	var rows []struct {
		Address string        `db:"address"`
		Topic   steward.Topic `db:"topic"`
		Reason  string        `db:"reason"`
		Source  string        `db:"source"`
		At      int64         `db:"at"`
	}
	err := db.view(ctx, "read suppressions", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `
			SELECT address, '' AS topic, reason, source, at FROM suppressions
			UNION ALL SELECT address, topic, '' AS reason, source, at FROM preferences
			ORDER BY address, topic`)
	})
	var out []steward.Suppression
	for _, r := range rows {
		s := steward.Suppression{Address: r.Address, Topic: r.Topic, Reason: r.Reason, Source: r.Source, At: instant(r.At)}
		if s.Topic != "" {
			s.Reason = steward.TopicWhy(s.Topic, s.Source)
		}
		out = append(out, s)
	}
	return out, err
}

// SuppressedAddresses is the reason of every suppression.
func (db *DB) SuppressedAddresses(ctx context.Context) (steward.OptOuts, error) {
	all, err := db.Suppressions(ctx)
	if err != nil {
		return nil, err
	}
	out := make(steward.OptOuts, len(all))
	for _, s := range all {
		why := s.Reason
		if s.Topic != "" {
			why = s.Source
		}
		out.Add(s.Address, s.Topic, why)
	}
	return out, nil
}
