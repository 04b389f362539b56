package playbooks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"steward"
)

// times is how often each time of a step was said, in order, by occurrence; what
// was kept back has its reason instead.
func (w *world) times(step string) (out []string) {
	for _, o := range w.memory.Outreach[w.must("p", "a").ID] {
		switch {
		case o.Step != step:
		case o.Message == "":
			out = append(out, o.Occurrence+" "+string(o.Suppressed))
		default:
			out = append(out, o.Occurrence)
		}
	}
	return out
}

func TestRemind(t *testing.T) {
	// The plan is not known at first, and what is not known ends nothing.
	const steps = "- {id: one, slack: owner, message: nudge, remind: every 7d, max: 3, unless: plan == 'paid'}\n- {id: last, slack: owner, message: nudge}\n"
	slot := six(day0 + 1)
	day := 24 * time.Hour
	on := func(w *world, days ...int) {
		for _, d := range days {
			w.advance(slot, slot.Time().Add(time.Duration(d)*day))
		}
	}
	pay := func(w *world) { w.Accounts[0].More["plan"] = steward.Str("paid") }

	t.Run("until max", func(t *testing.T) {
		w := stepping(t, "", steps)
		on(w, 1, 6)
		if got := w.times("one"); !slices.Equal(got, []string{"1"}) {
			t.Fatalf("after six days it was said %v", got)
		}
		if e := w.must("p", "a"); e.State != steward.Waiting || !e.Due.Equal(slot.Time().Add(7*day)) {
			t.Fatalf("it waits as %s until %s", e.State, e.Due)
		}
		on(w, 7, 8, 13)
		if got := w.times("one"); !slices.Equal(got, []string{"1", "2"}) {
			t.Fatalf("after thirteen days it was said %v", got)
		}
		on(w, 14, 15, 16, 30, 31)
		if got := w.times("one"); !slices.Equal(got, []string{"1", "2", "3"}) {
			t.Errorf("in the end it was said %v", got)
		}
		if said, _ := w.said(w.must("p", "a")); !slices.Equal(said, []string{"one", "one", "one", "last"}) {
			t.Errorf("said %v", said)
		}
	})
	t.Run("unless", func(t *testing.T) {
		w := stepping(t, "", steps)
		on(w, 7, 8)
		pay(w)
		on(w, 9, 10)
		if got := w.times("one"); !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("said %v", got)
		}
		if r := w.skipped()["one"]; r != steward.ReasonUnless {
			t.Errorf("the reminders ended as %q", r)
		}
		if e := w.must("p", "a"); e.State != steward.Completed {
			t.Errorf("it is %s, and the step after went on at once", e.State)
		}
	})
	t.Run("unless from the beginning", func(t *testing.T) {
		w := stepping(t, "", steps, pay)
		if got := w.times("one"); got != nil || w.skipped()["one"] != steward.ReasonUnless {
			t.Errorf("said %v", got)
		}
	})
	t.Run("counted from when the last time went out", func(t *testing.T) {
		w := stepping(t, "", steps, func(w *world) { w.sends = false })
		on(w, 8)
		if got := w.times("one"); len(got) != 1 {
			t.Fatalf("it reminded of what was not said yet: %v", got)
		}
		w.settle(steward.Sent, slot.Time().Add(8*day))
		on(w, 9, 14)
		if got := w.times("one"); len(got) != 1 {
			t.Fatalf("said %v", got)
		}
		on(w, 15)
		if got := w.times("one"); len(got) != 2 {
			t.Errorf("said %v", got)
		}
	})
	for _, state := range []steward.MessageState{steward.Suppressed, steward.Expired, steward.FailedToSend, steward.Uncertain} {
		t.Run("a time that ended as "+string(state), func(t *testing.T) {
			w := stepping(t, "", steps, func(w *world) { w.sends = false })
			w.settle(state, slot.Time())
			w.sends = true
			on(w, 7, 8, 14, 15)
			if got := w.times("one"); !slices.Equal(got, []string{"1", "2", "3"}) {
				t.Errorf("said %v", got)
			}
		})
	}
	t.Run("what is kept back goes on in time", func(t *testing.T) {
		w := stepping(t, "holdout: 50%\n", steps, func(w *world) {
			for i := 0; ; i++ { // a salt that draws the account into the holdout
				w.salt = fmt.Sprint(i)
				if out := w.at(six(day0 + 1)).Decide(); out.Changes[0].Enrolments[0].Arm == steward.Holdout {
					return
				}
			}
		})
		on(w, 6)
		if got := w.times("one"); !slices.Equal(got, []string{"1 holdout"}) {
			t.Fatalf("after six days %v", got)
		}
		on(w, 7, 14)
		if got := w.times("one"); !slices.Equal(got, []string{"1 holdout", "2 holdout", "3 holdout"}) {
			t.Errorf("in the end %v", got)
		}
		if e := w.must("p", "a"); e.State != steward.Completed {
			t.Errorf("it is %s at step %d", e.State, e.Step)
		}
	})
	t.Run("business days", func(t *testing.T) {
		// day0 + 1 is a Tuesday: four business days later is Monday.
		w := stepping(t, "", strings.Replace(steps, "7d", "4 business days", 1))
		if e := w.must("p", "a"); !e.Due.IsZero() {
			t.Fatalf("the first card is under way: %+v", e)
		}
		on(w, 1)
		if e := w.must("p", "a"); !e.Due.Equal(slot.Time().Add(6 * day)) {
			t.Errorf("the next is due %s", e.Due)
		}
	})
	t.Run("three where it does not say", func(t *testing.T) {
		w := stepping(t, "", strings.Replace(steps, " max: 3,", "", 1))
		on(w, 7, 8, 14, 15, 21, 22, 28)
		if got := w.times("one"); len(got) != 3 {
			t.Errorf("said %v", got)
		}
	})
}

// A step that says a thing once keeps the identity it always had, and each
// reminder has one of its own.
func TestRemindersHaveTheirOwnIdentity(t *testing.T) {
	w := stepping(t, "", "- {id: one, slack: owner, message: nudge, remind: every 1d, max: 2}\n- {id: once, slack: owner, message: nudge}\n")
	slot := six(day0 + 1)
	for h := 24; h <= 100; h += 12 {
		w.advance(slot, slot.Time().Add(time.Duration(h)*time.Hour))
	}
	e := w.must("p", "a")
	want := map[steward.OutreachID]bool{
		steward.NewOutreachID(e.ID, "one", "1", "owner"): true, steward.NewOutreachID(e.ID, "one", "2", "owner"): true,
		steward.NewOutreachID(e.ID, "once", "", "owner"): true,
	}
	messages := map[steward.MessageID]bool{}
	for _, o := range w.memory.Outreach[e.ID] {
		if !want[o.ID] {
			t.Errorf("%s %s is %s", o.Step, o.Occurrence, o.ID)
		}
		delete(want, o.ID)
		if messages[o.Message] && o.Step != "once" {
			t.Errorf("%s %s is on a card that went out before", o.Step, o.Occurrence)
		}
		messages[o.Message] = true
	}
	if len(want) > 0 {
		t.Errorf("never decided: %v", want)
	}
}

func TestRemindersThatCannotBe(t *testing.T) {
	for _, c := range []struct{ keys, want string }{
		{"slack: owner, remind: 7d", `remind cannot be "7d"`},
		{"slack: owner, remind: every now and then", `remind cannot be "every now and then"`},
		{"slack: owner, remind: every 7d, max: 1", `max cannot be "1"`},
		{"slack: owner, remind: every 7d, max: 21", `max cannot be "21"`},
		{"slack: owner, remind: every 7d, max: few", `max cannot be "few"`},
		{"slack: owner, max: 3", "max counts the times of remind"},
		{"email: [champion], message: help, approve: owner, remind: every 7d", "is not sent again by itself"},
	} {
		keys := c.keys
		if !strings.Contains(keys, "message:") {
			keys += ", message: nudge"
		}
		_, problems := tryLoad(settings(), nil, "playbook: p\ncooldown: 0\nwhen: seats == 1\nuntil: seats == 0\nsteps:\n- {id: one, "+keys+"}\n")
		errs := problems.Errors()
		if len(errs) != 1 || !strings.Contains(errs[0].Message, c.want) {
			t.Errorf("%s: %v, want %q", c.keys, errs, c.want)
		}
	}
	_, problems := tryLoad(settings(), nil, "playbook: p\ncooldown: 0\nwhen: seats == 1\nuntil: seats == 0\nsteps:\n- {wait: 3d, remind: every 7d}\n- {id: one, slack: owner, message: nudge}\n")
	if errs := problems.Errors(); len(errs) != 1 || !strings.Contains(errs[0].Message, "a wait cannot have `remind`") {
		t.Errorf("on a wait: %v", errs)
	}
}
