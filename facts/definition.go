package facts

import "steward"

// WindowAt is what Window has at a row, worked out day by day as the language
// defines it. It is slow, shares nothing with Window, and serves where one
// account is explained and where the two are held against each other.
func (v *View) WindowAt(row int, fn Fn, metric string, w, shift int) steward.Value {
	if fn >= Trend {
		return v.movementAt(row, fn, metric, w, shift)
	}
	unknown := steward.Unknown(fn.Kind())
	info, ok := v.frame.Metric(metric)
	if !ok || info.Stale || info.End == steward.NoDay || shift < 0 {
		return unknown
	}
	start, ok := v.startOf(row)
	if !ok {
		return unknown
	}
	end := info.End - steward.Day(shift)
	if fn == QuietDays {
		return v.quietAt(row, metric, start, end)
	}
	if fn == Last {
		w = 1
	}
	if w < 1 || int(end)-w+1 < int(start) {
		return unknown
	}
	var days []float64
	for d := end - steward.Day(w) + 1; d <= end; d++ {
		x, ok := v.dayAt(row, metric, d)
		if !ok {
			return unknown
		}
		days = append(days, x)
	}
	return steward.Num(apply(fn, days))
}

// quietAt walks back from end to the last day with a value above zero.
func (v *View) quietAt(row int, metric string, start, end steward.Day) steward.Value {
	if end < start {
		return steward.Unknown(steward.DurationKind)
	}
	for d := end; d >= start; d-- {
		x, ok := v.dayAt(row, metric, d)
		if !ok {
			return steward.Unknown(steward.DurationKind)
		}
		if x > 0 {
			return steward.Days(float64(end - d))
		}
	}
	return steward.Days(float64(end - start + 1))
}

// dayAt is the value that a day of a metric is read as, if it has one.
func (v *View) dayAt(row int, metric string, d steward.Day) (float64, bool) {
	start, ok := v.startOf(row)
	if !ok || d < start {
		return 0, false
	}
	t := v.frame.metrics[metric]
	s := t.Series[v.Account(row).ID]
	if t.Spec.Kind == steward.Count {
		x, _ := s.At(d)
		return x, true
	}
	for seen := d; seen >= start && seen >= d-steward.Day(t.Spec.StaleAfter); seen-- {
		if x, ok := s.At(seen); ok {
			return x, true
		}
	}
	return 0, false
}

// startOf is the first day of a row's account: its start date, else its first
// observation in any metric.
func (v *View) startOf(row int) (steward.Day, bool) {
	a := v.Account(row)
	if a.StartDate != steward.NoDay {
		return a.StartDate, true
	}
	first, ok := steward.NoDay, false
	for _, m := range v.frame.in.Metrics {
		if s := m.Series[a.ID]; !s.IsEmpty() && (!ok || s.First() < first) {
			first, ok = s.First(), true
		}
	}
	return first, ok
}

// apply is a window function of the values of its days, oldest first.
func apply(fn Fn, days []float64) float64 {
	out := 0.0
	for i, x := range days {
		switch {
		case fn == Sum || fn == Avg:
			out += x
		case fn == ActiveDays && x > 0:
			out++
		case fn == Min && (i == 0 || x < out), fn == Max && (i == 0 || x > out), fn == Last:
			out = x
		}
	}
	if fn == Avg {
		out /= float64(len(days))
	}
	return out
}
