package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"steward"
	"steward/configs"
	"steward/ingest"
	"steward/series"
	"steward/store"
)

// imported is what one source's import came to.
type imported struct {
	Source string `json:"source"`
	// Unchanged tells that no file changed since the last import, so that nothing
	// was read.
	Unchanged bool            `json:"unchanged,omitempty"`
	Rows      int             `json:"rows"`
	Rejected  int             `json:"rejected"`
	Rejects   []ingest.Reject `json:"rejects,omitempty"`
	Stored    store.Imported  `json:"stored"`
	Through   steward.Day     `json:"complete_through"`
	// Held is why days of it are not believed.
	Held []store.Swing `json:"held,omitempty"`
}

// importOptions say how to import.
type importOptions struct {
	// Now stamps the import and says what yesterday is.
	Now time.Time
	// Changed leaves out sources none of whose files changed.
	Changed bool
	// Accept is the kinds of swing that are let pass.
	Accept   []store.SwingKind
	Full     bool
	Progress ingest.Progress
}

// importSource reads one source and stores it, all or nothing. What is held back
// whole is a *heldSource.
func importSource(ctx context.Context, ws *configs.Workspace, db *store.DB, src configs.Source, o importOptions) (imported, error) {
	out := imported{Source: src.Name}
	batch, marks, err := readSource(ctx, ws, db, src, o)
	if err != nil {
		return out, fmt.Errorf("source %s: %w", src.Name, err)
	}
	if out.Unchanged = batch == nil; out.Unchanged {
		// The files may be again what they were before a worse one was refused.
		if err := db.Withdraw(ctx, src.Name); err != nil {
			return out, err
		}
	} else {
		out.Rows, out.Rejected, out.Rejects, out.Through = batch.Rows, batch.Rejected, batch.Rejects, batch.CompleteThrough
		out.Stored, err = db.Import(ctx, storeBatch(*batch, marks, ws, o))
		var held *store.HeldError
		if errors.As(err, &held) {
			return out, &heldSource{Held: held, todo: letGo(src, held.Swings, o.Full)}
		}
		if err != nil {
			return out, err
		}
	}
	out.Held, err = db.Held(ctx, src.Name)
	for _, s := range out.Held { // what was refused is withdrawn or an error by now: these are days
		out.Through = min(out.Through, s.Day-1)
	}
	return out, err
}

// heldSource is an import that was held back, with what lets it go.
type heldSource struct {
	Held *store.HeldError
	todo string
}

func (e *heldSource) Error() string {
	return fmt.Sprintf("%v\nMend the export; or, if it is right: %s", e.Held, e.todo)
}

func (e *heldSource) Unwrap() error { return e.Held }

// letGo is the command that lets swings of a source pass.
func letGo(src configs.Source, swings []store.Swing, full bool) string {
	var kinds []string
	for _, s := range swings {
		if !slices.Contains(kinds, string(s.Kind)) {
			kinds = append(kinds, string(s.Kind))
		}
	}
	mode := ""
	if full && !src.Full {
		mode = " --mode full"
	}
	return fmt.Sprintf("steward import %s%s --accept %s", src.Name, mode, strings.Join(kinds, ","))
}

// readings is how often a source is read whose files change meanwhile.
const readings = 3

// readSource reads the files of a source and what to recognise them by; no batch
// where they are what was imported last, and only changed ones are asked for.
func readSource(ctx context.Context, ws *configs.Workspace, db *store.DB, src configs.Source, o importOptions) (*ingest.Batch, []store.FileMark, error) {
	spec := sourceSpec(ws, src)
	spec.Full = spec.Full || o.Full
	open := func(path string) (io.ReadCloser, error) { return openExport(ws, path) }
	moved := ""
	for range readings {
		marks, err := fileMarks(ws, src)
		if err != nil {
			return nil, nil, err
		}
		if o.Changed {
			before, err := db.LastFiles(ctx, src.Name)
			if err != nil || sameFiles(before, marks) {
				return nil, marks, err
			}
		}
		batch, err := ingest.Read(ctx, spec, schema(ws), open, steward.DayOf(o.Now, ws.Zone), o.Progress)
		if moved = changedSince(ws, marks); moved != "" {
			continue // whatever was read is of no one state of the files
		}
		return &batch, marks, err
	}
	return nil, nil, fmt.Errorf("%s changes while it is read: something is still writing it\nWrite exports under another name and rename them when they are whole; then: steward import %s", moved, src.Name)
}

// schema is what the workspace declares, as ingest asks for it.
func schema(ws *configs.Workspace) ingest.Schema {
	out := ingest.Schema{Fields: ws.Fields, Metrics: ws.Metrics}
	for _, stage := range ws.Journey.Stages {
		for _, m := range stage.Milestones {
			out.Milestones = append(out.Milestones, m.Name.Value)
		}
	}
	return out
}

// changedSince names a file that is no longer what it was when it was marked.
func changedSince(ws *configs.Workspace, marks []store.FileMark) string {
	for _, m := range marks {
		st, err := os.Stat(ws.Path(m.Path))
		if err != nil || st.Size() != m.Size || !st.ModTime().Equal(m.ModTime) {
			return m.Path
		}
	}
	return ""
}

// openExport opens a file of a source. Only a regular file has an end that can
// be waited for: a pipe would hold up every source behind it.
func openExport(ws *configs.Workspace, path string) (*os.File, error) {
	f, err := os.OpenFile(ws.Path(path), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	switch {
	case err != nil:
	case st.IsDir():
		err = errors.New("is a folder; name a file in it")
	case !st.Mode().IsRegular():
		err = errors.New("is a pipe or a device; write the export to a file")
	default:
		return f, nil
	}
	f.Close()
	return nil, err
}

// sourceSpec is the workspace's source as ingest reads it.
func sourceSpec(ws *configs.Workspace, src configs.Source) ingest.Source {
	spec := ingest.Source{Name: src.Name, SameDay: src.SameDay, DateOrder: src.DateOrder, Decimal: src.Decimal, Charset: src.Charset, Delimiter: src.Delimiter,
		Account: src.AccountIDs, CompleteThrough: src.CompleteThrough, Full: src.Full, Zone: ws.Zone}
	for _, f := range src.Files {
		file := ingest.File{Kind: ingest.FileKind(f.Kind), Path: f.Path, Columns: f.Columns, Defaults: f.Defaults, Duplicates: f.Duplicates}
		if f.Via != nil {
			file.Via = &ingest.Join{File: f.Via.File, Key: f.Via.Key, Account: f.Via.Account}
		}
		spec.Files = append(spec.Files, file)
	}
	return spec
}

// storeKinds is the lists that may be complete. Touches are not: nobody keeps a
// list of all calls there ever were.
var storeKinds = map[ingest.FileKind]store.Kind{ingest.Accounts: store.Accounts, ingest.Contracts: store.Contracts, ingest.Contacts: store.Contacts, ingest.Products: store.Products,
	ingest.Tickets: store.Tickets, ingest.Surveys: store.Surveys, ingest.Objectives: store.Objectives, ingest.Milestones: store.Milestones}

// storeBatch is what ingest read as the database takes it.
func storeBatch(b ingest.Batch, marks []store.FileMark, ws *configs.Workspace, o importOptions) store.Batch {
	out := store.Batch{
		Source: b.Source, At: o.Now, Accounts: b.Accounts, Contracts: b.Contracts, Contacts: b.Contacts, Touches: b.Touches,
		Products: b.Products, Tickets: b.Tickets, Undated: b.Undated, Surveys: b.Surveys, Objectives: b.Objectives, Milestones: b.Milestones,
		Metrics: b.Metrics, AccountFields: b.AccountFields, Full: b.Full, Accept: o.Accept, Torn: b.Torn, Unended: b.Unended, CompleteThrough: b.CompleteThrough, NewestDay: b.NewestDay,
		Rows: b.Rows, Files: marks, Series: make(map[store.SeriesKey]series.Series, len(b.Series)),
	}
	// Not nil where there is none: nil would mean all of them.
	out.FullKinds = []store.Kind{}
	for _, k := range b.FullKinds {
		if kind, ok := storeKinds[k]; ok {
			out.FullKinds = append(out.FullKinds, kind)
		}
	}
	for _, k := range b.Kinds {
		out.Kinds = append(out.Kinds, string(k))
	}
	for _, m := range ws.Metrics {
		if m.Kind == steward.Count && slices.Contains(b.Metrics, m.Name) {
			out.Counts = append(out.Counts, m.Name)
		}
	}
	out.Columns = make(map[string]store.Fill, len(b.Filled))
	for name, f := range b.Filled {
		out.Columns[name] = store.Fill{Rows: f.Rows, Filled: f.Filled, Unread: f.Unread}
	}
	for k, s := range b.Series {
		out.Series[store.SeriesKey{Account: k.Account, Metric: k.Metric}] = s
	}
	for _, r := range b.Rejects {
		out.Rejects = append(out.Rejects, store.Reject{File: r.File, Line: r.Line, Column: r.Column, ColumnName: r.ColumnName, Reason: r.Reason, Text: r.Text, Warning: r.Warning})
	}
	return out
}

// fileMarks is what to recognise a source's files by, those that it joins
// through too.
func fileMarks(ws *configs.Workspace, src configs.Source) ([]store.FileMark, error) {
	var out []store.FileMark
	for _, f := range src.Files {
		mark, err := fileMark(ws, f.Path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no %s file %s\nPut it there, or change its path in steward.yaml", f.Kind, f.Path)
		}
		if err != nil {
			return nil, fmt.Errorf("%s file %s: %w", f.Kind, f.Path, err)
		}
		out = append(out, mark)
		if f.Via == nil {
			continue
		}
		if mark, err = fileMark(ws, f.Via.File); err != nil {
			return nil, fmt.Errorf("file %s, which via names: %w", f.Via.File, err)
		}
		out = append(out, mark)
	}
	return out, nil
}

// fileMark reads a file once through. Its errors do not name the machine's
// path: the caller names the one that the workspace uses.
func fileMark(ws *configs.Workspace, path string) (store.FileMark, error) {
	mark := store.FileMark{Path: path}
	f, err := openExport(ws, path)
	if err != nil {
		return mark, pathless(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return mark, pathless(err)
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return mark, pathless(err)
	}
	mark.Size, mark.ModTime, mark.Hash = st.Size(), st.ModTime(), hex.EncodeToString(h.Sum(nil)[:16])
	return mark, nil
}

func pathless(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// sameFiles compares what is in the files: a copy made anew is not a change.
func sameFiles(before, after []store.FileMark) bool {
	if len(before) != len(after) {
		return false
	}
	hash := map[string]string{}
	for _, m := range before {
		hash[m.Path] = m.Hash
	}
	for _, m := range after {
		if hash[m.Path] != m.Hash {
			return false
		}
	}
	return true
}

// freshness is how far behind each source may be.
func freshness(ws *configs.Workspace) map[string]time.Duration {
	out := map[string]time.Duration{}
	for _, s := range ws.Sources {
		out[s.Name] = s.FreshWithin
	}
	return out
}
