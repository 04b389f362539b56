package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"steward"
	"steward/jobs"
	"steward/store"
)

func rewindCommand(a *app) *cobra.Command {
	var today string
	c := &cobra.Command{
		Use:   "rewind --today DATE",
		Short: "Take back what a clock that was ahead has left behind",
		Long: `When the machine's clock was ahead for a while, evaluations are on record for
days to come, and nothing is evaluated before they have passed. This sets them
aside; waits and expiries that began on such days count from now, and messages
put off until then are looked at again at once. What was decided and sent on the
wrong date stands: look with steward outreach, and steward pause before if in
doubt.

Say today's date, so that a clock that is wrong now is not believed.

Exit codes: 0 done (also when nothing was ahead), 1 failed, 2 wrong usage.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.rewind(c.Context(), today) },
	}
	c.Flags().StringVar(&today, "today", "", "today's date where the workspace is, such as 2026-03-13")
	return c
}

func (a *app) rewind(ctx context.Context, today string) error {
	if today == "" {
		return usagef("say today's date: steward rewind --today 2026-03-13")
	}
	day, err := steward.ParseDay(today)
	if err != nil {
		return usagef("--today: %v", err)
	}
	h, err := a.enter(ctx, store.Options{})
	if err != nil {
		return err
	}
	defer h.close()
	now := h.now()
	if shown := steward.DayOf(now, h.ws.Zone); shown != day {
		return fmt.Errorf("the machine's clock says that it is %s in %s, not %s; nothing was changed\nRight the clock first: what is on record would be judged by it", shown, h.ws.Zone, day)
	}
	done, err := h.db.Rewind(ctx, now)
	if err != nil {
		return err
	}
	if done == (store.Rewound{}) {
		return a.done(done, "Nothing on record lies ahead of this machine's clock; nothing was changed.")
	}
	return a.done(done, "Set aside %s of days to come; %s and %s count from now. The worker goes on within a minute.",
		count(done.Runs, "evaluation"), count(done.Enrolments, "enrolment"), count(done.Messages, "message"))
}

// evaluationAhead is the newest evaluation on record when it is of a time to
// come: the machine's clock was ahead then, or is behind now. Nothing is
// evaluated before it has passed.
func (w *worker) evaluationAhead(ctx context.Context) (slot steward.Slot, ahead bool, err error) {
	last, found, err := w.db.LastRun(ctx, jobs.Evaluation)
	if err != nil || !found {
		return steward.Slot{}, false, err
	}
	// A step of seconds passes by itself before anybody has read of it.
	return last.Slot, last.Slot.Time().After(w.now().Add(time.Minute)), nil
}

// wayBack is what to do about an evaluation that lies ahead. It does not write
// the date, as only a person knows it.
const wayBack = "Right the machine's clock; if it is right now, run: steward rewind --today DATE"

// checkClock is advisory: messages that are due still go out, and the page to
// unsubscribe must stay on the net.
func (w *worker) checkClock(ctx context.Context) error {
	slot, ahead, err := w.evaluationAhead(ctx)
	if err != nil || !ahead {
		return err
	}
	return fmt.Errorf("an evaluation is on record for %s, and nothing is evaluated before that. %s", w.when(slot.Time()), wayBack)
}

// clockKey is the notice that an evaluation lies ahead.
const clockKey = "clock/ahead"

// A clockWatch tells ops once of an evaluation that lies ahead, and forgets it
// when that has passed.
type clockWatch struct {
	*worker
	looked, ahead bool // what the last look found
}

func (c *clockWatch) look(ctx context.Context) error {
	slot, ahead, err := c.evaluationAhead(ctx)
	if err != nil || c.looked && ahead == c.ahead {
		return err
	}
	if ahead {
		c.log.Warn("an evaluation of a time to come is on record, and nothing is evaluated before it", "slot", slot.String(), "hint", wayBack)
		err = c.engine.Tell(ctx, clockKey, "Nothing is evaluated before "+c.when(slot.Time()),
			[]string{"An evaluation is on record for that time, and the machine's clock says that it is " + c.when(c.now()) + ": it was ahead then, or is behind now"}, wayBack)
	} else {
		err = c.engine.Untell(ctx, clockKey)
	}
	if err == nil {
		c.looked, c.ahead = true, ahead
	}
	return err
}

// skipped tells ops of an evaluation that did not come about.
func (w *worker) skipped(ctx context.Context, slot steward.Slot) error {
	return w.engine.Tell(ctx, "evaluation/skipped/"+slot.String(), "The evaluation of "+w.when(slot.Time())+" is skipped",
		[]string{fmt.Sprintf("It could not begin within start_deadline (%s): the worker was not running, or every attempt failed", w.ws.StartDeadline)},
		"See why in the worker's log. The next one, on "+w.when(w.schedule.Next(steward.SlotAt(w.now())).Time())+", judges the days that were missed")
}

// when is an instant as people in the workspace read it.
func (w *worker) when(t time.Time) string {
	return t.In(w.ws.Zone).Format("2 January 2006 at 15:04")
}
