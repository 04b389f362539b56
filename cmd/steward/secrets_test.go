package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"steward"
	"steward/notify/notifytest"
	"steward/store"
)

// Secrets come from the environment and from files, and go to the providers
// and nowhere else: not to the terminal, a log, JSON, the database or a preview,
// whatever goes wrong.

// hush is a set of secrets and of the places they were looked for in.
type hush struct {
	*testing.T
	secrets map[string][]string // by name, in every spelling
	looked  int
}

// in looks for every secret in what was printed or written somewhere.
func (h *hush) in(where string, text []byte) {
	h.Helper()
	h.looked += len(text)
	for name, spellings := range h.secrets {
		for _, s := range spellings {
			if i := bytes.Index(text, []byte(s)); i >= 0 {
				h.Errorf("%s holds %s: …%q…", where, name, text[max(0, i-60):min(len(text), i+len(s)+20)])
			}
		}
	}
}

// both runs a command for people and for programs; the exit code is not what
// this is about.
func (h *hush) both(o *outpost, args ...string) {
	h.Helper()
	for _, more := range [][]string{nil, {"--json"}} {
		var out, errs bytes.Buffer
		all := append(append([]string{"-w", o.dir}, args...), more...)
		o.app(&out, &errs).main(o.Context(), all)
		h.in("stdout of steward "+strings.Join(all[2:], " "), out.Bytes())
		h.in("stderr of steward "+strings.Join(all[2:], " "), errs.Bytes())
	}
}

// files looks into every file of the workspace but those that hold secrets.
func (h *hush) files(dir string, except ...string) {
	h.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.Name() == "secrets" {
				return fs.SkipDir
			}
			return err
		}
		if slices.Contains(except, d.Name()) {
			return nil
		}
		text, err := os.ReadFile(path)
		h.in(strings.TrimPrefix(path, dir), text)
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
}

const (
	slackSecret = "xoxb-0815-hushslack"
	smtpSecret  = "hush/smtp:p@ss"
	appSecret   = "xapp-1-hush-hushapp"
	signSecret  = "hushhushhush0815hushsigninghush0"
	hookSecret  = "whsec_aHVzaC1odXNoLWh1c2gtaHVzaC1odXNoLWh1c2gt"
)

func newHush(t *testing.T) (*hush, *outpost) {
	o := newOutpost(t, "")
	o.env["SLACK_BOT_TOKEN"] = slackSecret // which this Slack calls invalid_auth
	o.env["SLACK_APP_TOKEN"], o.env["SLACK_SIGNING_SECRET"] = appSecret, signSecret
	o.edit("steward.yaml", "bot_token_env: SLACK_BOT_TOKEN", "bot_token_env: SLACK_BOT_TOKEN, app_token_env: SLACK_APP_TOKEN, signing_secret_env: SLACK_SIGNING_SECRET")
	o.slack.SetInbound(notifytest.Inbound{AppToken: "xapp-another"})
	good, err := url.Parse(o.smtp.URL())
	o.must(err)
	good.User = url.UserPassword("steward", smtpSecret) // which this server calls 535
	o.write("secrets/smtp", good.String())
	key, err := os.ReadFile(filepath.Join(o.dir, "secrets", "dkim.pem"))
	o.must(err)
	o.listens(hookSecret, "whsec_"+strings.Repeat("A", 44)) // which this receiver calls 401
	return &hush{T: t, secrets: map[string][]string{
		"the Slack token":       {slackSecret, "hushslack"},
		"the Slack app's token": {appSecret, "hushapp"},
		"the signing secret":    {signSecret},
		"the SMTP server's password": {smtpSecret, url.QueryEscape(smtpSecret), url.PathEscape(smtpSecret), url.UserPassword("", smtpSecret).String()[1:],
			strings.Trim(mustJSON(smtpSecret), `"`)},
		"the DKIM key":         {strings.Split(string(key), "\n")[1]},
		"the webhook's secret": {hookSecret, hookSecret[6:]},
	}}, o
}

func mustJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestSecretsStaySecret(t *testing.T) {
	h, o := newHush(t)
	h.both(o, "check")
	h.both(o, "import")
	h.both(o, "send-test", "--slack", "#cs-ops", "--email", "you@example.com", "--webhook", "crm")
	if o.slack.Calls("auth.test") == 0 || o.smtp.Connections() == 0 || o.hook.Calls() == 0 {
		t.Fatal("the providers were not asked, so nothing was proved")
	}

	// One playbook begins with a card, the other with a mail.
	steps := strings.SplitAfter(fmt.Sprintf(livePlaybook, "drop-b"), "steps:\n")
	lines := strings.SplitAfter(steps[1], "\n")
	o.write("playbooks/drop-b.yaml", steps[0]+lines[1]+lines[0]+strings.Join(lines[2:], ""))
	o.start()
	refused := func(kind steward.MessageKind) func() bool {
		return func() bool {
			list := of(o.outreach(), kind, "acme")
			return len(list) == 1 && list[0].State == steward.Deferred && list[0].Reason == steward.ReasonNotConfigured
		}
	}
	o.wait("Slack has refused the credentials", refused(steward.Card))
	o.wait("Slack has refused the connection", func() bool { return strings.Contains(o.logs.String(), "not connected to Slack") })
	mail := of(o.outreach(), steward.Mail, "acme")[0]
	o.command(exitFine, "approve", string(mail.ID), "--by", "dana") // who owns the account, and so knows of it
	o.wait("the mail server has refused the credentials", refused(steward.Mail))
	for _, page := range []string{"/readyz", "/metrics", "/healthz"} {
		_, body := o.get(o.private + page)
		h.in(page, []byte(body))
	}
	o.stop()
	h.in("the log at debug level", []byte(o.logs.String()))

	db, err := store.Open(t.Context(), filepath.Join(o.dir, "steward.db"), store.Options{ReadOnly: true})
	o.must(err)
	keys, err := db.Keys(t.Context())
	o.must(err)
	o.must(db.Close())
	h.files(o.dir)
	// The key of the links is the database's own, and nothing else may show it.
	h.secrets["the signing key"] = []string{keys.Signing.Reveal()}
	h.in("the log at debug level", []byte(o.logs.String()))

	for _, args := range [][]string{{"plan"}, {"accounts"}, {"explain", "acme", "drop-a"}, {"report", "data"}, {"outreach"}, {"outreach", string(mail.ID)}, {"suppress"}, {"version"}} {
		h.both(o, args...)
	}
	if h.looked < 100_000 {
		t.Fatalf("only %d bytes were looked through", h.looked)
	}
}

func TestSecretsStaySecretInPreview(t *testing.T) {
	h, o := newHush(t)
	config, err := os.ReadFile(filepath.Join(o.dir, "steward.yaml"))
	o.must(err)
	o.write("steward.yaml", strings.Replace(string(config), "delivery: live", "delivery: preview", 1))
	o.start()
	o.wait("two mails wait for approval", func() bool { return len(of(o.outreach("--state", "awaiting_approval"), steward.Mail, "acme")) == 2 })
	for _, mail := range of(o.outreach(), steward.Mail, "acme") {
		o.command(exitFine, "approve", string(mail.ID), "--by", "dana") // who owns the account, and so knows of it
	}
	o.wait("mails are written", func() bool { return len(of(o.outreach("--state", "sent"), steward.Mail, "acme")) == 2 })
	o.stop()
	h.in("the worker's output", []byte(o.logs.String()))
	if o.slack.Calls("chat.postMessage") > 0 || o.smtp.Connections() > 0 {
		t.Error("a preview called a provider")
	}
	if found, _ := filepath.Glob(filepath.Join(o.dir, "preview", "*", "*.eml")); len(found) != 2 {
		t.Errorf("%d mails were previewed, want 2", len(found))
	}
	h.files(o.dir)
}

// Where a secret is wrong, or stands where it should not, it is not quoted.
func TestWrongSecretsAreNotQuoted(t *testing.T) {
	for name, edit := range map[string]func(o *outpost, config string) string{
		"a Redis that is not there": func(_ *outpost, c string) string {
			return c + "redis: redis://:" + slackSecret + "@127.0.0.1:1/0\n"
		},
		"a Redis address that cannot be read": func(_ *outpost, c string) string {
			return c + "redis: redis://:" + slackSecret + "@127.0.0.1:port/0\n"
		},
		"a token in the file": func(_ *outpost, c string) string {
			return strings.Replace(c, "bot_token_env: SLACK_BOT_TOKEN", "bot_token: "+slackSecret, 1)
		},
		"a token for a variable's name": func(_ *outpost, c string) string {
			return strings.Replace(c, "bot_token_env: SLACK_BOT_TOKEN", "bot_token_env: "+slackSecret, 1)
		},
		"a token of another kind": func(o *outpost, c string) string {
			o.env["SLACK_BOT_TOKEN"] = "xoxp-" + slackSecret
			return c
		},
		"a mail server without a scheme": func(o *outpost, c string) string {
			o.write("secrets/smtp", "steward:"+smtpSecret+"@127.0.0.1:25")
			return c
		},
		"a mail server that is not there": func(o *outpost, c string) string {
			o.write("secrets/smtp", (&url.URL{Scheme: "smtp", User: url.UserPassword("steward", smtpSecret), Host: "127.0.0.1:1"}).String())
			return c
		},
		"a key that is none": func(o *outpost, c string) string {
			key, err := os.ReadFile(filepath.Join(o.dir, "secrets", "dkim.pem"))
			o.must(err)
			o.write("secrets/dkim.pem", strings.Replace(string(key), "PRIVATE KEY", "SECRET KEY", 2))
			return c
		},
		"a key cut short": func(o *outpost, c string) string {
			key, err := os.ReadFile(filepath.Join(o.dir, "secrets", "dkim.pem"))
			o.must(err)
			o.write("secrets/dkim.pem", "-----BEGIN PRIVATE KEY-----\n"+strings.Split(string(key), "\n")[1][:40]+"\n-----END PRIVATE KEY-----\n")
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, o := newHush(t)
			config, err := os.ReadFile(filepath.Join(o.dir, "steward.yaml"))
			o.must(err)
			o.write("steward.yaml", edit(o, string(config)))
			h.both(o, "check")
			h.both(o, "import")
			h.both(o, "send-test", "--email", "you@example.com")
			h.in("the worker's output", []byte(o.tryWorker()))
			h.files(o.dir, "steward.yaml")
		})
	}
}

// tryWorker starts a worker, ends it as soon as it is up, if it comes up at
// all, and returns what it said.
func (o *outpost) tryWorker() string {
	o.Helper()
	ctx, cancel := context.WithCancel(o.Context())
	defer cancel()
	logs, ended := &log{}, make(chan int)
	go func() {
		ended <- o.app(logs, logs).main(ctx, []string{"run", "-w", o.dir, "--log-level", "debug"})
	}()
	for deadline := time.After(time.Minute); ; {
		select {
		case <-ended:
			if logs.String() == "" {
				o.Error("the worker said nothing")
			}
			return logs.String()
		case <-deadline:
			o.Fatalf("the worker neither starts nor ends\n%s", logs)
		case <-time.After(10 * time.Millisecond):
			if strings.Contains(logs.String(), "the worker is up") {
				cancel()
			}
		}
	}
}
