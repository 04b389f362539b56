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

const (
	// sinceQuery is the first day of each row.
	sinceQuery = `SELECT kind, id, MIN(day) FROM field_history WHERE field = 'id' OR field = 'account' GROUP BY kind, id`

	// laterQuery is every value of the fields that have had more than one.
	laterQuery = `
	SELECT kind, id, field, day, value FROM field_history
	WHERE (kind, id, field) IN (SELECT kind, id, field FROM field_history WHERE later)
	ORDER BY kind, id, field, day`
)

// readHistory reads the past of every row, of those that are gone too.
func readHistory(ctx context.Context, tx *sqlx.Tx) (steward.History, error) {
	out := steward.History{}
	rows, err := tx.QueryContext(ctx, sinceQuery)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() { // by hand: a struct for each row would be half of the time
		var kind, id string
		var day int32
		if err := rows.Scan(&kind, &id, &day); err != nil {
			return nil, err
		}
		out[steward.HistoryKey{Kind: steward.SubjectKind(kind), ID: id}] = steward.Past{Since: steward.Day(day)}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return out, readChanges(ctx, tx, out)
}

// readChanges puts what changed into a history.
func readChanges(ctx context.Context, tx *sqlx.Tx, into steward.History) error {
	rows, err := tx.QueryContext(ctx, laterQuery)
	if err != nil {
		return err
	}
	defer rows.Close()
	var key steward.HistoryKey
	var field []steward.FieldChange // of one field, oldest first
	end := func() {
		past, recorded := into[key]
		if len(field) > 1 || len(field) == 1 && (!recorded || field[0].Day > past.Since || !field[0].Value.Known || strings.Contains(field[0].Field, ".")) {
			if !recorded {
				past.Since = field[0].Day
			}
			past.Changes = append(past.Changes, field...)
			slices.SortStableFunc(past.Changes, func(a, b steward.FieldChange) int { return cmp.Compare(a.Day, b.Day) })
			into[key] = past
		}
		field = nil
	}
	for rows.Next() {
		var kind, id, name, value string
		var day int32
		if err := rows.Scan(&kind, &id, &name, &day, &value); err != nil {
			return err
		}
		next := steward.HistoryKey{Kind: steward.SubjectKind(kind), ID: id}
		if n := len(field); n > 0 && (next != key || field[n-1].Field != name) {
			end()
		}
		key = next
		v, err := jsonOf[steward.Value](value, "history of "+name)
		if err != nil {
			return err
		}
		if n := len(field); n > 0 && sameValue(field[n-1].Value, v) {
			continue // it became something and then again what it was, on one day
		}
		field = append(field, steward.FieldChange{Field: name, Day: steward.Day(day), Value: v})
	}
	if len(field) > 0 {
		end()
	}
	return rows.Err()
}

// addLearntMilestones puts what rules found reached among the milestones. What a
// source says stands before it.
func addLearntMilestones(p *steward.Portfolio) {
	told := map[moment]bool{}
	for _, m := range p.Milestones {
		told[moment{m.Account, m.Name}] = true
	}
	before := len(p.Milestones)
	for _, a := range p.Accounts {
		learnt := map[string]steward.Day{}
		for _, c := range p.History[steward.HistoryKey{Kind: steward.AboutAccount, ID: string(a.ID)}].Changes {
			if name, ok := strings.CutPrefix(c.Field, steward.MilestonePrefix); ok {
				learnt[name] = c.Value.Day() // the newest word on it
			}
		}
		for name, day := range learnt {
			if day != steward.NoDay && !told[moment{a.ID, name}] {
				p.Milestones = append(p.Milestones, steward.Milestone{Account: a.ID, Name: name, Day: day})
			}
		}
	}
	if len(p.Milestones) > before {
		slices.SortFunc(p.Milestones, func(a, b steward.Milestone) int {
			return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Name, b.Name))
		})
	}
}

// Dealings reads what was done about each account since a moment: enrolments
// that began, and mail that went, or may have gone, to its people. Days are the
// zone's. What was pruned is not in it.
func (db *DB) Dealings(ctx context.Context, since time.Time, zone *time.Location) (map[steward.AccountID]steward.Dealings, error) {
	out := map[steward.AccountID]steward.Dealings{}
	of := func(id steward.AccountID) steward.Dealings {
		d, ok := out[id]
		if !ok {
			d = steward.Dealings{Fired: map[steward.PlaybookName][]steward.Day{}, Mailed: map[steward.ContactID][]steward.Day{}, Replied: map[steward.ContactID][]steward.Day{}}
			out[id] = d
		}
		return d
	}
	err := db.view(ctx, "read what was done", func(tx *sqlx.Tx) error {
		var fired []struct {
			Account  steward.AccountID    `db:"account"`
			Playbook steward.PlaybookName `db:"playbook"`
			At       int64                `db:"at"`
		}
		if err := tx.SelectContext(ctx, &fired, firedQuery, since.Unix()); err != nil {
			return err
		}
		for _, f := range fired {
			d, day := of(f.Account), steward.DayOf(instant(f.At), zone)
			d.Fired[f.Playbook] = append(d.Fired[f.Playbook], day)
		}
		var mailed []struct {
			Account   steward.AccountID `db:"account"`
			Recipient string            `db:"recipient"`
			At        int64             `db:"settled"`
		}
		if err := tx.SelectContext(ctx, &mailed, mailedQuery, since.Unix()); err != nil {
			return err
		}
		for _, m := range mailed {
			to, err := jsonOf[steward.Recipient](m.Recipient, "recipient of a mail")
			if err != nil {
				return err
			}
			if to.Contact == "" || to.Contact == forgottenID {
				continue
			}
			d, day := of(m.Account), steward.DayOf(instant(m.At), zone)
			d.Mailed[to.Contact] = append(d.Mailed[to.Contact], day)
		}
		return readReplies(ctx, tx, since, func(account steward.AccountID, who steward.ContactID, at int64) {
			d := of(account)
			d.Replied[who] = append(d.Replied[who], steward.DayOf(instant(at), zone))
		})
	})
	if err != nil {
		return nil, err
	}
	for _, d := range out { // a release may come after a later opening
		for _, days := range d.Fired {
			slices.Sort(days)
		}
	}
	return out, nil
}

const (
	// What was held counts from its release.
	firedQuery = `
	SELECT account, playbook, CASE WHEN released_at > 0 THEN released_at ELSE opened_at END AS at
	FROM enrolments WHERE step_since > 0 AND opened_at >= ? ORDER BY opened_at`

	mailedQuery = `
	SELECT account, recipient, settled FROM messages
	WHERE kind = 'mail' AND (state = 'sent' OR state = 'uncertain') AND settled >= ? ORDER BY settled`
)
