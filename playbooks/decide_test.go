package playbooks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"steward"
	"steward/playbooks"
)

var sameSlot = cmp.Comparer(func(a, b steward.Slot) bool { return a.Time().Equal(b.Time()) })

// drop is a playbook on logins, opened after need days and over after clear.
func drop(more string) string {
	return "playbook: drop\ncooldown: 0\nwhen: drop(logins, 7d) >= 50% or quiet_days(logins) >= 7d\nfor: 2d\nuntil: recovered(logins, 7d) >= 80%\nclear_for: 2d\n" + more
}

// calm is forty days of ten logins; a drop after it reads as one.
var calm = flat(10, 40)

// phasesIn is the phases of an account on each day's run.
func (w *world) days(from, to steward.Day, p, id string) []steward.Phase {
	var out []steward.Phase
	for d := from; d <= to; d++ {
		w.run(d)
		ph := w.phase(p, id).Phase
		if ph == "" {
			ph = steward.Clear
		}
		out = append(out, ph)
	}
	return out
}

func TestASignalLivesItsLife(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, drop("")), customer("a"))
	w.daily["logins"]["a"] = join(calm, flat(2, 10), flat(10, 20))
	got := w.days(day0+40, day0+62, "drop", "a")
	// The drop is half from its fifth day on, and is made up for on the sixth.
	want := "clear×5 pending×2 firing×9 clearing×2 clear×5"
	if s := runs(got); s != want {
		t.Fatalf("phases %s, want %s", s, want)
	}
	e := w.must("drop", "a")
	if e.State != steward.Exited && e.State != steward.Completed {
		t.Errorf("the enrolment is %s", e.State)
	}
	// Recovery is measured against what was before the drop, as it was then.
	for key, v := range e.Frozen {
		if key != "was(avg(logins, 7d), 7d)" || v.Num != 10 {
			t.Errorf("frozen %s = %s", key, v)
		}
	}
	if len(e.Frozen) != 1 {
		t.Errorf("frozen %v", e.Frozen)
	}
	if len(w.memory.Phases) != 0 {
		t.Errorf("a clear subject left a row: %v", w.memory.Phases)
	}
}

// runs writes phases as how often each came.
func runs(phases []steward.Phase) string {
	var out []string
	for i := 0; i < len(phases); {
		j := i
		for j < len(phases) && phases[j] == phases[i] {
			j++
		}
		out = append(out, fmt.Sprintf("%s×%d", phases[i], j-i))
		i = j
	}
	return strings.Join(out, " ")
}

// Days that arrive late are judged as they should have been: where a run sees
// several new days at once, the result is that of a run on each of them.
func TestLateDaysAreJudgedAsTheyShouldHaveBeen(t *testing.T) {
	book := load(t, settings(), nil, drop("backfill: true\n"))
	rapid.Check(t, func(rt *rapid.T) {
		values := slices.Clone(calm)
		for range rapid.IntRange(1, 5).Draw(rt, "stretches") {
			values = append(values, flat(float64(rapid.SampledFrom([]int{0, 1, 4, 8, 10}).Draw(rt, "level")), rapid.IntRange(1, 10).Draw(rt, "days"))...)
		}
		last := day0 + steward.Day(len(values))
		late := steward.Day(rapid.IntRange(2, 9).Draw(rt, "late"))
		calmRun := day0 + 38
		daily, once := newWorld(t, book, customer("a")), newWorld(t, book, customer("a"))
		for _, w := range []*world{daily, once} {
			w.daily["logins"]["a"] = values
			for d := calmRun; d <= max(calmRun, last-late); d++ {
				w.run(d)
			}
		}
		for d := max(calmRun, last-late) + 1; d <= last; d++ {
			daily.run(d)
		}
		once.run(last)
		a, b := daily.phase("drop", "a"), once.phase("drop", "a")
		if a.Phase != b.Phase || a.Held != b.Held || a.EpisodeDay != b.EpisodeDay {
			rt.Fatalf("day by day %s held %g since %s; at once %s held %g since %s", a.Phase, a.Held, a.EpisodeDay, b.Phase, b.Held, b.EpisodeDay)
		}
		if diff := cmp.Diff(a.Frozen, b.Frozen); diff != "" {
			rt.Fatalf("what was frozen differs: %s", diff)
		}
		if s := daily.memory.States["drop"]; s.LastDay != last-1 || s.LastDay != once.memory.States["drop"].LastDay {
			rt.Fatalf("judged through %s and %s, want %s", s.LastDay, once.memory.States["drop"].LastDay, last-1)
		}
		if _, open := once.memory.Open[playbooks.KeyOf("drop", account("a"))]; open && b.Phase == steward.Clear {
			rt.Fatal("an enrolment is open on a clear subject")
		}
	})
}

func TestRunningTwiceOnOneDayCountsNoDayTwice(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, strings.Replace(drop(""), "for: 2d", "for: 3d", 1)), customer("a"))
	w.daily["logins"]["a"] = join(calm, flat(2, 10))
	w.run(day0 + 40)
	for d := day0 + 41; d <= day0+46; d++ {
		w.run(d)
	}
	before := w.phase("drop", "a")
	for hour := 7; hour < 12; hour++ {
		slot := steward.SlotAt(six(day0 + 46).Time().Add(time.Duration(hour-6) * time.Hour))
		out := w.at(slot).Decide()
		w.keep(out, len(out.Changes))
		w.finish(out)
	}
	if after := w.phase("drop", "a"); after.Phase != steward.Pending || after.Held != before.Held || before.Held != 1 {
		t.Errorf("held %g after more runs on the same day, %g before", after.Held, before.Held)
	}
}

func TestAStaleSourceJudgesNothing(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, drop(""), "playbook: renewals\ncooldown: 0\nwhen: days_until(renewal_date) <= 60d\n"), customer("a"))
	w.daily["logins"]["a"] = join(calm, flat(2, 3))
	w.run(day0 + 40)
	w.days(day0+41, day0+43, "drop", "a")
	w.stale["logins"], w.through["logins"] = true, day0+42
	out := w.run(day0 + 50)
	if p := w.phase("drop", "a"); p.Phase != steward.Clear && p.Phase != steward.Pending && p.Phase != "" {
		t.Errorf("the phase moved to %s on a stale source", p.Phase)
	}
	if f := out.Tally["drop"].Fault; !strings.Contains(f, "logins is stale") {
		t.Errorf("fault %q", f)
	}
	if _, open := w.memory.Open[playbooks.KeyOf("drop", account("a"))]; open {
		t.Error("a stale source opened an enrolment")
	}
	if out.Tally["renewals"].Fault != "" || w.phase("renewals", "a").Phase != steward.Firing {
		t.Errorf("a playbook that reads no metric is judged all the same: %+v", w.phase("renewals", "a"))
	}
	// Fresh again, every day that was missed is judged.
	w.stale["logins"] = false
	delete(w.through, "logins")
	w.daily["logins"]["a"] = join(calm, flat(2, 30))
	if out = w.run(day0 + 51); out.Tally["drop"].Days != 8 || w.phase("drop", "a").Phase != steward.Firing {
		t.Errorf("%d days judged, phase %s", out.Tally["drop"].Days, w.phase("drop", "a").Phase)
	}
	if w.memory.States["drop"].Fault != "" {
		t.Errorf("the fault stays: %s", w.memory.States["drop"].Fault)
	}
}

func TestStaleDuringAFiringKeepsTheEnrolment(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, drop("steps: [{id: nudge, slack: owner, message: nudge}, {wait: 60d}, {id: two, slack: manager, message: nudge}]\n")), customer("a"))
	w.daily["logins"]["a"] = join(calm, flat(2, 60))
	w.days(day0+40, day0+50, "drop", "a")
	before := w.must("drop", "a")
	w.stale["logins"] = true
	w.days(day0+51, day0+58, "drop", "a")
	if e := w.must("drop", "a"); e.State != before.State || w.phase("drop", "a").Phase != steward.Firing {
		t.Errorf("after a week without data: %s %s", e.State, w.phase("drop", "a").Phase)
	}
}

func TestBaselineIsQuarantinedAndReleased(t *testing.T) {
	book := load(t, settings(), nil, drop(""))
	w := newWorld(t, book, customer("a"), customer("b"))
	w.daily["logins"]["a"] = join(calm, flat(1, 60))
	w.daily["logins"]["b"] = join(flat(10, 45), flat(1, 60))
	out := w.run(day0 + 44)
	if p := w.phase("drop", "a"); p.Phase != steward.Pending {
		t.Fatalf("a is %s", p.Phase)
	}
	if len(out.Quarantined) != 0 {
		t.Error("nothing fires yet")
	}
	w.run(day0 + 45)
	out = w.run(day0 + 46)
	if e := w.must("drop", "a"); e.State != steward.Quarantined || e.Reason != steward.ReasonBaseline || len(w.memory.Outreach[e.ID]) != 0 {
		t.Errorf("a: %s %s", e.State, e.Reason)
	}
	if diff := cmp.Diff([]playbooks.Held{{Playbook: "drop", Subject: account("a"), Name: "Acme a", Reason: steward.ReasonBaseline, Why: []string{"logins fell 77% in 7 days: 10 → 2.3 a day"}}}, out.Quarantined); diff != "" {
		t.Errorf("held: %s", diff)
	}
	w.days(day0+47, day0+52, "drop", "b")
	if e := w.must("drop", "b"); e.Reason == steward.ReasonBaseline || e.State == steward.Quarantined {
		t.Errorf("b began after the baseline, and is %s %s", e.State, e.Reason)
	}
	key := playbooks.KeyOf("drop", account("a"))
	e := w.memory.Open[key]
	e.State, e.Reason, e.StepSince = steward.Active, steward.ReasonReleased, six(day0+52).Time()
	w.memory.Open[key] = e
	w.run(day0 + 53)
	if said, _ := w.said(w.must("drop", "a")); !slices.Equal(said, []string{"nudge"}) {
		t.Errorf("after release it said %v", said)
	}
}

func TestWhatWasFiringKeepsItsPhaseWhenAConditionChanges(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, drop("")), customer("a"), customer("b"))
	w.daily["logins"]["a"] = join(calm, flat(1, 60))
	w.daily["logins"]["b"] = join(flat(10, 49), flat(4, 60))
	w.days(day0+40, day0+50, "drop", "a")
	before, enrolled := w.phase("drop", "a"), w.must("drop", "a")
	if before.Phase != steward.Firing || enrolled.State == steward.Quarantined {
		t.Fatalf("a is %s, %s", before.Phase, enrolled.State)
	}
	w.book = load(t, settings(), nil, strings.Replace(drop(""), ">= 50%", ">= 15%", 1))
	out := w.run(day0 + 51)
	after := w.phase("drop", "a")
	if after.Phase != steward.Firing || after.Episode != before.Episode || !w.must("drop", "a").OpenedAt.Equal(enrolled.OpenedAt) {
		t.Errorf("a went from %+v to %+v", before, after)
	}
	if out.States[0].Baseline != six(day0+51) || w.phase("drop", "b").Episode != six(day0+51) {
		t.Errorf("baseline %s, b began %s", out.States[0].Baseline, w.phase("drop", "b").Episode)
	}
	w.days(day0+52, day0+53, "drop", "b")
	if e := w.must("drop", "b"); e.State != steward.Quarantined {
		t.Errorf("b was true at the first run of the new condition and is %s", e.State)
	}
}

func TestEditingWordsMakesNoNewBaseline(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, drop("")), customer("a"))
	w.daily["logins"]["a"] = join(calm, flat(1, 60))
	w.run(day0 + 40)
	baseline := w.memory.States["drop"].Baseline
	w.book = load(t, settings(), nil, drop("title: Other words\nwhy: Because.\nsteps: [{id: other, slack: manager, message: nudge}]\n"))
	w.days(day0+41, day0+50, "drop", "a")
	if w.memory.States["drop"].Baseline != baseline || w.must("drop", "a").State == steward.Quarantined {
		t.Errorf("baseline %s, was %s; %s", w.memory.States["drop"].Baseline, baseline, w.must("drop", "a").State)
	}
}

func TestABaselineWaitsForData(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, drop("")))
	w.run(day0 + 40)
	if st := w.memory.States["drop"]; st.Condition != "" {
		t.Errorf("an empty portfolio made the baseline %s", st.Baseline)
	}
	w.Accounts = append(w.Accounts, customer("a"))
	w.stale["logins"] = true
	w.run(day0 + 41)
	if st := w.memory.States["drop"]; st.Condition != "" {
		t.Errorf("a stale source made the baseline %s", st.Baseline)
	}
	w.stale["logins"] = false
	w.run(day0 + 42)
	if st := w.memory.States["drop"]; st.Baseline != six(day0+42) {
		t.Errorf("baseline %s", st.Baseline)
	}
}

// many is a world in which n accounts begin to fire in one run.
func many(t *testing.T, n int, more string, accountOf func(i int) steward.Account) *world {
	book := load(t, settings(), nil, "playbook: many\ncooldown: 0\nwhen: seats == 1\n"+more)
	w := newWorld(t, book)
	for i := range n {
		w.Accounts = append(w.Accounts, accountOf(i))
	}
	w.run(day0 + 1)
	for i := range w.Accounts {
		w.Accounts[i].More = map[string]steward.Value{"seats": steward.Num(1)}
	}
	return w
}

func numbered(i int) steward.Account { return customer(fmt.Sprintf("a%03d", i)) }

func TestBlastRadius(t *testing.T) {
	t.Run("the most urgent go first, and who knows last", func(t *testing.T) {
		w := many(t, 30, "priority: arr\n", func(i int) steward.Account {
			a := numbered(i)
			if a.ARR = steward.Num(float64(1000 * (i + 1))); i%3 == 0 {
				a.ARR = steward.Value{}
			}
			return a
		})
		out := w.run(day0 + 2)
		if o := out.Tally["many"]; o.Opened != 10 || o.Quarantined != 20 || o.Audience != 30 {
			t.Fatalf("%+v", o)
		}
		var opened []string
		for i := range 30 {
			if e := w.must("many", string(numbered(i).ID)); e.Reason != steward.ReasonBlastRadius {
				opened = append(opened, e.Subject.ID)
			}
		}
		want := "a016 a017 a019 a020 a022 a023 a025 a026 a028 a029"
		if got := strings.Join(opened, " "); got != want {
			t.Errorf("opened %s, want %s", got, want)
		}
		if last := out.Quarantined[len(out.Quarantined)-1].Subject.ID; last != "a027" {
			t.Errorf("held last: %s", last)
		}
	})
	for _, c := range []struct {
		more string
		n    int
		want int
	}{{"", 400, 20}, {"", 12, 10}, {"max_new: 3\n", 30, 3}, {"max_new: 50%\n", 30, 15}, {"max_new: 1%\n", 30, 1}, {"max_new: 3\nbackfill: true\n", 30, 3}} {
		w := many(t, c.n, c.more, numbered)
		if out := w.run(day0 + 2); out.Tally["many"].Opened != c.want {
			t.Errorf("%q of %d: opened %d, want %d", c.more, c.n, out.Tally["many"].Opened, c.want)
		}
	}
	t.Run("the audience is who may be acted on", func(t *testing.T) {
		w := many(t, 800, "", func(i int) steward.Account {
			a := numbered(i)
			a.Test = i >= 400
			return a
		})
		if out := w.run(day0 + 2); out.Tally["many"].Opened != 20 || out.Tally["many"].Audience != 400 {
			t.Errorf("%+v", out.Tally["many"])
		}
	})
}

// A run that is begun again after it was cut short comes to what it would have
// come to.
func TestARunCutShortIsTakenUp(t *testing.T) {
	build := func() *world {
		return many(t, 60, "priority: arr\nsteps: [{id: nudge, slack: owner, message: nudge}, {wait: 5d}]\n", func(i int) steward.Account {
			a := numbered(i)
			a.ARR = steward.Num(float64((i * 37) % 101))
			return a
		})
	}
	whole := build()
	whole.sends = false
	want := whole.run(day0 + 2)
	for _, cut := range []int{0, 1, 7, 25, 59, 60} {
		w := build()
		w.sends = false
		w.keep(w.at(six(day0+2)).Decide(), cut)
		rest := w.at(six(day0 + 2)).Decide()
		w.keep(rest, len(rest.Changes))
		w.finish(rest)
		if diff := cmp.Diff(whole.memory.Open, w.memory.Open, sameSlot); diff != "" {
			t.Errorf("cut after %d of %d: %s", cut, len(want.Changes), diff)
		}
		if len(w.memory.Messages) != len(whole.memory.Messages) {
			t.Errorf("cut after %d: %d messages, want %d", cut, len(w.memory.Messages), len(whole.memory.Messages))
		}
		if n := len(whole.records); len(w.records) != n {
			t.Errorf("cut after %d: %d records, want %d", cut, len(w.records), n)
		}
	}
}

func TestCooldownCountsFromTheEndAndDecidesOpeningOnly(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: seats == 1\nuntil: seats != 1\ncooldown: 10d\n"), customer("a"))
	seats := func(n float64) { w.Accounts[0].More = map[string]steward.Value{"seats": steward.Num(n)} }
	seats(0)
	w.run(day0)
	seats(1)
	w.run(day0 + 1) // opens, says it; the step settles
	w.run(day0 + 2) // completed
	if e := w.must("p", "a"); e.State != steward.Completed {
		t.Fatalf("%s", e.State)
	}
	seats(0)
	w.run(day0 + 3)
	seats(1)
	w.run(day0 + 5)
	if _, open := w.memory.Open[playbooks.KeyOf("p", account("a"))]; open {
		t.Fatal("it was opened while it cools down")
	}
	if r := w.records[len(w.records)-1]; r.Reason != steward.ReasonCoolingDown || r.Effect != steward.Defer || !r.Until.Equal(six(day0+12).Time()) {
		t.Errorf("recorded %+v", r)
	}
	n := len(w.records)
	w.days(day0+6, day0+11, "p", "a")
	if len(w.records) != n {
		t.Errorf("the same refusal was recorded every day: %+v", w.records[n:])
	}
	w.run(day0 + 12)
	if e := w.must("p", "a"); !e.State.Open() || e.Episode != six(day0+5) {
		t.Errorf("after the cooldown: %s, episode %s", e.State, e.Episode)
	}
}

// A subject may fire on, not recovered, while its condition does not hold. It
// is not opened late then: a nudge would state what is no longer so.
func TestALateOpeningNeedsItsCondition(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: seats >= 10\nuntil: seats < 5\ncooldown: 10d\n"), customer("a"))
	w.seats(0)
	w.run(day0)
	w.seats(10)
	w.days(day0+1, day0+2, "p", "a") // opened and completed
	w.seats(0)
	w.run(day0 + 3)
	w.seats(10)
	w.run(day0 + 4) // a new episode, while it cools down
	w.seats(7)
	w.days(day0+5, day0+14, "p", "a")
	if p := w.phase("p", "a"); p.Phase != steward.Firing || len(w.memory.Open) != 0 {
		t.Fatalf("%s, %d open; it fires on and must not open", p.Phase, len(w.memory.Open))
	}
	w.seats(12)
	w.run(day0 + 15)
	if e := w.must("p", "a"); !e.State.Open() || e.Episode != six(day0+4) {
		t.Errorf("its condition holds again: %s of %s", e.State, e.Episode)
	}
}

func TestReentryNever(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: seats == 1\nuntil: seats != 1\ncooldown: 0\nreentry: never\n"), customer("a"))
	w.run(day0)
	for i := range 6 {
		w.Accounts[0].More = map[string]steward.Value{"seats": steward.Num(float64((i + 1) % 2))}
		w.run(day0 + 1 + steward.Day(i))
	}
	if e := w.must("p", "a"); e.Episode != six(day0+1) {
		t.Errorf("it was opened again in the episode of %s", e.Episode)
	}
	if r := w.records[len(w.records)-1]; r.Reason != steward.ReasonNoReentry {
		t.Errorf("recorded %+v", r)
	}
}

func TestAnEpisodeOpensOnce(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: seats == 1\ncooldown: 0\n"), customer("a"))
	w.run(day0)
	w.Accounts[0].More = map[string]steward.Value{"seats": steward.Num(1)}
	w.days(day0+1, day0+20, "p", "a")
	if len(w.memory.Messages) != 1 {
		t.Errorf("%d messages for one episode", len(w.memory.Messages))
	}
}

func TestQuarantineExpiresAndStartsNoCooldown(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: seats == 1\nuntil: seats != 1\ncooldown: 300d\nreentry: never\n"), customer("a"))
	set := func(n float64) { w.Accounts[0].More = map[string]steward.Value{"seats": steward.Num(n)} }
	set(1)
	for d := day0; d <= day0+13; d++ {
		if out := w.run(d); len(out.Expiring) > 0 != (d >= day0+11) {
			t.Errorf("day %d: %d will expire soon, by what ops is told", d-day0, len(out.Expiring))
		}
	}
	if e := w.must("p", "a"); e.State != steward.Quarantined {
		t.Fatalf("%s", e.State)
	}
	w.run(day0 + 14)
	if e := w.must("p", "a"); e.State != steward.Exited || e.Reason != steward.ReasonQuarantineExpired {
		t.Fatalf("%s %s", e.State, e.Reason)
	}
	w.days(day0+15, day0+20, "p", "a")
	if len(w.memory.Open) != 0 {
		t.Error("the episode that expired was opened")
	}
	set(0)
	w.run(day0 + 21)
	set(1)
	w.run(day0 + 22)
	if e := w.must("p", "a"); !e.State.Open() || e.State == steward.Quarantined {
		t.Errorf("a new episode after an expired quarantine: %s %s", e.State, e.Reason)
	}
}

func TestQuarantineEndsOnRecovery(t *testing.T) {
	for _, kind := range []string{"signal", "process"} {
		w := newWorld(t, load(t, settings(), nil, "playbook: p\nkind: "+kind+"\nwhen: seats == 1\nuntil: seats != 1\ncooldown: 0\n"), customer("a"))
		w.Accounts[0].More = map[string]steward.Value{"seats": steward.Num(1)}
		w.run(day0)
		w.Accounts[0].More = map[string]steward.Value{"seats": steward.Num(0)}
		w.run(day0 + 1)
		if e := w.must("p", "a"); e.State != steward.Exited || e.Reason != steward.ReasonRecovered {
			t.Errorf("%s: %s %s", kind, e.State, e.Reason)
		}
	}
}

func TestHoldoutArms(t *testing.T) {
	const n = 2000
	count := func(salt string) (held int, arms map[string]steward.Arm) {
		w := many(t, n, "max_new: 100%\nholdout: 20%\n", func(i int) steward.Account {
			a := numbered(i)
			if i%4 != 0 { // four companies to a family, two levels deep
				a.Parent = numbered(i - i%4).ID
				if i%4 == 3 {
					a.Parent = numbered(i - 1).ID
				}
			}
			return a
		})
		w.salt = salt
		w.run(day0 + 2)
		arms = map[string]steward.Arm{}
		for i := range n {
			e := w.must("many", string(numbered(i).ID))
			arms[e.Subject.ID] = e.Arm
			said, unsaid := w.said(e)
			switch e.Arm {
			case steward.Holdout:
				held++
				if len(said) != 0 || unsaid["nudge"] != steward.ReasonHoldout {
					t.Fatalf("a holdout said %v, unsaid %v", said, unsaid)
				}
			case steward.Treatment:
				if len(said) != 1 {
					t.Fatalf("a treatment said %v", said)
				}
			default:
				t.Fatalf("arm %q", e.Arm)
			}
		}
		return held, arms
	}
	held, arms := count("salt")
	// 500 families of which a fifth: the standard deviation is 36 accounts.
	if held < 290 || held > 510 {
		t.Errorf("%d of %d are held out, want about 400", held, n)
	}
	for i := range n {
		if family := string(numbered(i - i%4).ID); arms[string(numbered(i).ID)] != arms[family] {
			t.Fatalf("%s is on another side than its family %s", numbered(i).ID, family)
		}
	}
	if _, again := count("salt"); !cmp.Equal(arms, again) {
		t.Error("the draw changed from one run to the next")
	}
	if _, other := count("pepper"); cmp.Equal(arms, other) {
		t.Error("another workspace drew the same")
	}
}

func TestAParentThatIsItsOwnEndsTheWalk(t *testing.T) {
	w := many(t, 2, "holdout: 50%\n", func(i int) steward.Account {
		a := numbered(i)
		a.Parent = numbered(1 - i).ID
		return a
	})
	w.run(day0 + 2) // must come to an end
	if w.must("many", "a000").Arm == "" {
		t.Error("no arm was drawn")
	}
}

// Deciding is a function of its arguments: however maps are walked, the same
// comes out, in the same order.
func TestDecidingIsDeterministic(t *testing.T) {
	w := newWorld(t, load(t, settings(), map[string]string{"c": "Contract {{ .contract.end_date | date }}."},
		"playbook: one\ncooldown: 0\nwhen: seats == 1\nmax_new: 4\npriority: arr\n",
		"playbook: two\ncooldown: 0\nwhen: seats == 1\nholdout: 30%\nbackfill: true\n",
		"playbook: three\ncooldown: 9d\nabout: contract\nwhen: seats == 1\nbackfill: true\nsteps: [{id: c, slack: owner, message: c}]\n",
		"playbook: four\ncooldown: 0\nwhen: seats == 1\nbackfill: true\nsteps: [{id: m, email: [champion], message: help, approve: owner}]\n"))
	for i := range 20 {
		a := numbered(i)
		a.More = map[string]steward.Value{"seats": steward.Num(1)}
		w.Accounts = append(w.Accounts, a)
		w.Contacts = append(w.Contacts, champion(string(a.ID)))
		for j := range 3 {
			w.Contracts = append(w.Contracts, steward.Contract{ID: steward.ContractID(fmt.Sprintf("c%d-%d", i, j)), Account: a.ID, EndDate: day0 + 90, NoticeDate: day0 + 60})
		}
	}
	compare := func(day steward.Day) {
		t.Helper()
		want := w.at(six(day)).Decide()
		for range 20 {
			if diff := cmp.Diff(want, w.at(six(day)).Decide(), sameSlot); diff != "" {
				t.Fatalf("decided twice on %s: %s", day, diff)
			}
		}
		w.keep(want, len(want.Changes))
		w.finish(want)
	}
	compare(day0 + 1)
	compare(day0 + 2)
	for i := range w.Accounts {
		w.Accounts[i].More = map[string]steward.Value{"seats": steward.Num(0)}
	}
	compare(day0 + 3)
	w.Accounts, w.Contracts = w.Accounts[:10], w.Contracts[:15]
	compare(day0 + 4)
	for i := range w.Accounts {
		w.Accounts[i].More = map[string]steward.Value{"seats": steward.Num(1)}
	}
	compare(day0 + 5)
}

func TestSubjectsAndPlaybooksThatAreGone(t *testing.T) {
	two := "playbook: stays\ncooldown: 0\nwhen: seats == 1\nsteps: [{wait: 90d}, {id: nudge, slack: owner, message: nudge}]\n"
	goes := strings.Replace(two, "stays", "goes", 1)
	w := newWorld(t, load(t, settings(), nil, two, goes), customer("a"), customer("b"))
	w.run(day0)
	for i := range w.Accounts {
		w.Accounts[i].More = map[string]steward.Value{"seats": steward.Num(1)}
	}
	w.run(day0 + 1)
	w.book = load(t, settings(), nil, two)
	w.Accounts = w.Accounts[:1]
	w.run(day0 + 2)
	for _, c := range []struct {
		p, id  string
		state  steward.EnrolmentState
		reason steward.Reason
	}{
		{"stays", "a", steward.Waiting, ""}, {"stays", "b", steward.Exited, steward.ReasonSubjectGone},
		{"goes", "a", steward.Exited, steward.ReasonPlaybookRemoved}, {"goes", "b", steward.Exited, steward.ReasonPlaybookRemoved},
	} {
		if e := w.must(c.p, c.id); e.State != c.state || e.Reason != c.reason {
			t.Errorf("%s of %s: %s %s, want %s %s", c.p, c.id, e.State, e.Reason, c.state, c.reason)
		}
	}
	if len(w.memory.Phases) != 1 {
		t.Errorf("phases left: %v", w.memory.Phases)
	}
}

func TestPortfolioDecidesWhoIsActedOn(t *testing.T) {
	lead, tester, nobody := customer("lead"), customer("test"), customer("nobody")
	lead.Status, tester.Test, nobody.Status = "lead", true, ""
	w := newWorld(t, load(t, settings(), nil, "playbook: p\nwhen: arr > 0\ncooldown: 0\nbackfill: true\nsteps: [{wait: 90d}, {id: nudge, slack: owner, message: nudge}]\n"), customer("a"), lead, nobody, tester)
	w.run(day0)
	if len(w.memory.Open) != 1 || w.phase("p", "a").Phase != steward.Firing {
		t.Errorf("open: %v", w.memory.Open)
	}
	w.Accounts[0].Status = "" // unknown keeps who is in
	w.run(day0 + 1)
	if e := w.must("p", "a"); !e.State.Open() {
		t.Errorf("an unknown status ended it: %s", e.Reason)
	}
	w.Accounts[0].Status = "churned"
	w.run(day0 + 2)
	if e := w.must("p", "a"); e.Reason != steward.ReasonNotInPortfolio {
		t.Errorf("%s %s", e.State, e.Reason)
	}
}

func TestADisabledPlaybookIsNotJudged(t *testing.T) {
	on := "playbook: p\nwhen: seats == 1\ncooldown: 0\n"
	w := newWorld(t, load(t, settings(), nil, on+"enabled: false\n"), customer("a"))
	w.Accounts[0].More = map[string]steward.Value{"seats": steward.Num(1)}
	w.run(day0)
	if len(w.memory.Phases)+len(w.memory.Open) != 0 || w.memory.States["p"].Condition != "" {
		t.Error("a disabled playbook was judged")
	}
}

// Nudges about one account to one person at one moment share a card.
func TestNudgesShareACard(t *testing.T) {
	w := newWorld(t, load(t, settings(), nil,
		"playbook: one\nwhen: seats == 1\ncooldown: 0\nbackfill: true\nsteps: [{id: nudge, slack: owner, message: nudge, expires: 2d}]\n",
		"playbook: two\nwhen: seats == 1\ncooldown: 0\nbackfill: true\nsteps: [{id: nudge, slack: owner, message: escalate, expires: 9d, on_uncertain: leave}]\n",
		"playbook: three\nwhen: seats == 1\ncooldown: 0\nbackfill: true\nsteps: [{id: nudge, slack: manager, message: nudge}]\n"), customer("a"))
	w.Accounts[0].More = map[string]steward.Value{"seats": steward.Num(1)}
	out := w.run(day0)
	if n := len(out.Changes[0].Messages); n != 2 {
		t.Fatalf("%d messages, want one card for the owner and one for the manager", n)
	}
	for _, m := range w.memory.Messages {
		if m.To.Key == "owner" && (!m.Expires.Equal(six(day0+9).Time()) || m.RetryUncertain) {
			t.Errorf("the card expires %s, retry %t: it is worth sending as long as anything on it is", m.Expires, m.RetryUncertain)
		}
	}
}
