package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Portfolio reads every account that its sources still list, with what hangs
// on it, each in order of id, and with what their fields were, as people have
// put it right. What hangs on
// accounts that are gone, or not yet known, is left out. Dealings are not in it:
// they come with a day from which on, and cost more.
func (db *DB) Portfolio(ctx context.Context) (steward.Portfolio, error) {
	var p steward.Portfolio
	var said []steward.Word
	err := db.view(ctx, "read the portfolio", func(tx *sqlx.Tx) (err error) {
		if p.Accounts, err = readRows(ctx, tx, accountRow.noun, `SELECT * FROM accounts WHERE gone_from = '' ORDER BY id`); err != nil {
			return err
		}
		if p.Contracts, err = readRows(ctx, tx, contractRow.noun, `
			SELECT c.* FROM contracts c JOIN accounts a ON a.id = c.account
			WHERE c.gone_from = '' AND a.gone_from = '' ORDER BY c.id`); err != nil {
			return err
		}
		if p.Contacts, err = readRows(ctx, tx, contactRow.noun, `
			SELECT c.* FROM contacts c JOIN accounts a ON a.id = c.account
			WHERE c.gone_from = '' AND a.gone_from = '' ORDER BY c.id`); err != nil {
			return err
		}
		if p.Gone, err = readRows(ctx, tx, contactRow.noun, `
			SELECT c.* FROM contacts c JOIN accounts a ON a.id = c.account
			WHERE c.gone_from <> '' AND a.gone_from = '' ORDER BY c.id`); err != nil {
			return err
		}
		if p.Products, err = readRows(ctx, tx, productRow.noun, `
			SELECT p.* FROM products p JOIN accounts a ON a.id = p.account
			WHERE p.gone_from = '' AND a.gone_from = '' ORDER BY p.id`); err != nil {
			return err
		}
		if p.Touches, err = readRows(ctx, tx, touchRow.noun, `
			SELECT t.* FROM touches t JOIN accounts a ON a.id = t.account
			WHERE a.gone_from = '' ORDER BY t.id`); err != nil {
			return err
		}
		if p.Tickets, err = readRows(ctx, tx, ticketRow.noun, `
			SELECT t.* FROM tickets t JOIN accounts a ON a.id = t.account
			WHERE a.gone_from = '' ORDER BY t.id`); err != nil {
			return err
		}
		if p.Surveys, err = readRows(ctx, tx, surveyRow.noun, `
			SELECT s.* FROM surveys s JOIN accounts a ON a.id = s.account
			WHERE a.gone_from = '' ORDER BY s.id`); err != nil {
			return err
		}
		if p.Objectives, err = readRows(ctx, tx, objectiveRow.noun, `
			SELECT o.* FROM objectives o JOIN accounts a ON a.id = o.account
			WHERE a.gone_from = '' ORDER BY o.id`); err != nil {
			return err
		}
		if p.Milestones, err = readRows(ctx, tx, milestoneRow.noun, `
			SELECT m.* FROM milestones m JOIN accounts a ON a.id = m.account
			WHERE a.gone_from = '' ORDER BY m.account, m.name`); err != nil {
			return err
		}
		if err := markBounced(ctx, tx, p.Contacts); err != nil {
			return err
		}
		if p.Kinds, err = readKinds(ctx, tx); err != nil {
			return err
		}
		if p.Overrides, err = readOverrides(ctx, tx, ""); err != nil {
			return err
		}
		if said, err = standingWords(ctx, tx); err != nil {
			return err
		}
		p.History, err = readHistory(ctx, tx)
		return err
	})
	if err != nil {
		return steward.Portfolio{}, err
	}
	for i, c := range p.Gone {
		changes := p.History[steward.HistoryKey{Kind: steward.AboutContact, ID: string(c.ID)}].Changes
		if !slices.ContainsFunc(changes, func(f steward.FieldChange) bool { return f.Field == "role" }) {
			p.Gone[i].Roles = nil // another source gave them since; they had none while they were there
		}
	}
	addLearntMilestones(&p)
	addWords(&p, said)
	nameByAddress(&p)
	return p, nil
}

func readRows[R, N any](ctx context.Context, tx *sqlx.Tx, noun func(R) (N, error), query string, args ...any) ([]N, error) {
	var rows []R
	if err := tx.SelectContext(ctx, &rows, query, args...); err != nil {
		return nil, err
	}
	return each(rows, noun)
}

// readKinds is what sources have had files of. Rows that were there before it
// was noted speak for themselves.
func readKinds(ctx context.Context, tx *sqlx.Tx) (map[string]bool, error) {
	out := map[string]bool{}
	var lists []string
	if err := tx.SelectContext(ctx, &lists, `SELECT kinds FROM sources`); err != nil {
		return nil, err
	}
	for _, text := range lists {
		kinds, err := jsonOf[[]string](text, "kinds of a source")
		if err != nil {
			return nil, err
		}
		for _, k := range kinds {
			out[k] = true
		}
	}
	for _, table := range []string{"accounts", "contracts", "contacts", "touches"} {
		if out[table] {
			continue
		}
		var any bool
		if err := tx.GetContext(ctx, &any, `SELECT EXISTS (SELECT 1 FROM `+table+`)`); err != nil {
			return nil, err
		}
		if any {
			out[table] = true
		}
	}
	return out, nil
}

// nameByAddress puts the ids of contacts where a source named them by their
// address, as help desks do.
func nameByAddress(p *steward.Portfolio) {
	type who struct {
		account steward.AccountID
		address string
	}
	ids := map[who]steward.ContactID{}
	for _, list := range [][]steward.Contact{p.Gone, p.Contacts} { // who is there stands before who is gone
		for _, c := range slices.Backward(list) {
			if c.Email != "" {
				ids[who{c.Account, address(c.Email)}] = c.ID
			}
		}
	}
	name := func(account steward.AccountID, contact *steward.ContactID) {
		if !strings.Contains(string(*contact), "@") {
			return
		}
		if id, ok := ids[who{account, address(string(*contact))}]; ok {
			*contact = id
		}
	}
	for i := range p.Touches {
		name(p.Touches[i].Account, &p.Touches[i].Contact)
	}
	for i := range p.Tickets {
		name(p.Tickets[i].Account, &p.Tickets[i].Contact)
	}
	for i := range p.Surveys {
		name(p.Surveys[i].Account, &p.Surveys[i].Contact)
	}
	for i := range p.Objectives {
		name(p.Objectives[i].Account, &p.Objectives[i].Agreed)
	}
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

type productRow struct {
	ID        steward.ProductID `db:"id"`
	Account   steward.AccountID `db:"account"`
	Name      string            `db:"name"`
	Plan      string            `db:"plan"`
	Seats     sql.Null[float64] `db:"seats"`
	StartDate sql.Null[int32]   `db:"start_date"`
	EndDate   sql.Null[int32]   `db:"end_date"`
	Features  string            `db:"features"`
	More      string            `db:"more"`
	GoneFrom  string            `db:"gone_from"`
}

func rowOfProduct(p steward.Product) (productRow, error) {
	r := productRow{ID: p.ID, Account: p.Account, Name: p.Name, Plan: p.Plan, Seats: numberColumn(p.Seats), StartDate: dayColumn(p.StartDate), EndDate: dayColumn(p.EndDate)}
	var err error
	if r.Features, err = listColumn(p.Features); err != nil {
		return r, err
	}
	r.More, err = moreColumn(p.More)
	return r, err
}

func (r productRow) noun() (steward.Product, error) {
	p := steward.Product{ID: r.ID, Account: r.Account, Name: r.Name, Plan: r.Plan, Seats: numberOf(r.Seats), StartDate: dayOf(r.StartDate), EndDate: dayOf(r.EndDate)}
	var err error
	if p.Features, err = jsonOf[[]string](r.Features, "features of product "+string(r.ID)); err != nil {
		return p, err
	}
	p.More, err = jsonOf[map[string]steward.Value](r.More, "fields of product "+string(r.ID))
	return p, err
}

type ticketRow struct {
	ID       string            `db:"id"`
	Account  steward.AccountID `db:"account"`
	Contact  steward.ContactID `db:"contact"`
	Priority string            `db:"priority"`
	Opened   sql.Null[int32]   `db:"opened"`
	Closed   sql.Null[int32]   `db:"closed"`
}

func rowOfTicket(t steward.Ticket) ticketRow {
	return ticketRow{ID: t.ID, Account: t.Account, Contact: t.Contact, Priority: t.Priority, Opened: dayColumn(t.Opened), Closed: dayColumn(t.Closed)}
}

func (r ticketRow) noun() (steward.Ticket, error) {
	return steward.Ticket{ID: r.ID, Account: r.Account, Contact: r.Contact, Priority: r.Priority, Opened: dayOf(r.Opened), Closed: dayOf(r.Closed)}, nil
}

type surveyRow struct {
	ID      string             `db:"id"`
	Account steward.AccountID  `db:"account"`
	Contact steward.ContactID  `db:"contact"`
	Kind    steward.SurveyKind `db:"kind"`
	Day     sql.Null[int32]    `db:"day"`
	Score   float64            `db:"score"`
}

func rowOfSurvey(s steward.Survey) surveyRow {
	return surveyRow{ID: s.ID, Account: s.Account, Contact: s.Contact, Kind: s.Kind, Day: dayColumn(s.Day), Score: s.Score}
}

func (r surveyRow) noun() (steward.Survey, error) {
	return steward.Survey{ID: r.ID, Account: r.Account, Contact: r.Contact, Kind: r.Kind, Day: dayOf(r.Day), Score: r.Score}, nil
}

type objectiveRow struct {
	ID       string            `db:"id"`
	Account  steward.AccountID `db:"account"`
	Name     string            `db:"name"`
	Metric   string            `db:"metric"`
	Baseline sql.Null[float64] `db:"baseline"`
	Target   sql.Null[float64] `db:"target"`
	Due      sql.Null[int32]   `db:"due"`
	Agreed   steward.ContactID `db:"agreed"`
}

func rowOfObjective(o steward.Objective) objectiveRow {
	return objectiveRow{ID: o.ID, Account: o.Account, Name: o.Name, Metric: o.Metric, Baseline: numberColumn(o.Baseline), Target: numberColumn(o.Target), Due: dayColumn(o.Due), Agreed: o.Agreed}
}

func (r objectiveRow) noun() (steward.Objective, error) {
	return steward.Objective{ID: r.ID, Account: r.Account, Name: r.Name, Metric: r.Metric, Baseline: numberOf(r.Baseline), Target: numberOf(r.Target), Due: dayOf(r.Due), Agreed: r.Agreed}, nil
}

type milestoneRow struct {
	ID      string            `db:"id"`
	Account steward.AccountID `db:"account"`
	Name    string            `db:"name"`
	Day     sql.Null[int32]   `db:"day"`
}

func rowOfMilestone(m steward.Milestone) milestoneRow {
	return milestoneRow{ID: derivedID("s-", string(m.Account), m.Name), Account: m.Account, Name: m.Name, Day: dayColumn(m.Day)}
}

func (r milestoneRow) noun() (steward.Milestone, error) {
	return steward.Milestone{Account: r.Account, Name: r.Name, Day: dayOf(r.Day)}, nil
}
