package store

import (
	"context"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Counts is how much there is of what, for metrics and overviews.
type Counts struct {
	// ByState counts messages; a state without any is absent.
	ByState map[string]int `json:"by_state"`
	// OldestPlanned is since when the message has been due that has waited
	// longest to be sent; zero when none waits. It may lie ahead, when all that
	// is planned is for later.
	OldestPlanned time.Time `json:"oldest_planned,omitzero"`
	// Enrolments counts them by state.
	Enrolments     map[steward.EnrolmentState]int `json:"enrolments"`
	Quarantined    int                            `json:"quarantined"`
	OpenEnrolments int                            `json:"open_enrolments"` // quarantined ones too
	Uncertain      int                            `json:"uncertain"`
}

// Counts counts. It reads indexes alone; what is over is most of it, and takes
// about a tenth of a second for a million messages.
func (db *DB) Counts(ctx context.Context) (Counts, error) {
	c := Counts{ByState: make(map[string]int), Enrolments: make(map[steward.EnrolmentState]int)}
	err := db.view(ctx, "count", func(tx *sqlx.Tx) error {
		if err := c.messages(ctx, tx); err != nil {
			return err
		}
		return c.enrolments(ctx, tx)
	})
	return c, err
}

// MessageCounts is the part of Counts that is about messages.
func (db *DB) MessageCounts(ctx context.Context) (Counts, error) {
	c := Counts{ByState: make(map[string]int)}
	err := db.view(ctx, "count messages", func(tx *sqlx.Tx) error { return c.messages(ctx, tx) })
	return c, err
}

// EnrolmentCounts is the part of Counts that is about enrolments.
func (db *DB) EnrolmentCounts(ctx context.Context) (Counts, error) {
	c := Counts{Enrolments: make(map[steward.EnrolmentState]int)}
	err := db.view(ctx, "count enrolments", func(tx *sqlx.Tx) error { return c.enrolments(ctx, tx) })
	return c, err
}

func (c *Counts) messages(ctx context.Context, tx *sqlx.Tx) error {
	for _, state := range messageStates {
		n := 0
		if err := tx.GetContext(ctx, &n, countMessagesQuery(state)); err != nil {
			return err
		}
		if n > 0 {
			c.ByState[string(state)] = n
		}
	}
	c.Uncertain = c.ByState[string(steward.Uncertain)]
	var oldest int64
	err := tx.GetContext(ctx, &oldest, oldestPlannedQuery)
	c.OldestPlanned = instant(oldest)
	return err
}

func (c *Counts) enrolments(ctx context.Context, tx *sqlx.Tx) error {
	var n [6]int
	if err := tx.QueryRowxContext(ctx, countOpenQuery).Scan(&n[0], &n[1], &n[2]); err != nil {
		return err
	}
	if err := tx.QueryRowxContext(ctx, countEndedQuery).Scan(&n[3], &n[4], &n[5]); err != nil {
		return err
	}
	for i, state := range []steward.EnrolmentState{
		steward.Quarantined, steward.Active, steward.Waiting, steward.Completed, steward.Exited, steward.Failed} {
		if n[i] > 0 {
			c.Enrolments[state] = n[i]
		}
	}
	c.OpenEnrolments, c.Quarantined = n[0]+n[1]+n[2], n[0]
	return nil
}

var messageStates = [...]steward.MessageState{
	steward.AwaitingApproval, steward.Planned, steward.Enqueued, steward.Sending, steward.Deferred,
	steward.Sent, steward.Uncertain, steward.FailedToSend, steward.Suppressed, steward.Expired,
}

// One state at a time: each is a stretch of one index, and a GROUP BY over all
// of them would read the table.
func countMessagesQuery(s steward.MessageState) string {
	return `SELECT COUNT(*) FROM messages WHERE ` + inMessageState(s)
}

// The index of what has ended is in the order of subjects, not of states: it is
// gone through once for all three, and a GROUP BY would sort it.
const (
	countOpenQuery = `
	SELECT COUNT(CASE WHEN state = 'quarantined' THEN 1 END), COUNT(CASE WHEN state = 'active' THEN 1 END),
		COUNT(CASE WHEN state = 'waiting' THEN 1 END)
	FROM enrolments WHERE ` + enrolmentOpen
	countEndedQuery = `
	SELECT COUNT(CASE WHEN state = 'completed' THEN 1 END), COUNT(CASE WHEN state = 'exited' THEN 1 END),
		COUNT(CASE WHEN state = 'failed' THEN 1 END)
	FROM enrolments WHERE ` + enrolmentEnded
)

const oldestPlannedQuery = `
	SELECT COALESCE(MIN(due), 0) FROM (
		SELECT MIN(due) AS due FROM messages WHERE state = 'planned'
		UNION ALL
		SELECT MIN(due) FROM messages WHERE state = 'enqueued') first`

// inMessageState is the condition on a state, with the state in it and not as an
// argument: only so does SQLite know which index holds it.
func inMessageState(s steward.MessageState) string {
	if !slices.Contains(messageStates[:], s) {
		return `FALSE` // a person may have typed it
	}
	return `state = '` + string(s) + `'`
}

// The conditions of the indexes that leave rows out, to the letter: SQLite
// uses such an index only where it finds its condition in the query.
const (
	enrolmentOpen  = `(state = 'quarantined' OR state = 'active' OR state = 'waiting')`
	enrolmentEnded = `(state = 'completed' OR state = 'exited' OR state = 'failed')`
)
