package lang

import (
	"slices"
	"strings"

	"steward"
	"steward/facts"
)

// takes is what a function's argument must be.
type takes uint8

const (
	takesMetric takes = iota
	takesWindow       // a whole number of days, written out: 14d
	takesDate
	takesAny
)

type param struct {
	name     string
	takes    takes
	optional bool
}

// A function is one row of the table from which calls are checked and the
// documentation is made.
type function struct {
	name   string
	params []param
	// result is the kind it gives; NoKind means that of its first argument.
	result  steward.Kind
	percent bool // people read it as a percentage
	// window is what facts is asked for, where the function is a plain window.
	window  facts.Fn
	plain   bool
	doc     string
	example string
}

var (
	ofMetric = param{name: "metric", takes: takesMetric}
	ofWindow = param{name: "window", takes: takesWindow}
)

// table is every function of the language, in the order in which a reader
// wants to meet them.
var table = []*function{
	{name: "sum", params: []param{ofMetric, ofWindow}, result: steward.NumberKind, window: facts.Sum, plain: true,
		doc: "The metric's values over the window, added up.", example: "sum(logins, 28d) > 100"},
	{name: "avg", params: []param{ofMetric, ofWindow}, result: steward.NumberKind, window: facts.Avg, plain: true,
		doc: "The metric's mean per day over the window; days without activity count.", example: "avg(logins, 14d) >= 1"},
	{name: "min", params: []param{ofMetric, ofWindow}, result: steward.NumberKind, window: facts.Min, plain: true,
		doc: "The metric's lowest day in the window.", example: "min(active_users, 28d) == 0"},
	{name: "max", params: []param{ofMetric, ofWindow}, result: steward.NumberKind, window: facts.Max, plain: true,
		doc: "The metric's highest day in the window.", example: "max(active_users, 28d) > seats"},
	{name: "last", params: []param{ofMetric}, result: steward.NumberKind, window: facts.Last, plain: true,
		doc: "The metric's value on the last complete day.", example: "last(active_users) / seats < 25%"},
	{name: "active_days", params: []param{ofMetric, ofWindow}, result: steward.NumberKind, window: facts.ActiveDays, plain: true,
		doc: "On how many days of the window the metric was above zero: a number.", example: "active_days(logins, 14d) <= 3"},
	{name: "quiet_days", params: []param{ofMetric}, result: steward.DurationKind, window: facts.QuietDays, plain: true,
		doc: "How long ago the metric was last above zero, seen from the last complete day: a duration. An account that was never active is quiet since it began.", example: "quiet_days(logins) >= 14d"},
	{name: "change", params: []param{ofMetric, ofWindow, {name: "ago", takes: takesWindow, optional: true}}, result: steward.NumberKind, percent: true,
		doc: "The window against the one before it, or against the same window that long ago, as a share of the older one: 50% is half as much again. From zero to zero it is 0; from zero to more it is unknown.", example: "change(logins, 28d, 52w) < -30%"},
	{name: "drop", params: []param{ofMetric, ofWindow, {name: "ago", takes: takesWindow, optional: true}}, result: steward.NumberKind, percent: true,
		doc: "The negative of change: 50% is half as much as before.", example: "drop(logins, 14d) >= 50%"},
	{name: "was", params: []param{{name: "expression", takes: takesAny}, {name: "ago", takes: takesWindow}},
		doc: "The expression as it was that many days ago. It reads metrics and dates written out; fields have no past yet.", example: "was(avg(logins, 14d), 14d) >= 1"},
	{name: "at_open", params: []param{{name: "expression", takes: takesAny}},
		doc: "The expression as it was when the episode began; kept with the episode, so that recovery is measured against what was before the drop.", example: "avg(logins, 14d) >= at_open(was(avg(logins, 14d), 14d))"},
	{name: "recovered", params: []param{ofMetric, ofWindow}, result: steward.NumberKind, percent: true,
		doc: "How much of the old level is back: avg(metric, window) / at_open(was(avg(metric, window), window)). Against an old level of zero, or one that is not known, it is 0 while the average is zero, else 100%.", example: "recovered(logins, 14d) >= 80%"},
	{name: "days_until", params: []param{{name: "date", takes: takesDate}}, result: steward.DurationKind,
		doc: "How long it is until the date; negative when it has passed.", example: "days_until(renewal_date) <= 120d"},
	{name: "days_since", params: []param{{name: "date", takes: takesDate}}, result: steward.DurationKind,
		doc: "How long ago the date was; negative while it is to come.", example: "days_since(start_date) >= 45d"},
	{name: "known", params: []param{{name: "expression", takes: takesAny}}, result: steward.FlagKind,
		doc: "Whether the expression has a value: never unknown itself.", example: "known(seats) and seats > 0"},
}

var functions = func() map[string]*function {
	out := map[string]*function{}
	for _, f := range table {
		out[f.name] = f
	}
	return out
}()

// promised is the names that the language keeps for what it does not do yet:
// using one is told apart from misspelling one.
var promised = []string{"trend", "unusual", "vs_peers", "adopted", "adoption", "utilization", "days_in_stage", "stuck",
	"escalated", "renewing", "reached", "overdue", "days_since_reached", "health", "health_of", "grade", "scale", "people", "engaged",
	"touches", "days_since_touch", "nps", "csat", "tickets", "oldest_ticket", "objective", "objective_due", "fired",
	"mailed", "changed", "days_since_change"}

// others is names that people bring along from elsewhere, and ours.
var others = map[string]string{"average": "avg", "mean": "avg", "total": "sum", "minimum": "min", "maximum": "max", "latest": "last",
	"current": "last", "days_to": "days_until", "days_ago": "days_since", "age": "days_since", "decline": "drop", "decrease": "drop",
	"fall": "drop", "growth": "change", "increase": "change", "ago": "was", "before": "was", "is_known": "known", "exists": "known"}

// A FunctionDoc documents one function of the language.
type FunctionDoc struct {
	Name      string `json:"name"`
	Signature string `json:"signature"` // drop(metric, window[, ago])
	Doc       string `json:"doc"`
	Example   string `json:"example"` // a whole expression that uses it
}

// Functions is every function, in an order good to read.
func Functions() []FunctionDoc {
	out := make([]FunctionDoc, 0, len(table))
	for _, f := range table {
		out = append(out, FunctionDoc{f.name, f.signature(), f.doc, f.example})
	}
	return out
}

func (f *function) signature() string {
	var b strings.Builder
	b.WriteString(f.name + "(")
	for i, p := range f.params {
		sep := ""
		if i > 0 {
			sep = ", "
		}
		if p.optional {
			b.WriteString("[" + sep + p.name + "]")
		} else {
			b.WriteString(sep + p.name)
		}
	}
	return b.String() + ")"
}

// least is how many arguments a call must have.
func (f *function) least() int {
	n := slices.IndexFunc(f.params, func(p param) bool { return p.optional })
	if n < 0 {
		return len(f.params)
	}
	return n
}
