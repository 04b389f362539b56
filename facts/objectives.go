package facts

import (
	"fmt"

	"steward"
)

// objectiveDays is over how many days a count is averaged beside an objective.
const objectiveDays = 28

// aim is the account's objective of a name: of several the one that is due
// last, which is the one agreed after the others.
func (r reading) aim() (steward.Objective, bool) {
	var out steward.Objective
	found := false
	for _, o := range r.own().objectives {
		if o.Name == r.q.Text && (!found || o.Due > out.Due || o.Due == out.Due && o.ID > out.ID) {
			out, found = o, true
		}
	}
	return out, found
}

// objective is how far a metric has come from the baseline to the target.
func objective(r reading) steward.Value {
	o, ok := r.aim()
	if !ok || !o.Baseline.Known || !o.Target.Known || o.Baseline.Num == o.Target.Num {
		return steward.Value{}
	}
	fn, w := r.measure(o.Metric)
	now := r.window(fn, o.Metric, w)
	if !now.Known {
		return steward.Value{}
	}
	return steward.Num((now.Num - o.Baseline.Num) / (o.Target.Num - o.Baseline.Num))
}

// measure is how an objective's metric is read: a count as what a day brings, a
// gauge as where it stands.
func (r reading) measure(metric string) (Fn, int) {
	if t, ok := r.frame.metrics[metric]; ok && t.counts {
		return Avg, objectiveDays
	}
	return Last, 0
}

func objectiveDue(r reading) steward.Value {
	o, ok := r.aim()
	if !ok {
		return steward.Value{}
	}
	return steward.OnDay(o.Due)
}

func whyObjective(r reading) string {
	if !r.feeds("objectives") {
		return missing("objectives")
	}
	o, ok := r.aim()
	switch {
	case !ok:
		return fmt.Sprintf("the account has no objective '%s'", r.q.Text)
	case r.q.Ask == "objective_due":
		return fmt.Sprintf("the objective '%s' has no due date", o.Name)
	case !o.Baseline.Known || !o.Target.Known:
		return fmt.Sprintf("the objective '%s' lacks its baseline or its target", o.Name)
	case o.Baseline.Num == o.Target.Num:
		return fmt.Sprintf("the objective '%s' has a target that is its baseline", o.Name)
	}
	fn, w := r.measure(o.Metric)
	if why := r.WhyUnknown(r.row, fn, o.Metric, w, r.shift); why != "" {
		return why
	}
	return fmt.Sprintf("the values of %s are too large to reckon with", o.Metric)
}
