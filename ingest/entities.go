package ingest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"steward"
)

// A sighting is where an entity was read.
type sighting struct {
	index int // in the batch
	file  string
	line  int
}

// parts remembers which entities were read, by kind and id.
type parts struct {
	seen map[FileKind]map[string]sighting
}

func newParts() *parts {
	p := &parts{seen: map[FileKind]map[string]sighting{}}
	for _, k := range FileKinds() {
		p.seen[k] = map[string]sighting{}
	}
	return p
}

// keep puts an entity into its list, or settles what a repetition means.
func keep[E any](r *row, kind FileKind, id string, list *[]E, e E) error {
	seen := r.parts.seen[kind]
	first, again := seen[id]
	if !again {
		seen[id] = sighting{len(*list), r.file.Path, r.rec.line}
		*list = append(*list, e)
		return nil
	}
	if reflect.DeepEqual((*list)[first.index], e) {
		return nil
	}
	where := fmt.Sprintf("line %d", first.line)
	if first.file != r.file.Path {
		where += " of " + first.file
	}
	switch r.file.Duplicates {
	case DuplicatesFirst:
	case DuplicatesLast:
		(*list)[first.index] = e
		seen[id] = sighting{first.index, r.file.Path, r.rec.line}
	case DuplicatesError:
		return &Error{File: r.file.Path, Line: r.rec.line, Message: fmt.Sprintf("%q is the id of %s too, with other values", id, where), Hint: "mend the export, or set duplicates: first or last for the file"}
	default:
		column := -1
		if t := r.survey.binding.byName["id"]; t != nil {
			column = t.column
		}
		r.reject(column, fmt.Sprintf("is the id of %s too, with other values; mend the export, or set duplicates: first or last for the file", where), id)
	}
	return nil
}

func (r *reading) account(row *row) error {
	a := steward.Account{
		ID:              steward.AccountID(r.accountID(row.key("id"))),
		Name:            row.text("name"),
		Parent:          steward.AccountID(r.accountID(row.text("parent"))),
		Status:          row.text("status"),
		Segment:         row.text("segment"),
		ARR:             row.number("arr"),
		Currency:        row.text("currency"),
		Owner:           steward.OwnerID(row.text("owner")),
		StartDate:       row.date("start_date"),
		RenewalDate:     row.date("renewal_date"),
		Stage:           row.text("stage"),
		EscalationLevel: row.number("escalation_level"),
		ContactPolicy:   row.text("contact_policy"),
		Test:            row.isSet("test"),
	}
	for _, f := range r.schema.Fields {
		if !row.survey.binding.byName[f.Name].mapped() {
			continue
		}
		if v := row.value(f.Name, f.Kind); v.Known {
			if a.More == nil {
				a.More = map[string]steward.Value{}
			}
			a.More[f.Name] = v
		}
	}
	if row.fail != nil {
		return nil
	}
	return keep(row, Accounts, string(a.ID), &r.batch.Accounts, a)
}

func (r *reading) contract(row *row) error {
	c := steward.Contract{
		ID:         steward.ContractID(row.key("id")),
		Account:    steward.AccountID(r.accountID(row.key("account"))),
		Product:    row.text("product"),
		StartDate:  row.date("start_date"),
		EndDate:    row.date("end_date"),
		NoticeDate: row.date("notice_date"),
		Amount:     row.number("amount"),
		AutoRenew:  row.isSet("auto_renew"),
		Renewed:    row.isSet("renewed"),
		Cancelled:  row.isSet("cancelled"),
	}
	// Many systems keep the length of the notice period, not its date.
	if n := row.number("notice_days"); n.Known && c.NoticeDate == steward.NoDay && c.EndDate != steward.NoDay {
		if n.Num < 0 || n.Num > 3660 {
			row.reject(row.survey.binding.byName["notice_days"].column, "is no notice period in days; mend the cell", fmt.Sprint(n.Num))
			return nil
		}
		c.NoticeDate = c.EndDate - steward.Day(n.Num)
	}
	if row.fail == nil && c.StartDate != steward.NoDay && c.EndDate != steward.NoDay && c.EndDate < c.StartDate {
		row.reject(row.survey.binding.byName["end_date"].column, "is before the contract's start; mend the dates, or check date_order", c.EndDate.String())
	}
	if row.fail != nil {
		return nil
	}
	return keep(row, Contracts, string(c.ID), &r.batch.Contracts, c)
}

func (r *reading) contact(row *row) error {
	c := steward.Contact{
		Account:  steward.AccountID(r.accountID(row.key("account"))),
		Name:     row.text("name"),
		Email:    row.address("email"),
		Roles:    row.roles("role"),
		Locale:   row.text("locale"),
		LastSeen: row.date("last_seen"),
	}
	if c.Name == "" {
		c.Name = strings.TrimSpace(row.text("first_name") + " " + row.text("last_name"))
	}
	if id := row.text("id"); id != "" {
		c.ID = steward.ContactID(id)
	} else {
		c.ID = contactID(c)
	}
	if row.fail == nil && c.ID == "" {
		row.reject(-1, "names nobody: it has no id, e-mail address or name; give it one, or remove it", "")
	}
	if row.fail != nil {
		return nil
	}
	return keep(row, Contacts, string(c.ID), &r.batch.Contacts, c)
}

// contactID makes an id for a person whose source gives none: the account with
// the address, else with the name. A person who changes addresses becomes a
// new one then, which is why a source's own id is better.
func contactID(c steward.Contact) steward.ContactID {
	who := strings.ToLower(c.Email)
	if who == "" {
		who = strings.ToLower(strings.Join(strings.Fields(c.Name), " "))
	}
	if who == "" {
		return ""
	}
	return steward.ContactID(string(c.Account) + "/" + who)
}

func (r *reading) touch(row *row) error {
	t := steward.Touch{
		Account: steward.AccountID(r.accountID(row.key("account"))),
		Contact: steward.ContactID(row.text("contact")),
		Day:     row.happened("day"),
		Kind:    strings.ToLower(row.text("kind")),
		By:      row.text("by"),
	}
	if incoming(row.text("direction")) && (t.Kind == "email" || t.Kind == "e-mail" || t.Kind == "mail") {
		t.Kind = steward.TouchReply
	}
	t.ID = row.text("id")
	if t.ID == "" { // the same day, kind and people twice is one touch told twice
		t.ID = strings.Join([]string{string(t.Account), t.Day.String(), t.Kind, string(t.Contact), t.By}, "/")
	}
	if row.fail != nil {
		return nil
	}
	if t.Day > r.today+1 { // a calendar holds what is planned, too
		row.warn(row.survey.binding.byName["day"].column, "lies in the future, and a touch is something that has happened: it was left out until its day has come", t.Day.String())
		return nil
	}
	return keep(row, Touches, t.ID, &r.batch.Touches, t)
}

// incoming tells what came from the customer from what went to them.
func incoming(direction string) bool {
	switch strings.ToLower(direction) {
	case "in", "inbound", "incoming", "incoming_email", "received", "eingehend":
		return true
	}
	return false
}

// finish puts together what all files said.
func (r *reading) finish(surveys []*survey) (Batch, error) {
	b := &r.batch
	var err error
	if b.Series, err = r.tracks.build(); err != nil {
		return Batch{}, err
	}
	for _, s := range b.Series {
		b.NewestDay = max(b.NewestDay, s.Last())
	}
	fields, metrics, kinds := map[string]bool{}, map[string]bool{}, map[FileKind]bool{}
	for i, f := range r.src.Files {
		kinds[f.Kind] = true
		r.namesOf(f, surveys[i].binding, fields, metrics)
		r.filledOf(f, surveys[i])
	}
	// Not nil where there is none: nil would mean all of them.
	b.AccountFields = slices.AppendSeq([]string{}, maps.Keys(fields))
	slices.Sort(b.AccountFields)
	b.Metrics = slices.Sorted(maps.Keys(metrics))
	for _, k := range FileKinds() {
		if kinds[k] {
			b.Kinds = append(b.Kinds, k)
		}
		if kinds[k] && b.Full && k != Metrics {
			b.FullKinds = append(b.FullKinds, k)
		}
	}
	b.CompleteThrough = r.completeThrough(kinds[Metrics])
	return *b, nil
}

// namesOf collects the account fields and metrics that a file sets.
func (r *reading) namesOf(f File, b *binding, fields, metrics map[string]bool) {
	long := f.Kind == Metrics && b.byName["metric"].mapped()
	for _, t := range b.targets {
		switch {
		case f.Kind == Accounts && t.name != "id" && t.mapped():
			fields[t.name] = true
		case f.Kind == Metrics && !structural(t.name) && t.mapped():
			metrics[t.name] = true
		}
	}
	if !long {
		return
	}
	// A long file feeds the metrics that it has named.
	for _, name := range r.tracks.named() {
		metrics[name] = true
	}
}

// filledOf adds up what the cells of a file said.
func (r *reading) filledOf(f File, s *survey) {
	if r.batch.Filled == nil {
		r.batch.Filled = map[string]Fill{}
	}
	unread := s.binding.unread()
	for _, t := range s.binding.targets {
		if given, ok := f.Columns[t.name]; neverByItself[t.name] || ok && strings.TrimSpace(given) == "" {
			continue
		}
		name := string(f.Kind) + "." + t.name
		fill := r.batch.Filled[name]
		fill.Rows, fill.Filled = fill.Rows+s.rows, fill.Filled+t.filled
		if t.column < 0 {
			fill.Unread = unread
		}
		r.batch.Filled[name] = fill
	}
}

// completeThrough is the last day the source declares whole. A source without
// metrics is as whole as its files are new.
func (r *reading) completeThrough(hasMetrics bool) steward.Day {
	column, through, _ := r.src.completeness(r.today)
	switch {
	case !hasMetrics:
		return r.today - 1
	case column != "":
		return min(r.through, r.today)
	}
	return through(r.batch.NewestDay)
}
