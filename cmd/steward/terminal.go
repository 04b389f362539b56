package main

import (
	"bytes"
	"io"
	"os"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"steward/notify"
)

// tame is a stream through which every command prints. Names and texts come
// from a CRM and from files that others write, and a terminal obeys what is in
// them: it is told to clear its screen, to take a window's title, to show text
// the wrong way round. Here all of that is dropped, whatever the command that
// prints has forgotten. What remains is text, line breaks, tabs, and, where
// colour is on, the colours this program uses itself.
//
// Line breaks pass. So what prints data in a line of its own still has to say
// clean, lest a name be a second line.
type tame struct {
	out    io.Writer
	colour func() bool

	mu   sync.Mutex
	half []byte // the beginning of a character whose end comes with the next write
}

// Write writes what may be shown of p and tells that it wrote all of it.
func (t *tame) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := append(t.half, p...)
	whole := len(text) - unfinished(text)
	t.half = append([]byte(nil), text[whole:]...)
	if _, err := t.out.Write(t.shown(text[:whole])); err != nil {
		return 0, err
	}
	return len(p), nil
}

// unfinished is how many bytes at the end begin a character without ending it.
func unfinished(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if last := text[len(text)-n:]; utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}

func (t *tame) shown(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		if n := bytes.IndexAny(text, "\n\t\x1b"); n != 0 {
			if n < 0 {
				n = len(text)
			}
			out = append(out, notify.Harmless(string(text[:n]))...)
			text = text[n:]
			continue
		}
		n := 1
		if text[0] != '\x1b' {
			out = append(out, text[0])
		} else if paint := ownPaint(text); paint > 0 && t.colour() {
			out, n = append(out, text[:paint]...), paint
		}
		text = text[n:]
	}
	return out
}

// ownPaint is the length of an escape sequence of this program's own at the
// beginning of text: bold, dim, a colour, or their end. None hides text.
func ownPaint(text []byte) int {
	for _, code := range []string{"0", "1", "2", "31", "32", "33"} {
		if s := "\x1b[" + code + "m"; bytes.HasPrefix(text, []byte(s)) {
			return len(s)
		}
	}
	return 0
}

// raw is the stream itself, for what moves the cursor on purpose.
func raw(w io.Writer) io.Writer {
	if t, ok := w.(*tame); ok {
		return t.out
	}
	return w
}

func isTerminal(w io.Writer) bool {
	f, ok := raw(w).(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// escaped writes what a terminal may obey in JSON as escapes: a program reads
// the same text, and a person who looks at it is not misled.
func escaped(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if c := string(text[:n]); r < 0x7f || notify.Harmless(c) == c {
			out = append(out, c...)
		} else {
			for _, unit := range utf16.Encode([]rune{r}) {
				out = append(out, '\\', 'u', hexDigits[unit>>12], hexDigits[unit>>8&15], hexDigits[unit>>4&15], hexDigits[unit&15])
			}
		}
		text = text[n:]
	}
	return out
}

const hexDigits = "0123456789abcdef"

// clean makes data one line: what would break the line becomes a blank.
func clean(s string) string { return notify.Harmless(s) }
