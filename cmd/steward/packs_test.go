package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"steward/configs"
	"steward/playbooks"
)

// inFolder runs a command in a workspace and gives what it printed.
func inFolder(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = program(func(string) string { return "" }, strings.NewReader(""), &out, &errs).main(t.Context(), append(args, "-w", dir))
	return code, out.String(), errs.String()
}

// TestPacks: each pack alone and all of them together make a workspace in which
// nothing is wrong, nothing is advised, and all of their tests pass.
func TestPacks(t *testing.T) {
	names := []string{"all"}
	for _, p := range configs.Packs() {
		names = append(names, p.Name)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "ws")
			if code, _, stderr := inFolder(t, dir, "init", "--pack", name); code != 0 {
				t.Fatalf("init ends with %d: %s", code, stderr)
			}
			if code, stdout, stderr := inFolder(t, dir, "check"); code != 0 || !strings.HasSuffix(strings.TrimSpace(stderr), "no mistakes") {
				t.Fatalf("check ends with %d:\n%s%s", code, stdout, stderr)
			}
			if testing.Short() && name != "support" {
				return // one of them goes the same road, and all of them run without -short
			}
			files, err := filepath.Glob(filepath.Join(dir, "playbooks", "*.yaml"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no playbooks: %v", err)
			}
			code, stdout, stderr := inFolder(t, dir, "test", "--json")
			var results []testResult
			if err := json.Unmarshal([]byte(stdout), &results); err != nil {
				t.Fatalf("test ends with %d: %s%v", code, stderr, err)
			}
			if code != 0 {
				for _, r := range results {
					for _, f := range r.Failures {
						t.Errorf("%s", f.String())
					}
				}
				t.Fatalf("test ends with %d: %s", code, stderr)
			}
			for _, file := range files {
				playbook := strings.TrimSuffix(filepath.Base(file), ".yaml")
				i := slices.IndexFunc(results, func(r testResult) bool { return r.Playbook == playbook })
				if i < 0 {
					t.Errorf("%s has no test", playbook)
				} else if !worded(results[i]) {
					t.Errorf("the test of %s expects neither words nor that anybody stays clear", playbook)
				}
			}
		})
	}
}

// worded tells whether a test looks at what is said, and at somebody who is left
// alone.
func worded(r testResult) bool {
	said, alone := false, false
	for _, c := range r.Cases {
		said = said || strings.Contains(c.Name, "outreach step")
		alone = alone || strings.Contains(c.Name, "no outreach") || strings.Contains(c.Name, "phase clear") || strings.Contains(c.Name, "enrolment none")
	}
	return said && alone
}

// TestPacksSayWhatTheyNeed: what lies idle is there, and the metrics and fields
// that are needed are declared.
func TestPacksSayWhatTheyNeed(t *testing.T) {
	for _, p := range configs.Packs() {
		files, err := p.Files()
		if err != nil {
			t.Fatal(err)
		}
		pieces := configs.Pieces([]configs.Pack{p}, &configs.Workspace{})
		for _, n := range p.Needs {
			for _, name := range n.Idle {
				if _, ok := files["playbooks/"+name+".yaml"]; !ok {
					t.Errorf("%s: %s would lie idle without %s, and is no playbook of the pack", p.Name, name, n.Name)
				}
			}
			for _, part := range n.Health {
				if !strings.Contains(pieces, "{name: "+part+",") {
					t.Errorf("%s: health has no part %s", p.Name, part)
				}
			}
			if n.Of != "source" && !strings.Contains(pieces, "\n  "+n.Name+": ") {
				t.Errorf("%s needs the %s %s and does not declare it", p.Name, n.Of, n.Name)
			}
		}
	}
}

// packTable is the table of docs/packs.md: each playbook with its kind, its
// condition and whom it tells, as its file has them.
func packTable(t *testing.T, packs []configs.Pack) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ws")
	if code, _, stderr := inFolder(t, dir, "init", "--pack", "all"); code != 0 {
		t.Fatalf("init ends with %d: %s", code, stderr)
	}
	_, book, problems := loadFrom(configs.Files(dir), dir, func(string) string { return "" })
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var b strings.Builder
	b.WriteString("| Pack | Playbook | Opens when | Then |\n|---|---|---|---|\n")
	for _, pack := range packs {
		for _, name := range pack.Playbooks() {
			i := slices.IndexFunc(book.Playbooks, func(p *playbooks.Playbook) bool { return string(p.Name) == name })
			if i < 0 {
				t.Fatalf("%s is not in the book", name)
			}
			b.WriteString("| " + pack.Name + " | `" + name + "` " + book.Playbooks[i].Title + " | " + opensWhen(book.Playbooks[i]) + " | " + then(book.Playbooks[i]) + " |\n")
		}
	}
	return b.String()
}

func opensWhen(p *playbooks.Playbook) string {
	if p.Kind == playbooks.Rhythm {
		return "every " + p.Every.String()
	}
	out := "`" + strings.Join(strings.Fields(p.When.Source()), " ") + "`"
	if p.For > 0 {
		out += fmt.Sprintf(" for %g days", p.For)
	}
	return out
}

// then is the steps in order, in a word each.
func then(p *playbooks.Playbook) string {
	var out []string
	for _, s := range p.Steps {
		switch {
		case s.Task != "":
			out = append(out, "task for the "+s.Task)
		case s.Slack != "":
			out = append(out, "card to the "+s.Slack)
		case len(s.Email) > 0 && s.Approve.Veto > 0:
			out = append(out, "mail to "+strings.Join(s.Email, " or ")+", unless stopped")
		case len(s.Email) > 0:
			out = append(out, "mail to "+strings.Join(s.Email, " or ")+", once approved")
		}
	}
	return strings.Join(out, "; ")
}

// TestPacksAreDocumented: the table is of the files, and each pack's page tells
// of each of its playbooks and of all the data it needs.
func TestPacksAreDocumented(t *testing.T) {
	const page = "docs/packs.md"
	packs := configs.Packs()
	want, text := packTable(t, packs), docText(t, page)
	if !strings.Contains(text, want) {
		t.Errorf("%s does not hold the playbooks as they are. It should read:\n%s", page, want)
	}
	for _, p := range packs {
		own := filepath.Join("docs", "packs", p.Name+".md")
		if _, err := os.Stat(filepath.Join(docsRoot, own)); err != nil {
			t.Errorf("the pack %s has no page %s", p.Name, own)
			continue
		}
		text := docText(t, own)
		for _, name := range p.Playbooks() {
			if !strings.Contains(text, "`"+name+"`") {
				t.Errorf("%s says nothing of %s", own, name)
			}
		}
		for _, n := range p.Needs {
			if !strings.Contains(text, "| `"+n.Name+"` |") {
				t.Errorf("%s does not list %s among the data it needs", own, n.Name)
			}
		}
	}
}
