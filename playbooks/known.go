package playbooks

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"steward"
)

// What people know and no source tells becomes facts here: a milestone, the
// roles of somebody, the pulse of an account, its health. Who may is everybody in
// owners.yaml: what one of us knows is on record under their name, and a
// colleague's word is better than none.

// Names of the fields of these deeds' forms.
const (
	dayField     = "day"
	textField    = "text"
	whoField     = "who"
	howField     = "how"
	choiceField  = "choice" // what a menu or a form picked: a milestone, a role, a figure
	becauseField = "because"
	untilField   = "until"
)

// usualRoles are the roles of people at a customer, in the order in which people
// pick from them.
var usualRoles = []string{"champion", "economic_buyer", "admin", "end_user", "procurement", "legal", "influencer"}

// about is the account that a deed is about.
func (d Doing) about() steward.AccountID {
	switch {
	case d.Target.Account != "":
		return d.Target.Account
	case d.Dossier != nil && d.Dossier.Message.Account != "":
		return d.Dossier.Message.Account
	case len(d.Enrolments) > 0:
		return d.Enrolments[0].Subject.Account
	}
	return ""
}

// subjectOf is the account that a deed is about, or why there is none.
func (s *Situation) subjectOf(d Doing) (steward.Account, string) {
	id := d.about()
	if a, ok := s.account(id); ok {
		return a, ""
	}
	if id == "" {
		return steward.Account{}, "Say which account it is about."
	}
	return steward.Account{}, fmt.Sprintf("There is no account %s in the data any more, so nothing was done.", plainLine(string(id)))
}

// wrong is a form to be mended in one field, or, where there is no form, a
// refusal.
func wrong(d Doing, field, format string, args ...any) Done {
	why := fmt.Sprintf(format, args...)
	if d.Sent {
		return Done{Answer: steward.Answer{Wrong: map[string]string{field: why}}}
	}
	return refused(d, why)
}

// asks is a form in the place of a deed.
func asks(f steward.Form) Done { return Done{Answer: steward.Answer{Form: &f}} }

// formOf is a form about an account.
func formOf(d Doing, a steward.Account, title, intro, submit string, fields ...steward.FormField) steward.Form {
	t := d.Target
	t.Verb, t.Account = d.Verb, a.ID
	return steward.Form{Title: title, Intro: intro, Submit: submit, Target: t, Fields: fields}
}

// today is the day on which a deed is done.
func (s *Situation) today(d Doing) steward.Day { return steward.DayOf(d.At, s.Book.Zone) }

// nextRun ends an answer about something that conditions read.
const nextRun = " Playbooks go by it from the next evaluation on."

// Milestones is the names of the journey's milestones, in order.
func (b *Book) Milestones() []string { return b.journey().milestones() }

// milestoneDeed marks a moment of the journey as reached, on a day that has come,
// or as not reached after all.
func milestoneDeed(s *Situation, d Doing) Done {
	a, why := s.subjectOf(d)
	names := s.Book.Milestones()
	if why == "" && len(names) == 0 {
		why = "The workspace names no milestones. Ops can, under journey: in steward.yaml."
	}
	if why != "" {
		return refused(d, why)
	}
	name := cmp.Or(d.Values[choiceField], d.Target.Item)
	if name == "" {
		return asks(s.milestoneForm(d, a, names))
	}
	if !slices.Contains(names, name) {
		return wrong(d, choiceField, "There is no milestone %s. There is %s.", plainLine(name), strings.Join(names, ", "))
	}
	today, value, said := s.today(d), steward.Unknown(steward.DateKind), "not reached"
	if text := strings.TrimSpace(d.Values[dayField]); text != NotReached {
		day := today
		if text != "" {
			var err error
			if day, err = steward.ParseDay(text); err != nil {
				return wrong(d, dayField, "%s is not a day; write it as %s.", plainLine(text), today)
			}
		}
		if day > today {
			return wrong(d, dayField, "%s is still to come. A milestone is marked once it is reached.", longDate(day))
		}
		value, said = steward.OnDay(day), "reached on "+longDate(day)
	}
	act := actOf(d)
	act.Account, act.Choice, act.Text = a.ID, name, said
	w := steward.Word{Kind: steward.AboutAccount, ID: string(a.ID), Account: a.ID, Field: steward.MilestonePrefix + name, Value: value, Day: today, By: d.By.id(), At: d.At}
	return Done{Act: act, Change: steward.Change{Account: a.ID, Words: []steward.Word{w}},
		Answer: steward.Answer{Text: fmt.Sprintf("%s: %s is marked as %s.%s", accountName(a), spaced(name), said, nextRun)}}
}

// NotReached, given as its day, takes a milestone back.
const NotReached = "none"

func (s *Situation) milestoneForm(d Doing, a steward.Account, names []string) steward.Form {
	var options []steward.Option
	j, _ := s.Journey(a.ID, 0)
	for _, name := range names {
		label := spaced(name)
		for _, m := range j.Milestones {
			if m.Name == name && m.On != steward.NoDay {
				label += " (reached on " + longDate(m.On) + ")"
			}
		}
		options = append(options, steward.Option{Value: name, Label: label})
	}
	return formOf(d, a, "Mark a milestone", accountName(a), "Mark",
		steward.FormField{Name: choiceField, Label: "Which", Kind: steward.OneOf, Options: options},
		steward.FormField{Name: dayField, Label: "Reached on", Kind: steward.ADate, Value: s.today(d).String()})
}

// Ways of setting a role.
const (
	RoleToo  = "too"  // beside the roles that they have
	RoleOnly = "only" // in place of them
	RoleNot  = "not"  // not any more
)

// roleDeed gives somebody at the customer a role, or takes one from them.
func roleDeed(s *Situation, d Doing) Done {
	a, why := s.subjectOf(d)
	if why == "" && len(s.contacts[a.ID]) == 0 {
		why = accountName(a) + " has no people in the data. They come from the CRM: add them there."
	}
	if why != "" {
		return refused(d, why)
	}
	who, role, how := cmp.Or(d.Values[whoField], d.Target.Item), d.Values[choiceField], cmp.Or(d.Values[howField], RoleToo)
	if who == "" || role == "" {
		return asks(s.roleForm(d, a, who))
	}
	i := slices.IndexFunc(s.contacts[a.ID], func(c steward.Contact) bool { return string(c.ID) == who })
	if i < 0 {
		return wrong(d, whoField, "There is no such person at %s any more.", accountName(a))
	}
	c, known := s.contacts[a.ID][i], s.roles()
	if !slices.Contains(known, role) {
		return wrong(d, choiceField, "There is no role %s. There is %s.", plainLine(role), strings.Join(known, ", "))
	}
	was := d.rolesOf(s, c)
	now, ok := withRole(was, role, how)
	switch {
	case !ok:
		return wrong(d, howField, "%s is not a way of setting a role: write %s, %s or %s.", plainLine(how), RoleToo, RoleOnly, RoleNot)
	case slices.Equal(was, now):
		return refused(d, fmt.Sprintf("Nothing to do: %s is %s.", personName(c), rolesWords(now)))
	}
	value := steward.Unknown(steward.TextKind)
	if len(now) > 0 {
		value = steward.Str(strings.Join(now, ", "))
	}
	act := actOf(d)
	act.Account, act.Choice, act.Text = a.ID, role, personName(c)+" is "+rolesWords(now)
	w := steward.Word{Kind: steward.AboutContact, ID: string(c.ID), Account: a.ID, Field: steward.RoleField, Value: value, Day: s.today(d), By: d.By.id(), At: d.At}
	return Done{Act: act, Change: steward.Change{Account: a.ID, Words: []steward.Word{w}},
		Answer: steward.Answer{Text: fmt.Sprintf("%s is %s at %s. It stands until the CRM says something else of it.%s", personName(c), rolesWords(now), accountName(a), nextRun)}}
}

// rolesOf is somebody's roles, with what was said of them since the facts were
// read.
func (d Doing) rolesOf(s *Situation, c steward.Contact) []string {
	if d.Story != nil {
		for _, w := range d.Story.Words { // newest first
			if w.Kind == steward.AboutContact && w.ID == string(c.ID) && w.Field == steward.RoleField && w.At.After(s.Slot.Time()) {
				return steward.RolesOf(w.Value.Text)
			}
		}
	}
	return c.Roles
}

// withRole is roles after one was given or taken.
func withRole(was []string, role, how string) ([]string, bool) {
	switch {
	case how == RoleOnly:
		return []string{role}, true
	case how == RoleNot:
		return slices.DeleteFunc(slices.Clone(was), func(r string) bool { return r == role }), true
	case how == RoleToo && !slices.Contains(was, role):
		return append(slices.Clip(was), role), true
	}
	return was, how == RoleToo
}

// roles are those that people can be given: the usual ones, and whatever others
// sources use and messages are written for.
func (s *Situation) roles() []string {
	more := map[string]bool{}
	for _, w := range s.Book.Wordings {
		for _, r := range w.ForRoles {
			more[r] = true
		}
	}
	for _, c := range s.Frame.Portfolio().Contacts {
		for _, r := range c.Roles {
			more[r] = true
		}
	}
	for _, r := range usualRoles {
		delete(more, r)
	}
	return append(slices.Clone(usualRoles), slices.Sorted(maps.Keys(more))...)
}

func (s *Situation) roleForm(d Doing, a steward.Account, who string) steward.Form {
	var people, roles []steward.Option
	for _, c := range s.contacts[a.ID] {
		people = append(people, steward.Option{Value: string(c.ID), Label: personName(c) + ", " + rolesWords(d.rolesOf(s, c))})
	}
	for _, r := range s.roles() {
		roles = append(roles, steward.Option{Value: r, Label: spaced(r)})
	}
	return formOf(d, a, "Set a role", accountName(a), "Set",
		steward.FormField{Name: whoField, Label: "Who", Kind: steward.OneOf, Options: people, Value: who},
		steward.FormField{Name: howField, Label: "What", Kind: steward.OneOf, Value: RoleToo, Options: []steward.Option{
			{Value: RoleToo, Label: "has this role, too"}, {Value: RoleOnly, Label: "has this role alone"}, {Value: RoleNot, Label: "does not have it any more"}}},
		steward.FormField{Name: choiceField, Label: "Role", Kind: steward.OneOf, Options: roles})
}

func rolesWords(roles []string) string {
	if len(roles) == 0 {
		return "without a role"
	}
	return spaced(strings.Join(roles, ", "))
}

// pulseWords are what the figures of a pulse mean.
var pulseWords = []string{"1 · we may lose them", "2 · uneasy", "3 · all right", "4 · good", "5 · they would recommend us"}

// PulseOptions is what a pulse can be, best first.
func PulseOptions() []steward.Option {
	var out []steward.Option
	for i, label := range slices.Backward(pulseWords) {
		out = append(out, steward.Option{Value: strconv.Itoa(i + 1), Label: label})
	}
	return out
}

// pulseDeed keeps how an account feels to whoever looks after it. On a card it
// counts as taking it on: they have looked.
func pulseDeed(s *Situation, d Doing) Done {
	a, why := s.subjectOf(d)
	if why != "" {
		return refused(d, why)
	}
	if d.Values[choiceField] == "" {
		return asks(formOf(d, a, "Pulse", "How does "+accountName(a)+" feel to you?", "Keep",
			steward.FormField{Name: choiceField, Label: "Pulse", Kind: steward.OneOf, Options: PulseOptions()},
			steward.FormField{Name: textField, Label: "Why", Kind: steward.ShortText, Optional: true}))
	}
	n, err := strconv.Atoi(d.Values[choiceField])
	if err != nil || n < 1 || n > len(pulseWords) {
		return wrong(d, choiceField, "A pulse is a number from 1 (bad) to %d (very good).", len(pulseWords))
	}
	act := actOf(d)
	act.Account, act.Text = a.ID, strings.TrimSpace(d.Values[textField])
	w := steward.Word{Kind: steward.AboutAccount, ID: string(a.ID), Account: a.ID, Field: steward.PulseField, Value: steward.Num(float64(n)), Day: s.today(d), Text: act.Text, By: d.By.id(), At: d.At}
	done := Done{Act: act, Change: steward.Change{Account: a.ID, Words: []steward.Word{w}}, Answer: steward.Answer{Text: fmt.Sprintf("%s: %d of %d. Thank you.", accountName(a), n, len(pulseWords))}}
	if d.Target.Message != "" || d.Target.Enrolment != "" {
		for _, e := range begun(d.Enrolments) {
			if e.AckedAt.IsZero() {
				e.AckedAt, e.AckedBy, e.Due = s.Now, d.By.id(), s.Now
				done.Change.Enrolments = append(done.Change.Enrolments, e)
			}
		}
		done.Act = aboutOne(done.Act, done.Change.Enrolments)
	}
	return done
}

// pulseButton asks on a card how the account feels.
func pulseButton(_ *Situation, m matter) (steward.Button, bool) {
	return steward.Button{Target: steward.Target{Account: m.outreach.Subject.Account}, Label: "Pulse", Options: PulseOptions()}, true
}

// healthWeeks is for how long a word on health may be meant to stand.
var healthWeeks = []int{1, 2, 4, 8, 12}

// healthDeed puts a person's word in the place of the health score for a while.
func healthDeed(s *Situation, d Doing) Done {
	a, why := s.subjectOf(d)
	if why != "" {
		return refused(d, why)
	}
	text, because, until := strings.TrimSpace(d.Values[choiceField]), strings.TrimSpace(d.Values[becauseField]), strings.TrimSpace(d.Values[untilField])
	if !d.Sent && (text == "" || because == "" || until == "") {
		return asks(s.healthForm(d, a))
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0 && n <= 100) {
		return wrong(d, choiceField, "Health is a number from 0 (bad) to 100 (very good).")
	}
	today := s.today(d)
	last, err := lastDay(until, today)
	if err != nil {
		return wrong(d, untilField, "%v", err)
	}
	if because == "" {
		return wrong(d, becauseField, "Say why: a number that nobody can account for helps nobody.")
	}
	act := actOf(d)
	act.Account, act.Choice, act.Text, act.Until = a.ID, text, because, (last + 1).Start(s.Book.Zone)
	o := steward.HealthOverride{Account: a.ID, Health: n, From: today, Until: last, Because: because, By: d.By.id(), At: d.At.UTC().Truncate(time.Second), Cleared: steward.NoDay}
	return Done{Act: act, Change: steward.Change{Account: a.ID, Overrides: []steward.HealthOverride{o}},
		Answer: steward.Answer{Text: fmt.Sprintf("The health of %s is %.0f through %s, by your word.%s", accountName(a), n, longDate(last), nextRun)}}
}

// lastDay reads until when something is to stand: a day, or a number of weeks.
func lastDay(text string, today steward.Day) (steward.Day, error) {
	if weeks, ok := strings.CutSuffix(text, "w"); ok {
		if n, err := strconv.Atoi(weeks); err == nil && n > 0 && n <= 52 {
			return today + steward.Day(7*n), nil
		}
	}
	day, err := steward.ParseDay(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("say until when: a day such as %s, or weeks such as 4w", today+28)
	case day < today:
		return 0, fmt.Errorf("%s has passed; today is %s", day, today)
	case day > today+366:
		return 0, fmt.Errorf("%s is more than a year away; what lasts longer belongs into the health rules", day)
	}
	return day, nil
}

func (s *Situation) healthForm(d Doing, a steward.Account) steward.Form {
	var weeks []steward.Option
	for _, n := range healthWeeks {
		weeks = append(weeks, steward.Option{Value: fmt.Sprintf("%dw", n), Label: countWords(n, "week")})
	}
	health := "Its health is not known"
	if now := s.healthFact(a.ID); now != "" {
		health = "Its health is " + now
	}
	return formOf(d, a, "Override health", accountName(a)+". "+health+". Your word stands in place of the score for a while; the score goes on being worked out.", "Override",
		steward.FormField{Name: choiceField, Label: "Health", Hint: "From 0 (bad) to 100 (very good).", Kind: steward.ShortText, Value: d.Values[choiceField]},
		steward.FormField{Name: untilField, Label: "For how long", Kind: steward.OneOf, Options: weeks, Value: cmp.Or(d.Values[untilField], "4w")},
		steward.FormField{Name: becauseField, Label: "Why", Hint: "For whoever reads the number.", Kind: steward.ShortText, Value: d.Values[becauseField]})
}

// moveDueDeed gives a task another day. Dates of contracts and renewals are the
// CRM's, and are changed there.
func moveDueDeed(s *Situation, d Doing) Done {
	if d.Target.Task == "" {
		return refused(d, "Say which task: /steward mine lists yours. A renewal or an end of a contract is the CRM's date; change it there, and Steward follows.")
	}
	today := s.today(d)
	text := strings.TrimSpace(d.Values[dayField])
	if text == "" {
		t := d.Target
		t.Verb = d.Verb
		return asks(steward.Form{Title: "Move the due date", Submit: "Move", Target: t, Fields: []steward.FormField{{Name: dayField, Label: "Due on", Kind: steward.ADate, Value: (today + 7).String()}}})
	}
	day, err := steward.ParseDay(text)
	switch {
	case err != nil:
		return wrong(d, dayField, "%s is not a day; write it as %s.", plainLine(text), today+7)
	case day < today:
		return wrong(d, dayField, "%s has passed; pick a day to come.", longDate(day))
	}
	act := actOf(d)
	act.Text = "due on " + longDate(day)
	act = aboutOne(act, d.Enrolments)
	change := steward.Change{Account: act.Account, Tasks: []steward.TaskChange{{Task: d.Target.Task, By: d.By.id(), Due: day}}}
	if d.Target.Message != "" {
		change.Repaint = []steward.MessageID{d.Target.Message}
	}
	return Done{Act: act, Change: change, Answer: steward.Answer{Text: "It is due on " + longDate(day) + " now."}}
}

func accountName(a steward.Account) string { return plainLine(cmpName(a)) }

func personName(c steward.Contact) string { return plainLine(cmp.Or(c.Name, string(c.ID))) }

// spaced is a name of the language as people write it.
func spaced(name string) string { return strings.ReplaceAll(plainLine(name), "_", " ") }

func countWords(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
