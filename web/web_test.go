package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

// optOuts remembers who asked for what.
type optOuts struct {
	mu   sync.Mutex
	did  []string
	err  error
	have Choices
}

func (o *optOuts) note(what string, id steward.MessageID) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	o.did = append(o.did, strings.TrimSpace(string(id)+" "+what))
	return nil
}

func (o *optOuts) Choices(context.Context, steward.MessageID) (Choices, error) { return o.have, o.err }

func (o *optOuts) StopTopic(_ context.Context, id steward.MessageID) error {
	return o.note("topic", id)
}

func (o *optOuts) StopAll(_ context.Context, id steward.MessageID) error { return o.note("all", id) }

func (o *optOuts) Choose(_ context.Context, id steward.MessageID, wanted []steward.Topic) error {
	return o.note(fmt.Sprint(wanted), id)
}

var twoTopics = Choices{Topics: []Choice{{steward.TopicCare, "Help & <advice>", true}, {steward.TopicReport, "Monthly reports", false}}}

var (
	key   = steward.NewSecret("a key of this test")
	quiet = slog.New(slog.DiscardHandler)
)

func public(t *testing.T, o *optOuts) (http.Handler, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	return Public(PublicOptions{Key: key, Readers: o, Sender: "Acme <b>Tools</b>", Logger: slog.New(slog.NewTextHandler(log, nil))}), log
}

func call(h http.Handler, method, path, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const (
	formType = "application/x-www-form-urlencoded"
	oneClick = "List-Unsubscribe=One-Click"
)

func multipartBody(t *testing.T, name, value string) (contentType, body string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	if err := m.WriteField(name, value); err != nil {
		t.Fatal(err)
	}
	_ = m.Close()
	return m.FormDataContentType(), b.String()
}

func TestUnsubscribe(t *testing.T) {
	good := "/u/" + steward.UnsubscribeToken(key, "m-1")
	multiType, multi := multipartBody(t, "List-Unsubscribe", "One-Click")
	chooseType, choose := multipartBody(t, "choose", "yes")
	for _, c := range []struct {
		what, method, path, contentType, body string
		have                                  Choices
		fails                                 error
		status                                int
		says                                  string
		does                                  string
	}{
		{what: "a look changes nothing", method: "GET", path: good, status: 200, says: "Stop these emails?"},
		{what: "a look at topics changes nothing", method: "GET", path: good, have: twoTopics, status: 200, says: `value="care" checked> Help &amp; &lt;advice&gt;`},
		{what: "a topic that is not wanted is not ticked", method: "GET", path: good, have: twoTopics, status: 200, says: `value="report"> Monthly reports`},
		{what: "a look of somebody who gets nothing", method: "GET", path: good, have: Choices{Topics: twoTopics.Topics, None: true}, status: 200, says: "You get none of these emails"},
		{what: "a look while the database is away still has the button", method: "GET", path: good, fails: errors.New("disk full"), status: 200, says: "<button"},
		{what: "a look at a message that is gone", method: "GET", path: good, fails: ErrNoSuchMessage, status: 404, says: "reply to the email"},
		{what: "a scanner's HEAD changes nothing", method: "HEAD", path: good, status: 200},
		{what: "a GET with the form's words changes nothing", method: "GET", path: good + "?confirm=yes&choose=yes&" + oneClick, status: 200, says: "<button"},
		{what: "the button", method: "POST", path: good, contentType: formType, body: "confirm=yes", status: 200, says: "You are unsubscribed", does: "m-1 all"},
		{what: "one click", method: "POST", path: good, contentType: formType, body: oneClick, status: 200, says: "You are unsubscribed", does: "m-1 topic"},
		{what: "one click as multipart", method: "POST", path: good, contentType: multiType, body: multi, status: 200, does: "m-1 topic"},
		{what: "a choice", method: "POST", path: good, contentType: formType, body: "topic=report&topic=care&choose=yes", status: 200, says: "Your choice is saved", does: "m-1 [care report]"},
		{what: "a choice of nothing", method: "POST", path: good, contentType: formType, body: "choose=yes", status: 200, says: "You are unsubscribed", does: "m-1 all"},
		{what: "a choice of what there is not", method: "POST", path: good, contentType: formType, body: "choose=yes&topic=%00&topic=evil", status: 200, says: "You are unsubscribed", does: "m-1 all"},
		{what: "a choice as multipart", method: "POST", path: good, contentType: chooseType, body: choose, status: 200, does: "m-1 all"},
		{what: "a POST that asks for nothing", method: "POST", path: good, contentType: formType, body: "hello=1", status: 400, says: "<button"},
		{what: "an empty POST with the words in the URL", method: "POST", path: good + "?" + oneClick, contentType: formType, status: 400},
		{what: "broken multipart", method: "POST", path: good, contentType: "multipart/form-data", body: "x", status: 400},
		{what: "a huge body", method: "POST", path: good, contentType: formType, body: "a=" + strings.Repeat("x", 1<<20) + "&" + oneClick, status: 400},
		{what: "a forged link", method: "POST", path: "/u/m-1.AAAAAAAAAAAAAAAAAAAAAAAA", contentType: formType, body: oneClick, status: 404, says: "reply to the email"},
		{what: "another message's signature", method: "POST", path: "/u/m-2" + strings.TrimPrefix(good, "/u/m-1"), contentType: formType, body: oneClick, status: 404},
		{what: "a link cut short", method: "GET", path: good[:len(good)-3], status: 404, says: "copy it whole"},
		{what: "no link", method: "GET", path: "/u/", status: 404, says: "does not work"},
		{what: "the front door", method: "GET", path: "/", status: 404},
		{what: "a message that is gone", method: "POST", path: good, contentType: formType, body: oneClick, fails: ErrNoSuchMessage, status: 404, says: "reply to the email"},
		{what: "the database is away", method: "POST", path: good, contentType: formType, body: "confirm=yes", fails: errors.New("disk full"), status: 503, says: "Try again"},
		{what: "another verb", method: "DELETE", path: good, status: 405},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := &optOuts{err: c.fails, have: c.have}
			h, log := public(t, o)
			w := call(h, c.method, c.path, c.contentType, c.body)
			if w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
			if !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("the page lacks %q:\n%s", c.says, w.Body)
			}
			if did := strings.Join(o.did, ", "); did != c.does {
				t.Errorf("did %q, want %q", did, c.does)
			}
			if strings.Contains(w.Body.String(), "disk full") {
				t.Error("the page tells of our troubles")
			}
			if c.fails != nil && !errors.Is(c.fails, ErrNoSuchMessage) && !strings.Contains(log.String(), "disk full") {
				t.Errorf("the log does not: %s", log)
			}
			if strings.Contains(log.String(), strings.TrimPrefix(good, "/u/m-1.")) {
				t.Errorf("the log holds a link that works: %s", log)
			}
		})
	}
}

func TestPublicAnswersAreSafeToShow(t *testing.T) {
	h, _ := public(t, &optOuts{})
	for _, path := range []string{"/", "/healthz", "/robots.txt", "/u/x", "/u/" + steward.UnsubscribeToken(key, "m-1")} {
		w := call(h, "GET", path, "", "")
		for name, part := range map[string]string{
			"Content-Security-Policy": "default-src 'none'",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "no-referrer",
		} {
			if !strings.Contains(w.Header().Get(name), part) {
				t.Errorf("%s: %s is %q", path, name, w.Header().Get(name))
			}
		}
		if strings.Contains(w.Body.String(), "<b>") {
			t.Errorf("%s: the sender's name became markup", path)
		}
	}
	w := call(h, "GET", "/u/"+steward.UnsubscribeToken(key, "m-1"), "", "")
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
	if !strings.Contains(w.Body.String(), "Acme &lt;b&gt;Tools") {
		t.Error("the sender is not named")
	}
}

func TestPublicShowsNothingPrivate(t *testing.T) {
	h, _ := public(t, &optOuts{})
	for _, path := range []string{"/metrics", "/readyz", "/debug/pprof/"} {
		if w := call(h, "GET", path, "", ""); w.Code != http.StatusNotFound {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
}

// A link made without a key is made by anybody.
func TestPublicWithoutAKeyTakesNoLink(t *testing.T) {
	o := &optOuts{}
	h := Public(PublicOptions{Readers: o, Logger: slog.New(slog.DiscardHandler)})
	w := call(h, "POST", "/u/"+steward.UnsubscribeToken(steward.Secret{}, "m-1"), formType, oneClick)
	if w.Code != http.StatusNotFound || len(o.did) != 0 {
		t.Errorf("status %d, did %v", w.Code, o.did)
	}
}

func FuzzPublicPost(f *testing.F) {
	good := steward.UnsubscribeToken(key, "m-1")
	f.Add(good, formType, oneClick)
	f.Add(good, "multipart/form-data; boundary=x", "--x\r\n\r\n\r\n--x--")
	f.Add("..%2f", "", "confirm=yes")
	f.Fuzz(func(t *testing.T, token, contentType, body string) {
		o := &optOuts{}
		h := Public(PublicOptions{Key: key, Readers: o, Logger: slog.New(slog.DiscardHandler)})
		r := &http.Request{Method: "POST", URL: &url.URL{Path: "/u/" + token}, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body))}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if len(o.did) > 0 && (token != good || !strings.HasPrefix(o.did[0], "m-1 ")) {
			t.Fatalf("token %q did %v", token, o.did)
		}
	})
}

func TestReadiness(t *testing.T) {
	fine := func(context.Context) error { return nil }
	for _, c := range []struct {
		what   string
		checks []Check
		accept string
		status int
		want   string
	}{
		{"nothing to check", nil, "", 200, ""},
		{"all is well", []Check{{Name: "database", Err: fine}, {Name: "queue", Err: fine}}, "", 200, "ok    database\nok    queue\n"},
		{"one is not", []Check{{Name: "database", Err: fine}, {Name: "queue", Err: func(context.Context) error { return errors.New("redis does not answer; check redis:") }}}, "*/*", 503,
			"ok    database\nFAIL  queue: redis does not answer; check redis:\n"},
		{"as JSON", []Check{{Name: "database", Err: fine}, {Name: "queue", Err: func(context.Context) error { return errors.New("gone") }}}, "application/json", 503,
			`{"ready":false,"checks":[{"name":"database","ok":true},{"name":"queue","ok":false,"error":"gone"}]}` + "\n"},
		{"what can be done without", []Check{{Name: "database", Err: fine}, {Name: "playbooks", Advisory: true, Err: func(context.Context) error { return errors.New("a mistake; run: steward check") }}}, "", 200,
			"ok    database\nWARN  playbooks: a mistake; run: steward check\n"},
		{"a check that panics", []Check{{Name: "book", Err: func(context.Context) error { panic("nil map") }}}, "", 503, "FAIL  book: the check panicked: nil map\n"},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/readyz", nil)
			r.Header.Set("Accept", c.accept)
			w := httptest.NewRecorder()
			Private(PrivateOptions{Checks: c.checks}).ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
			if diff := cmp.Diff(c.want, w.Body.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if c.accept == "application/json" && !json.Valid(w.Body.Bytes()) {
				t.Error("not JSON")
			}
		})
	}
}

// A check that ignores its context must not hold the probe.
func TestReadinessGivesUpOnACheckThatHangs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	release := make(chan struct{})
	defer close(release)
	results, all := runChecks(ctx, []Check{
		{Name: "stuck", Err: func(context.Context) error { <-release; return nil }},
	})
	if all || !strings.Contains(results[0].Error, "no answer") {
		t.Errorf("%+v", results)
	}
}

func TestHealthAsksNothing(t *testing.T) {
	h := Private(PrivateOptions{Checks: []Check{{Name: "database", Err: func(context.Context) error { return errors.New("away") }}}})
	if w := call(h, "GET", "/healthz", "", ""); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

func TestServeFinishesWhatIsUnderWay(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started, finish := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-finish
		_, _ = io.WriteString(w, "done")
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, ln, h, quiet) }()
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + ln.Addr().String())
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		answer <- string(b)
	}()
	<-started
	cancel()
	select {
	case err := <-ended:
		t.Fatalf("Serve returned %v under a request", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(finish)
	if got := <-answer; got != "done" {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		t.Error("still listening")
	}
}

func TestServeReportsAListenerThatFails(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if err := Serve(t.Context(), ln, http.NotFoundHandler(), quiet); err == nil {
		t.Error("no error")
	}
}

func TestServeRefusesHugeHeaders(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, ln, http.NotFoundHandler(), quiet) }()
	r, _ := http.NewRequest("GET", "http://"+ln.Addr().String(), nil)
	r.Header.Set("X-Large", strings.Repeat("x", 64<<10))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
