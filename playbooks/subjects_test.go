package playbooks_test

import (
	"strings"
	"testing"

	"steward"
)

const personSaid = "---\nfor_roles: [contact]\nsubject: \"For {{ .contact.first_name }}\"\n---\nHi {{ .person.first_name }}, as {{ .contact.role }} of {{ .account.name }}: last seen {{ .person.last_seen | date }}{{ if .account.test }}!{{ end }}.\n"

// of is an enrolment's subject and what its step's message says.
func of(t *testing.T, w *world, s steward.Subject, step string) (steward.Message, steward.Content) {
	t.Helper()
	e, ok := w.enrolment("p", s)
	if !ok {
		t.Fatalf("%s has no enrolment", s)
	}
	for _, o := range w.memory.Outreach[e.ID] {
		if o.Step == step && o.Message != "" {
			m := w.memory.Messages[o.Message]
			c, err := w.at(six(day0+2)).Compose(m, []steward.Outreach{o}, []steward.Enrolment{e})
			if err != nil {
				t.Fatal(err)
			}
			return m, c
		}
	}
	t.Fatalf("%s was not said: %v", step, w.skipped())
	return steward.Message{}, steward.Content{}
}

// Each person of an account is judged by themselves, and a mail goes to the one
// it is about, in whichever role.
func TestPlaybooksAboutPeople(t *testing.T) {
	const text = "playbook: p\nabout: contact\nbackfill: true\nwhen: role contains 'champion' and days_since(last_seen) >= 30d and tickets('open') == 0\nsteps:\n" +
		"  - {id: tell, slack: owner, message: card}\n  - {id: mail, email: contact, message: said, unattended: true}\n"
	w := newWorld(t, load(t, settings(), map[string]string{"said": personSaid, "card": "Call {{ .person.name }} ({{ .person.role }})."}, text), customer("a"))
	w.sends = false
	idle, busy, mute := champion("a"), champion("a"), champion("a")
	idle.LastSeen, idle.Roles = day0-40, []string{"champion", "power_user"}
	busy.ID, busy.LastSeen = "busy", day0
	mute.ID, mute.Name, mute.Email, mute.LastSeen = "mute", "Mo", "", day0-40
	w.Contacts = []steward.Contact{idle, busy, mute}
	w.run(day0 + 2)

	subject := func(c steward.Contact) steward.Subject {
		return steward.Subject{Kind: steward.AboutContact, ID: string(c.ID), Account: "a"}
	}
	if _, ok := w.enrolment("p", subject(busy)); ok {
		t.Error("somebody who was seen today is enrolled")
	}
	_, card := of(t, w, subject(idle), "tell")
	if got := card.Parts[0].Markdown; got != `Call Kim Sato (champion, power\_user).` && got != "Call Kim Sato (champion, power_user)." {
		t.Errorf("the card says %q", got)
	}
	about := ""
	for _, f := range card.Facts {
		if f.Label == "About" {
			about = f.Text
		}
	}
	if about != "Kim Sato (champion, power user)" {
		t.Errorf("the card is about %q", about)
	}
	for _, m := range w.memory.Messages { // the card settles, and the mail's turn comes
		m.State, m.Settled = steward.Sent, m.Planned
		w.memory.Messages[m.ID] = m
	}
	w.advance(six(day0+2), six(day0+2).Time())
	m, mail := of(t, w, subject(idle), "mail")
	if m.To.Contact != idle.ID || m.To.Key != "contact" || m.To.Email != idle.Email {
		t.Errorf("the mail goes to %+v", m.To)
	}
	if want := "Hi Kim, as champion, power user of Acme a: last seen 22 April 2026."; mail.Parts[0].Markdown != want || mail.Title != "For Kim" {
		t.Errorf("the mail says %q: %q, want %q", mail.Title, mail.Parts[0].Markdown, want)
	}
	if got := w.skipped()["mail"]; got != steward.ReasonNoAddress {
		t.Errorf("whoever has no address is passed by as %q", got)
	}
}

func TestPlaybooksAboutProducts(t *testing.T) {
	const text = "playbook: p\nabout: product\nbackfill: true\nwhen: days_until(end_date) <= 60d and seats >= 10\nsteps: [{id: tell, slack: owner, message: card}]\n"
	w := newWorld(t, load(t, settings(), map[string]string{"card": "{{ .product.name }} of {{ .account.name }} ends on {{ .product.end_date | date }}; {{ .product.seats | number }} seats."}, text), customer("a"))
	w.Products = []steward.Product{
		{ID: "s", Account: "a", Name: "Suite", Seats: steward.Num(50), StartDate: day0 - 300, EndDate: day0 + 30},
		{ID: "x", Account: "a", Name: "Extra", Seats: steward.Num(5), StartDate: day0 - 300, EndDate: day0 + 30},
	}
	w.run(day0 + 2)
	_, card := of(t, w, steward.Subject{Kind: steward.AboutProduct, ID: "s", Account: "a"}, "tell")
	if want := "Suite of Acme a ends on 1 July 2026; 50 seats."; card.Parts[0].Markdown != want {
		t.Errorf("the card says %q, want %q", card.Parts[0].Markdown, want)
	}
	if len(w.memory.Open) != 1 {
		t.Errorf("%d products are enrolled", len(w.memory.Open))
	}
}

func TestMailToTheSubjectIsChecked(t *testing.T) {
	more := map[string]string{"said": strings.NewReplacer(".person.first_name", ".contact.first_name", ".person.last_seen", ".account.renewal_date").Replace(personSaid)}
	for about, c := range map[string]struct{ email, want string }{
		"account": {"contact", "this playbook is judged for each account, so there is no contact it could mean"},
		"contact": {"[contact, champion]", "email: contact is the person whom the playbook is about, and nobody else"},
	} {
		_, problems := tryLoad(settings(), more, "playbook: p\nabout: "+about+"\nwhen: arr > 5\nsteps: [{id: s, email: "+c.email+", message: said, unattended: true}]\n")
		found := false
		for _, p := range problems.Errors() {
			found = found || p.Message == c.want
		}
		if !found {
			t.Errorf("about %s: %v", about, problems.Errors())
		}
	}
}
