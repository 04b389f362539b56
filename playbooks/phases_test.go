package playbooks

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"steward"
)

// slotOf is the slot of the n-th reading.
func slotOf(n int) steward.Slot {
	return steward.SlotAt(time.Date(2026, 6, 1+n, 6, 0, 0, 0, time.UTC))
}

// readings are written as words: audience, when and over as y, n or ? each.
func read(t *testing.T, n int, word string) reading {
	t.Helper()
	if len(word) != 3 {
		t.Fatalf("%q is not a reading", word)
	}
	verdict := func(c byte) steward.Verdict {
		return map[byte]steward.Verdict{'y': steward.Holds, 'n': steward.Fails, '?': steward.Unclear}[c]
	}
	return reading{Slot: slotOf(n), Day: steward.Day(n), Elapsed: 1, Audience: verdict(word[0]), When: verdict(word[1]), Over: verdict(word[2])}
}

func TestPhases(t *testing.T) {
	for _, c := range []struct {
		name        string
		need, clear float64
		days        string // one reading a day
		want        string // the phases after each

		endings string
	}{
		{name: "a whole life", need: 2, clear: 2, days: "ynn yyn yyn yyn yny yny yny ynn", want: "clear pending pending firing clearing clearing clear clear", endings: "6"},
		{name: "for: 0 fires at once", days: "yyn", want: "firing"},
		{name: "clear_for: 0 clears at once", days: "yyn yny", want: "firing clear", endings: "1"},
		{name: "a wobble while pending begins again", need: 2, days: "yyn yyn ynn yyn yyn yyn", want: "pending pending clear pending pending firing", endings: "2"},
		{name: "unknown moves nothing", need: 2, days: "yyn y?? y?? yyn y?? yyn", want: "pending pending pending pending pending firing"},
		{name: "unknown keeps firing and clearing", clear: 1, days: "yyn y?? yny y?? yny", want: "firing firing clearing clearing clear", endings: "4"},
		{name: "unknown opens nothing", days: "y?? y?n ?yn", want: "clear clear clear"},
		{name: "clearing may fire again, and that is the same episode", clear: 2, days: "yyn yny yyn yny yny yny", want: "firing clearing firing clearing clearing clear", endings: "5"},
		{name: "neither over nor not keeps clearing", clear: 2, days: "yyn yny yy? yny yny", want: "firing clearing clearing clearing clear", endings: "4"},
		{name: "when failing without until does not end a firing", days: "yyn ynn ynn", want: "firing firing firing"},
		{name: "leaving the audience ends pending", need: 2, days: "yyn nyn", want: "pending clear", endings: "1"},
		{name: "leaving the audience ends firing", clear: 5, days: "yyn nyn", want: "firing clear", endings: "1"},
		{name: "leaving the audience ends clearing", clear: 5, days: "yyn yny nyn", want: "firing clearing clear", endings: "2"},
		{name: "an unknown audience keeps who is in", need: 1, days: "yyn ?yn ?yn", want: "pending firing firing"},
		{name: "an unknown audience admits nobody", days: "?yn", want: "clear"},
		{name: "who left comes back in a new episode", days: "yyn nyn yyn", want: "firing clear firing", endings: "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &Playbook{For: c.need, ClearFor: c.clear}
			var st steward.PhaseState
			var got, endings []string
			for n, word := range strings.Fields(c.days) {
				var ended bool
				before := st
				st, ended = p.stepPhase(st, read(t, n, word))
				got = append(got, string(st.Phase))
				if ended {
					endings = append(endings, fmt.Sprint(n))
				}
				if st.Slot != slotOf(n) {
					t.Errorf("after reading %d the state's slot is %s", n, st.Slot)
				}
				if st.Phase != before.Phase && st.Since != slotOf(n) {
					t.Errorf("reading %d began %s, and since says %s", n, st.Phase, st.Since)
				}
				if wasClear := phaseOf(before) == steward.Clear; wasClear && st.Phase != steward.Clear && (st.Episode != slotOf(n) || st.EpisodeDay != steward.Day(n)) {
					t.Errorf("reading %d began an episode named %s, day %d", n, st.Episode, st.EpisodeDay)
				} else if !wasClear && st.Episode != before.Episode {
					t.Errorf("reading %d renamed the episode", n)
				}
			}
			if strings.Join(got, " ") != c.want || strings.Join(endings, " ") != c.endings {
				t.Errorf("%s: got %s (ended at %v), want %s (%s)", c.days, strings.Join(got, " "), endings, c.want, c.endings)
			}
		})
	}
}

func TestPhaseTimeMayBePartsOfDays(t *testing.T) {
	p := &Playbook{For: 1}
	st, _ := p.stepPhase(steward.PhaseState{}, read(t, 0, "yyn"))
	for n, want := range []steward.Phase{steward.Pending, steward.Firing} {
		r := read(t, n+1, "yyn")
		r.Elapsed = 0.5
		if st, _ = p.stepPhase(st, r); st.Phase != want {
			t.Errorf("after %d half days it is %s, want %s", n+1, st.Phase, want)
		}
	}
}

// phasesByDefinition reads the phase after every reading straight from the
// definition: it looks for where each stretch ends instead of stepping.
func phasesByDefinition(p *Playbook, rs []reading) []steward.Phase {
	out := slices.Repeat([]steward.Phase{steward.Clear}, len(rs))
	// held finds the first reading from i on by which what is asked for was seen
	// for long enough, or by which stop was seen.
	held := func(i int, need float64, yes, stop func(reading) bool) (at int, stopped bool) {
		sum := 0.0
		for ; i < len(rs); i++ {
			if rs[i].Audience == steward.Fails || stop(rs[i]) {
				return i, true
			}
			if yes(rs[i]) {
				if sum += rs[i].Elapsed; sum >= need {
					return i, false
				}
			}
		}
		return i, false
	}
	fill := func(from, to int, ph steward.Phase) {
		for i := from; i < min(to, len(rs)); i++ {
			out[i] = ph
		}
	}
	is := func(get func(reading) steward.Verdict, v steward.Verdict) func(reading) bool {
		return func(r reading) bool { return get(r) == v }
	}
	when, over := func(r reading) steward.Verdict { return r.When }, func(r reading) steward.Verdict { return r.Over }
	never := func(reading) bool { return false }
	for i := 0; i < len(rs); i++ {
		if rs[i].Audience != steward.Holds || rs[i].When != steward.Holds {
			continue
		}
		fires := i
		if p.For > 0 {
			at, stopped := held(i+1, p.For, is(when, steward.Holds), is(when, steward.Fails))
			fill(i, at, steward.Pending)
			if i = at; stopped || at == len(rs) {
				continue
			}
			fires = at
		}
		for next := fires; next < len(rs); {
			over1, stopped := held(next+1, 0, is(over, steward.Holds), never)
			fill(next, over1, steward.Firing)
			if i = over1; stopped || over1 == len(rs) || p.ClearFor == 0 {
				break
			}
			at, stopped := held(over1+1, p.ClearFor, is(over, steward.Holds), is(over, steward.Fails))
			fill(over1, at, steward.Clearing)
			i = at
			if !stopped || at < len(rs) && rs[at].Audience == steward.Fails {
				break
			}
			next = at // fires again
		}
	}
	return out
}

func TestPhasesAreAsDefined(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		verdict := rapid.SampledFrom([]steward.Verdict{steward.Fails, steward.Unclear, steward.Holds})
		p := &Playbook{For: float64(rapid.IntRange(0, 3).Draw(rt, "for")), ClearFor: float64(rapid.IntRange(0, 3).Draw(rt, "clear_for"))}
		n := rapid.IntRange(1, 30).Draw(rt, "n")
		var rs []reading
		for i := range n {
			audience := steward.Holds
			if rapid.IntRange(0, 5).Draw(rt, "leave") == 0 {
				audience = verdict.Draw(rt, "audience")
			}
			rs = append(rs, reading{Slot: slotOf(i), Day: steward.Day(i), Elapsed: float64(rapid.IntRange(1, 2).Draw(rt, "elapsed")), Audience: audience, When: verdict.Draw(rt, "when"), Over: verdict.Draw(rt, "over")})
		}
		var st steward.PhaseState
		var got []steward.Phase
		for _, r := range rs {
			before := st
			st, _ = p.stepPhase(st, r)
			got = append(got, st.Phase)
			if r.Audience == steward.Unclear && r.When == steward.Unclear && r.Over == steward.Unclear && phaseOf(before) != st.Phase {
				rt.Fatalf("a reading of which nothing is known moved %s to %s", before.Phase, st.Phase)
			}
		}
		if want := phasesByDefinition(p, rs); !slices.Equal(got, want) {
			rt.Fatalf("for %g, clear_for %g, %v:\n got %v\nwant %v", p.For, p.ClearFor, rs, got, want)
		}
	})
}
