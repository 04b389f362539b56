package ingest

import (
	"bytes"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"

	"steward"
)

// readFile reads every row of a surveyed file into the batch.
func (r *reading) readFile(f File, s *survey) error {
	t, err := r.openTable(f, s.charset, s.header)
	if err != nil {
		return err
	}
	defer t.close()
	row := &row{reading: r, file: f, survey: s, table: t}
	take, err := r.taker(f, row)
	if err != nil {
		return err
	}
	rejected, firstReject, torn := 0, len(r.batch.Rejects), 0
	err = r.each(f, t, 1, 2, func(rec *record) error {
		s.rows++
		row.start(rec)
		if torn = 0; row.torn() {
			torn = rec.line
		}
		if row.fail == nil {
			if err := take(row); err != nil {
				return err
			}
		}
		if row.fail != nil {
			rejected++
			r.keepReject(*row.fail)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if t.lines.unended {
		r.batch.Unended = append(r.batch.Unended, f.Path)
		if torn > 0 {
			r.batch.Torn = append(r.batch.Torn, fmt.Sprintf("%s:%d", f.Path, torn))
		}
	}
	r.batch.Rows += s.rows
	r.batch.Rejected += rejected
	if r.batch.Rows > MaxRows {
		return &Error{Message: fmt.Sprintf("brings the source to more than %d rows", MaxRows), Hint: "split the source, or add the rows of a day up before"}
	}
	if rejected*2 > s.rows {
		return mostlyRejected(s.rows, rejected, r.batch.Rejects[firstReject:])
	}
	r.ignoredMetrics(f, row)
	return nil
}

// mostlyRejected is the error for a file that was most likely understood
// wrongly, rather than being wrong in places.
func mostlyRejected(rows, rejected int, rejects []Reject) error {
	e := &Error{Message: fmt.Sprintf("%d of its %d rows could not be read, so nothing was taken from it", rejected, rows),
		Hint: "check the columns, date_order, decimal and delimiter of the source", Rejects: slices.Clone(rejects[:min(len(rejects), 20)])}
	for _, x := range rejects {
		if !x.Warning {
			e.Err = fmt.Errorf("for instance line %d: %s", x.Line, x.Reason)
			if x.ColumnName != "" {
				// Not the cell's text: errors go to logs and to a channel, and it may
				// be somebody's address. Rejects have it.
				e.Err = fmt.Errorf("for instance line %d, column %q %s", x.Line, x.ColumnName, x.Reason)
			}
			break
		}
	}
	return e
}

func (r *reading) keepReject(x Reject) {
	if len(r.batch.Rejects) < MaxRejects {
		r.batch.Rejects = append(r.batch.Rejects, x)
	}
}

// taker gives what is done with each row of a kind of file.
func (r *reading) taker(f File, row *row) (func(*row) error, error) {
	switch f.Kind {
	case Accounts:
		return r.account, nil
	case Contracts:
		return r.contract, nil
	case Contacts:
		return r.contact, nil
	case Touches:
		return r.touch, nil
	case Products:
		return r.product, nil
	case Tickets:
		return r.ticket, nil
	case Surveys:
		return r.answer, nil
	case Objectives:
		return r.objective, nil
	case Milestones:
		return r.milestone, nil
	}
	m, err := r.metricsTaker(f, row)
	if err != nil {
		return nil, err
	}
	return m.take, nil
}

// A row is the record that is being read, with what its file's survey says
// about its columns.
type row struct {
	*reading
	file   File
	survey *survey
	table  *table
	rec    *record
	// fail is why the row is rejected; nil while nothing is wrong with it. The
	// first fault stands.
	fail    *Reject
	ignored map[string]*Reject // undeclared metrics, by name, with their counts
	counts  map[string]int
}

// start takes the next record and finds what is wrong with it as a whole.
func (r *row) start(rec *record) {
	r.rec, r.fail = rec, nil
	switch {
	case rec.bad != "":
		r.reject(-1, rec.bad, "")
	case r.table.json:
	default:
		if why := r.table.tooRagged(rec); why != "" {
			r.reject(-1, why, "")
			return
		}
		if r.repeatsHeader() {
			r.reject(-1, "is the header once more, as where two files were joined; it was left out", "")
			return
		}
		for i, c := range rec.cells {
			if bytes.IndexByte(c, 0) >= 0 {
				r.reject(i, "holds a zero byte; the file is damaged, export it again", "")
				return
			}
		}
	}
}

// torn tells a row that looks as if the rest of it were missing.
func (r *row) torn() bool {
	cells := r.rec.cells
	switch {
	case r.rec.bad != "":
		return true
	case r.table.json:
		return false
	case len(cells) < len(r.survey.header):
		return true
	}
	return r.survey.charset.bytes == nil && halved(cells[len(cells)-1])
}

// repeatsHeader tells a row that is the header again: what joining two exports
// leaves in the middle.
func (r *row) repeatsHeader() bool {
	if r.table.json || len(r.rec.cells) < len(r.survey.header) || len(r.survey.header) < 2 {
		return false
	}
	for i, h := range r.survey.header {
		if string(r.rec.cells[i]) != h {
			return false
		}
	}
	return true
}

// reject puts the row aside; column is -1 for the row as a whole.
func (r *row) reject(column int, reason, text string) {
	if r.fail != nil {
		return
	}
	x := r.note(column, reason, text)
	r.fail = &x
}

func (r *row) note(column int, reason, text string) Reject {
	x := Reject{File: r.file.Path, Line: r.rec.line, Reason: reason, Text: shorten(text, 80)}
	if column >= 0 {
		x.Column = column + 1
		x.ColumnName = strings.TrimSpace(r.survey.header[column])
	}
	return x
}

// warn keeps the row and notes that a part of it was left out.
func (r *row) warn(column int, reason, text string) {
	x := r.note(column, reason, text)
	x.Warning = true
	r.keepReject(x)
}

// raw is the text of a target's cell, or its default where the cell says
// nothing; "" where there is neither. column is -1 for a default.
func (r *row) raw(name string, absent func(string) bool) (text string, column int) {
	t := r.survey.binding.byName[name]
	if t.column >= 0 {
		s, ok := r.cell(t.column)
		if !ok {
			return "", t.column
		}
		if !absent(s) {
			t.filled++
			return s, t.column
		}
	}
	return t.def, t.column
}

// cell decodes a cell; ok is false when the row is rejected for it.
func (r *row) cell(column int) (string, bool) {
	if fault := r.rec.faults[column]; fault != "" {
		r.reject(column, fault, "")
		return "", false
	}
	if len(r.rec.cells[column]) > maxCell {
		r.reject(column, "is longer than 16 KiB; leave the column out of columns, or shorten the cell", string(bytes.ToValidUTF8(r.rec.cells[column][:80], nil)))
		return "", false
	}
	s, err := r.survey.charset.text(r.rec.cells[column])
	if err != nil {
		r.reject(column, err.Error(), strings.ToValidUTF8(string(r.rec.cells[column]), "�"))
		return "", false
	}
	return strings.TrimSpace(s), true
}

// maxCell is the longest cell in bytes that is read as a value. Whole documents
// in a cell would travel into every card and page.
const maxCell = 16 << 10

func (r *row) text(name string) string {
	s, _ := r.raw(name, absentText)
	return s
}

func (r *row) number(name string) steward.Value {
	s, column := r.raw(name, absentValue)
	if s == "" {
		return steward.Unknown(steward.NumberKind)
	}
	v, err := readNumber(s, r.mark(column))
	if err != nil {
		r.reject(column, err.Error(), s)
		return steward.Unknown(steward.NumberKind)
	}
	return steward.Num(v)
}

// mark is how a column writes fractions; a default (-1) is written by a person
// in steward.yaml, with a point.
func (r *row) mark(column int) decimalMark {
	if column < 0 {
		return markPoint
	}
	return r.survey.marks[column]
}

func (r *row) date(name string) steward.Day {
	s, column := r.raw(name, absentValue)
	return r.dateIn(s, column)
}

func (r *row) dateIn(s string, column int) steward.Day {
	if s == "" {
		return steward.NoDay
	}
	order := orderYMD
	if column >= 0 {
		order = r.survey.orders[column]
	}
	d, err := readDate(s, order, r.src.Zone)
	if err != nil {
		r.reject(column, err.Error(), s)
		return steward.NoDay
	}
	return d
}

// flag is unknown where the cell says nothing.
func (r *row) flag(name string) steward.Value {
	s, column := r.raw(name, absentValue)
	if s == "" {
		return steward.Unknown(steward.FlagKind)
	}
	b, err := readFlag(s)
	if err != nil {
		r.reject(column, err.Error(), s)
		return steward.Unknown(steward.FlagKind)
	}
	return steward.Bool(b)
}

func (r *row) isSet(name string) bool { return r.flag(name).Verdict() == steward.Holds }

// value is a declared field's value.
func (r *row) value(name string, kind steward.Kind) steward.Value {
	switch kind {
	case steward.NumberKind:
		return r.number(name)
	case steward.DurationKind:
		v := r.number(name)
		v.Kind = steward.DurationKind
		return v
	case steward.DateKind:
		return steward.OnDay(r.date(name))
	case steward.FlagKind:
		return r.flag(name)
	}
	if s := r.text(name); s != "" {
		return steward.Str(s)
	}
	return steward.Unknown(kind)
}

// key is the text of an id column. A row without one is rejected; so is an id
// that a spreadsheet has turned into a number of powers.
func (r *row) key(name string) string {
	s, column := r.raw(name, absentText)
	switch {
	case r.fail != nil:
	case s == "" && r.totals(), totalsWord(s) && r.bare(column):
		r.reject(-1, "is a totals row, not one of the list; leave totals out of the export", "")
	case s == "":
		r.reject(column, fmt.Sprintf("has no %s; give the row one, or remove it", strings.ReplaceAll(name, "_", " ")), "")
	case ruinedID(s):
		r.reject(column, "is an id that a spreadsheet has rounded; format the column as text and export it again", s)
	}
	return s
}

// totals tells a row that adds the others up: some cell begins with a word
// for it.
func (r *row) totals() bool {
	for _, c := range r.rec.cells {
		if len(c) > 64 {
			continue
		}
		s := strings.ToLower(strings.TrimSpace(string(c)))
		for _, w := range []string{"total", "grand total", "subtotal", "sub-total", "sum", "summe", "gesamt", "insgesamt", "zwischensumme"} {
			if rest, ok := strings.CutPrefix(s, w); ok && (rest == "" || strings.IndexAny(rest[:1], " :,(-") == 0) {
				return true
			}
		}
		if s == "gesamtsumme" || s == "gesamtergebnis" {
			return true
		}
	}
	return false
}

// totalsWord tells an id that is nothing but a word for a total: spreadsheets
// put it into the first column, which is often the id's.
func totalsWord(s string) bool {
	if len(s) < 3 || len(s) > 14 || strings.IndexByte("tTgGsSiI", s[0]) < 0 {
		return false
	}
	switch strings.ToLower(strings.TrimRight(s, ":")) {
	case "total", "totals", "grand total", "sum", "summe", "gesamt", "insgesamt", "gesamtsumme", "gesamtergebnis":
		return true
	}
	return false
}

// bare tells a row without a letter outside a column: a customer called Total
// has a name, an owner or the like beside it.
func (r *row) bare(column int) bool {
	for i, c := range r.rec.cells {
		if i != column && bytes.ContainsFunc(c, unicode.IsLetter) {
			return false
		}
	}
	return true
}

// ruinedID tells 1.23E+11.
func ruinedID(s string) bool {
	mantissa, exponent, ok := strings.Cut(strings.ToUpper(s), "E+")
	if !ok || !allDigits(exponent) {
		return false
	}
	whole, fraction, _ := strings.Cut(strings.Replace(mantissa, ",", ".", 1), ".")
	return len(whole) == 1 && allDigits(whole) && (fraction == "" || allDigits(fraction))
}

// address is a bare e-mail address. One that could not be written to is left
// out with a warning; the person is still a person.
func (r *row) address(name string) string {
	s, column := r.raw(name, absentText)
	if s == "" {
		return ""
	}
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || !strings.Contains(s, "@") || len(s) > 254 {
		r.warn(column, "is not one e-mail address and was left out; mend it at its source", s)
		return ""
	}
	return s
}

// roles splits a list of roles and spells them as playbooks do.
func (r *row) roles(name string) []string {
	var out []string
	for _, part := range strings.FieldsFunc(r.text(name), func(c rune) bool { return c == ';' || c == ',' || c == '|' }) {
		role := strings.Join(strings.FieldsFunc(strings.ToLower(part), func(c rune) bool { return c == ' ' || c == '-' || c == '_' || c == '\u00a0' }), "_")
		if role != "" && !slices.Contains(out, role) {
			out = append(out, role)
		}
	}
	return out
}

// completeness is what complete_through says: a column to look at, or a
// function of the newest day.
func (s Source) completeness(today steward.Day) (column string, through func(newest steward.Day) steward.Day, err error) {
	text := strings.TrimSpace(s.CompleteThrough)
	lag := 1
	switch {
	case text == "" || text == "yesterday":
	case strings.HasPrefix(text, "column:"):
		column = strings.TrimSpace(strings.TrimPrefix(text, "column:"))
		if column == "" {
			return "", nil, completenessError(text)
		}
		return column, nil, nil
	case strings.HasSuffix(text, "d") && allDigits(text[:len(text)-1]) && len(text) <= 5:
		fmt.Sscanf(text, "%dd", &lag)
	default:
		d, err := steward.ParseDay(text)
		if err != nil {
			return "", nil, completenessError(text)
		}
		// A person's word: a source may well have had nothing to report on its last days.
		return "", func(steward.Day) steward.Day { return min(d, today) }, nil
	}
	return "", func(newest steward.Day) steward.Day { return min(today-steward.Day(lag), newest) }, nil
}

func completenessError(text string) error {
	return &Error{Message: fmt.Sprintf("complete_through is %q", text), Hint: "use yesterday, a date such as 2026-03-12, a lag such as 2d, or column:NAME"}
}

// happened is the day of what happened, which it cannot be without.
func (r *row) happened(name string) steward.Day {
	s, column := r.raw(name, absentValue)
	d := r.dateIn(s, column)
	if r.fail == nil && d == steward.NoDay {
		r.reject(column, "has no day; give the row one, or remove it", s)
	}
	return d
}

// day is a metrics row's day, held to what a series can have.
func (r *row) day(name string) steward.Day {
	s, column := r.raw(name, absentValue)
	d := r.dateIn(s, column)
	switch {
	case r.fail != nil:
	case s == "":
		r.reject(column, "has no day; give the row one, or remove it", "")
	case d == steward.NoDay || d < firstMetricDay:
		r.reject(column, "lies too long ago for a daily metric; is the date read in the right order? Set date_order for the source", s)
	case d > r.today+1: // the source may be a day ahead of the workspace's zone
		r.reject(column, fmt.Sprintf("lies after today (%s); is the date read in the right order? Set date_order for the source", r.today), s)
	}
	return d
}

// firstMetricDay is the first day of which daily figures are believed. What a
// series can hold begins in 1970, and so do the dates of programs that write a
// missing time as zero: an account would seem to have been idle for fifty years.
var firstMetricDay = steward.Date(2000, time.January, 1)
