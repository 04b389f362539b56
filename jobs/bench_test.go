package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sync/errgroup"

	"steward"
	"steward/playbooks"
	"steward/store"
)

// instant is a provider that takes everything at once, as it can be known.
type instant struct{ taken atomic.Int64 }

func (p *instant) Send(_ context.Context, l steward.Letter) (steward.Receipt, error) {
	p.taken.Add(1)
	return steward.Receipt{Ref: "ref/" + string(l.Message.ID)}, nil
}

// benchLedger is the database in the words of jobs.
type benchLedger struct{ *store.DB }

// BenchmarkPlannedToSettled sends cards from planned to settled: relayed
// through a real Redis, judged, composed, claimed, handed to a provider that
// takes them at once, and settled, with every commit on the disk. Beside it, in
// the same run, plain asynq enqueues and handles tasks of the same payload, and
// does nothing else. "share" is how much of its speed is left.
func BenchmarkPlannedToSettled(b *testing.B) {
	const n = 20_000
	server := startRedis(b)
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // for both; the worker paces it by the size of its heap
	var ours, plain time.Duration
	for b.Loop() {
		b.StopTimer()
		e, db, provider := benchEngine(b, n)
		b.StartTimer()
		began := time.Now()
		sendAll(b, e, server, provider, n)
		ours += time.Since(began)
		b.StopTimer()
		counts, err := db.Counts(b.Context())
		if err != nil || counts.ByState[string(steward.Sent)] != n {
			b.Fatalf("%v were sent (%v), want %d", counts.ByState, err, n)
		}
		plain += plainAsynq(b, server, n)
		b.StartTimer()
	}
	rate := func(d time.Duration) float64 { return float64(n*b.N) / d.Seconds() }
	b.ReportMetric(rate(ours), "messages/s")
	b.ReportMetric(rate(plain), "asynq-tasks/s")
	b.ReportMetric(rate(ours)/rate(plain), "share")
}

// benchEngine is an engine in front of n planned cards.
func benchEngine(b *testing.B, n int) (*Engine, *store.DB, *instant) {
	b.Helper()
	db, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "steward.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	book, problems := playbooks.Load(fstest.MapFS{
		"playbooks/big.yaml": {Data: []byte("playbook: big\ntitle: Big account\nwhen: arr >= 10k\nuntil: arr < 5k\ncooldown: 30d\nbackfill: true\nmax_new: 1000000\nsteps:\n- {id: nudge, slack: owner, message: big}\n- {wait: 30d}\n")},
		"messages/big.md":    {Data: []byte("{{ .account.name }} is big: {{ fact \"arr\" | money }}. Call {{ .owner.name }}.\n")},
	}, "playbooks", "messages", playbooks.Settings{Zone: time.UTC, Owners: []steward.Owner{{ID: "dana", Name: "Dana Reyes", Slack: "U0DANA", Zone: time.UTC}}})
	if errs := problems.Errors(); len(errs) > 0 {
		b.Fatal(errs)
	}
	at := time.Date(2026, 3, 12, 6, 0, 0, 0, time.UTC)
	batch := store.Batch{Source: "crm", At: at, CompleteThrough: steward.NoDay, NewestDay: steward.NoDay}
	for i := range n {
		batch.Accounts = append(batch.Accounts, steward.Account{ID: steward.AccountID(fmt.Sprintf("a-%05d", i)), Name: fmt.Sprintf("Account %d", i),
			Status: "customer", Segment: "enterprise", Owner: "dana", ARR: steward.Num(float64(10_000 + i)), StartDate: steward.NoDay, RenewalDate: steward.NoDay})
	}
	if _, err := db.Import(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
	provider := &instant{}
	e := &Engine{Ledger: benchLedger{db}, Sender: provider, Book: func() *playbooks.Book { return book }, Now: func() time.Time { return at }, Log: slog.New(slog.DiscardHandler)}
	if _, err := e.Evaluate(b.Context(), steward.SlotAt(at)); err != nil {
		b.Fatal(err)
	}
	return e, db, provider
}

func sendAll(b *testing.B, e *Engine, server *redisServer, provider *instant, n int) {
	b.Helper()
	q, err := OpenQueue(b.Context(), QueueOptions{RedisURL: server.url(), Hands: Hands(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	if err := q.Serve(e.Handlers()); err != nil {
		b.Fatal(err)
	}
	for handed := 0; handed < n; {
		more, err := e.Relay(b.Context(), q, 0)
		if err != nil {
			b.Fatal(err)
		}
		if handed += more; handed < n {
			time.Sleep(20 * time.Millisecond) // far oftener than the worker does while there is more
		}
	}
	for provider.taken.Load() < int64(n) {
		time.Sleep(time.Millisecond)
	}
	if err := q.Shutdown(b.Context()); err != nil { // waits for what is being settled
		b.Fatal(err)
	}
}

// plainAsynq is how long asynq alone takes for as many tasks, with as many
// workers and as many hands that enqueue.
func plainAsynq(b *testing.B, server *redisServer, n int) time.Duration {
	b.Helper()
	opt := asynq.RedisClientOpt{Addr: server.addr(), Password: server.password, DB: 4}
	client := asynq.NewClient(opt)
	defer client.Close()
	var handled atomic.Int64
	worker := asynq.NewServer(opt, asynq.Config{Concurrency: 64, LogLevel: asynq.FatalLevel, TaskCheckInterval: redisPoll})
	began := time.Now()
	if err := worker.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		handled.Add(1)
		return nil
	})); err != nil {
		b.Fatal(err)
	}
	var hands errgroup.Group
	for hand := range relayHands {
		hands.Go(func() error {
			for i := hand; i < n; i += relayHands {
				payload := fmt.Appendf(nil, `{"message":"m-%016d","epoch":0}`, i)
				if _, err := client.Enqueue(asynq.NewTask("deliver", payload)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := hands.Wait(); err != nil {
		b.Fatal(err)
	}
	for handled.Load() < int64(n) {
		time.Sleep(time.Millisecond)
	}
	took := time.Since(began)
	worker.Shutdown()
	return took
}
