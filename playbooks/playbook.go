package playbooks

import (
	"time"

	"steward"
	"steward/playbooks/lang"
)

// PlaybookKind says what opens and what ends an enrolment.
type PlaybookKind string

// A signal is opened by its condition and ended by recovery; a process is
// opened by its condition and ended only by exit_when or its last step; a rhythm
// is opened by the calendar, and ends as a process does.
const (
	Signal  PlaybookKind = "signal"
	Process PlaybookKind = "process"
	Rhythm  PlaybookKind = "rhythm"
)

// Severity says how loud a nudge is.
type Severity string

// The severities, quietest first.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Reentry says whether a subject may pass through a playbook again.
type Reentry string

// OnNewEpisode lets each episode open once; Never lets one episode ever.
const (
	OnNewEpisode Reentry = "on_new_episode"
	Never        Reentry = "never"
)

// A Playbook is one declared play: when it opens, for whom, and its steps.
type Playbook struct {
	Name    steward.PlaybookName
	File    string
	Line    int
	Title   string
	Why     string
	Kind    PlaybookKind
	About   steward.SubjectKind
	Stage   string
	Purpose string
	Enabled bool

	// Was is the name that the playbook had before it was renamed; "" for none.
	Was steward.PlaybookName
	// Every is when a rhythm comes round; zero for the other kinds.
	Every Cadence
	Mode  Mode
	// InhibitedBy is the playbooks that this one gives way to.
	InhibitedBy []steward.PlaybookName
	Goal        Goal
	Pilot       Pilot

	// Audience and Until may be nil; When never is, and a rhythm's always holds.
	Audience, When, Until *lang.Expr
	// For and ClearFor are in days: newly complete ones where the condition
	// reads daily metrics, else of slot time.
	For, ClearFor float64
	// ExitWhen ends an enrolment whatever its step; nil when absent.
	ExitWhen *lang.Expr

	// DoneWithin is how long whoever took it on has before they are reminded; zero
	// for no reminder.
	DoneWithin Wait

	// OnReply is what a reply to a mail does.
	OnReply OnReply

	Severity Severity
	Priority *lang.Expr // nil: all alike
	Cooldown time.Duration
	Reentry  Reentry
	Holdout  float64 // share of top parents, 0 to 1
	MaxNew   MaxNew
	Backfill bool

	Steps []Step

	// Version is the hash of Text, the YAML document as written; Condition that
	// of what decides who fires, formatting aside.
	Version   string
	Condition string
	Text      string
}

// MaxNew is how many enrolments one run may open before the rest are held: a
// share of the audience but at least Floor, or exactly Count where it is set.
type MaxNew struct {
	Share float64
	Floor int
	Count int
}

// defaultMaxNew holds the excess over 5 % of the audience, and never fewer
// than ten openings.
var defaultMaxNew = MaxNew{Share: 0.05, Floor: 10}

// Of is the limit for an audience of n subjects.
func (m MaxNew) Of(n int) int {
	if m.Count > 0 {
		return m.Count
	}
	return max(m.Floor, int(m.Share*float64(n)))
}

// DailyMetrics tells whether the condition steps with newly complete days
// rather than with slot time.
func (p *Playbook) DailyMetrics() bool { return len(p.ConditionMetrics()) > 0 }

// ConditionMetrics is the metrics that decide the phase.
func (p *Playbook) ConditionMetrics() []string {
	var out []string
	seen := map[string]bool{}
	for _, e := range []*lang.Expr{p.Audience, p.When, p.Until} {
		if e == nil {
			continue
		}
		for _, m := range e.Metrics() {
			if !seen[m] {
				seen[m] = true
				out = append(out, m)
			}
		}
	}
	return out
}

// expressions is every expression of the playbook, for what they read.
func (p *Playbook) expressions() []*lang.Expr {
	out := []*lang.Expr{p.Audience, p.When, p.Until, p.ExitWhen, p.Priority, p.Goal.Reach, p.Pilot.Only, p.Pilot.Measure}
	for _, s := range p.Steps {
		out = append(out, s.If, s.Unless, s.At)
	}
	return out
}

// frozen is the expressions whose at_open values an episode keeps.
func (p *Playbook) freezing() []*lang.Expr {
	var out []*lang.Expr
	for _, e := range p.expressions() {
		if e != nil && len(e.Frozen()) > 0 {
			out = append(out, e)
		}
	}
	return out
}

// A Step is one thing an enrolment does: wait, or say something to someone.
type Step struct {
	// ID names a sending step; outreach is remembered by it.
	ID   string
	Line int
	// Wait is set on waiting steps.
	Wait Wait
	// Slack names owner, manager or a #channel; Email the roles to try in order.
	Slack string
	Email []string
	// Topic is of which kind the mail of an email step is: the playbook's purpose.
	Topic steward.Topic
	// Task names owner or manager, who gets something to do, and Due how long they
	// have; zero for no day.
	Task string
	Due  Wait
	// Webhook is the system that is told.
	Webhook string
	Wording string
	// If skips the step unless it holds and keeps it waiting while unknown;
	// Unless ends a wait early, or skips a sending step. At pins the step to a
	// date. All may be nil.
	If, Unless, At *lang.Expr
	IfLate         Lateness
	Expires        time.Duration
	Approve        Approval
	// ContinueOnRecovery keeps the enrolment going though its episode ended.
	ContinueOnRecovery bool
	// RetryUncertain calls the provider again after an outcome that was lost.
	RetryUncertain bool
	// Remind is how long after one time the step is said again, up to Max times in
	// all; zero for a step that is said once.
	Remind Wait
	Max    int
	// Buttons is what can be done with its card, by name; nil for the usual.
	Buttons []string
}

// Sends tells a step that says something from one that waits.
func (s Step) Sends() bool {
	return s.Slack != "" || s.Task != "" || len(s.Email) > 0 || s.Webhook != ""
}

// Lateness says what a pinned step does when its date had passed before the
// enrolment reached it.
type Lateness string

// LateSkip leaves the step out, LateNow does it at once.
const (
	LateSkip Lateness = "skip"
	LateNow  Lateness = "now"
)

// Approval says who lets a mail go.
type Approval struct {
	// By is owner, manager, or "" for nobody.
	By string
	// Veto is how long anybody has to stop it before it goes by itself.
	Veto time.Duration
	// Unattended tells a mail that waits for nobody: its owner is told before it
	// goes, and can stop it.
	Unattended bool
}

// toldBefore is how long before an unattended mail its owner is told: nobody should
// hear of it from their customer.
const toldBefore = time.Hour

// Needed tells whether the mail waits for somebody.
func (a Approval) Needed() bool { return a.By != "" }

// DefaultExpiry is how long a message stays worth sending where the step does
// not say: a nudge a week old is about a different account.
const DefaultExpiry = 7 * 24 * time.Hour

// QuarantineFor is how long a quarantined opening waits for ops.
const QuarantineFor = 14 * 24 * time.Hour

// quarantineNotice is how long before that ops is reminded.
const quarantineNotice = 3 * 24 * time.Hour
