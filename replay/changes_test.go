package replay

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"steward"
)

func everyKind() map[string]bool {
	out := map[string]bool{}
	for _, k := range rowKinds {
		out[k] = true
	}
	return out
}

const world = `given:
  playbook: renewal
  from: 2026-01-01
  accounts: [{id: acme, arr: 10k, owner: dana, plan: pro}, {id: beta}]
  contracts: [{id: C-1, account: acme, amount: 12000, seats: 9}]
  contacts: [{id: ann, account: acme, role: champion}, {id: bo, account: beta, role: admin}]
  products: [{account: acme, name: Core, plan: pro, seats: 40, features: [reports, api], kickoff: 2025-02-03}]
  touches: [{account: acme, contact: ann, day: 2026-01-05, by: dana}, {account: acme, day: 2026-01-09, kind: meeting}]
  tickets: [{id: T-1, account: acme, priority: Urgent, opened: 2026-01-04, closed: 2026-01-07}, {account: beta, contact: bo, opened: 2026-01-06}]
  surveys: [{account: acme, contact: ann, day: 2026-01-05, score: 9}, {account: beta, kind: csat, day: 2026-01-06, score: 2}]
  objectives: [{account: acme, name: rollout, metric: logins, baseline: 10, target: 50, due: 2026-06-30, agreed: ann}]
  milestones: [{account: acme, name: kickoff, day: 2026-01-05}]
  without: [surveys]
  away: [{owner: dana, from: 2026-01-10, to: 2026-01-12}]
  changes:
    - {on: 2026-01-08, account: acme, owner: sam, arr: 52000, plan: ""}
    - {on: 2026-01-05, account: acme, arr: 11k}
    - {on: 2026-01-06, contact: ann, gone: true}
    - {on: 2026-01-09, contact: ann, gone: false, roles: [admin, economic_buyer]}
    - {on: 2026-01-07, contract: C-1, renewed: true}
    - {on: 2026-01-07, product: acme-product-1, seats: 60, features: api}
    - {on: 2026-01-08, contact: bo, account: acme}
expect:
  - {on: 2026-01-12, account: acme, phase: clear}
`

// What sources tell of a world differs from day to day: rows become others, and
// what happened on a day is known from the next one on.
func TestTheWorldOnADay(t *testing.T) {
	s, problems := ParseScenario("tests/renewal.test.yaml", []byte(world), schema())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	told := func(day int) string {
		p := s.Given.On(steward.Date(2026, 1, day))
		var b strings.Builder
		for _, a := range p.Accounts {
			fmt.Fprintf(&b, "%s %s %v %s; ", a.ID, a.Owner, a.ARR, a.More["plan"])
		}
		for _, c := range p.Contracts {
			fmt.Fprintf(&b, "%s %v %v; ", c.ID, c.Renewed, c.More["seats"])
		}
		for _, c := range p.Contacts {
			fmt.Fprintf(&b, "%s@%s %v; ", c.ID, c.Account, c.Roles)
		}
		for _, x := range p.Products {
			fmt.Fprintf(&b, "%s %v %v; ", x.ID, x.Seats, x.Features)
		}
		for _, t := range p.Tickets {
			fmt.Fprintf(&b, "%s %s %s %v; ", t.ID, t.Account, t.Priority, t.Closed)
		}
		fmt.Fprintf(&b, "%d touches %d surveys %d milestones %d objectives", len(p.Touches), len(p.Surveys), len(p.Milestones), len(p.Objectives))
		return b.String()
	}
	for day, want := range map[int]string{
		2:  "acme dana 10000 'pro'; beta  unknown unknown; C-1 false 9; ann@acme [champion]; bo@beta [admin]; acme-product-1 40 [reports api]; 0 touches 0 surveys 0 milestones 1 objectives",
		5:  "acme dana 11000 'pro'; beta  unknown unknown; C-1 false 9; ann@acme [champion]; bo@beta [admin]; acme-product-1 40 [reports api]; T-1 acme urgent none; 0 touches 0 surveys 0 milestones 1 objectives",
		7:  "acme dana 11000 'pro'; beta  unknown unknown; C-1 true 9; bo@beta [admin]; acme-product-1 60 [api]; T-1 acme urgent none; beta-ticket-2 beta  none; 1 touches 2 surveys 1 milestones 1 objectives",
		10: "acme sam 52000 unknown; beta  unknown unknown; C-1 true 9; ann@acme [admin economic_buyer]; bo@acme [admin]; acme-product-1 60 [api]; T-1 acme urgent 2026-01-07; beta-ticket-2 beta  none; 2 touches 2 surveys 1 milestones 1 objectives",
	} {
		if got := told(day); got != want {
			t.Errorf("on the %d.:\ngot  %s\nwant %s", day, got, want)
		}
	}
	// A day that was asked for leaves the rows as they are given.
	if got := s.Given.Portfolio.Accounts[0]; got.More["plan"] != steward.Str("pro") || got.Owner != "dana" {
		t.Errorf("the given row became %+v", got)
	}
	kinds := everyKind()
	delete(kinds, "surveys")
	if diff := cmp.Diff(kinds, s.Given.On(steward.Date(2026, 1, 5)).Kinds); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Absence{{"dana", steward.Date(2026, 1, 10), steward.Date(2026, 1, 12)}}, s.Given.Away); diff != "" {
		t.Error(diff)
	}
	if o := s.Given.Portfolio.Objectives[0]; o.Metric != "logins" || o.Agreed != "ann" || o.Due != steward.Date(2026, 6, 30) || o.Baseline != steward.Num(10) {
		t.Errorf("%+v", o)
	}
}

func TestMistakesInRowsAreTold(t *testing.T) {
	for row, want := range map[string]string{
		"touches: [{contact: ann}]":                                          "the touch has no day",
		"touches: [{contact: an, day: 2026-01-03}]":                          `there is no contact "an" under given`,
		"tickets: [{priority: p1}]":                                          "the ticket has no opened",
		"tickets: [{opened: 2026-01-05, closed: 2026-01-04}]":                "it is closed before it is opened, on 2026-01-05",
		"surveys: [{day: 2026-01-04}]":                                       "the survey has no score",
		"surveys: [{day: 2026-01-04, score: 11}]":                            "a score of nps is from 0 to 10",
		"surveys: [{day: 2026-01-04, kind: csat, score: 0}]":                 "a score of csat is from 1 to 5",
		"surveys: [{day: 2026-01-04, kind: npx, score: 1}]":                  `"npx" is not a kind of survey`,
		"objectives: [{name: x, metric: logns}]":                             `"logns" is not a metric of the workspace`,
		"objectives: [{metric: logins}]":                                     "the objective has no name",
		"milestones: [{name: kickoff}]":                                      "the milestone has no day",
		"products: [{name: Core, seat: 3}]":                                  `"seat" is not a field here`,
		"products: [{id: p}, {id: p}]":                                       `the product id "p" is given twice`,
		"without: [ticket]":                                                  `"ticket" is not a kind of row that a source may lack`,
		"away: [{owner: dana, from: 2026-01-09, to: 2026-01-02}]":            "2026-01-02 is before 2026-01-09",
		"changes: [{account: acme, arr: 1}]":                                 "the change does not say on which day",
		"changes: [{on: 2026-01-05, arr: 1}]":                                "a change is about one row",
		"changes: [{on: 2026-01-05, contact: ann, contract: c, gone: true}]": `there is no contract "c" under given`,
		"changes: [{on: 2026-01-05, account: acmee, arr: 1}]":                `there is no account "acmee" under given`,
		"changes: [{on: 2026-01-05, contact: ann, account: who}]":            `there is no account "who" under given`,
		"changes: [{on: 2026-01-05, account: acme}]":                         "nothing changes here",
		"changes: [{on: 2026-01-05, account: acme, ar: 2}]":                  `"ar" is not a field here`,
		"changes: [{on: 2026-01-01, account: acme, arr: 2}]":                 "the first run is on 2026-01-02, the day after from",
		"changes: [{on: 2026-01-05, account: acme, gone: yes}]":              `gone is true or false, not "yes"`,
		"changes: [{on: 2026-01-05, account: acme, id: other}]":              `"id" is not a field here`,
		"changes: [{on: 2026-01-05, contact: ann, role: x, last_seen: 1st}]": `"1st" is not a date such as 2026-03-12`,
	} {
		src := "given:\n  playbook: renewal\n  from: 2026-01-01\n  accounts: [{id: acme}]\n  contacts: [{id: ann}]\n  " + row + "\nexpect: [{on: 2026-01-09, phase: clear}]\n"
		_, problems := ParseScenario("tests/renewal.test.yaml", []byte(src), schema())
		if len(problems) != 1 || problems[0].Message != want || problems[0].Hint == "" || problems[0].Line != 6 {
			t.Errorf("%s:\ngot  %v\nwant %s", row, problems, want)
		}
	}
}

// A day's world is what all changes up to it make of the given one, whatever
// days were asked for before, and changes of one day count in the order in which
// they are written.
func TestChangesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 12).Draw(t, "changes")
		var lines []string
		arr, gone := map[int]string{}, map[int]string{} // by day, what was written last
		for i := range n {
			day := rapid.IntRange(2, 9).Draw(t, "day")
			if rapid.Bool().Draw(t, "leaves or returns") {
				word := rapid.SampledFrom([]string{"true", "false"}).Draw(t, "gone")
				lines, gone[day] = append(lines, fmt.Sprintf("{on: 2026-01-%02d, account: acme, gone: %s}", day, word)), word
				continue
			}
			lines, arr[day] = append(lines, fmt.Sprintf("{on: 2026-01-%02d, account: acme, arr: %d}", day, i)), fmt.Sprint(i)
		}
		src := "given:\n  playbook: renewal\n  from: 2026-01-01\n  accounts: [{id: acme, arr: 99}]\n  changes: [" + strings.Join(lines, ", ") + "]\nexpect: [{on: 2026-01-09, phase: clear}]\n"
		s, problems := ParseScenario("tests/renewal.test.yaml", []byte(src), schema())
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		want, there := "99", true
		for day := 1; day <= 10; day++ {
			if v, ok := arr[day]; ok {
				want = v
			}
			if v, ok := gone[day]; ok {
				there = v == "false"
			}
			p := s.Given.On(steward.Date(2026, 1, day))
			if got := len(p.Accounts) == 1; got != there || got && p.Accounts[0].ARR.String() != want {
				t.Fatalf("on the %d.: %+v, want %s (there: %v)\n%s", day, p.Accounts, want, there, src)
			}
		}
	})
}
