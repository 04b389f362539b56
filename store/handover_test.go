package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

var (
	danaGets = steward.Recipient{Key: "owner", Owner: "dana", Name: "Dana Reyes", Slack: "U1"}
	samGets  = steward.Recipient{Key: "owner", Owner: "sam", Name: "Sam Ito", Slack: "U3"}
)

// sharedCard writes two enrolments whose nudges share one card to dana.
func sharedCard(t *testing.T, db *DB) (card steward.Message, said []steward.Outreach) {
	t.Helper()
	card = cardFor("acme", start)
	c := steward.Change{Account: "acme", Messages: []steward.Message{card}}
	for _, name := range []steward.PlaybookName{"login-drop", "renewal"} {
		e := enrolment("acme", name, start)
		o := outreachFor(e, "nudge", card.ID)
		o.To = danaGets
		c.Enrolments, c.Outreach, said = append(c.Enrolments, e), append(c.Outreach, o), append(said, o)
	}
	commitAll(t, db, c)
	return card, said
}

func commitAll(t *testing.T, db *DB, c steward.Change) {
	t.Helper()
	conflicts, err := db.Commit(context.Background(), steward.Run{}, []steward.Change{c}, start.Add(time.Hour))
	must(t, err)
	if len(conflicts) > 0 {
		t.Fatalf("conflicts: %v", conflicts)
	}
}

// toSam hands an outreach over from a card to sam's.
func toSam(o steward.Outreach, from steward.Message) (steward.Change, steward.Message) {
	card := cardFor("acme", start.Add(time.Hour))
	card.ID, card.To = "m-sams", samGets
	return steward.Change{Account: "acme", Messages: []steward.Message{card},
		HandOvers: []steward.HandOver{{Outreach: o.ID, From: from.ID, To: samGets, Message: card.ID, Detail: "from Dana Reyes to Sam Ito"}}}, card
}

func messageNow(t *testing.T, db *DB, id steward.MessageID) steward.Message {
	t.Helper()
	m, err := db.Message(context.Background(), string(id))
	must(t, err)
	return m
}

func carriedBy(t *testing.T, db *DB, id steward.MessageID) (steps []string) {
	t.Helper()
	d, err := db.Dossier(context.Background(), id)
	must(t, err)
	for _, o := range d.Outreach {
		steps = append(steps, string(o.Playbook)+" for "+string(o.To.Owner))
	}
	return steps
}

// An outreach moves to another card while it is unsent, on record; a card that
// others share keeps them, and one that is empty is not sent.
func TestHandOver(t *testing.T) {
	for _, state := range []steward.MessageState{steward.Planned, steward.Enqueued, steward.Deferred} {
		t.Run(string(state), func(t *testing.T) {
			ctx, db := context.Background(), openTest(t)
			card, said := sharedCard(t, db)
			_, err := db.write.Exec(`UPDATE messages SET state = ?, due = ?, content = '{"title":"frozen"}' WHERE id = ?`, state, start.Add(2*time.Hour).Unix(), card.ID)
			must(t, err)
			c, sams := toSam(said[0], card)
			commitAll(t, db, c)
			if diff := cmp.Diff([]string{"renewal for dana"}, carriedBy(t, db, card.ID)); diff != "" {
				t.Errorf("the old card carries (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"login-drop for sam"}, carriedBy(t, db, sams.ID)); diff != "" {
				t.Errorf("the new card carries (-want +got):\n%s", diff)
			}
			if m := messageNow(t, db, card.ID); m.State != state || m.Content != nil {
				t.Errorf("the old card is %s with content %v; it still has something to say, and has to be composed anew", m.State, m.Content)
			}
			records, err := db.Records(ctx, RecordFilter{Account: "acme", Message: sams.ID})
			must(t, err)
			if len(records) != 1 || records[0].Reason != steward.ReasonHandedOver || records[0].Outreach != said[0].ID || records[0].Detail == "" {
				t.Errorf("on record: %+v", records)
			}

			c, _ = toSam(said[1], card)
			commitAll(t, db, c)
			if m := messageNow(t, db, card.ID); m.State != steward.Suppressed || m.Reason != steward.ReasonHandedOver || m.Settled.IsZero() {
				t.Errorf("the empty card is %s (%s), settled %v", m.State, m.Reason, m.Settled)
			}
			before := everyRow(t, db)
			commitAll(t, db, c)
			if diff := different(before, everyRow(t, db)); diff != "" {
				t.Errorf("handing over again changed %s", diff)
			}
		})
	}
}

// What was sent, is being sent, or may have arrived stays with whom it went to,
// and no empty card is left behind.
func TestHandOverComesTooLate(t *testing.T) {
	for name, sent := range map[string]func(t *testing.T, db *DB, id steward.MessageID){
		"sending": func(t *testing.T, db *DB, id steward.MessageID) {
			_, _, err := db.Claim(context.Background(), id, 0, start, time.Minute, pass)
			must(t, err)
		},
		"sent": func(t *testing.T, db *DB, id steward.MessageID) {
			ctx := context.Background()
			_, _, err := db.Claim(ctx, id, 0, start, time.Minute, pass)
			must(t, err)
			must(t, db.Settle(ctx, id, 0, steward.Settlement{State: steward.Sent}, start))
		},
		"in doubt": func(t *testing.T, db *DB, id steward.MessageID) {
			ctx := context.Background()
			_, _, err := db.Claim(ctx, id, 0, start, time.Minute, pass)
			must(t, err)
			must(t, db.Settle(ctx, id, 0, steward.Settlement{State: steward.Deferred, Doubt: true, Due: start.Add(time.Hour)}, start))
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t)
			card, said := sharedCard(t, db)
			sent(t, db, card.ID)
			c, sams := toSam(said[0], card)
			commitAll(t, db, c)
			if got := carriedBy(t, db, card.ID); len(got) != 2 {
				t.Errorf("the card carries %v", got)
			}
			if _, err := db.Message(context.Background(), string(sams.ID)); err == nil {
				t.Error("an empty card was left for sam")
			}
		})
	}
}

// A card that is on its way takes nothing in: the text is fixed.
func TestHandOverToACardThatIsOnItsWay(t *testing.T) {
	ctx, db := context.Background(), openTest(t)
	card, said := sharedCard(t, db)
	c, sams := toSam(said[0], card)
	commitAll(t, db, c)
	_, _, err := db.Claim(ctx, sams.ID, 0, start.Add(2*time.Hour), time.Minute, pass)
	must(t, err)
	c, _ = toSam(said[1], card)
	commitAll(t, db, c)
	if diff := cmp.Diff([]string{"renewal for dana"}, carriedBy(t, db, card.ID)); diff != "" {
		t.Errorf("the old card carries (-want +got):\n%s", diff)
	}
}

// Nor does one that was tried: what it says was frozen then.
func TestHandOverToACardThatWasTried(t *testing.T) {
	ctx, db := context.Background(), openTest(t)
	card, said := sharedCard(t, db)
	c, sams := toSam(said[0], card)
	commitAll(t, db, c)
	_, _, err := db.Claim(ctx, sams.ID, 0, start.Add(2*time.Hour), time.Minute, pass)
	must(t, err)
	must(t, db.Settle(ctx, sams.ID, 0, steward.Settlement{State: steward.Deferred, Due: start.Add(3 * time.Hour), Started: start.Add(2 * time.Hour)}, start.Add(2*time.Hour)))
	c, _ = toSam(said[1], card)
	commitAll(t, db, c)
	if diff := cmp.Diff([]string{"renewal for dana"}, carriedBy(t, db, card.ID)); diff != "" {
		t.Errorf("the old card carries (-want +got):\n%s", diff)
	}
}

// A task that its owner was told of moves without its card, once, as long as it
// is open.
func TestHandOverOfATask(t *testing.T) {
	ctx, db := context.Background(), openTest(t)
	e, card := enrolment("acme", "login-drop", start), cardFor("acme", start)
	o := outreachFor(e, "call", card.ID)
	o.To, o.Assignment = danaGets, &steward.Assignment{Task: o.ID, Title: "Call them", Due: steward.NoDay}
	commitAll(t, db, steward.Change{Account: "acme", Enrolments: []steward.Enrolment{e}, Messages: []steward.Message{card}, Outreach: []steward.Outreach{o}})
	move := steward.Change{Account: "acme", HandOvers: []steward.HandOver{{Outreach: o.ID, From: card.ID, To: samGets, Detail: "the task: from Dana Reyes to Sam Ito"}}}
	commitAll(t, db, move)
	list, err := db.Tasks(ctx, TaskFilter{Owner: "sam"})
	must(t, err)
	if len(list) != 1 || list[0].Name != "Sam Ito" {
		t.Errorf("sam's tasks: %+v", list)
	}
	if diff := cmp.Diff([]string{"login-drop for dana"}, carriedBy(t, db, card.ID)); diff != "" {
		t.Errorf("the card carries (-want +got):\n%s", diff)
	}
	before := everyRow(t, db)
	commitAll(t, db, move)
	if diff := different(before, everyRow(t, db)); diff != "" {
		t.Errorf("handing over again changed %s", diff)
	}
	_, err = db.FinishTask(ctx, string(o.ID), "", "sam", start)
	must(t, err)
	move.HandOvers[0].To = danaGets
	before = everyRow(t, db)
	commitAll(t, db, move)
	if diff := different(before, everyRow(t, db)); diff != "" {
		t.Errorf("handing over a task that is done changed %s", diff)
	}
}

// mailAsked writes a mail in dana's name that waits for her approval.
func mailAsked(t *testing.T, db *DB) (mail steward.Message, ask steward.Message) {
	t.Helper()
	e := enrolment("acme", "login-drop", start)
	mail = cardFor("acme", start)
	mail.ID, mail.Kind, mail.Channel, mail.State, mail.Version, mail.Hash, mail.Sender = "m-mail", steward.Mail, steward.Email, steward.AwaitingApproval, 1, "h1", "dana"
	mail.To, mail.Content, mail.Approvers = steward.Recipient{Key: "role:champion", Contact: "ct", Email: "kim@acme.example"}, &steward.Content{Title: "From Dana"}, []steward.OwnerID{"dana"}
	ask = cardFor("acme", start)
	ask.ID, ask.Kind, ask.For = "m-ask1", steward.Approval, mail.ID
	commitAll(t, db, steward.Change{Account: "acme", Enrolments: []steward.Enrolment{e}, Messages: []steward.Message{mail, ask},
		Outreach: []steward.Outreach{outreachFor(e, "help", mail.ID)}})
	return mail, ask
}

// samsDraft is the mail in sam's name.
func samsDraft(mail steward.Message) steward.Redraft {
	ask := cardFor("acme", start)
	ask.ID, ask.Kind, ask.For, ask.To = "m-ask2", steward.Approval, mail.ID, samGets
	mail.State, mail.Version, mail.Hash, mail.Sender = steward.AwaitingApproval, mail.Version+1, "h2", "sam"
	mail.Content, mail.Approvers, mail.ApprovedBy = &steward.Content{Title: "From Sam"}, []steward.OwnerID{"sam"}, ""
	return steward.Redraft{Mail: mail, Asks: []steward.Message{ask}, Detail: "from Dana Reyes to Sam Ito"}
}

// A mail that was not sent goes in the new owner's name once they approve it:
// what was approved before is void, in whatever state it waits.
func TestRedraft(t *testing.T) {
	for _, approved := range []bool{false, true} {
		ctx, db := context.Background(), openTest(t)
		mail, ask := mailAsked(t, db)
		if approved {
			must(t, db.Approve(ctx, mail.ID, 1, "dana", start))
			must(t, db.MarkEnqueued(ctx, []steward.Due{{ID: mail.ID}}, start))
		}
		commitAll(t, db, steward.Change{Account: "acme", Redrafts: []steward.Redraft{samsDraft(mail)}})
		m := messageNow(t, db, mail.ID)
		if m.State != steward.AwaitingApproval || m.Version != 2 || m.Sender != "sam" || m.ApprovedBy != "" || m.Content.Title != "From Sam" || m.Epoch != mail.Epoch+1 {
			t.Errorf("approved %v: the mail is %+v", approved, m)
		}
		if _, _, err := db.Claim(ctx, mail.ID, 0, start, time.Minute, pass); err == nil {
			t.Error("a task of before can still send it")
		}
		if err := db.Approve(ctx, mail.ID, 1, "dana", start); err == nil {
			t.Error("the old text can still be approved")
		}
		if m := messageNow(t, db, ask.ID); m.State != steward.Suppressed {
			t.Errorf("the card that asks dana is %s", m.State)
		}
		if m := messageNow(t, db, "m-ask2"); m.State != steward.Planned || m.To.Owner != "sam" {
			t.Errorf("the card that asks sam is %+v", m)
		}
		// The same decision, made on what is no longer so, comes to nothing.
		before := everyRow(t, db)
		commitAll(t, db, steward.Change{Account: "acme", Redrafts: []steward.Redraft{samsDraft(mail)}})
		if diff := different(before, everyRow(t, db)); diff != "" {
			t.Errorf("redrafting again changed %s", diff)
		}
		must(t, db.Approve(ctx, mail.ID, 2, "sam", start))
		if _, _, err := db.Claim(ctx, mail.ID, 1, start, time.Minute, pass); err != nil {
			t.Errorf("what sam approved cannot be sent: %v", err)
		}
	}
}

// A mail that went, or may have, is not written anew, and nobody is asked.
func TestRedraftComesTooLate(t *testing.T) {
	ctx, db := context.Background(), openTest(t)
	mail, _ := mailAsked(t, db)
	must(t, db.Approve(ctx, mail.ID, 1, "dana", start))
	_, _, err := db.Claim(ctx, mail.ID, 0, start, time.Minute, pass)
	must(t, err)
	commitAll(t, db, steward.Change{Account: "acme", Redrafts: []steward.Redraft{samsDraft(mail)}})
	if m := messageNow(t, db, mail.ID); m.State != steward.Sending || m.Sender != "dana" {
		t.Errorf("the mail is %s in the name of %s", m.State, m.Sender)
	}
	if _, err := db.Message(ctx, "m-ask2"); err == nil {
		t.Error("sam is asked about a mail that is on its way")
	}
}
