package store

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

// A words stage is an account with a person and a milestone, as a CRM tells them.
type wordsStage struct {
	*testing.T
	db    *DB
	at    time.Time
	roles []string
	day   steward.Day // of the milestone; NoDay where the CRM lists none
}

func newWordsStage(t *testing.T) *wordsStage {
	s := &wordsStage{T: t, db: openTest(t), at: start, roles: []string{"admin"}, day: steward.NoDay}
	s.load()
	return s
}

func (s *wordsStage) load() {
	s.Helper()
	b := Batch{Source: "crm", At: s.at,
		Accounts: []steward.Account{{ID: "acme", StartDate: steward.NoDay, RenewalDate: steward.NoDay}},
		Contacts: []steward.Contact{{ID: "ada", Account: "acme", Name: "Ada Park", Email: "ada@acme.example", Roles: s.roles, LastSeen: steward.NoDay}}}
	if s.day != steward.NoDay {
		b.Milestones = []steward.Milestone{{Account: "acme", Name: "kickoff", Day: s.day}}
	}
	_, err := s.db.Import(s.Context(), b)
	must(s, err)
}

func (s *wordsStage) say(w steward.Word) {
	s.Helper()
	w.Account, w.By, w.At, w.Day = "acme", "Dana Reyes", s.at, steward.DayOf(s.at, time.UTC)
	_, _, err := s.db.Perform(s.Context(), steward.Act{Key: w.Field + s.at.String(), Verb: steward.VerbRole, At: s.at}, steward.Change{Account: "acme", Words: []steward.Word{w}}, "", s.at)
	must(s, err)
}

func (s *wordsStage) portfolio() steward.Portfolio {
	s.Helper()
	p, err := s.db.Portfolio(s.Context())
	must(s, err)
	return p
}

func (s *wordsStage) hasRoles(want ...string) {
	s.Helper()
	if got := s.portfolio().Contacts[0].Roles; !slices.Equal(got, want) {
		s.Errorf("roles %q, want %q", got, want)
	}
}

// A person's word on somebody's roles stands through imports that say what they
// said before, and ends with the first that says something else.
func TestARoleStandsUntilTheSourceSaysSomethingElse(t *testing.T) {
	s := newWordsStage(t)
	s.at = s.at.AddDate(0, 0, 2)
	s.say(steward.Word{Kind: steward.AboutContact, ID: "ada", Field: steward.RoleField, Value: steward.Str("champion, admin")})
	s.hasRoles("champion", "admin")
	s.at = s.at.AddDate(0, 0, 1)
	s.load()
	s.hasRoles("champion", "admin")
	s.say(steward.Word{Kind: steward.AboutContact, ID: "ada", Field: steward.RoleField, Value: steward.Str("champion")})
	s.hasRoles("champion")
	s.at, s.roles = s.at.AddDate(0, 0, 3), []string{"economic_buyer"}
	s.load()
	s.hasRoles("economic_buyer")
	// It was what it was: admin, then both, then champion, then what the source says.
	var past []string
	for _, c := range s.portfolio().History[steward.HistoryKey{Kind: steward.AboutContact, ID: "ada"}].Changes {
		if c.Field == steward.RoleField {
			past = append(past, c.Day.String()+" "+c.Value.Text)
		}
	}
	if diff := cmp.Diff([]string{"2026-03-12 admin", "2026-03-14 champion, admin", "2026-03-15 champion", "2026-03-18 economic_buyer"}, past); diff != "" {
		t.Errorf("the past of the role: %s", diff)
	}
	s.roles = []string{"champion"} // as the word had it, which is over all the same
	s.load()
	s.hasRoles("champion")
	s.roles = nil
	s.load()
	s.hasRoles()
}

func TestAMilestoneIsMarkedAndTakenBack(t *testing.T) {
	s := newWordsStage(t)
	on := func(want steward.Day) {
		t.Helper()
		got := steward.NoDay
		for _, m := range s.portfolio().Milestones {
			if m.Name == "kickoff" {
				got = m.Day
			}
		}
		if got != want {
			t.Errorf("kickoff on %v, want %v", got, want)
		}
	}
	mark := func(v steward.Value) {
		s.at = s.at.Add(time.Minute)
		s.say(steward.Word{Kind: steward.AboutAccount, ID: "acme", Field: steward.MilestonePrefix + "kickoff", Value: v})
	}
	today := steward.DayOf(start, time.UTC)
	on(steward.NoDay)
	mark(steward.OnDay(today - 3))
	on(today - 3)
	mark(steward.Unknown(steward.DateKind))
	on(steward.NoDay)
	mark(steward.OnDay(today - 2))
	s.day = today - 5
	s.load() // the first that the source says of it is newer
	on(today - 5)
	mark(steward.OnDay(today - 1))
	s.load()
	on(today - 1)
	s.day = today - 4
	s.load()
	on(today - 4)
}

func TestAPulseIsAFieldWithAPast(t *testing.T) {
	s := newWordsStage(t)
	if got := s.portfolio().Accounts[0].Pulse; got.Known {
		t.Errorf("a pulse that nobody gave: %v", got)
	}
	for _, n := range []float64{4, 2} {
		s.at = s.at.AddDate(0, 0, 30)
		s.say(steward.Word{Kind: steward.AboutAccount, ID: "acme", Field: steward.PulseField, Value: steward.Num(n), Text: "so so"})
	}
	s.load()
	p := s.portfolio()
	if got := p.Accounts[0].Pulse; got != steward.Num(2) {
		t.Errorf("pulse %v, want the newest", got)
	}
	var past []float64
	for _, c := range p.History[steward.HistoryKey{Kind: steward.AboutAccount, ID: "acme"}].Changes {
		if c.Field == steward.PulseField {
			past = append(past, c.Value.Num)
		}
	}
	if !slices.Equal(past, []float64{4, 2}) {
		t.Errorf("its past: %v", past)
	}
	all, err := s.db.Words(context.Background(), "acme", 1)
	must(t, err)
	if len(all) != 1 || all[0].Value != steward.Num(2) || all[0].Text != "so so" || all[0].By != "Dana Reyes" {
		t.Errorf("the newest word is %+v", all)
	}
}

// A forgotten person's roles are forgotten with them, whoever said them.
func TestAForgottenPersonHasNoWords(t *testing.T) {
	s := newWordsStage(t)
	s.say(steward.Word{Kind: steward.AboutContact, ID: "ada", Field: steward.RoleField, Value: steward.Str("champion"), Text: "Ada said so"})
	_, err := s.db.Forget(t.Context(), "ada", s.at)
	must(t, err)
	if all, err := s.db.Words(t.Context(), "acme", 0); err != nil || len(all) > 0 {
		t.Errorf("left: %+v, %v", all, err)
	}
}
