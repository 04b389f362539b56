package facts

import (
	"math"
	"slices"

	"steward"
	"steward/series"
)

// A Fn is what a window is asked for.
type Fn uint8

// What can be asked of a window. Avg is per day. ActiveDays is how many days
// have a value above zero. Last is the value of the window's last day and
// QuietDays how long ago, as a duration, a day last had a value above zero;
// both have no width. Trend and Unusual are in movement.go.
const (
	Sum Fn = iota
	Avg
	Min
	Max
	Last
	ActiveDays
	QuietDays
	Trend
	Unusual
)

// String is the function's name in the language.
func (fn Fn) String() string {
	names := [...]string{"sum", "avg", "min", "max", "last", "active_days", "quiet_days", "trend", "unusual"}
	if int(fn) < len(names) {
		return names[fn]
	}
	return "unknown window function"
}

// Kind is what the function gives: a duration for QuietDays, else a number.
func (fn Fn) Kind() steward.Kind {
	if fn == QuietDays {
		return steward.DurationKind
	}
	return steward.NumberKind
}

// Widthless tells the functions that take no window width.
func (fn Fn) Widthless() bool { return fn == Last || fn == QuietDays }

type windowKey struct {
	fn       Fn
	metric   string
	w, shift int
}

// Window is a window function of a metric for every row, computed once per
// frame: over the w days that end on the metric's End less shift days. It is
// unknown where the metric is stale, never imported or not declared, where the
// window begins before the account, and where a day of a gauge has no value to
// carry. A w below 1 (except for Last and QuietDays, which ignore it) or a
// shift below 0 is unknown everywhere.
func (v *View) Window(fn Fn, metric string, w, shift int) Column {
	if fn.Widthless() {
		w = 0
	}
	key := windowKey{fn, metric, w, shift}
	c, ok := v.windows[key]
	if !ok {
		if v.kind == steward.AboutAccount {
			c = v.frame.window(key)
		} else {
			c = v.gather(v.frame.View(steward.AboutAccount).Window(fn, metric, w, shift))
		}
		v.windows[key] = c
	}
	return c
}

// window computes a window by account row.
func (f *Frame) window(k windowKey) Column {
	if k.fn >= Trend {
		return f.movement(k)
	}
	c := unknownColumn(k.fn.Kind(), len(f.in.Portfolio.Accounts))
	t, ok := f.metrics[k.metric]
	if !ok || t.Stale || t.end == steward.NoDay || k.shift < 0 || k.w < 1 && !k.fn.Widthless() {
		return c
	}
	reach := k.w
	if k.fn == Last {
		reach = 1
	}
	end := int(t.end) - k.shift
	all, starts := f.seriesOf(t), f.startsOf()
	for row := range all {
		start := int(starts[row])
		if starts[row] == steward.NoDay || start > end {
			continue
		}
		s, first := since(all[row], start)
		var x float64
		known := true
		switch {
		case k.fn == QuietDays && t.counts:
			x = quietCount(s, first, start, end)
		case k.fn == QuietDays:
			x, known = quietGauge(s, first, start, end, t.Spec.StaleAfter)
		case end-reach+1 < start:
			known = false
		case t.counts:
			x = countWindow(k.fn, s, end-reach+1-first, reach)
		default:
			x, known = gaugeWindow(k.fn, s, end-reach+1-first, reach, t.Spec.StaleAfter)
		}
		if known && !math.IsInf(x, 0) && !math.IsNaN(x) {
			c.Num[row], c.Known[row] = x, true
		}
	}
	if !slices.Contains(c.Known, false) {
		c.Known = nil
	}
	return c
}

// since is a series' values from the account's start on, and the day of the
// first of them.
func since(s series.Series, start int) (values []float64, first int) {
	first = int(s.Start)
	if skip := start - first; skip > 0 {
		return s.Values[min(skip, len(s.Values)):], start
	}
	return s.Values, first
}

// countWindow is a count's window of w days from values[from], which may lie
// outside values: those days are zero, as NaN is.
func countWindow(fn Fn, values []float64, from, w int) float64 {
	a, b := max(from, 0), min(from+w, len(values))
	if a > b {
		a, b = 0, 0
	}
	in := values[a:b]
	switch fn {
	case Sum, Avg:
		sum := 0.0
		for _, x := range in {
			if x == x {
				sum += x
			}
		}
		if fn == Avg {
			sum /= float64(w)
		}
		return sum
	case ActiveDays:
		n := 0
		for _, x := range in {
			if x > 0 {
				n++
			}
		}
		return float64(n)
	case Last:
		if len(in) == 1 && in[0] == in[0] {
			return in[0]
		}
		return 0
	}
	return extreme(fn, in, w)
}

// extreme is the least or greatest value of a count's window of w days, of
// which in are those that the series covers.
func extreme(fn Fn, in []float64, w int) float64 {
	best, seen := 0.0, false
	for _, x := range in {
		if x != x {
			x = 0
		}
		if !seen || fn == Min && x < best || fn == Max && x > best {
			best, seen = x, true
		}
	}
	if len(in) < w && (fn == Min && best > 0 || fn == Max && best < 0) {
		return 0 // a day that the series does not cover
	}
	return best
}

// gaugeWindow is a gauge's window of w days from values[from]; false when one
// of the days has neither a value nor one to carry. values begin at the first
// day that may be read, so from may be negative (then the first day has
// nothing) or lie past the end.
func gaugeWindow(fn Fn, values []float64, from, w, staleAfter int) (float64, bool) {
	carried, seen := lastSeen(values, from, staleAfter)
	if seen < 0 {
		return 0, false
	}
	sum, active := 0.0, 0
	least, most := math.Inf(1), math.Inf(-1)
	for i := from; i < from+w; i++ {
		if i < len(values) && values[i] == values[i] {
			carried, seen = values[i], i
		} else if i-seen > staleAfter {
			return 0, false
		}
		sum += carried
		least, most = min(least, carried), max(most, carried)
		if carried > 0 {
			active++
		}
	}
	switch fn {
	case Sum:
		return sum, true
	case Avg:
		return sum / float64(w), true
	case Min:
		return least, true
	case Max:
		return most, true
	case ActiveDays:
		return float64(active), true
	default:
		return carried, true
	}
}

// lastSeen is the newest value at or before values[at] that still stands there,
// and its place; place -1 when there is none, as there is not for a negative at.
func lastSeen(values []float64, at, staleAfter int) (float64, int) {
	for i := min(at, len(values)-1); i >= 0 && at-i <= staleAfter; i-- {
		if values[i] == values[i] {
			return values[i], i
		}
	}
	return 0, -1
}

// quietCount is the days since a count was last above zero; the whole age of
// the account when it never was.
func quietCount(values []float64, first, start, end int) float64 {
	for i := min(end-first, len(values)-1); i >= 0; i-- {
		if values[i] > 0 {
			return float64(end - first - i)
		}
	}
	return float64(end - start + 1)
}

// quietGauge is the same for a gauge, whose carried values count. A day of
// which nothing is known may have been an active one, so the answer is known
// only if no such day comes after the last active one.
func quietGauge(values []float64, first, start, end, staleAfter int) (float64, bool) {
	upTo := end - first // the youngest day not yet accounted for
	for i := min(upTo, len(values)-1); i >= 0; i-- {
		x := values[i]
		if x != x {
			continue
		}
		if upTo-i > staleAfter {
			return 0, false
		}
		if x > 0 {
			return float64(end - first - upTo), true
		}
		upTo = i - 1
	}
	if upTo >= 0 || first > start {
		return 0, false // days before the first value
	}
	return float64(end - start + 1), true
}
