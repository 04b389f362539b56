package replay

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/de"
	"github.com/rickar/cal/v2/es"
	"github.com/rickar/cal/v2/us"

	"steward"
)

// A country decides which days its people do not work.
type country int

const (
	germany country = iota
	spain
	america
	countries
)

// A rhythm is how busy each day of the simulation is in each country, 1 being
// an ordinary working day. It is worked out once: asking a holiday calendar per
// account and day would cost more than everything else together.
type rhythm struct {
	first steward.Day
	busy  [countries][]float64
}

// weekdayShare is by time.Weekday. Weekends are quiet and not dead: somebody
// always logs in.
var weekdayShare = [7]float64{0.10, 1.05, 1.10, 1.10, 1.05, 0.85, 0.12}

func newRhythm(first, last steward.Day) rhythm {
	r := rhythm{first: first}
	// Americans take fewer of their listed holidays off than Europeans do.
	for c, of := range [countries]struct {
		days  []*cal.Holiday
		share float64
	}{germany: {de.Holidays, 0.35}, spain: {es.Holidays, 0.35}, america: {us.Holidays, 0.5}} {
		calendar := cal.Calendar{Holidays: of.days}
		for d := first; d <= last; d++ {
			t := d.Start(time.UTC)
			busy := weekdayShare[t.Weekday()]
			if actual, observed, _ := calendar.IsHoliday(t); actual || observed {
				busy = min(busy, of.share)
			} else {
				busy *= season(t)
			}
			r.busy[c] = append(r.busy[c], busy)
		}
	}
	return r
}

// season is the share of people who are not away: the days between Christmas
// and New Year, and a little of August.
func season(t time.Time) float64 {
	switch _, m, d := t.Date(); {
	case m == time.December && d >= 23, m == time.January && d <= 2:
		return 0.75
	case m == time.August:
		return 0.92
	default:
		return 1
	}
}

func (r rhythm) at(c country, d steward.Day) float64 { return r.busy[c][d-r.first] }

// negativeBinomial draws a count around mean whose variance is mean +
// mean²/size: the days of a team of people scatter more than coin tosses do,
// because they have meetings together.
func negativeBinomial(rng *rand.Rand, mean, size float64) float64 {
	if mean <= 0 {
		return 0
	}
	return poisson(rng, gamma(rng, size)*mean/size)
}

// gamma draws from a gamma distribution of scale 1 (Marsaglia and Tsang, A
// Simple Method for Generating Gamma Variables, 2000), for shapes of 1 and
// more.
func gamma(rng *rand.Rand, shape float64) float64 {
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rng.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(rng.Float64()) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// poisson draws a count; above 40 the normal curve is close enough.
func poisson(rng *rand.Rand, mean float64) float64 {
	if mean > 40 {
		return max(0, math.Round(mean+math.Sqrt(mean)*rng.NormFloat64()))
	}
	limit, p, n := math.Exp(-mean), rng.Float64(), 0.0
	for p > limit {
		p *= rng.Float64()
		n++
	}
	return n
}
