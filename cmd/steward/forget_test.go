package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"steward"
)

// Who is forgotten is named by nothing that stands in Slack: not by cards, not by
// the one that quoted a mail to them, which has no buttons any more, and not by a
// digest.
func TestNothingInSlackNamesTheForgotten(t *testing.T) {
	o := newOutpost(t, "")
	o.write("messages/nudge.md", "{{ .account.name }} is in less than before.{{ if eq .account.name \"Acme GmbH\" }} Ask Ana Ruiz (ana@acme.example) why.{{ end }}\n")
	o.write("playbooks/aside.yaml", strings.Replace(strings.ReplaceAll(livePlaybook, "%%", "%"), "playbook: %[1]s\n", "playbook: aside\nseverity: info\n", 1))
	o.start()
	defer o.stop()
	name := func(said string) bool {
		said = strings.ReplaceAll(said, `\`, "")
		return strings.Contains(said, "Ana Ruiz") || strings.Contains(said, "ana@acme.example")
	}
	naming := func() (kinds []steward.MessageKind) {
		for _, p := range o.slack.Posts() {
			if name(p.Text + string(p.Blocks)) {
				kinds = append(kinds, o.message(steward.MessageID(p.ID)).Kind)
			}
		}
		slices.Sort(kinds)
		return slices.Compact(kinds)
	}
	o.wait("a card and a request name her", func() bool { return len(naming()) >= 2 })
	o.later(4 * time.Hour)
	o.wait("and a digest", func() bool {
		return slices.Equal(naming(), []steward.MessageKind{steward.Approval, steward.Card, steward.Digest})
	})
	o.command(exitFine, "forget", "ana@acme.example")
	o.wait("nothing names her", func() bool { return len(naming()) == 0 })
	for _, p := range o.slack.Posts() {
		if m := o.message(steward.MessageID(p.ID)); m.Kind != steward.Approval || m.Account != "acme" {
			continue
		}
		if said := string(p.Blocks); !strings.Contains(said, "the person was forgotten") || strings.Contains(said, "Hi Ana") || strings.Contains(said, `"actions"`) {
			t.Errorf("the card that asked about the mail shows\n%s", said)
		}
	}
}
