package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

// A backup that is made while others write is one moment: each import and each
// change is in it whole or not at all, and it can be worked with.
func TestABackupDuringWrites(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for w := range 3 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				at := start.Add(time.Duration(i) * time.Second)
				switch w {
				case 0:
					b := Batch{Source: "crm", At: at}
					for n := range 20 {
						a := account(itoa(n))
						a.Owner = steward.OwnerID("owner-" + itoa(i))
						b.Accounts = append(b.Accounts, a)
					}
					if _, err := db.Import(ctx, b); err != nil && !isHeld(err) {
						t.Error(err)
					}
				case 1:
					if _, err := db.Commit(ctx, steward.Run{}, []steward.Change{fullChange(steward.AccountID(fmt.Sprintf("c%06d", i)))}, at); err != nil {
						t.Error(err)
					}
				case 2:
					due, err := db.DueMessages(ctx, at, 5, steward.Channels()...)
					if err != nil {
						t.Error(err)
					}
					for _, d := range due {
						if _, _, err := db.Claim(ctx, d.ID, d.Epoch, at, time.Minute, pass); err != nil {
							t.Error(err)
						}
						if err := db.Settle(ctx, d.ID, d.Epoch, steward.Settlement{State: steward.Sent}, at); err != nil {
							t.Error(err)
						}
					}
				}
			}
		})
	}
	var copies []string
	for i := range 4 {
		to := filepath.Join(t.TempDir(), "copy.db")
		time.Sleep(time.Duration(i) * 20 * time.Millisecond) // somewhere else in the writers' rounds
		must(t, db.Backup(ctx, to))
		copies = append(copies, to)
	}
	close(stop)
	wg.Wait()
	before := -1
	for _, path := range copies {
		copied, err := Open(ctx, path, Options{Lock: true})
		must(t, err)
		p, err := copied.Portfolio(ctx)
		must(t, err)
		for _, a := range p.Accounts {
			if a.Owner != p.Accounts[0].Owner {
				t.Errorf("half an import: %s and %s", a.Owner, p.Accounts[0].Owner)
			}
		}
		all, err := copied.Enrolments(ctx, EnrolmentFilter{})
		must(t, err)
		if len(all) < before {
			t.Errorf("%d enrolments, and %d in the backup before", len(all), before)
		}
		before = len(all)
		for what, query := range map[string]string{
			"enrolments without what they say": `SELECT COUNT(*) FROM enrolments e WHERE NOT EXISTS (SELECT 1 FROM outreach o WHERE o.enrolment = e.id)`,
			"gaps among what was written":      `SELECT COUNT(*) - COUNT(DISTINCT account) FROM enrolments WHERE account LIKE 'c%'`,
			"sent messages without an attempt": `SELECT COUNT(*) FROM messages m WHERE state = 'sent' AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.message = m.id)`,
		} {
			var n int
			must(t, copied.read.Get(&n, query))
			if n != 0 {
				t.Errorf("%d %s", n, what)
			}
		}
		must(t, copied.Close())
	}
	if before < 2 {
		t.Errorf("the last backup has %d enrolments: nothing was written while it was made", before)
	}
}

func isHeld(err error) bool {
	var held *HeldError
	return errors.As(err, &held)
}

// What was due after the backup may have been sent: a card is looked for, a mail
// is uncertain, and what was not due yet is untouched.
func TestRestore(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	path, backup := filepath.Join(dir, "steward.db"), filepath.Join(dir, "copy.db")
	db, err := Open(ctx, path, Options{Lock: true})
	must(t, err)
	put := func(account steward.AccountID, change func(*steward.Message)) steward.MessageID {
		m := cardFor(account, start)
		change(&m)
		e := enrolment(account, "login-drop", start)
		_, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: account, Enrolments: []steward.Enrolment{e},
			Messages: []steward.Message{m}, Outreach: []steward.Outreach{outreachFor(e, "nudge", m.ID)}}}, start)
		must(t, err)
		return m.ID
	}
	card := put("acme", func(m *steward.Message) { m.RetryUncertain = true })
	mail := put("bolt", func(m *steward.Message) {
		m.Kind, m.Channel, m.To.Email = steward.Mail, steward.Email, "ada@example.com"
	})
	later := put("cato", func(m *steward.Message) { m.Due = start.AddDate(0, 0, 7) })
	draft := put("dusk", func(m *steward.Message) { m.Kind, m.State = steward.Mail, steward.AwaitingApproval })
	vetoed := put("echo", func(m *steward.Message) {
		m.Kind, m.State, m.Veto = steward.Mail, steward.AwaitingApproval, start.Add(time.Hour)
	})
	done := put("fern", func(*steward.Message) {})
	_, _, err = db.Claim(ctx, done, 0, start, time.Minute, pass)
	must(t, err)
	must(t, db.Settle(ctx, done, 0, steward.Settlement{State: steward.Sent}, start))
	must(t, db.Backup(ctx, backup))
	lost := put("gone", func(*steward.Message) {})

	pause := steward.Pause{At: start.AddDate(0, 0, 2), By: "lee", Reason: "restored"}
	if _, err := Restore(ctx, backup, path, pause); !errors.Is(err, ErrLocked) {
		t.Fatalf("under a running worker: %v", err)
	}
	must(t, db.Close())
	got, err := Restore(ctx, backup, path, pause)
	must(t, err)
	want := Restored{Until: start, Doubtful: 3, Uncertain: 2, Replaced: path + ".replaced-20260314T060000"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("restored (-want +got):\n%s", diff)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*restoring*"))
	must(t, err)
	if len(names) > 0 {
		t.Errorf("it left %v", names)
	}

	old, err := Open(ctx, got.Replaced, Options{ReadOnly: true})
	must(t, err)
	if _, err := old.Message(ctx, string(lost)); err != nil {
		t.Errorf("the file of before lacks what was written last: %v", err)
	}
	must(t, old.Close())
	db, err = Open(ctx, path, Options{Lock: true})
	must(t, err)
	defer db.Close()
	for id, state := range map[steward.MessageID]steward.MessageState{card: steward.Planned, mail: steward.Uncertain, later: steward.Planned,
		draft: steward.AwaitingApproval, vetoed: steward.Uncertain, done: steward.Sent} {
		m, err := db.Message(ctx, string(id))
		must(t, err)
		if m.State != state {
			t.Errorf("the %s of %s is %s, want %s", m.Kind, m.Account, m.State, state)
		}
	}
	d, err := db.Dossier(ctx, card)
	must(t, err)
	if !d.Doubt.Equal(start) || d.Message.Epoch != 1 || d.Paused != pause {
		t.Errorf("the card: doubt since %s, epoch %d, paused %+v", d.Doubt, d.Message.Epoch, d.Paused)
	}
	if d, err = db.Dossier(ctx, later); err != nil || !d.Doubt.IsZero() {
		t.Errorf("what was not due is in doubt since %s (%v)", d.Doubt, err)
	}
	if _, err := db.Message(ctx, string(lost)); !errors.Is(err, ErrNotFound) {
		t.Errorf("what came after the backup: %v", err)
	}
}

// What cannot be restored leaves everything as it was.
func TestWhatCannotBeRestored(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	path := filepath.Join(dir, "steward.db")
	db, err := Open(ctx, path, Options{})
	must(t, err)
	m := plan(t, db, "acme")
	damaged, newer, empty := filepath.Join(dir, "damaged.db"), filepath.Join(dir, "newer.db"), filepath.Join(dir, "empty.db")
	must(t, db.Backup(ctx, damaged))
	must(t, db.Close())
	b, err := os.ReadFile(damaged)
	must(t, err)
	copy(b[3*4096:], "\xff\xff\xff\xff\xff\xff\xff\xff")
	must(t, os.WriteFile(damaged, b, 0o600))
	must(t, os.WriteFile(empty, nil, 0o600))
	db, err = open(ctx, newer, Options{}, later(t))
	must(t, err)
	must(t, db.Close())
	for file, want := range map[string]string{damaged: "damaged", newer: "newer steward", empty: "empty", filepath.Join(dir, "none.db"): "no such file", dir: "directory"} {
		_, err := Restore(ctx, file, path, steward.Pause{At: start})
		var condition *Error
		if !errors.As(err, &condition) || condition.Hint == "" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an *Error that says %q", file, err, want)
		}
	}
	db, err = Open(ctx, path, Options{Lock: true})
	must(t, err)
	defer db.Close()
	if _, err := db.Message(ctx, string(m.ID)); err != nil {
		t.Errorf("the database of before: %v", err)
	}
	if p, err := db.Pause(ctx); err != nil || !p.IsZero() {
		t.Errorf("paused: %+v %v", p, err)
	}
}
