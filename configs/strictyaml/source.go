package strictyaml

import (
	"errors"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"steward"
)

// A source is a file's text by lines, as YAML counts them.
type source struct {
	file  string
	lines []string
}

const byteOrderMark = "\ufeff"

func newSource(file string, src []byte) *source {
	return &source{file: file, lines: splitLines(strings.TrimPrefix(string(src), byteOrderMark))}
}

// splitLines cuts at \n, \r\n and a lone \r, all of which end a line in YAML.
func splitLines(text string) []string {
	var out []string
	for {
		i := strings.IndexAny(text, "\r\n")
		if i < 0 {
			return append(out, text)
		}
		out = append(out, text[:i])
		if strings.HasPrefix(text[i:], "\r\n") {
			i++
		}
		text = text[i+1:]
	}
}

// line is the text of a line counted from 1; "" outside the file.
func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// from is the text of a line from a column on, both counted from 1.
func (s *source) from(line, column int) string {
	text := s.line(line)
	for i := 1; i < column && text != ""; i++ {
		_, size := utf8.DecodeRuneInString(text)
		text = text[size:]
	}
	return text
}

// problem tells a mistake at a position, which is moved inside the file where
// it is not (the parser reports an unclosed quote behind the last line).
func (s *source) problem(line, column, length int, message, hint string) steward.Problem {
	line = min(max(line, 1), len(s.lines))
	for line > 1 && s.lines[line-1] == "" && line == len(s.lines) {
		line--
		column = utf8.RuneCountInString(s.lines[line-1]) + 1
	}
	text := s.line(line)
	width := utf8.RuneCountInString(text)
	column = min(max(column, 1), width+1)
	length = max(min(length, width+1-column), 1)
	return steward.Problem{File: s.file, Line: line, Column: column, Length: length, Message: message, Hint: hint, Snippet: text}
}

// badCharacter finds the first byte or character that no text file of ours can
// hold. The YAML reader would tell it without a line.
func (s *source) badCharacter() (steward.Problem, bool) {
	for i, text := range s.lines {
		column := 0
		for at, r := range text {
			column++
			switch {
			case r == utf8.RuneError && !strings.HasPrefix(text[at:], "\ufffd"):
				return s.clean(i, column, "this is not UTF-8 text", "save the file in the UTF-8 encoding"), true
			case r == '\u0085' || r == '\u2028' || r == '\u2029':
				return s.clean(i, column, "an invisible line separator stands here", "delete it and press Enter instead"), true
			case r == '\ufeff':
				return s.clean(i, column, "an invisible byte order mark stands here", "delete it"), true
			case r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r == '\ufffe' || r == '\uffff':
				return s.clean(i, column, "a control character stands here", "delete it; is this a text file?"), true
			}
		}
	}
	return steward.Problem{}, false
}

// clean is a problem whose snippet can be printed on a terminal.
func (s *source) clean(index, column int, message, hint string) steward.Problem {
	p := s.problem(index+1, column, 1, message, hint)
	p.Line, p.Column = index+1, column
	p.Snippet = strings.Map(func(r rune) rune {
		if r == '\t' || r >= ' ' && r < 0x7f || r >= 0xa0 && r != '\u2028' && r != '\u2029' && r != '\ufeff' {
			return r
		}
		return '\ufffd'
	}, strings.ToValidUTF8(s.lines[index], "\ufffd"))
	return p
}

// split cuts the file at its `---` lines. Such a line at the first column ends
// a document wherever it stands, even inside a block of text, so no parsing is
// needed to find them, and a document that is not YAML does not hide the next.
func (s *source) split() []Document {
	var out []Document
	start := 0
	add := func(end int) {
		text := strings.Join(s.lines[start:end], "\n")
		if strings.TrimSpace(text) != "" {
			out = append(out, Document{Source: strings.TrimSuffix(text, "\n") + "\n", Line: start + 1})
		}
	}
	for i, l := range s.lines {
		rest, ok := strings.CutPrefix(l, "---")
		if !ok || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
			continue
		}
		add(i)
		start = i + 1
		if rest = strings.TrimSpace(rest); rest != "" && rest[0] != '#' {
			start = i // content on the separating line itself
		}
	}
	add(len(s.lines))
	return out
}

// words turns what the YAML parser says into what a person can act on. The
// first entry whose text is in the parser's message counts.
var words = []struct{ in, message, hint string }{
	{"mapping values are not allowed", "a colon stands where no value can begin", "indent the keys of one block alike, and put text that holds \": \" in quotes"},
	{"found character that cannot start any token", "text cannot begin with this character", "put the text in quotes"},
	{"could not find expected ':'", "a key without a colon", "write key: value"},
	{"did not find expected key", "this does not fit the lines above it", "indent the keys of one block alike; text that goes on after a closing quote needs quotes around the whole"},
	{"did not find expected '-' indicator", "the list ends here, but this line is indented like one of its items", "begin it with \"- \", or indent it less"},
	{"did not find expected ',' or ']'", "a list in [brackets] is not closed", "add the missing ] or comma"},
	{"did not find expected ',' or '}'", "a block in {braces} is not closed", "add the missing } or comma"},
	{"found unexpected end of stream", "a quote that begins here is never closed", "add the closing quote"},
	{"found unexpected document indicator", "a quote that begins here is never closed", "add the closing quote"},
	{"block sequence entries are not allowed", "a list item cannot begin here", "put the list on the lines below its key"},
	{"did not find expected node content", "a value is missing or not closed here", "close the brackets; put text that begins with a sign in quotes"},
	{"unknown escape", "an unknown escape in double quotes", "double the backslash, or use single quotes"},
	{"unknown anchor", "a YAML alias (*name) is not read here", "put the text in quotes, or write the value out"},
	{"did not find expected alphabetic or numeric", "a YAML anchor or alias is not read here", "put text that begins with & or * in quotes"},
	{"tab", "a tab is used to indent", "indent with spaces"},
	{"depth", "nested too deep", "is a bracket left open?"},
	{"exceed", "nested too deep", "is a bracket left open?"},
	{"flow level", "nested too deep", "is a bracket left open?"},
	{"indent level", "nested too deep", "is a bracket left open?"},
	{"tag", "a YAML tag is not read here", "put text that begins with ! in quotes"},
	{"directive", "a YAML directive (%) is not read here", "remove the line"},
}

// syntax is the problem of a document that the parser could not read.
func (s *source) syntax(err error, part Document) steward.Problem {
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		return s.problem(part.Line, 1, 1, "this is not YAML: "+err.Error(), "")
	}
	mark := le.Mark
	if strings.Contains(le.Message, "end of stream") || strings.Contains(le.Message, "document indicator") {
		mark = le.ContextMark // where the quote was opened, not where the file ended
	}
	line, column := part.Line+max(mark.Line, 1)-1, mark.Column
	if last := part.Line + strings.Count(part.Source, "\n") - 1; line > last {
		line, column = last, MaxBytes // what is missing is missing at the end
	}
	if strings.HasPrefix(strings.TrimLeft(s.line(line), " "), "\t") {
		return s.problem(line, 1+strings.Index(s.line(line), "\t"), 1, "a tab is used to indent", "indent with spaces")
	}
	for _, w := range words {
		if strings.Contains(le.Message, w.in) {
			return s.problem(line, column, 1, w.message, w.hint)
		}
	}
	return s.problem(line, column, 1, "this is not YAML: "+le.Message, "compare with the line above it: quotes, brackets, indentation")
}
