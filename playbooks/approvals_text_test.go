package playbooks

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever a name is, people who edit a mail do not make markup or a link of it by
// leaving it as it is.
func TestEditableStaysText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOf(rapid.SampledFrom([]rune("aB3 .-_*[]()<>#!`\\&:@/~|'"))).Draw(t, "name")
		text := editable("Hi " + escapeMarkdown(name) + ", hello.")
		for i := 0; i < len(text); i++ {
			if text[i] == '\\' {
				i++
				continue
			}
			if strings.IndexByte("*_[]<>#`:@/~|", text[i]) >= 0 {
				t.Fatalf("%q has a bare %q in %q", name, text[i], text)
			}
			if strings.IndexByte(".&", text[i]) >= 0 && i+1 < len(text) && text[i+1] != ' ' {
				t.Fatalf("%q has a bare %q inside a word of %q", name, text[i], text)
			}
		}
		if unescapeMarkdown(text) != unescapeMarkdown("Hi "+escapeMarkdown(name)+", hello.") {
			t.Fatalf("%q reads as %q", name, text)
		}
	})
}
