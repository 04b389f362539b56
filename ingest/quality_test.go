package ingest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

func TestQuality(t *testing.T) {
	good := steward.Account{ID: "good", Name: "Good", Owner: "dana", StartDate: today - 100, RenewalDate: today + 100, ARR: steward.Num(1)}
	with := func(id steward.AccountID, change func(*steward.Account)) steward.Account {
		a := good
		a.ID, a.Name = id, string(id)
		change(&a)
		return a
	}
	r := Review{
		Today:  today,
		Owners: map[steward.OwnerID]bool{"dana": true},
		Portfolio: steward.Portfolio{
			Accounts: []steward.Account{
				good,
				with("ownerless", func(a *steward.Account) { a.Owner = "" }),
				with("stranger", func(a *steward.Account) { a.Owner = "zoe" }),
				with("overdue", func(a *steward.Account) { a.RenewalDate = today - 1 }),
				with("today", func(a *steward.Account) { a.RenewalDate = today }),
				with("twin-1", func(a *steward.Account) { a.Name = "Twin, Inc." }),
				with("twin-2", func(a *steward.Account) { a.Name = "twin" }),
				with("bare", func(a *steward.Account) {
					a.StartDate, a.RenewalDate, a.ARR = steward.NoDay, steward.NoDay, steward.Unknown(steward.NumberKind)
				}),
				with("ended", func(a *steward.Account) {}),
				with("orphan", func(a *steward.Account) { a.Parent = "nobody" }),
				with("early", func(a *steward.Account) { a.StartDate = today + 1 }),
				with("trial", func(a *steward.Account) { a.Test, a.Owner = true, "" }),
				with("gone", func(a *steward.Account) { a.Status, a.Owner = "churned", "" }),
			},
			Contracts: []steward.Contract{
				{ID: "c1", Account: "good", EndDate: today},
				{ID: "c2", Account: "ended", EndDate: today - 1},
				{ID: "c3", Account: "ended", EndDate: today + 9, Cancelled: true},
				{ID: "c4", Account: "lost", EndDate: today + 9},
				{ID: "c5", Account: "good", EndDate: steward.NoDay},
				{ID: "c6", Account: "good", EndDate: steward.NoDay, Cancelled: true},
			},
			Contacts: []steward.Contact{
				{ID: "p1", Account: "good", Email: "a@b.de", Roles: []string{"economic_buyer"}},
				{ID: "p2", Account: "ended", Email: "not an address", Roles: []string{"champion"}},
				{ID: "p3", Account: "lost"},
			},
			Gone:     []steward.Contact{{ID: "p4", Account: "good"}},
			Products: []steward.Product{{ID: "x1", Account: "good"}, {ID: "x2", Account: "lost"}},
			Tickets: []steward.Ticket{
				{ID: "t1", Account: "good", Contact: "p1", Opened: today - 365, Closed: steward.NoDay},
				{ID: "t2", Account: "lost", Contact: "p4", Opened: today - 800, Closed: today - 700},
				{ID: "t3", Account: "good", Contact: "x@y.z", Opened: today - 366, Closed: steward.NoDay},
			},
			Objectives: []steward.Objective{
				{ID: "o1", Account: "good", Target: steward.Num(1), Due: today - 90},
				{ID: "o2", Account: "good", Due: today - 91},
			},
			Kinds: map[string]bool{"contacts": true, "tickets": true},
		},
		WithSeries: map[steward.AccountID]bool{"good": true, "stray": true},
		Asked:      []string{"tickets", "touches", "surveys", "touches"},
		Sources: []steward.SourceState{
			{Name: "fresh", ImportedAt: time.Unix(1, 0), CompleteThrough: today - 1, Metrics: []string{"logins"}},
			{Name: "old", ImportedAt: time.Unix(1, 0), CompleteThrough: today - 9, Metrics: []string{"logins"}},
			{Name: "empty", ImportedAt: time.Unix(1, 0), CompleteThrough: steward.NoDay, Metrics: []string{"logins"}},
			{Name: "new", CompleteThrough: steward.NoDay},
		},
	}
	got := map[string][]string{}
	for _, f := range r.Findings() {
		got[f.Name] = f.Examples
		if f.Count < len(f.Examples) || f.Count > f.Of || f.Message == "" || !strings.HasSuffix(f.Do, ".") {
			t.Errorf("%+v", f)
		}
	}
	want := map[string][]string{
		NoOwner: {"ownerless"}, UnknownOwner: {"stranger"}, RenewalPast: {"overdue"}, NoRenewal: {"bare"},
		ContractEnded: {"ended"}, NoStart: {"bare"}, NoARR: {"bare"}, NoBuyer: {"ended"}, DuplicateName: {"twin-1", "twin-2"}, UnknownParent: {"orphan"}, FutureStart: {"early"},
		NoContract: {"bare", "early", "orphan", "overdue", "ownerless"}, NoAddress: {"bare", "early", "ended", "orphan", "overdue"},
		NoEnd: {"c5"}, OrphanContract: {"c4"}, OrphanContact: {"p3"}, OrphanSeries: {"stray"}, NoSeries: {"bare", "early", "ended", "orphan", "overdue"},
		StaleSource: {"old"}, SourceNoMetrics: {"empty"}, NeverImported: {"new"},
		OrphanProduct: {"x2"}, OrphanTicket: {"t2"}, ForgottenTicket: {"t3"}, TicketOfNobody: {"t3"}, ObjectiveOverdue: {"o2"}, NoTarget: {"o2"}, NoSourceOf: {"surveys", "touches"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestQualityOfNothing(t *testing.T) {
	got := Quality(steward.Portfolio{}, nil, nil, today)
	if len(got) != 1 || got[0].Name != NoAccounts {
		t.Errorf("%+v", got)
	}
}
