// Package notifytest stands in for the providers in tests: a Slack that keeps
// Slack's limits and an SMTP server that fails where it is told to. Neither
// knows package notify, so that they can be used to test it from inside and
// whole programs from outside.
//
// What the Slack server enforces is what docs.slack.dev documents for
// chat.postMessage and Block Kit, made strict where Slack is lenient (it cuts a
// long text, this refuses it), and the one undocumented limit that has been
// met, on the size of all blocks together.
package notifytest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A SlackServer answers the Web API methods that Steward calls.
type SlackServer struct {
	// Token is what callers must present; empty accepts any.
	Token string
	// Limit, if over zero, is how many posts are taken before every further one
	// is answered with 429 and a Retry-After of RetryAfter seconds.
	Limit, RetryAfter int
	// Now is the clock that posts are stamped by; nil for time.Now. A program that
	// lives in another time looks for its posts there.
	Now func() time.Time

	server *httptest.Server

	mu       sync.Mutex
	channels map[string]*slackChannel // by id
	users    map[string]slackUser     // by id
	scripts  map[string][]SlackFailure
	calls    map[string]int
	posts    []SlackPost
	luck     luck
	withheld map[string]bool // scopes that the bot lacks
	released chan struct{}

	edits edits
	files files
	rates rates

	in inbound
}

type slackChannel struct {
	id, name string
	archived bool
	outside  bool // the bot was not invited
	private  bool
}

type slackUser struct {
	id, email string
	deleted   bool
	guest     bool
}

// A SlackPost is a message that the server took.
type SlackPost struct {
	ID       string // the message's own, from its metadata; "" without
	Channel  string // its id
	TS       string
	Text     string
	Blocks   json.RawMessage
	Metadata json.RawMessage
	Form     map[string]string // every other argument
	// Thread is the timestamp of what it answers; "" where it stands by itself.
	Thread string
	// Edits is how often it was changed since; Text, Blocks and Metadata are as they
	// stand now. User wrote it where that was not the bot.
	Edits int
	User  string
}

// A SlackFailure is what the next call of a method meets. The zero value
// answers {"ok":false,"error":""}, which Slack does not.
type SlackFailure struct {
	// Accept carries the call out before failing it.
	Accept bool
	// Hang answers nothing until the server is closed; Drop closes the
	// connection instead of answering.
	Hang, Drop bool
	// Slow withholds the answer for so long. Drip sends it a byte at a time, one
	// every so long, and never the last; the server's Close ends it.
	Slow, Drip time.Duration
	// Right gives the answer that there would have been without the failure; for
	// an answer that is only slow.
	Right bool
	// Endless follows Body by more of it, until the client hangs up.
	Endless bool
	// Status and Body replace the answer; RetryAfter is sent as a header.
	Status     int
	Body       string
	RetryAfter string
	// Error is Slack's word in a 200.
	Error string
}

// StartSlack starts a server that knows one channel, #cs (C0CS), and one
// person, U0DANA, dana@example.com. The bot has the scopes that docs/operations.md
// asks for, and none for private channels.
func StartSlack() *SlackServer {
	s := &SlackServer{
		channels: map[string]*slackChannel{}, users: map[string]slackUser{},
		scripts: map[string][]SlackFailure{}, calls: map[string]int{}, released: make(chan struct{}), in: newInbound(),
		withheld: map[string]bool{"groups:read": true, "groups:history": true},
	}
	s.AddChannel("C0CS", "cs")
	s.AddUser("U0DANA", "dana@example.com")
	s.server = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// URL is the API's base, ending in a slash.
func (s *SlackServer) URL() string { return s.server.URL + "/api/" }

// Close stops the server and lets hanging calls go.
func (s *SlackServer) Close() {
	close(s.released)
	s.server.CloseClientConnections()
	s.server.Close()
}

// AddChannel makes a channel, its name without the #.
func (s *SlackServer) AddChannel(id, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channels[id] = &slackChannel{id: id, name: name}
}

// AddPrivateChannel makes a private channel that the bot was invited to.
func (s *SlackServer) AddPrivateChannel(id, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channels[id] = &slackChannel{id: id, name: name, private: true}
}

// Grant gives the bot a scope, Withhold takes it.
func (s *SlackServer) Grant(scope string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.withheld, scope)
}

// Withhold takes a scope from the bot.
func (s *SlackServer) Withhold(scope string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.withheld[scope] = true
}

// Trouble has calls misbehave by chance from now on; the zero value ends it.
// What Fail has scripted comes first.
func (s *SlackServer) Trouble(t Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.luck = luck{trouble: t}
}

// Archive archives a channel.
func (s *SlackServer) Archive(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channels[id].archived = true
}

// Uninvite takes the bot out of a channel.
func (s *SlackServer) Uninvite(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channels[id].outside = true
}

// AddUser makes a person.
func (s *SlackServer) AddUser(id, email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[id] = slackUser{id: id, email: email}
}

// Deactivate marks a person as gone. As with Slack, their direct channel cannot
// be opened any more, but still takes posts from whoever knows its id.
func (s *SlackServer) Deactivate(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[id]
	u.deleted = true
	s.users[id] = u
}

// Fail has the next call of a method, such as chat.postMessage, meet f; several
// are met in turn.
func (s *SlackServer) Fail(method string, f SlackFailure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[method] = append(s.scripts[method], f)
}

// Posts is what was taken, in order.
func (s *SlackServer) Posts() []SlackPost {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]SlackPost(nil), s.posts...)
}

// Calls is how often a method was called.
func (s *SlackServer) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

func (s *SlackServer) serve(w http.ResponseWriter, r *http.Request) {
	if s.serveInbound(w, r) || s.serveUpload(w, r) {
		return
	}
	method := strings.TrimPrefix(r.URL.Path, "/api/")
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.calls[method]++
	failure, fails := s.nextFailure(method, r)
	var answer map[string]any
	limited := false
	if !fails || failure.Accept || failure.Right {
		answer, limited = s.answer(method, r)
	}
	s.mu.Unlock()
	if fails && failure.Slow > 0 {
		select {
		case <-s.released:
		case <-time.After(failure.Slow):
		}
	}
	switch {
	case fails && !failure.Right:
		s.fail(w, failure)
	case limited:
		w.Header().Set("Retry-After", strconv.Itoa(s.RetryAfter))
		w.WriteHeader(http.StatusTooManyRequests)
	default:
		w.Header().Set("X-OAuth-Scopes", strings.Join(s.scopes(), ","))
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// nextFailure is what a call meets: what was scripted, else what chance has
// for it. The lock is held.
func (s *SlackServer) nextFailure(method string, r *http.Request) (SlackFailure, bool) {
	if q := s.scripts[method]; len(q) > 0 {
		s.scripts[method] = q[1:]
		return q[0], true
	}
	kinds := []SlackFailure{
		{Status: http.StatusTooManyRequests, RetryAfter: "1"}, {Error: "ratelimited"},
		{Status: http.StatusInternalServerError}, {Status: http.StatusServiceUnavailable, Body: "<html>"},
		{Drop: true}, {Right: true, Slow: s.luck.slow()},
	}
	what := method + " " + r.PostForm.Get("users") + r.PostForm.Get("email") + r.PostForm.Get("channel")
	if method == "chat.postMessage" || method == "chat.update" {
		what = method + " " + messageID(r)
		kinds = append(kinds,
			SlackFailure{Accept: true, Status: http.StatusInternalServerError}, SlackFailure{Accept: true, Error: "fatal_error"},
			SlackFailure{Accept: true, Drop: true}, SlackFailure{Accept: true, Drop: true, Slow: s.luck.slow()})
	}
	kind, unlucky := s.luck.draw(what, len(kinds))
	if !unlucky {
		return SlackFailure{}, false
	}
	return kinds[kind], true
}

// messageID is the id that the poster gave its message.
func messageID(r *http.Request) string {
	var meta struct {
		EventPayload struct {
			ID string `json:"id"`
		} `json:"event_payload"`
	}
	_ = json.Unmarshal([]byte(r.PostForm.Get("metadata")), &meta) // a post without metadata has no id
	return meta.EventPayload.ID
}

func (s *SlackServer) fail(w http.ResponseWriter, f SlackFailure) {
	switch {
	case f.Hang:
		<-s.released
	case f.Drop:
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			conn.Close()
		}
	default:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		if f.Status != 0 {
			w.WriteHeader(f.Status)
		}
		body := f.Body
		if body == "" && f.Status == 0 {
			b, _ := json.Marshal(map[string]any{"ok": false, "error": f.Error})
			body = string(b)
		}
		if f.Drip > 0 {
			s.drip(w, body, f.Drip)
			return
		}
		_, err := w.Write([]byte(body))
		for chunk := bytes.Repeat([]byte("x"), 1<<16); f.Endless && err == nil; {
			_, err = w.Write(chunk)
		}
	}
}

// drip sends a body a byte at a time and keeps the last one back.
func (s *SlackServer) drip(w http.ResponseWriter, body string, every time.Duration) {
	for i := 0; i < len(body)-1; i++ {
		if _, err := w.Write([]byte{body[i]}); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-s.released:
			return
		case <-time.After(every):
		}
	}
	<-s.released
}

func no(word string) map[string]any { return map[string]any{"ok": false, "error": word} }

// answer carries a call out. The lock is held.
func (s *SlackServer) answer(method string, r *http.Request) (answer map[string]any, limited bool) {
	token := r.PostForm.Get("token")
	if token == "" {
		token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	switch {
	case token == "":
		return no("not_authed"), false
	case method == "apps.connections.open": // with a token of its own
		return s.openConnection(token), false
	case s.Token != "" && token != s.Token:
		return no("invalid_auth"), false
	}
	if scope := s.scope(method, r); s.withheld[scope] {
		answer := no("missing_scope")
		answer["needed"] = scope
		return answer, false
	}
	switch method {
	case "auth.test":
		return map[string]any{"ok": true, "team": "Example", "user": "steward", "team_id": "T0", "user_id": "U0BOT"}, false
	case "chat.postMessage":
		if s.Limit > 0 && len(s.posts) >= s.Limit || s.tooFast(method, r.PostForm.Get("channel")) {
			return nil, true
		}
		return s.post(r), false
	case "conversations.open":
		u, ok := s.users[r.PostForm.Get("users")]
		switch {
		case !ok:
			return no("user_not_found"), false
		case u.deleted:
			return no("user_disabled"), false
		}
		id := "D" + u.id[1:]
		s.channels[id] = &slackChannel{id: id}
		return map[string]any{"ok": true, "channel": map[string]any{"id": id}}, false
	case "users.lookupByEmail":
		for _, u := range s.users {
			if u.email == r.PostForm.Get("email") {
				return map[string]any{"ok": true, "user": map[string]any{"id": u.id, "deleted": u.deleted}}, false
			}
		}
		return no("users_not_found"), false
	case "conversations.list":
		return s.list(r), false
	case "conversations.history":
		return s.history(r), false
	}
	if s.tooFast(method, "") {
		return nil, true
	}
	switch method {
	case "chat.update":
		return s.update(r), false
	case "conversations.replies":
		return s.replies(r), false
	case "files.getUploadURLExternal":
		return s.getUploadURL(r), false
	case "files.completeUploadExternal":
		return s.completeUpload(r), false
	}
	if answer, ok := s.inboundCall(method, r); ok {
		return answer, false
	}
	return no("unknown_method"), false
}

// scopes is what the bot has.
func (s *SlackServer) scopes() (has []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, scope := range []string{"chat:write", "im:write", "users:read", "users:read.email", "channels:read", "channels:history", "groups:read", "groups:history", "im:history", "files:write", "commands"} {
		if !s.withheld[scope] {
			has = append(has, scope)
		}
	}
	return has
}

// scope is what the bot needs for a call and, if it lacks any, one it lacks.
func (s *SlackServer) scope(method string, r *http.Request) string {
	switch method {
	case "chat.postMessage", "chat.update":
		return "chat:write"
	case "files.getUploadURLExternal", "files.completeUploadExternal":
		return "files:write"
	case "conversations.open":
		return "im:write"
	case "users.lookupByEmail":
		return "users:read.email"
	case "users.info":
		return "users:read"
	case "conversations.list":
		types := r.PostForm.Get("types")
		if strings.Contains(types, "private_channel") && (s.withheld["groups:read"] || !strings.Contains(types, "public_channel")) {
			return "groups:read"
		}
		return "channels:read"
	case "conversations.history", "conversations.replies":
		c := s.channels[r.PostForm.Get("channel")]
		switch {
		case c == nil, c.name == "":
			return "im:history"
		case c.private:
			return "groups:history"
		}
		return "channels:history"
	}
	return ""
}

func (s *SlackServer) post(r *http.Request) map[string]any {
	c := s.find(r.PostForm.Get("channel"))
	switch {
	case c == nil:
		return no("channel_not_found")
	case c.archived:
		return no("is_archived")
	case c.outside:
		return no("not_in_channel")
	}
	thread := r.PostForm.Get("thread_ts")
	if _, ok := s.message(c.id, thread); thread != "" && !ok {
		return no("thread_not_found")
	}
	if err := s.checkMessage(r); err != nil {
		return err.answer()
	}
	p := SlackPost{
		ID: messageID(r), Channel: c.id, TS: s.nextTS(), Thread: thread, Text: r.PostForm.Get("text"),
		Blocks: json.RawMessage(r.PostForm.Get("blocks")), Metadata: json.RawMessage(r.PostForm.Get("metadata")), Form: map[string]string{},
	}
	for k := range r.PostForm {
		if k != "token" && k != "text" && k != "blocks" && k != "metadata" {
			p.Form[k] = r.PostForm.Get(k)
		}
	}
	s.posts = append(s.posts, p)
	return map[string]any{"ok": true, "channel": c.id, "ts": p.TS}
}

func (s *SlackServer) find(channel string) *slackChannel {
	if c := s.channels[channel]; c != nil {
		return c
	}
	for _, c := range s.channels {
		if c.name != "" && "#"+c.name == channel {
			return c
		}
	}
	return nil
}

// list gives one channel a page, so that callers must follow the cursor.
func (s *SlackServer) list(r *http.Request) map[string]any {
	var ids []string
	types := r.PostForm.Get("types")
	for id, c := range s.channels {
		kind := "public_channel"
		if c.private {
			kind = "private_channel"
		}
		if c.name != "" && strings.Contains(types, kind) && !(c.archived && r.PostForm.Get("exclude_archived") == "true") {
			ids = append(ids, id)
		}
	}
	sort.Strings(ids)
	at, _ := strconv.Atoi(r.PostForm.Get("cursor"))
	answer := map[string]any{"ok": true, "channels": []any{}}
	if at < len(ids) {
		answer["channels"] = []any{map[string]any{"id": ids[at], "name": s.channels[ids[at]].name}}
	}
	if at+1 < len(ids) {
		answer["response_metadata"] = map[string]any{"next_cursor": strconv.Itoa(at + 1)}
	}
	return answer
}

// history gives two messages a page, newest first.
func (s *SlackServer) history(r *http.Request) map[string]any {
	c := s.channels[r.PostForm.Get("channel")]
	switch {
	case c == nil: // by id only, as Slack has it
		return no("channel_not_found")
	case c.outside:
		return no("not_in_channel")
	}
	var found []any
	for i := len(s.posts) - 1; i >= 0; i-- {
		p := s.posts[i]
		latest := r.PostForm.Get("latest")
		if p.Channel != c.id || p.TS < r.PostForm.Get("oldest") || latest != "" && p.TS > latest || p.Thread != "" && p.Form["reply_broadcast"] != "true" {
			continue
		}
		m := map[string]any{"type": "message", "ts": p.TS, "text": p.Text}
		if r.PostForm.Get("include_all_metadata") == "1" && len(p.Metadata) > 0 {
			m["metadata"] = p.Metadata
		}
		found = append(found, m)
	}
	at, _ := strconv.Atoi(r.PostForm.Get("cursor"))
	at = min(at, len(found))
	end := min(at+2, len(found))
	answer := map[string]any{"ok": true, "messages": append([]any{}, found[at:end]...), "has_more": end < len(found)}
	if end < len(found) {
		answer["response_metadata"] = map[string]any{"next_cursor": strconv.Itoa(end)}
	}
	return answer
}
