package steward

import "time"

// A Change is everything that one decision writes for one account. It is
// written in one transaction or not at all, and writing it twice is the same
// as writing it once: every row in it has an identity derived from what it
// means.
type Change struct {
	Account AccountID
	// Phases are put in place of what was stored. A state in phase Clear is kept
	// until its run is finished, so that a replay of the run skips it.
	Phases []PhaseState
	// Enrolments with Rev 0 are new and ignored where their id exists; others
	// replace the stored row of the same Rev, else the whole change is refused.
	Enrolments []Enrolment
	// Outreach and Messages are new; an id that exists is left as it is.
	Outreach []Outreach
	Messages []Message
	Records  []Record
	// Stopped are messages that wait for approval and are no longer worth it. One
	// that was decided meanwhile is left as it is.
	Stopped []Stop
}

// A Stop ends a message that waits for approval, and says why.
type Stop struct {
	Message MessageID
	Reason  Reason
	Detail  string
}

// Empty tells a change that writes nothing.
func (c Change) Empty() bool {
	return len(c.Phases)+len(c.Enrolments)+len(c.Outreach)+len(c.Messages)+len(c.Records)+len(c.Stopped) == 0
}

// A Run is one execution of a job for a slot, as its lease shows. Every write
// of the run is conditional on Term: a holder whose lease lapsed and was taken
// over can write nothing more.
type Run struct {
	Job   string    `json:"job"`
	Slot  Slot      `json:"slot"`
	Term  int       `json:"term"`
	Lease time.Time `json:"lease"`
}

// A Dossier is a message with all that its gates and its wording look at.
type Dossier struct {
	Message  Message
	Outreach []Outreach
	// Enrolments and Phases are those of the outreach, in the same order; a zero
	// Phase means the subject is clear.
	Enrolments []Enrolment
	Phases     []PhaseState
	// Suppressed tells that the recipient's address has opted out or bounced.
	Suppressed bool
	// SuppressedWhy is the stored reason of that.
	SuppressedWhy string
	// Paused is the standing order to send nothing; zero when there is none.
	Paused Pause
	// Doubt is since when it has not been known whether the message was delivered:
	// the start of the first attempt whose outcome was lost. Zero when every
	// attempt so far is known to have failed.
	Doubt time.Time
}

// A Ruling is what is decided about a message that is about to be sent, on its
// dossier.
type Ruling struct {
	Decision
	// Content is what a message that passes says, frozen from then on. It is kept
	// only where the message has none yet.
	Content *Content
	// LeftOut is, of each outreach that the message goes without, why.
	LeftOut []Record
}

// A Pause is the standing order to send nothing.
type Pause struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// IsZero tells that nothing is paused.
func (p Pause) IsZero() bool { return p.At.IsZero() }
