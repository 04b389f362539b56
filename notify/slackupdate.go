package notify

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"steward"
)

// Update draws a card that was posted anew. What it was answered is sorted as for
// Send, except that a call whose outcome was lost may be made again.
func (s *SlackSender) Update(ctx context.Context, l steward.Letter, ref string) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Within)
	defer cancel()
	channel, ts, ok := strings.Cut(ref, "/")
	if !ok || ts == "" || !isSlackID(channel, "CGD") {
		return failed(steward.Refused, "no_such_card", "nothing: the card stays as it was",
			errors.New("change the card: it was not sent by Slack"))
	}
	err := s.illustrated(ctx, l, func(blocks []slack.Block, fallback string) error {
		return slackCall(ctx, "change the card", true, s.cfg.Token, func(ctx context.Context) error {
			_, _, _, err := s.client.UpdateMessageContext(ctx, channel, ts, cardOptions(l.Message.ID, blocks, fallback)...)
			return err
		})
	})
	var d *steward.DeliveryError
	if errors.As(err, &d) && d.Kind == steward.Unknowable {
		d.Kind = steward.Unreachable
	}
	return err
}

// thread is the timestamp of the card that a letter follows up, "" where there is
// none in the channel: an owner who took the account over has another.
func (s *SlackSender) thread(ctx context.Context, channel, earlier string) (string, error) {
	where, ts, ok := strings.Cut(earlier, "/")
	if !ok || ts == "" {
		return "", nil
	}
	if strings.HasPrefix(channel, "#") {
		id, err := s.channelID(ctx, channel)
		var d *steward.DeliveryError
		if errors.As(err, &d) && slices.Contains([]steward.FailureKind{steward.Refused, steward.NotNow}, d.Kind) {
			return "", nil // what cannot be looked up can still be posted to
		}
		if err != nil {
			return "", err
		}
		channel = id
	}
	if where != channel {
		return "", nil
	}
	return ts, nil
}

// threadOptions put a card into a thread; a critical one is shown outside it as
// well, as nobody is told of what is added to a thread that they do not follow.
func threadOptions(ts string, c steward.Content) []slack.MsgOption {
	if ts == "" {
		return nil
	}
	out := []slack.MsgOption{slack.MsgOptionTS(ts)}
	if c.Severity == "critical" {
		out = append(out, slack.MsgOptionBroadcast())
	}
	return out
}

// threadIsGone tells that what a card follows up takes no replies any more.
func threadIsGone(err error) bool {
	var d *steward.DeliveryError
	return errors.As(err, &d) && slices.Contains([]string{"thread_not_found", "message_not_found", "cannot_reply_to_message", "restricted_action_thread_locked"}, d.Code)
}
