package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"steward"
	"steward/store"
)

// Exit codes, the same for every command.
const (
	exitFine     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitFindings = 3
)

// errFindings ends a command that worked and found something: problems in
// check, failures in test. What was found has been printed.
var errFindings = errors.New("findings")

// usageError is a call that was not well formed.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// app is what every command has: the streams, the environment, and the flags
// that all share.
type app struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer

	// now is the wall clock, which commands ask once and hand on.
	now func() time.Time
	// pace is how often a worker looks for what has come due.
	pace pace

	dir    string // the workspace's folder
	json   bool
	colour bool
}

func rootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "steward",
		Short: "Run a customer success team's playbooks",
		Long: `Steward reads how every customer account is doing and, when a playbook's
condition holds, says the right thing to the right person: a Slack nudge to the
CSM, a mail to the customer once it is approved. Everything it does, and
everything it decides not to do, has a reason that can be read.

Begin with: steward demo

Exit codes: 0 fine, 1 failed, 2 wrong usage, 3 findings (problems in check,
failures in test).`,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		PersistentPreRun: func(*cobra.Command, []string) {
			a.colour = a.getenv("NO_COLOR") == "" && isTerminal(a.stderr) && isTerminal(a.stdout)
		},
	}
	dir := a.getenv("STEWARD_WORKSPACE")
	if dir == "" {
		dir = "."
	}
	root.PersistentFlags().StringVarP(&a.dir, "workspace", "w", dir, "the folder with steward.yaml (or STEWARD_WORKSPACE)")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON on stdout, for programs")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w\nSee: %s --help", err, c.CommandPath())}
	})
	root.AddCommand(
		demoCommand(a), rehearseCommand(a), runCommand(a), initCommand(a), importCommand(a), reportCommand(a), overrideCommand(a),
		checkCommand(a), schemaCommand(a), testCommand(a), planCommand(a), explainCommand(a),
		accountsCommand(a), outreachCommand(a), approveCommand(a), ackCommand(a), tasksCommand(a), doneCommand(a), postponeCommand(a), startCommand(a), skipCommand(a), stopCommand(a), markCommand(a), claimCommand(a), releaseCommand(a),
		pauseCommand(a), resumeCommand(a), silenceCommand(a), suppressCommand(a), forgetCommand(a), sendTestCommand(a), slackManifestCommand(a), backupCommand(a), restoreCommand(a), healthCommand(a), rewindCommand(a), versionCommand(a),
	)
	for _, c := range root.Commands() {
		wrapArgs(c)
	}
	return root
}

// wrapArgs makes wrong arguments a usage error.
func wrapArgs(c *cobra.Command) {
	check := c.Args
	if check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usageError{fmt.Errorf("%w\nUsage: %s", err, c.UseLine())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
}

// exitCode says what went wrong, once, and gives the exit code.
func (a *app) exitCode(err error) int {
	var usage usageError
	var problems steward.Problems
	switch {
	case err == nil:
		return exitFine
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.As(err, &problems):
		a.printProblems(problems)
		return exitFailed
	case errors.As(err, &usage), strings.HasPrefix(err.Error(), "unknown command"):
		fmt.Fprintln(a.stderr, "steward: "+err.Error())
		return exitUsage
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(a.stderr, "steward: stopped")
		return exitFailed
	}
	fmt.Fprintln(a.stderr, "steward: "+err.Error())
	if hint := hintOf(err); hint != "" {
		fmt.Fprintln(a.stderr, hint)
	}
	return exitFailed
}

// hintOf is what to do about an error, where its text does not say already.
func hintOf(err error) string {
	var storage *store.Error
	switch {
	case errors.Is(err, store.ErrLocked):
		return "Stop the other worker first. Commands other than run and demo work beside it."
	case errors.As(err, &storage) && storage.Hint != "" && !strings.Contains(err.Error(), storage.Hint):
		return storage.Hint
	case errors.Is(err, store.ErrNotFound):
		return "List what there is with: steward outreach, steward tasks, steward accounts"
	}
	return ""
}

// printJSON writes one value for a program.
func (a *app) printJSON(v any) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	if err == nil {
		_, err = a.stdout.Write(escaped(text.Bytes()))
	}
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// who names the person at the terminal, for records of who did what.
func (a *app) who(flag string) string {
	for _, name := range []string{flag, a.getenv("STEWARD_USER"), a.getenv("USER")} {
		if name = clean(name); name != "" {
			return name
		}
	}
	return "somebody at the terminal"
}

// done says what was done, as a line or as JSON.
func (a *app) done(v any, format string, args ...any) error {
	if a.json {
		return a.printJSON(v)
	}
	fmt.Fprintf(a.stderr, format+"\n", args...)
	return nil
}
