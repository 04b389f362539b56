package lang

import (
	"math"
	"slices"
	"strings"

	"steward"
	"steward/facts"
)

// chunk is how many rows a column program takes at a time: few enough that
// what a program works on stays in the processor's nearest cache.
const chunk = 1024

// A vec is the values of up to chunk rows. A flag is a verdict (-1, 0, 1), so
// that Kleene's and and or are minimum and maximum; everything else has numbers
// or text and, where not all rows are known, a mask.
type vec struct {
	num   []float64
	text  []string
	flag  []int8
	known []bool // nil: all known; never set for flags
}

// A program works out one node for rows lo to hi. What it gives stands until
// it is called again, and must not be written to.
type program func(lo, hi int) vec

// Column is the expression's value at every row of the view.
func (e *Expr) Column(v *facts.View, at At) facts.Column {
	b := &binder{v: v, at: at}
	return b.column(e.root, at.Shift)
}

// A binder turns nodes into programs over a view. Their buffers belong to one
// call of Column, so that an Expr can be shared.
type binder struct {
	v  *facts.View
	at At
}

// column works a node out for all rows.
func (b *binder) column(n *node, shift int) facts.Column {
	rows := b.v.Len()
	if c, ok := b.whole(n, shift); ok && c.Kind == n.kind && c.Len() == rows {
		return c
	}
	run := b.bind(n, shift)
	out := facts.Column{Kind: n.kind}
	if n.kind == steward.TextKind {
		out.Text = make([]string, rows)
	} else {
		out.Num = make([]float64, rows)
	}
	for lo := 0; lo < rows; lo += chunk {
		hi := min(lo+chunk, rows)
		store(&out, run(lo, hi), lo, hi, rows)
	}
	return out
}

// store puts a chunk's values into a column, whose mask is made when the first
// unknown comes.
func store(out *facts.Column, x vec, lo, hi, rows int) {
	unknownAt := func(i int) {
		if out.Known == nil {
			out.Known = make([]bool, rows)
			for j := range lo {
				out.Known[j] = true
			}
			for j := lo; j < rows; j++ {
				out.Known[j] = true
			}
		}
		out.Known[lo+i] = false
	}
	switch {
	case x.flag != nil:
		for i, f := range x.flag {
			if f > 0 {
				out.Num[lo+i] = 1
			} else if f == 0 {
				unknownAt(i)
			}
		}
	case x.text != nil:
		copy(out.Text[lo:hi], x.text)
	default:
		copy(out.Num[lo:hi], x.num)
	}
	for i, k := range x.known {
		if !k {
			unknownAt(i)
		}
	}
}

// whole is a node that facts has as a column already.
func (b *binder) whole(n *node, shift int) (facts.Column, bool) {
	switch {
	case n.op == opField:
		return b.v.Field(n.text, shift), true
	case n.op == opCall && n.fn.plain:
		return b.v.Window(n.fn.window, n.metric(), n.w, shift), true
	case n.op == opCall && n.fn.asks:
		return b.v.Ask(n.question(), shift), true
	case n.op == opCall && n.text == "family":
		return b.family(n, shift), true
	case n.op == opCall && n.text == "at_open":
		return b.open(n.key, n.kids[0]), true
	case n.op == opCall && n.text == "was":
		return b.whole(n.kids[0], shift+n.w)
	}
	return facts.Column{}, false
}

// family rolls a column of all accounts up, for each row's family. Families are
// small; accounts without a parent or children, most of them, are their own.
func (b *binder) family(n *node, shift int) facts.Column {
	accounts := b.v.Frame().View(steward.AboutAccount)
	arg := (&binder{v: accounts, at: At{Shift: b.at.Shift}}).column(n.kids[0], shift)
	out := facts.Column{Kind: n.kind, Num: make([]float64, b.v.Len()), Known: make([]bool, b.v.Len())}
	for row := range b.v.Len() {
		roll := newRoll(n)
		for _, member := range accounts.Family(b.v.AccountRow(row)) {
			roll.add(arg.Value(member))
		}
		x := roll.value()
		out.Num[row], out.Known[row] = x.Num, x.Known
	}
	return out
}

// open is what an at_open argument was worth when each row's episode began:
// the column of today, with the rows that are in an episode set to theirs.
func (b *binder) open(key string, arg *node) facts.Column {
	c := b.column(arg, b.at.Shift)
	if len(b.at.Episodes) == 0 {
		return c
	}
	c.Num, c.Text = slices.Clone(c.Num), slices.Clone(c.Text)
	if c.Known == nil {
		c.Known = slices.Repeat([]bool{true}, b.v.Len())
	} else {
		c.Known = slices.Clone(c.Known)
	}
	for row, ep := range b.at.Episodes {
		if row < 0 || row >= b.v.Len() {
			continue
		}
		x, ok := ep.Frozen[key]
		if ok {
			x = ofKind(x, arg.kind)
		} else {
			// Seldom and few: an until that was edited while episodes were open.
			x = (&reader{v: b.v, row: row, at: b.at}).value(arg, ep.shift(b.at))
		}
		c.Known[row] = x.Known
		if arg.kind == steward.TextKind {
			c.Text[row] = x.Text
		} else {
			c.Num[row] = x.Num
		}
	}
	return c
}

func (b *binder) bind(n *node, shift int) program {
	if c, ok := b.whole(n, shift); ok {
		return leaf(c, n.kind, b.v.Len())
	}
	switch n.op {
	case opLit:
		return constant(n)
	case opAnswer:
		a, _ := answerNamed(n.text)
		return b.flags(a.of(b.at))
	case opCall:
		return b.call(n, shift)
	case opNot:
		return not(b.bind(n.kids[0], shift))
	case opNeg:
		return negative(b.bind(n.kids[0], shift))
	case opAnd:
		return junction(b.bind(n.kids[0], shift), b.bind(n.kids[1], shift), -1)
	case opOr:
		return junction(b.bind(n.kids[0], shift), b.bind(n.kids[1], shift), 1)
	case opIf:
		return choose(b.bind(n.kids[0], shift), b.bind(n.kids[1], shift), b.bind(n.kids[2], shift))
	case opElse:
		return otherwise(b.bind(n.kids[0], shift), b.bind(n.kids[1], shift))
	case opIn, opNotIn:
		return member(b.bind(n.kids[0], shift), n)
	}
	x, y := b.bind(n.kids[0], shift), b.bind(n.kids[1], shift)
	if n.comparison() {
		return comparison(n, x, y)
	}
	if n.kids[0].months || n.kids[1].months {
		return monthShift(n, x, y)
	}
	return arithmetic(n, x, y)
}

func (b *binder) call(n *node, shift int) program {
	switch n.text {
	case "change", "drop":
		now := b.v.Window(facts.Sum, n.metric(), n.w, shift)
		before := b.v.Window(facts.Sum, n.metric(), n.w, shift+n.ago)
		rows := b.v.Len()
		return changes(leaf(now, steward.NumberKind, rows), leaf(before, steward.NumberKind, rows), n.text == "drop")
	case "vs_peers":
		return leaf(b.v.VsPeers(n.metric(), n.w, n.ago, shift), steward.NumberKind, b.v.Len())
	case "was":
		return b.bind(n.kids[0], shift+n.w)
	case "scale":
		return scales(b.bind(n.kids[0], shift), b.bind(n.kids[1], shift), b.bind(n.kids[2], shift))
	case "recovered":
		now := b.v.Window(facts.Avg, n.metric(), n.w, shift)
		rows := b.v.Len()
		return recoveries(leaf(now, steward.NumberKind, rows), leaf(b.open(n.key, n.frozenArgument()), steward.NumberKind, rows))
	case "days_until":
		return distance(b.bind(n.kids[0], shift), 1, float64(b.v.Today(shift)))
	case "days_since":
		return distance(b.bind(n.kids[0], shift), -1, float64(b.v.Today(shift)))
	}
	return isKnown(b.bind(n.kids[0], shift))
}

// leaf reads a column that is there. One of another kind than was checked is
// unknown, as ofKind has it.
func leaf(c facts.Column, kind steward.Kind, rows int) program {
	if c.Kind != kind || c.Len() != rows {
		return unknowns(kind)
	}
	if kind == steward.FlagKind {
		flag := make([]int8, chunk)
		return func(lo, hi int) vec {
			out := flag[:hi-lo]
			for i, x := range c.Num[lo:hi] {
				out[i] = verdict(x != 0)
			}
			if c.Known != nil {
				for i, k := range c.Known[lo:hi] {
					if !k {
						out[i] = 0
					}
				}
			}
			return vec{flag: out}
		}
	}
	return func(lo, hi int) vec {
		var x vec
		if kind == steward.TextKind {
			x.text = c.Text[lo:hi]
		} else {
			x.num = c.Num[lo:hi]
		}
		if c.Known != nil {
			x.known = c.Known[lo:hi]
		}
		return x
	}
}

func unknowns(kind steward.Kind) program {
	x := vec{known: make([]bool, chunk)}
	switch kind {
	case steward.FlagKind:
		x = vec{flag: make([]int8, chunk)}
	case steward.TextKind:
		x.text = make([]string, chunk)
	default:
		x.num = make([]float64, chunk)
	}
	return func(lo, hi int) vec { return x.first(hi - lo) }
}

// first is the first n rows of a vec.
func (x vec) first(n int) vec {
	if x.num != nil {
		x.num = x.num[:n]
	}
	if x.text != nil {
		x.text = x.text[:n]
	}
	if x.flag != nil {
		x.flag = x.flag[:n]
	}
	if x.known != nil {
		x.known = x.known[:n]
	}
	return x
}

func constant(n *node) program {
	var x vec
	switch n.kind {
	case steward.FlagKind:
		x.flag = slices.Repeat([]int8{verdict(n.num != 0)}, chunk)
	case steward.TextKind:
		x.text = slices.Repeat([]string{n.text}, chunk)
	default:
		x.num = slices.Repeat([]float64{n.num}, chunk)
	}
	return func(lo, hi int) vec { return x.first(hi - lo) }
}

// flags is what is known by row, and false of rows that are left out.
func (b *binder) flags(by map[int]bool) program {
	flag := make([]int8, chunk)
	return func(lo, hi int) vec {
		for i := range hi - lo {
			flag[i] = verdict(by[lo+i])
		}
		return vec{flag: flag[:hi-lo]}
	}
}

// verdict is 1 for true and -1 for false, without a branch.
func verdict(holds bool) int8 {
	var x int8
	if holds {
		x = 1
	}
	return 2*x - 1
}

func not(operand program) program {
	flag := make([]int8, chunk)
	return func(lo, hi int) vec {
		for i, f := range operand(lo, hi).flag {
			flag[i] = -f
		}
		return vec{flag: flag[:hi-lo]}
	}
}

func negative(operand program) program {
	num := make([]float64, chunk)
	return func(lo, hi int) vec {
		x := operand(lo, hi)
		for i, f := range x.num {
			num[i] = 0 - f
		}
		return vec{num: num[:hi-lo], known: x.known}
	}
}

// junction is and (which false, -1, decides) or or (which true, 1, decides).
// Where the left side decides a whole chunk, the right is not looked at.
func junction(left, right program, decides int8) program {
	flag := make([]int8, chunk)
	return func(lo, hi int) vec {
		x := left(lo, hi).flag
		if !slices.ContainsFunc(x, func(f int8) bool { return f != decides }) {
			return vec{flag: x}
		}
		y := right(lo, hi).flag
		out := flag[:hi-lo]
		if decides < 0 {
			for i := range out {
				out[i] = min(x[i], y[i])
			}
		} else {
			for i := range out {
				out[i] = max(x[i], y[i])
			}
		}
		return vec{flag: out}
	}
}

// a mask gathers which rows of a result are known.
type mask struct{ buf []bool }

func newMask() *mask { return &mask{make([]bool, chunk)} }

// both is the rows known on both sides; nil when that is all.
func (m *mask) both(a, b []bool) []bool {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	out := m.buf[:len(a)]
	for i := range out {
		out[i] = a[i] && b[i]
	}
	return out
}

// without is known less the rows for which out of reach holds.
func (m *mask) without(known []bool, n int, lost func(i int) bool) []bool {
	out := m.buf[:n]
	for i := range out {
		out[i] = (known == nil || known[i]) && !lost(i)
	}
	return out
}

// blot makes verdicts unknown where the mask says so.
func blot(flag []int8, known []bool) {
	for i, k := range known {
		if !k {
			flag[i] = 0
		}
	}
}

func comparison(n *node, left, right program) program {
	flag, m := make([]int8, chunk), newMask()
	kind := n.kids[0].kind
	return func(lo, hi int) vec {
		x, y := left(lo, hi), right(lo, hi)
		out := flag[:hi-lo]
		switch {
		case kind == steward.FlagKind:
			compareFlags(n.op, x.flag, y.flag, out)
		case kind == steward.TextKind:
			compareText(n.op, x.text, y.text, out)
			blot(out, m.both(x.known, y.known))
		default:
			compareNumbers(n.op, x.num, y.num, out)
			blot(out, m.both(x.known, y.known))
		}
		return vec{flag: out}
	}
}

func compareFlags(o op, x, y, out []int8) {
	for i := range out {
		out[i] = x[i] * y[i] // equal signs give 1, unlike ones -1, unknown 0
		if o == opNe {
			out[i] = -out[i]
		}
	}
}

func compareText(o op, x, y []string, out []int8) {
	for i := range out {
		switch o {
		case opEq:
			out[i] = verdict(x[i] == y[i])
		case opNe:
			out[i] = verdict(x[i] != y[i])
		default:
			out[i] = verdict(strings.Contains(x[i], y[i]))
		}
	}
}

// compareNumbers has a loop for each operator, so that none of them branches
// per row.
func compareNumbers(o op, x, y []float64, out []int8) {
	x, y = x[:len(out)], y[:len(out)]
	switch o {
	case opEq:
		for i := range out {
			out[i] = verdict(x[i] == y[i])
		}
	case opNe:
		for i := range out {
			out[i] = verdict(x[i] != y[i])
		}
	case opLt:
		for i := range out {
			out[i] = verdict(x[i] < y[i])
		}
	case opLe:
		for i := range out {
			out[i] = verdict(x[i] <= y[i])
		}
	case opGt:
		for i := range out {
			out[i] = verdict(x[i] > y[i])
		}
	case opGe:
		for i := range out {
			out[i] = verdict(x[i] >= y[i])
		}
	}
}

func member(left program, n *node) program {
	flag := make([]int8, chunk)
	// Lists are short: looking through one is faster than hashing.
	var texts []string
	var numbers []float64
	var flags []int8
	for _, k := range n.kids[1].kids {
		sign, lit := 1.0, k
		if k.op == opNeg {
			sign, lit = -1, k.kids[0]
		}
		texts = append(texts, lit.text)
		numbers = append(numbers, sign*lit.num)
		flags = append(flags, verdict(lit.num != 0))
	}
	kind, wanted := n.kids[0].kind, n.op == opIn
	return func(lo, hi int) vec {
		x := left(lo, hi)
		out := flag[:hi-lo]
		switch kind {
		case steward.FlagKind:
			for i, f := range x.flag {
				out[i] = verdict(slices.Contains(flags, f) == wanted) * f * f // unknown stays so
			}
		case steward.TextKind:
			for i, t := range x.text {
				out[i] = verdict(slices.Contains(texts, t) == wanted)
			}
		default:
			for i, f := range x.num {
				out[i] = verdict(slices.Contains(numbers, f) == wanted)
			}
		}
		blot(out, x.known)
		return vec{flag: out}
	}
}

func arithmetic(n *node, left, right program) program {
	num, m, lost := make([]float64, chunk), newMask(), newMask()
	return func(lo, hi int) vec {
		x, y := left(lo, hi), right(lo, hi)
		out := num[:hi-lo]
		reckonAll(n.op, x.num, y.num, out)
		known := m.both(x.known, y.known)
		if n.kind == steward.DateKind {
			return vec{num: out, known: lost.dates(known, out)}
		}
		return vec{num: out, known: lost.finite(known, out)}
	}
}

func reckonAll(o op, x, y, out []float64) {
	x, y = x[:len(out)], y[:len(out)]
	switch o {
	case opAdd:
		for i := range out {
			out[i] = x[i] + y[i]
		}
	case opSub:
		for i := range out {
			out[i] = x[i] - y[i]
		}
	case opMul:
		for i := range out {
			out[i] = x[i] * y[i]
		}
	case opDiv:
		for i := range out {
			out[i] = x[i] / y[i]
		}
	}
}

// finite is known less what is no number: a division by zero gives an infinity
// or NaN, and so does an overflow.
func (m *mask) finite(known []bool, num []float64) []bool {
	if !slices.ContainsFunc(num, endless) {
		return known
	}
	return m.without(known, len(num), func(i int) bool { return endless(num[i]) })
}

// endless tells NaN and infinities: nothing else minus itself is not zero.
func endless(x float64) bool { return x-x != 0 }

// dates rounds down to whole days and drops what lies outside the calendar.
func (m *mask) dates(known []bool, num []float64) []bool {
	out := false
	for i, x := range num {
		num[i] = math.Floor(x)
		out = out || !(num[i] >= firstDate && num[i] <= lastDate)
	}
	if !out {
		return known
	}
	return m.without(known, len(num), func(i int) bool { return !(num[i] >= firstDate && num[i] <= lastDate) })
}

func monthShift(n *node, left, right program) program {
	date, months := left, n.kids[1].num
	if n.kids[0].months {
		date, months = right, n.kids[0].num
	}
	if n.op == opSub {
		months = -months
	}
	num, m := make([]float64, chunk), newMask()
	return func(lo, hi int) vec {
		x := date(lo, hi)
		out := num[:hi-lo]
		for i, d := range x.num {
			out[i] = math.NaN()
			if x.known == nil || x.known[i] {
				out[i] = float64(steward.Day(d).AddMonths(int(months)))
			}
		}
		return vec{num: out, known: m.dates(x.known, out)}
	}
}

func distance(date program, sign, today float64) program {
	num := make([]float64, chunk)
	return func(lo, hi int) vec {
		x := date(lo, hi)
		for i, d := range x.num {
			num[i] = sign * (d - today)
		}
		return vec{num: num[:hi-lo], known: x.known}
	}
}

func changes(now, before program, drop bool) program {
	num, m, lost := make([]float64, chunk), newMask(), newMask()
	sign := 1.0
	if drop {
		sign = -1
	}
	return func(lo, hi int) vec {
		x, y := now(lo, hi), before(lo, hi)
		out := num[:hi-lo]
		for i := range out {
			if diff := sign * (x.num[i] - y.num[i]); diff == 0 {
				out[i] = 0
			} else {
				out[i] = diff / math.Abs(y.num[i])
			}
		}
		return vec{num: out, known: lost.finite(m.both(x.known, y.known), out)}
	}
}

func recoveries(now, before program) program {
	num, lost := make([]float64, chunk), newMask()
	return func(lo, hi int) vec {
		x, y := now(lo, hi), before(lo, hi)
		out := num[:hi-lo]
		for i := range out {
			switch {
			case y.num[i] != 0 && (y.known == nil || y.known[i]):
				out[i] = x.num[i] / y.num[i]
			case x.num[i] == 0:
				out[i] = 0
			default: // against nothing, or nobody knows what: any use is recovery
				out[i] = 1
			}
		}
		return vec{num: out, known: lost.finite(x.known, out)}
	}
}

func scales(x, lo, hi program) program {
	num, first, both, lost := make([]float64, chunk), newMask(), newMask(), newMask()
	return func(from, to int) vec {
		a, b, c := x(from, to), lo(from, to), hi(from, to)
		out := num[:to-from]
		for i := range out {
			out[i] = math.NaN() // of no line
			if b.num[i] != c.num[i] {
				out[i] = min(100, max(0, 100*(a.num[i]-b.num[i])/(c.num[i]-b.num[i])))
			}
		}
		return vec{num: out, known: lost.finite(both.both(first.both(a.known, b.known), c.known), out)}
	}
}

func isKnown(operand program) program {
	flag := make([]int8, chunk)
	return func(lo, hi int) vec {
		x := operand(lo, hi)
		out := flag[:hi-lo]
		for i := range out {
			out[i] = 1
		}
		for i, f := range x.flag {
			out[i] = 2*f*f - 1
		}
		for i, k := range x.known {
			out[i] = verdict(k)
		}
		return vec{flag: out}
	}
}

// selection holds the result of a choice between two vecs.
type selection struct {
	num   []float64
	text  []string
	flag  []int8
	known []bool
}

func newSelection() *selection { return &selection{known: make([]bool, chunk)} }

// pick is, row by row, x where which says 1, y where it says -1, and unknown
// where it says 0.
func (s *selection) pick(n int, which func(i int) int8, x, y vec) vec {
	switch {
	case x.flag != nil:
		s.flag = slices.Grow(s.flag[:0], chunk)[:n]
		for i := range n {
			switch which(i) {
			case 1:
				s.flag[i] = x.flag[i]
			case -1:
				s.flag[i] = y.flag[i]
			default:
				s.flag[i] = 0
			}
		}
		return vec{flag: s.flag}
	case x.text != nil:
		s.text = slices.Grow(s.text[:0], chunk)[:n]
		for i := range n {
			s.text[i] = y.text[i]
			if which(i) > 0 {
				s.text[i] = x.text[i]
			}
		}
	default:
		s.num = slices.Grow(s.num[:0], chunk)[:n]
		for i := range n {
			s.num[i] = y.num[i]
			if which(i) > 0 {
				s.num[i] = x.num[i]
			}
		}
	}
	known := s.known[:n]
	for i := range known {
		switch which(i) {
		case 1:
			known[i] = x.known == nil || x.known[i]
		case -1:
			known[i] = y.known == nil || y.known[i]
		default:
			known[i] = false
		}
	}
	if x.text != nil {
		return vec{text: s.text, known: known}
	}
	return vec{num: s.num, known: known}
}

func choose(condition, then, other program) program {
	s := newSelection()
	return func(lo, hi int) vec {
		c := condition(lo, hi).flag
		return s.pick(hi-lo, func(i int) int8 { return c[i] }, then(lo, hi), other(lo, hi))
	}
}

func otherwise(left, right program) program {
	s := newSelection()
	return func(lo, hi int) vec {
		x := left(lo, hi)
		if x.flag == nil && x.known == nil {
			return x
		}
		return s.pick(hi-lo, func(i int) int8 {
			if x.flag != nil && x.flag[i] == 0 || x.known != nil && !x.known[i] {
				return -1
			}
			return 1
		}, x, right(lo, hi))
	}
}
