package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"steward"
)

type checkOptions struct {
	app    *app
	strict bool
}

func checkCommand(a *app) *cobra.Command {
	o := &checkOptions{app: a}
	c := &cobra.Command{
		Use:   "check",
		Short: "Find every mistake in the workspace's files at once",
		Long: `Reads steward.yaml, owners.yaml, every playbook and every message, and tells
every mistake in them with its file, line and column, and what to do. Needs no
database and no secrets. Warnings are advice; --strict makes them count.

Exit codes: 0 nothing wrong, 1 the workspace cannot be read, 3 problems found.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return o.run() },
	}
	c.Flags().BoolVar(&o.strict, "strict", false, "let warnings count as problems")
	return c
}

func (o *checkOptions) run() error {
	ws, book, problems, err := o.app.load()
	if err != nil {
		return err
	}
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
	errs := problems.Errors()
	if len(errs) > 0 || o.strict && len(problems) > 0 {
		return errFindings
	}
	if !o.app.json {
		fmt.Fprintf(o.app.stderr, "%s, %s, %s, %s: no mistakes%s\n", count(len(book.Playbooks), "playbook"), count(len(book.Wordings), "message"),
			count(len(ws.Owners), "owner"), count(len(ws.Sources), "source"), adviceWords(len(problems)))
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
