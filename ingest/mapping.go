package ingest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"steward"
)

// A target is a name that a row of some kind of file can fill, and the cell it
// comes from.
type target struct {
	name string
	kind steward.Kind
	// also is other headers that mean the same.
	also   []string
	column int    // in the row; -1 for none
	filled int    // how many rows' cells said something
	header string // as it stands in the file
	def    string // the default
	// needed says that a file without it makes no sense.
	needed bool
}

// mapped tells whether a row can have a value for the target.
func (t *target) mapped() bool { return t.column >= 0 || t.def != "" }

func text(name string, also ...string) target {
	return target{name: name, kind: steward.TextKind, also: also}
}
func number(name string, also ...string) target {
	return target{name: name, kind: steward.NumberKind, also: also}
}
func date(name string, also ...string) target {
	return target{name: name, kind: steward.DateKind, also: also}
}
func flag(name string, also ...string) target {
	return target{name: name, kind: steward.FlagKind, also: also}
}
func need(t target) target { t.needed = true; return t }

// targets lists what a kind of file can hold.
func targets(kind FileKind, schema Schema) []target {
	switch kind {
	case Accounts:
		ts := []target{
			need(text("id", "account_id", "account")), text("name", "account_name"), text("parent", "parent_id", "parent_account_id"), text("status"), text("segment"),
			number("arr"), text("currency"), text("owner", "owner_id"), date("start_date"), date("renewal_date"),
			text("stage"), number("escalation_level"), text("contact_policy"), flag("test"),
		}
		for _, f := range schema.Fields {
			ts = append(ts, target{name: f.Name, kind: f.Kind})
		}
		return ts
	case Contracts:
		return []target{
			need(text("id", "contract_id")), need(text("account", "account_id")), text("product"), date("start_date"), date("end_date"), date("notice_date"),
			number("notice_days"), number("amount"), flag("auto_renew"), flag("renewed"), flag("cancelled", "canceled"),
		}
	case Contacts:
		return []target{
			text("id", "contact_id"), need(text("account", "account_id")), text("name", "full_name", "contact_name"), text("first_name"), text("last_name"),
			text("email", "email_address"), text("role", "roles"), text("locale"), date("last_seen"),
		}
	case Touches:
		return []target{
			text("id", "touch_id"), need(text("account", "account_id")), text("contact", "contact_id"), need(date("day", "date")), text("kind"), text("by"), text("direction"),
		}
	case Products:
		ts := []target{
			text("id", "product_id"), need(text("account", "account_id")), text("name", "product", "product_name"), text("plan"), number("seats"),
			date("start_date"), date("end_date"), text("features"),
		}
		for _, f := range schema.Fields {
			if !slices.ContainsFunc(ts, func(t target) bool { return t.name == f.Name }) {
				ts = append(ts, target{name: f.Name, kind: f.Kind})
			}
		}
		return ts
	case Tickets:
		return []target{
			need(text("id", "ticket_id")), need(text("account", "account_id")), text("contact", "contact_id"), text("priority"), need(date("opened", "opened_at")),
			date("closed", "closed_at"), text("status"),
		}
	case Surveys:
		return []target{
			text("id", "survey_id"), need(text("account", "account_id")), text("contact", "contact_id"), need(date("day", "date")), need(text("kind")), need(number("score")),
		}
	case Objectives:
		return []target{
			text("id", "objective_id"), need(text("account", "account_id")), need(text("name", "objective")), need(text("metric")), number("baseline"), number("target"),
			date("due", "due_date"), text("agreed", "agreed_with"),
		}
	case Milestones:
		return []target{need(text("account", "account_id")), need(text("name", "milestone")), need(date("day", "date"))}
	case Metrics:
		ts := []target{
			text("account", "account_id"), need(date("day", "date")), text("metric", "metric_name"), number("value", "metric_value"), text("row"), text("key"),
		}
		for _, m := range schema.Metrics {
			ts = append(ts, number(m.Name))
		}
		return ts
	}
	return nil
}

// neverByItself lists the names that take a column only where Columns says so:
// they change what rows mean.
var neverByItself = map[string]bool{"row": true, "key": true}

// A binding says where in a row each name's text is.
type binding struct {
	file    string
	header  []string
	targets []target
	byName  map[string]*target
	// aliases is, for a long metrics file, the text of the metric column that
	// stands for a declared metric, normalised.
	aliases map[string]string
	// through is the column that says how far the data are complete; -1 for none.
	through int
}

// bind finds the column of every name of the file's kind.
func bind(f File, header []string, schema Schema, through string) (*binding, error) {
	b := &binding{file: f.Path, header: header, targets: targets(f.Kind, schema), byName: map[string]*target{}, aliases: map[string]string{}, through: -1}
	for i := range b.targets {
		b.targets[i].column = -1
		b.byName[b.targets[i].name] = &b.targets[i]
	}
	if err := b.knownNames(f); err != nil {
		return nil, err
	}
	taken, err := b.explicit(f)
	if err != nil {
		return nil, err
	}
	if err := b.byItself(f, taken); err != nil {
		return nil, err
	}
	for name, def := range f.Defaults {
		b.byName[name].def = def
	}
	if f.Kind == Metrics && through != "" {
		if b.through, err = b.find(through, "complete_through"); err != nil {
			return nil, err
		}
	}
	return b, b.complete(f)
}

// knownNames refuses names in Columns and Defaults that the kind does not have.
func (b *binding) knownNames(f File) error {
	var names []string
	for name := range b.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, given := range append(slices.Sorted(maps.Keys(f.Columns)), slices.Sorted(maps.Keys(f.Defaults))...) {
		if b.byName[given] == nil {
			return &Error{File: f.Path, Message: fmt.Sprintf("columns or defaults name %q, which a %s file does not have", given, f.Kind),
				Hint: nearestHint(given, names, "declare it under fields or metrics, or use one of "+strings.Join(names, ", "))}
		}
	}
	return nil
}

// explicit binds what Columns maps, and tells which columns that takes.
func (b *binding) explicit(f File) (map[int]bool, error) {
	taken := map[int]bool{}
	long := f.Kind == Metrics && b.has("metric", f) && b.has("value", f)
	for _, name := range slices.Sorted(maps.Keys(f.Columns)) {
		header := f.Columns[name]
		if strings.TrimSpace(header) == "" {
			continue
		}
		i, err := b.find(header, name)
		if err != nil && long && !structural(name) {
			b.aliases[normalHeader(header)] = name
			continue
		}
		if err != nil {
			return nil, err
		}
		b.set(name, i)
		taken[i] = true
	}
	return taken, nil
}

// has tells whether the file has a column for a structural name, mapped or by
// itself.
func (b *binding) has(name string, f File) bool {
	if h, ok := f.Columns[name]; ok {
		return strings.TrimSpace(h) != ""
	}
	return slices.ContainsFunc(b.header, func(h string) bool {
		return slices.ContainsFunc(append(slices.Clone(b.byName[name].also), name), func(n string) bool { return normalHeader(n) == normalHeader(h) })
	})
}

// structural tells the names of a metrics file that are not metrics.
func structural(name string) bool {
	switch name {
	case "account", "day", "metric", "value", "row", "key":
		return true
	}
	return false
}

// byItself binds the names left over to headers that are equal to them.
func (b *binding) byItself(f File, taken map[int]bool) error {
	for i := range b.targets {
		t := &b.targets[i]
		if _, given := f.Columns[t.name]; given || neverByItself[t.name] {
			continue
		}
		for _, want := range append([]string{t.name}, t.also...) {
			found := -1
			for c, h := range b.header {
				if taken[c] || normalHeader(h) != normalHeader(want) {
					continue
				}
				if found >= 0 {
					return b.twice(h, found, c)
				}
				found = c
			}
			if found >= 0 {
				b.set(t.name, found)
				taken[found] = true
				break
			}
		}
	}
	return nil
}

// unread is the headers that nothing is bound to.
func (b *binding) unread() []string {
	var out []string
	for i, h := range b.header {
		if i == b.through || strings.TrimSpace(h) == "" || slices.ContainsFunc(b.targets, func(t target) bool { return t.column == i }) {
			continue
		}
		out = append(out, shorten(strings.TrimSpace(h), 40))
	}
	return out
}

func (b *binding) set(name string, column int) {
	b.byName[name].column = column
	b.byName[name].header = strings.TrimSpace(b.header[column])
}

// find is the column with a header: equal but for the spaces around it, else
// equal when normalised.
func (b *binding) find(header, name string) (int, error) {
	for _, same := range []func(string) bool{
		func(h string) bool { return strings.TrimSpace(h) == strings.TrimSpace(header) },
		func(h string) bool { return normalHeader(h) == normalHeader(header) },
	} {
		found := -1
		for i, h := range b.header {
			if !same(h) {
				continue
			}
			if found >= 0 {
				return 0, b.twice(h, found, i)
			}
			found = i
		}
		if found >= 0 {
			return found, nil
		}
	}
	return 0, &Error{File: b.file, Line: 1, Message: fmt.Sprintf("%s is mapped to the column %q, which is not there", name, header),
		Hint: nearestHint(header, b.header, "the columns are "+listHeaders(b.header))}
}

func (b *binding) twice(header string, i, j int) error {
	return &Error{File: b.file, Line: 1, Message: fmt.Sprintf("the header %q stands over columns %d and %d", strings.TrimSpace(header), i+1, j+1),
		Hint: "rename one of them, so that it is certain which one is meant"}
}

// complete refuses a file that lacks what its kind cannot do without.
func (b *binding) complete(f File) error {
	missing := func(name string) error {
		t := b.byName[name]
		return &Error{File: f.Path, Line: 1, Message: fmt.Sprintf("no column holds the %s of a %s file", name, f.Kind),
			Hint: nearestHint(name, b.header, fmt.Sprintf("map it under columns, as in `%s: HEADER`; the columns are %s", t.name, listHeaders(b.header)))}
	}
	for i := range b.targets {
		if t := &b.targets[i]; t.needed && !t.mapped() {
			return missing(t.name)
		}
	}
	switch f.Kind {
	case Products:
		if !b.byName["id"].mapped() && !b.byName["name"].mapped() {
			return missing("name")
		}
	case Contacts:
		if !b.byName["id"].mapped() && !b.byName["email"].mapped() && !b.byName["name"].mapped() && !b.byName["last_name"].mapped() {
			return missing("name")
		}
	case Metrics:
		return b.completeMetrics(f, missing)
	}
	return nil
}

func (b *binding) completeMetrics(f File, missing func(string) error) error {
	if f.Via == nil && !b.byName["account"].mapped() {
		return missing("account")
	}
	if f.Via != nil && b.byName["key"].column < 0 {
		i, err := b.find(f.Via.Key, "via.key")
		if err != nil {
			return err
		}
		b.set("key", i)
	}
	metric, value := b.byName["metric"].mapped(), b.byName["value"].mapped()
	if metric != value {
		name := "value"
		if value {
			name = "metric"
		}
		return missing(name)
	}
	if metric {
		return nil
	}
	for _, t := range b.targets {
		if !structural(t.name) && t.mapped() {
			return nil
		}
	}
	return &Error{File: f.Path, Line: 1, Message: "no column holds a metric that the workspace declares",
		Hint: "declare it under metrics, and map it under columns, as in `logins: HEADER`; the columns are " + listHeaders(b.header)}
}

// normalHeader is a header without what people write differently: case,
// spaces, dashes, underscores, points. "Account ID", accountId and account_id
// are one.
func normalHeader(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' || r == '_' || r == '.' || r == '\ufeff' {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

func listHeaders(header []string) string {
	const most = 20
	var out []string
	for i, h := range header {
		if i == most {
			return strings.Join(out, ", ") + fmt.Sprintf(" and %d more", len(header)-most)
		}
		out = append(out, shorten(strings.TrimSpace(h), 40))
	}
	return strings.Join(out, ", ")
}

// nearestHint suggests the name that is nearest to a wrong one, or says
// otherwise where none is near.
func nearestHint(wrong string, names []string, otherwise string) string {
	normal, byNormal := make([]string, 0, len(names)), make(map[string]string, len(names))
	for _, n := range names {
		byNormal[normalHeader(n)] = strings.TrimSpace(n)
		normal = append(normal, normalHeader(n))
	}
	if near := steward.Nearest(normalHeader(wrong), normal); near != "" {
		return fmt.Sprintf("did you mean %q?", byNormal[near])
	}
	return otherwise
}

// shorten cuts a text to at most n characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
