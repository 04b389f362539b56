package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// What people say of rows is kept beside what sources say, never in its place:
// an import finds its own rows as it left them. A word stands until its source
// says something else about the same, or another word does, and what it said
// stays in the field's history, so that the past is as it was believed to be.

type wordRow struct {
	Seq     int64               `db:"seq"`
	Kind    steward.SubjectKind `db:"kind"`
	ID      string              `db:"id"`
	Account steward.AccountID   `db:"account"`
	Field   string              `db:"field"`
	Value   string              `db:"value"`
	Day     int32               `db:"day"`
	Words   string              `db:"words"`
	By      string              `db:"by_whom"`
	At      int64               `db:"at"`
	OverAt  int64               `db:"over_at"`
}

func (r wordRow) noun() (steward.Word, error) {
	value, err := jsonOf[steward.Value](r.Value, "word on "+r.Field)
	return steward.Word{Kind: r.Kind, ID: r.ID, Account: r.Account, Field: r.Field, Value: value, Day: steward.Day(r.Day), Text: r.Words, By: r.By, At: instant(r.At)}, err
}

// putWord keeps what a person said of a row: it stands in place of what was
// said before.
func putWord(ctx context.Context, tx *sqlx.Tx, w steward.Word) error {
	value, err := jsonColumn(w.Value)
	if err != nil {
		return err
	}
	if err := wordsOver(ctx, tx, w.Kind, w.ID, w.Field, w.At); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO words (kind, id, account, field, value, day, words, by_whom, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		w.Kind, w.ID, w.Account, w.Field, value, w.Day, w.Text, w.By, seconds(w.At)); err != nil {
		return err
	}
	if w.Field == steward.NameField {
		return nil // names have no history
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO field_history (kind, id, field, day, value) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (kind, id, field, day) DO UPDATE SET value = excluded.value, later = TRUE`, w.Kind, w.ID, w.Field, w.Day, value)
	return err
}

// wordsOver ends what was said of a field.
func wordsOver(ctx context.Context, tx *sqlx.Tx, kind steward.SubjectKind, id, field string, at time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE words SET over_at = ? WHERE kind = ? AND id = ? AND field = ? AND over_at = 0`, seconds(at), kind, id, field)
	return err
}

// standingWords reads what people said and nothing newer has ended.
func standingWords(ctx context.Context, tx *sqlx.Tx) ([]steward.Word, error) {
	return readRows(ctx, tx, wordRow.noun, `SELECT * FROM words WHERE over_at = 0 ORDER BY seq`)
}

// Words reads all that people ever said of an account and its people, newest
// first; up to limit, 0 for all.
func (db *DB) Words(ctx context.Context, account steward.AccountID, limit int) ([]steward.Word, error) {
	var rows []wordRow
	err := db.view(ctx, "read what people said", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT * FROM words WHERE account = ? ORDER BY seq DESC LIMIT ?`, account, rowLimit(limit))
	})
	if err != nil {
		return nil, err
	}
	return each(rows, wordRow.noun)
}

// addWords puts what people said over what the sources say. A word on a row that
// is gone is about nobody.
func addWords(p *steward.Portfolio, words []steward.Word) {
	if len(words) == 0 {
		return
	}
	accounts, contacts, marked := map[string]int{}, map[string]int{}, map[moment]steward.Day{}
	for i, a := range p.Accounts {
		accounts[string(a.ID)] = i
	}
	for i, c := range p.Contacts {
		contacts[string(c.ID)] = i
	}
	for _, w := range words {
		switch name, milestone := strings.CutPrefix(w.Field, steward.MilestonePrefix); {
		case w.Kind == steward.AboutContact && w.Field == steward.RoleField:
			if i, ok := contacts[w.ID]; ok {
				p.Contacts[i].Roles = steward.RolesOf(w.Value.Text)
			}
		case w.Kind == steward.AboutContact && w.Field == steward.NameField:
			if i, ok := contacts[w.ID]; ok && p.Contacts[i].FirstName() == "" {
				p.Contacts[i].Name = w.Value.Text
			}
		case w.Kind != steward.AboutAccount:
		case w.Field == steward.PulseField:
			if i, ok := accounts[w.ID]; ok {
				p.Accounts[i].Pulse = w.Value
			}
		case milestone:
			if _, ok := accounts[w.ID]; ok {
				marked[moment{steward.AccountID(w.ID), name}] = w.Value.Day()
			}
		}
	}
	if len(marked) > 0 {
		markMilestones(p, marked)
	}
}

// moment is a milestone of an account.
type moment struct {
	account steward.AccountID
	name    string
}

// markMilestones puts milestones in the place of others of the same account and
// name; one without a day was not reached.
func markMilestones(p *steward.Portfolio, marked map[moment]steward.Day) {
	p.Milestones = slices.DeleteFunc(p.Milestones, func(m steward.Milestone) bool {
		_, said := marked[moment{m.Account, m.Name}]
		return said
	})
	for at, day := range marked {
		if day != steward.NoDay {
			p.Milestones = append(p.Milestones, steward.Milestone{Account: at.account, Name: at.name, Day: day})
		}
	}
	slices.SortFunc(p.Milestones, func(a, b steward.Milestone) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Name, b.Name))
	})
}

// overtake ends people's words on a field that the source says something else of
// than it did.
func (im *importing) overtake(kind steward.SubjectKind, id, field string) error {
	if err := wordsOver(im.ctx, im.tx, kind, id, field, im.batch.At); err != nil {
		return fmt.Errorf("words on %s of %s %s: %w", field, kind, id, err)
	}
	return nil
}
