package jobs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"steward"
	"steward/playbooks"
	"steward/store"
)

// office are the hours of these tests, in UTC.
var office = steward.Hours{Days: [7]bool{1: true, 2: true, 3: true, 4: true, 5: true}, From: 8*time.Hour + 30*time.Minute, To: 17*time.Hour + 30*time.Minute}

// fiveADay is the limit on cards to one owner.
var fiveADay = steward.Cap{Most: 5, Daily: true, Words: "5 cards a day"}

// manners changes the book on the stage.
func (s *stage) manners(change func(*playbooks.Book)) {
	b := *s.Book()
	change(&b)
	s.Book = func() *playbooks.Book { return &b }
}

// at goes on to a time of day, and does what is due then.
func (s *stage) at(day int, clock string) {
	s.Helper()
	t, err := time.Parse("15:04", clock)
	s.must(err)
	s.now = time.Date(2026, 3, day, t.Hour(), t.Minute(), 0, 0, time.UTC)
	s.advance()
	s.deliver()
}

// said is the letters of a kind that the provider took, oldest first, and the
// accounts that each is about.
func (s *stage) said(kind steward.MessageKind) (out [][]string) {
	for _, l := range s.provider.letters {
		if l.Message.Kind != kind {
			continue
		}
		var about []string
		for _, p := range l.Content.Parts {
			if p.AccountID != "" {
				about = append(about, string(p.AccountID))
			}
		}
		if kind == steward.Card {
			about = []string{string(l.Message.Account)}
		}
		out = append(out, about)
	}
	return out
}

// Of what is more than an owner's cards of the day the most urgent become cards,
// and the rest is one digest; everything is said once.
func TestWhatIsTooMuchForADayComesInTheDigest(t *testing.T) {
	s := newStage(t, "", "max_new: 20", "")
	s.manners(func(b *playbooks.Book) { b.Limits.Owner, b.Hours = fiveADay, office })
	s.accounts(8, 20_000) // a-0000 has the least, a-0005 the most
	s.evaluate()
	s.at(12, "08:30")
	s.at(12, "08:45")
	cards, digests := s.said(steward.Card), s.said(steward.Digest)
	if len(cards) != 5 || len(digests) != 1 || len(digests[0]) != 3 {
		t.Fatalf("cards %v, digests %v", cards, digests)
	}
	var all []string
	for _, about := range slices.Concat(cards, digests) {
		all = append(all, about...)
	}
	if sorted := slices.Compact(slices.Sorted(slices.Values(all))); len(sorted) != 8 {
		t.Errorf("said of %v", all)
	}
	// The priority is the ARR: who brings in most gets the cards.
	worth := func(about string) int { n := 0; fmt.Sscanf(about, "a-%d", &n); return n * 37 % 8 }
	for _, card := range cards {
		for _, item := range digests[0] {
			if worth(card[0]) < worth(item) {
				t.Errorf("a card is about %s, the digest about %s", card[0], item)
			}
		}
	}
	c := s.provider.letters[len(s.provider.letters)-1].Content
	if c.Title != "3 things on 3 accounts" || !strings.Contains(c.Parts[0].Markdown, "3 over your 5 cards a day") || c.Parts[1].Why != "over your 5 cards a day" {
		t.Errorf("the digest says %q: %+v", c.Title, c.Parts[:2])
	}
	if order := digests[0]; worth(order[0]) < worth(order[1]) || worth(order[1]) < worth(order[2]) {
		t.Errorf("in the digest, in order: %v", order)
	}
	// The steps go on after the digest as after a card.
	s.at(13, "09:00")
	list, err := s.db.Enrolments(t.Context(), store.EnrolmentFilter{})
	s.must(err)
	for _, e := range list {
		if e.Step < 2 {
			t.Errorf("%s is at step %d", e.Subject.ID, e.Step)
		}
	}
}

// A digest that cannot go is tried until the evening; what it would have said is
// in the next one, once, with what came up since.
func TestADigestThatCannotGoIsTheNextOnes(t *testing.T) {
	s := newStage(t, "", "max_new: 20\nseverity: info", "")
	s.manners(func(b *playbooks.Book) { b.Hours = office })
	s.accounts(2, 20_000)
	s.evaluate()
	down := &steward.DeliveryError{Kind: steward.NotNow, Err: fmt.Errorf("not now")}
	s.provider.answers = slices.Repeat([]error{down}, 40)
	for _, clock := range []string{"08:45", "08:46", "08:50", "09:30", "11:30", "15:30", "17:35", "21:40"} {
		s.at(12, clock)
	}
	tried := s.provider.count(steward.Digest)
	if tried < 4 {
		t.Fatalf("it was tried %d times", tried)
	}
	if m := s.message(steward.Digest); m.State.Settled() || m.ID != steward.DigestID("dana", steward.Date(2026, 3, 13)) {
		t.Fatalf("the next digest: %+v", m)
	}
	s.provider.answers = nil
	s.at(13, "08:45")
	digests := s.said(steward.Digest)
	if last := digests[len(digests)-1]; len(digests) != tried+1 || len(last) != 2 {
		t.Errorf("digests %v after %d tries", digests, tried)
	}
	if n := s.provider.count(steward.Card); n != 0 {
		t.Errorf("%d cards of a playbook for information", n)
	}
	s.at(13, "15:00")
	if n := s.provider.count(steward.Digest); n != tried+1 {
		t.Errorf("said again: %d", n)
	}
}

// What comes up over a weekend is one digest on Monday; what is critical comes as
// a card all the same, in working hours.
func TestAWeekendIsOneDigest(t *testing.T) {
	for severity, want := range map[string]struct{ cards, digests int }{"warning": {0, 1}, "critical": {7, 0}} {
		s := newStage(t, "", "max_new: 20\nseverity: "+severity, "")
		s.manners(func(b *playbooks.Book) { b.Limits.Owner, b.Hours = fiveADay, office })
		s.now = time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC) // Saturday
		s.accounts(7, 20_000)
		s.evaluate()
		s.at(14, "12:00")
		s.at(15, "12:00")
		s.at(16, "08:29")
		if n := len(s.provider.letters); n != 0 {
			t.Errorf("%s: %d letters over the weekend", severity, n)
		}
		s.at(16, "08:30")
		if n := s.provider.count(steward.Card); n != want.cards {
			t.Errorf("%s: %d cards", severity, n)
		}
		s.at(16, "08:45")
		if n := s.provider.count(steward.Digest); n != want.digests {
			t.Fatalf("%s: %d digests", severity, n)
		}
		if want.digests > 0 {
			if about := s.said(steward.Digest)[0]; len(about) != 7 {
				t.Errorf("the digest is about %v", about)
			}
			if p := s.provider.letters[0].Content.Parts; p[1].Why != "it came over days off" {
				t.Errorf("%+v", p[1])
			}
		}
	}
}

// What is over when the digest goes is not in it, and what is silenced comes when
// the silence ends.
func TestADigestIsLookedAtAsItGoes(t *testing.T) {
	s := newStage(t, "", "", "")
	s.shelf("playbook: big\nseverity: info\nwhen: arr > 1\nbackfill: true\ncooldown: 30d\nsteps: [{id: nudge, slack: owner, message: big}]\n")
	s.manners(func(b *playbooks.Book) { b.Hours = office })
	s.accounts(3, 20_000)
	s.evaluate()
	_, err := s.db.Silence(t.Context(), steward.Silence{Account: "a-0001", From: s.now, Until: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC), Because: "a move", By: "dana"})
	s.must(err)
	e, _ := s.db.Enrolments(t.Context(), store.EnrolmentFilter{Account: "a-0002"})
	over := e[0]
	over.State, over.Reason, over.EndedAt = steward.Exited, steward.ReasonExitWhen, s.now
	_, err = s.db.Commit(t.Context(), steward.Run{}, []steward.Change{{Account: "a-0002", Enrolments: []steward.Enrolment{over}}}, s.now)
	s.must(err)
	s.at(12, "08:45")
	if got := s.said(steward.Digest); len(got) != 1 || !slices.Equal(got[0], []string{"a-0000"}) {
		t.Fatalf("the digest is about %v", got)
	}
	said, _, err := s.db.OutreachOf(t.Context(), []steward.EnrolmentID{over.ID})
	s.must(err)
	if len(said) != 1 || said[0].Message != "" || said[0].Suppressed != steward.ReasonEpisodeOver {
		t.Errorf("what is over: %+v", said)
	}
	s.at(13, "08:45")
	if n := s.provider.count(steward.Digest); n != 1 {
		t.Errorf("%d digests while the rest is silenced", n)
	}
	s.evaluateAt(16)
	s.at(16, "08:45")
	if got := s.said(steward.Digest); len(got) != 2 || !slices.Equal(got[1], []string{"a-0001"}) {
		t.Errorf("after the silence: %v", got)
	}
	list, err := s.db.Silences(t.Context(), s.now, true)
	s.must(err)
	if len(list) != 1 || list[0].Ended.IsZero() {
		t.Errorf("a silence whose time is over: %+v", list)
	}
}

func (s *stage) evaluateAt(day int) {
	s.Helper()
	s.now = time.Date(2026, 3, day, 6, 0, 0, 0, time.UTC)
	s.evaluate()
}

// A task that falls due is worth a digest by itself, once.
func TestATaskThatFallsDueIsInADigest(t *testing.T) {
	s := newStage(t, "", "", "")
	s.shelf("playbook: call\nwhen: arr > 1\nbackfill: true\ncooldown: 30d\nsteps: [{id: call, task: owner, message: big, due: 2d}]\n")
	s.accounts(1, 20_000)
	s.evaluate()
	s.at(12, "08:30")
	s.at(13, "08:30")
	if n := s.provider.count(steward.Digest); n != 0 {
		t.Fatalf("%d digests before anything is due", n)
	}
	for _, day := range []int{14, 15} {
		s.evaluateAt(day)
		s.at(day, "08:30")
		s.at(day, "11:00")
	}
	if n := s.provider.count(steward.Digest); n != 1 {
		t.Fatalf("%d digests", n)
	}
	c := s.provider.letters[len(s.provider.letters)-1].Content
	if c.Title != "Today: a task is due" || len(c.Parts) != 1 || !strings.HasPrefix(c.Parts[0].Title, "Account a-0000: ") || !slices.Equal(c.Parts[0].Evidence, []string{"due today"}) {
		t.Errorf("%+v", c)
	}
}

// Managers hear once a week how the accounts of their people are.
func TestTheWeekOfAManager(t *testing.T) {
	s := newStage(t, "", "max_new: 20", "")
	s.manners(func(b *playbooks.Book) {
		b.Digest.Weekly = &steward.WeekTime{Day: time.Monday, At: 9 * time.Hour}
	})
	s.accounts(2, 20_000)
	s.evaluate()
	s.at(12, "08:30")
	s.evaluateAt(13)
	s.evaluateAt(16)
	s.at(16, "08:59")
	if n := s.provider.count(steward.Digest); n != 0 {
		t.Fatalf("%d digests before their time", n)
	}
	s.at(16, "09:00")
	s.at(16, "09:01")
	s = s.restarted()
	s.at(16, "09:02")
	weekly := s.messages(steward.Digest)
	if len(weekly) != 1 || weekly[0].To.Owner != "lee" || weekly[0].State != steward.Sent {
		t.Fatalf("%+v", weekly)
	}
	c := weekly[0].Content
	if c.Title != "The week: 2 cards nobody took" || len(c.Parts) != 2 || !strings.HasPrefix(c.Parts[1].Evidence[0], "since 12 March") || strings.Contains(fmt.Sprint(c.Parts), "Dana") {
		t.Errorf("%+v", c)
	}
	s.at(17, "09:00")
	if n := len(s.messages(steward.Digest)); n != 1 {
		t.Errorf("%d digests in a week", n)
	}
}
