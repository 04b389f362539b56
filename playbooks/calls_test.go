package playbooks_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/playbooks"
)

func hooked() playbooks.Settings {
	s := settings()
	s.Webhooks = []string{"crm", "warehouse"}
	return s
}

const callHead = "playbook: p\ntitle: Logins are dropping\ncooldown: 0\nbackfill: true\nwhen: seats == 1\nuntil: seats == 0\nsteps:\n"

func TestWebhookStep(t *testing.T) {
	w := newWorld(t, load(t, hooked(), nil, callHead+"- {id: tell-crm, webhook: crm, message: nudge, expires: 2d}\n- {id: bare, webhook: warehouse}\n- {id: card, slack: owner, message: nudge}\n"), customer("a"))
	w.seats(1)
	w.run(day0 + 1)
	slot := six(day0 + 1)
	w.advance(slot, slot.Time().Add(time.Minute))
	w.advance(slot, slot.Time().Add(2*time.Minute))
	e := w.must("p", "a")
	m, ok := w.message("tell-crm")
	to := steward.Recipient{Key: "webhook:crm", Name: "crm", Webhook: "crm"}
	if !ok || m.Kind != steward.Call || m.Channel != steward.Webhook || m.To != to || !m.RetryUncertain || m.ID != steward.NewMessageID(steward.Call, string(w.memory.Outreach[e.ID][0].ID)) {
		t.Fatalf("%+v", m)
	}
	compose := func(step string) steward.Content {
		t.Helper()
		m, _ := w.message(step)
		for _, o := range w.memory.Outreach[e.ID] {
			if o.Step == step {
				c, err := w.at(slot).Compose(m, []steward.Outreach{o}, []steward.Enrolment{e})
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
		}
		t.Fatalf("no outreach of %s", step)
		return steward.Content{}
	}
	want := steward.Content{Title: "Logins are dropping", Account: "Acme a", Severity: "warning",
		Parts: []steward.ContentPart{{Playbook: "p", Title: "Logins are dropping", Markdown: "Look at Acme a.", Evidence: []string{"seats is 1"}, Enrolment: e.ID}},
		Call:  &steward.CallFacts{Account: "a", Subject: account("a"), Playbook: "p", Step: "tell-crm", Enrolment: e.ID, Owner: "dana"}}
	if diff := cmp.Diff(want, compose("tell-crm")); diff != "" {
		t.Errorf("what is told (-want +got):\n%s", diff)
	}
	if c := compose("bare"); c.Parts[0].Markdown != "" || len(c.Parts[0].Evidence) != 1 || c.Call.Step != "bare" {
		t.Errorf("without a message: %+v", c)
	}
	if said, _ := w.said(e); len(said) != 3 {
		t.Errorf("said %v", said)
	}
}

// Nobody sleeps at the other end, and nobody is mailed.
func TestWebhooksAreNobody(t *testing.T) {
	s := hooked()
	s.Hours = steward.Hours{Days: [7]bool{time.Monday: true}, From: 9 * time.Hour, To: 17 * time.Hour}
	s.Limits = steward.Limits{Owner: steward.Cap{Most: 1, Daily: true}, Address: steward.Cap{Most: 1, Window: time.Hour}, Account: steward.Cap{Most: 1, Window: time.Hour}}
	w := newWorld(t, load(t, s, nil, callHead+"- {id: tell-crm, webhook: crm}\n- {id: card, slack: owner, message: nudge}\n"), customer("a"))
	w.seats(1)
	w.Accounts[0].ContactPolicy = "none"
	w.run(day0 + 1)
	slot := six(day0 + 1)
	w.advance(slot, slot.Time().Add(time.Minute))
	e := w.must("p", "a")
	for _, o := range w.memory.Outreach[e.ID] {
		m := w.memory.Messages[o.Message]
		j := w.at(slot).Judge(steward.Dossier{Message: m, Outreach: []steward.Outreach{o}, Enrolments: []steward.Enrolment{e}, Phases: []steward.PhaseState{w.phase("p", "a")}})
		if call := o.Step == "tell-crm"; call != j.Passes() || call && len(w.at(slot).Places(m, []steward.Outreach{o})) != 0 {
			t.Errorf("%s: %+v", o.Step, j)
		}
	}
}

func TestWebhooksThatCannotBe(t *testing.T) {
	for _, c := range []struct{ step, want string }{
		{"webhook: crn", "did you mean crm?"},
		{"webhook: billing", `steward.yaml names no webhook "billing"`},
		{"webhook: crm, slack: owner, message: nudge", "several things at once"},
		{"webhook: crm, message: nugde", `there is no message "nugde"`},
		{"webhook: crm, remind: every 7d", "need not be reminded"},
		{"webhook: crm, approve: owner", "only an email step is approved"},
		{"webhook: crm, message: help", "contact"},
	} {
		_, problems := tryLoad(hooked(), nil, callHead+"- {id: one, "+c.step+"}\n")
		errs := problems.Errors()
		if len(errs) == 0 || !strings.Contains(errs[0].Message+" "+errs[0].Hint, c.want) {
			t.Errorf("%s: %v, want %q", c.step, errs, c.want)
		}
	}
	// A text that was stored may name one that is gone; sending tells of that.
	b := load(t, settings(), nil, "playbook: q\ncooldown: 0\nwhen: seats == 1\nuntil: seats == 0\n")
	if _, err := b.Compile(callHead + "- {id: one, webhook: gone}\n"); err != nil {
		t.Errorf("a stored text: %v", err)
	}
	p, err := load(t, hooked(), nil, callHead+"- {id: one, webhook: crm, on_uncertain: leave}\n").Compile(callHead + "- {id: one, webhook: crm, on_uncertain: leave}\n")
	if err != nil || p.Steps[0].RetryUncertain {
		t.Errorf("on_uncertain: leave is not kept: %v", err)
	}
}
