package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"steward"
	"steward/playbooks"
	"steward/store"
)

type silenceOptions struct {
	app      *app
	silence  steward.Silence
	account  string
	owner    string
	playbook string
	until    string
	resolved bool
	by       string
	list     bool
	all      bool
	end      int64
}

func silenceCommand(a *app) *cobra.Command {
	o := &silenceOptions{app: a}
	c := &cobra.Command{
		Use:   "silence",
		Short: "Have nothing said of an account, an owner or a playbook for a while",
		Long: `What is silenced is put off, also what is critical, and what is still so is said
when the silence ends; meanwhile nothing of it grows old. Of --account, --owner,
--playbook and --when, all that are given have to be so of what is silenced.

It stands until the end of a day, for a while, or, with --until-resolved, until
what goes on now is over: the next time the same thing happens, it is said.

Without any of them it lists the silences that stand.

Exit codes: 0 done, 1 failed (there is no such account, owner or playbook, the
condition cannot be read), 2 wrong usage.`,
		Example: `  steward silence --account acme --until 2w --because "they are moving offices"
  steward silence --playbook login-drop --when "segment == 'education'" --until 2026-09-01 --because "summer holidays"
  steward silence --account acme --until-resolved --because "known, we are on it"
  steward silence --list
  steward silence --end 3`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	f := c.Flags()
	f.StringVar(&o.account, "account", "", "only what is said of this account")
	f.StringVar(&o.owner, "owner", "", "only what is said of this owner's accounts")
	f.StringVar(&o.playbook, "playbook", "", "only what this playbook says")
	f.StringVar(&o.silence.When, "when", "", "only where this condition on the account holds")
	f.StringVar(&o.until, "until", "", "the last silent day, such as 2026-09-01, or for how long, such as 3d or 2w")
	f.BoolVar(&o.resolved, "until-resolved", false, "until what goes on now is over")
	f.StringVar(&o.silence.Because, "because", "", "why, for whoever wonders")
	f.StringVar(&o.by, "by", "", "who says so (default: STEWARD_USER or the login name)")
	f.BoolVar(&o.list, "list", false, "list what is silenced")
	f.BoolVar(&o.all, "all", false, "with --list: also what is over")
	f.Int64Var(&o.end, "end", 0, "end the silence with this number")
	return c
}

func (o *silenceOptions) says() bool {
	return o.account != "" || o.owner != "" || o.playbook != "" || o.silence.When != "" || o.until != "" || o.resolved || o.silence.Because != ""
}

func (o *silenceOptions) run(ctx context.Context) error {
	switch {
	case o.end != 0 && (o.says() || o.list), o.list && o.says():
		return usagef("make a silence, list them with --list, or end one with --end; one at a time")
	case o.end < 0:
		return usagef("--end takes the number of a silence, as steward silence --list shows it")
	}
	h, err := o.app.enter(ctx, store.Options{ReadOnly: !o.says() && o.end == 0})
	if err != nil {
		return err
	}
	defer h.close()
	switch {
	case o.end > 0:
		return o.finish(ctx, h)
	case o.says():
		return o.say(ctx, h)
	}
	return o.show(ctx, h)
}

func (o *silenceOptions) say(ctx context.Context, h *house) error {
	q, now := o.silence, h.now().UTC().Truncate(time.Second)
	q.From, q.By = now, o.app.who(o.by)
	q.Owner, q.Playbook = steward.OwnerID(o.owner), steward.PlaybookName(o.playbook)
	q.When, q.Because = strings.TrimSpace(q.When), strings.TrimSpace(clean(q.Because))
	if owner, ok := h.book.Owner(steward.OwnerID(q.By)); ok {
		q.ByOwner = owner.ID
	}
	switch {
	case o.until == "" && !o.resolved:
		return usagef("say until when: --until 2w, --until 2026-09-01, or --until-resolved")
	case q.Because == "":
		return usagef("say why with --because: whoever wonders later what became of the account should find it")
	}
	if o.until != "" {
		until, resolved, err := playbooks.SilenceUntil(o.until, now, h.ws.Zone)
		if err != nil {
			return usagef("--until: %v", err)
		}
		q.Until, o.resolved = until, o.resolved || resolved
	}
	q.UntilResolved = o.resolved
	s, err := h.lastSituation(ctx)
	if err != nil {
		return err
	}
	if o.account != "" {
		account, err := findAccount(s, o.account)
		if err != nil {
			return err
		}
		q.Account = account.ID
	}
	if err := s.CheckSilence(q); err != nil {
		return err
	}
	id, err := h.db.Silence(ctx, q)
	if err != nil {
		return err
	}
	q.ID = id
	return o.app.done(q, "%s.\nWhat is still so then is said when it ends. End it sooner with: steward silence --end %d", clean(s.SilenceWords(q)), id)
}

func (o *silenceOptions) finish(ctx context.Context, h *house) error {
	by := o.app.who(o.by)
	if err := h.db.Unsilence(ctx, o.end, by, h.now()); err != nil {
		return err
	}
	return o.app.done(map[string]any{"silence": o.end, "ended_by": by}, "Silence %d is over. What it put off is looked at again now, and said where it is still so.", o.end)
}

func (o *silenceOptions) show(ctx context.Context, h *house) error {
	list, err := h.db.Silences(ctx, h.now(), o.all)
	if err != nil {
		return err
	}
	if o.app.json {
		if list == nil {
			list = []steward.Silence{}
		}
		return o.app.printJSON(list)
	}
	t := o.app.table("silence", "account", "owner", "playbook", "when", "since", "until", "by", "because", "ended")
	for _, q := range list {
		until := ""
		if !q.Until.IsZero() {
			until = h.date(q.Until)
		}
		if q.UntilResolved {
			until = strings.TrimSpace(until + " resolved")
		}
		ended := ""
		if !q.Ended.IsZero() {
			ended = h.date(q.Ended) + ": " + clean(q.EndedBy)
		}
		t.AppendRow(table.Row{strconv.FormatInt(q.ID, 10), clean(string(q.Account)), clean(string(q.Owner)), clean(string(q.Playbook)), clip(clean(q.When), 40), h.date(q.From), until, clean(q.By), clip(clean(q.Because), 60), ended})
	}
	t.Render()
	return nil
}
