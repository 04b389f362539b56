package jobs

import (
	"context"
	"fmt"

	"steward"
	"steward/playbooks"
)

// endNamed ends the tasks that asked for a name which the data has by now.
func (e *Engine) endNamed(ctx context.Context, g *ground) error {
	given, err := e.Ledger.GivenTasks(ctx)
	if err != nil {
		return fmt.Errorf("read the tasks that ask for names: %w", err)
	}
	if len(given) == 0 {
		return nil
	}
	e.mu.Lock()
	changes := g.base.At(e.Now(), playbooks.Memory{}).Named(given)
	e.mu.Unlock()
	if len(changes) == 0 {
		return nil
	}
	if _, err := e.Ledger.Commit(ctx, steward.Run{}, changes, e.Now()); err != nil {
		return fmt.Errorf("end the tasks that asked for names: %w", err)
	}
	return nil
}
