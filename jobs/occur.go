package jobs

import (
	"context"
	"fmt"

	"steward"
	"steward/playbooks"
)

// occur opens the rhythms whose time of day has come since they were last
// looked at, on the facts of the last evaluation. A worker that is killed in the
// middle goes on where it was: what was opened is known by its occurrence, and
// the occurrence counts as dealt with when all of it was written.
func (e *Engine) occur(ctx context.Context, m *Moved) error {
	if !e.Book().Timed() {
		return nil
	}
	states, err := e.Ledger.PlaybookStates(ctx)
	if err != nil {
		return fmt.Errorf("read when rhythms came round last: %w", err)
	}
	e.turn.Lock()
	defer e.turn.Unlock()
	g, err := e.ground(ctx)
	if err != nil || g == nil {
		return err
	}
	now := e.Now()
	at := g.base.At(now, playbooks.Memory{})
	if good := g.base.GoodUntil; at.FactsToCome() || !good.IsZero() && now.After(good) {
		return nil // nothing is begun on such facts; an evaluation comes, or ops hears
	}
	if !e.due(at, states) {
		return nil
	}
	s, err := e.openingAt(ctx, g, now)
	if err != nil {
		return err
	}
	if err := e.saveVersions(ctx, g.base.Book); err != nil {
		return err
	}
	out := e.comeRound(s)
	conflicts, err := e.writeLoose(ctx, out.Changes)
	if err != nil || conflicts > 0 {
		m.Conflicts += conflicts
		return err
	}
	for name, t := range out.Tally {
		m.Enrolments += t.Opened
		m.Outreach += t.Outreach
		e.log().Info("a rhythm came round", "playbook", name, "opened", t.Opened, "audience", t.Audience, "unknown", t.Unknown, "fault", t.Fault)
	}
	_, err = e.writeLoose(ctx, []steward.Change{{States: out.States}})
	return err
}

func (e *Engine) due(s *playbooks.Situation, states []steward.PlaybookState) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(s.Due(states)) > 0
}

func (e *Engine) comeRound(s *playbooks.Situation) playbooks.Outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	return s.Occur()
}

// rename lets renamed playbooks take over what stands under their old names,
// before anything is decided on the new ones.
func (e *Engine) rename(ctx context.Context, book *playbooks.Book) error {
	names := book.Renamed()
	if len(names) == 0 {
		return nil
	}
	n, err := e.Ledger.RenamePlaybooks(ctx, names, e.Now())
	if err != nil {
		return fmt.Errorf("take over what was done under playbooks' old names: %w", err)
	}
	if n > 0 {
		e.log().Info("playbooks were renamed", "playbooks", n)
	}
	return nil
}
