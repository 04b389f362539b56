package playbooks_test

import (
	"strings"
	"testing"

	"steward"
	"steward/playbooks"
)

// piloted is a playbook in a pilot for those with the big plan until 20 June.
const piloted = "playbook: p\ncooldown: 0\nbackfill: true\nwhen: seats == 1\naudience: segment == 'enterprise'\npilot: {only: \"plan == 'big'\", until: 2026-06-20, measure: \"sum(logins, 7d)\"}\n"

func pilotWorld(t *testing.T, text string) *world {
	w := newWorld(t, load(t, settings(), nil, text), customer("in"), customer("out"), customer("unknown"), customer("smb"))
	for i, plan := range []string{"big", "small", "", "big"} {
		w.Accounts[i].More = map[string]steward.Value{"seats": steward.Num(0), "plan": steward.Str(plan)}
		if plan == "" {
			w.Accounts[i].More["plan"] = steward.Unknown(steward.TextKind)
		}
		w.daily["logins"][w.Accounts[i].ID] = flat(float64(i+1), 60)
	}
	w.Accounts[3].Segment = "smb"
	return w
}

func (w *world) allSeats(n float64) {
	for i := range w.Accounts {
		w.Accounts[i].More["seats"] = steward.Num(n)
	}
}

func (w *world) enrolled(p string) (out []string) {
	for _, a := range w.Accounts {
		if _, ok := w.enrolment(p, account(string(a.ID))); ok {
			out = append(out, string(a.ID))
		}
	}
	return out
}

func TestAPilotAdmitsItsSubjectsUntilItIsOver(t *testing.T) {
	w := pilotWorld(t, piloted)
	w.run(day0 + 9)
	w.allSeats(1)
	w.run(day0 + 10)
	if got := strings.Join(w.enrolled("p"), " "); got != "in" {
		t.Fatalf("in the pilot: %s", got)
	}
	barred := map[string]steward.Decision{}
	for _, r := range w.records {
		if r.Reason == steward.ReasonNotInPilot {
			barred[r.Subject.ID] = r.Decision
		}
	}
	if d := barred["out"]; len(barred) != 2 || d.Effect != steward.Defer || !d.Until.Equal(steward.Date(2026, 6, 20).Start(berlin)) || !strings.Contains(d.Detail, "until 20 June 2026") {
		t.Errorf("kept out: %+v", barred)
	}
	s := w.at(six(day0 + 10))
	p, _ := w.book.Playbook("p")
	x, err := s.Explain(p, account("out"))
	if err != nil || !strings.Contains(x.Sentence, "in a pilot until 20 June 2026") {
		t.Errorf("%v: %s", err, x.Sentence)
	}
	// Who is in stays in, whatever becomes of the plan.
	w.Accounts[0].More["plan"] = steward.Str("small")
	w.run(day0 + 18)
	if e := w.must("p", "in"); e.Reason != "" && e.State == steward.Exited {
		t.Errorf("the enrolment ended: %s", e.Reason)
	}
	w.run(steward.Date(2026, 6, 20))
	if got := strings.Join(w.enrolled("p"), " "); got != "in out unknown" {
		t.Errorf("when the pilot is over: %s", got)
	}
}

func (w *world) starts(out playbooks.Outcome) map[string]steward.PilotStart {
	got := map[string]steward.PilotStart{}
	for _, c := range out.Changes {
		for _, p := range c.Pilots {
			got[p.Subject.ID] = p
		}
	}
	return got
}

func TestAPilotMeasuresTheWholeAudienceOnce(t *testing.T) {
	w := pilotWorld(t, piloted)
	w.stale["logins"], w.through["logins"] = true, day0+2
	if got := w.starts(w.run(day0 + 8)); len(got) > 0 {
		t.Errorf("measured on stale facts: %v", got)
	}
	delete(w.through, "logins")
	w.stale["logins"] = false
	got := w.starts(w.run(day0 + 9))
	if len(got) != 3 || got["in"].Value.Num != 7 || !got["in"].In || got["out"].Value.Num != 14 || got["out"].In || got["unknown"].In {
		t.Errorf("measured: %+v", got)
	}
	p, _ := w.book.Playbook("p")
	if st := w.memory.States["p"]; st.Pilot != p.Pilot.Hash || st.PilotSince != six(day0+9) || got["in"].Pilot != p.Pilot.Hash || got["in"].Slot != six(day0+9) {
		t.Errorf("the state is %+v of %s", st, p.Pilot.Hash)
	}
	if again := w.starts(w.run(day0 + 10)); len(again) > 0 {
		t.Errorf("measured again: %v", again)
	}
	// Reworded it is the same pilot; with another condition it is a new one.
	w.book = load(t, settings(), nil, strings.Replace(piloted, "sum(logins, 7d)", "sum( logins , 1w )", 1))
	if again := w.starts(w.run(day0 + 11)); len(again) > 0 {
		t.Errorf("measured for another spelling: %v", again)
	}
	w.book = load(t, settings(), nil, strings.Replace(piloted, "plan == 'big'", "plan != 'big'", 1))
	if again := w.starts(w.run(day0 + 12)); len(again) != 3 || again["in"].In || !again["out"].In {
		t.Errorf("the new pilot measured %+v", again)
	}
	// One that is over begins no more.
	w = pilotWorld(t, piloted)
	if got := w.starts(w.run(steward.Date(2026, 6, 20))); len(got) > 0 {
		t.Errorf("measured when it was over: %v", got)
	}
}

func TestAPilotOfARhythm(t *testing.T) {
	w := pilotWorld(t, strings.Replace(report, "steps:", "pilot: {only: \"plan == 'big'\", until: 2026-06-20}\nsteps:", 1))
	for d := day0 + 1; d < day0+50; d++ {
		w.run(d)
		if d == day0+10 {
			if got := strings.Join(w.enrolled("report"), " "); got != "in smb" {
				t.Errorf("in the pilot: %s", got)
			}
		}
	}
	if got := strings.Join(w.enrolled("report"), " "); got != "in out unknown smb" {
		t.Errorf("in July: %s", got)
	}
}
