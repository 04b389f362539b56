package playbooks

import (
	"fmt"
	"slices"
	"strings"

	"steward"
)

// talkTo names the person a CSM would call first, and when one of us last spoke
// with them: "Ada Park (champion), last spoken to 12 days ago by Dana Reyes".
func (s *Situation) talkTo(l letter) string {
	for _, role := range []string{"champion", "economic_buyer", "admin"} {
		for _, c := range s.contacts[l.account.ID] {
			if !slices.Contains(c.Roles, role) || c.Name == "" {
				continue
			}
			text := c.Name + " (" + strings.ReplaceAll(role, "_", " ") + ")"
			if last := s.lastTouch(l, c.ID); last != "" {
				text += ", " + last
			}
			return text
		}
	}
	return ""
}

// lastTouch says when one of us last spoke with somebody; "" where no source
// tells of touches. A touch that names nobody may have been with them, and is
// told as what it is.
func (s *Situation) lastTouch(l letter, who steward.ContactID) string {
	if !s.Frame.Portfolio().Feeds("touches") {
		return ""
	}
	today := l.view.Today(0)
	var with, somebody steward.Touch
	for _, t := range l.view.Touches(l.row) {
		switch {
		case !t.Reached() || t.Day == steward.NoDay || t.Day > today: // a note to oneself reached nobody
		case t.Contact == who && (with.ID == "" || t.Day > with.Day):
			with = t
		case t.Contact == "" && (somebody.ID == "" || t.Day > somebody.Day):
			somebody = t
		}
	}
	switch {
	case with.ID != "" && (somebody.ID == "" || somebody.Day <= with.Day):
		verb := "last spoken to "
		if with.Kind == "email" {
			verb = "last written to "
		}
		return verb + s.touched(with, today)
	case somebody.ID != "":
		return "the account was last spoken to " + s.touched(somebody, today)
	}
	return "never spoken to, as far as the CRM knows"
}

// touched is when a touch was, and whose.
func (s *Situation) touched(t steward.Touch, today steward.Day) string {
	var when string
	switch n := int(today - t.Day); n {
	case 0:
		when = "today"
	case 1:
		when = "yesterday"
	default:
		when = fmt.Sprintf("%d days ago", n)
	}
	by := t.By
	if o, ok := s.Book.Owner(steward.OwnerID(by)); ok {
		by = o.Name
	}
	if by == "" || strings.Contains(by, "@") { // an address is for machines
		return when
	}
	return when + " by " + by
}
