package playbooks

import (
	"slices"

	"steward"
	"steward/facts"
)

// An About is what the facts and the playbooks say of one account, for people
// who look at it.
type About struct {
	Account steward.Account
	// Owner looks after it now: with stages that have owners, the stage's. Zero
	// where nobody does.
	Owner steward.Owner
	// InPortfolio says whether Steward acts on it.
	InPortfolio steward.Verdict
	Health      Health
	// Moved says how health moved over four weeks and why; "" where it did not.
	Moved     string
	Journey   Journey
	Metrics   []MetricRead
	People    []Person
	Playbooks []Explanation
	Aims      []Aim
	// Overrides is what people said of its health, as they said it.
	Overrides []steward.HealthOverride
	// Today is the day that the facts are of.
	Today steward.Day
}

// A MetricRead is a metric, and which playbooks and rules look at it.
type MetricRead struct {
	Spec steward.MetricSpec
	// End is the last complete day; NoDay where nothing was imported.
	End   steward.Day
	Stale bool
	// By is the playbooks whose conditions read it, in order; Health tells that
	// health does.
	By     []steward.PlaybookName
	Health bool
}

// A Person is somebody at the customer.
type Person struct {
	steward.Contact
	// Last is when one of us last spoke with them; a zero Touch where that is not
	// known.
	Last steward.Touch
	// Stopped is why they get no mail; "" where they do.
	Stopped string
}

// An Aim is an objective and how far the customer has come: 0 at the baseline, 1
// at the target.
type Aim struct {
	steward.Objective
	Progress steward.Value
	// Why says why the progress is not known.
	Why string
}

// About gathers what there is to say of an account; false when it is not in the
// data. The situation needs what is remembered of the account alone.
func (s *Situation) About(id steward.AccountID) (About, bool) {
	row, ok := s.accounts().Row(string(id))
	if !ok {
		return About{}, false
	}
	out := About{Account: *s.accounts().Account(row), InPortfolio: s.InPortfolio(id), Today: s.accounts().Today(0), Moved: s.HealthChange(id)}
	out.Owner = s.Book.owners[s.ownedBy(out.Account).Owner]
	out.Health, _ = s.Health(id, 0)
	out.Journey, _ = s.Journey(id, 0)
	out.Metrics, out.People, out.Aims = s.metricsRead(), s.people(id), s.aims(id, row)
	for _, o := range s.Frame.Portfolio().Overrides {
		if o.Account == id {
			out.Overrides = append(out.Overrides, o)
		}
	}
	for _, p := range s.Book.Playbooks {
		for _, subject := range s.Subjects(p, id) {
			// The days before are for who asks about this playbook alone.
			if x, err := s.explain(p, subject, nil, false); err == nil {
				out.Playbooks = append(out.Playbooks, x)
			}
		}
	}
	return out, true
}

// Subjects is what of an account a playbook is about: itself, or its contracts,
// people or products.
func (s *Situation) Subjects(p *Playbook, id steward.AccountID) []steward.Subject {
	view := s.Frame.View(p.About)
	if p.About == steward.AboutAccount {
		if row, ok := view.Row(string(id)); ok {
			return []steward.Subject{view.Subject(row)}
		}
		return nil
	}
	var out []steward.Subject
	for row := range view.Len() {
		if subject := view.Subject(row); subject.Account == id {
			out = append(out, subject)
		}
	}
	return out
}

// metricsRead is every metric of the workspace, in its order.
func (s *Situation) metricsRead() []MetricRead {
	health := map[string]bool{}
	for _, c := range s.rules.health.cards {
		for _, p := range c.parts {
			for _, m := range p.score.Metrics() {
				health[m] = true
			}
		}
	}
	out := make([]MetricRead, 0, len(s.Book.Metrics))
	for _, spec := range s.Book.Metrics {
		info, _ := s.Frame.Metric(spec.Name)
		m := MetricRead{Spec: spec, End: info.End, Stale: info.Stale, Health: health[spec.Name]}
		for _, p := range s.Book.Playbooks {
			if slices.Contains(p.ConditionMetrics(), spec.Name) {
				m.By = append(m.By, p.Name)
			}
		}
		out = append(out, m)
	}
	return out
}

// people is an account's contacts, whoever was seen last first, with the last
// touch of each.
func (s *Situation) people(id steward.AccountID) []Person {
	var out []Person
	at := map[steward.ContactID]int{}
	for _, c := range s.contacts[id] {
		at[c.ID] = len(out)
		out = append(out, Person{Contact: c, Stopped: s.Memory.Suppressed[lower(c.Email)]})
	}
	for _, t := range s.Frame.Portfolio().Touches {
		if t.Account != id || !t.Reached() || t.Day == steward.NoDay {
			continue
		}
		if i, ok := at[t.Contact]; ok && (out[i].Last.ID == "" || t.Day > out[i].Last.Day) {
			out[i].Last = t
		}
	}
	return out
}

// aims is what the customer set out to reach, and how far it has come.
func (s *Situation) aims(id steward.AccountID, row int) []Aim {
	var out []Aim
	for _, o := range s.Frame.Portfolio().Objectives {
		if o.Account == id {
			q := facts.Question{Ask: "objective", Text: o.Name}
			out = append(out, Aim{Objective: o, Progress: s.accounts().AskAt(row, q, 0), Why: s.accounts().WhyAsk(row, q, 0)})
		}
	}
	return out
}

// A Glimpse is an account as a list shows it.
type Glimpse struct {
	Account steward.Account
	Owner   steward.Owner
	Health  Health
	Stage   string
}

// Glimpses are the accounts that want takes, up to limit, and how many it takes
// in all. What is shown of each is looked at for those alone.
func (s *Situation) Glimpses(limit int, want func(steward.Account) bool) (found []Glimpse, all int) {
	v := s.accounts()
	for row := range v.Len() {
		a := v.Account(row)
		if !want(*a) {
			continue
		}
		if all++; all > limit {
			continue
		}
		g := Glimpse{Account: *a, Owner: s.Book.owners[s.ownedBy(*a).Owner], Stage: s.stageOf(*a)}
		g.Health, _ = s.Health(a.ID, 0)
		found = append(found, g)
	}
	return found, all
}
