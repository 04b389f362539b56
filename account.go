package steward

import (
	"slices"
	"time"
)

// A SubjectKind says what an enrolment can be about.
type SubjectKind string

// The kinds of subject.
const (
	AboutAccount  SubjectKind = "account"
	AboutContract SubjectKind = "contract"
	AboutContact  SubjectKind = "contact"
	AboutProduct  SubjectKind = "product"
)

// SubjectKinds is all of them, accounts first.
func SubjectKinds() []SubjectKind {
	return []SubjectKind{AboutAccount, AboutContract, AboutContact, AboutProduct}
}

// A Subject is what a finding or enrolment is about. Account is the customer
// it belongs to: itself, for an account.
type Subject struct {
	Kind    SubjectKind `json:"kind"`
	ID      string      `json:"id"`
	Account AccountID   `json:"account"`
}

// String is kind and id, such as "contract C-17".
func (s Subject) String() string { return string(s.Kind) + " " + s.ID }

// An Account is a customer. Absent dates are NoDay, an absent number is an
// unknown Value, absent text is empty. More holds the fields that the workspace declares
// itself; a name that is absent from it is unknown.
type Account struct {
	ID              AccountID `json:"id"`
	Name            string    `json:"name"`
	Parent          AccountID `json:"parent,omitempty"`
	Status          string    `json:"status,omitempty"`
	Segment         string    `json:"segment,omitempty"`
	ARR             Value     `json:"arr"`
	Currency        string    `json:"currency,omitempty"`
	Owner           OwnerID   `json:"owner,omitempty"`
	StartDate       Day       `json:"start_date"`
	RenewalDate     Day       `json:"renewal_date"`
	Stage           string    `json:"stage,omitempty"`
	EscalationLevel Value     `json:"escalation_level"`
	ContactPolicy   string    `json:"contact_policy,omitempty"`
	Test            bool      `json:"test,omitempty"`
	// Pulse is what its people's CSM last said of it, 1 to 5; no source tells it.
	Pulse Value            `json:"pulse,omitzero"`
	More  map[string]Value `json:"more,omitempty"`
}

// A Contract is one agreement with an account. An account's fields can be read
// from its contracts; where both have a name (start_date), the contract's wins.
type Contract struct {
	ID         ContractID       `json:"id"`
	Account    AccountID        `json:"account"`
	Product    string           `json:"product,omitempty"`
	StartDate  Day              `json:"start_date"`
	EndDate    Day              `json:"end_date"`
	NoticeDate Day              `json:"notice_date"`
	Amount     Value            `json:"amount"`
	AutoRenew  bool             `json:"auto_renew"`
	Renewed    bool             `json:"renewed"`
	Cancelled  bool             `json:"cancelled"`
	More       map[string]Value `json:"more,omitempty"`
}

// A Contact is a person at a customer, in one or more roles.
type Contact struct {
	ID       ContactID `json:"id"`
	Account  AccountID `json:"account"`
	Name     string    `json:"name"`
	Email    string    `json:"email,omitempty"`
	Roles    []string  `json:"roles,omitempty"`
	Locale   string    `json:"locale,omitempty"`
	LastSeen Day       `json:"last_seen"`
	// Bounced tells that the address takes no mail, as a mail server said. No
	// source tells it: it follows the address.
	Bounced bool `json:"bounced,omitempty"`
}

// FirstName is what they are called, or "" where the name does not tell.
func (c Contact) FirstName() string { return firstName(c.Name) }

// A Touch is a call, meeting or mail by a person.
type Touch struct {
	ID      string    `json:"id"`
	Account AccountID `json:"account"`
	Contact ContactID `json:"contact,omitempty"`
	Day     Day       `json:"day"`
	Kind    string    `json:"kind"` // call, meeting, email, note, reply
	By      string    `json:"by,omitempty"`
}

// TouchReply is the kind of a touch that came from the customer: a mail of
// theirs. It shows that they are there, and that nobody of us was.
const TouchReply = "reply"

// Reached tells a touch in which one of us reached somebody at the customer, from
// a note to oneself and from what the customer did.
func (t Touch) Reached() bool { return t.Kind != "note" && t.Kind != TouchReply }

// A Product is something that an account has bought and uses, with the seats
// and features that its licence covers.
type Product struct {
	ID        ProductID        `json:"id"`
	Account   AccountID        `json:"account"`
	Name      string           `json:"name"`
	Plan      string           `json:"plan,omitempty"`
	Seats     Value            `json:"seats"`
	StartDate Day              `json:"start_date"`
	EndDate   Day              `json:"end_date"`
	Features  []string         `json:"features,omitempty"`
	More      map[string]Value `json:"more,omitempty"`
}

// A Ticket is something that the customer asked support for.
type Ticket struct {
	ID      string    `json:"id"`
	Account AccountID `json:"account"`
	Contact ContactID `json:"contact,omitempty"`
	// Priority is in the source's words, in lower case.
	Priority string `json:"priority,omitempty"`
	Opened   Day    `json:"opened"`
	Closed   Day    `json:"closed"` // NoDay while it is open
}

// OpenOn tells whether the ticket was open at the end of a day.
func (t Ticket) OpenOn(d Day) bool {
	return t.Opened != NoDay && t.Opened <= d && (t.Closed == NoDay || t.Closed > d)
}

// A SurveyKind is what a survey asked.
type SurveyKind string

// The kinds of survey: would you recommend us (0 to 10), were you satisfied
// (1 to 5).
const (
	NPS  SurveyKind = "nps"
	CSAT SurveyKind = "csat"
)

// A Survey is one person's answer.
type Survey struct {
	ID      string     `json:"id"`
	Account AccountID  `json:"account"`
	Contact ContactID  `json:"contact,omitempty"`
	Kind    SurveyKind `json:"kind"`
	Day     Day        `json:"day"`
	Score   float64    `json:"score"`
}

// An Objective is what a customer set out to reach with the product, as agreed
// with one of its people.
type Objective struct {
	ID       string    `json:"id"`
	Account  AccountID `json:"account"`
	Name     string    `json:"name"`
	Metric   string    `json:"metric"`
	Baseline Value     `json:"baseline"`
	Target   Value     `json:"target"`
	Due      Day       `json:"due"`
	Agreed   ContactID `json:"agreed,omitempty"`
}

// A Milestone is a moment of the journey that an account has reached.
type Milestone struct {
	Account AccountID `json:"account"`
	Name    string    `json:"name"`
	Day     Day       `json:"day"`
}

// A FieldChange is what a field became on a day. Its first one is what it was
// when the row was first seen.
type FieldChange struct {
	Field string `json:"field"`
	Day   Day    `json:"day"`
	Value Value  `json:"value"` // unknown where it became absent
}

// A HistoryKey names a row that has a history.
type HistoryKey struct {
	Kind SubjectKind
	ID   string
}

// A Past is what a row was. Since is from which day on it is recorded; Changes
// hold, oldest first, every value of the fields that have had more than one
// since then. A field without changes has been as it is.
type Past struct {
	Since   Day
	Changes []FieldChange
	// Seen is from which day on it really is recorded, where Since is a day that
	// was put before it; else 0.
	Seen Day
}

// A Score is one figure that Steward worked out about an account on a day: its
// health, a part of it, its grade.
type Score struct {
	Account AccountID
	Name    string // such as health, or health.usage
	Value   float64
}

// A History is the past of rows.
type History map[HistoryKey]Past

// Reaching is the history with rows that were first seen after a day taken to
// have been since then as they were at first: so that a day before anything was
// imported can be judged, on what is known to have become of it.
func (h History) Reaching(day Day) History {
	out := make(History, len(h))
	for key, past := range h {
		if past.Since > day {
			first := map[string]bool{}
			changes := slices.Clone(past.Changes)
			for i, c := range changes {
				if !first[c.Field] && c.Day == past.Since {
					changes[i].Day = day
				}
				first[c.Field] = true
			}
			past.Seen, past.Since, past.Changes = past.Since, day, changes
		}
		out[key] = past
	}
	return out
}

// Names of what Steward itself learns and keeps in an account's history.
const (
	// StageField is the stage that the journey's rules found, where no source
	// tells it.
	StageField = "journey.stage"
	// MilestonePrefix is followed by a milestone's name; the value is the date on
	// which its condition first held, or somebody marked it.
	MilestonePrefix = "milestone."
)

// Dealings is what was done about an account lately.
type Dealings struct {
	// Fired is by playbook: the days on which an enrolment was opened, oldest
	// first; quarantined ones count from their release.
	Fired map[PlaybookName][]Day
	// Mailed is the days on which mail went, or may have gone, to a person, oldest
	// first.
	Mailed map[ContactID][]Day
	// Replied is the days on which people replied to it, or somebody for them.
	Replied map[ContactID][]Day
}

// An Owner is a CSM, a manager, or a pool of CSMs that shares a channel.
type Owner struct {
	ID      OwnerID `json:"id"`
	Name    string  `json:"name"`
	Email   string  `json:"email,omitempty"`
	Title   string  `json:"title,omitempty"` // what they are, as their mails are signed
	Slack   string  `json:"slack,omitempty"` // a Slack user id; looked up by e-mail when empty
	Manager OwnerID `json:"manager,omitempty"`
	Backup  OwnerID `json:"backup,omitempty"`
	Pool    string  `json:"pool,omitempty"` // a channel: the owner is a pool
	// ClaimWithin is how long a card to the pool may lie before somebody is told:
	// less than a day is counted in working hours. Zero: for ever.
	ClaimWithin time.Duration  `json:"claim_within,omitempty"`
	Zone        *time.Location `json:"-"`
	// Hours are when they work; nil for when the workspace says.
	Hours *Hours `json:"-"`
}

// FirstName is what they are called, or "" where the name does not tell. A pool
// is called by its whole name.
func (o Owner) FirstName() string {
	if o.Pool != "" {
		return o.Name
	}
	return firstName(o.Name)
}

// A Portfolio is every account and what hangs on it, as the last import left
// it, in order of id.
type Portfolio struct {
	Accounts   []Account
	Contracts  []Contract
	Contacts   []Contact
	Products   []Product
	Touches    []Touch
	Tickets    []Ticket
	Surveys    []Survey
	Objectives []Objective
	Milestones []Milestone
	// Overrides is what people said of accounts' health, in the order in which they
	// said it.
	Overrides []HealthOverride
	// Gone is people whom their sources list no longer. They are nobody to judge or
	// to write to, and are kept for questions about the past: their History says
	// since when they have no role.
	Gone []Contact
	// History is what fields were; nil where it is not kept, and then fields have
	// always been as they are.
	History History
	// Dealings is by account; nil where nobody asked for them.
	Dealings map[AccountID]Dealings
	// Kinds tells which kinds of row some source feeds ("touches", "tickets", …):
	// no ticket means no tickets only where somebody would have told. Nil means
	// all of them.
	Kinds map[string]bool
}

// Feeds tells whether some source feeds rows of a kind, such as "tickets".
func (p *Portfolio) Feeds(kind string) bool { return p.Kinds == nil || p.Kinds[kind] }
