package playbooks

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"text/template"
	"text/template/parse"
	"unicode/utf8"

	"steward"
	"steward/configs/strictyaml"
	"steward/facts"
	"steward/playbooks/lang"
)

// A Wording is a message template: Markdown with values in it.
type Wording struct {
	Name, File string
	// ForRoles is the roles of customers' people it was written for.
	ForRoles []string
	// Locale is the language it is written in, "" for the workspace's.
	Locale string
	// in is its translations, by tag; see translations.go.
	in map[string]*Wording

	// say is the line to say on a card; nil for none.
	body, subject, say *template.Template
	source             []byte
	accepted           []steward.Acceptance
	// bodyAt, subjectAt and sayAt are where they begin in the file.
	bodyAt, subjectAt, sayAt origin

	// A stored playbook that uses the wording as no newest one does is compiled
	// while others compose, so that what was checked is found under a lock.
	mu      sync.RWMutex
	facts   map[factKey]*lang.Expr
	checked map[useKey]bool
}

// fact is the expression that the wording reads in one use; false where that
// use was never checked.
func (w *Wording) fact(key factKey) (*lang.Expr, bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	e, ok := w.facts[key]
	return e, ok
}

// origin is a template's text and the place of its first character in the
// file, from 1.
type origin struct {
	text         string
	line, column int
}

// expressions is what the wording reads in any of its uses and languages.
func (w *Wording) expressions() []*lang.Expr {
	var out []*lang.Expr
	for _, w := range w.all() {
		w.mu.RLock()
		out = slices.AppendSeq(out, maps.Values(w.facts))
		w.mu.RUnlock()
	}
	return out
}

// templates is what it is made of.
func (w *Wording) templates() []*template.Template {
	return slices.DeleteFunc([]*template.Template{w.subject, w.body, w.say}, func(t *template.Template) bool { return t == nil })
}

type factKey struct {
	about  steward.SubjectKind
	source string
}

type useKey struct {
	about steward.SubjectKind
	mail  bool
}

// Limits of a template: long enough for any letter, short enough that no slip
// makes a novel of it.
const (
	maxWordingBytes  = 32 << 10
	maxRenderedBytes = 64 << 10
)

type frontMatter struct {
	ForRoles strictyaml.OneOrMore `yaml:"for_roles" doc:"The roles of the customer's people that the message was written for. A mail goes to nobody else." examples:"champion;admin;economic_buyer"`
	Subject  strictyaml.Scalar    `yaml:"subject" doc:"The mail's subject. It may hold values, such as {{ .account.name }}."`
	Say      strictyaml.Scalar    `yaml:"say" doc:"On a card, a line that the reader could say to the customer. It may hold values, as the subject may." examples:"Has something changed on your side?"`
	Locale   string               `yaml:"locale" doc:"The language it is written in, such as en or de. Default the workspace's."`

	Accept []strictyaml.Accepted `yaml:"accept" doc:"Lints that are not followed here, each with the reason."`
}

func (l *loader) messages(fsys fs.FS, dir string) {
	files, _ := fs.Glob(fsys, path.Join(dir, "*.md"))
	var translated []*Wording
	for _, file := range files {
		src, err := fs.ReadFile(fsys, file)
		if err != nil {
			l.problems = append(l.problems, steward.Problem{File: file, Message: "cannot be read: " + err.Error()})
			continue
		}
		w, problems := parseWording(file, src)
		l.problems = append(l.problems, problems...)
		l.book.Accepted = append(l.book.Accepted, w.accepted...)
		if strings.Contains(w.Name, ".") {
			translated = append(translated, w)
			continue
		}
		l.book.Wordings[w.Name] = w
	}
	l.translations(translated)
}

// lineEnds makes the line ends of all systems one, as YAML does.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// parseWording reads one message file. A file with problems still gives a
// Wording, so that steps that name it are not told it is missing.
func parseWording(file string, src []byte) (*Wording, steward.Problems) {
	w := &Wording{Name: strings.TrimSuffix(path.Base(file), ".md"), File: file, source: src, facts: map[factKey]*lang.Expr{}, checked: map[useKey]bool{}}
	if len(src) > maxWordingBytes {
		return w, steward.Problems{{File: file, Message: fmt.Sprintf("the message is %d KiB long; %d KiB is the most", len(src)>>10, maxWordingBytes>>10), Hint: "shorten it"}}
	}
	text := lineEnds.Replace(strings.TrimPrefix(string(src), "\ufeff"))
	w.source = []byte(text)
	head, body := "", text
	if rest, ok := strings.CutPrefix(text, "---\n"); ok {
		var closed bool
		if head, body, closed = cutFrontMatter(rest); !closed {
			return w, steward.Problems{{File: file, Line: 1, Column: 1, Message: "the front matter is not closed", Hint: "put a line --- after it"}}
		}
	}
	w.bodyAt = origin{body, 1 + strings.Count(text[:len(text)-len(body)], "\n"), 1}
	var fm frontMatter
	var problems steward.Problems
	if strings.TrimSpace(head) != "" {
		problems = strictyaml.Decode(file, []byte("\n"+head), &fm) // the opening --- is line 1
	}
	for _, r := range fm.ForRoles {
		w.ForRoles = append(w.ForRoles, r.Value)
	}
	if w.Locale = fm.Locale; w.Locale != "" && !isLocale(w.Locale) {
		problems = append(problems, steward.Problem{File: file, Line: 1, Column: 1, Snippet: w.lineText(1), Message: fmt.Sprintf("locale: %q is no language", w.Locale), Hint: "write a code such as en, de or pt-BR"})
	}
	w.accepted = strictyaml.Acceptances(fm.Accept, file, "", []byte("\n"+head))
	var ps steward.Problems
	w.body, ps = w.template(w.bodyAt)
	problems = append(problems, ps...)
	w.subject, w.subjectAt, ps = w.inFrontMatter(fm.Subject)
	problems = append(problems, ps...)
	w.say, w.sayAt, ps = w.inFrontMatter(fm.Say)
	problems = append(problems, ps...)
	return w, problems
}

// inFrontMatter is a template that stands as a scalar in the front matter; nil
// where it is empty.
func (w *Wording) inFrontMatter(v strictyaml.Scalar) (*template.Template, origin, steward.Problems) {
	if v.Value == "" {
		return nil, origin{}, nil
	}
	at := origin{v.Value, v.Pos.Line, v.Pos.Column}
	switch v.Pos.Style {
	case strictyaml.SingleQuoted, strictyaml.DoubleQuoted:
		at.column++
	case strictyaml.Literal, strictyaml.Folded:
		at.line++
		line := w.lineText(at.line)
		at.column = len(line) - len(strings.TrimLeft(line, " ")) + 1
	}
	t, problems := w.template(at)
	return t, at, problems
}

func cutFrontMatter(text string) (head, body string, closed bool) {
	if rest, ok := strings.CutPrefix(text, "---\n"); ok {
		return "", rest, true
	}
	if head, body, ok := strings.Cut(text, "\n---\n"); ok {
		return head, body, true
	}
	head, ok := strings.CutSuffix(text, "\n---")
	return head, "", ok
}

// functions are all that a template may call, beside logic. Values are weighed
// inside fact, where they have units and may be unknown.
var functions = []string{"fact", "percent", "number", "money", "date", "days"}

// valueGroups are what the values of some message begin with.
var valueGroups = []string{"account", "contact", "contract", "manager", "owner", "playbook", "product"}

var logic = []string{"and", "or", "not", "eq", "ne"}

// formats says which kinds of value each way of printing is for.
var formats = map[string][]steward.Kind{
	"percent": {steward.NumberKind},
	"number":  {steward.NumberKind, steward.DurationKind},
	"money":   {steward.NumberKind},
	"date":    {steward.DateKind},
	"days":    {steward.DurationKind, steward.NumberKind},
}

func placeholders() template.FuncMap {
	m := template.FuncMap{}
	for _, f := range functions {
		m[f] = func(...any) (any, error) { return nil, nil }
	}
	return m
}

// template parses text and refuses what a message has no need of: loops,
// definitions, and functions that are not on the list.
func (w *Wording) template(from origin) (*template.Template, steward.Problems) {
	t, err := template.New(w.Name).Option("missingkey=error").Funcs(placeholders()).Parse(from.text)
	if err != nil {
		return nil, steward.Problems{w.parseProblem(err, from)}
	}
	var problems steward.Problems
	for _, bad := range forbidden(t.Tree.Root) {
		problems = append(problems, w.problem(from, int(bad.node.Position()), bad.message, bad.hint))
	}
	if len(t.Templates()) > 1 {
		problems = append(problems, steward.Problem{File: w.File, Line: from.line, Column: from.column, Snippet: w.lineText(from.line), Message: "define and block have no place in a message", Hint: "write the text where it belongs"})
	}
	return t, problems
}

// parseProblem turns the template package's "template: name:3: message" into a
// problem at the file's line.
func (w *Wording) parseProblem(err error, from origin) steward.Problem {
	msg := strings.TrimPrefix(err.Error(), "template: "+w.Name+":")
	var at int
	if n, rest, ok := strings.Cut(msg, ":"); ok {
		if _, scanErr := fmt.Sscanf(n, "%d", &at); scanErr == nil {
			msg = strings.TrimSpace(rest)
		}
	}
	p := steward.Problem{File: w.File, Line: min(from.line+max(at, 1)-1, strings.Count(string(w.source), "\n")+1), Column: 1, Message: msg}
	if at <= 1 {
		p.Column = from.column
	}
	if name, unknown := strings.CutPrefix(msg, "function "); unknown {
		name, _, _ = strings.Cut(strings.TrimPrefix(name, `"`), `"`)
		p.Message, p.Hint = fmt.Sprintf("there is no function %s in messages", name), "use "+strings.Join(functions, ", ")
		if slices.Contains(valueGroups, name) {
			p.Message, p.Hint = name+" is a value, and values begin with a dot", "write ."+name+".name, for example"
		}
	}
	if strings.Contains(msg, "character constant") {
		p.Message, p.Hint = "an expression stands in double quotes", `write fact "…"; for that, put a whole subject in single quotes`
	}
	p.Snippet = w.lineText(p.Line)
	return p
}

// problem is a mistake at an offset of a template's text. Of a subject with
// escapes the column is as near as can be had.
func (w *Wording) problem(from origin, offset int, message, hint string) steward.Problem {
	before := from.text[:min(offset, len(from.text))]
	p := steward.Problem{File: w.File, Line: from.line + strings.Count(before, "\n"), Message: message, Hint: hint}
	p.Column = utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	if p.Line == from.line {
		p.Column += from.column - 1
	}
	p.Snippet = w.lineText(p.Line)
	return p
}

func (w *Wording) lineText(n int) string {
	lines := strings.Split(string(w.source), "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}

type badNode struct {
	node          parse.Node
	message, hint string
}

// forbidden walks a template and lists what a message may not hold.
func forbidden(n parse.Node) []badNode {
	var out []badNode
	walkTemplate(n, func(n parse.Node) {
		switch x := n.(type) {
		case *parse.RangeNode, *parse.WithNode, *parse.TemplateNode, *parse.BreakNode, *parse.ContinueNode:
			out = append(out, badNode{n, "range, with and template have no place in a message", "write the text out; if … else … end is what there is"})
		case *parse.VariableNode, *parse.DotNode, *parse.NilNode, *parse.ChainNode:
			out = append(out, badNode{n, fmt.Sprintf("%s has no place in a message", n), "write a value such as .account.name"})
		case *parse.PipeNode:
			if len(x.Decl) > 0 {
				out = append(out, badNode{n, "variables have no place in a message", "write the value where it belongs"})
			}
		case *parse.IdentifierNode:
			switch {
			case slices.Contains([]string{"lt", "le", "gt", "ge"}, x.Ident):
				out = append(out, badNode{n, x.Ident + " is not a function of messages", `compare inside fact: {{ if fact "arr >= 10k" }}`})
			case !slices.Contains(functions, x.Ident) && !slices.Contains(logic, x.Ident):
				out = append(out, badNode{n, fmt.Sprintf("%s is not a function of messages", x.Ident), "use " + strings.Join(functions, ", ")})
			}
		}
	})
	return out
}

// walkTemplate visits every node of a parsed template.
func walkTemplate(n parse.Node, visit func(parse.Node)) {
	if n == nil {
		return
	}
	list := func(l *parse.ListNode) {
		if l != nil {
			for _, c := range l.Nodes {
				walkTemplate(c, visit)
			}
		}
	}
	branch := func(b *parse.BranchNode) {
		walkTemplate(b.Pipe, visit)
		list(b.List)
		list(b.ElseList)
	}
	switch x := n.(type) {
	case *parse.ListNode:
		list(x)
		return
	case *parse.ActionNode:
		walkTemplate(x.Pipe, visit)
	case *parse.PipeNode:
		if x == nil {
			return
		}
		for _, c := range x.Cmds {
			walkTemplate(c, visit)
		}
	case *parse.CommandNode:
		for _, a := range x.Args {
			walkTemplate(a, visit)
		}
	case *parse.ChainNode:
		walkTemplate(x.Node, visit)
	case *parse.IfNode:
		branch(&x.BranchNode)
	case *parse.RangeNode:
		branch(&x.BranchNode)
	case *parse.WithNode:
		branch(&x.BranchNode)
	}
	visit(n)
}

// use checks the wording for one use of it: about an account or a contract, on
// a card or in a mail. Each use is checked once.
func (w *Wording) use(s Settings, about steward.SubjectKind, mail bool) steward.Problems {
	var problems steward.Problems
	for _, t := range w.all() {
		problems = append(problems, t.useIn(s, about, mail)...)
	}
	return problems
}

// useIn checks the text of one language.
func (w *Wording) useIn(s Settings, about steward.SubjectKind, mail bool) steward.Problems {
	key := useKey{about, mail}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.checked[key] || w.body == nil {
		return nil
	}
	w.checked[key] = true
	c := &useCheck{Wording: w, settings: s, about: about, names: valueNames(s, about, mail)}
	c.check(w.body, w.bodyAt)
	if w.subject != nil {
		c.check(w.subject, w.subjectAt)
	}
	if w.say != nil {
		c.check(w.say, w.sayAt)
		if mail {
			c.problems = append(c.problems, w.problem(w.sayAt, 0, "say is for cards, and a mail to a customer has none", "write it into the mail, or remove it"))
		}
	}
	return c.problems
}

type useCheck struct {
	*Wording
	from     origin
	settings Settings
	about    steward.SubjectKind
	names    map[string][]string
	problems steward.Problems
}

func (c *useCheck) check(t *template.Template, from origin) {
	c.from = from
	walkTemplate(t.Tree.Root, func(n parse.Node) {
		switch x := n.(type) {
		case *parse.FieldNode:
			c.field(x)
		case *parse.CommandNode:
			c.fact(x)
		case *parse.PipeNode:
			c.pipe(x)
		}
	})
}

func (c *useCheck) fail(n parse.Node, message, hint string) {
	c.problems = append(c.problems, c.problem(c.from, int(n.Position()), message, hint))
}

// pipe checks what each function of a pipe is given: text/template finds out
// about that when the message is written, which is too late.
func (c *useCheck) pipe(p *parse.PipeNode) {
	for i, cmd := range p.Cmds {
		given := slices.Clone(cmd.Args[1:])
		if i > 0 {
			given = append(given, p.Cmds[i-1])
		}
		for _, a := range cmd.Args[1:] {
			if id, ok := a.(*parse.IdentifierNode); ok {
				c.fail(id, fmt.Sprintf("%s stands where a value belongs", id.Ident), "put a call in parentheses: (fact \"arr\")")
			}
		}
		id, ok := cmd.Args[0].(*parse.IdentifierNode)
		if !ok {
			continue
		}
		kinds, format := formats[id.Ident]
		switch {
		case format && len(given) != 1:
			c.fail(id, id.Ident+" takes one value", "write {{ .account.arr | "+id.Ident+" }}, for example")
		case format:
			if kind := c.kindOf(given[0]); kind != steward.NoKind && !slices.Contains(kinds, kind) {
				c.fail(id, fmt.Sprintf("%s cannot show a %s", id.Ident, kind), "leave it out, and the value prints as what it is")
			}
		case id.Ident == "eq" || id.Ident == "ne":
			c.equality(id, given)
		case id.Ident == "or" && i > 0:
			c.fail(id, "what is piped into or comes last, so it never prints", "write the value first and what to print without it last: "+orExample)
		case id.Ident == "not" && len(given) != 1, id.Ident != "fact" && len(given) == 0:
			c.fail(id, id.Ident+" lacks what it is about", `write {{ if not .account.test }}, for example`)
		case id.Ident == "fact" && i > 0:
			c.fail(id, "nothing can be piped into fact", `write {{ fact "drop(logins, 14d)" }}`)
		}
	}
}

// equality is of texts alone; everything else is weighed inside fact.
func (c *useCheck) equality(id *parse.IdentifierNode, given []parse.Node) {
	ok := len(given) >= 2
	for _, g := range given {
		if _, literal := g.(*parse.StringNode); !literal && c.kindOf(g) != steward.TextKind {
			ok = false
		}
	}
	if !ok {
		c.fail(id, id.Ident+" compares texts", `write {{ if eq .account.segment "smb" }}, or compare inside fact: {{ if fact "arr == 10k" }}`)
	}
}

// kindOf is the kind of value that an argument gives; NoKind where another
// check has already said that there is none, or formatting has made it words.
func (c *useCheck) kindOf(n parse.Node) steward.Kind {
	switch x := n.(type) {
	case *parse.PipeNode:
		if len(x.Cmds) == 1 {
			return c.kindOf(x.Cmds[0])
		}
	case *parse.CommandNode:
		if len(x.Args) == 1 {
			return c.kindOf(x.Args[0])
		}
		if id, ok := x.Args[0].(*parse.IdentifierNode); ok && id.Ident == "fact" {
			if lit, ok := x.Args[1].(*parse.StringNode); ok {
				if e, ok := c.facts[factKey{c.about, lit.Text}]; ok {
					return e.Kind()
				}
			}
		}
	case *parse.StringNode:
		return steward.TextKind
	case *parse.NumberNode, *parse.BoolNode:
		return steward.FlagKind // of no use to any of them
	case *parse.FieldNode:
		return c.fieldKind(x)
	}
	return steward.NoKind
}

func (c *useCheck) fieldKind(n *parse.FieldNode) steward.Kind {
	if len(n.Ident) != 2 || !slices.Contains(c.names[n.Ident[0]], n.Ident[1]) {
		return steward.NoKind
	}
	switch n.Ident[0] {
	case "account":
		return c.settings.Scope(steward.AboutAccount).Fields[n.Ident[1]]
	case "contract":
		return facts.BuiltinFields(steward.AboutContract)[n.Ident[1]]
	case "person":
		return facts.BuiltinFields(steward.AboutContact)[n.Ident[1]]
	case "product":
		return facts.BuiltinFields(steward.AboutProduct)[n.Ident[1]]
	}
	return steward.TextKind
}

// field checks a value such as .account.name.
func (c *useCheck) field(n *parse.FieldNode) {
	start := int(n.Pos)
	if len(n.Ident) > 1 { // the parser places a chain at its second name
		start -= len(n.Ident[0]) + 1
	}
	fail := func(message, hint string) {
		c.problems = append(c.problems, c.problem(c.from, start, message, hint))
	}
	groups := make([]string, 0, len(c.names))
	for g := range c.names {
		groups = append(groups, g)
	}
	slices.Sort(groups)
	names, ok := c.names[n.Ident[0]]
	if !ok {
		if n.Ident[0] == "contact" {
			fail("there is no .contact here", "a card goes to a colleague; .contact is whom a mail is to, or the person whom a playbook about contacts is about")
			return
		}
		fail(fmt.Sprintf("there is no .%s here", n.Ident[0]), near(n.Ident[0], groups, "use ."+strings.Join(groups, ", .")))
		return
	}
	if len(n.Ident) != 2 {
		fail(fmt.Sprintf(".%s is not a value", strings.Join(n.Ident, ".")), fmt.Sprintf("write .%s.%s, for example", n.Ident[0], names[0]))
		return
	}
	if !slices.Contains(names, n.Ident[1]) {
		c.fail(n, fmt.Sprintf(".%s has no %s", n.Ident[0], n.Ident[1]), near(n.Ident[1], names, "it has "+strings.Join(names, ", ")))
	}
}

func near(name string, candidates []string, otherwise string) string {
	if n := steward.Nearest(name, candidates); n != "" {
		return "did you mean " + n + "?"
	}
	return otherwise
}

// fact compiles the expression of a fact call; it must stand there as written.
func (c *useCheck) fact(n *parse.CommandNode) {
	id, ok := n.Args[0].(*parse.IdentifierNode)
	if !ok || id.Ident != "fact" {
		return
	}
	var lit *parse.StringNode
	if len(n.Args) == 2 {
		lit, _ = n.Args[1].(*parse.StringNode)
	}
	if lit == nil {
		c.fail(n, "fact takes one expression in quotes", `write {{ fact "drop(logins, 14d)" }}`)
		return
	}
	sc := c.settings.Scope(c.about)
	sc.AtOpen = true
	e, problems := lang.Compile(lit.Text, sc, steward.NoKind)
	for _, p := range problems {
		// Offsets are good while the literal has no escapes; else its start is told.
		at := int(lit.Pos)
		if lit.Quoted[1:len(lit.Quoted)-1] == lit.Text {
			at += 1 + p.Start
		}
		c.problems = append(c.problems, c.problem(c.from, at, p.Message, p.Hint))
	}
	if len(problems) == 0 {
		c.facts[factKey{c.about, lit.Text}] = e
	}
}

// valueNames is every value a message may print, by group.
func valueNames(s Settings, about steward.SubjectKind, mail bool) map[string][]string {
	fields := func(kind steward.SubjectKind) []string {
		var out []string
		for name := range facts.BuiltinFields(kind) {
			out = append(out, name)
		}
		slices.Sort(out)
		return out
	}
	m := map[string][]string{
		"account":  fields(steward.AboutAccount),
		"owner":    {"name", "first_name", "email"},
		"manager":  {"name", "first_name", "email"},
		"playbook": {"name", "title", "why"},
	}
	for _, f := range s.Fields {
		m["account"] = append(m["account"], f.Name)
	}
	if about == steward.AboutContract {
		m["contract"] = fields(steward.AboutContract)
	}
	if group, ok := subjectGroup[about]; ok {
		m[group] = subjectNames(about)
	}
	if mail {
		m["contact"] = []string{"name", "first_name", "email", "role"}
	}
	return m
}

// render writes a template with values, or an error that names what could not
// be written.
func render(t *template.Template, funcs template.FuncMap, values map[string]any) (string, error) {
	c, err := t.Clone()
	if err != nil {
		return "", fmt.Errorf("prepare message %s: %w", t.Name(), err)
	}
	out := &boundedBuffer{left: maxRenderedBytes}
	if err := c.Funcs(funcs).Execute(out, values); err != nil {
		return "", fmt.Errorf("write message %s: %w", t.Name(), err)
	}
	return out.String(), nil
}

// boundedBuffer refuses to grow past what a message may be.
type boundedBuffer struct {
	bytes.Buffer
	left int
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, fmt.Errorf("the message grows past %d KiB", maxRenderedBytes>>10)
	}
	return b.Buffer.Write(p)
}
