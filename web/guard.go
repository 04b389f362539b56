package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
)

// maxBody is far above any body that is expected here, but from Slack: what it
// tells of a click holds the whole card.
const (
	maxBody      = 8 << 10
	maxSlackBody = 1 << 20
	slackPath    = "/slack/"
)

func bodyLimit(r *http.Request) int64 {
	if strings.HasPrefix(r.URL.Path, slackPath) {
		return maxSlackBody
	}
	return maxBody
}

// guard is around everything that either side answers: it sets the headers that
// every answer has, bounds every body, and makes of a handler that panics an
// answer and a line in the log.
func guard(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store") // a link is one person's, and figures are of now
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit(r))
		r = withoutDetours(r)
		answer := &watched{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				panicked(answer, r, p, log)
			}
		}()
		next.ServeHTTP(answer, r)
	})
}

// withoutDetours sends a path such as //host/.. to nowhere. http.ServeMux would
// answer it with a redirect to a tidied path, and nothing here is to send
// anybody to a place that they named themselves.
func withoutDetours(r *http.Request) *http.Request {
	if p := r.URL.Path; p == "" || p[0] != '/' || path.Clean(p) == p || path.Clean(p)+"/" == p {
		return r
	}
	nowhere := *r
	u := *r.URL
	u.Path, u.RawPath = "/", ""
	nowhere.URL = &u
	return &nowhere
}

// watched knows whether an answer has begun.
type watched struct {
	http.ResponseWriter
	begun bool
}

func (w *watched) WriteHeader(status int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(p []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// panicked answers for a handler that did not get to it. The log gets the
// route and not the path, which may be a link that works. An answer that has
// begun cannot be taken back: the connection is cut, so that nobody takes half
// for the whole.
func panicked(w *watched, r *http.Request, p any, log *slog.Logger) {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	log.Error("a request made a handler panic; please report this", "route", r.Pattern, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if w.begun {
		panic(http.ErrAbortHandler)
	}
	http.Error(w, "Something went wrong here. Please try again later.", http.StatusInternalServerError)
}
