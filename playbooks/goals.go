package playbooks

import (
	"fmt"
	"time"

	"steward"
	"steward/configs/strictyaml"
	"steward/playbooks/lang"
)

// A Goal is what a playbook is to reach: it is looked at while the enrolment is
// open and until Within after it was opened, also when it has ended by then, and
// of the holdout too. Reaching it ends nothing.
type Goal struct {
	Reach  *lang.Expr // nil: the playbook has no goal
	Within time.Duration
}

type goalBlock struct {
	Pos    strictyaml.Pos      `yaml:",pos"`
	Reach  strictyaml.Text     `yaml:"reach,required" doc:"The condition that says that the playbook did what it is for." examples:"recovered(logins, 14d) >= 95%"`
	Within strictyaml.Duration `yaml:"within,required" doc:"For how long after the opening it is looked for, also when the enrolment has ended." examples:"30d"`
}

func (r *reader) goal(p *Playbook, g *goalBlock, sc lang.Scope) {
	if g == nil {
		return
	}
	p.Goal = Goal{Reach: r.expr(r.src, g.Reach, sc, steward.FlagKind), Within: g.Within.Std()}
	if p.Goal.Within < 24*time.Hour {
		r.faultAt(g.Pos, "a goal needs at least a day", "say how long it may take, such as within: 30d")
	}
}

// goal looks whether an enrolment's goal is reached, and notes when it first
// was. One that was held has begun nothing that could have reached it.
func (d *decider) goal(e steward.Enrolment) (steward.Enrolment, []steward.Record) {
	p, ok := d.running(e)
	if !ok {
		if p, ok = d.Book.Playbook(e.Playbook); !ok { // it ended on a text that nobody reads any more
			return e, nil
		}
	}
	if p.Goal.Reach == nil || !e.GoalAt.IsZero() || e.StepSince.IsZero() || d.Now.After(e.OpenedAt.Add(p.Goal.Within)) {
		return e, nil
	}
	view := d.Frame.View(p.About)
	row, ok := view.Row(e.Subject.ID)
	if !ok || p.Goal.Reach.Value(view, row, d.at(row, e, p)).Verdict() != steward.Holds {
		return e, nil
	}
	e.GoalAt = d.Now
	return e, []steward.Record{{At: d.Slot, Playbook: e.Playbook, Subject: e.Subject, Enrolment: e.ID, Decision: steward.Decision{Effect: steward.Pass, Reason: steward.ReasonGoalReached,
		Detail: fmt.Sprintf("%s, %s after it opened", p.Goal.Reach.Source(), daysText(steward.Days(float64(int(d.Now.Sub(e.OpenedAt).Hours()/24)))))}}}
}

// goalsOfEnded looks at what has ended and may still reach its goal.
func (d *decider) goalsOfEnded() {
	for _, key := range sortedKeys(d.Memory.Ended) {
		e, records := d.goal(d.Memory.Ended[key])
		if len(records) > 0 {
			d.take(Progress{Enrolment: e, Records: records, Moved: true})
		}
	}
}
