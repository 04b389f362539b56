package playbooks_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"steward"
	"steward/facts"
	"steward/playbooks"
	"steward/series"
)

// berlin is the zone of every workspace here: it has both daylight-saving
// changes and is never UTC.
var berlin = func() *time.Location {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return loc
}()

// day0 is the day on which time begins here: Monday 1 June 2026.
var day0 = steward.Date(2026, 6, 1)

// six is the slot at six in the morning of a day, in the workspace's zone.
func six(d steward.Day) steward.Slot {
	y, m, dd := d.Start(berlin).Date()
	return steward.SlotAt(time.Date(y, m, dd, 6, 0, 0, 0, berlin))
}

// people are the owners of every workspace here.
var people = []steward.Owner{
	{ID: "dana", Name: "Dana Reyes", Email: "dana@example.com", Slack: "U1", Manager: "lee", Backup: "sam", Zone: berlin},
	{ID: "lee", Name: "Lee Okafor", Email: "lee@example.com", Slack: "U2"},
	{ID: "sam", Name: "Sam Ito", Slack: "U3"},
	{ID: "alone", Name: "Ann Alone", Slack: "U4"},
	{ID: "pool", Name: "SMB pool", Pool: "#cs-smb"},
}

func settings() playbooks.Settings {
	return playbooks.Settings{
		File: "steward.yaml", Zone: berlin,
		Fields:  []steward.FieldSpec{{Name: "seats", Kind: steward.NumberKind}, {Name: "plan", Kind: steward.TextKind}, {Name: "legal_hold", Kind: steward.FlagKind}},
		Metrics: []steward.MetricSpec{{Name: "logins", Kind: steward.Count}, {Name: "users", Kind: steward.Gauge, StaleAfter: 10}},
		Owners:  people, Unowned: "#unowned", Ops: "#ops",
	}
}

// messages are wordings that playbooks of tests may name.
var messages = map[string]string{
	"nudge":    "Look at {{ .account.name }}.",
	"plain":    "---\nfor_roles: [champion]\nsubject: Hello\n---\nHello.\n",
	"escalate": "Nobody looked at {{ .account.name }}.",
	"help":     "---\nfor_roles: [champion, admin]\nsubject: \"About {{ .account.name }}\"\nlocale: en\n---\nHi {{ .contact.first_name }}, {{ .account.name }}.\n\n{{ .owner.name }}",
}

// load is a good book of playbooks, one YAML text each, and more messages. The
// steps of a text without any are one nudge to the owner.
func load(t testing.TB, s playbooks.Settings, more map[string]string, texts ...string) *playbooks.Book {
	t.Helper()
	b, problems := tryLoad(s, more, texts...)
	for _, p := range problems.Errors() {
		t.Fatalf("the book does not load: %v", p)
	}
	return b
}

func tryLoad(s playbooks.Settings, more map[string]string, texts ...string) (*playbooks.Book, steward.Problems) {
	files := fstest.MapFS{}
	for name, text := range messages {
		files["messages/"+name+".md"] = &fstest.MapFile{Data: []byte(text)}
	}
	for name, text := range more {
		files["messages/"+name+".md"] = &fstest.MapFile{Data: []byte(text)}
	}
	for i, text := range texts {
		if !strings.Contains(text, "steps:") {
			text = strings.TrimRight(text, "\n") + "\nsteps: [{id: nudge, slack: owner, message: nudge}]\n"
		}
		files[fmt.Sprintf("playbooks/p%d.yaml", i+1)] = &fstest.MapFile{Data: []byte(text)}
	}
	return playbooks.Load(files, "playbooks", "messages", s)
}

// A world is a workspace's data and the engine's memory, which live through
// days as they would with a store and a worker, in maps.
type world struct {
	t testing.TB
	steward.Portfolio
	book *playbooks.Book
	// Daily holds values from day0 on, by metric and account; NoDay sources are
	// complete through the day before the slot.
	daily   map[string]map[steward.AccountID][]float64
	through map[string]steward.Day
	stale   map[string]bool
	salt    string
	memory  playbooks.Memory
	records []steward.Record
	// Sends tells whether messages are sent as soon as they are planned.
	sends bool
}

func newWorld(t testing.TB, book *playbooks.Book, accounts ...steward.Account) *world {
	w := &world{t: t, book: book, daily: map[string]map[steward.AccountID][]float64{}, through: map[string]steward.Day{}, stale: map[string]bool{}, sends: true, salt: "salt"}
	w.Accounts = accounts
	for _, m := range book.Metrics {
		w.daily[m.Name] = map[steward.AccountID][]float64{}
	}
	w.memory = playbooks.Memory{
		Phases: map[playbooks.Key]steward.PhaseState{}, Open: map[playbooks.Key]steward.Enrolment{}, Ended: map[playbooks.Key]steward.Enrolment{},
		States: map[steward.PlaybookName]steward.PlaybookState{}, Outreach: map[steward.EnrolmentID][]steward.Outreach{},
		Messages: map[steward.MessageID]steward.Message{}, Versions: map[string]*playbooks.Playbook{}, Suppressed: map[string]string{},
	}
	return w
}

// customer is an account that is in every portfolio here.
func customer(id string) steward.Account {
	return steward.Account{ID: steward.AccountID(id), Name: "Acme " + id, Status: "customer", Segment: "enterprise", ARR: steward.Num(48000), Currency: "EUR",
		Owner: "dana", StartDate: day0 - 400, RenewalDate: day0 + 100, Stage: "adoption", More: map[string]steward.Value{}}
}

func champion(account string) steward.Contact {
	return steward.Contact{ID: steward.ContactID("ct-" + account), Account: steward.AccountID(account), Name: "Kim Sato", Email: "kim@" + account + ".example", Roles: []string{"champion"}, LastSeen: day0}
}

func (w *world) frame(slot steward.Slot) *facts.Frame {
	in := facts.Input{Slot: slot, Zone: w.book.Zone, Portfolio: w.Portfolio, Fields: w.book.Fields}
	for _, spec := range w.book.Metrics {
		through, ok := w.through[spec.Name]
		if !ok {
			through = slot.Day(berlin) - 1
		}
		m := facts.Metric{Spec: spec, Through: through, Stale: w.stale[spec.Name], Series: map[steward.AccountID]series.Series{}}
		for id, values := range w.daily[spec.Name] {
			s, err := series.New(day0, values)
			if err != nil {
				w.t.Fatal(err)
			}
			m.Series[id] = s
		}
		in.Metrics = append(in.Metrics, m)
	}
	return facts.At(in)
}

// at is the situation at a slot, or at a later moment on the slot's facts.
func (w *world) at(slot steward.Slot, now ...time.Time) *playbooks.Situation {
	when := slot.Time()
	if len(now) > 0 {
		when = now[0]
	}
	w.memory.Salt = w.salt
	return playbooks.NewSituation(w.book, w.frame(slot), w.Portfolio).At(when, w.memory)
}

// run decides a slot and keeps what was decided.
func (w *world) run(d steward.Day) playbooks.Outcome {
	out := w.at(six(d)).Decide()
	w.keep(out, len(out.Changes))
	w.finish(out)
	return out
}

// keep writes the first n changes of an outcome.
func (w *world) keep(out playbooks.Outcome, n int) {
	for _, c := range out.Changes[:n] {
		w.write(c)
	}
}

func (w *world) write(c steward.Change) {
	for _, st := range c.Phases {
		w.memory.Phases[playbooks.KeyOf(st.Playbook, st.Subject)] = st
	}
	for _, e := range c.Enrolments {
		key := playbooks.KeyOf(e.Playbook, e.Subject)
		e.Rev++
		delete(w.memory.Open, key)
		if e.State.Open() {
			w.memory.Open[key] = e
		} else {
			w.memory.Ended[key] = e
		}
	}
	for _, o := range c.Outreach {
		w.memory.Outreach[o.Enrolment] = append(w.memory.Outreach[o.Enrolment], o)
	}
	for _, m := range c.Messages {
		if _, ok := w.memory.Messages[m.ID]; ok {
			continue
		}
		if w.sends && m.State == steward.Planned {
			m.State, m.Settled = steward.Sent, m.Planned
		}
		w.memory.Messages[m.ID] = m
	}
	w.records = append(w.records, c.Records...)
}

// finish closes the run: states are kept and clear phases forgotten.
func (w *world) finish(out playbooks.Outcome) {
	for _, st := range out.States {
		w.memory.States[st.Playbook] = st
	}
	for key, st := range w.memory.Phases {
		if st.Phase == steward.Clear {
			delete(w.memory.Phases, key)
		}
	}
}

// advance is one minute's work on the facts of a slot.
func (w *world) advance(slot steward.Slot, now time.Time) {
	s := w.at(slot, now)
	for key, e := range w.memory.Open {
		p := s.Advance(e, w.memory.Phases[key])
		c := steward.Change{Outreach: p.Outreach, Messages: p.Messages, Records: p.Records}
		if p.Moved || len(p.Outreach)+len(p.Records) > 0 {
			c.Enrolments = []steward.Enrolment{p.Enrolment}
		}
		w.write(c)
	}
}

func account(id string) steward.Subject {
	return steward.Subject{Kind: steward.AboutAccount, ID: id, Account: steward.AccountID(id)}
}

func (w *world) phase(p, id string) steward.PhaseState {
	return w.memory.Phases[playbooks.KeyOf(steward.PlaybookName(p), account(id))]
}

// enrolment is the open one, else the one that ended last.
func (w *world) enrolment(p string, s steward.Subject) (steward.Enrolment, bool) {
	key := playbooks.KeyOf(steward.PlaybookName(p), s)
	if e, ok := w.memory.Open[key]; ok {
		return e, true
	}
	e, ok := w.memory.Ended[key]
	return e, ok
}

func (w *world) must(p, id string) steward.Enrolment {
	w.t.Helper()
	e, ok := w.enrolment(p, account(id))
	if !ok {
		w.t.Fatalf("%s has no enrolment in %s", id, p)
	}
	return e
}

// said is the steps of an enrolment that a message carries, in order, and unsaid
// those that nothing carries, with why.
func (w *world) said(e steward.Enrolment) (said []string, unsaid map[string]steward.Reason) {
	unsaid = map[string]steward.Reason{}
	for _, o := range w.memory.Outreach[e.ID] {
		if o.Message != "" {
			said = append(said, o.Step)
		} else {
			unsaid[o.Step] = o.Suppressed
		}
	}
	return said, unsaid
}

// skipped is the reason last recorded for each step.
func (w *world) skipped() map[string]steward.Reason {
	out := map[string]steward.Reason{}
	for _, r := range w.records {
		if r.Step != "" {
			out[r.Step] = r.Reason
		}
	}
	return out
}

func flat(value float64, days int) []float64 {
	out := make([]float64, days)
	for i := range out {
		out[i] = value
	}
	return out
}

// join puts stretches of days after one another.
func join(parts ...[]float64) []float64 {
	var out []float64
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}
