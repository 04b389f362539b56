package main

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"steward"
	"steward/configs"
)

// One run tells the mistakes of every file: none of them hides another's.
func TestOneCheckTellsEveryFile(t *testing.T) {
	files := exampleWith(t, "playbooks/second.yaml", "playbook: second\nwhen: arr >\nsteps: [{id: a, slack: owner}]\n---\nplaybook: third\nwhen: logins > 3\nsteps: []\n")
	for file, change := range map[string][2]string{
		"steward.yaml":            {"delivery: preview", "delivery: everywhere\nretentoin: 3d"},
		"owners.yaml":             {"email: ", "e-mail: "},
		aPlaybook:                 {"drop(logins, 14d)", "dorp(logins, 14d)"},
		aMessage:                  {"for_roles:", "for_rolls:"},
		aTest:                     {"phase: pending", "phase: maybe"},
		"tests/renewal.test.yaml": {"expect:", "expects:"},
	} {
		text := exampleFile(t, file)
		if !strings.Contains(text, change[0]) {
			t.Fatalf("%s has no %q", file, change[0])
		}
		files[file] = &fstest.MapFile{Data: []byte(strings.Replace(text, change[0], change[1], 1))}
	}
	found := checkFiles(files, "", func(string) string { return "" })
	problems, _ := found.settled(false)
	told := map[string]int{}
	for _, p := range problems.Errors() {
		told[p.File]++
		if p.Line == 0 {
			t.Errorf("no line: %v", p)
		}
	}
	for file, least := range map[string]int{"steward.yaml": 2, "owners.yaml": 1, aPlaybook: 1, aMessage: 1, aTest: 1, "tests/renewal.test.yaml": 1, "playbooks/second.yaml": 3} {
		if told[file] < least {
			t.Errorf("%s: %d mistakes told, want at least %d; all: %v", file, told[file], least, []steward.Problem(problems))
		}
	}
}

// manyPlaybooks is the example workspace with its first playbook, message and
// test n times over.
func manyPlaybooks(t testing.TB, n int) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{configs.FileName, "owners.yaml", "messages/login-drop-escalation.md", "messages/offer-help.md", "messages/login-drop-call.md"} {
		files[name] = &fstest.MapFile{Data: []byte(exampleFile(t, name))}
	}
	for i := range n {
		name := fmt.Sprintf("login-drop-%d", i)
		for _, f := range []struct{ from, to string }{{aPlaybook, "playbooks/%s.yaml"}, {"messages/login-drop.md", "messages/%s.md"}, {aTest, "tests/%s.test.yaml"}} {
			text := strings.NewReplacer("playbook: login-drop", "playbook: "+name, "message: login-drop\n", "message: "+name+"\n").Replace(exampleFile(t, f.from))
			files[fmt.Sprintf(f.to, name)] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return files
}

// BenchmarkCheck reads a workspace of a hundred playbooks, with as many
// messages and tests.
func BenchmarkCheck(b *testing.B) {
	files := manyPlaybooks(b, 100)
	for b.Loop() {
		found := checkFiles(files, "", func(string) string { return "" })
		if problems, _ := found.settled(false); len(problems) > 0 || len(found.book.Playbooks) != 100 || found.tests != 100 {
			b.Fatalf("%d playbooks, %d tests: %v", len(found.book.Playbooks), found.tests, problems)
		}
	}
}
