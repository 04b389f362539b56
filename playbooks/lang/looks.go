package lang

import (
	"slices"

	"steward"
)

// A Look is one metric that a condition reads over days.
type Look struct {
	Metric string
	// Days is how far back from the last complete day it reaches.
	Days int
	// Window is how many days it takes together; 0 where it takes none.
	Window int
	// Shift is how many days back its window ends, Ago how many days before that
	// window lies the one that it is held against; 0 where it is held against none.
	Shift, Ago int
}

// Looks is the metrics that decided the value of a traced condition, in source
// order and each once: of what holds its sides that do, as Evidence has it. The
// first leads.
func (t *Trace) Looks() []Look {
	var out []Look
	t.looks(func(l Look) {
		if !slices.ContainsFunc(out, func(o Look) bool { return o.Metric == l.Metric }) {
			out = append(out, l)
		}
	})
	return out
}

func (t *Trace) looks(found func(Look)) {
	n := t.node
	switch {
	case n.op == opAnd || n.op == opOr:
		for _, side := range decisive(t) {
			side.looks(found)
		}
	case n.op == opNot || n.op == opIf && n.kind == steward.FlagKind:
		for _, side := range t.sides {
			side.looks(found)
		}
	default:
		n.looks(0, found)
	}
}

// looks tells of every window below a part that is read shift days ago.
func (n *node) looks(shift int, found func(Look)) {
	if n.op == opCall {
		shift += moved(n)
		if len(n.fn.params) > 0 && n.fn.params[0].takes == takesMetric {
			found(Look{Metric: n.metric(), Window: n.w, Shift: shift, Ago: n.ago, Days: shift + n.w + n.ago})
			return
		}
	}
	for _, k := range n.kids {
		k.looks(shift, found)
	}
}
