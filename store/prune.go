package store

import (
	"context"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
)

// Pruned is how much Prune took away.
type Pruned struct {
	// Messages that are over, each with its text, attempts and outreach.
	Messages   int `json:"messages"`
	Enrolments int `json:"enrolments"`
	Records    int `json:"records"`
	Acts       int `json:"acts"` // what people did
	Runs       int `json:"runs"`
	Imports    int `json:"imports"`
}

// Prune takes away what was over before a moment and what nothing will be
// decided from again:
//
//   - messages that were settled by then, of enrolments that had ended by then;
//   - enrolments that had ended by then, where their subject has a newer one:
//     cooldowns, and reentry: never, look at the newest;
//   - decisions, what people did, runs of jobs and imports from before, but for each job's and
//     each source's newest.
//
// What belongs to an open enrolment, or to an episode that still stands, is
// kept whole however old it is, so that nothing is said twice; so is what ops
// was told of and is not over. Suppressions, tombstones, the history of fields,
// series and the texts of playbooks are not touched.
//
// Limits on what people are sent look back: the caller prunes nothing that is
// younger than they look. It goes in small transactions, between which others
// write; what a cancelled ctx leaves is taken the next time. The file does not
// shrink: its free pages are used for what comes.
func (db *DB) Prune(ctx context.Context, before time.Time) (done Pruned, err error) {
	at := before.Unix()
	if done.Messages, err = pruneIDs[string](ctx, db, "prune messages", oldMessagesQuery, []any{at, at, at},
		`DELETE FROM attempts WHERE message IN (?)`,
		`DELETE FROM edits WHERE message IN (?)`,
		`DELETE FROM asks WHERE mail IN (?)`,
		`DELETE FROM asks WHERE card IN (?)`,
		`DELETE FROM tasks WHERE id IN (SELECT id FROM outreach WHERE message IN (?))`,
		`DELETE FROM outreach WHERE message IN (?)`,
		`DELETE FROM messages WHERE id IN (?)`); err != nil {
		return done, err
	}
	if done.Enrolments, err = pruneIDs[string](ctx, db, "prune enrolments", oldEnrolmentsQuery, []any{at},
		`DELETE FROM outreach WHERE enrolment IN (?)`, // what was never carried by a message
		`DELETE FROM tasks WHERE enrolment IN (?)`,
		`DELETE FROM enrolments WHERE id IN (?)`); err != nil {
		return done, err
	}
	if done.Records, err = pruneIDs[int64](ctx, db, "prune decisions", oldRecordsQuery, []any{at},
		`DELETE FROM records WHERE seq IN (?)`); err != nil {
		return done, err
	}
	if done.Acts, err = pruneIDs[int64](ctx, db, "prune acts", oldActsQuery, []any{at}, `DELETE FROM acts WHERE seq IN (?)`); err != nil {
		return done, err
	}
	if done.Imports, err = pruneIDs[int64](ctx, db, "prune imports", oldImportsQuery, []any{at},
		`DELETE FROM import_rejects WHERE import IN (?)`,
		`DELETE FROM imports WHERE id IN (?)`); err != nil {
		return done, err
	}
	done.Runs, err = db.pruneRuns(ctx, at)
	return done, err
}

const (
	// prunePage is how many rows are looked up at a time, pruneBatch how many of
	// them go in one transaction: a few hundredths of a second.
	prunePage  = 10_000
	pruneBatch = 250
)

// pruneIDs deletes what find finds, in batches. Finding reads and holds nobody
// up; what is found stays so, as what is over never begins again.
func pruneIDs[K any](ctx context.Context, db *DB, op, find string, args []any, remove ...string) (n int, err error) {
	for {
		var found []K
		if err := db.view(ctx, op, func(tx *sqlx.Tx) error {
			return tx.SelectContext(ctx, &found, find, append(args[:len(args):len(args)], prunePage)...)
		}); err != nil {
			return n, err
		}
		for batch := range slices.Chunk(found, pruneBatch) {
			if err := db.update(ctx, op, func(tx *sqlx.Tx) error { return removeAll(ctx, tx, remove, batch) }); err != nil {
				return n, err
			}
			n += len(batch)
		}
		if len(found) < prunePage {
			return n, nil
		}
	}
}

func removeAll[K any](ctx context.Context, tx *sqlx.Tx, queries []string, ids []K) error {
	for _, q := range queries {
		query, args, err := sqlx.In(q, ids)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}

// standing is the phase of e's subject, where e's own episode has not ended.
const standing = `
	SELECT 1 FROM phases p
	WHERE p.playbook = e.playbook AND p.kind = e.kind AND p.subject = e.subject AND p.episode = e.episode AND p.phase <> 'clear'`

const (
	oldMessagesQuery = `
	SELECT m.id FROM messages m
	WHERE m.planned < ? AND m.settled > 0 AND m.settled < ?
		AND NOT EXISTS (
			SELECT 1 FROM outreach o JOIN enrolments e ON e.id = o.enrolment
			WHERE o.message = m.id AND (e.ended_at = 0 OR e.ended_at >= ? OR EXISTS (` + standing + `)))
		AND m.id NOT IN (SELECT message FROM notices)
	LIMIT ?`

	oldEnrolmentsQuery = `
	SELECT e.id FROM enrolments e
	WHERE ` + enrolmentEnded + ` AND e.ended_at < ? AND EXISTS (` + newerEnded + `)
		AND NOT EXISTS (` + standing + `)
		AND NOT EXISTS (SELECT 1 FROM outreach o WHERE o.enrolment = e.id AND o.message IS NOT NULL)
	LIMIT ?`

	// Decisions come in the order of time, so that reading ends at the first that
	// is young. A few that were written late are taken later.
	oldRecordsQuery = `
	SELECT r.seq FROM records r
	WHERE r.seq < COALESCE((SELECT seq FROM records WHERE at >= ? ORDER BY seq LIMIT 1), 9223372036854775807)
		AND NOT EXISTS (
			SELECT 1 FROM enrolments e WHERE e.id = r.enrolment AND (e.ended_at = 0 OR EXISTS (` + standing + `)))
	ORDER BY r.seq LIMIT ?`

	// What was done is kept with what it was done with, while that is open.
	oldActsQuery = `
	SELECT a.seq FROM acts a
	WHERE a.seq < COALESCE((SELECT seq FROM acts WHERE at >= ? ORDER BY seq LIMIT 1), 9223372036854775807)
		AND NOT EXISTS (SELECT 1 FROM enrolments e WHERE e.id = a.enrolment AND (e.ended_at = 0 OR EXISTS (` + standing + `)))
	ORDER BY a.seq LIMIT ?`

	oldImportsQuery = `
	SELECT i.id FROM imports i
	WHERE i.at < ? AND EXISTS (SELECT 1 FROM imports n WHERE n.source = i.source AND n.id > i.id)
	LIMIT ?`

	// The newest run that was done is what a job's clock goes on from.
	oldRunsQuery = `
	DELETE FROM job_runs WHERE (job, slot) IN (
		SELECT r.job, r.slot FROM job_runs r
		WHERE r.slot < ? AND r.state <> 'running'
			AND EXISTS (SELECT 1 FROM job_runs n WHERE n.job = r.job AND n.slot > r.slot AND n.state = 'done')
		LIMIT ?)`
)

func (db *DB) pruneRuns(ctx context.Context, before int64) (n int, err error) {
	for {
		var gone int64
		if err := db.update(ctx, "prune runs", func(tx *sqlx.Tx) error {
			res, err := tx.ExecContext(ctx, oldRunsQuery, before, pruneBatch)
			if err != nil {
				return err
			}
			gone, err = res.RowsAffected()
			return err
		}); err != nil {
			return n, err
		}
		n += int(gone)
		if gone < pruneBatch {
			return n, nil
		}
	}
}
