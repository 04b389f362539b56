package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

type enrolmentRow struct {
	ID         steward.EnrolmentID    `db:"id"`
	Playbook   steward.PlaybookName   `db:"playbook"`
	Kind       steward.SubjectKind    `db:"kind"`
	Subject    string                 `db:"subject"`
	Account    steward.AccountID      `db:"account"`
	Episode    int64                  `db:"episode"`
	State      steward.EnrolmentState `db:"state"`
	Reason     steward.Reason         `db:"reason"`
	Arm        steward.Arm            `db:"arm"`
	Version    string                 `db:"version"`
	EpisodeDay sql.Null[int32]        `db:"episode_day"`
	Frozen     string                 `db:"frozen"`
	Evidence   string                 `db:"evidence"`
	OpenedAt   int64                  `db:"opened_at"`
	EndedAt    int64                  `db:"ended_at"`
	Step       int                    `db:"step"`
	StepSince  int64                  `db:"step_since"`
	Due        int64                  `db:"due"`
	AckedAt    int64                  `db:"acked_at"`
	AckedBy    string                 `db:"acked_by"`
	DoneAt     int64                  `db:"done_at"`
	GoalAt     int64                  `db:"goal_at"`
	ClaimedBy  steward.OwnerID        `db:"claimed_by"`
	Rev        int                    `db:"rev"`
	ChangedAt  int64                  `db:"changed_at"`
	ReleasedAt int64                  `db:"released_at"` // written when it is let go

	SnoozedAt        int64  `db:"snoozed_at"`
	SnoozedUntil     int64  `db:"snoozed_until"`
	SnoozedForChange bool   `db:"snoozed_for_change"`
	SnoozedBy        string `db:"snoozed_by"`
	FinishedAt       int64  `db:"finished_at"`
	FinishedBy       string `db:"finished_by"`
	Outcome          string `db:"outcome"`
	Unhelpful        string `db:"unhelpful"`
	RepliedAt        int64  `db:"replied_at"`
	StartedBy        string `db:"started_by"`
}

func rowOfEnrolment(e steward.Enrolment, now time.Time) (enrolmentRow, error) {
	r := enrolmentRow{
		ID: e.ID, Playbook: e.Playbook, Kind: e.Subject.Kind, Subject: e.Subject.ID, Account: e.Subject.Account,
		Episode: e.Episode.Unix(), State: e.State, Reason: e.Reason, Arm: e.Arm, Version: e.Version,
		EpisodeDay: dayColumn(e.EpisodeDay), OpenedAt: seconds(e.OpenedAt), EndedAt: seconds(e.EndedAt),
		Step: e.Step, StepSince: seconds(e.StepSince), Due: seconds(e.Due),
		AckedAt: seconds(e.AckedAt), AckedBy: e.AckedBy, DoneAt: seconds(e.DoneAt), GoalAt: seconds(e.GoalAt), ClaimedBy: e.ClaimedBy, Rev: e.Rev, ChangedAt: seconds(now),
		SnoozedAt: seconds(e.SnoozedAt), SnoozedUntil: seconds(e.SnoozedUntil), SnoozedForChange: e.SnoozedForChange, SnoozedBy: e.SnoozedBy,
		FinishedAt: seconds(e.FinishedAt), FinishedBy: e.FinishedBy, Outcome: e.Outcome, Unhelpful: e.Unhelpful,
		RepliedAt: seconds(e.RepliedAt), StartedBy: e.StartedBy,
	}
	var err error
	if r.Frozen, err = jsonColumn(e.Frozen); err != nil {
		return r, err
	}
	r.Evidence, err = listColumn(e.Evidence)
	return r, err
}

func (r enrolmentRow) noun() (steward.Enrolment, error) {
	e := steward.Enrolment{
		ID: r.ID, Playbook: r.Playbook, Subject: steward.Subject{Kind: r.Kind, ID: r.Subject, Account: r.Account},
		Episode: steward.SlotFromUnix(r.Episode), State: r.State, Reason: r.Reason, Arm: r.Arm, Version: r.Version,
		EpisodeDay: dayOf(r.EpisodeDay), OpenedAt: instant(r.OpenedAt), EndedAt: instant(r.EndedAt),
		Step: r.Step, StepSince: instant(r.StepSince), Due: instant(r.Due),
		AckedAt: instant(r.AckedAt), AckedBy: r.AckedBy, DoneAt: instant(r.DoneAt), GoalAt: instant(r.GoalAt), ClaimedBy: r.ClaimedBy, Rev: r.Rev,
		SnoozedAt: instant(r.SnoozedAt), SnoozedUntil: instant(r.SnoozedUntil), SnoozedForChange: r.SnoozedForChange, SnoozedBy: r.SnoozedBy,
		FinishedAt: instant(r.FinishedAt), FinishedBy: r.FinishedBy, Outcome: r.Outcome, Unhelpful: r.Unhelpful,
		RepliedAt: instant(r.RepliedAt), StartedBy: r.StartedBy,
	}
	var err error
	if e.Frozen, err = jsonOf[map[string]steward.Value](r.Frozen, "frozen values of "+string(r.ID)); err != nil {
		return e, err
	}
	e.Evidence, err = jsonOf[[]steward.Evidence](r.Evidence, "evidence of "+string(r.ID))
	return e, err
}

func selectEnrolments(ctx context.Context, tx *sqlx.Tx, query string, args ...any) ([]steward.Enrolment, error) {
	var rows []enrolmentRow
	if err := tx.SelectContext(ctx, &rows, query, args...); err != nil {
		return nil, err
	}
	return each(rows, enrolmentRow.noun)
}

// An EnrolmentFilter says which enrolments to read; its zero value means all.
type EnrolmentFilter struct {
	Account  steward.AccountID
	Playbook steward.PlaybookName
	State    steward.EnrolmentState
	Open     bool // only open ones
	Reason   steward.Reason
	Limit    int
}

// Enrolments reads the enrolments that a filter asks for, newest first.
func (db *DB) Enrolments(ctx context.Context, f EnrolmentFilter) ([]steward.Enrolment, error) {
	var out []steward.Enrolment
	err := db.view(ctx, "read enrolments", func(tx *sqlx.Tx) error {
		var w where
		w.is("account", string(f.Account))
		w.is("playbook", string(f.Playbook))
		w.is("state", string(f.State))
		w.is("reason", string(f.Reason))
		if f.Open {
			w.and(enrolmentOpen)
		}
		var err error
		out, err = selectEnrolments(ctx, tx,
			`SELECT * FROM enrolments`+w.sql()+` ORDER BY opened_at DESC, id LIMIT ?`, append(w.args, rowLimit(f.Limit))...)
		return err
	})
	return out, err
}

// Enrolment reads one by its id or by the beginning of it, with or without the
// "e-". ErrNotFound, or *AmbiguousError when more than one begins so.
func (db *DB) Enrolment(ctx context.Context, idOrPrefix string) (steward.Enrolment, error) {
	var e steward.Enrolment
	err := db.view(ctx, "read enrolment "+idOrPrefix, func(tx *sqlx.Tx) error {
		id, err := findID(ctx, tx, "enrolments", "e-", idOrPrefix)
		if err != nil {
			return err
		}
		var row enrolmentRow
		if err := tx.GetContext(ctx, &row, `SELECT * FROM enrolments WHERE id = ?`, id); err != nil {
			return err
		}
		e, err = row.noun()
		return err
	})
	return e, err
}

// findID finds the one id of a table that begins with what a person typed. A
// whole id wins over longer ones that begin with it.
func findID(ctx context.Context, tx *sqlx.Tx, table, mark, typed string) (string, error) {
	typed = strings.ToLower(strings.TrimSpace(typed))
	if typed == "" || typed == mark {
		return "", fmt.Errorf("%w: give an id, or the beginning of one", ErrNotFound)
	}
	if !strings.HasPrefix(typed, mark) {
		typed = mark + typed
	}
	// A range and not LIKE: it uses the key's index, and nothing has to be escaped.
	var ids []string
	err := tx.SelectContext(ctx, &ids,
		`SELECT id FROM `+table+` WHERE id >= ? AND id < ? ORDER BY id LIMIT 10`, typed, typed+"\U0010FFFF")
	switch {
	case err != nil:
		return "", err
	case len(ids) == 0:
		return "", fmt.Errorf("%w: nothing begins with %s", ErrNotFound, typed)
	case len(ids) > 1 && ids[0] != typed:
		return "", &AmbiguousError{Prefix: typed, Matches: ids}
	}
	return ids[0], nil
}

// DueEnrolments reads up to limit open enrolments (all, for 0) that advance
// should look at: those whose time has come, and those that wait for something
// to happen (no Due, or active). Quarantined ones are left out. Those with
// nothing under way come first, so that many open approvals cannot keep the
// others from their turn.
func (db *DB) DueEnrolments(ctx context.Context, now time.Time, limit int) ([]steward.Enrolment, error) {
	var out []steward.Enrolment
	err := db.view(ctx, "read due enrolments", func(tx *sqlx.Tx) error {
		var err error
		out, err = selectEnrolments(ctx, tx, dueEnrolmentsQuery, now.Unix(), rowLimit(limit))
		return err
	})
	return out, err
}

// dueEnrolmentsQuery sorts ids, and reads whole rows only of those it returns.
const dueEnrolmentsQuery = `
	SELECT e.* FROM (
		SELECT id, due, changed_at, EXISTS (
			SELECT 1 FROM outreach o JOIN messages m ON m.id = o.message
			WHERE o.enrolment = d.id AND m.settled = 0) AS busy
		FROM (
			SELECT id, due, changed_at FROM enrolments WHERE state = 'active'
			UNION ALL
			SELECT id, due, changed_at FROM enrolments WHERE state = 'waiting' AND due <= ?
		) d
		ORDER BY busy, due = 0, due, changed_at, id
		LIMIT ?
	) d JOIN enrolments e ON e.id = d.id
	ORDER BY d.busy, d.due = 0, d.due, d.changed_at, d.id`

// Ack notes that a person took the enrolment on, and has advance look at it
// at once. Doing so again is nothing; ErrConflict when somebody else did
// already, ErrSettled when it has ended.
func (db *DB) Ack(ctx context.Context, id steward.EnrolmentID, by string, now time.Time) error {
	return db.update(ctx, "take on "+string(id), func(tx *sqlx.Tx) error {
		e, err := getEnrolment(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case !e.State.Open():
			return fmt.Errorf("it is %s (%s): %w", e.State, e.Reason, ErrSettled)
		case e.AckedBy == by && e.AckedAt != 0:
			return nil
		case e.AckedAt != 0:
			return fmt.Errorf("%s took it on at %s: %w", e.AckedBy, instant(e.AckedAt).Format(time.RFC3339), ErrConflict)
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE enrolments SET acked_at = ?, acked_by = ?, due = ?, rev = rev + 1, changed_at = ? WHERE id = ?`,
			now.Unix(), by, now.Unix(), now.Unix(), id)
		return errors.Join(err, repaintOf(ctx, tx, id, now))
	})
}

func getEnrolment(ctx context.Context, tx *sqlx.Tx, id steward.EnrolmentID) (enrolmentRow, error) {
	var e enrolmentRow
	err := tx.GetContext(ctx, &e, `SELECT * FROM enrolments WHERE id = ?`, id)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("enrolment %s: %w", id, ErrNotFound)
	}
	return e, err
}

// A ReleaseFilter says which quarantined enrolments to release; its zero value
// means all of them.
type ReleaseFilter struct {
	Playbook steward.PlaybookName
	Account  steward.AccountID
	IDs      []steward.EnrolmentID
}

// Release lets quarantined enrolments begin their steps now, and returns them
// as they then are.
func (db *DB) Release(ctx context.Context, f ReleaseFilter, now time.Time) ([]steward.Enrolment, error) {
	var out []steward.Enrolment
	err := db.update(ctx, "release", func(tx *sqlx.Tx) error {
		w := where{}
		w.and("state = 'quarantined'")
		w.is("playbook", string(f.Playbook))
		w.is("account", string(f.Account))
		wanted := make(map[steward.EnrolmentID]bool, len(f.IDs))
		for _, id := range f.IDs {
			wanted[id] = true
		}
		held, err := selectEnrolments(ctx, tx, `SELECT * FROM enrolments`+w.sql()+` ORDER BY opened_at, id`, w.args...)
		if err != nil {
			return err
		}
		for _, e := range held {
			if len(wanted) > 0 && !wanted[e.ID] {
				continue
			}
			was := e.Reason
			e.State, e.Reason, e.StepSince, e.Due, e.Rev = steward.Active, steward.ReasonReleased, instant(now.Unix()), instant(now.Unix()), e.Rev+1
			if err := moveEnrolment(ctx, tx, e, now); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE enrolments SET released_at = ? WHERE id = ?`, now.Unix(), e.ID); err != nil {
				return err
			}
			if err := putRecord(ctx, tx, recordOf(e, now, steward.Decision{
				Effect: steward.Pass, Reason: steward.ReasonReleased, Detail: "was held back as " + string(was)})); err != nil {
				return err
			}
			out = append(out, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ExpireQuarantine ends what has been in quarantine since before a moment, and
// tells how many.
func (db *DB) ExpireQuarantine(ctx context.Context, before, now time.Time) (int, error) {
	n := 0
	err := db.update(ctx, "expire the quarantine", func(tx *sqlx.Tx) error {
		n = 0
		held, err := selectEnrolments(ctx, tx,
			`SELECT * FROM enrolments WHERE state = 'quarantined' AND opened_at < ? ORDER BY id`, before.Unix())
		if err != nil {
			return err
		}
		for _, e := range held {
			e.State, e.Reason, e.EndedAt, e.Due, e.Rev = steward.Exited, steward.ReasonQuarantineExpired, now, time.Time{}, e.Rev+1
			if err := moveEnrolment(ctx, tx, e, now); err != nil {
				return err
			}
			if err := putRecord(ctx, tx, recordOf(e, now, steward.Decision{
				Effect: steward.Suppress, Reason: steward.ReasonQuarantineExpired,
				Detail: "nobody released it since " + e.OpenedAt.Format(time.DateOnly)})); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

func moveEnrolment(ctx context.Context, tx *sqlx.Tx, e steward.Enrolment, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE enrolments SET state = ?, reason = ?, ended_at = ?, step_since = ?, due = ?, rev = ?, changed_at = ? WHERE id = ?`,
		e.State, e.Reason, seconds(e.EndedAt), seconds(e.StepSince), seconds(e.Due), e.Rev, now.Unix(), e.ID)
	return errors.Join(err, repaintOf(ctx, tx, e.ID, now))
}

func recordOf(e steward.Enrolment, now time.Time, d steward.Decision) steward.Record {
	return steward.Record{At: steward.SlotAt(now), Playbook: e.Playbook, Subject: e.Subject, Enrolment: e.ID, Decision: d}
}

// where collects the conditions of a filter. What it holds are constants of
// this package; values only ever travel as arguments.
type where struct {
	conditions []string
	args       []any
}

// is asks for a column's value, unless the filter leaves it open.
func (w *where) is(column, value string) {
	if value != "" {
		w.and(column+" = ?", value)
	}
}

func (w *where) and(condition string, args ...any) {
	w.conditions = append(w.conditions, condition)
	w.args = append(w.args, args...)
}

func (w *where) sql() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conditions, " AND ")
}
