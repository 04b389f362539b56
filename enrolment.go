package steward

import "time"

// An EnrolmentState is where a subject's pass through a playbook's steps
// stands.
type EnrolmentState string

// Quarantined, active and waiting are open; a subject has at most one open
// enrolment per playbook.
const (
	Quarantined EnrolmentState = "quarantined"
	Active      EnrolmentState = "active"
	Waiting     EnrolmentState = "waiting"
	Completed   EnrolmentState = "completed"
	Exited      EnrolmentState = "exited"
	Failed      EnrolmentState = "failed"
)

// Open tells whether the enrolment still has something to do.
func (s EnrolmentState) Open() bool { return s == Quarantined || s == Active || s == Waiting }

// An Arm is the side of an experiment an enrolment is on.
type Arm string

// A holdout goes through every step and nothing is said, so that what would
// have happened anyway can be compared.
const (
	Treatment Arm = "treatment"
	Holdout   Arm = "holdout"
)

// An Enrolment is a subject's pass through a playbook's steps.
type Enrolment struct {
	ID       EnrolmentID    `json:"id"`
	Playbook PlaybookName   `json:"playbook"`
	Subject  Subject        `json:"subject"`
	Episode  Slot           `json:"episode"`
	State    EnrolmentState `json:"state"`
	// Reason is why it is quarantined or how it ended; "" while it runs.
	Reason Reason `json:"reason,omitempty"`
	Arm    Arm    `json:"arm"`
	// Version is the playbook text whose steps it runs to the end.
	Version string `json:"version"`
	// EpisodeDay is the last complete day the episode's first step saw.
	EpisodeDay Day `json:"episode_day"`
	// Frozen is the episode's at_open values.
	Frozen map[string]Value `json:"frozen,omitempty"`
	// Evidence is what was seen when it opened.
	Evidence []Evidence `json:"evidence,omitempty"`
	OpenedAt time.Time  `json:"opened_at"`
	EndedAt  time.Time  `json:"ended_at,omitzero"`
	// Step is the index of the step being worked on; StepSince when it became
	// so: waits count from then.
	Step      int       `json:"step"`
	StepSince time.Time `json:"step_since"`
	// Due is when advance should look again; zero for "whenever something
	// happens".
	Due time.Time `json:"due,omitzero"`
	// AckedAt and AckedBy say who took it on.
	AckedAt time.Time `json:"acked_at,omitzero"`
	AckedBy string    `json:"acked_by,omitempty"`
	// DoneAt is when the last of the tasks that it gave was done; zero while one is
	// open, and where it gave none.
	DoneAt time.Time `json:"done_at,omitzero"`
	// ClaimedBy is the person who took it on from a pool, or for an account that
	// nobody owns: what the enrolment says to the owner is said to them.
	ClaimedBy OwnerID `json:"claimed_by,omitempty"`
	// GoalAt is the slot at which the playbook's goal was first seen reached; zero
	// while it is not, or where there is none.
	GoalAt time.Time `json:"goal_at,omitzero"`
	// SnoozedAt and SnoozedUntil are since when and until when somebody put it off:
	// meanwhile it does nothing, and its waits stand still. With SnoozedForChange it
	// ends sooner, when what was seen changes. Zero while it is not snoozed.
	SnoozedAt        time.Time `json:"snoozed_at,omitzero"`
	SnoozedUntil     time.Time `json:"snoozed_until,omitzero"`
	SnoozedForChange bool      `json:"snoozed_for_change,omitempty"`
	SnoozedBy        string    `json:"snoozed_by,omitempty"`
	// FinishedAt, FinishedBy and Outcome say who dealt with it and what came of it.
	FinishedAt time.Time `json:"finished_at,omitzero"`
	FinishedBy string    `json:"finished_by,omitempty"`
	Outcome    string    `json:"outcome,omitempty"`
	// Unhelpful is why its card was called not useful; "" where it was not.
	Unhelpful string `json:"unhelpful,omitempty"`
	// RepliedAt is when a person at the customer first replied to a mail of its;
	// zero while none did.
	RepliedAt time.Time `json:"replied_at,omitzero"`
	// StartedBy is who began it by hand; "" where its condition did.
	StartedBy string `json:"started_by,omitempty"`
	// Rev rises with every stored change; a write on an older one is refused.
	Rev int `json:"rev"`
}
