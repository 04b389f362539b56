// Package configs is the worker's configuration: what steward.yaml and
// owners.yaml say, read strictly, checked whole and handed on as one plain
// value with its defaults filled in.
//
// It does not know what a playbook, a source's rows or a schedule mean: it
// keeps expressions and settings with their positions for the packages that
// do. It reads no environment of its own: the caller hands in a file system
// and a way to look up variables. cmd calls it for every command, jobs when
// files change.
package configs

import (
	"net"
	"path/filepath"
	"time"

	"steward"
	"steward/configs/strictyaml"
)

// FileName is the workspace's file, at the root of its folder.
const FileName = "steward.yaml"

// A Workspace is a checked configuration. Database and PreviewDir are paths on
// this machine; Playbooks, Messages and Tests are slash paths inside the
// workspace; the sources' files are for Path.
type Workspace struct {
	// Dir is the workspace's folder as it was given; "" for an embedded one.
	Dir  string
	Zone *time.Location
	// Schedule is when playbooks are evaluated, in cron's form; jobs checks it.
	Schedule    string
	SchedulePos strictyaml.Pos
	// StartDeadline is how late a missed evaluation may still begin.
	StartDeadline time.Duration
	// Retention is for how long what is over is kept: messages, decisions,
	// enrolments but each subject's newest. 0 is for ever.
	Retention time.Duration
	// Ops is the channel that hears about Steward itself; "" for none.
	Ops string
	// Redis is the queue's URL; the zero Secret means the embedded queue.
	Redis steward.Secret
	// PublicURL is where customers reach the public listener, without a trailing
	// slash; "" for nowhere.
	PublicURL string
	// Listen is the addresses of the two listeners; "off" closes one.
	Listen   Listen
	Pages    Pages
	Database string
	Delivery Delivery
	// PreviewDir is where previews are written.
	PreviewDir string

	Fields  []steward.FieldSpec
	Metrics []steward.MetricSpec
	// Include and NoCustomerMail are the portfolio's conditions; the zero Text
	// where the file does not say.
	Include, NoCustomerMail strictyaml.Text

	// Holds keep mail of some purposes back.
	Holds []Hold

	Health  Health
	Journey Journey

	// Limits are how much people are sent, Hours when.
	Limits steward.Limits
	Hours  steward.Hours
	// Digest is when people get in one message what did not become a card.
	Digest steward.DigestTimes

	Sources []Source
	// Owners is in the order of owners.yaml; each has a Zone.
	Owners []steward.Owner
	// Absences is when owners are away, by id.
	Absences map[steward.OwnerID][]DayRange
	// Unowned is the channel for accounts without a reachable owner; Ops where
	// the file does not say.
	Unowned string

	Slack SlackConfig
	Email EmailConfig
	// TopicNames is what readers call kinds of mail, where the file says; see
	// TopicName. MailFooter is small print below every mail, "" for none.
	TopicNames map[steward.Topic]string
	MailFooter string
	// Webhooks is in the order of the file.
	Webhooks []Webhook
	// Approvers may approve any mail, beside its owner, backup and manager.
	Approvers []steward.OwnerID
	// CRMLink is the address of an account in the CRM with {id} in it; "" for
	// none.
	CRMLink string

	Playbooks, Messages, Tests string

	// Accepted is the lints that steward.yaml accepts, for itself and the owners'
	// file.
	Accepted []steward.Acceptance

	text  []byte
	unset steward.Problems
}

// Listen is where the worker's two HTTP listeners bind, as host:port.
type Listen struct {
	// Public serves the unsubscribe page; Private health, metrics and pages.
	Public, Private string
}

// PrivateIsOpen tells that the private listener may be reached from other
// machines: it is on, and not bound to this machine's own address.
func (l Listen) PrivateIsOpen() bool {
	host, _, err := net.SplitHostPort(l.Private)
	return err == nil && !loopback(host)
}

// Delivery says how far messages travel; RedirectTo is the mail address or
// #channel that gets everything in redirect mode.
type Delivery struct {
	Mode       steward.DeliveryMode
	RedirectTo string
}

// SlackConfig is how to speak in Slack. Enabled tells whether the file has the
// block at all; the token may still be unset in this environment.
type SlackConfig struct {
	Enabled  bool
	BotToken steward.Secret
	// APIURL replaces Slack's own address, for GovSlack or a proxy; it ends with
	// a slash. "" is Slack's own.
	APIURL string
	// Pictures is auto, chart, image or text.
	Pictures string

	SlackInbound
}

// EmailConfig is how to send mail.
type EmailConfig struct {
	Enabled bool
	// FromName is the sender's display name, in which {owner} stands for the
	// CSM's name; FromAddress is the bare address.
	FromName, FromAddress string
	// SMTP is smtp://user:password@host:587 or smtps://….
	SMTP steward.Secret
	DKIM DKIM
	// Mailbox is where replies and bounces are read from. Events signs what a mail
	// service tells of; the zero Secret takes nothing.
	Mailbox Mailbox
	Events  steward.Secret
}

// DKIM signs mail where Domain is set. Key is a private key in PEM.
type DKIM struct {
	Domain, Selector string
	Key              steward.Secret
}

// A DayRange is days from First to Last, both included.
type DayRange struct{ First, Last steward.Day }

// Contains tells whether a day is in the range.
func (r DayRange) Contains(d steward.Day) bool { return r.First <= d && d <= r.Last }

// Away tells whether an owner is away on a day.
func (w *Workspace) Away(id steward.OwnerID, day steward.Day) bool {
	for _, r := range w.Absences[id] {
		if r.Contains(day) {
			return true
		}
	}
	return false
}

// A Source is a set of files that are imported together, as ingest reads them.
// Empty settings mean what ingest's comments say.
type Source struct {
	Name  string
	Files []SourceFile
	// SameDay is what several rows of one account and day mean: sum, last, error.
	SameDay string
	// DateOrder is dmy, mdy or ymd; Decimal "." or ","; Delimiter one character.
	// Empty infers each from the file.
	DateOrder, Decimal, Charset, Delimiter string
	// AccountIDs is "" for ids as they stand, or "salesforce".
	AccountIDs string
	// CompleteThrough is yesterday, a date, "column:NAME" or a lag such as "2d".
	CompleteThrough string
	// FreshWithin is for how long after its last complete day's end the source
	// is good; 0 for a source that never goes stale.
	FreshWithin time.Duration
	// Full says that the files are complete lists: what they leave out is gone.
	Full bool
}

// A SourceFile is one file of a source. Kind is accounts, contracts, contacts,
// products, touches, tickets, surveys, objectives, milestones or metrics; Path is as Workspace.Path takes it, short enough to name
// the file by.
type SourceFile struct {
	Kind, Path string
	// Columns maps steward's names to the file's headers, Defaults steward's
	// names to the text to read where a cell is empty.
	Columns, Defaults map[string]string
	// Duplicates is what a repeated id means: error, first, last, or "".
	Duplicates string
	// Via finds the account of a row through another file; nil for none.
	Via *Join
}

// A Join finds accounts in another file: the row whose Key column equals this
// file's names its Account column.
type Join struct{ File, Key, Account string }

// Owner finds an owner by id.
func (w *Workspace) Owner(id steward.OwnerID) (steward.Owner, bool) {
	for _, o := range w.Owners {
		if o.ID == id {
			return o, true
		}
	}
	return steward.Owner{}, false
}

// Path is where a path of the workspace is on this machine: an absolute one as
// it stands, another inside the workspace's folder.
func (w *Workspace) Path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(w.Dir, filepath.FromSlash(name))
}

// Text is steward.yaml as it was read, for snippets in problems found later.
// Secrets in it are covered.
func (w *Workspace) Text() []byte { return w.text }

// Unset tells the secrets that the file names and this environment does not
// have. check passes without them, so that it can run where no secret should
// be; a worker that delivers cannot start.
func (w *Workspace) Unset() steward.Problems { return w.unset }
