package steward

import (
	"strings"
	"time"
)

// A SubjectKind says what an enrolment can be about.
type SubjectKind string

// The kinds of subject. Contacts and products follow; nothing but these two
// constants has to change for them.
const (
	AboutAccount  SubjectKind = "account"
	AboutContract SubjectKind = "contract"
)

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
	ID              AccountID        `json:"id"`
	Name            string           `json:"name"`
	Parent          AccountID        `json:"parent,omitempty"`
	Status          string           `json:"status,omitempty"`
	Segment         string           `json:"segment,omitempty"`
	ARR             Value            `json:"arr"`
	Currency        string           `json:"currency,omitempty"`
	Owner           OwnerID          `json:"owner,omitempty"`
	StartDate       Day              `json:"start_date"`
	RenewalDate     Day              `json:"renewal_date"`
	Stage           string           `json:"stage,omitempty"`
	EscalationLevel Value            `json:"escalation_level"`
	ContactPolicy   string           `json:"contact_policy,omitempty"`
	Test            bool             `json:"test,omitempty"`
	More            map[string]Value `json:"more,omitempty"`
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
}

// FirstName is the first word of the name, or "" when there is none to use.
func (c Contact) FirstName() string { return firstWord(c.Name) }

// A Touch is a call, meeting or mail by a person.
type Touch struct {
	ID      string    `json:"id"`
	Account AccountID `json:"account"`
	Contact ContactID `json:"contact,omitempty"`
	Day     Day       `json:"day"`
	Kind    string    `json:"kind"` // call, meeting, email, note
	By      string    `json:"by,omitempty"`
}

// An Owner is a CSM, a manager, or a pool of CSMs that shares a channel.
type Owner struct {
	ID      OwnerID        `json:"id"`
	Name    string         `json:"name"`
	Email   string         `json:"email,omitempty"`
	Slack   string         `json:"slack,omitempty"` // a Slack user id; looked up by e-mail when empty
	Manager OwnerID        `json:"manager,omitempty"`
	Backup  OwnerID        `json:"backup,omitempty"`
	Pool    string         `json:"pool,omitempty"` // a channel: the owner is a pool
	Zone    *time.Location `json:"-"`
}

// FirstName is the first word of the name, or "".
func (o Owner) FirstName() string { return firstWord(o.Name) }

func firstWord(name string) string {
	if f := strings.Fields(name); len(f) > 0 {
		return f[0]
	}
	return ""
}

// A Portfolio is every account and what hangs on it, as the last import left
// it, in order of id.
type Portfolio struct {
	Accounts  []Account
	Contracts []Contract
	Contacts  []Contact
	Touches   []Touch
}
