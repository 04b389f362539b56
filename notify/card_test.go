package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"steward"
	"steward/notify/notifytest"
)

func cardJSON(t testing.TB, c steward.Content) (raw []byte, fallback string) {
	t.Helper()
	blocks, fallback := SlackBlocks(steward.Letter{Content: c})
	raw, err := json.Marshal(blocks)
	if err != nil {
		t.Fatal(err)
	}
	return raw, fallback
}

// walk calls see for every JSON object in v.
func walk(v any, see func(map[string]any)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			walk(e, see)
		}
	case map[string]any:
		see(v)
		for _, e := range v {
			walk(e, see)
		}
	}
}

func TestCardOfAnOrdinaryFinding(t *testing.T) {
	raw, fallback := cardJSON(t, goodLetter().Content)
	var got []string
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	for _, b := range v.([]any) {
		walk(b, func(m map[string]any) {
			if s, ok := m["text"].(string); ok {
				got = append(got, s)
			}
		})
	}
	want := []string{
		"🟠 Acme GmbH — Logins are dropping",
		"ARR ", "48k €", "   ·   ", "Renews ", "12 May, in 61 days", "   ·   ", "Owner ", "Dana Reyes", "   ·   ", "Open in CRM",
		"Logins fell 64 % in 14 days: 42 → 15 a day", "Last call: 9 March, by Dana",
		"Acme GmbH", " logs in a third as often as two weeks ago.",
		"Call ", "Ines Ott", " (champion).", "Ask whether the ", "rollout", " is done.",
		"From the playbook login-drop. Take it on with: steward ack acme",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("texts of the card, from top to bottom (-want +got):\n%s", diff)
	}
	wantFallback := "🟠 Acme GmbH — Logins are dropping\n" +
		"ARR 48k € · Renews 12 May, in 61 days · Owner Dana Reyes\n" +
		"• Logins fell 64 % in 14 days: 42 → 15 a day\n• Last call: 9 March, by Dana\n" +
		"Acme GmbH logs in a third as often as two weeks ago.\n" +
		"1. Call Ines Ott (champion).\n" +
		"2. Ask whether the rollout (https://crm.example.com/acme/rollout) is done.\n" +
		"From the playbook login-drop. Take it on with: steward ack acme"
	if diff := cmp.Diff(wantFallback, fallback); diff != "" {
		t.Errorf("fallback (-want +got):\n%s", diff)
	}
}

// The one property that no name may break: Slack would take the card, all of
// it within the limits, and what is data stands where Slack reads no markup.
func TestEveryCardKeepsSlacksLimits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := anyLetter().Draw(rt, "letter")
		d := drawing{charts: rapid.Bool().Draw(rt, "charts"), images: map[string]string{}}
		if rapid.Bool().Draw(rt, "images") {
			for _, p := range picturesOf(l) {
				d.images[fingerprint(p)] = "F0123456789"
			}
		}
		blocks, fallback := layOut(l, d)
		raw, err := json.Marshal(blocks)
		if err != nil {
			rt.Fatal(err)
		}
		if err := notifytest.CheckBlocks(raw); err != nil {
			rt.Fatalf("Slack would refuse it: %v", err)
		}
		if n := utf8.RuneCount(raw); n > maxCard {
			rt.Fatalf("the blocks are %d characters", n)
		}
		if n := utf8.RuneCountInString(fallback); n > maxFallback || n == 0 || !utf8.ValidString(fallback) {
			rt.Fatalf("the fallback is %d characters", n)
		}
		if l.Face.Over != "" && oneLine(l.Face.Over) != "" && strings.Contains(string(raw), `"type":"actions"`) {
			rt.Fatal("something can be done with what is over")
		}
		checkInert(rt, raw, fallback)
	})
}

// checkInert: no mrkdwn anywhere, emoji codes off wherever text is plain, and a
// fallback in which Slack's three control characters are escaped.
func checkInert(t reporter, raw []byte, fallback string) {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("the blocks are not JSON: %v", err)
	}
	walk(v, func(m map[string]any) {
		switch m["type"] {
		case "image":
			if m["slack_file"] == nil {
				t.Fatalf("an image from elsewhere: %v", m)
			}
		case "mrkdwn", "emoji", "user", "usergroup", "channel", "broadcast":
			t.Fatalf("an element of type %v", m["type"])
		case "plain_text":
			if m["emoji"] != false {
				t.Fatalf("plain text that turns :fire: into fire: %v", m)
			}
		}
	})
	if strings.ContainsAny(fallback, "<>") || strings.Count(fallback, "&") !=
		strings.Count(fallback, "&amp;")+strings.Count(fallback, "&lt;")+strings.Count(fallback, "&gt;") {
		t.Fatalf("the fallback is not escaped: %.300q", fallback)
	}
}

func TestHostileNamesStayText(t *testing.T) {
	for _, name := range hostileNames {
		c := letterOf(steward.Slack, name).Content
		raw, fallback := cardJSON(t, c)
		if err := notifytest.CheckBlocks(raw); err != nil {
			t.Errorf("%.40q: %v", name, err)
		}
		checkInert(t, raw, fallback)
		if !strings.Contains(string(raw), "MARK") || !strings.Contains(fallback, "MARK") {
			t.Errorf("%.40q: the name itself was lost", name)
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		walk(v, func(m map[string]any) {
			if m["type"] == "link" {
				t.Errorf("%.40q became a link to %v", name, m["url"])
			}
		})
	}
}

// The last fit must hold even where each rune is six characters of JSON, or
// there would be a card that keeps no limit.
func TestTheTightestFitHoldsAnything(t *testing.T) {
	worst := strings.Repeat("<", 5000)
	l := letterOf(steward.Slack, worst)
	c := &l.Content
	c.Link = "https://crm.example.com/?" + strings.Repeat("&", 470)
	c.Page = c.Link
	for len(c.Facts) < 20 {
		c.Facts = append(c.Facts, c.Facts[0])
	}
	c.Parts[0].Say, c.Parts[0].Why, c.Parts[0].Account = worst, worst, worst
	c.Parts[0].Facts, c.Parts[0].Link, c.Parts[0].Page = c.Facts, c.Link, c.Link
	button := steward.Button{Label: worst, Confirm: worst, Target: steward.Target{Verb: "take", Item: strings.Repeat("<", 1500)}}
	face := steward.PartFace{Marks: []string{worst, worst, worst, worst, worst, worst}, Buttons: []steward.Button{button, button, button}}
	for i := range 30 {
		p := c.Parts[0]
		p.AccountID = steward.AccountID(fmt.Sprint(i))
		c.Parts = append(c.Parts, p)
		l.Face.Parts = append(l.Face.Parts, face)
	}
	l.Face.Marks, l.Face.Buttons = face.Marks, face.Buttons
	fits := cardFits()
	for _, over := range []string{"", worst} {
		l.Face.Over = over
		if n := jsonRunes(readCard(*c, l.Face).within(fits[len(fits)-1]).blocks(drawing{})); n > maxCard {
			t.Errorf("the tightest card is %d characters, over %d", n, maxCard)
		}
	}
	tightest := digestFits()
	if n := jsonRunes(readDigest(l).within(tightest[len(tightest)-1]).blocks()); n > maxCard {
		t.Errorf("the tightest digest is %d characters, over %d", n, maxCard)
	}
}

func TestWhatWasLeftOutIsCounted(t *testing.T) {
	c := goodLetter().Content
	c.Account = "Acme & Sons"
	c.Parts[0].Evidence = nil
	for i := range 40 {
		c.Parts[0].Evidence = append(c.Parts[0].Evidence, fmt.Sprintf("Fact %d", i))
	}
	raw, _ := cardJSON(t, c)
	if want := "… (30 more; steward explain 'Acme \\u0026 Sons')"; !strings.Contains(string(raw), want) {
		t.Errorf("no %q in\n%s", want, raw)
	}
	c.Parts[0].Markdown = strings.Repeat("A long sentence that says little. ", 2000)
	raw, fallback := cardJSON(t, c)
	if !strings.Contains(string(raw), "(31 more; ") {
		t.Errorf("cut wording is not counted in\n%s", raw)
	}
	if !strings.HasSuffix(fallback, "more; steward explain 'Acme &amp; Sons')") {
		t.Errorf("the fallback ends with %q", fallback[len(fallback)-60:])
	}
}

// Evidence gives way before wording does: the CSM needs to know what to do.
func TestEvidenceGivesWayFirst(t *testing.T) {
	c := goodLetter().Content
	words := strings.TrimSpace(strings.Repeat("word ", 300))
	part := steward.ContentPart{Title: "More", Markdown: words}
	for i := range 10 {
		part.Evidence = append(part.Evidence, fmt.Sprintf("%d %s", i, strings.Repeat("x", 250)))
	}
	c.Parts = []steward.ContentPart{part, part, part}
	raw, _ := cardJSON(t, c)
	if n := strings.Count(string(raw), words); n != 3 {
		t.Errorf("%d of 3 wordings are whole", n)
	}
	if n := strings.Count(string(raw), strings.Repeat("x", 250)); n == 0 || n == 30 {
		t.Errorf("%d of 30 sentences of evidence are there; some should be, not all", n)
	}
}

func TestHeading(t *testing.T) {
	long := strings.Repeat("n", 200)
	tests := []struct{ severity, account, title, want string }{
		{"critical", "Acme", "No logins", "🔴 Acme — No logins"},
		{"info", "Acme", "No logins", "Acme — No logins"},
		{"", "", "No logins", "No logins"},
		{"warning", "Acme", "", "🟠 Acme"},
		{"", "", "", "A message from Steward"},
		{"", long, "No logins", strings.Repeat("n", 137) + "… — No logins"},
		{"", "Acme", long, "Acme — " + strings.Repeat("n", 89) + "…"},
	}
	for _, tt := range tests {
		got := cardHeading(steward.Content{Severity: tt.severity, Account: tt.account, Title: tt.title})
		if got != tt.want || utf8.RuneCountInString(got) > maxHeader {
			t.Errorf("heading of %.20q, %.20q: %q, want %q", tt.account, tt.title, got, tt.want)
		}
	}
}

func TestShellWords(t *testing.T) {
	for in, want := range map[string]string{"acme-1": "acme-1", "Acme GmbH": "'Acme GmbH'", "O'Neil; rm -rf": `'O'\''Neil; rm -rf'`, "$(x)": "'$(x)'"} {
		if got := shellWord(in); got != want {
			t.Errorf("shellWord(%q) = %s, want %s", in, got, want)
		}
	}
}

func BenchmarkSlackBlocks(b *testing.B) {
	c := goodLetter().Content
	for b.Loop() {
		SlackBlocks(steward.Letter{Content: c})
	}
}
