package main

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What stands behind --against is read as a revision or refused, and the folder
// stays as it is.
func TestARevisionIsNoOption(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		c := exec.Command("git", args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "steward.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run("init", "-q")
	write("zone: UTC\n")
	run("add", ".")
	run("commit", "-qm", "first")
	write("zone: Europe/Berlin\n")

	files, _, err := otherVersion(context.Background(), dir, "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := fs.ReadFile(files, "steward.yaml"); err != nil || string(b) != "zone: UTC\n" {
		t.Errorf("as of HEAD: %q, %v", b, err)
	}
	out := filepath.Join(dir, "written")
	for _, rev := range []string{"--output=" + out, "-o" + out, "", "--exec=touch " + out, "HEAD --output=" + out, "nothing", "HEAD:steward.yaml", ";touch written"} {
		_, _, err := otherVersion(context.Background(), dir, rev)
		if err == nil || !strings.Contains(err.Error(), "--against") {
			t.Errorf("%q: %v, want it refused", rev, err)
		}
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "steward.yaml")); string(b) != "zone: Europe/Berlin\n" {
		t.Errorf("the folder was changed: %q", b)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a revision wrote a file")
	}
}
