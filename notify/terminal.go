package notify

import (
	"strings"

	"github.com/rivo/uniseg"

	"steward"
)

// terminalCard draws a message as a box for a terminal. width is the columns it
// may take, 72 if zero; colour allows escape sequences. Text loses its control
// characters before it comes here, so that a company's name cannot move the
// cursor or recolour the screen.
func terminalCard(l steward.Letter, width int, colour bool) string {
	if width <= 0 {
		width = 72
	}
	t := terminal{inner: max(width, 30) - 4, colour: colour}
	c := l.Content
	t.rule("╭", "╮", route(l.Message))
	t.wrap("", cardHeading(c), boldOn)
	var facts []string
	for _, f := range c.Facts {
		if v := oneLine(f.Text); v != "" {
			facts = append(facts, strings.TrimSpace(oneLine(f.Label)+" "+v))
		}
	}
	t.wrap("", strings.Join(facts, " · "), dimOn)
	for _, p := range c.Parts {
		t.line("", "")
		if title := oneLine(p.Title); title != oneLine(c.Title) {
			t.wrap("", title, boldOn)
		}
		for _, e := range sentences(p.Evidence) {
			t.wrap("• ", e, "")
		}
		if len(sentences(p.Evidence)) > 0 {
			t.line("", "")
		}
		for _, para := range strings.Split(parseMarkdown(p.Markdown).plain(), "\n") {
			if para == "" { // a mail reads as a letter, a card stays compact
				if l.Message.Channel == steward.Email {
					t.line("", "")
				}
				continue
			}
			t.wrap("", para, "")
		}
	}
	if f := oneLine(c.Footer); f != "" {
		t.line("", "")
		t.wrap("", f, dimOn)
	}
	t.rule("╰", "╯", "")
	return t.sb.String()
}

const (
	boldOn = "\x1b[1m"
	dimOn  = "\x1b[2m"
	reset  = "\x1b[0m"
)

// route is "Slack → Dana Reyes", the box's own heading.
func route(m steward.Message) string {
	word := channelWord(m.Channel)
	if m.Kind == steward.Approval {
		word += ", approval"
	}
	return word + " → " + meantFor(m)
}

type terminal struct {
	sb     strings.Builder
	inner  int
	colour bool
}

func (t *terminal) rule(left, right, title string) {
	if title != "" {
		if short := cutToWidth(title, t.inner-5); short != title {
			title = short + "…"
		}
		title = "─ " + title + " "
	}
	t.sb.WriteString(left + title + strings.Repeat("─", max(t.inner+2-uniseg.StringWidth(title), 0)) + right + "\n")
}

func (t *terminal) line(text, style string) {
	pad := strings.Repeat(" ", max(t.inner-uniseg.StringWidth(text), 0))
	if t.colour && style != "" && text != "" {
		text = style + text + reset
	}
	t.sb.WriteString("│ " + text + pad + " │\n")
}

// wrap writes text in lines of the box's width, hanging under mark.
func (t *terminal) wrap(mark, text, style string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	indent := mark + leading(text)
	room := max(t.inner-uniseg.StringWidth(indent), 8)
	line, used := indent, 0
	for _, word := range strings.Fields(text) {
		for word != "" {
			piece := cutToWidth(word, room)
			if piece == "" { // a cluster wider than the box
				piece = word
			}
			word = word[len(piece):]
			w := uniseg.StringWidth(piece)
			if used > 0 && used+1+w > room {
				t.line(line, style)
				line, used = strings.Repeat(" ", uniseg.StringWidth(indent)), 0
			}
			if used > 0 {
				line, used = line+" ", used+1
			}
			line, used = line+piece, used+w
		}
	}
	t.line(line, style)
}

func leading(s string) string {
	n := len(s) - len(strings.TrimLeft(s, " "))
	return strings.Repeat(" ", min(n, 12))
}

// cutToWidth is the longest beginning of s that takes at most width columns.
func cutToWidth(s string, width int) string {
	kept, used, rest, state := 0, 0, s, -1
	for rest != "" {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+w > width {
			break
		}
		used, kept = used+w, kept+len(cluster)
	}
	return s[:kept]
}
