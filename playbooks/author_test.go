package playbooks_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"steward/playbooks"
)

// Playbooks and messages come by way of proposed changes from more people than
// run the worker. What they may reach is values of the account at hand and
// nothing of the machine: no file, no variable, no code, no endless text.

func TestAMessageReachesNothingBeyondItsValues(t *testing.T) {
	for _, text := range []string{
		`{{ .Settings }}`, `{{ .account }}`, `{{ .account.name.String }}`, `{{ .account.Contacts }}`, `{{ .env.HOME }}`, `{{ .secrets.smtp }}`, `{{ .slack.token }}`, `{{ .contact.email }}` /* on a card */, `{{ . }}`, `{{ $ }}`, `{{ $.account.name }}`,
		`{{ env "SLACK_BOT_TOKEN" }}`, `{{ getenv "HOME" }}`, `{{ readFile "/etc/passwd" }}`, `{{ include "../../etc/passwd" }}`, `{{ template "/etc/passwd" }}`, `{{ template "said" . }}`,
		`{{ define "x" }}y{{ end }}`, `{{ block "x" . }}y{{ end }}`, `{{ call .account.name }}`, `{{ html .account.name }}`, `{{ js "x" }}`, `{{ urlquery "x" }}`, `{{ index .account "name" }}`, `{{ slice "abc" 1 }}`, `{{ len .account.name }}`,
		`{{ print "x" }}`, `{{ printf "%1000000000d" 1 }}`, `{{ println 1 }}`, `{{ range .account }}x{{ end }}`, `{{ with .account }}{{ .name }}{{ end }}`, `{{ $x := "a" }}{{ $x }}`, `{{ break }}`,
		`{{ fact .account.name }}`, `{{ fact (fact "arr") }}`, `{{ "arr" | fact }}`, `{{ fact "readFile('/etc/passwd')" }}`, `{{ fact "env('HOME')" }}`,
	} {
		_, problems := tryLoad(settings(), map[string]string{"said": text}, "playbook: p\nwhen: arr > 0\nsteps: [{id: s, slack: owner, message: said}]\n")
		found := false
		for _, p := range problems.Errors() {
			found = found || strings.Contains(p.File, "said")
		}
		if !found {
			t.Errorf("%s is let through: %v", text, problems)
		}
	}
}

// Names are names, never paths: a message is one of those that were found in
// its folder.
func TestNoNameIsAPath(t *testing.T) {
	files := fstest.MapFS{
		"messages/good.md":       {Data: []byte("Words.\n")},
		"messages/deep/below.md": {Data: []byte("Words.\n")},
		"secrets/token.md":       {Data: []byte("xoxb-hush\n")},
		"token.md":               {Data: []byte("xoxb-hush\n")},
	}
	for _, name := range []string{"../token", "../secrets/token", "../../etc/passwd", "/etc/passwd", "deep/below", "./good", "good.md", "messages/good", `..\token`, "good\x00", "*", "goo?", "[g]ood"} {
		for _, key := range []string{"message", "playbook", "id"} {
			doc := map[string]string{"message": "good", "playbook": "p", "id": "s"}
			doc[key] = name
			files["playbooks/p.yaml"] = &fstest.MapFile{Data: []byte("playbook: " + quoted(doc["playbook"]) + "\nwhen: arr > 0\nsteps: [{id: " + quoted(doc["id"]) + ", slack: owner, message: " + quoted(doc["message"]) + "}]\n")}
			b, problems := playbooks.Load(files, "playbooks", "messages", settings())
			if len(problems.Errors()) == 0 {
				t.Errorf("%s: %q is let through", key, name)
			}
			if strings.Contains(told(problems), "xoxb-hush") {
				t.Errorf("%s: %q shows another file: %s", key, name, told(problems))
			}
			if len(b.Wordings) != 1 {
				t.Errorf("%d messages were read", len(b.Wordings))
			}
		}
	}
}

func quoted(s string) string { return "'" + s + "'" }

// Long values and long texts end somewhere.
func TestAMessageEnds(t *testing.T) {
	_, problems := tryLoad(settings(), map[string]string{"said": strings.Repeat("words ", 10_000)}, "playbook: p\nwhen: arr > 0\nsteps: [{id: s, slack: owner, message: said}]\n")
	if len(problems.Errors()) == 0 || !strings.Contains(problems.Errors()[0].Message, "KiB is the most") {
		t.Errorf("a message of 60 KB is let through: %v", problems)
	}
	long := func(w *world) { w.Accounts[0].Name = strings.Repeat("n", 2000) }
	if _, err := composed(t, strings.Repeat("{{ .account.name }} ", 30), slackOwner, long); err != nil {
		t.Errorf("60 KB of it: %v", err)
	}
	if _, err := composed(t, strings.Repeat("{{ .account.name }} ", 40), slackOwner, long); err == nil || !strings.Contains(err.Error(), "grows past") {
		t.Errorf("80 KB of it: %v", err)
	}
}
