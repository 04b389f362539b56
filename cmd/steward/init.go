package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"steward/configs"
	"steward/ingest"
)

type initOptions struct {
	app   *app
	from  string
	name  string
	packs []string
	list  bool
}

func initCommand(a *app) *cobra.Command {
	o := &initOptions{app: a}
	c := &cobra.Command{
		Use:   "init",
		Short: "Write a starting workspace into a folder",
		Long: `Writes steward.yaml, owners.yaml, three playbooks with their messages and tests,
and the schemas by which editors complete and check them (schema/), into the
workspace's folder (-w), and overwrites nothing.

--pack NAMES writes a workspace of packs instead: onboarding, adoption, renewal,
support, or all of them (--list says what each is for). In a folder that has a
workspace it adds their playbooks, messages and tests, and prints what to put
into steward.yaml. Either way it says what data is missing and what that would
add, as steward report packs does later.

--from FILE looks at an export instead and prints what to put into steward.yaml
to read it: which column is what, how dates and numbers are spelt, and why it
thinks so. Correct it and paste it in.

Exit codes: 0 done, 1 failed.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			switch {
			case o.list:
				return o.listPacks()
			case o.from != "":
				return o.infer()
			case len(o.packs) > 0:
				return o.writePacks()
			}
			return o.write()
		},
	}
	c.Flags().StringVar(&o.from, "from", "", "an export of accounts, contracts, contacts or usage to infer a mapping from")
	c.Flags().StringSliceVar(&o.packs, "pack", nil, "packs of playbooks to write: onboarding, adoption, renewal, support, or all")
	c.Flags().BoolVar(&o.list, "list", false, "say what each pack is for, and write nothing")
	c.Flags().StringVar(&o.name, "source", "", "what to call the source (default: from the file's name)")
	return c
}

func (o *initOptions) write() error {
	if err := writeExample(o.app.dir); err != nil {
		return err
	}
	fmt.Fprintf(o.app.stderr, `Wrote a workspace into %s.
  1. Put your exports into data/, or say in steward.yaml where they are
     (steward init --from accounts.csv infers the mapping of a file).
  2. steward check      every mistake at once
  3. steward test       the playbooks' own tests
  4. steward import     loads the data; steward report data says what is wrong with it
  5. steward plan       what would happen; nothing is sent
  6. steward run        the worker, in preview until you change delivery
`, o.app.dir)
	return nil
}

// writeExample writes the example workspace, with the schemas that its files
// lead editors to, and overwrites nothing.
func writeExample(dir string) error {
	example := configs.Example()
	files := map[string][]byte{}
	err := fs.WalkDir(example, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path], err = fs.ReadFile(example, path)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the example workspace: %w", err)
	}
	for _, k := range schemaKinds() {
		if files[schemaDir+"/"+k.file()], err = k.text(); err != nil {
			return err
		}
	}
	return writeNew(dir, files)
}

// writeNew writes files that are not there yet: all of them, or none where one
// is.
func writeNew(dir string, files map[string][]byte) error {
	names := slices.Sorted(maps.Keys(files))
	var there []string
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			there = append(there, name)
		}
	}
	if len(there) > 0 {
		return fmt.Errorf("%s has %s already, and init overwrites nothing\nName another folder: steward init -w NEW", dir, strings.Join(there, ", "))
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make the workspace's folder: %w", err)
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return fmt.Errorf("write the workspace: %w", err)
		}
	}
	return ignoreState(dir)
}

// ignoreState keeps what the worker writes, and customers' data, out of the git
// repository that the workspace belongs in. A .gitignore that is there already
// is its owner's.
func ignoreState(dir string) error {
	path := filepath.Join(dir, ".gitignore")
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	if err := os.WriteFile(path, []byte("/data/\n/preview/\n/steward.db*\n"), 0o644); err != nil {
		return fmt.Errorf("write the workspace: %w", err)
	}
	return nil
}

func (o *initOptions) infer() error {
	f, err := os.Open(o.from)
	if err != nil {
		return fmt.Errorf("read %s: %w", o.from, err)
	}
	defer f.Close()
	inf, err := ingest.Infer(o.inWorkspace(), f)
	if err != nil {
		return err
	}
	if o.app.json {
		return o.app.printJSON(inf)
	}
	name := o.name
	if name == "" {
		name = sourceName(o.from)
	}
	fmt.Fprint(o.app.stdout, inf.YAML(name))
	return nil
}

// inWorkspace is the file's path as steward.yaml would name it: relative where
// it lies in the workspace.
func (o *initOptions) inWorkspace() string {
	dir, err1 := filepath.Abs(o.app.dir)
	file, err2 := filepath.Abs(o.from)
	if err := errors.Join(err1, err2); err != nil {
		return o.from
	}
	if rel, err := filepath.Rel(dir, file); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return o.from
}

// sourceName makes a source's name of a file's: lower-case letters, digits and
// underscores.
func sourceName(path string) string {
	base, _, _ := strings.Cut(filepath.Base(path), ".")
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return '_'
		}
	}, base)
	if name == "" || name[0] < 'a' || name[0] > 'z' {
		name = "source_" + name
	}
	return name
}
