package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"steward"
)

// FieldHistory reads what the fields of an account, contract or contact were,
// oldest first.
func (db *DB) FieldHistory(ctx context.Context, kind steward.SubjectKind, id string) ([]steward.FieldChange, error) {
	var rows []struct {
		Field string `db:"field"`
		Day   int32  `db:"day"`
		Value string `db:"value"`
	}
	err := db.view(ctx, "read field history", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows,
			`SELECT field, day, value FROM field_history WHERE kind = ? AND id = ? ORDER BY day, field`, kind, id)
	})
	if err != nil {
		return nil, err
	}
	out := make([]steward.FieldChange, len(rows))
	for i, r := range rows {
		out[i] = steward.FieldChange{Field: r.Field, Day: steward.Day(r.Day)}
		if out[i].Value, err = jsonOf[steward.Value](r.Value, "history of "+r.Field); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// accountFields is what of an account has a history: every field, by its name
// in the language.
func accountFields(a steward.Account) map[string]steward.Value {
	f := map[string]steward.Value{
		"id":               text(string(a.ID)), // so that an account that nothing else is known of was there, too
		"name":             text(a.Name),
		"parent":           text(string(a.Parent)),
		"status":           text(a.Status),
		"segment":          text(a.Segment),
		"arr":              a.ARR,
		"currency":         text(a.Currency),
		"owner":            text(string(a.Owner)),
		"start_date":       steward.OnDay(a.StartDate),
		"renewal_date":     steward.OnDay(a.RenewalDate),
		"stage":            text(a.Stage),
		"escalation_level": a.EscalationLevel,
		"contact_policy":   text(a.ContactPolicy),
		"test":             flag(a.Test),
	}
	for name, v := range a.More {
		f[name] = v
	}
	return f
}

func contractFields(c steward.Contract) map[string]steward.Value {
	f := map[string]steward.Value{
		"account":     text(string(c.Account)),
		"product":     text(c.Product),
		"start_date":  steward.OnDay(c.StartDate),
		"end_date":    steward.OnDay(c.EndDate),
		"notice_date": steward.OnDay(c.NoticeDate),
		"amount":      c.Amount,
		"auto_renew":  flag(c.AutoRenew),
		"renewed":     flag(c.Renewed),
		"cancelled":   flag(c.Cancelled),
	}
	for name, v := range c.More {
		f[name] = v
	}
	return f
}

// contactFields leaves out names and addresses: nothing is judged by what they
// were, and what is not kept need not be erased.
func contactFields(c steward.Contact) map[string]steward.Value {
	return map[string]steward.Value{
		"account": text(string(c.Account)),
		"role":    text(strings.Join(c.Roles, ", ")),
		"locale":  text(c.Locale),
	}
}

// sameRoles gives roles in another order the order that they had: that is no
// change.
func sameRoles(was, now steward.Contact) steward.Contact {
	a, b := slices.Sorted(slices.Values(was.Roles)), slices.Sorted(slices.Values(now.Roles))
	if slices.Equal(a, b) {
		now.Roles = was.Roles
	}
	return now
}

func productFields(p steward.Product) map[string]steward.Value {
	f := map[string]steward.Value{
		"account":    text(string(p.Account)),
		"name":       text(p.Name),
		"plan":       text(p.Plan),
		"seats":      p.Seats,
		"start_date": steward.OnDay(p.StartDate),
		"end_date":   steward.OnDay(p.EndDate),
		"features":   text(strings.Join(p.Features, ", ")),
	}
	for name, v := range p.More {
		if _, builtin := f[name]; !builtin {
			f[name] = v
		}
	}
	return f
}

func text(s string) steward.Value {
	if s == "" {
		return steward.Unknown(steward.TextKind)
	}
	return steward.Str(s)
}

// flag keeps only flags that are set: false is what a field is where no source
// maps it, and a first row for each would double the table.
func flag(b bool) steward.Value {
	if !b {
		return steward.Unknown(steward.FlagKind)
	}
	return steward.Bool(true)
}

// A keeper notes that rows were listed and what changed in them.
type keeper struct {
	im     *importing
	kind   Kind
	listed *sqlx.Stmt
	change *sqlx.Stmt
}

func (im *importing) keeper(kind Kind) (*keeper, error) {
	listed, err := im.tx.PreparexContext(im.ctx, noteListedQuery)
	if err != nil {
		return nil, err
	}
	// A second change on one day replaces the first: a day has one value.
	change, err := im.tx.PreparexContext(im.ctx, `
		INSERT INTO field_history (kind, id, field, day, value, later) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (kind, id, field, day) DO UPDATE SET value = excluded.value, later = excluded.later`)
	if err != nil {
		_ = listed.Close()
		return nil, err
	}
	return &keeper{im: im, kind: kind, listed: listed, change: change}, nil
}

const noteListedQuery = `
	INSERT INTO listings (source, kind, id, first_import, import) VALUES (?, ?, ?, ?, ?)
	ON CONFLICT (source, kind, id) DO UPDATE SET import = excluded.import`

func (k *keeper) close() {
	_ = k.listed.Close()
	_ = k.change.Close()
}

// A presence is what a row's gone_from was and is.
type presence struct{ was, is string }

// row notes that the row was listed, and what of it is not as it was; known
// tells that it was there before. What is gone has no fields, so that one which
// stays gone changes nothing, and of one that returns everything is new.
func (k *keeper) row(id string, known bool, gone presence, was, now map[string]steward.Value) error {
	im := k.im
	if _, err := k.listed.ExecContext(im.ctx, im.batch.Source, k.kind, id, im.id, im.id); err != nil {
		return err
	}
	if gone.is != "" {
		return nil
	}
	if k.kind == Contacts && known && (gone.was != "" || !sameValue(was[steward.RoleField], now[steward.RoleField])) {
		if err := im.overtake(steward.AboutContact, id, steward.RoleField); err != nil {
			return err
		}
	}
	if !known || gone.was != "" {
		was = nil
	}
	for field, v := range now {
		if !sameValue(was[field], v) {
			if err := k.write(id, field, v, known); err != nil {
				return err
			}
		}
	}
	for field, v := range was {
		if _, still := now[field]; !still && v.Known {
			if err := k.write(id, field, steward.Value{}, known); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *keeper) write(id, field string, v steward.Value, later bool) error {
	column, err := jsonColumn(v)
	if err != nil {
		return fmt.Errorf("history of %s %s: %w", field, id, err)
	}
	_, err = k.change.ExecContext(k.im.ctx, k.kind, id, field, k.im.day, column, later)
	return err
}

// endQuery ends a row's history, but for what was learnt about it: those fields
// have a point in their names.
const endQuery = `
	INSERT INTO field_history (kind, id, field, day, value)
	SELECT DISTINCT kind, id, field, ?, 'null' FROM field_history WHERE kind = ? AND id = ? AND field NOT LIKE '%.%'
	ON CONFLICT (kind, id, field, day) DO UPDATE SET value = excluded.value, later = TRUE`

// putLearnt keeps what rules found out, unless the field has that value on the
// day already.
func putLearnt(ctx context.Context, tx *sqlx.Tx, account steward.AccountID, f steward.FieldChange) error {
	if f.Field != steward.StageField && !strings.HasPrefix(f.Field, steward.MilestonePrefix) {
		return fmt.Errorf("%s is not something that is learnt", f.Field)
	}
	value, err := jsonColumn(f.Value)
	if err != nil {
		return err
	}
	var stands string
	err = tx.GetContext(ctx, &stands, `
		SELECT value FROM field_history WHERE kind = 'account' AND id = ? AND field = ? AND day <= ? ORDER BY day DESC LIMIT 1`, account, f.Field, f.Day)
	if err != nil && !errors.Is(err, sql.ErrNoRows) || stands == value {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO field_history (kind, id, field, day, value) VALUES ('account', ?, ?, ?, ?)
		ON CONFLICT (kind, id, field, day) DO UPDATE SET value = excluded.value`, account, f.Field, f.Day, value)
	return err
}

// sameValue compares as people do: all unknowns are alike.
func sameValue(a, b steward.Value) bool {
	if !a.Known || !b.Known {
		return a.Known == b.Known
	}
	return a == b
}
