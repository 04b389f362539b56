package lang

import (
	"math"
	"strings"

	"steward"
	"steward/facts"
)

// An Episode is what evaluation needs of a subject's open episode.
type Episode struct {
	// Frozen is what at_open arguments were worth when it began, by the names
	// that Expr.Frozen gives. A value kept as unknown stays unknown.
	Frozen map[string]steward.Value
	// Shift is how many days before the view's last complete day (shift 0,
	// whatever At.Shift is) the episode began. A value that Frozen lacks is
	// worked out as of that day.
	Shift int
}

// An At is where in time, and in which enrolments, an expression is read. The
// zero At is now, outside any episode.
type At struct {
	// Shift is how many days back everything is read: 0 is the slot's own day.
	Shift int
	// Episodes is by row of the view. A row without one reads at_open as if its
	// episode began on the day that is read.
	Episodes map[int]Episode
	// Acked is by row: whether the card was taken.
	Acked map[int]bool
	// Done is by row: whether the task was done.
	Done map[int]bool
	// Replied is by row: whether somebody replied to the mail.
	Replied map[int]bool
}

// Value is the expression's value at one row, worked out step by step from the
// definition: what Column has at that row. It is for explaining one account.
func (e *Expr) Value(v *facts.View, row int, at At) steward.Value {
	return (&reader{v: v, row: row, at: at}).value(e.root, at.Shift)
}

// Freeze is the value of every at_open argument at at.Shift, as an episode
// that begins on that day keeps them.
func (e *Expr) Freeze(v *facts.View, row int, at At) map[string]steward.Value {
	out := make(map[string]steward.Value, len(e.frozen))
	r := &reader{v: v, row: row, at: at}
	for _, f := range e.frozen {
		out[f.key] = r.value(f.arg, at.Shift)
	}
	return out
}

// A reader evaluates nodes at one row.
type reader struct {
	v   *facts.View
	row int
	at  At
}

func (r *reader) value(n *node, shift int) steward.Value {
	switch n.op {
	case opLit:
		return steward.Value{Kind: n.kind, Known: true, Num: n.num, Text: n.text}
	case opField:
		return ofKind(r.v.FieldAt(r.row, n.text, shift), n.kind)
	case opAnswer:
		return steward.Bool(n.answer(r.at, r.row))
	case opCall:
		return r.call(n, shift)
	case opIf:
		switch r.value(n.kids[0], shift).Verdict() {
		case steward.Holds:
			return r.value(n.kids[1], shift)
		case steward.Fails:
			return r.value(n.kids[2], shift)
		}
		return steward.Unknown(n.kind)
	case opNot, opNeg:
		return combine(n, r.value(n.kids[0], shift), steward.Value{})
	case opIn, opNotIn:
		return r.member(n, r.value(n.kids[0], shift), shift)
	}
	return combine(n, r.value(n.kids[0], shift), r.value(n.kids[1], shift))
}

// ofKind is x where it is of the kind the expression was checked with; the
// view's fields may have been declared anew since.
func ofKind(x steward.Value, kind steward.Kind) steward.Value {
	if !x.Known || x.Kind != kind {
		return steward.Unknown(kind)
	}
	return x
}

func (r *reader) call(n *node, shift int) steward.Value {
	if n.fn.plain {
		return r.v.WindowAt(r.row, n.fn.window, n.metric(), n.w, shift)
	}
	if n.fn.asks {
		return ofKind(r.v.AskAt(r.row, n.question(), shift), n.kind)
	}
	switch n.text {
	case "scale":
		return scaleOf(r.value(n.kids[0], shift), r.value(n.kids[1], shift), r.value(n.kids[2], shift))
	case "family":
		return r.family(n, shift)
	case "change", "drop":
		now := r.v.WindowAt(r.row, facts.Sum, n.metric(), n.w, shift)
		before := r.v.WindowAt(r.row, facts.Sum, n.metric(), n.w, shift+n.ago)
		return changeOf(now, before, n.text == "drop")
	case "vs_peers":
		return r.v.VsPeersAt(r.row, n.metric(), n.w, n.ago, shift)
	case "was":
		return r.value(n.kids[0], shift+n.w)
	case "at_open":
		return r.open(n.key, n.kids[0])
	case "recovered":
		now := r.v.WindowAt(r.row, facts.Avg, n.metric(), n.w, shift)
		return recoveredOf(now, r.open(n.key, n.frozenArgument()))
	case "days_until", "days_since":
		d := r.value(n.kids[0], shift)
		today := float64(r.v.Today(shift))
		if !d.Known {
			return steward.Unknown(steward.DurationKind)
		}
		if n.text == "days_until" {
			return steward.Days(d.Num - today)
		}
		return steward.Days(today - d.Num)
	}
	return steward.Bool(r.value(n.kids[0], shift).Known) // known
}

// scaleOf is x on a line from 0 at lo to 100 at hi. Where both are one there is
// no line.
func scaleOf(x, lo, hi steward.Value) steward.Value {
	if !x.Known || !lo.Known || !hi.Known || lo.Num == hi.Num {
		return steward.Unknown(steward.NumberKind)
	}
	return known(steward.Num(min(100, max(0, 100*(x.Num-lo.Num)/(hi.Num-lo.Num)))))
}

// family is the argument at every account of the row's family, rolled up.
func (r *reader) family(n *node, shift int) steward.Value {
	accounts := r.v.Frame().View(steward.AboutAccount)
	roll := newRoll(n)
	for _, row := range accounts.Family(r.v.AccountRow(r.row)) {
		one := reader{v: accounts, row: row, at: At{Shift: r.at.Shift}}
		roll.add(one.value(n.kids[0], shift))
	}
	return roll.value()
}

// A roll adds up what a family's accounts come to.
type roll struct {
	how     string
	kind    steward.Kind
	n       int
	sum     float64
	verdict steward.Verdict
	unknown bool
}

func newRoll(n *node) *roll {
	r := &roll{how: n.kids[1].text, kind: n.kids[0].kind, verdict: steward.Fails}
	if r.how == "all" {
		r.verdict = steward.Holds
	}
	return r
}

func (r *roll) add(x steward.Value) {
	switch {
	case r.how == "any":
		r.verdict = r.verdict.Or(x.Verdict())
	case r.how == "all":
		r.verdict = r.verdict.And(x.Verdict())
	case !x.Known:
		r.unknown = true
	case r.n == 0 || r.how == "min" && x.Num < r.sum || r.how == "max" && x.Num > r.sum:
		r.sum = x.Num
	case r.how == "sum" || r.how == "avg":
		r.sum += x.Num
	}
	r.n++
}

func (r *roll) value() steward.Value {
	if r.how == "any" || r.how == "all" {
		return r.verdict.Value()
	}
	x := steward.Value{Kind: r.kind, Known: true, Num: r.sum}
	if r.how == "avg" {
		x.Num /= float64(r.n)
	}
	if r.unknown || endless(x.Num) {
		return steward.Unknown(r.kind)
	}
	return x
}

// open is what an argument of at_open was worth when the row's episode began.
func (r *reader) open(key string, arg *node) steward.Value {
	ep, ok := r.at.Episodes[r.row]
	if !ok {
		return r.value(arg, r.at.Shift)
	}
	if x, ok := ep.Frozen[key]; ok {
		return ofKind(x, arg.kind)
	}
	return r.value(arg, ep.shift(r.at))
}

// shift is how far back the episode's first day is read. An episode never
// begins after the day that is read, whatever a source has since taken back.
func (ep Episode) shift(at At) int { return max(ep.Shift, at.Shift) }

// changeOf is how much now is above (or, for drop, below) before, as a share
// of before. The share is of before's size, so that a metric that can be
// negative rises when it rises. It is taken of sums, not averages: 7 of 10 is
// then exactly 30 % less, which threshold comparisons want.
func changeOf(now, before steward.Value, drop bool) steward.Value {
	if !now.Known || !before.Known {
		return steward.Unknown(steward.NumberKind)
	}
	diff := now.Num - before.Num
	if drop {
		diff = before.Num - now.Num // not -diff, which of no change makes -0
	}
	if before.Num == 0 {
		if now.Num == 0 {
			return steward.Num(0)
		}
		return steward.Unknown(steward.NumberKind)
	}
	return known(steward.Num(diff / math.Abs(before.Num)))
}

// recoveredOf is now as a share of what was before the episode. Where nobody
// knows what was before, as for an account too young to have had a before, any
// use at all is recovery, as it is against zero: else such an episode could
// never end.
func recoveredOf(now, before steward.Value) steward.Value {
	switch {
	case !now.Known:
		return steward.Unknown(steward.NumberKind)
	case before.Known && before.Num != 0:
		return known(steward.Num(now.Num / before.Num))
	case now.Num == 0:
		return steward.Num(0)
	}
	return steward.Num(1)
}

// known makes an unknown value a plain one, so that two of them are equal.
func known(x steward.Value) steward.Value {
	if !x.Known {
		return steward.Unknown(x.Kind)
	}
	return x
}

func (r *reader) member(n *node, left steward.Value, shift int) steward.Value {
	if !left.Known {
		return steward.Unknown(steward.FlagKind)
	}
	found := false
	for _, k := range n.kids[1].kids {
		x := r.value(k, shift)
		found = found || x.Num == left.Num && x.Text == left.Text
	}
	return steward.Bool(found == (n.op == opIn))
}

// combine applies an operator to values that have been worked out.
func combine(n *node, a, b steward.Value) steward.Value {
	switch n.op {
	case opAnd:
		return a.Verdict().And(b.Verdict()).Value()
	case opOr:
		return a.Verdict().Or(b.Verdict()).Value()
	case opNot:
		return a.Verdict().Not().Value()
	case opElse:
		if a.Known {
			return a
		}
		return b
	case opNeg:
		if !a.Known {
			return a
		}
		a.Num = 0 - a.Num // never -0, which would be shown
		return a
	}
	if !a.Known || !b.Known {
		return steward.Unknown(n.kind)
	}
	if n.comparison() {
		return steward.Bool(compared(n.op, a, b))
	}
	return reckon(n, a, b)
}

func compared(o op, a, b steward.Value) bool {
	switch o {
	case opEq:
		return a.Num == b.Num && a.Text == b.Text
	case opNe:
		return a.Num != b.Num || a.Text != b.Text
	case opLt:
		return a.Num < b.Num
	case opLe:
		return a.Num <= b.Num
	case opGt:
		return a.Num > b.Num
	case opGe:
		return a.Num >= b.Num
	}
	return strings.Contains(a.Text, b.Text)
}

// firstDate and lastDate bound dates to the years 1 to 9999, so that no
// arithmetic leaves the calendar; past them a date is unknown.
var (
	firstDate = float64(steward.Date(1, 1, 1))
	lastDate  = float64(steward.Date(9999, 12, 31))
)

func reckon(n *node, a, b steward.Value) steward.Value {
	if n.kids[0].months || n.kids[1].months {
		return shifted(n, a, b)
	}
	var x float64
	switch n.op {
	case opAdd:
		x = a.Num + b.Num
	case opSub:
		x = a.Num - b.Num
	case opMul:
		x = a.Num * b.Num
	case opDiv:
		if b.Num == 0 {
			return steward.Unknown(n.kind)
		}
		x = a.Num / b.Num
	}
	switch n.kind {
	case steward.DateKind:
		return dateAt(x)
	case steward.DurationKind:
		return known(steward.Days(x))
	}
	return known(steward.Num(x))
}

// dateAt is the day that a point in time on the scale of days falls in.
func dateAt(x float64) steward.Value {
	if x = math.Floor(x); x >= firstDate && x <= lastDate {
		return steward.OnDay(steward.Day(x))
	}
	return steward.Unknown(steward.DateKind)
}

// shifted is a date some calendar months on or back.
func shifted(n *node, a, b steward.Value) steward.Value {
	date, months := a, int(b.Num)
	if n.kids[0].months {
		date, months = b, int(a.Num)
	}
	if n.op == opSub {
		months = -months
	}
	return dateAt(float64(steward.Day(date.Num).AddMonths(months)))
}
