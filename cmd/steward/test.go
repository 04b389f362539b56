package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"steward"
	"steward/configs"
	"steward/jobs"
	"steward/playbooks"
	"steward/replay"
	"steward/series"
	"steward/store"
)

type testOptions struct {
	app   *app
	only  []string
	run   string
	junit string
}

func testCommand(a *app) *cobra.Command {
	o := &testOptions{app: a}
	c := &cobra.Command{
		Use:   "test [NAME …]",
		Short: "Run the playbooks' tests on a clock of their own",
		Long: `Lives through every tests/*.test.yaml day by day: a database of its own, the
real import, evaluation and delivery, and nobody is told anything. NAME narrows
to test files whose name holds it, --run to those whose path matches.

What is not as expected is told with what was seen, and with what steward explain
says of that account on that day.

Exit codes: 0 all as expected, 1 could not run, 2 wrong usage, 3 something was
not as expected.`,
		RunE: func(c *cobra.Command, args []string) error {
			o.only = args
			return o.test(c.Context())
		},
	}
	c.Flags().StringVar(&o.run, "run", "", "only test files whose path matches this regular expression")
	c.Flags().StringVar(&o.junit, "junit", "", "also write the results to this file as JUnit XML, for CI")
	return c
}

// testResult is how one file went.
type testResult struct {
	File     string           `json:"file"`
	Playbook string           `json:"playbook"`
	Days     int              `json:"days"`
	Cases    []replay.Case    `json:"cases"`
	Failures []replay.Failure `json:"failures"`
	// Error says why the file could not be lived to its end; "" when it was.
	Error string `json:"error,omitempty"`
	took  time.Duration
}

func (o *testOptions) test(ctx context.Context) error {
	run, err := regexp.Compile(o.run)
	if err != nil {
		return usagef("--run %q is not a regular expression: %v", o.run, err)
	}
	ws, book, problems, err := o.app.load()
	if err != nil {
		return err
	}
	if errs := problems.Errors(); len(errs) > 0 {
		return errs
	}
	schema := replay.Schema{Fields: ws.Fields, Metrics: ws.Metrics}
	knowPlaybooks(&schema, book)
	scenarios, problems := replay.LoadScenarios(configs.Files(ws.Dir), ws.Tests, schema)
	if len(problems.Errors()) > 0 {
		return problems
	}
	scenarios = slices.DeleteFunc(scenarios, func(s replay.Scenario) bool { return !o.wanted(s.File) || !run.MatchString(s.File) })
	results, broken := o.live(ctx, ws, book, scenarios)
	if ctx.Err() != nil {
		return broken
	}
	if o.junit != "" {
		if err := writeJUnit(o.junit, results, o.app.now()); err != nil {
			return err
		}
	}
	if o.app.json {
		if err := o.app.printJSON(results); err != nil {
			return err
		}
	} else if len(results) == 0 {
		o.app.noTests(ws, o.run != "" || len(o.only) > 0)
	}
	switch {
	case broken != nil:
		return broken
	case slices.ContainsFunc(results, func(r testResult) bool { return len(r.Failures) > 0 }):
		return errFindings
	}
	return nil
}

// live lives through the scenarios, each in a world of its own. One that cannot
// be lived keeps no other from it; the error is of the first.
func (o *testOptions) live(ctx context.Context, ws *configs.Workspace, book *playbooks.Book, scenarios []replay.Scenario) (results []testResult, broken error) {
	results = []testResult{}
	for _, s := range scenarios {
		began := o.app.now()
		res, err := runScenario(ctx, ws, book, s)
		r := testResult{File: s.File, Playbook: string(s.Given.Playbook), Days: res.Steps, Cases: res.Cases, Failures: res.Failures, took: o.app.now().Sub(began)}
		if err != nil {
			r.Error = err.Error()
			if broken == nil {
				broken = err
			}
		}
		results = append(results, r)
		if ctx.Err() != nil {
			return results, broken
		}
		if !o.app.json {
			o.app.printTestResult(r)
		}
	}
	return results, broken
}

func (a *app) noTests(ws *configs.Workspace, narrowed bool) {
	if narrowed {
		fmt.Fprintf(a.stderr, "No test in %s has such a name.\n", ws.Tests)
		return
	}
	fmt.Fprintf(a.stderr, "No tests in %s. A test is a file such as %s/login-drop.test.yaml; steward init writes some.\n", ws.Tests, ws.Tests)
}

func (o *testOptions) wanted(file string) bool {
	if len(o.only) == 0 {
		return true
	}
	for _, name := range o.only {
		if strings.Contains(file, name) {
			return true
		}
	}
	return false
}

func (a *app) printTestResult(r testResult) {
	switch {
	case len(r.Failures) > 0:
		fmt.Fprintf(a.stderr, "%s %s  %s\n", a.paint("31", "FAIL"), r.File, count(len(r.Failures), "expectation")+" not met")
		for _, f := range r.Failures {
			fmt.Fprintln(a.stderr, f.String())
		}
	case r.Error != "": // told at the end
	default:
		fmt.Fprintf(a.stderr, "%s   %s  %s\n", a.paint("32", "ok"), r.File, a.dim(count(r.Days, "day")))
	}
}

func runScenario(ctx context.Context, ws *configs.Workspace, book *playbooks.Book, s replay.Scenario) (replay.Result, error) {
	road := &testRoad{ws: ws, book: book}
	defer road.end()
	slot := func(d steward.Day) steward.Slot {
		at, err := slotOn(ws, d)
		if err != nil {
			return steward.SlotAt(d.Start(ws.Zone)) // cannot be: load parsed the schedule
		}
		return at
	}
	return s.Run(ctx, road, slot, road.explain)
}

// testRoad is the real store and jobs in a folder of their own.
type testRoad struct {
	ws     *configs.Workspace
	book   *playbooks.Book
	dir    string
	db     *store.DB
	engine *jobs.Engine
	clock  fakeClock
}

var _ replay.Road = (*testRoad)(nil)

func (r *testRoad) Begin(ctx context.Context, given replay.Given) error {
	r.end()
	dir, err := os.MkdirTemp("", "steward-test-")
	if err != nil {
		return fmt.Errorf("make a folder for the test's database: %w", err)
	}
	r.dir = dir
	if r.db, err = store.Open(ctx, filepath.Join(dir, "test.db"), store.Options{}); err != nil {
		return err
	}
	r.book = withAway(withBackfill(r.book, given.Playbook, given.Backfill), given.Away)
	r.engine = &jobs.Engine{Ledger: ledger{r.db}, Sender: nowhere{}, Book: func() *playbooks.Book { return r.book }, Now: r.clock.now, Log: discardLog()}
	return nil
}

func (r *testRoad) end() {
	if r.db != nil {
		r.db.Close()
	}
	if r.dir != "" {
		os.RemoveAll(r.dir)
	}
	r.db, r.dir = nil, ""
}

// given is the source that scenarios import as.
const given = "test"

func (r *testRoad) Import(ctx context.Context, p steward.Portfolio, metrics map[string]map[steward.AccountID]series.Series, through steward.Day) error {
	b := store.Batch{
		Source: given, At: (through + 1).Start(r.ws.Zone), Accounts: p.Accounts, Contracts: p.Contracts, Contacts: p.Contacts, Touches: p.Touches,
		Products: p.Products, Tickets: p.Tickets, Surveys: p.Surveys, Objectives: p.Objectives, Milestones: p.Milestones,
		Kinds: slices.Sorted(maps.Keys(p.Kinds)), Full: true, Accept: store.SwingKinds(), // a scenario means what it says
		Series: map[store.SeriesKey]series.Series{}, CompleteThrough: through, NewestDay: through,
	}
	for name, of := range metrics {
		b.Metrics = append(b.Metrics, name)
		for id, s := range of {
			b.Series[store.SeriesKey{Account: id, Metric: name}] = s
		}
	}
	b.AccountFields = accountFields(r.ws)
	if _, err := r.db.Import(ctx, b); err != nil {
		return err
	}
	return r.say(ctx, p.Accounts, through+1)
}

// say has somebody say the pulse of accounts, which no source brings, where it is
// another than it was.
func (r *testRoad) say(ctx context.Context, accounts []steward.Account, day steward.Day) error {
	before, err := r.db.Portfolio(ctx)
	if err != nil {
		return err
	}
	was := map[steward.AccountID]steward.Value{}
	for _, a := range before.Accounts {
		was[a.ID] = a.Pulse
	}
	var changes []steward.Change
	at := day.Start(r.ws.Zone)
	for _, a := range accounts {
		if a.Pulse.Known && a.Pulse != was[a.ID] {
			changes = append(changes, steward.Change{Account: a.ID, Words: []steward.Word{{Kind: steward.AboutAccount, ID: string(a.ID), Account: a.ID, Field: steward.PulseField, Value: a.Pulse, Day: day, By: somebody, At: at}}})
		}
	}
	if len(changes) == 0 {
		return nil
	}
	_, err = r.db.Commit(ctx, steward.Run{}, changes, at)
	return err
}

func (r *testRoad) Live(ctx context.Context, slot steward.Slot) error {
	r.clock.set(slot.Time())
	if _, err := r.engine.Evaluate(ctx, slot); err != nil {
		return err
	}
	if err := deliverDue(ctx, r.engine, r.db, r.clock.now); err != nil {
		return err
	}
	for _, at := range laterThatDay(r.ws, r.book, slot) {
		r.clock.set(at)
		if err := deliverDue(ctx, r.engine, r.db, r.clock.now); err != nil {
			return err
		}
	}
	return nil
}

// somebody is who does what a scenario names nobody for.
const somebody = "the test"

func (r *testRoad) Do(ctx context.Context, a replay.Action, playbook steward.PlaybookName, slot steward.Slot) error {
	at := r.clock.now() // the day's hours have begun, and time does not go back
	by := string(a.By)
	if by == "" {
		by = somebody
	}
	switch a.Kind {
	case replay.DoRelease:
		_, err := r.db.Release(ctx, store.ReleaseFilter{Playbook: playbook, Account: a.Account}, at)
		return err
	case replay.DoAck, replay.DoClaim:
		return r.take(ctx, a, playbook, by, at)
	case replay.DoApprove, replay.DoDecline:
		return r.rule(ctx, a, by, at)
	case replay.DoDone:
		return r.finish(ctx, a, playbook, by, at)
	case replay.DoOverride:
		return r.db.Override(ctx, steward.HealthOverride{Account: a.Account, Health: a.Health, From: slot.Day(r.ws.Zone), Until: a.Until, Because: a.Because, By: by, At: at})
	}
	return fmt.Errorf("nobody knows how to %s", a.Kind)
}

// take takes on what is open of the playbook for the account, or claims it.
func (r *testRoad) take(ctx context.Context, a replay.Action, playbook steward.PlaybookName, by string, at time.Time) error {
	open, err := r.db.Enrolments(ctx, store.EnrolmentFilter{Account: a.Account, Playbook: playbook, Open: true})
	if err != nil {
		return err
	}
	if len(open) == 0 {
		return fmt.Errorf("nothing of %s is open for %s that could be taken on", playbook, a.Account)
	}
	for _, e := range open {
		if a.Kind == replay.DoClaim {
			err = r.db.TakeOver(ctx, []steward.EnrolmentID{e.ID}, a.By, at)
		} else {
			err = r.db.Ack(ctx, e.ID, by, at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rule approves or declines the mail that waits.
func (r *testRoad) rule(ctx context.Context, a replay.Action, by string, at time.Time) error {
	waiting, _, err := r.db.Messages(ctx, store.MessageFilter{Account: a.Account, State: steward.AwaitingApproval})
	if err != nil {
		return err
	}
	if len(waiting) == 0 {
		return fmt.Errorf("no mail about %s waits for approval", a.Account)
	}
	for _, m := range waiting {
		if a.Kind == replay.DoDecline {
			err = r.db.Decline(ctx, m.ID, m.Version, by, a.Because, at)
		} else {
			err = r.db.Approve(ctx, m.ID, m.Version, by, at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finish does the open tasks that the playbook gave about the account.
func (r *testRoad) finish(ctx context.Context, a replay.Action, playbook steward.PlaybookName, by string, at time.Time) error {
	open, err := r.db.Tasks(ctx, store.TaskFilter{Account: a.Account})
	if err != nil {
		return err
	}
	done := 0
	for _, t := range open {
		if t.Playbook != playbook {
			continue
		}
		if _, err := r.db.FinishTask(ctx, string(t.ID), a.Because, by, at); err != nil {
			return err
		}
		done++
	}
	if done == 0 {
		return fmt.Errorf("no task of %s is open for %s", playbook, a.Account)
	}
	return nil
}

func (r *testRoad) Look(ctx context.Context, account steward.AccountID) (replay.Seen, error) {
	var seen replay.Seen
	st, err := r.db.Standing(ctx)
	if err != nil {
		return seen, err
	}
	for _, ph := range st.Phases {
		if ph.Subject.Account == account {
			seen.Phases = append(seen.Phases, ph)
		}
	}
	if seen.Enrolments, err = r.db.Enrolments(ctx, store.EnrolmentFilter{Account: account}); err != nil {
		return seen, err
	}
	ids := make([]steward.EnrolmentID, len(seen.Enrolments))
	for i, e := range seen.Enrolments {
		ids[i] = e.ID
	}
	outreach, messages, err := r.db.OutreachOf(ctx, ids)
	if err != nil {
		return seen, err
	}
	slot, err := r.engine.LastSlot(ctx)
	if err != nil || slot.IsZero() {
		return seen, err
	}
	s, err := r.engine.Situation(ctx, slot)
	if err != nil {
		return seen, err
	}
	seen.Standing = standingOf(s, account)
	for _, o := range outreach {
		m := messages[o.Message]
		if !m.State.Settled() && m.Content == nil { // what is put off is worded when it goes; this is how it would read now
			if c, err := s.Compose(m, carriedBy(m.ID, outreach), seen.Enrolments); err == nil {
				m.Content = &c
			}
		}
		seen.Outreach = append(seen.Outreach, replay.SeenOutreach{Outreach: o, Message: m})
	}
	return seen, nil
}

func carriedBy(m steward.MessageID, all []steward.Outreach) []steward.Outreach {
	var out []steward.Outreach
	for _, o := range all {
		if o.Message == m {
			out = append(out, o)
		}
	}
	return out
}

// standingOf is how an account is on the facts of a slot.
func standingOf(s *playbooks.Situation, account steward.AccountID) replay.AccountStanding {
	health, _ := s.Health(account, 0)
	journey, _ := s.Journey(account, 0)
	return replay.AccountStanding{Stage: journey.Stage, Health: health.Score, Grade: health.Grade}
}

// explain is what steward explain says of an expectation's subjects, after the
// run of its day.
func (r *testRoad) explain(ctx context.Context, e replay.Expectation, playbook steward.PlaybookName) string {
	text, err := r.explanation(ctx, e, playbook)
	if err != nil {
		return "it cannot be explained: " + err.Error()
	}
	return text
}

func (r *testRoad) explanation(ctx context.Context, e replay.Expectation, playbook steward.PlaybookName) (string, error) {
	slot, err := r.engine.LastSlot(ctx)
	if err != nil {
		return "", err
	}
	s, err := r.engine.Situation(ctx, slot)
	if err != nil {
		return "", err
	}
	p, ok := r.book.Playbook(playbook)
	if !ok {
		return "", fmt.Errorf("there is no playbook %s", playbook)
	}
	account, ok := s.Frame.View(steward.AboutAccount).Row(string(e.Account))
	if !ok {
		return fmt.Sprintf("%s is not in the data on %s.", e.Account, e.On), nil
	}
	st, err := storyOf(ctx, r.db, s, s.Frame.View(steward.AboutAccount).Account(account), []*playbooks.Playbook{p}, false)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	plain := explainer{app: &app{stdout: &text}, book: r.book, width: paperWidth - len("  "), brief: true}
	for _, x := range st.Playbooks {
		if e.IsAbout(x.Subject) {
			plain.whole(st, x)
		}
	}
	return text.String(), nil
}

// accountFields is every field an account can have: a scenario says all there
// is to know of its accounts.
func accountFields(ws *configs.Workspace) []string {
	out := []string{"name", "parent", "status", "segment", "arr", "currency", "owner", "start_date", "renewal_date", "stage", "escalation_level", "contact_policy", "test"}
	for _, f := range ws.Fields {
		out = append(out, f.Name)
	}
	return out
}

// knowPlaybooks tells a schema of tests what the playbooks are called, and their
// steps.
func knowPlaybooks(schema *replay.Schema, book *playbooks.Book) {
	schema.Steps = map[steward.PlaybookName][]string{}
	for _, p := range book.Playbooks {
		schema.Playbooks, schema.Steps[p.Name] = append(schema.Playbooks, p.Name), nil
		for _, s := range p.Steps {
			if s.Sends() {
				schema.Steps[p.Name] = append(schema.Steps[p.Name], s.ID)
			}
		}
	}
}
