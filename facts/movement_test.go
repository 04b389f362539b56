package facts_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"steward"
	"steward/facts"
	"steward/series"
)

var movements = []facts.Fn{facts.Trend, facts.Unusual}

// drawMovement makes accounts in few segments with series long enough for
// windows before windows. The days themselves are of a seed: rapid would draw
// ten thousand of them.
func drawMovement(t *rapid.T) facts.Input {
	today := steward.Day(20_500)
	in := facts.Input{Slot: steward.SlotAt(today.Start(time.UTC).Add(6 * time.Hour)), Zone: time.UTC}
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	pick := func(of ...float64) float64 { return of[r.IntN(len(of))] }
	for i := range 4 + r.IntN(10) {
		a := account(fmt.Sprintf("a%d", i), steward.NoDay)
		if r.IntN(2) == 0 {
			a.StartDate = today - steward.Day(pick(3, 20, 60, 150))
		}
		a.Segment = []string{"smb", "smb", "smb", "large", ""}[r.IntN(5)]
		in.Portfolio.Accounts = append(in.Portfolio.Accounts, a)
	}
	if r.IntN(3) == 0 { // a past in which segments were others
		in.Portfolio.History = steward.History{}
		for _, a := range in.Portfolio.Accounts {
			in.Portfolio.History[steward.HistoryKey{Kind: steward.AboutAccount, ID: string(a.ID)}] = steward.Past{Since: today - 20,
				Changes: []steward.FieldChange{{Field: "segment", Day: today - 20, Value: steward.Str("smb")}, {Field: "segment", Day: today - 5, Value: steward.Str(a.Segment)}}}
		}
	}
	for i, kind := range []steward.MetricKind{steward.Count, steward.Gauge} {
		m := facts.Metric{Spec: steward.MetricSpec{Name: fmt.Sprintf("m%d", i), Kind: kind, StaleAfter: r.IntN(6)},
			Through: today - steward.Day(pick(0, 1, 1, 2)), Stale: r.IntN(15) == 0, Series: map[steward.AccountID]series.Series{}}
		for _, a := range in.Portfolio.Accounts {
			values := make([]float64, int(pick(0, 30, 70, 150)))
			level, gaps, calm := pick(0, 1, 10, 1e300), r.IntN(3), r.IntN(3) == 0
			for d := range values {
				switch {
				case gaps > 0 && r.IntN(4*gaps) == 0:
					values[d] = none
				case calm:
					values[d] = level
				case r.IntN(200) == 0:
					values[d] = pick(math.MaxFloat64, -math.MaxFloat64, 1e-300)
				default:
					values[d] = level * float64(r.IntN(12)-1)
				}
			}
			m.Series[a.ID] = seriesOf(t, today-steward.Day(len(values))+steward.Day(pick(-2, 0, 2)), values...)
		}
		in.Metrics = append(in.Metrics, m)
	}
	return in
}

func TestMovementIsWhatTheDefinitionSays(t *testing.T) {
	known, asked := map[facts.Fn]int{}, 0
	rapid.Check(t, func(t *rapid.T) {
		frame := facts.At(drawMovement(t))
		for range 6 {
			fn := movements[even(t, "fn", len(movements))]
			metric := []string{"m0", "m1", "nosuch", "m0"}[even(t, "metric", 9)%4]
			w := []int{0, 1, 2, 3, 3, 5, 7, 7, 14, 40, 91, 100}[even(t, "w", 12)]
			shift := []int{-1, 0, 0, 1, 6, 30}[even(t, "shift", 6)]
			view := frame.View(steward.AboutAccount)
			column := view.Window(fn, metric, w, shift)
			for row := range view.Len() {
				asked++
				got, want := column.Value(row), view.WindowAt(row, fn, metric, w, shift)
				if !same(got, want) {
					t.Fatalf("%s(%s, %d) %d days ago of %s = %v, by definition %v", fn, metric, w, shift, view.Subject(row), got, want)
				}
				if why := view.WhyUnknown(row, fn, metric, w, shift); want.Known != (why == "") {
					t.Fatalf("%s(%s, %d) %d days ago of %s = %v, because %q", fn, metric, w, shift, view.Subject(row), want, why)
				}
				if want.Known {
					known[fn]++
				}
			}
		}
	})
	for _, fn := range movements {
		if known[fn]*60 < asked {
			t.Errorf("of %d answers only %d of %s were known", asked, known[fn], fn)
		}
	}
	t.Logf("%v of %d known", known, asked)
}

func TestPeersAreWhatTheDefinitionSays(t *testing.T) {
	known, asked := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		frame := facts.At(drawMovement(t))
		for range 6 {
			metric := []string{"m0", "m1", "nosuch", "m0"}[even(t, "metric", 9)%4]
			w := []int{0, 1, 2, 3, 3, 5, 7, 7, 14, 40}[even(t, "w", 10)]
			ago := []int{1, w, w, w, 7, 30, 100}[even(t, "ago", 7)]
			shift := []int{-1, 0, 0, 1, 6, 30}[even(t, "shift", 6)]
			view := frame.View(steward.AboutAccount)
			column := view.VsPeers(metric, w, ago, shift)
			for row := range view.Len() {
				asked++
				got, want := column.Value(row), view.VsPeersAt(row, metric, w, ago, shift)
				if !same(got, want) {
					t.Fatalf("vs_peers(%s, %d, %d) %d days ago of %s = %v, by definition %v", metric, w, ago, shift, view.Subject(row), got, want)
				}
				if why := view.WhyVsPeers(row, metric, w, ago, shift); want.Known != (why == "") {
					t.Fatalf("vs_peers(%s, %d, %d) %d days ago of %s = %v, because %q", metric, w, ago, shift, view.Subject(row), want, why)
				}
				if want.Known {
					known++
				}
			}
		}
	})
	if known*60 < asked {
		t.Errorf("of %d answers only %d were known", asked, known)
	}
	t.Logf("%d of %d known", known, asked)
}

// Two weeks ago was the low season of everybody, and last week its end: against
// the week before all of them rise. Against the same week of the cycle before,
// a4 alone has lost half.
func TestPeersInTheSameSeason(t *testing.T) {
	usual, fading := weeks(20, 2, 20), weeks(20, 2, 10)
	view := peopled(t, []string{"smb"}, usual, usual, usual, usual, fading)
	for _, c := range []struct {
		ago  int
		want string
	}{{7, "-5"}, {14, "-0.5"}, {21, "unknown"}} {
		if got := view.VsPeers("m", 7, c.ago, 0).Value(4).String(); got != c.want {
			t.Errorf("against %d days before: %s, want %s", c.ago, got, c.want)
		}
		if got := view.VsPeersAt(4, "m", 7, c.ago, 0).String(); got != c.want {
			t.Errorf("against %d days before, by definition: %s, want %s", c.ago, got, c.want)
		}
	}
	if why := view.WhyVsPeers(4, "m", 7, 21, 0); why != "the account started on 2026-02-18, and the last day looked at is 2026-02-17" {
		t.Errorf("unknown because %q", why)
	}
}

// peopled is accounts with one count of whole days up to 10 March 2026.
func peopled(t *testing.T, segments []string, days ...[]float64) *facts.View {
	t.Helper()
	end := day(t, "2026-03-10")
	in := facts.Input{Slot: slotAt(t, "2026-03-11T06:00:00Z"), Zone: time.UTC}
	m := facts.Metric{Spec: steward.MetricSpec{Name: "m", Kind: steward.Count}, Through: end, Series: map[steward.AccountID]series.Series{}}
	for i, values := range days {
		a := account(fmt.Sprint("a", i), end-steward.Day(len(values))+1)
		a.Segment = segments[i%len(segments)]
		in.Portfolio.Accounts = append(in.Portfolio.Accounts, a)
		m.Series[a.ID] = seriesOf(t, a.StartDate, values...)
	}
	in.Metrics = []facts.Metric{m}
	return facts.At(in).View(steward.AboutAccount)
}

func line(n int, from, step float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = from + step*float64(i)
	}
	return out
}

func weeks(levels ...float64) (out []float64) {
	for _, x := range levels {
		out = append(out, slices.Repeat([]float64{x}, 7)...)
	}
	return out
}

// Movements worked out by hand.
func TestMovementsByHand(t *testing.T) {
	outlier := line(11, 10, 1) // 10 to 20, mean 15
	outlier[3], outlier[8] = 13+44, 18-44
	for _, c := range []struct {
		name  string
		fn    facts.Fn
		w     int
		shift int
		days  []float64
		want  string
		why   string
	}{
		{name: "a line from 10 to 20", fn: facts.Trend, w: 11, days: line(11, 10, 1), want: "0.666667"},
		{name: "as it was two days ago", fn: facts.Trend, w: 9, shift: 2, days: line(11, 10, 1), want: "0.571429"},
		{name: "falling", fn: facts.Trend, w: 11, days: line(11, 20, -1), want: "-0.666667"},
		{name: "two odd days that leave the mean", fn: facts.Trend, w: 11, days: outlier, want: "0.666667"},
		{name: "level", fn: facts.Trend, w: 7, days: weeks(5), want: "0"},
		{name: "a negative metric that rises", fn: facts.Trend, w: 11, days: line(11, -20, 1), want: "0.666667"},
		{name: "by weeks over more than 90 days", fn: facts.Trend, w: 98, days: line(98, 1, 1), want: "1.9596"},
		{name: "nothing", fn: facts.Trend, w: 7, days: weeks(0), want: "unknown", why: "m averaged 0 over 7 days, and nothing is a share of 0"},
		{name: "one day", fn: facts.Trend, w: 1, days: weeks(5), want: "unknown", why: "a trend takes at least two days"},
		{name: "too young", fn: facts.Trend, w: 8, days: weeks(5), want: "unknown", why: "the account started on 2026-03-04, and the 8 days to 2026-03-10 begin on 2026-03-03"},

		// Median 10.5; distances 1.5 .5 .5 .5 .5 1.5 1.5 1.5 → median 1.
		{name: "far below eight weeks", fn: facts.Unusual, w: 7, days: weeks(9, 10, 11, 10, 11, 12, 9, 12, 3), want: "-5.05868"},
		{name: "of more than eight weeks the last", fn: facts.Unusual, w: 7, days: weeks(900, 900, 9, 10, 11, 10, 11, 12, 9, 12, 3), want: "-5.05868"},
		{name: "as usual", fn: facts.Unusual, w: 7, days: weeks(9, 11, 9, 11, 10), want: "0"},
		{name: "all alike, and so is this", fn: facts.Unusual, w: 7, days: weeks(5, 5, 5, 5, 5), want: "0"},
		// Median 5, median distance 0, mean distance .8/5.
		{name: "nearly all alike", fn: facts.Unusual, w: 7, days: weeks(5, 5, 5.8, 5, 5, 6), want: "4.98678"},
		{name: "all alike but this", fn: facts.Unusual, w: 7, days: weeks(5, 5, 5, 5, 6), want: "unknown",
			why: "m was the same in all windows of 7 days before this one, so nothing tells how far off this one is"},
		{name: "three weeks before", fn: facts.Unusual, w: 7, days: weeks(5, 6, 7, 8), want: "unknown",
			why: "3 of the windows of 7 days before this one are known, and it takes 4: the account started on 2026-02-11, and the last day looked at is 2026-02-10"},
	} {
		view := peopled(t, []string{"smb"}, c.days)
		if got := view.Window(c.fn, "m", c.w, c.shift).Value(0).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if got := view.WindowAt(0, c.fn, "m", c.w, c.shift).String(); got != c.want {
			t.Errorf("%s: by definition %s, want %s", c.name, got, c.want)
		}
		if got := view.WhyUnknown(0, c.fn, "m", c.w, c.shift); got != c.why {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.why)
		}
	}
}

// Everybody of smb halves, as at Christmas, but a4, which falls by nine tenths
// and a5, which stays; the median of 5 changes is a half less.
func TestPeersByHand(t *testing.T) {
	half, steep, still, rise := weeks(10, 5), weeks(10, 1), weeks(10, 10), weeks(0, 5)
	view := peopled(t, []string{"smb", "smb", "smb", "smb", "smb", "smb", "large", "", "smb"}, half, half, half, half, steep, still, steep, steep, rise)
	for row, c := range []struct{ want, why string }{
		{want: "0"}, {want: "0"}, {want: "0"}, {want: "0"}, {want: "-0.4"}, {want: "0.5"},
		{"unknown", "the change of m over 7 days is known of 1 account in segment 'large', and it takes 5"},
		{"unknown", "segment is not known"},
		{"unknown", "m went from 0 to more than 0 over 7 days, which has no percentage"},
	} {
		if got := view.VsPeers("m", 7, 7, 0).Value(row).String(); got != c.want {
			t.Errorf("a%d: %s, want %s", row, got, c.want)
		}
		if got := view.VsPeersAt(row, "m", 7, 7, 0).String(); got != c.want {
			t.Errorf("a%d: by definition %s, want %s", row, got, c.want)
		}
		if got := view.WhyVsPeers(row, "m", 7, 7, 0); got != c.why {
			t.Errorf("a%d:\ngot  %s\nwant %s", row, got, c.why)
		}
	}
}
