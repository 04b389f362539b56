package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"steward"
)

// BenchmarkPortfolio reads the portfolio of 10,000 accounts that changed for two
// years, with what hangs on them, and a year of what was done about them; and
// keeps a day of their scores beside 400. With -short it is a twentieth of that.
func BenchmarkPortfolio(b *testing.B) {
	ctx, accounts := context.Background(), 10_000
	if testing.Short() {
		accounts /= 20
	}
	db, err := Open(ctx, filepath.Join(b.TempDir(), "steward.db"), Options{})
	must(b, err)
	defer db.Close()
	batch := Batch{Source: "crm", At: start.AddDate(-2, 0, 0)}
	for i := range accounts {
		a := account(benchAccount(i))
		batch.Accounts = append(batch.Accounts, a)
		for n := range 4 {
			id := fmt.Sprintf("%s-%d", a.ID, n)
			batch.Contacts = append(batch.Contacts, steward.Contact{ID: steward.ContactID(id), Account: a.ID, Name: "Ana Ruiz Ortega", Email: "ana.ruiz@" + id + ".example", Roles: []string{"champion"}, LastSeen: 20_000})
			batch.Tickets = append(batch.Tickets, steward.Ticket{ID: id, Account: a.ID, Contact: steward.ContactID(id), Priority: "high", Opened: 20_000, Closed: 20_010})
			batch.Touches = append(batch.Touches, steward.Touch{ID: id, Account: a.ID, Contact: steward.ContactID(id), Day: 20_000, Kind: "call"})
		}
		for n := range 2 {
			id := fmt.Sprintf("%s-%d", a.ID, n)
			batch.Contracts = append(batch.Contracts, steward.Contract{ID: steward.ContractID(id), Account: a.ID, Product: "Platform", StartDate: 19_700, EndDate: 20_100, NoticeDate: 20_010, Amount: steward.Num(24_000)})
			batch.Products = append(batch.Products, steward.Product{ID: steward.ProductID(id), Account: a.ID, Name: "Platform", Plan: "pro", Seats: steward.Num(40), StartDate: 19_700, EndDate: 20_100, Features: []string{"reporting"}})
			batch.Surveys = append(batch.Surveys, steward.Survey{ID: id, Account: a.ID, Kind: steward.NPS, Day: 20_000, Score: 9})
		}
	}
	_, err = db.Import(ctx, batch)
	must(b, err)
	for month := range 8 { // a quarter of the accounts changes a few fields each time
		at := start.AddDate(-2, 3*month+1, 0)
		some := Batch{Source: "crm", At: at, Accept: SwingKinds()}
		for i := month % 4; i < accounts; i += 4 {
			a := account(benchAccount(i))
			a.ARR, a.Owner = steward.Num(float64(1000*month)), steward.OwnerID(fmt.Sprint("owner-", month))
			some.Accounts = append(some.Accounts, a)
		}
		_, err = db.Import(ctx, some)
		must(b, err)
	}
	load(b, db, accounts/10, accounts*6)
	must(b, checkpoint(db))
	b.Run("portfolio", func(b *testing.B) {
		for b.Loop() {
			p, err := db.Portfolio(ctx)
			if must(b, err); len(p.Accounts) != accounts || len(p.History) < accounts {
				b.Fatal(len(p.Accounts), len(p.History))
			}
		}
	})
	b.Run("history-of-it", func(b *testing.B) {
		for b.Loop() {
			tx := db.read.MustBegin()
			_, err := readHistory(ctx, tx)
			must(b, err)
			must(b, tx.Rollback())
		}
	})
	b.Run("dealings", func(b *testing.B) {
		for b.Loop() {
			_, err := db.Dealings(ctx, time.Unix(loadFrom, 0), time.UTC)
			must(b, err)
		}
	})
	b.Run("scores", func(b *testing.B) {
		var scores []steward.Score
		for i := range accounts {
			for _, name := range []string{"health", "grade", "health.usage", "health.tickets", "health.people"} {
				scores = append(scores, steward.Score{Account: steward.AccountID(benchAccount(i)), Name: name, Value: float64(i % 100)})
			}
		}
		day := steward.Day(20_000)
		for b.Loop() {
			day++
			must(b, db.KeepScores(ctx, steward.Run{}, day, scores))
		}
	})
}
