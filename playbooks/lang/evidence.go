package lang

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"steward"
	"steward/facts"
)

// Evidence is what decided the value of a traced condition, as comparisons
// beside what was seen, in source order. Of an and that does not hold these are
// the sides that do not, of an or that holds the sides that do, and of either
// while it is unknown the sides that are. Of an and that holds it is every side
// but guards: drop(m, w) tells from where to where, so was(avg(m, w), w) >= 1
// beside it would only say half of that again.
func Evidence(t *Trace) []steward.Evidence {
	n := t.node
	switch {
	case n == nil:
		return nil
	case n.op == opAnd || n.op == opOr:
		var out []steward.Evidence
		for _, side := range decisive(t) {
			out = append(out, Evidence(side)...)
		}
		return out
	case n.op == opNot:
		return negated(t)
	case n.op == opIf && n.kind == steward.FlagKind:
		var out []steward.Evidence
		for _, side := range t.sides {
			if side.node.op != opLit {
				out = append(out, Evidence(side)...)
			}
		}
		return out
	case n.comparison():
		return []steward.Evidence{compareEvidence(t)}
	}
	return []steward.Evidence{{Part: t.Text, Expr: t.Text, Saw: t.Value, Verdict: t.Value.Verdict(), Words: sentence(t)}}
}

// decisive is the sides of an and or an or that made it what it is. The sides
// of an and within an and are sides of the whole.
func decisive(t *Trace) []*Trace {
	sides, verdict := chained(t, t.node.op), t.Value.Verdict()
	if verdict == steward.Holds && t.node.op == opAnd {
		return withoutGuards(sides)
	}
	return slices.DeleteFunc(sides, func(side *Trace) bool { return side.Value.Verdict() != verdict })
}

// chained is the sides of a chain of one operator.
func chained(t *Trace, o op) []*Trace {
	if t.node.op != o {
		return []*Trace{t}
	}
	var out []*Trace
	for _, side := range t.sides {
		out = append(out, chained(side, o)...)
	}
	return out
}

// withoutGuards leaves out the comparisons whose measured side another side is
// made from and tells in its own words.
func withoutGuards(sides []*Trace) []*Trace {
	return slices.DeleteFunc(slices.Clone(sides), func(side *Trace) bool {
		if !side.node.comparison() {
			return false
		}
		what := canonical(measured(side).node)
		return slices.ContainsFunc(sides, func(other *Trace) bool { return other != side && madeFrom(other, what) })
	})
}

// madeFrom tells a part that is short for something with what in it.
func madeFrom(t *Trace, what string) bool {
	return slices.ContainsFunc(t.Children, func(c *Trace) bool {
		return c.node.made && canonical(c.node) == what || madeFrom(c, what)
	})
}

// negated is the evidence of a not. Of a single part it is that part turned
// round; of several they speak for themselves.
func negated(t *Trace) []steward.Evidence {
	inner := Evidence(t.sides[0])
	if len(inner) != 1 || inner[0].Part != t.sides[0].Text {
		return inner
	}
	e := inner[0]
	e.Part, e.Verdict = t.Text, t.Value.Verdict()
	if e.Wanted != "" {
		e.Wanted = "not " + e.Wanted
	}
	return []steward.Evidence{e}
}

var flipped = map[op]op{opEq: opEq, opNe: opNe, opLt: opGt, opLe: opGe, opGt: opLt, opGe: opLe}

// measured is the side of a comparison that is not a literal: the first, where
// neither is.
func measured(t *Trace) *Trace {
	n := t.node
	if _, ok := flipped[n.op]; ok && literal(n.kids[0]) && !literal(n.kids[1]) {
		return t.sides[1]
	}
	return t.sides[0]
}

// compareEvidence puts the measured side of a comparison first.
func compareEvidence(t *Trace) steward.Evidence {
	n, seen := t.node, measured(t)
	o, wanted := n.op, ""
	if n.op == opIn || n.op == opNotIn {
		wanted = canonical(n.kids[1])
	} else {
		other := t.sides[1]
		if seen == other {
			other, o = t.sides[0], flipped[n.op]
		}
		wanted = other.Text
	}
	return steward.Evidence{
		Part:    t.Text,
		Expr:    seen.Text,
		Saw:     seen.Value,
		Wanted:  signOf[o] + " " + wanted,
		Verdict: t.Value.Verdict(),
		Words:   compareWords(t, seen),
	}
}

func literal(n *node) bool { return n.op == opLit || n.op == opNeg && n.kids[0].op == opLit }

// compareWords tells what was seen; of a comparison of two things both.
func compareWords(t *Trace, seen *Trace) string {
	words := sentence(seen)
	if len(t.sides) < 2 {
		return words
	}
	other := t.sides[0]
	if other == seen {
		other = t.sides[1]
	}
	if !literal(other.node) {
		return words + "; " + sentence(other)
	}
	if exact := tellApart(seen.Value, other.Value, seen.Percent); exact != "" && seen.Value.Known {
		return fmt.Sprintf("%s (%s, against %s)", words, exact, Describe(other.Value, seen.Percent))
	}
	return words
}

// tellApart is a value with as many digits as it takes to look unlike the
// threshold it is unlike; "" where the usual form does. "50% is not >= 50%"
// helps nobody.
func tellApart(seen, threshold steward.Value, percent bool) string {
	if seen.Kind != steward.NumberKind || seen.Num == threshold.Num || Describe(seen, percent) != Describe(threshold, percent) {
		return ""
	}
	scale, sign := 1.0, ""
	if percent {
		scale, sign = 100, "%"
	}
	for digits := 2; digits <= 12; digits++ {
		a, b := grouped(seen.Num*scale, digits), grouped(threshold.Num*scale, digits)
		if a != b {
			return a + sign
		}
	}
	return ""
}

// sentence is a part's value as a person would say it.
func sentence(t *Trace) string {
	switch {
	case !t.Value.Known && (t.node.op == opField):
		return t.Why // says it all: arr is not known
	case !t.Value.Known:
		return t.Text + " is not known: " + t.Why
	}
	if t.words != "" {
		return t.words
	}
	value := Describe(t.Value, t.Percent)
	if t.Value.Kind == steward.TextKind {
		value = "'" + value + "'"
	}
	return t.Text + " is " + value
}

// words is the sentence for the parts that have one of their own. Names lose
// their underscores: renewal_date is a renewal date.
func (r *tracer) words(t *Trace, shift int) string {
	n, x := t.node, t.Value
	if !x.Known {
		return ""
	}
	switch n.op {
	case opElse:
		if first := t.sides[0]; first.Value.Known {
			return sentence(first)
		}
		return t.sides[0].Why + ", taken as " + Describe(x, t.Percent)
	case opAnswer:
		a, _ := answerNamed(n.text)
		if x.Num != 0 {
			return a.yes
		}
		return a.no
	case opField:
		return fieldWords(n, x)
	case opCall:
		return r.callWords(t, shift)
	}
	return ""
}

func fieldWords(n *node, x steward.Value) string {
	name := plainName(n.text)
	if n.text == "days_in_stage" {
		return Describe(x, false) + " in this stage"
	}
	switch x.Kind {
	case steward.FlagKind:
		if x.Num == 0 {
			return "not " + name
		}
		return name
	case steward.TextKind:
		return name + " is '" + x.Text + "'"
	}
	return name + " is " + Describe(x, n.percent)
}

func (r *tracer) callWords(t *Trace, shift int) string {
	n, x := t.node, t.Value
	switch {
	case n.fn.plain:
		return r.windowWords(n, x)
	case n.fn.asks:
		return askWords(n, x)
	}
	switch n.text {
	case "family":
		return familyWords(n, x)
	case "vs_peers":
		return peerWords(plainName(n.metric()), x.Num, n.over())
	case "change":
		return r.movement(n, x.Num, shift)
	case "drop":
		return r.movement(n, -x.Num, shift)
	case "recovered":
		return r.recovery(t)
	case "was":
		if inner := t.sides[0].words; inner != "" {
			return plural(n.w, "day") + " earlier " + inner
		}
	case "at_open":
		if len(t.sides) > 0 && t.sides[0].words != "" {
			return "as the episode began " + t.sides[0].words
		}
	case "days_until":
		return dateWords(t, x.Num)
	case "days_since":
		return dateWords(t, -x.Num)
	}
	return ""
}

func (r *tracer) windowWords(n *node, x steward.Value) string {
	m, over := plainName(n.metric()), plural(n.w, "day")
	switch n.text {
	case "sum":
		return fmt.Sprintf("%s came to %s in %s", m, Describe(x, false), over)
	case "avg":
		return fmt.Sprintf("%s averaged %s over %s", m, coarse(x.Num)+r.rate(n), over)
	case "min", "max":
		return fmt.Sprintf("the %s day of %s in %s was %s", map[string]string{"min": "lowest", "max": "highest"}[n.text], m, over, Describe(x, false))
	case "last":
		return fmt.Sprintf("%s stood at %s", m, Describe(x, n.percent))
	case "trend":
		return trendWords(m, x.Num, over)
	case "unusual":
		return unusualWords(m, x.Num, over)
	case "active_days":
		return fmt.Sprintf("%s on %s of %s", m, Describe(x, false), over)
	}
	if x.Num == 0 { // quiet_days
		return m + " on the last complete day"
	}
	return fmt.Sprintf("no %s for %s", m, Describe(x, false))
}

// rate is the unit of an average: a count's is per day.
func (r *tracer) rate(n *node) string {
	if r.e.kinds[n.metric()] == steward.Count {
		return " a day"
	}
	return ""
}

// over says which windows a change is between.
func (n *node) over() string {
	if n.ago != n.w {
		return fmt.Sprintf("against the %s that were %s earlier", plural(n.w, "day"), stretch(n.ago))
	}
	return "in " + plural(n.w, "day")
}

// movement tells of a change and of the two averages that it is between.
func (r *tracer) movement(n *node, change float64, shift int) string {
	now := r.v.WindowAt(r.row, facts.Avg, n.metric(), n.w, shift)
	before := r.v.WindowAt(r.row, facts.Avg, n.metric(), n.w, shift+n.ago)
	over := n.over()
	verb, size := "rose", Describe(steward.Num(math.Abs(change)), true)
	switch {
	case change == 0:
		return fmt.Sprintf("%s did not change %s: %s", plainName(n.metric()), over, coarse(now.Num)+r.rate(n))
	case change < 0:
		verb = "fell"
	}
	return fmt.Sprintf("%s %s %s %s: %s → %s", plainName(n.metric()), verb, size, over, coarse(before.Num), coarse(now.Num)+r.rate(n))
}

// stretch is a number of days, in weeks where that is how people count.
func stretch(n int) string {
	if n%7 == 0 && n >= 28 {
		return plural(n/7, "week")
	}
	return plural(n, "day")
}

func (r *tracer) recovery(t *Trace) string {
	n, now, before := t.node, t.sides[0].Value, t.sides[1].Value
	m := plainName(n.metric())
	if !before.Known {
		return fmt.Sprintf("%s averaged %s over %s; what was before is not known", m, coarse(now.Num)+r.rate(n), plural(n.w, "day"))
	}
	if before.Num == 0 {
		return fmt.Sprintf("%s averaged %s over %s, and nothing before", m, coarse(now.Num)+r.rate(n), plural(n.w, "day"))
	}
	return fmt.Sprintf("%s are back at %s of what was before: %s of %s", m, Describe(t.Value, true), coarse(now.Num), coarse(before.Num)+r.rate(n))
}

// dateWords tells when a date is, with the date where it has a name.
func dateWords(t *Trace, ahead float64) string {
	date := t.sides[0]
	what, shown := date.Text, ""
	switch date.node.op {
	case opLit:
		what = Describe(date.Value, false)
	default:
		shown = " (" + Describe(date.Value, false) + ")"
	}
	switch n := date.node; {
	case n.op == opField:
		what = plainName(n.text)
	case n.op == opCall && n.text == "objective_due":
		what = "the due date of '" + n.kids[0].text + "'"
	}
	switch {
	case ahead > 0:
		return fmt.Sprintf("%s is in %s%s", what, Describe(steward.Days(ahead), false), shown)
	case ahead < 0:
		return fmt.Sprintf("%s was %s ago%s", what, Describe(steward.Days(-ahead), false), shown)
	}
	return what + " is today" + shown
}

func plainName(name string) string { return strings.ReplaceAll(name, "_", " ") }

// Describe is a value as people write it: 64%, 1,234.5, 12 Mar 2026, 14 days,
// yes, no; text as it is; "not known". It rounds; decisions never do.
func Describe(v steward.Value, percent bool) string {
	if !v.Known {
		return "not known"
	}
	switch v.Kind {
	case steward.TextKind:
		return v.Text
	case steward.FlagKind:
		if v.Num != 0 {
			return "yes"
		}
		return "no"
	case steward.DateKind:
		return dateText(v.Day())
	case steward.DurationKind:
		if n := number(v.Num); n == "1" || n == "-1" {
			return n + " day"
		}
		return number(v.Num) + " days"
	}
	if percent {
		return percentage(v.Num)
	}
	return number(v.Num)
}

// percentage has whole per cent, and one decimal below ten.
func percentage(share float64) string {
	p := share * 100
	if math.Abs(math.Round(p)) >= 10 || p == math.Round(p) {
		return grouped(p, 0) + "%"
	}
	return grouped(p, 1) + "%"
}

// number has two decimals below ten, one from there, and as many as it needs
// to show anything at all below a hundredth.
func number(x float64) string {
	size := math.Abs(x)
	switch {
	case size >= 1e15 || size < 0.005 && x != 0:
		return strconv.FormatFloat(x, 'g', 2, 64)
	case size >= 10:
		return grouped(x, 1)
	}
	return grouped(x, 2)
}

// coarse is a number beside another one: whole from ten.
func coarse(x float64) string {
	if size := math.Abs(x); size >= 10 && size < 1e15 {
		return grouped(x, 0)
	} else if size >= 0.05 && size < 10 {
		return grouped(x, 1)
	}
	return number(x)
}

// grouped has at most that many decimals, no trailing zeros, and commas between
// thousands.
func grouped(x float64, decimals int) string {
	if math.Abs(x) >= 1e15 {
		return strconv.FormatFloat(x, 'g', 2, 64)
	}
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	whole, part, _ := strings.Cut(s, ".")
	part = strings.TrimRight(part, "0")
	sign := ""
	if w, ok := strings.CutPrefix(whole, "-"); ok {
		whole = w
		if part != "" || w != "0" {
			sign = "-"
		}
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if part != "" {
		whole += "." + part
	}
	return sign + whole
}

// dateText is 12 Mar 2026.
func dateText(d steward.Day) string {
	iso := d.String()
	if len(iso) != len("2026-03-12") {
		return iso
	}
	month, _ := strconv.Atoi(iso[5:7])
	day, _ := strconv.Atoi(iso[8:])
	return fmt.Sprintf("%d %s %s", day, months[month-1], iso[:4])
}

var months = [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
