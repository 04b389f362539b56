package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"steward"
	"steward/configs"
	"steward/playbooks"
	"steward/replay"
	"steward/store"
)

type checkOptions struct {
	app    *app
	strict bool
	lints  bool
	noData bool
}

func checkCommand(a *app) *cobra.Command {
	o := &checkOptions{app: a}
	c := &cobra.Command{
		Use:   "check",
		Short: "Find every mistake in the workspace's files at once",
		Long: `Reads steward.yaml, owners.yaml, every playbook, message and test, and tells
every mistake in them with its file, line and column, and what to do. Needs no
secrets.

Warnings are advice; each has a name in brackets. --lints lists them all. Where
one does not apply, the file says so with the reason, and it is not told again:

  accept: [{lint: no-cooldown, because: the contract ends only once}]

--strict makes warnings count as problems.

Where the workspace's database exists, what was imported is looked at too, and
what would be silent for ever is told: a value that no account has, a field that
nothing fills, an audience of nobody. Nothing is written. --no-data leaves it out.

Exit codes: 0 nothing wrong, 1 the workspace cannot be read, 3 problems found.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.lints {
				return a.printLints()
			}
			return o.run(c.Context())
		},
	}
	c.Flags().BoolVar(&o.strict, "strict", false, "let warnings count as problems")
	c.Flags().BoolVar(&o.lints, "lints", false, "list the advice that check gives")
	c.Flags().BoolVar(&o.noData, "no-data", false, "leave out what the imported data says about the files")
	return c
}

// loadLints is the advice that comes with every reading of the files, checkLints
// what check alone looks for besides.
func loadLints() []steward.Lint { return slices.Concat(configs.Lints(), playbooks.Lints()) }

func checkLints() []steward.Lint {
	return append(replay.Lints(),
		steward.Lint{Name: "no-test", Means: "No test says what a playbook does.", Do: "Write tests/PLAYBOOK.test.yaml; docs/workspace.md shows one."},
		steward.Lint{Name: "old-schema", Means: "The schemas in schema/, by which editors complete and check the files, are of another version of Steward.", Do: "Write them anew with steward schema --dir schema."},
	)
}

// allLints is every kind of advice, by name.
func allLints() []steward.Lint {
	out := append(slices.Concat(loadLints(), checkLints()),
		steward.Lint{Name: "stale-acceptance", Means: "A file accepts advice that is not given about it.", Do: "Remove the acceptance."})
	slices.SortFunc(out, func(a, b steward.Lint) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// acceptances is what the files accept.
func acceptances(ws *configs.Workspace, book *playbooks.Book) []steward.Acceptance {
	return slices.Concat(ws.Accepted, book.Accepted)
}

// atLoad tells the lints that are looked for whenever the files are read.
func atLoad(l steward.Lint) bool {
	return !l.Data && slices.Contains(loadLints(), l)
}

// loadFrom reads a workspace from any file system, without the advice that its
// files accept. book is nil when the workspace has errors.
func loadFrom(fsys fs.FS, dir string, getenv func(string) string) (*configs.Workspace, *playbooks.Book, steward.Problems) {
	ws, book, problems := readFrom(fsys, dir, getenv)
	problems, _ = problems.Accept(acceptances(ws, book), allLints(), atLoad)
	return ws, book, problems
}

// checked is what check found out: every problem, and what the tests accept.
type checked struct {
	ws       *configs.Workspace
	book     *playbooks.Book
	tests    int
	inTests  []steward.Acceptance
	problems steward.Problems
}

func (o *checkOptions) run(ctx context.Context) error {
	dir, err := o.app.workspaceDir()
	if err != nil {
		return err
	}
	found := checkFiles(configs.Files(dir), dir, o.app.getenv)
	data := false
	if !o.noData && len(found.problems.Errors()) == 0 {
		var advice steward.Problems
		if advice, data, err = o.advice(ctx, found); err != nil {
			return err
		}
		found.problems = append(found.problems, advice...)
	}
	problems, accepted := found.settled(data)
	return o.tell(found, problems, accepted)
}

// settled is the problems without what the files accept, and how many that was;
// data tells that the imported data was looked at.
func (c checked) settled(data bool) (steward.Problems, int) {
	return c.problems.Accept(slices.Concat(acceptances(c.ws, c.book), c.inTests), allLints(), func(l steward.Lint) bool { return data || !l.Data })
}

// checkFiles reads every file of a workspace; what they accept is among the
// problems still.
func checkFiles(fsys fs.FS, dir string, getenv func(string) string) checked {
	ws, book, problems := readFrom(fsys, dir, getenv)
	schema := replay.Schema{Fields: ws.Fields, Metrics: ws.Metrics}
	if len(problems.Errors()) == 0 { // else a playbook with a mistake would be missing
		knowPlaybooks(&schema, book)
	}
	scenarios, more := replay.LoadScenarios(fsys, ws.Tests, schema)
	found := checked{ws: ws, book: book, tests: len(scenarios), problems: append(problems, more...)}
	tested := map[steward.PlaybookName]bool{}
	for _, s := range scenarios {
		tested[s.Given.Playbook] = true
		found.inTests = append(found.inTests, s.Accepted...)
	}
	if len(more.Errors()) == 0 {
		for _, p := range book.Playbooks {
			if !tested[p.Name] {
				found.problems = append(found.problems, untested(ws, p))
			}
		}
	}
	found.problems = append(found.problems, oldSchemas(fsys)...)
	return found
}

func untested(ws *configs.Workspace, p *playbooks.Playbook) steward.Problem {
	return steward.Problem{File: p.File, Line: p.Line, Column: 1, About: "playbook " + string(p.Name), Lint: "no-test", Message: "no test says what this playbook does",
		Hint: fmt.Sprintf("write %s/%s.test.yaml", ws.Tests, p.Name)}
}

// oldSchemas tells that a workspace's schemas are not this program's.
func oldSchemas(fsys fs.FS) steward.Problems {
	for _, k := range schemaKinds() {
		have, err := fs.ReadFile(fsys, schemaDir+"/"+k.file())
		if err != nil {
			continue // none, or not for us to read: editors do without
		}
		if want, err := k.text(); err != nil || !bytes.Equal(have, want) {
			return steward.Problems{{File: configs.FileName, Lint: "old-schema", Message: fmt.Sprintf("%s/%s is of another version of Steward, and editors go by it", schemaDir, k.file()),
				Hint: "write them anew: steward schema --dir " + schemaDir}}
		}
	}
	return nil
}

// advice is what the imported data says about the playbooks; asked is false
// where there is none yet.
func (o *checkOptions) advice(ctx context.Context, found checked) (problems steward.Problems, asked bool, err error) {
	if _, err := os.Stat(found.ws.Database); err != nil {
		return nil, false, nil
	}
	h, err := o.app.enter(ctx, store.Options{ReadOnly: true})
	if err != nil {
		return nil, false, fmt.Errorf("look at the imported data (steward check --no-data leaves it out): %w", err)
	}
	defer h.close()
	engine := h.engine(nil, nil)
	last, err := engine.LastSlot(ctx)
	if err != nil {
		return nil, false, err
	}
	slot, err := nextSlot(h, last)
	if err != nil {
		return nil, false, err
	}
	s, err := engine.Situation(ctx, slot)
	if err != nil {
		return nil, false, err
	}
	return s.Advice(), true, nil
}

func (o *checkOptions) tell(found checked, problems steward.Problems, accepted int) error {
	if o.app.json {
		if problems == nil {
			problems = steward.Problems{}
		}
		if err := o.app.printJSON(problems); err != nil {
			return err
		}
	} else {
		o.app.printProblems(problems)
	}
	if len(problems.Errors()) > 0 || o.strict && len(problems) > 0 {
		return errFindings
	}
	if !o.app.json {
		inFiles := ""
		if accepted > 0 {
			inFiles = fmt.Sprintf(", %d accepted", accepted)
		}
		fmt.Fprintf(o.app.stderr, "%s, %s, %s, %s, %s: no mistakes%s%s\n", count(len(found.book.Playbooks), "playbook"), count(len(found.book.Wordings), "message"),
			count(found.tests, "test"), count(len(found.ws.Owners), "owner"), count(len(found.ws.Sources), "source"), adviceWords(len(problems)), inFiles)
	}
	return nil
}

// printLints lists the advice that check gives.
func (a *app) printLints() error {
	if a.json {
		return a.printJSON(allLints())
	}
	for _, l := range allLints() {
		data := ""
		if l.Data {
			data = a.dim("  looks at the imported data")
		}
		fmt.Fprintf(a.stdout, "%s%s\n    %s\n    %s\n", a.bold(l.Name), data, l.Means, l.Do)
	}
	return nil
}

func adviceWords(n int) string {
	if n == 0 {
		return ""
	}
	return ", " + count(n, "warning")
}

// printProblems shows each problem with its line and a caret under the place.
func (a *app) printProblems(problems steward.Problems) {
	for _, p := range problems {
		kind, colour := "error", "31"
		if p.Warning() {
			kind, colour = "warning", "33"
		}
		place := p.File
		if p.Line > 0 {
			place += fmt.Sprintf(":%d:%d", p.Line, max(p.Column, 1))
		}
		about := ""
		if p.About != "" {
			about = p.About + ": "
		}
		fmt.Fprintf(a.stderr, "%s: %s: %s%s\n", a.bold(place), a.paint(colour, kind), about, p.Message)
		if p.Snippet != "" && p.Line > 0 {
			number := fmt.Sprintf("%5d", p.Line)
			line, column := clipLine(p.Snippet, max(p.Column, 1))
			fmt.Fprintf(a.stderr, "%s | %s\n", number, line)
			fmt.Fprintf(a.stderr, "      | %s%s\n", strings.Repeat(" ", column-1), a.paint(colour, "^"+strings.Repeat("~", max(0, min(p.Length, len([]rune(line))-column+1)-1))))
		}
		if p.Hint != "" {
			fmt.Fprintf(a.stderr, "        %s\n", p.Hint)
		}
		if p.Lint != "" {
			fmt.Fprintf(a.stderr, "        [%s]\n", p.Lint)
		}
	}
	if errs := len(problems.Errors()); errs > 0 {
		fmt.Fprintf(a.stderr, "%s%s\n", count(errs, "mistake"), adviceWords(len(problems)-errs))
	}
}

// clipLine shows a window of a very long line around the column, and where the
// column is in it. Tabs become single spaces, so that the caret stands right.
func clipLine(line string, column int) (string, int) {
	const width = 160
	r := []rune(strings.ReplaceAll(line, "\t", " "))
	column = min(column, len(r)+1)
	if len(r) <= width {
		return string(r), column
	}
	from := max(0, min(column-width/2, len(r)-width))
	return string(r[from : from+width]), column - from
}

func (a *app) paint(code, s string) string {
	if !a.colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (a *app) bold(s string) string { return a.paint("1", s) }

func (a *app) dim(s string) string { return a.paint("2", s) }

// count is a number with its noun: 1 playbook, 3 playbooks.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	switch {
	case strings.HasSuffix(noun, "ch"), strings.HasSuffix(noun, "s"):
		noun += "es"
	case strings.HasSuffix(noun, "y") && !strings.HasSuffix(noun, "ay"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
