package playbooks_test

import (
	"strings"
	"testing"
	"time"

	"steward"
	"steward/playbooks"
)

// aside is a world in which the playbook p mails the champion and nudges the
// owner, with more keys for it, more settings, and other playbooks beside it.
func aside(t *testing.T, keys string, change func(*playbooks.Settings), others ...string) *world {
	t.Helper()
	s := settings()
	if change != nil {
		change(&s)
	}
	p := "playbook: p\ncooldown: 0\nbackfill: true\nwhen: seats == 1\n" + keys +
		"steps:\n- {id: nudge, slack: owner, message: nudge}\n- {id: mail, email: [champion], message: help, unattended: true}\n"
	w := newWorld(t, load(t, s, nil, append([]string{p}, others...)...), customer("a"))
	w.Contacts = []steward.Contact{champion("a")}
	w.Accounts[0].More["seats"] = steward.Num(1)
	return w
}

// fates is what became of p's steps: that they were said, or why not, or why
// not yet.
func (w *world) fates() map[string]steward.Reason {
	out := map[string]steward.Reason{}
	for _, o := range w.memory.Outreach[w.must("p", "a").ID] {
		out[o.Step] = o.Suppressed
		if m, ok := w.memory.Messages[o.Message]; ok && m.State == steward.Deferred {
			out[o.Step] = m.Reason
		}
	}
	for step, r := range w.skipped() { // nobody was told of a mail that may not go yet
		if _, ok := out[step]; !ok {
			out[step] = r
		}
	}
	return out
}

func TestModes(t *testing.T) {
	for _, c := range []struct {
		mode        string
		nudge, mail steward.Reason
	}{{"", "", ""}, {"mode: live\n", "", ""}, {"mode: internal\n", "", steward.ReasonInternalMode}, {"mode: shadow\n", steward.ReasonShadow, steward.ReasonShadow}} {
		w := aside(t, c.mode, nil)
		w.run(day0 + 1)
		w.advance(six(day0+1), six(day0+1).Time().Add(time.Minute))
		got := w.fates()
		if len(got) != 2 || got["nudge"] != c.nudge || got["mail"] != c.mail {
			t.Errorf("%q: %v", c.mode, got)
		}
		if e := w.must("p", "a"); c.mode == "mode: shadow\n" && e.State != steward.Completed {
			t.Errorf("in shadow the steps are not gone through: %s", e.State)
		}
	}
	// A mode is how a playbook is switched: it holds for what was planned before.
	w := aside(t, "", nil)
	w.run(day0 + 1)
	e := w.must("p", "a")
	o := w.memory.Outreach[e.ID][0]
	w.book = w.book.With("p", func(p *playbooks.Playbook) { p.Mode = playbooks.Shadow })
	j := w.at(six(day0 + 1)).Judge(steward.Dossier{Message: w.memory.Messages[o.Message], Outreach: []steward.Outreach{o}, Enrolments: []steward.Enrolment{e}, Phases: []steward.PhaseState{w.phase("p", "a")}})
	if j.Reason != steward.ReasonShadow || j.Effect != steward.Suppress {
		t.Errorf("at send: %+v", j.Decision)
	}
}

func TestPurposeHold(t *testing.T) {
	const burning = "escalation_level > 0"
	for _, c := range []struct {
		name    string
		keys    string
		andFor  int
		account func(*steward.Account)
		past    []steward.FieldChange
		want    steward.Reason // of the mail
		detail  string
	}{
		{"nothing burns", "purpose: commercial\n", 14, func(a *steward.Account) { a.EscalationLevel = steward.Num(0) }, nil, "", ""},
		{"it burns", "purpose: commercial\n", 14, func(a *steward.Account) { a.EscalationLevel = steward.Num(2) }, nil, steward.ReasonPurposeHold, "escalation_level > 0 holds"},
		{"another purpose", "purpose: care\n", 14, func(a *steward.Account) { a.EscalationLevel = steward.Num(2) }, nil, "", ""},
		{"unknown", "purpose: report\n", 14, func(a *steward.Account) { a.EscalationLevel = steward.Unknown(steward.NumberKind) }, nil, steward.ReasonPurposeHold, "not known"},
		{"it burnt ten days ago", "purpose: commercial\n", 14, func(a *steward.Account) { a.EscalationLevel = steward.Num(0) },
			[]steward.FieldChange{{Field: "escalation_level", Day: day0 - 100, Value: steward.Num(3)}, {Field: "escalation_level", Day: day0 - 8, Value: steward.Num(0)}}, steward.ReasonPurposeHold, "the hold lasts 14 days"},
		{"it burnt twenty days ago", "purpose: commercial\n", 14, func(a *steward.Account) { a.EscalationLevel = steward.Num(0) },
			[]steward.FieldChange{{Field: "escalation_level", Day: day0 - 100, Value: steward.Num(3)}, {Field: "escalation_level", Day: day0 - 20, Value: steward.Num(0)}}, "", ""},
		{"it burnt yesterday, and no longer is no longer", "purpose: commercial\n", 0, func(a *steward.Account) { a.EscalationLevel = steward.Num(0) },
			[]steward.FieldChange{{Field: "escalation_level", Day: day0 - 100, Value: steward.Num(3)}, {Field: "escalation_level", Day: day0 + 1, Value: steward.Num(0)}}, "", ""},
		{"nobody knows how it was", "purpose: commercial\n", 14, func(a *steward.Account) { a.EscalationLevel = steward.Num(0) },
			[]steward.FieldChange{{Field: "segment", Day: day0 - 3, Value: steward.Str("smb")}}, steward.ReasonPurposeHold, "within the last 14 days is not known"},
	} {
		w := aside(t, c.keys, func(s *playbooks.Settings) {
			h := playbooks.Hold{Purposes: []string{"commercial", "report"}, AndFor: c.andFor}
			h.When.Value = burning
			s.Holds = []playbooks.Hold{h}
		})
		c.account(&w.Accounts[0])
		if c.past != nil {
			since := day0 - 100
			if c.past[0].Day > since {
				since = c.past[0].Day
			}
			w.History = steward.History{{Kind: steward.AboutAccount, ID: "a"}: {Since: since, Changes: c.past}}
		}
		w.run(day0 + 1)
		w.advance(six(day0+1), six(day0+1).Time().Add(time.Minute))
		got := w.fates()
		if got["mail"] != c.want || got["nudge"] != "" {
			t.Errorf("%s: %v", c.name, got)
		}
		if r := w.records[len(w.records)-1]; c.detail != "" && (r.Effect != steward.Defer || !strings.Contains(r.Detail, c.detail) || r.Until.IsZero()) {
			t.Errorf("%s: %s until %s: %s", c.name, r.Effect, r.Until, r.Detail)
		}
	}
}

func TestInhibition(t *testing.T) {
	const other = "playbook: other\ncooldown: 0\nwhen: plan == 'big'\n"
	for _, c := range []struct {
		name  string
		other string
		plan  string
		setup func(*world)
		want  steward.Reason
	}{
		{"the other is calm", other + "backfill: true\n", "small", nil, ""},
		{"the other fires", other + "backfill: true\n", "big", nil, steward.ReasonInhibited},
		// What is held has said nothing, but its condition burns all the same.
		{"the other fires and is held", other, "big", nil, steward.ReasonInhibited},
		{"the other is held, and recovering", other + "until: plan == 'small'\nclear_for: 5d\n", "big", func(w *world) { w.Accounts[0].More["plan"] = steward.Str("small") }, ""},
		{"the other is disabled", other + "enabled: false\n", "big", nil, ""},
		{"the other is in shadow", other + "backfill: true\nmode: shadow\n", "big", nil, ""},
		{"the other is open without firing", "playbook: other\nkind: process\ncooldown: 0\nbackfill: true\nwhen: plan == 'big'\nsteps: [{wait: 30d}, {id: nudge, slack: owner, message: nudge}]\n", "big",
			func(w *world) { w.Accounts[0].More["plan"] = steward.Str("small") }, steward.ReasonInhibited},
		{"the other is at work on another account", other + "backfill: true\n", "small", func(w *world) {
			b := customer("b")
			b.More["plan"] = steward.Str("big")
			w.Accounts = append(w.Accounts, b)
		}, ""},
	} {
		w := aside(t, "inhibited_by: [other]\nenabled: true\n", nil, c.other)
		w.Accounts[0].More["plan"] = steward.Str(c.plan)
		w.Accounts[0].More["seats"] = steward.Num(0)
		w.run(day0 + 1)
		if c.setup != nil {
			c.setup(w)
		}
		w.Accounts[0].More["seats"] = steward.Num(1)
		w.run(day0 + 2)
		if got := w.fates()["nudge"]; got != c.want {
			t.Errorf("%s: the nudge is %q, want %q", c.name, got, c.want)
		}
		if c.want == "" {
			continue
		}
		// At send the dossier says what is afoot.
		e := w.must("p", "a")
		o := w.memory.Outreach[e.ID][0]
		d := steward.Dossier{Message: w.memory.Messages[o.Message], Outreach: []steward.Outreach{o}, Enrolments: []steward.Enrolment{e}, Phases: []steward.PhaseState{w.phase("p", "a")}}
		for afoot, want := range map[string]steward.Reason{"": "", "other": steward.ReasonInhibited} {
			d.Afoot = nil
			if afoot != "" {
				d.Afoot = []steward.PlaybookName{"else", "other"}
			}
			if j := w.at(six(day0+2), six(day0+2).Time().Add(time.Hour)).Judge(d); j.Reason != want {
				t.Errorf("%s: at send with %q afoot: %+v", c.name, afoot, j.Decision)
			}
		}
	}
}
