package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"steward"
)

func TestWhatAccountsUseAskAndSay(t *testing.T) {
	src := Source{Name: "desk", Full: true, Files: []File{
		{Kind: Products, Path: "p.csv"}, {Kind: Tickets, Path: "t.csv"}, {Kind: Surveys, Path: "s.jsonl", Defaults: map[string]string{"kind": "NPS"}},
		{Kind: Objectives, Path: "o.csv"}, {Kind: Milestones, Path: "m.csv"},
	}}
	open := files(map[string]string{
		"p.csv": "Product ID,Account ID,Product,Plan,Seats,Start Date,End Date,Features,Signed\n" +
			"P1,A,Suite,pro,25,2025-01-01,2026-12-31,reporting; sso,2025-01-02\n" +
			",A,Field App,,,,,,\n",
		"t.csv": "Ticket ID,Account,Contact,Priority,Created,opened at,closed at,Status\n" +
			"T1,A,ana@a.example,Urgent,x,2026-03-01,,open\n" +
			"T2,A,,low,x,2026-01-01,2026-01-03,Closed\n" +
			"T3,B,,,x,2026-02-01,,Solved\n",
		"s.jsonl": `{"account":"A","contact":"p1","date":"2026-03-01","score":9}` + "\n" + `{"account":"A","date":"2026-03-01","score":7}` + "\n" +
			`{"account":"A","date":"2026-03-01","score":6}` + "\n" + `{"account":"B","contact":"p2","date":"2026-03-02","kind":"csat","score":4.5,"id":"S9"}` + "\n",
		"o.csv": "account,name,metric,baseline,target,due,agreed\nA,Roll out,Active Users,10,40,2026-06-30,p1\nB,Logins,logins,,5,,\n",
		"m.csv": "account,milestone,date\nA,Kick-off,2026-01-05\nA,First Value,\nB,go live,2027-01-01\nB,other thing,2026-01-01\n",
	})
	schema := plainSchema
	schema.Milestones = []string{"kickoff", "first_value"}
	got, err := Read(context.Background(), src, schema, open, today, nil)
	if err != nil {
		t.Fatal(err)
	}
	num, none, no := steward.Num, steward.Unknown(steward.NumberKind), steward.NoDay
	for what, diff := range map[string]string{
		"products": cmp.Diff([]steward.Product{
			{ID: "P1", Account: "A", Name: "Suite", Plan: "pro", Seats: num(25), StartDate: steward.Date(2025, 1, 1), EndDate: steward.Date(2026, 12, 31), Features: []string{"reporting", "sso"},
				More: map[string]steward.Value{"signed": steward.OnDay(steward.Date(2025, 1, 2))}},
			{ID: "A/field app", Account: "A", Name: "Field App", Seats: none, StartDate: no, EndDate: no},
		}, got.Products),
		"tickets": cmp.Diff([]steward.Ticket{
			{ID: "T1", Account: "A", Contact: "ana@a.example", Priority: "urgent", Opened: steward.Date(2026, 3, 1), Closed: no},
			{ID: "T2", Account: "A", Priority: "low", Opened: steward.Date(2026, 1, 1), Closed: steward.Date(2026, 1, 3)},
			{ID: "T3", Account: "B", Opened: steward.Date(2026, 2, 1), Closed: today},
		}, got.Tickets),
		"tickets closed on no day": cmp.Diff(map[string]bool{"T1": false, "T2": false, "T3": true}, got.Undated),
		"surveys": cmp.Diff([]steward.Survey{
			{ID: "A/2026-03-01/nps/p1", Account: "A", Contact: "p1", Kind: steward.NPS, Day: steward.Date(2026, 3, 1), Score: 9},
			{ID: "A/2026-03-01/nps/7", Account: "A", Kind: steward.NPS, Day: steward.Date(2026, 3, 1), Score: 7},
			{ID: "A/2026-03-01/nps/6", Account: "A", Kind: steward.NPS, Day: steward.Date(2026, 3, 1), Score: 6},
			{ID: "S9", Account: "B", Contact: "p2", Kind: steward.CSAT, Day: steward.Date(2026, 3, 2), Score: 4.5},
		}, got.Surveys),
		"objectives": cmp.Diff([]steward.Objective{
			{ID: "A/roll out", Account: "A", Name: "Roll out", Metric: "active_users", Baseline: num(10), Target: num(40), Due: steward.Date(2026, 6, 30), Agreed: "p1"},
			{ID: "B/logins", Account: "B", Name: "Logins", Metric: "logins", Baseline: none, Target: num(5), Due: no},
		}, got.Objectives),
		"milestones": cmp.Diff([]steward.Milestone{{Account: "A", Name: "kickoff", Day: steward.Date(2026, 1, 5)}, {Account: "B", Name: "other thing", Day: steward.Date(2026, 1, 1)}}, got.Milestones),
		"kinds":      cmp.Diff([]FileKind{Products, Tickets, Surveys, Objectives, Milestones}, got.Kinds),
		"full lists": cmp.Diff(got.Kinds, got.FullKinds),
		"rejects": cmp.Diff([]string{`m.csv:4: column "date": lies in the future, and a milestone is something that was reached: it was left out until its day has come ("2027-01-01")`},
			rejectTexts(got.Rejects)),
	} {
		if diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

func rejectTexts(rejects []Reject) []string {
	var out []string
	for _, r := range rejects {
		out = append(out, r.String())
	}
	return out
}

// Rows that cannot be meant so are named, and the others count.
func TestRowsThatNobodyCanMean(t *testing.T) {
	good := map[FileKind]string{
		Products: "id,account,name,seats,start_date,end_date\n", Tickets: "id,account,opened,closed\n", Surveys: "id,account,day,kind,score\n",
		Objectives: "account,name,metric,target\n", Milestones: "account,name,day\n",
	}
	fine := map[FileKind]string{Products: "P,A,n,1,,\n", Tickets: "T,A,2026-01-01,\n", Surveys: "S,A,2026-01-01,nps,9\n", Objectives: "A,n,logins,1\n", Milestones: "A,n,2026-01-01\n"}
	for _, c := range []struct {
		kind      FileKind
		row, want string
	}{
		{Products, "P2,A,n,-1,,", `column "seats": is no number of seats`},
		{Products, "P2,A,n,1,2026-02-01,2026-01-01", `column "end_date": is before the product's start`},
		{Products, ",A,,1,,", "names no product: it has neither id nor name"},
		{Products, "P2,,n,1,,", `column "account": has no account`},
		{Tickets, ",A,2026-01-01,", `column "id": has no id`},
		{Tickets, "T2,A,,", `column "opened": has no day`},
		{Tickets, "T2,A,2026-05-01,", `column "opened": lies after today (2026-03-12)`},
		{Tickets, "T2,A,2026-02-01,2026-01-01", `column "closed": is before the ticket was opened`},
		{Tickets, "T,B,2026-01-01,", `column "id": is the id of line 2 too, with other values`},
		{Surveys, "S2,A,2026-01-01,nps,11", `column "score": is no score of a survey of the kind nps, which goes from 0 to 10`},
		{Surveys, "S2,A,2026-01-01,csat,0", `column "score": is no score of a survey of the kind csat, which goes from 1 to 5`},
		{Surveys, "S2,A,2026-01-01,nps,", `column "score": has no score`},
		{Surveys, "S2,A,2026-01-01,ces,5", `column "kind": is no kind of survey; write nps or csat`},
		{Surveys, "S2,A,,nps,5", `column "day": has no day`},
		{Surveys, "S2,A,2026-05-01,nps,5", `column "day": lies after today (2026-03-12)`},
		{Objectives, "A,m,clicks,1", `column "metric": is not a metric that the workspace declares`},
		{Objectives, "A,,logins,1", `column "name": has no name`},
		{Milestones, ",n,2026-01-01", `column "account": has no account`},
	} {
		got, err := readOne(c.kind, "f.csv", good[c.kind]+fine[c.kind]+c.row+"\n")
		if err != nil {
			t.Errorf("%s %q: %v", c.kind, c.row, err)
			continue
		}
		rows := len(got.Products) + len(got.Tickets) + len(got.Surveys) + len(got.Objectives) + len(got.Milestones)
		if texts := rejectTexts(got.Rejects); rows != 1 || len(texts) != 1 || !strings.Contains(texts[0], c.want) {
			t.Errorf("%s %q: %d rows, rejects %q, want %q", c.kind, c.row, rows, texts, c.want)
		}
	}
}

// Whichever of two rows with one id counts says whether the ticket has a day on
// which it was closed.
func TestTheTicketThatCountsSaysSinceWhen(t *testing.T) {
	text := "id,account,opened,closed,status\nT,A,2026-01-01,2026-01-05,closed\nT,A,2026-01-01,,closed\nU,A,2026-01-01,,open\nV,A,2026-01-01,,open\n"
	for policy, want := range map[string]bool{DuplicatesFirst: false, DuplicatesLast: true} {
		got, err := readOne(Tickets, "t.csv", text, func(s *Source) { s.Files[0].Duplicates = policy })
		if err != nil {
			t.Fatal(err)
		}
		if got.Undated["T"] != want || (got.Tickets[0].Closed == today) != want {
			t.Errorf("duplicates: %s: %+v, undated %v", policy, got.Tickets[0], got.Undated)
		}
	}
}

// What hangs on accounts comes back from any dialect, too.
func TestDealingsComeBackFromAnyDialect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDialect(t)
		if strings.ContainsAny(d.group, d.delimiter) && d.group != "" {
			d.quoteAll = true
		}
		file := func(rows [][]string) string {
			var b strings.Builder
			for _, row := range rows {
				cells := make([]string, len(row))
				for i, c := range row {
					cells[i] = d.cell(c)
				}
				b.WriteString(strings.Join(cells, d.delimiter) + d.lineEnd)
			}
			return d.encode(t, b.String())
		}
		day := func(name string) steward.Day {
			return today - steward.Day(rapid.IntRange(0, 5000).Draw(t, name))
		}
		value := func(name string) steward.Value {
			if rapid.Bool().Draw(t, name+" known") {
				return steward.Num(float64(rapid.IntRange(0, 1e8).Draw(t, name)) / 100)
			}
			return steward.Unknown(steward.NumberKind)
		}
		var want Batch
		rows := map[FileKind][][]string{
			Products:   {{"id", "account", "name", "plan", "seats", "start_date", "end_date", "features", "legal_hold"}},
			Tickets:    {{"id", "account", "contact", "priority", "opened", "closed"}},
			Surveys:    {{"id", "account", "contact", "day", "kind", "score"}},
			Objectives: {{"id", "account", "name", "metric", "baseline", "target", "due", "agreed"}},
			Milestones: {{"account", "name", "day"}},
		}
		for n := range rapid.IntRange(1, 10).Draw(t, "rows") {
			id, account := fmt.Sprint("r", n), steward.AccountID(fmt.Sprint("A", n%3))
			p := steward.Product{ID: steward.ProductID(id), Account: account, Name: wordGen.Draw(t, "name"), Plan: rapid.SampledFrom([]string{"", "pro"}).Draw(t, "plan"), Seats: value("seats"),
				StartDate: day("start"), EndDate: steward.NoDay, Features: rapid.SampledFrom([][]string{nil, {"reporting"}, {"reporting", "Single sign-on"}}).Draw(t, "features"),
				More: map[string]steward.Value{"legal_hold": steward.Bool(rapid.Bool().Draw(t, "hold"))}}
			if rapid.Bool().Draw(t, "ended") {
				p.EndDate = p.StartDate + 400
			}
			want.Products = append(want.Products, p)
			rows[Products] = append(rows[Products], []string{id, string(account), p.Name, d.text(p.Plan), d.number(p.Seats), d.day(p.StartDate), d.day(p.EndDate),
				d.text(strings.Join(p.Features, "; ")), fmt.Sprint(p.More["legal_hold"].Num == 1)})

			k := steward.Ticket{ID: id, Account: account, Contact: "p1", Priority: rapid.SampledFrom([]string{"", "urgent", "p2"}).Draw(t, "priority"), Opened: day("opened"), Closed: steward.NoDay}
			if rapid.Bool().Draw(t, "closed") {
				k.Closed = k.Opened + steward.Day(rapid.IntRange(0, 90).Draw(t, "after"))
			}
			want.Tickets = append(want.Tickets, k)
			rows[Tickets] = append(rows[Tickets], []string{id, string(account), "p1", d.text(strings.ToUpper(k.Priority)), d.day(k.Opened), d.day(k.Closed)})

			s := steward.Survey{ID: id, Account: account, Contact: "p1", Kind: steward.CSAT, Day: day("day"), Score: float64(rapid.IntRange(10, 50).Draw(t, "score")) / 10}
			want.Surveys = append(want.Surveys, s)
			rows[Surveys] = append(rows[Surveys], []string{id, string(account), "p1", d.day(s.Day), "CSAT", d.number(steward.Num(s.Score))})

			o := steward.Objective{ID: id, Account: account, Name: wordGen.Draw(t, "objective"), Metric: "active_users", Baseline: value("baseline"), Target: value("target"), Due: day("due"), Agreed: "p2"}
			want.Objectives = append(want.Objectives, o)
			rows[Objectives] = append(rows[Objectives], []string{id, string(account), o.Name, "Active users", d.number(o.Baseline), d.number(o.Target), d.day(o.Due), "p2"})

			m := steward.Milestone{Account: account, Name: fmt.Sprint("step ", n), Day: day("reached")}
			want.Milestones = append(want.Milestones, m)
			rows[Milestones] = append(rows[Milestones], []string{string(account), m.Name, d.day(m.Day)})
		}
		src := Source{Name: "desk", DateOrder: d.order, Decimal: string(rune(d.mark))}
		if d.charset == "windows-1252" {
			src.Charset = "windows-1252"
		}
		texts := map[string]string{}
		for _, kind := range FileKinds() {
			if rows[kind] != nil {
				src.Files = append(src.Files, File{Kind: kind, Path: string(kind) + ".csv"})
				texts[string(kind)+".csv"] = file(rows[kind])
			}
		}
		got, err := Read(context.Background(), src, plainSchema, files(texts), today, nil)
		if err != nil {
			t.Fatalf("%+v: %v\n%v", d, err, texts)
		}
		if len(got.Rejects) > 0 {
			t.Fatalf("%+v: %v\n%v", d, got.Rejects, texts)
		}
		for what, diff := range map[string]string{
			"products": cmp.Diff(want.Products, got.Products, cmpopts.EquateEmpty()), "tickets": cmp.Diff(want.Tickets, got.Tickets), "surveys": cmp.Diff(want.Surveys, got.Surveys),
			"objectives": cmp.Diff(want.Objectives, got.Objectives), "milestones": cmp.Diff(want.Milestones, got.Milestones),
		} {
			if diff != "" {
				t.Fatalf("%s, %+v (-want +got):\n%s\n%v", what, d, diff, texts)
			}
		}
	})
}

func TestInferWhatAccountsUseAskAndSay(t *testing.T) {
	for _, c := range []struct {
		name, text string
		kind       FileKind
		want       string // steward's names in the order of the columns
	}{
		{"export.csv", "Ticket ID,Organization ID,Requester,Priority,Created at,Solved at,Status\n1,A,a@b.de,urgent,2026-01-01,,open\n2,A,a@b.de,low,2026-01-02,2026-01-05,solved\n",
			Tickets, "id account contact priority opened closed status"},
		{"cases.csv", "Case Number,Account ID,Severity,Opened,Closed\n1,A,P1,2026-01-01,\n2,B,P2,2026-01-02,2026-01-05\n", Tickets, "id account priority opened closed"},
		{"nps.csv", "Account ID,Respondent,Response date,NPS score\nA,p1,2026-01-01,9\nA,p2,2026-01-02,3\nB,p3,2026-01-02,10\n", Surveys, "account contact day score"},
		{"answers.csv", "survey,customer id,contact id,date,rating\nCSAT,A,p1,2026-01-01,5\nCSAT,A,p2,2026-01-02,4\n", Surveys, "kind account contact day score"},
		{"products.csv", "id,account,name,plan,seats,start_date,end_date,features\n1,A,Suite,pro,25,2025-01-01,,reporting;sso\n2,A,App,,,2025-01-01,,\n", Products,
			"id account name plan seats start_date end_date features"},
		{"export.csv", "Asset ID,Account ID,Product,Licensed seats,Features\n1,A,Suite,25,reporting\n2,B,Suite,5,\n", Products, "id account name seats features"},
		{"plans.csv", "account,objective,metric,baseline,target,due date\nA,Roll out,active_users,5,40,2026-06-30\nB,Roll out,active_users,5,40,2026-06-30\n", Objectives,
			"account name metric baseline target due"},
		{"export.csv", "Account ID,Milestone,Completed on\nA,Kickoff,2026-01-05\nA,First value,2026-01-25\n", Milestones, "account name day"},
	} {
		inf := infer(t, c.name, c.text)
		var got []string
		for _, p := range inf.Columns {
			got = append(got, p.Field)
		}
		if inf.Kind != c.kind || strings.Join(got, " ") != c.want {
			t.Errorf("%q is taken for %s (%s) with %v, want %s with %s", strings.SplitN(c.text, "\n", 2)[0], inf.Kind, inf.Why, got, c.kind, c.want)
		}
	}
	for _, c := range []struct{ name, header, want string }{
		{"nps.csv", "score", "      defaults: {kind: nps}  # going by its name"},
		{"answers.csv", "CSAT score", "      defaults: {kind: csat}  # going by its name"},
		{"answers.csv", "score", "      # defaults: {kind: nps}  # or csat"},
	} {
		inf := infer(t, c.name, "account,contact,date,"+c.header+"\nA,p1,2026-01-01,5\nA,p2,2026-01-02,4\n")
		if text := inf.YAML("desk"); inf.Kind != Surveys || !strings.Contains(text, c.want) {
			t.Errorf("%s with %s is %s:\n%s", c.name, c.header, inf.Kind, text)
		}
	}
}

// Every kind of file can be read, mapped and inferred.
func TestEveryKindHasNames(t *testing.T) {
	for _, k := range FileKinds() {
		if len(targets(k, Schema{})) == 0 || len(kindWords[k]) == 0 || usual(k) < 0 {
			t.Errorf("%s has no names", k)
		}
		for _, target := range targets(k, Schema{}) {
			if !neverByItself[target.name] && !slices.Contains(synonyms[k][target.name], normalHeader(target.name)) {
				t.Errorf("%s.%s is not proposed for a header of its own name", k, target.name)
			}
		}
	}
}
