package store

import (
	"context"
	"strconv"

	"github.com/jmoiron/sqlx"

	"steward"
)

type recordRow struct {
	Seq       int64                `db:"seq"`
	Key       string               `db:"key"`
	At        int64                `db:"at"`
	Playbook  steward.PlaybookName `db:"playbook"`
	Kind      steward.SubjectKind  `db:"kind"`
	Subject   string               `db:"subject"`
	Account   steward.AccountID    `db:"account"`
	Enrolment steward.EnrolmentID  `db:"enrolment"`
	Outreach  steward.OutreachID   `db:"outreach"`
	Message   steward.MessageID    `db:"message"`
	Step      string               `db:"step"`
	Effect    steward.Effect       `db:"effect"`
	Reason    steward.Reason       `db:"reason"`
	Detail    string               `db:"detail"`
	Until     int64                `db:"until"`
}

func rowOfRecord(r steward.Record) recordRow {
	effect := r.Effect
	if r.Passes() {
		effect = steward.Pass // the zero Decision passes
	}
	row := recordRow{
		At: r.At.Unix(), Playbook: r.Playbook, Kind: r.Subject.Kind, Subject: r.Subject.ID, Account: r.Subject.Account,
		Enrolment: r.Enrolment, Outreach: r.Outreach, Message: r.Message, Step: r.Step,
		Effect: effect, Reason: r.Reason, Detail: r.Detail, Until: seconds(r.Until),
	}
	// Detail is left out of what makes a record this one: it is prose, and a
	// replay by a newer program may put it differently.
	row.Key = derivedID("", strconv.FormatInt(row.At, 10), string(row.Playbook), string(row.Kind), row.Subject,
		string(row.Enrolment), string(row.Outreach), string(row.Message), row.Step, string(row.Effect), string(row.Reason))
	return row
}

func (r recordRow) noun() (steward.Record, error) {
	return steward.Record{
		At: steward.SlotFromUnix(r.At), Playbook: r.Playbook,
		Subject:   steward.Subject{Kind: r.Kind, ID: r.Subject, Account: r.Account},
		Enrolment: r.Enrolment, Outreach: r.Outreach, Message: r.Message, Step: r.Step,
		Decision: steward.Decision{Effect: r.Effect, Reason: r.Reason, Detail: r.Detail, Until: instant(r.Until)},
	}, nil
}

// putRecordQuery keeps a decision; one that is kept already is left as it is.
const putRecordQuery = `
	INSERT INTO records (key, at, playbook, kind, subject, account, enrolment, outreach, message, step, effect, reason, detail, until)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (key) DO NOTHING`

// values is the row in the order of putRecordQuery.
func (r recordRow) values() []any {
	return []any{r.Key, r.At, r.Playbook, r.Kind, r.Subject, r.Account, r.Enrolment, r.Outreach, r.Message, r.Step, r.Effect, r.Reason, r.Detail, r.Until}
}

func putRecord(ctx context.Context, tx *sqlx.Tx, r steward.Record) error {
	_, err := tx.ExecContext(ctx, putRecordQuery, rowOfRecord(r).values()...)
	return err
}

// A RecordFilter says which records to read. Those of an account are found by
// its id; with Enrolment or Message, name the account too.
type RecordFilter struct {
	Account   steward.AccountID
	Enrolment steward.EnrolmentID
	Message   steward.MessageID
	Limit     int
}

// Records reads the decisions that a filter asks for, newest first.
func (db *DB) Records(ctx context.Context, f RecordFilter) ([]steward.Record, error) {
	var out []steward.Record
	err := db.view(ctx, "read records", func(tx *sqlx.Tx) error {
		var w where
		if f != (RecordFilter{Limit: f.Limit}) {
			w.and("account = ?", string(f.Account)) // "" is that of notices, which are about none
		}
		w.is("enrolment", string(f.Enrolment))
		w.is("message", string(f.Message))
		var rows []recordRow
		err := tx.SelectContext(ctx, &rows,
			`SELECT * FROM records`+w.sql()+` ORDER BY seq DESC LIMIT ?`, append(w.args, rowLimit(f.Limit))...)
		if err != nil {
			return err
		}
		out, err = each(rows, recordRow.noun)
		return err
	})
	return out, err
}
