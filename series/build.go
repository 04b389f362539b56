package series

import (
	"fmt"
	"math"
	"slices"

	"steward"
)

// A Builder collects the days of one series in any order. The zero Builder is
// ready. What it holds grows with the values added, not with how far apart
// their days lie, so a misread date costs nothing before Build refuses it.
type Builder struct{ days []observation }

type observation struct {
	day   steward.Day
	value float64
}

// Add puts a value on a day; of several for the same day the last one added
// stands. Whether rows of one day are summed or refused is for the caller to
// settle before.
func (b *Builder) Add(d steward.Day, v float64) {
	b.days = append(b.days, observation{d, v})
}

// Build is the series of all that was added. It refuses a value that is not a
// finite number and a day outside FirstDay to LastDay, naming the first such
// day. The Builder may be added to and built again.
func (b *Builder) Build() (Series, error) {
	if len(b.days) == 0 {
		return Series{}, nil
	}
	for _, o := range b.days {
		switch {
		case o.day < FirstDay || o.day > LastDay:
			return Series{}, fmt.Errorf("%s lies outside %s to %s; is the date misread?", o.day, FirstDay, LastDay)
		case math.IsNaN(o.value) || math.IsInf(o.value, 0):
			return Series{}, fmt.Errorf("the value of %s is not a finite number; leave a day without a value out", o.day)
		}
	}
	first, last := b.days[0].day, b.days[0].day
	for _, o := range b.days {
		first, last = min(first, o.day), max(last, o.day)
	}
	values := slices.Repeat([]float64{math.NaN()}, int(last-first)+1)
	for _, o := range b.days {
		values[o.day-first] = o.value
	}
	return Series{Start: first, Values: values}, nil
}
