package playbooks_test

import (
	"testing"

	"steward"
)

// TestStandIn: what is for somebody who is away goes to whoever stands in.
func TestStandIn(t *testing.T) {
	owners := []steward.Owner{
		{ID: "dana", Name: "Dana Reyes", Slack: "U1", Backup: "sam", Manager: "lee"},
		{ID: "sam", Name: "Sam Ito", Slack: "U2", Backup: "kim"},
		{ID: "kim", Name: "Kim Abe", Slack: "U3", Backup: "dana"},
		{ID: "lee", Name: "Lee Okafor", Slack: "U4"},
	}
	for _, tt := range []struct {
		name string
		away map[steward.OwnerID]bool
		want steward.OwnerID
	}{
		{"all are here", nil, "dana"},
		{"her backup", map[steward.OwnerID]bool{"dana": true}, "sam"},
		{"her backup's backup", map[steward.OwnerID]bool{"dana": true, "sam": true}, "kim"},
		{"nobody is here: it waits with her", map[steward.OwnerID]bool{"dana": true, "sam": true, "kim": true}, "dana"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := settings()
			s.Owners = owners
			s.Away = func(id steward.OwnerID, d steward.Day) bool { return tt.away[id] && d == day0+1 }
			w := newWorld(t, load(t, s, nil, "playbook: p\nwhen: seats > 3\nbackfill: true\n"), customer("acme"))
			w.seats(5)
			w.run(day0 + 1)
			said := w.memory.Outreach[w.must("p", "acme").ID]
			if len(said) != 1 || said[0].To.Owner != tt.want || said[0].To.Key != "owner" {
				t.Errorf("said %+v, want one nudge to %s under the key owner", said, tt.want)
			}
		})
	}
}
