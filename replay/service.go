package replay

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"steward"
)

// What else a portfolio leaves behind beside use: milestones, tickets, surveys,
// what was bought and what it was bought for. Each account draws it from a
// stream of its own, so that none of it moves the accounts' use.

// The milestones of a simulated journey, with the days that a good start takes.
const (
	Kickoff    = "kickoff"
	AdminSetup = "admin_setup"
	FirstValue = "first_value"
)

// objectiveName is what those who set out to reach something set out to reach.
const objectiveName = "reports a day"

// A departure is a person's last day at a customer.
type departure struct {
	contact steward.ContactID
	day     steward.Day
}

// serve draws everything but use for an account whose use is drawn.
func (c casting) serve(a *simulated, seats int) {
	p := a.plot
	end := c.last
	if p.churned != steward.NoDay {
		end = p.churned - 1
	}
	from := max(c.first, a.base.StartDate)
	c.milestones(a)
	c.product(a, seats)
	c.tickets(a, from, end)
	c.surveys(a, from, end)
	switch p.story {
	case ChampionLeft:
		for _, k := range a.contacts {
			if slices.Contains(k.Roles, "champion") {
				a.left = append(a.left, departure{k.ID, p.from})
			}
		}
	case ChampionQuiet:
		for i := range a.contacts {
			if slices.Contains(a.contacts[i].Roles, "champion") {
				a.contacts[i].LastSeen = p.from
			}
		}
		a.touches = slices.DeleteFunc(a.touches, func(t steward.Touch) bool { return t.Day > p.from })
	}
}

// milestones are known of those who signed since the history began.
func (c casting) milestones(a *simulated) {
	start := a.base.StartDate
	if start == steward.NoDay || start < c.first {
		return
	}
	days := []steward.Day{2 + steward.Day(c.rng.IntN(4)), 6 + steward.Day(c.rng.IntN(7)), 14 + steward.Day(c.rng.IntN(12))}
	switch a.plot.story {
	case KickoffMissed:
		days[0], days[1], days[2] = 24, 30, 45
	case SetupStuck:
		days[1], days[2] = 44, 58
	case StalledOnboarding:
		days[2] = math.MaxInt16
	}
	for i, name := range []string{Kickoff, AdminSetup, FirstValue} {
		if day := start + days[i]; day <= c.last {
			a.milestones = append(a.milestones, steward.Milestone{Account: a.base.ID, Name: name, Day: day})
		}
	}
}

// product is what the account has licensed. Integrations are for the larger
// plans, and some never use them.
func (c casting) product(a *simulated, seats int) {
	if a.base.StartDate == steward.NoDay {
		return
	}
	features := []string{"reporting"}
	licensed := a.base.Segment != "smb" || a.plot.story == FeatureUnused
	if licensed {
		features = append(features, "integrations")
	}
	a.products = []steward.Product{{
		ID: steward.ProductID(string(a.base.ID) + "-S1"), Account: a.base.ID, Name: "Platform", Plan: a.base.More["plan"].Text,
		Seats: steward.Num(float64(seats)), StartDate: a.base.StartDate, EndDate: steward.NoDay, Features: features,
	}}
	uses := licensed && a.plot.story != FeatureUnused && a.plot.story != StalledOnboarding
	rate := 3 + 5*c.rng.Float64()
	a.metrics[3] = slices.Repeat([]float64{math.NaN()}, len(a.metrics[0]))
	for i, logins := range a.metrics[0] {
		switch {
		case logins != logins:
		case uses:
			a.metrics[3][i] = math.Round(logins * rate)
		default:
			a.metrics[3][i] = 0
		}
	}
	if c.rng.Float64() < 0.3 {
		made := 0.0
		for _, x := range a.metrics[2][max(0, len(a.metrics[2])-28):] {
			if x == x {
				made += x / 28
			}
		}
		a.objectives = []steward.Objective{{ID: string(a.base.ID) + "-O1", Account: a.base.ID, Name: objectiveName, Metric: ReportsMade,
			Baseline: steward.Num(0), Target: steward.Num(math.Ceil(made * (0.8 + 0.6*c.rng.Float64()))), Due: c.last + steward.Day(c.rng.IntN(120)) - 30}}
	}
}

// tickets come now and then and are closed within days; a fire is not.
func (c casting) tickets(a *simulated, from, end steward.Day) {
	open := func(day, closed steward.Day, priority string) {
		t := steward.Ticket{ID: fmt.Sprintf("%s-K%d", a.base.ID, len(a.tickets)+1), Account: a.base.ID, Priority: priority, Opened: day, Closed: closed}
		if len(a.contacts) > 0 {
			t.Contact = pick(c.rng, a.contacts).ID
		}
		a.tickets = append(a.tickets, t)
	}
	if a.base.StartDate != steward.NoDay {
		for d := from + steward.Day(c.rng.IntN(60)); d <= end; d += 20 + steward.Day(c.rng.IntN(80)) {
			priority := pick(c.rng, []string{"low", "normal", "normal", "normal", "high"})
			open(nextWorkday(d), nextWorkday(d+1+steward.Day(c.rng.IntN(6))), priority)
		}
	}
	switch p := a.plot; p.story {
	case TicketFire:
		open(p.from, p.from+9, "urgent")
		open(p.from+2, p.from+8, "high")
	case TicketPile:
		for i := range steward.Day(7) {
			open(nextWorkday(p.from+i), nextWorkday(p.from+24+i), "normal")
		}
	}
}

// surveys go out every quarter, and some answer. Those who are well answer well.
func (c casting) surveys(a *simulated, from, end steward.Day) {
	if a.base.StartDate == steward.NoDay {
		return
	}
	answer := func(kind steward.SurveyKind, k steward.ContactID, day steward.Day, score float64) {
		a.surveys = append(a.surveys, steward.Survey{ID: fmt.Sprintf("%s-Q%d", a.base.ID, len(a.surveys)+1), Account: a.base.ID, Contact: k, Kind: kind, Day: day, Score: score})
	}
	p := a.plot
	for d := from + 60 + steward.Day(c.rng.IntN(90)); d <= end; d += 91 {
		for _, k := range a.contacts {
			if c.rng.Float64() < 0.35 && (p.story != Detractor || d < p.from-30) {
				answer(steward.NPS, k.ID, d+steward.Day(c.rng.IntN(5)), 7+float64(c.rng.IntN(4)))
			}
		}
	}
	for _, t := range a.tickets {
		if t.Closed < end && c.rng.Float64() < 0.4 {
			answer(steward.CSAT, t.Contact, t.Closed+1, 3+float64(c.rng.IntN(3)))
		}
	}
	if p.story == Detractor && len(a.contacts) > 0 {
		for i, k := range a.contacts[:min(2, len(a.contacts))] {
			answer(steward.NPS, k.ID, p.from+steward.Day(i), float64(1+c.rng.IntN(4)))
		}
	}
	slices.SortStableFunc(a.surveys, func(x, y steward.Survey) int { return int(x.Day - y.Day) })
}

// year is stories spread over a year that ends on last, a few of each, so that
// whoever looks after the portfolio meets all of them.
func year(rng *rand.Rand, last steward.Day, each int) []plot {
	day := func(earliest, latest steward.Day) steward.Day { // days before last
		return nextWorkday(last - latest + steward.Day(rng.IntN(int(latest-earliest))))
	}
	at := func(s Story, note string, earliest, latest steward.Day, edit func(*plot)) plot {
		return newPlot(s, note).with(func(p *plot) {
			p.from, p.sizeable = day(earliest, latest), true
			if edit != nil {
				edit(p)
			}
		})
	}
	begun := func(p *plot) { p.start = p.from }
	var out []plot
	for range each {
		out = append(out,
			at(KickoffMissed, "signed, and nobody met them for three weeks", 70, 300, begun),
			at(SetupStuck, "met, and their admin did not set it up for six weeks", 90, 300, begun),
			at(StalledOnboarding, "few of the seats were ever used", 110, 300, begun),
			at(SuddenDrop, "logins fell and stayed there", 60, 300, func(p *plot) { p.level = 0.05 + 0.15*rng.Float64() }),
			at(SlowFade, "a little less every week: no fortnight looks bad beside the one before", 170, 300, func(p *plot) { p.level = 0.3 }),
			at(ChampionQuiet, "their champion stopped coming, and nobody spoke with them since", 80, 300, nil),
			at(FeatureUnused, "integrations are licensed and were never used", 300, 330, func(p *plot) { p.start = p.from }),
			at(TicketFire, "an urgent ticket stayed open for nine days", 30, 330, nil),
			at(TicketPile, "seven tickets in ten days, each open for weeks", 60, 330, nil),
			at(Detractor, "two of their people would not recommend us", 40, 330, nil),
			at(ChampionLeft, "their champion left the company", 40, 300, nil),
			at(RenewalNear, "the renewal came near; nobody had spoken with them for months", 60, 200, func(p *plot) {
				p.notice, p.silent = p.from+120, p.from-30
				p.renewed = p.notice - 5
			}),
			at(RenewalNear, "the renewal came near; engaged", 60, 200, func(p *plot) {
				p.notice, p.renewed = p.from+120, p.from+100
				p.touched = []steward.Day{p.from + 5, p.from + 25, p.from + 45, p.from + 65, p.from + 85}
			}),
			at(SeatsFull, "nearly every seat is in use", 120, 300, nil),
		)
	}
	return out
}
