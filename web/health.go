package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A Check is one thing that has to work before this process is of use, such as
// the database. Err is nil when it does, and else ends with what to do about
// it. It is given a few seconds.
type Check struct {
	Name string
	Err  func(context.Context) error
	// Advisory is for what people should know of and the process can do without:
	// it is shown, and does not make the process unready. An orchestrator would
	// take a worker away from its customers for a typing error.
	Advisory bool
}

// checkLimit bounds a readiness probe; orchestrators allow theirs little more.
const checkLimit = 3 * time.Second

// healthy answers that the process is alive, and asks nothing of anything: a
// database that is away is no reason to be restarted.
func healthy(w http.ResponseWriter, _ *http.Request) {
	plain(w)
	fmt.Fprintln(w, "ok")
}

// A checked is one line of a readiness answer.
type checked struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	// Advisory tells a failure that does not count.
	Advisory bool `json:"advisory,omitempty"`
}

// ready answers 200 when every check passes and 503 otherwise, and lists each.
// It is JSON for those who accept application/json and lines for the rest.
func ready(checks []Check) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), checkLimit)
		defer cancel()
		results, all := runChecks(ctx, checks)
		status := http.StatusOK
		if !all {
			status = http.StatusServiceUnavailable
		}
		if strings.Contains(r.Header.Get("Accept"), "application/json") {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(struct {
				Ready  bool      `json:"ready"`
				Checks []checked `json:"checks"`
			}{all, results})
			return
		}
		plain(w)
		w.WriteHeader(status)
		for _, c := range results {
			switch {
			case c.OK:
				fmt.Fprintf(w, "ok    %s\n", c.Name)
			case c.Advisory:
				fmt.Fprintf(w, "WARN  %s: %s\n", c.Name, c.Error)
			default:
				fmt.Fprintf(w, "FAIL  %s: %s\n", c.Name, c.Error)
			}
		}
	}
}

// runChecks runs every check at once, so that one that hangs hides no other.
func runChecks(ctx context.Context, checks []Check) (results []checked, all bool) {
	results, all = make([]checked, len(checks)), true
	var wg sync.WaitGroup
	for i, c := range checks {
		wg.Go(func() { results[i] = runCheck(ctx, c) })
	}
	wg.Wait()
	for _, c := range results {
		all = all && (c.OK || c.Advisory)
	}
	return results, all
}

// runCheck gives up on a check that does not heed its context. The check itself
// goes on in the background until it ends.
func runCheck(ctx context.Context, c Check) checked {
	answer := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				answer <- fmt.Errorf("the check panicked: %v", p)
			}
		}()
		answer <- c.Err(ctx)
	}()
	var err error
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = fmt.Errorf("no answer within %v", checkLimit)
	}
	if err != nil {
		return checked{Name: c.Name, Error: err.Error(), Advisory: c.Advisory}
	}
	return checked{Name: c.Name, OK: true}
}

func plain(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
}
