package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

// episode writes an enrolment of a past episode with a card, a record and,
// unless it stays open, ends both within two days.
func episode(t *testing.T, db *DB, account steward.AccountID, at time.Time, open bool) (steward.Enrolment, steward.Message) {
	t.Helper()
	ctx := context.Background()
	e, m := enrolment(account, "login-drop", at), cardFor(account, at)
	o := outreachFor(e, "nudge", m.ID)
	quiet := outreachFor(e, "mail", "")
	quiet.Suppressed = steward.ReasonOptedOut
	c := steward.Change{Account: account, Enrolments: []steward.Enrolment{e}, Messages: []steward.Message{m},
		Outreach: []steward.Outreach{o, quiet},
		Records:  []steward.Record{recordOf(e, at, steward.Decision{Reason: steward.ReasonOpened})}}
	_, err := db.Commit(ctx, steward.Run{}, []steward.Change{c}, at)
	must(t, err)
	if open {
		return e, m
	}
	_, _, err = db.Claim(ctx, m.ID, 0, at, time.Minute, pass)
	must(t, err)
	must(t, db.Settle(ctx, m.ID, 0, steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered}, at))
	e.Rev, e.State, e.Reason, e.EndedAt = 1, steward.Exited, steward.ReasonRecovered, at.AddDate(0, 0, 2)
	_, err = db.Commit(ctx, steward.Run{}, []steward.Change{{Account: account, Enrolments: []steward.Enrolment{e}}}, at)
	must(t, err)
	return e, m
}

func TestPruneKeepsWhatStillDecides(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	long, cut := start.AddDate(-3, 0, 0), start.AddDate(-2, 0, 0)
	over, _ := episode(t, db, "acme", long, false)
	newest, _ := episode(t, db, "acme", long.AddDate(0, 3, 0), false)
	young, youngCard := episode(t, db, "bolt", start.AddDate(-1, 0, 0), false)
	open, openCard := episode(t, db, "cato", long, true)
	stands, standsCard := episode(t, db, "dusk", long, false)
	_, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "dusk", Phases: []steward.PhaseState{{
		Playbook: stands.Playbook, Subject: stands.Subject, Phase: steward.Firing, Episode: stands.Episode, Slot: stands.Episode}}}}, long)
	must(t, err)
	told := cardFor("", long)
	told.ID, told.Kind = "m-told", steward.Notice
	_, err = db.Notice(ctx, "stale/logins", told, long)
	must(t, err)
	must(t, db.Suppress(ctx, "ada@example.com", "asked", "a person", long))
	for _, at := range []time.Time{long, long.AddDate(0, 1, 0), start} {
		run, claimed, err := db.ClaimRun(ctx, "evaluate", steward.SlotAt(at), at, time.Minute)
		if err != nil || !claimed {
			t.Fatal(err)
		}
		must(t, db.FinishRun(ctx, run, nil, at, nil, ""))
		_, err = db.Import(ctx, Batch{Source: "crm", At: at, Rejects: []Reject{{File: "a.csv"}}})
		must(t, err)
	}

	got, err := db.Prune(ctx, cut)
	must(t, err)
	// Each of acme's two episodes has its opening on record, and what became of its
	// card.
	want := Pruned{Messages: 2, Enrolments: 1, Records: 4, Runs: 2, Imports: 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pruned (-want +got):\n%s", diff)
	}
	left, err := db.Enrolments(ctx, EnrolmentFilter{})
	must(t, err)
	var ids []steward.EnrolmentID
	for _, e := range left {
		ids = append(ids, e.ID)
	}
	for _, e := range []steward.Enrolment{newest, young, open, stands} {
		if !slices.Contains(ids, e.ID) {
			t.Errorf("the enrolment of %s at %s is gone", e.Subject.ID, e.Episode)
		}
	}
	if slices.Contains(ids, over.ID) {
		t.Error("an old enrolment with a newer one after it is still there")
	}
	messages, _, err := db.Messages(ctx, MessageFilter{})
	must(t, err)
	var kept []steward.MessageID
	for _, m := range messages {
		kept = append(kept, m.ID)
	}
	slices.Sort(kept)
	wanted := []steward.MessageID{youngCard.ID, openCard.ID, standsCard.ID, told.ID}
	slices.Sort(wanted)
	if diff := cmp.Diff(wanted, kept); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if why, err := db.SuppressedAddresses(ctx); err != nil || len(why) != 1 {
		t.Errorf("suppressions: %v %v", why, err)
	}
	if slot, err := db.LastSlot(ctx, "evaluate"); err != nil || !slot.Time().Equal(start) {
		t.Errorf("the last slot: %s %v", slot, err)
	}
	if _, n, err := db.Rejects(ctx, "crm", 0); err != nil || n != 1 {
		t.Errorf("rejects of the newest import: %d %v", n, err)
	}
	must(t, db.Check(ctx))
	if again, err := db.Prune(ctx, cut); err != nil || again != (Pruned{}) {
		t.Errorf("pruned again: %+v %v", again, err)
	}
}

// More than a batch and more than a page go, others write meanwhile, and what
// was freed is used again.
func TestPruneInBatches(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	load(t, db, 100, 3*pruneBatch)
	pages := func() (n int) {
		must(t, db.write.Get(&n, `PRAGMA page_count`))
		return n
	}
	before := pages()
	wrote := make(chan int)
	stop := make(chan struct{})
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				wrote <- n
				return
			default:
				if err := db.SetPause(ctx, steward.Pause{At: start.Add(time.Duration(n) * time.Second)}); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	got, err := db.Prune(ctx, start)
	must(t, err)
	close(stop)
	if n := <-wrote; n < 2 {
		t.Errorf("others wrote %d times while it went on", n)
	}
	// A subject was enrolled five times, and its newest enrolment stays.
	if got.Messages != 3*pruneBatch || got.Records != 3*pruneBatch || got.Enrolments < pruneBatch {
		t.Errorf("pruned %+v", got)
	}
	c, err := db.Counts(ctx)
	must(t, err)
	if c.ByState["planned"] == 0 || c.ByState["sent"]+c.ByState["uncertain"]+c.ByState["failed"]+c.ByState["suppressed"] != 0 || c.OpenEnrolments != 100 {
		t.Errorf("left: %+v", c)
	}
	db.write.MustExec(`DELETE FROM phases`)
	for _, table := range []string{"records", "outreach", "messages", "enrolments"} {
		db.write.MustExec(`DELETE FROM ` + table)
	}
	load(t, db, 100, 3*pruneBatch)
	if now := pages(); now > before+before/20 {
		t.Errorf("the file had %d pages, and has %d after as much was pruned and written anew", before, now)
	}
	must(t, db.Check(ctx))

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := db.Prune(cancelled, start); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
