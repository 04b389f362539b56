package playbooks_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"steward"
	"steward/playbooks"
)

// finish says that the task of a's enrolment is done.
func (w *world) finish1(at time.Time) {
	key := playbooks.KeyOf("p", account("a"))
	e := w.memory.Open[key]
	e.DoneAt = at
	w.memory.Open[key] = e
}

// assigned is the assignments of a step's outreach, in order.
func (w *world) assigned(step string) (out []steward.Assignment) {
	for _, o := range w.memory.Outreach[w.must("p", "a").ID] {
		if o.Step == step && o.Assignment != nil {
			out = append(out, *o.Assignment)
		}
	}
	return out
}

func TestTask(t *testing.T) {
	// day0 + 1 is Tuesday 2 June: three business days later is Friday.
	w := stepping(t, "title: Logins are dropping\n", "- {id: call, task: owner, message: nudge, due: 3 business days}\n- {id: tell, slack: owner, message: nudge}\n")
	slot := six(day0 + 1)
	w.advance(slot, slot.Time().Add(time.Minute))
	e := w.must("p", "a")
	id := steward.NewOutreachID(e.ID, "call", "", "owner")
	want := []steward.Assignment{{Task: id, Title: "Logins are dropping", Due: day0 + 4}}
	if got := w.assigned("call"); !slices.Equal(got, want) {
		t.Fatalf("assigned %+v, want %+v", got, want)
	}
	if got := w.assigned("tell"); got != nil {
		t.Errorf("a nudge gives a task: %+v", got)
	}
	m, _ := w.message("call")
	if m.Kind != steward.Card || m.Channel != steward.Slack || m.To.Owner != "dana" {
		t.Errorf("%+v", m)
	}
	c, err := w.at(slot).Compose(m, w.memory.Outreach[e.ID][:1], []steward.Enrolment{e})
	if err != nil {
		t.Fatal(err)
	}
	if c.Title != "To do: Logins are dropping" || c.Facts[0] != (steward.LabelledText{Label: "Due", Text: "Friday 5 June 2026"}) || !strings.HasPrefix(c.Footer, "Done: steward done "+string(id)+" · ") {
		t.Errorf("the card: %q, %+v, %q", c.Title, c.Facts[0], c.Footer)
	}
}

// The due day is the addressee's: when it is given on a Monday evening in
// Berlin, it is still Monday in New York, and in Auckland Tuesday.
func TestATaskIsDueInItsOwnersZone(t *testing.T) {
	for zone, want := range map[string]steward.Day{"America/New_York": day0 + 2, "Europe/Berlin": day0 + 2, "Pacific/Auckland": day0 + 3} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		s := settings()
		s.Owners = slices.Clone(people)
		s.Owners[0].Zone = loc
		w := newWorld(t, load(t, s, nil, "playbook: p\ncooldown: 0\nbackfill: true\nwhen: seats == 1\nuntil: seats == 0\nsteps:\n- {id: one, slack: owner, message: nudge}\n- {wait: 13h}\n- {id: call, task: owner, message: nudge, due: 1d}\n"), customer("a"))
		w.seats(1)
		w.run(day0 + 1)
		slot := six(day0 + 1)
		w.advance(slot, slot.Time().Add(13*time.Hour)) // 19:00 in Berlin
		if got := w.assigned("call"); len(got) != 1 || got[0].Due != want {
			t.Errorf("%s: %+v, want it due %s", zone, got, want)
		}
	}
}

func TestTaskForNobodyGoesToTheirChannel(t *testing.T) {
	w := stepping(t, "", "- {id: call, task: manager, message: nudge}\n", func(w *world) { w.Accounts[0].Owner = "somebody" })
	m, ok := w.message("call")
	if !ok || m.To.Slack != "#unowned" || len(w.assigned("call")) != 1 || w.assigned("call")[0].Due != steward.NoDay {
		t.Errorf("%+v, %+v", m, w.assigned("call"))
	}
}

func TestDone(t *testing.T) {
	steps := "- {id: call, task: owner, message: nudge}\n- {wait: 2d, unless: done}\n- {id: late, if: not done, slack: manager, message: escalate}\n- {id: thanks, if: done, slack: owner, message: nudge}\n"
	slot := six(day0 + 1)
	t.Run("not", func(t *testing.T) {
		w := stepping(t, "", steps)
		for _, h := range []int{1, 47, 48, 49, 50} {
			w.advance(slot, slot.Time().Add(time.Duration(h)*time.Hour))
		}
		if said, _ := w.said(w.must("p", "a")); !slices.Equal(said, []string{"call", "late"}) {
			t.Errorf("said %v", said)
		}
	})
	t.Run("done", func(t *testing.T) {
		w := stepping(t, "", steps)
		w.advance(slot, slot.Time().Add(time.Hour))
		w.finish1(slot.Time().Add(2 * time.Hour))
		w.advance(slot, slot.Time().Add(2*time.Hour))
		if said, _ := w.said(w.must("p", "a")); !slices.Equal(said, []string{"call", "thanks"}) || w.skipped()["late"] != steward.ReasonIfFalse {
			t.Errorf("said %v", said)
		}
	})
	t.Run("never given", func(t *testing.T) {
		w := stepping(t, "", strings.Replace(steps, "task: owner", "if: seats == 5, task: owner", 1))
		for _, h := range []int{49, 50} {
			w.advance(slot, slot.Time().Add(time.Duration(h)*time.Hour))
		}
		if said, _ := w.said(w.must("p", "a")); len(said) != 0 || w.skipped()["late"] != steward.ReasonIfFalse {
			t.Errorf("said %v: nobody can have done what was not asked", said)
		}
	})
	for _, state := range []steward.MessageState{steward.Suppressed, steward.Expired} {
		t.Run("never told: "+string(state), func(t *testing.T) {
			w := stepping(t, "", steps, func(w *world) { w.sends = false })
			w.settle(state, slot.Time())
			w.advance(slot, slot.Time().Add(49*time.Hour))
			if said, _ := w.said(w.must("p", "a")); slices.Contains(said, "late") {
				t.Errorf("said %v", said)
			}
		})
	}
	t.Run("a second task asks anew", func(t *testing.T) {
		w := stepping(t, "", "- {id: call, task: owner, message: nudge}\n- {wait: 1d}\n- {id: visit, task: owner, message: nudge}\n- {wait: 5d, unless: done}\n- {id: last, slack: owner, message: nudge}\n")
		w.finish1(slot.Time())
		for _, h := range []int{24, 25, 26} {
			w.advance(slot, slot.Time().Add(time.Duration(h)*time.Hour))
		}
		e := w.must("p", "a")
		if said, _ := w.said(e); !slices.Equal(said, []string{"call", "visit"}) || !e.DoneAt.IsZero() {
			t.Errorf("said %v, done at %s", said, e.DoneAt)
		}
	})
}

func TestTaskReminders(t *testing.T) {
	const steps = "- {id: call, task: owner, message: nudge, due: 2d, remind: every 1d, max: 4}\n"
	slot := six(day0 + 1)
	on := func(w *world, days ...int) {
		for _, d := range days {
			w.advance(slot, slot.Time().Add(time.Duration(d)*24*time.Hour))
		}
	}
	t.Run("of one task", func(t *testing.T) {
		w := stepping(t, "", steps)
		on(w, 1, 2, 3, 4)
		given := w.assigned("call")
		if len(given) != 4 || slices.ContainsFunc(given, func(a steward.Assignment) bool { return a != given[0] }) || given[0].Due != day0+3 {
			t.Fatalf("each reminds of the one task: %+v", given)
		}
		e := w.must("p", "a")
		last := w.memory.Outreach[e.ID][3]
		c, err := w.at(slot).Compose(w.memory.Messages[last.Message], []steward.Outreach{last}, []steward.Enrolment{e})
		if err != nil || c.Title != "Still to do: p" || !strings.Contains(c.Footer, string(given[0].Task)) {
			t.Errorf("%q, %q, %v", c.Title, c.Footer, err)
		}
	})
	t.Run("until it is done", func(t *testing.T) {
		w := stepping(t, "", steps)
		on(w, 1)
		w.finish1(slot.Time().Add(30 * time.Hour))
		on(w, 2, 3)
		if got := w.times("call"); !slices.Equal(got, []string{"1", "2"}) || w.skipped()["call"] != steward.ReasonTaskDone {
			t.Errorf("said %v, ended as %q", got, w.skipped()["call"])
		}
		if e := w.must("p", "a"); e.State != steward.Completed {
			t.Errorf("it is %s", e.State)
		}
	})
	t.Run("a time that nobody heard is given anew", func(t *testing.T) {
		w := stepping(t, "", steps, func(w *world) { w.sends = false })
		w.settle(steward.Expired, slot.Time())
		on(w, 1)
		given := w.assigned("call")
		if len(given) != 2 || given[0].Task == given[1].Task || given[1].Due != day0+4 {
			t.Errorf("%+v", given)
		}
	})
}

// A card about a task that was done before it could go stays away.
func TestATaskDoneIsNotSpokenOf(t *testing.T) {
	w := stepping(t, "", "- {id: call, task: owner, message: nudge}\n", func(w *world) { w.sends = false })
	slot := six(day0 + 1)
	e := w.must("p", "a")
	o := w.memory.Outreach[e.ID][0]
	d := steward.Dossier{Message: w.memory.Messages[o.Message], Outreach: []steward.Outreach{o}, Enrolments: []steward.Enrolment{e}, Phases: []steward.PhaseState{w.phase("p", "a")}}
	if j := w.at(slot).Judge(d); !j.Passes() {
		t.Fatalf("%+v", j)
	}
	d.Enrolments[0].DoneAt = slot.Time()
	if j := w.at(slot).Judge(d); j.Effect != steward.Suppress || j.Reason != steward.ReasonTaskDone {
		t.Errorf("%+v", j)
	}
}

func TestTasksThatCannotBe(t *testing.T) {
	for _, c := range []struct{ step, want string }{
		{"task: boss, message: nudge", `a task cannot be for "boss"`},
		{"task: ownr, message: nudge", "did you mean owner?"},
		{"task: owner, message: nudge, due: soon", `due cannot be "soon"`},
		{"task: owner, message: nudge, due: 36h", `due cannot be "36h"`},
		{"slack: owner, message: nudge, due: 3d", "due is of a task"},
		{"task: owner, slack: owner, message: nudge", "several things at once"},
		{"task: owner", "the step has no message"},
		{"task: owner, message: nudge, approve: owner", "only an email step is approved"},
		{"slack: owner, message: nudge, buttons: [tak]", "did you mean take?"},
		{"task: owner, message: nudge, buttons: [take, none]", "none stands for no buttons"},
		{"task: owner, message: nudge, buttons: [done, done]", `"done" is listed twice`},
		{"email: [champion], message: help, buttons: [take]", "buttons are of cards"},
		{"wait: 2d, buttons: [take]", "a wait cannot have"},
	} {
		_, problems := tryLoad(settings(), nil, "playbook: p\ncooldown: 0\nwhen: seats == 1\nuntil: seats == 0\nsteps:\n- {id: one, "+c.step+"}\n")
		errs := problems.Errors()
		if len(errs) != 1 || !strings.Contains(errs[0].Message+" "+errs[0].Hint, c.want) {
			t.Errorf("%s: %v, want %q", c.step, errs, c.want)
		}
	}
	_, problems := tryLoad(settings(), nil, "playbook: p\ncooldown: 0\nwhen: seats == 1 and not done\nuntil: seats == 0\n")
	if errs := problems.Errors(); len(errs) != 1 || !strings.Contains(errs[0].Message, "done has no meaning here: it tells whether the task of this enrolment was done") {
		t.Errorf("%v", errs)
	}
}
