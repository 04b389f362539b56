package configs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

func TestLimitsAndHours(t *testing.T) {
	w, ps := load(t, `
limits: {owner: 5 cards a day, address: 1 mail in 7d, account: 3 a week, after_touch: 7d}
working_hours: {days: mon-fri, from: "08:30", to: "17:30", holidays: DE}
`, somebody, nil)
	if errs := ps.Errors(); len(errs) > 0 {
		t.Fatal(told(errs))
	}
	week := 7 * 24 * time.Hour
	want := steward.Limits{Owner: steward.Cap{Most: 5, Daily: true, Words: "5 cards a day"}, Address: steward.Cap{Most: 1, Window: week, Words: "1 mail in 7d"},
		Account: steward.Cap{Most: 3, Window: week, Words: "3 a week"}, AfterTouch: 7}
	if diff := cmp.Diff(want, w.Limits); diff != "" {
		t.Error(diff)
	}
	h := w.Hours
	if h.Days != [7]bool{false, true, true, true, true, true, false} || h.From != 8*time.Hour+30*time.Minute || h.To != 17*time.Hour+30*time.Minute {
		t.Errorf("hours %+v", h)
	}
	for day, free := range map[steward.Day]bool{steward.Date(2026, 10, 3): true, steward.Date(2026, 12, 25): true, steward.Date(2026, 12, 28): false} {
		if h.Holiday(day) != free {
			t.Errorf("%s is a holiday: %v, want %v", day, !free, free)
		}
	}
}

func TestMistakesInLimitsAndHours(t *testing.T) {
	for text, want := range map[string]string{
		`limits: {owner: five a day}`:                                  "owner cannot be",
		`limits: {owner: 0 cards a day}`:                               "owner cannot be",
		`limits: {owner: 5 mails a day}`:                               "owner cannot be",
		`limits: {address: 1 mail in 200d}`:                            "address cannot be",
		`limits: {account: 3 a year}`:                                  "account cannot be",
		`working_hours: {from: "08:30"}`:                               "does not say from when to when",
		`working_hours: {from: "8h30", to: "17:30"}`:                   "from cannot be",
		`working_hours: {from: "08:30", to: "08:30"}`:                  "ends when it begins",
		`working_hours: {days: weekdays, from: "08:30", to: "17:30"}`:  "days cannot be",
		`working_hours: {from: "08:30", to: "17:30", holidays: Mars}`:  "holidays of",
		`working_hours: {from: "08:30", to: "17:30", weekends: false}`: "weekends",
	} {
		_, ps := load(t, text+"\n", somebody, nil)
		if !slices.ContainsFunc(ps.Errors(), func(p steward.Problem) bool { return strings.Contains(p.Message, want) && p.Line == 1 }) {
			t.Errorf("%s: %v, want %q", text, told(ps), want)
		}
	}
}
