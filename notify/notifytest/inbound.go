package notifytest

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// What people do in Slack, and how Slack tells an app of it: by Socket Mode, or by
// a signed call where Callbacks names an address.

// ackWithin is how long Slack waits for an app to take what it was told before it
// tells it again.
const ackWithin = 3 * time.Second

// An Inbound is how the server tells of what people do. Its zero value is Socket
// Mode without trouble.
type Inbound struct {
	// AppToken is what a Socket Mode connection must present; empty accepts any.
	AppToken string
	// Callbacks is the address that is called instead, without a path; Secret signs
	// the calls.
	Callbacks, Secret string
	// Times is how often each thing is told, taken or not; 1 if zero.
	Times int
	// Deaf is how many of the next acknowledgements are lost on their way: what they
	// were for is told again.
	Deaf int
	// Reversed keeps the next so many things and tells them in the reverse order.
	Reversed int
	// Within is how long is waited for an acknowledgement; Slack's three seconds if
	// zero.
	Within time.Duration
	// Skew puts the time of signed calls off; Forge signs them with another secret.
	Skew  time.Duration
	Forge bool
}

// A Told is what came of telling an app something.
type Told struct {
	// Taken tells that it was acknowledged; Status is the last answer's to a call.
	Taken  bool
	Status int
	// Wrong is what the form is sent back with, by field.
	Wrong map[string]string
	// Tellings is how often it was told.
	Tellings int
}

// A SlackView is a form that was opened.
type SlackView struct {
	ID, User string
	Open     bool
	View     json.RawMessage
}

// A SlackWhisper is what was shown to one person alone.
type SlackWhisper struct {
	User, Channel, Text string
	Blocks              json.RawMessage
}

// inbound is the state of that half of the server. Its lock is its own: whoever
// tells something waits for the app, which may be calling the server meanwhile.
type inbound struct {
	mu       sync.Mutex
	how      Inbound
	seq      int
	tickets  map[string]bool
	conns    []*slackConn
	acks     map[string]chan json.RawMessage // by envelope
	triggers map[string]slackTrigger
	places   map[string]SlackWhisper // where answers may be posted, by path
	views    []*SlackView
	whispers []SlackWhisper
	kept     []chan struct{} // what waits to be told in another order
	joined   int
}

// A slackTrigger opens one form for whoever clicked.
type slackTrigger struct {
	user string
	made time.Time
	used bool
}

type slackConn struct {
	ws *websocket.Conn
	mu sync.Mutex // of writing
}

func (c *slackConn) send(v any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ws.WriteJSON(v)
}

func newInbound() inbound {
	return inbound{tickets: map[string]bool{}, acks: map[string]chan json.RawMessage{}, triggers: map[string]slackTrigger{}, places: map[string]SlackWhisper{}}
}

// AddGuest makes a person who is no full member of the workspace.
func (s *SlackServer) AddGuest(id, email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[id] = slackUser{id: id, email: email, guest: true}
}

// SetInbound says how things are told from now on.
func (s *SlackServer) SetInbound(how Inbound) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.how = how
}

// Inbound is how things are told.
func (s *SlackServer) Inbound() Inbound {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	return s.in.how
}

// Waiting is how much is kept to be told in another order.
func (s *SlackServer) Waiting() int {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	return len(s.in.kept)
}

// Put posts a message as the bot, for tests that are not about posting, and
// returns its timestamp.
func (s *SlackServer) Put(channel string, blocks json.RawMessage) string {
	ts := s.stamp()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts = append(s.posts, SlackPost{Channel: channel, TS: ts, Blocks: blocks})
	return ts
}

// Connections is how many Socket Mode connections stand, and how many there were.
func (s *SlackServer) Connections() (now, ever int) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	return len(s.in.conns), s.in.joined
}

// Refresh asks every connection to come again, as Slack does every few hours, and
// closes it.
func (s *SlackServer) Refresh() {
	s.in.mu.Lock()
	conns := s.in.conns
	s.in.conns = nil
	s.in.mu.Unlock()
	for _, c := range conns {
		_ = c.send(map[string]any{"type": "disconnect", "reason": "refresh_requested", "debug_info": map[string]any{"host": "applink"}})
		time.AfterFunc(100*time.Millisecond, func() { _ = c.ws.Close() })
	}
}

// Views is the forms that were opened, oldest first.
func (s *SlackServer) Views() []SlackView {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	var out []SlackView
	for _, v := range s.in.views {
		out = append(out, *v)
	}
	return out
}

// Whispers is what was shown to single people, in order.
func (s *SlackServer) Whispers() []SlackWhisper {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	return slices.Clone(s.in.whispers)
}

// A Click is a person's on an element of a message.
type Click struct {
	User, Team  string // Team is "" for the server's own
	Channel, TS string
	// Label is the button's, or the menu's where Option is what is picked of it.
	// Where several elements have it, the nth is meant, from 0.
	Label, Option string
	Nth           int
}

// Press clicks on a message as it stands now, and waits for what comes of it. An
// error says that a person could not have done that.
func (s *SlackServer) Press(c Click) (Told, error) {
	post, ok := s.posted(c.Channel, c.TS)
	if !ok {
		return Told{}, fmt.Errorf("there is no message %s in %s", c.TS, c.Channel)
	}
	action, err := actionOf(post.Blocks, c)
	if err != nil {
		return Told{}, err
	}
	action["action_ts"] = s.stamp()
	payload := s.interaction("block_actions", c.User, c.Team)
	payload["container"] = map[string]any{"type": "message", "message_ts": c.TS, "channel_id": c.Channel, "is_ephemeral": false}
	payload["channel"] = map[string]any{"id": c.Channel, "name": "directmessage"}
	payload["message"] = map[string]any{"type": "message", "ts": c.TS, "text": post.Text, "blocks": post.Blocks, "bot_id": "B0BOT"}
	payload["state"] = map[string]any{"values": map[string]any{}}
	payload["response_url"] = s.place(c.User, c.Channel)
	payload["actions"] = []any{action}
	return s.tell("interactive", payload), nil
}

// Submit fills a form in and sends it. What a person leaves alone stays as the form
// had it. An error says that Slack would not have let them.
func (s *SlackServer) Submit(viewID string, values map[string]string) (Told, error) {
	s.in.mu.Lock()
	i := slices.IndexFunc(s.in.views, func(v *SlackView) bool { return v.ID == viewID && v.Open })
	if i < 0 {
		s.in.mu.Unlock()
		return Told{}, fmt.Errorf("form %s is not open", viewID)
	}
	view := s.in.views[i]
	s.in.mu.Unlock()
	state, err := FillIn(view.View, values)
	if err != nil {
		return Told{}, err
	}
	var v map[string]any
	if err := json.Unmarshal(view.View, &v); err != nil {
		return Told{}, err
	}
	v["id"], v["team_id"], v["hash"], v["state"] = view.ID, "T0", "156663117."+view.ID, map[string]any{"values": state}
	payload := s.interaction("view_submission", view.User, "")
	payload["view"], payload["response_urls"] = v, []any{}
	told := s.tell("interactive", payload)
	if told.Taken && len(told.Wrong) == 0 {
		s.in.mu.Lock()
		view.Open = false
		s.in.mu.Unlock()
	}
	return told, nil
}

// Command sends a slash command.
func (s *SlackServer) Command(user, channel, command, text string) Told {
	fields := map[string]any{"token": "verification", "team_id": "T0", "team_domain": "example", "channel_id": channel, "channel_name": "directmessage", "user_id": user, "user_name": strings.ToLower(user),
		"command": command, "text": text, "api_app_id": "A0", "is_enterprise_install": "false", "response_url": s.place(user, channel), "trigger_id": s.trigger(user)}
	return s.tell("slash_commands", fields)
}

// Callback tells an app anything at all by a signed call, and gives the answer.
func (s *SlackServer) Callback(path string, body []byte) (*http.Response, error) {
	s.in.mu.Lock()
	how := s.in.how
	s.in.mu.Unlock()
	stamp := strconv.FormatInt(s.clock().Add(how.Skew).Unix(), 10)
	secret := how.Secret
	if how.Forge {
		secret += "?"
	}
	req, err := http.NewRequest(http.MethodPost, how.Callbacks+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Slack-Request-Timestamp", stamp)
	req.Header.Set("X-Slack-Signature", Sign(secret, stamp, body))
	client := http.Client{Timeout: ackWithin}
	return client.Do(req)
}

// Sign is Slack's signature of a call.
func Sign(secret, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

func (s *SlackServer) interaction(kind, user, team string) map[string]any {
	if team == "" {
		team = "T0"
	}
	return map[string]any{"type": kind, "token": "verification", "api_app_id": "A0", "trigger_id": s.trigger(user), "enterprise": nil, "is_enterprise_install": false,
		"team": map[string]any{"id": "T0", "domain": "example"},
		"user": map[string]any{"id": user, "username": strings.ToLower(user), "name": strings.ToLower(user), "team_id": team}}
}

// tell tells an app something until it is taken, at most four times beside what
// Inbound asks for.
func (s *SlackServer) tell(kind string, payload map[string]any) Told {
	s.wait()
	s.in.mu.Lock()
	times := max(1, s.in.how.Times)
	s.in.mu.Unlock()
	results := make(chan Told, times)
	for range times {
		go func() { results <- s.tellOnce(kind, payload) }()
	}
	out := <-results
	for range times - 1 {
		t := <-results
		out.Tellings += t.Tellings
		out.Taken = out.Taken && t.Taken
	}
	for range 4 {
		if out.Taken {
			break
		}
		t := s.tellOnce(kind, payload)
		t.Tellings += out.Tellings
		out = t
	}
	return out
}

// wait keeps what is told until as much has come as is to be told in the reverse
// order.
func (s *SlackServer) wait() {
	s.in.mu.Lock()
	if s.in.how.Reversed == 0 {
		s.in.mu.Unlock()
		return
	}
	turn := make(chan struct{})
	s.in.kept = append(s.in.kept, turn)
	if len(s.in.kept) == s.in.how.Reversed {
		kept := s.in.kept
		s.in.kept, s.in.how.Reversed = nil, 0
		go func() {
			for _, turn := range slices.Backward(kept) {
				close(turn)
				time.Sleep(20 * time.Millisecond)
			}
		}()
	}
	s.in.mu.Unlock()
	select {
	case <-turn:
	case <-s.released:
	}
}

func (s *SlackServer) tellOnce(kind string, payload map[string]any) Told {
	s.in.mu.Lock()
	calls := s.in.how.Callbacks != ""
	s.in.mu.Unlock()
	if calls {
		return s.tellByCall(kind, payload)
	}
	return s.tellBySocket(kind, payload)
}

func (s *SlackServer) tellByCall(kind string, payload map[string]any) Told {
	path, form := "/slack/interactions", url.Values{}
	if kind == "slash_commands" {
		path = "/slack/commands"
		for k, v := range payload {
			form.Set(k, fmt.Sprint(v))
		}
	} else {
		text, _ := json.Marshal(payload) // a map of plain values
		form.Set("payload", string(text))
	}
	res, err := s.Callback(path, []byte(form.Encode()))
	if err != nil {
		return Told{Tellings: 1}
	}
	defer res.Body.Close()
	told := Told{Tellings: 1, Status: res.StatusCode, Taken: res.StatusCode == http.StatusOK && !s.deaf()}
	var answer ackPayload
	_ = json.NewDecoder(res.Body).Decode(&answer) // most have none
	told.Wrong = answer.Errors
	return told
}

type ackPayload struct {
	Errors map[string]string `json:"errors"`
}

func (s *SlackServer) tellBySocket(kind string, payload map[string]any) Told {
	id, ack := rand.Text(), make(chan json.RawMessage, 1)
	s.in.mu.Lock()
	s.in.acks[id] = ack
	within := s.in.how.Within
	if within == 0 {
		within = ackWithin
	}
	var conn *slackConn
	if n := len(s.in.conns); n > 0 {
		s.in.seq++
		conn = s.in.conns[s.in.seq%n]
	}
	s.in.mu.Unlock()
	if conn == nil || conn.send(map[string]any{"type": kind, "envelope_id": id, "payload": payload, "accepts_response_payload": kind != "events_api"}) != nil {
		select { // nobody listens; somebody may soon
		case <-time.After(50 * time.Millisecond):
		case <-s.released:
		}
		return Told{Tellings: 1}
	}
	select {
	case payload := <-ack:
		if s.deaf() {
			return Told{Tellings: 1}
		}
		var answer ackPayload
		_ = json.Unmarshal(payload, &answer)
		return Told{Tellings: 1, Taken: true, Wrong: answer.Errors}
	case <-time.After(within):
	case <-s.released:
	}
	return Told{Tellings: 1}
}

// deaf loses an acknowledgement where one is to be lost.
func (s *SlackServer) deaf() bool {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	if s.in.how.Deaf == 0 {
		return false
	}
	s.in.how.Deaf--
	return true
}

func (s *SlackServer) clock() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// stamp is a time of Slack's, unlike any other.
func (s *SlackServer) stamp() string {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.seq++
	return fmt.Sprintf("%d.%06d", s.clock().Unix(), s.in.seq)
}

// trigger is good for one form within three seconds.
func (s *SlackServer) trigger(user string) string {
	id := rand.Text()
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.triggers[id] = slackTrigger{user: user, made: time.Now()}
	return id
}

// place is where an answer to a person may be posted.
func (s *SlackServer) place(user, channel string) string {
	path := "/answers/" + rand.Text()
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.places[path] = SlackWhisper{User: user, Channel: channel}
	return s.server.URL + path
}

func (s *SlackServer) posted(channel, ts string) (SlackPost, bool) {
	for _, p := range s.Posts() {
		if p.Channel == channel && p.TS == ts {
			return p, true
		}
	}
	return SlackPost{}, false
}

// elements is every element of a message that does something, in order.
func elements(v any, block string, found func(block string, element map[string]any)) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			elements(x, block, found)
		}
	case map[string]any:
		if id, ok := v["block_id"].(string); ok {
			block = id
		}
		if _, ok := v["action_id"].(string); ok {
			found(block, v)
			return
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			elements(v[k], block, found)
		}
	}
}

func textOf(v any) string {
	m, _ := v.(map[string]any)
	s, _ := m["text"].(string)
	return s
}

// actionOf is the click as it is told.
func actionOf(blocks json.RawMessage, c Click) (map[string]any, error) {
	var all any
	if err := json.Unmarshal(blocks, &all); err != nil {
		return nil, fmt.Errorf("the message has no blocks: %w", err)
	}
	var action map[string]any
	var labels []string
	nth := c.Nth
	elements(all, "b0", func(block string, e map[string]any) {
		kind, _ := e["type"].(string)
		told := map[string]any{"type": kind, "block_id": block, "action_id": e["action_id"]}
		label := textOf(e["text"])
		if kind != "button" {
			label = textOf(e["placeholder"])
		}
		if c.Option != "" {
			options, _ := e["options"].([]any)
			i := slices.IndexFunc(options, func(o any) bool { m, _ := o.(map[string]any); return textOf(m["text"]) == c.Option })
			for _, o := range options {
				m, _ := o.(map[string]any)
				labels = append(labels, textOf(m["text"]))
			}
			if i < 0 || c.Label != "" && label != c.Label {
				return
			}
			told["selected_option"] = options[i]
		} else {
			labels = append(labels, label)
			if kind != "button" || label != c.Label {
				return
			}
			told["text"] = e["text"]
			if v, ok := e["value"]; ok {
				told["value"] = v
			}
		}
		if nth == 0 && action == nil {
			action = told
		}
		nth--
	})
	if action == nil {
		return nil, fmt.Errorf("the message has no %q; it has %q", strings.TrimSpace(c.Label+" "+c.Option), labels)
	}
	return action, nil
}

// FillIn is what Slack tells of a form that was filled in, or why Slack would not
// have sent it.
func FillIn(view json.RawMessage, values map[string]string) (map[string]any, error) {
	var form struct {
		Blocks []struct {
			Type     string         `json:"type"`
			BlockID  string         `json:"block_id"`
			Optional bool           `json:"optional"`
			Element  map[string]any `json:"element"`
		} `json:"blocks"`
	}
	if err := json.Unmarshal(view, &form); err != nil {
		return nil, err
	}
	state, left := map[string]any{}, maps.Clone(values)
	for _, b := range form.Blocks {
		if b.Type != "input" {
			continue
		}
		value, given := left[b.BlockID]
		delete(left, b.BlockID)
		filled, empty, err := fillElement(b.Element, value, given)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", b.BlockID, err)
		}
		if empty && !b.Optional {
			return nil, fmt.Errorf("field %s has to be filled in", b.BlockID)
		}
		id, _ := b.Element["action_id"].(string)
		state[b.BlockID] = map[string]any{id: filled}
	}
	if len(left) > 0 {
		return nil, fmt.Errorf("the form has no fields %q", slices.Sorted(maps.Keys(left)))
	}
	return state, nil
}

func fillElement(e map[string]any, value string, given bool) (filled map[string]any, empty bool, err error) {
	kind, _ := e["type"].(string)
	filled = map[string]any{"type": kind}
	initial := func(key string) any {
		if given {
			return value
		}
		return e[key]
	}
	switch kind {
	case "plain_text_input":
		filled["value"] = initial("initial_value")
		text, _ := filled["value"].(string)
		if most, ok := e["max_length"].(float64); ok && utf8.RuneCountInString(text) > int(most) {
			return nil, false, errors.New("it is too long")
		}
		if empty = text == ""; empty {
			filled["value"] = nil
		}
	case "datepicker":
		filled["selected_date"] = initial("initial_date")
		if empty = filled["selected_date"] == nil || filled["selected_date"] == ""; empty {
			filled["selected_date"] = nil
		}
	case "static_select":
		filled["selected_option"] = e["initial_option"]
		if given {
			filled["selected_option"] = nil
			options, _ := e["options"].([]any)
			for _, o := range options {
				if m, _ := o.(map[string]any); m["value"] == value {
					filled["selected_option"] = o
				}
			}
			if value != "" && filled["selected_option"] == nil {
				return nil, false, fmt.Errorf("%q is no option", value)
			}
		}
		empty = filled["selected_option"] == nil
	default:
		return nil, false, fmt.Errorf("a %s cannot be filled in here", kind)
	}
	return filled, empty, nil
}

// serveInbound answers what is not of the Web API.
func (s *SlackServer) serveInbound(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case strings.HasPrefix(r.URL.Path, "/socket/"):
		s.socket(w, r)
	case strings.HasPrefix(r.URL.Path, "/answers/"):
		s.answered(w, r)
	default:
		return false
	}
	return true
}

// answered takes an answer that only one person sees.
func (s *SlackServer) answered(w http.ResponseWriter, r *http.Request) {
	var m struct {
		ResponseType    string          `json:"response_type"`
		ReplaceOriginal bool            `json:"replace_original"`
		Text            string          `json:"text"`
		Blocks          json.RawMessage `json:"blocks"`
	}
	err := json.NewDecoder(r.Body).Decode(&m)
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	to, known := s.in.places[r.URL.Path]
	if err != nil || !known || r.Method != http.MethodPost || m.ResponseType != "ephemeral" || m.ReplaceOriginal {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	to.Text, to.Blocks = m.Text, m.Blocks
	s.in.whispers = append(s.in.whispers, to)
	fmt.Fprint(w, "ok")
}

// socket is one Socket Mode connection. Its address works once.
func (s *SlackServer) socket(w http.ResponseWriter, r *http.Request) {
	s.in.mu.Lock()
	ok := s.in.tickets[r.URL.Path]
	delete(s.in.tickets, r.URL.Path)
	s.in.mu.Unlock()
	if !ok {
		http.Error(w, "no ticket", http.StatusForbidden)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &slackConn{ws: ws}
	defer ws.Close()
	if c.send(map[string]any{"type": "hello", "num_connections": 1, "connection_info": map[string]any{"app_id": "A0"}, "debug_info": map[string]any{"host": "applink"}}) != nil {
		return
	}
	s.in.mu.Lock()
	s.in.conns = append(s.in.conns, c)
	s.in.joined++
	s.in.mu.Unlock()
	over := make(chan struct{})
	defer close(over)
	go s.ping(c, over)
	for {
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		if err := ws.ReadJSON(&ack); err != nil {
			break
		}
		s.in.mu.Lock()
		if ch := s.in.acks[ack.EnvelopeID]; ch != nil {
			delete(s.in.acks, ack.EnvelopeID)
			ch <- ack.Payload
		}
		s.in.mu.Unlock()
	}
	s.in.mu.Lock()
	s.in.conns = slices.DeleteFunc(s.in.conns, func(x *slackConn) bool { return x == c })
	s.in.mu.Unlock()
}

// ping tells the app that the connection stands, and ends it with the server.
func (s *SlackServer) ping(c *slackConn, over chan struct{}) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-s.released:
			_ = c.ws.Close()
			return
		case <-tick.C:
			_ = c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
		}
	}
}

// openConnection gives the address of a Socket Mode connection.
func (s *SlackServer) openConnection(token string) map[string]any {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	switch {
	case !strings.HasPrefix(token, "xapp-"):
		return no("not_allowed_token_type")
	case s.in.how.AppToken != "" && token != s.in.how.AppToken:
		return no("invalid_auth")
	}
	path := "/socket/" + rand.Text()
	s.in.tickets[path] = true
	return map[string]any{"ok": true, "url": "ws" + strings.TrimPrefix(s.server.URL, "http") + path}
}

// inboundCall carries out the calls of the Web API that belong to this half.
func (s *SlackServer) inboundCall(method string, r *http.Request) (map[string]any, bool) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	switch method {
	case "views.open":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return no("invalid_arguments"), true
		}
		return s.openView(body), true
	case "chat.postEphemeral":
		user, channel := r.PostForm.Get("user"), r.PostForm.Get("channel")
		s.in.whispers = append(s.in.whispers, SlackWhisper{User: user, Channel: channel, Text: r.PostForm.Get("text"), Blocks: json.RawMessage(r.PostForm.Get("blocks"))})
		return map[string]any{"ok": true, "message_ts": "1.1"}, true
	case "users.info":
		u, ok := s.users[r.PostForm.Get("user")]
		if !ok {
			return no("user_not_found"), true
		}
		return map[string]any{"ok": true, "user": map[string]any{"id": u.id, "team_id": "T0", "deleted": u.deleted, "is_restricted": u.guest, "profile": map[string]any{"email": u.email}}}, true
	}
	return nil, false
}

// openView opens a form. The lock is held.
func (s *SlackServer) openView(body []byte) map[string]any {
	var call struct {
		TriggerID string          `json:"trigger_id"`
		View      json.RawMessage `json:"view"`
	}
	if err := json.Unmarshal(body, &call); err != nil {
		return no("invalid_arguments")
	}
	trigger, known := s.in.triggers[call.TriggerID]
	switch {
	case !known:
		return no("invalid_trigger_id")
	case trigger.used:
		return no("exchanged_trigger_id")
	case time.Since(trigger.made) > ackWithin:
		return no("expired_trigger_id")
	}
	if err := checkForm(call.View); err != nil {
		return map[string]any{"ok": false, "error": err.word, "response_metadata": map[string]any{"messages": []string{"[ERROR] " + err.detail}}}
	}
	trigger.used = true
	s.in.triggers[call.TriggerID] = trigger
	v := &SlackView{ID: fmt.Sprintf("V%d", len(s.in.views)+1), Open: true, View: call.View, User: trigger.user}
	s.in.views = append(s.in.views, v)
	return map[string]any{"ok": true, "view": map[string]any{"id": v.ID}}
}
