package configs

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"text/template"

	"steward"
	"steward/configs/strictyaml"
)

//go:embed packs
var packFiles embed.FS

// A Pack is playbooks for one part of a customer's life, with their messages and
// tests, and what they add to steward.yaml.
type Pack struct {
	Name  string
	Title string
	Why   string
	// Needs is the data that its playbooks read, beside accounts, contracts,
	// contacts and touches.
	Needs []Need

	fields, metrics        []declared
	health, journey, holds string
}

// A Need is one piece of data that a pack reads.
type Need struct {
	// Of is source, metric, field or milestone; Name is its name.
	Of, Name string
	// For says what it is read for, in half a sentence.
	For string
	// Idle is the playbooks that never open without it.
	Idle []string
}

// declared is a line of fields: or metrics:.
type declared struct{ Name, As string }

// packFile is pack.yaml.
type packFile struct {
	Pack    strictyaml.Scalar                     `yaml:"pack,required" doc:"The pack's name, as its folder is called."`
	Title   string                                `yaml:"title,required" doc:"What the pack is about, in a few words."`
	Why     string                                `yaml:"why,required" doc:"When to use it, in a sentence or two."`
	Fields  strictyaml.Entries[strictyaml.Scalar] `yaml:"fields" doc:"Fields that its playbooks read, as fields: of steward.yaml has them."`
	Metrics strictyaml.Entries[strictyaml.Scalar] `yaml:"metrics" doc:"Metrics that its playbooks read; the value is the text of a line under metrics: of steward.yaml."`
	Needs   []needFile                            `yaml:"needs" doc:"The data that its playbooks read, and what lies idle without it."`
}

type needFile struct {
	Of   strictyaml.Scalar    `yaml:"of,required" doc:"What is needed: source (a kind of file), metric, field or milestone."`
	Name strictyaml.Scalar    `yaml:"name,required" doc:"Its name, such as tickets."`
	For  string               `yaml:"for,required" doc:"What it is read for, in half a sentence."`
	Idle strictyaml.OneOrMore `yaml:"idle" doc:"The playbooks that never open without it."`
}

// packOrder is the order of a customer's life.
var packOrder = []string{"onboarding", "adoption", "renewal", "support"}

// Packs is every pack, in the order of a customer's life.
func Packs() []Pack {
	var out []Pack
	for _, name := range packOrder {
		p, err := readPack(name)
		if err != nil {
			panic("configs: an embedded pack cannot be read: " + err.Error()) // tests read each of them
		}
		out = append(out, p)
	}
	return out
}

func readPack(name string) (Pack, error) {
	dir := path.Join("packs", name)
	text := func(file string) string {
		b, err := packFiles.ReadFile(path.Join(dir, file))
		if err != nil {
			return "" // a pack need not add anything
		}
		return strings.TrimRight(string(b), "\n")
	}
	src := text("pack.yaml")
	var f packFile
	if problems := strictyaml.Decode(path.Join(dir, "pack.yaml"), []byte(src), &f); len(problems) > 0 {
		return Pack{}, problems
	}
	p := Pack{Name: f.Pack.Value, Title: f.Title, Why: f.Why, health: text("health.yaml"), journey: text("journey.yaml"), holds: text("hold.yaml"),
		fields: lines(f.Fields), metrics: lines(f.Metrics)}
	if p.Name != name {
		return p, fmt.Errorf("%s says that it is the pack %q", dir, p.Name)
	}
	for _, n := range f.Needs {
		need := Need{Of: n.Of.Value, Name: n.Name.Value, For: n.For}
		for _, s := range n.Idle {
			need.Idle = append(need.Idle, s.Value)
		}
		p.Needs = append(p.Needs, need)
	}
	return p, nil
}

func lines(entries strictyaml.Entries[strictyaml.Scalar]) []declared {
	var out []declared
	for _, e := range entries {
		out = append(out, declared{e.Key.Value, e.Value.Value})
	}
	return out
}

// Files is the pack's playbooks, messages and tests, by their paths in a
// workspace.
func (p Pack) Files() (map[string][]byte, error) {
	out := map[string][]byte{}
	dir := path.Join("packs", p.Name)
	for _, sub := range []string{"playbooks", "messages", "tests"} {
		err := fs.WalkDir(packFiles, path.Join(dir, sub), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := packFiles.ReadFile(name)
			out[strings.TrimPrefix(name, dir+"/")] = b
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read the pack %s: %w", p.Name, err)
		}
	}
	return out, nil
}

// Compose is a whole workspace of packs: the files by path. The owners are the
// example's.
func Compose(packs []Pack) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, p := range packs {
		files, err := p.Files()
		if err != nil {
			return nil, err
		}
		for name, b := range files {
			if _, twice := out[name]; twice {
				return nil, fmt.Errorf("two packs hold %s", name)
			}
			out[name] = b
		}
	}
	owners, err := fs.ReadFile(Example(), defaultOwners)
	if err != nil {
		return nil, fmt.Errorf("read the example's owners: %w", err)
	}
	settings, err := composeSettings(packs)
	if err != nil {
		return nil, err
	}
	out[FileName], out[defaultOwners] = settings, owners
	return out, nil
}

// composition is what the template of steward.yaml is filled with.
type composition struct {
	Names                  []string
	Fields, Metrics        []declared
	Health, Journey, Holds string
	Crm, Support           []string // kinds of file beyond the usual ones
}

func composeSettings(packs []Pack) ([]byte, error) {
	// portfolio: reads the first of these, whatever the packs read.
	c := composition{Fields: []declared{{"plan", "text"}, {"partner_managed", "flag"}, {"legal_hold", "flag"}}}
	add := func(to *[]declared, from []declared) {
		for _, d := range from {
			if !slices.ContainsFunc(*to, func(x declared) bool { return x.Name == d.Name }) {
				*to = append(*to, d)
			}
		}
	}
	for _, p := range packs {
		c.Names = append(c.Names, p.Name)
		add(&c.Fields, p.fields)
		add(&c.Metrics, p.metrics)
		for _, part := range []struct {
			to   *string
			text string
		}{{&c.Health, p.health}, {&c.Journey, p.journey}, {&c.Holds, p.holds}} {
			if part.text != "" {
				*part.to = strings.TrimLeft(*part.to+"\n"+part.text, "\n")
			}
		}
		for _, n := range p.Needs {
			to := &c.Crm
			if n.Of != "source" || slices.Contains([]string{"accounts", "contracts", "contacts", "touches", "metrics"}, n.Name) {
				continue
			}
			if n.Name == "tickets" || n.Name == "surveys" {
				to = &c.Support
			}
			if !slices.Contains(*to, n.Name) {
				*to = append(*to, n.Name)
			}
		}
	}
	t, err := template.New("steward.yaml.tmpl").Funcs(template.FuncMap{"join": strings.Join}).ParseFS(packFiles, "packs/steward.yaml.tmpl")
	if err != nil {
		return nil, fmt.Errorf("read the template of %s: %w", FileName, err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, c); err != nil {
		return nil, fmt.Errorf("compose %s: %w", FileName, err)
	}
	return b.Bytes(), nil
}

// Pieces is what the pack adds to a steward.yaml that is there already, as text
// to paste.
func (p Pack) Pieces() string {
	var b strings.Builder
	list := func(key string, ds []declared) {
		if len(ds) == 0 {
			return
		}
		fmt.Fprintf(&b, "%s:\n", key)
		for _, d := range ds {
			fmt.Fprintf(&b, "  %s: %s\n", d.Name, d.As)
		}
	}
	list("fields", p.fields)
	list("metrics", p.metrics)
	if p.holds != "" {
		fmt.Fprintf(&b, "hold:\n%s\n", p.holds)
	}
	if p.journey != "" {
		fmt.Fprintf(&b, "journey:\n%s\n", p.journey)
	}
	if p.health != "" {
		fmt.Fprintf(&b, "health:\n  scorecards:\n    - name: default\n      parts:\n%s\n", p.health)
	}
	return b.String()
}

// Missing is what the pack needs and a workspace does not have. exists tells
// whether an export's file is there.
func (p Pack) Missing(w *Workspace, exists func(path string) bool) []Need {
	var out []Need
	for _, n := range p.Needs {
		if !w.has(n, exists) {
			out = append(out, n)
		}
	}
	return out
}

func (w *Workspace) has(n Need, exists func(path string) bool) bool {
	switch n.Of {
	case "field":
		return slices.ContainsFunc(w.Fields, func(f steward.FieldSpec) bool { return f.Name == n.Name })
	case "metric":
		return slices.ContainsFunc(w.Metrics, func(m steward.MetricSpec) bool { return m.Name == n.Name }) && w.fed("metrics", exists)
	case "milestone":
		return slices.ContainsFunc(w.Journey.Stages, func(s Stage) bool {
			return slices.ContainsFunc(s.Milestones, func(m Milestone) bool { return m.Name.Value == n.Name })
		})
	}
	return w.fed(n.Name, exists)
}

// fed tells whether some source names a file of a kind, and the file is there.
func (w *Workspace) fed(kind string, exists func(path string) bool) bool {
	for _, s := range w.Sources {
		for _, f := range s.Files {
			if f.Kind == kind && exists(w.Path(f.Path)) {
				return true
			}
		}
	}
	return false
}
