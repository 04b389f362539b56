package playbooks_test

import (
	"strings"
	"testing"

	"steward"
)

// The first sentence of explain, for each place where an account can stand.
func TestExplainSentences(t *testing.T) {
	const when = "drop(logins, 7d) >= 50% and was(avg(logins, 7d), 7d) >= 1 or quiet_days(logins) >= 7d"
	const head = "playbook: p\ncooldown: 20d\nwhen: " + when + "\nfor: 2d\nuntil: recovered(logins, 7d) >= 80%\nclear_for: 2d\n"
	const steps = "steps: [{id: nudge, slack: owner, message: nudge}, {wait: 3d}, {id: help, email: [champion, admin], message: help}]\n"
	dropped := join(calm, flat(2, 60))
	for _, c := range []struct {
		name   string
		text   string
		change func(*world)
		values []float64
		first  steward.Day // of the runs; the baseline is on it
		last   steward.Day
		want   string
	}{
		{name: "all is well", text: head + steps, values: calm, first: 39, last: 40,
			want: "a, p: not enrolled, as the condition does not hold: logins did not change in 7 days: 10 a day; logins on the last complete day."},
		{name: "only what failed is told", text: strings.Replace(head, when, "arr > 1k and segment == 'smb' and drop(logins, 7d) >= 50%", 1) + steps, values: dropped, first: 40, last: 46,
			want: "a, p: not enrolled, as the condition does not hold: segment is 'enterprise'."},
		{name: "not known", text: head + steps, values: calm, first: 39, last: 40, change: func(w *world) { w.Accounts[0].StartDate = day0 + 36 },
			want: "a, p: not enrolled, as the condition cannot be judged: the account started on 2026-07-07, and the 7 days to 2026-07-10 begin on 2026-07-04."},
		{name: "pending", text: head + steps, values: dropped, first: 40, last: 46,
			want: "a, p: the condition has held since 16 July 2026 (logins fell 69% in 7 days: 10 → 3.1 a day) and fires when it has held for 2 days."},
		{name: "not in the audience", text: "audience: segment == 'smb'\n" + head + steps, values: dropped, first: 40, last: 50,
			want: "a, p: not enrolled, as the account is not in the audience: segment is 'enterprise'."},
		{name: "an unknown audience", text: "audience: plan == 'x'\n" + head + steps, values: dropped, first: 40, last: 50,
			want: "a, p: not enrolled, as the account is not in the audience: plan is not known."},
		{name: "not in the portfolio", text: head + steps, values: dropped, first: 40, last: 50, change: func(w *world) { w.Accounts[0].Test = true },
			want: "a, p: nothing happens, as the account is not in the portfolio: test."},
		{name: "disabled", text: head + "enabled: false\n" + steps, values: dropped, first: 40, last: 50,
			want: "a, p: nothing happens, as the playbook is disabled."},
		{name: "held at the baseline", text: head + steps, values: dropped, first: 45, last: 48,
			want: "a, p: held since 18 July 2026, as it already held at the first run of the condition (logins fell 80% in 7 days: 10 → 2 a day); `steward release` lets it go."},
		{name: "enrolled and waiting", text: head + steps, values: dropped, first: 40, last: 48,
			want: "a, p: enrolled since 18 July 2026 because logins fell 80% in 7 days: 10 → 2 a day; now at step 2 of 3, waiting 3d until 21 July 2026 06:00."},
		{name: "in the holdout", text: head + "holdout: 50%\n" + steps, values: dropped, first: 40, last: 47, change: func(w *world) { w.salt = "e" },
			want: "a, p: enrolled since 18 July 2026 because logins fell 80% in 7 days: 10 → 2 a day; now at step 2 of 3, waiting 3d until 21 July 2026 06:00; it is in the holdout, so nothing is said."},
		{name: "recovering", text: head + strings.Replace(steps, "3d", "30d", 1), values: join(calm, flat(2, 10), flat(10, 30)), first: 40, last: 56,
			want: "a, p: enrolled since 18 July 2026 because logins fell 80% in 7 days: 10 → 2 a day; now at step 2 of 3, waiting 30d until 17 August 2026 06:00; the account is recovering, so sending waits."},
		{name: "recovered", text: head + strings.Replace(steps, "3d", "30d", 1), values: join(calm, flat(2, 10), flat(10, 30)), first: 40, last: 58,
			want: "a, p: not enrolled, as the condition does not hold: logins rose 218% in 7 days: 3.1 → 10 a day; logins on the last complete day; it was last enrolled from 18 July 2026 to 29 July 2026 (recovered)."},
		{name: "done, and still firing", text: head, values: dropped, first: 40, last: 52,
			want: "a, p: fires since 18 July 2026, and it is not enrolled, as this episode was already opened and ended: completed."},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, load(t, settings(), nil, c.text), customer("a"))
			w.Contacts = []steward.Contact{champion("a")}
			w.daily["logins"]["a"] = c.values
			if c.change != nil {
				c.change(w)
			}
			for d := c.first; d <= c.last; d++ {
				w.run(day0 + d)
			}
			x, err := w.at(six(day0+c.last)).Explain(w.book.Playbooks[0], account("a"))
			if err != nil || x.Sentence != c.want {
				t.Errorf("got  %s\nwant %s (%v)", x.Sentence, c.want, err)
			}
		})
	}
}

func TestExplainTellsWhatItRestsOn(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\ncooldown: 20d\nfor: 2d\naudience: arr > 1k\nwhen: seats == 1\nuntil: seats == 0\nexit_when: legal_hold\n"), customer("a"))
	w.run(day0)
	w.seats(1)
	w.run(day0 + 1)
	w.memory.Pause = steward.Pause{At: six(day0).Time(), By: "lee"}
	x, err := w.at(six(day0+1)).Explain(w.book.Playbooks[0], account("a"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range x.Conditions {
		names = append(names, c.Name+"="+c.Trace.Value.String())
	}
	if got := strings.Join(names, " "); got != "audience=true when=true until=false exit_when=false" {
		t.Errorf("conditions %s", got)
	}
	if x.Phase.Phase != steward.Pending || x.Portfolio != steward.Holds || x.Enrolment != nil {
		t.Errorf("%+v", x)
	}
	w.Accounts[0].More = nil
	x, _ = w.at(six(day0+2)).Explain(w.book.Playbooks[0], account("a"))
	if want := "a, p: pending since 2 June 2026, and its time stands still while the condition cannot be judged: seats is not known."; x.Sentence != want {
		t.Errorf("%s, want %s", x.Sentence, want)
	}
	if _, err := w.at(six(day0+1)).Explain(w.book.Playbooks[0], account("nobody")); err == nil || !strings.Contains(err.Error(), "account nobody is not in the data") {
		t.Errorf("%v", err)
	}
}

func TestExplainCoolingDown(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: seats == 1\nuntil: seats != 1\ncooldown: 10d\n"), customer("a"))
	for i, n := range []float64{0, 1, 0, 1} {
		w.seats(n)
		w.run(day0 + steward.Day(i))
	}
	x, _ := w.at(six(day0+3)).Explain(w.book.Playbooks[0], account("a"))
	if want := "a, p: fires since 4 June 2026, and it is not enrolled, as its last enrolment ended on 2026-06-03 and cools down until 2026-06-13."; x.Sentence != want {
		t.Errorf("%s, want %s", x.Sentence, want)
	}
}
