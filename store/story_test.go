package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

// What is told of an account is all of it and nothing of another's.
func TestStoryIsOfOneAccount(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	_, err := db.Import(ctx, Batch{Source: "crm", At: start, Accounts: []steward.Account{{ID: "acme", Name: "Acme"}, {ID: "birch", Name: "Birch"}},
		Contacts: []steward.Contact{{ID: "c1", Account: "acme", Name: "Ada Ash", Email: " Ada@Example.com "}, {ID: "c2", Account: "birch", Name: "Bo", Email: "bo@example.com"}}})
	must(t, err)
	must(t, db.Suppress(ctx, "ada@example.com", "unsubscribed", "a link", start))
	must(t, db.Suppress(ctx, "bo@example.com", "bounced", "a bounce", start))
	for _, id := range []steward.AccountID{"acme", "birch"} {
		c := fullChange(id)
		_, err := db.Commit(ctx, steward.Run{}, []steward.Change{c}, start)
		must(t, err)
		_, _, err = db.Perform(ctx, steward.Act{Key: "take " + string(id), Verb: steward.VerbTake, At: start, Account: id, Via: steward.ViaPage}, steward.Change{Account: id}, "ok", start)
		must(t, err)
		_, err = db.write.Exec(`INSERT INTO incoming (key, kind, message, address, account, at, seen_at, status, detail, back) VALUES (?, 'auto_reply', '', 'ada@example.com', ?, ?, ?, '', 'away', 20500)`,
			"in "+id, id, start.Unix(), start.Unix())
		must(t, err)
	}
	story, err := db.Story(ctx, "acme", 100)
	must(t, err)
	if diff := cmp.Diff(map[string]string{"ada@example.com": "unsubscribed"}, story.Suppressed); diff != "" {
		t.Error(diff)
	}
	want := fullChange("acme")
	if len(story.Standing.Open)+len(story.Ended) != len(want.Enrolments) || len(story.Standing.Phases) != len(want.Phases) || len(story.Messages) != len(want.Messages) || len(story.Records) < len(want.Records) || len(story.Outreach) == 0 {
		t.Errorf("open %d, ended %d, phases %d, messages %d, records %d, outreach %d", len(story.Standing.Open), len(story.Ended), len(story.Standing.Phases), len(story.Messages), len(story.Records), len(story.Outreach))
	}
	if len(story.Acts) != 1 || story.Acts[0].Key != "take acme" || len(story.Incoming) != 1 || story.Incoming[0].Back != 20500 || !story.Incoming[0].At.Equal(start.Truncate(time.Second)) {
		t.Errorf("acts %+v, incoming %+v", story.Acts, story.Incoming)
	}
	for _, o := range story.Outreach {
		if o.Subject.Account != "acme" {
			t.Errorf("told is %+v", o)
		}
	}
	none, err := db.Story(ctx, "nobody", 100)
	if err != nil || len(none.Messages)+len(none.Records)+len(none.Acts)+len(none.Standing.Open) != 0 {
		t.Errorf("of nobody: %+v, %v", none, err)
	}
}
