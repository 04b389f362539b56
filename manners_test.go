package steward

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func hours(days string, from, to time.Duration) Hours {
	h := Hours{From: from, To: to}
	for i := range h.Days {
		h.Days[i] = days[i] == 'x'
	}
	return h
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestNextWorkingMoment(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	office := hours(".xxxxx.", 8*time.Hour+30*time.Minute, 17*time.Hour+30*time.Minute)
	night := hours(".xxxxx.", 22*time.Hour, 6*time.Hour)
	holiday := office
	holiday.Holiday = func(d Day) bool { return d == Date(2026, 5, 1) }
	for name, c := range map[string]struct {
		hours    Hours
		now, out string
	}{
		"always":                               {Hours{}, "2026-03-14 03:00", "2026-03-14 03:00"},
		"inside":                               {office, "2026-03-12 12:00", "2026-03-12 12:00"},
		"at the first minute":                  {office, "2026-03-12 08:30", "2026-03-12 08:30"},
		"before":                               {office, "2026-03-12 06:00", "2026-03-12 08:30"},
		"at the last minute":                   {office, "2026-03-12 17:30", "2026-03-13 08:30"},
		"Friday evening":                       {office, "2026-03-13 18:00", "2026-03-16 08:30"},
		"Saturday":                             {office, "2026-03-14 12:00", "2026-03-16 08:30"},
		"a holiday before a weekend":           {holiday, "2026-05-01 09:00", "2026-05-04 08:30"},
		"over the change to summer time":       {office, "2026-03-28 12:00", "2026-03-30 08:30"},
		"overnight, before midnight":           {night, "2026-03-12 23:00", "2026-03-12 23:00"},
		"overnight, after midnight":            {night, "2026-03-13 05:59", "2026-03-13 05:59"},
		"overnight, by day":                    {night, "2026-03-13 12:00", "2026-03-13 22:00"},
		"overnight, the night of a Friday":     {night, "2026-03-14 03:00", "2026-03-14 03:00"},
		"overnight, the night of a free day":   {night, "2026-03-15 03:00", "2026-03-16 22:00"},
		"overnight, the morning of a Monday":   {night, "2026-03-16 03:00", "2026-03-16 22:00"},
		"a time that the clock skips in March": {hours("xxxxxxx", 2*time.Hour+30*time.Minute, 4*time.Hour), "2026-03-29 01:00", "2026-03-29 03:00"},
	} {
		t.Run(name, func(t *testing.T) {
			now, err := time.ParseInLocation("2006-01-02 15:04", c.now, berlin)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.hours.Next(now, berlin).In(berlin).Format("2006-01-02 15:04"); got != c.out {
				t.Errorf("from %s: %s, want %s", c.now, got, c.out)
			}
		})
	}
}

// Next is never early, is inside hours, and passes over no minute inside them.
func TestNextWorkingMomentIsTheFirst(t *testing.T) {
	zones := []*time.Location{zone(t, "Europe/Berlin"), zone(t, "America/New_York"), zone(t, "Asia/Kolkata"), time.UTC}
	rapid.Check(t, func(t *rapid.T) {
		z := rapid.SampledFrom(zones).Draw(t, "zone")
		minutes := func(name string) time.Duration {
			return time.Duration(rapid.IntRange(0, 24*60-1).Draw(t, name)) * time.Minute
		}
		h := Hours{From: minutes("from"), To: minutes("to"), Holiday: func(d Day) bool { return d%11 == 3 }}
		h.Days[rapid.IntRange(0, 6).Draw(t, "day")], h.Days[rapid.IntRange(0, 6).Draw(t, "another")] = true, true
		now := time.Unix(int64(rapid.IntRange(1_700_000_000, 1_800_000_000).Draw(t, "now"))/60*60, 0)
		inside := func(at time.Time) bool { return h.Next(at, z).Equal(at) }
		next := h.Next(now, z)
		if next.Before(now) {
			t.Fatalf("%v is before %v", next, now)
		}
		if h.From != h.To && !inside(next) {
			t.Fatalf("%v is outside hours", next)
		}
		for at := now; at.Before(next); at = at.Add(7 * time.Minute) {
			if inside(at) {
				t.Fatalf("%v is inside hours, and was passed over for %v", at, next)
			}
		}
	})
}
