package steward

import "time"

// A Standing is what the engine remembers of what is going on.
type Standing struct {
	Phases    []PhaseState
	Open      []Enrolment
	Playbooks []PlaybookState
	Pause     Pause
	// Afoot is, by account, the playbooks that have an enrolment open, held ones
	// aside, or that fire. It is nil where Phases and Open are all there are, and
	// say it themselves.
	Afoot map[AccountID][]PlaybookName
	// Silences are those that nobody ended, also where their time is over.
	Silences []Silence
}

// A Due names a message to hand to the queue, in the epoch it is in.
type Due struct {
	ID      MessageID
	Epoch   int
	Channel Channel
	// Task is what carries it, once it is in the queue.
	Task string
}

// A Settlement is what became of one attempt to deliver a message.
type Settlement struct {
	// State is a settled state, or Deferred for another try at Due.
	State  MessageState
	Reason Reason
	Detail string
	// Ref is how the provider names what it accepted.
	Ref string
	Due time.Time
	// Started is when the provider was called.
	Started time.Time
	// Free tells an attempt that does not count against the limit, as when the
	// provider asked to be left alone for a while.
	Free bool
	// Doubt tells an attempt after which the message may have been delivered,
	// whatever State says is to be done about it.
	Doubt bool
}
