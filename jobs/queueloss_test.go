package jobs

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// What becomes of tasks when a queue loses them, refuses them or goes away.

// lose is a Redis client on the queue's own keys, to take from it what a Redis
// may lose.
func lose(t testing.TB, q *Queue, do func(ctx context.Context, r redis.UniversalClient) error) {
	t.Helper()
	if err := do(t.Context(), q.redis); err != nil {
		t.Fatal(err)
	}
}

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
		lose(t, q, func(ctx context.Context, r redis.UniversalClient) error {
			return r.Del(ctx, "asynq:{steward:deliver}:lease").Err()
		})
		if got := missing(t, q, running); !slices.Equal(got, []string{"deliver running"}) {
			t.Errorf("missing are %v; it runs without a lease", got)
		}
		// A list that was thrown away while its tasks were kept.
		lose(t, q, func(ctx context.Context, r redis.UniversalClient) error {
			return r.Del(ctx, "asynq:{steward:evaluate}:pending").Err()
		})
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
