package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"steward"
	"steward/jobs"
	"steward/playbooks"
	"steward/store"
)

// box is a mailbox whose mail is numbered from 1.
type box struct {
	mails   []steward.Returned
	batch   int
	reads   int
	settled int
	fails   error
}

func (b *box) Name() string { return "box" }

func (b *box) Read(_ context.Context, at steward.MailCursor, first bool) ([]steward.Returned, steward.MailCursor, bool, error) {
	b.reads++
	if b.fails != nil {
		return nil, at, false, b.fails
	}
	from := int(at.UID)
	to := min(len(b.mails), from+b.batch)
	return b.mails[from:to], steward.MailCursor{Validity: 1, UID: uint32(to)}, to < len(b.mails), nil
}

func (b *box) Settle(context.Context) error { b.settled++; return nil }

// mailed is a stage whose approved mail to each of n accounts went out.
func mailed(t *testing.T, n int) (*stage, []steward.Message) {
	t.Helper()
	s := newStage(t, "", "", "")
	book, problems := playbooks.Load(fstest.MapFS{
		"playbooks/big.yaml": {Data: []byte(`playbook: big
kind: process
when: arr >= 10k
cooldown: 30d
backfill: true
max_new: 100%
steps:
  - {id: help, email: [champion], message: mail, approve: owner}
  - {wait: 30d}
  - {id: thanks, if: replied, slack: owner, message: big}
`)},
		"messages/big.md":  {Data: []byte("{{ .account.name }} answered.\n")},
		"messages/mail.md": {Data: []byte("---\nfor_roles: [champion]\nsubject: Hello\n---\nHi {{ .contact.first_name }}.\n")},
	}, "playbooks", "messages", playbooks.Settings{Zone: time.UTC, Ops: "#ops", Unowned: "#ops", Owners: []steward.Owner{{ID: "dana", Name: "Dana Reyes", Slack: "U0DANA", Zone: time.UTC}}})
	if errs := problems.Errors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	s.Book = func() *playbooks.Book { return book }
	s.accounts(n, 20_000)
	s.evaluate()
	waiting, _, err := s.db.Messages(t.Context(), store.MessageFilter{State: steward.AwaitingApproval})
	s.must(err)
	for _, m := range waiting {
		s.must(s.db.Approve(t.Context(), m.ID, m.Version, "dana", s.now))
	}
	s.deliver()
	s.advance()
	sent, _, err := s.db.Messages(t.Context(), store.MessageFilter{State: steward.Sent, Channel: steward.Email})
	s.must(err)
	if len(sent) != n {
		t.Fatalf("%d mails went out, want %d", len(sent), n)
	}
	return s, sent
}

func TestWhatComesBackIsKept(t *testing.T) {
	s, sent := mailed(t, 3)
	answer := func(kind steward.IncomingKind, i int, key string) steward.Returned {
		return steward.Returned{Incoming: steward.Incoming{Key: key, Kind: kind, Message: sent[i].ID, Address: strings.ToLower(sent[i].To.Email), At: s.now, Status: "5.1.1", Back: steward.NoDay}}
	}
	byAddress := answer(steward.Reply, 1, "by address")
	byAddress.Message, byAddress.Subject = "m-ofarelay234567ab", sent[1].Content.Title
	b := &box{batch: 2, mails: []steward.Returned{
		answer(steward.Reply, 0, "reply"), byAddress, answer(steward.Reply, 0, "reply again"),
		answer(steward.HardBounce, 2, "bounce"),
		{Incoming: steward.Incoming{Key: "stranger", Kind: steward.HardBounce, Message: "m-unheardof2345678", Address: "stranger@elsewhere.example", At: s.now, Status: "5.1.1"}},
		{Incoming: steward.Incoming{Key: "another matter", Kind: steward.Reply, Address: strings.ToLower(sent[2].To.Email), At: s.now}, Subject: "Lunch?"},
	}}
	sum, err := s.ReadMail(t.Context(), b)
	if err != nil || sum != (jobs.MailRead{Found: 6, Kept: 4}) {
		t.Fatalf("%+v %v", sum, err)
	}
	// Told again, by the mailbox or by anything else, it is nothing.
	for _, again := range []*box{b, {batch: 9, mails: b.mails}} {
		if sum, err := s.ReadMail(t.Context(), again); err != nil || sum.Kept != 0 {
			t.Errorf("again: %+v %v", sum, err)
		}
	}
	s.must(s.db.MoveMailCursor(t.Context(), "box", steward.MailCursor{}))
	if sum, err := s.ReadMail(t.Context(), b); err != nil || sum != (jobs.MailRead{Found: 6}) {
		t.Errorf("from the beginning: %+v %v", sum, err)
	}
	who, err := s.db.SuppressedAddresses(t.Context())
	s.must(err)
	if len(who) != 1 || who[strings.ToLower(sent[2].To.Email)] == "" {
		t.Errorf("suppressed: %v", who)
	}
	// The replies end the waits, and the one that bounced waits on.
	s.now = s.now.Add(time.Minute)
	s.advance()
	cards := map[steward.AccountID]int{}
	_, carried, err := s.db.Messages(t.Context(), store.MessageFilter{Kind: steward.Card})
	s.must(err)
	for _, list := range carried {
		for _, o := range list {
			if o.Step == "thanks" {
				cards[o.Subject.Account]++
			}
		}
	}
	if fmt.Sprint(cards) != fmt.Sprint(map[steward.AccountID]int{sent[0].Account: 1, sent[1].Account: 1}) {
		t.Errorf("thanks go to %v", cards)
	}
}

func TestAMailboxThatFailsIsReadOnFromWhereItWas(t *testing.T) {
	s, sent := mailed(t, 1)
	b := &box{batch: 1, fails: errors.New("nobody there")}
	if _, err := s.ReadMail(t.Context(), b); err == nil || b.settled != 0 {
		t.Fatalf("%v, settled %d", err, b.settled)
	}
	b.fails = nil
	b.mails = []steward.Returned{{Incoming: steward.Incoming{Key: "1", Kind: steward.SoftBounce, Message: sent[0].ID, Address: strings.ToLower(sent[0].To.Email), At: s.now, Back: steward.NoDay}}}
	if sum, err := s.ReadMail(t.Context(), b); err != nil || sum.Kept != 1 || b.settled == 0 {
		t.Errorf("%+v %v", sum, err)
	}
}

// What was decided on an enrolment that somebody changed meanwhile is decided
// anew.
func TestAReplyMeetsSomebodyElse(t *testing.T) {
	s, sent := mailed(t, 1)
	meddle := &meddler{ledger: s.ledger, times: 2}
	s.Ledger = meddle
	kept, err := s.Receive(t.Context(), steward.Returned{Incoming: steward.Incoming{Key: "1", Kind: steward.Reply, Message: sent[0].ID, Address: strings.ToLower(sent[0].To.Email), At: s.now, Back: steward.NoDay}})
	if err != nil || !kept || meddle.tried != 3 {
		t.Fatalf("%v %v after %d tries", kept, err, meddle.tried)
	}
	meddle.times, meddle.tried = 100, 0
	if kept, err := s.Receive(t.Context(), steward.Returned{Incoming: steward.Incoming{Key: "2", Kind: steward.Reply, Message: sent[0].ID, At: s.now, Back: steward.NoDay}}); kept || !errors.Is(err, jobs.ErrMoved) {
		t.Errorf("%v %v", kept, err)
	}
}

// meddler has somebody change an enrolment just before what came back is kept.
type meddler struct {
	*ledger
	times, tried int
}

func (m *meddler) Receive(ctx context.Context, in steward.Incoming, c steward.Change, now time.Time) (bool, error) {
	if m.tried++; m.tried <= m.times {
		if len(c.Enrolments) == 0 {
			return false, jobs.ErrMoved
		}
		e, err := m.Enrolment(ctx, string(c.Enrolments[0].ID))
		if err != nil {
			return false, err
		}
		e.AckedBy = fmt.Sprint("somebody ", m.tried)
		if _, err := m.DB.Commit(ctx, steward.Run{}, []steward.Change{{Account: e.Subject.Account, Enrolments: []steward.Enrolment{e}}}, now); err != nil {
			return false, err
		}
	}
	return m.ledger.Receive(ctx, in, c, now)
}
