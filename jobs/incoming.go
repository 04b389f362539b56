package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"steward"
	"steward/playbooks"
)

// Mailroom is what came back for the mail that went out.
type Mailroom interface {
	// Receive keeps something that came back and what it changes, once by its key.
	Receive(ctx context.Context, in steward.Incoming, change steward.Change, now time.Time) (isNew bool, err error)
	// MailTo is the mails that went to an address since a moment, newest first.
	MailTo(ctx context.Context, email string, since time.Time, limit int) ([]steward.Message, error)
	// SoftBounces is how many other mails to an address came back since a moment.
	SoftBounces(ctx context.Context, email string, except steward.MessageID, since time.Time) (int, error)
	// Away is who is away beyond a day, by address, and until when.
	Away(ctx context.Context, today steward.Day) (map[string]steward.Day, error)
	// MailCursor is up to where a mailbox was read; ok is false before the first
	// time.
	MailCursor(ctx context.Context, mailbox string) (c steward.MailCursor, ok bool, err error)
	MoveMailCursor(ctx context.Context, mailbox string, c steward.MailCursor) error
}

// A Mailbox is where mail comes back to.
type Mailbox interface {
	// Name is the same for the same mailbox, and no secret.
	Name() string
	// Read understands the mail that came after a cursor, up to some number; first
	// tells that there is none, and then only mail of the last days is read. next
	// is up to where it read; more that there may be more.
	Read(ctx context.Context, after steward.MailCursor, first bool) (found []steward.Returned, next steward.MailCursor, more bool, err error)
	// Settle does with the mail up to a cursor what the mailbox's owner wants done
	// with mail that was understood, once all of it is kept.
	Settle(ctx context.Context) error
}

// MailRead is what one look into a mailbox came to.
type MailRead struct {
	// Found is the mails that were understood, Kept those of them that were about a
	// mail of ours and new.
	Found, Kept int
}

// ReadMail reads what came back and was not read yet. What was kept before an
// error stays kept, and what comes twice is nothing.
func (e *Engine) ReadMail(ctx context.Context, box Mailbox) (MailRead, error) {
	var sum MailRead
	for more := true; more; {
		at, known, err := e.Ledger.MailCursor(ctx, box.Name())
		if err != nil {
			return sum, err
		}
		found, next, again, err := box.Read(ctx, at, !known)
		if err != nil {
			return sum, fmt.Errorf("read the mailbox: %w", err)
		}
		for _, r := range found {
			sum.Found++
			kept, err := e.Receive(ctx, r)
			if err != nil {
				return sum, fmt.Errorf("keep what came back: %w", err)
			}
			if kept {
				sum.Kept++
			}
		}
		if err := box.Settle(ctx); err != nil {
			return sum, fmt.Errorf("mark what was read: %w", err)
		}
		if !known || next != at {
			if err := e.Ledger.MoveMailCursor(ctx, box.Name(), next); err != nil {
				return sum, err
			}
		}
		more = again && next != at
	}
	return sum, nil
}

// meantFor is how far back the mail is looked for that something came back for
// without saying for which.
const meantFor = 30 * 24 * time.Hour

// receiveTries is how often something is decided anew that was overtaken.
const receiveTries = 5

// Receive decides about something that came back, and keeps it where it is about
// a mail of ours: kept is false where it is not, or was known.
func (e *Engine) Receive(ctx context.Context, r steward.Returned) (kept bool, err error) {
	id, err := e.mailMeant(ctx, r)
	if err != nil || id == "" {
		return false, err
	}
	for range receiveTries {
		kept, err = e.receive(ctx, id, r.Incoming)
		if !errors.Is(err, ErrMoved) {
			return kept, err
		}
	}
	return false, err
}

// mailMeant is the mail that something is about. What it says of itself counts
// only where such a mail went out: anybody can write to a mailbox, and make a
// name up.
func (e *Engine) mailMeant(ctx context.Context, r steward.Returned) (steward.MessageID, error) {
	if r.Message != "" {
		d, err := e.Ledger.Dossier(ctx, r.Message)
		switch {
		case errors.Is(err, ErrMoved): // never heard of, or pruned since
		case err != nil:
			return "", err
		case d.Message.Channel == steward.Email && d.Message.Attempts > 0:
			return r.Message, nil
		}
	}
	if r.Address == "" {
		return "", nil
	}
	sent, err := e.Ledger.MailTo(ctx, r.Address, e.Now().Add(-meantFor), 20)
	if err != nil {
		return "", err
	}
	return playbooks.MailMeant(r, sent), nil
}

func (e *Engine) receive(ctx context.Context, id steward.MessageID, in steward.Incoming) (bool, error) {
	dossier, err := e.Ledger.Dossier(ctx, id)
	if err != nil {
		return false, err
	}
	in.Message = id
	if in.Address == "" {
		in.Address = dossier.Message.To.Email
	}
	ret := playbooks.Return{Incoming: in, Dossier: dossier}
	if in.Kind == steward.SoftBounce {
		if ret.Soft, err = e.Ledger.SoftBounces(ctx, in.Address, id, e.Now().Add(-playbooks.SoftFor)); err != nil {
			return false, err
		}
	}
	g, err := e.footing(ctx)
	if err != nil {
		return false, err
	}
	e.mu.Lock()
	change, ok := g.base.At(e.Now(), playbooks.Memory{}).Receive(ret)
	e.mu.Unlock()
	if !ok {
		return false, nil
	}
	isNew, err := e.Ledger.Receive(ctx, in, change, e.Now())
	if err == nil && isNew {
		e.log().Info("mail came back", "message", id, "kind", in.Kind, "status", in.Status)
	}
	return isNew, err
}
