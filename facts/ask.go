package facts

import (
	"slices"
	"strings"

	"steward"
)

// An answer is how one question of the language about the people, tickets,
// surveys, objectives, history and dealings of an account is worked out. Their
// lists are short, so one way to the answer serves both columns and single
// rows; windows and fields, of which there are many, come from columns for all
// rows and from the definition for one.
type answer struct {
	kind  steward.Kind
	value func(r reading) steward.Value
	// why says why the value is unknown.
	why func(r reading) string
}

// answers is every question that facts answers itself, by its name in the
// language.
func answers(ask string) (answer, bool) {
	const number, flag, date, duration = steward.NumberKind, steward.FlagKind, steward.DateKind, steward.DurationKind
	switch ask {
	case "changed":
		return answer{flag, changed, whyChanged}, true
	case "days_since_change":
		return answer{duration, sinceChange, whySinceChange}, true
	case "adopted":
		return answer{flag, adopted, whyAdopted}, true
	case "adoption":
		return answer{number, adoption, whyAdoption}, true
	case "utilization":
		return answer{number, utilization, whyUtilization}, true
	case "people":
		return answer{number, peopleCount, whyPeople}, true
	case "engaged":
		return answer{number, engaged, whyEngaged}, true
	case "touches":
		return answer{number, touchCount, whyTouches}, true
	case "days_since_touch":
		return answer{duration, sinceTouch, whySinceTouch}, true
	case "nps":
		return answer{number, nps, whySurveys}, true
	case "csat":
		return answer{number, csat, whySurveys}, true
	case "tickets":
		return answer{number, ticketCount, noTickets}, true
	case "oldest_ticket":
		return answer{duration, oldestTicket, noTickets}, true
	case "objective":
		return answer{number, objective, whyObjective}, true
	case "objective_due":
		return answer{date, objectiveDue, whyObjective}, true
	case "fired":
		return answer{flag, fired, noDealings}, true
	case "mailed":
		return answer{flag, mailed, noDealings}, true
	}
	return answer{}, false
}

// A reading is a question asked of one row, shift days back.
type reading struct {
	*View
	row, shift int
	q          Question
	// all tells that every row is being asked, so that columns pay.
	all bool
}

func (r reading) today() steward.Day { return r.Today(r.shift) }

// within tells whether a day lies in the window of the question, which ends on
// the day that is read: what happens to people has no incomplete days.
func (r reading) within(d steward.Day) bool {
	return d != steward.NoDay && d <= r.today() && int(r.today()-d) < r.q.Days
}

func (r reading) window(fn Fn, metric string, w int) steward.Value {
	if r.all {
		return r.Window(fn, metric, w, r.shift).Value(r.row)
	}
	return r.WindowAt(r.row, fn, metric, w, r.shift)
}

func (r reading) field(name string, back int) steward.Value {
	if r.all {
		return r.Field(name, r.shift+back).Value(r.row)
	}
	return r.FieldAt(r.row, name, r.shift+back)
}

func (r reading) own() *dossier { return r.frame.dossier(r.Account(r.row).ID) }

func (r reading) feeds(kind string) bool { return r.frame.in.Portfolio.Feeds(kind) }

// missing says which file would tell what is asked.
func missing(kind string) string {
	return "no source feeds " + kind + ": add a file, such as " + kind + ": " + kind + ".csv, to a source in steward.yaml"
}

func questionKind(q Question) (steward.Kind, bool) {
	a, ok := answers(q.Ask)
	return a.kind, ok
}

func (v *View) answer(row int, q Question, shift int, all bool) steward.Value {
	a, ok := answers(q.Ask)
	if !ok {
		return steward.Value{}
	}
	x := a.value(reading{v, row, shift, q, all})
	if !x.Known {
		return steward.Unknown(a.kind)
	}
	return x
}

func (v *View) whyAnswer(row int, q Question, shift int) string {
	a, ok := answers(q.Ask)
	if !ok {
		return "nothing in this workspace tells " + q.Ask
	}
	return a.why(reading{v, row, shift, q, false})
}

// adopted is whether some metric that is use of the feature was above zero.
func adopted(r reading) steward.Value { return r.uses(r.q.Text).Value() }

// uses is whether a feature was used within the window.
func (r reading) uses(feature string) steward.Verdict {
	out, measured := steward.Fails, false
	for _, t := range r.frame.tracks {
		if t.Spec.Feature == "" || !strings.EqualFold(t.Spec.Feature, feature) {
			continue
		}
		measured = true
		used := steward.Unclear
		if days := r.window(ActiveDays, t.Spec.Name, r.q.Days); days.Known {
			used = steward.Bool(days.Num > 0).Verdict()
		}
		out = out.Or(used)
	}
	if !measured {
		return steward.Unclear
	}
	return out
}

func whyAdopted(r reading) string {
	for _, t := range r.frame.tracks {
		if t.Spec.Feature == "" || !strings.EqualFold(t.Spec.Feature, r.q.Text) {
			continue
		}
		if why := r.WhyUnknown(r.row, ActiveDays, t.Spec.Name, r.q.Days, r.shift); why != "" {
			return why
		}
	}
	return "no metric says that it is use of " + r.q.Text
}

// adoption is the share of licensed features that were used.
func adoption(r reading) steward.Value {
	features, ok := r.licensed()
	used := 0.0
	for _, f := range features {
		switch r.uses(f) {
		case steward.Unclear:
			return steward.Value{}
		case steward.Holds:
			used++
		}
	}
	if !ok || len(features) == 0 {
		return steward.Value{}
	}
	return steward.Num(used / float64(len(features)))
}

// licensed is the features that the account's products cover on the day that is
// read and that some metric is use of: what nobody measures cannot be told of.
// Where no product lists any it is all that are measured. It is unknown where
// the products' history does not reach.
func (r reading) licensed() ([]string, bool) {
	measured := r.measured()
	var out []string
	listed := false
	for _, p := range r.own().products {
		if p.StartDate != steward.NoDay && p.StartDate > r.today() || p.EndDate != steward.NoDay && p.EndDate < r.today() {
			continue
		}
		key := steward.HistoryKey{Kind: steward.AboutProduct, ID: string(p.ID)}
		if !r.reaches(key, r.shift) {
			return nil, false
		}
		now, _ := productField(&p, "features")
		for f := range strings.SplitSeq(r.asOf(key, "features", now, r.shift).Text, ", ") {
			listed = listed || f != ""
			is := func(other string) bool { return strings.EqualFold(f, other) }
			if slices.ContainsFunc(measured, is) && !slices.ContainsFunc(out, is) {
				out = append(out, f)
			}
		}
	}
	if !listed {
		return measured, true
	}
	return out, true
}

// measured is every feature that some metric is use of.
func (r reading) measured() []string {
	var out []string
	for _, t := range r.frame.tracks {
		f := t.Spec.Feature
		if f != "" && !slices.ContainsFunc(out, func(o string) bool { return strings.EqualFold(f, o) }) {
			out = append(out, f)
		}
	}
	return out
}

func whyAdoption(r reading) string {
	features, ok := r.licensed()
	switch {
	case !ok:
		return "which features were licensed on " + r.today().String() + " is not recorded"
	case len(features) == 0:
		return "no metric says that it is use of a feature that this account has licensed"
	}
	for _, f := range features {
		if r.q.Text = f; r.uses(f) == steward.Unclear {
			return whyAdopted(r)
		}
	}
	return "adoption is not known"
}

// utilization is active users over seats.
func utilization(r reading) steward.Value {
	users, seats := r.window(Avg, "active_users", r.q.Days), r.field("seats", 0)
	if !users.Known || !seats.Known || seats.Kind != steward.NumberKind || seats.Num == 0 {
		return steward.Value{}
	}
	return steward.Num(users.Num / seats.Num)
}

func whyUtilization(r reading) string {
	if why := r.WhyUnknown(r.row, Avg, "active_users", r.q.Days, r.shift); why != "" {
		return why
	}
	if why := r.WhyField(r.row, "seats", r.shift); why != "" {
		return why
	}
	return "seats is 0, and nothing can be divided by 0"
}

// fired is whether a playbook opened for the account.
func fired(r reading) steward.Value {
	all := r.frame.in.Portfolio.Dealings
	if all == nil {
		return steward.Value{}
	}
	days := all[r.Account(r.row).ID].Fired[steward.PlaybookName(r.q.Text)]
	return steward.Bool(slices.ContainsFunc(days, r.within))
}

// mailed is whether mail of ours went to the account's people, or to the person
// that the row is about.
func mailed(r reading) steward.Value {
	all := r.frame.in.Portfolio.Dealings
	if all == nil {
		return steward.Value{}
	}
	mails := all[r.Account(r.row).ID].Mailed
	if c := r.Contact(r.row); c != nil {
		return steward.Bool(slices.ContainsFunc(mails[c.ID], r.within))
	}
	for _, days := range mails {
		if slices.ContainsFunc(days, r.within) {
			return steward.Bool(true)
		}
	}
	return steward.Bool(false)
}

func noDealings(reading) string { return "what was opened and mailed before is not at hand" }
