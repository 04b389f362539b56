package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"steward"
	"steward/configs"
	"steward/configs/strictyaml"
	"steward/playbooks"
	"steward/replay"
)

// schemaDir is the folder of a workspace in which editors find the schemas: the
// first line of each file that init writes leads there.
const schemaDir = "schema"

// A schemaKind is one kind of file that people write.
type schemaKind struct {
	name, describes string
	schema          func() (*strictyaml.Schema, []string)
}

func (k schemaKind) file() string { return k.name + ".schema.json" }

// text is the schema as it is written out, the same at every call.
func (k schemaKind) text() ([]byte, error) {
	schema, _ := k.schema()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(schema); err != nil {
		return nil, fmt.Errorf("write the schema of %s: %w", k.describes, err)
	}
	return b.Bytes(), nil
}

func schemaKinds() []schemaKind {
	return []schemaKind{
		{"playbook", "playbooks/*.yaml", playbooks.PlaybookSchema},
		{"steward", "steward.yaml", configs.WorkspaceSchema},
		{"owners", "owners.yaml", configs.OwnersSchema},
		{"test", "tests/*.test.yaml", replay.TestSchema},
		{"message", "the front matter of messages/*.md", playbooks.MessageSchema},
	}
}

type schemaOptions struct {
	app *app
	dir string
}

func schemaCommand(a *app) *cobra.Command {
	o := &schemaOptions{app: a}
	c := &cobra.Command{
		Use:   "schema [KIND]",
		Short: "JSON Schemas by which editors complete and check the files",
		Long: `Prints the JSON Schema (draft 2020-12) of one kind of file: playbook, steward,
owners, test or message. Made from the declarations that read these files, with
what each key is for. Without KIND, lists the kinds.

--dir FOLDER writes them into a folder, all of them or KIND's. In a workspace
that is schema/, to which the first line of each file leads:

  steward schema --dir schema
  # yaml-language-server: $schema=../schema/playbook.schema.json

Write them anew after each upgrade. A schema knows the shape of a file; what is
in a condition or leads to another file, only check knows.

Exit codes: 0 done, 1 failed, 2 there is no such kind.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(args) },
	}
	c.Flags().StringVar(&o.dir, "dir", "", "write into this folder")
	return c
}

func (o *schemaOptions) run(args []string) error {
	kinds := schemaKinds()
	if len(args) == 1 {
		i := slices.IndexFunc(kinds, func(k schemaKind) bool { return k.name == args[0] })
		if i < 0 {
			return unknownSchema(args[0], kinds)
		}
		kinds = kinds[i : i+1]
	}
	switch {
	case o.dir != "":
		written, err := writeSchemas(o.dir, kinds)
		if err != nil {
			return err
		}
		return o.app.done(written, "Wrote %s.", strings.Join(written, ", "))
	case len(args) == 0:
		for _, k := range kinds {
			fmt.Fprintf(o.app.stdout, "%-10s%s\n", k.name, k.describes)
		}
		return nil
	}
	text, err := kinds[0].text()
	if err != nil {
		return err
	}
	if _, err := o.app.stdout.Write(text); err != nil {
		return fmt.Errorf("print the schema: %w", err)
	}
	return nil
}

func unknownSchema(name string, kinds []schemaKind) error {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	hint := "There are " + strings.Join(names, ", ")
	if near := steward.Nearest(name, names); near != "" {
		hint = "Did you mean " + near + "?"
	}
	return usagef("there is no schema %s\n%s", name, hint)
}

// writeSchemas writes schemas into a folder, over older ones.
func writeSchemas(dir string, kinds []schemaKind) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of schemas: %w", err)
	}
	var written []string
	for _, k := range kinds {
		text, err := k.text()
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, k.file())
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return nil, fmt.Errorf("write a schema: %w", err)
		}
		written = append(written, file)
	}
	return written, nil
}
