package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"steward"
)

// A Schedule says at which instants a job is due. It reads cron expressions as
// people mean them on a wall clock: a time that daylight saving skips is kept
// at the first instant after the gap, and a time that comes twice is kept the
// first time. Schedules that run in every hour follow the hours as they really
// pass instead: they run in both passes of a repeated hour and not in one that is
// skipped, so that an hour lies between two runs of an hourly one on any day.
//
// Slots depend on the expression and the zone alone, never on when the process
// started, so that every run and every restart names the same slots.
type Schedule struct {
	text  string
	zone  *time.Location
	wall  *cron.SpecSchedule // read on a wall clock without zone; nil for every
	every time.Duration      // counted from 1970-01-01T00:00Z
}

const (
	shortestEvery = time.Minute
	// cronStar is the bit by which the library marks an unrestricted field.
	cronStar = 1 << 63
	everyHrs = 1<<24 - 1
)

// ParseSchedule reads a cron expression of five fields (minute, hour, day of
// month, month, weekday) or a word such as @daily or @every 15m, to be read in
// zone. It refuses what robfig/cron would accept and people would regret: a
// zone inside the expression, a date that never comes, and day of month
// together with weekday, which cron reads as "or".
func ParseSchedule(expr string, zone *time.Location) (Schedule, error) {
	text := strings.Join(strings.Fields(expr), " ")
	refuse := func(what, hint string) (Schedule, error) {
		return Schedule{}, fmt.Errorf("schedule %q: %s; %s", expr, what, hint)
	}
	if zone == nil {
		zone = time.UTC
	}
	if upper := strings.ToUpper(text); strings.HasPrefix(upper, "TZ=") || strings.HasPrefix(upper, "CRON_TZ=") {
		return refuse("the zone does not belong here", "set it as zone: in steward.yaml and leave it out of the schedule")
	}
	if text == "" {
		return refuse("it is empty", `write five fields such as "0 6 * * *" for six every morning`)
	}
	if n := len(strings.Fields(text)); !strings.HasPrefix(text, "@") && n != 5 {
		return refuse(fmt.Sprintf("it has %d of the five fields", n), fieldCountHint(n))
	}
	parsed, err := parseCron(text)
	if err != nil {
		return refuse(err.Error(), "the fields are minute (0-59), hour (0-23), day of month (1-31), month (1-12 or jan-dec) and weekday (0-6 or sun-sat, Sunday is 0)")
	}
	s := Schedule{text: text, zone: zone}
	switch p := parsed.(type) {
	case cron.ConstantDelaySchedule:
		if d := strings.TrimPrefix(text, "@every "); strings.HasPrefix(d, "-") || p.Delay < shortestEvery {
			return refuse("it is shorter than a minute", "use @every 1m or longer")
		}
		s.every = p.Delay
		return s, nil
	case *cron.SpecSchedule:
		p.Location = time.UTC
		s.wall = p
	default:
		return refuse(fmt.Sprintf("it reads as %T, which is not known here", parsed), `write five fields such as "0 6 * * *"`)
	}
	for _, field := range []uint64{s.wall.Minute, s.wall.Hour, s.wall.Dom, s.wall.Month, s.wall.Dow} {
		if field&^cronStar == 0 { // the library takes "," for a field
			return refuse("one of its fields names nothing", "write a number, a range, a list or * in each")
		}
	}
	if s.wall.Dom&cronStar == 0 && s.wall.Dow&cronStar == 0 {
		return refuse("cron reads a day of month together with a weekday as either of them, not as both",
			"put * in the third or the fifth field, and say the rest in a playbook's condition")
	}
	if !s.comes() {
		return refuse("no such date ever comes", "choose a day that the month has")
	}
	return s, nil
}

func fieldCountHint(n int) string {
	if n == 6 {
		return `leave out the seconds: "0 6 * * *" is six every morning`
	}
	return `write minute, hour, day of month, month and weekday, such as "0 6 * * *" for six every morning`
}

// parseCron is the library's parser without its panics: it slices out of
// bounds on some inputs.
func parseCron(text string) (s cron.Schedule, err error) {
	defer func() {
		if recover() != nil {
			s, err = nil, errors.New("it cannot be read")
		}
	}()
	return cron.ParseStandard(text)
}

// comes tells whether any allowed month has any allowed day. The library finds
// that out by walking five years ahead, which also misses 29 February around
// the leap year that 2100 is not.
func (s Schedule) comes() bool {
	for m := time.January; m <= time.December; m++ {
		longest := time.Date(2024, m+1, 0, 0, 0, 0, 0, time.UTC).Day()
		if s.wall.Month&(1<<uint(m)) != 0 && bits.TrailingZeros64(s.wall.Dom) <= longest {
			return true
		}
	}
	return false
}

// String is the expression as it was read.
func (s Schedule) String() string { return s.text }

// IsZero tells a Schedule that ParseSchedule did not make.
func (s Schedule) IsZero() bool { return s.wall == nil && s.every == 0 }

// Next is the first slot after the given one; the zero Slot when there is none
// within sixteen years.
func (s Schedule) Next(after steward.Slot) steward.Slot {
	t := s.next(after.Time())
	if t.IsZero() {
		return steward.Slot{}
	}
	return steward.SlotAt(t)
}

func (s Schedule) next(after time.Time) time.Time {
	switch {
	case s.every > 0:
		d := int64(s.every / time.Second)
		sec := after.Unix()
		return time.Unix(sec-mod(sec, d)+d, 0).UTC()
	case s.wall == nil:
		return time.Time{}
	}
	// Reading a wall clock never runs ahead of the instants it names, so every
	// slot after this instant reads later on the wall than the instant does.
	w := onWall(after.In(s.zone))
	hourly := s.wall.Hour&everyHrs == everyHrs
	var next time.Time
	for {
		if w = s.nextWall(w); w.IsZero() {
			return time.Time{}
		}
		next, _ = s.instants(w)
		skipped := !onWall(next.In(s.zone)).Equal(w)
		if next.After(after) && !(hourly && skipped) {
			break
		}
	}
	if hourly {
		if again := s.nextRepeated(after, next); !again.IsZero() {
			return again
		}
	}
	return next
}

// nextRepeated is the first slot after the given instant and before next that
// falls in the second pass of a repeated hour; zero when there is none.
func (s Schedule) nextRepeated(after, next time.Time) time.Time {
	const longestShift = 3 * time.Hour
	from := after.Add(-longestShift)
	if offsetOf(from, s.zone) == offsetOf(after, s.zone) && offsetOf(after, s.zone) == offsetOf(next, s.zone) {
		return time.Time{}
	}
	end := onWall(next.In(s.zone))
	for w := s.nextWall(onWall(from.In(s.zone))); !w.IsZero() && w.Before(end); w = s.nextWall(w) {
		if _, second := s.instants(w); second.After(after) && second.Before(next) {
			return second
		}
	}
	return time.Time{}
}

// nextWall is the next matching reading of a wall clock. The library gives up
// after five years, which is too soon for a 29 February across 2100.
func (s Schedule) nextWall(w time.Time) time.Time {
	for range 3 {
		if t := s.wall.Next(w); !t.IsZero() {
			return t
		}
		w = time.Date(w.Year()+5, time.January, 1, 0, 0, 0, 0, time.UTC).Add(-time.Second)
	}
	return time.Time{}
}

// instants are the moments at which the zone's wall clock reads w: one as a
// rule, two in a repeated hour, and in a gap the first instant after it, which
// is what a person who wrote the skipped time would have settled for. second is
// zero unless the reading comes twice.
//
// time.Date is not used: it says that it does not guarantee which of the two
// offsets it takes.
func (s Schedule) instants(w time.Time) (first, second time.Time) {
	// No zone is more than 16 hours from UTC, so these two offsets are the ones
	// before and after any change near w.
	before := time.Duration(offsetOf(w.Add(-16*time.Hour), s.zone)) * time.Second
	behind := time.Duration(offsetOf(w.Add(16*time.Hour), s.zone)) * time.Second
	a, b := w.Add(-before), w.Add(-behind)
	if b.Before(a) {
		a, b = b, a
	}
	readsA, readsB := onWall(a.In(s.zone)).Equal(w), onWall(b.In(s.zone)).Equal(w)
	switch {
	case readsA && readsB && !a.Equal(b):
		return a, b
	case readsA:
		return a, time.Time{}
	case readsB:
		return b, time.Time{}
	}
	// The reading is skipped. Counted with the offset before the change it lies
	// just behind the change.
	start, _ := w.Add(-before).In(s.zone).ZoneBounds()
	return start.UTC(), time.Time{}
}

// onWall is what a wall clock shows at t, as an instant of a zoneless calendar.
func onWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

func offsetOf(t time.Time, zone *time.Location) int {
	_, offset := t.In(zone).Zone()
	return offset
}

func mod(a, b int64) int64 { return ((a % b) + b) % b }

// Latest is the newest slot that is not after at and is after notBefore; false
// when there is none. It is how missed slots become one run: whatever was
// missed in between, only the latest is asked for. A zero notBefore looks back
// as far as nine years.
func (s Schedule) Latest(at, notBefore time.Time) (steward.Slot, bool) {
	if s.IsZero() {
		return steward.Slot{}, false
	}
	if !notBefore.IsZero() {
		if next := s.next(notBefore); next.IsZero() || next.After(at) {
			return steward.Slot{}, false // what nearly every look finds
		}
	}
	// Look back in doubling windows, so that neither a dense schedule nor a
	// rare one is walked from far away.
	const furthest = 9 * 366 * 24 * time.Hour
	for back := time.Minute; ; back *= 2 {
		from := at.Add(-back)
		bounded := from.Before(notBefore) || back >= furthest
		if from.Before(notBefore) {
			from = notBefore
		}
		var latest time.Time
		for t := s.next(from); !t.IsZero() && !t.After(at); t = s.next(t) {
			latest = t
		}
		if !latest.IsZero() {
			return steward.SlotAt(latest), true
		}
		if bounded {
			return steward.Slot{}, false
		}
	}
}

// A Job is one thing to do on a schedule.
type Job struct {
	// Name is what logs call it.
	Name     string
	Schedule Schedule
	// Deadline is the start deadline: a slot missed by more is skipped. Zero
	// means that the latest missed slot runs however late it is.
	Deadline time.Duration
	// Again is after how long a slot that was started and is not on record is
	// started once more, as what Do handed it to may have lost it or given it
	// up. Zero means never.
	Again time.Duration
	// Last is the newest slot on record as done; the zero Slot before the first.
	// It is asked before every start, so another process that was quicker is
	// noticed, and so is a person who took a record back.
	Last func(context.Context) (steward.Slot, error)
	// Do starts the slot. An error means that it was not started, and it is
	// asked for again within half a minute; the same error is logged once.
	Do func(context.Context, steward.Slot) error
	// Skipped hears of a slot that was missed by more than Deadline; nil when
	// nobody listens. After an error it hears of it again within half a minute.
	Skipped func(context.Context, steward.Slot) error
}

// wakeAtLeast bounds every sleep. Timers run on the monotonic clock, which
// stands still while a machine is suspended; the wall clock does not.
const wakeAtLeast = 30 * time.Second

// A Clock starts jobs when their slots come. The zero Clock is ready to use.
type Clock struct {
	// Now is the wall clock; time.Now when nil.
	Now func() time.Time
	// Logger takes one line for each failure; slog's default when nil.
	Logger *slog.Logger
}

// Run starts jobs at their slots until ctx is done, and then waits for those
// that are running. Each job catches up at once with the latest slot it
// missed, never overlaps itself, never starts a slot at or before the one on
// record (a wall clock that was set back starts nothing twice), and goes on after
// a panic. It returns an error only for a job that cannot be scheduled.
func (c *Clock) Run(ctx context.Context, jobs []Job) error {
	for _, j := range jobs {
		if j.Schedule.IsZero() || j.Last == nil || j.Do == nil {
			return fmt.Errorf("job %q has no schedule or nothing to do", j.Name)
		}
	}
	log := c.Logger
	if log == nil {
		log = slog.Default()
	}
	now := c.Now
	if now == nil {
		now = time.Now
	}
	// The order matters: with Recover outside, a panic would leave the token of
	// SkipIfStillRunning taken and the job would never run again.
	runner := cron.New(cron.WithLocation(time.UTC), cron.WithLogger(cron.DiscardLogger),
		cron.WithChain(cron.SkipIfStillRunning(cron.DiscardLogger), cron.Recover(cronLogger{log})))
	for _, j := range jobs {
		t := &ticker{job: j, now: now, log: log.With("job", j.Name)}
		runner.Schedule(&wakes{now: now, schedule: j.Schedule}, cron.FuncJob(func() { t.tick(ctx) }))
	}
	runner.Start()
	<-ctx.Done()
	<-runner.Stop().Done()
	return nil
}

// wakes is the schedule robfig/cron is given: not the slots themselves, but
// when to look for them. It wakes at once, at every slot, and at least every
// half minute, and leaves the question of what is due to the wall clock and to
// what is recorded.
type wakes struct {
	now      func() time.Time
	schedule Schedule
	started  bool
}

// Next is called by cron's own goroutine only.
func (w *wakes) Next(t time.Time) time.Time {
	if !w.started {
		w.started = true
		return t
	}
	wait := wakeAtLeast
	wall := w.now()
	if next := w.schedule.next(wall); !next.IsZero() {
		wait = min(wait, next.Sub(wall))
	}
	return t.Add(max(wait, time.Millisecond))
}

// A ticker is one job with what its last look found.
type ticker struct {
	job Job
	now func() time.Time
	log *slog.Logger

	// tick runs in one goroutine at a time, but not always in the same one.
	mu       sync.Mutex
	looked   bool         // Last has answered
	recorded steward.Slot // what it said
	done     steward.Slot // the newest slot that nothing is to be done for any more
	handed   steward.Slot // was started and is not on record yet
	handedAt time.Time    // when, on the monotonic clock
	failure  string       // the error already logged
}

// tick starts the latest slot that is due and not yet started, if any.
func (t *ticker) tick(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ctx.Err() != nil || !t.worthALook() {
		return
	}
	last, err := t.job.Last(ctx)
	if err != nil {
		t.fail(ctx, t.done, fmt.Errorf("read the last slot: %w", err))
		return
	}
	t.learn(last)
	now := t.now()
	slot, due := t.job.Schedule.Latest(now, t.done.Time())
	switch {
	case !due:
	case t.job.Deadline > 0 && now.Sub(slot.Time()) >= t.job.Deadline+time.Second: // one of exactly Deadline is in time
		t.skip(ctx, slot)
	default:
		t.start(ctx, slot)
	}
}

// worthALook tells whether the record could change what is to be done. Every
// other look, and that is nearly every one, costs no query.
func (t *ticker) worthALook() bool {
	now := t.now()
	if !t.looked || t.lost() || t.done.Time().After(now) {
		return true
	}
	_, due := t.job.Schedule.Latest(now, t.done.Time())
	return due
}

// lost tells whether the slot that was started last should be on record by now.
func (t *ticker) lost() bool {
	return t.job.Again > 0 && !t.handed.IsZero() && time.Since(t.handedAt) >= t.job.Again
}

// learn takes up what is on record.
func (t *ticker) learn(last steward.Slot) {
	if !last.Time().Before(t.handed.Time()) {
		t.handed = steward.Slot{}
	}
	switch {
	case last.Time().After(t.done.Time()):
		t.done = last
	case t.looked && last.Time().Before(t.recorded.Time()): // somebody took it back
		t.done = last
	case t.lost():
		t.done, t.handed = last, steward.Slot{}
	}
	t.recorded, t.looked = last, true
}

func (t *ticker) start(ctx context.Context, slot steward.Slot) {
	// Set before the work, so that a panic leaves it set: a job that panics is
	// not tried again every half minute.
	before := t.done
	t.done, t.handed, t.handedAt = slot, slot, time.Now()
	if err := t.job.Do(ctx, slot); err != nil {
		t.done, t.handed = before, steward.Slot{}
		t.fail(ctx, slot, err)
		return
	}
	if t.failure != "" {
		t.failure = ""
		t.log.Info("the job started again", "slot", slot.String())
	}
}

// skip passes a slot by. Before anything is on record nothing was missed: the
// job is new.
func (t *ticker) skip(ctx context.Context, slot steward.Slot) {
	if !t.recorded.IsZero() {
		if t.job.Skipped != nil {
			if err := t.job.Skipped(ctx, slot); err != nil {
				t.fail(ctx, slot, fmt.Errorf("tell that a slot is skipped: %w", err))
				return
			}
		}
		t.log.Warn("a slot was missed by more than the start deadline and is skipped", "slot", slot.String(), "last", t.recorded.String(), "deadline", t.job.Deadline)
	}
	t.done, t.handed = slot, steward.Slot{}
}

func (t *ticker) fail(ctx context.Context, slot steward.Slot, err error) {
	if ctx.Err() != nil || err.Error() == t.failure {
		return
	}
	t.failure = err.Error()
	t.log.Error("the job could not be started and is tried again within half a minute", "slot", slot.String(), "error", err)
}

// cronLogger carries the library's recovered panics into slog.
type cronLogger struct{ log *slog.Logger }

func (l cronLogger) Info(string, ...any) {}

func (l cronLogger) Error(err error, msg string, keysAndValues ...any) {
	l.log.Error("a job panicked and runs again at its next slot", append([]any{"error", err, "kind", msg}, keysAndValues...)...)
}
