package store

import (
	"context"
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

// Counts counts.
func (db *DB) Counts(ctx context.Context) (Counts, error) {
	c := Counts{ByState: make(map[string]int), Enrolments: make(map[steward.EnrolmentState]int)}
	err := db.view(ctx, "count", func(tx *sqlx.Tx) error {
		var states []struct {
			State string `db:"state"`
			N     int    `db:"n"`
		}
		if err := tx.SelectContext(ctx, &states, `SELECT state, COUNT(*) AS n FROM messages GROUP BY state`); err != nil {
			return err
		}
		for _, s := range states {
			c.ByState[s.State] = s.N
		}
		c.Uncertain = c.ByState[string(steward.Uncertain)]
		var oldest int64
		if err := tx.GetContext(ctx, &oldest,
			`SELECT COALESCE(MIN(due), 0) FROM messages WHERE state IN ('planned', 'enqueued')`); err != nil {
			return err
		}
		c.OldestPlanned = instant(oldest)
		states = nil
		if err := tx.SelectContext(ctx, &states, `SELECT state, COUNT(*) AS n FROM enrolments GROUP BY state`); err != nil {
			return err
		}
		for _, s := range states {
			state := steward.EnrolmentState(s.State)
			c.Enrolments[state] = s.N
			if state.Open() {
				c.OpenEnrolments += s.N
			}
		}
		c.Quarantined = c.Enrolments[steward.Quarantined]
		return nil
	})
	return c, err
}
