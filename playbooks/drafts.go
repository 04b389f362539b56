package playbooks

import (
	"slices"
	"strings"

	"steward"
	"steward/playbooks/lang"
)

// A Draft is a sending step as it would be if its turn had come now: who would
// get it, and what it would say.
type Draft struct {
	Step string `json:"step"`
	// When is what comes before the step and what decides about it, as written:
	// waits, conditions, the date it is pinned to; "" for nothing.
	When string `json:"when,omitempty"`
	// How is card, mail, task or webhook, and who lets it go.
	How string            `json:"how"`
	To  steward.Recipient `json:"to"`
	// Content is nil where nobody would get it, or it cannot be written; Why says
	// so.
	Content *steward.Content `json:"content,omitempty"`
	Why     string           `json:"why,omitempty"`
}

// Drafts is what a playbook's steps would come to for a subject if an enrolment
// were opened now, or goes on where one is open. Nothing in it says that the
// condition holds. Nil where the subject is not in the data.
func (s *Situation) Drafts(p *Playbook, subject steward.Subject) []Draft {
	view := s.Frame.View(p.About)
	row, ok := view.Row(subject.ID)
	if !ok {
		return nil
	}
	w := &walker{Situation: s, p: p, view: view, row: row}
	w.Enrolment = s.imagined(p, subject, row)
	w.at = s.at(row, w.Enrolment, p)
	w.account = *view.Account(row)
	w.account.Owner = w.ownerOf(w.account, w.Enrolment)
	var out []Draft
	var waits []string
	for _, step := range p.Steps {
		if !step.Sends() {
			waits = append(waits, step.terms()...)
			continue
		}
		d := w.draft(step)
		d.When = strings.Join(append(waits, step.terms()...), ", ")
		waits = nil
		out = append(out, d)
	}
	return out
}

// imagined is the subject's open enrolment, on today's steps, or the one that
// would be opened now.
func (s *Situation) imagined(p *Playbook, subject steward.Subject, row int) steward.Enrolment {
	key := KeyOf(p.Name, subject)
	if e, ok := s.Memory.Open[key]; ok {
		e.Version = p.Version
		return e
	}
	st, ok := s.Memory.Phases[key]
	if !ok {
		st = steward.PhaseState{Episode: s.Slot, EpisodeDay: s.lastDay(p), Frozen: p.freeze(s.Frame.View(p.About), row, lang.At{})}
	}
	e := steward.Enrolment{ID: steward.NewEnrolmentID(p.Name, subject, st.Episode), Playbook: p.Name, Subject: subject, Episode: st.Episode, EpisodeDay: st.EpisodeDay,
		Frozen: st.Frozen, State: steward.Active, Version: p.Version, OpenedAt: s.Now, StepSince: s.Now}
	if p.When != nil {
		e.Evidence = lang.Evidence(p.When.Trace(s.Frame.View(p.About), row, s.at(row, e, p)))
	}
	return e
}

// Seen is what a playbook's condition sees of a subject at the slot, whether it
// holds or not; nil where the subject is not in the data.
func (s *Situation) Seen(p *Playbook, subject steward.Subject) []steward.Evidence {
	view := s.Frame.View(p.About)
	row, ok := view.Row(subject.ID)
	if !ok || p.When == nil {
		return nil
	}
	return lang.Evidence(p.When.Trace(view, row, s.at(row, s.imagined(p, subject, row), p)))
}

func (w *walker) draft(step Step) Draft {
	d := Draft{Step: step.ID, How: step.how()}
	to, found, why := w.resolve(step, w.account, w.Enrolment.Subject)
	d.To = to
	if !found {
		d.Why = why
		return d
	}
	o := steward.Outreach{ID: steward.NewOutreachID(w.Enrolment.ID, step.ID, "", to.Key), Enrolment: w.Enrolment.ID, Playbook: w.p.Name, Subject: w.Enrolment.Subject,
		Step: step.ID, To: to, Wording: step.Wording, Severity: string(w.p.Severity), Planned: w.Now}
	w.assign(step, &o)
	content, err := w.compose(w.message(step, o), []steward.Outreach{o}, map[steward.EnrolmentID]steward.Enrolment{w.Enrolment.ID: w.Enrolment})
	if err != nil {
		d.Why = "it cannot be written: " + err.Error()
		return d
	}
	d.Content = &content
	return d
}

// terms is what a step waits for or depends on, as written.
func (s Step) terms() []string {
	var out []string
	if !s.Wait.IsZero() {
		out = append(out, "wait: "+s.Wait.String())
	}
	for _, t := range []struct {
		key string
		e   *lang.Expr
	}{{"at", s.At}, {"if", s.If}, {"unless", s.Unless}} {
		if t.e != nil {
			out = append(out, t.key+": "+t.e.Source())
		}
	}
	if !s.Remind.IsZero() {
		out = append(out, "remind: every "+s.Remind.String())
	}
	return out
}

func (s Step) how() string {
	switch {
	case s.Task != "":
		return "task"
	case s.Webhook != "":
		return "webhook"
	case s.Slack != "":
		return "card"
	case s.Approve.Unattended:
		return "mail, approved by nobody"
	case s.Approve.Veto > 0:
		return "mail, unless " + s.Approve.By + " stops it"
	case s.Approve.Needed():
		return "mail, approved by " + s.Approve.By
	}
	return "mail, approved by nobody"
}

// Same tells whether two drafts are of the same step to the same person in the
// same words. What was seen, which changes by the day, is no part of that.
func (d Draft) Same(x Draft) bool {
	if d.Step != x.Step || d.When != x.When || d.How != x.How || d.To != x.To || d.Why != x.Why || (d.Content == nil) != (x.Content == nil) {
		return false
	}
	return d.Content == nil || d.Text() == x.Text()
}

// Text is the wording, with its title and, of a mail, whom it is from.
func (d Draft) Text() string {
	if d.Content == nil {
		return ""
	}
	var b strings.Builder
	if d.Content.From != "" {
		b.WriteString("From: " + d.Content.From + "\n")
	}
	b.WriteString(d.Content.Title + "\n")
	for _, p := range d.Content.Parts {
		b.WriteString("\n" + unescapeMarkdown(p.Markdown) + "\n")
	}
	return b.String()
}

// SaysAlike tells whether two books say the same things to the same people on a
// day where a playbook's steps are the same: their words, their owners and who of
// them is away, and what cards and mails show besides.
func (b *Book) SaysAlike(x *Book, p *Playbook, day steward.Day) bool {
	for _, o := range b.Owners {
		if b.isAway(o.ID, day) != x.isAway(o.ID, day) {
			return false
		}
	}
	if b.Unowned != x.Unowned || b.CRMLink != x.CRMLink || b.MailFrom != x.MailFrom || b.MailFooter != x.MailFooter || !slices.EqualFunc(b.Owners, x.Owners, sameOwner) {
		return false
	}
	for _, s := range p.Steps {
		w, ok := b.Wordings[s.Wording]
		other, has := x.Wordings[s.Wording]
		if ok != has || ok && !w.same(other) {
			return false
		}
	}
	return true
}

func (b *Book) isAway(id steward.OwnerID, day steward.Day) bool {
	return b.Away != nil && b.Away(id, day)
}

func sameOwner(a, b steward.Owner) bool {
	zone := func(o steward.Owner) string {
		if o.Zone == nil {
			return ""
		}
		return o.Zone.String()
	}
	same := zone(a) == zone(b)
	a.Zone, b.Zone, a.Hours, b.Hours = nil, nil, nil, nil // what is said is the same at any hour
	return same && a == b
}
