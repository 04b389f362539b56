package playbooks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"steward"
	"steward/configs/strictyaml"
	"steward/facts"
	"steward/playbooks"
	"steward/series"
)

// says is an expression as a workspace file would hold it, on a line of it.
func says(expr string, line int) strictyaml.Text {
	if expr == "" {
		return strictyaml.Text{}
	}
	return strictyaml.Text{Value: expr, Pos: strictyaml.Pos{Line: line, Column: 10}}
}

// scored is the settings of a workspace with one scorecard, of parts written
// NAME=WEIGHT=EXPRESSION.
func scored(parts ...string) playbooks.Settings {
	s := settings()
	card := playbooks.ScorecardRule{Name: "default"}
	for i, p := range parts {
		name, rest, _ := strings.Cut(p, "=")
		weight, expr, _ := strings.Cut(rest, "=")
		var w float64
		fmt.Sscan(weight, &w)
		card.Parts = append(card.Parts, playbooks.PartRule{Name: name, Weight: w, Score: says(expr, 20+i)})
	}
	s.Health = playbooks.HealthRules{Scorecards: []playbooks.ScorecardRule{card}, Red: 40, Yellow: 70, MinKnown: 0.5}
	return s
}

const watch = "playbook: p\nwhen: health < 40\n"

// derive is a situation of accounts on day0+100, with a history of their own.
func derive(t testing.TB, s playbooks.Settings, p steward.Portfolio) *playbooks.Situation {
	t.Helper()
	w := newWorld(t, load(t, s, nil, watch))
	w.Portfolio = p
	return w.at(six(day0 + 100))
}

// ask is an expression's value at an account, by both ways, which must agree.
func ask(t testing.TB, s *playbooks.Situation, id string, q facts.Question, shift int) steward.Value {
	t.Helper()
	v := s.Frame.View(steward.AboutAccount)
	row, ok := v.Row(id)
	if !ok {
		t.Fatalf("there is no account %s", id)
	}
	x := v.AskAt(row, q, shift)
	if col := v.Ask(q, shift).Value(row); !alike(x, col) {
		t.Fatalf("%+v of %s, %d days back: %s by itself and %s in a column", q, id, shift, x, col)
	}
	if why := v.WhyAsk(row, q, shift); x.Known != (why == "") {
		t.Fatalf("%+v of %s is %s, and why says %q", q, id, x, why)
	}
	return x
}

func alike(a, b steward.Value) bool {
	if !a.Known || !b.Known {
		return a.Known == b.Known && a.Kind == b.Kind
	}
	return a == b
}

func bare(name string) facts.Question { return facts.Question{Ask: name} }

func TestHealthIsTheWeightedMeanOfWhatIsKnown(t *testing.T) {
	for _, c := range []struct {
		name          string
		parts         []string
		health, grade string
	}{
		{"mean", []string{"a=3=100", "b=1=20"}, "80", "'green'"},
		{"clamped", []string{"a=1=250", "b=1=-3"}, "50", "'yellow'"},
		{"an unknown part gives its weight away", []string{"a=1=30", "b=1=seats"}, "30", "'red'"},
		{"too little known", []string{"a=1=30", "b=1.5=seats"}, "unknown", "unknown"},
		{"nothing known", []string{"b=1=seats"}, "unknown", "unknown"},
		{"at a grade's edge", []string{"a=1=40"}, "40", "'yellow'"},
		{"at the other edge", []string{"a=1=70"}, "70", "'green'"},
		{"a part may read another", []string{"a=1=60", "b=1=health_of('a') / 2"}, "45", "'yellow'"},
	} {
		s := derive(t, scored(c.parts...), steward.Portfolio{Accounts: []steward.Account{customer("acme")}})
		if got := ask(t, s, "acme", bare("health"), 0).String(); got != c.health {
			t.Errorf("%s: health = %s, want %s", c.name, got, c.health)
		}
		if got := ask(t, s, "acme", bare("grade"), 0).String(); got != c.grade {
			t.Errorf("%s: grade = %s, want %s", c.name, got, c.grade)
		}
	}
}

func TestTheFirstScorecardThatAppliesScores(t *testing.T) {
	s := scored("usage=1=80")
	first := playbooks.ScorecardRule{Name: "small", AppliesTo: says("seats < 10", 5), Parts: []playbooks.PartRule{{Name: "care", Weight: 1, Score: says("10", 6)}}}
	s.Health.Scorecards = append([]playbooks.ScorecardRule{first}, s.Health.Scorecards...)
	small, large, unknown := customer("small"), customer("large"), customer("unknown")
	small.More["seats"], large.More["seats"] = steward.Num(3), steward.Num(30)
	at := derive(t, s, steward.Portfolio{Accounts: []steward.Account{large, small, unknown}})
	for id, want := range map[string]string{"small": "10", "large": "80", "unknown": "80"} {
		if got := ask(t, at, id, bare("health"), 0).String(); got != want {
			t.Errorf("health of %s = %s, want %s", id, got, want)
		}
	}
	if x := ask(t, at, "small", facts.Question{Ask: "health_of", Text: "usage"}, 0); x.Known {
		t.Errorf("a part of another scorecard is %s", x)
	}
	none := settings()
	bareBook := derive(t, none, steward.Portfolio{Accounts: []steward.Account{small}})
	if x := ask(t, bareBook, "small", bare("health"), 0); x.Known {
		t.Errorf("without scorecards health is %s", x)
	}
}

// What a person said stands on its days alone, the newest word first, until it
// is taken back.
func TestOverride(t *testing.T) {
	today := day0 + 100
	said := func(id int64, health float64, from, until, cleared steward.Day) steward.HealthOverride {
		return steward.HealthOverride{ID: id, Account: "acme", Health: health, From: from, Until: until, Because: "a merger", By: "dana", Cleared: cleared}
	}
	for _, c := range []struct {
		name   string
		said   []steward.HealthOverride
		back   int
		health string
	}{
		{"stands", []steward.HealthOverride{said(1, 30, today-1, today, steward.NoDay)}, 0, "30"},
		{"not before it was said", []steward.HealthOverride{said(1, 30, today-1, today, steward.NoDay)}, 2, "80"},
		{"over", []steward.HealthOverride{said(1, 30, today-9, today-1, steward.NoDay)}, 0, "80"},
		{"stood then", []steward.HealthOverride{said(1, 30, today-9, today-1, steward.NoDay)}, 1, "30"},
		{"taken back", []steward.HealthOverride{said(1, 30, today-9, today+9, today)}, 0, "80"},
		{"the newest word", []steward.HealthOverride{said(1, 30, today-9, today+9, steward.NoDay), said(2, 50, today-1, today+1, steward.NoDay)}, 0, "50"},
		{"an older word stands on", []steward.HealthOverride{said(1, 30, today-9, today+9, steward.NoDay), said(2, 50, today-3, today-1, steward.NoDay)}, 0, "30"},
	} {
		s := derive(t, scored("usage=1=80"), steward.Portfolio{Accounts: []steward.Account{customer("acme"), customer("other")}, Overrides: c.said})
		if got := ask(t, s, "acme", bare("health"), c.back).String(); got != c.health {
			t.Errorf("%s: health = %s, want %s", c.name, got, c.health)
		}
		if got := ask(t, s, "acme", facts.Question{Ask: "health_of", Text: "usage"}, c.back).String(); got != "80" {
			t.Errorf("%s: the part is %s, which nobody said anything of", c.name, got)
		}
		if got := ask(t, s, "other", bare("health"), c.back).String(); got != "80" {
			t.Errorf("%s: health of another account = %s", c.name, got)
		}
	}
}

// journeyed is settings with three stages, the later two by rules.
func journeyed() playbooks.Settings {
	s := settings()
	s.Journey = playbooks.JourneyRules{Stages: []playbooks.StageRule{
		{Name: "start", Target: 30, Milestones: []playbooks.MilestoneRule{{Name: "kickoff", Within: 7}, {Name: "live", Within: 20, When: says("seats > 5", 8)}}},
		{Name: "grow", Enter: says("seats > 10", 9), Target: 90},
		{Name: "stay", Enter: says("plan == 'gold'", 10), Owner: "lee"},
	}}
	return s
}

func past(since steward.Day, changes ...steward.FieldChange) steward.Past {
	return steward.Past{Since: since, Changes: changes}
}

func became(field string, d steward.Day, stage string) steward.FieldChange {
	return steward.FieldChange{Field: field, Day: d, Value: steward.Str(stage)}
}

func TestStages(t *testing.T) {
	today := day0 + 100
	acme := func(change func(*steward.Account)) steward.Account {
		a := customer("acme")
		a.Stage, a.StartDate = "", today-40
		if change != nil {
			change(&a)
		}
		return a
	}
	key := steward.HistoryKey{Kind: steward.AboutAccount, ID: "acme"}
	kept := func(changes ...steward.FieldChange) steward.History {
		return steward.History{key: past(today-60, changes...)}
	}
	field := steward.StageField
	seats := func(n float64) func(*steward.Account) {
		return func(a *steward.Account) { a.More["seats"] = steward.Num(n) }
	}
	for _, c := range []struct {
		name               string
		account            steward.Account
		history            steward.History
		back               int
		stage, days, stuck string
	}{
		{"begins in the first, on its first day", acme(nil), steward.History{}, 0, "'start'", "40d", "true"},
		{"begins in the first, nobody knows when", acme(func(a *steward.Account) { a.StartDate = steward.NoDay }), steward.History{}, 0, "'start'", "0d", "false"},
		{"a rule holds", acme(seats(11)), kept(became(field, today-9, "start")), 0, "'grow'", "0d", "false"},
		{"a stage without its rule is passed by", acme(func(a *steward.Account) { a.More["plan"] = steward.Str("gold") }), kept(), 0, "'stay'", "0d", "false"},
		{"never back", acme(seats(1)), kept(became(field, today-50, "start"), became(field, today-20, "grow")), 0, "'grow'", "20d", "false"},
		{"history begins with it", acme(seats(1)), kept(became(field, today-20, "grow")), 0, "'grow'", "20d", "false"},
		{"as long as it may be", acme(func(a *steward.Account) { a.StartDate = today - 30 }), kept(), 0, "'start'", "30d", "false"},
		{"a day longer", acme(func(a *steward.Account) { a.StartDate = today - 31 }), kept(), 0, "'start'", "31d", "true"},
		{"long in one", acme(seats(1)), kept(became(field, today-150, "start"), became(field, today-120, "grow")), 0, "'grow'", "120d", "true"},
		{"then", acme(seats(1)), kept(became(field, today-50, "start"), became(field, today-20, "grow")), 30, "'start'", "10d", "false"},
		{"before history", acme(seats(1)), kept(became(field, today-50, "start"), became(field, today-20, "grow")), 60, "unknown", "unknown", "unknown"},
		{"the source says", acme(func(a *steward.Account) { a.Stage = "start"; a.More["seats"] = steward.Num(11) }), kept(), 0, "'start'", "40d", "true"},
		{"the source says, since", acme(func(a *steward.Account) { a.Stage = "grow" }), kept(became("stage", today-60, "start"), became("stage", today-5, "grow")), 0, "'grow'", "5d", "false"},
		{"the source said", acme(func(a *steward.Account) { a.Stage = "grow" }), kept(became("stage", today-60, "start"), became("stage", today-5, "grow")), 9, "'start'", "31d", "true"},
		{"the source says another", acme(func(a *steward.Account) { a.Stage = "Pilot" }), kept(), 0, "'Pilot'", "60d", "false"},
		{"no history of it", acme(func(a *steward.Account) { a.Stage = "grow" }), steward.History{}, 9, "unknown", "unknown", "unknown"},
		{"there and back again", acme(func(a *steward.Account) { a.Stage = "grow" }), kept(became("stage", today-60, "grow"), became("stage", today-50, "start"), became("stage", today-3, "grow")), 0, "'grow'", "3d", "false"},
	} {
		s := derive(t, journeyed(), steward.Portfolio{Accounts: []steward.Account{c.account}, History: c.history})
		for name, want := range map[string]string{"stage": c.stage, "days_in_stage": c.days, "stuck": c.stuck} {
			if got := ask(t, s, "acme", bare(name), c.back).String(); got != want {
				t.Errorf("%s: %s = %s, want %s", c.name, name, got, want)
			}
		}
	}
	moved := derive(t, journeyed(), steward.Portfolio{Accounts: []steward.Account{acme(nil)}, History: kept(became(field, today-50, "start"), became(field, today-20, "grow"))})
	for _, c := range []struct {
		q    facts.Question
		want string
	}{{facts.Question{Ask: "changed", Text: "stage", Days: 21}, "true"}, {facts.Question{Ask: "changed", Text: "stage", Days: 20}, "false"}, {facts.Question{Ask: "days_since_change", Text: "stage"}, "20d"}} {
		if got := ask(t, moved, "acme", c.q, 0).String(); got != c.want {
			t.Errorf("%s(stage) over %d days = %s, want %s", c.q.Ask, c.q.Days, got, c.want)
		}
	}
	plain := derive(t, settings(), steward.Portfolio{Accounts: []steward.Account{acme(nil)}, History: steward.History{}})
	if x := ask(t, plain, "acme", bare("stage"), 0); x.Known {
		t.Errorf("where neither a source nor a rule tells stages, stage is %s", x)
	}
}

func TestMilestones(t *testing.T) {
	today := day0 + 100
	key := steward.HistoryKey{Kind: steward.AboutAccount, ID: "acme"}
	for _, c := range []struct {
		name                     string
		seats                    float64
		start                    steward.Day
		history                  []steward.FieldChange
		reached                  []steward.Milestone
		kinds                    map[string]bool
		milestone                string
		back                     int
		isReached, overdue, days string
	}{
		{name: "in time", start: today - 7, milestone: "kickoff", isReached: "false", overdue: "false", days: "unknown"},
		{name: "late", start: today - 8, milestone: "kickoff", isReached: "false", overdue: "true", days: "unknown"},
		{name: "reached late", start: today - 30, reached: []steward.Milestone{{Account: "acme", Name: "kickoff", Day: today - 3}}, milestone: "kickoff", isReached: "true", overdue: "false", days: "3d"},
		{name: "not yet then", start: today - 30, reached: []steward.Milestone{{Account: "acme", Name: "kickoff", Day: today - 3}}, history: []steward.FieldChange{became(steward.StageField, today-30, "start")}, milestone: "kickoff", back: 4, isReached: "false", overdue: "true", days: "unknown"},
		{name: "to come", start: today - 3, reached: []steward.Milestone{{Account: "acme", Name: "kickoff", Day: today + 3}}, milestone: "kickoff", isReached: "false", overdue: "false", days: "unknown"},
		{name: "nobody would tell", start: today - 30, kinds: map[string]bool{}, milestone: "kickoff", isReached: "unknown", overdue: "unknown", days: "unknown"},
		{name: "nobody would tell, and there is time", start: today - 3, kinds: map[string]bool{}, milestone: "kickoff", isReached: "unknown", overdue: "false", days: "unknown"},
		{name: "its condition holds", start: today - 30, seats: 6, milestone: "live", isReached: "true", overdue: "false", days: "0d"},
		{name: "its condition fails", start: today - 30, seats: 5, milestone: "live", isReached: "false", overdue: "true", days: "unknown"},
		{name: "a stage further on", start: today - 50, seats: 5, history: []steward.FieldChange{became(steward.StageField, today-50, "start"), became(steward.StageField, today-10, "grow")}, milestone: "live", isReached: "false", overdue: "true", days: "unknown"},
		{name: "a stage further on, entered nobody knows when", start: steward.NoDay, seats: 5, history: []steward.FieldChange{became(steward.StageField, today-10, "grow")}, milestone: "live", isReached: "false", overdue: "unknown", days: "unknown"},
	} {
		a := customer("acme")
		a.Stage, a.StartDate = "", c.start
		a.More["seats"] = steward.Num(c.seats)
		p := steward.Portfolio{Accounts: []steward.Account{a}, Milestones: c.reached, Kinds: c.kinds, History: steward.History{key: past(today-90, c.history...)}}
		s := derive(t, journeyed(), p)
		for name, want := range map[string]string{"reached": c.isReached, "overdue": c.overdue, "days_since_reached": c.days} {
			if got := ask(t, s, "acme", facts.Question{Ask: name, Text: c.milestone}, c.back).String(); got != want {
				t.Errorf("%s: %s('%s') = %s, want %s", c.name, name, c.milestone, got, want)
			}
		}
	}
}

// What rules find out is kept once: the stage when it becomes another, a
// milestone when its condition first holds.
func TestWhatRulesFindOutIsLearntOnce(t *testing.T) {
	b := load(t, journeyed(), nil, "playbook: p\nwhen: stage == 'stay'\n")
	a := customer("acme")
	a.Stage = ""
	given := customer("given")
	given.Stage = "grow"
	w := newWorld(t, b, a, given)
	w.History = steward.History{}
	key := steward.HistoryKey{Kind: steward.AboutAccount, ID: "acme"}
	learnt := func(d steward.Day) []string {
		out := w.run(d)
		var said []string
		for _, c := range out.Changes {
			for _, l := range c.Learnt {
				said = append(said, fmt.Sprintf("%s %s %s", c.Account, l.Field, l.Value))
				p := w.History[key]
				p.Changes = append(p.Changes, l)
				w.History[key] = p
				if name, ok := strings.CutPrefix(l.Field, steward.MilestonePrefix); ok {
					w.Milestones = append(w.Milestones, steward.Milestone{Account: c.Account, Name: name, Day: l.Value.Day()})
				}
			}
		}
		slices.Sort(said)
		return said
	}
	set := func(seats float64) { w.Accounts[0].More["seats"] = steward.Num(seats) }
	for i, want := range []string{"acme journey.stage 'start'", "", "acme milestone.live " + (day0 + 2).String(), "acme journey.stage 'grow'", ""} {
		switch i {
		case 2:
			set(6)
		case 3:
			set(11)
		case 4:
			set(1)
		}
		if got := strings.Join(learnt(day0+steward.Day(i)), "; "); got != want {
			t.Errorf("day %d: learnt %q, want %q", i, got, want)
		}
	}
	w.History = nil
	if got := learnt(day0 + 9); len(got) > 0 {
		t.Errorf("where no history is kept, %q is learnt", got)
	}
}

func TestWhoHearsIsTheOwnerOfTheStage(t *testing.T) {
	s := journeyed()
	s.Fields = append(s.Fields, steward.FieldSpec{Name: "implementation", Kind: steward.TextKind})
	s.Journey.Stages[0].Owner = "implementation"
	b := load(t, s, nil, "playbook: p\nbackfill: true\nwhen: arr > 0\n")
	w := newWorld(t, b)
	for id, set := range map[string]func(*steward.Account){
		"named":   func(a *steward.Account) { a.Stage = "stay" },
		"field":   func(a *steward.Account) { a.Stage = "start"; a.More["implementation"] = steward.Str("sam") },
		"empty":   func(a *steward.Account) { a.Stage = "start" },
		"gone":    func(a *steward.Account) { a.Stage = "start"; a.More["implementation"] = steward.Str("nobody") },
		"nothing": func(a *steward.Account) { a.Stage = "grow" },
	} {
		a := customer(id)
		set(&a)
		w.Accounts = append(w.Accounts, a)
	}
	w.run(day0)
	for id, want := range map[string]steward.OwnerID{"named": "lee", "field": "sam", "empty": "dana", "gone": "dana", "nothing": "dana"} {
		outreach := w.memory.Outreach[w.must("p", id).ID]
		if len(outreach) != 1 || outreach[0].To.Owner != want {
			t.Errorf("%s: said %+v, want one nudge to %s", id, outreach, want)
		}
		if j, _ := w.at(six(day0)).Journey(steward.AccountID(id), 0); j.Owner != want {
			t.Errorf("%s: the journey's owner is %s, want %s", id, j.Owner, want)
		}
	}
}

func TestACircleIsShown(t *testing.T) {
	health := func(parts ...string) playbooks.Settings { return scored(parts...) }
	entered := health("usage=1=stage == 'grow' ? 100 : 0")
	entered.Journey = playbooks.JourneyRules{Stages: []playbooks.StageRule{{Name: "start"}, {Name: "grow", Enter: says("health > 50", 41)}}}
	milestone := settings()
	milestone.Journey = playbooks.JourneyRules{Stages: []playbooks.StageRule{{Name: "start", Milestones: []playbooks.MilestoneRule{{Name: "live", When: says("stuck", 30)}}}, {Name: "grow", Enter: says("reached('live')", 31)}}}
	overlays := settings()
	overlays.Journey.Overlays = []playbooks.OverlayRule{{Name: "one", When: says("two", 50)}, {Name: "two", When: says("not one", 51)}}
	late := milestone
	late.Journey.Stages = slices.Clone(milestone.Journey.Stages)
	late.Journey.Stages[0].Milestones = []playbooks.MilestoneRule{{Name: "live", Within: 3, When: says("seats > 1", 30)}}
	late.Journey.Stages[1].Enter = says("overdue('live')", 31)
	for _, c := range []struct {
		name string
		s    playbooks.Settings
		want string
	}{
		{"itself", health("usage=1=was(health, 7d)"), "health reads health (usage of default, steward.yaml:20)"},
		{"a part itself", health("usage=1=health_of('usage')"), "health_of('usage') reads health_of('usage') (usage of default, steward.yaml:20)"},
		{"parts", health("a=1=health_of('b')", "b=1=health_of('a')"), "health_of('a') reads health_of('b') (a of default, steward.yaml:20), which reads health_of('a') (b of default, steward.yaml:21)"},
		{"the grade", health("usage=1=grade == 'red' ? 1 : 2"), "health reads health (usage of default, steward.yaml:20)"},
		{"health and stage", entered, "health reads stage (usage of default, steward.yaml:20), which reads health (enter of grow, steward.yaml:41)"},
		{"stage and milestone", milestone, "stage reads reached('live') (enter of grow, steward.yaml:31), which reads stage (when of live, steward.yaml:30)"},
		{"overlays", overlays, "one reads two (one, steward.yaml:50), which reads one (two, steward.yaml:51)"},
		{"overdue reads the stage", late, "stage reads stage (enter of grow, steward.yaml:31)"},
	} {
		_, problems := tryLoad(c.s, nil, "playbook: p\nwhen: arr > 0\n")
		var said []string
		for _, p := range problems.Errors() {
			said = append(said, p.Message)
		}
		if len(said) != 1 || said[0] != c.want {
			t.Errorf("%s: told %q, want %q", c.name, said, c.want)
		}
	}
	if _, problems := tryLoad(health("a=1=50", "b=1=health_of('a')"), nil, watch); len(problems.Errors()) > 0 {
		t.Errorf("one part reading another is no circle: %v", problems.Errors())
	}
}

// What a condition reads of health and journey makes its hash, and what it does
// not read does not.
func TestTheConditionIsWhatItReadsToo(t *testing.T) {
	hash := func(s playbooks.Settings, when string) string {
		p, _ := load(t, s, nil, "playbook: p\nwhen: "+when+"\n").Playbook("p")
		return p.Condition
	}
	base := scored("usage=1=50", "care=1=60")
	for _, c := range []struct {
		name, when string
		other      playbooks.Settings
		same       bool
	}{
		{"a part", "health < 40", scored("usage=1=51", "care=1=60"), false},
		{"a weight", "health < 40", scored("usage=2=50", "care=1=60"), false},
		{"spelling", "health < 40", scored("usage=1=(50)", "care=1=60"), true},
		{"another part", "health_of('usage') < 40", scored("usage=1=50", "care=1=61"), true},
		{"that part", "health_of('usage') < 40", scored("usage=1=55", "care=1=60"), false},
		{"nothing of it", "arr > 0", scored("usage=1=55", "care=1=60"), true},
	} {
		if same := hash(base, c.when) == hash(c.other, c.when); same != c.same {
			t.Errorf("%s: the hash of %q is the same: %v, want %v", c.name, c.when, same, c.same)
		}
	}
	through := func(expr string) playbooks.Settings {
		s := scored("usage=1=escalated ? 0 : 100")
		s.Journey.Overlays = []playbooks.OverlayRule{{Name: "escalated", When: says(expr, 9)}}
		return s
	}
	if hash(through("seats > 1"), "health < 40") == hash(through("seats > 2"), "health < 40") {
		t.Error("what health reads in turn is not in the hash")
	}
	plain := settings()
	if hash(plain, "stage == 'adoption'") == "" || hash(plain, "stage == 'adoption'") == hash(journeyed(), "stage == 'adoption'") {
		t.Error("rules for stages are not in the hash of a condition on the stage")
	}
	reads := scored("usage=1=scale(avg(logins, 7d), 0, 10)")
	if got := load(t, reads, nil, "playbook: p\nwhen: arr > 0\n").MetricsRead(); !slices.Equal(got, []string{"logins"}) {
		t.Errorf("the metrics of health are not read: %v", got)
	}
}

func TestDriversAddUpAndAreNamedLargestFirst(t *testing.T) {
	part := func(name string, score, share float64) playbooks.HealthPart {
		return playbooks.HealthPart{Name: name, Words: name, Score: steward.Num(score), Share: share}
	}
	lost := func(name string) playbooks.HealthPart {
		return playbooks.HealthPart{Name: name, Words: name, Score: steward.Unknown(steward.NumberKind)}
	}
	is := func(score float64, parts ...playbooks.HealthPart) playbooks.Health {
		return playbooks.Health{Score: steward.Num(score), Computed: steward.Num(score), Scorecard: "default", Parts: parts}
	}
	for _, c := range []struct {
		name      string
		now, then playbooks.Health
		want      string
	}{
		{"fell", is(52, part("tickets", 60, 0.4), part("usage", 40, 0.4), part("nps", 60, 0.2)), is(84, part("tickets", 80, 0.4), part("usage", 100, 0.4), part("nps", 60, 0.2)),
			"health fell from 84 to 52 in 28 days: usage 100 → 40 (−24 points), tickets 80 → 60 (−8 points)"},
		{"a part is lost", is(80, part("usage", 80, 1), lost("nps")), is(50, part("usage", 80, 0.5), part("nps", 20, 0.5)),
			"health rose from 50 to 80 in 28 days: usage still 80, with another weight (+15 points), nps no longer known, was 20 (+15 points)"},
		{"a part is known again", is(50, part("usage", 80, 0.5), part("nps", 20, 0.5)), is(80, part("usage", 80, 1), lost("nps")),
			"health fell from 80 to 50 in 28 days: nps known again at 20 (−30 points)"},
		{"nothing much", is(50.4), is(50), ""},
	} {
		if got := playbooks.HealthMoved(c.now, c.then, 28); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// Whatever the weights and whatever becomes known or unknown, the points of all
// parts are the whole change.
func TestDriversAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string, weights []float64) playbooks.Health {
			var h playbooks.Health
			sum, known := 0.0, 0.0
			for i, w := range weights {
				p := playbooks.HealthPart{Name: fmt.Sprint(i), Words: fmt.Sprint(i), Score: steward.Unknown(steward.NumberKind), Weight: w}
				if i == 0 || rapid.Bool().Draw(t, label+" known") {
					p.Score = steward.Num(float64(rapid.IntRange(0, 100).Draw(t, label)))
					sum, known = sum+w*p.Score.Num, known+w
				}
				h.Parts = append(h.Parts, p)
			}
			for i := range h.Parts {
				if h.Parts[i].Score.Known {
					h.Parts[i].Share = h.Parts[i].Weight / known
				}
			}
			h.Computed = steward.Num(sum / known)
			h.Score = h.Computed
			return h
		}
		var weights []float64
		for range rapid.IntRange(1, 5).Draw(t, "parts") {
			weights = append(weights, float64(rapid.IntRange(1, 50).Draw(t, "weight")))
		}
		now, then := draw("now", weights), draw("then", weights)
		left := now.Computed.Num - then.Computed.Num
		for _, d := range playbooks.Drivers(now, then) {
			left -= d.Points
		}
		if left > float64(len(weights)) || left < -float64(len(weights)) { // those below a point are not named
			t.Fatalf("%v points of the change are nobody's", left)
		}
	})
}

// Both ways to health and journey come to the same for any portfolio and any
// workspace.
func TestColumnsOfHealthAndJourneyAreWhatTheirDefinitionsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := settings()
		number := rapid.SampledFrom([]string{"50", "seats", "scale(seats, 0, 10)", "scale(avg(logins, 7d), 0, 5)", "escalation_level * 40", "health_of('a')", "stuck ? 0 : 90",
			"reached('go') ? 100 : 20", "days_in_stage / 1d", "was(seats, 10d)", "-arr", "fired('p', 7d) ? 1 : 99"})
		flag := rapid.SampledFrom([]string{"seats > 3", "avg(logins, 7d) >= 1", "plan == 'gold'", "escalated", "known(arr)", "was(legal_hold, 5d)"})
		cards := rapid.IntRange(0, 3).Draw(t, "scorecards")
		for i := range cards {
			c := playbooks.ScorecardRule{Name: fmt.Sprint("card", i)}
			if rapid.Bool().Draw(t, "applies") {
				c.AppliesTo = says(flag.Draw(t, "applies to"), 1)
			}
			c.Parts = append(c.Parts, playbooks.PartRule{Name: "a", Weight: 2, Score: says("scale(seats, 0, 10)", 2)})
			for j := range rapid.IntRange(0, 3).Draw(t, "parts") {
				c.Parts = append(c.Parts, playbooks.PartRule{Name: fmt.Sprint("p", j), Weight: float64(rapid.IntRange(1, 9).Draw(t, "weight")), Score: says(number.Draw(t, "score"), 3)})
			}
			s.Health.Scorecards = append(s.Health.Scorecards, c)
		}
		if cards == 0 {
			s.Health.Scorecards = []playbooks.ScorecardRule{{Name: "other", AppliesTo: says("seats > 11", 1), Parts: []playbooks.PartRule{{Name: "a", Weight: 1, Score: says("50", 2)}}}}
		}
		s.Health.Red, s.Health.Yellow, s.Health.MinKnown = 40, 70, rapid.SampledFrom([]float64{0.01, 0.5, 1}).Draw(t, "min known")
		for i := range rapid.IntRange(1, 4).Draw(t, "stages") {
			stage := playbooks.StageRule{Name: fmt.Sprint("s", i), Target: float64(10 * rapid.IntRange(0, 3).Draw(t, "target"))}
			if i > 0 && rapid.Bool().Draw(t, "has rule") {
				stage.Enter = says(rapid.OneOf(flag, rapid.SampledFrom([]string{"reached('go')", "days_since_reached('go') >= 5d", "health_of('a') > 40 and escalated"})).Draw(t, "enter"), 4)
			}
			s.Journey.Stages = append(s.Journey.Stages, stage)
		}
		go1 := playbooks.MilestoneRule{Name: "go", Within: float64(5 * rapid.IntRange(0, 3).Draw(t, "within"))}
		if rapid.Bool().Draw(t, "has when") {
			go1.When = says(flag.Draw(t, "when"), 5)
		}
		s.Journey.Stages[0].Milestones = []playbooks.MilestoneRule{go1}
		b, problems := tryLoad(s, nil, "playbook: p\nwhen: arr > 0\n")
		if len(problems.Errors()) > 0 {
			t.Fatalf("the book does not load: %v", problems.Errors())
		}
		today := day0 + 100
		in := facts.Input{Slot: six(today), Zone: berlin, Fields: s.Fields}
		if rapid.Bool().Draw(t, "history is kept") {
			in.Portfolio.History = steward.History{}
		}
		if rapid.Bool().Draw(t, "nobody tells milestones") {
			in.Portfolio.Kinds = map[string]bool{}
		}
		logins := facts.Metric{Spec: s.Metrics[0], Through: today - 1, Series: map[steward.AccountID]series.Series{}}
		for i := range 4 {
			a := customer(fmt.Sprint("a", i))
			a.Stage = rapid.SampledFrom([]string{"", "", "s0", "s1", "other"}).Draw(t, "stage")
			a.StartDate = rapid.SampledFrom([]steward.Day{steward.NoDay, today - 50, today - 3}).Draw(t, "start")
			a.More = map[string]steward.Value{}
			if rapid.Bool().Draw(t, "has seats") {
				a.More["seats"] = steward.Num(float64(rapid.IntRange(0, 12).Draw(t, "seats")))
			}
			if rapid.Bool().Draw(t, "gold") {
				a.More["plan"] = steward.Str("gold")
			}
			if rapid.Bool().Draw(t, "has level") {
				a.EscalationLevel = steward.Num(float64(rapid.IntRange(0, 2).Draw(t, "level")))
			}
			if h := in.Portfolio.History; h != nil && rapid.Bool().Draw(t, "has history") {
				past := steward.Past{Since: today - steward.Day(rapid.IntRange(0, 60).Draw(t, "since"))}
				for _, field := range []string{"stage", steward.StageField} {
					for d := past.Since; d <= today && rapid.Bool().Draw(t, "changed"); d += steward.Day(rapid.IntRange(1, 20).Draw(t, "gap")) {
						past.Changes = append(past.Changes, became(field, d, rapid.SampledFrom([]string{"s0", "s1", "s2", "other"}).Draw(t, "became")))
					}
				}
				h[steward.HistoryKey{Kind: steward.AboutAccount, ID: string(a.ID)}] = past
			}
			if rapid.Bool().Draw(t, "reached") {
				in.Portfolio.Milestones = append(in.Portfolio.Milestones, steward.Milestone{Account: a.ID, Name: "go", Day: today - steward.Day(rapid.IntRange(-3, 40).Draw(t, "on"))})
			}
			if rapid.IntRange(0, 3).Draw(t, "overridden") == 0 {
				from := today - steward.Day(rapid.IntRange(0, 9).Draw(t, "from"))
				in.Portfolio.Overrides = append(in.Portfolio.Overrides, steward.HealthOverride{Account: a.ID, Health: 33, From: from, Until: from + 5, Cleared: steward.NoDay})
			}
			if rapid.Bool().Draw(t, "has use") {
				var days []float64
				for range 60 {
					days = append(days, float64(rapid.IntRange(0, 3).Draw(t, "logins")))
				}
				one, err := series.New(today-60, days)
				if err != nil {
					t.Fatal(err)
				}
				logins.Series[a.ID] = one
			}
			in.Portfolio.Accounts = append(in.Portfolio.Accounts, a)
		}
		in.Metrics = []facts.Metric{logins}
		at := playbooks.NewSituation(b, facts.At(in), in.Portfolio)
		v := at.Frame.View(steward.AboutAccount)
		questions := []facts.Question{{Ask: "health"}, {Ask: "grade"}, {Ask: "health_of", Text: "a"}, {Ask: "health_of", Text: "p0"}, {Ask: "stage"}, {Ask: "days_in_stage"}, {Ask: "stuck"},
			{Ask: "escalated"}, {Ask: "renewing"}, {Ask: "reached", Text: "go"}, {Ask: "overdue", Text: "go"}, {Ask: "days_since_reached", Text: "go"},
			{Ask: "changed", Text: "stage", Days: 14}, {Ask: "days_since_change", Text: "stage"}}
		for _, q := range questions {
			for _, shift := range []int{0, 7, 40} {
				column := v.Ask(q, shift)
				for row := range v.Len() {
					x, y := column.Value(row), v.AskAt(row, q, shift)
					if !alike(x, y) {
						t.Fatalf("%+v of %s, %d days back: %s in a column and %s by definition", q, v.Account(row).ID, shift, x, y)
					}
					if why := v.WhyAsk(row, q, shift); y.Known != (why == "") {
						t.Fatalf("%+v of %s is %s, and why says %q", q, v.Account(row).ID, y, why)
					}
				}
			}
		}
	})
}

// A card says how the account is, and what it was, before anything else of it.
func TestCardsSayHowHealthyAnAccountIs(t *testing.T) {
	today := day0 + 100
	for _, c := range []struct {
		name, score string
		said        []steward.HealthOverride
		want        string
	}{
		{"as it was", "80", nil, "80"},
		{"fallen", "scale(avg(logins, 7d), 0, 10)", nil, "20 ▼ (60 four weeks ago)"},
		{"risen", "scale(avg(logins, 7d), 10, 0)", nil, "80 ▲ (40 four weeks ago)"},
		{"unknown", "seats", nil, ""},
		{"said", "80", []steward.HealthOverride{{Account: "acme", Health: 30, From: today - 1, Until: today + 20, Because: "a merger", By: "dana", Cleared: steward.NoDay}}, "30 (said by dana until 29 September 2026)"},
	} {
		s := scored("usage=1=" + c.score)
		w := newWorld(t, load(t, s, nil, "playbook: p\nbackfill: true\nwhen: arr > 0\n"), customer("acme"))
		w.Overrides = c.said
		w.daily["logins"]["acme"] = join(flat(6, 80), flat(2, 20))
		w.run(today)
		e := w.must("p", "acme")
		o := w.memory.Outreach[e.ID][0]
		content, err := w.at(six(today)).Compose(w.memory.Messages[o.Message], []steward.Outreach{o}, []steward.Enrolment{e})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range content.Facts {
			if f.Label == "Health" {
				got = f.Text
			}
		}
		if got != c.want {
			t.Errorf("%s: the card's health is %q, want %q", c.name, got, c.want)
		}
	}
}
