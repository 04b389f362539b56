package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"steward"
	"steward/playbooks"
	"steward/store"
)

type approveOptions struct {
	app     *app
	id      string
	by      string
	decline bool
	why     string
	version int
	text    string
}

func approveCommand(a *app) *cobra.Command {
	o := &approveOptions{app: a}
	c := &cobra.Command{
		Use:   "approve MESSAGE",
		Short: "Let a mail that waits for approval go, or stop it",
		Long: `Approves exactly the text that steward outreach MESSAGE shows. The gates are
checked again when it is sent: an opted-out address or an ended episode still
stops it.

With --text the mail gets another text first, which is approved with it: Markdown
from a file, or from - for standard input. A first line "Subject: …" is the new
subject.

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
	c.Flags().StringVar(&o.text, "text", "", "a file with another text for the mail, or -")
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
	if o.decline && o.text != "" {
		return usagef("--decline stops the mail and --text rewrites it; give one of them")
	}
	if o.by != "" && !mayApprove(h, m, o.by) {
		return fmt.Errorf("%s may not approve message %s; it is for %s", clean(o.by), m.ID, approverWords(m))
	}
	by := o.app.who(o.by)
	g := steward.Gesture{Verb: steward.VerbApprove, Target: steward.Target{Message: m.ID, Version: o.version}, Values: map[string]string{}}
	done, says := "approved_by", "Approved %s; the worker sends it within a minute."
	switch {
	case o.decline:
		g.Verb, g.Values["text"] = steward.VerbDecline, clean(o.why)
		done, says = "declined_by", "Stopped %s; it will not be sent."
	case o.text != "":
		g.Verb = steward.VerbRewrite
		if err := o.rewritten(m, g.Values); err != nil {
			return err
		}
	}
	if _, err := h.perform(ctx, by, g); err != nil {
		return err
	}
	return o.app.done(map[string]any{"message": m.ID, done: by}, says, m.ID)
}

// rewritten reads another text for a mail, whose first line may be its subject.
func (o *approveOptions) rewritten(m steward.Message, into map[string]string) error {
	var text []byte
	var err error
	if o.text == "-" {
		text, err = io.ReadAll(io.LimitReader(o.app.stdin, maxMailText))
	} else {
		text, err = os.ReadFile(o.text)
	}
	if err != nil {
		return fmt.Errorf("read the text: %w", err)
	}
	body := strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n"))
	if first, rest, _ := strings.Cut(body, "\n"); strings.HasPrefix(first, "Subject:") {
		into[playbooks.SubjectText], body = strings.TrimSpace(strings.TrimPrefix(first, "Subject:")), rest
	} else if m.Content != nil {
		into[playbooks.SubjectText] = m.Content.Title
	}
	into[playbooks.BodyText] = body
	return nil
}

// maxMailText is more than any mail may hold.
const maxMailText = 1 << 20

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
