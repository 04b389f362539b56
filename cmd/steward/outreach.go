package main

import (
	"context"
	"fmt"
	"strings"
	"time"

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
	if len(out) == 0 && m.Content != nil {
		return clean(m.Content.Title)
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
	records, err := h.db.Records(ctx, store.RecordFilter{Message: m.ID, Limit: 50})
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
		return fmt.Errorf("%s may not approve message %s; it is for %s", o.by, m.ID, approverWords(m))
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

// done says what was done, as a line or as JSON.
func (a *app) done(v any, format string, args ...any) error {
	if a.json {
		return a.printJSON(v)
	}
	fmt.Fprintf(a.stderr, format+"\n", args...)
	return nil
}

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
	if err := h.db.Ack(ctx, e.ID, by, h.now()); err != nil {
		return err
	}
	return o.app.done(map[string]any{"enrolment": e.ID, "acked_by": by}, "%s is taken on by %s (%s, %s).", e.ID, by, e.Playbook, e.Subject)
}

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
	f := store.ReleaseFilter{Playbook: steward.PlaybookName(o.playbook), Account: steward.AccountID(o.account)}
	for _, id := range o.ids {
		e, err := h.db.Enrolment(ctx, id)
		if err != nil {
			return err
		}
		f.IDs = append(f.IDs, e.ID)
	}
	released, err := h.db.Release(ctx, f, h.now())
	if err != nil {
		return err
	}
	if o.app.json {
		return o.app.printJSON(released)
	}
	fmt.Fprintf(o.app.stderr, "Released %s; the worker goes on with them within a minute.\n", count(len(released), "enrolment"))
	return nil
}

func pauseCommand(a *app) *cobra.Command {
	var why, by string
	c := &cobra.Command{
		Use:   "pause",
		Short: "Stop all sending at once",
		Long: `Nothing is sent until steward resume. Judging goes on, and what is planned
meanwhile waits; what expires meanwhile expires.

Exit codes: 0 done, 1 failed.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			h, err := a.enter(c.Context(), store.Options{})
			if err != nil {
				return err
			}
			defer h.close()
			p := steward.Pause{At: h.now().UTC().Truncate(time.Second), By: a.who(by), Reason: why}
			if err := h.db.SetPause(c.Context(), p); err != nil {
				return err
			}
			return a.done(p, "Sending is paused. Go on with: steward resume")
		},
	}
	c.Flags().StringVar(&why, "why", "", "why, for whoever wonders")
	c.Flags().StringVar(&by, "by", "", "who pauses (default: STEWARD_USER or the login name)")
	return c
}

func resumeCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "resume",
		Short: "Go on sending after a pause",
		Long: `Ends a pause. What was put off is looked at again within minutes, and what
expired meanwhile stays unsent.

Exit codes: 0 done (also when nothing was paused), 1 failed.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			h, err := a.enter(c.Context(), store.Options{})
			if err != nil {
				return err
			}
			defer h.close()
			if err := h.db.ClearPause(c.Context()); err != nil {
				return err
			}
			return a.done(map[string]any{"paused": false}, "Sending goes on; what was put off is looked at again within minutes.")
		},
	}
}

func suppressCommand(a *app) *cobra.Command {
	var remove bool
	var why string
	c := &cobra.Command{
		Use:   "suppress [ADDRESS]",
		Short: "List the addresses that get no mail, or add one",
		Long: `Without ADDRESS lists who gets no mail and why: people who unsubscribed, and
those named here. With one, adds it; nothing that Steward sends reaches it then,
whatever a playbook says.

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
				t := a.table("address", "since", "why", "by")
				for _, s := range list {
					t.AppendRow(table.Row{clean(s.Address), h.date(s.At), clean(s.Reason), clean(s.Source)})
				}
				t.Render()
				return nil
			}
			if remove {
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
	c.Flags().StringVar(&why, "why", "asked not to be written to", "the reason to keep")
	return c
}
