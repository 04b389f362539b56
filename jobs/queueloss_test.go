package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"steward"
)

// What becomes of tasks when a queue loses them, refuses them or goes away.

func missing(t testing.TB, q *Queue, tasks ...Task) []string {
	t.Helper()
	list, err := q.Missing(t.Context(), tasks)
	if err != nil {
		t.Fatalf("Missing: %v", err)
	}
	var ids []string
	for _, task := range list {
		ids = append(ids, task.Kind+" "+task.ID)
	}
	return ids
}

func TestMissingNamesTheTasksThatNobodyWillRun(t *testing.T) {
	onEachQueue(t, func(t *testing.T, o QueueOptions) {
		q := open(t, o)
		waiting, running := Task{Kind: "deliver", ID: "waiting"}, Task{Kind: "deliver", ID: "running"}
		never, failed := Task{Kind: "deliver", ID: "never"}, Task{Kind: "deliver", ID: "failed"}
		other := Task{Kind: "evaluate", ID: "waiting"}
		if got := missing(t, q); got != nil {
			t.Errorf("of nothing %v is missing", got)
		}
		want := []string{"deliver waiting", "deliver running", "deliver never", "deliver failed", "evaluate waiting"}
		if got := missing(t, q, waiting, running, never, failed, other); !slices.Equal(got, want) {
			t.Errorf("an empty queue misses %v", got)
		}

		release, started, tried := make(chan struct{}), make(chan struct{}), make(chan struct{}, 9)
		serve(t, q, map[string]Handler{
			"deliver": func(_ context.Context, p []byte) error {
				if string(p) == "failed" {
					tried <- struct{}{}
					return fmt.Errorf("not now")
				}
				close(started)
				<-release
				return nil
			},
		})
		failed.Payload = []byte("failed")
		enqueue(t, q, running, failed, other)
		<-started
		<-tried
		waitFor(t, "the failed task is to be tried again", func() bool {
			return q.redis.ZCard(t.Context(), "asynq:{steward:deliver}:retry").Val() == 1
		})
		if got := missing(t, q, running, never, failed, other); !slices.Equal(got, []string{"deliver never"}) {
			t.Errorf("missing are %v; one runs, one is to be tried again and one waits", got)
		}
		// A lease that is gone: asynq will never look for the task again.
		q.redis.Del(t.Context(), "asynq:{steward:deliver}:lease")
		if got := missing(t, q, running); !slices.Equal(got, []string{"deliver running"}) {
			t.Errorf("missing are %v; it runs without a lease", got)
		}
		// A list that was thrown away while its tasks were kept.
		q.redis.Del(t.Context(), "asynq:{steward:evaluate}:pending")
		if got := missing(t, q, other); !slices.Equal(got, []string{"evaluate waiting"}) {
			t.Errorf("missing are %v; its list is gone", got)
		}
		close(release)
	})
}

// Ten minutes without a queue, on a clock of the test's own. asynq's lease on
// what runs lapses after half a minute of them; the handler is let finish, as a
// provider call cut short is an outcome lost.
func TestQueueIsAwayForMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &logged{}
		q, err := OpenQueue(t.Context(), QueueOptions{Logger: log.logger()})
		if err != nil {
			t.Fatal(err)
		}
		runs, lasts := make(chan error, 9), 4*time.Minute
		serve(t, q, map[string]Handler{
			"evaluate": func(ctx context.Context, _ []byte) error {
				time.Sleep(lasts)
				lasts = 0
				runs <- ctx.Err()
				return nil
			},
			"deliver": func(context.Context, []byte) error { runs <- nil; return nil },
		})
		enqueue(t, q, Task{Kind: "evaluate", ID: "slot"})
		time.Sleep(time.Second)
		q.embedded.server.SetError("ERR out to lunch")
		time.Sleep(10 * time.Minute)
		if err := <-runs; err != nil {
			t.Errorf("what ran was interrupted: %v", err)
		}
		if n := log.count("level=WARN") + log.count("level=ERROR"); n > 2 || log.count("the queue stands still") != 1 {
			t.Errorf("in ten minutes %d lines were logged:\n%s", n, strings.Join(log.lines, ""))
		}
		q.embedded.server.SetError("")
		enqueue(t, q, Task{Kind: "deliver", ID: "m-1.0"})
		time.Sleep(5 * time.Second)
		if len(runs) != 1 {
			t.Errorf("%d tasks ran in the five seconds after, want the one that was enqueued", len(runs))
		}
		// The slot's task is found by its lapsed lease and run again, which is
		// the database's to refuse.
		time.Sleep(time.Minute)
		waitIdle(t, q)
		if len(runs) != 2 {
			t.Errorf("%d tasks ran after all, want 2", len(runs))
		}
		if err := q.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Half a year in the embedded queue, a task every other day: asynq counts by day
// and keeps each count for three months.
func TestEmbeddedQueueGathersNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, err := OpenQueue(t.Context(), QueueOptions{Logger: new(logged).logger()})
		if err != nil {
			t.Fatal(err)
		}
		day := func() {
			server := asynq.NewServerFromRedisClient(q.fetches, asynq.Config{
				Concurrency: 1, Queues: map[string]int{queueName("deliver"): 1}, TaskCheckInterval: 100 * time.Millisecond,
				Logger: &asynqLogger{log: q.log, down: q.fetching.down}, LogLevel: asynq.ErrorLevel, RetryDelayFunc: retryDelay, DelayedTaskCheckInterval: time.Second,
			})
			var failed atomic.Bool
			handler := q.handle(t.Context(), func(context.Context, []byte) error {
				if !failed.Swap(true) {
					return errors.New("once a day")
				}
				return nil
			})
			for i := range 3 {
				enqueue(t, q, Task{Kind: "deliver", ID: fmt.Sprint(i)})
			}
			if err := server.Start(asynq.HandlerFunc(handler)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			server.Shutdown()
			time.Sleep(48 * time.Hour)
		}
		var keys []int
		for n := range 96 {
			day()
			if n == 47 || n == 95 {
				if depth, err := q.Depth(t.Context()); err != nil || depth != 0 {
					t.Errorf("Depth = %d, %v", depth, err)
				}
				keys = append(keys, len(q.embedded.server.DB(0).Keys()))
			}
		}
		if keys[0] != keys[1] {
			t.Errorf("after three months it held %d keys, after six %d", keys[0], keys[1])
		}
		if err := q.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Stopping with every slot taken, a full queue behind them, and one handler that
// heeds nothing.
func TestQueueShutdownIsBounded(t *testing.T) {
	t.Parallel()
	o := QueueOptions{RedisURL: startRedis(t).url(), Concurrency: 30, Logger: new(logged).logger()}
	q, err := OpenQueue(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		enqueue(t, q, Task{Kind: "deliver", ID: fmt.Sprint(i), Payload: fmt.Append(nil, i)})
	}
	started, deaf := make(chan struct{}, 500), make(chan struct{})
	var begun, ended atomic.Int32
	var first sync.Once
	serve(t, q, map[string]Handler{"deliver": func(ctx context.Context, _ []byte) error {
		begun.Add(1)
		defer ended.Add(1)
		started <- struct{}{}
		heeds := true
		first.Do(func() { heeds = false })
		if heeds {
			<-ctx.Done()
			return ctx.Err()
		}
		<-deaf
		return nil
	}})
	for range 30 {
		<-started
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	err = q.Shutdown(ctx)
	if err == nil || !strings.Contains(err.Error(), "running tasks were interrupted") || !strings.Contains(err.Error(), "did not heed") {
		t.Errorf("Shutdown: %v", err)
	}
	if begun.Load() != 30 || ended.Load() != 29 {
		t.Errorf("%d tasks began and %d ended, want the 30 that ran, and all but one", begun.Load(), ended.Load())
	}
	close(deaf)
	again := open(t, o)
	if depth, err := again.Depth(t.Context()); err != nil || depth != 500 {
		t.Errorf("Depth = %d, %v: what did not finish was to stay", depth, err)
	}
}

// A Redis that hangs answers none of the calls that asynq waits for when it is
// stopped.
func TestQueueShutdownDoesNotWaitForARedisThatHangs(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	ran := make(chan struct{})
	handlers := map[string]Handler{"deliver": func(context.Context, []byte) error { close(ran); return nil }}
	hands := map[string]int{"deliver": 1}
	// asynq's parts of each kind end in their own time, while the connection is cut.
	for i := range 12 {
		kind := fmt.Sprint("kind", i)
		handlers[kind], hands[kind] = func(context.Context, []byte) error { return nil }, 1
	}
	q, err := OpenQueue(t.Context(), QueueOptions{RedisURL: server.url(), Hands: hands, Logger: new(logged).logger()})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, q, handlers)
	enqueue(t, q, Task{Kind: "deliver", ID: "m-1.0"})
	<-ran
	server.hang()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	down := make(chan error, 1)
	go func() { down <- q.Shutdown(ctx) }()
	select {
	case err := <-down:
		if err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Shutdown waits for a Redis that hangs")
	}
}

// backlog is a ledger of messages that are all due, and which of them it was told
// are in the queue.
type backlog struct {
	Ledger
	mu       sync.Mutex
	due      []steward.Due
	in, done int
}

func (b *backlog) InQueue(_ context.Context, ch steward.Channel) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.in - b.done, nil
}

// handle takes what a task carries out of the queue.
func (b *backlog) handle(_ context.Context, payload []byte) error {
	var carried []delivery
	if err := json.Unmarshal(payload, &carried); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done += len(carried)
	return nil
}

func (b *backlog) counts() (in, done int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.in, b.done
}

func (b *backlog) DueMessages(_ context.Context, _ time.Time, limit int, channels ...steward.Channel) ([]steward.Due, error) {
	if !slices.Contains(channels, steward.Slack) {
		return nil, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.due[:min(limit, len(b.due))]), nil
}

func (b *backlog) MarkEnqueued(_ context.Context, in []steward.Due, _ time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.in += len(in)
	b.due = slices.DeleteFunc(b.due, func(d steward.Due) bool {
		return slices.ContainsFunc(in, func(put steward.Due) bool { return put.ID == d.ID })
	})
	return nil
}

// More messages than the queue is to hold: the rest waits where it costs nothing.
func TestRelayKeepsABacklogOutOfTheQueue(t *testing.T) {
	t.Parallel()
	const messages, limit = 3000, 400
	b := &backlog{}
	for i := range messages {
		b.due = append(b.due, steward.Due{ID: steward.MessageID(fmt.Sprintf("m-%05d", i)), Channel: steward.Slack})
	}
	q := open(t, QueueOptions{})
	e := &Engine{Ledger: b, Now: time.Now}
	if n, err := e.Relay(t.Context(), q, limit); err != nil || n != limit {
		t.Fatalf("Relay handed over %d, %v", n, err)
	}
	serve(t, q, map[string]Handler{DeliveryKind(steward.Slack): b.handle})
	for total := limit; total < messages; {
		n, err := e.Relay(t.Context(), q, limit)
		if err != nil {
			t.Fatal(err)
		}
		total += n
		if in, done := b.counts(); in-done > limit {
			t.Fatalf("%d are in the queue, which is to hold %d", in-done, limit)
		}
	}
	waitIdle(t, q)
	if _, n := b.counts(); n != messages {
		t.Errorf("%d of %d were done", n, messages)
	}
	for _, key := range q.embedded.server.DB(0).Keys() {
		if strings.Contains(key, ":t:") {
			t.Errorf("the queue still holds %s", key)
		}
	}
}

// waitFor waits for something that has to come about.
func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never came about: %s", what)
		}
	}
}

// An id that a lost lease kept taken would let no second task of it in.
func TestEnqueueTakesAnIDWhoseLeaseIsLost(t *testing.T) {
	onEachQueue(t, func(t *testing.T, o QueueOptions) {
		q := open(t, o)
		task := Task{Kind: "evaluate", ID: "slot"}
		runs, release := make(chan struct{}, 9), make(chan struct{})
		serve(t, q, map[string]Handler{"evaluate": func(context.Context, []byte) error {
			runs <- struct{}{}
			<-release
			return nil
		}})
		enqueue(t, q, task)
		<-runs
		enqueue(t, q, task) // it runs: nothing changes
		q.redis.Del(t.Context(), "asynq:{steward:evaluate}:lease")
		enqueue(t, q, task)
		<-runs
		if depth, err := q.Depth(t.Context()); err != nil || depth != 1 {
			t.Errorf("Depth = %d, %v, want 1: what was left of the first is gone", depth, err)
		}
		close(release)
		waitIdle(t, q)
	})
}

// mishaps are what may befall a Redis for a while.
var mishaps = []struct {
	name     string
	begin    func(r *redisServer)
	end      func(r *redisServer)
	is, cure string
}{
	{"killed", (*redisServer).kill, (*redisServer).restart, "redis does not answer", "check that it runs"},
	{"hanging", (*redisServer).hang, (*redisServer).unhang, "redis does not answer", "check that it runs"},
	{"read-only", func(r *redisServer) { r.do("replicaof", "127.0.0.1", "1") }, func(r *redisServer) { r.do("replicaof", "no", "one") }, "redis is a replica", "point redis: in steward.yaml at the primary"},
	{"full", func(r *redisServer) { r.do("config", "set", "maxmemory", "1") }, func(r *redisServer) { r.do("config", "set", "maxmemory", "0") }, "redis is full", "raise its maxmemory"},
	{"another password", func(r *redisServer) { r.again("other") }, func(r *redisServer) { r.again("hushhush") }, "redis refuses the password", "check the user and password"},
}

// again starts it anew with a password.
func (r *redisServer) again(password string) {
	r.Helper()
	r.kill()
	r.password = password
	r.restart()
}

func TestQueueOutlivesWhatBefallsItsRedis(t *testing.T) {
	t.Parallel()
	for _, m := range mishaps {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			server, log := startRedis(t), &logged{}
			q := open(t, QueueOptions{RedisURL: server.url(), Logger: log.logger()})
			var done seen
			serve(t, q, map[string]Handler{"deliver": func(_ context.Context, p []byte) error { done.add(p); return nil }})
			var tasks []Task
			task := func(name string) Task {
				tasks = append(tasks, Task{Kind: "deliver", ID: name, Payload: []byte(name)})
				return tasks[len(tasks)-1]
			}
			enqueue(t, q, task("before"))
			waitIdle(t, q)

			m.begin(server)
			waitFor(t, "the worker says what is wrong", func() bool { return log.count(m.is) > 0 })
			if err := q.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), m.is) || !strings.Contains(err.Error(), m.cure) || strings.Contains(err.Error(), "hushhush") {
				t.Errorf("Ready says %v", err)
			}
			soon, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := q.Enqueue(soon, task("meanwhile")); err == nil {
				t.Error("Enqueue took a task that nothing holds")
			}
			before := server.fetches()
			time.Sleep(500 * time.Millisecond)
			if n := server.fetches() - before; n > 20 {
				t.Errorf("it was asked %d times in half a second", n)
			}

			m.end(server)
			waitFor(t, "the worker says that it goes on", func() bool { return log.count("the queue goes on") == 1 })
			if err := q.Ready(t.Context()); err != nil {
				t.Errorf("Ready says %v", err)
			}
			enqueue(t, q, task("after"))
			// What the reconciler does with all that the database says is in the queue.
			again, err := q.Missing(t.Context(), tasks)
			if err != nil {
				t.Fatal(err)
			}
			enqueue(t, q, again...)
			waitIdle(t, q)
			if got := slices.Compact(done.sorted()); !slices.Equal(got, []string{"after", "before", "meanwhile"}) {
				t.Errorf("done are %v", got)
			}
			// Beside the two lines, one that a mishap may have in between.
			if n := log.count("level=WARN") + log.count("level=ERROR"); n > 3 {
				t.Errorf("%d lines were logged for one matter:\n%s", n, strings.Join(log.lines, ""))
			}
		})
	}
}

// fetches is how often asynq's scripts were called; zero while nobody answers.
func (r *redisServer) fetches() int {
	client := redis.NewClient(&redis.Options{Addr: r.addr(), Password: r.password, DialerRetries: 1, ReadTimeout: 50 * time.Millisecond, MaxRetries: -1})
	defer client.Close()
	info, err := client.Info(context.Background(), "commandstats").Result()
	if err != nil {
		return 0
	}
	n := 0
	for _, name := range []string{"cmdstat_eval", "cmdstat_evalsha"} {
		calls, _, _ := strings.Cut(strings.TrimPrefix(infoField(info, name), "calls="), ",")
		k, _ := strconv.Atoi(calls)
		n += k
	}
	return n
}

// FLUSHALL while tasks wait and run.
func TestQueueIsBuiltAgainAfterItIsEmptied(t *testing.T) {
	t.Parallel()
	server, log := startRedis(t), &logged{}
	q := open(t, QueueOptions{RedisURL: server.url(), Concurrency: 4, Logger: log.logger()})
	release, started := make(chan struct{}), make(chan struct{}, 99)
	var done seen
	serve(t, q, map[string]Handler{"deliver": func(_ context.Context, p []byte) error {
		started <- struct{}{}
		<-release
		done.add(p)
		return nil
	}})
	var tasks []Task
	var want []string
	for i := range 60 {
		name := fmt.Sprintf("m-%02d", i)
		tasks, want = append(tasks, Task{Kind: "deliver", ID: name, Payload: []byte(name)}), append(want, name)
	}
	enqueue(t, q, tasks...)
	for range 4 {
		<-started
	}
	server.do("flushall")
	if got := missing(t, q, tasks...); len(got) != 60 {
		t.Errorf("%d of 60 are missing", len(got))
	}
	close(release)
	waitFor(t, "the four that ran end", func() bool { return len(done.sorted()) == 4 })
	ran := done.sorted()
	var rest []Task
	for _, task := range tasks {
		if !slices.Contains(ran, task.ID) { // the database knows what has become of those
			rest = append(rest, task)
		}
	}
	enqueue(t, q, rest...)
	// asynq puts its queue on Redis's list of queues once in its life.
	if depth, err := q.Depth(t.Context()); err != nil || depth == 0 && len(done.sorted()) < 60 {
		t.Errorf("Depth = %d, %v after %d of 60", depth, err, len(done.sorted()))
	}
	waitIdle(t, q)
	if got := done.sorted(); !slices.Equal(got, want) {
		t.Errorf("done are %v", got)
	}
	if n := log.count("level=WARN") + log.count("level=ERROR"); n > 2 {
		t.Errorf("%d lines were logged for one matter:\n%s", n, strings.Join(log.lines, ""))
	}
}

// The depth of what waits, after a Redis was emptied and nobody fetches.
func TestDepthCountsAfterTheQueueWasEmptied(t *testing.T) {
	onEachQueue(t, func(t *testing.T, o QueueOptions) {
		q := open(t, o)
		enqueue(t, q, Task{Kind: "deliver", ID: "m-1.0"})
		if err := q.redis.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		enqueue(t, q, Task{Kind: "deliver", ID: "m-1.0"}, Task{Kind: "deliver", ID: "m-2.0"})
		if depth, err := q.Depth(t.Context()); err != nil || depth != 2 {
			t.Errorf("Depth = %d, %v, want 2", depth, err)
		}
	})
}

func TestQueueWaitsForARedisThatStartsLater(t *testing.T) {
	t.Parallel()
	server, log := startRedis(t), &logged{}
	server.kill()
	q := open(t, QueueOptions{RedisURL: server.url(), Logger: log.logger()})
	done := make(chan struct{})
	serve(t, q, map[string]Handler{"deliver": func(context.Context, []byte) error { close(done); return nil }})
	if err := q.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "check that it runs") {
		t.Errorf("Ready says %v", err)
	}
	server.restart()
	waitFor(t, "the queue takes tasks", func() bool { return q.Ready(t.Context()) == nil })
	enqueue(t, q, Task{Kind: "deliver", ID: "m-1.0"})
	<-done
	waitIdle(t, q)
}

func TestQueueWarnsOfARedisThatThrowsKeysAway(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	for _, c := range []struct {
		policy, memory string
		lines          int
	}{
		{"noeviction", "100mb", 0},
		{"allkeys-lru", "0", 0}, // no limit, so nothing is thrown away
		{"allkeys-lru", "100mb", 1},
	} {
		server.do("config", "set", "maxmemory", c.memory, "maxmemory-policy", c.policy)
		log := &logged{}
		open(t, QueueOptions{RedisURL: server.url(), Logger: log.logger()})
		if n := log.count("set its maxmemory-policy to noeviction"); n != c.lines {
			t.Errorf("with %s and %s it was said %d times", c.policy, c.memory, n)
		}
	}
}
