package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"steward"
)

// What a pool was sent lies unclaimed until somebody takes it on or it ends.
func TestUnclaimed(t *testing.T) {
	ctx, db := context.Background(), openTest(t)
	pool := steward.Recipient{Key: "owner", Owner: "smb", Name: "Customer Success", Slack: "#cs-smb"}
	var all []steward.Enrolment
	for i, account := range []steward.AccountID{"acme", "bolt", "core", "dune"} {
		e, m := enrolment(account, "login-drop", start), cardFor(account, start)
		m.To = pool
		o := outreachFor(e, "nudge", m.ID)
		o.To = pool
		commitAll(t, db, steward.Change{Account: account, Enrolments: []steward.Enrolment{e}, Messages: []steward.Message{m}, Outreach: []steward.Outreach{o}})
		if account != "dune" { // its card is still to come
			_, _, err := db.Claim(ctx, m.ID, 0, start, time.Minute, pass)
			must(t, err)
			must(t, db.Settle(ctx, m.ID, 0, steward.Settlement{State: steward.Sent}, start.Add(time.Duration(i)*time.Minute)))
		}
		all = append(all, e)
	}
	lying := func(pools ...steward.OwnerID) (out []string) {
		t.Helper()
		list, err := db.Unclaimed(ctx, pools, start.Add(-time.Hour))
		must(t, err)
		for i, u := range list {
			if want := start.Add(time.Duration(i) * time.Minute); i == 0 && len(list) == 3 && !u.Sent.Equal(want) {
				t.Errorf("sent at %s, want %s", u.Sent, want)
			}
			out = append(out, u.Enrolment.Subject.ID)
		}
		return out
	}
	if got := lying("smb", "others"); len(got) != 3 || got[0] != "acme" || got[2] != "core" {
		t.Errorf("unclaimed: %v", got)
	}
	must(t, db.TakeOver(ctx, []steward.EnrolmentID{all[0].ID}, "dana", start.Add(time.Hour)))
	must(t, db.Ack(ctx, all[1].ID, "sam", start.Add(time.Hour)))
	if got := lying("smb"); len(got) != 1 || got[0] != "core" {
		t.Errorf("unclaimed after a claim and an ack: %v", got)
	}
	if got := lying("others"); len(got) != 0 {
		t.Errorf("in another pool: %v", got)
	}
	if list, err := db.Unclaimed(ctx, []steward.OwnerID{"smb"}, start.Add(time.Hour)); err != nil || len(list) != 0 {
		t.Errorf("planned later: %v, %v", list, err)
	}
}

// A claim takes an enrolment on, once and for one person.
func TestTakeOver(t *testing.T) {
	ctx, db := context.Background(), openTest(t)
	plan(t, db, "acme")
	plan(t, db, "bolt")
	a, b := enrolment("acme", "login-drop", start), enrolment("bolt", "login-drop", start)
	must(t, db.TakeOver(ctx, []steward.EnrolmentID{a.ID}, "dana", start.Add(time.Hour)))
	got, err := db.Enrolment(ctx, string(a.ID))
	must(t, err)
	if got.ClaimedBy != "dana" || got.AckedBy != "dana" || !got.AckedAt.Equal(start.Add(time.Hour)) || !got.Due.Equal(start.Add(time.Hour)) || got.Rev != 2 {
		t.Errorf("claimed: %+v", got)
	}
	records, err := db.Records(ctx, RecordFilter{Account: "acme", Enrolment: a.ID})
	must(t, err)
	if len(records) != 1 || records[0].Reason != steward.ReasonClaimed {
		t.Errorf("on record: %+v", records)
	}
	before := everyRow(t, db)
	must(t, db.TakeOver(ctx, []steward.EnrolmentID{a.ID}, "dana", start.Add(2*time.Hour)))
	if diff := different(before, everyRow(t, db)); diff != "" {
		t.Errorf("claiming again changed %s", diff)
	}
	// All or none: bolt is free, acme is not.
	if err := db.TakeOver(ctx, []steward.EnrolmentID{b.ID, a.ID}, "sam", start.Add(2*time.Hour)); !errors.Is(err, ErrConflict) {
		t.Errorf("a second claim: %v, want ErrConflict", err)
	}
	if diff := different(before, everyRow(t, db)); diff != "" {
		t.Errorf("a refused claim changed %s", diff)
	}
	must(t, db.Ack(ctx, b.ID, "kim", start))
	if err := db.TakeOver(ctx, []steward.EnrolmentID{b.ID}, "sam", start); !errors.Is(err, ErrConflict) {
		t.Errorf("a claim of what kim took on: %v, want ErrConflict", err)
	}
	must(t, sqlOf(`UPDATE enrolments SET state = 'completed'`)(ctx, db))
	if err := db.TakeOver(ctx, []steward.EnrolmentID{b.ID}, "kim", start); !errors.Is(err, ErrSettled) {
		t.Errorf("a claim of what has ended: %v, want ErrSettled", err)
	}
	// The writer of decisions does not lose who claimed it.
	must(t, sqlOf(`UPDATE enrolments SET state = 'active'`)(ctx, db))
	got, err = db.Enrolment(ctx, string(a.ID))
	must(t, err)
	got.Step++
	commitAll(t, db, steward.Change{Account: "acme", Enrolments: []steward.Enrolment{got}})
	if got, err = db.Enrolment(ctx, string(a.ID)); err != nil || got.ClaimedBy != "dana" {
		t.Errorf("after a step: claimed by %q, %v", got.ClaimedBy, err)
	}
}
