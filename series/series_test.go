package series_test

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"steward"
	"steward/series"
)

var none = math.NaN()

// days draws a series as a map, the plainest form it has: what the others are
// held against.
func days(t *rapid.T, label string) map[steward.Day]float64 {
	return rapid.MapOfN(
		rapid.Custom(func(t *rapid.T) steward.Day {
			return steward.Day(rapid.IntRange(20_000, 20_060).Draw(t, "day"))
		}),
		rapid.Float64().Filter(func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }),
		0, 40).Draw(t, label)
}

func built(t interface{ Fatal(...any) }, in map[steward.Day]float64) series.Series {
	var b series.Builder
	for d, v := range in {
		b.Add(d, v)
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// read takes a series apart day by day, through At alone.
func read(s series.Series) map[steward.Day]float64 {
	out := map[steward.Day]float64{}
	for d := steward.Day(19_900); d < 20_200; d++ {
		if v, ok := s.At(d); ok {
			out[d] = v
		}
	}
	return out
}

// isNormal fails unless the series keeps its own promises.
func isNormal(t *rapid.T, s series.Series) {
	if s.IsEmpty() {
		if s.Values != nil || s.Start != 0 || s.First() != steward.NoDay || s.Last() != steward.NoDay {
			t.Fatalf("an empty series is %#v", s)
		}
		return
	}
	if _, ok := s.At(s.First()); !ok {
		t.Fatalf("first day %s has no value", s.First())
	}
	if _, ok := s.At(s.Last()); !ok {
		t.Fatalf("last day %s has no value", s.Last())
	}
	if got := s.Last() - s.First() + 1; int(got) != s.Len() {
		t.Fatalf("%d days from %s to %s", s.Len(), s.First(), s.Last())
	}
}

func TestBuildHoldsWhatWasAdded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := days(t, "days")
		s := built(t, want)
		isNormal(t, s)
		if diff := cmp.Diff(want, read(s)); diff != "" {
			t.Fatal(diff)
		}
		if s.Observed() != len(want) {
			t.Fatalf("Observed = %d, want %d", s.Observed(), len(want))
		}
	})
}

func TestBuildLastOfADayStands(t *testing.T) {
	var b series.Builder
	b.Add(20_001, 1)
	b.Add(20_000, 5)
	b.Add(20_001, 2)
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(series.Series{Start: 20_000, Values: []float64{5, 2}}, s); diff != "" {
		t.Error(diff)
	}
}

func TestBuildAndNewRefuse(t *testing.T) {
	for _, c := range []struct {
		name  string
		day   steward.Day
		value float64
		want  string
	}{
		{"infinite", 20_000, math.Inf(-1), "2024-10-04"},
		{"before 1970", -1, 1, "1969-12-31"},
		{"after 2079", series.LastDay + 1, 1, "2079-07-08"},
		{"no day", steward.NoDay, 1, "misread"},
		{"last day there is", math.MaxInt32, 1, "misread"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b series.Builder
			b.Add(20_000, 1)
			b.Add(c.day, c.value)
			if _, err := b.Build(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Build: %v, want it to name %s", err, c.want)
			}
			if s, err := series.New(c.day, []float64{c.value}); err == nil {
				t.Errorf("New = %v, want an error", s)
			}
		})
	}
	var b series.Builder
	b.Add(20_000, none)
	if _, err := b.Build(); err == nil {
		t.Error("Build took a NaN as a value")
	}
	if _, err := series.New(series.LastDay, []float64{1, 2}); err == nil {
		t.Error("New took a series that runs past the last day")
	}
}

func TestNewTrims(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		want   series.Series
	}{
		{"nothing", nil, series.Series{}},
		{"only gaps", []float64{none, none}, series.Series{}},
		{"both ends", []float64{none, 1, none, 2, none}, series.Series{Start: 101, Values: []float64{1, none, 2}}},
	} {
		got, err := series.New(100, c.values)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestMergeReplacesTheDaysItHas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, newer := days(t, "old"), days(t, "new")
		a, b := built(t, old), built(t, newer)
		before, beforeNew := slices.Clone(a.Values), slices.Clone(b.Values)
		got := series.Merge(a, b)
		isNormal(t, got)

		want := maps.Clone(old)
		maps.Copy(want, newer)
		if diff := cmp.Diff(want, read(got)); diff != "" {
			t.Fatal(diff)
		}
		if !series.Merge(got, b).Equal(got) {
			t.Fatal("merging the same import twice changed something")
		}
		if !a.Equal(series.Series{Start: a.Start, Values: before}) || !b.Equal(series.Series{Start: b.Start, Values: beforeNew}) {
			t.Fatal("an argument was written to")
		}
	})
}

func TestMergeFarApart(t *testing.T) {
	a := series.Series{Start: series.FirstDay, Values: []float64{1}}
	b := series.Series{Start: series.LastDay, Values: []float64{2}}
	for _, s := range []series.Series{series.Merge(a, b), series.Merge(b, a)} {
		if s.Len() != series.MaxDays || s.Observed() != 2 {
			t.Errorf("%d days, %d observed", s.Len(), s.Observed())
		}
		if got, err := series.Decode(series.Encode(s)); err != nil || !got.Equal(s) {
			t.Errorf("the longest series does not survive packing: %v", err)
		}
	}
}

func TestCutKeepsTheDaysBetween(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := days(t, "days")
		from := steward.Day(rapid.IntRange(19_990, 20_070).Draw(t, "from"))
		to := steward.Day(rapid.IntRange(19_990, 20_070).Draw(t, "to"))
		got := built(t, in).Cut(from, to)
		isNormal(t, got)

		maps.DeleteFunc(in, func(d steward.Day, _ float64) bool { return d < from || d > to })
		if diff := cmp.Diff(in, read(got)); diff != "" {
			t.Fatal(diff)
		}
	})
	whole := series.Series{Start: 10, Values: []float64{1, 2}}
	if got := whole.Cut(steward.NoDay, math.MaxInt32); !got.Equal(whole) {
		t.Errorf("cut from ever to ever = %v", got)
	}
}

// An append to a part must not write into the whole.
func TestCutIsClipped(t *testing.T) {
	whole := series.Series{Start: 0, Values: []float64{1, 2, 3}}
	part := whole.Cut(0, 1)
	_ = append(part.Values, 99)
	if whole.Values[2] != 3 {
		t.Error("an append to the part changed the whole")
	}
}

func TestEqual(t *testing.T) {
	s := func(start steward.Day, v ...float64) series.Series { return series.Series{Start: start, Values: v} }
	for _, c := range []struct {
		name string
		a, b series.Series
		want bool
	}{
		{"empty", s(0), s(5), true},
		{"same with a gap", s(1, 1, none, 2), s(1, 1, none, 2), true},
		{"other bits of NaN", s(1, 1, none, 2), s(1, 1, math.Float64frombits(0x7ff8000000000bad), 2), true},
		{"moved", s(1, 1), s(2, 1), false},
		{"signed zero", s(1, 0), s(1, math.Copysign(0, -1)), false},
		{"longer", s(1, 1), s(1, 1, 1), false},
		{"gap against zero", s(1, 1, none, 2), s(1, 1, 0, 2), false},
	} {
		if got := c.a.Equal(c.b); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
