package lang

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"steward"
	"steward/facts"
)

// maxWindow is how many days a window, or a look back, can have: two years and
// a bit, so that a month can be held against the same month two years ago.
const maxWindow = 800

// maxMonths bounds shifts of dates to a century.
const maxMonths = 1200

// A checker gives every part its kind and reports what does not fit. A part
// that was reported has NoKind, and nothing that contains it is reported for
// its sake.
type checker struct {
	scope   Scope
	notes   *notes
	fields  map[string]bool
	metrics map[string]bool
	loads   map[string]bool
	asks    []facts.Question
	answers []string
}

// inside is where a part stands.
type inside struct {
	was, atOpen, family bool
	// beside is the kind of what a name is compared with, for the hint.
	beside steward.Kind
}

func (c *checker) report(n *node, message, hint string) {
	c.notes.add(n.span, message, hint)
	n.kind = steward.NoKind
}

func (c *checker) expression(root *node, want steward.Kind) {
	c.visit(root, inside{})
	switch {
	case root.months:
		c.report(root, "months only shift a date", "write renewal_date - "+root.shown)
	case root.kind == steward.NoKind || want == steward.NoKind || root.kind == want || root.torn:
	case want == steward.FlagKind:
		c.report(root, fmt.Sprintf("a condition is true or false, and this is a %s", root.kind), compareHint(root))
	default:
		c.report(root, fmt.Sprintf("a %s is wanted here, and this is a %s", want, root.kind), "")
	}
}

// compareHint says how a value becomes a condition.
func compareHint(n *node) string {
	var b strings.Builder
	write(&b, n, bindCompare+1)
	name := b.String()
	if len(name) > 40 {
		name = "it"
	}
	switch n.kind {
	case steward.NumberKind:
		if n.percent {
			return "compare it, such as " + name + " >= 50%"
		}
		return "compare it, such as " + name + " > 0"
	case steward.TextKind:
		return "compare it, such as " + name + " == 'text'"
	case steward.DateKind:
		return "compare it, such as days_until(" + name + ") <= 30d"
	case steward.DurationKind:
		return "compare it, such as " + name + " >= 14d"
	}
	return ""
}

func (c *checker) visit(n *node, in inside) {
	switch {
	case n.op == opBad:
		n.kind = steward.NoKind
	case n.op == opLit:
		c.literal(n)
	case n.op == opName:
		c.name(n, in)
	case n.op == opCall:
		c.call(n, in)
	case n.op == opNot:
		c.visit(n.kids[0], without(in))
		c.flag(n.kids[0], "not")
		n.kind = steward.FlagKind
	case n.op == opAnd || n.op == opOr:
		for _, k := range n.kids {
			c.visit(k, without(in))
			c.flag(k, map[op]string{opAnd: "and", opOr: "or"}[n.op])
		}
		n.kind = steward.FlagKind
	case n.op == opNeg:
		c.negative(n, without(in))
	case n.op == opIn || n.op == opNotIn:
		c.member(n, without(in))
	case n.comparison():
		c.compare(n, without(in))
	case n.op == opIf:
		c.choice(n, without(in))
	case n.op == opElse:
		c.otherwise(n, without(in))
	case n.op == opList:
		for _, k := range n.kids {
			c.visit(k, without(in))
		}
		n.kind = steward.NoKind
	default:
		c.arithmetic(n, without(in))
	}
}

// without is the place of a part that is not itself compared with anything.
func without(in inside) inside {
	in.beside = steward.NoKind
	return in
}

func (c *checker) literal(n *node) {
	if n.months && (n.num != math.Trunc(n.num) || n.num > maxMonths) {
		c.report(n, fmt.Sprintf("a date is shifted by whole months, at most %d", maxMonths), "write 3mo, or days such as 45d")
	}
}

// pair visits two sides, telling each what it stands beside.
func (c *checker) pair(n *node, in inside) (a, b *node, ok bool) {
	a, b = n.kids[0], n.kids[1]
	if _, field := c.scope.Fields[a.text]; a.op == opName && !field { // the other side says more
		c.visit(b, in)
		in.beside = b.kind
		c.visit(a, in)
		return a, b, a.kind != steward.NoKind && b.kind != steward.NoKind
	}
	c.visit(a, in)
	in.beside = a.kind
	c.visit(b, in)
	return a, b, a.kind != steward.NoKind && b.kind != steward.NoKind
}

func (c *checker) name(n *node, in inside) {
	if kind, ok := c.fieldsAt(in)[n.text]; ok {
		n.op, n.kind = opField, kind
		c.fields[n.text] = true
		return
	}
	if _, ok := c.scope.Fields[n.text]; ok {
		c.report(n, fmt.Sprintf("%s is a field of a %s, and family reads accounts", n.text, c.scope.About), "take it out of family(…)")
		return
	}
	if _, ok := c.scope.Metrics[n.text]; ok {
		c.report(n, fmt.Sprintf("%s is a metric: a value for every day", n.text), fmt.Sprintf("say which days: last(%s), or avg(%s, 14d)", n.text, n.text))
		return
	}
	if a, ok := answerNamed(n.text); ok {
		c.answerName(n, a, in)
		return
	}
	c.unknownName(n, in)
}

// fieldsAt is the fields that a name can be: inside family those of accounts.
func (c *checker) fieldsAt(in inside) map[string]steward.Kind {
	if in.family && c.scope.Accounts != nil {
		return c.scope.Accounts
	}
	return c.scope.Fields
}

// answerName is a name for what people did about this enrolment.
func (c *checker) answerName(n *node, a answer, in inside) {
	switch {
	case !c.scope.Acked:
		c.report(n, n.text+" has no meaning here: it tells whether "+a.tells, "use it in if and unless of a step")
	case in.was || in.atOpen || in.family:
		c.report(n, n.text+" is known of now, and of this enrolment, only", "take it out of the call")
	default:
		n.op, n.kind = opAnswer, steward.FlagKind
		c.answers = append(c.answers, a.name)
	}
}

func (c *checker) unknownName(n *node, in inside) {
	near := steward.Nearest(n.text, c.names())
	switch f, isFunction := functions[n.text]; {
	case isFunction:
		c.report(n, fmt.Sprintf("%s is a function", n.text), "write "+f.shortest())
	case n.text == "today" || n.text == "now":
		c.report(n, "dates are compared with today by days_until and days_since", "write days_until(renewal_date) <= 30d")
	case n.text == "if" || n.text == "when" || n.text == "then" || n.text == "else":
		c.report(n, fmt.Sprintf("%s has no meaning in an expression", n.text), "a choice is written condition ? value : other value")
	case n.text == "null" || n.text == "nil" || n.text == "none" || n.text == "unknown":
		c.report(n, fmt.Sprintf("%s is not a value", n.text), "ask known(x), or give a default with x ?? 0")
	case c.ofAnother(n.text) != "":
		kind := c.ofAnother(n.text)
		c.report(n, fmt.Sprintf("%s is a field of %ss, and this is about %ss", n.text, kind, c.scope.About), fmt.Sprintf("write about: %s", kind))
	case n.text == "health" || n.text == "grade":
		c.report(n, fmt.Sprintf("this workspace does not say how %s is worked out", n.text), "declare scorecards under health: in steward.yaml")
	case in.beside == steward.TextKind:
		hint := fmt.Sprintf("text stands in quotes: '%s'", n.text)
		if near != "" {
			hint = fmt.Sprintf("did you mean %s? If it is text: '%s'", near, n.text)
		}
		c.report(n, fmt.Sprintf("there is no field or metric %s", n.text), hint)
	case (in.beside == steward.FlagKind) && (n.text == "yes" || n.text == "no"):
		c.report(n, fmt.Sprintf("%s is not a value", n.text), "write true or false")
	case near != "":
		c.report(n, fmt.Sprintf("there is no field or metric %s", n.text), fmt.Sprintf("did you mean %s?", near))
	default:
		c.report(n, fmt.Sprintf("there is no field or metric %s", n.text), "declare it under fields or metrics in steward.yaml")
	}
}

// ofAnother is what has a field of the name where something else is judged; ""
// where nothing has.
func (c *checker) ofAnother(name string) steward.SubjectKind {
	for _, kind := range steward.SubjectKinds() {
		if _, ok := facts.BuiltinFields(kind)[name]; ok && kind != c.scope.About {
			return kind
		}
	}
	return ""
}

// names is every name that could have been meant.
func (c *checker) names() []string {
	out := slices.Collect(maps.Keys(c.scope.Fields))
	out = slices.AppendSeq(out, maps.Keys(c.scope.Metrics))
	out = slices.AppendSeq(out, maps.Keys(functions))
	if c.scope.Acked {
		for _, a := range answers {
			out = append(out, a.name)
		}
	}
	slices.Sort(out)
	return out
}

// flag requires true or false of a part.
func (c *checker) flag(n *node, by string) {
	if n.kind != steward.NoKind && n.kind != steward.FlagKind && !n.torn {
		c.report(n, fmt.Sprintf("%s joins what is true or false, and this is a %s", by, n.kind), compareHint(n))
	}
}

func (c *checker) negative(n *node, in inside) {
	k := n.kids[0]
	c.visit(k, in)
	switch {
	case k.kind == steward.NoKind:
		return
	case k.months:
		c.report(n, "months only shift a date", "write renewal_date - "+k.shown)
	case k.kind != steward.NumberKind && k.kind != steward.DurationKind:
		c.report(n, fmt.Sprintf("minus needs a number or a duration, and this is a %s", k.kind), "")
	default:
		n.kind, n.percent = k.kind, k.percent
	}
}

var signOf = map[op]string{opEq: "==", opNe: "!=", opLt: "<", opLe: "<=", opGt: ">", opGe: ">=", opIn: "in", opNotIn: "not in",
	opContains: "contains", opAdd: "+", opSub: "-", opMul: "*", opDiv: "/", opAnd: "and", opOr: "or", opElse: "??"}

func (c *checker) compare(n *node, in inside) {
	a, b, ok := c.pair(n, in)
	n.kind = steward.FlagKind
	switch {
	case a.months || b.months:
		months := a
		if b.months {
			months = b
		}
		c.report(months, "months are not all equally long, so they are not compared", "write days: "+days(int(min(months.num, maxMonths)*30)))
	case !ok:
	case n.op == opContains:
		c.bothText(a, b)
	case a.kind != b.kind:
		c.unlike(n, a, b)
	case n.op >= opLt && (a.kind == steward.TextKind || a.kind == steward.FlagKind):
		c.notes.add(n.span, fmt.Sprintf("a %s is compared with == and != only", a.kind), "")
	default:
		a.percent, b.percent = a.percent || b.percent, a.percent || b.percent
		c.share(a, b)
		c.share(b, a)
	}
}

func (c *checker) bothText(a, b *node) {
	for _, k := range []*node{a, b} {
		if k.kind != steward.TextKind {
			c.report(k, fmt.Sprintf("contains looks for text in text, and this is a %s", k.kind), "")
		}
	}
}

// unlike reports two kinds that cannot be compared, with the hint that fits the
// usual slips.
func (c *checker) unlike(n, a, b *node) {
	lit, other := b, a
	if a.op == opLit {
		lit, other = a, b
	}
	hint := ""
	if lit.op == opLit {
		hint = literalHint(lit, other)
	}
	c.notes.add(n.span, fmt.Sprintf("a %s cannot be compared with a %s", a.kind, b.kind), hint)
}

// literalHint says how a literal would be written to be of the other's kind.
func literalHint(lit, other *node) string {
	switch {
	case lit.kind == steward.TextKind && other.kind == steward.DateKind:
		if _, err := steward.ParseDay(lit.text); err == nil {
			return "dates stand without quotes: " + lit.text
		}
		return "dates are written 2026-03-12, without quotes"
	case lit.kind == steward.TextKind && other.kind == steward.FlagKind, lit.kind == steward.NumberKind && other.kind == steward.FlagKind:
		return fmt.Sprintf("write %s or not %s", canonical(other), canonical(other))
	case lit.kind == steward.TextKind && other.kind == steward.NumberKind:
		return "numbers stand without quotes"
	case lit.kind == steward.NumberKind && other.kind == steward.DurationKind:
		return fmt.Sprintf("%s is a duration: write %sd", canonical(other), canonical(lit))
	case lit.kind == steward.DurationKind && other.kind == steward.NumberKind:
		return fmt.Sprintf("%s is a number: write %s", canonical(other), Describe(steward.Num(lit.num), false))
	case lit.kind == steward.NumberKind && other.kind == steward.TextKind:
		return fmt.Sprintf("text stands in quotes: '%s'", canonical(lit))
	case lit.kind == steward.DurationKind && other.kind == steward.DateKind:
		return fmt.Sprintf("write days_until(%s) or days_since(%s)", canonical(other), canonical(other))
	}
	return ""
}

// share reports a share that is compared with a number of per cent written
// without its sign. A drop is at most 1; a change or recovery of ten times the
// old level is possible, and nobody writes it so.
func (c *checker) share(call, lit *node) {
	num, bare := lit.num, lit
	if lit.op == opNeg {
		num, bare = -lit.kids[0].num, lit.kids[0]
	}
	if call.op == opField && call.text == "health" {
		call = &node{op: opCall, text: "health", fn: functions["health_of"]}
	}
	if call.op != opCall || call.fn == nil || bare.op != opLit || bare.shown == "" {
		return
	}
	percent := strings.HasSuffix(bare.shown, "%")
	switch {
	case call.fn.scored && percent:
		plain := Describe(steward.Num(num*100), false)
		c.report(lit, fmt.Sprintf("%s is a score and no share: %s would be %s", call.text, c.notes.src[lit.span.Start:lit.span.End], Describe(steward.Num(num), false)), "write "+plain)
	case call.fn.percent && !percent && (call.text == "drop" && num > 1 || math.Abs(num) >= 10):
		c.report(lit, fmt.Sprintf("%s is a share, and %s would be %s", call.text, c.notes.src[lit.span.Start:lit.span.End], Describe(steward.Num(num), true)), "write "+c.notes.src[lit.span.Start:lit.span.End]+"%")
	}
}

func (c *checker) member(n *node, in inside) {
	left, list := n.kids[0], n.kids[1]
	c.visit(left, in)
	n.kind = steward.FlagKind
	if left.months {
		c.report(left, "months are not all equally long, so they are not compared", "write days: "+days(int(min(left.num, maxMonths)*30)))
	}
	if list.op != opList {
		return
	}
	if len(list.kids) == 0 {
		c.notes.add(list.span, "the list is empty", "write what it may be: ['a', 'b']")
	}
	in.beside = left.kind
	for _, k := range list.kids {
		c.visit(k, in)
		switch {
		case k.months:
			c.report(k, "months are not all equally long, so they are not compared", "write days")
		case k.kind == steward.NoKind:
		case k.op != opLit && !(k.op == opNeg && k.kids[0].op == opLit):
			c.report(k, "a list holds values written out", "compare with == instead, joined by or")
		case left.kind != steward.NoKind && k.kind != left.kind:
			hint := ""
			if k.op == opLit {
				hint = literalHint(k, left)
			}
			c.report(k, fmt.Sprintf("a %s cannot be compared with a %s", left.kind, k.kind), hint)
		default:
			left.percent = left.percent || k.percent
		}
	}
}

func (c *checker) choice(n *node, in inside) {
	c.visit(n.kids[0], in)
	c.flag(n.kids[0], "?")
	sides := &node{kids: n.kids[1:]}
	a, b, ok := c.pair(sides, in)
	switch {
	case a.months || b.months:
		c.report(n, "months only shift a date", "choose between the shifted dates")
	case ok && a.kind != b.kind:
		c.report(n, fmt.Sprintf("both sides of : are of one kind, and these are a %s and a %s", a.kind, b.kind), "")
	case ok:
		n.kind, n.percent = a.kind, a.percent || b.percent
	}
}

func (c *checker) otherwise(n *node, in inside) {
	a, b, ok := c.pair(n, in)
	switch {
	case a.months || b.months:
		c.report(n, "months only shift a date", "")
	case ok && alwaysKnown(a):
		c.report(a, fmt.Sprintf("%s is always known, so ?? has nothing to do", canonical(a)), "?? binds tighter than a comparison: put parentheses around what may be unknown")
	case ok && a.kind != b.kind:
		c.report(n, fmt.Sprintf("a default is of the same kind, and these are a %s and a %s", a.kind, b.kind), literalHintIf(b, a))
	case ok:
		n.kind, n.percent = a.kind, a.percent || b.percent
	}
}

// alwaysKnown tells what needs no default: a literal, or what has one already.
func alwaysKnown(n *node) bool {
	return n.op == opLit || n.op == opElse && alwaysKnown(n.kids[1])
}

func literalHintIf(lit, other *node) string {
	if lit.op != opLit || other.kind == steward.FlagKind {
		return ""
	}
	return literalHint(lit, other)
}

// arithmetic gives + - * / their result; what is not listed is a mistake.
func (c *checker) arithmetic(n *node, in inside) {
	a, b, ok := c.pair(n, in)
	if a.months || b.months {
		c.shift(n, a, b)
		return
	}
	if !ok {
		return
	}
	const num, date, dur = steward.NumberKind, steward.DateKind, steward.DurationKind
	type sides struct {
		op   op
		a, b steward.Kind
	}
	kind := map[sides]steward.Kind{
		{opAdd, num, num}: num, {opSub, num, num}: num, {opMul, num, num}: num, {opDiv, num, num}: num,
		{opAdd, dur, dur}: dur, {opSub, dur, dur}: dur, {opDiv, dur, dur}: num,
		{opMul, dur, num}: dur, {opMul, num, dur}: dur, {opDiv, dur, num}: dur,
		{opAdd, date, dur}: date, {opAdd, dur, date}: date, {opSub, date, dur}: date, {opSub, date, date}: dur,
	}[sides{n.op, a.kind, b.kind}]
	if kind == steward.NoKind {
		c.report(n, fmt.Sprintf("%s does not join a %s and a %s", signOf[n.op], a.kind, b.kind), arithmeticHint(a, b))
		return
	}
	n.kind = kind
	switch n.op {
	case opMul:
		n.percent = a.percent && b.percent
	case opDiv:
		n.percent = a.percent && !b.percent
	default:
		n.percent = a.percent || b.percent
	}
	if n.op == opDiv && b.op == opLit && b.num == 0 {
		c.report(b, "nothing can be divided by zero", "")
	}
}

func arithmeticHint(a, b *node) string {
	switch {
	case a.kind == steward.DateKind && b.kind == steward.NumberKind && b.op == opLit:
		return "a date is shifted by a duration: write " + canonical(b) + "d"
	case a.kind == steward.DurationKind && b.kind == steward.NumberKind && b.op == opLit:
		return "write " + canonical(b) + "d"
	}
	return ""
}

// shift is a date with months added or taken off.
func (c *checker) shift(n, a, b *node) {
	switch {
	case a.kind == steward.NoKind && !a.months || b.kind == steward.NoKind && !b.months:
	case b.months && a.kind == steward.DateKind && (n.op == opAdd || n.op == opSub), a.months && b.kind == steward.DateKind && n.op == opAdd:
		n.kind = steward.DateKind
	default:
		c.report(n, "months only shift a date", "write renewal_date - 3mo; everything else counts in days")
	}
}

func (c *checker) call(n *node, in inside) {
	f, ok := functions[n.text]
	if !ok {
		c.unknownCall(n)
		return
	}
	n.fn, n.kind, n.percent = f, f.result, f.percent
	if len(n.kids) < f.least() || len(n.kids) > len(f.params) {
		c.wrongCount(n)
		return
	}
	below := inside{was: in.was || f.name == "was", atOpen: in.atOpen || f.name == "at_open", family: in.family || f.name == "family"}
	good := c.place(n, in)
	for i, k := range n.kids {
		good = c.argument(n, k, f.params[i].takes, below) && good
	}
	if !good {
		n.kind = steward.NoKind
		return
	}
	c.settle(n)
}

// place tells whether a function may stand where it does.
func (c *checker) place(n *node, in inside) bool {
	freezes := n.text == "at_open" || n.text == "recovered"
	switch {
	case n.text == "family" && in.family: // each would go through the family for each of the family
		c.report(n, "family cannot stand inside family", "one family(…) reads the account and all accounts below it")
	case freezes && !c.scope.AtOpen:
		c.report(n, fmt.Sprintf("%s has no meaning here: no episode has begun when this is read", n.text), "use it in until, and in if and unless of a step")
	case freezes && in.was:
		c.report(n, fmt.Sprintf("%s is frozen when the episode begins, so was() cannot move it", n.text), "write at_open(was(…)) for what was before the episode began")
	case freezes && in.family:
		c.report(n, fmt.Sprintf("%s belongs to this episode, and the rest of the family has others", n.text), "take it out of family(…)")
	case freezes && in.atOpen:
		c.report(n, fmt.Sprintf("%s cannot stand inside at_open", n.text), "one at_open around the whole is enough")
	default:
		return true
	}
	return false
}

// settle fills in what evaluation needs of a call that is right.
func (c *checker) settle(n *node) {
	for i, k := range n.kids {
		switch {
		case n.fn.params[i].takes != takesWindow:
		case n.fn.params[i].name == "ago" && i == 2:
			n.ago = int(k.num)
		default:
			n.w = int(k.num)
		}
	}
	if n.ago == 0 {
		n.ago = n.w
	}
	if n.fn.result == steward.NoKind {
		n.kind, n.percent = n.kids[0].kind, n.kids[0].percent
	}
	if arg := n.frozenArgument(); arg != nil {
		n.key = canonical(arg)
	}
	if n.fn.asks {
		q := n.question()
		c.asks = append(c.asks, q)
		c.loadsOf(n, q)
	}
	switch n.text {
	case "family":
		c.family(n)
	case "vs_peers":
		c.fields["segment"] = true
	case "trend":
		if n.w < 2 {
			c.report(n.kids[1], "a trend takes at least two days", "write some weeks, such as 8w")
			n.kind = steward.NoKind
		}
	}
}

func (c *checker) unknownCall(n *node) {
	for _, k := range n.kids { // their own mistakes are worth telling too
		if k.op != opName {
			c.visit(k, inside{})
		}
	}
	_, field := c.scope.Fields[n.text]
	_, metric := c.scope.Metrics[n.text]
	hint := "the functions are in docs/language.md"
	if near := steward.Nearest(n.text, slices.Collect(maps.Keys(functions))); near != "" {
		hint = fmt.Sprintf("did you mean %s?", functions[near].signature())
	}
	if ours, ok := others[n.text]; ok {
		hint = fmt.Sprintf("did you mean %s?", functions[ours].signature())
	}
	n.kind = steward.NoKind
	name := &node{span: Span{n.span.Start, n.span.Start + len(n.text)}}
	switch {
	case n.text == "health" && len(n.kids) == 1:
		c.report(name, "health is the whole score and takes no arguments", "write health, or "+functions["health_of"].shortest()+" for a part of it")
	case field:
		c.report(name, fmt.Sprintf("%s is a field and takes no arguments", n.text), "write "+n.text)
	case metric:
		c.report(name, fmt.Sprintf("%s is a metric, not a function", n.text), fmt.Sprintf("write last(%s), or avg(%s, 14d)", n.text, n.text))
	default:
		c.report(name, fmt.Sprintf("there is no function %s", n.text), hint)
	}
}

func (c *checker) wrongCount(n *node) {
	hint := "write " + n.fn.signature()
	if len(n.kids) == 0 {
		hint = "write " + n.fn.shortest()
	}
	if n.text == "family" && len(n.kids) == 1 {
		hint = fmt.Sprintf("say how they are rolled up: family(%s, 'sum'), 'avg', 'min', 'max', 'any' or 'all'", canonical(n.kids[0]))
	}
	if (n.text == "min" || n.text == "max") && len(n.kids) > 0 && n.kids[0].op != opName {
		hint += ": the " + map[string]string{"min": "lowest", "max": "highest"}[n.text] + " day of a metric"
	}
	if len(n.kids) == 1 && n.fn.least() == 2 && n.fn.params[1].takes == takesWindow {
		hint = fmt.Sprintf("say over how many days: %s(%s, 14d)", n.text, canonical(n.kids[0]))
	}
	takes := plural(len(n.fn.params), "argument")
	if least := n.fn.least(); least < len(n.fn.params) {
		takes = fmt.Sprintf("%d or %s", least, takes)
	}
	c.report(n, fmt.Sprintf("%s takes %s, and here %s", n.text, takes, given(len(n.kids))), hint)
}

func given(n int) string {
	switch n {
	case 0:
		return "are none"
	case 1:
		return "is one"
	}
	return fmt.Sprintf("are %d", n)
}

func (c *checker) argument(call, k *node, as takes, in inside) bool {
	if k.op == opBad {
		return false
	}
	switch as {
	case takesMetric:
		return c.metricArgument(call, k)
	case takesWindow:
		return c.windowArgument(k)
	case takesField:
		return c.fieldArgument(call, k, in)
	case takesName:
		return c.nameArgument(call, k)
	}
	c.visit(k, in)
	switch {
	case k.months:
		c.report(k, "months only shift a date", "")
	case k.kind == steward.NoKind:
	case as == takesDate && k.kind != steward.DateKind:
		hint := "write " + call.text + "(renewal_date)"
		if k.op == opLit && k.kind == steward.TextKind {
			hint = literalHint(k, &node{op: opField, text: "date", kind: steward.DateKind})
		}
		c.report(k, fmt.Sprintf("%s takes a date, and this is a %s", call.text, k.kind), hint)
	case as == takesNumber && k.kind != steward.NumberKind:
		hint := ""
		if k.kind == steward.DurationKind {
			hint = "divide it by a duration: " + canonical(k) + " / 1d is the number of days"
		}
		c.report(k, fmt.Sprintf("%s takes a number, and this is a %s", call.text, k.kind), hint)
	default:
		return true
	}
	return false
}

func (c *checker) metricArgument(call, k *node) bool {
	if k.op != opName {
		c.report(k, fmt.Sprintf("%s reads a metric", call.text), "write "+call.fn.signature()+" with the metric's bare name")
		return false
	}
	if _, ok := c.scope.Metrics[k.text]; ok {
		c.metrics[k.text] = true
		return true
	}
	metrics := slices.Sorted(maps.Keys(c.scope.Metrics))
	hint := "declare it under metrics in steward.yaml"
	if near := steward.Nearest(k.text, metrics); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	if _, ok := c.scope.Fields[k.text]; ok {
		c.report(k, fmt.Sprintf("%s is a field, and %s reads a metric", k.text, call.text), "a field has one value, not one for every day; use it by itself")
		return false
	}
	c.report(k, fmt.Sprintf("there is no metric %s", k.text), hint)
	return false
}

// fieldArgument is the bare name of a field whose history is asked.
func (c *checker) fieldArgument(call, k *node, in inside) bool {
	if k.op != opName {
		hint := "write " + call.fn.signature() + " with the field's bare name"
		if _, ok := c.scope.Fields[k.text]; ok && k.op == opLit {
			hint = "write it without quotes: " + k.text
		}
		c.report(k, fmt.Sprintf("%s reads the history of a field", call.text), hint)
		return false
	}
	if _, ok := c.fieldsAt(in)[k.text]; ok {
		c.fields[k.text] = true
		return true
	}
	if _, ok := c.scope.Metrics[k.text]; ok {
		c.report(k, fmt.Sprintf("%s is a metric, and %s reads a field", k.text, call.text), fmt.Sprintf("write change(%s, 14d)", k.text))
		return false
	}
	hint := "declare it under fields in steward.yaml"
	if near := steward.Nearest(k.text, slices.Collect(maps.Keys(c.scope.Fields))); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	c.report(k, fmt.Sprintf("there is no field %s", k.text), hint)
	return false
}

// nameArgument is a name in quotes. What it names is the parameter's name.
func (c *checker) nameArgument(call, k *node) bool {
	of := call.fn.params[slices.Index(call.kids, k)].name
	if k.op != opLit || k.kind != steward.TextKind {
		hint := "write " + call.fn.signature() + " with the " + of + " in quotes"
		if text := written(c.notes.src, k.span); isWord(text) {
			hint = fmt.Sprintf("write it in quotes: '%s'", text)
		}
		c.report(k, fmt.Sprintf("%s takes the name of a %s", call.text, namedAs(of)), hint)
		return false
	}
	known := c.scope.Names[of]
	if of == "how" {
		known = []string{"sum", "avg", "min", "max", "any", "all"}
	}
	if known == nil || slices.Contains(known, k.text) {
		return true
	}
	hint := missingName[of]
	if len(known) > 0 {
		hint = "there are " + strings.Join(known, ", ")
	}
	if near := steward.Nearest(k.text, known); near != "" {
		hint = fmt.Sprintf("did you mean '%s'?", near)
	}
	c.report(k, fmt.Sprintf("there is no %s '%s'", namedAs(of), k.text), hint)
	return false
}

// namedAs is what people call that which a name in quotes names.
func namedAs(of string) string {
	switch of {
	case "part":
		return "part of health"
	case "how":
		return "way to roll up"
	}
	return of
}

// isWord tells a name that somebody forgot to quote, such as login-drop.
func isWord(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return !(c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
	})
}

// missingName says what to do where a workspace has none of what is named.
var missingName = map[string]string{
	"milestone": "declare it under milestones of a stage, in journey: of steward.yaml",
	"part":      "declare it under parts of a scorecard, in health: of steward.yaml",
	"playbook":  "name another playbook of this workspace",
	"feature":   "say which metric is its use: metrics: {reports_made: {kind: count, feature: reporting}}",
}

// loadsOf notes which metrics a question reads.
func (c *checker) loadsOf(n *node, q facts.Question) {
	switch n.text {
	case "utilization":
		_, metric := c.scope.Metrics["active_users"]
		if kind, field := c.scope.Fields["seats"]; !metric || !field || kind != steward.NumberKind {
			c.report(n, "utilization reads the metric active_users and the field seats, and this workspace does not have both",
				"declare them: metrics: {active_users: {kind: gauge}} and fields: {seats: number}; or divide what you have, such as last(users) / licences")
			return
		}
		c.metrics["active_users"], c.fields["seats"] = true, true
	case "adopted":
		for _, m := range c.scope.Features[q.Text] {
			c.loads[m] = true
		}
	case "adoption":
		if len(c.scope.Features) == 0 {
			c.report(n, "no metric says which feature it is use of", missingName["feature"])
		}
		for _, ms := range c.scope.Features {
			for _, m := range ms {
				c.loads[m] = true
			}
		}
	case "objective":
		for m := range c.scope.Metrics {
			c.loads[m] = true
		}
	}
}

// family checks what a roll-up does with the kind of value it is given.
func (c *checker) family(n *node) {
	kind, how := n.kids[0].kind, n.kids[1].text
	flags := how == "any" || how == "all"
	switch {
	case flags && kind != steward.FlagKind:
		c.report(n.kids[0], fmt.Sprintf("'%s' is of what is true or false, and this is a %s", how, kind), compareHint(n.kids[0]))
	case !flags && kind != steward.NumberKind && kind != steward.DurationKind && (kind != steward.DateKind || how == "sum" || how == "avg"):
		c.report(n.kids[0], fmt.Sprintf("there is no %s of a %s", how, kind), "write 'any' or 'all' for what is true or false")
	default:
		return
	}
	n.kind = steward.NoKind
}

func (c *checker) windowArgument(k *node) bool {
	switch {
	case k.op == opLit && k.months:
		c.report(k, "months are not all equally long, so a window counts in days", "write "+days(int(min(k.num, maxMonths)*28))+", whole weeks, or "+days(int(min(k.num, maxMonths)*30)))
	case k.op == opLit && k.kind == steward.NumberKind:
		c.report(k, "a window is a duration", "write "+k.shown+"d")
	case k.op != opLit || k.kind != steward.DurationKind:
		c.report(k, "a window is a number of days written out", "write 14d or 6w")
	case k.num != math.Trunc(k.num) || k.num < 1:
		c.report(k, "a window has whole days, at least one", "write 1d or more")
	case k.num > maxWindow:
		c.report(k, fmt.Sprintf("a window has at most %d days", maxWindow), "write "+days(maxWindow)+" or less")
	default:
		return true
	}
	return false
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
