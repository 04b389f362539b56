package ingest

import "bytes"

// delimiters are what is tried, in order of preference where the counts do not
// decide.
var delimiters = []byte{',', ';', '\t', '|'}

// sniffDelimiter finds the delimiter from the beginning of a file: the one
// that splits the lines most evenly into most cells. Marks inside quotes do
// not count.
func sniffDelimiter(head []byte, eol byte) byte {
	best, bestScore := byte(','), 0
	for _, d := range delimiters {
		if s := delimiterScore(head, d, eol); s > bestScore {
			best, bestScore = d, s
		}
	}
	return best
}

// delimiterScore is how many of the first lines have as many cells as the
// first, weighed by how many that is; 0 when the first has one.
func delimiterScore(head []byte, d, eol byte) int {
	want, lines, same := 0, 0, 0
	count, quoted := 0, false
	end := func() {
		if lines == 0 {
			want = count
		}
		if count == want {
			same++
		}
		lines++
		count = 0
	}
	for i, b := range head {
		switch {
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == d:
			count++
		case b == eol:
			if count > 0 || !blankLine(head, i, eol) {
				end()
			}
		}
		if lines == 100 {
			break
		}
	}
	if lines == 0 {
		end()
	}
	if want == 0 {
		return 0
	}
	return same*1000/lines*100 + min(want, 99)
}

// declaredDelimiter reads the line sep=; that Excel writes and understands at
// the head of a file, and the length of that line; 0 where there is none.
func declaredDelimiter(head []byte, eol byte) (delimiter byte, length int) {
	line, _, ok := bytes.Cut(head, []byte{eol})
	rest, is := bytes.CutPrefix(bytes.TrimSuffix(bytes.Trim(line, `"`), []byte("\r")), []byte("sep="))
	if !ok || !is || len(rest) != 1 {
		return 0, 0
	}
	if d, err := delimiterNamed(string(rest)); err == nil {
		return d, len(line) + 1
	}
	return 0, 0
}

func blankLine(head []byte, end int, eol byte) bool {
	from := bytes.LastIndexByte(head[:end], eol) + 1
	return len(bytes.TrimSpace(head[from:end])) == 0
}

// sniffLineEnd tells old Macintosh files, which end lines with \r alone.
func sniffLineEnd(head []byte) byte {
	if bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0 {
		return '\r'
	}
	return '\n'
}
