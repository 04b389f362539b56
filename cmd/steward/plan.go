package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"steward"
	"steward/playbooks"
	"steward/store"
)

type planOptions struct {
	app *app
	on  string
}

func planCommand(a *app) *cobra.Command {
	o := &planOptions{app: a}
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what the next evaluation would do; changes nothing",
		Long: `Decides as the next evaluation would, on the data as imported, and prints what
would open, be held or end, and who would be told. Nothing is written.

--on plans as of another day's slot, on the data there is now.

Exit codes: 0 fine, 1 failed.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	c.Flags().StringVar(&o.on, "on", "", "the day to plan for, such as 2026-03-12")
	return c
}

// planned is one thing that would happen.
type planned struct {
	Playbook steward.PlaybookName `json:"playbook"`
	Subject  steward.Subject      `json:"subject"`
	Name     string               `json:"name"`
	What     string               `json:"what"` // open, hold, end, say
	Reason   steward.Reason       `json:"reason,omitempty"`
	Step     string               `json:"step,omitempty"`
	To       string               `json:"to,omitempty"`
	Why      []string             `json:"why,omitempty"`
}

func (o *planOptions) run(ctx context.Context) error {
	h, err := o.app.enter(ctx, store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer h.close()
	engine := h.engine(nil, nil)
	last, err := engine.LastSlot(ctx)
	if err != nil {
		return err
	}
	slot, err := nextSlot(h, last)
	if err != nil {
		return err
	}
	if o.on != "" {
		day, err := steward.ParseDay(o.on)
		if err != nil {
			return usagef("--on: %v", err)
		}
		if slot, err = slotOn(h.ws, day); err != nil {
			return err
		}
	}
	s, err := engine.Situation(ctx, slot)
	if err != nil {
		return err
	}
	out := s.Decide()
	list := planList(s, out)
	if o.app.json {
		return o.app.printJSON(struct {
			Slot  steward.Slot                              `json:"slot"`
			Plan  []planned                                 `json:"plan"`
			Tally map[steward.PlaybookName]*playbooks.Tally `json:"tally"`
		}{slot, list, out.Tally})
	}
	o.app.printPlan(h, slot, list, out)
	return nil
}

// nextSlot is the slot the worker would evaluate next: the one that is due
// now, if it was not done yet, else the next one to come.
func nextSlot(h *house, last steward.Slot) (steward.Slot, error) {
	sched, err := parseSchedule(h.ws)
	if err != nil {
		return steward.Slot{}, err
	}
	if s, ok := sched.Latest(h.now(), last.Time()); ok {
		return s, nil
	}
	return sched.Next(steward.SlotAt(h.now())), nil
}

// planList turns decided changes into what a person would call them.
func planList(s *playbooks.Situation, out playbooks.Outcome) []planned {
	var list []planned
	for _, c := range out.Changes {
		name := accountName(s, c.Account)
		for _, e := range c.Enrolments {
			p := planned{Playbook: e.Playbook, Subject: e.Subject, Name: name, Reason: e.Reason, Why: evidenceWords(e.Evidence)}
			switch {
			case e.Rev == 0 && e.State == steward.Quarantined:
				p.What = "hold"
			case e.Rev == 0:
				p.What = "open"
			case !e.State.Open():
				p.What = "end"
			default:
				continue
			}
			list = append(list, p)
		}
		for _, x := range c.Outreach {
			list = append(list, planned{Playbook: x.Playbook, Subject: x.Subject, Name: name, What: "say", Step: x.Step, To: recipientWords(x.To), Reason: x.Suppressed})
		}
	}
	return list
}

func evidenceWords(ev []steward.Evidence) []string {
	var out []string
	for _, e := range ev {
		if e.Words != "" {
			out = append(out, e.Words)
		}
	}
	return out
}

func recipientWords(r steward.Recipient) string {
	if r.Name == "" || r.Name == r.Key {
		return r.Key
	}
	return r.Name + " (" + strings.TrimPrefix(r.Key, "role:") + ")"
}

func accountName(s *playbooks.Situation, id steward.AccountID) string {
	view := s.Frame.View(steward.AboutAccount)
	if row, ok := view.Row(string(id)); ok {
		return view.Account(row).Name
	}
	return ""
}

// shownPlans is how many lines of a kind are printed per playbook.
const shownPlans = 8

func (a *app) printPlan(h *house, slot steward.Slot, list []planned, out playbooks.Outcome) {
	fmt.Fprintf(a.stdout, "%s\n", a.bold("Evaluation of "+slot.Time().In(h.ws.Zone).Format("Monday 2 January 2006 15:04")))
	for _, name := range slices.Sorted(maps.Keys(out.Tally)) {
		t := out.Tally[name]
		if t.Fault != "" {
			fmt.Fprintf(a.stdout, "\n%s  cannot be judged: %s\n", a.bold(string(name)), t.Fault)
			continue
		}
		fmt.Fprintf(a.stdout, "\n%s  %s\n", a.bold(string(name)), a.dim(fmt.Sprintf("audience %d · pending %d · firing %d · clearing %d · unknown %d%s", t.Audience, t.Pending, t.Firing, t.Clearing, t.Unknown, daysToJudge(h, name, t.Days))))
		any := false
		for _, kind := range []struct{ what, words string }{{"open", "would open"}, {"hold", "would be held until released"}, {"end", "would end"}, {"say", "would be said"}} {
			var lines []string
			for _, p := range list {
				if p.Playbook == name && p.What == kind.what {
					lines = append(lines, planLine(p))
				}
			}
			if len(lines) == 0 {
				continue
			}
			any = true
			fmt.Fprintf(a.stdout, "  %s (%d)\n", kind.words, len(lines))
			for _, l := range lines[:min(shownPlans, len(lines))] {
				fmt.Fprintf(a.stdout, "    %s\n", l)
			}
			if n := len(lines) - shownPlans; n > 0 {
				fmt.Fprintf(a.stdout, "    and %d more; --json lists them all\n", n)
			}
		}
		if !any {
			fmt.Fprintln(a.stdout, "  nothing would change")
		}
	}
}

func planLine(p planned) string {
	who := fmt.Sprintf("%s %s", p.Subject.ID, clean(p.Name))
	switch p.What {
	case "say":
		if p.Reason != "" {
			return fmt.Sprintf("%s: %s to %s, but not: %s", who, p.Step, clean(p.To), p.Reason)
		}
		return fmt.Sprintf("%s: %s to %s", who, p.Step, clean(p.To))
	case "end":
		return fmt.Sprintf("%s: %s", who, p.Reason)
	default:
		if len(p.Why) == 0 {
			return who
		}
		return who + ": " + clean(strings.Join(p.Why, "; "))
	}
}

// date is a moment as lists show it, in the workspace's zone.
func (h *house) date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(h.ws.Zone).Format("2006-01-02 15:04")
}

// daysToJudge says how many newly complete days a condition on daily metrics
// steps through; without one its phases stay as they are.
func daysToJudge(h *house, name steward.PlaybookName, days int) string {
	p, ok := h.book.Playbook(name)
	switch {
	case !ok || !p.DailyMetrics():
		return ""
	case days == 0:
		return " · no newly complete day to judge"
	default:
		return " · " + count(days, "new day") + " to judge"
	}
}
