package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"steward"
)

// What the worker writes holds names, addresses and what was said to people: it
// is its owner's alone, while it runs and after.
func TestWhatIsWrittenIsItsOwnersAlone(t *testing.T) {
	o := newOutpost(t, "")
	config, err := os.ReadFile(filepath.Join(o.dir, "steward.yaml"))
	o.must(err)
	o.write("steward.yaml", strings.Replace(string(config), "delivery: live", "delivery: preview", 1))
	theirs := map[string]bool{} // what was there before
	o.must(filepath.WalkDir(o.dir, func(path string, _ fs.DirEntry, err error) error { theirs[path] = true; return err }))
	o.start()
	o.wait("cards are previewed", func() bool { return len(of(o.outreach("--state", "sent"), steward.Card, "acme")) > 0 })
	o.command(exitFine, "backup", filepath.Join(o.dir, "copy.db"))
	seen := map[string]int{}
	look := func() {
		o.must(filepath.WalkDir(o.dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || theirs[path] {
				return err
			}
			info, err := d.Info()
			if os.IsNotExist(err) { // SQLite removes its own when it closes
				return nil
			}
			o.must(err)
			if mode := info.Mode().Perm(); mode&0o077 != 0 {
				t.Errorf("%s may be read by others: %v", strings.TrimPrefix(path, o.dir), info.Mode())
			}
			seen[filepath.Ext(path)]++
			return nil
		}))
	}
	look()
	o.stop()
	look()
	for _, kind := range []string{".db", ".db-wal", ".lock", ".json", ".jsonl", ".html", ""} {
		if seen[kind] == 0 {
			t.Errorf("no %s was looked at among %v", kind, seen)
		}
	}
}
