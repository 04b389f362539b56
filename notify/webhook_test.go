package notify

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/notify/notifytest"
)

// whsec is the specification's own example of a secret.
const whsec = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// webhookNow is the clock of senders and receivers here.
var webhookNow = time.Date(2026, 3, 12, 6, 0, 30, 0, time.UTC)

func webhookSetup(t *testing.T) (*WebhookSender, *notifytest.WebhookServer) {
	t.Helper()
	server := notifytest.StartWebhook(whsec)
	server.Now = func() time.Time { return webhookNow }
	t.Cleanup(server.Close)
	return webhookTo(t, server.URL(), whsec), server
}

func webhookTo(t *testing.T, url, secret string) *WebhookSender {
	t.Helper()
	s, err := NewWebhookSender(WebhookConfig{Now: func() time.Time { return webhookNow },
		Webhooks: []Webhook{{Name: "crm", URL: url, Secret: steward.NewSecret(secret), Timeout: time.Second}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// goodCall is an ordinary call of a webhook.
func goodCall() steward.Letter {
	l := goodLetter()
	l.Message.Kind, l.Message.Channel = steward.Call, steward.Webhook
	l.Message.To = steward.Recipient{Key: "webhook:crm", Name: "crm", Webhook: "crm"}
	l.Content.Call = &steward.CallFacts{Account: "acme", Subject: steward.Subject{Kind: steward.AboutContract, ID: "c-7", Account: "acme"}, Playbook: "login-drop", Step: "tell-crm",
		Enrolment: "e-abc", Owner: "dana"}
	return l
}

const goodCallBody = `{
  "type": "steward.login-drop.tell-crm",
  "timestamp": "2026-03-12T06:00:00Z",
  "data": {
    "account": "acme",
    "account_name": "Acme GmbH",
    "subject": {
      "kind": "contract",
      "id": "c-7"
    },
    "playbook": "login-drop",
    "step": "tell-crm",
    "enrolment": "e-abc",
    "owner": "dana",
    "severity": "warning",
    "title": "Logins are dropping",
    "text": "Acme GmbH logs in a third as often as two weeks ago.\n1. Call Ines Ott (champion).\n2. Ask whether the rollout (https://crm.example.com/acme/rollout) is done.",
    "evidence": [
      "Logins fell 64 % in 14 days: 42 → 15 a day",
      "Last call: 9 March, by Dana"
    ]
  }
}
`

// The example of standard-webhooks: what its own libraries give for this id,
// time and body.
func TestWebhookSignatureIsTheStandards(t *testing.T) {
	s := webhookTo(t, "http://127.0.0.1:1", whsec)
	s.now = func() time.Time { return time.Unix(1614265330, 0) }
	req, err := http.NewRequest(http.MethodPost, "http://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.sign(req, "crm", "msg_p5jXN8AQM9LWM0D4loKWxJek", []byte(`{"test": 2432232314}`))
	if got, want := req.Header.Get("webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
	if got := req.Header.Get("webhook-timestamp"); got != "1614265330" {
		t.Errorf("timestamp %s", got)
	}
}

func TestWebhookIsCalled(t *testing.T) {
	s, server := webhookSetup(t)
	l := goodCall()
	receipt, err := s.Send(t.Context(), l)
	if err != nil || receipt.Ref != "crm http 200" {
		t.Fatalf("%+v, %v", receipt, err)
	}
	taken := server.Taken()
	if len(taken) != 1 || taken[0].ID != string(l.Message.ID) || taken[0].Header.Get("Content-Type") != "application/json" {
		t.Fatalf("taken: %+v", taken)
	}
	var body bytes.Buffer
	if err := json.Indent(&body, taken[0].Body, "", "  "); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(goodCallBody, body.String()+"\n"); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	// Again, later: another timestamp and signature, and the same message.
	first := taken[0].Header.Get("webhook-signature")
	s.now = func() time.Time { return webhookNow.Add(2 * time.Minute) }
	if _, err := s.Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if again := server.Taken(); len(again) != 1 || again[0].Times != 2 || server.Calls() != 2 {
		t.Errorf("the receiver does not know the message again: %+v", again)
	}
	if first == "" {
		t.Error("no signature")
	}
}

// What is said of a test message by hand, and by a step without words.
func TestWebhookBodies(t *testing.T) {
	l := goodCall()
	l.Content.Call = nil
	body, err := webhookBody(l)
	if err != nil || !bytes.Contains(body, []byte(`"type":"steward.test"`)) || bytes.Contains(body, []byte(`"playbook"`)) {
		t.Errorf("%s, %v", body, err)
	}
	l = goodCall()
	l.Content.Parts[0].Markdown, l.Content.Parts[0].Evidence = "", nil
	if body, err = webhookBody(l); err != nil || !bytes.Contains(body, []byte(`"text":"","evidence":[]`)) {
		t.Errorf("%s, %v", body, err)
	}
	l.Message.To.Email, l.Message.To.Slack = "dana@example.com", "U0DANA"
	again, err := webhookBody(l)
	if err != nil || !bytes.Equal(body, again) {
		t.Errorf("the body depends on an address: %s, %v", again, err)
	}
	for _, name := range hostileNames {
		l.Content.Account, l.Content.Title = name, name
		body, err := webhookBody(l)
		if err != nil || !json.Valid(body) {
			t.Errorf("%q: %s, %v", name, body, err)
		}
	}
}

// The rows of "When a provider misbehaves: webhooks" in docs/delivery.md.
const (
	hookTaken    = "any 2xx, whatever follows it"
	hookPatience = "429; `Retry-After` is kept, up to an hour"
	hookAgain    = "408, 425"
	hookTrouble  = "5xx"
	hookAway     = "its host cannot be reached: DNS, connection refused, no answer to TLS"
	hookLost     = "no answer in time, a connection that breaks or an answer that is not HTTP, once the call went out"
	hookNoEntry  = "401, 403, a redirect, a certificate that is not valid, a name that `steward.yaml` no longer has"
	hookRefused  = "410, and any other 4xx"
)

type webhookCase struct {
	row, name string
	f         notifytest.WebhookFailure
	elsewhere string // one of wrongWebhooks
	kind      steward.FailureKind
	code      string
	hint      string
	after     time.Duration
	taken     int
}

var wrongWebhooks = map[string]func(t *testing.T) *WebhookSender{
	"nobody listens": func(t *testing.T) *WebhookSender {
		ln := listen(t)
		ln.Close()
		return webhookTo(t, "http://"+ln.Addr().String(), whsec)
	},
	"no such host":      func(t *testing.T) *WebhookSender { return webhookTo(t, "http://crm.invalid/", whsec) },
	"silent before TLS": func(t *testing.T) *WebhookSender { return webhookTo(t, "https://"+listen(t).Addr().String(), whsec) },
	"another's certificate": func(t *testing.T) *WebhookSender {
		s := notifytest.StartWebhookTLS(whsec)
		t.Cleanup(s.Close)
		return webhookTo(t, s.URL(), whsec)
	},
	"another secret": func(t *testing.T) *WebhookSender {
		s := notifytest.StartWebhook("whsec_" + strings.Repeat("A", 32))
		s.Now = func() time.Time { return webhookNow }
		t.Cleanup(s.Close)
		return webhookTo(t, s.URL(), whsec)
	},
	"another time": func(t *testing.T) *WebhookSender {
		s := notifytest.StartWebhook(whsec)
		s.Now = func() time.Time { return webhookNow.Add(-time.Hour) }
		t.Cleanup(s.Close)
		return webhookTo(t, s.URL(), whsec)
	},
	"not configured": func(t *testing.T) *WebhookSender {
		s, err := NewWebhookSender(WebhookConfig{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	},
}

func webhookCases() []webhookCase {
	type failure = notifytest.WebhookFailure
	const crossed = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"
	return []webhookCase{
		{row: hookTaken, name: "201", f: failure{Accept: true, Status: 201}, taken: 1},
		{row: hookTaken, name: "204", f: failure{Accept: true, Status: 204}, taken: 1},
		{row: hookTaken, name: "200 without an end", f: failure{Accept: true, Status: 200, Endless: true}, taken: 1},
		{row: hookTaken, name: "200 cut short", f: failure{Accept: true, Raw: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nha"}, taken: 1},

		{row: hookPatience, name: "429", f: failure{Status: 429}, kind: steward.Throttled, code: "http 429", hint: "by itself", after: throttledFor},
		{row: hookPatience, name: "429 with seconds", f: failure{Status: 429, RetryAfter: "7"}, kind: steward.Throttled, after: 7 * time.Second},
		{row: hookPatience, name: "429 with a date", f: failure{Status: 429, RetryAfter: "Thu, 12 Mar 2026 06:02:00 GMT"}, kind: steward.Throttled, after: 90 * time.Second},
		{row: hookPatience, name: "429 with a date gone by", f: failure{Status: 429, RetryAfter: "Thu, 12 Mar 2026 05:00:00 GMT"}, kind: steward.Throttled, after: time.Second},
		{row: hookPatience, name: "429 for a year", f: failure{Status: 429, RetryAfter: "31536000"}, kind: steward.Throttled, after: longestPatience},
		{row: hookPatience, name: "429 beyond any number", f: failure{Status: 429, RetryAfter: strings.Repeat("9", 30)}, kind: steward.Throttled, after: throttledFor},
		{row: hookPatience, name: "429 with nonsense", f: failure{Status: 429, RetryAfter: "soon"}, kind: steward.Throttled, after: throttledFor},

		{row: hookAgain, name: "408", f: failure{Status: 408}, kind: steward.NotNow, code: "http 408"},
		{row: hookAgain, name: "425", f: failure{Status: 425}, kind: steward.NotNow, code: "http 425"},

		{row: hookTrouble, name: "500", f: failure{Status: 500}, kind: steward.Unreachable, code: "http 500", hint: "its own log"},
		{row: hookTrouble, name: "502", f: failure{Status: 502}, kind: steward.Unreachable, code: "http 502"},
		{row: hookTrouble, name: "503", f: failure{Status: 503, RetryAfter: "60"}, kind: steward.Unreachable, code: "http 503"},
		{row: hookTrouble, name: "599", f: failure{Status: 599}, kind: steward.Unreachable, code: "http 599"},

		{row: hookAway, name: "connection refused", elsewhere: "nobody listens", kind: steward.Unreachable, code: "network", hint: "DNS, proxy, firewall"},
		{row: hookAway, name: "no such host", elsewhere: "no such host", kind: steward.Unreachable, code: "network"},
		{row: hookAway, name: "no answer to TLS", elsewhere: "silent before TLS", kind: steward.Unreachable, code: "timeout"},

		{row: hookLost, name: "silent after taking it", f: failure{Accept: true, Hang: true}, kind: steward.Unknowable, code: "timeout", hint: "answer first", taken: 1},
		{row: hookLost, name: "silent", f: failure{Hang: true}, kind: steward.Unknowable, code: "timeout"},
		{row: hookLost, name: "lost after taking it", f: failure{Accept: true, Drop: true}, kind: steward.Unknowable, code: "network", taken: 1},
		{row: hookLost, name: "lost", f: failure{Drop: true}, kind: steward.Unknowable, code: "network"},
		{row: hookLost, name: "not HTTP", f: failure{Raw: "SSH-2.0-OpenSSH_9.6\r\n"}, kind: steward.Unknowable, code: "network"},
		{row: hookLost, name: "an answer that contradicts itself", f: failure{Raw: crossed}, kind: steward.Unknowable, code: "network"},
		{row: hookLost, name: "headers without an end", f: failure{Raw: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20)}, kind: steward.Unknowable, code: "network"},

		{row: hookNoEntry, name: "401", f: failure{Status: 401}, kind: steward.Unauthorised, code: "http 401", hint: "same secret"},
		{row: hookNoEntry, name: "403", f: failure{Status: 403}, kind: steward.Unauthorised, code: "http 403"},
		{row: hookNoEntry, name: "another secret", elsewhere: "another secret", kind: steward.Unauthorised, code: "http 401"},
		{row: hookNoEntry, name: "clocks an hour apart", elsewhere: "another time", kind: steward.Unauthorised, code: "http 401", hint: "both clocks"},
		{row: hookNoEntry, name: "301", f: failure{Status: 301, Location: "/elsewhere"}, kind: steward.Unauthorised, code: "http 301", hint: "write the address"},
		{row: hookNoEntry, name: "307", f: failure{Status: 307, Location: "/elsewhere"}, kind: steward.Unauthorised, code: "http 307"},
		{row: hookNoEntry, name: "a certificate of nobody known", elsewhere: "another's certificate", kind: steward.Unauthorised, code: "certificate"},
		{row: hookNoEntry, name: "no longer there", elsewhere: "not configured", kind: steward.Unauthorised, code: "not_configured", hint: "webhooks.crm"},

		{row: hookRefused, name: "410", f: failure{Status: 410}, kind: steward.Refused, code: "http 410", hint: "remove it"},
		{row: hookRefused, name: "400", f: failure{Status: 400}, kind: steward.Refused, code: "http 400", hint: "its own log"},
		{row: hookRefused, name: "404", f: failure{Status: 404}, kind: steward.Refused, code: "http 404"},
		{row: hookRefused, name: "413", f: failure{Status: 413}, kind: steward.Refused, code: "http 413"},
		{row: hookRefused, name: "422", f: failure{Status: 422}, kind: steward.Refused, code: "http 422"},
	}
}

func TestWhenAWebhookMisbehaves(t *testing.T) {
	for _, tt := range webhookCases() {
		t.Run(tt.name, func(t *testing.T) {
			s, server := webhookSetup(t)
			server.Fail(tt.f)
			calls := 1
			if tt.elsewhere != "" {
				s, calls = wrongWebhooks[tt.elsewhere](t), 0
			}
			if tt.code == "timeout" {
				h := s.hooks["crm"]
				h.Timeout = 60 * time.Millisecond
				s.hooks["crm"] = h
			}
			_, err := s.Send(t.Context(), goodCall())
			if server.Calls() != calls || len(server.Taken()) != tt.taken {
				t.Errorf("%d calls, %d taken; want %d and %d", server.Calls(), len(server.Taken()), calls, tt.taken)
			}
			if tt.kind == "" {
				if err != nil {
					t.Errorf("%v; want it sent", err)
				}
				return
			}
			d := wantFailure(t, err, tt.kind, tt.code)
			if !strings.Contains(d.Hint, tt.hint) {
				t.Errorf("hint %q says nothing of %q", d.Hint, tt.hint)
			}
			if d.RetryAfter != tt.after {
				t.Errorf("retry after %v, want %v", d.RetryAfter, tt.after)
			}
			if strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "hooks/steward") || strings.Contains(err.Error(), whsec[6:]) {
				t.Errorf("the address or the secret leaks in %v", err)
			}
			if tt.kind != steward.Unknowable && tt.taken != 0 {
				t.Errorf("%s is said of a call that was taken", tt.kind)
			}
		})
	}
}

// What is signed must not be carried on to where a receiver points.
func TestWebhookFollowsNoRedirect(t *testing.T) {
	reached := false
	elsewhere := serveHTTP(t, func(http.ResponseWriter, *http.Request) { reached = true })
	s := webhookTo(t, serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusPermanentRedirect)
	}), whsec)
	_, err := s.Send(t.Context(), goodCall())
	wantFailure(t, err, steward.Unauthorised, "http 308")
	if reached {
		t.Error("the call followed a redirect")
	}
}

// After a call whose answer was lost, the message may be sent again: the
// receiver knows it.
func TestWebhookMayBeCalledAgain(t *testing.T) {
	s, server := webhookSetup(t)
	server.Fail(notifytest.WebhookFailure{Accept: true, Drop: true})
	l := goodCall()
	_, err := s.Send(t.Context(), l)
	wantFailure(t, err, steward.Unknowable, "network")
	if _, found, err := (Router{Webhook: s}).Find(t.Context(), l); found || err != nil {
		t.Fatalf("found %t, %v; want leave to send it again", found, err)
	}
	if _, err := (Router{Webhook: s}).Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if taken := server.Taken(); len(taken) != 1 || taken[0].Times != 2 {
		t.Errorf("taken: %+v", taken)
	}
}

func TestWebhookSecrets(t *testing.T) {
	for _, bad := range []string{"", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_short", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa", "whsec_" + strings.Repeat("AAAA", 22), "whsec_****************************"} {
		_, err := NewWebhookSender(WebhookConfig{Webhooks: []Webhook{{Name: "crm", URL: "https://crm.example.com", Secret: steward.NewSecret(bad)}}})
		if err == nil || !strings.Contains(err.Error(), "crm") || bad != "" && strings.Contains(err.Error(), bad) && bad != "whsec_" {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if d := wantFailure(t, errOf((Router{}).Send(t.Context(), goodCall())), steward.Unauthorised, "not_configured"); !strings.Contains(d.Hint, "webhooks") {
		t.Errorf("hint %q", d.Hint)
	}
}

func errOf(_ steward.Receipt, err error) error { return err }

func TestWebhookInPreviewAndRedirect(t *testing.T) {
	p, dir := previewSetup(t, nil)
	_, server := webhookSetup(t)
	l := goodCall()
	r, err := p.Send(t.Context(), l)
	if err != nil || !strings.HasSuffix(r.Ref, ".webhook.json") || r.Detail != "previewed, not sent; meant for crm by webhook" {
		t.Fatalf("%+v, %v", r, err)
	}
	if diff := cmp.Diff(goodCallBody, readFile(t, r.Ref)); diff != "" {
		t.Errorf("the preview (-want +got):\n%s", diff)
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	if page := readFile(t, dir, "index.html"); !strings.Contains(page, "Webhook crm") || !strings.Contains(page, ".webhook.json") {
		t.Errorf("the page does not show it:\n%s", page)
	}

	// Redirected, it goes nowhere, though the one address is a Slack channel.
	l.Message.ID = "m-redirected"
	slack, posts, _ := slackSetup(t)
	redirect := Redirect{To: "#cs", Slack: slack, Kept: p}
	if r, err = redirect.Send(t.Context(), l); err != nil || !strings.Contains(r.Detail, "not called, as delivery is redirected") {
		t.Fatalf("%+v, %v", r, err)
	}
	if diff := cmp.Diff(goodCallBody, readFile(t, r.Ref)); diff != "" {
		t.Errorf("the file (-want +got):\n%s", diff)
	}
	if _, found, err := redirect.Find(t.Context(), l); !found || err != nil {
		t.Errorf("found %t, %v", found, err)
	}
	if server.Calls() != 0 || len(posts.Posts()) != 0 {
		t.Error("a rehearsal called somebody")
	}
	wantFailure(t, errOf((Redirect{To: "#cs", Slack: slack}).Send(t.Context(), l)), steward.Unauthorised, "not_configured")
}
