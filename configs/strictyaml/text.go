package strictyaml

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"steward"
)

// A Style is how a scalar was written.
type Style uint8

// The styles of scalars.
const (
	Plain Style = iota
	SingleQuoted
	DoubleQuoted
	Literal // a | block
	Folded  // a > block
)

// A Pos is where a value stands in its file, counted from 1 in lines and
// characters. The zero Pos is "nowhere": a default, or a value made in Go.
type Pos struct {
	Line, Column int
	Style        Style
	// Indent is the columns that a literal block's lines are indented by.
	Indent int
}

// IsZero tells a value that stands in no file.
func (p Pos) IsZero() bool { return p.Line == 0 }

// PosOf is where a node stands.
func PosOf(n *Node) Pos {
	p := Pos{Line: n.Line, Column: n.Column}
	if n.Kind == yaml.ScalarNode {
		switch {
		case n.Style&yaml.SingleQuotedStyle != 0:
			p.Style = SingleQuoted
		case n.Style&yaml.DoubleQuotedStyle != 0:
			p.Style = DoubleQuoted
		case n.Style&yaml.LiteralStyle != 0:
			p.Style = Literal
		case n.Style&yaml.FoldedStyle != 0:
			p.Style = Folded
		}
	}
	return p
}

// Problem is a mistake at the position, in the file whose text src is. At the
// zero Pos it names the file alone.
func (p Pos) Problem(file, about string, length int, message, hint string, src []byte) steward.Problem {
	if p.IsZero() {
		return steward.Problem{File: file, About: about, Message: message, Hint: hint}
	}
	out := newSource(file, src).problem(p.Line, p.Column, length, message, hint)
	out.About = about
	return out
}

// A Scalar is any single value kept with its position, for names and settings
// that are checked after the whole file is read.
type Scalar struct {
	Value string
	Pos   Pos
}

// DecodeYAML reads a scalar of any style.
func (s *Scalar) DecodeYAML(d *Decoder, n *Node) {
	if d.scalar(n, "text") {
		*s = Scalar{Value: n.Value, Pos: PosOf(n)}
	}
}

// Problem is a mistake about the whole value.
func (s Scalar) Problem(file, about, message, hint string, src []byte) steward.Problem {
	length := utf8.RuneCountInString(s.Value)
	if s.Pos.Style == SingleQuoted || s.Pos.Style == DoubleQuoted {
		length += 2
	}
	return s.Pos.Problem(file, about, length, message, hint, src)
}

// Text is an expression of the language kept with its position. Trailing line
// ends of a literal block are dropped.
type Text struct {
	Value string
	Pos   Pos
}

// IsZero tells an absent expression.
func (t Text) IsZero() bool { return t.Value == "" && t.Pos.IsZero() }

// At is the file's line and column, in characters, of a byte offset inside
// Value; an offset outside it is moved to its nearest end. Both are 0 for a
// Text that stands in no file.
func (t Text) At(offset int) (line, column int) {
	if t.Pos.IsZero() {
		return 0, 0
	}
	before := t.Value[:min(max(offset, 0), len(t.Value))]
	switch t.Pos.Style {
	case Literal:
		row, in := strings.Count(before, "\n"), before[strings.LastIndexByte(before, '\n')+1:]
		if rest := t.Value[len(before):]; in == "" && (rest == "" || rest[0] == '\n') {
			return t.Pos.Line + 1 + row, 1 // a blank line need not be indented
		}
		return t.Pos.Line + 1 + row, t.Pos.Indent + 1 + utf8.RuneCountInString(in)
	case SingleQuoted: // a quote inside is written twice
		return t.Pos.Line, t.Pos.Column + 1 + utf8.RuneCountInString(before) + strings.Count(before, "'")
	case DoubleQuoted:
		return t.Pos.Line, t.Pos.Column + 1 + utf8.RuneCountInString(before)
	default:
		return t.Pos.Line, t.Pos.Column + utf8.RuneCountInString(before)
	}
}

// Problem is a mistake in the bytes from start to end of Value, in the file
// whose text src is. What runs over a line's end is underlined up to it.
func (t Text) Problem(file, about string, start, end int, message, hint string, src []byte) steward.Problem {
	line, column := t.At(start)
	if line == 0 {
		return steward.Problem{File: file, About: about, Message: message, Hint: hint}
	}
	endLine, endColumn := t.At(end)
	length := endColumn - column
	if endLine != line {
		length = MaxBytes // cut to the line's end
	}
	p := newSource(file, src).problem(line, column, length, message, hint)
	p.About = about
	return p
}

// DecodeYAML reads an expression and refuses the spellings of it whose
// positions cannot be kept.
func (t *Text) DecodeYAML(d *Decoder, n *Node) {
	if !d.scalar(n, "an expression") {
		return
	}
	p := PosOf(n)
	text := Text{Value: n.Value, Pos: p}
	rest := d.src.from(n.Line, n.Column)
	kept := false
	switch p.Style {
	case Plain:
		kept = strings.HasPrefix(rest, n.Value)
	case SingleQuoted:
		kept = strings.HasPrefix(rest, "'"+strings.ReplaceAll(n.Value, "'", "''")+"'")
	case DoubleQuoted:
		kept = strings.HasPrefix(rest, `"`+n.Value+`"`)
	case Literal:
		text.Value = strings.TrimRight(n.Value, "\n")
		text.Pos.Indent, kept = d.src.literalIndent(text)
	}
	if !kept {
		d.Problem(n, d.what+" is written in a way that loses the positions inside it", lostHints[p.Style])
		return
	}
	if strings.TrimSpace(text.Value) == "" {
		d.Problem(n, d.what+" is empty", "write an expression, or remove the line")
		return
	}
	*t = text
}

var lostHints = [...]string{
	Plain:        "put it on one line, or use a | block",
	SingleQuoted: "put it on one line, or use a | block",
	DoubleQuoted: "use no backslashes and put it on one line, or use a | block",
	Literal:      "indent the lines of the | block with spaces, all alike",
	Folded:       "use a | block instead of >",
}

// literalIndent is by how much the lines of a literal block are indented, and
// whether every line of it stands in the file as in the value.
func (s *source) literalIndent(t Text) (int, bool) {
	indent := -1
	for i, want := range strings.Split(t.Value, "\n") {
		have := s.line(t.Pos.Line + 1 + i)
		if want == "" {
			continue
		}
		if indent < 0 {
			indent = max(len(have)-len(want), 0)
		}
		if len(have) < indent || have[indent:] != want || strings.TrimLeft(have[:indent], " ") != "" {
			return 0, false
		}
	}
	return max(indent, 0), true
}
