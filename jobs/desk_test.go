package jobs_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"steward"
	"steward/store"
)

// ask is what somebody in Slack writes after the command, and what they see.
func (s *stage) ask(user, words string) steward.Answer {
	s.Helper()
	return s.handle(steward.Gesture{Key: "c-" + user + words + s.now.String(), At: s.now, Via: steward.ViaSlack, User: user, Team: "T1", Words: words})
}

// click presses a button, or picks from its menu.
func (s *stage) click(user string, b steward.Button, values ...string) steward.Answer {
	s.Helper()
	g := steward.Gesture{Key: fmt.Sprint("b-", user, b.Target, values, s.now), At: s.now, Via: steward.ViaSlack, User: user, Team: "T1", Verb: b.Target.Verb, Target: b.Target, Values: map[string]string{}}
	for i := 0; i+1 < len(values); i += 2 {
		g.Values[values[i]] = values[i+1]
	}
	return s.handle(g)
}

// fill sends a form.
func (s *stage) fill(user string, f *steward.Form, values ...string) steward.Answer {
	s.Helper()
	if f == nil {
		s.Fatal("there is no form")
	}
	g := steward.Gesture{Key: fmt.Sprint("f-", user, f.Target, values, s.now), At: s.now, Via: steward.ViaSlack, User: user, Team: "T1", Verb: f.Target.Verb, Target: f.Target, Sent: true, Values: map[string]string{}}
	for i := 0; i+1 < len(values); i += 2 {
		g.Values[values[i]] = values[i+1]
	}
	return s.handle(g)
}

// asked is a stage on which n mails wait for dana, and the card that asks her has
// been sent and can be drawn anew.
func asked(t *testing.T, n int) (*stage, *painter) {
	t.Helper()
	p := &painter{}
	s := newStage(t, "", "max_new: 50", "")
	s.Update = p.update
	s.accounts(n, 20_000)
	for range 5 { // card, wait, escalation, mail
		s.evaluate()
		s.deliver()
		s.advance()
		s.deliver()
		s.now = s.now.AddDate(0, 0, 1)
	}
	if got := len(s.messages(steward.Mail)); got != n {
		t.Fatalf("%d mails wait, want %d", got, n)
	}
	return s, p
}

// card is the approval card as it was sent, with the face that it had.
func (s *stage) card() steward.Letter {
	s.Helper()
	s.provider.mu.Lock()
	defer s.provider.mu.Unlock()
	for _, l := range s.provider.letters {
		if l.Message.Kind == steward.Approval {
			return l
		}
	}
	s.Fatal("nobody was asked")
	return steward.Letter{}
}

// A mail is approved by a click, once whatever Slack repeats, and its card shows by
// whom, and what became of it.
func TestApprovingByAClick(t *testing.T) {
	s, p := asked(t, 1)
	card := s.card()
	if card.Message.To.Owner != "dana" || len(card.Face.Buttons) != 3 || !strings.Contains(card.Content.Parts[0].Markdown, "> Hi Ana") {
		t.Fatalf("the card is %+v with %+v", card.Content, card.Face)
	}
	approve := card.Face.Buttons[0]
	var answers []string
	for range 5 {
		answers = append(answers, s.click("U0DANA", approve).Text)
	}
	if !strings.HasPrefix(answers[0], "Approved: it goes to Ana Ruiz (champion)") || len(slices.Compact(answers)) != 1 {
		t.Errorf("answers %q", answers)
	}
	if m := s.message(steward.Mail); m.State != steward.Planned || m.ApprovedBy != "dana" {
		t.Errorf("the mail is %s, by %q", m.State, m.ApprovedBy)
	}
	s.paint()
	if over := p.shown[s.message(steward.Approval).Ref].Face.Over; over != "Approved by Dana Reyes; it goes out when its hour comes" {
		t.Errorf("the card shows %q", over)
	}
	s.deliver()
	s.paint()
	if over := p.shown[s.message(steward.Approval).Ref].Face.Over; !strings.HasPrefix(over, "Approved by Dana Reyes; sent on") {
		t.Errorf("once it was sent the card shows %q", over)
	}
	if n := s.provider.count(steward.Mail); n != 1 {
		t.Errorf("it was sent %d times", n)
	}
	if again := s.click("U0LEE", approve); !again.Refused && !strings.Contains(again.Text, "decided") {
		t.Errorf("somebody else, later: %+v", again)
	}
}

// Of two who press at once one decides; the other hears what was decided.
func TestApprovingAndDecliningAtOnce(t *testing.T) {
	s, _ := asked(t, 1)
	buttons := s.card().Face.Buttons
	decline := s.click("U0LEE", buttons[2]).Form
	var wg sync.WaitGroup
	answers := make([]steward.Answer, 2)
	wg.Go(func() { answers[0] = s.click("U0DANA", buttons[0]) })
	wg.Go(func() { answers[1] = s.fill("U0LEE", decline, "text", "not now") })
	wg.Wait()
	said := answers[0].Text + "\n" + answers[1].Text
	if strings.Contains(said, "Approved: ") == strings.Contains(said, "Stopped: ") || !strings.Contains(said, "Nothing was done") {
		t.Errorf("they hear\n%s", said)
	}
}

// What is edited is another version, approved by whoever wrote it, and goes out as
// they wrote it; a card from before does nothing.
func TestEditingByAForm(t *testing.T) {
	s, p := asked(t, 1)
	buttons := s.card().Face.Buttons
	form := s.click("U0DANA", buttons[1]).Form
	s.fill("U0DANA", form, "subject_line", "Hello Ana", "body", "Shall we talk?")
	if stale := s.click("U0LEE", buttons[0]); !strings.Contains(stale.Text, "Nothing was done") {
		t.Errorf("the old card does %q", stale.Text)
	}
	s.deliver()
	m := s.message(steward.Mail)
	if m.State != steward.Sent || m.Version != 2 || m.Content.Title != "Hello Ana" || m.Content.Parts[0].Markdown != "Shall we talk?" || m.ApprovedBy != "dana" {
		t.Errorf("it is %s: %+v", m.State, m.Content)
	}
	s.paint()
	if c := p.shown[s.message(steward.Approval).Ref].Content; !strings.Contains(c.Parts[0].Markdown, "> Shall we talk?") {
		t.Errorf("the card shows %s", c.Parts[0].Markdown)
	}
}

// Sixteen mails of one morning are one card; one is declined by itself, and the
// rest approved together.
func TestApprovingMany(t *testing.T) {
	s, p := asked(t, 16)
	if n := s.provider.count(steward.Approval); n != 1 {
		t.Fatalf("%d cards ask", n)
	}
	card := s.card()
	if len(card.Content.Parts) != 16 || card.Face.Buttons[0].Label != "Approve all 16" {
		t.Fatalf("the card is %+v", card.Face)
	}
	first := card.Face.Parts[0].Buttons
	look := s.click("U0DANA", first[0])
	if look.Content == nil || !strings.Contains(look.Content.Parts[0].Markdown, "> Hi Ana") || len(look.Face.Buttons) != 3 {
		t.Errorf("looking at one: %+v", look)
	}
	s.fill("U0DANA", s.click("U0DANA", first[1]).Form, "text", "they left")
	if old := s.click("U0DANA", card.Face.Buttons[0]); !old.Refused && !strings.Contains(old.Text, "Nothing was done") {
		t.Errorf("the card of before: %+v", old)
	}
	s.paint()
	shown := p.shown[s.message(steward.Approval).Ref]
	if shown.Face.Buttons[0].Label != "Approve all 15" {
		t.Fatalf("the card shows %+v", shown.Face.Buttons)
	}
	s.click("U0DANA", shown.Face.Buttons[0])
	s.deliver()
	if n := s.provider.count(steward.Mail); n != 15 {
		t.Errorf("%d mails went out, want 15", n)
	}
	s.paint()
	if over := p.shown[s.message(steward.Approval).Ref].Face; over.Over == "" || len(over.Buttons) != 0 {
		t.Errorf("when all are decided: %+v", over)
	}
}

// What is asked in words is answered for whoever asks.
func TestCommands(t *testing.T) {
	s, _ := asked(t, 2)
	for _, c := range []struct{ words, text, title string }{
		{"", "/steward mine", ""},
		{"help", "/steward mine", ""},
		{"a-0000", "", "Account a-0000"},
		{"account a-0001", "", "Account a-0001"},
		{"Acccount a-0001", `There is no account called "Acccount a-0001". Did you mean Account a-0001?`, ""},
		{"account", "", "Which one?"},
		{"why a-0000 big", "Account a-0000, Big account (big): enrolled since 12 March 2026", ""},
		{"why a-0000 bgi", "(big): enrolled since 12 March 2026", ""},
		{"why account a-0000", "(big): enrolled since", ""},
		{"mine", "", "Yours to do"},
	} {
		a := s.ask("U0DANA", c.words)
		title := ""
		if a.Content != nil {
			title = a.Content.Title
		}
		if !strings.Contains(a.Text, c.text) || title != c.title {
			t.Errorf("%q is answered with %q, %q", c.words, a.Text, title)
		}
	}
	if acts := s.acts(); len(acts) != 0 {
		t.Errorf("questions are on record: %+v", acts)
	}
	menu := s.ask("U0DANA", "account").Face.Buttons[0]
	if picked := s.click("U0DANA", menu, "choice", menu.Options[1].Value); picked.Content == nil || picked.Content.Title != "Account a-0001" {
		t.Errorf("picked from the menu: %+v", picked)
	}
	if stranger := s.ask("U0WHO", "a-0000"); stranger.Content != nil || !strings.Contains(stranger.Text, "owners.yaml") {
		t.Errorf("somebody whom nobody knows sees %+v", stranger)
	}
	mine := s.ask("U0DANA", "mine")
	if len(mine.Content.Parts) < 2 || mine.Content.Parts[0].Title != "A mail waits: Account a-0000, Ana Ruiz (champion)" || mine.Face.Parts[0].Buttons[0].Target.Verb != steward.VerbLook {
		t.Errorf("mine is %+v", mine.Content.Parts)
	}
	look := s.ask("U0DANA", "a-0000")
	var can, parts []string
	for _, b := range look.Face.Buttons {
		can = append(can, b.Label)
	}
	for _, p := range look.Content.Parts {
		parts = append(parts, p.Title)
	}
	if !slices.Contains(can, "Start a playbook") || !slices.Contains(can, "Set a role") || !slices.Equal(parts, []string{"What goes on", "People"}) {
		t.Errorf("an account's card has %q and %q", parts, can)
	}
}

// What somebody says in Slack is a fact from the next evaluation on, and shown at
// once to whoever looks.
func TestWhatIsSaidBecomesAFact(t *testing.T) {
	s, _ := asked(t, 1)
	s.now = s.now.Add(time.Hour)
	if a := s.ask("U0DANA", "pulse a-0000 2"); !strings.Contains(a.Text, "2 of 5") {
		t.Fatalf("%+v", a)
	}
	form := s.ask("U0DANA", "role account a-0000").Form
	s.fill("U0DANA", form, "who", "c-a-0000", "how", "too", "choice", "admin")
	shown := func() string {
		t.Helper()
		var text []string
		look := s.ask("U0LEE", "a-0000").Content
		for _, f := range look.Facts {
			text = append(text, f.Label+" "+f.Text)
		}
		for _, p := range look.Parts {
			text = append(text, p.Title, p.Markdown)
		}
		return strings.Join(text, "\n")
	}
	if text := shown(); !strings.Contains(text, "Said since the last evaluation") || !strings.Contains(text, "pulse\\: 2 \\(Dana Reyes\\)") || !strings.Contains(text, "- Ana Ruiz, champion, admin\n") || !strings.Contains(text, "Lately") {
		t.Errorf("somebody who looks sees\n%s", text)
	}
	s.now = s.now.AddDate(0, 0, 1)
	s.evaluate()
	if text := shown(); strings.Contains(text, "Said since") || !strings.Contains(text, "Pulse 2 of 5") {
		t.Errorf("after the next evaluation\n%s", text)
	}
}

// A playbook that is started by a command runs, and goes on like any other.
func TestStartingByACommand(t *testing.T) {
	s := newStage(t, "", "", "")
	s.accounts(1, 20)
	s.evaluate()
	s.now = s.now.Add(time.Hour)
	words := "start a-0000 big because they asked"
	first := s.ask("U0DANA", words)
	if !strings.Contains(first.Text, "Big account has begun for Account a-0000") {
		t.Fatalf("%+v", first)
	}
	for range 3 {
		if again := s.ask("U0DANA", words); again.Text != first.Text {
			t.Errorf("told again: %q", again.Text)
		}
	}
	e := s.enrolment()
	if e.StartedBy != "dana" || e.State != steward.Active {
		t.Errorf("it is %+v", e)
	}
	s.deliver()
	if n := s.provider.count(steward.Card); n != 1 {
		t.Errorf("%d cards went out", n)
	}
	s.now = s.now.Add(time.Hour)
	s.advance()
	if a := s.ask("U0DANA", "skip a-0000 big"); !strings.Contains(a.Text, "Skipped: waiting 1d") {
		t.Errorf("%+v", a)
	}
	s.now = s.now.AddDate(0, 0, 1)
	s.evaluate()
	if e = s.enrolment(); !e.State.Open() {
		t.Errorf("the next evaluation ends it: %s", e.Reason)
	}
	s.fill("U0DANA", s.ask("U0DANA", "stop a-0000 big").Form, "because", "it is settled")
	if e = s.enrolment(); e.Reason != steward.ReasonByHand {
		t.Errorf("it is %s (%s)", e.State, e.Reason)
	}
	s.deliver()
	s.advance()
	if n := s.provider.count(steward.Card); n > 2 {
		t.Errorf("%d cards went out after it was stopped", n)
	}
	records, err := s.db.Records(t.Context(), recordsOf(e))
	s.must(err)
	if !slices.ContainsFunc(records, func(r steward.Record) bool {
		return r.Reason == steward.ReasonByHand && strings.Contains(r.Detail, "they asked")
	}) {
		t.Errorf("on record: %+v", records)
	}
}

func recordsOf(e steward.Enrolment) store.RecordFilter {
	return store.RecordFilter{Account: e.Subject.Account, Enrolment: e.ID}
}

// Whoever is forgotten is named no more from that moment on, and not only from the
// next evaluation on.
func TestTheForgottenAreNamedNoMore(t *testing.T) {
	s, _ := asked(t, 1)
	people := func() string { return fmt.Sprintf("%+v", *s.ask("U0DANA", "a-0000").Content) }
	if !strings.Contains(people(), "Ana") {
		t.Fatalf("the account is told without its people: %s", people())
	}
	if _, err := s.db.Forget(t.Context(), "c-a-0000", s.now); err != nil {
		t.Fatal(err)
	}
	if told := people(); strings.Contains(told, "Ana") {
		t.Errorf("still named: %s", told)
	}
}
