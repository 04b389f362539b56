package lang

import (
	"fmt"
	"strings"

	"steward"
	"steward/facts"
)

// A Trace is an expression with the value of each of its parts, for people who
// ask why.
type Trace struct {
	Span  Span          `json:"span"`
	Text  string        `json:"text"` // the part as written
	Value steward.Value `json:"value"`
	// Why says why Value is unknown, such as "seats is not known"; "" when it is
	// known.
	Why string `json:"why,omitempty"`
	// Percent tells that people read Value as a percentage.
	Percent bool `json:"percent,omitempty"`
	// Children are the parts below it, without literals, in source order. A call
	// that is short for something longer has what it is short for; a choice has
	// only what it chose.
	Children []*Trace `json:"children,omitempty"`

	node  *node
	sides []*Trace // every operand, literals too
	words string   // the value as a sentence; "" where only "TEXT is VALUE" fits
}

// Trace evaluates at one row and keeps the value of every part. Its Value is
// that of Expr.Value.
func (e *Expr) Trace(v *facts.View, row int, at At) *Trace {
	t := &tracer{reader: reader{v: v, row: row, at: at}, e: e}
	return t.trace(e.root, at.Shift)
}

type tracer struct {
	reader
	e *Expr
}

func (r *tracer) trace(n *node, shift int) *Trace {
	t := &Trace{Span: n.span, Text: r.text(n), Percent: n.percent, node: n}
	switch n.op {
	case opIf:
		r.choice(t, n, shift)
	case opElse:
		r.operands(t, n.kids[:1], shift)
		t.Value = t.sides[0].Value
		if !t.Value.Known {
			r.operands(t, n.kids[1:], shift)
			t.Value = t.sides[1].Value
		}
	case opLit, opField, opAnswer:
		t.Value = r.value(n, shift)
	case opIn, opNotIn:
		r.operands(t, n.kids[:1], shift)
		t.Value = r.member(n, t.sides[0].Value, shift)
	case opCall:
		r.operands(t, r.below(n), shift+moved(n))
		t.Value = r.value(n, shift)
	default:
		r.operands(t, n.kids, shift)
		var second steward.Value
		if len(t.sides) > 1 {
			second = t.sides[1].Value
		}
		t.Value = combine(n, t.sides[0].Value, second)
	}
	if !t.Value.Known {
		t.Why = r.why(t, shift)
	}
	t.words = r.words(t, shift)
	return t
}

// text is the part as written, on one line.
func (r *tracer) text(n *node) string {
	if n.made {
		return canonical(n)
	}
	if text := written(r.e.source, n.span); text != "" && !strings.Contains(text, "  ") {
		return text
	}
	return canonical(n)
}

func (r *tracer) operands(t *Trace, kids []*node, shift int) {
	for _, k := range kids {
		side := r.trace(k, shift)
		t.sides = append(t.sides, side)
		if k.op != opLit && !(k.op == opNeg && k.kids[0].op == opLit) {
			t.Children = append(t.Children, side)
		}
	}
}

func (r *tracer) choice(t *Trace, n *node, shift int) {
	r.operands(t, n.kids[:1], shift)
	t.Value = steward.Unknown(n.kind)
	taken := map[steward.Verdict]int{steward.Holds: 1, steward.Fails: 2}[t.sides[0].Value.Verdict()]
	if taken > 0 {
		r.operands(t, n.kids[taken:taken+1], shift)
		t.Value = t.sides[1].Value
	}
}

// below is what a call's value was made from, as parts of their own.
func (r *tracer) below(n *node) []*node {
	switch n.text {
	case "change", "drop":
		return []*node{n.average(), n.averageBefore(n.ago)}
	case "recovered":
		open := &node{op: opCall, span: n.span, outer: n.outer, kids: []*node{n.frozenArgument()}, text: "at_open",
			kind: steward.NumberKind, fn: functions["at_open"], key: n.key, made: true}
		return []*node{n.average(), open}
	case "at_open":
		if ep, ok := r.at.Episodes[r.row]; ok {
			if _, ok := ep.Frozen[n.key]; ok {
				return nil // the value was kept; what its parts are today is beside the point
			}
		}
		return n.kids
	}
	switch {
	case n.fn.plain || n.fn.asks || n.text == "family" || n.text == "vs_peers":
		return nil
	case n.text == "scale":
		return n.kids
	}
	return n.kids[:1]
}

// moved is how much further back than a call its parts are read.
func moved(n *node) int {
	if n.text == "was" {
		return n.w
	}
	return 0
}

// why says why a part is unknown: the reasons of the parts that made it so, or
// its own.
func (r *tracer) why(t *Trace, shift int) string {
	n := t.node
	switch {
	case n.op == opField:
		return r.v.WhyField(r.row, n.text, shift)
	case n.op == opCall && n.fn.asks:
		return r.v.WhyAsk(r.row, n.question(), shift)
	case n.op == opCall && n.text == "family":
		return canonical(n.kids[0]) + " is not known of every account of the family"
	case n.op == opCall && n.fn.plain:
		return r.v.WhyUnknown(r.row, n.fn.window, n.metric(), n.w, shift)
	case n.op == opCall && n.text == "vs_peers":
		return r.v.WhyVsPeers(r.row, n.metric(), n.w, n.ago, shift)
	case n.op == opCall && (n.text == "change" || n.text == "drop"):
		return r.whyChange(n, shift)
	case n.op == opCall && n.text == "at_open" && len(t.sides) == 0:
		return canonical(n.kids[0]) + " was not known when the episode began"
	}
	var whys []string
	for _, side := range t.sides {
		if side.Why != "" && !strings.Contains(strings.Join(whys, "; "), side.Why) {
			whys = append(whys, side.Why)
		}
	}
	if len(whys) > 0 {
		return strings.Join(whys, "; ")
	}
	if n.op == opDiv && t.sides[1].Value.Num == 0 {
		return fmt.Sprintf("%s is 0, and nothing can be divided by 0", t.sides[1].Text)
	}
	return t.Text + " is out of range"
}

// whyChange tells an unknown window from a rise out of nothing.
func (r *tracer) whyChange(n *node, shift int) string {
	for _, s := range []int{shift, shift + n.ago} {
		if why := r.v.WhyUnknown(r.row, facts.Sum, n.metric(), n.w, s); why != "" {
			return why
		}
	}
	return fmt.Sprintf("%s went from 0 to more than 0 over %s, which has no percentage", plainName(n.metric()), plural(n.w, "day"))
}
