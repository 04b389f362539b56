// Package ingest turns the rows of a source (CSV and JSON Lines files as
// they really come) into accounts and what hangs on them, and daily series.
//
// It guesses nothing silently. What a file's bytes prove, such as its
// delimiter, its charset, whether 03/04/2026 is in March or April, is inferred
// over the whole file; what they do not prove is asked for, by naming the
// setting that answers it. A row that cannot be read is rejected with its
// file, line, column and reason, and the other rows live on.
//
// It knows no database, no clock and no directory: files come through an open
// function, today comes in as an argument, and what it read is handed back as
// one Batch, to be stored whole or not at all. cmd and jobs call it for
// `steward import` and the sync job; cmd calls Infer for `steward init` and
// Quality for `steward report data`.
package ingest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"steward"
	"steward/series"
)

// Limits that keep a hostile or broken file from taking the process with it.
const (
	// MaxRecord is the longest record in bytes. A longer one is nearly always a
	// quotation mark that nobody closed.
	MaxRecord = 1 << 20
	// MaxRows is how many rows one source may hold.
	MaxRows = 10_000_000
	// MaxColumns is how many columns a file may have.
	MaxColumns = 4096
	// MaxRejects is how many rejects a Batch keeps; further ones are counted only.
	MaxRejects = 10_000
)

// A FileKind says what the rows of a file are.
type FileKind string

// The kinds of file.
const (
	Accounts  FileKind = "accounts"
	Contracts FileKind = "contracts"
	Contacts  FileKind = "contacts"
	Touches   FileKind = "touches"
	Metrics   FileKind = "metrics"

	Products   FileKind = "products"
	Tickets    FileKind = "tickets"
	Surveys    FileKind = "surveys"
	Objectives FileKind = "objectives"
	Milestones FileKind = "milestones"
)

// FileKinds is all of them, in the order in which they are read.
func FileKinds() []FileKind {
	return []FileKind{Accounts, Contracts, Contacts, Products, Touches, Tickets, Surveys, Objectives, Milestones, Metrics}
}

// What a repeated entity means (File.Duplicates). An identical repetition is
// always dropped without a word: exports repeat rows, and nothing is lost.
const (
	// DuplicatesReject keeps the first row and rejects a later row with the same
	// id and other values. It is the default: neither row can be trusted over
	// the other, and a person ought to hear of it.
	DuplicatesReject = ""
	// DuplicatesError refuses the whole source.
	DuplicatesError = "error"
	// DuplicatesFirst keeps the first row.
	DuplicatesFirst = "first"
	// DuplicatesLast keeps the last row.
	DuplicatesLast = "last"
)

// What several rows for one account, day and metric mean (Source.SameDay).
const (
	// SameDayError refuses the source; it is the default, because adding up what
	// should not be added is silent and wrong.
	SameDayError = "error"
	// SameDaySum adds the rows up.
	SameDaySum = "sum"
	// SameDayLast takes the row that comes last in the file.
	SameDayLast = "last"
)

// A Source is a set of files that are read together, as steward.yaml
// describes them. Empty settings mean what their comments say.
type Source struct {
	Name  string
	Files []File
	// SameDay is SameDaySum, SameDayLast or SameDayError (also when empty).
	SameDay string
	// DateOrder is dmy, mdy or ymd; empty infers it per column.
	DateOrder string
	// Decimal is "." or ","; empty infers it per column.
	Decimal string
	// Charset is utf-8, utf-16, utf-16le, utf-16be, windows-1252, windows-1250,
	// iso-8859-1, iso-8859-15 or macintosh; empty sniffs: a byte order mark,
	// else UTF-8 where the whole file is valid, else Windows-1252.
	Charset string
	// Delimiter is one character; empty sniffs among comma, semicolon, tab and
	// bar.
	Delimiter string
	// Account is how account ids are spelt: empty takes them as they stand,
	// without the spaces around them; "salesforce" gives a 15-character id its
	// 18-character spelling. The latter also happens by itself where the files of
	// the source mix both.
	Account string
	// CompleteThrough is "yesterday" (also when empty), a date, "column:NAME"
	// (the newest date in that column of the metrics files) or a lag such as
	// "2d".
	CompleteThrough string
	// Full says that the files are complete lists: what they leave out is gone.
	Full bool
	// Zone is the workspace's zone, in which an instant with an offset of its
	// own (2026-03-12T23:30:00Z) falls on a day. Nil takes the date as written.
	Zone *time.Location
}

// A File is one file of a source.
type File struct {
	Kind FileKind
	// Path is what the open function is given. The name says the format: csv,
	// tsv, txt, or jsonl, ndjson, json with one object per line; .gz is unpacked.
	Path string
	// Columns maps steward's names to the column headers of the file. A name
	// that is left out takes the column whose header is equal to it but for case,
	// spaces, dashes and underscores; an empty header says to take none.
	Columns map[string]string
	// Defaults holds the text to read where a cell says nothing, by steward's
	// names. A metric with the default 1 and no column counts rows, which makes
	// daily counts of a list of events (with Source.SameDay sum).
	Defaults map[string]string
	// Duplicates is one of the Duplicates constants.
	Duplicates string
	// Via finds the account of a metrics row through another file.
	Via *Join
}

// A Join says in which file the account of a row is to be looked up, for
// metrics that are kept by subscription, site or user.
type Join struct {
	File    string // its path
	Key     string // the header of the key, there and (unless Columns maps "key") here
	Account string // the header of the account's id there
}

// A Schema is what the workspace declares beyond the built-in fields.
type Schema struct {
	Fields  []steward.FieldSpec
	Metrics []steward.MetricSpec
	// Milestones is the journey's, by name. A file may spell them otherwise, as it
	// may headers.
	Milestones []string
}

// A SeriesKey names one daily series.
type SeriesKey struct {
	Account steward.AccountID
	Metric  string
}

// A Reject is a row that was not read, or, as a Warning, a part of a row that
// was left out.
type Reject struct {
	File string `json:"file"`
	// Line is the physical line on which the record begins, from 1.
	Line int `json:"line"`
	// Column is the number of the cell in its row, from 1, as a spreadsheet
	// counts; 0 where the row as a whole is at fault.
	Column     int    `json:"column,omitempty"`
	ColumnName string `json:"column_name,omitempty"`
	// Reason says in words what is wrong and what to do.
	Reason string `json:"reason"`
	// Text is the cell as it stands in the file, cut where it is long.
	Text    string `json:"text,omitempty"`
	Warning bool   `json:"warning,omitempty"`
}

// String is the one-line form: file:line: column "name": reason ("text").
func (r Reject) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: ", r.File, r.Line)
	if r.ColumnName != "" {
		fmt.Fprintf(&b, "column %q: ", r.ColumnName)
	}
	b.WriteString(r.Reason)
	if r.Text != "" {
		fmt.Fprintf(&b, " (%q)", r.Text)
	}
	return b.String()
}

// A Batch is everything that one source said, ready to be stored whole.
type Batch struct {
	Source    string
	Accounts  []steward.Account
	Contracts []steward.Contract
	Contacts  []steward.Contact
	Touches   []steward.Touch
	Products  []steward.Product
	Tickets   []steward.Ticket
	// Undated is tickets that are closed without a day of it: Closed is today.
	Undated    map[string]bool
	Surveys    []steward.Survey
	Objectives []steward.Objective
	Milestones []steward.Milestone
	// Kinds is which kinds of file the source has, in the order of FileKinds.
	Kinds  []FileKind
	Series map[SeriesKey]series.Series
	// Metrics is which declared metrics the source feeds, sorted, whether or not
	// a row had a value for them.
	Metrics []string
	// AccountFields is which fields of accounts the source sets, sorted and
	// without id: the ones it may overwrite.
	AccountFields []string
	// CompleteThrough is the last day the source declares whole; NoDay when its
	// metrics files hold no day at all.
	CompleteThrough steward.Day
	// NewestDay is the newest day of any series; NoDay when there is none.
	NewestDay steward.Day
	// Rows is how many rows were looked at, blank ones left out.
	Rows int
	// Rejected is how many of them were rejected. Warnings do not count.
	Rejected int
	// Rejects is the first MaxRejects of them, with the warnings, in file order.
	Rejects []Reject
	Full    bool
	// FullKinds is, where Full, which kinds of entity the source has a list of.
	FullKinds []FileKind
	// Filled is how many cells of each column said something, by the kind of file
	// and Steward's name, as in accounts.owner. Names that the workspace knows and
	// the files have no column for are in it, with no cell; those that it says to
	// take no column for are not.
	Filled map[string]Fill
	// Torn is where files end in the middle of a row, as file:line: they were cut,
	// or are still being written.
	Torn []string
	// Unended is the files whose last line has no line end. Many a program writes
	// files so; where it did not the last time, the file was cut.
	Unended []string
}

// A Fill is how many rows of a file there were, and in how many of them the cell
// of one column said something.
type Fill struct {
	Rows, Filled int
	// Unread is headers of the file that no name is bound to, where the name that
	// this is about has no column: one of them may be its new name.
	Unread []string
}

// An Error is a source that could not be read, so that nothing of it is to be
// stored.
type Error struct {
	Source string
	File   string // empty where no single file is at fault
	Line   int    // 0 where no single line is
	// Message says what is wrong, Hint what to do.
	Message, Hint string
	// Rejects is the first of the rows that led to this, if rows did.
	Rejects []Reject
	Err     error
}

// Error is file, line, message, cause and hint in one line.
func (e *Error) Error() string {
	var b strings.Builder
	switch {
	case e.File != "" && e.Line > 0:
		fmt.Fprintf(&b, "%s:%d: ", e.File, e.Line)
	case e.File != "":
		b.WriteString(e.File + ": ")
	case e.Source != "":
		b.WriteString("source " + e.Source + ": ")
	}
	b.WriteString(e.Message)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// An Open gives the bytes of a file of the source. It is called more than once
// for the same path: what a column means is known only when the whole file has
// been seen.
type Open func(path string) (io.ReadCloser, error)

// Progress hears how far the reading of a file is. bytesTotal is 0 where the
// reader does not tell its size (by a Stat method, as *os.File has).
type Progress func(file string, bytesDone, bytesTotal int64)

// Read reads every file of the source. An error (mostly an *Error) means that
// nothing is to be stored: a file that is missing or is not text, a mapped
// column that is not there, more than half of a file's rows rejected, ctx done.
// Today is the workspace's calendar day, which bounds the days of metrics.
func Read(ctx context.Context, src Source, schema Schema, open func(path string) (io.ReadCloser, error), today steward.Day, progress func(file string, bytesDone, bytesTotal int64)) (Batch, error) {
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	r := &reading{ctx: ctx, src: src, schema: schema, open: open, today: today, progress: progress}
	batch, err := r.read()
	if err != nil {
		return Batch{}, r.named(err)
	}
	return batch, nil
}
