//go:build crash

package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"steward"
	"steward/jobs"
)

// This build is for the crash test (make crash) and for nothing else. It can be
// told the time and where to die:
//
//   - STEWARD_CRASH_CLOCK names a file with the time in Unix seconds, which
//     stands still until the file is written anew;
//   - STEWARD_CRASH_AT names kill points, as "Settle:before:1 Claim:after:3":
//     the process kills itself at the first it comes to;
//   - STEWARD_CRASH_LIST names a file that gets a line for each point passed.
//
// A kill point stands before and after each write of the ledger's and each call
// of a provider. What is written elsewhere (imports, keys, the schema) and what
// lies between the points is for kills by chance.

// arm replaces the clock, and makes the worker impatient.
func arm(a *app) {
	a.now = toldClock(a.getenv("STEWARD_CRASH_CLOCK"))
	a.pace = pace{relay: 15 * time.Millisecond, reload: time.Second}
}

// toldClock is the time as a file tells it.
func toldClock(file string) func() time.Time {
	return func() time.Time {
		text, err := os.ReadFile(file)
		if err != nil {
			panic("the crash build needs STEWARD_CRASH_CLOCK: " + err.Error())
		}
		unix, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			panic("STEWARD_CRASH_CLOCK: " + err.Error())
		}
		return time.Unix(unix, 0).UTC()
	}
}

// mine puts kill points around all that an engine writes and all that it calls.
func mine(e *jobs.Engine, getenv func(string) string) {
	f := &fate{passed: map[string]int{}, at: strings.Fields(getenv("STEWARD_CRASH_AT")), list: getenv("STEWARD_CRASH_LIST")}
	e.Ledger = minedLedger{e.Ledger, f}
	e.Sender = minedSender{e.Sender, f}
	if update := e.Update; update != nil {
		e.Update = func(ctx context.Context, l steward.Letter, ref string) error {
			defer f.around("Update " + string(l.Message.Channel))()
			return update(ctx, l, ref)
		}
	}
	if find := e.Find; find != nil {
		e.Find = func(ctx context.Context, l steward.Letter) (steward.Receipt, bool, error) {
			defer f.around("Find " + string(l.Message.Channel))()
			return find(ctx, l)
		}
	}
}

// fate counts the points passed and knows which is the last.
type fate struct {
	mu     sync.Mutex
	passed map[string]int
	at     []string
	list   string
}

func (f *fate) pass(point string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.passed[point]++
	here := fmt.Sprintf("%s:%d", strings.ReplaceAll(point, " ", "."), f.passed[point])
	if f.list != "" {
		if out, err := os.OpenFile(f.list, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
			_, _ = fmt.Fprintln(out, here) // a list that cannot be kept shows in the test
			out.Close()
		}
	}
	for _, at := range f.at {
		if at == here {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // nothing after this point is done
		}
	}
}

// around passes the point before an action at once, and the one after it when
// the returned function is called.
func (f *fate) around(action string) (after func()) {
	f.pass(action + ":before")
	return func() { f.pass(action + ":after") }
}

type minedSender struct {
	jobs.Sender
	*fate
}

func (s minedSender) Send(ctx context.Context, l steward.Letter) (steward.Receipt, error) {
	defer s.around("Send " + string(l.Message.Channel))()
	return s.Sender.Send(ctx, l)
}

// minedLedger has every method of the ledger that writes.
type minedLedger struct {
	jobs.Ledger
	*fate
}

func (l minedLedger) ClaimRun(ctx context.Context, job string, slot steward.Slot, now time.Time, lease time.Duration) (steward.Run, bool, error) {
	defer l.around("ClaimRun")()
	return l.Ledger.ClaimRun(ctx, job, slot, now, lease)
}

func (l minedLedger) RenewRun(ctx context.Context, run steward.Run, now time.Time, lease time.Duration) (steward.Run, error) {
	defer l.around("RenewRun")()
	return l.Ledger.RenewRun(ctx, run, now, lease)
}

func (l minedLedger) Commit(ctx context.Context, run steward.Run, changes []steward.Change, now time.Time) ([]steward.AccountID, error) {
	what := "Commit"
	if run.Job == "" {
		what = "CommitLoose" // between evaluations
	}
	defer l.around(what)()
	return l.Ledger.Commit(ctx, run, changes, now)
}

func (l minedLedger) KeepScores(ctx context.Context, run steward.Run, day steward.Day, scores []steward.Score) error {
	defer l.around("KeepScores")()
	return l.Ledger.KeepScores(ctx, run, day, scores)
}

func (l minedLedger) FinishRun(ctx context.Context, run steward.Run, states []steward.PlaybookState, now time.Time, summary any, fault string) error {
	defer l.around("FinishRun")()
	return l.Ledger.FinishRun(ctx, run, states, now, summary, fault)
}

func (l minedLedger) RenamePlaybooks(ctx context.Context, names map[steward.PlaybookName]steward.PlaybookName, now time.Time) (int, error) {
	defer l.around("RenamePlaybooks")()
	return l.Ledger.RenamePlaybooks(ctx, names, now)
}

func (l minedLedger) SavePlaybookVersion(ctx context.Context, playbook steward.PlaybookName, hash, text string, now time.Time) error {
	defer l.around("SavePlaybookVersion")()
	return l.Ledger.SavePlaybookVersion(ctx, playbook, hash, text, now)
}

func (l minedLedger) DueMessages(ctx context.Context, now time.Time, limit int, channels ...steward.Channel) ([]steward.Due, error) {
	defer l.around("DueMessages")()
	return l.Ledger.DueMessages(ctx, now, limit, channels...)
}

func (l minedLedger) MarkEnqueued(ctx context.Context, due []steward.Due, now time.Time) error {
	defer l.around("MarkEnqueued")()
	return l.Ledger.MarkEnqueued(ctx, due, now)
}

func (l minedLedger) Requeue(ctx context.Context, lost []steward.Due) (int, error) {
	defer l.around("Requeue")()
	return l.Ledger.Requeue(ctx, lost)
}

func (l minedLedger) Claim(ctx context.Context, id steward.MessageID, epoch int, now time.Time, lease time.Duration, decide func(steward.Dossier) (steward.Ruling, error)) (steward.Dossier, steward.Ruling, error) {
	defer l.around("Claim")()
	return l.Ledger.Claim(ctx, id, epoch, now, lease, decide)
}

func (l minedLedger) Settle(ctx context.Context, id steward.MessageID, epoch int, s steward.Settlement, now time.Time) error {
	defer l.around("Settle")()
	return l.Ledger.Settle(ctx, id, epoch, s, now)
}

func (l minedLedger) LapsedSends(ctx context.Context, now time.Time, lease time.Duration) ([]steward.MessageID, error) {
	defer l.around("LapsedSends")()
	return l.Ledger.LapsedSends(ctx, now, lease)
}

func (l minedLedger) ExpireApprovals(ctx context.Context, now time.Time) (int, error) {
	defer l.around("ExpireApprovals")()
	return l.Ledger.ExpireApprovals(ctx, now)
}

func (l minedLedger) VetoElapsed(ctx context.Context, now time.Time) (int, error) {
	defer l.around("VetoElapsed")()
	return l.Ledger.VetoElapsed(ctx, now)
}

func (l minedLedger) PlanDigest(ctx context.Context, m steward.Message) (bool, error) {
	defer l.around("PlanDigest")()
	return l.Ledger.PlanDigest(ctx, m)
}

func (l minedLedger) EndSilences(ctx context.Context, over []steward.Silence) error {
	defer l.around("EndSilences")()
	return l.Ledger.EndSilences(ctx, over)
}

func (l minedLedger) Notice(ctx context.Context, key string, m steward.Message, now time.Time) (bool, error) {
	defer l.around("Notice")()
	return l.Ledger.Notice(ctx, key, m, now)
}

func (l minedLedger) ForgetNotice(ctx context.Context, key string) error {
	defer l.around("ForgetNotice")()
	return l.Ledger.ForgetNotice(ctx, key)
}

func (l minedLedger) Perform(ctx context.Context, a steward.Act, change steward.Change, answer string, now time.Time) (string, bool, error) {
	defer l.around("Perform")()
	return l.Ledger.Perform(ctx, a, change, answer, now)
}

func (l minedLedger) Painted(ctx context.Context, e steward.Edit, detail string) error {
	defer l.around("Painted")()
	return l.Ledger.Painted(ctx, e, detail)
}

func (l minedLedger) EditFailed(ctx context.Context, e steward.Edit, until time.Time, detail string) error {
	defer l.around("EditFailed")()
	return l.Ledger.EditFailed(ctx, e, until, detail)
}

func (l minedLedger) Receive(ctx context.Context, in steward.Incoming, change steward.Change, now time.Time) (bool, error) {
	defer l.around("Receive")()
	return l.Ledger.Receive(ctx, in, change, now)
}

func (l minedLedger) MoveMailCursor(ctx context.Context, mailbox string, c steward.MailCursor) error {
	defer l.around("MoveMailCursor")()
	return l.Ledger.MoveMailCursor(ctx, mailbox, c)
}
