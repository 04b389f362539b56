package configs

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"steward"
	"steward/configs/strictyaml"
)

// A Journey is the stages that accounts pass through. Without any the usual
// ones stand, told by the sources alone.
type Journey struct {
	Stages []Stage
	// Overlays are conditions with a name, true of accounts in any stage.
	Overlays []Overlay
}

// A Stage is one stage of the journey. Target is in days, 0 where there is none.
type Stage struct {
	Name  strictyaml.Scalar
	Enter strictyaml.Text
	// Owner is an owner's id, or a text field of accounts that holds one.
	Owner      strictyaml.Scalar
	Target     float64
	Milestones []Milestone
	// Leading and Lagging are figures that the stage is judged by, for reports.
	Leading, Lagging []string
}

// A Milestone is a moment of a stage. Within is in days from entering the
// stage, 0 where it may take any time; When tells by itself that it is reached.
type Milestone struct {
	Name   strictyaml.Scalar
	Within float64
	When   strictyaml.Text
}

// An Overlay is a condition that is told by its name.
type Overlay struct {
	Name strictyaml.Scalar
	When strictyaml.Text
}

// overlayNames are language words that overlays give their meaning.
var overlayNames = []string{"escalated", "renewing"}

func (l *loader) overlays(list strictyaml.Entries[strictyaml.Text]) {
	for _, e := range list {
		taken := slices.ContainsFunc(l.w.Fields, func(f steward.FieldSpec) bool { return f.Name == e.Key.Value }) ||
			slices.ContainsFunc(l.w.Metrics, func(m steward.MetricSpec) bool { return m.Name == e.Key.Value })
		switch {
		case !plainName.MatchString(e.Key.Value):
			l.wrong(e.Key, fmt.Sprintf("%q cannot be the name of an overlay", e.Key.Value), "use lower-case letters, digits and _, beginning with a letter")
			continue
		case builtIn(e.Key.Value) != "" && !slices.Contains(overlayNames, e.Key.Value):
			l.wrong(e.Key, fmt.Sprintf("%q is taken: it is %s", e.Key.Value, builtIn(e.Key.Value)), "choose another name, such as our_"+e.Key.Value)
			continue
		case taken:
			l.wrong(e.Key, fmt.Sprintf("%q is already the name of a field or metric", e.Key.Value), "overlays share one set of names with them: rename one")
			continue
		}
		if !e.Value.IsZero() {
			l.w.Journey.Overlays = append(l.w.Journey.Overlays, Overlay{Name: e.Key, When: e.Value})
		}
	}
}

// journeyBlock is `journey:` as it is written.
type journeyBlock struct {
	Stages   []stageBlock                        `yaml:"stages" doc:"The stages in the order in which accounts pass through them; left out, they are onboarding, adoption, value, renewal, expansion and advocacy, as the sources tell them."`
	Overlays strictyaml.Entries[strictyaml.Text] `yaml:"overlays" doc:"Conditions by name, which may then stand in other conditions; escalated and renewing are there without being declared, and may be declared anew."`
}

type stageBlock struct {
	Stage      strictyaml.Scalar                  `yaml:"stage,required" doc:"The stage's name, as sources and conditions write it."`
	Enter      strictyaml.Text                    `yaml:"enter" doc:"A condition: an account whose stage no source tells enters the furthest stage whose condition holds, and never goes back. The first stage has none."`
	Target     *strictyaml.Duration               `yaml:"target" doc:"How long accounts should stay at most, such as 30d; one that stays longer is stuck."`
	Owner      strictyaml.Scalar                  `yaml:"owner" doc:"Who hears about accounts in this stage: an owner's id, or a text field of accounts that holds one. Left out, the account's owner."`
	Milestones strictyaml.Entries[milestoneValue] `yaml:"milestones" doc:"The stage's milestones by name, each with the time it may take from entering the stage."`
	KPIs       kpisBlock                          `yaml:"kpis" doc:"The figures that the stage is judged by, kept for reports."`
}

type kpisBlock struct {
	Leading strictyaml.OneOrMore `yaml:"leading" doc:"Figures that move first, by name."`
	Lagging strictyaml.OneOrMore `yaml:"lagging" doc:"Figures that follow, by name."`
}

// milestoneValue is `kickoff: 7d` or `kickoff: {within: 7d, when: …}`.
type milestoneValue struct{ milestoneBlock }

type milestoneBlock struct {
	Within *strictyaml.Duration `yaml:"within" doc:"The time that reaching it may take, from entering the stage, such as 7d; left out, any time."`
	When   strictyaml.Text      `yaml:"when" doc:"A condition that tells that it is reached; the day on which it first holds is kept. Left out, a source tells it."`
}

// DecodeYAML reads either form.
func (v *milestoneValue) DecodeYAML(d *strictyaml.Decoder, n *strictyaml.Node) {
	if len(n.Content) > 0 {
		d.Decode(n, &v.milestoneBlock)
		return
	}
	var within strictyaml.Duration
	d.Decode(n, &within)
	if within > 0 {
		v.Within = &within
	}
}

func (l *loader) journey(f *journeyBlock) {
	if f == nil {
		return
	}
	stages, milestones := map[string]bool{}, map[string]bool{}
	for i := range f.Stages {
		b := &f.Stages[i]
		s := Stage{Name: b.Stage, Enter: b.Enter, Owner: l.stageOwner(b.Owner), Target: l.span(b.Stage, b.Target, "target"), Leading: words(b.KPIs.Leading), Lagging: words(b.KPIs.Lagging)}
		l.textOnce(s.Name, "stage", stages)
		if i == 0 && !s.Enter.IsZero() {
			l.wrong(s.Name, "the first stage is where accounts begin, so it has no enter", "remove enter, or put a stage before it")
		}
		for _, m := range b.Milestones {
			l.textOnce(m.Key, "milestone", milestones)
			s.Milestones = append(s.Milestones, Milestone{Name: m.Key, Within: l.span(m.Key, m.Value.Within, "the time for "+m.Key.Value), When: m.Value.When})
		}
		l.w.Journey.Stages = append(l.w.Journey.Stages, s)
	}
	l.overlays(f.Overlays)
}

// span is a time in days, of a key that may be absent.
func (l *loader) span(at strictyaml.Scalar, d *strictyaml.Duration, what string) float64 {
	if d == nil {
		return 0
	}
	if d.Days() < 1 {
		l.wrong(at, what+" is shorter than a day", "write days or weeks, such as 30d")
		return 0
	}
	return d.Days()
}

// textOnce checks a name that sources write, too: any text on one line.
func (l *loader) textOnce(name strictyaml.Scalar, what string, seen map[string]bool) {
	switch {
	case name.Pos.IsZero(): // missing, and told by the decoder
	case strings.TrimSpace(name.Value) != name.Value || name.Value == "" || len(name.Value) > 60 || strings.ContainsFunc(name.Value, unicode.IsControl):
		l.wrong(name, fmt.Sprintf("%q cannot be the name of a %s", name.Value, what), "use a word or two, at most 60 characters")
	case seen[name.Value]:
		l.wrong(name, fmt.Sprintf("there is another %s %s", what, name.Value), "rename one of them")
	}
	seen[name.Value] = true
}

// stageOwner is an owner's id, or a field that holds one.
func (l *loader) stageOwner(v strictyaml.Scalar) strictyaml.Scalar {
	if v.Pos.IsZero() {
		return v
	}
	if _, ok := l.w.Owner(steward.OwnerID(v.Value)); ok || v.Value == "owner" {
		return v
	}
	field := slices.ContainsFunc(l.w.Fields, func(f steward.FieldSpec) bool { return f.Name == v.Value && f.Kind == steward.TextKind })
	if !field {
		l.wrong(v, fmt.Sprintf("%q is neither an owner in %s nor a text field of accounts", v.Value, l.ownersFile),
			nearestOwner(v.Value, l.w.Owners)+"; or declare the field that holds the owner's id: fields: {"+v.Value+": text}")
		return strictyaml.Scalar{}
	}
	return v
}

func words(list strictyaml.OneOrMore) []string {
	var out []string
	for _, w := range list {
		out = append(out, w.Value)
	}
	return out
}
