package playbooks_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/playbooks"
)

var update = flag.Bool("update", false, "write the golden files anew")

// told is problems as a person sees them: where, what, what to do, and the line
// with a caret under it.
func told(ps steward.Problems) string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.Error())
		if p.Lint != "" {
			b.WriteString(" [" + p.Lint + "]")
		}
		b.WriteByte('\n')
		if p.Snippet != "" {
			b.WriteString("    " + p.Snippet + "\n    " + strings.Repeat(" ", max(p.Column-1, 0)) + "^" + strings.Repeat("~", max(p.Length-1, 0)) + "\n")
		}
	}
	return b.String()
}

// Every mistake of every file is told at once, where it is, and with what to
// do about it. testdata/mistakes is files with mistakes, mistakes.txt what is
// said of them.
func TestMistakesAreTold(t *testing.T) {
	b, problems := playbooks.Load(os.DirFS("testdata/mistakes"), "playbooks", "messages", settings())
	if len(problems.Errors()) == 0 || b == nil {
		t.Fatal("no mistakes found")
	}
	golden := filepath.Join("testdata", "mistakes.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(told(problems)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), told(problems)); diff != "" {
		t.Errorf("(-want +got):\n%s\nrun go test -update and read the difference", diff)
	}
	for range 10 {
		if _, again := playbooks.Load(os.DirFS("testdata/mistakes"), "playbooks", "messages", settings()); told(again) != told(problems) {
			t.Fatal("the same files are told of in another order")
		}
	}
}

func TestAGoodPlaybookLoadsWhole(t *testing.T) {
	b := load(t, settings(), nil, "# a comment\nplaybook: p\nabout: contract\nkind: process\npurpose: risk\naudience: amount > 10k\nwhen: days_until(notice_date) <= 90d\nfor: 2w\nuntil: renewed\nclear_for: 12h\nexit_when: cancelled\nseverity: info\npriority: amount\ncooldown: 6w\nreentry: never\nholdout: 10%\nmax_new: 7\nbackfill: true\nsteps:\n- {id: one, slack: \"#x\", message: nudge, on_recovery: continue, on_uncertain: retry, expires: 36h, at: notice_date - 1mo, if_late: now}\n")
	p, ok := b.Playbook("p")
	if !ok {
		t.Fatal("not in the book")
	}
	type got struct {
		About          steward.SubjectKind
		Kind           playbooks.PlaybookKind
		For, ClearFor  float64
		Cooldown       time.Duration
		Reentry        playbooks.Reentry
		Severity       playbooks.Severity
		Holdout        float64
		MaxNew         playbooks.MaxNew
		Backfill, Cont bool
		Retry          bool
		Expires        time.Duration
		Late           playbooks.Lateness
		Title          string
	}
	s := p.Steps[0]
	want := got{steward.AboutContract, playbooks.Process, 14, 0.5, 42 * 24 * time.Hour, playbooks.Never, playbooks.Info, 0.1, playbooks.MaxNew{Count: 7}, true, true, true, 36 * time.Hour, playbooks.LateNow, "p"}
	if diff := cmp.Diff(want, got{p.About, p.Kind, p.For, p.ClearFor, p.Cooldown, p.Reentry, p.Severity, p.Holdout, p.MaxNew, p.Backfill, s.ContinueOnRecovery, s.RetryUncertain, s.Expires, s.IfLate, p.Title}); diff != "" {
		t.Error(diff)
	}
}

func TestConditionHash(t *testing.T) {
	base := "playbook: p\ncooldown: 30d\naudience: arr >= 10k\nwhen: drop(logins, 14d) >= 50%\nfor: 2d\nuntil: recovered(logins, 14d) >= 80%\nclear_for: 2d\nsteps: [{id: s, slack: owner, message: nudge}]\n"
	hash := func(text string) (condition, version string) {
		p := load(t, settings(), nil, text).Playbooks[0]
		return p.Condition, p.Version
	}
	condition, version := hash(base)
	for _, c := range []struct {
		old, new string
		same     bool
	}{
		{"arr >= 10k", "arr>=10000", true},
		{"when: drop(logins, 14d) >= 50%", "when: |\n  (drop( logins , 2w ) >= 50%)", true},
		{"for: 2d", "for: 48h", true},
		{"cooldown: 30d", "cooldown: 10d", true},
		{"slack: owner", "slack: manager", true},
		{"steps:", "# a comment\ntitle: T\nwhy: W\nseverity: critical\npriority: arr\nsteps:", true},
		{"playbook: p", "playbook: q", true},
		{"arr >= 10k", "arr >= 11k", false},
		{"arr >= 10k", "arr > 10k", false},
		{">= 50%", ">= 51%", false},
		{"logins, 14d) >= 50%", "logins, 7d) >= 50%", false},
		{"for: 2d", "for: 3d", false},
		{">= 80%", ">= 90%", false},
		{"clear_for: 2d", "clear_for: 1d", false},
		{"audience: arr >= 10k\n", "", false},
		{"until: recovered(logins, 14d) >= 80%\n", "", false},
	} {
		got, v := hash(strings.Replace(base, c.old, c.new, 1))
		if (got == condition) != c.same {
			t.Errorf("%q instead of %q: the same condition is %t, want %t", c.new, c.old, got == condition, c.same)
		}
		if v == version {
			t.Errorf("%q instead of %q is the same version", c.new, c.old)
		}
	}
}

func TestLints(t *testing.T) {
	good := "playbook: p\ncooldown: 1d\nwhen: drop(logins, 7d) >= 50% or quiet_days(logins) >= 7d\nuntil: recovered(logins, 7d) >= 80%\n"
	for _, c := range []struct{ name, text, want string }{
		{"nothing to say", good, ""},
		{"blind drop", strings.Replace(good, " or quiet_days(logins) >= 7d", "", 1), "blind-drop"},
		{"a drop that stays in sight for a year", strings.Replace(good, "drop(logins, 7d) >= 50% or quiet_days(logins) >= 7d", "drop(logins, 7d, 52w) >= 50%", 1), ""},
		{"no until", strings.Replace(good, "until: recovered(logins, 7d) >= 80%\n", "", 1), "no-until"},
		{"no cooldown", strings.Replace(good, "cooldown: 1d\n", "", 1), "no-cooldown"},
		{"a process needs no until", "playbook: p\ncooldown: 0\nkind: process\nwhen: drop(logins, 7d) >= 50%\n", ""},
		{"a rhythm needs no cooldown", "playbook: p\nkind: rhythm\nevery: 1mo on second tuesday\n", ""},
		{"idle wait", good + "steps: [{id: s, slack: owner, message: nudge}, {wait: 2d}]\n", "idle-wait"},
		{"approval by default", good + "steps: [{id: s, email: [champion], message: help}]\n", "approval-by-default"},
		{"second mail", good + "steps: [{id: s, email: [champion], message: help, approve: owner}, {id: s2, email: [champion], message: help, unattended: true}]\n", "blind-second-mail"},
		{"second mail with a veto", good + "steps: [{id: s, email: [champion], message: help, approve: owner}, {id: s2, email: [champion], message: help, approve: veto 24h}]\n", "blind-second-mail"},
		{"second mail approved", good + "steps: [{id: s, email: [champion], message: help, unattended: true}, {id: s2, email: [champion], message: help, approve: owner}]\n", ""},
		{"second mail that looks first", good + "steps: [{id: s, email: [champion], message: help, unattended: true}, {wait: 7d, unless: \"engaged('champion', 7d) > 0\"}, {id: s2, email: [champion], message: help, unattended: true}]\n", ""},
		{"never", good + "steps: [{id: s, slack: owner, message: nudge, if: false}]\n", "unreachable-step"},
		{"always left out", good + "steps: [{id: s, slack: owner, message: nudge, unless: true}]\n", "unreachable-step constant-condition"},
		{"acked of nothing", good + "steps: [{id: s, slack: owner, message: nudge, if: not acked}]\n", "acked-too-early"},
		{"a wait for nothing to be acked", good + "steps: [{wait: 2d, unless: acked}, {id: s, slack: owner, message: nudge}]\n", "acked-too-early"},
		{"acked of a card", good + "steps: [{id: s, slack: owner, message: nudge}, {id: s2, slack: manager, message: escalate, if: not acked}]\n", ""},
		{"manager at once", good + "steps: [{id: s, slack: owner, message: nudge}, {id: s2, slack: manager, message: escalate}]\n", "hurried-escalation"},
		{"expires before it may go", good + "steps: [{id: s, email: [champion], message: help, approve: veto 48h, expires: 1d}]\n", "expires-first"},
		{"expires by default", good + "steps: [{id: s, email: [champion], message: help, approve: veto 8d}]\n", "expires-first"},
		{"constant", strings.Replace(good, "until: recovered(logins, 7d) >= 80%", "until: 1 > 2", 1), "constant-condition"},
		{"uneven weeks", strings.Replace(good, "drop(logins, 7d)", "drop(logins, 10d)", 1), "uneven-week"},
		{"the same weekdays a year ago", strings.Replace(good, "drop(logins, 7d)", "drop(logins, 10d, 52w)", 1), ""},
		{"a role among several", "playbook: p\nabout: contact\nwhen: role == 'champion'\nuntil: role != 'champion' and not (role in ['admin'])\ncooldown: 1d\n", "role-equality role-equality role-equality"},
		{"a role looked for", "playbook: p\nabout: contact\nwhen: role contains 'champion'\nuntil: not (role contains 'champion')\ncooldown: 1d\n", ""},
	} {
		_, problems := tryLoad(settings(), nil, c.text)
		var lints []string
		for _, p := range problems {
			if !p.Warning() {
				t.Errorf("%s: %v", c.name, p)
			} else if p.Lint != "unused-message" {
				lints = append(lints, p.Lint)
			}
		}
		if got := strings.Join(lints, " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTheEmptyWorkspace(t *testing.T) {
	_, problems := playbooks.Load(fstest.MapFS{}, "playbooks", "messages", settings())
	if len(problems) != 1 || !strings.Contains(problems[0].Hint, "steward init") {
		t.Errorf("%v", problems)
	}
}

// inside tells the problems whose position is not in the file they name.
func inside(t *testing.T, ps steward.Problems, files fstest.MapFS) {
	t.Helper()
	for _, p := range ps {
		if p.Message == "" {
			t.Errorf("a problem says nothing: %+v", p)
		}
		f, ok := files[p.File]
		if !ok || p.Line == 0 {
			continue
		}
		lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(f.Data)), "\n")
		if p.Line < 1 || p.Line > len(lines) {
			t.Fatalf("line %d of %d: %v", p.Line, len(lines), p)
		}
		if n := utf8.RuneCountInString(lines[p.Line-1]); p.Column < 1 || p.Column > n+1 {
			t.Fatalf("column %d of a line of %d characters: %v", p.Column, n, p)
		}
	}
}

func FuzzLoadPlaybook(f *testing.F) {
	seeds, err := filepath.Glob("testdata/mistakes/playbooks/*")
	if err != nil || len(seeds) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, s := range seeds {
		text, err := os.ReadFile(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(drop("steps:\n- {id: nudge, slack: owner, message: nudge}\n- {wait: 2 business days, unless: acked}\n- {id: m, email: [champion], message: help, approve: veto 24h, at: renewal_date - 30d}\n"))
	f.Add(" q\r\nwplaybook: p\nwhen\r |\n  arr > 1\nsteps:\n- slack: owner\x8a")
	f.Add("playbook: p\nwhen: |\n  arr > 1 and\n  arr < 'x'\nsteps:\n- slack: owner\n---\n\ufeffplaybook: q\r\nwhen: ü == 'ü'\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		files := fstest.MapFS{"playbooks/p.yaml": {Data: []byte(text)}, "messages/nudge.md": {Data: []byte(messages["nudge"])}, "messages/help.md": {Data: []byte(messages["help"])}}
		b, problems := playbooks.Load(files, "playbooks", "messages", settings())
		inside(t, problems, files)
		for _, p := range b.Playbooks {
			// What was read once is read again from what is stored of it.
			again, err := b.Compile(p.Text)
			if err != nil || again.Condition != p.Condition || again.Version != p.Version || len(again.Steps) != len(p.Steps) {
				t.Fatalf("the stored text of %s reads otherwise: %v", p.Name, err)
			}
		}
	})
}

func FuzzLoadMessage(f *testing.F) {
	seeds, err := filepath.Glob("testdata/mistakes/messages/*")
	if err != nil || len(seeds) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, s := range seeds {
		text, err := os.ReadFile(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(messages["help"])
	f.Add("---\n---\n{{define \"x\"}}{{end}}{{template \"x\"}}")
	f.Add("{{ if fact \"arr > 10k\" }}{{ .account.arr | money }}{{ else }}{{ .account.name }}{{ end }}{{/* c */}}")
	f.Fuzz(func(t *testing.T, text string) {
		files := fstest.MapFS{
			"playbooks/p.yaml": {Data: []byte("playbook: p\ncooldown: 0\nbackfill: true\nwhen: arr > 0\nsteps:\n- {id: s, slack: owner, message: m}\n- {id: t, email: [champion], message: m, unattended: true}\n")},
			"messages/m.md":    {Data: []byte(text)},
		}
		b, problems := playbooks.Load(files, "playbooks", "messages", settings())
		inside(t, problems, files)
		if len(problems.Errors()) > 0 {
			return
		}
		// What loads can be written, in either channel and with nothing known.
		a := customer("a")
		a.ARR = steward.Num(1)
		for _, acc := range []steward.Account{a, {ID: "a", Status: "customer", ARR: steward.Num(1), StartDate: steward.NoDay, RenewalDate: steward.NoDay}} {
			w := newWorld(t, b, acc)
			w.Contacts = []steward.Contact{champion("a")}
			w.run(day0)
			w.run(day0 + 1)
			for e, os := range w.memory.Outreach {
				for _, o := range os {
					if o.Message == "" {
						t.Fatalf("%s of %s was not planned: %s", o.Step, e, o.Suppressed)
					}
					c, err := w.at(six(day0+1)).Compose(w.memory.Messages[o.Message], []steward.Outreach{o}, []steward.Enrolment{w.must("p", "a")})
					if err != nil {
						t.Fatalf("%q loads and cannot be written: %v", text, err)
					}
					if strings.Contains(c.Title, "\n") {
						t.Fatalf("the title has lines: %q", c.Title)
					}
				}
			}
		}
	})
}
