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
}

// importOptions say how to import.
type importOptions struct {
	// Now stamps the import and says what yesterday is.
	Now time.Time
	// Changed leaves out sources none of whose files changed.
	Changed bool
	// AllowDrop lets a full file drop more than a tenth of what was there.
	AllowDrop bool
	Full      bool
	Progress  ingest.Progress
}

// importSource reads one source and stores it, all or nothing.
func importSource(ctx context.Context, ws *configs.Workspace, db *store.DB, src configs.Source, o importOptions) (imported, error) {
	out := imported{Source: src.Name}
	marks, err := fileMarks(ws, src)
	if err != nil {
		return out, fmt.Errorf("source %s: %w", src.Name, err)
	}
	if o.Changed {
		before, err := db.LastFiles(ctx, src.Name)
		if err != nil {
			return out, err
		}
		if sameFiles(before, marks) {
			out.Unchanged = true
			return out, nil
		}
	}
	spec := sourceSpec(ws, src)
	spec.Full = spec.Full || o.Full
	open := func(path string) (io.ReadCloser, error) { return os.Open(ws.Path(path)) }
	today := steward.DayOf(o.Now, ws.Zone)
	batch, err := ingest.Read(ctx, spec, ingest.Schema{Fields: ws.Fields, Metrics: ws.Metrics}, open, today, o.Progress)
	if err != nil {
		return out, fmt.Errorf("source %s: %w", src.Name, err)
	}
	out.Rows, out.Rejected, out.Rejects, out.Through = batch.Rows, batch.Rejected, batch.Rejects, batch.CompleteThrough
	out.Stored, err = db.Import(ctx, storeBatch(batch, marks, o))
	var drop *store.DropError
	if errors.As(err, &drop) {
		mode := ""
		if !src.Full {
			mode = " --mode full"
		}
		return out, fmt.Errorf("%w: steward import %s%s --allow-drop", drop, src.Name, mode)
	}
	return out, err
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

// storeBatch is what ingest read as the database takes it.
func storeBatch(b ingest.Batch, marks []store.FileMark, o importOptions) store.Batch {
	out := store.Batch{
		Source: b.Source, At: o.Now, Accounts: b.Accounts, Contracts: b.Contracts, Contacts: b.Contacts, Touches: b.Touches,
		Metrics: b.Metrics, AccountFields: b.AccountFields, Full: b.Full, AllowDrop: o.AllowDrop, CompleteThrough: b.CompleteThrough, NewestDay: b.NewestDay,
		Rows: b.Rows, Files: marks, Series: make(map[store.SeriesKey]series.Series, len(b.Series)),
	}
	for _, k := range b.FullKinds {
		if kind, ok := map[ingest.FileKind]store.Kind{ingest.Accounts: store.Accounts, ingest.Contracts: store.Contracts, ingest.Contacts: store.Contacts}[k]; ok {
			out.FullKinds = append(out.FullKinds, kind)
		}
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
	f, err := os.Open(ws.Path(path))
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
