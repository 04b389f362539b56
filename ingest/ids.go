package ingest

import "strings"

// Salesforce spells a record's id with 15 characters that differ by case, or
// with 18: three more that say which of the 15 are upper case, so that
// programs which ignore case can tell ids apart. Reports give the short one,
// the API the long one, and both are the same record.

// crmID gives a 15-character id its 18-character spelling and leaves every
// other id as it is.
func crmID(id string) string {
	if len(id) != 15 || !letters(id) {
		return id
	}
	return id + crmSuffix(id)
}

// crmSuffix is the three characters: each tells, as five bits from the lowest,
// which of five characters are upper case.
func crmSuffix(id string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	var out [3]byte
	for block := range 3 {
		bits := 0
		for i := range 5 {
			if c := id[block*5+i]; c >= 'A' && c <= 'Z' {
				bits |= 1 << i
			}
		}
		out[block] = alphabet[bits]
	}
	return string(out[:])
}

func letters(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return false
		}
	}
	return true
}

// An idTally tells whether account ids are Salesforce's in both spellings.
type idTally struct{ short, long, other int }

func (t *idTally) count(id string) {
	switch {
	case len(id) == 15 && letters(id):
		t.short++
	case len(id) == 18 && letters(id) && strings.EqualFold(crmSuffix(id[:15]), id[15:]):
		t.long++
	case id != "":
		t.other++
	}
}

func (t *idTally) join(u idTally) {
	t.short, t.long, t.other = t.short+u.short, t.long+u.long, t.other+u.other
}

// mixed asks for proof: only long ids whose check characters are right count,
// and hardly anything else may stand beside them (a totals row, a test account).
func (t *idTally) mixed() bool {
	return t.short > 0 && t.long > 0 && t.other*10 <= t.short+t.long
}

// accountID is an account's id as it is kept.
func (r *reading) accountID(s string) string {
	if r.crm {
		return crmID(s)
	}
	return s
}
