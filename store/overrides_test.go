package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

func TestOverridesAreKeptWithTheirHistory(t *testing.T) {
	ctx, db := context.Background(), openTest(t)
	_, err := db.Import(ctx, Batch{Source: "crm", At: start, Accounts: []steward.Account{{ID: "acme", StartDate: steward.NoDay, RenewalDate: steward.NoDay}}})
	must(t, err)
	today := steward.DayOf(start, time.UTC)
	said := func(health float64, until steward.Day) steward.HealthOverride {
		return steward.HealthOverride{Account: "acme", Health: health, From: today, Until: until, Because: "a merger", By: "dana", At: start.Truncate(time.Second)}
	}
	first, second := said(30, today+3), said(55.5, today+1)
	must(t, db.Override(ctx, first))
	must(t, db.Override(ctx, second))
	for name, bad := range map[string]steward.HealthOverride{"no reason": {Account: "acme", From: 1, Until: 2, By: "dana"}, "nobody": {Account: "acme", From: 1, Until: 2, Because: "x"},
		"backwards": {Account: "acme", From: 2, Until: 1, By: "dana", Because: "x"}} {
		if err := db.Override(ctx, bad); err == nil {
			t.Errorf("%s: it is kept", name)
		}
	}
	n, err := db.ClearOverride(ctx, "acme", "lee", today+2)
	if err != nil || n != 1 {
		t.Fatalf("taken back: %d, %v", n, err)
	}
	if n, err = db.ClearOverride(ctx, "acme", "lee", today+2); err != nil || n != 0 {
		t.Fatalf("taken back twice: %d, %v", n, err)
	}
	first.ID, second.ID, second.Cleared = 1, 2, steward.NoDay
	first.Cleared, first.ClearedBy = today+2, "lee"
	first.At, second.At = start.Truncate(time.Second).UTC(), start.Truncate(time.Second).UTC()
	want := []steward.HealthOverride{first, second}
	got, err := db.Overrides(ctx, "acme")
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	p, err := db.Portfolio(ctx)
	must(t, err)
	if diff := cmp.Diff(want, p.Overrides); diff != "" {
		t.Errorf("in the portfolio: %s", diff)
	}
	if none, err := db.Overrides(ctx, "other"); err != nil || len(none) > 0 {
		t.Errorf("of another account: %v, %v", none, err)
	}
}
