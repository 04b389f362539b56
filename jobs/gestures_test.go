package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"steward"
	"steward/store"
)

// sentCard has one card sent about one account.
func sentCard(t *testing.T, onNudge string) (*stage, steward.Message) {
	t.Helper()
	s := newStage(t, "", "", onNudge)
	s.accounts(1, 20_000)
	s.evaluate()
	s.deliver()
	return s, s.message(steward.Card)
}

// press is a gesture of somebody in Slack with a card.
func press(key, user string, v steward.Verb, m steward.Message, values ...string) steward.Gesture {
	g := steward.Gesture{Key: key, At: first, Via: steward.ViaSlack, User: user, Team: "T1", Verb: v, Target: steward.Target{Verb: v, Message: m.ID, Account: m.Account}, Values: map[string]string{}}
	for i := 0; i+1 < len(values); i += 2 {
		g.Values[values[i]] = values[i+1]
	}
	return g
}

func (s *stage) handle(g steward.Gesture) steward.Answer {
	s.Helper()
	a, err := s.Handle(s.Context(), g)
	s.must(err)
	return a
}

func (s *stage) acts() []steward.Act {
	s.Helper()
	list, err := s.db.Acts(s.Context(), store.ActFilter{})
	s.must(err)
	return list
}

// TestTaking: whoever presses the button has it, once, whatever Slack repeats.
func TestTaking(t *testing.T) {
	s, card := sentCard(t, "")
	g := press("k1", "U0DANA", steward.VerbTake, card)
	answer := s.handle(g)
	if !strings.Contains(answer.Text, "yours") {
		t.Errorf("the answer is %q", answer.Text)
	}
	e := s.enrolment()
	if e.AckedBy != "dana" || !e.AckedAt.Equal(s.now) {
		t.Errorf("it is taken on by %q at %s", e.AckedBy, e.AckedAt)
	}
	s.now = s.now.Add(time.Hour)
	for range 4 {
		if again := s.handle(g); again.Text != answer.Text {
			t.Errorf("told again, the answer is %q", again.Text)
		}
	}
	if again := s.enrolment(); again.Rev != e.Rev {
		t.Errorf("told again, it was written again: revision %d became %d", e.Rev, again.Rev)
	}
	if acts := s.acts(); len(acts) != 1 || acts[0].By != "dana" || acts[0].ByName != "Dana Reyes" || acts[0].Enrolment != e.ID || acts[0].Refused != "" {
		t.Errorf("the acts on record are %+v", acts)
	}
	if answer := s.handle(press("k2", "U0LEE", steward.VerbTake, card)); !strings.Contains(answer.Text, "Big account was taken on by Dana Reyes") {
		t.Errorf("somebody else is told %q", answer.Text)
	}
	if acts := s.acts(); len(acts) != 2 || acts[0].Refused == "" {
		t.Errorf("what was refused is not on record: %+v", acts)
	}
	s.now = s.now.Add(25 * time.Hour)
	s.advance()
	s.deliver()
	if cards := s.messages(steward.Card); len(cards) != 1 {
		t.Errorf("the manager was told although it is taken on: %d cards", len(cards))
	}
}

// TestTakingAtOnce: of clicks that come together, in whatever way, each acts
// once, and one person has it.
func TestTakingAtOnce(t *testing.T) {
	s, card := sentCard(t, "")
	var wg sync.WaitGroup
	answers := make([]steward.Answer, 20)
	before := s.enrolment()
	for i := range answers {
		user := []string{"U0DANA", "U0LEE"}[i%2]
		g := press(fmt.Sprintf("%s-%d", user, i/4), user, steward.VerbTake, card)
		wg.Go(func() {
			a, err := s.Handle(t.Context(), g)
			if err != nil {
				t.Error(err)
			}
			answers[i] = a
		})
	}
	wg.Wait()
	keys := map[string]int{}
	for _, a := range s.acts() {
		keys[a.Key]++
	}
	if len(keys) != 10 {
		t.Errorf("%d keys are on record, want 10", len(keys))
	}
	if e := s.enrolment(); e.Rev != before.Rev+1 || e.AckedBy == "" {
		t.Errorf("it was written %d times, and is %q's", e.Rev-before.Rev, e.AckedBy)
	}
	for key, n := range keys {
		if n > 1 {
			t.Errorf("%s is on record %d times", key, n)
		}
	}
}

// TestStrangers: whoever is not in owners.yaml does nothing, and hears how to
// get in; one who can be found by their address is known.
func TestStrangers(t *testing.T) {
	s, card := sentCard(t, "")
	answer := s.handle(press("k1", "U0EVE", steward.VerbTake, card))
	if !strings.Contains(answer.Text, "U0EVE") || !strings.Contains(answer.Text, "owners.yaml") {
		t.Errorf("a stranger is told %q", answer.Text)
	}
	s.Person = func(_ context.Context, user, team string) (steward.Owner, bool, error) {
		return steward.Owner{ID: "lee", Name: "Lee Okafor"}, user == "U0LEEHOME" && team == "T1", nil
	}
	s.handle(press("k2", "U0EVE", steward.VerbTake, card))
	if acts := s.acts(); len(acts) != 0 || s.enrolment().AckedBy != "" {
		t.Fatalf("a stranger did something: %+v", acts)
	}
	s.handle(press("k3", "U0LEEHOME", steward.VerbTake, card))
	if e := s.enrolment(); e.AckedBy != "lee" {
		t.Errorf("it is taken on by %q, want lee", e.AckedBy)
	}
	s.Person = func(context.Context, string, string) (steward.Owner, bool, error) {
		return steward.Owner{}, false, errors.New("slack is away")
	}
	if answer := s.handle(press("k4", "U0WHO", steward.VerbTake, card)); !strings.Contains(answer.Text, "Try again") {
		t.Errorf("while Slack cannot be asked, one is told %q", answer.Text)
	}
}

// TestADeedThatMeetsAnother: what was decided on has changed by the time it is
// written: it is decided anew, and given up with a word when that goes on.
func TestADeedThatMeetsAnother(t *testing.T) {
	for meets, want := range map[int]string{2: "yours", 3: "changed several times"} {
		s, card := sentCard(t, "")
		times := 0
		s.ledger.perform = func() {
			if times++; times > meets {
				return
			}
			// Somebody moves the enrolment between the decision and its writing.
			e := s.enrolment()
			conflicts, err := s.db.Commit(t.Context(), steward.Run{}, []steward.Change{{Account: e.Subject.Account, Enrolments: []steward.Enrolment{e}}}, s.now)
			if err != nil || len(conflicts) > 0 {
				t.Fatal(err, conflicts)
			}
		}
		if answer := s.handle(press("k1", "U0DANA", steward.VerbTake, card)); !strings.Contains(answer.Text, want) {
			t.Errorf("after %d, the answer is %q", meets, answer.Text)
		}
		if n := len(s.acts()); n != map[int]int{2: 1, 3: 0}[meets] {
			t.Errorf("after %d, %d acts are on record", meets, n)
		}
	}
}
