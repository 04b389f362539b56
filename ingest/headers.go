package ingest

import (
	"slices"
	"strings"
	"unicode"
)

// What a column is called is only a proposal's concern: Infer reads headers
// generously and says what it made of them, while Read takes a column by
// itself only where its header is Steward's own name.

// headerForms is what a header may stand for, normalised, the strictest first:
// as it stands, without what an export adds to it ("Account ID (18)", "ARR in
// EUR", Renewal_Date__c), and without the words before the one that counts
// ("Our renewal date").
func headerForms(k FileKind, header string) []string {
	forms := []string{normalHeader(header)}
	add := func(words []string) {
		if f := strings.Join(words, ""); f != "" && !slices.Contains(forms, f) {
			forms = append(forms, f)
		}
	}
	words := withoutUnits(headerWords(withoutNote(header)))
	add(words)
	for len(words) > 1 && fillers(k, words[0]) {
		words = words[1:]
		add(words)
	}
	return forms
}

// withoutNote takes off what Salesforce puts behind the names of its custom
// fields, the feminine of German titles, and a note in brackets that changes
// nothing. "ARR (k€)" keeps its note: it holds other numbers than ARR does.
func withoutNote(header string) string {
	header = strings.TrimSpace(header)
	if n := len(header) - len("__c"); n > 0 && strings.EqualFold(header[n:], "__c") {
		header = header[:n]
	}
	for _, ending := range []string{"/in", "*in", ":in", "(in)"} {
		if s, ok := strings.CutSuffix(header, ending); ok {
			return s
		}
	}
	before, note, ok := strings.Cut(header, "(")
	if !ok || strings.TrimSpace(before) == "" {
		return header
	}
	note = strings.ToLower(strings.TrimSpace(strings.TrimSuffix(note, ")")))
	switch note {
	case "18", "15", "18 digit", "18 digits", "15 digit", "18 char", "18 chars", "name", "id", "converted", "konvertiert",
		"yyyy-mm-dd", "mm/dd/yyyy", "dd/mm/yyyy", "dd.mm.yyyy", "tt.mm.jjjj", "$", "€", "£", "us$":
		return before
	}
	if currencyWord(note) {
		return before
	}
	return header
}

// headerWords cuts a header into lower-case words, also at the capitals of
// accountId. A number sign is the word number.
func headerWords(header string) []string {
	var b strings.Builder
	lower := false
	for _, r := range strings.NewReplacer("#", " number ", "№", " number ", "€", " eur ", "£", " gbp ").Replace(header) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if unicode.IsUpper(r) && lower {
				b.WriteByte(' ')
			}
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(r)
	}
	return strings.Fields(b.String())
}

// withoutUnits takes off a currency ("ARR in EUR"), the "on" of a date
// ("Verlängerung am"), and how long an id is ("18 Digit Account ID").
func withoutUnits(words []string) []string {
	if slices.Contains(words, "id") {
		words = slices.DeleteFunc(slices.Clone(words), func(w string) bool {
			return slices.Contains([]string{"15", "18", "digit", "digits", "char", "chars", "character"}, w)
		})
	}
	if n := len(words); n > 1 && currencyWord(words[n-1]) {
		words = words[:n-1]
		if n := len(words); n > 1 && words[n-1] == "in" {
			words = words[:n-1]
		}
	}
	if n := len(words); n > 1 && words[n-1] == "am" {
		words = words[:n-1]
	}
	return words
}

func currencyWord(w string) bool {
	return slices.Contains([]string{"eur", "euro", "usd", "gbp", "chf"}, w)
}

// fillers tells words before a header's own that say nothing in a file of the
// kind: in a file of accounts the owner is the account's owner, in one of
// contacts "Customer name" is not the contact's name.
func fillers(k FileKind, word string) bool {
	switch word {
	case "our", "the", "my", "current", "unser", "unsere", "aktuelle", "aktueller":
		return true
	case "account", "customer", "company", "client", "next", "total", "primary", "assigned", "nächste", "nächster":
		return k == Accounts
	case "contract", "subscription", "agreement":
		return k == Contracts
	case "ticket", "case":
		return k == Tickets
	case "survey", "response":
		return k == Surveys
	case "contact", "person":
		return k == Contacts
	}
	return false
}

// idSubjects is whose ids are an account's, idEndings what ids are called.
var (
	idSubjects = []string{"account", "customer", "company", "client", "kunde", "kunden", "konto", "org", "organization", "organisation", "tenant",
		"workspace", "firma", "firmen", "debitor", "debitoren", "mandant", "mandanten", "crm", "sfdc", "salesforce", "hubspot"}
	idEndings = []string{"id", "number", "no", "nr", "num", "nummer", "key", "code", "uuid", "guid", "ref"}
)

// accountIDWord tells a normalised header such as kundeid, customerno or
// accountnumber.
func accountIDWord(form string) bool {
	for _, e := range idEndings {
		if s, ok := strings.CutSuffix(form, e); ok && slices.Contains(idSubjects, s) {
			return true
		}
	}
	return false
}

// bareSubject tells the headers that hold an account's id in some exports and
// its name in others: they count where nothing better is there.
func bareSubject(word string) bool {
	return slices.Contains([]string{"account", "customer", "company", "kunde"}, word)
}

// namesAnID tells by its header a column of numbers that are names: nobody adds
// them up.
func namesAnID(header string) bool {
	words := headerWords(withoutNote(header))
	if len(words) == 0 {
		return false
	}
	switch last := words[len(words)-1]; last {
	case "paid", "unpaid", "prepaid", "valid", "invalid", "bid", "grid", "void", "mid":
		return false
	case "plz", "zip", "phone", "telefon", "fax", "uuid", "guid", "duns":
		return true
	case "no", "nr", "num", "key":
		return len(words) > 1
	default:
		return strings.HasSuffix(last, "id") || strings.HasSuffix(last, "code") || strings.HasSuffix(last, "nr") || strings.HasSuffix(last, "nummer") || strings.HasSuffix(last, "number")
	}
}
