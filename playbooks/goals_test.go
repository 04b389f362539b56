package playbooks_test

import (
	"strings"
	"testing"

	"steward"
)

const reaching = "playbook: p\ncooldown: 0\nbackfill: true\nwhen: seats == 1\ngoal: {reach: \"seats >= 5\", within: 10d}\n"

func (w *world) seated(n float64) { w.Accounts[0].More["seats"] = steward.Num(n) }

// reached is how often reaching the goal was recorded.
func (w *world) reached() int {
	n := 0
	for _, r := range w.records {
		if r.Reason == steward.ReasonGoalReached {
			n++
		}
	}
	return n
}

func TestGoals(t *testing.T) {
	for _, c := range []struct {
		name, keys string
		days       []float64 // seats, from day0 + 1 on; below 0: not known
		at         int       // on which day the goal is reached; -1: never
		state      steward.EnrolmentState
	}{
		// It ends nothing: the wait of sixty days goes on.
		{"while the enrolment is open", "until: seats == 9\nsteps: [{id: nudge, slack: owner, message: nudge}, {wait: 60d}]\n", []float64{1, 1, 5, 7, 1}, 2, steward.Waiting},
		{"after it ended", "", []float64{1, 2, 2, 6, 6}, 3, steward.Exited},
		{"on the last day", "", []float64{1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 5}, 10, steward.Exited},
		{"too late", "", []float64{1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 5}, -1, steward.Exited},
		{"not known", "", []float64{1, 2, -1, -1}, -1, steward.Exited},
		{"of the holdout too", "holdout: 50%\n", []float64{1, 2, 5}, 2, steward.Completed},
	} {
		w := newWorld(t, load(t, settings(), nil, reaching+c.keys), customer("a"))
		for w.salt = "salt"; c.keys == "holdout: 50%\n"; w.salt += "!" {
			w.seated(1)
			if out := w.at(six(day0 + 1)).Decide(); out.Changes[0].Enrolments[0].Arm == steward.Holdout {
				break
			}
		}
		for i, n := range c.days {
			if w.seated(n); n < 0 {
				w.Accounts[0].More["seats"] = steward.Unknown(steward.NumberKind)
			}
			w.run(day0 + 1 + steward.Day(i))
		}
		e, ok := w.enrolment("p", account("a"))
		if !ok {
			t.Fatalf("%s: nothing was opened", c.name)
		}
		want := c.at >= 0
		if e.GoalAt.IsZero() == want || want && !e.GoalAt.Equal(six(day0+1+steward.Day(c.at)).Time()) {
			t.Errorf("%s: reached at %s", c.name, e.GoalAt)
		}
		if n := w.reached(); want && n != 1 || !want && n != 0 {
			t.Errorf("%s: recorded %d times", c.name, n)
		}
		if e.State != c.state {
			t.Errorf("%s: the enrolment is %s", c.name, e.State)
		}
	}
}

// What is frozen at the opening is what a goal is measured against, also when
// nothing but the goal reads it.
func TestAGoalMeasuresFromTheOpening(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, strings.Replace(reaching, "seats >= 5", "seats >= at_open(seats) + 3", 1)), customer("a"))
	for i, n := range []float64{1, 2, 3, 4} {
		w.seated(n)
		w.run(day0 + 1 + steward.Day(i))
	}
	if e := w.must("p", "a"); !e.GoalAt.Equal(six(day0 + 4).Time()) {
		t.Errorf("reached at %s, with %v frozen", e.GoalAt, e.Frozen)
	}
}

func TestWhatIsHeldReachesNoGoal(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, strings.Replace(reaching, "backfill: true\n", "until: seats == 9\n", 1)), customer("a"))
	for i, n := range []float64{1, 5, 5} {
		w.seated(n)
		w.run(day0 + 1 + steward.Day(i))
	}
	if e := w.must("p", "a"); e.State != steward.Quarantined || !e.GoalAt.IsZero() {
		t.Errorf("%s, reached at %s", e.State, e.GoalAt)
	}
}
