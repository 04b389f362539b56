package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"steward"
)

func TestARoundOfDelivery(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	m := plan(t, db, "acme")

	due, err := db.DueMessages(ctx, start, 10, steward.Channels()...)
	must(t, err)
	if len(due) != 1 || due[0].ID != m.ID || due[0].Epoch != 0 {
		t.Fatalf("due = %+v", due)
	}
	must(t, db.MarkEnqueued(ctx, due, start))
	if again, err := db.DueMessages(ctx, start, 10, steward.Channels()...); err != nil || len(again) != 0 {
		t.Fatalf("an enqueued message is due again: %v %v", again, err)
	}
	content := steward.Content{Title: "Logins <fell>", Parts: []steward.ContentPart{{Markdown: "call & ask"}}}
	dossier, decision, err := db.Claim(ctx, m.ID, 0, start, time.Minute, func(steward.Dossier) (steward.Ruling, error) {
		return steward.Ruling{Content: &content}, nil
	})
	must(t, err)
	if !decision.Passes() || dossier.Message.State != steward.Sending || dossier.Message.Attempts != 1 {
		t.Fatalf("claimed: %+v %+v", decision, dossier.Message)
	}
	if len(dossier.Outreach) != 1 || len(dossier.Enrolments) != 1 || len(dossier.Phases) != 1 {
		t.Fatalf("dossier = %+v", dossier)
	}
	must(t, db.Settle(ctx, m.ID, 0, steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered, Ref: "C1/1.2"}, start.Add(time.Second)))
	if err := db.Settle(ctx, m.ID, 0, steward.Settlement{State: steward.FailedToSend}, start); !errors.Is(err, ErrSettled) {
		t.Errorf("settled twice: %v", err)
	}
	got, err := db.Message(ctx, string(m.ID))
	must(t, err)
	if got.State != steward.Sent || got.Ref != "C1/1.2" || got.Content.Title != content.Title || !got.Lease.IsZero() {
		t.Errorf("stored = %+v", got)
	}
	attempts, err := db.Attempts(ctx, m.ID)
	must(t, err)
	if len(attempts) != 1 || attempts[0].Outcome != steward.Sent || !attempts[0].Counted {
		t.Errorf("attempts = %+v", attempts)
	}
	records, err := db.Records(ctx, RecordFilter{Account: m.Account, Message: m.ID})
	must(t, err)
	if len(records) != 1 || records[0].Reason != steward.ReasonDelivered || records[0].Step != "nudge" {
		t.Errorf("records = %+v", records)
	}
}

func TestClaimDecides(t *testing.T) {
	until := start.Add(3 * time.Hour)
	for _, c := range []struct {
		name     string
		decision steward.Decision
		state    steward.MessageState
		due      time.Time
	}{
		{"suppress", steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonEpisodeOver, Detail: "it recovered"}, steward.Suppressed, start},
		{"expired", steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonExpired}, steward.Expired, start},
		{"defer", steward.Decision{Effect: steward.Defer, Reason: steward.ReasonClearing, Until: until}, steward.Deferred, until},
		{"defer, nobody knows until when", steward.Decision{Effect: steward.Defer, Reason: steward.ReasonPaused}, steward.Deferred, start.Add(deferFor)},
		{"defer into the past", steward.Decision{Effect: steward.Defer, Reason: steward.ReasonPaused, Until: start.Add(-time.Hour)}, steward.Deferred, start.Add(deferFor)},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, ctx := openTest(t), context.Background()
			m := plan(t, db, "acme")
			d, _, err := db.Claim(ctx, m.ID, 0, start, time.Minute, ruling(c.decision))
			must(t, err)
			got, err := db.Message(ctx, string(m.ID))
			must(t, err)
			diff(t, "returned and stored", got, d.Message)
			if got.State != c.state || !got.Due.Equal(c.due) || got.Reason != c.decision.Reason || got.Attempts != 0 || got.Settled.IsZero() == c.state.Settled() {
				t.Errorf("stored %+v", got)
			}
			records, err := db.Records(ctx, RecordFilter{Account: m.Account, Message: m.ID})
			must(t, err)
			if len(records) != 1 || records[0].Effect != c.decision.Effect || records[0].Enrolment == "" || records[0].Outreach == "" {
				t.Errorf("records %+v", records)
			}
			if attempts, err := db.Attempts(ctx, m.ID); err != nil || len(attempts) != 0 {
				t.Errorf("attempts %v, %v", attempts, err)
			}
		})
	}
}

func TestADeferredMessageComesBackUnderANewEpoch(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	m := plan(t, db, "acme")
	paused := ruling(steward.Decision{Effect: steward.Defer, Reason: steward.ReasonPaused})
	for epoch := range 3 { // put off again and again, for the same reason
		at := start.Add(time.Duration(epoch) * deferFor)
		due, err := db.DueMessages(ctx, at, 0, steward.Channels()...)
		must(t, err)
		diff(t, "due", []steward.Due{{ID: m.ID, Epoch: epoch, Channel: steward.Slack}}, due)
		_, _, err = db.Claim(ctx, m.ID, epoch, at, time.Minute, paused)
		must(t, err)
		if early, err := db.DueMessages(ctx, at.Add(deferFor-time.Second), 0, steward.Channels()...); err != nil || len(early) != 0 {
			t.Errorf("due too early: %v, %v", early, err)
		}
		if _, _, err := db.Claim(ctx, m.ID, epoch, at, time.Minute, paused); !errors.Is(err, ErrConflict) {
			t.Errorf("a second task of epoch %d: %v", epoch, err)
		}
	}
	records, err := db.Records(ctx, RecordFilter{Account: m.Account, Message: m.ID})
	must(t, err)
	if len(records) != 1 {
		t.Errorf("%d records of one reason", len(records))
	}
}

func TestOnlyOneSenderClaims(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	m := plan(t, db, "acme")
	const senders = 8
	results := make(chan error, senders)
	for range senders {
		go func() {
			_, _, err := db.Claim(ctx, m.ID, 0, start, time.Minute, pass)
			results <- err
		}()
	}
	won := 0
	for range senders {
		switch err := <-results; {
		case err == nil:
			won++
		case !errors.Is(err, ErrConflict):
			t.Errorf("a loser got %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d senders claimed the message", won)
	}
}

func TestARepeatedTryCountsOrIsFree(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	m := plan(t, db, "acme")
	at := start
	for _, c := range []struct {
		s        steward.Settlement
		attempts int // counted by then
	}{
		{steward.Settlement{State: steward.Deferred, Reason: steward.ReasonRetry, Detail: "throttled", Free: true}, 0},
		{steward.Settlement{State: steward.Deferred, Reason: steward.ReasonRetry, Detail: "unreachable"}, 1},
		{steward.Settlement{State: steward.Planned, Reason: steward.ReasonRetry}, 2},
		{steward.Settlement{State: steward.FailedToSend, Reason: steward.ReasonGaveUp, Free: true}, 3},
	} {
		due, err := db.DueMessages(ctx, at, 0, steward.Channels()...)
		must(t, err)
		if len(due) != 1 {
			t.Fatalf("before %+v: due %v", c.s, due)
		}
		_, _, err = db.Claim(ctx, m.ID, due[0].Epoch, at, time.Minute, pass)
		must(t, err)
		at = at.Add(time.Minute)
		c.s.Due = at
		must(t, db.Settle(ctx, m.ID, due[0].Epoch, c.s, at))
		got, err := db.Message(ctx, string(m.ID))
		must(t, err)
		if got.Attempts != c.attempts || got.State != c.s.State {
			t.Errorf("after %+v: %+v", c.s, got)
		}
	}
	attempts, err := db.Attempts(ctx, m.ID)
	must(t, err)
	counted := 0
	for i, a := range attempts {
		if a.N != i+1 || a.Ended.IsZero() || a.Outcome == "" {
			t.Errorf("attempt %+v", a)
		}
		if a.Counted {
			counted++
		}
	}
	if len(attempts) != 4 || counted != 3 {
		t.Errorf("%d attempts, %d counted", len(attempts), counted)
	}
	if err := db.Settle(ctx, m.ID, 0, steward.Settlement{State: steward.Sending}, at); err == nil {
		t.Error("an attempt ended in sending")
	}
}

func TestALapsedSendIsUncertain(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	m := plan(t, db, "acme")
	retry := cardFor("bolt", start)
	retry.RetryUncertain = true
	e := enrolment("bolt", "login-drop", start)
	_, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "bolt", Enrolments: []steward.Enrolment{e},
		Messages: []steward.Message{retry}, Outreach: []steward.Outreach{outreachFor(e, "nudge", retry.ID)}}}, start)
	must(t, err)
	for _, id := range []steward.MessageID{m.ID, retry.ID} {
		_, _, err := db.Claim(ctx, id, 0, start, time.Minute, pass)
		must(t, err)
	}
	if lapsed, err := db.LapsedSends(ctx, start.Add(59*time.Second), time.Minute); err != nil || len(lapsed) != 0 {
		t.Errorf("before the lease ran out: %v, %v", lapsed, err)
	}
	later := start.Add(time.Minute)
	lapsed, err := db.LapsedSends(ctx, later, time.Minute)
	must(t, err)
	if len(lapsed) != 2 {
		t.Fatalf("lapsed: %v", lapsed)
	}
	left, err := db.Message(ctx, string(m.ID))
	must(t, err)
	again, err := db.Message(ctx, string(retry.ID))
	must(t, err)
	if left.State != steward.Uncertain || left.Reason != steward.ReasonOutcomeLost || left.Settled.IsZero() {
		t.Errorf("to be left: %+v", left)
	}
	if again.State != steward.Planned || again.Epoch != 1 || !again.Settled.IsZero() {
		t.Errorf("to be tried again: %+v", again)
	}
	for _, id := range lapsed {
		attempts, err := db.Attempts(ctx, id)
		must(t, err)
		if len(attempts) != 1 || attempts[0].Outcome != steward.Uncertain {
			t.Errorf("attempts of %s: %+v", id, attempts)
		}
		if records, err := db.Records(ctx, RecordFilter{Account: map[steward.MessageID]steward.AccountID{m.ID: m.Account, retry.ID: retry.Account}[id], Message: id}); err != nil || len(records) != 1 || records[0].Reason != steward.ReasonOutcomeLost {
			t.Errorf("records of %s: %+v, %v", id, records, err)
		}
		// The sender turns up after all. That it failed is not worth knowing any
		// more; that it succeeded is.
		if err := db.Settle(ctx, id, 0, steward.Settlement{State: steward.FailedToSend}, later); !errors.Is(err, ErrSettled) && !errors.Is(err, ErrConflict) {
			t.Errorf("the late sender of %s: %v", id, err)
		}
		must(t, db.Settle(ctx, id, 0, steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered, Ref: "C1/2.3"}, later))
		late, err := db.Message(ctx, string(id))
		must(t, err)
		if late.State != steward.Sent || late.Ref != "C1/2.3" || late.Settled.IsZero() {
			t.Errorf("it was delivered after all: %+v", late)
		}
		if attempts, err = db.Attempts(ctx, id); err != nil || len(attempts) != 1 || attempts[0].Outcome != steward.Sent {
			t.Errorf("attempts of %s: %+v, %v", id, attempts, err)
		}
	}
}

func TestTheQueueMayBeLost(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	m := plan(t, db, "acme")
	due, err := db.DueMessages(ctx, start, 0, steward.Channels()...)
	must(t, err)
	must(t, db.MarkEnqueued(ctx, due, start))
	if in, err := db.Enqueued(ctx, start.Add(-time.Second), start, 0); err != nil || len(in) != 0 {
		t.Errorf("in the queue since before it was: %v, %v", in, err)
	}
	for _, now := range []time.Time{start.Add(time.Minute), start.Add(-time.Hour)} { // the clock may have been set back
		in, err := db.Enqueued(ctx, now.Add(-30*time.Second), now, 0)
		must(t, err)
		diff(t, "in the queue", due, in)
	}
	in, err := db.Enqueued(ctx, start, start, 0)
	must(t, err)
	diff(t, "in the queue", due, in)
	if n, err := db.Requeue(ctx, append(in, steward.Due{ID: m.ID, Epoch: 7})); err != nil || n != 1 {
		t.Errorf("Requeue = %d, %v", n, err)
	}
	if _, _, err := db.Claim(ctx, m.ID, 0, start, time.Minute, pass); !errors.Is(err, ErrConflict) {
		t.Errorf("the lost task turned up: %v", err)
	}
	must(t, db.MarkEnqueued(ctx, due, start)) // of an epoch that is over: nothing
	if due, err = db.DueMessages(ctx, start, 0, steward.Channels()...); err != nil || len(due) != 1 || due[0].Epoch != 1 {
		t.Fatalf("due again: %v, %v", due, err)
	}
	must(t, db.MarkEnqueued(ctx, due, start))
	if n, err := db.RequeueAll(ctx); err != nil || n != 1 {
		t.Errorf("RequeueAll = %d, %v", n, err)
	}
	if _, _, err := db.Claim(ctx, m.ID, 2, start, time.Minute, pass); err != nil {
		t.Errorf("the new task: %v", err)
	}
}

func TestTheDossierKnowsWhoWantsNoMail(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	mail := cardFor("acme", start)
	mail.Kind, mail.Channel, mail.To = steward.Mail, steward.Email, steward.Recipient{Key: "role:champion", Contact: "p-1", Email: "Ana@Acme.example"}
	e := enrolment("acme", "login-drop", start)
	_, err := db.Commit(ctx, steward.Run{}, []steward.Change{{Account: "acme", Enrolments: []steward.Enrolment{e},
		Messages: []steward.Message{mail}, Outreach: []steward.Outreach{outreachFor(e, "help", mail.ID)}}}, start)
	must(t, err)
	must(t, db.Suppress(ctx, "  ANA@acme.example ", "unsubscribed", "link", start))
	must(t, db.Suppress(ctx, "ana@acme.example", "bounced", "smtp", start.Add(time.Hour)))
	must(t, db.SetPause(ctx, steward.Pause{At: start, By: "lee", Reason: "incident"}))
	d, err := db.Dossier(ctx, mail.ID)
	must(t, err)
	if !d.Suppressed || d.SuppressedWhy != "unsubscribed" || d.Paused.Reason != "incident" || !d.Paused.At.Equal(start) {
		t.Errorf("dossier %+v", d)
	}
	if r, err := db.ReaderOf(ctx, mail.ID); err != nil || r.To != mail.To || !r.None || !r.Locked {
		t.Errorf("ReaderOf = %+v, %v", r, err)
	}
	all, err := db.SuppressedAddresses(ctx)
	must(t, err)
	diff(t, "suppressed", steward.OptOuts{"ana@acme.example": "unsubscribed"}, all)
	must(t, db.Unsuppress(ctx, "Ana@acme.example"))
	must(t, db.ClearPause(ctx))
	if err := db.Unsuppress(ctx, "ana@acme.example"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Unsuppress again: %v", err)
	}
	if d, err = db.Dossier(ctx, mail.ID); err != nil || d.Suppressed || !d.Paused.IsZero() {
		t.Errorf("after that: %+v, %v", d, err)
	}
	if err := db.Suppress(ctx, " ", "x", "y", start); err == nil {
		t.Error("no address was suppressed")
	}
}

func TestNoticesAreToldOnce(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	notice := func(at time.Time) steward.Message {
		return steward.Message{ID: steward.NewMessageID(steward.Notice, at.String()), Kind: steward.Notice, Channel: steward.Slack,
			To: steward.Recipient{Key: "ops", Slack: "#cs-ops"}, State: steward.Planned, Due: at, Planned: at}
	}
	for i, want := range []bool{true, false, false} {
		told, err := db.Notice(ctx, "stale/usage", notice(start.Add(time.Duration(i)*time.Hour)), start)
		must(t, err)
		if told != want {
			t.Errorf("time %d: told %v", i, told)
		}
	}
	must(t, db.ForgetNotice(ctx, "stale/usage"))
	if told, err := db.Notice(ctx, "stale/usage", notice(start.AddDate(0, 0, 1)), start); err != nil || !told {
		t.Errorf("after it was over: %v, %v", told, err)
	}
	must(t, db.ForgetNotice(ctx, "stale/usage"))
	if told, err := db.Notice(ctx, "stale/usage", notice(start.AddDate(0, 0, 1)), start); !errors.Is(err, ErrConflict) || told {
		t.Errorf("with an id that was used: %v, %v", told, err)
	}
	// A notice is decided on and recorded like any other message.
	id := notice(start).ID
	_, _, err := db.Claim(ctx, id, 0, start, time.Minute, pass)
	must(t, err)
	must(t, db.Settle(ctx, id, 0, steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered}, start))
	c, err := db.Counts(ctx)
	must(t, err)
	diff(t, "counts", Counts{ByState: map[string]int{"planned": 1, "sent": 1}, OldestPlanned: start.AddDate(0, 0, 1)}, c)
}

// A claim is read and decided before its transaction. Whatever is written in
// between that it may have been decided on has it decided anew.
func TestAClaimIsDecidedOnWhatStands(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "steward.db")
	db, err := Open(ctx, path, Options{Lock: true})
	must(t, err)
	t.Cleanup(func() { db.Close() })
	beside, err := Open(ctx, path, Options{}) // a command
	must(t, err)
	t.Cleanup(func() { beside.Close() })
	_, _, err = db.Claim(ctx, plan(t, db, "first").ID, 0, start, time.Minute, pass) // what others wrote before is news to it
	must(t, err)
	pause := func(by *DB) func() {
		return func() { must(t, by.SetPause(ctx, steward.Pause{At: start, By: "lee"})) }
	}
	for _, c := range []struct {
		name    string
		between func()
		asked   int
		state   steward.MessageState
	}{
		{"nothing happens", func() {}, 1, steward.Sending},
		{"other messages move", func() { _, err := db.DueMessages(ctx, start, 0, steward.Channels()...); must(t, err) }, 1, steward.Sending},
		{"sending is paused", pause(db), 2, steward.Deferred},
		{"a command pauses sending", pause(beside), 2, steward.Deferred},
	} {
		t.Run(c.name, func(t *testing.T) {
			must(t, db.ClearPause(ctx))
			m := plan(t, db, steward.AccountID(c.name))
			asked := 0
			d, _, err := db.Claim(ctx, m.ID, 0, start, time.Minute, func(d steward.Dossier) (steward.Ruling, error) {
				if asked++; asked == 1 {
					c.between()
				}
				if d.Paused.IsZero() {
					return steward.Ruling{}, nil
				}
				return steward.Ruling{Decision: steward.Decision{Effect: steward.Defer, Reason: steward.ReasonPaused}}, nil
			})
			must(t, err)
			if asked != c.asked || d.Message.State != c.state {
				t.Errorf("it was decided %d times and is %s, want %d and %s", asked, d.Message.State, c.asked, c.state)
			}
		})
	}
}

// However many come at a time, each message is claimed once and each gets its
// own answer; one whose decision fails, or panics, takes no other
// with it.
func TestManyClaimsAtOnce(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	const n = 60
	var ids []steward.MessageID
	for i := range n {
		ids = append(ids, plan(t, db, steward.AccountID(fmt.Sprintf("a%d", i))).ID)
	}
	odd := errors.New("odd")
	var claimed, refused, failed atomic.Int32
	var all sync.WaitGroup
	for i := range 2 * n { // each message twice
		all.Go(func() {
			d, _, err := db.Claim(ctx, ids[i%n], 0, start, time.Minute, func(d steward.Dossier) (steward.Ruling, error) {
				switch i % n % 10 {
				case 3:
					return steward.Ruling{}, odd
				case 4:
					panic("odd")
				}
				return steward.Ruling{Content: &steward.Content{Title: string(d.Message.ID)}}, nil
			})
			switch {
			case errors.Is(err, odd), i%n%10 == 4 && err != nil && strings.Contains(err.Error(), "panicked: odd"):
				failed.Add(1)
			case errors.Is(err, ErrConflict), errors.Is(err, ErrSettled):
				refused.Add(1)
			case err != nil || d.Message.ID != ids[i%n] || d.Message.Content.Title != string(ids[i%n]):
				t.Errorf("%s was answered %+v, %v", ids[i%n], d.Message, err)
			default:
				claimed.Add(1)
				must(t, db.Settle(ctx, ids[i%n], 0, steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered, Ref: "r/" + string(ids[i%n])}, start))
			}
		})
	}
	all.Wait()
	// A second claim that comes after the first was settled hears that instead.
	if got := claimed.Load(); got != n-2*n/10 || failed.Load() != 4*n/10 {
		t.Errorf("%d were claimed, %d refused, %d failed", got, refused.Load(), failed.Load())
	}
}
