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
	takesNumber
	takesField // the bare name of a field
	takesName  // a name in quotes; what it may name is the parameter's name
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
	scored  bool // it is in points, to 100
	// window is what facts is asked for, where the function is a plain window.
	window facts.Fn
	plain  bool
	// asks tells a function whose answer facts or the book has, as a
	// facts.Question.
	asks    bool
	doc     string
	example string
}

var (
	ofMetric = param{name: "metric", takes: takesMetric}
	ofWindow = param{name: "window", takes: takesWindow}
	ofRole   = param{name: "role", takes: takesName}
	anyRole  = param{name: "role", takes: takesName, optional: true}
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
	{name: "trend", params: []param{ofMetric, ofWindow}, result: steward.NumberKind, percent: true, window: facts.Trend, plain: true,
		doc: "How much the metric rises from the window's first day to its last, as a share of its mean there; negative when it falls. A few odd days do not move it (it is the median of the slopes between all pairs of days; over more than 90 days, of weeks). Unknown where the mean is 0.", example: "trend(active_users, 56d) <= -30%"},
	{name: "unusual", params: []param{ofMetric, ofWindow}, result: steward.NumberKind, window: facts.Unusual, plain: true,
		doc: "How far the window's mean per day is from the account's own eight windows before it, in robust standard deviations (from their median, by their median absolute deviation, or by the mean one where that is 0); negative below. Unknown with fewer than four earlier windows, or where these were all alike and this one is not.", example: "unusual(logins, 7d) <= -3"},
	{name: "vs_peers", params: []param{ofMetric, ofWindow, {name: "ago", takes: takesWindow, optional: true}}, result: steward.NumberKind, percent: true,
		doc: "The metric's change less the median change in the account's segment, itself included, so that Christmas is not churn; against the window before it, or against the same window that long ago, as change has it. Unknown without a segment, or with fewer than five accounts of it whose change is known.", example: "vs_peers(logins, 14d) <= -40%"},
	{name: "was", params: []param{{name: "expression", takes: takesAny}, {name: "ago", takes: takesWindow}},
		doc: "The expression as it was that many days ago. Fields are read from their recorded history, and are unknown before it begins.", example: "was(avg(logins, 14d), 14d) >= 1 and was(arr, 90d) > arr"},
	{name: "changed", params: []param{{name: "field", takes: takesField}, ofWindow}, result: steward.FlagKind, asks: true,
		doc: "Whether the field became another within the window, by its recorded history; true as soon as one change is recorded, false only where the history reaches over the whole window.", example: "changed(owner, 30d)"},
	{name: "days_since_change", params: []param{{name: "field", takes: takesField}}, result: steward.DurationKind, asks: true,
		doc: "How long ago the field last became another; unknown where no change is recorded. Of what rules work out, such as health and grade, the last 120 days are looked through.", example: "days_since_change(segment) <= 30d"},
	{name: "at_open", params: []param{{name: "expression", takes: takesAny}},
		doc: "The expression as it was when the episode began; kept with the episode, so that recovery is measured against what was before the drop.", example: "avg(logins, 14d) >= at_open(was(avg(logins, 14d), 14d))"},
	{name: "recovered", params: []param{ofMetric, ofWindow}, result: steward.NumberKind, percent: true,
		doc: "How much of the old level is back: avg(metric, window) / at_open(was(avg(metric, window), window)). Against an old level of zero, or one that is not known, it is 0 while the average is zero, else 100%.", example: "recovered(logins, 14d) >= 80%"},
	{name: "days_until", params: []param{{name: "date", takes: takesDate}}, result: steward.DurationKind,
		doc: "How long it is until the date; negative when it has passed.", example: "days_until(renewal_date) <= 120d"},
	{name: "days_since", params: []param{{name: "date", takes: takesDate}}, result: steward.DurationKind,
		doc: "How long ago the date was; negative while it is to come.", example: "days_since(start_date) >= 45d"},
	{name: "adopted", params: []param{{name: "feature", takes: takesName}, ofWindow}, result: steward.FlagKind, asks: true,
		doc: "Whether the feature was used within the window: some metric that names it as its feature was above zero.", example: "not adopted('reporting', 28d)"},
	{name: "adoption", params: []param{ofWindow}, result: steward.NumberKind, percent: true, asks: true,
		doc: "The share of licensed features that were used within the window. Licensed are the features of the account's products that run on that day, as far as some metric is use of them; every feature that a metric names, where no product lists any.", example: "adoption(28d) < 50%"},
	{name: "utilization", params: []param{ofWindow}, result: steward.NumberKind, percent: true, asks: true,
		doc: "Active users over seats: the mean of the metric active_users over the window, divided by the field seats (a product's own, in a playbook about products).", example: "utilization(28d) < 50%"},
	{name: "reached", params: []param{{name: "milestone", takes: takesName}}, result: steward.FlagKind, asks: true,
		doc: "Whether the account has reached a milestone of the journey.", example: "reached('kickoff') and not reached('first_value')"},
	{name: "overdue", params: []param{{name: "milestone", takes: takesName}}, result: steward.FlagKind, asks: true,
		doc: "Whether a milestone is not reached though its time has passed, counted from the day the account entered the milestone's stage.", example: "overdue('first_value')"},
	{name: "days_since_reached", params: []param{{name: "milestone", takes: takesName}}, result: steward.DurationKind, asks: true,
		doc: "How long ago the milestone was reached; unknown while it is not.", example: "days_since_reached('kickoff') >= 60d"},
	{name: "health_of", params: []param{{name: "part", takes: takesName}}, result: steward.NumberKind, scored: true, asks: true,
		doc: "One part of the account's health score, 0 to 100.", example: "health_of('usage') < 40"},
	{name: "scale", params: []param{{name: "x", takes: takesNumber}, {name: "lo", takes: takesNumber}, {name: "hi", takes: takesNumber}}, result: steward.NumberKind, scored: true,
		doc: "x as a score: 0 at lo, 100 at hi, a straight line between, no less and no more; lo above hi turns it round.", example: "scale(active_days(logins, 14d), 0, 10) < 40"},
	{name: "people", params: []param{ofRole}, result: steward.NumberKind, asks: true,
		doc: "How many people at the account have the role, in upper or lower case. Those who left are counted as of the days on which they were there.", example: "people('champion') == 0"},
	{name: "engaged", params: []param{ofRole, ofWindow}, result: steward.NumberKind, asks: true,
		doc: "How many people with the role were called, met or written with, replied, answered a survey or used the product (their last_seen) within the window.", example: "engaged('champion', 28d) == 0 and people('champion') > 0"},
	{name: "touches", params: []param{ofRole, ofWindow}, result: steward.NumberKind, asks: true,
		doc: "How many calls, meetings and mails of ours reached somebody with the role within the window; notes do not count.", example: "touches('economic_buyer', 90d) == 0"},
	{name: "days_since_touch", params: []param{anyRole}, result: steward.DurationKind, asks: true,
		doc: "How long ago one of us last called, met or wrote with somebody of the role, or with anybody at the account; unknown where no touch is recorded, so give it a default where that should count: days_since_touch('economic_buyer') ?? 999d.", example: "days_since_touch('economic_buyer') > 30d"},
	{name: "nps", params: []param{anyRole}, result: steward.NumberKind, scored: true, asks: true,
		doc: "The net promoter score of the account, or of its people with the role, -100 to 100: the share of people who answered 9 or 10 less those who answered 0 to 6, each by their latest answer within a year.", example: "nps() < 0"},
	{name: "csat", params: []param{ofWindow}, result: steward.NumberKind, percent: true, asks: true,
		doc: "The share of answers within the window that were satisfied: 4 or 5 of 5.", example: "csat(90d) < 60%"},
	{name: "tickets", params: []param{{name: "priority", takes: takesName}}, result: steward.NumberKind, asks: true,
		doc: "How many support tickets are open: 'open' counts all, 'urgent' those of priority urgent, critical, blocker, highest, p1 or sev1, another word those of that priority.", example: "tickets('urgent') > 0"},
	{name: "oldest_ticket", params: []param{}, result: steward.DurationKind, asks: true,
		doc: "For how long the oldest open ticket has been open; 0d when none is.", example: "oldest_ticket() > 10d"},
	{name: "objective", params: []param{{name: "objective", takes: takesName}}, result: steward.NumberKind, percent: true, asks: true,
		doc: "How far the account has come from the objective's baseline to its target: 100% is reached. A count is read as its mean per day over 28 days, a gauge as it is. Of several objectives of one name the one due last is meant.", example: "objective('daily calls') < 50% and days_until(objective_due('daily calls')) <= 30d"},
	{name: "objective_due", params: []param{{name: "objective", takes: takesName}}, result: steward.DateKind, asks: true,
		doc: "When the objective is due.", example: "days_until(objective_due('daily calls')) <= 14d"},
	{name: "fired", params: []param{{name: "playbook", takes: takesName}, ofWindow}, result: steward.FlagKind, asks: true,
		doc: "Whether the playbook opened for the account within the window.", example: "fired('login-drop', 90d)"},
	{name: "mailed", params: []param{ofWindow}, result: steward.FlagKind, asks: true,
		doc: "Whether a mail of ours went, or may have gone, to the account's people within the window; of a person, to them.", example: "not mailed(14d)"},
	{name: "family", params: []param{{name: "expression", takes: takesAny}, {name: "how", takes: takesName}},
		doc: "The expression over the account and all accounts below it, by their parents: 'sum', 'avg', 'min' or 'max' of numbers, 'any' or 'all' of what is true or false. Unknown where one of them is, except that one true is any and one false is not all.", example: "family(arr, 'sum') >= 100k and family(escalated, 'any')"},
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

// shortest is a call with the arguments that it cannot do without; a name
// stands for itself, as people do not guess the quotes.
func (f *function) shortest() string {
	var args []string
	for _, p := range f.params[:f.least()] {
		switch p.takes {
		case takesWindow:
			args = append(args, "14d")
		case takesName:
			args = append(args, "'"+exampleName[p.name]+"'")
		default:
			args = append(args, p.name)
		}
	}
	return f.name + "(" + strings.Join(args, ", ") + ")"
}

// exampleName is what a hint writes for a name in quotes.
var exampleName = map[string]string{"role": "champion", "priority": "urgent", "feature": "reporting", "milestone": "kickoff", "part": "usage",
	"objective": "daily calls", "playbook": "login-drop", "how": "sum"}

// least is how many arguments a call must have.
func (f *function) least() int {
	n := slices.IndexFunc(f.params, func(p param) bool { return p.optional })
	if n < 0 {
		return len(f.params)
	}
	return n
}
