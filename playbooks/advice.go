package playbooks

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"steward"
	"steward/configs/strictyaml"
	"steward/facts"
	"steward/playbooks/lang"
)

// Advice is what the imported data says about the playbooks: values that nobody
// has, fields that nothing fills, audiences of nobody. Each is right by the
// language, and would be silent for ever.
func (s *Situation) Advice() steward.Problems {
	a := &adviser{Situation: s, seen: map[string]map[string]int{}, roles: map[string]int{}}
	for _, of := range s.contacts {
		for _, c := range of {
			for _, r := range c.Roles {
				a.roles[strings.ToLower(r)]++
			}
		}
	}
	if !a.portfolioHolds() {
		return a.problems // every audience is empty then, for the one reason
	}
	for _, c := range s.Book.Conditions {
		a.condition(c)
	}
	for _, c := range s.Book.Addressed {
		a.addressed(c)
	}
	a.unserved()
	return once(a.problems.Sorted())
}

// An adviser is one look at the data.
type adviser struct {
	*Situation
	problems steward.Problems
	// seen is how often each value of a text field occurs, by kind and field.
	seen  map[string]map[string]int
	roles map[string]int
}

// portfolioHolds tells whether Steward acts on anybody at all.
func (a *adviser) portfolioHolds() bool {
	accounts := a.accounts()
	if accounts.Len() == 0 {
		return true // nothing was imported, which report data says
	}
	for row := range accounts.Len() {
		if a.Book.inPortfolio(accounts, row) == steward.Holds {
			return true
		}
	}
	text := a.Book.Include
	if text.IsZero() {
		text = strictyaml.Text{Value: DefaultInclude}
	}
	p := text.Problem(a.Book.File, "portfolio.include", 0, len(text.Value), fmt.Sprintf("of %s none is in the portfolio, so nothing happens for anybody", counted(accounts.Len(), steward.AboutAccount)),
		"say in portfolio.include which accounts Steward acts on; it is "+text.Value, a.Book.Source)
	p.Lint = "empty-portfolio"
	a.problems = append(a.problems, p)
	return false
}

func counted(n int, kind steward.SubjectKind) string {
	if n == 1 {
		return "1 " + string(kind)
	}
	return fmt.Sprintf("%d %ss", n, kind)
}

func (a *adviser) condition(c Condition) {
	v := a.Frame.View(c.About)
	if v.Len() == 0 {
		if c.Key == "when" && c.About != steward.AboutAccount {
			a.tell(c, c.All(), "empty-audience", fmt.Sprintf("no %s was imported, so the playbook is about nobody", c.About), fmt.Sprintf("add a file of %ss to a source", c.About))
		}
		return
	}
	for _, r := range c.Expr.Reads() {
		switch {
		case r.Metric != "":
			a.metric(c, r)
		case r.Field != "" && r.Text != "":
			a.value(c, v, r)
		case r.Field != "":
			a.field(c, v, r)
		case r.Asks.Ask != "":
			a.answer(c, v, r)
		case r.Takes == "role":
			a.role(c, r.Span, r.Text)
		}
	}
	switch c.Key {
	case "audience":
		a.audience(c, v)
	case "priority":
		if unknown(c.Expr.Column(v, lang.At{})) {
			a.tell(c, c.All(), "unknown-priority", "the priority is not known of anybody, so that nobody comes first", "write a number that is known, such as arr ?? 0")
		}
	}
}

func (a *adviser) tell(c Condition, s lang.Span, lint, message, hint string) {
	a.problems = append(a.problems, c.Advice(s, lint, message, hint))
}

// unknown tells a column of which nothing is known.
func unknown(c facts.Column) bool {
	return c.Len() > 0 && c.Known != nil && !slices.Contains(c.Known, true)
}

func (a *adviser) metric(c Condition, r lang.Read) {
	if m, ok := a.Frame.Metric(r.Metric); ok && m.End == steward.NoDay {
		a.tell(c, r.Span, "empty-metric", fmt.Sprintf("%s was never imported, so what reads it is unknown", r.Metric), "name its column in a metrics file of a source: columns: {"+r.Metric+": …}")
	}
}

func (a *adviser) field(c Condition, v *facts.View, r lang.Read) {
	if kind, ok := v.Kind(r.Field); !ok || kind == steward.FlagKind { // a flag that nothing maps is false
		return
	}
	if unknown(v.Field(r.Field, 0)) {
		a.tell(c, r.Span, "empty-field", fmt.Sprintf("%s is not known of any of %s", r.Field, counted(v.Len(), v.About())), "map its column in a source: columns: {"+r.Field+": …}")
	}
}

// values is how often each value of a text field occurs.
func (a *adviser) values(v *facts.View, field string) map[string]int {
	key := string(v.About()) + " " + field
	if a.seen[key] == nil {
		counts := map[string]int{}
		column := v.Field(field, 0)
		for row := range column.Len() {
			if x := column.Value(row); x.Known {
				counts[x.Text]++
			}
		}
		a.seen[key] = counts
	}
	return a.seen[key]
}

// value looks for a text that a field is compared with among those it has.
func (a *adviser) value(c Condition, v *facts.View, r lang.Read) {
	seen := a.values(v, r.Field)
	if len(seen) == 0 || a.derived(r) {
		return // that the field is empty is told of the field
	}
	for value := range seen {
		if value == r.Text || r.Part && strings.Contains(value, r.Text) {
			return
		}
	}
	a.tell(c, r.Span, "unseen-value", fmt.Sprintf("no %s has %s '%s'", v.About(), r.Field, r.Text), seenHint(r.Text, seen))
}

// derived tells values that follow from the workspace's rules, where nobody
// having one is no sign of a slip.
func (a *adviser) derived(r lang.Read) bool {
	switch r.Field {
	case "grade":
		return r.Text == "red" || r.Text == "yellow" || r.Text == "green"
	case "stage":
		return slices.ContainsFunc(a.Book.Journey.Stages, func(s StageRule) bool { return s.Name == r.Text })
	}
	return false
}

// seenHint names the value that was probably meant, or the commonest ones.
func seenHint(text string, seen map[string]int) string {
	names := slices.SortedFunc(maps.Keys(seen), func(a, b string) int { return cmp.Or(seen[b]-seen[a], strings.Compare(a, b)) })
	if near := steward.Nearest(text, names); near != "" {
		return fmt.Sprintf("did you mean '%s'? It is seen %s", near, times(seen[near]))
	}
	var shown []string
	for _, n := range names[:min(5, len(names))] {
		shown = append(shown, fmt.Sprintf("'%s' %s", n, times(seen[n])))
	}
	more := ""
	if len(names) > len(shown) {
		more = fmt.Sprintf(" and %d more", len(names)-len(shown))
	}
	return "seen: " + strings.Join(shown, ", ") + more
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// answer looks at what a question came to for everybody.
func (a *adviser) answer(c Condition, v *facts.View, r lang.Read) {
	answers := v.Ask(r.Asks, 0)
	switch {
	case unknown(answers):
		a.tell(c, r.Span, "unknown-answer", fmt.Sprintf("this is not known of any of %s: %s", counted(v.Len(), v.About()), v.WhyAsk(0, r.Asks, 0)), "")
	case r.Asks.Ask == "reached" && !slices.Contains(answers.Num, 1):
		a.tell(c, r.Span, "unreached-milestone", fmt.Sprintf("nobody has reached '%s'", r.Asks.Text), "map a file of milestones in a source, or give the milestone a when: in journey")
	case r.Asks.Ask == "tickets" && r.Asks.Text != "open" && r.Asks.Text != "urgent": // these two are the language's words
		a.priority(c, r)
	}
}

// priority looks for a ticket of a priority, open or closed.
func (a *adviser) priority(c Condition, r lang.Read) {
	seen := map[string]int{}
	for _, t := range a.Frame.Portfolio().Tickets {
		seen[t.Priority]++
	}
	if len(seen) > 0 && seen[strings.ToLower(r.Asks.Text)] == 0 {
		a.tell(c, r.Span, "unseen-value", fmt.Sprintf("no ticket ever had the priority '%s'", r.Asks.Text), seenHint(r.Asks.Text, seen))
	}
}

func (a *adviser) role(c Condition, s lang.Span, role string) {
	if len(a.roles) > 0 && a.roles[strings.ToLower(role)] == 0 {
		a.tell(c, s, "unheld-role", fmt.Sprintf("nobody has the role %s", role), seenHint(role, a.roles))
	}
}

// addressed looks at a role that a step mails.
func (a *adviser) addressed(c Condition) {
	if role := c.text.Value; role != "contact" {
		a.role(c, c.All(), role)
	}
}

func (a *adviser) audience(c Condition, v *facts.View) {
	in, unclear := 0, 0
	for row := range v.Len() {
		if a.Book.inPortfolio(a.accounts(), v.AccountRow(row)) != steward.Holds {
			continue
		}
		switch a.audienceOf(c.Playbook, row) {
		case steward.Holds:
			in++
		case steward.Unclear:
			unclear++
		}
	}
	if in > 0 {
		return
	}
	hint := "steward explain ACCOUNT " + string(c.Playbook.Name) + " shows what each part came to"
	if unclear > 0 {
		hint = fmt.Sprintf("of %s it is unknown; ", counted(unclear, v.About())) + hint
	}
	a.tell(c, c.All(), "empty-audience", "nobody is in the audience", hint)
}
