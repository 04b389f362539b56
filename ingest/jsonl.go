package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A jsonReader reads JSON Lines: one object per line. Its cells are those of
// the columns it is given, in their order; a name that an object leaves out is
// an empty cell.
type jsonReader struct {
	in      *lineReader
	columns map[string]int
	line    int
	cells   [][]byte
}

func newJSONReader(in io.Reader, columns []string) *jsonReader {
	j := &jsonReader{in: newLineReader(in, '\n'), columns: map[string]int{}, cells: make([][]byte, len(columns))}
	for i, c := range columns {
		j.columns[c] = i
	}
	return j
}

func (j *jsonReader) next(r *record) error {
	object, err := j.object(r)
	if err != nil || r.bad != "" {
		return err
	}
	clear(j.cells)
	for name, raw := range object {
		i, ok := j.columns[name]
		if !ok {
			continue
		}
		text, err := jsonText(raw)
		if err != nil { // no matter, unless the column is mapped
			if r.faults == nil {
				r.faults = map[int]string{}
			}
			r.faults[i] = err.Error()
		}
		j.cells[i] = []byte(text)
	}
	r.cells = j.cells
	return nil
}

// object reads the next line that is not blank.
func (j *jsonReader) object(r *record) (map[string]json.RawMessage, error) {
	for {
		text, err := j.in.next()
		if err != nil && !errors.Is(err, errLongLine) {
			return nil, err
		}
		j.line++
		*r = record{line: j.line}
		if err != nil {
			r.bad = "is longer than 1 MiB"
			return nil, nil
		}
		text = bytes.TrimSpace(text)
		if len(text) == 0 {
			continue
		}
		if text[0] == '[' && j.line == 1 {
			return nil, &Error{Line: 1, Message: "holds a JSON array, not one object per line", Hint: "convert it, for instance with jq -c '.[]'"}
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(text, &object); err != nil || object == nil {
			r.bad = "is not a JSON object on one line; mend or remove it"
			return nil, nil
		}
		if len(object) > MaxColumns {
			r.bad = fmt.Sprintf("has more than %d members", MaxColumns)
			return nil, nil
		}
		return object, nil
	}
}

// jsonText is a JSON value as the text that a CSV cell would have. Lists of
// scalars become text with semicolons, as roles are written; an object has no
// such text.
func jsonText(raw json.RawMessage) (string, error) {
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return "", err
	}
	switch x := v.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	case json.Number:
		return x.String(), nil
	case bool:
		return fmt.Sprint(x), nil
	case []any:
		var parts []string
		for _, e := range x {
			switch e.(type) {
			case map[string]any, []any:
				return "", fmt.Errorf("is a nested list; export it flat")
			}
			parts = append(parts, fmt.Sprint(e))
		}
		return strings.Join(parts, ";"), nil
	}
	return "", fmt.Errorf("is an object; export it flat")
}

// jsonColumns reads every line for the names its objects use, in order of
// first appearance and by name within a line.
func jsonColumns(in io.Reader) ([]string, error) {
	j := newJSONReader(in, nil)
	seen := map[string]bool{}
	var names []string
	for {
		var r record
		object, err := j.object(&r)
		if err == io.EOF {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
		from := len(names)
		for name := range object {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
		slices.Sort(names[from:])
		if len(names) > MaxColumns {
			return nil, &Error{Line: j.line, Message: fmt.Sprintf("uses more than %d different names", MaxColumns), Hint: "write the names of columns as values instead"}
		}
	}
}
