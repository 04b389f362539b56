package steward_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The import map. Imports run one way, so that a change to a folder can only
// concern those that name it here. The files are parsed: the answer of `go list`
// is not among what the test cache watches, so a cached pass would outlive it.

// ours is which of our own folders a folder may import; "" is the root. A
// folder that is not in it is a mistake: say first what it may know.
var ours = map[string][]string{
	"":                   {},
	"series":             {""},
	"facts":              {"", "series"},
	"playbooks/lang":     {"", "facts"},
	"playbooks":          {"", "facts", "playbooks/lang", "configs/strictyaml"},
	"replay":             {"", "series", "facts", "playbooks", "playbooks/lang", "configs/strictyaml"},
	"ingest":             {"", "series"},
	"store":              {"", "series"},
	"notify":             {"", "series"},
	"notify/notifytest":  {},
	"web":                {"", "series"},
	"configs/strictyaml": {""},
	"configs":            {"", "configs/strictyaml"},
	"jobs":               {"", "series", "facts", "playbooks"},
	"cmd/steward":        {anything},
}

// inTests is what a folder's tests may import besides: a test may set the stage
// with parts that the code it tests must not know.
var inTests = map[string][]string{
	"":               {anything},
	"playbooks/lang": {"series", "playbooks"},
	"playbooks":      {"series", "configs"},
	"replay":         {anything},
	"ingest":         {"configs"},
	"notify":         {"notify/notifytest"},
	"jobs":           {"store", "configs", "configs/strictyaml", "playbooks/lang"},
}

const anything = "*"

// standardOnly are the folders that import nothing but the standard library
// and the root.
var standardOnly = []string{"", "series"}

// kept is the libraries that one or two folders keep to themselves, so that
// replacing one is a change in one place. A path stands for all below it.
var kept = map[string][]string{
	"github.com/slack-go/slack":        {"notify"},
	"github.com/wneessen/go-mail":      {"notify"},
	"github.com/gorilla/websocket":     {"notify/notifytest"},
	"github.com/emersion/go-msgauth":   {"notify"},
	"github.com/emersion/go-message":   {"notify"},
	"github.com/emersion/go-imap/v2":   {"notify", "notify/notifytest"},
	"github.com/yuin/goldmark":         {"notify"},
	"golang.org/x/image":               {"notify"},
	"github.com/jmoiron/sqlx":          {"store"},
	"github.com/mattn/go-sqlite3":      {"store"},
	"github.com/pressly/goose/v3":      {"store"},
	"database/sql":                     {"store"},
	"github.com/hibiken/asynq":         {"jobs"},
	"github.com/alicebob/miniredis/v2": {"jobs"},
	"github.com/redis/go-redis/v9":     {"jobs"},
	"github.com/robfig/cron/v3":        {"jobs"},
	"github.com/spf13/cobra":           {"cmd/steward"},
	"github.com/jedib0t/go-pretty":     {"cmd/steward"},
	"github.com/schollz/progressbar":   {"cmd/steward"},
	"go.yaml.in/yaml/v4":               {"configs/strictyaml"},
	"github.com/prometheus":            {"web"},
	"net/http":                         {"web", "notify", "notify/notifytest", "cmd/steward"},
	"text/template":                    {"playbooks"},
}

// A source is one Go file as the map sees it.
type source struct {
	folder, name string
	test         bool
	imports      []string
	comment      string // the package comment
}

func TestImportsRunOneWay(t *testing.T) {
	for _, v := range violations(parseAll(t)) {
		t.Error(v)
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, v := range silent(parseAll(t)) {
		t.Error(v)
	}
}

// violations is every import that the map does not allow.
func violations(files []source) []string {
	var out []string
	for _, f := range files {
		if _, known := ours[f.folder]; !known {
			out = append(out, fmt.Sprintf("%s: the folder is not in the import map; say in arch_test.go what it may import", f.place()))
			continue
		}
		for _, path := range f.imports {
			if why := forbidden(f, path); why != "" {
				out = append(out, fmt.Sprintf("%s imports %s: %s", f.place(), path, why))
			}
		}
	}
	return out
}

func (f source) place() string { return filepath.ToSlash(filepath.Join(f.folder, f.name)) }

func forbidden(f source, path string) string {
	if folder, ok := ourFolder(path); ok {
		// An external test imports the folder it tests.
		allowed := slices.Contains(ours[f.folder], folder) || slices.Contains(ours[f.folder], anything) || f.test && folder == f.folder
		if f.test {
			allowed = allowed || slices.Contains(inTests[f.folder], folder) || slices.Contains(inTests[f.folder], anything)
		}
		if !allowed {
			return fmt.Sprintf("%s may import of ours only %s", name(f.folder), names(ours[f.folder]))
		}
		return ""
	}
	if f.test {
		return ""
	}
	if strings.Contains(strings.SplitN(path, "/", 2)[0], ".") && slices.Contains(standardOnly, f.folder) {
		return name(f.folder) + " keeps to the standard library"
	}
	for library, keepers := range kept {
		if (path == library || strings.HasPrefix(path, library+"/")) && !slices.Contains(keepers, f.folder) {
			return fmt.Sprintf("only %s may", names(keepers))
		}
	}
	return ""
}

// ourFolder is the folder of one of our own import paths.
func ourFolder(path string) (string, bool) {
	if path == "steward" {
		return "", true
	}
	return strings.CutPrefix(path, "steward/")
}

func name(folder string) string {
	if folder == "" {
		return "the root"
	}
	return folder
}

func names(folders []string) string {
	if len(folders) == 0 {
		return "nothing"
	}
	out := make([]string, len(folders))
	for i, f := range folders {
		out[i] = name(f)
	}
	return strings.Join(out, ", ")
}

// silent is every package without a comment that begins as godoc wants it.
func silent(files []source) []string {
	said := map[string]bool{}
	for _, f := range files {
		if f.test {
			continue
		}
		words := strings.HasPrefix(f.comment, "Package ") || strings.HasPrefix(f.comment, "Command ")
		said[f.folder] = said[f.folder] || words
	}
	var out []string
	for folder, ok := range said {
		if !ok {
			out = append(out, name(folder)+" has no package comment; say what it is for, what it does not know, and who calls it")
		}
	}
	slices.Sort(out)
	return out
}

// parseAll reads every Go file below this folder.
func parseAll(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			// As the go command has it: these hold no packages of this module.
			if n := d.Name(); path != "." && (n == "testdata" || n == "vendor" || n[0] == '.' || n[0] == '_' || anotherModule(path)) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parseSource(path, src)
		out = append(out, f)
		return err
	})
	if err != nil {
		t.Fatalf("read the source: %v", err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d Go files were found; the test looks in the wrong place", len(out))
	}
	return out
}

func anotherModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func parseSource(path string, src []byte) (source, error) {
	tree, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return source{}, err
	}
	folder := filepath.ToSlash(filepath.Dir(path))
	if folder == "." {
		folder = ""
	}
	f := source{folder: folder, name: filepath.Base(path), test: strings.HasSuffix(path, "_test.go"), comment: comment(tree)}
	for _, spec := range tree.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return f, fmt.Errorf("%s: import %s: %w", path, spec.Path.Value, err)
		}
		f.imports = append(f.imports, p)
	}
	return f, nil
}

func comment(f *ast.File) string {
	if f.Doc == nil {
		return ""
	}
	return f.Doc.Text()
}

// The map is only worth something when it says no.
func TestImportMapSaysNo(t *testing.T) {
	for _, c := range []struct {
		path, src string
		want      []string
	}{
		{"series/pack.go", `package series; import ("math"; "steward")`, nil},
		{"store/claim.go", `package store; import ("steward"; "github.com/jmoiron/sqlx")`, nil},
		{"jobs/engine_test.go", `package jobs_test; import ("steward/jobs"; "steward/store"; "steward/playbooks")`, nil},
		{"cmd/steward/run.go", `package main; import ("steward/jobs"; "steward/store"; "github.com/spf13/cobra")`, nil},
		{"day.go", `package steward; import "steward/facts"`, []string{"day.go imports steward/facts: the root may import of ours only nothing"}},
		{"day.go", `package steward; import "github.com/google/uuid"`, []string{"day.go imports github.com/google/uuid: the root keeps to the standard library"}},
		{"facts/view.go", `package facts; import "steward/playbooks"`, []string{"facts/view.go imports steward/playbooks: facts may import of ours only the root, series"}},
		{"playbooks/lang/parse.go", `package lang; import y "steward/configs/strictyaml"`, []string{"playbooks/lang/parse.go imports steward/configs/strictyaml: playbooks/lang may import of ours only the root, facts"}},
		{"notify/slack.go", `package notify; import _ "steward/store"`, []string{"notify/slack.go imports steward/store: notify may import of ours only the root, series"}},
		{"jobs/engine.go", `package jobs; import "steward/store"`, []string{"jobs/engine.go imports steward/store: jobs may import of ours only the root, series, facts, playbooks"}},
		{"jobs/engine_test.go", `package jobs_test; import "steward/web"`, []string{"jobs/engine_test.go imports steward/web: jobs may import of ours only the root, series, facts, playbooks"}},
		{"web/serve.go", `package web; import "github.com/slack-go/slack/slackevents"`, []string{"web/serve.go imports github.com/slack-go/slack/slackevents: only notify may"}},
		{"cmd/steward/run.go", `package main; import "database/sql"`, []string{"cmd/steward/run.go imports database/sql: only store may"}},
		{"ingest/read.go", `package ingest; import "go.yaml.in/yaml/v4"`, []string{"ingest/read.go imports go.yaml.in/yaml/v4: only configs/strictyaml may"}},
		{"util/strings.go", `package util`, []string{"util/strings.go: the folder is not in the import map; say in arch_test.go what it may import"}},
	} {
		f, err := parseSource(c.path, []byte(c.src))
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		if diff := cmp.Diff(c.want, violations([]source{f})); diff != "" {
			t.Errorf("%s of %s (-want +got):\n%s", c.src, c.path, diff)
		}
	}
}

func TestSilenceIsHeard(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"// Package web serves.\npackage web", ""},
		{"// Copyright somebody.\n\npackage web", "web has no package comment; say what it is for, what it does not know, and who calls it"},
		{"// Helpers.\npackage web", "web has no package comment; say what it is for, what it does not know, and who calls it"},
	} {
		f, err := parseSource("web/serve.go", []byte(c.src))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(silent([]source{f}), "\n"); got != c.want {
			t.Errorf("%q: got %q, want %q", c.src, got, c.want)
		}
	}
}
