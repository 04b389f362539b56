package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Forgotten says what Forget erased.
type Forgotten struct {
	Messages int `json:"messages"` // to the person, or naming them
	Stopped  int `json:"stopped"`  // of those, not sent yet and now never
	Records  int `json:"records"`  // decisions, acts and tasks whose words named the person
	// Erased is those messages, so that copies of them can be erased as well; it
	// holds nothing that names anybody.
	Erased []steward.MessageID `json:"-"`
}

// forgottenID stands where a contact's id stood: mail to a customer remains
// recognisable as that.
const forgottenID steward.ContactID = "forgotten"

// forgottenName stands where a person's name or address stood.
const forgottenName = "(forgotten)"

// Forget erases a person: the contact and others with the same address, the
// recipient and text of what was said to them, and their full name and address
// in what was said about them on their account. Mail to them that has not gone
// is stopped, and cards that were sent are drawn anew. A salted hash of id and
// address stays, so that no import brings them back. Copies in files are for the
// caller, who gets the messages' ids; backups and mailboxes are not reached, nor
// is a first name alone in the text of a card. ErrNotFound when there is no such contact.
func (db *DB) Forget(ctx context.Context, id steward.ContactID, now time.Time) (Forgotten, error) {
	var done Forgotten
	err := db.update(ctx, "forget a contact", func(tx *sqlx.Tx) error {
		done = Forgotten{}
		people, err := samePerson(ctx, tx, id)
		if err != nil {
			return err
		}
		if people, err = asTold(ctx, tx, people); err != nil {
			return err
		}
		for _, person := range people {
			if err := putTombstones(ctx, tx, person, now); err != nil {
				return err
			}
			erased, stopped, err := forgetMessages(ctx, tx, person, now)
			done.Erased = append(done.Erased, erased...)
			if err != nil {
				return err
			}
			records, err := forgetSpoken(ctx, tx, person)
			if err != nil {
				return err
			}
			done.Messages, done.Stopped, done.Records = done.Messages+len(erased), done.Stopped+stopped, done.Records+records
			if err := forgetRows(ctx, tx, person); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Forgotten{}, err
	}
	// The log beside the file still holds the pages of before. Where a reader
	// keeps this from emptying it now, the log is overwritten in time.
	_, err = db.write.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return done, fault("empty the write-ahead log", db.path, err)
}

// ContactsNamed finds people by id or by e-mail address, those too who have left
// or who belong to no known account: they may ask to be forgotten as well.
func (db *DB) ContactsNamed(ctx context.Context, who string) ([]steward.ContactID, error) {
	var out []steward.ContactID
	err := db.view(ctx, "look for a contact", func(tx *sqlx.Tx) error {
		var rows []contactRow
		if err := tx.SelectContext(ctx, &rows, `SELECT * FROM contacts ORDER BY id`); err != nil {
			return err
		}
		out = nil
		for _, r := range rows { // SQLite's lower knows ASCII alone
			if string(r.ID) == who || r.Email != "" && address(r.Email) == address(who) {
				out = append(out, r.ID)
			}
		}
		return nil
	})
	return out, err
}

// samePerson is the contact of an id and every other one with its address: a
// CRM often has a person twice. The tombstone keeps all of them from coming
// back, so one left here would be the one that still gets mail.
func samePerson(ctx context.Context, tx *sqlx.Tx, id steward.ContactID) ([]steward.Contact, error) {
	var row contactRow
	err := tx.GetContext(ctx, &row, `SELECT * FROM contacts WHERE id = ?`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("contact %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	asked, err := row.noun()
	if err != nil {
		return nil, err
	}
	people := []steward.Contact{asked}
	if address(asked.Email) == "" {
		return people, nil
	}
	// SQLite's lower knows ASCII alone, so the comparing is done here.
	var others []contactRow
	if err := tx.SelectContext(ctx, &others, `SELECT * FROM contacts WHERE id <> ? AND email <> '' ORDER BY id`, id); err != nil {
		return nil, err
	}
	for _, other := range others {
		c, err := other.noun()
		if err != nil {
			return nil, err
		}
		if address(c.Email) == address(asked.Email) {
			people = append(people, c)
		}
	}
	return people, nil
}

// asTold is people with those names, too, that one of us gave them.
func asTold(ctx context.Context, tx *sqlx.Tx, people []steward.Contact) ([]steward.Contact, error) {
	out := people
	for _, c := range people {
		told, err := readRows(ctx, tx, wordRow.noun, `SELECT * FROM words WHERE kind = 'contact' AND id = ? AND field = ?`, c.ID, steward.NameField)
		if err != nil {
			return nil, err
		}
		for _, w := range told {
			c.Name = w.Value.Text
			out = append(out, c)
		}
	}
	return out, nil
}

func putTombstones(ctx context.Context, tx *sqlx.Tx, c steward.Contact, now time.Time) error {
	t, err := readTombstones(ctx, tx)
	if err != nil {
		return err
	}
	keys := []string{t.ofID(c.ID)}
	if c.Email != "" {
		keys = append(keys, t.ofAddress(c.Email))
	}
	for _, key := range keys {
		if _, err := tx.ExecContext(ctx,
			`INSERT INTO tombstones (kind, key, at) VALUES ('contact', ?, ?) ON CONFLICT (kind, key) DO NOTHING`, key, now.Unix()); err != nil {
			return err
		}
	}
	return nil
}

func forgetMessages(ctx context.Context, tx *sqlx.Tx, c steward.Contact, now time.Time) (erased []steward.MessageID, stopped int, err error) {
	messages, err := selectMessages(ctx, tx,
		forgetMessagesQuery, c.Account, address(c.Email))
	if err != nil {
		return nil, 0, err
	}
	for _, m := range messages {
		text, err := contentColumn(m.Content)
		if err != nil {
			return nil, 0, err
		}
		if !isTo(m.To, c) {
			if said := withoutPerson(text.V, c); said != text.V {
				erased = append(erased, m.ID)
				if _, err := tx.ExecContext(ctx, `UPDATE messages SET content = ? WHERE id = ?`, said, m.ID); err != nil {
					return nil, 0, err
				}
			}
			continue
		}
		erased = append(erased, m.ID)
		to, err := jsonColumn(steward.Recipient{Key: m.To.Key, Contact: forgottenID})
		if err != nil {
			return nil, 0, err
		}
		if _, err := tx.ExecContext(ctx,
			`UPDATE messages SET recipient = ?, address = '', content = NULL WHERE id = ?`, to, m.ID); err != nil {
			return nil, 0, err
		}
		// A card that asks to approve it quotes it whole.
		var asks []steward.MessageID
		if err := tx.SelectContext(ctx, &asks, `SELECT id FROM messages WHERE id IN (SELECT card FROM asks WHERE mail = ?) AND content IS NOT NULL`, m.ID); err != nil {
			return nil, 0, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE messages SET content = NULL WHERE id IN (SELECT card FROM asks WHERE mail = ?)`, m.ID); err != nil {
			return nil, 0, err
		}
		erased = append(erased, asks...)
		// One that is with its sender this moment settles by itself.
		if m.State.Settled() || m.State == steward.Sending {
			continue
		}
		stopped++
		if err := endApproval(ctx, tx, m, steward.Suppressed, steward.ReasonOptedOut, "the person was forgotten", now); err != nil {
			return nil, 0, err
		}
	}
	said, err := selectOutreach(ctx, tx, forgetOutreachQuery, c.Account)
	if err != nil {
		return nil, 0, err
	}
	for _, o := range said {
		if !isTo(o.To, c) {
			continue
		}
		to, err := jsonColumn(steward.Recipient{Key: o.To.Key, Contact: forgottenID})
		if err != nil {
			return nil, 0, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE outreach SET recipient = ? WHERE id = ?`, to, o.ID); err != nil {
			return nil, 0, err
		}
	}
	// A card that was sent is drawn anew from what is left of it.
	return erased, stopped, repaint(ctx, tx, erased, now)
}

const (
	// Digests and notices are about no one account, and may name anybody.
	forgetMessagesQuery = `SELECT * FROM messages WHERE account = ? OR account = '' OR (address <> '' AND address = ?) ORDER BY id`
	// By way of the enrolments, which are found by account; so outreach needs no
	// such index.
	forgetOutreachQuery = `SELECT * FROM outreach WHERE enrolment IN (SELECT id FROM enrolments WHERE account = ?) ORDER BY id`
)

func isTo(r steward.Recipient, c steward.Contact) bool {
	return r.Contact == c.ID || c.Email != "" && address(r.Email) == address(c.Email)
}

// spoken are the columns that people's or Steward's own sentences stand in, which
// may name somebody. Each is found by account.
var spoken = []struct{ table, key, column string }{
	{"records", "seq", "detail"}, {"acts", "seq", "words"}, {"acts", "seq", "answer"}, {"acts", "seq", "refused"}, {"words", "seq", "words"},
	{"tasks", "id", "title"}, {"tasks", "id", "outcome"},
	{"enrolments", "id", "outcome"}, {"enrolments", "id", "evidence"}, {"enrolments", "id", "frozen"}, {"messages", "id", "detail"}, {"silences", "id", "because"},
	{"health_overrides", "id", "because"}, {"incoming", "key", "detail"},
}

// forgetSpoken takes the person out of what was said on their account, and tells
// in how many places.
func forgetSpoken(ctx context.Context, tx *sqlx.Tx, c steward.Contact) (int, error) {
	n := 0
	for _, s := range spoken {
		var rows []struct {
			Key  string `db:"k"`
			Text string `db:"said"`
		}
		if err := tx.SelectContext(ctx, &rows, `SELECT `+s.key+` AS k, `+s.column+` AS said FROM `+s.table+` WHERE account = ? AND `+s.column+` <> ''`, c.Account); err != nil {
			return 0, err
		}
		for _, r := range rows {
			said := withoutPerson(r.Text, c)
			if said == r.Text {
				continue
			}
			n++
			if _, err := tx.ExecContext(ctx, `UPDATE `+s.table+` SET `+s.column+` = ? WHERE `+s.key+` = ?`, said, r.Key); err != nil {
				return 0, err
			}
		}
	}
	// What came back from the address stays as a fact about the mail.
	_, err := tx.ExecContext(ctx, `UPDATE incoming SET address = '' WHERE address <> '' AND address = ?`, address(c.Email))
	return n, err
}

// forgetRows deletes what is about the person and nothing else.
func forgetRows(ctx context.Context, tx *sqlx.Tx, c steward.Contact) error {
	for _, q := range []struct {
		query string
		arg   any
	}{
		{`DELETE FROM contacts WHERE id = ?`, c.ID},
		{`DELETE FROM listings WHERE kind = 'contact' AND id = ?`, c.ID},
		{`DELETE FROM field_history WHERE kind = 'contact' AND id = ?`, c.ID},
		{`DELETE FROM words WHERE kind = 'contact' AND id = ?`, c.ID},
		{`DELETE FROM phases WHERE kind = 'contact' AND subject = ?`, c.ID}, // of conditions about the person
		// The tombstone now keeps mail from the address.
		{`DELETE FROM suppressions WHERE address = ?`, address(c.Email)},
		{`DELETE FROM preferences WHERE address = ?`, address(c.Email)},
	} {
		if _, err := tx.ExecContext(ctx, q.query, q.arg); err != nil {
			return err
		}
	}
	if err := forgetMentions(ctx, tx, c); err != nil {
		return err
	}
	var rejects []struct {
		Import  int64  `db:"import"`
		N       int    `db:"n"`
		Content string `db:"content"`
	}
	if err := tx.SelectContext(ctx, &rejects, `SELECT import, n, content FROM import_rejects`); err != nil {
		return err
	}
	for _, r := range rejects {
		if withoutPerson(r.Content, c) == r.Content {
			continue
		}
		if _, err := tx.ExecContext(ctx,
			`UPDATE import_rejects SET content = ? WHERE import = ? AND n = ?`, forgottenName, r.Import, r.N); err != nil {
			return err
		}
	}
	return nil
}

// mentions are the columns that name a contact, by id or by address. That
// somebody called, asked or answered stays; who, does not.
var mentions = []struct{ table, column string }{{"touches", "contact"}, {"tickets", "contact"}, {"surveys", "contact"}, {"objectives", "agreed"}}

func forgetMentions(ctx context.Context, tx *sqlx.Tx, c steward.Contact) error {
	for _, m := range mentions {
		var rows []struct {
			ID      string            `db:"id"`
			Contact steward.ContactID `db:"contact"`
		}
		if err := tx.SelectContext(ctx, &rows, `SELECT id, `+m.column+` AS contact FROM `+m.table+` WHERE `+m.column+` <> ''`); err != nil {
			return err
		}
		for _, r := range rows {
			if r.Contact != c.ID && (c.Email == "" || address(string(r.Contact)) != address(c.Email)) {
				continue
			}
			if _, err := tx.ExecContext(ctx, `UPDATE `+m.table+` SET id = ?, `+m.column+` = '' WHERE id = ?`, namelessID(r.ID, r.Contact), r.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// namelessID is an id that does not hold the contact's, which ids that are made
// of what a row says may do.
func namelessID(id string, contact steward.ContactID) string {
	if contact == "" || !strings.Contains(id, string(contact)) {
		return id
	}
	return derivedID("x-", id)
}

// withoutPerson takes a person's full name and address out of a text, also out
// of one that is JSON or Markdown, or one in the other, where punctuation stands
// behind backslashes. Names of one or two letters are left: they would be found
// inside other words.
func withoutPerson(text string, c steward.Contact) string {
	for part, anyCase := range map[string]string{strings.TrimSpace(c.Email): "(?i)", strings.Join(strings.Fields(c.Name), " "): ""} {
		if len(part) >= 3 {
			text = regexp.MustCompile(anyCase+written(part)).ReplaceAllLiteralString(text, forgottenName)
		}
	}
	return text
}

// written is a pattern of a name as it may be written.
func written(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case r == ' ':
			b.WriteString(`\s+`)
			continue
		case r < utf8.RuneSelf && !unicode.IsLetter(r) && !unicode.IsDigit(r):
			b.WriteString(`\\*`)
		}
		b.WriteString(regexp.QuoteMeta(string(r)))
	}
	return b.String()
}

// Forgettings is how many people were ever forgotten, counted by what is kept
// against their return: when it rises, what was read before names somebody whom it
// should not.
func (db *DB) Forgettings(ctx context.Context) (int, error) {
	n := 0
	err := db.view(ctx, "count who was forgotten", func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &n, `SELECT count(*) FROM tombstones WHERE kind = 'contact'`)
	})
	return n, err
}

// tombstones are the people who must not come back. They are kept as salted
// hashes of the contact's id and address.
type tombstones struct {
	salt string
	keys map[string]bool
}

func readTombstones(ctx context.Context, tx *sqlx.Tx) (tombstones, error) {
	t := tombstones{keys: make(map[string]bool)}
	if err := tx.GetContext(ctx, &t.salt, `SELECT value FROM keys WHERE name = 'salt'`); err != nil {
		return t, err
	}
	var keys []string
	if err := tx.SelectContext(ctx, &keys, `SELECT key FROM tombstones WHERE kind = 'contact'`); err != nil {
		return t, err
	}
	for _, k := range keys {
		t.keys[k] = true
	}
	return t, nil
}

func (t tombstones) cover(c steward.Contact) bool {
	if len(t.keys) == 0 {
		return false
	}
	return t.keys[t.ofID(c.ID)] || c.Email != "" && t.keys[t.ofAddress(c.Email)]
}

// without is a row's id and contact as they are kept: a forgotten person is not
// named again by what somebody did with them.
func (t tombstones) without(id string, contact steward.ContactID) (string, steward.ContactID) {
	if contact == "" || len(t.keys) == 0 || !t.keys[t.ofID(contact)] && !t.keys[t.ofAddress(string(contact))] {
		return id, contact
	}
	return namelessID(id, contact), ""
}

func (t tombstones) ofID(id steward.ContactID) string {
	return derivedID("", t.salt, "id", string(id))
}

func (t tombstones) ofAddress(email string) string {
	return derivedID("", t.salt, "address", address(email))
}
