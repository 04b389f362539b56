package playbooks_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"steward"
	"steward/playbooks"
)

// office hours and a small limit, on the book of a world.
func (w *world) manners(change func(*playbooks.Book)) {
	b := *w.book
	change(&b)
	w.book = &b
}

// Which findings become cards, and which are said in a digest, and of which day.
func TestWhatBecomesOfAFinding(t *testing.T) {
	tuesday, saturday, friday := six(day0+1), six(day0+5), six(day0+4)
	for name, c := range map[string]struct {
		severity, to string
		at           time.Time
		kind         steward.MessageKind
		why          steward.Reason
		due          string // in Berlin
	}{
		"a warning in the morning":     {"warning", "owner", tuesday.Time(), steward.Card, "", "2026-06-02 08:30"},
		"a warning on a Saturday":      {"warning", "owner", saturday.Time(), steward.Digest, steward.ReasonBacklog, "2026-06-08 08:45"},
		"a warning on Friday evening":  {"warning", "owner", friday.Time().Add(14 * time.Hour), steward.Digest, steward.ReasonBacklog, "2026-06-08 08:45"},
		"a warning on Tuesday evening": {"warning", "owner", tuesday.Time().Add(14 * time.Hour), steward.Card, "", "2026-06-03 08:30"},
		"critical on a Saturday":       {"critical", "owner", saturday.Time(), steward.Card, "", "2026-06-08 08:30"},
		"for information":              {"info", "owner", tuesday.Time(), steward.Digest, steward.ReasonInfo, "2026-06-02 08:45"},
		"for information, later":       {"info", "owner", tuesday.Time().Add(4 * time.Hour), steward.Digest, steward.ReasonInfo, "2026-06-03 08:45"},
		"for the manager":              {"info", "manager", tuesday.Time(), steward.Digest, steward.ReasonInfo, "2026-06-02 08:45"},
		"for a channel":                {"info", "\"#cs\"", tuesday.Time(), steward.Card, "", "2026-06-02 08:30"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: arr > 1\nbackfill: true\ncooldown: 5d\nseverity: "+c.severity+"\nsteps: [{id: say, slack: "+c.to+", message: nudge}]\n"), customer("a"))
			w.manners(func(b *playbooks.Book) { b.Hours = office })
			w.sends = false
			out := w.at(steward.SlotAt(c.at)).Decide()
			if len(out.Changes) != 1 || len(out.Changes[0].Outreach) != 1 {
				t.Fatalf("%+v", out.Changes)
			}
			change := out.Changes[0]
			o, m := change.Outreach[0], change.Messages[0]
			if m.Kind != c.kind || o.Digested != c.why || m.Due.In(berlin).Format("2006-01-02 15:04") != c.due || o.Message != m.ID {
				t.Errorf("%s, %s, due %s: %+v", m.Kind, o.Digested, m.Due.In(berlin), o)
			}
			if (len(change.Joins) == 1) != (c.kind == steward.Digest) {
				t.Fatalf("joins: %+v", change.Joins)
			}
			if c.kind == steward.Digest {
				j := change.Joins[0]
				if j.Outreach != o.ID || len(j.Into) != 3 || j.Into[0].ID != m.ID || !j.Into[0].Due.Before(j.Into[1].Due) || !j.Into[1].Due.Before(j.Into[2].Due) {
					t.Errorf("%+v", j)
				}
				for _, d := range j.Into {
					if day := d.Due.In(berlin).Weekday(); day == time.Saturday || day == time.Sunday {
						t.Errorf("a digest on %s", d.Due)
					}
				}
				if !slices.ContainsFunc(change.Records, func(r steward.Record) bool {
					return r.Reason == c.why && strings.Contains(r.Detail, "digest of") && r.Until.Equal(m.Due)
				}) {
					t.Errorf("records: %+v", change.Records)
				}
			}
		})
	}
}

// A card's findings stand by severity, then by priority.
func TestFindingsAreRanked(t *testing.T) {
	text := func(name, severity, priority string) string {
		return "playbook: " + name + "\ntitle: " + strings.ToUpper(name) + "\nwhen: arr > 1\nbackfill: true\ncooldown: 5d\nseverity: " + severity + "\n" + priority + "steps: [{id: say, slack: owner, message: nudge}]\n"
	}
	w := newWorld(t, load(t, settings(), nil, text("a-low", "warning", "priority: 1\n"), text("b-none", "warning", ""), text("c-high", "warning", "priority: arr\n"), text("d-fire", "critical", "priority: 0\n")), customer("a"))
	w.sends = false
	out := w.at(six(day0 + 1)).Decide()
	c := out.Changes[0]
	if len(c.Messages) != 1 {
		t.Fatalf("%d messages, want one card", len(c.Messages))
	}
	content, err := w.at(six(day0+1)).Compose(c.Messages[0], c.Outreach, c.Enrolments)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, p := range content.Parts {
		order = append(order, p.Title)
	}
	if !slices.Equal(order, []string{"D-FIRE", "C-HIGH", "A-LOW", "B-NONE"}) || content.Severity != "critical" {
		t.Errorf("%s: %v", content.Severity, order)
	}
}

// A card that goes without a finding leaves it on a card of its own, until what
// keeps it back has passed.
func TestWhatACardGoesWithoutIsNotLost(t *testing.T) {
	text := func(name string) string {
		return "playbook: " + name + "\nwhen: arr > 1\nbackfill: true\ncooldown: 5d\nsteps: [{id: say, slack: owner, message: nudge, expires: 2d}]\n"
	}
	w := newWorld(t, load(t, settings(), nil, text("one"), text("two"), text("three")), customer("a"))
	w.sends = false
	w.run(day0 + 1)
	slot := six(day0 + 1)
	var d steward.Dossier
	for _, name := range []string{"one", "two", "three"} {
		e := w.must(name, "a")
		o := w.memory.Outreach[e.ID][0]
		d.Message = w.memory.Messages[o.Message]
		if name == "three" {
			e.State, e.Reason = steward.Exited, steward.ReasonExitWhen
		}
		d.Outreach, d.Enrolments, d.Phases = append(d.Outreach, o), append(d.Enrolments, e), append(d.Phases, w.phase(name, "a"))
	}
	w.memory.Silences = []steward.Silence{{ID: 1, Playbook: "two", From: slot.Time(), Until: slot.Time().Add(72 * time.Hour), Because: "x", By: "lee"}}
	j := w.at(slot).Judge(d)
	if !j.Passes() || len(j.Carried) != 1 || j.Carried[0].Playbook != "one" || len(j.LeftOut) != 1 || j.LeftOut[0].Playbook != "three" || len(j.Moves) != 1 {
		t.Fatalf("%+v", j)
	}
	mv := j.Moves[0]
	apart := mv.Into[0]
	if mv.Outreach != d.Outreach[1].ID || mv.Digested != "" || apart.ID == d.Message.ID || apart.State != steward.Deferred || !apart.Due.Equal(slot.Time().Add(72*time.Hour)) {
		t.Errorf("%+v", mv)
	}
	if want := d.Message.Expires.Add(72 * time.Hour); !apart.Expires.Equal(want) {
		t.Errorf("it expires %s, want %s: what is silenced does not grow old", apart.Expires, want)
	}
	// A card that may have arrived stays as it was.
	d.Doubt = slot.Time()
	if j := w.at(slot).Judge(d); !j.Passes() || len(j.Moves) != 0 || len(j.LeftOut) != 0 {
		t.Errorf("in doubt: %+v", j)
	}
}

// Customers are written to by the account's own clock and holidays, where fields
// say them.
func TestHoursOfACustomer(t *testing.T) {
	s := settings()
	s.Fields = append(s.Fields, steward.FieldSpec{Name: "zone", Kind: steward.TextKind}, steward.FieldSpec{Name: "country", Kind: steward.TextKind})
	for name, c := range map[string]struct {
		zone, country string
		until         string // in UTC; "" goes
	}{
		"the owner's":                 {"", "", "2026-06-02 06:30"},
		"further east":                {"Asia/Kolkata", "", ""},
		"further west":                {"America/New_York", "", "2026-06-02 12:30"},
		"a zone that is none":         {"Mars/Phobos", "", "2026-06-02 06:30"},
		"a holiday there":             {"Asia/Kolkata", "XX", "2026-06-03 03:00"},
		"a country that nobody knows": {"Asia/Kolkata", "ZZ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := passing(t)
			b := load(t, s, nil, g.book.Playbooks[0].Text, g.book.Playbooks[1].Text)
			b.Hours = office
			b.Hours.Elsewhere = func(code string) func(steward.Day) bool {
				if code != "XX" {
					return nil
				}
				return func(d steward.Day) bool { return d == day0+1 }
			}
			g.book = b
			g.Accounts[0].More["zone"], g.Accounts[0].More["country"] = steward.Str(c.zone), steward.Str(c.country)
			d := g.decide() // 05:00 UTC on Tuesday
			got := ""
			if !d.Passes() && d.Reason == steward.ReasonOutsideHours {
				got = d.Until.UTC().Format("2006-01-02 15:04")
			}
			if got != c.until {
				t.Errorf("%+v, want %q", d, c.until)
			}
		})
	}
}

// What is for a digest follows the account to its next owner, and their digest.
func TestADigestsItemIsHandedOver(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: arr > 1\nbackfill: true\ncooldown: 5d\nseverity: info\nsteps: [{id: say, slack: owner, message: nudge}]\n"), customer("a"))
	w.sends = false
	w.run(day0 + 1)
	w.Accounts[0].Owner = "sam"
	e := w.must("p", "a")
	p := w.at(six(day0+1), six(day0+1).Time().Add(time.Hour)).Advance(e, w.phase("p", "a"))
	if len(p.HandOvers) != 1 || len(p.Messages) != 1 || p.Messages[0].Kind != steward.Digest || p.Messages[0].To.Owner != "sam" || p.HandOvers[0].Message != p.Messages[0].ID {
		t.Errorf("%+v, %+v", p.HandOvers, p.Messages)
	}
}
