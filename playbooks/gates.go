package playbooks

import (
	"fmt"
	"slices"
	"time"

	"steward"
	"steward/playbooks/lang"
)

// A Candidate is one outreach at a gate, at planning and again at send.
type Candidate struct {
	Outreach  steward.Outreach
	Message   steward.Message
	Enrolment steward.Enrolment
	Phase     steward.PhaseState // zero when the subject is clear
	// OptedOut says why the address may not be used; "" when it may.
	OptedOut string
	Pause    steward.Pause
	// OwnerUntold tells of a mail that its account's owner has yet to hear of it.
	OwnerUntold bool
	// AtSend tells the second look from the first.
	AtSend bool
}

// gate is one reason not to say something now.
type gate func(*Situation, Candidate) steward.Decision

// gates is the fixed order: first those that end an outreach, then those that
// put it off. The first that does not pass decides. What passes away again
// must not kill, so nothing that may change back stands among the first.
var gates = []namedGate{
	{"portfolio", "portfolio.include takes the account in", gatePortfolio},
	{"enabled", "the playbook is enabled", gateDisabled},
	{"opt-out", "no opt-out stands in the way", gateOptedOut},
	{"customer mail", "it goes to nobody who may not be mailed", gateNoCustomerMail},
	{"episode", "what it is about still stands", gateEpisodeOver},
	{"holdout", "the account is not in the holdout", gateHoldout},
	{"mode", "the playbook's mode lets it speak to them", gateMode},
	{"task", "the task that it is about is not done yet", gateTask},
	{"reply", "no reply of theirs stands in the way", gateReplied},
	{"expiry", "it is still worth saying", gateExpired},
	{"pause", "sending is not paused", gatePaused},
	{"recovery", "no recovery holds it back", gateClearing},
	{"purpose hold", "nothing about the account comes before its purpose", gatePurposeHold},
	{"inhibited", "no playbook that it gives way to is under way", gateInhibited},
	{"silence", "nobody silenced it", gateSilenced},
	{"snooze", "nobody put it off", gateSnoozed},
	{"known", "nothing that is not known holds it back", gateUnknown},
	{"fresh facts", "the facts are of the last evaluation that was due", gateOldFacts},
	{"owner told", "its account's owner knows of it", gateOwnerTold},
	{"working hours", "the hour does not hold it back", gateHours},
	{"away", "its reader is not away", gateAway},
	{"touch", "no touch of late holds it back", gateTouched},
	{"name", "every name that it prints is known", gateName},
}

// A namedGate is a gate with a short name, and what is so where it passes, for
// people who ask why something was said or not.
type namedGate struct {
	name, passing string
	look          gate
}

// Gate decides whether an outreach may go on its way.
func (s *Situation) Gate(c Candidate) steward.Decision {
	for _, g := range gates {
		d := g.look(s, c)
		if d.Passes() {
			continue
		}
		if exp := c.Message.Expires; d.Effect == steward.Defer && !d.Reason.StopsExpiry() && !exp.IsZero() && !d.Until.IsZero() && !d.Until.Before(exp) {
			return steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonExpired,
				Detail: fmt.Sprintf("%s until %s, past its expiry", d.Detail, d.Until.Format(time.RFC3339))}
		}
		return d
	}
	return steward.Decision{Effect: steward.Pass}
}

func suppress(r steward.Reason, format string, args ...any) steward.Decision {
	return steward.Decision{Effect: steward.Suppress, Reason: r, Detail: fmt.Sprintf(format, args...)}
}

func gatePortfolio(s *Situation, c Candidate) steward.Decision {
	switch in, _ := s.portfolio(c.Outreach.Subject.Account); in {
	case steward.Fails:
		return suppress(steward.ReasonNotInPortfolio, "the account is not one that portfolio.include takes in")
	case steward.Unclear:
		return suppress(steward.ReasonNotInPortfolio, "whether portfolio.include takes the account in is not known")
	}
	return steward.Decision{}
}

func gateDisabled(s *Situation, c Candidate) steward.Decision {
	if p, ok := s.Book.Playbook(c.Outreach.Playbook); !ok {
		return suppress(steward.ReasonPlaybookRemoved, "the playbook is no longer in the workspace")
	} else if !p.Enabled {
		return suppress(steward.ReasonPlaybookDisabled, "the playbook says enabled: false")
	}
	return steward.Decision{}
}

func gateOptedOut(_ *Situation, c Candidate) steward.Decision {
	if c.OptedOut != "" && c.Message.Channel == steward.Email {
		return suppress(steward.ReasonOptedOut, "the address is on the suppression list: %s", c.OptedOut)
	}
	return steward.Decision{}
}

func gateNoCustomerMail(s *Situation, c Candidate) steward.Decision {
	if !c.Outreach.To.Customer() {
		return steward.Decision{}
	}
	switch _, barred := s.portfolio(c.Outreach.Subject.Account); barred {
	case steward.Holds:
		return suppress(steward.ReasonNoCustomerMail, "portfolio.no_customer_mail holds for the account")
	case steward.Unclear:
		return suppress(steward.ReasonNoCustomerMail, "whether portfolio.no_customer_mail holds for the account is not known")
	}
	if a, ok := s.account(c.Outreach.Subject.Account); ok && a.ContactPolicy == "none" {
		return suppress(steward.ReasonNoCustomerMail, "the account's contact_policy is none")
	}
	return steward.Decision{}
}

// gateEpisodeOver drops what was about a condition that no longer stands. A
// process lives on after its condition; it is over when its enrolment is.
func gateEpisodeOver(s *Situation, c Candidate) steward.Decision {
	p, ok := s.running(c.Enrolment)
	if !ok {
		return suppress(steward.ReasonPlaybookRemoved, "the playbook text the enrolment began on is gone")
	}
	step, _ := p.step(c.Outreach.Step)
	if c.Enrolment.State == steward.Exited && !(c.Enrolment.Reason == steward.ReasonRecovered && step.ContinueOnRecovery) {
		return suppress(steward.ReasonEpisodeOver, "the enrolment ended: %s", c.Enrolment.Reason)
	}
	if p.Kind == Signal && !alone(c.Enrolment) && !step.ContinueOnRecovery && (phaseOf(c.Phase) == steward.Clear || c.Phase.Episode != c.Enrolment.Episode) {
		return suppress(steward.ReasonEpisodeOver, "the condition no longer holds")
	}
	return steward.Decision{}
}

func gateHoldout(_ *Situation, c Candidate) steward.Decision {
	if c.Enrolment.Arm == steward.Holdout {
		return suppress(steward.ReasonHoldout, "the account is in the playbook's holdout: nothing is said, so that the difference can be told")
	}
	return steward.Decision{}
}

func gateExpired(s *Situation, c Candidate) steward.Decision {
	if e := c.Message.Expires; !e.IsZero() && !s.Now.Before(e) {
		return suppress(steward.ReasonExpired, "it was worth saying until %s", e.In(s.Book.Zone).Format("2 January 2006 15:04"))
	}
	return steward.Decision{}
}

func gatePaused(s *Situation, c Candidate) steward.Decision {
	if !c.AtSend || c.Pause.IsZero() {
		return steward.Decision{} // planning goes on while sending is paused
	}
	detail := "sending is paused"
	if c.Pause.By != "" {
		detail += " by " + c.Pause.By
	}
	if c.Pause.Reason != "" {
		detail += ": " + c.Pause.Reason
	}
	return steward.Decision{Effect: steward.Defer, Reason: steward.ReasonPaused, Detail: detail, Until: s.Now.Add(pauseLook)}
}

// gateClearing waits while the account seems to be recovering: the next days
// say whether there is still something to talk about.
func gateClearing(s *Situation, c Candidate) steward.Decision {
	p, ok := s.running(c.Enrolment)
	if !ok || p.Kind != Signal || c.Phase.Phase != steward.Clearing {
		return steward.Decision{}
	}
	if step, _ := p.step(c.Outreach.Step); step.ContinueOnRecovery {
		return steward.Decision{}
	}
	return steward.Decision{Effect: steward.Defer, Reason: steward.ReasonClearing, Detail: "the account is recovering", Until: s.Now.Add(factsLook)}
}

// gateUnknown keeps mail to a customer back while nobody knows whether its
// reason still stands.
func gateUnknown(s *Situation, c Candidate) steward.Decision {
	p, ok := s.running(c.Enrolment)
	if !ok || !c.AtSend || p.Kind != Signal || !c.Outreach.To.Customer() {
		return steward.Decision{}
	}
	view := s.Frame.View(p.About)
	row, ok := view.Row(c.Outreach.Subject.ID)
	if ok && p.When.Value(view, row, lang.At{}).Verdict() != steward.Unclear {
		return steward.Decision{}
	}
	return steward.Decision{Effect: steward.Defer, Reason: steward.ReasonUnknownAtSend, Detail: "whether the condition still holds is not known", Until: s.Now.Add(factsLook)}
}

// gateOldFacts keeps everything back that rests on facts while those are too
// old, or of a time to come: the next evaluation says whether it still stands.
func gateOldFacts(s *Situation, c Candidate) steward.Decision {
	if !c.AtSend {
		return steward.Decision{}
	}
	on := s.Slot.Time().In(s.Book.Zone).Format("2 January 2006 at 15:04")
	d := steward.Decision{Effect: steward.Defer, Reason: steward.ReasonUnknownAtSend, Until: s.Now.Add(pauseLook)}
	switch {
	case s.FactsToCome():
		d.Detail = fmt.Sprintf("the last evaluation is of %s, which is still to come: the machine's clock was ahead then, or is behind now", on)
	case !s.GoodUntil.IsZero() && s.Now.After(s.GoodUntil):
		d.Detail = fmt.Sprintf("the last evaluation was on %s; facts are too old to speak on", on)
	default:
		return steward.Decision{}
	}
	return d
}

// gateOwnerTold keeps a mail back that somebody let go before its account's owner
// heard of it: the card that tells them is on its way.
func gateOwnerTold(s *Situation, c Candidate) steward.Decision {
	if !c.OwnerUntold || !c.Outreach.To.Customer() {
		return steward.Decision{}
	}
	return steward.Decision{Effect: steward.Defer, Reason: steward.ReasonOwnerUntold, Detail: "the account's owner has not been told of it yet", Until: s.Now.Add(toldLook)}
}

// pauseLook is how soon a message is looked at again that waits for a pause to
// end or an evaluation to come; factsLook how soon one that waits for facts to
// change.
const (
	pauseLook = 5 * time.Minute
	factsLook = 6 * time.Hour
)

// toldLook is how soon a mail is looked at again that waits for the card which
// tells the account's owner of it: as a rule that is on its way at this moment.
const toldLook = 15 * time.Second

// phaseOf reads the zero state as clear.
func phaseOf(st steward.PhaseState) steward.Phase {
	if st.Phase == "" {
		return steward.Clear
	}
	return st.Phase
}

func (p *Playbook) step(id string) (Step, bool) {
	for _, s := range p.Steps {
		if s.ID == id {
			return s, true
		}
	}
	return Step{}, false
}

// A Judgement is what was decided about a whole message at send.
type Judgement struct {
	steward.Decision
	// Carried is the outreach that a passing message carries.
	Carried []steward.Outreach
	// LeftOut says, of each outreach that a passing message goes without, why.
	LeftOut []steward.Record
	// Moves are outreach that another message is to say: a digest, or, of a card
	// that goes without them for now, cards of their own.
	Moves []steward.Move
}

// Judge decides about a whole message at send: it goes if any of its outreach
// may, and is put off if none may go now but one may later.
func (s *Situation) Judge(d steward.Dossier) Judgement {
	if d.Message.Kind == steward.Digest {
		s.Memory.Afoot = nil
		return s.judgeDigest(d)
	}
	if len(d.Outreach) == 0 {
		return Judgement{Decision: s.judgeBare(d)}
	}
	optedOut := ""
	if d.Suppressed {
		optedOut = d.SuppressedWhy
	}
	s.Memory.Afoot = map[steward.AccountID][]steward.PlaybookName{d.Message.Account: d.Afoot}
	s.Memory.Absent = map[string]steward.Day{lower(d.Message.To.Email): d.Back}
	var first steward.Decision
	var j Judgement
	deferred := make([]steward.Decision, len(d.Outreach))
	for i, o := range d.Outreach {
		verdict := s.Gate(Candidate{Outreach: o, Message: d.Message, Enrolment: d.Enrolments[i], Phase: d.Phases[i], OptedOut: optedOut, Pause: d.Paused, OwnerUntold: d.OwnerUntold, AtSend: true})
		if verdict.Passes() {
			j.Carried = append(j.Carried, o)
			continue
		}
		if verdict.Effect == steward.Defer {
			deferred[i] = verdict
		} else {
			j.LeftOut = append(j.LeftOut, leftOut(s, d.Message, o, verdict))
		}
		if first.Effect == "" || first.Effect == steward.Suppress && verdict.Effect == steward.Defer {
			first = verdict
		}
	}
	if !d.Doubt.IsZero() { // it may have been delivered, with all that it carried then
		j.LeftOut = nil
	} else {
		j.Moves = s.moves(d, deferred, len(j.Carried) > 0)
	}
	if len(j.Carried) > 0 {
		j.Decision = steward.Decision{Effect: steward.Pass}
		return j
	}
	return Judgement{Decision: first, Moves: j.Moves} // the ledger records it for each outreach
}

// moves is what of a card another message is to say: what came over days off, a
// digest; and what may not be said yet where the rest may, a card of its own, as
// what was left out would never be said.
func (s *Situation) moves(d steward.Dossier, deferred []steward.Decision, goes bool) []steward.Move {
	if d.Message.Kind != steward.Card {
		return nil
	}
	var out []steward.Move
	for i, verdict := range deferred {
		if verdict.Passes() {
			continue
		}
		o := d.Outreach[i]
		if why := s.digested(o, d.Message, verdict); why != "" {
			out = append(out, s.intoDigest(o, why, verdict))
		} else if goes {
			out = append(out, steward.Move{Outreach: o.ID, Into: []steward.Message{s.apart(d.Message, o, verdict)}, Decision: verdict})
		}
	}
	return out
}

// apart is a card of its own for one outreach of a card.
func (s *Situation) apart(m steward.Message, o steward.Outreach, verdict steward.Decision) steward.Message {
	m.ID = steward.NewMessageID(steward.Card, "apart", string(o.ID), string(o.To.Owner), o.To.Slack)
	m.State, m.Reason, m.Detail, m.Due, m.Planned = steward.Deferred, verdict.Reason, verdict.Detail, verdict.Until, s.Now
	m.Epoch, m.Attempts, m.Lease, m.Content, m.Ref = 0, 0, time.Time{}, nil, ""
	if verdict.Reason.StopsExpiry() && !m.Expires.IsZero() {
		m.Expires = m.Expires.Add(verdict.Until.Sub(s.Now))
	}
	return m
}

// judgeBare is for messages that carry no outreach: requests for approval and
// notices to ops. Only expiry and the standing order to be silent stop them.
func (s *Situation) judgeBare(d steward.Dossier) steward.Decision {
	c := Candidate{Message: d.Message, Pause: d.Paused, AtSend: true}
	for _, g := range []gate{gateExpired, gatePaused} {
		if v := g(s, c); !v.Passes() {
			return v
		}
	}
	if d.Message.Kind == steward.Approval {
		if len(d.Asked) > 0 && !slices.ContainsFunc(d.Asked, func(a steward.Asked) bool { return asksFor(a) || tells(a, d.Message.To) }) {
			return suppress(steward.ReasonApproved, "what it asks for is decided")
		}
	}
	if d.Message.Kind == steward.Approval || d.Message.Kind == steward.Digest || d.Message.Kind == steward.Notice && d.Message.To.Owner != "" {
		if v := s.outsideHours(d.Message.To, d.Message.Account); !v.Passes() {
			return v
		}
	}
	return steward.Decision{Effect: steward.Pass}
}
