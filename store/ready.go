package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/jmoiron/sqlx"
	sqlite3 "github.com/mattn/go-sqlite3"
)

// Ready tells whether the database can be worked with: nil, or an *Error that
// says what to do. It asks little as long as everything went well. Once a write
// has failed for the disk's sake it tries a small one, so that it says when the
// disk has room again, whether or not there is anything to write. Damage that
// was met stays told until the file was opened anew: the next statement may
// meet none.
func (db *DB) Ready(ctx context.Context) error {
	if e := db.trouble.Load(); e != nil {
		if damaged(e) {
			return e
		}
		if err := db.update(ctx, "write", func(tx *sqlx.Tx) error {
			// A value written over itself would not reach the disk.
			if _, err := tx.ExecContext(ctx, `INSERT INTO keys (name, value) VALUES ('room', '')`); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `DELETE FROM keys WHERE name = 'room'`)
			return err
		}); err != nil {
			return err
		}
		db.trouble.CompareAndSwap(e, nil)
	}
	if err := db.inPlace(); err != nil {
		return fault("check", db.path, err)
	}
	return db.view(ctx, "check", func(tx *sqlx.Tx) error {
		var n int
		return tx.GetContext(ctx, &n, `SELECT COUNT(*) FROM keys`)
	})
}

// met remembers what a statement failed for, if it is the file's or the disk's
// fault, and returns the error as it is. Waiting for another process is nobody's.
func (db *DB) met(err error) error {
	var e *Error
	if !errors.As(err, &e) || errors.Is(err, errReadOnly) || errors.Is(err, ErrLocked) {
		return err
	}
	var sq sqlite3.Error
	if errors.As(err, &sq) && (sq.Code == sqlite3.ErrBusy || sq.Code == sqlite3.ErrLocked) {
		return err
	}
	if known := db.trouble.Load(); known == nil || !damaged(known) {
		db.trouble.Store(e)
	}
	return err
}

func damaged(e *Error) bool {
	var sq sqlite3.Error
	var found *damagedError
	return errors.As(e, &found) || errors.As(e, &sq) && (sq.Code == sqlite3.ErrCorrupt || sq.Code == sqlite3.ErrNotADB)
}

// A replacedError is a file that was taken away under a worker.
type replacedError struct{ file string }

func (e *replacedError) Error() string {
	return e.file + " was removed or replaced while it was open"
}

// place is the files that a worker has open, as they were found.
type place struct{ main, log os.FileInfo }

// settleIn notes the files that the worker works on from now on.
func (db *DB) settleIn() error {
	var err error
	if db.place.main, err = os.Stat(db.path); err != nil {
		return err
	}
	db.place.log, err = os.Stat(db.path + "-wal")
	return err
}

// inPlace tells whether the names still lead to the files that the worker has
// open. A file that was removed or replaced can still be written to, and all of
// it is lost when the worker ends: it would then find unsent what it has sent.
// So nothing is written any more, and nothing sent.
func (db *DB) inPlace() error {
	if db.place.main == nil {
		return nil // a command, which is over soon
	}
	for _, f := range []struct {
		path string
		was  os.FileInfo
	}{{db.path, db.place.main}, {db.path + "-wal", db.place.log}} {
		now, err := os.Stat(f.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return &replacedError{f.path}
		case err != nil:
			return fmt.Errorf("look for the open file: %w", err)
		case !os.SameFile(now, f.was):
			return &replacedError{f.path}
		}
	}
	return nil
}
