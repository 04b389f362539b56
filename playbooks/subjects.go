package playbooks

import (
	"fmt"
	"slices"
	"strings"

	"steward"
	"steward/facts"
	"steward/playbooks/lang"
)

// subjectGroup is the name under which a message prints the fields of what the
// playbook is about. A person is not .contact: that is whom a mail goes to.
var subjectGroup = map[steward.SubjectKind]string{steward.AboutContact: "person", steward.AboutProduct: "product"}

// subjectNames is the fields in such a group.
func subjectNames(about steward.SubjectKind) []string {
	out := facts.OwnFields(about)
	if about == steward.AboutContact {
		out = append(out, "first_name")
	}
	return out
}

// ofSubject adds the fields of a person or product to what a template reads.
func (l letter) ofSubject(p printer, m map[string]any) {
	group, ok := subjectGroup[l.playbook.About]
	if !ok {
		return
	}
	values := map[string]any{}
	for _, name := range facts.OwnFields(l.playbook.About) {
		values[name] = p.field(l.view.FieldAt(l.row, name, 0))
	}
	if c := l.view.Contact(l.row); c != nil {
		values["first_name"] = p.text(c.FirstName())
	}
	m[group] = values
}

// subjectFacts says on a card which person or product it is about.
func (l letter) subjectFacts(add func(label, text string)) {
	if c := l.view.Contact(l.row); c != nil {
		name := c.Name
		if len(c.Roles) > 0 {
			name += " (" + strings.ReplaceAll(strings.Join(c.Roles, ", "), "_", " ") + ")"
		}
		add("About", name)
	}
	if p := l.view.Product(l.row); p != nil {
		add("Product", p.Name)
	}
}

// theSubject is the addressee's key of a mail to the person whom a playbook is
// about, and the role that its message is written for.
const theSubject = "contact"

func (s Step) toSubject() bool { return slices.Contains(s.Email, theSubject) }

// toSubject checks a mail to the person whom the playbook is about.
func (r *reader) toSubject(p *Playbook, d *stepDocument, s *Step) {
	switch {
	case !s.toSubject():
	case p.About != steward.AboutContact:
		r.fault(d.Email[slices.Index(s.Email, theSubject)], fmt.Sprintf("this playbook is judged for each %s, so there is no contact it could mean", p.About), "name a role, such as email: [champion], or write about: contact")
	case len(s.Email) > 1:
		r.faultAt(d.Pos, "email: contact is the person whom the playbook is about, and nobody else", "write email: contact alone, or roles alone")
	}
}

// subjectRecipient is the person whom a playbook is about, where they can be
// written to.
func (s *Situation) subjectRecipient(subject steward.Subject, topic steward.Topic) (steward.Recipient, bool, string) {
	for _, c := range s.contacts[subject.Account] {
		if string(c.ID) != subject.ID {
			continue
		}
		if _, out := s.Memory.Suppressed.Why(lower(c.Email), topic); c.Email == "" || out {
			break
		}
		return steward.Recipient{Key: theSubject, Contact: c.ID, Name: c.Name, Email: c.Email}, true, ""
	}
	return steward.Recipient{}, false, "the person it is about has no address that may be used"
}

// roleOf is the role in which somebody is written to, as people say it. The
// person whom the playbook is about has their own.
func (l letter) roleOf(to steward.Recipient) string {
	if c := l.view.Contact(l.row); to.Key == theSubject && c != nil {
		return strings.ReplaceAll(strings.Join(c.Roles, ", "), "_", " ")
	}
	return keyRole(to)
}

func keyRole(to steward.Recipient) string {
	if to.Key == theSubject {
		return "whom it is about"
	}
	return strings.ReplaceAll(strings.TrimPrefix(to.Key, "role:"), "_", " ")
}

// features fills in which metrics are use of which feature.
func (s Settings) features(sc *lang.Scope) {
	names := []string{}
	sc.Features = map[string][]string{}
	for _, m := range s.Metrics {
		if m.Feature == "" {
			continue
		}
		if sc.Features[m.Feature] == nil {
			names = append(names, m.Feature)
		}
		sc.Features[m.Feature] = append(sc.Features[m.Feature], m.Name)
	}
	if sc.Names == nil {
		sc.Names = map[string][]string{}
	}
	sc.Names["feature"] = names
}
