package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"steward"
	"steward/configs"
	"steward/jobs"
	"steward/notify"
	"steward/playbooks"
	"steward/replay"
	"steward/store"
)

type demoOptions struct {
	app      *app
	dir      string
	seed     uint64
	accounts int
	days     int
	cards    int
}

func demoCommand(a *app) *cobra.Command {
	o := &demoOptions{app: a}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Watch Steward work on a simulated portfolio",
		Long: `Simulates a customer success team's portfolio with 400 days of history, imports
it as the worker would, takes the first evaluation as the baseline, and lives
through the last two simulated weeks: the real evaluation, queue and delivery,
in preview. Nothing leaves this machine. What was said lands in a folder with a
page to look at.

The workspace stays there afterwards: every other command works on it.

Exit codes: 0 fine, 1 failed.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	c.Flags().StringVar(&o.dir, "dir", "steward-demo", "where to put the workspace; an earlier demo there is replaced")
	c.Flags().Uint64Var(&o.seed, "seed", 1, "another number, another portfolio")
	c.Flags().IntVar(&o.accounts, "accounts", 160, "how many accounts")
	c.Flags().IntVar(&o.days, "days", 14, "how many days to live through")
	c.Flags().IntVar(&o.cards, "cards", 5, "how many cards to print; all are in the preview folder")
	return c
}

// demoMark is the file that tells a demo's folder from one that must not be
// removed.
const demoMark = ".steward-demo"

func (o *demoOptions) run(ctx context.Context) error {
	if o.days < 1 || o.days > 60 || o.accounts < 20 {
		return usagef("--days is 1 to 60, --accounts at least 20")
	}
	began := time.Now()
	sim := replay.Simulate(replay.SimOptions{Seed: o.seed, Accounts: o.accounts})
	d := &demo{app: o.app, options: o, sim: sim, first: sim.Last - steward.Day(o.days)}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	defer d.close()
	if err := d.baseline(ctx); err != nil {
		return err
	}
	for day := d.first + 1; day <= sim.Last; day++ {
		if err := d.live(ctx, day+1); err != nil {
			return err
		}
	}
	return d.finish(ctx, time.Since(began))
}

// demo is a worker on a simulated clock.
type demo struct {
	app     *app
	options *demoOptions
	sim     replay.Simulation
	first   steward.Day // the last day before the days lived through

	house  *house
	clock  fakeClock
	queue  *jobs.Queue
	engine *jobs.Engine
	sender *demoSender
	last   jobs.Report
	syncs  error // what the last import in the queue's handler came to
	total  map[steward.PlaybookName]*demoTotal
}

type demoTotal struct{ opened, held, ended int }

func (d *demo) prepare(ctx context.Context) error {
	dir, err := filepath.Abs(d.options.dir)
	if err != nil {
		return fmt.Errorf("find %s: %w", d.options.dir, err)
	}
	if err := clearDemo(dir); err != nil {
		return err
	}
	if err := writeExample(dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, demoMark), []byte("This folder was made by steward demo and is replaced by the next one.\n"), 0o644); err != nil {
		return fmt.Errorf("mark the demo's folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "owners.yaml"), d.sim.OwnersYAML(), 0o644); err != nil {
		return fmt.Errorf("write the owners: %w", err)
	}
	if err := d.sim.Write(filepath.Join(dir, "data"), d.first); err != nil {
		return err
	}
	ws, book, problems := loadFrom(configs.Files(dir), dir, func(string) string { return "" })
	if errs := problems.Errors(); len(errs) > 0 {
		return errs
	}
	d.clock.set(d.slot(ws, d.first+1).Time())
	db, err := store.Open(ctx, ws.Database, store.Options{Lock: true})
	if err != nil {
		return err
	}
	d.house = &house{ws: ws, book: book, db: db, now: d.clock.now}
	d.total = map[steward.PlaybookName]*demoTotal{}
	if d.sender, err = newDemoSender(ws, d.app, d.options.cards); err != nil {
		return err
	}
	d.engine = d.house.engine(d.sender, discardLog())
	d.engine.Now, d.engine.Update = d.clock.now, d.sender.Update
	d.engine.Observe = func(r jobs.Report) { d.last = r }
	if d.queue, err = jobs.OpenQueue(ctx, jobs.QueueOptions{Hands: jobs.Hands(), Logger: discardLog()}); err != nil {
		return err
	}
	handlers := d.engine.Handlers()
	handlers[jobs.Evaluation] = d.engine.HandleEvaluation(d.sync, func(context.Context) error { return nil })
	return d.queue.Serve(handlers)
}

// clearDemo removes an earlier demo, and nothing else.
func clearDemo(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist), err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	if _, err := os.Stat(filepath.Join(dir, demoMark)); err != nil {
		return fmt.Errorf("%s is not empty and not from an earlier demo, so it is left alone\nName another folder with --dir", dir)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove the earlier demo: %w", err)
	}
	return nil
}

func (d *demo) slot(ws *configs.Workspace, day steward.Day) steward.Slot {
	s, err := slotOn(ws, day)
	if err != nil {
		return steward.SlotAt(day.Start(ws.Zone)) // cannot be: the workspace was checked
	}
	return s
}

func (d *demo) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if d.queue != nil {
		d.queue.Shutdown(ctx)
	}
	if d.house != nil {
		d.house.close()
	}
}

// baseline imports the history and lives its first evaluation, which holds
// whatever is already true.
func (d *demo) baseline(ctx context.Context) error {
	a, ws := d.app, d.house.ws
	fmt.Fprintf(a.stderr, "A simulated portfolio of %s, %s of history, in %s\n", count(d.options.accounts, "account"), count(int(d.first-d.sim.First)+1, "day"), d.options.dir)
	bar := a.progress()
	for _, src := range ws.Sources {
		done, err := importSource(ctx, ws, d.house.db, src, importOptions{Now: d.clock.now(), Progress: bar.file})
		bar.clear()
		if err != nil {
			return err
		}
		a.printImported(done)
	}
	if err := d.evaluate(ctx, d.slot(ws, d.first+1)); err != nil {
		return err
	}
	d.count()
	held := 0
	for _, t := range d.last.Playbooks {
		held += t.Pending + t.Firing
	}
	fmt.Fprintf(a.stderr, "\nBaseline on %s: what already holds is not news; it is held until somebody releases it (%s).\n", (d.first + 1).String(), count(held, "condition"))
	return nil
}

// sync is the import before an evaluation, as the worker does it.
func (d *demo) sync(ctx context.Context, slot steward.Slot) error {
	for _, src := range d.house.ws.Sources {
		if _, err := importSource(ctx, d.house.ws, d.house.db, src, importOptions{Now: slot.Time(), Changed: true}); err != nil {
			d.syncs = err
			return err
		}
	}
	return nil
}

// evaluate puts a slot into the queue as the clock would, and waits until all
// that follows from it is delivered.
func (d *demo) evaluate(ctx context.Context, slot steward.Slot) error {
	d.clock.set(slot.Time())
	d.last = jobs.Report{}
	task, err := jobs.EvaluationTask(slot)
	if err != nil {
		return err
	}
	if err := d.queue.Enqueue(ctx, task); err != nil {
		return err
	}
	if err := d.queue.WaitIdle(ctx); err != nil {
		return err
	}
	if d.syncs != nil {
		return d.syncs
	}
	if d.last.Slot != slot {
		return fmt.Errorf("the evaluation of %s did not come about", slot)
	}
	return d.settle(ctx)
}

// settle relays and advances until nothing is left to do at this moment.
func (d *demo) settle(ctx context.Context) error {
	for range 50 {
		sent, err := d.engine.Relay(ctx, d.queue, 0)
		if err != nil {
			return err
		}
		if sent > 0 {
			if err := d.queue.WaitIdle(ctx); err != nil {
				return err
			}
		}
		moved, err := d.engine.Advance(ctx)
		if err != nil {
			return err
		}
		if sent == 0 && moved.Enrolments == 0 {
			return nil
		}
	}
	return errors.New("the demo does not come to rest; please report this with its seed")
}

// live is one simulated day: the night's exports, the morning's evaluation,
// and what people do with it by the afternoon.
func (d *demo) live(ctx context.Context, day steward.Day) error {
	if err := d.sim.WriteDay(filepath.Join(d.house.ws.Dir, "data"), day-1); err != nil {
		return err
	}
	before := d.sender.count()
	slot := d.slot(d.house.ws, day)
	if err := d.evaluate(ctx, slot); err != nil {
		return err
	}
	parts := d.count()
	if len(parts) == 0 {
		parts = []string{"nothing new"}
	}
	fmt.Fprintf(d.app.stderr, "%s  %s · %s\n", d.app.bold(day.Start(time.UTC).Format("Mon _2 Jan")), strings.Join(parts, " · "), count(d.sender.count()-before, "message"))
	afternoon := slot.Time().Add(8 * time.Hour)
	for _, t := range laterThatDay(d.house.ws, d.house.book, slot) { // digests, above all
		if t.Before(afternoon) {
			d.clock.set(t)
			if err := d.settle(ctx); err != nil {
				return err
			}
		}
	}
	d.clock.set(afternoon)
	return d.people(ctx, day)
}

// count adds the last evaluation to the totals and says what it did.
func (d *demo) count() (parts []string) {
	for _, name := range slices.Sorted(maps.Keys(d.last.Playbooks)) {
		t := d.last.Playbooks[name]
		sum := d.total[name]
		if sum == nil {
			sum = &demoTotal{}
			d.total[name] = sum
		}
		sum.opened, sum.held, sum.ended = sum.opened+t.Opened, sum.held+t.Quarantined, sum.ended+t.Exited
		if words := tallyWords(t); words != "" {
			parts = append(parts, string(name)+" "+words)
		}
	}
	return parts
}

// tallyWords is what a day did for a playbook: "2 opened, 1 ended".
func tallyWords(t *playbooks.Tally) string {
	var parts []string
	for _, x := range []struct {
		n    int
		word string
	}{{t.Opened, "opened"}, {t.Quarantined, "held"}, {t.Exited, "ended"}} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.word))
		}
	}
	return strings.Join(parts, ", ")
}

// interlude plays what happens to a team in two weeks: sending is paused for a
// day, and one customer wants no more mail.
func (d *demo) interlude(ctx context.Context, day steward.Day) error {
	db, now := d.house.db, d.clock.now()
	switch day - d.first {
	case 7:
		fmt.Fprintf(d.app.stderr, "            ops pauses all sending for a day: an outage is on everybody's mind\n")
		return db.SetPause(ctx, steward.Pause{At: now, By: "a simulated ops person", Reason: "the product is down"})
	case 8:
		fmt.Fprintf(d.app.stderr, "            sending goes on; what was put off goes out\n")
		return db.ClearPause(ctx)
	case 9:
		mails, _, err := db.Messages(ctx, store.MessageFilter{State: steward.AwaitingApproval, Kind: steward.Mail})
		if err != nil || len(mails) == 0 {
			return err
		}
		to := mails[len(mails)-1].To
		fmt.Fprintf(d.app.stderr, "            %s unsubscribes with one click\n", clean(to.Name))
		return db.Suppress(ctx, to.Email, "unsubscribed", "simulated", now)
	}
	return nil
}

// people plays the CSMs: by the afternoon every third card is taken on, and
// two of three mails that wait since yesterday are approved.
func (d *demo) people(ctx context.Context, day steward.Day) error {
	if err := d.interlude(ctx, day-1); err != nil {
		return err
	}
	db, now := d.house.db, d.clock.now()
	open, err := db.Enrolments(ctx, store.EnrolmentFilter{Open: true})
	if err != nil {
		return err
	}
	for i, e := range open {
		if e.State != steward.Quarantined && e.AckedAt.IsZero() && (i+int(day))%3 == 0 {
			if err := db.Ack(ctx, e.ID, "a simulated CSM", now); err != nil {
				return err
			}
		}
	}
	waiting, _, err := db.Messages(ctx, store.MessageFilter{State: steward.AwaitingApproval})
	if err != nil {
		return err
	}
	for i, m := range waiting {
		if now.Sub(m.Planned) > 12*time.Hour && (i+int(day))%3 != 0 {
			if err := db.Approve(ctx, m.ID, m.Version, "a simulated CSM", now); err != nil {
				return err
			}
		}
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	if _, err := d.engine.Paint(ctx, 1000); err != nil {
		return fmt.Errorf("draw cards anew: %w", err)
	}
	return nil
}

func (d *demo) finish(ctx context.Context, took time.Duration) error {
	if err := d.sender.flush(); err != nil {
		return err
	}
	a, h := d.app, d.house
	counts, err := h.db.Counts(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "\n%s simulated in %.0f seconds.\n", count(d.options.days, "day"), took.Seconds())
	for _, name := range slices.Sorted(maps.Keys(d.total)) {
		t := d.total[name]
		fmt.Fprintf(a.stderr, "  %-18s %d opened, %d held, %d ended\n", name, t.opened, t.held, t.ended)
	}
	fmt.Fprintf(a.stderr, "  messages           %s\n", countWords(counts))
	if err := d.printKinds(ctx); err != nil {
		return err
	}
	if err := d.printReasons(ctx); err != nil {
		return err
	}
	account, playbook := d.interesting(ctx)
	page := filepath.Join(d.options.dir, "preview", "index.html")
	fmt.Fprintf(a.stderr, `
Look at what people would have seen:
  %s
And ask it things:
  %[7]s -w %[2]s explain %[3]s %[4]s
  %[7]s -w %[2]s accounts
  %[7]s -w %[2]s outreach --state awaiting_approval
  %[7]s -w %[2]s plan --on %[5]s
The true story of every account is in %[2]s/data/%[6]s.
`, page, d.options.dir, account, playbook, d.sim.Last+1, replay.TruthFile, calledAs(os.Args[0]))
	return nil
}

// printKinds counts what was sent, by what it is.
func (d *demo) printKinds(ctx context.Context) error {
	var parts []string
	for _, k := range []struct {
		kind      steward.MessageKind
		one, many string
	}{{steward.Card, "card", "cards"}, {steward.Digest, "digest", "digests"},
		{steward.Approval, "request for a go-ahead", "requests for a go-ahead"}, {steward.Mail, "mail to a customer", "mails to customers"}, {steward.Notice, "notice to ops", "notices to ops"}} {
		sent, _, err := d.house.db.Messages(ctx, store.MessageFilter{State: steward.Sent, Kind: k.kind})
		switch n := len(sent); {
		case err != nil:
			return err
		case n == 1:
			parts = append(parts, "1 "+k.one)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", n, k.many))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(d.app.stderr, "  sent               %s\n", strings.Join(parts, " · "))
	}
	return nil
}

// demoReasons says reasons to somebody who reads their first summary.
var demoReasons = map[steward.Reason]string{
	steward.ReasonPaused:         "while sending was paused",
	steward.ReasonOutsideHours:   "until working hours",
	steward.ReasonClearing:       "as it seemed to be over",
	steward.ReasonTouchedLately:  "as somebody had just spoken with them",
	steward.ReasonOwnerUntold:    "until their CSM had been told",
	steward.ReasonCapped:         "over what a person or an account is sent",
	steward.ReasonBacklog:        "from days off, into a digest",
	steward.ReasonInfo:           "for information, into a digest",
	steward.ReasonIfFalse:        "as the step was not needed any more",
	steward.ReasonNoCustomerMail: "to accounts that get no mail",
	steward.ReasonOptedOut:       "to somebody who wants no mail",
	steward.ReasonNoAddress:      "as there was nobody to write to",
	steward.ReasonEpisodeOver:    "as it was over",
	steward.ReasonExpired:        "as it had waited too long",
}

// printReasons counts what was put off and what was not said, by reason.
func (d *demo) printReasons(ctx context.Context) error {
	records, err := d.house.db.Records(ctx, store.RecordFilter{})
	if err != nil {
		return err
	}
	for _, kind := range []struct {
		effect steward.Effect
		words  string
	}{{steward.Defer, "put off"}, {steward.Suppress, "not said"}} {
		n := map[steward.Reason]int{}
		for _, r := range records {
			if r.Effect == kind.effect && (r.Step != "" || r.Message != "") {
				n[r.Reason]++
			}
		}
		var parts []string
		for _, reason := range slices.Sorted(maps.Keys(n)) {
			words := demoReasons[reason]
			if words == "" {
				words = strings.ReplaceAll(string(reason), "_", " ")
			}
			parts = append(parts, fmt.Sprintf("%d %s", n[reason], words))
		}
		if len(parts) > 0 {
			fmt.Fprintf(d.app.stderr, "  %-18s %s\n", kind.words, strings.Join(parts, " · "))
		}
	}
	return nil
}

// calledAs is how to call this program again from here.
func calledAs(arg0 string) string {
	if filepath.Base(arg0) == "steward" && strings.ContainsRune(arg0, filepath.Separator) {
		return arg0
	}
	return "steward"
}

// interesting is an account worth explaining: the newest opening that said
// something.
func (d *demo) interesting(ctx context.Context) (steward.AccountID, steward.PlaybookName) {
	open, err := d.house.db.Enrolments(ctx, store.EnrolmentFilter{Open: true})
	if err != nil || len(open) == 0 {
		return d.sim.Truth[0].Account, d.house.book.Playbooks[0].Name
	}
	best := open[0]
	for _, e := range open {
		if e.State != steward.Quarantined && e.Playbook == "login-drop" {
			best = e
			break
		}
	}
	return best.Subject.Account, best.Playbook
}

// demoSender previews: the first cards on the terminal too, all into the
// folder.
type demoSender struct {
	loud, quiet *notify.PreviewSender
	left, sent  atomic.Int64
}

func newDemoSender(ws *configs.Workspace, a *app, cards int) (*demoSender, error) {
	s := &demoSender{}
	s.left.Store(int64(cards))
	mail := mailConfig(ws, steward.NewSecret("the demo signs nothing that anybody will check"))
	mail.PublicURL = "https://steward.example.com" // so that previews show the link they would carry
	var err error
	if s.loud, err = notify.NewPreviewSender(notify.PreviewConfig{Dir: ws.PreviewDir, Out: a.stdout, Colour: a.colour, Mail: &mail}); err != nil {
		return nil, err
	}
	s.quiet, err = notify.NewPreviewSender(notify.PreviewConfig{Dir: ws.PreviewDir, Mail: &mail})
	return s, err
}

func (s *demoSender) Send(ctx context.Context, l steward.Letter) (steward.Receipt, error) {
	s.sent.Add(1)
	if l.Message.Kind == steward.Card && s.left.Add(-1) >= 0 {
		return s.loud.Send(ctx, l)
	}
	return s.quiet.Send(ctx, l)
}

// Update shows what became of a card, in the folder alone.
func (s *demoSender) Update(ctx context.Context, l steward.Letter, ref string) error {
	return s.quiet.Update(ctx, l, ref)
}

func (s *demoSender) count() int { return int(s.sent.Load()) }

func (s *demoSender) flush() error { return s.quiet.Flush() }
