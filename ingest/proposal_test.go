package ingest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/configs"
)

// fields is the header of each field that the proposal maps, guesses left out;
// declared fields have their kind behind them.
func fields(inf Inference) map[string]string {
	out := map[string]string{}
	for _, p := range inf.Columns {
		if p.Field == "" || p.Confidence == "guess" {
			continue
		}
		name := p.Field
		if p.Declare {
			name += " " + p.Kind.String()
		}
		out[name] = p.Header
	}
	return out
}

// proposed pastes a file's proposal into the example workspace, loads it, and
// imports the file as the loaded workspace says.
func proposed(t *testing.T, name, text string) (*configs.Workspace, Batch) {
	t.Helper()
	example, err := fs.ReadFile(configs.Example(), "owners.yaml")
	if err != nil {
		t.Fatal(err)
	}
	yaml := infer(t, name, text).YAML("crm")
	ws, problems := configs.Load(fstest.MapFS{"steward.yaml": {Data: []byte(yaml)}, "owners.yaml": {Data: example}, name: {Data: []byte(text)}}, "", func(string) string { return "" })
	if len(problems) > 0 {
		t.Fatalf("%v in:\n%s", problems, yaml)
	}
	s := ws.Sources[0]
	src := Source{Name: s.Name, DateOrder: s.DateOrder, Decimal: s.Decimal, SameDay: s.SameDay}
	for _, f := range s.Files {
		src.Files = append(src.Files, File{Kind: FileKind(f.Kind), Path: f.Path, Columns: f.Columns, Defaults: f.Defaults})
	}
	open := func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
	batch, err := Read(t.Context(), src, Schema{Fields: ws.Fields, Metrics: ws.Metrics}, open, today, nil)
	if err != nil {
		t.Fatalf("%v with:\n%s", err, yaml)
	}
	return ws, batch
}

// A new workspace's portfolio takes in accounts whose status is customer, so an
// export that says nothing about it must not leave the portfolio empty.
func TestProposalWithoutStatus(t *testing.T) {
	for name, text := range map[string]string{
		"no column":     "id,name,arr\n1,a,5\n2,b,6\n",
		"only a guess":  "id,name,type\n1,a,Partner\n2,b,Direct\n",
		"only an empty": "id,name,status\n1,a,\n2,b,\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, batch := proposed(t, "accounts.csv", text)
			for _, a := range batch.Accounts {
				if a.Status != "customer" {
					t.Errorf("account %s has the status %q", a.ID, a.Status)
				}
			}
			if len(batch.Accounts) != 2 {
				t.Errorf("%d accounts, want 2", len(batch.Accounts))
			}
		})
	}
}

func TestProposalWithStatus(t *testing.T) {
	for _, c := range []struct{ text, said string }{
		{"id,name,status\n1,a,customer\n2,b,prospect\n", ""},
		{"id,name,status\n1,a,Active\n2,b,Active\n3,c,Churned\n", "include: status == 'Active' and not test"},
		{"id,name,type\n1,a,Prospect\n2,b,Prospect\n3,c,Customer\n", "include: status == 'Customer' and not test"},
	} {
		text := infer(t, "accounts.csv", c.text).YAML("crm")
		if strings.Contains(text, "defaults:") {
			t.Errorf("a default stands over what the file says in:\n%s", text)
		}
		if got := strings.Contains(text, "include:"); !strings.Contains(text, c.said) || got != (c.said != "") {
			t.Errorf("want %q in:\n%s", c.said, text)
		}
	}
	contacts := infer(t, "contacts.csv", "account_id,name,email\n1,a,a@x.de\n2,b,b@x.de\n").YAML("crm")
	if strings.Contains(contacts, "defaults:") {
		t.Errorf("contacts have no status, yet:\n%s", contacts)
	}
}

// Headers of an account's id, whose values are figures all of them.
func TestProposalFindsID(t *testing.T) {
	for _, header := range []string{"Kunde-ID", "Kunden-ID", "Kundennr", "Kunden-Nr.", "Kundennummer", "Debitorennummer", "Customer No", "Customer No.", "Customer Number",
		"Account #", "Account#", "AccountId", "ACCOUNT ID", "Account ID (18)", "18 Digit Account ID", "company_id", "CompanyID", "Our customer no", "SFDC Account ID", "Account_Number__c", "Org ID", "Tenant UUID", "Record ID"} {
		for _, repeats := range []bool{false, true} {
			second := "1002"
			if repeats {
				second = "1001"
			}
			inf := infer(t, "accounts.csv", header+";Name;Users\n1001;a;5\n"+second+";b;7\n1003;c;9\n")
			want := map[string]string{"id": header, "name": "Name", "users number": "Users"}
			if diff := cmp.Diff(want, fields(inf)); diff != "" || inf.Kind != Accounts {
				t.Errorf("%s, repeated: %t: %s %s", header, repeats, inf.Kind, diff)
			}
		}
	}
}

func TestProposalChoosesID(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"the one that never repeats", "Account ID,Customer No,Name\n7,1,a\n7,2,b\n", "Customer No"},
		{"an id before a name", "Account,Account ID,ARR\nAcme,1,5\nBolt,2,6\n", "Account ID"},
		{"a name where there is no id", "Account,Owner,ARR\nAcme,d,5\nBolt,e,6\n", "Account"},
		{"none where several repeat", "Account ID,Customer No,Name\n7,1,a\n7,1,b\n", ""},
	} {
		inf := infer(t, "accounts.csv", c.text)
		if got := fields(inf)["id"]; got != c.want {
			t.Errorf("%s: id is %q, want %q", c.name, got, c.want)
		}
		for _, p := range inf.Columns {
			if namesAnID(p.Header) && p.Declare && p.Kind == steward.NumberKind {
				t.Errorf("%s: %s is taken for a number", c.name, p.Header)
			}
		}
	}
}

func TestProposalOfDirtyDates(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,Our renewal date,Go live\n")
	for i := range 20 {
		renewal, live := fmt.Sprintf("%02d.03.2027", i+1), "01.02.2024"
		switch i {
		case 3, 8:
			renewal = "31.06.2027"
		case 5:
			renewal, live = "", "30.02.2024"
		}
		fmt.Fprintf(&b, "%d,%s,%s\n", i, renewal, live)
	}
	inf := infer(t, "accounts.csv", b.String())
	renewal, live := inf.Columns[1], inf.Columns[2]
	if renewal.Field != "renewal_date" || renewal.Kind != steward.DateKind || renewal.Rejected != 2 ||
		renewal.Reason != `the header, and 17 of 19 values are dates; the 2 rows with the others, such as "31.06.2027", will be rejected` {
		t.Errorf("%+v", renewal)
	}
	if live.Field != "go_live" || live.Kind != steward.DateKind || live.Rejected != 1 || live.Reason != `19 of 20 values are dates; the row with "30.02.2024" will be rejected` {
		t.Errorf("%+v", live)
	}
	if _, batch := proposed(t, "accounts.csv", b.String()); batch.Rejected != renewal.Rejected+live.Rejected || len(batch.Accounts) != 17 {
		t.Errorf("%d rejected, %d accounts; the proposal promised %d and %d", batch.Rejected, len(batch.Accounts), 3, 17)
	}
	// Versions are written like dates, and are none.
	if p := infer(t, "accounts.csv", "id,version\n1,12.3.4\n2,12.4.0\n3,1.1.2020\n").Columns[1]; p.Kind != steward.TextKind {
		t.Errorf("versions are taken for %s", p.Kind)
	}
}

// Exports as the programs write them: what is mapped, and that the proposal as
// it stands loads and imports.
func TestProposalOfExports(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		want             map[string]string
		rows, rejected   int
	}{
		{"German spreadsheet", "kunden.csv", "Kunde-ID;Firma (Name);Jahresumsatz (EUR);ARR in €;Betreuer/in;Kunde seit;Verlängerung am;Segment;Anzahl Nutzer;Aktiv;PLZ\n" +
			"1001;Müller GmbH;1.200.000,00;48.000,00;Dana Weiß;01.02.2024;31.06.2027;Mittelstand;25;ja;70173\n" +
			"1002;Schöne AG;900.000,50;12.500,50;Lee;13.05.2023;30.04.2027;KMU;7;ja;01067\n" +
			"1003;Groß KG;;9.900,00;Lee;;;KMU;3;nein;50667\n" +
			"Summe;;2.100.000,50;70.400,50;;;;;35;;\n",
			map[string]string{"id": "Kunde-ID", "name": "Firma (Name)", "arr": "ARR in €", "owner": "Betreuer/in", "start_date": "Kunde seit", "renewal_date": "Verlängerung am", "segment": "Segment",
				"jahresumsatz_eur number": "Jahresumsatz (EUR)", "anzahl_nutzer number": "Anzahl Nutzer", "aktiv flag": "Aktiv", "plz text": "PLZ"}, 4, 2},
		{"Salesforce report", "report.csv", "\"Account ID (18)\",\"Account Name\",\"Account Owner\",\"ARR Currency\",\"ARR (converted)\",\"Type\",\"Customer Segment__c\",\"Next_Renewal_Date__c\",\"Account Created Date\",\"Parent Account ID\",\"Annual Revenue\"\n" +
			"0011t00000ABCdEAAX,Acme,Dana Lee,USD,\"48,000.00\",Customer,ENT,3/31/2027,1/15/2024,,5\n0011t00000ABCdFAAX,Bolt,Dana Lee,USD,\"12,000.00\",Customer,SMB,12/1/2026,7/4/2023,0011t00000ABCdEAAX,6\n" +
			"0011t00000ABCdGAAX,Cog,Sam Roe,USD,\"9,500.00\",Prospect,SMB,,2/29/2024,,7\n\n\"Grand Totals (3 records)\"\n\"Confidential Information - Do Not Distribute\"\n",
			map[string]string{"id": "Account ID (18)", "name": "Account Name", "owner": "Account Owner", "currency": "ARR Currency", "arr": "ARR (converted)", "status": "Type",
				"segment": "Customer Segment__c", "renewal_date": "Next_Renewal_Date__c", "parent": "Parent Account ID", "annual_revenue number": "Annual Revenue"}, 5, 2},
		{"HubSpot", "hubspot.csv", "Record ID,Company name,Company owner,Annual Recurring Revenue,Lifecycle Stage,Close date,Number of Employees\n" +
			"18123456789,Acme Inc,Dana Lee,48000,customer,2024-02-01 10:22,250\n18123456790,Bolt LLC,Sam Roe,12000.5,customer,2024-03-05 09:12,40\n18123456791,Cog AG,,,lead,,12\n",
			map[string]string{"id": "Record ID", "name": "Company name", "owner": "Company owner", "arr": "Annual Recurring Revenue", "status": "Lifecycle Stage", "number_of_employees number": "Number of Employees"}, 3, 0},
		{"Gainsight", "gainsight.csv", "GSID,Company Name,SFDC Account ID,CSM,ARR,Status,Stage,Renewal Date,Original Contract Date,Users,Our Renewal Date\n" +
			"1P02A1,Acme,0011t00000ABCdE,Dana,\"$48,000\",Active,Adoption,2027-03-31,2024-01-15,25,2027-03-31\n1P02A2,Bolt,0011t00000ABCdF,Lee,\"$12,000\",Active,Onboarding,2026-12-01,2023-07-04,7,\n",
			map[string]string{"gsid text": "GSID", "id": "SFDC Account ID", "name": "Company Name", "owner": "CSM", "arr": "ARR", "status": "Status", "stage": "Stage", "renewal_date": "Renewal Date",
				"start_date": "Original Contract Date", "users number": "Users", "our_renewal_date date": "Our Renewal Date"}, 2, 0},
		{"wide metrics", "wide.csv", "Date,Org ID,Org Name,DAU,WAU,Messages Sent,Paid\n2026-01-01,77,Acme,12,40,300,50\n2026-01-01,78,Bolt,3,9,20,10\n2026-01-02,77,Acme,14,41,310,50\n2026-01-02,78,Bolt,2,9,,10\n",
			map[string]string{"day": "Date", "account": "Org ID", "dau number": "DAU", "wau number": "WAU", "messages_sent number": "Messages Sent", "paid number": "Paid"}, 4, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inf := infer(t, c.file, c.text)
			if diff := cmp.Diff(c.want, fields(inf)); diff != "" {
				t.Error(diff)
			}
			if _, batch := proposed(t, c.file, c.text); batch.Rows != c.rows || batch.Rejected != c.rejected {
				t.Errorf("%d rows, %d rejected %v; want %d and %d", batch.Rows, batch.Rejected, batch.Rejects, c.rows, c.rejected)
			}
		})
	}
}

// A spreadsheet's total has its word in the first column, be that the id's; a
// customer of that name has more to tell than figures.
func TestTotalInTheIDColumn(t *testing.T) {
	got, err := readOne(Accounts, "a.csv", "id,name,arr,segment\n1,a,5,x\n2,b,6,x\nTotal,Total SE,7,x\nSumme:,,18,\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Accounts) != 3 || len(got.Rejects) != 1 || got.Rejects[0].Line != 5 || !strings.Contains(got.Rejects[0].Reason, "totals row") {
		t.Errorf("%d accounts, %v", len(got.Accounts), got.Rejects)
	}
}

func TestHeaderKeepsItsUnit(t *testing.T) {
	for _, header := range []string{"ARR (k€)", "ARR in T€", "ARR per seat", "Last year's ARR"} {
		if inf := infer(t, "accounts.csv", "id,"+header+"\n1,5\n2,6\n"); fields(inf)["arr"] != "" {
			t.Errorf("%s is taken for arr", header)
		}
	}
	// In a file of contacts, the customer's name is not the contact's.
	inf := infer(t, "contacts.csv", "Customer ID,Customer Name,Contact Name,Email\n1,Acme,Dana,d@x.de\n2,Bolt,Lee,l@x.de\n")
	if got := fields(inf); got["name"] != "Contact Name" || got["account"] != "Customer ID" {
		t.Errorf("%v", got)
	}
}

// What cannot be opened is named as the workspace names it: where it lies on
// the machine is left out, and the cause can still be asked for.
func TestFileThatCannotBeOpened(t *testing.T) {
	for _, c := range []struct {
		kind FileKind
		err  error
		want string
	}{
		{Contracts, fs.ErrNotExist, "data/a.csv: the contracts file is missing: file does not exist; put it there, or change its path in steward.yaml"},
		{Metrics, fs.ErrPermission, "data/a.csv: the metrics file cannot be opened: permission denied; let the user that steward runs as read it"},
		{Accounts, errors.New("too many open files"), "data/a.csv: the accounts file cannot be opened: too many open files; check its path in steward.yaml"},
	} {
		open := func(path string) (io.ReadCloser, error) {
			return nil, &fs.PathError{Op: "open", Path: "/srv/steward/" + path, Err: c.err}
		}
		_, err := Read(t.Context(), Source{Name: "crm", Files: []File{{Kind: c.kind, Path: "data/a.csv"}}}, Schema{}, open, today, nil)
		if err == nil || err.Error() != c.want || !errors.Is(err, c.err) {
			t.Errorf("%v\nwant %s", err, c.want)
		}
	}
	dir := t.TempDir()
	_, err := Read(t.Context(), Source{Name: "crm", Files: []File{{Kind: Metrics, Path: "m.csv", Via: &Join{File: "subs.csv", Key: "k", Account: "a"}}}}, Schema{Metrics: []steward.MetricSpec{{Name: "logins"}}},
		func(path string) (io.ReadCloser, error) {
			if path == "m.csv" {
				return io.NopCloser(strings.NewReader("k,day,logins\n1,2026-01-01,4\n")), nil
			}
			return openDir(dir)(path)
		}, today, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "subs.csv: the file that via names is missing: ") || strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.csv"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err = Read(t.Context(), Source{Name: "crm", Files: []File{{Kind: Accounts, Path: "folder.csv"}}}, Schema{}, openDir(dir), today, nil)
	if err == nil || strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
}

func openDir(dir string) Open {
	return func(path string) (io.ReadCloser, error) { return os.Open(filepath.Join(dir, path)) }
}

// Whatever a header says, its forms are normalised and none is there twice, and
// a proposal from it is made without a panic.
func FuzzHeader(f *testing.F) {
	for _, h := range []string{"Account ID (18)", "İİİ__c", "ARR in €", "Betreuer/in", "(", "#", "__c", "our our our", "Total Total Total Total Total Total Total Total Total Total ID"} {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, header string) {
		for _, k := range []FileKind{Accounts, Contracts, Contacts, Touches, Metrics} {
			seen := map[string]bool{}
			for i, form := range headerForms(k, header) {
				if seen[form] || i > 0 && form == "" {
					t.Errorf("%q as %s has the form %q twice or empty", header, k, form)
				}
				seen[form] = true
			}
		}
		namesAnID(header)
		if inf, err := Infer("a.csv", strings.NewReader(header+",x\n1,2\n")); err == nil {
			inf.YAML("crm")
		}
	})
}
