package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"steward"
	"steward/jobs"
)

// A providerOfTwo takes mail, and Slack messages while it is up.
type providerOfTwo struct {
	mu    sync.Mutex // a task's messages are sent side by side
	slack func() error
	calls map[steward.Channel]int
	taken map[steward.MessageID]int
}

func (p *providerOfTwo) Send(_ context.Context, l steward.Letter) (steward.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[l.Message.Channel]++
	if l.Message.Channel == steward.Slack {
		if err := p.slack(); err != nil {
			return steward.Receipt{}, err
		}
	}
	p.taken[l.Message.ID]++
	return steward.Receipt{Ref: "ref"}, nil
}

// minutes lives through a stretch of time as the worker does: relay every so
// often, whatever is in the queue done at once, advance every minute.
func (s *stage) minutes(q *bench, d time.Duration) {
	s.Helper()
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(20 * time.Second) {
		if s.now.Second() == 0 {
			s.advance()
		}
		_, err := s.Relay(s.Context(), q, 0)
		s.must(err)
		for len(q.tasks) > 0 {
			task := q.tasks[0]
			q.tasks = q.tasks[1:]
			s.must(s.HandleDelivery(s.Context(), task.Payload))
		}
	}
}

// Slack is away for six hours, with a dozen cards to send: it is asked a few
// times an hour and not a dozen times a minute, no card uses its attempts up, mail
// goes on, ops hears once, and everything arrives once Slack is back.
func TestOutage(t *testing.T) {
	for _, c := range []struct {
		name     string
		kind     steward.FailureKind
		calls    int // at most, in six hours
		attempts int // at most, of one card
	}{
		{"unreachable", steward.Unreachable, 45, 4},
		{"bad credentials", steward.Unauthorised, 30, 1},
		{"throttled for minutes at a time", steward.Throttled, 80, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, "", "max_new: 100", "")
			s.accounts(12, 20_000)
			s.evaluate()
			down := true
			p := &providerOfTwo{calls: map[steward.Channel]int{}, taken: map[steward.MessageID]int{}, slack: func() error {
				if down {
					return &steward.DeliveryError{Kind: c.kind, RetryAfter: 5 * time.Minute, Err: errors.New("no")}
				}
				return nil
			}}
			s.Sender = p
			q := &bench{}
			mail := steward.Message{ID: "m-mail", Kind: steward.Notice, Channel: steward.Email, To: steward.Recipient{Key: "ops", Email: "ops@example.com"},
				State: steward.Planned, Due: s.now, Planned: s.now, Content: &steward.Content{Title: "A mail"}}
			_, err := s.db.Notice(t.Context(), "mail", mail, s.now)
			s.must(err)

			s.minutes(q, 6*time.Hour)
			if n := p.calls[steward.Slack]; n > c.calls {
				t.Errorf("Slack was called %d times while it was away, want %d at most", n, c.calls)
			}
			if p.taken["m-mail"] != 1 {
				t.Error("mail had to wait for Slack")
			}
			for _, m := range s.messages(steward.Card) {
				if m.State.Settled() || m.Attempts > c.attempts {
					t.Errorf("%s is %s (%s) after %d attempts", m.ID, m.State, m.Detail, m.Attempts)
				}
			}
			if got := len(s.messages(steward.Notice)) - 1; got > 1 || got != 1 && c.kind != steward.Throttled {
				t.Errorf("ops is told %d times", got)
			}

			down = false
			s.minutes(q, 20*time.Minute)
			for _, m := range append(s.messages(steward.Card), s.messages(steward.Notice)...) {
				if m.State != steward.Sent || p.taken[m.ID] != 1 {
					t.Errorf("%s %s is %s and was taken %d times", m.Kind, m.ID, m.State, p.taken[m.ID])
				}
			}
			for _, circuit := range s.Circuits() {
				if circuit.Why != "" {
					t.Errorf("%s still waits: %+v", circuit.Channel, circuit)
				}
			}
			if told, err := s.db.Notices(t.Context()); err != nil || fmt.Sprint(told) != "[mail]" {
				t.Errorf("what stands of the notices is %v (%v): the next outage would not be told", told, err)
			}
		})
	}
}

// A person who left does not stop the channel: theirs fails and ops hears once,
// the others' go.
func TestOneRecipientGone(t *testing.T) {
	s := newStage(t, "", "max_new: 100", "")
	s.accounts(12, 20_000)
	s.evaluate()
	s.Sender = senderFunc(func(l steward.Letter) error {
		if l.Message.Kind == steward.Card {
			return &steward.DeliveryError{Kind: steward.Refused, Code: "user_disabled", Err: errors.New("gone")}
		}
		return nil
	})
	s.minutes(&bench{}, 2*time.Minute)
	for _, m := range s.messages(steward.Card) {
		if m.State != steward.FailedToSend {
			t.Errorf("it is %s", m.State)
		}
	}
	notices := s.messages(steward.Notice)
	if len(notices) != 1 || notices[0].State != steward.Sent {
		t.Fatalf("ops was told %d times, want once", len(notices))
	}
}

type senderFunc func(steward.Letter) error

func (f senderFunc) Send(_ context.Context, l steward.Letter) (steward.Receipt, error) {
	return steward.Receipt{Ref: "ref"}, f(l)
}

var _ jobs.Sender = senderFunc(nil)
