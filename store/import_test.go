package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"steward"
	"steward/series"
)

func itoa(n int) string { return strconv.Itoa(n) }

// account is a full account, so that a field that is lost on the way shows.
func account(id string) steward.Account {
	return steward.Account{
		ID: steward.AccountID(id), Name: "Acme & <Söhne> " + id, Parent: "group", Status: "customer", Segment: "mid-market",
		ARR: steward.Num(48_000.5), Currency: "EUR", Owner: "dana", StartDate: 19_000, RenewalDate: 20_600, Stage: "adoption",
		EscalationLevel: steward.Num(0), ContactPolicy: "ask", Test: true,
		More: map[string]steward.Value{"plan": steward.Str("pro"), "seats": steward.Num(40), "legal_hold": steward.Bool(false), "signed": steward.OnDay(18_000)},
	}
}

func portfolioBatch(t testing.TB, n int) Batch {
	t.Helper()
	b := Batch{Source: "crm", At: start.In(berlin), CompleteThrough: 20_523, NewestDay: 20_523, Metrics: []string{"logins"},
		Series: map[SeriesKey]series.Series{}, Rows: n}
	for i := range n {
		id := fmt.Sprintf("a-%04d", i)
		b.Accounts = append(b.Accounts, account(id))
		b.Contracts = append(b.Contracts, steward.Contract{ID: steward.ContractID("c-" + id), Account: steward.AccountID(id), Product: "suite",
			StartDate: 19_000, EndDate: 20_600, NoticeDate: steward.NoDay, Amount: steward.Num(48_000), AutoRenew: true})
		b.Contacts = append(b.Contacts, steward.Contact{ID: steward.ContactID("p-" + id), Account: steward.AccountID(id), Name: "Ana Ruiz",
			Email: "ana@" + id + ".example", Roles: []string{"champion", "admin"}, Locale: "es", LastSeen: 20_500})
		b.Touches = append(b.Touches, steward.Touch{ID: "t-" + id, Account: steward.AccountID(id), Contact: steward.ContactID("p-" + id), Day: 20_510, Kind: "call", By: "dana"})
		b.Series[SeriesKey{steward.AccountID(id), "logins"}] = daily(t, 20_500, 4, 5, math.NaN(), 7)
	}
	return b
}

func TestImportAndReadBack(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	b := portfolioBatch(t, 3)
	done, err := db.Import(ctx, b)
	must(t, err)
	all := Tally{New: 3}
	if want := (Imported{Accounts: all, Contracts: all, Contacts: all, Touches: all, Days: 9, SeriesTouched: 3}); done != want {
		t.Errorf("Import = %+v, want %+v", done, want)
	}
	p, err := db.Portfolio(ctx)
	must(t, err)
	if len(p.History) != 9 || p.History[steward.HistoryKey{Kind: steward.AboutContact, ID: "p-a-0001"}].Since != 20_524 {
		t.Errorf("history: %v", p.History)
	}
	p.History = nil
	want := steward.Portfolio{Accounts: b.Accounts, Contracts: b.Contracts, Contacts: b.Contacts, Touches: b.Touches,
		Kinds: map[string]bool{"accounts": true, "contacts": true, "contracts": true, "touches": true}}
	if diff := cmp.Diff(want, p, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("portfolio (-stored +read):\n%s", diff)
	}
	s, err := db.Series(ctx, []string{"logins", "reports"})
	must(t, err)
	if len(s) != 2 || len(s["logins"]) != 3 || len(s["reports"]) != 0 || !s["logins"]["a-0001"].Equal(b.Series[SeriesKey{"a-0001", "logins"}]) {
		t.Errorf("series = %v", s)
	}
	few, err := db.SeriesOf(ctx, []steward.AccountID{"a-0002", "nobody"}, []string{"logins"})
	must(t, err)
	if len(few["logins"]) != 1 {
		t.Errorf("SeriesOf = %v", few)
	}
	if none, err := db.SeriesOf(ctx, nil, []string{"logins"}); err != nil || len(none["logins"]) != 0 {
		t.Errorf("SeriesOf nobody = %v, %v", none, err)
	}
	sources, err := db.Sources(ctx)
	must(t, err)
	if diff := cmp.Diff([]steward.SourceState{{Name: "crm", CompleteThrough: 20_523, NewestDay: 20_523, ImportedAt: start, Metrics: []string{"logins"},
		Kinds: []string{"accounts", "contacts", "contracts", "touches"}}}, sources); diff != "" {
		t.Errorf("sources:\n%s", diff)
	}
}

func TestImportTwiceDoublesNothing(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	b := portfolioBatch(t, 3)
	b.Touches[0].ID = "" // its identity is what it says
	_, err := db.Import(ctx, b)
	must(t, err)
	before := dump(t, db)
	b.At = b.At.AddDate(0, 0, 1)
	done, err := db.Import(ctx, b)
	must(t, err)
	same := Tally{Same: 3}
	if want := (Imported{Accounts: same, Contracts: same, Contacts: same, Touches: same, Days: 9}); done != want {
		t.Errorf("the second time: %+v, want %+v", done, want)
	}
	if diff := cmp.Diff(before, dump(t, db)); diff != "" {
		t.Errorf("the second import changed:\n%s", diff)
	}
}

// dump is the content of what an import fills, as text.
func dump(t *testing.T, db *DB) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, table := range []string{"accounts", "contracts", "contacts", "touches", "products", "tickets", "surveys", "objectives", "milestones", "field_history", "series"} {
		rows, err := db.read.Queryx(`SELECT * FROM ` + table)
		must(t, err)
		for rows.Next() {
			row, err := rows.SliceScan()
			must(t, err)
			out[table] = append(out[table], fmt.Sprint(row))
		}
		must(t, rows.Err())
		must(t, rows.Close())
	}
	return out
}

func TestTwoSourcesFeedOneAccount(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	crm := Batch{Source: "crm", At: start, Full: true, FullKinds: []Kind{Accounts},
		AccountFields: []string{"id", "name", "arr"},
		Accounts:      []steward.Account{{ID: "acme", Name: "Acme", ARR: steward.Num(10), StartDate: steward.NoDay, RenewalDate: steward.NoDay}}}
	billing := Batch{Source: "billing", At: start, AccountFields: []string{"id", "seats", "start_date"},
		Accounts: []steward.Account{{ID: "acme", Name: "not mapped", StartDate: 19_000, RenewalDate: 5, More: map[string]steward.Value{"seats": steward.Num(7)}}}}
	for _, b := range []Batch{billing, crm, billing, crm} {
		_, err := db.Import(ctx, b)
		must(t, err)
	}
	read := func() []steward.Account {
		p, err := db.Portfolio(ctx)
		must(t, err)
		return p.Accounts
	}
	want := []steward.Account{{ID: "acme", Name: "Acme", ARR: steward.Num(10), StartDate: 19_000, RenewalDate: steward.NoDay,
		EscalationLevel: steward.Unknown(steward.NumberKind), More: map[string]steward.Value{"seats": steward.Num(7)}}}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}

	// The CRM closes the account; billing, which only adds to it, does not revive it.
	gone := crm
	gone.Accounts, gone.Accept = []steward.Account{{ID: "other", StartDate: steward.NoDay, RenewalDate: steward.NoDay}}, []SwingKind{SwingRows}
	done, err := db.Import(ctx, gone)
	must(t, err)
	if done.Accounts.Gone != 1 {
		t.Errorf("gone: %+v", done.Accounts)
	}
	_, err = db.Import(ctx, billing)
	must(t, err)
	if got := read(); len(got) != 1 || got[0].ID != "other" {
		t.Errorf("after it was closed: %v", got)
	}
	crm.Accept = []SwingKind{SwingRows}
	done, err = db.Import(ctx, crm)
	must(t, err)
	if got := read(); len(got) != 1 || got[0].ID != "acme" || done.Accounts.Changed != 1 {
		t.Errorf("after it came back: %v, %+v", got, done)
	}
}

func TestAFullListThatLosesTooMuchIsRefused(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	b := portfolioBatch(t, 20)
	b.Full = true
	_, err := db.Import(ctx, b)
	must(t, err)
	before := dump(t, db)
	less := portfolioBatch(t, 17)
	less.Full = true
	_, err = db.Import(ctx, less)
	var held *HeldError
	if !errors.As(err, &held) || len(held.Swings) != 3 {
		t.Fatalf("Import = %v", err)
	}
	diff(t, "the swing of accounts", Swing{Kind: SwingRows, What: "account", Was: 20, Now: 17, Day: steward.NoDay, Examples: []string{"a-0017", "a-0018", "a-0019"}}, held.Swings[0])
	if text := err.Error(); strings.Contains(text, "p-a-0017") || !strings.Contains(text, "3 of 20 accounts are missing from the file, such as a-0017") {
		t.Errorf("it says: %s", text)
	}
	if diff := cmp.Diff(before, dump(t, db)); diff != "" {
		t.Errorf("a refused import left:\n%s", diff)
	}
	tenth := portfolioBatch(t, 18)
	tenth.Full = true
	done, err := db.Import(ctx, tenth)
	must(t, err)
	if done.Accounts.Gone != 2 || done.Contacts.Gone != 2 || done.Contracts.Gone != 2 {
		t.Errorf("a tenth went: %+v", done)
	}
	// Of 18, one more is few enough; all of them never are.
	done, err = db.Import(ctx, less)
	must(t, err)
	if done.Accounts.Gone != 1 {
		t.Errorf("one more went: %+v", done)
	}
	none := portfolioBatch(t, 0)
	none.Full, none.CompleteThrough, none.NewestDay = true, 20_523, 20_523
	if _, err = db.Import(ctx, none); !errors.As(err, &held) {
		t.Errorf("an empty list: %v", err)
	}
	p, err := db.Portfolio(ctx)
	must(t, err)
	if len(p.Accounts) != 17 || len(p.Contracts) != 17 || len(p.Contacts) != 17 || len(p.Touches) != 17 {
		t.Errorf("%d accounts, %d contracts, %d contacts, %d touches are left", len(p.Accounts), len(p.Contracts), len(p.Contacts), len(p.Touches))
	}
}

func TestFieldHistory(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	at := time.Date(2026, 3, 12, 23, 30, 0, 0, time.UTC).In(berlin) // the 13th in Berlin
	first := steward.Day(20_525)
	a := steward.Account{ID: "acme", Name: "Acme", Owner: "dana", StartDate: steward.NoDay, RenewalDate: steward.NoDay,
		More: map[string]steward.Value{"seats": steward.Num(7)}}
	put := func(at time.Time) {
		_, err := db.Import(ctx, Batch{Source: "crm", At: at, Accounts: []steward.Account{a}})
		must(t, err)
	}
	put(at)
	a.Owner = "lee"
	put(at.AddDate(0, 0, 1))
	a.Owner = "sam" // the second change on one day stands
	a.More = nil
	put(at.AddDate(0, 0, 1).Add(time.Minute))
	got, err := db.FieldHistory(ctx, steward.AboutAccount, "acme")
	must(t, err)
	want := []steward.FieldChange{
		{Field: "id", Day: first, Value: steward.Str("acme")}, {Field: "name", Day: first, Value: steward.Str("Acme")}, {Field: "owner", Day: first, Value: steward.Str("dana")}, {Field: "seats", Day: first, Value: steward.Num(7)},
		{Field: "owner", Day: first + 1, Value: steward.Str("sam")}, {Field: "seats", Day: first + 1, Value: steward.Value{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestSourcesGoForward(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	for _, c := range []struct{ complete, newest, wantComplete, wantNewest steward.Day }{
		{steward.NoDay, steward.NoDay, steward.NoDay, steward.NoDay},
		{100, 101, 100, 101},
		{90, 91, 90, 101}, // the file declares less complete; that newer days are known stays
		{steward.NoDay, steward.NoDay, steward.NoDay, 101},
		{110, 111, 110, 111},
	} {
		_, err := db.Import(ctx, Batch{Source: "usage", At: start, CompleteThrough: c.complete, NewestDay: c.newest, Accept: SwingKinds()})
		must(t, err)
		s, err := db.Sources(ctx)
		must(t, err)
		if s[0].CompleteThrough != c.wantComplete || s[0].NewestDay != c.wantNewest {
			t.Errorf("after %v, %v: complete %v, newest %v", c.complete, c.newest, s[0].CompleteThrough, s[0].NewestDay)
		}
	}
}

func TestRejectsAndFilesAreOfTheLastImport(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	if files, err := db.LastFiles(ctx, "crm"); err != nil || files != nil {
		t.Errorf("before the first import: %v, %v", files, err)
	}
	many := make([]Reject, rejectsKept+5)
	for i := range many {
		many[i] = Reject{File: "a.csv", Line: i + 2, Column: 3, ColumnName: "arr", Reason: "not a number", Text: "lots", Warning: i == 0}
	}
	_, err := db.Import(ctx, Batch{Source: "crm", At: start, Rejects: many, Files: []FileMark{{Path: "old.csv"}}})
	must(t, err)
	got, total, err := db.Rejects(ctx, "crm", 2)
	must(t, err)
	if total != len(many) || !slices.Equal(got, many[:2]) {
		t.Errorf("%d in all, first %+v", total, got)
	}
	if got, _, err = db.Rejects(ctx, "crm", 0); err != nil || len(got) != rejectsKept {
		t.Errorf("%d are kept, %v", len(got), err)
	}
	mark := FileMark{Path: "a.csv", Size: 12, ModTime: start, Hash: "ab"}
	_, err = db.Import(ctx, Batch{Source: "crm", At: start, Files: []FileMark{mark}})
	must(t, err)
	if got, total, err = db.Rejects(ctx, "crm", 0); err != nil || total != 0 || len(got) != 0 {
		t.Errorf("after a clean import: %v, %d, %v", got, total, err)
	}
	files, err := db.LastFiles(ctx, "crm")
	must(t, err)
	if diff := cmp.Diff([]FileMark{mark}, files); diff != "" {
		t.Errorf("files:\n%s", diff)
	}
}

// Whatever days come in whatever imports, the last one that held a day says
// what it was.
func TestSeriesMergeDayByDay(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		key := SeriesKey{steward.AccountID(fmt.Sprintf("a-%d", n)), "logins"}
		want := map[steward.Day]float64{}
		for range rapid.IntRange(1, 4).Draw(rt, "imports") {
			var b series.Builder
			for d, v := range rapid.MapOf(rapid.Int32Range(20_000, 20_060), rapid.Float64Range(-1e6, 1e6)).Draw(rt, "days") {
				b.Add(steward.Day(d), v)
				want[steward.Day(d)] = v
			}
			s, err := b.Build()
			if err != nil {
				rt.Fatal(err)
			}
			if _, err := db.Import(ctx, Batch{Source: "usage", At: start, Series: map[SeriesKey]series.Series{key: s}}); err != nil {
				rt.Fatal(err)
			}
		}
		got, err := db.SeriesOf(ctx, []steward.AccountID{key.Account}, []string{"logins"})
		if err != nil {
			rt.Fatal(err)
		}
		for d := steward.Day(20_000); d <= 20_060; d++ {
			g, known := got["logins"][key.Account].At(d)
			if w, wanted := want[d]; known != wanted || known && g != w {
				rt.Fatalf("day %v: read %v %v, want %v %v", d, g, known, w, wanted)
			}
		}
	})
}

// Fields of any kind survive; unknown ones are absent.
func TestAccountsSurviveStorage(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	value := rapid.OneOf(
		rapid.Map(rapid.Float64(), steward.Num),
		rapid.Map(rapid.String(), steward.Str),
		rapid.Map(rapid.Bool(), steward.Bool),
		rapid.Map(rapid.Int32Range(-100_000, 100_000), func(d int32) steward.Value { return steward.OnDay(steward.Day(d)) }),
	)
	day := rapid.Map(rapid.Int32Range(-100_000, 100_000), func(d int32) steward.Day { return steward.Day(d) })
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		a := steward.Account{
			ID: steward.AccountID(fmt.Sprintf("a-%d", n)), Name: rapid.String().Draw(rt, "name"), Segment: rapid.String().Draw(rt, "segment"),
			ARR: steward.Num(rapid.Float64().Draw(rt, "arr")), EscalationLevel: steward.Unknown(steward.NumberKind),
			StartDate: rapid.OneOf(rapid.Just(steward.NoDay), day).Draw(rt, "start"), RenewalDate: day.Draw(rt, "renewal"),
			Test: rapid.Bool().Draw(rt, "test"), More: rapid.MapOf(rapid.StringMatching(`[a-z_]{1,8}`), value).Draw(rt, "more"),
		}
		for name, v := range a.More {
			if !v.Known {
				delete(a.More, name)
			}
		}
		if _, err := db.Import(ctx, Batch{Source: "crm", At: start, Accounts: []steward.Account{a}}); err != nil {
			rt.Fatal(err)
		}
		var row accountRow
		if err := db.read.Get(&row, `SELECT * FROM accounts WHERE id = ?`, a.ID); err != nil {
			rt.Fatal(err)
		}
		got, err := row.noun()
		if err != nil {
			rt.Fatal(err)
		}
		if !a.ARR.Known {
			a.ARR = steward.Unknown(steward.NumberKind)
		}
		if diff := cmp.Diff(a, got, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("(-stored +read):\n%s", diff)
		}
	})
}

// A source that maps one field writes that one and no other, whichever it is.
func TestOverlayWritesWhatIsMapped(t *testing.T) {
	stored, read := account("acme"), steward.Account{ID: "acme", Name: "New", Parent: "p2", Status: "churned", Segment: "smb", ARR: steward.Num(1),
		Currency: "USD", Owner: "lee", StartDate: 1, RenewalDate: 2, Stage: "value", EscalationLevel: steward.Num(3), ContactPolicy: "no",
		More: map[string]steward.Value{"plan": steward.Str("free"), "seats": steward.Num(1)}}
	fields := slices.Sorted(maps.Keys(accountFields(stored)))
	for _, f := range append(fields, "never_seen") {
		got := accountFields(overlay(stored, read, []string{"id", f}))
		for name := range accountFields(stored) {
			want := accountFields(stored)[name]
			if name == f {
				want = accountFields(read)[name]
			}
			if !sameValue(got[name], want) {
				t.Errorf("a source that maps %s: %s is %v, want %v", f, name, got[name], want)
			}
		}
	}
	diff(t, "a source that maps everything", read, overlay(stored, read, nil))
	diff(t, "a source that maps nothing", stored, overlay(stored, read, []string{}))
}
