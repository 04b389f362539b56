package playbooks

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"steward"
	"steward/facts"
	"steward/playbooks/lang"
)

// An Outcome is everything a run decided, before any of it is written.
type Outcome struct {
	// Changes are one per account that something changes for, in order of id.
	Changes []steward.Change
	// States is what to remember of every playbook.
	States []steward.PlaybookState
	// Tally counts what happened, per playbook.
	Tally map[steward.PlaybookName]*Tally
	// Quarantined lists the openings held in this run, for ops; Expiring those
	// held for long that will lapse within days unless somebody releases them.
	Quarantined, Expiring []Held
}

// Held is an opening that a run quarantined.
type Held struct {
	Playbook steward.PlaybookName
	Subject  steward.Subject
	Name     string // the account's
	Reason   steward.Reason
	Why      []string // what was seen, in words
}

// A Tally is what one run did for one playbook, in subjects.
type Tally struct {
	// Audience is who the playbook is for, in the portfolio; Unknown is how many
	// of them it cannot judge.
	Audience, Pending, Firing, Clearing, Unknown int
	Opened, Quarantined, Exited, Outreach        int
	// Days is how many newly complete days were judged.
	Days  int
	Fault string
}

// Decide judges every playbook at the situation's slot and works out all that
// follows. It writes nothing; deciding again gives the same.
func (s *Situation) Decide() Outcome {
	d := s.decider()
	for _, p := range s.Book.Playbooks {
		d.judge(p)
	}
	d.learn()
	d.dropRemoved()
	d.Memory.Afoot = afootIn(d.Memory.Open, d.phases)
	d.advanceOpen()
	d.goalsOfEnded()
	for _, p := range s.Book.Playbooks {
		d.freezePilot(p)
		d.open(p)
	}
	return d.outcome()
}

func (s *Situation) decider() *decider {
	d := &decider{Situation: s, tally: map[steward.PlaybookName]*Tally{}, changes: map[steward.AccountID]*steward.Change{}, phases: map[Key]steward.PhaseState{}}
	for k, st := range s.Memory.Phases {
		if st.Phase != steward.Clear {
			d.phases[k] = st
		}
	}
	return d
}

type decider struct {
	*Situation
	tally          map[steward.PlaybookName]*Tally
	changes        map[steward.AccountID]*steward.Change
	phases         map[Key]steward.PhaseState // after this slot, clear ones left out
	states         []steward.PlaybookState
	held, expiring []Held
}

func (d *decider) change(a steward.AccountID) *steward.Change {
	c := d.changes[a]
	if c == nil {
		c = &steward.Change{Account: a}
		d.changes[a] = c
	}
	return c
}

// judge steps the phases of one playbook.
func (d *decider) judge(p *Playbook) {
	t := &Tally{}
	d.tally[p.Name] = t
	state := d.Memory.States[p.Name]
	state.Playbook, state.Version = p.Name, p.Version
	defer func() { d.states = append(d.states, state) }()
	if !p.Enabled {
		state.Slot = d.Slot
		return
	}
	if m := d.stale(p); m != "" {
		state.Fault = m + " is stale or was never imported: nothing is judged until its source is fresh"
		t.Fault = state.Fault
		state.Slot = d.Slot
		return
	}
	if p.Kind == Rhythm {
		d.judgeRhythm(p, t, &state)
		return
	}
	view := d.Frame.View(p.About)
	if view.Len() == 0 {
		return // nothing imported yet: no baseline of an empty portfolio
	}
	state.Fault = ""
	if state.Condition != p.Condition {
		state.Condition, state.Baseline, state.LastDay = p.Condition, d.Slot, steward.NoDay
	}
	last := d.lastDay(p)
	days := d.readings(p, state, last)
	t.Days = len(days)
	for _, r := range days {
		d.stepAll(p, view, r)
	}
	state.Slot = d.Slot
	if p.DailyMetrics() {
		state.LastDay = max(last, state.LastDay)
	}
	d.count(p, view, t)
}

// lateDays is how many late days are judged one by one; a feed that was gone
// for longer is judged from there.
const lateDays = 400

// pace is one reading to come: how many days back it looks and what it adds.
type pace struct {
	shift   int
	elapsed float64
}

// readings says which days the run has to judge: each newly complete one,
// oldest first, for conditions that read daily metrics; else the slot itself.
func (d *decider) readings(p *Playbook, state steward.PlaybookState, last steward.Day) []pace {
	if !p.DailyMetrics() {
		elapsed := 0.0
		if !state.Slot.IsZero() {
			elapsed = d.Slot.Time().Sub(state.Slot.Time()).Hours() / 24
		}
		return []pace{{0, max(0, elapsed)}}
	}
	if state.LastDay == steward.NoDay || state.LastDay == 0 {
		return []pace{{0, 0}}
	}
	var out []pace
	for k := min(int(last-state.LastDay), lateDays) - 1; k >= 0; k-- {
		out = append(out, pace{k, 1})
	}
	return out
}

// stepAll judges one day for every subject: conditions in columns, then the
// few subjects that are not clear, or become so, one by one.
func (d *decider) stepAll(p *Playbook, view *facts.View, r pace) {
	last := d.lastDay(p)
	day := last - steward.Day(r.shift)
	at := lang.At{Shift: r.shift, Episodes: d.episodes(p, view, last)}
	when := p.When.Column(view, at)
	audience, until := column(p.Audience, view, at), column(p.Until, view, at)
	for row := range view.Len() {
		subject := view.Subject(row)
		key := KeyOf(p.Name, subject)
		if stored, ok := d.Memory.Phases[key]; ok && stored.Slot == d.Slot {
			continue // this run was begun before; the subject is done
		}
		st, known := d.phases[key]
		verdict := when.Value(row).Verdict()
		if !known && verdict != steward.Holds {
			continue
		}
		if !known {
			st = steward.PhaseState{Playbook: p.Name, Subject: subject}
		}
		read := reading{Slot: d.Slot, Day: day, Elapsed: r.elapsed, When: verdict, Over: verdict.Not(), Audience: steward.Holds}
		if p.Audience != nil {
			read.Audience = audience.Value(row).Verdict()
		}
		if p.Until != nil {
			read.Over = until.Value(row).Verdict()
		}
		if in, _ := d.portfolio(subject.Account); in == steward.Fails || in == steward.Unclear && !known {
			read.Audience = steward.Fails
		}
		next, _ := p.stepPhase(st, read)
		if next.Phase == steward.Clear && !known {
			continue
		}
		if next.Frozen == nil && next.Phase != steward.Clear && next.Episode == d.Slot {
			next.Frozen = p.freeze(view, row, lang.At{Shift: r.shift})
		}
		d.setPhase(key, next)
	}
}

func column(e *lang.Expr, view *facts.View, at lang.At) facts.Column {
	if e == nil {
		return facts.Column{}
	}
	return e.Column(view, at)
}

func (p *Playbook) freeze(view *facts.View, row int, at lang.At) map[string]steward.Value {
	out := map[string]steward.Value{}
	for _, e := range p.freezing() {
		maps.Copy(out, e.Freeze(view, row, at))
	}
	return out
}

// episodes is the frozen values of every subject that is in an episode.
func (d *decider) episodes(p *Playbook, view *facts.View, last steward.Day) map[int]lang.Episode {
	out := map[int]lang.Episode{}
	for key, st := range d.phases {
		if key.Playbook != p.Name {
			continue
		}
		if row, ok := view.Row(key.ID); ok {
			out[row] = lang.Episode{Frozen: st.Frozen, Shift: int(last - st.EpisodeDay)}
		}
	}
	return out
}

func (d *decider) setPhase(key Key, st steward.PhaseState) {
	if st.Phase == steward.Clear {
		delete(d.phases, key)
	} else {
		d.phases[key] = st
	}
	c := d.change(st.Subject.Account)
	for i := range c.Phases {
		if KeyOf(c.Phases[i].Playbook, c.Phases[i].Subject) == key {
			c.Phases[i] = st
			return
		}
	}
	c.Phases = append(c.Phases, st)
}

func (d *decider) count(p *Playbook, view *facts.View, t *Tally) {
	at := lang.At{Episodes: map[int]lang.Episode{}}
	audience, when := column(p.Audience, view, at), p.When.Column(view, at)
	for row := range view.Len() {
		if p.Audience != nil && audience.Value(row).Verdict() != steward.Holds || d.InPortfolio(view.Account(row).ID) != steward.Holds {
			continue
		}
		t.Audience++
		if when.Value(row).Verdict() == steward.Unclear {
			t.Unknown++
		}
	}
	for key, st := range d.phases {
		if key.Playbook != p.Name {
			continue
		}
		switch st.Phase {
		case steward.Pending:
			t.Pending++
		case steward.Firing:
			t.Firing++
		case steward.Clearing:
			t.Clearing++
		}
	}
}

// dropRemoved clears the phases of playbooks that are gone, or that have none
// any more, and of subjects that are no longer in the data.
func (d *decider) dropRemoved() {
	for _, key := range sortedKeys(d.phases) {
		st := d.phases[key]
		p, ok := d.Book.Playbook(key.Playbook)
		if ok && p.Kind != Rhythm {
			if _, ok = d.Frame.View(p.About).Row(key.ID); ok {
				continue
			}
		}
		st.Phase, st.Slot = steward.Clear, d.Slot
		d.setPhase(key, st)
	}
}

// advanceOpen moves every open enrolment on.
func (d *decider) advanceOpen() {
	for _, key := range sortedKeys(d.Memory.Open) {
		e, reached := d.goal(d.Memory.Open[key])
		prog := d.Advance(e, d.phases[key])
		prog.Records, prog.Moved = append(reached, prog.Records...), prog.Moved || len(reached) > 0
		d.take(prog)
		if prog.Enrolment.State == steward.Quarantined && !d.Now.Before(e.OpenedAt.Add(QuarantineFor-quarantineNotice)) {
			d.expiring = append(d.expiring, d.Held(e))
		}
		if !prog.Enrolment.State.Open() {
			d.tallyOf(e.Playbook).Exited++
		}
	}
}

// Held is a quarantined enrolment as ops is told of it.
func (s *Situation) Held(e steward.Enrolment) Held {
	a, _ := s.account(e.Subject.Account)
	return Held{e.Playbook, e.Subject, a.Name, e.Reason, Words(e.Evidence)}
}

func (d *decider) tallyOf(p steward.PlaybookName) *Tally {
	if d.tally[p] == nil {
		d.tally[p] = &Tally{}
	}
	return d.tally[p]
}

// shared is the card that carries what two plans for it carry: it goes when the
// first may, is worth sending as long as the last is, and is sent again after a
// lost outcome only where both say so.
func shared(a, b steward.Message) steward.Message {
	if a.State == steward.Deferred && (b.State == steward.Planned || b.Due.Before(a.Due)) {
		a.State, a.Due, a.Reason, a.Detail = b.State, b.Due, b.Reason, b.Detail
	}
	if b.Expires.After(a.Expires) {
		a.Expires = b.Expires
	}
	a.RetryUncertain = a.RetryUncertain && b.RetryUncertain
	return a
}

func (d *decider) take(p Progress) {
	if p.Empty() {
		return
	}
	c := d.change(p.Enrolment.Subject.Account)
	c.Enrolments = append(c.Enrolments, p.Enrolment)
	c.Outreach = append(c.Outreach, p.Outreach...)
	for _, m := range p.Messages {
		if i := slices.IndexFunc(c.Messages, func(x steward.Message) bool { return x.ID == m.ID }); i >= 0 {
			c.Messages[i] = shared(c.Messages[i], m)
		} else {
			c.Messages = append(c.Messages, m)
		}
	}
	c.Records, c.Stopped = append(c.Records, p.Records...), append(c.Stopped, p.Stopped...)
	c.Withdrawn, c.Recalled = append(c.Withdrawn, p.Withdrawn...), append(c.Recalled, p.Recalled...)
	c.HandOvers, c.Redrafts, c.Repaint = append(c.HandOvers, p.HandOvers...), append(c.Redrafts, p.Redrafts...), append(c.Repaint, p.Repaint...)
	c.Joins, c.Given = append(c.Joins, p.Joins...), append(c.Given, p.Tasks...)
	d.tallyOf(p.Enrolment.Playbook).Outreach += len(p.Outreach)
}

// open opens what fires and is not enrolled, in the fixed order: eligible,
// quarantine, holdout arm, open. The most urgent go first, so that a limit
// holds back the least.
func (d *decider) open(p *Playbook) {
	if !p.Enabled || d.tallyOf(p.Name).Fault != "" {
		return // what cannot be judged opens nothing
	}
	if p.Kind == Rhythm {
		d.occur(p)
		return
	}
	view := d.Frame.View(p.About)
	state := d.stateOf(p.Name)
	var ready []opening
	for _, key := range sortedKeys(d.phases) {
		st := d.phases[key]
		if key.Playbook != p.Name || st.Phase != steward.Firing {
			continue
		}
		if _, open := d.Memory.Open[key]; open {
			continue
		}
		row, ok := view.Row(key.ID)
		if !ok {
			continue
		}
		if verdict := d.eligible(p, key, st); !verdict.Passes() {
			if st.Since == d.Slot {
				d.change(st.Subject.Account).Records = append(d.change(st.Subject.Account).Records, steward.Record{At: d.Slot, Playbook: p.Name, Subject: st.Subject, Decision: verdict})
			}
			continue
		}
		at := lang.At{Episodes: map[int]lang.Episode{row: {Frozen: st.Frozen, Shift: int(d.lastDay(p) - st.EpisodeDay)}}}
		if p.When.Value(view, row, at).Verdict() != steward.Holds {
			continue // it fires on because it has not recovered; a nudge would state what is no longer so
		}
		o := opening{key: key, phase: st, row: row}
		if p.Priority != nil {
			o.priority = p.Priority.Value(view, row, at)
		}
		ready = append(ready, o)
	}
	slices.SortFunc(ready, func(a, b opening) int {
		if a.priority.Known != b.priority.Known { // unknown sorts last
			if a.priority.Known {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.priority.Num, a.priority.Num), strings.Compare(a.key.ID, b.key.ID))
	})
	t, limit, opened := d.tallyOf(p.Name), p.MaxNew.Of(d.tallyOf(p.Name).Audience), d.openedBefore(p)
	for _, o := range ready {
		e := d.enrol(p, view, o)
		switch {
		case o.phase.Episode == state.Baseline && !p.Backfill:
			e.State, e.Reason = steward.Quarantined, steward.ReasonBaseline
		case opened >= limit:
			e.State, e.Reason = steward.Quarantined, steward.ReasonBlastRadius
		default:
			opened++
		}
		if e.State == steward.Quarantined {
			t.Quarantined++
			e.StepSince = time.Time{} // it has not begun: no cooldown will count from it
			d.held = append(d.held, d.Held(e))
		}
		d.begin(p, e, o.phase)
	}
}

// begin takes up a new enrolment, as far as it can go now.
func (d *decider) begin(p *Playbook, e steward.Enrolment, phase steward.PhaseState) {
	reason := e.Reason
	if e.State != steward.Quarantined {
		d.tallyOf(p.Name).Opened++
		reason = steward.ReasonOpened
	}
	prog := d.Advance(e, phase)
	first := steward.Record{At: steward.SlotAt(d.Now), Playbook: p.Name, Subject: e.Subject, Enrolment: e.ID, Decision: steward.Decision{Effect: steward.Pass, Reason: reason, Detail: strings.Join(Words(e.Evidence), "; ")}}
	prog.Records = append([]steward.Record{first}, prog.Records...)
	d.take(prog)
}

// openedBefore is how many this very run has opened and written already, where
// it was begun before and cut short: they count towards its limit.
func (d *decider) openedBefore(p *Playbook) int {
	n := 0
	for _, enrolments := range []map[Key]steward.Enrolment{d.Memory.Open, d.Memory.Ended} {
		for key, e := range enrolments {
			if key.Playbook == p.Name && e.OpenedAt.Equal(d.Now) && !e.StepSince.IsZero() {
				n++
			}
		}
	}
	return n
}

func (d *decider) stateOf(name steward.PlaybookName) steward.PlaybookState {
	if i := d.stateIndex(name); i >= 0 {
		return d.states[i]
	}
	return steward.PlaybookState{}
}

// stateIndex is the place of a playbook's state; -1 where it has none.
func (d *decider) stateIndex(name steward.PlaybookName) int {
	return slices.IndexFunc(d.states, func(st steward.PlaybookState) bool { return st.Playbook == name })
}

// audienceOf tells whether a row is in the playbook's audience, portfolio aside.
func (s *Situation) audienceOf(p *Playbook, row int) steward.Verdict {
	if p.Audience == nil {
		return steward.Holds
	}
	return p.Audience.Value(s.Frame.View(p.About), row, lang.At{}).Verdict()
}

type opening struct {
	key      Key
	phase    steward.PhaseState
	row      int
	priority steward.Value
}

// eligible says whether a firing subject may be enrolled, leaving quarantine
// aside.
func (s *Situation) eligible(p *Playbook, key Key, st steward.PhaseState) steward.Decision {
	last, ok := s.Memory.Ended[key]
	if ok && last.Episode == st.Episode {
		return suppress(steward.ReasonNoReentry, "this episode was already opened and ended: %s", spaced(string(last.Reason)))
	}
	if row, known := s.Frame.View(p.About).Row(key.ID); known {
		if v := s.pilotBars(p, row); !v.Passes() {
			return v
		}
	}
	if !ok || last.StepSince.IsZero() {
		return steward.Decision{} // it ended in quarantine: nothing was done that anyone should rest from
	}
	if p.Reentry == Never {
		return suppress(steward.ReasonNoReentry, "reentry is never, and it was enrolled on %s", last.OpenedAt.Format(time.DateOnly))
	}
	if until := last.EndedAt.Add(p.Cooldown); s.Now.Before(until) {
		return steward.Decision{Effect: steward.Defer, Reason: steward.ReasonCoolingDown, Until: until,
			Detail: fmt.Sprintf("its last enrolment ended on %s and cools down until %s", last.EndedAt.Format(time.DateOnly), until.Format(time.DateOnly))}
	}
	return steward.Decision{}
}

func (d *decider) enrol(p *Playbook, view *facts.View, o opening) steward.Enrolment {
	e := steward.Enrolment{
		ID: steward.NewEnrolmentID(p.Name, o.phase.Subject, o.phase.Episode), Playbook: p.Name, Subject: o.phase.Subject, Episode: o.phase.Episode,
		EpisodeDay: o.phase.EpisodeDay, Frozen: o.phase.Frozen, State: steward.Active, Arm: d.arm(p, o.phase.Subject.Account),
		Version: p.Version, OpenedAt: d.Now, StepSince: d.Now,
	}
	e.Evidence = lang.Evidence(p.When.Trace(view, o.row, d.at(o.row, e, p)))
	return e
}

// arm draws the side of the experiment for a whole corporate family at once:
// two subsidiaries of one parent hear of each other.
func (s *Situation) arm(p *Playbook, a steward.AccountID) steward.Arm {
	if p.Holdout <= 0 {
		return steward.Treatment
	}
	h := sha256.Sum256([]byte(s.Memory.Salt + "\x00" + string(s.drawnAs(p)) + "\x00" + string(s.topParent(a))))
	if float64(binary.BigEndian.Uint64(h[:8])>>11)/(1<<53) < p.Holdout {
		return steward.Holdout
	}
	return steward.Treatment
}

// drawnAs is the name by which a playbook's holdouts are drawn: the one that it
// had first.
func (s *Situation) drawnAs(p *Playbook) steward.PlaybookName {
	if name := s.Memory.States[p.Name].DrawnAs; name != "" {
		return name
	}
	return p.Name
}

// topParent follows parents upwards; a cycle in the data ends the walk.
func (s *Situation) topParent(id steward.AccountID) steward.AccountID {
	for range 32 {
		a, ok := s.account(id)
		if !ok || a.Parent == "" || a.Parent == id {
			return id
		}
		id = a.Parent
	}
	return id
}

func (d *decider) outcome() Outcome {
	out := Outcome{States: d.states, Tally: d.tally, Quarantined: d.held, Expiring: d.expiring}
	for _, id := range slices.Sorted(maps.Keys(d.changes)) {
		if c := d.changes[id]; !c.Empty() {
			out.Changes = append(out.Changes, *c)
		}
	}
	return out
}

func sortedKeys[V any](m map[Key]V) []Key {
	return slices.SortedFunc(maps.Keys(m), func(a, b Key) int {
		return cmp.Or(strings.Compare(string(a.Playbook), string(b.Playbook)), strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.ID, b.ID))
	})
}

func lower(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
