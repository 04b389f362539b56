package replay

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"steward"
	"steward/configs/strictyaml"
	"steward/series"
)

// A Schema is what test files may name: the workspace's own fields, its
// metrics, and its playbooks (nil: any).
type Schema struct {
	Fields    []steward.FieldSpec
	Metrics   []steward.MetricSpec
	Playbooks []steward.PlaybookName
	// Steps are the ids of each playbook's steps that say something; nil where
	// nobody knows them.
	Steps map[steward.PlaybookName][]string
}

// A Scenario is one playbook test: a small world, what people do in it, and
// what is expected of a playbook on some days.
type Scenario struct {
	// File is the test file's path inside the workspace.
	File   string
	Given  Given
	Do     []Action
	Expect []Expectation
	// Accepted is the lints that the file accepts.
	Accepted []steward.Acceptance
}

// Given is the world of a scenario. Its metrics grow by a day each day, and so
// do the rows that tell of one; its other rows change where Changes say so.
type Given struct {
	Playbook steward.PlaybookName
	// Portfolio is all rows as they are given. On tells what of them is there on a
	// day.
	Portfolio steward.Portfolio
	// Metrics is by metric and account.
	Metrics map[string]map[steward.AccountID]series.Series
	// From is the day of the first value. The first run is on the day after.
	From steward.Day
	// Backfill asks that episodes of the first run are opened rather than
	// quarantined as what was already there.
	Backfill bool
	// Changes is what becomes of rows on some days, in order of day; Away is when
	// owners are away.
	Changes []RowChange
	Away    []Absence
}

// An Expectation is what should be so right after the run of a day. Parts that
// are empty are not looked at.
type Expectation struct {
	On      steward.Day
	Account steward.AccountID
	// Contract, Contact and Product narrow to one subject, for playbooks about
	// these.
	Contract steward.ContractID
	Contact  steward.ContactID
	Product  steward.ProductID
	Phase    steward.Phase
	// Enrolment is a state of the newest enrolment, or NoEnrolment; Reason its
	// reason.
	Enrolment steward.EnrolmentState
	Reason    steward.Reason
	// Outreach is exactly what should have been planned since the slot, in any
	// order; nil where the test does not say.
	Outreach []ExpectedOutreach
	// Standing is how the account should be.
	Standing ExpectedStanding

	at, phaseAt, enrolmentAt, reasonAt, outreachAt strictyaml.Pos
}

// NoEnrolment expects that there is no enrolment at all.
const NoEnrolment steward.EnrolmentState = "none"

// ExpectedOutreach is one outreach a test expects. Empty parts are not looked
// at.
type ExpectedOutreach struct {
	Step string
	// To is whom it is for: an owner or contact id, a role, a channel, an
	// address, or the word of the playbook (owner, manager).
	To      string
	Channel steward.Channel
	State   steward.MessageState
	Reason  steward.Reason
	// Contains is text that the message must have, each piece of it, blanks
	// and Markdown's backslashes aside.
	Contains []string

	at strictyaml.Pos
}

// The test file as it is written.
type scenarioFile struct {
	At     strictyaml.Pos    `yaml:",pos"`
	Given  givenFile         `yaml:"given,required" doc:"The small world of the test."`
	Do     []actionFile      `yaml:"do" doc:"What people do in it, day by day."`
	Expect []expectationFile `yaml:"expect,required" doc:"What should be so after the run of a day."`

	Accept []strictyaml.Accepted `yaml:"accept" doc:"Lints that are not followed here, each with the reason."`
}

type record = strictyaml.Entries[strictyaml.OneOrMore]

type givenFile struct {
	At        strictyaml.Pos                                          `yaml:",pos"`
	Playbook  strictyaml.Scalar                                       `yaml:"playbook" doc:"The playbook under test. Default what the file is called."`
	From      strictyaml.Scalar                                       `yaml:"from,required" doc:"The day of the first value; the first run is on the day after."`
	Backfill  bool                                                    `yaml:"backfill" doc:"true opens what already held on the first day. Default false."`
	Accounts  []record                                                `yaml:"accounts,required" doc:"The accounts, each with the fields that the playbook reads."`
	Contracts []record                                                `yaml:"contracts" doc:"The accounts' contracts."`
	Contacts  []record                                                `yaml:"contacts" doc:"The accounts' people, with their roles."`
	Metrics   strictyaml.Entries[strictyaml.Entries[strictyaml.Text]] `yaml:"metrics" doc:"Daily values by metric and account, as runs: 40x60 10x12 is sixty days of 40 and twelve of 10."`
	Rows      rowsFile                                                `yaml:",inline"`
}

type expectationFile struct {
	At         strictyaml.Pos    `yaml:",pos"`
	On         strictyaml.Scalar `yaml:"on,required" doc:"The day; what is expected is looked at right after its run."`
	Account    strictyaml.Scalar `yaml:"account" doc:"The account."`
	Contract   strictyaml.Scalar `yaml:"contract" doc:"The contract, for playbooks about contracts."`
	Contact    strictyaml.Scalar `yaml:"contact" doc:"The person, for playbooks about contacts."`
	Product    strictyaml.Scalar `yaml:"product" doc:"The product, for playbooks about products."`
	Phase      strictyaml.Scalar `yaml:"phase" doc:"Where the condition stands." enum:"clear|pending|firing|clearing"`
	Enrolment  strictyaml.Scalar `yaml:"enrolment" doc:"The state of the newest enrolment; none where there is none." enum:"none|quarantined|active|waiting|completed|exited|failed"`
	Reason     strictyaml.Scalar `yaml:"reason" doc:"The reason of the enrolment's state, such as recovered."`
	Outreach   *[]outreachFile   `yaml:"outreach" doc:"Exactly what is planned that day, in any order."`
	NoOutreach bool              `yaml:"no_outreach" doc:"true expects that nothing is planned that day."`

	standingKeys `yaml:",inline"`
}

type outreachFile struct {
	At       strictyaml.Pos       `yaml:",pos"`
	Step     strictyaml.Scalar    `yaml:"step" doc:"The step that says it."`
	To       strictyaml.Scalar    `yaml:"to" doc:"Whom it is for: an owner or contact, a role, a channel, an address, or the playbook's word."`
	Channel  strictyaml.Scalar    `yaml:"channel" doc:"By what it goes." enum:"slack|email|webhook"`
	State    strictyaml.Scalar    `yaml:"state" doc:"The state of its message."`
	Reason   strictyaml.Scalar    `yaml:"reason" doc:"The reason of that state."`
	Contains strictyaml.OneOrMore `yaml:"contains" doc:"Text that the message must have, each piece of it."`
}

// The names of test files.
const (
	testSuffix      = ".test.yaml"
	testSuffixShort = ".test.yml"
)

// LoadScenarios reads every test file of a folder, in order of name, and tells
// every mistake in all of them. A file with mistakes gives no scenario. A
// folder that does not exist holds no tests.
func LoadScenarios(fsys fs.FS, dir string, schema Schema) ([]Scenario, steward.Problems) {
	entries, err := fs.ReadDir(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, steward.Problems{{File: dir, Message: "the folder of tests cannot be read: " + err.Error()}}
	}
	var out []Scenario
	var problems steward.Problems
	for _, e := range entries {
		file := path.Join(dir, e.Name())
		ext := path.Ext(e.Name())
		switch {
		case e.IsDir() || ext != ".yaml" && ext != ".yml":
			continue
		case playbookOf(e.Name()) == "":
			problems = append(problems, steward.Problem{File: file, Lint: "test-name", Message: "this file is not run: its name does not end in " + testSuffix,
				Hint: "rename it to PLAYBOOK" + testSuffix})
			continue
		}
		src, err := fs.ReadFile(fsys, file)
		if err != nil {
			problems = append(problems, steward.Problem{File: file, Message: "the file cannot be read: " + err.Error()})
			continue
		}
		s, found := ParseScenario(file, src, schema)
		problems = append(problems, found...)
		if len(found.Errors()) == 0 {
			out = append(out, s)
		}
	}
	return out, problems.Sorted()
}

// playbookOf is the playbook that a test file's name says it is for.
func playbookOf(name string) string {
	if cut, ok := strings.CutSuffix(name, testSuffix); ok {
		return cut
	}
	cut, ok := strings.CutSuffix(name, testSuffixShort)
	if !ok {
		return ""
	}
	return cut
}

// ParseScenario reads one test file and tells every mistake in it.
func ParseScenario(file string, src []byte, schema Schema) (Scenario, steward.Problems) {
	var f scenarioFile
	problems := strictyaml.Decode(file, src, &f)
	r := &scenarioReader{file: file, src: src, schema: schema, accounts: map[steward.AccountID]bool{}, contracts: map[steward.ContractID]bool{},
		contacts: map[steward.ContactID]bool{}, products: map[steward.ProductID]bool{}}
	s := Scenario{File: file, Accepted: strictyaml.Acceptances(f.Accept, file, "", src)}
	r.given(&f.Given, &s.Given)
	r.days(&f, &s)
	return s, append(problems, r.problems...).Sorted()
}

// A scenarioReader gathers the mistakes of one file.
type scenarioReader struct {
	file      string
	src       []byte
	schema    Schema
	playbook  steward.PlaybookName // under test
	problems  steward.Problems
	accounts  map[steward.AccountID]bool
	contracts map[steward.ContractID]bool
	contacts  map[steward.ContactID]bool
	products  map[steward.ProductID]bool
}

func (r *scenarioReader) wrong(s strictyaml.Scalar, message, hint string) {
	r.problems = append(r.problems, s.Problem(r.file, "", message, hint, r.src))
}

func (r *scenarioReader) wrongAt(p strictyaml.Pos, message, hint string) {
	r.problems = append(r.problems, p.Problem(r.file, "", 1, message, hint, r.src))
}

func (r *scenarioReader) given(f *givenFile, g *Given) {
	g.Backfill = f.Backfill
	g.From = r.day(f.From)
	if g.From != steward.NoDay && (g.From < series.FirstDay || g.From > series.LastDay-maxScenarioDays) {
		r.wrong(f.From, fmt.Sprintf("from is outside the days that can be kept, %s to %s", series.FirstDay, series.LastDay), "choose a day of these years")
		g.From = steward.NoDay
	}
	g.Playbook = steward.PlaybookName(f.Playbook.Value)
	if g.Playbook == "" {
		g.Playbook = steward.PlaybookName(playbookOf(path.Base(r.file)))
	}
	r.playbook = g.Playbook
	if r.schema.Playbooks != nil && !slices.Contains(r.schema.Playbooks, g.Playbook) {
		hint := "name the playbook with given: {playbook: …}"
		if near := nearest(g.Playbook, r.schema.Playbooks); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		message := fmt.Sprintf("there is no playbook %q", g.Playbook)
		if f.Playbook.Pos.IsZero() {
			r.wrongAt(f.At, message+", as the file's name says", hint)
		} else {
			r.wrong(f.Playbook, message, hint)
		}
	}
	if len(f.Accounts) == 0 && !f.At.IsZero() {
		r.wrongAt(f.At, "a test needs at least one account", "add accounts: [{id: acme}]")
	}
	r.rows(f, g)
	r.metrics(f, g)
}

// fields reads a record's single values through set, which tells whether it
// knows the name; kinds says what each name holds, for messages.
func (r *scenarioReader) fields(rec record, kinds map[string]steward.Kind, set func(name string, v steward.Value)) {
	for _, e := range rec {
		name := e.Key.Value
		kind, known := kinds[name]
		if !known {
			names := slices.Sorted(maps.Keys(kinds))
			hint := "declare it under fields: in steward.yaml, or use one of " + strings.Join(names, ", ")
			if near := steward.Nearest(name, names); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			r.wrong(e.Key, fmt.Sprintf("%q is not a field here", name), hint)
			continue
		}
		if len(e.Value) == 0 {
			continue // told by the decoder
		}
		if len(e.Value) > 1 {
			r.wrong(e.Value[1], name+" takes one value", "remove the list")
			continue
		}
		if v, ok := r.value(name, kind, e.Value[0]); ok {
			set(name, v)
		}
	}
}

// value reads a field's value. Text that is empty is unknown, as in an export.
func (r *scenarioReader) value(name string, kind steward.Kind, s strictyaml.Scalar) (steward.Value, bool) {
	if s.Value == "" {
		return steward.Unknown(kind), true
	}
	switch kind {
	case steward.NumberKind:
		if n, ok := number(s.Value); ok {
			return steward.Num(n), true
		}
		r.wrong(s, fmt.Sprintf("%s is a number; %q is not one", name, s.Value), "write it without separators or currency: 48000, 2.5 or 10k")
	case steward.FlagKind:
		if s.Value == "true" || s.Value == "false" {
			return steward.Bool(s.Value == "true"), true
		}
		r.wrong(s, fmt.Sprintf("%s is true or false, not %q", name, s.Value), "write true or false")
	case steward.DateKind:
		if d := r.day(s); d != steward.NoDay {
			return steward.OnDay(d), true
		}
	default:
		return steward.Str(s.Value), true
	}
	return steward.Value{}, false
}

// number reads a number with the k and M of the language.
func number(text string) (float64, bool) {
	times := 1.0
	if cut, ok := strings.CutSuffix(text, "k"); ok {
		text, times = cut, 1e3
	} else if cut, ok := strings.CutSuffix(text, "M"); ok {
		text, times = cut, 1e6
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "0123456789.-+e") != "" {
		return 0, false
	}
	return n * times, true
}

func (r *scenarioReader) day(s strictyaml.Scalar) steward.Day {
	if s.Pos.IsZero() {
		return steward.NoDay // missing, and told by the decoder
	}
	d, err := steward.ParseDay(s.Value)
	if err != nil {
		r.wrong(s, err.Error(), "write year-month-day")
		return steward.NoDay
	}
	return d
}

// identity checks that a record has an id that no other has.
func (r *scenarioReader) identity(rec record, what, id string, taken bool) bool {
	if id != "" && !taken {
		return true
	}
	message, hint := "the "+what+" has no id", "add id: …"
	if taken {
		message, hint = fmt.Sprintf("the %s id %q is given twice", what, id), "give each an id of its own"
	}
	for _, e := range rec {
		if taken && e.Key.Value == "id" && len(e.Value) > 0 {
			r.wrong(e.Value[0], message, hint)
			return false
		}
	}
	if len(rec) > 0 {
		r.wrong(rec[0].Key, message, hint)
	} else {
		r.problems = append(r.problems, steward.Problem{File: r.file, Message: message, Hint: hint})
	}
	return false
}

// accountOf is the account that a contract or contact says it belongs to; the
// only one when it does not say.
func (r *scenarioReader) accountOf(rec record) (steward.AccountID, bool) {
	for _, e := range rec {
		if e.Key.Value == "account" && len(e.Value) > 0 {
			return r.known(e.Value[0])
		}
	}
	if id, ok := r.only(); ok {
		return id, true
	}
	if len(rec) > 0 && len(r.accounts) > 0 {
		r.wrong(rec[0].Key, "it does not say which account it belongs to", "add account: …")
	}
	return "", false
}

func (r *scenarioReader) only() (steward.AccountID, bool) {
	if len(r.accounts) == 1 {
		for id := range r.accounts {
			return id, true
		}
	}
	return "", false
}

func (r *scenarioReader) known(s strictyaml.Scalar) (steward.AccountID, bool) {
	id := steward.AccountID(s.Value)
	if r.accounts[id] {
		return id, true
	}
	names := slices.Sorted(maps.Keys(r.accounts))
	hint := "accounts given: " + join(names)
	if near := nearest(id, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	r.wrong(s, fmt.Sprintf("there is no account %q under given", s.Value), hint)
	return "", false
}

func (r *scenarioReader) metrics(f *givenFile, g *Given) {
	g.Metrics = map[string]map[steward.AccountID]series.Series{}
	var names []string
	for _, m := range r.schema.Metrics {
		names = append(names, m.Name)
	}
	for _, m := range f.Metrics {
		if !slices.Contains(names, m.Key.Value) {
			hint := "declare it under metrics: in steward.yaml"
			if near := steward.Nearest(m.Key.Value, names); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			r.wrong(m.Key, fmt.Sprintf("%q is not a metric of the workspace", m.Key.Value), hint)
			continue
		}
		g.Metrics[m.Key.Value] = map[steward.AccountID]series.Series{}
		for _, e := range m.Value {
			id, ok := r.known(e.Key)
			if !ok || e.Value.IsZero() {
				continue
			}
			s, err := ParseSeries(e.Value.Value, max(g.From, 0))
			var bad *SeriesError
			if errors.As(err, &bad) {
				r.problems = append(r.problems, e.Value.Problem(r.file, "", bad.Offset, bad.Offset+bad.Length, bad.Message, bad.Hint, r.src))
				continue
			}
			g.Metrics[m.Key.Value][id] = s
		}
	}
}

// days reads what is done and expected, in order of day.
func (r *scenarioReader) days(f *scenarioFile, s *Scenario) {
	for _, a := range f.Do {
		r.action(a, s)
	}
	if len(f.Expect) == 0 {
		r.wrongAt(f.At, "the test expects nothing", "add expect: [{on: …, account: …, phase: …}]")
	}
	for _, e := range f.Expect {
		r.expectation(e, s)
	}
	slices.SortStableFunc(s.Do, func(a, b Action) int { return int(a.On) - int(b.On) })
	slices.SortStableFunc(s.Expect, func(a, b Expectation) int { return int(a.On) - int(b.On) })
}

// on reads the day of an expectation or action, which must be one that is
// lived.
func (r *scenarioReader) on(s strictyaml.Scalar, from steward.Day) steward.Day {
	d := r.day(s)
	switch {
	case d == steward.NoDay || from == steward.NoDay:
	case d <= from:
		r.wrong(s, fmt.Sprintf("the first run is on %s, the day after from", from+1), "move from: back, or this day on")
	case d-from > maxScenarioDays:
		r.wrong(s, fmt.Sprintf("this is %d days after from; %d is the most", d-from, maxScenarioDays), "move from: closer")
	default:
		return d
	}
	return steward.NoDay
}

func (r *scenarioReader) expectation(f expectationFile, s *Scenario) {
	e := Expectation{On: r.on(f.On, s.Given.From), Contract: steward.ContractID(f.Contract.Value), Reason: steward.Reason(f.Reason.Value),
		at: f.At, phaseAt: f.Phase.Pos, enrolmentAt: f.Enrolment.Pos, reasonAt: f.Reason.Pos, outreachAt: f.At}
	if !f.Account.Pos.IsZero() {
		e.Account, _ = r.known(f.Account)
	} else if id, ok := r.only(); ok {
		e.Account = id
	} else if len(r.accounts) > 0 && !f.At.IsZero() {
		r.wrongAt(f.At, "it does not say which account is meant", "add account: …")
	}
	if c := f.Contract; !c.Pos.IsZero() && !r.contracts[e.Contract] {
		r.wrong(c, fmt.Sprintf("there is no contract %q under given", c.Value), "contracts given: "+join(slices.Sorted(maps.Keys(r.contracts))))
	}
	e.Contact, e.Product = steward.ContactID(f.Contact.Value), steward.ProductID(f.Product.Value)
	if c := f.Contact; !c.Pos.IsZero() && !r.contacts[e.Contact] {
		r.wrong(c, fmt.Sprintf("there is no contact %q under given", c.Value), "contacts given: "+join(slices.Sorted(maps.Keys(r.contacts))))
	}
	if c := f.Product; !c.Pos.IsZero() && !r.products[e.Product] {
		r.wrong(c, fmt.Sprintf("there is no product %q under given", c.Value), "products given: "+join(slices.Sorted(maps.Keys(r.products))))
	}
	e.Phase = oneOf(r, f.Phase, "phase", steward.Clear, steward.Pending, steward.Firing, steward.Clearing)
	e.Enrolment = oneOf(r, f.Enrolment, "state of an enrolment", NoEnrolment, steward.Quarantined, steward.Active, steward.Waiting, steward.Completed, steward.Exited, steward.Failed)
	e.Standing = r.standing(f.standingKeys)
	if f.Outreach != nil {
		e.Outreach = []ExpectedOutreach{}
		for _, o := range *f.Outreach {
			e.Outreach = append(e.Outreach, r.outreach(o))
		}
	}
	if f.NoOutreach {
		if len(e.Outreach) > 0 {
			r.wrongAt(f.At, "no_outreach: true beside a list of outreach", "remove one of them")
		}
		e.Outreach = []ExpectedOutreach{}
	}
	if f.Phase.Pos.IsZero() && f.Enrolment.Pos.IsZero() && f.Reason.Pos.IsZero() && e.Outreach == nil && f.standingKeys == (standingKeys{}) && !f.At.IsZero() {
		r.wrongAt(f.At, "nothing is expected here", "add phase:, enrolment:, reason:, outreach:, no_outreach: true, stage:, health: or grade:")
	}
	s.Expect = append(s.Expect, e)
}

func (r *scenarioReader) outreach(f outreachFile) ExpectedOutreach {
	o := ExpectedOutreach{Step: f.Step.Value, To: f.To.Value, Reason: steward.Reason(f.Reason.Value), at: f.At}
	if steps, known := r.schema.Steps[r.playbook]; known && o.Step != "" && !slices.Contains(steps, o.Step) {
		hint := "its steps that say something: " + strings.Join(steps, ", ")
		if near := steward.Nearest(o.Step, steps); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		r.wrong(f.Step, fmt.Sprintf("playbook %s has no step %q that says something", r.playbook, o.Step), hint)
	}
	o.Channel = oneOf(r, f.Channel, "channel", steward.Slack, steward.Email, steward.Webhook)
	o.State = oneOf(r, f.State, "state of a message", steward.AwaitingApproval, steward.Planned, steward.Enqueued, steward.Sending, steward.Sent, steward.Deferred,
		steward.Uncertain, steward.FailedToSend, steward.Suppressed, steward.Expired)
	for _, c := range f.Contains {
		o.Contains = append(o.Contains, c.Value)
	}
	return o
}

// oneOf reads a word of a fixed list; "" when it is not given or not one.
func oneOf[T ~string](r *scenarioReader, s strictyaml.Scalar, what string, words ...T) T {
	if s.Pos.IsZero() {
		return ""
	}
	if slices.Contains(words, T(s.Value)) {
		return T(s.Value)
	}
	hint := "one of " + join(words)
	if near := nearest(T(s.Value), words); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	r.wrong(s, fmt.Sprintf("%q is not a %s", s.Value, what), hint)
	return ""
}

func nearest[T ~string](name T, from []T) string {
	texts := make([]string, len(from))
	for i, f := range from {
		texts[i] = string(f)
	}
	return steward.Nearest(string(name), texts)
}

func join[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}
