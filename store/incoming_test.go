package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

// bounce is a hard bounce of a mail, with all that comes of one.
func bounceOf(m steward.MessageID, e steward.Enrolment, key string) (steward.Incoming, steward.Change) {
	in := steward.Incoming{Key: key, Kind: steward.HardBounce, Message: m, Address: "Ada@Example.com", At: start, Status: "5.1.1", Detail: "no such user", Back: steward.NoDay}
	return in, steward.Change{
		Account:    e.Subject.Account,
		Suppressed: []steward.Suppression{{Address: "ada@example.com", Reason: "bounced: 5.1.1", Source: steward.BounceSource, At: start}},
		Given: []steward.Task{{ID: "o-bounced", Enrolment: e.ID, Playbook: e.Playbook, Subject: e.Subject, Owner: "dana", Name: "Dana Reyes",
			Title: "Find another address", Given: start, Due: steward.NoDay}},
		// Whatever a change holds is written once; this would be there twice.
		Words: []steward.Word{{Kind: steward.AboutAccount, ID: "acme", Account: "acme", Field: steward.PulseField, Value: steward.Num(1), Day: 20_000, By: "lee", At: start}},
	}
}

func TestWhatCameBackActsOnce(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	e := enrolment("acme", "drop", start)
	m := cardFor("acme", start)
	m.Kind, m.Channel, m.To.Email, m.State = steward.Mail, steward.Email, "ada@example.com", steward.Sent
	o := outreachFor(e, "help", m.ID)
	_, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "acme", Enrolments: []steward.Enrolment{e}, Messages: []steward.Message{m}, Outreach: []steward.Outreach{o}}}, start)
	must(t, err)

	in, change := bounceOf(m.ID, e, "mail:1")
	for i, want := range []bool{true, false} {
		isNew, err := db.Receive(ctx, in, change, start.Add(time.Duration(i)*time.Hour))
		must(t, err)
		if isNew != want {
			t.Errorf("time %d: new is %v", i+1, isNew)
		}
	}
	words, err := db.Words(ctx, "acme", 10)
	must(t, err)
	if len(words) != 1 {
		t.Errorf("one bounce was written %d times", len(words))
	}
	who, err := db.SuppressedAddresses(ctx)
	must(t, err)
	if why, out := who.Why("ada@example.com", ""); !out || why != "bounced: 5.1.1" {
		t.Errorf("the address is not suppressed: %v", who)
	}
	counts, err := db.IncomingCounts(ctx)
	must(t, err)
	if diff := cmp.Diff(map[steward.IncomingKind]int{steward.HardBounce: 1}, counts); diff != "" {
		t.Error(diff)
	}

	// The task is no answer to the enrolment, and outlives it.
	ended, err := db.Enrolment(ctx, string(e.ID))
	must(t, err)
	ended.State, ended.Reason, ended.EndedAt = steward.Exited, steward.ReasonRecovered, start
	_, err = db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "acme", Enrolments: []steward.Enrolment{ended}}}, start)
	must(t, err)
	tasks, err := db.Tasks(ctx, TaskFilter{})
	must(t, err)
	if len(tasks) != 1 || tasks[0].Title != "Find another address" || tasks[0].State != steward.TaskOpen {
		t.Fatalf("tasks: %+v", tasks)
	}
	if _, err := db.FinishTask(ctx, "o-bounced", "asked reception", "dana", start); err != nil {
		t.Fatal(err)
	}
	if got, err := db.Enrolment(ctx, string(e.ID)); err != nil || !got.DoneAt.IsZero() {
		t.Errorf("the enrolment's tasks are done at %v (%v), and it gave none", got.DoneAt, err)
	}
}

// A reply that was decided on an enrolment which has changed since leaves nothing
// behind, so that it is decided anew.
func TestWhatCameBackIsDecidedOnWhatStands(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	e := enrolment("acme", "drop", start)
	_, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "acme", Enrolments: []steward.Enrolment{e}}}, start)
	must(t, err)
	old, err := db.Enrolment(ctx, string(e.ID))
	must(t, err)
	must(t, db.Ack(ctx, e.ID, "dana", start))
	old.RepliedAt = start
	in := steward.Incoming{Key: "mail:2", Kind: steward.Reply, Address: "ada@example.com", At: start, Back: steward.NoDay}
	if isNew, err := db.Receive(ctx, in, steward.Change{Account: "acme", Enrolments: []steward.Enrolment{old}}, start); !errors.Is(err, ErrConflict) || isNew {
		t.Fatalf("new %v, %v", isNew, err)
	}
	fresh, err := db.Enrolment(ctx, string(e.ID))
	must(t, err)
	fresh.RepliedAt = start
	if isNew, err := db.Receive(ctx, in, steward.Change{Account: "acme", Enrolments: []steward.Enrolment{fresh}}, start); err != nil || !isNew {
		t.Fatalf("new %v, %v", isNew, err)
	}
	if got, err := db.Enrolment(ctx, string(e.ID)); err != nil || !got.RepliedAt.Equal(start) || got.AckedBy != "dana" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestWhoIsAway(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	away := func(key, address string, at time.Time, back steward.Day) {
		t.Helper()
		_, err := db.Receive(ctx, steward.Incoming{Key: key, Kind: steward.AutoReply, Address: address, At: at, Back: back}, steward.Change{Account: "acme"}, start)
		must(t, err)
	}
	away("1", "ada@example.com", start, 20_010)
	away("2", "ada@example.com", start.Add(time.Hour), 20_005) // comes back sooner
	away("3", "bo@example.com", start, 20_001)
	away("4", "cy@example.com", start, steward.NoDay)
	for today, want := range map[steward.Day]map[string]steward.Day{
		20_000: {"ada@example.com": 20_005, "bo@example.com": 20_001},
		20_001: {"ada@example.com": 20_005},
		20_005: {}, // the older notice was overtaken by the newer one
	} {
		got, err := db.Away(ctx, today)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("on %s (-want +got):\n%s", today, diff)
		}
	}
}

func TestSoftBouncesAreCountedByMail(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	for _, b := range []struct {
		key string
		m   steward.MessageID
		at  time.Time
	}{{"1", "m-1", start}, {"2", "m-1", start.Add(time.Hour)}, {"3", "m-2", start}, {"4", "m-3", start.AddDate(0, 0, -20)}, {"5", "m-4", start}} {
		_, err := db.Receive(ctx, steward.Incoming{Key: b.key, Kind: steward.SoftBounce, Message: b.m, Address: "ada@example.com", At: b.at, Back: steward.NoDay}, steward.Change{}, start)
		must(t, err)
	}
	n, err := db.SoftBounces(ctx, "Ada@example.com", "m-4", start.AddDate(0, 0, -14))
	must(t, err)
	if n != 2 {
		t.Errorf("%d other mails came back, want 2", n)
	}
}

func TestAMailboxIsReadOnFromWhereItWas(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	if _, known, err := db.MailCursor(ctx, "INBOX"); err != nil || known {
		t.Fatalf("before the first time: %v %v", known, err)
	}
	for _, c := range []steward.MailCursor{{Validity: 1, UID: 7}, {Validity: 4_000_000_000, UID: 3}} {
		must(t, db.MoveMailCursor(ctx, "INBOX", c))
		if got, known, err := db.MailCursor(ctx, "INBOX"); err != nil || !known || got != c {
			t.Errorf("%+v %v, want %+v", got, err, c)
		}
	}
}
