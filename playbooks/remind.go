package playbooks

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"steward"
	"steward/configs/strictyaml"
)

// remindKeys are a step's keys for saying a thing again.
type remindKeys struct {
	Remind strictyaml.Scalar `yaml:"remind" doc:"Say the step again every so often, such as every 7d or every 2 business days, until its unless holds, its task is done or max is reached." pattern:"^every [1-9][0-9]*([dwh]| business days?)$" want:"write every 7d, every 36h or every 2 business days" examples:"every 7d;every 2 business days"`
	Max    strictyaml.Scalar `yaml:"max" doc:"How many times in all the step is said, the first time included; 3 where it does not say." pattern:"^([2-9]|1[0-9]|20)$" type:"string,integer" least:"2" want:"write how often it is said in all, from 2 to 20"`
}

func (k remindKeys) given() bool { return !k.Remind.Pos.IsZero() || !k.Max.Pos.IsZero() }

// defaultTimes is how often a reminding step speaks where it does not say, and
// mostTimes the most that it may: whoever was told twenty times knows.
const (
	defaultTimes = 3
	mostTimes    = 20
)

// remind reads how a step is said again.
func (r *reader) remind(k remindKeys, s *Step) {
	if k.Remind.Pos.IsZero() {
		if !k.Max.Pos.IsZero() {
			r.fault(k.Max, "max counts the times of remind, which the step does not have", "add remind: every 7d, or remove max")
		}
		return
	}
	if len(s.Email) > 0 {
		r.fault(k.Remind, "a mail to a customer is not sent again by itself", "write a second step with words of its own, and wait: before it")
	}
	if s.Webhook != "" {
		r.fault(k.Remind, "a system that was told once need not be reminded", "remove remind; what it did not take is tried again anyway")
	}
	every, ok := strings.CutPrefix(k.Remind.Value, "every ")
	wait, err := ParseWait(every)
	if !ok || err != nil {
		r.fault(k.Remind, fmt.Sprintf("remind cannot be %q", k.Remind.Value), "write how often, such as every 7d, every 36h or every 2 business days")
	}
	s.Remind, s.Max = wait, defaultTimes
	if !k.Max.Pos.IsZero() {
		n, err := strconv.Atoi(k.Max.Value)
		if err != nil || n < 2 || n > mostTimes {
			r.fault(k.Max, fmt.Sprintf("max cannot be %q", k.Max.Value), fmt.Sprintf("write how often it is said in all, from 2 to %d", mostTimes))
		}
		s.Max = n
	}
}

// reminding works on a step that is said more than once and has been said, or
// kept back, before. It is done when `unless` holds, when its task is, or after
// the last time; what a gate kept back counts as a time, so that nobody hears
// three reminders in a row when the gate opens.
func (w *walker) reminding(s Step, times []steward.Outreach) bool {
	since, settled := w.settledAt(times[len(times)-1])
	if !settled {
		w.Enrolment.State, w.Enrolment.Due = steward.Active, time.Time{}
		return false
	}
	if len(times) >= s.Max {
		return w.next(since)
	}
	if w.noMore(s) {
		return w.next(w.Now)
	}
	if due := s.Remind.After(since, w.Book.Zone); w.Now.Before(due) {
		return w.wait(due)
	}
	return w.say(s, len(times)+1)
}

// noMore tells, with a record, that there is nothing left to remind anybody of.
func (w *walker) noMore(s Step) bool {
	d := steward.Decision{Effect: steward.Pass}
	switch {
	case w.taskDone(s):
		d.Reason, d.Detail = steward.ReasonTaskDone, "no further reminder, as the task is done"
	case s.Unless != nil && w.verdict(s.Unless) == steward.Holds:
		d.Reason, d.Detail = steward.ReasonUnless, "no further reminder, as unless holds: "+s.Unless.Source()
	default:
		return false
	}
	w.record(s.ID, "", d)
	return true
}

// occurrence names one of a step's times; a step that speaks once has none, as
// it had none before there were reminders.
func (s Step) occurrence(n int) string {
	if s.Remind.IsZero() {
		return ""
	}
	return strconv.Itoa(n)
}
