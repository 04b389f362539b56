package playbooks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"steward"
	"steward/playbooks"
)

// A file that was never edited, on data that never came late, judges the past as
// it was judged when it was the present.
func TestLookbackIsWhatWasLived(t *testing.T) {
	const text = "playbook: p\nwhen: drop(logins, 7d) >= 50% and was(avg(logins, 7d), 7d) >= 1 or quiet_days(logins) >= 7d\n" +
		"audience: segment != 'smb'\nfor: 2d\nuntil: recovered(logins, 7d) >= 80%\nclear_for: 2d\ncooldown: 5d\n"
	book := load(t, settings(), nil, text, "playbook: q\nwhen: days_until(renewal_date) <= 20d\nuntil: days_until(renewal_date) <= 5d\nfor: 3d\ncooldown: 5d\n")
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, book, customer("a"))
		w.Accounts[0].StartDate = day0
		w.Accounts[0].RenewalDate = day0 + steward.Day(rapid.IntRange(25, 90).Draw(rt, "renewal"))
		n := rapid.IntRange(1, 8).Draw(rt, "stretches")
		for range n {
			w.daily["logins"]["a"] = append(w.daily["logins"]["a"], flat(rapid.SampledFrom([]float64{0, 0, 1, 4, 10}).Draw(rt, "level"), rapid.IntRange(1, 15).Draw(rt, "days"))...)
		}
		last := day0 + steward.Day(len(w.daily["logins"]["a"]))
		lived := map[steward.PlaybookName]map[steward.Day]steward.Phase{"p": {}, "q": {}}
		for d := day0 + 1; d <= last; d++ {
			w.run(d)
			for name := range lived {
				if lived[name][d] = w.phase(string(name), "a").Phase; lived[name][d] == "" {
					lived[name][d] = steward.Clear
				}
			}
		}
		for name, phases := range lived {
			p, _ := book.Playbook(name)
			judged, st := w.at(six(last)).Lookback(p, account("a"))
			if judged[0].From != last-playbooks.LookbackDays+1 || judged[len(judged)-1].To != last {
				rt.Fatalf("%s was judged from %s to %s", name, judged[0].From, judged[len(judged)-1].To)
			}
			for i, s := range judged {
				if i > 0 && (s.From != judged[i-1].To+1 || s.Before) {
					rt.Fatalf("%s: %+v follows %+v", name, s, judged[i-1])
				}
				for d := max(s.From, day0+1); d <= s.To; d++ {
					if phases[d] != s.Phase {
						rt.Fatalf("%s: on %s it was %s, and is judged to have been %s", name, d, phases[d], s.Phase)
					}
				}
			}
			if want := w.phase(string(name), "a"); want.Phase != "" {
				if diff := cmp.Diff(want, st, cmp.Comparer(func(a, b steward.Slot) bool { return a == b })); diff != "" {
					rt.Fatalf("%s stands otherwise (-lived +judged):\n%s", name, diff)
				}
			}
		}
	})
}

// What was not known then is told as such, with the reason.
func TestLookbackTellsWhatWasNotKnown(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: drop(logins, 7d) >= 50%\ncooldown: 5d\n"), customer("a"))
	w.Accounts[0].StartDate = day0
	w.daily["logins"]["a"] = flat(10, 30)
	judged, st := w.at(six(day0+30)).Lookback(w.book.Playbooks[0], account("a"))
	if len(judged) != 2 || judged[0].To != day0+13 || judged[0].Unknown == "" || judged[1].Unknown != "" || st.Phase != "" && st.Phase != steward.Clear {
		t.Errorf("%+v, %+v", judged, st)
	}
	if want := "the account started on 2026-06-01, and the 7 days to 2026-06-06 begin on 2026-05-31"; judged[0].Unknown != want {
		t.Errorf("%s, want %s", judged[0].Unknown, want)
	}
}

// An explanation of a time that is over tells what had been done by then, and
// claims nothing of what is not kept.
func TestExplainThen(t *testing.T) {
	const text = "playbook: p\nwhen: drop(logins, 7d) >= 50%\nfor: 2d\nuntil: recovered(logins, 7d) >= 80%\ncooldown: 5d\n" +
		"steps: [{id: nudge, slack: owner, message: nudge}, {wait: 3d}, {id: more, slack: manager, message: escalate}]\n"
	w := newWorld(t, load(t, settings(), nil, text), customer("a"))
	w.daily["logins"]["a"] = join(flat(10, 40), flat(2, 12), flat(10, 20))
	for d := steward.Day(30); d <= 65; d++ {
		w.run(day0 + d)
	}
	w.memory.Pause = steward.Pause{At: six(day0 + 65).Time(), By: "lee"}
	e := w.must("p", "a")
	done := playbooks.Doings{Enrolments: []steward.Enrolment{e}, Messages: w.memory.Messages, Outreach: w.memory.Outreach[e.ID]}
	for _, c := range []struct {
		day      steward.Day
		sentence string
		phase    steward.Phase
		next     string
	}{
		{40, "a, p, on 11 July 2026: not enrolled, as the condition does not hold: logins did not change in 7 days: 10 a day.", "", "nudge"},
		{45, "a, p, on 16 July 2026: the condition has held since 16 July 2026 (logins fell 57% in 7 days: 10 → 4.3 a day) and fires when it has held for 2 days.", steward.Pending, "nudge"},
		{48, "a, p: was enrolled on 19 July 2026, since 18 July 2026, because logins fell 80% in 7 days: 10 → 2 a day; it ended on 22 July 2026 (completed).", steward.Firing, "more"},
		{60, "a, p, on 31 July 2026: not enrolled, as the condition does not hold: logins rose 218% in 7 days: 3.1 → 10 a day; it was last enrolled from 18 July 2026 to 22 July 2026 (completed).", "", "nudge"},
	} {
		x, err := w.at(six(day0+c.day)).ExplainThen(w.book.Playbooks[0], account("a"), done)
		if err != nil {
			t.Fatal(err)
		}
		next := ""
		if x.Next != nil {
			next = x.Next.Step
			for _, g := range x.Next.Gates {
				if g.Name == "pause" {
					t.Errorf("on %s: %+v, and a pause of then is not kept", day0+c.day, g)
				}
			}
		}
		if x.Sentence != c.sentence || x.Phase.Phase != c.phase || next != c.next || !x.Then {
			t.Errorf("day %d: phase %q, next %q\ngot  %s\nwant %s", c.day, x.Phase.Phase, next, x.Sentence, c.sentence)
		}
	}
}

// Every gate is told in the order in which it is asked, and the first that does
// not pass is the one that decides.
func TestExplainTellsEveryGate(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: seats == 1\nuntil: seats != 1\ncooldown: 10d\nsteps: [{wait: 3d}, {id: help, email: champion, message: help, unattended: true}]\n"), customer("a"))
	w.Contacts = []steward.Contact{champion("a")}
	for i, n := range []float64{0, 1} {
		w.seats(n)
		w.run(day0 + steward.Day(i))
	}
	w.memory.Pause = steward.Pause{At: six(day0).Time(), By: "lee"}
	x, err := w.at(six(day0+1)).Explain(w.book.Playbooks[0], account("a"))
	if err != nil {
		t.Fatal(err)
	}
	if x.Next == nil || x.Next.Step != "help" || x.Next.To.Contact != "ct-a" || x.Opening != nil {
		t.Fatalf("%+v", x.Next)
	}
	var names []string
	for _, g := range x.Next.Gates {
		names = append(names, g.Name)
		if g.Detail == "" {
			t.Errorf("%s says nothing", g.Name)
		}
		if stopped := !g.Passes(); stopped != (g.Name == "pause") {
			t.Errorf("%s: %+v", g.Name, g.Decision)
		}
	}
	for i, want := range []string{"portfolio", "enabled", "opt-out", "customer mail", "episode", "holdout"} {
		if names[i] != want {
			t.Errorf("gate %d is %s, want %s", i, names[i], want)
		}
	}
	// Nobody to say it to.
	w.Contacts = nil
	x, _ = w.at(six(day0+1)).Explain(w.book.Playbooks[0], account("a"))
	if x.Next == nil || x.Next.Nobody != "no contact with an address that may be used is champion" || x.Next.Gates != nil {
		t.Errorf("%+v", x.Next)
	}
}
