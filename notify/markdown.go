package notify

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Limits on wording. Templates are limited where they are loaded; these keep
// rendering bounded whatever arrives.
const (
	maxMarkdown = 20_000 // bytes, some 3,000 words; more is cut, visibly. CommonMark is quadratic at worst
	maxNesting  = 6      // lists and quotes within one another; deeper ones are flattened
	maxLinkURL  = 2_000  // bytes; a longer target is dropped
)

// A document is wording after parsing, in the few shapes that Slack, HTML and
// plain text can all show. The three renderers walk it, so that nothing can be
// allowed in one and forgotten in another.
type document []block

type blockKind uint8

const (
	paragraph blockKind = iota
	heading
	list
	quote
	codeBlock
	rule
)

type block struct {
	kind  blockKind
	level int        // of a heading, 1 to 6
	spans []span     // of a paragraph or heading
	code  string     // of a code block
	first int        // of a list: the first number; 0 is a bulleted list
	items []document // of a list; a quote has one
}

// A span is a stretch of text of one style; a line break is the text "\n".
type span struct {
	text   string
	bold   bool
	italic bool
	code   bool
	link   string // an http, https or mailto URL, or ""
}

// markdownParser is CommonMark without raw HTML and without <https://…>
// links: both are then ordinary text, and every renderer escapes text.
func markdownParser() parser.Parser {
	keep := func(in []util.PrioritizedValue, drop ...int) []util.PrioritizedValue {
		out := in[:0]
		for _, v := range in {
			dropped := false
			for _, p := range drop {
				dropped = dropped || v.Priority == p
			}
			if !dropped {
				out = append(out, v)
			}
		}
		return out
	}
	return parser.NewParser(
		parser.WithBlockParsers(keep(parser.DefaultBlockParsers(), 900)...),        // HTML blocks
		parser.WithInlineParsers(keep(parser.DefaultInlineParsers(), 300, 400)...), // autolinks, raw HTML
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
	)
}

// parseMarkdown reads wording. It cannot fail: every text is Markdown.
func parseMarkdown(md string) document {
	if len(md) > maxMarkdown {
		md = strings.ToValidUTF8(md[:maxMarkdown], "") + "…"
	}
	src := []byte(manyLines(strings.ToValidUTF8(md, "�")))
	r := reader{src: src}
	return r.blocks(markdownParser().Parse(text.NewReader(src)), 0)
}

type reader struct{ src []byte }

func (r reader) blocks(parent ast.Node, depth int) document {
	var doc document
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			doc = appendText(doc, block{kind: heading, level: n.Level, spans: r.spans(n)})
		case *ast.List:
			doc = append(doc, r.list(n, depth)...)
		case *ast.Blockquote:
			inner := r.blocks(n, depth+1)
			if depth >= maxNesting {
				doc = append(doc, inner...)
			} else if len(inner) > 0 {
				doc = append(doc, block{kind: quote, items: []document{inner}})
			}
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			if code := r.lines(n); code != "" {
				doc = append(doc, block{kind: codeBlock, code: code})
			}
		case *ast.ThematicBreak:
			doc = append(doc, block{kind: rule})
		default: // paragraphs, tight list items' text
			doc = appendText(doc, block{kind: paragraph, spans: r.spans(n)})
		}
	}
	return doc
}

func appendText(doc document, b block) document {
	if len(b.spans) == 0 {
		return doc
	}
	return append(doc, b)
}

func (r reader) list(n *ast.List, depth int) document {
	b := block{kind: list}
	if n.IsOrdered() {
		b.first = max(n.Start, 1)
	}
	var flat document
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		inner := r.blocks(item, depth+1)
		if len(inner) > 0 {
			b.items = append(b.items, inner)
			flat = append(flat, inner...)
		}
	}
	switch {
	case len(b.items) == 0:
		return nil
	case depth >= maxNesting:
		return flat
	}
	return document{b}
}

func (r reader) lines(n ast.Node) string {
	var sb strings.Builder
	for i := range n.Lines().Len() {
		seg := n.Lines().At(i)
		sb.Write(seg.Value(r.src))
	}
	return strings.TrimRight(manyLines(sb.String()), "\n")
}

func (r reader) spans(parent ast.Node) []span {
	var out []span
	r.inline(parent, span{}, &out, 0)
	return tidy(out)
}

// inline appends the spans under a node. Nesting of emphasis is bounded since
// its depth is the attacker's choice and Go's stack is not.
func (r reader) inline(parent ast.Node, style span, out *[]span, depth int) {
	if depth > 50 {
		return
	}
	emit := func(s span, t string) {
		s.text = t
		*out = append(*out, s)
	}
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Text:
			if n.IsRaw() {
				emit(style, string(n.Value(r.src)))
			} else {
				emit(style, unescape(n.Value(r.src)))
			}
			switch {
			case n.HardLineBreak():
				emit(style, "\n")
			case n.SoftLineBreak():
				emit(style, " ")
			}
		case *ast.String:
			emit(style, string(n.Value))
		case *ast.CodeSpan:
			s := style
			s.code = true
			r.inline(n, s, out, depth+1)
		case *ast.Emphasis:
			s := style
			if n.Level >= 2 {
				s.bold = true
			} else {
				s.italic = true
			}
			r.inline(n, s, out, depth+1)
		case *ast.Link:
			s := style
			s.link = safeURL(unescape(n.Destination))
			r.inline(n, s, out, depth+1)
		default: // an image is its description; anything else its text
			r.inline(n, style, out, depth+1)
		}
	}
}

// tidy joins neighbours of one style and takes out what cannot be seen. Text is
// cleaned here, after entities were resolved: "&#8238;" is a bidirectional
// override too.
func tidy(in []span) []span {
	var out []span
	for _, s := range in {
		if s.text != "\n" {
			s.text = strings.Map(visible, s.text)
		}
		if s.text == "" {
			continue
		}
		if k := len(out) - 1; k >= 0 && sameStyle(out[k], s) {
			out[k].text += s.text
			continue
		}
		out = append(out, s)
	}
	for len(out) > 0 {
		last := &out[len(out)-1]
		if last.text = strings.TrimRight(last.text, " \n"); last.text != "" {
			break
		}
		out = out[:len(out)-1]
	}
	return out
}

func sameStyle(a, b span) bool {
	a.text, b.text = "", ""
	return a == b
}

var entity = regexp.MustCompile(`^&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});`)

// unescape resolves backslash escapes and entities in one pass, as CommonMark
// has it: `\&amp;` is the five characters "&amp;" and not "&".
func unescape(b []byte) string {
	var sb strings.Builder
	for i := 0; i < len(b); {
		if b[i] == '\\' && i+1 < len(b) && util.IsPunct(b[i+1]) {
			sb.WriteByte(b[i+1])
			i += 2
			continue
		}
		if b[i] == '&' {
			if m := entity.Find(b[i:]); m != nil {
				if t := html.UnescapeString(string(m)); t != string(m) && utf8.ValidString(t) {
					sb.WriteString(t)
					i += len(m)
					continue
				}
			}
		}
		sb.WriteByte(b[i])
		i++
	}
	return sb.String()
}

// safeURL is the link's target when it is one that a mail or card may lead to,
// else "": the words then stand without a link.
func safeURL(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > maxLinkURL || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || visible(r) != r }) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		if u.Host == "" || u.User != nil { // https://bank.example@evil.example
			return ""
		}
	case "mailto":
		if u.Opaque == "" {
			return ""
		}
	default:
		return ""
	}
	return u.String()
}

// shortened keeps at most limit runes of text; left is how many blocks (or
// items of a list) had to go or were cut.
func (d document) shortened(limit int) (kept document, left int) {
	room := limit
	kept, left = d.within(&room)
	return kept, left
}

func (d document) within(room *int) (kept document, left int) {
	for i, b := range d {
		if *room <= 0 {
			return kept, left + len(d) - i
		}
		switch b.kind {
		case list, quote:
			var items []document
			for j, item := range b.items {
				if *room <= 0 {
					left += len(b.items) - j
					break
				}
				in, n := item.within(room)
				left += n
				items = append(items, in)
			}
			b.items = items
		case codeBlock:
			if n := utf8.RuneCountInString(b.code); n > *room {
				b.code, left = shorten(b.code, *room), left+1
			}
			*room -= utf8.RuneCountInString(b.code)
		default:
			var cut bool
			if b.spans, cut = spansWithin(b.spans, room); cut {
				left++
			}
		}
		kept = append(kept, b)
	}
	return kept, left
}

func spansWithin(in []span, room *int) (out []span, cut bool) {
	for _, s := range in {
		n := utf8.RuneCountInString(s.text)
		if n > *room {
			s.text = shorten(s.text, *room)
			*room = 0
			if s.text != "" {
				out = append(out, s)
			}
			return out, true
		}
		*room -= n
		out = append(out, s)
	}
	return out, false
}
