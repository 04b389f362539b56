package playbooks

import (
	"slices"
	"strings"

	"steward"
)

// resolve finds the person or channel a sending step speaks to. why says, for
// people, who was looked for when nobody is found.
func (s *Situation) resolve(step Step, account steward.Account, subject steward.Subject) (to steward.Recipient, found bool, why string) {
	switch {
	case step.Slack == "owner", step.Task == "owner":
		return s.ownerRecipient(account, "owner")
	case step.Slack == "manager", step.Task == "manager":
		return s.managerRecipient(account)
	case step.Slack != "":
		return steward.Recipient{Key: step.Slack, Slack: step.Slack, Name: step.Slack}, true, ""
	case step.Webhook != "":
		return callRecipient(step.Webhook), true, ""
	case step.toSubject():
		return s.subjectRecipient(subject, step.Topic)
	default:
		return s.contactRecipient(step.Email, account.ID, step.Topic)
	}
}

// ownerRecipient is the account's CSM or whoever stands in for them, their
// pool's channel, or the channel for accounts that nobody owns.
func (s *Situation) ownerRecipient(account steward.Account, key string) (steward.Recipient, bool, string) {
	if o, ok := s.Book.owners[account.Owner]; ok {
		return s.present(o, key)
	}
	return s.Book.unowned(key, "the account has no owner that owners.yaml knows")
}

func (s *Situation) managerRecipient(account steward.Account) (steward.Recipient, bool, string) {
	if o, ok := s.Book.owners[account.Owner]; ok {
		if m, ok := s.Book.owners[o.Manager]; ok {
			return s.present(m, "manager")
		}
		return s.Book.unowned("manager", o.Name+" has no manager in owners.yaml")
	}
	return s.Book.unowned("manager", "the account has no owner that owners.yaml knows")
}

// present is somebody or who stands in for them. Where everybody is away it is
// the channel for accounts that nobody owns; without one the card waits with the
// person it is for, which is better than one that nobody gets.
func (s *Situation) present(o steward.Owner, key string) (steward.Recipient, bool, string) {
	if at, here := s.standIn(o); here {
		return recipientOf(at, key), true, ""
	}
	if to, found, _ := s.Book.unowned(key, ""); found {
		return to, true, ""
	}
	return recipientOf(o, key), true, ""
}

// standIn is who takes somebody's place while they are away: their backup, that
// one's backup and so on, then their manager with those who stand in for them,
// and so on up. Nobody is asked twice, so that people who name each other in a
// circle end the search. here is false when all of them are away.
func (s *Situation) standIn(o steward.Owner) (at steward.Owner, here bool) {
	if s.Book.Away == nil {
		return o, true
	}
	today := steward.DayOf(s.Now, s.Book.Zone)
	asked, climbed := map[steward.OwnerID]bool{}, map[steward.OwnerID]bool{}
	for head, ok := o, true; ok && !climbed[head.ID]; head, ok = s.Book.Owner(head.Manager) {
		climbed[head.ID] = true
		for at, ok := head, true; ok && !asked[at.ID]; at, ok = s.Book.Owner(at.Backup) {
			if !s.Book.Away(at.ID, today) {
				return at, true
			}
			asked[at.ID] = true
		}
	}
	return o, false
}

func (b *Book) unowned(key, why string) (steward.Recipient, bool, string) {
	if b.Unowned == "" {
		return steward.Recipient{}, false, why + ", and owners.unowned names no channel"
	}
	return steward.Recipient{Key: key, Slack: b.Unowned, Name: b.Unowned}, true, ""
}

func recipientOf(o steward.Owner, key string) steward.Recipient {
	r := steward.Recipient{Key: key, Owner: o.ID, Name: o.Name, Slack: o.Slack, Email: o.Email}
	if o.Pool != "" {
		r.Slack = o.Pool
	}
	if o.Zone != nil {
		r.Zone = o.Zone.String()
	}
	return r
}

// contactRecipient is the first role with somebody who can be written to and
// wants mail of the kind.
func (s *Situation) contactRecipient(roles []string, account steward.AccountID, topic steward.Topic) (steward.Recipient, bool, string) {
	for _, role := range roles {
		for _, c := range s.contacts[account] {
			if c.Email == "" || !slices.Contains(c.Roles, role) {
				continue
			}
			if _, out := s.Memory.Suppressed.Why(lower(c.Email), topic); out {
				continue
			}
			return steward.Recipient{Key: "role:" + role, Contact: c.ID, Name: c.Name, Email: c.Email}, true, ""
		}
	}
	return steward.Recipient{}, false, "no contact with an address that may be used is " + strings.Join(roles, " or ")
}

// approvers is the owners who may let a mail go, first the one who is asked.
func (b *Book) approvers(a Approval, account steward.Account) []steward.OwnerID {
	var out []steward.OwnerID
	add := func(id steward.OwnerID) {
		if _, ok := b.owners[id]; ok && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	owner := b.owners[account.Owner]
	if a.By == "manager" {
		add(owner.Manager)
	}
	add(owner.ID)
	add(owner.Backup)
	add(owner.Manager)
	for _, id := range b.Approvers {
		add(id)
	}
	return out
}
