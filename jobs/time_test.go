package jobs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"steward"
)

// What schedules and the clock make of a time that is not as it should be.

// changes are instants shortly before the clocks of a zone change: by an hour,
// by half of one, by two, at midnight, a minute after it, or past a whole day.
var changes = []struct{ zone, before string }{
	{"Europe/Berlin", "2026-03-28T12:00:00Z"}, {"Europe/Berlin", "2026-10-24T12:00:00Z"},
	{"America/New_York", "2026-03-07T12:00:00Z"}, {"America/New_York", "2026-10-31T12:00:00Z"},
	{"America/Sao_Paulo", "2018-11-03T12:00:00Z"}, {"America/Sao_Paulo", "2019-02-16T12:00:00Z"},
	{"Australia/Lord_Howe", "2026-10-03T00:00:00Z"}, {"Australia/Lord_Howe", "2026-04-04T00:00:00Z"},
	{"Africa/Cairo", "2026-04-23T06:00:00Z"}, {"Africa/Cairo", "2026-10-29T06:00:00Z"},
	{"Asia/Tehran", "2021-03-21T00:00:00Z"}, {"Asia/Tehran", "2021-09-21T00:00:00Z"},
	{"Pacific/Apia", "2011-12-29T12:00:00Z"}, {"Pacific/Apia", "2011-09-24T00:00:00Z"}, {"Pacific/Apia", "2012-03-31T00:00:00Z"},
	{"Antarctica/Troll", "2026-03-28T12:00:00Z"}, {"Antarctica/Troll", "2026-10-24T12:00:00Z"},
	{"America/Havana", "2026-03-07T12:00:00Z"}, {"America/Havana", "2026-10-31T12:00:00Z"},
	{"America/St_Johns", "2006-04-01T12:00:00Z"}, {"America/St_Johns", "2006-10-28T12:00:00Z"},
	{"UTC", "2026-03-28T12:00:00Z"},
}

// shown is the first instant, in whole minutes, at which the zone's wall clock
// shows w or later: the instant that a person who wrote the time would settle
// for, also where that time is skipped and where it comes twice.
func shown(w time.Time, z *time.Location) time.Time {
	t, end := w.Add(-27*time.Hour), w.Add(27*time.Hour)
	if a, b := offsetOf(t, z), offsetOf(end, z); a == b {
		if _, change := t.In(z).ZoneBounds(); change.IsZero() || change.After(end) {
			return w.Add(-time.Duration(a) * time.Second)
		}
	}
	for onWall(t.In(z)).Before(w) {
		t = t.Add(time.Minute)
	}
	return t
}

// On both change days, at every hour: each date has one slot, also the date
// that lacks the hour; two times that the same change skips share one.
func TestEachDateHasOneSlotOnBothChangeDays(t *testing.T) {
	for _, c := range changes {
		z := zone(t, c.zone)
		noon := onWall(slot(t, c.before).Time().In(z)).Truncate(24 * time.Hour).Add(12 * time.Hour)
		for hour := range 24 {
			minute := hour * 7 % 60
			expr := fmt.Sprintf("%d %d * * *", minute, hour)
			s := schedule(t, expr, c.zone)
			var want, got []string
			for day := 1; day <= 4; day++ {
				w := noon.AddDate(0, 0, day).Truncate(24 * time.Hour).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
				want = append(want, steward.SlotAt(shown(w, z)).String())
			}
			want = slices.Compact(want)
			at := steward.SlotAt(shown(noon.AddDate(0, 0, 1).Truncate(24*time.Hour), z).Add(-time.Minute))
			for range want {
				at = s.Next(at)
				got = append(got, at.String())
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s in %s from %s (-want +got):\n%s", expr, c.zone, c.before, diff)
			}
		}
	}
}

// A schedule for every hour runs every real hour on both change days. Where
// clocks move by half an hour its minute is half an hour off once, as the wall
// clock shows it then.
func TestEveryHourIsEveryRealHour(t *testing.T) {
	for _, c := range changes {
		s := schedule(t, "20 * * * *", c.zone)
		at, odd := s.Next(slot(t, c.before)), 0
		for range 60 {
			next := s.Next(at)
			if gap := next.Time().Sub(at.Time()); gap != time.Hour {
				if odd++; odd > 1 || c.zone != "Australia/Lord_Howe" || gap != 90*time.Minute {
					t.Errorf("in %s %s passed between %s and %s", c.zone, gap, at, next)
				}
			}
			at = next
		}
	}
}

// Whatever the zone, the dates and the stretch of years: every date that the
// expression names has its one slot and no other instant is one, slots rise, and
// looking back finds what looking ahead does.
func TestEveryNamedDateHasItsSlot(t *testing.T) {
	weekdays := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	rapid.Check(t, func(rt *rapid.T) {
		near := rapid.SampledFrom(changes).Draw(rt, "change")
		z := zone(rt, near.zone)
		minute, hour := rapid.IntRange(0, 59).Draw(rt, "minute"), rapid.IntRange(0, 23).Draw(rt, "hour")
		expr, named := fmt.Sprintf("%d %d ", minute, hour), func(steward.Day) bool { return true }
		switch rapid.SampledFrom([]string{"every day", "weekdays", "days of the month", "one month", "leap day"}).Draw(rt, "kind") {
		case "every day":
			expr += "* * *"
		case "weekdays":
			days := rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 1, 6, rapid.ID).Draw(rt, "weekdays")
			var names []string
			for _, d := range days {
				names = append(names, weekdays[d])
			}
			expr += "* * " + strings.Join(names, ",")
			named = func(d steward.Day) bool { return slices.Contains(days, int(d.Weekday())) }
		case "days of the month":
			from := rapid.IntRange(1, 28).Draw(rt, "from")
			to := rapid.IntRange(from, 31).Draw(rt, "to")
			expr += fmt.Sprintf("%d-%d * *", from, to)
			named = func(d steward.Day) bool { n := d.Start(time.UTC).Day(); return from <= n && n <= to }
		case "one month":
			month := time.Month(rapid.IntRange(1, 12).Draw(rt, "month"))
			expr += fmt.Sprintf("* %d *", month)
			named = func(d steward.Day) bool { return d.Start(time.UTC).Month() == month }
		case "leap day":
			expr += "29 2 *"
			named = func(d steward.Day) bool { m := d.Start(time.UTC); return m.Month() == time.February && m.Day() == 29 }
		}
		s := schedule(rt, expr, near.zone)
		at, err := time.Parse(time.RFC3339, near.before)
		if err != nil {
			rt.Fatal(err)
		}
		first := steward.DayOf(at, z) + steward.Day(rapid.IntRange(-800, 1).Draw(rt, "days before"))
		last := first + steward.Day(rapid.IntRange(1, 900).Draw(rt, "days"))
		// From the first date's beginning to that of the date after the last. A date
		// that was left out has its slot where the next one begins.
		from, end := shown(first.Start(time.UTC), z), shown((last+1).Start(time.UTC), z)
		var want, got []string
		for d := first - 2; d <= last; d++ {
			w := d.Start(time.UTC).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
			if at := shown(w, z); named(d) && !at.Before(from) && at.Before(end) {
				want = append(want, steward.SlotAt(at).String())
			}
		}
		want = slices.Compact(want)
		before := steward.SlotAt(from.Add(-time.Second))
		for at := s.Next(before); !at.IsZero() && at.Time().Before(end); at = s.Next(at) {
			if !at.Time().After(before.Time()) {
				rt.Fatalf("%s in %s: after %s comes %s", expr, near.zone, before, at)
			}
			if back, ok := s.Latest(at.Time(), before.Time()); !ok || back != at {
				rt.Fatalf("%s in %s: looking back from %s to %s finds %s, %v", expr, near.zone, at, before, back, ok)
			}
			got = append(got, at.String())
			before = at
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("%s in %s from %s to %s (-want +got):\n%s", expr, near.zone, first, last, diff)
		}
	})
}
