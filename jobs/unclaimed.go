package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"steward"
	"steward/playbooks"
)

// unclaimedKey begins the keys of the notices about what lies in pools.
const unclaimedKey = "unclaimed/"

// unclaimedFor is how far back cards to pools are looked for.
const unclaimedFor = 30 * 24 * time.Hour

// tellUnclaimed tells the manager of a pool, or ops, once of cards that nobody
// claimed in time; those whose time ended together are told together. A notice is
// forgotten when somebody has taken on all that it was about.
func (e *Engine) tellUnclaimed(ctx context.Context) error {
	lapses, err := e.lapses(ctx)
	if err != nil {
		return err
	}
	stand := map[string]bool{}
	for _, l := range lapses {
		key := unclaimedKey + string(l.Pool) + "/" + steward.SlotAt(l.By).String()
		stand[key] = true
		if err := e.tellTo(ctx, l.To, key, l.Title, l.Lines, l.Todo); err != nil {
			return err
		}
	}
	told, err := e.toldOf(ctx, unclaimedKey)
	if err != nil {
		return err
	}
	return e.untell(ctx, slices.DeleteFunc(told, func(key string) bool { return stand[key] })...)
}

func (e *Engine) lapses(ctx context.Context) ([]playbooks.Lapse, error) {
	pools := e.Book().ClaimedPools()
	if len(pools) == 0 {
		return nil, nil
	}
	now := e.Now()
	lying, err := e.Ledger.Unclaimed(ctx, pools, now.Add(-unclaimedFor))
	if err != nil {
		return nil, fmt.Errorf("read what pools have not claimed: %w", err)
	}
	if len(lying) == 0 {
		return nil, nil
	}
	g, err := e.footing(ctx)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return g.base.At(now, playbooks.Memory{}).Lapsed(lying), nil
}
