package steward

import (
	"slices"
	"strings"
	"unicode"
)

// firstName takes the name that somebody is called by out of a full name as CRMs
// have them: behind titles, after a surname and a comma, in capitals. "" where
// there is none that a letter could begin with: initials, an address, a word for
// an office. It is better to ask than to write "Hi J.,".
func firstName(name string) string {
	if strings.ContainsRune(name, '@') {
		return ""
	}
	before, behind, comma := strings.Cut(name, ",")
	surnameFirst := comma && !isSuffix(behind) // "Reyes, Dana"
	if name = before; surnameFirst {
		name = behind
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || r == '(' || r == ')' || r == '"' })
	named := len(words)
	for len(words) > 0 && isTitle(words[0]) {
		words = words[1:]
	}
	if len(words) == 0 || len(words) == 1 && named > 1 && !surnameFirst {
		return "" // a title and one word: that is the surname
	}
	first := strings.TrimRight(words[0], ",;:")
	if !calls(first) {
		return ""
	}
	return capitalised(first)
}

// titles stand before a name, without their dots.
var titles = strings.Fields("dr prof mr mrs ms mx miss sir dame rev herr frau mme mlle monsieur madame m sr sra srta dña don dipl ing dipl-ing dhr mevr mevrouw dott ir drs hr fr mag")

func isTitle(word string) bool {
	return slices.Contains(titles, strings.ToLower(strings.ReplaceAll(strings.TrimRight(word, "."), ".", "")))
}

// isSuffix tells what stands behind a name and a comma without being one.
func isSuffix(s string) bool {
	return slices.Contains(strings.Fields("jr sr ii iii iv phd md mba msc bsc ba ma cpa esq"), strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), ".", "")))
}

// nobody are words that stand where a name should.
var nobody = strings.Fields("admin administrator info office team sales support account accounts accounting billing contact user test unknown none null n/a na tbd xxx customer kunde buchhaltung it hr ceo cfo cto marketing procurement purchasing service helpdesk the")

// calls tells whether a word is one that people are called by.
func calls(word string) bool {
	letters := 0
	for _, r := range word {
		switch {
		case unicode.IsLetter(r), unicode.IsMark(r):
			letters++
		case r == '-', r == '\'', r == '’', r == '·', r == '.':
		default:
			return false // digits, and signs that no name has
		}
	}
	initials := strings.Contains(word, ".") // "J.", "J.-P.", "A.B."
	return letters > 0 && !initials && (letters > 1 || !hasCase(word)) && !slices.Contains(nobody, strings.ToLower(word))
}

// hasCase tells a script that has capitals from one in which a single character
// may well be a name.
func hasCase(word string) bool {
	return strings.ToLower(word) != strings.ToUpper(word)
}

// capitalised mends a name in capitals, or in none: ANNE-MARIE is Anne-Marie. One
// in both is as people write it: McKenna, DeShawn.
func capitalised(word string) string {
	if word != strings.ToLower(word) && (word != strings.ToUpper(word) || len([]rune(word)) < 3) {
		return word
	}
	start := true
	return strings.Map(func(r rune) rune {
		defer func() { start = !unicode.IsLetter(r) && !unicode.IsMark(r) }()
		if start {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, word)
}
