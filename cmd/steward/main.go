// Command steward runs a customer success team's playbooks. It is the only
// place where everything meets: it reads flags, wires the parts together, runs
// them, and turns what came of it into words and an exit code.
//
// Each subcommand is a file with one options struct. What people read goes to
// stderr, what programs read to stdout.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // zones are the same in every container
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program; tests call it as main does.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := newApp(getenv, stdin, stdout, stderr)
	arm(a)
	return a.main(ctx, args)
}

func newApp(getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) *app {
	a := &app{getenv: getenv, stdin: stdin, now: time.Now, pace: usualPace()}
	coloured := func() bool { return a.colour }
	a.stdout, a.stderr = &tame{out: stdout, colour: coloured}, &tame{out: stderr, colour: coloured}
	return a
}

// main reads the arguments and does what they say.
func (a *app) main(ctx context.Context, args []string) int {
	root := rootCommand(a)
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	return a.exitCode(root.ExecuteContext(ctx))
}
