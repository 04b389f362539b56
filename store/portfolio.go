package store

import (
	"context"
	"database/sql"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Portfolio reads every account that its sources still list, with what hangs
// on it, each in order of id. Contracts, contacts and touches of accounts that
// are gone, or not yet known, are left out.
func (db *DB) Portfolio(ctx context.Context) (steward.Portfolio, error) {
	var p steward.Portfolio
	err := db.view(ctx, "read the portfolio", func(tx *sqlx.Tx) error {
		var accounts []accountRow
		if err := tx.SelectContext(ctx, &accounts, `SELECT * FROM accounts WHERE gone_from = '' ORDER BY id`); err != nil {
			return err
		}
		var contracts []contractRow
		if err := tx.SelectContext(ctx, &contracts, `
			SELECT c.* FROM contracts c JOIN accounts a ON a.id = c.account
			WHERE c.gone_from = '' AND a.gone_from = '' ORDER BY c.id`); err != nil {
			return err
		}
		var contacts []contactRow
		if err := tx.SelectContext(ctx, &contacts, `
			SELECT c.* FROM contacts c JOIN accounts a ON a.id = c.account
			WHERE c.gone_from = '' AND a.gone_from = '' ORDER BY c.id`); err != nil {
			return err
		}
		var touches []touchRow
		if err := tx.SelectContext(ctx, &touches, `
			SELECT t.* FROM touches t JOIN accounts a ON a.id = t.account
			WHERE a.gone_from = '' ORDER BY t.id`); err != nil {
			return err
		}
		var err error
		if p.Accounts, err = each(accounts, accountRow.noun); err != nil {
			return err
		}
		if p.Contracts, err = each(contracts, contractRow.noun); err != nil {
			return err
		}
		if p.Contacts, err = each(contacts, contactRow.noun); err != nil {
			return err
		}
		p.Touches, err = each(touches, touchRow.noun)
		return err
	})
	return p, err
}

type accountRow struct {
	ID              steward.AccountID `db:"id"`
	Name            string            `db:"name"`
	Parent          steward.AccountID `db:"parent"`
	Status          string            `db:"status"`
	Segment         string            `db:"segment"`
	ARR             sql.Null[float64] `db:"arr"`
	Currency        string            `db:"currency"`
	Owner           steward.OwnerID   `db:"owner"`
	StartDate       sql.Null[int32]   `db:"start_date"`
	RenewalDate     sql.Null[int32]   `db:"renewal_date"`
	Stage           string            `db:"stage"`
	EscalationLevel sql.Null[float64] `db:"escalation_level"`
	ContactPolicy   string            `db:"contact_policy"`
	Test            bool              `db:"test"`
	More            string            `db:"more"`
	GoneFrom        string            `db:"gone_from"`
}

func rowOfAccount(a steward.Account) (accountRow, error) {
	more, err := moreColumn(a.More)
	return accountRow{
		ID: a.ID, Name: a.Name, Parent: a.Parent, Status: a.Status, Segment: a.Segment,
		ARR: numberColumn(a.ARR), Currency: a.Currency, Owner: a.Owner,
		StartDate: dayColumn(a.StartDate), RenewalDate: dayColumn(a.RenewalDate),
		Stage: a.Stage, EscalationLevel: numberColumn(a.EscalationLevel),
		ContactPolicy: a.ContactPolicy, Test: a.Test, More: more,
	}, err
}

func (r accountRow) noun() (steward.Account, error) {
	more, err := jsonOf[map[string]steward.Value](r.More, "fields of account "+string(r.ID))
	return steward.Account{
		ID: r.ID, Name: r.Name, Parent: r.Parent, Status: r.Status, Segment: r.Segment,
		ARR: numberOf(r.ARR), Currency: r.Currency, Owner: r.Owner,
		StartDate: dayOf(r.StartDate), RenewalDate: dayOf(r.RenewalDate),
		Stage: r.Stage, EscalationLevel: numberOf(r.EscalationLevel),
		ContactPolicy: r.ContactPolicy, Test: r.Test, More: more,
	}, err
}

type contractRow struct {
	ID         steward.ContractID `db:"id"`
	Account    steward.AccountID  `db:"account"`
	Product    string             `db:"product"`
	StartDate  sql.Null[int32]    `db:"start_date"`
	EndDate    sql.Null[int32]    `db:"end_date"`
	NoticeDate sql.Null[int32]    `db:"notice_date"`
	Amount     sql.Null[float64]  `db:"amount"`
	AutoRenew  bool               `db:"auto_renew"`
	Renewed    bool               `db:"renewed"`
	Cancelled  bool               `db:"cancelled"`
	More       string             `db:"more"`
	GoneFrom   string             `db:"gone_from"`
}

func rowOfContract(c steward.Contract) (contractRow, error) {
	more, err := moreColumn(c.More)
	return contractRow{
		ID: c.ID, Account: c.Account, Product: c.Product,
		StartDate: dayColumn(c.StartDate), EndDate: dayColumn(c.EndDate), NoticeDate: dayColumn(c.NoticeDate),
		Amount: numberColumn(c.Amount), AutoRenew: c.AutoRenew, Renewed: c.Renewed, Cancelled: c.Cancelled,
		More: more,
	}, err
}

func (r contractRow) noun() (steward.Contract, error) {
	more, err := jsonOf[map[string]steward.Value](r.More, "fields of contract "+string(r.ID))
	return steward.Contract{
		ID: r.ID, Account: r.Account, Product: r.Product,
		StartDate: dayOf(r.StartDate), EndDate: dayOf(r.EndDate), NoticeDate: dayOf(r.NoticeDate),
		Amount: numberOf(r.Amount), AutoRenew: r.AutoRenew, Renewed: r.Renewed, Cancelled: r.Cancelled,
		More: more,
	}, err
}

type contactRow struct {
	ID       steward.ContactID `db:"id"`
	Account  steward.AccountID `db:"account"`
	Name     string            `db:"name"`
	Email    string            `db:"email"`
	Roles    string            `db:"roles"`
	Locale   string            `db:"locale"`
	LastSeen sql.Null[int32]   `db:"last_seen"`
	GoneFrom string            `db:"gone_from"`
}

func rowOfContact(c steward.Contact) (contactRow, error) {
	roles, err := listColumn(c.Roles)
	return contactRow{
		ID: c.ID, Account: c.Account, Name: c.Name, Email: c.Email,
		Roles: roles, Locale: c.Locale, LastSeen: dayColumn(c.LastSeen),
	}, err
}

func (r contactRow) noun() (steward.Contact, error) {
	roles, err := jsonOf[[]string](r.Roles, "roles of contact "+string(r.ID))
	return steward.Contact{
		ID: r.ID, Account: r.Account, Name: r.Name, Email: r.Email,
		Roles: roles, Locale: r.Locale, LastSeen: dayOf(r.LastSeen),
	}, err
}

type touchRow struct {
	ID      string            `db:"id"`
	Account steward.AccountID `db:"account"`
	Contact steward.ContactID `db:"contact"`
	Day     sql.Null[int32]   `db:"day"`
	Kind    string            `db:"kind"`
	By      string            `db:"by_whom"`
}

func rowOfTouch(t steward.Touch) (touchRow, error) {
	return touchRow{ID: t.ID, Account: t.Account, Contact: t.Contact, Day: dayColumn(t.Day), Kind: t.Kind, By: t.By}, nil
}

func (r touchRow) noun() (steward.Touch, error) {
	return steward.Touch{ID: r.ID, Account: r.Account, Contact: r.Contact, Day: dayOf(r.Day), Kind: r.Kind, By: r.By}, nil
}
