// Package facts tells what is known of every subject at a slot: its fields, and
// windows over its metrics, as columns with one row per subject.
//
// It decides what a missing day means, where a window ends, and when something
// is not known; that is the whole of its business. It does not know conditions,
// playbooks, files or tables: it is handed a portfolio and series, and does no
// I/O. Playbooks (and the language inside them) ask it, jobs and replay fill it.
//
// Every window can be had in two ways, written apart from each other: a column
// for all rows at once (View.Window), fast, and one value (View.WindowAt),
// straight from the definition. Tests hold them to the same answers.
package facts

import (
	"time"

	"steward"
	"steward/series"
)

// A Metric is a daily series of every account that has it.
type Metric struct {
	Spec steward.MetricSpec
	// Through is the last day its source declares complete, and, where that is
	// "yesterday", no later than the newest day imported; NoDay when nothing has
	// been imported. Values of later days are not read.
	Through steward.Day
	// Stale tells that the source has been silent for too long (see the function
	// Stale): all windows over the metric are unknown.
	Stale  bool
	Series map[steward.AccountID]series.Series
}

// An Input is all that a frame tells about. It must not be changed while the
// frame is in use.
type Input struct {
	Slot      steward.Slot
	Zone      *time.Location
	Portfolio steward.Portfolio
	// Of is the day of which the portfolio's fields are: from then on they are as
	// they stand, before it the history is asked. The slot's own day where it is
	// zero or NoDay.
	Of      steward.Day
	Fields  []steward.FieldSpec // declared by the workspace, on accounts
	Metrics []Metric
}

// A Frame is what is known at one slot. It computes what it is asked for when
// it is first asked, and keeps it: asking again, from another playbook, costs
// nothing. So it is not safe for concurrent use; make one per goroutine.
type Frame struct {
	in      Input
	today   steward.Day
	fields  map[string]steward.Kind
	metrics map[string]*track
	tracks  []*track // in the order of in.Metrics

	rules Rules // nil: nothing follows from anything

	rows   map[steward.AccountID]int // of accounts; nil until asked
	starts []steward.Day             // of accounts; nil until asked
	views  map[steward.SubjectKind]*View

	children map[int][]int                  // account rows by their parent's; nil until asked
	dossiers map[steward.AccountID]*dossier // nil until asked, as all below
	peers    map[segmentKey][]float64
	since    map[steward.SubjectKind]steward.Day // the first day that history tells of, by kind
}

// track is a metric as a frame reads it.
type track struct {
	Metric
	end    steward.Day     // the last day that windows read at shift 0; NoDay when none
	series []series.Series // one per account row; nil until asked
	counts bool            // a missing day is zero
}

// At makes the frame of a slot. It is cheap: nothing is computed before it is
// asked for.
func At(in Input) *Frame {
	f := &Frame{
		in:      in,
		today:   in.Slot.Day(in.Zone),
		fields:  make(map[string]steward.Kind, len(in.Fields)),
		metrics: make(map[string]*track, len(in.Metrics)),
		views:   make(map[steward.SubjectKind]*View, 2),
	}
	if f.in.Of == 0 || f.in.Of == steward.NoDay {
		f.in.Of = f.today
	}
	for _, spec := range in.Fields {
		f.fields[spec.Name] = spec.Kind
	}
	for _, m := range in.Metrics {
		t := &track{Metric: m, end: min(f.today-1, m.Through), counts: m.Spec.Kind == steward.Count}
		f.metrics[m.Spec.Name] = t
		f.tracks = append(f.tracks, t)
	}
	return f
}

// Slot is the slot the frame is of.
func (f *Frame) Slot() steward.Slot { return f.in.Slot }

// Zone is the workspace's zone, whose days all windows and dates are.
func (f *Frame) Zone() *time.Location { return f.in.Zone }

// Follow makes the frame ask rules for what follows from its facts. It is
// called before anything else is asked of the frame.
func (f *Frame) Follow(r Rules) { f.rules = r }

// Portfolio is what the frame was made from; never write to it.
func (f *Frame) Portfolio() *steward.Portfolio { return &f.in.Portfolio }

// MetricInfo is what a frame knows of a metric as a whole.
type MetricInfo struct {
	Spec steward.MetricSpec
	// End is the last day that windows read: the day before the slot's or the
	// last complete day, whichever is earlier; NoDay when nothing was imported.
	End   steward.Day
	Stale bool
}

// Metric tells of a declared metric, and whether there is one of that name.
func (f *Frame) Metric(name string) (MetricInfo, bool) {
	t, ok := f.metrics[name]
	if !ok {
		return MetricInfo{End: steward.NoDay}, false
	}
	return MetricInfo{Spec: t.Spec, End: t.end, Stale: t.Stale}, true
}

// View is the frame's subjects of one kind as rows; the same View each time. A
// kind without subjects gives an empty View.
func (f *Frame) View(kind steward.SubjectKind) *View {
	v, ok := f.views[kind]
	if !ok {
		v = newView(f, kind)
		f.views[kind] = v
	}
	return v
}

// Stale tells whether a source's last complete day ended more than freshWithin
// before the slot. The day ends at the midnight after it, in the workspace's
// zone. A freshWithin of 0 asks for no freshness; a source that never declared
// a day is always stale.
func Stale(slot steward.Slot, zone *time.Location, through steward.Day, freshWithin time.Duration) bool {
	if through == steward.NoDay {
		return true
	}
	if freshWithin <= 0 {
		return false
	}
	return slot.Time().Sub((through + 1).Start(zone)) > freshWithin
}

// accountRow is the row of an account.
func (f *Frame) accountRow(id steward.AccountID) (int, bool) {
	if f.rows == nil {
		f.rows = make(map[steward.AccountID]int, len(f.in.Portfolio.Accounts))
		for i := range f.in.Portfolio.Accounts {
			f.rows[f.in.Portfolio.Accounts[i].ID] = i
		}
	}
	row, ok := f.rows[id]
	return row, ok
}

// seriesOf gathers a metric's series by account row, so that no window has to
// look anything up.
func (f *Frame) seriesOf(t *track) []series.Series {
	if t.series == nil {
		t.series = make([]series.Series, len(f.in.Portfolio.Accounts))
		for i := range f.in.Portfolio.Accounts {
			t.series[i] = t.Series[f.in.Portfolio.Accounts[i].ID]
		}
	}
	return t.series
}

// startsOf is the first day of every account by row: its start date, or else
// its first observation in any metric, or else NoDay. Days before it are not
// read, not even where a series has some.
func (f *Frame) startsOf() []steward.Day {
	if f.starts != nil {
		return f.starts
	}
	accounts := f.in.Portfolio.Accounts
	f.starts = make([]steward.Day, len(accounts))
	for i := range accounts {
		f.starts[i] = accounts[i].StartDate
	}
	for _, t := range f.tracks {
		for i, s := range f.seriesOf(t) {
			if accounts[i].StartDate != steward.NoDay || s.IsEmpty() {
				continue
			}
			if f.starts[i] == steward.NoDay || s.Start < f.starts[i] {
				f.starts[i] = s.Start
			}
		}
	}
	return f.starts
}
