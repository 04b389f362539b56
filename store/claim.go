package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// deferFor is for how long a message is put off when the gate that defers it
// cannot say when it may have changed.
const deferFor = 15 * time.Minute

// Claim takes a planned or enqueued message to send, if decide passes it. The
// message is loaded with all that its gates look at, decide says what becomes of
// it, and that is written, provided that what it was decided on still stands:
//
//   - pass: it is sending, held until now+lease, with one more attempt, its
//     content frozen and what it goes without on record;
//   - suppress: it is suppressed (expired, or failed, when that is the reason);
//   - defer: it is deferred until the decision's Until, else for a quarter of
//     an hour.
//
// The dossier's message is as it then stands. decide is called before the
// transaction, and once more inside it when something was written meanwhile that
// it may have looked at: it must be quick, must not touch the database, and may
// be called for a claim that is then not written. An error of its is returned as
// it is, and nothing is written. A task that comes too late gets ErrSettled (the
// message has ended) or ErrConflict (another epoch, or another sender), and
// should be dropped.
func (db *DB) Claim(ctx context.Context, id steward.MessageID, epoch int, now time.Time, lease time.Duration,
	decide func(steward.Dossier) (steward.Ruling, error)) (steward.Dossier, steward.Ruling, error) {
	a, err := db.claims.do(ctx, move{id: id, epoch: epoch, now: now, lease: lease, decide: decide})
	if err == nil {
		err = a[0].err
	}
	if err != nil {
		return steward.Dossier{}, steward.Ruling{}, fault("claim "+string(id), db.path, err)
	}
	return a[0].dossier, a[0].ruling, nil
}

// foresee decides on claims with what can be read now, and has them written.
// Most of the time nothing that matters was written in between, and then reading
// and deciding have held no writer up. Those who come meanwhile are read as soon
// as these are being written: not earlier, as then they would be few.
func (db *DB) foresee(ctx context.Context, claims []move, next func()) ([]moved, error) {
	at := db.writes.Load() // before reading: what is written while it reads counts
	ids := make([]steward.MessageID, len(claims))
	for i, c := range claims {
		ids[i] = c.id
	}
	var dossiers map[steward.MessageID]steward.Dossier
	err := db.view(ctx, fmt.Sprintf("read %d messages", len(claims)), func(tx *sqlx.Tx) (err error) {
		dossiers, err = readDossiers(ctx, tx, ids)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]moved, len(claims))
	var decided []move
	var places []int
	for i, c := range claims {
		var ok bool
		if c.dossier, ok = dossiers[c.id]; !ok {
			out[i].err = fmt.Errorf("message %s: %w", c.id, ErrNotFound)
		} else if out[i].err = claimable(c.dossier.Message, c.epoch); out[i].err == nil {
			c.ruling, out[i].err = c.rule(c.dossier)
		}
		if out[i].err == nil {
			c.writes = at
			decided, places = append(decided, c), append(places, i)
		}
	}
	if len(decided) == 0 {
		return out, nil
	}
	written, err := db.moves.join(ctx, decided, next)
	if err != nil {
		return nil, err
	}
	for i, at := range places {
		out[at] = written[i]
	}
	return out, nil
}

// A premise is a ruling with what it was made on, and the writes that were
// known then.
type premise struct {
	writes  uint64
	dossier steward.Dossier
	ruling  steward.Ruling
}

// A move is a claim, with decide, or else a settlement.
type move struct {
	id     steward.MessageID
	epoch  int
	now    time.Time
	lease  time.Duration
	decide func(steward.Dossier) (steward.Ruling, error)
	premise
	end steward.Settlement
}

// rule has the move decided. One whose deciding panics must not take those with
// it that came at the same time.
func (m move) rule(d steward.Dossier) (r steward.Ruling, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("deciding on it panicked: %v", p)
		}
	}()
	return m.decide(d)
}

// moved answers a move.
type moved struct {
	dossier steward.Dossier
	ruling  steward.Ruling
	err     error // why this move alone was refused
}

// movesMost is how many messages one transaction moves: with it the wait for
// the disk is a small part of what each of them costs.
const movesMost = 128

// writeMoves settles first: what a late sender has to say of a message is then
// known when the message is claimed again.
func (db *DB) writeMoves(ctx context.Context, moves []move, _ func()) ([]moved, error) {
	out := make([]moved, len(moves))
	moved := false
	err := db.transact(ctx, fmt.Sprintf("move %d messages", len(moves)), func(tx *sqlx.Tx) error {
		w := &mover{ctx: ctx, tx: tx}
		defer func() { moved = w.moved; w.close() }()
		all, leaving := make([]steward.MessageID, len(moves)), []steward.MessageID{}
		for i, m := range moves {
			if all[i] = m.id; m.decide == nil {
				leaving = append(leaving, m.id)
			}
		}
		under, err := readDepartures(ctx, tx, all, leaving)
		if err != nil {
			return err
		}
		known, err := db.writesKnown(ctx, tx)
		if err != nil {
			return err
		}
		for i, m := range moves {
			if m.decide != nil {
				continue
			}
			if out[i].err, err = w.settle(m, under); err != nil {
				return fmt.Errorf("message %s: %w", m.id, err)
			}
		}
		if err := w.lookAgain(moves, known, under); err != nil {
			return err
		}
		for i, m := range moves {
			if m.decide == nil {
				continue
			}
			if out[i], err = w.claim(m, under); err != nil {
				return fmt.Errorf("message %s: %w", m.id, err)
			}
		}
		return nil
	}, func() {
		if moved { // what other claims were decided on is another by now
			db.writes.Add(1)
		}
	})
	return out, err
}

// lookAgain reads the dossiers anew of claims whose premise is no longer known
// to stand.
func (w *mover) lookAgain(moves []move, known uint64, under map[steward.MessageID]departure) error {
	var ids []steward.MessageID
	var stale []*premise
	for i := range moves {
		m := &moves[i]
		if m.decide == nil || m.writes == known {
			continue
		}
		ids, stale = append(ids, m.id), append(stale, &m.premise)
	}
	found, err := readDossiers(w.ctx, w.tx, ids)
	if err != nil {
		return err
	}
	for i, p := range stale {
		*p = premise{dossier: found[ids[i]]} // without a ruling
	}
	return nil
}

// claim writes one claim. Two for one message may have come together, so what
// the first made of it is what the second finds.
func (w *mover) claim(c move, under map[steward.MessageID]departure) (out moved, err error) {
	now, ok := under[c.id]
	if !ok {
		return moved{err: fmt.Errorf("message %s: %w", c.id, ErrNotFound)}, nil
	}
	if err := claimable(steward.Message{State: now.State, Epoch: now.Epoch}, c.epoch); err != nil {
		return moved{err: err}, nil
	}
	dossier, ruling := c.dossier, c.ruling
	if c.writes == 0 {
		if ruling, err = c.rule(dossier); err != nil {
			return moved{err: err}, nil
		}
	}
	was := dossier.Message
	moves := ruling.Moves
	if ruling.Passes() {
		var full bool
		if ruling.Decision, full, err = w.seat(was, ruling.Places); err != nil {
			return out, err
		}
		if full && len(ruling.Overflow) > 0 {
			moves = overflow(dossier, ruling, ruling.Decision)
		}
	}
	gone, err := w.moveOn(dossier, moves, under, c.now)
	if err != nil {
		return out, err
	}
	if left := remaining(dossier, gone, ruling.LeftOut); !ruling.Passes() && left == 0 && len(gone) > 0 {
		ruling.Decision = steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonInDigest, Detail: "what it says comes in a digest"}
		dossier.Outreach = nil // each has a record of its own
	}
	m, err := applyDecision(was, ruling.Decision, c.now, c.lease)
	if err != nil {
		return out, err
	}
	if m.State == steward.Sending && (m.Content == nil || ruling.Anew) {
		m.Content = ruling.Content
	}
	content, err := contentColumn(m.Content)
	if err != nil {
		return out, err
	}
	claimed := int64(0) // of what did not go
	if m.State == steward.Sending {
		claimed = seconds(c.now)
	}
	if err := w.exec(&w.hold, holdQuery, m.State, m.Reason, m.Detail, seconds(m.Due), seconds(m.Lease), m.Attempts, seconds(m.Settled), seconds(m.Expires), content, claimed, m.ID); err != nil {
		return out, err
	}
	if err := w.tellAsking(m.Kind, m.Version, m.ID, m.State, c.now); err != nil {
		return out, err
	}
	dossier.Message = m
	now.State = m.State
	under[c.id] = now
	out = moved{dossier: dossier, ruling: ruling}
	if m.State == steward.Sending || m.Reason == steward.ReasonInDigest {
		return out, w.leaveOut(ruling.LeftOut)
	}
	if ruling.Effect == steward.Defer && was.Reason == ruling.Reason {
		return out, nil // it was put off for this before: the first time is on record
	}
	return out, w.put(recordsOf(m, dossier.Outreach, ruling.Decision, c.now))
}

// tellAsking has the card that asked for a mail's approval show what became of
// the mail, and mails wait from when their card was heard.
func (w *mover) tellAsking(kind steward.MessageKind, version int, id steward.MessageID, state steward.MessageState, now time.Time) error {
	switch {
	case kind == steward.Mail && version > 0 && state.Settled():
		return repaintAsking(w.ctx, w.tx, id, now)
	case kind == steward.Approval && state == steward.Sent:
		return startVeto(w.ctx, w.tx, id, now)
	}
	return nil
}

// remaining is how many outreach a message still means to say.
func remaining(d steward.Dossier, gone map[steward.OutreachID]bool, leftOut []steward.Record) int {
	n := len(d.Outreach) - len(gone)
	for _, r := range leftOut {
		if r.Outreach != "" && !gone[r.Outreach] {
			n--
		}
	}
	return n
}

// A mover is the statements that move messages, each prepared once for a
// transaction that moves many.
type mover struct {
	ctx                       context.Context
	tx                        *sqlx.Tx
	hold, leave, tried, found *sqlx.Stmt
	record, untold            *sqlx.Stmt
	moved                     bool // an outreach stands on another message by now, or on none
}

const (
	holdQuery  = `UPDATE messages SET state = ?, reason = ?, detail = ?, due = ?, lease = ?, attempts = ?, settled = ?, expires = ?, content = ?, claimed = ? WHERE id = ?`
	leaveQuery = `
		UPDATE messages SET state = ?, reason = ?, detail = ?, ref = ?, epoch = ?, due = ?, lease = 0, attempts = ?, settled = ? WHERE id = ?`
	triedQuery = `
		INSERT INTO attempts (message, n, epoch, started, ended, outcome, reason, detail, ref, counted)
		SELECT ?, COALESCE(MAX(n), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ? FROM attempts WHERE message = ?`
	foundQuery = `UPDATE attempts SET ended = ?, outcome = ?, reason = ?, detail = ?, ref = ? WHERE message = ? AND epoch = ?`
)

func (w *mover) exec(stmt **sqlx.Stmt, query string, args ...any) (err error) {
	if *stmt == nil {
		if *stmt, err = w.tx.PreparexContext(w.ctx, query); err != nil {
			return err
		}
	}
	_, err = (*stmt).ExecContext(w.ctx, args...)
	return err
}

func (w *mover) close() {
	for _, s := range []*sqlx.Stmt{w.hold, w.leave, w.tried, w.found, w.record, w.untold} {
		if s != nil {
			_ = s.Close() // its transaction's end closes it too
		}
	}
}

// put keeps decisions.
func (w *mover) put(records []steward.Record) error {
	for _, r := range records {
		if err := w.exec(&w.record, putRecordQuery, rowOfRecord(r).values()...); err != nil {
			return err
		}
		if r.Effect == steward.Suppress && r.Outreach != "" {
			if err := w.exec(&w.untold, dropUntoldQuery, r.Reason, r.At.Unix(), r.Outreach); err != nil {
				return err
			}
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
		if d.Reason.StopsExpiry() && !m.Expires.IsZero() {
			m.Expires = instant(m.Expires.Unix() + until.Unix() - now.Unix())
		}
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
	if len(ids) == 0 {
		return nil, nil
	}
	in, err := jsonColumn(ids)
	if err != nil {
		return nil, err
	}
	messages, err := selectMessages(ctx, tx, dossierMessagesQuery, in)
	if err != nil {
		return nil, err
	}
	carried, err := outreachOn(ctx, tx, in)
	if err != nil {
		return nil, err
	}
	enrolments, phases, err := dealings(ctx, tx, in)
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
	silences, err := unendedSilences(ctx, tx)
	if err != nil {
		return nil, err
	}
	afoot, err := readAfoot(ctx, tx, accountsOf(messages))
	if err != nil {
		return nil, err
	}
	threads, err := threadsOf(ctx, tx, messages, carried)
	if err != nil {
		return nil, err
	}
	agendas, err := agendasFor(ctx, tx, messages)
	if err != nil {
		return nil, err
	}
	out := make(map[steward.MessageID]steward.Dossier, len(messages))
	for _, m := range messages {
		d := steward.Dossier{Message: m, Thread: threads[m.ID], Outreach: carried[m.ID], Paused: pause, Silences: silences, Doubt: doubts[m.ID]}
		for _, o := range d.Outreach {
			d.Enrolments = append(d.Enrolments, enrolments[o.Enrolment])
			d.Phases = append(d.Phases, phases[o.ID])
		}
		d.Afoot = afoot[m.Account]
		if m.Kind == steward.Digest {
			d.Agenda = agendas[m.To.Owner]
		}
		if d.Suppressed, d.SuppressedWhy, err = suppressed(ctx, tx, m.To.Email, m.Topic); err != nil {
			return nil, err
		}
		if d.Back, err = backOn(ctx, tx, m); err != nil {
			return nil, err
		}
		if d.Task, err = givenBy(ctx, tx, m); err != nil {
			return nil, err
		}
		if d.OwnerUntold, err = untold(ctx, tx, m); err != nil {
			return nil, err
		}
		out[m.ID] = d
	}
	return out, readAsked(ctx, tx, out)
}

// accountsOf is the accounts that messages are about, each once.
func accountsOf(messages []steward.Message) []steward.AccountID {
	var out []steward.AccountID
	for _, m := range messages {
		if m.Account != "" {
			out = append(out, m.Account)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Lists of ids come as JSON: the text of the query stays the same however long
// the list is, and the driver keeps it compiled.
const (
	dossierMessagesQuery   = `SELECT * FROM messages WHERE id IN (SELECT value FROM json_each(?))`
	dossierOutreachQuery   = `SELECT * FROM outreach WHERE message IN (SELECT value FROM json_each(?)) ORDER BY planned, id`
	dossierEnrolmentsQuery = `SELECT * FROM enrolments WHERE id IN (SELECT enrolment FROM outreach WHERE message IN (SELECT value FROM json_each(?)))`
	dossierPhasesQuery     = `
		SELECT o.id AS outreach, p.* FROM outreach o
		JOIN phases p ON p.playbook = o.playbook AND p.kind = o.kind AND p.subject = o.subject
		WHERE o.message IN (SELECT value FROM json_each(?)) AND p.phase <> 'clear'`
	doubtsQuery = `
		SELECT message, MIN(started) AS since FROM attempts
		WHERE message IN (SELECT value FROM json_each(?)) AND outcome = 'uncertain' GROUP BY message`
)

// outreachOn is what messages carry, in the order in which it was planned.
func outreachOn(ctx context.Context, tx *sqlx.Tx, messages string) (map[steward.MessageID][]steward.Outreach, error) {
	said, err := selectOutreach(ctx, tx, dossierOutreachQuery, messages)
	out := make(map[steward.MessageID][]steward.Outreach, len(said))
	for _, o := range said {
		out[o.Message] = append(out[o.Message], o)
	}
	return out, err
}

// dealings is the enrolments that messages speak for, and the phase of each
// outreach's subject; none where it is clear.
func dealings(ctx context.Context, tx *sqlx.Tx, messages string) (map[steward.EnrolmentID]steward.Enrolment, map[steward.OutreachID]steward.PhaseState, error) {
	list, err := selectEnrolments(ctx, tx, dossierEnrolmentsQuery, messages)
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
	if err := tx.SelectContext(ctx, &rows, dossierPhasesQuery, messages); err != nil {
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
	in, err := jsonColumn(tried)
	if err != nil {
		return nil, err
	}
	err = tx.SelectContext(ctx, &rows, doubtsQuery, in)
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
	a, err := db.moves.do(ctx, move{id: id, epoch: epoch, now: now, end: s})
	if err == nil {
		err = a[0].err
	}
	return fault("settle "+string(id), db.path, err)
}

// settle writes one settlement, or says why it is refused.
func (w *mover) settle(s move, under map[steward.MessageID]departure) (refused, err error) {
	d, ok := under[s.id]
	if !ok {
		return fmt.Errorf("message %s: %w", s.id, ErrNotFound), nil
	}
	if refused := endable(d, s); refused != nil {
		return refused, nil
	}
	under[s.id], err = w.leaves(d, s)
	return nil, err
}

// endable tells whether an attempt may still say what became of a message. An
// epoch is claimed once at most, so it names one attempt.
func endable(m departure, s move) error {
	if m.State == steward.Sending && m.Epoch == s.epoch {
		return nil
	}
	late := m.Reason == steward.ReasonOutcomeLost && (m.State == steward.Uncertain && m.Epoch == s.epoch ||
		(m.State == steward.Planned || m.State == steward.Enqueued) && m.Epoch == s.epoch+1)
	switch {
	case late && s.end.State == steward.Sent:
		return nil
	case m.State.Settled():
		return fmt.Errorf("it is %s: %w", m.State, ErrSettled)
	}
	return fmt.Errorf("it is %s in epoch %d, not sending in epoch %d: %w", m.State, m.Epoch, s.epoch, ErrConflict)
}

// A departure is what has to be known of a message that leaves sending, and
// what it carries.
type departure struct {
	ID             steward.MessageID    `db:"id"`
	Kind           steward.MessageKind  `db:"kind"`
	Version        int                  `db:"version"`
	Account        steward.AccountID    `db:"account"`
	State          steward.MessageState `db:"state"`
	Reason         steward.Reason       `db:"reason"`
	Epoch          int                  `db:"epoch"`
	Due            int64                `db:"due"`
	Lease          int64                `db:"lease"`
	Attempts       int                  `db:"attempts"`
	Ref            string               `db:"ref"`
	RetryUncertain bool                 `db:"retry_uncertain"`

	carried []steward.Outreach
}

const departuresQuery = `
	SELECT id, kind, version, account, state, reason, epoch, due, lease, attempts, ref, retry_uncertain
	FROM messages WHERE id IN (SELECT value FROM json_each(?))`

// readDepartures reads how messages stand that are moved, and what those that
// leave sending carry.
func readDepartures(ctx context.Context, tx *sqlx.Tx, moved, leaving []steward.MessageID) (map[steward.MessageID]departure, error) {
	in, err := jsonColumn(moved)
	if err != nil {
		return nil, err
	}
	var rows []departure
	if err := tx.SelectContext(ctx, &rows, departuresQuery, in); err != nil {
		return nil, err
	}
	out := make(map[steward.MessageID]departure, len(rows))
	for _, d := range rows {
		out[d.ID] = d
	}
	if len(leaving) == 0 {
		return out, nil
	}
	if in, err = jsonColumn(leaving); err != nil {
		return nil, err
	}
	var carried []struct {
		Message steward.MessageID `db:"message"`
		outreachHead
	}
	if err := tx.SelectContext(ctx, &carried, carriedQuery, in); err != nil {
		return nil, err
	}
	for _, c := range carried {
		d := out[c.Message]
		d.carried = append(d.carried, c.noun())
		out[c.Message] = d
	}
	return out, nil
}

const carriedQuery = `
	SELECT message, id, enrolment, playbook, kind, subject, account, step
	FROM outreach WHERE message IN (SELECT value FROM json_each(?)) ORDER BY planned, id`

// leaves keeps the attempt of an epoch, moves its message out of sending, and
// keeps why. A return to planned raises the epoch.
func (w *mover) leaves(m departure, s move) (departure, error) {
	end := s.end
	again := end.State == steward.Deferred || end.State == steward.Planned
	counted := !again || !end.Free
	outcome := end.State
	if end.Doubt {
		outcome = steward.Uncertain
	}
	var err error
	if m.State == steward.Sending {
		err = w.exec(&w.tried, triedQuery, m.ID, s.epoch, seconds(end.Started), s.now.Unix(), outcome, end.Reason, end.Detail, end.Ref, counted, m.ID)
	} else { // it was given up already, and its sender turned up
		err = w.exec(&w.found, foundQuery, s.now.Unix(), outcome, end.Reason, end.Detail, end.Ref, m.ID, s.epoch)
	}
	if err != nil {
		return m, err
	}
	if !counted {
		m.Attempts--
	}
	d := steward.Decision{Effect: steward.Suppress, Reason: end.Reason, Detail: end.Detail}
	m.State, m.Reason, m.Lease = end.State, end.Reason, 0
	if end.Ref != "" {
		m.Ref = end.Ref
	}
	settled := s.now.Unix()
	switch end.State {
	case steward.Sent, steward.Uncertain: // it went out, or may have
		d.Effect = steward.Pass
	case steward.Planned:
		m.Epoch++
		fallthrough
	case steward.Deferred:
		settled = 0
		if m.Due = seconds(end.Due); m.Due == 0 {
			m.Due = s.now.Unix()
		}
		d.Effect, d.Until = steward.Defer, instant(m.Due)
	}
	if err := w.exec(&w.leave, leaveQuery, m.State, m.Reason, end.Detail, m.Ref, m.Epoch, m.Due, m.Attempts, settled, m.ID); err != nil {
		return m, err
	}
	if err := w.tellAsking(m.Kind, m.Version, m.ID, m.State, s.now); err != nil {
		return m, err
	}
	return m, w.put(recordsOf(steward.Message{ID: m.ID, Account: m.Account}, m.carried, d, s.now))
}
