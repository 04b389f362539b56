package playbooks

import (
	"fmt"

	"steward"
	"steward/configs/strictyaml"
	"steward/playbooks/lang"
)

// A Pilot has a playbook begin with some of its audience. What everybody
// measures when it begins is kept, so that the pilot can be held beside the rest
// when it is over.
type Pilot struct {
	// Only says who is in it; nil: there is no pilot.
	Only *lang.Expr
	// Until is the first day on which the playbook is everybody's.
	Until steward.Day
	// Measure is the number that is compared; nil where none is.
	Measure *lang.Expr
	// Hash names the pilot: another one begins anew.
	Hash string
}

type pilotBlock struct {
	Pos     strictyaml.Pos    `yaml:",pos"`
	Only    strictyaml.Text   `yaml:"only,required" doc:"Which subjects of the audience begin, as a condition." examples:"owner in ['dana', 'sam']"`
	Until   strictyaml.Scalar `yaml:"until,required" doc:"The first day on which the playbook opens for the whole audience, as 2026-09-30." pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" want:"write a date as 2026-09-30"`
	Measure strictyaml.Text   `yaml:"measure" doc:"A number by which the pilot is compared with the rest; it is kept for the whole audience on the day on which the pilot begins." examples:"avg(logins, 28d)"`
}

func (r *reader) pilot(p *Playbook, b *pilotBlock, sc lang.Scope) {
	if b == nil {
		return
	}
	p.Pilot = Pilot{Only: r.expr(r.src, b.Only, sc, steward.FlagKind), Measure: r.expr(r.src, b.Measure, sc, steward.NumberKind), Until: steward.NoDay}
	if !b.Until.Pos.IsZero() {
		day, err := steward.ParseDay(b.Until.Value)
		if err != nil {
			r.fault(b.Until, err.Error(), "write until: 2026-09-30, the first day on which the playbook is everybody's")
		}
		p.Pilot.Until = day
	}
	if p.Pilot.Only != nil {
		measure := ""
		if p.Pilot.Measure != nil {
			measure = p.Pilot.Measure.Canonical()
		}
		p.Pilot.Hash = fingerprint("pilot", p.Pilot.Only.Canonical()+"\x00"+p.Pilot.Until.String()+"\x00"+measure)
	}
}

// pilotRuns tells whether only the pilot's subjects are admitted.
func (s *Situation) pilotRuns(p *Playbook) bool {
	return p.Pilot.Only != nil && steward.DayOf(s.Now, s.Book.Zone) < p.Pilot.Until
}

// pilotBars keeps out of a playbook who is not in its pilot while that runs.
// Whether that is so has to be known; who was admitted stays.
func (s *Situation) pilotBars(p *Playbook, row int) steward.Decision {
	if !s.pilotRuns(p) || p.Pilot.Only.Value(s.Frame.View(p.About), row, lang.At{}).Verdict() == steward.Holds {
		return steward.Decision{}
	}
	until := p.Pilot.Until.Start(s.Book.Zone)
	return steward.Decision{Effect: steward.Defer, Reason: steward.ReasonNotInPilot, Until: until,
		Detail: fmt.Sprintf("the playbook is in a pilot until %s, and this one is not in it", longDate(p.Pilot.Until))}
}

// freezePilot keeps what the whole audience measures when a pilot begins: at
// the first run that sees it with everything that it reads at hand.
func (d *decider) freezePilot(p *Playbook) {
	i := d.stateIndex(p.Name)
	if i < 0 || !d.pilotRuns(p) || p.Pilot.Measure == nil || !p.Enabled || d.tallyOf(p.Name).Fault != "" {
		return
	}
	state := &d.states[i]
	if state.Pilot == p.Pilot.Hash || d.staleMetrics(p.Pilot.Measure) {
		return
	}
	state.Pilot, state.PilotSince = p.Pilot.Hash, d.Slot
	view := d.Frame.View(p.About)
	for row := range view.Len() {
		subject := view.Subject(row)
		if d.InPortfolio(subject.Account) != steward.Holds || d.audienceOf(p, row) != steward.Holds {
			continue
		}
		c := d.change(subject.Account)
		c.Pilots = append(c.Pilots, steward.PilotStart{
			Playbook: p.Name, Subject: subject, Pilot: p.Pilot.Hash, Slot: d.Slot,
			In:    p.Pilot.Only.Value(view, row, lang.At{}).Verdict() == steward.Holds,
			Value: p.Pilot.Measure.Value(view, row, lang.At{}),
		})
	}
}

// staleMetrics tells whether a source that an expression reads is behind.
func (s *Situation) staleMetrics(e *lang.Expr) bool {
	for _, name := range append(e.Metrics(), e.Loads()...) {
		if m, ok := s.Frame.Metric(name); !ok || m.Stale || m.End == steward.NoDay {
			return true
		}
	}
	return false
}

// Measure is what a subject of a playbook in a pilot measures now; unknown
// where it is not in the data any more.
func (s *Situation) Measure(p *Playbook, subject steward.Subject) steward.Value {
	view := s.Frame.View(p.About)
	row, ok := view.Row(subject.ID)
	if !ok || p.Pilot.Measure == nil {
		return steward.Unknown(steward.NumberKind)
	}
	return p.Pilot.Measure.Value(view, row, lang.At{})
}

// Shown is an amount of the measure as people read it; a change has its sign,
// and one of a share is in points.
func (p Pilot) Shown(n float64, change bool) string {
	unit, sign := "", ""
	text := numberText(steward.Num(n))
	if p.Measure != nil && p.Measure.Percent() {
		unit = "%"
		if change {
			unit = " points"
		}
		text = numberText(steward.Num(n * 100))
	}
	if change && n > 0 {
		sign = "+"
	}
	return sign + text + unit
}
