package playbooks

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"steward"
	"steward/facts"
	"steward/playbooks/lang"
)

// A Key names a subject's dealings with one playbook.
type Key struct {
	Playbook steward.PlaybookName
	Kind     steward.SubjectKind
	ID       string
}

// KeyOf is the key of a playbook and subject.
func KeyOf(p steward.PlaybookName, s steward.Subject) Key { return Key{p, s.Kind, s.ID} }

// A Memory is what the engine remembers between runs. Nil maps read as empty.
type Memory struct {
	// Salt makes the draw of holdouts this workspace's own.
	Salt   string
	Phases map[Key]steward.PhaseState
	// Open is the one open enrolment per key, Ended the newest ended one.
	Open, Ended map[Key]steward.Enrolment
	States      map[steward.PlaybookName]steward.PlaybookState
	Outreach    map[steward.EnrolmentID][]steward.Outreach
	Messages    map[steward.MessageID]steward.Message
	// Versions are the playbook texts that open enrolments began on, where they
	// are not the newest.
	Versions map[string]*Playbook
	// Suppressed is the addresses that opted out or bounced, and why.
	Suppressed steward.OptOuts
	// Absent is, by address in lower case, the first day on which people may be
	// written to again whose out-of-office notices say that they are away.
	Absent map[string]steward.Day
	Pause  steward.Pause
	// Silences are those that nobody ended, also where their time is over.
	Silences []steward.Silence
	// Afoot is, by account, the playbooks that are at work on it. Nil means what
	// Open and Phases say.
	Afoot map[steward.AccountID][]steward.PlaybookName
}

// A Situation is everything a decision looks at: the book, the facts at a
// slot, and what is remembered. Now is the slot's instant in a run and the
// minute's in advance and delivery. It is not safe for concurrent use, as its
// frame is not.
type Situation struct {
	Book   *Book
	Frame  *facts.Frame
	Slot   steward.Slot
	Now    time.Time
	Memory Memory
	// GoodUntil is until when the facts may be spoken on; zero sets no limit.
	// When evaluations fail or stop, what they last found out grows old, and
	// nothing is to be said on it any more.
	GoodUntil time.Time

	contacts map[steward.AccountID][]steward.Contact
	rules    *follower
}

// FactsToCome tells that the facts are of a slot far ahead of Now: the machine's
// clock was ahead when they were found, or is behind now. What they say of dates
// is as wrong as the clock, so nothing is to be said on them. A clock that is
// stepped back a little is no such case.
func (s *Situation) FactsToCome() bool { return s.Slot.Time().Sub(s.Now) > time.Hour }

// NewSituation prepares a situation at the frame's slot with nothing
// remembered; portfolio is what the frame was made from.
func NewSituation(b *Book, f *facts.Frame, p steward.Portfolio) *Situation {
	rules := b.rules.follow()
	f.Follow(rules)
	s := &Situation{Book: b, Frame: f, rules: rules, Slot: f.Slot(), Now: f.Slot().Time(), contacts: map[steward.AccountID][]steward.Contact{}}
	for _, c := range p.Contacts {
		s.contacts[c.Account] = append(s.contacts[c.Account], c)
	}
	for _, cs := range s.contacts {
		// The person seen last is the one to write to; ids settle ties.
		slices.SortFunc(cs, func(a, b steward.Contact) int {
			return cmp.Or(cmp.Compare(b.LastSeen, a.LastSeen), strings.Compare(string(a.ID), string(b.ID)))
		})
	}
	return s
}

// At is the situation on the same facts at another moment, with a memory.
func (s *Situation) At(now time.Time, m Memory) *Situation {
	at := *s
	at.Now, at.Memory = now, m
	return &at
}

// accounts is the view in which portfolio expressions are read.
func (s *Situation) accounts() *facts.View { return s.Frame.View(steward.AboutAccount) }

// portfolio says whether the subject's account is acted on and whether its
// people may not be mailed.
func (s *Situation) portfolio(a steward.AccountID) (in, noMail steward.Verdict) {
	row, ok := s.accounts().Row(string(a))
	if !ok {
		return steward.Fails, steward.Holds
	}
	return s.Book.inPortfolio(s.accounts(), row), s.Book.customerMailBarred(s.accounts(), row)
}

func (s *Situation) account(id steward.AccountID) (steward.Account, bool) {
	row, ok := s.accounts().Row(string(id))
	if !ok {
		return steward.Account{}, false
	}
	return *s.accounts().Account(row), true
}

// at is where the expressions of an enrolment are read: now, with the values
// frozen when its episode began.
func (s *Situation) at(row int, e steward.Enrolment, p *Playbook) lang.At {
	at := lang.At{Acked: map[int]bool{row: !e.AckedAt.IsZero()}, Done: map[int]bool{row: !e.DoneAt.IsZero()}, Replied: map[int]bool{row: !e.RepliedAt.IsZero()}}
	if !e.Episode.IsZero() {
		at.Episodes = map[int]lang.Episode{row: {Frozen: e.Frozen, Shift: int(s.lastDay(p) - e.EpisodeDay)}}
	}
	return at
}

// lastDay is the last complete day that the playbook's condition reads: the
// earliest among its metrics' sources. For conditions without metrics it is
// the slot's own day.
func (s *Situation) lastDay(p *Playbook) steward.Day {
	last := s.Slot.Day(s.Book.Zone)
	for i, name := range p.ConditionMetrics() {
		m, ok := s.Frame.Metric(name)
		if !ok || m.End == steward.NoDay {
			return steward.NoDay
		}
		if i == 0 || m.End < last {
			last = m.End
		}
	}
	return last
}

// stale names the first metric that the condition reads and whose source is
// behind; "" when all are fresh.
func (s *Situation) stale(p *Playbook) string {
	for _, name := range p.ConditionMetrics() {
		if m, ok := s.Frame.Metric(name); !ok || m.Stale || m.End == steward.NoDay {
			return name
		}
	}
	return ""
}

// running is the playbook text an enrolment runs on: the one it began with.
func (s *Situation) running(e steward.Enrolment) (*Playbook, bool) {
	if p, ok := s.Book.Playbook(e.Playbook); ok && p.Version == e.Version {
		return p, true
	}
	p, ok := s.Memory.Versions[e.Version]
	if ok && p.Name != e.Playbook { // it was renamed since
		was := *p
		was.Name = e.Playbook
		p = &was
	}
	return p, ok
}

// InPortfolio says whether Steward acts on an account.
func (s *Situation) InPortfolio(a steward.AccountID) steward.Verdict {
	in, _ := s.portfolio(a)
	return in
}
