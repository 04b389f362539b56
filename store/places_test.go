package store

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"steward"
)

// seats is the last of most places that an owner's cards have within a window.
func seats(most int, within time.Duration, now time.Time) steward.Place {
	return steward.Place{Kind: steward.OwnerPlace, Key: "dana", Most: most, Since: now.Add(-within), Window: within, Words: fmt.Sprintf("%d cards", most)}
}

func taking(p ...steward.Place) func(steward.Dossier) (steward.Ruling, error) {
	return func(steward.Dossier) (steward.Ruling, error) { return steward.Ruling{Places: p}, nil }
}

func TestALimitPutsOff(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	first, second := plan(t, db, "acme"), plan(t, db, "bolt")
	p := seats(1, 24*time.Hour, start)
	_, r, err := db.Claim(ctx, first.ID, 0, start, time.Minute, taking(p))
	must(t, err)
	if !r.Passes() {
		t.Fatalf("the first of one place: %+v", r)
	}
	d, _, err := db.Claim(ctx, second.ID, 0, start.Add(time.Hour), time.Minute, taking(seats(1, 24*time.Hour, start.Add(time.Hour))))
	must(t, err)
	if m := d.Message; m.State != steward.Deferred || m.Reason != steward.ReasonCapped || !m.Due.Equal(start.Add(24*time.Hour+time.Second)) || m.Attempts != 0 {
		t.Errorf("the second of one place: %+v", m)
	}
	// An attempt that failed gives its place back; one whose outcome is lost does not.
	must(t, db.Settle(ctx, first.ID, 0, steward.Settlement{State: steward.FailedToSend, Reason: steward.ReasonRefused, Started: start}, start))
	third := plan(t, db, "crane")
	_, r, err = db.Claim(ctx, third.ID, 0, start, time.Minute, taking(p))
	must(t, err)
	if !r.Passes() {
		t.Errorf("after the first failed: %+v", r)
	}
	must(t, db.Settle(ctx, third.ID, 0, steward.Settlement{State: steward.Uncertain, Reason: steward.ReasonOutcomeLost, Started: start}, start))
	fourth := plan(t, db, "dune")
	d, _, err = db.Claim(ctx, fourth.ID, 0, start, time.Minute, taking(p))
	must(t, err)
	if d.Message.Reason != steward.ReasonCapped {
		t.Errorf("after one that may have gone: %+v", d.Message)
	}
}

// Many senders, on two handles, after a few places: as many go as there are.
func TestTheLastPlaceGoesOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "steward.db")
	open := func() *DB {
		db, err := Open(context.Background(), path, Options{})
		must(t, err)
		t.Cleanup(func() { db.Close() })
		return db
	}
	dbs := []*DB{open(), open()}
	var planned []steward.Message
	for i := range 40 {
		planned = append(planned, plan(t, dbs[0], steward.AccountID(fmt.Sprintf("a-%02d", i))))
	}
	var went atomic.Int32
	var senders sync.WaitGroup
	for i, m := range planned {
		senders.Go(func() {
			_, r, err := dbs[i%2].Claim(context.Background(), m.ID, 0, start, time.Minute, taking(seats(7, 24*time.Hour, start)))
			if err != nil {
				t.Error(err)
			}
			if r.Passes() && err == nil {
				went.Add(1)
			}
		})
	}
	senders.Wait()
	if went.Load() != 7 {
		t.Errorf("%d went, and there were 7 places", went.Load())
	}
}

// However claims come, never more go within a window than the limit allows, and
// what is put off is put off until there is a place.
func TestLimitsHoldOverTime(t *testing.T) {
	if testing.Short() {
		t.Skip("draws many databases; run without -short")
	}
	ctx, dir := context.Background(), t.TempDir()
	var n atomic.Int32
	rapid.Check(t, func(rt *rapid.T) {
		db, err := Open(ctx, filepath.Join(dir, fmt.Sprintf("%d.db", n.Add(1))), Options{})
		if err != nil {
			rt.Fatal(err)
		}
		defer db.Close()
		most, window := rapid.IntRange(1, 3).Draw(rt, "most"), time.Duration(rapid.IntRange(1, 48).Draw(rt, "hours"))*time.Hour
		var sent []time.Time
		now := start
		for i := range rapid.IntRange(1, 25).Draw(rt, "messages") {
			now = now.Add(time.Duration(rapid.IntRange(0, 600).Draw(rt, "minutes")) * time.Minute)
			m := plan(t, db, steward.AccountID(fmt.Sprintf("a-%02d", i)))
			within := 0
			var oldest time.Time
			for _, at := range sent {
				if !at.Before(now.Add(-window)) {
					if within++; within == 1 || at.Before(oldest) {
						oldest = at
					}
				}
			}
			d, r, err := db.Claim(ctx, m.ID, 0, now, time.Minute, taking(seats(most, window, now)))
			if err != nil {
				rt.Fatal(err)
			}
			if r.Passes() != (within < most) {
				rt.Fatalf("%d of %d places are taken, and it goes: %v", within, most, r.Passes())
			}
			if r.Passes() {
				sent = append(sent, now)
			} else if want := oldest.Add(window + time.Second); within == most && !d.Message.Due.Equal(want) {
				rt.Fatalf("put off until %v, want %v", d.Message.Due, want)
			}
		}
	})
}

// A channel that was given enough for a minute takes the next in the next one.
func TestTheRateOfAChannel(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	rate := func(now time.Time) steward.Place {
		return steward.Place{Kind: steward.RatePlace, Key: "slack", Most: 2, Since: now.Add(-time.Minute), Window: time.Minute, Words: "2 a minute"}
	}
	for i, c := range []struct {
		after  time.Duration
		reason steward.Reason
		due    time.Duration
	}{{0, "", 0}, {20 * time.Second, "", 0}, {30 * time.Second, steward.ReasonRate, 61 * time.Second}, {62 * time.Second, "", 0}} {
		m, now := plan(t, db, steward.AccountID(fmt.Sprintf("a%d", i))), start.Add(c.after)
		d, r, err := db.Claim(ctx, m.ID, 0, now, time.Minute, taking(rate(now)))
		must(t, err)
		if r.Reason != c.reason || c.reason != "" && !d.Message.Due.Equal(start.Add(c.due)) {
			t.Errorf("after %s: %+v, due %s", c.after, r, d.Message.Due)
		}
	}
}

// Of what is due at one moment the most urgent goes first.
func TestTheMostUrgentGoesFirst(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	var want []steward.MessageID
	for i, c := range []struct {
		severity string
		priority steward.Value
	}{{"critical", steward.Value{}}, {"warning", steward.Num(48_000)}, {"warning", steward.Num(3)}, {"warning", steward.Value{}}, {"info", steward.Num(9)}} {
		account := steward.AccountID(fmt.Sprintf("a%d", i))
		e, m := enrolment(account, "login-drop", start), cardFor(account, start)
		o := outreachFor(e, "nudge", m.ID)
		o.Severity, o.Priority = c.severity, c.priority
		commitOne(t, db, steward.Change{Account: account, Enrolments: []steward.Enrolment{e}, Messages: []steward.Message{m}, Outreach: []steward.Outreach{o}})
		want = append(want, m.ID)
	}
	due, err := db.DueMessages(ctx, start, 10, steward.Slack)
	must(t, err)
	var got []steward.MessageID
	for _, d := range due {
		got = append(got, d.ID)
	}
	diff(t, "in order", want, got)
}

// What is told of limits is what is counted where messages are sent.
func TestSeatsAreCounted(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	p := seats(2, 24*time.Hour, start)
	for i, want := range []Seat{{}, {Taken: 1}, {Taken: 2, Free: start.Add(24*time.Hour + time.Second)}} {
		got, err := db.Seats(ctx, []steward.Place{p})
		must(t, err)
		diff(t, fmt.Sprint(i, " taken"), []Seat{want}, got)
		m := plan(t, db, steward.AccountID(fmt.Sprint("a", i)))
		d, _, err := db.Claim(ctx, m.ID, 0, start.Add(time.Duration(i)*time.Minute), time.Minute, taking(p))
		must(t, err)
		if full := d.Message.State == steward.Deferred; full != !want.Free.IsZero() {
			t.Errorf("with %d taken it is %s", i, d.Message.State)
		}
	}
}
