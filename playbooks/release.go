package playbooks

import (
	"fmt"

	"steward"
)

// release lets held openings begin: one, or all of a playbook's, or of an
// account's. Only ops may: they are held for somebody to look whether a condition
// means what it says.
func release(s *Situation, d Doing) Done {
	if !d.By.Ops {
		return refused(d, "Nothing was done: what is held is let go by those whom steward.yaml names as approvers. Ask one of them.")
	}
	var held []steward.Enrolment
	for _, e := range d.Enrolments {
		if e.State == steward.Quarantined && (d.Target.Playbook == "" || d.Target.Playbook == e.Playbook) {
			held = append(held, e)
		}
	}
	if len(held) == 0 {
		return refused(d, "Nothing was done: nothing of that is held any more.")
	}
	done := Done{Act: aboutOne(actOf(d), held), Answer: steward.Answer{Text: fmt.Sprintf("Released %d of them; they begin within a minute.", len(held))}}
	if len(held) == 1 {
		done.Answer.Text = "Released: " + s.whatOf(held) + ". It begins within a minute."
	} else if d.Target.Account == "" {
		done.Act.Account = ""
	}
	for _, e := range held {
		was := e.Reason
		e.State, e.Reason, e.StepSince, e.Due = steward.Active, steward.ReasonReleased, s.Now, s.Now
		done.Change.Enrolments = append(done.Change.Enrolments, e)
		done.Change.Records = append(done.Change.Records, recordOf(s, e, steward.Decision{Effect: steward.Pass, Reason: steward.ReasonReleased,
			Detail: "was held back as " + string(was) + "; released by " + d.By.Name}))
	}
	return done
}
