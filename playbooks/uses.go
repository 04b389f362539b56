package playbooks

import (
	"cmp"
	"slices"
	"time"

	"steward"
)

// A Use is what became of a playbook's enrolments: what was opened, and what
// people and time made of it. Those of the holdout are counted apart, as nobody
// heard of them.
type Use struct {
	Playbook steward.PlaybookName `json:"playbook"`
	// Opened is the enrolments that spoke, Accounts how many accounts they were
	// about, Holdout those of which nothing was said.
	Opened   int `json:"opened"`
	Accounts int `json:"accounts"`
	Holdout  int `json:"holdout"`
	// Acted is those that somebody took on, finished, or did a task of.
	Acted int `json:"acted"`
	// Judged is those of which somebody showed what they thought: acted on, or
	// called not useful. Unhelpful is the latter, by reason.
	Judged    int            `json:"judged"`
	Unhelpful map[string]int `json:"unhelpful,omitempty"`
	// Replied is those to whose mail a person at the customer replied.
	Replied int `json:"replied"`
	// Recovered is those that ended by recovery, Reached those that reached the
	// playbook's goal.
	Recovered int `json:"recovered"`
	Reached   int `json:"reached"`
}

// Useful is how many of the judged were not called not useful.
func (u Use) Useful() int { return u.Judged - u.unhelpful() }

func (u Use) unhelpful() int {
	n := 0
	for _, of := range u.Unhelpful {
		n += of
	}
	return n
}

// MostlyUnhelpful tells a playbook that most people who showed what they thought
// of it call not useful. Of fewer than five it says nothing.
func (u Use) MostlyUnhelpful() bool { return u.Judged >= 5 && 2*u.unhelpful() > u.Judged }

// UseWindow is how far back a playbook's use is looked at where nothing else is
// said: long enough for a handful of cards of a quiet playbook, short enough for
// one that was mended to be forgiven.
const UseWindow = 90 * 24 * time.Hour

// Uses counts what became of enrolments, by playbook, in order of their names.
func Uses(enrolments []steward.Enrolment) []Use {
	by := map[steward.PlaybookName]*Use{}
	accounts := map[steward.PlaybookName]map[steward.AccountID]bool{}
	for _, e := range enrolments {
		u := by[e.Playbook]
		if u == nil {
			u = &Use{Playbook: e.Playbook, Unhelpful: map[string]int{}}
			by[e.Playbook], accounts[e.Playbook] = u, map[steward.AccountID]bool{}
		}
		if e.Arm == steward.Holdout {
			u.Holdout++
			continue
		}
		u.count(e)
		accounts[e.Playbook][e.Subject.Account] = true
	}
	out := make([]Use, 0, len(by))
	for name, u := range by {
		u.Accounts = len(accounts[name])
		out = append(out, *u)
	}
	slices.SortFunc(out, func(a, b Use) int { return cmp.Compare(a.Playbook, b.Playbook) })
	return out
}

func (u *Use) count(e steward.Enrolment) {
	u.Opened++
	acted := !e.AckedAt.IsZero() || !e.FinishedAt.IsZero() || !e.DoneAt.IsZero()
	if acted {
		u.Acted++
	}
	switch {
	case e.Unhelpful != "":
		u.Unhelpful[e.Unhelpful]++
		u.Judged++
	case acted:
		u.Judged++
	}
	if !e.RepliedAt.IsZero() {
		u.Replied++
	}
	if e.Reason == steward.ReasonRecovered {
		u.Recovered++
	}
	if !e.GoalAt.IsZero() {
		u.Reached++
	}
}

// A Trial is one customer's part in a playbook's experiment: on which side it
// was, and whether what the playbook is for came about in time.
type Trial struct {
	Holdout bool
	Reached bool
}

// Trials is the playbook's experiment so far: of each customer (a top parent
// with all its accounts, as that is what is drawn) the first enrolment since
// since, once there was time for it to reach the goal, or without a goal to
// recover within 30 days. Waiting is how many customers have not had that time.
func (s *Situation) Trials(p *Playbook, enrolments []steward.Enrolment, now time.Time) (trials []Trial, waiting int) {
	within := p.Goal.Within
	if p.Goal.Reach == nil {
		within = 30 * 24 * time.Hour
	}
	// What a person began by hand was not drawn.
	mine := slices.DeleteFunc(slices.Clone(enrolments), func(e steward.Enrolment) bool { return e.Playbook != p.Name || e.StartedBy != "" })
	slices.SortStableFunc(mine, func(a, b steward.Enrolment) int { return a.OpenedAt.Compare(b.OpenedAt) })
	seen := map[steward.AccountID]bool{}
	for _, e := range mine {
		customer := s.topParent(e.Subject.Account)
		if seen[customer] {
			continue
		}
		seen[customer] = true
		by := e.OpenedAt.Add(within)
		if now.Before(by) {
			waiting++
			continue
		}
		t := Trial{Holdout: e.Arm == steward.Holdout}
		if p.Goal.Reach != nil {
			t.Reached = !e.GoalAt.IsZero() && !e.GoalAt.After(by)
		} else {
			t.Reached = e.Reason == steward.ReasonRecovered && !e.EndedAt.After(by)
		}
		trials = append(trials, t)
	}
	return trials, waiting
}
