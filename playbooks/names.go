package playbooks

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"steward"
)

// Names in mails to customers. "Hi ," is worse than a mail that comes later, so
// one that prints a name that nobody knows is not written: it waits, and the
// account's owner is asked for the name. A text that has other words for the
// case, {{ or .contact.first_name "there" }}, never waits.

const orExample = `{{ or .contact.first_name "there" }}`

// nameless stands in a text where a name should. No text can hold it by itself:
// data loses its control characters, and YAML has none.
const nameless = "\x00nameless\x00"

// whose is the person of a name.
type whose interface{ mark() string }

type (
	theContact struct{}
	theOwner   struct{}
	theManager struct{}
)

func (theContact) mark() string { return nameless + "contact" }
func (theOwner) mark() string   { return nameless + "owner" }
func (theManager) mark() string { return nameless + "manager" }

// markdownName and lineName are names in a mail: false to if and or where there
// is none, as any text, and marked where they are printed all the same.
type (
	markdownName[W whose] string
	lineName[W whose]     string
)

func (n markdownName[W]) String() string {
	var w W
	if n == "" {
		return w.mark()
	}
	return escapeMarkdown(string(n))
}

func (n lineName[W]) String() string {
	var w W
	if n == "" {
		return w.mark()
	}
	return plainLine(string(n))
}

// nameOf is a person's name as a template gets it.
func nameOf[W whose](p printer, s string) any {
	switch {
	case !p.mail:
		return p.text(s)
	case p.markdown:
		return markdownName[W](s)
	}
	return lineName[W](s)
}

func person[W whose](p printer, name, first, email string) map[string]any {
	return map[string]any{"name": nameOf[W](p, name), "first_name": nameOf[W](p, first), "email": p.text(email)}
}

// A namelessError is a mail that prints the name of somebody who has none.
type namelessError struct{ who string } // contact, owner or manager

func (e *namelessError) Error() string {
	return "it prints the name of the " + e.who + ", which is not known"
}

// named is a rendered text, or a *namelessError.
func named(text string) (string, error) {
	_, who, marked := strings.Cut(text, nameless)
	if !marked {
		return text, nil
	}
	for _, w := range []string{"contact", "owner", "manager"} {
		if strings.HasPrefix(who, w) {
			return "", &namelessError{w}
		}
	}
	return "", &namelessError{"person"}
}

// missingName tells whose name a mail would need to be written; "" where nobody's
// is missing, or the mail was written.
func (s *Situation) missingName(o steward.Outreach, m steward.Message, e steward.Enrolment) string {
	if !o.To.Customer() || m.Content != nil {
		return ""
	}
	l, err := s.letter(o, e)
	if err != nil {
		return "" // whoever composes it tells
	}
	_, err = s.mail(l)
	var missing *namelessError
	if errors.As(err, &missing) {
		return missing.who
	}
	return ""
}

// gateName keeps a mail back that would greet nobody.
func gateName(s *Situation, c Candidate) steward.Decision {
	who := s.missingName(c.Outreach, c.Message, c.Enrolment)
	if who == "" {
		return steward.Decision{}
	}
	return steward.Decision{Effect: steward.Defer, Reason: steward.ReasonNameMissing, Until: s.Now.Add(factsLook),
		Detail: "the mail prints the " + who + "'s name, which the data does not have; the owner is asked for it"}
}

// askName is the card that asks for a name that a mail waits for: once for each
// person, as its id says, however many mails wait.
func (w *walker) askName(o steward.Outreach, m steward.Message) {
	who := w.missingName(o, m, w.Enrolment)
	if who == "" {
		return
	}
	to, found, _ := w.ownerRecipient(w.account, "owner")
	if !found {
		return
	}
	key, what, where := string(o.To.Contact), "The first name of "+w.addressed(o.To), fmt.Sprintf("Write it into the CRM (contact %s). The next import lets the mail go.", o.To.Contact)
	if who != "contact" {
		key, what, where = who+"/"+string(w.account.ID), "Whom the mail is from", "Give the account an owner in the CRM whom owners.yaml has with a name."
	}
	expires := m.Expires
	if step, ok := w.p.step(o.Step); ok && step.Approve.Needed() && m.State != steward.Deferred {
		expires = w.nameBy(step)
	}
	id, account := nameNotice(key), plainLine(w.account.Name)
	content := NoticeContent("A mail waits for a name", []string{
		fmt.Sprintf("%s is not known, and the mail of %s to %s prints it", what, strings.ToLower(w.p.Title), account),
		"It waits until " + longDate(steward.DayOf(expires, w.Book.Zone)) + " and goes on by itself once the data has the name",
	}, where+" Done: steward done "+string(steward.TaskOf(id)))
	content.Account, content.Severity = account, string(Info)
	w.Messages = append(w.Messages, steward.Message{
		ID: id, Kind: steward.Notice, Channel: steward.Slack, To: to, Account: w.account.ID,
		State: steward.Planned, Due: w.Now, Planned: w.Now, Expires: expires, Content: &content, Version: 1, RetryUncertain: true,
	})
	w.Tasks = append(w.Tasks, steward.Task{ID: steward.TaskOf(id), Enrolment: w.Enrolment.ID, Playbook: w.Enrolment.Playbook, Subject: w.Enrolment.Subject,
		Owner: to.Owner, Name: to.Name, Title: "Find out: " + strings.ToLower(what[:1]) + what[1:], Due: steward.DayOf(expires, w.Book.Zone), Given: w.Now})
}

// nameNotice is the card that asks for a name.
func nameNotice(key string) steward.MessageID {
	return steward.NewMessageID(steward.Notice, "name", key)
}

// Named is, of tasks that no step gave, those that asked for a name which the
// data has by now.
func (s *Situation) Named(tasks []steward.Task) []steward.Change {
	var out []steward.Change
	for _, t := range tasks {
		if name := s.nameFor(t); name != "" {
			out = append(out, steward.Change{Account: t.Subject.Account, Tasks: []steward.TaskChange{{Task: t.ID, By: "steward", Done: true, Outcome: "the data has it", IfOpen: true}}})
		}
	}
	return out
}

// nameFor is the first name that a task asks for; "" where it is not known, or
// another is asked for.
func (s *Situation) nameFor(t steward.Task) string {
	id := steward.NoticeOf(t.ID)
	if c, ok := s.askedAbout(id, t.Subject.Account); ok {
		return c.FirstName()
	}
	a, ok := s.account(t.Subject.Account)
	if !ok {
		return ""
	}
	owner := s.Book.owners[s.ownedBy(a).Owner]
	switch id {
	case nameNotice("owner/" + string(a.ID)):
		return owner.FirstName()
	case nameNotice("manager/" + string(a.ID)):
		return s.Book.owners[owner.Manager].FirstName()
	}
	return ""
}

// askedAbout is the person whose name a notice asks for.
func (s *Situation) askedAbout(id steward.MessageID, account steward.AccountID) (steward.Contact, bool) {
	for _, c := range s.contacts[account] {
		if nameNotice(string(c.ID)) == id {
			return c, true
		}
	}
	return steward.Contact{}, false
}

// noticeFace is what can be done with a notice that gives a task.
func (s *Situation) noticeFace(d steward.Dossier) (f steward.Face) {
	t, m := d.Task, d.Message
	switch {
	case t == nil:
		return f
	case t.State != steward.TaskOpen:
		f.Over = "Done on " + s.dayWords(t.At)
		if t.Outcome != "" {
			f.Over += ": " + plainLine(t.Outcome)
		}
		return f
	}
	target := steward.Target{Message: m.ID, Task: t.ID, Account: m.Account}
	if c, ok := s.askedAbout(m.ID, m.Account); ok {
		tell := target
		tell.Verb, tell.Item = steward.VerbName, string(c.ID)
		f.Buttons = append(f.Buttons, steward.Button{Target: tell, Label: "Tell the name", Style: "primary"})
	}
	target.Verb = steward.VerbDone
	f.Buttons = append(f.Buttons, steward.Button{Target: target, Label: "Done"})
	return f
}

// nameDeed keeps what somebody is called whose name the data has only in part.
// The name itself is in the word alone, and not in the act: what is forgotten
// with the person is in one place.
func nameDeed(s *Situation, d Doing) Done {
	a, why := s.subjectOf(d)
	i := slices.IndexFunc(s.contacts[a.ID], func(c steward.Contact) bool { return string(c.ID) == d.Target.Item })
	if why == "" && i < 0 {
		why = "There is no such person at " + accountName(a) + " any more."
	}
	if why != "" {
		return refused(d, why)
	}
	c := s.contacts[a.ID][i]
	if !d.Sent {
		return asks(formOf(d, a, "What is their name?", accountName(a), "Keep",
			steward.FormField{Name: textField, Label: "First name and surname", Hint: "As in Kim Sato. It stands until the CRM has a first name.", Kind: steward.ShortText, Value: c.Name}))
	}
	name := plainLine(strings.TrimSpace(d.Values[textField]))
	if (steward.Contact{Name: name}).FirstName() == "" || len([]rune(name)) > nameMost {
		return wrong(d, textField, "That does not say what to call them. Write the first name and the surname, as in Kim Sato.")
	}
	act := actOf(d)
	act.Account, act.Text = a.ID, ""
	change := steward.Change{Account: a.ID, Words: []steward.Word{{Kind: steward.AboutContact, ID: string(c.ID), Account: a.ID, Field: steward.NameField, Value: steward.Str(name), Day: s.today(d), By: d.By.id(), At: d.At}}}
	if d.Target.Task != "" {
		change.Tasks = []steward.TaskChange{{Task: d.Target.Task, By: d.By.id(), Done: true, Outcome: "told by " + d.By.Name, IfOpen: true}}
	}
	return Done{Act: act, Change: change, Answer: steward.Answer{Text: "Thank you. The mail goes on after the next evaluation."}}
}

// nameMost is how long a name may be.
const nameMost = 120

// nameBy is until when a step whose mail is to be approved waits for a name. The
// mail is not planned before its name is known, so its time counts from when the
// step's turn came.
func (w *walker) nameBy(s Step) time.Time {
	since := w.Enrolment.StepSince
	if s.At != nil {
		if day := s.At.Value(w.view, w.row, w.at).Day(); day != steward.NoDay && day.Start(w.Book.Zone).After(since) {
			since = day.Start(w.Book.Zone)
		}
	}
	return since.Add(s.expiry())
}

// addressed is a person as a colleague would know them without their name.
func (w *walker) addressed(to steward.Recipient) string {
	known := plainLine(w.readerOf(steward.Outreach{To: to, Subject: w.Enrolment.Subject}).Name)
	if known == "" {
		known = to.Email
	}
	return known + " (" + keyRole(to) + ")"
}
