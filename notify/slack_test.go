package notify

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/notify/notifytest"
)

const botToken = "xoxb-secret-TOKEN-0123456789"

// clock is time as a test sets it.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func slackSetup(t *testing.T) (*SlackSender, *notifytest.SlackServer, *clock) {
	t.Helper()
	server := notifytest.StartSlack()
	server.Token = botToken
	t.Cleanup(server.Close)
	c := &clock{at: time.Date(2026, 3, 12, 6, 0, 0, 0, time.UTC)}
	s, err := NewSlackSender(SlackConfig{Token: steward.NewSecret(botToken), APIURL: server.URL(), Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return s, server, c
}

// wantFailure checks an error's kind and word, and what every error must keep
// to: a hint, and neither secrets nor addresses.
func wantFailure(t *testing.T, err error, kind steward.FailureKind, code string) *steward.DeliveryError {
	t.Helper()
	var d *steward.DeliveryError
	if !errors.As(err, &d) {
		t.Fatalf("error %v (%T), want a DeliveryError", err, err)
	}
	if d.Kind != kind || code != "" && d.Code != code {
		t.Errorf("%s (%s), want %s (%s): %v", d.Kind, d.Code, kind, code, err)
	}
	if d.Hint == "" {
		t.Errorf("no hint in %v", err)
	}
	for _, private := range []string{botToken, smtpPassword, smtpUser, "dana@", "ines@", "evil.example", "@acme"} {
		if strings.Contains(err.Error(), private) {
			t.Errorf("%q leaks in %v", private, err)
		}
	}
	return d
}

func TestSlackDelivers(t *testing.T) {
	tests := []struct {
		name    string
		to      steward.Recipient
		channel string
	}{
		{"channel by name", steward.Recipient{Slack: "#cs"}, "C0CS"},
		{"channel by id", steward.Recipient{Slack: "C0CS"}, "C0CS"},
		{"channel as the key", steward.Recipient{Key: "#cs"}, "C0CS"},
		{"person by id", steward.Recipient{Key: "owner", Slack: "U0DANA"}, "D0DANA"},
		{"person by e-mail", steward.Recipient{Key: "owner", Email: "dana@example.com"}, "D0DANA"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, server, _ := slackSetup(t)
			l := goodLetter()
			l.Message.To = tt.to
			receipt, err := s.Send(t.Context(), l)
			if err != nil {
				t.Fatal(err)
			}
			posts := server.Posts()
			if len(posts) != 1 || posts[0].Channel != tt.channel || receipt.Ref != tt.channel+"/"+posts[0].TS {
				t.Fatalf("posted %+v, receipt %+v; want one post in %s", posts, receipt, tt.channel)
			}
			var meta, want any
			if err := json.Unmarshal(posts[0].Metadata, &meta); err != nil {
				t.Fatal(err)
			}
			want = map[string]any{"event_type": "steward_message", "event_payload": map[string]any{"id": "m-abcdefgh23456723"}}
			if diff := cmp.Diff(want, meta); diff != "" {
				t.Errorf("metadata (-want +got):\n%s", diff)
			}
			wantForm := map[string]string{"mrkdwn": "false", "parse": "none", "link_names": "false", "unfurl_links": "false", "unfurl_media": "false"}
			got := posts[0].Form
			delete(got, "channel")
			if diff := cmp.Diff(wantForm, got); diff != "" {
				t.Errorf("other arguments (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSlackLooksUpOnceAnHour(t *testing.T) {
	s, server, c := slackSetup(t)
	l := goodLetter()
	l.Message.To = steward.Recipient{Email: "dana@example.com"}
	send := func(wantLookups int) {
		t.Helper()
		if _, err := s.Send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		if got := server.Calls("users.lookupByEmail"); got != wantLookups {
			t.Errorf("%d look-ups, want %d", got, wantLookups)
		}
	}
	send(1)
	c.at = c.at.Add(59 * time.Minute)
	send(1)
	c.at = c.at.Add(2 * time.Minute)
	send(2)
}

func TestSlackFailures(t *testing.T) {
	post, open, look := "chat.postMessage", "conversations.open", "users.lookupByEmail"
	type failure = notifytest.SlackFailure
	tests := []struct {
		name   string
		method string
		f      failure
		kind   steward.FailureKind
		code   string
		after  time.Duration
	}{
		{"429", post, failure{Status: 429, RetryAfter: "7"}, steward.Throttled, "ratelimited", 7 * time.Second},
		{"429 without a time", post, failure{Status: 429}, steward.Throttled, "ratelimited", throttledFor},
		{"429 with a date", post, failure{Status: 429, RetryAfter: "Thu, 12 Mar 2026 06:00:00 GMT"}, steward.Throttled, "ratelimited", throttledFor},
		{"429 with zero", post, failure{Status: 429, RetryAfter: "0"}, steward.Throttled, "ratelimited", time.Second},
		{"ratelimited in a 200", post, failure{Error: "ratelimited"}, steward.Throttled, "ratelimited", throttledFor},
		{"429 on a look-up", look, failure{Status: 429, RetryAfter: "7"}, steward.Throttled, "ratelimited", 7 * time.Second},
		{"invalid_auth", post, failure{Error: "invalid_auth"}, steward.Unauthorised, "invalid_auth", 0},
		{"token_revoked on a look-up", look, failure{Error: "token_revoked"}, steward.Unauthorised, "token_revoked", 0},
		{"missing_scope", open, failure{Error: "missing_scope"}, steward.Unauthorised, "missing_scope", 0},
		{"account_inactive", post, failure{Error: "account_inactive"}, steward.Unauthorised, "account_inactive", 0},
		{"channel_not_found", post, failure{Error: "channel_not_found"}, steward.Refused, "channel_not_found", 0},
		{"user_not_found", open, failure{Error: "user_not_found"}, steward.Refused, "user_not_found", 0},
		{"invalid_blocks", post, failure{Error: "invalid_blocks"}, steward.Refused, "invalid_blocks", 0},
		{"a word not known yet", post, failure{Error: "some_new_word"}, steward.Refused, "some_new_word", 0},
		{"500 after accepting", post, failure{Accept: true, Status: 500}, steward.Unknowable, "http Internal Server Error", 0},
		{"503", post, failure{Status: 503, Body: "<html>"}, steward.Unknowable, "http Service Unavailable", 0},
		{"500 on a look-up", look, failure{Status: 500}, steward.Unreachable, "http Internal Server Error", 0},
		{"fatal_error", post, failure{Error: "fatal_error"}, steward.Unknowable, "fatal_error", 0},
		{"fatal_error on a look-up", look, failure{Error: "fatal_error"}, steward.Unreachable, "fatal_error", 0},
		{"request_timeout", post, failure{Error: "request_timeout"}, steward.Unreachable, "request_timeout", 0},
		{"not JSON", post, failure{Body: "<html>login</html>", Accept: true}, steward.Unknowable, "bad_answer", 0},
		{"JSON of another shape", post, failure{Body: `{"ok":"yes"}`}, steward.Unknowable, "bad_answer", 0},
		{"an answer of nothing", post, failure{Body: `{}`}, steward.Unknowable, "bad_answer", 0},
		{"half an answer", post, failure{Body: `{"ok":tru`, Accept: true}, steward.Unknowable, "", 0},
		{"not JSON on a look-up", look, failure{Body: "<html>"}, steward.Unreachable, "bad_answer", 0},
		{"a look-up of nobody", look, failure{Body: `{"ok":true,"user":{}}`}, steward.Unreachable, "bad_answer", 0},
		{"connection lost after accepting", post, failure{Accept: true, Drop: true}, steward.Unknowable, "network", 0},
		{"connection lost on a look-up", open, failure{Drop: true}, steward.Unreachable, "network", 0},
		{"a redirect is not followed", post, failure{Status: 307}, steward.Unreachable, "http Temporary Redirect", 0},
		{"forbidden by a proxy", post, failure{Status: 403}, steward.Unauthorised, "http Forbidden", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, server, _ := slackSetup(t)
			server.Fail(tt.method, tt.f)
			l := goodLetter()
			l.Message.To = steward.Recipient{Key: "owner", Email: "dana@example.com"}
			_, err := s.Send(t.Context(), l)
			d := wantFailure(t, err, tt.kind, tt.code)
			if d.RetryAfter != tt.after {
				t.Errorf("retry after %v, want %v", d.RetryAfter, tt.after)
			}
			if n := server.Calls(tt.method); n != 1 {
				t.Errorf("%d calls; an attempt is one", n)
			}
		})
	}
}

func TestSlackRefusesWhatItCannotAddress(t *testing.T) {
	tests := []struct {
		name  string
		to    steward.Recipient
		setup func(*notifytest.SlackServer)
		code  string
	}{
		{"no address at all", steward.Recipient{Key: "owner"}, nil, "no_slack_address"},
		{"a name in the place of an id", steward.Recipient{Slack: "dana"}, nil, "bad_slack_id"},
		{"nobody by that e-mail", steward.Recipient{Email: "ines@acme.example"}, nil, "users_not_found"},
		{"a person who left", steward.Recipient{Email: "dana@example.com"}, func(s *notifytest.SlackServer) { s.Deactivate("U0DANA") }, "user_disabled"},
		{"an unknown channel", steward.Recipient{Slack: "#nowhere"}, nil, "channel_not_found"},
		{"an archived channel", steward.Recipient{Slack: "#cs"}, func(s *notifytest.SlackServer) { s.Archive("C0CS") }, "is_archived"},
		{"a channel without the bot", steward.Recipient{Slack: "#cs"}, func(s *notifytest.SlackServer) { s.Uninvite("C0CS") }, "not_in_channel"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, server, _ := slackSetup(t)
			if tt.setup != nil {
				tt.setup(server)
			}
			l := goodLetter()
			l.Message.To = tt.to
			_, err := s.Send(t.Context(), l)
			wantFailure(t, err, steward.Refused, tt.code)
			if n := len(server.Posts()); n != 0 {
				t.Errorf("%d posts", n)
			}
		})
	}
}

func TestSlackThatCannotBeReached(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + ln.Addr().String() + "/api/"
	ln.Close()
	for name, url := range map[string]string{"connection refused": closed, "no such host": "http://slack.invalid/api/"} {
		t.Run(name, func(t *testing.T) {
			s, err := NewSlackSender(SlackConfig{Token: steward.NewSecret(botToken), APIURL: url})
			if err != nil {
				t.Fatal(err)
			}
			l := goodLetter()
			l.Message.To = steward.Recipient{Slack: "#cs"} // no look-up: the post itself
			_, err = s.Send(t.Context(), l)
			wantFailure(t, err, steward.Unreachable, "network")
		})
	}
}

// A call that is cut off is unknowable once a connection had it, and not
// before.
func TestSlackHangs(t *testing.T) {
	t.Run("after accepting", func(t *testing.T) {
		s, server, _ := slackSetup(t)
		server.Fail("chat.postMessage", notifytest.SlackFailure{Accept: true, Hang: true})
		l := goodLetter()
		l.Message.To = steward.Recipient{Slack: "#cs"}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := s.Send(ctx, l)
		wantFailure(t, err, steward.Unknowable, "timeout")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v does not say that time ran out", err)
		}
		receipt, found, err := s.Find(t.Context(), l.Message.To, l.Message.ID, time.Now().Add(-time.Minute))
		if err != nil || !found || receipt.Ref != "C0CS/"+server.Posts()[0].TS {
			t.Errorf("Find after it: %+v, %v, %v; want the post", receipt, found, err)
		}
	})
	t.Run("before accepting", func(t *testing.T) {
		s, server, _ := slackSetup(t)
		server.Fail("chat.postMessage", notifytest.SlackFailure{Hang: true})
		l := goodLetter()
		l.Message.To = steward.Recipient{Slack: "#cs"}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := s.Send(ctx, l)
		wantFailure(t, err, steward.Unknowable, "timeout") // the same from here, and Find tells them apart
		_, found, err := s.Find(t.Context(), l.Message.To, l.Message.ID, time.Now().Add(-time.Minute))
		if err != nil || found {
			t.Errorf("Find after it: %v, %v; want nothing", found, err)
		}
	})
	t.Run("on a look-up", func(t *testing.T) {
		s, server, _ := slackSetup(t)
		server.Fail("conversations.open", notifytest.SlackFailure{Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := s.Send(ctx, goodLetter())
		wantFailure(t, err, steward.Unreachable, "timeout")
	})
}

func TestSlackFind(t *testing.T) {
	s, server, _ := slackSetup(t)
	server.AddChannel("C0AAA", "aaa") // listed first, a page of its own
	ids := []steward.MessageID{"m-1", "m-2", "m-3", "m-4", "m-5"}
	refs := map[steward.MessageID]string{}
	for _, to := range []string{"#cs", "U0DANA"} {
		for _, id := range ids {
			l := goodLetter()
			l.Message.ID, l.Message.To = id, steward.Recipient{Slack: to}
			receipt, err := s.Send(t.Context(), l)
			if err != nil {
				t.Fatal(err)
			}
			refs[id+steward.MessageID(to)] = receipt.Ref
		}
	}
	start := time.Now().Add(-time.Minute)
	for _, to := range []string{"#cs", "U0DANA"} {
		for _, id := range ids {
			receipt, found, err := s.Find(t.Context(), steward.Recipient{Slack: to}, id, start)
			if err != nil || !found || receipt.Ref != refs[id+steward.MessageID(to)] {
				t.Errorf("Find(%s, %s) = %+v, %v, %v; want %s", to, id, receipt, found, err, refs[id+steward.MessageID(to)])
			}
		}
		if _, found, err := s.Find(t.Context(), steward.Recipient{Slack: to}, "m-6", start); found || err != nil {
			t.Errorf("Find(%s, m-6) = %v, %v; it was never sent", to, found, err)
		}
		if _, found, err := s.Find(t.Context(), steward.Recipient{Slack: to}, "m-1", time.Now().Add(time.Hour)); found || err != nil {
			t.Errorf("Find(%s, m-1) from an hour hence = %v, %v; it was before that", to, found, err)
		}
	}
	server.Fail("conversations.history", notifytest.SlackFailure{Error: "missing_scope"})
	_, _, err := s.Find(t.Context(), steward.Recipient{Slack: "#cs"}, "m-1", start)
	wantFailure(t, err, steward.Unauthorised, "missing_scope")
	server.Grant("groups:read")
	_, _, err = s.Find(t.Context(), steward.Recipient{Slack: "#nowhere"}, "m-1", start)
	wantFailure(t, err, steward.Refused, "channel_not_found")
}

func TestSlackVerify(t *testing.T) {
	s, _, _ := slackSetup(t)
	if got, err := s.Verify(t.Context()); err != nil || got != "Slack workspace Example, as steward" {
		t.Errorf("Verify = %q, %v", got, err)
	}
	wrong, err := NewSlackSender(SlackConfig{Token: steward.NewSecret("xoxb-other"), APIURL: s.cfg.APIURL})
	if err != nil {
		t.Fatal(err)
	}
	_, err = wrong.Verify(t.Context())
	wantFailure(t, err, steward.Unauthorised, "invalid_auth")
	if _, err := NewSlackSender(SlackConfig{}); err == nil {
		t.Error("a sender without a token was made")
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
