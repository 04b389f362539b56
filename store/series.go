package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"steward"
	"steward/series"
)

// A SeriesKey names one daily series.
type SeriesKey struct {
	Account steward.AccountID
	Metric  string
}

// Series reads the series of the metrics for every account, also for accounts
// that no source has listed yet: by metric, then by account. A metric that
// nothing was imported for has an empty map.
func (db *DB) Series(ctx context.Context, metrics []string) (map[string]map[steward.AccountID]series.Series, error) {
	return db.readSeries(ctx, metrics, nil)
}

// SeriesOf is Series for a few accounts.
func (db *DB) SeriesOf(ctx context.Context, accounts []steward.AccountID, metrics []string) (map[string]map[steward.AccountID]series.Series, error) {
	if len(accounts) == 0 {
		accounts = []steward.AccountID{} // none, not all
	}
	return db.readSeries(ctx, metrics, accounts)
}

// readSeries reads the accounts named, or all of them for nil.
func (db *DB) readSeries(ctx context.Context, metrics []string, accounts []steward.AccountID) (map[string]map[steward.AccountID]series.Series, error) {
	out := make(map[string]map[steward.AccountID]series.Series, len(metrics))
	for _, m := range metrics {
		out[m] = make(map[steward.AccountID]series.Series)
	}
	if len(metrics) == 0 || accounts != nil && len(accounts) == 0 {
		return out, nil
	}
	err := db.view(ctx, "read series", func(tx *sqlx.Tx) error {
		if accounts == nil {
			query, args, err := sqlx.In(`SELECT account, metric, block FROM series WHERE metric IN (?)`, metrics)
			if err != nil {
				return err
			}
			return scanSeries(ctx, tx, out, query, args)
		}
		for part := range slices.Chunk(accounts, inLimit) {
			query, args, err := sqlx.In(
				`SELECT account, metric, block FROM series WHERE account IN (?) AND metric IN (?)`, part, metrics)
			if err != nil {
				return err
			}
			if err := scanSeries(ctx, tx, out, query, args); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// scanSeries reads rows by hand: this is the largest read of the program, and
// a struct for each row would be a third of its time.
func scanSeries(ctx context.Context, tx *sqlx.Tx, out map[string]map[steward.AccountID]series.Series, query string, args []any) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var account, metric string
	var block []byte
	for rows.Next() {
		if err := rows.Scan(&account, &metric, &block); err != nil {
			return err
		}
		s, err := series.Decode(block)
		if err != nil {
			return &damagedError{findings: []string{fmt.Sprintf("series %s of account %s: %v", metric, account, err)}}
		}
		out[metric][steward.AccountID(account)] = s
	}
	return rows.Err()
}
