package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"steward"
)

func TestARoundOfDelivery(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	m := plan(t, db, "acme")

	due, err := db.DueMessages(ctx, start, 10)
	must(t, err)
	if len(due) != 1 || due[0].ID != m.ID || due[0].Epoch != 0 {
		t.Fatalf("due = %+v", due)
	}
	must(t, db.MarkEnqueued(ctx, due, start))
	if again, err := db.DueMessages(ctx, start, 10); err != nil || len(again) != 0 {
		t.Fatalf("an enqueued message is due again: %v %v", again, err)
	}
	dossier, decision, err := db.Claim(ctx, m.ID, 0, start, time.Minute, pass)
	must(t, err)
	if !decision.Passes() || dossier.Message.State != steward.Sending || dossier.Message.Attempts != 1 {
		t.Fatalf("claimed: %+v %+v", decision, dossier.Message)
	}
	if len(dossier.Outreach) != 1 || len(dossier.Enrolments) != 1 || len(dossier.Phases) != 1 {
		t.Fatalf("dossier = %+v", dossier)
	}
	content := steward.Content{Title: "Logins <fell>", Parts: []steward.ContentPart{{Markdown: "call & ask"}}}
	must(t, db.SaveContent(ctx, m.ID, 0, content))
	must(t, db.SaveContent(ctx, m.ID, 0, content))
	if err := db.SaveContent(ctx, m.ID, 0, steward.Content{Title: "other"}); !errors.Is(err, ErrConflict) {
		t.Errorf("a second content: %v", err)
	}
	must(t, db.Settle(ctx, m.ID, 0, steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered, Ref: "C1/1.2"}, start.Add(time.Second)))
	if err := db.Settle(ctx, m.ID, 0, steward.Settlement{State: steward.FailedToSend}, start); !errors.Is(err, ErrSettled) {
		t.Errorf("settled twice: %v", err)
	}
	got, err := db.Message(ctx, string(m.ID))
	must(t, err)
	if got.State != steward.Sent || got.Ref != "C1/1.2" || got.Content.Title != content.Title || !got.Lease.IsZero() {
		t.Errorf("stored = %+v", got)
	}
	attempts, err := db.Attempts(ctx, m.ID)
	must(t, err)
	if len(attempts) != 1 || attempts[0].Outcome != steward.Sent || !attempts[0].Counted {
		t.Errorf("attempts = %+v", attempts)
	}
	records, err := db.Records(ctx, RecordFilter{Message: m.ID})
	must(t, err)
	if len(records) != 1 || records[0].Reason != steward.ReasonDelivered || records[0].Step != "nudge" {
		t.Errorf("records = %+v", records)
	}
}
