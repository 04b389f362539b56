package playbooks

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"steward"
	"steward/playbooks/lang"
)

// A Cadence is when the calendar opens a playbook. It depends on the calendar
// alone and never on when a playbook was written or a worker started: weeks are
// counted from Monday 1 January 2024, months from that January and days from
// that day, so that every second Thursday is the same one everywhere.
//
// The zero Cadence never comes round.
type Cadence struct {
	every int
	unit  cadenceUnit
	// weekday is the day of a week, or, with nth, of a month: 1 to 4, or -1 for
	// the last.
	weekday time.Weekday
	nth     int
	// monthDay is the day of a month: 1 to 31, where a shorter month means its
	// last, or -1 for the last.
	monthDay int
	// clock is the time of day since midnight. Without one a cadence goes with the
	// first evaluation of its day, on that day's facts.
	timed bool
	clock time.Duration
}

type cadenceUnit string

const (
	byDay   cadenceUnit = "d"
	byWeek  cadenceUnit = "w"
	byMonth cadenceUnit = "mo"
)

// cadenceStart is the day from which cadences count: a Monday, the first of a
// month and of a year.
var cadenceStart = steward.Date(2024, time.January, 1)

var (
	cadenceText = regexp.MustCompile(`^(\d{1,3})\s*(d|w|mo)(?:\s+on\s+(.+?))?(?:\s+at\s+(\d{1,2}):(\d{2}))?$`)
	cadenceNths = map[string]int{"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
)

// The longest cadence is about a year.
var cadenceMost = map[cadenceUnit]int{byDay: 366, byWeek: 53, byMonth: 12}

const cadenceHint = "write 1d, 2w on thursday at 14:00, 1mo on second tuesday, 1mo on 15 or 3mo on last friday"

// ParseCadence reads "1mo on second tuesday at 09:00" and the like.
func ParseCadence(s string) (Cadence, error) {
	m := cadenceText.FindStringSubmatch(strings.Join(strings.Fields(strings.ToLower(s)), " "))
	if m == nil {
		return Cadence{}, fmt.Errorf("%q is not a rhythm", s)
	}
	c := Cadence{unit: cadenceUnit(m[2])}
	c.every, _ = strconv.Atoi(m[1])
	if c.every < 1 || c.every > cadenceMost[c.unit] {
		return Cadence{}, fmt.Errorf("a rhythm comes round every 1 to %d%s", cadenceMost[c.unit], c.unit)
	}
	if err := c.on(m[3]); err != nil {
		return Cadence{}, err
	}
	if m[4] != "" {
		hour, _ := strconv.Atoi(m[4])
		minute, _ := strconv.Atoi(m[5])
		if hour > 23 || minute > 59 {
			return Cadence{}, fmt.Errorf("%s:%s is not a time of day", m[4], m[5])
		}
		c.timed, c.clock = true, time.Duration(hour)*time.Hour+time.Duration(minute)*time.Minute
	}
	return c, nil
}

// on reads the day. Left out it is Monday, or the first of the month.
func (c *Cadence) on(text string) error {
	words := strings.Fields(text)
	switch c.unit {
	case byDay:
		if text != "" {
			return fmt.Errorf("a rhythm of days has no `on`: it comes on each of them")
		}
		return nil
	case byWeek:
		c.weekday = time.Monday
		if text == "" {
			return nil
		}
		day, ok := weekdayOf(text)
		if !ok {
			return fmt.Errorf("%q is not a day of the week", text)
		}
		c.weekday = day
		return nil
	}
	if text == "" {
		c.monthDay = 1
		return nil
	}
	if n, err := strconv.Atoi(text); err == nil {
		if n < 1 || n > 31 {
			return fmt.Errorf("a month has no day %d", n)
		}
		c.monthDay = n
		return nil
	}
	if len(words) == 2 {
		nth, ok := cadenceNths[words[0]]
		if ok && nth == -1 && words[1] == "day" {
			c.monthDay = -1
			return nil
		}
		if day, isDay := weekdayOf(words[1]); ok && isDay {
			c.nth, c.weekday = nth, day
			return nil
		}
	}
	return fmt.Errorf("%q is not a day of the month", text)
}

func weekdayOf(name string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.ToLower(d.String()) == name {
			return d, true
		}
	}
	return 0, false
}

// IsZero tells the cadence of a playbook that the calendar does not open.
func (c Cadence) IsZero() bool { return c.every == 0 }

// String is the cadence in one spelling.
func (c Cadence) String() string {
	if c.IsZero() {
		return ""
	}
	s := strconv.Itoa(c.every) + string(c.unit)
	switch {
	case c.unit == byWeek:
		s += " on " + strings.ToLower(c.weekday.String())
	case c.nth != 0:
		for word, n := range cadenceNths {
			if n == c.nth {
				s += " on " + word + " " + strings.ToLower(c.weekday.String())
			}
		}
	case c.monthDay == -1:
		s += " on last day"
	case c.monthDay > 0:
		s += " on " + strconv.Itoa(c.monthDay)
	}
	if c.timed {
		s += fmt.Sprintf(" at %02d:%02d", c.clock/time.Hour, c.clock%time.Hour/time.Minute)
	}
	return s
}

// falls tells whether the cadence comes round on a day.
func (c Cadence) falls(d steward.Day) bool {
	switch c.unit {
	case byDay:
		return floorMod(int(d-cadenceStart), c.every) == 0
	case byWeek:
		week := floorDiv(int(d-cadenceStart), 7) // cadenceStart is a Monday
		return d.Weekday() == c.weekday && floorMod(week, c.every) == 0
	case byMonth:
		year, month, day := d.Start(time.UTC).Date()
		if floorMod((year-2024)*12+int(month)-1, c.every) != 0 {
			return false
		}
		last := int(steward.Date(year, month+1, 1) - steward.Date(year, month, 1))
		switch {
		case c.nth > 0:
			return d.Weekday() == c.weekday && (day-1)/7+1 == c.nth
		case c.nth < 0:
			return d.Weekday() == c.weekday && day+7 > last
		case c.monthDay < 0:
			return day == last
		}
		return day == min(c.monthDay, last)
	}
	return false
}

func floorDiv(a, b int) int { return (a - floorMod(a, b)) / b }

func floorMod(a, b int) int { return (a%b + b) % b }

// moment is when a day's occurrence begins: its time of day, or the day's own
// beginning. A time that the zone skips on that day is the first one after the
// gap, and one that comes twice the first of the two.
func (c Cadence) moment(d steward.Day, zone *time.Location) steward.Slot {
	return steward.SlotAt(d.At(c.clock, zone))
}

// cadenceReach is how many days lie between two occurrences at most.
const cadenceReach = 12*31 + 7

// Latest is the newest occurrence that is not after a moment; the zero Slot
// where there is none.
func (c Cadence) Latest(at time.Time, zone *time.Location) steward.Slot {
	for d, k := steward.DayOf(at, zone), 0; k <= cadenceReach; d, k = d-1, k+1 {
		if !c.falls(d) {
			continue
		}
		if m := c.moment(d, zone); !m.Time().After(at) {
			return m
		}
	}
	return steward.Slot{}
}

// Next is the first occurrence after a moment; the zero Slot where there is
// none.
func (c Cadence) Next(after time.Time, zone *time.Location) steward.Slot {
	for d, k := steward.DayOf(after, zone), 0; k <= cadenceReach; d, k = d+1, k+1 {
		if !c.falls(d) {
			continue
		}
		if m := c.moment(d, zone); m.Time().After(after) {
			return m
		}
	}
	return steward.Slot{}
}

// rhythmDeadline is how late an occurrence may still be begun. After that it is
// missed: what was to be said on Tuesday is not said on Friday.
const rhythmDeadline = 24 * time.Hour

// judgeRhythm gets a playbook that the calendar opens ready: there is no
// condition whose phases could be stepped.
func (d *decider) judgeRhythm(p *Playbook, t *Tally, state *steward.PlaybookState) {
	view := d.Frame.View(p.About)
	if view.Len() == 0 {
		return
	}
	state.Fault = ""
	if state.Condition != p.Condition {
		// What the calendar had called for before the rhythm was written, or
		// rewritten, is nothing to make up for.
		state.Condition, state.Baseline, state.LastDay = p.Condition, steward.Slot{}, steward.NoDay
		state.Occurrence = d.Slot
	}
	state.Slot = d.Slot
	d.countAudience(p, t)
}

func (d *decider) countAudience(p *Playbook, t *Tally) {
	view := d.Frame.View(p.About)
	for row := range view.Len() {
		if d.InPortfolio(view.Account(row).ID) != steward.Holds {
			continue
		}
		switch d.audienceOf(p, row) {
		case steward.Holds:
			t.Audience++
		case steward.Unclear:
			t.Unknown++
		}
	}
}

// occur opens an occurrence that has come: one enrolment for each subject of
// the audience. It is dealt with once; who joins the audience later is of the
// next one.
func (d *decider) occur(p *Playbook) {
	i := d.stateIndex(p.Name)
	if i < 0 {
		return
	}
	state := &d.states[i]
	occ := p.Every.Latest(d.Now, d.Book.Zone)
	if occ.IsZero() || !occ.Time().After(state.Occurrence.Time()) {
		return
	}
	state.Occurrence = occ
	if late := d.Now.Sub(occ.Time()); late > rhythmDeadline {
		state.Fault = fmt.Sprintf("its occurrence of %s was missed: nothing could be judged within a day of it", occ.Time().In(d.Book.Zone).Format("2 January 2006"))
		d.tallyOf(p.Name).Fault = state.Fault
		return
	}
	view := d.Frame.View(p.About)
	for row := range view.Len() {
		subject := view.Subject(row)
		if d.InPortfolio(subject.Account) != steward.Holds || d.audienceOf(p, row) != steward.Holds {
			continue
		}
		d.occurFor(p, occ, row)
	}
}

func (d *decider) occurFor(p *Playbook, occ steward.Slot, row int) {
	view := d.Frame.View(p.About)
	subject := view.Subject(row)
	key := KeyOf(p.Name, subject)
	// It was opened by this very occurrence, in a run that was cut short.
	if d.Memory.Ended[key].Episode == occ || d.Memory.Open[key].Episode == occ {
		return
	}
	refuse := func(v steward.Decision, e steward.EnrolmentID) {
		c := d.change(subject.Account)
		c.Records = append(c.Records, steward.Record{At: steward.SlotAt(d.Now), Playbook: p.Name, Subject: subject, Enrolment: e, Decision: v})
	}
	if e, ok := d.stillOpen(key); ok {
		refuse(suppress(steward.ReasonStillOpen, "it came round while the enrolment of %s is open", e.OpenedAt.In(d.Book.Zone).Format("2 January 2006")), e.ID)
		return
	}
	if v := d.pilotBars(p, row); !v.Passes() {
		refuse(v, "")
		return
	}
	phase := steward.PhaseState{Playbook: p.Name, Subject: subject, Episode: occ, EpisodeDay: d.lastDay(p), Frozen: p.freeze(view, row, lang.At{})}
	e := d.enrol(p, view, opening{key: key, phase: phase, row: row})
	e.Evidence = []steward.Evidence{{Part: "every: " + p.Every.String(), Expr: "every", Saw: steward.OnDay(occ.Day(d.Book.Zone)), Wanted: p.Every.String(), Verdict: steward.Holds,
		Words: "the calendar says so: every " + p.Every.String()}}
	d.begin(p, e, steward.PhaseState{})
}

// stillOpen is the subject's open enrolment, unless this run has ended it.
func (d *decider) stillOpen(key Key) (steward.Enrolment, bool) {
	e, ok := d.Memory.Open[key]
	if !ok {
		return e, false
	}
	if c := d.changes[e.Subject.Account]; c != nil {
		for _, moved := range c.Enrolments {
			if moved.ID == e.ID {
				return moved, moved.State.Open()
			}
		}
	}
	return e, true
}

// Due are the rhythms with a time of day that have come round since they were
// last dealt with, and that can be opened on the facts at hand. It is what a
// minute asks before it reads anything else; states are what is remembered of
// the playbooks.
func (s *Situation) Due(states []steward.PlaybookState) []steward.PlaybookName {
	var out []steward.PlaybookName
	for _, st := range states {
		p, ok := s.Book.Playbook(st.Playbook)
		// One that was edited waits for the evaluation that sees the edit first.
		if !ok || p.Kind != Rhythm || !p.Every.timed || !p.Enabled || st.Condition != p.Condition || s.stale(p) != "" {
			continue
		}
		if occ := p.Every.Latest(s.Now, s.Book.Zone); occ.Time().After(st.Occurrence.Time()) {
			out = append(out, p.Name)
		}
	}
	return out
}

// Occur opens the rhythms that are due between evaluations, and nothing else.
func (s *Situation) Occur() Outcome {
	d := s.decider()
	var states []steward.PlaybookState
	for _, st := range s.Memory.States {
		states = append(states, st)
	}
	for _, name := range s.Due(states) {
		p, _ := s.Book.Playbook(name)
		t := &Tally{}
		d.tally[name] = t
		d.states = append(d.states, s.Memory.States[name])
		d.countAudience(p, t)
		d.occur(p)
	}
	return d.outcome()
}

// rhythmSentence is what there is to say of a subject that is not enrolled in a
// rhythm.
func (s *Situation) rhythmSentence(who string, p *Playbook, x Explanation) string {
	v := s.comesRound(p, x.Subject)
	if v.Reason == steward.ReasonNotInPilot {
		return fmt.Sprintf("%s: not enrolled, as %s%s.", who, v.Detail, s.lastEnded(x))
	}
	return fmt.Sprintf("%s: not enrolled; %s%s.", who, v.Detail, s.lastEnded(x))
}

// comesRound is when a rhythm opens next for a subject.
func (s *Situation) comesRound(p *Playbook, subject steward.Subject) steward.Decision {
	if row, ok := s.Frame.View(p.About).Row(subject.ID); ok {
		if v := s.pilotBars(p, row); !v.Passes() {
			return v
		}
	}
	after := s.Now // or when it was dealt with last, between evaluations
	if done := s.Memory.States[p.Name].Occurrence.Time(); done.After(after) {
		after = done
	}
	next := p.Every.Next(after, s.Book.Zone).Time()
	layout := "Monday 2 January 2006"
	if p.Every.timed {
		layout = "Monday 2 January 2006 at 15:04"
	}
	return steward.Decision{Effect: steward.Defer, Detail: "it comes round on " + next.In(s.Book.Zone).Format(layout)}
}

// Timed tells that some rhythm has a time of day, which evaluations alone would
// not keep.
func (b *Book) Timed() bool {
	return slices.ContainsFunc(b.Playbooks, func(p *Playbook) bool { return p.Every.timed && p.Enabled })
}

// Moments are the times of day, after one moment and up to another, at which
// some playbook comes round: what a clock that jumps from day to day has to stop
// at.
func (b *Book) Moments(after, until time.Time) []time.Time {
	var out []time.Time
	for _, p := range b.Playbooks {
		if p.Kind != Rhythm || !p.Every.timed || !p.Enabled {
			continue
		}
		for m := p.Every.Next(after, b.Zone); !m.IsZero() && !m.Time().After(until); m = p.Every.Next(m.Time(), b.Zone) {
			out = append(out, m.Time())
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}
