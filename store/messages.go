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

type messageRow struct {
	ID             steward.MessageID    `db:"id"`
	Kind           steward.MessageKind  `db:"kind"`
	Channel        steward.Channel      `db:"channel"`
	Recipient      string               `db:"recipient"`
	Owner          steward.OwnerID      `db:"owner"`
	Address        string               `db:"address"`
	Account        steward.AccountID    `db:"account"`
	State          steward.MessageState `db:"state"`
	Epoch          int                  `db:"epoch"`
	Due            int64                `db:"due"`
	Expires        int64                `db:"expires"`
	Lease          int64                `db:"lease"`
	Attempts       int                  `db:"attempts"`
	Reason         steward.Reason       `db:"reason"`
	Detail         string               `db:"detail"`
	Content        sql.Null[string]     `db:"content"`
	Version        int                  `db:"version"`
	Hash           string               `db:"hash"`
	Approvers      string               `db:"approvers"`
	Veto           int64                `db:"veto"`
	ApprovedBy     string               `db:"approved_by"`
	Sender         steward.OwnerID      `db:"sender"`
	For            steward.MessageID    `db:"for_message"`
	RetryUncertain bool                 `db:"retry_uncertain"`
	Ref            string               `db:"ref"`
	Planned        int64                `db:"planned"`
	Settled        int64                `db:"settled"`
	EnqueuedAt     int64                `db:"enqueued_at"`
	Task           string               `db:"task"`
	Claimed        int64                `db:"claimed"` // when it was last taken to be sent
	Urgency        float64              `db:"urgency"`
	Topic          steward.Topic        `db:"topic"`
}

func rowOfMessage(m steward.Message) (messageRow, error) {
	r := messageRow{
		ID: m.ID, Kind: m.Kind, Channel: m.Channel, Owner: m.To.Owner, Address: address(m.To.Email),
		Account: m.Account, State: m.State, Epoch: m.Epoch, Due: seconds(m.Due), Expires: seconds(m.Expires),
		Lease: seconds(m.Lease), Attempts: m.Attempts, Reason: m.Reason, Detail: m.Detail,
		Version: m.Version, Hash: m.Hash, Veto: seconds(m.Veto), ApprovedBy: m.ApprovedBy, Sender: m.Sender, For: m.For,
		RetryUncertain: m.RetryUncertain, Ref: m.Ref, Planned: seconds(m.Planned), Settled: seconds(m.Settled), Topic: m.Topic,
	}
	var err error
	if r.Recipient, err = jsonColumn(m.To); err != nil {
		return r, err
	}
	if r.Approvers, err = listColumn(m.Approvers); err != nil {
		return r, err
	}
	r.Content, err = contentColumn(m.Content)
	return r, err
}

func contentColumn(c *steward.Content) (sql.Null[string], error) {
	if c == nil {
		return sql.Null[string]{}, nil
	}
	text, err := jsonColumn(c)
	return sql.Null[string]{V: text, Valid: true}, err
}

func (r messageRow) noun() (steward.Message, error) {
	m := steward.Message{
		ID: r.ID, Kind: r.Kind, Channel: r.Channel, Account: r.Account, State: r.State, Epoch: r.Epoch,
		Due: instant(r.Due), Expires: instant(r.Expires), Lease: instant(r.Lease), Attempts: r.Attempts,
		Reason: r.Reason, Detail: r.Detail, Version: r.Version, Hash: r.Hash, Veto: instant(r.Veto),
		ApprovedBy: r.ApprovedBy, Sender: r.Sender, For: r.For, RetryUncertain: r.RetryUncertain, Ref: r.Ref,
		Planned: instant(r.Planned), Settled: instant(r.Settled), Topic: r.Topic,
	}
	var err error
	if m.To, err = jsonOf[steward.Recipient](r.Recipient, "recipient of "+string(r.ID)); err != nil {
		return m, err
	}
	if m.Approvers, err = jsonOf[[]steward.OwnerID](r.Approvers, "approvers of "+string(r.ID)); err != nil {
		return m, err
	}
	if r.Content.Valid {
		content, err := jsonOf[steward.Content](r.Content.V, "content of "+string(r.ID))
		if err != nil {
			return m, err
		}
		m.Content = &content
	}
	return m, nil
}

// putMessage adds a message; one whose id exists is left as it is.
func putMessage(ctx context.Context, tx *sqlx.Tx, m steward.Message) (added bool, err error) {
	row, err := rowOfMessage(m)
	if err != nil {
		return false, err
	}
	res, err := tx.NamedExecContext(ctx, `
		INSERT INTO messages (id, kind, channel, recipient, owner, address, account, state, epoch, due, expires, lease,
			attempts, reason, detail, content, version, hash, approvers, veto, approved_by, for_message, retry_uncertain,
			ref, planned, settled, enqueued_at, sender, topic)
		VALUES (:id, :kind, :channel, :recipient, :owner, :address, :account, :state, :epoch, :due, :expires, :lease,
			:attempts, :reason, :detail, :content, :version, :hash, :approvers, :veto, :approved_by, :for_message, :retry_uncertain,
			:ref, :planned, :settled, :enqueued_at, :sender, :topic)
		ON CONFLICT (id) DO NOTHING`, row)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

func getMessage(ctx context.Context, tx *sqlx.Tx, id steward.MessageID) (steward.Message, error) {
	var row messageRow
	err := tx.GetContext(ctx, &row, `SELECT * FROM messages WHERE id = ?`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return steward.Message{}, fmt.Errorf("message %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return steward.Message{}, err
	}
	return row.noun()
}

func selectMessages(ctx context.Context, tx *sqlx.Tx, query string, args ...any) ([]steward.Message, error) {
	var rows []messageRow
	if err := tx.SelectContext(ctx, &rows, query, args...); err != nil {
		return nil, err
	}
	return each(rows, messageRow.noun)
}

// An outreachHead is which outreach it is: what a record says of it.
type outreachHead struct {
	ID        steward.OutreachID   `db:"id"`
	Enrolment steward.EnrolmentID  `db:"enrolment"`
	Playbook  steward.PlaybookName `db:"playbook"`
	Kind      steward.SubjectKind  `db:"kind"`
	Subject   string               `db:"subject"`
	Account   steward.AccountID    `db:"account"`
	Step      string               `db:"step"`
}

func headOf(o steward.Outreach) outreachHead {
	return outreachHead{o.ID, o.Enrolment, o.Playbook, o.Subject.Kind, o.Subject.ID, o.Subject.Account, o.Step}
}

func (h outreachHead) noun() steward.Outreach {
	return steward.Outreach{ID: h.ID, Enrolment: h.Enrolment, Playbook: h.Playbook, Step: h.Step,
		Subject: steward.Subject{Kind: h.Kind, ID: h.Subject, Account: h.Account}}
}

type outreachRow struct {
	outreachHead
	Occurrence string            `db:"occurrence"`
	Recipient  string            `db:"recipient"`
	Message    sql.Null[string]  `db:"message"`
	Wording    string            `db:"wording"`
	Severity   string            `db:"severity"`
	Priority   sql.Null[float64] `db:"priority"`
	Planned    int64             `db:"planned"`
	Suppressed steward.Reason    `db:"suppressed"`
	Assignment string            `db:"assignment"`
	Digested   steward.Reason    `db:"digested"`
}

func (r outreachRow) noun() (o steward.Outreach, err error) {
	o = r.outreachHead.noun()
	o.Occurrence, o.Message, o.Wording, o.Severity = r.Occurrence, steward.MessageID(r.Message.V), r.Wording, r.Severity
	o.Priority, o.Planned, o.Suppressed, o.Digested = numberOf(r.Priority), instant(r.Planned), r.Suppressed, r.Digested
	if o.Assignment, err = jsonOf[*steward.Assignment](r.Assignment, "assignment of "+string(r.ID)); err != nil {
		return o, err
	}
	o.To, err = jsonOf[steward.Recipient](r.Recipient, "addressee of "+string(r.ID))
	return o, err
}

// putOutreach adds an outreach; one whose id exists is left as it is.
func putOutreach(ctx context.Context, tx *sqlx.Tx, o steward.Outreach) error {
	to, err := jsonColumn(o.To)
	if err != nil {
		return err
	}
	assignment := ""
	if o.Assignment != nil {
		if assignment, err = jsonColumn(o.Assignment); err != nil {
			return err
		}
	}
	_, err = tx.NamedExecContext(ctx, `
		INSERT INTO outreach (id, enrolment, playbook, kind, subject, account, step, occurrence, recipient, message,
			wording, severity, priority, planned, suppressed, assignment, digested)
		VALUES (:id, :enrolment, :playbook, :kind, :subject, :account, :step, :occurrence, :recipient, :message,
			:wording, :severity, :priority, :planned, :suppressed, :assignment, :digested)
		ON CONFLICT (id) DO NOTHING`,
		outreachRow{
			outreachHead: headOf(o), Occurrence: o.Occurrence, Recipient: to,
			Message: sql.Null[string]{V: string(o.Message), Valid: o.Message != ""},
			Wording: o.Wording, Severity: o.Severity, Priority: numberColumn(o.Priority),
			Planned: seconds(o.Planned), Suppressed: o.Suppressed, Assignment: assignment, Digested: o.Digested,
		})
	if err != nil {
		return err
	}
	if err := hurry(ctx, tx, o, o.Message); err != nil {
		return err
	}
	return putTask(ctx, tx, o)
}

// hurry makes a message as urgent as what it carries: by severity, then by
// priority.
func hurry(ctx context.Context, tx *sqlx.Tx, o steward.Outreach, m steward.MessageID) error {
	urgency := map[string]float64{"critical": 2e15, "warning": 1e15}[o.Severity]
	if o.Priority.Known {
		urgency += min(max(o.Priority.Num, 0), 9e14)
	}
	if m == "" || urgency == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE messages SET urgency = ? WHERE id = ? AND urgency < ?`, urgency, m, urgency)
	return err
}

func selectOutreach(ctx context.Context, tx *sqlx.Tx, query string, args ...any) ([]steward.Outreach, error) {
	var rows []outreachRow
	if err := tx.SelectContext(ctx, &rows, query, args...); err != nil {
		return nil, err
	}
	return each(rows, outreachRow.noun)
}

// OutreachOf reads what the enrolments have said or mean to say, oldest first,
// and the messages that carry it.
func (db *DB) OutreachOf(ctx context.Context, enrolments []steward.EnrolmentID) ([]steward.Outreach, map[steward.MessageID]steward.Message, error) {
	var said []steward.Outreach
	carried := make(map[steward.MessageID]steward.Message)
	err := db.view(ctx, "read outreach", func(tx *sqlx.Tx) error {
		for part := range slices.Chunk(enrolments, inLimit) {
			query, args, err := sqlx.In(`SELECT * FROM outreach WHERE enrolment IN (?) ORDER BY planned, id`, part)
			if err != nil {
				return err
			}
			o, err := selectOutreach(ctx, tx, query, args...)
			if err != nil {
				return err
			}
			said = append(said, o...)
			query, args, err = sqlx.In(`
				SELECT * FROM messages WHERE id IN (SELECT message FROM outreach WHERE enrolment IN (?))`, part)
			if err != nil {
				return err
			}
			messages, err := selectMessages(ctx, tx, query, args...)
			if err != nil {
				return err
			}
			for _, m := range messages {
				carried[m.ID] = m
			}
		}
		return nil
	})
	return said, carried, err
}

// A MessageFilter says which messages to read; its zero value means all.
type MessageFilter struct {
	State   steward.MessageState
	Account steward.AccountID
	Owner   steward.OwnerID
	Channel steward.Channel
	Kind    steward.MessageKind
	Since   time.Time // planned then or later
	Limit   int
}

// Messages reads the messages that a filter asks for, newest first, and what
// each carries.
func (db *DB) Messages(ctx context.Context, f MessageFilter) ([]steward.Message, map[steward.MessageID][]steward.Outreach, error) {
	var found []steward.Message
	carries := make(map[steward.MessageID][]steward.Outreach)
	err := db.view(ctx, "read messages", func(tx *sqlx.Tx) error {
		var w where
		if f.State != "" {
			w.and(inMessageState(f.State))
		}
		w.is("account", string(f.Account))
		w.is("owner", string(f.Owner))
		w.is("channel", string(f.Channel))
		w.is("kind", string(f.Kind))
		if !f.Since.IsZero() {
			w.and("planned >= ?", f.Since.Unix())
		}
		var err error
		found, err = selectMessages(ctx, tx, newestMessages(w), append(w.args, rowLimit(f.Limit))...)
		if err != nil {
			return err
		}
		ids := make([]steward.MessageID, len(found))
		for i, m := range found {
			ids[i] = m.ID
		}
		for part := range slices.Chunk(ids, inLimit) {
			query, args, err := sqlx.In(`SELECT * FROM outreach WHERE message IN (?) ORDER BY planned, id`, part)
			if err != nil {
				return err
			}
			said, err := selectOutreach(ctx, tx, query, args...)
			if err != nil {
				return err
			}
			for _, o := range said {
				carries[o.Message] = append(carries[o.Message], o)
			}
		}
		return nil
	})
	return found, carries, err
}

// newestMessages finds ids first: where they have to be sorted, as those of one
// owner and state, no texts are sorted with them.
func newestMessages(w where) string {
	return `
		SELECT * FROM messages WHERE id IN (
			SELECT id FROM messages` + w.sql() + ` ORDER BY planned DESC, id LIMIT ?)
		ORDER BY planned DESC, id`
}

// Message reads one by its id or by the beginning of it, with or without the
// "m-". ErrNotFound, or *AmbiguousError when more than one begins so.
func (db *DB) Message(ctx context.Context, idOrPrefix string) (steward.Message, error) {
	var m steward.Message
	err := db.view(ctx, "read message "+idOrPrefix, func(tx *sqlx.Tx) error {
		id, err := findID(ctx, tx, "messages", "m-", idOrPrefix)
		if err != nil {
			return err
		}
		m, err = getMessage(ctx, tx, steward.MessageID(id))
		return err
	})
	return m, err
}

// An Attempt is one call of a provider.
type Attempt struct {
	N       int                  `json:"n"`
	Epoch   int                  `json:"epoch"`
	Started time.Time            `json:"started"`
	Ended   time.Time            `json:"ended,omitzero"`
	Outcome steward.MessageState `json:"outcome,omitempty"` // "" while it is under way
	Reason  steward.Reason       `json:"reason,omitempty"`
	Detail  string               `json:"detail,omitempty"`
	Ref     string               `json:"ref,omitempty"`
	Counted bool                 `json:"counted"` // towards the number of attempts allowed
}

// Attempts reads the calls that were made for a message, oldest first.
func (db *DB) Attempts(ctx context.Context, id steward.MessageID) ([]Attempt, error) {
	var rows []struct {
		Message string               `db:"message"`
		N       int                  `db:"n"`
		Epoch   int                  `db:"epoch"`
		Started int64                `db:"started"`
		Ended   int64                `db:"ended"`
		Outcome steward.MessageState `db:"outcome"`
		Reason  steward.Reason       `db:"reason"`
		Detail  string               `db:"detail"`
		Ref     string               `db:"ref"`
		Counted bool                 `db:"counted"`
	}
	err := db.view(ctx, "read attempts of "+string(id), func(tx *sqlx.Tx) error {
		return tx.SelectContext(ctx, &rows, `SELECT * FROM attempts WHERE message = ? ORDER BY n`, id)
	})
	var out []Attempt
	for _, r := range rows {
		out = append(out, Attempt{N: r.N, Epoch: r.Epoch, Started: instant(r.Started), Ended: instant(r.Ended),
			Outcome: r.Outcome, Reason: r.Reason, Detail: r.Detail, Ref: r.Ref, Counted: r.Counted})
	}
	return out, err
}
