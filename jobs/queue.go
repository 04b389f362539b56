package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

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
	// Hands is how many tasks of a kind run at once. Each kind has hands of its
	// own, so that one that is slow keeps no other waiting.
	Hands map[string]int
	// Concurrency is that for kinds that Hands does not name; 8 when zero.
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
	embeddedPoll = 50 * time.Millisecond
	redisPoll    = 200 * time.Millisecond
	// interruptGrace is how long an interrupted handler has to return.
	interruptGrace = 5 * time.Second
)

// A Queue hands tasks to handlers: asynq, on a Redis or on an embedded one,
// through the same code. It is made to outlive its Redis: while there is none,
// Enqueue fails, nothing is fetched, and once there is one again it goes on.
type Queue struct {
	client   *asynq.Client
	redis    redis.UniversalClient // for those who ask and enqueue
	fetches  redis.UniversalClient // for asynq's workers
	fetching *fetching
	log      *slog.Logger
	hands    map[string]int
	others   int // hands of kinds that are not among them
	poll     time.Duration
	embedded *embeddedRedis // nil on a Redis

	mu      sync.Mutex
	servers []*asynq.Server // one for each kind
	cancel  context.CancelFunc
	closed  bool
	// kinds are those that this process enqueues or serves. Redis keeps a list of
	// queues too, which asynq writes once and an emptied Redis has lost.
	kinds   sync.Map
	running running
}

// ErrQueueClosed is returned by a queue that was shut down.
var ErrQueueClosed = errors.New("the queue is closed")

// OpenQueue connects to the Redis of the options, or starts the embedded queue
// when they name none. It fails where only a person can help: an address that is
// none, a password that is refused. A Redis that is not there yet is waited for,
// as one that goes away later is; Ready tells. Errors never hold the URL, which
// may hold a password.
func OpenQueue(ctx context.Context, o QueueOptions) (*Queue, error) {
	quietRedis()
	q := &Queue{log: o.Logger, hands: o.Hands, others: o.Concurrency, poll: redisPoll}
	if q.log == nil {
		q.log = slog.Default()
	}
	if q.others <= 0 {
		q.others = defaultConcurrency
	}
	pool := q.others + 10
	for _, n := range q.hands {
		pool += n
	}
	dial := func(c connection) redis.UniversalClient { return q.embedded.client(c) }
	if o.RedisURL == "" {
		q.poll = embeddedPoll
		q.embedded = startEmbedded()
	} else {
		var err error
		if dial, err = redisAt(o.RedisURL); err != nil {
			return nil, err
		}
	}
	q.redis = dial(connection{pool: pool, retries: 1})
	// asynq repeats its calls in its own time.
	q.fetches = dial(connection{pool: pool, retries: -1})
	q.fetching = &fetching{log: q.log, quit: make(chan struct{}), back: q.warnPolicy}
	q.fetches.AddHook(q.fetching)
	q.client = asynq.NewClientFromRedisClient(q.redis)
	switch err := q.probe(ctx); {
	case ctx.Err() != nil:
		return nil, errors.Join(ctx.Err(), q.close())
	case err == nil:
		q.warnPolicy()
	case troubleOf(err).final:
		return nil, errors.Join(troubleOf(err).of(err), q.close())
	default:
		q.fetching.failed(err)
	}
	return q, nil
}

// Embedded tells whether tasks live in this process only.
func (q *Queue) Embedded() bool { return q.embedded != nil }

// readyLimit is how long a readiness check waits for Redis: less than those who
// ask wait for the check, so that they hear what to do.
const readyLimit = 2 * time.Second

// readyKey is written to see whether anything can be: a Redis that is full, or a
// replica, answers and takes nothing.
const readyKey = "steward:ready"

// Ready asks whether the queue takes tasks. Its error ends with what to do.
func (q *Queue) Ready(ctx context.Context) error {
	err := q.probe(ctx)
	switch {
	case err == nil || ctx.Err() != nil:
		return ctx.Err()
	case q.Embedded():
		return fmt.Errorf("the embedded queue does not answer: %w; restart the worker", err)
	}
	return troubleOf(err).of(err)
}

func (q *Queue) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	return q.redis.Set(ctx, readyKey, "", time.Minute).Err()
}

// Enqueue adds a task. A task of the same kind and id that waits or runs makes
// it a success that changes nothing.
func (q *Queue) Enqueue(ctx context.Context, t Task) error {
	if t.Kind == "" || t.ID == "" {
		return fmt.Errorf("enqueue task %q of kind %q: both are needed", t.ID, t.Kind)
	}
	q.kinds.Store(t.Kind, true)
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
		keys := keysOf(queueName(kind))
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

// keysOf is what asynq's keys of a queue begin with.
func keysOf(queue string) string { return "asynq:{" + queue + "}:" }

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
	case q.servers != nil:
		return errors.New("the queue is being served already")
	case len(handlers) == 0:
		return errors.New("serve the queue: no handlers were given")
	}
	base, cancel := context.WithCancel(context.Background())
	q.cancel = cancel
	log := &asynqLogger{log: q.log, down: q.fetching.down}
	for kind, h := range handlers {
		q.kinds.Store(kind, true)
		server := q.serverFor(base, kind, log)
		mux := asynq.NewServeMux()
		mux.HandleFunc(kind, q.handle(base, h))
		if err := server.Start(mux); err != nil {
			for _, s := range q.servers {
				s.Shutdown()
			}
			cancel()
			return fmt.Errorf("start the queue's workers: %w", err)
		}
		q.servers = append(q.servers, server)
	}
	return nil
}

func (q *Queue) handsFor(kind string) int {
	if n := q.hands[kind]; n > 0 {
		return n
	}
	return q.others
}

func (q *Queue) serverFor(base context.Context, kind string, log asynq.Logger) *asynq.Server {
	return asynq.NewServerFromRedisClient(q.fetches, asynq.Config{
		Concurrency:              q.handsFor(kind),
		Queues:                   map[string]int{queueName(kind): 1},
		BaseContext:              func() context.Context { return base },
		TaskCheckInterval:        q.poll,
		DelayedTaskCheckInterval: time.Second,
		RetryDelayFunc:           retryDelay,
		// A task that shutting down interrupted has not failed.
		IsFailure:       func(err error) bool { return err != nil && !errors.Is(err, context.Canceled) },
		Logger:          log,
		LogLevel:        asynq.WarnLevel,
		ShutdownTimeout: time.Second,
	})
}

// handle wraps a handler so that a task out of retries is dropped rather than
// archived, and its failure logged once. The handler's context ends with base or
// at the task's deadline, and not when asynq's lease lapses, as it does while
// Redis is away: a provider call cut short is an outcome lost, and the claim in
// the database keeps anybody else from the message meanwhile.
func (q *Queue) handle(base context.Context, h Handler) func(context.Context, *asynq.Task) error {
	return func(ctx context.Context, t *asynq.Task) error {
		q.running.begin()
		defer q.running.end()
		own, cancel := context.WithCancel(base)
		if deadline, ok := ctx.Deadline(); ok {
			own, cancel = context.WithDeadline(base, deadline)
		}
		defer cancel()
		err := h(own, t.Payload())
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
	names, err := q.queues(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the queue's depth: %w", err)
	}
	// One round trip, and one moment: a task between two lists is counted once.
	var counts []*redis.IntCmd
	_, err = q.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for _, name := range names {
			keys := keysOf(name)
			counts = append(counts, p.LLen(ctx, keys+"pending"), p.LLen(ctx, keys+"active"), p.ZCard(ctx, keys+"retry"))
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("read the queue's depth: %w", err)
	}
	depth := 0
	for _, c := range counts {
		depth += int(c.Val())
	}
	return depth, nil
}

// queues are the names of the queues that this process or one before it used.
func (q *Queue) queues(ctx context.Context) ([]string, error) {
	names, err := q.redis.SMembers(ctx, "asynq:queues").Result()
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, queuePrefix) })
	q.kinds.Range(func(kind, _ any) bool {
		names = append(names, queueName(kind.(string)))
		return true
	})
	slices.Sort(names)
	return slices.Compact(names), nil
}

// WaitIdle returns when nothing waits, runs or is to be tried again.
func (q *Queue) WaitIdle(ctx context.Context) error {
	// A task may enqueue the first one of its kind, whose queue was not among those
	// looked at; a second look in a row sees it.
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
	close(q.fetching.quit)
	if q.servers == nil {
		return q.close()
	}
	// Together, as each waits for its last fetch.
	var stopped sync.WaitGroup
	for _, server := range q.servers {
		stopped.Go(server.Stop)
	}
	stopped.Wait()
	var late error
	if !q.running.wait(ctx) {
		late = fmt.Errorf("stop the queue: running tasks were interrupted: %w", ctx.Err())
		q.cancel()
	}
	// Each of asynq's parts waits for its last call, and a Redis that hangs answers
	// none; without a connection they fail at once.
	cut := time.AfterFunc(interruptGrace, q.fetching.lines.cut)
	var ended sync.WaitGroup
	for _, server := range q.servers {
		ended.Go(server.Shutdown)
	}
	ended.Wait()
	cut.Stop()
	q.cancel()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), interruptGrace)
	defer cancel()
	if !q.running.wait(grace) {
		late = errors.Join(late, errors.New("stop the queue: a task did not heed its interruption"))
	}
	return errors.Join(late, q.close())
}

// running counts the handlers that run. asynq stops waiting for a handler that
// outlives its task; whoever closes the database must not. A WaitGroup will not
// do: a task fetched just before fetching stopped may still begin.
type running struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when none runs any more; nil while nobody waits
}

func (r *running) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
}

func (r *running) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n--; r.n == 0 && r.idle != nil {
		close(r.idle)
		r.idle = nil
	}
}

// wait returns when no handler runs; false when ctx was done before.
func (r *running) wait(ctx context.Context) bool {
	r.mu.Lock()
	if r.n == 0 {
		r.mu.Unlock()
		return true
	}
	if r.idle == nil {
		r.idle = make(chan struct{})
	}
	idle := r.idle
	r.mu.Unlock()
	select {
	case <-idle:
		return true
	case <-ctx.Done():
		return false
	}
}

func (q *Queue) close() error {
	err := q.redis.Close()
	if ferr := q.fetches.Close(); !errors.Is(ferr, net.ErrClosed) {
		err = errors.Join(err, ferr)
	}
	if q.embedded != nil {
		q.embedded.stop()
	}
	if err != nil {
		return fmt.Errorf("close the queue: %w", err)
	}
	return nil
}
