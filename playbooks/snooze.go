package playbooks

import (
	"fmt"
	"time"

	"steward"
	"steward/playbooks/lang"
)

// How long something can be put off at most, and for how long it is put off that
// waits for a change: by then somebody should look at it, changed or not.
const (
	snoozeMost   = 30 * 24 * time.Hour
	snoozeChange = snoozeMost
)

// morning is when a day begins for people whose hours nobody knows.
const morning = 8*time.Hour + 30*time.Minute

// snooze puts off what a card is about, or one part of it: its waits and its
// escalation stand still meanwhile, and nothing of it is said. It is no lighter
// matter for being critical: a person said so.
func snooze(s *Situation, d Doing) Done {
	list := begun(d.Enrolments)
	if len(list) == 0 {
		return refused(d, s.whyNot(d))
	}
	choice := d.Values["choice"]
	if choice == "now" {
		return s.wakeUp(d, list)
	}
	until, why := s.snoozeUntil(d, choice)
	if why != "" {
		return refused(d, why)
	}
	done := Done{Act: aboutOne(actOf(d), list)}
	done.Act.Until = until
	for _, e := range list {
		if e.SnoozedAt.IsZero() || !s.snoozed(e) {
			e.SnoozedAt = s.Now
		}
		e.SnoozedUntil, e.SnoozedForChange, e.SnoozedBy = until, choice == "change", d.By.id()
		e.Due = s.Now
		done.Change.Enrolments = append(done.Change.Enrolments, e)
		detail := fmt.Sprintf("put off by %s until %s", d.By.Name, until.In(s.Book.Zone).Format("2 January 2006 15:04"))
		if e.SnoozedForChange {
			detail += ", or until it changes"
		}
		done.Change.Records = append(done.Change.Records, recordOf(s, e, steward.Decision{Effect: steward.Defer, Reason: steward.ReasonSnoozed, Detail: detail, Until: until}))
	}
	zone := s.zoneOfDoer(d)
	done.Answer.Text = fmt.Sprintf("Put off until %s: %s.", until.In(zone).Format("Monday 2 January 15:04"), s.whatOf(list))
	if choice == "change" {
		done.Answer.Text = fmt.Sprintf("Put off until it changes, at most until %s: %s.", until.In(zone).Format("2 January"), s.whatOf(list))
	}
	return done
}

// wakeUp takes a snooze back.
func (s *Situation) wakeUp(d Doing, list []steward.Enrolment) Done {
	done := Done{}
	for _, e := range list {
		if !s.snoozed(e) {
			continue
		}
		done.Change.Records = append(done.Change.Records, recordOf(s, e, steward.Decision{Effect: steward.Pass, Reason: steward.ReasonSnoozed, Detail: "woken by " + d.By.Name}))
		wake(&e, s.Now)
		e.Due = s.Now
		done.Change.Enrolments = append(done.Change.Enrolments, e)
	}
	if len(done.Change.Enrolments) == 0 {
		return refused(d, "Nothing was done: it is not snoozed.")
	}
	done.Act = aboutOne(actOf(d), done.Change.Enrolments)
	done.Answer.Text = "It goes on: " + s.whatOf(done.Change.Enrolments) + "."
	return done
}

// snoozed tells whether an enrolment is put off now.
func (s *Situation) snoozed(e steward.Enrolment) bool {
	return e.State.Open() && !e.SnoozedUntil.IsZero() && s.Now.Before(e.SnoozedUntil)
}

// wake ends a snooze at a moment: waits go on where they stood.
func wake(e *steward.Enrolment, at time.Time) {
	if e.SnoozedUntil.Before(at) {
		at = e.SnoozedUntil
	}
	if from := later(e.SnoozedAt, e.StepSince); at.After(from) && !e.StepSince.IsZero() {
		e.StepSince = e.StepSince.Add(at.Sub(from))
	}
	e.SnoozedAt, e.SnoozedUntil, e.SnoozedForChange, e.SnoozedBy = time.Time{}, time.Time{}, false, ""
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// snoozeUntil reads until when somebody wants to hear nothing: 1d is their next
// working day, 1w that day a week on, change a change; a day or a length of days
// is taken as well. why says what is wrong with it, as an answer.
func (s *Situation) snoozeUntil(d Doing, choice string) (until time.Time, why string) {
	zone := s.zoneOfDoer(d)
	today := steward.DayOf(s.Now, zone)
	if choice == "change" {
		return s.Now.Add(snoozeChange), ""
	}
	day, err := steward.ParseDay(choice)
	if err != nil {
		w, err := ParseWait(choice)
		if err != nil || w.Span > 0 {
			return until, "Nothing was done: " + quotedWord(choice) + " is not for how long. Say 1d, 1w, change, or a day such as " + (today + 7).String() + "."
		}
		day = steward.DayOf(w.After(s.Now, zone), zone)
	}
	until = s.dayBegins(day, zone)
	switch {
	case day <= today:
		return until, "Nothing was done: " + day.String() + " is not a day to come."
	case day > today+steward.Day(snoozeMost/(24*time.Hour)):
		return until, "Nothing was done: it can be put off for 30 days at most. To have it left alone for longer, silence it."
	}
	return until, ""
}

// dayBegins is when somebody begins to work on a day, or on the next one on which
// they do.
func (s *Situation) dayBegins(day steward.Day, zone *time.Location) time.Time {
	if !s.Book.Hours.IsZero() {
		return s.Book.Hours.Next(day.Start(zone), zone)
	}
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day++
	}
	return day.At(morning, zone)
}

// zoneOfDoer is where somebody's days begin.
func (s *Situation) zoneOfDoer(d Doing) *time.Location {
	if d.By.Owner.Zone != nil {
		return d.By.Owner.Zone
	}
	return s.Book.Zone
}

// quotedWord is what somebody wrote, in an answer to them.
func quotedWord(s string) string {
	s = plainLine(s)
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return "“" + s + "”"
}

// gateSnoozed keeps back what somebody has put off.
func gateSnoozed(s *Situation, c Candidate) steward.Decision {
	e := c.Enrolment
	if !s.snoozed(e) {
		return steward.Decision{}
	}
	detail := fmt.Sprintf("%s put it off until %s", s.Book.named(e.SnoozedBy), e.SnoozedUntil.In(s.Book.Zone).Format("2 January 2006 15:04"))
	if e.SnoozedForChange {
		detail += ", or until it changes"
	}
	return steward.Decision{Effect: steward.Defer, Reason: steward.ReasonSnoozed, Detail: detail, Until: e.SnoozedUntil}
}

// sleeping keeps a snoozed enrolment where it is, or ends the snooze when its
// time is over, or when what it waited for has come about.
func (w *walker) sleeping() bool {
	e := &w.Enrolment
	if e.SnoozedUntil.IsZero() {
		return false
	}
	why := "the snooze is over"
	if w.snoozed(*e) {
		if !e.SnoozedForChange {
			w.wait(e.SnoozedUntil)
			return true
		}
		if why = w.changedSince(e.SnoozedAt); why == "" {
			w.wait(e.SnoozedUntil)
			return true
		}
	}
	w.record("", "", steward.Decision{Effect: steward.Pass, Reason: steward.ReasonSnoozed, Detail: why})
	by := e.SnoozedBy
	wake(e, w.Now)
	w.remindSnoozer(by, w.Now)
	return false
}

// changedSince says what has changed about an enrolment since a moment, so that
// it is worth another look: a part of its condition holds that did not, or no
// longer does; a figure in it moved by more than a tenth; its account is in
// another stage, or of another grade. "" where nothing has. What only grows older
// does not count.
func (w *walker) changedSince(t time.Time) string {
	shift := int(w.Slot.Day(w.Book.Zone) - steward.DayOf(t, w.Book.Zone))
	if shift <= 0 {
		return ""
	}
	then := w.at
	then.Shift += shift
	if what := lang.Moved(w.p.When.Trace(w.view, w.row, then), w.p.When.Trace(w.view, w.row, w.at)); what != "" {
		return "it changed: " + what
	}
	row, ok := w.accounts().Row(string(w.account.ID))
	if !ok {
		return ""
	}
	if a, b := w.rules.standAt(w.accounts(), row, shift).stage, w.rules.standAt(w.accounts(), row, 0).stage; a != b && a != "" && b != "" {
		return fmt.Sprintf("it changed: the account went from %s to %s", plainLine(a), plainLine(b))
	}
	was, _ := w.Health(w.account.ID, shift)
	is, _ := w.Health(w.account.ID, 0)
	if was.Grade != is.Grade && was.Grade != "" && is.Grade != "" {
		return fmt.Sprintf("it changed: its health went from %s to %s", was.Grade, is.Grade)
	}
	return ""
}
