package configs

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"steward/configs/strictyaml"
)

// What holds where the file does not say.
const (
	defaultRed      = 40
	defaultYellow   = 70
	defaultMinKnown = 0.5
)

// A Health is how the health of an account is worked out. Without scorecards
// it is not.
type Health struct {
	// Scorecards are in order: the first that applies to an account is its.
	Scorecards []Scorecard
	// Below Red an account is red, below Yellow it is yellow, else green.
	Red, Yellow float64
	// MinKnown is the share of a scorecard's weight, 0 to 1, that has to be known
	// for a score.
	MinKnown float64
}

// A Scorecard is weighted parts. AppliesTo is the zero Text where it is for
// everybody.
type Scorecard struct {
	Name      strictyaml.Scalar
	AppliesTo strictyaml.Text
	Parts     []Part
}

// A Part is one part of a scorecard: a score of 0 to 100 and its weight beside
// the others'. Label is what people read; "" means the name.
type Part struct {
	Name   strictyaml.Scalar
	Weight float64
	Score  strictyaml.Text
	Label  string
}

// healthBlock is `health:` as it is written.
type healthBlock struct {
	Scorecards []scorecardBlock  `yaml:"scorecards,required" doc:"The scorecards, in order; the first whose applies_to holds for an account is the one it is scored by."`
	Grades     gradesBlock       `yaml:"grades" doc:"From which score on an account is no longer red, and no longer yellow."`
	MinKnown   strictyaml.Scalar `yaml:"min_known" doc:"The share of a scorecard's weight that has to be known for a score, from 1% to 100%; 50% where it is left out."`
}

type scorecardBlock struct {
	Name      strictyaml.Scalar `yaml:"name,required" doc:"The scorecard's name, in lower-case letters, digits and _."`
	AppliesTo strictyaml.Text   `yaml:"applies_to" doc:"A condition on the account; left out, the scorecard is for every account that none above it is for."`
	Parts     []partBlock       `yaml:"parts,required" doc:"What the score is made of."`
}

type partBlock struct {
	Name   strictyaml.Scalar `yaml:"name,required" doc:"The part's name, as in health_of('usage'), in lower-case letters, digits and _."`
	Weight strictyaml.Scalar `yaml:"weight,required" doc:"How much the part counts beside the others: a number above 0. What is unknown gives its weight to the others."`
	Score  strictyaml.Text   `yaml:"score,required" doc:"An expression that gives a number; below 0 it counts as 0, above 100 as 100."`
	Words  string            `yaml:"words" doc:"What people read in place of the part's name."`
}

type gradesBlock struct {
	Red    strictyaml.Scalar `yaml:"red" doc:"Below this score an account is red; 40 where it is left out."`
	Yellow strictyaml.Scalar `yaml:"yellow" doc:"Below this score an account is yellow, from it on green; 70 where it is left out."`
}

func (l *loader) health(f *healthBlock) {
	l.w.Health = Health{Red: defaultRed, Yellow: defaultYellow, MinKnown: defaultMinKnown}
	if f == nil {
		return
	}
	h := &l.w.Health
	if n, ok := l.numberIn(f.Grades.Red, "red", 0, 100); ok {
		h.Red = n
	}
	if n, ok := l.numberIn(f.Grades.Yellow, "yellow", 0, 100); ok {
		h.Yellow = n
	}
	if h.Red > h.Yellow {
		at := f.Grades.Red
		if at.Pos.IsZero() {
			at = f.Grades.Yellow
		}
		l.wrong(at, fmt.Sprintf("red ends at %g, above %g, where yellow ends", h.Red, h.Yellow), "write the lower number for red, such as grades: {red: 40, yellow: 70}")
	}
	if n, ok := l.share(f.MinKnown, "min_known"); ok {
		h.MinKnown = n
	}
	seen := map[string]bool{}
	for i := range f.Scorecards {
		card := l.scorecard(&f.Scorecards[i])
		l.nameOnce(card.Name, "scorecard", seen)
		h.Scorecards = append(h.Scorecards, card)
		if i > 0 && f.Scorecards[i-1].AppliesTo.IsZero() && !card.Name.Pos.IsZero() {
			l.wrong(card.Name, fmt.Sprintf("no account is scored by %s: the scorecard above it is for every account", card.Name.Value), "give the one above an applies_to, or put this one before it")
		}
	}
}

func (l *loader) scorecard(f *scorecardBlock) Scorecard {
	card := Scorecard{Name: f.Name, AppliesTo: f.AppliesTo}
	if len(f.Parts) == 0 && !f.Name.Pos.IsZero() {
		l.wrong(f.Name, fmt.Sprintf("scorecard %s has no parts", f.Name.Value), `add parts: [{name: usage, weight: 1, score: "scale(active_days(logins, 14d), 0, 10)"}]`)
	}
	seen := map[string]bool{}
	for _, p := range f.Parts {
		l.nameOnce(p.Name, "part of a scorecard", seen)
		weight, _ := l.numberIn(p.Weight, "weight", 0, math.MaxInt32)
		if weight <= 0 && !p.Weight.Pos.IsZero() {
			l.wrong(p.Weight, "a part without weight counts for nothing", "write a number above 0, or remove the part")
		}
		card.Parts = append(card.Parts, Part{Name: p.Name, Weight: weight, Score: p.Score, Label: strings.TrimSpace(p.Words)})
	}
	return card
}

// nameOnce checks a plain name that no other of its kind has.
func (l *loader) nameOnce(name strictyaml.Scalar, what string, seen map[string]bool) {
	switch {
	case name.Pos.IsZero(): // missing, and told by the decoder
	case !plainName.MatchString(name.Value):
		l.wrong(name, fmt.Sprintf("%q cannot be the name of a %s", name.Value, what), "use lower-case letters, digits and _, beginning with a letter")
	case seen[name.Value]:
		l.wrong(name, fmt.Sprintf("there is another %s %s", what, name.Value), "rename one of them")
	}
	seen[name.Value] = true
}

// numberIn reads a number within bounds; false where there is none to use.
func (l *loader) numberIn(v strictyaml.Scalar, key string, lo, hi float64) (float64, bool) {
	if v.Pos.IsZero() {
		return 0, false
	}
	n, err := strconv.ParseFloat(v.Value, 64)
	if err != nil || !(n >= lo && n <= hi) {
		within := fmt.Sprintf("a number from %g to %g", lo, hi)
		if hi == math.MaxInt32 {
			within = "a number above 0"
		}
		l.wrong(v, fmt.Sprintf("%s cannot be %q", key, v.Value), "write "+within)
		return 0, false
	}
	return n, true
}

// share reads a percentage above 0.
func (l *loader) share(v strictyaml.Scalar, key string) (float64, bool) {
	if v.Pos.IsZero() {
		return 0, false
	}
	text, percent := strings.CutSuffix(v.Value, "%")
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !percent || !(n > 0 && n <= 100) {
		l.wrong(v, fmt.Sprintf("%s cannot be %q", key, v.Value), "write a share above 0% and at most 100%, such as 50%")
		return 0, false
	}
	return n / 100, true
}
