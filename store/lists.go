package store

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"steward"
)

// of is where an import counts the rows of a list.
func (i *Imported) of(k Kind) *Tally {
	switch k {
	case Accounts:
		return &i.Accounts
	case Contracts:
		return &i.Contracts
	case Contacts:
		return &i.Contacts
	case Products:
		return &i.Products
	case Tickets:
		return &i.Tickets
	case Surveys:
		return &i.Surveys
	case Objectives:
		return &i.Objectives
	default:
		return &i.Milestones
	}
}

// kindTable is where the rows of a list are.
var kindTable = map[Kind]string{Accounts: "accounts", Contracts: "contracts", Contacts: "contacts", Products: "products",
	Tickets: "tickets", Surveys: "surveys", Objectives: "objectives", Milestones: "milestones"}

// kinds is, as a column, which kinds of row the source has had a file of by now.
func (im *importing) kinds() (string, error) {
	all := map[string]bool{}
	for _, k := range im.batch.Kinds {
		all[k] = true
	}
	for name, n := range map[string]int{"accounts": len(im.batch.Accounts), "contracts": len(im.batch.Contracts), "contacts": len(im.batch.Contacts), "touches": len(im.batch.Touches),
		"products": len(im.batch.Products), "tickets": len(im.batch.Tickets), "surveys": len(im.batch.Surveys), "objectives": len(im.batch.Objectives), "milestones": len(im.batch.Milestones)} {
		if n > 0 {
			all[name] = true
		}
	}
	var before []string
	if err := im.tx.SelectContext(im.ctx, &before, `SELECT kinds FROM sources WHERE name = ?`, im.batch.Source); err != nil {
		return "", err
	}
	for _, text := range before {
		kinds, err := jsonOf[[]string](text, "kinds of source "+im.batch.Source)
		if err != nil {
			return "", err
		}
		for _, k := range kinds {
			all[k] = true
		}
	}
	return listColumn(slices.Sorted(maps.Keys(all)))
}

// lists stores what the batch has of products, tickets, answers, objectives and
// milestones.
func (im *importing) lists(done *Imported) (err error) {
	if done.Products, err = im.products(); err != nil {
		return fmt.Errorf("products: %w", err)
	}
	if done.Tickets, err = im.tickets(); err != nil {
		return fmt.Errorf("tickets: %w", err)
	}
	if done.Surveys, err = im.surveys(); err != nil {
		return fmt.Errorf("surveys: %w", err)
	}
	if done.Objectives, err = im.objectives(); err != nil {
		return fmt.Errorf("objectives: %w", err)
	}
	if done.Milestones, err = im.milestones(); err != nil {
		return fmt.Errorf("milestones: %w", err)
	}
	return nil
}

func (im *importing) products() (Tally, error) {
	var t Tally
	if len(im.batch.Products) == 0 {
		return t, nil
	}
	stored, err := byID(im.ctx, im.tx, `SELECT * FROM products`, func(r productRow) string { return string(r.ID) })
	if err != nil {
		return t, err
	}
	put, err := im.tx.PrepareNamedContext(im.ctx, `
		INSERT INTO products (id, account, name, plan, seats, start_date, end_date, features, more, gone_from)
		VALUES (:id, :account, :name, :plan, :seats, :start_date, :end_date, :features, :more, :gone_from)
		ON CONFLICT (id) DO UPDATE SET
			account = excluded.account, name = excluded.name, plan = excluded.plan, seats = excluded.seats,
			start_date = excluded.start_date, end_date = excluded.end_date, features = excluded.features,
			more = excluded.more, gone_from = excluded.gone_from`)
	if err != nil {
		return t, err
	}
	defer put.Close()
	keep, err := im.keeper(Products)
	if err != nil {
		return t, err
	}
	defer keep.close()
	for _, p := range im.batch.Products {
		old, known := stored[string(p.ID)]
		was, err := old.noun()
		if err != nil {
			return t, err
		}
		row, err := rowOfProduct(p)
		if err != nil {
			return t, err
		}
		row.GoneFrom = im.goneFrom(Products, old.GoneFrom)
		if t.count(known, old == row) {
			if _, err := put.ExecContext(im.ctx, row); err != nil {
				return t, fmt.Errorf("product %s: %w", p.ID, err)
			}
		}
		stored[string(p.ID)] = row
		if err := keep.row(string(p.ID), known, presence{old.GoneFrom, row.GoneFrom}, productFields(was), productFields(p)); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (im *importing) tickets() (Tally, error) {
	rows := make([]ticketRow, len(im.batch.Tickets))
	for i, t := range im.batch.Tickets {
		t.ID, t.Contact = im.tombs.without(t.ID, t.Contact)
		rows[i] = rowOfTicket(t)
	}
	return putRows(im, Tickets, rows, func(r ticketRow) string { return r.ID }, `
		INSERT INTO tickets (id, account, contact, priority, opened, closed) VALUES (:id, :account, :contact, :priority, :opened, :closed)
		ON CONFLICT (id) DO UPDATE SET account = excluded.account, contact = excluded.contact,
			priority = excluded.priority, opened = excluded.opened, closed = excluded.closed`,
		func(old ticketRow, known bool, now *ticketRow) error {
			switch {
			case !im.batch.Undated[now.ID]:
			case known && old.Closed.Valid:
				now.Closed = old.Closed
			default:
				now.Closed = dayColumn(im.day)
			}
			return nil
		})
}

func (im *importing) surveys() (Tally, error) {
	rows := make([]surveyRow, len(im.batch.Surveys))
	for i, s := range im.batch.Surveys {
		s.ID, s.Contact = im.tombs.without(s.ID, s.Contact)
		rows[i] = rowOfSurvey(s)
	}
	return putRows(im, Surveys, rows, func(r surveyRow) string { return r.ID }, `
		INSERT INTO surveys (id, account, contact, kind, day, score) VALUES (:id, :account, :contact, :kind, :day, :score)
		ON CONFLICT (id) DO UPDATE SET account = excluded.account, contact = excluded.contact,
			kind = excluded.kind, day = excluded.day, score = excluded.score`, nil)
}

func (im *importing) objectives() (Tally, error) {
	rows := make([]objectiveRow, len(im.batch.Objectives))
	for i, o := range im.batch.Objectives {
		o.ID, o.Agreed = im.tombs.without(o.ID, o.Agreed)
		rows[i] = rowOfObjective(o)
	}
	return putRows(im, Objectives, rows, func(r objectiveRow) string { return r.ID }, `
		INSERT INTO objectives (id, account, name, metric, baseline, target, due, agreed)
		VALUES (:id, :account, :name, :metric, :baseline, :target, :due, :agreed)
		ON CONFLICT (id) DO UPDATE SET account = excluded.account, name = excluded.name, metric = excluded.metric,
			baseline = excluded.baseline, target = excluded.target, due = excluded.due, agreed = excluded.agreed`, nil)
}

func (im *importing) milestones() (Tally, error) {
	rows := make([]milestoneRow, len(im.batch.Milestones))
	for i, m := range im.batch.Milestones {
		rows[i] = rowOfMilestone(m)
	}
	return putRows(im, Milestones, rows, func(r milestoneRow) string { return r.ID }, `
		INSERT INTO milestones (id, account, name, day) VALUES (:id, :account, :name, :day)
		ON CONFLICT (id) DO UPDATE SET account = excluded.account, name = excluded.name, day = excluded.day`,
		func(old milestoneRow, known bool, now *milestoneRow) error {
			if known && old.Day == now.Day {
				return nil
			}
			return im.overtake(steward.AboutAccount, string(now.Account), steward.MilestonePrefix+now.Name)
		})
}

// putRows stores rows that have no history, and notes that they were listed.
// settle has the last word on a row, beside what stood; nil has none.
func putRows[R comparable](im *importing, kind Kind, rows []R, id func(R) string, put string, settle func(old R, known bool, now *R) error) (Tally, error) {
	var t Tally
	if len(rows) == 0 {
		return t, nil
	}
	stored, err := byID(im.ctx, im.tx, `SELECT * FROM `+kindTable[kind], id)
	if err != nil {
		return t, err
	}
	write, err := im.tx.PrepareNamedContext(im.ctx, put)
	if err != nil {
		return t, err
	}
	defer write.Close()
	listed, err := im.tx.PreparexContext(im.ctx, noteListedQuery)
	if err != nil {
		return t, err
	}
	defer listed.Close()
	for _, row := range rows {
		old, known := stored[id(row)]
		if settle != nil {
			if err := settle(old, known, &row); err != nil {
				return t, err
			}
		}
		if t.count(known, old == row) {
			if _, err := write.ExecContext(im.ctx, row); err != nil {
				return t, fmt.Errorf("%s %s: %w", kind, id(row), err)
			}
		}
		stored[id(row)] = row
		if _, err := listed.ExecContext(im.ctx, im.batch.Source, kind, id(row), im.id, im.id); err != nil {
			return t, err
		}
	}
	return t, nil
}

// dropAbsent does away with what the source had and has no longer, and tells how
// much that was.
func (im *importing) dropAbsent(k Kind) (int, error) {
	absent := `id IN (SELECT id FROM listings WHERE source = ? AND kind = ? AND import < ?)`
	args := []any{im.batch.Source, k, im.id}
	switch k {
	case Accounts, Contracts, Contacts, Products:
		return im.mark(k, `UPDATE `+kindTable[k]+` SET gone_from = ? WHERE gone_from = '' AND `+absent+` RETURNING id`, append([]any{im.batch.Source}, args...)...)
	case Tickets:
		// An export of what is open leaves out what was closed.
		return rowsOf(im.tx.ExecContext(im.ctx, `UPDATE tickets SET closed = ? WHERE closed IS NULL AND `+absent, append([]any{dayColumn(im.day)}, args...)...))
	}
	gone, err := rowsOf(im.tx.ExecContext(im.ctx, `DELETE FROM `+kindTable[k]+` WHERE `+absent, args...))
	if err != nil {
		return 0, err
	}
	_, err = im.tx.ExecContext(im.ctx, `DELETE FROM listings WHERE source = ? AND kind = ? AND import < ?`, args...)
	return gone, err
}

// mark marks rows as gone and ends their history.
func (im *importing) mark(k Kind, query string, args ...any) (int, error) {
	var ids []string
	if err := im.tx.SelectContext(im.ctx, &ids, query, args...); err != nil {
		return 0, err
	}
	for _, id := range ids {
		if _, err := im.tx.ExecContext(im.ctx, endQuery, im.day, k, id); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// rowsOf is how many rows a statement met.
func rowsOf(res sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}
