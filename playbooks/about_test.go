package playbooks_test

import (
	"strings"
	"testing"
	"time"

	"steward"
	"steward/playbooks"
)

// What is told of an account is what conditions read, of it alone.
func TestAboutAnAccount(t *testing.T) {
	s := settings()
	book := load(t, s, nil, "playbook: drop\ntitle: Logins are dropping\nwhen: drop(logins, 14d) >= 50%\n", "playbook: big\nwhen: arr > 1\n")
	w := newWorld(t, book, customer("acme"), customer("birch"))
	w.Contacts = []steward.Contact{{ID: "c1", Account: "acme", Name: "Ada Ash", Email: " Ada@Example.com", Roles: []string{"champion"}}, {ID: "c2", Account: "birch", Name: "Bo"}}
	w.Touches = []steward.Touch{{ID: "t1", Account: "acme", Contact: "c1", Day: day0 + 3, Kind: "call", By: "dana"}, {ID: "t2", Account: "acme", Contact: "c1", Day: day0 + 9, Kind: "note"},
		{ID: "t3", Account: "birch", Contact: "c2", Day: day0 + 20, Kind: "call"}}
	w.Objectives = []steward.Objective{{ID: "o1", Account: "acme", Name: "more", Metric: "logins", Baseline: steward.Num(10), Target: steward.Num(30), Due: day0 + 90}}
	w.Overrides = []steward.HealthOverride{{Account: "birch", Health: 10, From: day0, Until: day0 + 9}}
	w.memory.Suppressed["ada@example.com"] = "unsubscribed"
	for range 40 {
		w.daily["logins"]["acme"] = append(w.daily["logins"]["acme"], 20)
	}
	sit := w.at(six(day0 + 40))
	a, ok := sit.About("acme")
	if !ok || a.Owner.ID != "dana" || a.InPortfolio != steward.Holds || a.Today != day0+40 || len(a.Overrides) != 0 {
		t.Fatalf("%v %+v", ok, a)
	}
	if len(a.People) != 1 || a.People[0].Last.ID != "t1" || a.People[0].Stopped != "unsubscribed" {
		t.Errorf("people %+v; a note reaches nobody", a.People)
	}
	if len(a.Aims) != 1 || a.Aims[0].Progress.Num != .5 {
		t.Errorf("aims %+v", a.Aims)
	}
	if len(a.Metrics) != 2 || a.Metrics[0].End != day0+39 || len(a.Metrics[0].By) != 1 || a.Metrics[0].By[0] != "drop" || len(a.Metrics[1].By) != 0 {
		t.Errorf("metrics %+v", a.Metrics)
	}
	for _, x := range a.Playbooks {
		p, _ := book.Playbook(x.Playbook)
		whole, err := sit.Explain(p, x.Subject)
		if err != nil || x.Sentence != whole.Sentence || !strings.HasPrefix(x.Sentence, "acme, ") {
			t.Errorf("%s: %q, and explain says %q, %v", x.Playbook, x.Sentence, whole.Sentence, err)
		}
	}
	if len(a.Playbooks) != 2 {
		t.Errorf("%d playbooks are told of", len(a.Playbooks))
	}
	if _, ok := sit.About("nobody"); ok {
		t.Error("nobody is known")
	}
	found, all := sit.Glimpses(1, func(a steward.Account) bool { return true })
	if all != 2 || len(found) != 1 || found[0].Account.ID != "acme" {
		t.Errorf("%d of %d: %+v", len(found), all, found)
	}
}

// Without an address of pages a card leads to none.
func TestBookWithoutPages(t *testing.T) {
	b := &playbooks.Book{}
	if got := b.Page("acme", "dana", day0.Start(berlin)); got != "" {
		t.Errorf("the page is at %q", got)
	}
}

// A pool's card is read by everybody in its channel, so its link is nobody's.
func TestOnlyPeopleActByALink(t *testing.T) {
	b := load(t, settings(), nil, "playbook: big\nwhen: arr > 1\n")
	b.PageLink = func(account steward.AccountID, owner steward.OwnerID, at time.Time) string {
		return string(account) + "/" + string(owner)
	}
	for owner, want := range map[steward.OwnerID]string{"dana": "acme/dana", "pool": "acme/", "gone": "acme/", "": "acme/"} {
		if got := b.Page("acme", owner, day0.Start(berlin)); got != want {
			t.Errorf("the link for %q is of %q, want %q", owner, got, want)
		}
	}
}
