package playbooks

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"steward"
	"steward/facts"
	"steward/playbooks/lang"
)

// Progress is what moving an enrolment on came to: the enrolment as it now
// stands and what has to be written with it.
type Progress struct {
	Enrolment steward.Enrolment
	Outreach  []steward.Outreach
	Messages  []steward.Message
	Records   []steward.Record
	// Stopped are its drafts that need no approval any more.
	Stopped []steward.Stop
	// Recalled takes approvals of its mails back.
	Recalled []steward.Recall
	// Withdrawn are what of it is not to be said after all.
	Withdrawn []steward.Withdrawal
	// HandOvers and Redrafts are what of it is for somebody else by now.
	HandOvers []steward.HandOver
	Redrafts  []steward.Redraft
	// Repaint are cards of its that show something else by now.
	Repaint []steward.MessageID
	// Joins are what of it is to be said in a digest.
	Joins []steward.Move
	// Tasks are those that it gives beside its steps'.
	Tasks []steward.Task
	// Moved tells that Enrolment differs from what was stored.
	Moved bool
}

// Empty tells that there is nothing to write.
func (p Progress) Empty() bool {
	return !p.Moved && len(p.Outreach)+len(p.Messages)+len(p.Records)+len(p.HandOvers)+len(p.Redrafts)+len(p.Repaint)+len(p.Joins)+len(p.Tasks) == 0
}

// walker moves one enrolment along its steps as far as it can go now.
type walker struct {
	*Situation
	p       *Playbook
	view    *facts.View
	row     int
	at      lang.At
	phase   steward.PhaseState
	account steward.Account
	Progress
}

// Advance moves an enrolment on: ends it where its subject, playbook or
// episode is gone or exit_when holds, else works through its steps until one
// has to wait. phase is where the subject stands after this slot; the zero
// phase is clear.
func (s *Situation) Advance(e steward.Enrolment, phase steward.PhaseState) Progress {
	w := &walker{Situation: s, phase: phase}
	w.Enrolment = e
	before := e
	w.run()
	w.Moved = !sameEnrolment(before, w.Enrolment)
	return w.Progress
}

func sameEnrolment(a, b steward.Enrolment) bool {
	return a.State == b.State && a.Reason == b.Reason && a.Step == b.Step && a.StepSince.Equal(b.StepSince) && a.Due.Equal(b.Due) && a.RepliedAt.Equal(b.RepliedAt) &&
		a.AckedAt.Equal(b.AckedAt) && a.SnoozedUntil.Equal(b.SnoozedUntil)
}

func (w *walker) run() {
	e := &w.Enrolment
	if _, ok := w.Book.Playbook(e.Playbook); !ok {
		w.exit(steward.ReasonPlaybookRemoved, "the playbook is no longer in the workspace")
		return
	}
	p, ok := w.running(*e)
	if !ok {
		w.end(steward.Failed, steward.ReasonPlaybookRemoved, "the playbook text it began on can no longer be read")
		return
	}
	w.p, w.view = p, w.Frame.View(p.About)
	row, ok := w.view.Row(e.Subject.ID)
	if !ok {
		w.exit(steward.ReasonSubjectGone, e.Subject.String()+" is no longer in the data")
		return
	}
	w.row, w.at = row, w.Situation.at(row, *e, p)
	w.account = *w.view.Account(row)
	w.account.Owner = w.ownerOf(w.account, *e)
	if in, _ := w.portfolio(w.account.ID); in == steward.Fails {
		w.exit(steward.ReasonNotInPortfolio, "the account has left the portfolio")
		return
	}
	if w.episodeOver() {
		w.recovered()
		return
	}
	if e.State == steward.Quarantined {
		if !w.Now.Before(e.OpenedAt.Add(QuarantineFor)) {
			w.exit(steward.ReasonQuarantineExpired, "nobody released it within 14 days")
		}
		return
	}
	if p.ExitWhen != nil && w.verdict(p.ExitWhen) == steward.Holds {
		w.exit(steward.ReasonExitWhen, "exit_when holds: "+p.ExitWhen.Source())
		return
	}
	if w.replied() {
		return
	}
	w.handOver()
	if w.sleeping() {
		return
	}
	w.touchCounts()
	w.work()
	w.remindTaker()
}

// work goes through the steps until one has to wait.
func (w *walker) work() {
	e, p := &w.Enrolment, w.p
	for e.State.Open() && e.Step < len(p.Steps) {
		if w.episodeOver() { // the step just done was to go on through recovery, the next is not
			w.recovered()
			return
		}
		if !w.step(p.Steps[e.Step]) {
			return
		}
	}
	if e.State.Open() && !w.staysOpen() {
		w.end(steward.Completed, steward.ReasonCompleted, "every step is done")
	}
}

// recovered ends an enrolment whose episode is over.
func (w *walker) recovered() {
	if w.verdict(w.p.Audience) == steward.Fails {
		w.exit(steward.ReasonNotInAudience, "the account has left the playbook's audience")
		return
	}
	if w.p.Until != nil {
		w.exit(steward.ReasonRecovered, "recovered: "+w.p.Until.Source())
		return
	}
	w.exit(steward.ReasonRecovered, "the condition no longer holds")
}

// episodeOver tells a signal whose condition has ended, or a quarantined
// opening of any kind: nothing was begun there that could go on.
func (w *walker) episodeOver() bool {
	if phaseOf(w.phase) != steward.Clear && w.phase.Episode == w.Enrolment.Episode {
		return false
	}
	if w.Enrolment.State == steward.Quarantined {
		return true
	}
	if w.p.Kind != Signal || alone(w.Enrolment) {
		return false
	}
	return w.Enrolment.Step >= len(w.p.Steps) || !w.p.Steps[w.Enrolment.Step].ContinueOnRecovery
}

func (w *walker) verdict(e *lang.Expr) steward.Verdict {
	if e == nil {
		return steward.Holds
	}
	return e.Value(w.view, w.row, w.at).Verdict()
}

// exit ends the enrolment early. A draft that still waits for approval goes
// with it: nobody should approve in vain.
func (w *walker) exit(r steward.Reason, detail string) {
	w.end(steward.Exited, r, detail)
	for _, o := range w.Memory.Outreach[w.Enrolment.ID] {
		if w.Memory.Messages[o.Message].State == steward.AwaitingApproval {
			w.Stopped = append(w.Stopped, steward.Stop{Message: o.Message, Reason: steward.ReasonEpisodeOver, Detail: "the enrolment ended: " + string(r)})
		}
	}
}

func (w *walker) end(state steward.EnrolmentState, r steward.Reason, detail string) {
	w.Enrolment.State, w.Enrolment.Reason, w.Enrolment.EndedAt, w.Enrolment.Due = state, r, w.Now, time.Time{}
	w.record("", "", steward.Decision{Effect: steward.Pass, Reason: r, Detail: detail})
}

func (w *walker) record(step string, o steward.OutreachID, d steward.Decision) {
	w.Records = append(w.Records, steward.Record{
		At: steward.SlotAt(w.Now), Playbook: w.Enrolment.Playbook, Subject: w.Enrolment.Subject,
		Enrolment: w.Enrolment.ID, Outreach: o, Step: step, Decision: d,
	})
}

// wait keeps the enrolment at its step until due; zero means until something
// about it changes.
func (w *walker) wait(due time.Time) bool {
	w.Enrolment.State, w.Enrolment.Due = steward.Waiting, due
	return false
}

// next leaves the step as done at t, from when the following wait counts.
func (w *walker) next(t time.Time) bool {
	w.Enrolment.State, w.Enrolment.Due = steward.Active, time.Time{}
	w.Enrolment.Step++
	w.Enrolment.StepSince = t
	return true
}

// step works on one step; false means it has to wait.
func (w *walker) step(s Step) bool {
	if !s.Wait.IsZero() {
		return w.waitStep(s)
	}
	if times := w.timesOf(s); len(times) > 0 {
		if !s.Remind.IsZero() {
			return w.reminding(s, times)
		}
		return w.settledStep(times[0])
	}
	if s.At != nil {
		if moved, done := w.pinned(s); done {
			return moved
		}
	}
	if s.Unless != nil && w.verdict(s.Unless) == steward.Holds {
		w.record(s.ID, "", steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonUnless, Detail: "unless holds: " + s.Unless.Source()})
		return w.next(w.Now)
	}
	if s.If != nil {
		if s.If.UsesAcked() && !w.saidAnything() {
			w.record(s.ID, "", steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonIfFalse, Detail: "no card was sent that anybody could have taken on"})
			return w.next(w.Now)
		}
		if s.If.UsesDone() && !w.gaveTask() {
			w.record(s.ID, "", steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonIfFalse, Detail: "no task was given that anybody could have done"})
			return w.next(w.Now)
		}
		switch w.verdict(s.If) {
		case steward.Fails:
			w.record(s.ID, "", steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonIfFalse, Detail: "if does not hold: " + s.If.Source()})
			return w.next(w.Now)
		case steward.Unclear:
			return w.wait(time.Time{})
		}
	}
	return w.say(s, 1)
}

func (w *walker) waitStep(s Step) bool {
	if s.Unless != nil && w.verdict(s.Unless) == steward.Holds {
		w.record(s.ID, "", steward.Decision{Effect: steward.Pass, Reason: steward.ReasonUnless, Detail: "the wait ended early: " + s.Unless.Source()})
		return w.next(w.Now)
	}
	if w.replyEndsWait() {
		w.record(s.ID, "", steward.Decision{Effect: steward.Pass, Reason: steward.ReasonReplied, Detail: "the wait ended early: somebody replied"})
		return w.next(w.Now)
	}
	due := s.Wait.After(w.Enrolment.StepSince, w.Book.Zone)
	if w.Now.Before(due) {
		return w.wait(due)
	}
	return w.next(due)
}

// pinned handles `at`: done tells that the step does not go on now, moved
// whether the enrolment went past it.
func (w *walker) pinned(s Step) (moved, done bool) {
	day := s.At.Value(w.view, w.row, w.at).Day()
	if day == steward.NoDay {
		return w.wait(time.Time{}), true
	}
	due := day.Start(w.Book.Zone)
	if w.Now.Before(due) {
		return w.wait(due), true
	}
	// Late is a date that had passed when the step was reached. A worker that
	// was down on the day itself is not the playbook's fault: it says it now.
	if steward.DayOf(w.Enrolment.StepSince, w.Book.Zone) > day && s.IfLate == LateSkip {
		w.record(s.ID, "", steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonLate, Detail: day.String() + " had passed when the step was reached, and if_late says skip"})
		return w.next(w.Now), true
	}
	return false, false
}

// timesOf is the outreach of this step that was already decided, oldest first:
// one, or with reminders several.
func (w *walker) timesOf(s Step) []steward.Outreach {
	var out []steward.Outreach
	for _, o := range w.Memory.Outreach[w.Enrolment.ID] {
		if o.Step == s.ID {
			out = append(out, o)
		}
	}
	// Two of one second, where nothing was waited for, are in order of their number.
	slices.SortStableFunc(out, func(a, b steward.Outreach) int {
		return cmp.Or(a.Planned.Compare(b.Planned), cmp.Compare(len(a.Occurrence), len(b.Occurrence)), cmp.Compare(a.Occurrence, b.Occurrence))
	})
	return out
}

// settledStep goes on once the step's message has settled, counting from then.
func (w *walker) settledStep(o steward.Outreach) bool {
	at, settled := w.settledAt(o)
	if !settled {
		w.Enrolment.State, w.Enrolment.Due = steward.Active, time.Time{}
		return false
	}
	return w.next(at)
}

// settledAt tells whether there is nothing to come of an outreach any more, and
// since when: since its message settled, or since nothing carried it.
func (w *walker) settledAt(o steward.Outreach) (time.Time, bool) {
	if o.Message == "" {
		return o.Planned, true
	}
	m, ok := w.Memory.Messages[o.Message]
	return m.Settled, ok && m.State.Settled()
}

// saidAnything tells whether any card of this enrolment was delivered, as far
// as anybody knows.
func (w *walker) saidAnything() bool {
	for _, o := range w.Memory.Outreach[w.Enrolment.ID] {
		m, ok := w.Memory.Messages[o.Message]
		if ok && m.Channel == steward.Slack && (m.State == steward.Sent || m.State == steward.Uncertain) {
			return true
		}
	}
	return false
}

// say plans a sending step's outreach and its message: for the first time, or
// the nth as a reminder.
func (w *walker) say(s Step, n int) bool {
	to, found, why := w.resolve(s, w.account, w.Enrolment.Subject)
	if !found {
		w.record(s.ID, "", steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonNoAddress, Detail: why})
		return w.next(w.Now)
	}
	o := steward.Outreach{
		ID: steward.NewOutreachID(w.Enrolment.ID, s.ID, s.occurrence(n), to.Key), Enrolment: w.Enrolment.ID, Playbook: w.Enrolment.Playbook, Subject: w.Enrolment.Subject,
		Step: s.ID, Occurrence: s.occurrence(n), To: to, Wording: s.Wording, Severity: string(w.p.Severity), Priority: w.priority(), Planned: w.Now,
	}
	m := w.message(s, o)
	verdict := w.Gate(Candidate{Outreach: o, Message: m, Enrolment: w.Enrolment, Phase: w.phase, OptedOut: w.optedOut(m), Pause: w.Memory.Pause})
	if verdict.Effect == steward.Suppress {
		return w.unsaid(s, n, o, verdict)
	}
	w.askName(o, m)
	if verdict.Effect == steward.Defer && s.Approve.Needed() {
		if verdict.Reason == steward.ReasonNameMissing && !w.Now.Before(w.nameBy(s)) {
			return w.unsaid(s, n, o, suppress(steward.ReasonExpired, "nobody told the name that the mail prints in the time that it was worth sending"))
		}
		// Nobody is asked about what may not go yet: by then it may be moot, and
		// the words about it stale. The step looks again.
		if w.Enrolment.State != steward.Waiting {
			w.record(s.ID, o.ID, verdict)
		}
		return w.wait(verdict.Until)
	}
	if s.Approve.Needed() {
		content, err := w.compose(m, []steward.Outreach{o}, map[steward.EnrolmentID]steward.Enrolment{w.Enrolment.ID: w.Enrolment})
		if err != nil {
			return w.unsaid(s, n, o, suppress(steward.ReasonCompose, "%v", err))
		}
		m.Version = 1
		w.Messages = append(w.Messages, w.askApproval(s, &m, content, w.seen())...)
	}
	switch why := w.digested(o, m, verdict); {
	case why != "":
		m = w.join(&o, why, verdict)
	case verdict.Effect == steward.Defer:
		m.State, m.Due, m.Reason, m.Detail = steward.Deferred, verdict.Until, verdict.Reason, verdict.Detail
		if verdict.Reason.StopsExpiry() {
			m.Expires = m.Expires.Add(verdict.Until.Sub(w.Now))
		}
		w.record(s.ID, o.ID, verdict)
	}
	o.Message = m.ID
	w.assign(s, &o)
	w.Outreach, w.Messages = append(w.Outreach, o), append(w.Messages, m)
	w.Enrolment.State, w.Enrolment.Due = steward.Active, time.Time{}
	return false
}

// unsaid keeps the intent with the reason why nothing carries it, and goes on:
// past the step, or to when it would be said again.
func (w *walker) unsaid(s Step, n int, o steward.Outreach, d steward.Decision) bool {
	o.Suppressed = d.Reason
	w.Outreach = append(w.Outreach, o)
	w.record(s.ID, o.ID, d)
	if n < s.Max {
		return w.wait(s.Remind.After(w.Now, w.Book.Zone))
	}
	return w.next(w.Now)
}

func (w *walker) optedOut(m steward.Message) string {
	why, _ := w.Memory.Suppressed.Why(lower(m.To.Email), m.Topic)
	return why
}

func (w *walker) priority() steward.Value {
	if w.p.Priority == nil {
		return steward.Unknown(steward.NumberKind)
	}
	return w.p.Priority.Value(w.view, w.row, w.at)
}

// message is what will carry the outreach. Nudges to one person about one
// account at one moment share a card; a mail is its own.
func (w *walker) message(s Step, o steward.Outreach) steward.Message {
	m := steward.Message{
		Kind: steward.Card, Channel: steward.Slack, To: o.To, Account: o.Subject.Account, State: steward.Planned,
		Due: w.Now, Planned: w.Now, Expires: w.Now.Add(s.expiry()), RetryUncertain: s.RetryUncertain,
	}
	m.ID = steward.NewMessageID(steward.Card, string(o.To.Owner), o.To.Slack, o.To.Key, string(o.Subject.Account), steward.SlotAt(w.Now).String())
	if s.Task != "" { // what is to be done stands by itself
		m.ID = steward.NewMessageID(steward.Card, "task", string(o.ID), string(o.To.Owner), o.To.Slack)
		return m
	}
	if o.To.Webhook != "" {
		m.Kind, m.Channel = steward.Call, steward.Webhook
		m.ID = steward.NewMessageID(steward.Call, string(o.ID))
		return m
	}
	if !o.To.Customer() {
		return m
	}
	m.Kind, m.Channel, m.Sender, m.Topic = steward.Mail, steward.Email, w.account.Owner, s.Topic
	m.ID = steward.NewMessageID(steward.Mail, string(o.ID))
	return m
}

func (s Step) expiry() time.Duration {
	if s.Expires > 0 {
		return s.Expires
	}
	return DefaultExpiry
}

// seen is the evidence of the enrolment as a card would tell it.
func (w *walker) seen() []string {
	return letter{playbook: w.p, view: w.view, row: w.row, at: w.at, enrol: w.Enrolment}.evidence()
}

// askApproval freezes the mail as composed and asks its approver in Slack.
// With a veto it goes by itself when the time is over, and the card says so:
// the owner always knows before their customer hears, so that where their manager
// is asked they get a card, too. It returns the cards, which are written when they
// go: until then they may come to ask about more. None where nobody can be asked.
func (w *walker) askApproval(s Step, m *steward.Message, content steward.Content, evidence []string) []steward.Message {
	m.State, m.Reason = steward.AwaitingApproval, steward.ReasonAwaiting
	content.Basis = &steward.Basis{Evidence: evidence, Facts: w.watched(w.account, m.To)}
	m.Content, m.Hash, m.Veto = &content, ContentHash(content), time.Time{}
	m.Approvers = w.Book.approvers(s.Approve, w.account)
	if s.Approve.Veto > 0 {
		m.Veto = w.Now.Add(s.Approve.Veto)
	}
	owner, ok, _ := w.ownerRecipient(w.account, "approver")
	asked := []steward.Recipient{owner}
	if s.Approve.By == "manager" {
		manager, found, _ := w.managerRecipient(w.account)
		switch {
		case !found:
		case !ok || manager.Owner == owner.Owner && manager.Slack == owner.Slack:
			asked, ok = []steward.Recipient{manager}, true
		default:
			asked = []steward.Recipient{manager, owner}
		}
	}
	if !ok {
		// Nobody to ask in Slack. `steward outreach` still lists it, and silence of
		// those who were never told lets nothing out.
		m.Veto = time.Time{}
		if s.Approve.Unattended { // nor is there anybody to tell
			m.State, m.Reason = steward.Planned, ""
		}
		return nil
	}
	var cards []steward.Message
	for i, to := range asked {
		about := []string{string(m.ID), strconv.Itoa(m.Version)}
		if i > 0 {
			about = append(about, "owner")
		}
		cards = append(cards, steward.Message{
			ID: steward.NewMessageID(steward.Approval, about...), Kind: steward.Approval, Channel: steward.Slack, To: to,
			Account: m.Account, State: steward.Planned, Due: w.Now, Planned: w.Now, Expires: m.Expires, For: m.ID, Version: 1, RetryUncertain: true,
		})
	}
	return cards
}
