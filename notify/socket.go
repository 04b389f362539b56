package notify

import (
	"context"
	"errors"
	"io"
	stdlog "log"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"steward"
)

// maxEnvelope bounds what is read of one thing that Slack tells by Socket Mode;
// a click brings the whole card with it.
const maxEnvelope = 1 << 20

// socketAgain is after how long a connection that Slack refuses is asked for
// anew: a person has to mend the token first, and restarting is not to be part
// of it where the token is good again, as after a reinstall.
const socketAgain = time.Minute

// listen holds a Socket Mode connection until ctx is done, and takes what comes
// over it. The library reconnects when Slack asks for that and when the
// connection is lost; what it gives up on is tried again here.
func (in *Inbox) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := in.connection(ctx)
		if ctx.Err() != nil {
			return
		}
		in.disconnected(err)
		select {
		case <-ctx.Done():
		case <-time.After(socketAgain):
		}
	}
}

// connection runs until ctx is done or Slack refuses the token.
func (in *Inbox) connection(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := socketmode.New(in.slack.clientOf(in.cfg.AppToken),
		socketmode.OptionReadLimit(maxEnvelope), socketmode.OptionLog(stdlog.New(io.Discard, "", 0)))
	var hands sync.WaitGroup
	hands.Go(func() { in.events(ctx, client) })
	err := client.RunContext(ctx)
	cancel()
	hands.Wait()
	return err
}

// events reads what the connection brings. It must never wait: the connection
// would not be answered meanwhile.
func (in *Inbox) events(ctx context.Context, client *socketmode.Client) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-client.Events:
			switch data := e.Data.(type) {
			case *slack.ConnectionErrorEvent:
				in.disconnected(data.ErrorObj)
			case *socketmode.ErrorBadMessage:
				in.count(Unread)
				in.complain("what Slack told could not be read", "error", redact(data.Cause.Error()))
			}
			switch e.Type {
			case socketmode.EventTypeHello:
				in.connected()
			case socketmode.EventTypeInteractive, socketmode.EventTypeSlashCommand, socketmode.EventTypeEventsAPI:
				in.envelope(ctx, client, e)
			}
		}
	}
}

// envelope takes one thing that Slack told, beside the others. It is acknowledged
// only once it was taken: what the desk could not take in time is told again.
func (in *Inbox) envelope(ctx context.Context, client *socketmode.Client, e socketmode.Event) {
	leave, ok := in.enter()
	if !ok {
		return
	}
	go func() {
		defer leave()
		ctx, cancel := context.WithTimeout(ctx, deskWithin)
		defer cancel()
		t, err := in.read(e)
		if err != nil {
			in.unread(err)
			in.acknowledge(ctx, client, e, nil) // it would be told again and be no clearer
			return
		}
		ack, then, err := in.take(ctx, t)
		if err != nil {
			return
		}
		in.acknowledge(ctx, client, e, ack)
		then()
	}()
}

// acknowledge tells Slack that something was taken.
func (in *Inbox) acknowledge(ctx context.Context, client *socketmode.Client, e socketmode.Event, payload any) {
	if err := client.AckCtx(ctx, e.Request.EnvelopeID, payload); err != nil {
		in.complain("Slack could not be told that something was taken, and will tell it again", "error", redact(err.Error()))
	}
}

func (in *Inbox) read(e socketmode.Event) (told, error) {
	switch e.Type {
	case socketmode.EventTypeInteractive:
		return readInteraction(e.Request.Payload, in.cfg.Now())
	case socketmode.EventTypeSlashCommand:
		return readCommandJSON(e.Request.Payload, in.cfg.Now())
	}
	return told{}, errUnread
}

// unread notes what is of no use to anybody but whoever mends the app's settings.
func (in *Inbox) unread(err error) {
	in.count(Unread)
	in.complain("Slack told of something that Steward does not know, and that was left alone", "error", err)
}

// connected notes that Slack has greeted us.
func (in *Inbox) connected() {
	in.mu.Lock()
	was := in.up
	if !was {
		in.up, in.since = true, in.cfg.Now()
	}
	in.trouble = nil
	in.mu.Unlock()
	if !was {
		in.cfg.Log.Info("connected to Slack; buttons and commands work", "by", "socket mode")
	}
}

// disconnected notes why there is no connection, and says so when that is news.
func (in *Inbox) disconnected(err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	trouble := socketFailure(err, in.cfg.AppToken)
	in.mu.Lock()
	news := in.up || in.trouble == nil || in.trouble.Error() != trouble.Error()
	if in.up {
		in.up, in.since = false, in.cfg.Now()
	}
	in.trouble = trouble
	in.mu.Unlock()
	if news {
		in.cfg.Log.Warn("not connected to Slack, so that no button and no command works", "error", trouble)
	}
}

// socketFailure says why a connection did not come about, and what a person can
// do about it.
func socketFailure(err error, token steward.Secret) *steward.DeliveryError {
	d := slackFailure("connect to Slack by Socket Mode", err, false, false, token)
	switch d.Code {
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type":
		d.Hint = "give Steward a valid app-level token (it begins with xapp-) with the scope connections:write, and restart it"
	case "missing_scope", "no_permission":
		d.Hint = "give the app-level token the scope connections:write"
	case "socket_mode_not_enabled", "forbidden_team", "app_not_installed":
		d.Hint = "turn Socket Mode on in the app's settings, and install the app into the workspace"
	case "too_many_websockets":
		d.Hint = "ten connections are open already: does another worker use this app?"
	default:
		if strings.Contains(d.Code, "unknown_method") {
			d.Hint = "what slack.api_url leads to knows no Socket Mode; set slack.signing_secret_env, and have Slack call Steward"
		}
	}
	return d
}
