package jobs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
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
