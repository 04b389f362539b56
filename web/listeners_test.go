package web

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"steward"
)

// The whole of what the two sides answer. A route that is not here is found by
// TestEveryRouteOnBothSides as one that should not answer.
var served = map[string]map[string][]string{ // side → path → methods
	"public":  {"/healthz": {"GET", "HEAD"}, "/robots.txt": {"GET", "HEAD"}, "/u/TOKEN": {"GET", "HEAD", "POST"}},
	"private": {"/healthz": {"GET", "HEAD"}, "/readyz": {"GET", "HEAD"}, "/metrics": {"GET", "HEAD"}},
}

// places is what somebody may try: every route of either side, what other
// programs serve, and paths made to come out elsewhere.
var places = []string{
	"/healthz", "/robots.txt", "/u/TOKEN", "/readyz", "/metrics",
	"/", "/u", "/u/", "/u/TOKEN/", "/u/TOKEN/x", "/u/x/../TOKEN", "/u/..%2fmetrics", "/u/%2e%2e/metrics", "//metrics", "/./metrics", "/x/../metrics", "/metrics/", "/METRICS", "/metrics%00",
	"//evil.example/", "//evil.example/..", "/\\evil.example", "/%5cevil.example/%2e%2e", "/healthz/../metrics",
	"/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/favicon.ico", "/.git/config", "/.env", "/steward.yaml", "/steward.db", "/index.html", "/preview/index.html", "/api/", "/slack/events", "/admin",
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "X"}

func TestEveryRouteOnBothSides(t *testing.T) {
	token := steward.UnsubscribeToken(key, "m-1")
	for side, routes := range served {
		for _, place := range places {
			known, served := routes[place]
			for _, method := range methods {
				o := &optOuts{}
				h := Public(PublicOptions{Key: key, Readers: o, Logger: quiet})
				if side == "private" {
					h = Private(PrivateOptions{Logger: quiet})
				}
				path := strings.Replace(place, "TOKEN", token, 1)
				r := httptest.NewRequest("GET", "/", nil)
				r.Method, r.Host = method, "steward.example"
				u, err := url.ParseRequestURI(path) // as the server does
				if err != nil {
					t.Fatal(err)
				}
				r.URL, r.RequestURI = u, path
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				at := side + ": " + method + " " + place
				allow := w.Header().Get("Allow")
				switch {
				case served && slices.Contains(known, method) && method == "POST":
					if w.Code != http.StatusBadRequest { // it says nothing of what it wants
						t.Errorf("%s: %d", at, w.Code)
					}
				case served && slices.Contains(known, method):
					if w.Code != http.StatusOK {
						t.Errorf("%s: %d", at, w.Code)
					}
				case served && (w.Code != http.StatusMethodNotAllowed || allow != strings.Join(known, ", ")):
					t.Errorf("%s: %d, and allows %q", at, w.Code, allow)
				case !served && w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed:
					t.Errorf("%s: %d", at, w.Code)
				case !served && (method == "GET" || method == "HEAD") && w.Code != http.StatusNotFound:
					t.Errorf("%s: %d", at, w.Code)
				}
				if loc := w.Header().Get("Location"); loc != "" {
					t.Errorf("%s sends people to %s", at, loc)
				}
				if !served && len(place) > 4 && strings.Contains(w.Body.String(), strings.Trim(place, "/.")) {
					t.Errorf("%s is repeated in the answer:\n%s", at, w.Body)
				}
				if strings.Contains(w.Body.String(), token) {
					t.Errorf("%s: the answer holds the link", at)
				}
				if len(o.did) > 0 {
					t.Errorf("%s did %v", at, o.did)
				}
				for name, want := range map[string]string{"Content-Security-Policy": "frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
					if got := w.Header().Get(name); !strings.Contains(got, want) {
						t.Errorf("%s: %s is %q", at, name, got)
					}
				}
				for _, private := range []string{"steward_build_info", "go_goroutines", "process_open_fds"} {
					if side == "public" && strings.Contains(w.Body.String(), private) {
						t.Errorf("%s shows figures", at)
					}
				}
			}
		}
	}
}

// A mail program's one-click comes from its own servers: no cookie, no
// referrer, no origin, or a foreign one.
func TestOneClickNeedsTheLinkAlone(t *testing.T) {
	path := "/u/" + steward.UnsubscribeToken(key, "m-1")
	for what, header := range map[string]http.Header{
		"nothing but the form": {},
		"a foreign origin":     {"Origin": {"https://mail.example"}, "Referer": {"https://mail.example/inbox"}, "Sec-Fetch-Site": {"cross-site"}},
		"a sandboxed frame":    {"Origin": {"null"}},
	} {
		o := &optOuts{}
		h, log := public(t, o)
		r := httptest.NewRequest("POST", path, strings.NewReader(oneClick))
		r.Header = header.Clone()
		r.Header.Set("Content-Type", formType)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 || len(o.did) != 1 {
			t.Errorf("%s: %d, did %v\n%s", what, w.Code, o.did, log)
		}
		if w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: a cookie is set", what)
		}
	}
}

func TestAHandlerThatPanicsIsAnsweredAndLogged(t *testing.T) {
	token := steward.UnsubscribeToken(key, "m-1")
	log := &bytes.Buffer{}
	h := Public(PublicOptions{Key: key, Readers: panics{}, Logger: slog.New(slog.NewTextHandler(log, nil))})
	w := call(h, "POST", "/u/"+token, formType, oneClick)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "nil map") {
		t.Errorf("%d:\n%s", w.Code, w.Body)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "nil map") || !strings.Contains(log.String(), "POST /u/{token}") {
		t.Errorf("%d lines: %s", n, log)
	}
	if strings.Contains(log.String(), token) {
		t.Errorf("the log holds a link that works: %s", log)
	}
}

type panics struct{ Readers }

func (panics) StopTopic(context.Context, steward.MessageID) error {
	panic("assignment to entry in nil map\nlevel=INFO msg=\"all is well\"")
}

// Half an answer must not be taken for a whole one, and giving up on purpose is
// no fault.
func TestAPanicInTheMiddleCutsTheConnection(t *testing.T) {
	for what, c := range map[string]struct {
		h     http.HandlerFunc
		lines int
	}{
		"after a beginning": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "half"); panic("no") }, 1},
		"given up":          {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0},
	} {
		log := &bytes.Buffer{}
		server := httptest.NewServer(guard(c.h, slog.New(slog.NewTextHandler(log, nil))))
		resp, err := http.Get(server.URL)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		}
		server.Close()
		if err == nil {
			t.Errorf("%s: the answer looks whole", what)
		}
		if n := strings.Count(log.String(), "\n"); n != c.lines {
			t.Errorf("%s: %d lines: %s", what, n, log)
		}
	}
}

// What Slack calls is answered below /slack/ on the public side, where there is
// something to answer it; a click brings the whole card with it, and other routes
// take no more for that.
func TestSlackCallsThePublicSide(t *testing.T) {
	var got int
	slack := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if got = len(body); err != nil {
			http.Error(w, "too much", http.StatusRequestEntityTooLarge)
		}
	})
	post := func(h http.Handler, path string, size int) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(strings.Repeat("x", size))))
		return w.Code
	}
	h := Public(PublicOptions{Key: key, Readers: &optOuts{}, Slack: slack, Logger: quiet})
	if code := post(h, "/slack/interactions", 1<<20); code != http.StatusOK || got != 1<<20 {
		t.Errorf("a megabyte is answered with %d, %d bytes read", code, got)
	}
	if code := post(h, "/slack/interactions", 1<<20+1); code != http.StatusRequestEntityTooLarge {
		t.Errorf("more is answered with %d", code)
	}
	if code := post(h, "/slack/../u/"+steward.UnsubscribeToken(key, "m-1"), 10); code == http.StatusOK {
		t.Errorf("a detour is answered with %d", code)
	}
	if code := post(Public(PublicOptions{Key: key, Readers: &optOuts{}, Logger: quiet}), "/slack/interactions", 1); code != http.StatusMethodNotAllowed && code != http.StatusNotFound {
		t.Errorf("without Slack it is answered with %d", code)
	}
	if code := post(Private(PrivateOptions{Logger: quiet}), "/slack/interactions", 1); code != http.StatusNotFound {
		t.Errorf("the private side answers with %d", code)
	}
}
