package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Backup writes a copy of the database, as of this moment and without its free
// pages, to a new file. A file that is there already is never overwritten. The
// copy is checked and has reached the disk when Backup returns.
func (db *DB) Backup(ctx context.Context, to string) error {
	err := db.copyTo(ctx, to, refuse)
	if err != nil && strings.HasPrefix(hintFor(to, err), "free some space") {
		// Not the database's disk, and nothing goes on by itself.
		return &Error{Op: "back up", Path: db.path, Err: err,
			Hint: fmt.Sprintf("free some space on the disk that is to hold %s, or name a file on another, and try again; what was begun is removed", to)}
	}
	return fault("back up to "+to, db.path, err)
}

// What copyTo does with a file of the name.
const (
	refuse    = false
	overwrite = true // a backup before a migration that failed: the data is the same
)

func (db *DB) copyTo(ctx context.Context, to string, replace bool) (err error) {
	if !replace {
		// Reserving the name is what refuses an existing file without a race.
		f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%w; name a file that does not exist yet", err)
		}
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	part := to + ".part"
	defer func() {
		if err != nil {
			_ = os.Remove(part)
			if !replace {
				_ = os.Remove(to)
			}
		}
	}()
	// VACUUM INTO takes an empty file; making it first keeps the copy for its
	// owner's eyes only, as the original is.
	if err := os.WriteFile(part, nil, 0o600); err != nil {
		return err
	}
	// A connection of its own: the copy is one long read, and the writing
	// connection must not wait for it.
	pool, err := connect(db.path, url.Values{"_busy_timeout": {busyTimeout}})
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	if _, err := pool.ExecContext(ctx, `VACUUM INTO ?`, part); err != nil {
		return err
	}
	if err := checkCopy(ctx, part); err != nil {
		return err
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Rename(part, to); err != nil {
		return err
	}
	return syncFile(filepath.Dir(to))
}

func checkCopy(ctx context.Context, path string) error {
	// immutable: checking must not leave files beside the copy.
	pool, err := connect(path, url.Values{"mode": {"ro"}, "immutable": {"1"}})
	if err != nil {
		return err
	}
	err = checkIntegrity(ctx, pool)
	return errors.Join(err, pool.Close())
}

// syncFile makes a file, or the names in a directory, survive a power failure.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
