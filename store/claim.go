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
//   - pass: it is sending, held until now+lease, with one more attempt, its
//     content frozen and what it goes without on record;
//   - suppress: it is suppressed (expired, or failed, when that is the reason);
//   - defer: it is deferred until the decision's Until, else for a quarter of
//     an hour.
//
// The dossier's message is as it then stands. decide is called inside the
// transaction: it must be quick, must not touch the database, and may be called
// for a claim that is then not written; an error of its is returned as it is,
// and nothing is written. A task that comes too late gets ErrSettled (the
// message has ended) or ErrConflict (another epoch, or another sender), and
// should be dropped.
func (db *DB) Claim(ctx context.Context, id steward.MessageID, epoch int, now time.Time, lease time.Duration,
	decide func(steward.Dossier) (steward.Ruling, error)) (steward.Dossier, steward.Ruling, error) {
	a, err := db.claims.do(ctx, claim{id, epoch, now, lease, decide})
	if err == nil {
		err = fault("claim "+string(id), db.path, a.err)
	}
	if err != nil {
		return steward.Dossier{}, steward.Ruling{}, err
	}
	return a.dossier, a.ruling, nil
}

type claim struct {
	id     steward.MessageID
	epoch  int
	now    time.Time
	lease  time.Duration
	decide func(steward.Dossier) (steward.Ruling, error)
}

type claimed struct {
	dossier steward.Dossier
	ruling  steward.Ruling
	err     error // why this claim alone was refused
}

// gatherMost is how many messages one transaction claims or settles: with it
// the wait for the disk is a small part of what each of them costs.
const gatherMost = 64

func (db *DB) writeClaims(ctx context.Context, claims []claim) ([]claimed, error) {
	out := make([]claimed, len(claims))
	err := db.update(ctx, fmt.Sprintf("claim %d messages", len(claims)), func(tx *sqlx.Tx) error {
		ids := make([]steward.MessageID, len(claims))
		for i, c := range claims {
			ids[i] = c.id
		}
		dossiers, err := readDossiers(ctx, tx, ids)
		if err != nil {
			return err
		}
		w, err := prepareMoves(ctx, tx)
		if err != nil {
			return err
		}
		defer w.close()
		for i, c := range claims {
			if out[i], err = w.claim(ctx, c, dossiers); err != nil {
				return fmt.Errorf("message %s: %w", c.id, err)
			}
		}
		return nil
	})
	return out, err
}

// claim writes one claim. Two for one message may have come together, so what
// the first made of it is what the second finds.
func (w *moves) claim(ctx context.Context, c claim, dossiers map[steward.MessageID]steward.Dossier) (out claimed, err error) {
	dossier, ok := dossiers[c.id]
	if !ok {
		return claimed{err: fmt.Errorf("message %s: %w", c.id, ErrNotFound)}, nil
	}
	if err := claimable(dossier.Message, c.epoch); err != nil {
		return claimed{err: err}, nil
	}
	ruling, err := c.decide(dossier)
	if err != nil {
		return claimed{err: err}, nil
	}
	was := dossier.Message
	m, err := applyDecision(was, ruling.Decision, c.now, c.lease)
	if err != nil {
		return out, err
	}
	if m.State == steward.Sending && m.Content == nil {
		m.Content = ruling.Content
	}
	content, err := contentColumn(m.Content)
	if err != nil {
		return out, err
	}
	if _, err := w.hold.ExecContext(ctx, m.State, m.Reason, m.Detail, seconds(m.Due), seconds(m.Lease), m.Attempts, seconds(m.Settled), content, m.ID); err != nil {
		return out, err
	}
	dossier.Message = m
	dossiers[c.id] = dossier
	out = claimed{dossier: dossier, ruling: ruling}
	if m.State == steward.Sending {
		if _, err := w.begin.ExecContext(ctx, m.ID, c.epoch, c.now.Unix(), m.ID); err != nil {
			return out, err
		}
		for _, r := range ruling.LeftOut {
			if err := w.record(ctx, r); err != nil {
				return out, err
			}
		}
		return out, nil
	}
	if ruling.Effect == steward.Defer && was.Reason == ruling.Reason {
		return out, nil // it was put off for this before: the first time is on record
	}
	return out, w.records(ctx, m, dossier.Outreach, ruling.Decision, c.now)
}

// moves is the statements that move messages, prepared once for a transaction
// that moves many.
type moves struct {
	hold, begin, end, leave, put *sqlx.Stmt
}

func prepareMoves(ctx context.Context, tx *sqlx.Tx) (w *moves, err error) {
	w = &moves{}
	for _, p := range []struct {
		to    **sqlx.Stmt
		query string
	}{
		{&w.hold, `UPDATE messages SET state = ?, reason = ?, detail = ?, due = ?, lease = ?, attempts = ?, settled = ?, content = ? WHERE id = ?`},
		{&w.begin, `
			INSERT INTO attempts (message, n, epoch, started, ended, outcome, reason, detail, ref, counted)
			SELECT ?, COALESCE(MAX(n), 0) + 1, ?, ?, 0, '', '', '', '', TRUE FROM attempts WHERE message = ?`},
		{&w.end, `
			UPDATE attempts SET ended = ?, outcome = ?, reason = ?, detail = ?, ref = ?, counted = ?
			WHERE message = ? AND epoch = ? AND outcome IN ('', 'uncertain')`},
		{&w.leave, `
			UPDATE messages SET state = ?, reason = ?, detail = ?, ref = ?, epoch = ?, due = ?, lease = 0, attempts = ?, settled = ?
			WHERE id = ?`},
		{&w.put, putRecordQuery},
	} {
		if *p.to, err = tx.PreparexContext(ctx, p.query); err != nil {
			w.close()
			return nil, err
		}
	}
	return w, nil
}

func (w *moves) close() {
	for _, s := range []*sqlx.Stmt{w.hold, w.begin, w.end, w.leave, w.put} {
		if s != nil {
			_ = s.Close() // its transaction's end closes it too
		}
	}
}

func (w *moves) record(ctx context.Context, r steward.Record) error {
	_, err := w.put.ExecContext(ctx, rowOfRecord(r).values()...)
	return err
}

// records keeps a decision about a message: for each outreach that it carries,
// so that each enrolment's story has it, or for itself alone.
func (w *moves) records(ctx context.Context, m steward.Message, carried []steward.Outreach, d steward.Decision, now time.Time) error {
	for _, r := range recordsOf(m, carried, d, now) {
		if err := w.record(ctx, r); err != nil {
			return err
		}
	}
	return nil
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
		switch d.Reason {
		case steward.ReasonExpired:
			m.State = steward.Expired
		case steward.ReasonCompose: // nothing stopped it but itself
			m.State = steward.FailedToSend
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

// recordsOf is a decision about a message as it is kept.
func recordsOf(m steward.Message, carried []steward.Outreach, d steward.Decision, now time.Time) []steward.Record {
	at := steward.SlotAt(now)
	if len(carried) == 0 {
		r := steward.Record{At: at, Message: m.ID, Decision: d}
		if m.Account != "" {
			r.Subject = steward.Subject{Kind: steward.AboutAccount, ID: string(m.Account), Account: m.Account}
		}
		return []steward.Record{r}
	}
	out := make([]steward.Record, len(carried))
	for i, o := range carried {
		out[i] = steward.Record{At: at, Playbook: o.Playbook, Subject: o.Subject,
			Enrolment: o.Enrolment, Outreach: o.ID, Message: m.ID, Step: o.Step, Decision: d}
	}
	return out
}

// Dossier reads a message with all that its gates and its wording look at, or
// ErrNotFound.
func (db *DB) Dossier(ctx context.Context, id steward.MessageID) (steward.Dossier, error) {
	var d steward.Dossier
	err := db.view(ctx, "read "+string(id), func(tx *sqlx.Tx) error {
		found, err := readDossiers(ctx, tx, []steward.MessageID{id})
		if err != nil {
			return err
		}
		var ok bool
		if d, ok = found[id]; !ok {
			return fmt.Errorf("message %s: %w", id, ErrNotFound)
		}
		return nil
	})
	return d, err
}

// readDossiers reads the dossiers of messages, with a handful of queries
// however many they are. Messages that are not there are left out.
func readDossiers(ctx context.Context, tx *sqlx.Tx, ids []steward.MessageID) (map[steward.MessageID]steward.Dossier, error) {
	messages, err := selectMessages(ctx, tx, `SELECT * FROM messages WHERE id IN (`+marks(len(ids))+`)`, anys(ids)...)
	if err != nil {
		return nil, err
	}
	carried, err := outreachOn(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	enrolments, phases, err := dealings(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	doubts, err := doubtsAbout(ctx, tx, messages)
	if err != nil {
		return nil, err
	}
	pause, err := readPause(ctx, tx)
	if err != nil {
		return nil, err
	}
	out := make(map[steward.MessageID]steward.Dossier, len(messages))
	for _, m := range messages {
		d := steward.Dossier{Message: m, Outreach: carried[m.ID], Paused: pause, Doubt: doubts[m.ID]}
		for _, o := range d.Outreach {
			d.Enrolments = append(d.Enrolments, enrolments[o.Enrolment])
			d.Phases = append(d.Phases, phases[o.ID])
		}
		if d.Suppressed, d.SuppressedWhy, err = suppressed(ctx, tx, m.To.Email); err != nil {
			return nil, err
		}
		out[m.ID] = d
	}
	return out, nil
}

// outreachOn is what messages carry, in the order in which it was planned.
func outreachOn(ctx context.Context, tx *sqlx.Tx, ids []steward.MessageID) (map[steward.MessageID][]steward.Outreach, error) {
	said, err := selectOutreach(ctx, tx, `SELECT * FROM outreach WHERE message IN (`+marks(len(ids))+`) ORDER BY planned, id`, anys(ids)...)
	out := make(map[steward.MessageID][]steward.Outreach, len(ids))
	for _, o := range said {
		out[o.Message] = append(out[o.Message], o)
	}
	return out, err
}

// dealings is the enrolments that messages speak for, and the phase of each
// outreach's subject; none where it is clear.
func dealings(ctx context.Context, tx *sqlx.Tx, ids []steward.MessageID) (map[steward.EnrolmentID]steward.Enrolment, map[steward.OutreachID]steward.PhaseState, error) {
	in := marks(len(ids))
	list, err := selectEnrolments(ctx, tx,
		`SELECT * FROM enrolments WHERE id IN (SELECT enrolment FROM outreach WHERE message IN (`+in+`))`, anys(ids)...)
	if err != nil {
		return nil, nil, err
	}
	enrolments := make(map[steward.EnrolmentID]steward.Enrolment, len(list))
	for _, e := range list {
		enrolments[e.ID] = e
	}
	var rows []struct {
		Outreach steward.OutreachID `db:"outreach"`
		phaseRow
	}
	if err := tx.SelectContext(ctx, &rows, `
		SELECT o.id AS outreach, p.* FROM outreach o
		JOIN phases p ON p.playbook = o.playbook AND p.kind = o.kind AND p.subject = o.subject
		WHERE o.message IN (`+in+`) AND p.phase <> 'clear'`, anys(ids)...); err != nil {
		return nil, nil, err
	}
	phases := make(map[steward.OutreachID]steward.PhaseState, len(rows))
	for _, r := range rows {
		if phases[r.Outreach], err = r.noun(); err != nil {
			return nil, nil, err
		}
	}
	return enrolments, phases, nil
}

// doubtsAbout is since when messages may have been delivered without anybody
// knowing. Most were never attempted, and are not asked about.
func doubtsAbout(ctx context.Context, tx *sqlx.Tx, messages []steward.Message) (map[steward.MessageID]time.Time, error) {
	var tried []steward.MessageID
	for _, m := range messages {
		if m.Attempts > 0 {
			tried = append(tried, m.ID)
		}
	}
	if len(tried) == 0 {
		return nil, nil
	}
	var rows []struct {
		Message steward.MessageID `db:"message"`
		Since   int64             `db:"since"`
	}
	err := tx.SelectContext(ctx, &rows, `
		SELECT message, MIN(started) AS since FROM attempts
		WHERE message IN (`+marks(len(tried))+`) AND outcome = 'uncertain' GROUP BY message`, anys(tried)...)
	out := make(map[steward.MessageID]time.Time, len(rows))
	for _, r := range rows {
		out[r.Message] = instant(r.Since)
	}
	return out, err
}

// Settle ends the attempt of a message that is sending under this epoch: in a
// settled state, or deferred (or planned at once, with the next epoch) for
// another try at Due. A Free attempt that is to be repeated does not count
// towards the number allowed.
//
// An answer that comes after the lease lapsed is worth keeping only when it says
// that the message was delivered: then that is what became of it, as long as
// nobody has called the provider again. Any other gets ErrSettled or
// ErrConflict, and nothing is written.
func (db *DB) Settle(ctx context.Context, id steward.MessageID, epoch int, s steward.Settlement, now time.Time) error {
	again := s.State == steward.Deferred || s.State == steward.Planned
	if !again && !s.State.Settled() {
		return fmt.Errorf("settle %s: %q is not how an attempt ends", id, s.State)
	}
	refused, err := db.settles.do(ctx, settle{id, epoch, s, now})
	if err == nil {
		err = refused
	}
	return fault("settle "+string(id), db.path, err)
}

type settle struct {
	id    steward.MessageID
	epoch int
	steward.Settlement
	now time.Time
}

// writeSettles answers each settlement with why it alone was refused, if it
// was.
func (db *DB) writeSettles(ctx context.Context, settles []settle) ([]error, error) {
	out := make([]error, len(settles))
	err := db.update(ctx, fmt.Sprintf("settle %d messages", len(settles)), func(tx *sqlx.Tx) error {
		ids := make([]steward.MessageID, len(settles))
		for i, s := range settles {
			ids[i] = s.id
		}
		under, err := readDepartures(ctx, tx, ids)
		if err != nil {
			return err
		}
		w, err := prepareMoves(ctx, tx)
		if err != nil {
			return err
		}
		defer w.close()
		for i, s := range settles {
			d, ok := under[s.id]
			if !ok {
				out[i] = fmt.Errorf("message %s: %w", s.id, ErrNotFound)
				continue
			}
			if out[i] = endable(d.message, s); out[i] != nil {
				continue
			}
			if d.message, err = w.settle(ctx, d, s.epoch, s.Settlement, s.now); err != nil {
				return fmt.Errorf("message %s: %w", s.id, err)
			}
			under[s.id] = d
		}
		return nil
	})
	return out, err
}

// endable tells whether an attempt may still say what became of a message. An
// epoch is claimed once at most, so it names one attempt.
func endable(m steward.Message, s settle) error {
	if m.State == steward.Sending && m.Epoch == s.epoch {
		return nil
	}
	late := m.Reason == steward.ReasonOutcomeLost && (m.State == steward.Uncertain && m.Epoch == s.epoch ||
		(m.State == steward.Planned || m.State == steward.Enqueued) && m.Epoch == s.epoch+1)
	switch {
	case late && s.State == steward.Sent:
		return nil
	case m.State.Settled():
		return fmt.Errorf("it is %s: %w", m.State, ErrSettled)
	}
	return fmt.Errorf("it is %s in epoch %d, not sending in epoch %d: %w", m.State, m.Epoch, s.epoch, ErrConflict)
}

// A departure is a message that leaves sending, with what it carries.
type departure struct {
	message steward.Message
	carried []steward.Outreach
}

func readDepartures(ctx context.Context, tx *sqlx.Tx, ids []steward.MessageID) (map[steward.MessageID]departure, error) {
	messages, err := selectMessages(ctx, tx, `SELECT * FROM messages WHERE id IN (`+marks(len(ids))+`)`, anys(ids)...)
	if err != nil {
		return nil, err
	}
	carried, err := outreachOn(ctx, tx, ids)
	out := make(map[steward.MessageID]departure, len(messages))
	for _, m := range messages {
		out[m.ID] = departure{m, carried[m.ID]}
	}
	return out, err
}

// settle closes the attempt of an epoch and moves its message out of sending,
// and keeps why. A return to planned raises the epoch.
func (w *moves) settle(ctx context.Context, was departure, epoch int, s steward.Settlement, now time.Time) (steward.Message, error) {
	m := was.message
	again := s.State == steward.Deferred || s.State == steward.Planned
	counted := !again || !s.Free
	outcome := s.State
	if s.Doubt {
		outcome = steward.Uncertain
	}
	if _, err := w.end.ExecContext(ctx, now.Unix(), outcome, s.Reason, s.Detail, s.Ref, counted, m.ID, epoch); err != nil {
		return m, err
	}
	if !counted {
		m.Attempts--
	}
	d := steward.Decision{Effect: steward.Suppress, Reason: s.Reason, Detail: s.Detail}
	m.State, m.Reason, m.Detail, m.Lease, m.Settled = s.State, s.Reason, s.Detail, time.Time{}, now
	if s.Ref != "" {
		m.Ref = s.Ref
	}
	switch s.State {
	case steward.Sent, steward.Uncertain: // it went out, or may have
		d.Effect = steward.Pass
	case steward.Planned:
		m.Epoch++
		fallthrough
	case steward.Deferred:
		m.Settled = time.Time{}
		if m.Due = s.Due; m.Due.IsZero() {
			m.Due = now
		}
		d.Effect, d.Until = steward.Defer, m.Due
	}
	if _, err := w.leave.ExecContext(ctx, m.State, m.Reason, m.Detail, m.Ref, m.Epoch, seconds(m.Due), m.Attempts, seconds(m.Settled), m.ID); err != nil {
		return m, err
	}
	return m, w.records(ctx, m, was.carried, d, now)
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
