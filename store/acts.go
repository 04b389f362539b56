package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Perform keeps what a person did and writes what it changes, together and once.
// Of an act whose key is known nothing is written again: it returns what was
// answered then, and again. ErrConflict when something that the change was
// decided on has changed since, and ErrSettled when it is over: then nothing is
// kept, and the caller decides anew.
func (db *DB) Perform(ctx context.Context, a steward.Act, change steward.Change, answer string, now time.Time) (said string, again bool, err error) {
	err = db.update(ctx, "do "+string(a.Verb), func(tx *sqlx.Tx) error {
		said, again = answer, false
		err := tx.GetContext(ctx, &said, `SELECT answer FROM acts WHERE key = ?`, a.Key)
		if err == nil {
			again = true
			return nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := putAct(ctx, tx, a, answer); err != nil {
			return err
		}
		return writeChange(ctx, tx, change, now)
	})
	return said, again, err
}

// Answered is what was answered to an act that was done before; ok is false for
// one that was not.
func (db *DB) Answered(ctx context.Context, key string) (said string, ok bool, err error) {
	err = db.view(ctx, "look for an act", func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &said, `SELECT answer FROM acts WHERE key = ?`, key)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return said, err == nil, err
}

// OpenOf is the open enrolments of an account, held ones among them, newest
// first.
func (db *DB) OpenOf(ctx context.Context, account steward.AccountID) ([]steward.EnrolmentID, error) {
	var ids []steward.EnrolmentID
	err := db.view(ctx, "read what is open", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &ids, `SELECT id FROM enrolments WHERE account = ? AND `+enrolmentOpen+` ORDER BY opened_at DESC, id`, account)
	})
	return ids, err
}

// HeldOf is the enrolments of a playbook that are held back, longest held first.
func (db *DB) HeldOf(ctx context.Context, playbook steward.PlaybookName) ([]steward.EnrolmentID, error) {
	var ids []steward.EnrolmentID
	err := db.view(ctx, "read what is held", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &ids, `SELECT id FROM enrolments WHERE state = 'quarantined' AND playbook = ? ORDER BY due, changed_at, id`, playbook)
	})
	return ids, err
}

type actRow struct {
	Seq       int64                `db:"seq"`
	Key       string               `db:"key"`
	Verb      steward.Verb         `db:"verb"`
	At        int64                `db:"at"`
	By        steward.OwnerID      `db:"by_owner"`
	ByName    string               `db:"by_name"`
	Via       steward.Via          `db:"via"`
	Account   steward.AccountID    `db:"account"`
	Message   steward.MessageID    `db:"message"`
	Enrolment steward.EnrolmentID  `db:"enrolment"`
	Playbook  steward.PlaybookName `db:"playbook"`
	Choice    string               `db:"choice"`
	Words     string               `db:"words"`
	Until     int64                `db:"until"`
	Refused   string               `db:"refused"`
	Answer    string               `db:"answer"`
}

func (r actRow) noun() (steward.Act, error) {
	return steward.Act{Key: r.Key, Verb: r.Verb, At: instant(r.At), By: r.By, ByName: r.ByName, Via: r.Via, Account: r.Account, Message: r.Message,
		Enrolment: r.Enrolment, Playbook: r.Playbook, Choice: r.Choice, Text: r.Words, Until: instant(r.Until), Refused: r.Refused}, nil
}

func putAct(ctx context.Context, tx *sqlx.Tx, a steward.Act, answer string) error {
	_, err := tx.NamedExecContext(ctx, `
		INSERT INTO acts (key, verb, at, by_owner, by_name, via, account, message, enrolment, playbook, choice, words, until, refused, answer)
		VALUES (:key, :verb, :at, :by_owner, :by_name, :via, :account, :message, :enrolment, :playbook, :choice, :words, :until, :refused, :answer)`,
		actRow{Key: a.Key, Verb: a.Verb, At: seconds(a.At), By: a.By, ByName: a.ByName, Via: a.Via, Account: a.Account, Message: a.Message,
			Enrolment: a.Enrolment, Playbook: a.Playbook, Choice: a.Choice, Words: a.Text, Until: seconds(a.Until), Refused: a.Refused, Answer: answer})
	return err
}

// An ActFilter says which acts to read; its zero value means all.
type ActFilter struct {
	Account   steward.AccountID
	Enrolment steward.EnrolmentID
	Message   steward.MessageID
	Limit     int
}

// Acts reads what people did, newest first.
func (db *DB) Acts(ctx context.Context, f ActFilter) ([]steward.Act, error) {
	var rows []actRow
	err := db.view(ctx, "read acts", func(tx *sqlx.Tx) error {
		var w where
		w.is("account", string(f.Account))
		w.is("enrolment", string(f.Enrolment))
		w.is("message", string(f.Message))
		return tx.SelectContext(ctx, &rows, `SELECT * FROM acts`+w.sql()+` ORDER BY seq DESC LIMIT ?`, append(w.args, rowLimit(f.Limit))...)
	})
	if err != nil {
		return nil, err
	}
	return each(rows, actRow.noun)
}

// putSaid writes what people decided and said, as part of a change.
func putSaid(ctx context.Context, tx *sqlx.Tx, c steward.Change, now time.Time) error {
	for _, a := range c.Approvals {
		if err := putApproved(ctx, tx, a, now); err != nil {
			return fmt.Errorf("message %s: %w", a.Message, err)
		}
	}
	for _, r := range c.Recalled {
		if err := recall(ctx, tx, r, now); err != nil {
			return fmt.Errorf("take back what was approved of %s: %w", r.Enrolment, err)
		}
	}
	for _, w := range c.Words {
		if err := putWord(ctx, tx, w); err != nil {
			return fmt.Errorf("%s of %s %s: %w", w.Field, w.Kind, w.ID, err)
		}
	}
	for _, o := range c.Overrides {
		if err := putOverride(ctx, tx, o); err != nil {
			return fmt.Errorf("health of %s: %w", o.Account, err)
		}
	}
	for _, s := range c.Silences {
		if err := putSilence(ctx, tx, s); err != nil {
			return fmt.Errorf("silence: %w", err)
		}
	}
	for _, t := range c.Tasks {
		if err := changeTask(ctx, tx, t, now); err != nil {
			return fmt.Errorf("task %s: %w", t.Task, err)
		}
	}
	for _, t := range c.Given {
		if err := putGiven(ctx, tx, t); err != nil {
			return fmt.Errorf("task %s: %w", t.ID, err)
		}
	}
	for _, s := range c.Suppressed {
		if err := suppress(ctx, tx, s); err != nil {
			return fmt.Errorf("suppress an address: %w", err)
		}
	}
	return repaint(ctx, tx, c.Repaint, now)
}
