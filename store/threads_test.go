package store

import (
	"context"
	"testing"
	"time"

	"steward"
)

// A later card about the same thing to the same addressee goes into the thread of
// the first; one that says something else, too, or to somebody else, does not.
func TestThreads(t *testing.T) {
	ctx, db := context.Background(), openTest(t)
	drop, fade := enrolment("acme", "login-drop", start), enrolment("acme", "slow-fade", start)
	card := func(id steward.MessageID, at time.Time, owner steward.OwnerID, sent bool, about ...steward.Enrolment) {
		t.Helper()
		m := cardFor("acme", at)
		m.ID, m.To.Owner, m.To.Slack = id, owner, "U-"+string(owner)
		c := steward.Change{Account: "acme", Messages: []steward.Message{m}}
		for _, e := range about {
			o := outreachFor(e, string(id), id)
			o.To = m.To
			c.Outreach = append(c.Outreach, o)
		}
		commitAll(t, db, c)
		if sent {
			_, _, err := db.Claim(ctx, id, 0, at, time.Minute, pass)
			must(t, err)
			must(t, db.Settle(ctx, id, 0, steward.Settlement{State: steward.Sent, Ref: "C1/" + string(id)}, at))
		}
	}
	commitAll(t, db, steward.Change{Account: "acme", Enrolments: []steward.Enrolment{drop, fade}})
	h := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	card("m-first", h(0), "dana", true, drop)
	card("m-lost", h(1), "dana", false, drop)
	card("m-manager", h(2), "lee", true, drop)
	card("m-second", h(3), "dana", true, drop)
	card("m-both", h(4), "dana", true, drop, fade)
	card("m-third", h(5), "dana", false, drop)
	card("m-fade", h(6), "dana", false, fade)
	card("m-both-again", h(7), "dana", false, drop, fade)
	for id, want := range map[steward.MessageID]string{
		"m-first": "", "m-lost": "C1/m-first", "m-manager": "", "m-second": "C1/m-first", "m-both": "",
		"m-third": "C1/m-first", "m-fade": "C1/m-both", "m-both-again": "",
	} {
		d, err := db.Dossier(ctx, id)
		must(t, err)
		if d.Thread != want {
			t.Errorf("%s is in thread %q, want %q", id, d.Thread, want)
		}
	}
}
