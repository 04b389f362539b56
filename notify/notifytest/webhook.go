package notifytest

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A WebhookServer receives what is sent to a webhook as standardwebhooks.com
// tells receivers to: it checks the signature over what came over the wire,
// refuses what is older or newer than five minutes, and takes a message whose id
// it knows for the one it has. It says nothing of what a body should hold.
type WebhookServer struct {
	// Now is the clock that timestamps are held against; nil for time.Now.
	Now func() time.Time

	secret string
	server *httptest.Server

	mu       sync.Mutex
	taken    map[string]WebhookCall
	order    []string
	calls    int
	scripts  []WebhookFailure
	released chan struct{}
}

// A WebhookCall is a message that the server took.
type WebhookCall struct {
	ID     string
	Body   []byte
	Header http.Header
	// Times is how often it came.
	Times int
}

// A WebhookFailure is what the next call meets. The zero value is none.
type WebhookFailure struct {
	// Accept takes the message before failing the call.
	Accept bool
	// Hang answers nothing until the server is closed; Drop closes the connection
	// instead of answering.
	Hang, Drop bool
	// Status is answered, with RetryAfter and Location as headers. Raw replaces the
	// whole answer by these bytes. Endless follows the status by a body that never
	// ends, until the client hangs up.
	Status     int
	RetryAfter string
	Location   string
	Raw        string
	Endless    bool
}

// StartWebhook starts a receiver with a secret, whsec_ and all.
func StartWebhook(secret string) *WebhookServer {
	s := NewWebhook(secret)
	s.server = httptest.NewServer(s)
	return s
}

// NewWebhook is a receiver without a server around it.
func NewWebhook(secret string) *WebhookServer {
	return &WebhookServer{secret: secret, taken: map[string]WebhookCall{}, released: make(chan struct{})}
}

// StartWebhookTLS is StartWebhook behind a certificate that nobody knows.
func StartWebhookTLS(secret string) *WebhookServer {
	s := NewWebhook(secret)
	s.server = httptest.NewUnstartedServer(s)
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.server.StartTLS()
	return s
}

// URL is where to call.
func (s *WebhookServer) URL() string { return s.server.URL + "/hooks/steward" }

// Close stops the server and lets hanging calls go.
func (s *WebhookServer) Close() {
	close(s.released)
	s.server.CloseClientConnections()
	s.server.Close()
}

// Fail has the next calls meet failures, one each.
func (s *WebhookServer) Fail(f ...WebhookFailure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts = append(s.scripts, f...)
}

// Calls is how often it was called, whatever became of that.
func (s *WebhookServer) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Taken is the messages that were taken, each once, in order of arrival.
func (s *WebhookServer) Taken() []WebhookCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []WebhookCall
	for _, id := range s.order {
		out = append(out, s.taken[id])
	}
	return out
}

// ServeHTTP receives one call.
func (s *WebhookServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.calls++
	f := WebhookFailure{}
	if len(s.scripts) > 0 {
		f, s.scripts = s.scripts[0], s.scripts[1:]
	}
	s.mu.Unlock()
	if f == (WebhookFailure{}) || f.Accept {
		if why := s.verify(r, body); why != "" {
			http.Error(w, why, http.StatusUnauthorized)
			return
		}
		s.take(r, body)
	}
	s.misbehave(w, r, f)
}

func (s *WebhookServer) take(r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.Header.Get("webhook-id")
	call, known := s.taken[id]
	if !known {
		call = WebhookCall{ID: id, Body: body, Header: r.Header.Clone()}
		s.order = append(s.order, id)
	}
	call.Times++
	s.taken[id] = call
}

func (s *WebhookServer) misbehave(w http.ResponseWriter, r *http.Request, f WebhookFailure) {
	switch {
	case f.Hang:
		select {
		case <-s.released:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Raw != "":
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, f.Raw) // to a client that may have hung up
		conn.Close()
		return
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	if f.Location != "" {
		w.Header().Set("Location", f.Location)
	}
	if f.Status != 0 {
		w.WriteHeader(f.Status)
	}
	for f.Endless && r.Context().Err() == nil {
		if _, err := fmt.Fprint(w, strings.Repeat("more ", 1000)); err != nil {
			return
		}
	}
}

// verify does what the specification asks of receivers, from its text and with
// nothing of the sender's; "" is that the call is good.
func (s *WebhookServer) verify(r *http.Request, body []byte) string {
	id, stamp := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
	if id == "" || strings.Contains(id, ".") || r.Method != http.MethodPost {
		return "no good id"
	}
	at, err := strconv.ParseInt(stamp, 10, 64)
	now := time.Now()
	if s.Now != nil {
		now = s.Now()
	}
	if err != nil || math.Abs(float64(now.Unix()-at)) > 300 {
		return "timestamp too old or too new"
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.secret, "whsec_"))
	if err != nil {
		return "the receiver's secret is broken"
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "." + string(body)))
	want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, sig := range strings.Fields(r.Header.Get("webhook-signature")) {
		version, coded, _ := strings.Cut(sig, ",")
		if version == "v1" && subtle.ConstantTimeCompare([]byte(coded), []byte(want)) == 1 {
			return ""
		}
	}
	return "no signature matches"
}
