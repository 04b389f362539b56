package lang_test

import (
	"fmt"
	"testing"
	"time"

	"steward"
	"steward/facts"
	"steward/playbooks/lang"
	"steward/series"
)

// benchView is accounts with two months of logins, some of them without ARR or
// segment. Its windows are worked out by the first evaluation and kept, as
// they are for the other playbooks of a run.
func benchView(b *testing.B, accounts int) *facts.View {
	b.Helper()
	today := steward.Date(2026, 3, 12)
	in := facts.Input{Slot: steward.SlotAt(time.Date(2026, 3, 12, 5, 0, 0, 0, time.UTC)), Zone: time.UTC}
	m := facts.Metric{Spec: steward.MetricSpec{Name: "logins", Kind: steward.Count}, Through: today - 1, Series: map[steward.AccountID]series.Series{}}
	for i := range accounts {
		a := steward.Account{ID: steward.AccountID(fmt.Sprint("a", i)), StartDate: today - 60, RenewalDate: today + steward.Day(i%400), Segment: []string{"", "smb", "enterprise"}[i%3]}
		if i%10 != 0 {
			a.ARR = steward.Num(float64(i % 40000))
		}
		s := series.Series{Start: today - 60, Values: make([]float64, 60)}
		for d := range s.Values {
			s.Values[d] = float64(1 + (i*7+d*(1+i%5))%23)
		}
		m.Series[a.ID] = s
		in.Portfolio.Accounts = append(in.Portfolio.Accounts, a)
	}
	in.Metrics = []facts.Metric{m}
	return facts.At(in).View(steward.AboutAccount)
}

var conditions = map[string]string{
	"fields":  "arr >= 10k and segment in ['mid-market', 'enterprise'] and days_until(renewal_date) <= 120d",
	"windows": "drop(logins, 14d) >= 50% and was(avg(logins, 14d), 14d) >= 1 or quiet_days(logins) >= 14d",
}

func BenchmarkColumn(b *testing.B) {
	const rows = 100_000
	v := benchView(b, rows)
	for name, src := range conditions {
		b.Run(name, func(b *testing.B) {
			e := compile(b, src, steward.AboutAccount)
			e.Column(v, lang.At{})
			b.ReportAllocs()
			for b.Loop() {
				e.Column(v, lang.At{})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}

func BenchmarkValue(b *testing.B) {
	const rows = 100_000
	v := benchView(b, rows)
	for name, src := range conditions {
		b.Run(name, func(b *testing.B) {
			e := compile(b, src, steward.AboutAccount)
			for b.Loop() {
				for row := range rows {
					e.Value(v, row, lang.At{})
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	s := scope(steward.AboutAccount)
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := lang.Compile(conditions["windows"], s, steward.FlagKind); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
