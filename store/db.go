package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/jmoiron/sqlx"
	// The driver registers itself as "sqlite3".
	_ "github.com/mattn/go-sqlite3"

	"steward"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Options say how to open a database.
type Options struct {
	// Lock takes the one-process lock, as the worker does, and checks the
	// file's integrity. Without it the file is opened beside a worker.
	Lock bool
	// ReadOnly opens nothing for writing: the file must exist and have this
	// program's schema.
	ReadOnly bool
}

// A DB is an open database. It is safe for concurrent use; writes happen one
// after another.
type DB struct {
	path  string
	write *sqlx.DB // nil when read-only
	read  *sqlx.DB
	lock  *fileLock // nil without Options.Lock
	place place     // zero without Options.Lock

	// trouble is the last failure that was the file's or the disk's fault.
	trouble atomic.Pointer[Error]

	// Claims and settlements come from many senders at once.
	// Reading for the next claims goes on while the last moves are written.
	claims, moves gathering[move, moved]
	// writing is held by whoever writes. writes counts, from 1, what was written
	// that a claim may be decided on; version is SQLite's count of what other
	// processes wrote.
	writing chan struct{}
	writes  atomic.Uint64
	version int64
}

// Open opens the database at path, creating it when it is not there, and
// brings its schema up to date: a backup beside it (path.before-N.bak) comes
// first, and a file that a newer program wrote is refused. Conditions of the
// file and its disk are told as *Error, a lock that another worker holds as
// ErrLocked.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	migrations, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open %s: embedded migrations: %w", path, err)
	}
	return open(ctx, path, o, migrations)
}

func open(ctx context.Context, path string, o Options, migrations fs.FS) (_ *DB, err error) {
	db := &DB{path: path, writing: make(chan struct{}, 1)}
	db.moves.write, db.moves.most = db.writeMoves, movesMost
	db.claims.write, db.claims.most = db.foresee, movesMost
	db.writes.Store(1)
	defer func() {
		if err != nil {
			_ = db.Close() // the first error is the one to tell
		}
	}()
	if err := prepareFile(path, o.ReadOnly); err != nil {
		return nil, fault("open", path, err)
	}
	if o.Lock {
		if db.lock, err = takeLock(ctx, path+".lock"); err != nil {
			return nil, fault("lock", path, err)
		}
	}
	if !o.ReadOnly {
		if db.write, err = connect(path, writerPragmas); err != nil {
			return nil, fault("open", path, err)
		}
		// Immediate transactions take the write lock at once; a second writing
		// connection could only wait for it, and deferred ones fail half-way.
		db.write.SetMaxOpenConns(1)
		// Copying the log into the file is put off until it is some 40 MB long: a
		// page that is written a hundred times meanwhile is then copied once.
		if _, err = db.write.ExecContext(ctx, `PRAGMA wal_autocheckpoint = 10000`); err != nil {
			return nil, fault("open", path, err)
		}
	}
	if db.read, err = connect(path, readerPragmas); err != nil {
		return nil, fault("open", path, err)
	}
	db.read.SetMaxOpenConns(readers)
	if err := db.settleSchema(ctx, migrations); err != nil {
		return nil, fault("open", path, err)
	}
	if o.Lock {
		if err := db.Check(ctx); err != nil {
			return nil, err
		}
	}
	if db.write != nil {
		if err := db.makeKeys(ctx); err != nil {
			return nil, err
		}
	}
	if o.Lock && !o.ReadOnly {
		if err := db.settleIn(); err != nil {
			return nil, fault("open", path, err)
		}
	}
	return db, nil
}

// readers is how many connections read beside the writer: enough for a worker
// with two cores to evaluate, deliver and answer a page at once.
const readers = 4

// busyTimeout is for how long a statement waits for another process's write;
// an import of a large file is one write of some seconds.
const busyTimeout = "10000"

// writerPragmas configure the one writing connection.
var writerPragmas = url.Values{
	// Readers go on while a write is under way.
	"_journal_mode": {"WAL"},
	// Every commit reaches the disk. NORMAL would be faster and may lose the last commits
	// when the power fails; then a message already handed to its provider would
	// be found unsent and go out twice.
	"_synchronous":  {"FULL"},
	"_busy_timeout": {busyTimeout},
	// SQLite leaves foreign keys unchecked unless asked.
	"_foreign_keys": {"on"},
	// A transaction that reads and then writes must not find out half-way that
	// somebody else wrote: take the write lock at BEGIN.
	"_txlock": {"immediate"},
	// What is deleted is overwritten, not only unlinked: forgetting means it.
	"_secure_delete": {"on"},
	// Statements stand as text in the code; the driver keeps them compiled.
	"_stmt_cache_size": {"64"},
}

// readerPragmas configure the reading connections.
var readerPragmas = url.Values{
	"mode":             {"ro"},
	"_query_only":      {"1"}, // a write through the wrong pool is an error, not a race
	"_busy_timeout":    {busyTimeout},
	"_stmt_cache_size": {"64"},
}

// connect opens a pool on the file; nothing is read yet.
func connect(path string, pragmas url.Values) (*sqlx.DB, error) {
	// A file: URI, because a path may hold ? and #.
	dsn := "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + pragmas.Encode()
	return sqlx.Open("sqlite3", dsn)
}

// prepareFile makes sure that the file can be opened, and creates it for its
// owner's eyes only: it holds people's names and addresses.
func prepareFile(path string, readOnly bool) error {
	flags := os.O_RDWR | os.O_CREATE
	if readOnly {
		flags = os.O_RDONLY
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = &fs.PathError{Op: "open", Path: path, Err: syscall.EISDIR}
	}
	return errors.Join(err, f.Close())
}

// Close lets go of the file and of the lock.
func (db *DB) Close() error {
	var errs []error
	if db.read != nil {
		errs = append(errs, db.read.Close())
	}
	if db.write != nil {
		// The last connection to close folds the write-ahead log into the file.
		errs = append(errs, db.write.Close())
	}
	if db.lock != nil {
		errs = append(errs, db.lock.release())
	}
	if err := errors.Join(errs...); err != nil {
		return fault("close", db.path, err)
	}
	return nil
}

// Path is the file's name as it was opened.
func (db *DB) Path() string { return db.path }

// Check reads the whole file and tells damage as *Error.
func (db *DB) Check(ctx context.Context) error {
	return db.view(ctx, "check", func(tx *sqlx.Tx) error { return checkIntegrity(ctx, tx) })
}

// checkIntegrity is quick_check (which leaves out only the comparison of every
// index with its table) and the foreign keys.
func checkIntegrity(ctx context.Context, q sqlx.QueryerContext) error {
	var damage []string
	if err := sqlx.SelectContext(ctx, q, &damage, `PRAGMA quick_check(5)`); err != nil {
		return err
	}
	if len(damage) != 1 || damage[0] != "ok" {
		return &damagedError{findings: damage}
	}
	rows, err := q.QueryxContext(ctx, `PRAGMA foreign_key_check`)
	if err != nil {
		return err
	}
	defer rows.Close()
	if rows.Next() { // one is enough to know
		var table, parent string
		var row sql.NullInt64
		var key int
		if err := rows.Scan(&table, &row, &parent, &key); err != nil {
			return err
		}
		return &damagedError{findings: []string{
			fmt.Sprintf("a row of %s points to a row of %s that is not there", table, parent)}}
	}
	return rows.Err()
}

// view runs f on one consistent state of the database.
func (db *DB) view(ctx context.Context, op string, f func(*sqlx.Tx) error) error {
	tx, err := db.read.BeginTxx(ctx, nil)
	if err != nil {
		return db.met(fault(op, db.path, err))
	}
	defer func() { _ = tx.Rollback() }() // nothing was written: there is nothing to lose
	return db.met(fault(op, db.path, f(tx)))
}

// update runs f in one transaction: all of it is written, or nothing.
func (db *DB) update(ctx context.Context, op string, f func(*sqlx.Tx) error) error {
	return db.transact(ctx, op, f, func() { db.writes.Add(1) })
}

// updateStates is update for what moves messages from state to state and changes
// nothing else that a claim is decided on.
func (db *DB) updateStates(ctx context.Context, op string, f func(*sqlx.Tx) error) error {
	return db.transact(ctx, op, f, func() {})
}

// transact calls after when the transaction is over and before another begins:
// what was read before after has not seen the transaction for certain.
func (db *DB) transact(ctx context.Context, op string, f func(*sqlx.Tx) error, after func()) error {
	if db.write == nil {
		return &Error{Op: op, Path: db.path, Err: errReadOnly,
			Hint: "this command opened the database for reading only; it is a fault in the program, please report it"}
	}
	if err := db.inPlace(); err != nil {
		return db.met(fault(op, db.path, err))
	}
	select {
	case db.writing <- struct{}{}:
		defer func() { <-db.writing }()
	case <-ctx.Done():
		return fault(op, db.path, ctx.Err())
	}
	defer after()
	tx, err := db.write.BeginTxx(ctx, nil)
	if err != nil {
		return db.met(fault(op, db.path, err))
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if err := f(tx); err != nil {
		return db.met(fault(op, db.path, err))
	}
	return db.met(fault(op, db.path, tx.Commit()))
}

// writesKnown is how often anything was written that a claim may have been
// decided on, as of this transaction. What other processes wrote (commands) is
// seen by SQLite's own count of that, which is kept for each connection.
func (db *DB) writesKnown(ctx context.Context, tx *sqlx.Tx) (uint64, error) {
	var version int64
	if err := tx.GetContext(ctx, &version, `PRAGMA data_version`); err != nil {
		return 0, err
	}
	if version != db.version {
		db.version = version
		db.writes.Add(1)
	}
	return db.writes.Load(), nil
}

// Keys are the secrets that the database itself made, once, when it was
// created.
type Keys struct {
	// Salt decides holdout arms: an account keeps its side for ever.
	Salt string
	// Signing signs unsubscribe links; links in mails already sent depend on it.
	Signing steward.Secret
}

// Keys reads the database's keys.
func (db *DB) Keys(ctx context.Context) (Keys, error) {
	var k Keys
	err := db.view(ctx, "read keys", func(tx *sqlx.Tx) error {
		var signing string
		if err := tx.GetContext(ctx, &k.Salt, `SELECT value FROM keys WHERE name = 'salt'`); err != nil {
			return err
		}
		err := tx.GetContext(ctx, &signing, `SELECT value FROM keys WHERE name = 'signing'`)
		k.Signing = steward.NewSecret(signing)
		return err
	})
	return k, err
}

// Salt is Keys' salt, for those who need no secret.
func (db *DB) Salt(ctx context.Context) (string, error) {
	k, err := db.Keys(ctx)
	return k.Salt, err
}

// makeKeys makes the keys of a new database and leaves existing ones alone.
func (db *DB) makeKeys(ctx context.Context) error {
	var n int
	if err := db.view(ctx, "read keys", func(tx *sqlx.Tx) error {
		return tx.GetContext(ctx, &n, `SELECT COUNT(*) FROM keys`)
	}); err != nil || n > 0 {
		return err
	}
	return db.update(ctx, "make keys", func(tx *sqlx.Tx) error {
		for _, name := range []string{"salt", "signing"} {
			b := make([]byte, 32)
			if _, err := rand.Read(b); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx,
				`INSERT INTO keys (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`,
				name, base64.RawURLEncoding.EncodeToString(b)); err != nil {
				return err
			}
		}
		return nil
	})
}
