package playbooks

import (
	"fmt"
	"slices"
	"strings"
	"time"

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
	// Then tells an explanation of a time that is over: Phase, Conditions and
	// Opening are as today's files judge the data of then, Enrolment is as the
	// ledger has it.
	Then bool `json:"then,omitempty"`
	// Sentence is the whole answer for a person in a hurry.
	Sentence string `json:"sentence"`
	// Phase is where the subject stands; a zero state is clear.
	Phase steward.PhaseState `json:"phase"`
	// Judged is how today's file judges the days before, oldest first.
	Judged []Stretch `json:"judged"`
	// Enrolment is the open one, else the newest ended; nil when there was none.
	Enrolment *steward.Enrolment `json:"enrolment,omitempty"`
	// Conditions are the playbook's conditions as written, each with what its
	// parts came to.
	Conditions []ExplainedCondition `json:"conditions"`
	// Portfolio and NoCustomerMail are the workspace's word on the account.
	Portfolio      steward.Verdict `json:"portfolio"`
	NoCustomerMail steward.Verdict `json:"no_customer_mail"`
	// Opening is what an enrolment has to pass to be opened, in order; nil while
	// one is.
	Opening []Check `json:"opening,omitempty"`
	// Next is what would be said next, and the gates before it; nil where nothing
	// is left to say.
	Next *Saying `json:"next,omitempty"`
}

// An ExplainedCondition is one condition of a playbook and what it came to.
type ExplainedCondition struct {
	// Name is the playbook's key: audience, when, until; or portfolio.include,
	// where that keeps the account out.
	Name  string      `json:"name"`
	Text  string      `json:"text"`
	Trace *lang.Trace `json:"trace"`
}

// A Check is one thing that has to be passed, by its short name, and how it was
// decided. Detail always says something.
type Check struct {
	Name string `json:"name"`
	steward.Decision
}

// A Saying is the next thing that a playbook would say to somebody.
type Saying struct {
	Step string `json:"step"`
	// What is the step in a few words, such as "nudge (Slack to owner)".
	What string            `json:"what"`
	To   steward.Recipient `json:"to,omitzero"`
	// Nobody says why there is nobody to say it to; "" where there is.
	Nobody string `json:"nobody,omitempty"`
	// Gates are all that it has to pass when it is sent, in order.
	Gates []Check `json:"gates,omitempty"`
	// Places are what it takes of what limits allow when it is sent. Whether one is
	// free is counted where it is sent; nil for a day that is over.
	Places []steward.Place `json:"-"`
}

// Explain tells where a subject stands with a playbook and why.
func (s *Situation) Explain(p *Playbook, subject steward.Subject) (Explanation, error) {
	judged, _ := s.Lookback(p, subject)
	return s.explain(p, subject, judged, false)
}

// Doings is what is kept of what was done about an account: enrolments of all
// times, their outreach, and the messages that carry it.
type Doings struct {
	Enrolments []steward.Enrolment
	Outreach   []steward.Outreach
	Messages   map[steward.MessageID]steward.Message
}

// ExplainThen is Explain for a situation of a time that is over. What was
// remembered then is not kept, so phases are those of Lookback, and the doings
// up to then say what was done.
func (s *Situation) ExplainThen(p *Playbook, subject steward.Subject, done Doings) (Explanation, error) {
	judged, phase := s.Lookback(p, subject)
	key := KeyOf(p.Name, subject)
	m := Memory{Salt: s.Memory.Salt, Versions: s.Memory.Versions, Phases: map[Key]steward.PhaseState{}, Open: map[Key]steward.Enrolment{}, Ended: map[Key]steward.Enrolment{},
		Outreach: map[steward.EnrolmentID][]steward.Outreach{}, Messages: map[steward.MessageID]steward.Message{}}
	if phaseOf(phase) != steward.Clear {
		m.Phases[key] = phase
	}
	now := s.Slot.Time()
	for _, o := range done.Outreach {
		if !o.Planned.After(now) {
			m.Outreach[o.Enrolment] = append(m.Outreach[o.Enrolment], o)
		}
	}
	for id, msg := range done.Messages {
		if msg.Settled.After(now) {
			msg.State = steward.Planned
		}
		m.Messages[id] = msg
	}
	for _, e := range done.Enrolments {
		switch {
		case KeyOf(e.Playbook, e.Subject) != key || e.OpenedAt.After(now):
		case e.EndedAt.IsZero() || e.EndedAt.After(now):
			m.Open[key] = e
		case !e.EndedAt.Before(m.Ended[key].EndedAt):
			m.Ended[key] = e
		}
	}
	return s.At(now, m).explain(p, subject, judged, true)
}

func (s *Situation) explain(p *Playbook, subject steward.Subject, judged []Stretch, then bool) (Explanation, error) {
	view := s.Frame.View(p.About)
	row, ok := view.Row(subject.ID)
	if !ok {
		return Explanation{}, fmt.Errorf("%s is not in the data", subject)
	}
	key := KeyOf(p.Name, subject)
	x := Explanation{Playbook: p.Name, Title: p.Title, Subject: subject, Slot: s.Slot, Then: then, Phase: s.Memory.Phases[key], Judged: judged}
	at := lang.At{}
	open := false
	if e, ok := s.Memory.Open[key]; ok {
		x.Enrolment, open = &e, true
	} else if e, ok := s.Memory.Ended[key]; ok {
		x.Enrolment = &e
	}
	if st := x.Phase; phaseOf(st) != steward.Clear {
		at.Episodes = map[int]lang.Episode{row: {Frozen: st.Frozen, Shift: int(s.lastDay(p) - st.EpisodeDay)}}
	}
	x.Portfolio, x.NoCustomerMail = s.portfolio(subject.Account)
	if x.Portfolio != steward.Holds {
		x.Conditions = append(x.Conditions, ExplainedCondition{"portfolio.include", s.Book.include.Source(), s.Book.include.Trace(s.accounts(), view.AccountRow(row), lang.At{})})
	}
	for _, c := range []struct {
		name string
		e    *lang.Expr
	}{{"audience", p.Audience}, {"when", p.When}, {"until", p.Until}, {"exit_when", p.ExitWhen}, {"goal", p.Goal.Reach}} {
		if c.e != nil && !(p.Kind == Rhythm && c.e == p.When) {
			x.Conditions = append(x.Conditions, ExplainedCondition{c.name, c.e.Source(), c.e.Trace(view, row, at)})
		}
	}
	if !open {
		x.Opening = s.opening(p, x)
	}
	x.Next = s.next(p, x, row, open)
	x.Sentence = s.sentence(p, x, open)
	return x, nil
}

// opening is what stands between the subject and an enrolment, in the order in
// which a run asks it.
func (s *Situation) opening(p *Playbook, x Explanation) []Check {
	c := Candidate{Outreach: steward.Outreach{Playbook: p.Name, Subject: x.Subject}}
	var out []Check
	add := func(name string, d steward.Decision, passing string) {
		if d.Passes() {
			d = steward.Decision{Effect: steward.Pass, Detail: passing}
		}
		out = append(out, Check{name, d})
	}
	add("portfolio", gatePortfolio(s, c), "portfolio.include takes the account in")
	add("enabled", gateDisabled(s, c), "the playbook is enabled")
	if a := x.condition("audience"); a != nil {
		d := steward.Decision{}
		if a.Trace.Value.Verdict() != steward.Holds {
			d = suppress(steward.ReasonNotInAudience, "%s", because(a.Trace))
		}
		add("audience", d, "it is in the audience")
	}
	if x.condition("when") != nil {
		d := steward.Decision{}
		if ph := phaseOf(x.Phase); ph != steward.Firing {
			d = steward.Decision{Effect: steward.Defer, Detail: "the phase is " + string(ph)}
		}
		add("condition", d, "it fires")
	}
	if p.Kind == Rhythm {
		add("calendar", s.comesRound(p, x.Subject), "")
		return out
	}
	add("rest", s.eligible(p, KeyOf(p.Name, x.Subject), x.Phase), s.rested(p, x))
	if base := s.Memory.States[p.Name].Baseline; !base.IsZero() {
		d := steward.Decision{}
		if phaseOf(x.Phase) != steward.Clear && x.Phase.Episode == base && !p.Backfill {
			d = steward.Decision{Effect: steward.Defer, Reason: steward.ReasonBaseline, Detail: "it held at the condition's first run, on " + day(base, s) + ", and is held until it is released"}
		}
		add("baseline", d, "it did not hold at the condition's first run, on "+day(base, s))
	}
	if p.Holdout > 0 {
		d := steward.Decision{}
		if s.arm(p, x.Subject.Account) == steward.Holdout {
			d = gateHoldout(s, Candidate{Enrolment: steward.Enrolment{Arm: steward.Holdout}})
		}
		add("holdout", d, "the account is not in the holdout")
	}
	return out
}

// rested says why nothing before keeps the subject from being enrolled.
func (s *Situation) rested(p *Playbook, x Explanation) string {
	if x.Enrolment == nil {
		return "it was never enrolled before"
	}
	return "its last enrolment ended on " + x.Enrolment.EndedAt.In(s.Book.Zone).Format("2 January 2006") + ", longer ago than the cooldown"
}

// lost is what is not kept of the past, so that nothing is claimed of it: the
// gates that look at it.
var lost = []string{"pause", "opt-out", "fresh facts"}

// next is what would be said next, with every gate before it. A subject that is
// not enrolled is looked at as if it were now, for the playbook's first word.
func (s *Situation) next(p *Playbook, x Explanation, row int, open bool) *Saying {
	w := &walker{Situation: s, p: p, view: s.Frame.View(p.About), row: row, phase: x.Phase}
	if open {
		w.Enrolment = *x.Enrolment
		if running, ok := s.running(w.Enrolment); ok {
			w.p = running
		}
	} else {
		if phaseOf(w.phase) == steward.Clear {
			w.phase = steward.PhaseState{Playbook: p.Name, Subject: x.Subject, Phase: steward.Firing, EpisodeDay: s.lastDay(p)}
		}
		w.Enrolment = steward.Enrolment{Playbook: p.Name, Subject: x.Subject, Episode: w.phase.Episode, EpisodeDay: w.phase.EpisodeDay, Frozen: w.phase.Frozen,
			State: steward.Active, Arm: s.arm(p, x.Subject.Account), Version: p.Version, OpenedAt: s.Now, StepSince: s.Now}
	}
	w.at, w.account = s.at(row, w.Enrolment, w.p), s.ownedBy(*w.view.Account(row))
	from := w.Enrolment.Step
	if x.Then { // where it stood then is not kept; what it had said is
		from = 0
		for i, step := range w.p.Steps {
			if len(w.timesOf(step)) > 0 {
				from = i
			}
		}
	}
	for _, step := range w.p.Steps[min(from, len(w.p.Steps)):] {
		if !step.Sends() {
			continue
		}
		if say, left := w.saying(step, x.Then); left {
			return &say
		}
	}
	return nil
}

// saying is a step's word as it would be sent; left tells that it was not said
// yet.
func (w *walker) saying(step Step, then bool) (say Saying, left bool) {
	say = Saying{Step: step.ID, What: step.describe()}
	to, found, why := w.resolve(step, w.account, w.Enrolment.Subject)
	o := steward.Outreach{ID: steward.NewOutreachID(w.Enrolment.ID, step.ID, "", to.Key), Enrolment: w.Enrolment.ID, Playbook: w.p.Name,
		Subject: w.Enrolment.Subject, Step: step.ID, To: to, Wording: step.Wording, Severity: string(w.p.Severity), Planned: w.Now}
	m := w.message(step, o)
	if times := w.timesOf(step); len(times) > 0 {
		newest := times[len(times)-1]
		switch _, settled := w.settledAt(newest); {
		case !settled:
			o, m, to, found = newest, w.Memory.Messages[newest.Message], newest.To, true
		case step.Remind.IsZero():
			return say, false
		}
	}
	if say.To = to; !found {
		say.Nobody = why
		return say, true
	}
	c := Candidate{Outreach: o, Message: m, Enrolment: w.Enrolment, Phase: w.phase, OptedOut: w.optedOut(m), Pause: w.Memory.Pause, AtSend: true}
	for _, g := range gates {
		if then && slices.Contains(lost, g.name) {
			continue
		}
		d := g.look(w.Situation, c)
		if d.Passes() {
			d = steward.Decision{Effect: steward.Pass, Detail: g.passing}
		}
		say.Gates = append(say.Gates, Check{g.name, d})
	}
	if !then {
		say.Places = w.Places(m, []steward.Outreach{o})
	}
	return say, true
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
func (s *Situation) sentence(p *Playbook, x Explanation, open bool) string {
	who := fmt.Sprintf("%s, %s", x.Subject.ID, p.Name)
	switch {
	case open && x.Then:
		return s.wasEnrolled(who, *x.Enrolment)
	case open:
		return s.enrolledSentence(who, p, x, *x.Enrolment)
	}
	if x.Then {
		who = fmt.Sprintf("%s, on %s", who, day(s.Slot, s))
	}
	switch {
	case x.Portfolio == steward.Unclear:
		return who + ": nothing happens, as it is not known whether the account is in the portfolio: " + because(x.condition("portfolio.include").Trace) + s.lastEnded(x) + "."
	case x.Portfolio != steward.Holds:
		return who + ": nothing happens, as the account is not in the portfolio: " + because(x.condition("portfolio.include").Trace) + s.lastEnded(x) + "."
	case !p.Enabled:
		return who + ": nothing happens, as the playbook is disabled" + s.lastEnded(x) + "."
	}
	if c := x.condition("audience"); c != nil && c.Trace.Value.Verdict() != steward.Holds {
		return fmt.Sprintf("%s: not enrolled, as the account is not in the audience: %s%s.", who, because(c.Trace), s.lastEnded(x))
	}
	if p.Kind == Rhythm {
		return s.rhythmSentence(who, p, x)
	}
	when := x.condition("when").Trace
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

// wasEnrolled is the sentence about an enrolment that was open at a time that is
// over, from what is kept of it.
func (s *Situation) wasEnrolled(who string, e steward.Enrolment) string {
	date := func(t time.Time) string { return t.In(s.Book.Zone).Format("2 January 2006") }
	was := "enrolled"
	if e.StepSince.IsZero() {
		was = "held"
	}
	out := fmt.Sprintf("%s: was %s on %s, since %s, because %s", who, was, day(s.Slot, s), date(e.OpenedAt), strings.Join(Words(e.Evidence), "; "))
	if e.EndedAt.IsZero() {
		return out + "; it still is."
	}
	return fmt.Sprintf("%s; it ended on %s (%s).", out, date(e.EndedAt), e.Reason)
}

func (s *Situation) enrolledSentence(who string, p *Playbook, x Explanation, e steward.Enrolment) string {
	since := e.OpenedAt.In(s.Book.Zone).Format("2 January 2006")
	why := Words(e.Evidence)
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
	switch p.Mode {
	case Shadow:
		sentence = strings.TrimSuffix(sentence, ".") + "; it is in shadow, so nothing is said."
	case Internal:
		sentence = strings.TrimSuffix(sentence, ".") + "; it is internal, so nothing is said to the customer."
	}
	if !e.GoalAt.IsZero() {
		sentence = strings.TrimSuffix(sentence, ".") + "; its goal was reached on " + e.GoalAt.In(s.Book.Zone).Format("2 January 2006") + "."
	}
	if s.snoozed(e) {
		sentence = strings.TrimSuffix(sentence, ".") + "; " + gateSnoozed(s, Candidate{Enrolment: e}).Detail + "."
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
	case s.Task != "":
		return s.ID + " (task for the " + s.Task + ")"
	case s.Webhook != "":
		return s.ID + " (webhook " + s.Webhook + ")"
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
	said := Words(lang.Evidence(t))
	if len(said) == 0 {
		return t.Text + " is " + t.Value.Verdict().String()
	}
	return strings.Join(said, "; ")
}

// Words is what evidence says, each thing once.
func Words(evidence []steward.Evidence) []string {
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
