package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jmoiron/sqlx"

	"steward"
)

type pilotRow struct {
	Playbook steward.PlaybookName `db:"playbook"`
	Kind     steward.SubjectKind  `db:"kind"`
	Subject  string               `db:"subject"`
	Account  steward.AccountID    `db:"account"`
	Pilot    string               `db:"pilot"`
	Slot     int64                `db:"slot"`
	Inside   bool                 `db:"inside"`
	Value    sql.Null[float64]    `db:"value"`
}

func (r pilotRow) noun() (steward.PilotStart, error) {
	return steward.PilotStart{
		Playbook: r.Playbook, Subject: steward.Subject{Kind: r.Kind, ID: r.Subject, Account: r.Account},
		Pilot: r.Pilot, Slot: steward.SlotFromUnix(r.Slot), In: r.Inside, Value: numberOf(r.Value),
	}, nil
}

// putPilotStart keeps what a subject measured at the start of a pilot. It is
// measured once: only a pilot of a later slot takes its place.
func putPilotStart(ctx context.Context, tx *sqlx.Tx, p steward.PilotStart) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO pilot_starts (playbook, kind, subject, account, pilot, slot, inside, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (playbook, kind, subject) DO UPDATE SET
			account = excluded.account, pilot = excluded.pilot, slot = excluded.slot, inside = excluded.inside, value = excluded.value
		WHERE pilot_starts.slot < excluded.slot`,
		p.Playbook, p.Subject.Kind, p.Subject.ID, p.Subject.Account, p.Pilot, p.Slot.Unix(), p.In, numberColumn(p.Value))
	if err != nil {
		return fmt.Errorf("what %s measured when the pilot of %s began: %w", p.Subject, p.Playbook, err)
	}
	return nil
}

// PilotStarts reads what the subjects of a playbook measured when its pilot
// began, in order of id; pilot is the pilot's hash.
func (db *DB) PilotStarts(ctx context.Context, playbook steward.PlaybookName, pilot string) ([]steward.PilotStart, error) {
	var out []steward.PilotStart
	err := db.view(ctx, "read the start of a pilot", func(tx *sqlx.Tx) error {
		var rows []pilotRow
		if err := tx.SelectContext(ctx, &rows, `SELECT * FROM pilot_starts WHERE playbook = ? AND pilot = ? ORDER BY kind, subject`, playbook, pilot); err != nil {
			return err
		}
		var err error
		out, err = each(rows, pilotRow.noun)
		return err
	})
	return out, err
}
