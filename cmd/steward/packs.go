package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"steward"
	"steward/configs"
)

// listPacks says what each pack is for.
func (o *initOptions) listPacks() error {
	packs := configs.Packs()
	if o.app.json {
		return o.app.printJSON(packs)
	}
	for _, p := range packs {
		fmt.Fprintf(o.app.stdout, "%-11s  %s\n%s\n", p.Name, p.Title, wrapped(p.Why, 13))
	}
	return nil
}

// wrapped is text in lines of 80, each indented.
func wrapped(text string, indent int) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		if column > indent && column+1+len(word) > 80 {
			b.WriteByte('\n')
			column = 0
		}
		if column == 0 {
			b.WriteString(strings.Repeat(" ", indent))
			column = indent
		} else {
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len([]rune(word))
	}
	return b.String()
}

// chosen is the packs of --pack, each once, in their own order.
func (o *initOptions) chosen() ([]configs.Pack, error) {
	all := configs.Packs()
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	wanted := map[string]bool{}
	for _, name := range o.packs {
		switch {
		case name == "all":
			for _, n := range names {
				wanted[n] = true
			}
			continue
		case !slices.Contains(names, name):
			return nil, usagef("there is no pack %q%s", name, cmp.Or(didYouMean(name, names), "; there are "+strings.Join(names, ", ")+", or all"))
		}
		wanted[name] = true
	}
	var out []configs.Pack
	for _, p := range all {
		if wanted[p.Name] {
			out = append(out, p)
		}
	}
	return out, nil
}

func didYouMean(name string, names []string) string {
	if near := steward.Nearest(name, names); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}

// writePacks writes a workspace of packs, or adds them to the one that is there.
func (o *initOptions) writePacks() error {
	packs, err := o.chosen()
	if err != nil {
		return err
	}
	_, err = os.Lstat(filepath.Join(o.app.dir, configs.FileName))
	fresh := errors.Is(err, fs.ErrNotExist)
	files := map[string][]byte{}
	if fresh {
		files, err = configs.Compose(packs)
	} else {
		err = addFiles(files, packs, o.app.dir)
	}
	if err != nil {
		return err
	}
	if err := writeNew(o.app.dir, files); err != nil {
		return err
	}
	if fresh {
		if _, err := writeSchemas(filepath.Join(o.app.dir, schemaDir), schemaKinds()); err != nil {
			return err
		}
	}
	o.sayPacks(packs, files, fresh)
	return nil
}

// addFiles gathers what the packs add to a folder: one of their files that is
// there and reads the same has been added before.
func addFiles(to map[string][]byte, packs []configs.Pack, dir string) error {
	for _, p := range packs {
		files, err := p.Files()
		if err != nil {
			return err
		}
		for name, text := range files {
			if there, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(there, text) {
				to[name] = text
			}
		}
	}
	return nil
}

func (o *initOptions) sayPacks(packs []configs.Pack, files map[string][]byte, fresh bool) {
	w := o.app.stderr
	ws, _ := configs.Load(configs.Files(o.app.dir), o.app.dir, func(string) string { return "" })
	playbooks := 0
	for name := range files {
		if strings.HasPrefix(name, "playbooks/") {
			playbooks++
		}
	}
	if len(files) == 0 {
		fmt.Fprintf(w, "All of their files are in %s already.\n", o.app.dir)
	} else {
		fmt.Fprintf(w, "Wrote %s with messages and tests into %s.\n", count(playbooks, "playbook"), o.app.dir)
	}
	if !fresh {
		fmt.Fprintln(w, "Put these pieces into steward.yaml, each under the key that is there already:")
		fmt.Fprint(o.app.stdout, configs.Pieces(packs, ws))
	}
	o.app.sayMissing(configs.Missing(packs, ws, fileExists))
	if fresh {
		fmt.Fprint(w, `
  1. Put your exports into data/, or say in steward.yaml where they are, and take
     out the lines of files that you do not have
     (steward init --from accounts.csv infers the mapping of a file).
  2. owners.yaml: who your CSMs are
  3. steward check      every mistake at once
  4. steward test       the playbooks' own tests
  5. steward import     loads the data; steward report data says what is wrong with it
  6. steward plan       what would happen; nothing is sent
  7. steward run        the worker, in preview until you change delivery
`)
	}
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// sayMissing says which data packs read that is not there, and what lies idle
// without it.
func (a *app) sayMissing(missing []configs.Need) {
	if len(missing) == 0 {
		return
	}
	fmt.Fprintln(a.stderr, "\nNot there yet, and what it would add:")
	for _, n := range missing {
		what := n.Of + " " + n.Name
		if n.Of == "source" {
			what = "a file of " + n.Name
		}
		fmt.Fprintln(a.stderr, hanging(what+": "+n.For+without(n), 2))
	}
}

// without says what lies idle for want of something.
func without(n configs.Need) string {
	idle := slices.Clone(n.Idle)
	for _, part := range n.Health {
		idle = append(idle, "health's part "+part)
	}
	switch len(idle) {
	case 0:
		return ""
	case 1:
		return "; without it " + idle[0] + " lies idle"
	}
	last := len(idle) - 1
	return "; without it " + strings.Join(idle[:last], ", ") + " and " + idle[last] + " lie idle"
}

// reportPacksCommand tells of the packs in a workspace, told by their playbooks.
func reportPacksCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "packs",
		Short: "Which data the packs of this workspace read that is not there",
		Long: `Looks at the packs whose playbooks the workspace has, and says which of the data
they read is not there, and what lies idle without it. Data is there when a
source names a file of its kind, or the metric or field is declared, and the file
exists.

Exit codes: 0 all of it is there, 1 failed, 3 something is not.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			ws, book, _, err := a.load()
			if err != nil {
				return err
			}
			packs := slices.DeleteFunc(configs.Packs(), func(p configs.Pack) bool {
				return !slices.ContainsFunc(p.Playbooks(), func(name string) bool { _, ok := book.Playbook(steward.PlaybookName(name)); return ok })
			})
			missing := configs.Missing(packs, ws, fileExists)
			var names []string
			for _, p := range packs {
				names = append(names, p.Name)
			}
			if a.json {
				err = a.printJSON(map[string]any{"packs": names, "missing": missing})
			} else {
				fmt.Fprintf(a.stderr, "%s: %s\n", count(len(packs), "pack"), strings.Join(names, ", "))
				a.sayMissing(missing)
			}
			if err == nil && len(missing) > 0 {
				return errFindings
			}
			return err
		},
	}
}

// hanging is text in lines of 80 behind a dash.
func hanging(text string, indent int) string {
	lines := wrapped(text, indent+2)
	return lines[:indent] + "- " + lines[indent+2:]
}
