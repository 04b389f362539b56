package jobs_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"steward"
	"steward/playbooks"
	"steward/store"
)

// A mail that was approved before its reader replied, and that working hours still
// hold, is asked about once more; an answer to the card of before counts no more,
// and what is approved now goes. Where a reply changes nothing, nothing changes.
func TestAReplyTakesAnApprovalBack(t *testing.T) {
	for _, c := range []struct {
		keys string
		back bool
	}{{"", true}, {"on_reply: continue\n", false}} {
		s, slack := mailing(t, "approve: owner")
		book, problems := playbooks.Load(fstest.MapFS{
			"playbooks/big.yaml": {Data: fmt.Appendf(nil, "playbook: big\nkind: process\ntitle: Big account\nwhen: arr >= 10k\ncooldown: 30d\nbackfill: true\n%ssteps:\n  - {id: first, email: [champion], message: mail, approve: owner}\n  - {id: second, email: [champion], message: mail, approve: owner}\n", c.keys)},
			"messages/mail.md":   {Data: []byte("---\nfor_roles: [champion]\nsubject: Hello\n---\nHi {{ .contact.first_name }}.\n")},
		}, "playbooks", "messages", s.Book().Settings)
		if errs := problems.Errors(); len(errs) > 0 {
			t.Fatal(errs)
		}
		s.Engine.Book = func() *playbooks.Book { return book }
		s.accounts(1, 20_000)
		s.evaluate()
		s.at(12, "09:00")
		sent := s.message(steward.Mail)
		s.must(s.db.Approve(t.Context(), sent.ID, 1, "dana", s.now))
		s.deliver()
		s.at(12, "10:00")
		waiting, _, err := s.db.Messages(t.Context(), store.MessageFilter{State: steward.AwaitingApproval})
		s.must(err)
		if len(waiting) != 1 || s.named(sent.ID).State != steward.Sent {
			t.Fatalf("%d mails wait", len(waiting))
		}
		held := waiting[0]
		s.at(12, "19:00")
		s.must(s.db.Approve(t.Context(), held.ID, 1, "dana", s.now))
		s.deliver()
		if m := s.named(held.ID); m.State != steward.Deferred || m.Reason != steward.ReasonOutsideHours {
			t.Fatalf("in the evening it is %s (%s)", m.State, m.Reason)
		}
		asked := len(s.messages(steward.Approval))
		kept, err := s.Receive(t.Context(), steward.Returned{Incoming: steward.Incoming{Key: "r", Kind: steward.Reply, Message: sent.ID, Address: sent.To.Email, At: s.now, Back: steward.NoDay}})
		if err != nil || !kept {
			t.Fatal(kept, err)
		}
		m := s.named(held.ID)
		if !c.back {
			if m.State != steward.Deferred || len(s.messages(steward.Approval)) != asked {
				t.Errorf("%s: it is %s (%s)", c.keys, m.State, m.Reason)
			}
			continue
		}
		if m.State != steward.AwaitingApproval || m.Reason != steward.ReasonReplied || m.ApprovedBy != "" || len(s.messages(steward.Approval)) != asked+1 {
			t.Fatalf("after the reply it is %s (%s), approved by %q, and asked about %d times", m.State, m.Reason, m.ApprovedBy, len(s.messages(steward.Approval)))
		}
		slack.accepted = nil
		s.at(13, "09:00")
		if len(slack.accepted) != 1 || !strings.Contains(slack.accepted[0].Content.Parts[0].Markdown, "Somebody replied after it was approved; read that first") {
			t.Errorf("asked with %+v", slack.accepted)
		}
		if err := s.db.Approve(t.Context(), held.ID, 1, "dana", s.now); err == nil {
			t.Error("the button of the first card still lets it go")
		}
		s.must(s.db.Approve(t.Context(), held.ID, 2, "dana", s.now))
		s.now = s.now.Add(time.Minute)
		s.deliver()
		if m := s.named(held.ID); m.State != steward.Sent {
			t.Errorf("approved once more it is %s (%s: %s)", m.State, m.Reason, m.Detail)
		}
	}
}

// named is a message by its id.
func (s *stage) named(id steward.MessageID) steward.Message {
	s.Helper()
	m, err := s.db.Message(s.Context(), string(id))
	s.must(err)
	return m
}

// What comes back for a mail of which it was not known whether it was delivered
// tells that it was sent.
func TestWhatComesBackProvesThatAMailWasSent(t *testing.T) {
	for _, kind := range []steward.IncomingKind{steward.Reply, steward.HardBounce, steward.SoftBounce, steward.AutoReply, steward.Complaint} {
		s, slack := mailing(t, "approve: owner")
		s.accounts(1, 20_000)
		s.evaluate()
		s.at(12, "09:00")
		m := s.message(steward.Mail)
		s.must(s.db.Approve(t.Context(), m.ID, 1, "dana", s.now))
		slack.lost = true
		s.deliver()
		if m = s.named(m.ID); m.State != steward.Uncertain {
			t.Fatalf("it is %s (%s)", m.State, m.Reason)
		}
		kept, err := s.Receive(t.Context(), steward.Returned{Incoming: steward.Incoming{Key: "r", Kind: kind, Message: m.ID, Address: m.To.Email, At: s.now, Status: "5.1.1", Back: steward.NoDay}})
		if err != nil || !kept {
			t.Fatal(kind, kept, err)
		}
		if m = s.named(m.ID); m.State != steward.Sent || m.Reason != steward.ReasonDelivered || !strings.Contains(m.Detail, "tells that it was sent") {
			t.Errorf("after a %s it is %s (%s: %s)", kind, m.State, m.Reason, m.Detail)
		}
		records, err := s.db.Records(t.Context(), store.RecordFilter{Account: m.Account})
		s.must(err)
		told := false
		for _, r := range records {
			told = told || r.Reason == steward.ReasonDelivered && strings.Contains(r.Detail, "tells that it was sent")
		}
		if !told {
			t.Errorf("it is not on record how that is known: %+v", records)
		}
	}
}
