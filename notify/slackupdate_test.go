package notify

import (
	"strings"
	"testing"
	"time"

	"steward"
	"steward/notify/notifytest"
)

func TestACardIsDrawnAnew(t *testing.T) {
	s, server, _ := slackSetup(t)
	l := goodLetter()
	l.Face.Buttons = []steward.Button{{Label: "Take it", Target: steward.Target{Verb: steward.VerbTake, Message: l.Message.ID}}}
	receipt, err := s.Send(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	l.Face = steward.Face{Over: "Recovered on 3 March"}
	for range 2 { // twice does no harm
		if err := s.Update(t.Context(), l, receipt.Ref); err != nil {
			t.Fatal(err)
		}
	}
	posts := server.Posts()
	if len(posts) != 1 || posts[0].Edits != 2 || receipt.Ref != posts[0].Channel+"/"+posts[0].TS {
		t.Fatalf("%d posts, changed %d times", len(posts), posts[0].Edits)
	}
	if got := string(posts[0].Blocks); strings.Contains(got, "Take it") || strings.Contains(got, "actions") || !strings.Contains(got, "Recovered on 3 March") || !strings.Contains(posts[0].Text, "Recovered on 3 March") {
		t.Errorf("the card shows %s", got)
	}
	if _, found, err := s.Find(t.Context(), l); !found || err != nil {
		t.Errorf("a card that was drawn anew is not found: %v, %v", found, err)
	}
}

func TestACardThatCannotBeDrawnAnew(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*notifytest.SlackServer, string) string // returns the ref
		f    notifytest.SlackFailure
		kind steward.FailureKind
		code string
	}{
		{name: "deleted", do: func(s *notifytest.SlackServer, ts string) string { s.Delete("C0CS", ts); return "" }, kind: steward.Refused, code: "message_not_found"},
		{name: "too old", do: func(s *notifytest.SlackServer, _ string) string { s.CloseEdits(); return "" }, kind: steward.Refused, code: "edit_window_closed"},
		{name: "somebody else's", do: func(s *notifytest.SlackServer, _ string) string { return "C0CS/" + s.Say("U0DANA", "C0CS", "hello") }, kind: steward.Refused, code: "cant_update_message"},
		{name: "not in Slack", do: func(*notifytest.SlackServer, string) string { return "/tmp/preview/m-1.slack.json" }, kind: steward.Refused, code: "no_such_card"},
		{name: "too often", f: notifytest.SlackFailure{Status: 429, RetryAfter: "7"}, kind: steward.Throttled, code: "ratelimited"},
		{name: "trouble, perhaps after it was done", f: notifytest.SlackFailure{Accept: true, Status: 500}, kind: steward.Unreachable, code: "http 500"},
		{name: "no answer", f: notifytest.SlackFailure{Accept: true, Drop: true}, kind: steward.Unreachable, code: "network"},
		{name: "fatal_error", f: notifytest.SlackFailure{Error: "fatal_error"}, kind: steward.Unreachable, code: "fatal_error"},
		{name: "no entry", f: notifytest.SlackFailure{Error: "token_revoked"}, kind: steward.Unauthorised, code: "token_revoked"},
		{name: "no scope", do: func(s *notifytest.SlackServer, _ string) string { s.Withhold("chat:write"); return "" }, kind: steward.Unauthorised, code: "missing_scope"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, server, _ := slackSetup(t)
			l := goodLetter()
			l.Message.To = steward.Recipient{Slack: "#cs"}
			receipt, err := s.Send(t.Context(), l)
			if err != nil {
				t.Fatal(err)
			}
			ref := receipt.Ref
			if c.do != nil {
				if other := c.do(server, strings.TrimPrefix(ref, "C0CS/")); other != "" {
					ref = other
				}
			} else {
				server.Fail("chat.update", c.f)
			}
			d := wantFailure(t, s.Update(t.Context(), l, ref), c.kind, c.code)
			if c.kind == steward.Throttled && d.RetryAfter != 7*time.Second {
				t.Errorf("to be tried again after %s", d.RetryAfter)
			}
		})
	}
}

// A follow-up goes into the thread of the first card, if that is in the same
// channel and still there.
func TestFollowUpsGoIntoTheThread(t *testing.T) {
	for _, c := range []struct {
		name, to, severity string
		thread             func(ref string) string
		gone               bool
		inThread, seen     bool // in the thread, and in the channel
	}{
		{name: "to the same person", to: "U0DANA", thread: func(ref string) string { return ref }, inThread: true},
		{name: "a critical one is seen in the channel too", to: "U0DANA", severity: "critical", thread: func(ref string) string { return ref }, inThread: true, seen: true},
		{name: "to another place", to: "#cs", thread: func(ref string) string { return ref }, seen: true},
		{name: "the card was deleted", to: "U0DANA", gone: true, thread: func(ref string) string { return ref }, seen: true},
		{name: "a card that was previewed", to: "U0DANA", thread: func(string) string { return "preview/2026-03-12/m-1.slack.json" }, seen: true},
		{name: "no card", to: "U0DANA", thread: func(string) string { return "" }, seen: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, server, now := slackSetup(t)
			server.Now = now.now
			first, err := s.Send(t.Context(), goodLetter())
			if err != nil {
				t.Fatal(err)
			}
			channel, ts, _ := strings.Cut(first.Ref, "/")
			if c.gone {
				server.Delete(channel, ts)
			}
			l := goodLetter()
			l.Message.ID, l.Message.To.Slack, l.Thread, l.Content.Severity, l.Since = "m-later", c.to, c.thread(first.Ref), c.severity, now.at
			receipt, err := s.Send(t.Context(), l)
			if err != nil {
				t.Fatal(err)
			}
			where, _, _ := strings.Cut(receipt.Ref, "/")
			replies, seen := len(server.Thread(channel, ts)), false
			for _, p := range server.Channel(where) {
				seen = seen || p.ID == "m-later"
			}
			if (replies == 1) != c.inThread || seen != c.seen {
				t.Errorf("%d replies in the thread, seen in the channel: %v", replies, seen)
			}
			got, found, err := s.Find(t.Context(), l)
			if err != nil || !found || got.Ref != receipt.Ref {
				t.Errorf("Find = %+v, %v, %v; want %s", got, found, err, receipt.Ref)
			}
			l.Message.ID = "m-other"
			if _, found, err := s.Find(t.Context(), l); err != nil || found {
				t.Errorf("Find of what was never sent = %v, %v", found, err)
			}
		})
	}
}

// A follow-up whose outcome was lost is looked for in the thread, over as many
// pages as that has.
func TestALostFollowUpIsFoundInItsThread(t *testing.T) {
	s, server, _ := slackSetup(t)
	first, err := s.Send(t.Context(), goodLetter())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		l := goodLetter()
		l.Message.ID, l.Thread = steward.MessageID("m-"+string(rune('a'+i))), first.Ref
		if _, err := s.Send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	l := goodLetter()
	l.Message.ID, l.Thread = "m-lost", first.Ref
	server.Fail("chat.postMessage", notifytest.SlackFailure{Accept: true, Drop: true})
	_, err = s.Send(t.Context(), l)
	wantFailure(t, err, steward.Unknowable, "network")
	history := server.Calls("conversations.history")
	if receipt, found, err := s.Find(t.Context(), l); err != nil || !found || receipt.Ref == first.Ref {
		t.Errorf("Find = %+v, %v, %v", receipt, found, err)
	}
	if server.Calls("conversations.replies") < 2 || server.Calls("conversations.history") != history {
		t.Errorf("%d pages of the thread were read, and the channel's history %d times", server.Calls("conversations.replies"), server.Calls("conversations.history")-history)
	}
}

// Slack's rates are kept by being told of them: what is too fast is throttled, and
// goes once the time has passed.
func TestTooFastIsThrottled(t *testing.T) {
	s, server, now := slackSetup(t)
	server.Now = now.now
	server.Hurry()
	l := goodLetter()
	var throttled *steward.DeliveryError
	sent := 0
	for ; sent < 50; sent++ {
		if _, err := s.Send(t.Context(), l); err != nil {
			throttled = wantFailure(t, err, steward.Throttled, "ratelimited")
			break
		}
	}
	if throttled == nil || sent == 0 || throttled.RetryAfter <= 0 {
		t.Fatalf("%d cards in one moment, then %v", sent, throttled)
	}
	now.at = now.at.Add(throttled.RetryAfter)
	if _, err := s.Send(t.Context(), l); err != nil {
		t.Errorf("after the wait that Slack asked for: %v", err)
	}
}
