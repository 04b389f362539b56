package main

import (
	"context"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"steward"
	"steward/store"
)

type overrideOptions struct {
	app     *app
	account string
	health  float64
	until   string
	because string
	by      string
	clear   bool
}

func overrideCommand(a *app) *cobra.Command {
	o := &overrideOptions{app: a}
	c := &cobra.Command{
		Use:   "override ACCOUNT",
		Short: "Say yourself how healthy an account is, for a while and with a reason",
		Long: `Puts a person's word in place of an account's health score from today through
the last day given: for health and grade in every condition, on cards and in
explain. The parts of the score go on being worked out. It ends by itself after
its last day, or with --clear. Of several words the one said last stands.

Without --health and --clear it lists all that was ever said of the account.

Exit codes: 0 done, 1 failed (there is no such account), 2 wrong usage.`,
		Example: `  steward override acme --health 30 --until 2026-06-01 --because "their sponsor has left"
  steward override acme --clear`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.account = args[0]
			return o.run(c.Context(), c.Flags().Changed("health"))
		},
	}
	c.Flags().Float64Var(&o.health, "health", 0, "the health to stand, 0 to 100")
	c.Flags().StringVar(&o.until, "until", "", "the last day on which it stands, such as 2026-06-01")
	c.Flags().StringVar(&o.because, "because", "", "why, for whoever reads the number")
	c.Flags().StringVar(&o.by, "by", "", "who says so (default: STEWARD_USER or the login name)")
	c.Flags().BoolVar(&o.clear, "clear", false, "take back what stands, from today on")
	return c
}

func (o *overrideOptions) run(ctx context.Context, said bool) error {
	lists := !said && !o.clear
	if lists && (o.until != "" || o.because != "") {
		return usagef("say the health: --health 30")
	}
	h, err := o.app.enter(ctx, store.Options{ReadOnly: lists})
	if err != nil {
		return err
	}
	defer h.close()
	word, err := o.word(h, said)
	if err != nil {
		return err
	}
	s, err := h.lastSituation(ctx)
	if err != nil {
		return err
	}
	account, err := findAccount(s, o.account)
	if err != nil {
		return err
	}
	switch {
	case o.clear:
		n, err := h.db.ClearOverride(ctx, account.ID, o.app.who(o.by), steward.DayOf(h.now(), h.ws.Zone))
		if err != nil {
			return err
		}
		if n == 0 {
			return o.app.done(map[string]any{"account": account.ID, "cleared": n}, "Nobody's word stands on the health of %s; nothing to take back.", account.ID)
		}
		return o.app.done(map[string]any{"account": account.ID, "cleared": n}, "The health of %s is its score again, from today on.", account.ID)
	case lists:
		return o.list(ctx, h, account.ID)
	}
	word.Account = account.ID
	if err := h.db.Override(ctx, word); err != nil {
		return err
	}
	return o.app.done(word, "The health of %s is %.0f through %s. The next evaluation goes by it.", account.ID, word.Health, word.Until)
}

// word is what the flags say.
func (o *overrideOptions) word(h *house, said bool) (steward.HealthOverride, error) {
	var w steward.HealthOverride
	if !said {
		return w, nil
	}
	today := steward.DayOf(h.now(), h.ws.Zone)
	w = steward.HealthOverride{Health: o.health, From: today, Until: today, Because: strings.TrimSpace(clean(o.because)), By: o.app.who(o.by), At: h.now().UTC().Truncate(time.Second), Cleared: steward.NoDay}
	switch {
	case o.clear:
		return w, usagef("--health says a word and --clear takes it back; give one of them")
	case !(o.health >= 0 && o.health <= 100):
		return w, usagef("--health is a number from 0 to 100")
	case w.Because == "":
		return w, usagef("say why with --because: a number that nobody can account for helps nobody")
	case o.until == "":
		return w, usagef("say for how long with --until: the last day on which it stands, such as %s", today+28)
	}
	until, err := steward.ParseDay(o.until)
	if err != nil {
		return w, usagef("--until: %v", err)
	}
	if until < today {
		return w, usagef("--until %s has passed; today is %s", until, today)
	}
	w.Until = until
	return w, nil
}

func (o *overrideOptions) list(ctx context.Context, h *house, account steward.AccountID) error {
	words, err := h.db.Overrides(ctx, account)
	if err != nil {
		return err
	}
	if o.app.json {
		if words == nil {
			words = []steward.HealthOverride{}
		}
		return o.app.printJSON(words)
	}
	t := o.app.table("health", "from", "until", "taken back", "by", "because")
	for _, w := range words {
		back := dayOrBlank(w.Cleared)
		if w.ClearedBy != "" {
			back += " by " + clean(w.ClearedBy)
		}
		t.AppendRow(table.Row{w.Health, w.From, w.Until, back, clean(w.By), clean(w.Because)})
	}
	t.Render()
	return nil
}
