package playbooks

import (
	"fmt"
	"slices"
	"time"

	"steward"
	"steward/configs/strictyaml"
	"steward/playbooks/lang"
)

// lint tells what loads but is probably not meant.
func (l *loader) lint(r *reader, p *Playbook) {
	if l.stored {
		return
	}
	t := &linter{reader: r, p: p}
	t.conditions()
	t.opening()
	for i := range p.Steps {
		t.step(i)
	}
	if n := len(p.Steps); n > 0 && !p.Steps[n-1].Wait.IsZero() {
		t.line(p.Steps[n-1].Line, "idle-wait", "the last step waits for nothing", "remove it, or add the step that should follow")
	}
}

// A linter gathers the advice about one playbook.
type linter struct {
	*reader
	p *Playbook
}

// line tells advice about a line; 0 is the playbook's own.
func (t *linter) line(line int, name, message, hint string) {
	pos := t.doc.Pos
	if line > 0 {
		pos.Line = line
	}
	p := pos.Problem(t.src.file, t.src.about, 1, message, hint, t.src.text)
	p.Lint = name
	t.loader.problems = append(t.loader.problems, p)
}

// A Condition is an expression where it stands.
type Condition struct {
	// Playbook is nil for those of steward.yaml.
	Playbook *Playbook
	About    steward.SubjectKind
	// Key is what it stands under, such as when or portfolio.include.
	Key  string
	Expr *lang.Expr

	text strictyaml.Text
	src  source
}

// Advice is a warning about a part of the expression.
func (c Condition) Advice(s lang.Span, lint, message, hint string) steward.Problem {
	p := c.text.Problem(c.src.file, c.src.about, s.Start, s.End, message, hint, c.src.text)
	p.Lint = lint
	return p
}

// All is the span of the whole expression.
func (c Condition) All() lang.Span { return lang.Span{End: len(c.text.Value)} }

func (t *linter) all() []Condition {
	var out []Condition
	add := func(key string, text strictyaml.Text, e *lang.Expr) {
		if e != nil && !text.Pos.IsZero() { // a rhythm's when is not written
			out = append(out, Condition{t.p, t.p.About, key, e, text, t.src})
		}
	}
	d, p := t.doc, t.p
	add("audience", d.Audience, p.Audience)
	add("when", d.When, p.When)
	add("until", d.Until, p.Until)
	add("exit_when", d.ExitWhen, p.ExitWhen)
	add("priority", d.Priority, p.Priority)
	if d.Goal != nil {
		add("reach", d.Goal.Reach, p.Goal.Reach)
	}
	if d.Pilot != nil {
		add("only", d.Pilot.Only, p.Pilot.Only)
		add("measure", d.Pilot.Measure, p.Pilot.Measure)
	}
	for i, s := range p.Steps {
		add("if", d.Steps[i].If, s.If)
		add("unless", d.Steps[i].Unless, s.Unless)
		add("at", d.Steps[i].At, s.At)
	}
	return out
}

func (t *linter) conditions() {
	for _, d := range t.doc.Steps {
		for _, role := range d.Email {
			t.book.Addressed = append(t.book.Addressed, Condition{t.p, t.p.About, "email", nil, strictyaml.Text(role), t.src})
		}
	}
	for _, c := range t.all() {
		t.condition(c)
		if c.Expr.Constant() && slices.Contains([]string{"when", "until", "exit_when", "if", "unless"}, c.Key) && c.Expr.Canonical() != "false" {
			t.loader.problems = append(t.loader.problems, c.Advice(c.All(), "constant-condition", fmt.Sprintf("`%s` reads nothing, so it is the same for everybody on every day", c.Key), "remove it, or write what was meant"))
		}
	}
}

// condition keeps an expression for what the data says of it, and tells what
// its own text shows.
func (l *loader) condition(c Condition) {
	l.book.Conditions = append(l.book.Conditions, c)
	for _, s := range c.Expr.Uneven() {
		l.problems = append(l.problems, c.Advice(s, "uneven-week", "the two windows that are compared hold different weekdays, so that a weekend looks like a change", "use whole weeks: 7d, 14d, 28d"))
	}
	for _, read := range c.Expr.Reads() {
		if c.About == steward.AboutContact && read.Field == "role" && read.Text != "" && !read.Part {
			l.problems = append(l.problems, c.Advice(read.Span, "role-equality", "whoever has several roles has them all in role, such as 'champion, admin'", fmt.Sprintf("write role contains '%s'", read.Text)))
		}
	}
}

func (t *linter) opening() {
	if t.p.Kind == Signal && t.p.When != nil {
		if t.p.When.Adjoining() && !t.p.When.Calls("quiet_days") {
			t.line(t.doc.When.Pos.Line, "blind-drop", "a drop goes blind after two windows of silence: from zero to zero is no change",
				"add `or quiet_days(…) >= 14d` to `when`")
		}
		if t.p.Until == nil {
			t.line(0, "no-until", "without `until` the episode ends the moment `when` fails, and may begin again the next day", "add until: with a bar that is clearly past the trouble")
		}
	}
	// Where cooldown has no place, as in what the calendar opens, it is no slip.
	if t.doc.Cooldown == nil && t.p.Kind != Rhythm {
		t.line(0, "no-cooldown", "without `cooldown` a subject that flaps is enrolled again at once", "add cooldown: 30d, or cooldown: 0 to say you mean it")
	}
}

func (t *linter) step(i int) {
	s, d := t.p.Steps[i], t.doc.Steps[i]
	said := slices.ContainsFunc(t.p.Steps[:i], Step.Sends)
	switch {
	case s.If != nil && s.If.Canonical() == "false", s.Unless != nil && s.Wait.IsZero() && s.Unless.Canonical() == "true":
		t.line(s.Line, "unreachable-step", "the step is never carried out: what it asks for never holds", "remove the step, or its condition")
	case s.If != nil && s.If.UsesAcked() && !said:
		t.line(s.Line, "acked-too-early", "the step asks whether a card was taken, and none was sent before it: it is always left out", "put the step that sends the card first")
	case s.Unless != nil && s.Unless.UsesAcked() && !said:
		t.line(s.Line, "acked-too-early", "no card was sent before this step that anybody could have taken", "put the step that sends the card first")
	case i > 0 && s.Slack == "manager" && s.If == nil && s.At == nil && t.p.Steps[i-1].Slack == "owner":
		t.line(s.Line, "hurried-escalation", "the manager hears in the same moment as the owner, who had no time to act", "put {wait: 2 business days, unless: acked} before it")
	}
	if len(s.Email) > 0 {
		t.mail(i, d)
	}
}

func (t *linter) mail(i int, d stepDocument) {
	s := t.p.Steps[i]
	if first := t.mailBefore(i); first >= 0 && !attended(s) && !t.listens(first, i) && !(t.book.NoticesReplies && t.p.OnReply != ContinueReply) {
		t.line(s.Line, "blind-second-mail", "a second mail goes out by itself although nothing since the first looks for an answer to it",
			fmt.Sprintf("have replies noticed, by email.mailbox in steward.yaml; or add if: engaged('%s', 14d) == 0; or approve: owner, who knows whether there was an answer", s.Email[0]))
	}
	if d.Approve.Pos.IsZero() && !d.Unattended {
		t.line(s.Line, "approval-by-default", "the mail says neither approve nor unattended, so it waits for the owner's approval", "write approve: owner to say so, or unattended: true to send it without asking")
	}
	if t.book.NoCards && !attended(s) {
		t.line(s.Line, "untold-mail", "the account's owner is told of the mail in Slack before it goes, and the workspace has no Slack: it never goes out", "set up Slack, as docs/slack.md says; or write approve: owner, and approve with steward approve")
	}
	expiry := s.Expires
	if expiry == 0 {
		expiry = DefaultExpiry
	}
	if s.Approve.Veto > 0 && expiry <= s.Approve.Veto {
		t.line(s.Line, "expires-first", fmt.Sprintf("the mail expires after %s, before the %s to stop it are over: it never goes out", spelt(expiry), spelt(s.Approve.Veto)), "raise expires above the time after veto")
	}
}

func spelt(d time.Duration) string { return strictyaml.Duration(d).String() }

// attended tells a mail that a person lets go, who has seen the inbox.
func attended(s Step) bool { return s.Approve.Needed() && s.Approve.Veto == 0 }

// mailBefore is the last mail before a step, or -1.
func (t *linter) mailBefore(i int) int {
	for i--; i >= 0; i-- {
		if len(t.p.Steps[i].Email) > 0 {
			return i
		}
	}
	return -1
}

// listens tells whether a step after the first mail, up to the second, looks
// for a sign of life.
func (t *linter) listens(first, second int) bool {
	return slices.ContainsFunc(t.p.Steps[first+1:second+1], func(s Step) bool {
		for _, e := range []*lang.Expr{s.If, s.Unless} {
			if e != nil && (e.UsesReplied() || e.Calls("engaged", "touches", "days_since_touch")) {
				return true
			}
		}
		return false
	})
}

// Warnings keeps only the advice among problems.
func Warnings(ps steward.Problems) steward.Problems {
	var out steward.Problems
	for _, p := range ps {
		if p.Warning() {
			out = append(out, p)
		}
	}
	return out
}
