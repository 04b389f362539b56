package replay

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"steward"
	"steward/facts"
	"steward/playbooks"
	"steward/series"
)

// planDay is a Thursday; slots are at six in the morning, UTC.
var planDay = steward.Date(2026, 3, 12)

func planSlot(d steward.Day) steward.Slot {
	return steward.SlotAt(d.Start(time.UTC).Add(6 * time.Hour))
}

// A version is a workspace as a plan needs it.
type version struct {
	playbooks map[string]string
	messages  map[string]string
	owners    []steward.Owner
	away      steward.OwnerID
}

func (v version) book(t rapidOrTest) *playbooks.Book {
	t.Helper()
	files := fstest.MapFS{"messages/nudge.md": {Data: []byte("Look at {{ .account.name }}.")},
		"messages/help.md": {Data: []byte("---\nfor_roles: [champion]\nsubject: About {{ .account.name }}\n---\nHi {{ .contact.first_name }}.\n\n{{ .owner.name }}")}}
	for name, text := range v.messages {
		files["messages/"+name+".md"] = &fstest.MapFile{Data: []byte(text)}
	}
	for name, text := range v.playbooks {
		files["playbooks/"+name+".yaml"] = &fstest.MapFile{Data: []byte("playbook: " + name + "\n" + text)}
	}
	owners := v.owners
	if owners == nil {
		owners = planOwners
	}
	b, problems := playbooks.Load(files, "playbooks", "messages", playbooks.Settings{File: "steward.yaml", Zone: time.UTC, Owners: owners, Unowned: "#unowned",
		Away: func(id steward.OwnerID, _ steward.Day) bool { return id == v.away }, Fields: []steward.FieldSpec{{Name: "seats", Kind: steward.NumberKind}},
		Metrics: []steward.MetricSpec{{Name: "logins", Kind: steward.Count}}})
	for _, p := range problems.Errors() {
		t.Fatalf("the book does not load: %v", p)
	}
	return b
}

type rapidOrTest interface {
	Helper()
	Fatalf(string, ...any)
}

var planOwners = []steward.Owner{{ID: "dana", Name: "Dana Reyes", Email: "dana@example.com", Backup: "sam"}, {ID: "sam", Name: "Sam Ito", Email: "sam@example.com"}}

// seated is accounts a0, a1, … with so many seats each, owned in turn.
func seated(seats ...float64) steward.Portfolio {
	var p steward.Portfolio
	for i, n := range seats {
		id := steward.AccountID(fmt.Sprintf("a%d", i))
		p.Accounts = append(p.Accounts, steward.Account{ID: id, Name: fmt.Sprintf("Account %d", i), Status: "customer", Owner: planOwners[i%2].ID, StartDate: planDay - 400,
			RenewalDate: steward.NoDay, More: map[string]steward.Value{"seats": steward.Num(n)}})
		p.Contacts = append(p.Contacts, steward.Contact{ID: steward.ContactID("c" + string(id)), Account: id, Name: "Kim Sato", Email: "kim@example.org", Roles: []string{"champion"}, LastSeen: planDay})
	}
	return p
}

func situation(b *playbooks.Book, p steward.Portfolio, day steward.Day, logins map[steward.AccountID]series.Series, m playbooks.Memory) *playbooks.Situation {
	slot := planSlot(day)
	in := facts.Input{Slot: slot, Zone: time.UTC, Portfolio: p, Fields: b.Fields}
	for _, spec := range b.Metrics {
		in.Metrics = append(in.Metrics, facts.Metric{Spec: spec, Through: day - 1, Series: logins})
	}
	return playbooks.NewSituation(b, facts.At(in), p).At(slot.Time(), m)
}

const (
	manySeats = "when: seats > 10\nbackfill: true\nsteps: [{id: nudge, slack: owner, message: nudge}]\n"
	fewSeats  = "when: seats > 5\nbackfill: true\nsteps: [{id: nudge, slack: owner, message: nudge}]\n"
)

// TestCompare: what an edit does to whom, told as one thing each.
func TestCompare(t *testing.T) {
	was := version{playbooks: map[string]string{"p": manySeats}}
	for _, tt := range []struct {
		name                    string
		was                     version
		is                      version
		newly, nolonger, change []string
		notes                   []string
	}{
		{name: "nothing", was: was, is: was},
		{name: "a comment", was: was, is: version{playbooks: map[string]string{"p": "# seats\n" + manySeats}},
			notes: []string{"p is edited; what is open finishes on the steps it began with"}},
		{name: "a wider condition", was: was, is: version{playbooks: map[string]string{"p": fewSeats}}, newly: []string{"p a1 opens"},
			notes: []string{"p has another condition, and backfill: true opens at its first run what holds already"}},
		{name: "a narrower condition, the other way round", was: version{playbooks: map[string]string{"p": fewSeats}}, is: was, nolonger: []string{"p a1 opens"},
			notes: []string{"p has another condition, and backfill: true opens at its first run what holds already"}},
		{name: "a first run", was: was, is: version{playbooks: map[string]string{"p": strings.Replace(manySeats, "backfill: true\n", "", 1)}},
			change: []string{"p a2 opens → held: "}, notes: []string{"p is edited; what is open finishes on the steps it began with"}},
		{name: "later", was: was, is: version{playbooks: map[string]string{"p": "for: 2d\n" + manySeats}},
			change: []string{"p a2 opens → waits: "}, notes: []string{"p has another condition, and backfill: true opens at its first run what holds already"}},
		{name: "a new playbook", was: was, is: version{playbooks: map[string]string{"p": manySeats, "q": "when: seats < 5\nsteps: [{id: nudge, slack: owner, message: nudge}]\n"}},
			newly: []string{"q a0 held"}, notes: []string{"q is new: what begins at its first run is held until somebody releases it"}},
		{name: "a playbook that is gone", was: version{playbooks: map[string]string{"p": manySeats, "q": manySeats}}, is: was, nolonger: []string{"q a2 opens"},
			notes: []string{"q is removed: what is open of it ends"}},
		{name: "a new name", was: was, is: version{playbooks: map[string]string{"q": "was: p\n" + manySeats}},
			change: []string{"q a2 opens: nudge: other words"}, // a card is headed by the playbook's title
			notes:  []string{"q was called p: what is open goes on under the new name", "q is edited; what is open finishes on the steps it began with"}},
		{name: "other words", was: was, is: version{playbooks: was.playbooks, messages: map[string]string{"nudge": "Call {{ .account.name }}."}},
			change: []string{"p a2 opens: nudge: other words"}},
		{name: "words that nobody would see differ", was: was, is: version{playbooks: was.playbooks, messages: map[string]string{"nudge": "Look at {{ if .account.test }}the test{{ else }}{{ .account.name }}{{ end }}."}}},
		{name: "another owner's name", was: was, is: version{playbooks: was.playbooks, owners: []steward.Owner{{ID: "dana", Name: "Dana Rojas", Email: "dana@example.com"}, planOwners[1]}},
			change: []string{"p a2 opens: nudge: to Dana Rojas (owner) instead of Dana Reyes (owner)"}},
		{name: "another address", was: was, is: version{playbooks: was.playbooks, owners: []steward.Owner{{ID: "dana", Name: "Dana Reyes", Email: "d@example.com"}, planOwners[1]}},
			change: []string{"p a2 opens: nudge: reaches Dana Reyes (owner) in another way"}},
		{name: "somebody is away", was: was, is: version{playbooks: was.playbooks, away: "dana"},
			change: []string{"p a2 opens: nudge: to Sam Ito (owner) instead of Dana Reyes (owner)"}},
		{name: "another step", was: was, is: version{playbooks: map[string]string{"p": strings.Replace(manySeats, "}]", "}, {wait: 2d}, {id: help, email: champion, message: help, approve: owner}]", 1)}},
			change: []string{"p a2 opens: help: is new"}, notes: []string{"p is edited; what is open finishes on the steps it began with"}},
		{name: "a step less and another way", was: version{playbooks: map[string]string{"p": strings.Replace(manySeats, "}]", "}, {id: help, email: champion, message: help, approve: owner}]", 1)}},
			is:     version{playbooks: map[string]string{"p": strings.Replace(manySeats, "slack: owner", "slack: \"#cs\", if: seats > 1", 1)}},
			change: []string{"p a2 opens: nudge: to #cs instead of Dana Reyes (owner); other conditions or waits; help: is gone"},
			notes:  []string{"p is edited; what is open finishes on the steps it began with"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			people := seated(2, 8, 20)
			base := PlanOf(situation(tt.was.book(t), people, planDay, nil, playbooks.Memory{}))
			c := Compare(&base, PlanOf(situation(tt.is.book(t), people, planDay, nil, playbooks.Memory{})), "before", 1)
			var newly, nolonger, change, notes []string
			for _, p := range c.Playbooks {
				for _, x := range p.Newly {
					newly = append(newly, fmt.Sprintf("%s %s %s", x.Playbook, x.Subject.ID, x.Standing))
				}
				for _, x := range p.NoLonger {
					nolonger = append(nolonger, fmt.Sprintf("%s %s %s", x.Playbook, x.Subject.ID, x.Standing))
				}
				for _, x := range p.Changed {
					st := string(x.Standing)
					if x.Was != x.Standing {
						st = string(x.Was) + " → " + st
					}
					change = append(change, fmt.Sprintf("%s %s %s: %s", x.Playbook, x.Subject.ID, st, strings.Join(x.Steps, "; ")))
				}
				for _, n := range p.Notes {
					notes = append(notes, string(p.Playbook)+" "+n)
				}
				if want := min(1, len(p.Newly)+len(slices.DeleteFunc(slices.Clone(p.Changed), func(x Changed) bool { return len(x.Steps) == 0 }))); len(p.Samples) != want {
					t.Errorf("%d samples of %s, want %d", len(p.Samples), p.Playbook, want)
				}
			}
			got := [][]string{newly, nolonger, change, notes}
			if diff := cmp.Diff([][]string{tt.newly, tt.nolonger, tt.change, tt.notes}, got); diff != "" {
				t.Errorf("newly, no longer, changed, notes (-want +got):\n%s", diff)
			}
			if c.Newly != len(newly) || c.NoLonger != len(nolonger) || c.Change != len(change) {
				t.Errorf("counted %d, %d, %d", c.Newly, c.NoLonger, c.Change)
			}
		})
	}
}

// What is open is neither new nor gone, whoever edits its condition; and a plan
// with nothing to compare with tells what this evaluation would begin.
func TestCompareWhatIsOpen(t *testing.T) {
	people := seated(20, 20)
	book := version{playbooks: map[string]string{"p": manySeats}}.book(t)
	first := PlanOf(situation(book, people, planDay, nil, playbooks.Memory{}))
	if c := Compare(nil, first, "", 0); c.Newly != 2 || c.Share() != 1 || c.Accounts != 2 || len(c.Playbooks[0].Samples) != 0 {
		t.Errorf("at first %d of %d are new, a share of %v", c.Newly, c.Accounts, c.Share())
	}
	m := remembered(first)
	next := PlanOf(situation(book, people, planDay+1, nil, m))
	if c := Compare(nil, next, "", 2); c.Newly != 0 || c.Playbooks[0].After[Open] != 2 {
		t.Errorf("the day after %d are new, and stand %v", c.Newly, c.Playbooks[0].After)
	}
	p, _ := book.Playbook("p")
	m.Versions = map[string]*playbooks.Playbook{p.Version: p}
	none := version{playbooks: map[string]string{"p": strings.Replace(manySeats, "10", "100", 1)}}.book(t)
	c := Compare(&next, PlanOf(situation(none, people, planDay+1, nil, m)), "before", 2)
	if c.NoLonger != 2 || c.Playbooks[0].NoLonger[0].Standing != Ends || c.Playbooks[0].NoLonger[0].Reason != steward.ReasonRecovered {
		t.Errorf("a condition that no longer holds: %+v", c.Playbooks[0])
	}
	if diff := cmp.Diff([]OwnerComparison{{Owner: "dana", Name: "Dana Reyes", NoLonger: 1}, {Owner: "sam", Name: "Sam Ito", NoLonger: 1}}, c.Owners); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
}

// remembered is the memory after a plan was carried out, with its messages
// still to be sent.
func remembered(p Plan) playbooks.Memory {
	m := playbooks.Memory{Phases: map[playbooks.Key]steward.PhaseState{}, Open: map[playbooks.Key]steward.Enrolment{}, Ended: map[playbooks.Key]steward.Enrolment{},
		States: map[steward.PlaybookName]steward.PlaybookState{}, Outreach: map[steward.EnrolmentID][]steward.Outreach{}, Messages: map[steward.MessageID]steward.Message{}}
	for _, c := range p.Outcome.Changes {
		for _, st := range c.Phases {
			m.Phases[playbooks.KeyOf(st.Playbook, st.Subject)] = st
		}
		for _, e := range c.Enrolments {
			e.Rev++
			m.Open[playbooks.KeyOf(e.Playbook, e.Subject)] = e
		}
		for _, o := range c.Outreach {
			m.Outreach[o.Enrolment] = append(m.Outreach[o.Enrolment], o)
		}
		for _, x := range c.Messages {
			m.Messages[x.ID] = x
		}
	}
	for _, st := range p.Outcome.States {
		m.States[st.Playbook] = st
	}
	return m
}

// Of a day that is past, phases are as they were then, what was enrolled went
// its way, and what was not would have been, unless it was cooling down.
func TestPlanThen(t *testing.T) {
	text := "when: avg(logins, 7d) < 5\nfor: 2d\ncooldown: 30d\nsteps: [{id: nudge, slack: owner, message: nudge}]\n"
	book := version{playbooks: map[string]string{"p": text}}.book(t)
	people := seated(1, 1, 1, 1, 1)
	logins := map[steward.AccountID]series.Series{}
	fall := func(id string, from steward.Day) { // ten a day until then, none since
		days := make([]float64, 400)
		for i := range days {
			if d := planDay - 300 + steward.Day(i); d < from {
				days[i] = 10
			}
		}
		s, err := series.New(planDay-300, days)
		if err != nil {
			t.Fatal(err)
		}
		logins[steward.AccountID(id)] = s
	}
	fall("a0", planDay-20) // below five since day -16: firing for long
	fall("a1", planDay-5)  // below five only yesterday: it has to last
	fall("a2", planDay+3)  // it falls later, and nobody could know
	fall("a3", planDay-20) // was enrolled then
	fall("a4", planDay-20) // had been shortly before
	then := planSlot(planDay).Time()
	enrolment := func(id string, opened, ended time.Time) steward.Enrolment {
		return steward.Enrolment{Playbook: "p", Subject: steward.Subject{Kind: steward.AboutAccount, ID: id, Account: steward.AccountID(id)}, OpenedAt: opened, EndedAt: ended, StepSince: opened}
	}
	past := []steward.Enrolment{
		enrolment("a0", then.AddDate(0, 0, 2), time.Time{}), // only later
		enrolment("a3", then.AddDate(0, 0, -9), then.AddDate(0, 0, 3)),
		enrolment("a4", then.AddDate(0, 0, -20), then.AddDate(0, 0, -9)),
	}
	// What is remembered today is of another time.
	m := playbooks.Memory{Open: map[playbooks.Key]steward.Enrolment{}}
	for _, e := range past[:1] {
		m.Open[playbooks.KeyOf(e.Playbook, e.Subject)] = e
	}
	plan := PlanThen(situation(book, people, planDay, logins, m), past)
	got := map[string]Standing{}
	for _, x := range plan.Forecasts {
		got[x.Subject.ID] = x.Standing
	}
	if diff := cmp.Diff(map[string]Standing{"a0": Opens, "a1": Waits, "a3": Open}, got); diff != "" {
		t.Errorf("standing then (-want +got):\n%s", diff)
	}
	for _, x := range plan.Forecasts {
		if x.Standing == Waits && (len(x.Why) != 1 || !strings.Contains(x.Why[0], "logins averaged")) {
			t.Errorf("%s waits because of %q", x.Subject, x.Why)
		}
	}
	if _, was := plan.Enrolled[playbooks.KeyOf("p", past[1].Subject)]; !was || len(plan.Enrolled) != 1 {
		t.Errorf("enrolled then: %v", plan.Enrolled)
	}
}

// However large a difference and however odd the names, the comment stays below
// its limit, is one table after another, and says what it leaves out.
func TestMarkdownStaysWithinItsLimit(t *testing.T) {
	odd := rapid.StringMatching(`[a-z@<>|\x60*_\[\]()#&!~ \n\r\x1b\x{202e}\x{200b}]{0,200}`)
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(r, "accounts")
		people := seated(make([]float64, n)...)
		for i := range people.Accounts {
			people.Accounts[i].Name = odd.Draw(r, "name") + strings.Repeat("x", rapid.IntRange(0, 300).Draw(r, "more"))
			people.Accounts[i].More["seats"] = steward.Num(20)
		}
		is := version{playbooks: map[string]string{"p": "max_new: 1000\n" + manySeats}, messages: map[string]string{"nudge": "{{ .account.name }} ```\n````\n@everyone " + strings.Repeat("words ", 400)}}
		base := PlanOf(situation(version{playbooks: map[string]string{"p": "when: seats > 100\nsteps: [{id: nudge, slack: owner, message: nudge}]\n"}}.book(r), people, planDay, nil, playbooks.Memory{}))
		c := Compare(&base, PlanOf(situation(is.book(r), people, planDay, nil, playbooks.Memory{})), "origin/main", 2)
		many := rapid.IntRange(1, 200).Draw(r, "playbooks")
		c.Playbooks, c.Newly = slices.Repeat(c.Playbooks, many), n*many
		text := c.Markdown(time.UTC)
		if len(text) > markdownMost {
			r.Fatalf("%d bytes", len(text))
		}
		if !strings.HasPrefix(text, fmt.Sprintf("### Steward plan: %d newly, 0 no longer, 0 changed\n", n*many)) {
			r.Fatalf("it begins %.100q", text)
		}
		if sections := strings.Count(text, "\n#### p"); sections < many && !strings.Contains(text, fmt.Sprintf("Left out, as this would be too long: %d playbook", many-sections)) {
			r.Fatalf("%d of %d playbooks are shown, and it does not say so", sections, many)
		}
		fence := ""
		columns := 0
		for _, line := range strings.Split(text, "\n") {
			switch {
			case fence == "" && strings.HasPrefix(line, "```"):
				fence = strings.TrimSuffix(line, "text")
			case fence != "":
				if line == fence {
					fence = ""
				}
			default:
				if strings.ContainsAny(line, "\x1b\r\u202e") || strings.Contains(strings.ReplaceAll(line, "@&#8203;", ""), "@") {
					r.Fatalf("a line says %q", line)
				}
				pipes := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
				if !strings.HasPrefix(line, "|") {
					columns = 0
				} else if columns == 0 {
					columns = pipes
				} else if pipes != columns {
					r.Fatalf("a row of another width than its table's: %q", line)
				}
				for _, tag := range []string{"<details>", "<summary>", "</summary>", "</details>"} {
					line = strings.ReplaceAll(line, tag, "")
				}
				if strings.ContainsAny(line, "<>") {
					r.Fatalf("HTML of the data's own: %q", line)
				}
			}
		}
		if fence != "" {
			r.Fatalf("a message is not closed")
		}
	})
}

// A comparison is the same however often it is made, and for programs too.
func TestComparisonsAreRepeatable(t *testing.T) {
	people := seated(2, 8, 20, 30)
	was, is := version{playbooks: map[string]string{"p": manySeats, "q": fewSeats}}.book(t), version{playbooks: map[string]string{"p": fewSeats, "r": fewSeats}}.book(t)
	seen := map[string]bool{}
	for range 5 {
		base := PlanOf(situation(was, people, planDay, nil, playbooks.Memory{}))
		text, err := json.Marshal(Compare(&base, PlanOf(situation(is, people, planDay, nil, playbooks.Memory{})), "before", 3))
		if err != nil {
			t.Fatal(err)
		}
		seen[string(text)] = true
	}
	if len(seen) != 1 {
		t.Errorf("%d different comparisons:\n%s", len(seen), strings.Join(slices.Collect(maps.Keys(seen)), "\n"))
	}
}
