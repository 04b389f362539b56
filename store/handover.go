package store

import (
	"context"
	"errors"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// handOver moves an outreach to another message, if the one that carries it was
// not sent and cannot have been. The new message was put a moment ago, and takes
// nothing in once it is on its way itself.
func handOver(ctx context.Context, tx *sqlx.Tx, h steward.HandOver, now time.Time) error {
	if h.Message == "" {
		return handOverTask(ctx, tx, h, now)
	}
	_, ok, err := unsent(ctx, tx, h.From)
	if err != nil || !ok {
		return err
	}
	into, ok, err := unsent(ctx, tx, h.Message)
	if err != nil || !ok || into.Attempts > 0 {
		return err
	}
	to, err := jsonColumn(h.To)
	if err != nil {
		return err
	}
	moved, err := tx.ExecContext(ctx,
		`UPDATE outreach SET recipient = ?, message = ?, digested = CASE WHEN ? THEN CASE WHEN digested = '' THEN 'info' ELSE digested END ELSE '' END WHERE id = ? AND message = ?`,
		to, h.Message, into.Kind == steward.Digest, h.Outreach, h.From)
	if err != nil {
		return err
	}
	if n, err := moved.RowsAffected(); err != nil || n == 0 {
		return err
	}
	if _, err := moveTask(ctx, tx, h.Outreach, h.To); err != nil {
		return err
	}
	carried, err := selectOutreach(ctx, tx, `SELECT * FROM outreach WHERE id = ?`, h.Outreach)
	if err != nil {
		return err
	}
	if err := putRecords(ctx, tx, recordsOf(into, carried, handedOver(h.Detail), now)); err != nil {
		return err
	}
	return lessen(ctx, tx, h.From, steward.ReasonHandedOver, h.Detail, now)
}

// lessen is for an unsent message that carries less than it did. What it still
// carries is composed anew: a text that was frozen at an attempt speaks of what
// is gone. One that carries nothing is held back.
func lessen(ctx context.Context, tx *sqlx.Tx, id steward.MessageID, reason steward.Reason, detail string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE messages SET content = NULL,
			state = CASE WHEN empty THEN 'suppressed' ELSE state END, reason = CASE WHEN empty THEN ? ELSE reason END,
			detail = CASE WHEN empty THEN ? ELSE detail END, settled = CASE WHEN empty THEN ? ELSE settled END
		FROM (SELECT NOT EXISTS (SELECT 1 FROM outreach WHERE message = ?) AS empty)
		WHERE id = ?`, reason, detail, now.Unix(), id, id)
	return err
}

// handOverTask gives the task of a card that was sent to somebody else. Doing so
// again is nothing.
func handOverTask(ctx context.Context, tx *sqlx.Tx, h steward.HandOver, now time.Time) error {
	moved, err := moveTask(ctx, tx, h.Outreach, h.To)
	if err != nil || !moved {
		return err
	}
	carried, err := selectOutreach(ctx, tx, `SELECT * FROM outreach WHERE id = ?`, h.Outreach)
	if err != nil {
		return err
	}
	return putRecords(ctx, tx, recordsOf(steward.Message{ID: h.From}, carried, handedOver(h.Detail), now))
}

// redraft replaces a mail by the same in another owner's name, if it is still
// the one that was looked at, was not sent and cannot have been.
func redraft(ctx context.Context, tx *sqlx.Tx, r steward.Redraft, now time.Time) error {
	was, ok, err := unsent(ctx, tx, r.Mail.ID)
	if err != nil || !ok || was.Version != r.Mail.Version-1 {
		return err
	}
	if err := closeAsked(ctx, tx, was.ID, steward.ReasonHandedOver, "the mail is another owner's now", now); err != nil {
		return err
	}
	if err := repaintAsking(ctx, tx, was.ID, now); err != nil {
		return err
	}
	m := r.Mail
	row, err := rowOfMessage(m)
	if err != nil {
		return err
	}
	if m.State.Settled() {
		row.Settled = now.Unix()
	}
	// Whatever task still carries it finds its epoch gone.
	row.Epoch = was.Epoch + 1
	if _, err := tx.NamedExecContext(ctx, `
		UPDATE messages SET state = :state, epoch = :epoch, due = :due, reason = :reason, detail = :detail, content = :content, version = :version,
			hash = :hash, approvers = :approvers, veto = :veto, approved_by = '', sender = :sender, settled = :settled
		WHERE id = :id`, row); err != nil {
		return err
	}
	for _, card := range r.Asks {
		if err := ask(ctx, tx, card, m); err != nil {
			return err
		}
	}
	carried, err := selectOutreach(ctx, tx, `SELECT * FROM outreach WHERE message = ? ORDER BY planned, id`, m.ID)
	if err != nil {
		return err
	}
	return putRecords(ctx, tx, recordsOf(m, carried, handedOver(r.Detail), now))
}

func handedOver(detail string) steward.Decision {
	return steward.Decision{Effect: steward.Pass, Reason: steward.ReasonHandedOver, Detail: detail}
}

// unsent reads a message that was not sent and of which no attempt may have
// arrived; ok is false for any other.
func unsent(ctx context.Context, tx *sqlx.Tx, id steward.MessageID) (m steward.Message, ok bool, err error) {
	m, err = getMessage(ctx, tx, id)
	if errors.Is(err, ErrNotFound) {
		return m, false, nil
	}
	if err != nil || m.State.Settled() || m.State == steward.Sending {
		return m, false, err
	}
	doubts, err := doubtsAbout(ctx, tx, []steward.Message{m})
	_, doubt := doubts[id]
	return m, err == nil && !doubt, err
}

func putRecords(ctx context.Context, tx *sqlx.Tx, records []steward.Record) error {
	for _, r := range records {
		if err := putRecord(ctx, tx, r); err != nil {
			return err
		}
	}
	return nil
}
