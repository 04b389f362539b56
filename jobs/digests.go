package jobs

import (
	"context"
	"fmt"
	"slices"

	"steward"
	"steward/playbooks"
)

// digests plans the digests of owners to whom nothing is said today and who have
// something to do all the same: a task that is due, a mail that waits for them.
// Each owner is looked at once a day, when the time of their digest has come;
// what is said to them has planned it before, or joins it.
func (e *Engine) digests(ctx context.Context) error {
	book, now := e.Book(), e.Now()
	var due []steward.OwnerID
	e.mu.Lock()
	days := book.DigestsDue(now)
	for id, day := range days {
		if e.digested[id] != day {
			due = append(due, id)
		}
	}
	e.mu.Unlock()
	if len(due) == 0 {
		return nil
	}
	slices.Sort(due)
	g, err := e.ground(ctx)
	if err != nil || g == nil {
		return err
	}
	agendas, err := e.Ledger.Agendas(ctx)
	if err != nil {
		return fmt.Errorf("read what people have to do: %w", err)
	}
	silences, err := e.Ledger.Silences(ctx, now, false)
	if err != nil {
		return fmt.Errorf("read silences: %w", err)
	}
	e.mu.Lock()
	planned := g.base.At(now, playbooks.Memory{Silences: silences}).AgendaDigests(due, agendas)
	e.mu.Unlock()
	for _, m := range planned {
		if _, err := e.Ledger.PlanDigest(ctx, m); err != nil {
			return fmt.Errorf("plan the digest of %s: %w", m.To.Owner, err)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.digested == nil {
		e.digested = map[steward.OwnerID]steward.Day{}
	}
	for _, id := range due {
		e.digested[id] = days[id]
	}
	return nil
}

// weeklies plans the weekly digests of managers, each once a week.
func (e *Engine) weeklies(ctx context.Context) error {
	book, now := e.Book(), e.Now()
	for id, day := range book.WeekliesDue(now) {
		e.mu.Lock()
		done := e.weekly[id] == day
		e.mu.Unlock()
		if done {
			continue
		}
		g, err := e.ground(ctx)
		if err != nil || g == nil {
			return err
		}
		e.mu.Lock()
		s := g.base.At(now, playbooks.Memory{})
		accounts := s.AccountsUnder(id)
		since, untaken := s.WeekAsks()
		e.mu.Unlock()
		week, err := e.Ledger.Week(ctx, accounts, since, untaken)
		if err != nil {
			return fmt.Errorf("read the week of %s: %w", id, err)
		}
		e.mu.Lock()
		m, ok := s.Weekly(id, day, accounts, week)
		e.mu.Unlock()
		if ok {
			if _, err := e.Ledger.PlanDigest(ctx, m); err != nil {
				return fmt.Errorf("plan the weekly digest of %s: %w", id, err)
			}
		}
		e.mu.Lock()
		if e.weekly == nil {
			e.weekly = map[steward.OwnerID]steward.Day{}
		}
		e.weekly[id] = day
		e.mu.Unlock()
	}
	return nil
}
