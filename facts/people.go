package facts

import (
	"fmt"
	"slices"

	"steward"
)

// npsDays is how long an answer to a recommendation survey stands.
const npsDays = 365

// peopleCount is how many people have a role.
func peopleCount(r reading) steward.Value {
	all, ok := r.people(r.row, r.shift)
	if !ok {
		return steward.Value{}
	}
	n := 0
	for _, p := range all {
		if p.is(r.q.Text) {
			n++
		}
	}
	return steward.Num(float64(n))
}

func whyPeople(r reading) string {
	if !r.feeds("contacts") {
		return missing("contacts")
	}
	began, ok := r.frame.recorded(steward.AboutContact)
	if !ok {
		return "who was at this account on " + r.today().String() + " is not recorded"
	}
	return fmt.Sprintf("who was at this account is recorded from %s on; this is known from %s on", began, began+steward.Day(r.shift))
}

// engaged is how many people with a role were met or written with, replied,
// answered a survey or used the product within the window. Of somebody who did nothing of
// it but has used the product since, it is not known what they did then.
func engaged(r reading) steward.Value {
	all, ok := r.people(r.row, r.shift)
	if !ok {
		return steward.Value{}
	}
	n := 0
	for _, p := range all {
		switch {
		case !p.is(r.q.Text):
		case r.active(p):
			n++
		case p.lost:
			return steward.Value{}
		}
	}
	return steward.Num(float64(n))
}

func (r reading) active(p person) bool {
	if r.within(p.seen) {
		return true
	}
	d := r.own()
	if slices.ContainsFunc(r.frame.in.Portfolio.Dealings[r.Account(r.row).ID].Replied[p.id], r.within) {
		return true
	}
	return slices.ContainsFunc(d.touches, func(t steward.Touch) bool {
		return t.Contact == p.id && (t.Reached() || t.Kind == steward.TouchReply) && r.within(t.Day)
	}) ||
		slices.ContainsFunc(d.surveys, func(s steward.Survey) bool { return s.Contact == p.id && r.within(s.Day) })
}

func whyEngaged(r reading) string {
	if _, ok := r.people(r.row, r.shift); !ok {
		return whyPeople(r)
	}
	return fmt.Sprintf("somebody used the product after %s, and when they last had by then is not recorded", r.today())
}

// reached is the touches of an account with somebody of a role, up to the day
// that is read; "" is any touch, of whomever.
func (r reading) reached(role string) ([]steward.Touch, bool) {
	if !r.feeds("touches") {
		return nil, false
	}
	var all []person
	if role != "" {
		var ok bool
		if all, ok = r.people(r.row, r.shift); !ok {
			return nil, false
		}
	}
	var out []steward.Touch
	for _, t := range r.own().touches {
		has := role == "" || slices.ContainsFunc(all, func(p person) bool { return p.id == t.Contact && p.is(role) })
		if has && t.Reached() && t.Day != steward.NoDay && t.Day <= r.today() {
			out = append(out, t)
		}
	}
	return out, true
}

func touchCount(r reading) steward.Value {
	all, ok := r.reached(r.q.Text)
	if !ok {
		return steward.Value{}
	}
	n := 0
	for _, t := range all {
		if r.within(t.Day) {
			n++
		}
	}
	return steward.Num(float64(n))
}

func whyTouches(r reading) string {
	if !r.feeds("touches") {
		return missing("touches")
	}
	return whyPeople(r)
}

// sinceTouch is how long ago the last touch was.
func sinceTouch(r reading) steward.Value {
	all, ok := r.reached(r.q.Text)
	if !ok || len(all) == 0 {
		return steward.Value{}
	}
	last := steward.NoDay
	for _, t := range all {
		last = max(last, t.Day)
	}
	return steward.Days(float64(r.today() - last))
}

func whySinceTouch(r reading) string {
	if _, ok := r.reached(r.q.Text); !ok {
		return whyTouches(r)
	}
	if r.q.Text == "" {
		return "no touch with this account is recorded"
	}
	return "no touch with somebody who is " + plainRole(r.q.Text) + " is recorded"
}

// answered is the surveys of a kind that were answered within a number of days,
// by people with a role; "" is anybody.
func (r reading) answered(kind steward.SurveyKind, days int, role string) ([]steward.Survey, bool) {
	if !r.feeds("surveys") {
		return nil, false
	}
	var all []person
	if role != "" {
		var ok bool
		if all, ok = r.people(r.row, r.shift); !ok {
			return nil, false
		}
	}
	r.q.Days = days
	var out []steward.Survey
	for _, s := range r.own().surveys {
		has := role == "" || slices.ContainsFunc(all, func(p person) bool { return p.id == s.Contact && p.is(role) })
		if s.Kind == kind && has && r.within(s.Day) {
			out = append(out, s)
		}
	}
	return out, true
}

// nps is the share of promoters less that of detractors, in points: of each
// person the latest answer counts, and every answer that names nobody.
func nps(r reading) steward.Value {
	all, ok := r.answered(steward.NPS, npsDays, r.q.Text)
	if !ok {
		return steward.Value{}
	}
	latest := map[steward.ContactID]steward.Survey{}
	var counted []steward.Survey
	for _, s := range all {
		if s.Contact == "" {
			counted = append(counted, s)
		} else if other, ok := latest[s.Contact]; !ok || s.Day > other.Day || s.Day == other.Day && s.ID > other.ID {
			latest[s.Contact] = s
		}
	}
	for _, s := range latest {
		counted = append(counted, s)
	}
	points := 0
	for _, s := range counted {
		if s.Score >= 9 {
			points += 100
		} else if s.Score <= 6 {
			points -= 100
		}
	}
	if len(counted) == 0 {
		return steward.Value{}
	}
	return steward.Num(float64(points) / float64(len(counted)))
}

// csat is the share of answers that were 4 or 5 of 5.
func csat(r reading) steward.Value {
	all, ok := r.answered(steward.CSAT, r.q.Days, "")
	if !ok || len(all) == 0 {
		return steward.Value{}
	}
	satisfied := 0
	for _, s := range all {
		if s.Score >= 4 {
			satisfied++
		}
	}
	return steward.Num(float64(satisfied) / float64(len(all)))
}

func whySurveys(r reading) string {
	if !r.feeds("surveys") {
		return missing("surveys")
	}
	kind, days := steward.NPS, npsDays
	if r.q.Ask == "csat" {
		kind, days = steward.CSAT, r.q.Days
	}
	if _, ok := r.answered(kind, days, r.q.Text); !ok {
		return whyPeople(r)
	}
	who := "nobody"
	if r.q.Text != "" {
		who = "nobody who is " + plainRole(r.q.Text)
	}
	return fmt.Sprintf("%s answered a survey of that kind in the %s to %s", who, plural(days, "day"), r.today())
}
