package facts

import "steward"

// BuiltinFields is every field that a subject of the kind has without being
// declared, and its kind of value. A contract has its account's too; where both
// have a name (id, start_date), it means the contract's. A kind that is not
// judged yet has none.
func BuiltinFields(kind steward.SubjectKind) map[string]steward.Kind {
	out := map[string]steward.Kind{}
	if kind == steward.AboutAccount || kind == steward.AboutContract {
		for _, name := range []string{"id", "name", "parent", "status", "segment", "arr", "currency", "owner",
			"start_date", "renewal_date", "stage", "escalation_level", "contact_policy", "test"} {
			x, _ := accountField(&steward.Account{}, name)
			out[name] = x.Kind
		}
	}
	if kind == steward.AboutContract {
		for _, name := range []string{"id", "account", "product", "start_date", "end_date", "notice_date",
			"amount", "auto_renew", "renewed", "cancelled"} {
			x, _ := contractField(&steward.Contract{}, name)
			out[name] = x.Kind
		}
	}
	return out
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

// Kind is a field's kind, and whether the view's subjects have such a field.
func (v *View) Kind(name string) (steward.Kind, bool) {
	if v.kind == steward.AboutContract {
		if x, ok := contractField(&steward.Contract{}, name); ok {
			return x.Kind, true
		}
	}
	if x, ok := accountField(&steward.Account{}, name); ok {
		return x.Kind, true
	}
	k, ok := v.frame.fields[name]
	return k, ok
}

// Field is a field of every row, computed once: of a contract its own, else its
// account's, else one that the workspace declares. Empty text is unknown; a
// flag that no source gave is false; a field that does not exist is unknown
// everywhere.
func (v *View) Field(name string) Column {
	c, ok := v.fields[name]
	if !ok {
		kind, _ := v.Kind(name)
		c = columnOf(kind, v.Len(), func(row int) steward.Value { return v.FieldAt(row, name) })
		v.fields[name] = c
	}
	return c
}

// FieldAt is a field of one row, the same value that Field has there.
func (v *View) FieldAt(row int, name string) steward.Value {
	c := v.Contract(row)
	if c != nil {
		if x, ok := contractField(c, name); ok {
			return x
		}
	}
	a := v.Account(row)
	if x, ok := accountField(a, name); ok {
		return x
	}
	kind, ok := v.frame.fields[name]
	if !ok {
		return steward.Value{}
	}
	if c != nil {
		if x := ofKind(kind, c.More[name]); x.Known {
			return x
		}
	}
	x := ofKind(kind, a.More[name])
	if !x.Known && kind == steward.FlagKind {
		return steward.Bool(false)
	}
	return x
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
