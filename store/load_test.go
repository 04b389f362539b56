package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"steward"
	"steward/series"
)

// load fills an empty database with what a large customer has after some
// years: so many messages that are waiting to be sent, and so many that are
// over, with the enrolments, outreach, attempts and records that belong to
// them. It writes by SQL alone, as the engine's own way would take an hour.
func load(tb testing.TB, db *DB, outstanding, past int) {
	tb.Helper()
	evidence, err := listColumn(enrolment("a", "b", start).Evidence)
	must(tb, err)
	tx := db.write.MustBegin()
	defer func() { _ = tx.Rollback() }()
	for _, q := range []struct {
		query string
		args  []any
	}{
		// Two messages to an enrolment. A subject was enrolled five times.
		{`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
		INSERT INTO enrolments (` + enrolmentColumns + `) SELECT printf('e-past%08d', i), 'login-drop', 'account', printf('a%06d', i % (1 + ? / 5)), printf('a%06d', i % (1 + ? / 5)),
			? + i, CASE i % 3 WHEN 0 THEN 'completed' ELSE 'exited' END, 'recovered', 'treatment', 'v1', 20000, '{}',
			?, ? + i, ? + i + 3600, 1, ? + i, 0, 0, '', 3, ? + i + 3600 FROM n`,
			[]any{past / 2, past / 2, past / 2, loadFrom, evidence, loadFrom, loadFrom, loadFrom, loadFrom}},
		{`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
		INSERT INTO enrolments (` + enrolmentColumns + `) SELECT printf('e-open%08d', i), 'adoption', 'account', printf('a%06d', i), printf('a%06d', i),
			?, 'active', '', 'treatment', 'v1', 20000, '{}',
			?, ?, 0, 0, ?, 0, 0, '', 1, ? FROM n`,
			[]any{outstanding, start.Unix(), evidence, start.Unix(), start.Unix(), start.Unix()}},
		{`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
		INSERT INTO messages (` + messageColumns + `) SELECT printf('m-past%08d', i), 'card', 'slack', '{"key":"owner","owner":"dana","slack":"U1"}', printf('o%03d', i % 200), '',
			printf('a%06d', i / 2 % (1 + ? / 5)), CASE WHEN i % 50 = 0 THEN 'uncertain' WHEN i % 50 = 1 THEN 'failed' WHEN i % 5 = 2 THEN 'suppressed' ELSE 'sent' END,
			1, ? + i / 2, 0, 0, 1, 'delivered', '', '{"title":"Acme","parts":[{"markdown":"' || hex(zeroblob(200)) || '"}]}', 1, '', '[]', 0, '', '', 0,
			'C1/1', ? + i / 2, ? + i / 2 + 60, ? + i / 2, '' FROM n`,
			[]any{past, past / 2, loadFrom, loadFrom, loadFrom, loadFrom}},
		{`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
		INSERT INTO messages (` + messageColumns + `) SELECT printf('m-open%08d', i), 'card', 'slack', '{"key":"owner","owner":"dana","slack":"U1"}', printf('o%03d', i % 200), '',
			printf('a%06d', i), CASE i % 10 WHEN 0 THEN 'deferred' WHEN 1 THEN 'awaiting_approval' ELSE 'planned' END, 0, ? + i % 10 / 9, 0, 0, 0, '', '', NULL, 0, '', '[]', 0, '', '', 0,
			'', ?, 0, 0, '' FROM n`,
			[]any{outstanding, start.Unix(), start.Unix()}},
		{`INSERT INTO outreach SELECT 'o' || substr(id, 2), CASE WHEN id LIKE 'm-open%' THEN 'e' || substr(id, 2) ELSE printf('e-past%08d', substr(id, 7) / 2) END,
			CASE WHEN id LIKE 'm-open%' THEN 'adoption' ELSE 'login-drop' END, 'account', account, account, 'nudge', '1', recipient, id, 'words', 'warning', 3, planned, '', '', '' FROM messages`, nil},
		{`INSERT INTO attempts SELECT id, 1, 0, planned, settled, state, reason, '', ref, 1 FROM messages WHERE settled > 0`, nil},
		{`INSERT INTO records (key, at, playbook, kind, subject, account, enrolment, outreach, message, step, effect, reason, detail, until)
			SELECT 'k' || id, planned, playbook, kind, subject, account, enrolment, id, message, step, 'pass', 'opened', 'logins fell from 42 to 13', 0 FROM outreach`, nil},
		{`INSERT INTO phases SELECT playbook, kind, subject, account, 'firing', episode, 20000, episode, 3, episode, '{}' FROM enrolments WHERE state = 'active'`, nil},
	} {
		if _, err := tx.ExecContext(context.Background(), q.query, q.args...); err != nil {
			tb.Fatalf("%v in %.80s", err, q.query)
		}
	}
	must(tb, tx.Commit())
}

// The columns that the load fills; later ones have what they have by default.
const (
	enrolmentColumns = `id, playbook, kind, subject, account, episode, state, reason, arm, version,
		episode_day, frozen, evidence, opened_at, ended_at, step, step_since, due, acked_at, acked_by, rev, changed_at`
	messageColumns = `id, kind, channel, recipient, owner, address, account, state, epoch, due, expires, lease,
		attempts, reason, detail, content, version, hash, approvers, veto, approved_by, for_message, retry_uncertain,
		ref, planned, settled, enqueued_at, task`
)

// loadFrom is when the first of the past messages was planned.
const loadFrom = 1_650_000_000

// BenchmarkLoad is what the worker does each minute and a person asks for now
// and then, with 100,000 messages that wait and 1,000,000 that are over, beside
// the same with 1,000 that are over. It reports the ratio of the two, in one
// run: what is past should weigh little. With -short it is a twentieth of that.
func BenchmarkLoad(b *testing.B) {
	outstanding, past := 100_000, 1_000_000
	if testing.Short() {
		outstanding, past = outstanding/20, past/20
	}
	open := func(past int) *DB {
		db, err := Open(context.Background(), filepath.Join(b.TempDir(), "steward.db"), Options{})
		must(b, err)
		b.Cleanup(func() { _ = db.Close() })
		load(b, db, outstanding, past)
		must(b, checkpoint(db))
		return db
	}
	small, large := open(1000), open(past)
	for _, c := range []struct {
		name string
		call func(context.Context, *DB) error
	}{
		{"relay-1000", func(ctx context.Context, db *DB) error {
			_, err := db.DueMessages(ctx, start, 1000, steward.Channels()...)
			return err
		}},
		{"claim-and-settle-1000", claimAndSettle},
		{"outreach", listing("")},
		{"outreach-sent", listing(steward.Sent)},
		{"outreach-uncertain", listing(steward.Uncertain)},
		{"outreach-planned", listing(steward.Planned)},
		{"advance", func(ctx context.Context, db *DB) error { _, err := db.DueEnrolments(ctx, start, 500); return err }},
		{"readiness", func(ctx context.Context, db *DB) error { return db.Ready(ctx) }},
		{"counts", func(ctx context.Context, db *DB) error { _, err := db.Counts(ctx); return err }},
		{"standing", func(ctx context.Context, db *DB) error { _, err := db.Standing(ctx); return err }},
		{"ended", func(ctx context.Context, db *DB) error { _, err := db.Ended(ctx); return err }},
	} {
		b.Run(c.name, func(b *testing.B) {
			ctx := context.Background()
			var took [2]time.Duration
			for b.Loop() {
				for i, db := range []*DB{small, large} {
					began := time.Now()
					must(b, c.call(ctx, db))
					took[i] += time.Since(began)
				}
			}
			b.ReportMetric(float64(took[1])/float64(took[0]), "times-slower")
			b.ReportMetric(float64(took[1].Microseconds())/1000/float64(b.N), "ms/op")
		})
	}
}

func listing(state steward.MessageState) func(context.Context, *DB) error {
	return func(ctx context.Context, db *DB) error {
		_, _, err := db.Messages(ctx, MessageFilter{State: state, Limit: 50})
		return err
	}
}

// claimAndSettle takes a thousand messages to their end, from many senders, as
// the worker does.
func claimAndSettle(ctx context.Context, db *DB) error {
	due, err := db.DueMessages(ctx, start, 1000, steward.Channels()...)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(32)
	for _, d := range due {
		g.Go(func() error {
			if _, _, err := db.Claim(ctx, d.ID, d.Epoch, start, time.Minute, pass); err != nil {
				return err
			}
			return db.Settle(ctx, d.ID, d.Epoch, steward.Settlement{State: steward.Sent}, start)
		})
	}
	return g.Wait()
}

// BenchmarkCapacity is what 10,000 accounts take on the disk, with 400 days of
// five metrics, two contracts, four contacts, and a year of enrolments and of
// what was said in them; and what their portfolio and series take in memory.
func BenchmarkCapacity(b *testing.B) {
	ctx, accounts := context.Background(), 10_000
	if testing.Short() {
		accounts /= 20
	}
	db, err := Open(ctx, filepath.Join(b.TempDir(), "steward.db"), Options{})
	must(b, err)
	defer db.Close()
	size := func() float64 {
		must(b, checkpoint(db))
		info, err := os.Stat(db.Path())
		must(b, err)
		return float64(info.Size()) / (1 << 20)
	}
	batch := Batch{Source: "crm", At: start, Metrics: benchMetrics, Series: make(map[SeriesKey]series.Series)}
	for i := range accounts {
		a := account(benchAccount(i))
		batch.Accounts = append(batch.Accounts, a)
		for n := range 4 {
			batch.Contacts = append(batch.Contacts, steward.Contact{ID: steward.ContactID(fmt.Sprintf("%s-%d", a.ID, n)), Account: a.ID, Name: "Ana Ruiz Ortega",
				Email: fmt.Sprintf("ana.ruiz%d@%s.example.com", n, a.ID), Roles: []string{"champion"}, LastSeen: 20_000})
		}
		for n := range 2 {
			batch.Contracts = append(batch.Contracts, steward.Contract{ID: steward.ContractID(fmt.Sprintf("%s-%d", a.ID, n)), Account: a.ID, Product: "Platform",
				StartDate: 19_700, EndDate: 20_100, NoticeDate: 20_010, Amount: steward.Num(24_000)})
		}
		for m, metric := range benchMetrics {
			values := make([]float64, 400)
			for d := range values {
				values[d] = benchValue(i, m, d)
			}
			batch.Series[SeriesKey{a.ID, metric}] = daily(b, 19_600, values...)
		}
	}
	_, err = db.Import(ctx, batch)
	must(b, err)
	data := size()
	load(b, db, accounts/10, accounts*6)
	all := size()
	batch = Batch{}

	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var p steward.Portfolio
	var s map[string]map[steward.AccountID]series.Series
	for b.Loop() {
		p, err = db.Portfolio(ctx)
		must(b, err)
		s, err = db.Series(ctx, benchMetrics)
		must(b, err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := 10_000 / float64(accounts)
	b.ReportMetric(data*per, "MB-data/10k")
	b.ReportMetric((all-data)*per, "MB-year-of-messages/10k")
	b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/(1<<20)*per, "MB-memory/10k")
	runtime.KeepAlive(p)
	runtime.KeepAlive(s)
}
