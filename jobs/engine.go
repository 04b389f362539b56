package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
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
	Acts
	Desk
	Edits
	Mailroom
}

// Runs is lock and record of evaluations.
type Runs interface {
	ClaimRun(ctx context.Context, job string, slot steward.Slot, now time.Time, lease time.Duration) (steward.Run, bool, error)
	RenewRun(ctx context.Context, run steward.Run, now time.Time, lease time.Duration) (steward.Run, error)
	Commit(ctx context.Context, run steward.Run, changes []steward.Change, now time.Time) (conflicts []steward.AccountID, err error)
	// KeepScores keeps what was worked out about accounts as of a day.
	KeepScores(ctx context.Context, run steward.Run, day steward.Day, scores []steward.Score) error
	FinishRun(ctx context.Context, run steward.Run, states []steward.PlaybookState, now time.Time, summary any, fault string) error
	// LastSlot is the newest finished run's slot; zero before the first.
	LastSlot(ctx context.Context, job string) (steward.Slot, error)
	SavePlaybookVersion(ctx context.Context, playbook steward.PlaybookName, hash, text string, now time.Time) error
	PlaybookVersion(ctx context.Context, hash string) (string, error)
	// RenamePlaybooks gives what is remembered of playbooks their new names, by
	// their old ones.
	RenamePlaybooks(ctx context.Context, names map[steward.PlaybookName]steward.PlaybookName, now time.Time) (int, error)
}

// Memory is what decisions are made from.
type Memory interface {
	Portfolio(ctx context.Context) (steward.Portfolio, error)
	// Forgettings rises when somebody is forgotten.
	Forgettings(ctx context.Context) (int, error)
	// Dealings is what was done about each account since a moment.
	Dealings(ctx context.Context, since time.Time, zone *time.Location) (map[steward.AccountID]steward.Dealings, error)
	Series(ctx context.Context, metrics []string) (map[string]map[steward.AccountID]series.Series, error)
	Sources(ctx context.Context) ([]steward.SourceState, error)
	Standing(ctx context.Context) (steward.Standing, error)
	// PlaybookStates is the part of Standing that is remembered of playbooks.
	PlaybookStates(ctx context.Context) ([]steward.PlaybookState, error)
	// StandingOf is the part of Standing that concerns a few enrolments.
	StandingOf(ctx context.Context, ids []steward.EnrolmentID) (steward.Standing, error)
	// Silences is those that stand, or all that ever were; EndSilences ends those
	// that are over.
	Silences(ctx context.Context, now time.Time, all bool) ([]steward.Silence, error)
	EndSilences(ctx context.Context, over []steward.Silence) error
	// Ended is the newest ended enrolment of each playbook and subject.
	Ended(ctx context.Context) ([]steward.Enrolment, error)
	OutreachOf(ctx context.Context, enrolments []steward.EnrolmentID) ([]steward.Outreach, map[steward.MessageID]steward.Message, error)
	SuppressedAddresses(ctx context.Context) (steward.OptOuts, error)
	Salt(ctx context.Context) (string, error)
	DueEnrolments(ctx context.Context, now time.Time, limit int) ([]steward.Enrolment, error)
}

// Deliveries is the life of messages.
type Deliveries interface {
	// DueMessages is what is due on the channels, up to limit.
	DueMessages(ctx context.Context, now time.Time, limit int, channels ...steward.Channel) ([]steward.Due, error)
	MarkEnqueued(ctx context.Context, due []steward.Due, now time.Time) error
	// InQueue is how many of a channel's messages are in the queue.
	InQueue(ctx context.Context, channel steward.Channel) (int, error)
	// Enqueued is what has been in the queue since since; Requeue takes back what
	// the queue has lost of it.
	Enqueued(ctx context.Context, since, now time.Time, limit int) ([]steward.Due, error)
	Requeue(ctx context.Context, lost []steward.Due) (int, error)
	// Claim has decide rule on a message inside the transaction that then holds
	// it to be sent; an error of decide's comes back as it is.
	Claim(ctx context.Context, id steward.MessageID, epoch int, now time.Time, lease time.Duration, decide func(steward.Dossier) (steward.Ruling, error)) (steward.Dossier, steward.Ruling, error)
	Settle(ctx context.Context, id steward.MessageID, epoch int, s steward.Settlement, now time.Time) error
	LapsedSends(ctx context.Context, now time.Time, lease time.Duration) ([]steward.MessageID, error)
	ExpireApprovals(ctx context.Context, now time.Time) (int, error)
	VetoElapsed(ctx context.Context, now time.Time) (int, error)
	// PlanDigest plans an owner's digest of a day, if there is none yet; Agendas is
	// what owners have to do beside what is said to them.
	PlanDigest(ctx context.Context, m steward.Message) (added bool, err error)
	Agendas(ctx context.Context) (map[steward.OwnerID]steward.Agenda, error)
	// Week is what became of accounts since a moment, and which cards about them
	// nobody took on that went before another.
	Week(ctx context.Context, accounts []steward.AccountID, since, untaken time.Time) (steward.Week, error)
	// Notice plans a message to ops once per key; ForgetNotice lets the key
	// speak again.
	Notice(ctx context.Context, key string, m steward.Message, now time.Time) (bool, error)
	ForgetNotice(ctx context.Context, key string) error
	// Unclaimed is the open enrolments that nobody has taken on, of which a card
	// went to one of the pools since a moment.
	Unclaimed(ctx context.Context, pools []steward.OwnerID, since time.Time) ([]steward.Unclaimed, error)
	// GivenTasks is the open tasks that no step gave.
	GivenTasks(ctx context.Context) ([]steward.Task, error)
	// OpenedSince is what was opened since a moment, without what was seen of it.
	OpenedSince(ctx context.Context, since time.Time) ([]steward.Enrolment, error)
	// Notices is the keys that were told and not forgotten.
	Notices(ctx context.Context) ([]string, error)
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
	// Update has the provider show a card, by its ref, as the letter says; nil where
	// cards stay as they were sent.
	Update func(ctx context.Context, l steward.Letter, ref string) error
	// Book is the newest good book.
	Book func() *playbooks.Book
	// FreshWithin is how far behind a source may be, by its name; zero means that
	// it is never stale, and nil that none is.
	FreshWithin func(source string) time.Duration
	// GoodUntil is until when the facts of a slot may be acted on between
	// evaluations; nil sets no limit. Past it nothing is begun and nothing that
	// rests on them is sent until a newer slot has been evaluated.
	GoodUntil func(steward.Slot) time.Time
	// Explained tells a source of which ops has heard already why it does not go
	// on, so that nothing is said when it is behind for that; nil tells none.
	Explained func(source string) bool
	// Overtaken tells whether a newer slot than this one is due; nil says never. An
	// evaluation that waited in the queue until then is left to the newer one.
	Overtaken func(steward.Slot) bool
	// Assume takes fields of days before anything was imported to have been as
	// they were at first: to ask what would have been, and never to act on it.
	Assume bool
	// Person finds one of us by who they are in Slack, where owners.yaml does not
	// say; nil finds nobody.
	Person func(ctx context.Context, user, team string) (steward.Owner, bool, error)
	// Changed, if set, is told whenever somebody changed what cards show; it should
	// have room for one.
	Changed chan struct{}
	// Now is the wall clock, for leases and due times; rules never see it.
	Now func() time.Time
	Log *slog.Logger
	// Observe hears what each evaluation came to; nil when nobody listens.
	Observe func(Report)

	// turn is held by whoever decides about enrolments and writes that: an
	// evaluation, or a minute's advance.
	turn    sync.Mutex
	written map[string]bool // playbook versions known to be stored

	// mu guards what decisions are made on. It is never held while the ledger is
	// written: a claim asks for it inside its transaction.
	mu   sync.Mutex
	last *ground
	// digested is the day on which each owner was last asked what they have to do.
	digested map[steward.OwnerID]steward.Day
	weekly   map[steward.OwnerID]steward.Day // and the week for which it is a manager
	older    map[string]*playbooks.Playbook  // versions that only open enrolments run on; nil where one no longer compiles

	// looking is held by whoever reads the facts anew, so that those who need
	// them meanwhile wait for them and do not read them too.
	looking sync.Mutex

	circuits circuits

	tellMu sync.Mutex
	told   map[string]bool // the notices that stand; nil before they were read
}

// ground is the facts of a slot, kept for advance and deliver, which run on
// the last committed ones. Its frame is not for concurrent use: an evaluation
// has one of its own until it is done, and from then on mu guards it.
type ground struct {
	slot steward.Slot
	base *playbooks.Situation // without a memory
	// sources is what was known of each, to tell whose metrics are behind.
	sources []steward.SourceState
	// forgettings is how many people had been forgotten when it was read.
	forgettings int
}

// evaluation is the name of the evaluate job in the ledger.
const evaluation = "evaluate"

// runLease is how long a run is trusted between renewals, sendLease a sender.
const (
	runLease  = 2 * time.Minute
	sendLease = 2 * time.Minute
)

// survey reads the portfolio and the series that the book needs, as of a slot.
func (e *Engine) survey(ctx context.Context, book *playbooks.Book, slot steward.Slot) (*ground, error) {
	forgettings, err := e.Ledger.Forgettings(ctx) // before what it is about
	if err != nil {
		return nil, fmt.Errorf("count who was forgotten: %w", err)
	}
	p, err := e.Ledger.Portfolio(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the portfolio: %w", err)
	}
	if p.Dealings, err = e.Ledger.Dealings(ctx, slot.Time().AddDate(0, 0, -dealingsDays), book.Zone); err != nil {
		return nil, fmt.Errorf("read what was done: %w", err)
	}
	p.Dealings = playbooks.RenamedDealings(p.Dealings, book.Renamed())
	silences, err := e.Ledger.Silences(ctx, slot.Time(), false)
	if err != nil {
		return nil, fmt.Errorf("read silences: %w", err)
	}
	values, err := e.Ledger.Series(ctx, slices.Compact(slices.Sorted(slices.Values(append(book.MetricsRead(), book.MetricsOfSilences(silences)...)))))
	if err != nil {
		return nil, fmt.Errorf("read series: %w", err)
	}
	sources, err := e.Ledger.Sources(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the state of sources: %w", err)
	}
	if e.Assume && p.History != nil {
		p.History = p.History.Reaching(slot.Day(book.Zone))
	}
	in := facts.Input{Slot: slot, Zone: book.Zone, Portfolio: p, Of: fieldsOf(sources, e.Now(), book.Zone), Fields: book.Fields}
	for _, spec := range book.Metrics {
		m := facts.Metric{Spec: spec, Through: steward.NoDay, Series: values[spec.Name]}
		m.Through, m.Stale = e.through(spec.Name, sources, slot, book.Zone)
		in.Metrics = append(in.Metrics, m)
	}
	base := playbooks.NewSituation(book, facts.At(in), p)
	if e.GoodUntil != nil {
		base.GoodUntil = e.GoodUntil(slot)
	}
	return &ground{slot: slot, base: base, sources: sources, forgettings: forgettings}, nil
}

// dealingsDays is how far back fired and mailed can look.
const dealingsDays = 800

// fieldsOf is the day from which on fields are as they stand: the last import's,
// but not one to come, which only a wrong clock has seen; NoDay before the first.
func fieldsOf(sources []steward.SourceState, now time.Time, zone *time.Location) steward.Day {
	day := steward.NoDay
	for _, s := range sources {
		if !s.ImportedAt.IsZero() {
			day = max(day, steward.DayOf(s.ImportedAt, zone))
		}
	}
	return min(day, steward.DayOf(now, zone))
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
	g, err := e.survey(ctx, e.Book(), slot)
	if err != nil {
		return nil, err
	}
	return e.opening(ctx, g)
}

// LastSlot is the newest evaluated slot; zero before the first.
func (e *Engine) LastSlot(ctx context.Context) (steward.Slot, error) {
	return e.Ledger.LastSlot(ctx, evaluation)
}

// situation puts facts and memory together.
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
	return e.openingAt(ctx, g, g.slot.Time())
}

// openingAt is opening at a later moment, on the facts of the slot.
func (e *Engine) openingAt(ctx context.Context, g *ground, now time.Time) (*playbooks.Situation, error) {
	s, err := e.situation(ctx, g, now)
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
	// A command that only looks finds what the worker will have renamed.
	s.Memory = s.Memory.Renamed(g.base.Book.Renamed())
	return s, nil
}

func (e *Engine) memory(ctx context.Context, book *playbooks.Book) (playbooks.Memory, error) {
	st, err := e.Ledger.Standing(ctx)
	if err != nil {
		return playbooks.Memory{}, fmt.Errorf("read the engine's memory: %w", err)
	}
	return e.remember(ctx, book, st)
}

// remember is a memory with what belongs to what is going on.
func (e *Engine) remember(ctx context.Context, book *playbooks.Book, st steward.Standing) (playbooks.Memory, error) {
	m := playbooks.Memory{
		Phases: map[playbooks.Key]steward.PhaseState{}, Open: map[playbooks.Key]steward.Enrolment{}, Ended: map[playbooks.Key]steward.Enrolment{},
		States: map[steward.PlaybookName]steward.PlaybookState{}, Outreach: map[steward.EnrolmentID][]steward.Outreach{}, Pause: st.Pause, Afoot: st.Afoot, Silences: st.Silences,
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
	if m.Absent, err = e.Ledger.Away(ctx, steward.DayOf(e.Now(), book.Zone)); err != nil {
		return m, fmt.Errorf("read who is away: %w", err)
	}
	if m.Suppressed, err = e.Ledger.SuppressedAddresses(ctx); err != nil {
		return m, fmt.Errorf("read suppressions: %w", err)
	}
	if m.Salt, err = e.Ledger.Salt(ctx); err != nil {
		return m, fmt.Errorf("read the salt: %w", err)
	}
	m.Versions, err = e.versions(ctx, book, st.Open)
	return m.Renamed(book.Renamed()), err
}

// memoryOf is the part of the memory that goes on with a few enrolments.
func (e *Engine) memoryOf(ctx context.Context, book *playbooks.Book, enrolments []steward.Enrolment) (playbooks.Memory, error) {
	ids := make([]steward.EnrolmentID, len(enrolments))
	for i, en := range enrolments {
		ids[i] = en.ID
	}
	st, err := e.Ledger.StandingOf(ctx, ids)
	if err != nil {
		return playbooks.Memory{}, fmt.Errorf("read the engine's memory: %w", err)
	}
	return e.remember(ctx, book, st)
}

// unreadVersions are playbook texts that enrolments run on and that were not
// read yet.
type unreadVersions []steward.Enrolment

// Error names the first of them.
func (u unreadVersions) Error() string {
	return fmt.Sprintf("version %s of playbook %s was not read yet", u[0].Version, u[0].Playbook)
}

// versions is the playbook texts that enrolments run on, where they are not the
// newest.
func (e *Engine) versions(ctx context.Context, book *playbooks.Book, enrolments []steward.Enrolment) (map[string]*playbooks.Playbook, error) {
	e.mu.Lock()
	found, unread := e.known(book, enrolments)
	e.mu.Unlock()
	if len(unread) == 0 {
		return found, nil
	}
	if err := e.readVersions(ctx, book, unread); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	found, _ = e.known(book, enrolments)
	return found, nil
}

// known is the older texts that were read before, and the enrolments whose
// text was not. The caller holds mu.
func (e *Engine) known(book *playbooks.Book, enrolments []steward.Enrolment) (found map[string]*playbooks.Playbook, unread unreadVersions) {
	for _, en := range enrolments {
		if p, ok := book.Playbook(en.Playbook); ok && p.Version == en.Version || en.Version == "" {
			continue
		}
		p, read := e.older[en.Version]
		switch {
		case !read:
			unread = append(unread, en)
		case p != nil:
			if found == nil {
				found = map[string]*playbooks.Playbook{}
			}
			found[en.Version] = p
		}
	}
	return found, unread
}

// readVersions reads and compiles playbook texts. One that no longer compiles
// is nil: its enrolments end as failed, with the reason.
func (e *Engine) readVersions(ctx context.Context, book *playbooks.Book, unread unreadVersions) error {
	for _, en := range unread {
		text, err := e.Ledger.PlaybookVersion(ctx, en.Version)
		if err != nil {
			return fmt.Errorf("read version %s of playbook %s: %w", en.Version, en.Playbook, err)
		}
		p, err := book.Compile(text)
		if err != nil {
			e.log().Error("a stored playbook can no longer be read; its enrolments end as failed", "playbook", en.Playbook, "version", en.Version, "error", err)
			p = nil
		} else {
			// The hash is of the text as it was stored, whatever reading it gave.
			p.Version = en.Version
		}
		e.mu.Lock()
		if e.older == nil {
			e.older = map[string]*playbooks.Playbook{}
		}
		e.older[en.Version] = p
		e.mu.Unlock()
	}
	return nil
}

// ground is the facts of the last evaluated slot, read again after a restart,
// after an edit, and when somebody was forgotten, whom pages and cards would name
// until the next evaluation; nil before the first evaluation.
func (e *Engine) ground(ctx context.Context) (*ground, error) {
	e.looking.Lock()
	defer e.looking.Unlock()
	e.mu.Lock()
	last := e.last
	e.mu.Unlock()
	book := e.Book()
	if last != nil && last.base.Book == book {
		n, err := e.Ledger.Forgettings(ctx)
		if err != nil {
			return nil, fmt.Errorf("count who was forgotten: %w", err)
		}
		if n == last.forgettings {
			return last, nil
		}
	}
	if err := e.rename(ctx, book); err != nil {
		return nil, err
	}
	slot, err := e.Ledger.LastSlot(ctx, evaluation)
	if err != nil {
		return nil, fmt.Errorf("read the last evaluation: %w", err)
	}
	if slot.IsZero() {
		return nil, nil
	}
	return e.stand(e.survey(ctx, book, slot))
}

// footing is what messages are judged on. Before the first evaluation that is
// the facts of this moment: a notice needs none.
func (e *Engine) footing(ctx context.Context) (*ground, error) {
	g, err := e.ground(ctx)
	if g != nil || err != nil {
		return g, err
	}
	return e.survey(ctx, e.Book(), steward.SlotAt(e.Now()))
}

// stand keeps a ground as the one to act on, unless a newer one has been found
// meanwhile.
func (e *Engine) stand(g *ground, err error) (*ground, error) {
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last == nil || e.last.base.Book != e.Book() || !g.slot.Time().Before(e.last.slot.Time()) {
		e.last = g
	}
	return e.last, nil
}

func (e *Engine) log() *slog.Logger {
	if e.Log == nil {
		return slog.Default()
	}
	return e.Log
}

// tell plans a word to ops, once per key.
func (e *Engine) tell(ctx context.Context, key, title string, lines []string, todo string) error {
	ops := e.Book().Ops
	return e.tellTo(ctx, steward.Recipient{Key: "ops", Slack: ops, Name: ops}, key, title, lines, todo)
}

// tellTo plans a word to somebody among ourselves, once per key. Nobody is told
// where the workspace names nobody.
func (e *Engine) tellTo(ctx context.Context, to steward.Recipient, key, title string, lines []string, todo string) error {
	if to.Owner == "" && to.Slack == "" {
		return nil
	}
	e.tellMu.Lock()
	defer e.tellMu.Unlock()
	if err := e.readTold(ctx); err != nil || e.told[key] {
		return err
	}
	now := e.Now()
	content := playbooks.NoticeContent(title, lines, todo)
	_, err := e.Ledger.Notice(ctx, key, steward.Message{
		ID: steward.NewMessageID(steward.Notice, key, now.UTC().Format(time.RFC3339)), Kind: steward.Notice, Channel: steward.Slack,
		To: to, State: steward.Planned, Due: now, Planned: now, Content: &content, Version: 1,
		RetryUncertain: true,
	}, now)
	if err != nil {
		return fmt.Errorf("tell %s about %s: %w", to.Key, key, err)
	}
	e.told[key] = true
	return nil
}

// untell lets keys be told about again. What was never told costs nothing.
func (e *Engine) untell(ctx context.Context, keys ...string) error {
	e.tellMu.Lock()
	defer e.tellMu.Unlock()
	if err := e.readTold(ctx); err != nil {
		return err
	}
	for _, key := range keys {
		if !e.told[key] {
			continue
		}
		if err := e.Ledger.ForgetNotice(ctx, key); err != nil {
			return fmt.Errorf("forget notice %s: %w", key, err)
		}
		delete(e.told, key)
	}
	return nil
}

// toldOf is the keys with a prefix that were told and still stand.
func (e *Engine) toldOf(ctx context.Context, prefix string) ([]string, error) {
	e.tellMu.Lock()
	defer e.tellMu.Unlock()
	if err := e.readTold(ctx); err != nil {
		return nil, err
	}
	var out []string
	for key := range e.told {
		if strings.HasPrefix(key, prefix) {
			out = append(out, key)
		}
	}
	return out, nil
}

// readTold reads once which notices stand. The caller holds tellMu.
func (e *Engine) readTold(ctx context.Context) error {
	if e.told != nil {
		return nil
	}
	keys, err := e.Ledger.Notices(ctx)
	if err != nil {
		return fmt.Errorf("read what ops was told: %w", err)
	}
	e.told = map[string]bool{}
	for _, key := range keys {
		e.told[key] = true
	}
	return nil
}

// Tell is tell for the parts of the program that are not the engine, such as a
// reload that found a broken playbook. Untell lets the key speak again.
func (e *Engine) Tell(ctx context.Context, key, title string, lines []string, todo string) error {
	return e.tell(ctx, key, title, lines, todo)
}

// Untell lets a key be told about again.
func (e *Engine) Untell(ctx context.Context, key string) error { return e.untell(ctx, key) }
