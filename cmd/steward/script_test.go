package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"steward"
	"steward/store"
)

// clockVariable is what day it is in a script. Only this test program reads it.
const clockVariable = "TODAY"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"steward": func() {
		os.Exit(program(os.Getenv, os.Stdin, os.Stdout, os.Stderr).main(context.Background(), os.Args[1:]))
	}})
}

// program is the whole program with the script's clock.
func program(getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) *app {
	a := newApp(getenv, stdin, stdout, stderr)
	if text := getenv(clockVariable); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			panic(err)
		}
		a.now = func() time.Time { return at }
	}
	return a
}

// TestScripts runs the commands as people do. Beside testscript's own, scripts
// have these:
//
//	exits CODE COMMAND …  runs the command, which must end with that exit code
//	workspace DIR         the example workspace with a small portfolio in it
//	exports               the night's export of usage, through yesterday
//	live FROM TO          the worker's days: exports, evaluation, delivery
//	forward DURATION      lets time pass, with what the worker does meanwhile
//	rows FILE             every row of the database, for a comparison
//	hostile FILE          appends the account acme with a name made to do harm
//	tame stdout|stderr    holds output to what a terminal may be sent
//	first VAR REGEXP      keeps what the first group matches in stdout
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv(clockVariable, "2026-03-10T08:00:00+01:00")
			e.Setenv("STEWARD_USER", "pat")
			portfolio, err := filepath.Abs("testdata/portfolio")
			e.Setenv("PORTFOLIO", portfolio)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scriptExits, "workspace": scriptWorkspace, "live": scriptLive, "forward": scriptForward, "rows": scriptRows, "first": scriptFirst,
			"exports": scriptExports, "hostile": scriptHostile, "tame": scriptTame,
		},
	})
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND …")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	default:
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func scriptWorkspace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: workspace DIR")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(writeExample(dir))
	ts.Check(os.CopyFS(filepath.Join(dir, "data"), os.DirFS(ts.Getenv("PORTFOLIO"))))
	ts.Check(writeUsage(dir, steward.DayOf(scriptClock(ts), time.UTC)-1))
	ts.Check(ts.Chdir(args[0]))
}

func scriptExports(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: exports")
	}
	ts.Check(writeUsage(ts.MkAbs("."), steward.DayOf(scriptClock(ts), time.UTC)-1))
}

func scriptClock(ts *testscript.TestScript) time.Time {
	at, err := time.Parse(time.RFC3339, ts.Getenv(clockVariable))
	ts.Check(err)
	return at
}

// scriptLive lives through days as the worker does, with the worker's parts:
// the clock stands still within a day, so that nothing has to be waited for.
func scriptLive(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: live FROM [TO]")
	}
	first, err := steward.ParseDay(args[0])
	ts.Check(err)
	last, err := steward.ParseDay(args[len(args)-1])
	ts.Check(err)
	w := scriptWorker(ts)
	for day := first; day <= last; day++ {
		slot, err := slotOn(w.ws, day)
		ts.Check(err)
		ts.Setenv(clockVariable, slot.Time().Add(time.Minute).Format(time.RFC3339))
		ts.Check(writeUsage(w.ws.Dir, day-1))
		ts.Check(w.sync(w.ctx, slot))
		_, err = w.engine.Evaluate(w.ctx, slot)
		ts.Check(err)
		ts.Check(deliverDue(w.ctx, w.engine, w.db, w.now))
	}
	ts.Check(w.end())
}

func scriptForward(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: forward DURATION")
	}
	by, err := time.ParseDuration(args[0])
	ts.Check(err)
	ts.Setenv(clockVariable, scriptClock(ts).Add(by).Format(time.RFC3339))
	w := scriptWorker(ts)
	_, err = w.engine.Advance(w.ctx)
	ts.Check(err)
	ts.Check(deliverDue(w.ctx, w.engine, w.db, w.now))
	ts.Check(w.end())
}

// standing is a worker that does nothing by itself.
type standing struct {
	*worker
	ctx context.Context
}

func scriptWorker(ts *testscript.TestScript) standing {
	ctx := context.Background()
	a := program(ts.Getenv, nil, io.Discard, io.Discard)
	a.dir, a.now = ts.MkAbs("."), func() time.Time { return scriptClock(ts) }
	h, err := a.enter(ctx, store.Options{Lock: true})
	ts.Check(err)
	w := newWorker(a, h, discardLog())
	ts.Check(w.prepare(ctx, &runOptions{app: a, quiet: true}))
	return standing{w, ctx}
}

func (s standing) end() error {
	return errors.Join(s.delivery.flush(), s.queue.Shutdown(s.ctx), s.house.close())
}

// writeUsage writes the export of usage through a day from data/usage.txt,
// whose lines are: account, first day, metric, and runs of value×days.
func writeUsage(dir string, through steward.Day) error {
	src, err := os.Open(filepath.Join(dir, "data", "usage.txt"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer src.Close()
	metrics := []string{"logins", "active_users"}
	cells := map[string]map[string]string{} // "account,day" → metric → value
	lines := bufio.NewScanner(src)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 4 {
			continue
		}
		day, err := steward.ParseDay(f[1])
		if err != nil {
			return err
		}
		for _, run := range f[3:] {
			value, times, _ := strings.Cut(run, "x")
			n, err := strconv.Atoi(times)
			if err != nil {
				return fmt.Errorf("usage.txt: %q is not a run such as 40x60", run)
			}
			for range n {
				key := f[0] + "," + day.String()
				if day <= through && value != "-" {
					if cells[key] == nil {
						cells[key] = map[string]string{}
					}
					cells[key][f[2]] = value
				}
				day++
			}
		}
	}
	var keys []string
	for k := range cells {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var b strings.Builder
	fmt.Fprintf(&b, "account,day,%s\n", strings.Join(metrics, ","))
	for _, k := range keys {
		fmt.Fprintf(&b, "%s,%s,%s\n", k, cells[k][metrics[0]], cells[k][metrics[1]])
	}
	return errors.Join(lines.Err(), os.WriteFile(filepath.Join(dir, "data", "usage.csv"), []byte(b.String()), 0o644))
}

// scriptRows prints every row of every table. The file is read as it lies, so
// that looking changes nothing.
func scriptRows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: rows DATABASE")
	}
	text, err := everyRow(ts.MkAbs(args[0]))
	ts.Check(err)
	fmt.Fprint(ts.Stdout(), text)
}

func everyRow(path string) (string, error) {
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	if err != nil {
		return "", err
	}
	defer db.Close()
	var tables []string
	rows, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return "", err
		}
		tables = append(tables, name)
	}
	var b strings.Builder
	for _, name := range tables {
		if err := tableRows(db, name, &b); err != nil {
			return "", fmt.Errorf("table %s: %w", name, err)
		}
	}
	return b.String(), rows.Err()
}

func tableRows(db *sql.DB, name string, b *strings.Builder) error {
	rows, err := db.Query(`SELECT * FROM "` + name + `"`)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		cells, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		fmt.Fprintf(b, "%s %v\n", name, cells)
	}
	return rows.Err()
}

func scriptFirst(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: first VAR REGEXP")
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	m := pattern.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(m) < 2 {
		ts.Fatalf("nothing in stdout matches %s", args[1])
	}
	ts.Setenv(args[0], m[1])
}

// hostileName holds what a name from a CRM may do to a terminal or a chat: a
// window title, colours, a bell, a return to the line's start, text turned
// round, a mention, markup, and no end.
var hostileName = "\x1b]0;owned\x07\x1b[2J\x1b[31mACME\r\u202eemca\u2066 \u009b31m <!channel> *bold* [x](https://evil.example) {{ .account.id }} " +
	strings.Repeat("very long name ", 400)

func scriptHostile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hostile FILE")
	}
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_WRONLY, 0)
	ts.Check(err)
	_, err = fmt.Fprintf(f, "acme,\"%s\",customer,enterprise,48000,dana,2024-05-01,2026-12-01,100,no\n", hostileName)
	ts.Check(errors.Join(err, f.Close()))
}

func scriptTame(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: tame stdout|stderr")
	}
	for i, line := range strings.Split(ts.ReadFile(args[0]), "\n") {
		for _, r := range line {
			if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
				ts.Fatalf("%s line %d holds %U: %.200q", args[0], i+1, r, line)
			}
		}
	}
}
