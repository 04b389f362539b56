package store

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"steward"
	"steward/series"
)

// snapshot is what every row that is there is, by the fields that have a
// history.
func snapshot(t interface{ Fatal(...any) }, db *DB, and string) map[steward.HistoryKey]map[string]steward.Value {
	out := map[steward.HistoryKey]map[string]steward.Value{}
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	var accounts []accountRow
	check(db.read.Select(&accounts, `SELECT * FROM accounts WHERE `+and))
	for _, r := range accounts {
		a, err := r.noun()
		check(err)
		out[steward.HistoryKey{Kind: steward.AboutAccount, ID: string(a.ID)}] = accountFields(a)
	}
	var contracts []contractRow
	check(db.read.Select(&contracts, `SELECT * FROM contracts WHERE `+and))
	for _, r := range contracts {
		c, err := r.noun()
		check(err)
		out[steward.HistoryKey{Kind: steward.AboutContract, ID: string(c.ID)}] = contractFields(c)
	}
	var contacts []contactRow
	check(db.read.Select(&contacts, `SELECT * FROM contacts WHERE `+and))
	for _, r := range contacts {
		c, err := r.noun()
		check(err)
		out[steward.HistoryKey{Kind: steward.AboutContact, ID: string(c.ID)}] = contactFields(c)
	}
	var products []productRow
	check(db.read.Select(&products, `SELECT * FROM products WHERE `+and))
	for _, r := range products {
		p, err := r.noun()
		check(err)
		out[steward.HistoryKey{Kind: steward.AboutProduct, ID: string(p.ID)}] = productFields(p)
	}
	return out
}

// valueOn is what a field was by the history, with what it is now.
func valueOn(p steward.Past, field string, now steward.Value, day steward.Day) steward.Value {
	v, changed := steward.Value{}, false
	for _, c := range p.Changes {
		if c.Field != field {
			continue
		}
		if changed = true; c.Day <= day {
			v = c.Value
		}
	}
	if !changed {
		return now
	}
	return v
}

// Whatever is imported from whichever sources on whichever days, also several
// times a day, the history gives back every day as it was when it ended.
func TestThePastIsWhatItWas(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	day0 := steward.DayOf(start, berlin)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		for _, table := range []string{"accounts", "contracts", "contacts", "products", "listings", "field_history", "import_rejects", "imports", "sources"} {
			db.write.MustExec(`DELETE FROM ` + table)
		}
		n++
		var days []map[steward.HistoryKey]map[string]steward.Value
		last := 0
		for range rapid.IntRange(1, 8).Draw(rt, "imports") {
			d := last + rapid.IntRange(0, 3).Draw(rt, "days later")
			for ; last < d; last++ {
				days = append(days, snapshot(rt, db, `gone_from = ''`))
			}
			b := randomBatch(rt)
			b.At = start.AddDate(0, 0, d).In(berlin)
			if _, err := db.Import(ctx, b); err != nil {
				rt.Fatal(err)
			}
		}
		days = append(days, snapshot(rt, db, `gone_from = ''`))
		p, err := db.Portfolio(ctx)
		if err != nil {
			rt.Fatal(err)
		}
		now := snapshot(rt, db, `1 = 1`)
		for i, was := range days {
			day := day0 + steward.Day(i)
			for key, fields := range now {
				past, recorded := p.History[key]
				there, wasThere := was[key]
				if !recorded {
					rt.Fatalf("%v has no history", key)
				}
				if reached := past.Since <= day; wasThere && !reached {
					rt.Fatalf("%v was there on day %d, and its history begins on %v", key, i, past.Since)
				} else if !reached {
					continue
				}
				for field, is := range fields {
					if _, still := days[len(days)-1][key]; !still {
						is = steward.Value{} // what another source says of what is gone is not heard
					}
					if got := valueOn(past, field, is, day); !sameValue(got, there[field]) {
						rt.Fatalf("%v: %s on day %d is %v by the history, and was %v (there: %t)\n%v", key, field, i, got, there[field], wasThere, past.Changes)
					}
				}
			}
		}
		for key, past := range p.History {
			for i, c := range past.Changes {
				if i > 0 && past.Changes[i-1].Day > c.Day {
					rt.Fatalf("%v: changes are not in the order of time: %v", key, past.Changes)
				}
				same := slices.IndexFunc(past.Changes[i+1:], func(x steward.FieldChange) bool { return x.Field == c.Field })
				if same >= 0 && sameValue(past.Changes[i+1+same].Value, c.Value) {
					rt.Fatalf("%v: %s is said to change to what it was: %v", key, c.Field, past.Changes)
				}
			}
		}
	})
	if n == 0 {
		t.Error("nothing was tried")
	}
}

// randomBatch is an import of one of two sources, complete or not, of a few
// rows with a few values.
func randomBatch(t *rapid.T) Batch {
	word := func(name string) string {
		return rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, name)
	}
	b := Batch{Source: rapid.SampledFrom([]string{"crm", "billing"}).Draw(t, "source"), Full: rapid.Bool().Draw(t, "full"), Accept: SwingKinds()}
	for _, id := range []string{"1", "2"} {
		if rapid.Bool().Draw(t, "account "+id) {
			a := steward.Account{ID: steward.AccountID(id), Owner: steward.OwnerID(word("owner")), StartDate: steward.NoDay, RenewalDate: steward.NoDay, Test: rapid.Bool().Draw(t, "test"),
				EscalationLevel: steward.Unknown(steward.NumberKind)}
			if v := word("plan"); v != "" {
				a.More = map[string]steward.Value{"plan": steward.Str(v)}
			}
			b.Accounts = append(b.Accounts, a)
		}
		if rapid.Bool().Draw(t, "contract "+id) {
			b.Contracts = append(b.Contracts, steward.Contract{ID: steward.ContractID(id), Account: "1", StartDate: steward.NoDay, EndDate: steward.NoDay, NoticeDate: steward.NoDay,
				Renewed: rapid.Bool().Draw(t, "renewed")})
		}
		if rapid.Bool().Draw(t, "contact "+id) {
			b.Contacts = append(b.Contacts, steward.Contact{ID: steward.ContactID(id), Account: "1", LastSeen: steward.NoDay,
				Roles: rapid.SampledFrom([][]string{nil, {"champion"}, {"admin", "champion"}}).Draw(t, "roles")})
		}
		if rapid.Bool().Draw(t, "product "+id) {
			b.Products = append(b.Products, steward.Product{ID: steward.ProductID(id), Account: "2", Plan: word("tier"), StartDate: steward.NoDay, EndDate: steward.NoDay})
		}
	}
	return b
}

func TestWhoLeftIsKnown(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	ana := steward.Contact{ID: "ana", Account: "acme", Name: "Ana", Email: "ana@acme.example", Roles: []string{"champion"}, LastSeen: steward.NoDay}
	bob := steward.Contact{ID: "bob", Account: "acme", Name: "Bob", Roles: []string{"admin", "champion"}, LastSeen: steward.NoDay}
	put := func(day int, contacts ...steward.Contact) steward.Portfolio {
		t.Helper()
		_, err := db.Import(ctx, Batch{Source: "crm", At: start.AddDate(0, 0, day), Full: true, FullKinds: []Kind{Contacts}, Accept: SwingKinds(),
			Accounts: []steward.Account{account("acme")}, Contacts: contacts})
		must(t, err)
		p, err := db.Portfolio(ctx)
		must(t, err)
		return p
	}
	of := func(p steward.Portfolio) []steward.FieldChange {
		return slices.DeleteFunc(p.History[steward.HistoryKey{Kind: steward.AboutContact, ID: "ana"}].Changes, func(c steward.FieldChange) bool { return c.Field != "role" })
	}
	put(0, ana, bob)
	swapped := bob
	swapped.Roles = []string{"champion", "admin"}
	p := put(5, swapped)
	if len(p.Contacts) != 1 || len(p.Gone) != 1 || p.Gone[0].ID != "ana" || p.Gone[0].Name != "Ana" {
		t.Fatalf("there: %v, gone: %v", p.Contacts, p.Gone)
	}
	diff(t, "the past of who left", []steward.FieldChange{{Field: "role", Day: 20_524, Value: steward.Str("champion")}, {Field: "role", Day: 20_529}}, of(p))
	if c := p.History[steward.HistoryKey{Kind: steward.AboutContact, ID: "bob"}].Changes; len(c) > 0 {
		t.Errorf("roles in another order are told as a change: %v", c)
	}
	// Another source may go on naming her, and does not bring her back.
	silent := steward.Contact{ID: "cleo", Account: "acme", LastSeen: steward.NoDay}
	put(6, swapped, silent)
	put(7, swapped)
	silent.Roles = []string{"champion"}
	_, err := db.Import(ctx, Batch{Source: "events", At: start.AddDate(0, 0, 8), Contacts: []steward.Contact{silent}})
	must(t, err)
	if p, err = db.Portfolio(ctx); err != nil || len(p.Gone) != 2 || p.Gone[1].ID != "cleo" || p.Gone[1].Roles != nil {
		t.Errorf("gone: %v, %v", p.Gone, err)
	}
	p = put(9, ana, bob, silent)
	if len(p.Gone) != 0 {
		t.Errorf("gone: %v", p.Gone)
	}
	diff(t, "the past of who came back", []steward.FieldChange{{Field: "role", Day: 20_524, Value: steward.Str("champion")}, {Field: "role", Day: 20_529},
		{Field: "role", Day: 20_533, Value: steward.Str("champion")}}, of(p))
}

func TestWhatIsLearntIsKept(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	b := portfolioBatch(t, 2)
	b.Milestones = []steward.Milestone{{Account: "a-0000", Name: "kickoff", Day: 20_400}}
	_, err := db.Import(ctx, b)
	must(t, err)
	learn := func(changes ...steward.FieldChange) {
		t.Helper()
		conflicts, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "a-0000", Learnt: changes}}, start)
		if must(t, err); len(conflicts) > 0 {
			t.Fatal(conflicts)
		}
	}
	stage := func(day steward.Day, name string) steward.FieldChange {
		return steward.FieldChange{Field: steward.StageField, Day: day, Value: steward.Str(name)}
	}
	reached := func(day steward.Day, name string) steward.FieldChange {
		return steward.FieldChange{Field: steward.MilestonePrefix + name, Day: 20_524, Value: steward.OnDay(day)}
	}
	learn(stage(20_524, "onboarding"), reached(20_520, "kickoff"), reached(20_522, "first_value"), reached(20_521, "cleared"))
	before := dump(t, db)
	learn(stage(20_524, "onboarding"), reached(20_522, "first_value"))
	learn(stage(20_530, "onboarding")) // as it has been
	diff(t, "what a replay wrote", before, dump(t, db))
	learn(stage(20_540, "adoption"), steward.FieldChange{Field: steward.MilestonePrefix + "cleared", Day: 20_540})

	// Neither the list nor its end touches what was learnt.
	again := portfolioBatch(t, 1)
	again.Accounts[0].ID, again.Full, again.FullKinds, again.Accept = "other", true, []Kind{Accounts}, SwingKinds()
	_, err = db.Import(ctx, again)
	must(t, err)
	b.At = start.AddDate(0, 0, 3)
	b.Full, b.FullKinds = true, []Kind{Accounts}
	b.Accept = SwingKinds()
	_, err = db.Import(ctx, b)
	must(t, err)

	p, err := db.Portfolio(ctx)
	must(t, err)
	var learnt []steward.FieldChange
	for _, c := range p.History[steward.HistoryKey{Kind: steward.AboutAccount, ID: "a-0000"}].Changes {
		if c.Field == steward.StageField {
			learnt = append(learnt, c)
		}
	}
	diff(t, "stages", []steward.FieldChange{stage(20_524, "onboarding"), stage(20_540, "adoption")}, learnt)
	diff(t, "milestones, of which the source's stand", []steward.Milestone{{Account: "a-0000", Name: "first_value", Day: 20_522}, {Account: "a-0000", Name: "kickoff", Day: 20_400}}, p.Milestones)
	if _, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "a-0000", Learnt: []steward.FieldChange{{Field: "owner", Day: 1}}}}, start); err == nil {
		t.Error("a source's field was learnt")
	}
}

func TestDealings(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	at := func(day int) time.Time { return start.AddDate(0, 0, day) }
	opened := func(playbook steward.PlaybookName, day int, change func(*steward.Enrolment)) steward.Enrolment {
		return with(enrolment("acme", playbook, at(day)), change)
	}
	ended := func(e *steward.Enrolment) {
		e.State, e.Reason, e.EndedAt = steward.Exited, steward.ReasonRecovered, e.OpenedAt.AddDate(0, 0, 1)
	}
	held := func(e *steward.Enrolment) {
		e.State, e.Reason, e.StepSince = steward.Quarantined, steward.ReasonBaseline, time.Time{}
	}
	lapsed := func(e *steward.Enrolment) { held(e); ended(e) }
	late := opened("login-drop", 0, func(e *steward.Enrolment) { // half an hour before midnight in UTC, after it in Berlin
		e.OpenedAt = time.Date(2026, 3, 12, 23, 30, 0, 0, time.UTC)
		e.StepSince = e.OpenedAt
		ended(e)
	})
	commitEnrolments(t, db, opened("login-drop", -20, ended), late, opened("login-drop", -900, ended), opened("stalled", -3, lapsed), opened("adoption", -4, held))
	if _, err := db.Release(ctx, ReleaseFilter{Playbook: "adoption"}, at(-1)); err != nil {
		t.Fatal(err)
	}
	mail := func(contact steward.ContactID, day int, state steward.MessageState) {
		m := cardFor("acme", at(day))
		m.ID, m.Kind, m.Channel = steward.MessageID(fmt.Sprint("m-", contact, day)), steward.Mail, steward.Email
		m.To = steward.Recipient{Key: "role:champion", Contact: contact, Email: "x@acme.example"}
		m.State, m.Settled = state, at(day)
		e := enrolment("acme", steward.PlaybookName(fmt.Sprint("mails-", contact, day)), at(-1000))
		ended(&e)
		_, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "acme", Enrolments: []steward.Enrolment{e}, Messages: []steward.Message{m},
			Outreach: []steward.Outreach{outreachFor(e, "mail", m.ID)}}}, at(day))
		must(t, err)
	}
	mail("ana", -10, steward.Sent)
	mail("ana", -2, steward.Uncertain)
	mail("ana", -1, steward.Suppressed)
	mail("bob", -801, steward.Sent)
	got, err := db.Dealings(ctx, at(-800), berlin)
	must(t, err)
	diff(t, "what was done", map[steward.AccountID]steward.Dealings{"acme": {
		Fired:  map[steward.PlaybookName][]steward.Day{"login-drop": {20_504, 20_525}, "adoption": {20_523}},
		Mailed: map[steward.ContactID][]steward.Day{"ana": {20_514, 20_522}},
	}}, got)
}

func TestScoresAreKeptByDay(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	var scores []steward.Score
	for i := range scoreBatch + 50 {
		id := steward.AccountID(fmt.Sprintf("a-%04d", i))
		scores = append(scores, steward.Score{Account: id, Name: "health", Value: 55.55 + float64(i%3)}, steward.Score{Account: id, Name: "grade", Value: 1})
	}
	run, claimed, err := db.ClaimRun(ctx, "evaluate", steward.SlotAt(start), start, time.Minute)
	if must(t, err); !claimed {
		t.Fatal("not claimed")
	}
	must(t, db.KeepScores(ctx, run, 20_524, scores))
	before := dump(t, db)
	must(t, db.KeepScores(ctx, run, 20_524, scores))
	diff(t, "what doing it again wrote", before, dump(t, db))
	must(t, db.KeepScores(ctx, run, 20_526, scores[:2]))
	got, err := db.Scores(ctx, "a-0000")
	must(t, err)
	if v, ok := got["health"].At(20_524); !ok || v != 55.6 || len(got) != 2 || got["grade"].Last() != 20_526 || got["health"].Observed() != 2 {
		t.Errorf("scores: %v", got)
	}
	if all, err := db.Scores(ctx, "a-0249"); err != nil || len(all) != 2 {
		t.Errorf("of the last account: %v, %v", all, err)
	}
	if s, err := db.Series(ctx, []string{"health"}); err != nil || len(s["health"]) != 0 {
		t.Errorf("a score is read as a metric: %v, %v", s, err)
	}
	next, claimed, err := db.ClaimRun(ctx, "evaluate", steward.SlotAt(start.AddDate(0, 0, 1)), start.AddDate(0, 0, 1), time.Minute)
	if must(t, err); !claimed || next.Term != 1 {
		t.Fatal("not claimed")
	}
	if err := db.KeepScores(ctx, run, 20_525, scores); err == nil {
		t.Error("a run that was taken over kept scores")
	}
	if s, err := db.Scores(ctx, "a-0000"); err != nil || s["health"].Observed() != 2 {
		t.Errorf("it left %v, %v", s, err)
	}
	_, err = db.Import(ctx, Batch{Source: "usage", At: start, Series: map[SeriesKey]series.Series{{Account: "a-0000", Metric: "@health"}: daily(t, 20_000, 1)}})
	if err == nil {
		t.Error("a source overwrote the history of health")
	}
}
