package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"steward"
)

// digestDay is one of the days on which dana's digests go.
func digestDay(n int) steward.Message {
	due := start.Add(time.Duration(24*n+9) * time.Hour)
	day := steward.DayOf(due, time.UTC)
	return steward.Message{ID: steward.DigestID("dana", day), Kind: steward.Digest, Channel: steward.Slack, To: steward.Recipient{Key: "digest", Owner: "dana", Name: "Dana Reyes", Slack: "U1"},
		State: steward.Planned, Due: due, Expires: due.Add(8 * time.Hour), Planned: start, RetryUncertain: true}
}

// digestsFrom are the digests of three days.
func digestsFrom(n int) []steward.Message {
	return []steward.Message{digestDay(n), digestDay(n + 1), digestDay(n + 2)}
}

// informed plans an outreach that is said in a digest only.
func informed(account string, from int) steward.Change {
	e := enrolment(steward.AccountID(account), "login-drop", start)
	into := digestsFrom(from)
	o := outreachFor(e, "nudge", into[0].ID)
	o.Digested = steward.ReasonInfo
	return steward.Change{Account: e.Subject.Account, Enrolments: []steward.Enrolment{e}, Messages: into[:1], Outreach: []steward.Outreach{o},
		Joins: []steward.Move{{Outreach: o.ID, Into: into, Digested: steward.ReasonInfo}}}
}

func commitOne(t testing.TB, db *DB, c steward.Change) {
	t.Helper()
	conflicts, err := db.Commit(context.Background(), steward.Run{}, []steward.Change{c}, start)
	must(t, err)
	if len(conflicts) > 0 {
		t.Fatalf("conflicts: %v", conflicts)
	}
}

// saying passes a message with what it carries as its content.
func saying(d steward.Dossier) (steward.Ruling, error) {
	c := steward.Content{Title: "digest"}
	for _, o := range d.Outreach {
		c.Parts = append(c.Parts, steward.ContentPart{Enrolment: o.Enrolment})
	}
	return steward.Ruling{Content: &c}, nil
}

func messageOf(t testing.TB, db *DB, id steward.OutreachID) (m steward.MessageID, digested, suppressed steward.Reason) {
	t.Helper()
	var row outreachRow
	must(t, db.read.Get(&row, `SELECT * FROM outreach WHERE id = ?`, id))
	return steward.MessageID(row.Message.V), row.Digested, row.Suppressed
}

// What is for a digest joins the one of the day, as long as that was not tried,
// and the next day's after that. Written again, it stays where it is, and no
// empty digest is left behind.
func TestJoiningADigest(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	first := informed("acme", 0)
	commitOne(t, db, first)
	commitOne(t, db, informed("bolt", 0))
	d, _, err := db.Claim(ctx, digestDay(0).ID, 0, start, time.Minute, saying)
	must(t, err)
	if len(d.Outreach) != 2 || len(d.Message.Content.Parts) != 2 {
		t.Fatalf("the first digest carries %+v", d.Outreach)
	}
	late := informed("crane", 0)
	commitOne(t, db, late)
	if m, why, _ := messageOf(t, db, late.Outreach[0].ID); m != digestDay(1).ID || why != steward.ReasonInfo {
		t.Errorf("what came while it was being sent is on %s, %s", m, why)
	}
	must(t, db.Settle(ctx, digestDay(0).ID, 0, steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered, Started: start}, start))
	again := first
	again.Enrolments = nil
	commitOne(t, db, again)
	if m, _, _ := messageOf(t, db, first.Outreach[0].ID); m != digestDay(0).ID {
		t.Errorf("written again, it is on %s", m)
	}
	// One whose every digest was begun is decided anew.
	for n := 1; n <= 2; n++ {
		_, err := db.PlanDigest(ctx, digestDay(n))
		must(t, err)
		_, _, err = db.Claim(ctx, digestDay(n).ID, 0, start, time.Minute, saying)
		must(t, err)
	}
	conflicts, err := db.Commit(ctx, steward.Run{}, []steward.Change{informed("dune", 0)}, start)
	must(t, err)
	diff(t, "conflicts", []steward.AccountID{"dune"}, conflicts)
	if m, _, _ := messageOf(t, db, informed("crane", 0).Outreach[0].ID); m != digestDay(1).ID {
		t.Errorf("crane is on %s", m)
	}
	var empty int
	must(t, db.read.Get(&empty, `SELECT COUNT(*) FROM messages WHERE kind = 'digest' AND state = 'planned'`))
	if empty != 0 {
		t.Errorf("%d empty digests were left behind", empty)
	}
}

// A card for which no place is free goes into the digest with all that it
// carries, and is never sent; what it was to go without stays unsaid.
func TestACardThatFindsNoPlaceJoinsTheDigest(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	first, second := plan(t, db, "acme"), plan(t, db, "bolt")
	day := seats(1, 24*time.Hour, start)
	ruling := steward.Ruling{Places: []steward.Place{day}, Overflow: digestsFrom(0)}
	_, _, err := db.Claim(ctx, first.ID, 0, start, time.Minute, func(steward.Dossier) (steward.Ruling, error) { return ruling, nil })
	must(t, err)
	d, r, err := db.Claim(ctx, second.ID, 0, start, time.Minute, func(steward.Dossier) (steward.Ruling, error) { return ruling, nil })
	must(t, err)
	if r.Passes() || d.Message.State != steward.Suppressed || d.Message.Reason != steward.ReasonInDigest {
		t.Fatalf("%+v, %+v", r, d.Message)
	}
	said, _, err := db.OutreachOf(ctx, []steward.EnrolmentID{enrolment("bolt", "login-drop", start).ID})
	must(t, err)
	if len(said) != 1 || said[0].Message != digestDay(0).ID || said[0].Digested != steward.ReasonCapped {
		t.Errorf("it is on %+v", said)
	}
	records, err := db.Records(ctx, RecordFilter{Account: "bolt"})
	must(t, err)
	if len(records) != 1 || records[0].Reason != steward.ReasonCapped || !strings.Contains(records[0].Detail, "digest") || records[0].Message != digestDay(0).ID {
		t.Errorf("records: %+v", records)
	}
	// Without a digest to join it waits, as it did.
	third := plan(t, db, "crane")
	d, _, err = db.Claim(ctx, third.ID, 0, start, time.Minute, taking(day))
	must(t, err)
	if d.Message.State != steward.Deferred || d.Message.Reason != steward.ReasonCapped {
		t.Errorf("%+v", d.Message)
	}
}

// A card goes with what may be said; of the rest, what may be said later is on a
// card of its own, and what is over stands nowhere.
func TestACardGoesWithoutWhatIsNotToBeSaidYet(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	m := cardFor("acme", start)
	change := steward.Change{Account: "acme", Messages: []steward.Message{m}}
	for _, p := range []string{"login-drop", "ticket-fire", "renewal"} {
		e := enrolment("acme", steward.PlaybookName(p), start)
		change.Enrolments, change.Outreach = append(change.Enrolments, e), append(change.Outreach, outreachFor(e, "nudge", m.ID))
	}
	commitOne(t, db, change)
	goes, later, over := change.Outreach[0], change.Outreach[1], change.Outreach[2]
	apart := m
	apart.ID, apart.State, apart.Due = steward.NewMessageID(steward.Card, "apart", string(later.ID)), steward.Deferred, start.Add(6*time.Hour)
	record := steward.Record{At: steward.SlotAt(start), Outreach: over.ID, Message: m.ID, Enrolment: over.Enrolment, Playbook: over.Playbook, Subject: over.Subject,
		Decision: steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonEpisodeOver}}
	_, _, err := db.Claim(ctx, m.ID, 0, start, time.Minute, func(steward.Dossier) (steward.Ruling, error) {
		return steward.Ruling{Content: &steward.Content{}, LeftOut: []steward.Record{record},
			Moves: []steward.Move{{Outreach: later.ID, Into: []steward.Message{apart}, Decision: steward.Decision{Effect: steward.Defer, Reason: steward.ReasonSilenced, Until: apart.Due}}}}, nil
	})
	must(t, err)
	must(t, db.Settle(ctx, m.ID, 0, steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered, Started: start}, start))
	for id, want := range map[steward.OutreachID]steward.MessageID{goes.ID: m.ID, later.ID: apart.ID, over.ID: ""} {
		got, _, suppressed := messageOf(t, db, id)
		if got != want || (id == over.ID) != (suppressed == steward.ReasonEpisodeOver) {
			t.Errorf("%s is on %q, %s, want %q", id, got, suppressed, want)
		}
	}
	records, err := db.Records(ctx, RecordFilter{Account: "acme"})
	must(t, err)
	delivered := 0
	for _, r := range records {
		if r.Reason == steward.ReasonDelivered {
			delivered++
			if r.Outreach != goes.ID {
				t.Errorf("delivered, it says, is %s", r.Outreach)
			}
		}
	}
	if delivered != 1 {
		t.Errorf("%d were delivered, want one", delivered)
	}
	due, err := db.DueMessages(ctx, apart.Due, 10, steward.Slack)
	must(t, err)
	if len(due) != 1 || due[0].ID != apart.ID {
		t.Errorf("due later: %+v", due)
	}
}

// Whatever joins, is put off, rolls over, is capped and is sent, at the same time
// and on two handles: an outreach is on one message, none is lost, and what a
// digest was sent with is what it carries for ever.
func TestNoOutreachIsLostOrSaidTwice(t *testing.T) {
	for seed := range uint64(8) {
		path := filepath.Join(t.TempDir(), "steward.db")
		handles := make([]*DB, 2)
		for i := range handles {
			var err error
			handles[i], err = Open(context.Background(), path, Options{})
			must(t, err)
			defer handles[i].Close()
		}
		w := &digestWorld{sent: map[steward.MessageID][]steward.EnrolmentID{}}
		var group sync.WaitGroup
		for i := range 4 {
			group.Go(func() { w.live(handles[i%2], rand.New(rand.NewPCG(seed, uint64(i))), i) })
		}
		group.Wait()
		for _, err := range w.faults {
			t.Fatalf("with seed %d: %v", seed, err)
		}
		w.check(t, handles[0])
	}
}

// digestWorld is what several workers of one database did.
type digestWorld struct {
	mu      sync.Mutex
	planned []steward.OutreachID
	sent    map[steward.MessageID][]steward.EnrolmentID
	faults  []error
}

func (w *digestWorld) live(db *DB, r *rand.Rand, worker int) {
	ctx := context.Background()
	for step := range 14 {
		now := start.Add(time.Duration(step) * time.Hour)
		var err error
		switch account := fmt.Sprintf("a%d-%d", worker, step); r.IntN(3) {
		case 0:
			c := informed(account, r.IntN(2))
			var lost []steward.AccountID
			if lost, err = db.Commit(ctx, steward.Run{}, []steward.Change{c}, now); len(lost) == 0 {
				w.note(c.Outreach[0].ID)
			}
		case 1:
			e, m := enrolment(steward.AccountID(account), "login-drop", start), cardFor(steward.AccountID(account), start)
			o := outreachFor(e, "nudge", m.ID)
			_, err = db.Commit(ctx, steward.Run{}, []steward.Change{{Account: e.Subject.Account, Enrolments: []steward.Enrolment{e}, Messages: []steward.Message{m}, Outreach: []steward.Outreach{o}}}, now)
			w.note(o.ID)
		default:
			err = w.deliver(ctx, db, r, now)
		}
		if err != nil {
			w.mu.Lock()
			w.faults = append(w.faults, err)
			w.mu.Unlock()
			return
		}
	}
}

func (w *digestWorld) note(id steward.OutreachID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.planned = append(w.planned, id)
}

// deliver takes what is due, of any day, and has it sent, put off or rolled over.
func (w *digestWorld) deliver(ctx context.Context, db *DB, r *rand.Rand, now time.Time) error {
	due, err := db.DueMessages(ctx, now.Add(96*time.Hour), 6, steward.Slack)
	if err != nil {
		return err
	}
	dice := make([]int, 64)
	for i := range dice {
		dice[i] = r.IntN(6)
	}
	for _, m := range due {
		fate := r.IntN(6)
		d, ruling, err := db.Claim(ctx, m.ID, m.Epoch, now, time.Hour, func(d steward.Dossier) (steward.Ruling, error) { return fateOf(d, fate, dice), nil })
		switch {
		case errors.Is(err, ErrConflict), errors.Is(err, ErrSettled), errors.Is(err, ErrNotFound):
			continue
		case err != nil:
			return err
		case !ruling.Passes():
			continue
		}
		end := steward.Settlement{State: steward.Sent, Reason: steward.ReasonDelivered, Started: now}
		if r.IntN(3) == 0 {
			end = steward.Settlement{State: steward.Deferred, Reason: steward.ReasonRetry, Started: now, Due: now.Add(time.Minute)}
		}
		if end.State == steward.Sent {
			var said []steward.EnrolmentID
			for _, p := range d.Message.Content.Parts {
				said = append(said, p.Enrolment)
			}
			w.mu.Lock()
			w.sent[m.ID] = said
			w.mu.Unlock()
		}
		if err := db.Settle(ctx, m.ID, m.Epoch, end, now); err != nil {
			return err
		}
	}
	return nil
}

// fateOf decides by dice: all goes, some is over, some waits, nothing goes.
func fateOf(d steward.Dossier, fate int, dice []int) steward.Ruling {
	digest := d.Message.Kind == steward.Digest
	next := 1
	for n := range 6 {
		if digestDay(n).ID == d.Message.ID {
			next = n + 1
		}
	}
	if fate == 0 && digest { // its evening has come
		ruling := steward.Ruling{Decision: steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonExpired}}
		for _, o := range d.Outreach {
			ruling.Moves = append(ruling.Moves, steward.Move{Outreach: o.ID, Into: digestsFrom(next), Digested: o.Digested, Decision: steward.Decision{Effect: steward.Defer, Reason: steward.ReasonInDigest}})
		}
		return ruling
	}
	ruling := steward.Ruling{Content: &steward.Content{Title: "x"}, Anew: true}
	if !digest {
		ruling.Overflow, ruling.Places = digestsFrom(0), []steward.Place{{Kind: steward.OwnerPlace, Key: "dana", Most: 3, Window: 24 * time.Hour, Words: "3 cards a day"}}
	}
	for i, o := range d.Outreach {
		switch dice[i%len(dice)] {
		case 0:
			if digest {
				ruling.LeftOut = append(ruling.LeftOut, steward.Record{At: steward.SlotAt(start), Outreach: o.ID, Message: d.Message.ID, Decision: steward.Decision{Effect: steward.Suppress, Reason: steward.ReasonEpisodeOver}})
				continue
			}
		case 1:
			if digest {
				ruling.Moves = append(ruling.Moves, steward.Move{Outreach: o.ID, Into: digestsFrom(next), Digested: o.Digested, Decision: steward.Decision{Effect: steward.Defer, Reason: steward.ReasonSilenced}})
				continue
			}
		}
		ruling.Content.Parts = append(ruling.Content.Parts, steward.ContentPart{Enrolment: o.Enrolment})
	}
	return ruling
}

func (w *digestWorld) check(t *testing.T, db *DB) {
	t.Helper()
	on := map[steward.MessageID][]steward.EnrolmentID{}
	for _, id := range w.planned {
		var row outreachRow
		if err := db.read.Get(&row, `SELECT * FROM outreach WHERE id = ?`, id); err != nil {
			t.Fatalf("%s is lost: %v", id, err)
		}
		if row.Message.V == "" {
			if row.Suppressed == "" {
				t.Fatalf("%s is on no message, and nothing says why", id)
			}
			continue
		}
		var state steward.MessageState
		if err := db.read.Get(&state, `SELECT state FROM messages WHERE id = ?`, row.Message.V); err != nil {
			t.Fatalf("%s is on %s, which is not there: %v", id, row.Message.V, err)
		}
		if state == steward.Suppressed || state == steward.Expired {
			t.Fatalf("%s is on %s, which is %s", id, row.Message.V, state)
		}
		on[steward.MessageID(row.Message.V)] = append(on[steward.MessageID(row.Message.V)], row.Enrolment)
	}
	for id, said := range w.sent {
		slices.Sort(said)
		slices.Sort(on[id])
		if !slices.Equal(said, on[id]) {
			t.Fatalf("%s was sent with %v and carries %v", id, said, on[id])
		}
	}
}

// capped rules that no place is free for a card.
func capped(steward.Dossier) (steward.Ruling, error) {
	return steward.Ruling{Places: []steward.Place{{Kind: steward.OwnerPlace, Key: "dana", Most: 0, Window: time.Hour}}, Overflow: digestsFrom(0)}, nil
}

// What joins a digest between its being decided on and its being taken is in it:
// it is decided on anew.
func TestADigestIsDecidedOnAnewWhenSomethingJoinsIt(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	commitOne(t, db, informed("acme", 0))
	card := plan(t, db, "bolt")
	looked := 0
	d, _, err := db.Claim(ctx, digestDay(0).ID, 0, start, time.Minute, func(d steward.Dossier) (steward.Ruling, error) {
		if looked++; looked == 1 {
			a, err := db.moves.do(ctx, move{id: card.ID, now: start, lease: time.Minute, decide: capped})
			must(t, err)
			must(t, a[0].err)
		}
		return saying(d)
	})
	must(t, err)
	if looked != 2 || len(d.Message.Content.Parts) != 2 {
		t.Errorf("decided %d times; it says %+v", looked, d.Message.Content.Parts)
	}
}

// A digest that is taken in the same transaction takes nothing in: what it says
// was decided before.
func TestADigestThatIsBeingTakenIsNotJoined(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	commitOne(t, db, informed("acme", 0))
	card := plan(t, db, "bolt")
	out, err := db.writeMoves(ctx, []move{
		{id: card.ID, now: start, lease: time.Minute, decide: capped},
		{id: digestDay(0).ID, now: start, lease: time.Minute, decide: saying},
	}, nil)
	must(t, err)
	must(t, errors.Join(out[0].err, out[1].err))
	if got := out[1].dossier.Message; got.State != steward.Sending || len(got.Content.Parts) != 1 {
		t.Errorf("the digest: %+v", got)
	}
	if m, why, _ := messageOf(t, db, outreachFor(enrolment("bolt", "login-drop", start), "nudge", "").ID); m != digestDay(1).ID || why != steward.ReasonCapped {
		t.Errorf("the card's is on %s, %s", m, why)
	}
}
