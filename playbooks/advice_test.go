package playbooks_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/configs/strictyaml"
	"steward/playbooks"
)

// TestAdviceFromTheData reads one slip at a time against a portfolio of three
// accounts with a contract, a champion and some tickets.
func TestAdviceFromTheData(t *testing.T) {
	s := settings()
	s.Journey = playbooks.JourneyRules{Stages: []playbooks.StageRule{{Name: "onboarding", Milestones: []playbooks.MilestoneRule{{Name: "kickoff"}, {Name: "first_value"}}}, {Name: "adoption"}, {Name: "advocacy"}}}
	const rest = "\nuntil: arr == 0\ncooldown: 1d\n"
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"nothing to say", "playbook: p\naudience: segment in ['enterprise', 'SMB']\nwhen: avg(logins, 7d) < 1 and seats > 5 and tickets('urgent') > 0\npriority: arr" + rest, nil},
		{"capitals", "playbook: p\nwhen: segment == 'Enterprise'" + rest,
			[]string{"2:18 unseen-value: no account has segment 'Enterprise' (did you mean 'enterprise'? It is seen twice)"}},
		{"a value of another field, in a list", "playbook: p\nwhen: segment not in ['enterprise', 'gold']" + rest,
			[]string{"2:37 unseen-value: no account has segment 'gold' (seen: 'enterprise' twice, 'SMB' once)"}},
		{"a part that no value has", "playbook: p\nwhen: name contains 'Corp'" + rest,
			[]string{"2:21 unseen-value: no account has name 'Corp' (seen: 'Acme a' once, 'Acme b' once, 'Acme c' once)"}},
		{"a part that some value has", "playbook: p\nwhen: name contains 'cme b'" + rest, nil},
		{"an empty field", "playbook: p\nwhen: plan == 'pro'" + rest,
			[]string{"2:7 empty-field: plan is not known of any of 3 accounts (map its column in a source: columns: {plan: …})"}},
		{"a flag that nothing maps is false", "playbook: p\nwhen: not legal_hold" + rest, nil},
		{"an empty metric", "playbook: p\nwhen: last(users) < 5" + rest,
			[]string{"2:12 empty-metric: users was never imported, so what reads it is unknown (name its column in a metrics file of a source: columns: {users: …})"}},
		{"nobody in the audience", "playbook: p\naudience: arr > 1M\nwhen: arr > 0" + rest,
			[]string{"2:11 empty-audience: nobody is in the audience (steward explain ACCOUNT p shows what each part came to)"}},
		{"an audience that nobody can tell", "playbook: p\naudience: plan == 'pro'\nwhen: arr > 0" + rest, []string{
			"2:11 empty-audience: nobody is in the audience (of 3 accounts it is unknown; steward explain ACCOUNT p shows what each part came to)",
			"2:11 empty-field: plan is not known of any of 3 accounts (map its column in a source: columns: {plan: …})"}},
		{"an unknown priority", "playbook: p\nwhen: arr > 0\npriority: arr / (seats - seats)" + rest,
			[]string{"3:11 unknown-priority: the priority is not known of anybody, so that nobody comes first (write a number that is known, such as arr ?? 0)"}},
		{"a role of nobody", "playbook: p\nwhen: people('sponsor') == 0" + rest,
			[]string{"2:14 unheld-role: nobody has the role sponsor (seen: 'champion' once)"}},
		{"a mail to nobody", "playbook: p\nwhen: arr > 0" + rest + "steps: [{id: s, email: [champion, admin], message: help, approve: owner}]\n",
			[]string{"5:35 unheld-role: nobody has the role admin (seen: 'champion' once)"}},
		{"a question that nothing answers", "playbook: p\nwhen: nps() < 0" + rest,
			[]string{"2:7 unknown-answer: this is not known of any of 3 accounts: no source feeds surveys: add a file, such as surveys: surveys.csv, to a source in steward.yaml ()"}},
		{"a ticket's priority", "playbook: p\nwhen: tickets('hgih') > 0" + rest,
			[]string{"2:7 unseen-value: no ticket ever had the priority 'hgih' (did you mean 'high'? It is seen once)"}},
		{"a milestone of nobody", "playbook: p\nwhen: not reached('kickoff') or reached('first_value')" + rest,
			[]string{"2:33 unreached-milestone: nobody has reached 'first_value' (map a file of milestones in a source, or give the milestone a when: in journey)"}},
		{"a stage that is declared", "playbook: p\nwhen: stage == 'advocacy'" + rest, nil},
		{"contracts that there are not", "playbook: p\nabout: contact\nwhen: last_seen > 2026-01-01\nuntil: role contains 'admin'\ncooldown: 1d\n",
			[]string{"4:22 unseen-value: no contact has role 'admin' (seen: 'champion' once)"}},
	} {
		text := c.text
		if !slices.Contains([]string{"a mail to nobody"}, c.name) {
			text += "steps: [{id: s, slack: owner, message: nudge}]\n"
		}
		w := adviceWorld(t, load(t, s, nil, text))
		var got []string
		for _, p := range w.at(six(day0 + 30)).Advice() {
			if !p.Warning() {
				t.Errorf("%s: not a warning: %v", c.name, p)
			}
			got = append(got, place(p)+" "+p.Lint+": "+p.Message+" ("+p.Hint+")")
		}
		slices.Sort(got)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func adviceWorld(t *testing.T, b *playbooks.Book) *world {
	t.Helper()
	a, smb, other := customer("a"), customer("b"), customer("c")
	smb.Segment = "SMB"
	for _, x := range []*steward.Account{&a, &smb, &other} {
		x.More["seats"] = steward.Num(10)
	}
	w := newWorld(t, b, a, smb, other)
	w.Contacts = []steward.Contact{champion("a")}
	w.Tickets = []steward.Ticket{{ID: "t", Account: "a", Priority: "high", Opened: day0, Closed: steward.NoDay}}
	w.Milestones = []steward.Milestone{{Account: "a", Name: "kickoff", Day: day0}}
	w.Kinds = map[string]bool{"contacts": true, "tickets": true, "milestones": true}
	w.daily["logins"]["a"] = make([]float64, 30)
	w.through["users"] = steward.NoDay
	return w
}

// What steward.yaml itself asks is looked at too; what it leaves to Steward is
// nobody's slip.
func TestAdviceAboutTheWorkspace(t *testing.T) {
	s := settings()
	line := 0
	at := func(text string) strictyaml.Text {
		line++
		s.Source = append(s.Source, text+"\n"...)
		return strictyaml.Text{Value: text, Pos: strictyaml.Pos{Line: line, Column: 1}}
	}
	s.Include, s.NoCustomerMail = at("status == 'customer' and segment != 'Test'"), at("contact_policy == 'none'")
	s.Health = playbooks.HealthRules{Scorecards: []playbooks.ScorecardRule{{Name: "all", Parts: []playbooks.PartRule{{Name: "use", Weight: 1, Score: at("scale(last(users), 0, 10)")}}}}}
	w := adviceWorld(t, load(t, s, nil, "playbook: p\nwhen: drop(logins, 7d) >= 50% or quiet_days(logins) >= 7d\nuntil: arr == 0\ncooldown: 1d\nsteps: [{id: s, slack: owner, message: nudge}]\n"))
	var got []string
	for _, p := range w.at(six(day0 + 30)).Advice() {
		got = append(got, p.File+":"+place(p)+" "+p.Lint)
	}
	if diff := cmp.Diff([]string{"steward.yaml:1:37 unseen-value", "steward.yaml:2:1 empty-field", "steward.yaml:3:12 empty-metric"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAnEmptyPortfolioIsToldOnce: where Steward acts on nobody, every audience
// is empty for the one reason.
func TestAnEmptyPortfolioIsToldOnce(t *testing.T) {
	s := settings()
	text := "playbook: p\naudience: plan == 'pro'\nwhen: segment == 'x'\nuntil: arr == 0\ncooldown: 1d\nsteps: [{id: s, slack: owner, message: nudge}]\n"
	lead := customer("a")
	lead.Status = "lead"
	advice := newWorld(t, load(t, s, nil, text), lead).at(six(day0)).Advice()
	if len(advice) != 1 || advice[0].Lint != "empty-portfolio" || advice[0].File != "steward.yaml" {
		t.Errorf("without include: %v", advice)
	}
	s.Include = strictyaml.Text{Value: "status == 'lead'"}
	for _, p := range newWorld(t, load(t, s, nil, text), lead).at(six(day0)).Advice() {
		if p.Lint == "empty-portfolio" {
			t.Errorf("with include: %v", p)
		}
	}
	if advice := newWorld(t, load(t, s, nil, text)).at(six(day0)).Advice(); len(advice) > 0 {
		t.Errorf("before the first import: %v", advice)
	}
}

func place(p steward.Problem) string { return strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column) }
