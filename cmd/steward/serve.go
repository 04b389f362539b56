package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"steward"
	"steward/configs"
	"steward/facts"
	"steward/web"
)

// handlers is what each open listener serves.
func (w *worker) handlers(public, private net.Listener) map[net.Listener]http.Handler {
	out := map[net.Listener]http.Handler{}
	if public != nil {
		w.log.Info("listening", "side", "public", "address", public.Addr().String())
		out[public] = web.Public(web.PublicOptions{Key: w.signing(), Readers: readers{w.db, w.now, w.offered}, Sender: senderName(w.ws), Slack: w.slackCallbacks(), Events: w.mailEvents(), Logger: w.log})
	}
	if private != nil {
		w.log.Info("listening", "side", "private", "address", private.Addr().String())
		out[private] = web.Private(web.PrivateOptions{Checks: w.checks(), Feeds: w.feeds(), Version: version, Pages: w.pageOptions(), Logger: w.log})
	}
	return out
}

func (w *worker) signing() steward.Secret {
	keys, err := w.db.Keys(context.Background())
	if err != nil {
		w.log.Error("the signing key cannot be read; links to unsubscribe will not work", "error", err)
	}
	return keys.Signing
}

// senderName is who mail comes from in its reader's eyes: the domain's owner.
func senderName(ws *configs.Workspace) string {
	_, domain, _ := strings.Cut(ws.Email.FromAddress, "@")
	return domain
}

// checks is what has to work for the worker to be of use.
func (w *worker) checks() []web.Check {
	if w.inbox == nil {
		return w.usualChecks()
	}
	return append(w.usualChecks(), web.Check{Name: "slack inbound", Advisory: true, Err: w.checkSlack})
}

func (w *worker) usualChecks() []web.Check {
	return []web.Check{
		{Name: "database", Err: w.db.Ready},
		{Name: "queue", Err: w.queue.Ready},
		{Name: "channels", Advisory: true, Err: func(context.Context) error {
			var waits []string
			for _, c := range w.engine.Circuits() {
				if c.Waits(w.now()) {
					waits = append(waits, fmt.Sprintf("nothing has gone out on %s since %s, and it is tried again on %s: %s", c.Channel, w.when(c.Since), w.when(c.Until), c.Detail))
				}
			}
			if len(waits) > 0 {
				return errors.New(strings.Join(waits, "; "))
			}
			return nil
		}},
		{Name: "playbooks", Advisory: true, Err: func(context.Context) error {
			if p := w.broken.Load(); p != nil {
				return fmt.Errorf("the newest edit has %s, so the last good book is in use; run: steward check", count(len(*p), "mistake"))
			}
			return nil
		}},
		{Name: "clock", Advisory: true, Err: w.checkClock},
		{Name: "mailbox", Advisory: true, Err: w.checkMailbox},
	}
}

// feeds is where /metrics takes its figures from.
func (w *worker) feeds() web.Feeds {
	f := w.usualFeeds()
	if w.inbox != nil {
		f.Slack = w.slackFigures
	}
	return f
}

func (w *worker) usualFeeds() web.Feeds {
	return web.Feeds{
		Messages: func(ctx context.Context) (web.MessageFigures, error) {
			c, err := w.db.MessageCounts(ctx)
			f := web.MessageFigures{ByState: map[steward.MessageState]int{}}
			for s, n := range c.ByState {
				f.ByState[steward.MessageState(s)] = n
			}
			if c.OldestPlanned.Before(w.now()) {
				f.OldestDue = c.OldestPlanned
			}
			return f, err
		},
		Enrolments: func(ctx context.Context) (map[steward.EnrolmentState]int, error) {
			c, err := w.db.EnrolmentCounts(ctx)
			return c.Enrolments, err
		},
		Evaluation: func(ctx context.Context) (web.EvaluationFigures, error) {
			slot, err := w.engine.LastSlot(ctx)
			w.mu.Lock()
			defer w.mu.Unlock()
			return web.EvaluationFigures{Slot: slot, Duration: w.report.Took}, err
		},
		Sources: w.sourceFigures,
		Playbooks: func(ctx context.Context) (map[steward.PlaybookName]string, error) {
			states, err := w.db.PlaybookStates(ctx)
			out := map[steward.PlaybookName]string{}
			for _, p := range states {
				out[p.Playbook] = p.Fault
			}
			return out, err
		},
		Channels: func(context.Context) (map[steward.Channel]steward.Reason, error) {
			out := map[steward.Channel]steward.Reason{}
			for _, c := range w.engine.Circuits() {
				out[c.Channel] = ""
				if c.Waits(w.now()) {
					out[c.Channel] = c.Why
				}
			}
			return out, nil
		},
		Mailbox:    w.mailboxFigures,
		QueueDepth: w.queue.Depth,
		Jobs: func(context.Context) (map[string]web.JobFigures, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			out := map[string]web.JobFigures{}
			for k, v := range w.ran {
				out[k] = v
			}
			return out, nil
		},
	}
}

func (w *worker) sourceFigures(ctx context.Context) ([]web.SourceFigures, error) {
	states, err := w.db.Sources(ctx)
	if err != nil {
		return nil, err
	}
	ws := w.current.Load().ws
	var out []web.SourceFigures
	for _, s := range configured(&house{ws: ws}, states) {
		stale := facts.Stale(steward.SlotAt(w.now()), ws.Zone, s.CompleteThrough, freshness(ws)[s.Name])
		out = append(out, web.SourceFigures{Name: s.Name, CompleteThrough: s.CompleteThrough, ImportedAt: s.ImportedAt, Stale: stale && len(s.Metrics) > 0})
	}
	return out, nil
}

// workspaceMark changes when a file that a reload reads does: names, sizes and
// times of the configuration, playbooks and messages.
func workspaceMark(ws *configs.Workspace) string {
	var b strings.Builder
	note := func(path string, info fs.FileInfo) {
		fmt.Fprintf(&b, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
	}
	for _, dir := range []string{".", ws.Playbooks, ws.Messages} {
		entries, err := os.ReadDir(filepath.Join(ws.Dir, dir))
		if err != nil {
			fmt.Fprintf(&b, "%s %v\n", dir, err)
			continue
		}
		for _, e := range entries {
			ext := filepath.Ext(e.Name())
			if e.IsDir() || ext != ".yaml" && ext != ".yml" && ext != ".md" {
				continue
			}
			// Stat follows links: mounted configuration is a link to the newest.
			if info, err := os.Stat(filepath.Join(ws.Dir, dir, e.Name())); err == nil {
				note(filepath.Join(dir, e.Name()), info)
			}
		}
	}
	return b.String()
}
