package playbooks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"steward"
)

const (
	inEnglish = "---\nfor_roles: [champion]\nsubject: \"About {{ .account.name }}\"\nlocale: en\n---\nHi {{ .contact.first_name }}, {{ fact \"arr\" | money }} until {{ .account.renewal_date }}, {{ fact \"seats\" | number }} seats, {{ fact \"arr / 96000\" | percent }}, {{ fact \"days_until(renewal_date)\" }}, held: {{ fact \"escalation_level > 0\" }}, test: {{ .account.test }}."
	inGerman  = "---\nsubject: \"Zu {{ .account.name }}\"\n---\nLiebe {{ .contact.first_name }}, {{ fact \"arr\" | money }} bis {{ .account.renewal_date | date }}, {{ fact \"seats\" | number }} Plätze, {{ fact \"arr / 96000\" | percent }}, {{ fact \"days_until(renewal_date)\" | days }}, {{ fact \"escalation_level > 0\" }}, {{ .account.test }}."
)

const mailsHello = "playbook: p\ncooldown: 0\nbackfill: true\nwhen: arr > 0\nsteps:\n  - {id: m, email: [champion], message: hello, approve: owner}\n"

// A mail is in the language nearest to its reader's, and so are the values in it.
func TestAMailIsInItsReadersLanguage(t *testing.T) {
	wordings := map[string]string{"hello": inEnglish, "hello.de": inGerman}
	wordings["hello.pt-BR"] = "---\nsubject: Sobre\n---\n" + inEnglish[strings.Index(inEnglish, "Hi "):]
	const english = "Hi Kim, 48,000 EUR until 9 September 2026, 12.5 seats, 50%, 99 days, held: not known, test: no."
	const german = "Liebe Kim, 48.000 EUR bis 9. September 2026, 12,5 Plätze, 50\u00a0%, 99 Tage, nicht bekannt, nein."
	for locale, want := range map[string][3]string{
		"": {"About Acme a", english, "en"}, "en-GB": {"About Acme a", english, "en"}, "fr": {"About Acme a", english, "en"},
		"de": {"Zu Acme a", german, "de"}, "de-AT": {"Zu Acme a", german, "de"}, "DE_ch": {"Zu Acme a", german, "de"},
		"pt-BR": {"Sobre", english, "pt-BR"}, "pt": {"About Acme a", english, "en"}, "../../etc": {"About Acme a", english, "en"},
	} {
		w := newWorld(t, load(t, settings(), wordings, mailsHello), customer("a"))
		c := champion("a")
		c.Locale = locale
		w.Contacts = []steward.Contact{c}
		w.Accounts[0].More["seats"] = steward.Num(12.5)
		w.run(day0 + 1)
		m, ok := w.message("m")
		if !ok || m.Content == nil {
			t.Fatalf("%q: %+v", locale, m)
		}
		words := strings.ReplaceAll(m.Content.Parts[0].Markdown, `\`, "")
		if diff := cmp.Diff(want, [3]string{m.Content.Title, words, m.Content.Locale}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", locale, diff)
		}
	}
}

func TestTranslationsFitTheirMessage(t *testing.T) {
	for _, tt := range []struct {
		what  string
		files map[string]string
		want  []string
	}{
		{"a good one", map[string]string{"hello.de": inGerman}, nil},
		{"of nothing", map[string]string{"hallo.de": inGerman}, []string{"messages/hallo.de.md: there is no message hallo that this could be a translation of (did you mean hello.de.md?)"}},
		{"of no language", map[string]string{"hello.v2": inGerman}, []string{`messages/hello.v2.md: "v2" in the file's name is no language (name translations offer-help.de.md or offer-help.pt-BR.md, and messages without a dot)`}},
		{"another language inside", map[string]string{"hello.de": strings.Replace(inGerman, "---\n", "---\nlocale: fr\n", 1)}, []string{"messages/hello.de.md: the file's name says de and its front matter fr (make them agree, or leave locale out of the front matter)"}},
		{"other roles", map[string]string{"hello.de": strings.Replace(inGerman, "---\n", "---\nfor_roles: [admin]\n", 1)}, []string{"messages/hello.de.md: it is written for other roles than messages/hello.md, which is for champion (leave for_roles out of a translation)"}},
		{"no subject", map[string]string{"hello.de": inGerman[strings.Index(inGerman, "Liebe"):]}, []string{"messages/hello.de.md: the translation has no subject (add subject: to its front matter)"}},
		{"twice", map[string]string{"hello.de-AT": inGerman, "hello.de_at": inGerman}, []string{"messages/hello.de_at.md: messages/hello.de-AT.md is in the same language (keep one of the two)"}},
		{"less said", map[string]string{"hello.de": strings.Replace(inGerman, `{{ fact "seats" | number }} Plätze, `, "", 1)},
			[]string{`messages/hello.de.md: it does not say what messages/hello.md does: fact "seats" (readers of both should learn the same; add it, or accept this with a reason)`}},
		{"a mistake inside", map[string]string{"hello.de": strings.Replace(inGerman, `"seats"`, `"seets"`, 1)}, []string{`messages/hello.de.md: it does not say what messages/hello.md does: fact "seats" (readers of both should learn the same; add it, or accept this with a reason)`,
			"messages/hello.de.md: there is no field or metric seets (did you mean seats?)"}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			tt.files["hello"] = inEnglish
			_, problems := tryLoad(settings(), tt.files, mailsHello+"until: arr == 0\n")
			var got []string
			for _, p := range problems {
				if strings.HasPrefix(p.File, "messages/ha") || strings.HasPrefix(p.File, "messages/hello.") {
					got = append(got, p.File+": "+p.Message+" ("+p.Hint+")")
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestLanguagesThatNoTextIsInAreTold(t *testing.T) {
	told := func(wordings map[string]string) []string {
		w := newWorld(t, load(t, settings(), wordings, mailsHello), customer("a"))
		for i, locale := range []string{"de-AT", "fr", "fr-CA", "en", "", "it"} {
			c := champion("a")
			c.ID, c.Locale = steward.ContactID("c-"+string(rune('a'+i))), locale
			w.Contacts = append(w.Contacts, c)
		}
		var out []string
		for _, p := range w.at(six(day0 + 1)).Advice() {
			if p.Lint == "unserved-locale" {
				out = append(out, p.File+": "+p.Message)
			}
		}
		return out
	}
	want := []string{"messages/hello.md: 2 contacts read French (fr), and this message has no text for them", "messages/hello.md: 1 contact reads Italian (it), and this message has no text for them"}
	if diff := cmp.Diff(want, told(map[string]string{"hello": inEnglish, "hello.de": inGerman})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := told(map[string]string{"hello": inEnglish}); len(got) != 0 {
		t.Errorf("a workspace of one language is told %q", got)
	}
}

// Whoever lets a mail go sees which of the texts it is.
func TestApprovalTellsTheLanguage(t *testing.T) {
	w := newWorld(t, load(t, settings(), map[string]string{"hello": inEnglish, "hello.de": inGerman}, mailsHello), customer("a"))
	c := champion("a")
	c.Locale = "de-AT"
	w.Contacts = []steward.Contact{c}
	w.run(day0 + 1)
	mail, _ := w.message("m")
	e := w.must("p", "a")
	d := steward.Dossier{Message: steward.Message{Kind: steward.Approval, To: steward.Recipient{Owner: "dana"}}, Asked: []steward.Asked{{Mail: steward.Dossier{
		Message: mail, Outreach: w.memory.Outreach[e.ID], Enrolments: []steward.Enrolment{e}, Phases: []steward.PhaseState{w.phase("p", "a")}}}}}
	card, err := w.at(six(day0+1)).Write(d, nil)
	if err != nil || !slices.Contains(card.Facts, steward.LabelledText{Label: "Language", Text: "German (de)"}) {
		t.Errorf("the card says %+v, %v", card.Facts, err)
	}
}
