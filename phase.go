package steward

// A Phase is where a subject stands with a playbook's condition.
type Phase string

// clear → pending → firing → clearing → clear. Only the middle three are kept
// for longer than the run that found them.
const (
	Clear    Phase = "clear"
	Pending  Phase = "pending"
	Firing   Phase = "firing"
	Clearing Phase = "clearing"
)

// A PhaseState is a subject's phase with what the next step needs to know.
type PhaseState struct {
	Playbook PlaybookName `json:"playbook"`
	Subject  Subject      `json:"subject"`
	Phase    Phase        `json:"phase"`
	// Episode is the first pending slot of this stretch: its name.
	Episode Slot `json:"episode"`
	// EpisodeDay is the last complete day that the first pending step saw (for
	// conditions without metrics, the slot's day).
	EpisodeDay Day `json:"episode_day"`
	// Since is the slot at which Phase began.
	Since Slot `json:"since"`
	// Held is for how long the verdict that moves Phase on has held, in newly
	// complete days for conditions that read daily metrics, else in days of
	// slot time. Unknown adds nothing.
	Held float64 `json:"held"`
	// Slot is the last run that stepped this state; a replay skips it.
	Slot Slot `json:"slot"`
	// Frozen is what at_open(…) was worth when the episode began, by the
	// canonical text of its argument.
	Frozen map[string]Value `json:"frozen,omitempty"`
}

// A PlaybookState is what the engine remembers of a playbook between runs.
type PlaybookState struct {
	Playbook PlaybookName `json:"playbook"`
	// Version is the hash of the text last evaluated.
	Version string `json:"version"`
	// Condition is the hash of the audience, when, for, until and clear_for last
	// evaluated with fresh sources.
	Condition string `json:"condition"`
	// Baseline is the first run of Condition: episodes that began in it are
	// quarantined when they fire.
	Baseline Slot `json:"baseline"`
	// Slot is the last run; LastDay the last complete day judged (NoDay for
	// conditions that read no daily metric).
	Slot    Slot `json:"slot"`
	LastDay Day  `json:"last_day"`
	// Occurrence is the newest moment of a rhythm that was dealt with; zero for
	// playbooks that the calendar does not open.
	Occurrence Slot `json:"occurrence,omitzero"`
	// Pilot is the hash of the pilot whose measures were frozen last, PilotSince
	// the slot at which that was.
	Pilot      string `json:"pilot,omitempty"`
	PilotSince Slot   `json:"pilot_since,omitzero"`
	// DrawnAs is the name under which holdouts are drawn: the playbook's first one,
	// so that renaming it draws nobody anew. "" means its own.
	DrawnAs PlaybookName `json:"drawn_as,omitempty"`
	// Fault says why the last run could not judge this playbook; "" when it could.
	Fault string `json:"fault,omitempty"`
}
