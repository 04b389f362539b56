package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"steward"
)

// The whole worker while its queue is emptied, refuses, or is away: the database
// remembers, so nothing is lost and nothing is said twice.

// troubledRedis is a redis-server that things befall. It keeps nothing on disk,
// so what it held is lost with its process.
type troubledRedis struct {
	*testing.T
	program, dir string
	command      *exec.Cmd
}

func troubleRedis(t *testing.T) *troubledRedis {
	t.Helper()
	startRedis(t) // skips or fails where there is none
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "steward-redis-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	r := &troubledRedis{T: t, program: path, dir: dir}
	t.Cleanup(func() { r.kill(); os.RemoveAll(dir) })
	r.start()
	return r
}

func (r *troubledRedis) socket() string { return filepath.Join(r.dir, "s") }
func (r *troubledRedis) url() string    { return "redis-socket://" + r.socket() }

func (r *troubledRedis) start() {
	r.Helper()
	_ = os.Remove(r.socket())
	r.command = exec.Command(r.program, "--port", "0", "--unixsocket", r.socket(), "--save", "", "--appendonly", "no", "--dir", r.dir)
	if err := r.command.Start(); err != nil {
		r.Fatal(err)
	}
	for range 200 {
		if conn, err := net.Dial("unix", r.socket()); err == nil {
			conn.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.Fatal("redis-server did not start")
}

func (r *troubledRedis) kill() {
	if r.command != nil {
		_ = r.command.Process.Kill()
		_ = r.command.Wait()
		r.command = nil
	}
}

func (r *troubledRedis) signal(s syscall.Signal) {
	r.Helper()
	if err := r.command.Process.Signal(s); err != nil {
		r.Fatal(err)
	}
}

// do gives it a command of plain words.
func (r *troubledRedis) do(command string) {
	r.Helper()
	conn, err := net.Dial("unix", r.socket())
	if err != nil {
		r.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s\r\n", command)
	if answer, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(answer, "+") {
		r.Fatalf("%s: %q, %v", command, answer, err)
	}
}

var queueLosses = []struct {
	name       string
	begin, end func(r *troubledRedis)
	ready      string // what /readyz says meanwhile
}{
	{"emptied", func(r *troubledRedis) { r.do("FLUSHALL") }, func(r *troubledRedis) { r.do("FLUSHALL") }, ""},
	{"restarted", (*troubledRedis).kill, (*troubledRedis).start, "check that it runs"},
	{"hanging", func(r *troubledRedis) { r.signal(syscall.SIGSTOP) }, func(r *troubledRedis) { r.signal(syscall.SIGCONT) }, "check that it runs"},
	{"read-only", func(r *troubledRedis) { r.do("REPLICAOF 127.0.0.1 1") }, func(r *troubledRedis) { r.do("REPLICAOF NO ONE") }, "point redis: in steward.yaml at the primary"},
	{"full", func(r *troubledRedis) { r.do("CONFIG SET maxmemory 1") }, func(r *troubledRedis) { r.do("CONFIG SET maxmemory 0") }, "raise its maxmemory"},
}

func TestWorkerLosesNothingWithItsQueue(t *testing.T) {
	t.Parallel()
	for _, loss := range queueLosses {
		t.Run(loss.name, func(t *testing.T) {
			t.Parallel()
			redis := troubleRedis(t)
			o := newOutpost(t, redis.url())
			gate := o.gateSlack()
			o.start()
			o.wait("a card is on its way", func() bool { return gate.calling.Load() > 0 })

			// It happens while cards are being posted. What was under way is let
			// finish and written down.
			loss.begin(redis)
			gate.lift()
			o.wait("what was under way is written down", func() bool {
				for _, v := range o.outreach() {
					if v.State == steward.Sending {
						return false
					}
				}
				return true
			})
			if loss.ready != "" {
				o.wait("readiness is lost", func() bool {
					status, body := o.get(o.private + "/readyz")
					return status == http.StatusServiceUnavailable && strings.Contains(body, "FAIL  queue") && strings.Contains(body, loss.ready)
				})
			}
			// Work goes on without a queue: the cards' playbooks come to their mails,
			// which are approved, and minutes go by.
			var mails []view
			o.wait("the mails wait for approval", func() bool {
				mails = of(o.outreach("--state", "awaiting_approval"), steward.Mail, "acme")
				return len(mails) == 2
			})
			for _, m := range mails {
				o.command(exitFine, "approve", string(m.ID), "--by", "dana")
			}
			o.ahead.Add(int64(5 * time.Minute))
			time.Sleep(200 * time.Millisecond)

			loss.end(redis)
			o.wait("the worker is ready", func() bool { status, _ := o.get(o.private + "/readyz"); return status == http.StatusOK })
			o.wait("everything is settled that waits for nobody", func() bool {
				for _, v := range o.outreach() {
					if !v.State.Settled() && v.State != steward.AwaitingApproval {
						// What the queue is said to hold is asked after once it has been
						// there for a while.
						o.ahead.Add(int64(5 * time.Second))
						return false
					}
				}
				return true
			})
			o.stop()
			o.checkSaidOnce()
			if n := len(o.smtp.Mails()); n != 2 {
				t.Errorf("%d mails went out, want the two that were approved", n)
			}
			if n := strings.Count(o.logs.String(), `"level":"ERROR"`) + strings.Count(o.logs.String(), `"level":"WARN"`); n > 20 {
				t.Errorf("%d lines were logged for one outage:\n%s", n, o.logs)
			}
		})
	}
}

// checkSaidOnce holds what Slack took against what the database says.
func (o *outpost) checkSaidOnce() {
	o.Helper()
	taken := map[steward.MessageID]int{}
	for _, id := range o.posted() {
		if taken[id]++; taken[id] == 2 {
			o.Errorf("message %s was posted twice", id)
		}
	}
	sent := 0
	for _, v := range o.outreach() {
		switch v.State {
		case steward.Sent:
			if v.Kind == steward.Mail {
				continue
			}
			sent++
			if taken[v.ID] == 0 {
				o.Errorf("%s %s is down as sent and was not posted", v.Kind, v.ID)
			}
		case steward.Uncertain, steward.FailedToSend, steward.Expired:
			o.Errorf("%s %s ended as %s (%s)", v.Kind, v.ID, v.State, v.Reason)
		}
	}
	if sent != len(taken) {
		o.Errorf("%d were posted and %d are down as sent", len(taken), sent)
	}
}

// A worker whose Redis comes up after it.
func TestWorkerStartsBeforeItsRedis(t *testing.T) {
	t.Parallel()
	redis := troubleRedis(t)
	redis.kill()
	o := newOutpost(t, redis.url())
	o.start()
	if status, body := o.get(o.private + "/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "check that it runs") {
		t.Errorf("/readyz says %d: %s", status, body)
	}
	redis.start()
	o.wait("the worker is ready", func() bool { status, _ := o.get(o.private + "/readyz"); return status == http.StatusOK })
	o.wait("the queue is fetched from again", func() bool { return strings.Contains(o.logs.String(), `"msg":"the queue goes on"`) })
	o.stop()
	if n := strings.Count(o.logs.String(), `"level":"ERROR"`); n > 4 {
		t.Errorf("%d errors were logged for one matter:\n%s", n, o.logs)
	}
}

// slackGate holds posts up until it is opened.
type slackGate struct {
	calling atomic.Int32
	open    chan struct{}
	once    sync.Once
}

func (g *slackGate) lift() { g.once.Do(func() { close(g.open) }) }

// gateSlack puts a gate before the outpost's Slack.
func (o *outpost) gateSlack() *slackGate {
	o.Helper()
	g := &slackGate{open: make(chan struct{})}
	target, err := url.Parse(strings.TrimSuffix(o.slack.URL(), "/api/"))
	o.must(err)
	onward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/chat.postMessage") {
			g.calling.Add(1)
			<-g.open
		}
		onward.ServeHTTP(w, r)
	}))
	o.Cleanup(func() { g.lift(); proxy.Close() })
	config, err := os.ReadFile(filepath.Join(o.dir, "steward.yaml"))
	o.must(err)
	o.write("steward.yaml", strings.Replace(string(config), target.String(), proxy.URL, 1))
	return g
}
