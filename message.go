package steward

import "time"

// A Channel is how a message travels.
type Channel string

// The channels.
const (
	Slack   Channel = "slack"
	Email   Channel = "email"
	Webhook Channel = "webhook"
)

// Channels is all of them.
func Channels() []Channel { return []Channel{Slack, Email, Webhook} }

// A Recipient is who a message is for, resolved when it was planned and
// changed only by a recorded hand-over.
type Recipient struct {
	// Key is whom the playbook named: owner, manager, role:champion, #channel,
	// webhook:crm.
	Key string `json:"key"`
	// Owner or Contact is the person, Slack the user id or #channel, Email the
	// address. Channel decides which of them is used.
	Owner   OwnerID   `json:"owner,omitempty"`
	Contact ContactID `json:"contact,omitempty"`
	Name    string    `json:"name,omitempty"`
	Slack   string    `json:"slack,omitempty"`
	Email   string    `json:"email,omitempty"`
	Zone    string    `json:"zone,omitempty"`
	// Webhook is the name of the webhook that is called.
	Webhook string `json:"webhook,omitempty"`
}

// Customer tells mail to a customer's person from words among ourselves.
func (r Recipient) Customer() bool { return r.Contact != "" }

// An Outreach is the intent to say one thing to one addressee.
type Outreach struct {
	ID         OutreachID   `json:"id"`
	Enrolment  EnrolmentID  `json:"enrolment"`
	Playbook   PlaybookName `json:"playbook"`
	Subject    Subject      `json:"subject"`
	Step       string       `json:"step"`
	Occurrence string       `json:"occurrence"`
	To         Recipient    `json:"to"`
	// Message is what carries it; "" when a gate suppressed it at planning.
	Message MessageID `json:"message,omitempty"`
	// Wording is the name of the message template.
	Wording  string    `json:"wording"`
	Severity string    `json:"severity"`
	Priority Value     `json:"priority"`
	Planned  time.Time `json:"planned"`
	// Suppressed says why it was never carried; "" when a message carries it.
	Suppressed Reason `json:"suppressed,omitempty"`
	// Assignment is what it asks somebody to do; nil where it only tells.
	Assignment *Assignment `json:"assignment,omitempty"`
	// Digested says why a digest carries it and no card of its own; "" where none
	// does.
	Digested Reason `json:"digested,omitempty"`
}

// A MessageKind says what is delivered.
type MessageKind string

// A card is a Slack nudge; a mail goes to a customer; a call tells another
// system through a webhook; an approval asks for a go-ahead; a notice tells ops
// something about Steward itself; a digest is what one of us gets once a day, or
// a week, in place of cards.
const (
	Card     MessageKind = "card"
	Mail     MessageKind = "mail"
	Call     MessageKind = "call"
	Approval MessageKind = "approval"
	Notice   MessageKind = "notice"
	Digest   MessageKind = "digest"
)

// A MessageState is where a delivery stands.
type MessageState string

// awaiting_approval → planned → enqueued → sending → one of the settled ones.
// Deferred returns to planned when due. Uncertain means that a provider was
// called and its answer never learnt: it is settled, and never called sent, unless
// something comes back for it that proves it.
const (
	AwaitingApproval MessageState = "awaiting_approval"
	Planned          MessageState = "planned"
	Enqueued         MessageState = "enqueued"
	Sending          MessageState = "sending"
	Sent             MessageState = "sent"
	Deferred         MessageState = "deferred"
	Uncertain        MessageState = "uncertain"
	FailedToSend     MessageState = "failed"
	Suppressed       MessageState = "suppressed"
	Expired          MessageState = "expired"
)

// Settled tells the states that nothing leaves any more.
func (s MessageState) Settled() bool {
	switch s {
	case Sent, Uncertain, FailedToSend, Suppressed, Expired:
		return true
	}
	return false
}

// A Message is the unit of delivery: a card or a mail that carries one or more
// outreach.
type Message struct {
	ID      MessageID    `json:"id"`
	Kind    MessageKind  `json:"kind"`
	Channel Channel      `json:"channel"`
	To      Recipient    `json:"to"`
	Account AccountID    `json:"account,omitempty"`
	State   MessageState `json:"state"`
	// Epoch rises on each return to planned, so that no queue task id can ever
	// stand in the way of the next try.
	Epoch int `json:"epoch"`
	// Due is when it may go; Expires when it no longer may (zero: never).
	Due     time.Time `json:"due"`
	Expires time.Time `json:"expires,omitzero"`
	// Lease is until when the sender that holds it may be trusted.
	Lease    time.Time `json:"lease,omitzero"`
	Attempts int       `json:"attempts"`
	// Reason and Detail explain State.
	Reason Reason `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`
	// Content is what was, or will be, said: frozen at approval or at the first
	// attempt, nil before.
	Content *Content `json:"content,omitempty"`
	// Version and Hash name the content that an approval was given for.
	Version int    `json:"version"`
	Hash    string `json:"hash,omitempty"`
	// Approvers are the owners who may approve it, beside the configured list;
	// Veto is when it goes out unless somebody stops it.
	Approvers  []OwnerID `json:"approvers,omitempty"`
	Veto       time.Time `json:"veto,omitzero"`
	ApprovedBy string    `json:"approved_by,omitempty"`
	// Topic is of which kind a mail is, for readers who want some and not others;
	// "" of other messages.
	Topic Topic `json:"topic,omitempty"`
	// Sender is the owner in whose name a mail goes; "" where the account has none.
	Sender OwnerID `json:"sender,omitempty"`
	// For is the message that an approval card asks about.
	For MessageID `json:"for,omitempty"`
	// Retry says whether an uncertain outcome may be followed by another call
	// (on_uncertain: retry).
	RetryUncertain bool `json:"retry_uncertain,omitempty"`
	// Ref is how the provider names it: channel and timestamp in Slack, the
	// Message-ID in mail.
	Ref     string    `json:"ref,omitempty"`
	Planned time.Time `json:"planned"`
	Settled time.Time `json:"settled,omitzero"`
}

// Content is what a message says, before any channel's markup. Text is plain
// text; only Markdown fields hold Markdown, in which everything that came from
// a CRM has been escaped.
type Content struct {
	// Title is the card's heading or the mail's subject.
	Title string `json:"title"`
	// Account names the customer on a card.
	Account string `json:"account,omitempty"`
	// Link leads to the account in the CRM, if the workspace says where.
	Link string `json:"link,omitempty"`
	// Page leads to the account's page of Steward's own, if the workspace says where.
	Page     string `json:"page,omitempty"`
	Severity string `json:"severity,omitempty"`
	// Facts are the labelled values under a card's heading.
	Facts []LabelledText `json:"facts,omitempty"`
	// Parts are the findings of a card, or the one body of a mail.
	Parts []ContentPart `json:"parts"`
	// Footer is small print: why this came, how to take it on.
	Footer string `json:"footer,omitempty"`
	// From and ReplyTo are a mail's sender name and the CSM's address.
	From    string `json:"from,omitempty"`
	ReplyTo string `json:"reply_to,omitempty"`
	// Signature is who wrote a mail, as it stands beneath it: a name, what they are.
	Signature []string `json:"signature,omitempty"`
	// Locale is the language of a mail, as in "en" or "de-AT".
	Locale string `json:"locale,omitempty"`
	// Basis is on what a mail was written that somebody approves; nil elsewhere. It
	// is for them, and no part of what is sent.
	Basis *Basis `json:"basis,omitempty"`
	// Call is what a webhook is told beside the words; nil elsewhere.
	Call *CallFacts `json:"call,omitempty"`
}

// A Basis is on what a mail was written: so that whoever approves it later is
// told what has changed since.
type Basis struct {
	// Evidence is why it was written, a plain sentence each.
	Evidence []string `json:"evidence,omitempty"`
	// Facts are what was so then and should still be.
	Facts []LabelledText `json:"facts,omitempty"`
	// By is who wrote the text anew; "" where it is the message's own.
	By string `json:"by,omitempty"`
}

// CallFacts is what a webhook is told for a program to act on.
type CallFacts struct {
	Account   AccountID    `json:"account"`
	Subject   Subject      `json:"subject"`
	Playbook  PlaybookName `json:"playbook"`
	Step      string       `json:"step"`
	Enrolment EnrolmentID  `json:"enrolment"`
	// Owner is the account's; "" where it has none.
	Owner OwnerID `json:"owner,omitempty"`
}

// A ContentPart is one finding on a card, or a mail's body.
type ContentPart struct {
	Playbook PlaybookName `json:"playbook,omitempty"`
	Title    string       `json:"title,omitempty"`
	// Markdown is the wording.
	Markdown string `json:"markdown"`
	// Evidence is one plain sentence per fact seen.
	Evidence []string `json:"evidence,omitempty"`
	// Enrolment is what acknowledging the part would take on.
	Enrolment EnrolmentID `json:"enrolment,omitempty"`
	// Account and AccountID name the customer of a digest's part, or, without an
	// id, Account is the heading of a list that is about several; Facts are what
	// stands under its name there, Severity how urgent it is, Why why it comes here.
	Account   string         `json:"account,omitempty"`
	AccountID AccountID      `json:"account_id,omitempty"`
	Facts     []LabelledText `json:"facts,omitempty"`
	Severity  string         `json:"severity,omitempty"`
	Why       string         `json:"why,omitempty"`
	Link      string         `json:"link,omitempty"`
	Page      string         `json:"page,omitempty"`
	// Picture is of the metric behind the finding; nil where none is.
	Picture *Picture `json:"picture,omitempty"`
	// Say is a line to say to the customer, in plain text.
	Say string `json:"say,omitempty"`
}

// LabelledText is a short label and its value.
type LabelledText struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

// A DeliveryMode says how far messages travel.
type DeliveryMode string

// Preview writes files and prints; redirect sends everything to one address;
// live reaches the real recipients.
const (
	Preview  DeliveryMode = "preview"
	Redirect DeliveryMode = "redirect"
	Live     DeliveryMode = "live"
)
