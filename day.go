package steward

import (
	"encoding/json"
	"fmt"
	"time"
)

// A Day is a calendar day, counted from 1970-01-01. It has no zone of its own:
// days are the workspace's, so a Day says which page of the workspace's
// calendar is meant. The zero Day is 1970-01-01; NoDay means "none".
type Day int32

// NoDay is the absent day. It sorts before every real one.
const NoDay Day = -1 << 31

// DayOf is the calendar day on which t falls in loc.
func DayOf(t time.Time, loc *time.Location) Day {
	y, m, d := t.In(loc).Date()
	return Date(y, m, d)
}

// Date is the day of a year, month and day of month; values outside their
// ranges roll over as time.Date's do.
func Date(year int, month time.Month, day int) Day {
	return Day(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// ParseDay reads an ISO date, 2026-03-12. Other spellings belong to ingest.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return NoDay, fmt.Errorf("%q is not a date such as 2026-03-12", s)
	}
	return Day(t.Unix() / 86400), nil
}

// Start is the first instant of the day in loc: At midnight.
func (d Day) Start(loc *time.Location) time.Time { return d.At(0, loc) }

// At is the instant at which clocks in loc show a time of the day, given since
// midnight. Where that time comes twice it is the first one; where it does not
// exist (a daylight-saving gap, or a date that the zone left out when it crossed
// the date line) it is the first instant after the gap.
//
// time.Date is not asked: around a change it does not promise which of the two
// offsets it takes.
func (d Day) At(clock time.Duration, loc *time.Location) time.Time {
	// No zone is more than sixteen hours from UTC, so these two offsets are the
	// ones before and after any change near then.
	shown := d.utc().Add(clock)
	before, after := shown.Add(-offsetAt(shown.Add(-16*time.Hour), loc)), shown.Add(-offsetAt(shown.Add(16*time.Hour), loc))
	first, second := before, after
	if second.Before(first) {
		first, second = second, first
	}
	for _, t := range []time.Time{first, second} {
		if t.Add(offsetAt(t, loc)).Equal(shown) {
			return t.In(loc)
		}
	}
	// Counted with the offset before the change it lies just behind the change.
	change, _ := before.In(loc).ZoneBounds()
	return change
}

func offsetAt(t time.Time, loc *time.Location) time.Duration {
	_, seconds := t.In(loc).Zone()
	return time.Duration(seconds) * time.Second
}

// AddMonths shifts by whole months; a day of month that the target month does
// not have becomes its last day (31 January plus one month is 28 or 29
// February), as contracts mean it.
func (d Day) AddMonths(n int) Day {
	y, m, day := d.date()
	first := time.Date(y, m+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return Date(first.Year(), first.Month(), min(day, last))
}

// Weekday is the day of the week.
func (d Day) Weekday() time.Weekday { return d.utc().Weekday() }

// String is the ISO date, or "none" for NoDay.
func (d Day) String() string {
	if d == NoDay {
		return "none"
	}
	return d.utc().Format(time.DateOnly)
}

// MarshalJSON writes the ISO date, or null for NoDay.
func (d Day) MarshalJSON() ([]byte, error) {
	if d == NoDay {
		return []byte("null"), nil
	}
	return json.Marshal(d.String())
}

// UnmarshalJSON reads what MarshalJSON writes.
func (d *Day) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == nil {
		*d = NoDay
		return nil
	}
	v, err := ParseDay(*s)
	*d = v
	return err
}

func (d Day) utc() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

func (d Day) date() (int, time.Month, int) { return d.utc().Date() }

// A Slot is the scheduled instant, in UTC and whole seconds, that a run is
// for. Rules see the slot, never the wall clock.
type Slot struct{ t time.Time }

// SlotAt is the slot of an instant; parts of a second are dropped.
func SlotAt(t time.Time) Slot { return Slot{t.UTC().Truncate(time.Second)} }

// Time is the slot's instant in UTC.
func (s Slot) Time() time.Time { return s.t }

// IsZero tells the absent slot.
func (s Slot) IsZero() bool { return s.t.IsZero() }

// Unix is the slot in seconds, the form in which it is stored; 0 when absent.
func (s Slot) Unix() int64 {
	if s.IsZero() {
		return 0
	}
	return s.t.Unix()
}

// SlotFromUnix reads what Unix gave.
func SlotFromUnix(sec int64) Slot {
	if sec == 0 {
		return Slot{}
	}
	return Slot{time.Unix(sec, 0).UTC()}
}

// Day is the workspace's calendar day on which the slot falls: "today" of its
// run.
func (s Slot) Day(loc *time.Location) Day { return DayOf(s.t, loc) }

// String is RFC 3339 in UTC, or "none".
func (s Slot) String() string {
	if s.IsZero() {
		return "none"
	}
	return s.t.Format(time.RFC3339)
}

// MarshalJSON writes RFC 3339, or null.
func (s Slot) MarshalJSON() ([]byte, error) {
	if s.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(s.String())
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Slot) UnmarshalJSON(b []byte) error {
	var t *time.Time
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	if t == nil {
		*s = Slot{}
		return nil
	}
	*s = SlotAt(*t)
	return nil
}
