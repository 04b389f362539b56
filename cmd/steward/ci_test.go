package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"steward"
)

// TestDocumentedBuild runs the commands that docs/ci.md has a build run, each as
// it is written there, in a clone of a repository in which a branch edits a
// playbook.
func TestDocumentedBuild(t *testing.T) {
	builds, dir, done := 0, branchThatEdits(t), map[string]bool{}
	for _, b := range docBlocks(t, "docs/ci.md") {
		if b.kind != "yaml" {
			continue
		}
		builds++
		name, _, _ := strings.Cut(strings.TrimPrefix(b.text, "# "), "\n")
		t.Run(filepath.Base(name), func(t *testing.T) {
			var ran []string
			for _, m := range regexp.MustCompile(`(?m)^\s*- (?:run: )?((?:steward|git fetch) .*)$`).FindAllStringSubmatch(b.text, -1) {
				ran = append(ran, m[1])
				if !done[m[1]] { // both builds run the same
					runDocumented(t, dir, m[1])
				}
				done[m[1]] = true
			}
			for _, want := range []string{"steward check", "steward test --junit", "steward plan --against origin/main --markdown"} {
				if !strings.Contains(strings.Join(ran, "\n"), want) {
					t.Errorf("the build runs no %s:\n%s", want, strings.Join(ran, "\n"))
				}
			}
			comment, err := os.ReadFile(filepath.Join(dir, "plan.md"))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"### Steward plan: 1 newly, ", "| login-drop |", "compared with origin/main", "<details>"} {
				if !strings.Contains(string(comment), want) {
					t.Errorf("the comment does not say %q:\n%s", want, comment)
				}
			}
			if results, err := os.ReadFile(filepath.Join(dir, "tests.xml")); err != nil || !bytes.Contains(results, []byte("<testsuite")) {
				t.Errorf("no results of tests: %v", err)
			}
		})
	}
	if builds != 2 {
		t.Errorf("docs/ci.md shows %d builds, want that of GitHub and that of GitLab", builds)
	}
}

// branchThatEdits is the clone of a repository with the example's playbooks and
// a few accounts, on a branch whose login-drop takes in small accounts, too.
func branchThatEdits(t *testing.T) string {
	t.Helper()
	upstream := t.TempDir()
	if err := writeExample(upstream); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(upstream, "data"), os.DirFS("testdata/portfolio")); err != nil {
		t.Fatal(err)
	}
	accounts := readText(t, upstream, "data/accounts.csv")
	accounts = strings.ReplaceAll(accounts, "Acme GmbH,customer,enterprise", "Acme GmbH,customer,smb")
	writeText(t, upstream, "data/accounts.csv", accounts)
	if err := writeUsage(upstream, steward.Date(2026, 3, 13)); err != nil {
		t.Fatal(err)
	}
	runGit(t, upstream, "init", "-q", "-b", "main")
	runGit(t, upstream, "add", "--force", ".") // data is kept out of git by default
	runGit(t, upstream, "commit", "-qm", "playbooks")
	dir := filepath.Join(t.TempDir(), "clone")
	runGit(t, upstream, "clone", "-q", upstream, dir)
	text := readText(t, dir, "playbooks/login-drop.yaml")
	wider := strings.Replace(text, "segment in ['mid-market', 'enterprise']", "segment in ['smb', 'mid-market', 'enterprise']", 1)
	if wider == text {
		t.Fatal("the example's login-drop has another audience; edit this test")
	}
	writeText(t, dir, "playbooks/login-drop.yaml", wider)
	runGit(t, dir, "checkout", "-qb", "wider")
	runGit(t, dir, "commit", "-qam", "small accounts, too")
	return dir
}

// runDocumented runs one line of a build. What the build has beside it, such as
// a share that is small for so few accounts, is written out here.
func runDocumented(t *testing.T, dir, line string) {
	t.Helper()
	if rest, ok := strings.CutPrefix(line, "git "); ok {
		runGit(t, dir, strings.Fields(rest)...)
		return
	}
	command, into, redirected := strings.Cut(line, " > ")
	args := strings.Fields(command)[1:]
	var out, said bytes.Buffer
	env := map[string]string{clockVariable: "2026-03-14T05:00:00Z", "STEWARD_WORKSPACE": dir}
	t.Chdir(dir)
	code := program(func(name string) string { return env[name] }, nil, &out, &said).main(t.Context(), args)
	// One of six accounts is more than the example's five percent.
	if want := map[bool]int{true: exitFindings}[strings.Contains(line, "--fail-over")]; code != want {
		t.Fatalf("%s ends with %d, want %d:\n%s%s", line, code, want, &out, &said)
	}
	if redirected {
		writeText(t, dir, into, out.String())
	}
}

func runGit(t *testing.T, dir string, args ...string) {
	t.Helper()
	c := exec.Command("git", append([]string{"-c", "user.name=ops", "-c", "user.email=ops@example.com"}, args...)...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func readText(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func writeText(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o644); err != nil {
		t.Fatal(fmt.Errorf("write %s: %w", name, err))
	}
}
