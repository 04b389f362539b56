package notify

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/notify/notifytest"
)

// target is what a card's buttons are about here.
func about(v steward.Verb) steward.Target {
	return steward.Target{Verb: v, Message: "m-0123456789abcdef", Enrolment: "e-0123456789abcdef"}
}

// usual is the buttons that a card has.
func usual() []steward.Button {
	return []steward.Button{
		{Label: "Take it", Style: "primary", Target: about(steward.VerbTake)},
		{Label: "Snooze", Target: about(steward.VerbSnooze), Options: []steward.Option{{Value: "1d", Label: "Until the next working day"}, {Value: "1w", Label: "For a week"}}},
		{Label: "Done", Target: about(steward.VerbDone)},
		{Label: "Not useful", Target: about(steward.VerbNotUseful), Confirm: "This ends it.", Options: []steward.Option{{Value: "wrong_data", Label: "Wrong data"}, {Value: "bad_timing", Label: "Bad timing"}}},
		{Label: "Open the page", Link: "https://steward.example.com/a"},
	}
}

// pressed is what every click on a card brings back, by what it says on it.
func pressed(t *testing.T, l steward.Letter) map[string]string {
	t.Helper()
	blocks, _ := SlackBlocks(l)
	raw, err := json.Marshal(blocks)
	if err != nil {
		t.Fatal(err)
	}
	if err := notifytest.CheckBlocks(raw); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	text := func(v any) string {
		m, _ := v.(map[string]any)
		s, _ := m["text"].(string)
		return s
	}
	walk(v, func(m map[string]any) {
		id, ok := m["action_id"].(string)
		if !ok {
			return
		}
		came := func(label, value, picked string) {
			target, choice, err := ReadAction(id, value, picked)
			if err != nil {
				t.Errorf("%s: %v", label, err)
			}
			out[label] = strings.TrimSpace(string(target.Verb) + " " + string(target.Enrolment) + " " + choice)
		}
		options, menu := m["options"].([]any)
		if !menu {
			value, _ := m["value"].(string)
			came(text(m["text"]), value, "")
		}
		for _, o := range options {
			o := o.(map[string]any)
			came(strings.TrimPrefix(text(m["placeholder"])+"/"+text(o["text"]), "/"), "", o["value"].(string))
		}
	})
	return out
}

func TestWhatCanBeDoneWithACard(t *testing.T) {
	l := goodLetter()
	l.Face.Buttons = usual()
	want := map[string]string{
		"Take it": "take e-0123456789abcdef", "Done": "done e-0123456789abcdef", "Open the page": "",
		"Snooze/Until the next working day": "snooze e-0123456789abcdef 1d", "Snooze/For a week": "snooze e-0123456789abcdef 1w",
		"Not useful/Wrong data": "not_useful e-0123456789abcdef wrong_data", "Not useful/Bad timing": "not_useful e-0123456789abcdef bad_timing",
	}
	if diff := cmp.Diff(want, pressed(t, l)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	l.Face = steward.Face{Parts: []steward.PartFace{{Buttons: usual()}}}
	if diff := cmp.Diff(want, pressed(t, l)); diff != "" {
		t.Errorf("on a part (-want +got):\n%s", diff)
	}
	l.Face.Over = "Recovered"
	if got := pressed(t, l); len(got) != 0 {
		t.Errorf("with what is over can be done: %v", got)
	}
}

// A button that cannot carry what it is about is not there: a card never does
// something else than it says.
func TestButtonsWithoutRoomAreLeftOut(t *testing.T) {
	l := goodLetter()
	long := strings.Repeat("x", 2100)
	l.Face.Buttons = []steward.Button{
		{Label: "Fits", Target: about("take")},
		{Label: "Too much", Target: steward.Target{Verb: "look", Item: long}},
		{Label: "Menu", Target: steward.Target{Verb: "look", Item: long}, Options: []steward.Option{{Value: "a", Label: "A"}}},
		{Label: "No room for this choice", Target: about("done"), Options: []steward.Option{{Value: long, Label: "A"}, {Value: "b", Label: "B"}, {Value: "b", Label: "B again"}}},
		{Label: "", Target: about("take")},
		{Label: "Link", Link: "javascript:alert(1)"},
	}
	want := map[string]string{"Fits": "take e-0123456789abcdef", "No room for this choice/B": "done e-0123456789abcdef b"}
	if diff := cmp.Diff(want, pressed(t, l)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Slack keeps showing what was picked in a menu while the block's id stays.
func TestAChangedCardHasOtherBlocks(t *testing.T) {
	ids := func(buttons []steward.Button) (out string) {
		l := goodLetter()
		l.Face.Buttons = buttons
		blocks, _ := SlackBlocks(l)
		return blocks[len(blocks)-1].ID()
	}
	same, less := ids(usual()), ids(usual()[1:])
	if same != ids(usual()) || same == less || !strings.HasPrefix(same, "do-") {
		t.Errorf("the block of buttons is %s, and %s with fewer", same, less)
	}
}

func TestNobodyHearsAMutedCard(t *testing.T) {
	s, server, _ := slackSetup(t)
	s.cfg.Mute = true
	l := goodLetter()
	l.Face = steward.Face{Buttons: usual(), Parts: []steward.PartFace{{Buttons: usual(), Marks: []string{"Taken by Dana Reyes"}}}}
	if _, err := s.Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	got := string(server.Posts()[0].Blocks)
	if strings.Contains(got, `"Take it"`) || strings.Contains(got, "static_select") || strings.Count(got, "Open the page") != 2 || !strings.Contains(got, "Taken by Dana Reyes") {
		t.Errorf("a card that nobody hears of has %s", got)
	}
	if len(l.Face.Parts[0].Buttons) != 5 {
		t.Error("the letter was changed")
	}
}

// What people see of a card, line by line, as it stands at each point of its life.
func TestTheFacesOfACard(t *testing.T) {
	texts := func(l steward.Letter) []string {
		blocks, _ := SlackBlocks(l)
		raw, _ := json.Marshal(blocks)
		var v []any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, b := range v {
			line := ""
			walk(b, func(m map[string]any) {
				if s, ok := m["text"].(string); ok {
					line += s
				}
			})
			out = append(out, b.(map[string]any)["type"].(string)+": "+line)
		}
		return out
	}
	l := picturedLetter()
	l.Content.Page = "https://steward.example.com/accounts/acme"
	l.Content.Facts = []steward.LabelledText{{Label: "ARR", Text: "48k €"}, {Label: "Talk to", Text: "Ines Ott (champion), last spoken to 12 days ago by Dana Reyes"}}
	l.Content.Parts[0].Markdown, l.Content.Parts[0].Evidence = "Call **them**.", []string{"Logins fell 64 %"}
	l.Content.Parts[0].Say, l.Content.Footer = "What has changed?", "Small print."
	l.Face = steward.Face{Marks: []string{"Taken by Dana Reyes on 12 March", "Snoozed until 19 March"}, Buttons: usual()[2:3]}
	want := []string{
		"header: 🟠 Acme GmbH — Logins are dropping",
		"context: Taken by Dana Reyes on 12 March  ·  Snoozed until 19 March",
		"rich_text: ARR 48k €   ·   Open in CRM   ·   Account page\nTalk to Ines Ott (champion), last spoken to 12 days ago by Dana Reyes",
		"rich_text: Logins fell 64 %Call them.",
		"rich_text: " + Sparkline(l.Content.Parts[0].Picture.Values) + "  Logins a day: 42 from 1 July on, 13 in the last week.",
		"rich_text: Say: What has changed?",
		"actions: Done",
	}
	if diff := cmp.Diff(want, texts(l)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	l.Face.Buttons = nil // where nobody hears of a click, the small print says by which command
	if got := texts(l); got[len(got)-1] != "context: Small print." {
		t.Errorf("without buttons the card ends with %q", got[len(got)-1])
	}
	l.Face = steward.Face{Over: "Recovered on 25 March: logins are back at 96% of what was before", Marks: []string{"Taken by Dana Reyes on 12 March"}, Buttons: usual()}
	want = []string{
		"header: ✓ Acme GmbH — Logins are dropping",
		"rich_text: Recovered on 25 March: logins are back at 96% of what was before   ·   Open in CRM   ·   Account page",
		"context: Taken by Dana Reyes on 12 March",
		"context: Logins fell 64 %",
	}
	if diff := cmp.Diff(want, texts(l)); diff != "" {
		t.Errorf("over (-want +got):\n%s", diff)
	}
}

// A mail that waits for somebody's word is shown to its last word.
func TestAnApprovalShowsTheWholeMail(t *testing.T) {
	words := strings.Fields(strings.Repeat("every word of it counts ", 300))
	for i := range words {
		words[i] += strings.Repeat("i", i%3)
	}
	var paragraphs []string
	for i := 0; i < len(words); i += 60 {
		paragraphs = append(paragraphs, "> "+strings.Join(words[i:min(i+60, len(words))], " "))
	}
	l := goodLetter()
	l.Message.Kind = steward.Approval
	l.Content.Parts = []steward.ContentPart{{Title: "Offer help", Markdown: "It goes out once somebody approves it:\n\n" + strings.Join(paragraphs, "\n>\n")}}
	l.Face.Buttons = usual()[:1]
	blocks, _ := SlackBlocks(l)
	raw, _ := json.Marshal(blocks)
	if err := notifytest.CheckBlocks(raw); err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	shown := ""
	walk(v, func(m map[string]any) {
		if s, ok := m["text"].(string); ok {
			shown += s + " "
		}
	})
	if got, want := strings.Join(strings.Fields(shown), ""), strings.Join(words, ""); !strings.Contains(got, want) {
		t.Errorf("the mail of %d characters is not shown whole in %d", len(want), len(got))
	}
	if strings.Contains(shown, "more;") {
		t.Error("something was left out")
	}
}
