package lang

import (
	"steward"
	"steward/facts"
)

// An op is what a node does.
type op uint8

const (
	opBad    op = iota // could not be read; already reported
	opLit              // num or text
	opField            // text is the name
	opAnswer           // text is the name
	opNot
	opNeg
	opAnd
	opOr
	opEq
	opNe
	opLt
	opLe
	opGt
	opGe
	opIn
	opNotIn
	opContains
	opAdd
	opSub
	opMul
	opDiv
	opIf   // kids: condition, then, else
	opElse // a ?? b
	opCall // text is the function's name
	opName // a bare name, until the checker knows what it is
	opList // the right side of in
)

// A node is a part of an expression. The parser makes it, the checker fills in
// what it learns, and nothing changes it after that.
type node struct {
	op   op
	span Span // the part itself
	// outer is the part with the parentheses around it: what a part that
	// contains it reaches to.
	outer Span
	kids  []*node

	num   float64 // a literal's value; a flag is 0 or 1, a date its Day
	text  string  // a literal's text, a name, a function's name
	shown string  // a number as canonical text writes it, with its unit

	kind    steward.Kind
	months  bool // a literal in months, which only shifts dates
	percent bool // people read the value as a percentage

	fn  *function
	w   int    // a call's window, or how long ago, in days
	ago int    // change and drop: how many days the other window lies back
	key string // at_open and recovered: the name its frozen value is kept by
	// torn tells that what follows the part could not be read, so that its kind
	// is nobody's mistake.
	torn bool
	// made tells a part that stands in no source: what a call is short for.
	made bool
}

// metric is the metric that a window function reads.
func (n *node) metric() string { return n.kids[0].text }

func (n *node) comparison() bool { return n.op >= opEq && n.op <= opContains }

// frozenArgument is what an at_open freezes: its argument, and for
// recovered(m, w) the average before the episode, was(avg(m, w), w).
func (n *node) frozenArgument() *node {
	if n.op != opCall {
		return nil
	}
	switch n.text {
	case "at_open":
		return n.kids[0]
	case "recovered":
		return n.averageBefore(n.w)
	}
	return nil
}

// question is what a call asks of facts.
func (n *node) question() facts.Question {
	q := facts.Question{Ask: n.text, Days: n.w}
	for i, k := range n.kids {
		if t := n.fn.params[i].takes; t == takesName || t == takesField {
			q.Text = k.text
		}
	}
	return q
}

// average is avg(m, w) of a window function's metric, and averageBefore the
// same as of ago days earlier. They stand where the call stood, so that what is
// told of them points there.
func (n *node) average() *node {
	return &node{op: opCall, span: n.span, outer: n.outer, kids: []*node{n.kids[0], n.kids[1]}, text: "avg", made: true,
		kind: steward.NumberKind, fn: functions["avg"], w: n.w}
}

func (n *node) averageBefore(ago int) *node {
	d := &node{op: opLit, span: n.span, outer: n.outer, num: float64(ago), shown: days(ago), kind: steward.DurationKind}
	return &node{op: opCall, span: n.span, outer: n.outer, kids: []*node{n.average(), d}, text: "was", made: true,
		kind: steward.NumberKind, fn: functions["was"], w: ago}
}

// walk visits a node and all below it.
func (n *node) walk(visit func(*node)) {
	visit(n)
	for _, k := range n.kids {
		k.walk(visit)
	}
}
