package playbooks_test

import (
	"slices"
	"testing"

	"steward"
)

// TestStandIn: what is for somebody who is away goes to whoever stands in: their
// backups, then their manager and those who stand in there, and at last the
// channel for accounts that nobody owns.
func TestStandIn(t *testing.T) {
	owners := []steward.Owner{
		{ID: "dana", Name: "Dana Reyes", Slack: "U1", Backup: "sam", Manager: "lee"},
		{ID: "sam", Name: "Sam Ito", Slack: "U2", Backup: "kim", Zone: berlin},
		{ID: "kim", Name: "Kim Abe", Slack: "U3", Backup: "dana"},
		{ID: "lee", Name: "Lee Okafor", Slack: "U4", Backup: "pat", Manager: "max"},
		{ID: "pat", Name: "Pat Moe", Slack: "U5", Manager: "dana"},
		{ID: "max", Name: "Max Roth", Slack: "U6", Backup: "lee", Manager: "lee"},
	}
	team := []steward.OwnerID{"dana", "sam", "kim"}
	for _, tt := range []struct {
		name    string
		away    []steward.OwnerID
		unowned string
		want    steward.Recipient
	}{
		{"all are here", nil, "#unowned", steward.Recipient{Owner: "dana", Slack: "U1"}},
		{"her backup", []steward.OwnerID{"dana"}, "#unowned", steward.Recipient{Owner: "sam", Slack: "U2", Zone: "Europe/Berlin"}},
		{"her backup's backup", []steward.OwnerID{"dana", "sam"}, "#unowned", steward.Recipient{Owner: "kim", Slack: "U3"}},
		{"all backups are away: her manager", team, "#unowned", steward.Recipient{Owner: "lee", Slack: "U4"}},
		{"her manager's backup", append(team, "lee"), "#unowned", steward.Recipient{Owner: "pat", Slack: "U5"}},
		{"her manager's manager", append(team, "lee", "pat"), "#unowned", steward.Recipient{Owner: "max", Slack: "U6"}},
		{"nobody is here: the channel", append(team, "lee", "pat", "max"), "#unowned", steward.Recipient{Slack: "#unowned"}},
		{"nobody is here, and there is no channel: it waits with her", append(team, "lee", "pat", "max"), "", steward.Recipient{Owner: "dana", Slack: "U1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := settings()
			s.Owners, s.Unowned = owners, tt.unowned
			s.Away = func(id steward.OwnerID, d steward.Day) bool { return slices.Contains(tt.away, id) && d == day0+1 }
			w := newWorld(t, load(t, s, nil, "playbook: p\nwhen: seats > 3\nbackfill: true\n"), customer("acme"))
			w.seats(5)
			w.run(day0 + 1)
			said := w.memory.Outreach[w.must("p", "acme").ID]
			if len(said) != 1 {
				t.Fatalf("said %+v, want one nudge", said)
			}
			got := said[0].To
			if got.Owner != tt.want.Owner || got.Slack != tt.want.Slack || got.Zone != tt.want.Zone || got.Key != "owner" {
				t.Errorf("said to %+v, want %+v under the key owner", got, tt.want)
			}
		})
	}
}
