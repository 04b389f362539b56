package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"steward"
	"steward/configs"
	"steward/jobs"
	"steward/playbooks/lang"
	"steward/replay"
	"steward/store"
)

type rehearseOptions struct {
	app      *app
	packs    []string
	accounts int
	days     int
	seed     uint64
	markdown bool
	dir      string
}

func rehearseCommand(a *app) *cobra.Command {
	o := &rehearseOptions{app: a}
	c := &cobra.Command{
		Use:   "rehearse",
		Short: "Live through a simulated year with packs of playbooks, and count",
		Long: `Writes a workspace of packs, simulates a portfolio in which it is known what
becomes of every account, and lives through its days one after the other: the
real import, evaluation, approval and delivery, in preview. Simulated CSMs take
on most cards and approve most mails the next morning. Then it says what each
story was met by and how soon, how often playbooks opened where nothing called
for it, and the most that anybody got beside the limits.

The same options give the same figures. --dir keeps the workspace, to ask it
things. Change its playbooks or settings and rehearse with the same --dir again:
its files stay as you left them, and its data and database are made anew.

Exit codes: 0 fine, 1 failed, 2 wrong usage, 3 somebody got more than a limit.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	c.Flags().StringSliceVar(&o.packs, "pack", []string{"all"}, "packs to rehearse: onboarding, adoption, renewal, support, or all")
	c.Flags().IntVar(&o.accounts, "accounts", 170, "how many accounts")
	c.Flags().IntVar(&o.days, "days", 365, "how many days to live through, the last of the simulation's")
	c.Flags().Uint64Var(&o.seed, "seed", 1, "another number, another portfolio")
	c.Flags().BoolVar(&o.markdown, "markdown", false, "print the tables as Markdown")
	c.Flags().StringVar(&o.dir, "dir", "", "where to put the workspace, or where an earlier rehearsal put it; by default it is removed afterwards")
	return c
}

func (o *rehearseOptions) run(ctx context.Context) error {
	if o.days < 1 || o.days > 365 || o.accounts < 20 {
		return usagef("--days is 1 to 365, --accounts at least 20")
	}
	r, err := o.rehearse(ctx)
	if err != nil {
		return err
	}
	switch {
	case o.app.json:
		err = o.app.printJSON(r)
	default:
		text := r.Markdown()
		if !o.markdown {
			text = strings.ReplaceAll(text, "`", "")
		}
		_, err = fmt.Fprint(o.app.stdout, text)
	}
	if err == nil && slices.ContainsFunc(r.Attention, func(a replay.Attention) bool { return a.Over }) {
		return errFindings
	}
	return err
}

// rehearse lives through the days and scores them.
func (o *rehearseOptions) rehearse(ctx context.Context) (replay.Rehearsal, error) {
	sim := replay.Simulate(replay.SimOptions{Seed: o.seed, Accounts: o.accounts, Days: 480, Year: true})
	dir, done, err := o.workspace()
	if err != nil {
		return replay.Rehearsal{}, err
	}
	defer done()
	l := &rehearsal{sim: sim, seed: o.seed, first: sim.Last - steward.Day(o.days)}
	if err := l.prepare(ctx, dir); err != nil {
		return replay.Rehearsal{}, err
	}
	defer l.house.close()
	bar := o.app.progress()
	defer bar.clear()
	for day := l.first + 1; day <= sim.Last; day++ {
		if err := l.live(ctx, day); err != nil {
			return replay.Rehearsal{}, err
		}
		bar.file("days", int64(day-l.first), int64(o.days))
	}
	return l.score(ctx)
}

// rehearsalMark is the file that tells a rehearsal's folder from one whose owners,
// data and database must not be written over.
const rehearsalMark = ".steward-rehearsal"

// workspace is a workspace of the packs: an earlier rehearsal's, or a new one,
// which done removes where nobody asked for it.
func (o *rehearseOptions) workspace() (dir string, done func(), err error) {
	dir, done = o.dir, func() {}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "steward-rehearsal-"); err != nil {
			return "", nil, fmt.Errorf("make a folder for the rehearsal: %w", err)
		}
		done = func() { os.RemoveAll(dir) }
	}
	if _, err := os.Stat(filepath.Join(dir, rehearsalMark)); err == nil {
		return dir, done, nil
	}
	if err := o.compose(dir); err != nil {
		done()
		return "", nil, err
	}
	return dir, done, nil
}

// compose writes the packs into an empty folder.
func (o *rehearseOptions) compose(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("look at %s: %w", dir, err)
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty and not from an earlier rehearsal, so it is left alone\nName another folder with --dir", dir)
	}
	packs, err := (&initOptions{app: o.app, packs: o.packs}).chosen()
	if err != nil {
		return err
	}
	files, err := configs.Compose(packs)
	if err != nil {
		return err
	}
	files[rehearsalMark] = []byte("This folder was made by steward rehearse: its owners, data and database are made anew by the next one.\n")
	return writeNew(dir, files)
}

// A rehearsal is a worker, its portfolio and its people on a simulated clock.
type rehearsal struct {
	sim    replay.Simulation
	seed   uint64
	first  steward.Day // the last day before those lived through
	house  *house
	clock  fakeClock
	engine *jobs.Engine
	sender *tallySender
}

func (l *rehearsal) prepare(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("find %s: %w", dir, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "owners.yaml"), l.sim.OwnersYAML(), 0o644); err != nil {
		return fmt.Errorf("write the owners: %w", err)
	}
	if err := l.sim.Write(filepath.Join(dir, "data"), l.first); err != nil {
		return err
	}
	ws, book, problems := loadFrom(configs.Files(dir), dir, func(string) string { return "" })
	if errs := problems.Errors(); len(errs) > 0 {
		return errs
	}
	if err := removeDatabase(ws.Database); err != nil {
		return err
	}
	db, err := store.Open(ctx, ws.Database, store.Options{Lock: true})
	if err != nil {
		return err
	}
	l.house = &house{ws: ws, book: book, db: db, now: l.clock.now}
	l.sender = &tallySender{now: l.clock.now, at: map[steward.MessageID]time.Time{}}
	l.engine = l.house.engine(l.sender, discardLog())
	l.engine.Now = l.clock.now
	return nil
}

// removeDatabase begins anew: a rehearsal is the same each time.
func removeDatabase(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("remove the last rehearsal's database: %w", err)
		}
	}
	return nil
}

// live is one day: the night's exports, the morning's evaluation, what is
// delivered as people's hours begin, and what people do.
func (l *rehearsal) live(ctx context.Context, day steward.Day) error {
	ws, db := l.house.ws, l.house.db
	if day > l.first+1 {
		if err := l.sim.WriteDay(filepath.Join(ws.Dir, "data"), day-1); err != nil {
			return err
		}
	}
	slot, err := slotOn(ws, day)
	if err != nil {
		return err
	}
	l.clock.set(slot.Time())
	for _, src := range ws.Sources {
		if _, err := importSource(ctx, ws, db, src, importOptions{Now: slot.Time(), Changed: true}); err != nil {
			return err
		}
	}
	if _, err := l.engine.Evaluate(ctx, slot); err != nil {
		return err
	}
	for _, at := range l.moments(slot, day) {
		l.clock.set(at.t)
		if at.people {
			if err := l.people(ctx, day); err != nil {
				return err
			}
		}
		if err := deliverDue(ctx, l.engine, db, l.clock.now); err != nil {
			return err
		}
	}
	return nil
}

type moment struct {
	t      time.Time
	people bool
}

// moments are when something may happen on a day: the evaluation, hours that
// begin somewhere, what the calendar calls for, and people at their desks.
func (l *rehearsal) moments(slot steward.Slot, day steward.Day) []moment {
	out := []moment{{t: slot.Time()}, {day.Start(l.house.ws.Zone).Add(16*time.Hour + 30*time.Minute), true}}
	for _, t := range laterThatDay(l.house.ws, l.house.book, slot) {
		out = append(out, moment{t: t})
	}
	slices.SortFunc(out, func(a, b moment) int { return a.t.Compare(b.t) })
	return out
}

// What simulated CSMs do on a working day with what lies before them, as shares.
const (
	takesOn  = 0.6 // of open cards, a day
	finishes = 0.3 // of open tasks, a day
	approves = 0.9 // of mails that wait since the day before
)

// people plays the CSMs on their working days.
func (l *rehearsal) people(ctx context.Context, day steward.Day) error {
	if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
		return nil
	}
	db, now := l.house.db, l.clock.now()
	const who = "a simulated CSM"
	open, err := db.Enrolments(ctx, store.EnrolmentFilter{Open: true})
	if err != nil {
		return err
	}
	for _, e := range open {
		if e.State != steward.Quarantined && e.AckedAt.IsZero() && l.chance(string(e.ID), day) < takesOn {
			if err := db.Ack(ctx, e.ID, who, now); err != nil {
				return err
			}
		}
	}
	tasks, err := db.Tasks(ctx, store.TaskFilter{})
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if l.chance(string(t.ID), day) < finishes {
			if _, err := db.FinishTask(ctx, string(t.ID), "done", who, now); err != nil {
				return err
			}
		}
	}
	waiting, _, err := db.Messages(ctx, store.MessageFilter{State: steward.AwaitingApproval})
	if err != nil {
		return err
	}
	for _, m := range waiting {
		if now.Sub(m.Planned) > 12*time.Hour && l.chance(string(m.ID), 0) < approves {
			if err := db.Approve(ctx, m.ID, m.Version, who, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// chance is from 0 to 1, the same for the same thing on the same day.
func (l *rehearsal) chance(of string, day steward.Day) float64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %d", l.seed, of, day)
	return float64(h.Sum64()>>11) / (1 << 53)
}

func (l *rehearsal) score(ctx context.Context) (replay.Rehearsal, error) {
	var names []steward.PlaybookName
	for _, p := range l.house.book.Playbooks {
		names = append(names, p.Name)
	}
	enrolments, err := l.house.db.Enrolments(ctx, store.EnrolmentFilter{})
	if err != nil {
		return replay.Rehearsal{}, err
	}
	zone := l.house.ws.Zone
	said, err := l.said(ctx, enrolments)
	if err != nil {
		return replay.Rehearsal{}, err
	}
	var opened []replay.Opened
	for _, e := range enrolments {
		if e.State == steward.Quarantined || e.Reason == steward.ReasonQuarantineExpired {
			continue
		}
		o := replay.Opened{Account: e.Subject.Account, Playbook: e.Playbook, Said: steward.NoDay}
		if at, ok := said[e.ID]; ok {
			o.Said = steward.SlotAt(at).Day(zone)
		}
		opened = append(opened, o)
	}
	reaches, err := l.reach(ctx)
	if err != nil {
		return replay.Rehearsal{}, err
	}
	r := l.sim.Score(l.first, l.sim.Last, names, opened, reaches)
	r.Seed = l.seed
	r.Attention = replay.Attend(l.sender.sent, l.house.ws.Limits, func(id steward.OwnerID) *time.Location {
		if o, ok := l.house.book.Owner(id); ok && o.Zone != nil {
			return o.Zone
		}
		return zone
	})
	return r, nil
}

// said is when the first message of each enrolment went out, of those that sent
// any.
func (l *rehearsal) said(ctx context.Context, of []steward.Enrolment) (map[steward.EnrolmentID]time.Time, error) {
	ids := make([]steward.EnrolmentID, len(of))
	for i, e := range of {
		ids[i] = e.ID
	}
	outreach, _, err := l.house.db.OutreachOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := map[steward.EnrolmentID]time.Time{}
	for _, o := range outreach {
		at, sent := l.sender.at[o.Message]
		if first, ok := out[o.Enrolment]; sent && (!ok || at.Before(first)) {
			out[o.Enrolment] = at
		}
	}
	return out, nil
}

// reach tells from the last day whom each playbook was for on days before.
func (l *rehearsal) reach(ctx context.Context) (replay.Reach, error) {
	slot, err := l.engine.LastSlot(ctx)
	if err != nil {
		return nil, err
	}
	s, err := l.engine.Situation(ctx, slot)
	if err != nil {
		return nil, err
	}
	return func(name steward.PlaybookName, account steward.AccountID, on steward.Day) bool {
		p, ok := s.Book.Playbook(name)
		if !ok {
			return false
		}
		view, at := s.Frame.View(p.About), lang.At{Shift: int(slot.Day(s.Book.Zone) - on)}
		for row := range view.Len() {
			if view.Account(row).ID == account && (p.Audience == nil || p.Audience.Value(view, row, at).Verdict() == steward.Holds) {
				return true
			}
		}
		return false
	}, nil
}

// tallySender remembers what was sent, and sends nothing.
type tallySender struct {
	now  func() time.Time
	mu   sync.Mutex
	sent []replay.Sent
	at   map[steward.MessageID]time.Time
}

func (s *tallySender) Send(_ context.Context, l steward.Letter) (steward.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := l.Message
	s.at[m.ID] = s.now()
	s.sent = append(s.sent, replay.Sent{Kind: m.Kind, Owner: m.To.Owner, Address: m.To.Email, Account: m.Account, At: s.now(), Critical: l.Content.Severity == "critical"})
	return steward.Receipt{Ref: "rehearsal/" + string(m.ID)}, nil
}
