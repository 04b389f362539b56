package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"steward"
	"steward/configs/strictyaml"
	"steward/jobs"
	"steward/playbooks"
)

// keeping is a ledger that cannot keep scores for a while.
type keeping struct {
	*ledger
	fails error
	kept  int
}

func (k *keeping) KeepScores(ctx context.Context, run steward.Run, day steward.Day, scores []steward.Score) error {
	if k.fails != nil {
		return k.fails
	}
	k.kept++
	return k.ledger.KeepScores(ctx, run, day, scores)
}

// How every account is is kept with each evaluation, and what rules found out of
// it, once each, also where the run was cut short between the two.
func TestAnEvaluationKeepsHowAccountsAre(t *testing.T) {
	s := newStage(t, "", "", "")
	text := func(e string) strictyaml.Text { return strictyaml.Text{Value: e} }
	book, problems := playbooks.Load(fstest.MapFS{
		"playbooks/big.yaml": {Data: fmt.Appendf(nil, playbook, "", "")},
		"messages/big.md":    {Data: []byte("{{ .account.name }} is big.\n")},
		"messages/mail.md":   {Data: []byte("---\nfor_roles: [champion]\nsubject: Hello\n---\nHi.\n")},
	}, "playbooks", "messages", playbooks.Settings{Zone: time.UTC, Ops: "#ops", Unowned: "#ops",
		Health: playbooks.HealthRules{Red: 40, Yellow: 70, MinKnown: 0.5, Scorecards: []playbooks.ScorecardRule{{Name: "all", Parts: []playbooks.PartRule{
			{Name: "size", Weight: 1, Score: text("scale(arr, 0, 40k)")}, {Name: "level", Weight: 1, Score: text("escalation_level")}}}}},
		Journey: playbooks.JourneyRules{Stages: []playbooks.StageRule{{Name: "small"}, {Name: "large", Enter: text("arr >= 30k"),
			Milestones: []playbooks.MilestoneRule{{Name: "paid", When: text("arr > 0")}}}}},
	})
	if errs := problems.Errors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	ledger := &keeping{ledger: s.ledger, fails: errors.New("the disk is full")}
	s.Engine = &jobs.Engine{Ledger: ledger, Sender: s.provider, Book: func() *playbooks.Book { return book }, Now: func() time.Time { return s.now }, Log: s.Log}
	s.accounts(1, 10_000)

	slot := steward.SlotAt(s.now)
	if _, err := s.Evaluate(t.Context(), slot); !errors.Is(err, ledger.fails) {
		t.Fatalf("an evaluation that cannot keep scores says %v", err)
	}
	ledger.fails = nil
	s.evaluate()
	today := slot.Day(time.UTC)
	scores, err := s.db.Scores(t.Context(), "a-0000")
	s.must(err)
	for name, want := range map[string]float64{"health": 25, "health.size": 25, "grade": 0} {
		if got, ok := scores[name].At(today); !ok || got != want {
			t.Errorf("%s of the day is %v, %v; want %v", name, got, ok, want)
		}
	}
	if _, ok := scores["health.level"]; ok {
		t.Error("a part that is not known is kept")
	}
	learnt := func() (stage, paid int) {
		t.Helper()
		changes, err := s.db.FieldHistory(t.Context(), steward.AboutAccount, "a-0000")
		s.must(err)
		for _, c := range changes {
			switch c.Field {
			case steward.StageField:
				stage++
			case steward.MilestonePrefix + "paid":
				paid++
			}
		}
		return stage, paid
	}
	if stage, paid := learnt(); stage != 1 || paid != 1 {
		t.Errorf("the stage is learnt %d times and the milestone %d times, want once each", stage, paid)
	}

	// Another day finds the same, and keeps nothing but that day's scores.
	s.now = s.now.AddDate(0, 0, 1)
	s.evaluate()
	if stage, paid := learnt(); stage != 1 || paid != 1 {
		t.Errorf("found again, the stage is learnt %d times and the milestone %d times", stage, paid)
	}
	// A larger account is in the next stage, and stays there when it shrinks.
	for _, arr := range []float64{50_000, 1_000} {
		s.now = s.now.AddDate(0, 0, 1)
		s.accounts(1, arr)
		s.evaluate()
	}
	if stage, _ := learnt(); stage != 2 {
		t.Errorf("the stage is learnt %d times, want twice", stage)
	}
	at, err := s.Situation(t.Context(), steward.SlotAt(s.now))
	s.must(err)
	j, _ := at.Journey("a-0000", 0)
	if j.Stage != "large" || j.Entered != today+2 || j.Given {
		t.Errorf("it is in %s since %s, want large since %s by rules", j.Stage, j.Entered, today+2)
	}
	if m := j.Milestones[0]; m.Reached != steward.Holds || m.On != today {
		t.Errorf("the milestone is %s on %s, want reached on %s", m.Reached, m.On, today)
	}
	if scores, err = s.db.Scores(t.Context(), "a-0000"); err != nil || scores["health"].Len() != 4 || ledger.kept != 4 {
		t.Errorf("%d days of health are kept in %d goes, want 4 in 4 (%v)", scores["health"].Len(), ledger.kept, err)
	}
}
