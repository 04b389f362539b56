package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"steward"
	"steward/playbooks"
	"steward/replay"
	"steward/store"
)

func reportPilotCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "pilot [PLAYBOOK]",
		Short: "How the subjects of a pilot fare beside the rest",
		Long: `Holds the subjects of a playbook's pilot beside the rest of its audience: what
they measured when the pilot began, what they measure at the last evaluation, and
the difference of the two changes. Without PLAYBOOK it tells of all pilots.

Exit codes: 0 fine, 1 failed.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return reportPilot(c.Context(), a, strings.Join(args, ""))
		},
	}
}

// pilotReport is how one pilot stands.
type pilotReport struct {
	Playbook steward.PlaybookName `json:"playbook"`
	Only     string               `json:"only"`
	Until    steward.Day          `json:"until"`
	Measure  string               `json:"measure,omitempty"`
	// Since is the slot at which it began and everybody was measured; zero while
	// that has not been. Slot is the one of the facts it is compared at.
	Since steward.Slot `json:"since"`
	Slot  steward.Slot `json:"slot"`
	replay.Contrast

	pilot playbooks.Pilot
}

func reportPilot(ctx context.Context, a *app, name string) error {
	h, err := a.enter(ctx, store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer h.close()
	piloted, err := pilotsOf(h.book, name)
	if err != nil {
		return err
	}
	s, err := h.lastSituation(ctx)
	if err != nil {
		return err
	}
	reports := []pilotReport{}
	for _, p := range piloted {
		r, err := comparePilot(ctx, h, s, p)
		if err != nil {
			return err
		}
		reports = append(reports, r)
	}
	if a.json {
		return a.printJSON(reports)
	}
	for i, r := range reports {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		a.printPilot(s, r)
	}
	if len(reports) == 0 {
		fmt.Fprintln(a.stderr, "No playbook has a pilot. One begins with: pilot: {only: …, until: DATE, measure: …}")
	}
	return nil
}

// pilotsOf is the playbooks with a pilot, or the one that was asked for.
func pilotsOf(b *playbooks.Book, name string) ([]*playbooks.Playbook, error) {
	if name != "" {
		p, ok := b.Playbook(steward.PlaybookName(name))
		switch {
		case !ok:
			return nil, usagef("there is no playbook %q; %s", name, otherPlaybooks(b, name))
		case p.Pilot.Only == nil:
			return nil, fmt.Errorf("playbook %s has no pilot\nGive it one with: pilot: {only: …, until: DATE, measure: …}", name)
		}
		return []*playbooks.Playbook{p}, nil
	}
	var out []*playbooks.Playbook
	for _, p := range b.Playbooks {
		if p.Pilot.Only != nil {
			out = append(out, p)
		}
	}
	return out, nil
}

func otherPlaybooks(b *playbooks.Book, name string) string {
	if near := steward.Nearest(name, b.Names()); near != "" {
		return "did you mean " + near + "?"
	}
	return "there is " + strings.Join(b.Names(), ", ")
}

func comparePilot(ctx context.Context, h *house, s *playbooks.Situation, p *playbooks.Playbook) (pilotReport, error) {
	r := pilotReport{Playbook: p.Name, Only: p.Pilot.Only.Source(), Until: p.Pilot.Until, Slot: s.Slot, pilot: p.Pilot}
	if p.Pilot.Measure == nil {
		return r, nil
	}
	r.Measure = p.Pilot.Measure.Source()
	starts, err := h.db.PilotStarts(ctx, p.Name, p.Pilot.Hash)
	if err != nil {
		return r, err
	}
	var of []replay.Measured
	for _, start := range starts {
		r.Since = start.Slot
		of = append(of, replay.Measured{In: start.In, Then: start.Value, Now: s.Measure(p, start.Subject)})
	}
	r.Contrast = replay.ContrastPilot(of)
	return r, nil
}

func (a *app) printPilot(s *playbooks.Situation, r pilotReport) {
	today := s.Slot.Day(s.Book.Zone)
	fmt.Fprintf(a.stdout, "%s: pilot %s %s, for %s\n", a.bold(string(r.Playbook)), map[bool]string{true: "until", false: "was over on"}[today < r.Until], r.Until, r.Only)
	switch {
	case r.Measure == "":
		fmt.Fprintln(a.stdout, "It has no measure, so there is nothing to compare. Add one: measure: avg(logins, 28d)")
		return
	case r.Since.IsZero() && today < r.Until:
		fmt.Fprintln(a.stdout, "Nothing is measured yet: everybody is, at the next evaluation whose sources are fresh.")
		return
	case r.Since.IsZero():
		fmt.Fprintln(a.stdout, "Nothing was measured: it was over before an evaluation saw it with fresh sources.")
		return
	}
	fmt.Fprintf(a.stdout, "%s, from %s to %s\n", r.Measure, r.Since.Day(s.Book.Zone), today)
	t := a.table("", "subjects", "known", "then", "now", "change")
	for _, side := range []struct {
		name string
		replay.Side
	}{{"in the pilot", r.Pilot}, {"the rest", r.Rest}} {
		row := table.Row{side.name, side.Subjects, side.Known, "", "", ""}
		if side.Known > 0 {
			row = table.Row{side.name, side.Subjects, side.Known, r.pilot.Shown(side.Then, false), r.pilot.Shown(side.Now, false), r.pilot.Shown(side.Change, true)}
		}
		t.AppendRow(row)
	}
	t.Render()
	if !r.Told {
		fmt.Fprintln(a.stdout, "One side has nobody whose measure is known then and now, so there is nothing to compare.")
		return
	}
	fmt.Fprintf(a.stdout, "The pilot changed by %s against the rest; with 95%% confidence that lies between %s and %s.\n",
		r.pilot.Shown(r.Difference, true), r.pilot.Shown(r.From, true), r.pilot.Shown(r.To, true))
	if r.Few {
		fmt.Fprintln(a.stdout, "These are few: with fewer than 30 on a side, take it for a story and not for evidence.")
	}
	fmt.Fprintln(a.stdout, "The pilot was chosen, not drawn: whatever else sets its customers apart is in the difference.")
	if today >= r.Until {
		fmt.Fprintln(a.stdout, "The pilot is over, so the rest has had the playbook since.")
	}
}
