package lang

import (
	"fmt"

	"steward"
)

// parse reads an expression by operator precedence (V. R. Pratt, "Top down
// operator precedence", POPL 1973). It always gives a tree: what could not be
// read is an opBad node, about which the checker is silent.
//
// From loosest to tightest: ? :, or, and, not, comparison, ??, + -, * /, unary
// minus. ?? binds tighter than comparison, unlike in C# or JavaScript, because
// what ops people write is seats ?? 0 > 10.
func parse(src string, notes *notes) *node {
	p := &parser{src: src, tokens: lex(src, notes), notes: notes}
	if p.peek().kind == tokenEnd && len(notes.list) == 0 {
		notes.add(Span{0, len(src)}, "the expression is empty", "write a condition such as arr >= 10k")
		return p.bad(Span{0, len(src)})
	}
	root := p.expression(bindLoosest)
	for p.peek().kind != tokenEnd && !p.full {
		root = p.rest(root)
	}
	return root
}

type parser struct {
	src    string
	tokens []token
	at     int
	depth  int
	nodes  int
	full   bool // a limit was passed: nothing more is read
	notes  *notes
}

// How tightly operators bind.
const (
	bindLoosest = iota
	bindIf
	bindOr
	bindAnd
	bindNot
	bindCompare
	bindElse
	bindAdd
	bindMul
	bindNeg
)

type infix struct {
	op   op
	bind int
}

var infixes = map[string]infix{
	"?": {opIf, bindIf}, "or": {opOr, bindOr}, "and": {opAnd, bindAnd},
	"==": {opEq, bindCompare}, "!=": {opNe, bindCompare}, "<": {opLt, bindCompare}, "<=": {opLe, bindCompare},
	">": {opGt, bindCompare}, ">=": {opGe, bindCompare}, "in": {opIn, bindCompare}, "not": {opNotIn, bindCompare},
	"contains": {opContains, bindCompare}, "??": {opElse, bindElse},
	"+": {opAdd, bindAdd}, "-": {opSub, bindAdd}, "*": {opMul, bindMul}, "/": {opDiv, bindMul},
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) sees(sign string) bool {
	t := p.peek()
	return t.kind == tokenSign && t.text == sign
}

func (p *parser) accept(sign string) bool {
	if p.sees(sign) {
		p.take()
		return true
	}
	return false
}

// expression reads operators that bind tighter than bind.
func (p *parser) expression(bind int) *node {
	if p.depth >= maxNesting {
		p.overflow(fmt.Sprintf("the expression is nested more than %d deep", maxNesting))
		return p.bad(p.peek().span)
	}
	p.depth++
	defer func() { p.depth-- }()
	left := p.prefix()
	for !p.full {
		t := p.peek()
		in, ok := infixes[t.text]
		if t.kind != tokenSign || !ok || in.bind <= bind {
			break
		}
		if t.text == "not" && !p.negates("in") {
			if !p.negates("contains") {
				break
			}
			p.notes.add(t.span, "not stands before the whole comparison", "write not name contains 'text'")
			p.take()
			in.op = opContains
		}
		if in.bind == bindCompare && left.comparison() && left.span == left.outer {
			p.notes.add(t.span, "comparisons cannot be chained", "join two with and: a < b and b < c")
			left = p.poison(left)
		}
		p.take()
		left = p.infix(left, in, t)
	}
	return left
}

// negates tells that the token after the next is a sign, as in `not in`.
func (p *parser) negates(sign string) bool {
	t := p.tokens[min(p.at+1, len(p.tokens)-1)]
	return t.kind == tokenSign && t.text == sign
}

func (p *parser) infix(left *node, in infix, t token) *node {
	switch in.op {
	case opIf:
		return p.conditional(left)
	case opNotIn:
		p.take() // in
		return p.join(in.op, left, p.list())
	case opIn:
		return p.join(in.op, left, p.list())
	case opElse:
		return p.join(in.op, left, p.expression(in.bind-1)) // a ?? b ?? c is a ?? (b ?? c)
	}
	return p.join(in.op, left, p.expression(in.bind))
}

func (p *parser) conditional(condition *node) *node {
	then := p.expression(bindLoosest)
	if !p.accept(":") {
		p.expected(": and what holds otherwise", "a choice is written condition ? value : other value")
		return p.join(opIf, condition, then, p.bad(p.peek().span))
	}
	return p.join(opIf, condition, then, p.expression(bindIf-1))
}

// join makes a node that spans its kids.
func (p *parser) join(o op, kids ...*node) *node {
	span := Span{kids[0].outer.Start, max(kids[0].outer.End, kids[len(kids)-1].outer.End)}
	return p.make(&node{op: o, span: span, kids: kids})
}

func (p *parser) make(n *node) *node {
	n.outer = n.span
	if p.nodes++; p.nodes > maxNodes {
		p.overflow(fmt.Sprintf("the expression has more than %d parts", maxNodes))
	}
	return n
}

func (p *parser) overflow(message string) {
	if !p.full {
		p.full = true
		p.notes.add(p.peek().span, message, "split it into several playbooks, or declare a field in the source")
	}
}

func (p *parser) bad(s Span) *node { return &node{op: opBad, span: s, outer: s} }

// prefix reads a value: a literal, a name, a call, a parenthesis, or not or
// minus before one.
func (p *parser) prefix() *node {
	t := p.peek()
	switch {
	case t.kind == tokenLiteral:
		p.take()
		return p.make(t.literal)
	case t.kind == tokenName:
		p.take()
		if p.sees("(") {
			return p.call(t)
		}
		return p.make(&node{op: opName, span: t.span, text: t.text})
	case t.kind == tokenBad:
		p.take()
		return p.bad(t.span)
	case p.sees("("):
		return p.parenthesis()
	case p.sees("not"):
		p.take()
		return p.before(opNot, t, p.expression(bindNot-1))
	case p.sees("-"):
		p.take()
		return p.before(opNeg, t, p.expression(bindNeg-1))
	case p.sees("+"):
		p.notes.add(t.span, "a number needs no plus sign", "leave it out")
		p.take()
		return p.expression(bindNeg - 1)
	case p.sees("["):
		p.notes.add(t.span, "a list stands only behind in", "write segment in ['a', 'b']")
		return p.list()
	}
	p.expected("a value", "")
	if t.kind == tokenSign && t.text != ")" && t.text != "]" && t.text != "," && t.text != ":" {
		p.take() // an operator without its left side: go on with its right
		if t.text != "?" {
			return p.expression(infixes[t.text].bind)
		}
	}
	return p.bad(t.span)
}

func (p *parser) before(o op, t token, operand *node) *node {
	return p.make(&node{op: o, span: Span{t.span.Start, max(t.span.End, operand.outer.End)}, kids: []*node{operand}})
}

func (p *parser) parenthesis() *node {
	open := p.take()
	n := p.expression(bindLoosest)
	end, _ := p.closing(open, ")")
	n.outer = Span{open.span.Start, max(end, n.outer.End)}
	return n
}

// closing reads the end of a bracket and gives where it ends, and whether it
// was where it had to be.
func (p *parser) closing(open token, sign string) (end int, ok bool) {
	if t := p.peek(); p.accept(sign) {
		return t.span.End, true
	}
	if p.peek().kind == tokenEnd {
		if !p.full {
			p.notes.add(open.span, fmt.Sprintf("%s is not closed", open.text), "add "+sign)
		}
		return p.peek().span.Start, false
	}
	hint := hintBefore(p.peek())
	if p.peek().kind == tokenLiteral || p.peek().kind == tokenName {
		hint = "a comma or an operator is missing before it"
	}
	p.expected(sign, hint)
	// Skip what cannot be read, so that the rest is judged as if closed here.
	depth := 0
	for p.peek().kind != tokenEnd {
		t := p.peek()
		switch {
		case depth == 0 && t.kind == tokenSign && t.text == sign:
			p.take()
			return t.span.End, false
		case t.kind == tokenSign && (t.text == "(" || t.text == "["):
			depth++
		case t.kind == tokenSign && (t.text == ")" || t.text == "]"):
			depth--
		}
		if depth < 0 {
			return t.span.Start, false
		}
		p.take()
	}
	return p.peek().span.Start, false
}

func (p *parser) call(name token) *node {
	open := p.take()
	n := &node{op: opCall, text: name.text, kids: p.items(")")}
	end, ok := p.closing(open, ")")
	n.span = Span{name.span.Start, max(end, open.span.End)}
	if n = p.make(n); !ok {
		return p.poison(n)
	}
	return n
}

func (p *parser) list() *node {
	open, end := p.peek(), "]"
	switch {
	case p.accept("["):
	case p.sees("("):
		p.notes.add(open.span, "a list stands in [ ], not in ( )", "write in ['a', 'b']")
		p.take()
		end = ")"
	default:
		p.expected("a list in [ ]", "write in ['a', 'b']")
		if open.kind == tokenSign || open.kind == tokenEnd {
			return p.bad(open.span)
		}
		return p.poison(p.expression(bindCompare))
	}
	n := &node{op: opList, kids: p.items(end)}
	stop, ok := p.closing(open, end)
	n.span = Span{open.span.Start, stop}
	if n = p.make(n); !ok {
		return p.poison(n)
	}
	return n
}

// poison keeps a part's extent and makes the checker silent about it.
func (p *parser) poison(n *node) *node {
	b := p.bad(n.span)
	b.outer = n.outer
	return b
}

func (p *parser) items(end string) []*node {
	var out []*node
	for !p.full && !p.sees(end) && p.peek().kind != tokenEnd {
		out = append(out, p.expression(bindLoosest))
		if !p.accept(",") {
			break
		}
		if p.sees(end) {
			p.notes.add(p.peek().span, "there is nothing behind the last comma", "leave the comma out")
		}
	}
	return out
}

// rest reports what stands behind a whole expression and reads on where
// another condition seems to begin.
func (p *parser) rest(root *node) *node {
	t := p.take()
	if t.kind != tokenBad {
		p.notes.add(t.span, fmt.Sprintf("%s was not expected here", p.named(t)), p.hintAfter(t))
	}
	for p.peek().kind != tokenEnd && !p.sees("and") && !p.sees("or") {
		p.take()
	}
	tear(root)
	if p.peek().kind == tokenEnd {
		return root
	}
	joint := infixes[p.take().text]
	right := p.expression(joint.bind)
	tear(right)
	return p.join(joint.op, root, right)
}

// tear marks the part that stands last, which may not be a whole one.
func tear(n *node) {
	n.torn = true
	if n.op == opAnd || n.op == opOr {
		tear(n.kids[1])
	}
	if n.op == opNot {
		tear(n.kids[0])
	}
}

// hintAfter guesses what was meant by a token that cannot follow a value.
func (p *parser) hintAfter(t token) string {
	switch {
	case t.kind == tokenSign && (t.text == ")" || t.text == "]"):
		return "take it out, or add its opening bracket"
	case t.kind == tokenSign && t.text == ",":
		return "a comma separates what stands in a call or a list; join conditions with and or or"
	case t.kind == tokenSign && t.text == ":":
		return "a choice is written condition ? value : other value"
	}
	return hintBefore(t)
}

func hintBefore(t token) string {
	if t.kind == tokenName || t.kind == tokenLiteral || t.kind == tokenSign && t.text == "not" {
		switch t.text {
		case "is", "equals", "eq":
			return "compare with =="
		case "between":
			return "write x >= low and x <= high"
		case "like", "matches", "startswith", "includes":
			return "write contains"
		case "then", "when", "if":
			return "a choice is written condition ? value : other value"
		case "for":
			return "how long a condition has to hold is a key of its own, for: 14d; that nothing was otherwise of late is not changed(…, 14d)"
		}
		return "an operator such as and, or, == or + is missing before it"
	}
	return ""
}

func (p *parser) expected(what, hint string) {
	t := p.peek()
	if p.full || t.kind == tokenBad {
		return
	}
	if t.kind == tokenEnd {
		p.notes.add(t.span, fmt.Sprintf("%s is missing at the end", what), hint)
		return
	}
	p.notes.add(t.span, fmt.Sprintf("expected %s, found %s", what, p.named(t)), hint)
}

func (p *parser) named(t token) string {
	if t.kind == tokenLiteral && t.literal.kind == steward.TextKind {
		return "the text " + p.src[t.span.Start:t.span.End]
	}
	return p.src[t.span.Start:t.span.End]
}
