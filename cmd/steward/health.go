package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

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
			if a.json {
				req.Header.Set("Accept", "application/json")
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
