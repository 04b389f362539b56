package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"steward"
)

// nameless are the text columns that can hold no customer's person: ids, names
// of playbooks, states, what owners.yaml says of our own people, hashes, and what
// providers answered, from which addresses are taken before it is kept.
var nameless = strings.Fields(`
	sources.name sources.metrics sources.kinds imports.source imports.files imports.summary import_rejects.file import_rejects.column_name import_rejects.reason
	listings.source listings.kind accounts.* contracts.* products.* tickets.account tickets.priority tickets.id touches.account touches.kind touches.by_whom surveys.account
	surveys.kind objectives.account objectives.name objectives.metric milestones.* field_history.kind field_history.field series.* tombstones.*
	playbook_versions.* playbook_state.* phases.* pilot_starts.* enrolments.* outreach.* messages.* attempts.*
	records.* suppressions.reason suppressions.source notices.* job_runs.* pause.* keys.* health_overrides.account health_overrides.by_whom health_overrides.cleared_by
	tasks.* scores.* goose_db_version.* acts.* asks.* edits.* silences.* words.kind words.account words.field words.by_whom incoming.* mailboxes.* preferences.topic preferences.source`)

// handled are those that Forget itself sees to.
var handled = strings.Fields(`
	import_rejects.content listings.id contacts.* touches.id touches.contact tickets.contact surveys.id surveys.contact objectives.id objectives.agreed
	field_history.id field_history.value messages.recipient messages.address messages.content outreach.recipient suppressions.address
	words.id words.value incoming.address preferences.address`)

// A column that is added says here whether it can name a person, and Forget
// sees to it if it can.
func TestForgetKnowsEveryColumn(t *testing.T) {
	db := openTest(t)
	known := map[string]bool{}
	for _, name := range slices.Concat(nameless, handled) {
		known[name] = true
	}
	for _, s := range spoken {
		known[s.table+"."+s.column] = true
	}
	var columns []struct {
		Table string `db:"t"`
		Name  string `db:"c"`
	}
	must(t, db.read.Select(&columns, `
		SELECT m.name AS t, c.name AS c FROM sqlite_master m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND c.type = 'TEXT'`))
	for _, c := range columns {
		if !known[c.Table+"."+c.Name] && !known[c.Table+".*"] {
			t.Errorf("can %s.%s hold a customer's person? Say so here, and have Forget see to it if it can", c.Table, c.Name)
		}
	}
}

// Whatever people and Steward have said of somebody is freed of their name.
func TestForgetCleansWhatWasSaid(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	b := portfolioBatch(t, 3)
	person := &b.Contacts[1]
	person.Name, person.Email = "Zebedee Quux", "zebedee@quux.example"
	_, err := db.Import(ctx, b)
	must(t, err)
	e := enrolment(person.Account, "stalled", start)
	_, o, err := giveTask(ctx, db, person.Account, steward.NoDay)
	must(t, err)
	_, err = db.Commit(ctx, steward.Run{}, []steward.Change{{Account: person.Account, Enrolments: []steward.Enrolment{e},
		Records:   []steward.Record{{At: steward.SlotAt(start), Subject: steward.Subject{Account: person.Account}}},
		Words:     []steward.Word{{Kind: steward.AboutContact, ID: string(person.ID), Account: person.Account, Field: steward.RoleField}, {Kind: steward.AboutContact, ID: string(person.ID), Account: person.Account, Field: steward.NameField, Value: steward.Str("Zebedee Told")}, {Kind: steward.AboutAccount, ID: string(person.Account), Account: person.Account, Field: steward.PulseField}},
		Silences:  []steward.Silence{{Account: person.Account, From: start, Because: "x", By: "dana"}},
		Overrides: []steward.HealthOverride{{Account: person.Account, Because: "x", By: "dana", At: start}}}}, start)
	must(t, err)
	_, _, err = db.Perform(ctx, steward.Act{Key: "click", Verb: steward.VerbDone, Account: person.Account, At: start}, steward.Change{}, "x", start)
	must(t, err)
	db.write.MustExec(`INSERT INTO incoming (key, kind, message, address, account, at, seen_at, status, detail) VALUES ('k', 'reply', '', 'zebedee@quux.example', ?, 1, 1, '', 'x')`, person.Account)
	filled := map[string]bool{}
	for _, s := range spoken {
		done := db.write.MustExec(`UPDATE ` + s.table + ` SET ` + s.column + ` = 'Call Zebedee Quux or Zebedee Told <zebedee@quux.example> back' WHERE account = '` + string(person.Account) + `'`)
		if n, _ := done.RowsAffected(); n == 0 {
			t.Errorf("the test has no row of %s to say something in", s.table)
		}
		filled[s.table] = true
	}
	done, err := db.Forget(ctx, person.ID, start)
	must(t, err)
	if done.Records < len(spoken) {
		t.Errorf("%d places were cleaned, want %d at least", done.Records, len(spoken))
	}
	for _, table := range slices.Sorted(maps.Keys(everyRow(t, db))) {
		rows, err := db.read.Queryx(`SELECT * FROM ` + table)
		must(t, err)
		for rows.Next() {
			row, err := rows.SliceScan()
			must(t, err)
			if text := strings.ToLower(fmt.Sprint(row...)); strings.Contains(text, "zebedee") {
				t.Errorf("%s still names the person: %s", table, text)
			}
		}
		must(t, rows.Close())
	}
	if tasks, err := db.Tasks(ctx, TaskFilter{Account: person.Account}); err != nil || len(tasks) != 1 || tasks[0].ID != o.ID {
		t.Errorf("the task is gone with the name: %v, %v", tasks, err)
	}
}
