// Package playbooks is the book: it loads the files that ops people write and
// decides, from facts at a slot and what is remembered, what opens, what ends,
// what is said to whom, and why not.
//
// Everything in it is a pure function of its arguments once the book is
// loaded: it reads no clock, file, table or socket. It does not know how facts
// were imported, where decisions are stored or how a message travels. jobs
// calls it to act, replay to act in the mind only, cmd to check and explain.
package playbooks

import (
	"maps"
	"slices"
	"time"

	"steward"
	"steward/configs/strictyaml"
	"steward/facts"
	"steward/playbooks/lang"
)

// Settings is what the workspace says that playbooks are read and decided
// against. The zero value is a workspace with no fields, metrics or owners.
type Settings struct {
	// File names the workspace file in problems about Include and
	// NoCustomerMail; Source is its text, for the snippet.
	File   string
	Source []byte

	Zone    *time.Location
	Fields  []steward.FieldSpec
	Metrics []steward.MetricSpec
	// Health and Journey are what follows from the facts of accounts.
	Health  HealthRules
	Journey JourneyRules
	// Include says which accounts Steward acts on; empty means customers that
	// are not test accounts.
	Include strictyaml.Text
	// NoCustomerMail says whose people never get mail from Steward.
	NoCustomerMail strictyaml.Text
	// Holds keep mail of some purposes back.
	Holds  []Hold
	Owners []steward.Owner
	// Away tells whether somebody is away on a day; nil when nobody ever is.
	Away func(steward.OwnerID, steward.Day) bool
	// Unowned is the channel that hears about accounts without an owner; Ops
	// the one that hears about Steward itself.
	Unowned, Ops string
	// Webhooks is the names of the systems that steps may tell.
	Webhooks []string
	// Approvers may approve any mail, beside its owner, backup and manager.
	Approvers []steward.OwnerID
	// Limits are how much people are sent, Hours when.
	Limits steward.Limits
	Hours  steward.Hours
	// Digest is when digests go.
	Digest steward.DigestTimes
	// CRMLink is the address of an account in the CRM with {id} in it.
	CRMLink string
	// MailFrom is the display name of customer mail with {owner} in it; empty
	// means the owner's name.
	MailFrom string
	// MailFooter is small print below every mail; "" for none.
	MailFooter string
	// NoticesReplies tells that a mailbox is read into which replies come.
	NoticesReplies bool
	// NoCards tells that mail goes out and nothing goes to Slack.
	NoCards bool

	playbooks []string // every playbook's name, once they are known
}

// DefaultInclude is the portfolio where the workspace does not say.
const DefaultInclude = "status == 'customer' and not test"

// A Book is every playbook and message of a workspace, loaded and checked
// whole. It is immutable and safe for concurrent use.
type Book struct {
	Settings
	// Playbooks are in order of name.
	Playbooks []*Playbook
	// Wordings are the message templates by name.
	Wordings map[string]*Wording
	// Accepted is the lints that playbooks and messages accept. For advice,
	// Conditions is every expression of the playbooks where it stands, Addressed
	// every role that a step mails.
	Accepted              []steward.Acceptance
	Conditions, Addressed []Condition
	// PageLink is where accounts have their pages; nil for nowhere. It is set
	// before the book is used.
	PageLink Pager

	byName  map[steward.PlaybookName]*Playbook
	owners  map[steward.OwnerID]steward.Owner
	include *lang.Expr
	noMail  *lang.Expr
	holds   []hold
	rules   *derived

	silenced *silenceConditions
	zones    *zoneNames
}

// Playbook finds a playbook by name.
func (b *Book) Playbook(name steward.PlaybookName) (*Playbook, bool) {
	p, ok := b.byName[name]
	return p, ok
}

// Names lists the playbooks' names in order.
func (b *Book) Names() []string {
	out := make([]string, len(b.Playbooks))
	for i, p := range b.Playbooks {
		out[i] = string(p.Name)
	}
	return out
}

// Owner finds an owner by id.
func (b *Book) Owner(id steward.OwnerID) (steward.Owner, bool) {
	o, ok := b.owners[id]
	return o, ok
}

// MetricsRead is every metric that some playbook, or the portfolio, reads: what a
// frame for this book has to hold.
func (b *Book) MetricsRead() []string {
	set := map[string]bool{}
	for _, e := range b.expressions() {
		for _, m := range slices.Concat(e.Metrics(), e.Loads()) {
			set[m] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// Asked is what the book's expressions ask of people, tickets and the like: the
// names of functions such as tickets, in order.
func (b *Book) Asked() []string {
	set := map[string]bool{}
	for _, e := range b.expressions() {
		for _, q := range e.Asks() {
			set[q.Ask] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// expressions is every one of the book.
func (b *Book) expressions() []*lang.Expr {
	out := []*lang.Expr{b.include, b.noMail}
	for _, h := range b.holds {
		out = append(out, h.when)
	}
	out = append(out, b.rules.expressions()...)
	for _, p := range b.Playbooks {
		out = append(out, p.expressions()...)
	}
	for _, w := range b.Wordings {
		out = append(out, w.expressions()...)
	}
	return slices.DeleteFunc(out, func(e *lang.Expr) bool { return e == nil })
}

// InPortfolio says whether Steward acts on an account, and may mail its
// people. Unknown means no to both: an account whose status nobody knows is
// left alone.
func (b *Book) inPortfolio(accounts *facts.View, row int) steward.Verdict {
	return b.include.Value(accounts, row, lang.At{}).Verdict()
}

func (b *Book) customerMailBarred(accounts *facts.View, row int) steward.Verdict {
	if b.noMail == nil {
		return steward.Fails
	}
	return b.noMail.Value(accounts, row, lang.At{}).Verdict()
}

// With is a copy of the book in which one playbook was changed.
func (b *Book) With(name steward.PlaybookName, change func(*Playbook)) *Book {
	out := *b
	out.Playbooks = slices.Clone(b.Playbooks)
	out.byName = maps.Clone(b.byName)
	for i, p := range out.Playbooks {
		if p.Name == name {
			q := *p
			change(&q)
			out.Playbooks[i], out.byName[name] = &q, &q
		}
	}
	return &out
}
