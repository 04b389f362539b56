package ingest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"steward"
)

// A reading is one call of Read.
type reading struct {
	ctx      context.Context
	src      Source
	schema   Schema
	open     Open
	today    steward.Day
	progress Progress

	batch Batch
	// crm is whether account ids are given their 18-character spelling.
	crm     bool
	through steward.Day // newest date of the complete_through column
	tracks  *tracks
	parts   *parts
}

// read surveys every file, then reads every file.
func (r *reading) read() (Batch, error) {
	if err := r.checkSettings(); err != nil {
		return Batch{}, err
	}
	r.batch = Batch{Source: r.src.Name, NewestDay: steward.NoDay, Full: r.src.Full}
	r.through = steward.NoDay
	surveys := make([]*survey, len(r.src.Files))
	var ids idTally
	for i, f := range r.src.Files {
		s, err := r.survey(f)
		if err != nil {
			return Batch{}, inFile(f.Path, err)
		}
		surveys[i] = s
		ids.join(s.ids)
	}
	r.crm = r.src.Account == "salesforce" || ids.mixed()
	r.tracks, r.parts = newTracks(r.schema.Metrics, r.src.SameDay), newParts()
	for i, f := range r.src.Files {
		if err := r.readFile(f, surveys[i]); err != nil {
			return Batch{}, inFile(f.Path, err)
		}
	}
	return r.finish(surveys)
}

// named puts the source's name to an error.
func (r *reading) named(err error) error {
	if e, ok := err.(*Error); ok {
		e.Source = r.src.Name
		return e
	}
	return fmt.Errorf("read source %s: %w", r.src.Name, err)
}

// checkSettings refuses settings that mean nothing.
func (r *reading) checkSettings() error {
	bad := func(setting, value, want string) error {
		return &Error{Message: fmt.Sprintf("%s is %q", setting, value), Hint: "use " + want}
	}
	s := r.src
	if _, ok := parseOrder(s.DateOrder); !ok {
		return bad("date_order", s.DateOrder, "dmy, mdy or ymd")
	}
	if s.Decimal != "" && s.Decimal != "." && s.Decimal != "," {
		return bad("decimal", s.Decimal, `"." or ","`)
	}
	if s.SameDay != "" && s.SameDay != SameDayError && s.SameDay != SameDaySum && s.SameDay != SameDayLast {
		return bad("same_day", s.SameDay, "sum, last or error")
	}
	if s.Account != "" && s.Account != "salesforce" {
		return bad("account", s.Account, "salesforce, or leave it out")
	}
	if _, err := delimiterNamed(s.Delimiter); err != nil {
		return err
	}
	if _, ok := charsetNamed(s.Charset); !ok && s.Charset != "" {
		return bad("charset", s.Charset, "utf-8, utf-16, windows-1252, windows-1250, iso-8859-15 or macintosh")
	}
	if _, _, err := s.completeness(r.today); err != nil {
		return err
	}
	if len(s.Files) == 0 {
		return &Error{Message: "has no files", Hint: "name them under csv or jsonl"}
	}
	for _, f := range s.Files {
		if targets(f.Kind, r.schema) == nil {
			return &Error{File: f.Path, Message: fmt.Sprintf("is of the kind %q", f.Kind), Hint: "use " + kindList()}
		}
		if !slices.Contains([]string{DuplicatesReject, DuplicatesError, DuplicatesFirst, DuplicatesLast}, f.Duplicates) {
			return bad("duplicates", f.Duplicates, "error, first or last, or leave it out")
		}
		if f.Via != nil && f.Kind != Metrics {
			return &Error{File: f.Path, Message: "has via, which is for metrics files", Hint: "map its account column instead"}
		}
	}
	return nil
}

// kindList names the kinds of file for people.
func kindList() string {
	var names []string
	for _, k := range FileKinds() {
		names = append(names, string(k))
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

func delimiterNamed(s string) (byte, error) {
	switch s {
	case "":
		return 0, nil
	case `\t`, "tab":
		return '\t', nil
	}
	if len(s) != 1 || s[0] >= utf8.RuneSelf || strings.ContainsAny(s, "\"\r\n\x00") {
		return 0, &Error{Message: fmt.Sprintf("delimiter is %q", s), Hint: `use one character, such as ";" or tab`}
	}
	return s[0], nil
}

// isJSON tells by a file's name whether it is JSON Lines.
func isJSON(name string) (bool, error) {
	base := strings.ToLower(strings.TrimSuffix(strings.ToLower(name), ".gz"))
	switch path.Ext(base) {
	case ".csv", ".tsv", ".txt", ".tab", "":
		return false, nil
	case ".jsonl", ".ndjson", ".json":
		return true, nil
	case ".xlsx", ".xls", ".ods":
		return false, &Error{File: name, Message: "is a spreadsheet's own format", Hint: "save it as CSV (UTF-8) from the spreadsheet"}
	}
	return false, &Error{File: name, Message: "has a name that does not say its format", Hint: "name it .csv or .jsonl, with .gz after it where it is compressed"}
}

// A table is one pass over a file's records.
type table struct {
	stream  *stream
	next    func(*record) error
	lines   *lineReader
	header  []string
	cells   charset // of the cells, as far as it is known
	comma   byte
	json    bool
	records int // read so far, blank ones too
}

// openTable opens a file for a pass. cells is the charset of its cells, known
// after the survey; columns is the names of a JSON Lines file, likewise.
func (r *reading) openTable(f File, cells charset, columns []string) (*table, error) {
	asJSON, err := isJSON(f.Path)
	if err != nil {
		return nil, err
	}
	s, err := openStream(r.ctx, f, r.open, strings.ToLower(r.src.Charset))
	if err != nil {
		return nil, err
	}
	t := &table{stream: s, cells: cells, json: asJSON}
	if asJSON || s.utf16 {
		t.cells = utf8Charset
	}
	if asJSON {
		t.header = columns
		reader := newJSONReader(s, columns)
		t.next, t.lines = reader.next, reader.in
		return t, nil
	}
	if err := t.startCSV(r.src.Delimiter); err != nil {
		s.Close()
		return nil, err
	}
	return t, nil
}

// startCSV finds the delimiter and reads the header.
func (t *table) startCSV(delimiter string) error {
	head, err := t.stream.Peek(sniffBytes)
	if err != nil && err != io.EOF {
		return unreadable(err)
	}
	eol := sniffLineEnd(head)
	if t.comma, err = delimiterNamed(delimiter); err != nil {
		return err
	}
	declared, length := declaredDelimiter(head, eol)
	switch {
	case t.comma != 0:
	case declared != 0:
		t.comma = declared
	default:
		t.comma = sniffDelimiter(head, eol)
	}
	reader := newCSVReader(t.stream, t.comma, eol)
	if declared != 0 {
		t.stream.Discard(length)
		reader.line = 1
	}
	t.next, t.lines = reader.next, reader.in
	var rec record
	for {
		if err := t.next(&rec); err == io.EOF {
			return &Error{Message: "is empty", Hint: "its first line must hold the names of the columns"}
		} else if err != nil {
			return err
		}
		if rec.bad != "" {
			return &Error{Line: rec.line, Message: "the header " + rec.bad}
		}
		if !rec.blank() {
			break
		}
	}
	for _, c := range rec.cells {
		h, err := t.cells.text(c)
		if err != nil {
			h, _ = windows1252.text(c) // the survey has not seen the whole file yet
		}
		t.header = append(t.header, strings.ToValidUTF8(h, "�"))
	}
	return nil
}

func (t *table) close() { t.stream.Close() }

// tooRagged says what is wrong with a record's length; "" when it is as long
// as the header. Empty cells past the end are what spreadsheets leave behind.
func (t *table) tooRagged(rec *record) string {
	if len(rec.cells) < len(t.header) {
		return fmt.Sprintf("has %d cells where the header has %d; look for a missing delimiter or a line break inside a cell without quotation marks", len(rec.cells), len(t.header))
	}
	for _, extra := range rec.cells[len(t.header):] {
		if len(bytes.TrimSpace(extra)) > 0 {
			return fmt.Sprintf("has %d cells where the header has %d; look for a delimiter inside a cell without quotation marks", len(rec.cells), len(t.header))
		}
	}
	return ""
}

// each calls do for every record that is not blank, checking limits and ctx,
// and telling progress.
func (r *reading) each(f File, t *table, pass, passes int64, do func(*record) error) error {
	var rec record
	for {
		err := t.next(&rec)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if t.records++; t.records%1024 == 0 {
			if err := r.ctx.Err(); err != nil {
				return err
			}
			r.tell(f, t, pass, passes, t.stream.counts.done)
		}
		if rec.blank() {
			continue
		}
		if t.records > MaxRows {
			return &Error{Message: fmt.Sprintf("has more than %d rows", MaxRows), Hint: "import it in parts, or add the rows of a day up before"}
		}
		if err := do(&rec); err != nil {
			return err
		}
	}
	r.tell(f, t, pass, passes, t.stream.counts.size)
	return nil
}

// tell reports how far the file is, all its passes together.
func (r *reading) tell(f File, t *table, pass, passes, done int64) {
	size := t.stream.counts.size
	if size == 0 {
		r.progress(f.Path, t.stream.counts.done, 0)
		return
	}
	r.progress(f.Path, min(size, (pass*size+done)/passes), size)
}

// A survey is what a whole pass over a file proved about it.
type survey struct {
	header  []string
	charset charset
	binding *binding
	orders  []dateOrder   // by column
	marks   []decimalMark // by column
	ids     idTally
	rows    int // read in the second pass, rejected ones too
}

// survey reads a file once without keeping anything but what its bytes prove.
func (r *reading) survey(f File) (*survey, error) {
	columns, err := r.jsonHeader(f)
	if err != nil {
		return nil, err
	}
	cells := utf8Charset
	if r.src.Charset != "" {
		cells, _ = charsetNamed(r.src.Charset)
	}
	t, err := r.openTable(f, cells, columns)
	if err != nil {
		return nil, err
	}
	defer t.close()
	through, _, _ := r.src.completeness(r.today)
	b, err := bind(f, t.header, r.schema, through)
	if err != nil {
		return nil, err
	}
	c := newCensus(b, t)
	if err := r.each(f, t, 0, 2, c.count); err != nil {
		return nil, err
	}
	s := &survey{header: t.header, binding: b, charset: r.settleCharset(t, c.notUTF8()), ids: c.ids}
	if s.orders, err = r.settleOrders(f, b, c); err != nil {
		return nil, err
	}
	s.marks, err = r.settleMarks(f, b, c, t)
	return s, err
}

// jsonHeader is the names that a JSON Lines file uses; nil for CSV.
func (r *reading) jsonHeader(f File) ([]string, error) {
	if asJSON, err := isJSON(f.Path); err != nil || !asJSON {
		return nil, err
	}
	s, err := openStream(r.ctx, f, r.open, strings.ToLower(r.src.Charset))
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return jsonColumns(s)
}

func (r *reading) settleCharset(t *table, invalid bool) charset {
	switch {
	case t.stream.utf16 || t.json:
		return utf8Charset
	case r.src.Charset != "":
		c, _ := charsetNamed(r.src.Charset)
		return c
	case invalid:
		return windows1252
	}
	return utf8Charset
}

// A census is the tallies of a file's columns.
type census struct {
	binding *binding
	table   *table
	orders  []*tally // by column, nil where it holds no date
	marks   []*tally // by column, nil where it holds no number
	account int
	ids     idTally

	invalid bool // some cell is not UTF-8
	// halved is how many rows end in the first bytes of a character of UTF-8 that
	// the rest of is missing, and lastHalved that the last row does; wide that
	// some cell holds a whole character of several bytes.
	halved     int
	lastHalved bool
	wide       bool
}

func newCensus(b *binding, t *table) *census {
	c := &census{binding: b, table: t, orders: make([]*tally, len(t.header)), marks: make([]*tally, len(t.header)), account: -1}
	for _, t := range b.targets {
		switch {
		case t.column < 0:
		case t.kind == steward.DateKind:
			c.orders[t.column] = &tally{}
		case t.kind == steward.NumberKind || t.kind == steward.DurationKind:
			c.marks[t.column] = &tally{}
		}
	}
	if b.through >= 0 {
		c.orders[b.through] = &tally{}
	}
	for _, name := range []string{"account", "id"} {
		if t := b.byName[name]; t != nil && t.column >= 0 && c.account < 0 {
			c.account = t.column
		}
	}
	return c
}

// count takes one record into the tallies.
func (c *census) count(rec *record) error {
	if rec.bad != "" {
		return nil
	}
	c.lastHalved = false
	for i, cell := range rec.cells {
		valid := utf8.Valid(cell)
		switch {
		case valid:
			c.wide = c.wide || bytes.ContainsFunc(cell, func(r rune) bool { return r >= utf8.RuneSelf })
		case i == len(rec.cells)-1 && halved(cell):
			c.halved++
			c.lastHalved = true
		default:
			c.invalid = true
		}
		if i >= len(c.orders) || len(cell) == 0 || len(cell) > 256 {
			continue
		}
		if c.orders[i] == nil && c.marks[i] == nil && i != c.account {
			continue
		}
		text := cellText(cell, valid)
		switch {
		case i == c.account:
			c.ids.count(text)
		case absentValue(text):
		case c.orders[i] != nil:
			c.orders[i].countOrder(rec.line, text)
		default:
			c.marks[i].countMark(rec.line, text)
		}
	}
	return nil
}

// notUTF8 tells whether the file is in a charset of single bytes. A file that
// was cut in the middle of a character is still UTF-8: read as anything else,
// every name in it would come out garbled.
func (c *census) notUTF8() bool {
	cut := c.wide && c.halved == 1 && c.lastHalved && c.table.lines.unended
	return c.invalid || c.halved > 0 && !cut
}

// halved tells a cell that is UTF-8 but for its last character, of which only
// the first bytes are there.
func halved(cell []byte) bool {
	for i := 1; i < utf8.UTFMax && i <= len(cell); i++ {
		if end := cell[len(cell)-i:]; utf8.RuneStart(end[0]) {
			return !utf8.FullRune(end) && utf8.Valid(cell[:len(cell)-i])
		}
	}
	return false
}

// cellText is a cell's text for the tallies, before the charset is known for
// certain.
func cellText(cell []byte, valid bool) string {
	if valid {
		return strings.TrimSpace(string(cell))
	}
	s, _ := windows1252.text(cell)
	return strings.TrimSpace(s)
}

// settleOrders decides how each column writes its dates. A column whose own
// cells prove nothing goes with the other columns of its file, where those
// agree: one program wrote them all.
func (r *reading) settleOrders(f File, b *binding, c *census) ([]dateOrder, error) {
	given, _ := parseOrder(r.src.DateOrder)
	orders := make([]dateOrder, len(c.orders))
	var all tally
	for i, t := range c.orders {
		if t == nil || given != orderUnsure {
			orders[i] = given
			continue
		}
		orders[i] = map[leaning]dateOrder{leansA: orderDMY, leansB: orderMDY, leansBoth: orderMixed}[t.leaning()]
		if orders[i] == orderMDY && t.dotted {
			orders[i] = orderMixed
		}
		if orders[i] == orderDMY {
			all.a++
		} else if orders[i] == orderMDY {
			all.b++
		}
	}
	for i, t := range c.orders {
		if t == nil || orders[i] != orderUnsure || t.unsure == 0 {
			continue
		}
		switch {
		case all.a > 0 && all.b == 0:
			orders[i] = orderDMY
		case all.b > 0 && all.a == 0:
			orders[i] = orderMDY
		default:
			return nil, &Error{File: f.Path, Line: t.unsureLine,
				Message: fmt.Sprintf("no date in the column %q tells whether %q is day/month or month/day", strings.TrimSpace(b.header[i]), shorten(t.unsureText, 40)),
				Hint:    "set date_order: dmy or date_order: mdy for the source"}
		}
	}
	return orders, nil
}

// settleMarks decides how each column writes its fractions. Where neither its
// own cells nor those of the other columns prove anything, the delimiter does:
// spreadsheets write semicolons exactly where the comma is the decimal mark.
func (r *reading) settleMarks(f File, b *binding, c *census, t *table) ([]decimalMark, error) {
	marks := make([]decimalMark, len(c.marks))
	var all tally
	for i, t := range c.marks {
		switch {
		case r.src.Decimal != "":
			marks[i] = decimalMark(r.src.Decimal[0])
		case t != nil:
			marks[i] = map[leaning]decimalMark{leansA: markPoint, leansB: markComma, leansBoth: markMixed}[t.leaning()]
		}
		if marks[i] == markPoint {
			all.a++
		} else if marks[i] == markComma {
			all.b++
		}
	}
	for i, col := range c.marks {
		if col == nil || marks[i] != markUnsure {
			continue
		}
		switch {
		case all.a > 0 && all.b == 0:
			marks[i] = markPoint
		case all.b > 0 && all.a == 0:
			marks[i] = markComma
		case t.json || t.comma == ',':
			marks[i] = markPoint
		case t.comma == ';':
			marks[i] = markComma
		case col.unsure > 0:
			return nil, &Error{File: f.Path, Line: col.unsureLine,
				Message: fmt.Sprintf("no number in the column %q tells whether %q has a decimal or a thousands mark", strings.TrimSpace(b.header[i]), shorten(col.unsureText, 40)),
				Hint:    `set decimal: "." or decimal: "," for the source`}
		}
	}
	return marks, nil
}
