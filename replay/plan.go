package replay

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"steward"
	"steward/playbooks"
)

// A Standing is where a subject would stand with a playbook after an evaluation.
type Standing string

// Opens begins with this evaluation; Held would, but waits for a person to
// release it; Waits has to last longer before it opens; Open began before; Ends
// was open and ends with this evaluation.
const (
	Opens Standing = "opens"
	Held  Standing = "held"
	Waits Standing = "waits"
	Open  Standing = "open"
	Ends  Standing = "ends"
)

// A Forecast is a subject that a playbook has, or would have, to do with.
type Forecast struct {
	Playbook steward.PlaybookName `json:"playbook"`
	Subject  steward.Subject      `json:"subject"`
	Name     string               `json:"name"` // the account's
	Owner    steward.OwnerID      `json:"owner,omitempty"`
	Standing Standing             `json:"standing"`
	// Reason is why it is held or ends.
	Reason steward.Reason `json:"reason,omitempty"`
	// Why is what was seen, in words.
	Why []string `json:"why,omitempty"`
}

// A Plan is what one version of a workspace would come to at a slot.
type Plan struct {
	Situation *playbooks.Situation
	Outcome   playbooks.Outcome
	// Forecasts are in order of playbook and subject.
	Forecasts []Forecast
	// Enrolled is, of a plan of the past, what was enrolled at the time. It went
	// the way that is on record.
	Enrolled map[playbooks.Key]steward.Subject
}

// PlanOf decides a situation and lists whom every playbook would have to do with.
func PlanOf(s *playbooks.Situation) Plan { return planOf(s, nil) }

// thenDays is over how many days the phases of a day in the past are worked out
// again.
const thenDays = 60

// PlanThen is the plan of a slot in the past. The phases of that day are worked
// out again, from the days before it; what was enrolled, and what had ended, is
// as the enrolments say, which are all that there ever were.
func PlanThen(s *playbooks.Situation, enrolments []steward.Enrolment) Plan {
	m := playbooks.Memory{Salt: s.Memory.Salt, Suppressed: s.Memory.Suppressed, Versions: s.Memory.Versions, States: map[steward.PlaybookName]steward.PlaybookState{},
		Phases: map[playbooks.Key]steward.PhaseState{}, Open: map[playbooks.Key]steward.Enrolment{}, Ended: map[playbooks.Key]steward.Enrolment{}}
	begin := steward.SlotAt(s.Slot.Time().AddDate(0, 0, -thenDays))
	for _, p := range s.Book.Playbooks {
		m.States[p.Name] = steward.PlaybookState{Playbook: p.Name, Version: p.Version, Condition: p.Condition, Slot: begin, LastDay: begin.Day(s.Book.Zone) - 1}
	}
	renamed, enrolled := s.Book.Renamed(), map[playbooks.Key]steward.Subject{}
	for _, e := range enrolments {
		if to, ok := renamed[e.Playbook]; ok {
			e.Playbook = to
		}
		key := playbooks.KeyOf(e.Playbook, e.Subject)
		switch {
		case !e.OpenedAt.Before(s.Now):
		case e.EndedAt.IsZero() || e.EndedAt.After(s.Now):
			enrolled[key] = e.Subject
		case m.Ended[key].EndedAt.Before(e.EndedAt):
			m.Ended[key] = e
		}
	}
	return planOf(s.At(s.Now, m), enrolled)
}

func planOf(s *playbooks.Situation, enrolled map[playbooks.Key]steward.Subject) Plan {
	out := s.Decide()
	found := map[playbooks.Key]Forecast{}
	note := func(p steward.PlaybookName, subject steward.Subject, st Standing, r steward.Reason, ev []steward.Evidence) {
		x := Forecast{Playbook: p, Subject: subject, Standing: st, Reason: r, Why: playbooks.Words(ev)}
		found[playbooks.KeyOf(p, subject)] = x
	}
	phases := maps.Clone(s.Memory.Phases)
	if phases == nil {
		phases = map[playbooks.Key]steward.PhaseState{}
	}
	for _, c := range out.Changes {
		for _, st := range c.Phases {
			phases[playbooks.KeyOf(st.Playbook, st.Subject)] = st
		}
	}
	for _, st := range phases {
		if st.Phase == steward.Pending {
			var seen []steward.Evidence
			if p, ok := s.Book.Playbook(st.Playbook); ok {
				seen = s.Seen(p, st.Subject)
			}
			note(st.Playbook, st.Subject, Waits, "", seen)
		}
	}
	for _, e := range s.Memory.Open {
		if e.State == steward.Quarantined {
			note(e.Playbook, e.Subject, Held, e.Reason, e.Evidence)
		} else {
			note(e.Playbook, e.Subject, Open, "", e.Evidence)
		}
	}
	for _, c := range out.Changes {
		for _, e := range c.Enrolments {
			switch {
			case !e.State.Open():
				note(e.Playbook, e.Subject, Ends, e.Reason, e.Evidence)
			case e.Rev > 0:
			case e.State == steward.Quarantined:
				note(e.Playbook, e.Subject, Held, e.Reason, e.Evidence)
			default:
				note(e.Playbook, e.Subject, Opens, "", e.Evidence)
			}
		}
	}
	for key, subject := range enrolled {
		note(key.Playbook, subject, Open, "", nil)
	}
	plan := Plan{Situation: s, Outcome: out, Enrolled: enrolled}
	accounts := s.Frame.View(steward.AboutAccount)
	for _, x := range found {
		if row, ok := accounts.Row(string(x.Subject.Account)); ok {
			x.Name, x.Owner = accounts.Account(row).Name, accounts.Account(row).Owner
		}
		plan.Forecasts = append(plan.Forecasts, x)
	}
	slices.SortFunc(plan.Forecasts, func(a, b Forecast) int {
		return cmp.Or(strings.Compare(string(a.Playbook), string(b.Playbook)), strings.Compare(string(a.Subject.Kind), string(b.Subject.Kind)), strings.Compare(a.Subject.ID, b.Subject.ID))
	})
	return plan
}

// Drafts is what the playbook's steps would say about a forecast.
func (p Plan) Drafts(x Forecast) []playbooks.Draft {
	book, ok := p.Situation.Book.Playbook(x.Playbook)
	if !ok {
		return nil
	}
	return p.Situation.Drafts(book, x.Subject)
}

// Accounts is how many accounts are in the portfolio.
func (p Plan) Accounts() int {
	n := 0
	view := p.Situation.Frame.View(steward.AboutAccount)
	for row := range view.Len() {
		if p.Situation.InPortfolio(view.Account(row).ID) == steward.Holds {
			n++
		}
	}
	return n
}

// FieldsSince is the first day on which accounts' fields are recorded, where that
// is after the plan's own: before it they are taken as they were at first.
func (p Plan) FieldsSince() (day steward.Day, late bool) {
	portfolio := p.Situation.Frame.Portfolio()
	day = steward.NoDay
	for _, a := range portfolio.Accounts {
		past, kept := portfolio.History[steward.HistoryKey{Kind: steward.AboutAccount, ID: string(a.ID)}]
		if !kept {
			continue
		}
		since := max(past.Since, past.Seen)
		if day == steward.NoDay || since < day {
			day = since
		}
	}
	return day, day != steward.NoDay && day > p.Situation.Slot.Day(p.Situation.Book.Zone)
}

// A Comparison is how the plans of two versions of a workspace differ, on the
// same facts and with the same memory.
type Comparison struct {
	Slot steward.Slot `json:"slot"`
	// Against names the version compared with; "" where there is none, and then
	// what opens in this evaluation is what is new.
	Against string `json:"against,omitempty"`
	// Accounts is how many there are in the portfolio.
	Accounts                int                  `json:"accounts"`
	Playbooks               []PlaybookComparison `json:"playbooks"`
	Owners                  []OwnerComparison    `json:"owners"`
	Newly, NoLonger, Change int                  `json:"-"`
}

// Share is the part of the portfolio's accounts for which something newly opens.
func (c Comparison) Share() float64 {
	accounts := map[steward.AccountID]bool{}
	for _, p := range c.Playbooks {
		for _, x := range p.Newly {
			accounts[x.Subject.Account] = true
		}
	}
	if c.Accounts == 0 {
		return 0
	}
	return float64(len(accounts)) / float64(c.Accounts)
}

// A PlaybookComparison is how one playbook's plans differ.
type PlaybookComparison struct {
	Playbook steward.PlaybookName `json:"playbook"`
	Title    string               `json:"title,omitempty"`
	// Notes say what to know beside the numbers: that the playbook is new, that its
	// condition is and what that means, that it cannot be judged.
	Notes []string `json:"notes,omitempty"`
	// Before and After count by standing.
	Before map[Standing]int `json:"before,omitempty"`
	After  map[Standing]int `json:"after,omitempty"`
	// Newly is whom it has to do with now and had not, NoLonger whom it had.
	Newly    []Forecast `json:"newly,omitempty"`
	NoLonger []Forecast `json:"no_longer,omitempty"`
	Changed  []Changed  `json:"changed,omitempty"`
	Samples  []Sample   `json:"samples,omitempty"`
}

// Quiet tells that nothing about the playbook differs.
func (p PlaybookComparison) Quiet() bool {
	return len(p.Newly)+len(p.NoLonger)+len(p.Changed)+len(p.Notes) == 0
}

// A Changed is a forecast of both versions for whom something else would happen.
type Changed struct {
	Forecast
	Was Standing `json:"was"`
	// Steps says, of each step that differs, in what.
	Steps []string `json:"steps,omitempty"`
}

// A Sample is what the steps would say about one forecast.
type Sample struct {
	Forecast
	Drafts []playbooks.Draft `json:"drafts"`
}

// An OwnerComparison is how the plans differ for one owner's accounts.
type OwnerComparison struct {
	Owner    steward.OwnerID `json:"owner"`
	Name     string          `json:"name,omitempty"`
	Newly    int             `json:"newly"`
	NoLonger int             `json:"no_longer"`
	Changed  int             `json:"changed"`
}

// Compare says how the plan of a version differs from that of another; base is
// nil where there is no other. samples is how many forecasts of each playbook to
// write messages for.
func Compare(base *Plan, next Plan, against string, samples int) Comparison {
	c := comparing{base: base, next: next, owners: map[steward.OwnerID]*OwnerComparison{}, samples: samples}
	c.Slot, c.Against, c.Accounts = next.Situation.Slot, against, next.Accounts()
	before, after := map[steward.PlaybookName][]Forecast{}, byPlaybook(next.Forecasts)
	names := map[steward.PlaybookName]bool{}
	for _, p := range next.Situation.Book.Playbooks {
		names[p.Name] = true
	}
	if base != nil {
		renamed := next.Situation.Book.Renamed()
		for name, list := range byPlaybook(base.Forecasts) {
			before[c.nameNow(name, renamed)] = list
		}
		for _, p := range base.Situation.Book.Playbooks {
			names[c.nameNow(p.Name, renamed)] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		c.Playbooks = append(c.Playbooks, c.playbook(name, before[name], after[name]))
	}
	for _, id := range slices.Sorted(maps.Keys(c.owners)) {
		c.Owners = append(c.Owners, *c.owners[id])
	}
	return c.Comparison
}

// comparing is one comparison under way.
type comparing struct {
	Comparison
	base    *Plan
	next    Plan
	owners  map[steward.OwnerID]*OwnerComparison
	samples int
}

// nameNow is what a playbook of the base is called by now.
func (c *comparing) nameNow(name steward.PlaybookName, renamed map[steward.PlaybookName]steward.PlaybookName) steward.PlaybookName {
	if to, ok := renamed[name]; ok {
		if _, still := c.next.Situation.Book.Playbook(name); !still {
			return to
		}
	}
	return name
}

func byPlaybook(list []Forecast) map[steward.PlaybookName][]Forecast {
	out := map[steward.PlaybookName][]Forecast{}
	for _, x := range list {
		out[x.Playbook] = append(out[x.Playbook], x)
	}
	return out
}

func (c *comparing) playbook(name steward.PlaybookName, before, after []Forecast) PlaybookComparison {
	out := PlaybookComparison{Playbook: name, Before: tally(before), After: tally(after)}
	was, is := c.both(name)
	if p := cmp.Or(is, was); p != nil {
		out.Title = p.Title
	}
	out.Notes = c.notes(name, was, is)
	old := map[string]Forecast{}
	for _, x := range before {
		old[x.Subject.String()] = x
	}
	alike := was != nil && is != nil && c.alike(was, is)
	for _, x := range after {
		o, known := old[x.Subject.String()]
		delete(old, x.Subject.String())
		known = known && o.Standing != Ends
		switch {
		case c.base == nil:
			if x.Standing == Opens || x.Standing == Held && c.isNew(x) {
				out.Newly = append(out.Newly, x)
			}
		case !known && x.Standing != Ends:
			out.Newly = append(out.Newly, x)
		case known && x.Standing == Ends:
			out.NoLonger = append(out.NoLonger, x)
		case known:
			if ch, differs := c.changed(was, is, o, x, alike); differs {
				out.Changed = append(out.Changed, ch)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(old)) {
		if x := old[key]; x.Standing != Ends {
			x.Playbook = name
			out.NoLonger = append(out.NoLonger, x)
		}
	}
	c.count(out)
	out.Samples = c.sampled(out)
	return out
}

// isNew tells a forecast that is held by this evaluation from one that was.
func (c *comparing) isNew(x Forecast) bool {
	_, known := c.next.Situation.Memory.Open[playbooks.KeyOf(x.Playbook, x.Subject)]
	return !known
}

// both is the playbook as it was and as it is; nil where it is not there.
func (c *comparing) both(name steward.PlaybookName) (was, is *playbooks.Playbook) {
	is, _ = c.next.Situation.Book.Playbook(name)
	if c.base == nil {
		return nil, is
	}
	was, ok := c.base.Situation.Book.Playbook(name)
	if !ok && is != nil && is.Was != "" {
		was, _ = c.base.Situation.Book.Playbook(is.Was)
	}
	return was, is
}

func (c *comparing) notes(name steward.PlaybookName, was, is *playbooks.Playbook) []string {
	var out []string
	switch {
	case c.base == nil:
	case is == nil:
		out = append(out, "is removed: what is open of it ends")
	case was == nil:
		out = append(out, "is new"+c.firstRun(is))
	default:
		if was.Name != is.Name {
			out = append(out, "was called "+string(was.Name)+": what is open goes on under the new name")
		}
		if was.Condition != is.Condition {
			out = append(out, "has another condition"+c.firstRun(is))
		} else if was.Version != is.Version {
			out = append(out, "is edited; what is open finishes on the steps it began with")
		}
	}
	for _, p := range []struct {
		which string
		plan  *Plan
	}{{"cannot be judged", &c.next}, {"could not be judged in the version compared with", c.base}} {
		if p.plan == nil {
			continue
		}
		at := name
		if p.plan == c.base && was != nil {
			at = was.Name
		}
		if t := p.plan.Outcome.Tally[at]; t != nil && t.Fault != "" {
			out = append(out, p.which+": "+t.Fault)
		}
	}
	return out
}

// firstRun says what a condition's first run means; nothing where it has run, or
// the playbook has none.
func (c *comparing) firstRun(p *playbooks.Playbook) string {
	switch {
	case p.Kind == playbooks.Rhythm || c.next.Situation.Memory.States[p.Name].Condition == p.Condition:
		return ""
	case p.Backfill:
		return ", and backfill: true opens at its first run what holds already"
	}
	return ": what begins at its first run is held until somebody releases it"
}

// alike tells that nothing about what a playbook does or says has been edited,
// so that its drafts need not be compared.
func (c *comparing) alike(was, is *playbooks.Playbook) bool {
	return was.Version == is.Version && c.base.Situation.Book.SaysAlike(c.next.Situation.Book, was, c.Slot.Day(c.next.Situation.Book.Zone))
}

func (c *comparing) changed(was, is *playbooks.Playbook, old, x Forecast, alike bool) (Changed, bool) {
	ch := Changed{Forecast: x, Was: old.Standing}
	if !alike && was != nil && is != nil {
		ch.Steps = differences(c.base.Drafts(Forecast{Playbook: was.Name, Subject: x.Subject}), c.next.Drafts(x))
	}
	return ch, ch.Was != x.Standing || len(ch.Steps) > 0
}

// differences says of each step that differs in what.
func differences(was, is []playbooks.Draft) []string {
	old := map[string]playbooks.Draft{}
	for _, d := range was {
		old[d.Step] = d
	}
	var out []string
	for _, d := range is {
		o, known := old[d.Step]
		delete(old, d.Step)
		switch {
		case !known:
			out = append(out, d.Step+": is new")
		case !o.Same(d):
			out = append(out, d.Step+": "+difference(o, d))
		}
	}
	for _, d := range was {
		if _, gone := old[d.Step]; gone {
			out = append(out, d.Step+": is gone")
		}
	}
	return out
}

func difference(o, d playbooks.Draft) string {
	var out []string
	if who, now := addressee(o), addressee(d); who != now {
		out = append(out, "to "+now+" instead of "+who)
	} else if o.To != d.To {
		out = append(out, "reaches "+now+" in another way")
	}
	if o.How != d.How {
		out = append(out, d.How+" instead of "+o.How)
	}
	if o.When != d.When {
		out = append(out, "other conditions or waits")
	}
	if o.Text() != d.Text() {
		out = append(out, "other words")
	}
	return strings.Join(out, "; ")
}

// addressee is who a draft is for, without an address.
func addressee(d playbooks.Draft) string {
	switch {
	case d.Why != "" && d.Content == nil:
		return "nobody"
	case d.To.Name == "" || d.To.Name == d.To.Key:
		return d.To.Key
	}
	return fmt.Sprintf("%s (%s)", d.To.Name, strings.ReplaceAll(strings.TrimPrefix(d.To.Key, "role:"), "_", " "))
}

func tally(list []Forecast) map[Standing]int {
	out := map[Standing]int{}
	for _, x := range list {
		out[x.Standing]++
	}
	return out
}

func (c *comparing) count(p PlaybookComparison) {
	owner := func(id steward.OwnerID) *OwnerComparison {
		o := c.owners[id]
		if o == nil {
			known, _ := c.next.Situation.Book.Owner(id)
			o = &OwnerComparison{Owner: id, Name: known.Name}
			c.owners[id] = o
		}
		return o
	}
	for _, x := range p.Newly {
		owner(x.Owner).Newly++
	}
	for _, x := range p.NoLonger {
		owner(x.Owner).NoLonger++
	}
	for _, x := range p.Changed {
		owner(x.Owner).Changed++
	}
	c.Newly, c.NoLonger, c.Change = c.Newly+len(p.Newly), c.NoLonger+len(p.NoLonger), c.Change+len(p.Changed)
}

// sampled writes the messages of the first few forecasts that differ: the new
// ones before those that change.
func (c *comparing) sampled(p PlaybookComparison) []Sample {
	list := slices.Clone(p.Newly)
	for _, ch := range p.Changed {
		if len(ch.Steps) > 0 {
			list = append(list, ch.Forecast)
		}
	}
	var out []Sample
	for _, x := range list[:min(max(c.samples, 0), len(list))] {
		out = append(out, Sample{Forecast: x, Drafts: c.next.Drafts(x)})
	}
	return out
}
