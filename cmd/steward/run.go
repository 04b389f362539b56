package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"steward"
	"steward/configs"
	"steward/jobs"
	"steward/notify"
	"steward/playbooks"
	"steward/store"
	"steward/web"
)

type runOptions struct {
	app       *app
	logFormat string
	logLevel  string
	quiet     bool
}

func runCommand(a *app) *cobra.Command {
	o := &runOptions{app: a}
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the worker",
		Long: `Evaluates the playbooks on the workspace's schedule, carries their steps out,
and delivers what they say as steward.yaml says (preview until you change it).

A changed file, or SIGHUP, reloads playbooks, messages and owners; a broken edit
keeps the last good book and says so. SIGTERM stops: first what produces work,
then what does it.

Exit codes: 0 stopped as asked, 1 could not start or go on.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	c.Flags().StringVar(&o.logFormat, "log", "text", "text or json")
	c.Flags().StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	c.Flags().BoolVar(&o.quiet, "quiet", false, "in preview, do not print cards to stdout")
	return c
}

func (o *runOptions) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return nil, usagef("--log-level is debug, info, warn or error, not %q", o.logLevel)
	}
	opts := &slog.HandlerOptions{Level: level}
	switch o.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(o.app.stderr, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(o.app.stderr, opts)), nil
	}
	return nil, usagef("--log is text or json, not %q", o.logFormat)
}

// worker is a running house. Everything that may change by a reload is behind
// current.
type worker struct {
	*house
	app      *app
	log      *slog.Logger
	current  atomic.Pointer[edition]
	broken   atomic.Pointer[steward.Problems]
	delivery delivery
	queue    *jobs.Queue
	engine   *jobs.Engine
	schedule jobs.Schedule
	inbox    *notify.Inbox // what people do in Slack; nil where none of it comes in

	mailWatch mailWatch

	mu     sync.Mutex
	report jobs.Report // the last evaluation
	ran    map[string]web.JobFigures
	// failing is when each job that fails last said so.
	failing map[string]time.Time
	ailing  map[string]bool // sources that could not be loaded, or are held back
}

// edition is a workspace as last loaded without mistakes.
type edition struct {
	ws   *configs.Workspace
	book *playbooks.Book
}

func (o *runOptions) run(ctx context.Context) error {
	up := false
	err := o.live(ctx, &up)
	if ctx.Err() != nil && (!up || errors.Is(err, context.Canceled)) {
		return nil // it was asked to stop before it was up, and what failed failed for that
	}
	return err
}

func (o *runOptions) live(ctx context.Context, up *bool) (err error) {
	log, err := o.logger()
	if err != nil {
		return err
	}
	h, err := o.app.enter(ctx, store.Options{Lock: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	w := newWorker(o.app, h, log)
	w.warn()
	if err := w.prepare(ctx, o); err != nil {
		return err
	}
	*up = true
	return w.work(ctx)
}

func newWorker(a *app, h *house, log *slog.Logger) *worker {
	w := &worker{house: h, app: a, log: log, ran: map[string]web.JobFigures{}, failing: map[string]time.Time{}, ailing: map[string]bool{}}
	w.current.Store(&edition{h.ws, linked(h.book, h.ws, w.signing())})
	return w
}

// pace is how often the worker looks for what has come due: messages to hand
// to the queue, enrolments to advance, files to load again.
//
// mailbox is how often mail is looked for; zero for what steward.yaml says.
type pace struct{ relay, advance, reload, mailbox time.Duration }

// usualPace looks for changed files by their times, as file events do not
// cross every container mount; half a minute is soon enough for an edit.
func usualPace() pace {
	return pace{relay: 5 * time.Second, advance: time.Minute, reload: 30 * time.Second}
}

// warn tells what is odd about the workspace and does not keep the worker from
// starting.
func (w *worker) warn() {
	if n := len(w.warnings); n > 0 {
		w.log.Warn("the workspace can be improved; run: steward check", "warnings", n, "first", w.warnings[0].Error())
	}
	for _, odd := range []struct {
		is   bool
		what string
	}{
		{len(w.ws.Sources) == 0, "steward.yaml names no sources, so nothing will ever be judged; steward init --from accounts.csv infers one from a file"},
		{w.ws.Ops == "", "nobody hears about stale data and held openings; name a channel as ops: in steward.yaml"},
		{w.ws.Delivery.Mode != steward.Preview && !w.ws.Slack.Enabled, "delivery is not preview and slack: is not set up, so no card will arrive; name its bot_token_env in steward.yaml"},
		{w.ws.Delivery.Mode != steward.Preview && !w.ws.Email.Enabled && mails(w.book), "delivery is not preview and email: is not set up, so no mail will arrive; name its smtp_env in steward.yaml"},
		{w.ws.Delivery.Mode != steward.Preview && w.ws.Slack.Enabled && !w.ws.Slack.Listens(), "cards have no buttons, as nothing brings back what people press; name slack.app_token_env in steward.yaml, as docs/slack.md says"},
		{w.ws.Listen.PrivateIsOpen(), "the private listener can be reached from other machines, and shows how the business is doing; let only probes and Prometheus reach it, or listen on 127.0.0.1"},
	} {
		if odd.is {
			w.log.Warn(odd.what)
		}
	}
}

func mails(b *playbooks.Book) bool {
	for _, p := range b.Playbooks {
		for _, s := range p.Steps {
			if len(s.Email) > 0 {
				return true
			}
		}
	}
	return false
}

// prepare builds everything that can fail before anything is started.
func (w *worker) prepare(ctx context.Context, o *runOptions) (err error) {
	preview := notify.PreviewConfig{Out: o.app.stdout, Colour: o.app.colour}
	if o.quiet || o.app.json {
		preview.Out = nil
	}
	if w.delivery, err = w.senders(ctx, preview); err != nil {
		return err
	}
	if w.schedule, err = parseSchedule(w.ws); err != nil {
		return err
	}
	w.engine = w.house.engine(w.delivery.sender, w.log)
	w.engine.Find = w.delivery.find
	w.engine.Changed = make(chan struct{}, 1)
	if u, ok := w.delivery.sender.(updater); ok {
		w.engine.Update = u.Update
	}
	w.engine.Book = w.bookInUse
	w.engine.FreshWithin = func(source string) time.Duration { return freshness(w.current.Load().ws)[source] }
	w.engine.GoodUntil = w.goodUntil
	w.engine.Overtaken = w.overtaken
	w.engine.Explained = w.explained
	paceGC()
	w.engine.Observe = func(r jobs.Report) {
		paceGC()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.report = r
	}
	mine(w.engine, w.app.getenv)
	if err := w.listenToSlack(); err != nil {
		return err
	}
	if w.queue, err = jobs.OpenQueue(ctx, jobs.QueueOptions{RedisURL: w.ws.Redis.Reveal(), Hands: jobs.Hands(), Logger: w.log}); err != nil {
		return err
	}
	// The embedded queue was empty a moment ago, whatever the database thinks is in
	// it. A Redis may hold tasks that died with the last worker, which nobody runs
	// until their lease is over: nobody else works on this database, so all of them
	// are put there anew, and the old ones find their epoch gone.
	if _, err := w.db.RequeueAll(ctx); err != nil {
		return err
	}
	return nil
}

// goodUntil is until when the facts of a slot may be acted on: one evaluation
// may be missed, with an hour for the next to come about.
func (w *worker) goodUntil(slot steward.Slot) time.Time {
	for range 2 {
		if slot = w.schedule.Next(slot); slot.IsZero() {
			return time.Time{}
		}
	}
	return slot.Time().Add(time.Hour)
}

// overtaken tells whether a newer slot than this one is due. The clock sees to
// that one, also when the queue has lost it.
func (w *worker) overtaken(slot steward.Slot) bool {
	next := w.schedule.Next(slot)
	return !next.IsZero() && !next.Time().After(w.now())
}

// grace is how long running work may take to end once the worker is to stop.
const grace = 20 * time.Second

// work runs until ctx is done. Producers (clock, minutes, reload) stop first,
// then the queue's workers finish what they hold, then the listeners close.
func (w *worker) work(ctx context.Context) error {
	public, private, err := w.listen(ctx)
	if err != nil {
		return err
	}
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	listeners, serving := errgroup.WithContext(serving)
	for ln, handler := range w.handlers(public, private) {
		listeners.Go(func() error { return web.Serve(serving, ln, handler, w.log) })
	}
	handlers := w.engine.Handlers()
	handlers[jobs.Evaluation] = w.engine.HandleEvaluation(w.sync, w.relay)
	if err := w.queue.Serve(handlers); err != nil {
		return err
	}
	w.log.Info("the worker is up", "version", version, "delivery", w.delivery.words, "schedule", w.ws.Schedule, "zone", w.ws.Zone.String(),
		"next", w.schedule.Next(steward.SlotAt(w.now())), "queue", w.queueWords(), "playbooks", len(w.book.Playbooks))

	producers, producing := errgroup.WithContext(ctx)
	producers.Go(func() error { return w.clock(producing) })
	producers.Go(func() error { return w.minutes(producing) })
	producers.Go(func() error { return w.paints(producing) })
	producers.Go(func() error { return w.reloads(producing) })
	producers.Go(func() error { return w.prunes(producing) })
	producers.Go(func() error { return w.mailboxes(producing) })
	if w.inbox != nil {
		producers.Go(func() error { return w.inbox.Run(producing) })
	}
	producers.Go(func() error { // a listener that fails stops the worker
		select {
		case <-producing.Done():
			return nil
		case <-serving.Done():
			return errors.New("a listener failed")
		}
	})
	err = producers.Wait()
	w.log.Info("stopping: letting running work finish")
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err = errors.Join(err, w.queue.Shutdown(ending), w.delivery.flush())
	stopServing()
	err = errors.Join(err, listeners.Wait())
	w.log.Info("stopped")
	return err
}

func (w *worker) queueWords() string {
	if w.queue.Embedded() {
		return "embedded"
	}
	return "redis"
}

// evaluateAgain is after how long an evaluation that is not on record as done is
// put into the queue once more. One that still waits or runs there stays the only
// one; one that the queue lost, or dropped after its last try, is taken up again.
const evaluateAgain = 5 * time.Minute

// clock puts a task into the queue at every slot. The ledger says which slot is
// done, so a task that a queue lost is put there again.
func (w *worker) clock(ctx context.Context) error {
	c := jobs.Clock{Now: w.now, Logger: w.log}
	return c.Run(ctx, []jobs.Job{{
		Name: jobs.Evaluation, Schedule: w.schedule, Deadline: w.ws.StartDeadline, Again: evaluateAgain,
		Last: w.engine.LastSlot, Skipped: w.skipped,
		Do: func(ctx context.Context, slot steward.Slot) error {
			task, err := jobs.EvaluationTask(slot)
			if err != nil {
				return err
			}
			return w.queue.Enqueue(ctx, task)
		},
	}})
}

// minutes advances and relays, each at its pace, until ctx is done. What fails is logged and tried again: the ledger holds what is due.
func (w *worker) minutes(ctx context.Context) error {
	tick := time.NewTicker(w.app.pace.relay)
	defer tick.Stop()
	var advanced time.Time
	clock := clockWatch{worker: w}
	for {
		if w.now().Sub(advanced) >= w.app.pace.advance || w.now().Before(advanced) {
			advanced = w.now()
			w.note("clock", clock.look(ctx))
			moved, err := w.engine.Advance(ctx)
			w.note("advance", err)
			if err == nil && moved != (jobs.Moved{}) {
				w.log.Info("advanced", "enrolments", moved.Enrolments, "outreach", moved.Outreach, "uncertain", moved.Uncertain, "expired", moved.Expired, "vetoes_over", moved.Vetoes)
			}
			lost, err := w.engine.Reconcile(ctx, w.queue)
			w.note("reconcile", err)
			if lost > 0 {
				w.log.Warn("the queue had lost messages; they are handed over again", "messages", lost)
			}
		}
		more, err := w.handOver(ctx)
		w.note("relay", err)
		w.note("preview", w.delivery.flush())
		if more {
			// Not all that is due had room in the queue.
			tick.Reset(min(w.app.pace.relay, backlogPace))
		} else {
			tick.Reset(w.app.pace.relay)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// backlogPace is how soon the relay looks again while more is due than the queue
// is to hold.
const backlogPace = 250 * time.Millisecond

// note counts a run of a minute's job and logs its failure.
func (w *worker) note(job string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	w.mu.Lock()
	f := w.ran[job]
	f.Runs++
	if err != nil {
		f.Failures++
	}
	w.ran[job] = f
	said, failing := w.failing[job]
	again := failing && w.now().Sub(said) < sameFault && !w.now().Before(said)
	if err == nil {
		delete(w.failing, job)
	} else if !again {
		w.failing[job] = w.now()
	}
	w.mu.Unlock()
	switch {
	case err != nil && !again:
		w.log.Error("a job failed and will be tried again", "job", job, "error", err)
	case err == nil && failing:
		w.log.Info("a job works again", "job", job)
	}
}

// sameFault is how often a job that goes on failing says so: most are tried
// every few seconds, and an outage lasts for hours.
const sameFault = 10 * time.Minute

// handOver relays what is due, and tells whether there was so much that more may
// be.
func (w *worker) handOver(ctx context.Context) (more bool, err error) {
	n, err := w.engine.Relay(ctx, w.queue, 0)
	return n > 0, err
}

func (w *worker) relay(ctx context.Context) error {
	_, err := w.handOver(ctx)
	return err
}

// sync brings every source up to date before an evaluation. One that cannot be
// loaded, or is held back, is told to ops once and leaves the others alone.
func (w *worker) sync(ctx context.Context, slot steward.Slot) error {
	ws := w.current.Load().ws
	var failed error
	for _, src := range ws.Sources {
		done, err := importSource(ctx, ws, w.db, src, importOptions{Now: w.now(), Changed: true})
		held := done.Held
		var back *heldSource
		if errors.As(err, &back) {
			held, err = back.Held.Swings, nil
			w.log.Warn("a source is held back", "source", src.Name, "why", back.Held.Error(), "slot", slot)
		}
		w.mu.Lock()
		w.ailing[src.Name] = err != nil || len(held) > 0
		w.mu.Unlock()
		if terr := errors.Join(w.tellSource(ctx, src, err), w.tellHeld(ctx, src, held)); terr != nil {
			return errors.Join(failed, err, terr)
		}
		failed = errors.Join(failed, err)
		if err == nil && back == nil && !done.Unchanged {
			w.log.Info("imported", "source", src.Name, "rows", done.Rows, "rejected", done.Rejected, "complete_through", done.Through, "slot", slot)
		}
	}
	return failed
}

// tellSource tells ops once of a source that cannot be loaded; nil forgets it.
func (w *worker) tellSource(ctx context.Context, src configs.Source, err error) error {
	key := "source/" + src.Name
	if err == nil {
		return w.engine.Untell(ctx, key)
	}
	return w.engine.Tell(ctx, key, "Source "+src.Name+" cannot be loaded", []string{err.Error()}, "Look: steward import "+src.Name)
}

// tellHeld tells ops once of each kind of swing that holds a source back, and
// forgets the others.
func (w *worker) tellHeld(ctx context.Context, src configs.Source, held []store.Swing) error {
	for _, kind := range store.SwingKinds() {
		key, title := fmt.Sprintf("held/%s/%s", src.Name, kind), fmt.Sprintf("Source %s is held back, and what it said before stands", src.Name)
		if kind == store.SwingDays {
			title = fmt.Sprintf("Days of source %s are not believed, and not judged", src.Name)
		}
		var lines []string
		for _, s := range held {
			if s.Kind == kind {
				lines = append(lines, s.String())
			}
		}
		if len(lines) == 0 {
			if err := w.engine.Untell(ctx, key); err != nil {
				return err
			}
			continue
		}
		if err := w.engine.Tell(ctx, key, title, lines, "Mend the export · If it is right: "+letGo(src, held, false)); err != nil {
			return err
		}
	}
	return nil
}

// explained tells a source of which ops was told why it does not go on.
func (w *worker) explained(source string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ailing[source]
}

// reloads loads the workspace again on SIGHUP and when a file in it changes.
func (w *worker) reloads(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	tick := time.NewTicker(w.app.pace.reload)
	defer tick.Stop()
	seen := w.mark
	for {
		asked := false
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			asked = true
		case <-tick.C:
		}
		mark := workspaceMark(w.current.Load().ws)
		if mark == seen && !asked {
			continue
		}
		seen = mark
		if err := w.reload(ctx); err != nil {
			w.log.Error("the workspace could not be loaded again", "error", err)
		}
	}
}

// bookKey is the notice that tells ops of a broken edit.
const bookKey = "book"

func (w *worker) reload(ctx context.Context) error {
	ws, book, problems, err := w.app.load()
	if err != nil { // the workspace's file itself is gone
		problems = steward.Problems{{File: configs.FileName, Message: err.Error()}}
	}
	if errs := problems.Errors(); len(errs) > 0 {
		w.broken.Store(&errs)
		w.log.Error("the workspace has mistakes; the last good book stays in use", "mistakes", len(errs), "first", errs[0].Error())
		var lines []string
		for _, p := range errs[:min(5, len(errs))] {
			lines = append(lines, p.Error())
		}
		return w.engine.Tell(ctx, bookKey, fmt.Sprintf("The playbooks have %s; the last good ones stay in use", count(len(errs), "mistake")), lines, "See them all: steward check")
	}
	old := w.current.Load().ws
	w.current.Store(&edition{ws, linked(book, ws, w.signing())})
	w.broken.Store(nil)
	w.log.Info("the workspace was loaded again", "playbooks", len(book.Playbooks), "warnings", len(problems))
	if needsRestart(old, ws) {
		w.log.Warn("schedule, zone, database, queue, listeners and delivery take effect at the next start")
	}
	return w.engine.Untell(ctx, bookKey)
}

// needsRestart tells changes that a reload does not take up.
func needsRestart(a, b *configs.Workspace) bool {
	return a.Schedule != b.Schedule || a.Zone.String() != b.Zone.String() || a.Database != b.Database || a.Redis != b.Redis || a.Listen != b.Listen ||
		a.Delivery != b.Delivery || a.Slack != b.Slack || a.Email != b.Email || a.PublicURL != b.PublicURL || a.Pages != b.Pages
}

// listen opens the two listeners; nil for one that is off.
func (w *worker) listen(ctx context.Context) (public, private net.Listener, err error) {
	open := func(addr string) (net.Listener, error) {
		if addr == "" || addr == "off" {
			return nil, nil
		}
		var lc net.ListenConfig
		ln, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			return nil, fmt.Errorf("%w\nAnother program may use the address; change listen: in steward.yaml, or write off", err)
		}
		return ln, nil
	}
	if public, err = open(w.ws.Listen.Public); err != nil {
		return nil, nil, err
	}
	if private, err = open(w.ws.Listen.Private); err != nil && public != nil {
		public.Close()
	}
	return public, private, err
}
