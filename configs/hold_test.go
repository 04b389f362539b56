package configs

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHolds(t *testing.T) {
	w, ps := load(t, "hold:\n- {purpose: commercial, when: escalation_level > 0, and_for: 14d}\n- purpose: [commercial, report]\n  when: \"test\"\n", somebody, nil)
	if len(ps) > 0 {
		t.Fatalf("%v", told(ps))
	}
	var got []Hold
	for _, h := range w.Holds {
		if h.When.Pos.IsZero() {
			t.Error("a condition has lost its place")
		}
		h.When.Pos = Hold{}.When.Pos
		got = append(got, h)
	}
	one, two := Hold{Purposes: []string{"commercial"}, AndFor: 14}, Hold{Purposes: []string{"commercial", "report"}}
	one.When.Value, two.When.Value = "escalation_level > 0", "test"
	if diff := cmp.Diff([]Hold{one, two}, got); diff != "" {
		t.Error(diff)
	}
	_, ps = load(t, "hold:\n- {purpose: [comercial, report, report], when: test, and_for: 36h}\n- {purpose: care}\n", somebody, nil)
	want := []string{
		`steward.yaml:2:3: hold: and_for has whole days, at most 800 (write it as 14d) | {`,
		`steward.yaml:2:14: "comercial" is not a purpose (write care, risk, commercial or report) | comercial`,
		`steward.yaml:2:33: report is named twice (remove one) | report`,
		`steward.yaml:3:3: "when" is missing (add when: …) | {`,
	}
	if diff := cmp.Diff(want, told(ps)); diff != "" {
		t.Error(diff)
	}
}
