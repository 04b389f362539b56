package main

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/configs"
	"steward/facts"
	"steward/playbooks"
	"steward/playbooks/lang"
	"steward/series"
)

const languagePage = "docs/language.md"

// acmeWorkspace is the example workspace with the pieces of steward.yaml that
// the page on the language shows.
func acmeWorkspace(t *testing.T) (*configs.Workspace, *playbooks.Book) {
	t.Helper()
	files := fstest.MapFS{}
	if err := fs.WalkDir(configs.Example(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(configs.Example(), path)
		files[path] = &fstest.MapFile{Data: data}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, b := range docBlocks(t, languagePage) {
		if name, text, ok := blockFile(b); ok && name == configs.FileName {
			seen++
			files[name] = &fstest.MapFile{Data: []byte(overlay(string(files[name].Data), text))}
		}
	}
	if seen == 0 {
		t.Fatalf("%s shows no piece of steward.yaml", languagePage)
	}
	ws, book, problems := loadFrom(files, "", func(string) string { return "" })
	if errs := problems.Errors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	return ws, book
}

// acmeFacts is Acme and its neighbours as the page tells of them.
func acmeFacts(t *testing.T, ws *configs.Workspace) facts.Input {
	t.Helper()
	d := func(s string) steward.Day {
		t.Helper()
		day, err := steward.ParseDay(s)
		if err != nil {
			t.Fatal(err)
		}
		return day
	}
	today, start := d("2026-03-12"), d("2024-09-01")
	p := steward.Portfolio{
		Contracts: []steward.Contract{{ID: "C-1", Account: "acme", Product: "Suite", StartDate: start, EndDate: d("2026-08-31"), NoticeDate: d("2026-05-31"), Amount: steward.Num(48_000)}},
		Contacts: []steward.Contact{
			{ID: "ann", Account: "acme", Name: "Ann Bauer", Email: "ann@acme.example", Roles: []string{"champion"}, LastSeen: d("2026-01-31")},
			{ID: "bo", Account: "acme", Name: "Bo Chen", Email: "bo@acme.example", Roles: []string{"economic_buyer"}, LastSeen: steward.NoDay},
			{ID: "cy", Account: "acme", Name: "Cy Dunn", Email: "cy@acme.example", Roles: []string{"admin"}, LastSeen: d("2026-03-10")},
		},
		Products: []steward.Product{{ID: "P-1", Account: "acme", Name: "Suite", Plan: "team", Seats: steward.Num(80), StartDate: start, EndDate: steward.NoDay, Features: []string{"reporting", "integrations"}}},
		Touches: []steward.Touch{
			{ID: "t1", Account: "acme", Contact: "ann", Day: d("2026-01-31"), Kind: "call"},
			{ID: "t2", Account: "acme", Contact: "bo", Day: d("2025-11-12"), Kind: "meeting"},
		},
		Tickets: []steward.Ticket{
			{ID: "T-1", Account: "acme", Priority: "urgent", Opened: d("2026-03-11"), Closed: steward.NoDay},
			{ID: "T-2", Account: "acme", Priority: "low", Opened: d("2026-02-26"), Closed: steward.NoDay},
			{ID: "T-3", Account: "acme", Priority: "urgent", Opened: d("2026-01-01"), Closed: d("2026-01-03")},
		},
		Surveys: []steward.Survey{
			{ID: "s1", Account: "acme", Contact: "ann", Kind: steward.NPS, Day: d("2026-01-15"), Score: 5},
			{ID: "s2", Account: "acme", Contact: "cy", Kind: steward.NPS, Day: d("2026-01-15"), Score: 8},
			{ID: "s3", Account: "acme", Contact: "cy", Kind: steward.CSAT, Day: d("2026-01-05"), Score: 5},
			{ID: "s4", Account: "acme", Contact: "cy", Kind: steward.CSAT, Day: d("2026-02-28"), Score: 2},
		},
		Objectives: []steward.Objective{{ID: "O-1", Account: "acme", Name: "daily calls", Metric: "api_calls", Baseline: steward.Num(2), Target: steward.Num(10), Due: d("2026-03-31"), Agreed: "bo"}},
		Milestones: []steward.Milestone{{Account: "acme", Name: "kickoff", Day: d("2024-09-10")}},
		History: steward.History{
			{Kind: steward.AboutAccount, ID: "acme"}: {Since: d("2025-06-01"), Changes: []steward.FieldChange{
				{Field: "arr", Day: d("2025-06-01"), Value: steward.Num(60_000)}, {Field: "owner", Day: d("2025-06-01"), Value: steward.Str("sam")},
				{Field: "segment", Day: d("2025-06-01"), Value: steward.Str("smb")}, {Field: "arr", Day: d("2026-01-01"), Value: steward.Num(48_000)},
				{Field: "segment", Day: d("2026-02-20"), Value: steward.Str("mid-market")}, {Field: "owner", Day: d("2026-03-02"), Value: steward.Str("dana")},
			}},
		},
		Dealings: map[steward.AccountID]steward.Dealings{"acme": {
			Fired:  map[steward.PlaybookName][]steward.Day{"login-drop": {d("2026-01-20")}},
			Mailed: map[steward.ContactID][]steward.Day{"ann": {d("2026-02-10")}},
		}},
	}
	account := func(id, name, parent string, arr float64) {
		p.Accounts = append(p.Accounts, steward.Account{ID: steward.AccountID(id), Name: name, Parent: steward.AccountID(parent), Status: "customer", Segment: "mid-market",
			ARR: steward.Num(arr), Currency: "EUR", Owner: "dana", StartDate: start, RenewalDate: d("2026-05-12"), Stage: "onboarding",
			More: map[string]steward.Value{"plan": steward.Str("team"), "seats": steward.Num(80)}})
	}
	account("acme", "Acme GmbH", "", 48_000)
	account("acme-labs", "Acme Labs", "acme", 60_000)
	for i := range 3 {
		account(fmt.Sprint("peer-", i+1), fmt.Sprint("Peer ", i+1), "", 20_000)
	}
	daily := func(value func(daysAgo int) float64) series.Series {
		var b series.Builder
		for day := start; day < today; day++ {
			b.Add(day, value(int(today-day)))
		}
		s, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	fell := func(before, after float64, days int) func(int) float64 {
		return func(ago int) float64 {
			if ago <= days {
				return after
			}
			return before
		}
	}
	all := map[string]map[steward.AccountID]series.Series{
		"logins":       {"acme": daily(fell(42, 15, 14))},
		"active_users": {"acme": daily(func(ago int) float64 { return 19 + float64(min(ago, 56)-1)/5 })},
		"reports_made": {"acme": daily(fell(3, 0, 40))},
		"api_calls":    {"acme": daily(func(int) float64 { return 5 })},
	}
	for _, a := range p.Accounts[1:] {
		all["logins"][a.ID] = daily(fell(20, 18, 14))
	}
	in := facts.Input{Zone: ws.Zone, Slot: steward.SlotAt(today.Start(ws.Zone).Add(6 * time.Hour)), Portfolio: p, Fields: ws.Fields}
	for _, spec := range ws.Metrics {
		in.Metrics = append(in.Metrics, facts.Metric{Spec: spec, Through: today - 1, Series: all[spec.Name]})
	}
	return in
}

// An acme answers expressions about Acme: in an episode that began when its
// logins fell, with a card that nobody took.
type acme struct {
	scope lang.Scope
	view  *facts.View
	row   int
}

func meetAcme(t *testing.T, about steward.SubjectKind, id string) acme {
	t.Helper()
	ws, book := acmeWorkspace(t)
	in := acmeFacts(t, ws)
	s := playbooks.NewSituation(book, facts.At(in), in.Portfolio)
	a := acme{scope: book.Settings.Scope(about), view: s.Frame.View(about)}
	a.scope.AtOpen, a.scope.Acked = true, true
	row, ok := a.view.Row(id)
	if !ok {
		t.Fatalf("there is no %s %s", about, id)
	}
	a.row = row
	return a
}

// ask is an expression's value, the same by both ways of working it out, and
// what it came to in words.
func (a acme) ask(t *testing.T, src string) (steward.Value, *lang.Expr, string) {
	t.Helper()
	e, problems := lang.Compile(src, a.scope, steward.NoKind)
	if len(problems) > 0 {
		t.Errorf("%s: %s (%s)", src, problems[0].Message, problems[0].Hint)
		return steward.Value{}, nil, ""
	}
	at := lang.At{Episodes: map[int]lang.Episode{a.row: {Shift: 11}}, Acked: map[int]bool{}}
	x := e.Value(a.view, a.row, at)
	if column := e.Column(a.view, at).Value(a.row); column != x {
		t.Errorf("%s is %v, and over a column %v", src, x, column)
	}
	var words []string
	for _, ev := range lang.Evidence(e.Trace(a.view, a.row, at)) {
		words = append(words, ev.Words)
	}
	return x, e, strings.Join(words, "; ")
}

// Every function stands once on the page, with what the language says of it,
// its example, and what that comes to for Acme.
func TestDocumentedFunctionsAreTheLanguages(t *testing.T) {
	a := meetAcme(t, steward.AboutAccount, "acme")
	want, got := map[string]string{}, map[string]string{}
	for _, f := range lang.Functions() {
		x, _, words := a.ask(t, f.Example)
		answer := map[steward.Verdict]string{steward.Holds: "yes", steward.Fails: "no", steward.Unclear: "unknown"}[x.Verdict()]
		want[f.Name] = fmt.Sprintf("| `%s` | %s | `%s` | %s: %s |", f.Signature, f.Doc, f.Example, answer, strings.ReplaceAll(words, "|", "\\|"))
	}
	row := regexp.MustCompile("^\\| `([a-z_]+)\\([^`]*` \\| [A-Zx]")
	for line := range strings.Lines(docText(t, languagePage)) {
		if m := row.FindStringSubmatch(line); m != nil {
			got[m[1]] += strings.TrimSuffix(line, "\n")
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the tables of functions in %s are not the language's (-language +page):\n%s", languagePage, diff)
		for _, f := range lang.Functions() {
			t.Logf("ROW %s", want[f.Name])
		}
	}
}

// A row of two expressions says what the first comes to. Under a heading that
// names a contract, person or product it is about that.
func TestDocumentedValues(t *testing.T) {
	about := map[steward.SubjectKind]acme{steward.AboutAccount: meetAcme(t, steward.AboutAccount, "acme"), steward.AboutContract: meetAcme(t, steward.AboutContract, "C-1"),
		steward.AboutContact: meetAcme(t, steward.AboutContact, "ann"), steward.AboutProduct: meetAcme(t, steward.AboutProduct, "P-1")}
	row, heading, seen := regexp.MustCompile("^\\| `(.+)` \\| `([^`]+)` \\|(?:.*\\|)?$"), regexp.MustCompile(`^\| (?:for )?(contract|contact|product|account) \|`), 0
	kind := steward.AboutAccount
	for i, line := range strings.Split(docText(t, languagePage), "\n") {
		switch m := row.FindStringSubmatch(line); {
		case heading.MatchString(line):
			kind = steward.SubjectKind(heading.FindStringSubmatch(line)[1])
		case !strings.HasPrefix(line, "|"):
			kind = steward.AboutAccount
		case m != nil:
			seen++
			x, e, _ := about[kind].ask(t, strings.ReplaceAll(m[1], "\\|", "|"))
			shown := x.String()
			if e != nil && e.Percent() {
				shown = lang.Describe(x, true)
			}
			if shown != m[2] {
				t.Errorf("%s:%d: %s comes to %s, not %s", languagePage, i+1, m[1], shown, m[2])
			}
		}
	}
	if seen < 40 {
		t.Errorf("%s states the values of %d expressions; are its tables still | `expression` | `value` |?", languagePage, seen)
	}
}

// What the page shows without a value compiles at least, about whatever it can.
func TestDocumentedExpressionsCompile(t *testing.T) {
	ws, book := acmeWorkspace(t)
	seen := 0
	for _, page := range docPages(t) {
		for _, b := range docBlocks(t, page) {
			if b.kind != "steward" {
				continue
			}
			for i, line := range strings.Split(strings.TrimSuffix(b.text, "\n"), "\n") {
				if strings.TrimSpace(line) == "" {
					continue
				}
				seen++
				var told []string
				fine := slices.ContainsFunc(steward.SubjectKinds(), func(kind steward.SubjectKind) bool {
					sc := book.Settings.Scope(kind)
					sc.AtOpen, sc.Acked = true, true
					_, problems := lang.Compile(line, sc, steward.NoKind)
					for _, p := range problems {
						told = append(told, p.Message)
					}
					return len(problems) == 0
				})
				if !fine {
					t.Errorf("%s:%d: %s: %s", page, b.line+i, line, strings.Join(told, "; "))
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("the pages of %s show %d expressions; are their blocks still marked ```steward?", ws.Zone, seen)
	}
}
