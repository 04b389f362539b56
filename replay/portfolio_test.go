package replay

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"steward"
	"steward/series"
)

// lasts are ends of the simulation that differ in what lies before them: spring,
// the Christmas break, the summer, each day of a week.
func lasts() []steward.Day {
	out := []steward.Day{steward.Date(2026, 1, 6), steward.Date(2025, 12, 30), steward.Date(2025, 8, 20), steward.Date(2024, 2, 29)}
	for i := range 7 {
		out = append(out, steward.Date(2026, 3, 9+i))
	}
	return out
}

func written(t *testing.T, s Simulation, through steward.Day) string {
	t.Helper()
	dir := t.TempDir()
	if err := s.Write(dir, through); err != nil {
		t.Fatal(err)
	}
	return dir
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		out[d.Name()] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSameSeedSameBytes(t *testing.T) {
	for seed := range uint64(3) {
		a := Simulate(SimOptions{Seed: seed, Accounts: 70, Days: 120})
		b := Simulate(SimOptions{Seed: seed, Accounts: 70, Days: 120})
		first := files(t, written(t, a, a.Last))
		if len(first) != 12 {
			t.Fatalf("%d files were written, want 12", len(first))
		}
		if diff := cmp.Diff(first, files(t, written(t, b, b.Last))); diff != "" {
			t.Errorf("seed %d twice:\n%s", seed, diff)
		}
		c := Simulate(SimOptions{Seed: seed + 1, Accounts: 70, Days: 120})
		for name, text := range files(t, written(t, c, c.Last)) {
			if name != OwnersFile && text == first[name] {
				t.Errorf("%s is the same with seeds %d and %d", name, seed, seed+1)
			}
		}
	}
}

// logins of every day, zero where the export has no row, read from the written
// file and not from the values it was made of.
func exportedLogins(t *testing.T, dir string, first, last steward.Day) map[string][]float64 {
	t.Helper()
	out := map[string][]float64{}
	for _, row := range readCSV(t, filepath.Join(dir, UsageFile)) {
		day, err := steward.ParseDay(row["date"])
		if err != nil {
			t.Fatal(err)
		}
		v, err := strconv.ParseFloat(row[Logins], 64)
		if err != nil {
			t.Fatal(err)
		}
		if out[row["account"]] == nil {
			out[row["account"]] = make([]float64, last-first+1)
		}
		out[row["account"]][day-first] += v
	}
	return out
}

func readCSV(t rapid.TB, path string) []map[string]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !utf8.Valid(b) {
		t.Fatalf("%s is not UTF-8", path)
	}
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, r := range rows[1:] {
		m := map[string]string{}
		for i, h := range rows[0] {
			m[h] = r[i]
		}
		out = append(out, m)
	}
	return out
}

// drop is the language's drop(logins, 14d) with the window ending at index end,
// written anew here so that it can disagree with the simulation's own.
func drop(logins []float64, end int) (float64, bool) {
	if end < 27 {
		return 0, false
	}
	now, then := 0.0, 0.0
	for i := range 14 {
		now += logins[end-i]
		then += logins[end-14-i]
	}
	if then == 0 {
		return 0, false
	}
	return (then - now) / then, true
}

func TestStoriesAreTrue(t *testing.T) {
	for i, last := range lasts() {
		for _, seed := range []uint64{uint64(i)} { // another portfolio each time
			s := Simulate(SimOptions{Seed: seed, Last: last})
			dir := written(t, s, last)
			logins := exportedLogins(t, dir, s.First, s.Last)
			accounts := map[string]map[string]string{}
			for _, a := range readCSV(t, filepath.Join(dir, AccountsFile)) {
				accounts[a["id"]] = a
			}
			var truth []TrueStory
			b, err := os.ReadFile(filepath.Join(dir, TruthFile))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &truth); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s.Truth, truth); diff != "" {
				t.Fatalf("truth.json says something else:\n%s", diff)
			}
			for _, story := range truth {
				v := logins[string(story.Account)]
				bad := func(format string, args ...any) {
					t.Errorf("seed %d, last %s: %s %s from %s: %s", seed, last, story.Account, story.Story, story.From, fmt.Sprintf(format, args...))
				}
				account := accounts[string(story.Account)]
				if account == nil {
					bad("is not in accounts.csv")
					continue
				}
				start := steward.NoDay
				if account["start_date"] != "" {
					start, _ = steward.ParseDay(account["start_date"])
				}
				at := func(d steward.Day) int { return int(min(d, last) - s.First) }
				switch story.Story {
				case SuddenDrop:
					if fall, ok := drop(v, at(story.From+13)); !ok || fall <= 0.5 {
						bad("the fortnight after fell by %.2f only", fall)
					}
				case Steady:
					for i := at(max(start+40, s.First) + 27); i < len(v); i++ {
						if fall, _ := drop(v, i); fall > 0.4 {
							bad("fell by %.2f on %s", fall, s.First+steward.Day(i))
							break
						}
					}
				case Quiet:
					for i := at(story.From); i < len(v); i++ {
						if v[i] != 0 {
							bad("has %v logins on %s", v[i], s.First+steward.Day(i))
							break
						}
					}
				case Prospect:
					if v != nil || account["status"] != "prospect" {
						bad("status %s, use %v", account["status"], v != nil)
					}
				case Churned:
					if account["status"] != "churned" || v[len(v)-1] != 0 {
						bad("status %s, %v logins on the last day", account["status"], v[len(v)-1])
					}
				case StalledOnboarding:
					if account["stage"] != "onboarding" || start != story.From {
						bad("stage %s, start %s", account["stage"], start)
					}
				case New:
					if last-start > 45 {
						bad("started %d days ago", last-start)
					}
				case Recovery:
					deepest := 0.0
					for i := at(story.From); i <= at(story.From+45); i++ {
						fall, _ := drop(v, i)
						deepest = max(deepest, fall)
					}
					if deepest <= 0.5 {
						bad("the deepest fall is %.2f", deepest)
					}
				}
				if account["status"] == "customer" && account["renewal_date"] <= last.String() {
					bad("renews on %s, in the past", account["renewal_date"])
				}
			}
		}
	}
}

// TestLastFortnight pins what the demo lives on: what crosses a threshold of the
// example playbooks inside the last fourteen days, and had not before.
func TestLastFortnight(t *testing.T) {
	for _, last := range lasts() {
		s := Simulate(SimOptions{Seed: 7, Last: last})
		dir := written(t, s, last)
		logins := exportedLogins(t, dir, s.First, s.Last)
		story := map[string]Story{}
		for _, x := range s.Truth {
			story[string(x.Account)] = x.Story
		}
		end := int(last - s.First)
		drops, returns, stalled := 0, 0, 0
		for id, v := range logins {
			if story[id] != SuddenDrop && story[id] != Recovery {
				continue
			}
			before, _ := drop(v, end-14)
			now, _ := drop(v, end)
			deepest, deepestAt := 0.0, 0
			for i := end - 13; i <= end; i++ {
				if d, _ := drop(v, i); d > deepest {
					deepest, deepestAt = d, i
				}
			}
			if story[id] == SuddenDrop && before < 0.5 && now >= 0.5 {
				drops++
			}
			if story[id] == Recovery && before < 0.5 && deepest >= 0.5 && deepestAt < end-2 {
				returns++
			}
		}
		crossing := map[steward.Day]int{}
		for _, c := range readCSV(t, filepath.Join(dir, ContractsFile)) {
			notice, err := steward.ParseDay(c["notice_date"])
			if err != nil {
				t.Fatal(err)
			}
			if c["auto_renew"] == "true" {
				continue
			}
			for _, ahead := range []steward.Day{60, 90, 120} {
				if day := notice - ahead; day > last-14 && day <= last {
					crossing[ahead]++
				}
			}
		}
		for _, a := range readCSV(t, filepath.Join(dir, AccountsFile)) {
			if start, err := steward.ParseDay(a["start_date"]); err == nil && story[a["id"]] == StalledOnboarding && start+45 > last-14 && start+45 <= last {
				stalled++
			}
		}
		if drops < 6 || returns < 2 || stalled < 3 || crossing[120] < 3 || crossing[90] < 2 || crossing[60] < 3 {
			t.Errorf("last %s: %d drops, %d returns, %d stalled, notice dates %v", last, drops, returns, stalled, crossing)
		}
	}
}

func TestExportsSayWhatTheValuesSay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := Simulate(SimOptions{Seed: rapid.Uint64().Draw(rt, "seed"), Accounts: rapid.IntRange(1, 60).Draw(rt, "accounts"),
			Days: rapid.IntRange(1, 120).Draw(rt, "days"), Last: steward.Day(rapid.IntRange(5000, 30000).Draw(rt, "last"))})
		through := s.Last - steward.Day(rapid.IntRange(0, 20).Draw(rt, "ago"))
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		if err := s.Write(dir, through); err != nil {
			rt.Fatal(err)
		}
		compareExport(rt, s, dir, s.First, through)
		if err := s.WriteDay(dir, through+1); err != nil {
			rt.Fatal(err)
		}
		compareExport(rt, s, dir, through-1, through+1)
	})
}

func compareExport(t rapid.TB, s Simulation, dir string, from, through steward.Day) {
	t.Helper()
	builders := map[string]map[steward.AccountID]*series.Builder{Logins: {}, ActiveUsers: {}, ReportsMade: {}, APICalls: {}}
	for _, row := range readCSV(t, filepath.Join(dir, UsageFile)) {
		day, err := steward.ParseDay(row["date"])
		if err != nil {
			t.Fatal(err)
		}
		for name, byAccount := range builders {
			v, err := strconv.ParseFloat(row[name], 64)
			if err != nil {
				t.Fatal(err)
			}
			id := steward.AccountID(row["account"])
			if byAccount[id] == nil {
				byAccount[id] = &series.Builder{}
			}
			byAccount[id].Add(day, v)
		}
	}
	for name, want := range s.Series(through) {
		got := map[steward.AccountID]series.Series{}
		for id, b := range builders[name] {
			x, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			got[id] = x
		}
		for id, w := range want {
			if !got[id].Equal(w.Cut(from, through)) {
				t.Fatalf("%s of %s: the file and the values differ", name, id)
			}
			delete(got, id)
		}
		if len(got) > 0 {
			t.Fatalf("%s: the file has %d accounts that the values do not have", name, len(got))
		}
	}
	p := s.Portfolio(through)
	rows := readCSV(t, filepath.Join(dir, AccountsFile))
	if len(rows) != len(p.Accounts) {
		t.Fatalf("%d accounts in the file, %d in the portfolio", len(rows), len(p.Accounts))
	}
	for i, a := range p.Accounts {
		got := []string{rows[i]["id"], rows[i]["name"], rows[i]["status"], rows[i]["owner"], rows[i]["seats"], rows[i]["arr"]}
		arr := ""
		if a.ARR.Known {
			arr = strconv.FormatFloat(a.ARR.Num, 'f', -1, 64)
		}
		want := []string{string(a.ID), a.Name, a.Status, string(a.Owner), strconv.FormatFloat(a.More["seats"].Num, 'f', -1, 64), arr}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
	for name, n := range map[string]int{ContractsFile: len(p.Contracts), ContactsFile: len(p.Contacts), TouchesFile: len(p.Touches), ProductsFile: len(p.Products),
		TicketsFile: len(p.Tickets), SurveysFile: len(p.Surveys), ObjectivesFile: len(p.Objectives), MilestonesFile: len(p.Milestones)} {
		if rows := readCSV(t, filepath.Join(dir, name)); len(rows) != n {
			t.Fatalf("%s has %d rows, the portfolio %d", name, len(rows), n)
		}
	}
}

func TestPortfolioHangsTogether(t *testing.T) {
	s := Simulate(SimOptions{Seed: 3})
	owners := map[steward.OwnerID]steward.Owner{}
	for _, o := range s.Owners {
		owners[o.ID] = o
	}
	for _, o := range s.Owners {
		for _, other := range []steward.OwnerID{o.Manager, o.Backup} {
			if _, ok := owners[other]; other != "" && !ok {
				t.Errorf("%s names %s, who is not there", o.ID, other)
			}
		}
	}
	for _, on := range []steward.Day{s.First, s.Last - 14, s.Last} {
		p := s.Portfolio(on)
		accounts := map[steward.AccountID]steward.Account{}
		names := map[string]bool{}
		for _, a := range p.Accounts {
			if _, twice := accounts[a.ID]; twice || names[a.Name] {
				t.Errorf("%s %q is there twice", a.ID, a.Name)
			}
			accounts[a.ID], names[a.Name] = a, true
		}
		if on == s.Last {
			for _, awkward := range awkwardNames {
				if !names[awkward] {
					t.Errorf("no account is called %q", awkward)
				}
			}
		}
		unowned := 0
		for _, a := range p.Accounts {
			if a.Parent != "" {
				if up, ok := accounts[a.Parent]; !ok || up.Parent != "" {
					t.Errorf("%s on %s: parent %s is missing or has a parent", a.ID, on, a.Parent)
				}
			}
			if _, ok := owners[a.Owner]; !ok {
				unowned++
			}
		}
		if unowned > 2 {
			t.Errorf("%d accounts without a known owner on %s", unowned, on)
		}
		contacts := map[steward.ContactID]steward.AccountID{}
		for _, c := range p.Contacts {
			contacts[c.ID] = c.Account
			if _, ok := accounts[c.Account]; !ok || strings.ContainsAny(c.Email, " <>,") {
				t.Errorf("contact %+v", c)
			}
		}
		for _, x := range p.Touches {
			if x.Day > on || x.Contact != "" && contacts[x.Contact] != x.Account {
				t.Errorf("touch %+v on %s", x, on)
			}
		}
		for _, c := range p.Contracts {
			if _, ok := accounts[c.Account]; !ok || c.EndDate <= c.StartDate || c.NoticeDate >= c.EndDate || c.EndDate-c.NoticeDate > 90 {
				t.Errorf("contract %+v", c)
			}
		}
	}
}

// TestNightsChangeTheCRM lives the last fortnight as nightly exports: an owner
// changes, a contract is renewed, one is cancelled, a customer leaves, one
// arrives.
func TestNightsChangeTheCRM(t *testing.T) {
	s := Simulate(SimOptions{Seed: 5})
	dir := written(t, s, s.Last-14)
	column := func(file, key, value string) map[string]string {
		out := map[string]string{}
		for _, r := range readCSV(t, filepath.Join(dir, file)) {
			out[r[key]] = r[value]
		}
		return out
	}
	changes := map[string]int{}
	for d := s.Last - 13; d <= s.Last; d++ {
		before := []map[string]string{column(AccountsFile, "id", "owner"), column(AccountsFile, "id", "status"), column(ContractsFile, "id", "renewed"), column(ContractsFile, "id", "cancelled")}
		if err := s.WriteDay(dir, d); err != nil {
			t.Fatal(err)
		}
		after := []map[string]string{column(AccountsFile, "id", "owner"), column(AccountsFile, "id", "status"), column(ContractsFile, "id", "renewed"), column(ContractsFile, "id", "cancelled")}
		for i, what := range []string{"owner", "status", "renewed", "cancelled"} {
			for id, now := range after[i] {
				if was, there := before[i][id]; there && was != now {
					changes[what]++
				} else if !there && what == "owner" {
					changes["new account"]++
				}
			}
		}
		for _, r := range readCSV(t, filepath.Join(dir, UsageFile)) {
			if day, err := steward.ParseDay(r["date"]); err != nil || day > d || day < d-2 {
				t.Fatalf("usage of %s in the export of %s", r["date"], d)
			}
		}
	}
	for what, least := range map[string]int{"owner": 2, "status": 1, "renewed": 1, "cancelled": 1, "new account": 1} {
		if changes[what] < least {
			t.Errorf("%d changes of %s, want %d at least: %v", changes[what], what, least, changes)
		}
	}
}

func TestWriteNamesTheFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "taken")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := Simulate(SimOptions{Accounts: 1, Days: 1})
	for what, err := range map[string]error{"Write": s.Write(file, s.Last), "WriteDay": s.WriteDay(filepath.Join(file, "x"), s.Last)} {
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s into a file: %v", what, err)
		}
	}
}

func BenchmarkSimulate(b *testing.B) {
	for b.Loop() {
		Simulate(SimOptions{Accounts: 1000})
	}
	b.ReportMetric(float64(b.N)*1000*400*3/b.Elapsed().Seconds(), "values/s")
}
