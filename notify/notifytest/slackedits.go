package notifytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// edits is what the server knows of changes: what may not be changed any more.
type edits struct {
	closed bool
	seq    int
}

// nextTS is a timestamp after every other one, as Slack's are, though the clock
// may stand still. The lock is held.
func (s *SlackServer) nextTS() string {
	s.edits.seq++
	ts := fmt.Sprintf("%d.%06d", s.clock().Unix(), s.edits.seq)
	for _, p := range s.posts { // Put stamps by itself
		for p.TS == ts {
			s.edits.seq++
			ts = fmt.Sprintf("%d.%06d", s.clock().Unix(), s.edits.seq)
		}
	}
	return ts
}

// CloseEdits has no message be changed any more, as a workspace may set.
func (s *SlackServer) CloseEdits() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edits.closed = true
}

// Say posts as a person, and returns the message's timestamp.
func (s *SlackServer) Say(user, channel, text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := SlackPost{Channel: channel, TS: s.nextTS(), User: user, Text: text}
	s.posts = append(s.posts, p)
	return p.TS
}

// Delete takes a message away, as people may.
func (s *SlackServer) Delete(channel, ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts = slices.DeleteFunc(s.posts, func(p SlackPost) bool { return p.Channel == channel && p.TS == ts })
}

// Channel is what stands in a channel now, oldest first, without the replies in
// threads that are not shown there.
func (s *SlackServer) Channel(id string) []SlackPost {
	return s.standing(func(p SlackPost) bool {
		return p.Channel == id && (p.Thread == "" || p.Form["reply_broadcast"] == "true")
	})
}

// Thread is the replies to a message, oldest first.
func (s *SlackServer) Thread(channel, ts string) []SlackPost {
	return s.standing(func(p SlackPost) bool { return p.Channel == channel && p.Thread == ts })
}

func (s *SlackServer) standing(wanted func(SlackPost) bool) (out []SlackPost) {
	for _, p := range s.Posts() {
		if wanted(p) {
			out = append(out, p)
		}
	}
	return out
}

// message finds a message. The lock is held.
func (s *SlackServer) message(channel, ts string) (*SlackPost, bool) {
	for i := range s.posts {
		if s.posts[i].Channel == channel && s.posts[i].TS == ts {
			return &s.posts[i], true
		}
	}
	return nil, false
}

// update changes a message of the bot's own.
func (s *SlackServer) update(r *http.Request) map[string]any {
	c := s.channels[r.PostForm.Get("channel")]
	if c == nil { // by id only
		return no("channel_not_found")
	}
	p, ok := s.message(c.id, r.PostForm.Get("ts"))
	switch {
	case !ok:
		return no("message_not_found")
	case p.User != "":
		return no("cant_update_message")
	case s.edits.closed:
		return no("edit_window_closed")
	case c.archived:
		return no("is_archived")
	}
	if err := s.checkMessage(r); err != nil {
		return err.answer()
	}
	p.Text, p.Blocks, p.Edits = r.PostForm.Get("text"), json.RawMessage(r.PostForm.Get("blocks")), p.Edits+1
	p.Metadata = json.RawMessage(r.PostForm.Get("metadata")) // what is not sent along is gone
	return map[string]any{"ok": true, "channel": c.id, "ts": p.TS, "text": p.Text}
}

// replies gives two messages a page, the first of a thread on the first page.
func (s *SlackServer) replies(r *http.Request) map[string]any {
	c := s.channels[r.PostForm.Get("channel")]
	switch {
	case c == nil:
		return no("channel_not_found")
	case c.outside:
		return no("not_in_channel")
	}
	root, ok := s.message(c.id, r.PostForm.Get("ts"))
	if !ok {
		return no("thread_not_found")
	}
	found := []any{s.told(*root, r)}
	for _, p := range s.posts {
		if p.Channel == c.id && p.Thread == root.TS && p.TS >= r.PostForm.Get("oldest") {
			found = append(found, s.told(p, r))
		}
	}
	return pageOf("messages", found, r)
}

// told is a message as the API tells of it.
func (s *SlackServer) told(p SlackPost, r *http.Request) map[string]any {
	m := map[string]any{"type": "message", "ts": p.TS, "text": p.Text}
	if p.Thread != "" {
		m["thread_ts"] = p.Thread
	}
	if r.PostForm.Get("include_all_metadata") == "1" && len(p.Metadata) > 0 {
		m["metadata"] = p.Metadata
	}
	return m
}

// answer is a refusal as Slack gives it.
func (r refusal) answer() map[string]any {
	return map[string]any{"ok": false, "error": r.word, "response_metadata": map[string]any{"messages": []string{"[ERROR] " + r.detail}}}
}

// checkMessage holds a message to what every workspace asks, and to what this one
// does: the types of block that it takes, and the files that there are.
func (s *SlackServer) checkMessage(r *http.Request) *refusal {
	if err := checkPost(r); err != nil {
		return err
	}
	var blocks []map[string]any
	_ = json.Unmarshal([]byte(r.PostForm.Get("blocks")), &blocks) // checked above; none is none
	for i, b := range blocks {
		typ, _ := b["type"].(string)
		if s.files.untaken[typ] {
			return &refusal{"invalid_blocks", "unsupported type: " + typ}
		}
		if typ != "image" {
			continue
		}
		file, _ := b["slack_file"].(map[string]any)
		id, _ := file["id"].(string)
		if !s.files.shown(id) {
			return &refusal{"invalid_blocks", fmt.Sprintf("invalid slack file [json-pointer:/blocks/%d/slack_file]", i)}
		}
	}
	return nil
}

// rates is how often methods may be called, where that is enforced.
type rates struct {
	on    bool
	taken map[string][]time.Time // by method and channel
}

// Hurry has calls be counted against the rates that Slack documents, by the
// server's clock: one post a second and channel with a short burst, 50 changes
// a minute, and so on. What is too fast is answered with 429.
func (s *SlackServer) Hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rates = rates{on: true, taken: map[string][]time.Time{}}
}

// A tier is how many calls of a method may be made in a while.
type tier struct {
	calls  int
	within time.Duration
}

var tiers = map[string]tier{
	"chat.postMessage":             {5, 5 * time.Second}, // one a second, and bursts of a few
	"chat.update":                  {50, time.Minute},
	"conversations.replies":        {50, time.Minute},
	"views.open":                   {100, time.Minute},
	"files.getUploadURLExternal":   {100, time.Minute},
	"files.completeUploadExternal": {100, time.Minute},
}

// tooFast counts a call, and tells one too many. The lock is held.
func (s *SlackServer) tooFast(method, channel string) bool {
	t, known := tiers[method]
	if !s.rates.on || !known {
		return false
	}
	key, now := method+" "+channel, s.clock()
	recent := slices.DeleteFunc(s.rates.taken[key], func(at time.Time) bool { return now.Sub(at) >= t.within })
	if len(recent) >= t.calls {
		s.RetryAfter = int((t.within - now.Sub(recent[0]) + time.Second - 1) / time.Second)
		s.rates.taken[key] = recent
		return true
	}
	s.rates.taken[key] = append(recent, now)
	return false
}

// pageOf gives two of what was found, and where to go on.
func pageOf(what string, found []any, r *http.Request) map[string]any {
	at := 0
	_, _ = fmt.Sscan(strings.TrimSpace(r.PostForm.Get("cursor")), &at) // no cursor is the first page
	at = min(at, len(found))
	end := min(at+2, len(found))
	answer := map[string]any{"ok": true, what: append([]any{}, found[at:end]...), "has_more": end < len(found)}
	if end < len(found) {
		answer["response_metadata"] = map[string]any{"next_cursor": fmt.Sprint(end)}
	}
	return answer
}
