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

// deferFor is for how long a message is put off when the gate that defers it
// cannot say when it may have changed.
const deferFor = 15 * time.Minute

// Claim takes a planned or enqueued message to send, if decide passes it. In
// one transaction the message is loaded with all that its gates look at,
// decide says what becomes of it, and that is written:
//
//   - pass: it is sending, held until now+lease, with one more attempt;
//   - suppress: it is suppressed (expired, when that is the reason);
//   - defer: it is deferred until the decision's Until, else for a quarter of
//     an hour.
//
// The dossier's message is as it then stands. decide must be pure. A task that
// comes too late gets ErrSettled (the message has ended) or ErrConflict
// (another epoch, or another sender), and should be dropped.
func (db *DB) Claim(ctx context.Context, id steward.MessageID, epoch int, now time.Time, lease time.Duration,
	decide func(steward.Dossier) steward.Decision) (steward.Dossier, steward.Decision, error) {
	var dossier steward.Dossier
	var decision steward.Decision
	err := db.update(ctx, "claim "+string(id), func(tx *sqlx.Tx) error {
		var err error
		if dossier, err = readDossier(ctx, tx, id); err != nil {
			return err
		}
		if err := claimable(dossier.Message, epoch); err != nil {
			return err
		}
		decision = decide(dossier)
		was := dossier.Message
		m, err := applyDecision(was, decision, now, lease)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `
			UPDATE messages SET state = ?, reason = ?, detail = ?, due = ?, lease = ?, attempts = ?, settled = ? WHERE id = ?`,
			m.State, m.Reason, m.Detail, seconds(m.Due), seconds(m.Lease), m.Attempts, seconds(m.Settled), id); err != nil {
			return err
		}
		dossier.Message = m
		if m.State == steward.Sending {
			return openAttempt(ctx, tx, id, epoch, now)
		}
		if decision.Effect == steward.Defer && was.Reason == decision.Reason {
			return nil // it was put off for this before: the first time is on record
		}
		return putRecords(ctx, tx, dossier.Message, dossier.Outreach, decision, now)
	})
	if err != nil {
		return steward.Dossier{}, steward.Decision{}, err
	}
	return dossier, decision, nil
}

func claimable(m steward.Message, epoch int) error {
	switch {
	case m.State.Settled():
		return fmt.Errorf("it is %s: %w", m.State, ErrSettled)
	case m.Epoch != epoch:
		return fmt.Errorf("the task is of epoch %d, the message of %d: %w", epoch, m.Epoch, ErrConflict)
	case m.State != steward.Planned && m.State != steward.Enqueued:
		return fmt.Errorf("it is %s: %w", m.State, ErrConflict)
	}
	return nil
}

// applyDecision is what the message becomes.
func applyDecision(m steward.Message, d steward.Decision, now time.Time, lease time.Duration) (steward.Message, error) {
	switch {
	case d.Passes():
		m.State, m.Attempts, m.Lease = steward.Sending, m.Attempts+1, instant(now.Add(lease).Unix())
	case d.Effect == steward.Suppress:
		m.State, m.Reason, m.Detail, m.Settled = steward.Suppressed, d.Reason, d.Detail, instant(now.Unix())
		if d.Reason == steward.ReasonExpired {
			m.State = steward.Expired
		}
	case d.Effect == steward.Defer:
		until := d.Until
		if !until.After(now) {
			until = now.Add(deferFor)
		}
		m.State, m.Reason, m.Detail, m.Due = steward.Deferred, d.Reason, d.Detail, instant(until.Unix())
	default:
		return m, fmt.Errorf("%q is not an effect", d.Effect)
	}
	return m, nil
}

// putRecords keeps a decision about a message: for each outreach that it
// carries, so that each enrolment's story has it, or for itself alone.
func putRecords(ctx context.Context, tx *sqlx.Tx, m steward.Message, carried []steward.Outreach, d steward.Decision, now time.Time) error {
	at := steward.SlotAt(now)
	if len(carried) == 0 {
		r := steward.Record{At: at, Message: m.ID, Decision: d}
		if m.Account != "" {
			r.Subject = steward.Subject{Kind: steward.AboutAccount, ID: string(m.Account), Account: m.Account}
		}
		return putRecord(ctx, tx, r)
	}
	for _, o := range carried {
		if err := putRecord(ctx, tx, steward.Record{At: at, Playbook: o.Playbook, Subject: o.Subject,
			Enrolment: o.Enrolment, Outreach: o.ID, Message: m.ID, Step: o.Step, Decision: d}); err != nil {
			return err
		}
	}
	return nil
}

// Dossier reads a message with all that its gates and its wording look at, or
// ErrNotFound.
func (db *DB) Dossier(ctx context.Context, id steward.MessageID) (steward.Dossier, error) {
	var d steward.Dossier
	err := db.view(ctx, "read "+string(id), func(tx *sqlx.Tx) (err error) {
		d, err = readDossier(ctx, tx, id)
		return err
	})
	return d, err
}

func readDossier(ctx context.Context, tx *sqlx.Tx, id steward.MessageID) (d steward.Dossier, err error) {
	if d.Message, err = getMessage(ctx, tx, id); err != nil {
		return d, err
	}
	if d.Outreach, err = selectOutreach(ctx, tx, `SELECT * FROM outreach WHERE message = ? ORDER BY planned, id`, id); err != nil {
		return d, err
	}
	for _, o := range d.Outreach {
		row, err := getEnrolment(ctx, tx, o.Enrolment)
		if err != nil {
			return d, err
		}
		e, err := row.noun()
		if err != nil {
			return d, err
		}
		d.Enrolments = append(d.Enrolments, e)
		phase, err := phaseOf(ctx, tx, o.Playbook, o.Subject)
		if err != nil {
			return d, err
		}
		d.Phases = append(d.Phases, phase)
	}
	if d.Suppressed, d.SuppressedWhy, err = suppressed(ctx, tx, d.Message.To.Email); err != nil {
		return d, err
	}
	d.Paused, err = readPause(ctx, tx)
	return d, err
}

// phaseOf is the subject's phase; the zero state when it is clear.
func phaseOf(ctx context.Context, tx *sqlx.Tx, playbook steward.PlaybookName, s steward.Subject) (steward.PhaseState, error) {
	var row phaseRow
	err := tx.GetContext(ctx, &row,
		`SELECT * FROM phases WHERE playbook = ? AND kind = ? AND subject = ? AND phase <> 'clear'`, playbook, s.Kind, s.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return steward.PhaseState{}, nil
	}
	if err != nil {
		return steward.PhaseState{}, err
	}
	return row.noun()
}

func openAttempt(ctx context.Context, tx *sqlx.Tx, id steward.MessageID, epoch int, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO attempts (message, n, epoch, started, ended, outcome, reason, detail, ref, counted)
		SELECT ?, COALESCE(MAX(n), 0) + 1, ?, ?, 0, '', '', '', '', TRUE FROM attempts WHERE message = ?`,
		id, epoch, now.Unix(), id)
	return err
}

func closeAttempt(ctx context.Context, tx *sqlx.Tx, id steward.MessageID, s steward.Settlement, now time.Time, counted bool) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE attempts SET ended = ?, outcome = ?, reason = ?, detail = ?, ref = ?, counted = ?
		WHERE message = ? AND outcome = ''`,
		now.Unix(), s.State, s.Reason, s.Detail, s.Ref, counted, id)
	return err
}

// SaveContent freezes what a message says, before its provider is called. It
// must be sending under this epoch (else ErrSettled or ErrConflict) and have
// no content yet; saving the same content again is nothing, another one is
// ErrConflict.
func (db *DB) SaveContent(ctx context.Context, id steward.MessageID, epoch int, content steward.Content) error {
	return db.update(ctx, "keep the content of "+string(id), func(tx *sqlx.Tx) error {
		m, err := sendingMessage(ctx, tx, id, epoch)
		if err != nil {
			return err
		}
		text, err := contentColumn(&content)
		if err != nil {
			return err
		}
		if m.Content != nil {
			if frozen, err := contentColumn(m.Content); err != nil || frozen == text {
				return err
			}
			return fmt.Errorf("its content is frozen: %w", ErrConflict)
		}
		_, err = tx.ExecContext(ctx, `UPDATE messages SET content = ? WHERE id = ?`, text, id)
		return err
	})
}

// sendingMessage reads a message that is sending under this epoch. An epoch is
// claimed once at most, so the two name one attempt.
func sendingMessage(ctx context.Context, tx *sqlx.Tx, id steward.MessageID, epoch int) (steward.Message, error) {
	m, err := getMessage(ctx, tx, id)
	switch {
	case err != nil:
		return m, err
	case m.State.Settled():
		return m, fmt.Errorf("it is %s: %w", m.State, ErrSettled)
	case m.State != steward.Sending || m.Epoch != epoch:
		return m, fmt.Errorf("it is %s in epoch %d, not sending in epoch %d: %w", m.State, m.Epoch, epoch, ErrConflict)
	}
	return m, nil
}

// Settle ends the attempt of a message that is sending under this epoch: in a
// settled state, or deferred (or planned at once, with the next epoch) for
// another try at Due. A Free attempt that is to be repeated does not count
// towards the number allowed. When the message is not sending under this epoch
// (its lease lapsed), ErrSettled or ErrConflict, and nothing is written.
func (db *DB) Settle(ctx context.Context, id steward.MessageID, epoch int, s steward.Settlement, now time.Time) error {
	again := s.State == steward.Deferred || s.State == steward.Planned
	if !again && !s.State.Settled() {
		return fmt.Errorf("settle %s: %q is not how an attempt ends", id, s.State)
	}
	return db.update(ctx, "settle "+string(id), func(tx *sqlx.Tx) error {
		m, err := sendingMessage(ctx, tx, id, epoch)
		if err != nil {
			return err
		}
		counted := !again || !s.Free
		if err := closeAttempt(ctx, tx, id, s, now, counted); err != nil {
			return err
		}
		attempts := m.Attempts
		if !counted {
			attempts--
		}
		return leaveSending(ctx, tx, m, s, now, attempts)
	})
}

// leaveSending moves a message out of sending and keeps why. A return to
// planned raises the epoch.
func leaveSending(ctx context.Context, tx *sqlx.Tx, m steward.Message, s steward.Settlement, now time.Time, attempts int) error {
	d := steward.Decision{Effect: steward.Suppress, Reason: s.Reason, Detail: s.Detail}
	epoch, due, settled := m.Epoch, m.Due, now
	switch s.State {
	case steward.Sent, steward.Uncertain: // it went out, or may have
		d.Effect = steward.Pass
	case steward.Planned:
		epoch++
		fallthrough
	case steward.Deferred:
		due, settled = s.Due, time.Time{}
		if due.IsZero() {
			due = now
		}
		d.Effect, d.Until = steward.Defer, due
	}
	ref := s.Ref
	if ref == "" {
		ref = m.Ref
	}
	if _, err := tx.ExecContext(ctx, `
		UPDATE messages SET state = ?, reason = ?, detail = ?, ref = ?, epoch = ?, due = ?, lease = 0, attempts = ?, settled = ?
		WHERE id = ?`,
		s.State, s.Reason, s.Detail, ref, epoch, seconds(due), attempts, seconds(settled), m.ID); err != nil {
		return err
	}
	carried, err := selectOutreach(ctx, tx, `SELECT * FROM outreach WHERE message = ? ORDER BY planned, id`, m.ID)
	if err != nil {
		return err
	}
	return putRecords(ctx, tx, m, carried, d, now)
}

// suppressed tells whether an address wants no more mail, and why.
func suppressed(ctx context.Context, tx *sqlx.Tx, email string) (bool, string, error) {
	if email == "" {
		return false, "", nil
	}
	var why string
	err := tx.GetContext(ctx, &why, `SELECT reason FROM suppressions WHERE address = ?`, address(email))
	if errors.Is(err, sql.ErrNoRows) {
		return false, "", nil
	}
	return err == nil, why, err
}
