package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"steward"
)

// A room is a directory on a disk that can be filled up.
type room struct {
	dir  string
	fill func(t *testing.T) (free func())
}

// rooms are the ways in which a disk can be full here: a limit on the size of
// files, which needs no rights, and a small file system, where it can be
// mounted.
func rooms(t *testing.T) map[string]func(t *testing.T) room {
	t.Helper()
	out := map[string]func(t *testing.T) room{"a limit on files": func(t *testing.T) room {
		dir := t.TempDir()
		return room{dir, func(t *testing.T) func() { return limitFiles(t, dir) }}
	}}
	if probe := t.TempDir(); syscall.Mount("tmpfs", probe, "tmpfs", 0, "size=64k") == nil {
		must(t, syscall.Unmount(probe, 0))
		out["a full file system"] = func(t *testing.T) room {
			dir := t.TempDir()
			must(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=12m"))
			t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
			return room{dir, func(t *testing.T) func() { return fillUp(t, dir) }}
		}
	} else {
		t.Log("no file system can be mounted here; full disks are tried with a limit on the size of files alone")
	}
	return out
}

// limitFiles lets no file grow beyond the shortest of the log and the database
// in a directory.
func limitFiles(t *testing.T, dir string) (free func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	size := int64(1 << 40)
	logs, err := filepath.Glob(filepath.Join(dir, "*-wal"))
	must(t, err)
	for _, path := range logs {
		info, err := os.Stat(path)
		must(t, err)
		size = min(size, info.Size())
	}
	if len(logs) == 0 {
		size = 4096
	}
	var was syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was))
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(size), Max: was.Max}))
	return func() { must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was)) }
}

func fillUp(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	must(t, err)
	for _, n := range []int{1 << 20, 4096, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, n))
		}
	}
	must(t, f.Close())
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	return func() { must(t, os.Remove(path)) }
}

// everyRow is a fingerprint of all that the database holds.
func everyRow(t *testing.T, db *DB) map[string]string {
	t.Helper()
	out := map[string]string{}
	var tables []string
	must(t, db.read.Select(&tables, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`))
	for _, table := range tables {
		rows, err := db.read.Queryx(`SELECT * FROM ` + table + ` ORDER BY 1, 2`)
		must(t, err)
		h := sha256.New()
		for rows.Next() {
			row, err := rows.SliceScan()
			must(t, err)
			fmt.Fprintln(h, row...)
		}
		must(t, rows.Err())
		out[table] = string(h.Sum(nil))
	}
	return out
}

// writes are the writing methods whose call in everyMethod needs something to
// be there first, or is of several writes. The rest is tried as it stands.
var writes = map[string]struct {
	first func(context.Context, *DB) error
	call  func(context.Context, *DB) error
}{
	"ClearOverride": {everyMethod["Override"], everyMethod["ClearOverride"]},
	"ClearPause":    {everyMethod["SetPause"], everyMethod["ClearPause"]},
	"ClaimRun":      {nil, everyMethod["ClaimRun"]},
	"EditFailed":    {editWanted, everyMethod["EditFailed"]},
	"Painted":       {editWanted, everyMethod["Painted"]},
	"ExpireApprovals": {
		sqlOf(`UPDATE messages SET expires = 1 WHERE state = 'awaiting_approval' AND id > 'm-open00000035'`), everyMethod["ExpireApprovals"]},
	"ExpireQuarantine": {
		sqlOf(`UPDATE enrolments SET state = 'quarantined', opened_at = 1 WHERE id = 'e-open00000040'`), everyMethod["ExpireQuarantine"]},
	"FinishTask": {
		func(ctx context.Context, db *DB) error {
			_, _, err := giveTask(ctx, db, "tasked", steward.NoDay)
			return err
		},
		func(ctx context.Context, db *DB) error {
			list, err := db.Tasks(ctx, TaskFilter{Account: "tasked"})
			if err != nil {
				return err
			}
			_, err = db.FinishTask(ctx, string(list[0].ID), "called", "dana", start)
			return err
		}},
	"FinishRun": {
		func(ctx context.Context, db *DB) error {
			_, _, err := db.ClaimRun(ctx, "sync", steward.SlotAt(start), start, time.Minute)
			return err
		},
		func(ctx context.Context, db *DB) error {
			return db.FinishRun(ctx, steward.Run{Job: "sync", Slot: steward.SlotAt(start), Term: 1}, nil, start, nil, "")
		}},
	"Forget": {
		func(ctx context.Context, db *DB) error {
			_, err := db.Import(ctx, Batch{Source: "people", At: start, Contacts: []steward.Contact{{ID: "c2", Account: "a000003", Name: "Ada Ash"}}})
			return err
		},
		func(ctx context.Context, db *DB) error { _, err := db.Forget(ctx, "c2", start); return err }},
	"ForgetNotice": {everyMethod["Notice"], everyMethod["ForgetNotice"]},
	"LapsedSends": {
		sqlOf(`UPDATE messages SET state = 'sending', lease = 1 WHERE id = 'm-open00000042'`), everyMethod["LapsedSends"]},
	"MarkEnqueued": {nil, func(ctx context.Context, db *DB) error {
		return db.MarkEnqueued(ctx, []steward.Due{{ID: "m-open00000044"}}, start)
	}},
	"Notice": {nil, func(ctx context.Context, db *DB) error {
		m := cardFor("acme", start)
		m.ID, m.Kind = "m-full", steward.Notice
		_, err := db.Notice(ctx, "full", m, start)
		return err
	}},
	"Rewind": {
		sqlOf(`INSERT INTO job_runs VALUES ('evaluate', 9000000000, 'done', 1, 0, 0, 0, '', 'null')`), everyMethod["Rewind"]},
	"Release": {
		sqlOf(`UPDATE enrolments SET state = 'quarantined' WHERE id = 'e-open00000041'`), everyMethod["Release"]},
	"RenewRun": {
		func(ctx context.Context, db *DB) error {
			_, _, err := db.ClaimRun(ctx, "renewed", steward.SlotAt(start), start, time.Minute)
			return err
		},
		func(ctx context.Context, db *DB) error {
			_, err := db.RenewRun(ctx, steward.Run{Job: "renewed", Slot: steward.SlotAt(start), Term: 1}, start, time.Hour)
			return err
		}},
	"Requeue": {
		sqlOf(`UPDATE messages SET state = 'enqueued', epoch = 0 WHERE id = 'm-open00000003'`), everyMethod["Requeue"]},
	"RequeueAll": {
		sqlOf(`UPDATE messages SET state = 'enqueued' WHERE id = 'm-open00000043'`), everyMethod["RequeueAll"]},
	"Settle": {
		func(ctx context.Context, db *DB) error {
			_, _, err := db.Claim(ctx, "m-open00000007", 0, start, time.Minute, pass)
			return err
		},
		func(ctx context.Context, db *DB) error {
			return db.Settle(ctx, "m-open00000007", 0, steward.Settlement{State: steward.Sent}, start)
		}},
	"Unsuppress": {everyMethod["Suppress"], everyMethod["Unsuppress"]},
	"Withdraw": {
		func(ctx context.Context, db *DB) error {
			if err := everyMethod["Import"](ctx, db); err != nil {
				return err
			}
			return sqlOf(`UPDATE imports SET summary = '{"refused":[{"kind":"columns"}]}' WHERE source = 'crm'`)(ctx, db)
		}, everyMethod["Withdraw"]},
	"VetoElapsed": {
		sqlOf(`UPDATE messages SET veto = 1, expires = 0 WHERE id = 'm-open00000031';
			INSERT INTO asks SELECT 'm-open00000031', MIN(id), 1, 1, FALSE FROM messages WHERE state = 'sent'`), everyMethod["VetoElapsed"]},
}

// editWanted has a card wait to be drawn anew.
func editWanted(ctx context.Context, db *DB) error {
	_, err := db.write.ExecContext(ctx, `INSERT INTO edits VALUES (?, 1, 0, 0, 0, '') ON CONFLICT DO NOTHING`, someMessage)
	return err
}

func sqlOf(query string) func(context.Context, *DB) error {
	return func(ctx context.Context, db *DB) error {
		_, err := db.write.ExecContext(ctx, query)
		return err
	}
}

// readers are the methods that write nothing.
var readMethods = strings.Fields(`Acts Agendas Answered Attempts Away ContactsNamed Counts Dealings Dossier DueEdits DueEnrolments Ended Enqueued Enrolment EnrolmentCounts Enrolments FieldHistory Forgettings GivenTasks Held HeldOf InQueue IncomingCounts Keys LastFiles LastRun LastSlot
	MailCursor MailTo Message MessageCounts Messages Notices OpenOf OpenedSince OutreachOf Overrides Pause PilotStarts Plate PlaybookStates PlaybookVersion Portfolio Ready ReaderOf Records Rejects Runs Salt Scores Seats Series SeriesOf Silences SoftBounces Sources
	Standing StandingOf Story Strays SuppressedAddresses Suppressions Task Tasks Unclaimed Week Words`)

// Whatever is being written when the disk is full is written later or not at
// all, and the same call goes through once there is room.
func TestADiskThatIsFullAtEachWrite(t *testing.T) {
	for name, prepare := range rooms(t) {
		t.Run(name, func(t *testing.T) {
			ctx, r := context.Background(), prepare(t)
			db, err := Open(ctx, filepath.Join(r.dir, "steward.db"), Options{Lock: true})
			must(t, err)
			defer db.Close()
			load(t, db, 50, 200)
			for _, method := range slices.Sorted(maps.Keys(everyMethod)) {
				call := everyMethod[method]
				if strings.Contains(" "+strings.Join(readMethods, " ")+" ", " "+method+" ") {
					continue
				}
				if w, known := writes[method]; known {
					call = w.call
					if w.first != nil {
						must(t, w.first(ctx, db))
					}
				}
				before := everyRow(t, db)
				free := r.fill(t)
				err := call(ctx, db)
				told := db.Ready(ctx)
				free()
				for what, err := range map[string]error{method: err, "readiness after " + method: told} {
					var condition *Error
					if !errors.As(err, &condition) || !strings.Contains(condition.Hint, "free some space") {
						t.Errorf("%s on a full disk: %v, want an *Error that speaks of space", what, err)
					}
				}
				if diff := different(before, everyRow(t, db)); diff != "" {
					t.Errorf("%s left something half-written in %s", method, diff)
				}
				if err := call(ctx, db); err != nil {
					t.Errorf("%s once there is room: %v", method, err)
				}
				if err := db.Ready(ctx); err != nil {
					t.Errorf("readiness once there is room: %v", err)
				}
			}
			must(t, db.Check(ctx))
		})
	}
}

func different(a, b map[string]string) string {
	var out []string
	for table := range a {
		if a[table] != b[table] {
			out = append(out, table)
		}
	}
	return strings.Join(out, ", ")
}

// Opening, bringing up to date and copying meet a full disk, too.
func TestADiskThatIsFullAtOpening(t *testing.T) {
	all := rooms(t)
	if len(all) > 1 {
		// The files here are so small that a limit on theirs would be one on what the
		// go command has this process write.
		delete(all, "a limit on files")
	}
	for name, prepare := range all {
		t.Run(name, func(t *testing.T) {
			ctx, r := context.Background(), prepare(t)
			path := filepath.Join(r.dir, "steward.db")
			full := func(what string, call func() error) {
				t.Helper()
				free := r.fill(t)
				err := call()
				free()
				var condition *Error
				if !errors.As(err, &condition) || !strings.Contains(condition.Hint, "free some space") {
					t.Errorf("%s on a full disk: %v, want an *Error that speaks of space", what, err)
				}
			}
			opened := func(migrations fstest.MapFS) func() error {
				return func() error {
					db, err := open(ctx, path, Options{Lock: true}, migrations)
					if err == nil {
						err = db.Close()
					}
					return err
				}
			}
			full("creating", opened(later(t)))
			must(t, opened(later(t))())
			db, err := open(ctx, path, Options{Lock: true}, later(t))
			must(t, err)
			m := plan(t, db, "acme")
			copied := filepath.Join(r.dir, "copy.db")
			full("a backup", func() error { return db.Backup(ctx, copied) })
			if _, err := os.Stat(copied); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("half a backup was left: %v", err)
			}
			must(t, db.Close())
			full("a migration", opened(later(t, "CREATE TABLE more (id TEXT PRIMARY KEY);", "CREATE TABLE even_more (id TEXT PRIMARY KEY);")))
			db, err = open(ctx, path, Options{Lock: true}, later(t, "CREATE TABLE more (id TEXT PRIMARY KEY);", "CREATE TABLE even_more (id TEXT PRIMARY KEY);"))
			must(t, err)
			if _, err := db.Message(ctx, string(m.ID)); err != nil {
				t.Errorf("after a migration that had no room at first: %v", err)
			}
			must(t, db.Close())
		})
	}
}

// One damaged page anywhere is found before any work begins.
func TestADamagedPageIsFoundAtTheStart(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
	db, err := Open(ctx, path, Options{})
	must(t, err)
	load(t, db, 20, 100)
	must(t, db.Close())
	whole, err := os.ReadFile(path)
	must(t, err)
	pages := len(whole) / 4096
	for page := 1; page < pages; page += 1 + pages/40 {
		b := append([]byte{}, whole...)
		copy(b[page*4096:], "\xff\xff\xff\xff\xff\xff\xff\xff")
		must(t, os.WriteFile(path, b, 0o600))
		db, err := Open(ctx, path, Options{Lock: true})
		var condition *Error
		if !errors.As(err, &condition) || !strings.Contains(condition.Hint, "newest backup") {
			t.Errorf("page %d of %d: Open = %v, want an *Error that speaks of the backup", page, pages, err)
		}
		if err == nil {
			must(t, db.Close())
		}
	}
}

// Damage that comes while the worker runs is told by whoever meets it, and by
// readiness from then on.
func TestDamageIsToldWhileRunning(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
	db, err := Open(ctx, path, Options{Lock: true})
	must(t, err)
	defer db.Close()
	load(t, db, 200, 5000)
	must(t, checkpoint(db))
	must(t, db.Ready(ctx))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	info, err := f.Stat()
	must(t, err)
	for at := int64(3 * 4096); at < info.Size(); at += 4096 {
		_, err := f.WriteAt([]byte("\xff\xff\xff\xff\xff\xff\xff\xff"), at)
		must(t, err)
	}
	must(t, f.Close())
	_, err = db.Ended(ctx)
	var condition *Error
	if !errors.As(err, &condition) || !strings.Contains(condition.Hint, "newest backup") {
		t.Errorf("a read of what is damaged: %v, want an *Error that speaks of the backup", err)
	}
	if _, err := db.Prune(ctx, start); !errors.As(err, &condition) || !strings.Contains(condition.Hint, "newest backup") {
		t.Errorf("a write to what is damaged: %v", err)
	}
	if err := db.Ready(ctx); !errors.As(err, &condition) || !strings.Contains(condition.Hint, "newest backup") {
		t.Errorf("readiness: %v", err)
	}
}

// checkpoint folds the log into the file.
func checkpoint(db *DB) error {
	_, err := db.write.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	return err
}

// killedWith is the files of a database as a process leaves them that is killed
// with everything still in the log: twenty enrolments, each a commit.
func killedWith(t *testing.T) (dir string, commits int) {
	t.Helper()
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
	db, err := Open(ctx, path, Options{})
	must(t, err)
	defer db.Close()
	must(t, checkpoint(db))
	const n = 20
	for i := range n {
		plan(t, db, steward.AccountID(fmt.Sprintf("a%02d", i)))
	}
	dir = t.TempDir()
	for _, end := range []string{"", "-wal", "-shm"} {
		b, err := os.ReadFile(path + end)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, "steward.db"+end), b, 0o600))
	}
	return dir, n
}

// A log that was cut or damaged when the power failed gives back the commits up
// to there, whole, and none after; one without its index gives back all.
func TestALogThatWasCut(t *testing.T) {
	dir, commits := killedWith(t)
	log, err := os.ReadFile(filepath.Join(dir, "steward.db-wal"))
	must(t, err)
	for name, spoil := range map[string]func(path string, i int) error{
		"cut": func(path string, i int) error { return os.Truncate(path+"-wal", int64(len(log)*i/8)) },
		"damaged": func(path string, i int) error {
			b := append([]byte{}, log...)
			b[(len(b)-1)*i/8] ^= 0xff
			return os.WriteFile(path+"-wal", b, 0o600)
		},
		"without its index": func(path string, i int) error { return os.Remove(path + "-shm") },
	} {
		t.Run(name, func(t *testing.T) {
			last := -1
			for i := range 9 {
				copied := t.TempDir()
				must(t, os.CopyFS(copied, os.DirFS(dir)))
				path := filepath.Join(copied, "steward.db")
				must(t, spoil(path, i))
				db, err := Open(context.Background(), path, Options{Lock: true})
				must(t, err)
				all, err := db.Enrolments(context.Background(), EnrolmentFilter{})
				must(t, err)
				due, err := db.DueMessages(context.Background(), start, 0, steward.Channels()...)
				must(t, err)
				if len(due) != len(all) {
					t.Errorf("%d/8: %d enrolments with %d messages: half a commit", i, len(all), len(due))
				}
				for _, e := range all {
					if e.Subject.ID >= fmt.Sprintf("a%02d", len(all)) {
						t.Errorf("%d/8: %s is there and something before it is not", i, e.Subject.ID)
					}
				}
				if name == "without its index" && len(all) != commits {
					t.Errorf("%d of %d commits are left", len(all), commits)
				}
				if len(all) < last {
					t.Errorf("%d/8: %d commits are left, and %d with less of the log", i, len(all), last)
				}
				last = len(all)
				must(t, db.Close())
			}
			if last < commits-1 {
				t.Errorf("with nearly the whole log %d of %d commits are left", last, commits)
			}
		})
	}
}

// Nothing is written to a file that was taken away: it would be gone with the
// process, and what was sent would be found unsent.
func TestAFileThatIsTakenAway(t *testing.T) {
	for name, c := range map[string]struct {
		away, back func(path string) error
	}{
		"moved away and back": {
			func(path string) error { return os.Rename(path, path+".elsewhere") },
			func(path string) error { return os.Rename(path+".elsewhere", path) }},
		"replaced": {
			func(path string) error {
				if err := os.Rename(path, path+".elsewhere"); err != nil {
					return err
				}
				return os.WriteFile(path, nil, 0o600)
			},
			func(path string) error { return os.Rename(path+".elsewhere", path) }},
		"without its log": {
			func(path string) error { return os.Rename(path+"-wal", path+"-gone") },
			func(path string) error { return os.Rename(path+"-gone", path+"-wal") }},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
			db, err := Open(ctx, path, Options{Lock: true})
			must(t, err)
			defer db.Close()
			m := plan(t, db, "acme")
			must(t, c.away(path))
			_, _, err = db.Claim(ctx, m.ID, 0, start, time.Minute, pass)
			for what, err := range map[string]error{"a claim": err, "readiness": db.Ready(ctx)} {
				var condition *Error
				if !errors.As(err, &condition) || !strings.Contains(err.Error(), "removed or replaced") || !strings.Contains(condition.Hint, "stop the worker") {
					t.Errorf("%s: %v", what, err)
				}
			}
			must(t, c.back(path))
			if _, _, err = db.Claim(ctx, m.ID, 0, start, time.Minute, pass); err != nil {
				t.Errorf("once it is back: %v", err)
			}
			must(t, db.Ready(ctx))
		})
	}
}

// tryToOpen is the process of TestAFileThatMayNotBeWritten: it has few rights.
func tryToOpen(path string) int {
	db, err := Open(context.Background(), path, Options{Lock: true})
	var condition *Error
	switch {
	case err == nil:
		fmt.Println("opened")
		_ = db.Close()
	case errors.As(err, &condition):
		fmt.Println(err)
	default:
		fmt.Println("no *Error:", err)
	}
	return 0
}

func TestAFileThatMayNotBeWritten(t *testing.T) {
	// Root may write everything, so another process tries, as nobody.
	dir, err := os.MkdirTemp("", "steward")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	program, err := os.ReadFile(os.Args[0])
	must(t, err)
	binary := filepath.Join(dir, "store.test")
	must(t, os.WriteFile(binary, program, 0o755))
	for _, c := range []struct {
		name      string
		file, dir os.FileMode
		want      string
	}{
		{"both may be written", 0o666, 0o777, "opened"},
		{"the file is read-only", 0o444, 0o777, "let the user that runs steward write to"},
		{"the directory is read-only", 0o666, 0o555, "let the user that runs steward write to"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := filepath.Join(dir, strings.ReplaceAll(c.name, " ", "-"))
			must(t, os.Mkdir(data, 0o755))
			path := filepath.Join(data, "steward.db")
			db, err := Open(context.Background(), path, Options{})
			must(t, err)
			must(t, db.Close())
			must(t, os.Remove(path+".lock")) // this process's
			must(t, os.Chmod(path, c.file))
			must(t, os.Chmod(data, c.dir))
			t.Cleanup(func() { _ = os.Chmod(data, 0o755) })
			other := exec.Command(binary)
			other.Env = append(os.Environ(), "STORE_TEST_OPEN="+path)
			if os.Getuid() == 0 {
				other.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			}
			said, err := other.CombinedOutput()
			must(t, err)
			if !strings.Contains(string(said), c.want) {
				t.Errorf("it said %q, want %q", said, c.want)
			}
		})
	}
}
