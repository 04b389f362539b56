package jobs_test

import (
	"fmt"
	"slices"
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
	tasks := s.given()
	if len(tasks) != 1 || tasks[0].Owner != "dana" || tasks[0].Title != "Find out: the first name of A. Ruiz (champion)" {
		t.Fatalf("given the tasks %+v", tasks)
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
	if left := s.given(); len(left) != 0 {
		t.Errorf("the data has the name, and still to do is %+v", left)
	}
}

// given is the open tasks that no step gave.
func (s *stage) given() []steward.Task {
	s.Helper()
	list, err := s.db.GivenTasks(s.Context())
	s.must(err)
	return list
}

// The card takes the name: the mail goes on with it, the task is done, and who is
// forgotten is forgotten under that name too.
func TestANameIsToldOnTheCard(t *testing.T) {
	p := &painter{}
	s := newStage(t, "", "", "")
	s.Update = p.update
	s.accounts(1, 20_000)
	s.person("A. Ruiz")
	for range 4 {
		s.evaluate()
		s.advance()
		s.deliver()
		s.now = s.now.Add(24 * time.Hour)
	}
	m := s.message(steward.Notice)
	var shown steward.Letter
	for _, l := range s.provider.letters {
		if l.Message.ID == m.ID {
			shown = l
		}
	}
	if len(shown.Face.Buttons) != 2 || shown.Face.Buttons[0].Target.Verb != steward.VerbName || shown.Face.Buttons[1].Target.Verb != steward.VerbDone {
		t.Fatalf("the card shows %+v", shown.Face)
	}
	g := press("n1", "U0DANA", steward.VerbName, m)
	g.Target = shown.Face.Buttons[0].Target
	if a := s.handle(g); a.Form == nil || a.Form.Fields[0].Value != "A. Ruiz" {
		t.Fatalf("pressed: %+v", a)
	}
	g.Key, g.Sent, g.Values = "n2", true, map[string]string{"text": "A. Ruiz"}
	if a := s.handle(g); a.Wrong["text"] == "" {
		t.Errorf("a name without a first name: %+v", a)
	}
	g.Key, g.Values = "n3", map[string]string{"text": "Ana Zyzak"}
	if a := s.handle(g); a.Refused || a.Form != nil || len(a.Wrong) > 0 {
		t.Errorf("told: %+v", a)
	}
	s.paint()
	if over := p.shown[m.Ref].Face; len(s.given()) != 0 || !strings.HasPrefix(over.Over, "Done on") || len(over.Buttons) != 0 {
		t.Errorf("after it was told, to do is %+v and the card shows %+v", s.given(), over)
	}
	s.evaluate()
	s.advance()
	if mail := s.message(steward.Mail); !strings.HasPrefix(mail.Content.Parts[0].Markdown, "Hi Ana.") || mail.To.Name != "Ana Zyzak" {
		t.Errorf("the mail is %+v", mail)
	}
	s.deliver()
	if _, err := s.db.Forget(t.Context(), "c-a-0000", s.now); err != nil {
		t.Fatal(err)
	}
	for _, a := range s.acts() {
		if strings.Contains(fmt.Sprint(a), "Zyzak") {
			t.Errorf("an act still names them: %+v", a)
		}
	}
	for _, m := range slices.Concat(s.messages(steward.Mail), s.messages(steward.Approval), s.messages(steward.Notice), s.messages(steward.Card)) {
		if m.Content != nil && strings.Contains(fmt.Sprintf("%+v", *m.Content), "Zyzak") || strings.Contains(m.To.Name, "Zyzak") {
			t.Errorf("a message still names them: %+v, %+v", m, m.Content)
		}
	}
}

// A task that a card gave is done with the card's button.
func TestAGivenTaskIsDoneOnItsCard(t *testing.T) {
	s := newStage(t, "", "", "")
	s.accounts(1, 20_000)
	s.person("A. Ruiz")
	for range 4 {
		s.evaluate()
		s.advance()
		s.deliver()
		s.now = s.now.Add(24 * time.Hour)
	}
	task := s.given()[0]
	g := press("d1", "U0DANA", steward.VerbDone, s.message(steward.Notice), "choice", "nothing")
	g.Target.Task, g.Sent = task.ID, true
	if a := s.handle(g); a.Refused {
		t.Fatalf("refused: %+v", a)
	}
	if done, err := s.db.Task(t.Context(), string(task.ID)); err != nil || done.State != steward.TaskDone || done.By != "dana" {
		t.Errorf("the task is %+v, %v", done, err)
	}
	s.evaluate()
	if n := len(s.given()); n != 0 {
		t.Errorf("it was given again: %d", n)
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
