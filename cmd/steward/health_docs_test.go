package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"steward/configs"
)

// The files that docs/health-and-journey.md shows belong together: laid over the
// example they load, and the test passes.
func TestDocumentedHealthAndJourney(t *testing.T) {
	const page = "docs/health-and-journey.md"
	dir := t.TempDir()
	if err := os.CopyFS(dir, configs.Example()); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, b := range docBlocks(t, page) {
		name, text, ok := blockFile(b)
		if !ok {
			continue
		}
		if seen++; name == configs.FileName {
			example, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			text = overlay(string(example), text)
		}
		write(t, filepath.Join(dir, name), text)
	}
	if seen != 3 {
		t.Errorf("%s shows %d whole files of a workspace, a playbook and its test", page, seen)
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"-w", dir, "test", "at-risk"}, func(string) string { return "" }, nil, &out, &out); code != exitFine {
		t.Errorf("steward test gave %d:\n%s", code, out.String())
	}
	text := docText(t, page)
	for file, types := range map[string][]string{
		"configs/health.go":  {"healthBlock", "scorecardBlock", "partBlock", "gradesBlock"},
		"configs/journey.go": {"journeyBlock", "stageBlock", "kpisBlock", "milestoneBlock"},
		"replay/standing.go": {"standingKeys"},
	} {
		for _, key := range settingKeys(t, file, types...) {
			if !regexp.MustCompile("`" + key + "`").MatchString(text) {
				t.Errorf("%s: the key `%s` of %s is not described", page, key, file)
			}
		}
	}
}
