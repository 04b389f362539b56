package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"steward"
	"steward/store"
)

type approveOptions struct {
	app     *app
	id      string
	by      string
	decline bool
	why     string
	version int
}

func approveCommand(a *app) *cobra.Command {
	o := &approveOptions{app: a}
	c := &cobra.Command{
		Use:   "approve MESSAGE",
		Short: "Let a mail that waits for approval go, or stop it",
		Long: `Approves exactly the text that steward outreach MESSAGE shows. The gates are
checked again when it is sent: an opted-out address or an ended episode still
stops it.

Exit codes: 0 done, 1 failed (it was settled, or its text changed).`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.id = args[0]
			return o.run(c.Context())
		},
	}
	c.Flags().BoolVar(&o.decline, "decline", false, "stop it instead")
	c.Flags().StringVar(&o.why, "why", "", "why it is stopped")
	c.Flags().StringVar(&o.by, "by", "", "who decides (an owner's id; default: STEWARD_USER or the login name)")
	c.Flags().IntVar(&o.version, "text-version", 0, "refuse unless the text is this version")
	return c
}

func (o *approveOptions) run(ctx context.Context) error {
	h, err := o.app.enter(ctx, store.Options{})
	if err != nil {
		return err
	}
	defer h.close()
	m, err := h.db.Message(ctx, o.id)
	if err != nil {
		return err
	}
	if o.by != "" && !mayApprove(h, m, o.by) {
		return fmt.Errorf("%s may not approve message %s; it is for %s", clean(o.by), m.ID, approverWords(m))
	}
	version := m.Version
	if o.version != 0 {
		version = o.version
	}
	by := o.app.who(o.by)
	if o.decline {
		if err := h.db.Decline(ctx, m.ID, version, by, o.why, h.now()); err != nil {
			return err
		}
		return o.app.done(map[string]any{"message": m.ID, "declined_by": by}, "Stopped %s; it will not be sent.", m.ID)
	}
	if err := h.db.Approve(ctx, m.ID, version, by, h.now()); err != nil {
		return err
	}
	return o.app.done(map[string]any{"message": m.ID, "approved_by": by}, "Approved %s; the worker sends it within a minute.", m.ID)
}

// mayApprove holds a name that is given to the list. Whoever can run this
// command without one has the database itself and is trusted as ops.
func mayApprove(h *house, m steward.Message, by string) bool {
	for _, id := range append(m.Approvers, h.ws.Approvers...) {
		if string(id) == by {
			return true
		}
	}
	return false
}

func approverWords(m steward.Message) string {
	var out []string
	for _, id := range m.Approvers {
		out = append(out, string(id))
	}
	if len(out) == 0 {
		return "nobody that owners.yaml knows"
	}
	return strings.Join(out, ", ")
}
