package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"steward"
	"steward/playbooks"
	"steward/store"
)

type markOptions struct {
	app                    *app
	account                string
	milestone, on          string
	person, role, text, by string
	pulse                  int
	only, not              bool
}

func markCommand(a *app) *cobra.Command {
	o := &markOptions{app: a}
	c := &cobra.Command{
		Use:   "mark ACCOUNT",
		Short: "Say what you know of an account: a milestone, somebody's role, its pulse",
		Long: `Keeps what a person knows as a fact that playbooks read from the next evaluation
on. It stands over what the sources say until they say something else than they
did, or somebody says something newer.

--milestone marks a moment of the journey as reached, today or --on a day; with
--not it was not reached. --role gives --person a role beside those that they
have; with --only in place of them, with --not it is taken away. --pulse is how
the account feels to you, 1 (bad) to 5 (very good).

Without any of them it lists what was ever said of the account.

Exit codes: 0 done, 1 failed (there is no such account, person or milestone),
2 wrong usage.`,
		Example: `  steward mark acme --milestone kickoff --on 2026-03-12
  steward mark acme --person ada@acme.example --role champion
  steward mark acme --pulse 2 --because "their sponsor has left"`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.account = args[0]
			return o.run(c.Context(), c.Flags().Changed("pulse"))
		},
	}
	f := c.Flags()
	f.StringVar(&o.milestone, "milestone", "", "a milestone of the journey")
	f.StringVar(&o.on, "on", "", "the day on which the milestone was reached (default: today)")
	f.StringVar(&o.person, "person", "", "who has the role: an id, an address or a name")
	f.StringVar(&o.role, "role", "", "a role, such as champion")
	f.BoolVar(&o.only, "only", false, "with --role: in place of the roles that they have")
	f.BoolVar(&o.not, "not", false, "it is not so, or not any more")
	f.IntVar(&o.pulse, "pulse", 0, "how the account feels, 1 (bad) to 5 (very good)")
	f.StringVar(&o.text, "because", "", "with --pulse: why")
	f.StringVar(&o.by, "by", "", "who says so (default: STEWARD_USER or the login name)")
	return c
}

func (o *markOptions) run(ctx context.Context, pulse bool) error {
	said := 0
	for _, given := range []bool{o.milestone != "", o.role != "" || o.person != "", pulse} {
		if given {
			said++
		}
	}
	switch {
	case said > 1:
		return usagef("say one thing at a time: --milestone, --role with --person, or --pulse")
	case (o.role == "") != (o.person == ""):
		return usagef("a role is somebody's: give --person and --role")
	case o.only && o.not:
		return usagef("--only gives a role and --not takes it away; give one of them")
	case o.on != "" && (o.milestone == "" || o.not):
		return usagef("--on is the day on which a --milestone was reached")
	}
	h, account, err := o.app.enterFor(ctx, o.account)
	if err != nil {
		return err
	}
	defer h.close()
	if said == 0 {
		return o.list(ctx, h, account.ID)
	}
	g := steward.Gesture{Target: steward.Target{Account: account.ID}, Values: map[string]string{}}
	switch {
	case o.milestone != "":
		g.Verb, g.Values["choice"], g.Values["day"] = steward.VerbMilestone, o.milestone, o.on
		if o.not {
			g.Values["day"] = playbooks.NotReached
		}
	case pulse:
		g.Verb, g.Values["choice"], g.Values["text"] = steward.VerbPulse, strconv.Itoa(o.pulse), clean(o.text)
	default:
		who, err := personNamed(ctx, h, account.ID, o.person)
		if err != nil {
			return err
		}
		g.Verb, g.Values["who"], g.Values["choice"], g.Values["how"] = steward.VerbRole, string(who), o.role, playbooks.RoleToo
		switch {
		case o.only:
			g.Values["how"] = playbooks.RoleOnly
		case o.not:
			g.Values["how"] = playbooks.RoleNot
		}
	}
	by := o.app.who(o.by)
	answer, err := h.perform(ctx, by, g)
	if err != nil {
		return err
	}
	return o.app.done(map[string]any{"account": account.ID, "said_by": by, "what": g.Verb}, "%s", clean(answer.Text))
}

// personNamed finds somebody at an account by their id, address or name.
func personNamed(ctx context.Context, h *house, account steward.AccountID, who string) (steward.ContactID, error) {
	p, err := h.db.Portfolio(ctx)
	if err != nil {
		return "", err
	}
	var found, all []string
	for _, c := range p.Contacts {
		if c.Account != account {
			continue
		}
		if string(c.ID) == who {
			return c.ID, nil
		}
		if strings.EqualFold(c.Email, who) || strings.EqualFold(c.Name, who) {
			found = append(found, string(c.ID))
		}
		all = append(all, clean(c.Name))
	}
	switch len(found) {
	case 1:
		return steward.ContactID(found[0]), nil
	case 0:
		slices.Sort(all)
		hint := "there is nobody"
		if len(all) > 0 {
			hint = "there is " + strings.Join(all[:min(8, len(all))], ", ")
		}
		return "", fmt.Errorf("there is no %q at %s; %s", clean(who), clean(string(account)), hint)
	}
	return "", fmt.Errorf("several people at %s are called %q; say which by their id: %s", clean(string(account)), clean(who), clean(strings.Join(found, ", ")))
}

func (o *markOptions) list(ctx context.Context, h *house, account steward.AccountID) error {
	words, err := h.db.Words(ctx, account, 0)
	if err != nil {
		return err
	}
	if o.app.json {
		if words == nil {
			words = []steward.Word{}
		}
		return o.app.printJSON(words)
	}
	t := o.app.table("on", "of", "what", "is", "by", "because")
	for _, w := range words {
		is := "-"
		if w.Value.Known {
			is = strings.Trim(w.Value.String(), "'")
		}
		t.AppendRow(table.Row{h.date(w.At), clean(w.ID), strings.TrimPrefix(w.Field, steward.MilestonePrefix), clean(is), clean(w.By), clean(w.Text)})
	}
	t.Render()
	return nil
}

type postponeOptions struct {
	app *app
	by  string
}

func postponeCommand(a *app) *cobra.Command {
	o := &postponeOptions{app: a}
	c := &cobra.Command{
		Use:   "postpone TASK DAY",
		Short: "Give a task another day",
		Long: `Moves the day by which an open task is to be done, forward or back. Dates of
contracts and renewals are the CRM's, and are changed there.

Exit codes: 0 done, 1 failed (there is no such task, it is over, or the day has
passed).`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args[0], args[1]) },
	}
	c.Flags().StringVar(&o.by, "by", "", "who moves it (default: STEWARD_USER or the login name)")
	return c
}

func (o *postponeOptions) run(ctx context.Context, id, day string) error {
	h, err := o.app.enter(ctx, store.Options{})
	if err != nil {
		return err
	}
	defer h.close()
	t, err := h.db.Task(ctx, id)
	if err != nil {
		return err
	}
	if t.State != steward.TaskOpen {
		return fmt.Errorf("task %s is not open: %s", t.ID, taskWords(h, t))
	}
	g := steward.Gesture{Verb: steward.VerbMoveDue, Target: steward.Target{Task: t.ID, Enrolment: t.Enrolment}, Values: map[string]string{"day": day}}
	if _, err := h.perform(ctx, o.app.who(o.by), g); err != nil {
		return err
	}
	return o.app.done(map[string]any{"task": t.ID, "due": day}, "%s is due on %s now: %s for %s.", t.ID, clean(day), clean(t.Title), clean(string(t.Subject.Account)))
}
