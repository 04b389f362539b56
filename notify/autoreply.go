package notify

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"steward"
)

// autoReply understands what a program answered in somebody's name, such as an
// out-of-office notice.
func (r MailReader) autoReply(m *incomingMail) (steward.Incoming, bool) {
	if m.report != "" || m.byMachine() || !m.automatic() {
		return steward.Incoming{}, false
	}
	in := steward.Incoming{Kind: steward.AutoReply, Message: r.about(m), Address: m.from(), Back: steward.NoDay}
	if in.Address == "" || r.ours(in.Address) {
		return in, false
	}
	text, _ := m.part("text/plain", "")
	in.Back = backOn(m.text("Subject")+"\n"+text, steward.DayOf(m.at, r.zone()))
	return in, true
}

func (r MailReader) zone() *time.Location {
	if r.Zone == nil {
		return time.UTC
	}
	return r.Zone
}

// automatic tells what no person wrote. RFC 3834's field decides; the others are
// what programs send that never read it. A subject alone proves nothing: people
// write "Re: Automatic reply: …", so it counts only with a second sign.
func (m *incomingMail) automatic() bool {
	if auto := strings.ToLower(strings.TrimSpace(m.header.Get("Auto-Submitted"))); auto != "" {
		return !strings.HasPrefix(auto, "no")
	}
	for _, field := range []string{"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply", "X-Autoreply-From"} {
		if v := strings.ToLower(strings.TrimSpace(m.header.Get(field))); v != "" && v != "no" {
			return true
		}
	}
	precedence := strings.ToLower(strings.TrimSpace(m.header.Get("Precedence")))
	if precedence == "auto_reply" || precedence == "auto-reply" {
		return true
	}
	if strings.EqualFold(strings.TrimSpace(m.header.Get("X-MS-Exchange-Generated-Message-Source")), "Mailbox Rules Agent") {
		return true
	}
	// Exchange asks others not to answer its own notices, and mails of people carry
	// the same field with other words.
	suppressed := strings.ToLower(m.header.Get("X-Auto-Response-Suppress"))
	second := strings.Contains(suppressed, "all") || strings.Contains(suppressed, "oof") || precedence == "bulk" || precedence == "junk"
	return second && outOfOffice.MatchString(m.text("Subject"))
}

var outOfOffice = regexp.MustCompile(`(?i)^\s*(out of (the )?office|automatic reply|auto(matic)?[- ]?(reply|response)|autoreply|abwesenheit|abwesend|automatische antwort|réponse automatique|absence|respuesta automática|fuera de (la )?oficina|risposta automatica|fuori sede|automatisch antwoord|afwezig)`)

// The words before a date, in the languages of most notices: of a day on which
// somebody is back, or of the last day on which they are not.
var (
	backWords  = regexp.MustCompile(`(?i)(?:\bback(?: in the office)?(?: again)?(?: on| by|:)?|\breturn(?:ing|s)?(?: to (?:the office|work))?(?: on|:)?|\bagain (?:from|on)|\bwieder(?: zurück| da| erreichbar| im (?:büro|haus))?(?: ab| am)?(?: dem)?|\bzurück(?: ab| am)?(?: dem)?|\bab dem|\bde retour(?: au bureau)?(?: le| à partir du)?|\bmon retour(?: le)?|\bde vuelta(?: el)?|\bregreso(?: el)?)\s*,?\s*`)
	untilWords = regexp.MustCompile(`(?i)(?:\buntil|\btill|\bthrough|\bup to|\bbis(?: einschließlich| zum| einschl\.)*|\bjusqu['’]au|\bhasta el|\bfino al|\btot(?: en met)?)\s*,?\s*`)
)

const monthNames = `jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|f[ée]vr?(?:ier)?|mar(?:ch|s)?|m[äa]rz?|apr(?:il)?|avr(?:il)?|may|mai|jun[ei]?|juin|jul[iy]?|juil(?:let)?|aug(?:ust)?|ao[uû]t|sep(?:t(?:ember|embre)?)?|o[ck]t(?:ober|obre)?|nov(?:ember|embre)?|d[eé][cz](?:ember|embre)?`

// The shapes of dates, each at the start of what follows the words; a weekday may
// stand first.
var (
	weekday    = regexp.MustCompile(`(?i)^(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|mo|di|mi|do|fr|sa|so)\b[.,]?\s*(?:the|den|dem|le)?\s*`)
	isoDate    = regexp.MustCompile(`^(\d{4})-(\d{2})-(\d{2})\b`)
	dayFirst   = regexp.MustCompile(`(?i)^(\d{1,2})(?:st|nd|rd|th|er|\.)?\s+(?:of\s+)?(` + monthNames + `)\b\.?,?(?:\s+(\d{4}))?`)
	monthFirst = regexp.MustCompile(`(?i)^(` + monthNames + `)\.?\s+(\d{1,2})(?:st|nd|rd|th)?\b,?(?:\s+(\d{4}))?`)
	dotted     = regexp.MustCompile(`^(\d{1,2})\.(\d{1,2})\.(?:\s?(\d{4}|\d{2})\b)?`)
	slashed    = regexp.MustCompile(`^(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})\b`)
)

// awayMost is the longest absence that is believed, in days.
const awayMost = 120

// backOn is the first day on which somebody who is away may be written to again;
// NoDay where the text does not say so beyond doubt. A date without a year is the
// next one; 03/04/2026 is two days, and so none.
func backOn(text string, today steward.Day) steward.Day {
	text = oneLine(shorten(text, 4000))
	for _, w := range []struct {
		words *regexp.Regexp
		after steward.Day
	}{{backWords, 0}, {untilWords, 1}} {
		for _, at := range w.words.FindAllStringIndex(text, 20) {
			day, ok := dateAt(text[at[1]:], today)
			if day += w.after; ok && day > today && day <= today+awayMost {
				return day
			}
		}
	}
	return steward.NoDay
}

func dateAt(s string, today steward.Day) (steward.Day, bool) {
	s = weekday.ReplaceAllString(s, "")
	number := func(s string) int { n, _ := strconv.Atoi(s); return n }
	if f := isoDate.FindStringSubmatch(s); f != nil {
		return calendarDay(number(f[1]), number(f[2]), number(f[3]), today)
	}
	if f := dayFirst.FindStringSubmatch(s); f != nil {
		return calendarDay(number(f[3]), monthOf(f[2]), number(f[1]), today)
	}
	if f := monthFirst.FindStringSubmatch(s); f != nil {
		return calendarDay(number(f[3]), monthOf(f[1]), number(f[2]), today)
	}
	if f := dotted.FindStringSubmatch(s); f != nil {
		return calendarDay(number(f[3]), number(f[2]), number(f[1]), today)
	}
	if f := slashed.FindStringSubmatch(s); f != nil {
		a, b := number(f[1]), number(f[2])
		switch {
		case a > 12 || a == b:
			return calendarDay(number(f[3]), b, a, today)
		case b > 12:
			return calendarDay(number(f[3]), a, b, today)
		}
	}
	return 0, false
}

// calendarDay is a day that exists. Year 0 is the one of its next time.
func calendarDay(year, month, day int, today steward.Day) (steward.Day, bool) {
	if year > 0 && year < 100 {
		year += 2000
	}
	exists := func(y int) (steward.Day, bool) {
		d, err := steward.ParseDay(time.Date(y, time.Month(month), day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
		return d, err == nil && month >= 1 && month <= 12 && time.Date(y, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() == day && day >= 1
	}
	if year > 0 {
		return exists(year)
	}
	this := today.Start(time.UTC).Year()
	for y := this; y <= this+1; y++ {
		if d, ok := exists(y); ok && d >= today {
			return d, true
		}
	}
	return 0, false
}

// monthOf is a month by its name in English, German or French.
func monthOf(name string) int {
	name = strings.ToLower(name)
	for i, starts := range [...][]string{{"jan"}, {"feb", "fév", "fev"}, {"mar", "mär", "mär"}, {"apr", "avr"}, {"may", "mai"}, {"jun", "juin"}, {"jul", "juil"}, {"aug", "aoû", "aou"}, {"sep"}, {"oct", "okt"}, {"nov"}, {"dec", "dez", "déc"}} {
		for _, s := range starts {
			if strings.HasPrefix(name, s) {
				return i + 1
			}
		}
	}
	return 0
}
