package notify

import (
	"strings"
	"unicode/utf8"
)

// Plain text as mail has it: RFC 3676, format=flowed. A line that ends with a
// space goes on in the next, for programs that fit lines to their window; the
// others show lines of at most 72 characters. A quote inside a quote flows as one
// of one level.

// flowWidth is how wide lines are, in characters and with their space.
const flowWidth = 72

// signatureMark parts a letter from what stands below it; its space makes nothing
// flow.
const signatureMark = "-- "

// flowed wraps text whose paragraphs are one line each. Marks of quotes stay at
// the beginning of each line; code, which is indented by four, keeps its lines.
func flowed(text string) string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if line == signatureMark {
			out = append(out, line)
			continue
		}
		line = strings.TrimRight(line, " ")
		mark, words := "", line
		if quoted, ok := strings.CutPrefix(line, ">"); ok {
			mark, words = ">", strings.TrimPrefix(quoted, " ")
		}
		for _, l := range wrapped(words, flowWidth-2*len(mark)) {
			out = append(out, stuffed(mark, l))
		}
	}
	return strings.Join(out, "\n")
}

// stuffed puts a space before a line that would else be taken for something that
// it is not: a quote, or what mail boxes on Unix call a new mail.
func stuffed(mark, line string) string {
	if line == "" {
		return mark
	}
	if mark != "" || line[0] == ' ' || line[0] == '>' || strings.HasPrefix(line, "From ") {
		return mark + " " + line
	}
	return line
}

// wrapped breaks a line between words. A word that is longer than a line, such as
// an address, stays whole. A line of dashes that imitates a signature's mark ends
// without its space.
func wrapped(line string, width int) []string {
	if utf8.RuneCountInString(line) <= width || strings.HasPrefix(line, "    ") {
		return []string{line}
	}
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	var out []string
	at, n := indent, utf8.RuneCountInString(indent)
	for i, word := range strings.Fields(line) {
		size := utf8.RuneCountInString(word)
		if i > 0 {
			if n+1+size >= width && at+" " != signatureMark {
				out = append(out, at+" ")
				at, n = "", 0
			} else {
				at, n = at+" ", n+1
			}
		}
		at, n = at+word, n+size
	}
	return append(out, at)
}

// withTargets writes where links lead behind their words, as text.
func (d document) withTargets() document {
	out := make(document, len(d))
	for i, b := range d {
		items := b.items
		b.items = make([]document, len(items))
		for j, item := range items {
			b.items[j] = item.withTargets()
		}
		var spans []span
		for j := 0; j < len(b.spans); {
			next, words := linkRun(b.spans, j)
			if target := strings.TrimPrefix(b.spans[j].link, "mailto:"); target != "" && target != words {
				words += " <" + target + ">"
			}
			spans = append(spans, span{text: words})
			j = next
		}
		b.spans = spans
		out[i] = b
	}
	return out
}
