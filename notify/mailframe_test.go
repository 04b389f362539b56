package notify

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"steward"
)

var update = flag.Bool("update", false, "write the golden files of mails anew")

// fullMail is a letter that has everything a letter can have.
func fullMail() steward.Letter {
	l := goodMail()
	l.Message.To.Name = "Marta Kowalska"
	l.Content = steward.Content{
		Title: "Kestrel Travel: is something in the way?", From: "Dana Reyes", ReplyTo: "dana@example.com", Locale: "en",
		Signature: []string{"Dana Reyes", "Customer Success Manager"},
		Footer:    "You get this mail as a contact of ours at Kestrel Travel.\nExample GmbH, Musterstraße 1, 10115 Berlin",
		Parts: []steward.ContentPart{{Markdown: strings.Join([]string{
			"Hi Marta,",
			"I noticed that your team has been in the product a good deal less over the past two weeks. There may be a perfectly good reason, so this is only to ask: has something *changed*, or is something in the way?",
			"Three things that helped others lately:",
			"- [Sharing one dashboard](https://help.example.com/share) with the whole team instead of a screenshot each Monday, which went out of date by Tuesday\n- A **weekly summary** by mail\n  1. open *Settings*\n  2. switch on `summary: weekly`",
			"Your colleague wrote on Friday:",
			"> We only need the monthly numbers by the third of each month, and nobody has time to look for them in five places.",
			"```\nsummary: weekly\nto: team@kestrel.example\n```",
			"---",
			"### If it helps",
			"I am glad to take twenty minutes with you, or with [whoever uses it most](mailto:dana@example.com). And if it is simply a quiet month, tell me so and I will leave you in peace.",
			"Best,\\\nDana",
		}, "\n\n")}},
	}
	return l
}

func bodyOf(l steward.Letter) mailBody {
	return mailBody{content: l.Content, unsubscribe: "https://steward.example.com/u/m-abcdefgh23456723.wuiljzUwHj3"}
}

// The plain half is read by people too; how it looks is kept.
func TestPlainMailReadsWell(t *testing.T) {
	for name, l := range map[string]steward.Letter{"mail-full": fullMail(), "mail-german": goodMail(), "mail-card": letterOf(steward.Email, "Acme GmbH")} {
		got := bodyOf(l).plain()
		file := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%v; go test ./notify -run PlainMail -update writes it", err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, line := range strings.Split(got, "\n") {
			if len([]rune(line)) > 78 && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%s: a line that could be broken is %d wide: %q", name, len([]rune(line)), line)
			}
		}
	}
}

// unflowed reads format=flowed as RFC 3676 says programs do.
func unflowed(text string) string {
	var out []string
	open, quote := false, false
	for _, line := range strings.Split(text, "\n") {
		quoted := strings.HasPrefix(line, ">")
		if quoted {
			line = strings.TrimLeft(line, ">")
		}
		line = strings.TrimPrefix(line, " ")
		mark := line == signatureMark && !quoted
		if open && !mark && quoted == quote {
			out[len(out)-1] += line
		} else {
			if quoted {
				out = append(out, "> "+line)
			} else {
				out = append(out, line)
			}
		}
		open, quote = strings.HasSuffix(line, " ") && !mark, quoted
	}
	return strings.Join(out, "\n")
}

// What is wrapped reads as it did before where lines flow.
func TestFlowedTextFlowsBack(t *testing.T) {
	words := strings.Repeat("word and another, ", 12) + "end."
	for _, text := range []string{"", "short", words, "> " + words, "- " + words + "\n- b", words + "\n\n" + words, "From here on " + words, "  1. " + words,
		"    code that is " + words, "-- \nDana\n" + words, strings.Repeat("https://example.com/", 12) + " " + words, ">", "a\n\n-- \nb", "- - " + words} {
		got := unflowed(flowed(text))
		if got != strings.ReplaceAll(text, ">\n", "> \n") && got != text && got != text+" " {
			t.Errorf("%q\nflows back as\n%q", text, got)
		}
		for _, line := range strings.Split(flowed(text), "\n") {
			if len(line) > 78 && strings.Count(strings.TrimSpace(line), " ") > 0 && !strings.Contains(line, "    code") {
				t.Errorf("%d wide: %q", len(line), line)
			}
		}
	}
}

var (
	tableTag  = regexp.MustCompile(`<table [^>]*>`)
	hexColour = regexp.MustCompile(`#[0-9a-f]{6}`)
)

// luminance and contrast are WCAG's.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	part := func(i int) float64 {
		n, err := strconv.ParseUint(hex[i:i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(1) + 0.7152*part(3) + 0.0722*part(5)
}

func contrast(t *testing.T, a, b string) float64 {
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// colourOf is what a style attribute's property says; "" where it does not.
func colourOf(attributes, property string) string {
	m := regexp.MustCompile(`[";]` + property + `:(#[0-9a-f]{6})`).FindStringSubmatch(attributes)
	if m == nil {
		return ""
	}
	return m[1]
}

// What mail programs need of a layout, and what they choke on.
func TestTheLayoutIsOneThatMailProgramsKeep(t *testing.T) {
	page := bodyOf(fullMail()).html()
	checkHTML(t, strings.NewReplacer(wordOpen, "", wordClose, "").Replace(page[strings.Index(page, bodyOpen)+len(bodyOpen):strings.Index(page, "</body>")]))
	for _, tag := range tableTag.FindAllString(page, -1) {
		if tag = strings.ReplaceAll(tag, `\"`, `"`); !strings.Contains(tag, `role="presentation"`) || !strings.Contains(tag, `cellpadding="0"`) {
			t.Errorf("a layout table that a screen reader would announce, or with gaps: %s", tag)
		}
	}
	for _, bad := range []string{"<script", "<form", "<img", "<link", "<iframe", "javascript:", "@import", "url(", "position:", "float:", "display:flex", "display:grid", "var(--"} {
		if strings.Contains(page, bad) {
			t.Errorf("there is %s in it", bad)
		}
	}
	for _, piece := range []string{`<meta name="color-scheme" content="light dark">`, `width="600"`, "max-width:600px", "prefers-color-scheme:dark", "[data-ogsc] .st-text", "<!--[if mso]>", `lang="en"`, "display:none", "mso-hide:all"} {
		if !strings.Contains(page, piece) {
			t.Errorf("there is no %s in it", piece)
		}
	}
	// A sheet with attribute selectors stands alone: what drops it drops no other.
	first, second, _ := strings.Cut(page[strings.Index(page, "<style>\n"):], "</style>")
	if strings.Contains(first, "[data-") || strings.Contains(second, "@media") {
		t.Error("the sheets are mixed")
	}
	for _, class := range regexp.MustCompile(`class="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(first, "."+class[1]+"{") {
			t.Errorf("nothing is said about .%s", class[1])
		}
	}
}

// Gmail cuts off what is longer than 102 KB, and the link to unsubscribe with it.
func TestEvenALongLetterIsShortEnough(t *testing.T) {
	l := fullMail()
	one := l.Content.Parts[0].Markdown
	if n := len(bodyOf(l).html()); n > 16<<10 {
		t.Errorf("an ordinary letter is %d bytes", n)
	}
	l.Content.Parts[0].Markdown = strings.Repeat(one+"\n\n", 20) // some 3,500 words
	if n := len(bodyOf(l).html()); n > 102_000 {
		t.Errorf("a very long letter is %d bytes", n)
	}
}

// Every colour that text stands in can be read, in the light and in the dark.
func TestColoursCanBeRead(t *testing.T) {
	inTheDark := func(class, property string) string {
		for _, d := range dark {
			if d.class == class && d.property == property {
				return d.colour
			}
		}
		t.Errorf("nothing is said about the %s of .%s in the dark", property, class)
		return "#000000"
	}
	page := bodyOf(fullMail()).html() + bodyOf(letterOf(steward.Email, "Acme GmbH")).html()
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`<[a-z0-9]+ [^>]*style="[^"]*"`).FindAllString(page, -1) {
		ink, paper := colourOf(m, "color"), colourOf(m, "background-color")
		class := ""
		if c := regexp.MustCompile(`class="([^"]*)"`).FindStringSubmatch(m); c != nil {
			class = c[1]
		}
		switch {
		case strings.Contains(m, "display:none"):
			continue
		case (ink != "" || paper != "" || hexColour.MatchString(m)) && class == "":
			t.Errorf("a colour that the dark cannot turn round: %s", m)
			continue
		case seen[class]:
			continue
		}
		seen[class] = true
		if ink != "" {
			if c := contrast(t, ink, "#ffffff"); c < 4.5 {
				t.Errorf(".%s: %s on white is %.1f", class, ink, c)
			}
			if c := contrast(t, inTheDark(class, "color"), inTheDark("st-page", "background-color")); c < 4.5 {
				t.Errorf(".%s in the dark is %.1f", class, c)
			}
		}
		if paper != "" && class != "st-page" {
			if c := contrast(t, "#1f2328", paper); c < 4.5 {
				t.Errorf("ink on .%s is %.1f", class, c)
			}
			if c := contrast(t, inTheDark("st-text", "color"), inTheDark(class, "background-color")); c < 4.5 {
				t.Errorf("ink on .%s in the dark is %.1f", class, c)
			}
		}
	}
	if len(seen) < 7 {
		t.Errorf("only %d kinds of text were looked at", len(seen))
	}
}

func TestAPreheaderSaysMoreThanAGreeting(t *testing.T) {
	for md, want := range map[string]string{
		"Hi Marta,\n\nI noticed *that* [it](https://x.example) fell.": "I noticed that it fell.",
		"Did it work?\n\nYes.": "Did it work?",
		"Liebe Inès!\n\n- a\n- b\n\n" + strings.Repeat("lang ", 40): strings.Repeat("lang ", 21) + "lang…",
		"": "",
	} {
		l := goodMail()
		l.Content.Parts[0].Markdown = md
		if got := bodyOf(l).preheader(); got != want {
			t.Errorf("%.30q: %q, want %q", md, got, want)
		}
	}
}

func TestALetterThatEndsWithTheNameIsNotSignedTwice(t *testing.T) {
	l := goodMail()
	l.Content.Parts[0].Markdown = "Hi,\n\nwords.\n\nDana Reyes"
	if plain := bodyOf(l).plain(); strings.Count(plain, "Dana Reyes") != 1 || !strings.Contains(plain, "\n-- \nKundenbetreuung\n") {
		t.Errorf("signed:\n%s", plain)
	}
}
