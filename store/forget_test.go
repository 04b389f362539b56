package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"

	"steward"
)

func TestForget(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	ana := steward.Contact{ID: "p-771", Account: "acme", Name: `Ana "Quince" Ruiz`, Email: "Ana.Ruiz@acme.example", Roles: []string{"champion"}, LastSeen: steward.NoDay}
	bob := steward.Contact{ID: "p-772", Account: "acme", Name: "Bob Stone", Email: "bob@acme.example", LastSeen: steward.NoDay}
	batch := Batch{Source: "crm", At: start, Accounts: []steward.Account{account("acme")}, Contacts: []steward.Contact{ana, bob},
		Touches: []steward.Touch{{ID: "t-1", Account: "acme", Contact: ana.ID, Day: 20_500, Kind: "call"}},
		Rejects: []Reject{{File: "contacts.csv", Line: 9, Text: "p-771;" + ana.Email}}}
	_, err := db.Import(ctx, batch)
	must(t, err)
	mail, card := planApproval(t, db, "acme", func(m *steward.Message) {
		m.To = steward.Recipient{Key: "role:champion", Contact: ana.ID, Name: ana.Name, Email: ana.Email}
		m.Content = &steward.Content{Title: "Hello Ana", Parts: []steward.ContentPart{{Markdown: "Dear " + ana.Name}}}
	})
	_, _, err = db.Claim(ctx, card.ID, 0, start, 1, ruling(steward.Decision{Effect: steward.Defer, Reason: steward.ReasonPaused, Detail: "a mail to " + ana.Name + " waits", Until: start.AddDate(0, 0, 1)}))
	must(t, err)
	nudge := cardFor("acme", start.AddDate(0, 0, -1))
	nudge.Content = &steward.Content{Title: "Acme", Parts: []steward.ContentPart{{Markdown: "Call " + ana.Name + " or Bob Stone"}}}
	e := enrolment("acme", "stalled", start)
	_, err = db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "acme", Enrolments: []steward.Enrolment{e},
		Messages: []steward.Message{nudge}, Outreach: []steward.Outreach{outreachFor(e, "nudge", nudge.ID)}}}, start)
	must(t, err)
	must(t, db.Suppress(ctx, ana.Email, "unsubscribed", "link", start))

	done, err := db.Forget(ctx, ana.ID, start)
	must(t, err)
	if done.Messages != 3 || len(done.Erased) != 3 || done.Stopped != 1 || done.Records != 1 {
		t.Errorf("Forget = %+v, want the mail, its request and the card, one of them stopped, and one decision", done)
	}
	if _, err := db.Forget(ctx, ana.ID, start); !errors.Is(err, ErrNotFound) {
		t.Errorf("forgotten twice: %v", err)
	}
	if got := state(t, db, mail.ID); got.State != steward.Suppressed || got.Content != nil || got.To.Email != "" || !got.To.Customer() {
		t.Errorf("the mail: %+v", got)
	}
	if got := state(t, db, card.ID); got.Content != nil {
		t.Errorf("the card that asks to approve it still quotes it: %+v", got.Content)
	}
	if got := state(t, db, nudge.ID); got.State != steward.Planned || got.Content.Parts[0].Markdown != "Call (forgotten) or Bob Stone" {
		t.Errorf("the card: %+v", got)
	}

	// An import does not bring her back, under her id or her address.
	batch.Contacts[1].LastSeen = 20_500
	batch.Contacts = append(batch.Contacts, steward.Contact{ID: "p-900", Account: "acme", Name: "A. R.", Email: " ANA.ruiz@acme.example", LastSeen: steward.NoDay})
	batch.Rejects = nil
	again, err := db.Import(ctx, batch)
	must(t, err)
	p, err := db.Portfolio(ctx)
	must(t, err)
	if again.Forgotten != 2 || len(p.Contacts) != 1 || p.Contacts[0].ID != bob.ID {
		t.Errorf("after an import: %+v, %v", again, p.Contacts)
	}
}

// A person whom the CRM has twice is forgotten whole: nothing of them stays,
// and mail they opted out of does not go to the other entry.
func TestForgettingAPersonWhoIsThereTwice(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	ana := steward.Contact{ID: "p-1", Account: "acme", Name: "Ana Ruiz", Email: "ana@acme.example", LastSeen: steward.NoDay}
	twin := steward.Contact{ID: "p-2", Account: "brite", Name: "A. Ruiz-Quince", Email: " Ana@ACME.example", LastSeen: steward.NoDay}
	bob := steward.Contact{ID: "p-3", Account: "acme", Name: "Bob Stone", LastSeen: steward.NoDay}
	eve := steward.Contact{ID: "p-4", Account: "acme", Name: "Eve Stone", LastSeen: steward.NoDay}
	_, err := db.Import(ctx, Batch{Source: "crm", At: start, Accounts: []steward.Account{account("acme"), account("brite")}, Contacts: []steward.Contact{ana, twin, bob, eve}})
	must(t, err)
	must(t, db.Suppress(ctx, ana.Email, "unsubscribed", "link", start))
	mail, _ := planApproval(t, db, "brite", func(m *steward.Message) {
		m.To = steward.Recipient{Key: "role:champion", Contact: twin.ID, Name: twin.Name, Email: twin.Email}
		m.Content = &steward.Content{Title: "Hello", Parts: []steward.ContentPart{{Markdown: "Dear " + twin.Name}}}
	})
	done, err := db.Forget(ctx, ana.ID, start)
	must(t, err)
	if done.Messages != 2 || done.Stopped != 1 { // the mail, and the card that asks to approve it
		t.Errorf("Forget = %+v", done)
	}
	p, err := db.Portfolio(ctx)
	must(t, err)
	if len(p.Contacts) != 2 {
		t.Errorf("who is left: %+v", p.Contacts)
	}
	if got := state(t, db, mail.ID); got.State != steward.Suppressed || got.Content != nil || got.To.Email != "" {
		t.Errorf("the mail to the other entry: %+v", got)
	}
	// Nobody without an address is taken for somebody else without one.
	_, err = db.Forget(ctx, bob.ID, start)
	must(t, err)
	if p, err = db.Portfolio(ctx); err != nil || len(p.Contacts) != 1 || p.Contacts[0].ID != eve.ID {
		t.Errorf("who is left: %+v, %v", p.Contacts, err)
	}
}

// Not even the file's free pages keep the person.
func TestForgetLeavesNothingInTheFile(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	b := portfolioBatch(t, 3)
	b.Contacts[1].Name, b.Contacts[1].Email = "Zebedee Quux", "zebedee@quux.example"
	_, err := db.Import(ctx, b)
	must(t, err)
	_, err = db.Forget(ctx, b.Contacts[1].ID, start)
	must(t, err)
	for _, path := range []string{db.path, db.path + "-wal"} {
		file, err := os.ReadFile(path)
		must(t, err)
		if bytes.Contains(bytes.ToLower(file), []byte("zebedee")) {
			t.Errorf("%s still names the person", path)
		}
	}
}

// Cards hold names as Markdown writes them, and the database holds cards as JSON.
func TestForgettingANameHoweverItIsWritten(t *testing.T) {
	c := steward.Contact{Name: `Anne-Marie  "Q." O'Neil`, Email: "Anne.marie+q@acme.example"}
	for _, said := range []string{
		`call Anne-Marie "Q." O'Neil`, `call Anne\-Marie \"Q\.\" O\'Neil`, `call anne.marie+q@ACME.example`, `call anne\.marie\+q\@acme\.example`,
	} {
		column, err := jsonColumn(steward.Content{Parts: []steward.ContentPart{{Markdown: said}}})
		must(t, err)
		if got, want := withoutPerson(said, c), "call "+forgottenName; got != want {
			t.Errorf("of %s stays %s", said, got)
		}
		content, err := jsonOf[steward.Content](withoutPerson(column, c), "content")
		if err != nil || content.Parts[0].Markdown != "call "+forgottenName {
			t.Errorf("of %s stays %+v, %v", column, content, err)
		}
	}
	if said := "call Anne or Marie at acme.example"; withoutPerson(said, c) != said {
		t.Error("a first name, or a domain, is taken for the person")
	}
}
