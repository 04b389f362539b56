package replay

import (
	"steward"
	"steward/configs/strictyaml"
)

// An ActionKind is what a person does in a scenario.
type ActionKind string

// What people can do. Each is about the playbook under test and one account:
// take the card on, approve or decline the mail that waits, let out of
// quarantine, do the task that was given, claim from a pool, put their own word
// in place of the health.
const (
	DoAck      ActionKind = "ack"
	DoApprove  ActionKind = "approve"
	DoDecline  ActionKind = "decline"
	DoRelease  ActionKind = "release"
	DoDone     ActionKind = "done"
	DoClaim    ActionKind = "claim"
	DoOverride ActionKind = "override"
)

// An Action is what a person does on a day, after that day's run and after
// what is expected of it: its effect is seen from the next day on.
type Action struct {
	On      steward.Day
	Kind    ActionKind
	Account steward.AccountID
	// By is who does it; "" where nobody is named. A claim is always somebody's.
	By steward.OwnerID
	// Because is what came of a task, why a mail is declined or health overridden.
	Because string
	// Health and Until are an override's, and zero of other actions.
	Health float64
	Until  steward.Day
}

type actionFile struct {
	At       strictyaml.Pos    `yaml:",pos"`
	On       strictyaml.Scalar `yaml:"on,required" doc:"The day."`
	Ack      strictyaml.Scalar `yaml:"ack" doc:"The account whose card is taken on."`
	Approve  strictyaml.Scalar `yaml:"approve" doc:"The account whose waiting mail is approved."`
	Decline  strictyaml.Scalar `yaml:"decline" doc:"The account whose waiting mail is declined."`
	Release  strictyaml.Scalar `yaml:"release" doc:"The account that is let out of quarantine."`
	Done     strictyaml.Scalar `yaml:"done" doc:"The account whose open task is done."`
	Claim    strictyaml.Scalar `yaml:"claim" doc:"The account that somebody takes on from a pool; by says who."`
	Override strictyaml.Scalar `yaml:"override" doc:"The account whose health somebody sets, to health and until a day."`
	By       strictyaml.Scalar `yaml:"by" doc:"Who does it, by the owner's id."`
	Because  strictyaml.Scalar `yaml:"because" doc:"What came of a task, or why a mail is declined or health overridden."`
	Health   strictyaml.Scalar `yaml:"health" doc:"The health that an override sets, 0 to 100."`
	Until    strictyaml.Scalar `yaml:"until" doc:"The day through which an override holds."`
}

func (r *scenarioReader) action(f actionFile, s *Scenario) {
	a := Action{On: r.on(f.On, s.Given.From), By: steward.OwnerID(f.By.Value), Because: f.Because.Value}
	count := 0
	for _, o := range []struct {
		kind ActionKind
		who  strictyaml.Scalar
	}{{DoAck, f.Ack}, {DoApprove, f.Approve}, {DoDecline, f.Decline}, {DoRelease, f.Release}, {DoDone, f.Done}, {DoClaim, f.Claim}, {DoOverride, f.Override}} {
		if o.who.Pos.IsZero() {
			continue
		}
		count++
		a.Kind = o.kind
		a.Account, _ = r.known(o.who)
	}
	if count != 1 {
		r.wrongAt(f.At, "an action does one thing", "write {on: DATE, ack: ACCOUNT}, or approve:, decline:, release:, done:, claim: or override:")
		return
	}
	switch {
	case a.Kind == DoClaim && a.By == "":
		r.wrongAt(f.At, "the claim does not say whose it is", "add by: and an owner's id")
	case a.Kind == DoOverride:
		r.override(f, &a)
	case !f.Health.Pos.IsZero():
		r.wrong(f.Health, "health belongs to override", "write override: "+string(a.Account)+", or remove it")
	case !f.Until.Pos.IsZero():
		r.wrong(f.Until, "until belongs to override", "write override: "+string(a.Account)+", or remove it")
	}
	s.Do = append(s.Do, a)
}

func (r *scenarioReader) override(f actionFile, a *Action) {
	n, ok := number(f.Health.Value)
	switch {
	case f.Health.Pos.IsZero() || f.Until.Pos.IsZero() || a.Because == "":
		r.wrongAt(f.At, "an override has a health, a last day and a reason", `write {on: …, override: ACCOUNT, health: 30, until: DATE, because: "…"}`)
	case !ok || n < 0 || n > 100:
		r.wrong(f.Health, "a health is a number from 0 to 100", "write one, such as 30")
	}
	a.Health, a.Until = n, r.day(f.Until)
}
