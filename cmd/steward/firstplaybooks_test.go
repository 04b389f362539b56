package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// firstPlaybooks is the page whose files belong together: each stands in the
// workspace that the page begins with, and reads the others.
const firstPlaybooks = "docs/first-playbooks.md"

// The page is done as it says: its workspace is written, its files are put into
// it and checked as strictly as can be, and its tests are run; what it shows of
// the program has to be printed.
func TestFirstPlaybooksGoAsThePageSays(t *testing.T) {
	if testing.Short() {
		t.Skip("the page's tests live through more than a year; run without -short")
	}
	book := filepath.Join(t.TempDir(), "book")
	steward := func(args ...string) (string, int) {
		var out bytes.Buffer
		code := run(t.Context(), args, func(string) string { return "" }, nil, &out, &out)
		return out.String(), code
	}
	edit := func(name, from, to string) {
		t.Helper()
		path := filepath.Join(book, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(b), from) != 1 {
			t.Fatalf("%s has %q %d times", name, from, strings.Count(string(b), from))
		}
		write(t, path, strings.Replace(string(b), from, to, 1))
	}
	written, tested := 0, 0
	for _, b := range docBlocks(t, firstPlaybooks) {
		name, text, whole := blockFile(b)
		command, shown, _ := strings.Cut(b.text, "\n")
		args := strings.Fields(strings.TrimPrefix(command, "$ steward -w book "))
		switch {
		case name == "steward.yaml": // what the packs brought already
			_, line, _ := strings.Cut(strings.TrimSpace(text), "\n  ")
			edit(name, line, line)
		case whole:
			written++
			write(t, filepath.Join(book, name), text)
		case b.kind == "yaml" && strings.HasPrefix(b.text, "inhibited_by:"):
			edit("playbooks/value-report.yaml", "inhibited_by: [login-drop, slow-fade]\n", b.text)
		case args[0] == "init":
			if out, code := steward(append([]string{"-w", book}, args...)...); code != exitFine {
				t.Fatalf("init gave %d:\n%s", code, out)
			}
		case args[0] == "test":
			if tested++; tested == 2 {
				edit("tests/champion-left.test.yaml", "2026-03-12, account: acme, outreach", "2026-03-11, account: acme, outreach")
			}
			out, _ := steward(append([]string{"-w", book}, args...)...)
			shows(t, b, out, shown)
			if tested == 2 {
				edit("tests/champion-left.test.yaml", "2026-03-11, account: acme, outreach", "2026-03-12, account: acme, outreach")
			}
		}
	}
	if written != 12 || tested != 2 {
		t.Errorf("the page writes %d files and shows %d runs of the tests", written, tested)
	}
	if out, code := steward("-w", book, "check", "--strict"); code != exitFine {
		t.Errorf("check --strict gave %d:\n%s", code, out)
	}
	if out, code := steward("-w", book, "test", "champion-left", "value-report", "seats-full", "season-fading"); code != exitFine || strings.Count(out, "ok ") != 5 {
		t.Errorf("test gave %d:\n%s", code, out)
	}
}
