package replay

import (
	"fmt"
	"math"
	"math/rand/v2"

	"steward"
)

// A Story is what truly happens to a simulated account.
type Story string

// The stories. A renewal that is near is either silent (nobody has spoken for
// months) or engaged; the note of a TrueStory says which.
const (
	Steady            Story = "steady"
	Growing           Story = "growing"
	SuddenDrop        Story = "sudden_drop"
	SlowFade          Story = "slow_fade"
	StalledOnboarding Story = "stalled_onboarding"
	Recovery          Story = "recovery"
	Seasonal          Story = "seasonal"
	DataGap           Story = "data_gap"
	Churned           Story = "churned"
	RenewalNear       Story = "renewal_near"
	Quiet             Story = "quiet"
	New               Story = "new"
	Prospect          Story = "prospect"
	KickoffMissed     Story = "kickoff_missed"
	SetupStuck        Story = "setup_stuck"
	ChampionQuiet     Story = "champion_quiet"
	ChampionLeft      Story = "champion_left"
	FeatureUnused     Story = "feature_unused"
	TicketFire        Story = "ticket_fire"
	TicketPile        Story = "ticket_pile"
	Detractor         Story = "detractor"
	SeatsFull         Story = "seats_full"
)

// A TrueStory is an account's story and the day from which it can be told from
// its data; NoDay for a story that was always so.
type TrueStory struct {
	Account steward.AccountID `json:"account"`
	Story   Story             `json:"story"`
	From    steward.Day       `json:"from"`
	Note    string            `json:"note"`
}

// A plot is an account's story before chance fills in the rest. Days are NoDay
// where the plot leaves them open.
type plot struct {
	story Story
	note  string
	// from and until bound the story: the drop and the return, the gap's first
	// and last day.
	from, until steward.Day
	// level is the share of activity left after from.
	level float64
	// start of the first contract, end and notice day of the current one; at
	// most one of start and end is set.
	start, end, notice steward.Day
	// sizeable asks for a mid-market or enterprise account.
	sizeable bool
	// What changes in the CRM, and when.
	renewed, cancelled, churned, handover steward.Day
	// silent is since when nobody has spoken with them; touched is when
	// somebody certainly did.
	silent  steward.Day
	touched []steward.Day
}

func newPlot(s Story, note string) plot {
	return plot{story: s, note: note, level: 1, from: steward.NoDay, until: steward.NoDay, start: steward.NoDay, end: steward.NoDay, notice: steward.NoDay,
		renewed: steward.NoDay, cancelled: steward.NoDay, churned: steward.NoDay, handover: steward.NoDay, silent: steward.NoDay}
}

// with is the plot after an edit, so that a table of plots can be written down
// as expressions.
func (p plot) with(edit func(*plot)) plot {
	edit(&p)
	return p
}

// planted is the stories of the last two weeks, one of each sort in turn, so
// that a small portfolio has a little of everything. A drop halves a
// fortnight's average with its sixth working day or so; those here begin 11 to
// 19 days before the end, and none has crossed yet when the last fortnight
// begins.
func planted(last steward.Day) []plot {
	breaking := func(ago steward.Day) steward.Day {
		d := last - ago
		for workdays(d, last-14) > 4 {
			d++
		}
		return d
	}
	drop := func(ago steward.Day, level float64) plot {
		return newPlot(SuddenDrop, fmt.Sprintf("logins fell to %.0f %% of what they were and stayed there", level*100)).with(func(p *plot) {
			p.from, p.level, p.sizeable = breaking(ago), level, true
		})
	}
	recovery := func(from, days steward.Day) plot {
		return newPlot(Recovery, "logins all but stopped, then the team came back and caught up").with(func(p *plot) {
			p.from, p.until, p.level, p.sizeable = from, from+days, 0.04, true
		})
	}
	stalled := func(ago steward.Day) plot {
		return newPlot(StalledOnboarding, fmt.Sprintf("few of the seats were ever used; day 45 is %s", last-ago)).with(func(p *plot) {
			p.start, p.from, p.sizeable = last-ago-45, last-ago-45, true
		})
	}
	renewal := func(days, ago steward.Day, silent bool) plot {
		note := fmt.Sprintf("the notice date is %d days away on %s; engaged", days, last-ago)
		if silent {
			note = fmt.Sprintf("the notice date is %d days away on %s; nobody has spoken with them for months", days, last-ago)
		}
		return newPlot(RenewalNear, note).with(func(p *plot) {
			p.notice, p.from, p.sizeable = last-ago+days, last-ago, true
			if silent {
				p.silent = last - 95
			} else {
				p.touched = []steward.Day{last - 24, last - 17}
			}
		})
	}
	rows := [][]plot{
		{drop(19, 0.08), drop(18, 0.12), drop(17, 0.10), drop(16, 0.15), drop(15, 0.05), drop(14, 0.12), drop(12, 0.10), drop(11, 0.06)},
		{renewal(120, 9, true), renewal(120, 6, false), renewal(120, 2, true), renewal(120, 10, false), renewal(120, 11, false), renewal(90, 9, true), renewal(90, 3, false), renewal(60, 12, true), renewal(60, 7, false), renewal(60, 4, true)},
		{stalled(12), stalled(2), stalled(10), stalled(8)},
		{recovery(breaking(20), 10), recovery(last-44, 34), recovery(breaking(19), 11), recovery(last-38, 26)},
		{
			newPlot(Quiet, "stopped altogether, from one day to the next").with(func(p *plot) { p.from, p.level, p.sizeable = breaking(18), 0, true }),
			newPlot(DataGap, "its rows are missing from the export for four days; the customer worked as ever").with(func(p *plot) { p.from, p.until, p.sizeable = last-9, last-6, true }),
			newPlot(Churned, "cancelled months ago; the contract ends").with(func(p *plot) {
				p.from, p.churned, p.end, p.cancelled, p.level = last-95, last-4, last-5, last-75, 0.2
			}),
			newPlot(New, "signed three weeks ago, starting well").with(func(p *plot) { p.start, p.from = last-20, last-20 }),
			newPlot(Quiet, "stopped altogether, from one day to the next").with(func(p *plot) { p.from, p.level, p.sizeable = last-15, 0, true }),
			newPlot(New, "signed this week").with(func(p *plot) { p.start, p.from = last-5, last-5 }),
			newPlot(Steady, "nothing happens, but the account changes hands").with(func(p *plot) { p.handover = last - 4 }),
		},
	}
	// Some of them meet life on the way: a call, a new owner, a decision.
	rows[0][1].touched = []steward.Day{last - 15}
	rows[0][2].handover = last - 5
	rows[1][3].renewed = last - 3
	rows[1][4].cancelled = last - 2
	var out []plot
	for i := 0; ; i++ {
		n := len(out)
		for _, row := range rows {
			if i < len(row) {
				out = append(out, row[i])
			}
		}
		if len(out) == n {
			return out
		}
	}
}

// background is the story of an account that is not part of the last weeks'
// events; most are dull, as most customers are.
func background(rng *rand.Rand, first, last steward.Day) plot {
	span := int(last - first)
	between := func(from, to float64) steward.Day { // shares of the history
		return first + steward.Day(float64(span)*(from+(to-from)*rng.Float64()))
	}
	for {
		switch p := rng.Float64(); {
		case p < 0.40:
			return newPlot(Steady, "nothing happens")
		case p < 0.58:
			return newPlot(Growing, "more people log in every month")
		case p < 0.66:
			return newPlot(Seasonal, "comes and goes with its business; nothing is wrong")
		case p < 0.72:
			return newPlot(SlowFade, "a little less every week: no fortnight looks bad beside the one before").with(func(p *plot) { p.from, p.level = between(0.3, 0.6), 0.3 })
		case p < 0.77 && span >= 200:
			return newPlot(SuddenDrop, "logins fell and stayed there").with(func(p *plot) { p.from, p.level = between(0.2, 0.8), 0.05+0.2*rng.Float64() })
		case p < 0.82 && span >= 200:
			return newPlot(Recovery, "logins all but stopped, then the team came back").with(func(p *plot) {
				p.from, p.level = between(0.2, 0.75), 0.05
				p.until = p.from + 12 + steward.Day(rng.IntN(16))
			})
		case p < 0.84 && span >= 200:
			return newPlot(Quiet, "stopped altogether").with(func(p *plot) { p.from, p.level = between(0.6, 0.9), 0 })
		case p < 0.87 && span >= 200:
			return newPlot(DataGap, "its rows are missing from the export for some days; the customer worked as ever").with(func(p *plot) {
				p.from = between(0.2, 0.85)
				p.until = p.from + 2 + steward.Day(rng.IntN(5))
			})
		case p < 0.91 && span >= 200:
			return newPlot(Churned, "left when the contract ended").with(func(p *plot) {
				p.end = between(0.4, 0.9)
				p.from, p.cancelled, p.churned, p.level = p.end-90, p.end-70, p.end+1, 0.2
			})
		case p < 0.94:
			return newPlot(RenewalNear, "the notice date is near; engaged").with(func(p *plot) {
				p.notice = last + 20 + steward.Day(rng.IntN(90))
				p.from, p.touched = p.notice-120, []steward.Day{last - 30, last - 16}
			})
		case p < 0.96 && span >= 200:
			return newPlot(StalledOnboarding, "few of the seats were ever used").with(func(p *plot) { p.start = last - 120 + steward.Day(rng.IntN(60)); p.from = p.start })
		case p < 0.98 && span >= 60:
			return newPlot(New, "starting well").with(func(p *plot) { p.start = last - 44 + steward.Day(rng.IntN(40)); p.from = p.start })
		case p >= 0.98:
			return newPlot(Prospect, "not a customer yet")
		}
	}
}

// catchUp is how busy a team is in the days after it comes back.
const (
	catchUp     = 2.3
	catchUpDays = 8
)

// activity is the share of its usual work that an account does on a day. start
// is its first day as a customer; pace and phase belong to growth and seasons.
func (p plot) activity(d, start, first, last steward.Day, pace, phase float64) float64 {
	if d < start {
		return 0
	}
	level := 1.0
	if p.story != StalledOnboarding && start > first-40 {
		level = min(1, 0.2+0.8*float64(d-start)/40) // people learn
	}
	switch p.story {
	case Growing:
		level *= math.Exp(pace * float64(d-last) / 365)
	case Seasonal:
		level *= 1 + 0.3*math.Sin(2*math.Pi*(float64(d)/91+phase))
	case SlowFade, Churned:
		over := 130.0
		if p.story == Churned {
			over = 90
		}
		if d >= p.from {
			level *= max(p.level, 1-(1-p.level)*float64(d-p.from)/over)
		}
	case SuddenDrop, Quiet:
		if d >= p.from {
			level *= p.level
		}
	case SeatsFull:
		if d >= p.from {
			level *= 1 + min(1, float64(d-p.from)/40) // more join until there is no seat left
		}
	case Recovery:
		switch {
		case d >= p.from && d < p.until:
			level *= p.level
		case d >= p.until && d < p.until+catchUpDays:
			level *= catchUp
		}
	}
	return level
}

// tells reports whether the numbers drawn really show the story, as far as it
// has one that numbers show: chance can hide a drop, or make one. logins are
// the days from first on.
func (p plot) tells(logins []float64, start, first, last steward.Day) bool {
	if p.from > last-21 && (p.story == SuddenDrop || p.story == Recovery || p.story == Quiet) && fall(logins, int(last-14-first)) > 0.48 {
		return false // crossed before the last fortnight
	}
	switch p.story {
	case SuddenDrop:
		return fall(logins, int(min(p.from+13, last)-first)) > 0.52
	case Recovery:
		end := min(p.until+13, last)
		before, after := fortnight(logins, int(p.from-1-first)), fortnight(logins, int(end-first))
		return fall(logins, int(min(p.from+13, p.until-1)-first)) > 0.52 && after > 0.85*before
	case Steady:
		// The fortnight before the first whole one of the customer's usual work
		// belongs to learning.
		for d := max(first, start+40) + 27; d <= last; d++ {
			if fall(logins, int(d-first)) > 0.38 {
				return false
			}
		}
	}
	return true
}

func workdays(from, to steward.Day) int {
	n := 0
	for d := from; d <= to; d++ {
		if d == nextWorkday(d) {
			n++
		}
	}
	return n
}

// fortnight is the mean of the 14 values that end at index end; a day without a
// value is a day without logins.
func fortnight(values []float64, end int) float64 {
	sum := 0.0
	for i := end - 13; i <= end; i++ {
		if i >= 0 && i < len(values) && values[i] == values[i] {
			sum += values[i]
		}
	}
	return sum / 14
}

// fall is by which share the fortnight ending at end lies below the one before.
func fall(values []float64, end int) float64 {
	before := fortnight(values, end-14)
	if before == 0 {
		return 0
	}
	return 1 - fortnight(values, end)/before
}
