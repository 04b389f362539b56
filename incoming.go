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
