package replay

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"steward"
)

func TestActionsAreRead(t *testing.T) {
	src := `given: {playbook: renewal, from: 2026-01-01, accounts: [{id: acme}]}
do:
  - {on: 2026-01-03, decline: acme, by: dana, because: too soon}
  - {on: 2026-01-04, done: acme, because: they renew}
  - {on: 2026-01-05, claim: acme, by: sam}
  - {on: 2026-01-06, override: acme, health: 30, until: 2026-02-01, because: the sponsor left}
expect: [{on: 2026-01-09, phase: clear}]
`
	s, problems := ParseScenario("tests/renewal.test.yaml", []byte(src), schema())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	jan := func(d int) steward.Day { return steward.Date(2026, 1, d) }
	want := []Action{
		{On: jan(3), Kind: DoDecline, Account: "acme", By: "dana", Because: "too soon"},
		{On: jan(4), Kind: DoDone, Account: "acme", Because: "they renew"},
		{On: jan(5), Kind: DoClaim, Account: "acme", By: "sam"},
		{On: jan(6), Kind: DoOverride, Account: "acme", Because: "the sponsor left", Health: 30, Until: steward.Date(2026, 2, 1)},
	}
	if diff := cmp.Diff(want, s.Do); diff != "" {
		t.Error(diff)
	}
}

func TestMistakesInActionsAreTold(t *testing.T) {
	for action, want := range map[string]string{
		"{on: 2026-01-03}":                                                             "an action does one thing",
		"{on: 2026-01-03, ack: acme, done: acme}":                                      "an action does one thing",
		"{on: 2026-01-03, claim: acme}":                                                "the claim does not say whose it is",
		"{on: 2026-01-03, ack: acme, health: 3}":                                       "health belongs to override",
		"{on: 2026-01-03, ack: acme, until: 2026-01-09}":                               "until belongs to override",
		"{on: 2026-01-03, override: acme, health: 3, because: x}":                      "an override has a health, a last day and a reason",
		"{on: 2026-01-03, override: acme, health: 101, until: 2026-01-09, because: x}": "a health is a number from 0 to 100",
		"{on: 2026-01-03, done: acne}":                                                 `there is no account "acne" under given`,
	} {
		src := "given: {playbook: renewal, from: 2026-01-01, accounts: [{id: acme}]}\ndo:\n  - " + action + "\nexpect: [{on: 2026-01-09, phase: clear}]\n"
		_, problems := ParseScenario("tests/renewal.test.yaml", []byte(src), schema())
		if len(problems) != 1 || problems[0].Message != want || problems[0].Hint == "" || problems[0].Line != 3 {
			t.Errorf("%s:\ngot  %v\nwant %s", action, problems, want)
		}
	}
}

func TestExpectationsHaveNames(t *testing.T) {
	src := `given: {playbook: renewal, from: 2026-01-01, accounts: [{id: acme}], contacts: [{id: ann}]}
expect:
  - {on: 2026-01-09, phase: clear, enrolment: none, stage: adoption, health: 40..60}
  - {on: 2026-01-10, contact: ann, outreach: [{step: nudge, to: dana}, {contains: "64%"}]}
  - {on: 2026-01-11, no_outreach: true}
`
	s, problems := ParseScenario("tests/renewal.test.yaml", []byte(src), schema())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got []string
	for _, e := range s.Expect {
		got = append(got, e.String())
	}
	if diff := cmp.Diff([]string{
		"2026-01-09 acme: phase clear, enrolment none, stage adoption, health 40..60",
		`2026-01-10 acme ann: outreach step nudge, to dana, outreach containing "64%"`,
		"2026-01-11 acme: no outreach",
	}, got); diff != "" {
		t.Error(diff)
	}
	about := s.Expect[1].IsAbout
	if !about(steward.Subject{Kind: steward.AboutContact, ID: "ann", Account: "acme"}) || about(steward.Subject{Kind: steward.AboutContact, ID: "bo", Account: "acme"}) ||
		about(steward.Subject{Kind: steward.AboutAccount, ID: "acme", Account: "acme"}) || about(steward.Subject{Kind: steward.AboutContact, ID: "ann", Account: "beta"}) {
		t.Error("an expectation about ann looks at others, too")
	}
}
