package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Rewound is what Rewind put right.
type Rewound struct {
	// Runs were of slots to come and are set aside.
	Runs int `json:"runs"`
	// Enrolments and Messages bore times to come and count from now.
	Enrolments int `json:"enrolments"`
	Messages   int `json:"messages"`
}

// Rewind takes back what a clock that was ahead of now has left behind. Runs of
// slots to come are set aside, so that the slots before them can begin. No record
// can be of a time to come, so what is said to have happened then is taken to
// happen now: waits and expiries count from now, and what was put off is due now
// and meets its gates again, which put it off anew where they must. What was
// decided and said on the wrong date stands, and the history (attempts, records)
// keeps what the clock showed.
//
// Only a person can tell that it was the clock of then that was wrong, and not
// the clock of now. With the wrong answer slots would go backwards.
func (db *DB) Rewind(ctx context.Context, now time.Time) (Rewound, error) {
	var out Rewound
	err := db.update(ctx, "take back what is of times to come", func(tx *sqlx.Tx) error {
		out = Rewound{}
		at, today := now.Unix(), steward.DayOf(now, time.UTC)
		for _, step := range []struct {
			n     *int
			query string
			args  []any
		}{
			{&out.Runs, `UPDATE job_runs SET state = 'set_aside' WHERE slot > ? AND state <> 'set_aside'`, []any{at}},
			// Due follows from step_since, or from a date on which a step is pinned;
			// advance finds it again.
			{&out.Enrolments, `
				UPDATE enrolments SET opened_at = MIN(opened_at, ?), step_since = MIN(step_since, ?), ended_at = MIN(ended_at, ?),
					acked_at = MIN(acked_at, ?), released_at = MIN(released_at, ?), due = CASE WHEN step_since > ? THEN MIN(due, ?) ELSE due END, changed_at = ?, rev = rev + 1
				WHERE opened_at > ? OR step_since > ? OR ended_at > ? OR acked_at > ? OR released_at > ?`,
				[]any{at, at, at, at, at, at, at, at, at, at, at, at, at}},
			{&out.Messages, `
				UPDATE messages SET
					expires = CASE WHEN planned > ? AND expires > 0 THEN expires - (planned - ?) ELSE expires END,
					veto = CASE WHEN planned > ? AND veto > 0 THEN veto - (planned - ?) ELSE veto END,
					planned = MIN(planned, ?), settled = MIN(settled, ?),
					due = CASE WHEN state IN ('planned', 'deferred', 'enqueued') THEN MIN(due, ?) ELSE due END,
					epoch = CASE WHEN state = 'enqueued' THEN epoch + 1 ELSE epoch END,
					lease = CASE WHEN state = 'sending' AND lease > ? THEN ? ELSE lease END,
					state = CASE WHEN state = 'enqueued' THEN 'planned' ELSE state END
				WHERE planned > ? OR settled > ? OR state IN ('planned', 'deferred') AND due > ?
					OR state = 'enqueued' AND enqueued_at > ? OR state = 'sending' AND lease > ?`,
				[]any{at, at, at, at, at, at, at, farLease(now), at, at, at, at, at, farLease(now)}},
			// What fields were from days to come on, they are from today on: the newest
			// of several. A day of grace, as days are the workspace's.
			{new(int), `
				INSERT INTO field_history (kind, id, field, day, value)
				SELECT kind, id, field, ?, value FROM field_history h
				WHERE day > ? AND NOT EXISTS (SELECT 1 FROM field_history l WHERE l.kind = h.kind AND l.id = h.id AND l.field = h.field AND l.day > h.day)
				ON CONFLICT (kind, id, field, day) DO UPDATE SET value = excluded.value, later = TRUE`, []any{today, today + 1}},
			{new(int), `DELETE FROM field_history WHERE day > ?`, []any{today + 1}},
			// Conditions that count time count it from here.
			{new(int), `UPDATE playbook_state SET slot = MIN(slot, ?), occurrence = MIN(occurrence, ?) WHERE slot > ? OR occurrence > ?`, []any{at, at, at, at}},
		} {
			res, err := tx.ExecContext(ctx, step.query, step.args...)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			*step.n = int(n)
		}
		return nil
	})
	if err != nil {
		return Rewound{}, err
	}
	return out, nil
}

// farLease is further ahead than any sender's lease runs.
func farLease(now time.Time) int64 { return now.Add(10 * time.Minute).Unix() }
