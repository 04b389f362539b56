package notify

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"steward"
	"steward/notify/notifytest"
)

// Whatever is asked for, Slack opens the form, and what is filled in comes back
// under the names of its fields, about the same thing.
func TestFormsComeBackAsTheyWereFilledIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawForm(t)
		card := rapid.SampledFrom([]string{"", "D0DANA/1767600000.000001"}).Draw(t, "card")
		view, err := FormView(f, card, "https://hooks.slack.com/actions/T0/1/abc")
		if err != nil {
			t.Fatalf("the form cannot be laid out: %v", err)
		}
		raw, err := json.Marshal(view)
		if err != nil {
			t.Fatal(err)
		}
		if err := notifytest.CheckForm(raw); err != nil {
			t.Fatalf("Slack would not open it: %v\n%s", err, raw)
		}
		want := fill(t, f)
		payload := submission(t, raw, want)
		got, err := readInteraction(payload, begun)
		if err != nil {
			t.Fatalf("what was filled in cannot be read: %v\n%s", err, payload)
		}
		g := got.gesture
		maps.DeleteFunc(want, func(_, v string) bool { return v == "" })
		if diff := cmp.Diff(want, g.Values); diff != "" {
			t.Fatalf("other values came back (-filled in +read):\n%s", diff)
		}
		if diff := cmp.Diff(f.Target, g.Target); diff != "" || !g.Sent || g.Card != card || g.Verb != f.Target.Verb {
			t.Fatalf("it came back about something else (sent %v, card %q):\n%s", g.Sent, g.Card, diff)
		}
	})
}

func drawForm(t *rapid.T) steward.Form {
	text := func(what string, most int) string {
		return rapid.OneOf(rapid.StringN(0, most, -1), rapid.Just(strings.Repeat("W", most)), rapid.SampledFrom([]string{"", "<!channel> & *x*", "Übergröße\r\n\u202ex"})).Draw(t, what)
	}
	f := steward.Form{Title: text("title", 60), Submit: text("submit", 60), Intro: text("intro", 4000),
		Target: steward.Target{Verb: "done", Message: "m-1", Enrolment: "e-1", Item: text("item", 40)}}
	for i := range rapid.IntRange(1, 6).Draw(t, "fields") {
		field := steward.FormField{Name: string(rune('a' + i)), Label: text("label", 2500), Hint: text("hint", 2500), Optional: rapid.Bool().Draw(t, "optional"),
			Kind: rapid.SampledFrom([]steward.FieldKind{steward.ShortText, steward.LongText, steward.OneOf, steward.ADate}).Draw(t, "kind")}
		switch field.Kind {
		case steward.OneOf:
			for range rapid.IntRange(1, 130).Draw(t, "options") {
				field.Options = append(field.Options, steward.Option{Value: rapid.StringN(1, 20, -1).Draw(t, "value"), Label: text("option", 100)})
			}
			field.Value = rapid.SampledFrom(field.Options).Draw(t, "initial").Value
		case steward.ADate:
			field.Value = rapid.SampledFrom([]string{"", "2026-11-30", "tomorrow"}).Draw(t, "date")
		default:
			field.Value = text("initial", 3000)
		}
		f.Fields = append(f.Fields, field)
	}
	return f
}

// fill is something for every field.
func fill(t *rapid.T, f steward.Form) map[string]string {
	out := map[string]string{}
	for _, field := range f.Fields {
		switch field.Kind {
		case steward.OneOf:
			out[field.Name] = field.Value // what is picked at first stays on the list, however long that is
		case steward.ADate:
			out[field.Name] = "2026-12-24"
		default:
			out[field.Name] = rapid.StringN(1, 200, -1).Draw(t, "filled")
		}
	}
	return out
}

// submission is what Slack tells of a form that was filled in.
func submission(t interface{ Fatal(...any) }, view []byte, values map[string]string) []byte {
	state, err := notifytest.FillIn(view, values)
	if err != nil {
		t.Fatal("it cannot be filled in: ", err)
	}
	var v map[string]any
	if err := json.Unmarshal(view, &v); err != nil {
		t.Fatal(err)
	}
	v["id"], v["hash"], v["state"] = "V1", "1.a", map[string]any{"values": state}
	payload, err := json.Marshal(map[string]any{"type": "view_submission", "team": map[string]any{"id": "T0"}, "user": map[string]any{"id": "U0DANA", "team_id": "T0"}, "trigger_id": "1.2.3", "view": v})
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// A text that is to be edited is never cut: what came back would be cut, too.
func TestATextTooLongToEditIsNotCut(t *testing.T) {
	f := steward.Form{Target: steward.Target{Verb: steward.VerbRewrite}, Fields: []steward.FormField{{Name: "body", Label: "Text", Kind: steward.LongText, Value: strings.Repeat("ü", 3001)}}}
	_, err := FormView(f, "", "")
	if err == nil || !strings.Contains(err.Error(), "Text is too long to be edited in Slack: 3001 characters, of 3000") {
		t.Errorf("got %v", err)
	}
	f.Fields[0].Value = strings.Repeat("ü", 3000)
	if _, err := FormView(f, "", ""); err != nil {
		t.Errorf("3,000 characters fit, but: %v", err)
	}
}

// What the form is about comes back even where there is no room for the rest.
func TestAFormKeepsWhatItIsAbout(t *testing.T) {
	target := steward.Target{Verb: steward.VerbDone, Item: strings.Repeat("i", 2900)}
	about, err := writeFormAbout(target, "D0DANA/1.2", "https://hooks.slack.com/actions/"+strings.Repeat("x", 200))
	if err != nil || utf8.RuneCountInString(about) > 3000 {
		t.Fatalf("%d characters, %v", utf8.RuneCountInString(about), err)
	}
	got, err := readFormAbout(about)
	if err != nil || got.target != target || got.Card != "D0DANA/1.2" || got.Answers != "" {
		t.Errorf("read %+v, %v", got, err)
	}
	if _, err := writeFormAbout(steward.Target{Verb: steward.VerbDone, Item: strings.Repeat("i", 3000)}, "", ""); err == nil {
		t.Error("3,000 characters and a verb do not fit, and nothing was said")
	}
	for _, bad := range []string{"", "{}", `{"t":{}}`, `{"t":{"v":""}}`, "[]"} {
		if _, err := readFormAbout(bad); err == nil {
			t.Errorf("%q was read as what a form is about", bad)
		}
	}
}

func TestWrongFieldsAreNamed(t *testing.T) {
	for _, c := range []struct {
		name  string
		wrong map[string]string
		asked []string
		want  map[string]string
	}{
		{"its own", map[string]string{"b": "Too long."}, []string{"a", "b"}, map[string]string{"b": "Too long."}},
		{"of no field", map[string]string{"": "It has changed.", "a": "Empty."}, []string{"a", "b"}, map[string]string{"a": "It has changed. Empty."}},
		{"without fields", map[string]string{"a": "Empty."}, nil, nil},
	} {
		if diff := cmp.Diff(c.want, formWrong(c.wrong, c.asked)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
