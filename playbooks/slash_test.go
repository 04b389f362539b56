package playbooks_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"steward"
)

func commands(t testing.TB) *world {
	set := settings()
	w := newWorld(t, load(t, set, nil, drop(""), byHand), customer("a"), customer("b"), customer("west"))
	w.Accounts[0].Name, w.Accounts[1].Name, w.Accounts[2].Name = "Acme Corp", "Acme Labs", "Why Not Ltd"
	return w
}

// What is written after the command is taken apart into a verb, an account and
// what else it names, however it is spelt.
func TestUnderstand(t *testing.T) {
	s := commands(t).at(six(day0 + 1))
	for words, want := range map[string]struct {
		verb     steward.Verb
		account  steward.AccountID
		playbook steward.PlaybookName
		values   map[string]string
	}{
		"":                          {verb: steward.VerbHelp},
		"  HELP ":                   {verb: steward.VerbHelp},
		"mine":                      {verb: steward.VerbMine},
		"why":                       {verb: steward.VerbHelp},
		"acme corp":                 {verb: steward.VerbLook, account: "a"},
		"ACME  labs":                {verb: steward.VerbLook, account: "b"},
		"labs":                      {verb: steward.VerbLook, account: "b"},
		"west":                      {verb: steward.VerbLook, account: "west"},
		"why a drop":                {verb: steward.VerbWhy, account: "a", playbook: "drop"},
		"why acme corp dorp":        {verb: steward.VerbWhy, account: "a", playbook: "drop"},
		"why acme corp":             {verb: steward.VerbWhy, account: "a"},
		"why why not":               {verb: steward.VerbWhy, account: "west"},
		"start acme labs care":      {verb: steward.VerbStart, account: "b", playbook: "care"},
		"pulse acme corp 4":         {verb: steward.VerbPulse, account: "a", values: map[string]string{"choice": "4"}},
		"pulse acme corp":           {verb: steward.VerbPulse, account: "a"},
		"silence a 2w BECAUSE they": {verb: steward.VerbSilence, account: "a", values: map[string]string{"until": "2w", "because": "they"}},
		"silence acme corp because of the merger in May": {verb: steward.VerbSilence, account: "a", values: map[string]string{"because": "of the merger in May"}},
		"stop a care because it is settled":              {verb: steward.VerbStop, account: "a", playbook: "care", values: map[string]string{"because": "it is settled"}},
	} {
		verb, target, values, unclear := s.Understand(words)
		if unclear != nil || verb != want.verb || target.Account != want.account || target.Playbook != want.playbook {
			t.Errorf("%q is %s of %+v, %+v", words, verb, target, unclear)
		}
		for k, v := range want.values {
			if values[k] != v {
				t.Errorf("%q: %s is %q, want %q", words, k, values[k], v)
			}
		}
		if len(values) != len(want.values) {
			t.Errorf("%q: values %v", words, values)
		}
	}
	if _, _, _, unclear := s.Understand("acme"); unclear == nil || unclear.Content == nil || len(unclear.Face.Buttons[0].Options) != 2 {
		t.Errorf("of two that are called so: %+v", unclear)
	}
	if _, _, _, unclear := s.Understand("acme crop"); unclear == nil || !strings.Contains(unclear.Text, "Did you mean Acme Corp?") {
		t.Errorf("of a name that is misspelt: %+v", unclear)
	}
}

// Whatever is written, it is understood or answered, and what comes of it is
// decided without a panic.
func FuzzUnderstand(f *testing.F) {
	for _, words := range []string{"", "why a drop", "silence a 2w because x", "pulse a 3", "acme", "because", "why because", "silence because because", "start a care", "mark a kickoff", "\u0130 because \u0130"} {
		f.Add(words)
	}
	w := commands(f)
	s := w.at(six(day0 + 1))
	f.Fuzz(func(t *testing.T, words string) {
		verb, target, values, unclear := s.Understand(words)
		if (verb == "") == (unclear == nil) {
			t.Fatalf("%q is neither understood nor unclear, or both: %s, %+v", words, verb, unclear)
		}
		if unclear != nil {
			if utf8.ValidString(words) && !utf8.ValidString(unclear.Text) {
				t.Errorf("%q is answered with %q", words, unclear.Text)
			}
			return
		}
		d := does(verb, target)
		d.Target.Account, d.Words = target.Account, words
		for k, v := range values {
			d.Values[k] = v
		}
		s.Do(d)
	})
}

// Why a playbook has said nothing yet is what its next word waits for, under names
// that people know.
func TestWhyNothingYet(t *testing.T) {
	w := handWorld(t, "")
	w.Accounts[0].Name = "Acme Corp"
	w.start(t, steward.Target{Playbook: "care"}, "because", "they asked for it")
	e := w.must("care", "a")
	d := does(steward.VerbWhy, steward.Target{Account: "a", Playbook: "care"})
	put := steward.Record{Enrolment: e.ID, Decision: steward.Decision{Effect: steward.Defer, Reason: steward.ReasonCapped, Detail: "2 cards a day; it comes in the next digest"}}
	other := put
	other.Enrolment, other.Detail = "e-other", "of another"
	for _, c := range []struct {
		records []steward.Record
		want    bool
	}{
		{[]steward.Record{other, put}, true},
		{[]steward.Record{{Enrolment: e.ID, Decision: steward.Decision{Effect: steward.Pass, Reason: steward.ReasonDelivered}}, put}, false},
		{nil, false},
	} {
		d.Story = &steward.Story{Records: c.records}
		text := w.do(d).Answer.Text
		if !strings.HasPrefix(text, "Acme Corp, ") || !strings.Contains(text, "care") || strings.Contains(text, "\nIt waits: 2 cards a day; it comes in the next digest.") != c.want || strings.Contains(text, "of another") {
			t.Errorf("with %d records: %q", len(c.records), text)
		}
	}
}

// What is open is listed by account, however it came.
func TestMineIsByAccount(t *testing.T) {
	w := commands(t)
	var open []steward.Enrolment
	for _, id := range []steward.AccountID{"west", "a", "b", "a"} {
		open = append(open, steward.Enrolment{Playbook: "drop", Subject: steward.Subject{Kind: steward.AboutAccount, ID: string(id), Account: id}, State: steward.Active, OpenedAt: six(day0).Time()})
	}
	d := does(steward.VerbMine, steward.Target{})
	d.Plate = &steward.Plate{Open: open}
	c := w.at(six(day0 + 1)).Do(d).Answer.Content
	if c == nil || len(c.Parts) != 1 {
		t.Fatalf("told: %+v", c)
	}
	text, last := c.Parts[0].Markdown, -1
	for _, name := range []string{"Acme Corp", "Acme Labs", "Why Not Ltd"} {
		at := strings.Index(text, name)
		if at <= last || name != "Acme Corp" && strings.Contains(text[at:], "Acme Corp") {
			t.Errorf("%s is not in its place: %s", name, text)
		}
		last = at
	}
}
