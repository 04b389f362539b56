package strictyaml

import (
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"steward"
)

type step struct {
	Pos   Pos       `yaml:",pos"`
	ID    string    `yaml:"id,required"`
	Email OneOrMore `yaml:"email"`
	If    Text      `yaml:"if"`
	Wait  Duration  `yaml:"wait"`
}

type book struct {
	Name    string                       `yaml:"playbook,required"`
	When    Text                         `yaml:"when"`
	For     Duration                     `yaml:"for"`
	MaxNew  int                          `yaml:"max_new"`
	Share   float64                      `yaml:"share"`
	Enabled *bool                        `yaml:"enabled"`
	Since   steward.Day                  `yaml:"since"`
	Grace   time.Duration                `yaml:"grace"`
	Fields  Entries[string]              `yaml:"fields"`
	Metrics map[string]map[string]string `yaml:"metrics"`
	Steps   []step                       `yaml:"steps"`
	Any     any                          `yaml:"any"`
	Raw     Node                         `yaml:"raw"`
}

func (*book) LaterKeys() []string { return []string{"goal"} }

// told is a problem as the tests state it: where, and what is said.
func told(ps steward.Problems) []string {
	var out []string
	for _, p := range ps {
		out = append(out, p.Error()+" | "+underlined(p))
	}
	return out
}

func underlined(p steward.Problem) string {
	r := []rune(p.Snippet)
	start := min(max(p.Column-1, 0), len(r))
	return string(r[start:min(start+max(p.Length, 1), len(r))])
}

func TestDecodeReadsEveryShape(t *testing.T) {
	src := `# a playbook
playbook: login-drop
when: drop(logins, 14d) >= 50%   # half
for: 2d
max_new: 10
share: 0.5
enabled: false
since: 2026-03-12
grace: 36h
fields: {plan: text, seats: number}
metrics: {logins: {kind: count}}
steps:
  - id: nudge
    email: champion
    if: |
      not acked
        and known(arr)
  - {id: help, email: [champion, admin], wait: 1d12h}
any: [1, x]
raw: {a: b}
`
	var b book
	if ps := Decode("f.yaml", []byte(src), &b); len(ps) != 0 {
		t.Fatal(ps)
	}
	off := false
	if b.Name != "login-drop" || b.For.Std() != 48*time.Hour || b.MaxNew != 10 || b.Share != 0.5 || *b.Enabled != off ||
		b.Since != steward.Date(2026, 3, 12) || b.Grace != 36*time.Hour || b.Metrics["logins"]["kind"] != "count" {
		t.Errorf("read %+v", b)
	}
	if got := b.Fields; len(got) != 2 || got[0].Key.Value != "plan" || got[1].Value != "number" || got[1].Key.Pos != (Pos{Line: 10, Column: 22}) {
		t.Errorf("fields %+v", got)
	}
	if b.Steps[0].Pos != (Pos{Line: 13, Column: 5}) || len(b.Steps[1].Email) != 2 || b.Steps[1].Wait.Std() != 36*time.Hour {
		t.Errorf("steps %+v", b.Steps)
	}
	if line, column := b.Steps[0].If.At(strings.Index(b.Steps[0].If.Value, "known")); line != 17 || column != 13 {
		t.Errorf("known stands at %d:%d", line, column)
	}
	if diff := cmp.Diff([]any{1, "x"}, b.Any); diff != "" {
		t.Error(diff)
	}
	if b.Raw.Content[1].Value != "b" {
		t.Error("raw node lost")
	}
}

func TestDecodeTellsEveryMistake(t *testing.T) {
	src := `when: [a]
for: two days
max_new: 1.5
share: "0.5"
enabled: yes
since: 12.03.2026
fields: x
metrics: {logins: count}
goal: {}
severty: high
wehn: a
when: b
steps:
  - ids: x
    if: >
      a
      b
    wait:
  - x
any: *no
`
	var b book
	want := []string{
		"f.yaml:20:6: a YAML alias (*name) is not read here (put the text in quotes, or write the value out) | *",
	}
	if diff := cmp.Diff(want, told(Decode("f.yaml", []byte(src), &b))); diff != "" {
		t.Error(diff)
	}
	src = strings.Replace(src, "any: *no\n", "", 1)
	want = []string{
		"f.yaml:1:1: \"playbook\" is missing (add playbook: …) | w",
		"f.yaml:1:7: `when` wants an expression, not a list | [",
		"f.yaml:2:6: `for`: \"two days\" is not a duration such as 30m, 36h, 14d or 6w (write a whole number and w, d, h, m or s, such as 36h or 14d) | two days",
		"f.yaml:3:10: `max_new` wants a whole number, not \"1.5\" | 1.5",
		"f.yaml:4:8: `share` wants a number, not text (remove the quotes) | \"0.5\"",
		"f.yaml:5:10: `enabled` wants true or false, not \"yes\" (write true) | yes",
		"f.yaml:6:8: `since`: \"12.03.2026\" is not a date such as 2026-03-12 (write year-month-day) | 12.03.2026",
		"f.yaml:7:9: `fields` wants a block of keys (key: value), not \"x\" | x",
		"f.yaml:8:19: `logins` wants a block of keys (key: value), not \"count\" | count",
		"f.yaml:9:1: \"goal\" is not in this version of Steward (remove it) | goal",
		"f.yaml:10:1: \"severty\" is not a key of the file (known here: any, enabled, fields, for, grace, max_new, metrics, playbook, raw, share, since, steps, when) | severty",
		"f.yaml:11:1: \"wehn\" is not a key of the file (did you mean \"when\"?) | wehn",
		"f.yaml:12:1: \"when\" is given twice; the first is on line 1 (remove one of them) | when",
		"f.yaml:14:5: \"ids\" is not a key of item 1 of `steps` (did you mean \"id\"?) | ids",
		"f.yaml:14:5: \"id\" is missing (add id: …) | i",
		"f.yaml:15:9: `if` is written in a way that loses the positions inside it (use a | block instead of >) | >",
		"f.yaml:18:10: `wait` has no value (give it one, or remove the line) | ",
		"f.yaml:19:5: item 2 of `steps` wants a block of keys (key: value), not \"x\" | x",
	}
	if diff := cmp.Diff(want, told(Decode("f.yaml", []byte(src), &b))); diff != "" {
		t.Error(diff)
	}
}

func TestSyntaxIsToldInWords(t *testing.T) {
	for _, tt := range []struct{ name, src, want string }{
		{"empty", "", "f.yaml: the file is empty (write at least one key, or remove the file)"},
		{"only comments", "# hello\n", "f.yaml: the file is empty (write at least one key, or remove the file)"},
		{"two documents", "a: b\n---\na: c\n", "f.yaml:3:1: a second document begins here, after a line --- (this file holds one document: remove the --- line)"},
		{"tab", "a:\n\t- b\n", "f.yaml:2:1: a tab is used to indent (indent with spaces)"},
		{"colon in text", "a: b: c\n", "f.yaml:1:5: a colon stands where no value can begin (indent the keys of one block alike, and put text that holds \": \" in quotes)"},
		{"open quote", "a: 'x\nb: y\n", "f.yaml:1:4: a quote that begins here is never closed (add the closing quote)"},
		{"at sign", "a: @x\n", "f.yaml:1:4: text cannot begin with this character (put the text in quotes)"},
		{"quote then more", "a: 'x' in y\n", "f.yaml:1:8: this does not fit the lines above it (indent the keys of one block alike; text that goes on after a closing quote needs quotes around the whole)"},
		{"open brace", "a: {b: c\n", "f.yaml:1:9: a block in {braces} is not closed (add the missing } or comma)"},
		{"open bracket", "a: 1\nb: [\n\n---\nc: d\n", "f.yaml:2:5: a value is missing or not closed here (close the brackets; put text that begins with a sign in quotes)"},
		{"escape", `a: "x\q"`, `f.yaml:1:6: an unknown escape in double quotes (double the backslash, or use single quotes)`},
		{"anchor", "a: &x y\n", "f.yaml:1:4: a YAML anchor (&name) is not read here (remove it and write the value out where it was used)"},
		{"merge", "a: b\n<<: {c: d}\n", "f.yaml:2:1: a YAML merge key (<<) is not read here (write the keys out)"},
		{"tagged", "a: !!str 5\n", "f.yaml:1:4: a YAML tag (!!str) is not read here (remove it)"},
		{"windows-1252", "a: caf\xe9\n", "f.yaml:1:7: this is not UTF-8 text (save the file in the UTF-8 encoding)"},
		{"NUL", "a: b\x00c\n", "f.yaml:1:5: a control character stands here (delete it; is this a text file?)"},
		{"line separator", "a: b\u2028c: d\n", "f.yaml:1:5: an invisible line separator stands here (delete it and press Enter instead)"},
		{"channel", "a: #cs-ops\n", "f.yaml:1:3: `a` has no value (a # begins a comment; put it in quotes: \"#cs-ops\")"},
		{"too long", strings.Repeat("# x\n", MaxBytes), "f.yaml: the file is 4096 KiB long; 1024 KiB is the most that is read (is this the file you meant? split it if it is)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var into map[string]string
			ps := Decode("f.yaml", []byte(tt.src), &into)
			if len(ps) == 0 {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(tt.want, ps[0].Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDocumentsAreReadEachForItself(t *testing.T) {
	src := "# first\na: 1\n---\nb: [\n---\n# nothing\n---  # third\nc: 3\n"
	docs, ps := Documents("f.yaml", []byte(src))
	if len(docs) != 2 || docs[0].Source != "# first\na: 1\n" || docs[1].Source != "c: 3\n" || docs[1].Line != 8 || docs[1].Node.Line != 8 {
		t.Errorf("documents %+v", docs)
	}
	if len(ps) != 1 || ps[0].Line != 4 {
		t.Errorf("problems %v", ps)
	}
	var into map[string]int
	if ps := DecodeNode("f.yaml", []byte(src), docs[1].Node, &into); len(ps) > 0 || into["c"] != 3 {
		t.Errorf("third: %v %v", into, ps)
	}
}

func TestDepthIsLimited(t *testing.T) {
	for _, src := range []string{
		strings.Repeat("[", 70) + strings.Repeat("]", 70),
		strings.Repeat("[", 200_000),
		strings.Repeat("{a: ", 70) + strings.Repeat("}", 70),
	} {
		var into any
		ps := Decode("f.yaml", []byte(src), &into)
		if len(ps) == 0 || !strings.Contains(ps[0].Message, "deep") {
			t.Errorf("%.20s…: %.200s", src, ps.Error())
		}
	}
}

// TestTextPositions finds every byte of an expression where it stands in the
// file, in every style that is accepted.
func TestTextPositions(t *testing.T) {
	type file struct {
		When Text `yaml:"when"`
	}
	for _, tt := range []struct{ name, src, value string }{
		{"plain", "when: é > 1 and x\n", "é > 1 and x"},
		{"plain with comment", "  when:    a > 1 # why\n", "a > 1"},
		{"plain below its key", "when:\n  a > 1\n", "a > 1"},
		{"single", "when: 'é > 1'\n", "é > 1"},
		{"single, doubled", "when: 'segment == ''ä'' or b'\n", "segment == 'ä' or b"},
		{"double", "when: \"segment in ['ä']\"\n", "segment in ['ä']"},
		{"flow", "{when: \"a > 1\"}\n", "a > 1"},
		{"literal", "when: |\n  é > 1\n    and b\n\n  or c\n", "é > 1\n  and b\n\nor c"},
		{"literal, windows", "when: |-\r\n  a > 1\r\n  or b\r\n", "a > 1\nor b"},
		{"literal, indented", "when: |1\n   a > 1\n  b\n", "  a > 1\n b"},
		{"literal after blank", "when: |\n\n  a > 1\n", "\na > 1"},
		{"byte order mark", "\ufeffwhen: a\n", "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var f file
			if ps := Decode("f.yaml", []byte(tt.src), &f); len(ps) > 0 {
				t.Fatal(ps)
			}
			if f.When.Value != tt.value {
				t.Fatalf("read %q", f.When.Value)
			}
			lines := newSource("", []byte(tt.src))
			for i, r := range f.When.Value {
				if r == '\n' {
					continue
				}
				line, column := f.When.At(i)
				if got, _ := utf8.DecodeRuneInString(lines.from(line, column)); got != r {
					t.Errorf("%q at %d stands at %d:%d, where the file has %q", r, i, line, column, got)
				}
			}
		})
	}
	for _, src := range []string{"when: >\n  a\n  b\n", "when: a\n  or b\n", "when: \"a\\tb\"\n", "when: 'a\n  b'\n", "when: ''\n", "when: ~\n"} {
		var f file
		if ps := Decode("f.yaml", []byte(src), &f); len(ps) != 1 {
			t.Errorf("%q: %v", src, ps)
		}
	}
}

func TestTextProblemUnderlines(t *testing.T) {
	src := []byte("when: |\n  drop(logins, 14d)\n  >= 'x'\n")
	var f struct {
		When Text `yaml:"when"`
	}
	if ps := Decode("p.yaml", src, &f); len(ps) > 0 {
		t.Fatal(ps)
	}
	at := strings.Index(f.When.Value, "logins")
	p := f.When.Problem("p.yaml", "playbook x", at, at+6, "no such metric", "", src)
	if p.Line != 2 || p.Column != 8 || underlined(p) != "logins" {
		t.Errorf("%+v", p)
	}
	p = f.When.Problem("p.yaml", "", 0, len(f.When.Value), "unlike", "", src)
	if underlined(p) != "drop(logins, 14d)" {
		t.Errorf("over a line's end: %+v", p)
	}
	p = f.When.Problem("p.yaml", "", -5, 999, "unlike", "", nil)
	if p.Line < 1 || p.Column < 1 {
		t.Errorf("without the file's text: %+v", p)
	}
	if p := (Text{Value: "a"}).Problem("p.yaml", "", 0, 1, "m", "", src); p.Line != 0 {
		t.Errorf("a default stands in no file: %+v", p)
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"0": 0, "30m": 30 * time.Minute, "36h": 36 * time.Hour, "14d": 14 * 24 * time.Hour,
		"6w": 42 * 24 * time.Hour, "1d12h": 36 * time.Hour, "90s": 90 * time.Second} {
		got, err := ParseDuration(text)
		if err != nil || got.Std() != want {
			t.Errorf("%s: %v, %v", text, got.Std(), err)
		}
		if again, err := ParseDuration(got.String()); err != nil || again != got {
			t.Errorf("%s is written %s and read back as %v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "d", "14", "1.5d", "-2d", "2 d", "12h1d", "1d1d", "3mo", "14D", "99999999999999999999d", "3000w", "P14D", "१d"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"playbook: a\nwhen: |\n  x\n", "a: [1, {b: c}]\n---\nb: >\n x\n", "steps:\n- {id: 'x''y', if: \"a\\n\"}\n", "\ufeffwhen: é\r\nfor: 2d", "a: *b", "&a b: 'c", "? [x]\n: y", "---\n...\n%YAML 1.2\n", "when: #x", "\t", "<<: {}", "a:\rb: c", "when: '\n", "ybook: a\nwhen: |\n\n  x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		var b book
		ps := Decode("f.yaml", src, &b)
		lines := newSource("f.yaml", src).lines
		check := func(line, column int) {
			if line < 1 || line > len(lines) || column < 1 || column > utf8.RuneCountInString(lines[line-1])+1 {
				t.Fatalf("%d:%d is outside %q", line, column, src)
			}
		}
		for _, p := range ps {
			if p.Line != 0 {
				check(p.Line, p.Column)
			}
			if !utf8.ValidString(p.Snippet) || p.Message == "" {
				t.Fatalf("unprintable: %+v", p)
			}
		}
		texts := []Text{b.When}
		for _, s := range b.Steps {
			texts = append(texts, s.If)
		}
		for _, x := range texts {
			for i, r := range x.Value {
				line, column := x.At(i)
				check(line, column)
				if got, _ := utf8.DecodeRuneInString(newSource("", src).from(line, column)); r != '\n' && got != r {
					t.Fatalf("%q at %d of %q stands at %d:%d, where %q has %q", r, i, x.Value, line, column, src, got)
				}
			}
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	f.Add("14d")
	f.Add("1w2d3h4m5s")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			return
		}
		if again, err := ParseDuration(d.String()); err != nil || again != d {
			t.Fatalf("%q → %s → %v, %v", text, d, again, err)
		}
	})
}

// TestLargeFilesEnd reads files at the limit that are wrong from beginning to
// end, in the shapes that cost parsers and messages the most.
func TestLargeFilesEnd(t *testing.T) {
	for name, unit := range map[string]string{"unknown keys": "k%d: v\n", "one list": "- a\n", "flow": "[a, ", "braces": "{a: ", "comments": "# c\n", "documents": "---\n", "quotes": "'a' ", "keys": "? ", "anchors": "&a ", "long line": "ab cd "} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for i := 0; b.Len() < MaxBytes-20; i++ {
				b.WriteString(strings.ReplaceAll(unit, "%d", strconv.Itoa(i)))
			}
			var into book
			ps := Decode("f.yaml", []byte(b.String()), &into)
			if len(ps) == 0 || len(ps) > MaxProblems+MaxDocuments {
				t.Errorf("%d problems", len(ps))
			}
		})
	}
}
