package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"steward"
	"steward/configs"
	"steward/jobs"
	"steward/playbooks"
	"steward/replay"
	"steward/store"
)

// fakeClock is a clock that is told the time: what tests and the demo live by.
type fakeClock struct{ unix atomic.Int64 }

func (c *fakeClock) set(t time.Time) { c.unix.Store(t.Unix()) }

func (c *fakeClock) now() time.Time { return time.Unix(c.unix.Load(), 0).UTC() }

func parseSchedule(ws *configs.Workspace) (jobs.Schedule, error) {
	s, err := jobs.ParseSchedule(ws.Schedule, ws.Zone)
	if err != nil {
		return s, fmt.Errorf("schedule %q: %w", ws.Schedule, err)
	}
	return s, nil
}

// slotOn is the first slot of a day; where the schedule has none on it, the
// next one after.
func slotOn(ws *configs.Workspace, day steward.Day) (steward.Slot, error) {
	s, err := parseSchedule(ws)
	if err != nil {
		return steward.Slot{}, err
	}
	return s.Next(steward.SlotAt(day.Start(ws.Zone).Add(-time.Second))), nil
}

// laterThatDay is when more may happen on a slot's day than at the slot: the
// hours of people begin, or the calendar calls for something.
func laterThatDay(ws *configs.Workspace, book *playbooks.Book, slot steward.Slot) []time.Time {
	end := (slot.Day(ws.Zone) + 1).Start(ws.Zone)
	out := append(book.Moments(slot.Time(), end.Add(-time.Second)), book.DigestMoments(slot.Time(), end)...)
	zones := []*time.Location{ws.Zone}
	for _, o := range ws.Owners {
		if o.Zone != nil {
			zones = append(zones, o.Zone)
		}
	}
	for _, zone := range zones {
		if t := ws.Hours.Next(slot.Time(), zone); t.After(slot.Time()) && t.Before(end) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

// deliverDue sends everything that is due, here and now, and lets enrolments
// go on, until nothing is left to do at this moment. It is what the worker's
// queue does over a minute, for a clock that stands still.
func deliverDue(ctx context.Context, e *jobs.Engine, db *store.DB, now func() time.Time) error {
	for range 100 {
		due, err := db.DueMessages(ctx, now(), 1000, steward.Channels()...)
		if err != nil {
			return err
		}
		for _, d := range due {
			if err := e.Deliver(ctx, d.ID, d.Epoch); err != nil {
				return err
			}
		}
		moved, err := e.Advance(ctx)
		if err != nil {
			return err
		}
		if len(due) == 0 && moved.Enrolments == 0 {
			return nil
		}
	}
	return fmt.Errorf("after a hundred rounds there is still something to do at %s", now())
}

// nowhere is a sender for tests: everything arrives.
type nowhere struct{}

func (nowhere) Send(_ context.Context, l steward.Letter) (steward.Receipt, error) {
	return steward.Receipt{Ref: "test/" + string(l.Message.ID)}, nil
}

// withBackfill is a book in which one playbook opens what already held.
func withBackfill(b *playbooks.Book, name steward.PlaybookName, on bool) *playbooks.Book {
	if !on {
		return b
	}
	return b.With(name, func(p *playbooks.Playbook) { p.Backfill = true })
}

// withAway is a book in which owners are away as a scenario says, too.
func withAway(b *playbooks.Book, absences []replay.Absence) *playbooks.Book {
	if len(absences) == 0 {
		return b
	}
	out, before := *b, b.Away
	out.Away = func(id steward.OwnerID, day steward.Day) bool {
		for _, a := range absences {
			if a.Owner == id && a.From <= day && day <= a.To {
				return true
			}
		}
		return before != nil && before(id, day)
	}
	return &out
}

func discardLog() *slog.Logger { return slog.New(slog.DiscardHandler) }
