package ingest

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// A decimalMark is what a column writes before the fraction.
type decimalMark byte

const (
	markUnsure decimalMark = 0   // nothing proves either, and some number needs it
	markPoint  decimalMark = '.' // 1,234.50
	markComma  decimalMark = ',' // 1.234,50
	// markMixed is a column with proof of both: only numbers that prove their
	// own mark are read.
	markMixed decimalMark = 'x'
)

// absentWords lists what spreadsheets and databases write for "no value" in
// cells that ought to hold a number or a date.
var absentWords = map[string]bool{
	"": true, "-": true, "--": true, "–": true, "—": true, "?": true, ".": true,
	"n/a": true, "na": true, "nan": true, "none": true, "nil": true, "null": true, `\n`: true,
	"#n/a": true, "#nv": true, "#ref!": true, "#value!": true, "#div/0!": true, "#name?": true, "#null!": true, "#num!": true,
	"k.a.": true, "k. a.": true, "unknown": true, "unbekannt": true, "tbd": true, "(none)": true, "(null)": true, "(blank)": true,
}

// absentValue tells a cell of a number, date or flag column that says nothing.
func absentValue(s string) bool {
	return len(s) <= 12 && absentWords[strings.ToLower(s)]
}

// absentText tells a text cell that says nothing. The list is shorter than for
// numbers: there are people called Null and regions called NA.
func absentText(s string) bool {
	switch s {
	case "", "-", "--", "N/A", "n/a", "NULL", "null", `\N`, "#N/A", "#NV", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?":
		return true
	}
	return false
}

// A figure is a number's text taken apart: sign, digits with their separators,
// and the scale of a percent sign.
type figure struct {
	digits   string // digits, points and commas only; begins with a digit or a mark
	exponent string // "e+05", or ""
	negative bool
	percent  bool
}

// takeApart strips currency, spaces, sign and percent from a number's text.
func takeApart(s string) (figure, bool) {
	var f figure
	s = strings.TrimSpace(s)
	if len(s) > 64 {
		return f, false
	}
	if bareNumber(s) { // nearly every cell of a metrics file: nothing to take off
		f.digits = s
		return f, true
	}
	if strings.HasPrefix(s, "(") && strings.HasSuffix(s, ")") { // how accountants write a negative
		f.negative = true
		s = s[1 : len(s)-1]
	}
	s, ok := f.trimEnds(s)
	if !ok {
		return f, false
	}
	if i := strings.IndexAny(s, "eE"); i > 0 {
		f.exponent = s[i:]
		s = s[:i]
		if _, err := strconv.Atoi(f.exponent[1:]); err != nil {
			return f, false
		}
	}
	f.digits, ok = joinGroups(s)
	return f, ok
}

// bareNumber tells digits and marks alone, a digit first.
func bareNumber(s string) bool {
	for i := 0; i < len(s); i++ {
		if (s[i] < '0' || s[i] > '9') && (i == 0 || s[i] != '.' && s[i] != ',') {
			return false
		}
	}
	return s != ""
}

// trimEnds takes signs, currency words and symbols, and a percent sign off
// both ends, in any order, each sign at most once.
func (f *figure) trimEnds(s string) (string, bool) {
	signs := 0
	for {
		s = strings.TrimFunc(s, isGap)
		was := s
		for _, whole := range []string{".–", ",–", ".—", ",—", ".-", ",-"} { // Swiss and German prices: 1'200.–
			s = strings.TrimSuffix(s, whole)
		}
		for _, minus := range []string{"-", "−", "–"} {
			if t, ok := strings.CutPrefix(s, minus); ok {
				s, f.negative, signs = t, true, signs+1
			} else if t, ok := strings.CutSuffix(s, minus); ok { // SAP writes 1.200-
				s, f.negative, signs = t, true, signs+1
			}
		}
		if t, ok := strings.CutPrefix(s, "+"); ok {
			s, signs = t, signs+1
		}
		if t, ok := strings.CutSuffix(s, "%"); ok && !f.percent {
			s, f.percent = t, true
		}
		s = trimCurrency(s)
		if s == was {
			return s, s != "" && signs <= 1
		}
	}
}

// currencyWords are the codes and abbreviations that stand beside amounts.
var currencyWords = []string{"EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "JPY", "CAD", "AUD", "NZD", "INR", "BRL", "US$", "C$", "A$", "R$", "Fr.", "SFr.", "kr.", "kr", "zł", "Kč", "CNY"}

func trimCurrency(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool { return unicode.Is(unicode.Sc, r) })
	for _, w := range currencyWords {
		if len(s) >= len(w) && strings.EqualFold(s[:len(w)], w) {
			return s[len(w):]
		}
		if len(s) >= len(w) && strings.EqualFold(s[len(s)-len(w):], w) {
			return s[:len(s)-len(w)]
		}
	}
	return s
}

// isGap tells the characters that group thousands without being a mark: the
// spaces (also no-break, narrow and thin ones).
func isGap(r rune) bool { return unicode.IsSpace(r) || r == '\u00a0' || r == '\u202f' || r == '\u2009' }

// joinGroups takes spaces and apostrophes out from between digits, where they
// stand before exactly three digits. Anything but digits and marks is refused.
func joinGroups(s string) (string, bool) {
	var b strings.Builder
	digit := false
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
			digit = true
		case r == '.' || r == ',':
			b.WriteRune(r)
		case isGap(r) || r == '\'' || r == '’':
			if !digit || !threeDigits(runes[i+1:]) {
				return "", false
			}
		default:
			return "", false
		}
	}
	return b.String(), digit
}

func threeDigits(r []rune) bool {
	n := 0
	for n < len(r) && r[n] >= '0' && r[n] <= '9' {
		n++
	}
	return n == 3
}

// proof tells which decimal mark the digits prove, markUnsure when they would
// be a number either way but different ones, and ok = false when neither mark
// is in it, so that it does not matter.
func (f figure) proof() (mark decimalMark, matters bool) {
	points, commas := strings.Count(f.digits, "."), strings.Count(f.digits, ",")
	switch {
	case points == 0 && commas == 0:
		return markUnsure, false
	case points > 0 && commas > 0: // the one that comes last is the decimal mark
		if strings.LastIndexByte(f.digits, '.') > strings.LastIndexByte(f.digits, ',') {
			return markPoint, true
		}
		return markComma, true
	case points > 1: // 1.234.567: a decimal mark stands once
		return markComma, true
	case commas > 1:
		return markPoint, true
	}
	here := markPoint
	i := strings.IndexByte(f.digits, '.')
	if commas == 1 {
		here = markComma
		i = strings.IndexByte(f.digits, ',')
	}
	before, after := f.digits[:i], f.digits[i+1:]
	grouping := len(after) == 3 && len(before) >= 1 && len(before) <= 3 && before[0] != '0'
	if !grouping {
		return here, true
	}
	if f.exponent != "" { // nobody groups thousands in 1.234e5
		return here, true
	}
	return markUnsure, true
}

// value reads the digits with a decimal mark.
func (f figure) value(mark decimalMark) (float64, bool) {
	group := ","
	if mark == markComma {
		group = "."
	}
	whole, fraction, _ := strings.Cut(f.digits, string(rune(mark)))
	if strings.ContainsAny(fraction, ".,") {
		return 0, false
	}
	if parts := strings.Split(whole, group); len(parts) > 1 {
		if !grouped(parts) {
			return 0, false
		}
		whole = strings.Join(parts, "")
	}
	if whole == "" && fraction == "" {
		return 0, false
	}
	v, err := strconv.ParseFloat("0"+whole+"."+fraction+"0"+f.exponent, 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, false
	}
	if f.percent {
		v /= 100
	}
	if f.negative && v != 0 { // no negative zero: it would be stored as another value
		v = -v
	}
	return v, true
}

// grouped tells whether the parts between grouping marks have the lengths of
// thousands: three at the end, and two or three (India: 12,34,567) before it.
func grouped(parts []string) bool {
	for i, p := range parts {
		switch {
		case i == 0 && (len(p) == 0 || len(p) > 3):
			return false
		case i == len(parts)-1 && len(p) != 3:
			return false
		case i > 0 && len(p) != 3 && len(p) != 2:
			return false
		}
	}
	return true
}

// readNumber reads a number as a person or a spreadsheet writes it: 48.000,00 €,
// $1,234.50, 1 234,5, (1,200), 12 %, 1.2E+05. A percentage is a share: 12 % is
// 0.12. The error says what was expected.
func readNumber(s string, mark decimalMark) (float64, error) {
	f, ok := takeApart(s)
	if !ok {
		return 0, fmt.Errorf("is not a number; write it like 1234.50, or leave the cell empty where there is none")
	}
	proof, matters := f.proof()
	if !matters {
		mark = markPoint
	} else if mark == markMixed || mark == markUnsure {
		if proof == markUnsure {
			return 0, fmt.Errorf("may be read with a decimal point or a decimal comma, and the column has both; set decimal for the source")
		}
		mark = proof
	}
	v, ok := f.value(mark)
	if !ok {
		return 0, fmt.Errorf("does not fit the decimal %s of its column; mend the cell, or set decimal for the source", markName(mark))
	}
	return v, nil
}

func markName(m decimalMark) string {
	if m == markComma {
		return "comma"
	}
	return "point"
}

// A tally counts what the cells of a column prove, to decide between two ways
// of reading it.
type tally struct {
	a, b, unsure int
	unsureText   string // the first cell that could be either
	unsureLine   int
	dotted       bool // a date with dots was seen
}

func (t *tally) doubt(line int, text string) {
	if t.unsure++; t.unsure == 1 {
		t.unsureLine, t.unsureText = line, text
	}
}

// The outcomes of a tally.
type leaning uint8

const (
	leansNowhere leaning = iota
	leansA
	leansB
	leansBoth
)

// leaning decides. One slip of the pen in two hundred cells does not make a
// column mixed: the slips themselves are rejected then, not what they cast
// doubt on.
func (t *tally) leaning() leaning {
	switch {
	case t.a == 0 && t.b == 0:
		return leansNowhere
	case t.b == 0 || t.a >= 200*t.b:
		return leansA
	case t.a == 0 || t.b >= 200*t.a:
		return leansB
	default:
		return leansBoth
	}
}

// countMark adds what one cell proves: A is the decimal point, B the comma.
func (t *tally) countMark(line int, text string) {
	f, ok := takeApart(text)
	if !ok {
		return
	}
	switch mark, matters := f.proof(); {
	case !matters:
	case mark == markPoint:
		t.a++
	case mark == markComma:
		t.b++
	default:
		t.doubt(line, text)
	}
}

// readFlag reads yes and no as people, databases and spreadsheets write them.
func readFlag(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true", "yes", "y", "t", "1", "1.0", "x", "on", "ja", "j", "wahr", "✓", "✔", "☑", "oui", "si", "sí", "vrai":
		return true, nil
	case "false", "no", "n", "f", "0", "0.0", "off", "nein", "falsch", "✗", "☐", "non", "faux":
		return false, nil
	}
	return false, fmt.Errorf("is neither yes nor no; write true or false, or leave the cell empty")
}
