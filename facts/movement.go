package facts

import (
	"fmt"
	"math"
	"slices"

	"steward"
)

// What the movements of a metric are measured by.
const (
	// trendDays is the longest window whose trend is taken of its days. A longer
	// one is read in whole weeks, counted back from its last day: all pairs of 800
	// days would be three hundred thousand for every account, and no trend of a
	// year hangs on a weekday.
	trendDays = 90
	// earlierWindows is how many windows before its own Unusual looks at, and
	// fewestEarlier how many of them it takes.
	earlierWindows, fewestEarlier = 8, 4
	// fewestPeers is how many accounts of a segment, itself among them, it takes
	// to have a median change.
	fewestPeers = 5

	// Of values that are spread normally, these times the median absolute and the
	// mean absolute deviation are the standard deviation.
	perMedianDeviation, perMeanDeviation = 1.4826, 1.253314
)

// A peersKey names a change that accounts are compared by: w days against the
// same w days ago days earlier.
type peersKey struct {
	metric        string
	w, ago, shift int
}

// A segmentKey names the changes of one segment's accounts.
type segmentKey struct {
	peersKey
	segment string
}

// movement computes Trend and Unusual by account row.
func (f *Frame) movement(k windowKey) Column {
	accounts := f.View(steward.AboutAccount)
	if k.fn == Trend {
		return f.trends(accounts, k)
	}
	return f.unusuals(accounts, k)
}

func (f *Frame) trends(accounts *View, k windowKey) Column {
	t, ok := f.metrics[k.metric]
	if !ok || t.Stale || t.end == steward.NoDay || k.shift < 0 || k.w < 2 {
		return unknownColumn(steward.NumberKind, accounts.Len())
	}
	all, starts := f.seriesOf(t), f.startsOf()
	from := int(t.end) - k.shift - k.w + 1
	days, slopes := make([]float64, k.w), []float64(nil)
	return columnOf(steward.NumberKind, accounts.Len(), func(row int) steward.Value {
		start := int(starts[row])
		if starts[row] == steward.NoDay || start > from {
			return steward.Value{}
		}
		values, first := since(all[row], start)
		if t.counts {
			fillCount(days, values, from-first)
		} else if !fillGauge(days, values, from-first, t.Spec.StaleAfter) {
			return steward.Value{}
		}
		mean := 0.0
		for _, x := range days {
			mean += x
		}
		mean /= float64(k.w)
		points, apart := days, 1
		if k.w > trendDays {
			points, apart = weekly(days), 7
		}
		slopes = slopes[:0]
		for i, x := range points {
			for j := i + 1; j < len(points); j++ {
				slopes = append(slopes, (points[j]-x)/float64((j-i)*apart))
			}
		}
		return rise(middle(slopes), mean, k.w)
	})
}

// weekly is the mean of every whole week of days, counted back from the last
// one, oldest first. Each is written over days that have been read.
func weekly(days []float64) []float64 {
	out, from := len(days)/7, len(days)%7
	for week := range out {
		sum := 0.0
		for _, x := range days[from+7*week : from+7*week+7] {
			sum += x
		}
		days[week] = sum / 7
	}
	return days[:out]
}

// rise is what a slope per day comes to from the first day of a window to its
// last, as a share of the mean's size, so that a metric that can be negative
// rises when it rises.
func rise(slope, mean float64, w int) steward.Value {
	if mean == 0 || math.IsInf(mean, 0) {
		return steward.Value{}
	}
	return steward.Num(slope * float64(w-1) / math.Abs(mean))
}

// fillCount writes the days of a count's window, which begins at values[from].
func fillCount(days, values []float64, from int) {
	for i := range days {
		days[i] = 0
		if at := from + i; at >= 0 && at < len(values) && values[at] == values[at] {
			days[i] = values[at]
		}
	}
}

// fillGauge is the same for a gauge, and whether each day has a value.
func fillGauge(days, values []float64, from, staleAfter int) bool {
	carried, seen := lastSeen(values, from, staleAfter)
	if seen < 0 {
		return false
	}
	for i := range days {
		if at := from + i; at < len(values) && values[at] == values[at] {
			carried, seen = values[at], at
		} else if at-seen > staleAfter {
			return false
		}
		days[i] = carried
	}
	return true
}

func (f *Frame) unusuals(accounts *View, k windowKey) Column {
	now := accounts.Window(Avg, k.metric, k.w, k.shift)
	var before [earlierWindows]Column
	for i := range before {
		before[i] = accounts.Window(Avg, k.metric, k.w, k.shift+(i+1)*k.w)
	}
	var known, scratch []float64
	return columnOf(steward.NumberKind, accounts.Len(), func(row int) steward.Value {
		x := now.Value(row)
		known = known[:0]
		for i := range before {
			if b := before[i].Value(row); b.Known {
				known = append(known, b.Num)
			}
		}
		if !x.Known || len(known) < fewestEarlier {
			return steward.Value{}
		}
		scratch = append(scratch[:0], known...)
		centre, total := middle(scratch), 0.0
		for i := range known {
			known[i] = math.Abs(known[i] - centre)
			total += known[i]
		}
		return deviations(x.Num-centre, total/float64(len(known)), middle(known))
	})
}

// deviations is a distance in robust standard deviations. Where more than half
// of the earlier windows are alike their median deviation is 0, and the mean
// one tells how far apart the rest are.
func deviations(distance, mean, median float64) steward.Value {
	switch {
	case distance == 0:
		return steward.Num(0)
	case median > 0:
		return steward.Num(distance / (perMedianDeviation * median))
	case mean > 0:
		return steward.Num(distance / (perMeanDeviation * mean))
	}
	return steward.Value{}
}

// VsPeers is a metric's change less the median one in the account's segment, for
// every row, computed once per frame. What changed is the w days that end on the
// metric's End less shift days, against the w days that lie ago days before
// them. It is unknown without a segment, and with fewer than five accounts of it
// whose change is known.
func (v *View) VsPeers(metric string, w, ago, shift int) Column {
	key := peersKey{metric, w, ago, shift}
	c, ok := v.peers[key]
	if !ok {
		if accounts := v.frame.View(steward.AboutAccount); v == accounts {
			c = v.againstPeers(key)
		} else {
			c = v.gather(accounts.VsPeers(metric, w, ago, shift))
		}
		v.peers[key] = c
	}
	return c
}

func (v *View) againstPeers(k peersKey) Column {
	now, before := v.Window(Sum, k.metric, k.w, k.shift), v.Window(Sum, k.metric, k.w, k.shift+k.ago)
	change := columnOf(steward.NumberKind, v.Len(), func(row int) steward.Value {
		return changeBetween(before.Value(row), now.Value(row))
	})
	segments := v.Field("segment", k.shift)
	peers := map[string][]float64{}
	for row := range v.Len() {
		if s, c := segments.Value(row), change.Value(row); s.Known && c.Known {
			peers[s.Text] = append(peers[s.Text], c.Num)
		}
	}
	medians := make(map[string]float64, len(peers))
	for segment, changes := range peers {
		if len(changes) >= fewestPeers {
			medians[segment] = middle(changes)
		}
	}
	return columnOf(steward.NumberKind, v.Len(), func(row int) steward.Value {
		s, c := segments.Value(row), change.Value(row)
		median, ok := medians[s.Text]
		if !s.Known || !c.Known || !ok {
			return steward.Value{}
		}
		return steward.Num(c.Num - median)
	})
}

// changeBetween is how much now is above before as a share of before's size;
// unknown from zero to more.
func changeBetween(before, now steward.Value) steward.Value {
	switch {
	case !before.Known || !now.Known:
		return steward.Value{}
	case before.Num == 0 && now.Num == 0:
		return steward.Num(0)
	case before.Num == 0:
		return steward.Value{}
	}
	return steward.Num((now.Num - before.Num) / math.Abs(before.Num))
}

// middle is the median of values, which it reorders; of an even number the
// mean of the two in the middle. It selects rather than sorts: a trend has four
// thousand slopes for every account.
func middle(values []float64) float64 {
	n := len(values)
	upper := selected(values, n/2)
	if n%2 == 1 {
		return upper
	}
	return (slices.Max(values[:n/2]) + upper) / 2
}

// selected puts the value that sorting would put at k there, nothing greater
// before it and nothing less behind it. Values are parted in three, as metrics
// have many equal ones.
func selected(values []float64, k int) float64 {
	lo, hi := 0, len(values)
	for hi-lo > 1 {
		pivot := medianOfThree(values[lo], values[lo+(hi-lo)/2], values[hi-1])
		less, more := lo, hi
		for i := lo; i < more; {
			switch x := values[i]; {
			case x < pivot:
				values[i], values[less] = values[less], x
				less++
				i++
			case x > pivot:
				more--
				values[i], values[more] = values[more], x
			default:
				i++
			}
		}
		switch {
		case k < less:
			hi = less
		case k >= more:
			lo = more
		default:
			return pivot
		}
	}
	return values[k]
}

func medianOfThree(a, b, c float64) float64 { return max(min(a, b), min(max(a, b), c)) }

// movementAt is what movement has at a row, from the definition.
func (v *View) movementAt(row int, fn Fn, metric string, w, shift int) steward.Value {
	x := steward.Value{}
	switch fn {
	case Trend:
		x = v.trendAt(row, metric, w, shift)
	case Unusual:
		x = v.unusualAt(row, metric, w, shift)
	}
	if !x.Known {
		return steward.Unknown(fn.Kind())
	}
	return x
}

// trendAt is Theil and Sen's slope: the median of the slopes between all pairs
// of days, or of weeks.
func (v *View) trendAt(row int, metric string, w, shift int) steward.Value {
	mean := v.WindowAt(row, Avg, metric, w, shift)
	if !mean.Known || w < 2 {
		return steward.Value{}
	}
	width := 1
	if w > trendDays {
		width = 7
	}
	var points []float64 // newest first
	for back := 0; back+width <= w; back += width {
		points = append(points, v.WindowAt(row, Avg, metric, width, shift+back).Num)
	}
	var slopes []float64
	for newer := range points {
		for older := newer + 1; older < len(points); older++ {
			slopes = append(slopes, (points[newer]-points[older])/float64((older-newer)*width))
		}
	}
	return rise(medianOf(slopes), mean.Num, w)
}

func (v *View) unusualAt(row int, metric string, w, shift int) steward.Value {
	now, before := v.WindowAt(row, Avg, metric, w, shift), v.earlier(row, metric, w, shift)
	if !now.Known || len(before) < fewestEarlier {
		return steward.Value{}
	}
	centre, sum := medianOf(before), 0.0
	var distances []float64
	for _, x := range before {
		distances = append(distances, math.Abs(x-centre))
		sum += math.Abs(x - centre)
	}
	return deviations(now.Num-centre, sum/float64(len(before)), medianOf(distances))
}

// earlier is the means of the known ones among the windows before a window.
func (v *View) earlier(row int, metric string, w, shift int) []float64 {
	var out []float64
	for i := 1; i <= earlierWindows; i++ {
		if x := v.WindowAt(row, Avg, metric, w, shift+i*w); x.Known {
			out = append(out, x.Num)
		}
	}
	return out
}

// VsPeersAt is what VsPeers has at a row, from the definition.
func (v *View) VsPeersAt(row int, metric string, w, ago, shift int) steward.Value {
	accounts, k := v.frame.View(steward.AboutAccount), peersKey{metric, w, ago, shift}
	row = v.accountRow(row)
	change, segment := accounts.changeAt(row, k), accounts.FieldAt(row, "segment", shift)
	if !change.Known || !segment.Known {
		return steward.Unknown(steward.NumberKind)
	}
	peers := accounts.peerChanges(segment.Text, k)
	if len(peers) < fewestPeers {
		return steward.Unknown(steward.NumberKind)
	}
	x := steward.Num(change.Num - medianOf(peers))
	if !x.Known {
		return steward.Unknown(steward.NumberKind)
	}
	return x
}

func (v *View) changeAt(row int, k peersKey) steward.Value {
	return changeBetween(v.WindowAt(row, Sum, k.metric, k.w, k.shift+k.ago), v.WindowAt(row, Sum, k.metric, k.w, k.shift))
}

// peerChanges is the known changes of a segment's accounts, sorted. They are
// kept: one account is explained after another, and each would go through all
// of them.
func (v *View) peerChanges(segment string, k peersKey) []float64 {
	key := segmentKey{k, segment}
	out, ok := v.frame.peers[key]
	if ok {
		return out
	}
	for row := range v.Len() {
		if s := v.FieldAt(row, "segment", k.shift); !s.Known || s.Text != segment {
			continue
		}
		if c := v.changeAt(row, k); c.Known {
			out = append(out, c.Num)
		}
	}
	slices.Sort(out)
	if v.frame.peers == nil {
		v.frame.peers = map[segmentKey][]float64{}
	}
	v.frame.peers[key] = out
	return out
}

// medianOf is the median of values as the definition has it.
func medianOf(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// whyMovement says why movementAt is unknown.
func (v *View) whyMovement(row int, fn Fn, metric string, w, shift int) string {
	if why := v.WhyUnknown(row, Avg, metric, w, shift); why != "" {
		return why
	}
	over := plural(w, "day")
	if fn == Trend {
		switch {
		case w < 2:
			return "a trend takes at least two days"
		case v.WindowAt(row, Avg, metric, w, shift).Num == 0:
			return fmt.Sprintf("%s averaged 0 over %s, and nothing is a share of 0", metric, over)
		}
		return fmt.Sprintf("the values of %s are too large to reckon with", metric)
	}
	known := 0
	why := ""
	for i := 1; i <= earlierWindows; i++ {
		if reason := v.WhyUnknown(row, Avg, metric, w, shift+i*w); reason == "" {
			known++
		} else if why == "" {
			why = reason
		}
	}
	if known < fewestEarlier {
		return fmt.Sprintf("%d of the windows of %s before this one are known, and it takes %d: %s", known, over, fewestEarlier, why)
	}
	return fmt.Sprintf("%s was the same in all windows of %s before this one, so nothing tells how far off this one is", metric, over)
}

// WhyVsPeers says in a clause for people why VsPeersAt is unknown; "" when it is
// known.
func (v *View) WhyVsPeers(row int, metric string, w, ago, shift int) string {
	if v.VsPeersAt(row, metric, w, ago, shift).Known {
		return ""
	}
	for _, s := range []int{shift, shift + ago} {
		if why := v.WhyUnknown(row, Sum, metric, w, s); why != "" {
			return why
		}
	}
	accounts, k := v.frame.View(steward.AboutAccount), peersKey{metric, w, ago, shift}
	if !accounts.changeAt(v.accountRow(row), k).Known {
		return fmt.Sprintf("%s went from 0 to more than 0 over %s, which has no percentage", metric, plural(w, "day"))
	}
	if why := accounts.WhyField(v.accountRow(row), "segment", shift); why != "" {
		return why
	}
	segment := accounts.FieldAt(v.accountRow(row), "segment", shift).Text
	n := len(accounts.peerChanges(segment, k))
	if n < fewestPeers {
		return fmt.Sprintf("the change of %s over %s is known of %s in segment '%s', and it takes %d", metric, plural(w, "day"), plural(n, "account"), segment, fewestPeers)
	}
	return fmt.Sprintf("the values of %s are too large to reckon with", metric)
}
