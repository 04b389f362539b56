package jobs

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A run that works for longer than its lease keeps it for as long as it works,
// and no longer.
func TestHoldRenewsWhileTheWorkGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const length = 2 * time.Minute
		until := time.Now().Add(length)
		var renewals atomic.Int32
		held, stop := hold(t.Context(), length, func(context.Context) error {
			if time.Now().After(until) {
				t.Errorf("the lease had lapsed at %s", until.Format(time.TimeOnly))
			}
			until = time.Now().Add(length)
			renewals.Add(1)
			return nil
		})
		time.Sleep(20*time.Minute + time.Second)
		if n := renewals.Load(); n != 40 {
			t.Errorf("renewed %d times in twenty minutes, want every half minute", n)
		}
		if err := held.Err(); err != nil {
			t.Errorf("the work was stopped: %v", err)
		}
		stop()
		stop()
		if held.Err() == nil {
			t.Error("the context goes on after the work")
		}
		time.Sleep(time.Hour)
		if n := renewals.Load(); n != 40 {
			t.Errorf("the lease was renewed %d times after the work", n-40)
		}
	})
}

// A database that is busy or full for a while costs nothing; a lease that could
// not be kept for its whole length ends the work, and says why.
func TestHoldEndsWithTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const length = 2 * time.Minute
		taken := errors.New("another has taken the run over")
		var broken atomic.Bool
		held, stop := hold(t.Context(), length, func(context.Context) error {
			if broken.Load() {
				return taken
			}
			return nil
		})
		defer stop()
		broken.Store(true)
		time.Sleep(length - time.Second)
		broken.Store(false)
		time.Sleep(time.Minute) // renewed a second later, and again after half a minute
		if held.Err() != nil {
			t.Fatalf("a failure that passed ended the work: %v", context.Cause(held))
		}
		broken.Store(true)
		time.Sleep(length - 30*time.Second)
		if held.Err() != nil {
			t.Fatal("the work was ended while its lease still ran")
		}
		time.Sleep(2 * time.Second)
		if !errors.Is(context.Cause(held), taken) {
			t.Errorf("the cause is %v, want what the renewal said", context.Cause(held))
		}
	})
}

// Stopping waits for a renewal that is under way: after it the lease may be
// given back, and a late renewal would take it again.
func TestHoldIsQuietOnceStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var under atomic.Bool
		_, stop := hold(t.Context(), 2*time.Minute, func(context.Context) error {
			under.Store(true)
			time.Sleep(5 * time.Second)
			under.Store(false)
			return nil
		})
		time.Sleep(32 * time.Second)
		if !under.Load() {
			t.Fatal("no renewal is under way")
		}
		stop()
		if under.Load() {
			t.Error("stop returned in the middle of a renewal")
		}
	})
}
