package lang

import (
	"slices"

	"steward"
	"steward/facts"
)

// A Read is one thing that an expression reads by a name, and where the name
// stands.
type Read struct {
	Span
	// Field or Metric is what is read; both are empty for a quoted argument.
	Field, Metric string
	// Text is a text that Field is compared with, or a quoted argument; it is
	// looked for as a part of the field where Part is set.
	Text string
	Part bool
	// Takes is what a quoted argument names: role, priority, milestone, ….
	Takes string
	// Asks is the question of a call whose answer comes from more than fields and
	// windows, such as tickets('urgent'); its Span is the whole call.
	Asks facts.Question
}

// Reads is everything that the expression reads by name, in source order. A
// field that is compared with texts comes once alone and once with each text.
func (e *Expr) Reads() []Read {
	var out []Read
	e.root.walk(func(n *node) {
		switch {
		case n.made:
		case n.op == opField:
			out = append(out, Read{Span: n.span, Field: n.text})
		case n.op == opCall:
			out = append(out, n.arguments()...)
		case n.op == opEq, n.op == opNe, n.op == opIn, n.op == opNotIn, n.op == opContains:
			out = append(out, n.texts()...)
		}
	})
	slices.SortStableFunc(out, func(a, b Read) int { return a.Start - b.Start })
	return out
}

func (n *node) arguments() []Read {
	var out []Read
	if n.fn.asks {
		out = append(out, Read{Span: n.span, Asks: n.question()})
	}
	for i, k := range n.kids {
		switch p := n.fn.params[i]; p.takes {
		case takesMetric:
			out = append(out, Read{Span: k.span, Metric: k.text})
		case takesField:
			out = append(out, Read{Span: k.span, Field: k.text})
		case takesName:
			out = append(out, Read{Span: k.span, Text: k.text, Takes: p.name})
		}
	}
	return out
}

// texts is the texts that a field is compared with.
func (n *node) texts() []Read {
	field, others := n.kids[0], n.kids[1:]
	if field.op != opField && n.op != opContains {
		field, others = n.kids[1], n.kids[:1]
	}
	if field.op != opField {
		return nil
	}
	if others[0].op == opList {
		others = others[0].kids
	}
	var out []Read
	for _, o := range others {
		if o.op == opLit && o.kind == steward.TextKind {
			out = append(out, Read{Span: o.span, Field: field.text, Text: o.text, Part: n.op == opContains})
		}
	}
	return out
}

// Constant tells an expression that reads nothing: neither a subject nor the
// calendar.
func (e *Expr) Constant() bool {
	reads := false
	e.root.walk(func(n *node) {
		reads = reads || n.op == opField || n.op == opAnswer || n.op == opCall && n.text != "known" && n.text != "scale"
	})
	return !reads
}

// Uneven is the calls that compare a window with an earlier one of other
// weekdays: neither is it whole weeks nor lies the other whole weeks back.
// vs_peers is not among them, as its peers have the same weekend.
func (e *Expr) Uneven() []Span {
	var out []Span
	e.root.walk(func(n *node) {
		if n.op == opCall && !n.made && (n.text == "change" || n.text == "drop") && n.w%7 != 0 && n.ago%7 != 0 {
			out = append(out, n.span)
		}
	})
	return out
}

// Adjoining tells whether it compares a window with the very one before it,
// which is as silent as this one after two windows of silence.
func (e *Expr) Adjoining() bool {
	found := false
	e.root.walk(func(n *node) {
		found = found || n.op == opCall && !n.made && (n.text == "change" || n.text == "drop") && n.ago <= n.w
	})
	return found
}

// Calls tells whether the expression calls one of the functions.
func (e *Expr) Calls(names ...string) bool {
	found := false
	e.root.walk(func(n *node) { found = found || n.op == opCall && !n.made && slices.Contains(names, n.text) })
	return found
}
