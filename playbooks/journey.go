package playbooks

import (
	"fmt"
	"slices"
	"strings"

	"steward"
	"steward/configs/strictyaml"
	"steward/facts"
	"steward/playbooks/lang"
)

// JourneyRules is the stages that accounts pass through, and conditions with
// names. Without stages the usual ones stand, told by the sources alone.
type JourneyRules struct {
	Stages   []StageRule
	Overlays []OverlayRule
}

// A StageRule is one stage. Target is in days, 0 where there is none; Owner is
// an owner's id or a text field of accounts that holds one, or "".
type StageRule struct {
	Name       string
	Enter      strictyaml.Text
	Target     float64
	Owner      string
	Milestones []MilestoneRule
	// Leading and Lagging are figures that the stage is judged by, for reports.
	Leading, Lagging []string
}

// A MilestoneRule is a moment of a stage: reached within so many days of
// entering it (0 for any), told by its condition or by a source.
type MilestoneRule struct {
	Name   string
	Within float64
	When   strictyaml.Text
}

// An OverlayRule is a condition with a name.
type OverlayRule struct {
	Name string
	When strictyaml.Text
}

// usualStages is the journey where the workspace does not say.
var usualStages = []string{"onboarding", "adoption", "value", "renewal", "expansion", "advocacy"}

// usualOverlays are there unless the workspace declares its own of the name.
// Whether an account is escalated is known as soon as either is: few portfolios
// have both.
var usualOverlays = []OverlayRule{
	{"escalated", strictyaml.Text{Value: "(escalation_level ?? tickets('urgent')) > 0 or (tickets('urgent') ?? escalation_level) > 0"}},
	{"renewing", strictyaml.Text{Value: "days_until(renewal_date) <= 120d"}},
}

// journey is the workspace's journey with what it leaves out.
func (s Settings) journey() JourneyRules {
	j := s.Journey
	if len(j.Stages) == 0 {
		for _, name := range usualStages {
			j.Stages = append(j.Stages, StageRule{Name: name})
		}
	}
	j.Overlays = slices.Clone(j.Overlays)
	for _, o := range usualOverlays {
		if !slices.ContainsFunc(j.Overlays, func(own OverlayRule) bool { return own.Name == o.Name }) {
			j.Overlays = append(j.Overlays, o)
		}
	}
	return j
}

// milestones is the names of all milestones.
func (j JourneyRules) milestones() []string {
	out := []string{}
	for _, s := range j.Stages {
		for _, m := range s.Milestones {
			out = append(out, m.Name)
		}
	}
	return out
}

// Stages is the names of the journey's stages, in order.
func (b *Book) Stages() []string {
	var out []string
	for _, s := range b.journey().Stages {
		out = append(out, s.Name)
	}
	return out
}

// names puts what health and journey give into a scope.
func (s Settings) names(sc *lang.Scope) {
	sc.Fields["health"], sc.Fields["grade"] = steward.NumberKind, steward.TextKind
	sc.Fields["days_in_stage"], sc.Fields["stuck"] = steward.DurationKind, steward.FlagKind
	j := s.journey()
	for _, o := range j.Overlays {
		sc.Fields[o.Name] = steward.FlagKind
	}
	if sc.Names == nil {
		sc.Names = map[string][]string{}
	}
	sc.Names["part"], sc.Names["milestone"] = s.Health.names(), j.milestones()
}

// journey is JourneyRules compiled.
type journey struct {
	stages     []stage
	milestones []milestone
	overlays   []overlay
	// ruled tells that some stage has a condition: only then does Steward find out
	// stages itself.
	ruled bool
	timed bool // some stage has a target
}

type stage struct {
	name   string
	enter  *lang.Expr
	target float64
	owner  string
}

type milestone struct {
	name   string
	stage  int
	within float64
	when   *lang.Expr
}

type overlay struct {
	name string
	when *lang.Expr
}

func (d *derived) compileJourney(j JourneyRules, compile func(about string, t strictyaml.Text, want steward.Kind) *lang.Expr) {
	var rest []string
	d.define("stage", rule{})
	for i, s := range j.Stages {
		label := "enter of " + s.Name
		made := stage{name: s.Name, target: s.Target, owner: s.Owner, enter: compile("journey: "+label, s.Enter, steward.FlagKind)}
		d.journey.ruled = d.journey.ruled || made.enter != nil
		d.journey.timed = d.journey.timed || made.target > 0
		d.define("stage", rule{label, s.Enter, made.enter})
		rest = append(rest, s.Name, figure(s.Target))
		d.journey.stages = append(d.journey.stages, made)
		for _, m := range s.Milestones {
			label := "when of " + m.Name
			milestone := milestone{name: m.Name, stage: i, within: m.Within, when: compile("journey: "+label, m.When, steward.FlagKind)}
			d.define(milestoneNode(m.Name), rule{label, m.When, milestone.when})
			d.nodes[d.index(milestoneNode(m.Name))].rest = s.Name + "\x00" + figure(m.Within)
			d.journey.milestones = append(d.journey.milestones, milestone)
		}
	}
	if d.journey.ruled || d.journey.timed { // else stage is a field like others
		d.nodes[d.index("stage")].rest = strings.Join(rest, "\x00")
	}
	for _, o := range j.Overlays {
		made := overlay{o.Name, compile("journey: "+o.Name, o.When, steward.FlagKind)}
		d.define(o.Name, rule{o.Name, o.When, made.when})
		if made.when != nil {
			d.journey.overlays = append(d.journey.overlays, made)
		}
	}
}

func (d *derived) overlay(name string) (overlay, bool) {
	i := slices.IndexFunc(d.journey.overlays, func(o overlay) bool { return o.name == name })
	if i < 0 {
		return overlay{}, false
	}
	return d.journey.overlays[i], true
}

func (d *derived) milestone(name string) (milestone, bool) {
	i := slices.IndexFunc(d.journey.milestones, func(m milestone) bool { return m.name == name })
	if i < 0 {
		return milestone{}, false
	}
	return d.journey.milestones[i], true
}

func (d *derived) stageIndex(name string) int {
	return slices.IndexFunc(d.journey.stages, func(s stage) bool { return s.name == name })
}

// A standing is where an account is on its journey on a day.
type standing struct {
	stage string // "" when it is not known, and then why says why
	why   string
	index int // of the stage among those declared; -1 when it is none of them
	// given tells that a source says so; else rules do.
	given bool
	// entered is the day on which it entered the stage; NoDay when nothing tells.
	// Where atLeast is set it was in it on that day and may have been before.
	entered steward.Day
	atLeast bool
	// changes is the history of the stage up to the day.
	changes []steward.FieldChange
}

// stand is where every account is.
func (f *follower) stand(v *facts.View, shift int) []standing {
	if found, ok := f.standings[shift]; ok {
		return found
	}
	columns := make([]facts.Column, len(f.journey.stages))
	if f.live(v, shift) {
		for i, s := range f.journey.stages {
			if s.enter != nil {
				columns[i] = s.enter.Column(v, lang.At{Shift: shift})
			}
		}
	}
	out := make([]standing, v.Len())
	for row := range out {
		out[row] = f.standing(v, row, shift, func(i int) bool { return columns[i].Num != nil && columns[i].Value(row).Verdict() == steward.Holds })
	}
	f.standings[shift] = out
	return out
}

// standAt is where one account is.
func (f *follower) standAt(v *facts.View, row, shift int) standing {
	return f.standing(v, row, shift, func(i int) bool {
		enter := f.journey.stages[i].enter
		return enter != nil && enter.Value(v, row, lang.At{Shift: shift}).Verdict() == steward.Holds
	})
}

// live tells that stages are worked out for the day, and not read from history:
// for the slot's own day, and for any where no history is kept.
func (f *follower) live(v *facts.View, shift int) bool {
	return f.journey.ruled && (shift == 0 || v.Frame().Portfolio().History == nil)
}

// standing is where an account is: as its source says; else the furthest stage,
// at or after the one it was in, whose condition holds on the slot's day; else,
// for an earlier day, as it was found then. holds tells whether a stage's
// condition holds.
func (f *follower) standing(v *facts.View, row, shift int, holds func(i int) bool) standing {
	a, p, day := v.Account(row), v.Frame().Portfolio(), v.Today(shift)
	past, recorded := p.History[steward.HistoryKey{Kind: steward.AboutAccount, ID: string(a.ID)}]
	if given := v.GivenAt(row, "stage", shift); given.Known {
		s := standing{stage: given.Text, given: true, changes: upTo(past.Changes, "stage", day)}
		since := steward.NoDay
		if recorded {
			since = past.Since
		}
		return f.since(a, s, since, day)
	}
	if a.Stage != "" {
		why := fmt.Sprintf("stage was not known on %s", day)
		if !recorded {
			why = "what stage was is not recorded for this account"
		} else if past.Since > day {
			why = fmt.Sprintf("what stage was is recorded from %s on; this is known from %s on", past.Since, past.Since+steward.Day(shift))
		}
		return standing{why: why, index: -1, given: true, entered: steward.NoDay}
	}
	if !f.journey.ruled {
		return standing{why: "no source tells the stage of this account, and no stage under journey: has an enter", index: -1, entered: steward.NoDay}
	}
	s := standing{changes: upTo(past.Changes, steward.StageField, day)}
	was := ""
	if n := len(s.changes); n > 0 && s.changes[n-1].Value.Known {
		was = s.changes[n-1].Value.Text
	}
	if !f.live(v, shift) {
		if was == "" {
			s.why, s.index, s.entered = "what stage was is not recorded for this account", -1, steward.NoDay
			if all := upTo(past.Changes, steward.StageField, v.Today(0)); len(all) > 0 {
				s.why = fmt.Sprintf("what stage was is recorded from %s on; this is known from %s on", all[0].Day, all[0].Day+steward.Day(shift))
			}
			return s
		}
		s.stage = was
		return f.since(a, s, steward.NoDay, day)
	}
	at := max(0, f.stageIndex(was))
	for i := len(f.journey.stages) - 1; i > at; i-- {
		if holds(i) {
			at = i
			break
		}
	}
	if s.stage = f.journey.stages[at].name; s.stage != was {
		s.changes = append(slices.Clip(s.changes), steward.FieldChange{Field: steward.StageField, Day: day, Value: steward.Str(s.stage)})
	}
	return f.since(a, s, steward.NoDay, day)
}

// since fills in since when an account is in its stage: from its history, else
// from when the row is recorded.
func (f *follower) since(a *steward.Account, s standing, recorded, day steward.Day) standing {
	s.index = f.stageIndex(s.stage)
	s.entered, s.atLeast = f.enteredOn(a, s, s.stage, recorded, day)
	return s
}

// enteredOn is the day on which an account entered a stage that it is, or was,
// in: the first of the last days in a row on which its history has it there.
// Where the history begins with it, that says nothing of when it came there: to
// the first stage when the account began (whatever was recorded of it before,
// as a prospect), to any other nobody knows when, only since when at least.
func (f *follower) enteredOn(a *steward.Account, s standing, name string, recorded, day steward.Day) (entered steward.Day, atLeast bool) {
	entered = steward.NoDay
	first := len(s.changes) == 0
	for i := len(s.changes) - 1; i >= 0; i-- {
		is := s.changes[i].Value.Known && s.changes[i].Value.Text == name
		if !is && entered != steward.NoDay {
			break
		}
		if is {
			entered, first = s.changes[i].Day, i == 0
		}
	}
	if entered == steward.NoDay && s.stage == name && first {
		entered = recorded
	}
	switch begins := f.stageIndex(name) == 0 && a.StartDate != steward.NoDay && a.StartDate <= day; {
	case !first:
		return entered, false
	case begins:
		return a.StartDate, false
	}
	return entered, entered != steward.NoDay
}

// upTo is the changes of one field up to a day.
func upTo(changes []steward.FieldChange, field string, day steward.Day) []steward.FieldChange {
	var out []steward.FieldChange
	for _, c := range changes {
		if c.Field == field && c.Day <= day {
			out = append(out, c)
		}
	}
	return out
}

// daysIn is for how long an account has been in its stage.
func (s standing) daysIn(day steward.Day) steward.Value {
	if s.stage == "" || s.entered == steward.NoDay {
		return steward.Unknown(steward.DurationKind)
	}
	return steward.Days(float64(max(0, day-s.entered)))
}

func (f *follower) target(s standing) float64 {
	if s.index < 0 {
		return 0
	}
	return f.journey.stages[s.index].target
}

// stuck is whether an account has been in its stage for longer than its target.
func (f *follower) stuck(s standing, day steward.Day) steward.Value {
	if s.stage == "" && f.journey.timed {
		return steward.Unknown(steward.FlagKind)
	}
	target := f.target(s)
	in := s.daysIn(day)
	switch {
	case target == 0:
		return steward.Bool(false)
	case !in.Known:
		return steward.Unknown(steward.FlagKind)
	}
	return steward.Bool(in.Num > target)
}

// ofStanding is what a question about the stage gives on a day.
func (f *follower) ofStanding(s standing, q facts.Question, day steward.Day) steward.Value {
	switch q.Ask {
	case "stage":
		return steward.Value{Kind: steward.TextKind, Known: s.stage != "", Text: s.stage}
	case "days_in_stage":
		return s.daysIn(day)
	}
	return f.stuck(s, day) // stuck
}

func (s standing) whyUnknown() string {
	if s.stage == "" {
		return s.why
	}
	return fmt.Sprintf("since when the account is in %s is not recorded", s.stage)
}

// reachedOn is the day on which an account reached a milestone, as recorded; NoDay
// where it is not by that day.
func (f *follower) reachedOn(v *facts.View, row int, name string, day steward.Day) steward.Day {
	if f.reached == nil {
		f.reached = map[steward.AccountID]map[string]steward.Day{}
		for _, m := range v.Frame().Portfolio().Milestones {
			of := f.reached[m.Account]
			if of == nil {
				of = map[string]steward.Day{}
				f.reached[m.Account] = of
			}
			if first, ok := of[m.Name]; m.Day != steward.NoDay && (!ok || m.Day < first) {
				of[m.Name] = m.Day
			}
		}
	}
	if on, ok := f.reached[v.Account(row).ID][name]; ok && on <= day {
		return on
	}
	return steward.NoDay
}

func (f *follower) milestoneColumn(v *facts.View, q facts.Question, shift int) facts.Column {
	kind, _ := f.Kind(q)
	var when facts.Column
	if m, ok := f.milestone(q.Text); ok && m.when != nil {
		when = m.when.Column(v, lang.At{Shift: shift})
	}
	var stand []standing
	if q.Ask == "overdue" {
		stand = f.stand(v, shift)
	}
	return columnOf(kind, v.Len(), func(row int) steward.Value {
		holds, s := steward.Unclear, standing{}
		if when.Num != nil {
			holds = when.Value(row).Verdict()
		}
		if stand != nil {
			s = stand[row]
		}
		return f.ofMilestone(v, row, q, shift, holds, s)
	})
}

func (f *follower) milestoneAt(v *facts.View, row int, q facts.Question, shift int) steward.Value {
	holds := steward.Unclear
	if m, ok := f.milestone(q.Text); ok && m.when != nil {
		holds = m.when.Value(v, row, lang.At{Shift: shift}).Verdict()
	}
	s := standing{}
	if q.Ask == "overdue" { // nothing else about a milestone reads the stage, and the stage may read the rest
		s = f.standAt(v, row, shift)
	}
	return f.ofMilestone(v, row, q, shift, holds, s)
}

// ofMilestone is what a question about a milestone gives; holds is its
// condition's verdict on the day that is read.
func (f *follower) ofMilestone(v *facts.View, row int, q facts.Question, shift int, holds steward.Verdict, s standing) steward.Value {
	m, _ := f.milestone(q.Text)
	day := v.Today(shift)
	on := f.reachedOn(v, row, q.Text, day)
	reached := steward.Holds
	if on == steward.NoDay {
		switch {
		case m.when != nil:
			reached = holds
		case v.Frame().Portfolio().Feeds("milestones"):
			reached = steward.Fails
		default:
			reached = steward.Unclear
		}
	}
	switch q.Ask {
	case "reached":
		return reached.Value()
	case "overdue":
		return reached.Not().And(f.late(v.Account(row), m, s, day)).Value()
	}
	switch { // days_since_reached
	case on != steward.NoDay:
		return steward.Days(float64(day - on))
	case reached == steward.Holds: // from today on, as far as anybody knows
		return steward.Days(0)
	}
	return steward.Unknown(steward.DurationKind)
}

// late is whether the time for a milestone has passed, counted from the day on
// which the account entered its stage.
func (f *follower) late(a *steward.Account, m milestone, s standing, day steward.Day) steward.Verdict {
	switch {
	case m.within == 0:
		return steward.Fails
	case s.stage == "" || s.index < 0:
		return steward.Unclear
	case s.index < m.stage:
		return steward.Fails
	}
	entered := s.entered
	if s.index > m.stage {
		entered, _ = f.enteredOn(a, s, f.journey.stages[m.stage].name, steward.NoDay, day)
	}
	if entered == steward.NoDay {
		return steward.Unclear
	}
	if float64(day-entered) > m.within {
		return steward.Holds
	}
	return steward.Fails
}

func (f *follower) whyMilestone(v *facts.View, row int, q facts.Question, shift int) string {
	m, _ := f.milestone(q.Text)
	reached := f.milestoneAt(v, row, facts.Question{Ask: "reached", Text: q.Text}, shift)
	switch {
	case !reached.Known && m.when != nil:
		return whyOf(m.when, v, row, shift)
	case !reached.Known:
		return fmt.Sprintf("no source feeds milestones, and %s has no condition under journey:", q.Text)
	case q.Ask == "days_since_reached":
		return fmt.Sprintf("%s is not reached", q.Text)
	}
	s := f.standAt(v, row, shift)
	switch {
	case s.stage == "":
		return s.why
	case s.index < 0:
		return fmt.Sprintf("the account's stage, '%s', is none of the journey's", s.stage)
	}
	return fmt.Sprintf("since when the account was in %s is not recorded", f.journey.stages[m.stage].name)
}

// learn notes what rules found out of accounts in the portfolio: a stage that
// they are newly in, a milestone whose condition holds for the first time.
func (d *decider) learn() {
	f, v := d.rules, d.accounts()
	if d.Frame.Portfolio().History == nil {
		return // nobody keeps it
	}
	var stand []standing
	if f.journey.ruled {
		stand = f.stand(v, 0)
	}
	whens := make([]facts.Column, len(f.journey.milestones))
	any := stand != nil
	for i, m := range f.journey.milestones {
		if m.when != nil {
			whens[i], any = m.when.Column(v, lang.At{}), true
		}
	}
	if !any {
		return
	}
	today := v.Today(0)
	for row := range v.Len() {
		id := v.Account(row).ID
		if d.InPortfolio(id) != steward.Holds {
			continue
		}
		var learnt []steward.FieldChange
		if stand != nil {
			if s := stand[row]; !s.given && s.stage != "" && d.stageKept(id, today) != s.stage {
				learnt = append(learnt, steward.FieldChange{Field: steward.StageField, Day: today, Value: steward.Str(s.stage)})
			}
		}
		for i, m := range f.journey.milestones {
			if whens[i].Num != nil && whens[i].Value(row).Verdict() == steward.Holds && f.reachedOn(v, row, m.name, today) == steward.NoDay {
				learnt = append(learnt, steward.FieldChange{Field: steward.MilestonePrefix + m.name, Day: today, Value: steward.OnDay(today)})
			}
		}
		if len(learnt) > 0 {
			c := d.change(id)
			c.Learnt = append(c.Learnt, learnt...)
		}
	}
}

// stageKept is the stage that an account's history has; "" for none.
func (s *Situation) stageKept(id steward.AccountID, day steward.Day) string {
	past := s.Frame.Portfolio().History[steward.HistoryKey{Kind: steward.AboutAccount, ID: string(id)}]
	if changes := upTo(past.Changes, steward.StageField, day); len(changes) > 0 {
		return changes[len(changes)-1].Value.Text
	}
	return ""
}

// ownedBy is an account whose owner is the one of its stage, where the journey
// names one for it who is known; else the account as it is. It is who `owner`
// is where somebody is told something; conditions read the account's own.
func (s *Situation) ownedBy(account steward.Account) steward.Account {
	v := s.accounts()
	row, ok := v.Row(string(account.ID))
	if !ok || !s.rules.owned() {
		return account
	}
	at := s.rules.standAt(v, row, 0)
	if at.index < 0 {
		return account
	}
	word := s.rules.journey.stages[at.index].owner
	if word == "" {
		return account
	}
	id := steward.OwnerID(word)
	if _, person := s.Book.owners[id]; !person {
		id = steward.OwnerID(v.GivenAt(row, word, 0).Text)
	}
	if _, known := s.Book.owners[id]; known {
		account.Owner = id
	}
	return account
}

// stageOf is an account's stage; "" where it is not known.
func (s *Situation) stageOf(account steward.Account) string {
	row, ok := s.accounts().Row(string(account.ID))
	if !ok {
		return account.Stage
	}
	return s.rules.standAt(s.accounts(), row, 0).stage
}

// owned tells that some stage has an owner of its own.
func (d *derived) owned() bool {
	return slices.ContainsFunc(d.journey.stages, func(s stage) bool { return s.owner != "" })
}

// A Journey is where an account is on its way, for people.
type Journey struct {
	// Stage is "" where it is not known, and then Why says why.
	Stage string `json:"stage,omitempty"`
	Why   string `json:"why,omitempty"`
	// Given tells that a source says the stage; else rules do. Undeclared tells
	// that it is none of the journey's.
	Given      bool `json:"given"`
	Undeclared bool `json:"undeclared,omitempty"`
	// Entered is NoDay where nothing tells. AtLeast tells that it was in the stage
	// on that day and may have been before.
	Entered steward.Day   `json:"entered"`
	AtLeast bool          `json:"at_least,omitempty"`
	Days    steward.Value `json:"days"`
	// Target is in days; 0 where the stage has none.
	Target     float64            `json:"target,omitempty"`
	Stuck      steward.Verdict    `json:"stuck"`
	Owner      steward.OwnerID    `json:"owner,omitempty"`
	Milestones []MilestoneReached `json:"milestones,omitempty"`
	Overlays   []OverlayHolds     `json:"overlays"`
	// History is the stages with the day each began, oldest first, as recorded.
	History []StageSince `json:"history,omitempty"`
}

// A MilestoneReached is how an account is with a milestone.
type MilestoneReached struct {
	Name    string          `json:"name"`
	Stage   string          `json:"stage"`
	Reached steward.Verdict `json:"reached"`
	On      steward.Day     `json:"on"` // NoDay while it is not
	// Within is the days it may take, 0 for any.
	Within  float64         `json:"within,omitempty"`
	Overdue steward.Verdict `json:"overdue"`
	Why     string          `json:"why,omitempty"` // where one of both is not known
}

// An OverlayHolds is whether an overlay holds of an account.
type OverlayHolds struct {
	Name  string          `json:"name"`
	Holds steward.Verdict `json:"holds"`
	Text  string          `json:"text"`
	Why   string          `json:"why,omitempty"`
}

// A StageSince is a stage and the day on which it is first recorded.
type StageSince struct {
	Stage string      `json:"stage"`
	Since steward.Day `json:"since"`
}

// Journey is where an account is, read shift days back; false when it is not in
// the data.
func (s *Situation) Journey(account steward.AccountID, shift int) (Journey, bool) {
	v, f := s.accounts(), s.rules
	row, ok := v.Row(string(account))
	if !ok {
		return Journey{}, false
	}
	day, at := v.Today(shift), f.standAt(v, row, shift)
	j := Journey{Stage: at.stage, Why: at.why, Given: at.given, Undeclared: at.stage != "" && at.index < 0, Entered: at.entered, AtLeast: at.atLeast,
		Days: at.daysIn(day), Target: f.target(at), Stuck: f.stuck(at, day).Verdict(), Owner: s.ownedBy(*v.Account(row)).Owner}
	for _, m := range f.journey.milestones {
		one := MilestoneReached{Name: m.name, Stage: f.journey.stages[m.stage].name, Within: m.within, On: f.reachedOn(v, row, m.name, day)}
		reached, overdue := facts.Question{Ask: "reached", Text: m.name}, facts.Question{Ask: "overdue", Text: m.name}
		one.Reached, one.Overdue = f.Value(v, row, reached, shift).Verdict(), f.Value(v, row, overdue, shift).Verdict()
		if one.Reached == steward.Unclear {
			one.Why = f.Why(v, row, reached, shift)
		} else if one.Overdue == steward.Unclear {
			one.Why = f.Why(v, row, overdue, shift)
		}
		j.Milestones = append(j.Milestones, one)
	}
	for _, o := range f.journey.overlays {
		holds := o.when.Value(v, row, lang.At{Shift: shift}).Verdict()
		one := OverlayHolds{Name: o.name, Holds: holds, Text: o.when.Source()}
		if holds == steward.Unclear {
			one.Why = whyOf(o.when, v, row, shift)
		}
		j.Overlays = append(j.Overlays, one)
	}
	for i, c := range at.changes {
		if c.Value.Known && (i == 0 || at.changes[i-1].Value.Text != c.Value.Text) {
			j.History = append(j.History, StageSince{c.Value.Text, c.Day})
		}
	}
	return j, true
}

// Sentence is a journey in one line, such as "in adoption since 3 March 2026,
// for 43 days of 90".
func (j Journey) Sentence() string {
	if j.Stage == "" {
		return "stage not known: " + j.Why
	}
	text := "in " + j.Stage
	if j.Entered != steward.NoDay {
		word := " since "
		if j.AtLeast {
			word = " since at least "
		}
		text += word + longDate(j.Entered)
	}
	switch {
	case j.Days.Known && j.Target > 0:
		text += fmt.Sprintf(", for %.0f days of %.0f", j.Days.Num, j.Target)
	case j.Days.Known:
		text += fmt.Sprintf(", for %.0f days", j.Days.Num)
	}
	if j.Stuck == steward.Holds {
		text += ": it is stuck"
	}
	if j.Undeclared {
		text += "; the journey has no such stage"
	}
	return text
}
