package playbooks_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/playbooks"
)

func TestUses(t *testing.T) {
	at := time.Date(2026, 3, 10, 6, 0, 0, 0, time.UTC)
	of := func(playbook steward.PlaybookName, account string, change func(*steward.Enrolment)) steward.Enrolment {
		e := steward.Enrolment{Playbook: playbook, Subject: steward.Subject{Kind: steward.AboutAccount, ID: account, Account: steward.AccountID(account)}, Arm: steward.Treatment, State: steward.Exited, OpenedAt: at}
		change(&e)
		return e
	}
	uses := playbooks.Uses([]steward.Enrolment{
		of("quiet", "acme", func(e *steward.Enrolment) { e.AckedAt, e.Reason = at, steward.ReasonRecovered }),
		of("quiet", "acme", func(e *steward.Enrolment) { e.AckedAt, e.Unhelpful = at, steward.KnownAlready }),
		of("quiet", "bright", func(e *steward.Enrolment) { e.DoneAt, e.GoalAt = at, at }),
		of("quiet", "calm", func(e *steward.Enrolment) { e.Unhelpful = steward.WrongData }),
		of("quiet", "dark", func(e *steward.Enrolment) { e.RepliedAt = at }),
		of("quiet", "held", func(e *steward.Enrolment) { e.Arm, e.Reason = steward.Holdout, steward.ReasonRecovered }),
		of("adoption", "acme", func(*steward.Enrolment) {}),
	})
	want := []playbooks.Use{
		{Playbook: "adoption", Opened: 1, Accounts: 1, Unhelpful: map[string]int{}},
		{Playbook: "quiet", Opened: 5, Accounts: 4, Holdout: 1, Acted: 3, Judged: 4, Unhelpful: map[string]int{steward.KnownAlready: 1, steward.WrongData: 1}, Replied: 1, Recovered: 1, Reached: 1},
	}
	if diff := cmp.Diff(want, uses); diff != "" {
		t.Error(diff)
	}
	if uses[1].Useful() != 2 || uses[1].MostlyUnhelpful() {
		t.Errorf("useful %d, flagged %v: half is not most, and four are few", uses[1].Useful(), uses[1].MostlyUnhelpful())
	}
	for _, c := range []struct {
		judged, bad int
		flagged     bool
	}{{4, 4, false}, {5, 2, false}, {5, 3, true}, {6, 3, false}} {
		if u := (playbooks.Use{Judged: c.judged, Unhelpful: map[string]int{steward.FalseAlarm: c.bad}}); u.MostlyUnhelpful() != c.flagged {
			t.Errorf("%d of %d: flagged %v", c.bad, c.judged, u.MostlyUnhelpful())
		}
	}
}

// A customer counts once, by its first enrolment, and only once there was time
// for it to come to what the playbook is for.
func TestTrials(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	north := customer("north")
	north.Parent = "group"
	s := newWorld(t, load(t, settings(), nil, "playbook: quiet\nwhen: arr > 1M\n"), customer("group"), north, customer("solo"), customer("fresh")).at(six(20_600))
	p := &playbooks.Playbook{Name: "quiet"}
	e := func(account string, arm steward.Arm, opened, ended int, r steward.Reason) steward.Enrolment {
		out := steward.Enrolment{Playbook: "quiet", Subject: steward.Subject{Kind: steward.AboutAccount, ID: account, Account: steward.AccountID(account)}, Arm: arm, Reason: r, OpenedAt: now.AddDate(0, 0, -opened)}
		if ended >= 0 {
			out.EndedAt = now.AddDate(0, 0, -ended)
		}
		return out
	}
	begun := e("byhand", steward.Treatment, 80, 60, steward.ReasonRecovered)
	begun.StartedBy = "dana"
	trials, waiting := s.Trials(p, []steward.Enrolment{
		e("north", steward.Holdout, 50, 10, steward.ReasonRecovered), // too late, and not the group's first
		e("group", steward.Holdout, 60, 40, steward.ReasonRecovered),
		e("solo", steward.Treatment, 80, 40, steward.ReasonRecovered), // after 40 days
		e("fresh", steward.Treatment, 29, -1, ""),
		begun,
	}, now)
	if diff := cmp.Diff([]playbooks.Trial{{Reached: false}, {Holdout: true, Reached: true}}, trials); diff != "" || waiting != 1 {
		t.Errorf("waiting %d, %s", waiting, diff)
	}
}
