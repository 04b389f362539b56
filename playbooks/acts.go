package playbooks

import (
	"slices"
	"time"

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
	// enrolment, else those that its message carries, else those of its account.
	// With a message, those of its are among them that came to their last step: their
	// card can still be dealt with.
	Dossier    *steward.Dossier
	Enrolments []steward.Enrolment
	// Story is what is kept about the account that the target names; nil where it
	// names none.
	Story *steward.Story
	// Plate is what is the doer's to do; nil where nobody asked.
	Plate *steward.Plate
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
var deeds = map[steward.Verb]deed{
	steward.VerbTake:      take,
	steward.VerbSnooze:    snooze,
	steward.VerbDone:      finish,
	steward.VerbNotUseful: notUseful,
	steward.VerbRelease:   release,

	steward.VerbMilestone: milestoneDeed, steward.VerbRole: roleDeed, steward.VerbName: nameDeed, steward.VerbPulse: pulseDeed, steward.VerbHealth: healthDeed, steward.VerbMoveDue: moveDueDeed,

	steward.VerbApprove: approveDeed, steward.VerbApproveAll: approveAllDeed, steward.VerbDecline: declineDeed, steward.VerbRewrite: rewriteDeed,

	steward.VerbLook: lookDeed, steward.VerbMine: mineDeed, steward.VerbWhy: whyDeed, steward.VerbHelp: helpDeed,

	steward.VerbStart: startDeed, steward.VerbSkip: skipDeed, steward.VerbStop: stopDeed,

	steward.VerbSilence: silence, steward.VerbUnsilence: unsilence,
}

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
	return Done{Act: act, Answer: steward.Answer{Text: why, Refused: true}}
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

// id is by which somebody is kept: their id in owners.yaml, else their name.
func (d Doer) id() string {
	if d.Owner.ID != "" {
		return string(d.Owner.ID)
	}
	return d.Name
}

// is tells whether what is kept of somebody means the doer.
func (d Doer) is(kept string) bool { return kept != "" && kept == d.id() }

// OwnerInSlack finds the person with a Slack member id.
func (b *Book) OwnerInSlack(user string) (steward.Owner, bool) {
	for _, o := range b.Owners {
		if o.Slack == user && o.Pool == "" {
			return o, true
		}
	}
	return steward.Owner{}, false
}

// Approves tells whether somebody is on the workspace's list of those who may
// approve anything.
func (b *Book) Approves(id steward.OwnerID) bool { return slices.Contains(b.Approvers, id) }

// named is what people call somebody who is kept by id, or by name.
func (b *Book) named(kept string) string {
	if o, ok := b.owners[steward.OwnerID(kept)]; ok && o.Name != "" {
		return o.Name
	}
	return plainLine(kept)
}

// dayWords is a moment's day as cards write it.
func (s *Situation) dayWords(t time.Time) string {
	t = t.In(s.Book.Zone)
	if t.Year() == s.Now.In(s.Book.Zone).Year() {
		return t.Format("2 January")
	}
	return t.Format("2 January 2006")
}

// aboutOne names in an act the enrolment that it was done with, where it was one.
func aboutOne(a steward.Act, list []steward.Enrolment) steward.Act {
	if len(list) == 1 {
		a.Enrolment, a.Playbook = list[0].ID, list[0].Playbook
	}
	if a.Account == "" && len(list) > 0 {
		a.Account = list[0].Subject.Account
	}
	return a
}
