package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// A record is one row as it stands in the file. Its cells are valid until the
// next one is read.
type record struct {
	line  int // the physical line on which it begins, from 1
	cells [][]byte
	// faults says in words what is wrong with single cells, which are empty then.
	faults map[int]string
	// bad says in words why the record as a whole cannot be read; its cells are
	// then incomplete.
	bad string
}

// blank tells a record without anything in it: an empty line, or nothing but
// delimiters, as spreadsheets leave behind.
func (r *record) blank() bool {
	for _, c := range r.cells {
		if len(bytes.TrimSpace(c)) > 0 {
			return false
		}
	}
	return r.bad == ""
}

// A csvReader reads records of comma-separated values as RFC 4180 has them,
// and as they really come: any one-byte delimiter, \n, \r\n or \r, a quotation
// mark inside an unquoted cell.
//
// It is not encoding/csv because of quotation marks that are opened and never
// closed. There, one of them swallows every row up to the next mark, or to the
// end of the file, into one cell, at the cost of that much memory. Here the
// line that opened it is rejected and reading goes on with the next line; and
// a mark inside an unquoted cell (5" pipe) is just a character, as it can mean
// nothing else.
type csvReader struct {
	in    *lineReader
	comma byte
	// redo is the lines of a record that turned out broken after its first,
	// to be read again as records of their own; nil is a line that was too long.
	redo     [][]byte
	redone   int // bytes read again so far
	line     int // physical lines taken
	cells    [][]byte
	scratch  []byte
	ends     []int
	raw      [][]byte // the lines of the record being read
	rawBytes int
}

// maxRedo bounds the work of reading lines again. A file that needs more is
// not CSV.
const maxRedo = 64 << 20

func newCSVReader(in io.Reader, comma, eol byte) *csvReader {
	return &csvReader{in: newLineReader(in, eol), comma: comma}
}

// next reads a record; io.EOF after the last.
func (c *csvReader) next(r *record) error {
	c.scratch, c.ends, c.raw, c.rawBytes = c.scratch[:0], c.ends[:0], c.raw[:0], 0
	text, err := c.takeLine()
	if errors.Is(err, errLongLine) {
		*r = record{line: c.line, bad: longRecord}
		return nil
	}
	if err != nil {
		return err
	}
	*r = record{line: c.line}
	if bad, err := c.parse(text); err != nil {
		return err
	} else if bad != "" {
		r.bad = bad
		return c.putBack()
	}
	c.cells = c.cells[:0]
	from := 0
	for _, end := range c.ends {
		c.cells = append(c.cells, c.scratch[from:end])
		from = end
	}
	r.cells = c.cells
	return nil
}

const longRecord = "is longer than 1 MiB; look for a quotation mark that is opened and never closed"

// parse splits the record that begins with text into scratch and ends, taking
// further lines while a quoted cell is open.
func (c *csvReader) parse(text []byte) (bad string, err error) {
	for i := 0; ; {
		if i < len(text) && text[i] == '"' {
			i, text, bad, err = c.quoted(i+1, text)
			if bad != "" || err != nil {
				return bad, err
			}
			if i < len(text) && text[i] != c.comma {
				return "has text after a closing quotation mark; double the marks inside a quoted cell", nil
			}
		} else {
			end := bytes.IndexByte(text[i:], c.comma)
			if end < 0 {
				end = len(text) - i
			}
			c.scratch = append(c.scratch, text[i:i+end]...)
			i += end
		}
		c.ends = append(c.ends, len(c.scratch))
		if len(c.ends) > MaxColumns {
			return fmt.Sprintf("has more than %d cells; is the delimiter right?", MaxColumns), nil
		}
		if i >= len(text) {
			return "", nil
		}
		i++ // the delimiter
	}
}

// quoted reads a quoted cell from after its opening mark, and gives the place
// after its closing one with the line it is on.
func (c *csvReader) quoted(i int, text []byte) (int, []byte, string, error) {
	const open = "opens a quotation mark that is not closed; close it, or double the marks inside the cell"
	for {
		mark := bytes.IndexByte(text[i:], '"')
		if mark >= 0 {
			c.scratch = append(c.scratch, text[i:i+mark]...)
			i += mark + 1
			if i < len(text) && text[i] == '"' {
				c.scratch = append(c.scratch, '"')
				i++
				continue
			}
			return i, text, "", nil
		}
		c.scratch = append(c.scratch, text[i:]...)
		c.scratch = append(c.scratch, '\n')
		if c.rawBytes == 0 {
			c.keep(text)
		}
		more, err := c.takeLine()
		switch {
		case err == io.EOF:
			return 0, nil, open, nil
		case errors.Is(err, errLongLine):
			c.raw = append(c.raw, nil)
			return 0, nil, open, nil
		case err != nil:
			return 0, nil, "", err
		}
		c.keep(more)
		if c.rawBytes > MaxRecord {
			return 0, nil, open, nil
		}
		text, i = c.raw[len(c.raw)-1], 0
	}
}

// keep holds a line of a record of several lines, for putBack.
func (c *csvReader) keep(text []byte) {
	c.raw = append(c.raw, bytes.Clone(text))
	c.rawBytes += len(text) + 1
}

// putBack gives every line of a broken record but its first to be read again.
func (c *csvReader) putBack() error {
	if len(c.raw) < 2 {
		return nil
	}
	again := slices.Clone(c.raw[1:])
	c.redone += c.rawBytes
	if c.redone > maxRedo {
		return &Error{Line: c.line, Message: "its quotation marks are broken nearly everywhere", Hint: "export the file again with quoted cells, or as tab-separated text"}
	}
	c.line -= len(again)
	c.redo = append(again, c.redo...)
	return nil
}

func (c *csvReader) takeLine() ([]byte, error) {
	if len(c.redo) > 0 {
		text := c.redo[0]
		c.redo = c.redo[1:]
		c.line++
		if text == nil {
			return nil, errLongLine
		}
		return text, nil
	}
	text, err := c.in.next()
	if err == nil || errors.Is(err, errLongLine) {
		c.line++
	}
	return text, err
}

// A lineReader reads physical lines without their ends, of at most MaxRecord
// bytes.
type lineReader struct {
	in   io.Reader
	eol  byte
	buf  []byte
	r, w int
	err  error
	// unended tells that the last line has been read and had no line end.
	unended bool
}

var errLongLine = errors.New("line is too long")

func newLineReader(in io.Reader, eol byte) *lineReader {
	return &lineReader{in: in, eol: eol, buf: make([]byte, sniffBytes)}
}

// next gives a line, valid until the next call. After errLongLine the rest of
// the long line has been skipped.
func (l *lineReader) next() ([]byte, error) {
	long := false
	seen := 0
	for {
		if i := bytes.IndexByte(l.buf[l.r+seen:l.w], l.eol); i >= 0 {
			line := l.buf[l.r : l.r+seen+i]
			l.r += seen + i + 1
			if long || len(line) > MaxRecord {
				return nil, errLongLine
			}
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		seen = l.w - l.r
		if l.err != nil {
			line := l.buf[l.r:l.w]
			l.r = l.w
			l.unended = l.unended || len(line) > 0 || long
			switch {
			case long, len(line) > MaxRecord:
				return nil, errLongLine
			case len(line) > 0 && l.err == io.EOF:
				return bytes.TrimSuffix(line, []byte("\r")), nil
			}
			return nil, l.err
		}
		if seen > MaxRecord {
			long, seen, l.r = true, 0, l.w
		}
		l.fill()
	}
}

// fill makes room and reads more.
func (l *lineReader) fill() {
	if l.r > 0 {
		l.w = copy(l.buf, l.buf[l.r:l.w])
		l.r = 0
	}
	if l.w == len(l.buf) {
		l.buf = slices.Grow(l.buf, len(l.buf))[:2*len(l.buf)]
	}
	for range 100 {
		n, err := l.in.Read(l.buf[l.w:])
		l.w += n
		if err != nil {
			l.err = err
		}
		if n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}
