// Package lang is the language of conditions: what stands in when, until,
// audience and if, in dates, priorities and the facts inside messages. It
// parses, checks, and evaluates expressions, and tells in words what they came
// to.
//
// It knows fields and metrics only by name and kind, as a Scope hands them in,
// and reads their values from facts. It does not know playbooks, phases, files
// or YAML, does no I/O, and an expression cannot loop: its cost is bounded by
// its length. Playbooks call it for every condition, replay and the commands
// through them.
//
// There are two ways to evaluate. Expr.Column is a column program for all rows
// at once; Expr.Value interprets one row straight from the definition, and
// serves where one account is explained. They share no arithmetic, and tests
// hold them to the same answers.
package lang

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"steward"
	"steward/facts"
)

// Limits on what is read. They bound every pass over an expression; nothing
// that a person writes comes near them.
const (
	maxSource  = 4096 // bytes
	maxNesting = 64   // parentheses, calls, not, minus, ? : within one another
	maxNodes   = 2000
	maxShown   = 20 // problems; past these the first ones are what to mend
)

// A Span is a stretch of the source, as byte offsets; End is past its last
// byte. It always lies inside the source and is empty only at its end.
type Span struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// A Problem is one mistake in an expression: where it is, what is wrong or was
// expected, and (where there is one) what to write instead.
type Problem struct {
	Span
	Message, Hint string
}

// A Scope is the names an expression may use.
type Scope struct {
	About steward.SubjectKind
	// Fields is every bare name with a value of its own, built in or declared.
	Fields map[string]steward.Kind
	// Accounts is those of accounts, which family reads; nil where Fields is.
	Accounts map[string]steward.Kind
	Metrics  map[string]steward.MetricKind
	// Names is what a quoted argument may be, by what the function takes:
	// "milestone", "part" (of health), "playbook", "feature", "objective",
	// "role". What is absent takes any name.
	Names map[string][]string
	// Features is the metrics that are use of each feature.
	Features map[string][]string
	// Acked tells that `acked`, `done` and `replied` may be used: there is an
	// enrolment whose card can have been taken, whose task done, whose mail answered.
	Acked bool
	// AtOpen tells that at_open and recovered may be used: the expression is
	// read during an episode.
	AtOpen bool
}

// An Expr is a checked expression. It is immutable and safe for concurrent
// use (the facts.View that it is evaluated on is not).
type Expr struct {
	source    string
	canonical string
	root      *node
	metrics   []string
	fields    []string
	asks      []facts.Question
	loads     []string
	kinds     map[string]steward.MetricKind
	answers   []string
	frozen    []frozen
}

// frozen is an argument of at_open and the name its value is kept by.
type frozen struct {
	key string
	arg *node
}

// Compile reads an expression that should give a value of kind want; NoKind
// takes any. It reports every problem it can find, in source order; the Expr is
// nil when there is one.
func Compile(src string, scope Scope, want steward.Kind) (*Expr, []Problem) {
	notes := &notes{src: src}
	if len(src) > maxSource {
		notes.add(Span{maxSource, len(src)}, fmt.Sprintf("the expression has %d bytes, and at most %d are read", len(src), maxSource), "split it into several playbooks, or declare a field in the source")
		return nil, notes.list
	}
	root := parse(src, notes)
	c := &checker{scope: scope, notes: notes, fields: map[string]bool{}, metrics: map[string]bool{}, loads: map[string]bool{}}
	c.expression(root, want)
	if len(notes.list) > 0 {
		return nil, notes.sorted()
	}
	e := &Expr{
		source:    src,
		canonical: canonical(root),
		root:      root,
		metrics:   slices.Sorted(maps.Keys(c.metrics)),
		fields:    slices.Sorted(maps.Keys(c.fields)),
		asks:      c.asks,
		loads:     slices.Sorted(maps.Keys(c.loads)),
		kinds:     map[string]steward.MetricKind{},
		answers:   c.answers,
	}
	for m := range c.metrics {
		e.kinds[m] = scope.Metrics[m]
	}
	e.frozen = frozenOf(root)
	return e, nil
}

// Source is the expression as written.
func (e *Expr) Source() string { return e.source }

// Kind is the kind of value that the expression gives.
func (e *Expr) Kind() steward.Kind { return e.root.kind }

// Metrics is every metric that it reads, sorted.
func (e *Expr) Metrics() []string { return slices.Clone(e.metrics) }

// Fields is every field that it reads, sorted.
func (e *Expr) Fields() []string { return slices.Clone(e.fields) }

// Asks is every question that it asks beside fields and windows, such as
// tickets('urgent').
func (e *Expr) Asks() []facts.Question { return slices.Clone(e.asks) }

// Loads is the metrics that its questions read, sorted: they have to be at
// hand, and no condition is judged by their days.
func (e *Expr) Loads() []string { return slices.Clone(e.loads) }

// Percent tells that people read its value as a percentage: drop(…), change(…),
// recovered(…), and what is reckoned from these or from a percentage.
func (e *Expr) Percent() bool { return e.root.percent }

// Canonical is the expression in one spelling: spaces, quotes, needless
// parentheses and units (2w, 14d; 10k, 10000) made alike. Two sources that
// differ in these alone have the same canonical text, and compiling it gives
// the same values and the same canonical text.
func (e *Expr) Canonical() string { return e.canonical }

// Frozen is the names by which the values of its at_open arguments are kept,
// sorted: the canonical texts of the arguments.
func (e *Expr) Frozen() []string {
	out := make([]string, 0, len(e.frozen))
	for _, f := range e.frozen {
		out = append(out, f.key)
	}
	return out
}

// String is the source.
func (e *Expr) String() string { return e.source }

// notes gathers problems, each inside the source and at most one per place.
type notes struct {
	src  string
	list []Problem
}

func (n *notes) add(s Span, message, hint string) {
	s.Start = min(max(s.Start, 0), len(n.src))
	s.End = min(max(s.End, s.Start), len(n.src))
	if s.Start == len(n.src) { // at the end there is only the last character to underline
		_, size := utf8.DecodeLastRuneInString(n.src)
		s.Start -= size
	}
	if len(n.list) >= maxShown || slices.ContainsFunc(n.list, func(p Problem) bool { return p.Span == s }) {
		return
	}
	n.list = append(n.list, Problem{s, message, hint})
}

func (n *notes) sorted() []Problem {
	slices.SortStableFunc(n.list, func(a, b Problem) int { return a.Start - b.Start })
	return n.list
}

// written is a stretch of the source on one line.
func written(src string, s Span) string {
	text := src[s.Start:s.End]
	if strings.ContainsAny(text, "\n\r\t") {
		return ""
	}
	return text
}
