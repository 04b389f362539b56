package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"steward"
	"steward/notify/notifytest"
)

// listens gives the outpost's workspace a webhook, crm, with a secret, and a
// receiver that goes by its own.
func (o *outpost) listens(secret, receivers string) {
	o.Helper()
	o.hook = notifytest.StartWebhook(receivers)
	o.Cleanup(o.hook.Close)
	o.hook.Now = o.now
	config, err := os.ReadFile(filepath.Join(o.dir, "steward.yaml"))
	o.must(err)
	o.env["CRM_WEBHOOK_SECRET"] = secret
	o.write("steward.yaml", string(config)+fmt.Sprintf("webhooks: {crm: {url: %q, secret_env: CRM_WEBHOOK_SECRET}}\n", o.hook.URL()))
}

const tellingPlaybook = `playbook: telling
title: Logins are dropping
cooldown: 0
backfill: true
max_new: 100%
audience: id == 'acme'
when: drop(logins, 14d) >= 50%
until: recovered(logins, 14d) >= 80%
steps:
  - {id: tell-crm, webhook: crm, message: nudge}
`

// telling is an outpost that tells another system of the account that drops.
func telling(t *testing.T) *outpost {
	o := newOutpost(t, "")
	o.listens(hookSecret, hookSecret)
	o.write("playbooks/telling.yaml", tellingPlaybook)
	return o
}

func TestWorkerTellsAnotherSystem(t *testing.T) {
	o := telling(t)
	o.start()
	o.wait("the system was told", func() bool {
		list := of(o.outreach(), steward.Call, "acme")
		return len(list) == 1 && list[0].State == steward.Sent
	})
	_, metrics := o.get(o.private + "/metrics")
	for _, want := range []string{`steward_channel_waits{channel="webhook:crm",reason="channel_down"} 0`, `steward_channel_waits{channel="webhook",reason="channel_down"} 0`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics does not say %s", want)
		}
	}
	o.stop()
	taken := o.hook.Taken()
	if len(taken) != 1 {
		t.Fatalf("%d messages were taken", len(taken))
	}
	var body struct {
		Type string
		Data struct{ Account, Playbook, Step, Owner, Title, Text string }
	}
	o.must(json.Unmarshal(taken[0].Body, &body))
	want := struct{ Account, Playbook, Step, Owner, Title, Text string }{"acme", "telling", "tell-crm", "dana", "Logins are dropping", "Acme GmbH is in less than before. Ask why."}
	if body.Type != "steward.telling.tell-crm" || body.Data != want {
		t.Errorf("it was told %+v", body)
	}
	if m := of(o.outreach(), steward.Call, "acme")[0]; m.ID != steward.MessageID(taken[0].ID) {
		t.Errorf("message %s went as %s", m.ID, taken[0].ID)
	}
	o.command(exitFine, "send-test", "--webhook", "crm")
	if again := o.hook.Taken(); len(again) != 2 || !strings.Contains(string(again[1].Body), "steward.test") {
		t.Errorf("the test message: %+v", again)
	}
}

// A rehearsal sets nothing off, though its people are reached.
func TestARehearsalCallsNoWebhook(t *testing.T) {
	o := telling(t)
	config, err := os.ReadFile(filepath.Join(o.dir, "steward.yaml"))
	o.must(err)
	o.write("steward.yaml", strings.Replace(string(config), "delivery: live", `delivery: {redirect: "#cs-ops"}`, 1))
	o.start()
	o.wait("it is written down", func() bool {
		list := of(o.outreach(), steward.Call, "acme")
		return len(list) == 1 && list[0].State == steward.Sent && strings.Contains(list[0].Detail, "not called, as delivery is redirected")
	})
	o.stop()
	if found, _ := filepath.Glob(filepath.Join(o.dir, "preview", "*", "*.webhook.json")); o.hook.Calls() != 0 || len(found) != 1 {
		t.Errorf("%d calls, %d files", o.hook.Calls(), len(found))
	}
}
