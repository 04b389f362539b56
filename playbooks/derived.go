package playbooks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"steward"
	"steward/configs/strictyaml"
	"steward/facts"
	"steward/playbooks/lang"
)

// derived is what follows from the facts of accounts by the rules of a
// workspace, compiled: health and journey. A book has one; it is immutable.
type derived struct {
	health  health
	journey journey
	// nodes is what is worked out, each with the expressions that it reads, in the
	// order of the file.
	nodes []node
}

// A node is one thing that is worked out, under the name that people use for
// it: health, health_of('usage'), stage, reached('kickoff'), escalated.
type node struct {
	name  string
	rules []rule
	// rest is what decides it beside its expressions, for the hash of conditions.
	rest string
}

// A rule is one expression that a node is worked out from.
type rule struct {
	label string // such as enter of adoption
	text  strictyaml.Text
	expr  *lang.Expr
}

// derived compiles the workspace's health and journey.
func (l *loader) derived() *derived {
	d := &derived{}
	in := source{l.book.File, l.book.Source, ""}
	compile := func(about string, t strictyaml.Text, want steward.Kind) *lang.Expr {
		in.about = about
		return l.expr(in, t, l.scope(steward.AboutAccount), want)
	}
	d.compileHealth(l.book.Settings.Health, compile)
	d.compileJourney(l.book.Settings.journey(), compile)
	l.circles(d)
	return d
}

// define adds an expression to a node.
func (d *derived) define(name string, r rule) {
	i := d.index(name)
	if i < 0 {
		i, d.nodes = len(d.nodes), append(d.nodes, node{name: name})
	}
	if r.expr != nil {
		d.nodes[i].rules = append(d.nodes[i].rules, r)
	}
}

func (d *derived) index(name string) int {
	return slices.IndexFunc(d.nodes, func(n node) bool { return n.name == name })
}

// expressions is every expression of health and journey.
func (d *derived) expressions() []*lang.Expr {
	var out []*lang.Expr
	for _, n := range d.nodes {
		for _, r := range n.rules {
			out = append(out, r.expr)
		}
	}
	return out
}

// reads is the nodes that an expression reads.
func (d *derived) reads(e *lang.Expr) []string {
	var out []string
	add := func(names ...string) {
		for _, n := range names {
			if d.index(n) >= 0 && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	for _, f := range e.Fields() {
		add(nodeOfField(f))
	}
	for _, q := range e.Asks() {
		add(nodesOf(q)...)
	}
	return out
}

func nodeOfField(name string) string {
	switch name {
	case "grade":
		return "health"
	case "days_in_stage", "stuck":
		return "stage"
	}
	return name
}

func nodesOf(q facts.Question) []string {
	switch q.Ask {
	case "health_of":
		return []string{partNode(q.Text)}
	case "reached", "days_since_reached":
		return []string{milestoneNode(q.Text)}
	case "overdue":
		return []string{milestoneNode(q.Text), "stage"}
	case "changed", "days_since_change":
		return []string{nodeOfField(q.Text)}
	}
	return nil
}

func partNode(name string) string      { return "health_of('" + name + "')" }
func milestoneNode(name string) string { return "reached('" + name + "')" }

// circles tells what would be worked out from itself. A look back is no way
// out: what was is worked out from what was before it, without end.
func (l *loader) circles(d *derived) {
	told := map[string]bool{}
	for _, n := range d.nodes {
		path := d.circle(n.name, n.name, nil, map[string]bool{})
		if len(path) == 0 {
			continue
		}
		var members []string
		for _, s := range path {
			members = append(members, s.from)
		}
		slices.Sort(members)
		if key := strings.Join(members, "\x00"); told[key] {
			continue
		} else {
			told[key] = true
		}
		var b strings.Builder
		b.WriteString(path[0].from)
		for i, s := range path {
			if i > 0 {
				b.WriteString(", which")
			}
			fmt.Fprintf(&b, " reads %s (%s", s.to, s.rule.label)
			if !s.rule.text.Pos.IsZero() {
				fmt.Fprintf(&b, ", %s:%d", l.book.File, s.rule.text.Pos.Line)
			}
			b.WriteString(")")
		}
		t := path[0].rule.text
		l.problems = append(l.problems, t.Problem(l.book.File, "", 0, len(t.Value), b.String(),
			"nothing can be worked out from itself: take one of these out", l.book.Source))
	}
}

// A stride is one step of a circle: what reads what, and where.
type stride struct {
	from, to string
	rule     rule
}

// circle is a way from a node back to the one it began at; nil when there is
// none.
func (d *derived) circle(at, home string, path []stride, seen map[string]bool) []stride {
	if seen[at] {
		return nil
	}
	seen[at] = true
	i := d.index(at)
	if i < 0 {
		return nil
	}
	for _, r := range d.nodes[i].rules {
		for _, next := range d.reads(r.expr) {
			way := append(slices.Clone(path), stride{at, next, r})
			if next == home {
				return way
			}
			if found := d.circle(next, home, way, seen); found != nil {
				return found
			}
		}
	}
	return nil
}

// fingerprint is all that health and journey have to do with some expressions:
// what these read of them, and what that reads in turn. It is "" where they read
// nothing that the workspace's rules decide.
func (d *derived) fingerprint(exprs ...*lang.Expr) string {
	if d == nil {
		return ""
	}
	reached := map[string]bool{}
	var visit func(e *lang.Expr)
	visit = func(e *lang.Expr) {
		if e == nil {
			return
		}
		for _, name := range d.reads(e) {
			if reached[name] {
				continue
			}
			reached[name] = true
			for _, r := range d.nodes[d.index(name)].rules {
				visit(r.expr)
			}
		}
	}
	for _, e := range exprs {
		visit(e)
	}
	var parts []string
	for _, n := range d.nodes {
		if !reached[n.name] || n.rest == "" && len(n.rules) == 0 {
			continue
		}
		parts = append(parts, n.name, n.rest)
		for _, r := range n.rules {
			parts = append(parts, r.label, r.expr.Canonical())
		}
	}
	return strings.Join(parts, "\x00")
}

func figure(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// A follower works out health and journey on one frame: it is the frame's
// Rules. What it gathers it keeps, so it is for one goroutine, as the frame is.
type follower struct {
	*derived
	// By shift, of every account row: which scorecard applies (-1 for none), and
	// where the account stands.
	cards     map[int][]int
	standings map[int][]standing
	// By account; nil until asked.
	reached   map[steward.AccountID]map[string]steward.Day
	overrides map[steward.AccountID][]steward.HealthOverride
}

var _ facts.Rules = (*follower)(nil)

func (d *derived) follow() *follower {
	return &follower{derived: d, cards: map[int][]int{}, standings: map[int][]standing{}}
}

// Kind is what a question gives, where it is one about health or journey.
func (f *follower) Kind(q facts.Question) (steward.Kind, bool) {
	switch q.Ask {
	case "health", "health_of":
		return steward.NumberKind, true
	case "grade", "stage":
		return steward.TextKind, true
	case "days_in_stage", "days_since_reached":
		return steward.DurationKind, true
	case "stuck", "reached", "overdue":
		return steward.FlagKind, true
	}
	_, ok := f.overlay(q.Ask)
	return steward.FlagKind, ok
}

// Column is the answer for every account.
func (f *follower) Column(v *facts.View, q facts.Question, shift int) facts.Column {
	switch q.Ask {
	case "health":
		return f.healthColumn(v, shift)
	case "grade":
		return f.gradeColumn(v, shift)
	case "health_of":
		return f.partColumn(v, q.Text, shift)
	case "reached", "overdue", "days_since_reached":
		return f.milestoneColumn(v, q, shift)
	}
	if o, ok := f.overlay(q.Ask); ok {
		return o.when.Column(v, lang.At{Shift: shift})
	}
	kind, _ := f.Kind(q)
	stand := f.stand(v, shift)
	return columnOf(kind, v.Len(), func(row int) steward.Value { return f.ofStanding(stand[row], q, v.Today(shift)) })
}

// Value is the answer for one account.
func (f *follower) Value(v *facts.View, row int, q facts.Question, shift int) steward.Value {
	switch q.Ask {
	case "health":
		return f.assess(v, row, shift).stands()
	case "grade":
		return f.gradeOf(f.assess(v, row, shift).stands())
	case "health_of":
		x, _ := f.partAt(v, row, q.Text, shift)
		return x
	case "reached", "overdue", "days_since_reached":
		return f.milestoneAt(v, row, q, shift)
	}
	if o, ok := f.overlay(q.Ask); ok {
		return o.when.Value(v, row, lang.At{Shift: shift})
	}
	return f.ofStanding(f.standAt(v, row, shift), q, v.Today(shift))
}

// Why says why Value is unknown.
func (f *follower) Why(v *facts.View, row int, q facts.Question, shift int) string {
	switch q.Ask {
	case "health", "grade":
		return f.assess(v, row, shift).why()
	case "health_of":
		_, why := f.partAt(v, row, q.Text, shift)
		return why
	case "reached", "overdue", "days_since_reached":
		return f.whyMilestone(v, row, q, shift)
	}
	if o, ok := f.overlay(q.Ask); ok {
		return whyOf(o.when, v, row, shift)
	}
	return f.standAt(v, row, shift).whyUnknown()
}

// whyOf is why an expression is unknown at a row.
func whyOf(e *lang.Expr, v *facts.View, row, shift int) string {
	t := e.Trace(v, row, lang.At{Shift: shift})
	if why := firstUnknown(t); why != "" {
		return why
	}
	return t.Why
}

// columnOf puts values, all of one kind, into a column.
func columnOf(kind steward.Kind, n int, value func(row int) steward.Value) facts.Column {
	c := facts.Column{Kind: kind, Known: make([]bool, n)}
	if kind == steward.TextKind {
		c.Text = make([]string, n)
	} else {
		c.Num = make([]float64, n)
	}
	for row := range n {
		x := value(row)
		switch c.Known[row] = x.Known; {
		case !x.Known:
		case kind == steward.TextKind:
			c.Text[row] = x.Text
		default:
			c.Num[row] = x.Num
		}
	}
	return c
}
