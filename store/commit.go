package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Commit writes changes, each of them whole or not at all, and lists the
// accounts of those that were not: an enrolment had a newer revision, its
// subject has another open one, or a phase was stepped at a newer slot. The
// caller decides those anew. Everything is conditional on the run's term
// (ErrStaleTerm, nothing written); a run without a Job, as advance's, is not.
// Writing a change again does nothing.
//
// It is one transaction: a few hundred changes at a time keep other writers'
// wait short.
func (db *DB) Commit(ctx context.Context, run steward.Run, changes []steward.Change, now time.Time) (conflicts []steward.AccountID, err error) {
	err = db.update(ctx, "write decisions", func(tx *sqlx.Tx) error {
		if run.Job != "" {
			if err := holdRun(ctx, tx, run); err != nil {
				return err
			}
		}
		for _, c := range changes {
			switch err := writeChange(ctx, tx, c, now); {
			case errors.Is(err, ErrConflict):
				conflicts = append(conflicts, c.Account)
			case err != nil:
				return fmt.Errorf("account %s: %w", c.Account, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return conflicts, nil
}

// writeChange writes one change inside a savepoint, so that a conflict takes
// back this change alone.
func writeChange(ctx context.Context, tx *sqlx.Tx, c steward.Change, now time.Time) error {
	if c.Empty() {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `SAVEPOINT change`); err != nil {
		return err
	}
	err := writeParts(ctx, tx, c, now)
	if err != nil {
		if _, back := tx.ExecContext(ctx, `ROLLBACK TO SAVEPOINT change`); back != nil {
			return errors.Join(back, err)
		}
	}
	_, release := tx.ExecContext(ctx, `RELEASE SAVEPOINT change`)
	return errors.Join(err, release)
}

func writeParts(ctx context.Context, tx *sqlx.Tx, c steward.Change, now time.Time) error {
	for _, p := range c.Phases {
		if err := putPhase(ctx, tx, p); err != nil {
			return fmt.Errorf("phase of %s for %s: %w", p.Playbook, p.Subject, err)
		}
		if p.Phase != steward.Clear {
			continue
		}
		if err := repaintOver(ctx, tx, p, now); err != nil {
			return fmt.Errorf("cards about %s for %s: %w", p.Playbook, p.Subject, err)
		}
	}
	// Ended ones first: the subject's next enrolment may be in the same change,
	// and only one of the two may be open.
	for _, open := range []bool{false, true} {
		for _, e := range c.Enrolments {
			if e.State.Open() != open {
				continue
			}
			if err := putEnrolment(ctx, tx, e, now); err != nil {
				return fmt.Errorf("enrolment %s: %w", e.ID, err)
			}
			if err := dropTasks(ctx, tx, e, now); err != nil {
				return fmt.Errorf("tasks of %s: %w", e.ID, err)
			}
		}
	}
	joined, err := putJoins(ctx, tx, c.Joins)
	if err != nil {
		return err
	}
	added := joined.added
	var asked []steward.Message // cards that ask for approval
	waits := map[steward.MessageID]steward.Message{}
	for _, m := range c.Messages {
		if m.Kind == steward.Approval {
			asked = append(asked, m)
			continue
		}
		if joined.named[m.ID] {
			continue // what joins a digest has found out whether it is this one
		}
		isNew, err := putMessage(ctx, tx, m)
		if err != nil {
			return fmt.Errorf("message %s: %w", m.ID, err)
		}
		if isNew && (m.Kind == steward.Card || m.Kind == steward.Mail || m.Kind == steward.Call || m.Kind == steward.Digest) {
			added = append(added, m.ID)
		}
		if isNew && m.State == steward.AwaitingApproval {
			waits[m.ID] = m
		}
	}
	for _, o := range c.Outreach {
		if id, ok := joined.of[o.ID]; ok {
			o.Message = id
		}
		if err := putOutreach(ctx, tx, o); err != nil {
			return fmt.Errorf("outreach %s: %w", o.ID, err)
		}
	}
	for _, h := range c.HandOvers {
		if err := handOver(ctx, tx, h, now); err != nil {
			return fmt.Errorf("outreach %s: %w", h.Outreach, err)
		}
	}
	for _, r := range c.Redrafts {
		if err := redraft(ctx, tx, r, now); err != nil {
			return fmt.Errorf("message %s: %w", r.Mail.ID, err)
		}
	}
	for _, id := range added {
		// A message all of whose outreach were said before, by another message,
		// would be an empty card.
		gone, err := rowsOf(tx.ExecContext(ctx, `
			DELETE FROM messages WHERE id = ? AND NOT EXISTS (SELECT 1 FROM outreach WHERE message = messages.id)`, id))
		if err != nil {
			return fmt.Errorf("message %s: %w", id, err)
		}
		if gone > 0 {
			delete(waits, id)
		}
	}
	for _, card := range asked {
		if mail, isNew := waits[card.For]; isNew { // else it was asked when the mail was put
			if err := ask(ctx, tx, card, mail); err != nil {
				return fmt.Errorf("ask about %s: %w", card.For, err)
			}
		}
	}
	for _, w := range c.Withdrawn {
		if err := withdraw(ctx, tx, w, now); err != nil {
			return fmt.Errorf("outreach %s: %w", w.Outreach, err)
		}
	}
	for _, s := range c.Stopped {
		if err := stopAwaiting(ctx, tx, s, now); err != nil {
			return fmt.Errorf("message %s: %w", s.Message, err)
		}
	}
	for _, p := range c.Pilots {
		if err := putPilotStart(ctx, tx, p); err != nil {
			return err
		}
	}
	for _, s := range c.States {
		if err := putPlaybookState(ctx, tx, s); err != nil {
			return fmt.Errorf("state of %s: %w", s.Playbook, err)
		}
	}
	for _, r := range c.Records {
		if err := putRecord(ctx, tx, r); err != nil {
			return fmt.Errorf("record: %w", err)
		}
	}
	for _, f := range c.Learnt {
		if err := putLearnt(ctx, tx, c.Account, f); err != nil {
			return fmt.Errorf("%s: %w", f.Field, err)
		}
	}
	return putSaid(ctx, tx, c, now)
}

// putPhase replaces a phase, but not by an older slot's.
func putPhase(ctx context.Context, tx *sqlx.Tx, p steward.PhaseState) error {
	row, err := rowOfPhase(p)
	if err != nil {
		return err
	}
	return oneRow(tx.NamedExecContext(ctx, `
		INSERT INTO phases (playbook, kind, subject, account, phase, episode, episode_day, since, held, slot, frozen)
		VALUES (:playbook, :kind, :subject, :account, :phase, :episode, :episode_day, :since, :held, :slot, :frozen)
		ON CONFLICT (playbook, kind, subject) DO UPDATE SET
			account = excluded.account, phase = excluded.phase, episode = excluded.episode,
			episode_day = excluded.episode_day, since = excluded.since, held = excluded.held,
			slot = excluded.slot, frozen = excluded.frozen
		WHERE phases.slot <= excluded.slot`, row))(ErrConflict)
}

// putEnrolment adds a new enrolment (Rev 0), or replaces the stored one of the
// same revision.
func putEnrolment(ctx context.Context, tx *sqlx.Tx, e steward.Enrolment, now time.Time) error {
	row, err := rowOfEnrolment(e, now)
	if err != nil {
		return err
	}
	if e.Rev > 0 {
		if err := repaintChanged(ctx, tx, row); err != nil {
			return err
		}
		return oneRow(tx.NamedExecContext(ctx, `
			UPDATE enrolments SET
				account = :account, state = :state, reason = :reason, arm = :arm, version = :version,
				episode_day = :episode_day, frozen = :frozen, evidence = :evidence, opened_at = :opened_at,
				ended_at = :ended_at, step = :step, step_since = :step_since, due = :due,
				acked_at = :acked_at, acked_by = :acked_by, claimed_by = :claimed_by, done_at = :done_at, goal_at = :goal_at,
				snoozed_at = :snoozed_at, snoozed_until = :snoozed_until, snoozed_for_change = :snoozed_for_change, snoozed_by = :snoozed_by, finished_at = :finished_at, finished_by = :finished_by, outcome = :outcome, unhelpful = :unhelpful, replied_at = :replied_at,
				released_at = CASE WHEN enrolments.state = 'quarantined' AND :state = 'active' THEN :changed_at ELSE released_at END,
				rev = :rev + 1, changed_at = :changed_at
			WHERE id = :id AND rev = :rev`, row))(ErrConflict)
	}
	_, err = tx.NamedExecContext(ctx, `
		INSERT INTO enrolments (id, playbook, kind, subject, account, episode, state, reason, arm, version,
			episode_day, frozen, evidence, opened_at, ended_at, step, step_since, due, acked_at, acked_by, claimed_by, done_at, goal_at,
			snoozed_at, snoozed_until, snoozed_for_change, snoozed_by, finished_at, finished_by, outcome, unhelpful, replied_at, started_by, rev, changed_at)
		VALUES (:id, :playbook, :kind, :subject, :account, :episode, :state, :reason, :arm, :version,
			:episode_day, :frozen, :evidence, :opened_at, :ended_at, :step, :step_since, :due, :acked_at, :acked_by, :claimed_by, :done_at, :goal_at,
			:snoozed_at, :snoozed_until, :snoozed_for_change, :snoozed_by, :finished_at, :finished_by, :outcome, :unhelpful, :replied_at, :started_by, 1, :changed_at)
		ON CONFLICT (id) DO NOTHING`, row)
	if isUnique(err) { // the subject has another open enrolment
		return fmt.Errorf("%w: %s has another open enrolment in %s", ErrConflict, e.Subject, e.Playbook)
	}
	return err
}
