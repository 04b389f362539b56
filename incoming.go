package steward

import "time"

// An IncomingKind is what came back by mail.
type IncomingKind string

// A reply was written by a person; an auto-reply by a program in their name,
// such as an out-of-office notice; a bounce by a mail server. A hard bounce says
// that the address takes no mail, a soft one that it did not take this one; a
// complaint that its reader called it spam.
const (
	Reply      IncomingKind = "reply"
	AutoReply  IncomingKind = "auto_reply"
	HardBounce IncomingKind = "hard_bounce"
	SoftBounce IncomingKind = "soft_bounce"
	Complaint  IncomingKind = "complaint"
)

// An Incoming is what came back for a mail: by a mailbox or a webhook.
type Incoming struct {
	// Key is the same however often it is told: a mail's Message-ID, an event's id.
	Key  string       `json:"key"`
	Kind IncomingKind `json:"kind"`
	// Message is what it is about; "" where that is not known. Address is whose it
	// is, in lower case.
	Message MessageID `json:"message,omitempty"`
	Address string    `json:"address,omitempty"`
	At      time.Time `json:"at"`
	// Status is the mail server's code, such as 5.1.1; Detail its words, cleaned.
	Status string `json:"status,omitempty"`
	Detail string `json:"detail,omitempty"`
	// Back is until when an out-of-office notice says they are away; NoDay where it
	// does not say.
	Back Day `json:"back"`
}

// A Returned is a mail that was understood, before it is known to belong to one
// of ours.
type Returned struct {
	Incoming
	// Subject is its subject without "Re:" and the like. It finds the mail that a
	// reply is to where a relay gave that another Message-ID; it is not kept.
	Subject string
}

// A MailCursor is up to where a mailbox was read, in IMAP's words: UID is the
// last one, and means nothing under another Validity.
type MailCursor struct{ Validity, UID uint32 }

// A Suppression is an address that is to get no more mail.
type Suppression struct {
	Address string `json:"address"` // in lower case
	// Topic is of which kind of mail it gets no more, by its reader's choice; "" of
	// any, as of what comes of a bounce or a complaint.
	Topic  Topic     `json:"topic,omitempty"`
	Reason string    `json:"reason"` // in words
	Source string    `json:"source"` // where it came from: a link, a bounce, a person
	At     time.Time `json:"at"`
}

// BounceSource and ComplaintSource are the sources of suppressions by mail that
// came back.
const (
	BounceSource    = "bounce"
	ComplaintSource = "complaint"
)

// BounceKind says, by a mail server's enhanced status code (RFC 3463), whether a
// bounce is about the address, for good, or about this mail. Only what says that
// there is no such mailbox is hard: everything else may be other tomorrow, or for
// the next mail, and unknown codes are not guessed at.
func BounceKind(status string) IncomingKind {
	switch status {
	case "5.1.1", // no such mailbox
		"5.1.2", "5.1.10", "5.4.4", "5.4.310", // no such domain, or one that takes no mail
		"5.1.3", // no address at all
		"5.1.6", // moved, and nobody says where to
		"5.2.1": // the mailbox is closed
		return HardBounce
	}
	// 5.1.7 and 5.1.8 are about our own address, 5.2.2 is a full mailbox, 5.2.3 and
	// 5.3.4 a mail that is too large, 5.4.x the way there, 5.7.x policy: a blocklist,
	// a missing signature, a rule of theirs.
	return SoftBounce
}
