package notify

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"steward/notify/notifytest"
)

// Styles are the look and not the structure; tests compare without them.
var styleAttr = regexp.MustCompile(` (?:style|class)="[^"]*"`)

func bareHTML(md string) string {
	return strings.TrimSpace(styleAttr.ReplaceAllString(parseMarkdown(md).html(), ""))
}

// sketch writes rich text in a notation short enough for a table: a section is
// its texts, bold as *x*, a link as [x](u), a list item as "- x" under its
// indent, a quote as "> x", code as {x}.
func sketch(md string) string {
	var lines []string
	for _, el := range parseMarkdown(md).richText() {
		switch el := el.(type) {
		case *slack.RichTextSection:
			lines = append(lines, sketchInline(el.Elements))
		case *slack.RichTextList:
			for i, item := range el.Elements {
				mark := "- "
				if el.Style == slack.RTEListOrdered {
					mark = string(rune('1'+el.Offset+i)) + ". "
				}
				lines = append(lines, strings.Repeat("  ", el.Indent)+mark+sketchInline(item.(*slack.RichTextSection).Elements))
			}
		case *slack.RichTextQuote:
			lines = append(lines, "> "+sketchInline(el.Elements))
		case *slack.RichTextPreformatted:
			lines = append(lines, "{"+sketchInline(el.Elements)+"}")
		}
	}
	return strings.Join(lines, "\n")
}

func sketchInline(els []slack.RichTextSectionElement) string {
	var sb strings.Builder
	for _, el := range els {
		switch el := el.(type) {
		case *slack.RichTextSectionTextElement:
			t := el.Text
			if el.Style != nil && el.Style.Code {
				t = "`" + t + "`"
			}
			if el.Style != nil && el.Style.Italic {
				t = "_" + t + "_"
			}
			if el.Style != nil && el.Style.Bold {
				t = "*" + t + "*"
			}
			sb.WriteString(t)
		case *slack.RichTextSectionLinkElement:
			sb.WriteString("[" + el.Text + "](" + el.URL + ")")
		}
	}
	return sb.String()
}

func TestWordingInThreeForms(t *testing.T) {
	tests := []struct{ name, md, plain, html, slack string }{
		{"styles", "**Logins** fell *by* `64 %`.",
			"Logins fell by 64 %.",
			"<p><strong>Logins</strong> fell <em>by</em> <code>64 %</code>.</p>",
			"*Logins* fell _by_ `64 %`."},
		{"paragraphs", "One\nline.\n\nTwo.", "One line.\n\nTwo.", "<p>One line.</p>\n<p>Two.</p>", "One line.\n\nTwo."},
		{"hard break", "a\\\nb", "a\nb", "<p>a<br>\nb</p>", "a\nb"},
		{"link", "See [the **plan**](https://crm.example.com/a?b=1&c=2).",
			"See the plan (https://crm.example.com/a?b=1&c=2).",
			`<p>See <a href="https://crm.example.com/a?b=1&amp;c=2">the <strong>plan</strong></a>.</p>`,
			"See [the ](https://crm.example.com/a?b=1&c=2)[plan](https://crm.example.com/a?b=1&c=2)."},
		{"mailto", "[write](mailto:a@example.com)", "write (a@example.com)", `<p><a href="mailto:a@example.com">write</a></p>`, "[write](mailto:a@example.com)"},
		{"list", "Ask:\n\n- one\n- two\n  1. deep\n  2. deeper\n- three",
			"Ask:\n- one\n- two\n  1. deep\n  2. deeper\n- three",
			"<p>Ask:</p>\n<ul><li>one</li>\n<li>two<ol><li>deep</li>\n<li>deeper</li>\n</ol>\n</li>\n<li>three</li>\n</ul>",
			"Ask:\n- one\n- two\n  1. deep\n  2. deeper\n- three"},
		{"numbers go on after a nested list", "3. a\n   - x\n4. b", "3. a\n   - x\n4. b",
			`<ol start="3"><li>a<ul><li>x</li>` + "\n</ul>\n</li>\n<li>b</li>\n</ol>", "3. a\n  - x\n4. b"},
		{"heading", "# Do this\nnow", "Do this\n\nnow", "<h2>Do this</h2>\n<p>now</p>", "*Do this*\n\nnow"},
		{"quote", "> said\n> so", "> said so", "<blockquote>said so</blockquote>", "> said so"},
		{"code block", "```\na <b>\n  c\n```", "    a <b>\n      c", "<pre>a &lt;b&gt;\n  c</pre>", "{a <b>\n  c}"},
		{"raw HTML is text", "<b>x</b> <img src=y onerror=z>", "<b>x</b> <img src=y onerror=z>",
			"<p>&lt;b&gt;x&lt;/b&gt; &lt;img src=y onerror=z&gt;</p>", "<b>x</b> <img src=y onerror=z>"},
		{"autolinks are text", "<https://evil.example> https://evil.example", "<https://evil.example> https://evil.example",
			"<p>&lt;https://evil.example&gt; https://evil.example</p>", "<https://evil.example> https://evil.example"},
		{"images are their words", "![a chart](https://evil.example/x.png)", "a chart", "<p>a chart</p>", "a chart"},
		{"other schemes lead nowhere", "[x](javascript:alert(1)) [y](data:text/html,z) [z](//evil.example) [w](https://bank.example@evil.example)",
			"x y z w", "<p>x y z w</p>", "x y z w"},
		{"escaped data", `\*Acme\* \<!channel\> \[x\](https://evil.example) \_y\_ \&amp; &lt;@U1&gt;`,
			"*Acme* <!channel> [x](https://evil.example) _y_ &amp; <@U1>",
			"<p>*Acme* &lt;!channel&gt; [x](https://evil.example) _y_ &amp;amp; &lt;@U1&gt;</p>",
			"*Acme* <!channel> [x](https://evil.example) _y_ &amp; <@U1>"},
		{"an entity is not a way round", "a&#8238;b&#x200B;c&#27;[31m", "abc[31m", "<p>abc[31m</p>", "abc[31m"},
		{"nothing", " \n\n", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := []string{parseMarkdown(tt.md).plain(), bareHTML(tt.md), sketch(tt.md)}
			if diff := cmp.Diff([]string{tt.plain, tt.html, tt.slack}, got); diff != "" {
				t.Errorf("plain, HTML, Slack of %q (-want +got):\n%s", tt.md, diff)
			}
		})
	}
}

func TestWordingIsCutByRunesAndSaysHowMuch(t *testing.T) {
	d := parseMarkdown("One two three.\n\n- four\n- five\n- six\n\nSeven.")
	kept, left := d.shortened(17)
	if got, want := kept.plain(), "One two three.\n- fo…"; got != want || left != 4 {
		t.Errorf("kept %q and left %d, want %q and 4", got, left, want)
	}
	if kept, left := d.shortened(1000); left != 0 || kept.plain() != d.plain() {
		t.Errorf("enough room lost %d: %q", left, kept.plain())
	}
}

var (
	tagPattern  = regexp.MustCompile(`</?[a-z][a-z0-9]*(?: (?:style|class|href|start|role|width|border|bgcolor|cellpadding|cellspacing)="[^"<>]*")*>`)
	hrefPattern = regexp.MustCompile(`href="([^"]*)"`)
)

// reporter is what checks need of a test; rapid's T has it too.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// checkHTML holds a fragment to what the renderer may write: known tags, each
// closed in order, and no other < or > anywhere.
func checkHTML(t reporter, fragment string) {
	t.Helper()
	allowed := " p h2 h3 h4 ul ol li blockquote pre hr a strong em code br div table tr td bdi "
	var open []string
	rest := tagPattern.ReplaceAllStringFunc(fragment, func(tag string) string {
		name := strings.FieldsFunc(tag, func(r rune) bool { return strings.ContainsRune("</> ", r) })[0]
		if !strings.Contains(allowed, " "+name+" ") {
			t.Errorf("a tag that was never meant: %s", tag)
		}
		switch {
		case name == "br" || name == "hr":
		case strings.HasPrefix(tag, "</"):
			if len(open) == 0 || open[len(open)-1] != name {
				t.Errorf("%s closes %v", tag, open)
				return ""
			}
			open = open[:len(open)-1]
		default:
			open = append(open, name)
		}
		return ""
	})
	if len(open) > 0 {
		t.Errorf("left open: %v", open)
	}
	if strings.ContainsAny(rest, "<>") {
		t.Errorf("a raw < or > in text: %.300q", rest)
	}
	for _, m := range hrefPattern.FindAllStringSubmatch(fragment, -1) {
		if !strings.HasPrefix(m[1], "http://") && !strings.HasPrefix(m[1], "https://") && !strings.HasPrefix(m[1], "mailto:") {
			t.Errorf("a link to %q", m[1])
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{"", "**a** [b](https://x)", "> > > > > > > > > x", "- - - - - - - - - x", "1. a\n   1. b\n", "```\n<b>\n", "<script>alert(1)</script>",
		"[a]: https://x\n\n[a]", "&#0;&#xD800;&Aacute;&", "\\", "a\x00b\xff", strings.Repeat("[", 500), strings.Repeat("*a ", 300), "![x](javascript:1)",
		"[x](<java\nscript:1>)", "[x](https://a\"onclick=b)", "| a | b |\n|---|---|", "<!channel> <@U1> :fire:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, md string) {
		d := parseMarkdown(md)
		checkHTML(t, d.html())
		if p := d.plain(); !utf8.ValidString(p) || oneLine(p) != strings.Join(strings.Fields(p), " ") {
			t.Errorf("plain text with something unseen in it: %q", p)
		}
		kept, left := d.shortened(40)
		if n := textRunes(kept); n > 40 {
			t.Errorf("%d runes where 40 were asked for", n)
		}
		if left == 0 && textRunes(kept) != textRunes(d) {
			t.Errorf("text was lost and nothing said so")
		}
		els := d.richText()
		if len(els) == 0 {
			return
		}
		raw, err := json.Marshal([]slack.Block{slack.NewRichTextBlock("", els...)})
		if err != nil {
			t.Fatal(err)
		}
		if err := notifytest.CheckBlocks(raw); err != nil && !strings.HasPrefix(err.Error(), "msg_blocks_too_long") {
			t.Errorf("Slack would refuse it: %v\n%s", err, raw)
		}
	})
}

func textRunes(d document) int {
	n := 0
	for _, b := range d {
		n += utf8.RuneCountInString(b.code)
		for _, s := range b.spans {
			n += utf8.RuneCountInString(s.text)
		}
		for _, item := range b.items {
			n += textRunes(item)
		}
	}
	return n
}

func TestCleaning(t *testing.T) {
	tests := []struct{ in, oneLine string }{
		{"  Acme \r\n\tGmbH ", "Acme GmbH"},
		{"a\x1b[31mb\x07", "a[31mb"},
		{"evil\u202egpj.exe", "evilgpj.exe"},
		{"שלום Acme", "שלום Acme"},
		{"👩‍👩‍👧 fam", "👩‍👩‍👧 fam"},
		{"a\u200bb\ufeffc\U000e0041", "abc"},
		{"a\u2028b\u0085c", "a b c"},
		{"\u200b \u2060", ""},
	}
	for _, tt := range tests {
		if got := oneLine(tt.in); got != tt.oneLine {
			t.Errorf("oneLine(%q) = %q, want %q", tt.in, got, tt.oneLine)
		}
	}
}

func TestShortenKeepsClustersWhole(t *testing.T) {
	tests := []struct {
		in    string
		limit int
		want  string
	}{
		{"short", 5, "short"},
		{"longer", 5, "long…"},
		{"ab 👩‍👩‍👧", 5, "ab…"},
		{"e\u0301e\u0301e\u0301", 4, "e\u0301…"},
		{"word next", 6, "word…"},
		{"x", 0, ""},
		{"a" + strings.Repeat("\u0301", 20), 5, "…"},
	}
	for _, tt := range tests {
		got := shorten(tt.in, tt.limit)
		if got != tt.want || utf8.RuneCountInString(got) > tt.limit {
			t.Errorf("shorten(%q, %d) = %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}
