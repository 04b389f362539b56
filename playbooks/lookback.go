package playbooks

import (
	"time"

	"steward"
	"steward/facts"
	"steward/playbooks/lang"
)

// A Stretch is some days in a row on which a subject was in one phase, and its
// condition could be judged, or could not.
type Stretch struct {
	Phase steward.Phase `json:"phase"`
	// From and To are the first and the last day of evaluation.
	From steward.Day `json:"from"`
	To   steward.Day `json:"to"`
	// Unknown says why the condition could not be judged; "" where it could.
	Unknown string `json:"unknown,omitempty"`
	// Before tells that it may have begun earlier: nothing before From was looked
	// at.
	Before bool `json:"before,omitempty"`
}

// LookbackDays is how many days are judged again to tell how a subject came to
// its phase.
const LookbackDays = 180

// Lookback judges the days before the situation's slot as today's file would
// have, one evaluation a day, for one subject: the phases it went through,
// oldest first, and where it stood after the slot. Nothing that was stored is
// asked, so it tells nothing of what was done. While a source that the condition
// reads is stale there is nothing to tell: its days of before were judged when it
// was not.
func (s *Situation) Lookback(p *Playbook, subject steward.Subject) ([]Stretch, steward.PhaseState) {
	view := s.Frame.View(p.About)
	row, ok := view.Row(subject.ID)
	st := steward.PhaseState{Playbook: p.Name, Subject: subject}
	if !ok || p.Kind == Rhythm || s.stale(p) != "" {
		return nil, st
	}
	b := lookback{s: s, p: p, view: view, row: row, last: s.lastDay(p)}
	var out []Stretch
	for shift := LookbackDays - 1; shift >= 0; shift-- {
		if b.last == steward.NoDay {
			break
		}
		day := s.Slot.Day(s.Book.Zone) - steward.Day(shift)
		why := b.step(&st, shift, day)
		if n := len(out); n > 0 && out[n-1].Phase == phaseOf(st) && (out[n-1].Unknown == "") == (why == "") {
			out[n-1].To, out[n-1].Unknown = day, why
			continue
		}
		out = append(out, Stretch{Phase: phaseOf(st), From: day, To: day, Unknown: why, Before: len(out) == 0})
	}
	return out, st
}

type lookback struct {
	s    *Situation
	p    *Playbook
	view *facts.View
	row  int
	last steward.Day
}

// step judges one day and moves the phase; it returns why the day could not be
// judged.
func (b lookback) step(st *steward.PhaseState, shift int, day steward.Day) (why string) {
	at := lang.At{Shift: shift}
	if phaseOf(*st) != steward.Clear {
		at.Episodes = map[int]lang.Episode{b.row: {Frozen: st.Frozen, Shift: int(b.last - st.EpisodeDay)}}
	}
	verdict := func(e *lang.Expr) steward.Verdict { return e.Value(b.view, b.row, at).Verdict() }
	slot := b.slotOn(day)
	r := reading{Slot: slot, Day: b.last - steward.Day(shift), Elapsed: 1, Audience: steward.Holds, When: verdict(b.p.When)}
	if r.Over = r.When.Not(); b.p.Until != nil {
		r.Over = verdict(b.p.Until)
	}
	if b.p.Audience != nil {
		r.Audience = verdict(b.p.Audience)
	}
	accounts, account := b.s.accounts(), b.view.AccountRow(b.row)
	in := b.s.Book.include.Value(accounts, account, lang.At{Shift: shift}).Verdict()
	switch {
	case in == steward.Unclear:
		why = because(b.s.Book.include.Trace(accounts, account, lang.At{Shift: shift}))
	case in == steward.Fails:
	case r.Audience == steward.Unclear:
		why = because(b.p.Audience.Trace(b.view, b.row, at))
	case r.Audience == steward.Holds && r.When == steward.Unclear:
		why = because(b.p.When.Trace(b.view, b.row, at))
	}
	if in == steward.Fails || in == steward.Unclear && phaseOf(*st) == steward.Clear {
		r.Audience = steward.Fails
	}
	*st, _ = b.p.stepPhase(*st, r)
	if st.Phase != steward.Clear && st.Episode == slot && st.Frozen == nil {
		st.Frozen = b.p.freeze(b.view, b.row, lang.At{Shift: shift})
	}
	return why
}

// slotOn is the situation's time of day on another day.
func (b lookback) slotOn(day steward.Day) steward.Slot {
	now := b.s.Slot.Time().In(b.s.Book.Zone)
	y, m, d := day.Start(b.s.Book.Zone).Date()
	return steward.SlotAt(time.Date(y, m, d, now.Hour(), now.Minute(), now.Second(), 0, b.s.Book.Zone))
}
