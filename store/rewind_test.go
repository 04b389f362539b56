package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"steward"
)

const year = 365 * 24 * time.Hour

// A machine began with its clock a year ahead, and a slot of that year was
// evaluated, or begun. Nothing before it may begin, until a person says that it
// was the clock.
func TestRewindLetsTheSlotsBeforeAWrongOneBegin(t *testing.T) {
	for _, state := range []RunState{RunRunning, RunDone, RunFailed} {
		t.Run(string(state), func(t *testing.T) {
			db, ctx := openTest(t), context.Background()
			yesterday, today, wrong := steward.SlotAt(start.AddDate(0, 0, -1)), steward.SlotAt(start), steward.SlotAt(start.Add(year))
			must(t, finished(db, yesterday, start.AddDate(0, 0, -1)))
			ahead, _, err := db.ClaimRun(ctx, "evaluate", wrong, start.Add(year), time.Minute)
			must(t, err)
			switch state {
			case RunDone:
				must(t, db.FinishRun(ctx, ahead, nil, start.Add(year), nil, ""))
			case RunFailed:
				must(t, db.FinishRun(ctx, ahead, nil, start.Add(year), nil, "the disk was full"))
			}
			if _, claimed, err := db.ClaimRun(ctx, "evaluate", today, start, time.Minute); err != nil || claimed {
				t.Fatalf("a slot went backwards unasked: %v, %v", claimed, err)
			}
			done, err := db.Rewind(ctx, start)
			must(t, err)
			if done.Runs != 1 {
				t.Errorf("%d runs were set aside, want the one", done.Runs)
			}
			// The holder, should it still be at it, can write nothing more.
			if _, err := db.RenewRun(ctx, ahead, start, time.Minute); !errors.Is(err, ErrStaleTerm) {
				t.Errorf("the run that was set aside goes on: %v", err)
			}
			if last, err := db.LastSlot(ctx, "evaluate"); err != nil || last != yesterday {
				t.Errorf("the clock would go on from %s (%v), want %s", last, err, yesterday)
			}
			if last, _, err := db.LastRun(ctx, "evaluate"); err != nil || last.Slot != yesterday {
				t.Errorf("the newest slot is %s (%v), want %s", last.Slot, err, yesterday)
			}
			must(t, finished(db, today, start))
			// When that time comes after all, its slot is one like any other.
			must(t, finished(db, wrong, start.Add(year)))
			if last, _, err := db.LastRun(ctx, "evaluate"); err != nil || last.Slot != wrong || last.Term != ahead.Term+1 {
				t.Errorf("a year later the newest is %s in term %d (%v)", last.Slot, last.Term, err)
			}
			if again, err := db.Rewind(ctx, start.Add(year)); err != nil || again != (Rewound{}) {
				t.Errorf("with nothing ahead it did %+v, %v", again, err)
			}
		})
	}
}

func finished(db *DB, slot steward.Slot, now time.Time) error {
	run, claimed, err := db.ClaimRun(context.Background(), "evaluate", slot, now, time.Minute)
	if err != nil {
		return err
	}
	if !claimed {
		return errors.New("the slot " + slot.String() + " was not claimed")
	}
	return db.FinishRun(context.Background(), run, nil, now, nil, "")
}

// What the wrong clock dated counts from now, and what was there before keeps
// its times.
func TestRewindCountsFromNow(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	wrong := start.Add(year)
	waiting := func(account steward.AccountID, since time.Time) steward.Enrolment {
		return with(enrolment(account, "login-drop", since), func(e *steward.Enrolment) {
			e.State, e.OpenedAt, e.StepSince, e.Due = steward.Waiting, since, since, since.Add(24*time.Hour)
		})
	}
	ended := with(enrolment("ended", "login-drop", wrong), func(e *steward.Enrolment) {
		e.State, e.Reason, e.OpenedAt, e.StepSince, e.EndedAt = steward.Exited, steward.ReasonRecovered, wrong, wrong, wrong
	})
	commitEnrolments(t, db, waiting("old", start.Add(-time.Hour)), waiting("new", wrong), ended)

	message := func(account steward.AccountID, planned time.Time, change func(*steward.Message)) steward.MessageID {
		e, m := enrolment(account, "silence", planned), cardFor(account, planned)
		m.Planned, m.Due, m.Expires = planned, planned, planned.AddDate(0, 0, 7)
		change(&m)
		_, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: account, Enrolments: []steward.Enrolment{e}, Messages: []steward.Message{m},
			Outreach: []steward.Outreach{outreachFor(e, "nudge", m.ID)}}}, planned)
		must(t, err)
		return m.ID
	}
	nothing := func(*steward.Message) {}
	right := message("right", start.Add(-time.Hour), func(m *steward.Message) { m.Due = start.Add(-time.Hour) })
	planned := message("planned", wrong, nothing)
	vetoed := message("vetoed", wrong, func(m *steward.Message) {
		m.State, m.Veto, m.Due = steward.AwaitingApproval, wrong.Add(24*time.Hour), wrong
	})
	enqueued := message("enqueued", start.Add(-time.Hour), nothing)
	must(t, db.MarkEnqueued(ctx, []steward.Due{{ID: enqueued}}, wrong))
	sending := message("sending", start.Add(-time.Hour), func(m *steward.Message) {
		m.State, m.Lease = steward.Sending, wrong.Add(2*time.Minute)
	})
	putOff := message("put-off", start.Add(-time.Hour), func(m *steward.Message) {
		m.State, m.Reason, m.Due = steward.Deferred, steward.ReasonPaused, wrong.Add(time.Hour)
	})
	sent := message("sent", start.Add(-time.Hour), func(m *steward.Message) {
		m.State, m.Reason, m.Settled = steward.Sent, steward.ReasonDelivered, wrong
	})
	before := readMessage(t, db, right)

	done, err := db.Rewind(ctx, start)
	must(t, err)
	if done.Enrolments != 4 || done.Messages != 6 {
		t.Errorf("put right: %+v, want 4 enrolments and 6 messages", done)
	}
	waits, err := db.Enrolments(ctx, EnrolmentFilter{State: steward.Waiting})
	must(t, err)
	if len(waits) != 2 || !waits[0].OpenedAt.Equal(start) || !waits[0].StepSince.Equal(start) || !waits[0].Due.Equal(start) {
		t.Errorf("the wait that began on the wrong date: %+v", waits)
	}
	if since := start.Add(-time.Hour); !waits[1].StepSince.Equal(since) || !waits[1].Due.Equal(since.Add(24*time.Hour)) || waits[1].Rev != 1 {
		t.Errorf("the wait that began in time was touched: %+v", waits[1])
	}
	all, err := db.Ended(ctx)
	must(t, err)
	if len(all) != 1 || !all[0].EndedAt.Equal(start) {
		t.Errorf("a cooldown counts from %+v", all)
	}
	if m := readMessage(t, db, planned); !m.Due.Equal(start) || !m.Planned.Equal(start) || !m.Expires.Equal(start.AddDate(0, 0, 7)) {
		t.Errorf("what was planned is due %s and expires %s", m.Due, m.Expires)
	}
	if m := readMessage(t, db, vetoed); !m.Veto.Equal(start.Add(24*time.Hour)) || m.State != steward.AwaitingApproval {
		t.Errorf("what may be stopped until a day later is %s, until %s", m.State, m.Veto)
	}
	if m := readMessage(t, db, enqueued); m.State != steward.Planned || m.Epoch != 1 {
		t.Errorf("what the queue was said to hold since next year is %s in epoch %d", m.State, m.Epoch)
	}
	if m := readMessage(t, db, putOff); m.State != steward.Deferred || !m.Due.Equal(start) {
		t.Errorf("what was put off is %s until %s", m.State, m.Due)
	}
	if m := readMessage(t, db, sent); !m.Settled.Equal(start) {
		t.Errorf("what was sent settled on %s", m.Settled)
	}
	if m := readMessage(t, db, sending); m.State != steward.Sending || !m.Lease.Equal(start) {
		t.Errorf("its sender, who is gone, is %s until %s", m.State, m.Lease)
	}
	diff(t, "what was right", before, readMessage(t, db, right))
}

// What fields became on a wrong date they became today, and what they become
// from now on stands.
func TestRewindBringsThePastBack(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	a := account("acme")
	put := func(owner steward.OwnerID, at time.Time) {
		t.Helper()
		a.Owner = owner
		_, err := db.Import(ctx, Batch{Source: "crm", At: at, Accounts: []steward.Account{a}})
		must(t, err)
	}
	put("dana", start.AddDate(0, 0, -10))
	put("lee", start.Add(year))
	put("sam", start.Add(year+25*time.Hour))
	_, err := db.Rewind(ctx, start)
	must(t, err)
	put("kim", start.AddDate(0, 0, 3))
	p, err := db.Portfolio(ctx)
	must(t, err)
	diff(t, "who owned it", []steward.FieldChange{{Field: "owner", Day: 20_514, Value: steward.Str("dana")}, {Field: "owner", Day: 20_524, Value: steward.Str("sam")},
		{Field: "owner", Day: 20_527, Value: steward.Str("kim")}}, p.History[steward.HistoryKey{Kind: steward.AboutAccount, ID: "acme"}].Changes)
}

func readMessage(t *testing.T, db *DB, id steward.MessageID) steward.Message {
	t.Helper()
	m, err := db.Message(context.Background(), string(id))
	must(t, err)
	return m
}
