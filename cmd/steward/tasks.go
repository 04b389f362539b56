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

type tasksOptions struct {
	app     *app
	owner   string
	account string
	all     bool
	limit   int
}

func tasksCommand(a *app) *cobra.Command {
	o := &tasksOptions{app: a}
	c := &cobra.Command{
		Use:   "tasks",
		Short: "List what playbooks gave people to do",
		Long: `Lists the open tasks that playbooks gave, overdue ones first. A task is closed
with steward done; it is dropped by itself when its enrolment ends early.

Exit codes: 0 fine, 1 failed.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	c.Flags().StringVar(&o.owner, "owner", "", "only this owner's")
	c.Flags().StringVar(&o.account, "account", "", "only this account's")
	c.Flags().BoolVar(&o.all, "all", false, "with those that are done or were dropped")
	c.Flags().IntVar(&o.limit, "limit", 50, "how many at most")
	return c
}

// taskView is a task as listed.
type taskView struct {
	steward.Task
	Overdue bool `json:"overdue"`
}

func (o *tasksOptions) run(ctx context.Context) error {
	h, err := o.app.enter(ctx, store.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer h.close()
	list, err := h.db.Tasks(ctx, store.TaskFilter{Owner: steward.OwnerID(o.owner), Account: steward.AccountID(o.account), All: o.all, Limit: o.limit})
	if err != nil {
		return err
	}
	views, overdue := make([]taskView, len(list)), 0
	for i, t := range list {
		views[i] = taskView{t, t.Overdue(steward.DayOf(h.now(), h.zoneOf(t.Owner)))}
		if views[i].Overdue {
			overdue++
		}
	}
	if o.app.json {
		return o.app.printJSON(views)
	}
	t := o.app.table("task", "due", "owner", "account", "what", "from", "state")
	for _, v := range views {
		t.AppendRow(table.Row{v.ID, dueWords(v), clip(clean(ownerWords(v.Task)), 24), clean(string(v.Subject.Account)), clip(clean(v.Title), 36), clean(string(v.Playbook) + "/" + v.Step), clip(clean(taskWords(h, v.Task)), 90)})
	}
	t.Render()
	fmt.Fprintf(o.app.stderr, "%s, %d overdue.\n", count(len(list), "task"), overdue)
	if len(list) > 0 && !o.all {
		fmt.Fprintln(o.app.stderr, `Close one with: steward done TASK --outcome "…"`)
	}
	return nil
}

func dueWords(v taskView) string {
	switch {
	case v.Due == steward.NoDay:
		return "-"
	case v.Overdue:
		return v.Due.String() + " (overdue)"
	}
	return v.Due.String()
}

func ownerWords(t steward.Task) string {
	if t.Owner != "" {
		return string(t.Owner)
	}
	return t.Name
}

func taskWords(h *house, t steward.Task) string {
	switch {
	case t.State == steward.TaskDone && t.Outcome != "":
		return fmt.Sprintf("done by %s on %s: %s", t.By, h.date(t.At), t.Outcome)
	case t.State == steward.TaskDone:
		return fmt.Sprintf("done by %s on %s", t.By, h.date(t.At))
	case t.State == steward.TaskDropped:
		return fmt.Sprintf("dropped on %s (%s)", h.date(t.At), t.Reason)
	}
	return string(t.State)
}

type doneOptions struct {
	app     *app
	id      string
	outcome string
	by      string
}

func doneCommand(a *app) *cobra.Command {
	o := &doneOptions{app: a}
	c := &cobra.Command{
		Use:   "done TASK",
		Short: "Say that a task was done, and what came of it",
		Long: `Closes a task by its id, or the beginning of it: its reminders end, and steps
that ask whether it is done hear of it. Cards name the task; steward tasks lists
them.

Exit codes: 0 done, 1 failed (there is no such task, or it is over already).`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.id = args[0]
			return o.run(c.Context())
		},
	}
	c.Flags().StringVar(&o.outcome, "outcome", "", "what came of it, in a sentence")
	c.Flags().StringVar(&o.by, "by", "", "who did it (default: STEWARD_USER or the login name)")
	return c
}

// maxOutcome is how long an outcome may be: a sentence, not a report.
const maxOutcome = 500

func (o *doneOptions) run(ctx context.Context) error {
	outcome := strings.TrimSpace(clean(o.outcome))
	if len([]rune(outcome)) > maxOutcome {
		return usagef("--outcome is longer than %d characters; write a sentence, and the rest into the CRM", maxOutcome)
	}
	h, err := o.app.enter(ctx, store.Options{})
	if err != nil {
		return err
	}
	defer h.close()
	t, err := h.db.Task(ctx, o.id)
	if err != nil {
		return err
	}
	if t.State != steward.TaskOpen {
		return fmt.Errorf("%s is over: %s", t.ID, clean(taskWords(h, t)))
	}
	if _, err := h.perform(ctx, o.app.who(o.by), steward.Gesture{Verb: steward.VerbDone, Target: steward.Target{Task: t.ID, Enrolment: t.Enrolment, Account: t.Subject.Account}, Values: map[string]string{"text": outcome}}); err != nil {
		return err
	}
	if t, err = h.db.Task(ctx, string(t.ID)); err != nil {
		return err
	}
	return o.app.done(t, "%s is done: %s for %s.", t.ID, clean(t.Title), clean(string(t.Subject.Account)))
}

// zoneOf is where an owner's days begin and end: the workspace's zone for those
// it does not know.
func (h *house) zoneOf(id steward.OwnerID) *time.Location {
	if o, ok := h.ws.Owner(id); ok && o.Zone != nil {
		return o.Zone
	}
	return h.ws.Zone
}
