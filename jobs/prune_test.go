package jobs_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/store"
)

// TestPruningChangesNoDecision lives through three years twice, once with
// pruning at every turn and as much as is allowed, and asks for the same
// openings, the same words and the same enrolments.
func TestPruningChangesNoDecision(t *testing.T) {
	for _, reentry := range []string{"", "reentry: never"} {
		t.Run(reentry, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			kept := liveThrough(newStage(t, "", reentry, ""), seed, false)
			pruned := liveThrough(newStage(t, "", reentry, ""), seed, true)
			if diff := cmp.Diff(kept.story, pruned.story); diff != "" {
				t.Errorf("what happened without pruning (-) and with it (+):\n%s", diff)
			}
			if pruned.gone.Messages == 0 || pruned.gone.Records == 0 || pruned.gone.Runs == 0 || pruned.gone.Imports == 0 ||
				reentry == "" && pruned.gone.Enrolments == 0 {
				t.Errorf("pruned: %+v", pruned.gone)
			}
		})
	}
}

type life struct {
	story []string // every opening, every end and every letter, with its day
	gone  store.Pruned
}

// liveThrough has some accounts come and go for three years, with people who
// now and then take something on or let a mail go.
func liveThrough(s *stage, seed uint64, prune bool) (out life) {
	const accounts, slots = 6, 45
	rng := rand.New(rand.NewPCG(seed, 0))
	states := map[steward.EnrolmentID]steward.EnrolmentState{}
	for range slots {
		s.now = s.now.AddDate(0, 0, 24)
		var b store.Batch
		b.Source, b.At, b.AccountFields = "crm", s.now, []string{"name", "status", "segment", "arr", "owner"}
		b.CompleteThrough, b.NewestDay = steward.NoDay, steward.NoDay
		for i := range accounts {
			id := steward.AccountID(fmt.Sprintf("a-%04d", i))
			// Below 5k it recovers, above 10k it fires, between the two it stays what
			// it is; the first accounts seldom move, so that episodes stand for years.
			arr := []float64{1000, 7000, 20_000}[rng.IntN(3)]
			if i < 2 {
				arr = []float64{7000, 20_000}[rng.IntN(2)]
			}
			b.Accounts = append(b.Accounts, steward.Account{ID: id, Name: "Account " + string(id), Status: "customer", Segment: "enterprise", Owner: "dana",
				ARR: steward.Num(arr), StartDate: steward.NoDay, RenewalDate: steward.NoDay})
			b.Contacts = append(b.Contacts, steward.Contact{ID: steward.ContactID("c-" + string(id)), Account: id, Name: "Ana Ruiz", Email: string(id) + "@example.com",
				Roles: []string{"champion"}, LastSeen: steward.NoDay})
		}
		_, err := s.db.Import(s.Context(), b)
		s.must(err)
		s.evaluate()
		for range 3 {
			s.deliver()
			s.advance()
			s.now = s.now.AddDate(0, 0, 2)
		}
		waiting, _, err := s.db.Messages(s.Context(), store.MessageFilter{State: steward.AwaitingApproval})
		s.must(err)
		slices.SortFunc(waiting, func(a, b steward.Message) int { return strings.Compare(string(a.ID), string(b.ID)) })
		for _, m := range waiting {
			switch rng.IntN(3) {
			case 0:
				s.must(s.db.Approve(s.Context(), m.ID, m.Version, "dana", s.now))
			case 1:
				s.must(s.db.Decline(s.Context(), m.ID, m.Version, "dana", "", s.now))
			}
		}
		all, err := s.db.Enrolments(s.Context(), store.EnrolmentFilter{})
		s.must(err)
		slices.SortFunc(all, func(a, b steward.Enrolment) int { return strings.Compare(string(a.ID), string(b.ID)) })
		for _, e := range all {
			if e.State.Open() && rng.IntN(4) == 0 {
				s.must(s.db.Ack(s.Context(), e.ID, "dana", s.now))
			}
			if states[e.ID] != e.State {
				states[e.ID] = e.State
				out.story = append(out.story, fmt.Sprintf("%s %s %s %s", s.now.Format(time.DateOnly), e.ID, e.State, e.Reason))
			}
		}
		s.now = s.now.Add(-6 * 24 * time.Hour)
		if prune {
			gone, err := s.db.Prune(s.Context(), s.now.AddDate(0, 0, -90))
			s.must(err)
			out.gone.Messages += gone.Messages
			out.gone.Enrolments += gone.Enrolments
			out.gone.Records += gone.Records
			out.gone.Runs += gone.Runs
			out.gone.Imports += gone.Imports
		}
	}
	for _, l := range s.provider.letters {
		out.story = append(out.story, fmt.Sprintf("%s %s", l.Message.ID, l.Content.Title))
	}
	s.must(s.db.Check(s.Context()))
	return out
}

// TestAYearStaysSmall lives through a year of accounts that come and go, and
// asks that neither memory nor the database grows once a retention has passed.
func TestAYearStaysSmall(t *testing.T) {
	s := newStage(t, "", "", "")
	size := func(name string) (heap uint64, disk int64) {
		path := filepath.Join(t.TempDir(), name)
		s.must(s.db.Backup(t.Context(), path)) // without what is free in the file
		info, err := os.Stat(path)
		s.must(err)
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, info.Size()
	}
	var heap uint64
	var disk int64
	const early, last = 35, 90
	for n := range last + 1 {
		s.now = s.now.AddDate(0, 0, 4)
		// Big for eight days, and small for as long.
		s.accounts(6, []float64{20_000, 20_000, 1000, 1000}[n%4])
		s.evaluate()
		s.deliver()
		s.advance()
		s.deliver()
		s.provider.letters = nil
		_, err := s.db.Prune(t.Context(), s.now.AddDate(0, 0, -90))
		s.must(err)
		if n == early {
			heap, disk = size("early.db")
		}
	}
	heapNow, diskNow := size("last.db")
	t.Logf("memory %d kB, then %d kB; database %d kB, then %d kB", heap>>10, heapNow>>10, disk>>10, diskNow>>10)
	if diskNow > disk+disk/5 {
		t.Errorf("the database grew from %d to %d bytes", disk, diskNow)
	}
	if heapNow > heap+2<<20 {
		t.Errorf("memory grew from %d to %d bytes", heap, heapNow)
	}
}
