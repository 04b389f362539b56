package steward

import "time"

// A Silence is a person's word that something is not to be said for a while.
// What it names must all be so of an outreach for it to be silenced; of what it
// does not name, anything goes. Nothing is lost by it: what was silenced is put
// off, and what is still so is said when the silence ends.
type Silence struct {
	ID       int64        `json:"id"`
	Account  AccountID    `json:"account,omitempty"`
	Owner    OwnerID      `json:"owner,omitempty"`
	Playbook PlaybookName `json:"playbook,omitempty"`
	// When is a condition about accounts, in the language; "" for any.
	When string `json:"when,omitempty"`
	// From and Until are when it stands; zero Until is until somebody ends it.
	From  time.Time `json:"from"`
	Until time.Time `json:"until,omitzero"`
	// UntilResolved ends it for each subject when the episode ends that it silenced.
	UntilResolved bool   `json:"until_resolved,omitempty"`
	Because       string `json:"because"`
	By            string `json:"by"`
	// ByOwner is the person in owners.yaml who said so; "" for somebody else.
	ByOwner OwnerID   `json:"by_owner,omitempty"`
	Ended   time.Time `json:"ended,omitzero"`
	EndedBy string    `json:"ended_by,omitempty"`
}

// Stands tells whether it is in force at a moment.
func (s Silence) Stands(now time.Time) bool {
	return !now.Before(s.From) && (s.Until.IsZero() || now.Before(s.Until)) && (s.Ended.IsZero() || now.Before(s.Ended))
}
