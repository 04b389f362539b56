package playbooks_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"steward"
	"steward/playbooks"
)

func TestCadences(t *testing.T) {
	for _, c := range []struct {
		text, spelled string
		// after is a moment in the workspace's zone, next the occurrences after it.
		after string
		next  []string
	}{
		{"1d", "1d", "2026-06-01 12:00", []string{"2026-06-02 00:00", "2026-06-03 00:00"}},
		{"1d at 9:30", "1d at 09:30", "2026-06-01 09:30", []string{"2026-06-02 09:30"}},
		{"3d", "3d", "2024-01-01 00:00", []string{"2024-01-04 00:00", "2024-01-07 00:00"}},
		{"1w", "1w on monday", "2026-06-01 00:00", []string{"2026-06-08 00:00"}},
		{"2w on thursday at 14:00", "2w on thursday at 14:00", "2024-01-01 00:00", []string{"2024-01-04 14:00", "2024-01-18 14:00"}},
		{"2w on Sunday", "2w on sunday", "2023-12-20 00:00", []string{"2023-12-24 00:00", "2024-01-07 00:00"}},
		{"1mo", "1mo on 1", "2026-06-01 00:00", []string{"2026-07-01 00:00"}},
		{"1mo on second tuesday at 09:00", "1mo on second tuesday at 09:00", "2026-06-01 00:00", []string{"2026-06-09 09:00", "2026-07-14 09:00"}},
		{"1mo on last friday", "1mo on last friday", "2026-06-01 00:00", []string{"2026-06-26 00:00", "2026-07-31 00:00"}},
		{"3mo on first monday", "3mo on first monday", "2026-06-01 00:00", []string{"2026-07-06 00:00", "2026-10-05 00:00"}},
		{"1mo on 31", "1mo on 31", "2026-01-31 12:00", []string{"2026-02-28 00:00", "2026-03-31 00:00", "2026-04-30 00:00"}},
		{"1mo on last day", "1mo on last day", "2028-02-01 00:00", []string{"2028-02-29 00:00"}},
		{"12mo  on 15", "12mo on 15", "2026-06-01 00:00", []string{"2027-01-15 00:00", "2028-01-15 00:00"}},
		// A time that the spring skips is the first one after the gap; one that the
		// autumn has twice is the first of the two.
		{"1d at 02:30", "1d at 02:30", "2026-03-28 12:00", []string{"2026-03-29 03:00", "2026-03-30 02:30"}},
	} {
		got, err := playbooks.ParseCadence(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got.String() != c.spelled {
			t.Errorf("%s is spelled %s, want %s", c.text, got, c.spelled)
		}
		at, err := time.ParseInLocation("2006-01-02 15:04", c.after, berlin)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range c.next {
			at = got.Next(at, berlin).Time()
			if s := at.In(berlin).Format("2006-01-02 15:04"); s != want {
				t.Errorf("%s comes round at %s, want %s", c.text, s, want)
			}
		}
	}
	autumn, _ := playbooks.ParseCadence("1d at 02:30")
	first := autumn.Next(time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC), berlin)
	if again := autumn.Next(first.Time(), berlin); again.Time().Sub(first.Time()) != 25*time.Hour {
		t.Errorf("in autumn it comes round at %s and then %s", first, again)
	}
	for _, bad := range []string{"", "monthly", "0d", "1y", "400d", "54w", "13mo", "1d on monday", "1w on 3", "1w on moonday", "1mo on 32", "1mo on 0", "1mo on fifth monday", "1mo on last", "1w at 24:00", "1w at 12:60", "1w at noon", "1mo on second tuesday at"} {
		if c, err := playbooks.ParseCadence(bad); err == nil {
			t.Errorf("%q is read as %s", bad, c)
		}
	}
}

// Next and Latest are two ways through the same days: from one occurrence the
// next is the latest at its own moment, and nothing lies between.
func TestCadencesMissNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.SampledFrom([]string{"1d", "5d", "1w on friday", "3w on monday", "1mo on 31", "2mo on third wednesday", "12mo on last sunday", "1mo on last day"}).Draw(rt, "cadence")
		if rapid.Bool().Draw(rt, "timed") {
			text += " at 02:30"
		}
		c, err := playbooks.ParseCadence(text)
		if err != nil {
			rt.Fatal(err)
		}
		if again, err := playbooks.ParseCadence(c.String()); err != nil || again != c {
			rt.Fatalf("%s is spelled %s, which reads as %s (%v)", text, c, again, err)
		}
		at := time.Unix(rapid.Int64Range(1.5e9, 2.2e9).Draw(rt, "at"), 0)
		next := c.Next(at, berlin)
		if next.IsZero() || !next.Time().After(at) {
			rt.Fatalf("%s after %s is %s", c, at, next)
		}
		if latest := c.Latest(next.Time(), berlin); latest != next {
			rt.Fatalf("%s: the latest at %s is %s", c, next, latest)
		}
		if latest := c.Latest(next.Time().Add(-time.Second), berlin); latest.Time().After(at) {
			rt.Fatalf("%s: %s lies between %s and %s", c, latest, at, next)
		}
	})
}

func FuzzCadence(f *testing.F) {
	for _, s := range []string{"1mo on second tuesday at 09:00", "2w on thursday", "1d", "1mo on last day", "3mo on 31 at 02:30"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := playbooks.ParseCadence(s)
		if err != nil {
			return
		}
		if again, err := playbooks.ParseCadence(c.String()); err != nil || again != c {
			t.Fatalf("%q is spelled %q, which reads as %v (%v)", s, c, again, err)
		}
		at := day0.Start(berlin)
		if next := c.Next(at, berlin); next.IsZero() {
			t.Fatalf("%q never comes round", s)
		}
	})
}

const report = "playbook: report\nkind: rhythm\nevery: 1mo on second tuesday\nsteps: [{id: tell, slack: owner, message: nudge}]\n"

// second Tuesday of June 2026.
const tuesday = 8

func TestARhythmOpensOnceAnOccurrence(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, report+"audience: seats > 1\n"), customer("a"), customer("b"), customer("c"))
	w.Accounts[0].More["seats"], w.Accounts[1].More["seats"] = steward.Num(5), steward.Num(5)
	opened := map[string]int{}
	for d := day0 + 1; d < day0+60; d++ {
		if d == day0+tuesday+1 {
			w.Accounts[2].More["seats"] = steward.Num(5) // it joins the audience a day late
		}
		out := w.run(d)
		for _, id := range []string{"a", "b", "c"} {
			if e, ok := w.enrolment("report", account(id)); ok && e.OpenedAt.Equal(six(d).Time()) {
				opened[id+" "+d.String()]++
			}
		}
		if n := out.Tally["report"].Quarantined; n > 0 {
			t.Errorf("%d were held on %s", n, d)
		}
	}
	for _, want := range []string{"a 2026-06-09", "b 2026-06-09", "a 2026-07-14", "b 2026-07-14", "c 2026-07-14"} {
		if opened[want] != 1 {
			t.Errorf("%s was opened %d times", want, opened[want])
		}
	}
	if len(opened) != 5 {
		t.Errorf("opened: %v", opened)
	}
	e := w.must("report", "a")
	if e.Episode.Time().In(berlin).Format(time.DateTime) != "2026-07-14 00:00:00" || e.State != steward.Completed {
		t.Errorf("the enrolment is of %s and %s", e.Episode, e.State)
	}
	if len(e.Evidence) != 1 || !strings.Contains(e.Evidence[0].Words, "every 1mo on second tuesday") {
		t.Errorf("evidence %+v", e.Evidence)
	}
}

func TestARhythmComesRoundAtItsTimeOfDay(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, strings.Replace(report, "second tuesday", "second tuesday at 09:00", 1)), customer("a"))
	for d := day0 + 1; d <= day0+tuesday; d++ {
		w.run(d)
	}
	nine := time.Date(2026, 6, 9, 9, 0, 0, 0, berlin)
	for _, c := range []struct {
		now  time.Time
		open bool
	}{{nine.Add(-time.Second), false}, {nine.Add(20 * time.Second), true}, {nine.Add(time.Minute), true}} {
		w.occur(day0+tuesday, c.now)
		if _, ok := w.enrolment("report", account("a")); ok != c.open {
			t.Fatalf("at %s it is open: %v", c.now, ok)
		}
	}
	if n := len(w.memory.Outreach[w.must("report", "a").ID]); n != 1 {
		t.Errorf("%d outreach", n)
	}
	// The evaluation of the next day finds it done.
	out := w.run(day0 + tuesday + 1)
	if out.Tally["report"].Opened != 0 {
		t.Error("the next evaluation opened it again")
	}
	if got := w.book.Moments(six(day0).Time(), six(day0+40).Time()); len(got) != 1 || !got[0].Equal(nine) {
		t.Errorf("moments %v, want %s", got, nine)
	}
}

// occur is a minute's look at rhythms, on the facts of a day's slot.
func (w *world) occur(d steward.Day, now time.Time) {
	out := w.at(six(d), now).Occur()
	w.keep(out, len(out.Changes))
	for _, st := range out.States {
		w.memory.States[st.Playbook] = st
	}
}

func TestARhythmKeepsNoTimeOnStaleFacts(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, strings.Replace(report, "second tuesday", "second tuesday at 09:00", 1)+"audience: sum(logins, 7d) > 0\n"), customer("a"))
	w.daily["logins"]["a"] = flat(1, 60)
	w.run(day0 + tuesday)
	nine := time.Date(2026, 6, 9, 9, 0, 0, 0, berlin)
	w.stale["logins"] = true
	w.occur(day0+tuesday, nine)
	if _, ok := w.enrolment("report", account("a")); ok {
		t.Error("it was opened on stale facts")
	}
	w.stale["logins"] = false
	w.occur(day0+tuesday, nine.Add(time.Minute))
	if _, ok := w.enrolment("report", account("a")); !ok {
		t.Error("it was not opened when they were fresh")
	}
}

func TestARhythmThatIsLateBeginsWithinADay(t *testing.T) {
	for _, c := range []struct {
		name   string
		late   steward.Day // days without an evaluation
		opened bool
	}{{"on the day", 0, true}, {"two days on", 2, false}} {
		w := newWorld(t, load(t, settings(), nil, report), customer("a"))
		w.run(day0 + tuesday - 1)
		out := w.run(day0 + tuesday + c.late)
		if _, ok := w.enrolment("report", account("a")); ok != c.opened {
			t.Errorf("%s: opened is %v", c.name, ok)
		}
		if fault := out.Tally["report"].Fault; c.opened != (fault == "") || !c.opened && !strings.Contains(fault, "was missed") {
			t.Errorf("%s: %q", c.name, fault)
		}
		if st := w.memory.States["report"]; !c.opened && st.Fault == "" {
			t.Errorf("%s: the state says nothing", c.name)
		}
		if w.run(day0 + tuesday + 3); w.memory.States["report"].Fault != "" {
			t.Errorf("%s: it is still told", c.name)
		}
	}
}

// What the calendar called for before a rhythm was written is not made up for,
// and an edited audience is no other rhythm.
func TestANewRhythmBeginsWithItsNextOccurrence(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, report), customer("a"))
	w.run(day0 + tuesday) // the first evaluation that sees it, on the very day
	if _, ok := w.enrolment("report", account("a")); ok {
		t.Error("it opened for an occurrence that was there before it")
	}
	w = newWorld(t, load(t, settings(), nil, report), customer("a"))
	w.run(day0 + tuesday - 1)
	w.book = load(t, settings(), nil, report+"audience: arr > 1\n")
	w.run(day0 + tuesday)
	if _, ok := w.enrolment("report", account("a")); !ok {
		t.Error("an edited audience lost the occurrence")
	}
}

func TestARhythmDoesNotOpenTwice(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, strings.Replace(report, "steps: [", "steps: [{wait: 60d}, ", 1)), customer("a"))
	for d := day0 + 1; d < day0+50; d++ {
		w.run(d)
	}
	e := w.must("report", "a")
	if e.Episode.Time().In(berlin).Format(time.DateOnly) != "2026-06-09" || !e.State.Open() {
		t.Fatalf("the enrolment is of %s and %s", e.Episode, e.State)
	}
	told := 0
	for _, r := range w.records {
		if r.Reason == steward.ReasonStillOpen {
			told++
			if r.Enrolment != e.ID || r.Effect != steward.Suppress || !strings.Contains(r.Detail, "9 June 2026") {
				t.Errorf("the record is %+v", r)
			}
		}
	}
	if told != 1 {
		t.Errorf("that it is still open was recorded %d times", told)
	}
	// A run that was cut short after it wrote the enrolment goes on as if it had
	// not.
	w = newWorld(t, load(t, settings(), nil, report), customer("a"), customer("b"))
	w.run(day0 + tuesday - 1)
	out := w.at(six(day0 + tuesday)).Decide()
	w.keep(out, 1)
	again := w.at(six(day0 + tuesday)).Decide()
	for _, c := range again.Changes {
		for _, e := range c.Enrolments {
			if (c.Account == "b") != (e.Rev == 0) {
				t.Errorf("the run that goes on opens %s of %s anew", e.ID, c.Account)
			}
		}
	}
	if n := len(again.Changes); n != 2 { // a's card was sent meanwhile, so it is done
		t.Errorf("the run went on with %d accounts", n)
	}
}

func TestARhythmOnStaleFactsWaits(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, report+"audience: sum(logins, 7d) > 0\n"), customer("a"))
	w.daily["logins"]["a"] = flat(1, 60)
	w.run(day0 + 20)
	w.through["logins"], w.stale["logins"] = day0+30, true
	july := steward.Date(2026, 7, 14)
	if out := w.run(july); out.Tally["report"].Fault == "" || w.memory.States["report"].Occurrence.Time().After(six(july).Time().Add(-9*time.Hour)) {
		t.Errorf("on stale facts it was dealt with: %+v", w.memory.States["report"])
	}
	if _, ok := w.enrolment("report", account("a")); ok {
		t.Fatal("it was opened on stale facts")
	}
	delete(w.through, "logins")
	w.stale["logins"] = false
	late := steward.SlotAt(six(july).Time().Add(12 * time.Hour))
	out := w.at(late).Decide()
	w.keep(out, len(out.Changes))
	if _, ok := w.enrolment("report", account("a")); !ok {
		t.Error("it was not opened when the facts were fresh again")
	}
}

func TestASignalThatBecomesARhythmForgetsItsPhases(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: report\ncooldown: 0\nwhen: arr > 1\n"), customer("a"))
	w.run(day0 + 1)
	if w.phase("report", "a").Phase != steward.Firing {
		t.Fatal("the signal does not fire")
	}
	w.book = load(t, settings(), nil, report)
	w.run(day0 + 2)
	if ph := w.phase("report", "a").Phase; ph != "" {
		t.Errorf("the rhythm has the phase %s", ph)
	}
}

func TestARhythmIsExplained(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, report), customer("a"))
	w.run(day0 + 1)
	s := w.at(six(day0 + 1))
	p, _ := w.book.Playbook("report")
	x, err := s.Explain(p, account("a"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(x.Sentence, "it comes round on Tuesday 9 June 2026") {
		t.Error(x.Sentence)
	}
}
