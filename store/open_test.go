package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"steward"
)

// The test binary is also the other process of TestOneWorkerPerFile and
// TestKilledAtAnyMoment.
func TestMain(m *testing.M) {
	if path := os.Getenv("STORE_TEST_SCRIBBLE"); path != "" {
		os.Exit(scribble(path))
	}
	if path := os.Getenv("STORE_TEST_UPGRADE"); path != "" {
		os.Exit(upgrade(path))
	}
	if path := os.Getenv("STORE_TEST_OPEN"); path != "" {
		os.Exit(tryToOpen(path))
	}
	if path := os.Getenv("STORE_TEST_HOLD"); path != "" {
		os.Exit(hold(path))
	}
	os.Exit(m.Run())
}

// hold opens the file as a worker, says so, and waits for its input to close.
func hold(path string) int {
	db, err := Open(context.Background(), path, Options{Lock: true})
	if err != nil {
		os.Stdout.WriteString("refused: " + err.Error() + "\n")
		return 1
	}
	defer db.Close()
	os.Stdout.WriteString("held\n")
	_, _ = os.Stdin.Read(make([]byte, 1))
	return 0
}

func TestOneWorkerPerFile(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), "STORE_TEST_HOLD="+path)
	in, err := other.StdinPipe()
	must(t, err)
	out, err := other.StdoutPipe()
	must(t, err)
	must(t, other.Start())
	said := make([]byte, 64)
	n, err := out.Read(said)
	must(t, err)
	if string(said[:n]) != "held\n" {
		t.Fatalf("the other process: %s", said[:n])
	}

	_, err = Open(ctx, path, Options{Lock: true})
	var condition *Error
	if !errors.Is(err, ErrLocked) || !errors.As(err, &condition) || condition.Hint == "" {
		t.Errorf("a second worker: %v", err)
	}
	command, err := Open(ctx, path, Options{})
	if err != nil {
		t.Errorf("a command beside the worker: %v", err)
	} else {
		must(t, command.SetPause(ctx, steward.Pause{At: start, By: "lee"}))
		must(t, command.Close())
	}

	must(t, other.Process.Kill()) // the lock must end with its process, however that ends
	_ = other.Wait()
	_ = in.Close()
	db, err := Open(ctx, path, Options{Lock: true})
	if err != nil {
		t.Fatalf("after the worker died: %v", err)
	}
	if p, err := db.Pause(ctx); err != nil || p.By != "lee" {
		t.Errorf("what the command wrote: %+v %v", p, err)
	}
	must(t, db.Close())
}

func TestKeysAreMadeOnce(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
	var first Keys
	for i := range 2 {
		db, err := Open(ctx, path, Options{})
		must(t, err)
		k, err := db.Keys(ctx)
		must(t, err)
		if i == 0 {
			first = k
		}
		if k != first || len(k.Salt) < 40 || len(k.Signing.Reveal()) < 40 || k.Salt == k.Signing.Reveal() {
			t.Errorf("keys %d: salt %q", i, k.Salt)
		}
		must(t, db.Close())
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v: others can read people's addresses", info.Mode())
	}
}

// known is the newest schema of this program.
func known(t testing.TB) int64 {
	t.Helper()
	files, err := fs.Glob(migrationFiles, "migrations/*.sql")
	must(t, err)
	return int64(len(files))
}

// later is the embedded schema with further migrations.
func later(t testing.TB, more ...string) fstest.MapFS {
	t.Helper()
	out, n := fstest.MapFS{}, known(t)
	files, err := fs.Sub(migrationFiles, "migrations")
	must(t, err)
	names, err := fs.Glob(files, "*.sql")
	must(t, err)
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		must(t, err)
		out[name] = &fstest.MapFile{Data: text}
	}
	if len(more) == 0 {
		more = []string{"CREATE TABLE more (id TEXT PRIMARY KEY);"}
	}
	for i, text := range more {
		out[fmt.Sprintf("%05d_more.sql", int(n)+1+i)] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + text + "\n")}
	}
	return out
}

// backupBefore is where a migration to a schema leaves the file of before.
func backupBefore(path string, schema int64) string {
	return fmt.Sprintf("%s.before-%d.bak", path, schema)
}

func TestMigrationMakesABackupFirst(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
	db, err := Open(ctx, path, Options{})
	must(t, err)
	must(t, db.SetPause(ctx, steward.Pause{At: start, By: "lee", Reason: "before"}))
	must(t, db.Close())
	if _, err := os.Stat(backupBefore(path, known(t))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty file was backed up: %v", err)
	}

	if _, err := open(ctx, path, Options{ReadOnly: true}, later(t)); err == nil || !strings.Contains(err.Error(), "older schema") {
		t.Errorf("read-only on an older schema: %v", err)
	}
	db, err = open(ctx, path, Options{Lock: true}, later(t))
	must(t, err)
	if v, err := db.SchemaVersion(ctx); err != nil || v != known(t)+1 {
		t.Errorf("schema %d, %v", v, err)
	}
	must(t, db.Close())

	backup, err := Open(ctx, backupBefore(path, known(t)+1), Options{})
	must(t, err)
	if p, err := backup.Pause(ctx); err != nil || p.Reason != "before" {
		t.Errorf("the backup holds %+v, %v", p, err)
	}
	must(t, backup.Close())

	// And the program of before refuses the file of after.
	_, err = Open(ctx, path, Options{})
	var condition *Error
	if !errors.As(err, &condition) || !strings.Contains(err.Error(), "newer steward") || condition.Hint == "" {
		t.Errorf("an older program on a newer file: %v", err)
	}
}

func TestAFailedMigrationLeavesTheFileAlone(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
	db, err := Open(ctx, path, Options{})
	must(t, err)
	must(t, db.Close())
	broken := later(t, "CREATE TABLE more (id TEXT);\nINSERT INTO nowhere VALUES (1);")
	for range 2 { // the second time there is a backup already
		if _, err := open(ctx, path, Options{}, broken); err == nil {
			t.Fatal("a broken migration went through")
		}
	}
	db, err = Open(ctx, path, Options{})
	must(t, err)
	must(t, db.Close())
}

// slowly is an upgrade of several steps, each of which takes a while and would
// be seen half-done.
var slowly = []string{
	`CREATE TABLE one (id INTEGER PRIMARY KEY, x TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000) INSERT INTO one SELECT i, 'x' FROM n;
CREATE INDEX one_x ON one (x);`,
	`ALTER TABLE one ADD COLUMN y TEXT NOT NULL DEFAULT '';
UPDATE one SET y = 'y' || id;`,
	`CREATE TABLE two AS SELECT * FROM one;
DROP TABLE one;
CREATE UNIQUE INDEX two_y ON two (y);`,
}

// upgrade is the process of TestAnUpgradeThatIsKilled.
func upgrade(path string) int {
	migrations := fstest.MapFS{}
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return 1
	}
	for _, name := range names {
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return 1
		}
		migrations[filepath.Base(name)] = &fstest.MapFile{Data: text}
	}
	for i, text := range slowly {
		migrations[fmt.Sprintf("%05d_slow.sql", len(names)+1+i)] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + text + "\n")}
	}
	db, err := open(context.Background(), path, Options{Lock: true}, migrations)
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		os.Stdout.WriteString(err.Error())
		return 1
	}
	return 0
}

// An upgrade that is killed at any moment is finished at the next start, and
// the file of before is beside it.
func TestAnUpgradeThatIsKilled(t *testing.T) {
	ctx := context.Background()
	run := func(path string) *exec.Cmd {
		other := exec.Command(os.Args[0])
		other.Env = append(os.Environ(), "STORE_TEST_UPGRADE="+path)
		must(t, other.Start())
		return other
	}
	prepare := func() (string, steward.MessageID) {
		path := filepath.Join(t.TempDir(), "steward.db")
		db, err := Open(ctx, path, Options{})
		must(t, err)
		m := plan(t, db, "acme")
		must(t, db.Close())
		return path, m.ID
	}
	path, _ := prepare()
	began := time.Now()
	must(t, run(path).Wait())
	took := time.Since(began)

	halfway := map[int64]int{}
	for i := range 8 {
		path, id := prepare()
		other := run(path)
		time.Sleep(took * time.Duration(i+1) / 8)
		_ = other.Process.Kill()
		_ = other.Wait()

		was, err := connect(path, nil)
		must(t, err)
		var reached int64
		must(t, was.Get(&reached, `SELECT MAX(version_id) FROM goose_db_version WHERE is_applied`))
		must(t, checkIntegrity(ctx, was))
		must(t, was.Close())
		halfway[reached-known(t)]++
		if reached > known(t) {
			backup, err := Open(ctx, backupBefore(path, known(t)+3), Options{ReadOnly: true})
			if err != nil {
				t.Fatalf("killed after step %d: the backup: %v", reached-known(t), err)
			}
			if _, err := backup.Message(ctx, string(id)); err != nil {
				t.Errorf("killed after step %d: in the backup: %v", reached-known(t), err)
			}
			must(t, backup.Close())
		}
		db, err := open(ctx, path, Options{Lock: true}, later(t, slowly...))
		if err != nil {
			t.Fatalf("killed after step %d: %v", reached-known(t), err)
		}
		var rows int
		must(t, db.read.Get(&rows, `SELECT COUNT(*) FROM two WHERE y = 'y' || id`))
		if _, err := db.Message(ctx, string(id)); err != nil || rows != 40_000 {
			t.Errorf("killed after step %d, then finished: %d rows, %v", reached-known(t), rows, err)
		}
		must(t, db.Close())
	}
	t.Logf("killed after so many steps, so often: %v", halfway)
}

func TestACommandDoesNotMigrateBesideAWorker(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
	db, err := Open(ctx, path, Options{Lock: true})
	must(t, err)
	defer db.Close()
	if _, err := open(ctx, path, Options{}, later(t)); !errors.Is(err, ErrLocked) {
		t.Errorf("Open = %v, want ErrLocked", err)
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	must(t, os.WriteFile(garbage, []byte(strings.Repeat("these are not the pages you look for\n", 300)), 0o600))
	foreign := filepath.Join(dir, "foreign.db")
	pool, err := connect(foreign, nil)
	must(t, err)
	pool.MustExec(`CREATE TABLE recipes (name TEXT)`)
	must(t, pool.Close())
	for _, c := range []struct {
		name, path string
		o          Options
		want       string
	}{
		{"a directory", dir, Options{}, "name a file"},
		{"a directory that is not there", filepath.Join(dir, "no", "steward.db"), Options{}, "create the directory"},
		{"no file to read", filepath.Join(dir, "none.db"), Options{ReadOnly: true}, "name the right file"},
		{"not a database", garbage, Options{}, "not a database"},
		{"another program's", foreign, Options{}, "another program"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(ctx, c.path, c.o)
			var condition *Error
			if !errors.As(err, &condition) || condition.Hint == "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Open = %v, want an *Error that says %q", err, c.want)
			}
		})
	}
}

func TestADamagedFileIsRefused(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
	db, err := Open(ctx, path, Options{})
	must(t, err)
	plan(t, db, "acme")
	must(t, db.Close())
	b, err := os.ReadFile(path)
	must(t, err)
	for i := 8192; i < len(b); i += 4096 { // the headers of all pages but the first two
		copy(b[i:], "\xff\xff\xff\xff\xff\xff\xff\xff")
	}
	must(t, os.WriteFile(path, b, 0o600))
	_, err = Open(ctx, path, Options{Lock: true})
	var condition *Error
	if !errors.As(err, &condition) || !strings.Contains(condition.Hint, "backup") || !strings.HasSuffix(err.Error(), condition.Hint) {
		t.Errorf("Open = %v, want an *Error that speaks of the backup", err)
	}
}

func TestARowThatPointsNowhereIsDamage(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
	db, err := Open(ctx, path, Options{})
	must(t, err)
	plan(t, db, "acme")
	must(t, db.Check(ctx))
	must(t, db.Close())
	pool, err := connect(path, nil) // a program that leaves foreign keys unchecked, as SQLite's own shell does
	must(t, err)
	pool.MustExec(`DELETE FROM enrolments`)
	must(t, pool.Close())
	_, err = Open(ctx, path, Options{Lock: true})
	var condition *Error
	if !errors.As(err, &condition) || !strings.Contains(err.Error(), "a row of outreach points to a row of enrolments that is not there") {
		t.Errorf("Open = %v", err)
	}
}

// A migration sees the damage before it works on it, and a command tells it too.
func TestADamagedFileIsNotMigrated(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
	db, err := Open(ctx, path, Options{})
	must(t, err)
	plan(t, db, "acme")
	must(t, db.Close())
	pool, err := connect(path, nil)
	must(t, err)
	pool.MustExec(`DELETE FROM enrolments`)
	must(t, pool.Close())
	if _, err := open(ctx, path, Options{}, later(t)); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("Open = %v", err)
	}
	if _, err := os.Stat(backupBefore(path, known(t)+1)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a damaged file was backed up as if it were whole: %v", err)
	}
}

func TestReadOnlyOpensBesideAWorkerAndNeverWrites(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
	worker, err := Open(ctx, path, Options{Lock: true})
	must(t, err)
	defer worker.Close()
	must(t, worker.SetPause(ctx, steward.Pause{At: start, By: "lee"}))
	reader, err := Open(ctx, path, Options{ReadOnly: true})
	must(t, err)
	defer reader.Close()
	if p, err := reader.Pause(ctx); err != nil || p.By != "lee" {
		t.Errorf("read %+v, %v", p, err)
	}
	if err := reader.ClearPause(ctx); err == nil {
		t.Error("a read-only database was written to")
	}
}

func TestBackup(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	m := plan(t, db, "acme")
	to := filepath.Join(t.TempDir(), "copy.db")
	must(t, db.Backup(ctx, to))
	if err := db.Backup(ctx, to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second backup to one name: %v", err)
	}
	names, err := os.ReadDir(filepath.Dir(to))
	must(t, err)
	if len(names) != 1 {
		t.Errorf("the backup left %v beside it", names)
	}
	copied, err := Open(ctx, to, Options{ReadOnly: true})
	must(t, err)
	defer copied.Close()
	if got, err := copied.Message(ctx, string(m.ID)); err != nil || got.ID != m.ID {
		t.Errorf("in the copy: %v, %v", got, err)
	}
	if err := db.Backup(ctx, filepath.Join(t.TempDir(), "no", "copy.db")); err == nil {
		t.Error("a backup into no directory went through")
	}
}

// A path may hold what a URI gives a meaning to.
func TestAPathWithOddCharacters(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "a?b#c%41 d.db")
	db, err := Open(ctx, path, Options{Lock: true})
	must(t, err)
	must(t, db.SetPause(ctx, steward.Pause{At: start}))
	must(t, db.Backup(ctx, path+".copy"))
	must(t, db.Close())
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("the data went elsewhere: %v, %v", info, err)
	}
}
