package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"go.uber.org/goleak"
)

// skipOrFail skips a test that lacks something, except where everything has
// been promised.
func skipOrFail(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("STEWARD_REQUIRE_ALL") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// onEachQueue runs a test on the embedded queue and on a real Redis: they are
// one code path and must not differ.
func onEachQueue(t *testing.T, test func(t *testing.T, o QueueOptions)) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		test(t, QueueOptions{})
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		test(t, QueueOptions{RedisURL: startRedis(t).url()})
	})
}

// Not parallel, so that every goroutine it sees is its own.
func TestQueueLeavesNoGoroutineBehind(t *testing.T) {
	live := func(t *testing.T, o QueueOptions) {
		before := goleak.IgnoreCurrent()
		t.Cleanup(func() { goleak.VerifyNone(t, before) })
		q := open(t, o)
		serve(t, q, map[string]Handler{"deliver": func(context.Context, []byte) error { return nil }})
		for i := range 20 {
			enqueue(t, q, Task{Kind: "deliver", ID: fmt.Sprint(i)})
		}
		waitIdle(t, q)
	}
	t.Run("embedded", func(t *testing.T) { live(t, QueueOptions{}) })
	t.Run("redis", func(t *testing.T) {
		live(t, QueueOptions{RedisURL: startRedis(t).url()})
	})
	t.Run("never served", func(t *testing.T) {
		before := goleak.IgnoreCurrent()
		t.Cleanup(func() { goleak.VerifyNone(t, before) })
		open(t, QueueOptions{})
	})
}

func open(t testing.TB, o QueueOptions) *Queue {
	t.Helper()
	if o.Logger == nil {
		o.Logger = new(logged).logger()
	}
	q, err := OpenQueue(t.Context(), o)
	if err != nil {
		t.Fatalf("OpenQueue: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := q.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	return q
}

func enqueue(t testing.TB, q *Queue, tasks ...Task) {
	t.Helper()
	for _, task := range tasks {
		if err := q.Enqueue(t.Context(), task); err != nil {
			t.Fatalf("Enqueue: %v", err)
		}
	}
}

func serve(t testing.TB, q *Queue, handlers map[string]Handler) {
	t.Helper()
	if err := q.Serve(handlers); err != nil {
		t.Fatalf("Serve: %v", err)
	}
}

func waitIdle(t testing.TB, q *Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := q.WaitIdle(ctx); err != nil {
		t.Fatalf("WaitIdle: %v", err)
	}
}

// seen collects payloads.
type seen struct {
	mu   sync.Mutex
	list []string
}

func (s *seen) add(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, string(p))
}

func (s *seen) sorted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.list))
}

func TestQueueDoesEachTaskOnceAndByItsKind(t *testing.T) {
	onEachQueue(t, func(t *testing.T, o QueueOptions) {
		q := open(t, o)
		if q.Embedded() != (o.RedisURL == "") {
			t.Errorf("Embedded = %v", q.Embedded())
		}
		if err := q.Ready(t.Context()); err != nil {
			t.Errorf("Ready: %v", err)
		}
		var evaluated, delivered seen
		var want []string
		for i := range 100 {
			p := fmt.Sprintf("m-%03d", i)
			want = append(want, p)
			enqueue(t, q, Task{Kind: "deliver", ID: p, Payload: []byte(p)})
		}
		enqueue(t, q, Task{Kind: "evaluate", ID: "m-001", Payload: []byte("slot")})
		if depth, err := q.Depth(t.Context()); err != nil || depth != 101 {
			t.Errorf("Depth = %d, %v, want 101", depth, err)
		}
		serve(t, q, map[string]Handler{
			"evaluate": func(_ context.Context, p []byte) error { evaluated.add(p); return nil },
			"deliver":  func(_ context.Context, p []byte) error { delivered.add(p); return nil },
		})
		waitIdle(t, q)
		if got := delivered.sorted(); !slices.Equal(got, want) {
			t.Errorf("delivered %v", got)
		}
		if got := evaluated.sorted(); !slices.Equal(got, []string{"slot"}) {
			t.Errorf("evaluated %v", got)
		}
	})
}

func TestQueueTakesAnIDOnceWhileItWaitsAndAgainAfterwards(t *testing.T) {
	onEachQueue(t, func(t *testing.T, o QueueOptions) {
		q := open(t, o)
		task := Task{Kind: "deliver", ID: "m-1.0"}
		enqueue(t, q, task, task)
		if depth, _ := q.Depth(t.Context()); depth != 1 {
			t.Errorf("Depth = %d after the same id twice, want 1", depth)
		}
		var calls atomic.Int32
		serve(t, q, map[string]Handler{"deliver": func(context.Context, []byte) error { calls.Add(1); return nil }})
		waitIdle(t, q)
		enqueue(t, q, task)
		waitIdle(t, q)
		if calls.Load() != 2 {
			t.Errorf("ran %d times, want 2", calls.Load())
		}
	})
}

func TestQueueTriesAgainAndNeverKeepsAFailedIDTaken(t *testing.T) {
	onEachQueue(t, func(t *testing.T, o QueueOptions) {
		log := &logged{}
		o.Logger = log.logger()
		q := open(t, o)
		var calls atomic.Int32
		serve(t, q, map[string]Handler{"deliver": func(context.Context, []byte) error {
			if calls.Add(1) == 1 {
				return errors.New("database is locked")
			}
			return nil
		}})
		enqueue(t, q, Task{Kind: "deliver", ID: "m-1.0"})
		waitIdle(t, q)
		if calls.Load() != 2 || log.count("database is locked") != 1 {
			t.Errorf("ran %d times, logged %q", calls.Load(), log.lines)
		}
	})
}

// The road to the last try takes a quarter of a minute by the clock, so the
// wrapper is asked as asynq asks it.
func TestQueueDropsATaskThatIsOutOfRetries(t *testing.T) {
	t.Parallel()
	q := open(t, QueueOptions{})
	boom := errors.New("boom")
	server := asynq.NewServerFromRedisClient(q.redis, asynq.Config{
		Concurrency: 1, Queues: map[string]int{queueName("deliver"): 1}, TaskCheckInterval: 10 * time.Millisecond,
		Logger: &asynqLogger{log: q.log, down: q.fetching.down}, LogLevel: asynq.ErrorLevel,
	})
	// A task with no retries at all is at its last try at once.
	if _, err := q.client.Enqueue(asynq.NewTask("deliver", nil), asynq.Queue(queueName("deliver")), asynq.TaskID("deliver:m-1"), asynq.MaxRetry(0)); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(asynq.HandlerFunc(q.handle(t.Context(), func(context.Context, []byte) error { return boom }))); err != nil {
		t.Fatal(err)
	}
	waitIdle(t, q)
	server.Shutdown()
	info, err := asynq.NewInspectorFromRedisClient(q.redis).GetQueueInfo(queueName("deliver"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Archived != 0 || info.Size != 0 {
		t.Errorf("the queue still holds %d tasks, %d archived", info.Size, info.Archived)
	}
}

func TestQueueTakesAnIDThatADeadProcessLeftArchived(t *testing.T) {
	onEachQueue(t, func(t *testing.T, o QueueOptions) {
		q := open(t, o)
		task := Task{Kind: "deliver", ID: "m-1.0"}
		enqueue(t, q, task)
		if err := asynq.NewInspectorFromRedisClient(q.redis).ArchiveTask(queueName("deliver"), taskID(task)); err != nil {
			t.Fatal(err)
		}
		enqueue(t, q, task)
		if depth, err := q.Depth(t.Context()); err != nil || depth != 1 {
			t.Errorf("Depth = %d, %v, want 1: the archived id stood in the way", depth, err)
		}
	})
}

func TestQueueShutdownLetsRunningTasksFinish(t *testing.T) {
	onEachQueue(t, func(t *testing.T, o QueueOptions) {
		o.Concurrency = 2
		q := open(t, o)
		started, finish := make(chan struct{}), make(chan struct{})
		var finished atomic.Bool
		serve(t, q, map[string]Handler{"deliver": func(ctx context.Context, _ []byte) error {
			close(started)
			<-finish
			finished.Store(ctx.Err() == nil)
			return nil
		}})
		enqueue(t, q, Task{Kind: "deliver", ID: "m-1.0"})
		<-started
		down := make(chan error)
		go func() { down <- q.Shutdown(context.Background()) }()
		select {
		case err := <-down:
			t.Fatalf("Shutdown returned %v while a task ran", err)
		case <-time.After(400 * time.Millisecond):
		}
		close(finish)
		if err := <-down; err != nil || !finished.Load() {
			t.Errorf("Shutdown: %v; finished undisturbed: %v", err, finished.Load())
		}
		if err := q.Serve(map[string]Handler{"deliver": nil}); !errors.Is(err, ErrQueueClosed) {
			t.Errorf("Serve after Shutdown: %v", err)
		}
	})
}

func TestQueueShutdownInterruptsWhatTakesTooLong(t *testing.T) {
	onEachQueue(t, func(t *testing.T, o QueueOptions) {
		q, err := OpenQueue(t.Context(), QueueOptions{RedisURL: o.RedisURL, Logger: new(logged).logger()})
		if err != nil {
			t.Fatal(err)
		}
		started := make(chan struct{})
		var once sync.Once
		serve(t, q, map[string]Handler{"evaluate": func(ctx context.Context, _ []byte) error {
			once.Do(func() { close(started) })
			<-ctx.Done()
			return ctx.Err()
		}})
		enqueue(t, q, Task{Kind: "evaluate", ID: "slot"})
		<-started
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		if err := q.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown: %v, want that it ran out of time", err)
		}
		if o.RedisURL == "" {
			return
		}
		again := open(t, o)
		if depth, err := again.Depth(t.Context()); err != nil || depth != 1 {
			t.Errorf("Depth = %d, %v; the interrupted task was to stay in Redis", depth, err)
		}
	})
}

func TestQueueSurvivesAPanickingHandler(t *testing.T) {
	t.Parallel()
	q := open(t, QueueOptions{})
	var calls atomic.Int32
	serve(t, q, map[string]Handler{"deliver": func(_ context.Context, p []byte) error {
		if calls.Add(1) == 1 {
			panic("out of order")
		}
		return nil
	}})
	enqueue(t, q, Task{Kind: "deliver", ID: "m-1.0"})
	waitIdle(t, q)
	if calls.Load() != 2 {
		t.Errorf("ran %d times, want 2", calls.Load())
	}
}

func TestWaitIdleSeesTasksThatTasksEnqueue(t *testing.T) {
	t.Parallel()
	q := open(t, QueueOptions{})
	var delivered atomic.Int32
	serve(t, q, map[string]Handler{
		"evaluate": func(ctx context.Context, _ []byte) error {
			for i := range 50 {
				if err := q.Enqueue(ctx, Task{Kind: "deliver", ID: fmt.Sprint(i)}); err != nil {
					return err
				}
			}
			return nil
		},
		"deliver": func(context.Context, []byte) error { delivered.Add(1); return nil },
	})
	enqueue(t, q, Task{Kind: "evaluate", ID: "slot"})
	waitIdle(t, q)
	if delivered.Load() != 50 {
		t.Errorf("idle after %d of 50", delivered.Load())
	}
}

func TestWaitIdleEndsWithItsContext(t *testing.T) {
	t.Parallel()
	q := open(t, QueueOptions{})
	enqueue(t, q, Task{Kind: "deliver", ID: "m-1.0"})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := q.WaitIdle(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("WaitIdle: %v", err)
	}
}

func TestOpenQueueNeverTellsThePassword(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	for _, bad := range []string{
		"redis://:hushhushhush@" + server.addr() + "/0", // another password
		"redis://" + server.addr() + "/0",
		"redis://hush:hushhush@" + server.addr() + "/0", // no such user
		"redis://:hushhush@" + server.addr() + "/4711",
		"redis://:hushhush@127.0.0.1:notaport/0",
		"redis://:hushhush@127.0.0.1:1/first",
		"redis-sentinel://:hushhush@127.0.0.1:1/0",
		"postgres://steward:hushhush@db/steward",
		"://:hushhush@",
		"redis://:hush%zzhushhush@db",
	} {
		q, err := OpenQueue(t.Context(), QueueOptions{RedisURL: bad, Logger: new(logged).logger()})
		if err == nil {
			_ = q.Shutdown(t.Context())
			t.Errorf("opened %s", bad)
			continue
		}
		if strings.Contains(err.Error(), "hushhush") || !strings.Contains(err.Error(), "redis") || !strings.Contains(err.Error(), "; ") {
			t.Errorf("for %s the error is %q", bad, err)
		}
	}
}

func TestQueueRefusesHalfATask(t *testing.T) {
	t.Parallel()
	q := open(t, QueueOptions{})
	for _, task := range []Task{{}, {Kind: "deliver"}, {ID: "m-1.0"}} {
		if err := q.Enqueue(t.Context(), task); err == nil {
			t.Errorf("took %+v", task)
		}
	}
	if err := q.Serve(nil); err == nil {
		t.Error("Serve took no handlers")
	}
}

// BenchmarkQueue is tasks a second from enqueueing to the end of an empty
// handler, and how long an idle queue takes to notice one task.
func BenchmarkQueue(b *testing.B) {
	for _, on := range []string{"embedded", "redis"} {
		b.Run(on, func(b *testing.B) {
			var o QueueOptions
			if on == "redis" {
				o.RedisURL = startRedis(b).url()
			}
			b.Run("through", func(b *testing.B) {
				q := open(b, o)
				serve(b, q, map[string]Handler{"deliver": func(context.Context, []byte) error { return nil }})
				b.ResetTimer()
				for i := range b.N {
					enqueue(b, q, Task{Kind: "deliver", ID: fmt.Sprint(i)})
				}
				waitIdle(b, q)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
			})
			b.Run("latency", func(b *testing.B) {
				q := open(b, o)
				done := make(chan struct{})
				serve(b, q, map[string]Handler{"deliver": func(context.Context, []byte) error { done <- struct{}{}; return nil }})
				for i := range b.N {
					enqueue(b, q, Task{Kind: "deliver", ID: fmt.Sprint(i)})
					<-done
				}
			})
			b.Run("depth", func(b *testing.B) {
				q := open(b, o)
				for i := range 2000 {
					enqueue(b, q, Task{Kind: "deliver", ID: fmt.Sprint(i)})
				}
				b.ResetTimer()
				for range b.N {
					if _, err := q.Depth(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkQueueHands is tasks a second from enqueueing to the end of an empty
// handler, by how many run at once and how many enqueue, and the same of asynq
// without this package around it.
func BenchmarkQueueHands(b *testing.B) {
	for _, on := range []string{"embedded", "redis"} {
		for _, hands := range []int{8, 32, 64} {
			for _, enqueuers := range []int{1, 4} {
				name := fmt.Sprintf("%s/hands=%d/enqueuers=%d", on, hands, enqueuers)
				run := func(b *testing.B, handle func(q *Queue, done func()) (stop func()), enqueue func(q *Queue, id string) error) {
					o := QueueOptions{Concurrency: hands}
					if on == "redis" {
						o.RedisURL = startRedis(b).url()
					}
					q := open(b, o)
					var all sync.WaitGroup
					all.Add(b.N)
					defer handle(q, all.Done)()
					b.ResetTimer()
					for n := range enqueuers {
						go func() {
							for i := n; i < b.N; i += enqueuers {
								if err := enqueue(q, fmt.Sprint(i)); err != nil {
									b.Error(err)
									all.Done()
								}
							}
						}()
					}
					all.Wait()
					b.StopTimer()
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
				}
				b.Run(name+"/ours", func(b *testing.B) {
					run(b, func(q *Queue, done func()) func() {
						serve(b, q, map[string]Handler{"deliver": func(context.Context, []byte) error { done(); return nil }})
						return func() {}
					}, func(q *Queue, id string) error {
						return q.Enqueue(b.Context(), Task{Kind: "deliver", ID: id})
					})
				})
				b.Run(name+"/asynq", func(b *testing.B) {
					run(b, func(q *Queue, done func()) func() {
						server := asynq.NewServerFromRedisClient(q.redis, asynq.Config{Concurrency: hands, TaskCheckInterval: q.poll, LogLevel: asynq.FatalLevel})
						if err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { done(); return nil })); err != nil {
							b.Fatal(err)
						}
						return server.Shutdown
					}, func(q *Queue, id string) error {
						_, err := q.client.Enqueue(asynq.NewTask("deliver", nil), asynq.TaskID(id))
						return err
					})
				})
			}
		}
	}
}
