package playbooks

import (
	"fmt"
	"slices"
	"strings"

	"steward"
	"steward/playbooks/lang"
)

// An Explanation answers "why did this happen, or not?" for one subject and
// one playbook: a sentence first, then everything it rests on.
type Explanation struct {
	Playbook steward.PlaybookName `json:"playbook"`
	Title    string               `json:"title"`
	Subject  steward.Subject      `json:"subject"`
	Slot     steward.Slot         `json:"slot"`
	// Sentence is the whole answer for a person in a hurry.
	Sentence string `json:"sentence"`
	// Phase is where the subject stands; a zero state is clear.
	Phase steward.PhaseState `json:"phase"`
	// Enrolment is the open one, else the newest ended; nil when there was none.
	Enrolment *steward.Enrolment `json:"enrolment,omitempty"`
	// Conditions are the playbook's conditions as written, each with what its
	// parts came to.
	Conditions []ExplainedCondition `json:"conditions"`
	// Portfolio and NoCustomerMail are the workspace's word on the account.
	Portfolio      steward.Verdict `json:"portfolio"`
	NoCustomerMail steward.Verdict `json:"no_customer_mail"`
	// Gates is what would stand in the way of saying something now, in order;
	// empty when nothing would.
	Gates []steward.Decision `json:"gates,omitempty"`
}

// An ExplainedCondition is one condition of a playbook and what it came to.
type ExplainedCondition struct {
	// Name is the playbook's key: audience, when, until.
	Name  string      `json:"name"`
	Text  string      `json:"text"`
	Trace *lang.Trace `json:"trace"`
}

// Explain tells where a subject stands with a playbook and why.
func (s *Situation) Explain(p *Playbook, subject steward.Subject) (Explanation, error) {
	view := s.Frame.View(p.About)
	row, ok := view.Row(subject.ID)
	if !ok {
		return Explanation{}, fmt.Errorf("%s is not in the data", subject)
	}
	key := KeyOf(p.Name, subject)
	x := Explanation{Playbook: p.Name, Title: p.Title, Subject: subject, Slot: s.Slot, Phase: s.Memory.Phases[key]}
	at := lang.At{}
	if e, ok := s.Memory.Open[key]; ok {
		x.Enrolment = &e
	} else if e, ok := s.Memory.Ended[key]; ok {
		x.Enrolment = &e
	}
	if st := x.Phase; phaseOf(st) != steward.Clear {
		at.Episodes = map[int]lang.Episode{row: {Frozen: st.Frozen, Shift: int(s.lastDay(p) - st.EpisodeDay)}}
	}
	for _, c := range []struct {
		name string
		e    *lang.Expr
	}{{"audience", p.Audience}, {"when", p.When}, {"until", p.Until}, {"exit_when", p.ExitWhen}} {
		if c.e != nil {
			x.Conditions = append(x.Conditions, ExplainedCondition{c.name, c.e.Source(), c.e.Trace(view, row, at)})
		}
	}
	x.Portfolio, x.NoCustomerMail = s.portfolio(subject.Account)
	x.Gates = s.standingGates(p, subject, x)
	x.Sentence = s.sentence(p, x)
	return x, nil
}

// standingGates is what stands in the way of saying something now.
func (s *Situation) standingGates(p *Playbook, subject steward.Subject, x Explanation) []steward.Decision {
	var out []steward.Decision
	c := Candidate{Outreach: steward.Outreach{Playbook: p.Name, Subject: subject}, Phase: x.Phase, Pause: s.Memory.Pause, AtSend: true}
	for _, g := range []gate{gatePortfolio, gateDisabled, gatePaused} {
		if d := g(s, c); !d.Passes() {
			out = append(out, d)
		}
	}
	if x.Enrolment != nil && x.Enrolment.Arm == steward.Holdout {
		out = append(out, gateHoldout(s, Candidate{Enrolment: *x.Enrolment}))
	}
	return out
}

func (x Explanation) condition(name string) *ExplainedCondition {
	for i := range x.Conditions {
		if x.Conditions[i].Name == name {
			return &x.Conditions[i]
		}
	}
	return nil
}

// sentence is the answer in one breath: what is going on, or the first thing
// that stands in the way.
func (s *Situation) sentence(p *Playbook, x Explanation) string {
	who := fmt.Sprintf("%s, %s", x.Subject.ID, p.Name)
	when := x.condition("when").Trace
	if e := x.Enrolment; e != nil && e.State.Open() {
		return s.enrolledSentence(who, p, x, *e)
	}
	switch {
	case x.Portfolio != steward.Holds:
		return who + ": nothing happens, as the account is not in the portfolio (portfolio.include is " + x.Portfolio.String() + ")" + s.lastEnded(x) + "."
	case !p.Enabled:
		return who + ": nothing happens, as the playbook is disabled" + s.lastEnded(x) + "."
	}
	if c := x.condition("audience"); c != nil && c.Trace.Value.Verdict() != steward.Holds {
		return fmt.Sprintf("%s: not enrolled, as the account is not in the audience: %s%s.", who, because(c.Trace), s.lastEnded(x))
	}
	switch phaseOf(x.Phase) {
	case steward.Pending:
		if when.Value.Verdict() != steward.Holds {
			return fmt.Sprintf("%s: pending since %s, and its time stands still while the condition cannot be judged: %s.", who, day(x.Phase.Episode, s), because(when))
		}
		return fmt.Sprintf("%s: the condition has held since %s (%s) and fires when it has held for %s.", who, day(x.Phase.Episode, s), because(when), days(p.For))
	case steward.Clearing:
		return fmt.Sprintf("%s: recovering since %s.", who, day(x.Phase.Since, s))
	case steward.Firing:
		if d := s.eligible(p, KeyOf(p.Name, x.Subject), x.Phase); !d.Passes() {
			return fmt.Sprintf("%s: fires since %s, and it is not enrolled, as %s.", who, day(x.Phase.Since, s), d.Detail)
		}
		if when.Value.Verdict() != steward.Holds {
			return fmt.Sprintf("%s: fires since %s and has not recovered; it is enrolled once the condition holds again.", who, day(x.Phase.Since, s))
		}
		return fmt.Sprintf("%s: the condition holds (%s); the next evaluation enrols it.", who, because(when))
	}
	switch when.Value.Verdict() {
	case steward.Unclear:
		return fmt.Sprintf("%s: not enrolled, as the condition cannot be judged: %s%s.", who, because(when), s.lastEnded(x))
	case steward.Holds:
		return fmt.Sprintf("%s: the condition holds (%s); the next evaluation takes it up.", who, because(when))
	}
	return fmt.Sprintf("%s: not enrolled, as the condition does not hold: %s%s.", who, because(when), s.lastEnded(x))
}

// lastEnded is when and how the last enrolment ended, for the end of a
// sentence; "" where there was none.
func (s *Situation) lastEnded(x Explanation) string {
	if x.Enrolment == nil {
		return ""
	}
	return fmt.Sprintf("; it was last enrolled from %s to %s (%s)", x.Enrolment.OpenedAt.In(s.Book.Zone).Format("2 January 2006"),
		x.Enrolment.EndedAt.In(s.Book.Zone).Format("2 January 2006"), x.Enrolment.Reason)
}

func (s *Situation) enrolledSentence(who string, p *Playbook, x Explanation, e steward.Enrolment) string {
	since := e.OpenedAt.In(s.Book.Zone).Format("2 January 2006")
	why := words(e.Evidence)
	if e.State == steward.Quarantined {
		held := "it already held at the first run of the condition"
		if e.Reason == steward.ReasonBlastRadius {
			held = "one run would have opened more than max_new"
		}
		return fmt.Sprintf("%s: held since %s, as %s (%s); `steward release` lets it go.", who, since, held, strings.Join(why, "; "))
	}
	running, ok := s.running(e)
	if !ok {
		running = p
	}
	step := "its last step"
	if e.Step < len(running.Steps) {
		step = running.Steps[e.Step].describe()
	}
	if why := s.waitsToKnow(running, e); why != "" {
		step += ", which waits until it is known whether its `if` holds: " + why
	} else if !e.Due.IsZero() {
		step += " until " + e.Due.In(s.Book.Zone).Format("2 January 2006 15:04")
	}
	sentence := fmt.Sprintf("%s: enrolled since %s because %s; now at step %d of %d, %s.", who, since, strings.Join(why, "; "), min(e.Step+1, len(running.Steps)), len(running.Steps), step)
	if e.Arm == steward.Holdout {
		sentence = strings.TrimSuffix(sentence, ".") + "; it is in the holdout, so nothing is said."
	}
	if x.Phase.Phase == steward.Clearing {
		sentence = strings.TrimSuffix(sentence, ".") + "; the account is recovering, so sending waits."
	}
	return sentence
}

// waitsToKnow says what is not known where the step at hand waits for that; ""
// where it does not.
func (s *Situation) waitsToKnow(p *Playbook, e steward.Enrolment) string {
	view := s.Frame.View(p.About)
	row, ok := view.Row(e.Subject.ID)
	if !ok || e.Step >= len(p.Steps) || p.Steps[e.Step].If == nil {
		return ""
	}
	if t := p.Steps[e.Step].If.Trace(view, row, s.at(row, e, p)); t.Value.Verdict() == steward.Unclear {
		return because(t)
	}
	return ""
}

// describe is a step in a few words.
func (s Step) describe() string {
	switch {
	case !s.Wait.IsZero():
		return "waiting " + s.Wait.String()
	case s.Slack != "":
		return s.ID + " (Slack to " + s.Slack + ")"
	default:
		return s.ID + " (mail to " + strings.Join(s.Email, " or ") + ")"
	}
}

// because says what decided a verdict: the comparisons that did, in words, or
// why they are not known.
func because(t *lang.Trace) string {
	if t.Value.Verdict() == steward.Unclear {
		if why := firstUnknown(t); why != "" {
			return why
		}
		return "a value is not known"
	}
	said := words(lang.Evidence(t))
	if len(said) == 0 {
		return t.Text + " is " + t.Value.Verdict().String()
	}
	return strings.Join(said, "; ")
}

// words is what evidence says, each thing once.
func words(evidence []steward.Evidence) []string {
	var out []string
	for _, e := range evidence {
		if e.Words != "" && !slices.Contains(out, e.Words) {
			out = append(out, e.Words)
		}
	}
	return out
}

func firstUnknown(t *lang.Trace) string {
	for _, c := range t.Children {
		if why := firstUnknown(c); why != "" {
			return why
		}
	}
	if !t.Value.Known {
		return t.Why
	}
	return ""
}

func day(slot steward.Slot, s *Situation) string {
	return slot.Time().In(s.Book.Zone).Format("2 January 2006")
}

func days(n float64) string {
	return daysText(steward.Days(n))
}
