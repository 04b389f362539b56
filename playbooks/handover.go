package playbooks

import (
	"slices"

	"steward"
)

// ownerOf is who looks after an account as far as an enrolment is concerned: the
// person who owns it, or its stage of the journey, else whoever claimed the
// enrolment from the pool, or from the channel for accounts that nobody owns. Once
// the account has a person as its owner, that is who it is for.
func (s *Situation) ownerOf(a steward.Account, e steward.Enrolment) steward.OwnerID {
	a = s.ownedBy(a)
	if o, ok := s.Book.owners[a.Owner]; ok && o.Pool == "" {
		return a.Owner
	}
	if _, ok := s.Book.owners[e.ClaimedBy]; ok {
		return e.ClaimedBy
	}
	return a.Owner
}

// handOver moves what was not sent yet to whom it would be planned for by now:
// the account has another owner, somebody claimed it, or the person is away. It
// decides only. Whether a message is still unsent is looked at again when it is
// written.
func (w *walker) handOver() {
	w.moveSent()
	for _, o := range w.Memory.Outreach[w.Enrolment.ID] {
		m, ok := w.Memory.Messages[o.Message]
		if !ok {
			continue
		}
		if !unsent(m.State) {
			w.moveTask(o, m)
			continue
		}
		step, ok := w.p.step(o.Step)
		if !ok {
			continue
		}
		if o.To.Customer() {
			w.redraft(step, o, m)
			w.askName(o, m)
		} else {
			w.moveCard(step, o, m)
		}
	}
}

// moveSent says to the account's new owner what its old one was told and did not
// take on: the newest such card comes once more, as theirs, and the old one says
// where it went. It is done once for each of them.
func (w *walker) moveSent() {
	said := w.Memory.Outreach[w.Enrolment.ID]
	for _, o := range slices.Backward(said) {
		m, ok := w.Memory.Messages[o.Message]
		if !ok || o.To.Key != "owner" || m.Kind != steward.Card {
			continue
		}
		if m.State != steward.Sent && m.State != steward.Uncertain {
			return // it moves by itself, or was never heard
		}
		owner, moved := w.movedOwner(matter{enrolment: w.Enrolment, outreach: o, message: m})
		to, found, _ := w.ownerRecipient(w.account, "owner")
		again := movedPrefix + string(owner.ID)
		if !moved || !found || slices.ContainsFunc(said, func(x steward.Outreach) bool { return x.Occurrence == again }) {
			return
		}
		w.again(o, to, again)
		w.Repaint = append(w.Repaint, m.ID)
		return
	}
}

func unsent(s steward.MessageState) bool {
	switch s {
	case steward.Planned, steward.Enqueued, steward.Deferred, steward.AwaitingApproval:
		return true
	}
	return false
}

// moveCard hands over a card that was for the owner or the manager. It comes as
// a card of its own, or on one that the new owner gets about the account at this
// moment.
func (w *walker) moveCard(step Step, o steward.Outreach, m steward.Message) {
	var to steward.Recipient
	var found bool
	switch o.To.Key {
	case "owner":
		to, found, _ = w.ownerRecipient(w.account, o.To.Key)
	case "manager":
		to, found, _ = w.managerRecipient(w.account)
	}
	if !found || to.Owner == o.To.Owner && (to.Owner != "" || to.Slack == o.To.Slack) {
		return
	}
	from := o.To
	o.To = to
	card := w.message(step, o)
	if o.Severity == string(Info) {
		if owner, ok := w.digestOwner(to); ok {
			card = w.nextDigests(owner, w.Now)[0]
		}
	} else if m.Kind == steward.Card {
		card.Expires, card.RetryUncertain = m.Expires, m.RetryUncertain
	}
	w.Messages = append(w.Messages, card)
	w.HandOvers = append(w.HandOvers, steward.HandOver{Outreach: o.ID, From: m.ID, To: to, Message: card.ID,
		Detail: "from " + from.Name + " to " + to.Name + w.whyTo(to)})
}

// moveTask hands over a task that its owner was told of, if it is still open. The
// card stays with whom it went to, and a task waits for people who are away: it
// is on nobody else's list meanwhile.
func (w *walker) moveTask(o steward.Outreach, m steward.Message) {
	told := m.State == steward.Sent || m.State == steward.Uncertain
	if o.Assignment == nil || o.Assignment.Task != o.ID || !told || !w.Enrolment.DoneAt.IsZero() {
		return
	}
	owner, ok := w.Book.owners[w.account.Owner]
	if o.To.Key == "manager" {
		owner, ok = w.Book.owners[owner.Manager]
	}
	if !ok || owner.ID == o.To.Owner {
		return
	}
	to := recipientOf(owner, o.To.Key)
	w.HandOvers = append(w.HandOvers, steward.HandOver{Outreach: o.ID, From: m.ID, To: to, Detail: "the task: from " + o.To.Name + " to " + to.Name + w.whyTo(to)})
}

// whyTo is why something is for somebody, as the end of a sentence.
func (w *walker) whyTo(to steward.Recipient) string {
	owner := w.Book.owners[w.account.Owner]
	switch {
	case to.Owner == "":
		return ", as the account has no owner that owners.yaml knows"
	case to.Key == "manager":
		return ", who is to hear as the manager now"
	case to.Owner != owner.ID:
		return ", who stands in for " + owner.Name
	case to.Owner == w.Enrolment.ClaimedBy:
		return ", who claimed it"
	}
	return ", who owns the account now"
}

// redraft puts a mail into the name of the account's new owner, who is asked
// anew: what was approved was another person's letter.
func (w *walker) redraft(step Step, o steward.Outreach, m steward.Message) {
	if m.Sender == w.account.Owner {
		return
	}
	r := steward.Redraft{Detail: "from " + w.Book.nameOf(m.Sender) + " to " + w.Book.nameOf(w.account.Owner)}
	mail := m
	mail.Sender, mail.Version, mail.Epoch = w.account.Owner, m.Version+1, m.Epoch+1
	mail.Content, mail.Hash, mail.ApprovedBy = nil, "", ""
	mail.Reason, mail.Detail = steward.ReasonHandedOver, r.Detail
	if mail.State == steward.Enqueued {
		mail.State = steward.Planned
	}
	if step.Approve.Needed() {
		content, err := w.compose(mail, []steward.Outreach{o}, map[steward.EnrolmentID]steward.Enrolment{w.Enrolment.ID: w.Enrolment})
		if err != nil {
			mail.State, mail.Reason, mail.Detail, mail.Settled = steward.FailedToSend, steward.ReasonCompose, err.Error(), w.Now
		} else {
			mail.Due = w.Now
			r.Asks = w.askApproval(step, &mail, content, w.seen())
		}
	}
	r.Mail = mail
	w.Redrafts = append(w.Redrafts, r)
}

func (b *Book) nameOf(id steward.OwnerID) string {
	if o, ok := b.owners[id]; ok {
		return o.Name
	}
	if id == "" {
		return "nobody"
	}
	return string(id) + ", whom owners.yaml does not know,"
}
