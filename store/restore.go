package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jmoiron/sqlx"

	"steward"
)

// Restored says what Restore made of a backup.
type Restored struct {
	// Until is the last thing that the backup knows of.
	Until time.Time `json:"until"`
	// Doubtful messages were due by now, and may have gone out since. Of these,
	// Uncertain are settled as that; the others are looked for at their provider
	// before they are sent.
	Doubtful  int `json:"doubtful"`
	Uncertain int `json:"uncertain"`
	// Replaced is where the file of before is now; "" where there was none.
	Replaced string `json:"replaced,omitempty"`
}

// Restore puts a backup in the place of the database at path, which no worker
// may hold (ErrLocked), and keeps what was there beside it. Since the backup
// was made, time has passed that it knows nothing of: what was due meanwhile
// may have been sent, so it is in doubt as after a crash, and sending is
// paused, as pause says, until a person has looked. The copy is checked, brought
// up to this program's schema and marked before it takes the name; until then
// nothing has changed.
func Restore(ctx context.Context, from, path string, pause steward.Pause) (done Restored, err error) {
	if err := checkBackup(ctx, from); err != nil {
		return done, fault("restore "+from, from, err)
	}
	part := path + ".restoring"
	defer func() {
		for _, end := range []string{"", "-wal", "-shm", ".lock"} {
			_ = os.Remove(part + end) // after a success only the lock is left of them
		}
	}()
	if err := copyFile(from, part); err != nil {
		return done, fault("restore "+from, path, err)
	}
	db, err := Open(ctx, part, Options{Lock: true})
	if err != nil {
		return done, err
	}
	err = db.SetPause(ctx, pause)
	if err == nil {
		done, err = db.doubtSince(ctx, pause.At)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return done, err
	}
	done.Replaced, err = swap(ctx, part, path, pause.At)
	return done, fault("put the backup in place", path, err)
}

// checkBackup tells a file that is no backup of this program's, or damaged.
func checkBackup(ctx context.Context, path string) error {
	if err := prepareFile(path, true); err != nil {
		return err
	}
	if err := checkCopy(ctx, path); err != nil {
		return err
	}
	pool, err := connect(path, url.Values{"mode": {"ro"}, "immutable": {"1"}})
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	have, err := (&DB{path: path, read: pool}).SchemaVersion(ctx)
	if err == nil && have == 0 {
		err = &schemaError{message: "the file is empty", hint: "name a file that steward backup wrote"}
	}
	return err
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// swap gives the copy the database's name. The files that belonged to the old
// one go with it: beside another they would be taken for that one's.
func swap(ctx context.Context, part, path string, now time.Time) (replaced string, err error) {
	lock, err := takeLock(ctx, path+".lock")
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.release() }()
	aside := path + ".replaced-" + now.UTC().Format("20060102T150405")
	for _, end := range []string{"-wal", "-shm", ""} {
		err := os.Rename(path+end, aside+end)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err == nil && end == "" {
			replaced = aside
		}
	}
	if err := os.Rename(part, path); err != nil {
		return replaced, err
	}
	return replaced, syncFile(filepath.Dir(path))
}

// doubtSince puts in doubt what was due by now, as a send is whose sender did
// not come back. Drafts that would have gone unless somebody stopped them are
// among them; others wait for their approval as before.
func (db *DB) doubtSince(ctx context.Context, now time.Time) (done Restored, err error) {
	err = db.update(ctx, "mark what may have been sent", func(tx *sqlx.Tx) error {
		var until int64
		if err := tx.GetContext(ctx, &until, lastKnownQuery); err != nil {
			return err
		}
		done = Restored{Until: instant(until)}
		var ids []steward.MessageID
		if err := tx.SelectContext(ctx, &ids, maybeSentQuery, now.Unix(), now.Unix()); err != nil {
			return err
		}
		w := &mover{ctx: ctx, tx: tx}
		defer w.close()
		found, err := readDepartures(ctx, tx, ids, ids)
		if err != nil {
			return err
		}
		for _, id := range ids {
			m := found[id]
			if m.State != steward.Sending {
				m.State, m.Attempts = steward.Sending, m.Attempts+1
			}
			end := steward.Settlement{State: steward.Uncertain, Reason: steward.ReasonOutcomeLost, Doubt: true, Started: done.Until,
				Detail: fmt.Sprintf("it was due after %s, where the restored backup ends; it may have been delivered", done.Until.Format(time.RFC3339))}
			if m.RetryUncertain {
				end.State, end.Due, end.Detail = steward.Planned, now, end.Detail+", and is looked for before it is sent"
			} else {
				done.Uncertain++
			}
			if _, err := w.leaves(m, move{id: id, epoch: m.Epoch, now: now, end: end}); err != nil {
				return err
			}
		}
		done.Doubtful = len(ids)
		return nil
	})
	return done, err
}

const (
	lastKnownQuery = `
	SELECT COALESCE(MAX(at), 0) FROM (
		SELECT MAX(imported_at) AS at FROM sources
		UNION ALL SELECT MAX(started) FROM job_runs
		UNION ALL SELECT MAX(planned) FROM messages
		UNION ALL SELECT MAX(settled) FROM messages
		UNION ALL SELECT MAX(ended) FROM attempts
		UNION ALL SELECT MAX(changed_at) FROM enrolments) known`

	maybeSentQuery = `
	SELECT id FROM messages
	WHERE (state = 'planned' OR state = 'enqueued' OR state = 'deferred') AND due <= ?
		OR state = 'sending'
		OR state = 'awaiting_approval' AND veto > 0 AND veto <= ?
	ORDER BY id`
)
