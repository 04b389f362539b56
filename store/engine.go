package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Standing reads what is going on, as of one moment.
func (db *DB) Standing(ctx context.Context) (steward.Standing, error) {
	var s steward.Standing
	err := db.view(ctx, "read the engine's state", func(tx *sqlx.Tx) error {
		var phases []phaseRow
		err := tx.SelectContext(ctx, &phases, `SELECT * FROM phases ORDER BY playbook, kind, subject`)
		if err != nil {
			return err
		}
		if s.Phases, err = each(phases, phaseRow.noun); err != nil {
			return err
		}
		if s.Open, err = selectEnrolments(ctx, tx, openEnrolmentsQuery); err != nil {
			return err
		}
		if s.Playbooks, err = readPlaybookStates(ctx, tx); err != nil {
			return err
		}
		if s.Silences, err = unendedSilences(ctx, tx); err != nil {
			return err
		}
		s.Pause, err = readPause(ctx, tx)
		return err
	})
	return s, err
}

// PlaybookStates reads what is remembered of each playbook between runs.
func (db *DB) PlaybookStates(ctx context.Context) ([]steward.PlaybookState, error) {
	var out []steward.PlaybookState
	err := db.view(ctx, "read the state of playbooks", func(tx *sqlx.Tx) (err error) {
		out, err = readPlaybookStates(ctx, tx)
		return err
	})
	return out, err
}

func readPlaybookStates(ctx context.Context, tx *sqlx.Tx) ([]steward.PlaybookState, error) {
	var rows []playbookRow
	if err := tx.SelectContext(ctx, &rows, `SELECT * FROM playbook_state ORDER BY playbook`); err != nil {
		return nil, err
	}
	return each(rows, playbookRow.noun)
}

// StandingOf reads what is going on for a few open enrolments: those that are
// still open, the phases of their subjects, and the standing order to be silent.
func (db *DB) StandingOf(ctx context.Context, ids []steward.EnrolmentID) (steward.Standing, error) {
	var s steward.Standing
	err := db.view(ctx, "read the state of enrolments", func(tx *sqlx.Tx) error {
		for part := range slices.Chunk(ids, inLimit) {
			open, err := selectEnrolments(ctx, tx, `
				SELECT * FROM enrolments WHERE id IN (`+marks(len(part))+`) AND state IN ('quarantined', 'active', 'waiting') ORDER BY id`, anys(part)...)
			if err != nil {
				return err
			}
			var rows []phaseRow
			if err := tx.SelectContext(ctx, &rows, `
				SELECT p.* FROM enrolments e JOIN phases p ON p.playbook = e.playbook AND p.kind = e.kind AND p.subject = e.subject
				WHERE e.id IN (`+marks(len(part))+`)`, anys(part)...); err != nil {
				return err
			}
			phases, err := each(rows, phaseRow.noun)
			if err != nil {
				return err
			}
			s.Open, s.Phases = append(s.Open, open...), append(s.Phases, phases...)
		}
		accounts := make([]steward.AccountID, len(s.Open))
		for i, e := range s.Open {
			accounts[i] = e.Subject.Account
		}
		var err error
		if s.Afoot, err = readAfoot(ctx, tx, accounts); err != nil {
			return err
		}
		if s.Silences, err = unendedSilences(ctx, tx); err != nil {
			return err
		}
		s.Pause, err = readPause(ctx, tx)
		return err
	})
	return s, err
}

// afootQuery asks for what goes on about accounts; which ones comes twice. The
// cross join has each account looked up: by their state, SQLite would read all
// that are open, for every batch of messages.
const afootQuery = `
	SELECT e.account, e.playbook FROM json_each(?) a CROSS JOIN enrolments e
	WHERE e.account = a.value AND (e.state = 'active' OR e.state = 'waiting')
	UNION
	SELECT account, playbook FROM phases
	WHERE account IN (SELECT value FROM json_each(?)) AND phase = 'firing'
	ORDER BY account, playbook`

// readAfoot reads, by account, the playbooks that have an enrolment open, held
// ones aside, or that fire. The map is never nil.
func readAfoot(ctx context.Context, tx *sqlx.Tx, accounts []steward.AccountID) (map[steward.AccountID][]steward.PlaybookName, error) {
	out := map[steward.AccountID][]steward.PlaybookName{}
	if len(accounts) == 0 {
		return out, nil
	}
	in, err := jsonColumn(accounts)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Account  steward.AccountID    `db:"account"`
		Playbook steward.PlaybookName `db:"playbook"`
	}
	if err := tx.SelectContext(ctx, &rows, afootQuery, in, in); err != nil {
		return nil, err
	}
	for _, r := range rows {
		out[r.Account] = append(out[r.Account], r.Playbook)
	}
	return out, nil
}

// Ended reads the newest ended enrolment of each playbook and subject: what
// decides whether another may be opened. It grows with history, so it is read
// only where openings are decided.
func (db *DB) Ended(ctx context.Context) ([]steward.Enrolment, error) {
	var out []steward.Enrolment
	err := db.view(ctx, "read ended enrolments", func(tx *sqlx.Tx) error {
		var err error
		out, err = selectEnrolments(ctx, tx, endedQuery)
		return err
	})
	return out, err
}

// openEnrolmentsQuery finds ids first. Asked for the rows in order of id, SQLite
// would read all there ever were.
const openEnrolmentsQuery = `
	SELECT * FROM enrolments WHERE id IN (SELECT id FROM enrolments WHERE ` + enrolmentOpen + `)
	ORDER BY id`

// endedQuery asks of each whether a newer one is there; numbering them all by a
// window is half as quick.
const endedQuery = `
	SELECT * FROM enrolments WHERE id IN (
		SELECT id FROM enrolments e WHERE ` + enrolmentEnded + ` AND NOT EXISTS (` + newerEnded + `))
	ORDER BY id`

// newerEnded is the enrolments of e's subject that ended after e.
const newerEnded = `
	SELECT 1 FROM enrolments n
	WHERE n.playbook = e.playbook AND n.kind = e.kind AND n.subject = e.subject
		AND (n.state = 'completed' OR n.state = 'exited' OR n.state = 'failed')
		AND (n.ended_at, n.id) > (e.ended_at, e.id)`

type phaseRow struct {
	Playbook   steward.PlaybookName `db:"playbook"`
	Kind       steward.SubjectKind  `db:"kind"`
	Subject    string               `db:"subject"`
	Account    steward.AccountID    `db:"account"`
	Phase      steward.Phase        `db:"phase"`
	Episode    int64                `db:"episode"`
	EpisodeDay sql.Null[int32]      `db:"episode_day"`
	Since      int64                `db:"since"`
	Held       float64              `db:"held"`
	Slot       int64                `db:"slot"`
	Frozen     string               `db:"frozen"`
}

func rowOfPhase(p steward.PhaseState) (phaseRow, error) {
	frozen, err := jsonColumn(p.Frozen)
	return phaseRow{
		Playbook: p.Playbook, Kind: p.Subject.Kind, Subject: p.Subject.ID, Account: p.Subject.Account,
		Phase: p.Phase, Episode: p.Episode.Unix(), EpisodeDay: dayColumn(p.EpisodeDay), Since: p.Since.Unix(),
		Held: p.Held, Slot: p.Slot.Unix(), Frozen: frozen,
	}, err
}

func (r phaseRow) noun() (steward.PhaseState, error) {
	frozen, err := jsonOf[map[string]steward.Value](r.Frozen, fmt.Sprintf("frozen values of %s for %s", r.Playbook, r.Subject))
	return steward.PhaseState{
		Playbook: r.Playbook, Subject: steward.Subject{Kind: r.Kind, ID: r.Subject, Account: r.Account},
		Phase: r.Phase, Episode: steward.SlotFromUnix(r.Episode), EpisodeDay: dayOf(r.EpisodeDay),
		Since: steward.SlotFromUnix(r.Since), Held: r.Held, Slot: steward.SlotFromUnix(r.Slot), Frozen: frozen,
	}, err
}

type playbookRow struct {
	Playbook  steward.PlaybookName `db:"playbook"`
	Version   string               `db:"version"`
	Condition string               `db:"condition"`
	Baseline  int64                `db:"baseline"`
	Slot      int64                `db:"slot"`
	LastDay   sql.Null[int32]      `db:"last_day"`
	Fault     string               `db:"fault"`

	Occurrence int64                `db:"occurrence"`
	Pilot      string               `db:"pilot"`
	PilotSince int64                `db:"pilot_since"`
	DrawnAs    steward.PlaybookName `db:"drawn_as"`
}

func (r playbookRow) noun() (steward.PlaybookState, error) {
	return steward.PlaybookState{
		Playbook: r.Playbook, Version: r.Version, Condition: r.Condition, Baseline: steward.SlotFromUnix(r.Baseline),
		Slot: steward.SlotFromUnix(r.Slot), LastDay: dayOf(r.LastDay), Fault: r.Fault,
		Occurrence: steward.SlotFromUnix(r.Occurrence), Pilot: r.Pilot, PilotSince: steward.SlotFromUnix(r.PilotSince), DrawnAs: r.DrawnAs,
	}, nil
}

// SavePlaybookVersion keeps the whole text of a playbook under its hash, for
// the enrolments that begin with it. Saving it again is nothing.
func (db *DB) SavePlaybookVersion(ctx context.Context, playbook steward.PlaybookName, hash, text string, now time.Time) error {
	return db.update(ctx, "keep playbook "+string(playbook), func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO playbook_versions (hash, playbook, content, seen_at) VALUES (?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING`,
			hash, playbook, text, now.Unix())
		return err
	})
}

// PlaybookVersion reads the text that was kept under a hash, or ErrNotFound.
func (db *DB) PlaybookVersion(ctx context.Context, hash string) (string, error) {
	var text string
	err := db.view(ctx, "read a playbook's version", func(tx *sqlx.Tx) error {
		err := tx.GetContext(ctx, &text, `SELECT content FROM playbook_versions WHERE hash = ?`, hash)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("version %s: %w", hash, ErrNotFound)
		}
		return err
	})
	return text, err
}
