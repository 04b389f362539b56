package playbooks

import (
	"fmt"
	"strings"
	"time"

	"steward"
)

// How much people are sent, and when: the gates of working hours and of recent
// touches, and the places that a message takes of what limits allow. Places are
// counted where the message is claimed.

// zoneOf is where a message arrives: an owner's zone, and of a customer's
// person, of whom nobody tells one, that of the account's owner.
func (s *Situation) zoneOf(to steward.Recipient, account steward.AccountID) *time.Location {
	id := to.Owner
	if to.Customer() {
		if a, ok := s.account(account); ok {
			id = a.Owner
		}
	}
	if o, ok := s.Book.Owner(id); ok && o.Zone != nil {
		return o.Zone
	}
	return s.Book.Zone
}

// gateHours keeps words for people for when they work.
func gateHours(s *Situation, c Candidate) steward.Decision {
	if c.Message.Channel == steward.Webhook {
		return steward.Decision{} // a program has none
	}
	return s.outsideHours(c.Message.To, c.Outreach.Subject.Account)
}

func (s *Situation) outsideHours(to steward.Recipient, account steward.AccountID) steward.Decision {
	zone := s.zoneOf(to, account)
	next := s.Book.Hours.Next(s.Now, zone)
	if !next.After(s.Now) {
		return steward.Decision{}
	}
	return steward.Decision{Effect: steward.Defer, Reason: steward.ReasonOutsideHours, Until: next,
		Detail: fmt.Sprintf("it is %s in %s, outside working hours, which begin again on %s", s.Now.In(zone).Format("Monday 15:04"), zone, next.In(zone).Format("Monday 2 January 15:04"))}
}

// gateTouched leaves a customer's people alone for a while after one of us spoke
// with them.
func gateTouched(s *Situation, c Candidate) steward.Decision {
	after := s.Book.Limits.AfterTouch
	if after <= 0 || !c.Outreach.To.Customer() {
		return steward.Decision{}
	}
	last := steward.NoDay
	for _, t := range s.Frame.Portfolio().Touches {
		if t.Account == c.Outreach.Subject.Account && t.Day <= steward.SlotAt(s.Now).Day(s.Book.Zone) {
			last = max(last, t.Day)
		}
	}
	if last == steward.NoDay {
		return steward.Decision{}
	}
	free := (last + steward.Day(after)).Start(s.Book.Zone)
	if !s.Now.Before(free) {
		return steward.Decision{}
	}
	return steward.Decision{Effect: steward.Defer, Reason: steward.ReasonTouchedLately, Until: free,
		Detail: fmt.Sprintf("one of us spoke with the account on %s; its people get no mail for %d days after that", last, after)}
}

// Places is what a message takes of what limits allow, if it goes.
func (s *Situation) Places(m steward.Message, carried []steward.Outreach) []steward.Place {
	limits := s.Book.Limits
	var out []steward.Place
	add := func(kind steward.PlaceKind, key string, c steward.Cap, zone *time.Location) {
		if c.IsZero() || key == "" {
			return
		}
		p := steward.Place{Kind: kind, Key: key, Most: c.Most, Window: c.Window, Since: s.Now.Add(-c.Window), Words: c.Words}
		if c.Daily {
			today := steward.SlotAt(s.Now).Day(zone)
			p.Since, p.Until = today.Start(zone), s.Book.Hours.Next((today+1).Start(zone), zone)
		}
		out = append(out, p)
	}
	zone := s.zoneOf(m.To, m.Account)
	switch m.Kind {
	case steward.Mail:
		add(steward.AddressPlace, strings.ToLower(m.To.Email), limits.Address, zone)
		add(steward.AccountPlace, string(m.Account), limits.Account, zone)
	case steward.Card:
		for _, o := range carried {
			if o.Severity == string(Critical) {
				return nil
			}
		}
		add(steward.OwnerPlace, string(m.To.Owner), limits.Owner, zone)
	}
	return out
}
