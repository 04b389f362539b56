package lang

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"steward"
)

// A tokenKind is the sort of a token. Operators and punctuation are all
// tokenSign, told apart by their text; so are and, or, not, in and contains.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenSign
	tokenName
	tokenLiteral
	tokenBad // unreadable, and reported
)

type token struct {
	kind tokenKind
	span Span
	text string // a sign's spelling, a name
	// literal is what a tokenLiteral stands for.
	literal *node
}

// lex cuts the source into tokens, ending with a tokenEnd. Slips that have one
// likely meaning (= for ==, &&, AND, 10 k) are reported and read as what was
// meant, so that the mistakes behind them are found in the same pass.
func lex(src string, notes *notes) []token {
	l := &lexer{src: src, notes: notes}
	var out []token
	for {
		t := l.next()
		out = append(out, t)
		if t.kind == tokenEnd {
			return out
		}
	}
}

type lexer struct {
	src   string
	at    int
	notes *notes
}

var (
	spaceForm  = regexp.MustCompile(`^[ \t\r\n]+`)
	nameForm   = regexp.MustCompile(`^[\p{L}_][\p{L}\p{M}\p{N}_]*`)
	plainForm  = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	numberForm = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?`)
	dateForm   = regexp.MustCompile(`^([0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{1,2}-[0-9]{1,2}-[0-9]{4})`)
	unitForm   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*`)
	apartForm  = regexp.MustCompile(`^[ \t]+(k|K|m|M|d|D|w|W|mo|%|[Bb]usiness +days?|[Dd]ays?|[Ww]eeks?|[Mm]onths?|[Yy]ears?|[Hh]ours?|[Mm]illions?|percent)([^A-Za-z0-9_(]|$)`)
	groupForm  = regexp.MustCompile(`^[0-9]{1,3}(([,_'][0-9]{3})+|(\.[0-9]{3}){2,})`)
)

// signs is every operator and punctuation mark, longest first.
var signs = []string{"==", "!=", "<=", ">=", "??", "<", ">", "+", "-", "*", "/", "?", ":", "(", ")", "[", "]", ","}

// slips is the operators of other languages and what they are here.
var slips = []struct{ wrote, meant string }{
	{"===", "=="}, {"!==", "!="}, {"&&", "and"}, {"||", "or"}, {"<>", "!="}, {"=>", ">="}, {"=<", "<="}, {"≥", ">="}, {"≤", "<="}, {"≠", "!="},
	{"×", "*"}, {"÷", "/"}, {"−", "-"}, {"–", "-"}, {"=", "=="}, {"!", "not"}, {"&", "and"}, {"|", "or"},
}

var words = map[string]bool{"and": true, "or": true, "not": true, "in": true, "contains": true}

func (l *lexer) next() token {
	l.at += len(spaceForm.FindString(l.src[l.at:]))
	rest := l.src[l.at:]
	if rest == "" {
		return token{kind: tokenEnd, span: Span{l.at, l.at}}
	}
	switch c := rest[0]; {
	case c >= '0' && c <= '9':
		return l.number(rest)
	case c == '.' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9':
		l.report(1+len(numberForm.FindString(rest[1:])), "a number begins with a digit", "write 0"+rest[:1+len(numberForm.FindString(rest[1:]))])
		l.at++
		return l.number(l.src[l.at:])
	case c == '\'' || c == '"':
		return l.quoted(rest)
	}
	if name := nameForm.FindString(rest); name != "" {
		return l.name(name)
	}
	return l.sign(rest)
}

func (l *lexer) name(name string) token {
	t := token{kind: tokenName, span: Span{l.at, l.at + len(name)}, text: name}
	if !plainForm.MatchString(name) {
		l.report(len(name), "names have letters a to z, digits and _ only", "text stands in quotes: '"+name+"'")
		t.kind = tokenBad
		l.at += len(name)
		return t
	}
	lower := strings.ToLower(name)
	known := words[lower] || lower == "true" || lower == "false"
	if known && lower != name {
		l.report(len(name), fmt.Sprintf("%s is written in lower case", name), "write "+lower)
	}
	l.at += len(name)
	switch {
	case words[lower]:
		t.kind, t.text = tokenSign, lower
	case lower == "true" || lower == "false":
		lit := steward.Bool(lower == "true")
		t.kind, t.literal = tokenLiteral, &node{op: opLit, span: t.span, num: lit.Num, shown: lower, kind: steward.FlagKind}
	}
	return t
}

func (l *lexer) sign(rest string) token {
	for _, s := range slips {
		if strings.HasPrefix(rest, s.wrote) && !(s.wrote == "=" && strings.HasPrefix(rest, "==")) && !(s.wrote == "!" && strings.HasPrefix(rest, "!=")) {
			return l.slip(s.wrote, s.meant)
		}
	}
	for _, s := range signs {
		if strings.HasPrefix(rest, s) {
			t := token{kind: tokenSign, span: Span{l.at, l.at + len(s)}, text: s}
			l.at += len(s)
			return t
		}
	}
	r, size := utf8.DecodeRuneInString(rest)
	t := token{kind: tokenBad, span: Span{l.at, l.at + size}}
	switch {
	case r == utf8.RuneError && size <= 1:
		l.report(size, "this byte is not UTF-8 text", "save the file as UTF-8")
	case strings.ContainsRune("‘’“”«»„", r):
		return l.curly(rest, r)
	case r == '\u00a0' || r == '\u202f' || r == '\u2009' || r == '\u200b' || r == '\ufeff':
		l.report(size, "this space is not a plain one (a web page or a text program put it there)", "type a plain space")
		l.at += size
		return l.next()
	case r == '%':
		l.report(size, "a percent sign stands right behind a number", "write 50%")
	case r == '#':
		l.report(len(rest), "a comment cannot stand inside an expression", "put it on a line of its own above, outside the expression")
		l.at = len(l.src)
		return token{kind: tokenEnd, span: Span{l.at, l.at}}
	case r == '$' || r == '€' || r == '£':
		l.report(size, fmt.Sprintf("amounts have no currency sign: %q", string(r)), "write the number alone, such as 10k")
		l.at += size
		return l.next()
	case r == '{' || r == '}':
		return l.braces(rest)
	case r == '.':
		l.report(size, "names have no dots", "use the field's bare name, such as arr")
	case r == ';':
		l.report(size, "an expression is not ended with ;", "leave it out")
	default:
		l.report(size, fmt.Sprintf("%q has no meaning in an expression", string(r)), "")
	}
	l.at += size
	return t
}

// braces reports { } of templates and lists, once, and reads what is in them.
func (l *lexer) braces(rest string) token {
	run := len(rest) - len(strings.TrimLeft(rest, "{}"))
	if rest[0] == '{' || !strings.Contains(l.src[:l.at], "{") {
		l.report(run, rest[:run]+" has no meaning in an expression", "lists stand in [ ], and an expression needs no {{ }}")
	}
	l.at += run
	return l.next()
}

// slip reports an operator of another language and reads it as ours.
func (l *lexer) slip(wrote, meant string) token {
	message := fmt.Sprintf("%s is not an operator here", wrote)
	if wrote == "=" {
		message = "a comparison is written with two equals signs"
	}
	l.report(len(wrote), message, "write "+meant)
	t := token{kind: tokenSign, span: Span{l.at, l.at + len(wrote)}, text: meant}
	l.at += len(wrote)
	return t
}

// quoted reads text in straight quotes. There are no escapes: a text that holds
// one sort of quote stands in the other.
func (l *lexer) quoted(rest string) token {
	end := strings.IndexAny(rest[1:], rest[:1]+"\n")
	if end < 0 || rest[1+end] == '\n' {
		stop := len(rest)
		if end >= 0 {
			stop = 1 + end
		}
		l.report(stop, "the text is not closed", fmt.Sprintf("end it with %s", rest[:1]))
		t := token{kind: tokenBad, span: Span{l.at, l.at + stop}}
		l.at += stop
		return t
	}
	return l.textToken(rest[1:1+end], end+2)
}

// curly reads text in the quotes that word processors put, so that the rest
// of the expression can be checked.
func (l *lexer) curly(rest string, open rune) token {
	size := utf8.RuneLen(open)
	stop := strings.IndexAny(rest[size:], "‘’“”«»\n")
	if stop < 0 || rest[size+stop] == '\n' {
		length := len(rest)
		if stop >= 0 {
			length = size + stop
		}
		l.report(length, fmt.Sprintf("text stands in straight quotes, not %c", open), "write 'text'")
		t := token{kind: tokenBad, span: Span{l.at, l.at + length}}
		l.at += length
		return t
	}
	_, closing := utf8.DecodeRuneInString(rest[size+stop:])
	body := rest[size : size+stop]
	l.report(size+stop+closing, fmt.Sprintf("text stands in straight quotes, not %c", open), "write '"+body+"'")
	return l.textToken(body, size+stop+closing)
}

func (l *lexer) textToken(body string, length int) token {
	span := Span{l.at, l.at + length}
	if !utf8.ValidString(body) {
		l.report(length, "this text is not UTF-8", "save the file as UTF-8")
	}
	l.at += length
	return token{kind: tokenLiteral, span: span, literal: &node{op: opLit, span: span, text: body, kind: steward.TextKind}}
}

// number reads a number with its unit, or a date.
func (l *lexer) number(rest string) token {
	if d := dateForm.FindString(rest); d != "" {
		return l.date(d)
	}
	if g := groupForm.FindString(rest); g != "" && (g[len(g)-4] != ',' || !l.insideList()) {
		plain := strings.NewReplacer(",", "", "_", "", "'", "", ".", "").Replace(g)
		l.report(len(g), "a number has no separators between its digits", "write "+plain+" or "+thousands(plain))
		return l.literal(len(g), plain, "")
	}
	digits := numberForm.FindString(rest)
	tail := rest[len(digits):]
	if unit := unitForm.FindString(tail); unit != "" {
		return l.literal(len(digits)+len(unit), digits, unit)
	}
	if strings.HasPrefix(tail, "%") {
		return l.literal(len(digits)+1, digits, "%")
	}
	if m := apartForm.FindStringSubmatch(tail); m != nil {
		return l.apart(digits, m[1], len(digits)+strings.Index(tail, m[1])+len(m[1]))
	}
	return l.literal(len(digits), digits, "")
}

// insideList tells that a comma here separates a list's or a call's parts:
// [100,200] is two numbers.
func (l *lexer) insideList() bool {
	depth := 0
	for i := l.at - 1; i >= 0; i-- {
		switch l.src[i] {
		case ')', ']':
			depth++
		case '(', '[':
			if depth == 0 {
				return l.src[i] == '[' || i > 0 && nameForm.MatchString(l.src[i-1:i])
			}
			depth--
		}
	}
	return false
}

// apart reads a number and a unit with a space between them, or spelled out.
func (l *lexer) apart(digits, unit string, length int) token {
	lower := strings.ToLower(unit)
	short := map[string]string{"day": "d", "week": "w", "month": "mo", "k": "k", "d": "d", "w": "w", "mo": "mo", "m": "M", "million": "M", "percent": "%", "%": "%"}[strings.TrimSuffix(lower, "s")]
	switch {
	case strings.HasPrefix(lower, "business"):
		l.report(length, "business days count in waits only", "write calendar days: "+digits+"d")
		short = "d"
	case short != "":
		l.report(length, fmt.Sprintf("a unit stands right behind its number, not as %q", unit), "write "+digits+short)
	default:
		return l.literal(length, digits, lower[:1])
	}
	span := Span{l.at, l.at + length}
	l.at += length
	return token{kind: tokenLiteral, span: span, literal: numberNode(span, digits, short)}
}

// literal reads digits with a unit that stands right behind them.
func (l *lexer) literal(length int, digits, unit string) token {
	span := Span{l.at, l.at + length}
	meant := unit
	switch unit {
	case "", "%", "k", "M", "d", "w", "mo":
	case "K":
		meant = l.misspelt(length, "K is written in lower case", digits, "k")
	case "D", "W":
		meant = l.misspelt(length, unit+" is written in lower case", digits, strings.ToLower(unit))
	case "h", "hr", "hrs", "min", "s":
		l.report(length, "expressions count in whole days; hours stand in settings only", "write 1d or more")
		meant = "d"
	case "m":
		l.report(length, "m could be months or millions", fmt.Sprintf("write %smo for months or %sM for millions", digits, digits))
		meant = "?"
	case "y", "yr", "Y":
		l.report(length, "years have no unit", fmt.Sprintf("write %sw for windows or %smo to shift a date", yearly(digits, 52), yearly(digits, 12)))
		meant = "?"
	case "mon", "month", "months", "day", "days", "week", "weeks":
		meant = map[byte]string{'m': "mo", 'd': "d", 'w': "w"}[unit[0]]
		l.misspelt(length, fmt.Sprintf("%q is not a unit", unit), digits, meant)
	default:
		l.report(length, fmt.Sprintf("%q is not a unit", unit), "units are k and M, %, and d, w and mo; a name cannot begin with a digit")
		meant = "?"
	}
	l.at += length
	t := token{kind: tokenLiteral, span: span}
	if meant == "?" {
		t.literal = &node{op: opBad, span: span}
		return t
	}
	t.literal = numberNode(span, digits, meant)
	if t.literal.num > 1e15 {
		l.notes.add(span, "the number is too large to be exact", "numbers go up to 1000000000000000")
	}
	return t
}

func (l *lexer) misspelt(length int, message, digits, meant string) string {
	l.report(length, message, "write "+digits+meant)
	return meant
}

func yearly(digits string, each int) string {
	years, err := strconv.Atoi(digits)
	if err != nil || years > 100 {
		return strconv.Itoa(each)
	}
	return strconv.Itoa(years * each)
}

// thousands is a whole number of thousands with its unit.
func thousands(plain string) string {
	if s, ok := strings.CutSuffix(plain, "000000"); ok && s != "" {
		return s + "M"
	}
	if s, ok := strings.CutSuffix(plain, "000"); ok && s != "" {
		return s + "k"
	}
	return plain
}

// numberNode is a literal of digits and a good unit. The unit moves the decimal
// point in the text, not by multiplying: 1.1k is the same number as 1100, and
// what canonical text writes reads back as the same one.
func numberNode(span Span, digits, unit string) *node {
	n := &node{op: opLit, span: span, kind: steward.NumberKind}
	plain := decimal(digits, "")
	switch unit {
	case "%":
		n.percent = true
		n.shown = plain + "%"
		n.num = parseFloat(plain + "e-2")
	case "k":
		n.shown = decimal(digits, "e3")
	case "M":
		n.shown = decimal(digits, "e6")
	case "d", "w":
		n.kind = steward.DurationKind
		n.num = parseFloat(plain)
		if unit == "w" {
			n.num *= 7
		}
		n.shown = strconv.FormatFloat(n.num, 'f', -1, 64) + "d"
	case "mo":
		n.kind, n.months = steward.DurationKind, true
		n.num, n.shown = parseFloat(plain), plain+"mo"
	default:
		n.shown = plain
	}
	if unit == "" || unit == "k" || unit == "M" {
		n.num = parseFloat(n.shown)
	}
	return n
}

// decimal is the shortest way to write digits times the exponent.
func decimal(digits, exponent string) string {
	return strconv.FormatFloat(parseFloat(digits+exponent), 'f', -1, 64)
}

// parseFloat reads what numberForm matched: the only error it can meet is an
// overflow, for which it gives an infinity that the size check reports.
func parseFloat(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64)
	return f
}

func days(n int) string { return strconv.Itoa(n) + "d" }

func (l *lexer) date(text string) token {
	span := Span{l.at, l.at + len(text)}
	d, err := steward.ParseDay(text)
	if err != nil {
		hint := "write the year first, then month and day: 2026-03-12"
		if len(text) == len("2026-03-12") && text[4] == '-' {
			hint = "the month has no such day, or the year no such month"
		}
		l.report(len(text), fmt.Sprintf("%s is not a date", text), hint)
	}
	l.at += len(text)
	n := &node{op: opLit, span: span, num: float64(d), shown: d.String(), kind: steward.DateKind}
	if err != nil {
		n.num, n.shown = 0, "1970-01-01"
	}
	return token{kind: tokenLiteral, span: span, literal: n}
}

// report adds a problem about the next length bytes.
func (l *lexer) report(length int, message, hint string) {
	l.notes.add(Span{l.at, l.at + length}, message, hint)
}
