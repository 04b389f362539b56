package playbooks_test

import (
	"strings"
	"testing"

	"steward"
)

// greeting is a playbook that mails the champion by name, at once or approved.
func greeting(t *testing.T, wording, step string) *world {
	t.Helper()
	book := load(t, settings(), map[string]string{"hi": "---\nfor_roles: [champion]\nsubject: For you\n---\n" + wording},
		"playbook: p\ncooldown: 0\nbackfill: true\nwhen: arr > 0\nuntil: arr == 0\nsteps:\n  - {id: m, email: [champion], message: hi, expires: 5d, "+step+"}\n")
	w := newWorld(t, book, customer("a"))
	w.Contacts = []steward.Contact{champion("a")}
	return w
}

func (w *world) called(name string) { w.Contacts[0].Name = name }

// asks is the cards that ask for a name.
func (w *world) asks() []steward.Message {
	var out []steward.Message
	for _, m := range w.memory.Messages {
		if m.Kind == steward.Notice {
			out = append(out, m)
		}
	}
	return out
}

// A mail that would greet nobody waits, its owner is asked once, and it goes on
// when the data has the name.
func TestAMailWaitsForAName(t *testing.T) {
	for _, step := range []string{"approve: owner", "unattended: true"} {
		w := greeting(t, "Hi {{ .contact.first_name }},\n\nwords.", step)
		w.sends = false
		w.called("K. Champion")
		w.run(day0 + 1)
		m, planned := w.message("m")
		asked := w.asks()
		if len(asked) != 1 || asked[0].To.Owner != "dana" || asked[0].Account != "a" {
			t.Fatalf("%s: asked %+v", step, asked)
		}
		text := asked[0].Content.Parts[0].Markdown + asked[0].Content.Footer
		for _, piece := range []string{`K\. Champion \(champion\)`, "contact ct-a", "7 June 2026"} {
			if !strings.Contains(text, piece) {
				t.Errorf("%s: the question lacks %q: %s", step, piece, text)
			}
		}
		if planned {
			t.Errorf("%s: it was planned: %+v", step, m)
		}
		w.run(day0 + 2)
		if n := len(w.asks()); n != 1 {
			t.Errorf("%s: asked %d times", step, n)
		}
		w.called("Kim Champion")
		w.run(day0 + 3)
		m, _ = w.message("m")
		if m.State != steward.AwaitingApproval || !strings.HasPrefix(m.Content.Parts[0].Markdown, "Hi Kim,") {
			t.Errorf("%s: with a name it is %+v", step, m)
		}
	}
}

// Its time runs while it waits.
func TestAMailThatWaitsForANameExpires(t *testing.T) {
	w := greeting(t, "Hi {{ .contact.first_name }},", "approve: owner")
	w.called("")
	for d := day0 + 1; d <= day0+7; d++ {
		w.run(d)
	}
	e := w.must("p", "a")
	said := w.memory.Outreach[e.ID]
	if len(said) != 1 || said[0].Suppressed != steward.ReasonExpired || e.State != steward.Completed {
		t.Errorf("after its time: %+v, %+v", said, e)
	}
}

func TestWhatNeedsNoNameDoesNotWait(t *testing.T) {
	for what, wording := range map[string]string{
		"or":             `Hi {{ or .contact.first_name "there" }},`,
		"if":             `Hi{{ if .contact.first_name }} {{ .contact.first_name }}{{ end }},`,
		"no name at all": "Hello,",
		"eq":             `{{ if eq .contact.first_name "Kim" }}Kim{{ else }}Hello{{ end }}`,
	} {
		w := greeting(t, wording, "approve: owner")
		w.called("info")
		w.run(day0 + 1)
		m, ok := w.message("m")
		if !ok || m.Content == nil || len(w.asks()) != 0 || strings.Contains(m.Content.Parts[0].Markdown, "nameless") {
			t.Errorf("%s: %v %+v, asked %d times", what, ok, m.Content, len(w.asks()))
		}
	}
}

// Who signs is a name too.
func TestAMailOfNobodyWaits(t *testing.T) {
	w := greeting(t, "Hello,\n\n{{ .owner.first_name }}", "approve: owner")
	w.Accounts[0].Owner = "ghost"
	w.book.Unowned = "#cs"
	w.run(day0 + 1)
	asked := w.asks()
	if _, planned := w.message("m"); planned || len(asked) != 1 || asked[0].To.Slack != "#cs" || !strings.Contains(asked[0].Content.Footer, "owner in the CRM") {
		t.Errorf("planned %v, asked %+v", planned, asked)
	}
}

func TestPipingIntoOrIsTold(t *testing.T) {
	_, problems := tryLoad(settings(), map[string]string{"hi": "---\nfor_roles: [champion]\nsubject: x\n---\nHi {{ .contact.first_name | or \"there\" }},"},
		"playbook: p\nwhen: arr > 0\nsteps: [{id: m, email: [champion], message: hi}]\n")
	if errs := problems.Errors(); len(errs) != 1 || !strings.Contains(errs[0].Message, "piped into or") || !strings.Contains(errs[0].Hint, `{{ or .contact.first_name "there" }}`) {
		t.Errorf("%v", problems)
	}
}
