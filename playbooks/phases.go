package playbooks

import "steward"

// reading is what one newly complete day, or one slot, says about a subject.
type reading struct {
	Slot steward.Slot
	// Day is the last complete day read; Elapsed how many days passed since the
	// reading before it.
	Day     steward.Day
	Elapsed float64
	// Audience, When and Over are the condition's verdicts. Over is `until`, or
	// the opposite of `when` where there is none.
	Audience, When, Over steward.Verdict
}

// stepPhase moves a phase by one reading. It is the whole state machine:
//
//	clear ──when──▶ pending ──held for──▶ firing ──over──▶ clearing ──held clear_for──▶ clear
//	                   │not when                    ◀──not over──┘
//	                   ▼
//	                 clear
//
// Unknown moves nothing and its time counts for nothing. Outside the audience
// every phase ends; an unknown audience keeps who is in and admits nobody. One
// reading can pass through several phases, so that `for: 0d` fires at once.
// ended tells that an episode that had begun is over.
func (p *Playbook) stepPhase(st steward.PhaseState, r reading) (next steward.PhaseState, ended bool) {
	next = st
	next.Slot = r.Slot
	enter := func(ph steward.Phase) {
		next.Phase, next.Since, next.Held = ph, r.Slot, 0
	}
	wasClear := st.Phase == "" || st.Phase == steward.Clear
	if wasClear {
		enter(steward.Clear)
		if r.Audience != steward.Holds || r.When != steward.Holds {
			return next, false
		}
		enter(steward.Pending)
		next.Episode, next.EpisodeDay, next.Frozen = r.Slot, r.Day, nil
		if p.For > 0 {
			return next, false
		}
		enter(steward.Firing)
		return next, false
	}
	if r.Audience == steward.Fails {
		enter(steward.Clear)
		return next, true
	}
	switch st.Phase {
	case steward.Pending:
		switch r.When {
		case steward.Fails:
			enter(steward.Clear)
			return next, true
		case steward.Holds:
			if next.Held += r.Elapsed; next.Held >= p.For {
				enter(steward.Firing)
			}
		}
	case steward.Firing:
		if r.Over == steward.Holds {
			enter(steward.Clearing)
			if p.ClearFor == 0 {
				enter(steward.Clear)
				return next, true
			}
		}
	case steward.Clearing:
		switch r.Over {
		case steward.Fails:
			enter(steward.Firing)
		case steward.Holds:
			if next.Held += r.Elapsed; next.Held >= p.ClearFor {
				enter(steward.Clear)
				return next, true
			}
		}
	}
	return next, false
}
