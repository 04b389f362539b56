package playbooks_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"steward"
	"steward/playbooks"
)

// asking is the card that asks about every mail of the world, as the store would
// tell of it.
func (w *world) asking(slot steward.Slot, heard time.Time) steward.Dossier {
	w.t.Helper()
	var d steward.Dossier
	var mails []steward.Message
	for _, m := range w.memory.Messages {
		switch m.Kind {
		case steward.Approval:
			if d.Message.ID == "" || m.ID < d.Message.ID {
				d.Message = m
			}
		case steward.Mail:
			mails = append(mails, m)
		}
	}
	if d.Message.ID == "" {
		w.t.Fatal("nobody is asked for anything")
	}
	slices.SortFunc(mails, func(a, b steward.Message) int { return cmp.Compare(a.Account, b.Account) })
	d.Message.State, d.Message.Settled = steward.Planned, time.Time{}
	if !heard.IsZero() {
		d.Message.State, d.Message.Settled = steward.Sent, heard
	}
	for _, m := range mails {
		a := steward.Asked{Mail: w.dossier(m)}
		if !m.Veto.IsZero() {
			a.Veto = m.Veto.Sub(slot.Time())
		}
		d.Asked = append(d.Asked, a)
	}
	return d
}

// dossier is a message with what it carries.
func (w *world) dossier(m steward.Message) steward.Dossier {
	d := steward.Dossier{Message: m}
	for _, said := range w.memory.Outreach {
		for _, o := range said {
			if o.Message == m.ID {
				key := playbooks.KeyOf(o.Playbook, o.Subject)
				d.Outreach, d.Phases = append(d.Outreach, o), append(d.Phases, w.memory.Phases[key])
				e, ok := w.memory.Open[key]
				if !ok {
					e = w.memory.Ended[key]
				}
				d.Enrolments = append(d.Enrolments, e)
			}
		}
	}
	return d
}

// waiting is a world in which a mail to each of n accounts waits for dana.
func waiting(t *testing.T, n int, approve string) (*world, steward.Slot) {
	t.Helper()
	book := load(t, settings(), map[string]string{"said": "---\nfor_roles: [champion]\nsubject: \"About {{ .account.name }}\"\n---\nHi {{ .contact.first_name }},\n\nyou have {{ .account.seats }} seats.\n"},
		"playbook: report\ntitle: Report\nwhen: seats >= 1\ncooldown: 0\nbackfill: true\nmax_new: 100\nsteps: [{id: m, email: [champion], message: said, approve: "+approve+", expires: 9d}]\n")
	var all []steward.Account
	w := newWorld(t, book)
	for i := range n {
		a := customer(fmt.Sprintf("a%02d", i))
		a.More["seats"] = steward.Num(5)
		all = append(all, a)
		w.Contacts = append(w.Contacts, champion(string(a.ID)))
	}
	w.Accounts = all
	w.run(day0 + 1)
	return w, six(day0 + 1)
}

// A mail is shown as it will look, with why, for whom, until when, and what can be
// done with it.
func TestTheCardShowsTheWholeMail(t *testing.T) {
	w, slot := waiting(t, 1, "owner")
	d := w.asking(slot, slot.Time())
	s := w.at(slot)
	c, err := s.Write(d, nil)
	if err != nil {
		t.Fatal(err)
	}
	facts := map[string]string{}
	for _, f := range c.Facts {
		facts[f.Label] = f.Text
	}
	if facts["To"] != "Kim Sato (champion)" || facts["Subject"] != "About Acme a00" || facts["From"] != "Dana Reyes" || facts["Waits until"] == "" {
		t.Errorf("facts %v", facts)
	}
	if md := c.Parts[0].Markdown; !strings.Contains(md, "once you approve it") || !strings.Contains(md, "> you have 5 seats") || strings.Contains(md, "Changed since") {
		t.Errorf("it says %s", md)
	}
	if !slices.Equal(c.Parts[0].Evidence, []string{"seats is 5"}) {
		t.Errorf("why: %q", c.Parts[0].Evidence)
	}
	f := s.Face(d, c)
	var can []string
	for _, b := range f.Buttons {
		can = append(can, b.Label+"/"+b.Style)
		if b.Target.Message != d.Asked[0].Mail.Message.ID || b.Target.Version != 1 || b.Target.Item != "" {
			t.Errorf("%s is about %+v", b.Label, b.Target)
		}
	}
	if got := strings.Join(can, " "); got != "Approve/primary Edit/ Decline/" {
		t.Errorf("what can be done: %s", got)
	}
}

// A veto says when the mail goes: a day after the card is heard, whenever that is.
func TestTheCardSaysWhenAVetoEnds(t *testing.T) {
	w, slot := waiting(t, 1, "veto 24h")
	monday := slot.Time().Add(50 * time.Hour)
	d := w.asking(slot, time.Time{})
	s := w.at(slot, monday)
	c, err := s.Write(d, nil)
	if err != nil || !strings.Contains(c.Parts[0].Markdown, "Friday 5 June 08\\:00 unless you stop it") || !strings.Contains(c.Title, "unless you stop it") {
		t.Errorf("%+v, %v", c, err)
	}
	if b := s.Face(d, c).Buttons; b[0].Label != "Send it now" || b[2].Label != "Stop it" || b[2].Style != "danger" {
		t.Errorf("buttons %+v", b)
	}
}

// Many mails are one card with a line each.
func TestManyMailsAreOneCard(t *testing.T) {
	w, slot := waiting(t, 16, "owner")
	d := w.asking(slot, slot.Time())
	s := w.at(slot)
	c, err := s.Write(d, nil)
	if err != nil || c.Title != "16 mails wait for you" || len(c.Parts) != 16 {
		t.Fatalf("%q with %d parts, %v", c.Title, len(c.Parts), err)
	}
	p := c.Parts[3]
	if p.Account != "Acme a03" || p.AccountID != "a03" || p.Title != "Acme a03, Kim Sato (champion)" || p.Markdown != "About Acme a03" {
		t.Errorf("a line is %+v", p)
	}
	f := s.Face(d, c)
	if len(f.Buttons) != 2 || f.Buttons[0].Label != "Approve all 16" || f.Buttons[0].Confirm == "" || f.Buttons[1].Target.Verb != steward.VerbLook || len(f.Parts) != 16 || f.Parts[3].Buttons[1].Target.Message != d.Asked[3].Mail.Message.ID {
		t.Fatalf("face %+v", f)
	}
	done := s.Do(pressed(d, f.Buttons[0].Target))
	if len(done.Change.Approvals) != 16 || done.Act.Refused != "" {
		t.Fatalf("%+v", done)
	}
	for i, a := range done.Change.Approvals {
		if a.Message != d.Asked[i].Mail.Message.ID || a.Version != 1 || !a.Go || a.By != "dana" {
			t.Errorf("approved is %+v", a)
		}
	}
	// One was decided since the card was drawn: the rest is looked at again.
	d.Asked[5].Mail.Message.State, d.Asked[5].Mail.Message.ApprovedBy = steward.Sent, "lee"
	if done := s.Do(pressed(d, f.Buttons[0].Target)); done.Act.Refused == "" || len(done.Change.Approvals) != 0 || len(done.Change.Repaint) != 1 {
		t.Errorf("with one that is decided: %+v", done)
	}
	f = s.Face(d, c)
	if f.Buttons[0].Label != "Approve all 15" || len(f.Parts[5].Buttons) != 0 || !strings.HasPrefix(f.Parts[5].Marks[0], "Approved by Lee Okafor; sent on") {
		t.Errorf("face %+v", f)
	}
	look := s.Do(pressed(d, f.Buttons[1].Target))
	if look.Act.Verb != "" || look.Answer.Content == nil || len(look.Answer.Content.Parts) != 15 || len(look.Answer.Face.Parts) != 15 || !strings.Contains(look.Answer.Content.Parts[0].Markdown, "you have 5 seats") {
		t.Errorf("looking at each: %+v", look)
	}
	for i := range d.Asked {
		d.Asked[i].Mail.Message.State, d.Asked[i].Mail.Message.Reason = steward.Suppressed, steward.ReasonDeclined
	}
	if f := s.Face(d, c); f.Over == "" || len(f.Buttons) != 0 {
		t.Errorf("when all are decided: %+v", f)
	}
}

// pressed is dana's click on a card.
func pressed(d steward.Dossier, t steward.Target) playbooks.Doing {
	x := does(t.Verb, t)
	x.Target.Account = ""
	x.Dossier = &d
	return x
}

// Facts that changed between the writing and the approval are pointed out on the
// card, and nothing is approved by somebody who was not shown them.
func TestWhatChangedSinceIsPointedOut(t *testing.T) {
	w, slot := waiting(t, 1, "owner")
	d := w.asking(slot, slot.Time())
	mail := d.Asked[0].Mail
	target := w.at(slot).Face(d, steward.Content{}).Buttons[0].Target
	w.Accounts[0].RenewalDate += 20
	w.Accounts[0].More["seats"] = steward.Num(9)
	s := w.at(slot)
	done := s.Do(pressed(mail, target))
	if !strings.Contains(done.Act.Refused, "Renewal: was 9 September 2026, is 29 September 2026") || len(done.Change.Approvals) != 0 || len(done.Change.Repaint) != 1 {
		t.Fatalf("%+v", done)
	}
	c := s.Redrawn(d)
	for _, want := range []string{"Changed since it was written", "Renewal\\: was 9 September 2026, is 29 September 2026", "Why it is sent reads today\\: seats is 9", "“you have 5 seats\\.” would read “you have 9 seats\\.”", "> you have 5 seats"} {
		if !strings.Contains(c.Parts[0].Markdown, want) {
			t.Errorf("the card lacks %q:\n%s", want, c.Parts[0].Markdown)
		}
	}
	done = s.Do(pressed(mail, s.Face(d, c).Buttons[0].Target))
	if done.Act.Refused != "" || len(done.Change.Approvals) != 1 {
		t.Errorf("once it was shown: %+v", done)
	}
	// By a command, where the text was read, nothing is asked twice.
	byCommand := pressed(mail, target)
	byCommand.Via = steward.ViaCommand
	if done := s.Do(byCommand); len(done.Change.Approvals) != 1 {
		t.Errorf("by a command: %+v", done)
	}
}

func TestApprovalIsForThoseWhoMay(t *testing.T) {
	w, slot := waiting(t, 1, "owner")
	d := w.asking(slot, slot.Time())
	mail := d.Asked[0].Mail
	s := w.at(slot)
	target := s.Face(d, steward.Content{}).Buttons[0].Target
	for name, c := range map[string]struct {
		by   playbooks.Doer
		says string
	}{
		"its owner":      {dana, ""},
		"their manager":  {playbooks.Doer{Owner: people[1], Name: "Lee Okafor"}, ""},
		"their backup":   {playbooks.Doer{Owner: people[2], Name: "Sam Ito"}, ""},
		"ops":            {playbooks.Doer{Name: "root", Ops: true}, ""},
		"somebody else":  {playbooks.Doer{Owner: people[3], Name: "Ann Alone"}, "only Dana Reyes, Sam Ito or Lee Okafor may"},
		"nobody's owner": {playbooks.Doer{Name: "x"}, "only Dana Reyes"},
	} {
		for _, verb := range []steward.Verb{steward.VerbApprove, steward.VerbDecline, steward.VerbRewrite} {
			d := pressed(mail, target)
			d.By, d.Verb, d.Sent = c.by, verb, true
			d.Values = map[string]string{playbooks.SubjectText: "Hello", playbooks.BodyText: "Hello."}
			if done := s.Do(d); !strings.Contains(done.Act.Refused, c.says) || (c.says == "") != (len(done.Change.Approvals) == 1) {
				t.Errorf("%s, %s: %+v", name, verb, done)
			}
		}
	}
}

// A click on a card that shows another text than the mail has by now does nothing
// but draw it anew.
func TestAnOldCardApprovesNothing(t *testing.T) {
	w, slot := waiting(t, 1, "owner")
	d := w.asking(slot, slot.Time())
	s := w.at(slot)
	target := s.Face(d, steward.Content{}).Buttons[0].Target
	mail := d.Asked[0].Mail
	mail.Message.Version = 2
	for _, verb := range []steward.Verb{steward.VerbApprove, steward.VerbDecline, steward.VerbRewrite} {
		x := pressed(mail, target)
		x.Verb = verb
		if done := s.Do(x); !strings.Contains(done.Act.Refused, "text has changed") || len(done.Change.Repaint) != 1 || len(done.Change.Approvals) != 0 {
			t.Errorf("%s: %+v", verb, done)
		}
	}
	mail.Message.Version, mail.Message.State, mail.Message.ApprovedBy, mail.Message.Settled = 1, steward.Sent, "lee", slot.Time()
	if done := s.Do(pressed(mail, target)); !strings.Contains(done.Act.Refused, "Approved by Lee Okafor; sent on") {
		t.Errorf("%+v", done)
	}
}

func TestEditingAMail(t *testing.T) {
	w, slot := waiting(t, 1, "owner")
	s := w.at(slot)
	mail := w.asking(slot, slot.Time()).Asked[0].Mail
	ask := s.Do(pressed(mail, steward.Target{Verb: steward.VerbRewrite, Message: mail.Message.ID, Version: 1}))
	f := ask.Answer.Form
	if f == nil || f.Fields[0].Value != "About Acme a00" || !strings.Contains(f.Fields[1].Value, "you have 5 seats.") {
		t.Fatalf("%+v", ask)
	}
	filled := func(subject, body string) playbooks.Done {
		x := sent(pressed(mail, f.Target))
		x.Values = map[string]string{playbooks.SubjectText: subject, playbooks.BodyText: body}
		return s.Do(x)
	}
	done := filled("Hello", "Dear Kim,\r\n\r\n*hello*.")
	if len(done.Change.Approvals) != 1 {
		t.Fatalf("%+v", done)
	}
	a := done.Change.Approvals[0]
	if !a.Go || a.Version != 1 || a.Content.Title != "Hello" || a.Content.Parts[0].Markdown != "Dear Kim,\n\n*hello*." || a.Hash != playbooks.ContentHash(*a.Content) || a.Hash == mail.Message.Hash || a.Content.Basis.By != "dana" {
		t.Errorf("%+v", a)
	}
	if mail.Message.Content.Title != "About Acme a00" || mail.Message.Content.Basis.By != "" {
		t.Error("the old text was written over")
	}
	for _, c := range []struct{ subject, body, field string }{{" ", "x", playbooks.SubjectText}, {"x", " \n", playbooks.BodyText}, {strings.Repeat("x", 201), "x", playbooks.SubjectText}} {
		if done := filled(c.subject, c.body); done.Answer.Wrong[c.field] == "" || done.Act.Verb != "" {
			t.Errorf("%q: %+v", c.subject, done)
		}
	}
	// What does not fit into a form says where else it can be edited.
	long := *mail.Message.Content
	long.Parts = []steward.ContentPart{{Markdown: strings.Repeat("ä", 3001)}}
	mail.Message.Content = &long
	if done := s.Do(pressed(mail, f.Target)); !strings.Contains(done.Act.Refused, "--text FILE") {
		t.Errorf("%+v", done)
	}
}

// What is edited and sent as it was is what it was, to the byte.
func TestEditingKeepsEscapes(t *testing.T) {
	w, slot := waiting(t, 1, "owner")
	s := w.at(slot)
	mail := w.asking(slot, slot.Time()).Asked[0].Mail
	c := *mail.Message.Content
	c.Parts = []steward.ContentPart{{Markdown: "Hi St\\. Kim\\-Lee \\& co\\, hello\\!\n\n1\\. is no list, nor is \\*this\\*."}}
	mail.Message.Content = &c
	ask := s.Do(pressed(mail, steward.Target{Verb: steward.VerbRewrite, Message: mail.Message.ID, Version: 1}))
	body := ask.Answer.Form.Fields[1].Value
	if want := "Hi St. Kim-Lee & co, hello!\n\n1\\. is no list, nor is \\*this\\*."; body != want {
		t.Errorf("people edit %q, want %q", body, want)
	}
	x := sent(pressed(mail, ask.Answer.Form.Target))
	x.Values = map[string]string{playbooks.SubjectText: c.Title, playbooks.BodyText: body}
	if got := s.Do(x).Change.Approvals[0].Content.Parts[0].Markdown; got != c.Parts[0].Markdown {
		t.Errorf("%q became %q", c.Parts[0].Markdown, got)
	}
}

// What became of a mail is told in words.
func TestTheFateOfAMail(t *testing.T) {
	w, slot := waiting(t, 1, "owner")
	d := w.asking(slot, slot.Time())
	s := w.at(slot)
	for want, change := range map[string]func(*steward.Message){
		"Approved by Dana Reyes; it goes out when its hour comes": func(m *steward.Message) { m.State, m.ApprovedBy = steward.Planned, "dana" },
		"Nobody stopped it; sent on Tuesday 2 June 08:00":         func(m *steward.Message) { m.State, m.Settled = steward.Sent, slot.Time().Add(2*time.Hour) },
		"Nobody approved it in time":                              func(m *steward.Message) { m.State = steward.Expired },
		"Declined by Lee Okafor: not now": func(m *steward.Message) {
			m.State, m.Reason, m.Detail = steward.Suppressed, steward.ReasonDeclined, "declined by lee: not now"
		},
		"Approved by Dana Reyes; not sent: the address is on the suppression list": func(m *steward.Message) {
			m.State, m.ApprovedBy, m.Reason, m.Detail = steward.Suppressed, "dana", steward.ReasonOptedOut, "the address is on the suppression list"
		},
	} {
		x := d
		x.Asked = slices.Clone(d.Asked)
		change(&x.Asked[0].Mail.Message)
		if f := s.Face(x, steward.Content{}); f.Over != want || len(f.Buttons) != 0 {
			t.Errorf("%q, want %q", f.Over, want)
		}
		to := steward.Recipient{Key: "approver", Owner: "dana", Slack: "U1"}
		if v := s.Judge(steward.Dossier{Message: steward.Message{Kind: steward.Approval, To: to}, Asked: x.Asked}); v.Effect != steward.Suppress {
			t.Errorf("a card about what is decided would go: %+v", v)
		}
	}
	// What somebody else let go is told to the owner all the same.
	d.Asked[0].Mail.Message.State, d.Asked[0].Mail.Message.ApprovedBy = steward.Planned, "lee"
	for key, want := range map[string]steward.Reason{"approver": "", "manager": steward.ReasonApproved} {
		m := d.Message
		m.State, m.To = steward.Planned, steward.Recipient{Key: key, Owner: "dana", Slack: "U1"}
		if v := w.at(slot, slot.Time().Add(6*time.Hour)).Judge(steward.Dossier{Message: m, Asked: d.Asked}); v.Reason != want {
			t.Errorf("a card to the %s: %+v", key, v)
		}
	}
}
