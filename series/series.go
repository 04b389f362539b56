// Package series holds a metric's days for one account: one number per
// calendar day, or none, packed for storage and unpacked for judging.
//
// It does not know what a missing day means (zero for a count, the last value
// for a gauge: that is decided in facts), which account or metric a series
// belongs to, or where its bytes are kept. Ingest builds series, the store
// merges, encodes and decodes them, facts reads them.
package series

import (
	"fmt"
	"math"
	"slices"

	"steward"
)

// The days a series can hold: from 1970-01-01, MaxDays long, so to 2079-07-07.
// Usage data from before or after is a misread date. One fixed range for all,
// rather than a limit on each series' length, means that merging two good
// series always gives a good one and can never ask for much memory.
const (
	FirstDay steward.Day = 0
	LastDay  steward.Day = FirstDay + MaxDays - 1
	MaxDays              = 40_000
)

// A Series is one value per day from Start on. NaN stands for a day without a
// value; the first and last values are never NaN, and an empty series is the
// zero Series. New, Build, Merge, Cut and Decode keep to this. The values are
// shared when a Series is copied and must not be written to.
type Series struct {
	Start  steward.Day
	Values []float64
}

// New makes a series of values for the days from start on, NaN where there is
// none. It cuts off leading and trailing NaN, refuses infinities and days
// outside FirstDay to LastDay, and keeps the slice.
func New(start steward.Day, values []float64) (Series, error) {
	s := trim(start, values)
	if err := s.check(); err != nil {
		return Series{}, err
	}
	return s, nil
}

// IsEmpty tells a series without any value.
func (s Series) IsEmpty() bool { return len(s.Values) == 0 }

// Len is how many days lie from the first value to the last, gaps included.
func (s Series) Len() int { return len(s.Values) }

// Observed is how many days have a value.
func (s Series) Observed() int {
	n := 0
	for _, v := range s.Values {
		if v == v {
			n++
		}
	}
	return n
}

// First is the first day with a value; NoDay when empty.
func (s Series) First() steward.Day {
	if s.IsEmpty() {
		return steward.NoDay
	}
	return s.Start
}

// Last is the last day with a value; NoDay when empty.
func (s Series) Last() steward.Day {
	if s.IsEmpty() {
		return steward.NoDay
	}
	return s.Start + steward.Day(len(s.Values)-1)
}

// At is the value of a day, and whether there is one.
func (s Series) At(d steward.Day) (float64, bool) {
	if s.IsEmpty() || d < s.Start || d > s.Last() {
		return 0, false
	}
	v := s.Values[d-s.Start]
	if v != v {
		return 0, false
	}
	return v, true
}

// Equal tells whether both hold the same values on the same days, bit for bit;
// the bits of a NaN do not count.
func (s Series) Equal(t Series) bool {
	if len(s.Values) != len(t.Values) {
		return false
	}
	return s.IsEmpty() || s.Start == t.Start && slices.EqualFunc(s.Values, t.Values, sameBits)
}

// Cut is the part from one day to another, both included. It shares the values
// of s.
func (s Series) Cut(from, to steward.Day) Series {
	if s.IsEmpty() {
		return Series{}
	}
	from, to = max(from, s.Start), min(to, s.Last())
	if from > to {
		return Series{}
	}
	return trim(from, s.Values[from-s.Start:to-s.Start+1])
}

// Merge is old with the days that newer has put in place of its own. A day that
// newer has no value for keeps what it had: an import replaces the account-days
// that it contains and says nothing about others. Neither argument is changed.
func Merge(old, newer Series) Series {
	switch {
	case newer.IsEmpty():
		return old
	case old.IsEmpty():
		return newer
	}
	first, last := min(old.Start, newer.Start), max(old.Last(), newer.Last())
	values := slices.Repeat([]float64{math.NaN()}, int(last)-int(first)+1)
	copy(values[old.Start-first:], old.Values)
	place := values[newer.Start-first:]
	for i, v := range newer.Values {
		if v == v {
			place[i] = v
		}
	}
	return Series{Start: first, Values: values}
}

// check tells what about an already trimmed series cannot be stored.
func (s Series) check() error {
	if s.IsEmpty() {
		return nil
	}
	// The length is compared before Last is computed, which could overflow.
	if s.Start < FirstDay || s.Start > LastDay || len(s.Values) > int(LastDay-s.Start)+1 {
		return fmt.Errorf("%d days from %s on reach outside %s to %s; is a date misread?",
			len(s.Values), s.Start, FirstDay, LastDay)
	}
	for i, v := range s.Values {
		if math.IsInf(v, 0) {
			return fmt.Errorf("the value of %s is infinite", s.Start+steward.Day(i))
		}
	}
	return nil
}

func trim(start steward.Day, values []float64) Series {
	for len(values) > 0 && values[0] != values[0] {
		start, values = start+1, values[1:]
	}
	for len(values) > 0 && values[len(values)-1] != values[len(values)-1] {
		values = values[:len(values)-1]
	}
	if len(values) == 0 {
		return Series{}
	}
	// The capacity is cut so that an append by a caller copies.
	return Series{Start: start, Values: slices.Clip(values)}
}

func sameBits(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b
}
