package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"steward"
	"steward/configs"
	"steward/configs/strictyaml"
	"steward/replay"
)

func TestEveryKeyIsDescribed(t *testing.T) {
	for _, k := range schemaKinds() {
		schema, gaps := k.schema()
		for _, gap := range gaps {
			t.Errorf("%s: %s", k.describes, gap)
		}
		walkSchema(schema, k.name, func(at string, s *strictyaml.Schema) {
			if s.Description != "" && !strings.HasSuffix(strings.TrimSuffix(s.Description, ")"), ".") && !strings.HasSuffix(s.Description, "…") {
				t.Errorf("%s: the description is no sentence: %q", at, s.Description)
			}
			for _, example := range s.Examples {
				if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(example) {
					t.Errorf("%s: offers %q, which %s refuses", at, example, s.Pattern)
				}
			}
		})
	}
}

// walkSchema visits a schema and all its parts.
func walkSchema(s *strictyaml.Schema, at string, visit func(string, *strictyaml.Schema)) {
	if s == nil {
		return
	}
	visit(at, s)
	for _, p := range s.Properties {
		walkSchema(p.Schema, at+"."+p.Key, visit)
	}
	if more, ok := s.More.(*strictyaml.Schema); ok {
		walkSchema(more, at+".*", visit)
	}
	walkSchema(s.Items, at+"[]", visit)
	for i, alternative := range s.AnyOf {
		walkSchema(alternative, fmt.Sprintf("%s|%d", at, i), visit)
	}
}

// editor is what an editor does with the schemas: it parses YAML as YAML 1.2
// says and validates each document.
type editor map[string]*jsonschema.Schema

func newEditor(t *testing.T) editor {
	t.Helper()
	e := editor{}
	for _, k := range schemaKinds() {
		text, err := k.text()
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(k.file(), value); err != nil {
			t.Fatal(err)
		}
		if e[k.name], err = c.Compile(k.file()); err != nil {
			t.Fatalf("%s is no JSON Schema: %v", k.file(), err)
		}
	}
	return e
}

// complaints is what the editor underlines in a file of a workspace; nothing in
// files of other kinds.
func (e editor) complaints(t *testing.T, file string, text []byte) []string {
	t.Helper()
	kind := kindOfFile(file)
	if kind == "" {
		return nil
	}
	if kind == "message" {
		head, ok := bytes.CutPrefix(text, []byte("---\n"))
		if !ok {
			return nil
		}
		text, _, _ = bytes.Cut(head, []byte("\n---\n"))
	}
	docs, problems := strictyaml.Documents(file, text)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", file, problems)
	}
	var out []string
	for _, d := range docs {
		if err := e[kind].Validate(plain(d.Node)); err != nil {
			out = append(out, err.Error())
		}
	}
	return out
}

func kindOfFile(file string) string {
	switch dir, name := path.Split(file); {
	case name == "steward.yaml":
		return "steward"
	case strings.HasPrefix(name, "owners") && path.Ext(name) == ".yaml":
		return "owners"
	case strings.HasSuffix(name, ".test.yaml"):
		return "test"
	case strings.HasSuffix(dir, "playbooks/") && path.Ext(name) == ".yaml":
		return "playbook"
	case strings.HasSuffix(dir, "messages/") && path.Ext(name) == ".md":
		return "message"
	}
	return ""
}

// plain is a node's value as JSON knows it. Dates are text, as in YAML 1.2.
func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			list[i] = plain(c)
		}
		return list
	case yaml.DocumentNode:
		return plain(n.Content[0])
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return n.Value == "true"
	case "!!int", "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return f
		}
	}
	return n.Value
}

func TestSchemasTakeEveryFileOfTheRepository(t *testing.T) {
	e, seen := newEditor(t), map[string]int{}
	look := func(where, file string, text []byte) {
		if kind := kindOfFile(file); kind != "" {
			seen[kind]++
		}
		for _, c := range e.complaints(t, file, text) {
			t.Errorf("%s %s: %s", where, file, c)
		}
	}
	for where, fsys := range map[string]fs.FS{"the example": configs.Example(), "testdata": os.DirFS("testdata"), "the packs": os.DirFS(docsRoot + "/configs/packs")} {
		if err := fs.WalkDir(fsys, ".", func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || path.Ext(file) == ".txtar" || where == "the packs" && !strings.Contains(file, "/") { // a template stands there
				return err
			}
			text, err := fs.ReadFile(fsys, file)
			look(where, file, text)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, page := range docPages(t) {
		for _, b := range docBlocks(t, page) {
			if file, text, ok := blockFile(b); ok {
				look(fmt.Sprintf("%s:%d", b.page, b.line), file, []byte(text))
			}
		}
	}
	for _, k := range schemaKinds() {
		if seen[k.name] < 3 {
			t.Errorf("only %d files of kind %s were looked at", seen[k.name], k.name)
		}
	}
}

// exampleWith is the example workspace with one file in another's place.
func exampleWith(t *testing.T, file, text string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	if err := fs.WalkDir(configs.Example(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(configs.Example(), name)
		files[name] = &fstest.MapFile{Data: data}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	files[file] = &fstest.MapFile{Data: []byte(text)}
	return files
}

// mistakes is what the loaders say of a file in the example workspace.
func mistakes(t *testing.T, file, text string) steward.Problems {
	t.Helper()
	files := exampleWith(t, file, text)
	ws, _, problems := loadFrom(files, "", func(string) string { return "" })
	_, more := replay.LoadScenarios(files, ws.Tests, replay.Schema{Fields: ws.Fields, Metrics: ws.Metrics})
	return slices.DeleteFunc(append(problems, more...).Errors(), func(p steward.Problem) bool { return p.File != file })
}

func exampleFile(t testing.TB, file string) string {
	t.Helper()
	text, err := fs.ReadFile(configs.Example(), file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const (
	aPlaybook = "playbooks/login-drop.yaml"
	aMessage  = "messages/offer-help.md"
	aTest     = "tests/login-drop.test.yaml"
)

// TestSchemaAndLoaderRefuseAlike spoils a good file in one place at a time:
// what the editor underlines, check refuses.
func TestSchemaAndLoaderRefuseAlike(t *testing.T) {
	e := newEditor(t)
	for _, c := range []struct{ file, old, new string }{
		{aPlaybook, "cooldown: 30d", "cooldwon: 30d"},
		{aPlaybook, "cooldown: 30d", "cooldown: 30"},
		{aPlaybook, "cooldown: 30d", "cooldown: 1d1w"},
		{aPlaybook, "cooldown: 30d", "cooldown: [30d]"},
		{aPlaybook, "severity: warning", "severity: loud"},
		{aPlaybook, "purpose: care", "purpose: sales"},
		{aPlaybook, "purpose: care", "kind: sometimes"},
		{aPlaybook, "purpose: care", "about: customer"},
		{aPlaybook, "purpose: care", "reentry: always"},
		{aPlaybook, "purpose: care", "holdout: 10"},
		{aPlaybook, "purpose: care", "max_new: some"},
		{aPlaybook, "purpose: care", "max_new: 0"},
		{aPlaybook, "purpose: care", "enabled: maybe"},
		{aPlaybook, "purpose: care", "enabled: 'true'"},
		{aPlaybook, "playbook: login-drop", "playbook: Login drop"},
		{aPlaybook, "playbook: login-drop", "title: Logins"},
		{aPlaybook, "steps:", "stepps:"},
		{aPlaybook, "slack: owner", "slack: ownr"},
		{aPlaybook, "slack: owner", "slack: owner\n    buttons: [ok]"},
		{aPlaybook, "approve: owner", "approve: somebody"},
		{aPlaybook, "approve: owner", "if_late: later"},
		{aPlaybook, "approve: owner", "on_recovery: stay"},
		{aPlaybook, "approve: owner", "on_uncertain: guess"},
		{aPlaybook, "expires: 5d", "expires: 5 days"},
		{aPlaybook, "  - id: nudge", "  - id: The nudge"},
		{aPlaybook, "expires: 5d", "expires: 5d\n    unattended: often"},
		{aPlaybook, "wait: 2 business days", "wait: two days"},
		{aPlaybook, "wait: 2 business days", "wait: 0d"},
		{aPlaybook, "slack: owner", "slack: owner\n    remind: weekly"},
		{aPlaybook, "slack: owner", "slack: owner\n    remind: every 7d\n    max: 1"},
		{aPlaybook, "slack: owner", "slack: owner\n    remind: every 7d\n    max: often"},
		{aPlaybook, "slack: owner", "task: owner\n    due: soon"},
		{aPlaybook, "slack: owner", "task: dana"},
		{aPlaybook, "purpose: care", "purpose: care\nmode: silent"},
		{aPlaybook, "purpose: care", "purpose: care\ngoal: {reach: arr > 0}"},
		{aPlaybook, "purpose: care", "purpose: care\nkind: rhythm\nevery: sometimes"},
		{aPlaybook, "purpose: care", "purpose: care\naccept: [{lint: no-test}]"},
		{aPlaybook, "purpose: care", "purpose: care\naccept: no-test"},
		{"steward.yaml", "delivery: preview", "delivery: preview\nworking_hours: {days: mon-fri, from: 8h, to: \"17:30\"}"},
		{"steward.yaml", "delivery: preview", "delivery: preview\nhold: [{purpose: commercial}]"},
		{"steward.yaml", "delivery: preview", "delivery: preview\nwebhooks: {crm: {link: https://example.com}}"},
		{"steward.yaml", "delivery: preview", "delivery: preview\njourney: {stages: [{stage: onboarding, milestones: {kickoff: soon}}]}"},
		{"steward.yaml", "delivery: preview", "delivery: preview\nhealth: {scorecard: []}"},
		{"steward.yaml", "delivery: preview", "delivery: everywhere"},
		{"steward.yaml", "delivery: preview", "delivery: {redirekt: you@example.com}"},
		{"steward.yaml", "logins: {kind: count}", "logins: {kind: counter}"},
		{"steward.yaml", "logins: {kind: count}", "logins: count"},
		{"steward.yaml", "plan: text", "plan: string"},
		{"steward.yaml", `ops: "#cs-ops"`, "ops: cs-ops"},
		{"steward.yaml", "fresh_within: 36h", "fresh_within: soon"},
		{"steward.yaml", "fresh_within: 36h", "account_ids: sales"},
		{"steward.yaml", "smtp_env: SMTP_URL}", "smtp_environment: SMTP_URL}"},
		{"steward.yaml", "  - name: crm", "  - named: crm"},
		{"owners.yaml", "- {id: ", "- {ID: "},
		{"owners.yaml", "@example.com", ""},
		{aMessage, "for_roles:", "for_rolls:"},
		{aTest, "given:", "givn:"},
		{aTest, "phase: ", "phase: sort of "},
		{aTest, "expect:", "expects:"},
	} {
		text := exampleFile(t, c.file)
		spoilt := strings.Replace(text, c.old, c.new, 1)
		if spoilt == text {
			t.Errorf("%s has no %q any more", c.file, c.old)
			continue
		}
		if len(e.complaints(t, c.file, []byte(spoilt))) == 0 {
			t.Errorf("%s with %q: the schema takes it", c.file, c.new)
		}
		if len(mistakes(t, c.file, spoilt)) == 0 {
			t.Errorf("%s with %q: check takes it", c.file, c.new)
		}
	}
}

// TestSchemaOffersWhatCheckTakes puts every value that a schema offers for a
// setting into a good file: none is a mistake because of its value.
func TestSchemaOffersWhatCheckTakes(t *testing.T) {
	e, tried := newEditor(t), 0
	for _, c := range []struct{ file, kind, at, old, new string }{
		{aPlaybook, "playbook", "playbook.", "purpose: care", "%s: %s"},
		{aPlaybook, "playbook", "playbook.steps[].", "    slack: owner", "    slack: owner\n    %s: %s"},
		{"steward.yaml", "steward", "steward.sources[].", "    fresh_within: 36h", "    %s: %s"},
		{"steward.yaml", "steward", "steward.sources[].csv.", "csv: {metrics: data/usage.csv}", "csv: {metrics: data/usage.csv, %s: %s}"},
		{aTest, "test", "test.expect[].", "phase: pending", "%s: %s"},
	} {
		schema, _ := schemaKinds()[slices.IndexFunc(schemaKinds(), func(k schemaKind) bool { return k.name == c.kind })].schema()
		walkSchema(schema, c.kind, func(at string, s *strictyaml.Schema) {
			key, ok := strings.CutPrefix(at, c.at)
			if !ok || strings.ContainsAny(key, ".[|*") {
				return
			}
			for _, v := range s.Enum {
				text := exampleFile(t, c.file)
				// A key that the file has is replaced; another goes in beside.
				old, added := c.old, fmt.Sprintf(c.new, key, strconv.Quote(v))
				offered := strings.Replace(text, old, added, 1)
				if offered == text {
					t.Fatalf("%s has no %q any more", c.file, old)
				}
				offered = onceEach(offered, key, added)
				tried++
				for _, complaint := range e.complaints(t, c.file, []byte(offered)) {
					t.Errorf("%s: %s: %s offered, and not taken by the schema itself: %s", c.file, at, v, complaint)
				}
				for _, p := range mistakes(t, c.file, offered) {
					if strings.Contains(p.Message, "cannot be") || strings.Contains(p.Message, "is not a") || strings.Contains(p.Message, "no state") || strings.Contains(p.Message, "not in this version") {
						t.Errorf("%s: the schema offers %s: %s, and check says: %v", c.file, at, v, p)
					}
				}
			}
		})
	}
	if tried < 20 {
		t.Errorf("only %d values were tried", tried)
	}
}

// onceEach drops the file's own line of a top-level key that was added.
func onceEach(text, key, added string) string {
	if strings.HasPrefix(added, " ") || strings.Contains(added, "{") {
		return text
	}
	lines, kept := strings.Split(text, "\n"), false
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool {
		if !strings.HasPrefix(line, key+":") {
			return false
		}
		if line == added && !kept {
			kept = true
			return false
		}
		return true
	}), "\n")
}
