package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/mail"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"go.uber.org/goleak"

	"steward"
	"steward/notify/notifytest"
)

// The whole worker against providers that keep to their limits: what a team
// has after `steward run` with delivery: live.

// outpost is a workspace with its providers and, while it runs, its worker.
type outpost struct {
	*testing.T
	dir   string
	env   map[string]string
	slack *notifytest.SlackServer
	smtp  *notifytest.SMTPServer
	hook  *notifytest.WebhookServer
	dkim  ed25519.PublicKey
	// ahead is how far the workspace's clock is ahead of the machine's.
	ahead atomic.Int64
	// mailPace is how often the mailbox is read; zero for as steward.yaml says.
	mailPace time.Duration

	logs            *log
	cancel          context.CancelFunc
	ended           chan int
	public, private string
}

const liveWorkspace = `zone: Europe/Berlin
limits: {owner: off}
schedule: "0 6 * * *"
ops: "#cs-ops"
delivery: live
public_url: https://steward.example.com
listen: {public: "127.0.0.1:0", private: "localhost:0"}
fields: {seats: number, partner_managed: flag}
metrics:
  logins: {kind: count}
  active_users: {kind: gauge}
portfolio: {no_customer_mail: partner_managed}
owners: {file: owners.yaml, unowned: "#cs-ops"}
sources:
  - {name: crm, csv: {accounts: data/accounts.csv, contacts: data/contacts.csv}}
  - {name: usage, csv: {metrics: data/usage.csv}, complete_through: yesterday, fresh_within: 96h}
slack: {bot_token_env: SLACK_BOT_TOKEN, api_url: %q}
email:
  from: "{{ owner.name }} <success@example.com>"
  smtp_file: secrets/smtp
  dkim: {domain: example.com, selector: s1, key_file: secrets/dkim.pem}
%s
`

// Two playbooks, so that a nudge card carries both and two mails wait.
const livePlaybook = `playbook: %[1]s
title: Logins are dropping
audience: segment == 'enterprise'
when: drop(logins, 14d) >= 50%%
until: recovered(logins, 14d) >= 80%%
clear_for: 2d
cooldown: 30d
backfill: true
steps:
  - {id: nudge, slack: owner, message: nudge}
  - {id: help, email: [champion], message: help, approve: owner}
  - {wait: 1d, unless: acked}
  - {id: escalate, if: not acked, slack: manager, message: nudge}
`

// begin is when the worker's first day starts: half a minute after its slot, so
// that it has a missed slot to catch up with.
var begin = time.Date(2026, 3, 13, 6, 0, 30, 0, time.FixedZone("CET", 3600))

func newOutpost(t *testing.T, redis string) *outpost {
	t.Helper()
	o := &outpost{T: t, dir: t.TempDir(), env: map[string]string{"SLACK_BOT_TOKEN": "xoxb-live-token", "STEWARD_USER": "pat"}}
	o.slack = notifytest.StartSlack()
	t.Cleanup(o.slack.Close)
	o.slack.Token = "xoxb-live-token"
	o.slack.AddChannel("C0OPS", "cs-ops")
	o.slack.AddUser("U0LEE", "lee@example.com")
	o.slack.AddUser("U0SAM", "sam@example.com")
	var err error
	if o.smtp, err = notifytest.StartSMTP(notifytest.SMTPOptions{User: "steward", Password: "open-sesame-55"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.smtp.Close)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	o.must(err)
	o.dkim = public
	der, err := x509.MarshalPKCS8PrivateKey(private)
	o.must(err)

	queue := ""
	if redis != "" {
		queue = "redis: " + redis
	}
	o.must(os.CopyFS(filepath.Join(o.dir, "data"), os.DirFS("testdata/portfolio")))
	o.write("steward.yaml", fmt.Sprintf(liveWorkspace, o.slack.URL(), queue))
	o.write("owners.yaml", `- {id: lee, name: Lee Okafor, email: lee@example.com}
- {id: dana, name: Dana Reyes, email: dana@example.com, manager: lee}
- {id: sam, name: Sam Whitfield, email: sam@example.com, manager: lee}
- {id: smb-pool, name: Customer Success, pool: "#cs"}
`)
	o.write("secrets/smtp", o.smtp.URL())
	o.write("secrets/dkim.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	o.write("playbooks/drop-a.yaml", fmt.Sprintf(livePlaybook, "drop-a"))
	o.write("playbooks/drop-b.yaml", fmt.Sprintf(livePlaybook, "drop-b"))
	o.write("messages/nudge.md", "{{ .account.name }} is in less than before. Ask why.\n")
	o.write("messages/help.md", "---\nfor_roles: [champion]\nsubject: \"{{ .account.name }}: can we help?\"\n---\nHi {{ .contact.first_name }},\n\nis something in the way?\n")
	o.setClock(begin)
	return o
}

func (o *outpost) write(name, text string) {
	o.Helper()
	path := filepath.Join(o.dir, name)
	o.must(os.MkdirAll(filepath.Dir(path), 0o755))
	o.must(os.WriteFile(path, []byte(text), 0o644))
}

func (o *outpost) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o *outpost) now() time.Time { return time.Now().Add(time.Duration(o.ahead.Load())) }

func (o *outpost) setClock(at time.Time) {
	o.ahead.Store(int64(time.Until(at)))
	o.must(writeUsage(o.dir, steward.DayOf(at, at.Location())-1))
}

// app is the program with this outpost's clock and environment, at a pace for
// the impatient.
func (o *outpost) app(stdout, stderr io.Writer) *app {
	a := newApp(func(k string) string { return o.env[k] }, strings.NewReader(""), stdout, stderr)
	a.now, a.pace = o.now, pace{relay: 20 * time.Millisecond, advance: 50 * time.Millisecond, reload: 50 * time.Millisecond, mailbox: o.mailPace}
	return a
}

// command runs a command beside the worker and returns what it printed.
func (o *outpost) command(code int, args ...string) (stdout, stderr string) {
	o.Helper()
	var out, errs bytes.Buffer
	if got := o.app(&out, &errs).main(o.Context(), append([]string{"-w", o.dir}, args...)); got != code {
		o.Fatalf("steward %s ended with %d, want %d\n%s%s", strings.Join(args, " "), got, code, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

// start starts the worker and waits until it listens.
func (o *outpost) start() {
	o.Helper()
	o.logs = &log{}
	ctx, cancel := context.WithCancel(context.Background())
	o.cancel, o.ended = cancel, make(chan int, 1)
	logs, ended := o.logs, o.ended
	go func() {
		ended <- o.app(logs, logs).main(ctx, []string{"run", "-w", o.dir, "--log", "json", "--log-level", "debug"})
	}()
	o.Cleanup(cancel)
	o.wait("the worker is up", func() bool { return strings.Contains(logs.String(), "the worker is up") })
	address := regexp.MustCompile(`"side":"(\w+)","address":"([^"]+)"`)
	for _, m := range address.FindAllStringSubmatch(logs.String(), -1) {
		if m[1] == "public" {
			o.public = "http://" + m[2]
		} else {
			o.private = "http://" + m[2]
		}
	}
}

// stop ends the worker as SIGTERM does.
func (o *outpost) stop() {
	o.Helper()
	o.cancel()
	select {
	case code := <-o.ended:
		if code != exitFine {
			o.Fatalf("the worker ended with %d\n%s", code, o.logs)
		}
	case <-time.After(time.Minute):
		o.Fatalf("the worker does not stop\n%s", o.logs)
	}
	if text := o.logs.String(); !strings.Contains(text, `"msg":"stopped"`) {
		o.Errorf("the worker did not say that it stopped:\n%s", text)
	}
}

// wait waits for something that has to come about.
func (o *outpost) wait(what string, done func() bool) {
	o.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			o.Fatalf("never came about: %s\n%s", what, o.logs)
		}
		select {
		case code := <-o.ended:
			o.Fatalf("the worker ended with %d while waiting: %s\n%s", code, what, o.logs)
		default:
		}
	}
}

// log is a stream that can be read while it is written.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// view is what `steward outreach --json` says of a message.
type view struct {
	ID      steward.MessageID
	Kind    steward.MessageKind
	State   steward.MessageState
	Reason  steward.Reason
	Detail  string
	Account steward.AccountID
	Carries []struct{ Playbook, Step string }
}

func (o *outpost) outreach(args ...string) []view {
	o.Helper()
	stdout, _ := o.command(exitFine, append([]string{"outreach", "--json", "--limit", "1000"}, args...)...)
	var list []view
	o.must(json.Unmarshal([]byte(stdout), &list))
	return list
}

func (o *outpost) message(id steward.MessageID) view {
	o.Helper()
	stdout, _ := o.command(exitFine, "outreach", string(id), "--json")
	var v view
	o.must(json.Unmarshal([]byte(stdout), &v))
	return v
}

// of is the messages of a kind about an account.
func of(list []view, kind steward.MessageKind, account steward.AccountID) []view {
	var out []view
	for _, v := range list {
		if v.Kind == kind && v.Account == account {
			out = append(out, v)
		}
	}
	return out
}

// posted is the ids of all messages that Slack took, in order.
func (o *outpost) posted() []steward.MessageID {
	o.Helper()
	var out []steward.MessageID
	for _, p := range o.slack.Posts() {
		var meta struct {
			EventPayload struct {
				ID steward.MessageID `json:"id"`
			} `json:"event_payload"`
		}
		o.must(json.Unmarshal(p.Metadata, &meta))
		out = append(out, meta.EventPayload.ID)
	}
	return out
}

func (o *outpost) get(url string) (status int, body string) {
	o.Helper()
	res, err := http.Get(url)
	o.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	o.must(err)
	return res.StatusCode, string(text)
}

func TestWorker(t *testing.T) {
	t.Run("embedded queue", func(t *testing.T) { liveThrough(t, "") })
	t.Run("redis", func(t *testing.T) { liveThrough(t, startRedis(t)) })
}

// liveThrough is two days of a worker in the real world.
func liveThrough(t *testing.T, redis string) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		goleak.VerifyNone(t, before)
	})
	o := newOutpost(t, redis)
	o.start()

	// The slot that was missed is caught up with: one card for both playbooks,
	// one request for both mails, and no mail.
	o.wait("the cards arrive", func() bool { return len(o.slack.Posts()) >= 4 })
	list := o.outreach()
	cards, mails := of(list, steward.Card, "acme"), of(list, steward.Mail, "acme")
	if len(cards) != 1 || len(cards[0].Carries) != 2 || len(mails) != 2 || len(of(list, steward.Approval, "acme")) != 1 {
		t.Fatalf("acme has %d cards, %d mails and %d requests: %+v", len(cards), len(mails), len(of(list, steward.Approval, "acme")), list)
	}
	o.checkPosts(list)
	if n := len(o.smtp.Mails()); n != 0 {
		t.Fatalf("%d mails went out that nobody approved", n)
	}

	o.approveAndUnsubscribe(mails[0], mails[1])
	o.breakAndMend()

	// SIGTERM, and the same day again: nothing is sent twice.
	o.stop()
	said, mailed := len(o.slack.Posts()), len(o.smtp.Mails())
	o.start()
	o.wait("the second start looks around", func() bool {
		_, body := o.get(o.private + "/metrics")
		return regexp.MustCompile(`steward_job_runs_total\{[^}]*job="relay"[^}]*\} [1-9]`).MatchString(body)
	})
	if len(o.slack.Posts()) != said || len(o.smtp.Mails()) != mailed {
		t.Errorf("the second start sent %d cards and %d mails more", len(o.slack.Posts())-said, len(o.smtp.Mails())-mailed)
	}
	o.stop()

	o.pauseAndResume()

	// In all of it, nothing was said twice.
	seen := map[steward.MessageID]bool{}
	for _, id := range o.posted() {
		if seen[id] {
			t.Errorf("message %s was posted twice", id)
		}
		seen[id] = true
	}
	for _, v := range o.outreach() {
		if v.State == steward.Sending || v.State == steward.Uncertain || v.State == steward.FailedToSend {
			t.Errorf("%s %s ended as %s (%s)", v.Kind, v.ID, v.State, v.Reason)
		}
	}
}

// checkPosts holds what Slack took against what the database says was sent.
func (o *outpost) checkPosts(list []view) {
	o.Helper()
	known := map[steward.MessageID]view{}
	for _, v := range list {
		known[v.ID] = v
	}
	for i, id := range o.posted() {
		v, ok := known[id]
		if !ok {
			o.Errorf("post %d carries the id %q, which is no message's", i, id)
			continue
		}
		o.wait("a delivery is written down", func() bool { return o.message(v.ID).State == steward.Sent })
	}
}

func (o *outpost) approveAndUnsubscribe(first, second view) {
	o.Helper()
	o.command(exitFine, "approve", string(first.ID), "--by", "dana")
	o.wait("the approved mail arrives", func() bool { return len(o.smtp.Mails()) == 1 })
	link := o.checkMail(o.smtp.Mails()[0], first.ID)

	// Looking at the page changes nothing; one click does.
	path := o.public + link.Path
	if status, body := o.get(path); status != http.StatusOK || strings.Contains(body, "ana@acme.example") {
		o.Errorf("the page answers %d: %s", status, body)
	}
	if listed, _ := o.command(exitFine, "suppress"); strings.Contains(listed, "ana@acme.example") {
		o.Error("looking at the page unsubscribed")
	}
	res, err := http.Post(path, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"))
	o.must(err)
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		o.Fatalf("one click is answered with %d", res.StatusCode)
	}
	if listed, _ := o.command(exitFine, "suppress"); !strings.Contains(listed, "ana@acme.example") {
		o.Errorf("one click left her on the list:\n%s", listed)
	}
	if status, _ := o.get(o.private + link.Path); status != http.StatusNotFound {
		o.Errorf("the private side answers the link with %d", status)
	}
	if status, _ := o.get(o.public + "/metrics"); status != http.StatusNotFound {
		o.Errorf("the public side answers /metrics with %d", status)
	}

	// The next mail to her, though approved, is not sent.
	o.command(exitFine, "approve", string(second.ID), "--by", "dana")
	o.wait("the second mail is settled", func() bool { return o.message(second.ID).State.Settled() })
	if v := o.message(second.ID); v.State != steward.Suppressed || v.Reason != steward.ReasonOptedOut {
		o.Errorf("after she unsubscribed the second mail is %s (%s)", v.State, v.Reason)
	}
	if n := len(o.smtp.Mails()); n != 1 {
		o.Errorf("%d mails were sent, want 1", n)
	}
}

// checkMail holds a mail to what receivers ask of it and returns its link to
// unsubscribe.
func (o *outpost) checkMail(m notifytest.SMTPMail, id steward.MessageID) *url.URL {
	o.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	o.must(err)
	h := msg.Header
	if m.To != "ana@acme.example" || !strings.Contains(h.Get("To"), "ana@acme.example") {
		o.Errorf("it went to %s (To: %s)", m.To, h.Get("To"))
	}
	if !strings.Contains(h.Get("Message-Id"), string(id)) || !strings.HasPrefix(h.Get("From"), `"Dana Reyes" <success@example.com>`) || !strings.Contains(h.Get("Reply-To"), "dana@example.com") {
		o.Errorf("its headers are From %q, Reply-To %q, Message-ID %q", h.Get("From"), h.Get("Reply-To"), h.Get("Message-Id"))
	}
	if got := h.Get("List-Unsubscribe-Post"); got != "List-Unsubscribe=One-Click" {
		o.Errorf("List-Unsubscribe-Post is %q", got)
	}
	checks, err := dkim.VerifyWithOptions(bytes.NewReader(m.Raw), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if name != "s1._domainkey.example.com" {
			return nil, fmt.Errorf("no such record: %s", name)
		}
		return []string{"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(o.dkim)}, nil
	}})
	o.must(err)
	if len(checks) != 1 || checks[0].Err != nil {
		o.Errorf("the DKIM signature does not hold: %+v", checks)
	}
	link, err := url.Parse(strings.Trim(h.Get("List-Unsubscribe"), "<>"))
	if err != nil || link.Scheme != "https" || link.Host != "steward.example.com" {
		o.Fatalf("List-Unsubscribe is %q", h.Get("List-Unsubscribe"))
	}
	return link
}

// breakAndMend: an edit that does not load leaves the last good book in use,
// and every place that should say so does.
func (o *outpost) breakAndMend() {
	o.Helper()
	ready := func() (int, string) { return o.get(o.private + "/readyz") }
	if status, body := ready(); status != http.StatusOK {
		o.Fatalf("not ready: %d %s", status, body)
	}
	said := len(o.slack.Posts())
	o.write("playbooks/drop-a.yaml", strings.Replace(fmt.Sprintf(livePlaybook, "drop-a"), "drop(logins", "drop(lgins", 1))
	o.wait("/readyz speaks of the broken edit", func() bool {
		_, body := ready()
		return strings.Contains(body, "the last good book is in use")
	})
	o.wait("ops hears of it", func() bool { return len(o.slack.Posts()) > said })
	if p := o.slack.Posts()[said]; p.Channel != "C0OPS" || !strings.Contains(p.Text, "the last good ones stay in use") {
		o.Errorf("in %s was said: %s", p.Channel, p.Text)
	}
	o.write("playbooks/drop-a.yaml", fmt.Sprintf(livePlaybook, "drop-a"))
	o.wait("/readyz is content again", func() bool {
		status, body := ready()
		return status == http.StatusOK && !strings.Contains(body, "last good book")
	})
}

// A workspace's file that is gone for a while is no reason to stop either.
func TestWorkerOutlivesItsFile(t *testing.T) {
	o := newOutpost(t, "")
	o.start()
	defer o.stop()
	name := filepath.Join(o.dir, "steward.yaml")
	o.must(os.Rename(name, name+".away"))
	o.wait("/readyz speaks of it", func() bool {
		_, body := o.get(o.private + "/readyz")
		return strings.Contains(body, "the last good book is in use")
	})
	o.must(os.Rename(name+".away", name))
	o.wait("/readyz is content again", func() bool { status, _ := o.get(o.private + "/readyz"); return status == http.StatusOK })
}

// What is odd and no mistake is said at the start.
func TestWorkerSaysWhatIsOdd(t *testing.T) {
	for channel, want := range map[string]string{
		"slack: {bot_token_env: SLACK_BOT_TOKEN}":                     "email: is not set up",
		"email: {from: success@example.com, smtp_file: secrets/smtp}": "slack: is not set up",
	} {
		o := newOutpost(t, "")
		o.write("steward.yaml", `zone: Europe/Berlin
schedule: "0 6 * * *"
delivery: live
public_url: https://steward.example.com
listen: {public: off, private: off}
metrics: {logins: {kind: count}}
owners: {file: owners.yaml}
`+channel+"\n")
		said := o.tryWorker()
		for _, want := range []string{"run: steward check", "names no sources", "nobody hears about stale data", want} {
			if !strings.Contains(said, want) {
				t.Errorf("nothing was said of: %s\n%s", want, said)
			}
		}
	}
}

// pauseAndResume is the next day: what comes due while sending is paused waits,
// and goes once it is not.
func (o *outpost) pauseAndResume() {
	o.Helper()
	o.command(exitFine, "pause", "--why", "an outage")
	said := len(o.slack.Posts())
	o.setClock(begin.Add(24 * time.Hour))
	o.start()
	defer o.stop()
	var escalations []view
	o.wait("the escalation is put off", func() bool {
		escalations = nil
		for _, v := range of(o.outreach(), steward.Card, "acme") {
			if v.State == steward.Deferred && v.Reason == steward.ReasonPaused {
				escalations = append(escalations, v)
			}
		}
		return len(escalations) > 0
	})
	if n := len(o.slack.Posts()); n != said {
		o.Errorf("%d cards were posted during the pause", n-said)
	}
	o.command(exitFine, "resume")
	o.ahead.Add(int64(10 * time.Minute))
	o.wait("it goes once sending goes on", func() bool { return o.message(escalations[0].ID).State == steward.Sent })
	var toLee bool
	for _, p := range o.slack.Posts()[said:] {
		toLee = toLee || p.Channel == "D0LEE"
	}
	if !toLee {
		o.Error("nothing went to the manager")
	}
}

// SIGTERM in the middle of a delivery: the call is let finish, and what came of
// it is written down before the database is closed.
func TestWorkerDrains(t *testing.T) {
	o := newOutpost(t, "")
	calling, release := make(chan struct{}, 100), make(chan struct{})
	target, err := url.Parse(strings.TrimSuffix(o.slack.URL(), "/api/"))
	o.must(err)
	onward := httputil.NewSingleHostReverseProxy(target)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/chat.postMessage") {
			calling <- struct{}{}
			<-release
		}
		onward.ServeHTTP(w, r)
	}))
	t.Cleanup(slow.Close)
	config, err := os.ReadFile(filepath.Join(o.dir, "steward.yaml"))
	o.must(err)
	o.write("steward.yaml", strings.Replace(string(config), target.String(), slow.URL, 1))

	o.start()
	o.wait("a card is on its way", func() bool { return len(calling) > 0 })
	o.cancel()
	o.wait("the worker is stopping", func() bool { return strings.Contains(o.logs.String(), "letting running work finish") })
	close(release)
	o.stop()
	sent := 0
	for _, v := range o.outreach() {
		switch v.State {
		case steward.Sent:
			sent++
		case steward.Sending, steward.Uncertain:
			t.Errorf("%s %s was left %s", v.Kind, v.ID, v.State)
		}
	}
	if sent == 0 || sent != len(o.slack.Posts()) {
		t.Errorf("%d were called, %d taken, and %d are down as sent", len(calling), len(o.slack.Posts()), sent)
	}
}

// startRedis runs a redis-server of the test's own on a socket and returns its
// URL.
func startRedis(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("STEWARD_REQUIRE_ALL") != "" {
			t.Fatal("redis-server is not installed; apt-get install redis-server")
		}
		t.Skip("redis-server is not installed; apt-get install redis-server")
	}
	dir, err := os.MkdirTemp("", "steward-redis-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	server := exec.Command(path, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", dir)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	for range 200 {
		if _, err := os.Stat(socket); err == nil {
			return "redis-socket://" + socket
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("redis-server did not start")
	return ""
}
