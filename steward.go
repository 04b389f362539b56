// Package steward names what the program is about: accounts and the people and
// contracts around them, what playbooks found out about them, and what is said
// to whom because of it.
//
// It holds the nouns that at least two folders say, and the pure rules about
// them. It knows no file, clock, socket or table and imports only the standard
// library; every other folder imports it, and it imports none of them. A noun
// that only one folder says lives with its verb.
package steward

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// Typed identifiers, so that two strings cannot be swapped. All of them are
// opaque to people except where a comment says otherwise.
type (
	// AccountID is the source's key for a customer, such as a CRM record id.
	AccountID string
	// ContractID is the source's key for a contract.
	ContractID string
	// ContactID is the source's key for a person at a customer.
	ContactID string
	// ProductID is the source's key for a product that an account has.
	ProductID string
	// OwnerID names a person or pool in owners.yaml; ops people write it.
	OwnerID string
	// PlaybookName is the name ops people gave a playbook: lower case, digits, dashes.
	PlaybookName string
	// EnrolmentID is derived from playbook, subject and episode.
	EnrolmentID string
	// OutreachID is derived from enrolment, step, occurrence and addressee.
	OutreachID string
	// MessageID is derived from what the message carries; it travels in the
	// e-mail Message-ID and in Slack metadata.
	MessageID string
)

// NewEnrolmentID derives the identity of a subject's pass through a playbook.
// The same episode always gives the same id, so that writing it twice is
// harmless.
func NewEnrolmentID(p PlaybookName, s Subject, episode Slot) EnrolmentID {
	return EnrolmentID("e-" + digest(string(p), string(s.Kind), s.ID, episode.String()))
}

// NewOutreachID derives the identity of the intent to say one thing to one
// addressee. It leaves out the playbook's version and the wording, so that
// editing either never says it twice; and it takes the addressee's key (owner,
// role:champion), not the person, so that a hand-over keeps it.
func NewOutreachID(e EnrolmentID, step string, occurrence string, addressee string) OutreachID {
	return OutreachID("o-" + digest(string(e), step, occurrence, addressee))
}

// NewMessageID derives a message's identity from the parts that make it one
// delivery: for a card the owner, account and slot, for a mail its outreach.
func NewMessageID(kind MessageKind, parts ...string) MessageID {
	return MessageID("m-" + digest(append([]string{string(kind)}, parts...)...))
}

// digest is a short, case-insensitive hash of its parts: 80 bits as 16
// characters, which people can read out and which needs no escaping in a mail
// header, a Redis key or a URL. Parts are length-framed by a separator that no
// part may hold.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strings.ReplaceAll(p, "\x00", "")))
		h.Write([]byte{0})
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:10]))
}
