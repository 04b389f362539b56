package notify

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Harmless is text from elsewhere as it may be shown within a line: each break
// of a line is one blank, and what a reader cannot see but a program may obey is
// dropped. Terminals and files that people read take it as it is.
func Harmless(s string) string { return strings.Map(visible, s) }

// oneLine makes text fit for a heading, a header field or a table: line breaks
// and runs of blanks become one blank, and what a reader cannot see but a
// program may obey is dropped.
func oneLine(s string) string {
	return strings.Join(strings.Fields(Harmless(s)), " ")
}

// manyLines does the same and keeps line breaks.
func manyLines(s string) string {
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRightFunc(Harmless(l), unicode.IsSpace)
	}
	return strings.Join(lines, "\n")
}

// visible maps a rune to what may be shown of it. Zero-width joiners stay,
// since Persian, Hindi and family emoji need them, and so do the left-to-right
// and right-to-left marks. Overrides and isolates go: an unclosed one in a
// company's name turns round the rest of the card, which is how "gpj.exe" is
// made to read "exe.jpg".
func visible(r rune) rune {
	switch {
	case r == '\t', r == '\n', r == '\v', r == '\f', r == '\r', r == 0x85, r == 0x2028, r == 0x2029:
		return ' '
	case unicode.IsControl(r),
		r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, // embeddings, overrides, isolates
		r == 0x200B, r == 0x2060, r == 0xFEFF, r == 0x180E, // nothing, with no meaning to a reader
		r >= 0xFFF9 && r <= 0xFFFB,   // interlinear annotation
		r >= 0xE0000 && r <= 0xE007F, // tags: text that nobody sees
		r&0xFFFE == 0xFFFE:
		return -1
	}
	return r
}

// shorten cuts text to at most limit runes, the last of which is then an
// ellipsis. It never parts an accent from its letter or an emoji from its skin,
// unless one such cluster alone is over the limit.
func shorten(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	if limit <= 0 {
		return ""
	}
	kept, runes, rest, state := 0, 0, s, -1
	for rest != "" {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		n := utf8.RuneCountInString(cluster)
		if runes+n > limit-1 {
			break
		}
		runes, kept = runes+n, kept+len(cluster)
	}
	return strings.TrimRightFunc(s[:kept], unicode.IsSpace) + "…"
}
