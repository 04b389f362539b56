package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"steward"
)

func TestARunIsClaimedOnce(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	today, tomorrow := steward.SlotAt(start), steward.SlotAt(start.AddDate(0, 0, 1))
	claim := func(slot steward.Slot, at time.Time, wantTerm int) steward.Run {
		t.Helper()
		run, claimed, err := db.ClaimRun(ctx, "evaluate", slot, at, time.Minute)
		must(t, err)
		if claimed != (wantTerm > 0) || run.Term != wantTerm {
			t.Fatalf("ClaimRun(%s at %s) = %+v, %v; want term %d", slot, at.Format(time.TimeOnly), run, claimed, wantTerm)
		}
		return run
	}
	first := claim(today, start, 1)
	claim(today, start.Add(59*time.Second), 0) // the lease runs
	if _, claimed, err := db.ClaimRun(ctx, "sync", today, start, time.Minute); err != nil || !claimed {
		t.Errorf("another job: %v, %v", claimed, err)
	}
	first, err := db.RenewRun(ctx, first, start.Add(30*time.Second), time.Minute)
	must(t, err)
	claim(today, start.Add(61*time.Second), 0) // it was renewed
	second := claim(today, start.Add(91*time.Second), 2)

	// The first holder can write nothing more.
	if _, err := db.RenewRun(ctx, first, start, time.Minute); !errors.Is(err, ErrStaleTerm) {
		t.Errorf("RenewRun by the first: %v", err)
	}
	e := enrolment("acme", "login-drop", start)
	change := []steward.Change{{Account: "acme", Enrolments: []steward.Enrolment{e}}}
	if _, err := db.Commit(ctx, first, change, start); !errors.Is(err, ErrStaleTerm) {
		t.Errorf("Commit by the first: %v", err)
	}
	if err := db.FinishRun(ctx, first, nil, start, nil, ""); !errors.Is(err, ErrStaleTerm) {
		t.Errorf("FinishRun by the first: %v", err)
	}
	if found, err := db.Enrolments(ctx, EnrolmentFilter{}); err != nil || len(found) != 0 {
		t.Errorf("the first holder wrote %v, %v", found, err)
	}
	_, err = db.Commit(ctx, second, change, start)
	must(t, err)
	must(t, db.FinishRun(ctx, second, nil, start.Add(2*time.Minute), map[string]int{"opened": 1}, ""))
	claim(today, start.Add(time.Hour), 0) // it is done

	// A newer slot abandons what broke off; an older one never comes back.
	broken := claim(tomorrow, start.AddDate(0, 0, 1), 1)
	afterThat := steward.SlotAt(start.AddDate(0, 0, 2))
	claim(afterThat, start.AddDate(0, 0, 1).Add(30*time.Second), 0) // tomorrow's lease still runs
	claim(afterThat, start.AddDate(0, 0, 2), 1)
	if _, err := db.Commit(ctx, broken, change, start); !errors.Is(err, ErrStaleTerm) {
		t.Errorf("Commit by the abandoned: %v", err)
	}
	claim(tomorrow, start.AddDate(0, 0, 3), 0)

	last, found, err := db.LastRun(ctx, "evaluate")
	must(t, err)
	if !found || last.Slot != afterThat || last.State != RunRunning {
		t.Errorf("LastRun = %+v", last)
	}
	if slot, err := db.LastSlot(ctx, "evaluate"); err != nil || slot != today {
		t.Errorf("LastSlot = %s, %v; want the one that was done", slot, err)
	}
	runs, err := db.Runs(ctx, "evaluate", 0)
	must(t, err)
	if len(runs) != 3 || runs[1].State != RunAbandoned || string(runs[2].Summary) != `{"opened":1}` || runs[2].State != RunDone {
		t.Errorf("Runs = %+v", runs)
	}
}

func TestAFailedRunIsTriedAgain(t *testing.T) {
	db, ctx, slot := openTest(t), context.Background(), steward.SlotAt(start)
	run, _, err := db.ClaimRun(ctx, "evaluate", slot, start, time.Hour)
	must(t, err)
	must(t, db.FinishRun(ctx, run, nil, start, nil, "the disk was full"))
	if last, err := db.LastSlot(ctx, "evaluate"); err != nil || !last.IsZero() {
		t.Errorf("LastSlot = %s, %v: a clock would not try again", last, err)
	}
	run, claimed, err := db.ClaimRun(ctx, "evaluate", slot, start.Add(time.Minute), time.Hour)
	must(t, err)
	if !claimed || run.Term != 2 {
		t.Fatalf("claimed %v with term %d", claimed, run.Term)
	}
	must(t, db.FinishRun(ctx, run, nil, start, nil, ""))
	if last, found, err := db.LastRun(ctx, "evaluate"); err != nil || !found || last.State != RunDone || last.Error != "" {
		t.Errorf("LastRun = %+v, %v", last, err)
	}
}

func TestFinishRunClearsWhatIsClear(t *testing.T) {
	db, ctx, slot := openTest(t), context.Background(), steward.SlotAt(start)
	run, _, err := db.ClaimRun(ctx, "evaluate", slot, start, time.Hour)
	must(t, err)
	phase := func(account string, p steward.Phase) steward.PhaseState {
		return steward.PhaseState{Playbook: "login-drop", Subject: steward.Subject{Kind: steward.AboutAccount, ID: account, Account: steward.AccountID(account)},
			Phase: p, Episode: slot, EpisodeDay: 20_523, Since: slot, Held: 1.5, Slot: slot, Frozen: map[string]steward.Value{"x": steward.Num(1)}}
	}
	firing, clear := phase("a", steward.Firing), phase("b", steward.Clear)
	_, err = db.Commit(ctx, run, []steward.Change{{Account: "a", Phases: []steward.PhaseState{firing}}, {Account: "b", Phases: []steward.PhaseState{clear}}}, start)
	must(t, err)
	if st, err := db.Standing(ctx); err != nil || len(st.Phases) != 2 {
		t.Errorf("before the end, so that a replay can skip both: %+v, %v", st.Phases, err)
	}
	state := steward.PlaybookState{Playbook: "login-drop", Version: "v1", Condition: "c1", Baseline: slot, Slot: slot, LastDay: 20_523}
	must(t, db.FinishRun(ctx, run, []steward.PlaybookState{state}, start, nil, ""))
	st, err := db.Standing(ctx)
	must(t, err)
	diff(t, "phases", []steward.PhaseState{firing}, st.Phases)
	diff(t, "playbooks", []steward.PlaybookState{state}, st.Playbooks)
}

// A lease taken by a clock that was ahead ends in a time that the right clock
// does not reach for long. Nobody waits for it; a lease that can still be
// genuine is respected, whatever small step the clock makes.
func TestALeaseFromAClockThatWasAheadIsTakenOver(t *testing.T) {
	const lease = 2 * time.Minute
	slot := steward.SlotAt(start.Add(-time.Hour))
	for _, c := range []struct {
		back    time.Duration
		claimed bool
	}{
		{time.Second, false},
		{lease, false},
		{lease + time.Second, true},
		{time.Hour, true},
		{365 * 24 * time.Hour, true},
	} {
		db, ctx := openTest(t), context.Background()
		first, _, err := db.ClaimRun(ctx, "evaluate", slot, start, lease)
		must(t, err)
		// The slot stays the same: it was begun late, or early by this clock.
		second, claimed, err := db.ClaimRun(ctx, "evaluate", slot, start.Add(-c.back), lease)
		must(t, err)
		if claimed != c.claimed {
			t.Errorf("with the clock %s back, claimed is %v", c.back, claimed)
		}
		_, err = db.RenewRun(ctx, first, start, lease)
		if errors.Is(err, ErrStaleTerm) != c.claimed || c.claimed && second.Term != 2 {
			t.Errorf("with the clock %s back, the first holder is told %v and the second has term %d", c.back, err, second.Term)
		}
	}
}
