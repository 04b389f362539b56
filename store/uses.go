package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// OpenedSince reads the enrolments that were opened since a moment and began
// their steps, without what was seen and frozen of them, in order of their
// opening.
func (db *DB) OpenedSince(ctx context.Context, since time.Time) ([]steward.Enrolment, error) {
	var out []steward.Enrolment
	err := db.view(ctx, "read what was opened", func(tx *sqlx.Tx) (err error) {
		out, err = selectEnrolments(ctx, tx, openedSinceQuery, since.Unix())
		return err
	})
	return out, err
}

// An account's enrolments are sorted out of all by the reader: in order of their
// opening there is an index.
const openedSinceQuery = `
	SELECT id, playbook, kind, subject, account, episode, state, reason, arm, version, episode_day, '' AS frozen, '' AS evidence,
		opened_at, ended_at, step, step_since, due, acked_at, acked_by, done_at, goal_at, claimed_by, rev, changed_at, released_at,
		snoozed_at, snoozed_until, snoozed_for_change, snoozed_by, finished_at, finished_by, outcome, unhelpful, replied_at, started_by
	FROM enrolments WHERE step_since > 0 AND opened_at >= ? ORDER BY opened_at`
