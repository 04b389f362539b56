package ingest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"steward"
)

func infer(t *testing.T, name, text string) Inference {
	t.Helper()
	inf, err := Infer(name, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return inf
}

// mapping is the proposed names by header, those declared with their kind, the
// guesses with a question mark.
func mapping(inf Inference) map[string]string {
	out := map[string]string{}
	for _, p := range inf.Columns {
		name := p.Field
		if p.Declare {
			name += " " + p.Kind.String()
		}
		if p.Confidence == "guess" {
			name += "?"
		}
		out[p.Header] = name
	}
	return out
}

func TestInferGermanAccounts(t *testing.T) {
	inf := infer(t, "kunden.csv", "Kundennummer;Firma;Jahreswert;Kundenbetreuer;Kunde seit;Vertragsende;Lizenzen;Produktlinie;Testkunde;Typ\n"+
		"K1;Müller GmbH;48.000,00 €;dana;01.02.2024;12.03.2026;25;Basis;nein;Kunde\n"+
		"K2;Schmidt AG;12.500,50 €;lee;13.05.2023;;;Pro;nein;Kunde\n")
	if inf.Kind != Accounts || inf.Delimiter != ';' || inf.Decimal != "," || inf.DateOrder != "" || !inf.Whole || inf.Rows != 2 {
		t.Errorf("%+v", inf)
	}
	want := map[string]string{"Kundennummer": "id", "Firma": "name", "Jahreswert": "arr", "Kundenbetreuer": "owner", "Kunde seit": "start_date", "Vertragsende": "renewal_date",
		"Lizenzen": "lizenzen number", "Produktlinie": "produktlinie text", "Testkunde": "test", "Typ": "typ text"}
	if diff := cmp.Diff(want, mapping(inf)); diff != "" {
		t.Error(diff)
	}
}

func TestInferKinds(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       FileKind
	}{
		{"export.csv", "account_id,date,logins\nA,2026-01-01,1\nA,2026-01-02,2\n", Metrics},
		{"export.csv", "Record ID,Company name,CSM,ARR\n1,x,d,5\n2,y,d,6\n", Accounts},
		{"export.csv", "contact id,account id,first name,last name,email\n1,A,x,y,x@y.de\n2,A,z,w,z@y.de\n", Contacts},
		{"export.csv", "subscription_id,account_id,end_date,amount\nS1,A,2026-01-01,5\nS2,A,2027-01-01,6\n", Contracts},
		{"meetings.csv", "account,date,type,by\nA,2026-01-01,call,dana\nA,2026-01-02,mail,dana\n", Touches},
		{"export.jsonl", `{"account":"A","day":"2026-01-01","logins":3}` + "\n" + `{"account":"A","day":"2026-01-02","logins":3}` + "\n", Metrics},
	} {
		if got := infer(t, c.name, c.text); got.Kind != c.want {
			t.Errorf("%q is taken for %s (%s), want %s", strings.SplitN(c.text, "\n", 2)[0], got.Kind, got.Why, c.want)
		}
	}
}

func TestInferAsksWhatItCannotKnow(t *testing.T) {
	inf := infer(t, "accounts.tsv", "id\tarr\tstart_date\n1\t48.000\t3/4/2025\n2\t12.000\t5/6/2025\n")
	if inf.DateOrder != "ask" || inf.Decimal != "ask" {
		t.Errorf("date order %q, decimal %q; want both asked for", inf.DateOrder, inf.Decimal)
	}
	text := inf.YAML("crm")
	for _, want := range []string{"# date_order: dmy  # or mdy", `# decimal: "."  # or ","`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

func TestInferNeedsJoin(t *testing.T) {
	inf := infer(t, "usage.csv", "usage_id,site id,date,clicks\nu1,S1,2026-01-01,1\nu2,S1,2026-01-02,4\nu3,S2,2026-01-02,4\n")
	if text := inf.YAML("usage"); !strings.Contains(text, `# via: {file: FILE.csv, key: "site id", account: account_id}`) {
		t.Errorf("no via proposed in:\n%s", text)
	}
}

// The proposal is YAML, and says the same as the inference, whatever the
// headers are called.
func TestProposalIsYAML(t *testing.T) {
	inf := infer(t, "accounts.csv", "id,\"na\"\"me: # x\",yes,'quoted',plan,email,2nd\n1,a,TRUE,x,basic,u@v.w,1\n2,b,FALSE,y,pro,x@v.w,2\n")
	var got struct {
		Fields  map[string]string
		Sources []struct {
			Name string
			CSV  struct {
				Accounts string
				Columns  map[string]string
			}
		}
	}
	text := inf.YAML("crm")
	if err := yaml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	if diff := cmp.Diff(map[string]string{"na_me_x": "text", "yes": "flag", "quoted": "text", "plan": "text", "nd": "number"}, got.Fields); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"id": "id", "na_me_x": `na"me: # x`, "yes": "yes", "quoted": "'quoted'", "plan": "plan", "nd": "2nd"}, got.Sources[0].CSV.Columns); diff != "" {
		t.Error(diff)
	}
}

// What is proposed for a real file imports it.
func TestProposalImports(t *testing.T) {
	open := testData(t, "ravenstack")
	f, err := open("ravenstack_accounts.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	inf, err := Infer("ravenstack_accounts.csv", f)
	if err != nil {
		t.Fatal(err)
	}
	var schema Schema
	file := File{Kind: inf.Kind, Path: inf.Name, Columns: map[string]string{}}
	for _, p := range inf.Columns {
		if p.Field == "" {
			continue
		}
		file.Columns[p.Field] = p.Header
		if p.Declare {
			schema.Fields = append(schema.Fields, steward.FieldSpec{Name: p.Field, Kind: p.Kind})
		}
	}
	got, err := Read(t.Context(), Source{Name: "crm", DateOrder: inf.DateOrder, Files: []File{file}}, schema, open, today, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Accounts) != 500 || got.Rejected != 0 {
		t.Errorf("%d accounts, %d rejected", len(got.Accounts), got.Rejected)
	}
}

func TestInferRefuses(t *testing.T) {
	for name, text := range map[string]string{"a.csv": "", "b.jsonl": "", "c.xlsx": "PK", "d.jsonl": "[1]"} {
		if inf, err := Infer(name, strings.NewReader(text)); err == nil {
			t.Errorf("Infer(%s) = %+v, want an error", name, inf)
		}
	}
}
