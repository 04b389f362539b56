package store

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"steward"
)

// scribble imports, commits and delivers without end, saying how far it is; it
// is the process that TestKilledAtAnyMoment kills.
func scribble(path string) int {
	ctx := context.Background()
	db, err := Open(ctx, path, Options{Lock: true})
	if err != nil {
		os.Stdout.WriteString("refused: " + err.Error() + "\n")
		return 1
	}
	for i := 0; ; i++ {
		at := start.AddDate(0, 0, i)
		b := Batch{Source: "crm", At: at, Rows: i, Accept: []SwingKind{SwingOwners}}
		for n := range 50 {
			a := account(itoa(n))
			a.Owner = steward.OwnerID("owner-" + itoa(i)) // every account has the same owner in every import
			b.Accounts = append(b.Accounts, a)
		}
		if _, err := db.Import(ctx, b); err != nil {
			os.Stdout.WriteString("refused: " + err.Error() + "\n")
			return 1
		}
		c := fullChange(steward.AccountID(itoa(i)))
		if _, err := db.Commit(ctx, steward.Run{}, []steward.Change{c}, at); err != nil {
			os.Stdout.WriteString("refused: " + err.Error() + "\n")
			return 1
		}
		os.Stdout.WriteString("round " + itoa(i) + "\n")
	}
}

// However the process ends, the file is whole: what was reported as written is
// there, and what was not is there entirely or not at all.
func TestKilledAtAnyMoment(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
	for round := range 4 {
		other := exec.Command(os.Args[0])
		other.Env = append(os.Environ(), "STORE_TEST_SCRIBBLE="+path)
		out, err := other.StdoutPipe()
		must(t, err)
		must(t, other.Start())
		lines, last := bufio.NewScanner(out), ""
		for range 3 + 2*round {
			if !lines.Scan() {
				break
			}
			last = lines.Text()
		}
		must(t, other.Process.Kill())
		_ = other.Wait()
		if !strings.HasPrefix(last, "round ") {
			t.Fatalf("the process said %q", last)
		}

		db, err := Open(ctx, path, Options{Lock: true})
		if err != nil {
			t.Fatalf("after %s: %v", last, err)
		}
		p, err := db.Portfolio(ctx)
		must(t, err)
		for _, a := range p.Accounts {
			if a.Owner != p.Accounts[0].Owner {
				t.Errorf("half an import: %s and %s", a.Owner, p.Accounts[0].Owner)
			}
		}
		reached := strings.TrimPrefix(last, "round ")
		if said, err := db.Enrolments(ctx, EnrolmentFilter{Account: steward.AccountID(reached)}); err != nil || len(said) != 1 {
			t.Errorf("%s was written, and %d enrolments of it are there (%v)", last, len(said), err)
		}
		orphans := 0
		must(t, db.read.Get(&orphans, `SELECT COUNT(*) FROM enrolments e WHERE NOT EXISTS (SELECT 1 FROM outreach o WHERE o.enrolment = e.id)`))
		if orphans > 0 {
			t.Errorf("half a change: %d enrolments without their outreach", orphans)
		}
		must(t, db.Close())
	}
}
