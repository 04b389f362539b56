package replay

import (
	"strings"
	"testing"

	"steward"
)

// A step that the playbook does not have can never be met, and no day of a test
// is needed to say so.
func TestExpectedStepsAreThePlaybooks(t *testing.T) {
	known := schema()
	known.Steps = map[steward.PlaybookName][]string{"login-drop": {"nudge", "escalate"}, "renewal": {"prepare"}}
	if _, problems := ParseScenario("tests/login-drop.test.yaml", []byte(loginDrop), known); len(problems) > 0 {
		t.Errorf("a step that is there: %v", problems)
	}
	for expected, want := range map[string]string{"nugde": `did you mean "nudge"?`, "prepare": "its steps that say something: nudge, escalate"} {
		_, problems := ParseScenario("tests/login-drop.test.yaml", []byte(strings.Replace(loginDrop, "step: nudge", "step: "+expected, 1)), known)
		if len(problems) != 1 || problems[0].Line != 8 || problems[0].Message != `playbook login-drop has no step "`+expected+`" that says something` || problems[0].Hint != want {
			t.Errorf("%s: %v", expected, problems)
		}
	}
	if _, problems := ParseScenario("tests/login-drop.test.yaml", []byte(strings.Replace(loginDrop, "step: nudge", "step: nugde", 1)), schema()); len(problems) > 0 {
		t.Errorf("nobody knows the steps: %v", problems)
	}
}
