package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"steward"
	"steward/jobs"
	"steward/playbooks"
	"steward/store"
)

// receivers answer webhooks, each in its own way; nil is that it takes what it
// is sent. They cannot be asked what they have.
type receivers struct {
	answer func(hook string, n int) error
	calls  map[string]int
}

func (r *receivers) Send(_ context.Context, l steward.Letter) (steward.Receipt, error) {
	hook := l.Message.To.Webhook
	r.calls[hook]++
	if err := r.answer(hook, r.calls[hook]); err != nil {
		return steward.Receipt{}, err
	}
	return steward.Receipt{Ref: hook}, nil
}

func (r *receivers) Find(context.Context, steward.Letter) (steward.Receipt, bool, error) {
	return steward.Receipt{}, false, nil
}

// hooks is a stage whose playbook tells other systems, each in a step.
func hooks(t *testing.T, steps string, answer func(hook string, n int) error) (*stage, *receivers) {
	t.Helper()
	s, r := newStage(t, "", "", ""), &receivers{answer: answer, calls: map[string]int{}}
	book, problems := playbooks.Load(fstest.MapFS{
		"playbooks/big.yaml": {Data: []byte("playbook: big\nwhen: arr >= 10k\nuntil: arr < 5k\ncooldown: 30d\nbackfill: true\nmax_new: 100%\nsteps:\n" + steps)},
	}, "playbooks", "messages", playbooks.Settings{Zone: time.UTC, Ops: "#ops", Unowned: "#ops", Webhooks: []string{"down", "up"}})
	if errs := problems.Errors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	s.Book = func() *playbooks.Book { return book }
	s.Sender, s.Find = r, r.Find
	return s, r
}

func (s *stage) calls(state steward.MessageState) (out []steward.Message) {
	s.Helper()
	list, _, err := s.db.Messages(s.Context(), store.MessageFilter{Kind: steward.Call, State: state})
	s.must(err)
	return list
}

// A system that is down holds up what is for it, and nothing else.
func TestAWebhookThatIsDownHoldsUpNoOther(t *testing.T) {
	s, r := hooks(t, "- {id: one, webhook: down}\n- {id: two, webhook: up}\n", func(hook string, _ int) error {
		if hook == "down" {
			return &steward.DeliveryError{Kind: steward.Unreachable, Hint: "look", Err: errors.New("http 503")}
		}
		return nil
	})
	s.accounts(12, 20_000)
	s.evaluate()
	s.deliver()
	if r.calls["down"] != 5 {
		t.Errorf("%d calls of one that is down; want it left alone after five", r.calls["down"])
	}
	var why []string
	for _, c := range s.Circuits() {
		if c.Waits(s.now) {
			why = append(why, fmt.Sprintf("%s %s", c.Channel, c.Why))
		}
	}
	if fmt.Sprint(why) != "[webhook:down channel_down]" {
		t.Fatalf("what waits: %v", why)
	}
	// The steps after it go on once it was given up, and their system is called at
	// once, though the other is still down.
	for range 60 {
		s.now = s.now.Add(time.Hour)
		s.deliver()
		s.advance()
	}
	s.deliver()
	if r.calls["up"] == 0 || len(s.calls(steward.Sent)) != r.calls["up"] {
		t.Errorf("%d calls of the other, %d sent", r.calls["up"], len(s.calls(steward.Sent)))
	}
	told, err := s.db.Notices(t.Context())
	s.must(err)
	if fmt.Sprint(told) == "" || !contains(told, "channel/webhook:down") || contains(told, "channel/webhook:up") {
		t.Errorf("ops was told of %v", told)
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// An answer that was lost costs nothing: the receiver knows the message if it
// has it.
func TestALostCallIsMadeAgain(t *testing.T) {
	lost := &steward.DeliveryError{Kind: steward.Unknowable, Hint: "look", Err: errors.New("the connection broke")}
	firstLost := func(_ string, n int) error {
		if n == 1 {
			return lost
		}
		return nil
	}
	s, r := hooks(t, "- {id: one, webhook: up}\n", firstLost)
	s.accounts(1, 20_000)
	s.evaluate()
	s.deliver()
	if m := s.message(steward.Call); m.State != steward.Deferred || m.Reason != steward.ReasonRetry {
		t.Fatalf("after the lost answer: %s (%s) %s", m.State, m.Reason, m.Detail)
	}
	s.now = s.now.Add(time.Minute)
	s.deliver()
	if m := s.message(steward.Call); m.State != steward.Sent || r.calls["up"] != 2 {
		t.Errorf("%s after %d calls", m.State, r.calls["up"])
	}

	// A sender that died in the middle may have called; it is called again.
	s, r = hooks(t, "- {id: one, webhook: up}\n", func(string, int) error { return nil })
	s.accounts(1, 20_000)
	s.evaluate()
	m := s.message(steward.Call)
	if _, _, err := s.db.Claim(t.Context(), m.ID, m.Epoch, s.now, time.Minute, func(steward.Dossier) (steward.Ruling, error) {
		return steward.Ruling{Content: &steward.Content{}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(10 * time.Minute)
	s.advance()
	s.deliver()
	if m := s.message(steward.Call); m.State != steward.Sent || r.calls["up"] != 1 {
		t.Errorf("after the sender died: %s after %d calls", m.State, r.calls["up"])
	}

	// Where the step says leave, it is left.
	s, r = hooks(t, "- {id: one, webhook: up, on_uncertain: leave}\n", firstLost)
	s.accounts(1, 20_000)
	s.evaluate()
	s.deliver()
	if m := s.message(steward.Call); m.State != steward.Uncertain || r.calls["up"] != 1 {
		t.Errorf("with on_uncertain: leave it is %s after %d calls", m.State, r.calls["up"])
	}
}

// One that never answers is not called for ever.
func TestCallsThatAreAlwaysLostEnd(t *testing.T) {
	s, r := hooks(t, "- {id: one, webhook: up, expires: 30d}\n", func(string, int) error {
		return &steward.DeliveryError{Kind: steward.Unknowable, Hint: "look", Err: errors.New("no answer")}
	})
	s.GoodUntil = func(steward.Slot) time.Time { return time.Time{} }
	s.accounts(1, 20_000)
	s.evaluate()
	for range 24 * 7 {
		s.deliver()
		s.now = s.now.Add(time.Hour)
	}
	m := s.message(steward.Call)
	if m.State != steward.Uncertain || r.calls["up"] != jobs.MaxAttempts {
		t.Errorf("after a week it is %s (%s), %d calls", m.State, m.Detail, r.calls["up"])
	}
}
