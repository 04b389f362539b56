package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"steward"
)

func commitEnrolments(t *testing.T, db *DB, all ...steward.Enrolment) {
	t.Helper()
	for _, e := range all {
		conflicts, err := db.Commit(context.Background(), steward.Run{}, []steward.Change{{Account: e.Subject.Account, Enrolments: []steward.Enrolment{e}}}, start)
		must(t, err)
		if len(conflicts) > 0 {
			t.Fatalf("%s is in conflict", e.ID)
		}
	}
}

func with(e steward.Enrolment, change func(*steward.Enrolment)) steward.Enrolment {
	change(&e)
	return e
}

func TestDueEnrolments(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	commitEnrolments(t, db,
		with(enrolment("late", "p", start), func(e *steward.Enrolment) { e.State, e.Due = steward.Waiting, start.Add(-time.Hour) }),
		with(enrolment("now", "p", start), func(e *steward.Enrolment) { e.State, e.Due = steward.Waiting, start }),
		with(enrolment("later", "p", start), func(e *steward.Enrolment) { e.State, e.Due = steward.Waiting, start.Add(time.Second) }),
		with(enrolment("whenever", "p", start), func(e *steward.Enrolment) { e.State = steward.Waiting }),
		with(enrolment("held", "p", start), func(e *steward.Enrolment) { e.State = steward.Quarantined }),
		with(enrolment("over", "p", start), func(e *steward.Enrolment) { e.State = steward.Completed }),
		enrolment("active", "p", start),
	)
	plan(t, db, "sending") // active, and its card is not settled: there is nothing to do for it yet
	names := func(limit int) (out []string) {
		due, err := db.DueEnrolments(ctx, start, limit)
		must(t, err)
		for _, e := range due {
			out = append(out, e.Subject.ID)
		}
		return out
	}
	all := names(0)
	if len(all) != 5 || all[0] != "late" || all[1] != "now" || all[4] != "sending" {
		t.Errorf("due: %v", all)
	}
	if first := names(2); len(first) != 2 || first[1] != "now" {
		t.Errorf("first two: %v", first)
	}
}

func TestAck(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	e := with(enrolment("acme", "p", start), func(e *steward.Enrolment) { e.State, e.Due = steward.Waiting, start.AddDate(0, 0, 2) })
	over := with(enrolment("bolt", "p", start), func(e *steward.Enrolment) { e.State, e.Reason = steward.Exited, steward.ReasonRecovered })
	commitEnrolments(t, db, e, over)
	must(t, db.Ack(ctx, e.ID, "dana", start.Add(time.Hour)))
	must(t, db.Ack(ctx, e.ID, "dana", start.Add(2*time.Hour)))
	got, err := db.Enrolment(ctx, string(e.ID))
	must(t, err)
	if got.AckedBy != "dana" || !got.AckedAt.Equal(start.Add(time.Hour)) || !got.Due.Equal(start.Add(time.Hour)) || got.Rev != 2 {
		t.Errorf("taken on: %+v", got)
	}
	if err := db.Ack(ctx, e.ID, "lee", start); !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), "dana") {
		t.Errorf("by another: %v", err)
	}
	if err := db.Ack(ctx, over.ID, "lee", start); !errors.Is(err, ErrSettled) {
		t.Errorf("one that is over: %v", err)
	}
	if err := db.Ack(ctx, "e-nobody", "lee", start); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such: %v", err)
	}
}

func TestReleaseAndExpireQuarantine(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	held := func(account steward.AccountID, playbook steward.PlaybookName, at time.Time) steward.Enrolment {
		return with(enrolment(account, playbook, at), func(e *steward.Enrolment) { e.State, e.Reason = steward.Quarantined, steward.ReasonBaseline })
	}
	a, b, c, d := held("a", "p", start), held("b", "p", start), held("a", "q", start), held("d", "q", start.AddDate(0, 0, -20))
	commitEnrolments(t, db, a, b, c, d, enrolment("e", "p", start))
	later := start.Add(time.Hour)
	released, err := db.Release(ctx, ReleaseFilter{Playbook: "p", IDs: []steward.EnrolmentID{a.ID, c.ID}}, later)
	must(t, err)
	if len(released) != 1 || released[0].ID != a.ID {
		t.Fatalf("released %v", released)
	}
	got, err := db.Enrolment(ctx, string(a.ID))
	must(t, err)
	diff(t, "returned and stored", got, released[0])
	if got.State != steward.Active || got.Reason != steward.ReasonReleased || !got.StepSince.Equal(later) || !got.Due.Equal(later) || got.Rev != 2 {
		t.Errorf("released: %+v", got)
	}
	if records, err := db.Records(ctx, RecordFilter{Account: a.Subject.Account, Enrolment: a.ID}); err != nil || len(records) != 1 || records[0].Reason != steward.ReasonReleased {
		t.Errorf("records %+v, %v", records, err)
	}
	if released, err = db.Release(ctx, ReleaseFilter{Account: "a"}, later); err != nil || len(released) != 1 || released[0].ID != c.ID {
		t.Errorf("of account a: %v, %v", released, err)
	}
	if n, err := db.ExpireQuarantine(ctx, start.AddDate(0, 0, -14), later); err != nil || n != 1 {
		t.Errorf("expired %d, %v", n, err)
	}
	got, err = db.Enrolment(ctx, string(d.ID))
	must(t, err)
	if got.State != steward.Exited || got.Reason != steward.ReasonQuarantineExpired || !got.EndedAt.Equal(later) {
		t.Errorf("expired: %+v", got)
	}
	counts, err := db.Counts(ctx)
	must(t, err)
	if counts.Quarantined != 1 || counts.OpenEnrolments != 4 {
		t.Errorf("counts %+v", counts)
	}
	if released, err = db.Release(ctx, ReleaseFilter{}, later); err != nil || len(released) != 1 || released[0].ID != b.ID {
		t.Errorf("all the rest: %v, %v", released, err)
	}
}

func TestFindingByTheBeginningOfAnID(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	id := func(s string) func(*steward.Enrolment) {
		return func(e *steward.Enrolment) { e.ID = steward.EnrolmentID(s) }
	}
	commitEnrolments(t, db,
		with(enrolment("a", "p", start), id("e-abcd")), with(enrolment("b", "p", start), id("e-abef")), with(enrolment("c", "p", start), id("e-abefgh")))
	for _, c := range []struct{ typed, want, says string }{
		{"e-abcd", "e-abcd", ""},
		{"e-abc", "e-abcd", ""},
		{"ABC", "e-abcd", ""}, // from a card that a person read out
		{" abefg ", "e-abefgh", ""},
		{"abef", "e-abef", ""}, // a whole id wins over a longer one
		{"ab", "", "e-abcd, e-abef, e-abefgh"},
		{"abe", "", "e-abef, e-abefgh"},
		{"zz", "", "nothing begins with e-zz"},
		{"", "", "give an id"},
		{"e-", "", "give an id"},
		{"%", "", "nothing begins with e-%"},
	} {
		got, err := db.Enrolment(ctx, c.typed)
		if c.says == "" {
			if err != nil || string(got.ID) != c.want {
				t.Errorf("Enrolment(%q) = %s, %v", c.typed, got.ID, err)
			}
			continue
		}
		var ambiguous *AmbiguousError
		if err == nil || !strings.Contains(err.Error(), c.says) || !errors.Is(err, ErrNotFound) && !errors.As(err, &ambiguous) {
			t.Errorf("Enrolment(%q): %v, want one that says %q", c.typed, err, c.says)
		}
	}
	if _, err := db.Message(ctx, "abc"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Message: %v", err)
	}
}

// Whatever a person types finds the one id that begins with it, or says why
// not, and never another's.
func FuzzFindingByTheBeginning(f *testing.F) {
	ctx := context.Background()
	db, err := Open(ctx, filepath.Join(f.TempDir(), "steward.db"), Options{})
	must(f, err)
	f.Cleanup(func() { _ = db.Close() })
	var ids []string
	for i := range 40 {
		e := enrolment(steward.AccountID(itoa(i)), "p", start)
		ids = append(ids, string(e.ID))
		_, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Enrolments: []steward.Enrolment{e}}}, start)
		must(f, err)
	}
	for _, s := range []string{"", "e", "e-", "E-", ids[0], ids[1][:5], ids[2][2:], "%", "_", "e-'; --", "\x00", "\xff", "\U0010FFFF", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		got, err := db.Enrolment(ctx, typed)
		var want []string
		begin := strings.ToLower(strings.TrimSpace(typed))
		if !strings.HasPrefix(begin, "e-") {
			begin = "e-" + begin
		}
		for _, id := range ids {
			if begin != "e-" && strings.HasPrefix(id, begin) {
				want = append(want, id)
			}
		}
		var ambiguous *AmbiguousError
		switch {
		case len(want) == 1 && (err != nil || string(got.ID) != want[0]):
			t.Errorf("Enrolment(%q) = %s, %v; want %s", typed, got.ID, err, want[0])
		case len(want) == 0 && !errors.Is(err, ErrNotFound):
			t.Errorf("Enrolment(%q) = %s, %v; want nothing", typed, got.ID, err)
		case len(want) > 1 && !errors.As(err, &ambiguous):
			t.Errorf("Enrolment(%q) = %s, %v; want one of %v", typed, got.ID, err, want)
		}
	})
}
