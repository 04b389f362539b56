package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"steward"
	"steward/notify/notifytest"
)

func digestLetter(accounts, items int) steward.Letter {
	l := goodLetter()
	l.Message.Kind = steward.Digest
	l.Content = steward.Content{Title: "Your morning", Page: "https://steward.example.com/mine", Footer: "What would have been more than 5 cards today."}
	for a := range accounts {
		for i := range items {
			l.Content.Parts = append(l.Content.Parts, steward.ContentPart{
				Account: fmt.Sprintf("Account %d", a), AccountID: steward.AccountID(fmt.Sprint(a)), Facts: []steward.LabelledText{{Label: "ARR", Text: "48k €"}, {Label: "Talk to", Text: "Ines Ott (champion), last spoken to 12 days ago by Dana Reyes"}},
				Page: "https://steward.example.com/accounts/1", Severity: []string{"info", "warning"}[i%2], Title: fmt.Sprintf("Finding %d", i),
				Evidence: []string{"logins fell 64% in 14 days: 42 → 15 a day", "no call for 40 days"}, Why: "over your 5 cards a day", Enrolment: steward.EnrolmentID(fmt.Sprintf("e-%d-%d", a, i)),
			})
			face := steward.PartFace{Buttons: usual()}
			for b := range face.Buttons {
				face.Buttons[b].Target.Enrolment = steward.EnrolmentID(fmt.Sprintf("e-%d-%d", a, i))
			}
			l.Face.Parts = append(l.Face.Parts, face)
		}
	}
	return l
}

func TestADigestIsGroupedByAccount(t *testing.T) {
	l := digestLetter(2, 2)
	l.Face.Parts[1].Marks = []string{"Taken by Dana Reyes"}
	_, fallback := SlackBlocks(l)
	want := `Your morning
Account 0  ARR 48k €
• Finding 0 · over your 5 cards a day
logins fell 64% in 14 days: 42 → 15 a day
no call for 40 days
• 🟠 Finding 1 · over your 5 cards a day
logins fell 64% in 14 days: 42 → 15 a day
no call for 40 days
› Taken by Dana Reyes
Account 1  ARR 48k €`
	if !strings.HasPrefix(fallback, want) {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, fallback))
	}
	// Of each item its own comes back; what asks first has no place in a menu.
	got := pressed(t, l)
	if got["What to do/Take it"] == "" && got["Take it"] == "" {
		t.Errorf("nothing can be taken: %v", got)
	}
	for label := range got {
		if strings.Contains(label, "Not useful") {
			t.Errorf("%s is in a menu, and would not be asked first", label)
		}
	}
}

// What is about no one account is a list under its heading, a line an item, and
// one block.
func TestADigestListsWhatIsAboutNoOneAccount(t *testing.T) {
	l := digestLetter(1, 1)
	for _, name := range []string{"Old Mill & Sons", "Tern <!channel>"} {
		l.Content.Parts = append(l.Content.Parts, steward.ContentPart{Account: "At risk", Title: name, Evidence: []string{"health 31, red"}})
	}
	l.Content.Parts = append(l.Content.Parts, steward.ContentPart{Account: "At risk", Title: "and 3 more"})
	blocks, _ := SlackBlocks(l)
	raw, err := json.Marshal(blocks)
	if err != nil {
		t.Fatal(err)
	}
	if err := notifytest.CheckBlocks(raw); err != nil {
		t.Error(err)
	}
	list, ok := blocks[len(blocks)-2].(*slack.RichTextBlock)
	if !ok || len(list.Elements) != 2 {
		t.Fatalf("before the footer stands %+v", blocks[len(blocks)-2])
	}
	var lines []string
	for _, el := range list.Elements[1].(*slack.RichTextList).Elements {
		line := ""
		for _, piece := range el.(*slack.RichTextSection).Elements {
			line += piece.(*slack.RichTextSectionTextElement).Text
		}
		lines = append(lines, line)
	}
	if diff := cmp.Diff([]string{"Old Mill & Sons · health 31, red", "Tern <!channel> · health 31, red", "and 3 more"}, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMenusOfADigestAreAboutTheirItem(t *testing.T) {
	l := digestLetter(1, 1)
	l.Face.Parts[0].Buttons[3].Confirm = ""
	l.Face.Parts[0].Buttons[2].Target.Task = "o-1"
	want := map[string]string{}
	for label, came := range map[string]string{"Take it": "take e-0-0", "Snooze: until the next working day": "snooze e-0-0 1d", "Snooze: for a week": "snooze e-0-0 1w",
		"Done": "done e-0-0", "Not useful: wrong data": "not_useful e-0-0 wrong_data", "Not useful: bad timing": "not_useful e-0-0 bad_timing"} {
		want["What to do/"+label] = came
	}
	if diff := cmp.Diff(want, pressed(t, l)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	l.Face.Parts[0].Buttons = append(usual()[:1], steward.Button{Label: "Of another", Target: steward.Target{Verb: "take", Enrolment: "e-9"}})
	if diff := cmp.Diff(map[string]string{"Take it": "take e-0123456789abcdef"}, pressed(t, l)); diff != "" {
		t.Errorf("a menu about two matters (-want +got):\n%s", diff)
	}
}

// However much there is to say, Slack takes it, and what is not shown is counted.
func TestALongDigestIsCounted(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {5, 1}, {10, 2}, {60, 1}, {30, 10}} {
		l := digestLetter(size[0], size[1])
		cut, blocks := readDigest(l).fitted()
		raw, _ := json.Marshal(blocks)
		if err := notifytest.CheckBlocks(raw); err != nil {
			t.Errorf("%v: %v", size, err)
		}
		shown := 0
		for _, a := range cut.accounts {
			shown += len(a.items)
		}
		left := 0
		_, _ = fmt.Sscanf(cut.note, "… and %d more", &left)
		if shown+left != size[0]*size[1] || shown < min(10, size[0]*size[1]) {
			t.Errorf("%v: %d shown, and %q", size, shown, cut.note)
		}
	}
}
