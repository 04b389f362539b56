package jobs

import (
	"context"
	"time"
)

// hold keeps a lease while the work under it goes on: it renews it four times
// in its length until stop is called, so that a run may take longer than its
// lease. stop waits until no renewal is under way and may be called again.
//
// The returned context ends with the first one, at stop, and when no renewal
// has succeeded for the length of the lease: another may have taken the work
// over by then, and going on is for nothing. Its cause is what the last renewal
// said. Until then a failure is only a reason to ask again, as the lease still
// runs. Nobody needs to look at the context for safety: a write under a term
// that was taken over is refused by the database.
func hold(ctx context.Context, length time.Duration, renew func(context.Context) error) (held context.Context, stop func()) {
	held, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		beat := time.NewTicker(length / 4)
		defer beat.Stop()
		renewed := time.Now()
		for {
			select {
			case <-held.Done():
				return
			case <-beat.C:
			}
			began := time.Now()
			err := renew(held)
			switch {
			case err == nil:
				// The lease counts from when the renewal was asked for.
				renewed = began
			case time.Since(renewed) >= length:
				cancel(err)
				return
			}
		}
	}()
	return held, func() {
		cancel(context.Canceled)
		<-ended
	}
}
