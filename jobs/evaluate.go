package jobs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	// Conflicts is how many accounts kept moving under the run's hands and were
	// left as they were.
	Conflicts int `json:"conflicts,omitempty"`
}

// commitBatch is how many accounts are written in one transaction's reach:
// enough to be quick, few enough that commands beside the worker get their turn.
const commitBatch = 200

// Evaluate judges every playbook at a slot: claims the slot, decides the whole
// run, writes it in batches under the claim's term, and closes it. The claim is
// kept for as long as that takes. Doing a finished slot again does nothing; a
// half-written one goes on where it was.
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
	held, release := hold(ctx, runLease, func(ctx context.Context) error {
		_, err := e.Ledger.RenewRun(ctx, run, e.Now(), runLease)
		return err
	})
	defer release()
	e.turn.Lock()
	defer e.turn.Unlock()
	g, states, err := e.judge(held, run, &report)
	if err != nil {
		if ctx.Err() == nil && held.Err() != nil {
			err = fmt.Errorf("keep the run's lease: %w (while: %v)", context.Cause(held), err)
		}
		return report, e.giveUp(ctx, run, err)
	}
	report.Took = e.Now().Sub(began)
	if err := e.Ledger.FinishRun(ctx, run, states, e.Now(), report, ""); err != nil {
		return report, fmt.Errorf("finish the evaluation of %s: %w", slot, err)
	}
	// Whatever slot was acted on before: it can only have been a later one if a
	// person has taken that back.
	e.mu.Lock()
	e.last = g
	e.mu.Unlock()
	if e.Observe != nil {
		e.Observe(report)
	}
	return report, nil
}

// judge decides a claimed run and writes it, but for what closes it.
func (e *Engine) judge(ctx context.Context, run steward.Run, report *Report) (*ground, []steward.PlaybookState, error) {
	book := e.Book()
	if err := e.rename(ctx, book); err != nil {
		return nil, nil, err
	}
	g, err := e.survey(ctx, book, run.Slot)
	if err != nil {
		return nil, nil, err
	}
	if err := e.saveVersions(ctx, g.base.Book); err != nil {
		return nil, nil, err
	}
	s, err := e.opening(ctx, g)
	if err != nil {
		return nil, nil, err
	}
	out := s.Decide()
	report.Accounts, report.Playbooks = g.base.Frame.View(steward.AboutAccount).Len(), out.Tally
	lost, err := e.write(ctx, run, out.Changes)
	if err == nil && len(lost) > 0 {
		lost, err = e.decideAgain(ctx, run, g, lost)
	}
	if err != nil {
		return nil, nil, err
	}
	report.Conflicts = len(lost)
	if err := e.keepScores(ctx, run, s); err != nil {
		return nil, nil, err
	}
	if err := e.tendSilences(ctx, s); err != nil {
		return nil, nil, err
	}
	// Before the run is closed, so that a process that dies here tells it when
	// it comes back; each word is told once whoever tells it.
	out.Quarantined = append(out.Quarantined, heldBefore(s)...)
	return g, out.States, e.tellOutcome(ctx, g, out)
}

// keepScores keeps how every account is as of the run's day, for whoever asks
// later how that moved. Keeping it twice is keeping it once.
func (e *Engine) keepScores(ctx context.Context, run steward.Run, s *playbooks.Situation) error {
	scores := s.Scores()
	if len(scores) == 0 {
		return nil
	}
	if err := e.Ledger.KeepScores(ctx, run, run.Slot.Day(s.Book.Zone), scores); err != nil {
		return fmt.Errorf("keep the day's scores: %w", err)
	}
	return nil
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

// write writes changes in batches, and returns the accounts that somebody
// moved since they were read, for which nothing was written.
func (e *Engine) write(ctx context.Context, run steward.Run, changes []steward.Change) (lost []steward.AccountID, err error) {
	for len(changes) > 0 {
		n := min(commitBatch, len(changes))
		conflicts, err := e.Ledger.Commit(ctx, run, changes[:n], e.Now())
		if err != nil {
			return lost, fmt.Errorf("write decisions: %w", err)
		}
		lost = append(lost, conflicts...)
		changes = changes[n:]
	}
	return lost, nil
}

// decideAgain decides anew for accounts that somebody moved while the run was
// being written, such as a person who took an enrolment on at that moment. Left
// alone they would miss the days of this slot for good: a playbook's last judged
// day is one for all.
func (e *Engine) decideAgain(ctx context.Context, run steward.Run, g *ground, lost []steward.AccountID) ([]steward.AccountID, error) {
	const tries = 3
	for range tries {
		s, err := e.opening(ctx, g)
		if err != nil {
			return lost, err
		}
		var again []steward.Change
		for _, c := range s.Decide().Changes {
			if slices.Contains(lost, c.Account) {
				again = append(again, c)
			}
		}
		if lost, err = e.write(ctx, run, again); err != nil || len(lost) == 0 {
			return lost, err
		}
	}
	return lost, nil
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

// heldBefore is what this very run held and wrote already, where it was begun
// before and cut short.
func heldBefore(s *playbooks.Situation) []playbooks.Held {
	var out []playbooks.Held
	for _, en := range s.Memory.Open {
		if en.State == steward.Quarantined && en.OpenedAt.Equal(s.Now) {
			out = append(out, s.Held(en))
		}
	}
	slices.SortFunc(out, func(a, b playbooks.Held) int { return strings.Compare(a.Subject.ID, b.Subject.ID) })
	return out
}

// tellOutcome tells ops what they have to act on: openings that were held,
// those that will lapse, and sources that are behind.
func (e *Engine) tellOutcome(ctx context.Context, g *ground, out playbooks.Outcome) error {
	for name, hs := range byPlaybook(out.Quarantined) {
		why := "this is the first run of its condition"
		if hs[len(hs)-1].Reason == steward.ReasonBlastRadius {
			why = "one run would have opened more than max_new"
		}
		key := fmt.Sprintf("quarantine/%s/%s", name, g.slot)
		title := fmt.Sprintf("%s: %s held, as %s", name, openings(len(hs)), why)
		if err := e.tell(ctx, key, title, heldLines(hs), fmt.Sprintf("Look: steward accounts · Let them go: steward release %s", name)); err != nil {
			return err
		}
	}
	for name, hs := range byPlaybook(out.Expiring) {
		title := fmt.Sprintf("%s: %s held will lapse within three days", name, openings(len(hs)))
		if err := e.tell(ctx, "lapsing/"+string(name), title, heldLines(hs), fmt.Sprintf("Let them go: steward release %s · Do nothing, and they never open", name)); err != nil {
			return err
		}
	}
	for _, p := range g.base.Book.Playbooks {
		if len(byPlaybook(out.Expiring)[p.Name]) == 0 {
			if err := e.untell(ctx, "lapsing/"+string(p.Name)); err != nil {
				return err
			}
		}
	}
	if err := e.untell(ctx, oldKey); err != nil {
		return err
	}
	if err := e.tellUnhelpful(ctx, g.base.Book); err != nil {
		return err
	}
	if err := e.endNamed(ctx, g); err != nil {
		return err
	}
	return e.tellStale(ctx, g)
}

// shownHeld is how many held openings a notice names.
const shownHeld = 8

func heldLines(hs []playbooks.Held) []string {
	var lines []string
	for _, h := range hs[:min(shownHeld, len(hs))] {
		line := h.Subject.ID + " " + h.Name
		if len(h.Why) > 0 {
			line += ": " + strings.Join(h.Why, "; ")
		}
		lines = append(lines, line)
	}
	if n := len(hs) - shownHeld; n > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", n))
	}
	return lines
}

func byPlaybook(hs []playbooks.Held) map[steward.PlaybookName][]playbooks.Held {
	out := map[steward.PlaybookName][]playbooks.Held{}
	for _, h := range hs {
		out[h.Playbook] = append(out[h.Playbook], h)
	}
	return out
}

// staleKey begins the keys of the notices about what is behind.
const staleKey = "stale/"

// A lag is metrics that are behind for one reason: the sources that feed them,
// or that nothing does.
type lag struct {
	metrics, waiting []string
	end              steward.Day
	explained        bool // ops has heard why
}

// tellStale tells ops once of each source whose metrics are behind, with the
// playbooks that wait for them, and forgets those that have caught up. What ops
// was told about the source already says enough.
func (e *Engine) tellStale(ctx context.Context, g *ground) error {
	lags := e.lags(g)
	for _, key := range slices.Sorted(maps.Keys(lags)) {
		l := lags[key]
		if l.explained {
			continue
		}
		since := "no source brings it"
		if l.end != steward.NoDay {
			since = "the last whole day is " + l.end.String()
		}
		title := l.metrics[0] + " is behind: nothing is judged on it"
		if len(l.metrics) > 1 {
			title = strings.Join(l.metrics, ", ") + " are behind: nothing is judged on them"
		}
		slices.Sort(l.waiting)
		lines := []string{since, "waiting: " + strings.Join(slices.Compact(l.waiting), ", ")}
		if err := e.tell(ctx, key, title, lines, "Look: steward report data · Load sources now: steward import"); err != nil {
			return err
		}
	}
	told, err := e.toldOf(ctx, staleKey)
	if err != nil {
		return err
	}
	return e.untell(ctx, slices.DeleteFunc(told, func(key string) bool { return lags[key] != nil })...)
}

// lags is what of that which conditions read is behind, by its notice's key.
func (e *Engine) lags(g *ground) map[string]*lag {
	waiting := map[string][]string{}
	for _, p := range g.base.Book.Playbooks {
		for _, metric := range p.ConditionMetrics() {
			waiting[metric] = append(waiting[metric], string(p.Name))
		}
	}
	out := map[string]*lag{}
	for _, metric := range slices.Sorted(maps.Keys(waiting)) {
		m, ok := g.base.Frame.Metric(metric)
		if ok && !m.Stale && m.End != steward.NoDay {
			continue
		}
		key, explained := staleKey+metric, false
		if feeds := g.feeds(metric); len(feeds) > 0 {
			key = staleKey + "of/" + strings.Join(feeds, "+")
			explained = e.Explained != nil && slices.ContainsFunc(feeds, e.Explained)
		}
		l := out[key]
		if l == nil {
			l = &lag{end: m.End, explained: explained}
			out[key] = l
		}
		l.metrics, l.waiting, l.end = append(l.metrics, metric), append(l.waiting, waiting[metric]...), min(l.end, m.End)
	}
	return out
}

// feeds is the sources that bring a metric.
func (g *ground) feeds(metric string) []string {
	var out []string
	for _, s := range g.sources {
		if slices.Contains(s.Metrics, metric) {
			out = append(out, s.Name)
		}
	}
	return out
}

func openings(n int) string {
	if n == 1 {
		return "1 opening"
	}
	return fmt.Sprintf("%d openings", n)
}
