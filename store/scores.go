package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"steward"
	"steward/series"
)

// scorePrefix begins the names of the series that Steward itself keeps. No name
// that a workspace can declare begins so.
const scorePrefix = "@"

// scoreBatch is how many accounts' scores are written in one transaction.
const scoreBatch = 200

// KeepScores keeps scores as those of a day, to a tenth: a history of ten
// thousand accounts stays a byte or two a day each. What the day has already
// is not written again, so that doing it twice is doing it once. It goes in
// transactions of some hundred accounts, each conditional on the run's term
// (ErrStaleTerm); a run without a Job is not.
func (db *DB) KeepScores(ctx context.Context, run steward.Run, day steward.Day, scores []steward.Score) error {
	scores = slices.Clone(scores)
	slices.SortStableFunc(scores, func(a, b steward.Score) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Name, b.Name))
	})
	for len(scores) > 0 {
		n, accounts := 0, 0
		for n < len(scores) {
			if n == 0 || scores[n].Account != scores[n-1].Account {
				if accounts++; accounts > scoreBatch {
					break
				}
			}
			n++
		}
		if err := db.keepScores(ctx, run, day, scores[:n]); err != nil {
			return err
		}
		scores = scores[n:]
	}
	return nil
}

func (db *DB) keepScores(ctx context.Context, run steward.Run, day steward.Day, scores []steward.Score) error {
	return db.update(ctx, "keep scores", func(tx *sqlx.Tx) error {
		if run.Job != "" {
			if err := holdRun(ctx, tx, run); err != nil {
				return err
			}
		}
		w, err := newSeriesWriter(ctx, tx)
		if err != nil {
			return err
		}
		defer w.close()
		for _, s := range scores {
			if math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
				return fmt.Errorf("%s of account %s is not a number", s.Name, s.Account)
			}
			one, err := series.New(day, []float64{math.Round(s.Value*10) / 10})
			if err != nil {
				return err
			}
			if _, err := w.merge(SeriesKey{s.Account, scorePrefix + s.Name}, one); err != nil {
				return err
			}
		}
		return nil
	})
}

// Scores reads every kept score of an account, by name.
func (db *DB) Scores(ctx context.Context, account steward.AccountID) (map[string]series.Series, error) {
	out := map[string]series.Series{}
	err := db.view(ctx, "read scores", func(tx *sqlx.Tx) error {
		var rows []struct {
			Metric string `db:"metric"`
			Block  []byte `db:"block"`
		}
		// 'A' follows '@': a range, which the key serves.
		if err := tx.SelectContext(ctx, &rows, `SELECT metric, block FROM series WHERE account = ? AND metric >= '@' AND metric < 'A'`, account); err != nil {
			return err
		}
		for _, r := range rows {
			s, err := series.Decode(r.Block)
			if err != nil {
				return &damagedError{findings: []string{fmt.Sprintf("series %s of account %s: %v", r.Metric, account, err)}}
			}
			out[strings.TrimPrefix(r.Metric, scorePrefix)] = s
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// A seriesWriter merges days into stored series.
type seriesWriter struct {
	ctx      context.Context
	get, put *sqlx.Stmt
}

func newSeriesWriter(ctx context.Context, tx *sqlx.Tx) (*seriesWriter, error) {
	get, err := tx.PreparexContext(ctx, `SELECT block FROM series WHERE account = ? AND metric = ?`)
	if err != nil {
		return nil, err
	}
	put, err := tx.PreparexContext(ctx, `
		INSERT INTO series (account, metric, block) VALUES (?, ?, ?)
		ON CONFLICT (account, metric) DO UPDATE SET block = excluded.block`)
	if err != nil {
		_ = get.Close()
		return nil, err
	}
	return &seriesWriter{ctx, get, put}, nil
}

func (w *seriesWriter) close() {
	_ = w.get.Close()
	_ = w.put.Close()
}

// merge puts the days of a series over those that are stored, and tells whether
// that changed anything.
func (w *seriesWriter) merge(key SeriesKey, days series.Series) (changed bool, err error) {
	var old []byte
	err = w.get.GetContext(w.ctx, &old, string(key.Account), key.Metric)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	merged := days
	if err == nil {
		before, err := series.Decode(old)
		if err != nil {
			return false, &damagedError{findings: []string{fmt.Sprintf("series %s of account %s: %v", key.Metric, key.Account, err)}}
		}
		merged = series.Merge(before, days)
	}
	block := series.Encode(merged)
	if bytes.Equal(block, old) {
		return false, nil
	}
	_, err = w.put.ExecContext(w.ctx, string(key.Account), key.Metric, block)
	return err == nil, err
}
