package notifytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// refusal is Slack's word and, where it gives one, the reason.
type refusal struct{ word, detail string }

// checkPost holds a chat.postMessage call to Slack's limits.
func checkPost(r *http.Request) *refusal {
	text, blocks, meta := r.PostForm.Get("text"), r.PostForm.Get("blocks"), r.PostForm.Get("metadata")
	switch {
	case !utf8.ValidString(text) || !utf8.ValidString(blocks):
		return &refusal{"invalid_charset", "not UTF-8"}
	case text == "" && blocks == "":
		return &refusal{"no_text", "neither text nor blocks"}
	case utf8.RuneCountInString(text) > 4000:
		return &refusal{"msg_too_long", "text is over 4,000 characters"}
	}
	if meta != "" {
		var m struct {
			EventType    string         `json:"event_type"`
			EventPayload map[string]any `json:"event_payload"`
		}
		if json.Unmarshal([]byte(meta), &m) != nil || m.EventType == "" || m.EventPayload == nil {
			return &refusal{"invalid_metadata_format", "event_type and event_payload are needed"}
		}
	}
	if blocks == "" {
		return nil
	}
	return checkBlocks([]byte(blocks))
}

// CheckBlocks holds a list of blocks, as JSON, to Slack's limits and to what
// its types may hold; nil means that Slack would take them.
func CheckBlocks(raw []byte) error {
	if r := checkBlocks(raw); r != nil {
		return fmt.Errorf("%s: %s", r.word, r.detail)
	}
	return nil
}

func checkBlocks(raw []byte) *refusal {
	var blocks []map[string]any
	if err := json.Unmarshal(raw, &blocks); err != nil {
		return &refusal{"invalid_blocks_format", err.Error()}
	}
	if len(blocks) > 50 {
		return &refusal{"invalid_blocks", "more than 50 blocks"}
	}
	if utf8.RuneCount(raw) > 13_200 {
		return &refusal{"msg_blocks_too_long", "the blocks are over 13,200 characters"}
	}
	ids := map[string]bool{}
	for i, b := range blocks {
		c := checker{}
		c.block(b)
		if id, _ := b["block_id"].(string); id != "" {
			if ids[id] || utf8.RuneCountInString(id) > 255 {
				c.no("block_id %q is too long or not unique", id)
			}
			ids[id] = true
		}
		if c.fault != "" {
			return &refusal{"invalid_blocks", fmt.Sprintf("block %d: %s", i, c.fault)}
		}
	}
	return nil
}

// checker keeps the first fault of a block.
type checker struct{ fault string }

func (c *checker) no(format string, args ...any) {
	if c.fault == "" {
		c.fault = fmt.Sprintf(format, args...)
	}
}

func (c *checker) block(b map[string]any) {
	switch b["type"] {
	case "header":
		c.text(b["text"], 150, "plain_text")
	case "divider":
	case "section":
		fields, _ := b["fields"].([]any)
		if b["text"] == nil && len(fields) == 0 {
			c.no("a section without text and fields")
		}
		if b["text"] != nil {
			c.text(b["text"], 3000, "plain_text", "mrkdwn")
		}
		if len(fields) > 10 {
			c.no("%d fields", len(fields))
		}
		for _, f := range fields {
			c.text(f, 2000, "plain_text", "mrkdwn")
		}
		if b["accessory"] != nil {
			c.elements([]any{b["accessory"]}, "button", "static_select", "overflow")
		}
	case "context":
		els, _ := b["elements"].([]any)
		if len(els) < 1 || len(els) > 10 {
			c.no("%d context elements", len(els))
		}
		for _, e := range els {
			c.text(e, 2000, "plain_text", "mrkdwn")
		}
	case "rich_text":
		els, _ := b["elements"].([]any)
		if len(els) == 0 {
			c.no("rich_text without elements")
		}
		for _, e := range els {
			c.rich(e, true)
		}
	case "actions":
		els, _ := b["elements"].([]any)
		if len(els) < 1 || len(els) > 25 {
			c.no("%d elements of actions", len(els))
		}
		c.elements(els, "button", "static_select", "overflow")
	case "image":
		c.image(b)
	case "data_visualization":
		c.chart(b)
	default:
		c.no("unknown block type %v", b["type"])
	}
}

func (c *checker) text(v any, limit int, types ...string) {
	m, _ := v.(map[string]any)
	s, _ := m["text"].(string)
	typ, _ := m["type"].(string)
	if !strings.Contains(" "+strings.Join(types, " ")+" ", " "+typ+" ") {
		c.no("a text object of type %q", typ)
	}
	if n := utf8.RuneCountInString(s); n < 1 || n > limit {
		c.no("a text of %d characters where 1 to %d may stand", n, limit)
	}
}

func (c *checker) rich(v any, lists bool) {
	m, _ := v.(map[string]any)
	els, _ := m["elements"].([]any)
	if len(els) == 0 {
		c.no("%v without elements", m["type"])
	}
	switch m["type"] {
	case "rich_text_section", "rich_text_quote", "rich_text_preformatted":
		total := 0
		for _, e := range els {
			total += c.inline(e)
		}
		if total > 3000 {
			c.no("%v of %d characters", m["type"], total)
		}
	case "rich_text_list":
		if !lists {
			c.no("a list in a list")
		}
		if m["style"] != "bullet" && m["style"] != "ordered" {
			c.no("list style %v", m["style"])
		}
		if indent, _ := m["indent"].(float64); indent < 0 || indent > 8 {
			c.no("indent %v", m["indent"])
		}
		for _, e := range els {
			if em, _ := e.(map[string]any); em["type"] != "rich_text_section" {
				c.no("a list item of type %v", em["type"])
			}
			c.rich(e, false)
		}
	default:
		c.no("unknown rich text type %v", m["type"])
	}
}

func (c *checker) inline(v any) int {
	m, _ := v.(map[string]any)
	s, _ := m["text"].(string)
	switch m["type"] {
	case "text":
		if s == "" {
			c.no("an empty text")
		}
	case "link":
		u, _ := m["url"].(string)
		if len(u) > 3000 || !(strings.HasPrefix(u, "http://") || strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "mailto:")) {
			c.no("link to %q", u)
		}
	default: // emoji, user, usergroup, channel, broadcast: Slack's, and never Steward's
		c.no("rich text element %v", m["type"])
	}
	return utf8.RuneCountInString(s)
}
