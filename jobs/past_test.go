package jobs_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

// A slot that is looked at late sees the fields of its own day, and what had
// been done by then.
func TestASlotSeesItsOwnDay(t *testing.T) {
	s := newStage(t, "", "", "")
	arr := func(at time.Time) steward.Value {
		t.Helper()
		situation, err := s.Situation(t.Context(), steward.SlotAt(at))
		s.must(err)
		return situation.Frame.View(steward.AboutAccount).FieldAt(0, "arr", 0)
	}
	s.accounts(1, 20_000)
	s.evaluate()
	s.now = first.AddDate(0, 0, 3)
	s.accounts(1, 1_000)
	for _, c := range []struct {
		at   time.Time
		want steward.Value
	}{
		{first.AddDate(0, 0, -1), steward.Unknown(steward.NumberKind)}, // nothing was recorded yet
		{first, steward.Num(20_000)},
		{first.AddDate(0, 0, 2), steward.Num(20_000)},
		{first.AddDate(0, 0, 3), steward.Num(1_000)},
		{first.AddDate(0, 0, 30), steward.Num(1_000)},
	} {
		if got := arr(c.at); got != c.want {
			t.Errorf("arr on %s is %v, want %v", c.at.Format(time.DateOnly), got, c.want)
		}
	}
	situation, err := s.Situation(t.Context(), steward.SlotAt(s.now))
	s.must(err)
	if diff := cmp.Diff(map[steward.PlaybookName][]steward.Day{"big": {20_524}}, situation.Frame.Portfolio().Dealings["a-0000"].Fired); diff != "" {
		t.Errorf("what was opened:\n%s", diff)
	}

	// An import under a clock that was ahead does not hide the fields of today.
	s.now = first.AddDate(1, 0, 0)
	s.accounts(1, 3_000)
	s.now = first.AddDate(0, 0, 4)
	if got := arr(s.now); got != steward.Num(3_000) {
		t.Errorf("arr after an import of a day to come is %v", got)
	}
}
