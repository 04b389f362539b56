package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Approve lets a message that awaits approval go, in the version that the
// person saw. ErrConflict when its text is another by now, ErrSettled when it
// has ended or was approved already.
func (db *DB) Approve(ctx context.Context, id steward.MessageID, version int, by string, now time.Time) error {
	return db.update(ctx, "approve "+string(id), func(tx *sqlx.Tx) error {
		return putApproved(ctx, tx, steward.Approved{Message: id, Version: version, By: by, Go: true}, now)
	})
}

// Decline ends a message that awaits approval, in the version that the person
// saw; why is theirs. Errors as Approve's.
func (db *DB) Decline(ctx context.Context, id steward.MessageID, version int, by, why string, now time.Time) error {
	return db.update(ctx, "decline "+string(id), func(tx *sqlx.Tx) error {
		return putApproved(ctx, tx, steward.Approved{Message: id, Version: version, By: by, Why: why}, now)
	})
}

// putApproved writes one decision about a message that awaits it.
func putApproved(ctx context.Context, tx *sqlx.Tx, a steward.Approved, now time.Time) error {
	m, err := awaiting(ctx, tx, a.Message, a.Version)
	if err != nil {
		return err
	}
	if a.Content != nil {
		if err := rewrite(ctx, tx, &m, a); err != nil {
			return err
		}
	}
	switch {
	case a.Go:
		return approve(ctx, tx, m, a.By, "approved by "+a.By, now)
	case a.Content != nil:
		return nil
	}
	detail := "declined by " + a.By
	if a.Why != "" {
		detail += ": " + a.Why
	}
	return endApproval(ctx, tx, m, steward.Suppressed, steward.ReasonDeclined, detail, now)
}

// rewrite gives a message that awaits approval another text, which is a new
// version of it.
func rewrite(ctx context.Context, tx *sqlx.Tx, m *steward.Message, a steward.Approved) error {
	content, err := contentColumn(a.Content)
	if err != nil {
		return err
	}
	m.Content, m.Hash, m.Version = a.Content, a.Hash, m.Version+1
	_, err = tx.ExecContext(ctx, `UPDATE messages SET content = ?, hash = ?, version = ? WHERE id = ?`, content, m.Hash, m.Version, m.ID)
	return err
}

// ExpireApprovals ends the messages that nobody approved in time, and tells
// how many.
func (db *DB) ExpireApprovals(ctx context.Context, now time.Time) (int, error) {
	n := 0
	err := db.update(ctx, "expire approvals", func(tx *sqlx.Tx) error {
		late, err := selectMessages(ctx, tx, `
			SELECT * FROM messages WHERE state = 'awaiting_approval' AND expires > 0 AND expires <= ? ORDER BY id`, now.Unix())
		if err != nil {
			return err
		}
		for _, m := range late {
			detail, err := unansweredDetail(ctx, tx, m)
			if err != nil {
				return err
			}
			if err := endApproval(ctx, tx, m, steward.Expired, steward.ReasonExpired, detail, now); err != nil {
				return err
			}
		}
		n = len(late)
		return nil
	})
	return n, err
}

// unansweredDetail says why a mail's approval ran out: nobody gave it, or nobody
// could be asked.
func unansweredDetail(ctx context.Context, tx *sqlx.Tx, m steward.Message) (string, error) {
	cards, err := selectMessages(ctx, tx, `SELECT * FROM messages WHERE id IN (SELECT card FROM asks WHERE mail = ? AND NOT over) ORDER BY id`, m.ID)
	why := ""
	for _, c := range cards {
		if c.State == steward.Sent || c.State == steward.Uncertain {
			return "nobody approved it in time", err
		}
		why = c.Detail
	}
	switch {
	case len(cards) == 0:
		return "nobody approved it in time", err
	case why == "":
		why = "no card went out"
	}
	return "nobody could be told of it in Slack in time: " + why, err
}

// VetoElapsed lets the messages go that nobody stopped in time, and tells how
// many. One that has expired as well does not go, nor does one whose card did not
// reach whom it asks.
func (db *DB) VetoElapsed(ctx context.Context, now time.Time) (int, error) {
	n := 0
	err := db.update(ctx, "let unopposed messages go", func(tx *sqlx.Tx) error {
		unopposed, err := selectMessages(ctx, tx, `
			SELECT * FROM messages
			WHERE state = 'awaiting_approval' AND veto > 0 AND veto <= ? AND (expires = 0 OR expires > ?) AND EXISTS (
				SELECT 1 FROM asks a JOIN messages c ON c.id = a.card WHERE a.mail = messages.id AND NOT a.over AND c.state = 'sent')
			ORDER BY id`,
			now.Unix(), now.Unix())
		if err != nil {
			return err
		}
		for _, m := range unopposed {
			if err := approve(ctx, tx, m, "", "nobody stopped it in time", now); err != nil {
				return err
			}
		}
		n = len(unopposed)
		return nil
	})
	return n, err
}

func awaiting(ctx context.Context, tx *sqlx.Tx, id steward.MessageID, version int) (steward.Message, error) {
	m, err := getMessage(ctx, tx, id)
	switch {
	case err != nil:
		return m, err
	case m.State != steward.AwaitingApproval && m.ApprovedBy != "":
		return m, fmt.Errorf("it was approved by %s and is %s: %w", m.ApprovedBy, m.State, ErrSettled)
	case m.State != steward.AwaitingApproval:
		return m, fmt.Errorf("it is %s: %w", m.State, ErrSettled)
	case m.Version != version:
		return m, fmt.Errorf("its text is version %d by now, not %d; read it again: %w", m.Version, version, ErrConflict)
	}
	return m, nil
}

// approve lets a message go. It is due from now on: what waited for a person was
// not late meanwhile, and a mail that is approved on Thursday is dated Thursday.
func approve(ctx context.Context, tx *sqlx.Tx, m steward.Message, by, detail string, now time.Time) error {
	if _, err := tx.ExecContext(ctx,
		`UPDATE messages SET state = 'planned', reason = ?, detail = ?, approved_by = ?, due = max(due, ?) WHERE id = ?`,
		steward.ReasonApproved, detail, by, now.Unix(), m.ID); err != nil {
		return err
	}
	return closeApproval(ctx, tx, m, steward.Decision{Effect: steward.Pass, Reason: steward.ReasonApproved, Detail: detail}, now)
}

// recall has mails of an enrolment wait for approval once more that a person let
// go and that have not gone: in a new version, so that nothing that was pressed
// for the old one counts, and asked about anew on cards of their own.
func recall(ctx context.Context, tx *sqlx.Tx, r steward.Recall, now time.Time) error {
	mails, err := selectMessages(ctx, tx, recallQuery, r.Enrolment)
	if err != nil {
		return err
	}
	for _, m := range mails {
		cards, err := selectMessages(ctx, tx, `SELECT * FROM messages WHERE id IN (SELECT card FROM asks WHERE mail = ? AND NOT over) ORDER BY id`, m.ID)
		if err != nil {
			return err
		}
		m.Version++
		m.Veto = time.Time{}
		if _, err := tx.ExecContext(ctx, `
			UPDATE messages SET state = 'awaiting_approval', reason = ?, detail = ?, approved_by = '', version = ?, veto = 0, epoch = epoch + 1 WHERE id = ?`,
			r.Reason, r.Detail, m.Version, m.ID); err != nil {
			return err
		}
		for _, c := range cards {
			again := steward.Message{ID: steward.NewMessageID(steward.Approval, string(m.ID), strconv.Itoa(m.Version), string(c.ID)), Kind: c.Kind, Channel: c.Channel, To: c.To, Account: c.Account,
				State: steward.Planned, Due: now, Planned: now, Expires: m.Expires, For: m.ID, RetryUncertain: c.RetryUncertain}
			if err := ask(ctx, tx, again, m); err != nil {
				return err
			}
		}
		carried, err := selectOutreach(ctx, tx, `SELECT * FROM outreach WHERE message = ? ORDER BY planned, id`, m.ID)
		if err != nil {
			return err
		}
		if err := putRecords(ctx, tx, recordsOf(m, carried, steward.Decision{Effect: steward.Defer, Reason: r.Reason, Detail: r.Detail}, now)); err != nil {
			return err
		}
		if err := repaintAsking(ctx, tx, m.ID, now); err != nil {
			return err
		}
	}
	return nil
}

// One that was tried may be with its reader.
const recallQuery = `
	SELECT * FROM messages WHERE id IN (SELECT message FROM outreach WHERE enrolment = ?)
		AND kind = 'mail' AND approved_by <> '' AND attempts = 0 AND state IN ('planned', 'enqueued', 'deferred') ORDER BY id`

// stopAwaiting ends a message if it still waits for approval.
func stopAwaiting(ctx context.Context, tx *sqlx.Tx, s steward.Stop, now time.Time) error {
	waiting, err := selectMessages(ctx, tx, `SELECT * FROM messages WHERE id = ? AND state = 'awaiting_approval'`, s.Message)
	if err != nil || len(waiting) == 0 {
		return err
	}
	return endApproval(ctx, tx, waiting[0], steward.Suppressed, s.Reason, s.Detail, now)
}

func endApproval(ctx context.Context, tx *sqlx.Tx, m steward.Message, state steward.MessageState, reason steward.Reason, detail string, now time.Time) error {
	if _, err := tx.ExecContext(ctx,
		`UPDATE messages SET state = ?, reason = ?, detail = ?, settled = ? WHERE id = ?`,
		state, reason, detail, now.Unix(), m.ID); err != nil {
		return err
	}
	return closeApproval(ctx, tx, m, steward.Decision{Effect: steward.Suppress, Reason: reason, Detail: detail}, now)
}

// closeApproval keeps the decision, and holds back a card that would still ask
// for it.
func closeApproval(ctx context.Context, tx *sqlx.Tx, m steward.Message, d steward.Decision, now time.Time) error {
	if err := closeAsked(ctx, tx, m.ID, d.Reason, "what it asks for is decided", now); err != nil {
		return err
	}
	if err := repaintAsking(ctx, tx, m.ID, now); err != nil {
		return err
	}
	carried, err := selectOutreach(ctx, tx, `SELECT * FROM outreach WHERE message = ? ORDER BY planned, id`, m.ID)
	if err != nil {
		return err
	}
	return putRecords(ctx, tx, recordsOf(m, carried, d, now))
}
