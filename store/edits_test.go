package store

import (
	"context"
	"testing"
	"time"

	"steward"
)

// wantedOf is how often a card was wanted anew, however often it was drawn.
func wantedOf(t *testing.T, db *DB, id steward.MessageID) int {
	t.Helper()
	var n int
	must(t, db.read.Get(&n, `SELECT COALESCE(SUM(wanted), 0) FROM edits WHERE message = ?`, id))
	return n
}

// A card that was sent is drawn anew when something changes that it shows, and
// not when something else does.
func TestWhatIsDrawnAnew(t *testing.T) {
	ctx, db := context.Background(), openTest(t)
	m := plan(t, db, "acme")
	e := enrolment("acme", "login-drop", start)
	e.Rev = 1
	write := func(what string, want bool, change func(*steward.Enrolment)) {
		t.Helper()
		before := wantedOf(t, db, m.ID)
		change(&e)
		commitAll(t, db, steward.Change{Account: "acme", Enrolments: []steward.Enrolment{e}})
		e.Rev++
		if got := wantedOf(t, db, m.ID) > before; got != want {
			t.Errorf("%s: drawn anew is %v, want %v", what, got, want)
		}
	}
	later := start.Add(time.Hour)
	write("before it was tried", false, func(e *steward.Enrolment) { e.AckedAt, e.AckedBy = start, "dana" })
	_, _, err := db.Claim(ctx, m.ID, 0, start, time.Minute, pass)
	must(t, err)
	write("on its way", true, func(e *steward.Enrolment) { e.AckedBy = "lee" })
	if due, err := db.DueEdits(ctx, later, 10); err != nil || len(due) != 0 {
		t.Errorf("what is on its way is drawn: %v, %v", due, err)
	}
	must(t, db.Settle(ctx, m.ID, 0, steward.Settlement{State: steward.Sent, Ref: "C1/1.1"}, start))
	due, err := db.DueEdits(ctx, later, 10)
	if err != nil || len(due) != 1 || due[0].Message != m.ID {
		t.Fatalf("what changed on its way is not drawn once it is there: %v, %v", due, err)
	}
	must(t, db.Painted(ctx, due[0], ""))

	write("another step", false, func(e *steward.Enrolment) {
		e.Step, e.StepSince, e.State, e.Due = 2, later, steward.Waiting, later
	})
	write("taken on", true, func(e *steward.Enrolment) { e.AckedAt = later })
	write("claimed", true, func(e *steward.Enrolment) { e.ClaimedBy = "sam" })
	write("snoozed", true, func(e *steward.Enrolment) {
		e.SnoozedAt, e.SnoozedUntil, e.SnoozedBy = later, later.Add(time.Hour), "dana"
	})
	write("awake", true, func(e *steward.Enrolment) {
		e.SnoozedAt, e.SnoozedUntil, e.SnoozedBy = time.Time{}, time.Time{}, ""
	})
	write("replied", true, func(e *steward.Enrolment) { e.RepliedAt = later })
	write("finished", true, func(e *steward.Enrolment) {
		e.FinishedAt, e.FinishedBy, e.Outcome = later, "dana", "talked"
	})
	write("goal", false, func(e *steward.Enrolment) { e.GoalAt = later })
	write("completed", true, func(e *steward.Enrolment) { e.State, e.EndedAt, e.Due = steward.Completed, later, time.Time{} })
	before := wantedOf(t, db, m.ID)
	commitAll(t, db, steward.Change{Account: "acme", Phases: []steward.PhaseState{{Playbook: e.Playbook, Subject: e.Subject, Phase: steward.Clear, Episode: e.Episode, Slot: e.Episode}}})
	if wantedOf(t, db, m.ID) == before {
		t.Error("its episode is over, and the card of a completed enrolment does not say so")
	}
}

// An edit is done when what was wanted last is painted: one wanted meanwhile is
// still due.
func TestEditsAreNotLost(t *testing.T) {
	ctx, db := context.Background(), openTest(t)
	m := plan(t, db, "acme")
	_, _, err := db.Claim(ctx, m.ID, 0, start, time.Minute, pass)
	must(t, err)
	must(t, db.Settle(ctx, m.ID, 0, steward.Settlement{State: steward.Sent, Ref: "C1/1.1"}, start))
	want := func() { commitAll(t, db, steward.Change{Account: "acme", Repaint: []steward.MessageID{m.ID}}) }
	due := func(at time.Time) []steward.Edit {
		t.Helper()
		list, err := db.DueEdits(ctx, at, 10)
		must(t, err)
		return list
	}
	at := start.Add(time.Hour) // when commitAll writes
	want()
	first := due(at)
	want() // while the first is being drawn
	must(t, db.Painted(ctx, first[0], ""))
	second := due(at)
	if len(second) != 1 {
		t.Fatalf("what was wanted while it was drawn is lost: %v", second)
	}
	must(t, db.EditFailed(ctx, second[0], at.Add(time.Minute), "not now"))
	if list := due(at); len(list) != 0 {
		t.Errorf("it is due before its time: %v", list)
	}
	if list := due(at.Add(time.Minute)); len(list) != 1 || list[0].Attempts != 1 {
		t.Errorf("after it failed: %v", list)
	}
	want()
	must(t, db.EditFailed(ctx, second[0], at.Add(time.Hour), "an old one"))
	if list := due(at); len(list) != 1 || list[0].Attempts != 0 {
		t.Errorf("what was wanted anew does not wait for what failed before: %v", list)
	}
	must(t, db.Painted(ctx, due(at)[0], ""))
	must(t, db.Painted(ctx, first[0], "late")) // an older painting that ends late takes nothing back
	if list := due(at.Add(time.Hour)); len(list) != 0 {
		t.Errorf("all is painted, and still due: %v", list)
	}
}
