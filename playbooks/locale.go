package playbooks

import (
	"fmt"
	"strings"
	"time"

	"steward"
	"steward/playbooks/lang"
)

// How values are written in the language of the text that they stand in. A table
// of a few languages, and English for all others, where a library would bring
// megabytes of them: a mail has dates, amounts and shares, and little else.

// A tongue is how one language writes values. The zero tongue is English.
type tongue struct {
	months         []string
	date           string // with the month's name: day, month, year
	group, decimal string
	percent        string // what stands after the number
	yes, no        string
	unknown        string
	day, days      string
	// wrote says who writes to the reader, and why: the owner, the account.
	wrote string
}

const (
	noBreak     = "\u00a0" // keeps a number and its sign on one line
	narrowSpace = "\u202f"
)

// tongueOf is how a locale such as de-AT writes.
func tongueOf(locale string) tongue {
	switch language(locale) {
	case "de":
		return tongue{months: []string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"}, date: "%d. %s %d",
			group: ".", decimal: ",", percent: noBreak + "%", yes: "ja", no: "nein", unknown: "nicht bekannt", day: "Tag", days: "Tage",
			wrote: "%s schreibt Ihnen als Ansprechpartner bei %s."}
	case "fr":
		return tongue{months: []string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}, date: "%d %s %d",
			group: narrowSpace, decimal: ",", percent: noBreak + "%", yes: "oui", no: "non", unknown: "inconnu", day: "jour", days: "jours",
			wrote: "%s vous écrit en tant que contact chez %s."}
	case "es":
		return tongue{months: []string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"}, date: "%d de %s de %d",
			group: ".", decimal: ",", percent: noBreak + "%", yes: "sí", no: "no", unknown: "desconocido", day: "día", days: "días",
			wrote: "%s le escribe como persona de contacto en %s."}
	case "nl":
		return tongue{months: []string{"januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"}, date: "%d %s %d",
			group: ".", decimal: ",", percent: "%", yes: "ja", no: "nee", unknown: "niet bekend", day: "dag", days: "dagen",
			wrote: "%s schrijft u als contactpersoon bij %s."}
	}
	return tongue{group: ",", decimal: ".", percent: "%", yes: "yes", no: "no", unknown: "not known", day: "day", days: "days",
		wrote: "%s writes to you as a contact at %s."}
}

// language is the language of a locale, in lower case: de of de-AT and de_AT.
func language(locale string) string {
	lang, _, _ := strings.Cut(tag(locale), "-")
	return lang
}

// tag is a locale as it is compared.
func tag(locale string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(locale), "_", "-"))
}

// number writes a number that was written in English, with a sign of per cent or
// not.
func (t tongue) number(english string) string {
	share, isShare := strings.CutSuffix(english, "%")
	s := strings.NewReplacer(",", t.group, ".", t.decimal).Replace(share)
	if isShare {
		s += t.percent
	}
	return s
}

// dateText is a day in words.
func (t tongue) dateText(d steward.Day) string {
	if t.date == "" {
		return longDate(d)
	}
	at := d.Start(time.UTC)
	return fmt.Sprintf(t.date, at.Day(), t.months[at.Month()-1], at.Year())
}

// daysText is how many days.
func (t tongue) daysText(english string) string {
	n, word, ok := strings.Cut(english, " ")
	if !ok {
		return english
	}
	if word == "day" {
		return t.number(n) + " " + t.day
	}
	return t.number(n) + " " + t.days
}

// describe is a value as it prints by itself; text is as it stands.
func (t tongue) describe(v steward.Value, percent bool) string {
	if !v.Known {
		return t.unknown
	}
	switch english := lang.Describe(v, percent); v.Kind {
	case steward.DateKind:
		return t.dateText(v.Day())
	case steward.DurationKind:
		return t.daysText(english)
	case steward.NumberKind:
		return t.number(english)
	default:
		return english
	}
}

// isLocale tells what may stand in a file's name, or in front matter, as one.
func isLocale(s string) bool {
	parts := strings.Split(tag(s), "-")
	for i, p := range parts {
		rest := strings.Trim(p, "abcdefghijklmnopqrstuvwxyz")
		if i > 0 {
			rest = strings.Trim(p, "abcdefghijklmnopqrstuvwxyz0123456789")
		}
		if len(p) < 2 || len(p) > 8 || i == 0 && len(p) > 3 || rest != "" {
			return false
		}
	}
	return true
}
