package playbooks_test

import (
	"strings"
	"testing"
	"time"

	"steward"
	"steward/playbooks"
)

const byHand = `playbook: care
title: Take care
audience: segment == 'enterprise'
when: arr > 100k
cooldown: 30d
holdout: 50%
steps:
- {id: nudge, slack: owner, message: nudge}
- {wait: 2d, unless: acked}
- {id: help, email: [champion], message: help, approve: owner}
`

func handWorld(t *testing.T, more string) *world {
	t.Helper()
	w := newWorld(t, load(t, settings(), nil, byHand+more, "playbook: contracts\nkind: process\nabout: contract\naudience: amount > 1k\nwhen: days_until(end_date) <= 30d\nsteps: [{id: n, slack: owner, message: nudge}]\n"), customer("a"))
	w.Contacts = []steward.Contact{champion("a")}
	w.run(day0 + 10)
	return w
}

// start begins a playbook and writes it.
func (w *world) start(t *testing.T, target steward.Target, values ...string) playbooks.Done {
	t.Helper()
	done := w.do(does(steward.VerbStart, target, values...))
	w.write(done.Change)
	return done
}

// What is begun by hand runs though its condition does not hold, is drawn into no
// holdout, goes through its steps, and rests afterwards like any other.
func TestStartedByHand(t *testing.T) {
	for salt := range 8 { // of which some would draw a holdout
		w := handWorld(t, "")
		w.salt = strings.Repeat("x", salt)
		done := w.start(t, steward.Target{Playbook: "care"}, "because", "they asked for it")
		e := w.must("care", "a")
		if done.Act.Refused != "" || e.Arm != steward.Treatment || e.StartedBy != "dana" || e.State != steward.Active || done.Act.Enrolment != e.ID {
			t.Fatalf("%+v\n%+v", done, e)
		}
		if said, _ := w.said(e); strings.Join(said, " ") != "nudge" || !strings.Contains(done.Answer.Text, "Dana Reyes") {
			t.Errorf("said %v, answered %q", said, done.Answer.Text)
		}
		if got := done.Change.Records[0]; got.Reason != steward.ReasonByHand || !strings.Contains(got.Detail, "they asked for it") {
			t.Errorf("record %+v", got)
		}
		// The condition does not hold on the next days either: it goes on all the same.
		for d := day0 + 11; d <= day0+13; d++ {
			w.run(d)
		}
		if e = w.must("care", "a"); !e.State.Open() || e.Step != 2 {
			t.Errorf("after two days it is %s at step %d (%s)", e.State, e.Step, e.Reason)
		}
		s := w.at(six(day0 + 13))
		for _, o := range w.memory.Outreach[e.ID] {
			if v := s.Gate(playbooks.Candidate{Outreach: o, Message: w.memory.Messages[o.Message], Enrolment: e, AtSend: true}); v.Reason == steward.ReasonEpisodeOver {
				t.Errorf("%s: %+v", o.Step, v)
			}
		}
	}
}

// Where the condition does hold, what is begun by hand is of its episode, and
// ends with it.
func TestStartedByHandInAnEpisode(t *testing.T) {
	w := handWorld(t, "backfill: true\nfor: 5d\n")
	w.Accounts[0].ARR = steward.Num(200_000)
	w.run(day0 + 11) // pending
	w.start(t, steward.Target{Playbook: "care"})
	e := w.must("care", "a")
	if e.Episode != w.phase("care", "a").Episode || e.StartedBy != "dana" {
		t.Fatalf("episode %s, want %s", e.Episode, w.phase("care", "a").Episode)
	}
	w.Accounts[0].ARR = steward.Num(50_000)
	w.run(day0 + 12)
	if e = w.must("care", "a"); e.Reason != steward.ReasonRecovered {
		t.Errorf("it is %s (%s)", e.State, e.Reason)
	}
}

func TestWhatCannotBeStarted(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world)
		target steward.Target
		values []string
		says   string
	}{
		"no such playbook":     {nil, steward.Target{Playbook: "caer"}, nil, "Did you mean care?"},
		"under way":            {func(w *world) { w.start(w.t.(*testing.T), steward.Target{Playbook: "care"}) }, steward.Target{Playbook: "care"}, nil, "under way there already"},
		"not in the portfolio": {func(w *world) { w.Accounts[0].Test = true }, steward.Target{Playbook: "care", Item: playbooks.Anyway}, nil, "not one that Steward acts on"},
		"nothing to be about":  {nil, steward.Target{Playbook: "contracts"}, nil, "has no contract"},
		"no such account":      {nil, steward.Target{Account: "b", Playbook: "care"}, nil, "no account b"},
	} {
		w := handWorld(t, "")
		if c.change != nil {
			c.change(w)
		}
		done := w.do(does(steward.VerbStart, c.target, c.values...))
		if !strings.Contains(done.Act.Refused, c.says) || !done.Change.Empty() {
			t.Errorf("%s: %+v", name, done)
		}
	}
}

// What would not open by itself asks first, and goes ahead when told so.
func TestStartedAnyway(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world)
		says   string
	}{
		"not in the audience": {func(w *world) { w.Accounts[0].Segment = "smb" }, "not in the playbook's audience: segment is 'smb'"},
		"it rests": {func(w *world) {
			w.memory.Ended[playbooks.KeyOf("care", account("a"))] = steward.Enrolment{Playbook: "care", Subject: account("a"), Episode: six(day0 - 20), State: steward.Completed, OpenedAt: six(day0 - 20).Time(), StepSince: six(day0 - 20).Time(), EndedAt: six(day0).Time()}
		}, "cools down until"},
	} {
		w := handWorld(t, "")
		c.change(w)
		done := w.do(does(steward.VerbStart, steward.Target{Playbook: "care"}))
		if f := done.Answer.Form; f == nil || !strings.Contains(f.Intro, c.says) || !done.Change.Empty() {
			t.Fatalf("%s: %+v", name, done)
		}
		byCommand := does(steward.VerbStart, steward.Target{Playbook: "care"})
		byCommand.Via = steward.ViaCommand
		if done := w.do(byCommand); !strings.Contains(done.Act.Refused, "--anyway") {
			t.Errorf("%s, by a command: %+v", name, done)
		}
		if done := w.do(sent(does(steward.VerbStart, done.Answer.Form.Target, "because", "they asked"))); done.Act.Refused != "" || len(done.Change.Enrolments) != 1 {
			t.Errorf("%s, anyway: %+v", name, done)
		}
	}
}

// Of several contracts one has to be named.
func TestStartAsksForWhich(t *testing.T) {
	w := handWorld(t, "")
	w.Contracts = []steward.Contract{{ID: "c1", Account: "a", Product: "Suite", EndDate: day0 + 400, Amount: steward.Num(5000), StartDate: steward.NoDay, NoticeDate: steward.NoDay},
		{ID: "c2", Account: "a", EndDate: day0 + 500, Amount: steward.Num(5000), StartDate: steward.NoDay, NoticeDate: steward.NoDay}}
	done := w.do(does(steward.VerbStart, steward.Target{}, "playbook", "contracts"))
	f := done.Answer.Form
	if f == nil || len(f.Fields[0].Options) != 2 || !strings.Contains(f.Fields[0].Options[0].Label, "Suite until 6 July 2027 (c1)") {
		t.Fatalf("%+v", done)
	}
	done = w.do(sent(does(steward.VerbStart, f.Target, "subject", "c2")))
	if len(done.Change.Enrolments) != 1 || done.Change.Enrolments[0].Subject.ID != "c2" {
		t.Errorf("%+v", done)
	}
}

// Skipping moves on, and takes back what nobody has yet.
func TestSkip(t *testing.T) {
	w := handWorld(t, "")
	w.sends = false
	w.start(t, steward.Target{Playbook: "care"})
	skip := func() playbooks.Done {
		d := does(steward.VerbSkip, steward.Target{})
		d.Enrolments = []steward.Enrolment{w.must("care", "a")}
		done := w.do(d)
		w.write(done.Change)
		return done
	}
	done := skip()
	if len(done.Change.Withdrawn) != 1 || done.Act.Choice != "nudge" || !strings.Contains(done.Answer.Text, "Next is waiting 2d") {
		t.Fatalf("%+v", done)
	}
	if done = skip(); len(done.Change.Withdrawn) != 0 || done.Act.Choice != "wait" || w.must("care", "a").Step != 2 {
		t.Fatalf("%+v", done)
	}
	w.advance(six(day0+10), six(day0+10).Time().Add(time.Minute))
	if said, _ := w.said(w.must("care", "a")); strings.Join(said, " ") != "nudge help" {
		t.Errorf("said %v", said)
	}
	if done = skip(); len(done.Change.Withdrawn) != 1 || !strings.Contains(done.Answer.Text, "last one") {
		t.Errorf("%+v", done)
	}
	if done = skip(); done.Act.Refused == "" {
		t.Errorf("there was nothing left to skip: %+v", done)
	}
	w.advance(six(day0+10), six(day0+10).Time().Add(2*time.Minute))
	if e := w.must("care", "a"); e.State != steward.Completed {
		t.Errorf("it is %s", e.State)
	}
}

// Stopping ends it, with who and why, and what waited for approval with it.
func TestStop(t *testing.T) {
	w := handWorld(t, "")
	w.start(t, steward.Target{Playbook: "care"})
	w.run(day0 + 13)
	w.run(day0 + 14)
	d := does(steward.VerbStop, steward.Target{})
	d.Enrolments = []steward.Enrolment{w.must("care", "a")}
	asked := w.do(d)
	if asked.Answer.Form == nil {
		t.Fatalf("%+v", asked)
	}
	d = sent(does(steward.VerbStop, asked.Answer.Form.Target, "because", "they are merging"))
	d.Enrolments = []steward.Enrolment{w.must("care", "a")}
	done := w.do(d)
	w.write(done.Change)
	if e := w.must("care", "a"); e.State != steward.Exited || e.Reason != steward.ReasonByHand || len(done.Change.Stopped) != 1 {
		t.Errorf("%s (%s), stopped %+v", e.State, e.Reason, done.Change.Stopped)
	}
	if r := done.Change.Records[0]; !strings.Contains(r.Detail, "Dana Reyes") || !strings.Contains(r.Detail, "they are merging") {
		t.Errorf("record %+v", r)
	}
	d.Enrolments = nil
	if done := w.do(d); done.Act.Refused == "" {
		t.Errorf("stopped twice: %+v", done)
	}
}
