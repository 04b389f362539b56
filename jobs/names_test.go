package jobs_test

import (
	"strings"
	"testing"
	"time"

	"steward"
	"steward/store"
)

// person imports the one account's champion under a name.
func (s *stage) person(name string) {
	s.Helper()
	var b store.Batch
	b.Source, b.At = "people", s.now
	b.CompleteThrough, b.NewestDay = steward.NoDay, steward.NoDay
	b.Contacts = []steward.Contact{{ID: "c-a-0000", Account: "a-0000", Name: name, Email: "a-0000@example.com", Roles: []string{"champion"}, LastSeen: steward.NoDay}}
	_, err := s.db.Import(s.Context(), b)
	s.must(err)
}

// Through the database and the provider: a mail whose greeting has no name is
// neither drafted nor sent, the owner gets one card about it, and with the next
// import that has the name the mail is drafted with it.
func TestANameThatIsMissingIsAskedForOnce(t *testing.T) {
	s := newStage(t, "", "", "")
	s.accounts(1, 20_000)
	s.person("A. Ruiz")
	s.evaluate()
	s.deliver()
	for range 4 { // a day's wait, the escalation, and the mail's turn, looked at again and again
		s.now = s.now.Add(24 * time.Hour)
		s.evaluate()
		s.advance()
		s.deliver()
	}
	if mails := s.messages(steward.Mail); len(mails) != 0 {
		t.Fatalf("a mail to nobody was drafted: %+v", mails)
	}
	asked := s.messages(steward.Notice)
	if len(asked) != 1 || asked[0].State != steward.Sent || asked[0].To.Owner != "dana" || asked[0].Account != "a-0000" {
		t.Fatalf("asked with %+v", asked)
	}
	records, err := s.db.Records(t.Context(), store.RecordFilter{Account: "a-0000"})
	s.must(err)
	waits := 0
	for _, r := range records {
		if r.Reason == steward.ReasonNameMissing {
			waits++
		}
	}
	if waits != 1 {
		t.Errorf("it is on record %d times that the mail waits", waits)
	}

	s.person("Ana Ruiz")
	s.now = s.now.Add(24 * time.Hour)
	s.evaluate()
	s.advance()
	mail := s.message(steward.Mail)
	if mail.State != steward.AwaitingApproval || !strings.HasPrefix(mail.Content.Parts[0].Markdown, "Hi Ana.") {
		t.Errorf("with a name: %+v, %+v", mail, mail.Content)
	}
	if n := len(s.messages(steward.Notice)); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// A reader who stops a kind of mail after one was drafted gets neither that nor
// another of the kind, also under another account, and gets those of others.
func TestATopicIsStoppedAtSend(t *testing.T) {
	s := newStage(t, "", "purpose: report", "")
	s.accounts(1, 20_000)
	s.evaluate()
	s.deliver()
	for range 2 {
		s.now = s.now.Add(24 * time.Hour)
		s.evaluate()
		s.advance()
		s.deliver()
	}
	mail := s.message(steward.Mail)
	if mail.Topic != steward.TopicReport {
		t.Fatalf("the mail is of the kind %q", mail.Topic)
	}
	s.must(s.db.Prefer(t.Context(), "A-0000@example.com", []steward.Topic{steward.TopicCare}, nil, store.BySelf, s.now))
	d, err := s.db.Dossier(t.Context(), mail.ID)
	s.must(err)
	if d.Suppressed {
		t.Error("another kind stops it")
	}
	s.must(s.db.Prefer(t.Context(), "A-0000@example.com", []steward.Topic{steward.TopicReport}, nil, store.BySelf, s.now))
	s.must(s.db.Approve(t.Context(), mail.ID, mail.Version, "dana", s.now))
	s.deliver()
	if got := s.message(steward.Mail); got.State != steward.Suppressed || got.Reason != steward.ReasonOptedOut || !strings.Contains(got.Detail, "report") {
		t.Errorf("it is %s: %s, %s", got.State, got.Reason, got.Detail)
	}
	if n := s.provider.count(steward.Mail); n != 0 {
		t.Errorf("%d mails went out", n)
	}
}
