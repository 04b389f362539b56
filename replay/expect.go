package replay

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"steward"
	"steward/configs/strictyaml"
	"steward/series"
)

// A Road is what a scenario is lived on: the real store and the real jobs, with
// a clock that is told the time. It is used by one scenario from Begin on.
type Road interface {
	// Begin prepares an empty world for a scenario. Given.Backfill is to be
	// treated as the playbook's own backfill setting.
	Begin(ctx context.Context, given Given) error
	// Import replaces what is known: the portfolio, whose lists are complete and
	// whose Kinds are those that a source feeds, and all series up to and including
	// through, which is whole for every metric given.
	Import(ctx context.Context, p steward.Portfolio, metrics map[string]map[steward.AccountID]series.Series, through steward.Day) error
	// Live evaluates, advances and delivers as of a slot.
	Live(ctx context.Context, slot steward.Slot) error
	// Do is what a person does after the run of a slot, about one playbook.
	Do(ctx context.Context, a Action, playbook steward.PlaybookName, slot steward.Slot) error
	// Look tells all that is stored of an account.
	Look(ctx context.Context, account steward.AccountID) (Seen, error)
}

// Seen is what is stored of an account, of all playbooks.
type Seen struct {
	Phases     []steward.PhaseState
	Enrolments []steward.Enrolment
	Outreach   []SeenOutreach
	// Standing is how the account is; a Road need not know it where no test asks.
	Standing AccountStanding
}

// A SeenOutreach is an outreach with the message that carries it; the message
// is zero when none does.
type SeenOutreach struct {
	Outreach steward.Outreach
	Message  steward.Message
}

// A Result is how a scenario went.
type Result struct {
	Failures []Failure
	// Cases is each expectation in order of day, with what of it was not so.
	Cases []Case
	// Steps is how many runs were lived.
	Steps int
}

// A Case is one expectation and how it went.
type Case struct {
	// Name says what is expected of whom on which day.
	Name     string    `json:"name"`
	Line     int       `json:"line"`
	Failures []Failure `json:"failures,omitempty"`
}

// A Failure is an expectation that was not met: where it is written, what was
// looked at, what it should have been and was.
type Failure struct {
	File    string            `json:"file"`
	Line    int               `json:"line"`
	Column  int               `json:"column"`
	Day     steward.Day       `json:"day"`
	Account steward.AccountID `json:"account"`
	// What is phase, enrolment, reason, outreach, stage, health or grade.
	What string `json:"what"`
	Want string `json:"want"`
	Got  string `json:"got"`
	// Explain says why it is as it is; "" when nobody was asked.
	Explain string `json:"explain,omitempty"`
}

// String is the failure over a few lines: place, expected, got, and why.
func (f Failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s of %s on %s\n  expected: %s\n  got:      %s", f.File, f.Line, f.Column, f.What, f.Account, f.Day, f.Want, f.Got)
	if f.Explain != "" {
		for _, line := range strings.Split(strings.TrimRight(f.Explain, "\n"), "\n") {
			b.WriteString(strings.TrimRight("\n  "+line, " "))
		}
	}
	return b.String()
}

// Run lives through the scenario from the day after its first value to the
// last day that something is expected of: each day imports what is whole by
// then, lives the day's slot, compares, and then does what people do that day.
// slotOf is the slot at which the workspace evaluates on a day. explain, which
// may be nil, is asked about every expectation that is not met, and what it says
// goes with the last of its failures. The error is about the road: the scenario
// could not be lived; the result is of the days before.
func (s Scenario) Run(ctx context.Context, road Road, slotOf func(steward.Day) steward.Slot,
	explain func(ctx context.Context, e Expectation, playbook steward.PlaybookName) string) (Result, error) {
	var res Result
	if err := road.Begin(ctx, s.Given); err != nil {
		return res, fmt.Errorf("%s: prepare: %w", s.File, err)
	}
	for d := s.Given.From + 1; d <= s.lastDay(); d++ {
		if err := ctx.Err(); err != nil {
			return res, fmt.Errorf("%s: stopped on %s: %w", s.File, d, err)
		}
		slot := slotOf(d)
		if err := road.Import(ctx, s.Given.On(d), s.Given.through(d-1), d-1); err != nil {
			return res, fmt.Errorf("%s: import for %s: %w", s.File, d, err)
		}
		if err := road.Live(ctx, slot); err != nil {
			return res, fmt.Errorf("%s: run of %s: %w", s.File, d, err)
		}
		res.Steps++
		for _, e := range s.Expect {
			if e.On != d {
				continue
			}
			seen, err := road.Look(ctx, e.Account)
			if err != nil {
				return res, fmt.Errorf("%s: look at %s on %s: %w", s.File, e.Account, d, err)
			}
			failures := s.compare(e, seen, slot, slotOf(d+1))
			if n := len(failures); n > 0 && explain != nil {
				failures[n-1].Explain = explain(ctx, e, s.Given.Playbook)
			}
			res.Failures = append(res.Failures, failures...)
			res.Cases = append(res.Cases, Case{Name: e.String(), Line: e.at.Line, Failures: failures})
		}
		for _, a := range s.Do {
			if a.On != d {
				continue
			}
			if err := road.Do(ctx, a, s.Given.Playbook, slot); err != nil {
				return res, fmt.Errorf("%s: %s %s on %s: %w", s.File, a.Kind, a.Account, d, err)
			}
		}
	}
	return res, nil
}

func (s Scenario) lastDay() steward.Day {
	last := s.Given.From
	for _, e := range s.Expect {
		last = max(last, e.On)
	}
	return last
}

// through is the metrics as they stand when a day is whole. A metric without a
// value yet is there and empty: its source has spoken.
func (g Given) through(d steward.Day) map[string]map[steward.AccountID]series.Series {
	out := map[string]map[steward.AccountID]series.Series{}
	for name, byAccount := range g.Metrics {
		out[name] = map[steward.AccountID]series.Series{}
		for id, whole := range byAccount {
			if part := whole.Cut(g.From, d); !part.IsEmpty() {
				out[name][id] = part
			}
		}
	}
	return out
}

// String is the expectation in a line, such as "2026-03-14 acme: phase firing,
// enrolment active".
func (e Expectation) String() string {
	who := string(e.Account)
	for _, id := range []string{string(e.Contract), string(e.Contact), string(e.Product)} {
		if id != "" {
			who += " " + id
		}
	}
	var what []string
	for _, p := range [][2]string{{"phase", string(e.Phase)}, {"enrolment", string(e.Enrolment)}, {"reason", string(e.Reason)}} {
		if p[1] != "" {
			what = append(what, p[0]+" "+p[1])
		}
	}
	for _, o := range e.Outreach {
		what = append(what, "outreach "+o.String())
	}
	if e.Outreach != nil && len(e.Outreach) == 0 {
		what = append(what, "no outreach")
	}
	if standing := e.Standing.String(); standing != "" {
		what = append(what, standing)
	}
	return fmt.Sprintf("%s %s: %s", e.On, who, strings.Join(what, ", "))
}

// IsAbout tells whether a subject is one that is looked at.
func (e Expectation) IsAbout(subject steward.Subject) bool {
	if subject.Account != e.Account {
		return false
	}
	for kind, id := range map[steward.SubjectKind]string{steward.AboutContract: string(e.Contract), steward.AboutContact: string(e.Contact), steward.AboutProduct: string(e.Product)} {
		if id != "" {
			return subject.Kind == kind && subject.ID == id
		}
	}
	return true
}

// compare tells what of an expectation is not so.
func (s Scenario) compare(e Expectation, seen Seen, slot, next steward.Slot) []Failure {
	var out []Failure
	fail := func(what, want, got string, line, column int) {
		out = append(out, Failure{File: s.File, Line: line, Column: column, Day: e.On, Account: e.Account, What: what, Want: want, Got: got})
	}
	about := func(p steward.PlaybookName, subject steward.Subject) bool {
		return p == s.Given.Playbook && e.IsAbout(subject)
	}
	if e.Phase != "" {
		if got := agreed(phasesOf(seen.Phases, about), string(steward.Clear)); got != string(e.Phase) {
			fail("phase", string(e.Phase), got, e.phaseAt.Line, e.phaseAt.Column)
		}
	}
	if e.Enrolment != "" || e.Reason != "" {
		states, reasons := enrolmentsOf(seen.Enrolments, about)
		state, reason := agreed(states, string(NoEnrolment)), agreed(reasons, "")
		if e.Enrolment != "" && state != string(e.Enrolment) {
			got := state
			if reason != "" && e.Reason == "" {
				got += " (" + reason + ")"
			}
			fail("enrolment", string(e.Enrolment), got, e.enrolmentAt.Line, e.enrolmentAt.Column)
		}
		if e.Reason != "" && reason != string(e.Reason) {
			got := reason
			if got == "" {
				got = "no reason: the enrolment is " + state
			}
			fail("reason", string(e.Reason), got, e.reasonAt.Line, e.reasonAt.Column)
		}
	}
	if e.Outreach != nil {
		var planned []SeenOutreach
		for _, o := range seen.Outreach {
			if about(o.Outreach.Playbook, o.Outreach.Subject) && !o.Outreach.Planned.Before(slot.Time()) && o.Outreach.Planned.Before(next.Time()) {
				planned = append(planned, o)
			}
		}
		missing, extra := match(e.Outreach, planned)
		for _, o := range missing {
			fail("outreach", o.String(), describeAll(planned), o.at.Line, o.at.Column)
		}
		if len(extra) > 0 && len(missing) == 0 { // what is missing was told beside all that was planned
			want := "no more than what is listed"
			if len(e.Outreach) == 0 {
				want = "none"
			}
			fail("outreach", want, describeAll(extra), e.outreachAt.Line, e.outreachAt.Column)
		}
	}
	e.Standing.misses(seen.Standing, func(what, want, got string, at strictyaml.Pos) { fail(what, want, got, at.Line, at.Column) })
	return out
}

// bySubject is what each subject of the account has, in order of subject.
type bySubject []struct{ subject, is string }

// agreed is the one thing that all subjects have, else what each has: a test of
// an account with several contracts has to say which it means.
func agreed(of bySubject, none string) string {
	if len(of) == 0 {
		return none
	}
	for _, o := range of {
		if o.is != of[0].is {
			var parts []string
			for _, o := range of {
				parts = append(parts, o.subject+" "+o.is)
			}
			return strings.Join(parts, ", ") + " (say which with contract: …)"
		}
	}
	return of[0].is
}

func phasesOf(phases []steward.PhaseState, about func(steward.PlaybookName, steward.Subject) bool) bySubject {
	var out bySubject
	for _, p := range phases {
		if about(p.Playbook, p.Subject) {
			out = append(out, struct{ subject, is string }{p.Subject.String(), string(p.Phase)})
		}
	}
	slices.SortFunc(out, func(a, b struct{ subject, is string }) int { return strings.Compare(a.subject, b.subject) })
	return out
}

// enrolmentsOf is the newest enrolment of each subject.
func enrolmentsOf(all []steward.Enrolment, about func(steward.PlaybookName, steward.Subject) bool) (states, reasons bySubject) {
	all = slices.DeleteFunc(slices.Clone(all), func(e steward.Enrolment) bool { return !about(e.Playbook, e.Subject) })
	slices.SortStableFunc(all, func(a, b steward.Enrolment) int {
		if c := strings.Compare(a.Subject.String(), b.Subject.String()); c != 0 {
			return c
		}
		return a.OpenedAt.Compare(b.OpenedAt)
	})
	for i, e := range all {
		if i+1 < len(all) && all[i+1].Subject == e.Subject {
			continue
		}
		states = append(states, struct{ subject, is string }{e.Subject.String(), string(e.State)})
		reasons = append(reasons, struct{ subject, is string }{e.Subject.String(), string(e.Reason)})
	}
	return states, reasons
}

// match pairs what was expected with what was planned so that as many as
// possible fit (Kuhn's augmenting paths), and gives what is left on either
// side. What was suppressed when it was planned was said to nobody, so it is
// left over only silently: a test that means it says state: suppressed.
func match(want []ExpectedOutreach, got []SeenOutreach) (missing []ExpectedOutreach, extra []SeenOutreach) {
	takenBy := make([]int, len(got))
	for i := range takenBy {
		takenBy[i] = -1
	}
	var place func(w int, tried []bool) bool
	place = func(w int, tried []bool) bool {
		for g := range got {
			if tried[g] || !want[w].fits(got[g]) {
				continue
			}
			tried[g] = true
			if takenBy[g] < 0 || place(takenBy[g], tried) {
				takenBy[g] = w
				return true
			}
		}
		return false
	}
	for w := range want {
		if !place(w, make([]bool, len(got))) {
			missing = append(missing, want[w])
		}
	}
	for g := range got {
		if takenBy[g] < 0 && got[g].Outreach.Suppressed == "" {
			extra = append(extra, got[g])
		}
	}
	return missing, extra
}

func (o ExpectedOutreach) fits(s SeenOutreach) bool {
	state, reason := s.state()
	if o.State == "" && s.Outreach.Suppressed != "" ||
		o.State != "" && o.State != state ||
		o.Reason != "" && o.Reason != reason ||
		o.Step != "" && o.Step != s.Outreach.Step ||
		o.Channel != "" && o.Channel != s.Message.Channel ||
		o.To != "" && !s.isFor(o.To) {
		return false
	}
	text := squeeze(s.text())
	for _, c := range o.Contains {
		if !strings.Contains(text, squeeze(c)) {
			return false
		}
	}
	return true
}

// String is the expectation as the test file would say it.
func (o ExpectedOutreach) String() string {
	var parts []string
	for _, p := range [][2]string{{"step", o.Step}, {"to", o.To}, {"channel", string(o.Channel)}, {"state", string(o.State)}, {"reason", string(o.Reason)}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+p[1])
		}
	}
	for _, c := range o.Contains {
		parts = append(parts, fmt.Sprintf("containing %q", c))
	}
	if len(parts) == 0 {
		return "any outreach"
	}
	return strings.Join(parts, ", ")
}

func (s SeenOutreach) state() (steward.MessageState, steward.Reason) {
	if s.Outreach.Suppressed != "" {
		return steward.Suppressed, s.Outreach.Suppressed
	}
	return s.Message.State, s.Message.Reason
}

// isFor tells whether a test's word for an addressee means this outreach's. The
// message's recipient counts too: an address may have been learnt on the way.
func (s SeenOutreach) isFor(word string) bool {
	for _, r := range []steward.Recipient{s.Outreach.To, s.Message.To} {
		if slices.Contains([]string{r.Key, strings.TrimPrefix(r.Key, "role:"), string(r.Owner), string(r.Contact), r.Name, r.Slack, r.Email}, word) {
			return true
		}
	}
	return false
}

// text is all that the message says, a line for each of its parts.
func (s SeenOutreach) text() string {
	c := s.Message.Content
	if c == nil {
		return ""
	}
	lines := []string{c.Title, c.Account}
	for _, f := range c.Facts {
		lines = append(lines, f.Label+": "+f.Text)
	}
	for _, p := range c.Parts {
		lines = append(append(lines, p.Title, unescape(p.Markdown)), p.Evidence...)
		for _, f := range p.Facts {
			lines = append(lines, f.Label+": "+f.Text)
		}
	}
	return strings.Join(append(lines, c.Footer), "\n")
}

// unescape takes Markdown's backslashes out, so that a test can name a company
// as the CRM does.
func unescape(markdown string) string {
	var b strings.Builder
	for i := 0; i < len(markdown); i++ {
		if c := markdown[i]; c == '\\' && i+1 < len(markdown) && markdown[i+1] < 0x80 && (unicode.IsPunct(rune(markdown[i+1])) || unicode.IsSymbol(rune(markdown[i+1]))) {
			i++
		}
		b.WriteByte(markdown[i])
	}
	return b.String()
}

// squeeze makes blanks of all kinds one blank, and takes out the one before a
// per cent sign: 64 % and 64% say the same, and so do the narrow blanks that
// typography puts there.
func squeeze(text string) string {
	return strings.ReplaceAll(strings.Join(strings.FieldsFunc(text, unicode.IsSpace), " "), " %", "%")
}

func describeAll(of []SeenOutreach) string {
	if len(of) == 0 {
		return "none"
	}
	var parts []string
	for _, o := range of {
		parts = append(parts, o.describe())
	}
	return strings.Join(parts, "; ")
}

// describe is an outreach in one line: step, addressee, channel, state, and how
// the message begins.
func (s SeenOutreach) describe() string {
	to := s.Outreach.To.Key
	for _, who := range []string{string(s.Outreach.To.Owner), string(s.Outreach.To.Contact)} {
		if who != "" && who != to {
			to += " " + who
		}
	}
	state, reason := s.state()
	out := fmt.Sprintf("step %s, to %s", s.Outreach.Step, to)
	if s.Message.Channel != "" {
		out += ", channel " + string(s.Message.Channel)
	}
	out += ", state " + string(state)
	if reason != "" {
		out += " (" + string(reason) + ")"
	}
	if s.Message.Content == nil {
		return out + ", not worded yet"
	}
	text := []rune(squeeze(s.text()))
	if len(text) > 300 {
		text = append(text[:300], '…')
	}
	return out + fmt.Sprintf(", saying %q", string(text))
}
