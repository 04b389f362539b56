package jobs_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/jobs"
	"steward/playbooks"
	"steward/store"
)

// The engine on a real database, with a provider that answers as it is told.

// first is the slot of the first evaluation in these tests; a Thursday.
var first = time.Date(2026, 3, 12, 6, 0, 0, 0, time.UTC)

// ledger is the database in the words of jobs, as cmd wires it, with room for
// faults.
type ledger struct {
	*store.DB
	// commit, if set, is asked before every Commit.
	commit func(n int) error
	n      int
	// standing, if set, is called after every reading of what is remembered.
	standing func()
	// perform, if set, is called before every act is written.
	perform func()
	// erased is a message of which nothing is kept.
	erased steward.MessageID
}

func moved(err error) error {
	if errors.Is(err, store.ErrSettled) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w: %w", jobs.ErrMoved, err)
	}
	return err
}

func (l *ledger) Claim(ctx context.Context, id steward.MessageID, epoch int, now time.Time, lease time.Duration, decide func(steward.Dossier) (steward.Ruling, error)) (steward.Dossier, steward.Ruling, error) {
	d, v, err := l.DB.Claim(ctx, id, epoch, now, lease, decide)
	return d, v, moved(err)
}

func (l *ledger) Dossier(ctx context.Context, id steward.MessageID) (steward.Dossier, error) {
	d, err := l.DB.Dossier(ctx, id)
	if id == l.erased {
		d.Message.Content = nil
	}
	return d, moved(err)
}

func (l *ledger) Perform(ctx context.Context, a steward.Act, change steward.Change, answer string, now time.Time) (string, bool, error) {
	if l.perform != nil {
		l.perform()
	}
	said, again, err := l.DB.Perform(ctx, a, change, answer, now)
	return said, again, moved(err)
}

func (l *ledger) Receive(ctx context.Context, in steward.Incoming, change steward.Change, now time.Time) (bool, error) {
	isNew, err := l.DB.Receive(ctx, in, change, now)
	return isNew, moved(err)
}

func (l *ledger) Settle(ctx context.Context, id steward.MessageID, epoch int, s steward.Settlement, now time.Time) error {
	return moved(l.DB.Settle(ctx, id, epoch, s, now))
}

func (l *ledger) Commit(ctx context.Context, run steward.Run, changes []steward.Change, now time.Time) ([]steward.AccountID, error) {
	l.n++
	if l.commit != nil {
		if err := l.commit(l.n); err != nil {
			return nil, err
		}
	}
	return l.DB.Commit(ctx, run, changes, now)
}

func (l *ledger) Standing(ctx context.Context) (steward.Standing, error) {
	st, err := l.DB.Standing(ctx)
	if l.standing != nil {
		l.standing()
	}
	return st, err
}

// provider answers deliveries in turn; out of answers it accepts.
type provider struct {
	mu      sync.Mutex
	answers []error
	letters []steward.Letter
	// during, if set, is called in the middle of a delivery.
	during func()
}

func (p *provider) Send(_ context.Context, l steward.Letter) (steward.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.letters = append(p.letters, l)
	if p.during != nil {
		p.during()
	}
	if len(p.answers) > 0 {
		err := p.answers[0]
		p.answers = p.answers[1:]
		if err != nil {
			return steward.Receipt{}, err
		}
	}
	return steward.Receipt{Ref: "ref/" + string(l.Message.ID)}, nil
}

func (p *provider) count(kind steward.MessageKind) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, l := range p.letters {
		if l.Message.Kind == kind {
			n++
		}
	}
	return n
}

// stage is an engine with everything around it.
type stage struct {
	*testing.T
	*jobs.Engine
	ledger   *ledger
	db       *store.DB
	provider *provider
	now      time.Time
}

// playbook is a signal on a field, so that what a test imports decides what
// fires, with a step for each channel.
const playbook = `playbook: big
title: Big account
audience: segment == 'enterprise'
when: arr >= 10k
until: arr < 5k
cooldown: 30d
priority: arr
backfill: true
%s
steps:
  - id: nudge
    slack: owner
    message: big
    %s
  - wait: 1d
    unless: acked
  - id: escalate
    if: not acked
    slack: manager
    message: big
  - id: help
    email: [champion]
    message: mail
    approve: owner
`

func newStage(t *testing.T, path, head, onNudge string) *stage {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "steward.db")
	}
	db, err := store.Open(t.Context(), path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	book, problems := playbooks.Load(fstest.MapFS{
		"playbooks/big.yaml": {Data: fmt.Appendf(nil, playbook, head, onNudge)},
		"messages/big.md":    {Data: []byte("{{ .account.name }} is big.\n")},
		"messages/mail.md":   {Data: []byte("---\nfor_roles: [champion]\nsubject: Hello\n---\nHi {{ .contact.first_name }}.\n")},
	}, "playbooks", "messages", playbooks.Settings{Zone: time.UTC, Ops: "#ops", Unowned: "#ops", Owners: []steward.Owner{
		{ID: "lee", Name: "Lee Okafor", Slack: "U0LEE", Zone: time.UTC},
		{ID: "dana", Name: "Dana Reyes", Slack: "U0DANA", Manager: "lee", Zone: time.UTC},
	}})
	if errs := problems.Errors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	s := &stage{T: t, db: db, ledger: &ledger{DB: db}, provider: &provider{}, now: first}
	s.Engine = &jobs.Engine{
		Ledger: s.ledger, Sender: s.provider, Book: func() *playbooks.Book { return book }, Now: func() time.Time { return s.now },
		Log: slog.New(slog.DiscardHandler),
	}
	return s
}

// accounts imports n accounts, all of which the playbook fires for.
func (s *stage) accounts(n int, arr float64) {
	s.Helper()
	var b store.Batch
	b.Source, b.At, b.AccountFields = "crm", s.now, []string{"name", "status", "segment", "arr", "owner"}
	b.CompleteThrough, b.NewestDay = steward.NoDay, steward.NoDay
	for i := range n {
		id := steward.AccountID(fmt.Sprintf("a-%04d", i))
		b.Accounts = append(b.Accounts, steward.Account{ID: id, Name: "Account " + string(id), Status: "customer", Segment: "enterprise", Owner: "dana",
			ARR: steward.Num(arr + float64(i*37%n)), StartDate: steward.NoDay, RenewalDate: steward.NoDay})
		b.Contacts = append(b.Contacts, steward.Contact{ID: steward.ContactID("c-" + string(id)), Account: id, Name: "Ana Ruiz", Email: string(id) + "@example.com", Roles: []string{"champion"}, LastSeen: steward.NoDay})
	}
	_, err := s.db.Import(s.Context(), b)
	s.must(err)
}

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *stage) evaluate() jobs.Report {
	s.Helper()
	r, err := s.Evaluate(s.Context(), steward.SlotAt(s.now))
	s.must(err)
	return r
}

// planned is the newest message of a kind.
func (s *stage) message(kind steward.MessageKind) steward.Message {
	s.Helper()
	list := s.messages(kind)
	if len(list) == 0 {
		s.Fatalf("there is no %s", kind)
	}
	return list[0]
}

func (s *stage) messages(kind steward.MessageKind) []steward.Message {
	s.Helper()
	list, _, err := s.db.Messages(s.Context(), store.MessageFilter{Kind: kind})
	s.must(err)
	return list
}

// deliver sends what is due, once each.
func (s *stage) deliver() {
	s.Helper()
	due, err := s.db.DueMessages(s.Context(), s.now, 0, steward.Channels()...)
	s.must(err)
	for _, d := range due {
		s.must(s.Deliver(s.Context(), d.ID, d.Epoch))
	}
}

func (s *stage) advance() jobs.Moved {
	s.Helper()
	m, err := s.Advance(s.Context())
	s.must(err)
	return m
}

func (s *stage) enrolment() steward.Enrolment {
	s.Helper()
	all, err := s.db.Enrolments(s.Context(), store.EnrolmentFilter{})
	s.must(err)
	if len(all) != 1 {
		s.Fatalf("there are %d enrolments, want 1", len(all))
	}
	return all[0]
}

// TestDeliveryOutcomes: what each answer of a provider makes of a message.
func TestDeliveryOutcomes(t *testing.T) {
	fail := func(kind steward.FailureKind, after time.Duration) error {
		return fmt.Errorf("post: %w", &steward.DeliveryError{Kind: kind, RetryAfter: after, Code: "word", Err: errors.New("cause"), Hint: "do this"})
	}
	for _, c := range []struct {
		name     string
		answer   error
		state    steward.MessageState
		reason   steward.Reason
		due      time.Duration // from the attempt; deferred ones only
		attempts int
		told     bool
	}{
		{"accepted", nil, steward.Sent, steward.ReasonDelivered, 0, 1, false},
		{"unreachable", fail(steward.Unreachable, 0), steward.Deferred, steward.ReasonRetry, 30 * time.Second, 1, false},
		{"not now", fail(steward.NotNow, 0), steward.Deferred, steward.ReasonRetry, 30 * time.Second, 1, false},
		{"throttled", fail(steward.Throttled, 90*time.Second), steward.Deferred, steward.ReasonThrottled, 90 * time.Second, 0, false},
		{"throttled without saying for how long", fail(steward.Throttled, 0), steward.Deferred, steward.ReasonThrottled, time.Second, 0, false},
		{"throttled past its expiry", fail(steward.Throttled, 365*24*time.Hour), steward.Expired, steward.ReasonExpired, 0, 1, false},
		{"refused", fail(steward.Refused, 0), steward.FailedToSend, steward.ReasonRefused, 0, 1, true},
		{"unauthorised", fail(steward.Unauthorised, 0), steward.Deferred, steward.ReasonNotConfigured, 15 * time.Minute, 0, true},
		{"unknowable", fail(steward.Unknowable, 0), steward.Uncertain, steward.ReasonOutcomeLost, 0, 1, false},
		{"an error of no kind", errors.New("the connection broke"), steward.Uncertain, steward.ReasonOutcomeLost, 0, 1, false},
		{"a kind from the future", fail("brand new", 0), steward.Uncertain, steward.ReasonOutcomeLost, 0, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, "", "", "")
			s.accounts(1, 20_000)
			s.evaluate()
			s.provider.answers = []error{c.answer}
			s.deliver()
			m := s.message(steward.Card)
			if m.State != c.state || m.Reason != c.reason || m.Attempts != c.attempts {
				t.Errorf("it is %s (%s) after %d attempts, want %s (%s) after %d", m.State, m.Reason, m.Attempts, c.state, c.reason, c.attempts)
			}
			if c.state == steward.Deferred && !m.Due.Equal(s.now.Add(c.due)) {
				t.Errorf("it is tried again after %s, want %s", m.Due.Sub(s.now), c.due)
			}
			if m.Content == nil {
				t.Error("what was said was not kept")
			}
			if got := len(s.messages(steward.Notice)); got != map[bool]int{true: 1}[c.told] {
				t.Errorf("ops was told %d times", got)
			}
			attempts, err := s.db.Attempts(t.Context(), m.ID)
			s.must(err)
			if len(attempts) != 1 {
				t.Errorf("%d attempts are on record, want 1", len(attempts))
			}
			// The same task once more is too late, and no second call.
			s.must(s.Deliver(t.Context(), m.ID, 0))
			if n := s.provider.count(steward.Card); n != 1 {
				t.Errorf("the provider was called %d times", n)
			}
		})
	}
}

func TestOutageIsToldOnceAndMended(t *testing.T) {
	s := newStage(t, "", "", "")
	s.accounts(4, 20_000)
	s.evaluate()
	unauthorised := &steward.DeliveryError{Kind: steward.Unauthorised, Err: errors.New("invalid_auth")}
	s.provider.answers = []error{unauthorised, unauthorised, unauthorised, unauthorised, unauthorised, unauthorised}
	s.deliver()
	s.now = s.now.Add(time.Minute)
	s.deliver() // the notice itself meets the outage and tells nobody of it
	if got := len(s.messages(steward.Notice)); got != 1 {
		t.Fatalf("ops is told %d times of one outage", got)
	}
	s.provider.answers = nil
	s.now = s.now.Add(time.Hour)
	s.deliver()
	for _, m := range append(s.messages(steward.Card), s.messages(steward.Notice)...) {
		if m.State != steward.Sent {
			t.Errorf("%s %s is %s after the outage", m.Kind, m.ID, m.State)
		}
	}
	// The next outage is news again.
	s.now = s.now.Add(24 * time.Hour)
	s.advance()
	s.provider.answers = []error{unauthorised}
	s.deliver()
	if got := len(s.messages(steward.Notice)); got != 2 {
		t.Errorf("after a second outage ops was told %d times, want 2", got)
	}
}

// A message that a provider puts off for ever is tried twelve times, further
// and further apart, and then given up.
func TestNotNowIsGivenUp(t *testing.T) {
	s := newStage(t, "", "", "")
	s.accounts(1, 20_000)
	s.evaluate()
	var last time.Time
	for try := 1; try <= jobs.MaxAttempts; try++ {
		s.provider.answers = []error{&steward.DeliveryError{Kind: steward.NotNow, Err: errors.New("greylisted")}}
		s.deliver()
		m := s.message(steward.Card)
		if m.Attempts != try {
			t.Fatalf("after %d tries %d attempts count", try, m.Attempts)
		}
		if try == jobs.MaxAttempts {
			if m.State != steward.FailedToSend || m.Reason != steward.ReasonGaveUp {
				t.Fatalf("after %d tries it is %s (%s)", try, m.State, m.Reason)
			}
			break
		}
		if wait := m.Due.Sub(s.now); m.State != steward.Deferred || wait > 4*time.Hour || !last.IsZero() && wait < s.now.Sub(last) {
			t.Fatalf("after %d tries it is %s for %s", try, m.State, wait)
		}
		s.deliver() // too early: nothing
		last, s.now = s.now, m.Due
	}
	if gone := s.now.Sub(first); gone < 12*time.Hour || gone > 48*time.Hour {
		t.Errorf("giving up took %s; it is meant to last about a day", gone)
	}
	if e := s.enrolment(); !e.State.Open() {
		t.Errorf("the enrolment is %s", e.State)
	}
	s.advance()
	if e := s.enrolment(); e.Step == 0 {
		t.Error("a step that failed for good keeps the enrolment for ever")
	}
}

// A process that dies between calling the provider and writing what it said.
func TestCrashInTheMiddleOfASend(t *testing.T) {
	for _, c := range []struct {
		name, onNudge string
		delivered     bool // the provider had taken it
		find          bool // the provider can be asked
		want          steward.MessageState
		calls         int
	}{
		{"is left uncertain where the step says so", "on_uncertain: leave", true, true, steward.Uncertain, 1},
		{"is found and not sent again", "", true, true, steward.Sent, 1},
		{"is sent where the provider has nothing", "", false, true, steward.Sent, 2},
		{"is left uncertain where nobody can tell", "", true, false, steward.Uncertain, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, "", "", c.onNudge)
			s.accounts(1, 20_000)
			s.evaluate()
			if c.find {
				s.Find = func(context.Context, steward.Letter) (steward.Receipt, bool, error) {
					return steward.Receipt{Ref: "found"}, c.delivered, nil
				}
			}
			// The process is gone as soon as the provider has been called.
			s.provider.during = func() { panic("killed") }
			func() {
				defer func() { recover() }()
				s.deliver()
			}()
			s.provider.during = nil
			s.provider.mu.TryLock()
			s.provider.mu.Unlock()
			m := s.message(steward.Card)
			if m.State != steward.Sending {
				t.Fatalf("a killed sender left it %s", m.State)
			}
			// A new process, before the lease is over: hands off.
			s = s.restarted()
			if moved := s.advance(); moved.Uncertain != 0 {
				t.Fatalf("%d sends were given up while their lease runs", moved.Uncertain)
			}
			s.deliver()
			s.now = s.now.Add(3 * time.Minute)
			if moved := s.advance(); moved.Uncertain != 1 {
				t.Fatalf("%d sends were given up after their lease, want 1", moved.Uncertain)
			}
			s.deliver()
			m = s.message(steward.Card)
			if m.State != c.want {
				t.Errorf("it is %s (%s), want %s", m.State, m.Detail, c.want)
			}
			if got := s.provider.count(steward.Card); got != c.calls {
				t.Errorf("the provider was called %d times, want %d", got, c.calls)
			}
		})
	}
}

// restarted is a new process on the same database and provider.
func (s *stage) restarted() *stage {
	e := &jobs.Engine{Ledger: s.ledger, Sender: s.provider, Find: s.Find, Book: s.Book, GoodUntil: s.GoodUntil, Log: s.Log}
	n := &stage{T: s.T, Engine: e, ledger: s.ledger, db: s.db, provider: s.provider, now: s.now}
	e.Now = func() time.Time { return n.now }
	return n
}

// An outcome that was lost in a living process.
func TestLostOutcome(t *testing.T) {
	lost := &steward.DeliveryError{Kind: steward.Unknowable, Err: errors.New("no answer")}
	for _, c := range []struct {
		name, onNudge string
		find          func(context.Context, steward.Letter) (steward.Receipt, bool, error)
		want          steward.MessageState
		ref           string
	}{
		{"leave", "on_uncertain: leave", func(context.Context, steward.Letter) (steward.Receipt, bool, error) {
			return steward.Receipt{Ref: "found"}, true, nil
		}, steward.Uncertain, ""},
		{"found", "", func(context.Context, steward.Letter) (steward.Receipt, bool, error) {
			return steward.Receipt{Ref: "found"}, true, nil
		}, steward.Sent, "found"},
		{"not found", "", func(context.Context, steward.Letter) (steward.Receipt, bool, error) {
			return steward.Receipt{}, false, nil
		}, steward.Deferred, ""},
		{"cannot look now", "", func(context.Context, steward.Letter) (steward.Receipt, bool, error) {
			return steward.Receipt{}, false, &steward.DeliveryError{Kind: steward.Unreachable, Err: errors.New("away")}
		}, steward.Deferred, ""},
		{"there is nothing to look into", "", func(context.Context, steward.Letter) (steward.Receipt, bool, error) {
			return steward.Receipt{}, false, &steward.DeliveryError{Kind: steward.Unknowable, Err: errors.New("a mail server cannot be asked")}
		}, steward.Uncertain, ""},
		{"nobody can look", "", nil, steward.Uncertain, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, "", "", c.onNudge)
			s.accounts(1, 20_000)
			s.evaluate()
			s.Find = c.find
			s.provider.answers = []error{lost}
			s.deliver()
			if m := s.message(steward.Card); m.State != c.want || m.Ref != c.ref {
				t.Errorf("it is %s with ref %q (%s), want %s with ref %q", m.State, m.Ref, m.Detail, c.want, c.ref)
			}
		})
	}
}

// A provider that answers after the lease is over: the message has been called
// uncertain meanwhile. That it was accepted after all is kept; that it failed
// changes nothing, and neither is a reason to try the task again.
func TestOutcomeAfterTheLease(t *testing.T) {
	for answer, want := range map[steward.FailureKind]steward.MessageState{"": steward.Sent, steward.Unreachable: steward.Uncertain} {
		t.Run(string(want), func(t *testing.T) {
			s := newStage(t, "", "", "on_uncertain: leave")
			s.accounts(1, 20_000)
			s.evaluate()
			if answer != "" {
				s.provider.answers = []error{&steward.DeliveryError{Kind: answer}}
			}
			s.provider.during = func() {
				s.now = s.now.Add(5 * time.Minute)
				lapsed, err := s.db.LapsedSends(t.Context(), s.now, 2*time.Minute)
				s.must(err)
				if len(lapsed) != 1 {
					t.Errorf("%d sends lapsed, want 1", len(lapsed))
				}
			}
			s.deliver()
			if m := s.message(steward.Card); m.State != want {
				t.Errorf("it is %s, want %s", m.State, want)
			}
		})
	}
}

// A call that the provider is still working on is not to be seen at once: it is
// looked for again before the message is sent once more.
func TestALateArrivalIsFound(t *testing.T) {
	s := newStage(t, "", "", "")
	s.accounts(1, 20_000)
	s.evaluate()
	arrived := false
	s.Find = func(context.Context, steward.Letter) (steward.Receipt, bool, error) {
		return steward.Receipt{Ref: "late"}, arrived, nil
	}
	s.provider.answers = []error{&steward.DeliveryError{Kind: steward.Unknowable, Err: errors.New("no answer")}}
	s.deliver()
	arrived = true
	s.now = s.message(steward.Card).Due
	s.deliver()
	if m := s.message(steward.Card); m.State != steward.Sent || m.Ref != "late" || s.provider.count(steward.Card) != 1 {
		t.Errorf("it is %s with ref %q after %d calls, want it found", m.State, m.Ref, s.provider.count(steward.Card))
	}
}

// While a card's delivery is in doubt and Slack cannot say, nothing is sent. The
// twelfth time nobody asks any more, and the doubt is what is on record.
func TestDoubtThatNobodyClears(t *testing.T) {
	s := newStage(t, "", "", "")
	s.accounts(1, 20_000)
	s.evaluate()
	s.Find = func(context.Context, steward.Letter) (steward.Receipt, bool, error) {
		return steward.Receipt{}, false, &steward.DeliveryError{Kind: steward.NotNow, Err: errors.New("no history for you")}
	}
	s.provider.answers = []error{&steward.DeliveryError{Kind: steward.Unknowable, Err: errors.New("no answer")}}
	for range jobs.MaxAttempts {
		s.deliver()
		s.now = s.message(steward.Card).Due
	}
	m := s.message(steward.Card)
	if m.State != steward.Uncertain || m.Attempts != jobs.MaxAttempts {
		t.Errorf("it is %s (%s) after %d attempts, want uncertain", m.State, m.Detail, m.Attempts)
	}
	if n := s.provider.count(steward.Card); n != 1 {
		t.Errorf("it was sent %d times", n)
	}
}

func TestDeliveryOfWhatIsGone(t *testing.T) {
	s := newStage(t, "", "", "")
	s.must(s.Deliver(t.Context(), "m-nothing", 1))
	s.must(s.HandleDelivery(t.Context(), []byte("not json")))
	if len(s.provider.letters) > 0 {
		t.Error("something was sent")
	}
}

// bench is a queue that can be looked into.
type bench struct {
	mu    sync.Mutex
	tasks []jobs.Task
	fail  int // refuse from this many on; 0 never
}

func (q *bench) Enqueue(_ context.Context, t jobs.Task) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.fail > 0 && len(q.tasks) >= q.fail-1 {
		return errors.New("the queue is away")
	}
	q.tasks = append(q.tasks, t)
	return nil
}

func (q *bench) Missing(_ context.Context, tasks []jobs.Task) ([]jobs.Task, error) {
	return slices.DeleteFunc(tasks, func(t jobs.Task) bool {
		return slices.ContainsFunc(q.tasks, func(in jobs.Task) bool { return in.ID == t.ID })
	}), nil
}

func TestRelay(t *testing.T) {
	s := newStage(t, "", "max_new: 20", "")
	s.accounts(6, 20_000)
	s.evaluate()
	q := &bench{}
	n, err := s.Relay(t.Context(), q, 4)
	s.must(err)
	if n != 4 || len(q.tasks) != 4 {
		t.Fatalf("%d were handed over and %d taken, want 4", n, len(q.tasks))
	}
	if n, err = s.Relay(t.Context(), q, 4); err != nil || n != 0 {
		t.Fatalf("a full queue was given %d more (%v)", n, err)
	}
	if n, err = s.Relay(t.Context(), q, 0); err != nil || n != 2 {
		t.Fatalf("the rest is %d (%v), want 2", n, err)
	}
	if n, err = s.Relay(t.Context(), q, 0); err != nil || n != 0 {
		t.Fatalf("what is in the queue was handed over again: %d (%v)", n, err)
	}
	ids := map[string]bool{}
	for _, task := range q.tasks {
		ids[task.ID] = true
	}
	// What is in the queue stays there. Of what it loses the database takes back
	// all that was not handed over a moment ago, and the new tasks have new names,
	// so that nothing old can stand in their way.
	s.now = s.now.Add(time.Minute)
	if n, err = s.Reconcile(t.Context(), q); err != nil || n != 0 {
		t.Fatalf("%d were taken back (%v) that the queue has", n, err)
	}
	lost := q.tasks
	q.tasks = nil
	s.now = s.now.Add(-time.Minute)
	if n, err = s.Reconcile(t.Context(), q); err != nil || n != 0 {
		t.Fatalf("%d were taken back (%v) too soon", n, err)
	}
	s.now = s.now.Add(time.Minute)
	if n, err = s.Reconcile(t.Context(), q); err != nil || n != 6 {
		t.Fatalf("%d were taken back (%v), want 6", n, err)
	}
	if n, err = s.Relay(t.Context(), q, 0); err != nil || n != 6 {
		t.Fatalf("%d were handed over again (%v), want 6", n, err)
	}
	for _, task := range q.tasks {
		if ids[task.ID] {
			t.Errorf("task %s has the name of one that was lost", task.ID)
		}
	}
	// Both the lost ones and the new ones turn up: each is sent once.
	for _, task := range append(lost, q.tasks...) {
		s.must(s.HandleDelivery(t.Context(), task.Payload))
	}
	if got := s.provider.count(steward.Card); got != 6 {
		t.Errorf("%d cards were sent, want 6", got)
	}
}

// A queue that breaks off keeps what it took, and no message is lost or sent
// twice.
func TestRelayToAQueueThatBreaksOff(t *testing.T) {
	s := newStage(t, "", "max_new: 20", "")
	s.accounts(5, 20_000)
	s.evaluate()
	q := &bench{fail: 3}
	if _, err := s.Relay(t.Context(), q, 0); err == nil {
		t.Fatal("nobody heard of it")
	}
	q.fail = 0
	_, err := s.Relay(t.Context(), q, 0)
	s.must(err)
	if len(q.tasks) != 5 {
		t.Fatalf("%d tasks, want 5", len(q.tasks))
	}
	for _, task := range q.tasks {
		s.must(s.HandleDelivery(t.Context(), task.Payload))
	}
	if got := s.provider.count(steward.Card); got != 5 {
		t.Errorf("%d cards were sent, want 5", got)
	}
}

// The steps between evaluations: the wait, the ack, the approval.
func TestAdvance(t *testing.T) {
	s := newStage(t, "", "", "")
	s.accounts(1, 20_000)
	s.evaluate()
	s.deliver()
	s.advance()
	if e := s.enrolment(); e.State != steward.Waiting || !e.Due.Equal(first.Add(24*time.Hour)) {
		t.Fatalf("after the card it is %s until %s", e.State, e.Due)
	}
	s.now = first.Add(23 * time.Hour)
	if moved := s.advance(); moved.Enrolments != 0 {
		t.Fatal("the wait ended an hour early")
	}
	// Taken on: the wait ends, the manager is left alone, a mail lies ready.
	s.must(s.db.Ack(t.Context(), s.enrolment().ID, "dana", s.now))
	s.advance()
	if cards := s.messages(steward.Card); len(cards) != 1 {
		t.Fatalf("%d cards, want the one", len(cards))
	}
	mail := s.message(steward.Mail)
	if mail.State != steward.AwaitingApproval || mail.Content == nil {
		t.Fatalf("the mail is %s", mail.State)
	}
	s.deliver() // the request, not the mail
	if s.provider.count(steward.Mail) != 0 || s.provider.count(steward.Approval) != 1 {
		t.Fatal("the mail was not asked about first")
	}
	s.must(s.db.Approve(t.Context(), mail.ID, mail.Version, "dana", s.now))
	s.deliver()
	s.advance()
	if m := s.message(steward.Mail); m.State != steward.Sent {
		t.Fatalf("the approved mail is %s (%s)", m.State, m.Detail)
	}
	if e := s.enrolment(); e.State != steward.Completed {
		t.Errorf("after its last step it is %s", e.State)
	}
}

// A person takes an enrolment on while a minute's advance has read and not yet
// written: the person wins, and the next minute goes on from there.
func TestAdvanceMeetsAPerson(t *testing.T) {
	s := newStage(t, "", "", "")
	s.accounts(1, 20_000)
	s.evaluate()
	s.deliver()
	s.advance()
	s.now = first.Add(25 * time.Hour)
	e := s.enrolment()
	s.ledger.commit = func(int) error {
		s.ledger.commit = nil
		return s.db.Ack(t.Context(), e.ID, "dana", s.now)
	}
	if moved := s.advance(); moved.Conflicts != 1 {
		t.Fatalf("%d conflicts, want 1", moved.Conflicts)
	}
	if got := s.enrolment(); got.AckedBy != "dana" {
		t.Fatal("the ack was lost")
	}
	if cards := s.messages(steward.Card); len(cards) != 1 {
		t.Fatal("the manager was told although dana took it on")
	}
	s.advance()
	if m := s.message(steward.Mail); m.State != steward.AwaitingApproval {
		t.Fatalf("the next minute did not go on: the mail is %s", m.State)
	}
}

// The same with an evaluation: what it decided for the account is decided
// anew, so that the account does not miss the slot.
func TestEvaluationMeetsAPerson(t *testing.T) {
	s := newStage(t, "", "", "")
	s.accounts(1, 20_000)
	s.evaluate()
	s.deliver()
	s.advance()
	e := s.enrolment()
	s.now = first.Add(24 * time.Hour)
	s.accounts(1, 1_000) // recovered
	s.ledger.commit = func(int) error {
		s.ledger.commit = nil
		return s.db.Ack(t.Context(), e.ID, "dana", s.now)
	}
	if r := s.evaluate(); r.Conflicts != 0 {
		t.Fatalf("%d accounts were left as they were", r.Conflicts)
	}
	got := s.enrolment()
	if got.AckedBy != "dana" || got.State != steward.Exited || got.Reason != steward.ReasonRecovered {
		t.Errorf("it is %s (%s), taken on by %q; want exited (recovered) by dana", got.State, got.Reason, got.AckedBy)
	}
}

// dump is everything a run wrote. A notice's examples may be others.
func (s *stage) dump() string {
	s.Helper()
	st, err := s.db.Standing(s.Context())
	s.must(err)
	all, err := s.db.Enrolments(s.Context(), store.EnrolmentFilter{})
	s.must(err)
	messages, carries, err := s.db.Messages(s.Context(), store.MessageFilter{})
	s.must(err)
	slices.SortFunc(messages, func(a, b steward.Message) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for i := range messages {
		if messages[i].Kind == steward.Notice {
			messages[i].Content.Parts = nil
		}
	}
	records, err := s.db.Records(s.Context(), store.RecordFilter{})
	s.must(err)
	var lines []string
	for _, r := range records {
		text, err := json.Marshal(r)
		s.must(err)
		lines = append(lines, string(text))
	}
	slices.Sort(lines)
	text, err := json.MarshalIndent(map[string]any{"standing": st, "enrolments": all, "messages": messages, "carries": carries, "records": lines}, "", " ")
	s.must(err)
	return string(text)
}

// A run that was cut short at any batch and begun again comes to the same as
// one that was not, limits included.
func TestHalfWrittenRun(t *testing.T) {
	const n = 650 // four batches
	build := func(t *testing.T) *stage {
		s := newStage(t, "", "max_new: 40", "")
		s.accounts(n, 20_000)
		return s
	}
	whole := build(t)
	report := whole.evaluate()
	if tally := report.Playbooks["big"]; tally.Opened != 40 || tally.Quarantined != n-40 {
		t.Fatalf("%d opened and %d held, want 40 and %d", tally.Opened, tally.Quarantined, n-40)
	}
	want := whole.dump()
	for cut := 1; cut <= 4; cut++ {
		t.Run(fmt.Sprintf("cut at batch %d", cut), func(t *testing.T) {
			s := build(t)
			s.ledger.commit = func(batch int) error {
				if batch == cut {
					return errors.New("the disk is full")
				}
				return nil
			}
			if _, err := s.Evaluate(t.Context(), steward.SlotAt(s.now)); err == nil || !strings.Contains(err.Error(), "the disk is full") {
				t.Fatalf("the error is %v", err)
			}
			if last, err := s.LastSlot(t.Context()); err != nil || !last.IsZero() {
				t.Fatalf("a run that failed counts as done: %s (%v)", last, err)
			}
			s.ledger.commit = nil
			s = s.restarted()
			s.evaluate()
			if diff := cmp.Diff(want, s.dump()); diff != "" {
				t.Errorf("begun again it came to something else (-whole +again):\n%.4000s", diff)
			}
			if r := s.evaluate(); !r.Skipped {
				t.Error("a finished slot was evaluated again")
			}
		})
	}
}

// A worker that was thought dead and wakes up can write nothing more.
func TestStaleTermWritesNothing(t *testing.T) {
	s := newStage(t, "", "", "")
	s.accounts(3, 20_000)
	slot := steward.SlotAt(s.now)
	var other string
	s.ledger.standing = func() {
		s.ledger.standing = nil
		// Meanwhile the lease lapses, and another process does the whole run.
		s.now = s.now.Add(time.Hour)
		o := s.restarted()
		o.ledger = &ledger{DB: s.db}
		o.Engine.Ledger = o.ledger
		if r, err := o.Evaluate(t.Context(), slot); err != nil || r.Skipped {
			t.Errorf("the other could not take over: skipped %v, %v", r.Skipped, err)
		}
		other = o.dump()
	}
	if _, err := s.Evaluate(t.Context(), slot); !errors.Is(err, store.ErrStaleTerm) {
		t.Errorf("the error is %v, want that the run was taken over", err)
	}
	if diff := cmp.Diff(other, s.dump()); diff != "" {
		t.Errorf("the stale worker wrote something:\n%s", diff)
	}
	run, _, err := s.db.LastRun(t.Context(), jobs.Evaluation)
	s.must(err)
	if run.State != store.RunDone || run.Term != 2 {
		t.Errorf("the run is %s in term %d", run.State, run.Term)
	}
}

// Two engines want one slot: one does it, the other leaves it alone, and every
// card is planned once.
func TestTwoEnginesOneSlot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "steward.db")
	a, b := newStage(t, path, "max_new: 50", ""), newStage(t, path, "max_new: 50", "")
	a.accounts(50, 20_000)
	reports := make([]jobs.Report, 2)
	var wg sync.WaitGroup
	for i, s := range []*stage{a, b} {
		wg.Go(func() {
			r, err := s.Evaluate(context.Background(), steward.SlotAt(first))
			if err != nil {
				t.Error(err)
			}
			reports[i] = r
		})
	}
	wg.Wait()
	if reports[0].Skipped == reports[1].Skipped {
		t.Errorf("skipped: %v and %v; want exactly one", reports[0].Skipped, reports[1].Skipped)
	}
	if got := len(a.messages(steward.Card)); got != 50 {
		t.Errorf("%d cards, want 50", got)
	}
	// And both deliver from one queue.
	due, err := a.db.DueMessages(t.Context(), first, 0, steward.Channels()...)
	a.must(err)
	for _, s := range []*stage{a, b} {
		wg.Go(func() {
			for _, d := range due {
				if err := s.Deliver(context.Background(), d.ID, d.Epoch); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := a.provider.count(steward.Card) + b.provider.count(steward.Card); got != 50 {
		t.Errorf("%d cards were sent, want 50", got)
	}
}

// Slots never go backwards, whatever the wall clock does.
func TestSlotsDoNotGoBack(t *testing.T) {
	s := newStage(t, "", "", "")
	s.accounts(1, 20_000)
	s.evaluate()
	if r, err := s.Evaluate(t.Context(), steward.SlotAt(first.Add(-24*time.Hour))); err != nil || !r.Skipped {
		t.Errorf("an older slot: skipped %v, %v", r.Skipped, err)
	}
}

// When evaluations stop, nothing goes on upon what the last one found out.
func TestOldFactsAreNotActedOn(t *testing.T) {
	s := newStage(t, "", "", "")
	s.GoodUntil = func(slot steward.Slot) time.Time { return slot.Time().Add(25 * time.Hour) }
	s.accounts(1, 20_000)
	s.evaluate()
	s.deliver()
	s.advance()
	s.now = first.Add(26 * time.Hour) // the wait is over, but nothing was evaluated since
	if moved := s.advance(); moved.Enrolments != 0 {
		t.Fatal("an enrolment went on upon old facts")
	}
	s.advance()
	notices := s.messages(steward.Notice)
	if len(notices) != 1 || !strings.Contains(notices[0].Content.Title, "12 March 2026") {
		t.Fatalf("ops was told %d times: %+v", len(notices), notices)
	}
	// Housekeeping goes on: a word to ops is no claim about a customer.
	s.deliver()
	if s.provider.count(steward.Notice) != 1 {
		t.Error("the notice did not get through")
	}
	// A card that was planned in time and comes to its turn too late waits.
	s.evaluate()
	s.advance()
	if len(s.messages(steward.Card)) != 2 {
		t.Fatal("after the evaluation it did not go on")
	}
	s.now = s.now.Add(48 * time.Hour)
	s.deliver()
	if m := s.message(steward.Card); m.State != steward.Deferred || m.Reason != steward.ReasonUnknownAtSend {
		t.Errorf("the card is %s (%s)", m.State, m.Reason)
	}
}

// What ops has to act on is told once: openings that were held, and playbooks
// that cannot be judged.
func TestOpsIsTold(t *testing.T) {
	s := newStage(t, "", "max_new: 2", "")
	s.accounts(12, 20_000)
	s.evaluate()
	notices := s.messages(steward.Notice)
	if len(notices) != 1 {
		t.Fatalf("%d notices, want 1", len(notices))
	}
	c := notices[0].Content
	if !strings.Contains(c.Title, "10 openings held") || len(notices[0].To.Slack) == 0 || notices[0].To.Slack != "#ops" {
		t.Errorf("the notice to %s says %q", notices[0].To.Slack, c.Title)
	}
	s.evaluateNext()
	if got := len(s.messages(steward.Notice)); got != 1 {
		t.Errorf("the next day ops was told of the same again: %d notices", got)
	}
}

func (s *stage) evaluateNext() {
	s.Helper()
	s.now = s.now.Add(24 * time.Hour)
	s.evaluate()
}

// Nothing is written twice where SQL forbids it: one open enrolment for each
// playbook and subject.
func TestOneOpenEnrolment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "steward.db")
	s := newStage(t, path, "", "")
	s.accounts(3, 20_000)
	for range 3 {
		s.evaluate()
		s.deliver()
		s.advance()
		s.now = s.now.Add(24 * time.Hour)
	}
	raw, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	s.must(err)
	defer raw.Close()
	var most int
	s.must(raw.QueryRow(`SELECT max(n) FROM (SELECT count(*) AS n FROM enrolments WHERE state IN ('quarantined', 'active', 'waiting') GROUP BY playbook, kind, subject)`).Scan(&most))
	if most != 1 {
		t.Errorf("a subject has %d open enrolments in one playbook", most)
	}
}
