package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"steward"
)

// writtenBefore is what a file of an earlier schema holds: an account with a
// card that is due, and people of whom one has left.
const writtenBefore = `
INSERT INTO sources (name, imported_at, metrics) VALUES ('crm', 1773295200, '["logins"]');
INSERT INTO imports VALUES (1, 'crm', 1772690400, 2, 0, '[]', '{}'), (2, 'crm', 1773295200, 1, 0, '[]', '{}');
INSERT INTO accounts VALUES ('acme', 'Acme', '', 'customer', 'smb', 10, 'EUR', 'dana', NULL, NULL, '', NULL, '', 0, '{}', '');
INSERT INTO contacts VALUES ('ana', 'acme', 'Ana', 'ana@acme.example', '["champion"]', '', NULL, 'crm'), ('bob', 'acme', 'Bob', '', '["admin","champion"]', '', NULL, '');
INSERT INTO touches VALUES ('t', 'acme', 'bob', 20500, 'call', 'dana');
INSERT INTO listings VALUES ('crm', 'account', 'acme', 1, 2), ('crm', 'contact', 'ana', 1, 1), ('crm', 'contact', 'bob', 1, 2);
INSERT INTO field_history VALUES ('account', 'acme', 'owner', 20500, '"lee"'), ('account', 'acme', 'owner', 20510, '"dana"'), ('account', 'acme', 'segment', 20500, '"smb"'),
	('contact', 'ana', 'roles', 20500, '"[\"champion\"]"'), ('contact', 'ana', 'account', 20500, '"acme"'),
	('contact', 'bob', 'roles', 20500, '"[\"admin\",\"champion\"]"'), ('contact', 'bob', 'account', 20500, '"acme"');
INSERT INTO enrolments VALUES ('e-1', 'login-drop', 'account', 'acme', 'acme', 1773295200, 'active', '', 'treatment', 'v1', 20523, '{}', '[]', 1773295200, 0, 0, 1773295200, 0, 0, '', 1, 1773295200);
INSERT INTO enrolments VALUES ('e-0', 'adoption', 'account', 'acme', 'acme', 1772690400, 'completed', '', 'treatment', 'v1', 20523, '{}', '[]', 1772690400, 1773295200, 1, 1772863200, 0, 0, '', 3, 1773295200);
INSERT INTO records (key, at, playbook, kind, subject, account, enrolment, outreach, message, step, effect, reason, detail, until)
	VALUES ('k', 1772776800, 'adoption', 'account', 'acme', 'acme', 'e-0', '', '', '', 'pass', 'released', '', 0);
INSERT INTO messages (id, kind, channel, recipient, owner, address, account, state, epoch, due, expires, lease, attempts, reason, detail, version, hash, approvers, veto, approved_by, for_message, retry_uncertain, ref, planned, settled, enqueued_at)
	VALUES ('m-1', 'card', 'slack', '{"key":"owner","owner":"dana"}', 'dana', '', 'acme', 'planned', 0, 1773295200, 0, 0, 0, '', '', 0, '', '[]', 0, '', '', 0, '', 1773295200, 0, 0);
INSERT INTO outreach VALUES ('o-1', 'e-1', 'login-drop', 'account', 'acme', 'acme', 'nudge', '1', '{"key":"owner","owner":"dana"}', 'm-1', 'words', 'warning', 3, 1773295200, '');`

// A file of an earlier version goes on where it was, with what is known now of
// what was before.
func TestAFileOfAnEarlierSchemaIsBroughtUpToDate(t *testing.T) {
	for old := int64(1); old < known(t); old++ {
		t.Run(fmt.Sprint("schema ", old), func(t *testing.T) {
			ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
			upTo := func(schema int64) *DB {
				earlier := later(t)
				for name := range earlier {
					if name >= fmt.Sprintf("%05d", schema+1) {
						delete(earlier, name)
					}
				}
				db, err := open(ctx, path, Options{}, earlier)
				must(t, err)
				return db
			}
			before := upTo(min(old, 2)) // rows are as the first two schemas have them
			before.write.MustExec(writtenBefore)
			must(t, before.Close())
			must(t, upTo(old).Close())

			db, err := Open(ctx, path, Options{Lock: true})
			must(t, err)
			defer db.Close()
			due, err := db.DueMessages(ctx, start, 0, steward.Channels()...)
			must(t, err)
			if len(due) != 1 || due[0].ID != "m-1" {
				t.Errorf("due: %v, want m-1", due)
			}
			if v, err := db.SchemaVersion(ctx); err != nil || v != known(t) {
				t.Errorf("schema %d, want %d, %v", v, known(t), err)
			}
			if _, err := os.Stat(backupBefore(path, known(t))); err != nil {
				t.Errorf("no backup was made: %v", err)
			}
			p, err := db.Portfolio(ctx)
			must(t, err)
			of := func(kind steward.SubjectKind, id string) steward.Past {
				return p.History[steward.HistoryKey{Kind: kind, ID: id}]
			}
			diff(t, "the account's past", steward.Past{Since: 20_500, Changes: []steward.FieldChange{
				{Field: "owner", Day: 20_500, Value: steward.Str("lee")}, {Field: "owner", Day: 20_510, Value: steward.Str("dana")}}}, of(steward.AboutAccount, "acme"))
			diff(t, "who stayed", steward.Past{Since: 20_500}, of(steward.AboutContact, "bob"))
			diff(t, "who left", steward.Past{Since: 20_500, Changes: []steward.FieldChange{
				{Field: "account", Day: 20_500, Value: steward.Str("acme")}, {Field: "role", Day: 20_500, Value: steward.Str("champion")},
				{Field: "account", Day: 20_524}, {Field: "role", Day: 20_524}}}, of(steward.AboutContact, "ana"))
			if len(p.Gone) != 1 || p.Gone[0].ID != "ana" || !p.Feeds("touches") || p.Feeds("tickets") {
				t.Errorf("gone %v, kinds %v", p.Gone, p.Kinds)
			}
			done, err := db.Dealings(ctx, start.AddDate(0, 0, -800), time.UTC)
			must(t, err)
			diff(t, "what was opened", map[steward.PlaybookName][]steward.Day{"login-drop": {20_524}, "adoption": {20_518}}, done["acme"].Fired)
			// The roles are what they were, however they are kept now.
			_, err = db.Import(ctx, Batch{Source: "crm", At: start, Contacts: p.Contacts})
			must(t, err)
			if p, err = db.Portfolio(ctx); err != nil || len(of(steward.AboutContact, "bob").Changes) > 0 {
				t.Errorf("an import of the same changed %v, %v", of(steward.AboutContact, "bob"), err)
			}
		})
	}
}
