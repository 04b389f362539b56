package playbooks

import (
	"slices"
	"strings"
	"time"

	"steward"
)

// What was said once is said again to somebody when it comes back to them: a
// snooze is over, what they took on was not done in time, or it is theirs now. It
// is the same step's card with the facts of now, under a title that says why, in
// the thread of the first where that went to the same person. Each has an
// occurrence of its own, by which it is said once.
const (
	wokenPrefix = "woken-" // and the day
	takenPrefix = "taken-" // and the day on which it was taken on
	movedPrefix = "moved-" // and to whom
)

// asAgain says in a card's title why it comes again.
func (l letter) asAgain(c *steward.Content) {
	for prefix, words := range map[string]string{wokenPrefix: "Back from its snooze: ", takenPrefix: "Still to finish: ", movedPrefix: "Now yours: "} {
		if strings.HasPrefix(l.outreach.Occurrence, prefix) && len(c.Parts) == 1 {
			c.Title = words + c.Title
		}
	}
}

// again plans a card that was sent once more, to somebody.
func (w *walker) again(o steward.Outreach, to steward.Recipient, occurrence string) {
	step, ok := w.p.step(o.Step)
	if !ok {
		return
	}
	o.ID, o.To, o.Occurrence, o.Planned, o.Priority, o.Digested = steward.NewOutreachID(w.Enrolment.ID, o.Step, occurrence, to.Key), to, occurrence, w.Now, w.priority(), ""
	if o.Assignment != nil { // the task is the one that was given
		a := *o.Assignment
		o.Assignment = &a
	}
	m := w.message(step, o)
	d := w.Gate(Candidate{Outreach: o, Message: m, Enrolment: w.Enrolment, Phase: w.phase, OptedOut: w.optedOut(m), Pause: w.Memory.Pause})
	if d.Effect == steward.Suppress {
		o.Message, o.Suppressed = "", d.Reason
		w.Outreach = append(w.Outreach, o)
		w.record(o.Step, o.ID, d)
		return
	}
	if d.Effect == steward.Defer {
		m.State, m.Due, m.Reason, m.Detail = steward.Deferred, d.Until, d.Reason, d.Detail
		w.record(o.Step, o.ID, d)
	}
	o.Message = m.ID
	w.Outreach, w.Messages = append(w.Outreach, o), append(w.Messages, m)
}

// firstCard is the first card of the enrolment that was heard, as far as anybody
// knows.
func (w *walker) firstCard() (steward.Outreach, steward.Message, bool) {
	for _, o := range w.Memory.Outreach[w.Enrolment.ID] {
		m := w.Memory.Messages[o.Message]
		if m.Channel == steward.Slack && (m.State == steward.Sent || m.State == steward.Uncertain) {
			return o, m, true
		}
	}
	return steward.Outreach{}, steward.Message{}, false
}

// saidAgain tells whether something was said again with one of some prefixes,
// since a moment.
func (w *walker) saidAgain(since time.Time, prefixes ...string) bool {
	return slices.ContainsFunc(slices.Concat(w.Memory.Outreach[w.Enrolment.ID], w.Outreach), func(o steward.Outreach) bool {
		return !o.Planned.Before(since) && slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(o.Occurrence, p) })
	})
}

// doneBy is until when whoever took it on should have it done; zero where nobody
// has to.
func (w *walker) doneBy() time.Time {
	e := w.Enrolment
	if w.p.DoneWithin.IsZero() || e.AckedAt.IsZero() || !e.FinishedAt.IsZero() || !e.State.Open() {
		return time.Time{}
	}
	return w.p.DoneWithin.After(e.AckedAt, w.Book.Zone)
}

// staysOpen keeps an enrolment open after its last step while somebody has yet to
// say that it is done: until they were reminded and have had that time again.
// Where nobody takes it on, it is kept for as long as its card is worth it.
func (w *walker) staysOpen() bool {
	e := &w.Enrolment
	if w.p.DoneWithin.IsZero() || !e.FinishedAt.IsZero() || e.Arm == steward.Holdout {
		return false
	}
	if _, _, ok := w.firstCard(); !ok {
		return false
	}
	until := e.StepSince.Add(DefaultExpiry)
	if by := w.doneBy(); !by.IsZero() {
		until = w.p.DoneWithin.After(by, w.Book.Zone)
	}
	if !w.Now.Before(until) {
		return false
	}
	w.wait(until)
	return true
}

// remindTaker reminds whoever took it on, once, when it should have been done. Of
// somebody whom owners.yaml does not know nothing can be asked.
func (w *walker) remindTaker() {
	e := &w.Enrolment
	by := w.doneBy()
	if by.IsZero() {
		return
	}
	if w.Now.Before(by) {
		if e.State == steward.Waiting && !e.Due.IsZero() && by.Before(e.Due) {
			e.Due = by
		}
		return
	}
	first, _, ok := w.firstCard()
	taker, known := w.Book.owners[steward.OwnerID(e.AckedBy)]
	if !ok || !known || w.saidAgain(by, takenPrefix, wokenPrefix) {
		return
	}
	w.again(first, recipientOf(taker, "taker"), takenPrefix+steward.DayOf(e.AckedAt, w.Book.Zone).String())
}

// remindSnoozer brings back to somebody what they had put off.
func (w *walker) remindSnoozer(by string, at time.Time) {
	first, _, ok := w.firstCard()
	snoozer, known := w.Book.owners[steward.OwnerID(by)]
	if ok && known {
		w.again(first, recipientOf(snoozer, "snoozer"), wokenPrefix+steward.DayOf(at, w.Book.Zone).String())
	}
}

// touchCounts takes a call, a meeting or a mail of one of us with the account as
// taking it on, where the card came first: whoever speaks with them looks after it.
func (w *walker) touchCounts() {
	e := &w.Enrolment
	if !e.AckedAt.IsZero() || e.State == steward.Quarantined {
		return
	}
	_, m, ok := w.firstCard()
	if !ok {
		return
	}
	row, ok := w.accounts().Row(string(w.account.ID))
	if !ok {
		return
	}
	since, today := steward.DayOf(m.Settled, w.Book.Zone), steward.DayOf(w.Now, w.Book.Zone)
	for _, t := range w.accounts().Touches(row) {
		if t.Day < since || t.Day > today || !t.Reached() {
			continue
		}
		e.AckedAt, e.AckedBy = w.Now, w.toucher(t)
		w.at = w.Situation.at(w.row, *e, w.p)
		w.record("", "", steward.Decision{Effect: steward.Pass, Reason: steward.ReasonTouchSeen, Detail: "counts as taken on: a " + touchKind(t) + " by " + w.Book.named(e.AckedBy) + " on " + t.Day.String()})
		return
	}
}

// toucher is who made a touch: one of us by id, name or address, else as the data
// names them.
func (w *walker) toucher(t steward.Touch) string {
	by := lower(t.By)
	for _, o := range w.Book.Owners {
		if by != "" && o.Pool == "" && (by == lower(string(o.ID)) || by == lower(o.Name) || by == lower(o.Email)) {
			return string(o.ID)
		}
	}
	if t.By == "" {
		return "a colleague"
	}
	return plainLine(t.By)
}

func touchKind(t steward.Touch) string {
	if t.Kind == "" {
		return "touch"
	}
	return plainLine(t.Kind)
}
