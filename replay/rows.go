package replay

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"steward"
	"steward/configs/strictyaml"
	"steward/facts"
)

// rowsFile is the rows of a test's world beside accounts, contracts and people,
// and what becomes of rows.
type rowsFile struct {
	Touches    []record             `yaml:"touches" doc:"Calls, meetings and mails by our own people: account, contact, day, kind, by. Known from the day after."`
	Products   []record             `yaml:"products" doc:"What the accounts have bought: id, account, name, plan, seats, start_date, end_date, features."`
	Tickets    []record             `yaml:"tickets" doc:"What the accounts asked support for: id, account, contact, priority, opened, closed. Known from the day after."`
	Surveys    []record             `yaml:"surveys" doc:"Answers of people: account, contact, kind (nps or csat), day, score. Known from the day after."`
	Objectives []record             `yaml:"objectives" doc:"What the customers set out to reach: account, name, metric, baseline, target, due, agreed (a contact)."`
	Milestones []record             `yaml:"milestones" doc:"What accounts have reached: account, name, day. Known from the day after."`
	Without    strictyaml.OneOrMore `yaml:"without" doc:"Kinds of row that no source of this world has, such as tickets, so that what is asked of them is unknown. Others that are not given are there and empty."`
	Changes    []record             `yaml:"changes" doc:"What becomes of a row on a day: on, one of account, contract, contact or product with its id, and fields with their new values, or gone: true."`
	Away       []awayFile           `yaml:"away" doc:"When owners are away."`
}

type awayFile struct {
	At    strictyaml.Pos    `yaml:",pos"`
	Owner strictyaml.Scalar `yaml:"owner,required" doc:"The owner's id."`
	From  strictyaml.Scalar `yaml:"from,required" doc:"The first day away."`
	To    strictyaml.Scalar `yaml:"to,required" doc:"The last day away."`
}

// An Absence is when an owner is away, both days included.
type Absence struct {
	Owner    steward.OwnerID
	From, To steward.Day
}

// rowKinds is every kind of row that a source can feed, as Portfolio.Kinds has
// them.
var rowKinds = []string{"accounts", "contracts", "contacts", "touches", "products", "tickets", "surveys", "objectives", "milestones"}

// rows reads all rows of the world, accounts first: the others name them.
func (r *scenarioReader) rows(f *givenFile, g *Given) {
	p := &g.Portfolio
	for _, rec := range f.Accounts {
		r.account(rec, p)
	}
	for _, rec := range f.Contracts {
		r.contract(rec, p)
	}
	for i, rec := range f.Contacts {
		r.contact(rec, i, p)
	}
	for i, rec := range f.Rows.Products {
		r.product(rec, i, p)
	}
	for i, rec := range f.Rows.Touches {
		r.touch(rec, i, p)
	}
	for i, rec := range f.Rows.Tickets {
		r.ticket(rec, i, p)
	}
	for i, rec := range f.Rows.Surveys {
		r.survey(rec, i, p)
	}
	for i, rec := range f.Rows.Objectives {
		r.objective(rec, i, p)
	}
	for _, rec := range f.Rows.Milestones {
		r.milestone(rec, p)
	}
	slices.SortFunc(p.Accounts, func(a, b steward.Account) int { return strings.Compare(string(a.ID), string(b.ID)) })
	slices.SortFunc(p.Contracts, func(a, b steward.Contract) int { return strings.Compare(string(a.ID), string(b.ID)) })
	slices.SortFunc(p.Contacts, func(a, b steward.Contact) int { return strings.Compare(string(a.ID), string(b.ID)) })
	slices.SortFunc(p.Products, func(a, b steward.Product) int { return strings.Compare(string(a.ID), string(b.ID)) })
	p.Kinds = map[string]bool{}
	for _, k := range rowKinds {
		p.Kinds[k] = true
	}
	for _, w := range f.Rows.Without {
		if oneOf(r, w, "kind of row that a source may lack", rowKinds[1:]...) != "" {
			delete(p.Kinds, w.Value)
		}
	}
	for _, rec := range f.Rows.Changes {
		r.change(rec, g)
	}
	slices.SortStableFunc(g.Changes, func(a, b RowChange) int { return int(a.On) - int(b.On) })
	for _, a := range f.Rows.Away {
		from, to := r.day(a.From), r.day(a.To)
		if from != steward.NoDay && to < from && to != steward.NoDay {
			r.wrong(a.To, fmt.Sprintf("%s is before %s", to, from), "put the earlier day into from:")
		}
		g.Away = append(g.Away, Absence{steward.OwnerID(a.Owner.Value), from, to})
	}
}

// declared adds the workspace's own fields to the built-in ones of a row.
func (r *scenarioReader) declared(kinds map[string]steward.Kind) map[string]steward.Kind {
	for _, f := range r.schema.Fields {
		if _, builtin := kinds[f.Name]; !builtin {
			kinds[f.Name] = f.Kind
		}
	}
	return kinds
}

func (r *scenarioReader) accountKinds() map[string]steward.Kind {
	return r.declared(facts.BuiltinFields(steward.AboutAccount))
}

func setAccount(a *steward.Account, name string, v steward.Value) {
	switch name {
	case "id":
		a.ID = steward.AccountID(v.Text)
	case "name":
		a.Name = v.Text
	case "parent":
		a.Parent = steward.AccountID(v.Text)
	case "status":
		a.Status = v.Text
	case "segment":
		a.Segment = v.Text
	case "arr":
		a.ARR = v
	case "currency":
		a.Currency = v.Text
	case "owner":
		a.Owner = steward.OwnerID(v.Text)
	case "start_date":
		a.StartDate = v.Day()
	case "renewal_date":
		a.RenewalDate = v.Day()
	case "stage":
		a.Stage = v.Text
	case "escalation_level":
		a.EscalationLevel = v
	case "contact_policy":
		a.ContactPolicy = v.Text
	case "test":
		a.Test = v.Verdict() == steward.Holds
	case steward.PulseField:
		a.Pulse = v
	default:
		a.More[name] = v
	}
}

func (r *scenarioReader) account(rec record, p *steward.Portfolio) {
	a := steward.Account{Status: "customer", StartDate: steward.NoDay, RenewalDate: steward.NoDay, ARR: steward.Unknown(steward.NumberKind),
		EscalationLevel: steward.Unknown(steward.NumberKind), More: map[string]steward.Value{}}
	r.fields(rec, r.accountKinds(), func(name string, v steward.Value) { setAccount(&a, name, v) })
	if !r.identity(rec, "account", string(a.ID), r.accounts[a.ID]) {
		return
	}
	if a.Name == "" {
		a.Name = string(a.ID)
	}
	r.accounts[a.ID] = true
	p.Accounts = append(p.Accounts, a)
}

func (r *scenarioReader) contractKinds() map[string]steward.Kind {
	return r.declared(map[string]steward.Kind{"id": steward.TextKind, "account": steward.TextKind, "product": steward.TextKind, "start_date": steward.DateKind,
		"end_date": steward.DateKind, "notice_date": steward.DateKind, "amount": steward.NumberKind, "auto_renew": steward.FlagKind, "renewed": steward.FlagKind,
		"cancelled": steward.FlagKind})
}

func setContract(c *steward.Contract, name string, v steward.Value) {
	switch name {
	case "id":
		c.ID = steward.ContractID(v.Text)
	case "account":
		c.Account = steward.AccountID(v.Text)
	case "product":
		c.Product = v.Text
	case "start_date":
		c.StartDate = v.Day()
	case "end_date":
		c.EndDate = v.Day()
	case "notice_date":
		c.NoticeDate = v.Day()
	case "amount":
		c.Amount = v
	case "auto_renew":
		c.AutoRenew = v.Verdict() == steward.Holds
	case "renewed":
		c.Renewed = v.Verdict() == steward.Holds
	case "cancelled":
		c.Cancelled = v.Verdict() == steward.Holds
	default:
		if c.More == nil {
			c.More = map[string]steward.Value{}
		}
		c.More[name] = v
	}
}

func (r *scenarioReader) contract(rec record, p *steward.Portfolio) {
	c := steward.Contract{StartDate: steward.NoDay, EndDate: steward.NoDay, NoticeDate: steward.NoDay, Amount: steward.Unknown(steward.NumberKind)}
	r.fields(rec, r.contractKinds(), func(name string, v steward.Value) { setContract(&c, name, v) })
	if !r.identity(rec, "contract", string(c.ID), r.contracts[c.ID]) {
		return
	}
	r.contracts[c.ID] = true // also where the rest is wrong, so that one mistake is told once
	account, ok := r.accountOf(rec)
	if !ok {
		return
	}
	c.Account = account
	p.Contracts = append(p.Contracts, c)
}

func contactKinds() map[string]steward.Kind {
	return map[string]steward.Kind{"id": steward.TextKind, "account": steward.TextKind, "name": steward.TextKind, "email": steward.TextKind,
		"locale": steward.TextKind, "last_seen": steward.DateKind}
}

func setContact(c *steward.Contact, name string, v steward.Value) {
	switch name {
	case "id":
		c.ID = steward.ContactID(v.Text)
	case "account":
		c.Account = steward.AccountID(v.Text)
	case "name":
		c.Name = v.Text
	case "email":
		c.Email = v.Text
	case "locale":
		c.Locale = v.Text
	case "last_seen":
		c.LastSeen = v.Day()
	}
}

// listed takes the entry of a list out of a record, by either of its names.
func listed(rec record, names ...string) (rest record, list []string, given bool) {
	for _, e := range rec {
		if !slices.Contains(names, e.Key.Value) {
			rest = append(rest, e)
			continue
		}
		given = true
		for _, v := range e.Value {
			if v.Value != "" {
				list = append(list, v.Value)
			}
		}
	}
	return rest, list, given
}

func (r *scenarioReader) contact(rec record, index int, p *steward.Portfolio) {
	c := steward.Contact{LastSeen: steward.NoDay}
	rest, roles, _ := listed(rec, "roles", "role")
	c.Roles = roles
	r.fields(rest, contactKinds(), func(name string, v steward.Value) { setContact(&c, name, v) })
	account, ok := r.accountOf(rec)
	if !ok {
		return
	}
	c.Account = account
	if c.ID == "" {
		c.ID = steward.ContactID(fmt.Sprintf("%s-contact-%d", account, index+1))
	}
	if !r.identity(rec, "contact", string(c.ID), r.contacts[c.ID]) {
		return
	}
	r.contacts[c.ID] = true
	p.Contacts = append(p.Contacts, c)
}

func (r *scenarioReader) productKinds() map[string]steward.Kind {
	return r.declared(map[string]steward.Kind{"id": steward.TextKind, "account": steward.TextKind, "name": steward.TextKind, "plan": steward.TextKind,
		"seats": steward.NumberKind, "start_date": steward.DateKind, "end_date": steward.DateKind})
}

func setProduct(p *steward.Product, name string, v steward.Value) {
	switch name {
	case "id":
		p.ID = steward.ProductID(v.Text)
	case "account":
		p.Account = steward.AccountID(v.Text)
	case "name":
		p.Name = v.Text
	case "plan":
		p.Plan = v.Text
	case "seats":
		p.Seats = v
	case "start_date":
		p.StartDate = v.Day()
	case "end_date":
		p.EndDate = v.Day()
	default:
		if p.More == nil {
			p.More = map[string]steward.Value{}
		}
		p.More[name] = v
	}
}

func (r *scenarioReader) product(rec record, index int, p *steward.Portfolio) {
	x := steward.Product{Seats: steward.Unknown(steward.NumberKind), StartDate: steward.NoDay, EndDate: steward.NoDay}
	rest, features, _ := listed(rec, "features")
	x.Features = features
	r.fields(rest, r.productKinds(), func(name string, v steward.Value) { setProduct(&x, name, v) })
	account, ok := r.accountOf(rec)
	if !ok {
		return
	}
	x.Account = account
	if x.ID == "" {
		x.ID = steward.ProductID(fmt.Sprintf("%s-product-%d", account, index+1))
	}
	if !r.identity(rec, "product", string(x.ID), r.products[x.ID]) {
		return
	}
	r.products[x.ID] = true
	p.Products = append(p.Products, x)
}

// happened reads a row that tells of something that happened at an account:
// its fields, with the id that it has where none is given. ok is false where it
// belongs to nobody.
func (r *scenarioReader) happened(rec record, what string, index int, kinds map[string]steward.Kind, set func(name string, v steward.Value)) (id string, account steward.AccountID, ok bool) {
	kinds["account"] = steward.TextKind
	r.fields(rec, kinds, func(name string, v steward.Value) {
		switch name {
		case "id":
			id = v.Text
		case "account":
		case "contact", "agreed":
			r.contactNamed(rec, name)
			set(name, v)
		default:
			set(name, v)
		}
	})
	if account, ok = r.accountOf(rec); ok && id == "" {
		id = fmt.Sprintf("%s-%s-%d", account, what, index+1)
	}
	return id, account, ok
}

// contactNamed tells a person who is not given.
func (r *scenarioReader) contactNamed(rec record, key string) {
	if s, ok := entry(rec, key); ok && s.Value != "" && !r.contacts[steward.ContactID(s.Value)] {
		r.wrong(s, fmt.Sprintf("there is no contact %q under given", s.Value), "contacts given: "+join(slices.Sorted(maps.Keys(r.contacts))))
	}
}

// entry is the one value of a record's key.
func entry(rec record, key string) (strictyaml.Scalar, bool) {
	for _, e := range rec {
		if e.Key.Value == key && len(e.Value) > 0 {
			return e.Value[0], true
		}
	}
	return strictyaml.Scalar{}, false
}

// need tells a record that lacks what it is about.
func (r *scenarioReader) need(rec record, what, key string, there bool) bool {
	if there || len(rec) == 0 {
		return there
	}
	if _, given := entry(rec, key); !given { // a wrong value was told
		r.wrong(rec[0].Key, fmt.Sprintf("the %s has no %s", what, key), "add "+key+": …")
	}
	return false
}

func (r *scenarioReader) touch(rec record, index int, p *steward.Portfolio) {
	t := steward.Touch{Day: steward.NoDay, Kind: "call"}
	var ok bool
	t.ID, t.Account, ok = r.happened(rec, "touch", index, map[string]steward.Kind{"id": steward.TextKind, "contact": steward.TextKind, "day": steward.DateKind,
		"kind": steward.TextKind, "by": steward.TextKind}, func(name string, v steward.Value) {
		switch name {
		case "contact":
			t.Contact = steward.ContactID(v.Text)
		case "day":
			t.Day = v.Day()
		case "kind":
			t.Kind = v.Text
		case "by":
			t.By = v.Text
		}
	})
	if r.need(rec, "touch", "day", t.Day != steward.NoDay) && ok {
		p.Touches = append(p.Touches, t)
	}
}

func (r *scenarioReader) ticket(rec record, index int, p *steward.Portfolio) {
	t := steward.Ticket{Opened: steward.NoDay, Closed: steward.NoDay}
	var ok bool
	t.ID, t.Account, ok = r.happened(rec, "ticket", index, map[string]steward.Kind{"id": steward.TextKind, "contact": steward.TextKind, "priority": steward.TextKind,
		"opened": steward.DateKind, "closed": steward.DateKind}, func(name string, v steward.Value) {
		switch name {
		case "contact":
			t.Contact = steward.ContactID(v.Text)
		case "priority":
			t.Priority = strings.ToLower(v.Text)
		case "opened":
			t.Opened = v.Day()
		case "closed":
			t.Closed = v.Day()
		}
	})
	if !r.need(rec, "ticket", "opened", t.Opened != steward.NoDay) {
		return
	}
	if t.Closed != steward.NoDay && t.Closed < t.Opened {
		s, _ := entry(rec, "closed")
		r.wrong(s, fmt.Sprintf("it is closed before it is opened, on %s", t.Opened), "change one of the days")
		return
	}
	if ok {
		p.Tickets = append(p.Tickets, t)
	}
}

func (r *scenarioReader) survey(rec record, index int, p *steward.Portfolio) {
	x := steward.Survey{Day: steward.NoDay, Kind: steward.NPS}
	score := steward.Unknown(steward.NumberKind)
	var ok bool
	x.ID, x.Account, ok = r.happened(rec, "survey", index, map[string]steward.Kind{"id": steward.TextKind, "contact": steward.TextKind, "kind": steward.TextKind,
		"day": steward.DateKind, "score": steward.NumberKind}, func(name string, v steward.Value) {
		switch name {
		case "contact":
			x.Contact = steward.ContactID(v.Text)
		case "kind":
			x.Kind = steward.SurveyKind(v.Text)
		case "day":
			x.Day = v.Day()
		case "score":
			score = v
		}
	})
	if !r.need(rec, "survey", "day", x.Day != steward.NoDay) || !r.need(rec, "survey", "score", score.Known) {
		return
	}
	kind, _ := entry(rec, "kind")
	if kind.Value != "" && oneOf(r, kind, "kind of survey", steward.NPS, steward.CSAT) == "" {
		return
	}
	least, most := 0.0, 10.0
	if x.Kind == steward.CSAT {
		least, most = 1, 5
	}
	if x.Score = score.Num; x.Score < least || x.Score > most {
		s, _ := entry(rec, "score")
		r.wrong(s, fmt.Sprintf("a score of %s is from %g to %g", x.Kind, least, most), "change the score, or the kind")
		return
	}
	if ok {
		p.Surveys = append(p.Surveys, x)
	}
}

func (r *scenarioReader) objective(rec record, index int, p *steward.Portfolio) {
	x := steward.Objective{Baseline: steward.Unknown(steward.NumberKind), Target: steward.Unknown(steward.NumberKind), Due: steward.NoDay}
	var ok bool
	x.ID, x.Account, ok = r.happened(rec, "objective", index, map[string]steward.Kind{"id": steward.TextKind, "name": steward.TextKind, "metric": steward.TextKind,
		"baseline": steward.NumberKind, "target": steward.NumberKind, "due": steward.DateKind, "agreed": steward.TextKind}, func(name string, v steward.Value) {
		switch name {
		case "name":
			x.Name = v.Text
		case "metric":
			x.Metric = v.Text
		case "baseline":
			x.Baseline = v
		case "target":
			x.Target = v
		case "due":
			x.Due = v.Day()
		case "agreed":
			x.Agreed = steward.ContactID(v.Text)
		}
	})
	if !r.need(rec, "objective", "name", x.Name != "") || !r.need(rec, "objective", "metric", x.Metric != "") {
		return
	}
	names := make([]string, len(r.schema.Metrics))
	for i, m := range r.schema.Metrics {
		names[i] = m.Name
	}
	if m, given := entry(rec, "metric"); given && oneOf(r, m, "metric of the workspace", names...) == "" {
		return
	}
	if ok {
		p.Objectives = append(p.Objectives, x)
	}
}

func (r *scenarioReader) milestone(rec record, p *steward.Portfolio) {
	m := steward.Milestone{Day: steward.NoDay}
	var ok bool
	_, m.Account, ok = r.happened(rec, "milestone", 0, map[string]steward.Kind{"name": steward.TextKind, "day": steward.DateKind}, func(name string, v steward.Value) {
		switch name {
		case "name":
			m.Name = v.Text
		case "day":
			m.Day = v.Day()
		}
	})
	if r.need(rec, "milestone", "name", m.Name != "") && r.need(rec, "milestone", "day", m.Day != steward.NoDay) && ok {
		p.Milestones = append(p.Milestones, m)
	}
}
