package steward

import (
	"slices"
	"time"
)

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
	// Joins are outreach of this change that are to be said in a digest: of which
	// day is found out when it is written, as one that was sent takes nothing in.
	Joins []Move
	// Stopped are messages that wait for approval and are no longer worth it. One
	// that was decided meanwhile is left as it is.
	Stopped []Stop
	// Recalled are enrolments whose mails are to be approved once more that were, and
	// have not gone.
	Recalled []Recall
	// Withdrawn are outreach that are not to be said after all. One that was sent,
	// or may have been, is left as it is.
	Withdrawn []Withdrawal
	// HandOvers and Redrafts change who hears, and in whose name, of what was not
	// sent yet.
	HandOvers []HandOver
	Redrafts  []Redraft
	// Learnt is what rules found out about the account and what is kept in its
	// history: StageField, or MilestonePrefix and a name. A value that the field
	// has on its day already is not written again.
	Learnt []FieldChange
	// States are put in place of what was remembered of their playbooks. A run's
	// states are written when it is finished; these are of decisions that belong
	// to no run, in a change without an account.
	States []PlaybookState
	// Pilots are what subjects measured when a pilot began; one of a later slot
	// replaces them.
	Pilots []PilotStart
	// Approvals are what people decided about messages that wait for it.
	Approvals []Approved
	// Words, Overrides and Silences are what people said; an Override or
	// a Silence with an id is one that is taken back.
	Words     []Word
	Overrides []HealthOverride
	Silences  []Silence
	// Tasks are tasks that somebody did, or moved.
	Tasks []TaskChange
	// Given are tasks that no step gave; one whose id exists is left as it is.
	Given []Task
	// Suppressed are addresses that are to get no more mail; the first reason of
	// an address stays.
	Suppressed []Suppression
	// Repaint are sent messages whose cards show something else by now.
	Repaint []MessageID
}

// An Approved is one decision about a message that waits for approval.
type Approved struct {
	Message MessageID
	// Version is the text that was seen: of another nothing is decided.
	Version int
	By      string
	// Go lets it go; else it is stopped, or, with Content, its text becomes another
	// version, which waits for approval in turn unless Go is set, too.
	Go      bool
	Why     string
	Content *Content
	Hash    string
}

// A TaskChange is what somebody did with a task: finished it, or moved its day.
type TaskChange struct {
	Task    OutreachID
	By      string
	Done    bool
	Outcome string
	Due     Day // where it was not done
	// IfOpen leaves a task alone that is not open; else nothing of the change is
	// written.
	IfOpen bool
}

// A PilotStart is what a subject of a playbook's audience measured when the
// playbook's pilot began.
type PilotStart struct {
	Playbook PlaybookName `json:"playbook"`
	Subject  Subject      `json:"subject"`
	// Pilot is the pilot's hash: another block is another pilot.
	Pilot string `json:"pilot"`
	Slot  Slot   `json:"slot"`
	// In tells the pilot's subjects from the rest.
	In bool `json:"in"`
	// Value is what was measured; unknown where that was not known.
	Value Value `json:"value"`
}

// A Stop ends a message that waits for approval, and says why.
type Stop struct {
	Message MessageID
	Reason  Reason
	Detail  string
}

// A Recall takes the approvals back that people gave for mails of an enrolment,
// and says why.
type Recall struct {
	Enrolment EnrolmentID
	Reason    Reason
	Detail    string
}

// A Withdrawal takes an outreach off the message that carries it, and says why.
type Withdrawal struct {
	Outreach OutreachID
	Reason   Reason
	Detail   string
}

// Empty tells a change that writes nothing.
func (c Change) Empty() bool {
	return len(c.Phases)+len(c.Enrolments)+len(c.Outreach)+len(c.Messages)+len(c.Records)+len(c.Stopped)+len(c.Recalled)+len(c.Withdrawn)+len(c.HandOvers)+len(c.Joins)+len(c.Redrafts)+len(c.Learnt)+len(c.States)+len(c.Pilots)+
		len(c.Approvals)+len(c.Words)+len(c.Overrides)+len(c.Silences)+len(c.Tasks)+len(c.Given)+len(c.Suppressed)+len(c.Repaint) == 0
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
	// Afoot is the playbooks that have an enrolment open for the message's account,
	// held ones aside, or that fire for it or a subject of it.
	Afoot []PlaybookName
	// Suppressed tells that the recipient's address has opted out or bounced.
	Suppressed bool
	// SuppressedWhy is the stored reason of that.
	SuppressedWhy string
	// Back is the first day on which the recipient may be written to again, as
	// their newest out-of-office notice says; a day of the past where none does.
	Back Day
	// Paused is the standing order to send nothing; zero when there is none.
	Paused Pause
	// Thread is the first card about the same enrolment that went to the same
	// addressee, as its provider names it; "" where there is none.
	Thread string
	// OwnerUntold tells of a mail that a card is still to tell its account's owner of
	// it.
	OwnerUntold bool
	// Task is the task that a notice gave; nil where it gave none.
	Task *Task
	// Asked is, of a card that asks for approval, the mails that it asks about.
	Asked []Asked
	// Silences are those that stand.
	Silences []Silence
	// Agenda is what else its owner has to do, of a digest.
	Agenda Agenda
	// Doubt is since when it has not been known whether the message was delivered:
	// the start of the first attempt whose outcome was lost. Zero when every
	// attempt so far is known to have failed.
	Doubt time.Time
}

// Concerned is the enrolments that the message speaks for, those too of the mails
// that it asks about.
func (d Dossier) Concerned() []Enrolment {
	out := d.Enrolments
	for _, a := range d.Asked {
		out = append(slices.Clip(out), a.Mail.Enrolments...)
	}
	return out
}

// An Asked is a mail that an approval card asks about.
type Asked struct {
	Mail Dossier
	// Veto is for how long after the card was heard the mail may be stopped; zero
	// where it waits for somebody's word.
	Veto time.Duration
	// Elsewhere tells that another card asks about it by now.
	Elsewhere bool
}

// A Ruling is what is decided about a message that is about to be sent, on its
// dossier.
type Ruling struct {
	Decision
	// Content is what a message that passes says, frozen from then on. It is kept
	// only where the message has none yet, or Anew is set.
	Content *Content
	// Face is what its card shows beside that.
	Face Face
	// LeftOut is, of each outreach that the message goes without, why. They are
	// never said.
	LeftOut []Record
	// Moves are outreach that another message is to say, later.
	Moves []Move
	// Overflow is where what the message carries goes where no place is free for
	// its card; empty where it is put off.
	Overflow []Message
	// Anew tells that Content takes the place of what the message has.
	Anew bool
	// Places are what a message that passes takes up of what may be sent. Where
	// one is not free the message is put off.
	Places []Place
}

// PlaceKind says what a limit counts.
type PlaceKind string

// Cards by whom they are for, mail by address, mail by the account whose people
// get it, and everything by its channel.
const (
	OwnerPlace   PlaceKind = "owner"
	AddressPlace PlaceKind = "address"
	AccountPlace PlaceKind = "account"
	RatePlace    PlaceKind = "rate"
)

// A Place is one of a limited number that a message takes when it is sent.
// Whether one is free is looked at in the transaction that sends it, so that of
// two messages for the last one, one goes.
type Place struct {
	Kind PlaceKind
	// Key is an owner's id, an address in lower case, an account's id or a channel.
	Key string
	// Most is how many there are since Since. Messages that went, may have gone
	// or are on their way have taken one.
	Most  int
	Since time.Time
	// Until is when all are free again; zero where they become free one by one,
	// each Window after it was taken.
	Until  time.Time
	Window time.Duration
	// Words is the limit for people, such as "5 cards a day".
	Words string
}

// A Pause is the standing order to send nothing.
type Pause struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// IsZero tells that nothing is paused.
func (p Pause) IsZero() bool { return p.At.IsZero() }
