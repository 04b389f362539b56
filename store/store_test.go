package store

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"steward"
	"steward/series"
)

// berlin is the workspace's zone in these tests; at is an instant of one.
var berlin = mustZone("Europe/Berlin")

func mustZone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

// start is the moment most tests begin at: a Thursday morning.
var start = time.Date(2026, 3, 12, 6, 0, 0, 0, time.UTC)

func openTest(t *testing.T) *DB {
	t.Helper()
	db, err := Open(context.Background(), filepath.Join(t.TempDir(), "steward.db"), Options{})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func daily(t testing.TB, from steward.Day, values ...float64) series.Series {
	t.Helper()
	s, err := series.New(from, values)
	must(t, err)
	return s
}

func enrolment(account steward.AccountID, playbook steward.PlaybookName, episode time.Time) steward.Enrolment {
	s := steward.Subject{Kind: steward.AboutAccount, ID: string(account), Account: account}
	return steward.Enrolment{
		ID: steward.NewEnrolmentID(playbook, s, steward.SlotAt(episode)), Playbook: playbook, Subject: s,
		Episode: steward.SlotAt(episode), State: steward.Active, Arm: steward.Treatment, Version: "v1",
		EpisodeDay: steward.DayOf(episode, berlin) - 1, Frozen: map[string]steward.Value{"avg(logins, 14d)": steward.Num(42)},
		Evidence: []steward.Evidence{{Part: "drop(logins, 14d) >= 50%", Saw: steward.Num(0.64), Verdict: steward.Holds}},
		OpenedAt: episode, StepSince: episode,
	}
}

func outreachFor(e steward.Enrolment, step string, m steward.MessageID) steward.Outreach {
	return steward.Outreach{
		ID: steward.NewOutreachID(e.ID, step, "1", "owner"), Enrolment: e.ID, Playbook: e.Playbook, Subject: e.Subject,
		Step: step, Occurrence: "1", To: steward.Recipient{Key: "owner", Owner: "dana", Slack: "U1"}, Message: m,
		Wording: "login-drop", Severity: "warning", Priority: steward.Num(3), Planned: e.OpenedAt,
	}
}

func cardFor(account steward.AccountID, at time.Time) steward.Message {
	return steward.Message{
		ID: steward.NewMessageID(steward.Card, "dana", string(account), steward.SlotAt(at).String()), Kind: steward.Card,
		Channel: steward.Slack, To: steward.Recipient{Key: "owner", Owner: "dana", Name: "Dana Reyes", Slack: "U1"},
		Account: account, State: steward.Planned, Due: at, Planned: at,
	}
}

// plan writes an enrolment with one card and returns the card.
func plan(t *testing.T, db *DB, account steward.AccountID) steward.Message {
	t.Helper()
	e, m := enrolment(account, "login-drop", start), cardFor(account, start)
	conflicts, err := db.Commit(context.Background(), steward.Run{}, []steward.Change{{
		Account: account, Enrolments: []steward.Enrolment{e}, Messages: []steward.Message{m},
		Outreach: []steward.Outreach{outreachFor(e, "nudge", m.ID)},
	}}, start)
	must(t, err)
	if len(conflicts) > 0 {
		t.Fatalf("conflicts: %v", conflicts)
	}
	return m
}

// ruling is a decision that comes to the same whatever is decided on.
func ruling(d steward.Decision) func(steward.Dossier) (steward.Ruling, error) {
	return func(steward.Dossier) (steward.Ruling, error) { return steward.Ruling{Decision: d}, nil }
}

func pass(steward.Dossier) (steward.Ruling, error) { return steward.Ruling{}, nil }
