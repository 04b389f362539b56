package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/store"
)

// What the worker makes of sources that stop, come late, come cut, or say
// something that cannot be.

// feed is a worker that lives its days by hand, with exports that can be made to
// fail. Its accounts come in every day, one more than the other; the dropping
// ones come in a quarter as often from a day of theirs on.
type feed struct {
	*testing.T
	dir   string
	clock *fakeClock
	*worker
	accounts int
	drops    map[int]steward.Day // by account
	// owner, and missing says what is left out of an export of accounts or usage.
	owner   func(account int) string
	missing func(account int, day steward.Day) bool
}

const (
	feedStart steward.Day = 20_436 // 2025-12-14
	feedToday steward.Day = 20_521 // 2026-03-09, a Monday
	// feedUsers is how many accounts have usage at most.
	feedUsers = 40
)

const feedWorkspace = `zone: Europe/Berlin
limits: {owner: off}
schedule: "0 6 * * *"
ops: "#cs-ops"
listen: {public: off, private: off}
metrics:
  logins: {kind: count}
  exports: {kind: count}
owners: {file: owners.yaml, unowned: "#cs-ops"}
sources:
  - {name: crm, full: true, csv: {accounts: data/accounts.csv, columns: {segment: Market}}}
  - {name: usage, csv: {metrics: data/usage.csv}, complete_through: yesterday, fresh_within: 36h}
`

const feedPlaybook = `playbook: drop
when: drop(logins, 7d) >= 50% or drop(exports, 7d) >= 90%
for: 2d
until: recovered(logins, 7d) >= 80%
clear_for: 1d
cooldown: 30d
steps:
  - {id: nudge, slack: owner, message: nudge}
  - {wait: 20d, unless: acked}
`

// lowPlaybook goes by a level, which lasts, where the other goes by a change.
const lowPlaybook = `playbook: low
when: avg(logins, 7d) < 25
for: 2d
backfill: true
max_new: 100
cooldown: 30d
steps:
  - {id: nudge, slack: owner, message: nudge}
  - {wait: 20d, unless: acked}
`

// newFeed begins with its history imported and its first day lived.
func newFeed(t *testing.T, accounts int) *feed {
	t.Helper()
	f := &feed{T: t, dir: t.TempDir(), clock: &fakeClock{}, accounts: accounts, drops: map[int]steward.Day{},
		owner: func(i int) string { return []string{"dana", "sam"}[i%2] }, missing: func(int, steward.Day) bool { return false }}
	f.write("steward.yaml", feedWorkspace)
	f.write("owners.yaml", "- {id: dana, name: Dana Reyes, email: dana@example.com}\n- {id: sam, name: Sam Whitfield, email: sam@example.com}\n")
	f.write("playbooks/drop.yaml", feedPlaybook)
	f.write("messages/nudge.md", "{{ .account.name }} is in less than before. Ask why.\n")
	f.at(feedToday)
	f.writeAccounts()
	f.writeUsage(feedToday - 1)
	a := f.app(io.Discard, io.Discard)
	a.dir = f.dir
	h, err := a.enter(t.Context(), store.Options{Lock: true})
	f.must(err)
	f.worker = newWorker(a, h, discardLog())
	f.must(f.prepare(t.Context(), &runOptions{app: a, quiet: true}))
	t.Cleanup(func() {
		if err := (standing{f.worker, context.Background()}).end(); err != nil {
			t.Error(err)
		}
	})
	f.must(f.live(feedToday))
	return f
}

func (f *feed) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *feed) app(stdout, stderr io.Writer) *app {
	a := newApp(func(string) string { return "" }, nil, stdout, stderr)
	a.now = f.clock.now
	return a
}

func (f *feed) write(name, text string) {
	f.Helper()
	path := filepath.Join(f.dir, name)
	f.must(os.MkdirAll(filepath.Dir(path), 0o755))
	f.must(os.WriteFile(path, []byte(text), 0o644))
}

func (f *feed) read(name string) string {
	f.Helper()
	text, err := os.ReadFile(filepath.Join(f.dir, name))
	f.must(err)
	return string(text)
}

// at is a minute after a day's slot.
func (f *feed) at(day steward.Day) {
	zone, err := time.LoadLocation("Europe/Berlin")
	f.must(err)
	f.clock.set(day.Start(zone).Add(6*time.Hour + time.Minute))
}

func (f *feed) writeAccounts() {
	f.Helper()
	var b strings.Builder
	b.WriteString("id,name,status,Market,arr,owner,start_date\n")
	for i := range f.accounts {
		fmt.Fprintf(&b, "a-%03d,Account %d,customer,enterprise,%d,%s,2024-01-01\n", i, i, 1000*(i+1), f.owner(i))
	}
	f.write("data/accounts.csv", b.String())
}

// writeUsage is the export of all that happened through a day, but for what is
// missing.
func (f *feed) writeUsage(through steward.Day) {
	f.Helper()
	var b strings.Builder
	b.WriteString("account,day,logins,exports\n")
	for i := range min(f.accounts, feedUsers) {
		for d := feedStart; d <= through; d++ {
			logins := 40 + i
			if from, drops := f.drops[i]; drops && d >= from {
				logins /= 4
			}
			if !f.missing(i, d) {
				fmt.Fprintf(&b, "a-%03d,%s,%d,2\n", i, d, logins)
			}
		}
	}
	f.write("data/usage.csv", b.String())
}

// live is one day of the worker: sources, evaluation, deliveries.
func (f *feed) live(day steward.Day) error {
	f.Helper()
	f.at(day)
	slot, err := slotOn(f.ws, day)
	f.must(err)
	synced := f.sync(f.Context(), slot)
	_, err = f.engine.Evaluate(f.Context(), slot)
	f.must(err)
	f.must(deliverDue(f.Context(), f.engine, f.db, f.now))
	return synced
}

// told is what ops was told, oldest first: title, lines and what to do.
func (f *feed) told() []string {
	f.Helper()
	messages, _, err := f.db.Messages(f.Context(), store.MessageFilter{Kind: steward.Notice})
	f.must(err)
	var out []string
	for _, m := range messages {
		var text []string
		for _, p := range m.Content.Parts {
			text = append(text, strings.ReplaceAll(p.Markdown, `\`, ""))
		}
		out = append([]string{m.Content.Title + "\n" + strings.Join(text, "\n") + "\n" + m.Content.Footer}, out...)
	}
	return out
}

// command runs a command beside the worker.
func (f *feed) command(code int, args ...string) (stdout, stderr string) {
	f.Helper()
	var out, errs strings.Builder
	if got := f.app(&out, &errs).main(f.Context(), append([]string{"-w", f.dir}, args...)); got != code {
		f.Fatalf("steward %s ended with %d, want %d\n%s%s", strings.Join(args, " "), got, code, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

// judged is how every account stands that does not stand clear: what a late day
// must not change.
func (f *feed) judged() map[string]string {
	f.Helper()
	st, err := f.db.Standing(f.Context())
	f.must(err)
	out := map[string]string{}
	for _, p := range st.Phases {
		key := string(p.Playbook) + " " + p.Subject.ID
		out[key] = fmt.Sprintf("%s since the drop of %s", p.Phase, p.EpisodeDay)
		if p.Phase == steward.Pending {
			out[key] += fmt.Sprintf(", held %v", p.Held)
		}
	}
	return out
}

// enrolled is the state of everybody's newest enrolment.
func (f *feed) enrolled() map[string]steward.EnrolmentState {
	f.Helper()
	all, err := f.db.Enrolments(f.Context(), store.EnrolmentFilter{})
	f.must(err)
	out := map[string]steward.EnrolmentState{}
	for _, e := range all {
		if key := string(e.Playbook) + " " + e.Subject.ID; out[key] == "" { // the newest come first
			out[key] = e.State
		}
	}
	return out
}

// A feed stops for three days, in every way that feeds do. Nothing opens or ends
// for it, ops hears one word, and when the days come they are judged as if they
// had come in time. A second outage is told again.
func TestFeedStops(t *testing.T) {
	const out = feedToday + 4 // the first day whose export does not come
	story := func(f *feed) {
		f.drops[1] = feedToday - 4 // fires and is nudged before the outage
		f.drops[2] = feedToday - 1 // is on its way down when the feed stops
		f.drops[3] = out           // drops unseen
	}
	control := newFeed(t, 12)
	story(control)
	for d := feedToday + 1; d <= out+8; d++ {
		control.writeUsage(d - 1)
		control.must(control.live(d))
	}
	if got := control.enrolled(); len(got) != 3 || len(control.told()) != 0 {
		t.Fatalf("with a feed that never stops %v are enrolled, and ops heard %q", got, control.told())
	}
	gone := func(f *feed, days ...steward.Day) {
		f.missing = func(_ int, d steward.Day) bool { return slices.Contains(days, d) }
	}
	for name, c := range map[string]struct {
		word string
		stop func(f *feed, d steward.Day)
	}{
		"the file stays as it was":   {"are behind: nothing is judged on them", func(*feed, steward.Day) {}},
		"the file stops to be there": {"Source usage cannot be loaded", func(f *feed, _ steward.Day) { os.Remove(filepath.Join(f.dir, "data/usage.csv")) }},
		"nothing but the header":     {"the metrics hold no day at all, where they reached to 2026-03-11", func(f *feed, _ steward.Day) { f.write("data/usage.csv", "account,day,logins,exports\n") }},
		"an empty file":              {"Source usage cannot be loaded", func(f *feed, _ steward.Day) { f.write("data/usage.csv", "") }},
		"the newest day never moves": {"are behind: nothing is judged on them", func(f *feed, d steward.Day) {
			f.writeUsage(out - 2)
			f.write("data/usage.csv", f.read("data/usage.csv")+fmt.Sprintf("a-000,2025-12-13,%d,2\n", d-out+1)) // something moves
		}},
		"zeros for what is missing": {"are not believed", func(f *feed, d steward.Day) {
			f.writeUsage(out - 2)
			var b strings.Builder
			for day := out - 1; day < d; day++ {
				for i := range f.accounts {
					fmt.Fprintf(&b, "a-%03d,%s,0,0\n", i, day)
				}
			}
			f.write("data/usage.csv", f.read("data/usage.csv")+b.String())
		}},
		"it goes on after a gap": {"are not believed", func(f *feed, d steward.Day) {
			gone(f, out-1)
			f.writeUsage(d - 1)
			gone(f)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFeed(t, 12)
			story(f)
			for d := feedToday + 1; d < out; d++ {
				f.writeUsage(d - 1)
				f.must(f.live(d))
			}
			before, phases := f.enrolled(), f.judged()
			if len(before) != 1 || len(phases) != 1 {
				t.Fatalf("before the outage %v are enrolled, phases %v", before, phases)
			}
			for d := out; d < out+3; d++ {
				c.stop(f, d)
				_ = f.live(d) // what cannot be loaded is an error, and told
			}
			if diff := cmp.Diff(before, f.enrolled()); diff != "" {
				t.Errorf("the outage opened or ended something (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(phases, f.judged()); diff != "" {
				t.Errorf("the outage moved phases (-before +after):\n%s", diff)
			}
			if told := f.told(); len(told) != 1 || !strings.Contains(told[0], c.word) {
				t.Errorf("ops heard %d words: %q", len(told), told)
			}

			for d := out + 3; d <= out+8; d++ {
				f.writeUsage(d - 1)
				f.must(f.live(d))
			}
			if diff := cmp.Diff(control.judged(), f.judged()); diff != "" {
				t.Errorf("judged late (-in time +late):\n%s", diff)
			}
			if diff := cmp.Diff(control.enrolled(), f.enrolled()); diff != "" {
				t.Errorf("enrolled late (-in time +late):\n%s", diff)
			}
			if n := len(f.told()); n != 1 {
				t.Errorf("once the feed is back ops has heard %d words: %q", n, f.told())
			}
			if name != "the file stays as it was" {
				os.Remove(filepath.Join(f.dir, "data/usage.csv"))
			}
			for d := out + 9; d < out+12; d++ {
				_ = f.live(d)
			}
			if n := len(f.told()); n != 2 {
				t.Errorf("of a second outage ops heard: %q", f.told()[1:])
			}
		})
	}
}

// Whatever days come late, for however long: in the end everything is judged as
// if they had come in time, and nothing was opened meanwhile that would not have
// been.
func TestLateDaysAreJudgedAsIfInTime(t *testing.T) {
	const days, seeds = 14, 5
	live := func(t *testing.T, seed uint64, late bool) *feed {
		r := rand.New(rand.NewPCG(seed, 7))
		f := newFeed(t, 12)
		f.write("playbooks/low.yaml", lowPlaybook)
		f.must(f.reload(t.Context()))
		for i := range 8 {
			f.drops[i] = feedToday - 2 + steward.Day(r.IntN(days-1))
		}
		arrives := map[steward.Day]steward.Day{}
		for d := feedToday; d < feedToday+days; d++ {
			if arrives[d] = d + 1; r.IntN(3) == 0 {
				arrives[d] = min(d+1+steward.Day(r.IntN(6)), feedToday+days)
			}
		}
		for d := feedToday + 1; d <= feedToday+days; d++ {
			if late {
				f.missing = func(_ int, day steward.Day) bool { return arrives[day] > d }
			}
			f.writeUsage(d - 1)
			f.must(f.live(d))
		}
		return f
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			inTime, late := live(t, seed, false), live(t, seed, true)
			want, got := inTime.judged(), late.judged()
			if len(want) < 4 {
				t.Fatalf("too little happened: %v", want)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("judged (-in time +late):\n%s", diff)
			}
			// What is no longer so when its day comes opens nothing; what lasts does.
			due, opened := inTime.enrolled(), late.enrolled()
			for key := range opened {
				if _, ok := due[key]; !ok {
					t.Errorf("%s was opened, and would not have been in time", key)
				}
			}
			for key := range due {
				if _, ok := opened[key]; !ok && strings.HasPrefix(key, "low ") {
					t.Errorf("%s was never opened", key)
				}
			}
		})
	}
}

// commandIn finds what a word to ops says to type.
var commandIn = regexp.MustCompile(`steward (import [a-z]+ --accept [a-z,]+)`)

// An export that cannot be right is held back: nothing of it is applied, ops
// hears once, with figures and with the command that lets it go; and it goes.
func TestExportsThatAreNotBelieved(t *testing.T) {
	const accounts = 40
	header := func(f *feed, old, new string) {
		f.write("data/accounts.csv", strings.Replace(f.read("data/accounts.csv"), old, new, 1))
	}
	for name, c := range map[string]struct {
		file    string
		breakIt func(f *feed)
		says    []string // in the word to ops
		applied func(p steward.Portfolio, s steward.SourceState) bool
	}{
		"accounts cut between two rows": {"crm", func(f *feed) {
			text := f.read("data/accounts.csv")
			f.write("data/accounts.csv", text[:strings.Index(text, "a-030")])
		}, []string{"10 of 40 accounts are missing", "such as a-030"}, func(p steward.Portfolio, _ steward.SourceState) bool { return len(p.Accounts) == 30 }},
		"accounts cut in the last cell": {"crm", func(f *feed) {
			text := f.read("data/accounts.csv")
			f.write("data/accounts.csv", strings.TrimSuffix(text, "01-01\n"))
		}, []string{"data/accounts.csv", "breaks off at its end"}, nil},
		"accounts cut in a row": {"crm", func(f *feed) {
			text := f.read("data/accounts.csv")
			f.write("data/accounts.csv", text[:strings.Index(text, "a-038")+9])
		}, []string{"data/accounts.csv:40 breaks off at its end"}, func(p steward.Portfolio, _ steward.SourceState) bool { return len(p.Accounts) == 38 }},
		"a column renamed": {"crm", func(f *feed) { header(f, ",arr,", ",annual_value,") },
			[]string{"accounts.arr has a value in 0 of 40 rows", "columns that nothing reads: annual_value"}, func(p steward.Portfolio, _ steward.SourceState) bool { return p.Accounts[0].ARR.Num == 1000 }},
		"owners emptied": {"crm", func(f *feed) { f.owner = func(int) string { return "" }; f.writeAccounts() },
			[]string{"40 of 40 accounts change or lose their owner", "a-000 (dana → nobody)"}, func(p steward.Portfolio, _ steward.SourceState) bool { return p.Accounts[3].Owner == "" }},
		"owners shuffled": {"crm", func(f *feed) {
			f.owner = func(i int) string { return []string{"dana", "sam"}[(i+1)%2] }
			f.writeAccounts()
		}, []string{"40 of 40 accounts change or lose their owner", "a-000 (dana → sam)"}, func(p steward.Portfolio, _ steward.SourceState) bool { return p.Accounts[3].Owner == "dana" }},
		"usage cut in the middle": {"usage", func(f *feed) {
			text := f.read("data/usage.csv")
			f.write("data/usage.csv", text[:strings.Index(text, "a-012")])
		}, []string{"on 2026-03-09 12 accounts have any logins, where about 40 are usual"}, func(_ steward.Portfolio, s steward.SourceState) bool { return s.CompleteThrough == feedToday }},
		"a metric renamed": {"usage", func(f *feed) {
			f.write("data/usage.csv", strings.Replace(f.read("data/usage.csv"), "logins", "sign_ins", 1))
		}, []string{"metrics.logins has a value in 0 of 3440 rows", "columns that nothing reads: sign_ins"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFeed(t, accounts)
			state := func() (steward.Portfolio, steward.SourceState) {
				p, err := f.db.Portfolio(t.Context())
				f.must(err)
				states, err := f.db.Sources(t.Context())
				f.must(err)
				return p, states[slices.IndexFunc(states, func(s steward.SourceState) bool { return s.Name == c.file })]
			}
			before, source := state()
			f.writeUsage(feedToday)
			c.breakIt(f)
			for d := feedToday + 1; d <= feedToday+3; d++ {
				f.must(f.live(d))
			}
			p, s := state()
			if diff := cmp.Diff(before, p); diff != "" {
				t.Errorf("something of it was applied:\n%s", diff)
			}
			if c.file == "usage" && s.CompleteThrough != source.CompleteThrough {
				t.Errorf("usage is complete through %s", s.CompleteThrough)
			}
			if e := f.enrolled(); len(e) != 0 {
				t.Errorf("%v are enrolled", e)
			}
			about := slices.DeleteFunc(f.told(), func(word string) bool {
				return !strings.Contains(word, "Source "+c.file) && !strings.Contains(word, "source "+c.file)
			})
			if len(about) == 0 {
				t.Fatalf("ops heard nothing of it: %q", f.told())
			}
			for _, want := range c.says {
				if !strings.Contains(strings.Join(about, "\n"), want) {
					t.Errorf("ops did not hear %q: %q", want, about)
				}
			}
			kinds := map[string]bool{}
			for _, word := range about {
				lines := strings.SplitN(word, "\n", 3)
				if kinds[lines[1]] {
					t.Errorf("ops heard twice: %s: %s", lines[0], lines[1])
				}
				kinds[lines[1]] = true
			}
			report, _ := f.command(exitFindings, "report", "data")
			if !strings.Contains(report, "Source "+c.file+" is held back: ") {
				t.Errorf("report data says:\n%s", report)
			}

			// What the word says to type lets it go.
			typed := commandIn.FindStringSubmatch(about[0])
			if typed == nil || !strings.Contains(report, typed[0]) {
				t.Fatalf("no command lets it go: %q\n%s", about[0], report)
			}
			var errs strings.Builder
			if code := f.app(io.Discard, &errs).main(t.Context(), append([]string{"-w", f.dir}, strings.Fields(typed[1])...)); code != exitFine && code != exitFindings {
				t.Fatalf("%s ended with %d: %s", typed[0], code, errs.String())
			}
			if p, s := state(); c.applied != nil && !c.applied(p, s) {
				t.Errorf("after %s it is not applied: %s", typed[0], errs.String())
			}
			heard := len(f.told())
			f.must(f.live(feedToday + 4))
			if report, _ := f.command(exitFindings, "report", "data"); strings.Contains(report, "Source "+c.file+" is held back") {
				t.Errorf("report data still says:\n%s", report)
			}
			if told := f.told()[heard:]; strings.Contains(strings.Join(told, "\n"), "not believed") || strings.Contains(strings.Join(told, "\n"), "held back") {
				t.Errorf("ops heard of it again: %q", told)
			}
		})
	}
}

// A worse export that is replaced by the one before it leaves nothing behind.
func TestABrokenExportIsTakenBack(t *testing.T) {
	f := newFeed(t, 40)
	good := f.read("data/accounts.csv")
	f.write("data/accounts.csv", good[:strings.Index(good, "a-020")])
	f.must(f.live(feedToday + 1))
	if held, err := f.db.Held(t.Context(), "crm"); err != nil || len(held) != 1 {
		t.Fatalf("held: %v, %v", held, err)
	}
	f.write("data/accounts.csv", good)
	f.must(f.live(feedToday + 2))
	if held, err := f.db.Held(t.Context(), "crm"); err != nil || len(held) != 0 {
		t.Errorf("after it was taken back: %v, %v", held, err)
	}
	f.write("data/accounts.csv", good[:strings.Index(good, "a-010")])
	f.must(f.live(feedToday + 3))
	if told := f.told(); strings.Count(strings.Join(told, "\n"), "accounts are missing") != 2 {
		t.Errorf("of two broken exports ops heard: %q", told)
	}
}

// A source that names something without an end, or nothing that can be read,
// is told and holds up nobody.
func TestSourcesThatAreNoFiles(t *testing.T) {
	for name, c := range map[string]struct {
		put  func(path string) error
		want string
	}{
		"a folder":         {func(path string) error { return os.Mkdir(path, 0o755) }, "is a folder; name a file in it"},
		"a pipe":           {func(path string) error { return syscall.Mkfifo(path, 0o644) }, "is a pipe or a device; write the export to a file"},
		"a device":         {func(path string) error { return os.Symlink("/dev/zero", path) }, "is a pipe or a device"},
		"a link to itself": {func(path string) error { return os.Symlink(filepath.Base(path), path) }, "too many levels of symbolic links"},
		"nothing":          {func(string) error { return nil }, "there is no metrics file data/usage.csv"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFeed(t, 4)
			path := filepath.Join(f.dir, "data/usage.csv")
			f.must(os.Remove(path))
			f.must(c.put(path))
			f.owner = func(int) string { return "sam" }
			f.writeAccounts()
			for d := feedToday + 1; d <= feedToday+2; d++ {
				if err := f.live(d); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), f.dir) {
					t.Errorf("it says: %v", err)
				}
			}
			told := f.told()
			if len(told) != 1 || !strings.Contains(told[0], c.want) || !strings.Contains(told[0], "steward import usage") {
				t.Errorf("ops heard: %q", told)
			}
			if p, err := f.db.Portfolio(t.Context()); err != nil || p.Accounts[0].Owner != "sam" {
				t.Errorf("the other source was held up: %v, %v", p.Accounts, err)
			}
		})
	}
}

// A column that the workspace maps by name and that is not there any more.
func TestAMappedColumnThatWasRenamed(t *testing.T) {
	f := newFeed(t, 4)
	f.write("data/accounts.csv", strings.Replace(f.read("data/accounts.csv"), "Market", "Markets", 1))
	err := f.live(feedToday + 1)
	for _, want := range []string{"data/accounts.csv:1", `segment is mapped to the column "Market", which is not there`, `did you mean "Markets"?`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q: %v", want, err)
		}
	}
	if p, err := f.db.Portfolio(t.Context()); err != nil || len(p.Accounts) != 4 || p.Accounts[0].Segment != "enterprise" {
		t.Errorf("something of it was imported: %+v, %v", p.Accounts, err)
	}
}

// A file that changes while it is read is read again; one that does not come to
// rest is refused.
func TestAFileThatIsBeingWritten(t *testing.T) {
	f := newFeed(t, 4)
	path := filepath.Join(f.dir, "data/usage.csv")
	src := f.ws.Sources[1]
	read := func(times int) (imported, error) {
		grow := func(string, int64, int64) {
			if times <= 0 {
				return
			}
			times--
			out, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			f.must(err)
			_, err = fmt.Fprintf(out, "a-000,2026-03-09,%d,2\n", times)
			f.must(err)
			f.must(out.Close())
		}
		return importSource(t.Context(), f.ws, f.db, src, importOptions{Now: f.now(), Progress: grow})
	}
	f.at(feedToday + 1)
	if done, err := read(1); err != nil || done.Rows != 4*int(feedToday-feedStart)+1 {
		t.Errorf("grown once: %d rows, %v", done.Rows, err)
	}
	before, err := f.db.LastFiles(t.Context(), "usage")
	f.must(err)
	_, err = read(1 << 20)
	if err == nil || !strings.Contains(err.Error(), "data/usage.csv changes while it is read") || !strings.Contains(err.Error(), "rename them when they are whole") {
		t.Errorf("grown without end: %v", err)
	}
	after, err := f.db.LastFiles(t.Context(), "usage")
	f.must(err)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("it was imported all the same:\n%s", diff)
	}
}

// Everybody matches at once, in the worker as it runs: some open, all the others
// are held, ops hears once with a count and examples, and one command lets them
// all go. None is lost, none is said twice.
func TestEverybodyMatchesAtOnce(t *testing.T) {
	t.Parallel()
	const accounts, limit = 200, 10
	o := newOutpost(t, "")
	o.write("steward.yaml", strings.Replace(feedWorkspace, "private: off", `private: "127.0.0.1:0"`, 1))
	o.must(os.RemoveAll(filepath.Join(o.dir, "playbooks")))
	o.must(os.Remove(filepath.Join(o.dir, "data", "usage.txt")))
	o.write("playbooks/all.yaml", allPlaybook)
	var list strings.Builder
	list.WriteString("id,name,status,Market,arr,owner,start_date\n")
	for i := range accounts {
		fmt.Fprintf(&list, "a-%03d,Account %d,customer,enterprise,%d,%s,2024-01-01\n", i, i, 1000+i, []string{"dana", "sam"}[i%2])
	}
	o.write("data/accounts.csv", list.String())
	usage := func(day time.Time, logins int) {
		var b strings.Builder
		b.WriteString("account,day,logins,exports\n")
		for i := range accounts {
			fmt.Fprintf(&b, "a-%03d,%s,%d,1\n", i, day.Format(time.DateOnly), logins)
		}
		o.write("data/usage.csv", b.String())
	}
	usage(begin.AddDate(0, 0, -1), 40)
	o.start()
	o.wait("the first day is evaluated", func() bool { return len(o.runs()) == 1 && strings.HasPrefix(o.runs()[0], "done") })
	o.stop()
	usage(begin, 4000) // somebody changed the unit
	o.setClock(begin.Add(24 * time.Hour))
	o.start()
	defer o.stop()
	o.wait("the second day is evaluated", func() bool { return len(o.runs()) == 2 && strings.HasPrefix(o.runs()[1], "done") })

	sent := func() map[steward.AccountID]int {
		time.Sleep(300 * time.Millisecond) // a look at everything, that the worker has to make room for
		out := map[steward.AccountID]int{}
		for _, v := range o.outreach("--state", "sent", "--limit", "5000") {
			if v.Kind == steward.Card {
				out[v.Account]++
			}
		}
		return out
	}
	o.wait("what may open goes out", func() bool { return len(sent()) == limit })
	stdout, _ := o.command(exitFine, "outreach", "--json", "--limit", "5000")
	var all []struct {
		Kind    steward.MessageKind
		Content *steward.Content
	}
	o.must(json.Unmarshal([]byte(stdout), &all))
	var told []steward.Content
	for _, m := range all {
		if m.Kind == steward.Notice {
			told = append(told, *m.Content)
		}
	}
	if len(told) != 1 || told[0].Title != "all: 190 openings held, as one run would have opened more than max_new" ||
		!strings.Contains(told[0].Parts[0].Markdown, "and 182 more") || !strings.Contains(told[0].Footer, "steward release all") {
		t.Fatalf("ops heard: %+v", told)
	}
	if status, body := o.get(o.private + "/readyz"); status != http.StatusOK {
		t.Errorf("/readyz: %d %s", status, body)
	}

	if _, said := o.command(exitFine, "release", "all"); !strings.Contains(said, "Released 190 enrolments") {
		t.Errorf("it says: %s", said)
	}
	for _, n := range []int{50, 100, 150, accounts} { // however slowly, they go on
		o.wait("all of them go out", func() bool { return len(sent()) >= n })
	}
	for account, n := range sent() {
		if n != 1 {
			t.Errorf("%s was told of %d times", account, n)
		}
	}
	if left := o.outreach("--state", "planned"); len(left) > 0 {
		t.Errorf("%d messages are left", len(left))
	}
}

// An edit makes a condition hold for everybody: all of them are held, none
// opens, and a release of a thousand says each of them once.
func TestAnEditThatMatchesEverybody(t *testing.T) {
	t.Parallel()
	const accounts = 1000
	f := newFeed(t, accounts)
	edit := func(when string) {
		f.write("playbooks/rich.yaml", "playbook: rich\nwhen: "+when+"\nsteps:\n  - {id: nudge, slack: owner, message: nudge}\n  - {wait: 20d, unless: acked}\n")
		f.must(f.reload(t.Context()))
	}
	edit("arr >= 100M")
	f.writeUsage(feedToday)
	f.must(f.live(feedToday + 1))
	edit("arr >= 100")
	for d := feedToday + 2; d <= feedToday+3; d++ {
		f.writeUsage(d - 1)
		f.must(f.live(d))
	}
	told := slices.DeleteFunc(f.told(), func(word string) bool { return !strings.HasPrefix(word, "rich") })
	if len(told) != 1 || !strings.HasPrefix(told[0], "rich: 1000 openings held, as this is the first run of its condition") || !strings.Contains(told[0], "and 992 more") {
		t.Errorf("ops heard: %.400q", told)
	}
	cards := func() map[steward.AccountID]int {
		all, _, err := f.db.Messages(t.Context(), store.MessageFilter{Kind: steward.Card, State: steward.Sent})
		f.must(err)
		out := map[steward.AccountID]int{}
		for _, m := range all {
			out[m.Account]++
		}
		return out
	}
	if n := len(cards()); n != 0 {
		t.Fatalf("%d cards were sent", n)
	}
	if _, said := f.command(exitFine, "release", "rich"); !strings.Contains(said, "Released 1000 enrolments") {
		t.Errorf("it says: %s", said)
	}
	f.must(deliverDue(t.Context(), f.engine, f.db, f.now))
	got := cards()
	for account, n := range got {
		if n != 1 {
			t.Errorf("%s was told of %d times", account, n)
		}
	}
	if len(got) != accounts {
		t.Errorf("%d of %d were told of", len(got), accounts)
	}
}

const allPlaybook = `playbook: all
when: last(logins) >= 1000
max_new: 5%
steps:
  - {id: nudge, slack: owner, message: nudge}
  - {wait: 60d, unless: acked}
`

// What nobody lets go for two weeks lapses: ops is told before, and afterwards
// that stretch never opens, while the next one may at once.
func TestHeldOpeningsLapse(t *testing.T) {
	t.Parallel()
	const accounts, limit = 40, 2
	f := newFeed(t, accounts)
	f.write("playbooks/all.yaml", allPlaybook)
	f.must(f.reload(t.Context()))
	f.writeUsage(feedToday)
	f.must(f.live(feedToday + 1)) // the baseline, of which nothing holds
	high := func(from, to, through steward.Day) {
		f.writeUsage(through)
		var b strings.Builder
		for _, line := range strings.SplitAfter(f.read("data/usage.csv"), "\n") {
			if cells := strings.Split(line, ","); len(cells) == 4 && cells[1] >= from.String() && cells[1] <= to.String() {
				line = cells[0] + "," + cells[1] + ",4000," + cells[3]
			}
			b.WriteString(line)
		}
		f.write("data/usage.csv", b.String())
	}
	var lapsing steward.Day
	states := func() map[steward.EnrolmentState]int {
		out := map[steward.EnrolmentState]int{}
		for _, state := range f.enrolled() {
			out[state]++
		}
		return out
	}
	const held = feedToday + 2
	for d := held; d <= held+15; d++ {
		high(feedToday+1, feedToday+60, d-1)
		f.must(f.live(d))
		for _, word := range f.told() {
			if lapsing == 0 && strings.Contains(word, "lapse within three days") {
				lapsing = d
			}
		}
		if d == held && states()[steward.Quarantined] != accounts-limit {
			t.Fatalf("on the first day: %v", states())
		}
	}
	if lapsing < held+11 || lapsing >= held+14 {
		t.Errorf("ops heard on %s that what was held on %s lapses", lapsing, held)
	}
	if got := states(); got[steward.Quarantined] != 0 || got[steward.Exited] != accounts-limit {
		t.Errorf("after two weeks: %v", got)
	}
	ended, err := f.db.Enrolments(t.Context(), store.EnrolmentFilter{State: steward.Exited})
	f.must(err)
	for _, e := range ended {
		if e.Reason != steward.ReasonQuarantineExpired {
			t.Errorf("%s ended as %s", e.Subject.ID, e.Reason)
		}
	}
	if n := strings.Count(strings.Join(f.told(), "\n"), "lapse within three days"); n != 1 {
		t.Errorf("ops heard of it %d times", n)
	}

	// It is over, and comes again: a new stretch is a new opening.
	back := held + 18
	high(feedToday+1, held+15, held+16)
	f.must(f.live(held + 17))
	f.must(f.live(back))
	high(back, back, back)
	f.must(f.live(back + 1))
	if got := states(); got[steward.Quarantined] != accounts-limit {
		t.Errorf("the next stretch opened nothing: %v", got)
	}
}
