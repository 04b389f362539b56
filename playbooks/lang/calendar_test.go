package lang_test

import (
	"fmt"
	"testing"
	"time"
	_ "time/tzdata"

	"steward"
	"steward/facts"
	"steward/series"
)

// A day counts as one, whether it has 23 hours, 24½ or 25, lacks its midnight or
// is 29 February; only a date that a zone left out is none. So a window that has
// such a day in it adds up what its days had, and dates are as far apart as the
// calendar says.
func TestDaysOfOddLengthCountAsOne(t *testing.T) {
	for _, c := range []struct{ zone, odd string }{
		{"Europe/Berlin", "2026-03-29"}, {"Europe/Berlin", "2026-10-25"}, {"Europe/Berlin", "2028-02-29"},
		{"America/New_York", "2026-03-08"}, {"America/New_York", "2026-11-01"},
		{"America/Sao_Paulo", "2018-11-04"}, {"America/Sao_Paulo", "2019-02-16"},
		{"Australia/Lord_Howe", "2026-10-04"}, {"Australia/Lord_Howe", "2026-04-05"},
		{"Africa/Cairo", "2026-04-24"}, {"Africa/Cairo", "2026-10-29"}, {"America/Havana", "2026-11-01"}, {"Antarctica/Troll", "2026-03-29"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		odd, err := steward.ParseDay(c.odd)
		if err != nil {
			t.Fatal(err)
		}
		// A slot in every hour of the odd day and of the days around it.
		for at := (odd - 1).Start(zone); at.Before((odd + 3).Start(zone)); at = at.Add(time.Hour) {
			slot := steward.SlotAt(at)
			today := steward.Date(at.In(zone).Date())
			first := today - 400
			logins := make([]float64, 400)
			for i := range logins {
				logins[i] = float64(int(first)+i) - float64(odd) // tells the days apart
			}
			s, err := series.New(first, logins)
			if err != nil {
				t.Fatal(err)
			}
			v := facts.At(facts.Input{Slot: slot, Zone: zone,
				Portfolio: steward.Portfolio{Accounts: []steward.Account{{ID: "acme", Status: "customer", StartDate: first, RenewalDate: odd + 10}}},
				Metrics: []facts.Metric{{Spec: steward.MetricSpec{Name: "logins", Kind: steward.Count}, Through: today - 1,
					Series: map[steward.AccountID]series.Series{"acme": s}}},
			}).View(steward.AboutAccount)
			yesterday := int(today) - 1 - int(odd)
			for src, want := range map[string]int{
				"sum(logins, 1d)":                              yesterday,
				"sum(logins, 3d)":                              3*yesterday - 3,
				"sum(logins, 52w) * 2":                         364 * (2*yesterday - 363),
				"sum(logins, 1d)  - was(sum(logins, 1d), 52w)": 364,
			} {
				if got := both(t, v, 0, src); got != steward.Num(float64(want)) {
					t.Errorf("%s at %s in %s is %v, want %d", src, at, c.zone, got, want)
				}
			}
			left := int(odd) + 10 - int(today)
			for _, src := range []string{
				fmt.Sprintf("days_until(renewal_date) == %dd", left),
				fmt.Sprintf("days_since(start_date) == %dd", 400),
				fmt.Sprintf("renewal_date - %dd == %s", left, today),
			} {
				if got := both(t, v, 0, src); got.Verdict() != steward.Holds {
					t.Errorf("%s at %s in %s is %v", src, at, c.zone, got)
				}
			}
		}
	}
}

// Months and years across 29 February, as contracts mean them, and weeks as the
// days they are.
func TestLeapDayInDates(t *testing.T) {
	v := acme(t).View(steward.AboutAccount)
	for _, src := range []string{
		"2028-02-28 + 1d == 2028-02-29", "2028-02-28 + 2d == 2028-03-01", "2027-02-28 + 1d == 2027-03-01", "2100-02-28 + 1d == 2100-03-01",
		"2028-02-29 + 12mo == 2029-02-28", "2028-02-29 + 48mo == 2032-02-29", "2028-01-31 + 1mo == 2028-02-29", "2028-03-31 - 1mo == 2028-02-29",
		"2028-01-01 + 52w == 2028-12-30", "2027-01-01 + 52w == 2027-12-31",
	} {
		if got := both(t, v, 0, src); got.Verdict() != steward.Holds {
			t.Errorf("%s is %v", src, got)
		}
	}
}
