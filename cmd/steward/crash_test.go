package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"steward"
	"steward/jobs"
	"steward/notify/notifytest"
	"steward/store"
)

// The crash test lives through simulated days with the real program as a
// process of its own, against providers that record everything, and kills it
// over and over. The same history lived once in peace says what should have
// become of it; what the providers took says the rest.

// crashPlan is how much of it is done, from the environment.
type crashPlan struct {
	seed  uint64
	kills int // on each queue
	days  int // of each history
	queue string
	long  bool
}

// readCrashPlan has little done in an ordinary run of the tests; make crash asks
// for more.
func readCrashPlan(t *testing.T) crashPlan {
	t.Helper()
	number := func(name string, or int) int {
		text := os.Getenv(name)
		if text == "" {
			return or
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("%s=%q is not a number", name, text)
		}
		return n
	}
	p := crashPlan{seed: uint64(number("STEWARD_CRASH_SEED", 1)), kills: number("STEWARD_CRASH_KILLS", 20), days: number("STEWARD_CRASH_DAYS", 5)}
	p.queue, p.long = os.Getenv("STEWARD_CRASH_QUEUE"), p.kills >= 200
	return p
}

// killsOfHistory is how many kills one history is spread over; further ones have
// a history of their own.
const killsOfHistory = 110

func TestCrashLoop(t *testing.T) {
	if testing.Short() {
		t.Skip("the crash loop takes its time; run: make crash")
	}
	plan := readCrashPlan(t)
	bin := buildForCrashes(t)
	t.Logf("seed %d, %d kills on each queue, histories of %d days", plan.seed, plan.kills, plan.days)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again: STEWARD_CRASH_SEED=%d STEWARD_CRASH_KILLS=%d STEWARD_CRASH_DAYS=%d go test -count=1 -timeout 1h -run '^TestCrashLoop$' -v ./cmd/steward\n"+
				"what happens and the kill points come from the seed; kills by chance fall as the machine has it", plan.seed, plan.kills, plan.days)
		}
	})
	var past []lived
	points := newKillPoints(plan.seed)
	for i := range (plan.kills + killsOfHistory - 1) / killsOfHistory {
		w := newCrashWorld(plan.seed+uint64(i), plan.days)
		past = append(past, lived{w, liveHistory(t, historyOptions{world: w, bin: bin, points: points, table: newCrashTable()})})
	}
	t.Run("few cards a day", func(t *testing.T) {
		t.Parallel()
		fewCards(t, plan, historyOptions{bin: bin, points: points.copy(plan.seed), table: newCrashTable()})
	})
	for n, queue := range []string{"embedded", "redis"} {
		if plan.queue != "" && plan.queue != queue {
			continue
		}
		t.Run(queue, func(t *testing.T) {
			t.Parallel()
			crashOn(t, plan, past, historyOptions{bin: bin, queue: queue, points: points.copy(plan.seed), table: newCrashTable()}, 2*n)
		})
	}
}

// lived is a history as it went in peace.
type lived struct {
	world *crashWorld
	out   crashOutcome
}

// crashOn lives through the histories again with kills, and through every third
// with providers that misbehave, beginning with the one counted from first.
func crashOn(t *testing.T, plan crashPlan, past []lived, o historyOptions, first int) {
	for i, clean := range past {
		o.world, o.trouble = clean.world, (i+first)%3 == 2
		o.kills = plan.kills*(i+1)/len(past) - plan.kills*i/len(past)
		began := time.Now()
		got := liveHistory(t, o)
		compareHistories(t, clean.out, got)
		t.Logf("history %d of %d, seed %d, trouble %t: %d kills in %s", i+1, len(past), o.world.seed, o.trouble, o.kills, time.Since(began).Round(time.Second))
	}
	t.Logf("%s queue:\n%s", o.queue, o.table)
	if missed := o.points.never(); plan.long && len(missed) > 0 {
		t.Errorf("points that were passed and at which nothing was killed: %s", strings.Join(missed, ", "))
	}
}

// fewCards lives through a history in which most cards find no place and go into
// digests. Which of them do hangs on the moment, so it is held against nothing but
// what is true of every history.
func fewCards(t *testing.T, plan crashPlan, o historyOptions) {
	o.world, o.kills = newCrashWorld(plan.seed, min(plan.days, 5)), max(plan.kills/4, 4)
	o.world.cards = "2 cards a day"
	out := liveHistory(t, o)
	capped := 0
	for _, x := range out.outreach {
		if x.Digested == steward.ReasonCapped {
			capped++
		}
	}
	if capped < 10 {
		t.Errorf("%d cards found no place, which says little", capped)
	}
	t.Logf("%d cards found no place\n%s", capped, o.table)
}

// buildForCrashes builds the program with its clock and kill points.
func buildForCrashes(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "steward-crash")
	if out, err := exec.Command("go", "build", "-tags", "crash", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build for the crash test: %v\n%s", err, out)
	}
	return bin
}

// killPoints is where the process is to kill itself: each point at its first
// passing and at a later one, and then at any.
type killPoints struct {
	passed map[string]int             // the most that one process passed it
	hours  map[string]map[string]bool // in which hours of the day
	hit    map[string]int             // by point and passing
	r      *rand.Rand
}

func newKillPoints(seed uint64) *killPoints {
	return &killPoints{passed: map[string]int{}, hours: map[string]map[string]bool{}, hit: map[string]int{}, r: rand.New(rand.NewPCG(seed, 3))}
}

// copy is what is known of the points, with nothing done about it yet.
func (k *killPoints) copy(seed uint64) *killPoints {
	c := newKillPoints(seed)
	c.passed = maps.Clone(k.passed)
	for point, hours := range k.hours {
		c.hours[point] = maps.Clone(hours)
	}
	return c
}

// learn takes in what one process passed and returns the last of it.
func (k *killPoints) learn(list, hour string) (last string) {
	text, err := os.ReadFile(list)
	if err != nil {
		return "" // it passed nothing
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasSuffix(line, "\n") {
			break // the process died in the middle of the line
		}
		last = strings.TrimSpace(line)
		point, n := cutPoint(last)
		k.passed[point] = max(k.passed[point], n)
		if k.hours[point] == nil {
			k.hours[point] = map[string]bool{}
		}
		k.hours[point][hour] = true
	}
	return last
}

func cutPoint(passing string) (point string, n int) {
	at := strings.LastIndexByte(passing, ':')
	if at < 0 {
		return passing, 0
	}
	n, _ = strconv.Atoi(passing[at+1:]) // written by the program under test
	return passing[:at], n
}

// some are where a process is to die at this hour, at the first that it comes
// to: points at which none has died yet, at their first passing or at a later
// one, and one more of any kind. What is passed every moment, whatever else
// happens, has its turn now and then only, as nothing else would be reached
// before it.
func (k *killPoints) some(hour string) (out []string) {
	const everyMoment = 60
	often := k.r.IntN(4) == 0
	done := k.later()
	var any []string
	for _, point := range slices.Sorted(maps.Keys(k.passed)) {
		most := min(k.passed[point], 6)
		if k.passed[point] >= everyMoment {
			if !often {
				continue
			}
			most = 40
		}
		if k.hit[point+":1"] == 0 {
			out = append(out, point+":1")
		}
		if most < 2 || !k.hours[point][hour] {
			continue
		}
		passing := fmt.Sprintf("%s:%d", point, 2+k.r.IntN(most-1))
		if any = append(any, passing); !done[point] {
			out = append(out, passing)
		}
	}
	if len(any) > 0 {
		out = append(out, any[k.r.IntN(len(any))])
	}
	return out
}

// later is the points at which a process died at a later passing than the
// first.
func (k *killPoints) later() map[string]bool {
	out := map[string]bool{}
	for passing := range k.hit {
		if point, n := cutPoint(passing); n > 1 {
			out[point] = true
		}
	}
	return out
}

// never is the points at which no process died: at its first passing, or at a
// later one.
func (k *killPoints) never() (out []string) {
	later := k.later()
	for _, point := range slices.Sorted(maps.Keys(k.passed)) {
		if k.hit[point+":1"] == 0 {
			out = append(out, point+" (first)")
		}
		if !later[point] && k.passed[point] > 1 {
			out = append(out, point+" (later)")
		}
	}
	return out
}

// crashTable is what a run of the test came to.
type crashTable struct {
	kills     map[string]int
	states    map[string]int
	starts    int
	commands  int // killed
	emptied   int // times the queue was emptied
	posts     int
	mails     int
	clicks    int // that were taken, approvals those of them that let a mail go
	approvals int
	unheard   int // that nobody answered
	digests   int
}

// stoppedInTime is no kill: the worker was quicker.
const stoppedInTime = "none, it had stopped"

func newCrashTable() *crashTable {
	return &crashTable{kills: map[string]int{}, states: map[string]int{}}
}

func (c *crashTable) total() (n int) {
	for where, k := range c.kills {
		if where != stoppedInTime {
			n += k
		}
	}
	return n
}

func (c *crashTable) String() string {
	var b strings.Builder
	for _, at := range slices.Sorted(maps.Keys(c.kills)) {
		fmt.Fprintf(&b, "  %-32s %4d\n", at, c.kills[at])
	}
	fmt.Fprintf(&b, "  %-32s %4d\n  started %d times, %d commands killed beside it, queue emptied %d times\n  messages:", "kills", c.total(), c.starts, c.commands, c.emptied)
	for _, s := range slices.Sorted(maps.Keys(c.states)) {
		fmt.Fprintf(&b, " %d %s,", c.states[s], s)
	}
	fmt.Fprintf(&b, " %d posts in Slack, %d mails taken, %d clicks taken, %d of them approvals, and %d unheard, %d digests", c.posts, c.mails, c.clicks, c.approvals, c.unheard, c.digests)
	return b.String()
}

type historyOptions struct {
	world *crashWorld
	bin   string
	queue string // "" for the embedded one
	kills int    // none: in peace
	// trouble has the providers misbehave.
	trouble bool
	points  *killPoints
	table   *crashTable
}

// history is one life of a world.
type history struct {
	*testing.T
	historyOptions
	dir   string
	env   []string
	slack *notifytest.SlackServer
	smtp  *notifytest.SMTPServer
	hook  *notifytest.WebhookServer
	r     *rand.Rand
	clock time.Time
	told  fakeClock // the same, for the providers
	day   int
	hour  string
	owed  int // kills for which there was no work left in an earlier hour
	redis string

	proc *crashProcess
	// left is how many mails an address had got when it was taken off the list.
	left map[string]int
	// asked is the messages and enrolments that people have decided about, pressed
	// what Slack was told is taken of what they pressed.
	asked   map[string]bool
	pressed []pressed
}

// crashOutcome is what a history left behind.
type crashOutcome struct {
	enrolments []steward.Enrolment
	messages   []steward.Message
	carries    map[steward.MessageID][]steward.Outreach
	outreach   map[steward.OutreachID]steward.Outreach
}

// liveHistory lives through all days and accounts for what happened.
func liveHistory(t *testing.T, o historyOptions) crashOutcome {
	t.Helper()
	h := &history{T: t, historyOptions: o, dir: t.TempDir(), r: rand.New(rand.NewPCG(o.world.seed, uint64(o.kills))), left: map[string]int{}, asked: map[string]bool{}}
	h.open()
	kills := h.spread()
	for h.day = range o.world.days {
		h.must(writeWhole(filepath.Join(h.dir, "data/usage.csv"), o.world.usage(h.day)))
		for i, hour := range crashHours {
			if i == 0 {
				h.stop() // that a clock jumps by days under a worker is tested elsewhere
			}
			h.hour = hour.name
			h.setClock(crashBegin.AddDate(0, 0, h.day).Add(hour.after))
			n := kills[h.day*len(crashHours)+i] + h.owed
			h.owed = 0
			if h.hour == "people" {
				h.settle()
				h.live(n/4, h.unsubscribes()...)
				h.live(n/4, h.decisions()...)
				h.settle()
				h.live(n-2*(n/4), h.clicks()...)
			} else {
				h.live(n)
			}
			h.settle()
		}
	}
	return h.account()
}

// open builds the workspace and the providers.
func (h *history) open() {
	h.Helper()
	h.slack = notifytest.StartSlack()
	h.Cleanup(h.slack.Close)
	h.slack.Token, h.slack.Now = "xoxb-crash", h.told.now
	h.slack.AddChannel("C0OPS", "cs-ops")
	h.hook = notifytest.StartWebhook(crashSecret)
	h.Cleanup(h.hook.Close)
	h.hook.Now = h.told.now
	for _, name := range []string{"lee", "kim", "sam", "ines"} {
		h.slack.AddUser("U00"+strings.ToUpper(name), name+"@example.com")
	}
	var err error
	h.smtp, err = notifytest.StartSMTP(notifytest.SMTPOptions{})
	h.must(err)
	h.Cleanup(h.smtp.Close)
	if h.trouble {
		t := notifytest.Trouble{Seed: h.world.seed, Share: 0.15, Slow: 30 * time.Millisecond}
		h.slack.Trouble(t)
		h.smtp.Trouble(t)
	}
	queue := ""
	if h.queue == "redis" {
		h.redis = startRedis(h.T)
		queue = "redis: " + h.redis
	}
	for name, text := range h.world.files(h.slack.URL(), h.hook.URL(), queue) {
		h.must(writeWhole(filepath.Join(h.dir, name), text))
	}
	h.env = append(os.Environ(), "SLACK_BOT_TOKEN=xoxb-crash", "SLACK_SIGNING_SECRET="+crashSigning, "SMTP_URL="+h.smtp.URL(), "LEDGER_SECRET="+crashSecret, "STEWARD_USER=pat",
		"STEWARD_CRASH_CLOCK="+filepath.Join(h.dir, "clock"))
	h.Cleanup(func() {
		if h.proc != nil {
			h.proc.kill()
		}
	})
}

func (h *history) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *history) setClock(at time.Time) {
	h.Helper()
	h.clock = at
	h.told.set(at)
	h.must(writeWhole(filepath.Join(h.dir, "clock"), strconv.FormatInt(at.Unix(), 10)))
}

// spread says how many kills fall into each hour: most into those in which the
// most is done, and a few more into the first, in which the database is made.
func (h *history) spread() []int {
	n := make([]int, h.world.days*len(crashHours))
	weights := []int{0, 0, 0, 0, 0, 1, 1, 2, 2, 3} // by crashHours
	for i := range h.kills {
		if i < h.kills/20 {
			n[0]++
			continue
		}
		n[h.r.IntN(h.world.days)*len(crashHours)+weights[h.r.IntN(len(weights))]]++
	}
	return n
}

// A crashProcess is one life of the worker.
type crashProcess struct {
	cmd   *exec.Cmd
	log   string
	list  string
	ended chan struct{}
}

func (p *crashProcess) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

func (p *crashProcess) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) } // it may have ended

func (p *crashProcess) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// start starts the worker; at are the kill points it is to die at.
func (h *history) start(at ...string) {
	h.Helper()
	p := &crashProcess{log: filepath.Join(h.dir, "worker.log"), list: filepath.Join(h.dir, "points"), ended: make(chan struct{})}
	h.must(errors.Join(os.RemoveAll(p.log), os.RemoveAll(p.list)))
	out, err := os.Create(p.log)
	h.must(err)
	defer out.Close()
	p.cmd = exec.Command(h.bin, "run", "-w", h.dir, "--log", "json", "--log-level", "info")
	p.cmd.Env = append(slices.Clone(h.env), "STEWARD_CRASH_LIST="+p.list, "STEWARD_CRASH_AT="+strings.Join(at, " "))
	p.cmd.Stdout, p.cmd.Stderr = out, out
	h.must(p.cmd.Start())
	go func() {
		_ = p.cmd.Wait() // how it ended is looked at by those who ended it
		close(p.ended)
	}()
	h.table.starts++
	h.proc = p
}

func (h *history) logTail() string {
	text, err := os.ReadFile(filepath.Join(h.dir, "worker.log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-6000):])
}

// stop ends the worker as it should be ended.
func (h *history) stop() {
	h.Helper()
	if h.proc == nil || !h.proc.alive() {
		return
	}
	h.proc.signal(syscall.SIGTERM)
	select {
	case <-h.proc.ended:
	case <-time.After(40 * time.Second):
		h.Fatalf("the worker does not stop\n%s", h.logTail())
	}
	h.points.learn(h.proc.list, h.hour)
	// Before the program's first line runs, SIGTERM ends it as it does any process.
	if how := h.proc.cmd.ProcessState; how.ExitCode() != 0 && how.String() != "signal: terminated" {
		h.Fatalf("the worker was asked to stop and ended with: %s\n%s", how, h.logTail())
	}
}

// An action is something that a person does: it says whether it is done.
type action func() bool

// live has the worker die so many times while people act beside it.
func (h *history) live(kills int, actions ...action) {
	h.Helper()
	for enough := h.table.total() + kills; h.table.total() < enough; {
		if len(actions) == 0 && !h.last() && h.r.IntN(4) > 0 && h.busy() == "" {
			h.owed += enough - h.table.total()
			break
		}
		gone := h.dieSoon()
		for len(actions) > 0 && h.proc.alive() {
			if actions[0]() {
				actions = actions[1:]
			}
		}
		h.table.kills[<-gone]++
		if h.r.IntN(3) == 0 { // leases lapse, retries come due
			h.setClock(h.clock.Add(3 * time.Minute))
			if h.r.IntN(2) == 0 {
				h.emptyQueue()
			}
		}
	}
	if h.proc == nil || !h.proc.alive() {
		h.start()
	}
	for tries := 0; len(actions) > 0; tries++ {
		if actions[0]() {
			actions, tries = actions[1:], 0
		} else if tries > 100 {
			h.Fatalf("what somebody does beside the worker does not succeed\n%s", h.logTail())
		} else {
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// last tells the last hour of all.
func (h *history) last() bool {
	return h.day == h.world.days-1 && h.hour == crashHours[len(crashHours)-1].name
}

// emptyQueue takes away what is in Redis; the embedded queue is emptied by every
// kill.
func (h *history) emptyQueue() {
	h.Helper()
	if h.redis == "" {
		return
	}
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: strings.TrimPrefix(h.redis, "redis-socket://")})
	defer client.Close()
	h.must(client.FlushAll(context.Background()).Err())
	h.table.emptied++
}

// dieSoon has the worker killed, by itself at a kill point or from outside, and
// says where when it is gone.
func (h *history) dieSoon() <-chan string {
	h.Helper()
	// Most is done in the first moments of a life.
	soon := h.r.Float64()
	way, wait := h.r.IntN(20), time.Duration(500*soon*soon*float64(time.Millisecond))
	var at []string
	if way >= 7 {
		at, wait = h.points.some(h.hour), time.Second
		h.stop()
	}
	if h.proc == nil || !h.proc.alive() {
		h.start(at...)
	}
	gone := make(chan string, 1)
	go func() { gone <- h.die(at, wait, way == 0) }()
	return gone
}

// die waits for the worker to kill itself at one of the points, and kills it when
// that takes too long: perhaps while it stops.
func (h *history) die(at []string, wait time.Duration, stopping bool) (where string) {
	select {
	case <-h.proc.ended:
		last := h.points.learn(h.proc.list, h.hour)
		if !slices.Contains(at, last) {
			h.Errorf("the worker ended by itself, after %q: %s\n%s", last, h.proc.cmd.ProcessState, h.logTail())
			return "by itself"
		}
		h.points.hit[last]++
		point, _ := cutPoint(last)
		return point
	case <-time.After(wait):
	}
	where = "by chance, starting"
	if h.address("private") != "" {
		where = "by chance, at work"
	}
	if stopping {
		where = "by chance, stopping"
		h.proc.signal(syscall.SIGTERM)
		select {
		case <-h.proc.ended:
			return stoppedInTime
		case <-time.After(wait / 8):
		}
	}
	h.proc.kill()
	h.points.learn(h.proc.list, h.hour)
	return where
}

// settle has the worker go on undisturbed until nothing is due at this hour.
// The clock is moved on while something waits: a lease, a retry, the queue.
func (h *history) settle() {
	h.Helper()
	if h.proc == nil || !h.proc.alive() {
		h.start()
	}
	until := h.clock.Add(90 * time.Minute)
	before, same, moves := "", 0, 0
	for {
		if !h.proc.alive() {
			h.Fatalf("the worker ended by itself\n%s", h.logTail())
		}
		busy := h.busy()
		if busy == "" && h.busy() == "" { // the worker may have moved something on between two of its questions
			return
		}
		if same++; busy != before {
			before, same, moves = busy, 0, 0
		}
		patience := 8
		if strings.Contains(busy, string(steward.Sending)) {
			patience = 60 // by the clock that is moved, a call under way would take longer than its lease
		}
		if same == patience {
			if !h.clock.Before(until) {
				h.Fatalf("on day %d at %s something is stuck: %s\n%s", h.day, h.clock, busy, h.logTail())
			}
			h.setClock(h.clock.Add(3 * time.Minute))
			same = 0
			if moves++; moves == 2 {
				h.hurry(busy)
			}
		}
		time.Sleep(15 * time.Millisecond)
	}
}

// hurry does what would come about by itself and takes minutes by the machine's
// clock: asynq gives the tasks of a dead process to another, and an evaluation
// that is not on record is asked for again.
func (h *history) hurry(busy string) {
	h.Helper()
	h.emptyQueue()
	if strings.Contains(busy, "is to be evaluated") {
		h.stop()
		h.start()
	}
}

// busy says what is still to do at this hour; "" for nothing.
func (h *history) busy() string {
	ctx := context.Background()
	db, err := store.Open(ctx, filepath.Join(h.dir, "steward.db"), store.Options{ReadOnly: true})
	if err != nil {
		return "the database: " + err.Error()
	}
	defer db.Close()
	slot, err := db.LastSlot(ctx, "evaluate")
	if err != nil {
		return "the last slot: " + err.Error()
	}
	if want := crashSlot(h.day); slot != want {
		return fmt.Sprintf("%s is to be evaluated", want)
	}
	messages, err := h.busyMessages(ctx, db)
	if err != nil {
		return "messages: " + err.Error()
	}
	enrolments, err := h.busyEnrolments(ctx, db)
	if err != nil {
		return "enrolments: " + err.Error()
	}
	edits, err := db.DueEdits(ctx, h.clock.Add(time.Hour), 0) // those too that wait for another try
	if err != nil {
		return "edits: " + err.Error()
	}
	for _, e := range edits {
		enrolments = append(enrolments, fmt.Sprintf("card %s is to be drawn anew (%d)", e.Message, e.Attempts))
	}
	return strings.Join(append(messages, enrolments...), "; ")
}

// busyMessages are on their way, or their time is up. One that is put off because
// its account recovers may stay so for days; all else that puts one off passes.
func (h *history) busyMessages(ctx context.Context, db *store.DB) (todo []string, err error) {
	for _, s := range []steward.MessageState{steward.AwaitingApproval, steward.Planned, steward.Enqueued, steward.Sending, steward.Deferred} {
		list, _, err := db.Messages(ctx, store.MessageFilter{State: s})
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			up := func(t time.Time) bool { return !t.IsZero() && !t.After(h.clock) }
			waits := m.State == steward.AwaitingApproval && !up(m.Veto) && !up(m.Expires) ||
				m.State == steward.Deferred && m.Reason == steward.ReasonClearing && !up(m.Due) || m.Kind == steward.Digest && !up(m.Due)
			if !waits {
				todo = append(todo, fmt.Sprintf("%s %s (%s, epoch %d)", m.State, m.ID, m.Reason, m.Epoch))
			}
		}
	}
	return todo, nil
}

// busyEnrolments are due and wait for none of their messages.
func (h *history) busyEnrolments(ctx context.Context, db *store.DB) (todo []string, err error) {
	due, err := db.DueEnrolments(ctx, h.clock, 0)
	if err != nil {
		return nil, err
	}
	ids := make([]steward.EnrolmentID, len(due))
	for i, e := range due {
		ids[i] = e.ID
	}
	said, messages, err := db.OutreachOf(ctx, ids)
	for _, e := range due {
		if !underWay(e, said, messages) {
			todo = append(todo, fmt.Sprintf("enrolment %s at step %d", e.ID, e.Step))
		}
	}
	return todo, err
}

// underWay tells an enrolment that waits for one of its messages.
func underWay(e steward.Enrolment, said []steward.Outreach, messages map[steward.MessageID]steward.Message) bool {
	for _, o := range said {
		if m, ok := messages[o.Message]; ok && o.Enrolment == e.ID && !m.State.Settled() {
			return true
		}
	}
	return false
}

// command runs a command beside the worker, and now and then kills it.
func (h *history) command(args ...string) (stdout string, ok bool) {
	h.Helper()
	cmd := exec.Command(h.bin, append(args, "-w", h.dir)...)
	cmd.Env = h.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	h.must(cmd.Start())
	if h.kills > 0 && h.r.IntN(8) == 0 {
		time.AfterFunc(time.Duration(h.r.IntN(60))*time.Millisecond, func() { _ = cmd.Process.Kill() })
	}
	err := cmd.Wait()
	if err == nil {
		return out.String(), true
	}
	if cmd.ProcessState.ExitCode() == -1 {
		h.table.commands++
		return "", false
	}
	return errs.String(), false
}

// read is a question to the database beside the worker.
func (h *history) read(ask func(context.Context, *store.DB) error) {
	h.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, filepath.Join(h.dir, "steward.db"), store.Options{ReadOnly: true})
	h.must(err)
	defer db.Close()
	h.must(ask(ctx, db))
}

// decisions is what people do on this day about what lies before them. Whether
// somebody acts hangs on the seed and on what it is about, not on the moment.
func (h *history) decisions() []action {
	h.Helper()
	var out []action
	h.read(func(ctx context.Context, db *store.DB) error {
		waiting, _, err := db.Messages(ctx, store.MessageFilter{State: steward.AwaitingApproval})
		if err != nil {
			return err
		}
		slices.SortFunc(waiting, func(a, b steward.Message) int { return strings.Compare(string(a.ID), string(b.ID)) })
		for _, m := range waiting {
			if h.asked[string(m.ID)] {
				continue
			}
			h.asked[string(m.ID)] = true
			if c := h.world.chance("approves", string(m.ID)); c < 0.6 && m.Veto.IsZero() {
				out = append(out, h.approves(m.ID, c < 0.4))
			} else if c > 0.85 {
				out = append(out, h.decides(m.ID, "approve", string(m.ID), "--decline"))
			}
		}
		open, err := db.Enrolments(ctx, store.EnrolmentFilter{Open: true})
		if err != nil {
			return err
		}
		slices.SortFunc(open, func(a, b steward.Enrolment) int { return strings.Compare(string(a.ID), string(b.ID)) })
		for _, e := range open {
			if h.asked[string(e.ID)] {
				continue
			}
			c := h.world.chance("takes on", string(e.ID))
			switch {
			case e.State == steward.Quarantined && c < 0.4 && h.day > 1:
				h.asked[string(e.ID)] = true
				out = append(out, h.changes(e.ID, func(e steward.Enrolment) bool { return e.State != steward.Quarantined }, "release", "--id", string(e.ID)))
			case e.State != steward.Quarantined && c > 0.7:
				h.asked[string(e.ID)] = true
				out = append(out, h.changes(e.ID, func(e steward.Enrolment) bool { return !e.AckedAt.IsZero() }, "ack", string(e.ID)))
			}
		}
		return nil
	})
	return out
}

// decides runs a command until the message no longer waits for approval.
func (h *history) decides(id steward.MessageID, args ...string) action {
	return func() bool {
		said, _ := h.command(args...)
		done := false
		h.read(func(ctx context.Context, db *store.DB) error {
			m, err := db.Message(ctx, string(id))
			done = m.State != steward.AwaitingApproval
			return err
		})
		if !done && said != "" {
			h.Errorf("steward %s did nothing: %s", strings.Join(args, " "), said)
		}
		return done
	}
}

// changes runs a command until the enrolment is as it should be.
func (h *history) changes(id steward.EnrolmentID, as func(steward.Enrolment) bool, args ...string) action {
	return func() bool {
		said, _ := h.command(args...)
		done := false
		h.read(func(ctx context.Context, db *store.DB) error {
			e, err := db.Enrolment(ctx, string(id))
			done = as(e)
			return err
		})
		if !done && said != "" {
			h.Errorf("steward %s did nothing: %s", strings.Join(args, " "), said)
		}
		return done
	}
}

var listening = regexp.MustCompile(`"side":"(\w+)","address":"([^"]+)"`)

// address is where the worker listens; "" while it does not.
func (h *history) address(side string) string {
	text, err := os.ReadFile(filepath.Join(h.dir, "worker.log"))
	if err != nil {
		return ""
	}
	for _, m := range listening.FindAllStringSubmatch(string(text), -1) {
		if m[1] == side {
			return m[2]
		}
	}
	return ""
}

// unsubscribes takes an address off all mail: by the link in a mail it got,
// else by hand.
func (h *history) unsubscribes() []action {
	who := h.world.leaving(h.day)
	if who == "" || h.asked[who] {
		return nil
	}
	h.asked[who] = true
	click := func() bool {
		link := h.linkFor(who)
		if link == nil {
			_, ok := h.command("suppress", who)
			return ok
		}
		at := h.address("public")
		if at == "" {
			return false
		}
		res, err := http.Post("http://"+at+link.Path, "application/x-www-form-urlencoded", strings.NewReader("confirm=yes")) // the page's button: no mail at all
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	}
	return []action{func() bool {
		if !click() {
			return false
		}
		h.left[who] = len(h.mailsTo(who))
		return true
	}}
}

func (h *history) mailsTo(address string) []notifytest.SMTPMail {
	return slices.DeleteFunc(h.smtp.Mails(), func(m notifytest.SMTPMail) bool { return m.To != address })
}

func (h *history) linkFor(address string) *url.URL {
	for _, m := range h.mailsTo(address) {
		if link, err := url.Parse(strings.Trim(mailHeader(h.T, m, "List-Unsubscribe"), "<>")); err == nil && link.Path != "" {
			return link
		}
	}
	return nil
}

// A new method of the ledger's that writes must not go without its kill points.
func TestEveryWriteHasKillPoints(t *testing.T) {
	source, err := os.ReadFile("crash.go")
	if err != nil {
		t.Fatal(err)
	}
	reads := []string{"Agendas", "Answered", "Away", "Dealings", "Dossier", "DueEdits", "DueEnrolments", "Ended", "Enqueued", "Forgettings", "GivenTasks", "HeldOf", "InQueue", "LastSlot", "MailCursor", "MailTo", "Notices", "OpenOf", "OpenedSince", "OutreachOf", "Plate", "PlaybookStates", "PlaybookVersion", "Portfolio",
		"Salt", "Series", "Silences", "SoftBounces", "Sources", "Standing", "StandingOf", "Story", "SuppressedAddresses", "Unclaimed", "Week"}
	for m := range reflect.TypeFor[jobs.Ledger]().Methods() {
		around := strings.Contains(string(source), "func (l minedLedger) "+m.Name+"(")
		if around == slices.Contains(reads, m.Name) {
			t.Errorf("jobs.Ledger has %s: either it writes and is in crash.go with kill points around it, or it reads and is named here", m.Name)
		}
	}
}
