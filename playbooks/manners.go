package playbooks

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"steward"
)

// How much people are sent, and when: the gates of working hours and of recent
// touches, and the places that a message takes of what limits allow. Places are
// counted where the message is claimed.

// zoneOf is where a message arrives: an owner's zone; of a customer's person,
// that which the account's field zone names, else that of the account's owner.
func (s *Situation) zoneOf(to steward.Recipient, account steward.AccountID) *time.Location {
	id := to.Owner
	if to.Customer() {
		a, ok := s.account(account)
		if zone := s.Book.zones.named(a.More["zone"].Text); ok && zone != nil {
			return zone
		}
		if ok {
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

// hoursOf is when somebody works: as owners.yaml says of them, else as the
// workspace does.
func (b *Book) hoursOf(o steward.Owner) steward.Hours {
	if o.Hours != nil {
		return *o.Hours
	}
	return b.Hours
}

// hours is when people want to hear where a message arrives. A customer's
// holidays are those of the account's country, where a field says it.
func (s *Situation) hours(to steward.Recipient, account steward.AccountID) steward.Hours {
	if !to.Customer() {
		o, _ := s.Book.Owner(to.Owner)
		return s.Book.hoursOf(o)
	}
	h := s.Book.Hours
	if a, ok := s.account(account); ok && h.Elsewhere != nil && a.More["country"].Text != "" {
		if free := h.Elsewhere(a.More["country"].Text); free != nil {
			h.Holiday = free
		}
	}
	return h
}

// zoneNames keeps the zones that accounts name: reading one is looking into
// files.
type zoneNames struct {
	mu   sync.Mutex
	read map[string]*time.Location
}

// named is a zone by its name; nil where there is no such.
func (z *zoneNames) named(name string) *time.Location {
	if name == "" || name == "Local" || z == nil {
		return nil
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if zone, ok := z.read[name]; ok {
		return zone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		zone = nil // check tells of values that mean nothing; the owner's zone will do
	}
	z.read[name] = zone
	return zone
}

func (s *Situation) outsideHours(to steward.Recipient, account steward.AccountID) steward.Decision {
	zone := s.zoneOf(to, account)
	next := s.hours(to, account).Next(s.Now, zone)
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
			p.Since, p.Until = today.Start(zone), s.hours(m.To, m.Account).Next((today+1).Start(zone), zone)
		}
		out = append(out, p)
	}
	zone := s.zoneOf(m.To, m.Account)
	switch m.Kind {
	case steward.Mail:
		add(steward.AddressPlace, strings.ToLower(m.To.Email), limits.Address, zone)
		add(steward.AccountPlace, string(m.Account), limits.Account, zone)
	case steward.Card:
		critical := false
		for _, o := range carried {
			if o.Severity == string(Critical) {
				critical = true
			}
		}
		if o, ok := s.Book.Owner(m.To.Owner); ok && o.Pool == "" && !critical { // a pool is several people's
			add(steward.OwnerPlace, string(m.To.Owner), limits.Owner, zone)
		}
	}
	if limits.Rate.Most > 0 {
		add(steward.RatePlace, string(m.Channel), limits.Rate, zone)
	}
	return out
}
