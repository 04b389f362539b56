package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"

	"steward"
)

// files opens texts by name.
func files(texts map[string]string) Open {
	return func(path string) (io.ReadCloser, error) {
		text, ok := texts[path]
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: "/srv/steward/" + path, Err: fs.ErrNotExist}
		}
		return io.NopCloser(strings.NewReader(text)), nil
	}
}

var today = steward.Date(2026, 3, 12)

var plainSchema = Schema{
	Fields:  []steward.FieldSpec{{Name: "seats", Kind: steward.NumberKind}, {Name: "plan", Kind: steward.TextKind}, {Name: "legal_hold", Kind: steward.FlagKind}, {Name: "signed", Kind: steward.DateKind}},
	Metrics: []steward.MetricSpec{{Name: "logins", Kind: steward.Count}, {Name: "active_users", Kind: steward.Gauge}},
}

// readOne reads one file of a kind.
func readOne(kind FileKind, name, text string, change ...func(*Source)) (Batch, error) {
	src := Source{Name: "crm", Files: []File{{Kind: kind, Path: name}}}
	for _, c := range change {
		c(&src)
	}
	return Read(context.Background(), src, plainSchema, files(map[string]string{name: text}), today, nil)
}

func columns(m map[string]string) func(*Source) {
	return func(s *Source) { s.Files[0].Columns = m }
}

func TestGermanSpreadsheet(t *testing.T) {
	text := "\"Kunden-Nr\";Name;\"Jahreswert \";CSM;Beginn;Verlängerung;Seats;Legal Hold\r\n" +
		"K-1;\"Müller & Söhne; Köln\";48.000,00 €;dana;01.02.2024;12.03.2026;1.250;ja\r\n" +
		";;;;;;;\r\n" +
		"K-2;\"Zwei\r\nZeilen\";12.500;;45366;;N/A;nein\r\n" +
		"K-3;Dritte;viel;lee;;;;\r\n" +
		";Summe;60.500,00 €;;;;;\r\n" +
		"K-4;Vierte;(1.200);lee;1. März 2025;;;x\r\n"
	mapped := columns(map[string]string{"id": "Kunden-Nr", "arr": "Jahreswert", "owner": "CSM", "start_date": "Beginn", "renewal_date": "Verlängerung"})
	cp1252, err := charmap.Windows1252.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte(cp1252))
	z.Close()
	var wide []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	for _, c := range []struct{ name, file, text string }{
		{"utf-8", "a.csv", text},
		{"byte order mark", "a.csv", "\ufeff" + text},
		{"windows-1252", "a.csv", cp1252},
		{"gzip", "a.csv.gz", zipped.String()},
		{"utf-16", "a.csv", string(wide)},
		{"utf-16 without a mark", "a.csv", string(wide[2:])},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readOne(Accounts, c.file, c.text, mapped)
			if err != nil {
				t.Fatal(err)
			}
			wantAccounts := []steward.Account{
				{ID: "K-1", Name: "Müller & Söhne; Köln", ARR: steward.Num(48000), Owner: "dana", StartDate: steward.Date(2024, 2, 1), RenewalDate: today,
					EscalationLevel: steward.Unknown(steward.NumberKind), More: map[string]steward.Value{"seats": steward.Num(1250), "legal_hold": steward.Bool(true)}},
				{ID: "K-2", Name: "Zwei\nZeilen", ARR: steward.Num(12500), StartDate: steward.Date(2024, 3, 15), RenewalDate: steward.NoDay,
					EscalationLevel: steward.Unknown(steward.NumberKind), More: map[string]steward.Value{"legal_hold": steward.Bool(false)}},
				{ID: "K-4", Name: "Vierte", ARR: steward.Num(-1200), Owner: "lee", StartDate: steward.Date(2025, 3, 1), RenewalDate: steward.NoDay,
					EscalationLevel: steward.Unknown(steward.NumberKind), More: map[string]steward.Value{"legal_hold": steward.Bool(true)}},
			}
			if diff := cmp.Diff(wantAccounts, got.Accounts); diff != "" {
				t.Error(diff)
			}
			wantRejects := []Reject{
				{File: c.file, Line: 6, Column: 3, ColumnName: "Jahreswert", Text: "viel", Reason: "is not a number; write it like 1234.50, or leave the cell empty where there is none"},
				{File: c.file, Line: 7, Reason: "is a totals row, not one of the list; leave totals out of the export"},
			}
			if diff := cmp.Diff(wantRejects, got.Rejects); diff != "" {
				t.Error(diff)
			}
			if got.Rows != 5 || got.Rejected != 2 {
				t.Errorf("%d rows, %d rejected", got.Rows, got.Rejected)
			}
			if diff := cmp.Diff([]string{"arr", "legal_hold", "name", "owner", "renewal_date", "seats", "start_date"}, got.AccountFields); diff != "" {
				t.Error(diff)
			}
			if got.CompleteThrough != today-1 || got.NewestDay != steward.NoDay {
				t.Errorf("complete through %s, newest %s", got.CompleteThrough, got.NewestDay)
			}
		})
	}
}

// What stops a whole file, and what the error says to do.
func TestRefusedFiles(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   FileKind
		text   string
		change func(*Source)
		want   string
	}{
		{"empty", Accounts, "", nil, "is empty"},
		{"missing mapped column", Accounts, "id,Nmae\n1,x\n", columns(map[string]string{"name": "Name"}), `name is mapped to the column "Name", which is not there; did you mean "Nmae"?`},
		{"missing id", Accounts, "acount id,name\n1,x\n", nil, "no column holds the id"},
		{"unknown name", Accounts, "id\n1\n", columns(map[string]string{"ownr": "id"}), `did you mean "owner"?`},
		{"header twice", Accounts, "id,name,Name\n1,x,y\n", nil, "stands over columns 2 and 3"},
		{"ambiguous dates", Accounts, "id,start_date\n1,3/4/2025\n2,5/6/2025\n", nil, "set date_order: dmy or date_order: mdy"},
		{"ambiguous numbers", Accounts, "id\tarr\n1\t48.000\n2\t12.500\n", nil, `set decimal: "." or decimal: ","`},
		{"mostly rejected", Accounts, "id,arr\n1,x\n2,y\n3,4\n", nil, `2 of its 3 rows could not be read, so nothing was taken from it: for instance line 2, column "arr" is not a number`},
		{"duplicates: error", Accounts, "id,name\n1,a\n1,b\n", func(s *Source) { s.Files[0].Duplicates = DuplicatesError }, `"1" is the id of line 2 too`},
		{"no metric", Metrics, "account,day,visits\n1,2026-01-01,4\n", nil, "no column holds a metric that the workspace declares"},
		{"metric without value", Metrics, "account,day,metric\n1,2026-01-01,logins\n", nil, "no column holds the value"},
		{"repeated day", Metrics, "account,day,logins\n1,2026-01-01,4\n1,2026-01-01,5\n", nil, "set same_day: sum"},
		{"repeated day, unsorted", Metrics, "account,day,logins\n1,2026-01-01,4\n1,2026-01-02,1\n1,2026-01-01,5\n", nil, "a.csv:4: account \"1\" has a value of logins for 2026-01-01 already, on line 2"},
		{"bad setting", Accounts, "id\n1\n", func(s *Source) { s.DateOrder = "american" }, "use dmy, mdy or ymd"},
		{"bad charset", Accounts, "id\n1\n", func(s *Source) { s.Charset = "klingon" }, "use utf-8"},
		{"bad delimiter", Accounts, "id\n1\n", func(s *Source) { s.Delimiter = "::" }, "use one character"},
		{"bad complete_through", Metrics, "id\n1\n", func(s *Source) { s.CompleteThrough = "sometimes" }, "a lag such as 2d"},
		{"spreadsheet", Accounts, "PK", func(s *Source) { s.Files[0].Path = "a.xlsx" }, "save it as CSV"},
		{"missing file", Accounts, "id\n1\n", func(s *Source) { s.Files[0].Path = "b.csv" }, "b.csv: the accounts file is missing: file does not exist; put it there, or change its path in steward.yaml"},
		{"cut gzip", Accounts, "\x1f\x8b\x08\x00\x00", nil, "is not a whole gzip file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.change == nil {
				c.change = func(*Source) {}
			}
			got, err := readOne(c.kind, "a.csv", c.text, c.change)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %+v and the error %v, want one that says %q", got, err, c.want)
			}
			if len(got.Accounts)+len(got.Series) != 0 {
				t.Errorf("something is imported with an error: %+v", got)
			}
			var e *Error
			if !errors.As(err, &e) || e.Source != "crm" {
				t.Errorf("the error is %#v, want an *Error of the source", err)
			}
		})
	}
}

func TestDateOrders(t *testing.T) {
	head := "id,start_date,renewal_date\n"
	many := strings.Repeat("y,13/1/2025,\n", 400)
	for _, c := range []struct {
		name, text  string
		want        string // the start of the first account
		rejectLines []int
	}{
		{"day first", head + "a,3/4/2025,\nb,13/4/2025,\n", "2025-04-03", nil},
		{"month first", head + "a,3/4/2025,\nb,4/13/2025,\n", "2025-03-04", nil},
		{"proven far below", head + "a,3/4/2025,\n" + strings.Repeat("x,1/1/2025,\n", 3000) + "b,31/4/2024,\nc,31/5/2024,\n", "2025-04-03", []int{3003}},
		{"the other column proves it", head + "a,3/4/2025,25/12/2026\n", "2025-04-03", nil},
		{"both: the doubtful one is rejected", head + "a,13/4/2025,\nb,3/4/2025,\nc,4/13/2025,\n", "2025-04-13", []int{3}},
		{"one slip in many", head + "a,3/4/2025,\n" + many + "z,1/13/2025,\n", "2025-04-03", []int{403}},
		{"the same either way", head + "a,4/4/2025,\n", "2025-04-04", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readOne(Accounts, "a.csv", c.text, func(s *Source) { s.Files[0].Duplicates = DuplicatesFirst })
			if err != nil {
				t.Fatal(err)
			}
			if got.Accounts[0].StartDate.String() != c.want {
				t.Errorf("starts on %s, want %s", got.Accounts[0].StartDate, c.want)
			}
			var lines []int
			for _, r := range got.Rejects {
				lines = append(lines, r.Line)
			}
			if diff := cmp.Diff(c.rejectLines, lines); diff != "" {
				t.Errorf("%s\n%v", diff, got.Rejects)
			}
		})
	}
}

func TestRowsPutAside(t *testing.T) {
	text := "id,name,arr\n" +
		"a,ok,1\n" +
		"b,short\n" +
		"c,long,1,2\n" +
		"d,fine,2,,\n" +
		"e,\"open,3\n" +
		"f,ok,4\n" +
		"g,ze\x00ro,5\n" +
		",nobody,6\n" +
		"1.2346E+11,rounded,7\n" +
		"h,ok,8\ni,ok,9\nj,ok,1\nk,ok,1\n" +
		"a,other,1\n" +
		"a,ok,1\n"
	got, err := readOne(Accounts, "a.csv", text)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a.csv:3: has 2 cells where the header has 3; look for a missing delimiter or a line break inside a cell without quotation marks",
		"a.csv:4: has 4 cells where the header has 3; look for a delimiter inside a cell without quotation marks",
		"a.csv:6: opens a quotation mark that is not closed; close it, or double the marks inside the cell",
		`a.csv:8: column "name": holds a zero byte; the file is damaged, export it again`,
		`a.csv:9: column "id": has no id; give the row one, or remove it`,
		`a.csv:10: column "id": is an id that a spreadsheet has rounded; format the column as text and export it again ("1.2346E+11")`,
		`a.csv:15: column "id": is the id of line 2 too, with other values; mend the export, or set duplicates: first or last for the file ("a")`,
	}
	var texts []string
	for _, r := range got.Rejects {
		texts = append(texts, r.String())
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Error(diff)
	}
	var ids []string
	for _, a := range got.Accounts {
		ids = append(ids, string(a.ID))
	}
	if diff := cmp.Diff([]string{"a", "d", "f", "h", "i", "j", "k"}, ids); diff != "" {
		t.Error(diff)
	}
}

func TestDuplicatesFirstAndLast(t *testing.T) {
	for policy, want := range map[string]string{DuplicatesFirst: "one", DuplicatesLast: "three", DuplicatesReject: "one"} {
		got, err := readOne(Accounts, "a.csv", "id,name\na,one\nb,x\nc,x\nd,x\na,two\na,three\n", func(s *Source) { s.Files[0].Duplicates = policy })
		if err != nil {
			t.Fatal(err)
		}
		if got.Accounts[0].Name != want || len(got.Accounts) != 4 {
			t.Errorf("duplicates %q: %q of %d accounts, want %q of 4", policy, got.Accounts[0].Name, len(got.Accounts), want)
		}
	}
}

func TestContactsTouchesContracts(t *testing.T) {
	src := Source{Name: "crm", Full: true, Files: []File{
		{Kind: Contacts, Path: "p.csv", Defaults: map[string]string{"locale": "de"}},
		{Kind: Touches, Path: "t.jsonl"},
		{Kind: Contracts, Path: "c.csv"},
	}}
	open := files(map[string]string{
		"p.csv": "account id,First Name,last-name,E-Mail,Roles,locale\n" +
			"A,Dana,Reyes,dana@example.com,Champion; Economic Buyer|admin,en\n" +
			"A,Lee,,lee at example,,\n" +
			"B,Null,,x@y.z; u@v.w,,\n",
		"t.jsonl": `{"account":"A","day":"2026-03-01T22:30:00Z","kind":"Call","by":"dana","note":{"x":1}}` + "\n" + `{"account":"A","day":"2026-03-01T22:30:00Z","kind":"call","by":"dana"}` + "\n",
		"c.csv":   "contract_id,account_id,start date,end date,notice_days,amount,auto renew,canceled\nC1,A,2025-01-01,2026-01-01,90,\"1,200.50\",TRUE,\nC2,A,2026-05-01,2026-01-01,,1,,\nC3,B,,,,,x,yes\n",
	})
	got, err := Read(context.Background(), src, Schema{}, open, today, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantContacts := []steward.Contact{
		{ID: "A/dana@example.com", Account: "A", Name: "Dana Reyes", Email: "dana@example.com", Roles: []string{"champion", "economic_buyer", "admin"}, Locale: "en", LastSeen: steward.NoDay},
		{ID: "A/lee", Account: "A", Name: "Lee", Locale: "de", LastSeen: steward.NoDay},
		{ID: "B/null", Account: "B", Name: "Null", Locale: "de", LastSeen: steward.NoDay},
	}
	if diff := cmp.Diff(wantContacts, got.Contacts); diff != "" {
		t.Error(diff)
	}
	wantTouches := []steward.Touch{{ID: "A/2026-03-01/call//dana", Account: "A", Day: steward.Date(2026, 3, 1), Kind: "call", By: "dana"}}
	if diff := cmp.Diff(wantTouches, got.Touches); diff != "" {
		t.Error(diff)
	}
	wantContracts := []steward.Contract{
		{ID: "C1", Account: "A", StartDate: steward.Date(2025, 1, 1), EndDate: steward.Date(2026, 1, 1), NoticeDate: steward.Date(2025, 10, 3), Amount: steward.Num(1200.5), AutoRenew: true},
		{ID: "C3", Account: "B", StartDate: steward.NoDay, EndDate: steward.NoDay, NoticeDate: steward.NoDay, Amount: steward.Unknown(steward.NumberKind), AutoRenew: true, Cancelled: true},
	}
	if diff := cmp.Diff(wantContracts, got.Contracts); diff != "" {
		t.Error(diff)
	}
	warnings := 0
	for _, r := range got.Rejects {
		if r.Warning {
			warnings++
		}
	}
	if warnings != 2 || got.Rejected != 1 {
		t.Errorf("%d warnings and %d rejected, want the two addresses and the contract that ends before it starts: %v", warnings, got.Rejected, got.Rejects)
	}
	if diff := cmp.Diff([]FileKind{Contracts, Contacts, Touches}, got.FullKinds); diff != "" {
		t.Error(diff)
	}
}

func at(t *testing.T, b Batch, account, metric string, day steward.Day) float64 {
	t.Helper()
	v, ok := b.Series[SeriesKey{steward.AccountID(account), metric}].At(day)
	if !ok {
		t.Errorf("%s has no %s on %s", account, metric, day)
	}
	return v
}

func TestWideMetrics(t *testing.T) {
	text := "Account ID;Date;Logins;Active Users\nA;12.03.2026;5;2\nA;10.03.2026;3;\nA;12.03.2026;1;4\nB;11.03.2026;-;1,5\n"
	day := steward.Date(2026, 3, 12)
	sum, err := readOne(Metrics, "u.csv", text, func(s *Source) { s.SameDay = SameDaySum })
	if err != nil {
		t.Fatal(err)
	}
	if got := [3]float64{at(t, sum, "A", "logins", day), at(t, sum, "A", "active_users", day), at(t, sum, "B", "active_users", day-1)}; got != [3]float64{6, 6, 1.5} {
		t.Errorf("summed: %v", got)
	}
	last, err := readOne(Metrics, "u.csv", text, func(s *Source) { s.SameDay = SameDayLast })
	if err != nil {
		t.Fatal(err)
	}
	if got := [2]float64{at(t, last, "A", "logins", day), at(t, last, "A", "active_users", day)}; got != [2]float64{1, 4} {
		t.Errorf("last: %v", got)
	}
	if _, ok := sum.Series[SeriesKey{"B", "logins"}]; ok {
		t.Error("an absent value became an observation")
	}
	if _, ok := sum.Series[SeriesKey{"A", "active_users"}].At(day - 2); ok {
		t.Error("an absent value became an observation")
	}
	if diff := cmp.Diff([]string{"active_users", "logins"}, sum.Metrics); diff != "" {
		t.Error(diff)
	}
	if sum.NewestDay != day || sum.CompleteThrough != day-1 {
		t.Errorf("newest %s, complete through %s", sum.NewestDay, sum.CompleteThrough)
	}
}

func TestLongMetrics(t *testing.T) {
	text := "account,day,metric,value\nA,2026-03-10,Logins,5\nA,2026-03-10,Active-Users,2\nA,2026-03-11,sign ins,7\nA,2026-03-11,page_views,9\nB,2026-03-11,page views,9\nA,2026-03-12,logins,n/a\n"
	got, err := readOne(Metrics, "u.csv", text, columns(map[string]string{"logins": "Sign Ins"}))
	if err != nil {
		t.Fatal(err)
	}
	day := steward.Date(2026, 3, 10)
	if v := [3]float64{at(t, got, "A", "logins", day), at(t, got, "A", "active_users", day), at(t, got, "A", "logins", day+1)}; v != [3]float64{5, 2, 7} {
		t.Errorf("values %v", v)
	}
	want := []Reject{{File: "u.csv", Line: 5, Column: 3, ColumnName: "metric", Text: "page_views", Warning: true,
		Reason: "is a metric that the workspace does not declare: 2 rows of it were left out; declare it under metrics to keep them"}}
	if diff := cmp.Diff(want, got.Rejects); diff != "" {
		t.Error(diff)
	}
}

func TestCompleteThrough(t *testing.T) {
	text := "account,day,logins,as_of\nA,2026-03-05,5,2026-03-07\nA,2026-03-06,5,2026-03-08\n"
	for setting, want := range map[string]string{
		"": "2026-03-06", "yesterday": "2026-03-06", "2d": "2026-03-06", "9d": "2026-03-03",
		"2026-03-10": "2026-03-10", "2027-01-01": "2026-03-12", "column:as_of": "2026-03-08",
	} {
		got, err := readOne(Metrics, "u.csv", text, func(s *Source) { s.CompleteThrough = setting })
		if err != nil || got.CompleteThrough.String() != want {
			t.Errorf("complete_through %q gives %s, %v; want %s", setting, got.CompleteThrough, err, want)
		}
	}
	if got, err := readOne(Metrics, "u.csv", "account,day,logins\n"); err != nil || got.CompleteThrough != steward.NoDay {
		t.Errorf("a file without rows is complete through %s, %v", got.CompleteThrough, err)
	}
}

// A metric's day that no series should have.
func TestMetricDaysOutOfReach(t *testing.T) {
	text := "account,day,logins\nA,2026-03-12,1\nA,2026-03-13,1\nA,2026-03-14,1\nA,1969-12-31,1\nA,,1\nB,2026-03-11,1\nC,2026-03-11,1\n"
	got, err := readOne(Metrics, "u.csv", text)
	if err != nil {
		t.Fatal(err)
	}
	var lines []int
	for _, r := range got.Rejects {
		lines = append(lines, r.Line)
	}
	if diff := cmp.Diff([]int{4, 5, 6}, lines); diff != "" {
		t.Errorf("%s\n%v", diff, got.Rejects)
	}
}

func TestJoin(t *testing.T) {
	src := Source{Name: "usage", SameDay: SameDaySum, Files: []File{{Kind: Metrics, Path: "u.csv", Via: &Join{File: "s.csv", Key: "site", Account: "customer"}}}}
	open := files(map[string]string{
		"u.csv": "site,day,logins\nS1,2026-03-10,1\nS2,2026-03-10,2\nS3,2026-03-10,4\nS4,2026-03-10,8\nS1,2026-03-11,1\nS2,2026-03-11,1\n",
		"s.csv": "site;customer\nS1;A\nS2;A\nS3;A\nS3;B\n",
	})
	got, err := Read(context.Background(), src, plainSchema, open, today, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := at(t, got, "A", "logins", steward.Date(2026, 3, 10)); v != 3 {
		t.Errorf("A has %v logins, want 3", v)
	}
	if len(got.Rejects) != 2 || !strings.Contains(got.Rejects[0].Reason, "more than one account") || !strings.Contains(got.Rejects[1].Reason, "is not in s.csv") {
		t.Errorf("rejects %v", got.Rejects)
	}
}

// The same Salesforce record is spelt with 15 characters in reports and with
// 18 by the API.
func TestSalesforceIDs(t *testing.T) {
	for short, long := range map[string]string{
		"001000000000001": "001000000000001AAA",
		"00130000003U9tJ": "00130000003U9tJAAS",
		"ABCDEabcde01234": "ABCDEabcde012345AA",
		"aBcDe00000zzzzZ": "aBcDe00000zzzzZKAQ",
		"C-17":            "C-17",
	} {
		if got := crmID(short); got != long {
			t.Errorf("crmID(%s) = %s, want %s", short, got, long)
		}
	}
	src := Source{Name: "crm", Files: []File{{Kind: Accounts, Path: "a.csv"}, {Kind: Metrics, Path: "u.csv"}}}
	texts := map[string]string{
		"a.csv": "id,name,parent\naBcDe00000zzzzZKAQ,One,\n001000000000001AAA,Two,aBcDe00000zzzzZ\n",
		"u.csv": "account,day,logins\naBcDe00000zzzzZ,2026-03-10,1\n",
	}
	got, err := Read(context.Background(), src, plainSchema, files(texts), today, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := at(t, got, "aBcDe00000zzzzZKAQ", "logins", steward.Date(2026, 3, 10)); v != 1 || got.Accounts[1].Parent != "aBcDe00000zzzzZKAQ" {
		t.Errorf("both spellings are not one: %v, parent %s", got.Series, got.Accounts[1].Parent)
	}
	// Check characters that are wrong prove nothing: the ids stay as they are.
	texts["a.csv"] = "id,name\naBcDe00000zzzzZXXX,One\n"
	if got, err = Read(context.Background(), src, plainSchema, files(texts), today, nil); err != nil {
		t.Fatal(err)
	}
	at(t, got, "aBcDe00000zzzzZ", "logins", steward.Date(2026, 3, 10))
	src.Account = "salesforce"
	if got, err = Read(context.Background(), src, plainSchema, files(texts), today, nil); err != nil {
		t.Fatal(err)
	}
	at(t, got, "aBcDe00000zzzzZKAQ", "logins", steward.Date(2026, 3, 10))
}

func TestReadStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	text := "id,name\n" + strings.Repeat("a,b\n", 50_000)
	src := Source{Name: "crm", Files: []File{{Kind: Accounts, Path: "a.csv"}}}
	_, err := Read(ctx, src, Schema{}, files(map[string]string{"a.csv": text}), today, func(string, int64, int64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("read ends with %v, want it cancelled", err)
	}
}

// fuzzRead reads data as every kind of file: no panic, and every position
// inside the input.
func fuzzRead(t *testing.T, data []byte, name string) {
	t.Helper()
	lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + 1
	open := func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	for _, kind := range FileKinds() {
		src := Source{Name: "fuzz", SameDay: SameDaySum, Zone: time.UTC, Files: []File{{Kind: kind, Path: name}}}
		got, err := Read(context.Background(), src, plainSchema, open, today, nil)
		rejects := got.Rejects
		var e *Error
		if errors.As(err, &e) {
			rejects = append(rejects, e.Rejects...)
			if e.Line > lines {
				t.Errorf("an error on line %d of %d: %v", e.Line, lines, e)
			}
		}
		for _, r := range rejects {
			if r.Line < 1 || r.Line > lines || r.Column < 0 || r.Column > MaxColumns || r.Reason == "" {
				t.Errorf("reject %+v in %d lines", r, lines)
			}
		}
		if got.Rejected*2 > got.Rows && got.Rows > 0 {
			t.Errorf("%d of %d rejected without an error", got.Rejected, got.Rows)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"id,name,arr,start_date\na,b,1,2026-01-01\n",
		"account;day;logins\nA;12.03.2026;1.234,5\n",
		"account_id,date,metric,value\nA,3/13/2026,logins,1\n",
		"account,email,roles\nA,x@y.z,\"a;b\"\n",
		"id,account,opened,status\n1,A,2026-01-01,solved\n", "account,date,kind,score\nA,2026-01-01,NPS,9\n", "account,name,metric,target\nA,x,logins,5\n",
		"account,milestone,date\nA,kickoff,2026-01-01\n", "account,product,seats,features\nA,suite,5,a|b\n",
		"\xff\xfea\x00,\x00b\x00\n\x00", "\x1f\x8b", "id\r1\r2\r", "id\n\"\n", "id,id\n1,2\n", "\x00\x00\x00\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzRead(t, data, "data.csv")
		if inf, err := Infer("data.csv", bytes.NewReader(data)); err == nil {
			for i, line := range strings.Split(inf.YAML("src"), "\n") {
				if strings.ContainsAny(line, "\r\x00\u0085\u2028") {
					t.Errorf("line %d of the proposal breaks: %q", i+1, line)
				}
			}
		}
	})
}

func BenchmarkReadMetrics(b *testing.B) {
	var text strings.Builder
	text.WriteString("account,day,logins,active_users\n")
	rows := 0
	for a := range 1000 {
		for d := range 100 {
			fmt.Fprintf(&text, "A%04d,%s,%d,%d\n", a, (today - steward.Day(d)), (a*d)%97, d%13)
			rows++
		}
	}
	src := Source{Name: "usage", Files: []File{{Kind: Metrics, Path: "u.csv"}}}
	open := files(map[string]string{"u.csv": text.String()})
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if _, err := Read(context.Background(), src, plainSchema, open, today, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// Two ways of writing dates in one column: what can be read one way alone is.
func TestDottedDatesBesideSlashes(t *testing.T) {
	got, err := readOne(Accounts, "a.csv", "id,start_date\na,12/25/2025\nb,05.04.2025\nc,3/4/2025\nd,1.2.2025\n")
	if err != nil {
		t.Fatal(err)
	}
	var days []string
	for _, a := range got.Accounts {
		days = append(days, a.StartDate.String())
	}
	if diff := cmp.Diff([]string{"2025-12-25", "2025-04-05", "2025-02-01"}, days); diff != "" || got.Rejected != 1 {
		t.Errorf("%s\n%v", diff, got.Rejects)
	}
}

func TestYearFirstGivenDoesNotDecideDays(t *testing.T) {
	got, err := readOne(Accounts, "a.csv", "id,start_date\na,2025-12-25\nb,3/4/2025\nc,25/4/2025\nd,26-03-12\n", func(s *Source) { s.DateOrder = "ymd" })
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Accounts) != 3 || got.Rejects[0].Line != 3 || got.Accounts[2].StartDate != today {
		t.Errorf("%+v\n%v", got.Accounts, got.Rejects)
	}
}

func TestDeclaredDelimiter(t *testing.T) {
	got, err := readOne(Accounts, "a.csv", "sep=|\r\nid|name\r\n1|a;b,c\r\n|x\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if got.Accounts[0].Name != "a;b,c" || got.Rejects[0].Line != 4 {
		t.Errorf("%+v %v", got.Accounts, got.Rejects)
	}
}

func TestCharsetGiven(t *testing.T) {
	text, err := charmap.Macintosh.NewEncoder().String("id,Größe\n1,Käse\n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := readOne(Accounts, "a.csv", text, columns(map[string]string{"name": "größe"}), func(s *Source) { s.Charset = "macintosh" })
	if err != nil || got.Accounts[0].Name != "Käse" {
		t.Errorf("%+v, %v", got.Accounts, err)
	}
	got, err = readOne(Accounts, "a.csv", "id,name\n1,ok\n2,K\xe4se\n", func(s *Source) { s.Charset = "utf-8" })
	if err != nil || len(got.Rejects) != 1 || !strings.Contains(got.Rejects[0].Reason, "set charset") {
		t.Errorf("%v, %v", got.Rejects, err)
	}
}

// Meetings that are planned are no touches yet, and no fault of the file.
func TestTouchesToCome(t *testing.T) {
	got, err := readOne(Touches, "t.csv", "account,date,kind\nA,2026-03-12,call\nA,2026-04-12,call\nA,2026-04-13,call\nA,,call\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Touches) != 1 || got.Rejected != 1 || len(got.Rejects) != 3 || !got.Rejects[0].Warning {
		t.Errorf("%+v\n%v", got.Touches, got.Rejects)
	}
}

// A mail that came from the customer is their reply; one that went to them is a
// touch of ours.
func TestMailsOfCustomersAreReplies(t *testing.T) {
	got, err := readOne(Touches, "t.csv", "account,date,kind,direction\nA,2026-03-01,email,in\nA,2026-03-02,Email,INBOUND\nA,2026-03-03,email,out\nA,2026-03-04,email,\nA,2026-03-05,call,in\nA,2026-03-06,reply,\n")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, touch := range got.Touches {
		kinds = append(kinds, fmt.Sprintf("%s %v", touch.Kind, touch.Reached()))
	}
	if want := "[reply false reply false email true email true call true reply false]"; fmt.Sprint(kinds) != want {
		t.Errorf("%v, want %s", kinds, want)
	}
}

func TestProgressAndFileOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	var b strings.Builder
	b.WriteString("id,name\n")
	for i := range 20_000 {
		fmt.Fprintf(&b, "%d,a\n", i)
	}
	text := b.String()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var last, calls int64
	src := Source{Name: "crm", Files: []File{{Kind: Accounts, Path: path}}}
	got, err := Read(context.Background(), src, Schema{}, func(p string) (io.ReadCloser, error) { return os.Open(p) }, today, func(file string, done, total int64) {
		if done < last || done > total || total != int64(len(text)) {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
		calls++
	})
	if err != nil || len(got.Accounts) != 20_000 {
		t.Fatalf("%d accounts, %v", len(got.Accounts), err)
	}
	if last != int64(len(text)) || calls < 10 {
		t.Errorf("progress ends at %d of %d after %d calls", last, len(text), calls)
	}
}

// A list of events becomes daily counts.
func TestEventsAreCounted(t *testing.T) {
	text := "account,date,event\nA,2026-03-10T08:00:00Z,login\nA,2026-03-10T09:00:00Z,login\nB,2026-03-10T09:00:00Z,login\n"
	got, err := readOne(Metrics, "e.csv", text, func(s *Source) {
		s.SameDay, s.Files[0].Defaults = SameDaySum, map[string]string{"logins": "1"}
	})
	if err != nil {
		t.Fatal(err)
	}
	day := steward.Date(2026, 3, 10)
	if v := [2]float64{at(t, got, "A", "logins", day), at(t, got, "B", "logins", day)}; v != [2]float64{2, 1} {
		t.Errorf("counts %v", v)
	}
}
