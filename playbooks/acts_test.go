package playbooks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"steward"
	"steward/playbooks"
)

// step2 is a signal that escalates to the manager after two business days unless
// somebody took it on.
const step2 = `playbook: p
when: seats > 3
until: seats < 3
backfill: true
%s
steps:
  - {id: nudge, slack: owner, message: nudge}
  - {wait: 2 business days, unless: acked}
  - {id: escalate, if: not acked, slack: manager, message: escalate}
  - {wait: 9d}
`

// firing is a world in which the signal fires on day 1, and its first card went.
func firing(t *testing.T, book *playbooks.Book) *world {
	t.Helper()
	w := newWorld(t, book, customer("acme"))
	w.seats(5)
	w.run(day0 + 1)
	return w
}

// doing is what somebody did with the card of the enrolment.
func (w *world) doing(verb steward.Verb, by steward.OwnerID, values ...string) playbooks.Doing {
	w.t.Helper()
	owner, _ := w.book.Owner(by)
	e := w.must("p", "acme")
	d := playbooks.Doing{By: playbooks.Doer{Owner: owner, Name: owner.Name}, Enrolments: []steward.Enrolment{e}}
	d.Gesture = steward.Gesture{Key: fmt.Sprint(verb, by, values), Verb: verb, Sent: len(values) > 0, Values: map[string]string{}, Target: steward.Target{Verb: verb}}
	for i := 0; i+1 < len(values); i += 2 {
		d.Values[values[i]] = values[i+1]
	}
	dossier := w.firstDossier()
	d.Dossier, d.Target.Message = &dossier, dossier.Message.ID
	return d
}

// firstDossier is of the first card that was sent.
func (w *world) firstDossier() steward.Dossier {
	w.t.Helper()
	e := w.must("p", "acme")
	for _, o := range w.memory.Outreach[e.ID] {
		if m := w.memory.Messages[o.Message]; m.Kind == steward.Card {
			return steward.Dossier{Message: m, Outreach: []steward.Outreach{o}, Enrolments: []steward.Enrolment{e}, Phases: []steward.PhaseState{w.phase("p", "acme")}}
		}
	}
	w.t.Fatal("no card was planned")
	return steward.Dossier{}
}

// act does something at a moment and keeps what comes of it.
func (w *world) act(now time.Time, d playbooks.Doing) playbooks.Done {
	w.t.Helper()
	done := w.at(steward.SlotAt(now), now).Do(d)
	w.write(done.Change)
	return done
}

// face is what the first card shows at a moment.
func (w *world) face(now time.Time) steward.Face {
	w.t.Helper()
	s := w.at(steward.SlotAt(now), now)
	d := w.firstDossier()
	c, err := s.Compose(d.Message, d.Outreach, d.Enrolments)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Face(d, c)
}

func verbs(buttons []steward.Button) (out []string) {
	for _, b := range buttons {
		out = append(out, string(b.Target.Verb))
	}
	return out
}

// TestFacesOfACard: what a card shows and what can be done with it, from its first
// moment to its end.
func TestFacesOfACard(t *testing.T) {
	noon := six(day0 + 1).Time().Add(6 * time.Hour)
	usual := []string{"take", "snooze", "done", "not_useful"}
	for _, tt := range []struct {
		name    string
		step    string // more of the first step
		does    func(w *world)
		marks   []string
		over    string
		buttons []string
	}{
		{"new", "", func(*world) {}, nil, "", usual},
		{"its step lists them", ", buttons: [done, take]", func(*world) {}, nil, "", []string{"take", "done"}},
		{"its step wants none", ", buttons: none", func(*world) {}, nil, "", nil},
		{"taken", "", func(w *world) { w.act(noon, w.doing(steward.VerbTake, "sam")) }, []string{"Taken by Sam Ito on 2 June"}, "", usual[1:]},
		{"snoozed", "", func(w *world) { w.act(noon, w.doing(steward.VerbSnooze, "dana", "choice", "1d")) }, []string{"Snoozed by Dana Reyes until Wednesday 3 June 08:30"}, "", usual},
		{"snoozed until it changes", "", func(w *world) { w.act(noon, w.doing(steward.VerbSnooze, "dana", "choice", "change")) },
			[]string{"Snoozed by Dana Reyes until it changes, at most until 2 July"}, "", usual},
		{"done", "", func(w *world) {
			w.act(noon, w.doing(steward.VerbDone, "dana", "choice", "talked", "text", "they hire"))
		},
			[]string{"Taken by Dana Reyes on 2 June"}, "Done by Dana Reyes on 2 June: talked to them: they hire", nil},
		{"not useful", "", func(w *world) { w.act(noon, w.doing(steward.VerbNotUseful, "dana", "choice", steward.BadTiming)) }, nil, "Not useful, says Dana Reyes: bad timing", nil},
		{"recovered", "", func(w *world) { w.seats(1); w.run(day0 + 2) }, nil, "Recovered on 3 June", nil},
		{"of another owner", "", func(w *world) { w.give("alone") }, nil, "Moved to Ann Alone", nil},
		{"of her backup", "", func(w *world) { w.give("sam") }, nil, "Moved to Sam Ito", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(fmt.Sprintf(step2, ""), "message: nudge}", "message: nudge"+tt.step+"}", 1)
			w := firing(t, load(t, settings(), nil, text))
			tt.does(w)
			f := w.face(six(day0 + 2).Time())
			if !slices.Equal(f.Marks, tt.marks) || !strings.HasPrefix(f.Over, tt.over) || tt.over == "" && f.Over != "" {
				t.Errorf("it shows %q and %q, want %q and %q", f.Marks, f.Over, tt.marks, tt.over)
			}
			if got := verbs(f.Buttons); !slices.Equal(got, tt.buttons) {
				t.Errorf("it has %v, want %v", got, tt.buttons)
			}
		})
	}
}

// TestFacesOfSeveralParts: each part has its own buttons, and all can be taken at
// once as long as there are several.
func TestFacesOfSeveralParts(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: seats > 3\nbackfill: true\n", "playbook: q\nwhen: seats > 4\nbackfill: true\n"), customer("acme"))
	w.seats(5)
	w.run(day0 + 1)
	face := func() steward.Face {
		t.Helper()
		d := w.firstDossier()
		e := w.must("q", "acme")
		d.Outreach, d.Enrolments, d.Phases = append(d.Outreach, w.memory.Outreach[e.ID]...), append(d.Enrolments, e), append(d.Phases, w.phase("q", "acme"))
		s := w.at(six(day0 + 1))
		c, err := s.Compose(d.Message, d.Outreach, d.Enrolments)
		if err != nil {
			t.Fatal(err)
		}
		return s.Face(d, c)
	}
	f := face()
	if len(f.Parts) != 2 || len(f.Parts[0].Buttons) != 4 || f.Parts[0].Buttons[0].Target.Enrolment == f.Parts[1].Buttons[0].Target.Enrolment {
		t.Fatalf("the parts are %+v", f.Parts)
	}
	if len(f.Buttons) != 1 || f.Buttons[0].Label != "Take all" || f.Buttons[0].Target.Enrolment != "" {
		t.Errorf("the card itself has %+v", f.Buttons)
	}
	w.act(six(day0+1).Time(), w.doing(steward.VerbTake, "dana"))
	if f = face(); len(f.Buttons) != 0 || len(f.Parts[0].Marks)+len(f.Parts[1].Marks) != 1 {
		t.Errorf("with one taken: %+v", f)
	}
}

// TestSnoozing: nothing is said while it lasts, and waits go on where they stood.
func TestSnoozing(t *testing.T) {
	w := firing(t, load(t, settings(), nil, fmt.Sprintf(step2, "")))
	tue := six(day0 + 1).Time()
	w.advance(six(day0+1), tue)
	w.act(tue.Add(6*time.Hour), w.doing(steward.VerbSnooze, "dana", "choice", "1w"))
	e := w.must("p", "acme")
	until := e.SnoozedUntil
	if want := (day0 + 8).At(8*time.Hour+30*time.Minute, berlin); !until.Equal(want) {
		t.Errorf("it is put off until %s, want %s", until, want)
	}
	for d := day0 + 2; d <= day0+8; d++ { // the manager would have heard on day 3
		w.run(d)
		w.advance(six(d), six(d).Time().Add(time.Minute))
	}
	if said, _ := w.said(w.must("p", "acme")); len(said) != 1 {
		t.Fatalf("while it was snoozed, %v was said", said)
	}
	p, _ := w.book.Playbook("p")
	if x, err := w.at(six(day0+5)).Explain(p, account("acme")); err != nil || !strings.Contains(x.Sentence, "; Dana Reyes put it off until 9 June 2026 08:30.") {
		t.Errorf("while it is snoozed, one is told %q (%v)", x.Sentence, err)
	}
	w.advance(six(day0+8), until)
	e = w.must("p", "acme")
	if said, _ := w.said(e); !slices.Equal(said, []string{"nudge", "nudge"}) || !e.SnoozedUntil.IsZero() {
		t.Errorf("after it, %v was said, and it is put off until %s", said, e.SnoozedUntil)
	}
	if o := w.memory.Outreach[e.ID][1]; o.To.Owner != "dana" || !strings.HasPrefix(o.Occurrence, "woken-") {
		t.Errorf("it comes back to %s as %s", o.To.Name, o.Occurrence)
	}
	// 2 business days after Tuesday 6:00, six hours of which were over.
	for _, c := range []struct {
		after time.Duration
		said  int
	}{{2*24*time.Hour - 7*time.Hour, 2}, {2*24*time.Hour - 5*time.Hour, 3}} {
		w.advance(six(day0+8), until.Add(c.after))
		if said, _ := w.said(e); len(said) != c.said {
			t.Errorf("%s after it, %v was said, want %d", c.after, said, c.said)
		}
	}
}

// TestSnoozesEnd: for a change, by a person, and with the episode; what only grows
// older, or hardly moves, is no change.
func TestSnoozesEnd(t *testing.T) {
	for _, tt := range []struct {
		name  string
		does  func(w *world)
		awake bool
	}{
		{"nothing changed", func(w *world) {}, false},
		{"it hardly moved", func(w *world) { w.daily["logins"]["acme"] = join(flat(40, 30), flat(9, 4), flat(8.8, 20)) }, false},
		{"it got much worse", func(w *world) { w.daily["logins"]["acme"] = join(flat(40, 30), flat(9, 4), flat(2, 20)) }, true},
		{"another part holds", func(w *world) {
			w.Accounts[0].More["plan"] = steward.Str("gone")
			w.History = steward.History{{Kind: steward.AboutAccount, ID: "acme"}: {Since: day0, Changes: []steward.FieldChange{
				{Field: "plan", Day: day0, Value: steward.Str("here")}, {Field: "plan", Day: day0 + 36, Value: steward.Str("gone")}}}}
		}, true},
		{"somebody wakes it", func(w *world) {
			w.act(six(day0+36).Time(), w.doing(steward.VerbSnooze, "sam", "choice", "now"))
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: avg(logins, 3d) < 10 or plan == 'gone'\nbackfill: true\nsteps:\n  - {id: nudge, slack: owner, message: nudge}\n  - {wait: 40d}\n"), customer("acme"))
			w.daily["logins"]["acme"] = join(flat(40, 30), flat(9, 24))
			w.Accounts[0].More["plan"] = steward.Str("here")
			for d := day0 + 30; d <= day0+34; d++ {
				w.run(d)
			}
			w.act(six(day0+34).Time(), w.doing(steward.VerbSnooze, "dana", "choice", "change"))
			tt.does(w)
			for d := day0 + 37; d <= day0+42; d++ {
				w.run(d)
			}
			if e := w.must("p", "acme"); e.SnoozedUntil.IsZero() != tt.awake {
				t.Errorf("it is put off until %s; awake is to be %v", e.SnoozedUntil, tt.awake)
			}
		})
	}
}

// TestSnoozesThatCannotBe: what somebody wrote is told back with what is possible.
func TestSnoozesThatCannotBe(t *testing.T) {
	w := firing(t, load(t, settings(), nil, fmt.Sprintf(step2, "")))
	for choice, want := range map[string]string{"": "1d, 1w, change", "soon": "1d, 1w, change", "3h": "1d, 1w", "31d": "30 days at most", "2026-06-02": "not a day to come", "2026-09-01": "30 days at most", "now": "not snoozed"} {
		done := w.act(six(day0+1).Time(), w.doing(steward.VerbSnooze, "dana", "choice", choice))
		if !strings.Contains(done.Answer.Text, want) || done.Act.Refused == "" || len(done.Change.Enrolments) != 0 {
			t.Errorf("%q: %q, want %q", choice, done.Answer.Text, want)
		}
	}
	for choice, want := range map[string]steward.Day{"1d": day0 + 2, "4d": day0 + 7, "2026-06-10": day0 + 9, "1w": day0 + 8} { // day 5 is a Saturday
		w.act(six(day0+1).Time(), w.doing(steward.VerbSnooze, "dana", "choice", choice))
		if got := steward.DayOf(w.must("p", "acme").SnoozedUntil, berlin); got != want {
			t.Errorf("%q: until %s, want %s", choice, got, want)
		}
	}
}

// TestFinishing: what came of it is asked, kept, and ends a signal; a process goes on,
// and what it says later can be dealt with anew.
func TestFinishing(t *testing.T) {
	noon := six(day0 + 1).Time().Add(6 * time.Hour)
	w := firing(t, load(t, settings(), nil, fmt.Sprintf(step2, "")))
	asked := w.act(noon, w.doing(steward.VerbDone, "dana"))
	if f := asked.Answer.Form; f == nil || asked.Act.Verb != "" || len(f.Fields) != 2 || len(f.Fields[0].Options) != 5 || f.Intro != "p (Acme acme)" {
		t.Fatalf("what is asked is %+v, %+v", f, asked)
	}
	for _, values := range [][]string{{"choice", "whatever"}, {"choice", "other"}, {"choice", "talked", "text", strings.Repeat("long ", 200)}} {
		if done := w.act(noon, w.doing(steward.VerbDone, "dana", values...)); len(done.Answer.Wrong) != 1 || done.Act.Verb != "" {
			t.Errorf("%.30v is taken: %+v", values, done)
		}
	}
	done := w.act(noon, w.doing(steward.VerbDone, "dana", "choice", "talked"))
	e := w.must("p", "acme")
	if e.State != steward.Exited || e.Reason != steward.ReasonFinished || e.FinishedBy != "dana" || e.Outcome != "talked to them" || done.Act.Choice != "talked" {
		t.Errorf("it is %s (%s), finished by %s: %s", e.State, e.Reason, e.FinishedBy, e.Outcome)
	}
	again := w.doing(steward.VerbDone, "lee", "choice", "solved")
	again.Enrolments = nil // it is over
	if d := w.act(noon, again); !strings.Contains(d.Answer.Text, "was dealt with by Dana Reyes on 2 June") {
		t.Errorf("once more, one is told %q", d.Answer.Text)
	}

	w = firing(t, load(t, settings(), nil, "playbook: p\nkind: process\nwhen: seats > 3\nbackfill: true\nsteps:\n  - {id: one, slack: owner, message: nudge}\n  - {wait: 2d}\n  - {id: two, slack: owner, message: nudge}\n  - {wait: 9d}\n"))
	w.act(noon, w.doing(steward.VerbDone, "dana", "choice", "solved"))
	if e = w.must("p", "acme"); !e.State.Open() || e.Outcome != "it was solved" {
		t.Fatalf("a process is %s: %s", e.State, e.Outcome)
	}
	if f := w.face(noon); f.Over == "" {
		t.Errorf("its card shows %+v", f)
	}
	w.advance(six(day0+1), noon)
	w.advance(six(day0+3), six(day0+4).Time())
	second := w.memory.Outreach[e.ID][1]
	d := w.firstDossier()
	d.Message, d.Outreach, d.Enrolments = w.memory.Messages[second.Message], []steward.Outreach{second}, []steward.Enrolment{w.must("p", "acme")}
	if f := w.at(six(day0+4)).Face(d, steward.Content{Parts: []steward.ContentPart{{Enrolment: e.ID}}}); f.Over != "" || !slices.Contains(verbs(f.Buttons), "done") {
		t.Errorf("its second card shows %+v", f)
	}
}

// TestNotUseful: it ends, why is kept, and ops hears of what ops can mend.
func TestNotUseful(t *testing.T) {
	noon := six(day0 + 1).Time().Add(6 * time.Hour)
	for choice, told := range map[string]string{steward.KnownAlready: "", steward.BadTiming: "", steward.FalseAlarm: "", steward.WrongData: "The data about an account is wrong", steward.WrongOwner: "A card went to the wrong person"} {
		w := firing(t, load(t, settings(), nil, fmt.Sprintf(step2, "")))
		done := w.act(noon, w.doing(steward.VerbNotUseful, "dana", "choice", choice))
		e := w.must("p", "acme")
		if e.State != steward.Exited || e.Reason != steward.ReasonNotUseful || e.Unhelpful != choice {
			t.Errorf("%s: it is %s (%s), %s", choice, e.State, e.Reason, e.Unhelpful)
		}
		got := ""
		for _, m := range done.Change.Messages {
			got = m.Content.Title
			if body := m.Content.Parts[0].Markdown; m.To.Key != "ops" || !strings.Contains(body, "Acme acme") || !strings.Contains(body, "Dana Reyes") || !strings.Contains(body, "seats") {
				t.Errorf("%s: %s is told %q", choice, m.To.Key, body)
			}
		}
		if got != told {
			t.Errorf("%s: ops is told %q, want %q", choice, got, told)
		}
	}
	w := firing(t, load(t, settings(), nil, fmt.Sprintf(step2, "")))
	if done := w.act(noon, w.doing(steward.VerbNotUseful, "dana", "choice", "boring")); done.Act.Refused == "" || w.must("p", "acme").Unhelpful != "" {
		t.Errorf("a reason that is none is taken: %+v", done)
	}
}

// TestCompletedCardsCanBeDealtWith: the last card of a playbook is the end of its
// steps, and the beginning of somebody's work.
func TestCompletedCardsCanBeDealtWith(t *testing.T) {
	w := firing(t, load(t, settings(), nil, "playbook: p\nwhen: seats > 3\nuntil: seats < 3\nbackfill: true\n"))
	w.advance(six(day0+1), six(day0+1).Time())
	if e := w.must("p", "acme"); e.State != steward.Completed {
		t.Fatalf("it is %s", e.State)
	}
	now := six(day0 + 1).Time().Add(time.Hour)
	if got := verbs(w.face(now).Buttons); !slices.Equal(got, []string{"take", "done", "not_useful"}) {
		t.Errorf("its card has %v", got)
	}
	w.act(now, w.doing(steward.VerbDone, "dana", "choice", "talked"))
	if e := w.must("p", "acme"); e.State != steward.Completed || e.Outcome != "talked to them" {
		t.Errorf("it is %s: %q", e.State, e.Outcome)
	}
	if f := w.face(now); f.Over == "" || len(f.Buttons) != 0 {
		t.Errorf("its card shows %+v", f)
	}
	w = firing(t, load(t, settings(), nil, "playbook: p\nwhen: seats > 3\nuntil: seats < 3\nbackfill: true\n"))
	w.advance(six(day0+1), six(day0+1).Time())
	w.seats(1)
	w.run(day0 + 2)
	if f := w.face(six(day0 + 2).Time()); f.Over != "Recovered" {
		t.Errorf("after it recovered, its card shows %+v", f)
	}
}

// TestTakersAreReminded: once, when it should have been done, in no other case.
func TestTakersAreReminded(t *testing.T) {
	taken := six(day0 + 1).Time().Add(6 * time.Hour) // a Tuesday
	for _, tt := range []struct {
		name string
		does func(w *world)
		want string // who is reminded
	}{
		{"taken", func(w *world) { w.act(taken, w.doing(steward.VerbTake, "sam")) }, "sam"},
		{"nobody took it", func(*world) {}, ""},
		{"done", func(w *world) {
			w.act(taken, w.doing(steward.VerbTake, "sam"))
			w.act(taken, w.doing(steward.VerbDone, "sam", "choice", "talked"))
		}, ""},
		{"spoken with", func(w *world) {
			w.Touches = []steward.Touch{{ID: "t1", Account: "acme", Day: day0 + 1, Kind: "call", By: "lee@example.com"}}
		}, "lee"},
		{"a note is no talk", func(w *world) {
			w.Touches = []steward.Touch{{ID: "t1", Account: "acme", Day: day0 + 1, Kind: "note", By: "lee"}}
		}, ""},
		{"spoken with before", func(w *world) {
			w.Touches = []steward.Touch{{ID: "t1", Account: "acme", Day: day0, Kind: "call", By: "lee"}}
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := firing(t, load(t, settings(), nil, "playbook: p\nwhen: seats > 3\nuntil: seats < 3\nbackfill: true\ndone_within: 3 business days\n"))
			w.advance(six(day0+1), taken.Add(-time.Hour))
			tt.does(w)
			for d := day0 + 1; d <= day0+12; d++ {
				for h := range 4 {
					w.advance(six(d), six(d).Time().Add(time.Duration(6*h)*time.Hour+6*time.Hour))
				}
			}
			got := ""
			for _, o := range w.memory.Outreach[w.must("p", "acme").ID][1:] {
				if got += string(o.To.Owner); o.Planned.Before(taken.AddDate(0, 0, 3)) {
					t.Errorf("it is said again on %s", o.Planned)
				}
			}
			if got != tt.want {
				t.Errorf("reminded: %q, want %q", got, tt.want)
			}
			if e := w.must("p", "acme"); e.State.Open() {
				t.Errorf("it is open for ever: %s until %s", e.State, e.Due)
			}
		})
	}
}

// TestCardsMove: what the old owner was told and nobody took on comes to the new
// one as theirs, once.
func TestCardsMove(t *testing.T) {
	w := firing(t, load(t, settings(), nil, fmt.Sprintf(step2, "")))
	w.give("alone")
	out := w.run(day0 + 2)
	_, _, cards := handed(out)
	if len(cards) != 1 || len(out.Changes[0].Repaint) != 1 {
		t.Fatalf("cards %+v, drawn anew %v", cards, out.Changes[0].Repaint)
	}
	for _, m := range cards {
		if m.To.Owner != "alone" || m.ID == out.Changes[0].Repaint[0] {
			t.Errorf("the card is for %s", m.To.Name)
		}
		c, err := w.at(six(day0+2)).Compose(m, out.Changes[0].Outreach, []steward.Enrolment{w.must("p", "acme")})
		if err != nil || !strings.HasPrefix(c.Title, "Now yours: ") {
			t.Errorf("its title is %q (%v)", c.Title, err)
		}
	}
	w.run(day0 + 3)
	w.advance(six(day0+3), six(day0+3).Time().Add(time.Hour))
	if n := len(w.memory.Outreach[w.must("p", "acme").ID]); n > 3 {
		t.Errorf("it is said again: %d outreach", n)
	}

	s := settings()
	s.Away = func(id steward.OwnerID, d steward.Day) bool { return id == "dana" && d <= day0+1 }
	w = firing(t, load(t, s, nil, fmt.Sprintf(step2, "")))
	if _, _, cards := handed(w.run(day0 + 2)); len(cards) != 0 || w.face(six(day0+2).Time()).Over != "" {
		t.Errorf("what her backup was told moves when dana is back: %+v", cards)
	}

	w = firing(t, load(t, settings(), nil, fmt.Sprintf(step2, "")))
	w.act(six(day0+1).Time(), w.doing(steward.VerbTake, "dana"))
	w.give("alone")
	if _, _, cards := handed(w.run(day0 + 2)); len(cards) != 0 {
		t.Errorf("what dana took on moves: %+v", cards)
	}
}

// TestReleasing: ops lets what is held begin, one or all of a playbook; nobody
// else does.
func TestReleasing(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: seats > 3\n", "playbook: q\nwhen: seats > 4\n"), customer("acme"), customer("bolt"))
	for i := range w.Accounts {
		w.Accounts[i].More["seats"] = steward.Num(5)
	}
	w.run(day0 + 1)
	held := func() (out []steward.Enrolment) {
		for _, e := range w.memory.Open {
			if e.State == steward.Quarantined {
				out = append(out, e)
			}
		}
		return out
	}
	if len(held()) != 4 {
		t.Fatalf("%d are held, want 4", len(held()))
	}
	now := six(day0 + 1).Time().Add(time.Hour)
	do := func(ops bool, target steward.Target) playbooks.Done {
		d := playbooks.Doing{By: playbooks.Doer{Name: "Pat", Ops: ops}, Enrolments: held()}
		d.Gesture = steward.Gesture{Key: "k", Verb: steward.VerbRelease, Target: target}
		return w.act(now, d)
	}
	if done := do(false, steward.Target{Playbook: "p"}); done.Act.Refused == "" || len(held()) != 4 {
		t.Errorf("somebody released: %+v", done.Answer)
	}
	done := do(true, steward.Target{Playbook: "p"})
	if len(held()) != 2 || len(done.Change.Records) != 2 || !strings.Contains(done.Change.Records[0].Detail, "was held back as baseline; released by Pat") {
		t.Errorf("%d are held still, on record: %+v", len(held()), done.Change.Records)
	}
	for _, e := range done.Change.Enrolments {
		if e.Playbook != "p" || e.State != steward.Active || !e.StepSince.Equal(now) {
			t.Errorf("released: %+v", e)
		}
	}
	if done := do(true, steward.Target{Playbook: "p"}); done.Act.Refused == "" {
		t.Errorf("once more, it says %q", done.Answer.Text)
	}
}

// TestACardSaysWhatEndedIt: a process that came to its end says by which words of
// its playbook.
func TestACardSaysWhatEndedIt(t *testing.T) {
	text := "playbook: p\nkind: process\nwhen: seats > 3\nexit_when: seats == 9 or status == 'churned'\nbackfill: true\nsteps:\n  - {id: nudge, slack: owner, message: nudge}\n  - {wait: 9d}\n"
	w := firing(t, load(t, settings(), nil, text))
	w.seats(9)
	w.run(day0 + 2)
	if f := w.face(six(day0 + 2).Time()); f.Over != "Over since 3 June: seats == 9 or status == 'churned'" || len(f.Buttons) > 0 {
		t.Errorf("it shows %q with %d buttons", f.Over, len(f.Buttons))
	}
}
