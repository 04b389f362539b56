package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"steward"
	"steward/configs"
	"steward/notify"
	"steward/web"
)

type manifestOptions struct {
	app  *app
	http bool
}

func slackManifestCommand(a *app) *cobra.Command {
	o := &manifestOptions{app: a}
	c := &cobra.Command{
		Use:   "slack-manifest",
		Short: "Print the manifest of Steward's Slack app",
		Long: `Prints what Slack's app settings make an app from: its name, its bot's scopes,
the command /steward, and that buttons are told to Steward. docs/slack.md goes
through it.

The app is for Socket Mode, which needs no public address. With --http it is for
calls to public_url, which steward.yaml then has to name.

Exit codes: 0 printed, 1 there is no public_url.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return o.run() },
	}
	c.Flags().BoolVar(&o.http, "http", false, "for calls to public_url, instead of Socket Mode")
	return c
}

func (o *manifestOptions) run() error {
	at := ""
	if o.http {
		ws, problems := configs.Load(configs.Files(o.app.dir), o.app.dir, o.app.getenv)
		if ws.PublicURL == "" {
			if errs := problems.Errors(); len(errs) > 0 {
				return errs
			}
			return errors.New("steward.yaml names no public_url for Slack to call\nAdd it, or leave out --http: Socket Mode needs none")
		}
		at = ws.PublicURL
	}
	text := configs.SlackManifest(at)
	if o.app.json {
		return o.app.printJSON(map[string]string{"manifest": text})
	}
	if _, err := o.app.stdout.Write([]byte(text)); err != nil {
		return fmt.Errorf("print the manifest: %w", err)
	}
	return nil
}

// listenToSlack sets up what people do in Slack to come in, where the workspace
// says how and messages travel at all.
func (w *worker) listenToSlack() error {
	s := w.ws.Slack
	if w.delivery.slack == nil || !s.Listens() {
		return nil
	}
	var err error
	w.inbox, err = notify.NewInbox(notify.InboxConfig{AppToken: s.AppToken, SigningSecret: s.SigningSecret, Team: s.Team, Desk: w.engine.Handle, Now: w.now, Log: w.log}, w.delivery.slack)
	w.engine.Person = w.person
	return err
}

// person finds one of us by their address in Slack, for those whose entry in the
// owners' file has no member id.
func (w *worker) person(ctx context.Context, user, team string) (steward.Owner, bool, error) {
	email, err := w.delivery.slack.EmailOf(ctx, user, team)
	if err != nil || email == "" {
		return steward.Owner{}, false, err
	}
	for _, o := range w.current.Load().ws.Owners {
		if o.Pool == "" && strings.EqualFold(o.Email, email) {
			return o, true, nil
		}
	}
	return steward.Owner{}, false, nil
}

// slackCallbacks is what answers Slack's calls; nil where it makes none.
func (w *worker) slackCallbacks() http.Handler {
	if w.inbox == nil {
		return nil
	}
	return w.inbox.Handler()
}

// checkSlack tells why nothing comes in from Slack.
func (w *worker) checkSlack(context.Context) error {
	r := w.inbox.Report()
	if !r.Socket || r.Connected {
		return nil
	}
	why := r.Trouble
	if why == "" {
		why = "it is being connected"
	}
	return fmt.Errorf("no button and no command has worked since %s: %s", w.when(r.Since), why)
}

// slackFigures counts what came in from Slack.
func (w *worker) slackFigures(context.Context) (web.SlackFigures, error) {
	r := w.inbox.Report()
	return web.SlackFigures{Listening: !r.Socket || r.Connected, Gestures: r.Counts}, nil
}
