package jobs

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// How the queue reaches its Redis, what goes wrong with it, and the one inside
// this process.

const (
	// A Redis that hangs must not hold up those who wait for an answer: what it
	// does not take now is offered again.
	dialTimeout = 2 * time.Second
	callTimeout = 3 * time.Second
	// fetchPause is how long a worker waits after a fetch that failed.
	fetchPause = time.Second
	// expiryStep is how coarsely keys of the embedded queue expire. Only asynq's
	// own bookkeeping does, of which nobody reads more than the counts of days.
	expiryStep = time.Hour
)

// connection is what two clients of one Redis differ in.
type connection struct {
	pool    int
	retries int // of a failed call; -1 is none
}

const redisHint = "write redis: as redis://host:6379/0, rediss:// for TLS"

// redisAt reads an address. asynq's own reading of it loses the user name, and
// all but one of several sentinels.
func redisAt(text string) (func(connection) redis.UniversalClient, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	hosts := ""
	if scheme == "redis-sentinel" {
		// url.Parse takes one host only.
		authority, path, _ := strings.Cut(rest, "/")
		user, list, found := strings.Cut(authority, "@")
		if !found {
			user, list = "", authority
		} else {
			user += "@"
		}
		hosts, text = list, scheme+"://"+user+"sentinels/"+path
	}
	u, err := url.Parse(text)
	if err != nil {
		// The parser's message quotes the URL, password and all.
		return nil, errors.New("redis: the address is not a URL; " + redisHint)
	}
	password, _ := u.User.Password()
	o := redis.Options{
		Username: u.User.Username(), Password: password,
		DialTimeout: dialTimeout, DialerRetries: 1, ReadTimeout: callTimeout, WriteTimeout: callTimeout, ContextTimeoutEnabled: true,
	}
	database := strings.Trim(u.Path, "/")
	switch scheme {
	case "redis", "rediss":
		o.Addr = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "6379"))
		if scheme == "rediss" {
			o.TLSConfig = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
		}
	case "redis-socket":
		o.Network, o.Addr, database = "unix", u.Path, u.Query().Get("db")
	case "redis-sentinel":
		if u.Query().Get("master") == "" {
			return nil, errors.New("redis: the address names no master; write redis: as redis-sentinel://host:26379,host:26379/0?master=name")
		}
	default:
		return nil, fmt.Errorf("redis: the scheme %q is not known; %s", u.Scheme, redisHint)
	}
	if database != "" {
		if o.DB, err = strconv.Atoi(database); err != nil {
			return nil, fmt.Errorf("redis: the database is a number, as in redis://host:6379/0; %s", redisHint)
		}
	}
	return func(c connection) redis.UniversalClient {
		o := o
		o.PoolSize, o.MaxRetries = c.pool, c.retries
		if hosts == "" {
			return redis.NewClient(&o)
		}
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: u.Query().Get("master"), SentinelAddrs: strings.Split(hosts, ","),
			// The address holds one user and password, and the data is worth more
			// than knowing where it is.
			Username: o.Username, Password: o.Password, DB: o.DB,
			DialTimeout: o.DialTimeout, DialerRetries: o.DialerRetries, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
			ContextTimeoutEnabled: true, PoolSize: o.PoolSize, MaxRetries: o.MaxRetries,
		})
	}, nil
}

// quietRedis drops what the Redis client prints by itself to stderr, whatever
// the logger: each of those failures is also returned, and the queue tells of
// it. The client keeps its logger in a global without a lock, so it is set once.
var quietRedis = sync.OnceFunc(func() { redis.SetLogger(silence{}) })

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// trouble is a kind of failure of a Redis, in a person's words.
type trouble struct {
	// prefix is what Redis's answer begins with.
	prefix, is, remedy string
	// final is a Redis that will never have us as we are.
	final bool
}

// troubles are looked through in order. Redis writes the first word in capitals
// so that programs can tell.
var troubles = []trouble{
	{prefix: "OOM", is: "redis is full and takes no tasks", remedy: "raise its maxmemory, with maxmemory-policy noeviction"},
	{prefix: "READONLY", is: "redis is a replica and takes no tasks", remedy: "point redis: in steward.yaml at the primary"},
	{prefix: "MISCONF", is: "redis cannot save its data and takes no tasks", remedy: "look at its log and its disk"},
	{prefix: "LOADING", is: "redis is loading its data", remedy: "wait; nothing else is to be done"},
	{prefix: "WRONGPASS", is: "redis refuses the password", remedy: "check the user and password in redis: in steward.yaml", final: true},
	{prefix: "NOAUTH", is: "redis wants a password", remedy: "put it into redis: in steward.yaml, as redis://:password@host:6379/0", final: true},
	{prefix: "NOPERM", is: "redis does not let this user do what the queue needs", remedy: "allow the user ~asynq:* ~steward:* &asynq:* +@all -@dangerous +info", final: true},
	{prefix: "ERR DB index", is: "redis has no database of that number", remedy: "check the number at the end of redis: in steward.yaml", final: true},
	{prefix: "ERR AUTH", is: "redis has no password and was given one", remedy: "leave it out of redis: in steward.yaml", final: true},
}

// away is any other failure: refused, timed out, no such host.
var away = trouble{is: "redis does not answer", remedy: "check that it runs, and redis: in steward.yaml; without redis: the embedded queue is used"}

// troubleOf reads a failure of a Redis command.
func troubleOf(err error) trouble {
	for _, t := range troubles {
		// A failure to log in comes wrapped, and one inside a script in its story.
		if redis.HasErrorPrefix(err, t.prefix) || strings.Contains(err.Error(), t.prefix+" ") {
			return t
		}
	}
	return away
}

func (t trouble) of(err error) error {
	return fmt.Errorf("%s: %w; %s", t.is, err, t.remedy)
}

// fetching watches the one call that asynq's workers make all the time. asynq
// fetches again at once after a failure, some ten thousand times a second where
// Redis is full, so a failed fetch is made to last; and the others of asynq's
// parts report each failure of each call, so the beginning and the end of the
// trouble are told here, once.
type fetching struct {
	log  *slog.Logger
	quit chan struct{} // closed: pause no more
	back func()        // called when the trouble is over

	lines lines

	mu    sync.Mutex
	is    string // what the trouble is; empty while there is none
	since time.Time
}

var _ redis.Hook = (*fetching)(nil)

// DialHook is redis.Hook's.
func (f *fetching) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return f.lines.add(conn)
	}
}

// ProcessPipelineHook is redis.Hook's.
func (f *fetching) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook is redis.Hook's.
func (f *fetching) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		switch {
		case !isFetch(cmd) || redis.HasErrorPrefix(err, "NOSCRIPT"):
			// Not ours; or the script itself follows.
		case err == nil || errors.Is(err, redis.Nil):
			f.worked()
		case !errors.Is(err, redis.ErrClosed):
			f.failed(err)
			select {
			case <-time.After(fetchPause):
			case <-f.quit:
			}
		}
		return err
	}
}

// isFetch knows asynq's script that takes a task from a queue by its keys: of
// four, the second tells whether the queue is paused.
func isFetch(cmd redis.Cmder) bool {
	args := cmd.Args() // evalsha, script, number of keys, keys
	if len(args) < 7 {
		return false
	}
	second, _ := args[4].(string)
	return strings.HasSuffix(second, ":paused")
}

func (f *fetching) failed(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := troubleOf(err)
	if f.is == "" {
		f.since = time.Now()
	}
	if f.is == t.is {
		return
	}
	f.is = t.is
	f.log.Error("the queue stands still; what is due waits in the database", "error", t.of(err))
}

func (f *fetching) worked() {
	f.mu.Lock()
	was, since := f.is, f.since
	f.is = ""
	f.mu.Unlock()
	if was != "" {
		f.log.Warn("the queue goes on", "stood_still", time.Since(since).Round(time.Second))
		f.back()
	}
}

// lines are the open connections of a client. Cut, each call on them fails at
// once and no other is made. The client itself must not be closed while asynq's
// parts run: its subscriber takes the end of a channel that this closes for a
// message, and dies of it.
type lines struct {
	mu   sync.Mutex
	open map[*line]bool
	dead bool
}

type line struct {
	net.Conn
	of *lines
}

var errCut = errors.New("the queue is being closed")

func (l *lines) add(conn net.Conn) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return nil, errors.Join(errCut, conn.Close())
	}
	if l.open == nil {
		l.open = map[*line]bool{}
	}
	added := &line{Conn: conn, of: l}
	l.open[added] = true
	if raw, ok := conn.(syscall.Conn); ok {
		// By it the client sees that the other side is gone before it writes.
		return struct {
			*line
			syscall.Conn
		}{added, raw}, nil
	}
	return added, nil
}

func (l *line) Close() error {
	l.of.mu.Lock()
	delete(l.of.open, l)
	l.of.mu.Unlock()
	return l.Conn.Close()
}

func (l *lines) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
	for open := range l.open {
		_ = open.Conn.Close()
	}
}

// down tells whether the last fetch failed.
func (f *fetching) down() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.is != ""
}

// warnPolicy tells of a Redis that makes room by throwing keys away. Nothing is
// lost with them but time, until the database is asked what became of the task.
func (q *Queue) warnPolicy() {
	if q.Embedded() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyLimit)
	defer cancel()
	info, err := q.redis.Info(ctx, "memory").Result()
	if err != nil {
		return // not everybody may ask
	}
	if policy := infoField(info, "maxmemory_policy"); policy != "" && policy != "noeviction" && infoField(info, "maxmemory") != "0" {
		q.log.Warn("redis throws keys away when it is full, which holds messages up for minutes; set its maxmemory-policy to noeviction", "maxmemory_policy", policy)
	}
}

func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if key, value, found := strings.Cut(strings.TrimSpace(line), ":"); found && key == name {
			return value
		}
	}
	return ""
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

func (e *embeddedRedis) client(c connection) redis.UniversalClient {
	return redis.NewClient(&redis.Options{
		// Of no use but to be no name: the client looks names up by itself.
		Addr:            "127.0.0.1:0",
		Dialer:          func(context.Context, string, string) (net.Conn, error) { return e.server.Dial() },
		PoolSize:        c.pool,
		MaxRetries:      c.retries,
		DisableIdentity: true,
	})
}

func (e *embeddedRedis) stop() {
	close(e.quit)
	<-e.done
	e.server.Close()
}

// sameLine is how long asynq says a thing once.
const sameLine = time.Minute

// asynqLogger carries asynq's lines into slog, one of a kind a minute and none
// while Redis is in trouble, of which fetching tells. Its Fatal ends no process:
// that is cmd's to decide.
type asynqLogger struct {
	log  *slog.Logger
	down func() bool

	mu   sync.Mutex
	said map[string]time.Time
}

func (l *asynqLogger) Debug(args ...any) { l.say(slog.LevelDebug, args) }
func (l *asynqLogger) Info(args ...any)  { l.say(slog.LevelInfo, args) }
func (l *asynqLogger) Warn(args ...any)  { l.say(slog.LevelWarn, args) }
func (l *asynqLogger) Error(args ...any) { l.say(slog.LevelError, args) }
func (l *asynqLogger) Fatal(args ...any) { l.say(slog.LevelError, args) }

func (l *asynqLogger) say(level slog.Level, args []any) {
	text := fmt.Sprint(args...)
	if level >= slog.LevelWarn && (l.down() || l.repeated(text)) {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, "queue: "+text)
}

// repeated tells whether a line of the kind was said just now. What follows the
// first number, name or quotation is about one task or one failure.
func (l *asynqLogger) repeated(text string) bool {
	kind, now := text, time.Now()
	if i := strings.IndexAny(text, ":=[\"\n0123456789"); i >= 0 {
		kind = text[:i]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, said := l.said[kind]; said && now.Sub(last) < sameLine {
		return true
	}
	if l.said == nil {
		l.said = map[string]time.Time{}
	}
	l.said[kind] = now
	return false
}
