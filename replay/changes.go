package replay

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"steward"
	"steward/configs/strictyaml"
)

// A RowChange is what becomes of a row of the world from the run of a day on.
type RowChange struct {
	On   steward.Day
	Kind steward.SubjectKind
	ID   string
	// Fields are the new values, by name, in the order in which they are written.
	Fields []FieldValue
	// List is the new roles of a contact or features of a product, where Listed.
	List   []string
	Listed bool
	// Gone tells that the source lists the row no longer, or, where Back, that it
	// does again.
	Gone, Back bool
}

// A FieldValue is a field's new value.
type FieldValue struct {
	Name  string
	Value steward.Value
}

// On is the portfolio as sources tell it before the run of a day: rows as they
// have become, and of what happened all through the day before.
func (g Given) On(d steward.Day) steward.Portfolio {
	p := steward.Portfolio{Kinds: g.Portfolio.Kinds, Objectives: g.Portfolio.Objectives}
	for _, a := range g.Portfolio.Accounts {
		a.More = maps.Clone(a.More)
		if g.become(d, steward.AboutAccount, string(a.ID), func(c RowChange) { c.each(func(f FieldValue) { setAccount(&a, f.Name, f.Value) }) }) {
			p.Accounts = append(p.Accounts, a)
		}
	}
	for _, x := range g.Portfolio.Contracts {
		x.More = maps.Clone(x.More)
		if g.become(d, steward.AboutContract, string(x.ID), func(c RowChange) { c.each(func(f FieldValue) { setContract(&x, f.Name, f.Value) }) }) {
			p.Contracts = append(p.Contracts, x)
		}
	}
	for _, x := range g.Portfolio.Contacts {
		if g.become(d, steward.AboutContact, string(x.ID), func(c RowChange) {
			c.each(func(f FieldValue) { setContact(&x, f.Name, f.Value) })
			if c.Listed {
				x.Roles = c.List
			}
		}) {
			p.Contacts = append(p.Contacts, x)
		}
	}
	for _, x := range g.Portfolio.Products {
		x.More = maps.Clone(x.More)
		if g.become(d, steward.AboutProduct, string(x.ID), func(c RowChange) {
			c.each(func(f FieldValue) { setProduct(&x, f.Name, f.Value) })
			if c.Listed {
				x.Features = c.List
			}
		}) {
			p.Products = append(p.Products, x)
		}
	}
	for _, t := range g.Portfolio.Touches {
		if t.Day < d {
			p.Touches = append(p.Touches, t)
		}
	}
	for _, t := range g.Portfolio.Tickets {
		if t.Opened >= d {
			continue
		}
		if t.Closed >= d {
			t.Closed = steward.NoDay
		}
		p.Tickets = append(p.Tickets, t)
	}
	for _, s := range g.Portfolio.Surveys {
		if s.Day < d {
			p.Surveys = append(p.Surveys, s)
		}
	}
	for _, m := range g.Portfolio.Milestones {
		if m.Day < d {
			p.Milestones = append(p.Milestones, m)
		}
	}
	return p
}

// become applies what became of a row by a day, and tells whether it is there.
func (g Given) become(d steward.Day, kind steward.SubjectKind, id string, apply func(RowChange)) (there bool) {
	there = true
	for _, c := range g.Changes {
		if c.On > d || c.Kind != kind || c.ID != id {
			continue
		}
		there = c.Back || there && !c.Gone
		apply(c)
	}
	return there
}

func (c RowChange) each(set func(FieldValue)) {
	for _, f := range c.Fields {
		set(f)
	}
}

// change reads one change of a row.
func (r *scenarioReader) change(rec record, g *Given) {
	if len(rec) == 0 {
		return
	}
	var c RowChange
	on, given := entry(rec, "on")
	if !given {
		r.wrong(rec[0].Key, "the change does not say on which day", "add on: …")
	}
	c.On = r.on(on, g.From)
	kinds, list := r.whose(rec, &c)
	if kinds == nil {
		return
	}
	rest := slices.DeleteFunc(slices.Clone(rec), func(e strictyaml.Entry[strictyaml.OneOrMore]) bool {
		return e.Key.Value == "on" || e.Key.Value == string(c.Kind)
	})
	if list != nil {
		rest, c.List, c.Listed = listed(rest, list...)
	}
	kinds["gone"] = steward.FlagKind
	delete(kinds, "id")
	r.fields(rest, kinds, func(name string, v steward.Value) {
		if name == "gone" {
			c.Gone, c.Back = v.Verdict() == steward.Holds, v.Verdict() != steward.Holds
			return
		}
		if name == "account" && !r.accounts[steward.AccountID(v.Text)] {
			s, _ := entry(rest, "account")
			r.known(s)
		}
		c.Fields = append(c.Fields, FieldValue{name, v})
	})
	if len(rest) == 0 && !c.Listed {
		r.wrong(rec[0].Key, "nothing changes here", "add a field with its new value, or gone: true")
	}
	g.Changes = append(g.Changes, c)
}

// whose is the row that a change is about: its kind and id go into c; what
// comes back is its fields, and the names of its list, if it has one.
func (r *scenarioReader) whose(rec record, c *RowChange) (kinds map[string]steward.Kind, list []string) {
	var of []string
	for _, k := range []struct {
		kind  steward.SubjectKind
		known func(string) bool
		ids   []string
	}{
		{steward.AboutContract, func(id string) bool { return r.contracts[steward.ContractID(id)] }, texts(r.contracts)},
		{steward.AboutContact, func(id string) bool { return r.contacts[steward.ContactID(id)] }, texts(r.contacts)},
		{steward.AboutProduct, func(id string) bool { return r.products[steward.ProductID(id)] }, texts(r.products)},
		{steward.AboutAccount, func(id string) bool { return r.accounts[steward.AccountID(id)] }, texts(r.accounts)},
	} {
		s, given := entry(rec, string(k.kind))
		// A contract, person or product that changes its account names that, too.
		if !given || k.kind == steward.AboutAccount && len(of) > 0 {
			continue
		}
		of = append(of, string(k.kind))
		c.Kind, c.ID = k.kind, s.Value
		if !k.known(s.Value) {
			hint := fmt.Sprintf("%ss given: %s; give one that comes later as it was before, such as a person without the role", k.kind, strings.Join(k.ids, ", "))
			if near := steward.Nearest(s.Value, k.ids); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			r.wrong(s, fmt.Sprintf("there is no %s %q under given", k.kind, s.Value), hint)
			return nil, nil
		}
	}
	if len(of) != 1 {
		r.wrong(rec[0].Key, "a change is about one row", "name it with account:, contract:, contact: or product: and its id")
		return nil, nil
	}
	switch c.Kind {
	case steward.AboutContract:
		return r.contractKinds(), nil
	case steward.AboutContact:
		return contactKinds(), []string{"roles", "role"}
	case steward.AboutProduct:
		return r.productKinds(), []string{"features"}
	}
	return r.accountKinds(), nil
}

func texts[T ~string](ids map[T]bool) []string {
	out := make([]string, 0, len(ids))
	for id := range ids {
		out = append(out, string(id))
	}
	slices.Sort(out)
	return out
}
