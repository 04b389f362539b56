package jobs

import (
	"context"
	"fmt"

	"steward"
	"steward/playbooks"
)

// Moved is what one minute's advance did.
type Moved struct {
	Enrolments, Outreach, Conflicts int
	Uncertain, Expired, Vetoes      int
}

// advanceBatch is how many enrolments one minute looks at; the rest come next.
const advanceBatch = 500

// Advance does what has come due between evaluations, on the facts of the
// last one: waits that are over, steps whose message has settled, approvals
// whose time has run out, sends whose sender is gone.
func (e *Engine) Advance(ctx context.Context) (Moved, error) {
	m, err := e.housekeeping(ctx)
	if err != nil {
		return m, err
	}
	if err := e.tellUnclaimed(ctx); err != nil {
		return m, err
	}
	if err := e.digests(ctx); err != nil {
		return m, err
	}
	if err := e.weeklies(ctx); err != nil {
		return m, err
	}
	if err := e.occur(ctx, &m); err != nil {
		return m, err
	}
	now := e.Now()
	due, err := e.Ledger.DueEnrolments(ctx, now, advanceBatch)
	if err != nil {
		return m, fmt.Errorf("read due enrolments: %w", err)
	}
	if len(due) == 0 {
		return m, nil
	}
	e.turn.Lock()
	defer e.turn.Unlock()
	g, err := e.ground(ctx)
	if err != nil || g == nil {
		return m, err
	}
	if g.base.At(now, playbooks.Memory{}).FactsToCome() {
		return m, nil // whoever watches the clock tells of it
	}
	if good := g.base.GoodUntil; !good.IsZero() && now.After(good) {
		return m, e.tellOld(ctx, g)
	}
	for i := range due { // read before a new book was looked at
		if to, renamed := g.base.Book.Renamed()[due[i].Playbook]; renamed {
			due[i].Playbook = to
		}
	}
	memory, err := e.memoryOf(ctx, g.base.Book, due)
	if err != nil {
		return m, err
	}
	changes := e.goOn(g.base.At(now, memory), due, &m)
	m.Conflicts, err = e.writeLoose(ctx, changes)
	return m, err
}

// goOn decides how due enrolments go on: a change for each account.
func (e *Engine) goOn(s *playbooks.Situation, due []steward.Enrolment, m *Moved) []steward.Change {
	e.mu.Lock()
	defer e.mu.Unlock()
	changes := map[steward.AccountID]*steward.Change{}
	var order []steward.AccountID
	for _, en := range due {
		p := s.Advance(en, s.Memory.Phases[playbooks.KeyOf(en.Playbook, en.Subject)])
		if p.Empty() {
			continue
		}
		c := changes[en.Subject.Account]
		if c == nil {
			c = &steward.Change{Account: en.Subject.Account}
			changes[en.Subject.Account] = c
			order = append(order, en.Subject.Account)
		}
		c.Enrolments, c.Outreach = append(c.Enrolments, p.Enrolment), append(c.Outreach, p.Outreach...)
		c.Messages, c.Records, c.Stopped = append(c.Messages, p.Messages...), append(c.Records, p.Records...), append(c.Stopped, p.Stopped...)
		c.Withdrawn, c.Recalled = append(c.Withdrawn, p.Withdrawn...), append(c.Recalled, p.Recalled...)
		c.HandOvers, c.Redrafts, c.Repaint = append(c.HandOvers, p.HandOvers...), append(c.Redrafts, p.Redrafts...), append(c.Repaint, p.Repaint...)
		c.Joins, c.Given = append(c.Joins, p.Joins...), append(c.Given, p.Tasks...)
		m.Enrolments++
		m.Outreach += len(p.Outreach)
	}
	batch := make([]steward.Change, 0, len(order))
	for _, id := range order {
		batch = append(batch, *changes[id])
	}
	return batch
}

// oldKey is the notice that evaluations have stopped.
const oldKey = "evaluation/old"

// tellOld tells ops once that nothing goes on because nothing was evaluated.
func (e *Engine) tellOld(ctx context.Context, g *ground) error {
	on := g.slot.Time().In(g.base.Book.Zone).Format("2 January 2006 at 15:04")
	return e.tell(ctx, oldKey, "Nothing goes on: the last evaluation was on "+on,
		[]string{"Open enrolments wait, and what rests on those facts is not sent, until the playbooks are evaluated again"},
		"See why in the worker's log, and try the sources with: steward import")
}

// writeLoose writes changes that belong to no run. A conflict means that an
// evaluation or a person moved the enrolment meanwhile; the next minute looks
// again.
func (e *Engine) writeLoose(ctx context.Context, changes []steward.Change) (conflicts int, err error) {
	for len(changes) > 0 {
		n := min(commitBatch, len(changes))
		lost, err := e.Ledger.Commit(ctx, steward.Run{}, changes[:n], e.Now())
		if err != nil {
			return conflicts, fmt.Errorf("write due steps: %w", err)
		}
		conflicts += len(lost)
		changes = changes[n:]
	}
	return conflicts, nil
}

func (e *Engine) housekeeping(ctx context.Context) (m Moved, err error) {
	now := e.Now()
	lapsed, err := e.Ledger.LapsedSends(ctx, now, sendLease)
	if err != nil {
		return m, fmt.Errorf("look for senders that are gone: %w", err)
	}
	m.Uncertain = len(lapsed)
	for _, id := range lapsed {
		e.log().Warn("a sender was lost between calling the provider and hearing from it", "message", id, "state", steward.Uncertain)
	}
	if m.Expired, err = e.Ledger.ExpireApprovals(ctx, now); err != nil {
		return m, fmt.Errorf("expire approvals: %w", err)
	}
	if m.Vetoes, err = e.Ledger.VetoElapsed(ctx, now); err != nil {
		return m, fmt.Errorf("let unvetoed mail go: %w", err)
	}
	return m, nil
}
