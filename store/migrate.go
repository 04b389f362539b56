package store

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// settleSchema brings the file to this program's schema, or says why not.
func (db *DB) settleSchema(ctx context.Context, migrations fs.FS) error {
	have, err := db.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	// The provider is made on the reading pool where there is no other: it only
	// lists what is embedded.
	pool := db.read
	if db.write != nil {
		pool = db.write
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, pool.DB, migrations,
		// Migrations are the embedded files and nothing else.
		goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read the embedded migrations: %w", err)
	}
	// The provider is not closed: that would close the pool.
	want := newest(provider)
	switch {
	case have == want:
		return nil
	case have > want:
		return &schemaError{
			message: fmt.Sprintf("a newer steward wrote this file (schema %d, this program knows %d)", have, want),
			hint:    "run the newer program, or put the backup that it made before upgrading in the file's place",
		}
	case db.write == nil:
		return &schemaError{
			message: fmt.Sprintf("the file has an older schema (%d, this program needs %d)", have, want),
			hint:    "start the worker once to bring it up to date; a backup is made first",
		}
	}
	return db.migrate(ctx, provider, have, want)
}

// migrate runs what is missing, forward only. Each migration is one
// transaction of goose's.
func (db *DB) migrate(ctx context.Context, provider *goose.Provider, have, want int64) error {
	if db.lock == nil {
		// A command must not change the tables under a worker's feet.
		lock, err := takeLock(ctx, db.path+".lock")
		if err != nil {
			return fmt.Errorf("bring the schema from %d to %d: %w", have, want, err)
		}
		defer func() { _ = lock.release() }()
		// Another command may have done it while this one waited.
		if have, err = db.SchemaVersion(ctx); err != nil || have >= want {
			return err
		}
	}
	if have > 0 {
		if err := checkIntegrity(ctx, db.write); err != nil {
			return err
		}
		to := fmt.Sprintf("%s.before-%d.bak", db.path, want)
		if err := db.copyTo(ctx, to, overwrite); err != nil {
			return fmt.Errorf("back up to %s before migrating: %w", to, err)
		}
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bring the schema from %d to %d: %w", have, want, err)
	}
	return nil
}

func newest(p *goose.Provider) int64 {
	var v int64
	for _, s := range p.ListSources() {
		v = max(v, s.Version)
	}
	return v
}

// SchemaVersion is the number of the last migration that ran; 0 for an empty
// file.
func (db *DB) SchemaVersion(ctx context.Context) (int64, error) {
	pool := db.read
	if db.write != nil {
		// A file that was created this moment has no pages yet, and a reader that
		// may not write cannot set up what WAL needs.
		pool = db.write
	}
	var tables, ours int
	if err := pool.GetContext(ctx, &tables, `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'`); err != nil {
		return 0, err
	}
	if tables == 0 {
		return 0, nil
	}
	if err := pool.GetContext(ctx, &ours,
		`SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'`); err != nil {
		return 0, err
	}
	if ours == 0 {
		return 0, &schemaError{
			message: "the file is a database of another program",
			hint:    fmt.Sprintf("name another file than %s for steward's data", db.path),
		}
	}
	var v int64
	err := pool.GetContext(ctx, &v, `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied`)
	return v, err
}
