package playbooks_test

import (
	"strings"
	"testing"
	"time"

	"steward"
	"steward/playbooks"
)

// atGate is an outreach that every gate would let through, in a world whose
// facts are of day0 + 1.
type atGate struct {
	*world
	c     playbooks.Candidate
	until time.Time // Situation.GoodUntil
}

func passing(t *testing.T) *atGate {
	t.Helper()
	s := settings()
	s.NoCustomerMail.Value = "legal_hold or plan == 'partner'"
	s.Holds = []playbooks.Hold{{Purposes: []string{"care"}}}
	s.Holds[0].When.Value = "plan == 'burning'"
	w := newWorld(t, load(t, s, nil, "playbook: quiet\ncooldown: 0\nwhen: seats == 7\n", "playbook: p\ncooldown: 0\nbackfill: true\nwhen: seats == 1\nsteps:\n- {id: m, email: [champion], message: help}\n- {id: on, email: [champion], message: help, on_recovery: continue}\n"), customer("a"))
	w.Contacts = []steward.Contact{champion("a")}
	w.seats(1)
	w.Accounts[0].More["plan"] = steward.Str("big")
	w.run(day0 + 1)
	e := w.must("p", "a")
	m, _ := w.message("m")
	return &atGate{world: w, c: playbooks.Candidate{Outreach: w.memory.Outreach[e.ID][0], Message: m, Enrolment: e, Phase: w.phase("p", "a"), AtSend: true}}
}

func (g *atGate) decide() steward.Decision {
	s := g.at(six(day0+1), six(day0+1).Time().Add(time.Hour))
	s.GoodUntil = g.until
	return s.Gate(g.c)
}

// closers shut one gate each, in the order in which gates stand.
var closers = []struct {
	reason steward.Reason
	effect steward.Effect
	shut   func(*atGate)
}{
	{steward.ReasonNotInPortfolio, steward.Suppress, func(g *atGate) { g.Accounts[0].Test = true }},
	{steward.ReasonPlaybookDisabled, steward.Suppress, func(g *atGate) {
		g.book = g.book.With("p", func(p *playbooks.Playbook) { p.Enabled = false })
	}},
	{steward.ReasonOptedOut, steward.Suppress, func(g *atGate) { g.c.OptedOut = "one click" }},
	{steward.ReasonNoCustomerMail, steward.Suppress, func(g *atGate) { g.Accounts[0].More["legal_hold"] = steward.Bool(true) }},
	{steward.ReasonEpisodeOver, steward.Suppress, func(g *atGate) { g.c.Enrolment.State, g.c.Enrolment.Reason = steward.Exited, steward.ReasonExitWhen }},
	{steward.ReasonHoldout, steward.Suppress, func(g *atGate) { g.c.Enrolment.Arm = steward.Holdout }},
	{steward.ReasonShadow, steward.Suppress, func(g *atGate) {
		g.book = g.book.With("p", func(p *playbooks.Playbook) { p.Mode = playbooks.Shadow })
	}},
	{steward.ReasonExpired, steward.Suppress, func(g *atGate) { g.c.Message.Expires = six(day0 + 1).Time() }},
	{steward.ReasonPaused, steward.Defer, func(g *atGate) { g.c.Pause = steward.Pause{At: six(day0).Time(), By: "lee", Reason: "an outage"} }},
	{steward.ReasonClearing, steward.Defer, func(g *atGate) { g.c.Phase.Phase = steward.Clearing }},
	{steward.ReasonPurposeHold, steward.Defer, func(g *atGate) { g.Accounts[0].More["plan"] = steward.Str("burning") }},
	{steward.ReasonInhibited, steward.Defer, func(g *atGate) {
		g.book = g.book.With("p", func(p *playbooks.Playbook) { p.InhibitedBy = []steward.PlaybookName{"quiet"} })
		g.memory.Phases[playbooks.KeyOf("quiet", account("a"))] = steward.PhaseState{Playbook: "quiet", Subject: account("a"), Phase: steward.Firing, Episode: six(day0)}
	}},
	{steward.ReasonSilenced, steward.Defer, silenced(func(*steward.Silence) {})},
	{steward.ReasonUnknownAtSend, steward.Defer, func(g *atGate) { g.Accounts[0].More["seats"] = steward.Value{} }},
}

func TestGatesStandInAFixedOrder(t *testing.T) {
	if d := passing(t).decide(); !d.Passes() {
		t.Fatalf("nothing stands in the way, and it says %+v", d)
	}
	for i, c := range closers {
		g := passing(t)
		c.shut(g)
		d := g.decide()
		if d.Reason != c.reason || d.Effect != c.effect || d.Detail == "" || (d.Effect == steward.Defer) == d.Until.IsZero() {
			t.Errorf("%s alone: %+v", c.reason, d)
		}
		for _, later := range closers[i+1:] {
			g := passing(t)
			later.shut(g)
			c.shut(g)
			if d := g.decide(); d.Reason != c.reason {
				t.Errorf("%s and %s: the answer is %s", c.reason, later.reason, d.Reason)
			}
		}
	}
}

func TestGates(t *testing.T) {
	internal := func(g *atGate) {
		g.c.Outreach.To = steward.Recipient{Key: "owner", Owner: "dana", Slack: "U1"}
		g.c.Message.Channel = steward.Slack
	}
	for _, c := range []struct {
		name   string
		shut   func(*atGate)
		want   steward.Reason
		detail string
	}{
		{"a status nobody knows", func(g *atGate) { g.Accounts[0].Status = "" }, steward.ReasonNotInPortfolio, "not known"},
		{"an account that is gone", func(g *atGate) { g.Accounts = nil }, steward.ReasonNotInPortfolio, ""},
		{"a playbook that is gone", func(g *atGate) { g.book = load(t, settings(), nil, "playbook: other\nwhen: seats == 1\n") }, steward.ReasonPlaybookRemoved, "no longer in the workspace"},
		{"an address that opted out, and Slack", func(g *atGate) { internal(g); g.c.OptedOut = "x" }, "", ""},
		{"no customer mail, unknown", func(g *atGate) { g.Accounts[0].More["plan"] = steward.Value{} }, steward.ReasonNoCustomerMail, "not known"},
		{"no customer mail, by contact policy", func(g *atGate) { g.Accounts[0].ContactPolicy = "none" }, steward.ReasonNoCustomerMail, "contact_policy"},
		{"no customer mail is not about us", func(g *atGate) { internal(g); g.Accounts[0].More["legal_hold"] = steward.Bool(true) }, "", ""},
		{"a clear subject", func(g *atGate) { g.c.Phase = steward.PhaseState{} }, steward.ReasonEpisodeOver, "no longer holds"},
		{"another episode", func(g *atGate) { g.c.Phase.Episode = six(day0) }, steward.ReasonEpisodeOver, ""},
		{"a clear subject and a step that goes on", func(g *atGate) { g.c.Phase = steward.PhaseState{}; g.c.Outreach.Step = "on" }, "", ""},
		{"recovered, and a step that goes on", func(g *atGate) {
			g.c.Phase, g.c.Outreach.Step = steward.PhaseState{}, "on"
			g.c.Enrolment.State, g.c.Enrolment.Reason = steward.Exited, steward.ReasonRecovered
		}, "", ""},
		{"ended otherwise, and a step that goes on", func(g *atGate) {
			g.c.Outreach.Step, g.c.Enrolment.State, g.c.Enrolment.Reason = "on", steward.Exited, steward.ReasonSubjectGone
		}, steward.ReasonEpisodeOver, "subject_gone"},
		{"clearing and a step that goes on", func(g *atGate) { g.c.Phase.Phase, g.c.Outreach.Step = steward.Clearing, "on" }, "", ""},
		{"a process whose condition is over", func(g *atGate) {
			g.book = g.book.With("p", func(p *playbooks.Playbook) { p.Kind = playbooks.Process })
			g.c.Phase = steward.PhaseState{}
		}, "", ""},
		{"paused, and planning", func(g *atGate) { g.c.AtSend, g.c.Pause = false, steward.Pause{At: six(day0).Time()} }, "", ""},
		{"paused says by whom and why", func(g *atGate) { g.c.Pause = steward.Pause{At: six(day0).Time(), By: "lee", Reason: "an outage"} }, steward.ReasonPaused, "by lee: an outage"},
		{"unknown, and planning", func(g *atGate) { g.c.AtSend = false; g.Accounts[0].More["seats"] = steward.Value{} }, "", ""},
		{"unknown, among ourselves", func(g *atGate) { internal(g); g.Accounts[0].More["seats"] = steward.Value{} }, "", ""},
		{"old facts", func(g *atGate) { g.until = six(day0 + 1).Time() }, steward.ReasonUnknownAtSend, "the last evaluation was on 2 June 2026 at 06:00; facts are too old to speak on"},
		{"old facts, among ourselves", func(g *atGate) { internal(g); g.until = six(day0 + 1).Time() }, steward.ReasonUnknownAtSend, ""},
		{"old facts, and planning", func(g *atGate) { g.c.AtSend, g.until = false, six(day0+1).Time() }, "", ""},
		{"facts that are good still", func(g *atGate) { g.until = six(day0 + 1).Time().Add(time.Hour) }, "", ""},
		{"put off past its expiry", func(g *atGate) {
			g.c.Phase.Phase, g.c.Message.Expires = steward.Clearing, six(day0+1).Time().Add(3*time.Hour)
		}, steward.ReasonExpired, "recovering until"},
		{"put off within its expiry", func(g *atGate) {
			g.c.Phase.Phase, g.c.Message.Expires = steward.Clearing, six(day0+1).Time().Add(30*time.Hour)
		}, steward.ReasonClearing, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := passing(t)
			c.shut(g)
			if d := g.decide(); d.Reason != c.want || !strings.Contains(d.Detail, c.detail) {
				t.Errorf("%+v, want %q and %q", d, c.want, c.detail)
			}
		})
	}
}

// A card goes if any of its nudges may, with those that may.
func TestACardWithSeveralNudges(t *testing.T) {
	one := "playbook: one\ncooldown: 0\nbackfill: true\nwhen: seats == 1\n"
	w := newWorld(t, load(t, settings(), nil, one, strings.Replace(one, "one", "two", 1)), customer("a"))
	w.sends = false
	w.seats(1)
	w.run(day0 + 1)
	if len(w.memory.Messages) != 1 {
		t.Fatalf("%d cards", len(w.memory.Messages))
	}
	dossier := func() steward.Dossier {
		var d steward.Dossier
		for _, m := range w.memory.Messages {
			d.Message = m
		}
		for _, p := range []string{"one", "two"} {
			e := w.must(p, "a")
			d.Outreach = append(d.Outreach, w.memory.Outreach[e.ID]...)
			d.Enrolments, d.Phases = append(d.Enrolments, e), append(d.Phases, w.phase(p, "a"))
		}
		return d
	}
	over := func(d *steward.Dossier, i int) { d.Phases[i] = steward.PhaseState{} }
	clearing := func(d *steward.Dossier, i int) { d.Phases[i].Phase = steward.Clearing }
	type change = func(*steward.Dossier, int)
	keep := func(*steward.Dossier, int) {}
	for _, c := range []struct {
		name       string
		first, two change
		effect     steward.Effect
		reason     steward.Reason
		carried    int
	}{
		{"both", keep, keep, steward.Pass, "", 2},
		{"one of them is over", over, keep, steward.Pass, "", 1},
		{"both are over", over, over, steward.Suppress, steward.ReasonEpisodeOver, 0},
		{"one is over, one clearing", over, clearing, steward.Defer, steward.ReasonClearing, 0},
		{"one is clearing, one over", clearing, over, steward.Defer, steward.ReasonClearing, 0},
	} {
		d := dossier()
		c.first(&d, 0)
		c.two(&d, 1)
		v := w.at(six(day0+1), six(day0+1).Time().Add(time.Minute)).Judge(d)
		if v.Effect != c.effect || v.Reason != c.reason || len(v.Carried) != c.carried {
			t.Errorf("%s: %+v, carrying %d", c.name, v, len(v.Carried))
		}
		if v.Passes() && len(v.Carried)+len(v.LeftOut) != 2 {
			t.Errorf("%s: %d go, and a reason is kept for %d", c.name, len(v.Carried), len(v.LeftOut))
		}
		for _, r := range v.LeftOut {
			if r.Reason != steward.ReasonEpisodeOver || r.Outreach != d.Outreach[0].ID || r.Message != d.Message.ID {
				t.Errorf("%s: left out as %+v", c.name, r)
			}
		}
	}
	t.Run("which two parts", func(t *testing.T) {
		d := dossier()
		content, err := w.at(six(day0+1)).Compose(d.Message, d.Outreach, d.Enrolments)
		if err != nil || content.Title != "2 things to look at" || len(content.Parts) != 2 {
			t.Errorf("%+v, %v", content, err)
		}
	})
}

// What carries no outreach is stopped by expiry and the standing order alone.
func TestRequestsAndNotices(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: seats == 1\n"))
	now := six(day0 + 1).Time()
	for _, c := range []struct {
		d    steward.Dossier
		want steward.Reason
	}{
		{steward.Dossier{}, ""},
		{steward.Dossier{Message: steward.Message{Expires: now}}, steward.ReasonExpired},
		{steward.Dossier{Message: steward.Message{Expires: now.Add(time.Second)}}, ""},
		{steward.Dossier{Paused: steward.Pause{At: now}}, steward.ReasonPaused},
	} {
		s := w.at(six(day0 + 1))
		s.GoodUntil = now.Add(-time.Hour) // a notice about a lame engine must come through
		if v := s.Judge(c.d); v.Reason != c.want {
			t.Errorf("%+v: %+v", c.d, v)
		}
	}
}

func TestGoodUntilIsKept(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: seats == 1\n"))
	s := w.at(six(day0))
	s.GoodUntil = six(day0 + 1).Time()
	if got := s.At(six(day0+2).Time(), playbooks.Memory{}).GoodUntil; !got.Equal(s.GoodUntil) {
		t.Errorf("At forgot that the facts are good until %s: %s", s.GoodUntil, got)
	}
}
