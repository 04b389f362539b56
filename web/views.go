package web

import (
	"context"
	"errors"

	"steward"
)

// Pages is what pages show, and does what people do on them. Everything in the
// views is text for people as it is to be read: web escapes it, and adds nothing
// to it. ErrNoSuchAccount says that an account is not known.
type Pages interface {
	Start(ctx context.Context, v Visitor, search, owner string) (StartView, error)
	Account(ctx context.Context, v Visitor, id steward.AccountID, q TimelineQuery) (AccountView, error)
	Queue(ctx context.Context, v Visitor) (QueueView, error)
	// Act does what a visitor asks for. A visitor of one account does nothing about
	// another.
	Act(ctx context.Context, v Visitor, g steward.Gesture) (steward.Answer, error)
}

// ErrNoSuchAccount is a Pages' answer to an id that it does not know.
var ErrNoSuchAccount = errors.New("no such account")

// A Tone is how good or bad something is. It is shown as a colour and never by
// colour alone.
type Tone string

// The tones; "" is neither.
const (
	Good  Tone = "good"
	Warn  Tone = "warn"
	Bad   Tone = "bad"
	Quiet Tone = "quiet"
)

// A Chip is a word or two that can be seen from afar.
type Chip struct {
	Text string
	Tone Tone
}

// A Field is a label, what stands under it, and a few words more.
type Field struct {
	Label, Text, More string
	Tone              Tone
}

// A StartView is where people begin: a search, the queue in numbers, and who
// looks after how many accounts.
type StartView struct {
	Search  string
	Owner   string // whose accounts are listed, by name; "" for all
	Listed  []AccountRow
	Total   int // that were found; Listed may be fewer
	Waiting int // mails that wait for approval
	Held    int // openings that are held
	Owners  []OwnerRow
	AsOf    string
}

// An AccountRow is an account in a list.
type AccountRow struct {
	ID                       steward.AccountID
	Name, Owner, ARR, Renews string
	Stage                    string
	Health                   Chip
}

// An OwnerRow is one of us, and how many accounts they look after.
type OwnerRow struct {
	ID       steward.OwnerID
	Name     string
	Accounts int
}

// A TimelineQuery says which part of what happened is shown.
type TimelineQuery struct {
	Kind TimelineKind // "" for all
	From int          // how many of the newest are left out
}

// A TimelineKind is what an entry is about.
type TimelineKind string

// The kinds of entry.
const (
	KindSaid    TimelineKind = "said"    // what was sent, or is on its way
	KindDecided TimelineKind = "decided" // what was decided, also not to do
	KindPeople  TimelineKind = "people"  // what people did
	KindBack    TimelineKind = "back"    // what came back by mail
)

// An AccountView is all there is to see of one account.
type AccountView struct {
	ID      steward.AccountID
	Name    string
	Segment string
	Facts   []Field
	CRM     string // the address of the account in the CRM; "" for none
	AsOf    string
	Notices []string
	Waiting []MailView

	Health  HealthView
	Metrics []MetricView
	Journey JourneyView
	People  []PersonView
	// NoTouches tells that no source tells when people were spoken to.
	NoTouches bool
	Playbooks []PlaybookView
	Tasks     []TaskView
	Silences  []SilenceView
	Aims      []AimView
	Timeline  TimelineView
}

// A HealthView is the health of an account and how it came about.
type HealthView struct {
	Score, Grade string // "55", "yellow"; "" where it is not known
	Tone         Tone
	Sentence     string // what moved it, or why it is not known
	Override     string // whose word stands in place of the score
	Plot         HealthPlot
	Parts        []HealthPartView
}

// A HealthPartView is one part of a score.
type HealthPartView struct {
	Name, Score, Weight string
	Why                 string // where it is not known
	Plot                LinePlot
}

// A MetricView is a metric over half a year.
type MetricView struct {
	Name, Unit  string
	Now, Before string // the last week, and the four weeks before it
	Note        string // stale, or nothing imported
	By          []steward.PlaybookName
	Health      bool
	Plot        BarPlot
}

// A JourneyView is where an account is on its way.
type JourneyView struct {
	Sentence   string
	Stages     []StageView
	Milestones []MilestoneView
	Overlays   []Chip
}

// A StageView is one stage of the journey.
type StageView struct {
	Name, Since string
	Now         bool
}

// A MilestoneView is a milestone, and whether it was reached.
type MilestoneView struct {
	Name, Text string
	Tone       Tone
}

// A PersonView is somebody at the customer.
type PersonView struct {
	Name, Email, Touch, Seen string
	Roles                    []string
	Flags                    []Chip
}

// A PlaybookView is where an account stands with a playbook, and why.
type PlaybookView struct {
	Name, Title string
	Sentence    string
	State       Chip
	// Active tells that something goes on; the others are listed last.
	Active bool
	Notes  []string
	Next   string // what would be said next, and to whom
	// Gates is what stands before it, in order; Opening what stands before an
	// enrolment.
	Gates, Opening []CheckView
}

// A CheckView is one thing to be passed.
type CheckView struct {
	Name, Text string
	Tone       Tone
}

// A TaskView is something for one of us to do.
type TaskView struct {
	Title, Who, Due string
	State           Chip
	Text            string // what came of it
}

// A SilenceView is something that is not to be said for a while.
type SilenceView struct{ What, Until, Why string }

// An AimView is an objective of the customer.
type AimView struct {
	Name, Text string
	// Done is 0 to 100; Known tells whether it is.
	Done  int
	Known bool
}

// A TimelineView is what happened, newest first.
type TimelineView struct {
	Query TimelineQuery
	Days  []TimelineDay
	// Total is how many entries there are of this kind, More that older ones are
	// kept and not counted.
	Total, Shown int
	More         bool
}

// A TimelineDay is a day's entries.
type TimelineDay struct {
	Day     string
	Entries []TimelineEntry
}

// A TimelineEntry is one thing that happened.
type TimelineEntry struct {
	Time  string
	Kind  TimelineKind
	Label Chip
	Text  string
	About string // the playbook and the step
	Times int    // how often in a row, where more than once
	// Title and Body are what was said.
	Title, Body string
}

// A MailView is a mail that waits for approval.
type MailView struct {
	Message     steward.MessageID
	Version     int
	Account     steward.AccountID
	AccountName string
	Playbook    string
	From, To    string
	Subject     string
	Body        string
	Why         []string
	Who         string // who may approve it
	Expires     string
	Veto        string // when it goes unless somebody stops it; "" where it waits
	// May tells that this visitor may decide.
	May bool
}

// A QueueView is what waits for a person.
type QueueView struct {
	Mails      []MailView
	TotalMails int
	Held       []HeldView
	Notices    []string
}

// A HeldView is the openings of one playbook that are held.
type HeldView struct {
	Playbook steward.PlaybookName
	Title    string
	Count    int
	Why      string
	Expires  string
	Some     []HeldOne
}

// A HeldOne is one of them.
type HeldOne struct {
	Enrolment steward.EnrolmentID
	Account   steward.AccountID
	Name      string
	Evidence  string
	Since     string
}
