package playbooks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"steward"
	"steward/playbooks/lang"
)

// A playbook can be begun, moved on and ended by hand: people know what no
// condition reads. What was begun by hand goes the way of every other
// enrolment: the portfolio and all gates hold for it. No holdout is drawn for it
// and nothing holds it back as a first run or a flood would be: a person has
// looked, and asked for this one.

// Anyway, as Target.Item or the value of its field, starts a playbook that would
// not open by itself.
const Anyway = "anyway"

// Names of these deeds' fields.
const (
	playbookField = "playbook"
	subjectField  = "subject"
)

// startDeed opens an enrolment by hand.
func startDeed(s *Situation, d Doing) Done {
	a, why := s.subjectOf(d)
	if why != "" {
		return refused(d, why)
	}
	name := steward.PlaybookName(cmp.Or(string(d.Target.Playbook), d.Values[playbookField], d.Values[choiceField]))
	if name == "" {
		return asks(s.startForm(d, a))
	}
	p, ok := s.Book.Playbook(name)
	if !ok {
		return wrong(d, playbookField, "There is no playbook %s.%s", plainLine(string(name)), nearestWords(string(name), s.Book.Names()))
	}
	subjects := s.Subjects(p, a.ID)
	subject, which := pickSubject(subjects, cmp.Or(d.Values[subjectField], subjectItem(d)))
	if !which {
		if len(subjects) == 0 {
			return refused(d, fmt.Sprintf("%s has no %s, and %s is about %ss.", accountName(a), p.About, p.Name, p.About))
		}
		if d.Via == steward.ViaCommand {
			var names []string
			for _, x := range subjects {
				names = append(names, s.subjectWords(x))
			}
			return refused(d, fmt.Sprintf("Say which %s with --subject and its id: %s.", p.About, strings.Join(names, ", ")))
		}
		return asks(s.subjectForm(d, a, p, subjects))
	}
	if why := s.cannotStart(p, subject); why != "" {
		return refused(d, why)
	}
	if odd := s.wouldNotOpen(p, subject); odd != "" && d.Target.Item != Anyway && d.Values[Anyway] == "" {
		return s.askAnyway(d, a, p, subject, odd)
	}
	e := s.begunByHand(p, subject, d)
	prog := s.Advance(e, s.Memory.Phases[KeyOf(p.Name, subject)])
	detail := "started by " + d.By.Name
	if text := strings.TrimSpace(d.Values[becauseField]); text != "" {
		detail += ": " + text
	}
	first := recordOf(s, e, steward.Decision{Effect: steward.Pass, Reason: steward.ReasonByHand, Detail: detail})
	act := actOf(d)
	act.Account, act.Playbook, act.Enrolment, act.Text = a.ID, p.Name, e.ID, strings.TrimSpace(d.Values[becauseField])
	change := changeOf(prog)
	change.Records = append([]steward.Record{first}, change.Records...)
	return Done{Act: act, Change: change, Answer: steward.Answer{Text: fmt.Sprintf("%s has begun for %s. %s", titleOr(p), accountName(a), s.firstWords(p, prog))}}
}

// begunByHand is the enrolment that somebody begins. Where the condition holds,
// it is of its episode and ends with it; else it is of this moment alone.
func (s *Situation) begunByHand(p *Playbook, subject steward.Subject, d Doing) steward.Enrolment {
	view := s.Frame.View(p.About)
	row, _ := view.Row(subject.ID)
	st := s.Memory.Phases[KeyOf(p.Name, subject)]
	if phaseOf(st) == steward.Clear || p.Kind == Rhythm {
		st = steward.PhaseState{Episode: steward.SlotAt(s.Now), EpisodeDay: s.lastDay(p), Frozen: p.freeze(view, row, lang.At{})}
	} else if s.Memory.Ended[KeyOf(p.Name, subject)].Episode == st.Episode {
		// This episode had its enrolment. Another one is of the same facts, under a
		// name of its own.
		st.Episode = steward.SlotAt(s.Now)
	}
	words := "started by " + d.By.Name
	if text := strings.TrimSpace(d.Values[becauseField]); text != "" {
		words += ": " + plainLine(text)
	}
	e := steward.Enrolment{
		ID: steward.NewEnrolmentID(p.Name, subject, st.Episode), Playbook: p.Name, Subject: subject, Episode: st.Episode, EpisodeDay: st.EpisodeDay, Frozen: st.Frozen,
		State: steward.Active, Arm: steward.Treatment, Version: p.Version, OpenedAt: s.Now, StepSince: s.Now, StartedBy: d.By.id(),
	}
	e.Evidence = []steward.Evidence{{Part: "by hand", Expr: "by hand", Verdict: steward.Holds, Words: words}}
	return e
}

// alone tells an enrolment that was begun by hand while its condition did not
// hold: there is nothing that it could recover from.
func alone(e steward.Enrolment) bool {
	return e.StartedBy != "" && e.Episode == steward.SlotAt(e.OpenedAt)
}

// cannotStart says why a playbook cannot be begun at all; "" when it can.
func (s *Situation) cannotStart(p *Playbook, subject steward.Subject) string {
	if e, open := s.Memory.Open[KeyOf(p.Name, subject)]; open {
		if e.State == steward.Quarantined {
			return fmt.Sprintf("It is held back there already, since %s. Let it go with: steward release --id %s", s.dayWords(e.OpenedAt), e.ID)
		}
		return fmt.Sprintf("It is under way there already, since %s.", s.dayWords(e.OpenedAt))
	}
	switch in := s.InPortfolio(subject.Account); {
	case in == steward.Unclear:
		return "It is not known whether the account is one that Steward acts on (portfolio.include). Nothing is begun until it is."
	case in != steward.Holds:
		return "The account is not one that Steward acts on (portfolio.include), so nothing was begun."
	case !p.Enabled:
		return "The playbook is switched off (enabled: false), so nothing was begun."
	}
	return ""
}

// wouldNotOpen says why a playbook would not open by itself, apart from its
// condition; "" where it might.
func (s *Situation) wouldNotOpen(p *Playbook, subject steward.Subject) string {
	view := s.Frame.View(p.About)
	row, ok := view.Row(subject.ID)
	if !ok {
		return ""
	}
	if p.Audience != nil && s.audienceOf(p, row) != steward.Holds {
		return "it is not in the playbook's audience: " + because(p.Audience.Trace(view, row, lang.At{}))
	}
	if p.ExitWhen != nil && p.ExitWhen.Value(view, row, lang.At{}).Verdict() == steward.Holds {
		return "it would end at once, as exit_when holds: " + because(p.ExitWhen.Trace(view, row, lang.At{}))
	}
	st := s.Memory.Phases[KeyOf(p.Name, subject)]
	if phaseOf(st) == steward.Clear {
		st.Episode = steward.SlotAt(s.Now)
	}
	if v := s.eligible(p, KeyOf(p.Name, subject), st); !v.Passes() {
		return v.Detail
	}
	return ""
}

// askAnyway asks whether a playbook is to begin that would not by itself.
func (s *Situation) askAnyway(d Doing, a steward.Account, p *Playbook, subject steward.Subject, odd string) Done {
	if d.Via == steward.ViaCommand {
		return refused(d, fmt.Sprintf("Nothing was begun: %s. To begin all the same, add --anyway.", odd))
	}
	f := formOf(d, a, "Start all the same?", fmt.Sprintf("%s for %s: %s.", titleOr(p), accountName(a), odd), "Start",
		steward.FormField{Name: becauseField, Label: "Why all the same", Kind: steward.ShortText, Value: d.Values[becauseField]})
	f.Target.Playbook, f.Target.Item = p.Name, Anyway
	if p.About != steward.AboutAccount {
		f.Fields = append(f.Fields, steward.FormField{Name: subjectField, Label: "Which " + string(p.About), Kind: steward.OneOf, Value: subject.ID, Options: []steward.Option{{Value: subject.ID, Label: subject.ID}}})
	}
	return asks(f)
}

// subjectItem is the subject that a target names in its item.
func subjectItem(d Doing) string {
	if d.Target.Item == Anyway {
		return ""
	}
	return d.Target.Item
}

// pickSubject is the one of several that is meant.
func pickSubject(all []steward.Subject, id string) (steward.Subject, bool) {
	if id == "" && len(all) == 1 {
		return all[0], true
	}
	i := slices.IndexFunc(all, func(x steward.Subject) bool { return x.ID == id })
	if i < 0 {
		return steward.Subject{}, false
	}
	return all[i], true
}

func (s *Situation) startForm(d Doing, a steward.Account) steward.Form {
	var options []steward.Option
	for _, p := range s.Book.Playbooks {
		subjects := s.Subjects(p, a.ID)
		if p.Enabled && slices.ContainsFunc(subjects, func(x steward.Subject) bool { _, open := s.Memory.Open[KeyOf(p.Name, x)]; return !open }) {
			options = append(options, steward.Option{Value: string(p.Name), Label: titleOr(p)})
		}
	}
	return formOf(d, a, "Start a playbook", accountName(a)+". Its steps begin at once, as if its condition held.", "Start",
		steward.FormField{Name: playbookField, Label: "Which", Kind: steward.OneOf, Options: options},
		steward.FormField{Name: becauseField, Label: "Why", Kind: steward.ShortText, Optional: true})
}

func (s *Situation) subjectForm(d Doing, a steward.Account, p *Playbook, subjects []steward.Subject) steward.Form {
	var options []steward.Option
	for _, x := range subjects {
		options = append(options, steward.Option{Value: x.ID, Label: s.subjectWords(x)})
	}
	f := formOf(d, a, "Start a playbook", fmt.Sprintf("%s for %s", titleOr(p), accountName(a)), "Start",
		steward.FormField{Name: subjectField, Label: "For which " + string(p.About), Kind: steward.OneOf, Options: options},
		steward.FormField{Name: becauseField, Label: "Why", Kind: steward.ShortText, Value: d.Values[becauseField], Optional: true})
	f.Target.Playbook = p.Name
	return f
}

// subjectWords names a subject for people who choose among several.
func (s *Situation) subjectWords(x steward.Subject) string {
	view := s.Frame.View(x.Kind)
	row, ok := view.Row(x.ID)
	if !ok {
		return x.ID
	}
	name := ""
	switch x.Kind {
	case steward.AboutContact:
		name = view.Contact(row).Name
	case steward.AboutProduct:
		name = view.Product(row).Name
	case steward.AboutContract:
		if c := view.Contract(row); c.EndDate != steward.NoDay {
			name = strings.TrimSpace(c.Product + " until " + longDate(c.EndDate))
		} else {
			name = c.Product
		}
	}
	if name == "" {
		return plainLine(x.ID)
	}
	return plainLine(name + " (" + x.ID + ")")
}

// firstWords is what comes of a beginning, for whoever asked for it.
func (s *Situation) firstWords(p *Playbook, prog Progress) string {
	switch {
	case !prog.Enrolment.State.Open():
		return "It ended at once: " + spaced(string(prog.Enrolment.Reason)) + "."
	case len(prog.Messages) > 0:
		var to []string
		for _, m := range prog.Messages {
			if m.Kind != steward.Approval {
				to = append(to, cmp.Or(plainLine(m.To.Name), m.To.Key))
			}
		}
		return "Its first step speaks to " + strings.Join(to, ", ") + "."
	case prog.Enrolment.Step < len(p.Steps):
		return "It is at: " + p.Steps[prog.Enrolment.Step].describe() + "."
	}
	return ""
}

// skipDeed moves an enrolment past the step that it is at. What the step has on
// its way is taken back, if nobody has it yet.
func skipDeed(s *Situation, d Doing) Done {
	e, p, why := s.oneUnderWay(d)
	if why != "" {
		return refused(d, why)
	}
	w, ok := s.walkerAt(e, p)
	if !ok || e.Step >= len(p.Steps) {
		return refused(d, "It has no step left to skip.")
	}
	step := p.Steps[e.Step]
	for _, o := range w.timesOf(step) {
		m := s.Memory.Messages[o.Message]
		if m.State == steward.Sending {
			return refused(d, "It is being sent at this moment, so there is nothing to skip.")
		}
		if unsent(m.State) {
			w.Withdrawn = append(w.Withdrawn, steward.Withdrawal{Outreach: o.ID, Reason: steward.ReasonByHand, Detail: "skipped by " + d.By.Name})
		}
	}
	w.record(step.ID, "", steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonByHand, Detail: "skipped by " + d.By.Name})
	w.next(s.Now)
	w.Enrolment.Due = s.Now // advance goes on with the next one
	w.Moved = true
	act := aboutOne(actOf(d), []steward.Enrolment{e})
	act.Choice = cmp.Or(step.ID, "wait")
	next := "It was the last one."
	if w.Enrolment.Step < len(p.Steps) {
		next = "Next is " + p.Steps[w.Enrolment.Step].describe() + "."
	}
	return Done{Act: act, Change: changeOf(w.Progress), Answer: steward.Answer{Text: fmt.Sprintf("Skipped: %s of %s. %s", step.describe(), titleOr(p), next)}}
}

// stopDeed ends an enrolment early.
func stopDeed(s *Situation, d Doing) Done {
	e, p, why := s.oneUnderWay(d)
	if why != "" {
		return refused(d, why)
	}
	because := strings.TrimSpace(cmp.Or(d.Values[becauseField], d.Values[textField]))
	if because == "" && !d.Sent && d.Via != steward.ViaCommand {
		a, _ := s.account(e.Subject.Account)
		f := formOf(d, a, "Stop a playbook", titleOr(p)+" for "+accountName(a)+". Nothing more is said of it, and its open tasks are dropped.", "Stop it",
			steward.FormField{Name: becauseField, Label: "Why", Kind: steward.ShortText})
		f.Target.Enrolment, f.Target.Playbook = e.ID, p.Name
		return asks(f)
	}
	detail := "stopped by " + d.By.Name
	if because != "" {
		detail += ": " + because
	}
	w := &walker{Situation: s, p: p}
	w.Enrolment = e
	w.exit(steward.ReasonByHand, detail)
	w.Moved = true
	act := aboutOne(actOf(d), []steward.Enrolment{e})
	act.Text = because
	return Done{Act: act, Change: changeOf(w.Progress), Answer: steward.Answer{Text: titleOr(p) + " is stopped. What was not sent yet is not sent."}}
}

// oneUnderWay is the one enrolment that a deed is about, with the steps it is on.
func (s *Situation) oneUnderWay(d Doing) (steward.Enrolment, *Playbook, string) {
	var found []steward.Enrolment
	for _, e := range d.Enrolments {
		if e.State.Open() && (d.Target.Playbook == "" || e.Playbook == d.Target.Playbook) && (d.Target.Item == "" || e.Subject.ID == d.Target.Item) {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 0:
		return steward.Enrolment{}, nil, s.whyNot(d)
	case 1:
		p, ok := s.running(found[0])
		if !ok {
			return found[0], nil, "The playbook text that it began on can no longer be read. It ends by itself at the next evaluation."
		}
		return found[0], p, ""
	}
	var names []string
	for _, e := range found {
		names = append(names, fmt.Sprintf("%s (%s)", e.Playbook, e.ID))
	}
	return steward.Enrolment{}, nil, "Say which one: " + strings.Join(names, ", ") + "."
}

// walkerAt is a walker at an enrolment's place; false where its subject is gone.
func (s *Situation) walkerAt(e steward.Enrolment, p *Playbook) (*walker, bool) {
	w := &walker{Situation: s, p: p, view: s.Frame.View(p.About), phase: s.Memory.Phases[KeyOf(e.Playbook, e.Subject)]}
	w.Enrolment = e
	row, ok := w.view.Row(e.Subject.ID)
	if ok {
		w.row, w.at, w.account = row, s.at(row, e, p), *w.view.Account(row)
	}
	return w, ok
}

// changeOf is what a progress writes.
func changeOf(p Progress) steward.Change {
	return steward.Change{Account: p.Enrolment.Subject.Account, Enrolments: []steward.Enrolment{p.Enrolment}, Outreach: p.Outreach, Messages: p.Messages, Records: p.Records,
		Stopped: p.Stopped, Recalled: p.Recalled, HandOvers: p.HandOvers, Redrafts: p.Redrafts, Withdrawn: p.Withdrawn, Repaint: p.Repaint, Joins: p.Joins, Given: p.Tasks}
}

func titleOr(p *Playbook) string {
	if p.Title != "" {
		return p.Title
	}
	return string(p.Name)
}

func nearestWords(name string, names []string) string {
	if near := steward.Nearest(name, names); near != "" {
		return " Did you mean " + near + "?"
	}
	return " There is " + strings.Join(names, ", ") + "."
}
