package facts_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"steward"
	"steward/facts"
	"steward/series"
)

// relations is acme with all that can hang on an account, as of 11 March 2026,
// and bolt with nothing; what was is recorded since 1 February.
func relations(t *testing.T) facts.Input {
	t.Helper()
	d := func(s string) steward.Day { return day(t, s) }
	acme, bolt := account("acme", d("2025-01-10")), account("bolt", d("2025-01-10"))
	acme.Owner, acme.Segment, acme.More = "sam", "smb", map[string]steward.Value{"seats": steward.Num(40)}
	since := d("2026-02-01")
	past := func(changes ...steward.FieldChange) steward.Past { return steward.Past{Since: since, Changes: changes} }
	became := func(field, day string, x steward.Value) steward.FieldChange {
		return steward.FieldChange{Field: field, Day: d(day), Value: x}
	}
	contact := func(id string) steward.HistoryKey { return steward.HistoryKey{Kind: steward.AboutContact, ID: id} }
	person := func(id string, seen steward.Day, roles ...string) steward.Contact {
		return steward.Contact{ID: steward.ContactID(id), Account: "acme", Roles: roles, LastSeen: seen}
	}
	metric := func(name, feature string, kind steward.MetricKind, values ...float64) facts.Metric {
		return facts.Metric{Spec: steward.MetricSpec{Name: name, Kind: kind, Feature: feature, StaleAfter: 10}, Through: d("2026-03-10"),
			Series: map[steward.AccountID]series.Series{"acme": seriesOf(t, d("2026-03-10")-steward.Day(len(values))+1, values...)}}
	}
	return facts.Input{
		Slot: slotAt(t, "2026-03-11T06:00:00Z"), Zone: time.UTC,
		Fields: []steward.FieldSpec{{Name: "seats", Kind: steward.NumberKind}, {Name: "pilot", Kind: steward.FlagKind}},
		Metrics: []facts.Metric{
			metric("reports", "reporting", steward.Count, slices.Concat(slices.Repeat([]float64{0}, 30), []float64{3, 0, 0, 0, 0, 0, 0, 0, 0, 0})...),
			metric("exports", "Exporting", steward.Count, slices.Repeat([]float64{0}, 40)...),
			metric("active_users", "", steward.Gauge, slices.Repeat([]float64{30}, 40)...),
		},
		Portfolio: steward.Portfolio{
			Accounts: []steward.Account{acme, bolt},
			Contacts: []steward.Contact{
				person("ann", d("2026-03-08"), "Champion", "admin"),
				person("bea", steward.NoDay, "economic_buyer"),
				person("new", d("2026-03-10"), "champion"),
			},
			Gone: []steward.Contact{person("old", d("2026-02-10"), "champion")},
			Products: []steward.Product{
				{ID: "p1", Account: "acme", Name: "Suite", Seats: steward.Num(60), StartDate: d("2025-01-10"), EndDate: steward.NoDay, Features: []string{"reporting", "telepathy"}},
				{ID: "p2", Account: "acme", Name: "Old", StartDate: d("2024-01-10"), EndDate: d("2026-02-28"), Features: []string{"exporting"}},
			},
			Touches: []steward.Touch{
				{ID: "t1", Account: "acme", Contact: "ann", Day: d("2026-03-01"), Kind: "call"},
				{ID: "t2", Account: "acme", Day: d("2026-03-05"), Kind: "email"},
				{ID: "t3", Account: "acme", Contact: "bea", Day: d("2026-01-20"), Kind: "meeting"},
				{ID: "t4", Account: "acme", Contact: "bea", Day: d("2026-03-10"), Kind: "note"},
				{ID: "t5", Account: "acme", Contact: "bea", Day: d("2026-04-01"), Kind: "meeting"},
				{ID: "t6", Account: "acme", Contact: "old", Day: d("2026-02-12"), Kind: "call"},
			},
			Tickets: []steward.Ticket{
				{ID: "1", Account: "acme", Priority: "p1", Opened: d("2026-03-09"), Closed: steward.NoDay},
				{ID: "2", Account: "acme", Priority: "low", Opened: d("2026-02-01"), Closed: d("2026-03-02")},
				{ID: "3", Account: "acme", Priority: "Low", Opened: d("2026-03-01"), Closed: steward.NoDay},
			},
			Surveys: []steward.Survey{
				{ID: "1", Account: "acme", Contact: "ann", Kind: steward.NPS, Day: d("2025-06-01"), Score: 3},
				{ID: "2", Account: "acme", Contact: "ann", Kind: steward.NPS, Day: d("2026-03-02"), Score: 9},
				{ID: "3", Account: "acme", Contact: "bea", Kind: steward.NPS, Day: d("2026-01-02"), Score: 6},
				{ID: "4", Account: "acme", Kind: steward.NPS, Day: d("2026-01-02"), Score: 8},
				{ID: "5", Account: "acme", Contact: "bea", Kind: steward.CSAT, Day: d("2026-03-02"), Score: 4},
				{ID: "6", Account: "acme", Contact: "ann", Kind: steward.CSAT, Day: d("2026-02-02"), Score: 3},
			},
			Objectives: []steward.Objective{
				{ID: "1", Account: "acme", Name: "reports", Metric: "reports", Baseline: steward.Num(0), Target: steward.Num(1), Due: d("2026-01-01")},
				{ID: "2", Account: "acme", Name: "reports", Metric: "active_users", Baseline: steward.Num(20), Target: steward.Num(40), Due: d("2026-06-30")},
				{ID: "3", Account: "acme", Name: "odd", Metric: "reports", Baseline: steward.Num(1), Target: steward.Num(1), Due: steward.NoDay},
				{ID: "4", Account: "acme", Name: "daily", Metric: "reports", Baseline: steward.Num(0), Target: steward.Num(3.0 / 14), Due: steward.NoDay},
				{ID: "5", Account: "acme", Name: "bare", Metric: "reports", Due: d("2026-06-30")},
			},
			History: steward.History{
				{Kind: steward.AboutAccount, ID: "acme"}: past(
					became("owner", "2026-02-01", steward.Str("dana")), became("owner", "2026-03-03", steward.Str("sam")),
					became("segment", "2026-02-01", steward.Value{}), became("segment", "2026-02-20", steward.Str("smb")),
					became("pilot", "2026-02-01", steward.Bool(true)), became("pilot", "2026-02-05", steward.Value{})),
				{Kind: steward.AboutAccount, ID: "bolt"}: {Since: d("2026-03-04")},
				contact("ann"):                           past(became("role", "2026-02-01", steward.Str("admin")), became("role", "2026-03-01", steward.Str("Champion, admin"))),
				contact("bea"):                           past(),
				contact("new"):                           {Since: d("2026-03-09")},
				contact("old"):                           past(became("role", "2026-02-01", steward.Str("champion")), became("role", "2026-03-09", steward.Value{})),
				{Kind: steward.AboutProduct, ID: "p1"}:   past(),
				{Kind: steward.AboutProduct, ID: "p2"}:   past(),
			},
			Dealings: map[steward.AccountID]steward.Dealings{"acme": {
				Fired:  map[steward.PlaybookName][]steward.Day{"login-drop": {d("2026-02-01"), d("2026-03-01")}},
				Mailed: map[steward.ContactID][]steward.Day{"ann": {d("2026-03-04")}},
			}},
		},
	}
}

func ask(name, text string, days int) facts.Question {
	return facts.Question{Ask: name, Text: text, Days: days}
}

// asked holds a question's answer over a column to that of the one row.
func asked(t *testing.T, v *facts.View, row int, q facts.Question, shift int) steward.Value {
	t.Helper()
	got, one := v.Ask(q, shift).Value(row), v.AskAt(row, q, shift)
	if !same(got, one) {
		t.Errorf("%v %d days ago of %s: over the column %v, alone %v", q, shift, v.Subject(row), got, one)
	}
	if why := v.WhyAsk(row, q, shift); one.Known != (why == "") {
		t.Errorf("%v %d days ago of %s is %v, because %q", q, shift, v.Subject(row), one, why)
	}
	return one
}

// Whoever replied is engaged, and nobody of us touched them by it.
func TestRepliesEngage(t *testing.T) {
	d := func(s string) steward.Day { return day(t, s) }
	in := relations(t)
	of := in.Portfolio.Dealings["acme"]
	of.Replied = map[steward.ContactID][]steward.Day{"bea": {d("2026-02-20")}}
	in.Portfolio.Dealings["acme"] = of
	in.Portfolio.Surveys = nil
	in.Portfolio.Touches = append(in.Portfolio.Touches, steward.Touch{ID: "t7", Account: "acme", Contact: "bea", Day: d("2026-03-09"), Kind: steward.TouchReply})
	v := facts.At(in).View(steward.AboutAccount)
	row, _ := v.Row("acme")
	for _, c := range []struct {
		q     facts.Question
		shift int
		want  string
	}{
		{ask("engaged", "economic_buyer", 14), 0, "1"},  // in the CRM
		{ask("engaged", "economic_buyer", 14), 5, "0"},  // neither
		{ask("engaged", "economic_buyer", 14), 14, "1"}, // to a mail of ours
		{ask("touches", "economic_buyer", 14), 0, "0"},
		{ask("days_since_touch", "economic_buyer", 0), 0, "50d"},
	} {
		if got := asked(t, v, row, c.q, c.shift); got.String() != c.want {
			t.Errorf("%v %d days ago: %s, want %s", c.q, c.shift, got, c.want)
		}
	}
}

func TestQuestions(t *testing.T) {
	frame := facts.At(relations(t))
	for _, c := range []struct {
		about   steward.SubjectKind
		subject string
		q       facts.Question
		want    string // at shifts 0, 5 (6 March), 10 (1 March), 30 (9 February)
	}{
		{"", "acme", ask("people", "champion", 0), "2 2 2 1"}, // on 6 and 1 March ann and old, on 9 February old alone
		{"", "acme", ask("people", "ADMIN", 0), "1 1 1 1"},
		{"", "acme", ask("people", "legal", 0), "0 0 0 0"},
		{"", "bolt", ask("people", "champion", 0), "0 0 0 0"},
		// old used the product on 10 February, which is not recorded day by day.
		{"", "acme", ask("engaged", "champion", 14), "2 1 1 unknown"},
		{"", "acme", ask("engaged", "economic_buyer", 14), "1 1 0 0"}, // a survey on 2 March
		{"", "acme", ask("touches", "champion", 28), "1 2 2 0"},
		{"", "acme", ask("touches", "Economic buyer", 90), "1 1 1 1"}, // neither a note nor a meeting to come
		{"", "acme", ask("days_since_touch", "", 0), "6d 1d 0d 20d"},
		{"", "acme", ask("days_since_touch", "economic_buyer", 0), "50d 45d 40d 20d"},
		{"", "acme", ask("days_since_touch", "admin", 0), "10d 5d 0d unknown"},
		{"", "bolt", ask("days_since_touch", "", 0), "unknown unknown unknown unknown"},
		{"", "acme", ask("nps", "", 0), "0 0 -66.6667 -66.6667"}, // before 2 March ann's older answer counts
		{"", "acme", ask("nps", "champion", 0), "100 100 -100 unknown"},
		{"", "bolt", ask("nps", "", 0), "unknown unknown unknown unknown"},
		{"", "acme", ask("csat", "", 60), "0.5 0.5 0 0"},
		{"", "acme", ask("csat", "", 28), "1 1 0 0"},
		{"", "acme", ask("tickets", "open", 0), "2 1 2 1"},
		{"", "acme", ask("tickets", "urgent", 0), "1 0 0 0"},
		{"", "acme", ask("tickets", "low", 0), "1 1 2 1"},
		{"", "bolt", ask("tickets", "open", 0), "0 0 0 0"},
		{"", "acme", ask("oldest_ticket", "", 0), "10d 5d 28d 8d"},
		{"", "bolt", ask("oldest_ticket", "", 0), "0d 0d 0d 0d"},
		{"", "acme", ask("changed", "owner", 14), "true true false unknown"},
		{"", "acme", ask("changed", "owner", 8), "false true false false"}, // on 9 February the 8 days begin on the 2nd
		{"", "acme", ask("changed", "segment", 30), "true true true unknown"},
		{"", "acme", ask("changed", "arr", 28), "false false false unknown"},
		{"", "acme", ask("changed", "pilot", 7), "false false false true"},
		{"", "bolt", ask("changed", "owner", 7), "false unknown unknown unknown"},
		{"", "acme", ask("days_since_change", "owner", 0), "8d 3d unknown unknown"},
		{"", "acme", ask("days_since_change", "segment", 0), "19d 14d 9d unknown"},
		{"", "acme", ask("adopted", "reporting", 10), "true true false false"},
		{"", "acme", ask("adopted", "reporting", 9), "false true false false"},
		{"", "acme", ask("adopted", "EXPORTING", 10), "false false false false"},
		{"", "acme", ask("adopted", "telepathy", 10), "unknown unknown unknown unknown"},
		{"", "acme", ask("adoption", "", 10), "1 1 0 0"}, // p2 and its exporting ended on 28 February
		{"", "bolt", ask("adoption", "", 10), "0 0 0 0"},
		{"", "acme", ask("utilization", "", 10), "0.75 0.75 0.75 0.75"},
		{"product", "p1", ask("utilization", "", 10), "0.5 0.5 0.5 0.5"},
		{"", "acme", ask("objective", "reports", 0), "0.5 0.5 0.5 0.5"},
		{"", "acme", ask("objective", "daily", 0), "0.5 0.5 0 0"},
		{"", "acme", ask("objective", "odd", 0), "unknown unknown unknown unknown"},
		{"", "acme", ask("objective", "bare", 0), "unknown unknown unknown unknown"},
		{"", "acme", ask("objective", "other", 0), "unknown unknown unknown unknown"},
		{"", "acme", ask("objective_due", "reports", 0), "2026-06-30 2026-06-30 2026-06-30 2026-06-30"},
		{"", "acme", ask("objective_due", "odd", 0), "unknown unknown unknown unknown"},
		{"", "acme", ask("fired", "login-drop", 14), "true true true true"},
		{"", "acme", ask("fired", "login-drop", 10), "false true true true"},
		{"", "acme", ask("fired", "other", 90), "false false false false"},
		{"", "acme", ask("mailed", "", 14), "true true false false"},
		{"", "bolt", ask("mailed", "", 14), "false false false false"},
		{"contact", "ann", ask("mailed", "", 14), "true true false false"},
		{"contact", "bea", ask("mailed", "", 14), "false false false false"},
		{"contact", "bea", ask("people", "champion", 0), "2 2 2 1"},
		{"contact", "ann", ask("changed", "role", 14), "true true true unknown"},
		{"", "acme", ask("reached", "kickoff", 0), "unknown unknown unknown unknown"}, // nothing has rules here
	} {
		if c.about == "" {
			c.about = steward.AboutAccount
		}
		view := frame.View(c.about)
		row, ok := view.Row(c.subject)
		if !ok {
			t.Fatalf("no %s %s", c.about, c.subject)
		}
		var got []string
		for _, shift := range []int{0, 5, 10, 30} {
			got = append(got, asked(t, view, row, c.q, shift).String())
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%v of %s %s: %s, want %s", c.q, c.about, c.subject, got, c.want)
		}
	}
}

func TestWhyQuestionsAreUnknown(t *testing.T) {
	frame := facts.At(relations(t))
	in := relations(t)
	in.Portfolio.Kinds, in.Portfolio.Dealings, in.Portfolio.History = map[string]bool{}, nil, nil
	for i := range in.Metrics {
		in.Metrics[i].Stale = true
	}
	bare := facts.At(in)
	for _, c := range []struct {
		frame *facts.Frame
		id    string
		q     facts.Question
		shift int
		want  string
	}{
		{bare, "acme", ask("tickets", "open", 0), 0, "no source feeds tickets: add a file, such as tickets: tickets.csv, to a source in steward.yaml"},
		{bare, "acme", ask("people", "champion", 0), 0, "no source feeds contacts: add a file, such as contacts: contacts.csv, to a source in steward.yaml"},
		{bare, "acme", ask("touches", "champion", 7), 0, "no source feeds touches: add a file, such as touches: touches.csv, to a source in steward.yaml"},
		{bare, "acme", ask("nps", "", 0), 0, "no source feeds surveys: add a file, such as surveys: surveys.csv, to a source in steward.yaml"},
		{bare, "acme", ask("objective", "reports", 0), 0, "no source feeds objectives: add a file, such as objectives: objectives.csv, to a source in steward.yaml"},
		{bare, "acme", ask("fired", "login-drop", 7), 0, "what was opened and mailed before is not at hand"},
		{bare, "acme", ask("adopted", "reporting", 7), 0, "the source of reports is stale: its last complete day is 2026-03-10"},
		{bare, "acme", ask("adoption", "", 7), 0, "the source of reports is stale: its last complete day is 2026-03-10"},
		{bare, "acme", ask("utilization", "", 7), 0, "the source of active_users is stale: its last complete day is 2026-03-10"},
		{bare, "acme", ask("days_since_change", "owner", 0), 0, "no change of owner is recorded"},
		{frame, "acme", ask("people", "champion", 0), 60, "who was at this account is recorded from 2026-02-01 on; this is known from 2026-04-02 on"},
		{frame, "acme", ask("engaged", "champion", 14), 30, "somebody used the product after 2026-02-09, and when they last had by then is not recorded"},
		{frame, "acme", ask("changed", "start_date", 60), 0, "what start date was is recorded from 2026-02-01 on; this is known from 2026-04-02 on"},
		{frame, "acme", ask("days_since_change", "start_date", 0), 0, "no change of start date is recorded since 2026-02-01"},
		{frame, "bolt", ask("utilization", "", 1), 0, "active_users has no value for this account up to 2026-03-10"},
		{frame, "bolt", ask("days_since_touch", "", 0), 0, "no touch with this account is recorded"},
		{frame, "bolt", ask("days_since_touch", "economic_buyer", 0), 0, "no touch with somebody who is economic buyer is recorded"},
		{frame, "bolt", ask("csat", "", 30), 0, "nobody answered a survey of that kind in the 30 days to 2026-03-11"},
		{frame, "acme", ask("adopted", "telepathy", 7), 0, "no metric says that it is use of telepathy"},
		{frame, "acme", ask("objective", "other", 0), 0, "the account has no objective 'other'"},
		{frame, "acme", ask("objective", "odd", 0), 0, "the objective 'odd' has a target that is its baseline"},
		{frame, "acme", ask("objective", "bare", 0), 0, "the objective 'bare' lacks its baseline or its target"},
		{frame, "acme", ask("objective_due", "odd", 0), 0, "the objective 'odd' has no due date"},
		{frame, "acme", ask("health_of", "usage", 0), 0, "nothing in this workspace tells health_of"},
	} {
		view := c.frame.View(steward.AboutAccount)
		row, _ := view.Row(c.id)
		if got := view.WhyAsk(row, c.q, c.shift); got != c.want {
			t.Errorf("%v of %s:\ngot  %s\nwant %s", c.q, c.id, got, c.want)
		}
	}
}

// A past that is played day by day: what fields and people were is what they
// were, as far back as it is recorded, and unknown before.
func TestThePastIsWhatItWas(t *testing.T) {
	const days = 30
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		today := steward.Day(20_500)
		first := today - days
		since := first + steward.Day(r.IntN(days/2))
		segments, roles := []string{"", "a", "b"}, []string{"", "champion", "admin, champion"}
		type snapshot struct {
			segment string
			role    map[string]string // of people who are there
		}
		var was [days + 1]snapshot
		now := snapshot{segments[r.IntN(3)], map[string]string{}}
		history := steward.History{}
		note := func(key steward.HistoryKey, field, value string, d steward.Day) {
			if d < since {
				return
			}
			p, ok := history[key]
			if !ok {
				p.Since = d
			}
			x := steward.Value{Kind: steward.TextKind, Known: value != "", Text: value}
			if len(p.Changes) == 0 || p.Changes[len(p.Changes)-1].Value != x {
				p.Changes = append(p.Changes, steward.FieldChange{Field: field, Day: d, Value: x})
			}
			history[key] = p
		}
		for i := range was {
			d := first + steward.Day(i)
			if r.IntN(6) == 0 {
				now.segment = segments[r.IntN(3)]
			}
			next := map[string]string{}
			for who := range 4 {
				id := fmt.Sprint("c", who)
				role, here := now.role[id]
				if here != (r.IntN(8) == 0) { // arrives or stays
					if !here || r.IntN(8) == 0 {
						role = roles[r.IntN(3)]
					}
					next[id] = role
				}
			}
			now.role = next
			was[i] = snapshot{now.segment, next}
			note(steward.HistoryKey{Kind: steward.AboutAccount, ID: "a"}, "segment", now.segment, d)
			for who := range 4 {
				key := steward.HistoryKey{Kind: steward.AboutContact, ID: fmt.Sprint("c", who)}
				if role, here := next[key.ID]; here {
					note(key, "role", role, d)
				} else if _, ever := history[key]; ever {
					note(key, "role", "", d)
				}
			}
		}
		a := account("a", steward.NoDay)
		a.Segment = now.segment
		in := facts.Input{Slot: steward.SlotAt(today.Start(time.UTC).Add(6 * time.Hour)), Zone: time.UTC,
			Portfolio: steward.Portfolio{Accounts: []steward.Account{a}, History: history}}
		for who := range 4 {
			id := fmt.Sprint("c", who)
			c := steward.Contact{ID: steward.ContactID(id), Account: "a", LastSeen: steward.NoDay}
			if role, here := now.role[id]; here {
				c.Roles = strings.FieldsFunc(role, func(r rune) bool { return r == ',' || r == ' ' })
				in.Portfolio.Contacts = append(in.Portfolio.Contacts, c)
			} else {
				in.Portfolio.Gone = append(in.Portfolio.Gone, c)
			}
		}
		for key, p := range history { // only what had more than one value is kept
			if len(p.Changes) < 2 {
				p.Changes = nil
				history[key] = p
			}
		}
		view := facts.At(in).View(steward.AboutAccount)
		contacts := since + days + 1 // when people's past begins
		for key, p := range history {
			if key.Kind == steward.AboutContact {
				contacts = min(contacts, p.Since)
			}
		}
		for shift := range days + 1 {
			d, then := today-steward.Day(shift), was[days-shift]
			want := steward.Unknown(steward.TextKind)
			if d >= since && then.segment != "" {
				want = steward.Str(then.segment)
			}
			if got := view.FieldAt(0, "segment", shift); got != want || view.Field("segment", shift).Value(0) != want {
				t.Fatalf("segment on %s is %v, was %v", d, got, want)
			}
			n := 0.0
			for _, role := range then.role {
				if strings.Contains(role, "champion") {
					n++
				}
			}
			people := view.AskAt(0, ask("people", "champion", 0), shift)
			if known := shift == 0 || d >= contacts; people.Known != known || known && people.Num != n {
				t.Fatalf("champions on %s: %v, were %v (known %v)", d, people, n, known)
			}
			change := view.AskAt(0, ask("changed", "segment", 3), shift)
			turned := false
			for back := range 3 {
				if i := days - shift - back; i > 0 && d-steward.Day(back) > since {
					turned = turned || was[i].segment != was[i-1].segment
				}
			}
			switch reached := d-3 >= since; {
			case turned != (change.Known && change.Num == 1), !turned && change.Known != reached:
				t.Fatalf("changed(segment, 3d) on %s is %v; it did: %v, recorded since %s", d, change, turned, since)
			}
		}
	})
}

// Rules that answer one question each way, as playbooks' do.
type doubled struct{ column, value int }

func (*doubled) Kind(q facts.Question) (steward.Kind, bool) {
	return steward.NumberKind, q.Ask == "health" || q.Ask == "stage"
}

func (r *doubled) Column(v *facts.View, q facts.Question, shift int) facts.Column {
	r.column++
	c := facts.Column{Kind: steward.NumberKind, Num: make([]float64, v.Len())}
	for row := range c.Num {
		c.Num[row] = r.Value(v, row, q, shift).Num
	}
	return c
}

// Value falls by one on the third day back and before.
func (r *doubled) Value(v *facts.View, row int, q facts.Question, shift int) steward.Value {
	r.value++
	if shift >= 3 {
		return steward.Num(float64(row + 1))
	}
	return steward.Num(float64(row))
}

func (*doubled) Why(*facts.View, int, facts.Question, int) string { return "because" }

// What follows from rules is a field like any other, of contracts too, and its
// changes are found by looking back.
func TestRules(t *testing.T) {
	in := relations(t)
	in.Portfolio.Contracts = []steward.Contract{{ID: "k", Account: "bolt", StartDate: steward.NoDay, EndDate: steward.NoDay, NoticeDate: steward.NoDay}}
	frame, rules := facts.At(in), &doubled{}
	frame.Follow(rules)
	contracts, accounts := frame.View(steward.AboutContract), frame.View(steward.AboutAccount)
	for range 2 {
		if got := contracts.Field("health", 0).Value(0); got != steward.Num(1) || contracts.FieldAt(0, "health", 0) != got {
			t.Errorf("health of bolt's contract is %v", got)
		}
	}
	if rules.column != 1 {
		t.Errorf("the column was made %d times", rules.column)
	}
	if kind, ok := contracts.Kind("stage"); !ok || kind != steward.NumberKind {
		t.Error("a rule does not come before a field of accounts")
	}
	for q, want := range map[facts.Question]string{
		ask("changed", "health", 2): "false", ask("changed", "health", 3): "true", ask("days_since_change", "health", 0): "2d",
	} {
		if got := asked(t, accounts, 0, q, 0).String(); got != want {
			t.Errorf("%v is %s, want %s", q, got, want)
		}
	}
	if got := asked(t, accounts, 0, ask("days_since_change", "health", 0), 3); got.Known {
		t.Errorf("without a change it is %v", got)
	}
}

func TestFamily(t *testing.T) {
	of := func(id, parent string) steward.Account {
		a := account(id, steward.NoDay)
		a.Parent = steward.AccountID(parent)
		return a
	}
	v := facts.At(facts.Input{Slot: slotAt(t, "2026-03-11T06:00:00Z"), Zone: time.UTC, Portfolio: steward.Portfolio{Accounts: []steward.Account{
		of("top", ""), of("mid", "top"), of("leaf", "mid"), of("other", "nobody"), of("self", "self"), of("x", "y"), of("y", "x"),
	}}}).View(steward.AboutAccount)
	for row, want := range []string{"[0 1 2]", "[1 2]", "[2]", "[3]", "[4]", "[5 6]", "[6 5]"} {
		if got := fmt.Sprint(v.Family(row)); got != want {
			t.Errorf("the family of %s is %s, want %s", v.Subject(row), got, want)
		}
	}
}
