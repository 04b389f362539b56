package store

import (
	"fmt"
	"testing"
	"time"

	"steward"
)

// heard has a card delivered.
func heard(t *testing.T, db *DB, card steward.MessageID, at time.Time) {
	t.Helper()
	_, _, err := db.Claim(t.Context(), card, 0, at, deferFor, pass)
	must(t, err)
	must(t, db.Settle(t.Context(), card, 0, steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered, Started: at, Ref: "C1/" + string(card)}, at))
}

// asking writes a mail that waits for somebody, with a card that would ask them.
func asking(t *testing.T, db *DB, account steward.AccountID, who steward.OwnerID, veto time.Duration, at time.Time) (mail, card steward.MessageID) {
	t.Helper()
	e := enrolment(account, "report", at)
	m := steward.Message{ID: steward.NewMessageID(steward.Mail, string(account), at.String()), Kind: steward.Mail, Channel: steward.Email, Account: account, To: steward.Recipient{Key: "role:champion", Contact: "p"},
		State: steward.AwaitingApproval, Due: at, Planned: at, Expires: at.AddDate(0, 0, 5), Version: 1, Content: &steward.Content{Title: "Report"}}
	if veto > 0 {
		m.Veto = at.Add(veto)
	}
	c := steward.Message{ID: steward.NewMessageID(steward.Approval, string(m.ID), "1"), Kind: steward.Approval, Channel: steward.Slack, Account: account, To: steward.Recipient{Key: "approver", Owner: who, Slack: "U" + string(who)},
		State: steward.Planned, Due: at, Planned: at, Expires: m.Expires, For: m.ID, Version: 1, RetryUncertain: true}
	for range 2 { // writing it twice is writing it once
		conflicts, err := db.Commit(t.Context(), steward.Run{}, []steward.Change{{Account: account, Enrolments: []steward.Enrolment{e}, Messages: []steward.Message{c, m}, Outreach: []steward.Outreach{outreachFor(e, "report", m.ID)}}}, at)
		must(t, err)
		if len(conflicts) > 0 {
			t.Fatalf("conflicts %v", conflicts)
		}
	}
	return m.ID, c.ID
}

func (db *DB) asked(t *testing.T, card steward.MessageID) []steward.Asked {
	t.Helper()
	d, err := db.Dossier(t.Context(), card)
	must(t, err)
	return d.Asked
}

// Sixteen requests of one morning for one person are one card; another person has
// one of their own, and what comes once the card has gone is asked on another.
func TestRequestsShareACard(t *testing.T) {
	db, ctx := openTest(t), t.Context()
	var first steward.MessageID
	for i := range 16 {
		_, card := asking(t, db, steward.AccountID(fmt.Sprint("a-", i)), "dana", 0, start.Add(time.Duration(i)*time.Minute))
		if i == 0 {
			first = card
		}
	}
	_, lees := asking(t, db, "lee-1", "lee", 0, start)
	due, err := db.DueMessages(ctx, start.Add(time.Hour), 0, steward.Channels()...)
	must(t, err)
	if len(due) != 2 || len(db.asked(t, first)) != 16 || len(db.asked(t, lees)) != 1 {
		t.Fatalf("%d cards, with %d and %d mails", len(due), len(db.asked(t, first)), len(db.asked(t, lees)))
	}
	for i, a := range db.asked(t, first) {
		if want := steward.AccountID(fmt.Sprint("a-", i)); a.Mail.Message.Account != want || len(a.Mail.Outreach) != 1 || len(a.Mail.Enrolments) != 1 || a.Elsewhere {
			t.Errorf("the %dth is %+v", i, a.Mail.Message)
		}
	}
	heard(t, db, first, start.Add(time.Hour))
	_, next := asking(t, db, "late", "dana", 0, start.Add(2*time.Hour))
	if n := len(db.asked(t, next)); n != 1 || len(db.asked(t, first)) != 16 {
		t.Errorf("the late one is on a card with %d, the first has %d", n, len(db.asked(t, first)))
	}
	// A card is not longer than it can be.
	for i := range asksMost {
		asking(t, db, steward.AccountID(fmt.Sprint("more-", i)), "dana", 0, start.Add(3*time.Hour))
	}
	if n := len(db.asked(t, next)); n != asksMost {
		t.Errorf("the card asks about %d, want %d", n, asksMost)
	}
	due, err = db.DueMessages(ctx, start.Add(4*time.Hour), 0, steward.Channels()...)
	must(t, err)
	if len(due) != 3 {
		t.Errorf("%d cards are due", len(due))
	}
}

// A card that was not sent is held back when the last of its mails is decided,
// and no sooner.
func TestACardWithNothingToAskIsHeldBack(t *testing.T) {
	db, ctx := openTest(t), t.Context()
	one, card := asking(t, db, "one", "dana", 0, start)
	two, _ := asking(t, db, "two", "dana", 0, start)
	must(t, db.Approve(ctx, one, 1, "dana", start))
	if got := state(t, db, card); got.State != steward.Planned {
		t.Fatalf("with one left to ask about the card is %s", got.State)
	}
	must(t, db.Decline(ctx, two, 1, "dana", "no", start))
	if got := state(t, db, card); got.State != steward.Suppressed {
		t.Errorf("with nothing left to ask about the card is %s", got.State)
	}
}

// The time to stop a mail counts from when its card was heard. While it was not,
// the mail does not go.
func TestAVetoCountsFromWhenItWasHeard(t *testing.T) {
	db, ctx := openTest(t), t.Context()
	mail, card := asking(t, db, "acme", "dana", 24*time.Hour, start)
	elapsed := func(after time.Duration) int {
		t.Helper()
		n, err := db.VetoElapsed(ctx, start.Add(after))
		must(t, err)
		return n
	}
	if n := elapsed(30 * time.Hour); n != 0 {
		t.Fatal("it goes out before anybody heard of it")
	}
	heard(t, db, card, start.Add(40*time.Hour))
	if m := state(t, db, mail); !m.Veto.Equal(start.Add(64 * time.Hour)) {
		t.Errorf("it may be stopped until %s", m.Veto)
	}
	if elapsed(63*time.Hour) != 0 || elapsed(64*time.Hour) != 1 {
		t.Error("it does not go out a day after it was heard")
	}
}

// What becomes of a mail is drawn on the card that asked about it.
func TestACardShowsWhatBecameOfItsMail(t *testing.T) {
	db, ctx := openTest(t), t.Context()
	mail, card := asking(t, db, "acme", "dana", 0, start)
	heard(t, db, card, start)
	wanted := func() int {
		t.Helper()
		due, err := db.DueEdits(ctx, start.Add(time.Hour), 10)
		must(t, err)
		for _, e := range due {
			if e.Message == card {
				must(t, db.Painted(ctx, e, ""))
				return e.Wanted
			}
		}
		return 0
	}
	if wanted() != 0 {
		t.Error("nothing has changed")
	}
	must(t, db.Approve(ctx, mail, 1, "dana", start))
	if wanted() == 0 {
		t.Error("the approval is not shown")
	}
	_, _, err := db.Claim(ctx, mail, 0, start, deferFor, pass)
	must(t, err)
	if wanted() != 0 {
		t.Error("that it is being sent is nothing to show")
	}
	must(t, db.Settle(ctx, mail, 0, steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered, Started: start, Ref: "<1@x>"}, start))
	if wanted() == 0 {
		t.Error("that it was sent is not shown")
	}
	if n := len(db.asked(t, card)); n != 1 {
		t.Errorf("it asks about %d", n)
	}
}
