package jobs_test

import (
	"strings"
	"testing"

	"steward"
	"steward/store"
)

// A playbook that most people call not useful is told of once, and again only
// after it was better in between.
func TestOpsHearsOfAPlaybookThatDoesNotHelp(t *testing.T) {
	s := newStage(t, "", "max_new: 20", "")
	s.accounts(6, 20_000)
	s.evaluate()
	judge := func(why string) {
		t.Helper()
		list, err := s.db.Enrolments(t.Context(), store.EnrolmentFilter{})
		s.must(err)
		for i, e := range list {
			if e.Unhelpful = why; i == 0 {
				e.Unhelpful, e.AckedAt, e.AckedBy = "", s.now, "dana" // one of six helped
			}
			lost, err := s.db.Commit(t.Context(), steward.Run{}, []steward.Change{{Account: e.Subject.Account, Enrolments: []steward.Enrolment{e}}}, s.now)
			s.must(err)
			if len(lost) > 0 {
				t.Fatalf("%s was not written", e.ID)
			}
		}
	}
	told := func() (titles []string) {
		for _, m := range s.messages(steward.Notice) {
			if strings.Contains(m.Content.Title, "not useful") {
				titles = append(titles, m.Content.Title+"\n"+m.Content.Parts[0].Markdown+"\n"+m.Content.Footer)
			}
		}
		return titles
	}
	s.evaluateNext()
	if got := told(); len(got) > 0 {
		t.Fatalf("ops heard before anybody judged: %q", got)
	}
	judge(steward.FalseAlarm)
	s.evaluateNext()
	s.evaluateNext()
	got := told()
	if len(got) != 1 || !strings.Contains(got[0], "5 of the 6") || !strings.Contains(got[0], `false alarm\: 5`) || !strings.Contains(got[0], "steward report playbooks ") {
		t.Fatalf("ops heard %q, want it once, with figures", got)
	}
	judge("")
	s.evaluateNext()
	judge(steward.KnownAlready)
	s.evaluateNext()
	if got := told(); len(got) != 2 {
		t.Errorf("ops heard %q, want it again", got)
	}
}
