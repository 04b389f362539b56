package facts_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"steward"
	"steward/facts"
	"steward/series"
)

var none = math.NaN()

var functions = []facts.Fn{facts.Sum, facts.Avg, facts.Min, facts.Max, facts.Last, facts.ActiveDays, facts.QuietDays}

// day is a date of a test, written as people write it.
func day(t testing.TB, s string) steward.Day {
	t.Helper()
	d, err := steward.ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func slotAt(t testing.TB, s string) steward.Slot {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return steward.SlotAt(at)
}

func seriesOf(t interface{ Fatal(...any) }, start steward.Day, values ...float64) series.Series {
	s, err := series.New(start, values)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func account(id string, start steward.Day) steward.Account {
	return steward.Account{ID: steward.AccountID(id), StartDate: start, RenewalDate: steward.NoDay}
}

// even draws from 0 to n-1, each as often as the others. The library's own
// ranges lean heavily towards their least value, which is a window of no days
// over an account of no age.
func even(t *rapid.T, label string, n int) int {
	x := rapid.Uint64().Draw(t, label) * 0x9e3779b97f4a7c15
	return int((x ^ x>>29) >> 11 % uint64(n))
}

// seldom is true once in twelve draws.
func seldom(t *rapid.T, label string) bool { return even(t, label, 12) == 7 }

// drawInput makes a portfolio with all that decides what a window is: accounts
// with and without a start date, before, in and after their series; gaps;
// series that stop early or run past the slot; contracts; stale and silent
// sources.
func drawInput(t *rapid.T) facts.Input {
	today := steward.Day(20_500)
	in := facts.Input{Slot: steward.SlotAt(today.Start(time.UTC).Add(6 * time.Hour)), Zone: time.UTC}
	near := func(label string, day steward.Day, later int) steward.Day {
		if seldom(t, "no "+label) {
			return steward.NoDay
		}
		return day + steward.Day(rapid.IntRange(0, 63).Draw(t, label)*later)
	}
	n := rapid.IntRange(1, 5).Draw(t, "accounts")
	for i := range n {
		in.Portfolio.Accounts = append(in.Portfolio.Accounts, account(fmt.Sprintf("a%d", i), near("start", today-60, 1)))
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "contracts") {
		in.Portfolio.Contracts = append(in.Portfolio.Contracts, steward.Contract{
			ID:      steward.ContractID(fmt.Sprintf("c%d", i)),
			Account: steward.AccountID(fmt.Sprintf("a%d", rapid.IntRange(0, n).Draw(t, "account"))), // n is nobody
		})
	}
	value := rapid.Custom(func(t *rapid.T) float64 {
		switch rapid.SampledFrom([]string{"plain", "zero", "none", "none", "negative", "odd"}).Draw(t, "sort") {
		case "none":
			return none
		case "zero":
			return 0
		case "negative":
			return -float64(rapid.IntRange(1, 9).Draw(t, "negative"))
		case "odd":
			return rapid.SampledFrom([]float64{0.1, 1e-300, 1e300, math.MaxFloat64}).Draw(t, "odd")
		default:
			return float64(rapid.IntRange(1, 50).Draw(t, "value"))
		}
	})
	for _, kind := range []steward.MetricKind{steward.Count, steward.Gauge, steward.Gauge} {
		m := facts.Metric{
			Spec: steward.MetricSpec{
				Name: fmt.Sprintf("m%d", len(in.Metrics)), Kind: kind,
				StaleAfter: rapid.IntRange(0, 5).Draw(t, "stale after"),
			},
			Through: near("through", today+3, -1),
			Stale:   seldom(t, "stale"),
			Series:  map[steward.AccountID]series.Series{},
		}
		for _, a := range in.Portfolio.Accounts {
			if !seldom(t, "no series") {
				from := today - 60 + steward.Day(rapid.IntRange(0, 63).Draw(t, "from"))
				n := 65 - rapid.IntRange(0, 65).Draw(t, "short by")
				m.Series[a.ID] = seriesOf(t, from, rapid.SliceOfN(value, n, n).Draw(t, "values")...)
			}
		}
		in.Metrics = append(in.Metrics, m)
	}
	return in
}

func same(a, b steward.Value) bool {
	return a.Kind == b.Kind && a.Known == b.Known && (!a.Known || a.Num == b.Num && a.Text == b.Text)
}

func TestWindowIsWhatTheDefinitionSays(t *testing.T) {
	known, unknown := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		frame := facts.At(drawInput(t))
		for range 12 {
			fn := functions[even(t, "fn", len(functions))]
			metric := []string{"m0", "m1", "m2", "m0", "m1", "m2", "nosuch"}[even(t, "metric", 7)]
			w := even(t, "w", 16)
			shift := even(t, "shift", 30) - 1
			for _, kind := range []steward.SubjectKind{steward.AboutAccount, steward.AboutContract} {
				view := frame.View(kind)
				column := view.Window(fn, metric, w, shift)
				if column.Len() != view.Len() {
					t.Fatalf("%d values for %d rows", column.Len(), view.Len())
				}
				for row := range view.Len() {
					got, want := column.Value(row), view.WindowAt(row, fn, metric, w, shift)
					if !same(got, want) {
						t.Fatalf("%s(%s, %d) %d days ago of %s = %v, by definition %v",
							fn, metric, w, shift, view.Subject(row), got, want)
					}
					if why := view.WhyUnknown(row, fn, metric, w, shift); want.Known != (why == "") {
						t.Fatalf("%s(%s, %d) %d days ago of %s = %v, because %q",
							fn, metric, w, shift, view.Subject(row), want, why)
					}
					if want.Known {
						known++
					} else {
						unknown++
					}
				}
			}
		}
	})
	// A generator that drifts into making everything unknown would prove nothing.
	if known*8 < unknown {
		t.Errorf("only %d of %d windows were known", known, known+unknown)
	}
	t.Logf("%d windows known, %d unknown", known, unknown)
}

// Windows worked out by hand, so that a misreading shared by both ways of
// computing them would show.
func TestWindowsByHand(t *testing.T) {
	end := day(t, "2026-03-10") // the slot is on the 11th
	from := end - 9
	const fresh = steward.NoDay
	type want map[string]string // fn to value
	for _, c := range []struct {
		name    string
		kind    steward.MetricKind
		start   steward.Day // fresh: none is declared
		values  []float64   // from 1 March on
		from    steward.Day
		w, back int
		want    want
	}{
		{name: "a count over its whole length", kind: steward.Count, start: fresh,
			values: []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, from: from, w: 10,
			want: want{"sum": "55", "avg": "5.5", "min": "1", "max": "10", "last": "10", "active_days": "10", "quiet_days": "0d"}},
		{name: "one day more than there is", kind: steward.Count, start: fresh,
			values: []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, from: from, w: 11,
			want: want{"sum": "unknown", "active_days": "unknown", "last": "10"}},
		{name: "missing days of a count are zero", kind: steward.Count, start: fresh,
			values: []float64{4, none, 2, none, none, none, none, none, none, none}, from: from, w: 10,
			want: want{"sum": "6", "avg": "0.6", "min": "0", "max": "4", "last": "0", "active_days": "2", "quiet_days": "7d"}},
		{name: "a declared start makes days before the first value zero", kind: steward.Count, start: end - 13,
			values: []float64{7}, from: end, w: 14,
			want: want{"sum": "7", "avg": "0.5", "active_days": "1"}},
		{name: "a declared start cuts off what came before", kind: steward.Count, start: end - 1,
			values: []float64{9, 9, 9, 9, 9, 9, 9, 9, 0, 0}, from: from, w: 2,
			want: want{"sum": "0", "max": "0", "quiet_days": "2d"}},
		{name: "a count without any data since the start", kind: steward.Count, start: end - 19,
			w: 20, want: want{"sum": "0", "last": "0", "quiet_days": "20d"}},
		{name: "three days ago", kind: steward.Count, start: fresh,
			values: []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, from: from, w: 2, back: 3,
			want: want{"sum": "13", "last": "7", "quiet_days": "0d"}},
		{name: "values after the end are not read", kind: steward.Count, start: fresh,
			values: []float64{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 50, 60}, from: from, w: 10,
			want: want{"sum": "1", "last": "0", "quiet_days": "9d"}},
		{name: "negative values", kind: steward.Count, start: fresh,
			values: []float64{-1, -5, none}, from: end - 2, w: 2, back: 1,
			want: want{"sum": "-6", "min": "-5", "max": "-1", "active_days": "0", "quiet_days": "2d"}},
		{name: "the least is a day after the series ends", kind: steward.Count, start: fresh,
			values: []float64{4, 3}, from: end - 3, w: 4,
			want: want{"min": "0", "max": "4", "quiet_days": "2d"}},
		{name: "the greatest is a day before it begins", kind: steward.Count, start: end - 3,
			values: []float64{-4, -3}, from: end - 1, w: 4,
			want: want{"min": "-4", "max": "0"}},
		{name: "before the account", kind: steward.Count, start: end + 1,
			values: []float64{5}, from: end, w: 1,
			want: want{"sum": "unknown", "last": "unknown", "quiet_days": "unknown"}},

		{name: "a gauge stands for three days", kind: steward.Gauge, start: fresh,
			values: []float64{5, none, none, none, 2, none, none, none, 8, none}, from: from, w: 10,
			want: want{"sum": "44", "avg": "4.4", "min": "2", "max": "8", "last": "8", "active_days": "10", "quiet_days": "0d"}},
		{name: "and not for four", kind: steward.Gauge, start: fresh,
			values: []float64{5, none, none, none, none, 2, none, none, none, 8}, from: from, w: 10,
			want: want{"sum": "unknown", "last": "8", "quiet_days": "0d"}},
		{name: "a carried value comes from before the window", kind: steward.Gauge, start: fresh,
			values: []float64{6, none, none, none}, from: end - 3, w: 3,
			want: want{"sum": "18", "last": "6", "quiet_days": "0d"}},
		{name: "but not from before the start", kind: steward.Gauge, start: end - 2,
			values: []float64{6, none, none, 4}, from: end - 3, w: 3,
			want: want{"sum": "unknown", "last": "4", "quiet_days": "0d"}},
		{name: "a gauge first seen after the start", kind: steward.Gauge, start: end - 9,
			values: []float64{0, 0, 0}, from: end - 2, w: 4,
			want: want{"sum": "unknown", "last": "0", "quiet_days": "unknown"}},
		{name: "a gauge at zero", kind: steward.Gauge, start: fresh,
			values: []float64{3, none, 0, none, none, 0}, from: end - 5, w: 4,
			want: want{"sum": "0", "active_days": "0", "quiet_days": "4d"}},
		{name: "a gauge gone silent", kind: steward.Gauge, start: fresh,
			values: []float64{3}, from: end - 5, w: 2,
			want: want{"last": "unknown", "quiet_days": "unknown"}},
		{name: "a gauge never seen", kind: steward.Gauge, start: end - 5, w: 2,
			want: want{"sum": "unknown", "last": "unknown", "quiet_days": "unknown"}},
		{name: "nothing known at all", kind: steward.Count, start: fresh, w: 2,
			want: want{"sum": "unknown", "last": "unknown", "quiet_days": "unknown"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := facts.Metric{
				Spec:    steward.MetricSpec{Name: "m", Kind: c.kind, StaleAfter: 3},
				Through: end + 5, // a source may declare days that the slot has not reached
				Series:  map[steward.AccountID]series.Series{},
			}
			if c.values != nil {
				m.Series["a"] = seriesOf(t, c.from, c.values...)
			}
			view := facts.At(facts.Input{
				Slot: slotAt(t, "2026-03-11T06:00:00Z"), Zone: time.UTC,
				Portfolio: steward.Portfolio{Accounts: []steward.Account{account("a", c.start)}},
				Metrics:   []facts.Metric{m},
			}).View(steward.AboutAccount)
			for _, fn := range functions {
				want, ok := c.want[fn.String()]
				if !ok {
					continue
				}
				if got := view.Window(fn, "m", c.w, c.back).Value(0).String(); got != want {
					t.Errorf("%s over a column = %s, want %s", fn, got, want)
				}
				if got := view.WindowAt(0, fn, "m", c.w, c.back).String(); got != want {
					t.Errorf("%s by definition = %s, want %s", fn, got, want)
				}
			}
		})
	}
}

// The first observation is looked for in every metric: one that begins later
// has zeros, not unknowns, in between.
func TestAccountStartsWithItsFirstObservationOfAnyMetric(t *testing.T) {
	end := day(t, "2026-03-10")
	count := func(name string, s series.Series, stale bool) facts.Metric {
		return facts.Metric{Spec: steward.MetricSpec{Name: name, Kind: steward.Count}, Through: end, Stale: stale,
			Series: map[steward.AccountID]series.Series{"a": s}}
	}
	view := facts.At(facts.Input{
		Slot: slotAt(t, "2026-03-11T06:00:00Z"), Zone: time.UTC,
		Portfolio: steward.Portfolio{Accounts: []steward.Account{account("a", steward.NoDay)}},
		Metrics: []facts.Metric{
			count("late", seriesOf(t, end, 6), false),
			count("early", seriesOf(t, end-5, 1), true), // stale, and still a sign of life
		},
	}).View(steward.AboutAccount)
	if got := view.Window(facts.Avg, "late", 6, 0).Value(0); !same(got, steward.Num(1)) {
		t.Errorf("avg since the first observation = %v, want 1", got)
	}
	if got := view.Window(facts.Avg, "late", 7, 0).Value(0); got.Known {
		t.Errorf("avg from before it = %v, want unknown", got)
	}
}

// The zone decides which day the slot is on, and a day has 23 or 25 hours when
// the clocks change.
func TestDaysAreTheWorkspaces(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	auckland, err := time.LoadLocation("Pacific/Auckland")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, slot string
		zone       *time.Location
		through    string
		today, end string
	}{
		{"before the spring gap", "2026-03-28T22:59:00Z", berlin, "2026-12-31", "2026-03-28", "2026-03-27"},
		{"midnight before the gap", "2026-03-28T23:00:00Z", berlin, "2026-12-31", "2026-03-29", "2026-03-28"},
		{"one hour less to midnight", "2026-03-29T22:00:00Z", berlin, "2026-12-31", "2026-03-30", "2026-03-29"},
		{"autumn's second hour", "2026-10-25T22:59:00Z", berlin, "2026-12-31", "2026-10-25", "2026-10-24"},
		{"autumn's midnight", "2026-10-25T23:00:00Z", berlin, "2026-12-31", "2026-10-26", "2026-10-25"},
		{"the other side of the world", "2026-06-30T12:00:00Z", auckland, "2026-12-31", "2026-07-01", "2026-06-30"},
		{"the source is behind", "2026-06-30T12:00:00Z", berlin, "2026-06-20", "2026-06-30", "2026-06-20"},
	} {
		frame := facts.At(facts.Input{Slot: slotAt(t, c.slot), Zone: c.zone, Metrics: []facts.Metric{
			{Spec: steward.MetricSpec{Name: "m"}, Through: day(t, c.through)},
		}})
		view := frame.View(steward.AboutAccount)
		if got := view.Today(0).String(); got != c.today {
			t.Errorf("%s: today is %s, want %s", c.name, got, c.today)
		}
		if got := view.Today(7); got != day(t, c.today)-7 {
			t.Errorf("%s: a week ago was %s", c.name, got)
		}
		if info, ok := frame.Metric("m"); !ok || info.End.String() != c.end {
			t.Errorf("%s: windows end on %s, want %s", c.name, info.End, c.end)
		}
	}
}

func TestNothingImportedHasNoEnd(t *testing.T) {
	frame := facts.At(facts.Input{Slot: slotAt(t, "2026-03-11T06:00:00Z"), Zone: time.UTC, Metrics: []facts.Metric{
		{Spec: steward.MetricSpec{Name: "m"}, Through: steward.NoDay},
	}})
	if info, ok := frame.Metric("m"); !ok || info.End != steward.NoDay {
		t.Errorf("Metric = %+v, %v; want no end", info, ok)
	}
	if info, ok := frame.Metric("nosuch"); ok || info.End != steward.NoDay {
		t.Errorf("Metric of an unknown name = %+v, %v", info, ok)
	}
}

func TestStale(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, slot, through string
		within              time.Duration
		want                bool
	}{
		// The 10th ends at 23:00 UTC.
		{"just within", "2026-03-12T11:00:00Z", "2026-03-10", 36 * time.Hour, false},
		{"a second later", "2026-03-12T11:00:01Z", "2026-03-10", 36 * time.Hour, true},
		{"the day is not over", "2026-03-10T06:00:00Z", "2026-03-10", time.Hour, false},
		{"no freshness asked for", "2027-01-01T00:00:00Z", "2026-03-10", 0, false},
		{"never imported", "2026-03-12T11:00:00Z", "", 36 * time.Hour, true},
		{"never imported, no freshness asked for", "2026-03-12T11:00:00Z", "", 0, true},
		// The 29th has 23 hours and ends at 22:00 UTC.
		{"spring, just within", "2026-03-30T22:00:00Z", "2026-03-29", 24 * time.Hour, false},
		{"spring, a second later", "2026-03-30T22:00:01Z", "2026-03-29", 24 * time.Hour, true},
	} {
		through := steward.NoDay
		if c.through != "" {
			through = day(t, c.through)
		}
		if got := facts.Stale(slotAt(t, c.slot), berlin, through, c.within); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestWhyUnknown(t *testing.T) {
	end := day(t, "2026-03-10")
	metric := func(name string, kind steward.MetricKind, through steward.Day, stale bool, s map[steward.AccountID]series.Series) facts.Metric {
		return facts.Metric{Spec: steward.MetricSpec{Name: name, Kind: kind, StaleAfter: 10}, Through: through, Stale: stale, Series: s}
	}
	of := func(s series.Series) map[steward.AccountID]series.Series {
		return map[steward.AccountID]series.Series{"dated": s}
	}
	view := facts.At(facts.Input{
		Slot: slotAt(t, "2026-03-11T06:00:00Z"), Zone: time.UTC,
		Portfolio: steward.Portfolio{Accounts: []steward.Account{
			account("dated", day(t, "2026-02-20")), account("seen", steward.NoDay), account("bare", steward.NoDay),
			account("future", day(t, "2026-04-01")),
		}},
		Metrics: []facts.Metric{
			metric("logins", steward.Count, end, false, map[steward.AccountID]series.Series{"seen": seriesOf(t, end-3, 1)}),
			metric("users", steward.Gauge, end, false, of(seriesOf(t, day(t, "2026-02-22"), 5))),
			metric("silent", steward.Count, day(t, "2026-03-01"), true, nil),
			metric("fresh", steward.Count, steward.NoDay, true, nil),
			metric("seats", steward.Gauge, end, false, nil),
			metric("bytes", steward.Count, end, false, of(seriesOf(t, end-1, math.MaxFloat64, math.MaxFloat64))),
		},
	}).View(steward.AboutAccount)
	for _, c := range []struct {
		account  string
		fn       facts.Fn
		metric   string
		w, shift int
		want     string
	}{
		{"dated", facts.Sum, "logins", 14, 0, ""},
		{"dated", facts.Sum, "nosuch", 14, 0, `there is no metric "nosuch"`},
		{"dated", facts.Sum, "fresh", 14, 0, "nothing has been imported for fresh"},
		{"dated", facts.Sum, "silent", 14, 0, "the source of silent is stale: its last complete day is 2026-03-01"},
		{"dated", facts.Sum, "logins", 28, 0, "the account started on 2026-02-20, and the 28 days to 2026-03-10 begin on 2026-02-11"},
		{"dated", facts.Sum, "logins", 14, 14, "the account started on 2026-02-20, and the 14 days to 2026-02-24 begin on 2026-02-11"},
		{"seen", facts.Sum, "logins", 7, 0, "the account was first seen on 2026-03-07, and the 7 days to 2026-03-10 begin on 2026-03-04"},
		{"bare", facts.Last, "logins", 0, 0, "the account has no start date and no data of any metric"},
		{"future", facts.Last, "logins", 0, 0, "the account started on 2026-04-01, and the last day looked at is 2026-03-10"},
		{"future", facts.QuietDays, "logins", 0, 0, "the account started on 2026-04-01, and the last day looked at is 2026-03-10"},
		{"dated", facts.Last, "users", 0, 0, "users was last seen on 2026-02-22, which stands for 10 days; nothing is known of 2026-03-10"},
		{"dated", facts.QuietDays, "users", 0, 0, "users was last seen on 2026-02-22, which stands for 10 days; nothing is known of 2026-03-10"},
		{"dated", facts.Sum, "users", 4, 14, "users has no value for this account up to 2026-02-21"},
		{"dated", facts.Last, "seats", 0, 0, "seats has no value for this account up to 2026-03-10"},
		{"dated", facts.Sum, "bytes", 2, 0, "the values of bytes are too large to add up"},
		{"dated", facts.Sum, "logins", 0, 0, "a window has at least one day"},
		{"dated", facts.Sum, "logins", 1, -1, "the window lies in the future"},
	} {
		row, ok := view.Row(c.account)
		if !ok {
			t.Fatalf("no row %s", c.account)
		}
		if got := view.WhyUnknown(row, c.fn, c.metric, c.w, c.shift); got != c.want {
			t.Errorf("%s(%s, %d) %d days ago of %s:\ngot  %s\nwant %s", c.fn, c.metric, c.w, c.shift, c.account, got, c.want)
		}
		if got := view.Window(c.fn, c.metric, c.w, c.shift).Value(row); got.Known != (c.want == "") {
			t.Errorf("%s(%s, %d) of %s = %v", c.fn, c.metric, c.w, c.account, got)
		}
	}
}

// A window is computed once however often and through whichever view it is
// asked for, and functions without a width do not care for one.
func TestWindowsAreComputedOnce(t *testing.T) {
	end := day(t, "2026-03-10")
	frame := facts.At(facts.Input{
		Slot: slotAt(t, "2026-03-11T06:00:00Z"), Zone: time.UTC,
		Portfolio: steward.Portfolio{Accounts: []steward.Account{account("a", end)}},
		Metrics:   []facts.Metric{{Spec: steward.MetricSpec{Name: "m", Kind: steward.Count}, Through: end}},
	})
	view := frame.View(steward.AboutAccount)
	if frame.View(steward.AboutAccount) != view {
		t.Error("a second view of the same kind")
	}
	first := view.Window(facts.Last, "m", 0, 0)
	if again := view.Window(facts.Last, "m", 14, 0); &first.Num[0] != &again.Num[0] {
		t.Error("last was computed twice")
	}
	if other := view.Window(facts.Sum, "m", 1, 0); &first.Num[0] == &other.Num[0] {
		t.Error("sum and last share a column")
	}
}

func TestNamesOfFunctions(t *testing.T) {
	var names []string
	for _, fn := range functions {
		names = append(names, fn.String())
		if want := strings.HasSuffix(fn.String(), "quiet_days"); (fn.Kind() == steward.DurationKind) != want {
			t.Errorf("%s gives a %s", fn, fn.Kind())
		}
	}
	if got, want := strings.Join(names, " "), "sum avg min max last active_days quiet_days"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
