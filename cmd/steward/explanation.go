package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"steward"
	"steward/playbooks"
	"steward/playbooks/lang"
)

// paperWidth is how wide an explanation is laid out: what every terminal shows.
const paperWidth = 80

// An explainer lays stories out for people. Where there is no colour, marks
// under a condition say what its parts came to.
type explainer struct {
	app   *app
	book  *playbooks.Book
	width int
	// brief tells what is passed in one line.
	brief bool
}

func (e explainer) line(format string, args ...any) { fmt.Fprintf(e.app.stdout, format+"\n", args...) }

func (e explainer) date(t time.Time) string { return t.In(e.book.Zone).Format("2006-01-02 15:04") }

// heading says whose story it is and of when.
func (e explainer) heading(st story) {
	e.line("%s  %s", e.app.bold(clean(st.Name)), e.app.dim(fmt.Sprintf("%s · as of %s", clean(string(st.Account)), e.date(st.Slot.Time()))))
	if st.Then {
		e.prose("", "Conditions, phases and gates are as today's files judge the data of that day; what was done is as recorded.", true)
	}
}

// overview is every playbook in a sentence.
func (e explainer) overview(st story) {
	e.line("%s", clean(st.Summary))
	e.line("")
	e.heading(st)
	e.state(st)
	for _, q := range st.Silences {
		e.line("")
		e.prose("", clean(q)+".", false)
	}
	for _, x := range st.Playbooks {
		e.line("\n%s", clean(x.Sentence))
	}
	if len(st.Playbooks) > 0 {
		on := ""
		if st.Then {
			on = " --on " + st.Slot.Day(e.book.Zone).String()
		}
		e.line("\n%s", e.app.dim(fmt.Sprintf("More: steward explain %s %s%s", clean(string(st.Account)), st.Playbooks[0].Playbook, on)))
	}
}

// state is how the account is and where it is on its way: health with its
// parts and what moved it, the journey with its milestones and overlays.
func (e explainer) state(st story) {
	h, j := st.Health, st.Journey
	if h.Scorecard != "" || h.Override != nil {
		e.line("\n%s  %s", e.app.bold("health"), e.inGrade(h.Grade, clean(h.Sentence())))
		for _, p := range h.Parts {
			said := fmt.Sprintf("%.0f, weighs %.0f%%", p.Score.Num, 100*p.Share)
			if !p.Score.Known {
				said = "unknown: " + clean(p.Why)
			}
			e.hang(fmt.Sprintf("    %-*s  ", e.widestPart(h), clean(p.Words)), said, p.Score)
		}
		if st.Moved != "" {
			e.prose("  ", clean(st.Moved), false)
		}
	}
	if j.Stage == "" && j.Milestones == nil {
		return // nobody says, and nobody asked
	}
	e.line("\n%s  %s", e.app.bold("journey"), clean(j.Sentence()))
	for _, m := range j.Milestones {
		e.milestone(m)
	}
	for _, o := range j.Overlays {
		if o.Holds != steward.Fails {
			word := o.Holds.Value()
			text := clean(o.Name) + ": " + clean(o.Text)
			if o.Why != "" {
				text += " is not known: " + clean(o.Why)
			}
			e.hang("    ", text, word)
		}
	}
	if n := len(j.History); n > 1 {
		var parts []string
		for _, s := range j.History {
			parts = append(parts, fmt.Sprintf("%s from %s", clean(s.Stage), s.Since))
		}
		e.prose("  ", "Stages, as recorded: "+strings.Join(parts, " · "), true)
	}
}

func (e explainer) widestPart(h playbooks.Health) int {
	widest := 0
	for _, p := range h.Parts {
		widest = max(widest, utf8.RuneCountInString(p.Words))
	}
	return widest
}

func (e explainer) milestone(m playbooks.MilestoneReached) {
	text, shown := "not reached", steward.Bool(true)
	switch {
	case m.Reached == steward.Holds && m.On != steward.NoDay:
		text = "reached on " + m.On.String()
	case m.Reached == steward.Holds:
		text = "reached"
	case m.Overdue == steward.Holds:
		text = e.app.paint("31", "overdue")
	case m.Why != "":
		text, shown = "not known: "+clean(m.Why), steward.Unknown(steward.FlagKind)
	}
	e.hang("    "+clean(m.Name)+"  ", text, shown)
}

// inGrade paints text in its grade's colour.
func (e explainer) inGrade(grade, text string) string {
	code, ok := map[string]string{"red": "31", "yellow": "33", "green": "32"}[grade]
	if !ok {
		return text
	}
	return e.app.paint(code, text)
}

// whole is all there is to say of one subject and one playbook, the sentence
// first.
func (e explainer) whole(st story, x playbookStory) {
	e.line("%s", clean(x.Sentence))
	e.line("")
	e.heading(st)
	for _, c := range x.Conditions {
		if ends := c.Name == "until" || c.Name == "exit_when"; !ends || x.began() {
			e.condition(c)
		}
	}
	e.phase(x)
	e.enrolment(x)
	if x.Opening != nil {
		e.section("To be enrolled")
		e.checks(x.Opening)
	}
	e.gates(x)
}

// began tells that there is something that could end.
func (x playbookStory) began() bool {
	return x.Phase.Phase != "" && x.Phase.Phase != steward.Clear || x.Enrolment != nil && x.Opening == nil
}

func (e explainer) section(title string) { e.line("\n%s", e.app.bold(title)) }

// condition shows a condition as written, what each part of it came to, and the
// values that these rest on.
func (e explainer) condition(c playbooks.ExplainedCondition) {
	e.line("\n%s  %s", e.app.bold(c.Name), e.app.verdict(c.Trace.Value))
	parts := c.Trace.Parts()
	for _, at := range breakCondition(c.Text, parts, e.width-2) {
		if e.app.colour {
			e.line("  %s", e.coloured(c.Text, at, parts))
			continue
		}
		e.line("  %s", clean(c.Text[at.Start:at.End]))
		e.line("  %s", strings.TrimRight(marks(c.Text, at, parts), " "))
	}
	e.values(parts)
}

// breakCondition cuts a condition into lines of at most width characters: where
// its author did, then between its parts, then between words.
func breakCondition(src string, parts []*lang.Trace, width int) []lang.Span {
	inside := func(at int) bool {
		return slices.ContainsFunc(parts, func(p *lang.Trace) bool { return p.Span.Start < at && at < p.Span.End })
	}
	var out []lang.Span
	for start := 0; start < len(src); {
		if strings.IndexByte(" \t\r\n", src[start]) >= 0 {
			start++
			continue
		}
		end := len(src)
		if n := strings.IndexByte(src[start:], '\n'); n >= 0 {
			end = start + n
		}
		if cut := after(src, start, width); cut < end {
			between, within := 0, 0
			for i := start + 1; i <= cut; i++ {
				if src[i] == ' ' && inside(i) {
					within = i
				} else if src[i] == ' ' {
					between = i
				}
			}
			for _, word := range []string{" and", " or"} {
				if between > 0 && strings.HasSuffix(src[start:between], word) {
					between -= len(word)
				}
			}
			switch {
			case between > start:
				end = between
			case within > start:
				end = within
			default:
				end = cut
			}
		}
		out = append(out, lang.Span{Start: start, End: start + len(strings.TrimRight(src[start:end], " \t\r"))})
		start = end
	}
	return out
}

// after is the offset n characters past start, or the end of the text.
func after(src string, start, n int) int {
	at := start
	for ; n > 0 && at < len(src); n-- {
		_, size := utf8.DecodeRuneInString(src[at:])
		at += size
	}
	return at
}

// marks is the line under a piece of a condition: under each part what it came
// to.
func marks(src string, at lang.Span, parts []*lang.Trace) string {
	var b strings.Builder
	drawn := at.Start
	for _, p := range parts {
		from, to := max(p.Span.Start, drawn), min(p.Span.End, at.End)
		if from >= to {
			continue
		}
		b.WriteString(strings.Repeat(" ", utf8.RuneCountInString(src[drawn:from])))
		b.WriteString(mark(p.Value, utf8.RuneCountInString(src[from:to])))
		drawn = to
	}
	return b.String()
}

// mark is a verdict in a bracket of some characters; where the word does not
// fit, a sign.
func mark(v steward.Value, width int) string {
	word, sign := "false", "-"
	switch v.Verdict() {
	case steward.Holds:
		word, sign = "true", "+"
	case steward.Unclear:
		word, sign = "unknown", "?"
	}
	switch room := width - len(word); {
	case room >= 4:
		left := (room - 4) / 2
		return "└" + strings.Repeat("─", left) + " " + word + " " + strings.Repeat("─", room-4-left) + "┘"
	case room >= 2:
		return "└" + word + strings.Repeat("─", room-2) + "┘"
	case room >= 0:
		return strings.Repeat(" ", room/2) + word + strings.Repeat(" ", room-room/2)
	}
	return strings.Repeat(sign, width)
}

// coloured is a piece of a condition with each part in the colour of its
// verdict.
func (e explainer) coloured(src string, at lang.Span, parts []*lang.Trace) string {
	var b strings.Builder
	drawn := at.Start
	for _, p := range parts {
		from, to := max(p.Span.Start, drawn), min(p.Span.End, at.End)
		if from >= to {
			continue
		}
		b.WriteString(e.app.dim(clean(src[drawn:from])))
		b.WriteString(e.app.inVerdict(p.Value, clean(src[from:to])))
		drawn = to
	}
	b.WriteString(e.app.dim(clean(src[drawn:at.End])))
	return b.String()
}

// inVerdict paints text as a verdict: green, red, or a dim yellow while nobody
// knows.
func (a *app) inVerdict(v steward.Value, text string) string {
	switch v.Verdict() {
	case steward.Holds:
		return a.paint("32", text)
	case steward.Fails:
		return a.paint("31", text)
	}
	return a.dim(a.paint("33", text))
}

// verdict is a value in a word, in its colour.
func (a *app) verdict(v steward.Value) string {
	if v.Known && v.Kind != steward.FlagKind {
		return v.String()
	}
	return a.inVerdict(v, v.Verdict().String())
}

// widestMeasure is how wide the column of expressions may be before values go
// on a line of their own.
const widestMeasure = 34

// values is a line for everything that was read: the expression, its value, and
// what a person would say of it.
func (e explainer) values(parts []*lang.Trace) {
	var all []*lang.Trace
	widest := 0
	for _, p := range parts {
		for _, m := range p.Measures() {
			if slices.ContainsFunc(all, func(x *lang.Trace) bool { return x.Text == m.Text }) {
				continue
			}
			all = append(all, m)
			if n := utf8.RuneCountInString(m.Text); n <= widestMeasure {
				widest = max(widest, n)
			}
		}
	}
	for _, m := range all {
		value := lang.Describe(m.Value, m.Percent)
		if !m.Value.Known {
			value = "unknown"
		}
		said := m.Words()
		if said == value {
			said = ""
		}
		head := fmt.Sprintf("    %-*s  ", widest, clean(m.Text))
		if utf8.RuneCountInString(m.Text) > widest {
			e.line("    %s", clean(m.Text))
			head = strings.Repeat(" ", widest+6)
		}
		text := clean(value)
		if said != "" {
			text += ": " + clean(said)
		}
		e.hang(head, text, m.Value)
	}
}

// hang prints text after a head, its further lines under its first; what is not
// known is painted so.
func (e explainer) hang(head, text string, v steward.Value) {
	for i, l := range folds(text, e.width-utf8.RuneCountInString(head)) {
		if i > 0 {
			head = strings.Repeat(" ", utf8.RuneCountInString(head))
		}
		if !v.Known {
			l = e.app.inVerdict(v, l)
		}
		e.line("%s%s", head, l)
	}
}

// prose prints text over several lines after an indent.
func (e explainer) prose(indent, text string, dim bool) {
	for _, l := range folds(text, e.width-utf8.RuneCountInString(indent)) {
		if dim {
			l = e.app.dim(l)
		}
		e.line("%s%s", indent, l)
	}
}

// folds cuts text into lines of at most width characters, at blanks where it
// can.
func folds(text string, width int) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= max(width, 20):
			line += " " + word
		default:
			out, line = append(out, line), word
		}
	}
	return append(out, line)
}

// stretchesTold is how many stretches of the phase's history are printed.
const stretchesTold = 6

func (e explainer) phase(x playbookStory) {
	e.section("Phase")
	ph := x.Phase
	if ph.Phase == "" || ph.Phase == steward.Clear {
		e.line("  clear")
	} else {
		e.line("  %s since %s; the episode began %s", ph.Phase, e.date(ph.Since.Time()), e.date(ph.Episode.Time()))
		for _, k := range sortedNames(ph.Frozen) {
			e.prose("    ", fmt.Sprintf("at its beginning %s was %s", clean(k), lang.Describe(ph.Frozen[k], false)), false)
		}
	}
	if len(x.Judged) == 0 {
		return
	}
	told := x.Judged[max(0, len(x.Judged)-stretchesTold):]
	var parts []string
	for i, s := range told {
		parts = append(parts, stretchWords(s, i == len(told)-1))
	}
	e.prose("  ", "Day by day, as today's file judges: "+strings.Join(parts, " · "), true)
}

func stretchWords(s playbooks.Stretch, last bool) string {
	out := string(s.Phase)
	switch {
	case s.Unknown != "" && last:
		out += " (not known: " + clean(s.Unknown) + ")"
	case s.Unknown != "":
		out += " (not known)"
	}
	switch {
	case last && s.Before:
		return out + " since " + s.From.String() + " or before"
	case last:
		return out + " since " + s.From.String()
	case s.Before:
		return out + " to " + s.To.String()
	case s.From == s.To:
		return out + " on " + s.From.String()
	}
	return out + " " + s.From.String() + " to " + s.To.String()
}

func sortedNames[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// enrolment is the timeline of the enrolment at hand, and those before it.
func (e explainer) enrolment(x playbookStory) {
	en := x.Enrolment
	if en == nil {
		e.section("Enrolment")
		e.line("  none so far")
		return
	}
	state := string(en.State)
	switch {
	case x.Then && x.Opening == nil && en.EndedAt.IsZero():
		state = "open"
	case x.Then && x.Opening == nil:
		state = "open then; ended " + e.date(en.EndedAt)
	case en.Reason != "":
		state += " (" + string(en.Reason) + ")"
	}
	if en.Arm == steward.Holdout {
		state += ", in the holdout"
	}
	e.section("Enrolment " + string(en.ID))
	e.line("  %s", state)
	for _, ev := range x.Timeline {
		e.hang("  "+e.date(ev.At)+"  ", ev.words(e.date), steward.Bool(true))
	}
	for i, old := range x.Earlier {
		if i == 3 {
			e.line("  %s", e.app.dim(fmt.Sprintf("and %d before these", len(x.Earlier)-i)))
			break
		}
		e.line("  %s", e.app.dim(fmt.Sprintf("before: %s to %s, %s (%s)", e.date(old.OpenedAt), e.date(old.EndedAt), old.State, old.Reason)))
	}
}

// words is an event in a line: what it was about, what was decided, and the
// reason by the name under which it is counted.
func (ev event) words(date func(time.Time) string) string {
	reason, said := ev.What, clean(ev.Detail)
	switch {
	case ev.What == string(steward.ReasonDelivered):
		if reason = ""; !strings.HasPrefix(said, "previewed") {
			said = strings.TrimSuffix("sent; "+said, "; ")
		}
	case ev.opens() && ev.What != string(steward.ReasonOpened):
		said = "held back: " + said
	case ev.opens():
		reason, said = "", "opened: "+said
	case ev.What == "taken":
		reason, said = "", "taken on "+said
	case said == "":
		reason, said = "", ev.What
	}
	if reason != "" {
		said += " (" + reason + ")"
	}
	if ev.Step != "" {
		about := clean(ev.Step)
		if ev.To != "" {
			about += " to " + clean(ev.To)
		}
		said = about + ": " + said
	}
	if ev.Times > 1 {
		said += fmt.Sprintf("; %d times, last %s", ev.Times, date(ev.Last))
	}
	if ev.Message != "" && ev.What != "planned" {
		said += " [" + string(ev.Message) + "]"
	}
	return said
}

// gates shows what would be said next and everything that it has to pass.
func (e explainer) gates(x playbookStory) {
	n := x.Next
	if n == nil {
		return
	}
	title := "Said next: "
	if x.Opening != nil {
		title = "If it were enrolled now: "
	}
	to := n.Nobody
	if to == "" {
		to = "to " + clean(recipientWords(n.To))
	} else {
		to = "to nobody: " + clean(to)
	}
	e.section(title + clean(n.What))
	e.prose("  ", to, false)
	e.checks(n.Gates)
}

// checks is a line for each thing that has to be passed, in order.
func (e explainer) checks(checks []playbooks.Check) {
	if e.brief {
		checks = e.passed(checks)
	}
	widest := 0
	for _, c := range checks {
		widest = max(widest, utf8.RuneCountInString(c.Name))
	}
	for _, c := range checks {
		sign, effect := e.app.paint("32", "✓"), ""
		switch c.Effect {
		case steward.Suppress:
			sign, effect = e.app.paint("31", "✗"), "stopped: "
		case steward.Defer:
			sign, effect = e.app.paint("33", "…"), "waits: "
		}
		text := effect + clean(c.Detail)
		if !c.Until.IsZero() && !strings.Contains(text, "until") {
			text += ", until " + e.date(c.Until)
		}
		if c.Reason != "" && !c.Passes() {
			text += " (" + string(c.Reason) + ")"
		}
		lines := folds(text, e.width-widest-6)
		for i, l := range lines {
			if c.Passes() {
				l = e.app.dim(l)
			}
			if i == 0 {
				e.line("  %s %-*s  %s", sign, widest, c.Name, l)
				continue
			}
			e.line("%s%s", strings.Repeat(" ", widest+6), l)
		}
	}
}

// passed names what is passed in one line, and returns the rest.
func (e explainer) passed(checks []playbooks.Check) (rest []playbooks.Check) {
	var names []string
	for _, c := range checks {
		if c.Passes() {
			names = append(names, c.Name)
		} else {
			rest = append(rest, c)
		}
	}
	if len(names) > 0 {
		e.prose("  ", "✓ "+strings.Join(names, ", "), true)
	}
	return rest
}
