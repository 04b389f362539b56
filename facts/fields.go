package facts

import (
	"fmt"
	"slices"
	"strings"

	"steward"
)

// BuiltinFields is every field that a subject of the kind has without being
// declared, and its kind of value. A contract, person or product has its
// account's too; where both have a name (id, start_date), it means its own.
func BuiltinFields(kind steward.SubjectKind) map[string]steward.Kind {
	out := map[string]steward.Kind{}
	for _, name := range []string{"id", "name", "parent", "status", "segment", "arr", "currency", "owner",
		"start_date", "renewal_date", "stage", "escalation_level", "contact_policy", "test", steward.PulseField} {
		x, _ := accountField(&steward.Account{}, name)
		out[name] = x.Kind
	}
	for _, name := range ownFields[kind] {
		x, _ := ownField(kind, name)
		out[name] = x.Kind
	}
	return out
}

// ownFields is the built-in fields of subjects other than accounts.
var ownFields = map[steward.SubjectKind][]string{
	steward.AboutContract: {"id", "account", "product", "start_date", "end_date", "notice_date", "amount", "auto_renew", "renewed", "cancelled"},
	steward.AboutContact:  {"id", "account", "name", "email", "role", "locale", "last_seen", "bounced"},
	steward.AboutProduct:  {"id", "account", "name", "plan", "seats", "start_date", "end_date", "features"},
}

// OwnFields is the names of the built-in fields that a kind of subject has
// itself, in the order in which they are documented; those of accounts are in
// BuiltinFields of all kinds.
func OwnFields(kind steward.SubjectKind) []string { return slices.Clone(ownFields[kind]) }

// ownField is the empty value of a subject's own built-in field, and whether it
// is one.
func ownField(kind steward.SubjectKind, name string) (steward.Value, bool) {
	switch kind {
	case steward.AboutContract:
		return contractField(&steward.Contract{}, name)
	case steward.AboutContact:
		return contactField(&steward.Contact{}, name)
	case steward.AboutProduct:
		return productField(&steward.Product{}, name)
	}
	return steward.Value{}, false
}

// accountField is a built-in field of an account, and whether it is one. A
// switch rather than a table of functions: the interpreter asks by name for
// every row, and this allocates nothing.
func accountField(a *steward.Account, name string) (steward.Value, bool) {
	switch name {
	case "id":
		return text(string(a.ID)), true
	case "name":
		return text(a.Name), true
	case "parent":
		return text(string(a.Parent)), true
	case "status":
		return text(a.Status), true
	case "segment":
		return text(a.Segment), true
	case "arr":
		return ofKind(steward.NumberKind, a.ARR), true
	case "currency":
		return text(a.Currency), true
	case "owner":
		return text(string(a.Owner)), true
	case "start_date":
		return steward.OnDay(a.StartDate), true
	case "renewal_date":
		return steward.OnDay(a.RenewalDate), true
	case "stage":
		return text(a.Stage), true
	case "escalation_level":
		return ofKind(steward.NumberKind, a.EscalationLevel), true
	case "contact_policy":
		return text(a.ContactPolicy), true
	case "test":
		return steward.Bool(a.Test), true
	case steward.PulseField:
		return ofKind(steward.NumberKind, a.Pulse), true
	}
	return steward.Value{}, false
}

// contractField is a built-in field of a contract, and whether it is one.
func contractField(c *steward.Contract, name string) (steward.Value, bool) {
	switch name {
	case "id":
		return text(string(c.ID)), true
	case "account":
		return text(string(c.Account)), true
	case "product":
		return text(c.Product), true
	case "start_date":
		return steward.OnDay(c.StartDate), true
	case "end_date":
		return steward.OnDay(c.EndDate), true
	case "notice_date":
		return steward.OnDay(c.NoticeDate), true
	case "amount":
		return ofKind(steward.NumberKind, c.Amount), true
	case "auto_renew":
		return steward.Bool(c.AutoRenew), true
	case "renewed":
		return steward.Bool(c.Renewed), true
	case "cancelled":
		return steward.Bool(c.Cancelled), true
	}
	return steward.Value{}, false
}

// contactField is a built-in field of a person, and whether it is one. Roles
// are one text, so that role contains 'champion' finds each of several.
func contactField(c *steward.Contact, name string) (steward.Value, bool) {
	switch name {
	case "id":
		return text(string(c.ID)), true
	case "account":
		return text(string(c.Account)), true
	case "name":
		return text(c.Name), true
	case "email":
		return text(c.Email), true
	case "role":
		return text(strings.Join(c.Roles, ", ")), true
	case "locale":
		return text(c.Locale), true
	case "last_seen":
		return steward.OnDay(c.LastSeen), true
	case "bounced":
		return steward.Bool(c.Bounced), true
	}
	return steward.Value{}, false
}

// productField is a built-in field of a product, and whether it is one.
func productField(p *steward.Product, name string) (steward.Value, bool) {
	switch name {
	case "id":
		return text(string(p.ID)), true
	case "account":
		return text(string(p.Account)), true
	case "name":
		return text(p.Name), true
	case "plan":
		return text(p.Plan), true
	case "seats":
		return ofKind(steward.NumberKind, p.Seats), true
	case "start_date":
		return steward.OnDay(p.StartDate), true
	case "end_date":
		return steward.OnDay(p.EndDate), true
	case "features":
		return text(strings.Join(p.Features, ", ")), true
	}
	return steward.Value{}, false
}

// Kind is a field's kind, and whether the view's subjects have such a field.
// What follows from rules counts as a field.
func (v *View) Kind(name string) (steward.Kind, bool) {
	if x, ok := ownField(v.kind, name); ok {
		return x.Kind, true
	}
	if kind, ok := v.derived(Question{Ask: name}); ok {
		return kind, true
	}
	if x, ok := accountField(&steward.Account{}, name); ok {
		return x.Kind, true
	}
	k, ok := v.frame.fields[name]
	return k, ok
}

// Field is a field of every row shift days back, computed once: a subject's own,
// else what follows from rules, else its account's, else one that the workspace
// declares. Empty text is unknown; a flag that no source gave is false; a field
// that does not exist, or of a day that no history reaches, is unknown
// everywhere.
func (v *View) Field(name string, shift int) Column {
	key := fieldKey{name, shift}
	c, ok := v.fields[key]
	if ok {
		return c
	}
	if _, own := ownField(v.kind, name); !own {
		if _, ok := v.derived(Question{Ask: name}); ok {
			return v.Ask(Question{Ask: name}, shift)
		}
	}
	kind, _ := v.Kind(name)
	c = columnOf(kind, v.Len(), func(row int) steward.Value { return v.FieldAt(row, name, shift) })
	v.fields[key] = c
	return c
}

// FieldAt is a field of one row, the same value that Field has there.
func (v *View) FieldAt(row int, name string, shift int) steward.Value {
	if _, own := ownField(v.kind, name); own {
		return v.asOf(v.key(row), name, v.ownNow(row, name), shift)
	}
	if _, ok := v.derived(Question{Ask: name}); ok {
		return v.AskAt(row, Question{Ask: name}, shift)
	}
	return v.GivenAt(row, name, shift)
}

// GivenAt is a field of the row's account as the sources give it, whatever
// rules say of the name.
func (v *View) GivenAt(row int, name string, shift int) steward.Value {
	a := v.Account(row)
	x, builtin := accountField(a, name)
	if builtin {
		return v.asOf(v.accountKey(row), name, x, shift)
	}
	kind, declared := v.frame.fields[name]
	if !declared {
		return steward.Value{}
	}
	if v.kind == steward.AboutContract || v.kind == steward.AboutProduct {
		own := ofKind(kind, v.more(row)[name])
		if x = v.asOf(v.key(row), name, own, shift); x.Known || own.Known && !v.reaches(v.key(row), shift) {
			return x
		}
	}
	x = ofKind(kind, a.More[name])
	if !x.Known && kind == steward.FlagKind {
		x = steward.Bool(false)
	}
	return v.asOf(v.accountKey(row), name, x, shift)
}

// asOf is what a field was shift days back; now is what it is.
func (v *View) asOf(key steward.HistoryKey, name string, now steward.Value, shift int) steward.Value {
	if v.stands(shift) {
		return now
	}
	return v.past(key, name, now, shift)
}

// reaches tells whether fields of a row can be told of shift days back.
func (v *View) reaches(key steward.HistoryKey, shift int) bool {
	past, ok := v.frame.in.Portfolio.History[key]
	return v.stands(shift) || ok && past.Since <= v.Today(shift)
}

// more is the declared fields that a subject other than an account has itself.
func (v *View) more(row int) map[string]steward.Value {
	switch v.kind {
	case steward.AboutContract:
		return v.Contract(row).More
	case steward.AboutProduct:
		return v.Product(row).More
	}
	return nil
}

func (v *View) ownNow(row int, name string) steward.Value {
	var x steward.Value
	switch v.kind {
	case steward.AboutContract:
		x, _ = contractField(v.Contract(row), name)
	case steward.AboutContact:
		x, _ = contactField(v.Contact(row), name)
	case steward.AboutProduct:
		x, _ = productField(v.Product(row), name)
	}
	return x
}

func (v *View) key(row int) steward.HistoryKey {
	return steward.HistoryKey{Kind: v.kind, ID: v.Subject(row).ID}
}

func (v *View) accountKey(row int) steward.HistoryKey {
	return steward.HistoryKey{Kind: steward.AboutAccount, ID: string(v.Account(row).ID)}
}

// stands tells that fields read shift days back are the portfolio's own.
func (v *View) stands(shift int) bool {
	return v.frame.in.Portfolio.History == nil || v.Today(shift) >= v.frame.in.Of
}

// past is what a field was, by the history; now is what it is.
func (v *View) past(key steward.HistoryKey, field string, now steward.Value, shift int) steward.Value {
	past, recorded := v.frame.in.Portfolio.History[key]
	day := v.Today(shift)
	if !recorded || past.Since > day {
		return steward.Unknown(now.Kind)
	}
	x, changed := steward.Unknown(now.Kind), false
	for _, c := range past.Changes {
		if c.Field != field {
			continue
		}
		if changed = true; c.Day <= day {
			x = ofKind(now.Kind, c.Value)
		}
	}
	switch {
	case !changed && field == "last_seen" && now.Day() > day:
		return steward.Unknown(now.Kind) // not recorded day by day, as it changes with every login
	case !changed:
		return now
	case !x.Known && now.Kind == steward.FlagKind:
		return steward.Bool(false) // only flags that are set are kept
	}
	return x
}

// WhyField says in a clause why a field is unknown; "" when it is known.
func (v *View) WhyField(row int, name string, shift int) string {
	if v.FieldAt(row, name, shift).Known {
		return ""
	}
	if _, own := ownField(v.kind, name); !own {
		if _, ok := v.derived(Question{Ask: name}); ok {
			return v.WhyAsk(row, Question{Ask: name}, shift)
		}
	}
	plain := strings.ReplaceAll(name, "_", " ")
	if v.stands(shift) {
		return plain + " is not known"
	}
	key := v.accountKey(row)
	if _, own := ownField(v.kind, name); own || v.more(row)[name].Known {
		key = v.key(row)
	}
	past, recorded := v.frame.in.Portfolio.History[key]
	if !recorded {
		return fmt.Sprintf("what %s was is not recorded for this %s", plain, key.Kind)
	}
	if past.Since > v.Today(shift) {
		return fmt.Sprintf("what %s was is recorded from %s on; this is known from %s on", plain, past.Since, past.Since+steward.Day(shift))
	}
	return fmt.Sprintf("%s was not known on %s", plain, v.Today(shift))
}

// text is a text that is unknown where the source left it empty: segment !=
// 'smb' must not hold for an account whose segment nobody entered.
func text(s string) steward.Value {
	return steward.Value{Kind: steward.TextKind, Known: s != "", Text: s}
}

// ofKind is x where it is of the kind, else unknown: a declaration may have
// changed since the value was imported, and empty text is no text.
func ofKind(kind steward.Kind, x steward.Value) steward.Value {
	if !x.Known || x.Kind != kind || kind == steward.TextKind && x.Text == "" {
		return steward.Unknown(kind)
	}
	return x
}
