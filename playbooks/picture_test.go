package playbooks_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"steward"
)

// pictured is the picture on the card of a playbook with a condition, about an
// account with so many logins a day up to the day before the card.
func pictured(t testing.TB, when string, logins []float64, change ...func(*world)) *steward.Picture {
	t.Helper()
	w := newWorld(t, load(t, settings(), nil, fmt.Sprintf("playbook: p\ncooldown: 0\nbackfill: true\nkind: process\nexit_when: \"false\"\nwhen: %s\n", when)), customer("a"))
	w.sends = false
	w.daily["logins"]["a"] = logins
	for _, c := range change {
		c(w)
	}
	today := day0 + steward.Day(len(logins))
	w.run(today)
	m, ok := w.message("nudge")
	if !ok {
		t.Fatalf("%s: nothing was planned: %v", when, w.skipped())
	}
	e := w.must("p", "a")
	c, err := w.at(six(today)).Compose(m, w.memory.Outreach[e.ID], []steward.Enrolment{e})
	if err != nil {
		t.Fatal(err)
	}
	return c.Parts[0].Picture
}

// values is a picture's values for people who read a failing test.
func values(p *steward.Picture) string {
	if p == nil {
		return "none"
	}
	var out []string
	for _, v := range p.Values {
		if !v.Known {
			out = append(out, "?")
			continue
		}
		out = append(out, fmt.Sprintf("%.4g", v.Num))
	}
	return fmt.Sprintf("%s from %s by %d: %s, before %s", p.Label, p.First, p.Step, strings.Join(out, " "), p.Before)
}

func TestTheMetricBehindAFindingIsPictured(t *testing.T) {
	fell := join(flat(42, 100), flat(13, 14))
	for _, c := range []struct {
		name, when string
		logins     []float64
		change     func(*world)
		want       string
	}{
		{"a drop, against what was before it", "drop(logins, 14d) >= 50%", fell, nil,
			"logins a day, week by week from 2026-07-01 by 7: 42 42 42 42 42 42 42 42 42 42 13 13, before 42"},
		{"of the sides of an or, the one that holds leads", "last(users) > 500 or drop(logins, 14d) >= 50%", fell, func(w *world) { w.daily["users"]["a"] = flat(12, 114) },
			"logins a day, week by week from 2026-07-01 by 7: 42 42 42 42 42 42 42 42 42 42 13 13, before 42"},
		{"the first of an and leads", "last(users) > 5 and drop(logins, 14d) >= 50%", fell, func(w *world) { w.daily["users"]["a"] = flat(12, 114) },
			"users, week by week from 2026-07-01 by 7: 12 12 12 12 12 12 12 12 12 12 12 12, before unknown"},
		{"what the condition looks back on is in it", "drop(logins, 28d, 84d) > 0%", join(flat(42, 60), flat(13, 60)), nil,
			"logins a day, week by week from 2026-06-09 by 7: 42 42 42 42 42 42 42 25.43 13 13 13 13 13 13 13 13, before 42"},
		{"a long look is in fewer values of more weeks", "drop(logins, 28d, 200d) > 0%", join(flat(42, 140), flat(14, 140)), nil,
			"logins a day, every 2 weeks from 2026-07-13 by 14: 42 42 42 42 42 42 42 14 14 14 14 14 14 14 14 14 14, before 42"},
		{"silence shows what was before it", "quiet_days(logins) >= 14d", join(flat(42, 100), flat(0, 90)), nil,
			"logins a day, week by week from 2026-08-11 by 7: 42 42 42 42 6 0 0 0 0 0 0 0 0 0 0 0 0, before unknown"},
		{"before the account began there is nothing", "drop(logins, 14d) >= 50%", join(flat(42, 30), flat(13, 14)), func(w *world) { w.Accounts[0].StartDate = day0 + 5 },
			"logins a day, week by week from 2026-06-10 by 7: 42 42 42 13 13, before 42"},
		{"what is not known is a gap", "last(users) > 5", fell, func(w *world) {
			w.daily["users"]["a"] = flat(12, 114)
			for i := 60; i < 90; i++ {
				w.daily["users"]["a"][i] = math.NaN()
			}
		}, "users, week by week from 2026-07-01 by 7: 12 12 12 12 12 ? ? ? ? 12 12 12, before unknown"},
		{"no metric, no picture", "arr > 1", fell, nil, "none"},
		{"too little of it, no picture", "last(logins) > 1", flat(3, 21), func(w *world) { w.Accounts[0].StartDate = day0 }, "none"},
	} {
		change := c.change
		if change == nil {
			change = func(*world) {}
		}
		if got := values(pictured(t, c.when, c.logins, change)); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// A picture shows the days that the card's sentence is about: the mean of its
// last two weeks is the window's, and it never has more than Slack's chart takes.
func TestAPictureShowsWhatTheConditionSaw(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		logins := rapid.SliceOfN(rapid.Float64Range(1, 50), 60, 260).Draw(rt, "logins")
		ago := rapid.IntRange(1, 30).Draw(rt, "ago") * 14
		w := &steward.Picture{}
		if len(logins) < ago+14 {
			ago = 14
		}
		w = pictured(t, fmt.Sprintf("sum(logins, 14d) > 0 and drop(logins, 14d, %dd) > -1000000%%", ago), logins)
		if len(w.Values) > 20 || len(w.Values) < 4 {
			rt.Fatalf("%d values", len(w.Values))
		}
		sum, n := 0.0, 0
		for i := range w.Step {
			sum, n = sum+logins[len(logins)-1-i], n+1
		}
		last := w.Values[len(w.Values)-1].Num
		if diff := last - sum/float64(n); diff > 1e-9 || diff < -1e-9 {
			rt.Fatalf("the last value is %v, and the mean of the last %d days %v", last, w.Step, sum/float64(n))
		}
		if end := w.First + steward.Day(len(w.Values)*w.Step) - 1; end != day0+steward.Day(len(logins))-1 {
			rt.Fatalf("it ends on %s", end)
		}
	})
}

// Weeks later the picture still compares with what was before it all began.
func TestAPictureComparesWithBeforeTheEpisode(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\ncooldown: 0\nbackfill: true\nkind: process\nexit_when: \"false\"\nwhen: drop(logins, 14d) >= 50%\n"+
		"steps: [{id: nudge, slack: owner, message: nudge}, {wait: 20d}, {id: again, slack: owner, message: nudge}]\n"), customer("a"))
	w.daily["logins"]["a"] = join(flat(42, 100), flat(13, 60))
	for d := day0 + 110; d <= day0+140; d++ {
		w.run(d)
	}
	m, ok := w.message("again")
	if !ok {
		t.Fatalf("nothing was planned: %v", w.skipped())
	}
	e := w.must("p", "a")
	c, err := w.at(six(day0+140)).Compose(m, w.memory.Outreach[e.ID][1:], []steward.Enrolment{e})
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Parts[0].Picture; p == nil || p.Before.Num != 42 {
		t.Errorf("it is %s", values(p))
	}
}

func TestAPictureIsToldInWords(t *testing.T) {
	p := pictured(t, "drop(logins, 14d) >= 50%", join(flat(42, 92), flat(50, 8), flat(13, 14)))
	if want := "logins a day, week by week: 42 from 1 July on, highest with 50 from 2 September on, 13 in the last week to 22 September."; p.Alt != want {
		t.Errorf("%q, want %q", p.Alt, want)
	}
}

func TestACardHasALineToSay(t *testing.T) {
	said := "---\nsay: 'Has {{ .account.name }} dropped by {{ fact \"drop(logins, 14d)\" }} for a reason, {{ .owner.first_name }} asks?'\n---\nCall."
	c, err := composed(t, said, slackOwner, func(w *world) { w.Accounts[0].Name = "*Acme*\n<!here>" })
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Parts[0].Say, "Has *Acme* <!here> dropped by 64% for a reason, Dana asks?"; got != want {
		t.Errorf("%q, want %q: plain text, on one line", got, want)
	}
	for text, want := range map[string]string{
		"---\nsay: \"{{ .account.nmae }}\"\n---\nx":                      "messages/said.md:2:18: .account has no nmae (did you mean name?)",
		"---\nsay: '{{ fact \"drop(logns, 14d)\" }}'\n---\nx":            "messages/said.md:2:21: there is no metric logns (did you mean logins?)",
		"---\nsay: \"{{ range .x }}{{ end }}\"\n---\nx":                  "messages/said.md:2:16: range, with and template have no place in a message",
		"---\nsubject: Hi\nsay: Hello\nfor_roles: [champion]\n---\nx":    "",
		"---\nsubject: Hi\nsay: |\n  {{ .x.y }}\nfor_roles: [a]\n---\nx": "messages/said.md:4:6: there is no .x here",
	} {
		_, problems := tryLoad(settings(), map[string]string{"said": text}, "playbook: p\nwhen: arr > 1\nsteps: [{id: s, slack: owner, message: said}]\n")
		got := fmt.Sprint(problems.Errors())
		if want == "" && len(problems.Errors()) > 0 || !strings.Contains(got, want) {
			t.Errorf("%q\ngot  %s\nwant %s", text, got, want)
		}
	}
	_, problems := tryLoad(settings(), map[string]string{"said": "---\nsubject: Hi\nsay: Hello\nfor_roles: [champion]\n---\nx"},
		"playbook: p\nwhen: arr > 1\nsteps: [{id: s, email: [champion], message: said, unattended: true}]\n")
	if got := fmt.Sprint(problems.Errors()); !strings.Contains(got, "messages/said.md:3:6: say is for cards") {
		t.Errorf("a mail with a line to say: %s", got)
	}
}

func TestWhomToTalkToAndWhenSomebodyLastDid(t *testing.T) {
	day := day0 + 34 // the card's
	touch := func(id, who, kind, by string, ago int) steward.Touch {
		return steward.Touch{ID: id, Account: "a", Contact: steward.ContactID(who), Kind: kind, By: by, Day: day - steward.Day(ago)}
	}
	for _, c := range []struct {
		touches []steward.Touch
		feeds   map[string]bool
		want    string
	}{
		{nil, nil, ", never spoken to, as far as the CRM knows"},
		{nil, map[string]bool{"contacts": true}, ""},
		{[]steward.Touch{touch("1", "ct-a", "call", "dana", 12), touch("2", "ct-a", "meeting", "dana", 40)}, nil, ", last spoken to 12 days ago by Dana Reyes"},
		{[]steward.Touch{touch("1", "ct-a", "email", "Robin", 1)}, nil, ", last written to yesterday by Robin"},
		{[]steward.Touch{touch("1", "ct-a", "call", "dana@example.com", 0)}, nil, ", last spoken to today"},
		{[]steward.Touch{touch("1", "ct-a", "note", "dana", 1), touch("2", "other", "call", "dana", 1), touch("3", "ct-a", "call", "dana", -3)}, nil, ", never spoken to, as far as the CRM knows"},
		{[]steward.Touch{touch("1", "ct-a", "call", "dana", 30), touch("2", "", "call", "lee", 3)}, nil, ", the account was last spoken to 3 days ago by Lee Okafor"},
		{[]steward.Touch{touch("1", "ct-a", "call", "dana", 3), touch("2", "", "call", "lee", 30)}, nil, ", last spoken to 3 days ago by Dana Reyes"},
	} {
		content, err := composed(t, "x", slackOwner, func(w *world) {
			w.Touches, w.Kinds = c.touches, c.feeds
		})
		if err != nil {
			t.Fatal(err)
		}
		got := content.Facts[len(content.Facts)-1]
		if diff := cmp.Diff(steward.LabelledText{Label: "Talk to", Text: "Kim Sato (champion)" + c.want}, got); diff != "" {
			t.Errorf("%+v: %s", c.touches, diff)
		}
	}
}
