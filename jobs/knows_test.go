package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"steward"
	"steward/playbooks"
	"steward/store"
)

// The account's owner always knows before their customer hears: for every mail
// that goes to a customer, a message to the owner about it went earlier, or they
// let it go themselves. Whoever is asked, whoever decides by whichever way, and
// whatever Slack does meanwhile.
func TestTheOwnerKnowsFirst(t *testing.T) {
	sent := 0
	ways := []string{"approve: owner", "approve: manager", "approve: veto 3h", "unattended: true"}
	for seed := range uint64(16) {
		draw := rand.New(rand.NewPCG(seed, 7))
		approve := ways[seed%4]
		s, slack := mailing(t, approve)
		s.accounts(3, 20_000)
		decided := map[steward.MessageID]string{}
		for hour := range 40 {
			s.now = first.Add(time.Duration(hour) * time.Hour)
			if hour%24 == 0 {
				s.evaluate()
			}
			slack.away = draw.IntN(4) == 0
			s.deliver()
			s.advance()
			list, _, err := s.db.Messages(t.Context(), store.MessageFilter{Kind: steward.Mail, State: steward.AwaitingApproval})
			s.must(err)
			for _, m := range list {
				if by := []string{"", "", "lee", "dana"}[draw.IntN(4)]; by != "" {
					s.must(s.db.Approve(t.Context(), m.ID, m.Version, by, s.now))
					decided[m.ID] = by
				}
			}
			s.deliver()
		}
		told := map[steward.MessageID]bool{}
		mails := 0
		for _, l := range slack.accepted {
			switch {
			case l.Message.Kind == steward.Approval && l.Message.To.Owner == "dana":
				d, err := s.db.Dossier(t.Context(), l.Message.ID)
				s.must(err)
				for _, a := range d.Asked {
					told[a.Mail.Message.ID] = true
				}
			case l.Message.Kind == steward.Mail:
				mails++
				if !told[l.Message.ID] && decided[l.Message.ID] != "dana" {
					t.Errorf("%s, seed %d: the mail for %s went out before its owner knew of it; decided by %q", approve, seed, l.Message.Account, decided[l.Message.ID])
				}
			}
		}
		sent += mails
	}
	if sent == 0 {
		t.Error("no mail went out in all of it")
	}
}

// A slackThatGoes is Slack and a mail server, of which the first is away at times.
type slackThatGoes struct {
	away     bool
	lost     bool // the mail server's answer
	accepted []steward.Letter
}

func (p *slackThatGoes) Send(_ context.Context, l steward.Letter) (steward.Receipt, error) {
	if p.away && l.Message.Channel == steward.Slack {
		return steward.Receipt{}, &steward.DeliveryError{Kind: steward.Unreachable, Err: errors.New("no route")}
	}
	if p.lost && l.Message.Channel == steward.Email {
		return steward.Receipt{}, &steward.DeliveryError{Kind: steward.Unknowable, Err: errors.New("the connection broke")}
	}
	p.accepted = append(p.accepted, l)
	return steward.Receipt{Ref: "ref/" + string(l.Message.ID)}, nil
}

// mailing is a stage whose playbook mails first of all, and whose people work
// from eight to six.
func mailing(t *testing.T, approve string) (*stage, *slackThatGoes) {
	t.Helper()
	s := newStage(t, "", "", "")
	settings := s.Book().Settings
	settings.Hours = steward.Hours{Days: [7]bool{true, true, true, true, true, true, true}, From: 8 * time.Hour, To: 18 * time.Hour}
	book, problems := playbooks.Load(fstest.MapFS{
		"playbooks/big.yaml": {Data: fmt.Appendf(nil, "playbook: big\ntitle: Big account\nwhen: arr >= 10k\nuntil: arr < 5k\ncooldown: 30d\nbackfill: true\nsteps:\n  - {id: help, email: [champion], message: mail, %s}\n", approve)},
		"messages/mail.md":   {Data: []byte("---\nfor_roles: [champion]\nsubject: Hello\n---\nHi {{ .contact.first_name }}.\n")},
	}, "playbooks", "messages", settings)
	if errs := problems.Errors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	sender := &slackThatGoes{}
	s.Engine.Book, s.Engine.Sender = func() *playbooks.Book { return book }, sender
	return s, sender
}

// A mail that a manager approves before its owner could be told waits for that.
func TestAMailWaitsUntilItsOwnerIsTold(t *testing.T) {
	s, slack := mailing(t, "approve: owner")
	s.accounts(1, 20_000)
	s.now = s.now.Add(3 * time.Hour) // nine in the morning
	s.evaluate()
	m := s.message(steward.Mail)
	s.must(s.db.Approve(t.Context(), m.ID, 1, "lee", s.now))
	due, err := s.db.DueMessages(t.Context(), s.now, 0, steward.Email)
	s.must(err)
	s.must(s.Deliver(t.Context(), due[0].ID, due[0].Epoch))
	if m = s.message(steward.Mail); m.State != steward.Deferred || m.Reason != steward.ReasonOwnerUntold {
		t.Fatalf("it is %s (%s)", m.State, m.Reason)
	}
	s.deliver()
	card := slack.accepted[0]
	if card.Message.To.Owner != "dana" || card.Face.Over != "Approved by Lee Okafor; it waits: the account's owner has not been told of it yet" || !strings.Contains(card.Content.Parts[0].Markdown, "> Hi Ana") {
		t.Errorf("the owner is told %+v with %+v", card.Content, card.Face)
	}
	s.now = s.now.Add(10 * time.Minute)
	s.deliver()
	if m = s.message(steward.Mail); m.State != steward.Sent {
		t.Errorf("once they know it is %s (%s)", m.State, m.Detail)
	}
}
