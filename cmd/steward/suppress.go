package main

import (
	"fmt"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"steward"
	"steward/store"
)

func suppressCommand(a *app) *cobra.Command {
	var remove bool
	var why, topic string
	c := &cobra.Command{
		Use:   "suppress [ADDRESS]",
		Short: "List the addresses that get no mail, or add one",
		Long: `Without ADDRESS lists who gets no mail, or none of a kind, and why: people who
unsubscribed, addresses that take no mail or whose reader complained, and those
named here. With one, adds it; nothing that Steward
sends reaches it then, whatever a playbook says. With --topic only mail of that
kind, which is the purpose of the playbook that sends it.

Exit codes: 0 done, 1 failed.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			h, err := a.enter(c.Context(), store.Options{})
			if err != nil {
				return err
			}
			defer h.close()
			if len(args) == 0 {
				list, err := h.db.Suppressions(c.Context())
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(list)
				}
				t := a.table("address", "what", "since", "why", "by")
				for _, s := range list {
					what := "all mail"
					if s.Topic != "" {
						what = clean(string(s.Topic)) + " mail"
					}
					t.AppendRow(table.Row{clean(s.Address), what, h.date(s.At), clean(s.Reason), clean(s.Source)})
				}
				t.Render()
				return nil
			}
			kind := steward.Topic(topic)
			if topic != "" && !slices.Contains(steward.Topics(), kind) {
				return fmt.Errorf("there is no kind of mail %q: write care, risk, report or commercial", topic)
			}
			switch {
			case topic != "" && remove:
				if err := h.db.AllowTopic(c.Context(), args[0], kind); err != nil {
					return err
				}
				return a.done(map[string]any{"removed": true, "topic": topic}, "The address may have "+topic+" mail again.")
			case topic != "":
				if err := h.db.Prefer(c.Context(), args[0], []steward.Topic{kind}, nil, a.who(""), h.now()); err != nil {
					return err
				}
				return a.done(map[string]any{"suppressed": true, "topic": topic}, "The address gets no more "+topic+" mail.")
			case remove:
				if err := h.db.Unsuppress(c.Context(), args[0]); err != nil {
					return err
				}
				return a.done(map[string]any{"removed": true}, "The address may be mailed again.")
			}
			if err := h.db.Suppress(c.Context(), args[0], why, a.who(""), h.now()); err != nil {
				return err
			}
			return a.done(map[string]any{"suppressed": true}, "The address gets no more mail.")
		},
	}
	c.Flags().BoolVar(&remove, "remove", false, "let the address have mail again")
	c.Flags().StringVar(&topic, "topic", "", "only mail of this kind: care, risk, report or commercial")
	c.Flags().StringVar(&why, "why", "asked not to be written to", "the reason to keep")
	return c
}
