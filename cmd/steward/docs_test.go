package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"steward/configs"
	"steward/replay"
)

const docsRoot = "../.."

// docPages is every page that users read.
func docPages(t *testing.T) []string {
	t.Helper()
	pages := []string{"README.md", "CHANGELOG.md"}
	err := filepath.WalkDir(filepath.Join(docsRoot, "docs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".md" {
			rel, _ := filepath.Rel(docsRoot, path)
			pages = append(pages, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func docText(t *testing.T, page string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(docsRoot, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A docBlock is a fenced block of a page.
type docBlock struct {
	page string
	line int // of its first line of text
	kind string
	text string
}

func docBlocks(t *testing.T, page string) (out []docBlock) {
	t.Helper()
	var open *docBlock
	for i, line := range strings.Split(docText(t, page), "\n") {
		kind, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &docBlock{page: page, line: i + 2, kind: kind}
		case fence:
			out = append(out, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block is not closed", page, open.line)
	}
	return out
}

// settingKeys is the yaml keys of a struct type, read from its source: the
// types are their packages' own.
func settingKeys(t *testing.T, file string, types ...string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(docsRoot, file), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	found := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || !slices.Contains(types, spec.Name.Name) {
			return true
		}
		found[spec.Name.Name] = true
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			if field.Tag == nil {
				continue
			}
			tag, _ := strconv.Unquote(field.Tag.Value)
			if name, _, _ := strings.Cut(reflect.StructTag(tag).Get("yaml"), ","); name != "" {
				out = append(out, name)
			}
		}
		return true
	})
	for _, name := range types {
		if !found[name] {
			t.Errorf("%s has no type %s any more; name the one that holds its keys", file, name)
		}
	}
	return out
}

// Every key that the files may have, as editors are told of it, is described
// where people look for it.
func TestEveryKeyIsDocumented(t *testing.T) {
	section := func(page string, headings ...string) (out string) {
		text := docText(t, page)
		for _, heading := range headings {
			_, rest, ok := strings.Cut(text, "\n## "+heading+"\n")
			if !ok {
				t.Fatalf("%s has no section %q", page, heading)
			}
			rest, _, _ = strings.Cut(rest, "\n## ")
			out += rest
		}
		return out
	}
	const workspace = "docs/workspace.md"
	dir := t.TempDir()
	if code := run(t.Context(), []string{"schema", "--dir", dir}, func(string) string { return "" }, nil, io.Discard, io.Discard); code != exitFine {
		t.Fatalf("schema gave %d", code)
	}
	for file, body := range map[string]string{
		"playbook": section(workspace, "Playbooks"),
		"message":  section(workspace, "Messages"),
		"test":     section(workspace, "Tests"),
		"owners":   section(workspace, "owners.yaml"),
		"steward":  section(workspace, "steward.yaml", "Sources") + docText(t, "docs/health-and-journey.md"),
	} {
		data, err := os.ReadFile(filepath.Join(dir, file+".schema.json"))
		if err != nil {
			t.Fatal(err)
		}
		var schema any
		if err := json.Unmarshal(data, &schema); err != nil {
			t.Fatal(err)
		}
		keys := map[string]bool{}
		schemaKeys(schema, keys)
		if len(keys) < 4 {
			t.Errorf("the schema of %s has %d keys", file, len(keys))
		}
		for key := range keys {
			if !regexp.MustCompile("`([a-z_]+\\.)*" + key + "`").MatchString(body) {
				t.Errorf("the key `%s` of %s is not described where people look for it", key, file)
			}
		}
	}
}

// schemaKeys collects the keys that a schema knows, however deep.
func schemaKeys(schema any, keys map[string]bool) {
	switch x := schema.(type) {
	case []any:
		for _, y := range x {
			schemaKeys(y, keys)
		}
	case map[string]any:
		for name, y := range x {
			if properties, ok := y.(map[string]any); ok && name == "properties" {
				for key, z := range properties {
					keys[key] = true
					schemaKeys(z, keys)
				}
				continue
			}
			schemaKeys(y, keys)
		}
	}
}

// A block that begins with "# FILE" is that file of a workspace, and has to
// load in the place of the example's. A piece of steward.yaml is laid over the
// example's keys.
func TestDocumentedFilesLoad(t *testing.T) {
	seen := 0
	for _, page := range docPages(t) {
		for _, b := range docBlocks(t, page) {
			name, text, ok := blockFile(b)
			if !ok || page == firstPlaybooks { // its files stand in a workspace of packs, which its own test writes
				continue
			}
			seen++
			files := fstest.MapFS{}
			if err := fs.WalkDir(configs.Example(), ".", func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				data, err := fs.ReadFile(configs.Example(), path)
				files[path] = &fstest.MapFile{Data: data}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if name == configs.FileName {
				text = overlay(string(files[name].Data), text)
			}
			files[name] = &fstest.MapFile{Data: []byte(text)}
			if strings.HasPrefix(name, "playbooks/") && strings.Contains(text, "webhook:") {
				file := files[configs.FileName]
				file.Data = []byte(overlay(string(file.Data), webhooksOf(t, page)))
			}
			ws, _, problems := loadFrom(files, "", func(string) string { return "" })
			if strings.HasPrefix(name, "tests/") {
				_, more := replay.LoadScenarios(files, ws.Tests, replay.Schema{Fields: ws.Fields, Metrics: ws.Metrics})
				problems = append(problems, more...)
			}
			for _, p := range problems.Errors() {
				if name == "owners.yaml" && p.File != name {
					continue // other owners: the example's playbooks may name what is gone
				}
				t.Errorf("%s:%d: as %s: %v", b.page, b.line, name, p)
			}
		}
	}
	if seen < 5 {
		t.Errorf("the pages show %d whole files; do their blocks still begin with # FILE?", seen)
	}
}

// webhooksOf is the piece of steward.yaml on a page that says which systems its
// playbooks may call.
func webhooksOf(t *testing.T, page string) string {
	t.Helper()
	for _, b := range docBlocks(t, page) {
		if name, text, ok := blockFile(b); ok && name == configs.FileName && strings.Contains(text, "\nwebhooks:") {
			return text
		}
	}
	return ""
}

var workspaceFile = regexp.MustCompile(`^(?:# |<!-- )((?:steward|owners)\.yaml|(?:playbooks|messages|tests)/[a-z-]+\.(?:test\.yaml|yaml|md))(?: -->)?\n`)

// blockFile is the file of a workspace that a block shows, if its first line
// names one.
func blockFile(b docBlock) (name, text string, ok bool) {
	m := workspaceFile.FindStringSubmatch(b.text)
	if m == nil {
		return "", "", false
	}
	if strings.HasSuffix(m[1], ".md") {
		return m[1], strings.TrimPrefix(b.text, m[0]), true
	}
	return m[1], b.text, true // the line is a comment there
}

var topLevelKey = regexp.MustCompile(`(?m)^([a-z_]+):`)

// overlay is a YAML file with the top-level keys of a piece in the place of its
// own.
func overlay(whole, piece string) string {
	taken := map[string]bool{}
	for _, m := range topLevelKey.FindAllStringSubmatch(piece, -1) {
		taken[m[1]] = true
	}
	var b bytes.Buffer
	skip := false
	for _, line := range strings.Split(whole, "\n") {
		if m := topLevelKey.FindStringSubmatch(line); m != nil {
			skip = taken[m[1]]
		}
		if !skip {
			fmt.Fprintln(&b, line)
		}
	}
	return b.String() + piece
}

var (
	shownCommand = regexp.MustCompile(`\bsteward((?: (?:-w|--workspace) \S+)?)((?: [a-z][a-z-]*)+)((?: --[a-z-]+)*)`)
	shownFlag    = regexp.MustCompile(` (--[a-z-]+)`)
)

func TestDocumentedCommandsExist(t *testing.T) {
	root := rootCommand(newApp(func(string) string { return "" }, nil, nil, nil))
	known := map[string]*cobra.Command{"help": root}
	for _, c := range root.Commands() {
		known[c.Name()] = c
	}
	seen := 0
	for _, page := range docPages(t) {
		for _, b := range docBlocks(t, page) {
			if b.kind != "console" {
				continue
			}
			for i, line := range strings.Split(b.text, "\n") {
				prompt, _, _ := strings.Cut(line, " #")
				if !strings.HasPrefix(prompt, "$ ") {
					continue
				}
				m := shownCommand.FindStringSubmatch(prompt)
				if m == nil {
					continue
				}
				seen++
				words := strings.Fields(m[2])
				if words[0] == "steward" { // docker compose exec steward steward …
					words = words[1:]
				}
				c := known[words[0]]
				if c == nil {
					t.Errorf("%s:%d: there is no command %s: %s", page, b.line+i, words[0], line)
					continue
				}
				for _, f := range shownFlag.FindAllStringSubmatch(prompt[strings.Index(prompt, "steward"):], -1) {
					name := strings.TrimPrefix(f[1], "--")
					if c.Flags().Lookup(name) == nil && root.PersistentFlags().Lookup(name) == nil && !slices.Contains([]string{"help", "build", "detach"}, name) {
						t.Errorf("%s:%d: %s has no flag --%s", page, b.line+i, words[0], name)
					}
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("the pages show %d commands; are their blocks still marked console?", seen)
	}
	operations := docText(t, "docs/operations.md")
	for name := range known {
		if name != "help" && !strings.Contains(operations, "`"+name+"`") {
			t.Errorf("docs/operations.md does not list the command `%s`", name)
		}
	}
}

var docLink = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

func TestDocumentedLinksLeadSomewhere(t *testing.T) {
	for _, page := range docPages(t) {
		for _, m := range docLink.FindAllStringSubmatch(docText(t, page), -1) {
			if _, err := os.Stat(filepath.Join(docsRoot, filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
		}
	}
}

// Every reason that is stored can be looked up.
func TestEveryReasonIsDocumented(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(docsRoot, "reason.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	text, seen := docText(t, "docs/concepts.md"), 0
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != "Reason" {
			return true
		}
		reason, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if seen++; !strings.Contains(text, "`"+reason+"`") {
			t.Errorf("docs/concepts.md does not explain the reason `%s`", reason)
		}
		return true
	})
	if seen == 0 {
		t.Error("reason.go holds no reasons")
	}
}

// Every metric that is shown is told what to do about.
func TestEveryMetricIsDocumented(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(docsRoot, "web/metrics.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`desc\("([a-z_]+)"`).FindAllSubmatch(b, -1)
	if len(names) == 0 {
		t.Fatal("web/metrics.go declares no metrics in the way this test reads")
	}
	text := docText(t, "docs/operations.md")
	for _, m := range names {
		if !strings.Contains(text, "`steward_"+string(m[1])) {
			t.Errorf("docs/operations.md does not describe steward_%s", m[1])
		}
	}
}

// The README's first playbook is written, mended and asked about as it says,
// and every line that it shows has to be among what is printed. Lines that
// leave something out hold an ellipsis.
func TestFirstPlaybookGoesAsTheReadmeSays(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the demo first")
	}
	book := filepath.Join(t.TempDir(), "my-book")
	steward := func(args ...string) string {
		var out bytes.Buffer
		run(t.Context(), args, func(string) string { return "" }, nil, &out, &out)
		return out.String()
	}
	demo := steward("demo", "--dir", book)
	edit := func(name, from, to string) {
		t.Helper()
		path := filepath.Join(book, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), from) {
			t.Fatalf("%s has no %q to change", name, from)
		}
		write(t, path, strings.ReplaceAll(string(b), from, to))
	}
	const playbook, message, scenario = "playbooks/reports-unused.yaml", "messages/reports-unused.md", "tests/reports-unused.test.yaml"
	ran := map[string]int{}
	for _, b := range docBlocks(t, "README.md") {
		switch {
		case b.kind == "text":
			shows(t, b, strings.ReplaceAll(demo, book, "steward-demo"), b.text)
		case b.kind == "yaml" && strings.HasPrefix(b.text, "playbook:"):
			write(t, filepath.Join(book, playbook), b.text)
		case b.kind == "yaml" && strings.HasPrefix(b.text, "given:"):
			write(t, filepath.Join(book, scenario), b.text)
		case b.kind == "markdown":
			write(t, filepath.Join(book, message), b.text)
		case b.kind == "console" && strings.HasPrefix(b.text, "$ steward -w my-book "):
			prompt, shown, _ := strings.Cut(b.text, "\n")
			args := strings.Fields(strings.TrimPrefix(prompt, "$ steward -w my-book "))
			switch ran[args[0]]++; {
			case args[0] == "check" && ran["check"] == 2:
				edit(playbook, "quiet_day(", "quiet_days(")
				edit(playbook, "< 7\n", "< 7d\n")
			case args[0] == "test" && ran["test"] == 2:
				edit(scenario, "2026-02-13, account: acme, phase: clear", "2026-02-13, account: acme, phase: firing")
			}
			shows(t, b, steward(append([]string{"-w", book}, args...)...), shown)
		}
	}
	if want := map[string]int{"check": 2, "test": 2, "plan": 1, "explain": 1}; !cmp.Equal(want, ran) {
		t.Errorf("the README runs (-want +got):\n%s", cmp.Diff(want, ran))
	}
}

// seconds is how long a demo took, which differs.
var seconds = regexp.MustCompile(`simulated in \d+ seconds?`)

func shows(t *testing.T, b docBlock, got, shown string) {
	t.Helper()
	got = seconds.ReplaceAllString(got, "simulated in 3 seconds")
	for i, line := range strings.Split(strings.TrimSpace(shown), "\n") {
		if strings.Contains(line, "…") || strings.TrimSpace(line) == "" {
			continue
		}
		if !strings.Contains(got, line+"\n") {
			t.Errorf("%s:%d: this line is not printed:\n%s\nWhat is:\n%s", b.page, b.line+i, line, got)
			return
		}
	}
}

// The playbook, message and test that docs/workspace.md shows belong together,
// and the test passes.
func TestDocumentedScenarioPasses(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, configs.Example()); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, b := range docBlocks(t, "docs/workspace.md") {
		if name, text, ok := blockFile(b); ok && slices.Contains([]string{"playbooks/login-drop.yaml", "messages/offer-help.md", "tests/login-drop.test.yaml"}, name) {
			seen++
			write(t, filepath.Join(dir, name), text)
		}
	}
	if seen != 3 {
		t.Errorf("docs/workspace.md shows %d of a playbook with its message and its test", seen)
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"-w", dir, "test", "login-drop"}, func(string) string { return "" }, nil, &out, &out); code != exitFine {
		t.Errorf("steward test gave %d:\n%s", code, out.String())
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
