package ingest

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// allRecords reads every record as "line: cell|cell" or "line! what is wrong".
func allRecords(t testing.TB, next func(*record) error) []string {
	t.Helper()
	var out []string
	var r record
	for {
		err := next(&r)
		if err == io.EOF {
			return out
		}
		if err != nil {
			return append(out, "error: "+err.Error())
		}
		if r.bad != "" {
			out = append(out, fmt.Sprintf("%d! %s", r.line, r.bad))
			continue
		}
		var cells []string
		for _, c := range r.cells {
			cells = append(cells, string(c))
		}
		out = append(out, fmt.Sprintf("%d: %s", r.line, shorten(strings.Join(cells, "|"), 100)))
	}
}

func TestCSVRecords(t *testing.T) {
	const open = "opens a quotation mark that is not closed; close it, or double the marks inside the cell"
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"plain", "a,b\nc,d\n", []string{"1: a|b", "2: c|d"}},
		{"no last line end", "a,b\r\nc,d", []string{"1: a|b", "2: c|d"}},
		{"quoted delimiter and mark", `"a,b","say ""hi"""` + "\n", []string{`1: a,b|say "hi"`}},
		{"line breaks inside a cell count", "x,\"1\r\n2\n3\"\ny,z\n", []string{"1: x|1\n2\n3", "4: y|z"}},
		{"mark inside an unquoted cell", "5\" pipe,a\"b\nc,d\n", []string{`1: 5" pipe|a"b`, "2: c|d"}},
		{"unclosed at the end", "a,b\nx,\"oops\nc,d\ne,f\n", []string{"1: a|b", "2! " + open, "3: c|d", "4: e|f"}},
		{"unclosed until the next mark", "x,\"oops\nc,d\n\"e\",f\n", []string{"1! has text after a closing quotation mark; double the marks inside a quoted cell", "2: c|d", "3: e|f"}},
		{"text after a closing mark", "\"a\"b,c\nd,e\n", []string{"1! has text after a closing quotation mark; double the marks inside a quoted cell", "2: d|e"}},
		{"empty lines", "\n\na,b\n\n", []string{"1: ", "2: ", "3: a|b", "4: "}},
		{"empty cells", ",\n\"\",\"\"\n", []string{"1: |", "2: |"}},
		{"nothing", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, allRecords(t, newCSVReader(strings.NewReader(c.text), ',', '\n').next)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A record that never ends costs its limit, and what comes after it is read.
func TestCSVLongRecords(t *testing.T) {
	long := strings.Repeat("x", MaxRecord+sniffBytes*2)
	got := allRecords(t, newCSVReader(strings.NewReader("a,b\n"+long+"\nc,d\n"), ',', '\n').next)
	if diff := cmp.Diff([]string{"1: a|b", "2! " + longRecord, "3: c|d"}, got); diff != "" {
		t.Error(diff)
	}
	lines := strings.Repeat("c,d\n", MaxRecord/4+10)
	got = allRecords(t, newCSVReader(strings.NewReader("a,\"b\n"+lines), ',', '\n').next)
	if len(got) != MaxRecord/4+11 || !strings.HasPrefix(got[0], "1! opens a quotation mark") || got[1] != "2: c|d" || got[len(got)-1] != fmt.Sprintf("%d: c|d", MaxRecord/4+11) {
		t.Errorf("%d records, %q … %q", len(got), got[0], got[len(got)-1])
	}
}

// Marks that open a cell on every line must not cost the square of the file.
func TestCSVBrokenEverywhere(t *testing.T) {
	got := allRecords(t, newCSVReader(strings.NewReader(strings.Repeat("x\",\",\n", 400_000)), ',', '\n').next)
	if last := got[len(got)-1]; !strings.HasPrefix(last, "error: ") {
		t.Errorf("ends with %q, want an error", last)
	}
}

func TestJSONRecords(t *testing.T) {
	text := `{"a": 1, "b": "x"}

{"a": null, "b": ["u", "v"], "c": true}
{"a": {"deep": 1}}
[1]
{"a": 1.50
`
	got := allRecords(t, newJSONReader(strings.NewReader(text), []string{"a", "b"}).next)
	bad := "is not a JSON object on one line; mend or remove it"
	want := []string{"1: 1|x", "3: |u;v", "4: |", "5! " + bad, "6! " + bad}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := allRecords(t, newJSONReader(strings.NewReader(`[{"a":1}]`), []string{"a"}).next); !strings.Contains(got[0], "jq -c '.[]'") {
		t.Errorf("an array gives %q", got)
	}
}

func TestSniffDelimiter(t *testing.T) {
	for text, want := range map[string]byte{
		"a,b,c\n1,2,3\n":                       ',',
		"a;b;c\n1,5;2,5;3,5\n":                 ';',
		"a\tb\n1,2\t3\n":                       '\t',
		"a|b|c\n1|2|3\n":                       '|',
		"name;note\n\"a,b,c,d\";\"x,y,z,w\"\n": ';',
		"only\none\n":                          ',',
		"a, long; header,b\n1,2\n":             ',',
		"":                                     ',',
	} {
		if got := sniffDelimiter([]byte(text), '\n'); got != want {
			t.Errorf("sniffDelimiter(%q) = %q, want %q", text, got, want)
		}
	}
}

// Wherever encoding/csv reads a file without complaint, the same cells come out.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\nc,d\n", "\"a\nb\",c\n", "a,\"b\"\"c\"\n", "x\",\",\n", "\"\n\"\n\"", "a\r\nb\r", "\xff\x00,\n"} {
		f.Add([]byte(s), byte(','))
		f.Add([]byte(s), byte(';'))
	}
	f.Fuzz(func(t *testing.T, data []byte, comma byte) {
		if comma == 0 || comma == '"' || comma == '\r' || comma == '\n' || comma >= 0x80 {
			return
		}
		lines := bytes.Count(data, []byte("\n")) + 1
		reader := newCSVReader(bytes.NewReader(data), comma, '\n')
		var got [][]string
		var r record
		last, bad := 0, false
		for n := 0; ; n++ {
			err := reader.next(&r)
			if err == io.EOF {
				break
			}
			if err != nil {
				return
			}
			if r.line <= last || r.line > lines {
				t.Fatalf("record %d is on line %d after %d, of %d lines", n, r.line, last, lines)
			}
			last = r.line
			bad = bad || r.bad != ""
			var cells []string
			for _, c := range r.cells {
				cells = append(cells, string(c))
			}
			got = append(got, cells)
		}
		if bytes.IndexByte(data, '\r') >= 0 { // encoding/csv treats a lone \r in its own way
			return
		}
		oracle := csv.NewReader(bytes.NewReader(data))
		oracle.Comma, oracle.FieldsPerRecord = rune(comma), -1
		want, err := oracle.ReadAll()
		if err != nil {
			return
		}
		if bad {
			t.Fatalf("encoding/csv reads %q, this does not", data)
		}
		var filled [][]string
		for _, cells := range got { // encoding/csv leaves empty lines out
			if len(cells) != 1 || cells[0] != "" {
				filled = append(filled, cells)
			}
		}
		var wanted [][]string
		for _, cells := range want {
			if len(cells) != 1 || cells[0] != "" {
				wanted = append(wanted, cells)
			}
		}
		if diff := cmp.Diff(wanted, filled); diff != "" {
			t.Fatalf("%q:\n%s", data, diff)
		}
	})
}

func FuzzJSONL(f *testing.F) {
	for _, s := range []string{`{"id":"a","arr":1}`, "{}\n[1]\n", `{"a":[1,[2]]}`, `{"a":"\u0000"}`, "\xff", `{"id":1e400}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzRead(t, data, "data.jsonl")
	})
}
