package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"steward"
	"steward/facts"
	"steward/playbooks"
	"steward/series"
)

// A Ledger is what the engine reads and writes. One method is one
// transaction.
type Ledger interface {
	Runs
	Memory
	Deliveries
}

// Runs is lock and record of evaluations.
type Runs interface {
	ClaimRun(ctx context.Context, job string, slot steward.Slot, now time.Time, lease time.Duration) (steward.Run, bool, error)
	RenewRun(ctx context.Context, run steward.Run, now time.Time, lease time.Duration) (steward.Run, error)
	Commit(ctx context.Context, run steward.Run, changes []steward.Change, now time.Time) (conflicts []steward.AccountID, err error)
	FinishRun(ctx context.Context, run steward.Run, states []steward.PlaybookState, now time.Time, summary any, fault string) error
	// LastSlot is the newest finished run's slot; zero before the first.
	LastSlot(ctx context.Context, job string) (steward.Slot, error)
	SavePlaybookVersion(ctx context.Context, playbook steward.PlaybookName, hash, text string, now time.Time) error
	PlaybookVersion(ctx context.Context, hash string) (string, error)
}

// Memory is what decisions are made from.
type Memory interface {
	Portfolio(ctx context.Context) (steward.Portfolio, error)
	Series(ctx context.Context, metrics []string) (map[string]map[steward.AccountID]series.Series, error)
	Sources(ctx context.Context) ([]steward.SourceState, error)
	Standing(ctx context.Context) (steward.Standing, error)
	// Ended is the newest ended enrolment of each playbook and subject.
	Ended(ctx context.Context) ([]steward.Enrolment, error)
	OutreachOf(ctx context.Context, enrolments []steward.EnrolmentID) ([]steward.Outreach, map[steward.MessageID]steward.Message, error)
	SuppressedAddresses(ctx context.Context) (map[string]string, error)
	Salt(ctx context.Context) (string, error)
	DueEnrolments(ctx context.Context, now time.Time, limit int) ([]steward.Enrolment, error)
}

// Deliveries is the life of messages.
type Deliveries interface {
	DueMessages(ctx context.Context, now time.Time, limit int) ([]steward.Due, error)
	MarkEnqueued(ctx context.Context, due []steward.Due, now time.Time) error
	Requeue(ctx context.Context, now time.Time, olderThan time.Duration) (int, error)
	Dossier(ctx context.Context, id steward.MessageID) (steward.Dossier, error)
	Claim(ctx context.Context, id steward.MessageID, epoch int, now time.Time, lease time.Duration, decide func(steward.Dossier) steward.Decision) (steward.Dossier, steward.Decision, error)
	SaveContent(ctx context.Context, id steward.MessageID, epoch int, c steward.Content) error
	Settle(ctx context.Context, id steward.MessageID, epoch int, s steward.Settlement, now time.Time) error
	LapsedSends(ctx context.Context, now time.Time) ([]steward.MessageID, error)
	ExpireApprovals(ctx context.Context, now time.Time) (int, error)
	VetoElapsed(ctx context.Context, now time.Time) (int, error)
	// Notice plans a message to ops once per key; ForgetNotice lets the key
	// speak again.
	Notice(ctx context.Context, key string, m steward.Message, now time.Time) (bool, error)
	ForgetNotice(ctx context.Context, key string) error
}

// A Sender hands a letter to a provider. Its errors are
// *steward.DeliveryError; any other error is read as an outcome that was lost.
type Sender interface {
	Send(ctx context.Context, l steward.Letter) (steward.Receipt, error)
}

// Engine does the work of slots and minutes. Its fields are set once; the
// methods may be called from several goroutines.
type Engine struct {
	Ledger Ledger
	Sender Sender
	// Find looks whether the provider has a message after all; nil where none can
	// tell.
	Find func(ctx context.Context, l steward.Letter) (r steward.Receipt, found bool, err error)
	// Book is the newest good book.
	Book func() *playbooks.Book
	// FreshWithin is how far behind a source may be, by its name; zero means that
	// it is never stale, and nil that none is.
	FreshWithin func(source string) time.Duration
	// GoodUntil is until when the facts of a slot may be acted on between
	// evaluations; nil sets no limit. Past it nothing is begun and nothing that
	// rests on them is sent until a newer slot has been evaluated.
	GoodUntil func(steward.Slot) time.Time
	// Now is the wall clock, for leases and due times; rules never see it.
	Now func() time.Time
	Log *slog.Logger
	// Observe hears what each evaluation came to; nil when nobody listens.
	Observe func(Report)

	mu      sync.Mutex // guards the frame, which is not for concurrent use
	last    *ground
	written map[string]bool                // playbook versions known to be stored
	older   map[string]*playbooks.Playbook // versions that only open enrolments run on
}

// ground is the facts of a slot, kept for advance and deliver, which run on
// the last committed ones.
type ground struct {
	slot steward.Slot
	base *playbooks.Situation // without a memory
}

// evaluation is the name of the evaluate job in the ledger.
const evaluation = "evaluate"

// runLease is how long a run is trusted between renewals, sendLease a sender.
const (
	runLease  = 2 * time.Minute
	sendLease = 2 * time.Minute
)

// survey reads the portfolio and the series that the book needs, as of a slot.
func (e *Engine) survey(ctx context.Context, slot steward.Slot) (*ground, error) {
	book := e.Book()
	p, err := e.Ledger.Portfolio(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the portfolio: %w", err)
	}
	values, err := e.Ledger.Series(ctx, book.MetricsRead())
	if err != nil {
		return nil, fmt.Errorf("read series: %w", err)
	}
	sources, err := e.Ledger.Sources(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the state of sources: %w", err)
	}
	in := facts.Input{Slot: slot, Zone: book.Zone, Portfolio: p, Fields: book.Fields}
	for _, spec := range book.Metrics {
		m := facts.Metric{Spec: spec, Through: steward.NoDay, Series: values[spec.Name]}
		m.Through, m.Stale = e.through(spec.Name, sources, slot, book.Zone)
		in.Metrics = append(in.Metrics, m)
	}
	base := playbooks.NewSituation(book, facts.At(in), p)
	if e.GoodUntil != nil {
		base.GoodUntil = e.GoodUntil(slot)
	}
	return &ground{slot: slot, base: base}, nil
}

// through is the last complete day of a metric: the earliest among the sources
// that feed it, as a day is whole only when all of them have told it.
func (e *Engine) through(metric string, sources []steward.SourceState, slot steward.Slot, zone *time.Location) (through steward.Day, stale bool) {
	through, stale = steward.NoDay, true
	first := true
	for _, s := range sources {
		if !contains(s.Metrics, metric) {
			continue
		}
		var within time.Duration
		if e.FreshWithin != nil {
			within = e.FreshWithin(s.Name)
		}
		late := facts.Stale(slot, zone, s.CompleteThrough, within)
		if first || s.CompleteThrough < through {
			through = s.CompleteThrough
		}
		stale = late || !first && stale
		first = false
	}
	return through, stale
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// Situation is what the engine would decide from at a slot, for the commands
// that only look. Nothing else may use the engine while it is in use.
func (e *Engine) Situation(ctx context.Context, slot steward.Slot) (*playbooks.Situation, error) {
	g, err := e.survey(ctx, slot)
	if err != nil {
		return nil, err
	}
	return e.opening(ctx, g)
}

// LastSlot is the newest evaluated slot; zero before the first.
func (e *Engine) LastSlot(ctx context.Context) (steward.Slot, error) {
	return e.Ledger.LastSlot(ctx, evaluation)
}

// situation puts facts and memory together. The caller holds mu for as long
// as it uses it.
func (e *Engine) situation(ctx context.Context, g *ground, now time.Time) (*playbooks.Situation, error) {
	m, err := e.memory(ctx, g.base.Book)
	if err != nil {
		return nil, err
	}
	return g.base.At(now, m), nil
}

// opening is the situation in which enrolments may be opened: with what has
// ended, too.
func (e *Engine) opening(ctx context.Context, g *ground) (*playbooks.Situation, error) {
	s, err := e.situation(ctx, g, g.slot.Time())
	if err != nil {
		return nil, err
	}
	ended, err := e.Ledger.Ended(ctx)
	if err != nil {
		return nil, fmt.Errorf("read ended enrolments: %w", err)
	}
	for _, en := range ended {
		s.Memory.Ended[playbooks.KeyOf(en.Playbook, en.Subject)] = en
	}
	return s, nil
}

func (e *Engine) memory(ctx context.Context, book *playbooks.Book) (playbooks.Memory, error) {
	st, err := e.Ledger.Standing(ctx)
	if err != nil {
		return playbooks.Memory{}, fmt.Errorf("read the engine's memory: %w", err)
	}
	m := playbooks.Memory{
		Phases: map[playbooks.Key]steward.PhaseState{}, Open: map[playbooks.Key]steward.Enrolment{}, Ended: map[playbooks.Key]steward.Enrolment{},
		States: map[steward.PlaybookName]steward.PlaybookState{}, Outreach: map[steward.EnrolmentID][]steward.Outreach{}, Pause: st.Pause,
	}
	for _, ph := range st.Phases {
		m.Phases[playbooks.KeyOf(ph.Playbook, ph.Subject)] = ph
	}
	for _, s := range st.Playbooks {
		m.States[s.Playbook] = s
	}
	ids := make([]steward.EnrolmentID, 0, len(st.Open))
	for _, en := range st.Open {
		m.Open[playbooks.KeyOf(en.Playbook, en.Subject)] = en
		ids = append(ids, en.ID)
	}
	outreach, messages, err := e.Ledger.OutreachOf(ctx, ids)
	if err != nil {
		return m, fmt.Errorf("read outreach: %w", err)
	}
	for _, o := range outreach {
		m.Outreach[o.Enrolment] = append(m.Outreach[o.Enrolment], o)
	}
	m.Messages = messages
	if m.Suppressed, err = e.Ledger.SuppressedAddresses(ctx); err != nil {
		return m, fmt.Errorf("read suppressions: %w", err)
	}
	if m.Salt, err = e.Ledger.Salt(ctx); err != nil {
		return m, fmt.Errorf("read the salt: %w", err)
	}
	m.Versions, err = e.versions(ctx, book, st.Open)
	return m, err
}

// versions compiles the playbook texts that enrolments run on and that are no
// longer the newest. One that no longer compiles is left out: its enrolments
// end as failed, with the reason.
func (e *Engine) versions(ctx context.Context, book *playbooks.Book, enrolments []steward.Enrolment) (map[string]*playbooks.Playbook, error) {
	out := map[string]*playbooks.Playbook{}
	for _, en := range enrolments {
		if p, ok := book.Playbook(en.Playbook); ok && p.Version == en.Version || en.Version == "" {
			continue
		}
		if p, ok := e.older[en.Version]; ok {
			out[en.Version] = p
			continue
		}
		text, err := e.Ledger.PlaybookVersion(ctx, en.Version)
		if err != nil {
			return nil, fmt.Errorf("read version %s of playbook %s: %w", en.Version, en.Playbook, err)
		}
		p, err := book.Compile(text)
		if err != nil {
			e.log().Error("a stored playbook can no longer be read; its enrolments end as failed", "playbook", en.Playbook, "version", en.Version, "error", err)
			continue
		}
		// The hash is of the text as it was stored, whatever reading it gave.
		p.Version = en.Version
		if e.older == nil {
			e.older = map[string]*playbooks.Playbook{}
		}
		e.older[en.Version], out[en.Version] = p, p
	}
	return out, nil
}

// ground is the facts of the last evaluated slot, read again after a restart.
// The caller holds mu.
func (e *Engine) ground(ctx context.Context) (*ground, error) {
	if e.last != nil && e.last.base.Book == e.Book() {
		return e.last, nil
	}
	slot, err := e.Ledger.LastSlot(ctx, evaluation)
	if err != nil {
		return nil, fmt.Errorf("read the last evaluation: %w", err)
	}
	if slot.IsZero() {
		return nil, nil
	}
	g, err := e.survey(ctx, slot)
	if err != nil {
		return nil, err
	}
	e.last = g
	return g, nil
}

func (e *Engine) log() *slog.Logger {
	if e.Log == nil {
		return slog.Default()
	}
	return e.Log
}

// tell plans a word to ops, once per key.
func (e *Engine) tell(ctx context.Context, key, title string, lines []string, todo string) error {
	book := e.Book()
	if book.Ops == "" {
		return nil
	}
	now := e.Now()
	content := playbooks.NoticeContent(title, lines, todo)
	_, err := e.Ledger.Notice(ctx, key, steward.Message{
		ID: steward.NewMessageID(steward.Notice, key, now.UTC().Format(time.RFC3339)), Kind: steward.Notice, Channel: steward.Slack,
		To: steward.Recipient{Key: "ops", Slack: book.Ops, Name: book.Ops}, State: steward.Planned, Due: now, Planned: now, Content: &content, Version: 1,
	}, now)
	if err != nil {
		return fmt.Errorf("tell ops about %s: %w", key, err)
	}
	return nil
}

// Tell is tell for the parts of the program that are not the engine, such as a
// reload that found a broken playbook. Untell lets the key speak again.
func (e *Engine) Tell(ctx context.Context, key, title string, lines []string, todo string) error {
	return e.tell(ctx, key, title, lines, todo)
}

// Untell lets a key be told about again.
func (e *Engine) Untell(ctx context.Context, key string) error {
	return e.Ledger.ForgetNotice(ctx, key)
}
