package playbooks

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"steward"
)

// A Return is something that came back for a mail of ours, with what is needed to
// decide what comes of it.
type Return struct {
	steward.Incoming
	// Dossier is of the mail that it is about, of which Address is the reader or
	// somebody with them.
	Dossier steward.Dossier
	// Soft is how many other mails to the address came back of late, see SoftFor.
	Soft int
}

// SoftFor is for how long a soft bounce counts, and softMost how many of them in
// that time its CSM is told of: one is weather, three are a climate.
const (
	SoftFor  = 14 * 24 * time.Hour
	softMost = 3
)

// Receive decides what comes of what came back; ok is false for what is worth
// nothing, such as a colleague's word in the same thread.
func (s *Situation) Receive(r Return) (change steward.Change, ok bool) {
	m := r.Dossier.Message
	change.Account = m.Account
	if s.isOwner(r.Address) {
		return steward.Change{}, false
	}
	reason := steward.ReasonBounced
	switch r.Kind {
	case steward.Reply:
		reason = steward.ReasonReplied
		s.noteReply(&change, r)
	case steward.AutoReply:
		return change, true
	case steward.HardBounce:
		s.noteBounce(&change, r)
	case steward.SoftBounce:
		if r.Soft+1 == softMost {
			s.tellOwner(&change, r, fmt.Sprintf("Mail to %s keeps coming back", s.readerName(m)),
				fmt.Sprintf("%d mails came back within two weeks, the last with %s", softMost, said(r.Incoming)), "Ask them by phone whether the address is right")
		}
	case steward.Complaint:
		change.Suppressed = append(change.Suppressed, steward.Suppression{Address: lower(m.To.Email), Reason: "reported as spam", Source: steward.ComplaintSource, At: r.At})
		s.tellOwner(&change, r, s.readerName(m)+" reported a mail as spam", "Steward writes to this address no more", "Say sorry in person, if at all")
	default:
		return steward.Change{}, false
	}
	for i, o := range r.Dossier.Outreach {
		change.Records = append(change.Records, steward.Record{At: steward.SlotAt(s.Now), Playbook: o.Playbook, Subject: o.Subject, Enrolment: o.Enrolment,
			Outreach: o.ID, Message: m.ID, Step: o.Step, Decision: steward.Decision{Effect: steward.Pass, Reason: reason, Detail: wordsOf(r.Incoming, r.Dossier.Enrolments[i])}})
	}
	return change, true
}

// noteReply is heard by the mail's enrolments, and wakes what waits in them. Only
// the first counts: of the second nothing new comes.
func (s *Situation) noteReply(c *steward.Change, r Return) {
	for _, e := range r.Dossier.Enrolments {
		if e.ID == "" || !e.RepliedAt.IsZero() {
			continue
		}
		e.RepliedAt = r.At
		if e.State == steward.Waiting {
			e.Due = s.Now
		}
		c.Enrolments, c.Recalled = append(c.Enrolments, e), append(c.Recalled, s.recalled(e)...)
	}
}

// noteBounce stops mail to an address that takes none, and gives its CSM the task
// to find another: once for each address. Where the mail went on from the address
// to another, which then failed, the address itself may be as good as ever.
func (s *Situation) noteBounce(c *steward.Change, r Return) {
	m := r.Dossier.Message
	address := lower(m.To.Email)
	if address == "" || r.Address != "" && r.Address != address {
		return
	}
	c.Suppressed = append(c.Suppressed, steward.Suppression{Address: address, Reason: strings.TrimSpace("takes no mail " + r.Status), Source: steward.BounceSource, At: r.At})
	if !m.To.Customer() || len(r.Dossier.Outreach) == 0 {
		return
	}
	name := s.readerName(m)
	id := steward.TaskOf(aboutReturn(r))
	to := s.tellOwner(c, r, name+"'s address takes no more mail", "Their mail server said "+said(r.Incoming), "Find another address and put it into the CRM · Done: steward done "+string(id))
	o := r.Dossier.Outreach[0]
	c.Given = append(c.Given, steward.Task{ID: id, Enrolment: o.Enrolment, Playbook: o.Playbook, Subject: o.Subject, Owner: to.Owner, Name: to.Name,
		Title: "Find another address of " + name, Due: steward.NoDay, Given: s.Now})
}

// tellOwner plans a word to whoever looks after the account, once for what it is
// about.
func (s *Situation) tellOwner(c *steward.Change, r Return, title, line, todo string) steward.Recipient {
	m := r.Dossier.Message
	account, ok := s.account(m.Account)
	if !ok {
		account = steward.Account{ID: m.Account}
	}
	to, found, _ := s.ownerRecipient(account, "owner")
	if !found {
		return to
	}
	content := NoticeContent(title, []string{line}, todo)
	content.Account = account.Name
	c.Messages = append(c.Messages, steward.Message{
		ID: aboutReturn(r), Kind: steward.Notice, Channel: steward.Slack,
		To: to, Account: m.Account, State: steward.Planned, Due: s.Now, Planned: s.Now, Content: &content, Version: 1, RetryUncertain: true,
	})
	return to
}

// aboutReturn is the notice about what came back.
func aboutReturn(r Return) steward.MessageID {
	m := r.Dossier.Message
	return steward.NewMessageID(steward.Notice, string(r.Kind), string(m.Account), lower(m.To.Email), strconv.FormatInt(r.At.Unix()/int64(SoftFor.Seconds()), 10))
}

// said is a mail server's word, for people.
func said(in steward.Incoming) string {
	switch {
	case in.Status != "" && in.Detail != "" && !strings.Contains(in.Detail, in.Status):
		return in.Status + ": " + in.Detail
	case in.Detail != "":
		return in.Detail
	case in.Status != "":
		return in.Status
	}
	return "nothing about why"
}

func wordsOf(in steward.Incoming, e steward.Enrolment) string {
	switch in.Kind {
	case steward.Reply:
		if !e.RepliedAt.IsZero() {
			return "another reply to the mail"
		}
		return "a reply to the mail"
	case steward.HardBounce:
		return "the address takes no mail: " + said(in)
	case steward.SoftBounce:
		return "the mail came back, and the address may be good: " + said(in)
	}
	return "its reader reported it as spam"
}

// readerName is who a mail was for, as people call them.
func (s *Situation) readerName(m steward.Message) string {
	if m.To.Name != "" {
		return m.To.Name
	}
	return "A contact without a name"
}

// isOwner tells the address of one of us.
func (s *Situation) isOwner(address string) bool {
	if address == "" {
		return false
	}
	for _, o := range s.Book.Owners {
		if lower(o.Email) == lower(address) {
			return true
		}
	}
	return false
}

// MailMeant is, among the mails that went to an address, the one that came back;
// "" where it cannot be told. A reply has to have its subject: it names none of
// ours, and people write about other things, too.
func MailMeant(r steward.Returned, sent []steward.Message) steward.MessageID {
	for _, m := range sent {
		if r.Kind != steward.Reply || m.Content != nil && sameSubject(m.Content.Title, r.Subject) {
			return m.ID
		}
	}
	return ""
}

func sameSubject(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}
