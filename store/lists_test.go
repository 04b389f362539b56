package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"steward"
)

// deskBatch is one of everything that accounts use, ask, say and want, for n
// accounts.
func deskBatch(n int) Batch {
	b := Batch{Source: "desk", At: start, CompleteThrough: steward.NoDay, NewestDay: steward.NoDay}
	for i := range n {
		id := fmt.Sprintf("a-%04d", i)
		account := steward.AccountID(id)
		b.Accounts = append(b.Accounts, steward.Account{ID: account, StartDate: steward.NoDay, RenewalDate: steward.NoDay})
		b.Products = append(b.Products, steward.Product{ID: steward.ProductID("P-" + id), Account: account, Name: "Suite", Plan: "pro", Seats: steward.Num(25), StartDate: 19_000, EndDate: steward.NoDay,
			Features: []string{"reporting", "sso"}, More: map[string]steward.Value{"legal_hold": steward.Bool(true)}})
		b.Tickets = append(b.Tickets, steward.Ticket{ID: "T-" + id, Account: account, Contact: steward.ContactID("p-" + id), Priority: "urgent", Opened: 20_500, Closed: steward.NoDay})
		b.Surveys = append(b.Surveys, steward.Survey{ID: "S-" + id, Account: account, Contact: steward.ContactID("p-" + id), Kind: steward.NPS, Day: 20_490, Score: 9.5})
		b.Objectives = append(b.Objectives, steward.Objective{ID: "O-" + id, Account: account, Name: "Roll out", Metric: "active_users", Baseline: steward.Unknown(steward.NumberKind), Target: steward.Num(40), Due: 20_600, Agreed: "p1"})
		b.Milestones = append(b.Milestones, steward.Milestone{Account: account, Name: "kickoff", Day: 20_480})
	}
	return b
}

func TestWhatAccountsUseAskAndSayIsReadBack(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	b := deskBatch(3)
	done, err := db.Import(ctx, b)
	must(t, err)
	all := Tally{New: 3}
	if want := (Imported{Accounts: all, Products: all, Tickets: all, Surveys: all, Objectives: all, Milestones: all}); done != want {
		t.Errorf("Import = %+v, want %+v", done, want)
	}
	before := dump(t, db)
	done, err = db.Import(ctx, b)
	must(t, err)
	same := Tally{Same: 3}
	if want := (Imported{Accounts: same, Products: same, Tickets: same, Surveys: same, Objectives: same, Milestones: same}); done != want {
		t.Errorf("again: %+v, want %+v", done, want)
	}
	diff(t, "what importing it again changed", before, dump(t, db))
	p, err := db.Portfolio(ctx)
	must(t, err)
	p.History = nil
	want := steward.Portfolio{Accounts: p.Accounts, Products: b.Products, Tickets: b.Tickets, Surveys: b.Surveys, Objectives: b.Objectives, Milestones: b.Milestones,
		Kinds: map[string]bool{"accounts": true, "products": true, "tickets": true, "surveys": true, "objectives": true, "milestones": true}}
	if diff := cmp.Diff(want, p, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("portfolio (-stored +read):\n%s", diff)
	}
	// What hangs on nobody is not told.
	orphan := Batch{Source: "crm", At: start, Tickets: []steward.Ticket{{ID: "lost", Account: "nobody", Opened: 1, Closed: steward.NoDay}}}
	_, err = db.Import(ctx, orphan)
	must(t, err)
	if p, err = db.Portfolio(ctx); err != nil || len(p.Tickets) != 3 {
		t.Errorf("tickets: %v, %v", p.Tickets, err)
	}
	strays, err := db.Strays(ctx)
	must(t, err)
	diff(t, "what belongs to no account", steward.Portfolio{Tickets: orphan.Tickets}, strays)
}

func TestACompleteListRemovesAndCloses(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	b := deskBatch(20)
	b.Full = true
	b.Tickets[1].Closed = 20_505
	_, err := db.Import(ctx, b)
	must(t, err)
	// An export of what is open has none of these any more; that is no swing.
	next := deskBatch(20)
	next.Full, next.At = true, start.AddDate(0, 0, 4)
	next.Tickets, next.Surveys, next.Objectives, next.Milestones, next.Products = next.Tickets[2:3], next.Surveys[:1], next.Objectives[:1], next.Milestones[:1], next.Products[:19]
	done, err := db.Import(ctx, next)
	must(t, err)
	if done.Tickets.Gone != 18 || done.Surveys.Gone != 19 || done.Objectives.Gone != 19 || done.Milestones.Gone != 19 || done.Products.Gone != 1 {
		t.Errorf("gone: %+v", done)
	}
	p, err := db.Portfolio(ctx)
	must(t, err)
	closed := map[steward.Day]int{}
	for _, k := range p.Tickets {
		closed[k.Closed]++
	}
	diff(t, "tickets by when they were closed", map[steward.Day]int{steward.NoDay: 1, 20_505: 1, 20_528: 18}, closed)
	if len(p.Surveys) != 1 || len(p.Objectives) != 1 || len(p.Milestones) != 1 || len(p.Products) != 19 {
		t.Errorf("left: %d surveys, %d objectives, %d milestones, %d products", len(p.Surveys), len(p.Objectives), len(p.Milestones), len(p.Products))
	}
	// A ticket that is there again is open again.
	b.At = start.AddDate(0, 0, 5)
	_, err = db.Import(ctx, b)
	must(t, err)
	if p, err = db.Portfolio(ctx); err != nil || p.Tickets[0].Closed != steward.NoDay || len(p.Surveys) != 20 {
		t.Errorf("after the list came back: %+v, %d surveys, %v", p.Tickets[0], len(p.Surveys), err)
	}
	// Licences do not vanish by the dozen.
	few := deskBatch(20)
	few.Full, few.Products = true, few.Products[:10]
	var held *HeldError
	if _, err := db.Import(ctx, few); !errors.As(err, &held) || held.Swings[0].What != "product" || held.Swings[0].Now != 10 {
		t.Errorf("half of the products gone: %v", err)
	}
	// Of a source that has no such list, nothing is missing.
	none := Batch{Source: "desk", At: start, Full: true, FullKinds: []Kind{}, Accept: SwingKinds()}
	if done, err = db.Import(ctx, none); err != nil || done.Accounts.Gone+done.Products.Gone+done.Surveys.Gone > 0 {
		t.Errorf("a source without lists: %+v, %v", done, err)
	}
}

// A ticket that is closed on no known day is closed since it was first seen so,
// however often it is told.
func TestTicketsThatAreClosedOnNoDay(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	put := func(day int, undated bool, closed steward.Day) steward.Day {
		t.Helper()
		_, err := db.Import(ctx, Batch{Source: "desk", At: start.AddDate(0, 0, day), Accounts: []steward.Account{account("acme")}, Undated: map[string]bool{"T": undated},
			Tickets: []steward.Ticket{{ID: "T", Account: "acme", Opened: 20_500, Closed: closed}}})
		must(t, err)
		p, err := db.Portfolio(ctx)
		must(t, err)
		return p.Tickets[0].Closed
	}
	for i, c := range []struct {
		undated      bool
		closed, want steward.Day
	}{
		{false, steward.NoDay, steward.NoDay},
		{true, 20_525, 20_525},
		{true, 20_526, 20_525},
		{false, steward.NoDay, steward.NoDay}, // opened again
		{true, 20_528, 20_528},
		{false, 20_510, 20_510}, // now the source knows
		{true, 20_530, 20_510},
	} {
		if got := put(i, c.undated, c.closed); got != c.want {
			t.Errorf("day %d: closed %v, want %v", i, got, c.want)
		}
	}
}

// Most tickets are open on the day of an outage, and that is no reason to hold
// back the news of it. A column that is gone is.
func TestAnOutageIsNoSwing(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	b := deskBatch(20)
	b.Columns = map[string]Fill{"tickets.closed": {Rows: 20, Filled: 15}}
	_, err := db.Import(ctx, b)
	must(t, err)
	b = deskBatch(60)
	b.Columns = map[string]Fill{"tickets.closed": {Rows: 60, Filled: 15}}
	_, err = db.Import(ctx, b)
	must(t, err)
	b.Columns = map[string]Fill{"tickets.closed": {Rows: 20, Filled: 19}}
	_, err = db.Import(ctx, b)
	must(t, err)
	b.Columns = map[string]Fill{"tickets.closed": {Rows: 60, Filled: 0}}
	var held *HeldError
	if _, err := db.Import(ctx, b); !errors.As(err, &held) {
		t.Errorf("nothing is closed any more: %v", err)
	}
}

// Help desks name people by their addresses.
func TestPeopleAreNamedByAddress(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	b := portfolioBatch(t, 2)
	b.Contacts = append(b.Contacts, steward.Contact{ID: "p-2", Account: "a-0001", Name: "B", Email: "SHARED@x.example", LastSeen: steward.NoDay})
	b.Touches[0].Contact = "Ana@A-0000.example"
	b.Tickets = []steward.Ticket{{ID: "T1", Account: "a-0000", Contact: "ana@a-0000.example"}, {ID: "T2", Account: "a-0000", Contact: "shared@x.example"}, {ID: "T3", Account: "a-0001", Contact: "shared@x.example"}}
	_, err := db.Import(ctx, b)
	must(t, err)
	p, err := db.Portfolio(ctx)
	must(t, err)
	var who []steward.ContactID
	for _, k := range p.Tickets {
		who = append(who, k.Contact)
	}
	diff(t, "who asked", []steward.ContactID{"p-a-0000", "shared@x.example", "p-2"}, who)
	if p.Touches[0].Contact != "p-a-0000" {
		t.Errorf("who was called: %s", p.Touches[0].Contact)
	}
}

// What a forgotten person asked and answered stays, and names them no more: not
// after the next import either.
func TestForgettingWhoAskedAndAnswered(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	ana := steward.Contact{ID: "acme/ana@acme.example", Account: "acme", Name: "Ana Ruiz", Email: "ana@acme.example", LastSeen: steward.NoDay}
	b := Batch{Source: "desk", At: start, Accounts: []steward.Account{account("acme")}, Contacts: []steward.Contact{ana, {ID: "bob", Account: "acme", Name: "Bob", LastSeen: steward.NoDay}},
		Touches:    []steward.Touch{{ID: "acme/2026-02-01/call/acme/ana@acme.example/dana", Account: "acme", Contact: ana.ID, Day: 20_485, Kind: "call"}},
		Tickets:    []steward.Ticket{{ID: "T1", Account: "acme", Contact: "Ana@acme.example", Opened: 20_500, Closed: steward.NoDay}, {ID: "T2", Account: "acme", Contact: "bob", Opened: 20_500, Closed: steward.NoDay}},
		Surveys:    []steward.Survey{{ID: "acme/2026-02-01/nps/acme/ana@acme.example", Account: "acme", Contact: ana.ID, Kind: steward.NPS, Day: 20_485, Score: 3}},
		Objectives: []steward.Objective{{ID: "O", Account: "acme", Name: "Roll out", Metric: "logins", Agreed: ana.ID, Due: steward.NoDay}}}
	_, err := db.Import(ctx, b)
	must(t, err)
	_, err = db.Forget(ctx, ana.ID, start)
	must(t, err)
	check := func(when string) {
		t.Helper()
		for table, rows := range dump(t, db) {
			for _, row := range rows {
				if strings.Contains(strings.ToLower(row), "ana@acme.example") {
					t.Errorf("%s, %s still says %s", when, table, row)
				}
			}
		}
		p, err := db.Portfolio(ctx)
		must(t, err)
		if len(p.Touches) != 1 || len(p.Tickets) != 2 || len(p.Surveys) != 1 || len(p.Objectives) != 1 || p.Tickets[1].Contact != "bob" {
			t.Errorf("%s: %v, %v, %v, %v", when, p.Touches, p.Tickets, p.Surveys, p.Objectives)
		}
	}
	check("after forgetting")
	_, err = db.Import(ctx, b)
	must(t, err)
	check("after the next import")
}
