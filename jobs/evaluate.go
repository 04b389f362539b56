package jobs

import (
	"context"
	"fmt"
	"time"

	"steward"
	"steward/playbooks"
)

// A Report is what one evaluation came to.
type Report struct {
	Slot steward.Slot `json:"slot"`
	// Skipped tells that the slot was done before, or is another's.
	Skipped   bool                                      `json:"skipped,omitempty"`
	Took      time.Duration                             `json:"took"`
	Accounts  int                                       `json:"accounts"`
	Playbooks map[steward.PlaybookName]*playbooks.Tally `json:"playbooks"`
	Conflicts int                                       `json:"conflicts,omitempty"`
}

// commitBatch is how many accounts are written in one transaction's reach:
// enough to be quick, few enough that commands beside the worker get their turn.
const commitBatch = 200

// Evaluate judges every playbook at a slot: claims the slot, decides the whole
// run, writes it in batches under the claim's term, and closes it. Doing a
// finished slot again does nothing; a half-written one goes on where it was.
func (e *Engine) Evaluate(ctx context.Context, slot steward.Slot) (Report, error) {
	report := Report{Slot: slot}
	run, claimed, err := e.Ledger.ClaimRun(ctx, evaluation, slot, e.Now(), runLease)
	if err != nil {
		return report, fmt.Errorf("claim the evaluation of %s: %w", slot, err)
	}
	if !claimed {
		report.Skipped = true
		return report, nil
	}
	began := e.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	g, err := e.survey(ctx, slot)
	if err != nil {
		return report, e.giveUp(ctx, run, err)
	}
	if err := e.saveVersions(ctx, g.base.Book); err != nil {
		return report, e.giveUp(ctx, run, err)
	}
	s, err := e.situation(ctx, g, slot.Time())
	if err != nil {
		return report, e.giveUp(ctx, run, err)
	}
	out := s.Decide()
	report.Accounts, report.Playbooks = g.base.Frame.View(steward.AboutAccount).Len(), out.Tally
	if report.Conflicts, err = e.write(ctx, run, out.Changes); err != nil {
		return report, e.giveUp(ctx, run, err)
	}
	if err := e.Ledger.FinishRun(ctx, run, out.States, e.Now(), report, ""); err != nil {
		return report, fmt.Errorf("finish the evaluation of %s: %w", slot, err)
	}
	e.last = g
	report.Took = e.Now().Sub(began)
	if err := e.tellOutcome(ctx, g, out); err != nil {
		return report, err
	}
	if e.Observe != nil {
		e.Observe(report)
	}
	return report, nil
}

// giveUp closes the run as failed, so that the next attempt may claim it, and
// returns what went wrong. Where even that cannot be written the lease lapses.
func (e *Engine) giveUp(ctx context.Context, run steward.Run, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := e.Ledger.FinishRun(ctx, run, nil, e.Now(), nil, cause.Error()); err != nil {
		return fmt.Errorf("evaluate %s: %w (and the run could not be closed: %v)", run.Slot, cause, err)
	}
	return fmt.Errorf("evaluate %s: %w", run.Slot, cause)
}

func (e *Engine) write(ctx context.Context, run steward.Run, changes []steward.Change) (conflicts int, err error) {
	for len(changes) > 0 {
		n := min(commitBatch, len(changes))
		lost, err := e.Ledger.Commit(ctx, run, changes[:n], e.Now())
		if err != nil {
			return conflicts, fmt.Errorf("write decisions: %w", err)
		}
		conflicts += len(lost)
		changes = changes[n:]
		if run, err = e.Ledger.RenewRun(ctx, run, e.Now(), runLease); err != nil {
			return conflicts, fmt.Errorf("keep the run's lease: %w", err)
		}
	}
	return conflicts, nil
}

// saveVersions stores the text of every playbook before anything is enrolled
// on it.
func (e *Engine) saveVersions(ctx context.Context, b *playbooks.Book) error {
	if e.written == nil {
		e.written = map[string]bool{}
	}
	for _, p := range b.Playbooks {
		if e.written[p.Version] {
			continue
		}
		if err := e.Ledger.SavePlaybookVersion(ctx, p.Name, p.Version, p.Text, e.Now()); err != nil {
			return fmt.Errorf("store playbook %s: %w", p.Name, err)
		}
		e.written[p.Version] = true
	}
	return nil
}

// tellOutcome tells ops what they have to act on: openings that were held, and
// playbooks that cannot be judged.
func (e *Engine) tellOutcome(ctx context.Context, g *ground, out playbooks.Outcome) error {
	held := map[steward.PlaybookName][]playbooks.Held{}
	for _, h := range out.Quarantined {
		held[h.Playbook] = append(held[h.Playbook], h)
	}
	for name, hs := range held {
		why := "this is the first run of its condition"
		if hs[len(hs)-1].Reason == steward.ReasonBlastRadius {
			why = "one run would have opened more than max_new"
		}
		var examples []string
		for _, h := range hs[:min(5, len(hs))] {
			examples = append(examples, h.Subject.String())
		}
		if len(hs) > 5 {
			examples = append(examples, fmt.Sprintf("and %d more", len(hs)-5))
		}
		key := fmt.Sprintf("quarantine/%s/%s", name, g.slot)
		title := fmt.Sprintf("%s: %d openings held, as %s", name, len(hs), why)
		if err := e.tell(ctx, key, title, examples, fmt.Sprintf("Look: steward plan · Let them go: steward release %s", name)); err != nil {
			return err
		}
	}
	if err := e.Ledger.ForgetNotice(ctx, oldKey); err != nil {
		return fmt.Errorf("forget %s: %w", oldKey, err)
	}
	for _, st := range out.States {
		key := "fault/" + string(st.Playbook)
		if st.Fault == "" {
			if err := e.Ledger.ForgetNotice(ctx, key); err != nil {
				return fmt.Errorf("forget %s: %w", key, err)
			}
			continue
		}
		if err := e.tell(ctx, key, fmt.Sprintf("%s cannot be judged", st.Playbook), []string{st.Fault}, "Look: steward report data · Load sources now: steward import"); err != nil {
			return err
		}
	}
	return nil
}
