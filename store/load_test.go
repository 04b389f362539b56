package store

import (
	"context"
	"testing"
)

// load fills an empty database with what a large customer has after some
// years: so many messages that are waiting to be sent, and so many that are
// over, with the enrolments, outreach, attempts and records that belong to
// them. It writes by SQL alone, as the engine's own way would take an hour.
func load(tb testing.TB, db *DB, outstanding, past int) {
	tb.Helper()
	evidence, err := listColumn(enrolment("a", "b", start).Evidence)
	must(tb, err)
	tx := db.write.MustBegin()
	defer func() { _ = tx.Rollback() }()
	for _, q := range []struct {
		query string
		args  []any
	}{
		// Two messages to an enrolment. A subject was enrolled five times.
		{`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
		INSERT INTO enrolments SELECT printf('e-past%08d', i), 'login-drop', 'account', printf('a%06d', i % (1 + ? / 5)), printf('a%06d', i % (1 + ? / 5)),
			? + i, CASE i % 3 WHEN 0 THEN 'completed' ELSE 'exited' END, 'recovered', 'treatment', 'v1', 20000, '{}',
			?, ? + i, ? + i + 3600, 1, ? + i, 0, 0, '', 3, ? + i + 3600 FROM n`,
			[]any{past / 2, past / 2, past / 2, loadFrom, evidence, loadFrom, loadFrom, loadFrom, loadFrom}},
		{`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
		INSERT INTO enrolments SELECT printf('e-open%08d', i), 'adoption', 'account', printf('a%06d', i), printf('a%06d', i),
			?, 'active', '', 'treatment', 'v1', 20000, '{}',
			?, ?, 0, 0, ?, 0, 0, '', 1, ? FROM n`,
			[]any{outstanding, start.Unix(), evidence, start.Unix(), start.Unix(), start.Unix()}},
		{`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
		INSERT INTO messages SELECT printf('m-past%08d', i), 'card', 'slack', '{"key":"owner","owner":"dana","slack":"U1"}', printf('o%03d', i % 200), '',
			printf('a%06d', i / 2 % (1 + ? / 5)), CASE WHEN i % 50 = 0 THEN 'uncertain' WHEN i % 50 = 1 THEN 'failed' WHEN i % 5 = 2 THEN 'suppressed' ELSE 'sent' END,
			1, ? + i / 2, 0, 0, 1, 'delivered', '', '{"title":"Acme","parts":[{"markdown":"' || hex(zeroblob(200)) || '"}]}', 1, '', '[]', 0, '', '', 0,
			'C1/1', ? + i / 2, ? + i / 2 + 60, ? + i / 2 FROM n`,
			[]any{past, past / 2, loadFrom, loadFrom, loadFrom, loadFrom}},
		{`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
		INSERT INTO messages SELECT printf('m-open%08d', i), 'card', 'slack', '{"key":"owner","owner":"dana","slack":"U1"}', printf('o%03d', i % 200), '',
			printf('a%06d', i), CASE i % 10 WHEN 0 THEN 'deferred' WHEN 1 THEN 'awaiting_approval' ELSE 'planned' END, 0, ? + i % 10 / 9, 0, 0, 0, '', '', NULL, 0, '', '[]', 0, '', '', 0,
			'', ?, 0, 0 FROM n`,
			[]any{outstanding, start.Unix(), start.Unix()}},
		{`INSERT INTO outreach SELECT 'o' || substr(id, 2), CASE WHEN id LIKE 'm-open%' THEN 'e' || substr(id, 2) ELSE printf('e-past%08d', substr(id, 7) / 2) END,
			CASE WHEN id LIKE 'm-open%' THEN 'adoption' ELSE 'login-drop' END, 'account', account, account, 'nudge', '1', recipient, id, 'words', 'warning', 3, planned, '' FROM messages`, nil},
		{`INSERT INTO attempts SELECT id, 1, 0, planned, settled, state, reason, '', ref, 1 FROM messages WHERE settled > 0`, nil},
		{`INSERT INTO records (key, at, playbook, kind, subject, account, enrolment, outreach, message, step, effect, reason, detail, until)
			SELECT 'k' || id, planned, playbook, kind, subject, account, enrolment, id, message, step, 'pass', 'opened', 'logins fell from 42 to 13', 0 FROM outreach`, nil},
		{`INSERT INTO phases SELECT playbook, kind, subject, account, 'firing', episode, 20000, episode, 3, episode, '{}' FROM enrolments WHERE state = 'active'`, nil},
	} {
		if _, err := tx.ExecContext(context.Background(), q.query, q.args...); err != nil {
			tb.Fatalf("%v in %.80s", err, q.query)
		}
	}
	must(tb, tx.Commit())
}

// loadFrom is when the first of the past messages was planned.
const loadFrom = 1_650_000_000
