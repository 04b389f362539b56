package facts

import (
	"fmt"

	"steward"
)

// WhyUnknown says in a clause for people why WindowAt is unknown at a row, with
// the dates that decided it; "" when it is known.
func (v *View) WhyUnknown(row int, fn Fn, metric string, w, shift int) string {
	if v.WindowAt(row, fn, metric, w, shift).Known {
		return ""
	}
	if fn >= Trend {
		return v.whyMovement(row, fn, metric, w, shift)
	}
	info, ok := v.frame.Metric(metric)
	switch {
	case !ok:
		return fmt.Sprintf("there is no metric %q", metric)
	case info.End == steward.NoDay:
		return "nothing has been imported for " + metric
	case info.Stale:
		return fmt.Sprintf("the source of %s is stale: its last complete day is %s", metric, v.frame.metrics[metric].Through)
	case shift < 0:
		return "the window lies in the future"
	case w < 1 && !fn.Widthless():
		return "a window has at least one day"
	}
	start, ok := v.startOf(row)
	if !ok {
		return "the account has no start date and no data of any metric"
	}
	end := info.End - steward.Day(shift)
	from := end - steward.Day(w) + 1
	switch fn {
	case Last:
		from = end
	case QuietDays:
		from = min(start, end)
	}
	if from < start {
		return v.tooYoung(row, start, from, end)
	}
	for d := end; d >= from; d-- { // the newest day that lacks a value tells most
		if _, ok := v.dayAt(row, metric, d); !ok {
			return v.noValue(row, metric, start, d)
		}
	}
	return fmt.Sprintf("the values of %s are too large to add up", metric)
}

// tooYoung tells of a window that begins before the account did.
func (v *View) tooYoung(row int, start, from, end steward.Day) string {
	began := "started on"
	if v.Account(row).StartDate == steward.NoDay {
		began = "was first seen on"
	}
	if end < start {
		return fmt.Sprintf("the account %s %s, and the last day looked at is %s", began, start, end)
	}
	return fmt.Sprintf("the account %s %s, and the %d days to %s begin on %s", began, start, end-from+1, end, from)
}

// noValue tells why a gauge has no value on a day.
func (v *View) noValue(row int, metric string, start, d steward.Day) string {
	t := v.frame.metrics[metric]
	s := t.Series[v.Account(row).ID].Cut(start, d)
	if s.IsEmpty() {
		return fmt.Sprintf("%s has no value for this account up to %s", metric, d)
	}
	return fmt.Sprintf("%s was last seen on %s, which stands for %s; nothing is known of %s",
		metric, s.Last(), plural(t.Spec.StaleAfter, "day"), d)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
