package replay

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"steward"
	"steward/series"
)

// SimOptions says what to simulate. The zero value is a portfolio of 160
// accounts over 400 days that ends on 2026-03-13.
type SimOptions struct {
	// Seed decides everything that is left to chance.
	Seed uint64
	// Accounts is how many; default 160. Days is how long their history is;
	// default 400, at least 60.
	Accounts, Days int
	// Last is the newest day with data.
	Last steward.Day
	// Year plants the stories over the last year, six of each as far as Accounts
	// allow, rather than into the last two weeks.
	Year bool
}

func (o SimOptions) withDefaults() SimOptions {
	if o.Accounts <= 0 {
		o.Accounts = 160
	}
	if o.Days <= 0 {
		o.Days = 400
	}
	o.Days = max(o.Days, 60) // the planted stories reach 45 days back
	if o.Last <= 0 {
		o.Last = steward.Date(2026, 3, 13)
	}
	return o
}

// The metrics every simulation has. Active users are the people seen in the
// last four weeks, as most products report them.
const (
	Logins      = "logins"
	ActiveUsers = "active_users"
	ReportsMade = "reports_made"
	APICalls    = "api_calls"
)

// MetricNames is the simulated metrics in the order of usage.csv's columns.
func MetricNames() []string { return []string{Logins, ActiveUsers, ReportsMade, APICalls} }

// A Simulation is a portfolio with its history and its truth. The same options
// give the same simulation, byte for byte. It is read only and safe for
// concurrent use.
type Simulation struct {
	// First and Last bound the days with data.
	First, Last steward.Day
	// Owners is who looks after the accounts, in the order of owners.yaml.
	Owners []steward.Owner
	// Truth is every account's story, in order of account.
	Truth []TrueStory

	accounts []simulated // in order of id
}

// A simulated account is what the CRM would say of it on any day, and its use
// of the product. The metrics are the days from First on, NaN where the
// export has no row.
type simulated struct {
	base      steward.Account
	plot      plot
	contracts []simContract
	contacts  []steward.Contact
	touches   []steward.Touch
	nextOwner steward.OwnerID
	seats     int
	metrics   [4][]float64

	products   []steward.Product
	tickets    []steward.Ticket
	surveys    []steward.Survey
	objectives []steward.Objective
	milestones []steward.Milestone
	left       []departure
}

// A simContract is a contract with the days on which the CRM learns of it.
type simContract struct {
	steward.Contract
	known, renewed, cancelled steward.Day
}

// Simulate draws a portfolio. Accounts draw from streams of their own, so that
// a change to one story leaves the others' numbers as they were.
func Simulate(o SimOptions) Simulation {
	o = o.withDefaults()
	s := Simulation{First: o.Last - steward.Day(o.Days) + 1, Last: o.Last, Owners: loadOwners()}
	rng := rand.New(rand.NewPCG(o.Seed, 0))
	plots := planted(o.Last)
	if o.Year {
		plots = year(rng, o.Last, max(1, min(6, o.Accounts/28)))
	}
	plots = plots[:min(len(plots), o.Accounts)]
	plantedCount := len(plots)
	for len(plots) < o.Accounts {
		plots = append(plots, background(rng, s.First, s.Last))
	}
	// Ids are dealt by chance, so that an account's number does not give its
	// story away.
	places := rng.Perm(o.Accounts)
	names := namer{rng: rng, used: map[string]bool{}}
	rhythm := newRhythm(s.First-40, s.Last)
	s.accounts = make([]simulated, o.Accounts)
	for i, p := range plots {
		c := casting{rng: rand.New(rand.NewPCG(o.Seed, uint64(i)+1)), first: s.First, last: s.Last, rhythm: &rhythm}
		id := steward.AccountID(fmt.Sprintf("A-%0*d", len(fmt.Sprint(o.Accounts)), places[i]+1))
		a := c.cast(id, p, func(in country) string {
			// Awkward names go to planted accounts from the second on: they
			// are the ones whose cards people see.
			if i%4 == 1 && i/4 < len(awkwardNames) {
				return awkwardNames[i/4]
			}
			return names.company(in)
		})
		c.rng = rand.New(rand.NewPCG(o.Seed, 1<<32+uint64(i)))
		c.serve(&a, a.seats)
		s.accounts[places[i]] = a
	}
	s.blemish(rng, plots[plantedCount:], places[plantedCount:])
	for _, a := range s.accounts {
		s.Truth = append(s.Truth, TrueStory{a.base.ID, a.plot.story, a.plot.from, a.plot.note})
	}
	return s
}

// blemish spoils a few background accounts as real CRMs do: no owner, one who
// has left, test accounts, groups of companies.
func (s *Simulation) blemish(rng *rand.Rand, plots []plot, places []int) {
	steady := 0
	for i, p := range plots {
		a := &s.accounts[places[i]]
		switch {
		case p.story == Steady && steady < 4:
			switch steady {
			case 0:
				a.base.Owner = ""
			case 1:
				a.base.Owner = leftUsLong
			default:
				a.base.Test, a.base.Name = true, fmt.Sprintf("ZZ Test Account %d (do not call)", steady-1)
			}
			steady++
		case rng.Float64() < 0.05:
			if up := &s.accounts[rng.IntN(len(s.accounts))]; up.base.StartDate < s.First && up.base.Parent == "" && up != a {
				a.base.Parent = up.base.ID
			}
		}
	}
	for i := range s.accounts { // one level only: a parent has no parent
		a := &s.accounts[i]
		if up := a.base.Parent; up != "" && slices.ContainsFunc(s.accounts, func(b simulated) bool { return b.base.ID == up && b.base.Parent != "" }) {
			a.base.Parent = ""
		}
	}
}

// A casting draws one account.
type casting struct {
	rng         *rand.Rand
	first, last steward.Day
	rhythm      *rhythm
}

func (c casting) cast(id steward.AccountID, p plot, name func(country) string) simulated {
	rng := c.rng
	who := pick(rng, csms())
	segment := "smb"
	if r := rng.Float64(); r < 0.35 || p.sizeable && r < 0.65 {
		segment = "mid-market"
	} else if r < 0.55 || p.sizeable {
		segment = "enterprise"
	}
	seats, price := 15+rng.IntN(30), 160+rng.IntN(60)
	switch segment {
	case "mid-market":
		seats, price = 60+rng.IntN(200), 190+rng.IntN(100)
	case "enterprise":
		seats, price = 300+rng.IntN(1500), 150+rng.IntN(90)
	}
	a := simulated{plot: p, seats: seats, base: steward.Account{
		ID: id, Name: name(who.country), Status: "customer", Segment: segment, Currency: "EUR", Owner: who.id,
		ARR: steward.Unknown(steward.NumberKind), EscalationLevel: steward.Num(0), StartDate: steward.NoDay, RenewalDate: steward.NoDay,
		More: map[string]steward.Value{
			"plan": steward.Str(map[string]string{"smb": "team", "mid-market": "business", "enterprise": "enterprise"}[segment]), "seats": steward.Num(float64(seats)),
			"partner_managed": steward.Bool(rng.Float64() < 0.05), "legal_hold": steward.Bool(rng.Float64() < 0.02),
		},
	}}
	if who.country == america {
		a.base.Currency = "USD"
	}
	if segment == "smb" && rng.Float64() < 0.6 {
		a.base.Owner = poolID
	}
	if rng.Float64() < 0.04 && p.story != RenewalNear {
		a.base.EscalationLevel = steward.Num(float64(1 + rng.IntN(2)))
	}
	if rng.Float64() < 0.03 {
		a.base.ContactPolicy = "do_not_contact"
	}
	if p.handover != steward.NoDay {
		a.nextOwner = another(rng, who)
	}
	if p.story == Prospect {
		a.base.Status = "prospect"
		a.contacts = contactsOf(rng, a.base, who.country, seats, c.first, c.last)
		a.touches = touchesOf(rng, a.base, a.contacts, c.last-60, c.last, steward.NoDay, nil)
		return a
	}
	a.contracts = c.contracts(id, p, float64(seats*price/100*100))
	a.base.StartDate = a.contracts[0].StartDate
	a.contacts = contactsOf(rng, a.base, who.country, seats, c.first, c.last)
	end := c.last
	if p.churned != steward.NoDay {
		end = p.churned
	}
	a.touches = touchesOf(rng, a.base, a.contacts, max(c.first, a.base.StartDate), end, p.silent, p.touched)
	used, told := c.use(p, a.base.StartDate, who.country, seats, segment)
	copy(a.metrics[:], used[:])
	a.plot = told
	return a
}

// another is a colleague in the same country: accounts are handed over to
// people who share the customer's language.
func another(rng *rand.Rand, who csm) steward.OwnerID {
	var others []steward.OwnerID
	for _, c := range csms() {
		if c.id != who.id && c.country == who.country {
			others = append(others, c.id)
		}
	}
	return pick(rng, others)
}

// contracts draws the account's contracts, oldest first, a year each.
func (c casting) contracts(account steward.AccountID, p plot, amount float64) []simContract {
	rng := c.rng
	notice := steward.Day(30 * (1 + rng.IntN(3)))
	autoRenew := rng.Float64() < 0.4 && p.story != RenewalNear && p.churned == steward.NoDay
	end, years := p.end, 1+rng.IntN(4)
	switch {
	case p.start != steward.NoDay:
		end, years = p.start.AddMonths(12)-1, 1
	case p.notice != steward.NoDay:
		end = p.notice + notice
	case end == steward.NoDay:
		// Far enough off that only the renewals of the plot are near.
		end = c.last + notice + 130 + steward.Day(rng.IntN(365-130-90))
	}
	first := end
	if p.start == steward.NoDay {
		// Its people have learnt the product before the history begins, so that
		// what is seen is the story; a few of the dull ones joined since.
		joined := c.first - 41
		if p.from == steward.NoDay && rng.Float64() < 0.2 {
			joined = c.last - (c.last-c.first)/2
		}
		for (end + 1).AddMonths(-12*years) > joined {
			years++
		}
		first = (end + 1).AddMonths(-12 * years)
	} else {
		first = p.start
	}
	var out []simContract
	for i := range years {
		from := first.AddMonths(12 * i)
		k := simContract{known: from - 45, renewed: steward.NoDay, cancelled: steward.NoDay, Contract: steward.Contract{
			ID: steward.ContractID(fmt.Sprintf("%s-C%d", account, i+1)), Account: account, Product: "Platform", StartDate: from, EndDate: first.AddMonths(12*(i+1)) - 1,
			Amount: steward.Num(math.Round(amount*math.Pow(1.05, float64(i+1-years))/100) * 100), AutoRenew: autoRenew,
		}}
		if i == years-1 {
			k.EndDate = end
		}
		k.NoticeDate = k.EndDate - notice
		if i > 0 {
			out[i-1].renewed = k.known
		}
		out = append(out, k)
	}
	current := &out[len(out)-1]
	current.cancelled = p.cancelled
	if p.renewed != steward.NoDay {
		current.renewed = p.renewed
		next := simContract{known: p.renewed, renewed: steward.NoDay, cancelled: steward.NoDay, Contract: current.Contract}
		next.ID = steward.ContractID(fmt.Sprintf("%s-C%d", account, years+1))
		next.StartDate = current.EndDate + 1
		next.EndDate = next.StartDate.AddMonths(12) - 1
		next.NoticeDate = next.EndDate - notice
		next.Amount = steward.Num(math.Round(amount*1.05/100) * 100)
		out = append(out, next)
	}
	return out
}

// use draws the three metrics. Where chance hides the story it is drawn again,
// each time with less scatter and a plainer story: what truth.json says must be
// so. The plot comes back as it was drawn in the end.
func (c casting) use(p plot, start steward.Day, in country, seats int, segment string) ([3][]float64, plot) {
	rng := c.rng
	adopted := 0.5 + 0.4*rng.Float64()
	often := 0.4 + 0.4*rng.Float64()
	reports := 0.1 + 0.2*rng.Float64()
	pace, phase := 0.3+0.4*rng.Float64(), rng.Float64()
	if p.story == StalledOnboarding {
		adopted = 0.05 + 0.12*rng.Float64()
	}
	switch p.story {
	case Growing:
		adopted = min(adopted, 0.85)
	case SeatsFull:
		adopted = 0.5
	}
	scatter := map[string]float64{"smb": 15, "mid-market": 30, "enterprise": 60}[segment]
	end := c.last
	if p.churned != steward.NoDay {
		end = p.churned - 1
	}
	days := int(c.last-c.first) + 1
	for try := 0; ; try++ {
		var out [3][]float64
		for m := range out {
			out[m] = slices.Repeat([]float64{math.NaN()}, days)
		}
		month, carry := 0.0, 0.0
		for d := c.first - 28; d <= end; d++ {
			level := p.activity(d, start, c.first, c.last, pace, phase)
			month += level
			if d < c.first {
				continue
			}
			month -= p.activity(d-28, start, c.first, c.last, pace, phase)
			mean := float64(seats) * adopted * often * level * c.rhythm.at(in, d)
			var logins float64
			if try < 6 {
				logins = negativeBinomial(rng, mean, scatter*math.Pow(3, float64(try)))
			} else { // no chance left: the remainder is carried, so that sums are right
				carry += mean
				logins = math.Floor(carry)
				carry -= logins
			}
			made := poisson(rng, logins*reports)
			people := math.Round(float64(seats) * adopted * month / 28 * (1 + 0.02*rng.NormFloat64()))
			if d < start || p.missing(d) || logins == 0 && made == 0 {
				continue // exports have no row where nothing happened
			}
			i := int(d - c.first)
			out[0][i] = logins
			out[1][i] = min(float64(seats), max(1, people))
			out[2][i] = made
		}
		if try >= 9 || p.tells(out[0], start, c.first, c.last) {
			return out, p
		}
		if p.story == SuddenDrop || p.story == Recovery {
			p.level /= 2
		}
	}
}

// missing tells the days whose rows a faulty export left out.
func (p plot) missing(d steward.Day) bool {
	return p.story == DataGap && d >= p.from && d <= p.until
}

// Portfolio is what the CRM says on a day: the accounts that have signed by
// then, with the contracts, owners and touches of that day. Accounts and what
// hangs on them are in order of id.
func (s Simulation) Portfolio(on steward.Day) steward.Portfolio {
	var p steward.Portfolio
	for i := range s.accounts {
		a := &s.accounts[i]
		if a.base.StartDate > on {
			continue
		}
		account, contracts := a.on(on)
		p.Accounts = append(p.Accounts, account)
		p.Contracts = append(p.Contracts, contracts...)
		for _, c := range a.contacts {
			if slices.ContainsFunc(a.left, func(d departure) bool { return d.contact == c.ID && d.day <= on }) {
				continue
			}
			if c.LastSeen > on {
				c.LastSeen = on
			}
			p.Contacts = append(p.Contacts, c)
		}
		p.Touches = append(p.Touches, until(a.touches, on, func(t steward.Touch) steward.Day { return t.Day })...)
		p.Products = append(p.Products, a.products...)
		for _, t := range until(a.tickets, on, func(t steward.Ticket) steward.Day { return t.Opened }) {
			if t.Closed > on {
				t.Closed = steward.NoDay
			}
			p.Tickets = append(p.Tickets, t)
		}
		p.Surveys = append(p.Surveys, until(a.surveys, on, func(q steward.Survey) steward.Day { return q.Day })...)
		p.Objectives = append(p.Objectives, a.objectives...)
		p.Milestones = append(p.Milestones, until(a.milestones, on, func(m steward.Milestone) steward.Day { return m.Day })...)
	}
	return p
}

// until is what had happened by a day.
func until[T any](all []T, on steward.Day, day func(T) steward.Day) []T {
	var out []T
	for _, x := range all {
		if day(x) <= on {
			out = append(out, x)
		}
	}
	return out
}

// on is the account and its contracts as the CRM has them on a day.
func (a *simulated) on(day steward.Day) (steward.Account, []steward.Contract) {
	out := a.base
	var contracts []steward.Contract
	for i, k := range a.contracts {
		if k.known > day && i > 0 {
			break
		}
		c := k.Contract
		c.Renewed = k.renewed != steward.NoDay && k.renewed <= day
		c.Cancelled = k.cancelled != steward.NoDay && k.cancelled <= day
		contracts = append(contracts, c)
		out.RenewalDate, out.ARR = c.EndDate, c.Amount
	}
	if a.nextOwner != "" && day >= a.plot.handover {
		out.Owner = a.nextOwner
	}
	if a.plot.churned != steward.NoDay && day >= a.plot.churned {
		out.Status = "churned"
	}
	if out.Status == "customer" {
		out.Stage = a.stage(day, out.RenewalDate)
	}
	return out, contracts
}

// stage is where a customer's journey stands on a day.
func (a *simulated) stage(day, renewal steward.Day) string {
	switch age := day - a.base.StartDate; {
	case a.plot.story == StalledOnboarding && !(a.plot.from == steward.NoDay && age > 200), age < 45, a.plot.story == SetupStuck && age < 60:
		return "onboarding"
	case age < 150:
		return "adoption"
	case renewal-day <= 120:
		return "renewal"
	case a.plot.story == Growing:
		return "expansion"
	default:
		return "value"
	}
}

// Series is the metrics as exports up to and including a day gave them: by
// metric and account, without the accounts that have no row. The values are
// shared with the Simulation.
func (s Simulation) Series(through steward.Day) map[string]map[steward.AccountID]series.Series {
	out := map[string]map[steward.AccountID]series.Series{}
	for m, name := range MetricNames() {
		out[name] = map[steward.AccountID]series.Series{}
		for i := range s.accounts {
			a := &s.accounts[i]
			if a.metrics[m] == nil {
				continue
			}
			whole := series.Series{Start: s.First, Values: a.metrics[m]}
			if part := whole.Cut(s.First, min(through, s.Last)); !part.IsEmpty() {
				out[name][a.base.ID] = part
			}
		}
	}
	return out
}
