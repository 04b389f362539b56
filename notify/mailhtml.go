package notify

import (
	"html"
	"strconv"
	"strings"
)

// Styles stand on every element because many mail readers drop <style>.
const (
	styleParagraph = `margin:0 0 14px;line-height:1.55`
	styleHeading   = `margin:20px 0 8px;font-size:17px;line-height:1.35;font-weight:600`
	styleList      = `margin:0 0 14px;padding-left:22px;line-height:1.55`
	styleItem      = `margin:0 0 4px`
	styleQuote     = `margin:0 0 14px;padding:2px 0 2px 14px;border-left:3px solid #d6dae0;color:#4a5361`
	stylePre       = `margin:0 0 14px;padding:10px 12px;background:#f4f5f7;border-radius:6px;font:13px/1.5 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap;word-break:break-word`
	styleCode      = `padding:1px 4px;background:#f4f5f7;border-radius:4px;font:0.92em ui-monospace,Menlo,Consolas,monospace`
	styleLink      = `color:#0b5cad`
	styleRule      = `margin:18px 0;border:0;border-top:1px solid #e3e6ea`
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
			element(sb, tag, styleHeading, func() { htmlSpans(sb, b.spans) })
		case list:
			tag := "ul"
			if b.first > 0 {
				tag = "ol"
			}
			open := tag
			if b.first > 1 {
				open += ` start="` + strconv.Itoa(b.first) + `"`
			}
			sb.WriteString("<" + open + ` style="` + styleList + `">`)
			for _, item := range b.items {
				element(sb, "li", styleItem, func() { item.writeHTML(sb, true) })
			}
			sb.WriteString("</" + tag + ">\n")
		case quote:
			element(sb, "blockquote", styleQuote, func() { b.items[0].writeHTML(sb, false) })
		case codeBlock:
			element(sb, "pre", stylePre, func() { sb.WriteString(html.EscapeString(b.code)) })
		case rule:
			sb.WriteString(`<hr style="` + styleRule + `">` + "\n")
		default:
			if tight && len(d) <= 2 { // an item's words, perhaps with a list below them
				htmlSpans(sb, b.spans)
				continue
			}
			element(sb, "p", styleParagraph, func() { htmlSpans(sb, b.spans) })
		}
	}
}

func element(sb *strings.Builder, tag, style string, body func()) {
	sb.WriteString("<" + tag + ` style="` + style + `">`)
	body()
	sb.WriteString("</" + tag + ">\n")
}

func htmlSpans(sb *strings.Builder, spans []span) {
	for i := 0; i < len(spans); {
		next, _ := linkRun(spans, i)
		if link := spans[i].link; link != "" {
			sb.WriteString(`<a href="` + html.EscapeString(link) + `" style="` + styleLink + `">`)
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
	wrap(s.code, `<code style="`+styleCode+`">`, "</code>")
	sb.WriteString(strings.ReplaceAll(html.EscapeString(s.text), "\n", "<br>\n"))
	sb.WriteString(closing)
}
