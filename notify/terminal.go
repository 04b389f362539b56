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
	t := newTerminal(width, colour)
	t.rule("╭", "╮", route(l.Message))
	switch {
	case l.Message.Kind == steward.Digest:
		t.digest(readDigest(l))
	case l.Message.Channel == steward.Email:
		t.letter(l.Content)
	default:
		t.card(readCard(l.Content, l.Face))
	}
	t.rule("╰", "╯", "")
	return t.sb.String()
}

// terminalChange says in a line what became of a card that was shown before.
func terminalChange(l steward.Letter, width int, colour bool) string {
	t := newTerminal(width, colour)
	marks := sentences(append([]string{l.Face.Over}, l.Face.Marks...))
	for _, p := range l.Face.Parts {
		marks = append(marks, sentences(p.Marks)...)
	}
	text := "drawn anew"
	if len(marks) > 0 {
		text = strings.Join(marks, " · ")
	}
	return cutToWidth("  ↳ "+cardHeading(l.Content)+": "+text, t.inner+4) + "\n"
}

func newTerminal(width int, colour bool) *terminal {
	if width <= 0 {
		width = 72
	}
	return &terminal{inner: max(width, 30) - 4, colour: colour}
}

// card draws a card as Slack shows it, without any limit but the box's width.
func (t *terminal) card(c card) {
	t.wrap("", c.heading, boldOn)
	t.wrap("", c.over, boldOn)
	t.wrap("", strings.Join(c.marks, " · "), dimOn)
	if c.over == "" {
		t.wrap("", factsText(c.facts), dimOn)
	}
	for _, p := range c.parts {
		t.line("", "")
		t.wrap("", p.title, boldOn)
		for _, e := range p.evidence {
			t.wrap("• ", e, "")
		}
		if len(p.evidence) > 0 && len(p.wording) > 0 {
			t.line("", "")
		}
		for _, para := range strings.Split(p.wording.plain(), "\n") {
			t.wrap("", para, "") // a card stays compact: no empty lines
		}
		if p.picture != nil {
			t.line("", "")
			t.wrap("", Sparkline(p.picture.Values)+"  "+p.picture.Label, "")
		}
		if p.say != "" {
			t.wrap("› ", "Say: "+p.say, "")
		}
		t.wrap("", strings.Join(p.marks, " · "), dimOn)
		t.buttons(p.buttons)
	}
	t.buttons(c.buttons)
	if c.over == "" {
		t.small(c.footer)
	}
}

func (t *terminal) digest(d digest) {
	t.wrap("", d.heading, boldOn)
	t.wrap("", strings.Join(d.marks, " · "), dimOn)
	t.wrap("", factsText(d.facts), dimOn)
	for _, a := range d.accounts {
		t.line("", "")
		t.wrap("", a.name, boldOn)
		t.wrap("", factsText(a.facts), dimOn)
		for _, i := range a.items {
			for n, l := range strings.Split(i.text(), "\n") {
				mark := "  "
				if n == 0 {
					mark = "• "
				}
				t.wrap(mark, l, "")
			}
		}
	}
	t.buttons(d.buttons)
	t.small(d.footer)
}

// letter draws a mail, which reads as one: with its empty lines.
func (t *terminal) letter(c steward.Content) {
	t.wrap("", cardHeading(c), boldOn)
	t.wrap("", factsText(readFacts(c.Facts)), dimOn)
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
			if para == "" {
				t.line("", "")
				continue
			}
			t.wrap("", para, "")
		}
	}
	t.small(oneLine(c.Footer))
}

// buttons are what can be pressed in Slack: ▾ has more to choose from.
func (t *terminal) buttons(buttons []steward.Button) {
	var out []string
	for _, b := range buttons {
		label := oneLine(b.Label)
		if len(b.Options) > 0 {
			label += " ▾"
		}
		if b.Link != "" {
			label += " ↗"
		}
		if label != "" {
			out = append(out, "["+label+"]")
		}
	}
	t.wrap("", strings.Join(out, " "), "")
}

func (t *terminal) small(text string) {
	if text != "" {
		t.line("", "")
		t.wrap("", text, dimOn)
	}
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
