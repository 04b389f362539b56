package store

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"steward"
	"steward/series"
)

var benchMetrics = []string{"active_users", "exports", "logins", "reports_made", "spend"}

// BenchmarkSeries reads 20,000 accounts × 5 metrics × 400 days through the
// store, and the same data as one row per day, which is how it would be kept
// otherwise; both in points a second. With -short it is a twentieth of that.
func BenchmarkSeries(b *testing.B) {
	ctx, accounts, days := context.Background(), 20_000, 400
	if testing.Short() {
		accounts /= 20
	}
	db, err := Open(ctx, filepath.Join(b.TempDir(), "steward.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	batch := Batch{Source: "usage", At: start, Metrics: benchMetrics, Series: make(map[SeriesKey]series.Series, accounts*len(benchMetrics))}
	for a := range accounts {
		for m, metric := range benchMetrics {
			values := make([]float64, days)
			for d := range values {
				values[d] = benchValue(a, m, d)
			}
			s, err := series.New(20_000, values)
			if err != nil {
				b.Fatal(err)
			}
			batch.Series[SeriesKey{steward.AccountID(benchAccount(a)), metric}] = s
		}
	}
	if _, err := db.Import(ctx, batch); err != nil {
		b.Fatal(err)
	}
	batch.Series = nil
	points := float64(accounts * len(benchMetrics) * days)

	b.Run("packed", func(b *testing.B) {
		for b.Loop() {
			read, err := db.Series(ctx, benchMetrics)
			if err != nil {
				b.Fatal(err)
			}
			if len(read["logins"]) != accounts {
				b.Fatalf("%d accounts", len(read["logins"]))
			}
		}
		b.ReportMetric(points*float64(b.N)/b.Elapsed().Seconds(), "points/s")
	})
	b.Run("row-per-day", func(b *testing.B) {
		// A row a day takes a gigabyte for the whole; a tenth of the accounts says
		// as much about points a second.
		some := accounts / 10
		writeDailyRows(b, db, some, days)
		some *= len(benchMetrics) * days
		for b.Loop() {
			if n := readDailyRows(b, db); n != some {
				b.Fatalf("%d points, want %d", n, some)
			}
		}
		b.ReportMetric(float64(some)*float64(b.N)/b.Elapsed().Seconds(), "points/s")
	})
}

func benchAccount(a int) string { return fmt.Sprintf("001A0000%07d", a) }

// benchValue gives small whole numbers with a weekday rhythm, and money.
func benchValue(account, metric, day int) float64 {
	v := float64((account*7+metric*13+day*3)%50) * []float64{1, 1, 1, .2, 1, .1, 1}[day%7]
	if metric == 4 {
		return math.Round(v*123.45) / 100
	}
	return math.Floor(v)
}

func writeDailyRows(b *testing.B, db *DB, accounts, days int) {
	b.Helper()
	db.write.MustExec(`
		CREATE TABLE IF NOT EXISTS daily (account TEXT NOT NULL, metric TEXT NOT NULL, day INTEGER NOT NULL, value DOUBLE PRECISION NOT NULL,
			PRIMARY KEY (account, metric, day)) WITHOUT ROWID`)
	tx := db.write.MustBegin()
	defer func() { _ = tx.Rollback() }()
	put, err := tx.Preparex(`INSERT INTO daily VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`)
	if err != nil {
		b.Fatal(err)
	}
	for a := range accounts {
		for m, metric := range benchMetrics {
			for d := range days {
				put.MustExec(benchAccount(a), metric, 20_000+d, benchValue(a, m, d))
			}
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

// readDailyRows builds the same series from rows, without a struct for each.
func readDailyRows(b *testing.B, db *DB) (points int) {
	b.Helper()
	out := make(map[SeriesKey]series.Series)
	rows, err := db.read.Query(`SELECT account, metric, day, value FROM daily ORDER BY account, metric, day`)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var key SeriesKey
	var first steward.Day
	var values []float64
	keep := func() {
		if len(values) == 0 {
			return
		}
		s, err := series.New(first, values)
		if err != nil {
			b.Fatal(err)
		}
		out[key], values = s, nil
	}
	for rows.Next() {
		var k SeriesKey
		var day steward.Day
		var v float64
		if err := rows.Scan(&k.Account, &k.Metric, &day, &v); err != nil {
			b.Fatal(err)
		}
		if k != key {
			keep()
			key, first = k, day
		}
		values = append(values, v)
		points++
	}
	keep()
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return points
}

// BenchmarkDelivery is a message's way through the store: due, marked, claimed,
// frozen and settled, each of the last three one commit that reaches the disk.
func BenchmarkDelivery(b *testing.B) {
	ctx := context.Background()
	db, err := Open(ctx, filepath.Join(b.TempDir(), "steward.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	changes := make([]steward.Change, 0, 200)
	for i := range 200 {
		changes = append(changes, fullChange(steward.AccountID(benchAccount(i))))
		changes[i].Messages[0].Content = nil
	}
	for b.Loop() {
		b.StopTimer()
		for _, table := range []string{"records", "attempts", "outreach", "messages", "enrolments", "phases"} {
			db.write.MustExec(`DELETE FROM ` + table)
		}
		if _, err := db.Commit(ctx, steward.Run{}, changes, start); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		due, err := db.DueMessages(ctx, start, 0, steward.Channels()...)
		if err != nil {
			b.Fatal(err)
		}
		if err := db.MarkEnqueued(ctx, due, start); err != nil {
			b.Fatal(err)
		}
		// As many at a time as a worker sends: what comes together is written
		// together.
		var senders errgroup.Group
		for sender := range 32 {
			senders.Go(func() error {
				for i := sender; i < len(due); i += 32 {
					d := due[i]
					if _, _, err := db.Claim(ctx, d.ID, d.Epoch, start, time.Minute, func(steward.Dossier) (steward.Ruling, error) {
						return steward.Ruling{Content: &steward.Content{Title: "x"}}, nil
					}); err != nil {
						return err
					}
					if err := db.Settle(ctx, d.ID, d.Epoch, steward.Settlement{State: steward.Sent}, start); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := senders.Wait(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(200*b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkImport is a first import of 20,000 accounts with a contract, a
// contact, a touch and a short series each, and the same again.
func BenchmarkImport(b *testing.B) {
	ctx, n := context.Background(), 20_000
	if testing.Short() {
		n /= 20
	}
	batch := portfolioBatch(b, n)
	batch.Full = true
	for b.Loop() {
		db, err := Open(ctx, filepath.Join(b.TempDir(), "steward.db"), Options{})
		if err != nil {
			b.Fatal(err)
		}
		for range 2 {
			if _, err := db.Import(ctx, batch); err != nil {
				b.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(2*n*b.N)/b.Elapsed().Seconds(), "accounts/s")
}
