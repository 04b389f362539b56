package ingest

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"steward"
)

// testData is the folder of third-party data sets, which are not part of the
// repository.
func testData(t *testing.T, name string) func(path string) (io.ReadCloser, error) {
	t.Helper()
	for _, dir := range []string{os.Getenv("STEWARD_TEST_DATA"), "../../shared/data"} {
		if dir == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return func(path string) (io.ReadCloser, error) { return os.Open(filepath.Join(dir, name, path)) }
		}
	}
	t.Skipf("the %s data set is not here; set STEWARD_TEST_DATA to the folder that holds it", name)
	return nil
}

var ravenFields = Schema{
	Fields:  []steward.FieldSpec{{Name: "industry", Kind: steward.TextKind}, {Name: "seats", Kind: steward.NumberKind}, {Name: "is_trial", Kind: steward.FlagKind}},
	Metrics: []steward.MetricSpec{{Name: "uses", Kind: steward.Count}, {Name: "errors", Kind: steward.Count}},
}

func ravenAccounts(path string) Source {
	return Source{Name: "crm", Files: []File{
		{Kind: Accounts, Path: path, Columns: map[string]string{"segment": "plan_tier", "start_date": "signup_date"}},
	}}
}

// The same accounts in two spellings: as a spreadsheet re-saved them (D/M/YYYY,
// TRUE) and with ISO dates (True).
func TestRavenStackSpellingsAgree(t *testing.T) {
	open := testData(t, "ravenstack")
	today := steward.Date(2025, 1, 1)
	resaved, err := Read(context.Background(), ravenAccounts("ravenstack_accounts.csv"), ravenFields, open, today, nil)
	if err != nil {
		t.Fatal(err)
	}
	iso, err := Read(context.Background(), ravenAccounts("iso/ravenstack_accounts.csv"), ravenFields, open, today, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(iso.Accounts, resaved.Accounts); diff != "" {
		t.Errorf("the spellings differ (-iso +resaved):\n%s", diff)
	}
	if len(iso.Accounts) != 500 || len(iso.Rejects) != 0 {
		t.Errorf("%d accounts and %d rejects, want 500 and none", len(iso.Accounts), len(iso.Rejects))
	}
	a := resaved.Accounts[0]
	if a.ID != "A-2e4581" || a.StartDate != steward.Date(2024, 10, 16) || a.More["seats"].Num != 9 {
		t.Errorf("the first account is %+v", a)
	}
}

// Usage is kept by subscription; its account comes from another file.
func TestRavenStackUsageThroughSubscriptions(t *testing.T) {
	open := testData(t, "ravenstack")
	src := Source{Name: "raven", SameDay: SameDaySum, Files: []File{
		{Kind: Contracts, Path: "ravenstack_subscriptions.csv", Columns: map[string]string{"id": "subscription_id", "amount": "arr_amount", "auto_renew": "auto_renew_flag", "product": "plan_tier"}},
		{Kind: Metrics, Path: "ravenstack_feature_usage.csv", Columns: map[string]string{"day": "usage_date", "uses": "usage_count", "errors": "error_count", "row": "usage_id"},
			Via: &Join{File: "ravenstack_subscriptions.csv", Key: "subscription_id", Account: "account_id"}},
	}}
	got, err := Read(context.Background(), src, ravenFields, open, steward.Date(2025, 1, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Contracts) != 5000 {
		t.Errorf("%d contracts, want 5000", len(got.Contracts))
	}
	// 21 of the 25,000 usage ids are there twice with other values.
	if got.Rejected != 21 {
		t.Errorf("%d rows rejected, want the 21 with a usage id of an earlier row; the first: %v", got.Rejected, got.Rejects[0])
	}
	total := 0.0
	for k, s := range got.Series {
		if k.Metric != "uses" {
			continue
		}
		for _, v := range s.Values {
			if v == v {
				total += v
			}
		}
	}
	if want := ravenTotal(t, open); total != want {
		t.Errorf("%v uses in all series, want %v", total, want)
	}
}

// ravenTotal adds usage up the plain way: split at commas, first of an id counts.
func ravenTotal(t *testing.T, open Open) float64 {
	t.Helper()
	f, err := open("ravenstack_feature_usage.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	seen, total := map[string]bool{}, 0.0
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n")[1:] {
		cells := strings.Split(line, ",")
		if seen[cells[0]] {
			continue
		}
		seen[cells[0]] = true
		v, err := readNumber(cells[4], markPoint)
		if err != nil {
			t.Fatal(err)
		}
		total += v
	}
	return total
}

func ouladSource(sameDay string) Source {
	return Source{Name: "usage", SameDay: sameDay, CompleteThrough: "2014-06-26", Files: []File{
		{Kind: Accounts, Path: "accounts.csv", Columns: map[string]string{"start_date": "starts_on", "renewal_date": "renewal_on", "segment": "code_module"}},
		{Kind: Metrics, Path: "daily_usage.csv.gz"},
	}}
}

// One row per account, day and kind of activity: days repeat, and must be
// added up.
func TestOULADRepeatedDays(t *testing.T) {
	open := testData(t, "oulad")
	schema := Schema{Metrics: []steward.MetricSpec{{Name: "clicks", Kind: steward.Count}}}
	today := steward.Date(2016, 1, 1)
	_, err := Read(context.Background(), ouladSource(""), schema, open, today, nil)
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Error(), "same_day: sum") || e.Line != 3 {
		t.Fatalf("without same_day: %v; want an error at line 3 that names same_day: sum", err)
	}
	got, err := Read(context.Background(), ouladSource(SameDaySum), schema, open, today, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Accounts) != 748 || got.Rows != 748+187412 || got.Rejected != 0 {
		t.Errorf("%d accounts, %d rows, %d rejected", len(got.Accounts), got.Rows, got.Rejected)
	}
	// The first account's rows of 2013-09-22 hold 5, 4, 1, 1 and 3 clicks.
	if v, ok := got.Series[SeriesKey{"AAA-2013J-100893", "clicks"}].At(steward.Date(2013, 9, 22)); !ok || v != 14 {
		t.Errorf("2013-09-22 has %v clicks, want 14", v)
	}
}

// One row per company, day and product.
func TestGitCompaniesProductsAreSummed(t *testing.T) {
	open := testData(t, "git-companies")
	schema := Schema{Metrics: []steward.MetricSpec{{Name: "commits", Kind: steward.Count}, {Name: "active_users", Kind: steward.Count}}}
	src := Source{Name: "git", SameDay: SameDaySum, Files: []File{
		{Kind: Accounts, Path: "accounts.csv", Columns: map[string]string{"start_date": "first_seen"}},
		{Kind: Metrics, Path: "daily_activity.csv"},
	}}
	got, err := Read(context.Background(), src, schema, open, steward.Date(2026, 8, 9), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Accounts) != 44 || got.Rejected != 0 {
		t.Errorf("%d accounts, %d rejected", len(got.Accounts), got.Rejected)
	}
	if v, _ := got.Series[SeriesKey{"C0001", "commits"}].At(steward.Date(2014, 1, 1)); v != 2 {
		t.Errorf("2014-01-01 has %v commits, want 2: one in each product", v)
	}
}
