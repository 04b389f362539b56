package replay

import (
	"slices"
	"testing"

	"steward"
)

// What the truth says of the stories of a year can be read off the portfolio
// and the use.
func TestStoriesOfAYearShow(t *testing.T) {
	t.Parallel()
	s := Simulate(SimOptions{Seed: 3, Accounts: 170, Days: 480, Year: true})
	end := s.Portfolio(s.Last)
	ofAccount := func(id steward.AccountID) *simulated {
		i := slices.IndexFunc(s.accounts, func(a simulated) bool { return a.base.ID == id })
		return &s.accounts[i]
	}
	told := map[Story]int{}
	shows := map[Story]func(TrueStory, *simulated) bool{
		ChampionLeft: func(st TrueStory, a *simulated) bool {
			champions := func(on steward.Day) int {
				n := 0
				for _, c := range s.Portfolio(on).Contacts {
					if c.Account == st.Account && slices.Contains(c.Roles, "champion") {
						n++
					}
				}
				return n
			}
			hadOne := slices.ContainsFunc(a.contacts, func(c steward.Contact) bool { return slices.Contains(c.Roles, "champion") })
			return !hadOne || champions(st.From-1) == 1 && champions(st.From) == 0
		},
		TicketFire: func(st TrueStory, _ *simulated) bool {
			return slices.ContainsFunc(end.Tickets, func(k steward.Ticket) bool {
				return k.Account == st.Account && k.Priority == "urgent" && k.OpenOn(st.From) && k.OpenOn(st.From+8) && !k.OpenOn(st.From+9)
			})
		},
		TicketPile: func(st TrueStory, _ *simulated) bool {
			open := 0
			for _, k := range end.Tickets {
				if k.Account == st.Account && k.OpenOn(st.From+12) {
					open++
				}
			}
			return open >= 7
		},
		Detractor: func(st TrueStory, _ *simulated) bool {
			return slices.ContainsFunc(end.Surveys, func(q steward.Survey) bool {
				return q.Account == st.Account && q.Kind == steward.NPS && q.Score <= 4 && q.Day >= st.From && q.Day <= st.From+1
			})
		},
		FeatureUnused: func(st TrueStory, a *simulated) bool {
			licensed := slices.ContainsFunc(end.Products, func(p steward.Product) bool {
				return p.Account == st.Account && slices.Contains(p.Features, "integrations")
			})
			return licensed && !slices.ContainsFunc(a.metrics[3], func(x float64) bool { return x > 0 })
		},
		SeatsFull: func(st TrueStory, a *simulated) bool {
			users := a.metrics[1][st.From+80-s.First]
			return !(users < 0.9*float64(a.seats))
		},
		KickoffMissed: func(st TrueStory, _ *simulated) bool {
			return slices.ContainsFunc(end.Milestones, func(m steward.Milestone) bool {
				return m.Account == st.Account && m.Name == Kickoff && m.Day > st.From+20
			})
		},
		SetupStuck: func(st TrueStory, _ *simulated) bool {
			return slices.ContainsFunc(end.Milestones, func(m steward.Milestone) bool {
				return m.Account == st.Account && m.Name == AdminSetup && m.Day > st.From+40
			})
		},
		ChampionQuiet: func(st TrueStory, a *simulated) bool {
			return !slices.ContainsFunc(a.contacts, func(c steward.Contact) bool { return slices.Contains(c.Roles, "champion") && c.LastSeen > st.From })
		},
	}
	for _, st := range s.Truth {
		if show := shows[st.Story]; show != nil {
			told[st.Story]++
			if !show(st, ofAccount(st.Account)) {
				t.Errorf("%s of %s from %s does not show", st.Story, st.Account, st.From)
			}
		}
	}
	for story := range shows {
		if told[story] < 5 {
			t.Errorf("%s is told %d times in 170 accounts, want at least 5", story, told[story])
		}
	}
}
