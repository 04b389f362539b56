package notify

import (
	"encoding/json"
	"errors"
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
	if kind != "" && d.Kind != kind || code != "" && d.Code != code {
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

// lookFor is a letter as it is looked for.
func lookFor(id steward.MessageID, to string, since time.Time) steward.Letter {
	l := goodLetter()
	l.Message.ID, l.Message.To, l.Since = id, steward.Recipient{Slack: to}, since
	return l
}

func TestSlackFind(t *testing.T) {
	s, server, _ := slackSetup(t)
	server.AddChannel("C0AAA", "aaa") // listed first, a page of its own
	ids := []steward.MessageID{"m-1", "m-2", "m-3", "m-4", "m-5"}
	refs := map[steward.MessageID]string{}
	for _, to := range []string{"#cs", "U0DANA"} {
		for _, id := range ids {
			receipt, err := s.Send(t.Context(), lookFor(id, to, time.Time{}))
			if err != nil {
				t.Fatal(err)
			}
			refs[id+steward.MessageID(to)] = receipt.Ref
		}
	}
	start := time.Now().Add(-time.Minute)
	again, err := NewSlackSender(s.cfg) // which has not learnt the channels' ids by posting
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*SlackSender{s, again} {
		for _, to := range []string{"#cs", "U0DANA"} {
			for _, id := range ids {
				receipt, found, err := s.Find(t.Context(), lookFor(id, to, start))
				if err != nil || !found || receipt.Ref != refs[id+steward.MessageID(to)] {
					t.Errorf("Find(%s, %s) = %+v, %v, %v; want %s", to, id, receipt, found, err, refs[id+steward.MessageID(to)])
				}
			}
			if _, found, err := s.Find(t.Context(), lookFor("m-6", to, start)); found || err != nil {
				t.Errorf("Find(%s, m-6) = %v, %v; it was never sent", to, found, err)
			}
			if _, found, err := s.Find(t.Context(), lookFor("m-1", to, time.Now().Add(time.Hour))); found || err != nil {
				t.Errorf("Find(%s, m-1) from an hour hence = %v, %v; it was before that", to, found, err)
			}
		}
	}
	if _, found, err := s.Find(t.Context(), lookFor("m-1", "#cs", time.Time{})); !found || err != nil {
		t.Errorf("Find without a Since looks from when the message was planned: %v, %v", found, err)
	}
}

// A look that fails has learnt nothing: neither that the card is there nor that
// it is not.
func TestSlackFindThatCannotSee(t *testing.T) {
	type failure = notifytest.SlackFailure
	history, list, open := "conversations.history", "conversations.list", "conversations.open"
	tests := []struct {
		name   string
		to     string
		setup  func(*notifytest.SlackServer)
		method string
		f      failure
		kind   steward.FailureKind
		code   string
	}{
		{"may not read channels", "#cs", func(s *notifytest.SlackServer) { s.Withhold("channels:history") }, "", failure{}, steward.NotNow, "missing_scope"},
		{"may not read direct channels", "U0DANA", func(s *notifytest.SlackServer) { s.Withhold("im:history") }, "", failure{}, steward.NotNow, "missing_scope"},
		{"may not list channels", "#cs", func(s *notifytest.SlackServer) { s.Withhold("channels:read") }, "", failure{}, steward.NotNow, "missing_scope"},
		{"may not list private channels", "#secret", func(s *notifytest.SlackServer) { s.AddPrivateChannel("C0SEC", "secret") }, "", failure{}, steward.NotNow, "missing_scope"},
		{"may not read private channels", "#secret", func(s *notifytest.SlackServer) {
			s.AddPrivateChannel("C0SEC", "secret")
			s.Grant("groups:read")
		}, "", failure{}, steward.NotNow, "missing_scope"},
		{"not in the channel any more", "#cs", func(s *notifytest.SlackServer) { s.Uninvite("C0CS") }, "", failure{}, steward.NotNow, "not_in_channel"},
		{"the channel is gone", "#nowhere", func(s *notifytest.SlackServer) { s.Grant("groups:read") }, "", failure{}, steward.NotNow, "channel_not_found"},
		{"the person left", "U0DANA", func(s *notifytest.SlackServer) { s.Deactivate("U0DANA") }, "", failure{}, steward.NotNow, "user_disabled"},
		{"the token was revoked", "#cs", nil, history, failure{Error: "token_revoked"}, steward.Unauthorised, "token_revoked"},
		{"Slack asks for patience", "#cs", nil, history, failure{Status: 429, RetryAfter: "7"}, steward.Throttled, "ratelimited"},
		{"Slack has trouble", "#cs", nil, history, failure{Status: 503}, steward.Unreachable, "http 503"},
		{"a proxy's page", "#cs", nil, list, failure{Body: "<html>"}, steward.Unreachable, "bad_answer"},
		{"the connection is lost", "U0DANA", nil, open, failure{Drop: true}, steward.Unreachable, "network"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, server, _ := slackSetup(t)
			if tt.setup != nil {
				tt.setup(server)
			}
			if tt.method != "" {
				server.Fail(tt.method, tt.f)
			}
			_, found, err := s.Find(t.Context(), lookFor("m-1", tt.to, time.Now()))
			if found {
				t.Error("it was found")
			}
			wantFailure(t, err, tt.kind, tt.code)
		})
	}
	t.Run("a private channel with the scopes for it", func(t *testing.T) {
		s, server, _ := slackSetup(t)
		server.AddPrivateChannel("C0SEC", "secret")
		server.Grant("groups:read")
		server.Grant("groups:history")
		if _, err := s.Send(t.Context(), lookFor("m-1", "#secret", time.Time{})); err != nil {
			t.Fatal(err)
		}
		again, err := NewSlackSender(s.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, found, err := again.Find(t.Context(), lookFor("m-1", "#secret", time.Time{})); !found || err != nil {
			t.Errorf("Find = %v, %v", found, err)
		}
	})
	t.Run("a channel whose id was learnt by posting", func(t *testing.T) {
		s, server, _ := slackSetup(t)
		server.Withhold("channels:read")
		if _, err := s.Send(t.Context(), lookFor("m-1", "#cs", time.Time{})); err != nil {
			t.Fatal(err)
		}
		if _, found, err := s.Find(t.Context(), lookFor("m-1", "#cs", time.Time{})); !found || err != nil {
			t.Errorf("Find = %v, %v", found, err)
		}
	})
	t.Run("a channel that was archived since", func(t *testing.T) {
		s, server, _ := slackSetup(t)
		if _, err := s.Send(t.Context(), lookFor("m-1", "C0CS", time.Time{})); err != nil {
			t.Fatal(err)
		}
		server.Archive("C0CS")
		if _, found, err := s.Find(t.Context(), lookFor("m-1", "#cs", time.Time{})); !found || err != nil {
			t.Errorf("Find = %v, %v", found, err)
		}
	})
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
	lacking, server, _ := slackSetup(t)
	server.Withhold("im:write")
	server.Withhold("im:history")
	_, err = lacking.Verify(t.Context())
	d := wantFailure(t, err, steward.Unauthorised, "missing_scope")
	if !strings.Contains(d.Error(), "it lacks im:write, im:history;") {
		t.Errorf("%v does not name the scopes that lack", d)
	}
	if _, err := NewSlackSender(SlackConfig{}); err == nil {
		t.Error("a sender without a token was made")
	}
}
