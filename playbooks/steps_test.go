package playbooks_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"steward"
	"steward/playbooks"
)

// stepping is a world in which a has just been enrolled in a playbook with
// these steps, on day0 + 1.
func stepping(t *testing.T, head, steps string, change ...func(*world)) *world {
	t.Helper()
	w := newWorld(t, load(t, settings(), nil, "playbook: p\ncooldown: 0\nbackfill: true\nwhen: seats == 1\nuntil: seats == 0\n"+head+"steps:\n"+steps), customer("a"))
	w.Contacts = []steward.Contact{champion("a")}
	w.Accounts[0].More = map[string]steward.Value{"seats": steward.Num(1)}
	for _, c := range change {
		c(w)
	}
	w.run(day0 + 1)
	return w
}

func (w *world) seats(n float64) {
	w.Accounts[0].More = map[string]steward.Value{"seats": steward.Num(n)}
}

// settle gives every message that is not settled a state, as of a moment.
func (w *world) settle(state steward.MessageState, at time.Time) {
	for id, m := range w.memory.Messages {
		if !m.State.Settled() && m.Kind != steward.Approval {
			m.State, m.Settled = state, at
			w.memory.Messages[id] = m
		}
	}
}

func (w *world) message(step string) (steward.Message, bool) {
	for _, os := range w.memory.Outreach {
		for _, o := range os {
			if m, ok := w.memory.Messages[o.Message]; ok && o.Step == step {
				return m, true
			}
		}
	}
	return steward.Message{}, false
}

func TestWaits(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct{ wait, from, until string }{
		{"1d", "2026-03-28 06:00", "2026-03-29 06:00"}, // the night has 23 hours
		{"1d", "2026-10-24 06:00", "2026-10-25 06:00"}, // and this one 25
		{"1d", "2026-03-28 02:30", "2026-03-29 03:30"}, // a time that does not exist
		{"24h", "2026-03-28 06:00", "2026-03-29 07:00"},
		{"36h", "2026-06-01 06:00", "2026-06-02 18:00"},
		{"2w", "2026-06-01 06:00", "2026-06-15 06:00"},
		{"1 business day", "2026-06-05 06:00", "2026-06-08 06:00"},  // Friday to Monday
		{"2 business days", "2026-06-04 06:00", "2026-06-08 06:00"}, // Thursday to Monday
		{"2 business days", "2026-06-06 06:00", "2026-06-09 06:00"}, // from a Saturday
		{"5 business days", "2026-03-26 06:00", "2026-04-02 06:00"}, // across the change
	} {
		w, err := playbooks.ParseWait(c.wait)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.After(at(c.from), berlin); !got.Equal(at(c.until)) {
			t.Errorf("%s from %s: %s, want %s", c.wait, c.from, got.In(berlin), c.until)
		}
		if again, err := playbooks.ParseWait(w.String()); err != nil || again != w {
			t.Errorf("%q writes itself as %q", c.wait, w)
		}
	}
	for _, bad := range []string{"", "d", "0d", "-1d", "3", "3m", "1.5d", "business days", "0 business days", "400 business days", "99999999999999999999d", "3 d ays", "٣d"} {
		if w, err := playbooks.ParseWait(bad); err == nil {
			t.Errorf("%q is read as %v", bad, w)
		}
	}
}

func TestAWaitCountsFromWhenTheStepBeforeSettled(t *testing.T) {
	w := stepping(t, "", "- {id: one, slack: owner, message: nudge}\n- wait: 2d\n- {id: two, slack: owner, message: escalate}\n", func(w *world) { w.sends = false })
	slot := six(day0 + 1)
	w.advance(slot, slot.Time().Add(3*24*time.Hour))
	if e := w.must("p", "a"); e.Step != 0 || e.State != steward.Active {
		t.Fatalf("the step went on before its card had settled: %+v", e)
	}
	sent := slot.Time().Add(4 * 24 * time.Hour)
	w.settle(steward.Sent, sent)
	w.advance(slot, sent.Add(time.Minute))
	if e := w.must("p", "a"); e.Step != 1 || e.State != steward.Waiting || !e.Due.Equal(sent.Add(48*time.Hour)) {
		t.Fatalf("step %d, due %s", e.Step, e.Due)
	}
	w.advance(slot, sent.Add(47*time.Hour))
	if said, _ := w.said(w.must("p", "a")); len(said) != 1 {
		t.Fatal("the wait ended early")
	}
	w.advance(slot, sent.Add(48*time.Hour))
	if said, _ := w.said(w.must("p", "a")); !slices.Equal(said, []string{"one", "two"}) {
		t.Errorf("said %v", said)
	}
}

func TestAcked(t *testing.T) {
	steps := "- {id: one, slack: owner, message: nudge}\n- {wait: 2d, unless: acked}\n- {id: two, if: not acked, slack: manager, message: escalate}\n- {id: last, slack: owner, message: nudge}\n"
	slot := six(day0 + 1)
	ack := func(w *world) {
		key := playbooks.KeyOf("p", account("a"))
		e := w.memory.Open[key]
		e.AckedAt, e.AckedBy = slot.Time(), "dana"
		w.memory.Open[key] = e
	}
	t.Run("nobody", func(t *testing.T) {
		w := stepping(t, "", steps)
		w.advance(slot, slot.Time().Add(49*time.Hour))
		w.advance(slot, slot.Time().Add(50*time.Hour))
		if said, _ := w.said(w.must("p", "a")); !slices.Equal(said, []string{"one", "two", "last"}) {
			t.Errorf("said %v", said)
		}
	})
	t.Run("taken", func(t *testing.T) {
		w := stepping(t, "", steps)
		ack(w)
		w.advance(slot, slot.Time().Add(time.Hour))
		if said, _ := w.said(w.must("p", "a")); !slices.Equal(said, []string{"one", "last"}) {
			t.Errorf("said %v", said)
		}
		if r := w.skipped()["two"]; r != steward.ReasonIfFalse {
			t.Errorf("two was left out as %q", r)
		}
	})
	for _, state := range []steward.MessageState{steward.Suppressed, steward.Expired, steward.FailedToSend} {
		t.Run("never sent: "+string(state), func(t *testing.T) {
			w := stepping(t, "", steps, func(w *world) { w.sends = false })
			w.settle(state, slot.Time())
			w.sends = true
			w.advance(slot, slot.Time().Add(49*time.Hour))
			if said, _ := w.said(w.must("p", "a")); slices.Contains(said, "two") || w.skipped()["two"] != steward.ReasonIfFalse {
				t.Errorf("said %v: nobody can have taken a card that was never sent", said)
			}
		})
	}
}

func TestIfAndUnless(t *testing.T) {
	for _, c := range []struct {
		name, step string
		plan       steward.Value
		said       string
		reason     steward.Reason
		waits      bool
	}{
		{"true", "if: plan == 'big'", steward.Str("big"), "s last", "", false},
		{"false", "if: plan == 'big'", steward.Str("small"), "last", steward.ReasonIfFalse, false},
		{"unknown waits", "if: plan == 'big'", steward.Value{}, "", "", true},
		{"unless true", "unless: plan == 'big'", steward.Str("big"), "last", steward.ReasonUnless, false},
		{"unless false", "unless: plan == 'big'", steward.Str("small"), "s last", "", false},
		{"unless unknown", "unless: plan == 'big'", steward.Value{}, "s last", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := stepping(t, "", "- {id: s, "+c.step+", slack: owner, message: nudge}\n- {id: last, slack: manager, message: nudge}\n", func(w *world) { w.Accounts[0].More["plan"] = c.plan })
			w.run(day0 + 2)
			e := w.must("p", "a")
			if said, _ := w.said(e); strings.Join(said, " ") != c.said || w.skipped()["s"] != c.reason || (e.State == steward.Waiting && e.Due.IsZero()) != c.waits {
				t.Errorf("said %v, recorded %q, %s", said, w.skipped()["s"], e.State)
			}
		})
	}
	t.Run("what was unknown goes on when it is known", func(t *testing.T) {
		w := stepping(t, "", "- {id: s, if: plan == 'big', slack: owner, message: nudge}\n")
		w.Accounts[0].More["plan"] = steward.Str("big")
		w.run(day0 + 2)
		if said, _ := w.said(w.must("p", "a")); len(said) != 1 {
			t.Error("it waits on")
		}
	})
}

func TestPinnedSteps(t *testing.T) {
	const steps = "- {id: s, at: renewal_date - 30d, slack: owner, message: nudge"
	renews := func(d steward.Day) func(*world) { return func(w *world) { w.Accounts[0].RenewalDate = d } }
	t.Run("on its day, from its first minute", func(t *testing.T) {
		w := stepping(t, "", steps+"}\n", renews(day0+40))
		if e := w.must("p", "a"); e.State != steward.Waiting || !e.Due.Equal((day0 + 10).Start(berlin)) {
			t.Fatalf("due %s", e.Due)
		}
		w.advance(six(day0+9), (day0 + 10).Start(berlin).Add(-time.Minute))
		if said, _ := w.said(w.must("p", "a")); len(said) != 0 {
			t.Fatal("too early")
		}
		w.advance(six(day0+9), (day0 + 10).Start(berlin))
		if said, _ := w.said(w.must("p", "a")); len(said) != 1 {
			t.Error("it is the day")
		}
	})
	t.Run("moves with the date, later and earlier", func(t *testing.T) {
		w := stepping(t, "", steps+"}\n", renews(day0+40))
		renews(day0 + 60)(w)
		w.days(day0+2, day0+20, "p", "a")
		if said, _ := w.said(w.must("p", "a")); len(said) != 0 {
			t.Fatal("it was said on the old date")
		}
		renews(day0 + 52)(w)
		w.run(day0 + 21)
		if e := w.must("p", "a"); !e.Due.Equal((day0 + 22).Start(berlin)) {
			t.Errorf("due %s", e.Due)
		}
	})
	t.Run("late is left out", func(t *testing.T) {
		w := stepping(t, "", steps+"}\n- {id: last, slack: owner, message: nudge}\n", renews(day0+30))
		if said, _ := w.said(w.must("p", "a")); !slices.Equal(said, []string{"last"}) || w.skipped()["s"] != steward.ReasonLate {
			t.Errorf("said %v, %q", said, w.skipped()["s"])
		}
	})
	t.Run("or said at once", func(t *testing.T) {
		w := stepping(t, "", steps+", if_late: now}\n", renews(day0+10))
		if said, _ := w.said(w.must("p", "a")); len(said) != 1 {
			t.Error("if_late says now")
		}
	})
	t.Run("reached on the day itself is not late", func(t *testing.T) {
		w := stepping(t, "", steps+"}\n", renews(day0+31))
		if said, _ := w.said(w.must("p", "a")); len(said) != 1 {
			t.Error("it is the day")
		}
	})
	t.Run("a worker that was down on the day says it after", func(t *testing.T) {
		w := stepping(t, "", steps+"}\n", renews(day0+40))
		w.run(day0 + 13)
		if said, _ := w.said(w.must("p", "a")); len(said) != 1 {
			t.Errorf("said %v, %q", said, w.skipped()["s"])
		}
	})
	t.Run("without a date it waits", func(t *testing.T) {
		w := stepping(t, "", steps+", if_late: now}\n", renews(steward.NoDay))
		w.days(day0+2, day0+50, "p", "a")
		if said, _ := w.said(w.must("p", "a")); len(said) != 0 {
			t.Error("said without a date")
		}
	})
}

func TestMailIsApproved(t *testing.T) {
	slot := six(day0 + 1)
	t.Run("by its owner unless it says otherwise", func(t *testing.T) {
		for _, approve := range []string{"", ", approve: owner"} {
			w := stepping(t, "", "- {id: m, email: [champion], message: help"+approve+", expires: 5d}\n")
			m, ok := w.message("m")
			if !ok || m.State != steward.AwaitingApproval || m.Content == nil || m.Hash != playbooks.ContentHash(*m.Content) || m.Version != 1 || !m.Veto.IsZero() || !m.Expires.Equal(slot.Time().AddDate(0, 0, 5)) {
				t.Fatalf("%q: %+v", approve, m)
			}
			if want := []steward.OwnerID{"dana", "sam", "lee"}; !slices.Equal(m.Approvers, want) {
				t.Errorf("approvers %v, want %v", m.Approvers, want)
			}
			if m.To.Contact != "ct-a" || m.To.Key != "role:champion" || m.Kind != steward.Mail {
				t.Errorf("to %+v", m.To)
			}
			card := w.asking(slot, slot.Time())
			content, err := w.at(slot).Write(card, nil)
			if err != nil || card.Message.For != m.ID || card.Message.To.Owner != "dana" || !strings.Contains(content.Parts[0].Markdown, "> Hi Kim") || !strings.Contains(content.Footer, string(m.ID)) {
				t.Errorf("the owner is asked with %+v, %v", content, err)
			}
		}
	})
	t.Run("and stopped when its enrolment ends", func(t *testing.T) {
		w := stepping(t, "", "- {id: m, email: [champion], message: help}\n")
		m, _ := w.message("m")
		w.seats(0)
		out := w.run(day0 + 2)
		want := []steward.Stop{{Message: m.ID, Reason: steward.ReasonEpisodeOver, Detail: "the enrolment ended: recovered"}}
		if len(out.Changes) != 1 || !slices.Equal(out.Changes[0].Stopped, want) {
			t.Errorf("changes %+v, want the draft stopped", out.Changes)
		}
	})
	t.Run("with what was seen", func(t *testing.T) {
		w := stepping(t, "", "- {id: m, email: [champion], message: help}\n")
		content, err := w.at(slot).Write(w.asking(slot, slot.Time()), nil)
		if err != nil || !slices.Equal(content.Parts[0].Evidence, []string{"seats is 1"}) {
			t.Errorf("the approver sees %+v, %v", content, err)
		}
	})
	t.Run("by the manager", func(t *testing.T) {
		w := stepping(t, "", "- {id: m, email: [champion], message: help, approve: manager}\n")
		m, _ := w.message("m")
		if !slices.Equal(m.Approvers, []steward.OwnerID{"lee", "dana", "sam"}) {
			t.Errorf("approvers %v", m.Approvers)
		}
	})
	t.Run("by nobody stopping it", func(t *testing.T) {
		w := stepping(t, "", "- {id: m, email: [champion], message: help, approve: veto 24h}\n")
		if m, _ := w.message("m"); m.State != steward.AwaitingApproval || !m.Veto.Equal(slot.Time().Add(24*time.Hour)) {
			t.Errorf("%s, veto %s", m.State, m.Veto)
		}
	})
	t.Run("silence of who was never told lets nothing out", func(t *testing.T) {
		w := stepping(t, "", "- {id: m, email: [champion], message: plain, approve: veto 24h}\n", func(w *world) { w.book.Unowned, w.Accounts[0].Owner = "", "gone" })
		if m, ok := w.message("m"); !ok || m.State != steward.AwaitingApproval || !m.Veto.IsZero() {
			t.Errorf("%s, veto %s", m.State, m.Veto)
		}
	})
	t.Run("unattended goes by itself, an hour after its owner was told", func(t *testing.T) {
		w := stepping(t, "", "- {id: m, email: [champion], message: help, unattended: true}\n", func(w *world) { w.sends = false })
		if m, _ := w.message("m"); m.State != steward.AwaitingApproval || !m.Veto.Equal(slot.Time().Add(time.Hour)) {
			t.Errorf("%s, veto %s", m.State, m.Veto)
		}
		if to := w.asking(slot, slot.Time()).Message.To; to.Owner != "dana" {
			t.Errorf("%s is told", to.Name)
		}
	})
	t.Run("a recovering account does not let a mail past its approval", func(t *testing.T) {
		w := stepping(t, "clear_for: 3d\n", "- {wait: 2d}\n- {id: m, email: [champion], message: help, approve: owner}\n")
		w.seats(0)
		w.run(day0 + 2)
		w.run(day0 + 3)
		if m, ok := w.message("m"); ok {
			t.Fatalf("planned as %s while clearing", m.State)
		}
		if e := w.must("p", "a"); e.State != steward.Waiting || e.Due.IsZero() || w.skipped()["m"] != steward.ReasonClearing {
			t.Errorf("%s until %s, recorded %q", e.State, e.Due, w.skipped()["m"])
		}
		n := len(w.records)
		w.advance(six(day0+3), six(day0+3).Time().Add(7*time.Hour))
		if len(w.records) != n {
			t.Error("every look is recorded")
		}
		w.seats(1)
		w.run(day0 + 4)
		if m, _ := w.message("m"); m.State != steward.AwaitingApproval {
			t.Errorf("once it fires again: %s", m.State)
		}
	})
	t.Run("declined or expired, the enrolment goes on", func(t *testing.T) {
		for _, state := range []steward.MessageState{steward.Suppressed, steward.Expired} {
			w := stepping(t, "", "- {id: m, email: [champion], message: help}\n- {id: last, slack: owner, message: nudge}\n")
			w.settle(state, slot.Time())
			w.run(day0 + 2)
			if said, _ := w.said(w.must("p", "a")); !slices.Equal(said, []string{"m", "last"}) {
				t.Errorf("%s: %v", state, said)
			}
		}
	})
}

func TestRecipients(t *testing.T) {
	admin := steward.Contact{ID: "ct-admin", Account: "a", Name: "Ada Min", Email: "ada@a.example", Roles: []string{"admin"}}
	for _, c := range []struct {
		name, step string
		change     func(*world)
		want       steward.Recipient
		none       bool
	}{
		{name: "the owner", step: "slack: owner, message: nudge", want: steward.Recipient{Key: "owner", Owner: "dana", Name: "Dana Reyes", Slack: "U1", Email: "dana@example.com", Zone: "Europe/Berlin"}},
		{name: "their manager", step: "slack: manager, message: nudge", want: steward.Recipient{Key: "manager", Owner: "lee", Name: "Lee Okafor", Slack: "U2", Email: "lee@example.com"}},
		{name: "a pool", step: "slack: owner, message: nudge", change: func(w *world) { w.Accounts[0].Owner = "pool" }, want: steward.Recipient{Key: "owner", Owner: "pool", Name: "SMB pool", Slack: "#cs-smb"}},
		{name: "a channel", step: `slack: "#cs", message: nudge`, want: steward.Recipient{Key: "#cs", Slack: "#cs", Name: "#cs"}},
		{name: "nobody's account", step: "slack: owner, message: nudge", change: func(w *world) { w.Accounts[0].Owner = "" }, want: steward.Recipient{Key: "owner", Slack: "#unowned", Name: "#unowned"}},
		{name: "nobody's manager", step: "slack: manager, message: nudge", change: func(w *world) { w.Accounts[0].Owner = "alone" }, want: steward.Recipient{Key: "manager", Slack: "#unowned", Name: "#unowned"}},
		{name: "nobody, and no channel", step: "slack: owner, message: nudge", change: func(w *world) { w.Accounts[0].Owner, w.book.Unowned = "", "" }, none: true},
		{name: "the first role", step: "email: [champion, admin], message: help", change: func(w *world) { w.Contacts = append(w.Contacts, admin) }, want: steward.Recipient{Key: "role:champion", Contact: "ct-a", Name: "Kim Sato", Email: "kim@a.example"}},
		{name: "the next role, as the first has opted out", step: "email: [champion, admin], message: help", change: func(w *world) {
			w.Contacts = append(w.Contacts, admin)
			w.memory.Suppressed["kim@a.example"] = "one click"
		}, want: steward.Recipient{Key: "role:admin", Contact: "ct-admin", Name: "Ada Min", Email: "ada@a.example"}},
		{name: "the person seen last", step: "email: [champion], message: help", change: func(w *world) {
			c := champion("a")
			c.ID, c.Name, c.LastSeen = "ct-new", "Nova New", day0+1
			w.Contacts = append(w.Contacts, c)
		}, want: steward.Recipient{Key: "role:champion", Contact: "ct-new", Name: "Nova New", Email: "kim@a.example"}},
		{name: "nobody in the role", step: "email: [admin], message: help", none: true},
		{name: "nobody with an address", step: "email: [champion], message: help", change: func(w *world) { w.Contacts[0].Email = "" }, none: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			change := c.change
			if change == nil {
				change = func(*world) {}
			}
			w := stepping(t, "", "- {id: s, "+c.step+"}\n- {id: last, slack: \"#end\", message: nudge}\n", change)
			m, ok := w.message("s")
			if c.none {
				if said, _ := w.said(w.must("p", "a")); ok || w.skipped()["s"] != steward.ReasonNoAddress || !slices.Equal(said, []string{"last"}) {
					t.Errorf("said %v, %q", said, w.skipped()["s"])
				}
				return
			}
			if m.To != c.want {
				t.Errorf("to %+v, want %+v", m.To, c.want)
			}
		})
	}
}

func TestRecoveryEndsASignal(t *testing.T) {
	const long = "- {id: one, slack: owner, message: nudge}\n- {wait: 30d}\n- {id: two, slack: owner, message: nudge}\n"
	t.Run("exits", func(t *testing.T) {
		w := stepping(t, "", long)
		w.seats(0)
		w.run(day0 + 5)
		if e := w.must("p", "a"); e.State != steward.Exited || e.Reason != steward.ReasonRecovered || !e.EndedAt.Equal(six(day0+5).Time()) || !e.Due.IsZero() {
			t.Errorf("%+v", e)
		}
	})
	t.Run("or leaves the audience", func(t *testing.T) {
		w := stepping(t, "audience: segment == 'enterprise'\n", long)
		w.Accounts[0].Segment = "smb"
		w.run(day0 + 5)
		if e := w.must("p", "a"); e.Reason != steward.ReasonNotInAudience {
			t.Errorf("%s %s", e.State, e.Reason)
		}
	})
	t.Run("a process goes on, until exit_when", func(t *testing.T) {
		w := stepping(t, "kind: process\nexit_when: legal_hold\n", long)
		w.seats(0)
		w.days(day0+2, day0+20, "p", "a")
		if e := w.must("p", "a"); e.State != steward.Waiting {
			t.Fatalf("%s %s", e.State, e.Reason)
		}
		w.Accounts[0].More["legal_hold"] = steward.Bool(true)
		w.run(day0 + 21)
		if e := w.must("p", "a"); e.Reason != steward.ReasonExitWhen {
			t.Errorf("%s %s", e.State, e.Reason)
		}
	})
	t.Run("a process goes on, to its last step", func(t *testing.T) {
		w := stepping(t, "kind: process\n", long)
		w.seats(0)
		w.days(day0+2, day0+34, "p", "a")
		if said, _ := w.said(w.must("p", "a")); !slices.Equal(said, []string{"one", "two"}) || w.must("p", "a").State != steward.Completed {
			t.Errorf("said %v, %s", said, w.must("p", "a").State)
		}
	})
	t.Run("an unknown exit_when does not act", func(t *testing.T) {
		w := stepping(t, "kind: process\nexit_when: plan == 'gone'\n", long)
		w.run(day0 + 2)
		if e := w.must("p", "a"); !e.State.Open() {
			t.Errorf("%s %s", e.State, e.Reason)
		}
	})
	t.Run("a step may go on through it, the next does not", func(t *testing.T) {
		w := stepping(t, "", "- {wait: 3d, on_recovery: continue}\n- {id: thanks, slack: owner, message: nudge, on_recovery: continue}\n- {id: call, slack: manager, message: escalate}\n")
		w.seats(0)
		w.run(day0 + 2)
		if e := w.must("p", "a"); e.State != steward.Waiting {
			t.Fatalf("%s %s", e.State, e.Reason)
		}
		w.run(day0 + 4)
		w.run(day0 + 5)
		said, unsaid := w.said(w.must("p", "a"))
		if e := w.must("p", "a"); !slices.Equal(said, []string{"thanks"}) || len(unsaid) != 0 || e.State != steward.Exited || e.Reason != steward.ReasonRecovered {
			t.Errorf("said %v, unsaid %v; %s %s", said, unsaid, e.State, e.Reason)
		}
	})
}

func TestAnEnrolmentKeepsItsSteps(t *testing.T) {
	w := stepping(t, "", "- {id: one, slack: owner, message: nudge}\n- {wait: 3d}\n- {id: old, slack: owner, message: nudge}\n")
	old := w.book.Playbooks[0]
	text := strings.Replace(old.Text, "id: old, slack: owner", "id: new, slack: manager", 1)
	next := load(t, settings(), nil, text)
	compiled, err := next.Compile(old.Text)
	if err != nil || compiled.Version != old.Version || compiled.Condition != old.Condition {
		t.Fatalf("compiled %v: %v", compiled, err)
	}
	w.book, w.memory.Versions[old.Version] = next, compiled
	w.days(day0+2, day0+5, "p", "a")
	if said, _ := w.said(w.must("p", "a")); !slices.Equal(said, []string{"one", "old"}) {
		t.Errorf("said %v", said)
	}
	t.Run("and fails where they can no longer be read", func(t *testing.T) {
		w := stepping(t, "", "- {wait: 3d}\n- {id: old, slack: owner, message: nudge}\n")
		w.book = next
		w.run(day0 + 2)
		if e := w.must("p", "a"); e.State != steward.Failed {
			t.Errorf("%s %s", e.State, e.Reason)
		}
	})
}
