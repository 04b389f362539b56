package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"steward"
	"steward/ingest"
	"steward/playbooks"
	"steward/store"
)

func reportCommand(a *app) *cobra.Command {
	c := &cobra.Command{Use: "report", Short: "Report on the data, on whether playbooks help, and on a pilot"}
	c.AddCommand(&cobra.Command{
		Use:   "data",
		Short: "What is wrong with the data before anything is built on it",
		Long: `Looks for what makes playbooks fall silent or speak to the wrong person:
accounts without an owner, renewals in the past, nobody to write to, sources that
are stale or held back.

Exit codes: 0 nothing found, 1 failed, 3 findings.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return reportData(c.Context(), a) },
	})
	c.AddCommand(reportPlaybooksCommand(a), reportPilotCommand(a), reportPacksCommand(a))
	return c
}

func reportData(ctx context.Context, a *app) error {
	h, err := a.enter(ctx, store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer h.close()
	p, err := h.db.Portfolio(ctx)
	if err != nil {
		return err
	}
	sources, err := h.db.Sources(ctx)
	if err != nil {
		return err
	}
	owners := map[steward.OwnerID]bool{}
	for _, o := range h.ws.Owners {
		owners[o.ID] = true
	}
	metrics := make([]string, len(h.ws.Metrics))
	for i, m := range h.ws.Metrics {
		metrics[i] = m.Name
	}
	values, err := h.db.Series(ctx, metrics)
	if err != nil {
		return err
	}
	withSeries := map[steward.AccountID]bool{}
	for _, of := range values {
		for id := range of {
			withSeries[id] = true
		}
	}
	strays, err := h.db.Strays(ctx)
	if err != nil {
		return err
	}
	seen := p
	seen.Contracts, seen.Contacts = slices.Concat(p.Contracts, strays.Contracts), slices.Concat(p.Contacts, strays.Contacts)
	seen.Products, seen.Tickets = slices.Concat(p.Products, strays.Products), slices.Concat(p.Tickets, strays.Tickets)
	findings := ingest.Review{Portfolio: seen, Owners: owners, Sources: configured(h, sources), WithSeries: withSeries, Asked: kindsAsked(h.book.Asked()), Today: steward.DayOf(h.now(), h.ws.Zone)}.Findings()
	held, err := heldFindings(ctx, h)
	if err != nil {
		return err
	}
	findings = append(append(held, findings...), strangeStages(h.book, p)...)
	if a.json {
		if err := a.printJSON(findings); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			share := fmt.Sprintf("%d of %d ", f.Count, f.Of)
			if rest, ok := strings.CutPrefix(f.Message, share); ok { // the message begins with its own count
				fmt.Fprintf(a.stdout, "%s%s\n", a.bold(share), clean(rest))
			} else {
				fmt.Fprintln(a.stdout, a.bold(clean(f.Message)))
			}
			if len(f.Examples) > 0 {
				fmt.Fprintf(a.stdout, "    such as %s\n", clean(strings.Join(f.Examples, ", ")))
			}
			fmt.Fprintf(a.stdout, "    %s\n", a.dim(clean(f.Do)))
		}
		fmt.Fprintf(a.stderr, "%s, %s, %s: %s\n", count(len(p.Accounts), "account"), count(len(p.Contracts), "contract"), count(len(p.Contacts), "contact"), count(len(findings), "finding"))
	}
	if len(findings) > 0 {
		return errFindings
	}
	return nil
}

// kindsAsked is the kinds of row from which functions of the language are
// answered.
func kindsAsked(functions []string) []string {
	kinds := map[string]string{"people": "contacts", "engaged": "contacts", "touches": "touches", "days_since_touch": "touches", "nps": "surveys", "csat": "surveys",
		"tickets": "tickets", "oldest_ticket": "tickets", "objective": "objectives", "objective_due": "objectives"}
	var out []string
	for _, f := range functions {
		if kind, ok := kinds[f]; ok {
			out = append(out, kind)
		}
	}
	return out
}

// heldFindings is what holds sources back since their last import.
func heldFindings(ctx context.Context, h *house) ([]ingest.Finding, error) {
	var out []ingest.Finding
	for _, src := range h.ws.Sources {
		held, err := h.db.Held(ctx, src.Name)
		if err != nil {
			return nil, err
		}
		for _, s := range held {
			out = append(out, ingest.Finding{Name: ingest.HeldBack, Count: 1, Of: len(h.ws.Sources), Message: fmt.Sprintf("Source %s is held back: %s.", src.Name, s),
				Do: "Mend the export; or, if it is right: " + letGo(src, held, false)})
		}
	}
	return out, nil
}

// strangeStages is accounts whose source says a stage that the journey does not
// have, where the workspace declares a journey.
func strangeStages(b *playbooks.Book, p steward.Portfolio) []ingest.Finding {
	if len(b.Journey.Stages) == 0 {
		return nil
	}
	count := map[string]int{}
	f := ingest.Finding{Name: "unknown_stage"}
	for _, a := range p.Accounts {
		if a.Stage == "" {
			continue
		}
		if f.Of++; !slices.Contains(b.Stages(), a.Stage) {
			f.Count++
			count[a.Stage]++
		}
	}
	if f.Count == 0 {
		return nil
	}
	for _, stage := range slices.Sorted(maps.Keys(count)) {
		example := fmt.Sprintf("'%s' %d times", stage, count[stage])
		if near := steward.Nearest(stage, b.Stages()); near != "" {
			example += fmt.Sprintf(" (did they mean %s?)", near)
		}
		if f.Examples = append(f.Examples, example); len(f.Examples) == 5 {
			break
		}
	}
	f.Message = fmt.Sprintf("%d of %d accounts are in a stage that the journey does not have, so they have no target and no milestone is ever overdue.", f.Count, f.Of)
	f.Do = "Write the stages under journey: in steward.yaml as the source does, or mend the source: " + strings.Join(b.Stages(), ", ") + "."
	return []ingest.Finding{f}
}

// configured is the state of every source that steward.yaml names, those never
// imported too.
func configured(h *house, states []steward.SourceState) []steward.SourceState {
	var out []steward.SourceState
	for _, src := range h.ws.Sources {
		state := steward.SourceState{Name: src.Name, CompleteThrough: steward.NoDay, NewestDay: steward.NoDay}
		for _, s := range states {
			if s.Name == src.Name {
				state = s
			}
		}
		out = append(out, state)
	}
	return out
}
