package playbooks_test

import (
	"strings"
	"testing"

	"steward"
	"steward/configs/strictyaml"
	"steward/playbooks"
)

// dana is who does things in these tests.
var dana = playbooks.Doer{Owner: people[0], Name: "Dana Reyes"}

// does is something that dana does about account a with a form, or a command.
func does(v steward.Verb, t steward.Target, values ...string) playbooks.Doing {
	t.Verb = v
	if t.Account == "" {
		t.Account = "a"
	}
	d := playbooks.Doing{By: dana, Gesture: steward.Gesture{Key: "k", At: six(day0 + 10).Time(), Via: steward.ViaSlack, Verb: v, Target: t, Values: map[string]string{}}}
	for i := 0; i+1 < len(values); i += 2 {
		d.Values[values[i]] = values[i+1]
	}
	return d
}

// sent is a form that was filled in.
func sent(d playbooks.Doing) playbooks.Doing {
	d.Sent = true
	return d
}

// known is a world with one account, a journey, and two people at it.
func known(t *testing.T) *world {
	t.Helper()
	set := settings()
	set.Journey = playbooks.JourneyRules{Stages: []playbooks.StageRule{{Name: "onboarding", Milestones: []playbooks.MilestoneRule{{Name: "kickoff", Within: 7}, {Name: "first_value", When: strictyaml.Text{Value: "seats > 5"}}}}, {Name: "adoption"}}}
	w := newWorld(t, load(t, set, nil, drop("")), customer("a"))
	w.Contacts = []steward.Contact{champion("a"), {ID: "ct-2", Account: "a", Name: "Ada Park", Roles: []string{"admin"}, LastSeen: steward.NoDay}}
	return w
}

func (w *world) do(d playbooks.Doing) playbooks.Done {
	return w.at(six(day0+10), d.At).Do(d)
}

func TestWhatPeopleKnowBecomesWords(t *testing.T) {
	for name, c := range map[string]struct {
		doing playbooks.Doing
		word  steward.Word
		says  string
	}{
		"a milestone, today": {does(steward.VerbMilestone, steward.Target{}, "choice", "kickoff"),
			steward.Word{Kind: steward.AboutAccount, ID: "a", Field: "milestone.kickoff", Value: steward.OnDay(day0 + 10)}, "kickoff is marked as reached on 11 June 2026"},
		"a milestone, days ago": {sent(does(steward.VerbMilestone, steward.Target{}, "choice", "kickoff", "day", "2026-06-02")),
			steward.Word{Kind: steward.AboutAccount, ID: "a", Field: "milestone.kickoff", Value: steward.OnDay(day0 + 1)}, "2 June 2026"},
		"a milestone, taken back": {does(steward.VerbMilestone, steward.Target{Item: "kickoff"}, "day", playbooks.NotReached),
			steward.Word{Kind: steward.AboutAccount, ID: "a", Field: "milestone.kickoff", Value: steward.Unknown(steward.DateKind)}, "not reached"},
		"a role beside another": {sent(does(steward.VerbRole, steward.Target{}, "who", "ct-2", "choice", "economic_buyer")),
			steward.Word{Kind: steward.AboutContact, ID: "ct-2", Field: "role", Value: steward.Str("admin, economic_buyer")}, "Ada Park is admin, economic buyer"},
		"a role alone": {does(steward.VerbRole, steward.Target{Item: "ct-2"}, "choice", "champion", "how", "only"),
			steward.Word{Kind: steward.AboutContact, ID: "ct-2", Field: "role", Value: steward.Str("champion")}, "Ada Park is champion"},
		"a role no more": {does(steward.VerbRole, steward.Target{Item: "ct-2"}, "choice", "admin", "how", "not"),
			steward.Word{Kind: steward.AboutContact, ID: "ct-2", Field: "role", Value: steward.Unknown(steward.TextKind)}, "without a role"},
		"a pulse": {does(steward.VerbPulse, steward.Target{}, "choice", "2", "text", "their sponsor left"),
			steward.Word{Kind: steward.AboutAccount, ID: "a", Field: "pulse", Value: steward.Num(2), Text: "their sponsor left"}, "2 of 5"},
	} {
		t.Run(name, func(t *testing.T) {
			done := known(t).do(c.doing)
			if done.Act.Refused != "" || !strings.Contains(done.Answer.Text, c.says) {
				t.Fatalf("answer %q, refused %q", done.Answer.Text, done.Act.Refused)
			}
			c.word.Account, c.word.Day, c.word.By, c.word.At = "a", day0+10, "dana", c.doing.At
			if len(done.Change.Words) != 1 || done.Change.Words[0] != c.word {
				t.Errorf("words %+v, want %+v", done.Change.Words, c.word)
			}
			if done.Act.By != "dana" || done.Act.Account != "a" || done.Act.Verb != c.doing.Verb {
				t.Errorf("act %+v", done.Act)
			}
		})
	}
}

// A deed without what it needs asks for it, and what is filled in does it.
func TestKnowingIsAskedFor(t *testing.T) {
	w := known(t)
	for _, c := range []struct {
		verb   steward.Verb
		fields string
		filled []string
	}{
		{steward.VerbMilestone, "choice day", []string{"choice", "first_value", "day", "2026-06-11"}},
		{steward.VerbRole, "who how choice", []string{"who", "ct-a", "how", "too", "choice", "legal"}},
		{steward.VerbPulse, "choice text", []string{"choice", "5"}},
		{steward.VerbHealth, "choice until because", []string{"choice", "30", "until", "4w", "because", "a merger"}},
		{steward.VerbStart, "playbook because", []string{"playbook", "drop"}},
	} {
		done := w.do(does(c.verb, steward.Target{}))
		f := done.Answer.Form
		if f == nil || done.Act.Verb != "" || f.Target.Verb != c.verb || f.Target.Account != "a" || f.Title == "" || len([]rune(f.Title)) > 24 || len([]rune(f.Submit)) > 24 {
			t.Errorf("%s: %+v", c.verb, done)
			continue
		}
		var names []string
		for _, x := range f.Fields {
			names = append(names, x.Name)
			for _, o := range x.Options {
				if o.Value == "" || o.Label == "" || len(o.Value) > 150 {
					t.Errorf("%s: option %+v", c.verb, o)
				}
			}
		}
		if got := strings.Join(names, " "); got != c.fields {
			t.Errorf("%s asks for %s, want %s", c.verb, got, c.fields)
		}
		if done := w.do(sent(does(c.verb, f.Target, c.filled...))); done.Act.Refused != "" || done.Change.Empty() {
			t.Errorf("%s, filled in: %+v", c.verb, done)
		}
	}
}

// What cannot be so is told in the form, at its field, and nothing is kept; by
// other ways it is refused.
func TestKnowingIsChecked(t *testing.T) {
	w := known(t)
	for _, c := range []struct {
		verb   steward.Verb
		field  string
		says   string
		values []string
	}{
		{steward.VerbMilestone, "choice", "no milestone", []string{"choice", "kick-off"}},
		{steward.VerbMilestone, "day", "still to come", []string{"choice", "kickoff", "day", "2026-06-12"}},
		{steward.VerbMilestone, "day", "not a day", []string{"choice", "kickoff", "day", "yesterday"}},
		{steward.VerbRole, "who", "no such person", []string{"who", "ct-9", "choice", "admin"}},
		{steward.VerbRole, "choice", "no role", []string{"who", "ct-2", "choice", "boss"}},
		{steward.VerbPulse, "choice", "from 1", []string{"choice", "6"}},
		{steward.VerbHealth, "choice", "from 0", []string{"choice", "101", "until", "4w", "because", "x"}},
		{steward.VerbHealth, "until", "has passed", []string{"choice", "10", "until", "2026-06-10", "because", "x"}},
		{steward.VerbHealth, "until", "more than a year", []string{"choice", "10", "until", "2030-06-10", "because", "x"}},
		{steward.VerbHealth, "because", "why", []string{"choice", "10", "until", "2w", "because", " "}},
		{steward.VerbMoveDue, "day", "has passed", []string{"day", "2026-06-01"}},
	} {
		target := steward.Target{Task: "o-1"}
		if done := w.do(sent(does(c.verb, target, c.values...))); !strings.Contains(done.Answer.Wrong[c.field], c.says) || done.Act.Verb != "" || !done.Change.Empty() {
			t.Errorf("%s %q in a form: %+v", c.verb, c.values, done)
		}
	}
	if done := w.do(does(steward.VerbPulse, steward.Target{}, "choice", "0")); done.Act.Refused == "" || !done.Change.Empty() {
		t.Errorf("a pulse of 0 is kept: %+v", done)
	}
	if done := w.do(does(steward.VerbPulse, steward.Target{Account: "gone"}, "choice", "3")); done.Act.Refused == "" {
		t.Error("an account that is not in the data has a pulse")
	}
}

// Two roles that are given one after the other, before the facts are read again,
// are both there.
func TestRolesAreGivenOnTopOfWhatWasJustSaid(t *testing.T) {
	w := known(t)
	d := sent(does(steward.VerbRole, steward.Target{}, "who", "ct-2", "choice", "legal"))
	d.At = d.At.AddDate(0, 0, 1)
	d.Story = &steward.Story{Words: []steward.Word{
		{Kind: steward.AboutContact, ID: "ct-2", Field: "role", Value: steward.Str("champion"), At: d.At.Add(-1)},
		{Kind: steward.AboutContact, ID: "ct-2", Field: "role", Value: steward.Str("influencer"), At: d.At.AddDate(0, -1, 0)},
	}}
	if done := w.do(d); len(done.Change.Words) != 1 || done.Change.Words[0].Value.Text != "champion, legal" {
		t.Errorf("words %+v", done.Change.Words)
	}
	d.Story = nil // what was said before the facts were read is among them
	if done := w.do(d); len(done.Change.Words) != 1 || done.Change.Words[0].Value.Text != "admin, legal" {
		t.Errorf("words %+v", done.Change.Words)
	}
}

// A pulse that is given with a card takes on what the card is about.
func TestAPulseOnACardTakesItOn(t *testing.T) {
	w := known(t)
	e := steward.Enrolment{ID: "e-1", Playbook: "drop", Subject: account("a"), State: steward.Active, OpenedAt: six(day0).Time(), StepSince: six(day0).Time(), Rev: 3}
	d := does(steward.VerbPulse, steward.Target{Message: "m-1"}, "choice", "4")
	d.Enrolments = []steward.Enrolment{e}
	if done := w.do(d); len(done.Change.Enrolments) != 1 || done.Change.Enrolments[0].AckedBy != "dana" || done.Act.Enrolment != "e-1" {
		t.Errorf("%+v", done)
	}
	d.Target.Message = ""
	if done := w.do(d); len(done.Change.Enrolments) != 0 {
		t.Errorf("a pulse by a command takes on %+v", done.Change.Enrolments)
	}
}
