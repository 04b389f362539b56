package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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

// What a step of the wall clock does to a job that is due at six every
// morning, or every hour. No slot ever comes twice or goes backwards, and what is
// due at the new time is started within half a minute.
func TestClockSteppedBackAndForward(t *testing.T) {
	const hour, day, year = time.Hour, 24 * time.Hour, 365 * 24 * time.Hour
	for _, c := range []struct {
		name, expr string
		run        time.Duration // before the step, from midnight on 1 January 2000
		step       time.Duration
		soon       []string      // started within half a minute of the step
		then       time.Duration // how long the clock goes on
		later      []string      // started in that time
	}{
		{"an hour back", "0 * * * *", 3*hour + time.Minute, -hour, nil, 2*hour + time.Minute, []string{"2000-01-01T04:00:00Z"}},
		{"an hour back over a slot of the day", "0 6 * * *", 6*hour + time.Minute, -hour, nil, 25 * hour, []string{"2000-01-02T06:00:00Z"}},
		{"a day back", "0 6 * * *", 3*day + 7*hour, -day, nil, 2 * day, []string{"2000-01-05T06:00:00Z"}}, // the slot of the 4th came first, at the wrong time
		{"a year back", "0 6 * * *", 3*day + 7*hour, -year, nil, 30 * day, nil},
		{"an hour forward", "0 * * * *", 3*hour + time.Minute, hour, []string{"2000-01-01T04:00:00Z"}, hour, []string{"2000-01-01T05:00:00Z"}},
		{"a day forward", "0 6 * * *", 7 * hour, day, []string{"2000-01-02T06:00:00Z"}, day, []string{"2000-01-03T06:00:00Z"}},
		{"a month forward", "0 6 * * *", 7 * hour, 31 * day, []string{"2000-02-01T06:00:00Z"}, 2 * day, []string{"2000-02-02T06:00:00Z", "2000-02-03T06:00:00Z"}},
		{"a month forward, every hour", "0 * * * *", 7*hour + time.Minute, 31 * day, []string{"2000-02-01T07:00:00Z"}, 2 * hour, []string{"2000-02-01T08:00:00Z", "2000-02-01T09:00:00Z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, l := &wall{}, &ledger{last: steward.SlotAt(time.Now())}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() {
					done <- (&Clock{Now: w.now}).Run(ctx, []Job{l.job("evaluate", schedule(t, c.expr, "UTC"), 0)})
				}()
				time.Sleep(c.run)
				synctest.Wait()
				before := l.slots()
				w.move(c.step)
				time.Sleep(31 * time.Second)
				soon := l.slots()[len(before):]
				if diff := cmp.Diff(c.soon, soon, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("soon after the step (-want +got):\n%s", diff)
				}
				time.Sleep(c.then - 31*time.Second)
				if diff := cmp.Diff(c.later, l.slots()[len(before)+len(soon):], cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("after that (-want +got):\n%s", diff)
				}
				cancel()
				<-done
				if all := l.slots(); !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
					t.Errorf("slots came twice or went backwards: %v", all)
				}
			})
		})
	}
}

// A machine that sleeps for a day: its timers stood still, its wall clock did
// not. What is due when it wakes is the latest slot, if it is not too late; one
// that is, is told, and the next comes in time.
func TestClockSuspendedForADay(t *testing.T) {
	for _, c := range []struct {
		deadline time.Duration
		want     []string
		skipped  []string
	}{
		{0, []string{"2000-01-01T06:00:00Z", "2000-01-02T06:00:00Z", "2000-01-03T06:00:00Z"}, nil},
		{12 * time.Hour, []string{"2000-01-01T06:00:00Z", "2000-01-03T06:00:00Z"}, []string{"2000-01-02T06:00:00Z"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, l, log := &wall{}, &ledger{last: steward.SlotAt(time.Now().Add(-time.Hour))}, &logged{}
			var skipped []string
			job := l.job("evaluate", schedule(t, "0 6 * * *", "UTC"), c.deadline)
			deaf := true
			job.Skipped = func(_ context.Context, at steward.Slot) error {
				if deaf { // the first word is lost, and said again
					deaf = false
					return errors.New("database is locked")
				}
				skipped = append(skipped, at.String())
				return nil
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- (&Clock{Now: w.now, Logger: log.logger()}).Run(ctx, []Job{job}) }()
			time.Sleep(20 * time.Hour)
			w.move(24 * time.Hour) // asleep from eight in the evening on
			time.Sleep(11 * time.Hour)
			cancel()
			<-done
			if diff := cmp.Diff(c.want, l.slots()); diff != "" {
				t.Errorf("deadline %s (-want +got):\n%s", c.deadline, diff)
			}
			if diff := cmp.Diff(c.skipped, skipped); diff != "" {
				t.Errorf("deadline %s: told of what is skipped (-want +got):\n%s", c.deadline, diff)
			}
			if n := log.count("start deadline and is skipped"); n != len(c.skipped) {
				t.Errorf("deadline %s: logged %d times", c.deadline, n)
			}
		})
	}
}

// What was never on record was not missed: a new installation begins with its
// next slot and alarms nobody.
func TestClockOfANewInstallationSkipsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(23 * time.Hour)
		l := &ledger{}
		job := l.job("evaluate", schedule(t, "0 6 * * *", "UTC"), 12*time.Hour)
		job.Skipped = func(_ context.Context, at steward.Slot) error { t.Errorf("%s was skipped", at); return nil }
		runFor(t, &Clock{}, 8*time.Hour, job)
		if diff := cmp.Diff([]string{"2000-01-02T06:00:00Z"}, l.slots()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// What was handed over and does not get on record was lost or given up: it is
// handed over again, until a later slot is due or its deadline has passed. What
// is on record is not.
func TestClockStartsAgainWhatWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{last: steward.SlotAt(time.Now())}
		job := l.job("evaluate", schedule(t, "0 6,18 * * *", "UTC"), 4*time.Hour)
		job.Again = 5 * time.Minute
		keep := job.Do
		handed := map[string]int{}
		var skipped []string
		job.Skipped = func(_ context.Context, at steward.Slot) error { skipped = append(skipped, at.String()); return nil }
		job.Do = func(ctx context.Context, at steward.Slot) error {
			handed[at.String()]++
			if at.String() == "2000-01-01T06:00:00Z" && handed[at.String()] < 4 || at.String() == "2000-01-01T18:00:00Z" {
				return nil // and the queue forgets it
			}
			return keep(ctx, at)
		}
		runFor(t, &Clock{Logger: slog.New(slog.DiscardHandler)}, 31*time.Hour, job)
		if got := handed["2000-01-01T06:00:00Z"]; got != 4 {
			t.Errorf("the slot that was lost three times was handed over %d times, want 4", got)
		}
		if got := handed["2000-01-01T18:00:00Z"]; got < 40 || got > 49 {
			t.Errorf("the slot that is always lost was handed over %d times in four hours", got)
		}
		if diff := cmp.Diff([]string{"2000-01-01T18:00:00Z"}, skipped); diff != "" {
			t.Errorf("skipped (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"2000-01-01T06:00:00Z", "2000-01-02T06:00:00Z"}, l.slots()); diff != "" {
			t.Errorf("on record (-want +got):\n%s", diff)
		}
		if got := handed["2000-01-02T06:00:00Z"]; got != 1 {
			t.Errorf("a slot on record was handed over %d times", got)
		}
	})
}

// A record of the year 2030 has every slot before it wait. When a person takes
// it back, the clock goes on within half a minute, with nobody restarting it.
func TestClockGoesOnOnceARecordIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{last: slot(t, "2030-01-01T00:00:00Z")}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- (&Clock{}).Run(ctx, []Job{l.job("evaluate", schedule(t, "0 * * * *", "UTC"), 0)})
		}()
		time.Sleep(3*time.Hour + time.Minute)
		if got := l.slots(); len(got) != 0 {
			t.Errorf("started %v before the record had passed", got)
		}
		l.mu.Lock()
		l.last = steward.SlotAt(time.Now().Add(-5 * time.Hour))
		l.mu.Unlock()
		time.Sleep(31 * time.Second)
		if diff := cmp.Diff([]string{"2000-01-01T03:00:00Z"}, l.slots()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		time.Sleep(time.Hour)
		cancel()
		<-done
		if diff := cmp.Diff([]string{"2000-01-01T03:00:00Z", "2000-01-01T04:00:00Z"}, l.slots()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// A schedule of the leap day runs every four years, and not in 2100.
func TestClockOnLeapDays(t *testing.T) {
	s := schedule(t, "0 6 29 2 *", "Europe/Berlin")
	at, years := slot(t, "2090-01-01T00:00:00Z"), []int{}
	for range 4 {
		at = s.Next(at)
		if m, d := at.Day(zone(t, "Europe/Berlin")).Start(time.UTC).Month(), at.Day(zone(t, "Europe/Berlin")).Start(time.UTC).Day(); m != time.February || d != 29 {
			t.Errorf("%s is no leap day", at)
		}
		years = append(years, at.Time().Year())
	}
	if want := []int{2092, 2096, 2104, 2108}; !slices.Equal(years, want) {
		t.Errorf("it runs in %v, want %v", years, want)
	}
	synctest.Test(t, func(t *testing.T) { // 2000 is a leap year, 2001 is not
		l := &ledger{last: steward.SlotAt(time.Now())}
		for _, around := range []string{"2000-02-28T00:00:00Z", "2001-02-27T00:00:00Z"} {
			time.Sleep(time.Until(slot(t, around).Time()))
			runFor(t, &Clock{}, 3*24*time.Hour, l.job("evaluate", s, 0))
		}
		if got := l.slots(); len(got) != 1 || got[0] != "2000-02-29T05:00:00Z" {
			t.Errorf("started %v, want the one leap day", got)
		}
	})
}
