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

// The same for what can be pressed, for images and for charts.
func TestLimitsOnElementsAreEnforced(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	text := func(n int) string { return fmt.Sprintf(`{"type":"plain_text","text":%q}`, x(n)) }
	actions := func(elements ...string) string {
		return `{"type":"actions","elements":[` + strings.Join(elements, ",") + `]}`
	}
	button := func(id string, label, value int, more string) string {
		return fmt.Sprintf(`{"type":"button","action_id":%q,"text":%s,"value":%q%s}`, id, text(label), x(value), more)
	}
	buttons := func(n int) string {
		var out []string
		for i := range n {
			out = append(out, button(fmt.Sprint("a", i), 1, 1, ""))
		}
		return actions(out...)
	}
	options := func(n, label, value int) string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(`{"text":%s,"value":"%03d%s"}`, text(label), i, x(value-3)))
		}
		return strings.Join(out, ",")
	}
	menu := func(placeholder int, options string) string {
		return actions(fmt.Sprintf(`{"type":"static_select","action_id":"m","placeholder":%s,"options":[%s]}`, text(placeholder), options))
	}
	dots := func(options string) string {
		return fmt.Sprintf(`{"type":"section","text":%s,"accessory":{"type":"overflow","action_id":"d","options":[%s]}}`, text(1), options)
	}
	confirm := func(title, body, yes int) string {
		return actions(button("a", 1, 1, fmt.Sprintf(`,"confirm":{"title":%s,"text":%s,"confirm":%s,"deny":%s}`, text(title), text(body), text(yes), text(1))))
	}
	image := func(alt int, more string) string {
		return fmt.Sprintf(`{"type":"image","alt_text":%q%s}`, x(alt), more)
	}
	const file = `,"slack_file":{"id":"F1"}`
	chart := func(title, name, label, points int, typ string) string {
		var categories, data []string
		for i := range points {
			l := fmt.Sprintf("%02d%s", i, x(label-2))
			categories, data = append(categories, fmt.Sprintf("%q", l)), append(data, fmt.Sprintf(`{"label":%q,"value":%d}`, l, i))
		}
		return fmt.Sprintf(`{"type":"data_visualization","title":%q,"chart":{"type":%q,"series":[{"name":%q,"data":[%s]}],"axis_config":{"categories":[%s]}}}`,
			x(title), typ, x(name), strings.Join(data, ","), strings.Join(categories, ","))
	}
	for _, tt := range []struct{ name, good, bad string }{
		{"elements", buttons(25), buttons(26)},
		{"no elements", buttons(1), actions()},
		{"a button's label", actions(button("a", 75, 1, "")), actions(button("a", 76, 1, ""))},
		{"a button's value", actions(button("a", 1, 2000, "")), actions(button("a", 1, 2001, ""))},
		{"a button's style", actions(button("a", 1, 1, `,"style":"danger"`)), actions(button("a", 1, 1, `,"style":"green"`))},
		{"a button's link", actions(button("a", 1, 1, `,"url":"https://a.example"`)), actions(button("a", 1, 1, `,"url":"javascript:x"`))},
		{"action ids", actions(button("a", 1, 1, ""), button("b", 1, 1, "")), actions(button("a", 1, 1, ""), button("a", 1, 1, ""))},
		{"an action id's length", actions(button(x(255), 1, 1, "")), actions(button(x(256), 1, 1, ""))},
		{"elements of other types", buttons(1), actions(`{"type":"datepicker","action_id":"a"}`)},
		{"a menu's options", menu(150, options(100, 1, 4)), menu(150, options(101, 1, 4))},
		{"a menu's placeholder", menu(150, options(1, 1, 4)), menu(151, options(1, 1, 4))},
		{"an option's label", menu(1, options(1, 75, 4)), menu(1, options(1, 76, 4))},
		{"an option's value", menu(1, options(1, 1, 150)), menu(1, options(1, 1, 151))},
		{"an option twice", menu(1, options(2, 1, 4)), menu(1, options(1, 1, 4)+","+options(1, 1, 4))},
		{"dots", dots(options(5, 1, 4)), dots(options(6, 1, 4))},
		{"a question's title", confirm(100, 300, 30), confirm(101, 1, 1)},
		{"a question", confirm(1, 300, 1), confirm(1, 301, 1)},
		{"a question's answer", confirm(1, 1, 30), confirm(1, 1, 31)},
		{"an image", image(2000, file), image(2001, file)},
		{"an image without words", image(1, file), image(0, file)},
		{"an image from elsewhere", image(1, file), image(1, `,"image_url":"https://a.example/x.png"`)},
		{"a chart's title", chart(50, 1, 4, 2, "line"), chart(51, 1, 4, 2, "line")},
		{"a chart's series", chart(1, 20, 4, 2, "bar"), chart(1, 21, 4, 2, "bar")},
		{"a chart's labels", chart(1, 1, 20, 2, "area"), chart(1, 1, 21, 2, "area")},
		{"a chart's points", chart(1, 1, 4, 20, "line"), chart(1, 1, 4, 21, "line")},
		{"an empty chart", chart(1, 1, 4, 1, "line"), chart(1, 1, 4, 0, "line")},
		{"a chart's type", chart(1, 1, 4, 1, "line"), chart(1, 1, 4, 1, "radar")},
	} {
		if err := CheckBlocks([]byte("[" + tt.good + "]")); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err := CheckBlocks([]byte("[" + tt.bad + "]")); err == nil || !strings.HasPrefix(err.Error(), "invalid_blocks:") {
			t.Errorf("%s: %v, want invalid_blocks", tt.name, err)
		}
	}
}
