package main

import (
	"context"

	"github.com/spf13/cobra"

	"steward"
	"steward/store"
)

type ackOptions struct {
	app *app
	id  string
	by  string
}

func ackCommand(a *app) *cobra.Command {
	o := &ackOptions{app: a}
	c := &cobra.Command{
		Use:   "ack ENROLMENT",
		Short: "Take an enrolment on, so that nobody is asked again",
		Long: `Marks an enrolment as taken on: waits with unless: acked end, and steps with
if: not acked are skipped. Cards name the enrolment.

Exit codes: 0 done, 1 failed (it has ended, or somebody else took it on).`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.id = args[0]
			return o.run(c.Context())
		},
	}
	c.Flags().StringVar(&o.by, "by", "", "who takes it on (default: STEWARD_USER or the login name)")
	return c
}

func (o *ackOptions) run(ctx context.Context) error {
	h, err := o.app.enter(ctx, store.Options{})
	if err != nil {
		return err
	}
	defer h.close()
	e, err := h.db.Enrolment(ctx, o.id)
	if err != nil {
		return err
	}
	by := o.app.who(o.by)
	if _, err := h.perform(ctx, by, steward.Gesture{Verb: steward.VerbTake, Target: steward.Target{Enrolment: e.ID}}); err != nil {
		return err
	}
	return o.app.done(map[string]any{"enrolment": e.ID, "acked_by": by}, "%s is taken on by %s (%s, %s).", e.ID, by, e.Playbook, e.Subject)
}
