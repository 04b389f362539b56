package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"steward"
)

func zone(t interface {
	Helper()
	Fatalf(string, ...any)
}, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatalf("load zone: %v", err)
	}
	return z
}

func schedule(t interface {
	Helper()
	Fatalf(string, ...any)
}, expr, zoneName string) Schedule {
	t.Helper()
	s, err := ParseSchedule(expr, zone(t, zoneName))
	if err != nil {
		t.Fatalf("ParseSchedule(%q): %v", expr, err)
	}
	return s
}

func slot(t *testing.T, text string) steward.Slot {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return steward.SlotAt(at)
}

func TestParseScheduleRefuses(t *testing.T) {
	for _, c := range []struct{ expr, wants string }{
		{"", "it is empty"},
		{"   ", "it is empty"},
		{"TZ=UTC", "zone: in steward.yaml"},
		{"CRON_TZ=Europe/Berlin 0 6 * * *", "zone: in steward.yaml"},
		{"  tz=UTC 0 6 * * *", "zone: in steward.yaml"},
		{"0 6 * *", "4 of the five fields"},
		{"0 0 6 * * *", "leave out the seconds"},
		{"0 0 30 2 *", "no such date ever comes"},
		{"0 0 31 4,6,9,11 *", "no such date ever comes"},
		{"0 0 13 * 5", "either of them"},
		{"0 0 */2 * 1", "either of them"},
		{"0 , 1 1 *", "one of its fields names nothing"},
		{"0 25 * * *", "minute (0-59), hour (0-23)"},
		{"0 6 * * 7", "Sunday is 0"},
		{"0 6 * * funday", "weekday (0-6 or sun-sat"},
		{"@every 30s", "shorter than a minute"},
		{"@every -5m", "shorter than a minute"},
		{"@every never", "failed to parse duration"},
		{"@reboot", "unrecognized descriptor"},
		{"@", "unrecognized descriptor"},
	} {
		t.Run(c.expr, func(t *testing.T) {
			s, err := ParseSchedule(c.expr, time.UTC)
			if err == nil {
				t.Fatalf("accepted as %v, next %v", s, s.Next(slot(t, "2026-01-01T00:00:00Z")))
			}
			if !strings.Contains(err.Error(), c.wants) {
				t.Errorf("says %q, which lacks %q", err, c.wants)
			}
			if !s.IsZero() {
				t.Errorf("gave a schedule with the error: %v", s)
			}
		})
	}
}

func TestScheduleNext(t *testing.T) {
	for _, c := range []struct {
		what, expr, zone, after string
		want                    []string
	}{
		{"an ordinary day", "0 6 * * *", "Europe/Berlin", "2026-01-10T00:00:00Z",
			[]string{"2026-01-10T05:00:00Z", "2026-01-11T05:00:00Z"}},
		{"strictly after", "0 6 * * *", "UTC", "2026-01-10T06:00:00Z", []string{"2026-01-11T06:00:00Z"}},
		{"Berlin skips 02:00 to 03:00 on 29 March 2026", "30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z",
			[]string{"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
		{"several skipped times are one", "*/15 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
			[]string{"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"}},
		{"the skipped time and the one at the gap's end are one", "0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"}},
		{"Berlin repeats 02:00 to 03:00 on 25 October 2026", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
			[]string{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
		{"the second pass starts nothing", "30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z",
			[]string{"2026-10-26T01:30:00Z"}},
		{"every hour runs in both passes", "0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z",
			[]string{"2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z"}},
		{"every half hour leaves no hour out in spring", "*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
			[]string{"2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"}},
		{"New York, spring", "30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z",
			[]string{"2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"}},
		{"New York, autumn", "30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z",
			[]string{"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"}},
		{"Lord Howe moves by half an hour, spring", "15 2 * * *", "Australia/Lord_Howe", "2026-10-02T18:00:00Z",
			[]string{"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
		{"Lord Howe, autumn", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z",
			[]string{"2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}},
		{"Lord Howe, every ten minutes through the repeated half hour", "*/10 * * * *", "Australia/Lord_Howe", "2026-04-04T14:40:00Z",
			[]string{"2026-04-04T14:50:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:10:00Z", "2026-04-04T15:20:00Z", "2026-04-04T15:30:00Z"}},
		{"Santiago has no midnight on 6 September 2026", "0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z",
			[]string{"2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"}},
		{"Santiago, weekly on the Sunday without midnight", "@weekly", "America/Santiago", "2026-09-01T00:00:00Z",
			[]string{"2026-09-06T04:00:00Z", "2026-09-13T03:00:00Z"}},
		{"Santiago repeats 23:00 to 24:00 on 4 April 2026", "30 23 * * *", "America/Santiago", "2026-04-04T12:00:00Z",
			[]string{"2026-04-05T02:30:00Z", "2026-04-06T03:30:00Z"}},
		{"Apia had no 30 December 2011", "0 6 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z",
			[]string{"2011-12-29T16:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T16:00:00Z"}},
		{"leap day", "0 6 29 2 *", "UTC", "2026-01-01T00:00:00Z",
			[]string{"2028-02-29T06:00:00Z", "2032-02-29T06:00:00Z"}},
		{"leap day across 2100, which has none", "0 6 29 2 *", "UTC", "2096-03-01T00:00:00Z", []string{"2104-02-29T06:00:00Z"}},
		{"the 31st of months that have one", "0 6 31 * *", "UTC", "2026-01-31T06:00:00Z",
			[]string{"2026-03-31T06:00:00Z", "2026-05-31T06:00:00Z"}},
		{"weekdays", "0 6 * * mon-fri", "Europe/Berlin", "2026-01-09T12:00:00Z", []string{"2026-01-12T05:00:00Z"}},
		{"@every counts from a fixed instant, not from the start", "@every 15m", "UTC", "2026-01-01T00:07:31Z",
			[]string{"2026-01-01T00:15:00Z", "2026-01-01T00:30:00Z"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := schedule(t, c.expr, c.zone)
			var got []string
			for at := slot(t, c.after); len(got) < len(c.want); {
				at = s.Next(at)
				got = append(got, at.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s in %s after %s (-want +got):\n%s", c.expr, c.zone, c.after, diff)
			}
		})
	}
}

var dstZones = []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca", "Asia/Kathmandu", "UTC"}

// The oracle walks every minute of some days and reads the zone's wall clock,
// which is what the schedule is defined by.
func TestScheduleNextAgreesWithAWallClock(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(dstZones).Draw(rt, "zone")
		loc := zone(rt, name)
		// Every day with a change, and some without.
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 364).Draw(rt, "day"))
		if rapid.Bool().Draw(rt, "near a change") {
			if _, end := start.In(loc).ZoneBounds(); !end.IsZero() {
				start = end.UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)
			}
		}
		minute, hour := rapid.IntRange(0, 59).Draw(rt, "minute"), rapid.IntRange(0, 23).Draw(rt, "hour")
		hourly := rapid.Bool().Draw(rt, "hourly")
		expr := fmt.Sprintf("%d %d * * *", minute, hour)
		if hourly {
			expr = fmt.Sprintf("%d * * * *", minute)
		}
		s := schedule(rt, expr, name)
		end := start.AddDate(0, 0, 3)
		var want, got []string
		seen := map[string]bool{}
		prev := start.In(loc)
		for at := start.Add(time.Minute); at.Before(end); at = at.Add(time.Minute) {
			l := at.In(loc)
			fires := false
			// Readings since the last minute: one, or all that a gap skipped.
			skipped := onWall(l).Sub(onWall(prev))
			for back := max(skipped-time.Minute, 0); back >= 0; back -= time.Minute {
				w := onWall(l).Add(-back)
				key := w.Format(time.DateTime)
				if w.Minute() == minute && (hourly && back == 0 || !hourly && w.Hour() == hour && !seen[key]) {
					fires = true
				}
				seen[key] = true
			}
			if fires {
				want = append(want, at.Format(time.RFC3339))
			}
			prev = l
		}
		for at := s.Next(steward.SlotAt(start)); at.Time().Before(end); at = s.Next(at) {
			got = append(got, at.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("%s in %s from %s (-want +got):\n%s", expr, name, start, diff)
		}
	})
}

func TestLatestAgreesWithNext(t *testing.T) {
	exprs := []string{"* * * * *", "*/7 * * * *", "0 6 * * *", "30 2 * * *", "0 6 * * mon-fri", "0 6 1 * *", "@every 90m", "0 0 29 2 *", "* * 1 * *"}
	rapid.Check(t, func(rt *rapid.T) {
		s := schedule(rt, rapid.SampledFrom(exprs).Draw(rt, "expr"), rapid.SampledFrom(dstZones).Draw(rt, "zone"))
		at := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(rt, "at"), 0).UTC()
		notBefore := at.Add(-time.Duration(rapid.Int64Range(0, 90*86400).Draw(rt, "back")) * time.Second)
		got, ok := s.Latest(at, notBefore)
		next := s.Next(steward.SlotAt(notBefore))
		if none := next.IsZero() || next.Time().After(at); none == ok {
			rt.Fatalf("Latest = %v, %v, but the next slot is %v", got, ok, next)
		}
		if !ok {
			return
		}
		if got.Time().After(at) || !got.Time().After(notBefore) {
			rt.Fatalf("Latest = %v, outside (%v, %v]", got, notBefore, at)
		}
		if following := s.Next(got); !following.Time().After(at) {
			rt.Fatalf("Latest = %v, but %v comes after it and is not after %v", got, following, at)
		}
	})
}

func TestLatestLooksBackOnlySoFar(t *testing.T) {
	s := schedule(t, "0 6 29 2 *", "UTC")
	got, ok := s.Latest(slot(t, "2026-11-22T00:00:00Z").Time(), time.Time{})
	if want := slot(t, "2024-02-29T06:00:00Z"); !ok || got != want {
		t.Errorf("Latest = %v, %v, want %v", got, ok, want)
	}
	if got, ok := (Schedule{}).Latest(time.Now(), time.Time{}); ok {
		t.Errorf("the zero schedule has a slot %v", got)
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, seed := range []string{"0 6 * * *", "TZ=UTC", "CRON_TZ=", "@every 1h30m", "@daily", "*/0 * * * *", "1-5/2,7 ? 1 jan *", "0 0 30 2 *", "59-0 * * * *", "@every 99999h", "*/9223372036854775807 * * * *"} {
		f.Add(seed, int64(1_774_700_000))
	}
	berlin := zone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, expr string, from int64) {
		from = mod(from, 4_000_000_000)
		s, err := ParseSchedule(expr, berlin)
		if err != nil {
			return
		}
		at := steward.SlotAt(time.Unix(from, 0))
		for range 5 {
			next := s.Next(at)
			if next.IsZero() || !next.Time().After(at.Time()) {
				t.Fatalf("%q: the slot after %v is %v", expr, at, next)
			}
			if latest, ok := s.Latest(next.Time(), at.Time()); !ok || latest != next {
				t.Fatalf("%q: the latest slot at %v is %v, %v", expr, next, latest, ok)
			}
			at = next
		}
	})
}

// A ledger records what a clock started, as the database would.
type ledger struct {
	mu      sync.Mutex
	last    steward.Slot
	started []string
	running int
	most    int
	work    func(context.Context, steward.Slot) error
}

func (l *ledger) job(name string, s Schedule, deadline time.Duration) Job {
	return Job{Name: name, Schedule: s, Deadline: deadline,
		Last: func(context.Context) (steward.Slot, error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.last, nil
		},
		Do: func(ctx context.Context, at steward.Slot) error {
			l.mu.Lock()
			l.running++
			l.most = max(l.most, l.running)
			work := l.work
			l.mu.Unlock()
			var err error
			defer func() {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.running--
			}()
			if work != nil {
				err = work(ctx, at)
			}
			if err == nil {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.last = at
				l.started = append(l.started, at.String())
			}
			return err
		}}
}

func (l *ledger) slots() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.started...)
}

// runFor runs a clock for a stretch of the bubble's time.
func runFor(t *testing.T, c *Clock, d time.Duration, jobs ...Job) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx, jobs) }()
	time.Sleep(d)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// logged collects what is logged.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logged) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, line := range l.lines {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

func TestClockKeepsEveryMorning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The bubble's clock starts at midnight UTC on 2000-01-01, a leap year. The
		// clock runs over 29 February and both changes, and is stopped over the
		// summer, which is nothing but one missed slot.
		s := schedule(t, "30 2 * * *", "Europe/Berlin")
		const day = 24 * time.Hour
		time.Sleep(55 * day)
		l := &ledger{last: steward.SlotAt(time.Now())}
		runFor(t, &Clock{}, 45*day, l.job("evaluate", s, 0))
		time.Sleep(195 * day)
		runFor(t, &Clock{}, 20*day, l.job("evaluate", s, 0))
		days := map[steward.Day]int{}
		for _, text := range l.slots() {
			days[slot(t, text).Day(zone(t, "Europe/Berlin"))]++
		}
		if want := 45 + 1 + 20; len(l.slots()) != want || len(days) != want {
			t.Errorf("started %d slots on %d days, want one on each of %d", len(l.slots()), len(days), want)
		}
	})
}

func TestClockStartsTheLatestMissedSlotOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := schedule(t, "0 6 * * *", "UTC")
		time.Sleep(10*24*time.Hour + 8*time.Hour) // 2000-01-11T08:00Z
		l := &ledger{last: slot(t, "2000-01-05T06:00:00Z")}
		runFor(t, &Clock{}, 24*time.Hour, l.job("evaluate", s, 0))
		want := []string{"2000-01-11T06:00:00Z", "2000-01-12T06:00:00Z"}
		if diff := cmp.Diff(want, l.slots()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestClockSkipsASlotPastItsStartDeadline(t *testing.T) {
	for _, c := range []struct {
		deadline time.Duration
		want     []string
	}{
		{time.Hour, []string{}},
		{2 * time.Hour, []string{"2000-01-11T06:00:00Z"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(10*24*time.Hour + 8*time.Hour)
			l := &ledger{last: slot(t, "2000-01-05T06:00:00Z")}
			runFor(t, &Clock{Logger: slog.New(slog.DiscardHandler)}, time.Minute, l.job("evaluate", schedule(t, "0 6 * * *", "UTC"), c.deadline))
			if diff := cmp.Diff(c.want, l.slots()); diff != "" {
				t.Errorf("deadline %v (-want +got):\n%s", c.deadline, diff)
			}
		})
	}
}

// A wall clock that the test moves, beside the bubble's own.
type wall struct {
	mu    sync.Mutex
	shift time.Duration
}

func (w *wall) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.shift)
}

func (w *wall) move(by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shift += by
}

func TestClockStartsNothingTwiceWhenSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, l := &wall{}, &ledger{last: steward.SlotAt(time.Now())}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		c := &Clock{Now: w.now}
		go func() { done <- c.Run(ctx, []Job{l.job("advance", schedule(t, "0 * * * *", "UTC"), 0)}) }()
		time.Sleep(3*time.Hour + time.Minute)
		w.move(-2 * time.Hour)
		time.Sleep(3 * time.Hour)
		cancel()
		<-done
		want := []string{"2000-01-01T01:00:00Z", "2000-01-01T02:00:00Z", "2000-01-01T03:00:00Z", "2000-01-01T04:00:00Z"}
		if diff := cmp.Diff(want, l.slots()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestClockNoticesASuspendWithinHalfAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, l := &wall{}, &ledger{last: steward.SlotAt(time.Now())}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		c := &Clock{Now: w.now}
		go func() { done <- c.Run(ctx, []Job{l.job("evaluate", schedule(t, "0 6 * * *", "UTC"), 0)}) }()
		time.Sleep(time.Minute)
		w.move(7 * time.Hour) // timers stood still, the wall clock did not
		time.Sleep(31 * time.Second)
		cancel()
		<-done
		if diff := cmp.Diff([]string{"2000-01-01T06:00:00Z"}, l.slots()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestClockNeverOverlapsAJobAndThenTakesTheLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{last: steward.SlotAt(time.Now())}
		l.work = func(context.Context, steward.Slot) error { time.Sleep(140 * time.Second); return nil }
		runFor(t, &Clock{}, 10*time.Minute, l.job("advance", schedule(t, "* * * * *", "UTC"), 0))
		if l.most != 1 {
			t.Errorf("%d ran at once", l.most)
		}
		want := []string{"2000-01-01T00:01:00Z", "2000-01-01T00:03:00Z", "2000-01-01T00:06:00Z", "2000-01-01T00:08:00Z"}
		if diff := cmp.Diff(want, l.slots()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestClockWaitsForRunningJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{last: steward.SlotAt(time.Now())}
		l.work = func(context.Context, steward.Slot) error { time.Sleep(time.Hour); return nil }
		runFor(t, &Clock{}, 61*time.Second, l.job("evaluate", schedule(t, "* * * * *", "UTC"), 0))
		if l.running != 0 || len(l.slots()) != 1 {
			t.Errorf("Run returned with %d running and %v started", l.running, l.slots())
		}
	})
}

func TestClockGoesOnAfterAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, l := &logged{}, &ledger{last: steward.SlotAt(time.Now())}
		l.work = func(_ context.Context, at steward.Slot) error {
			if at == slot(t, "2000-01-01T00:01:00Z") {
				panic("out of order")
			}
			return nil
		}
		runFor(t, &Clock{Logger: log.logger()}, 3*time.Minute+time.Second, l.job("advance", schedule(t, "* * * * *", "UTC"), 0))
		want := []string{"2000-01-01T00:02:00Z", "2000-01-01T00:03:00Z"}
		if diff := cmp.Diff(want, l.slots()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if n := log.count("out of order"); n != 1 {
			t.Errorf("the panic was logged %d times: %q", n, log.lines)
		}
	})
}

func TestClockTriesAFailedSlotAgainAndLogsItOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, l := &logged{}, &ledger{last: steward.SlotAt(time.Now())}
		tries := 0
		l.work = func(context.Context, steward.Slot) error {
			if tries++; tries < 5 {
				return errors.New("disk full")
			}
			return nil
		}
		runFor(t, &Clock{Logger: log.logger()}, 90*time.Minute, l.job("evaluate", schedule(t, "0 * * * *", "UTC"), 0))
		if diff := cmp.Diff([]string{"2000-01-01T01:00:00Z"}, l.slots()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if tries != 5 || log.count("disk full") != 1 || log.count("started again") != 1 {
			t.Errorf("%d tries, logged %q", tries, log.lines)
		}
	})
}

func TestClockNoticesThatAnotherProcessWasQuicker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{last: steward.SlotAt(time.Now())}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- (&Clock{}).Run(ctx, []Job{l.job("evaluate", schedule(t, "0 * * * *", "UTC"), 0)})
		}()
		time.Sleep(59 * time.Minute)
		l.mu.Lock()
		l.last = slot(t, "2000-01-01T01:00:00Z")
		l.mu.Unlock()
		time.Sleep(30 * time.Minute)
		cancel()
		<-done
		if len(l.slots()) != 0 {
			t.Errorf("started %v", l.slots())
		}
	})
}

func TestClockRefusesAJobWithoutASchedule(t *testing.T) {
	if err := (&Clock{}).Run(t.Context(), []Job{{Name: "evaluate"}}); err == nil {
		t.Error("no error")
	}
}
