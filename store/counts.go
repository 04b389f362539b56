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
	OldestPlanned  time.Time `json:"oldest_planned,omitzero"`
	Quarantined    int       `json:"quarantined"`
	OpenEnrolments int       `json:"open_enrolments"` // quarantined ones too
	Uncertain      int       `json:"uncertain"`
}

// Counts counts.
func (db *DB) Counts(ctx context.Context) (Counts, error) {
	c := Counts{ByState: make(map[string]int)}
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
		return tx.QueryRowxContext(ctx, `
			SELECT COUNT(*), COALESCE(SUM(CASE WHEN state = 'quarantined' THEN 1 ELSE 0 END), 0)
			FROM enrolments WHERE state IN ('quarantined', 'active', 'waiting')`).Scan(&c.OpenEnrolments, &c.Quarantined)
	})
	return c, err
}
