package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"steward"
)

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b steward.Slot) bool { return a == b })); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func fullChange(account steward.AccountID) steward.Change {
	e, m := enrolment(account, "login-drop", start), cardFor(account, start)
	m.Approvers, m.Expires, m.Veto, m.Content = []steward.OwnerID{"dana", "lee"}, start.AddDate(0, 0, 5), start.AddDate(0, 0, 1),
		&steward.Content{Title: "<b> & co", Parts: []steward.ContentPart{{Markdown: "x", Evidence: []string{"42 → 13"}}}}
	e.GoalAt = start.Add(time.Minute)
	m.RetryUncertain, m.For, m.Version, m.Hash = true, "m-other", 2, "abc"
	return steward.Change{
		Account: account, Enrolments: []steward.Enrolment{e}, Messages: []steward.Message{m},
		Outreach: []steward.Outreach{outreachFor(e, "nudge", m.ID)},
		Phases: []steward.PhaseState{{Playbook: e.Playbook, Subject: e.Subject, Phase: steward.Firing, Episode: e.Episode,
			EpisodeDay: steward.NoDay, Since: e.Episode, Slot: e.Episode}},
		Records: []steward.Record{{At: e.Episode, Playbook: e.Playbook, Subject: e.Subject, Enrolment: e.ID, Step: "nudge",
			Decision: steward.Decision{Effect: steward.Defer, Reason: steward.ReasonPaused, Detail: "until noon", Until: start.Add(time.Hour)}}},
	}
}

func TestWhatIsCommittedIsReadBack(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	c := fullChange("acme")
	conflicts, err := db.Commit(ctx, steward.Run{}, []steward.Change{c, {Account: "nothing to say"}}, start)
	must(t, err)
	if len(conflicts) != 0 {
		t.Fatalf("conflicts: %v", conflicts)
	}
	want := c.Enrolments[0]
	want.Rev = 1
	st, err := db.Standing(ctx)
	must(t, err)
	diff(t, "standing", steward.Standing{Phases: c.Phases, Open: []steward.Enrolment{want}}, st)
	d, err := db.Dossier(ctx, c.Messages[0].ID)
	must(t, err)
	diff(t, "dossier", steward.Dossier{Message: c.Messages[0], Outreach: c.Outreach, Enrolments: []steward.Enrolment{want}, Phases: c.Phases, Afoot: []steward.PlaybookName{"login-drop"}}, d)
	records, err := db.Records(ctx, RecordFilter{Account: "acme", Enrolment: want.ID, Limit: 5})
	must(t, err)
	diff(t, "records", c.Records, records)
	said, messages, err := db.OutreachOf(ctx, []steward.EnrolmentID{want.ID})
	must(t, err)
	diff(t, "outreach", c.Outreach, said)
	diff(t, "messages", map[steward.MessageID]steward.Message{c.Messages[0].ID: c.Messages[0]}, messages)
	found, carries, err := db.Messages(ctx, MessageFilter{State: steward.Planned, Account: "acme", Owner: "dana", Channel: steward.Slack, Kind: steward.Card, Since: start, Limit: 3})
	must(t, err)
	diff(t, "found", c.Messages, found)
	diff(t, "carried", map[steward.MessageID][]steward.Outreach{c.Messages[0].ID: c.Outreach}, carries)
	if none, _, err := db.Messages(ctx, MessageFilter{Since: start.Add(time.Second)}); err != nil || len(none) != 0 {
		t.Errorf("since later: %v, %v", none, err)
	}
}

func TestCommittingAgainIsNothing(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	changes := []steward.Change{fullChange("acme"), fullChange("bolt")}
	_, err := db.Commit(ctx, steward.Run{}, changes, start)
	must(t, err)
	before := dumpAll(t, db)
	conflicts, err := db.Commit(ctx, steward.Run{}, changes, start.Add(time.Hour))
	must(t, err)
	if len(conflicts) != 0 {
		t.Errorf("conflicts: %v", conflicts)
	}
	diff(t, "after the replay", before, dumpAll(t, db))
}

func dumpAll(t *testing.T, db *DB) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, table := range []string{"phases", "enrolments", "outreach", "messages", "records"} {
		rows, err := db.read.Queryx(`SELECT * FROM ` + table)
		must(t, err)
		for rows.Next() {
			row, err := rows.SliceScan()
			must(t, err)
			out[table] = append(out[table], fmt.Sprint(row))
		}
		must(t, rows.Close())
	}
	return out
}

// One change that comes too late is taken back whole, and the others stay.
func TestAConflictTakesBackItsOwnChangeAlone(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	_, err := db.Commit(ctx, steward.Run{}, []steward.Change{fullChange("acme"), fullChange("bolt"), fullChange("crux"), fullChange("dyna")}, start)
	must(t, err)
	next := start.AddDate(0, 0, 1)
	step := func(account steward.AccountID, rev int) steward.Change {
		e := enrolment(account, "login-drop", start)
		e.Rev, e.State, e.Step = rev, steward.Waiting, 1
		card := cardFor(account, next)
		return steward.Change{Account: account, Enrolments: []steward.Enrolment{e}, Messages: []steward.Message{card},
			Outreach: []steward.Outreach{outreachFor(e, "escalate", card.ID)}}
	}
	must(t, db.Ack(ctx, enrolment("bolt", "login-drop", start).ID, "dana", start)) // raises bolt's revision
	second := fullChange("crux")                                                   // crux has one open already
	second.Enrolments[0] = enrolment("crux", "login-drop", next)
	second.Outreach, second.Messages = nil, nil
	stale := fullChange("dyna") // an older slot than dyna's phase has seen
	stale.Phases[0].Slot = steward.SlotAt(start.AddDate(0, 0, -1))
	stale.Enrolments, stale.Outreach, stale.Messages, stale.Records = nil, nil, nil, nil

	conflicts, err := db.Commit(ctx, steward.Run{}, []steward.Change{step("bolt", 1), step("acme", 1), second, stale}, next)
	must(t, err)
	diff(t, "conflicts", []steward.AccountID{"bolt", "crux", "dyna"}, conflicts)
	for account, want := range map[steward.AccountID]int{"acme": 2, "bolt": 1, "crux": 1} {
		found, _, err := db.Messages(ctx, MessageFilter{Account: account})
		must(t, err)
		if len(found) != want {
			t.Errorf("%s has %d messages, want %d", account, len(found), want)
		}
	}
	acme, err := db.Enrolments(ctx, EnrolmentFilter{Account: "acme"})
	must(t, err)
	if acme[0].Rev != 2 || acme[0].Step != 1 {
		t.Errorf("acme: %+v", acme[0])
	}
	if all, err := db.Enrolments(ctx, EnrolmentFilter{Account: "crux"}); err != nil || len(all) != 1 {
		t.Errorf("crux has %d enrolments, %v", len(all), err)
	}
	// The conflict's account may be decided anew at once.
	if conflicts, err = db.Commit(ctx, steward.Run{}, []steward.Change{step("bolt", 2)}, next); err != nil || len(conflicts) != 0 {
		t.Errorf("decided anew: %v, %v", conflicts, err)
	}
}

// A subject's enrolment may end and its next one open in one change.
func TestEndingAndOpeningInOneChange(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	old := enrolment("acme", "login-drop", start)
	_, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "acme", Enrolments: []steward.Enrolment{old}}}, start)
	must(t, err)
	next := start.AddDate(0, 1, 0)
	old.Rev, old.State, old.Reason, old.EndedAt = 1, steward.Exited, steward.ReasonRecovered, next
	conflicts, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "acme", Enrolments: []steward.Enrolment{enrolment("acme", "login-drop", next), old}}}, next)
	must(t, err)
	st, err := db.Standing(ctx)
	must(t, err)
	ended, err := db.Ended(ctx)
	must(t, err)
	if len(conflicts) != 0 || len(st.Open) != 1 || len(ended) != 1 || ended[0].ID != old.ID {
		t.Errorf("conflicts %v, standing %+v, ended %+v", conflicts, st, ended)
	}
}

func TestAMessageWithNothingNewToSayIsNotKept(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	_, err := db.Commit(ctx, steward.Run{}, []steward.Change{fullChange("acme")}, start)
	must(t, err)
	again := fullChange("acme")
	again.Messages[0] = cardFor("acme", start.Add(time.Hour))
	again.Outreach[0].Message = again.Messages[0].ID
	_, err = db.Commit(ctx, steward.Run{}, []steward.Change{again}, start)
	must(t, err)
	if found, _, err := db.Messages(ctx, MessageFilter{}); err != nil || len(found) != 1 {
		t.Errorf("%d messages, %v: an empty card would go out", len(found), err)
	}
}

// Of each playbook and subject, the newest ended enrolment is remembered.
func TestLastEnded(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	rapid.Check(t, func(rt *rapid.T) {
		db.write.MustExec(`DELETE FROM enrolments`)
		want := map[string]steward.EnrolmentID{}
		newest := map[string]time.Time{}
		for i := range rapid.IntRange(0, 12).Draw(rt, "n") {
			key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "subject")
			e := enrolment(steward.AccountID(key), "login-drop", start.Add(time.Duration(i)*time.Hour))
			e.State, e.EndedAt = steward.Completed, start.Add(time.Duration(rapid.IntRange(0, 1000).Draw(rt, "ended")*100+i)*time.Second)
			if e.EndedAt.After(newest[key]) {
				newest[key], want[key] = e.EndedAt, e.ID
			}
			if c, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Enrolments: []steward.Enrolment{e}}}, start); err != nil || len(c) > 0 {
				rt.Fatal(c, err)
			}
		}
		ended, err := db.Ended(ctx)
		if err != nil {
			rt.Fatal(err)
		}
		got := map[string]steward.EnrolmentID{}
		for _, e := range ended {
			got[e.Subject.ID] = e.ID
		}
		if d := cmp.Diff(want, got); d != "" || len(ended) != len(want) {
			rt.Fatalf("%s", d)
		}
	})
}

func TestPlaybookVersions(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	must(t, db.SavePlaybookVersion(ctx, "login-drop", "h1", "playbook: login-drop\n", start))
	must(t, db.SavePlaybookVersion(ctx, "login-drop", "h1", "something else", start))
	if text, err := db.PlaybookVersion(ctx, "h1"); err != nil || text != "playbook: login-drop\n" {
		t.Errorf("PlaybookVersion = %q, %v", text, err)
	}
	if _, err := db.PlaybookVersion(ctx, "h2"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown version: %v", err)
	}
}
