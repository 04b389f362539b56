package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

// giveTask writes an open enrolment that gives a task due on a day, with its
// card, and returns both.
func giveTask(ctx context.Context, db *DB, account steward.AccountID, due steward.Day) (steward.Enrolment, steward.Outreach, error) {
	e, m := enrolment(account, "login-drop", start), cardFor(account, start)
	o := outreachFor(e, "call", m.ID)
	o.To.Name, o.To.Owner = "Dana Reyes", "dana"
	o.Assignment = &steward.Assignment{Task: o.ID, Title: "Logins are dropping", Due: due}
	_, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: account, Enrolments: []steward.Enrolment{e}, Messages: []steward.Message{m}, Outreach: []steward.Outreach{o}}}, start)
	return e, o, err
}

func tasksOf(t *testing.T, db *DB, f TaskFilter) []steward.Task {
	t.Helper()
	list, err := db.Tasks(context.Background(), f)
	must(t, err)
	return list
}

func idsOfTasks(list []steward.Task) (out []steward.OutreachID) {
	for _, x := range list {
		out = append(out, x.ID)
	}
	return out
}

func TestTaskIsGivenWithItsOutreach(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	e, o, err := giveTask(ctx, db, "acme", 20_530)
	must(t, err)
	want := []steward.Task{{ID: o.ID, Enrolment: e.ID, Playbook: "login-drop", Subject: e.Subject, Step: "call", Owner: "dana", Name: "Dana Reyes",
		Title: "Logins are dropping", Due: 20_530, Given: start, State: steward.TaskOpen}}
	if diff := cmp.Diff(want, tasksOf(t, db, TaskFilter{})); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	// Again, as after a crash: nothing new, and what was done meanwhile stays.
	if _, err := db.FinishTask(ctx, string(o.ID), "", "dana", start); err != nil {
		t.Fatal(err)
	}
	_, _, err = giveTask(ctx, db, "acme", 20_530)
	must(t, err)
	if got := tasksOf(t, db, TaskFilter{All: true}); len(got) != 1 || got[0].State != steward.TaskDone {
		t.Errorf("after writing it twice: %+v", got)
	}
	said, _, err := db.OutreachOf(ctx, []steward.EnrolmentID{e.ID})
	must(t, err)
	if diff := cmp.Diff(o.Assignment, said[0].Assignment); diff != "" {
		t.Errorf("the outreach's assignment (-want +got):\n%s", diff)
	}

	// One that nothing carries, and one that reminds, give none.
	e2 := enrolment("bolt", "login-drop", start)
	quiet, again := outreachFor(e2, "call", ""), outreachFor(e2, "again", "")
	quiet.Assignment = &steward.Assignment{Task: quiet.ID, Due: steward.NoDay}
	m := cardFor("bolt", start)
	again.Message, again.Assignment = m.ID, &steward.Assignment{Task: "o-another", Due: steward.NoDay}
	_, err = db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "bolt", Enrolments: []steward.Enrolment{e2}, Messages: []steward.Message{m}, Outreach: []steward.Outreach{quiet, again}}}, start)
	must(t, err)
	if got := tasksOf(t, db, TaskFilter{Account: "bolt", All: true}); len(got) != 0 {
		t.Errorf("tasks nobody gave: %+v", got)
	}
}

func TestTasksComeInTheOrderOfUrgency(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	ids := map[string]steward.OutreachID{}
	for account, due := range map[string]steward.Day{"late": 20_500, "later": 20_510, "undated": steward.NoDay, "done": 20_400} {
		_, o, err := giveTask(ctx, db, steward.AccountID(account), due)
		must(t, err)
		ids[account] = o.ID
	}
	_, err := db.FinishTask(ctx, string(ids["done"]), "spoke to them", "dana", start.Add(time.Hour))
	must(t, err)
	if diff := cmp.Diff([]steward.OutreachID{ids["late"], ids["later"], ids["undated"]}, idsOfTasks(tasksOf(t, db, TaskFilter{Owner: "dana"}))); diff != "" {
		t.Errorf("open (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]steward.OutreachID{ids["late"], ids["later"], ids["undated"], ids["done"]}, idsOfTasks(tasksOf(t, db, TaskFilter{All: true}))); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	if got := tasksOf(t, db, TaskFilter{Owner: "sam"}); got != nil {
		t.Errorf("sam has %v", got)
	}
	if got := tasksOf(t, db, TaskFilter{Account: "late", Limit: 5}); len(got) != 1 || !got[0].Overdue(20_501) || got[0].Overdue(20_500) {
		t.Errorf("%+v", got)
	}
}

func TestFinishTask(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	e, o, err := giveTask(ctx, db, "acme", steward.NoDay)
	must(t, err)
	at := start.Add(time.Hour)
	done, err := db.FinishTask(ctx, strings.TrimPrefix(string(o.ID), "o-")[:6], "they are back", "dana", at)
	must(t, err)
	if done.State != steward.TaskDone || done.By != "dana" || done.Outcome != "they are back" || !done.At.Equal(at) {
		t.Errorf("%+v", done)
	}
	got, err := db.Enrolment(ctx, string(e.ID))
	must(t, err)
	if !got.DoneAt.Equal(at) || !got.Due.Equal(at) || got.Rev != 2 {
		t.Errorf("the enrolment was not told: done at %s, due %s, rev %d", got.DoneAt, got.Due, got.Rev)
	}
	records, err := db.Records(ctx, RecordFilter{Account: "acme"})
	must(t, err)
	if len(records) != 1 || records[0].Reason != steward.ReasonTaskDone || records[0].Detail != "done by dana: they are back" || records[0].Outreach != o.ID {
		t.Errorf("%+v", records)
	}
	if _, err := db.FinishTask(ctx, string(o.ID), "", "sam", at); !errors.Is(err, ErrSettled) || !strings.Contains(err.Error(), "dana did it") {
		t.Errorf("again: %v", err)
	}
	if _, err := db.FinishTask(ctx, "o-none", "", "sam", at); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such task: %v", err)
	}

	// Of two tasks the last one done counts, and giving another asks anew.
	got.DoneAt = time.Time{}
	m := cardFor("acme", at)
	m.ID = "m-second"
	second := outreachFor(got, "second", m.ID)
	second.Assignment = &steward.Assignment{Task: second.ID, Due: steward.NoDay}
	third := outreachFor(got, "third", m.ID)
	third.Assignment = &steward.Assignment{Task: third.ID, Due: steward.NoDay}
	conflicts, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "acme", Enrolments: []steward.Enrolment{got}, Messages: []steward.Message{m}, Outreach: []steward.Outreach{second, third}}}, at)
	if err != nil || len(conflicts) > 0 {
		t.Fatal(conflicts, err)
	}
	for i, id := range []steward.OutreachID{second.ID, third.ID} {
		if _, err := db.FinishTask(ctx, string(id), "", "dana", at); err != nil {
			t.Fatal(err)
		}
		now, err := db.Enrolment(ctx, string(e.ID))
		must(t, err)
		if now.DoneAt.IsZero() != (i == 0) {
			t.Errorf("after %d of two: done at %s", i+1, now.DoneAt)
		}
	}
}

func TestTasksAreDropped(t *testing.T) {
	ctx := context.Background()
	end := func(e steward.Enrolment, state steward.EnrolmentState, reason steward.Reason) func(t *testing.T, db *DB) {
		return func(t *testing.T, db *DB) {
			e.Rev, e.State, e.Reason, e.EndedAt = 1, state, reason, start
			conflicts, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: e.Subject.Account, Enrolments: []steward.Enrolment{e}}}, start)
			if err != nil || len(conflicts) > 0 {
				t.Fatal(conflicts, err)
			}
		}
	}
	card := cardFor("acme", start).ID
	claim := func(d steward.Decision, left ...steward.Record) func(t *testing.T, db *DB) {
		return func(t *testing.T, db *DB) {
			_, _, err := db.Claim(ctx, card, 0, start, time.Minute, func(steward.Dossier) (steward.Ruling, error) {
				return steward.Ruling{Decision: d, LeftOut: left, Content: &steward.Content{}}, nil
			})
			must(t, err)
		}
	}
	e := enrolment("acme", "login-drop", start)
	o := outreachFor(e, "call", card)
	leftOut := steward.Record{At: steward.SlotAt(start), Outreach: o.ID, Message: card, Decision: steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonPlaybookDisabled}}
	for _, c := range []struct {
		name   string
		what   func(t *testing.T, db *DB)
		state  steward.TaskState
		reason steward.Reason
	}{
		{"its enrolment recovers", end(e, steward.Exited, steward.ReasonRecovered), steward.TaskDropped, steward.ReasonRecovered},
		{"its enrolment fails", end(e, steward.Failed, steward.ReasonPlaybookRemoved), steward.TaskDropped, steward.ReasonPlaybookRemoved},
		{"its enrolment is complete", end(e, steward.Completed, steward.ReasonCompleted), steward.TaskOpen, ""},
		{"nobody is told", claim(steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonPlaybookDisabled}), steward.TaskDropped, steward.ReasonPlaybookDisabled},
		{"told too late", claim(steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonExpired}), steward.TaskDropped, steward.ReasonExpired},
		{"told later", claim(steward.Decision{Effect: steward.Defer, Reason: steward.ReasonPaused}), steward.TaskOpen, ""},
		{"told", claim(steward.Decision{}), steward.TaskOpen, ""},
		{"left out of the card", claim(steward.Decision{}, leftOut), steward.TaskDropped, steward.ReasonPlaybookDisabled},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := openTest(t)
			_, _, err := giveTask(ctx, db, "acme", steward.NoDay)
			must(t, err)
			c.what(t, db)
			got := tasksOf(t, db, TaskFilter{All: true})
			if len(got) != 1 || got[0].State != c.state || got[0].Reason != c.reason || got[0].At.IsZero() != (c.state == steward.TaskOpen) {
				t.Fatalf("%+v", got)
			}
			_, err = db.FinishTask(ctx, string(o.ID), "", "dana", start)
			if dropped := c.state == steward.TaskDropped; dropped != errors.Is(err, ErrSettled) || dropped && !strings.Contains(err.Error(), string(c.reason)) {
				t.Errorf("closing it then: %v", err)
			}
		})
	}
}

// A task that is over goes with what it was about, and one that is taken on from
// a pool is that person's.
func TestTasksArePrunedAndClaimed(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	e, _, err := giveTask(ctx, db, "acme", steward.NoDay)
	must(t, err)
	must(t, db.TakeOver(ctx, []steward.EnrolmentID{e.ID}, "sam", start))
	if got := tasksOf(t, db, TaskFilter{}); len(got) != 1 || got[0].Owner != "sam" {
		t.Errorf("after the claim: %+v", got)
	}
	m := cardFor("acme", start)
	_, _, err = db.Claim(ctx, m.ID, 0, start, time.Minute, pass)
	must(t, err)
	must(t, db.Settle(ctx, m.ID, 0, steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered}, start))
	e.Rev, e.State, e.Reason, e.EndedAt = 2, steward.Completed, steward.ReasonCompleted, start
	conflicts, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "acme", Enrolments: []steward.Enrolment{e}}}, start)
	if err != nil || len(conflicts) > 0 {
		t.Fatal(conflicts, err)
	}
	_, err = db.Prune(ctx, start)
	must(t, err)
	if got := tasksOf(t, db, TaskFilter{All: true}); len(got) != 1 {
		t.Errorf("pruned too early: %+v", got)
	}
	_, err = db.Prune(ctx, start.AddDate(0, 0, 1))
	must(t, err)
	if got := tasksOf(t, db, TaskFilter{All: true}); len(got) != 0 {
		t.Errorf("still there: %+v", got)
	}
}
