package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
	app  *app
	only []string
}

func testCommand(a *app) *cobra.Command {
	o := &testOptions{app: a}
	return &cobra.Command{
		Use:   "test [NAME …]",
		Short: "Run the playbooks' tests on a clock of their own",
		Long: `Lives through every tests/*.test.yaml day by day: a database of its own, the
real import, evaluation and delivery, and nobody is told anything. NAME narrows
to test files whose name holds it.

Exit codes: 0 all as expected, 1 could not run, 3 something was not as expected.`,
		RunE: func(c *cobra.Command, args []string) error {
			o.only = args
			return o.run(c.Context())
		},
	}
}

// testResult is how one file went.
type testResult struct {
	File     string           `json:"file"`
	Days     int              `json:"days"`
	Failures []replay.Failure `json:"failures"`
}

func (o *testOptions) run(ctx context.Context) error {
	ws, book, problems, err := o.app.load()
	if err != nil {
		return err
	}
	if errs := problems.Errors(); len(errs) > 0 {
		return errs
	}
	schema := replay.Schema{Fields: ws.Fields, Metrics: ws.Metrics}
	for _, p := range book.Playbooks {
		schema.Playbooks = append(schema.Playbooks, p.Name)
	}
	scenarios, problems := replay.LoadScenarios(configs.Files(ws.Dir), ws.Tests, schema)
	if len(problems.Errors()) > 0 {
		return problems
	}
	var results []testResult
	failed := 0
	for _, s := range scenarios {
		if !o.wanted(s.File) {
			continue
		}
		res, err := runScenario(ctx, ws, book, s)
		if err != nil {
			return err
		}
		results = append(results, testResult{s.File, res.Steps, res.Failures})
		failed += len(res.Failures)
		if !o.app.json {
			o.app.printTestResult(s.File, res)
		}
	}
	if o.app.json {
		if err := o.app.printJSON(results); err != nil {
			return err
		}
	} else if len(results) == 0 {
		fmt.Fprintf(o.app.stderr, "No tests in %s. A test is a file such as %s/login-drop.test.yaml; steward init writes some.\n", ws.Tests, ws.Tests)
	}
	if failed > 0 {
		return errFindings
	}
	return nil
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

func (a *app) printTestResult(file string, res replay.Result) {
	if len(res.Failures) == 0 {
		fmt.Fprintf(a.stderr, "%s   %s  %s\n", a.paint("32", "ok"), file, a.dim(count(res.Steps, "day")))
		return
	}
	fmt.Fprintf(a.stderr, "%s %s  %s\n", a.paint("31", "FAIL"), file, count(len(res.Failures), "expectation")+" not met")
	for _, f := range res.Failures {
		fmt.Fprintln(a.stderr, f.String())
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
	r.book = withBackfill(r.book, given.Playbook, given.Backfill)
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
	_, err := r.db.Import(ctx, b)
	return err
}

func (r *testRoad) Live(ctx context.Context, slot steward.Slot) error {
	r.clock.set(slot.Time())
	if _, err := r.engine.Evaluate(ctx, slot); err != nil {
		return err
	}
	return deliverDue(ctx, r.engine, r.db, r.clock.now)
}

func (r *testRoad) Do(ctx context.Context, a replay.Action, playbook steward.PlaybookName, slot steward.Slot) error {
	r.clock.set(slot.Time())
	const somebody = "the test"
	switch a.Kind {
	case replay.DoRelease:
		_, err := r.db.Release(ctx, store.ReleaseFilter{Playbook: playbook, Account: a.Account}, slot.Time())
		return err
	case replay.DoAck:
		open, err := r.db.Enrolments(ctx, store.EnrolmentFilter{Account: a.Account, Playbook: playbook, Open: true})
		if err != nil {
			return err
		}
		if len(open) == 0 {
			return fmt.Errorf("nothing of %s is open for %s that could be taken on", playbook, a.Account)
		}
		for _, e := range open {
			if err := r.db.Ack(ctx, e.ID, somebody, slot.Time()); err != nil {
				return err
			}
		}
		return nil
	case replay.DoApprove:
		waiting, _, err := r.db.Messages(ctx, store.MessageFilter{Account: a.Account, State: steward.AwaitingApproval})
		if err != nil {
			return err
		}
		if len(waiting) == 0 {
			return fmt.Errorf("no mail about %s waits for approval", a.Account)
		}
		for _, m := range waiting {
			if err := r.db.Approve(ctx, m.ID, m.Version, somebody, slot.Time()); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("nobody knows how to %s", a.Kind)
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
	for _, o := range outreach {
		seen.Outreach = append(seen.Outreach, replay.SeenOutreach{Outreach: o, Message: messages[o.Message]})
	}
	return seen, err
}

// explain is the sentence on the account's subjects, for a failure.
func (r *testRoad) explain(ctx context.Context, account steward.AccountID, playbook steward.PlaybookName) string {
	slot, err := r.engine.LastSlot(ctx)
	if err != nil || slot.IsZero() {
		return ""
	}
	s, err := r.engine.Situation(ctx, slot)
	if err != nil {
		return ""
	}
	p, ok := r.book.Playbook(playbook)
	if !ok {
		return ""
	}
	var lines []string
	for _, subject := range subjectsOf(s, p, account) {
		if x, err := s.Explain(p, subject); err == nil {
			lines = append(lines, x.Sentence)
		}
	}
	return strings.Join(lines, "\n")
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
