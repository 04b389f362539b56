package lang_test

import (
	"strings"
	"testing"
	"time"

	"steward"
	"steward/facts"
	"steward/playbooks/lang"
	"steward/series"
)

// noon is the slot of most tests: 12 March 2026, 06:00 in Berlin.
func noon(t testing.TB) (steward.Slot, *time.Location) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return steward.SlotAt(time.Date(2026, 3, 12, 6, 0, 0, 0, zone)), zone
}

func mustSeries(t testing.TB, start steward.Day, runs ...[2]float64) series.Series {
	t.Helper()
	var b series.Builder
	d := start
	for _, run := range runs {
		for range int(run[1]) {
			b.Add(d, run[0])
			d++
		}
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// acme is a small portfolio: acme fell from 42 to 15 logins a day two weeks ago, and
// bolt is all blanks.
func acme(t testing.TB) *facts.Frame { return facts.At(acmeInput(t)) }

func acmeInput(t testing.TB) facts.Input {
	t.Helper()
	slot, zone := noon(t)
	today := slot.Day(zone)
	start := today - 100
	return facts.Input{
		Slot: slot, Zone: zone,
		Fields: []steward.FieldSpec{{Name: "seats", Kind: steward.NumberKind}, {Name: "plan", Kind: steward.TextKind}, {Name: "legal_hold", Kind: steward.FlagKind}},
		Portfolio: steward.Portfolio{
			Accounts: []steward.Account{
				{ID: "acme", Name: "Acme", Status: "customer", Segment: "enterprise", ARR: steward.Num(48000), StartDate: start,
					RenewalDate: today + 61, More: map[string]steward.Value{"seats": steward.Num(100), "plan": steward.Str("team")}},
				{ID: "bolt", StartDate: steward.NoDay, RenewalDate: steward.NoDay},
			},
			Contracts: []steward.Contract{{ID: "C-1", Account: "acme", StartDate: start, EndDate: today + 200, NoticeDate: today + 110, Amount: steward.Num(48000), Renewed: false}},
		},
		Metrics: []facts.Metric{
			{Spec: steward.MetricSpec{Name: "logins", Kind: steward.Count}, Through: today - 1,
				Series: map[steward.AccountID]series.Series{"acme": mustSeries(t, start, [2]float64{42, 86}, [2]float64{15, 14})}},
			{Spec: steward.MetricSpec{Name: "active_users", Kind: steward.Gauge, StaleAfter: 10}, Through: today - 1,
				Series: map[steward.AccountID]series.Series{"acme": mustSeries(t, start, [2]float64{12, 100})}},
		},
	}
}

// met is acme with people and what they did, as of noon, in a family with bolt.
func met(t testing.TB) *facts.Frame {
	t.Helper()
	in := acmeInput(t)
	p, today := &in.Portfolio, in.Slot.Day(in.Zone)
	p.Accounts[1].Parent = "acme"
	p.Contacts = []steward.Contact{
		{ID: "ann", Account: "acme", Name: "Ann", Roles: []string{"champion", "admin"}, LastSeen: today - 40},
		{ID: "bo", Account: "acme", Name: "Bo", Roles: []string{"economic_buyer", "admin"}, LastSeen: today - 2},
	}
	p.Products = []steward.Product{{ID: "P-1", Account: "acme", Name: "Suite", Seats: steward.Num(80), StartDate: today - 90, EndDate: steward.NoDay}}
	p.Touches = []steward.Touch{{ID: "1", Account: "acme", Contact: "bo", Day: today - 1, Kind: "call"}, {ID: "2", Account: "acme", Contact: "bo", Day: today - 41, Kind: "email"}}
	p.Tickets = []steward.Ticket{{ID: "1", Account: "acme", Priority: "urgent", Opened: today - 3, Closed: steward.NoDay}, {ID: "2", Account: "acme", Priority: "p1", Opened: today - 12, Closed: steward.NoDay}}
	p.Surveys = []steward.Survey{{ID: "1", Account: "acme", Contact: "bo", Kind: steward.NPS, Day: today - 9, Score: 4}, {ID: "2", Account: "acme", Kind: steward.CSAT, Day: today - 9, Score: 5}}
	p.Objectives = []steward.Objective{{ID: "1", Account: "acme", Name: "use", Metric: "active_users", Baseline: steward.Num(10), Target: steward.Num(30), Due: today + 9}}
	p.History = steward.History{{Kind: steward.AboutAccount, ID: "acme"}: {Since: today - 60, Changes: []steward.FieldChange{{Field: "segment", Day: today - 60, Value: steward.Str("smb")}, {Field: "segment", Day: today - 20, Value: steward.Str("enterprise")}}}}
	p.Dealings = map[steward.AccountID]steward.Dealings{"acme": {Fired: map[steward.PlaybookName][]steward.Day{"login-drop": {today - 9}}, Mailed: map[steward.ContactID][]steward.Day{"bo": {today - 9}}}}
	return facts.At(in)
}

// scope is every name of acme's workspace.
func scope(about steward.SubjectKind) lang.Scope {
	fields := facts.BuiltinFields(about)
	fields["seats"], fields["plan"], fields["legal_hold"] = steward.NumberKind, steward.TextKind, steward.FlagKind
	fields["escalated"], fields["health"] = steward.FlagKind, steward.NumberKind
	return lang.Scope{About: about, Fields: fields, Metrics: map[string]steward.MetricKind{"logins": steward.Count, "active_users": steward.Gauge},
		Features: map[string][]string{"reporting": {"logins"}}, Names: map[string][]string{"feature": {"reporting"}}, Acked: true, AtOpen: true}
}

func compile(t testing.TB, src string, about steward.SubjectKind) *lang.Expr {
	t.Helper()
	e, problems := lang.Compile(src, scope(about), steward.NoKind)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", src, problems)
	}
	return e
}

// The expressions that the example playbooks are made of.
func TestExamples(t *testing.T) {
	f := acme(t)
	episode := lang.At{Episodes: map[int]lang.Episode{0: {Frozen: map[string]steward.Value{"was(avg(logins, 14d), 14d)": steward.Num(20)}}}, Acked: map[int]bool{0: true}}
	for _, c := range []struct {
		about     steward.SubjectKind
		src       string
		want      string
		canonical string // "" when it is the source
	}{
		{"account", "drop(logins, 14d) >= 50% and was(avg(logins, 14d), 14d) >= 1 or quiet_days(logins) >= 14d", "true", ""},
		{"account", "recovered(logins, 14d) >= 80%", "false", ""},
		{"account", "recovered(logins, 14d)", "0.75", ""},
		{"account", "arr >= 10k and segment in ['mid-market','enterprise']", "true", "arr >= 10000 and segment in ['mid-market', 'enterprise']"},
		{"account", "last(active_users) / seats < 25% and days_since(start_date) >= 45d", "true", ""},
		{"contract", "days_until(notice_date) <= 120d and days_until(notice_date) > 0d", "true", ""},
		{"contract", "renewed or cancelled", "false", ""},
		{"contract", "notice_date - 60d", "2026-05-01", ""},
		{"contract", "notice_date - 1mo", "2026-05-30", ""},
		{"account", "arr * 2", "96000", ""},
		{"account", "not acked", "false", ""},
		{"account", "drop(logins, 2w)", "0.642857", "drop(logins, 14d)"},
		{"account", "change(logins, 14d, 4w)", "-0.642857", "change(logins, 14d, 28d)"},
	} {
		e := compile(t, c.src, c.about)
		v := f.View(c.about)
		if got := e.Value(v, 0, episode).String(); got != c.want {
			t.Errorf("%s is %s, want %s", c.src, got, c.want)
		}
		if got := e.Column(v, episode).Value(0).String(); got != c.want {
			t.Errorf("column of %s is %s, want %s", c.src, got, c.want)
		}
		if c.canonical == "" {
			c.canonical = c.src
		}
		if e.Canonical() != c.canonical {
			t.Errorf("canonical of %s is %s, want %s", c.src, e.Canonical(), c.canonical)
		}
		trace := e.Trace(v, 0, episode)
		if got := trace.Value.String(); got != c.want {
			t.Errorf("trace of %s is %s, want %s", c.src, got, c.want)
		}
		for _, ev := range lang.Evidence(trace) {
			t.Logf("%s | %s | %s | %s | %s", ev.Part, ev.Expr, ev.Saw, ev.Wanted, ev.Words)
		}
		for _, ev := range lang.Evidence(e.Trace(v, v.Len()-1, lang.At{})) {
			t.Logf("unknown: %s", ev.Words)
		}
	}
}

func TestFunctionsAreDocumented(t *testing.T) {
	for _, f := range lang.Functions() {
		if f.Doc == "" || !strings.HasPrefix(f.Signature, f.Name+"(") || !strings.Contains(f.Example, f.Name+"(") {
			t.Errorf("%s: incomplete documentation: %+v", f.Name, f)
		}
		if _, problems := lang.Compile(f.Example, scope(steward.AboutAccount), steward.FlagKind); len(problems) > 0 {
			t.Errorf("%s: the example %s does not compile: %v", f.Name, f.Example, problems)
		}
	}
}

func seriesOf(id steward.AccountID, s series.Series) map[steward.AccountID]series.Series {
	return map[steward.AccountID]series.Series{id: s}
}
