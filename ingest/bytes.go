package ingest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	textunicode "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// sniffBytes is how much of a file is looked at to tell its encoding,
// delimiter and line ends.
const sniffBytes = 64 << 10

// A stream is a file's text, unpacked, without a byte order mark, in UTF-8 or
// in a charset of single bytes whose lower half is ASCII. What tells the two
// apart may be the file's last byte, so cells are decoded one by one.
type stream struct {
	*bufio.Reader
	raw    io.Closer
	counts *counter
	utf16  bool // was decoded from UTF-16: cells are UTF-8 for certain
}

func (s *stream) Close() error { return s.raw.Close() }

// counter counts the bytes that were read of the file as it lies on disk.
type counter struct {
	io.Reader
	ctx  context.Context
	done int64
	size int64
}

func (c *counter) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.Reader.Read(p)
	c.done += int64(n)
	return n, err
}

// openStream opens, unpacks, and takes off the byte order mark.
func openStream(ctx context.Context, file File, open Open, charset string) (*stream, error) {
	path := file.Path
	f, err := open(path)
	if err != nil {
		return nil, notOpened(file, err)
	}
	s := &stream{raw: f, counts: &counter{Reader: f, ctx: ctx}}
	if sized, ok := f.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := sized.Stat(); err == nil && info.Mode().IsRegular() {
			s.counts.size = info.Size()
		}
	}
	if err := s.decode(charset); err != nil {
		f.Close()
		return nil, inFile(path, err)
	}
	return s, nil
}

// notOpened says which file of which kind cannot be opened.
func notOpened(f File, err error) error {
	what := fmt.Sprintf("the %s file", f.Kind)
	if f.Kind == "" {
		what = "the file that via names"
	}
	e := &Error{File: f.Path, Message: what + " cannot be opened", Err: withoutPath(err), Hint: "check its path in steward.yaml"}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Message, e.Hint = what+" is missing", "put it there, or change its path in steward.yaml"
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "let the user that steward runs as read it"
	}
	return e
}

// withoutPath is the cause of an error of the file system alone. The message
// names the file as the workspace does; where that lies on the machine is
// nothing to put into reports and mails.
func withoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// decode puts the layers over the file's bytes.
func (s *stream) decode(charset string) error {
	in := bufio.NewReaderSize(s.counts, sniffBytes)
	if head, _ := in.Peek(2); len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return &Error{Message: "is not a whole gzip file", Err: err, Hint: "export it again"}
		}
		in = bufio.NewReaderSize(unpacked, sniffBytes)
	}
	head, err := in.Peek(sniffBytes)
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return unreadable(err)
	}
	switch kind := unicodeKind(head, charset); kind {
	case "utf-16le", "utf-16be":
		order := textunicode.LittleEndian
		if kind == "utf-16be" {
			order = textunicode.BigEndian
		}
		s.utf16 = true
		dec := textunicode.UTF16(order, textunicode.UseBOM).NewDecoder()
		s.Reader = bufio.NewReaderSize(transform.NewReader(in, dec), sniffBytes)
	default:
		if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
			in.Discard(3)
		}
		s.Reader = in
	}
	return nil
}

// unicodeKind tells UTF-16 by its byte order mark, by the setting, or by the
// zero that stands beside every ASCII character; "" for everything else.
func unicodeKind(head []byte, charset string) string {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return "utf-16le"
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return "utf-16be"
	case charset == "utf-16le", charset == "utf-16be":
		return charset
	case charset == "utf-16":
		return "utf-16le"
	case charset != "" || len(head) < 4:
		return ""
	}
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	half := len(head) / 2
	switch {
	case zeros[1] > half*2/3 && zeros[0] < half/10:
		return "utf-16le"
	case zeros[0] > half*2/3 && zeros[1] < half/10:
		return "utf-16be"
	}
	return ""
}

func unreadable(err error) error {
	return &Error{Message: "cannot be read to its end", Err: withoutPath(err), Hint: "export or copy it again"}
}

// A charset turns the bytes of a cell into text.
type charset struct {
	name  string
	bytes *charmap.Charmap // nil for UTF-8
}

var utf8Charset = charset{name: "utf-8"}

var windows1252 = charset{"windows-1252", charmap.Windows1252}

// charsetNamed finds a charset by the name that steward.yaml gives it; ok is
// false for names that are not supported.
func charsetNamed(name string) (charset, bool) {
	switch strings.ReplaceAll(strings.ToLower(name), "_", "-") {
	case "utf-8", "utf8", "utf-16", "utf-16le", "utf-16be":
		return utf8Charset, true
	case "windows-1252", "cp1252", "ansi", "iso-8859-1", "latin1", "latin-1":
		// Every file that says ISO-8859-1 and has bytes 80 to 9F means Windows-1252.
		return windows1252, true
	case "windows-1250", "cp1250":
		return charset{"windows-1250", charmap.Windows1250}, true
	case "iso-8859-15", "latin9", "latin-9":
		return charset{"iso-8859-15", charmap.ISO8859_15}, true
	case "macintosh", "macroman":
		return charset{"macintosh", charmap.Macintosh}, true
	}
	return charset{}, false
}

// text decodes a cell.
func (c charset) text(b []byte) (string, error) {
	if c.bytes == nil {
		if !utf8.Valid(b) {
			return "", fmt.Errorf("is not valid UTF-8; set charset for the source, such as windows-1252")
		}
		return string(b), nil
	}
	ascii := true
	for _, x := range b {
		if x >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return string(b), nil
	}
	var out strings.Builder
	for _, x := range b {
		out.WriteRune(c.bytes.DecodeByte(x))
	}
	return out.String(), nil
}

// inFile puts the file's name to an Error that does not have one yet.
func inFile(path string, err error) error {
	if e, ok := err.(*Error); ok {
		if e.File == "" {
			e.File = path
		}
		return e
	}
	if err == context.Canceled || err == context.DeadlineExceeded {
		return err
	}
	return &Error{File: path, Message: "cannot be read", Err: withoutPath(err)}
}
