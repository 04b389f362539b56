package playbooks

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"steward"
	"steward/configs/strictyaml"
	"steward/facts"
	"steward/playbooks/lang"
)

// HealthRules is how the workspace has health worked out. Without scorecards
// it is known of nobody.
type HealthRules struct {
	Scorecards []ScorecardRule
	// Below Red an account is red, below Yellow it is yellow, else green.
	Red, Yellow float64
	// MinKnown is the share of a scorecard's weight, 0 to 1, that has to be known
	// for a score.
	MinKnown float64
}

// A ScorecardRule is weighted parts; AppliesTo is the zero Text where it is for
// everybody.
type ScorecardRule struct {
	Name      string
	AppliesTo strictyaml.Text
	Parts     []PartRule
}

// A PartRule is one part of a scorecard. Label is what people read; "" means
// the name.
type PartRule struct {
	Name, Label string
	Weight      float64
	Score       strictyaml.Text
}

// names is the names of all parts, each once.
func (h HealthRules) names() []string {
	out := []string{}
	for _, c := range h.Scorecards {
		for _, p := range c.Parts {
			if !slices.Contains(out, p.Name) {
				out = append(out, p.Name)
			}
		}
	}
	return out
}

// health is HealthRules compiled.
type health struct {
	cards                 []scorecard
	red, yellow, minKnown float64
}

type scorecard struct {
	name    string
	applies *lang.Expr // nil: always
	parts   []part
}

type part struct {
	name, label string
	weight      float64
	score       *lang.Expr
}

func (p part) words() string {
	if p.label != "" {
		return p.label
	}
	return strings.ReplaceAll(p.name, "_", " ")
}

func (d *derived) compileHealth(h HealthRules, compile func(about string, t strictyaml.Text, want steward.Kind) *lang.Expr) {
	d.health = health{red: h.Red, yellow: h.Yellow, minKnown: h.MinKnown}
	if len(h.Scorecards) == 0 {
		return
	}
	rest := []string{figure(h.Red), figure(h.Yellow), figure(h.MinKnown)}
	d.define("health", rule{})
	for _, c := range h.Scorecards {
		card := scorecard{name: c.Name}
		rest = append(rest, "scorecard")
		if !c.AppliesTo.IsZero() {
			label := "applies_to of " + c.Name
			card.applies = compile("health: "+label, c.AppliesTo, steward.FlagKind)
			applies := rule{label, c.AppliesTo, card.applies}
			d.define("health", applies)
			for _, p := range h.names() {
				d.define(partNode(p), applies)
			}
		}
		for _, p := range c.Parts {
			label := p.Name + " of " + c.Name
			made := part{name: p.Name, label: p.Label, weight: p.Weight, score: compile("health: "+label, p.Score, steward.NumberKind)}
			d.define("health", rule{label, p.Score, made.score})
			d.define(partNode(p.Name), rule{label, p.Score, made.score})
			rest = append(rest, p.Name, figure(p.Weight))
			if made.score != nil {
				card.parts = append(card.parts, made)
			}
		}
		d.health.cards = append(d.health.cards, card)
	}
	d.nodes[d.index("health")].rest = strings.Join(rest, "\x00")
}

// An assessment is an account's health on a day, worked out for it alone.
type assessment struct {
	card   *scorecard // nil: none applies
	scores []steward.Value
	whys   []string
	// share is how much of the score each part makes, 0 where it is unknown.
	share    []float64
	known    float64 // the share of the weight that is known
	enough   bool
	score    steward.Value
	override *steward.HealthOverride
	none     bool // the workspace has no scorecards
	minKnown float64
}

// stands is the health that counts: what a person said, else the score.
func (a assessment) stands() steward.Value {
	if a.override != nil {
		return steward.Num(a.override.Health)
	}
	return a.score
}

func (a assessment) why() string {
	switch {
	case a.none:
		return "no scorecard under health: of steward.yaml says what health is"
	case a.card == nil:
		return "no scorecard applies to the account"
	}
	var missing []string
	for i, p := range a.card.parts {
		if !a.scores[i].Known {
			missing = append(missing, p.words()+": "+a.whys[i])
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return fmt.Sprintf("only %.0f%% of scorecard %s is known, and %.0f%% is needed (%s)", math.Floor(100*a.known), a.card.name, 100*a.minKnown, strings.Join(missing, "; "))
}

// clamp keeps a part's score between 0 and 100.
func clamp(x float64) float64 { return min(100, max(0, x)) }

// at is the part's score of one account.
func (p part) at(v *facts.View, row, shift int) steward.Value {
	x := p.score.Value(v, row, lang.At{Shift: shift})
	if x.Known {
		x.Num = clamp(x.Num)
	}
	return x
}

// cardOf is the scorecard that applies to an account; nil when none does.
func (f *follower) cardOf(v *facts.View, row, shift int) *scorecard {
	for i := range f.health.cards {
		c := &f.health.cards[i]
		if c.applies == nil || c.applies.Value(v, row, lang.At{Shift: shift}).Verdict() == steward.Holds {
			return c
		}
	}
	return nil
}

// partAt is one part of an account's health. The other parts are not looked at:
// some of them may read this one.
func (f *follower) partAt(v *facts.View, row int, name string, shift int) (x steward.Value, why string) {
	unknown := steward.Unknown(steward.NumberKind)
	card := f.cardOf(v, row, shift)
	if card == nil {
		return unknown, assessment{none: len(f.health.cards) == 0}.why()
	}
	for _, p := range card.parts {
		if p.name != name {
			continue
		}
		if x := p.at(v, row, shift); x.Known {
			return x, ""
		}
		return unknown, whyOf(p.score, v, row, shift)
	}
	return unknown, fmt.Sprintf("scorecard %s, which applies to the account, has no part %s", card.name, name)
}

// assess works out the health of one account from the definition.
func (f *follower) assess(v *facts.View, row, shift int) assessment {
	a := assessment{score: steward.Unknown(steward.NumberKind), none: len(f.health.cards) == 0, minKnown: f.health.minKnown, override: f.override(v, row, shift)}
	a.card = f.cardOf(v, row, shift)
	if a.card == nil {
		return a
	}
	sum, known, all := 0.0, 0.0, 0.0
	for _, p := range a.card.parts {
		x, why := p.at(v, row, shift), ""
		all += p.weight
		if x.Known {
			sum, known = sum+p.weight*x.Num, known+p.weight
		} else {
			why = whyOf(p.score, v, row, shift)
		}
		a.scores, a.whys = append(a.scores, x), append(a.whys, why)
	}
	a.share = make([]float64, len(a.scores))
	for i, p := range a.card.parts {
		if a.scores[i].Known {
			a.share[i] = p.weight / known
		}
	}
	if all > 0 {
		a.known = known / all
	}
	if a.enough = known > 0 && known >= f.health.minKnown*all; a.enough {
		a.score = steward.Num(sum / known)
	}
	return a
}

// override is the newest word of a person on the account that stands on the day
// that is read; nil when there is none.
func (f *follower) override(v *facts.View, row, shift int) *steward.HealthOverride {
	if f.overrides == nil {
		f.overrides = map[steward.AccountID][]steward.HealthOverride{}
		for _, o := range v.Frame().Portfolio().Overrides {
			f.overrides[o.Account] = append(f.overrides[o.Account], o)
		}
	}
	list := f.overrides[v.Account(row).ID]
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].On(v.Today(shift)) {
			return &list[i]
		}
	}
	return nil
}

func (f *follower) gradeOf(health steward.Value) steward.Value {
	switch {
	case !health.Known:
		return steward.Unknown(steward.TextKind)
	case health.Num < f.health.red:
		return steward.Str("red")
	case health.Num < f.health.yellow:
		return steward.Str("yellow")
	}
	return steward.Str("green")
}

// cardsOf is which scorecard applies to each row, -1 for none.
func (f *follower) cardsOf(v *facts.View, shift int) []int {
	if found, ok := f.cards[shift]; ok {
		return found
	}
	out := make([]int, v.Len())
	for row := range out {
		out[row] = -1
	}
	for i, c := range f.health.cards {
		var applies facts.Column
		if c.applies != nil {
			applies = c.applies.Column(v, lang.At{Shift: shift})
		}
		for row := range out {
			if out[row] < 0 && (c.applies == nil || applies.Num[row] != 0 && (applies.Known == nil || applies.Known[row])) {
				out[row] = i
			}
		}
	}
	f.cards[shift] = out
	return out
}

// healthColumn is every account's health: each scorecard's parts in columns,
// added up for the rows that it applies to.
func (f *follower) healthColumn(v *facts.View, shift int) facts.Column {
	n := v.Len()
	out := facts.Column{Kind: steward.NumberKind, Num: make([]float64, n), Known: make([]bool, n)}
	cards := f.cardsOf(v, shift)
	sums, known := make([]float64, n), make([]float64, n)
	for i, c := range f.health.cards {
		if !slices.Contains(cards, i) {
			continue
		}
		all := 0.0
		for _, p := range c.parts {
			all += p.weight
			score := p.score.Column(v, lang.At{Shift: shift})
			for row, x := range score.Num {
				if cards[row] == i && (score.Known == nil || score.Known[row]) {
					sums[row] += p.weight * clamp(x)
					known[row] += p.weight
				}
			}
		}
		for row := range n {
			if cards[row] == i && known[row] > 0 && known[row] >= f.health.minKnown*all {
				out.Num[row], out.Known[row] = sums[row]/known[row], true
			}
		}
	}
	for _, o := range v.Frame().Portfolio().Overrides { // in order: the newest wins
		if row, ok := v.Row(string(o.Account)); ok && o.On(v.Today(shift)) {
			out.Num[row], out.Known[row] = o.Health, true
		}
	}
	return out
}

func (f *follower) gradeColumn(v *facts.View, shift int) facts.Column {
	score := v.Ask(facts.Question{Ask: "health"}, shift)
	return columnOf(steward.TextKind, v.Len(), func(row int) steward.Value { return f.gradeOf(score.Value(row)) })
}

func (f *follower) partColumn(v *facts.View, name string, shift int) facts.Column {
	cards := f.cardsOf(v, shift)
	scores := make([]facts.Column, len(f.health.cards))
	for i, c := range f.health.cards {
		for _, p := range c.parts {
			if p.name == name {
				scores[i] = p.score.Column(v, lang.At{Shift: shift})
			}
		}
	}
	return columnOf(steward.NumberKind, v.Len(), func(row int) steward.Value {
		x := steward.Unknown(steward.NumberKind)
		if i := cards[row]; i >= 0 && scores[i].Num != nil {
			if x = scores[i].Value(row); x.Known {
				x.Num = clamp(x.Num)
			}
		}
		return x
	})
}

// A Health is how an account is, for people.
type Health struct {
	// Score is 0 to 100, or unknown, and then Why says why.
	Score steward.Value `json:"score"`
	Grade string        `json:"grade,omitempty"` // red, yellow, green; "" when unknown
	Why   string        `json:"why,omitempty"`
	// Scorecard is the one that applies; "" when none does.
	Scorecard string       `json:"scorecard,omitempty"`
	Parts     []HealthPart `json:"parts,omitempty"`
	// Override is a person's word that stands in place of the score; Computed is
	// what the parts come to without it.
	Override *steward.HealthOverride `json:"override,omitempty"`
	Computed steward.Value           `json:"computed"`
}

// A HealthPart is one part of an account's health.
type HealthPart struct {
	Name  string        `json:"name"`
	Words string        `json:"words"`
	Text  string        `json:"text"` // its expression as written
	Score steward.Value `json:"score"`
	Why   string        `json:"why,omitempty"`
	// Weight is as declared; Share is how much of the score it makes, 0 to 1, the
	// weight of what is unknown being shared out.
	Weight float64 `json:"weight"`
	Share  float64 `json:"share"`
}

// Health is how an account is, read shift days back; false when it is not in
// the data.
func (s *Situation) Health(account steward.AccountID, shift int) (Health, bool) {
	v := s.accounts()
	row, ok := v.Row(string(account))
	if !ok {
		return Health{}, false
	}
	a := s.rules.assess(v, row, shift)
	h := Health{Score: a.stands(), Computed: a.score, Override: a.override, Grade: s.rules.gradeOf(a.stands()).Text}
	if !h.Score.Known {
		h.Why = a.why()
	}
	if a.card == nil {
		return h, true
	}
	h.Scorecard = a.card.name
	for i, p := range a.card.parts {
		h.Parts = append(h.Parts, HealthPart{Name: p.name, Words: p.words(), Text: p.score.Source(), Score: a.scores[i], Why: a.whys[i], Weight: p.weight, Share: a.share[i]})
	}
	return h, true
}

// Sentence is a health in one line, such as "55 (yellow), where usage is 40 and
// tickets is 80".
func (h Health) Sentence() string {
	if !h.Score.Known {
		return "not known: " + h.Why
	}
	text := fmt.Sprintf("%.0f (%s)", h.Score.Num, h.Grade)
	if o := h.Override; o != nil {
		computed := "is not known"
		if h.Computed.Known {
			computed = fmt.Sprintf("is %.0f", h.Computed.Num)
		}
		return fmt.Sprintf("%s, as %s said on %s, until %s: %s; the score without it %s", text, o.By, longDate(o.From), longDate(o.Until), o.Because, computed)
	}
	return text
}

// A Driver is what one part did to the score between two days.
type Driver struct {
	Part string `json:"part"`
	// From and To are the part's scores; unknown where it was, or has no such part.
	From steward.Value `json:"from"`
	To   steward.Value `json:"to"`
	// Points is how much it moved the whole score. All parts' points add up to the
	// whole change.
	Points float64 `json:"points"`
	Words  string  `json:"words"`
}

// leastPoints is how much a part has to have moved the score to be named.
const leastPoints = 1

// Drivers is what moved the score from then to now, the largest first; parts
// that moved it by less than a point are left out. It is of the parts: what a
// person said instead moves no part.
//
// A part's points are what it adds to now above the old score, less what it
// added to the old score above the old score. For a part that is known on both
// days and makes the same share that is its share of its change; for one that
// has become known, or is no longer, it is what that alone did to the mean.
func Drivers(now, then Health) []Driver {
	if !now.Computed.Known || !then.Computed.Known {
		return nil
	}
	old := then.Computed.Num
	by := map[string]*Driver{}
	var list []*Driver
	side := func(p HealthPart) *Driver {
		d := by[p.Name]
		if d == nil {
			d = &Driver{Part: p.Words, From: steward.Unknown(steward.NumberKind), To: steward.Unknown(steward.NumberKind)}
			by[p.Name], list = d, append(list, d)
		}
		return d
	}
	for _, p := range now.Parts {
		d := side(p)
		d.To = p.Score
		if p.Score.Known {
			d.Points += p.Share * (p.Score.Num - old)
		}
	}
	for _, p := range then.Parts {
		d := side(p)
		d.From = p.Score
		if p.Score.Known {
			d.Points -= p.Share * (p.Score.Num - old)
		}
	}
	var out []Driver
	for _, d := range list {
		if math.Abs(d.Points) < leastPoints {
			continue
		}
		d.Words = d.words()
		out = append(out, *d)
	}
	slices.SortStableFunc(out, func(a, b Driver) int {
		switch x, y := math.Abs(a.Points), math.Abs(b.Points); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return out
}

func (d Driver) words() string {
	moved := fmt.Sprintf("(%s)", points(d.Points))
	switch {
	case d.From.Known && d.To.Known && math.Round(d.From.Num) == math.Round(d.To.Num):
		return fmt.Sprintf("%s still %.0f, with another weight %s", d.Part, d.To.Num, moved)
	case d.From.Known && d.To.Known:
		return fmt.Sprintf("%s %.0f → %.0f %s", d.Part, d.From.Num, d.To.Num, moved)
	case d.To.Known:
		return fmt.Sprintf("%s known again at %.0f %s", d.Part, d.To.Num, moved)
	}
	return fmt.Sprintf("%s no longer known, was %.0f %s", d.Part, d.From.Num, moved)
}

// points is a number of points with its sign, the minus as people print it.
func points(x float64) string {
	sign, n := "+", math.Abs(x)
	if x < 0 {
		sign = "−"
	}
	unit := "points"
	if math.Round(n) == 1 {
		unit = "point"
	}
	return fmt.Sprintf("%s%.0f %s", sign, n, unit)
}

// HealthMoved says how health moved over some days and why, such as "health fell
// from 72 to 55 in 28 days: usage 80 → 40 (−17 points)"; "" where it is not known
// on both days or did not move by a point.
func HealthMoved(now, then Health, days int) string {
	if !now.Score.Known || !then.Score.Known || math.Abs(now.Score.Num-then.Score.Num) < leastPoints {
		return ""
	}
	verb := "rose"
	if now.Score.Num < then.Score.Num {
		verb = "fell"
	}
	text := fmt.Sprintf("health %s from %.0f to %.0f in %s", verb, then.Score.Num, now.Score.Num, countOf(days, "day"))
	var words []string
	if now.Scorecard != then.Scorecard && now.Scorecard != "" && then.Scorecard != "" {
		words = append(words, fmt.Sprintf("scorecard %s applies in place of %s", now.Scorecard, then.Scorecard))
	}
	if o := now.Override; o != nil {
		words = append(words, fmt.Sprintf("%s said so: %s", o.By, o.Because))
	} else if then.Override != nil {
		words = append(words, fmt.Sprintf("what %s said no longer stands", then.Override.By))
	}
	for _, d := range Drivers(now, then) {
		words = append(words, d.Words)
	}
	if len(words) == 0 {
		return text
	}
	return text + ": " + strings.Join(words, ", ")
}

func countOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// The look back that cards and explanations hold health against.
const healthLook = 28

// HealthChange is how an account's health moved over four weeks, in words; ""
// where it did not, or nobody knows.
func (s *Situation) HealthChange(account steward.AccountID) string {
	now, ok := s.Health(account, 0)
	if !ok {
		return ""
	}
	then, _ := s.Health(account, healthLook)
	return HealthMoved(now, then, healthLook)
}

// healthFact is health as a card's heading has it: "55 ▼ (72 four weeks ago)"; ""
// where it is not known.
func (s *Situation) healthFact(account steward.AccountID) string {
	now, ok := s.Health(account, 0)
	if !ok || !now.Score.Known {
		return ""
	}
	text := fmt.Sprintf("%.0f", now.Score.Num)
	if o := now.Override; o != nil {
		return fmt.Sprintf("%s (said by %s until %s)", text, o.By, longDate(o.Until))
	}
	if then, _ := s.Health(account, healthLook); then.Score.Known && math.Round(then.Score.Num) != math.Round(now.Score.Num) {
		arrow := "▲"
		if then.Score.Num > now.Score.Num {
			arrow = "▼"
		}
		text += fmt.Sprintf(" %s (%.0f four weeks ago)", arrow, then.Score.Num)
	}
	return text
}

// grades is the value under which a grade is kept from day to day.
var grades = map[string]float64{"red": 0, "yellow": 1, "green": 2}

// Scores is what is kept of this day: of every account in the portfolio its
// health, the parts of it that are known, and its grade (0 red, 1 yellow,
// 2 green). It is empty where the workspace has no scorecards.
func (s *Situation) Scores() []steward.Score {
	if len(s.rules.health.cards) == 0 {
		return nil
	}
	v := s.accounts()
	keep := []struct {
		name   string
		column facts.Column
	}{{"health", v.Ask(facts.Question{Ask: "health"}, 0)}}
	for _, name := range s.Book.Settings.Health.names() {
		keep = append(keep, struct {
			name   string
			column facts.Column
		}{"health." + name, v.Ask(facts.Question{Ask: "health_of", Text: name}, 0)})
	}
	grade := v.Ask(facts.Question{Ask: "grade"}, 0)
	var out []steward.Score
	for row := range v.Len() {
		id := v.Account(row).ID
		if s.InPortfolio(id) != steward.Holds {
			continue
		}
		for _, k := range keep {
			if x := k.column.Value(row); x.Known {
				out = append(out, steward.Score{Account: id, Name: k.name, Value: x.Num})
			}
		}
		if g := grade.Value(row); g.Known {
			out = append(out, steward.Score{Account: id, Name: "grade", Value: grades[g.Text]})
		}
	}
	return out
}
