package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
		err = addFiles(files, packs)
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

func addFiles(to map[string][]byte, packs []configs.Pack) error {
	for _, p := range packs {
		files, err := p.Files()
		if err != nil {
			return err
		}
		for name, text := range files {
			to[name] = text
		}
	}
	return nil
}

func (o *initOptions) sayPacks(packs []configs.Pack, files map[string][]byte, fresh bool) {
	w := o.app.stderr
	playbooks := 0
	for name := range files {
		if strings.HasPrefix(name, "playbooks/") {
			playbooks++
		}
	}
	fmt.Fprintf(w, "Wrote %s with messages and tests into %s.\n", count(playbooks, "playbook"), o.app.dir)
	if !fresh {
		fmt.Fprintln(w, "\nPut these pieces into steward.yaml, beside what it has:")
		for _, p := range packs {
			fmt.Fprintf(o.app.stdout, "# %s\n%s\n", p.Name, p.Pieces())
		}
	}
	o.sayMissing(packs)
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

// sayMissing says which data the packs read that is not there, and what lies
// idle without it.
func (o *initOptions) sayMissing(packs []configs.Pack) {
	ws, _ := configs.Load(configs.Files(o.app.dir), o.app.dir, func(string) string { return "" })
	exists := func(path string) bool { _, err := os.Stat(path); return err == nil }
	said := false
	for _, p := range packs {
		for _, n := range p.Missing(ws, exists) {
			if !said {
				fmt.Fprintln(o.app.stderr, "\nNot there yet, and what it would add:")
				said = true
			}
			line := fmt.Sprintf("%s %s: %s", n.Of, n.Name, n.For)
			if n.Of == "source" {
				line = fmt.Sprintf("%s.csv: %s", n.Name, n.For)
			}
			if len(n.Idle) > 0 {
				line += "; without it " + strings.Join(n.Idle, ", ") + " never opens"
			}
			fmt.Fprintln(o.app.stderr, hanging(line, 2))
		}
	}
}

// hanging is text in lines of 80 behind a dash.
func hanging(text string, indent int) string {
	lines := wrapped(text, indent+2)
	return lines[:indent] + "- " + lines[indent+2:]
}
