// Package notify says things: it turns a message's content into a Slack card,
// a mail or a preview file, hands it to the provider, and tells what came of
// that in one of six kinds of failure.
//
// It does not know playbooks, the database or the queue. It never retries: an
// attempt is one call, and whether there is another is decided by whoever
// reads the kind of failure. Package jobs calls it through one method, Send;
// package cmd chooses and wires the senders, and calls Verify for a test
// message and Flush at the end of a preview.
//
// What came from a CRM is data. Title, Account, Facts, Evidence and Footer are
// shown as the characters they are, on every channel: in Slack they only ever
// stand in plain_text and rich_text elements, in which nothing is markup, a
// link or a mention; in HTML they are escaped; in the terminal control
// characters are dropped. Wording is Markdown, from which raw HTML, images and
// automatic links are left out and links other than http, https and mailto lose
// their target.
package notify

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"steward"
)

// sendWithin bounds a Send and findWithin a Find, whatever the provider does.
// Both together end before the two minutes for which a message is leased to its
// sender, so that there is time left to write down what came of it.
const (
	sendWithin = 90 * time.Second
	findWithin = 15 * time.Second
)

// A Sender hands one message to one provider. An error is always a
// *steward.DeliveryError, and never holds a secret or a person's address.
type Sender interface {
	Send(ctx context.Context, l steward.Letter) (steward.Receipt, error)
}

// A Finder can be asked what became of an earlier Send of a letter: whether the
// provider has the message.
type Finder interface {
	Find(ctx context.Context, l steward.Letter) (r steward.Receipt, found bool, err error)
}

// An Updater can change what it sent: the letter as it stands now, in the place
// that its Ref names. Doing it twice does no harm. Its errors are of the kinds
// that Send has, but Unknowable; what cannot be changed any more is Refused.
type Updater interface {
	Update(ctx context.Context, l steward.Letter, ref string) error
}

// repaint changes what a sender sent, where that can be.
func repaint(ctx context.Context, s Sender, l steward.Letter, ref string) error {
	u, ok := s.(Updater)
	if !ok {
		return failed(steward.Refused, "cannot_be_changed", "nothing: what was sent stays as it was",
			fmt.Errorf("what was sent by %s cannot be changed", channelWord(l.Message.Channel)))
	}
	return u.Update(ctx, l, ref)
}

// find asks a sender that can be asked.
func find(ctx context.Context, s Sender, l steward.Letter) (steward.Receipt, bool, error) {
	f, ok := s.(Finder)
	if !ok {
		return steward.Receipt{}, false, failed(steward.Unknowable, "cannot_be_asked", "look for it by hand",
			fmt.Errorf("what was sent by %s cannot be looked up", channelWord(l.Message.Channel)))
	}
	return f.Find(ctx, l)
}

// failed builds the one error type that leaves the package.
func failed(kind steward.FailureKind, code, hint string, err error) *steward.DeliveryError {
	return &steward.DeliveryError{Kind: kind, Code: code, Hint: hint, Err: err}
}

// addressLike is deliberately greedy: a provider's reply that loses a word is
// better than a log that gains an address.
var addressLike = regexp.MustCompile(`[^\s<>"'(),;:]+@[^\s<>"'(),;]+`)

// withheld is an error whose text has been freed of addresses and secrets. Only
// the context's errors stay reachable through Unwrap: the others' own text
// would bring back what was taken out.
type withheld struct {
	text  string
	cause error
}

func (w *withheld) Error() string { return w.text }
func (w *withheld) Unwrap() error { return w.cause }

// withhold frees err's text of addresses and of the given secrets and cuts it
// to a length fit for a log line.
func withhold(doing string, err error, secrets ...string) error {
	w := &withheld{text: doing + ": " + redact(err.Error(), secrets...)}
	for _, ctxErr := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ctxErr) {
			w.cause = ctxErr
		}
	}
	return w
}

func redact(s string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "(secret)")
		}
	}
	s = addressLike.ReplaceAllString(s, "(address)")
	return shorten(oneLine(s), 300)
}
