package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"steward"
)

// planApproval writes a mail that awaits approval, and the card that asks for it.
func planApproval(t *testing.T, db *DB, account steward.AccountID, change func(*steward.Message)) (mail, card steward.Message) {
	t.Helper()
	e := enrolment(account, "login-drop", start)
	mail = steward.Message{ID: steward.NewMessageID(steward.Mail, string(account)), Kind: steward.Mail, Channel: steward.Email,
		To: steward.Recipient{Key: "role:champion", Contact: "p-1", Email: "ana@acme.example"}, Account: account,
		State: steward.AwaitingApproval, Due: start, Planned: start, Version: 1, Hash: "h1", Content: &steward.Content{Title: "An offer"}}
	if change != nil {
		change(&mail)
	}
	card = cardFor(account, start)
	card.Kind, card.For = steward.Approval, mail.ID
	card.Content = &steward.Content{Title: "A mail waits for you", Parts: []steward.ContentPart{{Markdown: "It quotes the mail."}}}
	conflicts, err := db.Commit(context.Background(), steward.Run{}, []steward.Change{{Account: account, Enrolments: []steward.Enrolment{e},
		Messages: []steward.Message{mail, card}, Outreach: []steward.Outreach{outreachFor(e, "help", mail.ID)}}}, start)
	must(t, err)
	if len(conflicts) > 0 {
		t.Fatalf("conflicts: %v", conflicts)
	}
	return mail, card
}

func state(t *testing.T, db *DB, id steward.MessageID) steward.Message {
	t.Helper()
	m, err := db.Message(context.Background(), string(id))
	must(t, err)
	return m
}

func TestApprove(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	mail, card := planApproval(t, db, "acme", nil)
	if due, err := db.DueMessages(ctx, start, 0, steward.Channels()...); err != nil || len(due) != 1 || due[0].ID != card.ID {
		t.Fatalf("due %v, %v: only the card is to go", due, err)
	}
	if err := db.Approve(ctx, mail.ID, 2, "dana", start); !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), "version 1") {
		t.Errorf("another version: %v", err)
	}
	if err := db.Approve(ctx, "m-nobody", 1, "dana", start); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such message: %v", err)
	}
	must(t, db.Approve(ctx, mail.ID, 1, "dana", start.Add(time.Hour)))
	got := state(t, db, mail.ID)
	if got.State != steward.Planned || got.ApprovedBy != "dana" || got.Reason != steward.ReasonApproved {
		t.Errorf("approved: %+v", got)
	}
	if !got.Due.Equal(start.Add(time.Hour)) {
		t.Errorf("due %v: what waited for a person is due, and dated, from its approval on", got.Due)
	}
	if got := state(t, db, card.ID); got.State != steward.Suppressed {
		t.Errorf("the card still asks: %+v", got)
	}
	if err := db.Approve(ctx, mail.ID, 1, "lee", start); !errors.Is(err, ErrSettled) || !strings.Contains(err.Error(), "dana") {
		t.Errorf("approved again: %v", err)
	}
	if err := db.Decline(ctx, mail.ID, 1, "lee", "", start); !errors.Is(err, ErrSettled) {
		t.Errorf("declined after all: %v", err)
	}
	if due, err := db.DueMessages(ctx, start.Add(time.Hour), 0, steward.Channels()...); err != nil || len(due) != 1 || due[0].ID != mail.ID {
		t.Errorf("due %v, %v", due, err)
	}
	records, err := db.Records(ctx, RecordFilter{Account: mail.Account, Message: mail.ID})
	must(t, err)
	if len(records) != 1 || records[0].Reason != steward.ReasonApproved || records[0].Enrolment == "" {
		t.Errorf("records %+v", records)
	}
}

func TestDecline(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	mail, _ := planApproval(t, db, "acme", nil)
	must(t, db.Decline(ctx, mail.ID, 1, "dana", "they just called", start))
	got := state(t, db, mail.ID)
	if got.State != steward.Suppressed || got.Reason != steward.ReasonDeclined || got.Detail != "declined by dana: they just called" || got.Settled.IsZero() {
		t.Errorf("declined: %+v", got)
	}
}

func TestApprovalsRunOut(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	soon, later := start.Add(time.Hour), start.Add(2*time.Hour)
	expires, _ := planApproval(t, db, "a", func(m *steward.Message) { m.Expires = soon })
	veto, told := planApproval(t, db, "b", func(m *steward.Message) { m.Veto, m.Expires = soon, later })
	both, toldBoth := planApproval(t, db, "c", func(m *steward.Message) { m.Veto, m.Expires = soon, soon })
	waits, _ := planApproval(t, db, "d", nil)
	heard(t, db, told.ID, start)
	heard(t, db, toldBoth.ID, start)

	if n, err := db.VetoElapsed(ctx, soon.Add(-time.Second)); err != nil || n != 0 {
		t.Errorf("vetoes too early: %d, %v", n, err)
	}
	if n, err := db.VetoElapsed(ctx, soon); err != nil || n != 1 {
		t.Errorf("vetoes: %d, %v", n, err)
	}
	if n, err := db.ExpireApprovals(ctx, soon); err != nil || n != 2 {
		t.Errorf("expired: %d, %v", n, err)
	}
	for id, want := range map[steward.MessageID]steward.MessageState{
		expires.ID: steward.Expired, veto.ID: steward.Planned, both.ID: steward.Expired, waits.ID: steward.AwaitingApproval,
	} {
		if got := state(t, db, id); got.State != want {
			t.Errorf("%s is %s, want %s", id, got.State, want)
		}
	}
	for id, want := range map[steward.MessageID]string{expires.ID: "nobody could be told of it in Slack in time: no card went out", both.ID: "nobody approved it in time"} {
		if got := state(t, db, id).Detail; got != want {
			t.Errorf("%s expired as %q, want %q", id, got, want)
		}
	}
}
