package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"steward"
	"steward/store"
)

type claimOptions struct {
	app  *app
	what string
	by   string
}

func claimCommand(a *app) *cobra.Command {
	o := &claimOptions{app: a}
	c := &cobra.Command{
		Use:   "claim MESSAGE|ACCOUNT",
		Short: "Take on what lies in a pool's channel",
		Long: `Makes a person the one whom an enrolment speaks to from now on, where the
account belongs to a pool or to nobody: what was not sent yet moves to them, mail
goes in their name, and the enrolment counts as taken on (see steward ack). A
message stands for what it carries, an account for all that is open about it.

When the account gets a person as its owner, that is who hears from then on.

Exit codes: 0 done, 1 failed (it has ended, somebody else took it on, or the
account is somebody's), 2 wrong usage.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.what = args[0]
			return o.run(c.Context())
		},
	}
	c.Flags().StringVar(&o.by, "by", "", "who claims it: an owner's id (default: STEWARD_USER or the login name)")
	return c
}

func (o *claimOptions) run(ctx context.Context) error {
	h, err := o.app.enter(ctx, store.Options{})
	if err != nil {
		return err
	}
	defer h.close()
	who := steward.OwnerID(o.app.who(o.by))
	person, ok := h.ws.Owner(who)
	switch {
	case !ok:
		return usagef("%s is not in the owners' file; say who claims it with --by and an id from there", clean(string(who)))
	case person.Pool != "":
		return usagef("%s is a pool; say which person claims it with --by", who)
	}
	open, err := o.claimable(ctx, h)
	if err != nil {
		return err
	}
	// Of several, those that are free; where none is, the refusal says who has it.
	if free := slices.DeleteFunc(slices.Clone(open), func(e steward.Enrolment) bool { return !e.AckedAt.IsZero() && e.AckedBy != string(who) }); len(free) > 0 {
		open = free
	}
	ids := make([]steward.EnrolmentID, len(open))
	var lines []string
	for i, e := range open {
		ids[i] = e.ID
		lines = append(lines, fmt.Sprintf("%s, %s", e.Playbook, e.Subject))
	}
	for _, id := range ids {
		if _, err := h.perform(ctx, string(who), steward.Gesture{Verb: steward.VerbTake, Target: steward.Target{Enrolment: id}}); err != nil {
			return err
		}
	}
	return o.app.done(map[string]any{"claimed_by": who, "enrolments": ids}, "%s has it: %s. What was not sent yet moves within a minute.", person.Name, clean(strings.Join(lines, "; ")))
}

// claimable is the open enrolments that the argument stands for, which must be
// about accounts that no person owns.
func (o *claimOptions) claimable(ctx context.Context, h *house) ([]steward.Enrolment, error) {
	open, err := o.named(ctx, h)
	if err != nil {
		return nil, err
	}
	if len(open) == 0 {
		return nil, fmt.Errorf("nothing is open about %s\nLook: steward accounts", clean(o.what))
	}
	p, err := h.db.Portfolio(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range p.Accounts {
		if owner, ok := h.ws.Owner(a.Owner); a.ID == open[0].Subject.Account && ok && owner.Pool == "" {
			return nil, fmt.Errorf("%s is %s's account, not a pool's\nTo take one thing on: steward ack %s", clean(string(a.ID)), clean(owner.Name), open[0].ID)
		}
	}
	return open, nil
}

// named is the open enrolments of a message, or of an account.
func (o *claimOptions) named(ctx context.Context, h *house) ([]steward.Enrolment, error) {
	if strings.HasPrefix(o.what, "m-") {
		m, err := h.db.Message(ctx, o.what)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if err == nil {
			d, err := h.db.Dossier(ctx, m.ID)
			return opened(d.Enrolments), err
		}
	}
	list, err := h.db.Enrolments(ctx, store.EnrolmentFilter{Account: steward.AccountID(o.what), Open: true})
	return opened(list), err
}

// opened is those that have begun: what is held back has nothing to claim yet.
func opened(list []steward.Enrolment) (out []steward.Enrolment) {
	seen := map[steward.EnrolmentID]bool{}
	for _, e := range list {
		if e.State.Open() && e.State != steward.Quarantined && !seen[e.ID] {
			seen[e.ID] = true
			out = append(out, e)
		}
	}
	return out
}
