package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"steward"
	"steward/store"
)

type releaseOptions struct {
	app      *app
	playbook string
	account  string
	ids      []string
}

func releaseCommand(a *app) *cobra.Command {
	o := &releaseOptions{app: a}
	c := &cobra.Command{
		Use:   "release PLAYBOOK",
		Short: "Let held openings of a playbook begin",
		Long: `Openings are held when they were already true at the first run of a condition,
and when one run would open more than max_new. Look at them with steward plan
and steward accounts, then let all of a playbook go, one account's (--account),
or single ones (--id).

Exit codes: 0 done (also when none were held), 1 failed.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.playbook = strings.Join(args, "")
			return o.run(c.Context())
		},
	}
	c.Flags().StringVar(&o.account, "account", "", "only this account's")
	c.Flags().StringSliceVar(&o.ids, "id", nil, "only these enrolments")
	return c
}

func (o *releaseOptions) run(ctx context.Context) error {
	if o.playbook == "" && o.account == "" && len(o.ids) == 0 {
		return usagef("say which: steward release PLAYBOOK, or --account, or --id")
	}
	h, err := o.app.enter(ctx, store.Options{})
	if err != nil {
		return err
	}
	defer h.close()
	if _, ok := h.book.Playbook(steward.PlaybookName(o.playbook)); o.playbook != "" && !ok {
		return usagef("there is no playbook %q; there is %s", o.playbook, strings.Join(h.book.Names(), ", "))
	}
	held, err := o.held(ctx, h)
	if err != nil {
		return err
	}
	targets := []steward.Target{{Playbook: steward.PlaybookName(o.playbook), Account: steward.AccountID(o.account)}}
	if len(o.ids) > 0 {
		targets = nil
		for _, e := range held {
			targets = append(targets, steward.Target{Enrolment: e.ID})
		}
	}
	released := []steward.Enrolment{}
	if len(held) > 0 {
		for _, t := range targets {
			if _, err := h.perform(ctx, o.app.who(""), steward.Gesture{Verb: steward.VerbRelease, Target: t}); err != nil {
				return err
			}
		}
	}
	for _, e := range held {
		if e, err = h.db.Enrolment(ctx, string(e.ID)); err != nil {
			return err
		}
		released = append(released, e)
	}
	if o.app.json {
		return o.app.printJSON(released)
	}
	fmt.Fprintf(o.app.stderr, "Released %s; the worker goes on with them within a minute.\n", count(len(released), "enrolment"))
	return nil
}

// held is the held openings that are meant.
func (o *releaseOptions) held(ctx context.Context, h *house) ([]steward.Enrolment, error) {
	if len(o.ids) == 0 {
		return h.db.Enrolments(ctx, store.EnrolmentFilter{Playbook: steward.PlaybookName(o.playbook), Account: steward.AccountID(o.account), State: steward.Quarantined})
	}
	var out []steward.Enrolment
	for _, id := range o.ids {
		e, err := h.db.Enrolment(ctx, id)
		if err != nil {
			return nil, err
		}
		if e.State == steward.Quarantined {
			out = append(out, e)
		}
	}
	return out, nil
}
