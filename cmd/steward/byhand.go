package main

import (
	"context"

	"github.com/spf13/cobra"

	"steward"
	"steward/playbooks"
	"steward/store"
)

type startOptions struct {
	app               *app
	playbook, account string
	subject           string
	because, by       string
	anyway            bool
}

func startCommand(a *app) *cobra.Command {
	o := &startOptions{app: a}
	c := &cobra.Command{
		Use:   "start PLAYBOOK ACCOUNT",
		Short: "Begin a playbook for an account by hand",
		Long: `Begins a playbook whose condition does not hold, or before it does. It goes
through its steps as any other: the portfolio and every gate hold for it. No
holdout is drawn for it, and neither a first run nor max_new holds it back. Begun
while the condition holds it ends when that recovers; else with its last step,
with exit_when, or with steward stop.

An account that is not in the playbook's audience, or that rests from the last
time, is refused unless --anyway is given.

Exit codes: 0 done, 1 failed (it is under way already, or cannot be begun),
2 wrong usage.`,
		Example: `  steward start login-drop acme --because "their admin called"`,
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			o.playbook, o.account = args[0], args[1]
			return o.run(c.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&o.subject, "subject", "", "which contract, person or product, where the playbook is about these and the account has several")
	f.StringVar(&o.because, "because", "", "why, for whoever wonders")
	f.BoolVar(&o.anyway, "anyway", false, "though it would not open by itself")
	f.StringVar(&o.by, "by", "", "who begins it (default: STEWARD_USER or the login name)")
	return c
}

func (o *startOptions) run(ctx context.Context) error {
	h, account, err := o.app.enterFor(ctx, o.account)
	if err != nil {
		return err
	}
	defer h.close()
	g := steward.Gesture{Verb: steward.VerbStart, Target: steward.Target{Account: account.ID, Playbook: steward.PlaybookName(o.playbook), Item: o.subject}, Values: map[string]string{"because": clean(o.because)}}
	if o.anyway {
		g.Values[playbooks.Anyway] = "yes"
	}
	by := o.app.who(o.by)
	answer, err := h.perform(ctx, by, g)
	if err != nil {
		return err
	}
	return o.app.done(map[string]any{"account": account.ID, "playbook": o.playbook, "started_by": by}, "%s", clean(answer.Text))
}

type endOptions struct {
	app         *app
	verb        steward.Verb
	because, by string
}

func skipCommand(a *app) *cobra.Command {
	o := &endOptions{app: a, verb: steward.VerbSkip}
	c := &cobra.Command{
		Use:   "skip ENROLMENT",
		Short: "Move an enrolment past the step that it is at",
		Long: `Leaves out the step that an enrolment is at: a wait ends, and what the step has on
its way is taken back, if nobody has it yet. The next step is taken up within a
minute. steward explain ACCOUNT PLAYBOOK names the enrolment and its step.

Exit codes: 0 done, 1 failed (it has ended, or its message is being sent).`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args[0]) },
	}
	c.Flags().StringVar(&o.by, "by", "", "who skips it (default: STEWARD_USER or the login name)")
	return c
}

func stopCommand(a *app) *cobra.Command {
	o := &endOptions{app: a, verb: steward.VerbStop}
	c := &cobra.Command{
		Use:   "stop ENROLMENT",
		Short: "End an enrolment by hand",
		Long: `Ends an enrolment before its last step: what was not sent is not sent, and its
open tasks are dropped. The cooldown counts from now. One that is held back ends
without ever having begun.

Exit codes: 0 done, 1 failed (it has ended already).`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args[0]) },
	}
	c.Flags().StringVar(&o.because, "because", "", "why, for whoever wonders")
	c.Flags().StringVar(&o.by, "by", "", "who stops it (default: STEWARD_USER or the login name)")
	return c
}

func (o *endOptions) run(ctx context.Context, id string) error {
	h, err := o.app.enter(ctx, store.Options{})
	if err != nil {
		return err
	}
	defer h.close()
	e, err := h.db.Enrolment(ctx, id)
	if err != nil {
		return err
	}
	answer, err := h.perform(ctx, o.app.who(o.by), steward.Gesture{Verb: o.verb, Target: steward.Target{Enrolment: e.ID}, Values: map[string]string{"because": clean(o.because)}})
	if err != nil {
		return err
	}
	return o.app.done(map[string]any{"enrolment": e.ID, "by": o.app.who(o.by)}, "%s", clean(answer.Text))
}

// enterFor opens the workspace to do something about an account, which is named by
// its id or a part of its name.
func (a *app) enterFor(ctx context.Context, account string) (*house, *steward.Account, error) {
	h, err := a.enter(ctx, store.Options{})
	if err != nil {
		return nil, nil, err
	}
	s, err := h.lastSituation(ctx)
	if err != nil {
		h.close()
		return nil, nil, err
	}
	found, err := findAccount(s, account)
	if err != nil {
		h.close()
		return nil, nil, err
	}
	return h, found, nil
}
