package notify

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

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

// plain is the text half: format=flowed (RFC 3676), so that it reads well where
// lines are 72 wide and where they are as wide as a phone.
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
		if words := parseMarkdown(p.Markdown).withTargets().plain(); words != "" {
			paras = append(paras, words)
		}
		if ev := b.evidence(p); len(ev) > 0 {
			paras = append(paras, "- "+strings.Join(ev, "\n- "))
		}
	}
	var below []string
	if s := b.signature(); len(s) > 0 {
		below = append(below, strings.Join(s, "\n"))
	}
	if f := b.footer(); f != "" {
		below = append(below, f)
	}
	if b.unsubscribe != "" {
		below = append(below, chooseWords(b.content.Locale)+": <"+b.unsubscribe+">")
	}
	if len(below) > 0 {
		paras = append(paras, signatureMark+"\n"+strings.Join(below, "\n\n"))
	}
	return flowed(strings.Join(paras, "\n\n")) + "\n"
}

// isCard tells a card that travels by mail from a mail proper.
func (b mailBody) isCard() bool { return len(b.content.Facts) > 0 }

// signature is who wrote the letter, beneath it. A letter that ends with the
// name does not say it again.
func (b mailBody) signature() []string {
	lines := sentences(b.content.Signature)
	for i, l := range lines {
		lines[i] = shorten(l, maxMailFact)
	}
	if n := len(b.content.Parts); n > 0 && len(lines) > 0 {
		words := parseMarkdown(b.content.Parts[n-1].Markdown).plain()
		if strings.TrimSpace(words[strings.LastIndexByte(words, '\n')+1:]) == lines[0] {
			lines = lines[1:]
		}
	}
	return lines
}

// preheader is what a list of mails shows beside the subject: the first words
// that say something, which a greeting does not.
func (b mailBody) preheader() string {
	if b.isCard() || len(b.content.Parts) == 0 {
		return ""
	}
	for _, block := range parseMarkdown(b.content.Parts[0].Markdown) {
		if block.kind != paragraph {
			continue
		}
		words := ""
		for _, s := range block.spans {
			words += s.text
		}
		words = oneLine(words)
		if last, _ := utf8.DecodeLastRuneInString(words); len(words) > greetingLength || !unicode.IsPunct(last) || last == '.' || last == '?' {
			return shorten(words, 110)
		}
	}
	return ""
}

// greetingLength is up to how many bytes a paragraph that ends with a comma, or
// the like, is taken for a greeting.
const greetingLength = 60

// fragment is what stands in the page's body: the letter, without the frame that
// mail programs need.
func (b mailBody) fragment() string {
	var sb strings.Builder
	sb.WriteString(`<div style="max-width:600px;` + letterStyle + `">` + "\n")
	b.writeLetter(&sb)
	sb.WriteString("</div>\n")
	return sb.String()
}

func (b mailBody) writeLetter(sb *strings.Builder) {
	if b.isCard() {
		b.writeFacts(sb)
	}
	for _, p := range b.content.Parts {
		if t := b.partTitle(p); t != "" {
			htmlElement(sb, "h2", attrHeading, func() { sb.WriteString(html.EscapeString(t)) })
		}
		parseMarkdown(p.Markdown).writeHTML(sb, false)
		if ev := b.evidence(p); len(ev) > 0 {
			sb.WriteString("<ul " + attrList + ">")
			for _, e := range ev {
				htmlElement(sb, "li", attrItem, func() { sb.WriteString("<bdi>" + html.EscapeString(e) + "</bdi>") })
			}
			sb.WriteString("</ul>\n")
		}
	}
	b.writeSignature(sb)
	b.writeSmallPrint(sb)
}

func (b mailBody) writeFacts(sb *strings.Builder) {
	if a := b.account(); a != "" {
		htmlElement(sb, "p", `style="margin:0 0 6px;font-weight:600"`, func() { sb.WriteString("<bdi>" + html.EscapeString(a) + "</bdi>") })
	}
	sb.WriteString(`<table role="presentation" cellpadding="0" cellspacing="0" style="margin:0 0 16px;font-size:14px">`)
	for _, f := range b.facts() {
		sb.WriteString(`<tr><td class="st-soft" style="padding:1px 14px 1px 0;color:#5b6470">` + html.EscapeString(f.Label) +
			`</td><td class="st-text" style="padding:1px 0;color:#1f2328"><bdi>` + html.EscapeString(f.Text) + "</bdi></td></tr>")
	}
	sb.WriteString("</table>\n")
}

func (b mailBody) writeSignature(sb *strings.Builder) {
	lines := b.signature()
	if len(lines) == 0 {
		return
	}
	for i, l := range lines {
		lines[i] = "<bdi>" + html.EscapeString(l) + "</bdi>"
	}
	htmlElement(sb, "p", `class="st-soft" style="margin:0 0 14px;font-size:14px;line-height:1.5;color:#5b6470"`, func() { sb.WriteString(strings.Join(lines, "<br>\n")) })
}

func (b mailBody) writeSmallPrint(sb *strings.Builder) {
	footer := b.footer()
	if footer == "" && b.unsubscribe == "" {
		return
	}
	sb.WriteString(`<p class="st-small" style="margin:32px 0 0;padding-top:12px;border-top:1px solid #d6dae0;font-size:13px;line-height:1.5;color:#5b6470">`)
	sb.WriteString(strings.ReplaceAll(html.EscapeString(footer), "\n", "<br>\n"))
	if b.unsubscribe != "" {
		if footer != "" {
			sb.WriteString("<br>\n")
		}
		sb.WriteString(`<a href="` + html.EscapeString(b.unsubscribe) + `" class="st-soft" style="color:#5b6470;text-decoration:underline">` +
			html.EscapeString(chooseWords(b.content.Locale)) + "</a>")
	}
	sb.WriteString("</p>\n")
}

// chooseWords is what the layout itself says: that the reader can choose, or stop
// it. Its language is the mail's; English where it is none of these.
func chooseWords(locale string) string {
	lang, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(locale, "_", "-")), "-")
	switch lang {
	case "de":
		return "Auswählen, was Sie erhalten, oder abbestellen"
	case "fr":
		return "Choisir ce que vous recevez, ou vous désabonner"
	case "es":
		return "Elegir qué recibe, o darse de baja"
	case "it":
		return "Scegliere che cosa ricevere, o annullare l’iscrizione"
	case "nl":
		return "Kiezen wat u ontvangt, of afmelden"
	case "pt":
		return "Escolher o que recebe, ou cancelar"
	}
	return "Choose what you get, or unsubscribe"
}

// localeTag is the locale as HTML names it; en where it is not one.
func localeTag(locale string) string {
	tag := strings.ReplaceAll(locale, "_", "-")
	if tag == "" || len(tag) > 35 || strings.Trim(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return "en"
	}
	return tag
}
