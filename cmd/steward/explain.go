package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"steward"
	"steward/playbooks"
	"steward/playbooks/lang"
	"steward/store"
)

type explainOptions struct {
	app      *app
	account  string
	playbook string
}

func explainCommand(a *app) *cobra.Command {
	o := &explainOptions{app: a}
	return &cobra.Command{
		Use:   "explain ACCOUNT [PLAYBOOK]",
		Short: "Say why something happened for an account, or why not",
		Long: `Answers in one sentence first, then shows the condition as written with what
each part came to, the phase, the enrolment with its steps, and what would stand
in the way of saying something. ACCOUNT is an id or a part of a name.

Without PLAYBOOK every playbook is answered in a sentence.

Exit codes: 0 fine, 1 failed.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			o.account = args[0]
			if len(args) > 1 {
				o.playbook = args[1]
			}
			return o.run(c.Context())
		},
	}
}

func (o *explainOptions) run(ctx context.Context) error {
	h, err := o.app.enter(ctx, store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer h.close()
	s, err := h.lastSituation(ctx)
	if err != nil {
		return err
	}
	account, err := findAccount(s, o.account)
	if err != nil {
		return err
	}
	list := h.book.Playbooks
	if o.playbook != "" {
		p, ok := h.book.Playbook(steward.PlaybookName(o.playbook))
		if !ok {
			hint := "there is " + strings.Join(h.book.Names(), ", ")
			if n := steward.Nearest(o.playbook, h.book.Names()); n != "" {
				hint = "did you mean " + n + "?"
			}
			return usagef("there is no playbook %q; %s", o.playbook, hint)
		}
		list = []*playbooks.Playbook{p}
	}
	var all []playbooks.Explanation
	for _, p := range list {
		for _, subject := range subjectsOf(s, p, account.ID) {
			x, err := s.Explain(p, subject)
			if err != nil {
				return err
			}
			all = append(all, x)
		}
	}
	if o.app.json {
		return o.app.printJSON(all)
	}
	fmt.Fprintf(o.app.stdout, "%s  %s\n", o.app.bold(clean(account.Name)), o.app.dim(fmt.Sprintf("%s · as of %s", account.ID, h.date(s.Slot.Time()))))
	if len(all) == 0 {
		fmt.Fprintln(o.app.stdout, "It has no contracts, and the playbook is about contracts.")
	}
	for _, x := range all {
		fmt.Fprintf(o.app.stdout, "\n%s\n", clean(x.Sentence))
		if o.playbook != "" {
			if err := o.app.printExplanation(ctx, h, s, x); err != nil {
				return err
			}
		}
	}
	if o.playbook == "" && len(all) > 0 {
		fmt.Fprintf(o.app.stdout, "\n%s\n", o.app.dim("More: steward explain "+string(account.ID)+" "+string(all[0].Playbook)))
	}
	return nil
}

// lastSituation is the facts of the last evaluation, or of now before the
// first.
func (h *house) lastSituation(ctx context.Context) (*playbooks.Situation, error) {
	engine := h.engine(nil, nil)
	slot, err := engine.LastSlot(ctx)
	if err != nil {
		return nil, err
	}
	if slot.IsZero() {
		slot = steward.SlotAt(h.now())
	}
	return engine.Situation(ctx, slot)
}

// findAccount finds an account by id, else by a part of its name that no other
// has.
func findAccount(s *playbooks.Situation, text string) (*steward.Account, error) {
	view := s.Frame.View(steward.AboutAccount)
	if row, ok := view.Row(text); ok {
		return view.Account(row), nil
	}
	var found []*steward.Account
	var names []string
	for row := range view.Len() {
		a := view.Account(row)
		if strings.EqualFold(a.Name, text) || strings.EqualFold(string(a.ID), text) {
			return a, nil
		}
		if strings.Contains(strings.ToLower(a.Name), strings.ToLower(text)) {
			found = append(found, a)
		}
		names = append(names, a.Name, string(a.ID))
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		hint := "steward accounts lists them"
		if n := steward.Nearest(text, names); n != "" {
			hint = fmt.Sprintf("did you mean %q?", clean(n))
		}
		return nil, fmt.Errorf("there is no account %q; %s", text, hint)
	}
	var some []string
	for _, a := range found[:min(5, len(found))] {
		some = append(some, fmt.Sprintf("%s %s", a.ID, clean(a.Name)))
	}
	return nil, fmt.Errorf("%s are called something like %q: %s\nSay which by its id", count(len(found), "account"), text, strings.Join(some, ", "))
}

// subjectsOf is what of an account a playbook is about: itself, or its
// contracts.
func subjectsOf(s *playbooks.Situation, p *playbooks.Playbook, id steward.AccountID) []steward.Subject {
	view := s.Frame.View(p.About)
	var out []steward.Subject
	for row := range view.Len() {
		if subject := view.Subject(row); subject.Account == id {
			out = append(out, subject)
		}
	}
	return out
}

func (a *app) printExplanation(ctx context.Context, h *house, s *playbooks.Situation, x playbooks.Explanation) error {
	for _, c := range x.Conditions {
		fmt.Fprintf(a.stdout, "\n  %s: %s  → %s\n", a.bold(c.Name), c.Text, a.verdict(c.Trace.Value))
		for _, child := range c.Trace.Children {
			a.printTrace(child, 2)
		}
	}
	fmt.Fprintf(a.stdout, "\n  portfolio.include is %s; no_customer_mail is %s\n", x.Portfolio, x.NoCustomerMail)
	ph := x.Phase
	if ph.Phase == "" {
		fmt.Fprintln(a.stdout, "  phase: clear")
	} else {
		fmt.Fprintf(a.stdout, "  phase: %s since %s; the episode began %s", ph.Phase, h.date(ph.Since.Time()), h.date(ph.Episode.Time()))
		for k, v := range ph.Frozen {
			fmt.Fprintf(a.stdout, "; at its opening %s was %s", k, lang.Describe(v, false))
		}
		fmt.Fprintln(a.stdout)
	}
	for _, g := range x.Gates {
		fmt.Fprintf(a.stdout, "  gate: %s (%s): %s\n", g.Reason, g.Effect, clean(g.Detail))
	}
	if x.Enrolment == nil {
		fmt.Fprintln(a.stdout, "  enrolment: none so far")
		return nil
	}
	return a.printEnrolment(ctx, h, s, *x.Enrolment)
}

func (a *app) printEnrolment(ctx context.Context, h *house, s *playbooks.Situation, e steward.Enrolment) error {
	state := string(e.State)
	if e.Reason != "" {
		state += " (" + string(e.Reason) + ")"
	}
	fmt.Fprintf(a.stdout, "  enrolment %s: %s, opened %s", e.ID, state, h.date(e.OpenedAt))
	if !e.EndedAt.IsZero() {
		fmt.Fprintf(a.stdout, ", ended %s", h.date(e.EndedAt))
	}
	if !e.AckedAt.IsZero() {
		fmt.Fprintf(a.stdout, ", taken on by %s %s", clean(e.AckedBy), h.date(e.AckedAt))
	}
	fmt.Fprintln(a.stdout)
	outreach, messages, err := h.db.OutreachOf(ctx, []steward.EnrolmentID{e.ID})
	if err != nil {
		return err
	}
	for _, o := range outreach {
		line := fmt.Sprintf("    %s  %s to %s", h.date(o.Planned), o.Step, clean(recipientWords(o.To)))
		if m, ok := messages[o.Message]; ok {
			line += fmt.Sprintf(": %s", m.State)
			if m.State == steward.Deferred {
				line += " until " + h.date(m.Due)
			}
			if m.Reason != "" && m.Reason != steward.ReasonDelivered {
				line += fmt.Sprintf(" (%s)", m.Reason)
			}
			line += a.dim("  " + string(m.ID))
		} else if o.Suppressed != "" {
			line += fmt.Sprintf(": not said (%s)", o.Suppressed)
		}
		fmt.Fprintln(a.stdout, line)
	}
	records, err := h.db.Records(ctx, store.RecordFilter{Account: e.Subject.Account, Enrolment: e.ID, Limit: 30})
	if err != nil {
		return err
	}
	if len(records) > 0 {
		fmt.Fprintln(a.stdout, "  decisions:")
	}
	for _, r := range slices.Backward(records) { // oldest first, as it happened
		line := fmt.Sprintf("    %s  %s", h.date(r.At.Time()), r.Reason)
		if r.Step != "" {
			line += " at " + r.Step
		}
		if r.Detail != "" {
			line += ": " + clean(r.Detail)
		}
		fmt.Fprintln(a.stdout, line)
	}
	return nil
}

// printTrace shows a part of a condition with its value, and its parts under
// it. Literals and bare names on one line with their comparison need no line
// of their own.
func (a *app) printTrace(t *lang.Trace, depth int) {
	value := lang.Describe(t.Value, t.Percent)
	if t.Value.Kind == steward.FlagKind || !t.Value.Known {
		value = a.verdict(t.Value)
	}
	line := fmt.Sprintf("%s%-*s → %s", strings.Repeat("  ", depth), max(0, 46-2*depth), t.Text, value)
	if t.Why != "" && !t.Value.Known && !deeperWhy(t) {
		line += a.dim("  (" + clean(t.Why) + ")")
	}
	fmt.Fprintln(a.stdout, line)
	for _, c := range t.Children {
		if len(c.Children) > 0 || !isLiteral(c.Text) {
			a.printTrace(c, depth+1)
		}
	}
}

func deeperWhy(t *lang.Trace) bool {
	for _, c := range t.Children {
		if !c.Value.Known && c.Why != "" {
			return true
		}
	}
	return false
}

func isLiteral(text string) bool {
	return text == "" || strings.ContainsAny(text[:1], "0123456789'\"[-") || text == "true" || text == "false"
}

func (a *app) verdict(v steward.Value) string {
	switch {
	case !v.Known:
		return a.paint("33", "unknown")
	case v.Kind != steward.FlagKind:
		return v.String()
	case v.Num != 0:
		return a.paint("32", "true")
	default:
		return a.paint("31", "false")
	}
}
