package facts_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"steward"
	"steward/facts"
	"steward/series"
)

// largePortfolio is accounts with 400 days of a count and of a weekly gauge.
func largePortfolio(b *testing.B, accounts int) facts.Input {
	r := rand.New(rand.NewPCG(1, 2))
	end := day(b, "2026-03-10")
	count := facts.Metric{Spec: steward.MetricSpec{Name: "logins", Kind: steward.Count}, Through: end,
		Series: make(map[steward.AccountID]series.Series, accounts)}
	gauge := facts.Metric{Spec: steward.MetricSpec{Name: "users", Kind: steward.Gauge, StaleAfter: 10}, Through: end,
		Series: make(map[steward.AccountID]series.Series, accounts)}
	in := facts.Input{Slot: slotAt(b, "2026-03-11T06:00:00Z"), Zone: time.UTC}
	for i := range accounts {
		a := account(fmt.Sprintf("account-%06d", i), steward.NoDay)
		a.Segment = []string{"smb", "mid-market", "enterprise"}[i%3]
		in.Portfolio.Accounts = append(in.Portfolio.Accounts, a)
		logins, users := make([]float64, 400), make([]float64, 400)
		for d := range logins {
			logins[d], users[d] = float64(r.IntN(60)), none
			if d%7 == 0 {
				users[d] = float64(r.IntN(90))
			}
		}
		count.Series[a.ID] = seriesOf(b, end-399, logins...)
		gauge.Series[a.ID] = seriesOf(b, end-399, users...)
	}
	in.Metrics = []facts.Metric{count, gauge}
	return in
}

// BenchmarkWindow is one window for every account, on a frame that has read
// its series before: what each further condition costs.
func BenchmarkWindow(b *testing.B) {
	const accounts = 20_000
	frame := facts.At(largePortfolio(b, accounts))
	view := frame.View(steward.AboutAccount)
	for _, c := range []struct {
		fn     facts.Fn
		metric string
		w      int
	}{
		{facts.Avg, "logins", 14}, {facts.Avg, "logins", 90}, {facts.Min, "logins", 14}, {facts.ActiveDays, "logins", 28},
		{facts.QuietDays, "logins", 0}, {facts.Avg, "users", 14}, {facts.Last, "users", 0},
		{facts.Trend, "logins", 28}, {facts.Trend, "logins", 90}, {facts.Unusual, "logins", 7},
	} {
		b.Run(fmt.Sprintf("%s-%s-%dd", c.fn, c.metric, c.w), func(b *testing.B) {
			shift := 0
			for b.Loop() {
				// Another shift each time, since a window asked for again costs nothing;
				// a year of them, then a new frame.
				if shift++; shift == 300 {
					b.StopTimer()
					frame = facts.At(largePortfolio(b, accounts))
					view = frame.View(steward.AboutAccount)
					view.Window(c.fn, c.metric, c.w, 0)
					shift = 1
					b.StartTimer()
				}
				view.Window(c.fn, c.metric, c.w, shift)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/accounts, "ns/account")
		})
	}
}

// BenchmarkPeers is every account beside its segment.
func BenchmarkPeers(b *testing.B) {
	const accounts = 20_000
	frame := facts.At(largePortfolio(b, accounts))
	frame.View(steward.AboutAccount).VsPeers("logins", 14, 14, 0)
	shift := 0
	for b.Loop() {
		if shift++; shift == 300 { // as in BenchmarkWindow
			b.StopTimer()
			frame, shift = facts.At(largePortfolio(b, accounts)), 1
			frame.View(steward.AboutAccount).VsPeers("logins", 14, 14, 0)
			b.StartTimer()
		}
		frame.View(steward.AboutAccount).VsPeers("logins", 14, 14, shift)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/accounts, "ns/account")
}

// BenchmarkAsk is one question for every account, each with a few people,
// touches and tickets.
func BenchmarkAsk(b *testing.B) {
	const accounts = 20_000
	in := largePortfolio(b, accounts)
	today := day(b, "2026-03-11")
	in.Portfolio.History = steward.History{}
	for i := range in.Portfolio.Accounts {
		id := in.Portfolio.Accounts[i].ID
		in.Portfolio.History[steward.HistoryKey{Kind: steward.AboutAccount, ID: string(id)}] = steward.Past{Since: today - 300,
			Changes: []steward.FieldChange{{Field: "owner", Day: today - 300, Value: steward.Str("a")}, {Field: "owner", Day: today - 40, Value: steward.Str("b")}}}
		for n := range 4 {
			who := fmt.Sprint(id, "-", n)
			in.Portfolio.Contacts = append(in.Portfolio.Contacts, steward.Contact{ID: steward.ContactID(who), Account: id, Roles: []string{"champion"}, LastSeen: today - 90})
			in.Portfolio.History[steward.HistoryKey{Kind: steward.AboutContact, ID: who}] = steward.Past{Since: today - 300}
			in.Portfolio.Touches = append(in.Portfolio.Touches, steward.Touch{ID: who, Account: id, Contact: steward.ContactID(who), Day: today - steward.Day(n*30), Kind: "call"})
			in.Portfolio.Tickets = append(in.Portfolio.Tickets, steward.Ticket{ID: who, Account: id, Priority: "urgent", Opened: today - 5, Closed: steward.NoDay})
		}
	}
	for _, c := range []struct {
		q     facts.Question
		shift int
	}{
		{facts.Question{Ask: "tickets", Text: "urgent"}, 0}, {facts.Question{Ask: "people", Text: "champion"}, 0}, {facts.Question{Ask: "people", Text: "champion"}, 30},
		{facts.Question{Ask: "engaged", Text: "champion", Days: 28}, 0}, {facts.Question{Ask: "days_since_touch", Text: "champion"}, 0}, {facts.Question{Ask: "changed", Text: "owner", Days: 30}, 0},
	} {
		b.Run(fmt.Sprintf("%s-%d", c.q.Ask, c.shift), func(b *testing.B) {
			for b.Loop() {
				facts.At(in).View(steward.AboutAccount).Ask(c.q, c.shift) // a new frame: asked again it costs nothing
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/accounts, "ns/account")
		})
	}
}

// BenchmarkWindowAt is the same window of one account by definition.
func BenchmarkWindowAt(b *testing.B) {
	view := facts.At(largePortfolio(b, 1_000)).View(steward.AboutAccount)
	row := 0
	for b.Loop() {
		view.WindowAt(row, facts.Avg, "logins", 14, 0)
		row = (row + 1) % view.Len()
	}
}

// BenchmarkFrame is a whole new frame as an evaluation makes it: eight windows
// and two fields over both metrics.
func BenchmarkFrame(b *testing.B) {
	for _, accounts := range []int{20_000, 100_000} {
		in := largePortfolio(b, accounts)
		b.Run(fmt.Sprint(accounts), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				view := facts.At(in).View(steward.AboutAccount)
				for _, shift := range []int{0, 14} {
					view.Window(facts.Avg, "logins", 14, shift)
					view.Window(facts.ActiveDays, "logins", 28, shift)
					view.Window(facts.QuietDays, "logins", 0, shift)
					view.Window(facts.Avg, "users", 14, shift)
				}
				view.Field("segment", 0)
				view.Field("arr", 0)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(accounts), "ns/account")
		})
	}
}
