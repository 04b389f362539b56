package steward

import "time"

// A HandOver moves an outreach that was not sent yet to whom it would be planned
// for by now. Its id stays. One whose message is being sent, was sent, or may
// have been, stays where it is.
type HandOver struct {
	Outreach OutreachID
	// From is the message that carries it; one that carries nothing any more is
	// suppressed.
	From MessageID
	// To is who it is for from now on, Message what then carries it; "" where it
	// was sent, and only the task that it gave is somebody else's.
	To      Recipient
	Message MessageID
	// Detail says from whom to whom and why, for people.
	Detail string
}

// A Redraft puts a mail that was not sent yet into another owner's name. An
// approval that was given for the old text is void. A mail that is being sent,
// was sent, or may have been, stays as it is.
type Redraft struct {
	// Mail is the mail as it is from now on; its Version is one more than that of
	// the text it replaces. A mail without Content is composed when it is sent.
	Mail Message
	// Asks are the cards that ask for the approval, and that tell the owner of it.
	Asks []Message
	// Detail says from whom to whom and why, for people.
	Detail string
}

// An Unclaimed is an open enrolment that nobody has taken on, and the card about
// it that lies in a pool's channel.
type Unclaimed struct {
	Enrolment Enrolment
	Pool      OwnerID
	// Sent is when the first card about it went to the pool.
	Sent time.Time
}
