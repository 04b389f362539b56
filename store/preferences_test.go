package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"steward"
)

// mailTo commits one planned mail of a topic.
func mailTo(t *testing.T, db *DB, account, email string, topic steward.Topic) steward.MessageID {
	t.Helper()
	mail := cardFor(steward.AccountID(account), start)
	mail.ID, mail.Kind, mail.Channel, mail.Topic = steward.NewMessageID(steward.Mail, account, email, string(topic)), steward.Mail, steward.Email, topic
	mail.To = steward.Recipient{Key: "role:champion", Contact: steward.ContactID("p-" + account), Email: email}
	e := enrolment(steward.AccountID(account), steward.PlaybookName("help-"+topic), start)
	_, err := db.Commit(context.Background(), steward.Run{}, []steward.Change{{Account: steward.AccountID(account), Enrolments: []steward.Enrolment{e},
		Messages: []steward.Message{mail}, Outreach: []steward.Outreach{outreachFor(e, "help", mail.ID)}}}, start)
	must(t, err)
	return mail.ID
}

// A preference is the address's: whoever has it, in whatever spelling, about
// whatever account; an address with a tag is another.
func TestPreferencesFollowTheAddress(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	report := mailTo(t, db, "acme", "Ana@Acme.example", steward.TopicReport)
	care := mailTo(t, db, "acme", "ana@acme.example", steward.TopicCare)
	elsewhere := mailTo(t, db, "birch", " ANA@ACME.EXAMPLE", steward.TopicReport)
	tagged := mailTo(t, db, "cedar", "ana+x@acme.example", steward.TopicReport)
	old := mailTo(t, db, "dune", "ana@acme.example", "")
	stopped := func(want ...bool) {
		t.Helper()
		outs, err := db.SuppressedAddresses(ctx)
		must(t, err)
		for i, id := range []steward.MessageID{report, care, elsewhere, tagged, old} {
			d, err := db.Dossier(ctx, id)
			must(t, err)
			// The first look goes by the whole list, the last by the one address.
			_, listed := outs.Why(address(d.Message.To.Email), d.Message.Topic)
			if d.Suppressed != want[i] || listed != want[i] {
				t.Errorf("mail %d: stopped at send %v (%s), by the list %v; want %v", i, d.Suppressed, d.SuppressedWhy, listed, want[i])
			}
		}
	}
	stopped(false, false, false, false, false)
	must(t, db.Prefer(ctx, "ANA@acme.example", []steward.Topic{steward.TopicReport}, nil, BySelf, start))
	stopped(true, false, true, false, false)
	r, err := db.ReaderOf(ctx, elsewhere)
	must(t, err)
	if r.Topic != steward.TopicReport || r.None || len(r.Unwanted) != 1 || r.Unwanted[0] != steward.TopicReport {
		t.Errorf("the reader reads %+v", r)
	}
	list, err := db.Suppressions(ctx)
	must(t, err)
	diff(t, "list", []steward.Suppression{{Address: "ana@acme.example", Topic: steward.TopicReport, Reason: "for report mail, by the reader's own choice", Source: BySelf, At: start}}, list)

	must(t, db.Suppress(ctx, "ana@acme.example", Unsubscribed, BySelf, start))
	stopped(true, true, true, false, true)
	// Who chooses again gets what they ticked.
	must(t, db.Prefer(ctx, "ana@acme.example", []steward.Topic{steward.TopicCare}, []steward.Topic{steward.TopicReport}, BySelf, start.Add(time.Hour)))
	stopped(false, true, false, false, false)
	must(t, db.AllowTopic(ctx, "Ana@acme.example", steward.TopicCare))
	stopped(false, false, false, false, false)
	if err := db.AllowTopic(ctx, "ana@acme.example", steward.TopicCare); !errors.Is(err, ErrNotFound) {
		t.Errorf("AllowTopic again: %v", err)
	}
	// What a bounce or one of us stopped, no link starts again.
	must(t, db.Suppress(ctx, "ana@acme.example", "bounced", "a mail server", start))
	must(t, db.Prefer(ctx, "ana@acme.example", nil, steward.Topics(), BySelf, start))
	stopped(true, true, true, false, true)
	for _, bad := range []func() error{
		func() error { return db.Prefer(ctx, " ", steward.Topics(), nil, "x", start) },
		func() error { return db.Prefer(ctx, "a@b.example", []steward.Topic{""}, nil, "x", start) },
	} {
		if bad() == nil {
			t.Error("nothing was kept as a preference")
		}
	}
}
