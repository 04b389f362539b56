package lang_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/facts"
	"steward/playbooks/lang"
)

// Kleene's strong tables. renewal_date is unknown at bolt, known at acme.
func TestKleene(t *testing.T) {
	v := acme(t).View(steward.AboutAccount)
	const bolt = 1
	names := map[string]string{"T": "true", "F": "false", "U": "arr > 0"}
	for _, c := range []struct{ a, b, and, or string }{
		{"T", "T", "true", "true"}, {"T", "F", "false", "true"}, {"T", "U", "unknown", "true"},
		{"F", "T", "false", "true"}, {"F", "F", "false", "false"}, {"F", "U", "false", "unknown"},
		{"U", "T", "unknown", "true"}, {"U", "F", "false", "unknown"}, {"U", "U", "unknown", "unknown"},
	} {
		for sign, want := range map[string]string{"and": c.and, "or": c.or} {
			src := fmt.Sprintf("%s %s %s", names[c.a], sign, names[c.b])
			if got := both(t, v, bolt, src).Verdict().String(); got != want {
				t.Errorf("%s %s %s is %s, want %s", c.a, sign, c.b, got, want)
			}
		}
	}
}

// both is what the interpreter and the column agree on.
func both(t *testing.T, v *facts.View, row int, src string) steward.Value {
	t.Helper()
	e := compile(t, src, steward.AboutAccount)
	want := e.Value(v, row, lang.At{})
	if got := e.Column(v, lang.At{}).Value(row); !same(got, want) {
		t.Errorf("%s: column %v, value %v", src, got, want)
	}
	return want
}

func TestMeaning(t *testing.T) {
	v := acme(t).View(steward.AboutAccount)
	for _, c := range []struct {
		row  int
		src  string
		want string
	}{
		// Unknown is neither equal nor unequal, and in no list.
		{1, "segment == 'smb'", "unknown"}, {1, "segment != 'smb'", "unknown"}, {1, "segment in ['smb']", "unknown"}, {1, "segment not in ['smb']", "unknown"},
		{1, "not (arr > 0)", "unknown"}, {1, "arr > 0 ? 1 : 1", "unknown"}, {1, "arr ?? 5", "5"}, {1, "known(arr)", "false"}, {1, "known(arr > 0)", "false"},
		{1, "known(arr > 0 and false)", "true"}, {1, "test", "false"}, {1, "known(test)", "true"}, {0, "known(arr)", "true"},
		// Text.
		{0, "segment == 'Enterprise'", "false"}, {0, "segment contains 'prise'", "true"}, {0, "segment contains ''", "true"}, {0, `segment == "enterprise"`, "true"},
		{0, "segment not in ['smb', 'enterprise']", "false"},
		// Precedence.
		{0, "true or true and false", "true"}, {0, "not false and false", "false"}, {0, "not arr > 5", "false"}, {0, "2 + 3 * 4", "14"}, {0, "(2 + 3) * 4", "20"},
		{0, "10 - 3 - 2", "5"}, {0, "100 / 10 / 5", "2"}, {0, "-2 * -3", "6"}, {0, "2 - -3", "5"}, {1, "seats ?? 0 > 10", "false"}, {1, "seats ?? 2 + 3", "5"},
		{1, "seats ?? arr ?? 7", "7"}, {0, "false ? 1 : false ? 2 : 3", "3"}, {0, "true ? false ? 1 : 2 : 3", "2"}, {0, "true or false ? 1 : 2", "1"},
		{0, "arr > 5 == true", "unreadable"},
		// Numbers.
		{0, "1 / (arr - arr)", "unknown"}, {0, "(arr - arr) / (arr - arr)", "unknown"}, {0, "1.1k == 1100", "true"}, {0, "2.5M", "2500000"}, {0, "50% == 0.5", "true"},
		{0, "0.1 + 0.2 == 0.3", "false"}, {0, "arr in [48k]", "true"}, {0, "-arr in [-48k]", "true"}, {0, "1000000000000000 * 1000000000000000 > 1", "true"},
		// Dates and durations. Today is 12 March 2026.
		{0, "days_until(2026-03-13)", "1d"}, {0, "days_since(2026-03-13)", "-1d"}, {0, "days_until(2026-03-12) == 0d", "true"}, {0, "2026-01-31 + 1mo", "2026-02-28"},
		{0, "2024-03-31 - 1mo", "2024-02-29"}, {0, "1mo + 2026-12-31", "2027-01-31"}, {0, "2026-03-12 + 1.5d", "2026-03-13"}, {0, "2026-03-12 - 1.5d", "2026-03-10"},
		{0, "2026-03-12 - 2026-03-01", "11d"}, {0, "2w == 14d", "true"}, {0, "14d / 7d", "2"}, {0, "14d / 4", "3.5d"}, {0, "2 * 3d + 1d", "7d"}, {0, "-3d < 0d", "true"},
		{0, "9999-12-31 + 1d", "unknown"}, {0, "0001-01-01 - 1mo", "unknown"}, {0, "2026-03-12 + 1d / 0.000001 * 100000", "unknown"}, {0, "renewal_date in [2026-05-12]", "true"},
		{0, "14d in [2w]", "true"},
		// Windows, at acme: 86 days of 42, then 14 of 15.
		{0, "sum(logins, 14d)", "210"}, {0, "avg(logins, 28d)", "28.5"}, {0, "min(logins, 28d)", "15"}, {0, "max(logins, 28d)", "42"}, {0, "last(logins)", "15"},
		{0, "active_days(logins, 7d)", "7"}, {0, "quiet_days(logins)", "0d"}, {0, "was(last(logins), 14d)", "42"}, {0, "was(was(last(logins), 7d), 7d)", "42"},
		{0, "was(days_until(2026-03-12), 5d)", "5d"}, {0, "was(drop(logins, 14d), 14d)", "0"}, {0, "drop(logins, 14d, 28d)", "0.642857"}, {0, "sum(logins, 100d) > 0", "true"},
		{0, "sum(logins, 101d) > 0", "unknown"}, {0, "drop(logins, 51d)", "unknown"}, {1, "quiet_days(logins)", "unknown"},
		{0, "at_open(last(logins))", "15"}, {0, "at_open(was(last(logins), 14d))", "42"}, {0, "recovered(logins, 14d)", "0.357143"},
	} {
		if c.want == "unreadable" {
			if _, problems := lang.Compile(c.src, scope(steward.AboutAccount), steward.NoKind); len(problems) == 0 {
				t.Errorf("%s compiles", c.src)
			}
			continue
		}
		if got := both(t, v, c.row, c.src).String(); got != c.want {
			t.Errorf("%s at %d is %s, want %s", c.src, c.row, got, c.want)
		}
	}
}

// The edges of change, drop and recovered, each from two weeks of one value
// and two of another.
func TestMovement(t *testing.T) {
	for _, c := range []struct {
		before, now             float64
		drop, change, recovered string
	}{
		{10, 7, "0.3", "-0.3", "0.7"}, {10, 10, "0", "0", "1"}, {0, 0, "0", "0", "0"}, {0, 5, "unknown", "unknown", "1"}, {5, 0, "1", "-1", "0"},
		{10, 20, "-1", "1", "2"}, {-10, -5, "-0.5", "0.5", "0.5"}, {-4, 4, "-2", "2", "-1"},
	} {
		v := moved(t, c.before, c.now)
		for src, want := range map[string]string{"drop(logins, 14d)": c.drop, "change(logins, 14d)": c.change, "recovered(logins, 14d)": c.recovered} {
			if got := both(t, v, 0, src).String(); got != want {
				t.Errorf("from %v to %v %s is %s, want %s", c.before, c.now, src, got, want)
			}
		}
	}
	// 7 of 10 is 30 % less exactly, however the days divide.
	if got := both(t, moved(t, 10.0/14, 7.0/14), 0, "drop(logins, 14d) >= 30%"); !got.Known {
		t.Errorf("got %v", got)
	}
}

func moved(t *testing.T, before, now float64) *facts.View {
	t.Helper()
	slot, zone := noon(t)
	today := slot.Day(zone)
	return facts.At(facts.Input{Slot: slot, Zone: zone,
		Portfolio: steward.Portfolio{Accounts: []steward.Account{{ID: "a", StartDate: today - 100, RenewalDate: steward.NoDay}}},
		Metrics: []facts.Metric{{Spec: steward.MetricSpec{Name: "logins", Kind: steward.Count}, Through: today - 1,
			Series: seriesOf("a", mustSeries(t, today-28, [2]float64{before, 14}, [2]float64{now, 14}))}},
	}).View(steward.AboutAccount)
}

// What an episode froze is read, an old level that nobody knows counts as none
// (any use is recovery), and what is missing is worked out as of the day the episode began, whichever day is read.
func TestEpisodes(t *testing.T) {
	v := acme(t).View(steward.AboutAccount)
	e := compile(t, "recovered(logins, 7d) ?? -1", steward.AboutAccount)
	key := "was(avg(logins, 7d), 7d)"
	if diff := cmp.Diff([]string{key}, e.Frozen()); diff != "" {
		t.Fatalf("frozen (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		name    string
		episode *lang.Episode
		shift   int
		want    float64
	}{
		{"no episode: as if it began on the day that is read", nil, 0, 1},
		{"no episode, a day in the drop", nil, 7, 15.0 / 42},
		{"frozen", &lang.Episode{Frozen: map[string]steward.Value{key: steward.Num(30)}}, 0, 0.5},
		{"frozen at nothing", &lang.Episode{Frozen: map[string]steward.Value{key: steward.Num(0)}}, 0, 1},
		{"kept as unknown", &lang.Episode{Frozen: map[string]steward.Value{key: {}}, Shift: 10}, 0, 1},
		{"kept as another kind", &lang.Episode{Frozen: map[string]steward.Value{key: steward.Str("x")}}, 0, 1},
		{"missing, began in the drop", &lang.Episode{Shift: 10}, 0, 15.0 / 42},
		{"missing, a late day of that episode is read", &lang.Episode{Shift: 10}, 3, 15.0 / 42},
		{"missing, began after the day that is read", &lang.Episode{Shift: 0}, 7, 15.0 / 42},
		{"missing, and too long ago to know", &lang.Episode{Shift: 95}, 0, 1},
	} {
		at := lang.At{Shift: c.shift}
		if c.episode != nil {
			at.Episodes = map[int]lang.Episode{0: *c.episode, 99: {}}
		}
		if got := e.Value(v, 0, at).Num; got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if got := e.Column(v, at).Value(0).Num; got != c.want {
			t.Errorf("%s: column %v, want %v", c.name, got, c.want)
		}
	}
}

// What Freeze gives goes through storage and comes back the same.
func TestFreezeAndStore(t *testing.T) {
	v := acme(t).View(steward.AboutAccount)
	e := compile(t, "recovered(logins, 14d) > 80% and at_open(renewal_date) > at_open(start_date + 1d) and at_open(quiet_days(logins)) < 3d and at_open(segment) == segment and not at_open(test)", steward.AboutAccount)
	frozen := e.Freeze(v, 0, lang.At{Shift: 2})
	want := []string{"quiet_days(logins)", "renewal_date", "segment", "start_date + 1d", "test", "was(avg(logins, 14d), 14d)"}
	if diff := cmp.Diff(want, e.Frozen()); diff != "" {
		t.Errorf("frozen (-want +got):\n%s", diff)
	}
	stored, err := json.Marshal(frozen)
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]steward.Value
	if err := json.Unmarshal(stored, &back); err != nil {
		t.Fatal(err)
	}
	a := lang.At{Episodes: map[int]lang.Episode{0: {Frozen: frozen}}}
	b := lang.At{Episodes: map[int]lang.Episode{0: {Frozen: back}}}
	if x, y := e.Value(v, 0, a), e.Value(v, 0, b); !same(x, y) || !x.Known {
		t.Errorf("before storing %v, after %v (%s)", x, y, stored)
	}
	// Of an account that nothing is known of, everything stays unknown.
	for key, x := range e.Freeze(v, 1, lang.At{}) {
		if x.Known && key != "test" {
			t.Errorf("%s is %v", key, x)
		}
	}
}

func TestCanonical(t *testing.T) {
	for _, group := range [][]string{
		{"arr >= 10000 and segment == 'smb'", "arr>=10k   and segment==\"smb\"", "(arr >= 10k) and ((segment) == ('smb'))", "arr\n>= 10k\nand segment == 'smb'"},
		{"drop(logins, 14d) >= 50%", "drop( logins,2w )>=50.0%"},
		{"test or test and not test", "test or (test and (not test))"},
		{"(test or test) and test"},
		{"arr - (seats - 1)"}, {"arr - seats - 1", "(arr - seats) - 1"}, {"arr / (seats * 2)"},
		{"test and test and test", "test and (test and test)"},
		{"seats ?? arr ?? 1", "(seats ?? arr) ?? 1", "seats ?? (arr ?? 1)"},
		{"(seats ?? 0) * 2"}, {"seats ?? 0 * 2", "seats ?? (0 * 2)"},
		{"-(arr + 1)"}, {"-arr + 1", "(-arr) + 1"},
		{"(test ? arr : seats) > 5"}, {"test ? arr : seats > 5 ? 1 : 2", "test ? arr : (seats > 5 ? 1 : 2)"},
		{"(test ? test : test) ? 1 : 2"}, {"not (test and test)"}, {"not arr > 5", "not (arr > 5)"}, {"(not test) == test"},
		{"plan == \"it's\""}, {"plan == 'a \"b\"'"}, {"renewal_date - 3mo"}, {"1500000", "1.5M"}, {"0.001"}, {"12.5%"},
	} {
		for _, src := range group {
			if got := compile(t, src, steward.AboutAccount).Canonical(); got != group[0] {
				t.Errorf("canonical of %q is %q, want %q", src, got, group[0])
			}
		}
	}
}

func TestWhatAnExpressionReads(t *testing.T) {
	e := compile(t, "drop(logins, 14d) > 0 and arr > at_open(seats) and not acked and known(last(active_users)) and arr < max(logins, 7d)", steward.AboutAccount)
	if diff := cmp.Diff([]string{"active_users", "logins"}, e.Metrics()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"arr", "seats"}, e.Fields()); diff != "" {
		t.Error(diff)
	}
	if !e.UsesAcked() || e.Kind() != steward.FlagKind || e.Percent() || e.String() != e.Source() {
		t.Errorf("acked %v, kind %s, percent %v", e.UsesAcked(), e.Kind(), e.Percent())
	}
	for src, want := range map[string]bool{"drop(logins, 14d)": true, "recovered(logins, 14d)": true, "-change(logins, 14d)": true, "50%": true, "arr * 50%": false,
		"drop(logins, 14d) / 2": true, "drop(logins, 14d) + 10%": true, "arr": false, "was(drop(logins, 14d), 3d)": true, "drop(logins, 14d) ?? 0": true,
		"test ? drop(logins, 14d) : 0": true, "last(active_users) / seats": false, "50% * 50%": true} {
		if got := compile(t, src, steward.AboutAccount).Percent(); got != want {
			t.Errorf("%s as a percentage: %v", src, got)
		}
	}
}

// An Expr is shared by goroutines that each have a frame.
func TestExprIsShared(t *testing.T) {
	e := compile(t, "drop(logins, 14d) >= 50% and arr * 2 > 10k or recovered(logins, 14d) < 80%", steward.AboutAccount)
	var wg sync.WaitGroup
	for range 8 {
		v := acme(t).View(steward.AboutAccount)
		wg.Go(func() {
			if e.Column(v, lang.At{}).Value(0).Verdict() != steward.Holds || e.Trace(v, 0, lang.At{}).Value.Verdict() != steward.Holds {
				t.Error("it does not hold")
			}
		})
	}
	wg.Wait()
}

// A view whose fields were declared anew since the expression was checked has
// unknowns, not rubbish.
func TestFieldsDeclaredAnew(t *testing.T) {
	s := scope(steward.AboutAccount)
	s.Fields["segment"], s.Fields["gone"], s.Fields["arr"] = steward.NumberKind, steward.TextKind, steward.FlagKind
	v := acme(t).View(steward.AboutAccount)
	for _, src := range []string{"segment", "segment > 5", "gone == 'x'", "gone", "arr", "not arr", "at_open(gone)"} {
		e, problems := lang.Compile(src, s, steward.NoKind)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if x, y := e.Value(v, 0, lang.At{}), e.Column(v, lang.At{}).Value(0); x.Known || y.Known || x.Kind != e.Kind() || y.Kind != e.Kind() {
			t.Errorf("%s is %v, in the column %v", src, x, y)
		}
	}
}

func TestNoRows(t *testing.T) {
	slot, zone := noon(t)
	v := facts.At(facts.Input{Slot: slot, Zone: zone}).View(steward.AboutAccount)
	for _, src := range []string{"arr", "arr > 5", "segment", "at_open(arr) > 0", "'x'", "renewal_date + 1mo"} {
		if got := compile(t, src, steward.AboutAccount).Column(v, lang.At{}).Len(); got != 0 {
			t.Errorf("%s has %d rows", src, got)
		}
	}
}
