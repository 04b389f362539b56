package playbooks

import (
	"fmt"
	"slices"
	"strings"

	"steward"
)

// What stands around a letter's own words.

// readerOf is whom an outreach is to, as the data has them now; of somebody who
// is no longer in it, what was known when it was planned.
func (s *Situation) readerOf(o steward.Outreach) steward.Contact {
	for _, c := range s.contacts[o.Subject.Account] {
		if c.ID == o.To.Contact {
			return c
		}
	}
	return steward.Contact{ID: o.To.Contact, Name: o.To.Name, Email: o.To.Email}
}

// locale is the language that values are written in: the text's.
func (l letter) locale() string {
	if l.wording == nil {
		return ""
	}
	return l.wording.Locale
}

// signature stands beneath a letter of somebody who has a title: a letter without
// one is signed by its own words.
func (l letter) signature() []string {
	if l.owner.Title == "" {
		return nil
	}
	return []string{plainLine(l.owner.Name), plainLine(l.owner.Title)}
}

// smallPrint says who writes and why, and what the workspace puts below that.
func (l letter) smallPrint(footer string) string {
	var lines []string
	if owner, account := plainLine(l.owner.Name), plainLine(l.account.Name); owner != "" && account != "" {
		lines = append(lines, fmt.Sprintf(tongueOf(l.locale()).wrote, owner, account))
	}
	if footer != "" {
		lines = append(lines, footer)
	}
	return strings.Join(lines, "\n")
}

// tellLanguage says on a card that asks for approval which of several texts it is.
func (b *Book) tellLanguage(request *steward.Content, wording, locale string) {
	if w, ok := b.Wordings[wording]; ok && len(w.in) > 0 && locale != "" {
		request.Facts = append(slices.Clip(request.Facts), steward.LabelledText{Label: "Language", Text: languageName(locale)})
	}
}

// afterSpace is a word behind another; "" where there is none.
func afterSpace(word string) string {
	if word == "" {
		return ""
	}
	return " " + word
}
