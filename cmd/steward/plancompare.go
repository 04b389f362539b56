package main

import (
	"fmt"
	"strings"

	"steward/replay"
)

// printComparison prints how two versions differ, for a person at a terminal.
func (a *app) printComparison(h *house, c replay.Comparison) {
	fmt.Fprintf(a.stdout, "%s\n%s\n", a.bold("Plan: "+c.Headline()), c.Basis(h.ws.Zone))
	for _, p := range c.Playbooks {
		if p.Quiet() {
			continue
		}
		fmt.Fprintf(a.stdout, "\n%s  %s\n", a.bold(string(p.Playbook)), a.dim("before: "+replay.StandingWords(p.Before)+"; after: "+replay.StandingWords(p.After)))
		for _, n := range p.Notes {
			fmt.Fprintf(a.stdout, "  it %s\n", clean(n))
		}
		a.printForecasts("newly", p.Newly)
		a.printForecasts("no longer", p.NoLonger)
		if len(p.Changed) > 0 {
			fmt.Fprintf(a.stdout, "  changed (%d)\n", len(p.Changed))
		}
		for i, x := range p.Changed {
			if i == shownPlans {
				fmt.Fprintf(a.stdout, "    and %d more; --json lists them all\n", len(p.Changed)-i)
				break
			}
			line := clean(replay.Who(x.Forecast))
			if x.Was != x.Standing {
				line += fmt.Sprintf(": %s, where it was %s", x.Standing, x.Was)
			}
			if len(x.Steps) > 0 {
				line += ": " + clean(strings.Join(x.Steps, "; "))
			}
			fmt.Fprintf(a.stdout, "    %s\n", line)
		}
	}
	if len(c.Owners) > 0 {
		fmt.Fprintln(a.stdout, "\nBy owner")
		for _, o := range c.Owners {
			fmt.Fprintf(a.stdout, "  %s: %d newly, %d no longer, %d changed\n", clean(replay.OwnerWords(o)), o.Newly, o.NoLonger, o.Changed)
		}
	}
	a.printSamples(c)
}

func (a *app) printForecasts(what string, list []replay.Forecast) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(a.stdout, "  %s (%d)\n", what, len(list))
	for i, x := range list {
		if i == shownPlans {
			fmt.Fprintf(a.stdout, "    and %d more; --json lists them all\n", len(list)-i)
			return
		}
		line := fmt.Sprintf("%s: %s", clean(replay.Who(x)), x.Standing)
		if x.Reason != "" {
			line += " (" + string(x.Reason) + ")"
		}
		if len(x.Why) > 0 {
			line += ": " + clean(strings.Join(x.Why, "; "))
		}
		fmt.Fprintf(a.stdout, "    %s\n", line)
	}
}

// printSamples prints what would be said to the few that were asked for.
func (a *app) printSamples(c replay.Comparison) {
	for _, p := range c.Playbooks {
		for _, s := range p.Samples {
			fmt.Fprintf(a.stdout, "\n%s\n", a.bold(string(p.Playbook)+" for "+clean(replay.Who(s.Forecast))))
			for _, d := range s.Drafts {
				when := ""
				if d.When != "" {
					when = " · " + d.When
				}
				fmt.Fprintf(a.stdout, "  %s · %s to %s%s\n", clean(d.Step), d.How, clean(replay.Addressee(d)), clean(when))
				if d.Content == nil {
					fmt.Fprintf(a.stdout, "    %s\n", clean(d.Why))
					continue
				}
				for _, line := range strings.Split(strings.TrimRight(d.Text(), "\n"), "\n") {
					fmt.Fprintf(a.stdout, "    %s\n", clean(line))
				}
			}
		}
	}
}
