package replay

import (
	"strings"
	"testing"

	"steward"
	"steward/configs/strictyaml"
)

func TestWhatIsExpectedOfAnAccount(t *testing.T) {
	given := "given:\n  playbook: p\n  from: 2026-01-01\n  accounts: [{id: acme}]\n  metrics: {}\n"
	is := AccountStanding{Stage: "adoption", Health: steward.Num(54.6), Grade: "yellow"}
	nobody := AccountStanding{Health: steward.Unknown(steward.NumberKind)}
	for _, c := range []struct {
		expect string
		got    AccountStanding
		want   string
	}{
		{"stage: adoption, health: 55, grade: yellow", is, ""},
		{"health: 54", is, "health 54 but 54.6"},
		{"health: 50..54.6", is, ""},
		{"health: 50..54", is, "health 50..54 but 54.6"},
		{"health: 54.7..60", is, "health 54.7..60 but 54.6"},
		{"health: unknown", is, "health unknown but 54.6"},
		{"stage: value, grade: red", is, "stage value but adoption; grade red but yellow"},
		{"stage: unknown, health: unknown, grade: unknown", nobody, ""},
		{"stage: adoption, health: 5, grade: red", nobody, "stage adoption but unknown; health 5 but unknown; grade red but unknown"},
	} {
		s, problems := ParseScenario("p.test.yaml", []byte(given+"expect: [{on: 2026-01-02, "+c.expect+"}]\n"), Schema{})
		if len(problems.Errors()) > 0 || len(s.Expect) != 1 {
			t.Fatalf("%s: %v", c.expect, problems)
		}
		if got := s.Expect[0].Standing.String(); strings.Count(got, ",") != strings.Count(c.expect, ",") {
			t.Errorf("%s reads as %q", c.expect, got)
		}
		var said []string
		s.Expect[0].Standing.misses(c.got, func(what, want, got string, at strictyaml.Pos) {
			if at.IsZero() {
				t.Errorf("%s: nobody knows where %s stands", c.expect, what)
			}
			said = append(said, what+" "+want+" but "+got)
		})
		if got := strings.Join(said, "; "); got != c.want {
			t.Errorf("%s: %q, want %q", c.expect, got, c.want)
		}
	}
	for expect, want := range map[string]string{"health: good": `"good" is not a health`, "health: 60..40": `"60..40" is not a health`, "health: 101": `"101" is not a health`, "grade: amber": `"amber" is not a grade`} {
		_, problems := ParseScenario("p.test.yaml", []byte(given+"expect: [{on: 2026-01-02, "+expect+"}]\n"), Schema{})
		if len(problems.Errors()) != 1 || problems[0].Message != want {
			t.Errorf("%s: told %v, want %q", expect, problems, want)
		}
	}
}
