package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// EmbeddedInFlight is how many tasks the embedded queue holds well. Beyond it
// each enqueue grows slower; the relay keeps the rest in SQL.
const EmbeddedInFlight = 5000

// QueueOptions say where tasks wait and how many run at once.
type QueueOptions struct {
	// RedisURL is redis://[user:password@]host[:port][/db], rediss:// for TLS,
	// redis-socket:// or redis-sentinel://. Empty means the embedded queue, which
	// lives in this process and is empty after a restart. A workspace needs a
	// Redis database to itself.
	RedisURL string
	// Concurrency is how many tasks run at once; 8 when zero.
	Concurrency int
	// Logger takes what the queue has to say; slog's default when nil.
	Logger *slog.Logger
}

// A Task is something to do soon. It carries ids only: what it is about is
// read from the database when it runs, so the whole queue may be emptied at
// any time and nothing is lost.
type Task struct {
	// Kind chooses the handler and the queue, such as "evaluate" or "deliver".
	Kind string
	// ID is what a second task of the same kind is recognised by while the first
	// waits or runs. It may be used again as soon as the first is over.
	ID      string
	Payload []byte
	// Timeout bounds one run; five minutes when zero.
	Timeout time.Duration
}

// A Handler does one task. An error means that it was not done and is worth
// another try soon; after a few the task is dropped, and whoever enqueued it
// finds that out from the database.
type Handler = func(ctx context.Context, payload []byte) error

const (
	queuePrefix = "steward:"
	// taskRetries are few: the record of what is still to do is in SQL, and the
	// relay asks again.
	taskRetries        = 3
	defaultTaskTimeout = 5 * time.Minute
	defaultConcurrency = 8
	// asynq polls. The embedded queue costs a function call to look at, so it is
	// looked at often; a Redis is spared.
	embeddedPoll = 20 * time.Millisecond
	redisPoll    = 200 * time.Millisecond
	// expiryStep is how coarsely keys of the embedded queue expire. Only asynq's
	// own bookkeeping does.
	expiryStep = 5 * time.Second
	// interruptGrace is how long an interrupted handler has to return.
	interruptGrace = 5 * time.Second
)

// A Queue hands tasks to handlers: asynq, on a Redis or on an embedded one,
// through the same code.
type Queue struct {
	client   *asynq.Client
	inspect  *asynq.Inspector
	redis    redis.UniversalClient
	log      *slog.Logger
	workers  int
	poll     time.Duration
	embedded *embeddedRedis // nil on a Redis

	mu     sync.Mutex
	server *asynq.Server
	cancel context.CancelFunc
	closed bool
	// slots holds a token for each running handler. asynq stops waiting for a
	// handler that outlives its task; whoever closes the database must not.
	slots chan struct{}
}

// ErrQueueClosed is returned by a queue that was shut down.
var ErrQueueClosed = errors.New("the queue is closed")

// OpenQueue connects to the Redis of the options, or starts the embedded queue
// when they name none. Errors never hold the URL, which may hold a password.
func OpenQueue(ctx context.Context, o QueueOptions) (*Queue, error) {
	quietRedis()
	q := &Queue{log: o.Logger, workers: o.Concurrency, poll: redisPoll}
	if q.log == nil {
		q.log = slog.Default()
	}
	if q.workers <= 0 {
		q.workers = defaultConcurrency
	}
	q.slots = make(chan struct{}, q.workers)
	if o.RedisURL == "" {
		q.poll = embeddedPoll
		q.embedded = startEmbedded()
		q.redis = q.embedded.client(q.workers)
	} else {
		client, err := dialRedis(o.RedisURL)
		if err != nil {
			return nil, err
		}
		q.redis = client
	}
	if err := q.Ping(ctx); err != nil {
		_ = q.close()
		return nil, err
	}
	q.client = asynq.NewClientFromRedisClient(q.redis)
	q.inspect = asynq.NewInspectorFromRedisClient(q.redis)
	return q, nil
}

func dialRedis(text string) (redis.UniversalClient, error) {
	const hint = "write redis: as redis://host:6379/0, rediss:// for TLS"
	u, err := url.Parse(text)
	if err != nil {
		// The parser's message quotes the URL, password and all.
		return nil, errors.New("redis: the address is not a URL; " + hint)
	}
	if (u.Scheme == "redis" || u.Scheme == "rediss") && u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), "6379")
	}
	opt, err := asynq.ParseRedisURI(u.String())
	if err != nil {
		return nil, fmt.Errorf("redis: the address of scheme %q cannot be used; %s", u.Scheme, hint)
	}
	client, ok := opt.MakeRedisClient().(redis.UniversalClient)
	if !ok {
		return nil, fmt.Errorf("redis: the scheme %q is not known; %s", u.Scheme, hint)
	}
	return client, nil
}

// quietRedis drops what the Redis client prints by itself to stderr, whatever
// the logger: each of those failures is also returned, and asynq reports it. The
// client keeps its logger in a global without a lock, so it is set once.
var quietRedis = sync.OnceFunc(func() { redis.SetLogger(silence{}) })

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// Embedded tells whether tasks live in this process only.
func (q *Queue) Embedded() bool { return q.embedded != nil }

// Ping asks whether the queue answers.
func (q *Queue) Ping(ctx context.Context) error {
	if err := q.redis.Ping(ctx).Err(); err != nil {
		if q.Embedded() {
			return fmt.Errorf("the embedded queue does not answer: %w", err)
		}
		return fmt.Errorf("redis does not answer: %w; check redis: in steward.yaml, or leave it out to use the embedded queue", err)
	}
	return nil
}

// Enqueue adds a task. A task of the same kind and id that waits or runs makes
// it a success that changes nothing.
func (q *Queue) Enqueue(ctx context.Context, t Task) error {
	if t.Kind == "" || t.ID == "" {
		return fmt.Errorf("enqueue task %q of kind %q: both are needed", t.ID, t.Kind)
	}
	err := q.enqueue(ctx, t)
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		// An id that nobody works on, as a process died in the middle of its task's
		// last try or a lease was lost, would block every later task for weeks.
		dead, derr := q.missing(ctx, []Task{t}, dropMissing)
		if derr != nil {
			return fmt.Errorf("enqueue %s %s: %w", t.Kind, t.ID, derr)
		}
		if len(dead) == 0 {
			return nil
		}
		if err = q.enqueue(ctx, t); errors.Is(err, asynq.ErrTaskIDConflict) {
			return nil // somebody else was as quick
		}
	}
	if err != nil {
		return fmt.Errorf("enqueue %s %s: %w", t.Kind, t.ID, err)
	}
	return nil
}

// enqueue passes none of asynq's Retention, Unique, ProcessIn and Deadline:
// each can keep a task id taken, or a task unrun, after the database has
// decided otherwise.
func (q *Queue) enqueue(ctx context.Context, t Task) error {
	timeout := t.Timeout
	if timeout <= 0 {
		timeout = defaultTaskTimeout
	}
	_, err := q.client.EnqueueContext(ctx, asynq.NewTask(t.Kind, t.Payload),
		asynq.Queue(queueName(t.Kind)), asynq.TaskID(taskID(t)), asynq.MaxRetry(taskRetries), asynq.Timeout(timeout))
	return err
}

// Missing returns those of the tasks that nobody will run: the queue does not
// hold them, keeps them as given up, or counts them as running under a lease
// that is gone. Only Kind and ID are looked at; a thousand of a kind are one
// round trip. The answer is of a moment ago, and a task that has ended is missing
// too, so whoever asks for it again does so only where the database says that it
// is still to do.
func (q *Queue) Missing(ctx context.Context, tasks []Task) ([]Task, error) {
	return q.missing(ctx, tasks, keepMissing)
}

func (q *Queue) missing(ctx context.Context, tasks []Task, then string) ([]Task, error) {
	places := map[string][]int{}
	for i, t := range tasks {
		places[t.Kind] = append(places[t.Kind], i)
	}
	var gone []int
	for kind, at := range places {
		keys := "asynq:{" + queueName(kind) + "}:"
		args := []any{then, keys + "t:"}
		for _, i := range at {
			args = append(args, taskID(tasks[i]))
		}
		nth, err := missingTasks.Run(ctx, q.redis, []string{keys + "pending", keys + "active", keys + "lease", keys + "retry", keys + "archived"}, args...).Int64Slice()
		if err != nil {
			return nil, fmt.Errorf("ask the queue which of %d %s tasks it holds: %w", len(at), kind, err)
		}
		for _, n := range nth {
			gone = append(gone, at[n])
		}
	}
	slices.Sort(gone)
	missing := make([]Task, len(gone))
	for i, at := range gone {
		missing[i] = tasks[at]
	}
	return missing, nil
}

const (
	keepMissing = "keep"
	dropMissing = "drop" // and what is left of them, so that their ids are free
)

// missingTasks reads asynq's keys: its Inspector takes a round trip for each
// task and tells nothing of leases. What it counts as held is what asynq will
// find by itself: a task that runs is found by its lease when its process dies,
// one that waits by its list, which a Redis short of memory may throw away. The
// layout is the same since asynq 0.18; the tests of Missing fail where it moves.
var missingTasks = redis.NewScript(`
local then_, prefix = ARGV[1], ARGV[2]
local waiting = redis.call("EXISTS", KEYS[1]) == 1
local gone = {}
for i = 3, #ARGV do
	local id = ARGV[i]
	local state = redis.call("HGET", prefix .. id, "state")
	local held = state == "pending" and waiting
		or state == "active" and redis.call("ZSCORE", KEYS[3], id)
		or state == "retry" and redis.call("ZSCORE", KEYS[4], id)
	if not held then
		gone[#gone + 1] = i - 3
		if then_ == "drop" then
			redis.call("DEL", prefix .. id)
			redis.call("LREM", KEYS[2], 0, id)
			redis.call("ZREM", KEYS[5], id)
		end
	end
end
return gone`)

func queueName(kind string) string { return queuePrefix + kind }

func taskID(t Task) string { return t.Kind + ":" + t.ID }

// Serve starts the workers, with one handler for each kind of task, and
// returns. It can be called once.
func (q *Queue) Serve(handlers map[string]Handler) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return ErrQueueClosed
	case q.server != nil:
		return errors.New("the queue is being served already")
	case len(handlers) == 0:
		return errors.New("serve the queue: no handlers were given")
	}
	base, cancel := context.WithCancel(context.Background())
	mux, queues := asynq.NewServeMux(), map[string]int{}
	for kind, h := range handlers {
		queues[queueName(kind)] = 1
		mux.HandleFunc(kind, q.handle(h))
	}
	server := asynq.NewServerFromRedisClient(q.redis, asynq.Config{
		Concurrency:              q.workers,
		Queues:                   queues,
		BaseContext:              func() context.Context { return base },
		TaskCheckInterval:        q.poll,
		DelayedTaskCheckInterval: time.Second,
		RetryDelayFunc:           retryDelay,
		// A task that shutting down interrupted has not failed.
		IsFailure:       func(err error) bool { return err != nil && !errors.Is(err, context.Canceled) },
		Logger:          asynqLogger{q.log},
		LogLevel:        asynq.WarnLevel,
		ShutdownTimeout: time.Second,
	})
	if err := server.Start(mux); err != nil {
		cancel()
		return fmt.Errorf("start the queue's workers: %w", err)
	}
	q.server, q.cancel = server, cancel
	return nil
}

// handle wraps a handler so that a task out of retries is dropped rather than
// archived, and its failure logged once.
func (q *Queue) handle(h Handler) func(context.Context, *asynq.Task) error {
	return func(ctx context.Context, t *asynq.Task) error {
		select {
		case q.slots <- struct{}{}:
			defer func() { <-q.slots }()
		case <-ctx.Done():
			return ctx.Err()
		}
		err := h(ctx, t.Payload())
		if err == nil || errors.Is(err, context.Canceled) {
			return err
		}
		id, _ := asynq.GetTaskID(ctx)
		tried, _ := asynq.GetRetryCount(ctx)
		if most, ok := asynq.GetMaxRetry(ctx); ok && tried >= most {
			q.log.Error("a task failed and is dropped from the queue; it is asked for again from the database", "task", id, "attempt", tried+1, "error", err)
			return fmt.Errorf("%w: %w", asynq.RevokeTask, err)
		}
		q.log.Warn("a task failed and is tried again", "task", id, "attempt", tried+1, "error", err)
		return err
	}
}

// retryDelay is short and grows: 2, 4, 8 seconds. What has to wait longer
// waits in SQL.
func retryDelay(n int, _ error, _ *asynq.Task) time.Duration {
	return 2 * time.Second << min(n, 5)
}

// Depth is how many tasks wait, run or are to be tried again.
func (q *Queue) Depth(ctx context.Context) (int, error) {
	names, err := q.inspect.Queues()
	if err != nil {
		return 0, fmt.Errorf("read the queue's depth: %w", err)
	}
	depth := 0
	for _, name := range names {
		if !strings.HasPrefix(name, queuePrefix) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		info, err := q.inspect.GetQueueInfo(name)
		if errors.Is(err, asynq.ErrQueueNotFound) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("read the depth of the queue %s: %w", strings.TrimPrefix(name, queuePrefix), err)
		}
		depth += info.Pending + info.Active + info.Retry
	}
	return depth, nil
}

// WaitIdle returns when nothing waits, runs or is to be tried again.
func (q *Queue) WaitIdle(ctx context.Context) error {
	// The queues are read one after the other, and a task may enqueue one of a
	// kind that was read already; a second look in a row sees it.
	for empty := 0; ; {
		depth, err := q.Depth(ctx)
		if err != nil {
			return err
		}
		if empty++; depth > 0 {
			empty = 0
		}
		if empty == 2 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d tasks are still to do: %w", depth, ctx.Err())
		case <-time.After(embeddedPoll / 2):
		}
	}
}

// Shutdown stops fetching, lets running handlers finish until ctx is done, then
// cancels their contexts and waits a few seconds more for them to return, and
// closes the connection. Tasks that did not finish stay in a Redis and are gone
// from the embedded queue; either way the database knows of them. A second call
// does nothing.
func (q *Queue) Shutdown(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil
	}
	q.closed = true
	if q.server == nil {
		return q.close()
	}
	q.server.Stop()
	var late error
	if !q.drain(ctx) {
		late = fmt.Errorf("stop the queue: running tasks were interrupted: %w", ctx.Err())
		q.cancel()
	}
	q.server.Shutdown()
	q.cancel()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), interruptGrace)
	defer cancel()
	if !q.drain(grace) {
		late = errors.Join(late, errors.New("stop the queue: a task did not heed its interruption"))
	}
	return errors.Join(late, q.close())
}

// drain waits until no handler runs; false when ctx was done before. The tokens
// are given back: a task fetched just before fetching stopped may still start.
func (q *Queue) drain(ctx context.Context) bool {
	taken := 0
	defer func() {
		for range taken {
			<-q.slots
		}
	}()
	for taken < cap(q.slots) {
		select {
		case q.slots <- struct{}{}:
			taken++
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (q *Queue) close() error {
	err := q.redis.Close()
	if q.embedded != nil {
		q.embedded.stop()
	}
	if err != nil {
		return fmt.Errorf("close the queue: %w", err)
	}
	return nil
}

// embeddedRedis is a Redis in this process, reached through in-memory pipes:
// no port is opened and nothing outlives it.
type embeddedRedis struct {
	server *miniredis.Miniredis
	quit   chan struct{}
	done   chan struct{}
}

func startEmbedded() *embeddedRedis {
	e := &embeddedRedis{server: miniredis.NewMiniRedis(), quit: make(chan struct{}), done: make(chan struct{})}
	go e.expire()
	return e
}

// expire lets time pass for keys with a time to live. miniredis can do it by
// itself, but then walks every key at each access, and a queue of a few
// thousand tasks stands still.
func (e *embeddedRedis) expire() {
	defer close(e.done)
	tick := time.NewTicker(expiryStep)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-e.quit:
			return
		case now := <-tick.C:
			e.server.FastForward(now.Sub(last))
			last = now
		}
	}
}

func (e *embeddedRedis) client(workers int) redis.UniversalClient {
	return redis.NewClient(&redis.Options{
		Addr:            "embedded",
		Dialer:          func(context.Context, string, string) (net.Conn, error) { return e.server.Dial() },
		PoolSize:        workers + 10,
		DisableIdentity: true,
	})
}

func (e *embeddedRedis) stop() {
	close(e.quit)
	<-e.done
	e.server.Close()
}

// asynqLogger carries asynq's lines into slog. Its Fatal ends no process: that
// is cmd's to decide.
type asynqLogger struct{ log *slog.Logger }

func (l asynqLogger) Debug(args ...any) { l.log.Debug("queue: " + fmt.Sprint(args...)) }
func (l asynqLogger) Info(args ...any)  { l.log.Info("queue: " + fmt.Sprint(args...)) }
func (l asynqLogger) Warn(args ...any)  { l.log.Warn("queue: " + fmt.Sprint(args...)) }
func (l asynqLogger) Error(args ...any) { l.log.Error("queue: " + fmt.Sprint(args...)) }
func (l asynqLogger) Fatal(args ...any) { l.log.Error("queue: " + fmt.Sprint(args...)) }
