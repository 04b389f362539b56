package playbooks

import (
	"fmt"
	"strings"

	"steward"
)

// take has somebody take on what a card is about, or one part of it: waits with
// `unless: acked` end, and nobody else is asked. Anybody in owners.yaml may, as
// it is better done by a colleague than by nobody. Of what belongs to a pool, or
// to nobody, it is the claim: it is theirs from then on.
func take(s *Situation, d Doing) Done {
	act := actOf(d)
	var taken, had []steward.Enrolment
	done := Done{}
	for _, e := range s.dealtWith(d) {
		switch {
		case d.By.is(e.AckedBy) && (e.ClaimedBy == d.By.Owner.ID || !s.claims(e, d.By)):
			had = append(had, e)
			continue
		case !e.AckedAt.IsZero() && !d.By.is(e.AckedBy):
			continue
		}
		reason, detail := steward.ReasonTaken, "by "+d.By.Name
		if s.claims(e, d.By) {
			e.ClaimedBy, reason, detail = d.By.Owner.ID, steward.ReasonClaimed, "claimed by "+d.By.Name
			done.Change.HandOvers = append(done.Change.HandOvers, s.tasksTo(e, d.By.Owner)...)
		}
		if e.AckedAt.IsZero() {
			e.AckedAt, e.AckedBy = s.Now, d.By.id()
		}
		if e.State.Open() {
			e.Due = s.Now // advance looks at it at once
		}
		taken = append(taken, e)
		done.Change.Records = append(done.Change.Records, recordOf(s, e, steward.Decision{Effect: steward.Pass, Reason: reason, Detail: detail}))
	}
	switch {
	case len(taken) > 0:
		done.Act, done.Change.Enrolments = aboutOne(act, taken), taken
		done.Answer.Text = "It is yours: " + s.whatOf(taken) + "."
		return done
	case len(had) > 0:
		done.Act, done.Answer.Text = aboutOne(act, had), "You have it already: "+s.whatOf(had)+"."
		return done
	}
	return refused(d, s.whyNot(d))
}

// claims tells whether taking an enrolment on makes it somebody's own: its
// account belongs to no person.
func (s *Situation) claims(e steward.Enrolment, by Doer) bool {
	a, ok := s.account(e.Subject.Account)
	if !ok || by.Owner.ID == "" || by.Owner.Pool != "" || e.ClaimedBy != "" {
		return false
	}
	owner, known := s.Book.owners[s.ownedBy(a).Owner]
	return !known || owner.Pool != ""
}

// tasksTo hands the tasks that an enrolment gave to the owner to whoever claimed
// it. What was not sent yet moves when the enrolment is advanced.
func (s *Situation) tasksTo(e steward.Enrolment, to steward.Owner) (out []steward.HandOver) {
	for _, o := range s.Memory.Outreach[e.ID] {
		if o.Assignment != nil && o.Assignment.Task == o.ID && o.To.Key == "owner" {
			out = append(out, steward.HandOver{Outreach: o.ID, From: o.Message, To: recipientOf(to, "owner"), Detail: "the task: to " + to.Name + ", who claimed it"})
		}
	}
	return out
}

// whyNot says why there is nothing to do with what a card is about: others did
// it, or it is over.
func (s *Situation) whyNot(d Doing) string {
	var words []string
	for _, e := range d.Enrolments {
		switch {
		case e.State == steward.Quarantined:
			words = append(words, s.titleOf(e)+" is held back until somebody releases it")
		case !e.AckedAt.IsZero():
			words = append(words, fmt.Sprintf("%s was taken on by %s on %s", s.titleOf(e), s.Book.named(e.AckedBy), s.dayWords(e.AckedAt)))
		}
	}
	if d.Dossier != nil && len(words) == 0 {
		for _, e := range d.Dossier.Enrolments {
			if !e.State.Open() && (d.Target.Enrolment == "" || d.Target.Enrolment == e.ID) {
				words = append(words, s.titleOf(e)+" "+s.endWords(e))
			}
		}
	}
	if len(words) == 0 {
		return "Nothing was done: it is over. The newest card about the account says how things stand."
	}
	return "Nothing was done: " + strings.Join(words, "; ") + "."
}

// endWords is how an enrolment ended, after its title.
func (s *Situation) endWords(e steward.Enrolment) string {
	on := " on " + s.dayWords(e.EndedAt)
	switch e.Reason {
	case steward.ReasonRecovered:
		return "recovered" + on
	case steward.ReasonFinished:
		return "was dealt with by " + s.Book.named(e.FinishedBy) + on
	case steward.ReasonNotUseful:
		return "was called not useful by " + s.Book.named(e.FinishedBy) + on
	case steward.ReasonCompleted:
		return "is complete since" + strings.TrimPrefix(on, " on")
	}
	return "ended" + on + " (" + strings.ReplaceAll(string(e.Reason), "_", " ") + ")"
}

// begun is the enrolments that have begun: what is held back was never told.
func begun(list []steward.Enrolment) (out []steward.Enrolment) {
	for _, e := range list {
		if e.State.Open() && e.State != steward.Quarantined {
			out = append(out, e)
		}
	}
	return out
}

// titleOf is what people call the playbook of an enrolment.
func (s *Situation) titleOf(e steward.Enrolment) string {
	if p, ok := s.running(e); ok && p.Title != "" {
		return p.Title
	}
	return string(e.Playbook)
}

// whatOf names enrolments in a sentence, with their account.
func (s *Situation) whatOf(list []steward.Enrolment) string {
	titles := make([]string, len(list))
	for i, e := range list {
		titles[i] = s.titleOf(e)
	}
	out := strings.Join(titles, "; ")
	if a, ok := s.account(list[0].Subject.Account); ok && a.Name != "" {
		out += " (" + plainLine(a.Name) + ")"
	}
	return out
}

func recordOf(s *Situation, e steward.Enrolment, d steward.Decision) steward.Record {
	return steward.Record{At: steward.SlotAt(s.Now), Playbook: e.Playbook, Subject: e.Subject, Enrolment: e.ID, Decision: d}
}
