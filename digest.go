package steward

import "time"

// A Move takes an outreach to another message than the one that carries it, or
// was to carry it: to a digest, or to a card of its own.
type Move struct {
	Outreach OutreachID
	// Into is the messages that may take it in, the one to be preferred first. The
	// first that nobody has begun to send does; one that is not there yet is put.
	Into []Message
	// Digested is why a digest is to carry it; "" where it is to stand on a card.
	Digested Reason
	// Decision is what is kept of it.
	Decision Decision
}

// An Agenda is what a digest tells its owner beside what it carries.
type Agenda struct {
	// Tasks are the owner's open ones, Waiting the mails that somebody asked the
	// owner to approve, Snoozed what the owner put off.
	Tasks   []Task
	Waiting []Message
	Snoozed []Enrolment
}

// DigestID is the id of an owner's digest of a day in the owner's zone.
func DigestID(owner OwnerID, day Day) MessageID {
	return NewMessageID(Digest, string(owner), day.String())
}

// DigestTimes are when digests go. The zero DigestTimes is the daily one soon
// after working hours begin, and no weekly one.
type DigestTimes struct {
	// At is when on working days, as time since midnight; 0 for a quarter of an hour
	// after working hours begin, else half past eight.
	At time.Duration
	// Weekly is when managers get theirs; nil for never.
	Weekly *WeekTime
}

// A WeekTime is a moment of the week by the clock on the wall.
type WeekTime struct {
	Day time.Weekday
	At  time.Duration
}

// A Week is what became of accounts in the last days, for those who lead the
// people that look after them.
type Week struct {
	// Untaken is what was told on a card and nobody took on, the oldest first.
	Untaken []Untaken
	// Goals are the playbooks that reached their goal, by account.
	Goals []Reached
	// Unsaid is what was not said, and why, the most frequent first.
	Unsaid []Unsaid
}

// Untaken is a card that nobody took on since it went.
type Untaken struct {
	Account  AccountID
	Playbook PlaybookName
	Since    time.Time
}

// Reached is a playbook's goal that an account reached.
type Reached struct {
	Account  AccountID
	Playbook PlaybookName
}

// Unsaid is how much was not said about how many accounts for one reason.
type Unsaid struct {
	Reason          Reason
	Times, Accounts int
}
