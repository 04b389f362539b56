package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// What readers want. An address that wants no mail at all is a suppression; one
// that wants none of some topics has a preference for each. Both belong to the
// address and to no contact, so they hold for whoever has it, now or after any
// import.

// BySelf is the source of what a reader asked for with the link in a mail. Only
// what they asked for themselves can they take back by it.
const BySelf = "the reader's own choice"

// Unsubscribed is the reason of a suppression that a reader asked for.
const Unsubscribed = "unsubscribed"

// A Reader is whom a mail was for, and which kinds of mail they want.
type Reader struct {
	To steward.Recipient
	// Topic is the mail's; "" where it has none.
	Topic steward.Topic
	// None tells that the address gets no mail at all, Locked that this was not
	// its reader's own doing. Unwanted is the topics that it gets no mail of.
	None, Locked bool
	Unwanted     []steward.Topic
}

// ReaderOf reads who a mail was for and what they want, or ErrNotFound.
func (db *DB) ReaderOf(ctx context.Context, id steward.MessageID) (Reader, error) {
	var r Reader
	err := db.view(ctx, "read what the reader of "+string(id)+" wants", func(tx *sqlx.Tx) error {
		m, err := getMessage(ctx, tx, id)
		if err != nil {
			return err
		}
		r = Reader{To: m.To, Topic: m.Topic}
		if err := tx.SelectContext(ctx, &r.Unwanted, `SELECT topic FROM preferences WHERE address = ? ORDER BY topic`, address(m.To.Email)); err != nil {
			return err
		}
		var source string
		err = tx.GetContext(ctx, &source, `SELECT source FROM suppressions WHERE address = ?`, address(m.To.Email))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		r.None, r.Locked = true, source != BySelf
		return err
	})
	return r, err
}

// Prefer sets of which topics an address wants no mail, and lets it have those
// that it wants; of others nothing changes. A reader who chooses what they want
// after they had asked for no mail at all gets mail again.
func (db *DB) Prefer(ctx context.Context, email string, unwanted, wanted []steward.Topic, source string, now time.Time) error {
	email = address(email)
	if email == "" {
		return fmt.Errorf("choose topics: there is no address")
	}
	return db.update(ctx, "keep what a reader wants", func(tx *sqlx.Tx) error {
		for _, topic := range unwanted {
			if topic == "" {
				return fmt.Errorf("a topic has no name")
			}
			if _, err := tx.ExecContext(ctx, `
				INSERT INTO preferences (address, topic, at, source) VALUES (?, ?, ?, ?) ON CONFLICT (address, topic) DO NOTHING`,
				email, topic, now.Unix(), source); err != nil {
				return err
			}
		}
		for _, topic := range wanted {
			if slices.Contains(unwanted, topic) {
				continue
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM preferences WHERE address = ? AND topic = ?`, email, topic); err != nil {
				return err
			}
		}
		if len(wanted) == 0 {
			return nil
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM suppressions WHERE address = ? AND source = ?`, email, BySelf)
		return err
	})
}

// AllowTopic lets an address have mail of a topic again, or tells ErrNotFound.
func (db *DB) AllowTopic(ctx context.Context, email string, topic steward.Topic) error {
	return db.update(ctx, "allow an address a topic again", func(tx *sqlx.Tx) error {
		return oneRow(tx.ExecContext(ctx, `DELETE FROM preferences WHERE address = ? AND topic = ?`, address(email), topic))(
			fmt.Errorf("the address gets %s mail already: %w", topic, ErrNotFound))
	})
}

// optOutsQuery reads all that stands in the way of mail to one address.
const optOutsQuery = `
	SELECT '' AS topic, reason AS why FROM suppressions WHERE address = ?
	UNION ALL SELECT topic, source AS why FROM preferences WHERE address = ?`

// suppressed tells whether an address wants no more mail of a topic, and why.
func suppressed(ctx context.Context, tx *sqlx.Tx, email string, topic steward.Topic) (bool, string, error) {
	if email == "" {
		return false, "", nil
	}
	var rows []struct {
		Topic steward.Topic `db:"topic"`
		Why   string        `db:"why"`
	}
	if err := tx.SelectContext(ctx, &rows, optOutsQuery, address(email), address(email)); err != nil {
		return false, "", err
	}
	outs := make(steward.OptOuts, len(rows))
	for _, r := range rows {
		outs.Add(address(email), r.Topic, r.Why)
	}
	why, out := outs.Why(address(email), topic)
	return out, why, nil
}
