package store

import (
	"context"

	"github.com/jmoiron/sqlx"

	"steward"
)

// putWord keeps what a person said of a row.
func putWord(ctx context.Context, tx *sqlx.Tx, w steward.Word) error {
	value, err := jsonColumn(w.Value)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO words (kind, id, account, field, value, day, words, by_whom, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		w.Kind, w.ID, w.Account, w.Field, value, w.Day, w.Text, w.By, seconds(w.At))
	return err
}
