package notify

import (
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// maxSectionText is how many runes one rich_text element may hold; Slack
// documents it for sections and measures rich text alike.
const maxSectionText = 3000

// richText renders wording as Slack rich text, in which text is only ever text:
// asterisks, <!channel> and https:// in it stay the characters they are.
func (d document) richText() []slack.RichTextElement {
	w := richWriter{}
	w.blocks(d, 0)
	w.flush()
	return w.out
}

// richWriter gathers paragraphs into one section, because Slack sets no space
// between sections, only between the lines of one.
type richWriter struct {
	out     []slack.RichTextElement
	section []span
}

func (w *richWriter) flush() {
	for _, spans := range pieces(w.section) {
		if el := section(spans); el != nil {
			w.out = append(w.out, el)
		}
	}
	w.section = nil
}

func (w *richWriter) paragraph(spans []span) {
	if len(w.section) > 0 {
		w.section = append(w.section, span{text: "\n\n"})
	}
	w.section = append(w.section, spans...)
}

func (w *richWriter) blocks(d document, indent int) {
	for _, b := range d {
		switch b.kind {
		case heading:
			w.paragraph(bold(b.spans))
		case list:
			w.flush()
			w.list(b, indent)
		case quote:
			w.flush()
			for _, spans := range pieces(flatten(b.items[0])) {
				if els := elements(spans); len(els) > 0 {
					w.out = append(w.out, &slack.RichTextQuote{Type: slack.RTEQuote, Elements: els})
				}
			}
		case codeBlock:
			w.flush()
			w.out = append(w.out, &slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: elements([]span{{text: b.code}})})
		case rule:
			w.paragraph([]span{{text: "———"}})
		default:
			w.paragraph(b.spans)
		}
	}
}

// list writes a list as Slack has it: flat lists with an indent, in which a
// nested list interrupts its parent and Offset lets the numbers go on.
func (w *richWriter) list(b block, indent int) {
	style := slack.RTEListBullet
	if b.first > 0 {
		style = slack.RTEListOrdered
	}
	current := &slack.RichTextList{Type: slack.RTEList, Style: style, Indent: indent}
	place := func(next int) {
		if len(current.Elements) > 0 {
			w.out = append(w.out, current)
		}
		current = &slack.RichTextList{Type: slack.RTEList, Style: style, Indent: indent}
		if b.first > 0 {
			current.Offset = b.first - 1 + next
		}
	}
	place(0)
	for i, item := range b.items {
		var words, nested document
		for _, in := range item {
			if in.kind == list {
				nested = append(nested, in)
			} else {
				words = append(words, in)
			}
		}
		if el := section(flatten(words)); el != nil {
			current.Elements = append(current.Elements, el)
		}
		if len(nested) > 0 {
			place(i + 1)
			for _, in := range nested {
				w.list(in, indent+1)
			}
		}
	}
	place(0)
}

// flatten is the spans of a document, one block a line.
func flatten(d document) []span {
	var out []span
	for _, b := range d {
		var spans []span
		switch b.kind {
		case list, quote:
			for _, item := range b.items {
				if len(spans) > 0 {
					spans = append(spans, span{text: "\n"})
				}
				if b.kind == list {
					spans = append(spans, span{text: "• "})
				}
				spans = append(spans, flatten(item)...)
			}
		case codeBlock:
			spans = []span{{text: b.code, code: true}}
		case rule:
			spans = []span{{text: "———"}}
		case heading:
			spans = bold(b.spans)
		default:
			spans = b.spans
		}
		if len(spans) == 0 {
			continue
		}
		if len(out) > 0 {
			out = append(out, span{text: "\n"})
		}
		out = append(out, spans...)
	}
	return out
}

func bold(spans []span) []span {
	out := make([]span, len(spans))
	for i, s := range spans {
		s.bold = true
		out[i] = s
	}
	return out
}

// pieces parts spans into stretches that one element may hold each, at the end
// of a line or a word where there is one.
func pieces(spans []span) (out [][]span) {
	var piece []span
	room := maxSectionText
	for _, s := range spans {
		for utf8.RuneCountInString(s.text) > room {
			runes := []rune(s.text)
			cut := room
			if at := strings.LastIndexAny(string(runes[:room]), "\n "); at > 0 {
				cut = utf8.RuneCountInString(string(runes[:room])[:at]) + 1
			} else if room < maxSectionText {
				cut = 0 // the word may have room in the next one
			}
			head := s
			if head.text = string(runes[:cut]); cut > 0 {
				piece = append(piece, head)
			}
			s.text = string(runes[cut:])
			out, piece, room = append(out, piece), nil, maxSectionText
		}
		room -= utf8.RuneCountInString(s.text)
		piece = append(piece, s)
	}
	return append(out, piece)
}

// section is a rich text section of at most maxSectionText runes, or nil: Slack
// refuses a section, and a text, without content.
func section(spans []span) *slack.RichTextSection {
	els := elements(spans)
	if len(els) == 0 {
		return nil
	}
	return slack.NewRichTextSection(els...)
}

func elements(spans []span) []slack.RichTextSectionElement {
	var out []slack.RichTextSectionElement
	room := maxSectionText
	for _, s := range spans {
		s.text = shorten(s.text, room)
		if s.text == "" {
			continue
		}
		room -= utf8.RuneCountInString(s.text)
		if s.link != "" && strings.TrimSpace(s.text) != "" {
			out = append(out, slack.NewRichTextSectionLinkElement(s.link, s.text, textStyle(s)))
			continue
		}
		out = append(out, slack.NewRichTextSectionTextElement(s.text, textStyle(s)))
	}
	return out
}

func textStyle(s span) *slack.RichTextSectionTextStyle {
	if !s.bold && !s.italic && !s.code {
		return nil
	}
	return &slack.RichTextSectionTextStyle{Bold: s.bold, Italic: s.italic, Code: s.code}
}
