package facts_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"steward"
	"steward/facts"
	"steward/series"
)

// workspace is two accounts and their contracts, with every way in which a
// field can be there or not.
func workspace(t *testing.T) *facts.Frame {
	t.Helper()
	full := steward.Account{
		ID: "acme", Name: "Acme", Parent: "group", Status: "customer", Segment: "enterprise", ARR: steward.Num(48_000),
		Currency: "EUR", Owner: "dana", StartDate: day(t, "2025-01-10"), RenewalDate: day(t, "2026-05-12"),
		Stage: "adoption", EscalationLevel: steward.Num(1), ContactPolicy: "none", Test: true, Pulse: steward.Num(4),
		More: map[string]steward.Value{
			"plan": steward.Str("gold"), "seats": steward.Num(50), "pilot": steward.Bool(true),
			"signed": steward.OnDay(day(t, "2024-12-01")), "tier": steward.Num(3),
		},
	}
	empty := account("blank", steward.NoDay)
	empty.More = map[string]steward.Value{"plan": steward.Str(""), "seats": {}}
	return facts.At(facts.Input{
		Slot: slotAt(t, "2026-03-11T06:00:00Z"), Zone: time.UTC,
		Portfolio: steward.Portfolio{
			Accounts: []steward.Account{full, empty},
			Contracts: []steward.Contract{
				{ID: "c1", Account: "acme", Product: "suite", StartDate: day(t, "2026-01-01"), EndDate: day(t, "2026-12-31"),
					NoticeDate: day(t, "2026-09-30"), Amount: steward.Num(12_000), AutoRenew: true, Renewed: true, Cancelled: true,
					More: map[string]steward.Value{"seats": steward.Num(20), "plan": steward.Str("")}},
				{ID: "c2", Account: "gone"},
				{ID: "c3", Account: "blank", StartDate: steward.NoDay, EndDate: steward.NoDay, NoticeDate: steward.NoDay},
				{ID: "c4", Account: "acme", StartDate: steward.NoDay, EndDate: steward.NoDay, NoticeDate: steward.NoDay},
			},
		},
		Fields: []steward.FieldSpec{
			{Name: "plan", Kind: steward.TextKind}, {Name: "seats", Kind: steward.NumberKind},
			{Name: "pilot", Kind: steward.FlagKind}, {Name: "signed", Kind: steward.DateKind},
			{Name: "tier", Kind: steward.TextKind},    // was a number when it was imported
			{Name: "segment", Kind: steward.DateKind}, // a built-in name is the built-in field
		},
		Metrics: []facts.Metric{{
			Spec: steward.MetricSpec{Name: "logins", Kind: steward.Count}, Through: day(t, "2026-03-10"),
			Series: map[steward.AccountID]series.Series{"acme": seriesOf(t, day(t, "2026-03-10"), 7)},
		}},
	})
}

func TestFields(t *testing.T) {
	frame := workspace(t)
	for _, c := range []struct {
		about   steward.SubjectKind
		subject string
		want    map[string]string
	}{
		{steward.AboutAccount, "acme", map[string]string{
			"id": "'acme'", "name": "'Acme'", "parent": "'group'", "status": "'customer'", "segment": "'enterprise'",
			"arr": "48000", "currency": "'EUR'", "owner": "'dana'", "start_date": "2025-01-10", "renewal_date": "2026-05-12",
			"stage": "'adoption'", "escalation_level": "1", "contact_policy": "'none'", "test": "true", "pulse": "4",
			"plan": "'gold'", "seats": "50", "pilot": "true", "signed": "2024-12-01", "tier": "unknown", "product": "unknown",
		}},
		{steward.AboutAccount, "blank", map[string]string{
			"id": "'blank'", "name": "unknown", "parent": "unknown", "status": "unknown", "segment": "unknown", "arr": "unknown",
			"currency": "unknown", "owner": "unknown", "start_date": "unknown", "renewal_date": "unknown", "stage": "unknown",
			"escalation_level": "unknown", "contact_policy": "unknown", "test": "false", "pulse": "unknown",
			"plan": "unknown", "seats": "unknown", "pilot": "false", "signed": "unknown", "nosuch": "unknown",
		}},
		{steward.AboutContract, "c1", map[string]string{
			"id": "'c1'", "account": "'acme'", "product": "'suite'", "start_date": "2026-01-01", "end_date": "2026-12-31",
			"notice_date": "2026-09-30", "amount": "12000", "auto_renew": "true", "renewed": "true", "cancelled": "true",
			"name": "'Acme'", "segment": "'enterprise'", "arr": "48000", "renewal_date": "2026-05-12", "test": "true",
			"seats": "20", "plan": "'gold'", "pilot": "true",
		}},
		{steward.AboutContract, "c3", map[string]string{
			"product": "unknown", "amount": "unknown", "auto_renew": "false", "renewed": "false", "cancelled": "false",
			"notice_date": "unknown", "name": "unknown", "pilot": "false", "test": "false",
		}},
		// The contract's own start date is not known; its account's is another thing.
		{steward.AboutContract, "c4", map[string]string{"start_date": "unknown", "seats": "50"}},
	} {
		view := frame.View(c.about)
		row, ok := view.Row(c.subject)
		if !ok {
			t.Fatalf("no %s %s", c.about, c.subject)
		}
		for name, want := range c.want {
			if got := view.Field(name, 0).Value(row).String(); got != want {
				t.Errorf("%s of %s over a column = %s, want %s", name, c.subject, got, want)
			}
			if got := view.FieldAt(row, name, 0).String(); got != want {
				t.Errorf("%s of %s = %s, want %s", name, c.subject, got, want)
			}
		}
	}
}

// Every built-in field has its kind both in the list that the language checks
// names against and in the columns, and the list is whole.
func TestBuiltinFieldsAreWhatViewsHave(t *testing.T) {
	frame := workspace(t)
	for _, c := range []struct {
		kind  steward.SubjectKind
		count int
	}{{steward.AboutAccount, 15}, {steward.AboutContract, 23}, {steward.AboutContact, 21}, {steward.AboutProduct, 20}} {
		view, builtin := frame.View(c.kind), facts.BuiltinFields(c.kind)
		if len(builtin) != c.count {
			t.Errorf("%s has %d built-in fields: %v", c.kind, len(builtin), slices.Sorted(maps.Keys(builtin)))
		}
		for name, kind := range builtin {
			if got, ok := view.Kind(name); !ok || got != kind || kind == steward.NoKind {
				t.Errorf("%s of a %s is a %s in the list and a %s in the view", name, c.kind, kind, got)
			}
			if got := view.Field(name, 0).Kind; got != kind {
				t.Errorf("the column %s of a %s is a %s, want %s", name, c.kind, got, kind)
			}
		}
	}
	for name, want := range map[string]steward.Kind{"plan": steward.TextKind, "pilot": steward.FlagKind, "segment": steward.TextKind} {
		if got, ok := frame.View(steward.AboutContract).Kind(name); !ok || got != want {
			t.Errorf("%s is a %s, want %s", name, got, want)
		}
	}
	if k, ok := frame.View(steward.AboutAccount).Kind("logins"); ok {
		t.Errorf("a metric is a field of kind %s", k)
	}
}

func TestContractsAreJudgedByTheirAccount(t *testing.T) {
	frame := workspace(t)
	contracts := frame.View(steward.AboutContract)
	if contracts.Len() != 3 {
		t.Fatalf("%d contracts, want 3: one belongs to nobody", contracts.Len())
	}
	if _, ok := contracts.Row("c2"); ok {
		t.Error("a contract without an account is a row")
	}
	row, _ := contracts.Row("c4")
	if got, want := contracts.Subject(row), (steward.Subject{Kind: steward.AboutContract, ID: "c4", Account: "acme"}); got != want {
		t.Errorf("subject %v, want %v", got, want)
	}
	if contracts.Account(row).Name != "Acme" || contracts.Contract(row).ID != "c4" {
		t.Error("another contract's account")
	}
	if got := contracts.Window(facts.Last, "logins", 0, 0).Value(row); !same(got, steward.Num(7)) {
		t.Errorf("its account's logins = %v, want 7", got)
	}
	accounts := frame.View(steward.AboutAccount)
	if accounts.Contract(0) != nil {
		t.Error("an account is a contract")
	}
	if got, want := accounts.Subject(0), (steward.Subject{Kind: steward.AboutAccount, ID: "acme", Account: "acme"}); got != want {
		t.Errorf("subject %v, want %v", got, want)
	}
}

func TestAKindWithoutSubjectsIsEmpty(t *testing.T) {
	view := workspace(t).View("opportunity")
	if view.Len() != 0 || view.Field("name", 0).Len() != 0 || view.Window(facts.Sum, "logins", 7, 0).Len() != 0 {
		t.Error("a kind that is not judged has rows")
	}
	if _, ok := view.Row("acme"); ok {
		t.Error("and finds one")
	}
}

func TestColumnsWithoutUnknownsSaySo(t *testing.T) {
	view := workspace(t).View(steward.AboutAccount)
	if c := view.Field("id", 0); c.Known != nil || c.Num != nil || len(c.Text) != 2 {
		t.Errorf("id = %+v", c)
	}
	if c := view.Field("arr", 0); len(c.Known) != 2 || !c.Known[0] || c.Known[1] || c.Text != nil {
		t.Errorf("arr = %+v", c)
	}
}
