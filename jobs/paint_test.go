package jobs_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"steward"
	"steward/jobs"
)

// painter keeps what cards show, and answers as it is told.
type painter struct {
	answers []error
	shown   map[string]steward.Letter
	calls   int
}

func (p *painter) update(_ context.Context, l steward.Letter, ref string) error {
	p.calls++
	if len(p.answers) > 0 {
		err := p.answers[0]
		p.answers = p.answers[1:]
		if err != nil {
			return err
		}
	}
	if p.shown == nil {
		p.shown = map[string]steward.Letter{}
	}
	p.shown[ref] = l
	return nil
}

func (s *stage) paint() int {
	s.Helper()
	n, err := s.Paint(s.Context(), 100)
	s.must(err)
	return n
}

// TestACardShowsHowThingsStand: as it is sent, after somebody took it on, and once
// it is over; and it is left alone while nothing changes.
func TestACardShowsHowThingsStand(t *testing.T) {
	p := &painter{}
	s, card := sentCard(t, "")
	s.Update = p.update
	s.Changed = make(chan struct{}, 1)
	if face := s.provider.letters[0].Face; len(face.Buttons) != 4 || len(face.Marks) != 0 {
		t.Errorf("as it was sent, it showed %+v", face)
	}
	if n := s.paint(); n != 0 {
		t.Errorf("%d cards were drawn anew though nothing changed", n)
	}
	s.handle(press("k1", "U0DANA", steward.VerbTake, card))
	select {
	case <-s.Changed:
	default:
		t.Error("whoever draws cards was not woken")
	}
	if n := s.paint(); n != 1 {
		t.Fatalf("%d cards were drawn anew", n)
	}
	shown := p.shown[card.Ref]
	if !slices.Equal(shown.Face.Marks, []string{"Taken by Dana Reyes on 12 March"}) || len(shown.Face.Buttons) != 3 || shown.Content.Title != "Big account" {
		t.Errorf("it shows %q with %+v", shown.Content.Title, shown.Face)
	}
	s.now = s.now.Add(24 * time.Hour)
	s.accounts(1, 10) // it recovers
	s.evaluate()
	s.paint()
	if over := p.shown[card.Ref].Face; !strings.HasPrefix(over.Over, "Recovered on 13 March") || len(over.Buttons) != 0 {
		t.Errorf("after it recovered, it shows %+v", over)
	}
	s.now = s.now.Add(24 * time.Hour)
	s.evaluate()
	if n := s.paint(); n != 0 || p.calls != 2 {
		t.Errorf("%d more were drawn, %d in all", n, p.calls)
	}
}

// TestPaintingOutcomes: what a provider says to an edit.
func TestPaintingOutcomes(t *testing.T) {
	fail := func(kind steward.FailureKind, after time.Duration) error {
		return &steward.DeliveryError{Kind: kind, RetryAfter: after, Err: errors.New("cause")}
	}
	for _, c := range []struct {
		name   string
		answer error
		again  time.Duration // when it is tried again; 0 for never
	}{
		{"the card is gone", fail(steward.Refused, 0), 0},
		{"throttled", fail(steward.Throttled, 90*time.Second), 90 * time.Second},
		{"unreachable", fail(steward.Unreachable, 0), 30 * time.Second},
		{"the answer was lost", fail(steward.Unknowable, 0), 30 * time.Second},
		{"an error of no kind", errors.New("broken"), 30 * time.Second},
		{"not now", fail(steward.NotNow, 0), 30 * time.Second},
		{"unauthorised", fail(steward.Unauthorised, 0), 15 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &painter{answers: []error{c.answer}}
			s, card := sentCard(t, "")
			s.Update = p.update
			s.handle(press("k1", "U0DANA", steward.VerbTake, card))
			s.paint()
			s.now = s.now.Add(c.again - time.Second)
			s.paint()
			if p.calls != 1 {
				t.Errorf("it was tried again before its time")
			}
			s.now = s.now.Add(time.Second + 24*time.Hour*map[bool]time.Duration{true: 1}[c.again == 0])
			if n := s.paint(); n != map[bool]int{true: 1}[c.again > 0] {
				t.Errorf("at its time, %d were drawn", n)
			}
			if m := s.message(steward.Card); m.State != steward.Sent {
				t.Errorf("the card itself is %s by it", m.State)
			}
		})
	}
}

// TestPaintingGivesUp: a card that can never be drawn does not stay due for ever,
// and one that is changed again is tried again.
func TestPaintingGivesUp(t *testing.T) {
	p := &painter{}
	s, card := sentCard(t, "")
	s.Update = p.update
	s.handle(press("k1", "U0DANA", steward.VerbTake, card))
	for range 40 {
		p.answers = []error{&steward.DeliveryError{Kind: steward.NotNow, Err: errors.New("no")}}
		s.paint()
		s.now = s.now.Add(4 * time.Hour)
	}
	if p.calls > 20 {
		t.Errorf("it was tried %d times", p.calls)
	}
	p.answers = nil
	if n := s.paint(); n != 0 {
		t.Error("it is still due")
	}
	s.handle(press("k2", "U0DANA", steward.VerbSnooze, card, "choice", "1w"))
	if n := s.paint(); n != 1 {
		t.Errorf("changed again, %d were drawn", n)
	}
}

// TestPatienceIsNoAttempt: a provider that asks for patience however often gets it,
// and the card is drawn in the end.
func TestPatienceIsNoAttempt(t *testing.T) {
	p := &painter{}
	s, card := sentCard(t, "")
	s.Update = p.update
	s.handle(press("k1", "U0DANA", steward.VerbTake, card))
	for range 3 * jobs.MaxAttempts {
		p.answers = []error{&steward.DeliveryError{Kind: steward.Throttled, RetryAfter: time.Minute, Err: errors.New("slower")}}
		s.paint()
		s.now = s.now.Add(time.Minute)
	}
	if n := s.paint(); n != 1 || p.calls != 3*jobs.MaxAttempts+1 {
		t.Errorf("after patience, %d were drawn, in %d calls", n, p.calls)
	}
}

// TestAChangeWhileItIsDrawn: what changes between reading and painting is painted,
// too.
func TestAChangeWhileItIsDrawn(t *testing.T) {
	s, card := sentCard(t, "")
	var shown []steward.Letter
	s.Update = func(_ context.Context, l steward.Letter, _ string) error {
		if len(shown) == 0 {
			s.handle(press("k2", "U0LEE", steward.VerbSnooze, card, "choice", "1w"))
		}
		shown = append(shown, l)
		return nil
	}
	s.handle(press("k1", "U0DANA", steward.VerbTake, card))
	s.paint()
	if n := s.paint(); n != 1 || len(shown[1].Face.Marks) != 2 {
		t.Errorf("%d were drawn after it changed, and it shows %+v", n, shown[len(shown)-1].Face)
	}
}

// TestFollowUpsGoToTheThread: what comes later about the same to the same person
// is handed over with the first card.
func TestFollowUpsGoToTheThread(t *testing.T) {
	s, card := sentCard(t, "")
	s.handle(press("k1", "U0DANA", steward.VerbSnooze, card, "choice", "1d"))
	for range 3 {
		s.now = s.now.Add(24 * time.Hour)
		s.advance()
		s.deliver()
	}
	threads := map[steward.OwnerID]string{}
	for _, l := range s.provider.letters[1:] {
		if l.Message.Kind == steward.Card {
			threads[l.Message.To.Owner] = l.Thread
		}
	}
	if threads["dana"] != card.Ref || threads["lee"] != "" {
		t.Errorf("what follows goes to %v, want %s for dana and none for her manager", threads, card.Ref)
	}
}

// What was sent and is not kept is drawn as a card that says so, and with which
// nothing can be done.
func TestACardThatWasErasedSaysSo(t *testing.T) {
	p := &painter{}
	s, card := sentCard(t, "")
	s.Update = p.update
	s.handle(press("k1", "U0DANA", steward.VerbTake, card))
	s.ledger.erased = card.ID
	s.paint()
	shown := p.shown[card.Ref]
	if len(shown.Content.Parts) != 1 || !strings.Contains(shown.Content.Parts[0].Markdown, "asked to be forgotten") || shown.Content.Account != "Account a-0000" || len(shown.Face.Buttons)+len(shown.Face.Marks) != 0 {
		t.Errorf("it shows %+v with %+v", shown.Content, shown.Face)
	}
	if n := s.paint(); n != 0 {
		t.Error("it is still due")
	}
}
