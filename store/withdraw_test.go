package store

import (
	"testing"

	"steward"
)

// What is taken back is never said, and its task is nobody's; the rest of the
// card goes without it. What was sent is left as it is.
func TestWithdraw(t *testing.T) {
	db, ctx := openTest(t), t.Context()
	one, two := enrolment("acme", "login-drop", start), enrolment("acme", "renewal", start)
	m := cardFor("acme", start)
	a, b := outreachFor(one, "nudge", m.ID), outreachFor(two, "nudge", m.ID)
	a.Assignment = &steward.Assignment{Task: a.ID, Title: "Call them", Due: steward.NoDay}
	_, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "acme", Enrolments: []steward.Enrolment{one, two}, Messages: []steward.Message{m}, Outreach: []steward.Outreach{a, b}}}, start)
	must(t, err)
	withdraw := func(o steward.Outreach) {
		t.Helper()
		_, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "acme", Withdrawn: []steward.Withdrawal{{Outreach: o.ID, Reason: steward.ReasonByHand, Detail: "skipped by Dana"}}}}, start)
		must(t, err)
	}
	withdraw(a)
	d, err := db.Dossier(ctx, m.ID)
	must(t, err)
	if d.Message.State != steward.Planned || len(d.Outreach) != 1 || d.Outreach[0].ID != b.ID {
		t.Errorf("%s with %+v", d.Message.State, d.Outreach)
	}
	said, _, err := db.OutreachOf(ctx, []steward.EnrolmentID{one.ID})
	must(t, err)
	if said[0].Suppressed != steward.ReasonByHand || said[0].Message != "" {
		t.Errorf("what was taken back is %+v", said[0])
	}
	tasks, err := db.Tasks(ctx, TaskFilter{All: true})
	must(t, err)
	if len(tasks) != 1 || tasks[0].State != steward.TaskDropped {
		t.Errorf("its task is %+v", tasks)
	}
	records, err := db.Records(ctx, RecordFilter{Account: "acme", Enrolment: one.ID})
	must(t, err)
	if len(records) != 1 || records[0].Detail != "skipped by Dana" {
		t.Errorf("on record: %+v", records)
	}
	withdraw(b)
	if got, err := db.Message(ctx, string(m.ID)); err != nil || got.State != steward.Suppressed {
		t.Errorf("a card with nothing to say is %s, %v", got.State, err)
	}
	sent := plan(t, db, "birch")
	_, _, err = db.Claim(ctx, sent.ID, 0, start, deferFor, pass)
	must(t, err)
	must(t, db.Settle(ctx, sent.ID, 0, steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered, Started: start, Ref: "C1/1"}, start))
	withdraw(outreachFor(enrolment("birch", "login-drop", start), "nudge", sent.ID))
	if d, err := db.Dossier(ctx, sent.ID); err != nil || len(d.Outreach) != 1 || d.Message.State != steward.Sent {
		t.Errorf("what was sent: %s with %d, %v", d.Message.State, len(d.Outreach), err)
	}
}
