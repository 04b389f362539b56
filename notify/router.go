package notify

import (
	"context"
	"fmt"

	"steward"
)

// A Router picks the sender by the message's channel. A channel that is left
// nil is one the workspace has not set up.
type Router struct {
	Slack, Mail, Webhook Sender
}

// Send hands the letter to the channel's sender. Where there is none the error
// is Unauthorised: nothing will go until a person sets the channel up.
func (r Router) Send(ctx context.Context, l steward.Letter) (steward.Receipt, error) {
	sender := r.sender(l.Message.Channel)
	if sender == nil {
		return steward.Receipt{}, notConfigured(l.Message.Channel)
	}
	return sender.Send(ctx, l)
}

// Find asks the channel's sender what became of an earlier Send; see
// SlackSender.Find. A mail server cannot be asked: that is Unknowable.
func (r Router) Find(ctx context.Context, l steward.Letter) (steward.Receipt, bool, error) {
	sender := r.sender(l.Message.Channel)
	if sender == nil {
		return steward.Receipt{}, false, notConfigured(l.Message.Channel)
	}
	return find(ctx, sender, l)
}

// Update has the channel's sender change what it sent. Mail stays as it was:
// that is Refused.
func (r Router) Update(ctx context.Context, l steward.Letter, ref string) error {
	sender := r.sender(l.Message.Channel)
	if sender == nil {
		return notConfigured(l.Message.Channel)
	}
	return repaint(ctx, sender, l, ref)
}

func (r Router) sender(c steward.Channel) Sender {
	switch c {
	case steward.Slack:
		return r.Slack
	case steward.Email:
		return r.Mail
	case steward.Webhook:
		return r.Webhook
	}
	return nil
}

func notConfigured(c steward.Channel) *steward.DeliveryError {
	hint := "the message's channel is unknown to this version of Steward"
	switch c {
	case steward.Slack:
		hint = "set slack.bot_token_env in steward.yaml and that variable, or use delivery: preview"
	case steward.Email:
		hint = "set email.from and email.smtp_env in steward.yaml and that variable, or use delivery: preview"
	case steward.Webhook:
		hint = "set webhooks in steward.yaml and the variable of each secret, or use delivery: preview"
	}
	return failed(steward.Unauthorised, "not_configured", hint, fmt.Errorf("there is no sender for %s", channelWord(c)))
}
