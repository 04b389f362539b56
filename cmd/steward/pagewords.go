package main

import (
	"cmp"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"steward"
	"steward/playbooks"
	"steward/web"
)

// How pages say things.

// words is a name of ours as people read it: economic buyer.
func words(name string) string { return strings.NewReplacer("_", " ", "-", " ").Replace(name) }

// sentence begins with a capital and ends with a stop; "" stays "".
func sentence(text string) string {
	text = strings.TrimSpace(text)
	r, n := utf8.DecodeRuneInString(text)
	if text == "" {
		return ""
	}
	text = string(unicode.ToUpper(r)) + text[n:]
	if !strings.ContainsAny(text[len(text)-1:], ".!?") {
		text += "."
	}
	return text
}

func longDay(d steward.Day) string { return d.Start(time.UTC).Format("2 January 2006") }

func stamp(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("2 January 2006, 15:04")
}

func asOf(s *playbooks.Situation) string {
	return "Facts of " + s.Slot.Time().In(s.Book.Zone).Format("Monday 2 January 2006, 15:04") + "."
}

func nameOf(a steward.Account) string { return cmp.Or(strings.TrimSpace(a.Name), string(a.ID)) }

func ownerName(o steward.Owner) string { return cmp.Or(o.Name, string(o.ID)) }

// called is what people call somebody who is kept by id, or by name.
func called(s *playbooks.Situation, kept string) string {
	if o, ok := s.Book.Owner(steward.OwnerID(kept)); ok {
		return ownerName(o)
	}
	return kept
}

func amount(a steward.Account) string {
	if !a.ARR.Known {
		return ""
	}
	return strings.TrimSpace(thousands(math.Round(a.ARR.Num)) + " " + a.Currency)
}

// number is a figure for people: whole where it is large, with a decimal where
// it is small.
func number(x float64) string {
	if math.Abs(x) >= 100 || x == math.Trunc(x) {
		return thousands(math.Round(x))
	}
	return strconv.FormatFloat(x, 'f', 1, 64)
}

func thousands(x float64) string {
	digits := strconv.FormatFloat(math.Abs(x), 'f', 0, 64)
	var out []string
	for len(digits) > 3 {
		out = append([]string{digits[len(digits)-3:]}, out...)
		digits = digits[:len(digits)-3]
	}
	text := strings.Join(append([]string{digits}, out...), ",")
	if x < 0 {
		return "−" + text
	}
	return text
}

func gradeTone(grade string) web.Tone {
	return map[string]web.Tone{"red": web.Bad, "yellow": web.Warn, "green": web.Good}[grade]
}

// crmAddress is the address of an account in the CRM: an id is data, and ends
// neither a path nor a query.
func crmAddress(link string, id steward.AccountID) string {
	return strings.ReplaceAll(link, "{id}", strings.ReplaceAll(url.QueryEscape(string(id)), "+", "%20"))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
