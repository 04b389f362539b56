package lang

import (
	"maps"
	"slices"
	"strings"

	"steward"
)

// binds is how tightly a node's operator holds its parts together.
func (n *node) binds() int {
	switch {
	case n.op == opIf:
		return bindIf
	case n.op == opOr:
		return bindOr
	case n.op == opAnd:
		return bindAnd
	case n.op == opNot:
		return bindNot
	case n.comparison():
		return bindCompare
	case n.op == opElse:
		return bindElse
	case n.op == opAdd || n.op == opSub:
		return bindAdd
	case n.op == opMul || n.op == opDiv:
		return bindMul
	case n.op == opNeg:
		return bindNeg
	}
	return bindNeg + 1
}

// canonical writes a node in the one spelling that its meaning has.
func canonical(n *node) string {
	var b strings.Builder
	write(&b, n, bindLoosest)
	return b.String()
}

// write puts parentheses only where the node binds less tightly than it must.
func write(b *strings.Builder, n *node, atLeast int) {
	binds := n.binds()
	if binds < atLeast {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	switch n.op {
	case opBad:
		b.WriteString("…")
	case opLit:
		b.WriteString(literalText(n))
	case opName, opField, opAnswer:
		b.WriteString(n.text)
	case opNot:
		b.WriteString("not ")
		write(b, n.kids[0], bindNot)
	case opNeg:
		b.WriteByte('-')
		write(b, n.kids[0], bindNeg)
	case opCall, opList:
		open, end := n.text+"(", ")"
		if n.op == opList {
			open, end = "[", "]"
		}
		b.WriteString(open)
		for i, k := range n.kids {
			if i > 0 {
				b.WriteString(", ")
			}
			write(b, k, bindLoosest)
		}
		b.WriteString(end)
	case opIf:
		write(b, n.kids[0], bindOr)
		b.WriteString(" ? ")
		write(b, n.kids[1], bindLoosest)
		b.WriteString(" : ")
		write(b, n.kids[2], bindIf)
	case opAnd, opOr, opElse:
		// These mean the same however a row of them is grouped.
		write(b, n.kids[0], binds)
		b.WriteString(" " + signOf[n.op] + " ")
		write(b, n.kids[1], binds)
	default:
		left := binds
		if n.comparison() {
			left++
		}
		write(b, n.kids[0], left)
		b.WriteString(" " + signOf[n.op] + " ")
		write(b, n.kids[1], binds+1)
	}
}

// literalText writes text in single quotes unless it holds one: there are no
// escapes, so no text holds both sorts.
func literalText(n *node) string {
	if n.kind != steward.TextKind && n.shown != "" {
		return n.shown
	}
	quote := "'"
	if strings.Contains(n.text, quote) {
		quote = `"`
	}
	return quote + n.text + quote
}

// frozenOf is every at_open argument below a node, once each, by key.
func frozenOf(root *node) []frozen {
	found := map[string]*node{}
	root.walk(func(n *node) {
		if arg := n.frozenArgument(); arg != nil {
			found[n.key] = arg
		}
	})
	var out []frozen
	for _, key := range slices.Sorted(maps.Keys(found)) {
		out = append(out, frozen{key, found[key]})
	}
	return out
}
