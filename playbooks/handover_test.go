package playbooks_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/playbooks"
)

// handed is what a run hands over: outreach by step, and mails.
func handed(out playbooks.Outcome) (moves []steward.HandOver, drafts []steward.Redraft, cards map[steward.MessageID]steward.Message) {
	cards = map[steward.MessageID]steward.Message{}
	for _, c := range out.Changes {
		moves, drafts = append(moves, c.HandOvers...), append(drafts, c.Redrafts...)
		for _, m := range c.Messages {
			cards[m.ID] = m
		}
	}
	return moves, drafts, cards
}

// give makes somebody the owner of every account.
func (w *world) give(to steward.OwnerID) {
	for i := range w.Accounts {
		w.Accounts[i].Owner = to
	}
}

// TestCardsAreHandedOver: what was planned for the owner, or the manager, and not
// sent is for whoever that is by now; what was said stays said.
func TestCardsAreHandedOver(t *testing.T) {
	const manager = "steps: [{id: up, slack: manager, message: nudge}]\n"
	owners := append([]steward.Owner{{ID: "kim", Name: "Kim Abe", Slack: "U9", Manager: "sam"}}, people...)
	for _, tt := range []struct {
		name  string
		steps string
		state steward.MessageState
		owner steward.OwnerID
		away  steward.OwnerID
		to    steward.Recipient // zero: it stays
		words string
	}{
		{name: "another owner", owner: "kim", to: steward.Recipient{Owner: "kim", Slack: "U9"}, words: "from Dana Reyes to Kim Abe, who owns the account now"},
		{name: "deferred until later", owner: "kim", state: steward.Deferred, to: steward.Recipient{Owner: "kim", Slack: "U9"}, words: "from Dana Reyes to Kim Abe, who owns the account now"},
		{name: "in the queue", owner: "kim", state: steward.Enqueued, to: steward.Recipient{Owner: "kim", Slack: "U9"}, words: "from Dana Reyes to Kim Abe, who owns the account now"},
		{name: "a pool", owner: "pool", to: steward.Recipient{Owner: "pool", Slack: "#cs-smb"}, words: "from Dana Reyes to SMB pool, who owns the account now"},
		{name: "nobody", owner: "", to: steward.Recipient{Slack: "#unowned"}, words: "from Dana Reyes to #unowned, as the account has no owner that owners.yaml knows"},
		{name: "she is away", owner: "dana", away: "dana", to: steward.Recipient{Owner: "sam", Slack: "U3"}, words: "from Dana Reyes to Sam Ito, who stands in for Dana Reyes"},
		{name: "another owner has another manager", steps: manager, owner: "kim", to: steward.Recipient{Owner: "sam", Slack: "U3"}, words: "from Lee Okafor to Sam Ito, who is to hear as the manager now"},
		{name: "the same owner", owner: "dana"},
		{name: "the manager stays", steps: manager, owner: "dana"},
		{name: "a channel", steps: "steps: [{id: nudge, slack: \"#cs\", message: nudge}]\n", owner: "kim"},
		{name: "it is being sent", owner: "kim", state: steward.Sending},
		{name: "it was sent", owner: "kim", state: steward.Sent},
		{name: "it may have been sent", owner: "kim", state: steward.Uncertain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := settings()
			s.Owners = owners
			s.Away = func(id steward.OwnerID, d steward.Day) bool { return id == tt.away && d > day0+1 }
			w := newWorld(t, load(t, s, nil, "playbook: p\nwhen: seats > 3\nbackfill: true\n"+tt.steps), customer("acme"))
			w.sends = false
			w.seats(5)
			w.run(day0 + 1)
			e := w.must("p", "acme")
			said := w.memory.Outreach[e.ID][0]
			card := w.memory.Messages[said.Message]
			if tt.state != "" {
				card.State, card.Settled = tt.state, six(day0+1).Time()
				w.memory.Messages[card.ID] = card
			}
			w.give(tt.owner)
			moves, drafts, cards := handed(w.at(six(day0 + 2)).Decide())
			if len(drafts) > 0 {
				t.Errorf("mails were written anew: %+v", drafts)
			}
			if tt.words == "" {
				if len(moves) > 0 {
					t.Errorf("handed over: %+v", moves)
				}
				return
			}
			if len(moves) != 1 {
				t.Fatalf("%d outreach handed over, want one", len(moves))
			}
			m := moves[0]
			if m.Outreach != said.ID || m.From != card.ID || m.To.Owner != tt.to.Owner || m.To.Slack != tt.to.Slack || m.To.Key != said.To.Key || m.Detail != tt.words {
				t.Errorf("handed over %+v", m)
			}
			next, ok := cards[m.Message]
			if !ok || next.ID == card.ID || next.To != m.To || next.State != steward.Planned || !next.Expires.Equal(card.Expires) || next.Account != "acme" {
				t.Errorf("it goes on %+v, planned %v", next, ok)
			}
		})
	}
}

// TestHandedOverCardsAreShared: what two playbooks mean to say moves to one card,
// with what a third finds for the new owner at that moment.
func TestHandedOverCardsAreShared(t *testing.T) {
	const p = "when: seats > 3\nbackfill: true\n"
	w := newWorld(t, load(t, settings(), nil, "playbook: one\n"+p, "playbook: two\n"+p, "playbook: three\nwhen: plan == 'gone'\n"+"backfill: true\n"), customer("acme"))
	w.sends = false
	w.seats(5)
	w.run(day0 + 1)
	w.give("alone")
	w.Accounts[0].More["plan"] = steward.Str("gone")
	out := w.at(six(day0 + 2)).Decide()
	moves, _, cards := handed(out)
	if len(moves) != 2 || moves[0].Message != moves[1].Message || len(cards) != 1 {
		t.Fatalf("moves %+v on cards %+v, want both on one", moves, cards)
	}
	if said := out.Changes[0].Outreach; len(said) != 1 || said[0].Message != moves[0].Message {
		t.Errorf("the third's %+v is not on the card", said)
	}
}

// TestTasksAreHandedOver: a task that was given moves to the new owner, though its
// card was sent, and they get a card of theirs; an absence leaves it where it is, and so does having done it.
func TestTasksAreHandedOver(t *testing.T) {
	for _, tt := range []struct {
		name, task  string
		owner, away steward.OwnerID
		done        bool
		want        steward.OwnerID
	}{
		{"another owner", "owner", "alone", "", false, "alone"},
		{"a pool", "owner", "pool", "", false, "pool"},
		{"nobody", "owner", "", "", false, ""},
		{"she is away", "owner", "dana", "dana", false, ""},
		{"it is done", "owner", "alone", "", true, ""},
		{"the manager's", "manager", "alone", "", false, ""}, // ann has none
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := settings()
			s.Away = func(id steward.OwnerID, d steward.Day) bool { return id == tt.away && d > day0+1 }
			w := newWorld(t, load(t, s, nil, "playbook: p\nwhen: seats > 3\nbackfill: true\nsteps:\n  - {id: call, task: "+tt.task+", message: nudge}\n  - {wait: 9d}\n"), customer("acme"))
			w.seats(5)
			w.run(day0 + 1)
			for k, e := range w.memory.Open {
				if tt.done {
					e.DoneAt = six(day0 + 1).Time()
				}
				w.memory.Open[k] = e
			}
			w.give(tt.owner)
			moves, _, cards := handed(w.at(six(day0 + 2)).Decide())
			heard := steward.OwnerID("")
			for _, m := range cards {
				heard = m.To.Owner
			}
			if heard != tt.want {
				t.Errorf("%q gets a card, want %q", heard, tt.want)
			}
			got := steward.OwnerID("")
			for _, m := range moves {
				if got = m.To.Owner; m.Message != "" {
					t.Errorf("the card moves: %+v", m)
				}
			}
			if got != tt.want {
				t.Errorf("moves to %q, want %q", got, tt.want)
			}
		})
	}
}

// TestMailsAreHandedOver: a mail that was not sent is written anew in the name of
// the account's new owner, who is asked anew.
func TestMailsAreHandedOver(t *testing.T) {
	for _, tt := range []struct {
		name, approve string
		state         steward.MessageState
		owner         steward.OwnerID
		asks          steward.OwnerID
		stays         bool
	}{
		{name: "it waits for approval", approve: "approve: owner", owner: "alone", asks: "alone"},
		{name: "it was approved", approve: "approve: owner", state: steward.Planned, owner: "alone", asks: "alone"},
		{name: "it was approved and put off", approve: "approve: owner", state: steward.Deferred, owner: "alone", asks: "alone"},
		{name: "unless somebody stops it", approve: "approve: veto 24h", owner: "alone", asks: "alone"},
		{name: "the manager is asked", approve: "approve: manager", owner: "pool", asks: ""},
		{name: "its owner is told", approve: "unattended: true", owner: "alone", asks: "alone"},
		{name: "its owner was told, and it was put off", approve: "unattended: true", state: steward.Deferred, owner: "alone", asks: "alone"},
		{name: "the same owner", approve: "approve: owner", owner: "dana", stays: true},
		{name: "it is being sent", approve: "approve: owner", state: steward.Sending, owner: "alone", stays: true},
		{name: "it was sent", approve: "approve: owner", state: steward.Sent, owner: "alone", stays: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: seats > 3\nbackfill: true\nsteps: [{id: help, email: champion, message: help, "+tt.approve+"}]\n"), customer("acme"))
			w.Contacts, w.sends = []steward.Contact{champion("acme")}, false
			w.seats(5)
			w.run(day0 + 1)
			said := w.memory.Outreach[w.must("p", "acme").ID][0]
			mail := w.memory.Messages[said.Message]
			if mail.Sender != "dana" {
				t.Fatalf("planned in the name of %q", mail.Sender)
			}
			if tt.state != "" {
				mail.State, mail.Settled, mail.ApprovedBy = tt.state, six(day0+1).Time(), "dana"
				w.memory.Messages[mail.ID] = mail
			}
			w.give(tt.owner)
			at := six(day0 + 2)
			moves, drafts, _ := handed(w.at(at).Decide())
			if len(moves) > 0 {
				t.Errorf("the addressee changed: %+v", moves)
			}
			if tt.stays {
				if len(drafts) > 0 {
					t.Errorf("written anew: %+v", drafts)
				}
				return
			}
			if len(drafts) != 1 {
				t.Fatalf("%d mails written anew, want one", len(drafts))
			}
			d := drafts[0].Mail
			if d.ID != mail.ID || d.To != mail.To || d.Sender != tt.owner || d.Version != mail.Version+1 || d.ApprovedBy != "" || !d.Expires.Equal(mail.Expires) {
				t.Errorf("the mail became %+v", d)
			}
			if d.State != steward.AwaitingApproval || d.Content == nil || d.Content.From == mail.Content.From || d.Hash == mail.Hash || d.Hash != playbooks.ContentHash(*d.Content) {
				t.Errorf("the mail is %s from %+v", d.State, d.Content)
			}
			if strings.Contains(tt.approve, "veto") != d.Veto.Equal(at.Time().Add(24*time.Hour)) || strings.Contains(tt.approve, "unattended") != d.Veto.Equal(at.Time().Add(time.Hour)) {
				t.Errorf("it goes at %s", d.Veto)
			}
			var ask *steward.Message
			if asks := drafts[0].Asks; len(asks) > 0 {
				ask = &asks[0]
			}
			if ask == nil || ask.For != mail.ID || ask.To.Owner != tt.asks || ask.ID == steward.NewMessageID(steward.Approval, string(mail.ID), "1") {
				t.Errorf("asked by %+v", ask)
			}
		})
	}
}

// TestClaims: a claimed enrolment speaks to whoever claimed it, for as long as no
// person owns the account.
func TestClaims(t *testing.T) {
	const text = `playbook: p
when: seats > 3
backfill: true
steps:
  - {id: nudge, slack: owner, message: nudge}
  - {wait: 2d, unless: acked}
  - {id: help, email: champion, message: help, approve: owner}
`
	w := newWorld(t, load(t, settings(), nil, text), customer("acme"))
	w.Contacts = []steward.Contact{champion("acme")}
	w.give("pool")
	w.seats(5)
	w.run(day0 + 1)
	claimed := func(by steward.OwnerID) {
		for k, e := range w.memory.Open {
			e.ClaimedBy, e.AckedBy, e.AckedAt = by, string(by), six(day0+1).Time()
			w.memory.Open[k] = e
		}
	}
	claimed("alone")
	w.run(day0 + 2) // the wait is over, as somebody has it
	said := w.memory.Outreach[w.must("p", "acme").ID]
	if len(said) != 2 || said[0].To.Slack != "#cs-smb" {
		t.Fatalf("said %+v, want a card to the pool and a mail", said)
	}
	mail := w.memory.Messages[said[1].Message]
	if mail.Sender != "alone" || mail.Content.From != "Ann Alone" || !strings.Contains(mail.Content.Parts[0].Markdown, "Ann Alone") {
		t.Errorf("the mail is from %q, in the name of %q:\n%s", mail.Content.From, mail.Sender, mail.Content.Parts[0].Markdown)
	}
	if diff := cmp.Diff([]steward.OwnerID{"alone"}, mail.Approvers); diff != "" {
		t.Errorf("approvers (-want +got):\n%s", diff)
	}
	w.give("dana")
	if _, drafts, _ := handed(w.at(six(day0 + 3)).Decide()); len(drafts) != 1 || drafts[0].Mail.Sender != "dana" {
		t.Errorf("once dana owns the account: %+v", drafts)
	}
	w.give("pool")
	claimed("gone") // an id that the owners' file no longer has
	if _, drafts, _ := handed(w.at(six(day0 + 3)).Decide()); len(drafts) != 1 || drafts[0].Mail.Sender != "pool" {
		t.Errorf("claimed by somebody who is gone: %+v", drafts)
	}
}

// TestLapsedClaims: what lies in a pool for too long is told together, to the
// pool's manager or to ops, and hours outside working hours do not count.
func TestLapsedClaims(t *testing.T) {
	office := steward.Hours{From: 9 * time.Hour, To: 17 * time.Hour}
	for d := time.Monday; d <= time.Friday; d++ {
		office.Days[d] = true
	}
	at := func(d steward.Day, hour, minute int) time.Time {
		return d.Start(berlin).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
	}
	friday := day0 + 4
	for _, tt := range []struct {
		name    string
		within  time.Duration
		hours   steward.Hours
		sent    time.Time
		by      time.Time
		manager steward.OwnerID
		to      string
	}{
		{"in the morning", 4 * time.Hour, office, at(day0, 6, 1), at(day0, 13, 0), "lee", "U2"},
		{"within the day", 4 * time.Hour, office, at(day0, 9, 50), at(day0, 14, 0), "lee", "U2"},
		{"over the weekend", 4 * time.Hour, office, at(friday, 15, 0), at(day0+7, 11, 0), "lee", "U2"},
		{"without working hours", 4 * time.Hour, steward.Hours{}, at(friday, 15, 0), at(friday, 19, 0), "lee", "U2"},
		{"a day is a day", 24 * time.Hour, office, at(friday, 15, 0), at(friday+1, 15, 0), "lee", "U2"},
		{"no manager", 4 * time.Hour, office, at(day0, 9, 0), at(day0, 13, 0), "", "#ops"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := settings()
			s.Hours = tt.hours
			s.Owners = append([]steward.Owner{}, people...)
			for i := range s.Owners {
				if s.Owners[i].ID == "pool" {
					s.Owners[i].ClaimWithin, s.Owners[i].Manager = tt.within, tt.manager
				}
			}
			w := newWorld(t, load(t, s, nil, "playbook: p\ntitle: Seats are high\nwhen: seats > 3\nbackfill: true\n"), customer("acme"), customer("bolt"), customer("core"))
			w.give("pool")
			for i := range w.Accounts {
				w.Accounts[i].More["seats"] = steward.Num(5)
			}
			w.run(day0)
			late := tt.sent.Add(time.Second)
			lying := []steward.Unclaimed{
				{Enrolment: w.must("p", "acme"), Pool: "pool", Sent: tt.sent}, {Enrolment: w.must("p", "bolt"), Pool: "pool", Sent: tt.sent},
				{Enrolment: w.must("p", "core"), Pool: "dana", Sent: late}}
			if got := w.at(six(day0), tt.by.Add(-time.Second)).Lapsed(lying); len(got) > 0 {
				t.Errorf("told early: %+v", got)
			}
			got := w.at(six(day0), tt.by).Lapsed(lying)
			if len(got) != 1 || !got[0].By.Equal(tt.by) || got[0].To.Slack != tt.to || len(got[0].Lines) != 2 {
				t.Fatalf("told %+v", got)
			}
			if l := got[0].Lines[0]; l != "acme Acme acme: Seats are high (seats is 5)" {
				t.Errorf("line %q", l)
			}
			if !strings.HasPrefix(got[0].Title, "Nobody claimed 2 cards to SMB pool in ") {
				t.Errorf("title %q", got[0].Title)
			}
		})
	}
}
