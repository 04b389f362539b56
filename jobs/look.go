package jobs

import (
	"context"
	"fmt"

	"steward"
	"steward/playbooks"
)

// Look has f look at the facts of the last evaluation, with what is remembered
// of a few accounts: what goes on, and their enrolments that are over. Before the
// first evaluation the facts are of now.
//
// f keeps nobody waiting for longer than it takes, so it works in memory alone,
// and keeps nothing of the situation.
func (e *Engine) Look(ctx context.Context, known steward.Standing, ended []steward.Enrolment, f func(*playbooks.Situation)) error {
	g, err := e.footing(ctx)
	if err != nil {
		return err
	}
	memory, err := e.remember(ctx, g.base.Book, known)
	if err != nil {
		return err
	}
	recall(&memory, g.base.Book, ended)
	return e.alone(g.base.At(e.Now(), memory), f)
}

// recall puts into a memory what is over.
func recall(m *playbooks.Memory, book *playbooks.Book, ended []steward.Enrolment) {
	for _, en := range ended {
		if to, renamed := book.Renamed()[en.Playbook]; renamed {
			en.Playbook = to
		}
		key := playbooks.KeyOf(en.Playbook, en.Subject)
		if newest, ok := m.Ended[key]; !ok || en.EndedAt.After(newest.EndedAt) {
			m.Ended[key] = en
		}
	}
}

// alone calls f while nobody else uses the facts. What panics in looking must not
// take the worker with it.
func (e *Engine) alone(s *playbooks.Situation, f func(*playbooks.Situation)) (err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("looking at the facts panicked: %v", p)
		}
	}()
	f(s)
	return nil
}
