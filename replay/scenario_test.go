package replay

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"steward"
	"steward/series"
)

func TestParseSeries(t *testing.T) {
	nan := math.NaN()
	from := steward.Date(2026, 1, 1)
	for text, want := range map[string][]float64{
		"40x2 10x3":              {40, 40, 10, 10, 10},
		"40×2\n 10 × 3":          nil, // × alone is no run
		" 1.5 ":                  {1.5},
		"1 _x3 2":                {1, nan, nan, nan, 2},
		"1 _ 2":                  {1, nan, 2},
		"-3x2 +4 .5":             {-3, -3, 4, .5},
		"7×3":                    {7, 7, 7},
		"0x2":                    {0, 0}, // a zero for two days, no hexadecimal
		"1\t2\u00a03\r\n4":       {1, 2, 3, 4},
		"_x3 5":                  {nan, nan, nan, 5},
		"_x2":                    {},
		"1x3660":                 slices.Repeat([]float64{1}, 3660),
		"00000000000000000001x1": {1},
	} {
		got, err := ParseSeries(text, from)
		if want == nil {
			if err == nil {
				t.Errorf("%q was read", text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		expected, err := series.New(from, want)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equal(expected) {
			t.Errorf("%q is %v, want %v", text, got, expected)
		}
	}
}

func TestParseSeriesMistakes(t *testing.T) {
	for text, want := range map[string]struct {
		column int
		says   string
	}{
		"":                         {1, "empty"},
		"   ":                      {1, "empty"},
		"40x60 1O":                 {7, `"1O" is not a number`},
		"40x60  10x":               {10, "no number of days after its x"},
		"40x60 10xten":             {10, `"ten" is not a number of days`},
		"40x0":                     {4, `"0" is not`},
		"40x-3":                    {4, `"-3" is not`},
		"40x+3":                    {4, `"+3" is not`},
		"x60":                      {1, "no value before its x"},
		"7×3 ×":                    {5, "no value before its x"},
		"7×3 1×2×3":                {7, `"2×3" is not a number of days`},
		"NaN":                      {1, "not a number"},
		"infx3":                    {1, "not a number"},
		"1e400":                    {1, "not a number"},
		"1,5x3":                    {1, "not a number"},
		"__x3":                     {1, "not a number"},
		"1x3000 2x661":             {8, "longer than 3660 days"},
		"1x999999999999":           {3, "not a number of days"},
		strings.Repeat("1 ", 3661): {7321, "longer than 3660 days"},
	} {
		_, err := ParseSeries(text, steward.Date(2026, 1, 1))
		var bad *SeriesError
		if !errors.As(err, &bad) {
			t.Errorf("%.20q: %v, want a *SeriesError", text, err)
			continue
		}
		if bad.Column != want.column || !strings.Contains(bad.Message, want.says) || bad.Hint == "" {
			t.Errorf("%.20q: column %d, %q (%q); want column %d, %q", text, bad.Column, bad.Message, bad.Hint, want.column, want.says)
		}
	}
	if _, err := ParseSeries("1x10", series.LastDay); err == nil {
		t.Error("a series beyond the last day was read")
	}
}

func TestParseSeriesReadsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		var values []float64
		for range rapid.IntRange(1, 12).Draw(t, "runs") {
			value, days := math.NaN(), rapid.IntRange(1, 30).Draw(t, "days")
			word := "_"
			if rapid.Bool().Draw(t, "there") {
				value = math.Round(rapid.Float64Range(-1e6, 1e6).Draw(t, "value")*1000) / 1000
				word = fmt.Sprintf("%.3f", value)
			}
			values = append(values, slices.Repeat([]float64{value}, days)...)
			sign := rapid.SampledFrom([]string{"x", "×"}).Draw(t, "sign")
			fmt.Fprintf(&text, "%s%s%s%d", rapid.SampledFrom([]string{" ", "\n", "\t "}).Draw(t, "blank"), word, sign, days)
		}
		want, err := series.New(100, values)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseSeries(text.String(), 100)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equal(want) {
			t.Fatalf("%q is %v, want %v", text.String(), got, want)
		}
	})
}

func FuzzParseSeries(f *testing.F) {
	for _, s := range []string{"40x60 10x12 40x30", "_x3 1.5", "7×3", "x", "0x", "×x×", "1x3661", "\xff×", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSeries(text, 20000)
		if err != nil {
			var bad *SeriesError
			if !errors.As(err, &bad) || bad.Offset < 0 || bad.Offset+bad.Length > len(text) || bad.Column < 1 || bad.Column > utf8.RuneCountInString(text)+1 || bad.Message == "" {
				t.Fatalf("%q: %+v", text, err)
			}
			return
		}
		if s.Len() > maxScenarioDays || !s.IsEmpty() && s.First() < 20000 {
			t.Fatalf("%q gave %d days from %s", text, s.Len(), s.First())
		}
	})
}

func schema() Schema {
	return Schema{
		Fields:    []steward.FieldSpec{{Name: "plan", Kind: steward.TextKind}, {Name: "seats", Kind: steward.NumberKind}, {Name: "legal_hold", Kind: steward.FlagKind}, {Name: "kickoff", Kind: steward.DateKind}},
		Metrics:   []steward.MetricSpec{{Name: "logins", Kind: steward.Count}, {Name: "active_users", Kind: steward.Gauge}},
		Playbooks: []steward.PlaybookName{"login-drop", "renewal"},
	}
}

const loginDrop = `# tests/login-drop.test.yaml
given:
  accounts: [{id: acme, segment: enterprise, arr: 48000, owner: dana, status: customer}]
  metrics:  {logins: {acme: "40x60 10x12 40x30"}}      # value×days
  from: 2026-01-01                                     # the first value's day
expect:
  - {on: 2026-03-12, account: acme, phase: pending}
  - {on: 2026-03-14, account: acme, phase: firing, outreach: [{step: nudge, to: dana, contains: "64%"}]}
  - {on: 2026-03-25, account: acme, phase: clearing}
  - {on: 2026-03-27, account: acme, phase: clear, enrolment: exited, reason: recovered}
`

func TestLoadScenarios(t *testing.T) {
	everything := `given:
  playbook: renewal
  from: 2026-01-01
  backfill: true
  accounts:
    - id: beta
      name: "Beta & Söhne"
      parent: acme
      arr: 2.5M
      seats: 40
      plan: ''
      legal_hold: true
      kickoff: 2025-12-24
      start_date: 2025-01-01
      test: true
    - {id: acme, arr: 10k, status: prospect}
  contracts:
    - {id: C-1, account: acme, notice_date: 2026-05-01, amount: 12000, auto_renew: false, renewed: false}
  contacts:
    - {account: acme, name: Ann Lee, email: ann@example.com, role: economic_buyer}
    - {id: p2, account: beta, roles: [champion, admin]}
  metrics:
    active_users:
      beta: |
        5x3
        _x2 6
do:
  - {on: 2026-01-09, approve: acme}
  - {on: 2026-01-08, ack: acme}
expect:
  - {on: 2026-01-20, account: acme, contract: C-1, enrolment: none, no_outreach: true}
  - {on: 2026-01-10, account: beta, outreach: []}
  - on: 2026-01-11
    account: acme
    outreach:
      - {step: value, to: economic_buyer, channel: email, state: awaiting_approval, reason: awaiting_approval, contains: [Ann, "10,000"]}
`
	got, problems := LoadScenarios(fstest.MapFS{
		"tests/login-drop.test.yaml": {Data: []byte(loginDrop)},
		"tests/all.test.yml":         {Data: []byte(everything)},
		"tests/README.md":            {Data: []byte("not a test")},
		"tests/deeper/x.test.yaml":   {Data: []byte("not read")},
	}, "tests", schema())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if len(got) != 2 {
		t.Fatalf("%d scenarios", len(got))
	}
	all, drop := got[0], got[1]
	if drop.Given.Playbook != "login-drop" || all.Given.Playbook != "renewal" || !all.Given.Backfill || drop.Given.Backfill {
		t.Errorf("playbooks %q and %q", drop.Given.Playbook, all.Given.Playbook)
	}
	none := steward.Unknown(steward.NumberKind)
	wantPortfolio := steward.Portfolio{
		Accounts: []steward.Account{
			{ID: "acme", Name: "acme", Status: "prospect", ARR: steward.Num(10000), EscalationLevel: none, StartDate: steward.NoDay, RenewalDate: steward.NoDay, More: map[string]steward.Value{}},
			{ID: "beta", Name: "Beta & Söhne", Parent: "acme", Status: "customer", ARR: steward.Num(2.5e6), EscalationLevel: none, StartDate: steward.Date(2025, 1, 1), RenewalDate: steward.NoDay, Test: true,
				More: map[string]steward.Value{"seats": steward.Num(40), "plan": steward.Unknown(steward.TextKind), "legal_hold": steward.Bool(true), "kickoff": steward.OnDay(steward.Date(2025, 12, 24))}},
		},
		Contracts: []steward.Contract{{ID: "C-1", Account: "acme", NoticeDate: steward.Date(2026, 5, 1), StartDate: steward.NoDay, EndDate: steward.NoDay, Amount: steward.Num(12000)}},
		Contacts: []steward.Contact{
			{ID: "acme-contact-1", Account: "acme", Name: "Ann Lee", Email: "ann@example.com", Roles: []string{"economic_buyer"}, LastSeen: steward.NoDay},
			{ID: "p2", Account: "beta", Roles: []string{"champion", "admin"}, LastSeen: steward.NoDay},
		},
		Kinds: everyKind(),
	}
	if diff := cmp.Diff(wantPortfolio, all.Given.Portfolio); diff != "" {
		t.Error(diff)
	}
	if s := all.Given.Metrics["active_users"]["beta"]; s.Len() != 6 || s.Observed() != 4 || s.First() != steward.Date(2026, 1, 1) {
		t.Errorf("active_users of beta: %+v", s)
	}
	jan := func(d int) steward.Day { return steward.Date(2026, 1, d) }
	if diff := cmp.Diff([]Action{{On: jan(8), Kind: DoAck, Account: "acme"}, {On: jan(9), Kind: DoApprove, Account: "acme"}}, all.Do); diff != "" {
		t.Error(diff)
	}
	wantExpect := []Expectation{
		{On: jan(10), Account: "beta", Outreach: []ExpectedOutreach{}},
		{On: jan(11), Account: "acme", Outreach: []ExpectedOutreach{{Step: "value", To: "economic_buyer", Channel: steward.Email, State: steward.AwaitingApproval, Reason: steward.ReasonAwaiting, Contains: []string{"Ann", "10,000"}}}},
		{On: jan(20), Account: "acme", Contract: "C-1", Enrolment: NoEnrolment, Outreach: []ExpectedOutreach{}},
	}
	public := cmp.FilterPath(func(p cmp.Path) bool {
		f, ok := p.Last().(cmp.StructField)
		return ok && strings.HasSuffix(strings.ToLower(f.Name()), "at")
	}, cmp.Ignore())
	if diff := cmp.Diff(wantExpect, all.Expect, public); diff != "" {
		t.Error(diff)
	}
	if none, problems := LoadScenarios(fstest.MapFS{}, "tests", schema()); len(none)+len(problems) > 0 {
		t.Errorf("a folder that is not there: %v, %v", none, problems)
	}
}

// TestEveryMistakeIsTold holds what a person reads, and where it points.
func TestEveryMistakeIsTold(t *testing.T) {
	src := `given:
  playbok: renewal
  from: 2026-01-32
  accounts:
    - {id: acme, ar: 5, segmnt: x, arr: 48_0, test: yes, start_date: yesterday}
    - {id: acme}
    - {name: nobody}
  contracts: [{id: C-1, account: acne}, {id: C-2, account: acme, amount: [1, 2]}]
  contacts: [{name: Ann}]
  metrics:
    logns: {acme: "1"}
    logins: {acme: "40x60 1O", beta: "1"}
do:
  - {on: 2026-01-05, ack: acme, approve: acme}
expect:
  - {on: 2026-01-05, account: acmee, phase: fireing}
  - {on: 2026-01-05, account: acme}
  - {on: 2026-01-05, account: acme, outreach: [{chanel: email, state: sennt}]}
  - {on: 2026-01-05, account: acme, contract: C-9, enrolment: exitted}
`
	_, problems := ParseScenario("tests/login-drp.test.yaml", []byte(src), schema())
	var got []string
	for _, p := range problems {
		if p.File != "tests/login-drp.test.yaml" || p.Hint == "" {
			t.Errorf("no file or nothing to do: %+v", p)
		}
		got = append(got, fmt.Sprintf("%d:%d+%d %s", p.Line, p.Column, p.Length, p.Message))
	}
	want := []string{
		"2:3+7 \"playbok\" is not a key of `given`",
		"2:3+1 there is no playbook \"login-drp\", as the file's name says",
		`3:9+10 "2026-01-32" is not a date such as 2026-03-12`,
		`5:18+2 "ar" is not a field here`,
		`5:25+6 "segmnt" is not a field here`,
		`5:41+4 arr is a number; "48_0" is not one`,
		`5:53+3 test is true or false, not "yes"`,
		`5:70+9 "yesterday" is not a date such as 2026-03-12`,
		`6:12+4 the account id "acme" is given twice`,
		"7:8+4 the account has no id",
		`8:34+4 there is no account "acne" under given`,
		"8:78+1 amount takes one value",
		`11:5+5 "logns" is not a metric of the workspace`,
		`12:27+2 "1O" is not a number`,
		`12:32+4 there is no account "beta" under given`,
		"14:5+1 an action does one thing",
		`16:31+5 there is no account "acmee" under given`,
		`16:45+7 "fireing" is not a phase`,
		"17:5+1 nothing is expected here",
		"18:49+6 \"chanel\" is not a key of item 1 of `outreach`",
		`18:71+5 "sennt" is not a state of a message`,
		`19:47+3 there is no contract "C-9" under given`,
		`19:63+7 "exitted" is not a state of an enrolment`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var meant []string
	for _, p := range problems {
		if name, ok := strings.CutPrefix(p.Hint, "did you mean "); ok {
			meant = append(meant, strings.Trim(name, `"?`))
		}
	}
	if diff := cmp.Diff([]string{"playbook", "login-drop", "arr", "segment", "acme", "logins", "acme", "firing", "channel", "sent", "exited"}, meant); diff != "" {
		t.Error(diff)
	}
}

func TestAFileThatIsNotRunIsNamed(t *testing.T) {
	got, problems := LoadScenarios(fstest.MapFS{"tests/login-drop.yaml": {Data: []byte(loginDrop)}}, "tests", schema())
	if len(got) != 0 || len(problems) != 1 || !problems[0].Warning() || !strings.Contains(problems[0].Hint, "PLAYBOOK.test.yaml") {
		t.Errorf("%v, %v", got, problems)
	}
}

func FuzzParseScenario(f *testing.F) {
	f.Add(loginDrop)
	f.Add("given: {accounts: [{id: a}], from: 2026-01-01, metrics: {logins: {a: |\n 1x3\n 2}}}\nexpect: [{on: 2026-01-02, phase: clear}]")
	f.Add("given: {from: 9999-12-31, accounts: [{}]}\nexpect: [{outreach: []}]")
	f.Add("given:\n  contacts: [{role: [a, b]}]\ndo: [{ack: a}]\nexpect: []")
	f.Fuzz(func(t *testing.T, text string) {
		s, problems := ParseScenario("x.test.yaml", []byte(text), schema())
		lines := strings.Count(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), "\n") + 1
		for _, p := range problems {
			if p.Line < 0 || p.Line > lines || p.Column < 0 || p.Message == "" {
				t.Fatalf("%q: %+v", text, p)
			}
		}
		if len(problems) > 0 {
			return
		}
		if s.lastDay()-s.Given.From > maxScenarioDays {
			t.Fatalf("%q lives %d days", text, s.lastDay()-s.Given.From)
		}
		road := &loginRoad{t: t}
		for _, e := range s.Expect { // whatever is well formed can be compared
			s.compare(e, road.seen(e.Account), slotOf(e.On), slotOf(e.On+1))
		}
	})
}

func slotOf(d steward.Day) steward.Slot {
	return steward.SlotAt(d.Start(time.UTC).Add(6 * time.Hour))
}

// A loginRoad is a small world that knows one rule, written out by hand: a drop
// of half for two days opens a nudge, a return to four fifths for two days ends
// it. What it was told is kept, to be looked at.
type loginRoad struct {
	t       testing.TB
	given   Given
	logins  map[steward.AccountID]series.Series
	through steward.Day
	state   map[steward.AccountID]*loginState
	imports []steward.Day
	acts    []Action
	fail    string
}

type loginState struct {
	phase     steward.Phase
	held      int
	before    float64
	enrolment steward.Enrolment
	outreach  []SeenOutreach
}

func (r *loginRoad) Begin(_ context.Context, given Given) error {
	r.given, r.state = given, map[steward.AccountID]*loginState{}
	if r.fail == "begin" {
		return errors.New("no room")
	}
	return nil
}

func (r *loginRoad) Import(_ context.Context, p steward.Portfolio, metrics map[string]map[steward.AccountID]series.Series, through steward.Day) error {
	if r.fail == "import" {
		return errors.New("no room")
	}
	r.imports = append(r.imports, through)
	r.logins, r.through = metrics["logins"], through
	for _, s := range r.logins {
		if s.Last() > through {
			r.t.Errorf("an import through %s holds %s", through, s.Last())
		}
	}
	return nil
}

func (r *loginRoad) mean(id steward.AccountID, end steward.Day) float64 {
	sum := 0.0
	for d := end - 13; d <= end; d++ {
		v, _ := r.logins[id].At(d)
		sum += v
	}
	return sum / 14
}

func (r *loginRoad) Live(_ context.Context, slot steward.Slot) error {
	if r.fail == "live" {
		return errors.New("no room")
	}
	if slot.Day(time.UTC) != r.through+1 {
		r.t.Errorf("the slot of %s sees through %s", slot.Day(time.UTC), r.through)
	}
	for id := range r.logins {
		st := r.state[id]
		if st == nil {
			st = &loginState{phase: steward.Clear}
			r.state[id] = st
		}
		if r.through-r.given.From < 27 {
			continue
		}
		now, then := r.mean(id, r.through), r.mean(id, r.through-14)
		switch {
		case st.phase == steward.Clear && now <= then/2:
			st.phase, st.held, st.before = steward.Pending, 0, then
		case st.phase == steward.Pending:
			if st.held++; st.held == 2 {
				st.phase = steward.Firing
				st.enrolment = steward.Enrolment{ID: "e-1", Playbook: "login-drop", Subject: steward.Subject{Kind: steward.AboutAccount, ID: string(id), Account: id}, State: steward.Waiting, OpenedAt: slot.Time()}
				st.outreach = append(st.outreach, SeenOutreach{
					Outreach: steward.Outreach{Playbook: "login-drop", Subject: st.enrolment.Subject, Step: "nudge", Planned: slot.Time(), To: steward.Recipient{Key: "owner", Owner: "dana"}},
					Message: steward.Message{Channel: steward.Slack, State: steward.Sent, Content: &steward.Content{Title: "Logins are dropping", Parts: []steward.ContentPart{{
						Markdown: `Call Acme \& Co\.`, Evidence: []string{fmt.Sprintf("logins fell %.0f\u202f%% in 14 days", 100*(1-now/then))}}}}},
				})
			}
		case st.phase == steward.Firing && now >= 0.8*st.before:
			st.phase, st.held = steward.Clearing, 0
		case st.phase == steward.Clearing:
			if st.held++; st.held == 2 {
				st.phase = steward.Clear
				st.enrolment.State, st.enrolment.Reason = steward.Exited, steward.ReasonRecovered
			}
		}
	}
	return nil
}

func (r *loginRoad) Do(_ context.Context, a Action, playbook steward.PlaybookName, slot steward.Slot) error {
	if r.fail == "do" {
		return errors.New("no room")
	}
	if playbook != r.given.Playbook || slot.Day(time.UTC) != a.On {
		r.t.Errorf("%+v about %s at %s", a, playbook, slot)
	}
	r.acts = append(r.acts, a)
	return nil
}

func (r *loginRoad) Look(_ context.Context, account steward.AccountID) (Seen, error) {
	if r.fail == "look" {
		return Seen{}, errors.New("no room")
	}
	return r.seen(account), nil
}

func (r *loginRoad) seen(account steward.AccountID) Seen {
	st := r.state[account]
	if st == nil {
		return Seen{}
	}
	subject := steward.Subject{Kind: steward.AboutAccount, ID: string(account), Account: account}
	seen := Seen{Phases: []steward.PhaseState{{Playbook: "another", Subject: subject, Phase: steward.Firing}}, Outreach: st.outreach}
	if st.phase != steward.Clear {
		seen.Phases = append(seen.Phases, steward.PhaseState{Playbook: "login-drop", Subject: subject, Phase: st.phase})
	}
	if st.enrolment.ID != "" {
		seen.Enrolments = append(seen.Enrolments, st.enrolment)
	}
	return seen
}

func run(t *testing.T, src string, road *loginRoad) Result {
	t.Helper()
	s, problems := ParseScenario("tests/login-drop.test.yaml", []byte(src), schema())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	res, err := s.Run(context.Background(), road, slotOf, func(_ context.Context, e Expectation, playbook steward.PlaybookName) string {
		return fmt.Sprintf("%s does not hold for %s.\nA second line.", playbook, e.Account)
	})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestRunPassesTheDocumentedExample(t *testing.T) {
	road := &loginRoad{t: t}
	res := run(t, loginDrop, road)
	if len(res.Failures) > 0 || res.Steps != 85 {
		t.Errorf("%d steps, %v", res.Steps, res.Failures)
	}
	if road.imports[0] != steward.Date(2026, 1, 1) || len(road.imports) != 85 || road.imports[84] != steward.Date(2026, 3, 26) {
		t.Errorf("imported through %v", road.imports)
	}
}

func TestRunTellsWhatIsNotSo(t *testing.T) {
	head := strings.Split(loginDrop, "expect:")[0]
	for name, c := range map[string]struct{ expect, what, want, got string }{
		"phase":               {"{on: 2026-03-13, phase: firing}", "phase", "firing", "pending"},
		"phase clear":         {"{on: 2026-03-14, phase: clear}", "phase", "clear", "firing"},
		"no enrolment yet":    {"{on: 2026-03-13, enrolment: waiting}", "enrolment", "waiting", "none"},
		"enrolment":           {"{on: 2026-03-27, enrolment: completed}", "enrolment", "completed", "exited (recovered)"},
		"reason":              {"{on: 2026-03-27, reason: exit_when}", "reason", "exit_when", "recovered"},
		"no reason":           {"{on: 2026-03-15, reason: recovered}", "reason", "recovered", "no reason: the enrolment is waiting"},
		"unexpected outreach": {"{on: 2026-03-14, outreach: []}", "outreach", "none", `step nudge, to owner dana, channel slack, state sent, saying "Logins are dropping Call Acme & Co. logins fell 64% in 14 days"`},
		"a day early":         {"{on: 2026-03-13, outreach: [{step: nudge}]}", "outreach", "step nudge", "none"},
		"a day late":          {"{on: 2026-03-15, outreach: [{step: nudge}]}", "outreach", "step nudge", "none"},
		"somebody else":       {"{on: 2026-03-14, outreach: [{step: nudge, to: sam}, {step: nudge}]}", "outreach", "step nudge, to sam", "step nudge, to owner dana"},
		"another step":        {"{on: 2026-03-14, outreach: [{step: escalate}]}", "outreach", "step escalate", "step nudge, to owner dana"},
		"other words":         {`{on: 2026-03-14, outreach: [{contains: ["64%", "65 %"]}, {}]}`, "outreach", `containing "64%", containing "65 %"`, "64%"},
	} {
		res := run(t, head+"expect:\n  - "+c.expect+"\n", &loginRoad{t: t})
		if len(res.Failures) != 1 {
			t.Errorf("%s: %d failures: %v", name, len(res.Failures), res.Failures)
			continue
		}
		f := res.Failures[0]
		if f.What != c.what || f.Want != c.want || !strings.Contains(f.Got, c.got) || f.Line != 7 || f.Column < 5 || f.Account != "acme" {
			t.Errorf("%s: %+v", name, f)
		}
		text := f.String()
		for _, part := range []string{"tests/login-drop.test.yaml:7:", "expected: " + c.want, "\n  login-drop does not hold for acme.\n  A second line."} {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %q is not in\n%s", name, part, text)
			}
		}
	}
}

// TestRunCanBeMet is the counterpart: every way of writing the same thing down
// that a test may choose.
func TestRunCanBeMet(t *testing.T) {
	head := strings.Split(loginDrop, "expect:")[0]
	for _, e := range []string{
		"{on: 2026-03-14, outreach: [{}]}",
		"{on: 2026-03-14, outreach: [{step: nudge, to: owner, channel: slack, state: sent}]}",
		`{on: 2026-03-14, outreach: [{contains: "fell 64 %"}]}`,
		`{on: 2026-03-14, outreach: [{contains: ["Acme & Co.", dropping]}]}`,
		"{on: 2026-03-13, no_outreach: true}",
		"{on: 2026-03-13, outreach: [], enrolment: none, phase: pending}",
		"{on: 2026-01-02, phase: clear}",
	} {
		if res := run(t, head+"expect:\n  - "+e+"\n", &loginRoad{t: t}); len(res.Failures) > 0 {
			t.Errorf("%s: %v", e, res.Failures)
		}
	}
}

func TestRunDoesWhatPeopleDo(t *testing.T) {
	road := &loginRoad{t: t}
	run(t, strings.Replace(loginDrop, "expect:", "do: [{on: 2026-03-15, ack: acme}, {on: 2026-03-16, release: acme}]\nexpect:", 1), road)
	want := []Action{{On: steward.Date(2026, 3, 15), Kind: DoAck, Account: "acme"}, {On: steward.Date(2026, 3, 16), Kind: DoRelease, Account: "acme"}}
	if diff := cmp.Diff(want, road.acts); diff != "" {
		t.Error(diff)
	}
}

func TestRunNamesTheDayARoadBreaks(t *testing.T) {
	s, problems := ParseScenario("x.test.yaml", []byte(strings.Replace(loginDrop, "expect:", "do: [{on: 2026-01-05, ack: acme}]\nexpect:", 1)), Schema{Metrics: schema().Metrics})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for fail, day := range map[string]string{"begin": "prepare", "import": "2026-01-02", "live": "2026-01-02", "do": "2026-01-05", "look": "2026-03-12"} {
		_, err := s.Run(context.Background(), &loginRoad{t: t, fail: fail}, slotOf, nil)
		if err == nil || !strings.Contains(err.Error(), day) || !strings.Contains(err.Error(), "x.test.yaml") || !strings.Contains(err.Error(), "no room") {
			t.Errorf("%s: %v", fail, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Run(ctx, &loginRoad{t: t}, slotOf, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestContractsAreToldApart(t *testing.T) {
	on := steward.Date(2026, 2, 1)
	contract := func(id string) steward.Subject {
		return steward.Subject{Kind: steward.AboutContract, ID: id, Account: "acme"}
	}
	seen := Seen{
		Phases: []steward.PhaseState{{Playbook: "renewal", Subject: contract("C-2"), Phase: steward.Firing}, {Playbook: "renewal", Subject: contract("C-1"), Phase: steward.Pending}},
		Enrolments: []steward.Enrolment{
			{Playbook: "renewal", Subject: contract("C-2"), State: steward.Active, OpenedAt: slotOf(on).Time()},
			{Playbook: "renewal", Subject: contract("C-2"), State: steward.Exited, Reason: steward.ReasonExitWhen, OpenedAt: slotOf(on - 5).Time()},
		},
		Outreach: []SeenOutreach{
			{Outreach: steward.Outreach{Playbook: "renewal", Subject: contract("C-2"), Step: "prepare", Planned: slotOf(on).Time().Add(time.Hour)}},
			{Outreach: steward.Outreach{Playbook: "renewal", Subject: contract("C-2"), Step: "value", Planned: slotOf(on).Time(), Suppressed: steward.ReasonHoldout}},
		},
	}
	s := Scenario{Given: Given{Playbook: "renewal"}}
	failures := func(e Expectation) []string {
		e.On, e.Account = on, "acme"
		var out []string
		for _, f := range s.compare(e, seen, slotOf(on), slotOf(on+1)) {
			out = append(out, f.What+": "+f.Got)
		}
		return out
	}
	for name, c := range map[string]struct {
		e    Expectation
		want []string
	}{
		"both":          {Expectation{Phase: steward.Firing}, []string{"phase: contract C-1 pending, contract C-2 firing (say which with contract: …)"}},
		"one":           {Expectation{Phase: steward.Firing, Contract: "C-2", Enrolment: steward.Active}, nil},
		"the other":     {Expectation{Phase: steward.Pending, Contract: "C-1", Enrolment: NoEnrolment, Outreach: []ExpectedOutreach{}}, nil},
		"silent":        {Expectation{Contract: "C-2", Outreach: []ExpectedOutreach{{Step: "prepare"}}}, nil},
		"said silently": {Expectation{Outreach: []ExpectedOutreach{{Step: "value", State: steward.Suppressed, Reason: steward.ReasonHoldout}, {Step: "prepare"}}}, nil},
	} {
		if diff := cmp.Diff(c.want, failures(c.e)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// TestMatchIsAsGoodAsCanBe compares pairing with trying every order.
func TestMatchIsAsGoodAsCanBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"a", "b", ""})
		var want []ExpectedOutreach
		var got []SeenOutreach
		for range rapid.IntRange(0, 5).Draw(t, "want") {
			want = append(want, ExpectedOutreach{Step: word.Draw(t, "step"), To: word.Draw(t, "to")})
		}
		for range rapid.IntRange(0, 5).Draw(t, "got") {
			got = append(got, SeenOutreach{Outreach: steward.Outreach{Step: word.Draw(t, "step"), To: steward.Recipient{Key: word.Draw(t, "to")}}})
		}
		var best func(w int, used []bool) int
		best = func(w int, used []bool) int {
			if w == len(want) {
				return 0
			}
			most := best(w+1, used)
			for g := range got {
				if !used[g] && want[w].fits(got[g]) {
					used[g] = true
					most = max(most, 1+best(w+1, used))
					used[g] = false
				}
			}
			return most
		}
		pairs := best(0, make([]bool, len(got)))
		missing, extra := match(want, got)
		if len(missing) != len(want)-pairs || len(extra) != len(got)-pairs {
			t.Fatalf("%d missing and %d extra of %d and %d; %d pairs can be made", len(missing), len(extra), len(want), len(got), pairs)
		}
	})
}
