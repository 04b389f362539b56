package playbooks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/playbooks"
)

const before = "playbook: was\ncooldown: 0\nwhen: seats == 1\nuntil: seats == 2\nholdout: 30%\nsteps: [{id: nudge, slack: owner, message: nudge}, {wait: 20d}, {id: again, slack: owner, message: nudge}]\n"

func renamed(text string) string {
	return strings.Replace(text, "playbook: was", "playbook: is\nwas: was", 1)
}

// A renamed playbook goes on as if it had always had its name: no new baseline,
// nothing said twice, nobody drawn anew.
func TestARenamedPlaybookGoesOn(t *testing.T) {
	one, other := newWorld(t, load(t, settings(), nil, before)), newWorld(t, load(t, settings(), nil, before))
	for i := range 30 {
		for _, w := range []*world{one, other} {
			a := customer(fmt.Sprintf("a%02d", i))
			a.More["seats"] = steward.Num(0)
			w.Accounts = append(w.Accounts, a)
		}
	}
	fates := func(w *world, p string) []string {
		var out []string
		for _, a := range w.Accounts {
			e, ok := w.enrolment(p, account(string(a.ID)))
			out = append(out, fmt.Sprint(a.ID, ok, e.ID != "" || !ok, e.Episode, e.State, e.Reason, e.Arm, e.Step, len(w.memory.Outreach[e.ID]), w.phase(p, string(a.ID)).Phase))
		}
		return out
	}
	spoke := 0
	for d := day0 + 1; d < day0+60; d++ {
		for _, w := range []*world{one, other} {
			for i := range w.Accounts { // they come and go, each in its time
				w.Accounts[i].More["seats"] = steward.Num(float64((int(d-day0) + i) / 6 % 3))
			}
		}
		if d == day0+25 {
			old, _ := other.book.Playbook("was")
			other.memory.Versions[old.Version] = old
			other.book = load(t, settings(), nil, renamed(before))
			other.memory = other.memory.Renamed(other.book.Renamed())
		}
		one.run(d)
		other.run(d)
		if d == day0+26 {
			spoke = other.speaksAs("is")
		}
		name := "was"
		if d >= day0+25 {
			name = "is"
		}
		if diff := cmp.Diff(fates(one, "was"), fates(other, name)); diff != "" {
			t.Fatalf("on %s (-the old name +the new one):\n%s", d, diff)
		}
	}
	if spoke == 0 {
		t.Error("nothing that began under the old name was looked at")
	}
	if other.memory.States["is"].DrawnAs != "was" {
		t.Errorf("holdouts are drawn as %q", other.memory.States["is"].DrawnAs)
	}
	if strings.Contains(fmt.Sprint(fates(other, "is")), "playbook_removed") {
		t.Error("the rename ended enrolments")
	}
	again := other.memory.Renamed(other.book.Renamed())
	if diff := cmp.Diff(other.memory.Open, again.Open, sameSlot); diff != "" {
		t.Errorf("renaming again changed something: %s", diff)
	}
}

// speaksAs holds what began on another text of a playbook to speak under its
// name, and tells how many did.
func (w *world) speaksAs(name steward.PlaybookName) (n int) {
	p, _ := w.book.Playbook(name)
	for _, e := range w.memory.Open {
		if e.Version == p.Version || len(w.memory.Outreach[e.ID]) == 0 || w.memory.Outreach[e.ID][0].Message == "" {
			continue
		}
		o := w.memory.Outreach[e.ID][0]
		content, err := w.at(six(day0+26)).Compose(w.memory.Messages[o.Message], []steward.Outreach{o}, []steward.Enrolment{e})
		if err != nil || content.Parts[0].Playbook != name {
			w.t.Errorf("%s speaks as %+v (%v)", e.ID, content.Parts, err)
		}
		n++
	}
	return n
}

func TestAPlaybookThatIsGoneEndsItsEnrolments(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, strings.Replace(before, "cooldown: 0", "cooldown: 0\nbackfill: true", 1)), customer("a"))
	w.seated(1)
	w.run(day0 + 1)
	w.book = load(t, settings(), nil, strings.Replace(before, "playbook: was", "playbook: other", 1))
	w.run(day0 + 2)
	if e := w.must("was", "a"); e.State != steward.Exited || e.Reason != steward.ReasonPlaybookRemoved {
		t.Errorf("the enrolment is %s (%s)", e.State, e.Reason)
	}
	if ph := w.phase("was", "a").Phase; ph != "" {
		t.Errorf("it has the phase %s", ph)
	}
}

// fired reads a playbook's doings by its name, which must be one, also one that
// comes later in another file or whose file has mistakes.
func TestFiredNamesAPlaybook(t *testing.T) {
	load(t, settings(), nil, "playbook: a\ncooldown: 0\nwhen: fired('b', 30d)\n", "playbook: b\ncooldown: 0\nwhen: seats == 1\n")
	_, problems := tryLoad(settings(), nil, "playbook: a\ncooldown: 0\nwhen: fired('bee', 30d)\n", "playbook: bees\ncooldown: 0\nwhen: seats == 1\n")
	if s := problems.Errors().Error(); !strings.Contains(s, "there is no playbook 'bee' (did you mean 'bees'?)") {
		t.Error(s)
	}
	_, problems = tryLoad(settings(), nil, "playbook: a\ncooldown: 0\nwhen: fired('b', 30d)\n", "playbook: b\ncooldown: 0\nwhen: seets == 1\n")
	if s := problems.Errors().Error(); strings.Contains(s, "no playbook") {
		t.Error(s)
	}
	// A text that enrolments began on may name one that is gone since.
	b := load(t, settings(), nil, "playbook: a\ncooldown: 0\nwhen: seats == 1\n")
	if _, err := b.Compile("playbook: a\ncooldown: 0\nwas: x\ninhibited_by: gone\nwhen: fired('gone', 30d)\nsteps: [{id: nudge, slack: owner, message: nudge}]\n"); err != nil {
		t.Error(err)
	}
}

// What an edit does while enrolments are open: they finish on the steps they
// began with, in the newest words, and only what decides who fires makes a new
// baseline.
func TestEditingWhileItRuns(t *testing.T) {
	const text = "playbook: p\ncooldown: 0\nwhen: seats == 1\naudience: arr > 1\nsteps: [{id: one, slack: owner, message: nudge}, {wait: 5d}, {id: two, slack: owner, message: escalate}]\n"
	for _, c := range []struct {
		name     string
		from, to string
		baseline bool
	}{
		{"steps", "{wait: 5d}, {id: two, slack: owner, message: escalate}", "{wait: 9d}, {id: three, slack: manager, message: nudge}", false},
		{"title and why", "playbook: p\n", "playbook: p\ntitle: Other words\nwhy: Because.\n", false},
		{"spelling", "when: seats == 1", "when: \"(seats) == 1.0\"   # the same", false},
		{"severity, priority, cooldown, goal, mode, exit", "cooldown: 0\n", "cooldown: 3d\nseverity: critical\npriority: arr\ngoal: {reach: seats == 9, within: 9d}\nmode: live\nexit_when: seats == 77\n", false},
		{"when", "when: seats == 1", "when: seats <= 1", true},
		{"audience", "arr > 1", "arr > 2", true},
		{"for", "when: seats == 1", "when: seats == 1\nfor: 1h", true},
		{"until", "when: seats == 1", "when: seats == 1\nuntil: seats == 2", true},
	} {
		w := newWorld(t, load(t, settings(), map[string]string{"escalate": "The old words."}, text), customer("a"), customer("b"))
		w.allSeats(0)
		w.run(day0 + 1)
		w.Accounts[0].More["seats"] = steward.Num(1)
		w.run(day0 + 2)
		e := w.must("p", "a")
		old, _ := w.book.Playbook("p")
		w.memory.Versions[old.Version] = old // as it is kept, and read again
		edited := strings.Replace(text, c.from, c.to, 1)
		if edited == text {
			t.Fatalf("%s: nothing was edited", c.name)
		}
		w.book = load(t, settings(), map[string]string{"escalate": "The new words."}, edited)
		w.Accounts[1].More["seats"] = steward.Num(1)
		w.run(day0 + 3)
		if got := w.memory.States["p"].Baseline == six(day0+3); got != c.baseline {
			t.Errorf("%s: a new baseline is %v", c.name, got)
		}
		w.run(day0 + 4)
		if b := w.must("p", "b"); (b.State == steward.Quarantined) != c.baseline {
			t.Errorf("%s: what fired then is %s (%s)", c.name, b.State, b.Reason)
		}
		for d := day0 + 5; d < day0+16; d++ {
			w.run(d)
		}
		now := w.must("p", "a")
		said, _ := w.said(e)
		if now.ID != e.ID || now.Version != old.Version || now.State != steward.Completed || strings.Join(said, " ") != "one two" {
			t.Errorf("%s: the open enrolment said %v and is %s", c.name, said, now.State)
		}
		var o steward.Outreach
		for _, x := range w.memory.Outreach[e.ID] {
			if x.Step == "two" {
				o = x
			}
		}
		content, err := w.at(six(day0+16)).Compose(w.memory.Messages[o.Message], []steward.Outreach{o}, []steward.Enrolment{now})
		if err != nil || !strings.Contains(content.Parts[0].Markdown, "The new words.") {
			t.Errorf("%s: it is worded %+v (%v)", c.name, content.Parts, err)
		}
	}
}

// The hashes that decide are told apart by what they are of.
func TestConditionOfARhythm(t *testing.T) {
	b := load(t, settings(), nil, report)
	p, _ := b.Playbook("report")
	for edit, same := range map[string]bool{
		"audience: arr > 1\nsteps:": true, "priority: arr\nsteps:": true, "title: x\nsteps:": true,
	} {
		q, _ := load(t, settings(), nil, strings.Replace(report, "steps:", edit, 1)).Playbook("report")
		if (q.Condition == p.Condition) != same {
			t.Errorf("%q: the condition is the same: %v", edit, !same)
		}
	}
	q, _ := load(t, settings(), nil, strings.Replace(report, "second", "third", 1)).Playbook("report")
	if q.Condition == p.Condition {
		t.Error("another day is the same condition")
	}
	if (playbooks.Cadence{}).String() != "" || !(playbooks.Cadence{}).Next(day0.Start(berlin), berlin).IsZero() {
		t.Error("a playbook without a rhythm comes round")
	}
}
