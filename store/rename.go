package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// RenamePlaybooks gives what is remembered of playbooks their new names, by
// their old ones, and tells how many had anything to rename. Ids stay as they
// are: what was said under the old name is known to have been said, and an
// episode that was opened under it never opens again. Doing so again is
// nothing.
//
// Where there is something under the new name already, as when the playbook was
// renamed before it was said what it had been called, what stands under the new
// name is kept, and only what cannot clash with it moves.
func (db *DB) RenamePlaybooks(ctx context.Context, names map[steward.PlaybookName]steward.PlaybookName, now time.Time) (renamed int, err error) {
	err = db.update(ctx, "rename playbooks", func(tx *sqlx.Tx) error {
		renamed = 0
		for _, was := range slices.Sorted(maps.Keys(names)) {
			n, err := renamePlaybook(ctx, tx, was, names[was], now)
			if err != nil {
				return fmt.Errorf("from %s to %s: %w", was, names[was], err)
			}
			if n > 0 {
				renamed++
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return renamed, nil
}

func renamePlaybook(ctx context.Context, tx *sqlx.Tx, was, is steward.PlaybookName, now time.Time) (rows int64, err error) {
	// Most of the time it was renamed long ago, and only said so still.
	var known bool
	if err := tx.GetContext(ctx, &known, `
		SELECT EXISTS (SELECT 1 FROM playbook_state WHERE playbook = ?) OR EXISTS (SELECT 1 FROM enrolments WHERE playbook = ?)
			OR EXISTS (SELECT 1 FROM phases WHERE playbook = ?)`, was, was, was); err != nil || !known {
		return 0, err
	}
	exec := func(query string, args ...any) {
		if err != nil {
			return
		}
		res, e := tx.ExecContext(ctx, query, args...)
		if err = e; err != nil {
			return
		}
		n, e := res.RowsAffected()
		rows, err = rows+n, e
	}
	// Two open enrolments of one subject cannot be: the older name's ends.
	exec(`
		UPDATE enrolments SET state = 'exited', reason = ?, ended_at = ?, due = 0, rev = rev + 1, changed_at = ?
		WHERE playbook = ? AND `+enrolmentOpen+` AND EXISTS (
			SELECT 1 FROM enrolments n WHERE n.playbook = ? AND n.kind = enrolments.kind AND n.subject = enrolments.subject
				AND n.state IN ('quarantined', 'active', 'waiting'))`,
		steward.ReasonPlaybookRemoved, now.Unix(), now.Unix(), was, is)
	for _, table := range []string{"phases", "pilot_starts"} {
		exec(`
			DELETE FROM `+table+` WHERE playbook = ? AND EXISTS (
				SELECT 1 FROM `+table+` n WHERE n.playbook = ? AND n.kind = `+table+`.kind AND n.subject = `+table+`.subject)`, was, is)
	}
	// Holdouts go on being drawn by the first name.
	exec(`UPDATE playbook_state SET drawn_as = playbook WHERE playbook = ? AND drawn_as = ''`, was)
	exec(`
		UPDATE playbook_state SET drawn_as = (SELECT w.drawn_as FROM playbook_state w WHERE w.playbook = ?)
		WHERE playbook = ? AND drawn_as = '' AND EXISTS (SELECT 1 FROM playbook_state w WHERE w.playbook = ?)`, was, is, was)
	exec(`DELETE FROM playbook_state WHERE playbook = ? AND EXISTS (SELECT 1 FROM playbook_state n WHERE n.playbook = ?)`, was, is)
	for _, table := range []string{"playbook_state", "phases", "pilot_starts", "enrolments", "outreach", "records", "playbook_versions", "acts", "silences"} {
		exec(`UPDATE `+table+` SET playbook = ? WHERE playbook = ?`, is, was)
	}
	return rows, err
}
