package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

type incomingRow struct {
	Key     string               `db:"key"`
	Kind    steward.IncomingKind `db:"kind"`
	Message steward.MessageID    `db:"message"`
	Address string               `db:"address"`
	Account steward.AccountID    `db:"account"`
	At      int64                `db:"at"`
	SeenAt  int64                `db:"seen_at"`
	Status  string               `db:"status"`
	Detail  string               `db:"detail"`
	Back    sql.Null[int32]      `db:"back"`
}

// Receive keeps something that came back for a mail and writes what it changes,
// together and once: isNew is false for a key that is known, and then nothing is
// written. The cards about the mail are drawn anew. ErrConflict when something
// that the change was decided on has changed since; then nothing is kept, and the
// caller decides anew.
func (db *DB) Receive(ctx context.Context, in steward.Incoming, change steward.Change, now time.Time) (isNew bool, err error) {
	err = db.update(ctx, "keep what came back", func(tx *sqlx.Tx) error {
		row := incomingRow{Key: in.Key, Kind: in.Kind, Message: in.Message, Address: address(in.Address), Account: change.Account,
			At: seconds(in.At), SeenAt: seconds(now), Status: in.Status, Detail: in.Detail, Back: dayColumn(in.Back)}
		res, err := tx.NamedExecContext(ctx, `
			INSERT INTO incoming (key, kind, message, address, account, at, seen_at, status, detail, back)
			VALUES (:key, :kind, :message, :address, :account, :at, :seen_at, :status, :detail, :back)
			ON CONFLICT (key) DO NOTHING`, row)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if isNew = n > 0; err != nil || !isNew {
			return err
		}
		if err := writeChange(ctx, tx, change, now); err != nil {
			return err
		}
		if err := proven(ctx, tx, in, now); err != nil {
			return err
		}
		return repaintAbout(ctx, tx, in.Message, now)
	})
	return isNew && err == nil, err
}

// provenBy is what tells that a mail went out.
var provenBy = map[steward.IncomingKind]string{
	steward.Reply: "a reply to it", steward.AutoReply: "an automatic reply to it", steward.Complaint: "a complaint about it",
	steward.HardBounce: "that it came back", steward.SoftBounce: "that it came back",
}

// proven settles a mail as sent of which that was not known: nothing comes back
// for what never went.
func proven(ctx context.Context, tx *sqlx.Tx, in steward.Incoming, now time.Time) error {
	by, ok := provenBy[in.Kind]
	if !ok {
		return nil
	}
	found, err := selectMessages(ctx, tx, `SELECT * FROM messages WHERE id = ? AND state = 'uncertain'`, in.Message)
	if err != nil || len(found) == 0 {
		return err
	}
	m := found[0]
	d := steward.Decision{Effect: steward.Pass, Reason: steward.ReasonDelivered, Detail: by + " tells that it was sent"}
	if _, err := tx.ExecContext(ctx, `UPDATE messages SET state = 'sent', reason = ?, detail = ? WHERE id = ?`, d.Reason, d.Detail, m.ID); err != nil {
		return err
	}
	carried, err := selectOutreach(ctx, tx, `SELECT * FROM outreach WHERE message = ? ORDER BY planned, id`, m.ID)
	if err != nil {
		return err
	}
	return putRecords(ctx, tx, recordsOf(m, carried, d, now))
}

// repaintAbout has the cards drawn anew that carry something of a mail's
// enrolments, or ask about the mail.
func repaintAbout(ctx context.Context, tx *sqlx.Tx, mail steward.MessageID, now time.Time) error {
	if mail == "" {
		return nil
	}
	var enrolments []steward.EnrolmentID
	if err := tx.SelectContext(ctx, &enrolments, `SELECT enrolment FROM outreach WHERE message = ?`, mail); err != nil {
		return err
	}
	for _, id := range enrolments {
		if err := repaintOf(ctx, tx, id, now); err != nil {
			return err
		}
	}
	var asks []steward.MessageID
	if err := tx.SelectContext(ctx, &asks, `SELECT card FROM asks WHERE mail = ?`, mail); err != nil {
		return err
	}
	return repaint(ctx, tx, asks, now)
}

// MailTo reads the mails that went, or may have gone, to an address since a
// moment, newest first.
func (db *DB) MailTo(ctx context.Context, email string, since time.Time, limit int) ([]steward.Message, error) {
	var out []steward.Message
	err := db.view(ctx, "read the mail to an address", func(tx *sqlx.Tx) (err error) {
		out, err = selectMessages(ctx, tx, mailToQuery, address(email), since.Unix(), rowLimit(limit))
		return err
	})
	return out, err
}

const mailToQuery = `
	SELECT * FROM messages WHERE address = ? AND address <> '' AND channel = 'email' AND planned >= ? AND (state = 'sent' OR state = 'uncertain')
	ORDER BY planned DESC LIMIT ?`

// SoftBounces is how many other mails to an address came back since a moment,
// without the address being at fault. A mail that was reported as late and then
// as failed counts once.
func (db *DB) SoftBounces(ctx context.Context, email string, except steward.MessageID, since time.Time) (int, error) {
	n := 0
	err := db.view(ctx, "count bounces", func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &n, softBouncesQuery, address(email), since.Unix(), except)
	})
	return n, err
}

const softBouncesQuery = `
	SELECT COUNT(DISTINCT message) FROM incoming WHERE address = ? AND address <> '' AND at >= ? AND kind = 'soft_bounce' AND message <> ?`

// readReplies reads who replied since a moment: whom the mail was for, though
// somebody may have answered for them.
func readReplies(ctx context.Context, tx *sqlx.Tx, since time.Time, found func(steward.AccountID, steward.ContactID, int64)) error {
	var rows []struct {
		Account   steward.AccountID `db:"account"`
		Recipient string            `db:"recipient"`
		At        int64             `db:"at"`
	}
	if err := tx.SelectContext(ctx, &rows, repliesQuery, since.Unix()); err != nil {
		return err
	}
	for _, r := range rows {
		to, err := jsonOf[steward.Recipient](r.Recipient, "recipient of a mail")
		if err != nil {
			return err
		}
		if to.Contact != "" && to.Contact != forgottenID {
			found(r.Account, to.Contact, r.At)
		}
	}
	return nil
}

const repliesQuery = `
	SELECT m.account, m.recipient, i.at FROM incoming i JOIN messages m ON m.id = i.message
	WHERE i.kind = 'reply' AND i.at >= ? ORDER BY i.at`

// markBounced notes whose address takes no mail.
func markBounced(ctx context.Context, tx *sqlx.Tx, people []steward.Contact) error {
	var list []string
	if err := tx.SelectContext(ctx, &list, `SELECT address FROM suppressions WHERE source = ?`, steward.BounceSource); err != nil {
		return err
	}
	bounced := make(map[string]bool, len(list))
	for _, a := range list {
		bounced[a] = true
	}
	for i, c := range people {
		people[i].Bounced = c.Email != "" && bounced[address(c.Email)]
	}
	return nil
}

// IncomingCounts is how many mails of each kind came back.
func (db *DB) IncomingCounts(ctx context.Context) (map[steward.IncomingKind]int, error) {
	var rows []struct {
		Kind steward.IncomingKind `db:"kind"`
		N    int                  `db:"n"`
	}
	err := db.view(ctx, "count what came back", func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT kind, COUNT(*) AS n FROM incoming GROUP BY kind`)
	})
	out := map[steward.IncomingKind]int{}
	for _, r := range rows {
		out[r.Kind] = r.N
	}
	return out, err
}

// MailCursor is up to where a mailbox was read; ok is false before the first
// time.
func (db *DB) MailCursor(ctx context.Context, mailbox string) (c steward.MailCursor, ok bool, err error) {
	var row struct {
		Validity int64 `db:"validity"`
		UID      int64 `db:"uid"`
	}
	err = db.view(ctx, "read how far a mailbox was read", func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &row, `SELECT validity, uid FROM mailboxes WHERE name = ?`, mailbox)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return c, false, nil
	}
	return steward.MailCursor{Validity: uint32(row.Validity), UID: uint32(row.UID)}, err == nil, err
}

// MoveMailCursor notes up to where a mailbox was read. It is written after what
// was found there: a crash in between reads the same mails again, and their keys
// make that nothing.
func (db *DB) MoveMailCursor(ctx context.Context, mailbox string, c steward.MailCursor) error {
	return db.update(ctx, "note how far a mailbox was read", func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO mailboxes (name, validity, uid) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET validity = excluded.validity, uid = excluded.uid`, mailbox, c.Validity, c.UID)
		return err
	})
}

// readAway is Away in a transaction.
func readAway(ctx context.Context, tx *sqlx.Tx, today steward.Day) (map[string]steward.Day, error) {
	var rows []struct {
		Address string          `db:"address"`
		Back    sql.Null[int32] `db:"back"`
	}
	if err := tx.SelectContext(ctx, &rows, awayQuery, int32(today)); err != nil {
		return nil, err
	}
	out := map[string]steward.Day{}
	for _, r := range rows { // the newest comes last
		out[r.Address] = dayOf(r.Back)
	}
	return out, nil
}

// A newer notice overtakes an older one, also where it says a day that is over.
const awayQuery = `
	SELECT i.address, i.back FROM incoming i WHERE i.back > ? AND i.address <> '' AND NOT EXISTS (
		SELECT 1 FROM incoming n WHERE n.address = i.address AND n.address <> '' AND n.at > i.at AND n.back IS NOT NULL)
	ORDER BY i.at, i.key`

// backOn is the first day on which a mail's reader may be written to again, as
// their newest notice says; a day of the past where none does.
func backOn(ctx context.Context, tx *sqlx.Tx, m steward.Message) (steward.Day, error) {
	if !m.To.Customer() || m.To.Email == "" {
		return 0, nil
	}
	var back sql.Null[int32]
	err := tx.GetContext(ctx, &back, backOnQuery, address(m.To.Email))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return dayOf(back), err
}

const backOnQuery = `SELECT back FROM incoming WHERE address = ? AND address <> '' AND back IS NOT NULL ORDER BY at DESC LIMIT 1`

// Away reads who is away beyond a day, by address, and the first day on which
// they may be written to again, as their newest out-of-office notices say.
func (db *DB) Away(ctx context.Context, today steward.Day) (map[string]steward.Day, error) {
	var out map[string]steward.Day
	err := db.view(ctx, "read who is away", func(tx *sqlx.Tx) (err error) {
		out, err = readAway(ctx, tx, today)
		return err
	})
	return out, err
}
