package playbooks

import (
	"steward"
)

// What people do is decided here as everything else is: purely, on the facts and
// on what is remembered. Package jobs finds out who it is, reads what the deed is
// about, and writes what comes of it.

// A Doer is who did something.
type Doer struct {
	// Owner is the person in owners.yaml; the zero Owner for somebody who is not
	// there.
	Owner steward.Owner
	// Name is what people call them.
	Name string
	// Ops tells somebody who may do everything: who came by a way that only ops
	// has, or is on the workspace's list of approvers.
	Ops bool
}

// A Doing is a gesture with all that is needed to decide what comes of it.
type Doing struct {
	steward.Gesture
	By Doer
	// Dossier is the target's message with what it carries; nil where the target
	// names none. Enrolments are the open ones that the target means: its
	// enrolment, else those that its message carries.
	Dossier    *steward.Dossier
	Enrolments []steward.Enrolment
}

// Done is what comes of a deed: the act as it is kept, what it changes, and what
// is answered. An act without a verb is not kept: a form was asked for first, or
// a question answered.
type Done struct {
	Act    steward.Act
	Change steward.Change
	Answer steward.Answer
}

// deed decides what comes of one verb.
type deed func(*Situation, Doing) Done

// deeds is by verb. A verb that is not among them is of a newer version, or none.
var deeds = map[steward.Verb]deed{}

// Do decides what comes of what somebody did.
func (s *Situation) Do(d Doing) Done {
	do, ok := deeds[d.Verb]
	if !ok {
		return refused(d, "This version of Steward does not know how to do that.")
	}
	return do(s, d)
}

// refused is a deed that comes to nothing; why is a sentence for whoever did it.
func refused(d Doing, why string) Done {
	act := actOf(d)
	act.Refused = why
	return Done{Act: act, Answer: steward.Answer{Text: why}}
}

// actOf is the deed as it is kept, before what it comes to is known.
func actOf(d Doing) steward.Act {
	a := steward.Act{Key: d.Key, Verb: d.Verb, At: d.At, By: d.By.Owner.ID, ByName: d.By.Name, Via: d.Via,
		Account: d.Target.Account, Message: d.Target.Message, Enrolment: d.Target.Enrolment, Playbook: d.Target.Playbook,
		Choice: d.Values["choice"], Text: d.Values["text"]}
	if a.Account == "" && d.Dossier != nil {
		a.Account = d.Dossier.Message.Account
	}
	return a
}
