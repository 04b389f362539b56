package notify

import (
	"strconv"
	"strings"
)

// plain renders wording as readable text: the other half of a mail, Slack's
// fallback, the terminal. Links stand behind their words.
func (d document) plain() string {
	var sb strings.Builder
	d.writePlain(&sb, "", "\n\n")
	return strings.TrimRight(sb.String(), " \n")
}

func (d document) writePlain(sb *strings.Builder, indent, between string) {
	for i, b := range d {
		if i > 0 {
			gap := between
			if b.kind == list { // a list belongs to the words before it
				gap = "\n"
			}
			sb.WriteString(strings.TrimRight(strings.Repeat("\n", strings.Count(gap, "\n")), " "))
		}
		switch b.kind {
		case list:
			for j, item := range b.items {
				if j > 0 {
					sb.WriteString("\n")
				}
				mark := "- "
				if b.first > 0 {
					mark = strconv.Itoa(b.first+j) + ". "
				}
				sb.WriteString(indented(mark, indent, item, "\n"))
			}
		case quote:
			sb.WriteString(quoted(indent, b.items[0]))
		case codeBlock:
			sb.WriteString(indent + "    " + strings.ReplaceAll(b.code, "\n", "\n"+indent+"    "))
		case rule:
			sb.WriteString(indent + "----")
		default:
			sb.WriteString(indent + strings.ReplaceAll(plainSpans(b.spans), "\n", "\n"+indent))
		}
	}
}

func indented(mark, indent string, item document, between string) string {
	var sb strings.Builder
	item.writePlain(&sb, indent+strings.Repeat(" ", len(mark)), between)
	return indent + mark + strings.TrimLeft(sb.String(), " ")
}

func quoted(indent string, inner document) string {
	var sb strings.Builder
	inner.writePlain(&sb, "", "\n\n")
	return indent + "> " + strings.ReplaceAll(sb.String(), "\n", "\n"+indent+"> ")
}

func plainSpans(spans []span) string {
	var sb strings.Builder
	for i := 0; i < len(spans); {
		j, words := linkRun(spans, i)
		sb.WriteString(words)
		if target := strings.TrimPrefix(spans[i].link, "mailto:"); target != "" && target != words {
			sb.WriteString(" (" + target + ")")
		}
		i = j
	}
	return sb.String()
}

// linkRun is the words of the spans from i on that lead to one place, and the
// index after them: a link with a bold word in it is several spans.
func linkRun(spans []span, i int) (next int, words string) {
	next = i + 1
	words = spans[i].text
	for spans[i].link != "" && next < len(spans) && spans[next].link == spans[i].link {
		words += spans[next].text
		next++
	}
	return next, words
}
