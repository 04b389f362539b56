package playbooks

import (
	"slices"
	"time"

	"steward"
	"steward/configs/strictyaml"
)

// taskKeys are a step's keys for giving somebody something to do.
type taskKeys struct {
	Task strictyaml.Scalar `yaml:"task" doc:"Give somebody something to do, as a card of its own and on the list of steward tasks: owner or manager." enum:"owner|manager"`
	Due  strictyaml.Scalar `yaml:"due" doc:"By when the task is to be done, counted from when it is given, such as 3 business days or 1w; without it, no day is named." pattern:"^[1-9][0-9]*([dwh]| business days?)$" want:"write 3 business days, 3d or 1w" examples:"3 business days;1w"`
}

// assignment reads what a task step says beside its message.
func (r *reader) assignment(k taskKeys, s *Step) {
	if s.Task != "" && s.Task != "owner" && s.Task != "manager" {
		hint := "write owner or manager; for a channel, use slack: and no task"
		if near := steward.Nearest(s.Task, []string{"owner", "manager"}); near != "" {
			hint = "did you mean " + near + "?"
		}
		r.fault(k.Task, "a task cannot be for \""+s.Task+"\"", hint)
	}
	if k.Due.Pos.IsZero() {
		return
	}
	if s.Task == "" {
		r.fault(k.Due, "due is of a task, and the step gives none", "write task: owner in place of slack: owner, or remove due")
		return
	}
	w, err := ParseWait(k.Due.Value)
	if err != nil || w.Span%(24*time.Hour) != 0 {
		r.fault(k.Due, "due cannot be \""+k.Due.Value+"\"", "write days, such as 3 business days, 5d or 2w")
	}
	s.Due = w
}

// assign makes an outreach give its step's task, or remind of the one that was
// given. A task that nobody was told of counts as none: the next time gives it
// anew.
func (w *walker) assign(s Step, o *steward.Outreach) {
	if s.Task == "" {
		return
	}
	if given := w.given(func(x steward.Outreach) bool { return x.Step == s.ID }); given != nil {
		o.Assignment = given.Assignment
		return
	}
	o.Assignment = &steward.Assignment{Task: o.ID, Title: w.p.Title, Due: s.dueDay(w.Now, w.zoneOf(o.To, o.Subject.Account))}
	w.Enrolment.DoneAt = time.Time{}
}

// dueDay is by when a task that is given at t is to be done.
func (s Step) dueDay(t time.Time, zone *time.Location) steward.Day {
	if s.Due.IsZero() {
		return steward.NoDay
	}
	return steward.DayOf(s.Due.After(t, zone), zone)
}

// given is the newest outreach of the enrolment, among those that are meant,
// that gave a task and may have been heard.
func (w *walker) given(meant func(steward.Outreach) bool) *steward.Outreach {
	said := w.Memory.Outreach[w.Enrolment.ID]
	for _, o := range slices.Backward(said) {
		m := w.Memory.Messages[o.Message]
		if o.Assignment != nil && meant(o) && m.State != steward.Suppressed && m.State != steward.Expired {
			return &o
		}
	}
	return nil
}

// gaveTask tells whether there is a task that anybody can have done.
func (w *walker) gaveTask() bool {
	return w.given(func(steward.Outreach) bool { return true }) != nil
}

// taskDone tells whether the step's own task was given and done.
func (w *walker) taskDone(s Step) bool {
	return s.Task != "" && !w.Enrolment.DoneAt.IsZero() && w.given(func(o steward.Outreach) bool { return o.Step == s.ID }) != nil
}

// gateTask says nothing of a task that was done meanwhile.
func gateTask(_ *Situation, c Candidate) steward.Decision {
	if c.Outreach.Assignment != nil && !c.Enrolment.DoneAt.IsZero() {
		return suppress(steward.ReasonTaskDone, "the task is done")
	}
	return steward.Decision{}
}

// asTask makes a card the one of a task: what is to be done, by when, and how to
// say that it was.
func (l letter) asTask(c *steward.Content) {
	a := l.outreach.Assignment
	if a == nil {
		return
	}
	c.Title = "To do: " + c.Title
	if a.Task != l.outreach.ID {
		c.Title = "Still to do: " + a.Title
	}
	if a.Due != steward.NoDay {
		due := steward.LabelledText{Label: "Due", Text: a.Due.Start(time.UTC).Format("Monday 2 January 2006")}
		c.Facts = append([]steward.LabelledText{due}, c.Facts...)
	}
	c.Footer = "Done: steward done " + string(a.Task) + " · " + c.Footer
}
