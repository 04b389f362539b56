package notify

import (
	"html"
	"strconv"
	"strings"
)

// Styles stand on every element because many mail readers drop <style>; classes
// are for those that keep it, to turn the colours round in the dark (see
// mailframe.go). Colours that text is read in are all set here.
const (
	attrParagraph = `style="margin:0 0 14px;line-height:1.55"`
	attrHeading   = `style="margin:20px 0 8px;font-size:17px;line-height:1.35;font-weight:600"`
	attrList      = `style="margin:0 0 14px;padding-left:22px;line-height:1.55"`
	attrItem      = `style="margin:0 0 4px"`
	attrQuote     = `class="st-quote" style="margin:0 0 14px;padding:2px 0 2px 14px;border-left:3px solid #d6dae0;color:#4a5361"`
	attrPre       = `class="st-code" style="margin:0 0 14px;padding:10px 12px;background-color:#f4f5f7;border-radius:6px;font:13px/1.5 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap;word-break:break-word"`
	attrCode      = `class="st-code" style="padding:1px 4px;background-color:#f4f5f7;border-radius:4px;font:0.92em ui-monospace,Menlo,Consolas,monospace"`
	attrLink      = `class="st-link" style="color:#0b5cad;text-decoration:underline"`
	attrRule      = `class="st-rule" style="margin:18px 0;border:0;border-top:1px solid #d6dae0"`
)

// html renders wording with its styles inline. Every text in it is escaped.
func (d document) html() string {
	var sb strings.Builder
	d.writeHTML(&sb, false)
	return sb.String()
}

func (d document) writeHTML(sb *strings.Builder, tight bool) {
	for _, b := range d {
		switch b.kind {
		case heading:
			tag := "h" + strconv.Itoa(min(max(b.level, 2), 4)) // h1 is the mail's own
			htmlElement(sb, tag, attrHeading, func() { htmlSpans(sb, b.spans) })
		case list:
			tag := "ul"
			if b.first > 0 {
				tag = "ol"
			}
			open := tag
			if b.first > 1 {
				open += ` start="` + strconv.Itoa(b.first) + `"`
			}
			sb.WriteString("<" + open + " " + attrList + ">")
			for _, item := range b.items {
				htmlElement(sb, "li", attrItem, func() { item.writeHTML(sb, true) })
			}
			sb.WriteString("</" + tag + ">\n")
		case quote:
			htmlElement(sb, "blockquote", attrQuote, func() { b.items[0].writeHTML(sb, len(b.items[0]) == 1) })
		case codeBlock:
			htmlElement(sb, "pre", attrPre, func() { sb.WriteString(html.EscapeString(b.code)) })
		case rule:
			sb.WriteString("<hr " + attrRule + ">\n")
		default:
			if tight && len(d) <= 2 { // an item's words, perhaps with a list below them
				htmlSpans(sb, b.spans)
				continue
			}
			htmlElement(sb, "p", attrParagraph, func() { htmlSpans(sb, b.spans) })
		}
	}
}

func htmlElement(sb *strings.Builder, tag, attributes string, body func()) {
	sb.WriteString("<" + tag + " " + attributes + ">")
	body()
	sb.WriteString("</" + tag + ">\n")
}

func htmlSpans(sb *strings.Builder, spans []span) {
	for i := 0; i < len(spans); {
		next, _ := linkRun(spans, i)
		if link := spans[i].link; link != "" {
			sb.WriteString(`<a href="` + html.EscapeString(link) + `" ` + attrLink + ">")
		}
		for _, s := range spans[i:next] {
			htmlSpan(sb, s)
		}
		if spans[i].link != "" {
			sb.WriteString("</a>")
		}
		i = next
	}
}

func htmlSpan(sb *strings.Builder, s span) {
	var closing string
	wrap := func(on bool, open, end string) {
		if on {
			sb.WriteString(open)
			closing = end + closing
		}
	}
	wrap(s.bold, "<strong>", "</strong>")
	wrap(s.italic, "<em>", "</em>")
	wrap(s.code, "<code "+attrCode+">", "</code>")
	sb.WriteString(strings.ReplaceAll(html.EscapeString(s.text), "\n", "<br>\n"))
	sb.WriteString(closing)
}
