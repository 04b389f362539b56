package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"maps"

	"steward"
	"steward/notify"
	"steward/store"
)

func versionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Long: "Prints the version, and what it was built with and for.\n\nExit codes: 0 printed, 1 failed.",
		RunE: func(*cobra.Command, []string) error {
			v := map[string]string{"version": version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						v["revision"] = s.Value
					}
				}
			}
			if a.json {
				return a.printJSON(v)
			}
			fmt.Fprintf(a.stdout, "steward %s (%s, %s)\n", v["version"], v["go"], v["platform"])
			return nil
		},
	}
}

func backupCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the database to a file, while the worker runs",
		Long: `Writes a whole, checked copy of the database. It refuses to overwrite. To
restore: stop the worker, put the copy in the database's place, start it.

Exit codes: 0 written and checked, 1 failed.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			h, err := a.enter(c.Context(), store.Options{ReadOnly: true})
			if err != nil {
				return err
			}
			defer h.close()
			if err := h.db.Backup(c.Context(), args[0]); err != nil {
				return err
			}
			return a.done(map[string]string{"backup": args[0]}, "Wrote %s and checked it.", args[0])
		},
	}
}

func healthCommand(a *app) *cobra.Command {
	var url string
	c := &cobra.Command{
		Use:   "health",
		Short: "Ask a running worker whether it is ready",
		Long: `Asks the worker's private listener; for a container's health check.

Exit codes: 0 ready, 1 not ready or not there.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), 5*time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if err != nil {
				return usagef("--url: %v", err)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return fmt.Errorf("no worker answers: %w", err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
			fmt.Fprintln(a.stdout, strings.TrimSpace(string(body)))
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("the worker is not ready (%s)", res.Status)
			}
			return nil
		},
	}
	c.Flags().StringVar(&url, "url", "http://127.0.0.1:8081/readyz", "the worker's readiness page")
	return c
}

type sendTestOptions struct {
	app     *app
	slack   string
	email   string
	timeout time.Duration
}

func sendTestCommand(a *app) *cobra.Command {
	o := &sendTestOptions{app: a}
	c := &cobra.Command{
		Use:   "send-test",
		Short: "Try the credentials, and send one harmless message",
		Long: `Tries the credentials of each channel that delivery uses, and sends one test
message to --slack (a channel or user id) or --email. In preview it writes the
message to the preview folder as everything else.

Exit codes: 0 all accepted, 1 something was not.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	c.Flags().StringVar(&o.slack, "slack", "", `where to post, such as "#cs-ops" or U012AB3CD`)
	c.Flags().StringVar(&o.email, "email", "", "whom to mail")
	c.Flags().DurationVar(&o.timeout, "timeout", time.Minute, "how long to wait")
	return c
}

func (o *sendTestOptions) run(ctx context.Context) error {
	h, err := o.app.enter(ctx, store.Options{})
	if err != nil {
		return err
	}
	defer h.close()
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	d, err := h.senders(ctx, notify.PreviewConfig{Out: o.app.stdout, Colour: o.app.colour})
	if err != nil {
		return err
	}
	failed := false
	for _, name := range slices.Sorted(maps.Keys(d.verify)) {
		who, err := d.verify[name](ctx)
		if err != nil {
			failed = true
			fmt.Fprintf(o.app.stderr, "%s: %v\n", name, err)
			continue
		}
		fmt.Fprintf(o.app.stderr, "%s: the credentials are good (%s)\n", name, who)
	}
	for _, m := range o.messages() {
		r, err := d.sender.Send(ctx, steward.Letter{Message: m, Content: testContent(m)})
		if err != nil {
			failed = true
			fmt.Fprintf(o.app.stderr, "%s: %v\n", m.Channel, err)
			continue
		}
		fmt.Fprintf(o.app.stderr, "%s: accepted (%s) %s\n", m.Channel, r.Ref, r.Detail)
	}
	if err := d.flush(); err != nil {
		return err
	}
	if failed {
		return fmt.Errorf("not everything was accepted")
	}
	if o.slack == "" && o.email == "" {
		fmt.Fprintln(o.app.stderr, `Nothing was sent; name a place with --slack "#channel" or --email you@example.com.`)
	}
	return nil
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
	return out
}

func testContent(m steward.Message) steward.Content {
	return steward.Content{
		Title: "A test from Steward", Severity: "info", From: "Steward",
		Parts: []steward.ContentPart{{Markdown: "If you can read this, " + string(m.Channel) + " works. Nobody else was told anything."}},
	}
}

func discardLog() *slog.Logger { return slog.New(slog.DiscardHandler) }
