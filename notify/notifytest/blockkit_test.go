package notifytest

import (
	"fmt"
	"strings"
	"testing"
)

// A stand-in that takes everything proves nothing: each limit, just kept and
// just broken.
func TestLimitsAreEnforced(t *testing.T) {
	header := func(n int) string {
		return fmt.Sprintf(`{"type":"header","text":{"type":"plain_text","text":%q}}`, strings.Repeat("ä", n))
	}
	rich := func(inner string) string { return `{"type":"rich_text","elements":[` + inner + `]}` }
	section := func(inner string) string {
		return rich(`{"type":"rich_text_section","elements":[` + inner + `]}`)
	}
	text := func(n int) string {
		return fmt.Sprintf(`{"type":"text","text":%q}`, strings.Repeat("x", n))
	}
	contexts := func(n int) string {
		return `{"type":"context","elements":[` + strings.TrimSuffix(strings.Repeat(`{"type":"plain_text","text":"x"},`, n), ",") + `]}`
	}
	dividers := func(n int) string { return strings.TrimSuffix(strings.Repeat(`{"type":"divider"},`, n), ",") }
	tests := []struct {
		name, good, bad, word string
	}{
		{"blocks", dividers(50), dividers(51), "invalid_blocks"},
		{"header", header(150), header(151), "invalid_blocks"},
		{"empty header", header(1), header(0), "invalid_blocks"},
		{"context elements", contexts(10), contexts(11), "invalid_blocks"},
		{"no context elements", contexts(1), contexts(0), "invalid_blocks"},
		{"rich text", section(text(3000)), section(text(3001)), "invalid_blocks"},
		{"empty text", section(text(1)), section(text(0)), "invalid_blocks"},
		{"empty section", section(text(1)), section(""), "invalid_blocks"},
		{"mentions", section(text(1)), section(`{"type":"user","user_id":"U1"}`), "invalid_blocks"},
		{"links", section(`{"type":"link","url":"https://x.example"}`), section(`{"type":"link","url":"javascript:x"}`), "invalid_blocks"},
		{"lists", rich(`{"type":"rich_text_list","style":"bullet","elements":[{"type":"rich_text_section","elements":[` + text(1) + `]}]}`),
			rich(`{"type":"rich_text_list","style":"dashes","elements":[{"type":"rich_text_section","elements":[` + text(1) + `]}]}`), "invalid_blocks"},
		{"types", dividers(1), `{"type":"banner"}`, "invalid_blocks"},
		{"ids", `{"type":"divider","block_id":"a"},{"type":"divider","block_id":"b"}`, `{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}`, "invalid_blocks"},
		{"size", section(text(3000)) + "," + section(text(3000)), strings.TrimSuffix(strings.Repeat(section(text(2800))+",", 5), ","), "msg_blocks_too_long"},
		{"shape", dividers(1), `{"type":`, "invalid_blocks_format"},
	}
	for _, tt := range tests {
		if err := CheckBlocks([]byte("[" + tt.good + "]")); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err := CheckBlocks([]byte("[" + tt.bad + "]")); err == nil || !strings.HasPrefix(err.Error(), tt.word+":") {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.word)
		}
	}
}
