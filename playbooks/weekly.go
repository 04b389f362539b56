package playbooks

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"steward"
)

// The weekly digest is for whoever is somebody's manager: about the accounts of
// their people, and never about the people.

// Over what the weekly digest looks back, and ahead.
const (
	weekDays     = 7
	untakenAfter = 3 * 24 * time.Hour
	renewalAhead = 90
	weeklyLasts  = 3 * 24 * time.Hour
)

// managers are the owners who are somebody's manager.
func (b *Book) managers() []steward.Owner {
	var out []steward.Owner
	for _, o := range b.Owners {
		if o.Pool == "" && slices.ContainsFunc(b.Owners, func(x steward.Owner) bool { return x.Manager == o.ID }) {
			out = append(out, o)
		}
	}
	return out
}

// weeklyAt is when a manager's digest of the week of a day goes.
func (b *Book) weeklyAt(o steward.Owner, day steward.Day) (time.Time, steward.Day) {
	at := day
	for at.Weekday() != b.Digest.Weekly.Day {
		at--
	}
	return at.At(b.Digest.Weekly.At, b.zoneOfOwner(o)), at
}

// WeekliesDue are the managers whose weekly digest's time came within the last
// day, with the day that names the week.
func (b *Book) WeekliesDue(now time.Time) map[steward.OwnerID]steward.Day {
	out := map[steward.OwnerID]steward.Day{}
	if b.Digest.Weekly == nil {
		return out
	}
	for _, o := range b.managers() {
		if at, day := b.weeklyAt(o, steward.DayOf(now, b.zoneOfOwner(o))); !now.Before(at) && now.Before(at.Add(24*time.Hour)) {
			out[o.ID] = day
		}
	}
	return out
}

// weeklyMoments are when weekly digests go, after one moment and before another.
func (b *Book) weeklyMoments(after, before time.Time) []time.Time {
	if b.Digest.Weekly == nil {
		return nil
	}
	var out []time.Time
	for _, o := range b.managers() {
		for day := steward.DayOf(after, b.zoneOfOwner(o)); day <= steward.DayOf(before, b.zoneOfOwner(o)); day++ {
			if at, _ := b.weeklyAt(o, day); at.After(after) && at.Before(before) {
				out = append(out, at.UTC())
			}
		}
	}
	return out
}

// AccountsUnder are the accounts of a manager's people.
func (s *Situation) AccountsUnder(manager steward.OwnerID) []steward.AccountID {
	var out []steward.AccountID
	view := s.accounts()
	for row := range view.Len() {
		a := s.ownedBy(*view.Account(row))
		if o, ok := s.Book.owners[a.Owner]; ok && o.Manager == manager && s.InPortfolio(a.ID) == steward.Holds {
			out = append(out, a.ID)
		}
	}
	return out
}

// WeekAsks is from when a week's doings are told, and before when a card has to
// have gone to count as one that nobody took on.
func (s *Situation) WeekAsks() (since, untaken time.Time) {
	return s.Now.AddDate(0, 0, -weekDays), s.Now.Add(-untakenAfter)
}

// Weekly is a manager's digest of the week that a day names; ok is false where
// there is nothing to tell.
func (s *Situation) Weekly(manager steward.OwnerID, day steward.Day, accounts []steward.AccountID, w steward.Week) (m steward.Message, ok bool) {
	o, known := s.Book.owners[manager]
	if !known {
		return m, false
	}
	var sections []section
	for _, x := range []section{s.atRisk(accounts), s.renewals(accounts), s.untaken(w.Untaken), s.goalsReached(w.Goals), unsaid(w.Unsaid)} {
		if len(x.entries) > 0 {
			sections = append(sections, x)
		}
	}
	if !slices.ContainsFunc(sections, func(x section) bool { return x.one != "" }) {
		return m, false // what was not said is worth a line beside something else
	}
	c := steward.Content{Severity: string(Info), Footer: "About the accounts of your people, once a week · When: digest: weekly in steward.yaml"}
	var counts []string
	for _, x := range sections {
		if x.one != "" {
			counts = append(counts, x.count())
		}
		c.Parts = append(c.Parts, x.parts()...)
	}
	c.Title = "The week: " + strings.Join(counts, ", ")
	return steward.Message{ID: steward.NewMessageID(steward.Digest, weeklyKey, string(manager), day.String()), Kind: steward.Digest, Channel: steward.Slack, To: recipientOf(o, weeklyKey),
		State: steward.Planned, Due: s.Now, Planned: s.Now, Expires: s.Now.Add(weeklyLasts), Content: &c, Version: 1, RetryUncertain: true}, true
}

// atRisk is the accounts that are red, or whose grade fell within the week.
func (s *Situation) atRisk(accounts []steward.AccountID) section {
	out := section{title: "At risk, or worse than a week ago", one: "an account at risk", many: "%d accounts at risk"}
	for _, id := range s.byARR(accounts) {
		now, _ := s.Health(id, 0)
		then, _ := s.Health(id, weekDays)
		fell := now.Grade != "" && then.Grade != "" && grades[now.Grade] < grades[then.Grade]
		if now.Grade != "red" && !fell {
			continue
		}
		line := fmt.Sprintf("health %.0f, %s", now.Score.Num, now.Grade)
		moved := then.Score.Known && math.Round(then.Score.Num) != math.Round(now.Score.Num)
		switch {
		case fell && !moved: // by less than is shown
			line += fmt.Sprintf(", was %s a week ago", then.Grade)
		case fell:
			line += fmt.Sprintf(", was %.0f, %s, a week ago", then.Score.Num, then.Grade)
		case moved:
			line += fmt.Sprintf(", was %.0f a week ago", then.Score.Num)
		}
		out.entries = append(out.entries, entry{s.nameOf(id), line + s.worth(id)})
	}
	return out
}

// renewals is the accounts that renew soon and are not green.
func (s *Situation) renewals(accounts []steward.AccountID) section {
	out := section{title: fmt.Sprintf("Renews within %d days and is not green", renewalAhead), one: "a renewal that is not green", many: "%d renewals that are not green"}
	today := s.Slot.Day(s.Book.Zone)
	due := slices.Clone(accounts)
	renewal := func(id steward.AccountID) steward.Day {
		a, _ := s.account(id)
		return a.RenewalDate
	}
	slices.SortStableFunc(due, func(a, b steward.AccountID) int { return cmp.Compare(renewal(a), renewal(b)) })
	for _, id := range due {
		day := renewal(id)
		if day == steward.NoDay || day < today || day > today+renewalAhead {
			continue
		}
		h, _ := s.Health(id, 0)
		if h.Grade == "" || h.Grade == "green" {
			continue // what nobody knows is for the report on data
		}
		out.entries = append(out.entries, entry{s.nameOf(id) + ", on " + longDate(day), fmt.Sprintf("health %.0f, %s", h.Score.Num, h.Grade) + s.worth(id)})
	}
	return out
}

func (s *Situation) untaken(list []steward.Untaken) section {
	out := section{title: "Told, and taken on by nobody for three days", one: "a card nobody took", many: "%d cards nobody took"}
	for _, u := range list {
		out.entries = append(out.entries, entry{s.nameOf(u.Account) + ": " + s.playbookTitle(u.Playbook), "since " + u.Since.In(s.Book.Zone).Format("2 January") + s.worth(u.Account)})
	}
	return out
}

func (s *Situation) goalsReached(list []steward.Reached) section {
	out := section{title: "Goals reached", one: "a goal reached", many: "%d goals reached"}
	for _, g := range list {
		out.entries = append(out.entries, entry{s.nameOf(g.Account) + ": " + s.playbookTitle(g.Playbook), ""})
	}
	return out
}

// unsaid is what was not said, by why.
func unsaid(list []steward.Unsaid) section {
	out := section{title: "Not said, and why"}
	for _, u := range list {
		times := "once"
		if u.Times > 1 {
			times = fmt.Sprintf("%d times, about %d accounts", u.Times, u.Accounts)
		}
		out.entries = append(out.entries, entry{upperFirst(reasonWords(u.Reason)), times})
	}
	return out
}

// reasonWords says a reason for keeping something back as people would.
func reasonWords(r steward.Reason) string {
	if words, ok := unsaidWords[r]; ok {
		return words
	}
	return strings.ReplaceAll(string(r), "_", " ")
}

var unsaidWords = map[steward.Reason]string{
	steward.ReasonEpisodeOver:      "it was over before it was said",
	steward.ReasonExpired:          "it waited until it was no longer worth saying",
	steward.ReasonOptedOut:         "the address is on the suppression list",
	steward.ReasonNoCustomerMail:   "the account's people are not to be mailed",
	steward.ReasonHoldout:          "the account is in a holdout",
	steward.ReasonShadow:           "the playbook is in shadow",
	steward.ReasonInternalMode:     "the playbook speaks to nobody at customers yet",
	steward.ReasonNotInPortfolio:   "the account is not one that Steward acts on",
	steward.ReasonPlaybookDisabled: "the playbook was switched off",
	steward.ReasonDeclined:         "somebody declined it",
	steward.ReasonTaskDone:         "the task was done",
	steward.ReasonRefused:          "the provider would not take it",
	steward.ReasonCompose:          "it could not be worded",
}

func (s *Situation) playbookTitle(p steward.PlaybookName) string {
	if q, ok := s.Book.Playbook(p); ok {
		return q.Title
	}
	return string(p)
}

// worth is what an account brings in, as the end of a line.
func (s *Situation) worth(id steward.AccountID) string {
	if a, ok := s.account(id); ok && a.ARR.Known {
		return " · " + money(a.ARR.Num, plainLine(a.Currency))
	}
	return ""
}

// byARR is accounts, what brings in most first.
func (s *Situation) byARR(accounts []steward.AccountID) []steward.AccountID {
	worth := map[steward.AccountID]float64{}
	for _, id := range accounts {
		if a, ok := s.account(id); ok && a.ARR.Known {
			worth[id] = a.ARR.Num
		}
	}
	out := slices.Clone(accounts)
	slices.SortStableFunc(out, func(a, b steward.AccountID) int { return cmp.Compare(worth[b], worth[a]) })
	return out
}
