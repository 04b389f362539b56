package steward

import "time"

// A Verb is what a person does: with a button of a card, a form, a command, or
// a page. Verbs are stored, and their text is part of every button that was ever
// sent: never rename one.
type Verb string

// What can be done with what Steward said, and about an account.
const (
	// With a card.
	VerbTake      Verb = "take"       // I look after it
	VerbSnooze    Verb = "snooze"     // not now: until a date, or until it changes
	VerbDone      Verb = "done"       // it is dealt with, with an outcome
	VerbNotUseful Verb = "not_useful" // it should not have come, and why

	// With a mail that waits for approval.
	VerbApprove    Verb = "approve"
	VerbApproveAll Verb = "approve_all" // every one of a playbook that waits for me
	VerbDecline    Verb = "decline"     // also the veto
	VerbRewrite    Verb = "rewrite"     // another text, which is a new version

	// With what is held back.
	VerbRelease Verb = "release"

	// What people know.
	VerbMilestone Verb = "milestone"
	VerbRole      Verb = "role"
	VerbName      Verb = "name" // what somebody is called
	VerbMoveDue   Verb = "move_due"
	VerbPulse     Verb = "pulse"
	VerbHealth    Verb = "health"

	// With a playbook, by hand.
	VerbStart Verb = "start"
	VerbSkip  Verb = "skip" // the step that it is at
	VerbStop  Verb = "stop"

	// With what is not to be said, or is to be said again.
	VerbSilence   Verb = "silence"
	VerbUnsilence Verb = "unsilence"

	// Questions, which change nothing and are not kept.
	VerbLook Verb = "look" // at one account
	VerbMine Verb = "mine" // at what is mine to do
	VerbWhy  Verb = "why"  // a playbook did, or did not, speak
	VerbHelp Verb = "help"
)

// Asks tells a verb that only looks.
func (v Verb) Asks() bool { return v == VerbLook || v == VerbMine || v == VerbWhy || v == VerbHelp }

// Via is by which way somebody did something.
type Via string

// The ways.
const (
	ViaSlack   Via = "slack"
	ViaPage    Via = "page"
	ViaCommand Via = "command"
)

// An Act is one thing that one person did, known and allowed. It is kept, and
// acts once: Key is the same however often it is told.
type Act struct {
	Key  string    `json:"key"`
	Verb Verb      `json:"verb"`
	At   time.Time `json:"at"`
	// By is the person in owners.yaml, "" for somebody else, such as ops by a page
	// or a command; ByName is what people call them.
	By     OwnerID `json:"by,omitempty"`
	ByName string  `json:"by_name,omitempty"`
	Via    Via     `json:"via"`
	// What it was done with, as far as the verb needs it.
	Account   AccountID    `json:"account,omitempty"`
	Message   MessageID    `json:"message,omitempty"`
	Enrolment EnrolmentID  `json:"enrolment,omitempty"`
	Playbook  PlaybookName `json:"playbook,omitempty"`
	// Choice is what was picked (an outcome, why it was not useful, a milestone, a
	// role), Text what was written with it.
	Choice string    `json:"choice,omitempty"`
	Text   string    `json:"text,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	// Refused says why it came to nothing; "" where it did what it says.
	Refused string `json:"refused,omitempty"`
}

// Why a card was not useful. Wrong data is told to ops, wrong owner too.
const (
	KnownAlready = "known_already"
	WrongData    = "wrong_data"
	WrongOwner   = "wrong_owner"
	BadTiming    = "bad_timing"
	FalseAlarm   = "false_alarm"
)

// A Gesture is what somebody did as the channel tells of it: before it is known
// who they are to us and whether they may.
type Gesture struct {
	// Key is the same for each time that the channel tells of it.
	Key string
	At  time.Time
	Via Via
	// User, Team and UserName are the person in Slack; Owner the one in owners.yaml
	// where that is known already, as of a command; Trusted tells that it came by a
	// way that only ops has.
	User, Team, UserName string
	Owner                OwnerID
	Trusted              bool

	Verb   Verb
	Target Target
	// Values is what was picked or written, by the name of its field. A button
	// with a menu gives what was picked as "choice".
	Values map[string]string
	// Sent tells a form that was filled in from a button that was pressed.
	Sent bool
	// Words is what was written after the slash command.
	Words string
	// Card is the message that it was done on, as the provider names it (see
	// Receipt.Ref); "" where it was none.
	Card string
}

// A Target is what a button, or a form, is about. It travels in them as JSON, so
// its names are short; Slack allows 2,000 characters.
type Target struct {
	Verb      Verb         `json:"v"`
	Message   MessageID    `json:"m,omitempty"`
	Version   int          `json:"n,omitempty"`
	Enrolment EnrolmentID  `json:"e,omitempty"`
	Task      OutreachID   `json:"t,omitempty"`
	Account   AccountID    `json:"a,omitempty"`
	Playbook  PlaybookName `json:"p,omitempty"`
	// Item is what else the verb is about: a contact, a milestone, a silence.
	Item string `json:"i,omitempty"`
}

// An Answer is what whoever made a gesture sees of it, beside the card itself,
// which changes for everybody.
type Answer struct {
	// Text is a sentence for that person alone; "" for none.
	Text string
	// Refused tells that nothing was done, and Text why.
	Refused bool
	// Content and Face are something to read for that person alone; nil for
	// nothing.
	Content *Content
	Face    Face
	// Form asks for more before anything is done; nil where nothing is asked.
	Form *Form
	// Wrong is, of a form that cannot be taken as it is, what is to be mended, by
	// field.
	Wrong map[string]string
}

// A Form asks a person for a few things.
type Form struct {
	Title  string // at most 24 characters in Slack
	Intro  string // plain text above the fields
	Submit string // what the button says
	Target Target
	Fields []FormField
}

// A FieldKind is what a form's field takes.
type FieldKind string

// The kinds of field.
const (
	ShortText FieldKind = "short"
	LongText  FieldKind = "long"
	OneOf     FieldKind = "one_of"
	ADate     FieldKind = "date" // 2026-11-30
)

// A FormField is one thing that a form asks for.
type FormField struct {
	Name     string
	Label    string
	Hint     string
	Kind     FieldKind
	Options  []Option
	Value    string // what it says at first
	Optional bool
}

// An Option is one of several to pick from.
type Option struct{ Value, Label string }

// A Button is something that can be done with a card. With Options it is a menu.
type Button struct {
	Target Target
	Label  string
	// Style is "primary", "danger" or "". Confirm, if any, is asked first.
	Style   string
	Confirm string
	Options []Option
	// Link opens an address instead.
	Link string
}

// A Face is what a card shows beside its content: what has become of the matter,
// and what can still be done with it. It is worked out anew whenever the card is
// drawn, and never stored.
type Face struct {
	// Marks are short lines such as "Taken by Dana Reyes".
	Marks []string
	// Over tells that nothing is to be done any more, in words: "Recovered on 3
	// March". A card that is over has no buttons.
	Over    string
	Buttons []Button
	// Parts are the faces of the content's parts, in their order; shorter where the
	// rest has none.
	Parts []PartFace
}

// A PartFace is what one part of a card shows beside its content.
type PartFace struct {
	Marks   []string
	Buttons []Button
}

// An Edit is a card that does not show how things stand. Wanted rises with each
// change; the edit is done when what was painted is of the newest.
type Edit struct {
	Message  MessageID
	Wanted   int
	Attempts int
}
