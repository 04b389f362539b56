package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"steward"
	"steward/playbooks"
	"steward/replay"
	"steward/store"
)

type reportPlaybooksOptions struct {
	app  *app
	name string
	days int
}

func reportPlaybooksCommand(a *app) *cobra.Command {
	o := &reportPlaybooksOptions{app: a}
	c := &cobra.Command{
		Use:   "playbooks [PLAYBOOK]",
		Short: "What became of what playbooks said, and whether they help",
		Long: `Counts of each playbook what was opened, what somebody acted on, how many of
those who showed what they thought found it useful, what recovered, and what
reached the playbook's goal. Where the playbook has a holdout, it tells how many
more of those who heard from it came to that, or how far the figures are from an
answer.

Exit codes: 0 fine, 1 failed, 3 most people call a playbook not useful.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.name = strings.Join(args, "")
			return o.run(c.Context())
		},
	}
	c.Flags().IntVar(&o.days, "days", int(playbooks.UseWindow/(24*time.Hour)), "how many days back")
	return c
}

// A playbookReport is how one playbook fared.
type playbookReport struct {
	playbooks.Use
	Title string `json:"title"`
	// UsefulShare is of the judged.
	UsefulShare replay.Proportion `json:"useful_share"`
	Flagged     bool              `json:"flagged"`
	// Goal is what the experiment looks at: the goal as written, else recovery.
	Goal string `json:"goal"`
	// Lift is nil without a holdout. Waiting is the customers that have not had the
	// time to reach the goal, and are in neither of its figures.
	Lift    *replay.Lift `json:"lift,omitempty"`
	Waiting int          `json:"waiting,omitempty"`
	// perDay is how many customers a day come to have had that time.
	perDay float64
}

func (o *reportPlaybooksOptions) run(ctx context.Context) error {
	if o.days < 1 {
		return usagef("--days is a number of days, at least 1, not %d", o.days)
	}
	h, err := o.app.enter(ctx, store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer h.close()
	if _, ok := h.book.Playbook(steward.PlaybookName(o.name)); o.name != "" && !ok {
		return usagef("there is no playbook %q; %s", o.name, otherPlaybooks(h.book, o.name))
	}
	s, err := h.lastSituation(ctx)
	if err != nil {
		return err
	}
	// As of the last evaluation: what came after it is not known yet, and a
	// simulated portfolio's is long ago.
	asOf := s.Slot.Time()
	opened, err := h.db.OpenedSince(ctx, asOf.AddDate(0, 0, -o.days))
	if err != nil {
		return err
	}
	reports := o.reports(h, s, opened, asOf)
	if o.app.json {
		err = o.app.printJSON(reports)
	} else {
		o.print(reports)
	}
	if err == nil && slices.ContainsFunc(reports, func(r playbookReport) bool { return r.Flagged }) {
		err = errFindings
	}
	return err
}

// reports is of every playbook of the book, those that opened nothing too.
func (o *reportPlaybooksOptions) reports(h *house, s *playbooks.Situation, opened []steward.Enrolment, asOf time.Time) []playbookReport {
	uses := map[steward.PlaybookName]playbooks.Use{}
	for _, u := range playbooks.Uses(opened) {
		uses[u.Playbook] = u
	}
	out := []playbookReport{}
	for _, p := range h.book.Playbooks {
		if o.name != "" && string(p.Name) != o.name {
			continue
		}
		u := uses[p.Name]
		u.Playbook = p.Name
		r := playbookReport{Use: u, Title: p.Title, UsefulShare: replay.ProportionOf(u.Useful(), u.Judged), Flagged: u.MostlyUnhelpful(), Goal: "recovery within 30 days"}
		if p.Goal.Reach != nil {
			r.Goal = p.Goal.Reach.Source()
		}
		if p.Holdout > 0 || u.Holdout > 0 {
			var trials []playbooks.Trial
			trials, r.Waiting = s.Trials(p, opened, asOf)
			lift := liftOf(trials)
			r.Lift, r.perDay = &lift, float64(len(trials)+r.Waiting)/float64(o.days)
		}
		out = append(out, r)
	}
	return out
}

func liftOf(trials []playbooks.Trial) replay.Lift {
	var n, reached [2]int
	for _, t := range trials {
		arm := 0
		if t.Holdout {
			arm = 1
		}
		n[arm]++
		if t.Reached {
			reached[arm]++
		}
	}
	return replay.LiftOf(reached[0], n[0], reached[1], n[1])
}

func (o *reportPlaybooksOptions) print(reports []playbookReport) {
	a := o.app
	t := a.table("playbook", "opened", "accounts", "acted on", "useful", "replied", "recovered", "goal")
	for _, r := range reports {
		useful := "—"
		if r.Judged > 0 {
			useful = fmt.Sprintf("%d of %d", r.Useful(), r.Judged)
		}
		t.AppendRow(table.Row{r.Playbook, r.Opened, r.Accounts, r.Acted, useful, r.Replied, r.Recovered, r.Reached})
	}
	t.Render()
	var without []string
	for _, r := range reports {
		for _, line := range r.lines() {
			fmt.Fprintf(a.stdout, "\n%s: %s\n", a.bold(string(r.Playbook)), line)
		}
		if r.Lift == nil && r.Opened > 0 {
			without = append(without, string(r.Playbook))
		}
	}
	if len(without) > 0 {
		fmt.Fprintf(a.stdout, "\nWithout a holdout it cannot be told whether they help: %s. Try holdout: 10%%\n", strings.Join(without, ", "))
	}
	fmt.Fprintf(a.stderr, "Of what was opened in the %s before the last evaluation. Useful is of those that somebody acted on, or called not useful.\n", count(o.days, "day"))
}

// lines is what is to be said of a playbook beside its figures.
func (r playbookReport) lines() []string {
	var out []string
	if r.Flagged {
		out = append(out, fmt.Sprintf("most people who showed what they thought call it not useful (%s). Look at what it opens for: steward plan, steward explain ACCOUNT %s",
			whyUnhelpful(r.Unhelpful), r.Playbook))
	}
	if l := r.Lift; l != nil {
		out = append(out, r.liftLine(*l))
	}
	return out
}

func whyUnhelpful(by map[string]int) string {
	var out []string
	reasons := slices.SortedFunc(maps.Keys(by), func(a, b string) int {
		if by[a] != by[b] {
			return by[b] - by[a]
		}
		return strings.Compare(a, b)
	})
	for _, why := range reasons {
		out = append(out, fmt.Sprintf("%s %d", strings.ReplaceAll(why, "_", " "), by[why]))
	}
	return strings.Join(out, ", ")
}

func (r playbookReport) liftLine(l replay.Lift) string {
	if l.Told.Of == 0 || l.Holdout.Of == 0 {
		side := "in the holdout"
		if l.Told.Of == 0 {
			side = "outside the holdout"
		}
		have := "have"
		if r.Waiting == 1 {
			have = "has"
		}
		return fmt.Sprintf("no answer yet: nobody %s has had the time to come to %s (%s still %s it)", side, r.Goal, count(r.Waiting, "customer"), have)
	}
	sides := fmt.Sprintf("%s: %s of %s who heard from it, %s of %s in the holdout", r.Goal, percent(l.Told.Share), count(l.Told.Of, "customer"), percent(l.Holdout.Share), count(l.Holdout.Of, "customer"))
	between := fmt.Sprintf("the lift lies between %s and %s with 95%% confidence", points(l.From), points(l.To))
	if l.Answered {
		return sides + "; " + between
	}
	more := max(l.Needed-l.Told.Of-l.Holdout.Of, 0)
	far := fmt.Sprintf("no answer yet: it takes about %d customers to see a lift of %s, %d more than there are", l.Needed, points(replay.LiftSought), more)
	if more == 0 {
		far = fmt.Sprintf("no lift of %s or more shows, and with these customers one would have", points(replay.LiftSought))
	} else if r.perDay > 0 {
		far += fmt.Sprintf(", which is %s at this pace", roughly(float64(more)/r.perDay))
	}
	return sides + "; " + between + "; " + far
}

func percent(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) }

// points is a difference of shares: a tenth is ten points, not ten per cent.
func points(d float64) string { return fmt.Sprintf("%+.0f points", 100*d) }

// roughly is days in words that do not sound more exact than they are.
func roughly(days float64) string {
	switch {
	case days < 14:
		return count(max(int(days+0.5), 1), "day")
	case days < 90:
		return count(int(days/7+0.5), "week")
	case days < 730:
		return count(int(days/30.4+0.5), "month")
	}
	return count(int(days/365+0.5), "year")
}
