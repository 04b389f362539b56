package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"steward"
)

func quiet(id string) steward.Silence {
	return steward.Silence{Account: steward.AccountID(id), From: start, Until: start.AddDate(0, 0, 14), Because: "an office move", By: "dana", ByOwner: "dana"}
}

// A silence is seen by whoever decides on a message, ends once, and then what it
// put off is looked at again at once.
func TestSilences(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	m := plan(t, db, "acme")
	m.Expires = start.AddDate(0, 0, 7)
	_, err := db.write.ExecContext(ctx, `UPDATE messages SET expires = ?`, m.Expires.Unix())
	must(t, err)
	id, err := db.Silence(ctx, quiet("acme"))
	must(t, err)
	var seen []steward.Silence
	ruling := steward.Ruling{Decision: steward.Decision{Effect: steward.Defer, Reason: steward.ReasonSilenced, Until: start.AddDate(0, 0, 14), Detail: "silenced"}}
	d, _, err := db.Claim(ctx, m.ID, 0, start, time.Minute, func(d steward.Dossier) (steward.Ruling, error) {
		seen = d.Silences
		return ruling, nil
	})
	must(t, err)
	want := quiet("acme")
	want.ID = id
	diff(t, "what the gates see", []steward.Silence{want}, seen)
	// What is silenced does not grow old meanwhile.
	if got, want := d.Message.Expires.Sub(m.Expires), 14*24*time.Hour; got != want {
		t.Errorf("it expires %s later, want %s", got, want)
	}
	later := start.Add(time.Hour)
	must(t, db.Unsilence(ctx, id, "lee", later))
	if err := db.Unsilence(ctx, id, "sam", later); !errors.Is(err, ErrSettled) {
		t.Errorf("ending it again: %v", err)
	}
	due, err := db.DueMessages(ctx, later, 10, steward.Slack)
	must(t, err)
	if len(due) != 1 || due[0].ID != m.ID || due[0].Epoch != 1 {
		t.Errorf("due after it ended: %+v", due)
	}
	for all, n := range map[bool]int{false: 0, true: 1} {
		list, err := db.Silences(ctx, later, all)
		must(t, err)
		if len(list) != n || all && (list[0].EndedBy != "lee" || !list[0].Ended.Equal(later)) {
			t.Errorf("all %v: %+v", all, list)
		}
	}
	st, err := db.Standing(ctx)
	must(t, err)
	if len(st.Silences) != 0 {
		t.Errorf("still standing: %+v", st.Silences)
	}
	second, err := db.Silence(ctx, quiet("bolt"))
	must(t, err)
	over := quiet("bolt")
	over.ID, over.Ended, over.EndedBy = second, later, "its time was over"
	must(t, db.EndSilences(ctx, []steward.Silence{over, {ID: id, Ended: later.Add(time.Hour), EndedBy: "nobody"}}))
	list, err := db.Silences(ctx, later, true)
	must(t, err)
	diff(t, "in the end", []string{"lee", "its time was over"}, []string{list[0].EndedBy, list[1].EndedBy})
}
