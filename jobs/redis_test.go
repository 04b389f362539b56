package jobs

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisServer is a redis-server of the test's own, with what may befall one.
type redisServer struct {
	testing.TB
	program string
	port    int
	// password is what the server asks for from its next start on.
	password string
	command  *exec.Cmd
}

// startRedis runs a redis-server. It keeps nothing on disk, so a restart loses
// what it holds.
func startRedis(t testing.TB) *redisServer {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		skipOrFail(t, "redis-server is not installed; apt-get install redis-server, or run make test as root")
	}
	r := &redisServer{TB: t, program: path, password: "hushhush"}
	t.Cleanup(r.kill)
	// The port is free now and may be gone in a moment, so try a few.
	for range 5 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		r.port = l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		if r.start() {
			return r
		}
	}
	t.Fatal("redis-server did not start")
	return nil
}

func (r *redisServer) addr() string { return fmt.Sprintf("127.0.0.1:%d", r.port) }

// url is the server's as it was started first.
func (r *redisServer) url() string { return "redis://:hushhush@" + r.addr() + "/3" }

// start starts it, again on the same port after a kill.
func (r *redisServer) start() bool {
	r.Helper()
	r.command = exec.Command(r.program, "--port", fmt.Sprint(r.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", r.TempDir(), "--requirepass", r.password)
	if err := r.command.Start(); err != nil {
		r.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: r.addr(), Password: r.password})
	defer client.Close()
	for range 100 {
		if client.Ping(context.Background()).Err() == nil {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.kill()
	return false
}

// restart is a start that must succeed.
func (r *redisServer) restart() {
	r.Helper()
	if !r.start() {
		r.Fatal("redis-server did not start again")
	}
}

func (r *redisServer) kill() {
	if r.command == nil {
		return
	}
	_ = r.command.Process.Kill()
	_ = r.command.Wait()
	r.command = nil
}

// hang stops it in its tracks: it takes connections and answers nothing.
func (r *redisServer) hang()   { r.signal(syscall.SIGSTOP) }
func (r *redisServer) unhang() { r.signal(syscall.SIGCONT) }

func (r *redisServer) signal(s syscall.Signal) {
	r.Helper()
	if err := r.command.Process.Signal(s); err != nil {
		r.Fatal(err)
	}
}

// do gives it a command, as whoever runs it might.
func (r *redisServer) do(args ...any) {
	r.Helper()
	client := redis.NewClient(&redis.Options{Addr: r.addr(), Password: r.password, DB: 3})
	defer client.Close()
	if err := client.Do(context.Background(), args...).Err(); err != nil {
		r.Fatalf("%v: %v", args, err)
	}
}

func TestQueueLogsInAsTheUserOfTheAddress(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	// What docs tell an operator to allow, and not a thing more.
	server.do("acl", "setuser", "steward", "on", ">open-sesame", "~asynq:*", "~steward:*", "&asynq:*", "+@all", "-@dangerous", "+info")
	log := &logged{}
	q := open(t, QueueOptions{RedisURL: "redis://steward:open-sesame@" + server.addr() + "/3", Logger: log.logger()})
	serve(t, q, map[string]Handler{"deliver": func(context.Context, []byte) error { return nil }})
	task := Task{Kind: "deliver", ID: "m-1.0"}
	enqueue(t, q, task)
	waitIdle(t, q)
	if got := missing(t, q, task); len(got) != 1 {
		t.Errorf("missing are %v", got)
	}
	if len(log.lines) != 0 {
		t.Errorf("it was logged: %v", log.lines)
	}
}

func TestQueueFindsItsRedisThroughSentinels(t *testing.T) {
	t.Parallel()
	server, dead := startRedis(t), startRedis(t)
	dead.kill()
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	port := dead.port
	text := fmt.Sprintf("port %d\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 %d 1\nsentinel auth-pass main hushhush\n", port, server.port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel := exec.Command(server.program, file, "--sentinel")
	if err := sentinel.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sentinel.Process.Kill(); _ = sentinel.Wait() })
	q := open(t, QueueOptions{RedisURL: fmt.Sprintf("redis-sentinel://:hushhush@127.0.0.1:1,127.0.0.1:%d/3?master=main", port)})
	waitFor(t, "the sentinels lead to the Redis", func() bool { return q.Ready(t.Context()) == nil })
	enqueue(t, q, Task{Kind: "deliver", ID: "m-1.0"})
	direct := open(t, QueueOptions{RedisURL: server.url()})
	if depth, err := direct.Depth(t.Context()); err != nil || depth != 1 {
		t.Errorf("Depth = %d, %v: the task went elsewhere", depth, err)
	}
}
