package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"steward"
)

// commands are what a terminal or a reader may be misled by: a title, an empty
// screen, colours, a link, a bell, text that is not seen or the wrong way round,
// and all of it again as single characters of the C1 set.
const commands = "\x1b]0;owned\x07\x1b[2J\x1b[1;1H\x1b[8mhidden\x1b]8;;https://evil.example\x1b\\\x08\x7f\u009b31m\u009d0;x\u009c\u202egnp\u202b\u2066\u2068\u2069\u200b\ufeff\u2060\U000E0041\u0085"

// tooMuch is the first character in text that may not be printed.
func tooMuch(text string) (rune, string) {
	for _, line := range strings.Split(text, "\n") {
		for _, r := range line {
			if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200b || r == 0x2060 || r == 0xfeff || r >= 0xe0000 && r <= 0xe007f {
				return r, line
			}
		}
	}
	return 0, ""
}

func TestTameStream(t *testing.T) {
	for _, c := range []struct {
		what, in, plain, coloured string
	}{
		{"text", "Zoë & שלום 👩‍👩‍👧 ✈️\t1\n", "Zoë & שלום 👩‍👩‍👧 ✈️\t1\n", "Zoë & שלום 👩‍👩‍👧 ✈️\t1\n"},
		{"our own paint", "\x1b[1mbold\x1b[0m \x1b[33mwarning\x1b[0m", "[1mbold[0m [33mwarning[0m", "\x1b[1mbold\x1b[0m \x1b[33mwarning\x1b[0m"},
		{"other people's", "\x1b[8mhidden\x1b[38;5;1m\x1b[1;31m\x1b[2J\x1b]0;x\x07\x1b", "[8mhidden[38;5;1m[1;31m[2J]0;x", "[8mhidden[38;5;1m[1;31m[2J]0;x"},
		{"returns", "good\rbad\r\nb\vc\fd\u2028e", "good bad \nb c d e", "good bad \nb c d e"},
		{"bytes that are no text", "a\x00\x9b31m\xff\xc3(", "a\ufffd31m\ufffd\ufffd(", "a\ufffd31m\ufffd\ufffd("},
	} {
		for colour, want := range map[bool]string{false: c.plain, true: c.coloured} {
			var out bytes.Buffer
			n, err := (&tame{out: &out, colour: func() bool { return colour }}).Write([]byte(c.in))
			if n != len(c.in) || err != nil || out.String() != want {
				t.Errorf("%s, colour %v: %d, %v, %q, want %q", c.what, colour, n, err, out.String(), want)
			}
		}
	}
}

// However the text is cut into writes, what comes out is the same, and nothing
// that a terminal obeys.
func TestTameStreamInPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{commands, "é", "👩‍👧", "\xe2\x80", "\xff", "\x1b[1m", "\n"})), 0, 6).Draw(t, "text"), ""))
		var whole, pieces bytes.Buffer
		one, many := &tame{out: &whole, colour: func() bool { return false }}, &tame{out: &pieces, colour: func() bool { return false }}
		_, _ = one.Write(text)
		for rest := text; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			_, _ = many.Write(rest[:n])
			rest = rest[n:]
		}
		if whole.String() != pieces.String() {
			t.Fatalf("whole %q, in pieces %q", whole.String(), pieces.String())
		}
		if r, line := tooMuch(whole.String()); r != 0 || !utf8.Valid(whole.Bytes()) {
			t.Fatalf("%U of %q is printed", r, line)
		}
	})
}

func TestJSONIsTameAndTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ToValidUTF8(strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.Just(commands)), 0, 4).Draw(t, "text"), ""), "?")
		var out bytes.Buffer
		if err := newApp(nil, nil, &out, nil).printJSON(map[string]string{text: text}); err != nil {
			t.Fatal(err)
		}
		if r, line := tooMuch(out.String()); r != 0 {
			t.Fatalf("%U of %q is printed", r, line)
		}
		var back map[string]string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back[text] != text {
			t.Fatalf("%q comes back as %q, %v", text, back, err)
		}
	})
}

// Every command is fed names, texts, rows and arguments that are made to do
// harm, and prints none of it. A command that is not in the table fails, so that
// the next one is thought of.
func TestNoCommandObeysItsData(t *testing.T) {
	o := newOutpost(t, "")
	const fake = "FAKED level=INFO msg=\"all is well\""
	name := `Hostile ` + commands + "\r\n" + fake + "\u2028" + fake
	rows := func(file string, rows ...[]string) {
		var b strings.Builder
		o.must(csv.NewWriter(&b).WriteAll(rows))
		o.write(file, b.String())
	}
	rows("data/accounts.csv",
		[]string{"id", "name", "status", "segment", "arr", "owner", "start_date", "renewal_date", "seats", "partner_managed"},
		[]string{"acme", name, "customer", "enterprise", "48000", "dana", "2024-05-01", "2026-12-01", "100", "no"},
		[]string{"od" + commands + "d", name, "customer", "seg" + commands, "4000", "nobody" + commands, "2024-05-01", "2020-12-01", "100", "no"},
		[]string{"bad", name, "customer", "enterprise", "much" + commands, "dana", "2024-05-01", "2026-12-01", "100", "no"})
	rows("data/contacts.csv",
		[]string{"id", "account", "name", "email", "roles"},
		[]string{"ana", "acme", name, "ana@acme.example", "champion"},
		[]string{"ben", "nobody" + commands, name, "not" + commands + "mail", "champion"})
	rows("data/evil.csv", []string{"id", "na" + commands + "me", "st\r\n" + fake}, []string{"x", name, "customer"})
	owners, err := os.ReadFile(filepath.Join(o.dir, "owners.yaml"))
	o.must(err)
	o.write("owners.yaml", strings.Replace(string(owners), "Dana Reyes", `"\e[2JHostile\u202e Dana"`, 1))
	for _, p := range []string{"drop-a", "drop-b"} {
		o.write("playbooks/"+p+".yaml", strings.Replace(fmt.Sprintf(livePlaybook, p), "title: Logins are dropping", `title: "Hostile \e[2J\u009b31m title"`+"\nwhy: \"\\e]0;x\\a\"", 1))
	}
	o.write("playbooks/give.yaml", "playbook: give\ntitle: \"Hostile \\e[2J title\"\nwhen: arr > 1\nbackfill: true\ncooldown: 30d\nsteps: [{id: call, task: owner, message: nudge, due: 3 business days}]\n")
	o.write("messages/nudge.md", "{{ .account.name }} is in less. Hostile \u202e\u009b31m words\n\n\x1b[2J second\n")
	o.write("tests/hostile.test.yaml", "given:\n  playbook: drop-a\n  from: 2026-01-01\n  accounts:\n    - {id: acme, name: \"Hostile \\e[2J\\u202e\", segment: enterprise, arr: 1, owner: dana, status: customer}\n  metrics:\n    logins: {acme: \"40x60 10x12 40x30\"}\n"+
		"expect:\n  - {on: 2026-03-14, account: acme, outreach: [{step: nudge, to: \"x\\e[2J\", contains: \"owned\\e[31m\"}]}\n")

	looked := map[string]int{}
	look := func(command string, out, errs *bytes.Buffer) {
		for stream, b := range map[string]*bytes.Buffer{"stdout": out, "stderr": errs} {
			if r, line := tooMuch(b.String()); r != 0 {
				t.Errorf("steward %s, %s holds %U: %.300q", command, stream, r, line)
			}
			for line := range strings.Lines(b.String()) {
				// A wrapped line is told by its indentation.
				if strings.HasPrefix(line, "FAKED") {
					t.Errorf("steward %s, %s: data makes a line of its own: %.100q", command, stream, line)
				}
			}
			looked[command] += strings.Count(b.String(), "Hostile") + strings.Count(b.String(), "owned")
		}
	}
	call := func(args ...string) {
		t.Helper()
		for _, more := range [][]string{nil, {"--json"}} {
			var out, errs bytes.Buffer
			a := o.app(&out, &errs)
			a.main(t.Context(), append(append([]string{"-w", o.dir}, args...), more...))
			look(args[0], &out, &errs)
		}
	}
	call("import")
	call("plan")
	o.start()
	o.wait("two mails wait for approval", func() bool { return len(of(o.outreach("--state", "awaiting_approval"), steward.Mail, "acme")) == 2 })
	o.stop()
	var logs bytes.Buffer
	logs.WriteString(o.logs.String())
	look("run", &logs, &bytes.Buffer{})
	if looked["run"] > 0 {
		t.Errorf("the log names a customer:\n%s", logs.String())
	}
	mails := of(o.outreach("--state", "awaiting_approval"), steward.Mail, "acme")

	call("accounts")
	call("accounts", "--all")
	call("outreach")
	for _, m := range o.outreach() {
		call("outreach", string(m.ID))
	}
	call("explain", "acme")
	call("explain", "acme", "drop-a")
	call("explain", "Hostile")
	call("explain", "owned"+commands)
	call("plan")
	call("plan", "--on", "2026-04-20")
	call("report", "data")
	call("claim", "acme", "--by", "owned"+commands)
	call("override", "acme", "--health", "30", "--until", "2027-01-01", "--because", name, "--by", "owned"+commands)
	call("override")
	call("silence", "--account", "acme", "--until", "2w", "--because", name, "--by", "owned"+commands)
	call("silence", "--list", "--all")
	call("silence", "--end", "1", "--by", "owned"+commands)
	call("tasks")
	call("done", "owned"+commands)
	call("schema", "owned"+commands)
	call("rehearse", "--pack", "owned"+commands)
	call("test")
	call("approve", string(mails[0].ID), "--by", "owned"+commands+"\n"+fake)
	call("approve", string(mails[0].ID), "--decline", "--by", "dana", "--why", name)
	call("ack", "owned"+commands)
	call("start", "owned"+commands, "acme", "--because", name)
	call("skip", "owned"+commands)
	call("stop", "owned"+commands, "--because", name)
	call("mark", "acme", "--milestone", "owned"+commands)
	call("mark", "acme", "--pulse", "3", "--because", name, "--by", "owned"+commands)
	call("mark", "acme")
	call("postpone", "owned"+commands, "owned"+commands)
	call("release", "owned"+commands)
	call("pause", "--why", name, "--by", "owned"+commands)
	call("resume")
	call("suppress", "owned"+commands+"@acme.example")
	call("suppress", "ana@acme.example", "--why", name)
	call("suppress")
	call("forget", "owned"+commands)
	call("rewind", "--help")
	call("init", "--from", filepath.Join(o.dir, "data", "evil.csv"), "--workspace", t.TempDir())
	call("backup", filepath.Join(o.dir, "none", "owned"+commands))
	call("restore", filepath.Join(o.dir, "none", "owned"+commands))
	call("health", "--url", "http://127.0.0.1:1/owned"+commands)
	call("send-test", "--slack", "#owned"+commands)
	call("send-test", "--email", "owned"+commands+"@example.com")
	call("version", "owned"+commands)
	call("owned" + commands)

	// Files that come with a change that somebody proposes, and are checked.
	o.write("playbooks/drop-a.yaml", "playbook: drop-a\nwhen: owned > \u202e1 \u009b31m\nsteps: [{id: \"a\\e[2J\", slack: \"\\e[2Jowned\"}]\n\x1b[2J: owned\n")
	o.write("messages/nudge.md", "{{ .account.name\u009b31m }} \x1b]0;owned\x07 {{ owned }}\n")
	o.write("messages/owned\x1b[2J.md", "{{ owned }}")
	call("check")

	root := rootCommand(o.app(&bytes.Buffer{}, &bytes.Buffer{}))
	// What these print is their own, or ids.
	own := []string{"demo", "help", "completion", "version", "resume", "rewind", "run", "forget", "send-test", "slack-manifest"}
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if n := looked[c.Name()]; n == 0 && !slices.Contains(own, c.Name()) {
			t.Errorf("steward %s was not seen to print anything hostile; call it above with what it prints", c.Name())
		}
	}
}
