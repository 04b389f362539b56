package store

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// What callers branch on.
var (
	// ErrLocked: another worker holds the database.
	ErrLocked = errors.New("another steward worker holds the database")
	// ErrNotFound: there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the row is no longer as the caller saw it.
	ErrConflict = errors.New("changed in the meantime")
	// ErrStaleTerm: the run's lease was taken over, or the run is finished.
	ErrStaleTerm = errors.New("the run was taken over by another worker")
	// ErrSettled: the message or enrolment has ended, and nothing changes it.
	ErrSettled = errors.New("already settled")
)

var errReadOnly = errors.New("opened read-only")

// An Error is a condition of the database's file or disk, which no retry mends
// and a person must. Hint says how.
type Error struct {
	Op   string // what was being done
	Path string // the database's file
	Hint string
	Err  error
}

// Error is what was being done, the cause, and what to do.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s (database %s): %v", e.Op, e.Path, e.Err)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// damagedError is what the integrity check found.
type damagedError struct{ findings []string }

func (e *damagedError) Error() string {
	return "the file is damaged: " + strings.Join(e.findings, "; ")
}

// A schemaError is a file whose schema this program cannot use.
type schemaError struct{ message, hint string }

func (e *schemaError) Error() string { return e.message }

// fault adds to an error what was being done, and turns the conditions of file
// and disk into *Error with what to do about them.
func fault(op, path string, err error) error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	if hint := hintFor(path, err); hint != "" {
		return &Error{Op: op, Path: path, Hint: hint, Err: err}
	}
	return fmt.Errorf("%s: %w", op, err)
}

const (
	hintRestore = "stop the worker, keep the damaged file, and put the newest backup in its place (steward backup makes them, and an upgrade leaves one at %s.before-N.bak)"
	hintSpace   = "free some space on the disk (or in the volume) that holds %s; nothing was half-written, and the work goes on by itself once there is room"
	hintWrite   = "let the user that runs steward write to %s and its directory (SQLite keeps two more files beside it)"
)

func hintFor(path string, err error) string {
	var damaged *damagedError
	var schema *schemaError
	var replaced *replacedError
	var sq sqlite3.Error
	switch {
	case errors.As(err, &replaced):
		return "stop the worker, put the right file in its place (with no -wal and -shm of another beside it), and start it; nothing is written or sent until then"
	case errors.As(err, &schema):
		return schema.hint
	case errors.As(err, &damaged):
		return fmt.Sprintf(hintRestore, path)
	case errors.Is(err, ErrLocked):
		return "stop the other worker first, or give this one a database of its own"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fmt.Sprintf(hintSpace, path)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Sprintf(hintWrite, path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("create the directory that is to hold %s, or name the right file", path)
	case errors.Is(err, syscall.EISDIR):
		return "name a file, not a directory"
	case errors.As(err, &sq):
		return hintForSQLite(path, sq)
	}
	return ""
}

func hintForSQLite(path string, err sqlite3.Error) string {
	switch err.SystemErrno {
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG: // EFBIG: a limit on the size of files
		return fmt.Sprintf(hintSpace, path)
	}
	switch err.Code {
	case sqlite3.ErrFull:
		return fmt.Sprintf(hintSpace, path)
	case sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrCantOpen:
		return fmt.Sprintf(hintWrite, path)
	case sqlite3.ErrCorrupt:
		return fmt.Sprintf(hintRestore, path)
	case sqlite3.ErrNotADB:
		return fmt.Sprintf("%s is not a database; name the right file, or move this one away to begin anew", path)
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return "another process has been writing for longer than is usual; see whether an import, or a program that is not steward, holds the file, then try again"
	case sqlite3.ErrIoErr:
		return fmt.Sprintf("the disk that holds %s failed to read or write; look at the system's log before going on", path)
	}
	return ""
}

// isUnique tells a violated unique index or primary key.
func isUnique(err error) bool {
	var sq sqlite3.Error
	return errors.As(err, &sq) &&
		(sq.ExtendedCode == sqlite3.ErrConstraintUnique || sq.ExtendedCode == sqlite3.ErrConstraintPrimaryKey)
}

// An AmbiguousError is a shortened id that more than one row begins with.
type AmbiguousError struct {
	Prefix  string
	Matches []string // at most ten of them
}

// Error lists the matches.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q could be any of %s; give more of it", e.Prefix, strings.Join(e.Matches, ", "))
}
