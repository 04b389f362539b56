package lang

import "steward"

// Parts is the comparisons and flags that a condition's verdict is put together
// from, in source order: what stands between its ands, ors and nots. Of a
// choice it is what it chose on, and what it chose. A value that is no condition
// is its own only part.
func (t *Trace) Parts() []*Trace {
	n := t.node
	switch {
	case n.op == opAnd || n.op == opOr,
		n.op == opNot && t.sides[0].junction(),
		n.op == opIf && n.kind == steward.FlagKind:
		var out []*Trace
		for _, side := range t.sides {
			out = append(out, side.Parts()...)
		}
		return out
	}
	return []*Trace{t}
}

// junction tells a part that is put together from others.
func (t *Trace) junction() bool {
	switch t.node.op {
	case opAnd, opOr:
		return true
	case opNot:
		return t.sides[0].junction()
	case opIf:
		return t.node.kind == steward.FlagKind
	}
	return false
}

// Measures is what was read to come to a part's value: its fields, windows and
// the other calls in it, each once, in source order.
func (t *Trace) Measures() []*Trace {
	var out []*Trace
	seen := map[string]bool{}
	var gather func(*Trace)
	gather = func(t *Trace) {
		switch t.node.op {
		case opLit:
			return
		case opField, opAnswer, opCall:
			if !seen[t.Text] {
				seen[t.Text] = true
				out = append(out, t)
			}
			return
		}
		for _, side := range t.sides {
			gather(side)
		}
	}
	gather(t)
	return out
}

// Words says a call's value as a sentence, such as "no logins for 12 days", and
// why it is not known where it is not; "" where the value beside the text says
// all there is.
func (t *Trace) Words() string {
	switch {
	case !t.Value.Known:
		return t.Why
	case t.node.op == opCall || t.node.op == opAnswer:
		return t.words
	}
	return ""
}
