package playbooks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"steward"
	"steward/configs/strictyaml"
	"steward/facts"
	"steward/playbooks/lang"
)

// A document is a playbook as written: the declarations that load it.
type document struct {
	Pos      strictyaml.Pos       `yaml:",pos"`
	Playbook strictyaml.Scalar    `yaml:"playbook,required" doc:"The playbook's name: lower-case letters, digits and dashes. What was said is remembered by it." pattern:"^[a-z][a-z0-9-]{0,63}$" want:"use lower-case letters, digits and dashes, beginning with a letter"`
	Title    string               `yaml:"title" doc:"What people call it, on cards and in reports. Without it, the name with spaces."`
	Kind     strictyaml.Scalar    `yaml:"kind" doc:"What opens and ends it: a signal is opened by its condition and ended by recovery; a process is opened by its condition and ended by exit_when or its last step; a rhythm is opened by the calendar, see every. Default signal." enum:"signal|process|rhythm"`
	About    strictyaml.Scalar    `yaml:"about" doc:"What it is judged for. Default account." enum:"account|contract|contact|product"`
	Stage    string               `yaml:"stage" doc:"The stage of the customer's journey that it belongs to, for people to sort by."`
	Purpose  strictyaml.Scalar    `yaml:"purpose" doc:"Why it speaks to a customer: holds and limits go by it. Default care." enum:"care|risk|commercial|report"`
	Why      string               `yaml:"why" doc:"One sentence for the CSM: why it is worth their time. It stands on the card."`
	Enabled  *bool                `yaml:"enabled" doc:"false keeps it from opening and sending. Default true."`
	Audience strictyaml.Text      `yaml:"audience" doc:"Which subjects it is for, as a condition. Without it, everybody in the portfolio." examples:"segment in ['mid-market', 'enterprise'] and arr >= 10k"`
	When     strictyaml.Text      `yaml:"when" doc:"The condition that opens it." examples:"drop(logins, 14d) >= 50% or quiet_days(logins) >= 14d"`
	For      strictyaml.Duration  `yaml:"for" doc:"For how long the condition has to hold before it fires: complete days for conditions on metrics. Default 0."`
	Until    strictyaml.Text      `yaml:"until" doc:"The condition that ends the episode, clearly past the trouble. Without it, the episode ends when the condition of when fails." examples:"recovered(logins, 14d) >= 80%"`
	ClearFor strictyaml.Duration  `yaml:"clear_for" doc:"For how long until has to hold before the episode is over. Default 0."`
	ExitWhen strictyaml.Text      `yaml:"exit_when" doc:"The condition that ends an enrolment, whatever its step." examples:"renewed or cancelled"`
	Severity strictyaml.Scalar    `yaml:"severity" doc:"How loud it is: critical passes the limits on cards to one owner. Default warning." enum:"info|warning|critical"`
	Priority strictyaml.Text      `yaml:"priority" doc:"A number; what has more comes first where there is room for few." examples:"arr"`
	Cooldown *strictyaml.Duration `yaml:"cooldown" doc:"For how long after an enrolment ended the same subject is not enrolled again. Default 0."`
	Reentry  strictyaml.Scalar    `yaml:"reentry" doc:"Whether a subject may pass through again: never, or once for each episode. Default on_new_episode." enum:"on_new_episode|never"`
	Holdout  strictyaml.Scalar    `yaml:"holdout" doc:"The share of customers that is left alone on purpose, to compare with; 0% to 50%. Default none." pattern:"^[0-9]+([.][0-9]+)?%$" want:"write a share from 0% to 50%, such as 10%"`
	MaxNew   strictyaml.Scalar    `yaml:"max_new" doc:"How many may open in one run before the rest is held for a person to look at: a number, or a share of the audience. Default 5%, and at least 10." pattern:"^([1-9][0-9]*|[0-9]+([.][0-9]+)?%)$" type:"string,integer" least:"1" want:"write a number such as 20, or a share such as 5%"`
	Backfill bool                 `yaml:"backfill" doc:"true opens at once what already held when the condition was new; otherwise that is held for a person to look at. Default false."`
	Steps    []stepDocument       `yaml:"steps,required" doc:"What happens once it opened, one step after the other."`

	Accept []strictyaml.Accepted `yaml:"accept" doc:"Lints that are not followed here, each with the reason."`

	openingKeys `yaml:",inline"`
	doneKeys    `yaml:",inline"`
	replyKeys   `yaml:",inline"`
}

type stepDocument struct {
	Pos         strictyaml.Pos       `yaml:",pos"`
	ID          strictyaml.Scalar    `yaml:"id" doc:"The step's name, needed by every step that says something; what was said is remembered by it." pattern:"^[a-z][a-z0-9-]{0,63}$" want:"use lower-case letters, digits and dashes, beginning with a letter"`
	Slack       strictyaml.Scalar    `yaml:"slack" doc:"Who gets a card: owner, manager or a channel in quotes." pattern:"^(owner|manager|#.+)$" want:"write owner, manager or a channel in quotes, such as \"#cs-enterprise\"" examples:"owner;manager"`
	Email       strictyaml.OneOrMore `yaml:"email" doc:"The roles at the customer to write to; the first that somebody reachable has is taken. Where the playbook is about contacts, contact is the person it is about." examples:"champion;admin;economic_buyer"`
	Message     strictyaml.Scalar    `yaml:"message" doc:"The message to say: a file in messages, without .md."`
	Wait        strictyaml.Scalar    `yaml:"wait" doc:"How long to wait before the next step: 3d, 2w or 2 business days." pattern:"^[1-9][0-9]*([dwh]| business days?)$" want:"write 3d, 2w, 36h or 2 business days" examples:"3d;2 business days"`
	If          strictyaml.Text      `yaml:"if" doc:"Skips the step unless this holds; while it is unknown, the step waits." examples:"not acked"`
	Unless      strictyaml.Text      `yaml:"unless" doc:"Skips the step where this holds, or ends a wait early." examples:"acked"`
	At          strictyaml.Text      `yaml:"at" doc:"The date on which the step is due; it moves when the date moves." examples:"notice_date - 30d"`
	IfLate      strictyaml.Scalar    `yaml:"if_late" doc:"What to do with a step whose date had passed before it was reached. Default skip." enum:"skip|now"`
	Approve     strictyaml.Scalar    `yaml:"approve" doc:"Who lets the mail go: owner, manager, or veto and how long they have to stop it. Default owner." pattern:"^(owner|manager|veto [0-9wdhms]+)$" want:"write owner, manager or veto 24h; unattended: true sends without asking" examples:"owner;manager;veto 24h"`
	Unattended  bool                 `yaml:"unattended" doc:"true sends the mail without asking anybody; its owner is told an hour before, and can stop it. Default false."`
	Expires     strictyaml.Duration  `yaml:"expires" doc:"For how long the message is worth sending. Default 7d."`
	OnRecovery  strictyaml.Scalar    `yaml:"on_recovery" doc:"Whether the enrolment ends here when the episode is over. Default exit." enum:"exit|continue"`
	OnUncertain strictyaml.Scalar    `yaml:"on_uncertain" doc:"What to do where nobody knows whether the message arrived. Default retry for Slack and leave for mail." enum:"leave|retry"`
	callKeys    `yaml:",inline"`
	taskKeys    `yaml:",inline"`
	remindKeys  `yaml:",inline"`
	buttonKeys  `yaml:",inline"`
}

// Load reads every playbook under dir/playbooks and every message under
// dir/messages, and checks them whole: what a book returns with no errors among
// its problems can be run. Warnings come along with a good book.
func Load(fsys fs.FS, playbookDir, messageDir string, s Settings) (*Book, steward.Problems) {
	l := &loader{book: &Book{Settings: s, Wordings: map[string]*Wording{}, byName: map[steward.PlaybookName]*Playbook{}, owners: map[steward.OwnerID]steward.Owner{}, silenced: &silenceConditions{read: map[string]silenceCondition{}}, zones: &zoneNames{read: map[string]*time.Location{}}}}
	for _, o := range s.Owners {
		l.book.owners[o.ID] = o
	}
	files, err := fs.Glob(fsys, path.Join(playbookDir, "*.y*ml"))
	l.names = playbookNames(fsys, files)
	l.book.playbooks = l.names
	l.settings()
	l.messages(fsys, messageDir)
	if err != nil || len(files) == 0 {
		l.problems = append(l.problems, steward.Problem{File: playbookDir, Message: "no playbooks found", Hint: "put a file such as playbooks/login-drop.yaml there; steward init writes an example"})
	}
	for _, file := range files {
		src, err := fs.ReadFile(fsys, file)
		if err != nil {
			l.problems = append(l.problems, steward.Problem{File: file, Message: "cannot be read: " + err.Error()})
			continue
		}
		l.file(file, src)
	}
	l.unused()
	l.renamed()
	l.inhibitions()
	slices.SortFunc(l.book.Playbooks, func(a, b *Playbook) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return l.book, once(l.problems.Sorted())
}

// once leaves out what was told before: a message is checked for each way in
// which it is used, and most of its mistakes are mistakes in all of them.
func once(ps steward.Problems) steward.Problems {
	told := make(map[steward.Problem]bool, len(ps))
	return slices.DeleteFunc(ps, func(p steward.Problem) bool {
		before := told[p]
		told[p] = true
		return before
	})
}

// Compile reads one stored playbook text against the book's settings and
// messages, for enrolments that began on it.
func (b *Book) Compile(text string) (*Playbook, error) {
	l := &loader{book: &Book{Settings: b.Settings, Wordings: b.Wordings, byName: map[steward.PlaybookName]*Playbook{}, owners: b.owners, rules: b.rules, silenced: b.silenced, zones: b.zones}, stored: true}
	l.file("stored playbook", []byte(text))
	if errs := l.problems.Errors(); len(errs) > 0 {
		return nil, errs
	}
	if len(l.book.Playbooks) != 1 {
		return nil, fmt.Errorf("the stored text holds %d playbooks", len(l.book.Playbooks))
	}
	return l.book.Playbooks[0], nil
}

type loader struct {
	book     *Book
	problems steward.Problems
	used     map[string]bool
	// names is every playbook's, read the playbooks with the texts that they were
	// read from: those with mistakes too.
	names []string
	read  []readPlaybook
	// stored is set for texts read back from the database: their wording may
	// be gone, and nobody can mend their lints.
	stored bool
}

// scope is the names an expression about a kind of subject may use.
func (l *loader) scope(kind steward.SubjectKind) lang.Scope {
	sc := l.book.Settings.Scope(kind)
	if l.stored {
		sc.Names = nil // what the text names may be gone; it is unknown then, and the steps go on
	}
	return sc
}

// Scope is the names an expression about a kind of subject may use: built-in
// and declared fields and the declared metrics. A contract's expressions read
// its account's fields too.
func (s Settings) Scope(kind steward.SubjectKind) lang.Scope {
	sc := lang.Scope{About: kind, Fields: facts.BuiltinFields(steward.AboutAccount), Metrics: map[string]steward.MetricKind{}}
	for _, f := range s.Fields {
		sc.Fields[f.Name] = f.Kind
	}
	if kind != steward.AboutAccount {
		maps.Copy(sc.Fields, facts.BuiltinFields(kind))
	}
	s.names(&sc)
	for _, m := range s.Metrics {
		sc.Metrics[m.Name] = m.Kind
	}
	s.features(&sc)
	if s.playbooks != nil {
		sc.Names["playbook"] = s.playbooks
	}
	if kind != steward.AboutAccount {
		sc.Accounts = s.Scope(steward.AboutAccount).Fields
	}
	return sc
}

func (l *loader) settings() {
	include := l.book.Include
	if include.IsZero() {
		include = strictyaml.Text{Value: DefaultInclude}
	}
	l.book.rules = l.derived()
	sc := l.scope(steward.AboutAccount)
	l.holds(sc)
	l.book.include = l.expr(source{l.book.File, l.book.Source, "portfolio.include"}, include, sc, steward.FlagKind)
	l.book.noMail = l.expr(source{l.book.File, l.book.Source, "portfolio.no_customer_mail"}, l.book.NoCustomerMail, sc, steward.FlagKind)
}

// source is where an expression stands.
type source struct {
	file  string
	text  []byte
	about string
}

// expr compiles an expression, or tells what is wrong with it; nil when absent
// or wrong.
func (l *loader) expr(src source, t strictyaml.Text, sc lang.Scope, want steward.Kind) *lang.Expr {
	if t.IsZero() {
		return nil
	}
	e, problems := lang.Compile(t.Value, sc, want)
	for _, p := range problems {
		l.problems = append(l.problems, t.Problem(src.file, src.about, p.Start, p.End, p.Message, p.Hint, src.text))
	}
	if len(problems) > 0 {
		return nil
	}
	if src.file == l.book.File && !t.Pos.IsZero() && !l.stored { // those of playbooks are kept once the playbook is known to be good
		l.condition(Condition{About: sc.About, Key: src.about, Expr: e, text: t, src: src})
	}
	return e
}

func (l *loader) file(file string, src []byte) {
	docs, problems := strictyaml.Documents(file, src)
	l.problems = append(l.problems, problems...)
	for _, d := range docs {
		var doc document
		problems := strictyaml.DecodeNode(file, src, d.Node, &doc)
		about := "playbook"
		if doc.Playbook.Value != "" {
			about += " " + doc.Playbook.Value
		}
		for i := range problems {
			problems[i].About = about
		}
		l.problems = append(l.problems, problems...)
		if !l.stored {
			l.book.Accepted = append(l.book.Accepted, strictyaml.Acceptances(doc.Accept, file, about, src)...)
		}
		before := len(l.problems.Errors())
		r := &reader{loader: l, src: source{file, src, about}, doc: doc}
		p := r.playbook(d.Source)
		if len(problems) == 0 && len(l.problems.Errors()) == before {
			l.lint(r, p)
			l.book.Playbooks = append(l.book.Playbooks, p)
			l.book.byName[p.Name] = p
		}
		l.read = append(l.read, readPlaybook{r, p})
	}
}

// reader turns one document into a playbook.
type reader struct {
	*loader
	src source
	doc document
}

func (r *reader) fault(s strictyaml.Scalar, message, hint string) {
	pos := s.Pos
	if pos.IsZero() {
		pos = r.doc.Pos
		s.Value = ""
	}
	s.Pos = pos
	r.problems = append(r.problems, s.Problem(r.src.file, r.src.about, message, hint, r.src.text))
}

func (r *reader) faultAt(pos strictyaml.Pos, message, hint string) {
	r.problems = append(r.problems, pos.Problem(r.src.file, r.src.about, 1, message, hint, r.src.text))
}

// oneOf reads a setting with a few values and a default.
func oneOf[T ~string](r *reader, key string, s strictyaml.Scalar, def T, values ...T) T {
	if s.Pos.IsZero() {
		return def
	}
	if slices.Contains(values, T(s.Value)) {
		return T(s.Value)
	}
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = string(v)
	}
	hint := "write " + strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
	if near := steward.Nearest(s.Value, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	r.fault(s, fmt.Sprintf("%s cannot be %q", key, s.Value), hint)
	return def
}

func (r *reader) playbook(text string) *Playbook {
	d := r.doc
	p := &Playbook{Name: steward.PlaybookName(d.Playbook.Value), File: r.src.file, Line: d.Pos.Line, Title: d.Title, Why: d.Why, Stage: d.Stage, Enabled: d.Enabled == nil || *d.Enabled,
		For: d.For.Days(), ClearFor: d.ClearFor.Days(), Backfill: d.Backfill, MaxNew: defaultMaxNew, Text: text}
	r.name(p)
	if p.Title == "" {
		p.Title = strings.ReplaceAll(d.Playbook.Value, "-", " ")
	}
	p.Kind = oneOf(r, "kind", d.Kind, Signal, Signal, Process, Rhythm)
	p.About = oneOf(r, "about", d.About, steward.AboutAccount, steward.SubjectKinds()...)
	p.Purpose = oneOf(r, "purpose", d.Purpose, "care", "care", "risk", "commercial", "report")
	p.Severity = oneOf(r, "severity", d.Severity, Warning, Info, Warning, Critical)
	p.Reentry = oneOf(r, "reentry", d.Reentry, OnNewEpisode, OnNewEpisode, Never)
	if d.Cooldown != nil {
		p.Cooldown = d.Cooldown.Std()
	}
	r.opening(p)
	p.Holdout = r.holdout(p)
	r.maxNew(p)
	r.conditions(p)
	for i := range d.Steps {
		p.Steps = append(p.Steps, r.step(p, &d.Steps[i]))
	}
	r.stepIDs(p)
	p.Version = fingerprint("playbook", text)
	p.Condition = p.conditionHash(r.book.rules)
	return p
}

func (r *reader) name(p *Playbook) {
	if r.doc.Playbook.Pos.IsZero() {
		return // a missing key is told already
	}
	if !isName(string(p.Name)) {
		r.fault(r.doc.Playbook, fmt.Sprintf("%q is not a playbook's name", p.Name), "use lower-case letters, digits and dashes, beginning with a letter")
	}
	if other, ok := r.book.byName[p.Name]; ok {
		r.fault(r.doc.Playbook, fmt.Sprintf("there is another playbook %s", p.Name), fmt.Sprintf("rename one of them; the other is in %s:%d", other.File, other.Line))
	}
}

func isName(s string) bool {
	for i, c := range s {
		if !(c >= 'a' && c <= 'z' || i > 0 && (c == '-' || c >= '0' && c <= '9')) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func (r *reader) holdout(p *Playbook) float64 {
	s := r.doc.Holdout
	if s.Pos.IsZero() {
		return 0
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(s.Value, "%"), 64)
	if err != nil || !strings.HasSuffix(s.Value, "%") || n < 0 || n > 50 {
		r.fault(s, fmt.Sprintf("holdout cannot be %q", s.Value), "write a share from 0% to 50%, such as 10%")
		return 0
	}
	if p.Severity == Critical {
		r.fault(s, "a critical playbook cannot have a holdout", "nobody should be left unhelped on purpose; remove holdout or lower the severity")
	}
	return n / 100
}

func (r *reader) maxNew(p *Playbook) {
	s := r.doc.MaxNew
	if s.Pos.IsZero() {
		return
	}
	if share, ok := strings.CutSuffix(s.Value, "%"); ok {
		if n, err := strconv.ParseFloat(share, 64); err == nil && n > 0 && n <= 100 {
			p.MaxNew = MaxNew{Share: n / 100, Floor: 1}
			return
		}
	} else if n, err := strconv.Atoi(s.Value); err == nil && n > 0 {
		p.MaxNew = MaxNew{Count: n}
		return
	}
	r.fault(s, fmt.Sprintf("max_new cannot be %q", s.Value), "write a number of openings in one run, such as 20, or a share of the audience, such as 5%")
}

func (r *reader) conditions(p *Playbook) {
	d, sc := r.doc, r.scope(p.About)
	p.Audience = r.expr(r.src, d.Audience, sc, steward.FlagKind)
	p.When = r.expr(r.src, d.When, sc, steward.FlagKind)
	if p.Kind == Rhythm {
		p.When = always(sc)
	} else if d.When.IsZero() {
		r.faultAt(d.Pos, "`when` is missing", "say what opens the playbook, such as when: drop(logins, 14d) >= 50%")
	}
	sc.AtOpen = true
	p.Until = r.expr(r.src, d.Until, sc, steward.FlagKind)
	p.ExitWhen = r.expr(r.src, d.ExitWhen, sc, steward.FlagKind)
	p.Priority = r.expr(r.src, d.Priority, sc, steward.NumberKind)
	r.goal(p, d.Goal, sc)
	sc.AtOpen = false
	r.pilot(p, d.Pilot, sc)
	r.doneWithin(d.doneKeys, p)
	r.replies(d.replyKeys, p)
}

func (r *reader) step(p *Playbook, d *stepDocument) Step {
	sc := r.scope(p.About)
	sc.AtOpen, sc.Acked = true, true
	s := Step{ID: d.ID.Value, Line: d.Pos.Line, Wording: d.Message.Value, Expires: d.Expires.Std(), Slack: d.Slack.Value, Webhook: d.Webhook.Value, Task: d.Task.Value,
		If: r.expr(r.src, d.If, sc, steward.FlagKind), Unless: r.expr(r.src, d.Unless, sc, steward.FlagKind), At: r.expr(r.src, d.At, sc, steward.DateKind)}
	for _, role := range d.Email {
		s.Email, s.Topic = append(s.Email, role.Value), steward.Topic(p.Purpose)
	}
	s.IfLate = oneOf(r, "if_late", d.IfLate, LateSkip, LateSkip, LateNow)
	s.ContinueOnRecovery = oneOf(r, "on_recovery", d.OnRecovery, "exit", "exit", "continue") == "continue"
	// Slack can be asked whether it has a card, and a webhook knows what comes
	// twice; a mail server cannot be asked.
	leave := "leave"
	if len(s.Email) == 0 {
		leave = "retry"
	}
	s.RetryUncertain = oneOf(r, "on_uncertain", d.OnUncertain, leave, "leave", "retry") == "retry"
	r.shape(p, d, &s)
	return s
}

// shape checks that a step is one thing, whole.
func (r *reader) shape(p *Playbook, d *stepDocument, s *Step) {
	kinds := 0
	for _, set := range []bool{!d.Wait.Pos.IsZero(), s.Slack != "", len(s.Email) > 0, s.Webhook != "", s.Task != ""} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		r.faultAt(d.Pos, "the step does nothing", "give it slack: owner, email: [champion] or wait: 3d")
		return
	case kinds > 1:
		r.faultAt(d.Pos, "the step does several things at once", "write one step for each of wait, slack, email, task and webhook")
		return
	}
	if !d.Wait.Pos.IsZero() {
		r.waitStep(d, s)
		return
	}
	if s.ID == "" {
		r.faultAt(d.Pos, "a step that sends needs an id", "add id: with a short name; outreach is remembered by it, so keep it when you reword the step")
	} else if !isName(s.ID) {
		r.fault(d.ID, fmt.Sprintf("%q is not a step's id", s.ID), "use lower-case letters, digits and dashes, beginning with a letter")
	}
	if s.Slack != "" && s.Slack != "owner" && s.Slack != "manager" && !strings.HasPrefix(s.Slack, "#") {
		r.fault(d.Slack, fmt.Sprintf("slack cannot go to %q", s.Slack), `write owner, manager or a channel in quotes, such as "#cs-enterprise"`)
	}
	if len(s.Email) > 0 && s.RetryUncertain {
		r.fault(d.OnUncertain, "a mail whose outcome was lost is never sent again", "a mail server cannot be asked what it took; write on_uncertain: leave, or remove it")
	}
	r.toSubject(p, d, s)
	r.approval(d, s)
	r.call(d, s)
	r.assignment(d.taskKeys, s)
	r.remind(d.remindKeys, s)
	r.cardKeys(d.buttonKeys, s)
	r.wording(p, d, s)
}

func (r *reader) waitStep(d *stepDocument, s *Step) {
	w, err := ParseWait(d.Wait.Value)
	if err != nil {
		r.fault(d.Wait, err.Error(), "")
	}
	s.Wait = w
	for _, k := range []struct {
		key string
		set bool
	}{{"message", s.Wording != ""}, {"if", !d.If.IsZero()}, {"at", !d.At.IsZero()}, {"if_late", !d.IfLate.Pos.IsZero()}, {"approve", !d.Approve.Pos.IsZero()}, {"unattended", d.Unattended}, {"expires", s.Expires > 0}, {"remind", d.remindKeys.given()}, {"due", !d.Due.Pos.IsZero()}, {"buttons", len(d.Buttons) > 0}} {
		if k.set {
			r.faultAt(d.Pos, fmt.Sprintf("a wait cannot have `%s`", k.key), "a wait takes unless:, which ends it early, and on_recovery:")
		}
	}
}

// approval reads who lets a mail go. Customer mail that says nothing waits for
// its owner: silence must never be what lets a mail out.
func (r *reader) approval(d *stepDocument, s *Step) {
	if len(s.Email) == 0 {
		if !d.Approve.Pos.IsZero() || d.Unattended {
			r.faultAt(d.Pos, "only an email step is approved", "remove approve and unattended")
		}
		return
	}
	switch v := d.Approve.Value; {
	case d.Unattended && v != "":
		r.fault(d.Approve, "a mail is either approved or unattended", "keep one of the two")
	case d.Unattended:
		s.Approve = Approval{By: "owner", Veto: toldBefore, Unattended: true}
	case v == "", v == "owner":
		s.Approve = Approval{By: "owner"}
	case v == "manager":
		s.Approve = Approval{By: "manager"}
	case strings.HasPrefix(v, "veto "):
		w, err := strictyaml.ParseDuration(strings.TrimPrefix(v, "veto "))
		if err != nil || w <= 0 {
			r.fault(d.Approve, fmt.Sprintf("approve cannot be %q", v), "write how long there is to stop it, such as veto 24h")
		}
		s.Approve = Approval{By: "owner", Veto: w.Std()}
	default:
		r.fault(d.Approve, fmt.Sprintf("approve cannot be %q", v), "write owner, manager or veto 24h; unattended: true sends without asking")
	}
}

func (r *reader) wording(p *Playbook, d *stepDocument, s *Step) {
	if s.Wording == "" && s.Webhook != "" {
		return // what was found may be all that the other system wants
	}
	if s.Wording == "" {
		r.faultAt(d.Pos, "the step has no message", "add message: with the name of a file in messages, without .md")
		return
	}
	w, ok := r.book.Wordings[s.Wording]
	if !ok {
		if r.stored {
			return
		}
		hint := "write messages/" + s.Wording + ".md"
		if near := steward.Nearest(s.Wording, slices.Collect(maps.Keys(r.book.Wordings))); near != "" {
			hint = "did you mean " + near + "?"
		}
		r.fault(d.Message, fmt.Sprintf("there is no message %q", s.Wording), hint)
		return
	}
	if r.used == nil {
		r.loader.used = map[string]bool{}
	}
	r.used[s.Wording] = true
	for i, role := range s.Email {
		if !slices.Contains(w.ForRoles, role) {
			hint := fmt.Sprintf("it is for %s; add the role to for_roles in %s if the wording suits", quoteList(w.ForRoles), w.File)
			if near := steward.Nearest(role, w.ForRoles); near != "" {
				hint = "did you mean " + near + "?"
			}
			r.fault(d.Email[i], fmt.Sprintf("message %s was not written for the role %s", w.Name, role), hint)
		}
	}
	if len(s.Email) > 0 && w.subjectAt.text == "" {
		r.fault(d.Message, fmt.Sprintf("message %s has no subject, and mail needs one", w.Name), "add subject: to the front matter of "+w.File)
	}
	r.problems = append(r.problems, w.use(r.book.Settings, p.About, len(s.Email) > 0)...)
}

func quoteList(names []string) string {
	if len(names) == 0 {
		return "no role"
	}
	return strings.Join(names, ", ")
}

func (r *reader) stepIDs(p *Playbook) {
	seen := map[string]int{}
	for i, s := range p.Steps {
		if s.ID == "" {
			continue
		}
		if first, ok := seen[s.ID]; ok {
			r.fault(r.doc.Steps[i].ID, fmt.Sprintf("two steps have the id %s", s.ID), fmt.Sprintf("rename this one; the other is in line %d", p.Steps[first].Line))
		}
		seen[s.ID] = i
	}
	if len(p.Steps) == 0 && r.doc.Steps != nil { // a missing key is told already
		r.faultAt(r.doc.Pos, "the playbook has no steps", "add at least one step, such as - {id: nudge, slack: owner, message: …}")
	}
}

// conditionHash covers what decides who fires, and nothing else: editing
// words, steps, formatting or a comment never makes a new baseline. What the
// condition reads of health and journey decides, too.
func (p *Playbook) conditionHash(rules *derived) string {
	if p.Kind == Rhythm { // who is in its audience changes nothing about when it comes round
		return fingerprint("condition", "rhythm\x00"+p.Every.String())
	}
	parts := []string{string(p.About), strconv.FormatFloat(p.For, 'g', -1, 64), strconv.FormatFloat(p.ClearFor, 'g', -1, 64)}
	for _, e := range []*lang.Expr{p.Audience, p.When, p.Until} {
		if e == nil {
			parts = append(parts, "")
		} else {
			parts = append(parts, e.Canonical())
		}
	}
	if worked := rules.fingerprint(p.Audience, p.When, p.Until); worked != "" {
		parts = append(parts, worked)
	}
	return fingerprint("condition", strings.Join(parts, "\x00"))
}

func fingerprint(kind, text string) string {
	h := sha256.Sum256([]byte(kind + "\x00" + text))
	return hex.EncodeToString(h[:12])
}

// unused tells messages that no step sends.
func (l *loader) unused() {
	for _, name := range slices.Sorted(maps.Keys(l.book.Wordings)) {
		if !l.used[name] {
			l.problems = append(l.problems, steward.Problem{File: l.book.Wordings[name].File, Lint: "unused-message", Message: "no playbook sends this message", Hint: "name it in a step, or remove the file"})
		}
	}
}
