package jobs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"steward"
	"steward/playbooks"
	"steward/store"
)

// shelf puts other playbooks on the stage, in the place of those that are there.
func (s *stage) shelf(texts ...string) {
	s.Helper()
	files := fstest.MapFS{"messages/big.md": {Data: []byte("{{ .account.name }} is big.\n")}}
	for i, text := range texts {
		files[fmt.Sprintf("playbooks/p%d.yaml", i)] = &fstest.MapFile{Data: []byte(text)}
	}
	book, problems := playbooks.Load(files, "playbooks", "messages", playbooks.Settings{Zone: time.UTC, Ops: "#ops", Unowned: "#ops", Owners: []steward.Owner{
		{ID: "dana", Name: "Dana Reyes", Slack: "U0DANA", Zone: time.UTC},
	}})
	if errs := problems.Errors(); len(errs) > 0 {
		s.Fatal(errs)
	}
	s.Book = func() *playbooks.Book { return book }
}

const daily = "playbook: daily\nkind: rhythm\nevery: 1d at 09:00\nsteps: [{id: say, slack: owner, message: big}]\n"

func (s *stage) enrolments(f store.EnrolmentFilter) []steward.Enrolment {
	s.Helper()
	out, err := s.db.Enrolments(s.Context(), f)
	s.must(err)
	return out
}

// A rhythm's time of day is kept between evaluations, also by a worker that is
// lost in the middle: each account hears once.
func TestARhythmComesRoundBetweenEvaluations(t *testing.T) {
	s := newStage(t, "", "", "")
	s.shelf(daily)
	s.accounts(250, 20_000)
	s.evaluate()
	nine := time.Date(s.now.Year(), s.now.Month(), s.now.Day(), 9, 0, 0, 0, time.UTC)
	for _, at := range []time.Time{s.now.Add(time.Minute), nine.Add(-time.Second)} {
		if s.now = at; s.advance().Enrolments != 0 || len(s.enrolments(store.EnrolmentFilter{})) > 0 {
			t.Fatalf("something was opened at %s", at)
		}
	}
	s.now = nine.Add(20 * time.Second)
	lost := errors.New("the worker is lost")
	s.ledger.n, s.ledger.commit = 0, func(n int) error {
		if n == 2 {
			return lost
		}
		return nil
	}
	if _, err := s.Advance(t.Context()); !errors.Is(err, lost) {
		t.Fatalf("the loss is told as %v", err)
	}
	if n := len(s.enrolments(store.EnrolmentFilter{})); n == 0 || n == 250 {
		t.Fatalf("%d were opened before the loss", n)
	}
	s.ledger.commit = nil
	s.now = s.now.Add(time.Minute)
	s.advance()
	cards, err := s.db.MessageCounts(t.Context())
	s.must(err)
	if all := s.enrolments(store.EnrolmentFilter{}); len(all) != 250 || cards.ByState["planned"] != 250 {
		t.Errorf("%d enrolments and the cards %v, want 250 of each", len(all), cards.ByState)
	}
	states, err := s.db.PlaybookStates(t.Context())
	s.must(err)
	if len(states) != 1 || !states[0].Occurrence.Time().Equal(nine) {
		t.Errorf("dealt with is %+v, want %s", states, nine)
	}
}

// An evaluation after the time of day does it no second time, and the next day
// does.
func TestARhythmComesRoundEachDay(t *testing.T) {
	s := newStage(t, "", "", "")
	s.shelf(daily)
	s.accounts(2, 20_000)
	for day := range 3 {
		for _, hour := range []int{6, 9, 12} {
			s.now = first.AddDate(0, 0, day).Add(time.Duration(hour-6) * time.Hour)
			if hour != 9 {
				s.evaluate()
			}
			s.advance()
			s.deliver()
			s.advance()
		}
		if n := len(s.enrolments(store.EnrolmentFilter{})); n != 2*(day+1) || len(s.provider.letters) != n {
			t.Errorf("on day %d there are %d enrolments and %d cards, want %d", day, n, len(s.provider.letters), 2*(day+1))
		}
	}
}

// A playbook is renamed while a card of its is under way: the card goes out, and
// what only looks finds it under the new name before the worker has written it.
func TestARenameBetweenEvaluations(t *testing.T) {
	const text = "playbook: old\ncooldown: 0\nbackfill: true\nwhen: arr >= 10k\nuntil: arr < 5k\nsteps: [{id: say, slack: owner, message: big}, {wait: 2d}, {id: again, slack: owner, message: big}]\n"
	for name, meet := range map[string]func(*stage){
		"delivery":   func(s *stage) { s.deliver() },
		"a minute":   func(s *stage) { s.advance(); s.deliver() },
		"evaluation": func(s *stage) { s.now = s.now.Add(24 * time.Hour); s.evaluate(); s.deliver() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, "", "", "")
			s.shelf(text)
			s.accounts(1, 20_000)
			s.evaluate()
			was := s.enrolment()
			s.shelf(strings.Replace(text, "playbook: old", "playbook: new\nwas: old", 1))
			looked, err := s.Situation(t.Context(), steward.SlotAt(s.now))
			s.must(err)
			if _, ok := looked.Memory.Open[playbooks.KeyOf("new", was.Subject)]; !ok || s.enrolment().Playbook != "old" {
				t.Error("looking finds it under its old name, or has renamed it")
			}
			meet(s)
			if m := s.message(steward.Card); m.State != steward.Sent {
				t.Errorf("the card is %s: %s %s", m.State, m.Reason, m.Detail)
			}
			s.now = s.now.Add(3 * 24 * time.Hour)
			s.evaluate()
			s.deliver()
			s.advance()
			e := s.enrolment()
			if e.ID != was.ID || e.Playbook != "new" || e.Version != was.Version || e.State != steward.Completed {
				t.Errorf("the enrolment is %s of %s, %s (%s)", e.ID, e.Playbook, e.State, e.Reason)
			}
			if n := s.provider.count(steward.Card); n != 2 {
				t.Errorf("%d cards went, want both steps' once", n)
			}
		})
	}
}

// What a playbook gives way to is looked at when the message goes, in what is
// stored then.
func TestAMessageGivesWayAtSend(t *testing.T) {
	s := newStage(t, "", "", "")
	calm := "playbook: calm\ncooldown: 0\nbackfill: true\ninhibited_by: storm\nwhen: arr >= 10k\nuntil: arr < 5k\nsteps: [{id: say, slack: owner, message: big}]\n"
	storm := "playbook: storm\ncooldown: 0\nbackfill: true\nwhen: segment == 'storm'\nsteps: [{id: say, slack: owner, message: big}]\n"
	s.shelf(calm, storm)
	s.accounts(1, 20_000)
	s.evaluate()
	put := s.enrolment()
	put.Playbook, put.ID = "storm", steward.NewEnrolmentID("storm", put.Subject, put.Episode)
	put.Rev = 0
	_, err := s.db.Commit(t.Context(), steward.Run{}, []steward.Change{{Account: put.Subject.Account, Enrolments: []steward.Enrolment{put}}}, s.now)
	s.must(err)
	s.deliver()
	if m := s.message(steward.Card); m.State != steward.Deferred || m.Reason != steward.ReasonInhibited || !strings.Contains(m.Detail, "storm is under way") {
		t.Errorf("the card is %s: %s %s", m.State, m.Reason, m.Detail)
	}
	if s.provider.count(steward.Card) != 0 {
		t.Error("it was sent")
	}
}
