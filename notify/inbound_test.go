package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"steward"
	"steward/notify/notifytest"
)

var begun = time.Date(2026, 3, 13, 7, 0, 0, 0, time.UTC)

// A reception is an Inbox with a Slack on the other side, and a desk that keeps
// what it is handed.
type reception struct {
	*testing.T
	slack *notifytest.SlackServer
	inbox *Inbox
	logs  *lines

	mu     sync.Mutex
	came   []steward.Gesture
	answer func(steward.Gesture) (steward.Answer, error)
}

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Both ways in are tried with everything: nothing may hold for one of them only.
var ways = []string{"socket", "http"}

const (
	appToken      = "xapp-1-A0-test"
	signingSecret = "8f742231b10e8888abcd99yyyzzz85a5"
)

func receive(t *testing.T, way string, change ...func(*InboxConfig)) *reception {
	t.Helper()
	before := goleak.IgnoreCurrent()
	r := &reception{T: t, slack: notifytest.StartSlack(), logs: &lines{}}
	r.slack.Token = "xoxb-test"
	r.answer = func(steward.Gesture) (steward.Answer, error) { return steward.Answer{Text: "Noted."}, nil }
	cfg := InboxConfig{Log: slog.New(slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug})), Desk: r.desk}
	if way == "socket" {
		cfg.AppToken = steward.NewSecret(appToken)
	} else {
		cfg.SigningSecret = steward.NewSecret(signingSecret)
	}
	for _, c := range change {
		c(&cfg)
	}
	sender, err := NewSlackSender(SlackConfig{Token: steward.NewSecret("xoxb-test"), APIURL: r.slack.URL(), HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
	if err != nil {
		t.Fatal(err)
	}
	if r.inbox, err = NewInbox(cfg, sender); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = r.inbox.Run(ctx) })
	how := notifytest.Inbound{AppToken: appToken, Secret: signingSecret}
	var front *httptest.Server
	if way == "http" {
		front = httptest.NewServer(r.inbox.Handler())
		how.Callbacks = front.URL
	}
	r.slack.SetInbound(how)
	t.Cleanup(func() {
		stop()
		running.Wait()
		if front != nil {
			front.Close()
		}
		r.slack.Close()
		http.DefaultClient.CloseIdleConnections()
		goleak.VerifyNone(t, before)
	})
	if way == "socket" {
		r.wait("a connection", func() bool { n, _ := r.slack.Connections(); return n > 0 })
	} else {
		r.wait("the inbox", func() bool { r.inbox.mu.Lock(); defer r.inbox.mu.Unlock(); return r.inbox.open })
	}
	return r
}

func (r *reception) desk(ctx context.Context, g steward.Gesture) (steward.Answer, error) {
	r.mu.Lock()
	r.came = append(r.came, g)
	answer := r.answer
	r.mu.Unlock()
	return answer(g)
}

func (r *reception) gestures() []steward.Gesture {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]steward.Gesture(nil), r.came...)
}

func (r *reception) answers(f func(steward.Gesture) (steward.Answer, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

func (r *reception) wait(what string, done func() bool) {
	r.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.Fatalf("never came about: %s\n%s", what, r.logs)
		}
	}
}

// card posts a message with a button, a menu and a link, as the cards of the
// worker are posted, and returns where.
func (r *reception) card() notifytest.Click {
	r.Helper()
	target := writeTarget(steward.Target{Verb: steward.VerbTake, Message: "m-1", Enrolment: "e-1"})
	blocks, err := json.Marshal([]any{map[string]any{"type": "actions", "block_id": "do", "elements": []any{
		map[string]any{"type": "button", "action_id": doAction + "0", "value": target, "text": map[string]any{"type": "plain_text", "text": "Take it"}},
		map[string]any{"type": "static_select", "action_id": pickID(1, steward.Target{Verb: steward.VerbSnooze, Message: "m-1"}), "placeholder": map[string]any{"type": "plain_text", "text": "Snooze"},
			"options": []any{map[string]any{"value": optionValue(steward.VerbSnooze, "1d"), "text": map[string]any{"type": "plain_text", "text": "Until tomorrow"}}}},
		map[string]any{"type": "button", "action_id": openAction + "2", "url": "https://crm.example.com", "text": map[string]any{"type": "plain_text", "text": "Open"}},
	}}})
	if err != nil {
		r.Fatal(err)
	}
	return notifytest.Click{User: "U0DANA", Channel: "C0CS", TS: r.slack.Put("C0CS", blocks), Label: "Take it"}
}

func (r *reception) press(c notifytest.Click) notifytest.Told {
	r.Helper()
	told, err := r.slack.Press(c)
	if err != nil {
		r.Fatal(err)
	}
	return told
}

func TestWhatPeopleDoArrives(t *testing.T) {
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			r := receive(t, way)
			c := r.card()
			if told := r.press(c); !told.Taken || told.Tellings != 1 {
				t.Fatalf("the click came to %+v", told)
			}
			picked := c
			picked.Label, picked.Option = "Snooze", "Until tomorrow"
			if told := r.press(picked); !told.Taken {
				t.Fatalf("the choice came to %+v", told)
			}
			if told := r.slack.Command("U0DANA", "C0CS", "/steward", " why acme "); !told.Taken {
				t.Fatalf("the command came to %+v", told)
			}
			link := c
			link.Label = "Open"
			if told := r.press(link); !told.Taken {
				t.Fatalf("the link came to %+v", told)
			}
			g := r.gestures()
			if len(g) != 3 {
				t.Fatalf("%d gestures arrived, want 3: a link asks for nothing\n%+v", len(g), g)
			}
			if g[0].Verb != steward.VerbTake || g[0].Target != (steward.Target{Verb: steward.VerbTake, Message: "m-1", Enrolment: "e-1"}) || g[0].User != "U0DANA" || g[0].Team != "T0" ||
				g[0].Via != steward.ViaSlack || g[0].Card != "C0CS/"+c.TS || g[0].Sent || g[0].At.IsZero() {
				t.Errorf("the click arrived as %+v", g[0])
			}
			if g[1].Verb != steward.VerbSnooze || g[1].Values["choice"] != "1d" || g[1].Target.Message != "m-1" {
				t.Errorf("the choice arrived as %+v", g[1])
			}
			if g[2].Verb != "" || g[2].Words != "why acme" || g[2].Card != "" {
				t.Errorf("the command arrived as %+v", g[2])
			}
			r.wait("three answers", func() bool { return len(r.slack.Whispers()) == 3 })
			for _, w := range r.slack.Whispers() {
				if w.User != "U0DANA" || w.Text != "Noted." {
					t.Errorf("whispered %+v", w)
				}
			}
			if got := r.inbox.Report().Counts[Answered]; got != 3 {
				t.Errorf("%d are counted as answered, want 3", got)
			}
		})
	}
}

// Slack tells again what it was not told was taken, and sometimes what it was.
// All of it has one key, and is answered once.
func TestWhatIsToldAgainIsAnsweredOnce(t *testing.T) {
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			r := receive(t, way)
			r.tell(notifytest.Inbound{Times: 5, Deaf: 5})
			c := r.card()
			if told := r.press(c); !told.Taken || told.Tellings != 6 {
				t.Fatalf("told five times at once, and heard of none: %+v", told)
			}
			if n := len(r.gestures()); n != 1 {
				t.Errorf("the desk was handed it %d times", n)
			}
			if told := r.press(c); !told.Taken { // pressed again: another click
				t.Fatalf("%+v", told)
			}
			g := r.gestures()
			if len(g) != 2 || g[0].Key == g[1].Key {
				t.Errorf("a second click is another thing: %+v", g)
			}
			r.wait("two answers", func() bool { return len(r.slack.Whispers()) == 2 })
		})
	}
}

// What people did in one order may come in another: when it happened is Slack's
// to say, and not the order of arrival.
func TestOrderIsSlacks(t *testing.T) {
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			r := receive(t, way)
			at := time.Now().Add(-time.Minute).Truncate(time.Second)
			var passed atomic.Int64
			r.slack.Now = func() time.Time { return at.Add(time.Duration(passed.Add(1)) * time.Second) }
			c := r.card()
			r.tell(notifytest.Inbound{Reversed: 3})
			var pressing sync.WaitGroup
			var first time.Time
			for i := range 3 {
				if i == 0 {
					first = at.Add(time.Duration(passed.Load()) * time.Second)
				}
				pressing.Go(func() { _, _ = r.slack.Press(c) })
				r.wait("a click", func() bool { return r.slack.Waiting() == i+1 || len(r.gestures()) > 0 })
			}
			pressing.Wait()
			g := r.gestures()
			if len(g) != 3 || !g[0].At.After(g[1].At) || !g[1].At.After(g[2].At) || g[2].At.Before(first) {
				t.Errorf("they happened at %v", g)
			}
		})
	}
}

// tell changes how things are told, and keeps where.
func (r *reception) tell(how notifytest.Inbound) {
	was := r.slack.Inbound()
	how.AppToken, how.Callbacks, how.Secret = was.AppToken, was.Callbacks, was.Secret
	r.slack.SetInbound(how)
}

// What the desk could not take is not acknowledged, so that it is told again, and
// is taken then.
func TestWhatWasNotTakenIsToldAgain(t *testing.T) {
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			r := receive(t, way)
			r.tell(notifytest.Inbound{Within: 300 * time.Millisecond})
			tries := 0
			r.answers(func(steward.Gesture) (steward.Answer, error) {
				if tries++; tries < 2 {
					return steward.Answer{}, errors.New("the database is busy with dana@example.com")
				}
				return steward.Answer{Text: "Noted."}, nil
			})
			told := r.press(r.card())
			g := r.gestures()
			if !told.Taken || told.Tellings != 2 || len(g) != 2 || g[0].Key != g[1].Key {
				t.Fatalf("%+v after %d tries", told, tries)
			}
			if n := r.inbox.Report().Counts; n[NotTaken] != 1 || n[Answered] != 1 {
				t.Errorf("counted %v", n)
			}
			if said := r.logs.String(); !strings.Contains(said, "the database is busy") || strings.Contains(said, "dana@example.com") {
				t.Errorf("said: %s", said)
			}
		})
	}
}

func TestFormsAreOpenedAndSent(t *testing.T) {
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			r := receive(t, way)
			form := steward.Form{Title: "Done", Submit: "Save", Target: steward.Target{Verb: steward.VerbDone, Message: "m-1"}, Fields: []steward.FormField{
				{Name: "choice", Label: "What came of it?", Kind: steward.OneOf, Options: []steward.Option{{Value: "talked", Label: "Talked to them"}, {Value: "other", Label: "Other"}}},
				{Name: "text", Label: "Anything to add?", Kind: steward.LongText, Optional: true},
			}}
			r.answers(func(g steward.Gesture) (steward.Answer, error) {
				switch {
				case !g.Sent:
					return steward.Answer{Form: &form}, nil
				case g.Values["choice"] == "other" && g.Values["text"] == "":
					return steward.Answer{Wrong: map[string]string{"text": "Say what."}}, nil
				}
				return steward.Answer{Text: "Noted: " + g.Values["text"]}, nil
			})
			c := r.card()
			r.press(c)
			r.wait("a form", func() bool { return len(r.slack.Views()) == 1 })
			v := r.slack.Views()[0]
			if told := r.submit(v.ID, map[string]string{"choice": "other"}); told.Wrong["text"] != "Say what." {
				t.Fatalf("what is wrong did not come back: %+v", told)
			}
			if !r.slack.Views()[0].Open {
				t.Fatal("a form that is to be mended was closed")
			}
			if told := r.submit(v.ID, map[string]string{"choice": "other", "text": "moved away"}); !told.Taken || len(told.Wrong) > 0 {
				t.Fatalf("the form came to %+v", told)
			}
			if r.slack.Views()[0].Open {
				t.Error("a form that was taken is still open")
			}
			g := r.gestures()
			if last := g[len(g)-1]; len(g) != 3 || !last.Sent || last.Values["text"] != "moved away" || last.Card != "C0CS/"+c.TS || last.Verb != steward.VerbDone || g[1].Key == last.Key {
				t.Errorf("%d gestures, the last %+v", len(g), last)
			}
			r.wait("an answer", func() bool { return len(r.slack.Whispers()) == 1 })
			if w := r.slack.Whispers()[0]; w.Text != "Noted: moved away" || w.Channel != "C0CS" {
				t.Errorf("whispered %+v", w)
			}
		})
	}
}

func (r *reception) submit(view string, values map[string]string) notifytest.Told {
	r.Helper()
	told, err := r.slack.Submit(view, values)
	if err != nil {
		r.Fatal(err)
	}
	return told
}

// A form that cannot be opened is not a silent button.
func TestAFormThatCannotBeOpenedIsSaid(t *testing.T) {
	long := strings.Repeat("x", 3001)
	for name, c := range map[string]struct {
		form steward.Form
		fail string
		want string
	}{
		"too late": {steward.Form{}, "expired_trigger_id", "it took too long. Press again."},
		"too long": {steward.Form{Fields: []steward.FormField{{Name: "body", Label: "The text", Kind: steward.LongText, Value: long}}}, "", "The text is too long to be edited in Slack"},
		"refused":  {steward.Form{}, "view_too_large", "Slack says view_too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			r := receive(t, "http")
			c.form.Target = steward.Target{Verb: steward.VerbRewrite}
			r.answers(func(steward.Gesture) (steward.Answer, error) { return steward.Answer{Form: &c.form}, nil })
			if c.fail != "" {
				r.slack.Fail("views.open", notifytest.SlackFailure{Error: c.fail})
			}
			r.press(r.card())
			r.wait("word of it", func() bool { return len(r.slack.Whispers()) == 1 })
			if w := r.slack.Whispers()[0]; !strings.Contains(w.Text, "The form could not be opened: ") || !strings.Contains(w.Text, c.want) {
				t.Errorf("said: %s", w.Text)
			}
		})
	}
}

// The address for answers is Slack's: no payload sends an answer anywhere else.
func TestAnswersGoToSlackOnly(t *testing.T) {
	for place, want := range map[string]bool{
		"https://hooks.slack.com/actions/T0/1/x": true, "https://hooks.slack-gov.com/actions/T0/1/x": true, "http://127.0.0.1:9999/answers/x": true,
		"http://hooks.slack.com/actions/T0/1/x": false, "https://hooks.slack.com.example.com/x": false, "https://example.com/hooks.slack.com": false,
		"https://dana@hooks.slack.com/x": false, "http://127.0.0.1:1/x": false, "file:///etc/passwd": false, "": false, "://": false,
	} {
		if got := mayAnswerAt(place, "http://127.0.0.1:9999/api/"); got != want {
			t.Errorf("%q: %v", place, got)
		}
	}
	// And one that cannot be used falls back on what is said beside the card.
	r := receive(t, "socket")
	t1 := told{gesture: steward.Gesture{User: "U0DANA", Card: "C0CS/1.2"}, answers: "https://example.com/x"}
	blocks, fallback := answerBlocks("Noted.", steward.Answer{})
	if err := r.inbox.say(t.Context(), t1, blocks, fallback); err != nil {
		t.Fatal(err)
	}
	if w := r.slack.Whispers(); len(w) != 1 || w[0].User != "U0DANA" || w[0].Channel != "C0CS" {
		t.Errorf("whispered %+v", w)
	}
}

// People of other workspaces, who are in a shared channel, are told no, and the
// desk never hears of them.
func TestOtherWorkspacesAreTurnedAway(t *testing.T) {
	for _, way := range ways {
		for name, team := range map[string]string{"asked for": "", "named": "T0"} {
			t.Run(way+" "+name, func(t *testing.T) {
				r := receive(t, way, func(c *InboxConfig) { c.Team = team })
				c := r.card()
				c.Team = "T0OTHER"
				if told := r.press(c); !told.Taken {
					t.Fatalf("%+v", told)
				}
				r.wait("word of it", func() bool { return len(r.slack.Whispers()) == 1 })
				if w := r.slack.Whispers()[0]; !strings.Contains(w.Text, "another Slack workspace") {
					t.Errorf("said %q", w.Text)
				}
				if n := len(r.gestures()); n != 0 || r.inbox.Report().Counts[Elsewhere] != 1 || r.inbox.Report().Counts[Answered] != 0 {
					t.Errorf("the desk was handed %d, counted %v", n, r.inbox.Report().Counts)
				}
			})
		}
	}
}

// A call by HTTP is Slack's, signed a moment ago, or it is nobody's.
func TestOnlySlackMayCall(t *testing.T) {
	r := receive(t, "http")
	c := r.card()
	for name, how := range map[string]notifytest.Inbound{
		"another secret":       {Forge: true},
		"signed long ago":      {Skew: -6 * time.Minute},
		"signed in the future": {Skew: 6 * time.Minute},
	} {
		r.tell(how)
		if told := r.press(c); told.Taken || told.Status != http.StatusUnauthorized {
			t.Errorf("%s: %+v", name, told)
		}
	}
	r.tell(notifytest.Inbound{Skew: 4 * time.Minute})
	if told := r.press(c); !told.Taken {
		t.Errorf("four minutes off, as clocks may be: %+v", told)
	}
	if n := len(r.gestures()); n != 1 {
		t.Errorf("the desk was handed %d, want the last alone", n)
	}
	if at := r.gestures()[0].At; at.After(time.Now()) {
		t.Errorf("it happened at %v, which is to come", at)
	}
	front := r.slack.Inbound().Callbacks
	stamp := fmt.Sprint(time.Now().Unix())
	body := "payload=" + url.QueryEscape(`{"type":"block_actions"}`)
	good := notifytest.Sign(signingSecret, stamp, []byte(body))
	for name, c := range map[string]struct {
		method, path, body, stamp, signature string
		want                                 int
	}{
		"no signature":        {"POST", "/slack/interactions", body, stamp, "", 401},
		"no time":             {"POST", "/slack/interactions", body, "", good, 401},
		"another version":     {"POST", "/slack/interactions", body, stamp, "v1" + good[2:], 401},
		"another body":        {"POST", "/slack/interactions", body + " ", stamp, good, 401},
		"half a signature":    {"POST", "/slack/interactions", body, stamp, good[:30], 401},
		"no hexadecimal":      {"POST", "/slack/interactions", body, stamp, "v0=zz", 401},
		"a query":             {"POST", "/slack/interactions?payload=%7B%7D", "", stamp, good, 401},
		"GET":                 {"GET", "/slack/interactions", "", stamp, good, 405},
		"elsewhere":           {"POST", "/slack/events", body, stamp, good, 404},
		"too much":            {"POST", "/slack/interactions", strings.Repeat("x", MaxCallback+1), stamp, good, 401},
		"signed and unknown":  {"POST", "/slack/interactions", body, stamp, good, 200},
		"signed and no form":  {"POST", "/slack/commands", "%zz", stamp, notifytest.Sign(signingSecret, stamp, []byte("%zz")), 200},
		"signed and no words": {"POST", "/slack/commands", "", stamp, notifytest.Sign(signingSecret, stamp, nil), 200},
	} {
		req := httptest.NewRequest(c.method, front+c.path, strings.NewReader(c.body))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("X-Slack-Request-Timestamp", c.stamp)
		req.Header.Set("X-Slack-Signature", c.signature)
		w := httptest.NewRecorder()
		r.inbox.Handler().ServeHTTP(w, req)
		if w.Code != c.want {
			t.Errorf("%s: answered %d, want %d", name, w.Code, c.want)
		}
		if w.Code == http.StatusUnauthorized && strings.TrimSpace(w.Body.String()) != "not allowed" {
			t.Errorf("%s: said %q", name, w.Body)
		}
	}
	if n := len(r.gestures()); n != 1 {
		t.Errorf("the desk was handed %d more", n-1)
	}
	for _, secret := range []string{signingSecret, appToken} {
		if strings.Contains(r.logs.String(), secret) {
			t.Errorf("the log holds a secret:\n%s", r.logs)
		}
	}
}

// Slack ends connections every few hours, and says so or not. What is told
// meanwhile comes by the next one.
func TestTheConnectionComesBack(t *testing.T) {
	r := receive(t, "socket")
	c := r.card()
	for i := range 3 {
		r.slack.Refresh()
		if told := r.press(c); !told.Taken {
			t.Fatalf("after %d ends: %+v\n%s", i+1, told, r.logs)
		}
	}
	if _, ever := r.slack.Connections(); ever != 4 {
		t.Errorf("there were %d connections, want 4", ever)
	}
	if rep := r.inbox.Report(); !rep.Connected || rep.Trouble != "" {
		t.Errorf("reported as %+v", rep)
	}
}

// What is in the way of a connection is said once, in words that help, without
// the token.
func TestWhyThereIsNoConnection(t *testing.T) {
	for word, want := range map[string]string{
		"invalid_auth":   "app-level token (it begins with xapp-) with the scope connections:write",
		"missing_scope":  "give the app-level token the scope connections:write",
		"unknown_method": "set slack.signing_secret_env",
	} {
		logs := &lines{}
		s := notifytest.StartSlack()
		for range 50 {
			s.Fail("apps.connections.open", notifytest.SlackFailure{Error: word})
		}
		sender, err := NewSlackSender(SlackConfig{Token: steward.NewSecret("xoxb-test"), APIURL: s.URL()})
		if err != nil {
			t.Fatal(err)
		}
		in, err := NewInbox(InboxConfig{AppToken: steward.NewSecret(appToken), Log: slog.New(slog.NewTextHandler(logs, nil))}, sender)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = in.Run(ctx) })
		for deadline := time.Now().Add(10 * time.Second); s.Calls("apps.connections.open") < 1 || in.Report().Trouble == ""; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: nothing was said", word)
			}
		}
		if rep := in.Report(); rep.Connected || !strings.Contains(rep.Trouble, want) || strings.Contains(rep.Trouble+logs.String(), appToken) {
			t.Errorf("%s: reported %+v\n%s", word, rep, logs)
		}
		stop()
		running.Wait()
		s.Close()
	}
}

// Where nothing brings clicks back, a card offers none; what it shows and where it
// leads stays.
func TestAMuteSenderOffersNoButtons(t *testing.T) {
	take := steward.Button{Target: steward.Target{Verb: steward.VerbTake, Message: "m-1"}, Label: "Take it"}
	l := steward.Letter{Message: steward.Message{ID: "m-1", To: steward.Recipient{Slack: "C0CS"}}, Content: steward.Content{Title: "Logins are dropping", Parts: []steward.ContentPart{{Markdown: "Ask why."}}},
		Face: steward.Face{Marks: []string{"Taken by Dana Reyes"}, Buttons: []steward.Button{take, {Label: "Open", Link: "https://crm.example.com"}}, Parts: []steward.PartFace{{Buttons: []steward.Button{take}}}}}
	for _, mute := range []bool{false, true} {
		s := notifytest.StartSlack()
		sender, err := NewSlackSender(SlackConfig{Token: steward.NewSecret("xoxb-test"), APIURL: s.URL(), Mute: mute})
		if err != nil {
			t.Fatal(err)
		}
		r, err := sender.Send(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		if err := sender.Update(t.Context(), l, r.Ref); err != nil {
			t.Fatal(err)
		}
		shown := string(s.Posts()[0].Blocks)
		if strings.Contains(shown, "Take it") == mute || !strings.Contains(shown, "Taken by Dana Reyes") || !strings.Contains(shown, "https://crm.example.com") {
			t.Errorf("mute %v: %s", mute, shown)
		}
		s.Close()
	}
	if len(l.Face.Parts[0].Buttons) != 1 {
		t.Error("the letter itself lost its buttons")
	}
}

// Addresses of people are those of full members of our own workspace.
func TestWhoPressed(t *testing.T) {
	s := notifytest.StartSlack()
	defer s.Close()
	s.AddGuest("U0GUEST", "dana@example.com")
	s.AddUser("U0GONE", "gone@example.com")
	s.Deactivate("U0GONE")
	s.AddUser("U0LOUD", "LOUD@Example.com")
	sender, err := NewSlackSender(SlackConfig{Token: steward.NewSecret("xoxb-test"), APIURL: s.URL()})
	if err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]string{"U0DANA": "dana@example.com", "U0LOUD": "loud@example.com", "U0GUEST": "", "U0GONE": "", "U0NOBODY": "", "C0CS": "", "": ""} {
		for range 2 {
			if got, err := sender.EmailOf(t.Context(), user, "T0"); got != want || err != nil {
				t.Errorf("%q is %q, %v; want %q", user, got, err, want)
			}
		}
	}
	if got, _ := sender.EmailOf(t.Context(), "U0DANA", "T0OTHER"); got != "" {
		t.Errorf("somebody of another workspace counts as %q", got)
	}
	if n := s.Calls("users.info"); n != 7 { // found ones and nobody are remembered; U0NOBODY is asked for again
		t.Errorf("Slack was asked %d times", n)
	}
	s.Fail("users.info", notifytest.SlackFailure{Error: "fatal_error"})
	s.AddUser("U0NEW", "new@example.com")
	if _, err := sender.EmailOf(t.Context(), "U0NEW", "T0"); err == nil {
		t.Error("trouble with the look-up was taken for nobody")
	}
}

// Whatever comes in, reading it ends well, and what is read has a key, a person
// and a verb.
func FuzzReadInteraction(f *testing.F) {
	f.Add([]byte(`{"type":"block_actions","team":{"id":"T0"},"user":{"id":"U0","team_id":"T0"},"container":{"message_ts":"1.2","channel_id":"C0"},"actions":[{"action_id":"do-0","block_id":"b","value":"{\"v\":\"take\"}","action_ts":"1548426417.84"}]}`))
	f.Add([]byte(`{"type":"block_actions","user":{"id":"U0"},"actions":[{"action_id":"pick-0|{\"v\":\"snooze\"}","selected_option":{"value":"snooze=1d"}}]}`))
	f.Add([]byte(`{"type":"view_submission","user":{"id":"U0"},"view":{"id":"V0","hash":"h","private_metadata":"{\"t\":{\"v\":\"done\"}}","state":{"values":{"text":{"value":{"type":"plain_text_input","value":null}}}}}}`))
	f.Add([]byte(`{"type":"view_closed"}`))
	f.Add([]byte(`{"type":"shortcut","actions":null}`))
	f.Add([]byte(`{"type":"block_actions","team":null,"actions":[null]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := readInteraction(payload, begun)
		again, err2 := readInteraction(payload, begun.Add(time.Hour))
		if (err == nil) != (err2 == nil) || got.gesture.Key != again.gesture.Key {
			t.Fatalf("told again it is something else: %q, %v and %q, %v", got.gesture.Key, err, again.gesture.Key, err2)
		}
		g := got.gesture
		if err != nil || got.nothing() {
			return
		}
		if g.User == "" || g.Verb == "" || g.Verb != g.Target.Verb || g.At.After(begun) || !strings.HasPrefix(g.Key, "slack-") || len(g.Key) > 60 {
			t.Fatalf("read as %+v", g)
		}
	})
}
