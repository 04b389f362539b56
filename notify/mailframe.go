package notify

import (
	"html"
	"strings"
)

// The frame around a letter. It is meant to look like what a person writes: one
// column on the left, no pictures, no boxes. What is odd in it is for mail
// programs: Outlook on Windows lays out with Word, which knows tables and no
// max-width; Gmail drops a style sheet that has a rule it does not know, and in
// some of its apps any; dark modes turn round colours that they are not told
// about. So every style stands on its element, and the sheets only add.

// letterStyle is the letter's own font and colour.
const letterStyle = `font:16px/1.55 -apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#1f2328;text-align:left;overflow-wrap:break-word`

const (
	// Word takes the width of the table in the comment; the others max-width.
	wordOpen  = "<!--[if mso]><table role=\"presentation\" width=\"600\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr><td><![endif]-->\n"
	wordClose = "<!--[if mso]></td></tr></table><![endif]-->\n"
	wordHead  = `<!--[if mso]><xml><o:OfficeDocumentSettings><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml>
<style>td,p,li,a,h2,h3,h4,blockquote{font-family:'Segoe UI',Arial,sans-serif !important} pre,code{font-family:Consolas,monospace !important}</style><![endif]-->
`
	hidden = `style="display:none;max-height:0;overflow:hidden;mso-hide:all;opacity:0;font-size:1px;line-height:1px;color:#ffffff"`
)

// dark is the colours of the dark, by class: ink, paper, or an edge.
var dark = []struct{ class, property, colour string }{
	{"st-page", "background-color", "#15181c"},
	{"st-text", "color", "#e8eaed"},
	{"st-soft", "color", "#a8b0ba"},
	{"st-small", "color", "#a8b0ba"},
	{"st-small", "border-top-color", "#3a4048"},
	{"st-link", "color", "#8ab4f8"},
	{"st-quote", "color", "#c3c9d1"},
	{"st-quote", "border-left-color", "#4a515b"},
	{"st-code", "background-color", "#23272e"},
	{"st-rule", "border-top-color", "#3a4048"},
}

// darkRules writes the colours behind a selector of where they hold. Outlook.com
// marks what it has turned round with attributes of two names.
func darkRules(sb *strings.Builder, ink, paper string) {
	for _, d := range dark {
		where := ink
		if d.property == "background-color" {
			where = paper
		}
		sb.WriteString(where + "." + d.class + "{" + d.property + ":" + d.colour + " !important}\n")
	}
}

// sheets are the style sheets: the one with attribute selectors apart, as a
// program that chokes on those drops the sheet that they stand in.
func sheets() string {
	var sb strings.Builder
	sb.WriteString("<style>\n:root{color-scheme:light dark;supported-color-schemes:light dark}\n@media (prefers-color-scheme:dark){\n")
	darkRules(&sb, "", "")
	sb.WriteString("}\n@media (max-width:480px){\n.st-pad{padding:16px !important}\n}\n</style>\n<style>\n")
	darkRules(&sb, "[data-ogsc] ", "[data-ogsb] ")
	sb.WriteString("</style>\n")
	return sb.String()
}

// html is the whole page.
func (b mailBody) html() string {
	var sb strings.Builder
	sb.WriteString(`<!doctype html>
<html lang="` + html.EscapeString(localeTag(b.content.Locale)) + `" xmlns:o="urn:schemas-microsoft-com:office:office">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no">
<meta name="x-apple-disable-message-reformatting">
<title>` + html.EscapeString(headerText(b.content.Title, 200)) + `</title>
` + wordHead + sheets() + `</head>
` + bodyOpen)
	if p := b.preheader(); p != "" {
		htmlElement(&sb, "div", hidden, func() { sb.WriteString(html.EscapeString(p)) })
	}
	sb.WriteString(`<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="#ffffff" class="st-page" style="background-color:#ffffff">
<tr><td class="st-pad" style="padding:24px">
` + wordOpen + `<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px">
<tr><td class="st-text" style="` + letterStyle + `">
`)
	b.writeLetter(&sb)
	sb.WriteString("</td></tr>\n</table>\n" + wordClose + "</td></tr>\n</table>\n</body>\n</html>\n")
	return sb.String()
}

const bodyOpen = `<body class="st-page" style="margin:0;padding:0;background-color:#ffffff">
`
