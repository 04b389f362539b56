package ingest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"steward"
)

// A dateOrder is how a column writes day, month and year in figures.
type dateOrder uint8

const (
	orderUnsure dateOrder = iota // nothing proves either, and some date needs it
	orderDMY
	orderMDY
	orderYMD
	// orderMixed is a column with proof of both: only dates that can be read one
	// way alone are read.
	orderMixed
)

// parseOrder reads date_order as steward.yaml has it.
func parseOrder(s string) (dateOrder, bool) {
	switch strings.ToLower(s) {
	case "":
		return orderUnsure, true
	case "dmy":
		return orderDMY, true
	case "mdy":
		return orderMDY, true
	case "ymd":
		return orderYMD, true
	}
	return orderUnsure, false
}

func (o dateOrder) String() string {
	return [...]string{"unsure", "dmy", "mdy", "ymd", "mixed"}[o]
}

const dateHelp = "write it like 2026-03-12, or leave the cell empty where there is none"

// monthNames are the first letters that tell the months, English and German.
var monthNames = map[string]time.Month{
	"jan": 1, "feb": 2, "mar": 3, "mär": 3, "mrz": 3, "apr": 4, "may": 5, "mai": 5, "jun": 6,
	"jul": 7, "aug": 8, "sep": 9, "oct": 10, "okt": 10, "nov": 11, "dec": 12, "dez": 12,
	"jän": 1, // Austria
}

// A dateText is a date's text taken apart into its three parts and the time
// that follows.
type dateText struct {
	a, b, c    int // as written, left to right
	aLen, cLen int
	month      time.Month // where it is written as a word: a and c are the others
	dotted     bool       // 12.03.2026: nobody puts the month first with dots
	rest       string     // the time of day and zone
}

// readDate reads a date, or the day of an instant, as people, spreadsheets and
// databases write it. NoDay without an error is a date that says "never":
// 9999-12-31, 0000-00-00.
func readDate(s string, order dateOrder, zone *time.Location) (steward.Day, error) {
	s = strings.TrimSpace(s)
	if d, ok, err := readDateNumber(s, zone); ok {
		return d, err
	}
	t, ok := splitDate(s)
	if !ok {
		return steward.NoDay, fmt.Errorf("is not a date; %s", dateHelp)
	}
	y, m, d, err := t.resolve(order)
	if err != nil {
		return steward.NoDay, err
	}
	if y == 0 || y >= 9000 {
		return steward.NoDay, nil
	}
	if y < 1900 || y > 2199 {
		return steward.NoDay, fmt.Errorf("is in the year %d; mend the cell, or leave it empty", y)
	}
	if !realDate(y, m, d) {
		return steward.NoDay, fmt.Errorf("is no day of the calendar%s; mend the cell, or set date_order for the source", orderWords(order))
	}
	return dayOfInstant(y, m, d, t.rest, zone)
}

func orderWords(o dateOrder) string {
	switch o {
	case orderDMY:
		return " when read as day, month, year, as the column is"
	case orderMDY:
		return " when read as month, day, year, as the column is"
	case orderYMD:
		return " when read as year, month, day, as the column is"
	}
	return ""
}

// readDateNumber reads dates that are one number: 20260312, an Excel serial of
// five digits with or without a time of day (45366.25), Unix seconds or
// milliseconds.
func readDateNumber(s string, zone *time.Location) (steward.Day, bool, error) {
	whole, fraction, _ := strings.Cut(strings.Replace(s, ",", ".", 1), ".")
	if !allDigits(whole) || fraction != "" && !allDigits(fraction) || whole == "" {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return steward.NoDay, true, fmt.Errorf("is not a date; %s", dateHelp)
	}
	if n == 0 { // what an empty cell turns into under a number format
		return steward.NoDay, true, nil
	}
	switch len(whole) {
	case 5:
		return excelDay(n), true, nil
	case 8:
		if y, m, d := int(n/10000), int(n/100%100), int(n%100); y >= 9000 {
			return steward.NoDay, true, nil
		} else if y >= 1900 && y <= 2199 && realDate(y, m, d) && fraction == "" {
			return steward.Date(y, time.Month(m), d), true, nil
		}
	case 10:
		return instantDay(time.Unix(n, 0), zone), true, nil
	case 13:
		return instantDay(time.UnixMilli(n), zone), true, nil
	}
	return steward.NoDay, true, fmt.Errorf("is a number, not a date; %s", dateHelp)
}

func instantDay(t time.Time, zone *time.Location) steward.Day {
	if zone == nil {
		zone = time.UTC
	}
	return steward.DayOf(t, zone)
}

// excelEpoch is the serial of 1970-01-01 in Excel's 1900 system. The system
// holds 29 February 1900, which never was (Lotus 1-2-3 thought so), and
// counts from 1: every serial after it is one too high, which is in this
// number. Serials before it are not dates anybody's customer has.
const excelEpoch = 25569

func excelDay(serial int64) steward.Day { return steward.Day(serial - excelEpoch) }

// splitDate finds the three parts of a date and what follows them.
func splitDate(s string) (dateText, bool) {
	var t dateText
	if len(s) > 64 {
		return t, false
	}
	s = cutWeekday(s)
	tokens, seps, rest, ok := dateTokens(s)
	if !ok {
		return t, false
	}
	t.rest = rest
	word := -1
	var n [3]int
	for i, tok := range tokens {
		if allDigits(tok) {
			n[i], _ = strconv.Atoi(tok)
			continue
		}
		m, ok := monthOf(tok)
		if !ok || word >= 0 || i == 2 {
			return t, false
		}
		word, t.month = i, m
	}
	for i, tok := range tokens {
		if i != word && len(tok) > 4 {
			return t, false
		}
	}
	switch word {
	case -1:
		t.a, t.b, t.c = n[0], n[1], n[2]
		t.aLen, t.cLen = len(tokens[0]), len(tokens[2])
		t.dotted = seps[0][0] == '.'
		if len(tokens[1]) > 2 || !numericSeparators(seps) {
			return t, false
		}
	case 0: // March 12, 2026
		t.a, t.c, t.aLen, t.cLen = n[1], n[2], len(tokens[1]), len(tokens[2])
	case 1: // 12 March 2026, 2026-Mar-12
		t.a, t.c, t.aLen, t.cLen = n[0], n[2], len(tokens[0]), len(tokens[2])
	}
	return t, true
}

// numericSeparators holds dates in figures to one separator throughout: 12.3-26
// is a version or a part number, not a date.
func numericSeparators(seps [2]string) bool {
	return seps[0] == seps[1] && (seps[0] == "-" || seps[0] == "/" || seps[0] == "." || seps[0] == ". ")
}

// cutWeekday takes "Thu, " or "Donnerstag, " off the front.
func cutWeekday(s string) string {
	head, tail, ok := strings.Cut(s, ",")
	if !ok || len(head) < 2 || len(head) > 12 {
		return s
	}
	for _, r := range head {
		if !unicode.IsLetter(r) && r != '.' {
			return s
		}
	}
	return strings.TrimSpace(tail)
}

// dateTokens cuts the first three runs of digits or letters from s, with the
// separators between them; rest is what follows the third.
func dateTokens(s string) (tokens [3]string, seps [2]string, rest string, ok bool) {
	for i := range 3 {
		n := tokenLen(s)
		if n == 0 {
			return tokens, seps, "", false
		}
		tokens[i], s = s[:n], s[n:]
		if i == 2 {
			break
		}
		k := 0
		for k < len(s) && k < 3 && strings.IndexByte("-/., ", s[k]) >= 0 {
			k++
		}
		if k == 0 {
			return tokens, seps, "", false
		}
		seps[i], s = s[:k], s[k:]
	}
	return tokens, seps, s, true
}

// tokenLen is the length of the run of digits, or of letters, that s begins
// with. The ordinal ending of "12th" goes with its digits' separator: it is
// not supported, since no export writes it.
func tokenLen(s string) int {
	digits := s != "" && s[0] >= '0' && s[0] <= '9'
	for i, r := range s {
		if digits && (r < '0' || r > '9') || !digits && !unicode.IsLetter(r) {
			return i
		}
	}
	return len(s)
}

func monthOf(word string) (time.Month, bool) {
	w := strings.ToLower(word)
	if utf8.RuneCountInString(w) < 3 {
		return 0, false
	}
	n := 0
	for i := range w {
		if n == 3 {
			w = w[:i]
			break
		}
		n++
	}
	m, ok := monthNames[w]
	return m, ok
}

// fullYear gives a two-digit year its century, as spreadsheets do: 00 to 69
// are 2000s.
func fullYear(y, digits int) (int, bool) {
	switch {
	case digits == 4:
		return y, true
	case digits == 2 && y < 70:
		return 2000 + y, true
	case digits == 2:
		return 1900 + y, true
	}
	return 0, false
}

// resolve decides which part is which.
func (t dateText) resolve(order dateOrder) (y, m, d int, err error) {
	bad := fmt.Errorf("is not a date; %s", dateHelp)
	if t.aLen == 4 { // the year first is year, month, day everywhere
		if t.cLen > 2 {
			return 0, 0, 0, bad
		}
		if t.month != 0 {
			return t.a, int(t.month), t.c, nil
		}
		return t.a, t.b, t.c, nil
	}
	if order == orderYMD && t.month == 0 && t.cLen <= 2 { // 26-03-12
		y, ok := fullYear(t.a, t.aLen)
		if !ok {
			return 0, 0, 0, bad
		}
		return y, t.b, t.c, nil
	}
	y, ok := fullYear(t.c, t.cLen)
	if !ok || t.aLen > 2 {
		return 0, 0, 0, bad
	}
	if t.month != 0 {
		return y, int(t.month), t.a, nil
	}
	switch t.proof() {
	case orderDMY:
		if order != orderMDY {
			return y, t.b, t.a, nil
		}
	case orderMDY:
		if order != orderDMY {
			return y, t.a, t.b, nil
		}
	}
	switch order {
	case orderDMY:
		return y, t.b, t.a, nil
	case orderMDY:
		return y, t.a, t.b, nil
	}
	if t.a == t.b {
		return y, t.a, t.b, nil
	}
	return 0, 0, 0, fmt.Errorf("may be day/month or month/day, and its column does not tell which; set date_order for the source")
}

// proof tells which order the figures alone prove; orderUnsure for neither.
func (t dateText) proof() dateOrder {
	switch {
	case t.month != 0 || t.aLen == 4:
		return orderUnsure
	case t.dotted:
		return orderDMY
	case t.a > 12 && t.b <= 12:
		return orderDMY
	case t.b > 12 && t.a <= 12:
		return orderMDY
	}
	return orderUnsure
}

// countOrder adds what one cell proves: A is day first, B is month first. A
// dotted date is day first by itself and proves nothing for slashes, but a
// column that has it beside month-first dates is written in two ways.
func (t *tally) countOrder(line int, text string) {
	d, ok := splitDate(strings.TrimSpace(text))
	if !ok || d.month != 0 || d.aLen == 4 {
		return
	}
	if d.dotted {
		t.dotted = true
		return
	}
	switch d.proof() {
	case orderDMY:
		t.a++
	case orderMDY:
		t.b++
	default:
		if d.a != d.b {
			t.doubt(line, text)
		}
	}
}

func realDate(y, m, d int) bool {
	if m < 1 || m > 12 || d < 1 || d > 31 {
		return false
	}
	return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Day() == d
}

// dayOfInstant is the date, moved to the workspace's zone where a time and an
// offset follow it.
func dayOfInstant(y, m, d int, rest string, zone *time.Location) (steward.Day, error) {
	day := steward.Date(y, time.Month(m), d)
	rest = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(rest), "T"), ","))
	if rest == "" {
		return day, nil
	}
	hour, minute, second, offset, hasOffset, ok := readClock(rest)
	if !ok {
		return steward.NoDay, fmt.Errorf("has something after the date that is not a time of day; %s", dateHelp)
	}
	if !hasOffset || zone == nil {
		return day, nil
	}
	at := time.Date(y, time.Month(m), d, hour, minute, second, 0, time.FixedZone("", offset))
	return steward.DayOf(at, zone), nil
}

// readClock reads 10:00, 10:00:00.123, 2:30 PM, 10:00:00Z, 10:00 +01:00,
// 10:00:00 UTC.
func readClock(s string) (hour, minute, second, offset int, hasOffset, ok bool) {
	n := 0
	for n < len(s) && strings.IndexByte("0123456789:.,", s[n]) >= 0 {
		n++
	}
	parts := strings.Split(s[:n], ":")
	if len(parts) < 2 || len(parts) > 3 || len(parts[0]) > 2 || len(parts[1]) != 2 {
		return
	}
	if len(parts) == 3 {
		parts[2], _, _ = strings.Cut(strings.Replace(parts[2], ",", ".", 1), ".")
		second, ok = clockPart(parts[2], 60)
		if !ok {
			return
		}
	}
	var okH, okM bool
	hour, okH = clockPart(parts[0], 24)
	minute, okM = clockPart(parts[1], 59)
	if ok = okH && okM; !ok {
		return
	}
	hour, tail, ok := halfDay(hour, strings.TrimSpace(s[n:]))
	if !ok {
		return
	}
	offset, hasOffset, ok = readOffset(tail)
	return
}

func clockPart(s string, limit int) (int, bool) {
	if s == "" || len(s) > 2 || !allDigits(s) {
		return 0, false
	}
	n, _ := strconv.Atoi(s)
	return n, n <= limit
}

func halfDay(hour int, tail string) (int, string, bool) {
	if len(tail) < 2 {
		return hour, tail, true
	}
	switch strings.ToLower(tail[:2]) {
	case "am":
		return hour % 12, strings.TrimSpace(tail[2:]), hour >= 1 && hour <= 12
	case "pm":
		return hour%12 + 12, strings.TrimSpace(tail[2:]), hour >= 1 && hour <= 12
	}
	return hour, tail, true
}

// readOffset reads Z, UTC, GMT, +01, +0100, +01:00. Other zone names mean
// different things in different countries and are refused.
func readOffset(s string) (seconds int, has, ok bool) {
	switch s {
	case "":
		return 0, false, true
	case "Z", "z", "UTC", "GMT":
		return 0, true, true
	}
	if s[0] != '+' && s[0] != '-' {
		return 0, false, false
	}
	digits := strings.Replace(s[1:], ":", "", 1)
	if !allDigits(digits) || len(digits) != 2 && len(digits) != 4 {
		return 0, false, false
	}
	h, _ := strconv.Atoi(digits[:2])
	m := 0
	if len(digits) == 4 {
		m, _ = strconv.Atoi(digits[2:])
	}
	if h > 15 || m > 59 {
		return 0, false, false
	}
	seconds = h*3600 + m*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true, true
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
