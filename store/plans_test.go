package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	sqlite3 "github.com/mattn/go-sqlite3"

	"steward"
)

// growing are the tables that grow with every day the program runs.
var growing = []string{"messages", "outreach", "attempts", "records", "enrolments"}

// allowed are the plans that read or sort more than they return, and why they
// may. query is a part of the statement's text, with single spaces.
var allowed = []struct{ query, step, why string }{
	{"FROM enrolments e WHERE (state = 'completed'", "SCAN e USING COVERING INDEX enrolments_ended", "once an evaluation; every subject that was ever enrolled is read"},
	{"COUNT(CASE WHEN state = 'completed'", "SCAN enrolments USING COVERING INDEX enrolments_ended", "counting is reading; the index alone"},
	{"SELECT id, due, changed_at, EXISTS", "USE TEMP B-TREE", "ids of what is open, those with nothing under way first"},
	{"WHERE state = 'planned' ORDER BY planned DESC", "USE TEMP B-TREE", "ids of what is under way: its index is in the order of work"},
	{"WHERE state = 'enqueued' ORDER BY planned DESC", "USE TEMP B-TREE", "as above"},
	{"WHERE state = 'sending' ORDER BY planned DESC", "USE TEMP B-TREE", "as above"},
	{"WHERE state = 'deferred' ORDER BY planned DESC", "USE TEMP B-TREE", "as above"},
	{"SELECT e.id FROM enrolments e WHERE (state = 'completed'", "SCAN e USING INDEX enrolments_ended", "once a day, for what is to be pruned"},
	{"UPDATE outreach SET playbook = ?", "SCAN outreach", "once, when a playbook got another name"},
	{"UPDATE records SET playbook = ?", "SCAN records", "once, when a playbook got another name"},
	{"UPDATE enrolments SET opened_at = MIN(opened_at, ?)", "SCAN enrolments", "a person's command after a clock went wrong"},
	{"UPDATE messages SET expires = CASE", "SCAN messages", "as above"},
}

// The statements that each method really runs are collected and explained, so
// that a new one, or one that was changed, is looked at without being listed
// here. None may read a growing table through, or sort what it then leaves out.
func TestNoMethodReadsAGrowingTableThrough(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	load(t, db, 200, 2000)
	spied := spyOn(t, db)
	used := make([]bool, len(allowed))
	seen := 0
	for _, name := range slices.Sorted(maps.Keys(everyMethod)) {
		spied.take()
		if err := everyMethod[name](ctx, db); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, query := range spied.take() {
			seen++
			for _, fault := range faultsOfPlan(query, planOf(t, db, query), used) {
				t.Errorf("%s: %s\nin%s", name, fault, query)
			}
		}
	}
	for i, a := range allowed {
		if !used[i] {
			t.Errorf("nothing needs to be allowed %q in %q any more", a.step, a.query)
		}
	}
	if seen < 100 {
		t.Errorf("only %d statements were seen", seen)
	}
}

// A method that is not tried above would be one whose plan nobody looks at.
func TestEveryMethodIsExplained(t *testing.T) {
	for m := range reflect.TypeFor[*DB]().Methods() {
		if _, tried := everyMethod[m.Name]; !tried && !slices.Contains(withoutQueries, m.Name) {
			t.Errorf("%s is not in everyMethod", m.Name)
		}
	}
}

// The rules are only worth something when they find what they look for.
func TestBadPlansAreFound(t *testing.T) {
	db := openTest(t)
	for _, query := range []string{
		`SELECT * FROM messages WHERE detail = ?`,
		`SELECT * FROM messages m JOIN outreach o ON o.message = m.id WHERE o.account = ?`,
		`UPDATE attempts SET outcome = 'x' WHERE outcome = ''`,
		`SELECT id FROM messages WHERE account = ? ORDER BY due LIMIT ?`,
		`SELECT state, COUNT(*) FROM messages GROUP BY state`,
	} {
		if faults := faultsOfPlan(query, planOf(t, db, query), make([]bool, len(allowed))); len(faults) == 0 {
			t.Errorf("nothing is said against %s:\n%s", query, strings.Join(planOf(t, db, query), "\n"))
		}
	}
}

// faultsOfPlan is what is wrong with a statement's plan.
func faultsOfPlan(query string, steps []string, used []bool) (out []string) {
	table := aliases(query)
	flat := strings.Join(strings.Fields(query), " ")
	// What is sorted after the last limit, or without one, is all returned.
	returned := strings.Count(flat[strings.LastIndex(flat, "LIMIT")+1:], "ORDER BY")
	for _, step := range slices.Backward(steps) { // a subquery's steps come before what is done with it
		words := strings.Fields(step)
		bad := words[0] == "SCAN" && slices.Contains(growing, table[words[1]])
		if strings.HasPrefix(step, "USE TEMP B-TREE") {
			returned--
			bad = returned < 0 && slices.ContainsFunc(growing, func(g string) bool { return slices.Contains(slices.Collect(maps.Values(table)), g) })
		}
		// Read in the order that is asked for, and no further than the limit.
		if (strings.HasSuffix(step, "_by_planned") || step == "SCAN records") && strings.Contains(flat, "LIMIT") {
			bad = false
		}
		for i, a := range allowed {
			if bad && strings.Contains(flat, a.query) && strings.HasPrefix(step, a.step) {
				bad, used[i] = false, true
			}
		}
		if bad {
			out = append(out, step)
		}
	}
	return out
}

var aliasPattern = regexp.MustCompile(`(?i)\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)(?:\s+(?:AS\s+)?(\w+))?`)

// aliases is the table that each name in a statement stands for.
func aliases(query string) map[string]string {
	out := map[string]string{}
	for _, m := range aliasPattern.FindAllStringSubmatch(query, -1) {
		out[m[1]] = m[1]
		if len(m[2]) == 1 { // o, m, e: keywords are longer
			out[m[2]] = m[1]
		}
	}
	return out
}

func planOf(t *testing.T, db *DB, query string) (steps []string) {
	t.Helper()
	args := make([]any, strings.Count(query, "?"))
	rows, err := db.write.Queryx(`EXPLAIN QUERY PLAN `+query, args...)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		row, err := rows.SliceScan()
		must(t, err)
		steps = append(steps, row[3].(string))
	}
	must(t, rows.Err())
	return steps
}

// withoutQueries are the methods that ask nothing of a growing table, or of the
// whole file on purpose.
var withoutQueries = []string{"Backup", "Check", "Close", "Path", "SchemaVersion"}

var (
	someMessage   = steward.MessageID("m-open00000002")
	someEnrolment = steward.EnrolmentID("e-open00000002")
	someRun       = steward.Run{Job: "evaluate", Slot: steward.SlotAt(start), Term: 1}
)

// everyMethod calls each method of DB in the way that reaches its statements.
var everyMethod = map[string]func(context.Context, *DB) error{
	"Ack": func(ctx context.Context, db *DB) error { return db.Ack(ctx, someEnrolment, "dana", start) },
	"Approve": func(ctx context.Context, db *DB) error {
		return db.Approve(ctx, "m-open00000001", 0, "dana", start)
	},
	"Attempts": func(ctx context.Context, db *DB) error { _, err := db.Attempts(ctx, "m-past00000001"); return err },
	"Claim": func(ctx context.Context, db *DB) error {
		_, _, err := db.Claim(ctx, someMessage, 0, start, time.Minute, pass)
		return err
	},
	"ClaimRun": func(ctx context.Context, db *DB) error {
		_, _, err := db.ClaimRun(ctx, "evaluate", steward.SlotAt(start), start, time.Minute)
		return err
	},
	"ClearPause": func(ctx context.Context, db *DB) error { return db.ClearPause(ctx) },
	"Commit": func(ctx context.Context, db *DB) error {
		c := fullChange("acme")
		if _, err := db.Commit(ctx, steward.Run{}, []steward.Change{c}, start); err != nil {
			return err
		}
		c.Enrolments[0].Rev = 1
		c.Stopped = []steward.Stop{{Message: "m-open00000011"}}
		_, err := db.Commit(ctx, steward.Run{}, []steward.Change{c}, start)
		return err
	},
	"Dealings": func(ctx context.Context, db *DB) error {
		_, err := db.Dealings(ctx, start.AddDate(0, 0, -800), berlin)
		return err
	},
	"KeepScores": func(ctx context.Context, db *DB) error {
		return db.KeepScores(ctx, steward.Run{}, 20_000, []steward.Score{{Account: "a000001", Name: "health", Value: 55}})
	},
	"Scores":          func(ctx context.Context, db *DB) error { _, err := db.Scores(ctx, "a000001"); return err },
	"MessageCounts":   func(ctx context.Context, db *DB) error { _, err := db.MessageCounts(ctx); return err },
	"EnrolmentCounts": func(ctx context.Context, db *DB) error { _, err := db.EnrolmentCounts(ctx); return err },
	"ContactsNamed": func(ctx context.Context, db *DB) error {
		_, err := db.ContactsNamed(ctx, "ana@acme.example")
		return err
	},
	"Counts": func(ctx context.Context, db *DB) error { _, err := db.Counts(ctx); return err },
	"Decline": func(ctx context.Context, db *DB) error {
		return db.Decline(ctx, "m-open00000021", 0, "dana", "no", start)
	},
	"Dossier":       func(ctx context.Context, db *DB) error { _, err := db.Dossier(ctx, someMessage); return err },
	"DueEnrolments": func(ctx context.Context, db *DB) error { _, err := db.DueEnrolments(ctx, start, 10); return err },
	"DueMessages": func(ctx context.Context, db *DB) error {
		_, err := db.DueMessages(ctx, start, 10, steward.Channels()...)
		return err
	},
	"PilotStarts": func(ctx context.Context, db *DB) error {
		_, err := db.PilotStarts(ctx, "adoption", "hash")
		return err
	},
	"RenamePlaybooks": func(ctx context.Context, db *DB) error {
		_, err := db.RenamePlaybooks(ctx, map[steward.PlaybookName]steward.PlaybookName{"adoption": "adopting"}, start)
		return err
	},
	"Ended": func(ctx context.Context, db *DB) error { _, err := db.Ended(ctx); return err },
	"Enrolment": func(ctx context.Context, db *DB) error {
		_, err := db.Enrolment(ctx, string(someEnrolment))
		return err
	},
	"Enrolments": func(ctx context.Context, db *DB) error {
		for _, f := range []EnrolmentFilter{{Account: "a000001", Limit: 5}, {Account: "a000001", Playbook: "adoption", Open: true, Limit: 5},
			{Playbook: "adoption", Limit: 5}} {
			if _, err := db.Enrolments(ctx, f); err != nil {
				return err
			}
		}
		return nil
	},
	"HeldOf": func(ctx context.Context, db *DB) error { _, err := db.HeldOf(ctx, "adoption"); return err },
	"Task": func(ctx context.Context, db *DB) error {
		_, err := db.Task(ctx, "o-nothing")
		if errors.Is(err, ErrNotFound) {
			err = nil
		}
		return err
	},
	"GivenTasks": func(ctx context.Context, db *DB) error { _, err := db.GivenTasks(ctx); return err },
	"Tasks": func(ctx context.Context, db *DB) error {
		for _, f := range []TaskFilter{{}, {Owner: "dana"}, {Account: "acme", All: true}} {
			if _, err := db.Tasks(ctx, f); err != nil {
				return err
			}
		}
		return nil
	},
	"FinishTask": func(ctx context.Context, db *DB) error {
		_, o, err := giveTask(ctx, db, "tasked", steward.NoDay)
		if err != nil {
			return err
		}
		_, err = db.FinishTask(ctx, string(o.ID), "called", "dana", start)
		return err
	},
	"Acts": func(ctx context.Context, db *DB) error {
		for _, f := range []ActFilter{{}, {Account: "a000001"}, {Enrolment: someEnrolment}, {Message: someMessage}} {
			f.Limit = 5
			if _, err := db.Acts(ctx, f); err != nil {
				return err
			}
		}
		return nil
	},
	"Silence": func(ctx context.Context, db *DB) error { _, err := db.Silence(ctx, quiet("a000001")); return err },
	"Unsilence": func(ctx context.Context, db *DB) error {
		id, err := db.Silence(ctx, quiet("a000002"))
		if err != nil {
			return err
		}
		return db.Unsilence(ctx, id, "lee", start)
	},
	"Agendas": func(ctx context.Context, db *DB) error { _, err := db.Agendas(ctx); return err },
	"Week": func(ctx context.Context, db *DB) error {
		_, err := db.Week(ctx, []steward.AccountID{"a000001", "a000002"}, start, start)
		return err
	},
	"PlanDigest": func(ctx context.Context, db *DB) error { _, err := db.PlanDigest(ctx, digestDay(0)); return err },
	"EndSilences": func(ctx context.Context, db *DB) error {
		id, err := db.Silence(ctx, quiet("a000003"))
		if err != nil {
			return err
		}
		return db.EndSilences(ctx, []steward.Silence{{ID: id, Ended: start, EndedBy: "lee"}})
	},
	"Story":    func(ctx context.Context, db *DB) error { _, err := db.Story(ctx, "a000001", 5); return err },
	"Plate":    func(ctx context.Context, db *DB) error { _, err := db.Plate(ctx, "o001", false); return err },
	"Answered": func(ctx context.Context, db *DB) error { _, _, err := db.Answered(ctx, "click"); return err },
	"Perform": func(ctx context.Context, db *DB) error {
		_, _, err := db.Perform(ctx, steward.Act{Key: "click", Verb: steward.VerbTake, At: start}, steward.Change{
			Account: "a000001", Repaint: []steward.MessageID{someMessage}, Words: []steward.Word{{Kind: steward.AboutAccount, ID: "a000001", Field: steward.PulseField}},
			Silences: []steward.Silence{{Account: "a000001", From: start, Because: "a merger", By: "dana"}},
		}, "Noted", start)
		return err
	},
	"Seats": func(ctx context.Context, db *DB) error {
		var places []steward.Place
		for kind := range placeQueries {
			places = append(places, steward.Place{Kind: kind, Key: "o001", Most: 5, Since: start})
		}
		_, err := db.Seats(ctx, places)
		return err
	},
	"Silences": func(ctx context.Context, db *DB) error { _, err := db.Silences(ctx, start, false); return err },
	"Receive": func(ctx context.Context, db *DB) error {
		c := fullChange("acme")
		_, err := db.Receive(ctx, steward.Incoming{Key: "mail:1", Kind: steward.Reply, Message: someMessage, Address: "ada@example.com", At: start, Back: steward.NoDay}, c, start)
		return err
	},
	"MailTo": func(ctx context.Context, db *DB) error {
		_, err := db.MailTo(ctx, "ada@example.com", start, 5)
		return err
	},
	"SoftBounces": func(ctx context.Context, db *DB) error {
		_, err := db.SoftBounces(ctx, "ada@example.com", someMessage, start)
		return err
	},
	"IncomingCounts": func(ctx context.Context, db *DB) error { _, err := db.IncomingCounts(ctx); return err },
	"Away":           func(ctx context.Context, db *DB) error { _, err := db.Away(ctx, 20_000); return err },
	"MailCursor":     func(ctx context.Context, db *DB) error { _, _, err := db.MailCursor(ctx, "INBOX"); return err },
	"MoveMailCursor": func(ctx context.Context, db *DB) error {
		return db.MoveMailCursor(ctx, "INBOX", steward.MailCursor{Validity: 1, UID: 7})
	},
	"Words":    func(ctx context.Context, db *DB) error { _, err := db.Words(ctx, "a-1", 10); return err },
	"DueEdits": func(ctx context.Context, db *DB) error { _, err := db.DueEdits(ctx, start, 10); return err },
	"Painted": func(ctx context.Context, db *DB) error {
		return db.Painted(ctx, steward.Edit{Message: someMessage, Wanted: 1}, "")
	},
	"EditFailed": func(ctx context.Context, db *DB) error {
		return db.EditFailed(ctx, steward.Edit{Message: someMessage, Wanted: 1}, start, "not now")
	},
	"InQueue":         func(ctx context.Context, db *DB) error { _, err := db.InQueue(ctx, steward.Slack); return err },
	"Enqueued":        func(ctx context.Context, db *DB) error { _, err := db.Enqueued(ctx, start, start, 10); return err },
	"ExpireApprovals": func(ctx context.Context, db *DB) error { _, err := db.ExpireApprovals(ctx, start); return err },
	"ExpireQuarantine": func(ctx context.Context, db *DB) error {
		_, err := db.ExpireQuarantine(ctx, start, start)
		return err
	},
	"FieldHistory": func(ctx context.Context, db *DB) error {
		_, err := db.FieldHistory(ctx, steward.AboutAccount, "a000001")
		return err
	},
	"FinishRun": func(ctx context.Context, db *DB) error {
		run, _, err := db.ClaimRun(ctx, "sync", steward.SlotAt(start), start, time.Minute)
		if err != nil {
			return err
		}
		return db.FinishRun(ctx, run, []steward.PlaybookState{{Playbook: "adoption"}}, start, nil, "")
	},
	"Forget": func(ctx context.Context, db *DB) error {
		b := Batch{Source: "people", At: start, Contacts: []steward.Contact{{ID: "c1", Account: "a000003", Name: "Ada Ash", Email: "ada@example.com"}}}
		if _, err := db.Import(ctx, b); err != nil {
			return err
		}
		_, err := db.Forget(ctx, "c1", start)
		return err
	},
	"ForgetNotice": func(ctx context.Context, db *DB) error { return db.ForgetNotice(ctx, "stale/logins") },
	"Import": func(ctx context.Context, db *DB) error {
		_, err := db.Import(ctx, Batch{Source: "crm", At: start})
		return err
	},
	"Keys": func(ctx context.Context, db *DB) error { _, err := db.Keys(ctx); return err },
	"LapsedSends": func(ctx context.Context, db *DB) error {
		_, err := db.LapsedSends(ctx, start.Add(time.Hour), time.Minute)
		return err
	},
	"Held":      func(ctx context.Context, db *DB) error { _, err := db.Held(ctx, "crm"); return err },
	"Withdraw":  func(ctx context.Context, db *DB) error { return db.Withdraw(ctx, "crm") },
	"LastFiles": func(ctx context.Context, db *DB) error { _, err := db.LastFiles(ctx, "crm"); return err },
	"LastRun":   func(ctx context.Context, db *DB) error { _, _, err := db.LastRun(ctx, "evaluate"); return err },
	"LastSlot":  func(ctx context.Context, db *DB) error { _, err := db.LastSlot(ctx, "evaluate"); return err },
	"MarkEnqueued": func(ctx context.Context, db *DB) error {
		return db.MarkEnqueued(ctx, []steward.Due{{ID: "m-open00000003"}}, start)
	},
	"Message": func(ctx context.Context, db *DB) error { _, err := db.Message(ctx, string(someMessage)); return err },
	"Messages": func(ctx context.Context, db *DB) error {
		filters := []MessageFilter{{}, {Account: "a000001"}, {Owner: "o001"}, {Since: start}, {Account: "a000001", State: steward.AwaitingApproval},
			{State: steward.AwaitingApproval, Kind: steward.Mail}}
		for _, s := range messageStates {
			filters = append(filters, MessageFilter{State: s}, MessageFilter{State: s, Owner: "o001"})
		}
		for _, f := range filters {
			f.Limit = 5
			if _, _, err := db.Messages(ctx, f); err != nil {
				return err
			}
		}
		return nil
	},
	"Notice": func(ctx context.Context, db *DB) error {
		m := cardFor("acme", start)
		m.ID, m.Kind = "m-notice", steward.Notice
		_, err := db.Notice(ctx, "stale/logins", m, start)
		return err
	},
	"Notices":     func(ctx context.Context, db *DB) error { _, err := db.Notices(ctx); return err },
	"OpenedSince": func(ctx context.Context, db *DB) error { _, err := db.OpenedSince(ctx, start); return err },
	"OpenOf":      func(ctx context.Context, db *DB) error { _, err := db.OpenOf(ctx, "a000001"); return err },
	"OutreachOf": func(ctx context.Context, db *DB) error {
		_, _, err := db.OutreachOf(ctx, []steward.EnrolmentID{someEnrolment})
		return err
	},
	"Pause":           func(ctx context.Context, db *DB) error { _, err := db.Pause(ctx); return err },
	"PlaybookStates":  func(ctx context.Context, db *DB) error { _, err := db.PlaybookStates(ctx); return err },
	"PlaybookVersion": func(ctx context.Context, db *DB) error { _, _ = db.PlaybookVersion(ctx, "v1"); return nil },
	"Forgettings":     func(ctx context.Context, db *DB) error { _, err := db.Forgettings(ctx); return err },
	"Portfolio":       func(ctx context.Context, db *DB) error { _, err := db.Portfolio(ctx); return err },
	"Prune":           func(ctx context.Context, db *DB) error { _, err := db.Prune(ctx, start); return err },
	"Ready":           func(ctx context.Context, db *DB) error { return db.Ready(ctx) },
	"ReaderOf":        func(ctx context.Context, db *DB) error { _, err := db.ReaderOf(ctx, someMessage); return err },
	"Prefer": func(ctx context.Context, db *DB) error {
		return db.Prefer(ctx, "a@example.com", []steward.Topic{steward.TopicReport}, []steward.Topic{steward.TopicCare}, BySelf, start)
	},
	"AllowTopic": func(ctx context.Context, db *DB) error {
		if err := db.Prefer(ctx, "b@example.com", []steward.Topic{steward.TopicReport}, nil, BySelf, start); err != nil {
			return err
		}
		return db.AllowTopic(ctx, "b@example.com", steward.TopicReport)
	},
	"Records": func(ctx context.Context, db *DB) error {
		for _, f := range []RecordFilter{{}, {Account: "a000001"}, {Account: "a000001", Enrolment: someEnrolment}, {Account: "a000001", Message: someMessage}, {Message: someMessage}} {
			f.Limit = 5
			if _, err := db.Records(ctx, f); err != nil {
				return err
			}
		}
		return nil
	},
	"Rejects": func(ctx context.Context, db *DB) error { _, _, err := db.Rejects(ctx, "crm", 5); return err },
	"Release": func(ctx context.Context, db *DB) error {
		_, err := db.Release(ctx, ReleaseFilter{Playbook: "adoption"}, start)
		return err
	},
	"RenewRun": func(ctx context.Context, db *DB) error {
		_, _ = db.RenewRun(ctx, someRun, start, time.Minute)
		return nil
	},
	"Requeue": func(ctx context.Context, db *DB) error {
		_, err := db.Requeue(ctx, []steward.Due{{ID: "m-open00000003"}})
		return err
	},
	"RequeueAll": func(ctx context.Context, db *DB) error {
		_, err := db.RequeueAll(ctx)
		return err
	},
	"Rewind": func(ctx context.Context, db *DB) error { _, err := db.Rewind(ctx, start.AddDate(1, 0, 0)); return err },
	"Runs":   func(ctx context.Context, db *DB) error { _, err := db.Runs(ctx, "", 5); return err },
	"Salt":   func(ctx context.Context, db *DB) error { _, err := db.Salt(ctx); return err },
	"SavePlaybookVersion": func(ctx context.Context, db *DB) error {
		return db.SavePlaybookVersion(ctx, "adoption", "v1", "text", start)
	},
	"Series": func(ctx context.Context, db *DB) error { _, err := db.Series(ctx, []string{"logins"}); return err },
	"SeriesOf": func(ctx context.Context, db *DB) error {
		_, err := db.SeriesOf(ctx, []steward.AccountID{"a000001"}, []string{"logins"})
		return err
	},
	"Override": func(ctx context.Context, db *DB) error {
		return db.Override(ctx, steward.HealthOverride{Account: "a000001", Health: 30, From: 1, Until: 99999, Because: "a merger", By: "dana", At: start})
	},
	"ClearOverride": func(ctx context.Context, db *DB) error {
		_, err := db.ClearOverride(ctx, "a000001", "dana", 2)
		return err
	},
	"Overrides": func(ctx context.Context, db *DB) error { _, err := db.Overrides(ctx, "a000001"); return err },
	"SetPause":  func(ctx context.Context, db *DB) error { return db.SetPause(ctx, steward.Pause{At: start}) },
	"Settle": func(ctx context.Context, db *DB) error {
		if _, _, err := db.Claim(ctx, "m-open00000004", 0, start, time.Minute, pass); err != nil {
			return err
		}
		return db.Settle(ctx, "m-open00000004", 0, steward.Settlement{State: steward.Sent}, start)
	},
	"Sources":  func(ctx context.Context, db *DB) error { _, err := db.Sources(ctx); return err },
	"Strays":   func(ctx context.Context, db *DB) error { _, err := db.Strays(ctx); return err },
	"Standing": func(ctx context.Context, db *DB) error { _, err := db.Standing(ctx); return err },
	"Suppress": func(ctx context.Context, db *DB) error {
		return db.Suppress(ctx, "a@example.com", "asked", "a person", start)
	},
	"StandingOf": func(ctx context.Context, db *DB) error {
		_, err := db.StandingOf(ctx, []steward.EnrolmentID{someEnrolment})
		return err
	},
	"SuppressedAddresses": func(ctx context.Context, db *DB) error { _, err := db.SuppressedAddresses(ctx); return err },
	"Suppressions":        func(ctx context.Context, db *DB) error { _, err := db.Suppressions(ctx); return err },
	"TakeOver": func(ctx context.Context, db *DB) error {
		return db.TakeOver(ctx, []steward.EnrolmentID{"e-open00000046"}, "dana", start)
	},
	"Unclaimed": func(ctx context.Context, db *DB) error {
		_, err := db.Unclaimed(ctx, []steward.OwnerID{"o001", "o002"}, start.AddDate(0, -1, 0))
		return err
	},
	"Unsuppress":  func(ctx context.Context, db *DB) error { return db.Unsuppress(ctx, "a@example.com") },
	"VetoElapsed": func(ctx context.Context, db *DB) error { _, err := db.VetoElapsed(ctx, start); return err },
}

// A spy notes every statement that goes through it, each once.
type spy struct {
	mu      sync.Mutex
	queries map[string]bool
}

// take is what was noted since it was last asked.
func (s *spy) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Sorted(maps.Keys(s.queries))
	s.queries = map[string]bool{}
	return out
}

func (s *spy) note(query string) {
	first, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	switch strings.ToUpper(first) {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.queries[query] = true
	}
}

// spyOn has a database's statements noted from now on.
func spyOn(t *testing.T, db *DB) *spy {
	t.Helper()
	s := &spy{queries: map[string]bool{}}
	must(t, db.read.Close())
	must(t, db.write.Close())
	open := func(pragmas string) *sqlx.DB {
		pool := sqlx.NewDb(sql.OpenDB(spyConnector{s, "file:" + filepath.ToSlash(db.path) + "?" + pragmas}), "sqlite3")
		pool.SetMaxOpenConns(1)
		return pool
	}
	db.read, db.write = open(readerPragmas.Encode()), open(writerPragmas.Encode())
	return s
}

type spyConnector struct {
	spy *spy
	dsn string
}

func (c spyConnector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

func (c spyConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.Driver().Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return spyConn{conn.(*sqlite3.SQLiteConn), c.spy}, nil
}

type spyConn struct {
	*sqlite3.SQLiteConn
	spy *spy
}

func (c spyConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.spy.note(query)
	return c.SQLiteConn.PrepareContext(ctx, query)
}

func (c spyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.spy.note(query)
	return c.SQLiteConn.ExecContext(ctx, query, args)
}

func (c spyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.spy.note(query)
	return c.SQLiteConn.QueryContext(ctx, query, args)
}
