package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"steward"
	"steward/playbooks"
	"steward/replay"
	"steward/store"
)

type planOptions struct {
	app      *app
	on       string
	against  string
	markdown bool
	sample   int
	failOver string
}

func planCommand(a *app) *cobra.Command {
	o := &planOptions{app: a}
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what the next evaluation would do; changes nothing",
		Long: `Decides as the next evaluation would, on the data as imported, and prints what
would open, be held or end, and who would be told. Nothing is written.

--against compares with another version of the workspace, a folder or a git
revision such as origin/main, on the same facts and with the same memory: whom the
playbooks would newly have to do with, whom no longer, and for whom the steps, the
addressee or the words are other ones. --markdown writes that as a comment for a
pull request, with the messages of a few accounts (--sample). --fail-over ends
with exit code 3 when more enrolments than that are new, or for a larger share of
the accounts.

--on plans as of another day. In days to come dates move on and the data ends
where it ends; of days past, fields are as they were recorded, as far as that
reaches, phases are worked out again from the days before, and what was enrolled
is as it was.

Exit codes: 0 fine, 1 failed, 2 wrong usage, 3 more is new than --fail-over.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	c.Flags().StringVar(&o.on, "on", "", "the day to plan for, such as 2026-03-12")
	c.Flags().StringVar(&o.against, "against", "", "compare with another version: a folder, or a git revision such as origin/main")
	c.Flags().BoolVar(&o.markdown, "markdown", false, "print Markdown, for a comment on a pull request")
	c.Flags().IntVar(&o.sample, "sample", -1, "for how many accounts of each playbook to write the messages (default 2 with --against or --markdown)")
	c.Flags().StringVar(&o.failOver, "fail-over", "", "exit with 3 when more than this is new: a number, or a share of the accounts such as 5%")
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
	over, err := parseThreshold(o.failOver)
	if err != nil {
		return err
	}
	if o.markdown && o.app.json {
		return usagef("--markdown and --json cannot both be")
	}
	h, err := o.app.enter(ctx, store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer h.close()
	slot, past, err := o.slot(ctx, h)
	if err != nil {
		return err
	}
	next, err := o.plan(ctx, h, slot, past)
	if err != nil {
		return err
	}
	if since, late := next.FieldsSince(); late && slot.Time().Before(h.now()) {
		fmt.Fprintf(o.app.stderr, "Fields are recorded from %s on: on the day you ask about they are taken as they were then.\n", since)
	}
	base, err := o.base(ctx, h, slot, past)
	if err != nil {
		return err
	}
	samples := o.sample
	if samples < 0 {
		samples = 0
		if o.against != "" || o.markdown {
			samples = 2
		}
	}
	compared := replay.Compare(base, next, o.against, samples)
	if err := o.print(h, next, compared); err != nil {
		return err
	}
	if what, is := over.exceeded(compared); is {
		fmt.Fprintf(o.app.stderr, "%s, which is more than --fail-over %s\n", what, o.failOver)
		return errFindings
	}
	return nil
}

func (o *planOptions) print(h *house, next replay.Plan, compared replay.Comparison) error {
	list := planList(next)
	switch {
	case o.app.json:
		return o.app.printJSON(struct {
			Slot       steward.Slot                              `json:"slot"`
			Plan       []planned                                 `json:"plan"`
			Tally      map[steward.PlaybookName]*playbooks.Tally `json:"tally"`
			Comparison replay.Comparison                         `json:"comparison"`
		}{compared.Slot, list, next.Outcome.Tally, compared})
	case o.markdown:
		_, err := fmt.Fprint(o.app.stdout, compared.Markdown(h.ws.Zone))
		return err
	case o.against != "":
		o.app.printComparison(h, compared)
	default:
		o.app.printPlan(h, compared.Slot, list, next.Outcome)
		o.app.printSamples(compared)
	}
	return nil
}

// slot is the evaluation to plan for, and whether it is one of the past.
func (o *planOptions) slot(ctx context.Context, h *house) (slot steward.Slot, past bool, err error) {
	last, err := h.engine(nil, nil).LastSlot(ctx)
	if err != nil {
		return slot, false, err
	}
	if o.on == "" {
		slot, err = nextSlot(h, last)
		return slot, false, err
	}
	day, err := steward.ParseDay(o.on)
	if err != nil {
		return slot, false, usagef("--on: %v", err)
	}
	slot, err = slotOn(h.ws, day)
	return slot, slot.Time().Before(last.Time()), err
}

// plan decides as a version of the workspace would.
func (o *planOptions) plan(ctx context.Context, h *house, slot steward.Slot, past bool) (replay.Plan, error) {
	engine := h.engine(nil, nil)
	engine.Assume = slot.Time().Before(h.now())
	s, err := engine.Situation(ctx, slot)
	if err != nil {
		return replay.Plan{}, err
	}
	if !past {
		return replay.PlanOf(s), nil
	}
	enrolments, err := h.db.Enrolments(ctx, store.EnrolmentFilter{})
	if err != nil {
		return replay.Plan{}, err
	}
	return replay.PlanThen(s, enrolments), nil
}

// base is the plan of the version to compare with, on this one's facts; nil
// where there is none.
func (o *planOptions) base(ctx context.Context, h *house, slot steward.Slot, past bool) (*replay.Plan, error) {
	if o.against == "" {
		return nil, nil
	}
	files, _, err := otherVersion(ctx, h.ws.Dir, o.against)
	if err != nil {
		return nil, err
	}
	ws, book, problems := loadFrom(files, h.ws.Dir, o.app.getenv)
	if errs := problems.Errors(); len(errs) > 0 {
		return nil, fmt.Errorf("the version of %s has mistakes itself, such as: %w\nCompare with one that steward check passes", clean(o.against), errs[0])
	}
	other := *h
	other.ws, other.book = ws, book
	plan, err := o.plan(ctx, &other, slot, past)
	return &plan, err
}

// A threshold is how much may be new: a number of enrolments, or a share of the
// accounts. The zero threshold allows anything.
type threshold struct {
	set    bool
	count  int
	share  float64
	shares bool
}

func parseThreshold(text string) (threshold, error) {
	if text == "" {
		return threshold{}, nil
	}
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		f, err := strconv.ParseFloat(percent, 64)
		if err != nil || !(f >= 0 && f <= 100) {
			return threshold{}, usagef("--fail-over: %q is not a share such as 5%%", text)
		}
		return threshold{set: true, shares: true, share: f / 100}, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return threshold{}, usagef("--fail-over: %q is neither a number nor a share such as 5%%", text)
	}
	return threshold{set: true, count: n}, nil
}

// exceeded tells whether more is new than may be, and what.
func (t threshold) exceeded(c replay.Comparison) (what string, is bool) {
	switch {
	case !t.set:
		return "", false
	case t.shares:
		return fmt.Sprintf("Something is new for %.3g%% of the accounts", 100*c.Share()), c.Share() > t.share
	}
	return count(c.Newly, "enrolment") + " would be new", c.Newly > t.count
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

// planList turns decided changes into what a person would call them. What was
// enrolled at the time of a plan of the past is left out: it went another way.
func planList(p replay.Plan) []planned {
	var list []planned
	for _, c := range p.Outcome.Changes {
		name := accountName(p.Situation, c.Account)
		for _, e := range c.Enrolments {
			if _, was := p.Enrolled[playbooks.KeyOf(e.Playbook, e.Subject)]; was {
				continue
			}
			p := planned{Playbook: e.Playbook, Subject: e.Subject, Name: name, Reason: e.Reason, Why: playbooks.Words(e.Evidence)}
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
			if _, was := p.Enrolled[playbooks.KeyOf(x.Playbook, x.Subject)]; was {
				continue
			}
			list = append(list, planned{Playbook: x.Playbook, Subject: x.Subject, Name: name, What: "say", Step: x.Step, To: recipientWords(x.To), Reason: x.Suppressed})
		}
	}
	return list
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
