package main

import (
	"context"
	"time"

	"steward/store"
)

// pruneEvery is how often what is over and older than the workspace's retention
// is taken away.
const pruneEvery = 24 * time.Hour

// prunes prunes once a day, until ctx is done. What fails is logged and tried
// again on the next day.
func (w *worker) prunes(ctx context.Context) error {
	tick := time.NewTicker(w.app.pace.relay)
	defer tick.Stop()
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now, keep := w.now(), w.current.Load().ws.Retention
		if keep == 0 || now.Sub(last) < pruneEvery && !now.Before(last) {
			continue
		}
		last = now
		gone, err := w.db.Prune(ctx, now.Add(-keep))
		w.note("prune", err)
		if gone != (store.Pruned{}) {
			w.log.Info("what was over for long is gone", "messages", gone.Messages, "enrolments", gone.Enrolments, "decisions", gone.Records, "acts", gone.Acts, "runs", gone.Runs, "imports", gone.Imports)
		}
	}
}
