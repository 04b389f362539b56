package playbooks_test

import (
	"strings"
	"testing"
	"time"

	"steward"
	"steward/playbooks"
)

// manners changes the book of a gate's world.
func (g *atGate) manners(change func(*playbooks.Book)) {
	b := *g.book
	change(&b)
	g.book = &b
}

var office = steward.Hours{Days: [7]bool{1: true, 2: true, 3: true, 4: true, 5: true}, From: 8*time.Hour + 30*time.Minute, To: 17 * time.Hour}

func TestWordsWaitForWorkingHours(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*atGate)
		until  string // in Berlin; empty: it goes
	}{
		"no hours are set":     {func(*atGate) {}, ""},
		"seven in the morning": {func(g *atGate) { g.manners(func(b *playbooks.Book) { b.Hours = office }) }, "2026-06-02 08:30"},
		"the owner's zone is ahead, and theirs": {func(g *atGate) {
			g.manners(func(b *playbooks.Book) { b.Hours = office })
			g.Accounts[0].Owner = "far"
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := passing(t)
			kolkata, err := time.LoadLocation("Asia/Kolkata")
			if err != nil {
				t.Fatal(err)
			}
			s := settings()
			s.Owners = append(s.Owners, steward.Owner{ID: "far", Name: "Far Away", Slack: "U9", Zone: kolkata})
			g.book = load(t, s, nil, g.book.Playbooks[0].Text)
			c.change(g)
			d := g.decide() // seven in the morning in Berlin
			if c.until == "" {
				if !d.Passes() {
					t.Fatalf("%+v, want it to go", d)
				}
				return
			}
			if d.Reason != steward.ReasonOutsideHours || d.Until.In(berlin).Format("2006-01-02 15:04") != c.until || !strings.Contains(d.Detail, "outside working hours") {
				t.Errorf("%+v, want until %s", d, c.until)
			}
		})
	}
}

func TestMailWaitsAfterATouch(t *testing.T) {
	g := passing(t)
	g.manners(func(b *playbooks.Book) { b.Limits.AfterTouch = 7 })
	g.Touches = []steward.Touch{{ID: "t1", Account: "a", Day: day0 - 3}, {ID: "t2", Account: "b", Day: day0}, {ID: "t3", Account: "a", Day: day0 + 30}}
	d := g.decide()
	if want := (day0 + 4).Start(berlin); d.Reason != steward.ReasonTouchedLately || !d.Until.Equal(want) {
		t.Errorf("%+v, want it put off until %v", d, want)
	}
	g.c.Outreach.To = steward.Recipient{Key: "owner", Owner: "dana", Slack: "U1"}
	if d := g.decide(); !d.Passes() {
		t.Errorf("a card among ourselves: %+v", d)
	}
}

func TestPlaces(t *testing.T) {
	g := passing(t)
	week := 7 * 24 * time.Hour
	g.manners(func(b *playbooks.Book) {
		b.Limits = steward.Limits{Owner: steward.Cap{Most: 5, Daily: true, Words: "5 cards a day"}, Address: steward.Cap{Most: 1, Window: week}, Account: steward.Cap{Most: 3, Window: week}}
		b.Hours = office
	})
	now := six(day0 + 1).Time().Add(time.Hour)
	s := g.at(six(day0+1), now)
	card := steward.Message{Kind: steward.Card, To: steward.Recipient{Key: "owner", Owner: "dana"}, Account: "a"}
	got := s.Places(card, []steward.Outreach{{Severity: "warning"}})
	if len(got) != 1 || got[0].Kind != steward.OwnerPlace || got[0].Key != "dana" || got[0].Most != 5 || !got[0].Since.Equal((day0 + 1).Start(berlin)) ||
		got[0].Until.In(berlin).Format("2006-01-02 15:04") != "2026-06-03 08:30" {
		t.Errorf("of a card: %+v", got)
	}
	if got := s.Places(card, []steward.Outreach{{Severity: "warning"}, {Severity: "critical"}}); got != nil {
		t.Errorf("a critical card takes %+v", got)
	}
	mail := steward.Message{Kind: steward.Mail, To: steward.Recipient{Key: "role:champion", Contact: "ct-a", Email: "Kim@A.example"}, Account: "a"}
	got = s.Places(mail, nil)
	if len(got) != 2 || got[0].Key != "kim@a.example" || got[1].Kind != steward.AccountPlace || !got[1].Since.Equal(now.Add(-week)) || got[1].Until != (time.Time{}) {
		t.Errorf("of a mail: %+v", got)
	}
	pool := steward.Message{Kind: steward.Card, Channel: steward.Slack, To: steward.Recipient{Key: "owner", Owner: "pool", Slack: "#cs-smb"}, Account: "a"}
	if got := s.Places(pool, []steward.Outreach{{Severity: "warning"}}); got != nil {
		t.Errorf("of a pool's card: %+v", got)
	}
	s.Book.Limits.Rate = steward.Cap{Most: 30, Window: time.Minute, Words: "30 a minute"}
	if got := s.Places(pool, []steward.Outreach{{Severity: "critical"}}); len(got) != 1 || got[0].Kind != steward.RatePlace || got[0].Key != "slack" || got[0].Most != 30 || !got[0].Since.Equal(now.Add(-time.Minute)) {
		t.Errorf("of anything, by its channel: %+v", got)
	}
	s.Book.Limits.Rate = steward.Cap{}
	if got := s.Places(steward.Message{Kind: steward.Notice, To: steward.Recipient{Slack: "#ops"}}, nil); got != nil {
		t.Errorf("of a notice: %+v", got)
	}
}
