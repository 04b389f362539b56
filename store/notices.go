package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Notice plans a message to ops once for a key: again only after ForgetNotice,
// so that a condition that lasts is told once. It says whether the message was
// planned.
func (db *DB) Notice(ctx context.Context, key string, m steward.Message, now time.Time) (bool, error) {
	told := false
	err := db.update(ctx, "notice "+key, func(tx *sqlx.Tx) error {
		var known int
		if err := tx.GetContext(ctx, &known, `SELECT COUNT(*) FROM notices WHERE key = ?`, key); err != nil || known > 0 {
			return err
		}
		added, err := putMessage(ctx, tx, m)
		if err != nil {
			return err
		}
		if !added {
			// It would be lost without a word.
			return fmt.Errorf("message %s was planned before; a new notice needs an id of its own: %w", m.ID, ErrConflict)
		}
		told = true
		_, err = tx.ExecContext(ctx, `INSERT INTO notices (key, message, at) VALUES (?, ?, ?)`, key, m.ID, now.Unix())
		return err
	})
	return told && err == nil, err
}

// ForgetNotice has the next Notice for the key told again: the condition is
// over.
func (db *DB) ForgetNotice(ctx context.Context, key string) error {
	return db.update(ctx, "forget notice "+key, func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM notices WHERE key = ?`, key)
		return err
	})
}

// Notices reads the keys that were told and not forgotten.
func (db *DB) Notices(ctx context.Context) ([]string, error) {
	var keys []string
	err := db.view(ctx, "read notices", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &keys, `SELECT key FROM notices ORDER BY key`)
	})
	return keys, err
}
