package replay

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"steward"
)

var packPlaybooks = []steward.PlaybookName{"kickoff-missed", "setup-stuck", "first-value-late", "stalled-onboarding", "login-drop", "slow-fade", "champion-quiet",
	"feature-unused", "value-report", "renewal-120", "renewal-at-risk", "buyer-silent", "ticket-fire", "ticket-pile", "detractor"}

func everywhere(steward.PlaybookName, steward.AccountID, steward.Day) bool { return true }

// Whoever speaks by what is meant for each story on its sixth day meets all of them,
// and calls no false alarm; another playbook meets none.
func TestScoreAgainstTheTruth(t *testing.T) {
	t.Parallel()
	s := Simulate(SimOptions{Seed: 4, Accounts: 170, Days: 480, Year: true})
	from := s.Last - 365
	right, wrong := []Opened{}, []Opened{}
	for _, st := range s.Truth {
		for _, m := range meanings() {
			if st.Story == m.story && strings.Contains(st.Note, m.note) && st.From > from && st.From+m.within <= s.Last {
				right = append(right, Opened{st.Account, m.meant[0], st.From + 9}, Opened{st.Account, m.meant[0], st.From + 6})
				wrong = append(wrong, Opened{st.Account, "ticket-fire", st.From + 1})
			}
		}
	}
	r := s.Score(from, s.Last, packPlaybooks, right, everywhere)
	if len(r.Stories) < 12 {
		t.Fatalf("%d stories are told of, want 12 and more", len(r.Stories))
	}
	for _, m := range r.Stories {
		if m.Met != m.Accounts || m.Met == 0 || m.After != 6 || len(m.Not) > 0 {
			t.Errorf("opened on the sixth day: %+v", m)
		}
	}
	for _, a := range r.Alarms {
		if a.Falsely() > 0 {
			t.Errorf("a story called for each opening, and %s counts %v as false", a.Playbook, a.False)
		}
	}
	r = s.Score(from, s.Last, packPlaybooks, wrong, everywhere)
	falsely := 0
	for _, m := range r.Stories {
		if meant := slices.Contains(m.Meant, "ticket-fire"); !meant && (m.Other != m.Accounts || m.Met > 0 || m.Missed > 0) {
			t.Errorf("opened by another: %+v", m)
		}
	}
	for _, a := range r.Alarms {
		falsely += a.Falsely()
	}
	if falsely < len(wrong)/2 {
		t.Errorf("%d openings of ticket-fire for all sorts of stories are %d false alarms", len(wrong), falsely)
	}
	nowhere := func(steward.PlaybookName, steward.AccountID, steward.Day) bool { return false }
	for _, m := range s.Score(from, s.Last, packPlaybooks, nil, nowhere).Stories {
		if m.Accounts != 0 || m.Outside == 0 {
			t.Errorf("nothing is for anybody: %+v", m)
		}
	}
	for _, m := range s.Score(from, s.Last, packPlaybooks, nil, everywhere).Stories {
		if m.Missed != m.Accounts || len(m.Not) != m.Missed {
			t.Errorf("nothing opened: %+v", m)
		}
	}
	if got := s.Score(from, s.Last, []steward.PlaybookName{"ticket-pile"}, nil, everywhere); len(got.Stories) != 1 || len(got.Alarms) != 1 {
		t.Errorf("of one playbook: %+v", got)
	}
}

// What is said before the story began is a false alarm and meets nothing; what is
// not said is neither.
func TestScoreIsNotMetTooEarly(t *testing.T) {
	t.Parallel()
	s := Simulate(SimOptions{Seed: 4, Accounts: 170, Days: 480, Year: true})
	var early []Opened
	for _, st := range s.Truth {
		if st.Story == TicketFire {
			early = append(early, Opened{st.Account, "ticket-fire", st.From - 1}, Opened{st.Account, "ticket-fire", st.From + 8}, Opened{st.Account, "ticket-fire", steward.NoDay})
		}
	}
	r := s.Score(s.Last-365, s.Last, packPlaybooks, early, everywhere)
	i := slices.IndexFunc(r.Stories, func(m MetStory) bool { return m.Story == TicketFire })
	if m := r.Stories[i]; m.Met != 0 || m.Missed != m.Accounts {
		t.Errorf("a day early and a day late: %+v", m)
	}
	j := slices.IndexFunc(r.Alarms, func(a Alarm) bool { return a.Playbook == "ticket-fire" })
	if a := r.Alarms[j]; a.Opened != len(early) || a.Said != len(early)*2/3 || a.Falsely() != len(early)/3 {
		t.Errorf("%d openings, a third of them early and a third silent: %+v", len(early), a)
	}
}

// The most in any stretch is what counting around each mail gives.
func TestBusiestStretch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		begin := time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)
		var sent []Sent
		for _, h := range rapid.SliceOfN(rapid.IntRange(0, 24*30), 0, 40).Draw(rt, "hours") {
			sent = append(sent, Sent{Kind: steward.Mail, Address: fmt.Sprintf("%c@x.example", 'a'+rune(h%3)), Account: "x", At: begin.Add(time.Duration(h) * time.Hour)})
		}
		limits := steward.Limits{Address: steward.Cap{Most: 1, Window: 7 * 24 * time.Hour, Words: "1 mail in 7d"}}
		got := Attend(sent, limits, func(steward.OwnerID) *time.Location { return time.UTC })
		want := [2]int{}
		for _, m := range sent {
			n := [2]int{}
			for _, o := range sent {
				if !o.At.After(m.At) && m.At.Sub(o.At) < 7*24*time.Hour {
					n[1]++
					if o.Address == m.Address {
						n[0]++
					}
				}
			}
			want[0], want[1] = max(want[0], n[0]), max(want[1], n[1])
		}
		if got[3].Most != want[0] || got[4].Most != want[1] || got[3].Over != (want[0] > 1) || got[4].Over {
			rt.Fatalf("got %+v, want %v", got[3:], want)
		}
	})
}

// A day is the owner's: two cards around midnight in Berlin are one day's in New
// York. Critical cards are counted apart.
func TestCardsInADay(t *testing.T) {
	t.Parallel()
	york, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	card := func(owner steward.OwnerID, hour int, critical bool) Sent {
		return Sent{Kind: steward.Card, Owner: owner, At: time.Date(2026, 3, 2, hour, 30, 0, 0, time.UTC), Critical: critical}
	}
	sent := []Sent{card("ava", 22, false), card("ava", 24, false), card("ava", 24, true), card("dana", 22, false), card("dana", 24, false), card("", 22, false), {Kind: steward.Approval, Owner: "ava", At: time.Date(2026, 3, 2, 22, 0, 0, 0, time.UTC)}}
	zone := func(o steward.OwnerID) *time.Location {
		if o == "ava" {
			return york
		}
		return time.UTC
	}
	got := Attend(sent, steward.Limits{Owner: steward.Cap{Most: 1, Daily: true, Words: "1 card a day"}}, zone)
	if got[0].Most != 2 || got[0].Who != "ava on 2026-03-02" || !got[0].Over || got[1].Most != 3 || got[1].Over || got[2].Most != 1 {
		t.Errorf("got %+v", got[:3])
	}
}
