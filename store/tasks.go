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

type taskRow struct {
	ID        steward.OutreachID   `db:"id"`
	Enrolment steward.EnrolmentID  `db:"enrolment"`
	Playbook  steward.PlaybookName `db:"playbook"`
	Kind      steward.SubjectKind  `db:"kind"`
	Subject   string               `db:"subject"`
	Account   steward.AccountID    `db:"account"`
	Step      string               `db:"step"`
	Owner     steward.OwnerID      `db:"owner"`
	Name      string               `db:"name"`
	Addressee string               `db:"addressee"`
	Title     string               `db:"title"`
	Due       sql.Null[int32]      `db:"due"`
	Given     int64                `db:"given"`
	State     steward.TaskState    `db:"state"`
	Outcome   string               `db:"outcome"`
	Reason    steward.Reason       `db:"reason"`
	By        string               `db:"by_whom"`
	At        int64                `db:"at"`
}

func (r taskRow) noun() (steward.Task, error) {
	return steward.Task{ID: r.ID, Enrolment: r.Enrolment, Playbook: r.Playbook, Subject: steward.Subject{Kind: r.Kind, ID: r.Subject, Account: r.Account},
		Step: r.Step, Owner: r.Owner, Name: r.Name, Title: r.Title, Due: dayOf(r.Due), Given: instant(r.Given), State: r.State,
		Outcome: r.Outcome, Reason: r.Reason, By: r.By, At: instant(r.At)}, nil
}

// putTask adds the task that an outreach gives; one whose id exists is left as
// it is. An outreach that reminds of a task, or that nothing carries, gives none.
func putTask(ctx context.Context, tx *sqlx.Tx, o steward.Outreach) error {
	a := o.Assignment
	if a == nil || a.Task != o.ID || o.Message == "" {
		return nil
	}
	_, err := tx.NamedExecContext(ctx, `
		INSERT INTO tasks (id, enrolment, playbook, kind, subject, account, step, owner, name, addressee, title, due, given, state, outcome, reason, by_whom, at)
		VALUES (:id, :enrolment, :playbook, :kind, :subject, :account, :step, :owner, :name, :addressee, :title, :due, :given, :state, '', '', '', 0)
		ON CONFLICT (id) DO NOTHING`, taskRow{
		ID: o.ID, Enrolment: o.Enrolment, Playbook: o.Playbook, Kind: o.Subject.Kind, Subject: o.Subject.ID, Account: o.Subject.Account, Step: o.Step,
		Owner: o.To.Owner, Name: o.To.Name, Addressee: o.To.Key, Title: a.Title, Due: dayColumn(a.Due), Given: seconds(o.Planned), State: steward.TaskOpen,
	})
	return err
}

// dropTasks drops the open tasks of an enrolment that ended before its last
// step: what they were for is over.
func dropTasks(ctx context.Context, tx *sqlx.Tx, e steward.Enrolment, now time.Time) error {
	if e.State != steward.Exited && e.State != steward.Failed {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE tasks SET state = 'dropped', reason = ?, at = ? WHERE enrolment = ? AND state = 'open' AND step <> ''`, e.Reason, now.Unix(), e.ID)
	return err
}

// putGiven adds a task that no step gave. It outlives its enrolment, and is no
// answer to it.
func putGiven(ctx context.Context, tx *sqlx.Tx, t steward.Task) error {
	_, err := tx.NamedExecContext(ctx, `
		INSERT INTO tasks (id, enrolment, playbook, kind, subject, account, step, owner, name, addressee, title, due, given, state, outcome, reason, by_whom, at)
		VALUES (:id, :enrolment, :playbook, :kind, :subject, :account, '', :owner, :name, 'owner', :title, :due, :given, 'open', '', '', '', 0)
		ON CONFLICT (id) DO NOTHING`, taskRow{
		ID: t.ID, Enrolment: t.Enrolment, Playbook: t.Playbook, Kind: t.Subject.Kind, Subject: t.Subject.ID, Account: t.Subject.Account,
		Owner: t.Owner, Name: t.Name, Title: t.Title, Due: dayColumn(t.Due), Given: seconds(t.Given),
	})
	return err
}

// dropUntoldQuery drops a task that nobody will be told of.
const dropUntoldQuery = `UPDATE tasks SET state = 'dropped', reason = ?, at = ? WHERE id = ? AND state = 'open'`

// moveTask gives an open task to somebody else; moved is false where they have it.
func moveTask(ctx context.Context, tx *sqlx.Tx, id steward.OutreachID, to steward.Recipient) (moved bool, err error) {
	done, err := tx.ExecContext(ctx, `UPDATE tasks SET owner = ?, name = ? WHERE id = ? AND state = 'open' AND (owner <> ? OR name <> ?)`,
		to.Owner, to.Name, id, to.Owner, to.Name)
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n > 0, err
}

// claimTasks gives the open tasks that an enrolment gave to its owner to whoever
// claimed it.
func claimTasks(ctx context.Context, tx *sqlx.Tx, id steward.EnrolmentID, by steward.OwnerID) error {
	_, err := tx.ExecContext(ctx, `UPDATE tasks SET owner = ?, name = ? WHERE enrolment = ? AND state = 'open' AND addressee = 'owner'`, by, by, id)
	return err
}

// givenBy reads the task that a notice gave; nil where it gave none.
func givenBy(ctx context.Context, tx *sqlx.Tx, m steward.Message) (*steward.Task, error) {
	if m.Kind != steward.Notice || m.Account == "" {
		return nil, nil
	}
	found, err := readRows(ctx, tx, taskRow.noun, `SELECT * FROM tasks WHERE id = ?`, steward.TaskOf(m.ID))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// GivenTasks reads the open tasks that no step gave.
func (db *DB) GivenTasks(ctx context.Context) ([]steward.Task, error) {
	var out []steward.Task
	err := db.view(ctx, "read tasks", func(tx *sqlx.Tx) (err error) {
		out, err = readRows(ctx, tx, taskRow.noun, `SELECT * FROM tasks WHERE state = 'open' AND step = '' ORDER BY account, id`)
		return err
	})
	return out, err
}

// A TaskFilter says which tasks to read; its zero value means the open ones.
type TaskFilter struct {
	Owner   steward.OwnerID
	Account steward.AccountID
	// All is with those that were done or dropped.
	All   bool
	Limit int
}

// Tasks reads tasks: what is open first, by the day it is due, those without a
// day last, and then what is over, newest first.
func (db *DB) Tasks(ctx context.Context, f TaskFilter) ([]steward.Task, error) {
	var rows []taskRow
	err := db.view(ctx, "read tasks", func(tx *sqlx.Tx) error {
		var w where
		if !f.All {
			w.and("state = 'open'")
		}
		w.is("owner", string(f.Owner))
		w.is("account", string(f.Account))
		return tx.SelectContext(ctx, &rows, `SELECT * FROM tasks`+w.sql()+`
			ORDER BY CASE WHEN state = 'open' THEN 0 ELSE 1 END, CASE WHEN due IS NULL THEN 1 ELSE 0 END,
				CASE WHEN state = 'open' THEN due END, at DESC, given, id LIMIT ?`, append(w.args, rowLimit(f.Limit))...)
	})
	if err != nil {
		return nil, err
	}
	return each(rows, taskRow.noun)
}

// Task reads one by its id or by the beginning of it. ErrNotFound, or
// *AmbiguousError.
func (db *DB) Task(ctx context.Context, idOrPrefix string) (steward.Task, error) {
	var t steward.Task
	err := db.view(ctx, "read task "+idOrPrefix, func(tx *sqlx.Tx) error {
		id, err := findID(ctx, tx, "tasks", "o-", idOrPrefix)
		if err != nil {
			return err
		}
		var row taskRow
		if err := tx.GetContext(ctx, &row, `SELECT * FROM tasks WHERE id = ?`, id); err != nil {
			return err
		}
		t, err = row.noun()
		return err
	})
	return t, err
}

// FinishTask notes that a person did a task, by its id or the beginning of it,
// and has advance look at its enrolment at once. ErrSettled when it was done or
// dropped before, ErrNotFound, or *AmbiguousError.
func (db *DB) FinishTask(ctx context.Context, idOrPrefix, outcome, by string, now time.Time) (steward.Task, error) {
	var t steward.Task
	err := db.update(ctx, "finish task "+idOrPrefix, func(tx *sqlx.Tx) error {
		id, err := findID(ctx, tx, "tasks", "o-", idOrPrefix)
		if err != nil {
			return err
		}
		t, err = finishTask(ctx, tx, steward.OutreachID(id), outcome, by, now)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("task %s: %w", idOrPrefix, ErrNotFound)
	}
	return t, err
}

// finishTask notes that a task was done, and has advance look at its enrolment.
func finishTask(ctx context.Context, tx *sqlx.Tx, id steward.OutreachID, outcome, by string, now time.Time) (steward.Task, error) {
	var row taskRow
	if err := tx.GetContext(ctx, &row, `SELECT * FROM tasks WHERE id = ?`, id); err != nil {
		return steward.Task{}, err
	}
	t, err := row.noun()
	if err != nil {
		return t, err
	}
	switch t.State {
	case steward.TaskDone:
		return t, fmt.Errorf("%s did it at %s: %w", t.By, t.At.Format(time.RFC3339), ErrSettled)
	case steward.TaskDropped:
		return t, fmt.Errorf("it was dropped at %s (%s): %w", t.At.Format(time.RFC3339), t.Reason, ErrSettled)
	}
	t.State, t.Outcome, t.By, t.At = steward.TaskDone, outcome, by, instant(now.Unix())
	if _, err := tx.ExecContext(ctx, `UPDATE tasks SET state = 'done', outcome = ?, by_whom = ?, at = ? WHERE id = ?`, outcome, by, now.Unix(), id); err != nil {
		return t, err
	}
	// The enrolment's answer to `done` is that nothing it gave is left to do.
	if _, err := tx.ExecContext(ctx, `
		UPDATE enrolments SET done_at = ?, due = ?, rev = rev + 1, changed_at = ?
		WHERE id = ? AND ? <> '' AND (`+enrolmentOpen+`) AND NOT EXISTS (SELECT 1 FROM tasks WHERE enrolment = ? AND state = 'open' AND step <> '')`,
		now.Unix(), now.Unix(), now.Unix(), t.Enrolment, t.Step, t.Enrolment); err != nil {
		return t, err
	}
	if err := repaintOf(ctx, tx, t.Enrolment, now); err != nil {
		return t, err
	}
	if err := repaint(ctx, tx, []steward.MessageID{steward.NoticeOf(t.ID)}, now); err != nil {
		return t, err
	}
	d := steward.Decision{Effect: steward.Pass, Reason: steward.ReasonTaskDone, Detail: "done by " + by}
	if outcome != "" {
		d.Detail += ": " + outcome
	}
	return t, putRecord(ctx, tx, steward.Record{At: steward.SlotAt(now), Playbook: t.Playbook, Subject: t.Subject, Enrolment: t.Enrolment, Outreach: t.ID, Step: t.Step, Decision: d})
}

// changeTask does to a task what a person did.
func changeTask(ctx context.Context, tx *sqlx.Tx, c steward.TaskChange, now time.Time) error {
	if c.IfOpen {
		var open bool
		if err := tx.GetContext(ctx, &open, `SELECT EXISTS (SELECT 1 FROM tasks WHERE id = ? AND state = 'open')`, c.Task); err != nil || !open {
			return err
		}
	}
	if c.Done {
		_, err := finishTask(ctx, tx, c.Task, c.Outcome, c.By, now)
		return err
	}
	return oneRow(tx.ExecContext(ctx, `UPDATE tasks SET due = ? WHERE id = ? AND state = 'open'`, dayColumn(c.Due), c.Task))(
		fmt.Errorf("it is not open: %w", ErrSettled))
}
