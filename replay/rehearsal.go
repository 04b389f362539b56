package replay

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"steward"
)

// A Rehearsal is what playbooks did over a stretch of simulated days, beside
// the truth of the portfolio.
type Rehearsal struct {
	Accounts int         `json:"accounts"`
	Seed     uint64      `json:"seed"`
	From     steward.Day `json:"from"`
	To       steward.Day `json:"to"`
	// Stories is how each planted story was met; Alarms how often each playbook
	// opened, and where its story was another.
	Stories []MetStory `json:"stories"`
	Alarms  []Alarm    `json:"alarms"`
	// Attention is the most that anybody got, beside the limits.
	Attention []Attention `json:"attention"`
}

// A MetStory is how one story was met: each of its accounts by the playbook
// meant for it, only by another, or not at all.
type MetStory struct {
	Story    Story                  `json:"story"`
	Of       string                 `json:"of"`
	Meant    []steward.PlaybookName `json:"meant"`
	Accounts int                    `json:"accounts"`
	Met      int                    `json:"met"`
	Other    int                    `json:"other"`
	Missed   int                    `json:"missed"`
	// Outside is accounts that none of these playbooks is for, by their audiences.
	// They are no part of the others.
	Outside int `json:"outside"`
	// After is the median of the days from the story's beginning to the first word
	// that was said of it.
	After int `json:"after"`
	// Not is the accounts that were not met by what was meant for them.
	Not []steward.AccountID `json:"not,omitempty"`
}

// An Alarm is how often a playbook opened, and how often it came to say anything.
type Alarm struct {
	Playbook steward.PlaybookName `json:"playbook"`
	Opened   int                  `json:"opened"`
	Said     int                  `json:"said"`
	// Calendar tells a playbook that comes due for everybody and is never false.
	Calendar bool `json:"calendar"`
	// False is where it spoke of accounts whose story does not call for it, by story.
	False map[Story]int `json:"false,omitempty"`
}

// Falsely is how often it spoke and no story called for it.
func (a Alarm) Falsely() int {
	n := 0
	for _, k := range a.False {
		n += k
	}
	return n
}

// Attention is the most that one of a kind got, and what is allowed; Limit is ""
// where nothing is limited.
type Attention struct {
	What  string `json:"what"`
	Most  int    `json:"most"`
	Who   string `json:"who"`
	Limit string `json:"limit"`
	Over  bool   `json:"over"`
}

// An Opened is an enrolment that was opened, rather than held back, with the day
// on which its first message went out; NoDay where none did.
type Opened struct {
	Account  steward.AccountID
	Playbook steward.PlaybookName
	Said     steward.Day
}

// A Sent is a message that went out.
type Sent struct {
	Kind     steward.MessageKind
	Owner    steward.OwnerID
	Address  string
	Account  steward.AccountID
	At       time.Time
	Critical bool
}

// A meaning is which playbooks are meant for a story, and for how long after its
// beginning it is not too late.
type meaning struct {
	story  Story
	note   string // a part of the note that tells it from others of the story
	of     string
	meant  []steward.PlaybookName
	within steward.Day
}

// meanings is every planted story that the packs are meant for. Champions who
// left, seats that run out and seasons are no part of them: they are what people
// write themselves.
func meanings() []meaning {
	is := func(s Story, of string, within steward.Day, meant ...steward.PlaybookName) meaning {
		return meaning{story: s, of: of, meant: meant, within: within}
	}
	silent := is(RenewalNear, "renewal near, nobody has spoken", 90, "buyer-silent")
	silent.note = "had spoken"
	return []meaning{
		is(KickoffMissed, "no kick-off for weeks", 60, "kickoff-missed"),
		is(SetupStuck, "setup not done", 90, "setup-stuck"),
		is(StalledOnboarding, "few seats ever used", 150, "stalled-onboarding"),
		is(SuddenDrop, "logins fell and stayed", 30, "login-drop"),
		is(Quiet, "stopped altogether", 30, "login-drop"),
		is(Recovery, "stopped, then came back", 30, "login-drop"),
		is(SlowFade, "a little less every week", 150, "slow-fade"),
		is(ChampionQuiet, "champion not seen", 100, "champion-quiet"),
		is(FeatureUnused, "licensed and never used", 200, "feature-unused"),
		is(RenewalNear, "renewal near", 30, "renewal-120"),
		silent,
		is(TicketFire, "urgent ticket for days", 7, "ticket-fire"),
		is(TicketPile, "seven tickets in ten days", 20, "ticket-pile"),
		is(Detractor, "would not recommend us", 10, "detractor"),
	}
}

// byCalendar is the playbooks that come due for everybody, well or not.
var byCalendar = []steward.PlaybookName{"value-report", "business-review", "renewal-120", "handed-over", "pulse"}

// calls is the stories that a playbook may open for, beside those it is meant
// for: what is so of an account as well.
var calls = map[steward.PlaybookName][]Story{
	"setup-stuck":        {KickoffMissed},
	"first-value-late":   {KickoffMissed, SetupStuck, StalledOnboarding},
	"stalled-onboarding": {SetupStuck},
	"login-drop":         {Churned},
	"slow-fade":          {SuddenDrop, Quiet, Recovery, Churned},
	"champion-quiet":     {Quiet, Churned, ChampionLeft},
	"feature-unused":     {StalledOnboarding, Quiet, Churned},
	"renewal-at-risk":    {SuddenDrop, Quiet, SlowFade, Churned, StalledOnboarding, TicketFire, TicketPile, RenewalNear},
	"buyer-silent":       {RenewalNear, ChampionQuiet},
	"after-the-fire":     {TicketFire},
}

// A Reach tells whether a playbook was for an account on a day.
type Reach func(steward.PlaybookName, steward.AccountID, steward.Day) bool

// Score compares what was opened with the truth, for the playbooks that there
// are.
func (s Simulation) Score(from, to steward.Day, playbooks []steward.PlaybookName, opened []Opened, reaches Reach) Rehearsal {
	r := Rehearsal{From: from, To: to, Accounts: len(s.Truth)}
	of := map[steward.AccountID][]Opened{}
	for _, o := range opened {
		of[o.Account] = append(of[o.Account], o)
	}
	for _, m := range meanings() {
		m.meant = slices.DeleteFunc(m.meant, func(p steward.PlaybookName) bool { return !slices.Contains(playbooks, p) })
		if len(m.meant) == 0 {
			continue
		}
		if met := s.meet(m, from, to, of, reaches); met.Accounts+met.Outside > 0 {
			r.Stories = append(r.Stories, met)
		}
	}
	r.Alarms = s.alarms(playbooks, opened)
	return r
}

// meet is how a story was met where there was time to: it began inside the
// stretch, and the last day on which it is not too late lies in it.
func (s Simulation) meet(m meaning, from, to steward.Day, of map[steward.AccountID][]Opened, reaches Reach) MetStory {
	out := MetStory{Story: m.story, Of: m.of, Meant: m.meant}
	var after []int
	for _, t := range s.Truth {
		if t.Story != m.story || !strings.Contains(t.Note, m.note) || t.From <= from || t.From+m.within > to || !s.concerns(t.Account) {
			continue
		}
		first, other := m.look(t, of[t.Account])
		if first == steward.NoDay && !slices.ContainsFunc(m.meant, func(p steward.PlaybookName) bool { return reaches(p, t.Account, t.From+m.within) }) {
			out.Outside++
			continue
		}
		out.Accounts++
		switch {
		case first != steward.NoDay:
			out.Met++
			after = append(after, int(first-t.From))
			continue
		case other:
			out.Other++
		default:
			out.Missed++
		}
		out.Not = append(out.Not, t.Account)
	}
	if len(after) > 0 {
		slices.Sort(after)
		out.After = after[len(after)/2]
	}
	return out
}

// look is when the first playbook meant for the story spoke in its time, and
// whether another one about trouble did.
func (m meaning) look(t TrueStory, opened []Opened) (first steward.Day, other bool) {
	first = steward.NoDay
	for _, o := range opened {
		switch {
		case o.Said == steward.NoDay || o.Said < t.From || o.Said > t.From+m.within:
		case !slices.Contains(m.meant, o.Playbook):
			other = other || !slices.Contains(byCalendar, o.Playbook)
		case first == steward.NoDay || o.Said < first:
			first = o.Said
		}
	}
	return first, other
}

// concerns leaves out the accounts that no playbook is for: tests.
func (s Simulation) concerns(id steward.AccountID) bool {
	return !slices.ContainsFunc(s.accounts, func(a simulated) bool { return a.base.ID == id && a.base.Test })
}

func (s Simulation) alarms(playbooks []steward.PlaybookName, opened []Opened) []Alarm {
	truth := map[steward.AccountID]TrueStory{}
	for _, t := range s.Truth {
		truth[t.Account] = t
	}
	called := map[steward.PlaybookName][]Story{}
	for p, stories := range calls {
		called[p] = slices.Clone(stories)
	}
	for _, m := range meanings() {
		for _, p := range m.meant {
			called[p] = append(called[p], m.story)
		}
	}
	byName := map[steward.PlaybookName]*Alarm{}
	for _, p := range playbooks {
		byName[p] = &Alarm{Playbook: p, Calendar: slices.Contains(byCalendar, p), False: map[Story]int{}}
	}
	for _, o := range opened {
		a := byName[o.Playbook]
		if a == nil {
			continue
		}
		a.Opened++
		if o.Said == steward.NoDay {
			continue
		}
		a.Said++
		t := truth[o.Account]
		begun := t.From == steward.NoDay || o.Said >= t.From
		if !a.Calendar && !(begun && slices.Contains(called[o.Playbook], t.Story)) {
			a.False[t.Story]++
		}
	}
	var out []Alarm
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		out = append(out, *byName[name])
	}
	return out
}

// Attend works out the most that anybody got of what was sent: of cards in a day
// of the owner's own zone, of mails in a week.
func Attend(sent []Sent, limits steward.Limits, zone func(steward.OwnerID) *time.Location) []Attention {
	days, all, asked := map[string]int{}, map[string]int{}, map[string]int{}
	var mails []Sent
	for _, m := range sent {
		switch m.Kind {
		case steward.Mail:
			mails = append(mails, m)
		case steward.Card, steward.Approval:
			if m.Owner == "" {
				continue // a channel
			}
			day := fmt.Sprintf("%s on %s", m.Owner, m.At.In(zone(m.Owner)).Format("2006-01-02"))
			switch {
			case m.Kind == steward.Approval:
				asked[day]++
				continue
			case !m.Critical:
				days[day]++
			}
			all[day]++
		}
	}
	slices.SortStableFunc(mails, func(a, b Sent) int { return a.At.Compare(b.At) })
	week := 7 * 24 * time.Hour
	return []Attention{
		attention("cards to one owner in a day", days, limits.Owner),
		attention("the same, with critical ones", all, steward.Cap{}),
		attention("cards that ask one owner to approve mails, in a day", asked, steward.Cap{}),
		attention("mails to one address in "+span(limits.Address, week), busiest(mails, cmp.Or(limits.Address.Window, week), func(m Sent) string { return strings.ToLower(m.Address) }), limits.Address),
		attention("mails to one account in "+span(limits.Account, week), busiest(mails, cmp.Or(limits.Account.Window, week), func(m Sent) string { return string(m.Account) }), limits.Account),
	}
}

func span(c steward.Cap, otherwise time.Duration) string {
	return fmt.Sprintf("%d days", int(cmp.Or(c.Window, otherwise).Hours()/24))
}

// busiest is, for each key, the most mails in any stretch of a length.
func busiest(mails []Sent, length time.Duration, key func(Sent) string) map[string]int {
	times, most := map[string][]time.Time{}, map[string]int{}
	for _, m := range mails {
		k := key(m)
		kept := append(times[k], m.At)
		for !kept[0].After(m.At.Add(-length)) {
			kept = kept[1:]
		}
		times[k] = kept
		most[k] = max(most[k], len(kept))
	}
	return most
}

func attention(what string, counts map[string]int, limit steward.Cap) Attention {
	a := Attention{What: what, Limit: limit.Words}
	for _, who := range slices.Sorted(maps.Keys(counts)) {
		if counts[who] > a.Most {
			a.Most, a.Who = counts[who], who
		}
	}
	a.Over = !limit.IsZero() && a.Most > limit.Most
	return a
}

// Markdown is the rehearsal as tables.
func (r Rehearsal) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d accounts, %s to %s, seed %d.\n\n", r.Accounts, r.From, r.To, r.Seed)
	b.WriteString("| what happened | to | met by | in time | after days | only by another | not met | outside the audience |\n|---|---|---|---|---|---|---|---|\n")
	for _, s := range r.Stories {
		after := ""
		if s.Met > 0 {
			after = fmt.Sprint(s.After)
		}
		fmt.Fprintf(&b, "| %s | %d | `%s` | %d (%d %%) | %s | %d | %d | %d |\n", s.Of, s.Accounts, joinNames(s.Meant), s.Met, s.Met*100/max(1, s.Accounts), after, s.Other, s.Missed, s.Outside)
	}
	b.WriteString("\n| playbook | opened | said something | where nothing called for it |\n|---|---|---|---|\n")
	for _, a := range r.Alarms {
		said := "by the calendar"
		if !a.Calendar {
			said = fmt.Sprint(a.Falsely())
			if a.Falsely() > 0 {
				said += " (" + storyCounts(a.False) + ")"
			}
		}
		fmt.Fprintf(&b, "| `%s` | %d | %d | %s |\n", a.Playbook, a.Opened, a.Said, said)
	}
	b.WriteString("\n| the most anybody got | | limit |\n|---|---|---|\n")
	for _, a := range r.Attention {
		fmt.Fprintf(&b, "| %s | %d | %s |\n", a.What, a.Most, cmp.Or(a.Limit, "none"))
	}
	return b.String()
}

func joinNames(names []steward.PlaybookName) string {
	var parts []string
	for _, n := range names {
		parts = append(parts, string(n))
	}
	return strings.Join(parts, "`, `")
}

func storyCounts(n map[Story]int) string {
	var parts []string
	for _, s := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%d %s", n[s], strings.ReplaceAll(string(s), "_", " ")))
	}
	return strings.Join(parts, ", ")
}
