package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"steward"
	"steward/ingest"
	"steward/playbooks"
)

// command runs steward as from a terminal and returns what it printed for
// programs and for people, and its exit code.
func command(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, told bytes.Buffer
	a := newApp(func(string) string { return "" }, strings.NewReader(""), &out, &told)
	a.now = func() time.Time { return time.Date(2025, 1, 6, 9, 0, 0, 0, time.UTC) } // the Monday after the data end
	code = a.main(t.Context(), args)
	return out.String(), told.String(), code
}

func fromJSON[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("not the JSON that was promised: %v\n%s", err, text)
	}
	return v
}

// A software house's tables as they came: accounts saved again by a
// spreadsheet, use kept by subscription, ids that repeat. Imported, reviewed
// and planned with the commands, and held against the rows.
func TestSoftwareHouse(t *testing.T) {
	src := thirdParty(t, "ravenstack")
	dir := workspaceFrom(t, "ravenstack", "ravenstack")
	for _, name := range []string{"ravenstack_accounts.csv", "ravenstack_subscriptions.csv", "ravenstack_feature_usage.csv"} {
		b, err := os.ReadFile(filepath.Join(src, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "data", name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, told, code := command(t, "-w", dir, "check"); code != exitFine {
		t.Fatalf("check ended with %d: %s", code, told)
	}

	out, told, code := command(t, "-w", dir, "import", "--json")
	if code != exitFindings {
		t.Fatalf("import ended with %d, want %d for the rows it rejected: %s", code, exitFindings, told)
	}
	sources := fromJSON[[]imported](t, out)
	crm, product := sources[0], sources[1]
	if crm.Stored.Accounts.New != 500 || crm.Stored.Contracts.New != 5000 || crm.Rejected != 0 {
		t.Errorf("crm: %d accounts, %d contracts, %d rejected; want 500, 5000 and none", crm.Stored.Accounts.New, crm.Stored.Contracts.New, crm.Rejected)
	}
	if product.Rows != 25000 || product.Rejected != 21 {
		t.Errorf("product: %d rows, %d rejected; want 25000, and the 21 that have the id of an earlier row", product.Rows, product.Rejected)
	}
	out, _, _ = command(t, "-w", dir, "import", "--json")
	for _, again := range fromJSON[[]imported](t, out) {
		if s := again.Stored; s.SeriesTouched+s.Accounts.New+s.Accounts.Changed+s.Contracts.New+s.Contracts.Changed > 0 {
			t.Errorf("importing %s again changed something: %+v", again.Source, s)
		}
	}

	out, told, code = command(t, "-w", dir, "report", "data", "--json")
	if code != exitFindings {
		t.Fatalf("report data ended with %d: %s", code, told)
	}
	unowned, endless := false, false
	for _, f := range fromJSON[[]ingest.Finding](t, out) {
		unowned = unowned || f.Name == ingest.UnknownOwner && f.Count == 102 && f.Of == 500 // the countries that have no team
		endless = endless || f.Name == ingest.NoEnd && f.Count == 4514 && f.Of == 5000
		if f.Do == "" {
			t.Errorf("%q does not say what to do", f.Message)
		}
	}
	if !unowned || !endless {
		t.Errorf("the 102 accounts of countries without a team (%t) and the 4514 subscriptions without an end (%t) have to be among the findings:\n%s", unowned, endless, out)
	}

	on := steward.Date(2024, 11, 15)
	out, told, code = command(t, "-w", dir, "plan", "--json", "--on", on.String())
	if code != exitFine {
		t.Fatalf("plan ended with %d: %s", code, told)
	}
	plan := fromJSON[struct {
		Plan  []planned
		Tally map[steward.PlaybookName]playbooks.Tally
	}](t, out)
	silent, ending := softwareHouse(t, src, on)
	if got := plan.Tally["silence"].Pending; got != silent || silent == 0 {
		t.Errorf("%d accounts are silent in the plan, %d in the rows", got, silent)
	}
	if got := plan.Tally["renewal"].Firing; got != ending || ending == 0 {
		t.Errorf("%d subscriptions end in the plan, %d in the rows", got, ending)
	}
	for _, p := range plan.Plan {
		if p.What == "hold" && (p.Reason != steward.ReasonBaseline || len(p.Why) == 0) {
			t.Errorf("%s is held because of %q, having seen %q", p.Subject, p.Reason, p.Why)
		}
		if p.What == "open" || p.What == "say" {
			t.Errorf("the first run would %s something: %+v", p.What, p)
		}
	}

	out, told, code = command(t, "-w", dir, "explain", "Company_1", "silence")
	if code != exitFine || !strings.Contains(out, "2024-12-31") {
		t.Errorf("explain ended with %d and does not name the last complete day: %s%s", code, out, told)
	}
}

// softwareHouse counts in the rows what the playbooks look for on a morning:
// accounts that nobody has used for a quarter, and subscriptions over 10,000
// that end within sixty days.
func softwareHouse(t *testing.T, src string, on steward.Day) (silent, ending int) {
	t.Helper()
	started, paying := map[string]steward.Day{}, map[string]bool{}
	for _, r := range readTable(t, filepath.Join(src, "iso", "ravenstack_accounts.csv"))[1:] {
		started[r[0]], paying[r[0]] = mustDay(t, r[4]), r[8] == "False"
	}
	account := map[string]string{}
	for _, r := range readTable(t, filepath.Join(src, "ravenstack_subscriptions.csv"))[1:] {
		account[r[0]] = r[1]
		amount, err := strconv.ParseFloat(r[7], 64)
		if err != nil {
			t.Fatal(err)
		}
		if r[3] == "" || !paying[r[1]] || amount < 10_000 {
			continue
		}
		if end := mustDay(t, r[3]); end >= on && end <= on+60 {
			ending++
		}
	}
	used, seen := map[string]steward.Day{}, map[string]bool{}
	for _, r := range readTable(t, filepath.Join(src, "ravenstack_feature_usage.csv"))[1:] {
		id, day := account[r[1]], mustDay(t, r[2])
		if again := seen[r[0]]; again || r[4] == "0" || day >= on {
			seen[r[0]] = true
			continue
		}
		seen[r[0]] = true
		if last, ok := used[id]; !ok || day > last {
			used[id] = day
		}
	}
	for id, start := range started {
		last, ever := used[id]
		if !ever || last < start {
			last = start - 1
		}
		if paying[id] && int(on-start) > 90 && int(on-1-last) >= 90 {
			silent++
		}
	}
	return silent, ending
}
