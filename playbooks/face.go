package playbooks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"steward"
	"steward/playbooks/lang"
)

// Face is what a card shows beside its content: what has become of what it
// carries, and what can still be done with it. Content is what the card says, d
// how things stand: the message may have been sent long ago, or be on its way.
func (s *Situation) Face(d steward.Dossier, content steward.Content) steward.Face {
	switch d.Message.Kind {
	case steward.Card, steward.Digest:
		return s.cardFace(d, content)
	case steward.Approval:
		return s.approvalFace(d)
	case steward.Notice:
		return s.noticeFace(d)
	}
	return steward.Face{}
}

// matter is one part of a card: what it says about one enrolment.
type matter struct {
	enrolment steward.Enrolment
	outreach  steward.Outreach
	phase     steward.PhaseState
	message   steward.Message
}

// cardFace is the face of a card with parts about enrolments. One part's marks
// and buttons are the card's; with several, each part has its own.
func (s *Situation) cardFace(d steward.Dossier, content steward.Content) steward.Face {
	var f steward.Face
	over, free, total := 0, 0, 0
	for _, part := range content.Parts {
		i := slices.IndexFunc(d.Outreach, func(o steward.Outreach) bool { return o.Enrolment == part.Enrolment })
		if i < 0 { // a word that nothing can be done with
			f.Parts = append(f.Parts, steward.PartFace{})
			continue
		}
		m := matter{d.Enrolments[i], d.Outreach[i], d.Phases[i], d.Message}
		total++
		var p steward.PartFace
		if end := s.overWords(m); end != "" {
			over++
			p.Marks = append(s.marks(m), end)
		} else {
			p.Marks, p.Buttons = s.marks(m), s.buttons(m)
			if m.enrolment.AckedAt.IsZero() && m.can(steward.VerbTake) {
				free++
			}
		}
		f.Parts = append(f.Parts, p)
	}
	switch {
	case total == 0:
		return steward.Face{}
	case len(content.Parts) == 1:
		p := f.Parts[0]
		f.Marks, f.Buttons, f.Parts = p.Marks, p.Buttons, nil
		if over > 0 {
			f.Over = f.Marks[len(f.Marks)-1]
			f.Marks = f.Marks[:len(f.Marks)-1]
		}
	case over == total:
		f.Over = "All of it is over"
	case free > 1 && d.Message.Kind == steward.Card:
		f.Buttons = []steward.Button{{Target: steward.Target{Verb: steward.VerbTake, Message: d.Message.ID}, Label: "Take all", Style: "primary"}}
	}
	return f
}

// marks are what has become of a part, in short lines.
func (s *Situation) marks(m matter) []string {
	var out []string
	e := m.enrolment
	if !e.AckedAt.IsZero() {
		out = append(out, fmt.Sprintf("Taken by %s on %s", s.Book.named(e.AckedBy), s.dayWords(e.AckedAt)))
	}
	switch {
	case !e.State.Open() || e.SnoozedUntil.IsZero() || !s.Now.Before(e.SnoozedUntil):
	case e.SnoozedForChange:
		out = append(out, fmt.Sprintf("Snoozed by %s until it changes, at most until %s", s.Book.named(e.SnoozedBy), s.dayWords(e.SnoozedUntil)))
	default:
		out = append(out, fmt.Sprintf("Snoozed by %s until %s", s.Book.named(e.SnoozedBy), s.momentWords(e.SnoozedUntil, m.outreach.To, e.Subject.Account)))
	}
	if !e.RepliedAt.IsZero() {
		out = append(out, "They replied on "+s.dayWords(e.RepliedAt))
	}
	return out
}

// overWords says that nothing is to be done with a part any more; "" where
// something is.
func (s *Situation) overWords(m matter) string {
	e := m.enrolment
	switch {
	case e.Unhelpful != "":
		return fmt.Sprintf("Not useful, says %s: %s", s.Book.named(e.FinishedBy), choiceWords(unhelpfulChoices, e.Unhelpful))
	case m.finished():
		return fmt.Sprintf("Done by %s on %s: %s", s.Book.named(e.FinishedBy), s.dayWords(e.FinishedAt), e.Outcome)
	case m.outreach.Assignment != nil && !e.DoneAt.IsZero():
		return "Done on " + s.dayWords(e.DoneAt)
	}
	if to, moved := s.movedTo(m); moved {
		return "Moved to " + to
	}
	switch {
	case e.State == steward.Exited && e.Reason == steward.ReasonRecovered:
		return "Recovered on " + s.dayWords(e.EndedAt) + s.recoveredTo(e)
	case e.State == steward.Exited && e.Reason == steward.ReasonExitWhen:
		over := "Over since " + s.dayWords(e.EndedAt)
		if p, ok := s.running(e); ok && p.ExitWhen != nil { // what ops wrote reads like a sentence
			over += ": " + plainLine(p.ExitWhen.Source())
		}
		return over
	case e.State == steward.Exited || e.State == steward.Failed:
		return upperFirst(s.endWords(e))
	case e.State == steward.Completed && s.episodeIsOver(m):
		return "Recovered"
	}
	return ""
}

// finished tells whether somebody dealt with what this very card said: a process
// goes on, and what it says later is another matter.
func (m matter) finished() bool {
	return !m.enrolment.FinishedAt.IsZero() && (m.message.Settled.IsZero() || !m.enrolment.FinishedAt.Before(m.message.Settled)) && m.message.State.Settled()
}

// episodeIsOver tells a signal that came to its last step and has recovered
// since.
func (s *Situation) episodeIsOver(m matter) bool {
	p, ok := s.running(m.enrolment)
	return ok && p.Kind == Signal && (phaseOf(m.phase) == steward.Clear || m.phase.Episode != m.enrolment.Episode)
}

// recoveredTo is what its figures are at an enrolment's end, as the rest of a
// sentence. Later they would be of another time.
func (s *Situation) recoveredTo(e steward.Enrolment) string {
	p, ok := s.running(e)
	if !ok || p.Until == nil || s.Now.Sub(e.EndedAt) > 36*time.Hour {
		return ""
	}
	view := s.Frame.View(p.About)
	row, ok := view.Row(e.Subject.ID)
	if !ok || p.Until.Value(view, row, s.at(row, e, p)).Verdict() != steward.Holds {
		return ""
	}
	if words := plainLines(Words(lang.Evidence(p.Until.Trace(view, row, s.at(row, e, p))))); len(words) > 0 {
		return ": " + strings.Join(words, "; ")
	}
	return ""
}

// movedTo is who has a card's matter now that its account has another owner, if
// nobody had taken it on.
func (s *Situation) movedTo(m matter) (string, bool) {
	owner, moved := s.movedOwner(m)
	return owner.Name, moved
}

func (s *Situation) movedOwner(m matter) (steward.Owner, bool) {
	a, ok := s.account(m.outreach.Subject.Account)
	if !ok || m.outreach.To.Key != "owner" || !m.enrolment.State.Open() || !m.enrolment.AckedAt.IsZero() || !m.message.State.Settled() {
		return steward.Owner{}, false
	}
	owner, ok := s.Book.owners[s.ownerOf(a, m.enrolment)]
	return owner, ok && s.changedHands(m.outreach.To.Owner, owner)
}

// changedHands tells whether what went to somebody is somebody else's now: not
// where it went to one who stands in for them.
func (s *Situation) changedHands(had steward.OwnerID, owner steward.Owner) bool {
	for range 8 { // backups and managers, however they are chained
		if owner.ID == had {
			return false
		}
		if owner.Backup == had || owner.Manager == had {
			return false
		}
		next, ok := s.Book.owners[owner.Backup]
		if !ok {
			break
		}
		owner = next
	}
	return true
}

// momentWords is a moment as it is written to somebody: its day, and the time
// where that is theirs to know.
func (s *Situation) momentWords(t time.Time, to steward.Recipient, account steward.AccountID) string {
	return t.In(s.zoneOf(to, account)).Format("Monday 2 January 15:04")
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
