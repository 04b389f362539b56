package playbooks_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"steward"
)

// composed is what a step's message says about account a. body is the message
// called said.
func composed(t *testing.T, body, step string, change ...func(*world)) (steward.Content, error) {
	t.Helper()
	w := newWorld(t, load(t, settings(), map[string]string{"said": body}, "playbook: p\ntitle: Look here\nwhy: So it is.\ncooldown: 0\nbackfill: true\nwhen: last(users) >= 0\nsteps: [{id: s, "+step+"}]\n"), customer("a"))
	w.sends = false
	w.Contacts = []steward.Contact{champion("a")}
	w.daily["logins"]["a"], w.daily["users"]["a"] = join(flat(42, 20), flat(15, 20)), flat(12, 60)
	w.Accounts[0].More = map[string]steward.Value{"seats": steward.Num(100)}
	for _, c := range change {
		c(w)
	}
	w.run(day0 + 34)
	m, ok := w.message("s")
	if !ok {
		t.Fatalf("nothing was planned: %v", w.skipped())
	}
	e := w.must("p", "a")
	return w.at(six(day0+34)).Compose(m, w.memory.Outreach[e.ID], []steward.Enrolment{e})
}

const slackOwner, mailChampion = "slack: owner, message: said", "email: [champion], message: said, unattended: true"

func TestValuesPrint(t *testing.T) {
	for body, want := range map[string]string{
		`{{ fact "drop(logins, 14d)" | percent }}`:                            "64%",
		`{{ fact "drop(logins, 14d)" }}`:                                      "64%",
		`{{ percent (fact "last(users) / seats") }}`:                          "12%",
		`{{ fact "avg(logins, 21d) * 10 + 4.57" | number }}`:                  "245",
		`{{ fact "23.957" | number }}`:                                        "24",
		`{{ fact "23.94" | number }}`:                                         "23.9",
		`{{ fact "99.96" | number }}`:                                         "100",
		`{{ fact "100.4" | number }}`:                                         "100",
		`{{ fact "1234567.8" | number }}`:                                     "1,234,568",
		`{{ fact "-239.57" | number }}`:                                       "-240",
		`{{ fact "0.04" | number }}`:                                          "0.04",
		`{{ fact "0" | number }}`:                                             "0",
		`{{ .account.arr | money }}`:                                          "48,000 EUR",
		`{{ .account.renewal_date | date }}`:                                  "9 September 2026",
		`{{ fact "days_until(renewal_date)" | days }}`:                        "66 days",
		`{{ fact "1d" | days }}`:                                              "1 day",
		`{{ .account.seats | number }} {{ .account.plan }}|`:                  "100 |",
		`{{ fact "arr / seats * 0" }}`:                                        "0",
		`{{ .account.escalation_level }}`:                                     "not known",
		`{{ .account.escalation_level | money }}`:                             "not known",
		`{{ fact "plan" }}`:                                                   "not known",
		`{{ fact "escalation_level + 1" | percent }}`:                         "not known",
		`{{ .account.test }}/{{ fact "arr > 10k" }}/{{ fact "plan == 'x'" }}`: "no/yes/not known",
		`{{ if fact "arr > 10k" }}big{{ else }}small{{ end }}`:                "big",
		`{{ if fact "arr > 99k" }}big{{ else }}small{{ end }}`:                "small",
		`{{ if fact "plan == 'x'" }}x{{ else }}y{{ end }}`:                    "y",
		`{{ if not .account.test }}real{{ end }}`:                             "real",
		`{{ if eq .account.segment "enterprise" }}big{{ end }}`:               "big",
		`{{ if and .account.plan (fact "arr > 1") }}a{{ else }}b{{ end }}`:    "b",
		`{{ .owner.first_name }}, {{ .manager.name }}`:                        "Dana, Lee Okafor",
		`{{ .playbook.title }}: {{ .playbook.why }}`:                          `Look here: So it is\.`,
	} {
		c, err := composed(t, body, slackOwner)
		if err != nil {
			t.Errorf("%s: %v", body, err)
		} else if got := c.Parts[0].Markdown; got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestACard(t *testing.T) {
	c, err := composed(t, "Call **them**.", slackOwner, func(w *world) {
		w.book.CRMLink = "https://crm.example.com/a?id={id}"
		w.Accounts[0].ID, w.Accounts[0].Name = "a", "Acme"
	})
	if err != nil {
		t.Fatal(err)
	}
	e := c.Parts[0].Enrolment
	want := steward.Content{
		Title: "Look here", Account: "Acme", Link: "https://crm.example.com/a?id=a", Severity: "warning",
		Facts: []steward.LabelledText{{Label: "ARR", Text: "48,000 EUR"}, {Label: "Renews", Text: "in 66 days (9 September 2026)"}, {Label: "Stage", Text: "adoption"}, {Label: "Segment", Text: "enterprise"}, {Label: "Talk to", Text: "Kim Sato (champion), never spoken to, as far as the CRM knows"}},
		Parts: []steward.ContentPart{{Playbook: "p", Title: "Look here", Markdown: "Call **them**.", Evidence: []string{"users stood at 12"}, Enrolment: e, Picture: &steward.Picture{
			Label: "users, week by week", Alt: "users, week by week: 12 from 7 June on, 12 in the last week to 4 July.", First: day0 + 6, Step: 7,
			Values: []steward.Value{steward.Num(12), steward.Num(12), steward.Num(12), steward.Num(12)},
		}}},
		Footer: "Take it on: steward ack " + string(e) + " · Why: steward explain a p",
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	for _, r := range []struct {
		in   steward.Day
		want string
	}{{-3, "date is in the past: 2 July 2026"}, {0, "today"}, {1, "tomorrow"}} {
		c, _ := composed(t, "x", slackOwner, func(w *world) { w.Accounts[0].RenewalDate = day0 + 34 + r.in })
		if c.Facts[1].Text != r.want {
			t.Errorf("a renewal in %d days reads %q", r.in, c.Facts[1].Text)
		}
	}
}

// hostile is text as a CRM may hold it.
const hostile = "**Bold** [x](http://evil.example) <b>&</b> <!channel> @here `code` {{ .owner.email }}\n# Heading\r\n\u202egnp.exe\u2028- item\x00| _u_ ~s~ http://a.example/$^"

func TestDataStaysText(t *testing.T) {
	mark := func(w *world) {
		w.Accounts[0].Name, w.Accounts[0].Segment, w.Accounts[0].Stage, w.Accounts[0].Currency = hostile, hostile, hostile, hostile
		w.Accounts[0].More["plan"] = steward.Str(hostile)
		w.Contacts[0].Name = hostile
		w.book.MailFrom = "{owner}\r\nBcc: all@example.com"
	}
	body := "---\nfor_roles: [champion]\nsubject: \"{{ .account.name }} {{ fact \\\"plan\\\" }}\"\n---\n" +
		`{{ .account.name }};{{ .account.plan }};{{ fact "plan" }};{{ .account.arr | money }};{{ .account.stage }}`
	card, err := composed(t, body, slackOwner, mark)
	if err != nil {
		t.Fatal(err)
	}
	mail, err := composed(t, body+"{{ .contact.name }};{{ or .contact.first_name \"you\" }}", mailChampion, mark)
	if err != nil {
		t.Fatal(err)
	}
	for _, md := range []string{card.Parts[0].Markdown, mail.Parts[0].Markdown} {
		for i, r := range md {
			if strings.ContainsRune("*[]()<>`#&@{}|_~$^!:/", r) && (i == 0 || md[i-1] != '\\') {
				t.Errorf("%q is not escaped at %d of %q", r, i, md)
				break
			}
		}
		if strings.Contains(md, "dana") || strings.ContainsAny(md, "\n\r\x00\u2028\u202e") {
			t.Errorf("data was run as a template, or broke its line: %q", md)
		}
	}
	plain := []string{card.Account, mail.Account, mail.Title, mail.From}
	for _, f := range card.Facts {
		plain = append(plain, f.Text)
	}
	plain = append(plain, card.Parts[0].Evidence...)
	for _, p := range plain {
		if strings.ContainsAny(p, "\n\r\x00\u2028\u202e") {
			t.Errorf("plain text is not on one line: %q", p)
		}
	}
	if !strings.HasPrefix(mail.Title, "**Bold** [x](http://evil.example)") {
		t.Errorf("a subject is plain text and says what the name is: %q", mail.Title)
	}
}

func TestAnIDCannotLeaveItsLink(t *testing.T) {
	s := settings()
	s.CRMLink = "https://crm.example.com/{id}/view"
	w := newWorld(t, load(t, s, nil, "playbook: p\ncooldown: 0\nbackfill: true\nwhen: arr > 0\n"), customer("a/../x?y=1&z #|>"))
	w.sends = false
	w.run(day0 + 1)
	for _, os := range w.memory.Outreach {
		c, err := w.at(six(day0+1)).Compose(w.memory.Messages[os[0].Message], os, []steward.Enrolment{w.must("p", "a/../x?y=1&z #|>")})
		if want := "https://crm.example.com/a%2F..%2Fx%3Fy%3D1%26z%20%23%7C%3E/view"; err != nil || c.Link != want {
			t.Errorf("%q, %v", c.Link, err)
		}
	}
}

func TestAMail(t *testing.T) {
	c, err := composed(t, "---\nfor_roles: [champion]\nsubject: |\n  {{ .account.name }}:\n  a word\nlocale: en\n---\nHi {{ .contact.first_name }} ({{ .contact.role }}),\n\nall well?\n", mailChampion,
		func(w *world) { w.book.MailFrom = "{owner} at Example" })
	if err != nil {
		t.Fatal(err)
	}
	want := steward.Content{Title: "Acme a: a word", Account: "Acme a", From: "Dana Reyes at Example", ReplyTo: "dana@example.com", Locale: "en", Footer: "Dana Reyes writes to you as a contact at Acme a.",
		Parts: []steward.ContentPart{{Playbook: "p", Markdown: "Hi Kim \\(champion\\),\n\nall well?", Enrolment: c.Parts[0].Enrolment}}}
	want.Parts[0].Markdown = "Hi Kim (champion),\n\nall well?"
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCannotBeComposedSaysWhatToDo(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\ncooldown: 0\nbackfill: true\nwhen: arr > 0\n"), customer("a"))
	w.sends = false
	w.run(day0 + 1)
	e := w.must("p", "a")
	m, _ := w.message("nudge")
	outreach := w.memory.Outreach[e.ID]
	outreach[0].Wording = "gone"
	_, err := w.at(six(day0+1)).Compose(m, outreach, []steward.Enrolment{e})
	if err == nil || !strings.Contains(err.Error(), "message gone is no longer in the workspace; put it back") {
		t.Errorf("%v", err)
	}
}
