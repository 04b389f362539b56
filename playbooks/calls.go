package playbooks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"steward"
	"steward/configs/strictyaml"
)

// callKeys are a step's keys for telling another system.
type callKeys struct {
	Webhook strictyaml.Scalar `yaml:"webhook" doc:"Tell another system: the name of one of the workspace's webhooks."`
}

// call checks a step that tells another system: that the workspace names it. A
// text read back from the database may name one that is gone; whoever sends
// tells of that.
func (r *reader) call(d *stepDocument, s *Step) {
	if s.Webhook == "" || r.stored || slices.Contains(r.book.Webhooks, s.Webhook) {
		return
	}
	hint := "add it to webhooks: in steward.yaml, with its url and secret_env"
	if near := steward.Nearest(s.Webhook, r.book.Webhooks); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	r.fault(d.Webhook, fmt.Sprintf("steward.yaml names no webhook %q", s.Webhook), hint)
}

// callRecipient is another system. It is nobody: limits on what people are sent
// and their working hours are none of its business.
func callRecipient(name string) steward.Recipient {
	return steward.Recipient{Key: "webhook:" + name, Name: name, Webhook: name}
}

// call is what a webhook is told: the words a card would have, and names for a
// program to act on.
func (s *Situation) call(l letter) (steward.Content, error) {
	part := steward.ContentPart{Playbook: l.playbook.Name, Title: l.playbook.Title, Evidence: l.evidence(), Enrolment: l.enrol.ID}
	if l.wording != nil {
		body, err := l.text(l.wording.body, true)
		if err != nil {
			return steward.Content{}, err
		}
		part.Markdown = strings.TrimSpace(body)
	}
	return steward.Content{
		Title: l.playbook.Title, Account: plainLine(l.account.Name), Severity: string(l.playbook.Severity), Parts: []steward.ContentPart{part},
		Call: &steward.CallFacts{Account: l.account.ID, Subject: l.outreach.Subject, Playbook: l.playbook.Name, Step: l.outreach.Step, Enrolment: l.enrol.ID, Owner: cmp.Or(l.owner.ID, l.account.Owner)},
	}, nil
}
