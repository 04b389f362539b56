package store

import (
	"context"
	"strings"
	"testing"
)

// The queries that run each minute, or once for each message, must find their
// rows by an index however large the tables grow.
func TestHotQueriesUseTheirIndexes(t *testing.T) {
	db := openTest(t)
	for _, c := range []struct{ name, query, want string }{
		{"due messages", strings.NewReplacer("?", "1").Replace(dueMessagesQuery), "messages_due"},
		{"deferred that are due", `UPDATE messages SET state = 'planned' WHERE state = 'deferred' AND due <= 1`, "messages_due"},
		{"lapsed sends", `SELECT * FROM messages WHERE state = 'sending' AND lease <= 1`, "messages_due"},
		{"due enrolments", strings.NewReplacer("?", "1").Replace(dueEnrolmentsQuery), "enrolments_due"},
		{"open enrolments", `SELECT * FROM enrolments WHERE state IN ('quarantined', 'active', 'waiting')`, "enrolments_"},
		{"enrolments of an account", `SELECT * FROM enrolments WHERE account = 'a' ORDER BY opened_at DESC, id LIMIT 5`, "enrolments_by_account"},
		{"enrolments of a playbook", `SELECT * FROM enrolments WHERE playbook = 'a' ORDER BY opened_at DESC, id LIMIT 5`, "enrolments_by_subject"},
		{"an enrolment by its beginning", `SELECT id FROM enrolments WHERE id >= 'e-a' AND id < 'e-b' ORDER BY id LIMIT 10`, "sqlite_autoindex_enrolments_1"},
		{"outreach of an enrolment", `SELECT * FROM outreach WHERE enrolment IN ('a', 'b') ORDER BY planned, id`, "outreach_by_enrolment"},
		{"outreach of a message", `SELECT * FROM outreach WHERE message = 'a' ORDER BY planned, id`, "outreach_by_message"},
		{"records of an enrolment", `SELECT * FROM records WHERE enrolment = 'a' ORDER BY seq DESC LIMIT 5`, "records_by_enrolment"},
		{"records of an account", `SELECT * FROM records WHERE account = 'a' ORDER BY seq DESC LIMIT 5`, "records_by_account"},
		{"records of a message", `SELECT * FROM records WHERE message = 'a' ORDER BY seq DESC LIMIT 5`, "records_by_message"},
		{"newest messages", `SELECT * FROM messages ORDER BY planned DESC, id LIMIT 5`, "messages_by_planned"},
		{"messages of an account", `SELECT * FROM messages WHERE account = 'a' ORDER BY planned DESC, id LIMIT 5`, "messages_by_account"},
		{"a phase", `SELECT * FROM phases WHERE playbook = 'a' AND kind = 'b' AND subject = 'c'`, "PRIMARY KEY"},
		{"a suppression", `SELECT reason FROM suppressions WHERE address = 'a'`, "sqlite_autoindex_suppressions_1"},
		{"series of an account", `SELECT block FROM series WHERE account IN ('a', 'b') AND metric IN ('c')`, "PRIMARY KEY"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := db.read.QueryxContext(context.Background(), `EXPLAIN QUERY PLAN `+c.query)
			must(t, err)
			defer rows.Close()
			var steps []string
			for rows.Next() {
				row, err := rows.SliceScan()
				must(t, err)
				steps = append(steps, row[3].(string))
			}
			must(t, rows.Err())
			plan := strings.Join(steps, "\n")
			if !strings.Contains(plan, c.want) {
				t.Errorf("the plan does not use %s:\n%s", c.want, plan)
			}
			for _, s := range steps {
				for _, table := range []string{"messages", "enrolments", "outreach", "records", "phases", "series", "suppressions"} {
					if strings.HasPrefix(s, "SCAN "+table) && !strings.Contains(s, "INDEX") {
						t.Errorf("the plan reads a whole table: %s\n%s", s, plan)
					}
				}
			}
		})
	}
}
