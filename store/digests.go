package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Which message says an outreach can change until it is sent: into a digest,
// from one digest into the next, onto a card of its own. Whatever races for it,
// it stands on one message, and none takes anything in once somebody has begun
// to send it.

// takesIn finds the first of some messages that still takes something in, and
// adds it where it is not there yet; the zero message where none does. busy tells
// those that this very transaction moves.
func takesIn(ctx context.Context, tx *sqlx.Tx, into []steward.Message, busy func(steward.MessageID) bool) (m steward.Message, added bool, err error) {
	for _, m := range into {
		if busy != nil && busy(m.ID) {
			continue
		}
		if added, err := putMessage(ctx, tx, m); err != nil || added {
			return m, added, err
		}
		switch is, ok, err := unsent(ctx, tx, m.ID); {
		case err != nil:
			return steward.Message{}, false, err
		case ok && is.Attempts == 0:
			return is, false, nil
		}
	}
	return steward.Message{}, false, nil
}

// joins are the digests that outreach of a change joins.
type joins struct {
	of    map[steward.OutreachID]steward.MessageID
	added []steward.MessageID        // those that were not there before
	named map[steward.MessageID]bool // those that they may have joined
}

// putJoins finds the digest of each outreach that joins one. The outreach itself
// is not there yet.
func putJoins(ctx context.Context, tx *sqlx.Tx, moves []steward.Move) (joins, error) {
	out := joins{of: map[steward.OutreachID]steward.MessageID{}, named: map[steward.MessageID]bool{}}
	for _, j := range moves {
		for _, m := range j.Into {
			out.named[m.ID] = true
		}
		m, added, err := takesIn(ctx, tx, j.Into, nil)
		switch {
		case err != nil:
			return out, err
		case m.ID == "":
			return out, fmt.Errorf("no digest takes %s in: %w", j.Outreach, ErrConflict)
		case added:
			out.added = append(out.added, m.ID)
		}
		out.of[j.Outreach] = m.ID
	}
	return out, nil
}

// moveOn moves outreach off a message that is being claimed, and tells which of
// them found a place.
func (w *mover) moveOn(from steward.Dossier, moves []steward.Move, under map[steward.MessageID]departure, now time.Time) (map[steward.OutreachID]bool, error) {
	gone := map[steward.OutreachID]bool{}
	for _, mv := range moves {
		into, _, err := takesIn(w.ctx, w.tx, mv.Into, func(id steward.MessageID) bool { _, busy := under[id]; return busy })
		if err != nil {
			return nil, err
		}
		if into.ID == "" {
			continue
		}
		if err := oneRow(w.tx.ExecContext(w.ctx, `UPDATE outreach SET message = ?, digested = ? WHERE id = ? AND message = ?`,
			into.ID, mv.Digested, mv.Outreach, from.Message.ID))(fmt.Errorf("outreach %s is no longer on %s: %w", mv.Outreach, from.Message.ID, ErrConflict)); err != nil {
			return nil, err
		}
		for _, o := range from.Outreach {
			if o.ID == mv.Outreach {
				if err := w.put(recordsOf(into, []steward.Outreach{o}, mv.Decision, now)); err != nil {
					return nil, err
				}
			}
		}
		gone[mv.Outreach], w.moved = true, true
	}
	return gone, nil
}

// leaveOut takes off a message what is never said: nothing carries it any more.
func (w *mover) leaveOut(records []steward.Record) error {
	for _, r := range records {
		if r.Outreach == "" {
			continue
		}
		if _, err := w.tx.ExecContext(w.ctx, `UPDATE outreach SET message = NULL, suppressed = ? WHERE id = ? AND message = ?`, r.Reason, r.Outreach, r.Message); err != nil {
			return err
		}
		w.moved = true
	}
	return w.put(records)
}

// overflow has what a card carries join a digest, as no place is free for the
// card: what was decided is then a move for each.
func overflow(d steward.Dossier, r steward.Ruling, full steward.Decision) []steward.Move {
	moves := r.Moves
	staying := map[steward.OutreachID]bool{}
	for _, m := range r.Moves {
		staying[m.Outreach] = true
	}
	for _, l := range r.LeftOut {
		staying[l.Outreach] = true
	}
	for _, o := range d.Outreach {
		if !staying[o.ID] {
			moves = append(moves, steward.Move{Outreach: o.ID, Into: r.Overflow, Digested: steward.ReasonCapped,
				Decision: steward.Decision{Effect: steward.Defer, Reason: steward.ReasonCapped, Until: r.Overflow[0].Due, Detail: full.Detail + "; it comes in the next digest"}})
		}
	}
	return moves
}

// PlanDigest plans an owner's digest of a day, if there is none yet, and tells
// whether it did.
func (db *DB) PlanDigest(ctx context.Context, m steward.Message) (added bool, err error) {
	err = db.update(ctx, "plan a digest", func(tx *sqlx.Tx) error {
		added, err = putMessage(ctx, tx, m)
		return err
	})
	return added && err == nil, err
}

// Agendas reads, by owner, what people have to do beside what is said to them.
func (db *DB) Agendas(ctx context.Context) (map[steward.OwnerID]steward.Agenda, error) {
	var out map[steward.OwnerID]steward.Agenda
	err := db.view(ctx, "read agendas", func(tx *sqlx.Tx) (err error) {
		out, err = readAgendas(ctx, tx)
		return err
	})
	return out, err
}

const (
	agendaTasksQuery   = `SELECT * FROM tasks WHERE state = 'open' AND owner <> '' ORDER BY CASE WHEN due IS NULL THEN 1 ELSE 0 END, due, given, id`
	agendaWaitingQuery = `
		SELECT m.*, c.owner AS asked FROM messages m JOIN asks a ON a.mail = m.id JOIN messages c ON c.id = a.card
		WHERE m.state = 'awaiting_approval' AND NOT a.over AND c.owner <> ''
		ORDER BY CASE WHEN m.veto > 0 THEN m.veto ELSE m.expires END, m.id, c.planned DESC`
	agendaSnoozedQuery = `
		SELECT * FROM enrolments WHERE id IN (SELECT id FROM enrolments WHERE ` + enrolmentOpen + `) AND snoozed_until > 0
		ORDER BY snoozed_until, id`
)

func readAgendas(ctx context.Context, tx *sqlx.Tx) (map[steward.OwnerID]steward.Agenda, error) {
	out := map[steward.OwnerID]steward.Agenda{}
	var tasks []taskRow
	if err := tx.SelectContext(ctx, &tasks, agendaTasksQuery); err != nil {
		return nil, err
	}
	for _, row := range tasks {
		t, err := row.noun()
		if err != nil {
			return nil, err
		}
		a := out[t.Owner]
		a.Tasks = append(a.Tasks, t)
		out[t.Owner] = a
	}
	var waiting []struct {
		messageRow
		Asked steward.OwnerID `db:"asked"`
	}
	if err := tx.SelectContext(ctx, &waiting, agendaWaitingQuery); err != nil {
		return nil, err
	}
	seen := map[steward.MessageID]bool{}
	for _, row := range waiting {
		if seen[row.ID] {
			continue // asked before, of another owner or for an older text
		}
		seen[row.ID] = true
		m, err := row.noun()
		if err != nil {
			return nil, err
		}
		a := out[row.Asked]
		a.Waiting = append(a.Waiting, m)
		out[row.Asked] = a
	}
	snoozed, err := selectEnrolments(ctx, tx, agendaSnoozedQuery)
	if err != nil {
		return nil, err
	}
	for _, e := range snoozed {
		a := out[steward.OwnerID(e.SnoozedBy)]
		a.Snoozed = append(a.Snoozed, e)
		out[steward.OwnerID(e.SnoozedBy)] = a
	}
	return out, nil
}

// agendasFor is readAgendas where any of some messages is a digest.
func agendasFor(ctx context.Context, tx *sqlx.Tx, messages []steward.Message) (map[steward.OwnerID]steward.Agenda, error) {
	for _, m := range messages {
		if m.Kind == steward.Digest {
			return readAgendas(ctx, tx)
		}
	}
	return nil, nil
}
