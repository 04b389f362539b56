package steward

import (
	"strings"
	"time"
)

// A Word is what a person said of a row, as a fact: the roles of a contact, a
// milestone of an account, its pulse. It stands over what the sources say until
// they say something newer about the same, or another word does.
type Word struct {
	Kind    SubjectKind `json:"kind"`
	ID      string      `json:"id"`
	Account AccountID   `json:"account"`
	// Field is "role" or "name" of a contact, MilestonePrefix and a name, or "pulse", of an
	// account.
	Field string    `json:"field"`
	Value Value     `json:"value"`
	Day   Day       `json:"day"` // from which day on it is so
	Text  string    `json:"text,omitempty"`
	By    string    `json:"by"`
	At    time.Time `json:"at"`
}

// The fields that people's words are about, beside milestones.
const (
	RoleField = "role"
	// NameField is what a contact is called whose name in the data does not tell: it
	// stands only as long as that is so.
	NameField  = "name"
	PulseField = "pulse" // 1 (bad) to 5 (very good)
)

// RolesOf reads roles as their field has them: "champion, admin".
func RolesOf(text string) []string {
	var out []string
	for _, r := range strings.Split(text, ",") {
		if r = strings.TrimSpace(r); r != "" {
			out = append(out, r)
		}
	}
	return out
}
