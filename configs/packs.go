package configs

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"steward"
	"steward/configs/strictyaml"
)

//go:embed packs
var packFiles embed.FS

// A Pack is playbooks for one part of a customer's life, with their messages and
// tests, and what they add to steward.yaml.
type Pack struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Why   string `json:"why"`
	// Needs is the data that its playbooks read, beside accounts, contracts,
	// contacts and touches.
	Needs []Need `json:"needs"`

	fields, metrics        []declared
	health, journey, holds string
}

// A Need is one piece of data that a pack reads.
type Need struct {
	// Of is source (a kind of file), metric or field; Name is its name.
	Of   string `json:"of"`
	Name string `json:"name"`
	// For says what it is read for, in half a sentence.
	For string `json:"for"`
	// Idle is the playbooks that never open without it, Health the parts of the
	// score that give their weight to the others.
	Idle   []string `json:"idle,omitempty"`
	Health []string `json:"health,omitempty"`
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
	Of   strictyaml.Scalar    `yaml:"of,required" doc:"What is needed: source (a kind of file), metric or field." enum:"source|metric|field"`
	Name strictyaml.Scalar    `yaml:"name,required" doc:"Its name, such as tickets."`
	For  string               `yaml:"for,required" doc:"What it is read for, in half a sentence."`
	Idle strictyaml.OneOrMore `yaml:"idle" doc:"The playbooks that never open without it."`

	Health strictyaml.OneOrMore `yaml:"health" doc:"The parts of the health score that are unknown without it."`
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
		p.Needs = append(p.Needs, Need{Of: n.Of.Value, Name: n.Name.Value, For: n.For, Idle: words(n.Idle), Health: words(n.Health)})
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

// Playbooks is the names of the pack's playbooks, in order.
func (p Pack) Playbooks() []string {
	entries, err := packFiles.ReadDir(path.Join("packs", p.Name, "playbooks"))
	if err != nil {
		return nil // an embedded folder; tests read each of them
	}
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return out
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

// A composition is what packs add to steward.yaml together: each once.
type composition struct {
	fields, metrics       []declared
	hold, journey, health string
	crm, support          []string // kinds of file beyond the usual ones
}

// usual is the kinds of file that every composed workspace names.
var usual = []string{"accounts", "contracts", "contacts", "touches", "metrics"}

func compositionOf(packs []Pack) composition {
	var c composition
	add := func(to *[]declared, from []declared) {
		for _, d := range from {
			if !slices.ContainsFunc(*to, func(x declared) bool { return x.Name == d.Name }) {
				*to = append(*to, d)
			}
		}
	}
	join := func(to *string, text string) { *to = strings.Trim(*to+"\n"+text, "\n") }
	for _, p := range packs {
		add(&c.fields, p.fields)
		add(&c.metrics, p.metrics)
		join(&c.hold, p.holds)
		join(&c.journey, p.journey)
		join(&c.health, p.health)
		for _, n := range p.Needs {
			to := &c.crm
			if n.Name == "tickets" || n.Name == "surveys" {
				to = &c.support
			}
			if n.Of == "source" && !slices.Contains(usual, n.Name) && !slices.Contains(*to, n.Name) {
				*to = append(*to, n.Name)
			}
		}
	}
	return c
}

// composeSettings is the packs' steward.yaml: the settings that all of them
// share, in which a line such as @fields stands for what the packs add there.
func composeSettings(packs []Pack) ([]byte, error) {
	shared, err := packFiles.ReadFile("packs/" + FileName)
	if err != nil {
		return nil, fmt.Errorf("read the settings that packs share: %w", err)
	}
	// What portfolio: of the shared settings reads, whatever the packs do.
	portfolioFields := []declared{{"plan", "text"}, {"partner_managed", "flag"}, {"legal_hold", "flag"}}
	c := compositionOf(packs)
	var names []string
	for _, p := range packs {
		names = append(names, p.Name)
	}
	parts := map[string]string{
		"@packs":   "# Packs: " + strings.Join(names, ", ") + ". What each is for and what to tune: docs/packs.md.\n",
		"@fields":  declarations(append(portfolioFields, c.fields...)),
		"@metrics": under("\n# Daily figures. A count's missing day is zero; a gauge keeps its last value.\nmetrics:\n", declarations(c.metrics)),
		"@hold":    under("\n# One voice: mail for these purposes waits while something else comes first.\nhold:\n", c.hold),
		"@journey": under("\n# The stages that accounts pass through, and what they should reach on the way.\njourney:\n", c.journey),
		"@health":  under("", c.health),
		"@crm":     filesOf(c.crm),
		"@support": under("  - name: support\n    csv:\n", filesOf(c.support)),
	}
	if parts["@usage"] = ""; len(c.metrics) > 0 { // a file of use without any metric cannot be read
		parts["@usage"] = usageSource
	}
	var b strings.Builder
	for line := range strings.Lines(string(shared)) {
		if part, ok := parts[strings.TrimSpace(line)]; ok {
			line = part
		}
		b.WriteString(line)
	}
	return []byte(b.String()), nil
}

const usageSource = `  - name: usage
    csv: {metrics: data/usage.csv}
    complete_through: yesterday     # or a lag (2d), a date, column:NAME
    fresh_within: 36h               # older than this, conditions on usage are unknown and nothing fires
`

// under is text with its heading and a last line break, or nothing.
func under(heading, text string) string {
	if text == "" {
		return ""
	}
	return heading + strings.TrimRight(text, "\n") + "\n"
}

func declarations(ds []declared) string {
	var b strings.Builder
	for _, d := range ds {
		fmt.Fprintf(&b, "  %s: %s\n", d.Name, d.As)
	}
	return b.String()
}

func filesOf(kinds []string) string {
	var b strings.Builder
	for _, kind := range kinds {
		fmt.Fprintf(&b, "      %s: data/%s.csv\n", kind, kind)
	}
	return b.String()
}

// Pieces is what packs add to the steward.yaml of a workspace, as text to paste:
// fields, metrics and files that it has are left out.
func Pieces(packs []Pack, w *Workspace) string {
	c := compositionOf(packs)
	there := func(n Need) func(string) bool {
		return func(name string) bool {
			n.Name = name
			return w.has(n, func(string) bool { return true })
		}
	}
	missing := func(ds []declared, has func(string) bool) []declared {
		return slices.DeleteFunc(ds, func(d declared) bool { return has(d.Name) })
	}
	kinds := slices.DeleteFunc(append(c.crm, c.support...), there(Need{Of: "source"}))
	return under("fields:\n", declarations(missing(c.fields, there(Need{Of: "field"})))) +
		under("metrics:\n", declarations(missing(c.metrics, w.measures))) +
		under("hold:\n", c.hold) +
		under("journey:\n", c.journey) +
		under("health:\n  scorecards:\n    - name: default\n      parts:\n", c.health) +
		under("sources:                            # below csv: of the source that has the file\n", filesOf(kinds))
}

// Missing is what packs need and a workspace does not have, each once. exists
// tells whether an export's file is there.
func Missing(packs []Pack, w *Workspace, exists func(path string) bool) []Need {
	var out []Need
	for _, p := range packs {
		for _, n := range p.Needs {
			if w.has(n, exists) {
				continue
			}
			i := slices.IndexFunc(out, func(o Need) bool { return o.Of == n.Of && o.Name == n.Name })
			if i < 0 {
				out = append(out, n)
				continue
			}
			o := &out[i]
			if o.For != n.For {
				o.For += ", and " + n.For
			}
			o.Idle, o.Health = slices.Concat(o.Idle, n.Idle), slices.Concat(o.Health, n.Health)
		}
	}
	return out
}

func (w *Workspace) measures(name string) bool {
	return slices.ContainsFunc(w.Metrics, func(m steward.MetricSpec) bool { return m.Name == name })
}

// has tells whether what a pack needs is declared, and the file there that would
// hold it.
func (w *Workspace) has(n Need, exists func(path string) bool) bool {
	switch n.Of {
	case "field":
		return slices.ContainsFunc(w.Fields, func(f steward.FieldSpec) bool { return f.Name == n.Name })
	case "metric":
		return w.measures(n.Name) && w.fed("metrics", exists)
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
