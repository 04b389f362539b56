package ingest

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"steward"
)

// Names of the findings of Quality.
const (
	NoAccounts      = "no_accounts"
	NoOwner         = "no_owner"
	UnknownOwner    = "unknown_owner"
	RenewalPast     = "renewal_in_the_past"
	NoRenewal       = "no_renewal_date"
	NoBuyer         = "no_economic_buyer"
	NoAddress       = "no_usable_email"
	DuplicateName   = "duplicate_name"
	ContractEnded   = "contracts_ended"
	NoStart         = "no_start_date"
	NoARR           = "no_arr"
	NoContract      = "no_contract"
	NoEnd           = "contract_without_end"
	OrphanContract  = "contract_without_account"
	OrphanContact   = "contact_without_account"
	OrphanSeries    = "series_without_account"
	NoSeries        = "account_without_series"
	StaleSource     = "stale_source"
	NeverImported   = "source_never_imported"
	FutureStart     = "start_in_the_future"
	UnknownParent   = "unknown_parent"
	SourceNoMetrics = "source_without_days"
	HeldBack        = "source_held_back" // found by whoever imports, not here

	NoSourceOf       = "no_source"
	OrphanProduct    = "product_without_account"
	OrphanTicket     = "ticket_without_account"
	ForgottenTicket  = "ticket_open_for_a_year"
	TicketOfNobody   = "ticket_without_contact"
	ObjectiveOverdue = "objective_overdue"
	NoTarget         = "objective_without_target"
)

// A Finding is one kind of fault in the data, with how often it is there.
type Finding struct {
	Name string `json:"name"` // one of the constants
	// Count of Of things have the fault.
	Count int `json:"count"`
	Of    int `json:"of"`
	// Examples is up to five ids, in order.
	Examples []string `json:"examples,omitempty"`
	// Message says what is wrong and what comes of it; Do what to do about it.
	Message string `json:"message"`
	Do      string `json:"do"`
}

// staleDays is after how many days without a whole day a source is worth a
// finding here. The freshness guard goes by each source's own fresh_within;
// this report also serves workspaces that have not set one yet.
const staleDays = 3

// A Review is what Quality looks at.
type Review struct {
	Portfolio steward.Portfolio
	// Owners is the owners that owners.yaml knows; nil leaves unknown owners out.
	Owners map[steward.OwnerID]bool
	// Sources is every configured source, those never imported too (with NoDay).
	Sources []steward.SourceState
	// WithSeries is every account id that any series was imported for; nil leaves
	// the findings about series out.
	WithSeries map[steward.AccountID]bool
	// Asked is the kinds of row that conditions ask for, such as tickets.
	Asked []string
	Today steward.Day
}

// Quality finds what is wrong with the data before anything is built on it.
// Each finding stands for a fault that would make playbooks silent, blind or
// wrong. Accounts that are marked as tests, or whose status says that they are
// no customer, are left out of the counts of what is missing.
func Quality(p steward.Portfolio, owners map[steward.OwnerID]bool, states []steward.SourceState, today steward.Day) []Finding {
	return Review{Portfolio: p, Owners: owners, Sources: states, Today: today}.Findings()
}

// Findings is every fault found, the gravest kinds first.
func (r Review) Findings() []Finding {
	c := r.count()
	var out []Finding
	if len(r.Portfolio.Accounts) == 0 {
		out = append(out, Finding{Name: NoAccounts, Message: "There are no accounts, so nothing can be judged.", Do: "Map an accounts file under sources and run `steward import`."})
	}
	for _, f := range c.faults(r) {
		if f.Count > 0 {
			out = append(out, f)
		}
	}
	return append(append(out, r.sourceFindings()...), r.unfed()...)
}

// unfed is the kinds of row that conditions ask for and no source brings.
func (r Review) unfed() []Finding {
	var missing []string
	for _, kind := range r.Asked {
		if !r.Portfolio.Feeds(kind) && !slices.Contains(missing, kind) {
			missing = append(missing, kind)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return []Finding{{Name: NoSourceOf, Count: len(missing), Of: len(FileKinds()), Examples: missing[:min(5, len(missing))],
		Message: fmt.Sprintf("No source brings %s, and playbooks ask for it: those conditions are unknown.", strings.Join(missing, ", ")),
		Do:      fmt.Sprintf("Add a file under sources, as in `csv: {%s: exports/%s.csv}`.", missing[0], missing[0])}}
}

// customers is the accounts that playbooks are for, as far as the data say so
// by themselves.
func (r Review) customers() []steward.Account {
	var out []steward.Account
	for _, a := range r.Portfolio.Accounts {
		switch strings.ToLower(a.Status) {
		case "churned", "former", "cancelled", "canceled", "lost", "prospect", "lead", "inactive", "closed", "ehemalig":
			continue
		}
		if !a.Test {
			out = append(out, a)
		}
	}
	return out
}

// A census of faults: the ids that have each.
type faultCensus struct {
	ids       map[string][]string
	customers int
	renewals  int // customers with a renewal date
}

func (c *faultCensus) note(name, id string, is bool) {
	if is {
		c.ids[name] = append(c.ids[name], id)
	}
}

// holdings is what hangs on one account.
type holdings struct {
	contracts, current int
	people             int
	reachable, buyer   bool
}

func (r Review) count() *faultCensus {
	c := &faultCensus{ids: map[string][]string{}}
	known := map[steward.AccountID]bool{}
	for _, a := range r.Portfolio.Accounts {
		known[a.ID] = true
	}
	held := r.holdings(c, known)
	names := map[string][]string{}
	customers := r.customers()
	c.customers = len(customers)
	for _, a := range customers {
		r.countAccount(c, a, held[a.ID], known)
		if key := nameKey(a.Name); key != "" {
			names[key] = append(names[key], string(a.ID))
		}
	}
	for _, ids := range names {
		if len(ids) > 1 {
			c.ids[DuplicateName] = append(c.ids[DuplicateName], ids...)
		}
	}
	r.countDealings(c, known)
	for id := range r.WithSeries {
		c.note(OrphanSeries, string(id), !known[id])
	}
	return c
}

func (r Review) countAccount(c *faultCensus, a steward.Account, h holdings, known map[steward.AccountID]bool) {
	id := string(a.ID)
	c.note(NoOwner, id, a.Owner == "")
	c.note(UnknownOwner, id, a.Owner != "" && r.Owners != nil && !r.Owners[a.Owner])
	if a.RenewalDate != steward.NoDay {
		c.renewals++
	}
	c.note(RenewalPast, id, a.RenewalDate != steward.NoDay && a.RenewalDate < r.Today)
	c.note(NoRenewal, id, a.RenewalDate == steward.NoDay && h.contracts == 0)
	c.note(NoBuyer, id, h.people > 0 && !h.buyer)
	c.note(NoAddress, id, !h.reachable)
	c.note(NoContract, id, h.contracts == 0)
	c.note(ContractEnded, id, h.contracts > 0 && h.current == 0)
	c.note(NoStart, id, a.StartDate == steward.NoDay)
	c.note(FutureStart, id, a.StartDate != steward.NoDay && a.StartDate > r.Today)
	c.note(NoARR, id, !a.ARR.Known)
	c.note(UnknownParent, id, a.Parent != "" && !known[a.Parent])
	c.note(NoSeries, id, r.WithSeries != nil && !r.WithSeries[a.ID])
}

// holdings adds up contracts and contacts by account, and notes those of no
// account.
func (r Review) holdings(c *faultCensus, known map[steward.AccountID]bool) map[steward.AccountID]holdings {
	held := map[steward.AccountID]holdings{}
	for _, k := range r.Portfolio.Contracts {
		c.note(OrphanContract, string(k.ID), !known[k.Account])
		c.note(NoEnd, string(k.ID), k.EndDate == steward.NoDay && !k.Cancelled)
		h := held[k.Account]
		h.contracts++
		if !k.Cancelled && (k.EndDate == steward.NoDay || k.EndDate >= r.Today || k.AutoRenew || k.Renewed) {
			h.current++
		}
		held[k.Account] = h
	}
	for _, p := range r.Portfolio.Contacts {
		c.note(OrphanContact, string(p.ID), !known[p.Account])
		h := held[p.Account]
		h.people++
		_, err := mail.ParseAddress(p.Email)
		h.reachable = h.reachable || err == nil
		h.buyer = h.buyer || slices.Contains(p.Roles, "economic_buyer")
		held[p.Account] = h
	}
	return held
}

// countDealings notes what is wrong with products, tickets and objectives.
func (r Review) countDealings(c *faultCensus, known map[steward.AccountID]bool) {
	people := map[steward.ContactID]bool{}
	for _, list := range [][]steward.Contact{r.Portfolio.Contacts, r.Portfolio.Gone} {
		for _, p := range list {
			people[p.ID] = true
		}
	}
	for _, p := range r.Portfolio.Products {
		c.note(OrphanProduct, string(p.ID), !known[p.Account])
	}
	for _, k := range r.Portfolio.Tickets {
		c.note(OrphanTicket, k.ID, !known[k.Account])
		c.note(ForgottenTicket, k.ID, k.OpenOn(r.Today) && r.Today-k.Opened > 365)
		c.note(TicketOfNobody, k.ID, k.Contact != "" && !people[k.Contact])
	}
	for _, o := range r.Portfolio.Objectives {
		c.note(NoTarget, o.ID, !o.Target.Known)
		c.note(ObjectiveOverdue, o.ID, o.Due != steward.NoDay && r.Today-o.Due > 90)
	}
}

// nameKey is an account's name without what people write differently: case,
// punctuation, the legal form.
func nameKey(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune(" ,.;:-_&+/()'\"\u00a0", r) })
	for len(words) > 1 && slices.Contains([]string{"gmbh", "ag", "inc", "ltd", "llc", "corp", "co", "kg", "se", "bv", "sa", "plc", "limited", "mbh"}, words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	return strings.Join(words, " ")
}

// faults words what was counted, the gravest first.
func (c *faultCensus) faults(r Review) []Finding {
	n := c.customers
	all := func(name, message, do string) Finding { return c.finding(name, n, message, do) }
	return []Finding{
		all(NoOwner, "accounts have no owner, so their nudges go to the unowned channel.", "Fill in the owner in the CRM, or map its column to owner."),
		all(UnknownOwner, "accounts have an owner that owners.yaml does not list, so their nudges go to the unowned channel.", "Add these owners to owners.yaml, or mend the spelling in the CRM."),
		c.finding(RenewalPast, c.renewals, "accounts have a renewal date in the past: that is a fault of the data, and no renewal playbook opens on it.", "Move the date to the next renewal, or mark the account as churned."),
		all(ContractEnded, "accounts count as customers while every contract of theirs has ended or was cancelled.", "Enter the new contract, or change the account's status."),
		all(NoContract, "accounts have no contract, so playbooks about contracts never see them.", "Import contracts, or check that their account ids are spelt alike."),
		c.finding(NoEnd, len(r.Portfolio.Contracts), "contracts have no end date, so conditions on end_date and notice_date are unknown for them.", "Map end_date, or enter when each runs out or renews."),
		all(NoRenewal, "accounts have neither a renewal date nor a contract, so no renewal playbook sees them.", "Map renewal_date, or import contracts."),
		all(NoStart, "accounts have no start date: they count as starting with their first day of usage.", "Map start_date, so that onboarding is measured from the right day."),
		all(FutureStart, "accounts start in the future: everything about them is unknown until then.", "Check the date, and date_order of the source."),
		all(NoARR, "accounts have no ARR, so conditions on it are unknown and they sort last.", "Map arr, or enter it in the CRM."),
		all(NoAddress, "accounts have no contact with a usable e-mail address, so no mail can reach them.", "Import contacts, or enter addresses in the CRM."),
		all(NoBuyer, "accounts have contacts but no economic buyer among them, so mail about value and renewal has no addressee.", "Give one contact of each the role economic_buyer."),
		all(DuplicateName, "accounts share their name with another one.", "Merge them in the CRM, or set parent on those that belong together."),
		all(UnknownParent, "accounts have a parent that is not among the accounts.", "Import the parent too, or clear the field."),
		c.finding(OrphanContract, len(r.Portfolio.Contracts), "contracts belong to no known account.", "Import their accounts, or check that the ids are spelt alike (account_ids: salesforce)."),
		c.finding(OrphanContact, len(r.Portfolio.Contacts), "contacts belong to no known account.", "Import their accounts, or check that the ids are spelt alike (account_ids: salesforce)."),
		c.finding(OrphanSeries, len(r.WithSeries), "account ids have usage but no account.", "Import their accounts, or check that the ids are spelt alike (account_ids: salesforce)."),
		c.finding(OrphanProduct, len(r.Portfolio.Products), "products belong to no known account.", "Import their accounts, or check that the ids are spelt alike (account_ids: salesforce)."),
		c.finding(OrphanTicket, len(r.Portfolio.Tickets), "tickets belong to no known account.", "Map account to the column that holds the CRM's id; help desks often have ids of their own."),
		c.finding(ForgottenTicket, len(r.Portfolio.Tickets), "tickets have been open for more than a year, and count as open.", "Map closed or status, or close them at the help desk."),
		c.finding(TicketOfNobody, len(r.Portfolio.Tickets), "tickets were asked by somebody who is not among the contacts.", "Import contacts from the help desk, too, or map contact to their id or address."),
		c.finding(NoTarget, len(r.Portfolio.Objectives), "objectives have no target, so their progress is unknown.", "Enter what was agreed, or remove the objective."),
		c.finding(ObjectiveOverdue, len(r.Portfolio.Objectives), "objectives were due more than three months ago.", "Agree on the next ones, and remove those that are over from the export."),
		all(NoSeries, "accounts have no usage at all: counts read as zero from their start date on, and without one, or for gauges, conditions on usage are unknown.", "Check that the usage source has their ids, spelt alike."),
	}
}

func (c *faultCensus) finding(name string, of int, message, do string) Finding {
	ids := c.ids[name]
	slices.Sort(ids)
	ids = slices.Compact(ids)
	f := Finding{Name: name, Count: len(ids), Of: of, Do: do, Examples: slices.Clone(ids[:min(5, len(ids))])}
	f.Message = fmt.Sprintf("%d of %d %s", f.Count, of, message)
	return f
}

// sourceFindings is what is wrong with the sources as such.
func (r Review) sourceFindings() []Finding {
	var never, stale, empty []string
	age := 0
	for _, s := range r.Sources {
		switch {
		case s.ImportedAt.IsZero():
			never = append(never, s.Name)
		case len(s.Metrics) > 0 && s.CompleteThrough == steward.NoDay:
			empty = append(empty, s.Name)
		case s.CompleteThrough != steward.NoDay && r.Today-s.CompleteThrough > staleDays:
			stale = append(stale, s.Name)
			age = max(age, int(r.Today-s.CompleteThrough))
		}
	}
	var out []Finding
	add := func(name string, ids []string, message, do string) {
		if len(ids) > 0 {
			slices.Sort(ids)
			out = append(out, Finding{Name: name, Count: len(ids), Of: len(r.Sources), Examples: ids[:min(5, len(ids))],
				Message: fmt.Sprintf("%d of %d %s", len(ids), len(r.Sources), message), Do: do})
		}
	}
	add(NeverImported, never, "sources were never imported.", "Run `steward import`.")
	add(SourceNoMetrics, empty, "sources have no day of data yet, so every condition on their metrics is unknown.", "Check the export, then run `steward import`.")
	add(StaleSource, stale, fmt.Sprintf("sources end more than %d days ago (the oldest %d), so conditions on them may be unknown.", staleDays, age), "Check that the export still runs, then run `steward import`.")
	return out
}
