package steward_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"steward"
)

// Zones whose days are odd: 23, 23½, 24½ and 25 hours long, without a midnight,
// with two of them, or left out.
var oddDays = []string{"Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Tehran",
	"Pacific/Apia", "Antarctica/Troll", "America/Havana", "America/St_Johns", "Asia/Manila", "Pacific/Kwajalein", "UTC"}

// A day begins at the first instant that a calendar on the wall shows it, or
// where it never did, with the day in whose place it is.
func TestADayBeginsWhenTheCalendarShowsIt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(oddDays).Draw(rt, "zone")
		zone, err := time.LoadLocation(name)
		if err != nil {
			rt.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(0, 1_900_000_000).Draw(rt, "at"), 0)
		if rapid.Bool().Draw(rt, "near a change") {
			if _, end := at.In(zone).ZoneBounds(); !end.IsZero() {
				at = end
			}
		}
		day := steward.DayOf(at, zone) + steward.Day(rapid.IntRange(-1, 2).Draw(rt, "days later"))
		got := day.Start(zone)
		// The oracle walks the minutes. Zones of these years are whole minutes.
		want := time.Unix(int64(day)*86400, 0).Add(-27 * time.Hour)
		for steward.DayOf(want, zone) < day {
			want = want.Add(time.Minute)
		}
		if !got.Equal(want) {
			rt.Fatalf("%s in %s begins at %s (%s), want %s (%s)", day, name, got.UTC(), got, want.UTC(), want.In(zone))
		}
	})
}
