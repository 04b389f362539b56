package notify

import (
	"context"
	"fmt"
	"strings"

	"steward"
)

// A Redirect sends everything to one address, saying in the heading whom it
// was meant for: a last rehearsal with real providers.
type Redirect struct {
	// To is an e-mail address, or a Slack channel such as #steward-trial.
	To string
	// Slack and Mail are the real senders; only the one that To needs is used.
	Slack, Mail Sender
	// Kept writes what is for another program to a file: a rehearsal must not set
	// off what hangs on a webhook, and no person wants to read it.
	Kept Sender
}

// Send sends to the one address by whatever channel that is. A mail that was
// meant for a customer is then one among ourselves, and carries no link to
// unsubscribe somebody else by.
func (r Redirect) Send(ctx context.Context, l steward.Letter) (steward.Receipt, error) {
	if l.Message.Channel == steward.Webhook {
		return r.keep(ctx, l)
	}
	sender, aimed := r.disguised(l)
	if sender == nil {
		return steward.Receipt{}, notConfigured(aimed.Message.Channel)
	}
	receipt, err := sender.Send(ctx, aimed)
	if err == nil {
		receipt.Detail = fmt.Sprintf("redirected to %s; meant for %s", r.To, meantFor(l.Message))
	}
	return receipt, err
}

// disguised is the letter as it goes to the one address, and by which sender.
func (r Redirect) disguised(l steward.Letter) (Sender, steward.Letter) {
	meant := meantFor(l.Message)
	sender, m := r.aimed(l.Message)
	c := l.Content
	c.Title = "[for " + meant + "] " + c.Title
	c.ReplyTo = "" // an answer to a rehearsal must not reach the CSM as the customer's
	c.Facts = append([]steward.LabelledText{{Label: "Meant for", Text: meant + ", by " + channelWord(l.Message.Channel)}}, c.Facts...)
	l.Message, l.Content = m, c
	return sender, l
}

// Update changes what Send sent to the one address; see Router.Update.
func (r Redirect) Update(ctx context.Context, l steward.Letter, ref string) error {
	if l.Message.Channel == steward.Webhook {
		if r.Kept == nil {
			return notConfigured(l.Message.Channel)
		}
		return repaint(ctx, r.Kept, l, ref)
	}
	sender, aimed := r.disguised(l)
	if sender == nil {
		return notConfigured(aimed.Message.Channel)
	}
	return repaint(ctx, sender, aimed, ref)
}

// keep writes down what a webhook would have been told.
func (r Redirect) keep(ctx context.Context, l steward.Letter) (steward.Receipt, error) {
	if r.Kept == nil {
		return steward.Receipt{}, notConfigured(l.Message.Channel)
	}
	receipt, err := r.Kept.Send(ctx, l)
	if err == nil {
		receipt.Detail = "not called, as delivery is redirected; what it would have been told is in the file"
	}
	return receipt, err
}

// Find looks where Send would have sent it; see Router.Find.
func (r Redirect) Find(ctx context.Context, l steward.Letter) (steward.Receipt, bool, error) {
	if l.Message.Channel == steward.Webhook {
		if r.Kept == nil {
			return steward.Receipt{}, false, notConfigured(l.Message.Channel)
		}
		return find(ctx, r.Kept, l)
	}
	sender, m := r.aimed(l.Message)
	if sender == nil {
		return steward.Receipt{}, false, notConfigured(m.Channel)
	}
	l.Message = m
	return find(ctx, sender, l)
}

// aimed is the message as it goes to the one address, and by which sender.
func (r Redirect) aimed(m steward.Message) (Sender, steward.Message) {
	if strings.Contains(r.To, "@") {
		m.Channel, m.To = steward.Email, steward.Recipient{Key: "redirect", Email: r.To}
		return r.Mail, m
	}
	m.Channel, m.To = steward.Slack, steward.Recipient{Key: "redirect", Slack: r.To}
	return r.Slack, m
}

// meantFor names the recipient as a person would: a name before a key, and the
// address never, since a heading ends up in notifications and logs.
func meantFor(m steward.Message) string {
	for _, s := range []string{m.To.Name, m.To.Key, string(m.To.Owner), string(m.To.Contact)} {
		if s = oneLine(s); s != "" {
			return shorten(s, 60)
		}
	}
	return "nobody in particular"
}

func channelWord(c steward.Channel) string {
	switch c {
	case steward.Slack:
		return "Slack"
	case steward.Email:
		return "e-mail"
	case steward.Webhook:
		return "webhook"
	}
	return string(c)
}
