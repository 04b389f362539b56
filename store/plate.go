package store

import (
	"context"
	"slices"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Plate reads what is one person's to do. May tells whose approvals are theirs to
// give besides those that name them.
func (db *DB) Plate(ctx context.Context, owner steward.OwnerID, may bool) (steward.Plate, error) {
	var p steward.Plate
	err := db.view(ctx, "read what is somebody's to do", func(tx *sqlx.Tx) (err error) {
		if p.Tasks, err = readRows(ctx, tx, taskRow.noun, `
			SELECT * FROM tasks WHERE state = 'open' AND owner = ? ORDER BY CASE WHEN due IS NULL THEN 1 ELSE 0 END, due, given, id`, owner); err != nil {
			return err
		}
		if p.Waiting, err = selectMessages(ctx, tx, `SELECT * FROM messages WHERE state = 'awaiting_approval' AND kind = 'mail' ORDER BY planned DESC, id`); err != nil {
			return err
		}
		p.Waiting = slices.DeleteFunc(p.Waiting, func(m steward.Message) bool { return !may && !slices.Contains(m.Approvers, owner) })
		slices.Reverse(p.Waiting)
		p.Open, err = selectEnrolments(ctx, tx, onPlateQuery, owner, owner)
		return err
	})
	return p, err
}

// onPlateQuery goes through what is open, and asks of what nobody took on whether
// its card went to the person.
const onPlateQuery = `
	SELECT * FROM enrolments WHERE id IN (
		SELECT id FROM enrolments e WHERE (state = 'active' OR state = 'waiting') AND (acked_by = ? OR acked_at = 0 AND EXISTS (
			SELECT 1 FROM outreach o JOIN messages m ON m.id = o.message
			WHERE o.enrolment = e.id AND m.owner = ? AND (m.kind = 'card' OR m.kind = 'digest') AND (m.state = 'sent' OR m.state = 'uncertain'))))
	ORDER BY opened_at, id`
