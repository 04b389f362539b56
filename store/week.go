package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Each account is looked up by itself: a week is asked about some of them. What
// is found is few, and is put together here.
const (
	untakenQuery = `
		SELECT e.id, e.account, e.playbook, m.settled
		FROM json_each(?) a CROSS JOIN enrolments e JOIN outreach o ON o.enrolment = e.id JOIN messages m ON m.id = o.message
		WHERE e.account = a.value AND (e.state = 'active' OR e.state = 'waiting') AND e.acked_at = 0
			AND m.kind = 'card' AND (m.state = 'sent' OR m.state = 'uncertain')`
	weekQuery = `
		SELECT r.account, r.playbook, r.outreach, r.reason FROM json_each(?) a CROSS JOIN records r
		WHERE r.account = a.value AND r.at >= ? AND (r.reason = 'goal_reached' OR r.effect = 'suppress' AND r.outreach <> '')`
)

// Week reads what became of accounts since a moment, and which cards about them
// nobody has taken on that went before another.
func (db *DB) Week(ctx context.Context, accounts []steward.AccountID, since, untaken time.Time) (steward.Week, error) {
	var cards []untakenRow
	var decided []weekRow
	err := db.view(ctx, "read a week", func(tx *sqlx.Tx) error {
		in, err := jsonColumn(accounts)
		if err != nil {
			return err
		}
		if err := tx.SelectContext(ctx, &cards, untakenQuery, in); err != nil {
			return err
		}
		return tx.SelectContext(ctx, &decided, weekQuery, in, since.Unix())
	})
	w := steward.Week{Untaken: untakenOf(cards, untaken)}
	w.Goals, w.Unsaid = decidedOf(decided)
	return w, err
}

type untakenRow struct {
	ID       steward.EnrolmentID  `db:"id"`
	Account  steward.AccountID    `db:"account"`
	Playbook steward.PlaybookName `db:"playbook"`
	Settled  int64                `db:"settled"`
}

// untakenOf is the enrolments whose first card went before a moment.
func untakenOf(rows []untakenRow, before time.Time) []steward.Untaken {
	first := map[steward.EnrolmentID]untakenRow{}
	for _, r := range rows {
		if is, ok := first[r.ID]; !ok || r.Settled < is.Settled {
			first[r.ID] = r
		}
	}
	var out []steward.Untaken
	for _, r := range first {
		if since := instant(r.Settled); !since.After(before) {
			out = append(out, steward.Untaken{Account: r.Account, Playbook: r.Playbook, Since: since})
		}
	}
	slices.SortFunc(out, func(a, b steward.Untaken) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(string(a.Account), string(b.Account)), strings.Compare(string(a.Playbook), string(b.Playbook)))
	})
	return out
}

type weekRow struct {
	Account  steward.AccountID    `db:"account"`
	Playbook steward.PlaybookName `db:"playbook"`
	Outreach steward.OutreachID   `db:"outreach"`
	Reason   steward.Reason       `db:"reason"`
}

// decidedOf is the goals that were reached, and what was not said by reason, each
// outreach counted once.
func decidedOf(rows []weekRow) (goals []steward.Reached, unsaid []steward.Unsaid) {
	outreach, accounts := map[steward.Reason]map[steward.OutreachID]bool{}, map[steward.Reason]map[steward.AccountID]bool{}
	for _, r := range rows {
		if r.Reason == steward.ReasonGoalReached {
			goals = append(goals, steward.Reached{Account: r.Account, Playbook: r.Playbook})
			continue
		}
		if outreach[r.Reason] == nil {
			outreach[r.Reason], accounts[r.Reason] = map[steward.OutreachID]bool{}, map[steward.AccountID]bool{}
		}
		outreach[r.Reason][r.Outreach], accounts[r.Reason][r.Account] = true, true
	}
	for reason, of := range outreach {
		unsaid = append(unsaid, steward.Unsaid{Reason: reason, Times: len(of), Accounts: len(accounts[reason])})
	}
	slices.SortFunc(unsaid, func(a, b steward.Unsaid) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), strings.Compare(string(a.Reason), string(b.Reason)))
	})
	slices.SortFunc(goals, func(a, b steward.Reached) int {
		return cmp.Or(strings.Compare(string(a.Account), string(b.Account)), strings.Compare(string(a.Playbook), string(b.Playbook)))
	})
	return slices.Compact(goals), unsaid
}
