package configs

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestPools: how long a pool's cards may lie, and what a pool cannot have.
func TestPools(t *testing.T) {
	w, ps := load(t, "zone: UTC\n", `- {id: lee, name: Lee Okafor, email: lee@example.com, zone: Europe/Madrid}
- {id: smb, name: Customer Success, pool: "#cs-smb", claim_within: 4h, manager: lee, zone: Asia/Tokyo}
- {id: slow, name: Customer Success, pool: "#cs-slow", claim_within: 2d}
- {id: patient, name: Customer Success, pool: "#cs-rest"}
`, nil)
	if len(ps) > 0 {
		t.Fatalf("problems: %v", told(ps))
	}
	var within []time.Duration
	var zones []string
	for _, o := range w.Owners {
		within, zones = append(within, o.ClaimWithin), append(zones, o.Zone.String())
	}
	if diff := cmp.Diff([]time.Duration{0, 4 * time.Hour, 48 * time.Hour, 0}, within); diff != "" {
		t.Errorf("claim_within (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Europe/Madrid", "Asia/Tokyo", "UTC", "UTC"}, zones); diff != "" {
		t.Errorf("zones (-want +got):\n%s", diff)
	}
	_, ps = load(t, "zone: UTC\n", `- {id: dana, name: Dana, email: dana@example.com, claim_within: 4h}
- {id: smb, name: Customer Success, pool: "#cs-smb", claim_within: 5m, away: [2026-08-03]}
- {id: old, name: Customer Success, pool: "#cs-old", claim_within: 31d}
`, nil)
	if diff := cmp.Diff([]string{
		`owners.yaml:1:65: owner dana: claim_within is for pools, and this is a person (remove it, or write pool: with the channel that shares the accounts) | 4h`,
		`owners.yaml:2:68: owner smb: "5m" is not how long a card may lie, from 15m to 30d (write a whole number and m, h or d, such as 4h) | 5m`,
		`owners.yaml:2:79: owner smb: a pool is never away (write away: on the people who share it) | 2026-08-03`,
		`owners.yaml:3:68: owner old: "31d" is not how long a card may lie, from 15m to 30d (write a whole number and m, h or d, such as 4h) | 31d`,
	}, told(ps)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
