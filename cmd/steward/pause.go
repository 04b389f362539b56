package main

import (
	"time"

	"github.com/spf13/cobra"

	"steward"
	"steward/store"
)

func pauseCommand(a *app) *cobra.Command {
	var why, by string
	c := &cobra.Command{
		Use:   "pause",
		Short: "Stop all sending at once",
		Long: `Nothing is sent until steward resume. Judging goes on, and what is planned
meanwhile waits; what expires meanwhile expires.

Exit codes: 0 done, 1 failed.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			h, err := a.enter(c.Context(), store.Options{})
			if err != nil {
				return err
			}
			defer h.close()
			p := steward.Pause{At: h.now().UTC().Truncate(time.Second), By: a.who(by), Reason: why}
			if err := h.db.SetPause(c.Context(), p); err != nil {
				return err
			}
			return a.done(p, "Sending is paused. Go on with: steward resume")
		},
	}
	c.Flags().StringVar(&why, "why", "", "why, for whoever wonders")
	c.Flags().StringVar(&by, "by", "", "who pauses (default: STEWARD_USER or the login name)")
	return c
}

func resumeCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "resume",
		Short: "Go on sending after a pause",
		Long: `Ends a pause. What was put off is looked at again within minutes, and what
expired meanwhile stays unsent.

Exit codes: 0 done (also when nothing was paused), 1 failed.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			h, err := a.enter(c.Context(), store.Options{})
			if err != nil {
				return err
			}
			defer h.close()
			if err := h.db.ClearPause(c.Context()); err != nil {
				return err
			}
			return a.done(map[string]any{"paused": false}, "Sending goes on; what was put off is looked at again within minutes.")
		},
	}
}
