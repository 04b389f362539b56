package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Sources reads what is known of each source that was ever imported, by name.
func (db *DB) Sources(ctx context.Context) ([]steward.SourceState, error) {
	var rows []struct {
		Name            string          `db:"name"`
		CompleteThrough sql.Null[int32] `db:"complete_through"`
		NewestDay       sql.Null[int32] `db:"newest_day"`
		ImportedAt      int64           `db:"imported_at"`
		Metrics         string          `db:"metrics"`
		Kinds           string          `db:"kinds"`
	}
	err := db.view(ctx, "read sources", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT * FROM sources ORDER BY name`)
	})
	if err != nil {
		return nil, err
	}
	out := make([]steward.SourceState, len(rows))
	for i, r := range rows {
		metrics, err := jsonOf[[]string](r.Metrics, "metrics of source "+r.Name)
		if err != nil {
			return nil, err
		}
		kinds, err := jsonOf[[]string](r.Kinds, "kinds of source "+r.Name)
		if err != nil {
			return nil, err
		}
		out[i] = steward.SourceState{
			Name: r.Name, CompleteThrough: dayOf(r.CompleteThrough), NewestDay: dayOf(r.NewestDay),
			ImportedAt: instant(r.ImportedAt), Metrics: metrics, Kinds: kinds,
		}
	}
	return out, nil
}

// LastFiles reads which files the source's last import read; none before the
// first.
func (db *DB) LastFiles(ctx context.Context, source string) ([]FileMark, error) {
	var files string
	err := db.view(ctx, "read the last import's files", func(tx *sqlx.Tx) error {
		err := tx.GetContext(ctx, &files, `SELECT files FROM imports WHERE source = ? ORDER BY id DESC LIMIT 1`, source)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return jsonOf[[]FileMark](files, "files of source "+source)
}

// Held is what keeps a source back since its last import: why the next one was
// not made, or which of its days are not believed. Empty when nothing does.
func (db *DB) Held(ctx context.Context, source string) ([]Swing, error) {
	var out []Swing
	err := db.view(ctx, "read what is held", func(tx *sqlx.Tx) error {
		last, err := recallImport(ctx, tx, source)
		if err == nil && last != nil {
			out = append(last.Refused, last.Held...)
		}
		return err
	})
	return out, err
}

// Withdraw forgets that an import was refused: its files are again what was
// imported before.
func (db *DB) Withdraw(ctx context.Context, source string) error {
	return db.update(ctx, "withdraw a refused import", func(tx *sqlx.Tx) error {
		last, err := recallImport(ctx, tx, source)
		if err != nil || last == nil || len(last.Refused) == 0 {
			return err
		}
		last.Refused = nil
		return last.save(ctx, tx)
	})
}

// Rejects reads up to limit rejected rows of the source's last import (all that
// are kept, for 0), and how many there were in all.
func (db *DB) Rejects(ctx context.Context, source string, limit int) (rejects []Reject, total int, err error) {
	var rows []struct {
		File       string `db:"file"`
		Line       int    `db:"line"`
		Col        int    `db:"col"`
		ColumnName string `db:"column_name"`
		Reason     string `db:"reason"`
		Content    string `db:"content"`
		Warning    bool   `db:"warning"`
	}
	err = db.view(ctx, "read rejected rows", func(tx *sqlx.Tx) error {
		var id int64
		err := tx.QueryRowxContext(ctx,
			`SELECT id, rejected FROM imports WHERE source = ? ORDER BY id DESC LIMIT 1`, source).Scan(&id, &total)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.SelectContext(ctx, &rows, `
			SELECT file, line, col, column_name, reason, content, warning FROM import_rejects
			WHERE import = ? ORDER BY n LIMIT ?`, id, rowLimit(limit))
	})
	for _, r := range rows {
		rejects = append(rejects, Reject{File: r.File, Line: r.Line, Column: r.Col, ColumnName: r.ColumnName,
			Reason: r.Reason, Text: r.Content, Warning: r.Warning})
	}
	return rejects, total, err
}
