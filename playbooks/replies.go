package playbooks

import (
	"strings"
	"time"

	"steward"
	"steward/configs/strictyaml"
)

// replyKeys are a playbook's keys for what an answer of the customer's does.
type replyKeys struct {
	OnReply strictyaml.Scalar `yaml:"on_reply" doc:"What a reply to a mail does. stop_mail ends the wait after that mail, and sends no further mail that nobody approves; exit ends the enrolment; continue does nothing by itself. Default stop_mail." enum:"stop_mail|exit|continue"`
}

// OnReply is what a reply to a mail of an enrolment does to it.
type OnReply string

// Two people talk now, and what is written by itself would talk across them: so
// StopMail is what holds where the playbook does not say.
const (
	StopMail      OnReply = "stop_mail"
	ExitOnReply   OnReply = "exit"
	ContinueReply OnReply = "continue"
)

func (r *reader) replies(k replyKeys, p *Playbook) {
	p.OnReply = oneOf(r, "on_reply", k.OnReply, StopMail, StopMail, ExitOnReply, ContinueReply)
}

// replied notes a reply that only the CRM knows of: a touch of kind reply by
// somebody whom the enrolment wrote to, on the mail's day or later. It returns
// true where the reply ends the enrolment.
func (w *walker) replied() bool {
	if w.Enrolment.RepliedAt.IsZero() && w.answeredInCRM() {
		w.Enrolment.RepliedAt = w.Now
		w.at.Replied[w.row] = true
		w.record("", "", steward.Decision{Effect: steward.Pass, Reason: steward.ReasonReplied, Detail: "a reply is in the CRM"})
		w.Recalled = append(w.Recalled, w.recalled(w.Enrolment)...)
	}
	if w.Enrolment.RepliedAt.IsZero() || w.p.OnReply != ExitOnReply {
		return false
	}
	w.exit(steward.ReasonReplied, "somebody replied, and on_reply says exit")
	return true
}

// recalled is the approvals that a reply takes back: whoever gave them did not
// know of it.
func (s *Situation) recalled(e steward.Enrolment) []steward.Recall {
	if p, ok := s.running(e); !ok || p.OnReply != StopMail {
		return nil
	}
	return []steward.Recall{{Enrolment: e.ID, Reason: steward.ReasonReplied, Detail: "somebody replied after it was approved"}}
}

func (w *walker) answeredInCRM() bool {
	for _, o := range w.Memory.Outreach[w.Enrolment.ID] {
		m, ok := w.Memory.Messages[o.Message]
		if !ok || !m.To.Customer() || m.State != steward.Sent && m.State != steward.Uncertain {
			continue
		}
		sent := steward.DayOf(m.Settled, w.Book.Zone)
		for _, t := range w.view.Touches(w.row) {
			if t.Kind == steward.TouchReply && t.Contact == m.To.Contact && t.Day != steward.NoDay && t.Day >= sent {
				return true
			}
		}
	}
	return false
}

// replyEndsWait tells a wait after a mail that was answered since it was sent.
func (w *walker) replyEndsWait() bool {
	at := w.Enrolment.RepliedAt
	if w.p.OnReply != StopMail || at.IsZero() || at.Before(w.Enrolment.StepSince) || w.Enrolment.Step == 0 {
		return false
	}
	return len(w.p.Steps[w.Enrolment.Step-1].Email) > 0
}

// gateReplied keeps mail back that nobody lets go, once a person answered: they
// talk with their CSM now. A mail that a person approves is that person's
// affair, and whoever approves sees that there was a reply.
func gateReplied(s *Situation, c Candidate) steward.Decision {
	if c.Enrolment.RepliedAt.IsZero() || !c.Outreach.To.Customer() {
		return steward.Decision{}
	}
	p, ok := s.running(c.Enrolment)
	if !ok || p.OnReply != StopMail {
		return steward.Decision{}
	}
	step, _ := p.step(c.Outreach.Step)
	if c.Message.ApprovedBy != "" || !c.AtSend && attended(step) {
		return steward.Decision{}
	}
	return suppress(steward.ReasonReplied, "somebody replied on %s, and on_reply says stop_mail: what follows is for people to write", s.dayWords(c.Enrolment.RepliedAt))
}

// gateAway waits with mail until its reader is back, as their out-of-office
// notice says.
func gateAway(s *Situation, c Candidate) steward.Decision {
	if !c.Outreach.To.Customer() {
		return steward.Decision{}
	}
	back, away := s.Memory.Absent[lower(strings.TrimSpace(c.Outreach.To.Email))]
	if !away {
		return steward.Decision{}
	}
	until := back.Start(s.zoneOf(c.Outreach.To, c.Outreach.Subject.Account))
	if !s.Now.Before(until) {
		return steward.Decision{}
	}
	return steward.Decision{Effect: steward.Defer, Reason: steward.ReasonAway, Detail: "an out-of-office notice says that they are back on " + back.Start(time.UTC).Format("2 January 2006"), Until: until}
}
