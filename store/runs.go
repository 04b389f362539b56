package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// A RunState is where a run of a job stands.
type RunState string

// The states of a run. Abandoned: it never finished, and a later slot has begun.
// Set aside: a person said that its slot was named by a wrong clock (Rewind), and
// it stands in nobody's way.
const (
	RunRunning   RunState = "running"
	RunDone      RunState = "done"
	RunFailed    RunState = "failed"
	RunAbandoned RunState = "abandoned"
	RunSetAside  RunState = "set_aside"
)

// A RunRow is a run as it is recorded.
type RunRow struct {
	steward.Run
	State    RunState        `json:"state"`
	Started  time.Time       `json:"started"`
	Finished time.Time       `json:"finished,omitzero"`
	Error    string          `json:"error,omitempty"`
	Summary  json.RawMessage `json:"summary,omitempty"`
}

type runRow struct {
	Job        string   `db:"job"`
	Slot       int64    `db:"slot"`
	State      RunState `db:"state"`
	Term       int      `db:"term"`
	LeaseUntil int64    `db:"lease_until"`
	Started    int64    `db:"started"`
	Finished   int64    `db:"finished"`
	Error      string   `db:"error"`
	Summary    string   `db:"summary"`
}

func (r runRow) noun() (RunRow, error) {
	row := RunRow{
		Run:   steward.Run{Job: r.Job, Slot: steward.SlotFromUnix(r.Slot), Term: r.Term, Lease: instant(r.LeaseUntil)},
		State: r.State, Started: instant(r.Started), Finished: instant(r.Finished), Error: r.Error,
	}
	if r.Summary != "" && r.Summary != "null" {
		row.Summary = json.RawMessage(r.Summary)
	}
	return row, nil
}

// ClaimRun takes a job's slot to work on until now+lease. It is not claimed
// when the slot is done, when another holder's lease still runs (for any slot of
// the job), or when a newer slot of the job has begun: slots never go backwards.
// A lapsed lease, and a run that failed, is taken over with the next term. So is
// a lease that runs for longer than twice a lease from now: the clock that it was
// taken by has been set back, and nobody should wait until that time comes again.
// A newer slot abandons what older ones left unfinished, and their holders can
// write nothing more.
func (db *DB) ClaimRun(ctx context.Context, job string, slot steward.Slot, now time.Time, lease time.Duration) (run steward.Run, claimed bool, err error) {
	if job == "" || slot.IsZero() {
		return run, false, errors.New("claim a run: it needs a job and a slot")
	}
	err = db.update(ctx, "claim the run of "+job, func(tx *sqlx.Tx) error {
		var busy int
		if err := tx.GetContext(ctx, &busy, `
			SELECT COUNT(*) FROM job_runs
			WHERE job = ? AND state <> 'set_aside' AND (slot > ?
				OR slot = ? AND state NOT IN ('running', 'failed')
				OR state = 'running' AND lease_until > ? AND lease_until <= ?)`,
			// Twice, as another claimer may have read a clock a little ahead of this one's.
			job, slot.Unix(), slot.Unix(), now.Unix(), now.Add(2*lease).Unix()); err != nil || busy > 0 {
			return err
		}
		if _, err := tx.ExecContext(ctx,
			`UPDATE job_runs SET state = 'abandoned', finished = ? WHERE job = ? AND slot < ? AND state = 'running'`,
			now.Unix(), job, slot.Unix()); err != nil {
			return err
		}
		run = steward.Run{Job: job, Slot: slot, Lease: instant(now.Add(lease).Unix())}
		claimed = true
		return tx.GetContext(ctx, &run.Term, `
			INSERT INTO job_runs (job, slot, state, term, lease_until, started, finished, error, summary)
			VALUES (?, ?, 'running', 1, ?, ?, 0, '', 'null')
			ON CONFLICT (job, slot) DO UPDATE SET
				term = job_runs.term + 1, lease_until = excluded.lease_until, state = 'running', finished = 0, error = ''
			RETURNING term`,
			job, slot.Unix(), seconds(run.Lease), now.Unix())
	})
	if err != nil {
		return steward.Run{}, false, err
	}
	return run, claimed, nil
}

// RenewRun moves the lease to now+lease, also one that lapsed and that nobody
// took over. ErrStaleTerm tells that somebody did.
func (db *DB) RenewRun(ctx context.Context, run steward.Run, now time.Time, lease time.Duration) (steward.Run, error) {
	run.Lease = instant(now.Add(lease).Unix())
	err := db.update(ctx, "renew the run of "+run.Job, func(tx *sqlx.Tx) error {
		return oneRow(tx.ExecContext(ctx,
			`UPDATE job_runs SET lease_until = ? WHERE job = ? AND slot = ? AND term = ? AND state = 'running'`,
			seconds(run.Lease), run.Job, run.Slot.Unix(), run.Term))(ErrStaleTerm)
	})
	return run, err
}

// holdRun makes the rest of the transaction conditional on the run's term. It
// writes, so that on a database with row locks a take-over waits for it.
func holdRun(ctx context.Context, tx *sqlx.Tx, run steward.Run) error {
	return oneRow(tx.ExecContext(ctx,
		`UPDATE job_runs SET lease_until = lease_until WHERE job = ? AND slot = ? AND term = ? AND state = 'running'`,
		run.Job, run.Slot.Unix(), run.Term))(ErrStaleTerm)
}

// FinishRun ends a run: the playbooks' states are written, subjects that the
// run found clear lose their phase rows, and the run is recorded as done, or
// as failed when runErr says why. ErrStaleTerm when it was taken over.
func (db *DB) FinishRun(ctx context.Context, run steward.Run, states []steward.PlaybookState, now time.Time, summary any, runErr string) error {
	text, err := jsonColumn(summary)
	if err != nil {
		return fmt.Errorf("finish the run of %s: %w", run.Job, err)
	}
	state := RunDone
	if runErr != "" {
		state = RunFailed
	}
	return db.update(ctx, "finish the run of "+run.Job, func(tx *sqlx.Tx) error {
		if err := oneRow(tx.ExecContext(ctx, `
			UPDATE job_runs SET state = ?, finished = ?, error = ?, summary = ?
			WHERE job = ? AND slot = ? AND term = ? AND state = 'running'`,
			state, now.Unix(), runErr, text, run.Job, run.Slot.Unix(), run.Term))(ErrStaleTerm); err != nil {
			return err
		}
		for _, s := range states {
			if err := putPlaybookState(ctx, tx, s); err != nil {
				return err
			}
		}
		// Older ones too: a run that was abandoned could not clear its own. But
		// only for evaluations, which are what steps phases.
		if len(states) == 0 {
			return nil
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM phases WHERE phase = 'clear' AND slot <= ?`, run.Slot.Unix())
		return err
	})
}

func putPlaybookState(ctx context.Context, tx *sqlx.Tx, s steward.PlaybookState) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO playbook_state (playbook, version, condition, baseline, slot, last_day, fault, occurrence, pilot, pilot_since, drawn_as)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (playbook) DO UPDATE SET version = excluded.version, condition = excluded.condition,
			baseline = excluded.baseline, slot = excluded.slot, last_day = excluded.last_day, fault = excluded.fault,
			occurrence = excluded.occurrence, pilot = excluded.pilot, pilot_since = excluded.pilot_since, drawn_as = excluded.drawn_as`,
		s.Playbook, s.Version, s.Condition, s.Baseline.Unix(), s.Slot.Unix(), dayColumn(s.LastDay), s.Fault,
		s.Occurrence.Unix(), s.Pilot, s.PilotSince.Unix(), s.DrawnAs)
	return err
}

// LastRun reads the run of the job's newest slot, in whatever state it is unless
// it was set aside. No older slot can begin.
func (db *DB) LastRun(ctx context.Context, job string) (run RunRow, found bool, err error) {
	return db.oneRun(ctx, `SELECT * FROM job_runs WHERE job = ? AND state <> 'set_aside' ORDER BY slot DESC LIMIT 1`, job)
}

// LastSlot is the newest slot of the job that was done; zero before the first.
// It is what a clock goes on from: a slot whose run broke off or failed is
// tried again.
func (db *DB) LastSlot(ctx context.Context, job string) (steward.Slot, error) {
	run, _, err := db.oneRun(ctx, `SELECT * FROM job_runs WHERE job = ? AND state = 'done' ORDER BY slot DESC LIMIT 1`, job)
	return run.Slot, err
}

func (db *DB) oneRun(ctx context.Context, query, job string) (run RunRow, found bool, err error) {
	err = db.view(ctx, "read the last run of "+job, func(tx *sqlx.Tx) error {
		var row runRow
		err := tx.GetContext(ctx, &row, query, job)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		found = true
		run, err = row.noun()
		return err
	})
	return run, found, err
}

// Runs reads up to limit runs of the job, newest first; of every job for "",
// and all of them for a limit of 0.
func (db *DB) Runs(ctx context.Context, job string, limit int) ([]RunRow, error) {
	var out []RunRow
	err := db.view(ctx, "read runs", func(tx *sqlx.Tx) error {
		var rows []runRow
		err := tx.SelectContext(ctx, &rows,
			`SELECT * FROM job_runs WHERE (? = '' OR job = ?) ORDER BY slot DESC, job LIMIT ?`, job, job, rowLimit(limit))
		if err != nil {
			return err
		}
		out, err = each(rows, runRow.noun)
		return err
	})
	return out, err
}

// oneRow turns a write that met no row into the error that the caller names.
func oneRow(res sql.Result, err error) func(none error) error {
	return func(none error) error {
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err == nil && n == 0 {
			err = none
		}
		return err
	}
}
