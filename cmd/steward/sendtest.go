package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"steward"
	"steward/notify"
	"steward/store"
)

type sendTestOptions struct {
	app     *app
	slack   string
	email   string
	webhook string
	timeout time.Duration
}

func sendTestCommand(a *app) *cobra.Command {
	o := &sendTestOptions{app: a}
	c := &cobra.Command{
		Use:   "send-test",
		Short: "Try the credentials, and send one harmless message",
		Long: `Tries the credentials of each channel that delivery uses, and sends one test
message to --slack (a channel or user id), --email or --webhook (a name from
steward.yaml, of type steward.test). In preview it writes the message to the
preview folder as everything else.

Exit codes: 0 all accepted, 1 something was not.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	c.Flags().StringVar(&o.slack, "slack", "", `where to post, such as "#cs-ops" or U012AB3CD`)
	c.Flags().StringVar(&o.email, "email", "", "whom to mail")
	c.Flags().StringVar(&o.webhook, "webhook", "", "which webhook to call, by its name")
	c.Flags().DurationVar(&o.timeout, "timeout", time.Minute, "how long to wait")
	return c
}

func (o *sendTestOptions) run(ctx context.Context) error {
	h, err := o.app.enter(ctx, store.Options{})
	if err != nil {
		return err
	}
	defer h.close()
	if o.webhook != "" && !slices.Contains(h.ws.WebhookNames(), o.webhook) {
		return usagef("--webhook: steward.yaml names no webhook %q; it names: %s", o.webhook, strings.Join(h.ws.WebhookNames(), ", "))
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	preview := notify.PreviewConfig{Out: o.app.stdout, Colour: o.app.colour}
	if o.app.json {
		preview.Out = nil // stdout is the program's
	}
	d, err := h.senders(ctx, preview)
	if err != nil {
		return err
	}
	tried := []trial{}
	failed := false
	note := func(t trial, err error) {
		if err != nil {
			t.OK, t.Detail, failed = false, err.Error(), true
		}
		tried = append(tried, t)
		if !o.app.json {
			fmt.Fprintf(o.app.stderr, "%s: %s: %s\n", t.Channel, t.What, clean(t.Detail))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.verify)) {
		who, err := d.verify[name](ctx)
		note(trial{Channel: name, What: "credentials", OK: true, Detail: "good (" + who + ")"}, err)
	}
	for _, m := range o.messages() {
		r, err := d.sender.Send(ctx, steward.Letter{Message: m, Content: testContent(m)})
		note(trial{Channel: string(m.Channel), What: "message", OK: true, Detail: strings.TrimSpace("accepted (" + r.Ref + ") " + r.Detail)}, err)
	}
	if err := d.flush(); err != nil {
		return err
	}
	if o.app.json {
		if err := o.app.printJSON(tried); err != nil {
			return err
		}
	}
	if failed {
		return fmt.Errorf("not everything was accepted")
	}
	if o.slack == "" && o.email == "" && o.webhook == "" {
		fmt.Fprintln(o.app.stderr, `Nothing was sent; name a place with --slack "#channel", --email you@example.com or --webhook NAME.`)
	}
	return nil
}

// trial is one thing that send-test tried.
type trial struct {
	Channel string `json:"channel"`
	What    string `json:"what"` // credentials or message
	OK      bool   `json:"ok"`
	Detail  string `json:"detail"`
}

func (o *sendTestOptions) messages() []steward.Message {
	at := o.app.now()
	var out []steward.Message
	if o.slack != "" {
		out = append(out, steward.Message{ID: steward.NewMessageID(steward.Notice, "send-test", o.slack, at.String()), Kind: steward.Notice, Channel: steward.Slack,
			To: steward.Recipient{Key: o.slack, Slack: o.slack, Name: o.slack}, Planned: at})
	}
	if o.email != "" {
		out = append(out, steward.Message{ID: steward.NewMessageID(steward.Notice, "send-test", o.email, at.String()), Kind: steward.Notice, Channel: steward.Email,
			To: steward.Recipient{Key: "test", Email: o.email, Name: "Test"}, Planned: at})
	}
	if o.webhook != "" {
		out = append(out, steward.Message{ID: steward.NewMessageID(steward.Notice, "send-test", o.webhook, at.String()), Kind: steward.Notice, Channel: steward.Webhook,
			To: steward.Recipient{Key: "webhook:" + o.webhook, Name: o.webhook, Webhook: o.webhook}, Planned: at})
	}
	return out
}

func testContent(m steward.Message) steward.Content {
	return steward.Content{
		Title: "A test from Steward", Severity: "info", From: "Steward",
		Parts: []steward.ContentPart{{Markdown: "If you can read this, " + string(m.Channel) + " works. Nobody else was told anything."}},
	}
}
