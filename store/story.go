package store

import (
	"context"
	"database/sql"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Story reads what is kept about an account. Of records, messages, acts
// and what came back it reads the newest, up to limit each.
func (db *DB) Story(ctx context.Context, account steward.AccountID, limit int) (steward.Story, error) {
	var s steward.Story
	err := db.view(ctx, "read what is kept about an account", func(tx *sqlx.Tx) error {
		s = steward.Story{}
		for _, read := range []func(context.Context, *sqlx.Tx, *steward.Story, steward.AccountID, int) error{
			readStanding, readSaid, readDone, readCame,
		} {
			if err := read(ctx, tx, &s, account, limit); err != nil {
				return err
			}
		}
		return nil
	})
	return s, err
}

// readStanding reads what goes on about an account, and what is over.
func readStanding(ctx context.Context, tx *sqlx.Tx, s *steward.Story, account steward.AccountID, _ int) error {
	all, err := selectEnrolments(ctx, tx, `SELECT * FROM enrolments WHERE account = ? ORDER BY opened_at DESC, id`, account)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.State.Open() {
			s.Standing.Open = append(s.Standing.Open, e)
		} else {
			s.Ended = append(s.Ended, e)
		}
	}
	var phases []phaseRow
	if err := tx.SelectContext(ctx, &phases, `SELECT * FROM phases WHERE account = ? ORDER BY playbook, kind, subject`, account); err != nil {
		return err
	}
	if s.Standing.Phases, err = each(phases, phaseRow.noun); err != nil {
		return err
	}
	if s.Standing.Playbooks, err = readPlaybookStates(ctx, tx); err != nil {
		return err
	}
	if s.Standing.Afoot, err = readAfoot(ctx, tx, []steward.AccountID{account}); err != nil {
		return err
	}
	if s.Standing.Silences, err = unendedSilences(ctx, tx); err != nil {
		return err
	}
	s.Standing.Pause, err = readPause(ctx, tx)
	return err
}

// readSaid reads the messages about an account, what they carry, and what was
// decided.
func readSaid(ctx context.Context, tx *sqlx.Tx, s *steward.Story, account steward.AccountID, limit int) (err error) {
	var of where
	of.is("account", string(account))
	if s.Messages, err = selectMessages(ctx, tx, newestMessages(of), account, rowLimit(limit)); err != nil {
		return err
	}
	ids := make([]steward.MessageID, len(s.Messages))
	for i, m := range s.Messages {
		ids[i] = m.ID
	}
	in, err := jsonColumn(ids)
	if err != nil {
		return err
	}
	if s.Outreach, err = selectOutreach(ctx, tx, `SELECT * FROM outreach WHERE message IN (SELECT value FROM json_each(?)) ORDER BY planned, id`, in); err != nil {
		return err
	}
	var rows []recordRow
	if err := tx.SelectContext(ctx, &rows, `SELECT * FROM records WHERE account = ? ORDER BY seq DESC LIMIT ?`, account, rowLimit(limit)); err != nil {
		return err
	}
	s.Records, err = each(rows, recordRow.noun)
	return err
}

// readDone reads what people did about an account, and what they are to do.
func readDone(ctx context.Context, tx *sqlx.Tx, s *steward.Story, account steward.AccountID, limit int) error {
	var acts []actRow
	if err := tx.SelectContext(ctx, &acts, `SELECT * FROM acts WHERE account = ? ORDER BY seq DESC LIMIT ?`, account, rowLimit(limit)); err != nil {
		return err
	}
	var err error
	if s.Acts, err = each(acts, actRow.noun); err != nil {
		return err
	}
	var tasks []taskRow
	if err := tx.SelectContext(ctx, &tasks, `
		SELECT * FROM tasks WHERE account = ?
		ORDER BY CASE WHEN state = 'open' THEN 0 ELSE 1 END, CASE WHEN due IS NULL THEN 1 ELSE 0 END, CASE WHEN state = 'open' THEN due END, at DESC, given, id LIMIT ?`,
		account, rowLimit(limit)); err != nil {
		return err
	}
	if s.Tasks, err = each(tasks, taskRow.noun); err != nil {
		return err
	}
	s.Words, err = readRows(ctx, tx, wordRow.noun, `SELECT * FROM words WHERE account = ? ORDER BY seq DESC LIMIT ?`, account, rowLimit(limit))
	return err
}

// readCame reads what came back by mail from an account's people, and whose
// addresses take none.
func readCame(ctx context.Context, tx *sqlx.Tx, s *steward.Story, account steward.AccountID, limit int) error {
	var came []struct {
		Key     string               `db:"key"`
		Kind    steward.IncomingKind `db:"kind"`
		Message steward.MessageID    `db:"message"`
		Address string               `db:"address"`
		At      int64                `db:"at"`
		Status  string               `db:"status"`
		Detail  string               `db:"detail"`
		Back    sql.Null[int32]      `db:"back"`
	}
	if err := tx.SelectContext(ctx, &came, `
		SELECT key, kind, message, address, at, status, detail, back FROM incoming WHERE account = ? ORDER BY at DESC LIMIT ?`, account, rowLimit(limit)); err != nil {
		return err
	}
	for _, c := range came {
		s.Incoming = append(s.Incoming, steward.Incoming{Key: c.Key, Kind: c.Kind, Message: c.Message, Address: c.Address, At: instant(c.At),
			Status: c.Status, Detail: c.Detail, Back: dayOf(c.Back)})
	}
	var stopped []struct {
		Address string `db:"address"`
		Reason  string `db:"reason"`
	}
	// Addresses are stored as their sources write them.
	if err := tx.SelectContext(ctx, &stopped, `
		SELECT s.address, s.reason FROM contacts c JOIN suppressions s ON s.address = LOWER(TRIM(c.email)) WHERE c.account = ?`, account); err != nil {
		return err
	}
	s.Suppressed = map[string]string{}
	for _, x := range stopped {
		s.Suppressed[x.Address] = x.Reason
	}
	return nil
}
