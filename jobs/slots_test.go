package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/jobs"
	"steward/store"
)

// Clocks and engines that share one database, in a time of their own.

// yard is some workers' clocks and engines on one database.
type yard struct {
	*testing.T
	path     string
	stages   []*stage
	schedule jobs.Schedule
	takes    time.Duration // how long an evaluation decides

	mu      sync.Mutex
	running map[steward.Slot]bool
	done    []steward.Slot
}

// one is a ledger that sees to it that one run at a time is claimed. It stops
// the second, which in this time would wait for the first without an end.
type one struct {
	*ledger
	y *yard
}

func (o one) ClaimRun(ctx context.Context, job string, slot steward.Slot, now time.Time, lease time.Duration) (steward.Run, bool, error) {
	o.y.mu.Lock()
	defer o.y.mu.Unlock()
	run, claimed, err := o.ledger.ClaimRun(ctx, job, slot, now, lease)
	if claimed {
		for other := range o.y.running {
			o.y.Errorf("%s was claimed while %s was being worked on", slot, other)
			return run, false, err
		}
		o.y.running[slot] = true
	}
	return run, claimed, err
}

func (o one) FinishRun(ctx context.Context, run steward.Run, states []steward.PlaybookState, now time.Time, summary any, fault string) error {
	o.y.mu.Lock()
	defer o.y.mu.Unlock()
	delete(o.y.running, run.Slot)
	return o.ledger.FinishRun(ctx, run, states, now, summary, fault)
}

func newYard(t *testing.T, workers, accounts int, expr string) *yard {
	t.Helper()
	y := &yard{T: t, path: filepath.Join(t.TempDir(), "steward.db"), running: map[steward.Slot]bool{}}
	for range workers {
		y.stages = append(y.stages, newStage(t, y.path, "max_new: 50", ""))
	}
	y.stages[0].accounts(accounts, 20_000)
	var err error
	if y.schedule, err = jobs.ParseSchedule(expr, time.UTC); err != nil {
		t.Fatal(err)
	}
	return y
}

// run lets the clocks run for a while from first on. then looks at what came of
// it, while the database is still open.
func (y *yard) run(d time.Duration, then func(s *stage)) {
	synctest.Test(y.T, func(t *testing.T) {
		time.Sleep(time.Until(first))
		ctx, cancel := context.WithCancel(t.Context())
		var clocks sync.WaitGroup
		for _, s := range y.stages {
			// Opened in here, so that what waits in it waits in this time.
			db, err := store.Open(ctx, y.path, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			s.T, s.db, s.ledger.DB, s.Now = t, db, db, time.Now
			s.Engine.Ledger, s.ledger.standing = one{s.ledger, y}, func() { time.Sleep(y.takes) }
			clocks.Go(func() { y.clock(ctx, s) })
		}
		time.Sleep(d)
		cancel()
		clocks.Wait()
		then(y.stages[0])
	})
}

// clock runs one worker's clock. Its queue has one hand for evaluations, as the
// worker's has, and knows the id of a task that waits or is being done.
func (y *yard) clock(ctx context.Context, s *stage) {
	s.Overtaken = func(slot steward.Slot) bool { return !y.schedule.Next(slot).Time().After(time.Now()) }
	s.Observe = func(r jobs.Report) {
		y.mu.Lock()
		defer y.mu.Unlock()
		y.done = append(y.done, r.Slot)
	}
	handle := s.HandleEvaluation(func(context.Context, steward.Slot) error { return nil }, func(context.Context) error { return nil })
	var mu sync.Mutex
	held := map[string]bool{}
	tasks := make(chan jobs.Task, 100)
	var hand sync.WaitGroup
	hand.Go(func() {
		for t := range tasks {
			if err := handle(context.Background(), t.Payload); err != nil {
				y.Errorf("evaluate %s: %v", t.ID, err)
			}
			mu.Lock()
			delete(held, t.ID)
			mu.Unlock()
		}
	})
	err := (&jobs.Clock{}).Run(ctx, []jobs.Job{{Name: "evaluate", Schedule: y.schedule, Again: 5 * time.Minute, Last: s.LastSlot,
		Do: func(_ context.Context, slot steward.Slot) error {
			t, err := jobs.EvaluationTask(slot)
			mu.Lock()
			defer mu.Unlock()
			if err == nil && !held[t.ID] {
				held[t.ID] = true
				tasks <- t
			}
			return err
		}}})
	if err != nil {
		y.Error(err)
	}
	close(tasks)
	hand.Wait()
}

// Two schedulers on one store: whoever comes first, each slot is evaluated once
// and nothing is opened twice.
func TestTwoSchedulersOneStore(t *testing.T) {
	const accounts = 20
	y := newYard(t, 2, accounts, "0 */6 * * *")
	y.run(5*24*time.Hour+time.Minute, func(s *stage) {
		all, err := s.db.Enrolments(s.Context(), store.EnrolmentFilter{})
		s.must(err)
		if len(all) != accounts || len(s.messages(steward.Card)) != accounts {
			t.Errorf("%d enrolments and %d cards, want %d of each", len(all), len(s.messages(steward.Card)), accounts)
		}
		runs, err := s.db.Runs(s.Context(), jobs.Evaluation, 0)
		s.must(err)
		for _, r := range runs {
			if r.State != store.RunDone || r.Term != 1 {
				t.Errorf("the run of %s is %s in term %d", r.Slot, r.State, r.Term)
			}
		}
	})
	var want []steward.Slot
	for at := first; !at.After(first.AddDate(0, 0, 5)); at = at.Add(6 * time.Hour) {
		want = append(want, steward.SlotAt(at))
	}
	slices.SortFunc(y.done, func(a, b steward.Slot) int { return a.Time().Compare(b.Time()) })
	if !slices.Equal(y.done, want) {
		t.Errorf("evaluated %v\nwant %v", y.done, want)
	}
}

// An evaluation that takes longer than its period, and than the lease of its
// run: the slots meanwhile are passed by, the next to begin is the latest, and
// nobody takes over what is still being worked on.
func TestRunThatTakesLongerThanItsPeriod(t *testing.T) {
	for _, workers := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			y := newYard(t, workers, 3, "* * * * *")
			y.takes = 2*time.Minute + 40*time.Second
			y.run(30*time.Minute+10*time.Second, func(s *stage) {
				runs, err := s.db.Runs(s.Context(), jobs.Evaluation, 0)
				s.must(err)
				slices.Reverse(runs)
				for i, r := range runs {
					if r.State != store.RunDone || r.Term != 1 {
						t.Errorf("the run of %s is %s in term %d", r.Slot, r.State, r.Term)
					}
					if i == 0 {
						continue
					}
					if before := runs[i-1]; r.Started.Before(before.Finished) {
						t.Errorf("%s began before %s was over", r.Slot, before.Slot)
					}
					if late := r.Started.Sub(r.Slot.Time()); late >= time.Minute {
						t.Errorf("%s began %s late, when a later slot was due", r.Slot, late)
					}
				}
				if len(runs) < 11 || len(runs) > 12 {
					t.Errorf("%d runs in half an hour, want one after the other", len(runs))
				}
			})
		})
	}
}

// A worker stalls in the middle of writing a run, for as long as the lease and
// longer, and wakes when another has taken over, or has done the whole of it.
// What it then tries to write is refused, and all in all it is as if there had
// been one worker.
func TestAStalledWriterWakesUp(t *testing.T) {
	const accounts = 650 // four batches
	build := func(t *testing.T) *stage {
		s := newStage(t, "", "max_new: 40", "")
		s.accounts(accounts, 20_000)
		return s
	}
	whole := build(t)
	whole.evaluate()
	want := whole.dump()
	for _, batch := range []int{2, 4} {
		for _, meanwhile := range []string{"done", "half-way"} {
			t.Run(fmt.Sprintf("before batch %d, the other is %s", batch, meanwhile), func(t *testing.T) {
				a := build(t)
				slot := steward.SlotAt(a.now)
				b := a.restarted()
				b.ledger = &ledger{DB: a.db}
				// An hour lies between the two; renewals stood still with the first.
				a.now = a.now.Add(-time.Hour)
				b.Engine.Ledger = b.ledger
				takeOver := func() {
					if r, err := b.Evaluate(t.Context(), slot); err != nil || r.Skipped {
						t.Errorf("the other could not take over: skipped %v, %v", r.Skipped, err)
					}
				}
				wake, asleep := make(chan struct{}), make(chan struct{})
				a.ledger.commit = func(n int) error {
					if n == batch {
						close(asleep)
						<-wake
					}
					return nil
				}
				stale := make(chan error)
				go func() {
					_, err := a.Evaluate(context.Background(), slot)
					stale <- err
				}()
				<-asleep
				if meanwhile == "done" {
					takeOver()
					close(wake)
					if err := <-stale; !errors.Is(err, store.ErrStaleTerm) {
						t.Errorf("the first is told %v", err)
					}
				} else {
					// It wakes between two of the other's writes.
					b.ledger.commit = func(n int) error {
						if n == 2 {
							close(wake)
							if err := <-stale; !errors.Is(err, store.ErrStaleTerm) {
								t.Errorf("the first is told %v", err)
							}
						}
						return nil
					}
					takeOver()
				}
				if diff := cmp.Diff(want, b.dump()); diff != "" {
					t.Errorf("it is not as one worker leaves it (-one +both):\n%.3000s", diff)
				}
				run, _, err := a.db.LastRun(t.Context(), jobs.Evaluation)
				a.must(err)
				if run.State != store.RunDone || run.Term != 2 {
					t.Errorf("the run is %s in term %d", run.State, run.Term)
				}
			})
		}
	}
}

// A clock that is stepped back for good leaves the facts of a time to come:
// nothing goes on and nothing is said on them. Steps of minutes are no matter,
// and once a person has taken that evaluation back and there is a new one, all
// goes on in the same process.
func TestFactsOfATimeToComeAreNotActedOn(t *testing.T) {
	s := newStage(t, "", "", "")
	right := s.now
	s.now = right.Add(365 * 24 * time.Hour)
	s.accounts(1, 20_000)
	s.evaluate()
	card := s.message(steward.Card)

	s.now = right
	s.must(s.Deliver(t.Context(), card.ID, card.Epoch))
	if m := s.message(steward.Card); m.State != steward.Deferred || m.Reason != steward.ReasonUnknownAtSend || s.provider.count(steward.Card) != 0 {
		t.Errorf("the card is %s (%s), and %d were sent", m.State, m.Reason, s.provider.count(steward.Card))
	}
	if r, err := s.Evaluate(t.Context(), steward.SlotAt(right)); err != nil || !r.Skipped {
		t.Errorf("a slot went backwards unasked: %+v, %v", r, err)
	}

	_, err := s.db.Rewind(t.Context(), right)
	s.must(err)
	s.advance()
	if s.deliver(); s.provider.count(steward.Card) != 0 {
		t.Error("the card went out on facts that were taken back")
	}
	if r := s.evaluate(); r.Skipped {
		t.Fatal("after it was taken back nothing is evaluated")
	}
	s.now = right.Add(time.Hour)
	s.deliver()
	if m := s.message(steward.Card); m.State != steward.Sent {
		t.Errorf("after a new evaluation the card is %s (%s)", m.State, m.Reason)
	}
	s.now = right.Add(-30 * time.Minute) // a small step
	s.advance()
	s.now = right.Add(26 * time.Hour)
	s.advance()
	if len(s.messages(steward.Card)) != 2 {
		t.Error("the enrolment did not go on to its next step")
	}
}

// Nor does an enrolment that a person moves meanwhile go on upon them.
func TestFactsOfATimeToComeMoveNothing(t *testing.T) {
	s := newStage(t, "", "", "")
	right := s.now
	s.now = right.Add(365 * 24 * time.Hour)
	s.accounts(1, 20_000)
	s.evaluate()
	s.deliver()
	s.advance()
	s.now = right
	s.must(s.db.Ack(t.Context(), s.enrolment().ID, "dana", s.now)) // ends the wait
	if moved := s.advance(); moved.Enrolments != 0 || len(s.messages(steward.Mail)) != 0 {
		t.Errorf("it went on: %+v", moved)
	}
	_, err := s.db.Rewind(t.Context(), right)
	s.must(err)
	s.evaluate()
	s.advance()
	if m := s.message(steward.Mail); m.State != steward.AwaitingApproval {
		t.Errorf("after a new evaluation the mail is %s (%s)", m.State, m.Reason)
	}
}
