package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"steward"
	"steward/configs"
	"steward/notify"
	"steward/web"
)

// newMailbox is the mailbox that mail comes back to.
func newMailbox(ws *configs.Workspace, now func() time.Time) (*notify.Mailbox, error) {
	box := ws.Email.Mailbox
	return notify.NewMailbox(notify.MailboxConfig{IMAP: box.IMAP, Seen: box.Seen, MoveTo: box.MoveTo, Now: now,
		Reader: notify.MailReader{Address: ws.Email.FromAddress, Zone: ws.Zone}})
}

// readsMail tells whether there is a mailbox to read: nothing comes back for what
// was only written to files.
func readsMail(ws *configs.Workspace) bool {
	return ws.Email.Mailbox.Enabled && ws.Delivery.Mode != steward.Preview
}

// mailWatch is how the reading of the mailbox goes.
type mailWatch struct {
	mu sync.Mutex
	// read is when it was last read, failing since when it cannot be, why the
	// reason.
	read, failing time.Time
	why           error
}

// tellMailboxAfter is for how long a mailbox has to be out of reach before ops
// hears: nothing is lost with it, and mail servers restart at night.
const tellMailboxAfter = time.Hour

// mostMailboxWait is how long a mailbox that cannot be read is left alone at most.
const mostMailboxWait = 30 * time.Minute

// mailboxKey is the notice that the mailbox cannot be read.
const mailboxKey = "mailbox"

// mailboxes reads what came back until ctx is done. While that fails it is tried
// less and less often.
func (w *worker) mailboxes(ctx context.Context) error {
	if !readsMail(w.ws) {
		return nil
	}
	box, err := newMailbox(w.ws, w.now)
	if err != nil {
		return err
	}
	every := w.ws.Email.Mailbox.Every
	if quick := w.app.pace.mailbox; quick > 0 {
		every = quick
	}
	wait := every
	for {
		sum, err := w.engine.ReadMail(ctx, box)
		if ctx.Err() != nil {
			return nil
		}
		w.note("mailbox", err)
		if sum.Kept > 0 {
			w.log.Info("read what came back", "mailbox", box.Name(), "understood", sum.Found, "kept", sum.Kept)
		}
		if terr := w.tellMailbox(ctx, err); terr != nil {
			w.note("mailbox notice", terr)
		}
		if wait = every; err != nil {
			wait = w.mailboxWait(every)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// mailboxWait is how long a mailbox that fails is left alone: as long as it has
// been failing, within bounds.
func (w *worker) mailboxWait(every time.Duration) time.Duration {
	w.mailWatch.mu.Lock()
	defer w.mailWatch.mu.Unlock()
	return max(every, min(w.now().Sub(w.mailWatch.failing), mostMailboxWait))
}

// tellMailbox notes how a look went, and tells ops of a mailbox that has been out
// of reach for a while.
func (w *worker) tellMailbox(ctx context.Context, err error) error {
	now := w.now()
	w.mailWatch.mu.Lock()
	if w.mailWatch.why = err; err == nil {
		w.mailWatch.read, w.mailWatch.failing = now, time.Time{}
	} else if w.mailWatch.failing.IsZero() {
		w.mailWatch.failing = now
	}
	since := w.mailWatch.failing
	w.mailWatch.mu.Unlock()
	switch {
	case err == nil:
		return w.engine.Untell(ctx, mailboxKey)
	case now.Sub(since) < tellMailboxAfter:
		return nil
	}
	return w.engine.Tell(ctx, mailboxKey, "The mailbox has not been read since "+w.when(since),
		[]string{err.Error(), "replies and bounces are not noticed meanwhile, and none is lost"}, "Try it with: steward send-test")
}

// checkMailbox is the readiness of the mailbox.
func (w *worker) checkMailbox(context.Context) error {
	w.mailWatch.mu.Lock()
	defer w.mailWatch.mu.Unlock()
	if w.mailWatch.why == nil {
		return nil
	}
	return fmt.Errorf("it has not been read since %s: %w", w.when(w.mailWatch.failing), w.mailWatch.why)
}

// mailboxFigures is what came back, and when the mailbox was last read.
func (w *worker) mailboxFigures(ctx context.Context) (web.MailboxFigures, error) {
	counts, err := w.db.IncomingCounts(ctx)
	w.mailWatch.mu.Lock()
	defer w.mailWatch.mu.Unlock()
	return web.MailboxFigures{Incoming: counts, Read: w.mailWatch.read}, err
}

// mailEvents takes what a mail service tells of.
func (w *worker) mailEvents() web.MailEvents {
	return web.MailEvents{Secret: w.ws.Email.Events, Now: w.now, Take: func(ctx context.Context, r steward.Returned) error {
		_, err := w.engine.Receive(ctx, r)
		return err
	}}
}
