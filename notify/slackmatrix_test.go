package notify

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"steward"
	"steward/notify/notifytest"
)

// The rows of "When a provider misbehaves: Slack" in docs/delivery.md. A case
// names the row that tells users of it.
const (
	slackPatience = "429, or `ratelimited` in a 200"
	slackTrouble  = "500 to 599, `fatal_error`, `internal_error` in answer to the card"
	slackLost     = "the connection breaks, or no answer in time, once the card went out"
	slackStranger = "an answer to the card that is not Slack's, cut short, or without an end"
	slackAway     = "cannot be reached: DNS, connection refused, no answer to TLS"
	slackLookup   = "any trouble while the addressee is looked up"
	slackNotTaken = "`service_unavailable`, `request_timeout`, a redirect, another 4xx"
	slackNoEntry  = "`invalid_auth`, `token_revoked` and the like, 401, 403, no scope to post, a certificate that is not valid"
	slackNotHim   = "a scope to find people is missing, `messages_tab_disabled`, `external_channel_migrating`"
	slackChannel  = "`channel_not_found`, `not_in_channel`, `is_archived` and the like"
	slackPerson   = "`user_not_found`, `users_not_found`, `user_disabled`"
	slackCard     = "`invalid_blocks`, `msg_too_long`, and words Steward does not know"
	slackLeft     = "the person was deactivated less than an hour after an earlier card"
)

// wrongSlacks are places where Slack is not.
var wrongSlacks = map[string]func(t *testing.T) string{
	"nobody listens": func(t *testing.T) string {
		ln := listen(t)
		ln.Close()
		return "http://" + ln.Addr().String()
	},
	"no such host": func(*testing.T) string { return "http://slack.invalid" },
	"silent before TLS": func(t *testing.T) string {
		return "https://" + listen(t).Addr().String()
	},
	"another's certificate": func(t *testing.T) string {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		return s.URL
	},
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

type slackCase struct {
	row, name string
	to        string // a channel or a person's id; "" is a person by e-mail
	setup     func(*notifytest.SlackServer)
	method    string
	f         notifytest.SlackFailure
	elsewhere string              // one of wrongSlacks
	kind      steward.FailureKind // "" is sent
	code      string
	hint      string // words of it
	after     time.Duration
	taken     int // by Slack, of an unknowable one
}

func slackCases() []slackCase {
	const post, open, look = "chat.postMessage", "conversations.open", "users.lookupByEmail"
	type failure = notifytest.SlackFailure
	said := func(word string) failure { return failure{Error: word} }
	good := `{"ok":true,"channel":"C0CS","ts":"1.2"}`
	drip := failure{Accept: true, Body: good, Drip: 2 * time.Millisecond}
	cases := []slackCase{
		{row: slackPatience, name: "429", method: post, f: failure{Status: 429, RetryAfter: "7"}, kind: steward.Throttled, code: "ratelimited", after: 7 * time.Second},
		{row: slackPatience, name: "429 without a time", method: post, f: failure{Status: 429}, kind: steward.Throttled, code: "ratelimited", after: throttledFor},
		{row: slackPatience, name: "429 with a date", method: post, f: failure{Status: 429, RetryAfter: "Thu, 12 Mar 2026 06:00:00 GMT"}, kind: steward.Throttled, after: throttledFor},
		{row: slackPatience, name: "429 with zero", method: post, f: failure{Status: 429, RetryAfter: "0"}, kind: steward.Throttled, after: time.Second},
		{row: slackPatience, name: "429 with less than nothing", method: post, f: failure{Status: 429, RetryAfter: "-7"}, kind: steward.Throttled, after: throttledFor},
		{row: slackPatience, name: "429 for a year", method: post, f: failure{Status: 429, RetryAfter: "31536000"}, kind: steward.Throttled, after: longestPatience},
		{row: slackPatience, name: "429 for longer than a duration lasts", method: post, f: failure{Status: 429, RetryAfter: "10000000000"}, kind: steward.Throttled, after: throttledFor},
		{row: slackPatience, name: "429 beyond any number", method: post, f: failure{Status: 429, RetryAfter: strings.Repeat("9", 30)}, kind: steward.Throttled, after: throttledFor},
		{row: slackPatience, name: "ratelimited in a 200", method: post, f: said("ratelimited"), kind: steward.Throttled, code: "ratelimited", hint: "by itself", after: throttledFor},
		{row: slackPatience, name: "429 on a look-up", method: look, f: failure{Status: 429, RetryAfter: "7"}, kind: steward.Throttled, after: 7 * time.Second},

		{row: slackTrouble, name: "500 after accepting", method: post, f: failure{Accept: true, Status: 500}, kind: steward.Unknowable, code: "http 500", hint: "status.slack.com", taken: 1},
		{row: slackTrouble, name: "500 without accepting", method: post, f: failure{Status: 500}, kind: steward.Unknowable, code: "http 500"},
		{row: slackTrouble, name: "502 after accepting", method: post, f: failure{Accept: true, Status: 502, Body: "<html>"}, kind: steward.Unknowable, code: "http 502", taken: 1},
		{row: slackTrouble, name: "503 without accepting", method: post, f: failure{Status: 503, Body: "<html>"}, kind: steward.Unknowable, code: "http 503"},
		{row: slackTrouble, name: "520, which has no name", method: post, f: failure{Status: 520}, kind: steward.Unknowable, code: "http 520"},
		{row: slackTrouble, name: "fatal_error", method: post, f: failure{Accept: true, Error: "fatal_error"}, kind: steward.Unknowable, code: "fatal_error", taken: 1},
		{row: slackTrouble, name: "internal_error", method: post, f: said("internal_error"), kind: steward.Unknowable, code: "internal_error"},

		{row: slackLost, name: "lost after accepting", method: post, f: failure{Accept: true, Drop: true}, kind: steward.Unknowable, code: "network", hint: "look whether the message is there", taken: 1},
		{row: slackLost, name: "lost before accepting", method: post, f: failure{Drop: true}, kind: steward.Unknowable, code: "network"},
		{row: slackLost, name: "lost on the first connection", to: "#cs", method: post, f: failure{Accept: true, Drop: true}, kind: steward.Unknowable, code: "network", taken: 1},
		{row: slackLost, name: "silent after accepting", method: post, f: failure{Accept: true, Hang: true}, kind: steward.Unknowable, code: "timeout", taken: 1},
		{row: slackLost, name: "silent before accepting", to: "#cs", method: post, f: failure{Hang: true}, kind: steward.Unknowable, code: "timeout"},
		{row: slackLost, name: "a byte at a time", method: post, f: drip, kind: steward.Unknowable, code: "timeout", taken: 1},

		{row: slackStranger, name: "a proxy's page", method: post, f: failure{Body: "<html>log in first</html>"}, kind: steward.Unknowable, code: "bad_answer", hint: "between Steward and slack.com"},
		{row: slackStranger, name: "a proxy's page after accepting", method: post, f: failure{Accept: true, Body: "<html>"}, kind: steward.Unknowable, code: "bad_answer", taken: 1},
		{row: slackStranger, name: "JSON of another shape", method: post, f: failure{Body: `{"ok":"yes"}`}, kind: steward.Unknowable, code: "bad_answer"},
		{row: slackStranger, name: "an answer of nothing", method: post, f: failure{Body: `{}`}, kind: steward.Unknowable, code: "bad_answer"},
		{row: slackStranger, name: "half an answer", method: post, f: failure{Accept: true, Body: `{"ok":tru`}, kind: steward.Unknowable, taken: 1},
		{row: slackStranger, name: "an answer without an end", method: post, f: failure{Accept: true, Body: `{"ok":true,"x":"`, Endless: true}, kind: steward.Unknowable, code: "bad_answer", taken: 1},
		{row: slackStranger, name: "a page without an end", method: post, f: failure{Body: `<html>`, Endless: true}, kind: steward.Unknowable, code: "bad_answer"},

		{row: slackAway, name: "connection refused", to: "#cs", elsewhere: "nobody listens", kind: steward.Unreachable, code: "network", hint: "DNS, proxy, firewall"},
		{row: slackAway, name: "no such host", to: "#cs", elsewhere: "no such host", kind: steward.Unreachable, code: "network"},
		{row: slackAway, name: "no answer to TLS", to: "#cs", elsewhere: "silent before TLS", kind: steward.Unreachable, code: "timeout"},

		{row: slackLookup, name: "500 on a look-up", method: look, f: failure{Status: 500}, kind: steward.Unreachable, code: "http 500"},
		{row: slackLookup, name: "fatal_error on a look-up", method: look, f: said("fatal_error"), kind: steward.Unreachable, code: "fatal_error"},
		{row: slackLookup, name: "a proxy's page on a look-up", method: look, f: failure{Body: "<html>"}, kind: steward.Unreachable, code: "bad_answer"},
		{row: slackLookup, name: "a look-up of nobody", method: look, f: failure{Body: `{"ok":true,"user":{}}`}, kind: steward.Unreachable, code: "bad_answer"},
		{row: slackLookup, name: "an endless look-up", method: look, f: failure{Body: `{"ok":true,"x":"`, Endless: true}, kind: steward.Unreachable, code: "bad_answer"},
		{row: slackLookup, name: "lost on opening", method: open, f: failure{Drop: true}, kind: steward.Unreachable, code: "network"},
		{row: slackLookup, name: "silent on opening", method: open, f: failure{Hang: true}, kind: steward.Unreachable, code: "timeout"},
		{row: slackLookup, name: "a byte at a time on opening", method: open, f: failure{Body: good, Drip: 2 * time.Millisecond}, kind: steward.Unreachable, code: "timeout"},

		{row: slackNotTaken, name: "request_timeout", method: post, f: said("request_timeout"), kind: steward.Unreachable, code: "request_timeout"},
		{row: slackNotTaken, name: "service_unavailable", method: post, f: said("service_unavailable"), kind: steward.Unreachable, code: "service_unavailable"},
		{row: slackNotTaken, name: "a redirect", method: post, f: failure{Status: 307}, kind: steward.Unreachable, code: "http 307", hint: "between Steward and slack.com"},
		{row: slackNotTaken, name: "404", method: post, f: failure{Status: 404}, kind: steward.Unreachable, code: "http 404"},
		{row: slackNotTaken, name: "413", method: post, f: failure{Status: 413}, kind: steward.Unreachable, code: "http 413"},

		{row: slackNoEntry, name: "invalid_auth on a look-up", method: look, f: said("invalid_auth"), kind: steward.Unauthorised, code: "invalid_auth", hint: "a valid bot token"},
		{row: slackNoEntry, name: "a token that is not theirs", setup: func(s *notifytest.SlackServer) { s.Token = "xoxb-another" }, kind: steward.Unauthorised, code: "invalid_auth"},
		{row: slackNoEntry, name: "no scope to post", setup: func(s *notifytest.SlackServer) { s.Withhold("chat:write") }, kind: steward.Unauthorised, code: "missing_scope", hint: "chat:write"},
		{row: slackNoEntry, name: "401", method: post, f: failure{Status: 401}, kind: steward.Unauthorised, code: "http 401"},
		{row: slackNoEntry, name: "403 from a proxy", method: post, f: failure{Status: 403}, kind: steward.Unauthorised, code: "http 403", hint: "proxy"},
		{row: slackNoEntry, name: "a certificate of nobody known", to: "#cs", elsewhere: "another's certificate", kind: steward.Unauthorised, code: "certificate", hint: "proxy"},

		{row: slackNotHim, name: "no scope to look people up", setup: func(s *notifytest.SlackServer) { s.Withhold("users:read.email") }, kind: steward.NotNow, code: "missing_scope", hint: "users:read.email"},
		{row: slackNotHim, name: "no scope to open direct channels", setup: func(s *notifytest.SlackServer) { s.Withhold("im:write") }, kind: steward.NotNow, code: "missing_scope"},
		{row: slackNotHim, name: "messages_tab_disabled", method: post, f: said("messages_tab_disabled"), kind: steward.NotNow, code: "messages_tab_disabled", hint: "App Home"},
		{row: slackNotHim, name: "external_channel_migrating", method: post, f: said("external_channel_migrating"), kind: steward.NotNow},

		{row: slackChannel, name: "an unknown channel", to: "#nowhere", kind: steward.Refused, code: "channel_not_found", hint: "/invite"},
		{row: slackChannel, name: "an archived channel", to: "#cs", setup: func(s *notifytest.SlackServer) { s.Archive("C0CS") }, kind: steward.Refused, code: "is_archived", hint: "unarchive"},
		{row: slackChannel, name: "a channel without the bot", to: "#cs", setup: func(s *notifytest.SlackServer) { s.Uninvite("C0CS") }, kind: steward.Refused, code: "not_in_channel", hint: "/invite"},
		{row: slackChannel, name: "no_permission", method: post, f: said("no_permission"), kind: steward.Refused, code: "no_permission", hint: "/invite"},
		{row: slackChannel, name: "restricted_action", method: post, f: said("restricted_action"), kind: steward.Refused, code: "restricted_action", hint: "allow the bot"},

		{row: slackPerson, name: "nobody by that id", to: "U0NOBODY", kind: steward.Refused, code: "user_not_found", hint: "owners.yaml"},
		{row: slackPerson, name: "nobody by that e-mail", method: look, f: said("users_not_found"), kind: steward.Refused, code: "users_not_found", hint: "who left"},
		{row: slackPerson, name: "a person who left, by id", to: "U0DANA", setup: func(s *notifytest.SlackServer) { s.Deactivate("U0DANA") }, kind: steward.Refused, code: "user_disabled", hint: "another owner"},
		{row: slackPerson, name: "a person who left, by e-mail", setup: func(s *notifytest.SlackServer) { s.Deactivate("U0DANA") }, kind: steward.Refused, code: "user_disabled"},
		{row: slackPerson, name: "a bot's id", to: "U0DANA", method: open, f: said("cannot_dm_bot"), kind: steward.Refused, code: "cannot_dm_bot", hint: "a person's"},
		{row: slackPerson, name: "a name in the place of an id", to: "dana", kind: steward.Refused, code: "bad_slack_id", hint: "owners.yaml"},

		{row: slackCard, name: "invalid_blocks", method: post, f: said("invalid_blocks"), kind: steward.Refused, code: "invalid_blocks", hint: "report this"},
		{row: slackCard, name: "msg_too_long", method: post, f: said("msg_too_long"), kind: steward.Refused, code: "msg_too_long", hint: "report this"},
		{row: slackCard, name: "a word not known yet", method: post, f: said("some_new_word"), kind: steward.Refused, code: "some_new_word", hint: "docs.slack.dev"},

		{row: slackLeft, name: "deactivated, and the direct channel known", to: "U0DANA", setup: func(s *notifytest.SlackServer) { s.Deactivate("U0DANA") }},
	}
	for _, word := range []string{"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type", "accesslimited", "ekm_access_denied", "org_login_required", "team_access_not_granted"} {
		cases = append(cases, slackCase{row: slackNoEntry, name: word, method: post, f: said(word), kind: steward.Unauthorised, code: word})
	}
	return cases
}

func TestWhenSlackMisbehaves(t *testing.T) {
	for _, tt := range slackCases() {
		t.Run(tt.name, func(t *testing.T) {
			s, server, c := slackSetup(t)
			l := goodLetter()
			l.Message.To = steward.Recipient{Key: "owner", Slack: tt.to}
			if tt.to == "" {
				l.Message.To.Email = "dana@example.com"
			}
			before := 0
			if tt.row == slackLeft {
				if _, err := s.Send(t.Context(), l); err != nil {
					t.Fatal(err)
				}
				before = 1
				c.at = c.at.Add(59 * time.Minute)
			}
			if tt.setup != nil {
				tt.setup(server)
			}
			if tt.method != "" {
				server.Fail(tt.method, tt.f)
			}
			if tt.elsewhere != "" {
				cfg := s.cfg
				cfg.APIURL = wrongSlacks[tt.elsewhere](t)
				var err error
				if s, err = NewSlackSender(cfg); err != nil {
					t.Fatal(err)
				}
			}
			if tt.code == "timeout" {
				s.cfg.Within = 60 * time.Millisecond
			}
			_, err := s.Send(t.Context(), l)
			taken := len(server.Posts()) - before
			if tt.kind == "" {
				if err != nil || taken != 1 {
					t.Errorf("%v, %d taken; want it sent", err, taken)
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
			if taken != tt.taken {
				t.Errorf("%d taken, want %d", taken, tt.taken)
			}
			if tt.kind != steward.Unknowable && taken != 0 {
				t.Errorf("%s is said of a card that was taken", tt.kind)
			}
			if tt.method != "" && server.Calls(tt.method) != 1+before {
				t.Errorf("%d calls; an attempt is one", server.Calls(tt.method))
			}
		})
	}
}

// An hour after a person left, their direct channel is looked up anew, and the
// card is refused; Slack itself would take it for nobody to read.
func TestSlackNoticesWhoLeft(t *testing.T) {
	s, server, c := slackSetup(t)
	l := goodLetter()
	if _, err := s.Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	server.Deactivate("U0DANA")
	c.at = c.at.Add(lookupsKept + time.Minute)
	_, err := s.Send(t.Context(), l)
	wantFailure(t, err, steward.Refused, "user_disabled")
	if n := len(server.Posts()); n != 1 {
		t.Errorf("%d posts, want the first alone", n)
	}
}

// What led to a channel that refused is not believed any more.
func TestSlackForgetsAChannelThatRefused(t *testing.T) {
	s, server, _ := slackSetup(t)
	l := goodLetter()
	for i, word := range []string{"channel_not_found", "", "service_unavailable", ""} {
		if word != "" {
			server.Fail("chat.postMessage", notifytest.SlackFailure{Error: word})
		}
		if _, err := s.Send(t.Context(), l); (err == nil) != (word == "") {
			t.Errorf("%d: %v", i, err)
		}
	}
	if n := server.Calls("conversations.open"); n != 2 {
		t.Errorf("the direct channel was opened %d times; want anew after channel_not_found alone", n)
	}
}

// The limit for the whole is kept however the time is spent, and the caller's
// own is kept too.
func TestSlackEndsWithinItsTime(t *testing.T) {
	s, server, _ := slackSetup(t)
	s.cfg.Within = 150 * time.Millisecond
	slow := notifytest.SlackFailure{Right: true, Slow: 90 * time.Millisecond}
	server.Fail("users.lookupByEmail", slow)
	server.Fail("conversations.open", slow) // each is quick enough, both are not
	l := goodLetter()
	l.Message.To = steward.Recipient{Email: "dana@example.com"}
	_, err := s.Send(t.Context(), l)
	d := wantFailure(t, err, steward.Unreachable, "timeout")
	if n := server.Calls("chat.postMessage"); n != 0 || !strings.Contains(d.Error(), "deadline") {
		t.Errorf("%d posts; %v", n, err)
	}
	if sendWithin+findWithin > 110*time.Second || 3*slackTimeout > sendWithin {
		t.Error("a message's lease is two minutes, and its outcome must be written in it")
	}
}

// The token is in the request's body; it must not follow a redirect elsewhere.
func TestSlackTokenStaysWithSlack(t *testing.T) {
	var reached bool
	elsewhere := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) { reached = true })
	here := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusPermanentRedirect)
	})
	s, err := NewSlackSender(SlackConfig{Token: steward.NewSecret(botToken), APIURL: here})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Send(t.Context(), goodLetter())
	wantFailure(t, err, steward.Unreachable, "")
	if reached {
		t.Error("the call, and the token with it, followed a redirect")
	}
}
