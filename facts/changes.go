package facts

import (
	"fmt"
	"strings"

	"steward"
)

// lookBack is how many days are gone through for the last change of a fact
// that follows from rules: no history of those is kept among fields.
const lookBack = 120

// turns is the days on which a given field became another, oldest first, and
// the first day that its history tells of; false where there is none. Of
// several changes on a day only whether the day ended on another value counts.
func (r reading) turns(name string) (days []steward.Day, since steward.Day, ok bool) {
	key := r.historyOf(name)
	past, ok := r.frame.in.Portfolio.History[key]
	if !ok || past.Since > r.today() {
		return nil, past.Since, false
	}
	var was steward.Value
	begun := false
	for i, c := range past.Changes {
		if c.Field != name || c.Day > r.today() || supersededOnItsDay(past.Changes, i) {
			continue
		}
		if begun && c.Value != was && (c.Value.Known || was.Known) {
			days = append(days, c.Day)
		}
		was, begun = c.Value, true
	}
	return days, past.Since, true
}

// supersededOnItsDay tells a change that another one of the same field and day
// came after.
func supersededOnItsDay(changes []steward.FieldChange, i int) bool {
	for _, later := range changes[i+1:] {
		if later.Day != changes[i].Day {
			return false
		}
		if later.Field == changes[i].Field {
			return true
		}
	}
	return false
}

// historyOf is whose history tells of a field: the subject's own where it has
// the field itself, else its account's.
func (r reading) historyOf(name string) steward.HistoryKey {
	if _, own := ownField(r.kind, name); own {
		return r.key(r.row)
	}
	if _, builtin := accountField(&steward.Account{}, name); !builtin && r.more(r.row)[name].Known {
		return r.key(r.row)
	}
	return r.accountKey(r.row)
}

// follows tells a field that rules answer, so that no history holds it.
func (r reading) follows() bool {
	if _, own := ownField(r.kind, r.q.Text); own {
		return false
	}
	_, ok := r.derived(Question{Ask: r.q.Text})
	return ok
}

// changed is whether a field became another within the window.
func changed(r reading) steward.Value {
	if r.follows() {
		_, found, all := r.lastTurn(r.q.Days)
		if !found && !all {
			return steward.Value{}
		}
		return steward.Bool(found)
	}
	if r.frame.in.Portfolio.History == nil {
		return steward.Bool(false)
	}
	days, since, ok := r.turns(r.q.Text)
	if len(days) > 0 && r.within(days[len(days)-1]) {
		return steward.Bool(true)
	}
	if !ok || since > r.today()-steward.Day(r.q.Days) {
		return steward.Value{}
	}
	return steward.Bool(false)
}

// sinceChange is how long ago a field last became another.
func sinceChange(r reading) steward.Value {
	if r.follows() {
		back, found, _ := r.lastTurn(lookBack)
		if !found {
			return steward.Value{}
		}
		return steward.Days(float64(back))
	}
	days, _, _ := r.turns(r.q.Text)
	if len(days) == 0 {
		return steward.Value{}
	}
	return steward.Days(float64(r.today() - days[len(days)-1]))
}

// lastTurn is how many days back a fact became another, looking at w days; all
// tells that it was known on each of them and on the one before.
func (r reading) lastTurn(w int) (back int, found, all bool) {
	now := r.field(r.q.Text, 0)
	for back := range w {
		before := r.field(r.q.Text, back+1)
		if !now.Known || !before.Known {
			return 0, false, false
		}
		if now != before {
			return back, true, true
		}
		now = before
	}
	return 0, false, true
}

func whyChanged(r reading) string {
	plain := strings.ReplaceAll(r.q.Text, "_", " ")
	if r.follows() {
		for back := range r.q.Days + 1 {
			if why := r.WhyField(r.row, r.q.Text, r.shift+back); why != "" {
				return why
			}
		}
	}
	if past, ok := r.frame.in.Portfolio.History[r.historyOf(r.q.Text)]; ok {
		return fmt.Sprintf("what %s was is recorded from %s on; this is known from %s on", plain, past.Since, past.Since+steward.Day(r.shift+r.q.Days))
	}
	return "what " + plain + " was is not recorded"
}

func whySinceChange(r reading) string {
	plain := strings.ReplaceAll(r.q.Text, "_", " ")
	if r.follows() {
		return fmt.Sprintf("no change of %s is known within %s", plain, plural(lookBack, "day"))
	}
	if past, ok := r.frame.in.Portfolio.History[r.historyOf(r.q.Text)]; ok {
		return fmt.Sprintf("no change of %s is recorded since %s", plain, past.Since)
	}
	return "no change of " + plain + " is recorded"
}
