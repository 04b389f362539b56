package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"steward"
	"steward/store"
)

type outreachOptions struct {
	app     *app
	id      string
	state   string
	account string
	owner   string
	since   string
	limit   int
}

func outreachCommand(a *app) *cobra.Command {
	o := &outreachOptions{app: a}
	c := &cobra.Command{
		Use:   "outreach [MESSAGE]",
		Short: "List what was said, to whom, and what is waiting",
		Long: `Lists messages, newest first: what was sent, put off, suppressed, and what waits
for approval, each with its reason. With a message's id (or the beginning of it)
shows that message whole: its text, attempts and decisions.

Outcomes that nobody knows are called uncertain, never sent.

Exit codes: 0 fine, 1 failed.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.id = strings.Join(args, "")
			return o.run(c.Context())
		},
	}
	c.Flags().StringVar(&o.state, "state", "", "awaiting_approval, planned, deferred, sent, uncertain, failed, suppressed, expired")
	c.Flags().StringVar(&o.account, "account", "", "only this account's")
	c.Flags().StringVar(&o.owner, "owner", "", "only to this owner")
	c.Flags().StringVar(&o.since, "since", "", "planned on this day or later")
	c.Flags().IntVar(&o.limit, "limit", 50, "how many at most")
	return c
}

// messageView is a message as listed and shown.
type messageView struct {
	steward.Message
	Carries  []steward.Outreach `json:"carries"`
	Attempts []store.Attempt    `json:"attempt_log,omitempty"`
	Records  []steward.Record   `json:"decisions,omitempty"`
}

func (o *outreachOptions) run(ctx context.Context) error {
	h, err := o.app.enter(ctx, store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer h.close()
	if o.id != "" {
		return o.show(ctx, h)
	}
	f := store.MessageFilter{State: steward.MessageState(o.state), Account: steward.AccountID(o.account), Owner: steward.OwnerID(o.owner), Limit: o.limit}
	if o.since != "" {
		day, err := steward.ParseDay(o.since)
		if err != nil {
			return usagef("--since: %v", err)
		}
		f.Since = day.Start(h.ws.Zone)
	}
	list, carries, err := h.db.Messages(ctx, f)
	if err != nil {
		return err
	}
	if o.app.json {
		views := make([]messageView, len(list))
		for i, m := range list {
			views[i] = messageView{Message: m, Carries: carries[m.ID]}
		}
		return o.app.printJSON(views)
	}
	t := o.app.table("message", "planned", "kind", "to", "account", "about", "state", "why")
	for _, m := range list {
		t.AppendRow(table.Row{m.ID, h.date(m.Planned), m.Kind, clip(clean(recipientWords(m.To)), 30), clean(string(m.Account)), clip(aboutWords(m, carries[m.ID]), 36), stateWords(h, m), clip(clean(whyWords(m)), 60)})
	}
	t.Render()
	counts, err := h.db.Counts(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(o.app.stderr, countWords(counts))
	return nil
}

func aboutWords(m steward.Message, carries []steward.Outreach) string {
	var out []string
	for _, x := range carries {
		out = append(out, string(x.Playbook)+"/"+x.Step)
	}
	switch {
	case len(out) == 0 && m.Content != nil:
		return clean(m.Content.Title)
	case len(out) == 0 && m.Reason == steward.ReasonInDigest:
		return "in a digest" // what it carried moved there
	}
	return strings.Join(out, ", ")
}

func stateWords(h *house, m steward.Message) string {
	switch m.State {
	case steward.Deferred:
		return "deferred until " + h.date(m.Due)
	case steward.AwaitingApproval:
		if !m.Veto.IsZero() {
			return "goes " + h.date(m.Veto) + " unless stopped"
		}
		return "awaiting approval"
	}
	return string(m.State)
}

func whyWords(m steward.Message) string {
	if m.Reason == steward.ReasonDelivered || m.Reason == steward.ReasonAwaiting {
		return m.Detail
	}
	if m.Detail == "" {
		return string(m.Reason)
	}
	return string(m.Reason) + ": " + m.Detail
}

func countWords(c store.Counts) string {
	var parts []string
	for _, s := range []steward.MessageState{steward.Sent, steward.AwaitingApproval, steward.Planned, steward.Enqueued, steward.Sending, steward.Deferred, steward.Uncertain, steward.FailedToSend, steward.Suppressed, steward.Expired} {
		if n := c.ByState[string(s)]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(string(s), "_", " ")))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "no messages yet")
	}
	return strings.Join(parts, " · ") + fmt.Sprintf(" · %s open, %d of them held", count(c.OpenEnrolments, "enrolment"), c.Quarantined)
}

func (o *outreachOptions) show(ctx context.Context, h *house) error {
	m, err := h.db.Message(ctx, o.id)
	if err != nil {
		return err
	}
	d, err := h.db.Dossier(ctx, m.ID)
	if err != nil {
		return err
	}
	attempts, err := h.db.Attempts(ctx, m.ID)
	if err != nil {
		return err
	}
	records, err := h.db.Records(ctx, store.RecordFilter{Account: m.Account, Message: m.ID, Limit: 50})
	if err != nil {
		return err
	}
	if o.app.json {
		return o.app.printJSON(messageView{m, d.Outreach, attempts, records})
	}
	out := o.app.stdout
	fmt.Fprintf(out, "%s  %s to %s about %s: %s\n", o.app.bold(string(m.ID)), m.Kind, clean(recipientWords(m.To)), clean(string(m.Account)), stateWords(h, m))
	if w := whyWords(m); w != "" {
		fmt.Fprintf(out, "  %s\n", clean(w))
	}
	for _, x := range d.Outreach {
		fmt.Fprintf(out, "  carries %s/%s for %s\n", x.Playbook, x.Step, x.Subject)
	}
	for _, at := range attempts {
		fmt.Fprintf(out, "  attempt %s\n", clean(fmt.Sprintf("%d at %s: %s %s", at.N, h.date(at.Started), at.Outcome, at.Detail)))
	}
	for _, r := range records {
		fmt.Fprintf(out, "  %s  %s %s\n", h.date(r.At.Time()), r.Reason, clean(r.Detail))
	}
	if m.Content != nil {
		fmt.Fprintf(out, "\n%s\n", o.app.bold(clean(m.Content.Title)))
		for _, p := range m.Content.Parts {
			fmt.Fprintln(out)
			for _, line := range strings.Split(p.Markdown, "\n") {
				fmt.Fprintln(out, clean(line))
			}
			for _, e := range p.Evidence {
				fmt.Fprintf(out, "  • %s\n", clean(e))
			}
		}
	}
	if m.State == steward.AwaitingApproval {
		fmt.Fprintf(out, "\nSend it: steward approve %s\nStop it: steward approve %s --decline\n", m.ID, m.ID)
	}
	return nil
}
