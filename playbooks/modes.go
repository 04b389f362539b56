package playbooks

import (
	"fmt"
	"slices"
	"strings"

	"steward"
	"steward/configs/strictyaml"
	"steward/playbooks/lang"
)

// Mode is how far what a playbook says travels.
type Mode string

// Live says what it has to say; an internal playbook says it to our own people
// only; one in shadow goes through its steps and says nothing.
const (
	Shadow   Mode = "shadow"
	Internal Mode = "internal"
	Live     Mode = "live"
)

// A Hold keeps mail of some purposes from a customer while a condition on the
// account holds or is not known, and for AndFor days after.
type Hold struct {
	Purposes []string
	When     strictyaml.Text
	AndFor   int
}

// A hold is a Hold that was read.
type hold struct {
	Hold
	when *lang.Expr
}

// gateMode keeps back what the playbook's mode does. It goes by the file as it
// now stands, as a mode is how a playbook is switched.
func gateMode(s *Situation, c Candidate) steward.Decision {
	p, ok := s.Book.Playbook(c.Outreach.Playbook)
	switch {
	case !ok:
		return steward.Decision{}
	case p.Mode == Shadow:
		return suppress(steward.ReasonShadow, "the playbook says mode: shadow, so it says nothing to anybody")
	case p.Mode == Internal && c.Outreach.To.Customer():
		return suppress(steward.ReasonInternalMode, "the playbook says mode: internal, so it says nothing to customers")
	}
	return steward.Decision{}
}

// gatePurposeHold has mail to a customer wait while something else about the
// account comes first.
func gatePurposeHold(s *Situation, c Candidate) steward.Decision {
	p, ok := s.Book.Playbook(c.Outreach.Playbook)
	row, found := s.accounts().Row(string(c.Outreach.Subject.Account))
	if !ok || !found || !c.Outreach.To.Customer() {
		return steward.Decision{}
	}
	for _, h := range s.Book.holds {
		if !slices.Contains(h.Purposes, p.Purpose) {
			continue
		}
		if why := s.held(h, row); why != "" {
			return steward.Decision{Effect: steward.Defer, Reason: steward.ReasonPurposeHold, Detail: "mail for a " + p.Purpose + " purpose is held: " + why, Until: s.Now.Add(factsLook)}
		}
	}
	return steward.Decision{}
}

// held says why a hold is on for an account; "" where it is not. The newest day
// decides, as it says for how long.
func (s *Situation) held(h hold, row int) string {
	for k := 0; k <= h.AndFor; k++ {
		at := lang.At{Shift: k}
		verdict := h.when.Value(s.accounts(), row, at).Verdict()
		switch {
		case verdict == steward.Fails:
			continue
		case verdict == steward.Unclear && k == 0:
			return fmt.Sprintf("whether %s is not known: %s", h.when.Source(), because(h.when.Trace(s.accounts(), row, at)))
		case verdict == steward.Unclear:
			return fmt.Sprintf("whether %s held within the last %d days is not known", h.when.Source(), h.AndFor)
		case k == 0:
			return h.when.Source() + " holds"
		}
		day := s.Slot.Day(s.Book.Zone) - steward.Day(k)
		return fmt.Sprintf("%s held on %s, and the hold lasts %d days", h.when.Source(), longDate(day), h.AndFor)
	}
	return ""
}

// gateInhibited has a playbook wait while another one that it gives way to is
// at work on the same account.
func gateInhibited(s *Situation, c Candidate) steward.Decision {
	p, ok := s.Book.Playbook(c.Outreach.Playbook)
	if !ok || len(p.InhibitedBy) == 0 {
		return steward.Decision{}
	}
	for _, name := range s.afoot(c.Outreach.Subject.Account) {
		q, ok := s.Book.Playbook(name)
		// One that says nothing has nothing to give way to.
		if !ok || !q.Enabled || q.Mode == Shadow || !slices.Contains(p.InhibitedBy, name) {
			continue
		}
		return steward.Decision{Effect: steward.Defer, Reason: steward.ReasonInhibited, Until: s.Now.Add(factsLook),
			Detail: fmt.Sprintf("%s is under way for the account, and inhibited_by names it", name)}
	}
	return steward.Decision{}
}

// afoot is the playbooks that are at work on an account: an enrolment is open,
// and not held, or the condition fires.
func (s *Situation) afoot(a steward.AccountID) []steward.PlaybookName {
	if s.Memory.Afoot == nil {
		s.Memory.Afoot = afootIn(s.Memory.Open, s.Memory.Phases)
	}
	return s.Memory.Afoot[a]
}

func afootIn(open map[Key]steward.Enrolment, phases map[Key]steward.PhaseState) map[steward.AccountID][]steward.PlaybookName {
	out := map[steward.AccountID][]steward.PlaybookName{}
	add := func(a steward.AccountID, name steward.PlaybookName) {
		if !slices.Contains(out[a], name) {
			out[a] = append(out[a], name)
		}
	}
	for _, key := range sortedKeys(open) {
		if e := open[key]; e.State != steward.Quarantined {
			add(e.Subject.Account, key.Playbook)
		}
	}
	for _, key := range sortedKeys(phases) {
		if st := phases[key]; st.Phase == steward.Firing {
			add(st.Subject.Account, key.Playbook)
		}
	}
	return out
}

// inhibitions tells names under inhibited_by that are no playbook, and circles,
// in which everybody would wait for everybody.
func (l *loader) inhibitions() {
	for _, r := range l.read {
		for _, name := range r.doc.InhibitedBy {
			switch _, ok := l.book.byName[steward.PlaybookName(name.Value)]; {
			case name.Value == string(r.p.Name):
				r.fault(name, "a playbook cannot give way to itself", "remove it from inhibited_by")
			case !ok && !slices.Contains(l.names, name.Value): // else it has mistakes of its own
				hint := "name a playbook of this workspace"
				if near := steward.Nearest(name.Value, l.names); near != "" {
					hint = "did you mean " + near + "?"
				}
				r.fault(name, fmt.Sprintf("there is no playbook %q", name.Value), hint)
			}
		}
	}
	for _, r := range l.read {
		// Each circle is told once, at the playbook in it that comes first.
		if circle := l.circle(r.p, nil); circle != nil && r.p.Name == slices.Min(circle) {
			r.fault(r.doc.InhibitedBy[0], "these playbooks wait for each other: "+joinNames(append(circle, circle[0])), "remove one of them from an inhibited_by")
		}
	}
}

// circle is the way from a playbook back to it, over inhibited_by; nil where
// there is none.
func (l *loader) circle(from *Playbook, way []steward.PlaybookName) []steward.PlaybookName {
	way = append(way, from.Name)
	for _, name := range from.InhibitedBy {
		next, ok := l.book.byName[name]
		switch {
		case !ok || name == from.Name:
		case name == way[0]:
			return way
		case slices.Contains(way, name): // a circle further on, which is another's
		default:
			if found := l.circle(next, slices.Clone(way)); found != nil {
				return found
			}
		}
	}
	return nil
}

func joinNames(names []steward.PlaybookName) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return strings.Join(out, " → ")
}
