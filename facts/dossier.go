package facts

import (
	"slices"
	"strings"

	"steward"
)

// A dossier is what a portfolio has of one account beside its fields.
type dossier struct {
	contacts   []steward.Contact
	gone       []steward.Contact
	products   []steward.Product
	touches    []steward.Touch
	tickets    []steward.Ticket
	surveys    []steward.Survey
	objectives []steward.Objective
}

// dossier is an account's, gathered once for all of them; an account without
// anything has an empty one.
func (f *Frame) dossier(id steward.AccountID) *dossier {
	if f.dossiers == nil {
		f.gather()
	}
	if d, ok := f.dossiers[id]; ok {
		return d
	}
	return &dossier{}
}

// Touches is every touch with a row's account, whomever it was with. Never write
// to it.
func (v *View) Touches(row int) []steward.Touch { return v.frame.dossier(v.Account(row).ID).touches }

func (f *Frame) gather() {
	f.dossiers = map[steward.AccountID]*dossier{}
	of := func(id steward.AccountID) *dossier {
		d, ok := f.dossiers[id]
		if !ok {
			d = &dossier{}
			f.dossiers[id] = d
		}
		return d
	}
	p := &f.in.Portfolio
	for _, x := range p.Contacts {
		d := of(x.Account)
		d.contacts = append(d.contacts, x)
	}
	for _, x := range p.Gone {
		d := of(x.Account)
		d.gone = append(d.gone, x)
	}
	for _, x := range p.Products {
		d := of(x.Account)
		d.products = append(d.products, x)
	}
	for _, x := range p.Touches {
		d := of(x.Account)
		d.touches = append(d.touches, x)
	}
	for _, x := range p.Tickets {
		d := of(x.Account)
		d.tickets = append(d.tickets, x)
	}
	for _, x := range p.Surveys {
		d := of(x.Account)
		d.surveys = append(d.surveys, x)
	}
	for _, x := range p.Objectives {
		d := of(x.Account)
		d.objectives = append(d.objectives, x)
	}
}

// A person is somebody at an account, as of the day that is read.
type person struct {
	id    steward.ContactID
	roles []string
	// seen is the day on which they last used the product, as far as was known
	// then; NoDay where they had not. lost tells that no history says.
	seen steward.Day
	lost bool
}

// is tells whether the person has a role; "" is any. People write an economic
// buyer as they like.
func (p person) is(role string) bool {
	return role == "" || slices.ContainsFunc(p.roles, func(r string) bool { return strings.EqualFold(plainRole(r), plainRole(role)) })
}

// people is who was at a row's account shift days back, and whether that is
// known: those who are there now and those who left since.
func (v *View) people(row, shift int) ([]person, bool) {
	p := &v.frame.in.Portfolio
	d := v.frame.dossier(v.Account(row).ID)
	var out []person
	if v.stands(shift) {
		for _, c := range d.contacts {
			out = append(out, person{id: c.ID, roles: c.Roles, seen: c.LastSeen})
		}
		return out, p.Feeds("contacts")
	}
	day := v.Today(shift)
	if began, ok := v.frame.recorded(steward.AboutContact); !p.Feeds("contacts") || !ok || began > day {
		return nil, false
	}
	for _, c := range slices.Concat(d.contacts, d.gone) {
		key := steward.HistoryKey{Kind: steward.AboutContact, ID: string(c.ID)}
		if past, ok := p.History[key]; !ok || past.Since > day {
			continue // came later
		}
		role, _ := contactField(&c, "role")
		one := person{id: c.ID, seen: c.LastSeen}
		if role = v.past(key, "role", role, shift); role.Known {
			one.roles = strings.Split(role.Text, ", ")
		}
		if c.LastSeen > day {
			then := v.past(key, "last_seen", steward.OnDay(c.LastSeen), shift)
			one.seen, one.lost = then.Day(), !then.Known
		}
		out = append(out, one)
	}
	return out, true
}

// recorded is the first day of which the history of a kind of row tells, and
// whether there is any. Rows first seen later were not there before.
func (f *Frame) recorded(kind steward.SubjectKind) (steward.Day, bool) {
	if f.since == nil {
		f.since = map[steward.SubjectKind]steward.Day{}
		for key, past := range f.in.Portfolio.History {
			if first, ok := f.since[key.Kind]; !ok || past.Since < first {
				f.since[key.Kind] = past.Since
			}
		}
	}
	first, ok := f.since[kind]
	return first, ok
}

// plainRole is a role as people say it: an economic buyer, not an
// economic_buyer.
func plainRole(role string) string {
	return strings.Map(func(c rune) rune {
		if c == '_' || c == '-' {
			return ' '
		}
		return c
	}, role)
}
