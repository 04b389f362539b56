package notify

import (
	"html"
	"strings"

	"steward"
)

// mailBody renders a message's content as the two halves of a mail. A
// customer's mail is its one part's wording and nothing else that a person
// would not have written; facts and evidence appear where the content has them,
// as a card does that is redirected to an address.
type mailBody struct {
	content     steward.Content
	unsubscribe string
}

// Limits of what came from a CRM, in runes: a mail has none of its own, but its
// reader's patience does. Wording is limited where it is parsed.
const (
	maxMailFact   = 300
	maxMailFooter = 2000
)

// facts is the labelled values that say something.
func (b mailBody) facts() []steward.LabelledText {
	var out []steward.LabelledText
	for _, f := range b.content.Facts {
		if t := shorten(oneLine(f.Text), maxMailFact); t != "" {
			out = append(out, steward.LabelledText{Label: shorten(oneLine(f.Label), maxMailFact), Text: t})
		}
	}
	return out
}

func (b mailBody) account() string { return shorten(oneLine(b.content.Account), maxMailFact) }

func (b mailBody) footer() string {
	return shorten(strings.TrimSpace(manyLines(b.content.Footer)), maxMailFooter)
}

// partTitle is a part's heading, unless the subject has said it already.
func (b mailBody) partTitle(p steward.ContentPart) string {
	t := oneLine(p.Title)
	if t == oneLine(b.content.Title) {
		return ""
	}
	return shorten(t, maxMailFact)
}

func (b mailBody) evidence(p steward.ContentPart) []string {
	out := sentences(p.Evidence)
	for i, e := range out {
		out[i] = shorten(e, maxMailFact)
	}
	return out
}

func (b mailBody) plain() string {
	var paras []string
	if a := b.account(); a != "" && b.isCard() {
		paras = append(paras, a)
	}
	var facts []string
	for _, f := range b.facts() {
		facts = append(facts, strings.TrimPrefix(f.Label+": "+f.Text, ": "))
	}
	if len(facts) > 0 {
		paras = append(paras, strings.Join(facts, "\n"))
	}
	for _, p := range b.content.Parts {
		if t := b.partTitle(p); t != "" {
			paras = append(paras, strings.ToUpper(t))
		}
		if words := parseMarkdown(p.Markdown).plain(); words != "" {
			paras = append(paras, words)
		}
		if ev := b.evidence(p); len(ev) > 0 {
			paras = append(paras, "- "+strings.Join(ev, "\n- "))
		}
	}
	var small []string
	if f := b.footer(); f != "" {
		small = append(small, f)
	}
	if b.unsubscribe != "" {
		small = append(small, unsubscribeWord(b.content.Locale)+": "+b.unsubscribe)
	}
	if len(small) > 0 {
		paras = append(paras, "-- \n"+strings.Join(small, "\n"))
	}
	return strings.Join(paras, "\n\n") + "\n"
}

// isCard tells a card that travels by mail from a mail proper.
func (b mailBody) isCard() bool { return len(b.content.Facts) > 0 }

const mailFont = `font:16px/1.55 -apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif`

// html is the whole page. One column and no images: it reads as a letter does,
// in the dark too, since no background is set.
func (b mailBody) html() string {
	lang := localeTag(b.content.Locale)
	return `<!doctype html>
<html lang="` + html.EscapeString(lang) + `">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>` + html.EscapeString(headerText(b.content.Title, 200)) + `</title>
</head>
<body style="margin:0;padding:24px 16px">
` + b.fragment() + `</body>
</html>
`
}

// fragment is what stands in the page's body.
func (b mailBody) fragment() string {
	var sb strings.Builder
	sb.WriteString(`<div style="max-width:600px;margin:0 auto;` + mailFont + `">` + "\n")
	if b.isCard() {
		b.writeFacts(&sb)
	}
	for _, p := range b.content.Parts {
		if t := b.partTitle(p); t != "" {
			element(&sb, "h2", styleHeading, func() { sb.WriteString(html.EscapeString(t)) })
		}
		parseMarkdown(p.Markdown).writeHTML(&sb, false)
		if ev := b.evidence(p); len(ev) > 0 {
			sb.WriteString(`<ul style="` + styleList + `">`)
			for _, e := range ev {
				element(&sb, "li", styleItem, func() { sb.WriteString("<bdi>" + html.EscapeString(e) + "</bdi>") })
			}
			sb.WriteString("</ul>\n")
		}
	}
	b.writeSmallPrint(&sb)
	sb.WriteString("</div>\n")
	return sb.String()
}

func (b mailBody) writeFacts(sb *strings.Builder) {
	if a := b.account(); a != "" {
		element(sb, "p", `margin:0 0 6px;font-weight:600`, func() { sb.WriteString("<bdi>" + html.EscapeString(a) + "</bdi>") })
	}
	sb.WriteString(`<table role="presentation" cellpadding="0" cellspacing="0" style="margin:0 0 16px;font-size:14px">`)
	for _, f := range b.facts() {
		sb.WriteString(`<tr><td style="padding:1px 14px 1px 0;color:#6b7280">` + html.EscapeString(f.Label) +
			`</td><td style="padding:1px 0"><bdi>` + html.EscapeString(f.Text) + "</bdi></td></tr>")
	}
	sb.WriteString("</table>\n")
}

func (b mailBody) writeSmallPrint(sb *strings.Builder) {
	footer := b.footer()
	if footer == "" && b.unsubscribe == "" {
		return
	}
	sb.WriteString(`<p style="margin:28px 0 0;padding-top:12px;border-top:1px solid #e3e6ea;font-size:12px;line-height:1.5;color:#6b7280">`)
	sb.WriteString(strings.ReplaceAll(html.EscapeString(footer), "\n", "<br>\n"))
	if b.unsubscribe != "" {
		if footer != "" {
			sb.WriteString("<br>\n")
		}
		sb.WriteString(`<a href="` + html.EscapeString(b.unsubscribe) + `" style="color:#6b7280">` +
			html.EscapeString(unsubscribeWord(b.content.Locale)) + "</a>")
	}
	sb.WriteString("</p>\n")
}

// unsubscribeWord is the one word that the layout itself says. Its language is
// the mail's; English where it is none of these.
func unsubscribeWord(locale string) string {
	lang, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(locale, "_", "-")), "-")
	switch lang {
	case "de":
		return "Keine weiteren Nachrichten erhalten"
	case "fr":
		return "Ne plus recevoir ces messages"
	case "es":
		return "Dejar de recibir estos mensajes"
	case "it":
		return "Non ricevere più questi messaggi"
	case "nl":
		return "Geen berichten meer ontvangen"
	case "pt":
		return "Deixar de receber estas mensagens"
	}
	return "Stop receiving these messages"
}

// localeTag is the locale as HTML names it; en where it is not one.
func localeTag(locale string) string {
	tag := strings.ReplaceAll(locale, "_", "-")
	if tag == "" || len(tag) > 35 || strings.Trim(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return "en"
	}
	return tag
}
