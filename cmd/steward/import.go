package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"steward/configs"
	"steward/ingest"
	"steward/store"
)

type importCommandOptions struct {
	app     *app
	sources []string
	mode    string
	accept  []string
}

func importCommand(a *app) *cobra.Command {
	o := &importCommandOptions{app: a}
	c := &cobra.Command{
		Use:   "import [SOURCE …]",
		Short: "Load the sources now",
		Long: `Reads the files of every source (or of those named) and stores what they say.
A source is stored whole or not at all. Rows that cannot be read are rejected
one by one and named by file, line and column; the others count. Importing a
file again changes nothing.

--mode full treats the files as complete lists: what they leave out is gone.

An export that differs from the last one as only a broken one does is held back.
Look at it; when it is right, --accept lets its kind pass, this once:
  end      a file breaks off at its end
  rows     a full list lost more than a tenth, another one more than half
  columns  a column is gone, or says less than half of what it did
  owners   more than one account in twenty changes or loses its owner
  days     on the newest days less than half of the usual accounts do anything;
           the rest of the source is loaded, and these days are not judged

Exit codes: 0 all loaded, 1 a source could not be loaded, 3 loaded with rejected
rows or with days held.`,
		RunE: func(c *cobra.Command, args []string) error {
			o.sources = args
			return o.run(c.Context())
		},
	}
	c.Flags().StringVar(&o.mode, "mode", "", "full: the files are complete lists; empty: as the source says")
	c.Flags().StringSliceVar(&o.accept, "accept", nil, "kinds of difference to let pass: "+swingKinds())
	return c
}

func (o *importCommandOptions) run(ctx context.Context) error {
	if o.mode != "" && o.mode != "full" {
		return usagef("--mode is full or nothing, not %q", o.mode)
	}
	if len(o.accept) > 0 && len(o.sources) == 0 {
		return usagef("--accept needs the name of the source that was looked at")
	}
	var accept []store.SwingKind
	for _, kind := range o.accept {
		if !slices.Contains(store.SwingKinds(), store.SwingKind(kind)) {
			return usagef("--accept is %s, not %q", swingKinds(), kind)
		}
		accept = append(accept, store.SwingKind(kind))
	}
	h, err := o.app.enter(ctx, store.Options{})
	if err != nil {
		return err
	}
	defer h.close()
	names := make([]string, len(h.ws.Sources))
	for i, s := range h.ws.Sources {
		names[i] = s.Name
	}
	for _, want := range o.sources {
		if !slices.Contains(names, want) {
			return usagef("there is no source %q in steward.yaml; there is %s", want, strings.Join(names, ", "))
		}
	}
	if len(names) == 0 {
		return errors.New("steward.yaml names no sources\nAdd one; steward init --from accounts.csv infers it from a file")
	}
	bar := o.app.progress()
	var all []imported
	var failed error
	findings := false
	for _, src := range h.ws.Sources {
		if len(o.sources) > 0 && !slices.Contains(o.sources, src.Name) {
			continue
		}
		done, err := importSource(ctx, h.ws, h.db, src, importOptions{Now: h.now(), Full: o.mode == "full", Accept: accept, Progress: bar.file})
		bar.clear()
		if err != nil {
			// The other sources are independent; what is wrong with this one is told.
			failed = errors.Join(failed, err)
			if wrong := (*ingest.Error)(nil); errors.As(err, &wrong) && !o.app.json {
				o.app.printRejects(wrong.Rejects)
			}
			continue
		}
		all = append(all, done)
		findings = findings || done.Rejected > 0 || len(done.Held) > 0
		if !o.app.json {
			o.app.printImported(done)
			o.app.printHeld(src, done.Held)
		}
	}
	if o.app.json {
		if err := o.app.printJSON(all); err != nil {
			return err
		}
	}
	switch {
	case failed != nil:
		return failed
	case findings:
		return errFindings
	}
	return nil
}

// swingKinds names them for people.
func swingKinds() string {
	var names []string
	for _, k := range store.SwingKinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// printHeld tells which days are not believed, and what lets them go.
func (a *app) printHeld(src configs.Source, held []store.Swing) {
	for _, s := range held {
		fmt.Fprintf(a.stderr, "  %s %s\n", a.paint("33", "held"), clean(s.String()))
	}
	if len(held) > 0 {
		fmt.Fprintf(a.stderr, "  Mend the export; or, if it is right: %s\n", letGo(src, held, false))
	}
}

// shownRejects is how many rejected rows are printed; the rest are in --json.
const shownRejects = 10

func (a *app) printImported(i imported) {
	var parts []string
	for _, k := range []struct {
		noun  string
		tally store.Tally
	}{{"account", i.Stored.Accounts}, {"contract", i.Stored.Contracts}, {"contact", i.Stored.Contacts}, {"product", i.Stored.Products}, {"touch", i.Stored.Touches},
		{"ticket", i.Stored.Tickets}, {"survey answer", i.Stored.Surveys}, {"objective", i.Stored.Objectives}, {"milestone", i.Stored.Milestones}} {
		t := k.tally
		if n := t.New + t.Changed + t.Same; n > 0 {
			s := count(n, k.noun)
			if t.New+t.Changed < n || t.Gone > 0 {
				s += fmt.Sprintf(" (%d new, %d changed", t.New, t.Changed)
				if t.Gone > 0 {
					s += fmt.Sprintf(", %d gone", t.Gone)
				}
				s += ")"
			}
			parts = append(parts, s)
		}
	}
	if i.Stored.Days > 0 {
		parts = append(parts, fmt.Sprintf("%s of metrics, complete through %s", count(i.Stored.Days, "account-day"), i.Through))
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing in it")
	}
	fmt.Fprintf(a.stderr, "%s: %s from %s\n", a.bold(i.Source), strings.Join(parts, ", "), count(i.Rows, "row"))
	a.printRejects(i.Rejects)
	if n := len(i.Rejects) - shownRejects; n > 0 {
		fmt.Fprintf(a.stderr, "  and %d more: steward import --json lists them all\n", n)
	}
}

// printRejects names the first rejected rows, with what they hold: this goes to
// whoever mends them, and not to a log.
func (a *app) printRejects(rejects []ingest.Reject) {
	for _, r := range rejects[:min(shownRejects, len(rejects))] {
		word := "rejected"
		if r.Warning {
			word = "left out"
		}
		fmt.Fprintf(a.stderr, "  %s %s\n", a.paint("33", word), clean(r.String()))
	}
}

// progress shows long work on a terminal; silent where nobody watches.
func (a *app) progress() *progress {
	return &progress{out: raw(a.stderr), on: isTerminal(a.stderr) && !a.json}
}

type progress struct {
	out io.Writer
	on  bool
	of  string
	bar *progressbar.ProgressBar
}

// file is an ingest.Progress: a bar for each file in turn.
func (p *progress) file(file string, done, total int64) {
	if !p.on || total <= 0 {
		return
	}
	if p.bar == nil || p.of != file {
		p.clear()
		p.of = file
		p.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(clean(file)), progressbar.OptionShowBytes(false),
			progressbar.OptionSetWidth(24), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(false))
	}
	_ = p.bar.Set64(min(done, total)) // a bar that cannot be drawn is no reason to stop
}

func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

var _ ingest.Progress = (&progress{}).file
