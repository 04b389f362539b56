package playbooks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"steward"
)

// claimStep is how finely the time for a claim is counted.
const claimStep = 15 * time.Minute

// claimBy is until when a card that was sent to a pool is to be claimed, to the
// next quarter of an hour. Less than a day is counted in working hours: nobody
// looks at a channel at night.
func (b *Book) claimBy(pool steward.Owner, sent time.Time) time.Time {
	t := sent.Add(claimStep - 1).Truncate(claimStep)
	if pool.ClaimWithin >= 24*time.Hour || b.Hours.IsZero() {
		return t.Add(pool.ClaimWithin)
	}
	zone := b.Zone
	if pool.Zone != nil {
		zone = pool.Zone
	}
	for left := pool.ClaimWithin; left > 0; left -= claimStep {
		t = b.Hours.Next(t, zone).Add(claimStep)
	}
	return t
}

// ClaimedPools is the pools whose cards somebody has to claim in time.
func (b *Book) ClaimedPools() []steward.OwnerID {
	var out []steward.OwnerID
	for _, o := range b.Owners {
		if o.Pool != "" && o.ClaimWithin > 0 {
			out = append(out, o.ID)
		}
	}
	return out
}

// A Lapse is cards to a pool whose time to be claimed ended at one moment: what
// the pool's manager, or ops, is told at once.
type Lapse struct {
	Pool  steward.OwnerID
	By    time.Time
	To    steward.Recipient
	Title string
	Lines []string
	Todo  string
}

// Lapsed is the cards that lie in pools for too long, of those that nobody has
// claimed, one Lapse for each pool and moment, oldest first.
func (s *Situation) Lapsed(lying []steward.Unclaimed) []Lapse {
	var out []Lapse
	for _, u := range lying {
		pool, ok := s.Book.Owner(u.Pool)
		if !ok || pool.Pool == "" || pool.ClaimWithin <= 0 {
			continue
		}
		by := s.Book.claimBy(pool, u.Sent)
		if s.Now.Before(by) {
			continue
		}
		i := slices.IndexFunc(out, func(l Lapse) bool { return l.Pool == u.Pool && l.By.Equal(by) })
		if i < 0 {
			i = len(out)
			out = append(out, s.lapse(pool, by))
		}
		out[i].Lines = append(out[i].Lines, s.lyingWords(u))
	}
	for i := range out {
		pool, _ := s.Book.Owner(out[i].Pool)
		things := "a card"
		if n := len(out[i].Lines); n > 1 {
			things = fmt.Sprintf("%d cards", n)
		}
		out[i].Title = fmt.Sprintf("Nobody claimed %s to %s in %s", things, pool.Name, spanWords(pool.ClaimWithin))
	}
	slices.SortFunc(out, func(a, b Lapse) int { return cmp.Or(a.By.Compare(b.By), cmp.Compare(a.Pool, b.Pool)) })
	return out
}

func (s *Situation) lapse(pool steward.Owner, by time.Time) Lapse {
	l := Lapse{Pool: pool.ID, By: by, Todo: "Take it on: steward claim ACCOUNT --by YOUR-ID"}
	if m, ok := s.Book.Owner(pool.Manager); ok {
		if to, found, _ := s.present(m, "manager"); found {
			l.To = to
			return l
		}
	}
	l.To = steward.Recipient{Key: "ops", Slack: s.Book.Ops, Name: s.Book.Ops}
	return l
}

// lyingWords is an unclaimed card in a line: the account, and what it was about.
func (s *Situation) lyingWords(u steward.Unclaimed) string {
	e := u.Enrolment
	line := string(e.Subject.Account)
	if a, ok := s.account(e.Subject.Account); ok && a.Name != "" {
		line += " " + a.Name
	}
	title := string(e.Playbook)
	if p, ok := s.Book.Playbook(e.Playbook); ok && p.Title != "" {
		title = p.Title
	}
	line += ": " + title
	if why := Words(e.Evidence); len(why) > 0 {
		line += " (" + strings.Join(why, "; ") + ")"
	}
	return line
}

// spanWords is a length of time as it is written.
func spanWords(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}
