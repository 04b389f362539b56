package playbooks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"steward"
)

// What people ask in Slack, in words after the command and by clicks: how an
// account is, why a playbook did or did not speak, what is theirs to do. It is
// told to whoever asks and to nobody else, and changes nothing.

// commandWords are the words that begin a command; anything else is an account.
var commandWords = map[string]steward.Verb{
	"help": steward.VerbHelp, "mine": steward.VerbMine, "why": steward.VerbWhy, "silence": steward.VerbSilence, "unsilence": steward.VerbUnsilence,
	"start": steward.VerbStart, "stop": steward.VerbStop, "skip": steward.VerbSkip, "mark": steward.VerbMilestone, "role": steward.VerbRole, "pulse": steward.VerbPulse, "health": steward.VerbHealth,
}

// commandHelp is what can be written.
const commandHelp = "What you can write:\n" +
	"• `/steward acme` how an account is, and what can be done about it\n" +
	"• `/steward mine` what is yours to do: tasks, approvals, open cards\n" +
	"• `/steward why acme login-drop` why a playbook did, or did not, speak\n" +
	"• `/steward silence acme 2w because they are merging`, and `/steward unsilence acme`\n" +
	"• `/steward start acme login-drop`, `/steward skip acme login-drop`, `/steward stop acme login-drop`\n" +
	"• `/steward mark acme kickoff`, `/steward role acme`, `/steward pulse acme 4`, `/steward health acme`\n" +
	"An account is its id or a part of its name. Only you see the answers."

// Understand reads what was written after the command: a verb with what it is
// about, or an answer that says what is unclear.
func (s *Situation) Understand(words string) (verb steward.Verb, t steward.Target, values map[string]string, unclear *steward.Answer) {
	list := strings.Fields(words)
	if len(list) == 0 {
		return steward.VerbHelp, t, nil, nil
	}
	verb, known := commandWords[strings.ToLower(list[0])]
	switch {
	case !known:
		verb = steward.VerbLook
	case verb == steward.VerbHelp || verb == steward.VerbMine:
		if len(list) == 1 {
			return verb, t, nil, nil
		}
		verb = steward.VerbLook // an account may be called that
	case len(list) == 1:
		return steward.VerbHelp, t, nil, nil
	default:
		list = list[1:]
	}
	values = map[string]string{}
	if i := slices.IndexFunc(list, func(w string) bool { return strings.EqualFold(w, "because") }); i > 0 && verb != steward.VerbLook {
		list, values[becauseField] = list[:i], strings.Join(list[i+1:], " ")
	}
	about := s.lastWord(verb, strings.Join(list, " "), &t, values)
	a, several := s.FindAccount(about)
	switch {
	case a != nil:
		t.Account = a.ID
		return verb, t, values, nil
	case len(several) == 0:
		return "", t, nil, &steward.Answer{Text: fmt.Sprintf("There is no account called %q.%s", plainLine(about), s.nearestAccount(about))}
	}
	return "", t, nil, whichAccount(verb, t, about, several)
}

// lastWord takes the last word off that a command ends with, if it is one: a
// playbook, a milestone, a figure, a time.
func (s *Situation) lastWord(verb steward.Verb, about string, t *steward.Target, values map[string]string) string {
	i := strings.LastIndexByte(about, ' ')
	if i < 0 {
		return about
	}
	rest, last := strings.TrimSpace(about[:i]), about[i+1:]
	switch verb {
	case steward.VerbWhy, steward.VerbStart, steward.VerbStop, steward.VerbSkip:
		name := last
		if _, ok := s.Book.Playbook(steward.PlaybookName(name)); !ok {
			// A word that is nearly a playbook is one that is misspelt, unless an account
			// is called so.
			if a, _ := s.FindAccount(about); a != nil {
				return about
			}
			if name = steward.Nearest(last, s.Book.Names()); name == "" {
				return about
			}
		}
		t.Playbook = steward.PlaybookName(name)
		return rest
	case steward.VerbMilestone:
		if name := steward.Nearest(last, s.Book.Milestones()); name != "" {
			values[choiceField] = name
			return rest
		}
	case steward.VerbPulse:
		if len(last) == 1 && last >= "0" && last <= "9" {
			values[choiceField] = last
			return rest
		}
	case steward.VerbSilence:
		if _, _, err := SilenceUntil(last, s.Now, s.Book.Zone); err == nil {
			values[untilField] = last
			return rest
		}
	}
	return about
}

// FindAccount finds the account that a text means: by its id or its name, else the
// only one whose name begins with it or has it in it. Where it means several,
// these; nil and none where nothing is like it.
func (s *Situation) FindAccount(text string) (one *steward.Account, several []steward.Account) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	v := s.accounts()
	if row, ok := v.Row(text); ok {
		return v.Account(row), nil
	}
	lower := strings.ToLower(text)
	var same, begins, has []*steward.Account
	for row := range v.Len() {
		a := v.Account(row)
		switch name := strings.ToLower(a.Name); {
		case name == lower || strings.ToLower(string(a.ID)) == lower:
			same = append(same, a)
		case strings.HasPrefix(name, lower):
			begins = append(begins, a)
		case strings.Contains(name, lower):
			has = append(has, a)
		}
	}
	for _, found := range [][]*steward.Account{same, begins, has} {
		switch {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			for _, a := range found {
				several = append(several, *a)
			}
			return nil, several
		}
	}
	return nil, nil
}

// nearestAccount is a suggestion; "" for none.
func (s *Situation) nearestAccount(text string) string {
	v := s.accounts()
	names := make([]string, 0, v.Len())
	for row := range v.Len() {
		if a := v.Account(row); s.InPortfolio(a.ID) == steward.Holds {
			names = append(names, a.Name)
		}
	}
	if near := steward.Nearest(text, names); near != "" {
		return " Did you mean " + plainLine(near) + "?"
	}
	return " Write its id or a part of its name."
}

// choices is how many accounts a menu offers.
const choices = 25

// whichAccount asks which of several is meant: with a menu where that is all that
// is unclear.
func whichAccount(verb steward.Verb, t steward.Target, text string, several []steward.Account) *steward.Answer {
	more := ""
	if n := len(several) - choices; n > 0 {
		more = fmt.Sprintf(" The first %d are in the menu; write more of the name for others.", choices)
	}
	var options []steward.Option
	for _, a := range several[:min(len(several), choices)] {
		options = append(options, steward.Option{Value: string(a.ID), Label: accountName(a) + " (" + plainLine(string(a.ID)) + ")"})
	}
	if verb != steward.VerbWhy {
		verb, t = steward.VerbLook, steward.Target{}
	}
	t.Verb = verb
	c := steward.Content{Title: "Which one?", Severity: string(Info), Parts: []steward.ContentPart{{Markdown: escapeMarkdown(fmt.Sprintf("%d accounts are called something like %q.%s", len(several), text, more))}}}
	return &steward.Answer{Content: &c, Face: steward.Face{Buttons: []steward.Button{{Target: t, Label: "Pick an account", Options: options}}}}
}

// asked is the account that a question is about: its target, or what was picked
// from a menu.
func (s *Situation) asked(d Doing) (steward.Account, bool) {
	id := d.Target.Account
	if id == "" {
		id = steward.AccountID(d.Values[choiceField])
	}
	if id == "" {
		id = d.about()
	}
	return s.account(id)
}

func say(text string) Done { return Done{Answer: steward.Answer{Text: text}} }

func helpDeed(*Situation, Doing) Done { return say(commandHelp) }

// whyDeed is why a playbook did, or did not, speak of an account.
func whyDeed(s *Situation, d Doing) Done {
	a, ok := s.asked(d)
	if !ok {
		return say("Say which account: /steward why acme login-drop")
	}
	if d.Target.Playbook == "" {
		return say(s.overview(a))
	}
	p, ok := s.Book.Playbook(d.Target.Playbook)
	if !ok {
		return say("There is no playbook " + plainLine(string(d.Target.Playbook)) + "." + nearestWords(string(d.Target.Playbook), s.Book.Names()))
	}
	var lines []string
	for _, subject := range s.Subjects(p, a.ID) {
		x, err := s.explain(p, subject, nil, false)
		if err != nil {
			continue
		}
		lines = append(lines, accountName(a)+", "+toldWhy(x))
		if waits := waitsFor(d.Story, x.Enrolment); waits != "" {
			lines = append(lines, waits)
			continue
		}
		if x.Next != nil {
			for _, g := range x.Next.Gates {
				if !g.Passes() {
					lines = append(lines, fmt.Sprintf("Next would be %s; it waits: %s.", x.Next.What, plainLine(g.Detail)))
					break
				}
			}
		}
	}
	if len(lines) == 0 {
		return say(fmt.Sprintf("%s, %s: nothing happens, as the account has no %s and the playbook is about %ss.", a.ID, p.Name, p.About, p.About))
	}
	return say(strings.Join(lines, "\n"))
}

// toldWhy is an explanation's sentence under the playbook's title, with the name by
// which commands call it.
func toldWhy(x Explanation) string {
	_, sentence, _ := strings.Cut(x.Sentence, ": ")
	who := string(x.Playbook)
	if x.Title != "" {
		who = plainLine(x.Title) + " (" + who + ")"
	}
	return who + ": " + sentence
}

// waitsFor is what the newest decision about an open enrolment waits for; "" where
// it waits for nothing but its time.
func waitsFor(story *steward.Story, e *steward.Enrolment) string {
	if story == nil || e == nil || !e.State.Open() {
		return ""
	}
	i := slices.IndexFunc(story.Records, func(r steward.Record) bool { return r.Enrolment == e.ID }) // newest first
	if i < 0 || story.Records[i].Effect != steward.Defer || story.Records[i].Detail == "" {
		return ""
	}
	return "It waits: " + plainLine(story.Records[i].Detail) + "."
}

// overview is every playbook that is at work on an account, in a sentence each.
func (s *Situation) overview(a steward.Account) string {
	var lines []string
	idle := 0
	for _, p := range s.Book.Playbooks {
		for _, subject := range s.Subjects(p, a.ID) {
			if _, open := s.Memory.Open[KeyOf(p.Name, subject)]; !open {
				idle++
				continue
			}
			if x, err := s.explain(p, subject, nil, false); err == nil {
				lines = append(lines, "• "+toldWhy(x))
			}
		}
	}
	if len(lines) == 0 {
		return fmt.Sprintf("%s is enrolled in no playbook. Why one does nothing: /steward why %s PLAYBOOK", accountName(a), a.ID)
	}
	if idle > 0 {
		lines = append(lines, fmt.Sprintf("%s more %s nothing. Why: /steward why %s PLAYBOOK", countWords(idle, "playbook"), map[bool]string{true: "does", false: "do"}[idle == 1], a.ID))
	}
	return strings.Join(lines, "\n")
}

// lookDeed is a card about an account, or about mails that wait.
func lookDeed(s *Situation, d Doing) Done {
	if done, ok := s.lookAtMail(d); ok {
		return done
	}
	a, ok := s.asked(d)
	if !ok {
		return say("Say which account: /steward acme")
	}
	about, ok := s.About(a.ID)
	if !ok {
		return say("There is no account " + plainLine(string(a.ID)) + " in the data.")
	}
	c := steward.Content{Title: accountName(a), Account: accountName(a), Severity: string(Info), Facts: s.accountFacts(a, d.By)}
	s.links(&c, a.ID, d.By.Owner.ID)
	add := func(title string, lines []string) {
		if len(lines) > 0 {
			c.Parts = append(c.Parts, steward.ContentPart{Title: title, Markdown: list(lines)})
		}
	}
	var going []string
	for _, x := range about.Playbooks {
		if x.Enrolment != nil && x.Opening == nil {
			going = append(going, toldWhy(x))
		}
	}
	if len(going) == 0 {
		going = []string{"No playbook is at work on it."}
	}
	add("What goes on", going)
	var people []string
	for i, p := range about.People {
		if i == shownPeople {
			people = append(people, fmt.Sprintf("and %d more", len(about.People)-i))
			break
		}
		line := personName(p.Contact) + ", " + rolesWords(d.rolesOf(s, p.Contact))
		if p.Last.ID != "" {
			line += ", last spoken to " + s.touched(p.Last, about.Today)
		}
		if p.Stopped != "" {
			line += "; gets no mail: " + p.Stopped
		}
		people = append(people, line)
	}
	add("People", people)
	if d.Story != nil {
		add("To do", s.taskLines(d.Story.Tasks))
		add("Said since the last evaluation", s.saidSince(d.Story.Words))
		add("Silenced", s.Silenced(a.ID, s.Now))
		add("Lately", s.lately(d.Story.Acts))
	}
	return Done{Answer: steward.Answer{Content: &c, Face: steward.Face{Buttons: s.accountButtons(a)}}}
}

// How much an answer lists.
const (
	shownPeople = 8
	shownTasks  = 8
	shownActs   = 5
	shownMine   = 10
)

// list is plain lines as a Markdown list.
func list(lines []string) string {
	var out []string
	for _, l := range lines {
		out = append(out, "- "+escapeMarkdown(l))
	}
	return strings.Join(out, "\n")
}

// accountFacts is what stands under an account's name on its card.
func (s *Situation) accountFacts(a steward.Account, by Doer) []steward.LabelledText {
	row, ok := s.accounts().Row(string(a.ID))
	if !ok {
		return nil
	}
	l := letter{playbook: &Playbook{About: steward.AboutAccount}, view: s.Frame.View(steward.AboutAccount), row: row, account: a}
	l.owner = s.Book.owners[s.ownedBy(a).Owner]
	l.outreach.To = recipientOf(by.Owner, "owner")
	out := s.cardFacts(l)
	if a.Pulse.Known {
		out = append(out, steward.LabelledText{Label: "Pulse", Text: fmt.Sprintf("%.0f of %d", a.Pulse.Num, len(pulseWords))})
	}
	return out
}

// accountButtons is what can be done about an account.
func (s *Situation) accountButtons(a steward.Account) []steward.Button {
	of := func(v steward.Verb) steward.Target { return steward.Target{Verb: v, Account: a.ID} }
	out := []steward.Button{{Target: of(steward.VerbStart), Label: "Start a playbook"}}
	if len(s.Book.Milestones()) > 0 {
		out = append(out, steward.Button{Target: of(steward.VerbMilestone), Label: "Mark a milestone"})
	}
	if len(s.contacts[a.ID]) > 0 {
		out = append(out, steward.Button{Target: of(steward.VerbRole), Label: "Set a role"})
	}
	return append(out, steward.Button{Target: of(steward.VerbPulse), Label: "Pulse"}, steward.Button{Target: of(steward.VerbHealth), Label: "Override health"}, steward.Button{Target: of(steward.VerbSilence), Label: "Silence"})
}

func (s *Situation) taskLines(tasks []steward.Task) []string {
	var out []string
	for _, t := range tasks {
		if t.State != steward.TaskOpen {
			continue
		}
		if len(out) == shownTasks {
			return append(out, "and more: steward tasks --account "+string(t.Subject.Account))
		}
		out = append(out, plainLine(t.Title)+s.dueWords(t)+", "+plainLine(cmp.Or(s.Book.named(string(t.Owner)), t.Name, "nobody")))
	}
	return out
}

func (s *Situation) dueWords(t steward.Task) string {
	zone := s.Book.Zone
	if o, ok := s.Book.owners[t.Owner]; ok && o.Zone != nil {
		zone = o.Zone
	}
	switch {
	case t.Due == steward.NoDay:
		return ""
	case t.Overdue(steward.DayOf(s.Now, zone)):
		return ", overdue since " + longDate(t.Due)
	}
	return ", due on " + longDate(t.Due)
}

// saidSince is what people said that the facts do not know yet.
func (s *Situation) saidSince(words []steward.Word) []string {
	var out []string
	for _, w := range words {
		if !w.At.After(s.Slot.Time()) {
			continue
		}
		what := spaced(strings.TrimPrefix(w.Field, steward.MilestonePrefix))
		switch {
		case !w.Value.Known:
			what += ": none"
		case w.Value.Kind == steward.DateKind:
			what += ": " + longDate(w.Value.Day())
		case w.Value.Kind == steward.NumberKind:
			what += fmt.Sprintf(": %.0f", w.Value.Num)
		default:
			what += ": " + spaced(w.Value.Text)
		}
		if w.Kind == steward.AboutContact {
			if row, ok := s.Frame.View(steward.AboutContact).Row(w.ID); ok {
				what = personName(*s.Frame.View(steward.AboutContact).Contact(row)) + ", " + what
			}
		}
		out = append(out, what+" ("+s.Book.named(w.By)+")")
	}
	return out
}

// Silenced is what is not said of an account at a moment, a sentence each.
func (s *Situation) Silenced(id steward.AccountID, at time.Time) []string {
	var out []string
	for _, q := range s.Memory.Silences {
		if q.Stands(at) && s.silencesAccount(q, id) {
			out = append(out, s.SilenceWords(q))
		}
	}
	return slices.Compact(out) // said twice, it is still one
}

// lately is the last things that people did about an account.
func (s *Situation) lately(acts []steward.Act) []string {
	var out []string
	for _, a := range acts {
		if a.Refused != "" {
			continue
		}
		line := s.dayWords(a.At) + ": " + plainLine(a.ByName) + ", " + spaced(string(a.Verb))
		if a.Playbook != "" {
			line += " (" + string(a.Playbook) + ")"
		}
		if words := cmp.Or(a.Text, a.Choice); words != "" {
			line += ": " + clipped(plainLine(words))
		}
		if out = append(out, line); len(out) == shownActs {
			break
		}
	}
	return out
}

// mineDeed is what is somebody's to do.
func mineDeed(s *Situation, d Doing) Done {
	if d.By.Owner.ID == "" {
		return say("You are not in owners.yaml, so nothing is yours here. Ask ops to add you.")
	}
	if d.Plate == nil {
		return say("What is yours cannot be read just now. Try again in a minute.")
	}
	p := *d.Plate
	c := steward.Content{Title: "Yours to do", Severity: string(Info)}
	var f steward.Face
	add := func(part steward.ContentPart, buttons ...steward.Button) {
		c.Parts, f.Parts = append(c.Parts, part), append(f.Parts, steward.PartFace{Buttons: buttons})
	}
	for i, m := range p.Waiting {
		if i == shownMine {
			add(steward.ContentPart{Title: "Mails that wait for you", Markdown: escapeMarkdown(fmt.Sprintf("and %d more: steward outreach --state awaiting_approval", len(p.Waiting)-i))})
			break
		}
		line := s.mailLine(steward.Dossier{}, steward.Asked{Mail: steward.Dossier{Message: m}})
		line.Title = "A mail waits: " + line.Title
		add(line, steward.Button{Target: steward.Target{Verb: steward.VerbLook, Message: m.ID, Version: m.Version}, Label: "Look at it"})
	}
	for i, t := range p.Tasks {
		if i == shownMine {
			add(steward.ContentPart{Title: "Tasks", Markdown: escapeMarkdown(fmt.Sprintf("and %d more: steward tasks --owner %s", len(p.Tasks)-i, d.By.Owner.ID))})
			break
		}
		a, _ := s.account(t.Subject.Account)
		of := func(v steward.Verb) steward.Target {
			return steward.Target{Verb: v, Task: t.ID, Enrolment: t.Enrolment}
		}
		add(steward.ContentPart{Title: "To do: " + plainLine(t.Title), Account: accountName(a), AccountID: t.Subject.Account, Playbook: t.Playbook, Markdown: escapeMarkdown(accountName(a) + s.dueWords(t))},
			steward.Button{Target: of(steward.VerbDone), Label: "Done"}, steward.Button{Target: of(steward.VerbMoveDue), Label: "Move the date"})
	}
	for _, group := range []struct {
		title string
		is    func(steward.Enrolment) bool
	}{
		{"Nobody has taken on", func(e steward.Enrolment) bool { return e.AckedAt.IsZero() && !snoozedNow(e, s.Now) }},
		{"You have taken on", func(e steward.Enrolment) bool { return !e.AckedAt.IsZero() && !snoozedNow(e, s.Now) }},
		{"Snoozed", func(e steward.Enrolment) bool { return snoozedNow(e, s.Now) }},
	} {
		var lines []string
		more := false
		for _, e := range p.Open {
			if !group.is(e) || !e.FinishedAt.IsZero() {
				continue
			}
			if more = len(lines) == shownMine; more {
				break
			}
			a, _ := s.account(e.Subject.Account)
			line := accountName(a) + ": " + s.titleOf(e) + ", since " + s.dayWords(e.OpenedAt)
			if snoozedNow(e, s.Now) {
				line += ", until " + s.dayWords(e.SnoozedUntil)
			}
			lines = append(lines, line)
		}
		slices.Sort(lines) // what is about one account stands together
		if more {
			lines = append(lines, "and more")
		}
		if len(lines) > 0 {
			add(steward.ContentPart{Title: group.title, Markdown: list(lines)})
		}
	}
	if len(c.Parts) == 0 {
		return say("Nothing waits for you.")
	}
	return Done{Answer: steward.Answer{Content: &c, Face: f}}
}

func snoozedNow(e steward.Enrolment, now time.Time) bool { return now.Before(e.SnoozedUntil) }
