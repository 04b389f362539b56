package steward

import "time"

// A Reason is the named outcome of a decision. Reasons are stored, counted,
// logged and shown, so the question "why did this happen, or not?" always has
// an answer. Their text is the form in which they are stored: never rename one.
type Reason string

// Why something was done, ended or not done.
const (
	// Openings.
	ReasonOpened        Reason = "opened"
	ReasonBaseline      Reason = "baseline"     // held at the first run of a condition
	ReasonBlastRadius   Reason = "blast_radius" // more than max_new openings in one run
	ReasonCoolingDown   Reason = "cooling_down" // the last enrolment ended too recently
	ReasonNoReentry     Reason = "no_reentry"   // reentry: never
	ReasonNotInAudience Reason = "not_in_audience"
	ReasonReleased      Reason = "released"
	ReasonNotInPilot    Reason = "not_in_pilot" // a pilot runs, and the subject is not in it
	ReasonStillOpen     Reason = "still_open"   // a rhythm came round while its last enrolment is open

	// Exits of enrolments.
	ReasonRecovered         Reason = "recovered"
	ReasonExitWhen          Reason = "exit_when"
	ReasonCompleted         Reason = "completed"
	ReasonQuarantineExpired Reason = "quarantine_expired"
	ReasonPlaybookRemoved   Reason = "playbook_removed"
	ReasonSubjectGone       Reason = "subject_gone"

	// Goals.
	ReasonGoalReached Reason = "goal_reached"

	// Steps.
	ReasonIfFalse   Reason = "if_false"
	ReasonLate      Reason = "late" // a pinned date had passed and if_late says skip
	ReasonNoAddress Reason = "no_addressee"
	ReasonUnless    Reason = "unless" // a wait ended early
	ReasonTaskDone  Reason = "task_done"

	// Owners.
	ReasonHandedOver Reason = "handed_over" // what was not sent yet went to another owner
	ReasonClaimed    Reason = "claimed"     // a person took it on from a pool

	// Gates, in their fixed order; see Gate.
	ReasonNotInPortfolio   Reason = "not_in_portfolio"
	ReasonPlaybookDisabled Reason = "playbook_disabled"
	ReasonOptedOut         Reason = "opted_out"
	ReasonNoCustomerMail   Reason = "no_customer_mail"
	ReasonEpisodeOver      Reason = "episode_over"
	ReasonHoldout          Reason = "holdout"
	ReasonShadow           Reason = "shadow"        // mode: shadow
	ReasonInternalMode     Reason = "internal_mode" // mode: internal, and it is for a customer
	ReasonExpired          Reason = "expired"
	ReasonPaused           Reason = "paused"
	ReasonClearing         Reason = "clearing"
	ReasonPurposeHold      Reason = "purpose_hold" // the workspace's hold
	ReasonInhibited        Reason = "inhibited"    // inhibited_by
	ReasonUnknownAtSend    Reason = "unknown_at_send"
	ReasonOutsideHours     Reason = "outside_hours" // evening, weekend or holiday where it would arrive
	ReasonTouchedLately    Reason = "touched_lately"
	ReasonCapped           Reason = "capped" // a limit on what one person, or one account, is sent
	ReasonSilenced         Reason = "silenced"
	ReasonSnoozed          Reason = "snoozed"
	ReasonRate             Reason = "rate"           // more at a time than the channel should be given
	ReasonNameMissing      Reason = "name_missing"   // the mail greets somebody whose first name is not known
	ReasonAway             Reason = "recipient_away" // an out-of-office notice says so

	// Digests.
	ReasonInDigest Reason = "in_digest" // a digest says it in place of a card
	ReasonInfo     Reason = "info"      // severity: info is said in digests only
	ReasonBacklog  Reason = "backlog"   // what came together over days off

	// What people did.
	ReasonTaken     Reason = "taken"
	ReasonFinished  Reason = "finished"
	ReasonNotUseful Reason = "not_useful"
	ReasonByHand    Reason = "by_hand" // started, skipped or stopped by a person
	ReasonRewritten Reason = "rewritten"
	ReasonTouchSeen Reason = "touch_seen" // somebody spoke with the account, which counts as taking it on
	ReasonReplied   Reason = "replied"
	ReasonBounced   Reason = "bounced"

	// Deliveries.
	ReasonDelivered     Reason = "delivered"
	ReasonAwaiting      Reason = "awaiting_approval"
	ReasonOwnerUntold   Reason = "owner_not_told" // the owner has yet to hear of it
	ReasonApproved      Reason = "approved"
	ReasonDeclined      Reason = "declined"
	ReasonRetry         Reason = "retry"           // the provider could not take it now
	ReasonRefused       Reason = "refused"         // the provider will never take it
	ReasonOutcomeLost   Reason = "outcome_unknown" // the call was made, its outcome never learnt
	ReasonGaveUp        Reason = "attempts_used_up"
	ReasonNotConfigured Reason = "channel_not_configured"
	ReasonChannelDown   Reason = "channel_down"       // the provider does not answer; the whole channel waits
	ReasonThrottled     Reason = "provider_asks_wait" // the provider asked to be left alone for a while
	ReasonCompose       Reason = "could_not_compose"
)

// StopsExpiry tells the reasons for which a message waits without growing old: a
// person asked for it to wait, and what is still so then is said then.
func (r Reason) StopsExpiry() bool { return r == ReasonSilenced || r == ReasonSnoozed }

// Effect is what a gate's decision does to an outreach.
type Effect string

// Pass lets it through; Suppress ends it; Defer keeps it until the gate may
// have changed.
const (
	Pass     Effect = "pass"
	Suppress Effect = "suppress"
	Defer    Effect = "defer"
)

// A Decision is what was decided about one thing at one moment, and why. The
// zero Decision passes.
type Decision struct {
	Effect Effect `json:"effect"`
	Reason Reason `json:"reason,omitempty"`
	// Detail is a sentence with the facts of the case, for people.
	Detail string `json:"detail,omitempty"`
	// Until is when a deferring gate may have changed; zero when nobody knows.
	Until time.Time `json:"until,omitzero"`
}

// Passes tells whether the way is free.
func (d Decision) Passes() bool { return d.Effect == Pass || d.Effect == "" }

// A Record is a decision kept: what it was about, and the slot it was made at.
type Record struct {
	At        Slot         `json:"at"`
	Playbook  PlaybookName `json:"playbook,omitempty"`
	Subject   Subject      `json:"subject"`
	Enrolment EnrolmentID  `json:"enrolment,omitempty"`
	Outreach  OutreachID   `json:"outreach,omitempty"`
	Message   MessageID    `json:"message,omitempty"`
	Step      string       `json:"step,omitempty"`
	Decision
}
