package main

import (
	"context"
	"time"

	"steward"
)

// updater is a sender that can have a card that it sent show something else.
type updater interface {
	Update(ctx context.Context, l steward.Letter, ref string) error
}

// paintBatch is how many cards are drawn anew between two looks at what is due.
const paintBatch = 50

// paints draws cards anew that show something else than how things stand: at the
// relay's pace, and at once when a person did something with one.
func (w *worker) paints(ctx context.Context) error {
	tick := time.NewTicker(w.app.pace.relay)
	defer tick.Stop()
	for {
		drawn, err := w.engine.Paint(ctx, paintBatch)
		w.note("paint", err)
		if drawn > 0 {
			w.note("preview", w.delivery.flush())
			if err == nil {
				continue // there may be more
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-w.engine.Changed:
		}
	}
}
