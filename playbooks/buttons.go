package playbooks

import (
	"slices"
	"strings"

	"steward"
	"steward/configs/strictyaml"
)

// buttonKeys is a step's key for what can be done with its card.
type buttonKeys struct {
	Buttons strictyaml.OneOrMore `yaml:"buttons" doc:"What can be done with the card: take, snooze, done, not_useful, pulse. Default take, snooze, done and not_useful; none takes all away." enum:"take|snooze|done|not_useful|pulse|none"`
}

// noButtons is how a step says that its card has none.
const noButtons = "none"

// buttonNames is what a step may list, in the order in which a card shows them.
func buttonNames() []string {
	var out []string
	for _, b := range cardButtons {
		out = append(out, b.name)
	}
	return out
}

// cardButton is a button of cards: make is nothing where it makes no sense as
// things stand.
type cardButton struct {
	name string
	verb steward.Verb
	// usual tells one that cards have where their step does not say.
	usual bool
	make  func(*Situation, matter) (steward.Button, bool)
}

var cardButtons = []cardButton{
	{"take", steward.VerbTake, true, takeButton},
	{"snooze", steward.VerbSnooze, true, snoozeButton},
	{"done", steward.VerbDone, true, doneButton},
	{"not_useful", steward.VerbNotUseful, true, notUsefulButton},
	{"pulse", steward.VerbPulse, false, pulseButton},
}

// buttons is what can be done with a part.
func (s *Situation) buttons(m matter) []steward.Button {
	var out []steward.Button
	wanted := s.wantedButtons(m)
	for _, b := range cardButtons {
		if !slices.Contains(wanted, b.name) {
			continue
		}
		if button, ok := b.make(s, m); ok {
			button.Target.Verb, button.Target.Message, button.Target.Enrolment = b.verb, m.message.ID, m.enrolment.ID
			out = append(out, button)
		}
	}
	return out
}

// wantedButtons is what the step of a part lists, else the usual ones.
func (s *Situation) wantedButtons(m matter) []string {
	if p, ok := s.running(m.enrolment); ok {
		if step, ok := p.step(m.outreach.Step); ok && step.Buttons != nil {
			return step.Buttons
		}
	}
	var out []string
	for _, b := range cardButtons {
		if b.usual {
			out = append(out, b.name)
		}
	}
	return out
}

// can tells whether a part's matter can be dealt with by a verb at all.
func (m matter) can(steward.Verb) bool {
	return m.enrolment.State.Open() && m.enrolment.State != steward.Quarantined || m.enrolment.State == steward.Completed
}

func takeButton(_ *Situation, m matter) (steward.Button, bool) {
	return steward.Button{Label: "Take it", Style: "primary"}, m.enrolment.AckedAt.IsZero() && m.outreach.Assignment == nil
}

func snoozeButton(s *Situation, m matter) (steward.Button, bool) {
	e := m.enrolment
	if !e.State.Open() {
		return steward.Button{}, false // there is nothing left that could be put off
	}
	b := steward.Button{Label: "Snooze", Options: []steward.Option{{Value: "1d", Label: "Until the next working day"}, {Value: "1w", Label: "For a week"}, {Value: "change", Label: "Until it changes"}}}
	if s.snoozed(e) {
		b.Options = append(b.Options, steward.Option{Value: "now", Label: "Wake it now"})
	}
	return b, true
}

func doneButton(_ *Situation, m matter) (steward.Button, bool) {
	b := steward.Button{Label: "Done"}
	if a := m.outreach.Assignment; a != nil {
		b.Target.Task, b.Style = a.Task, "primary"
	}
	return b, true
}

func notUsefulButton(s *Situation, m matter) (steward.Button, bool) {
	b := steward.Button{Label: "Not useful", Options: unhelpfulChoices}
	if p, ok := s.running(m.enrolment); ok && p.Kind != Signal && m.enrolment.State.Open() && m.enrolment.Step < len(p.Steps)-1 {
		b.Confirm = "This ends “" + plainLine(p.Title) + "” here, with what was still to come of it."
	}
	return b, true
}

// cardKeys reads what a step says about its card's buttons.
func (r *reader) cardKeys(k buttonKeys, s *Step) {
	if len(k.Buttons) == 0 {
		return
	}
	s.Buttons = []string{}
	if s.Slack == "" && s.Task == "" {
		r.fault(k.Buttons[0], "buttons are of cards, and the step sends none", "remove buttons")
		return
	}
	for _, v := range k.Buttons {
		name := v.Value
		switch {
		case name == noButtons && len(k.Buttons) == 1:
		case name == noButtons:
			r.fault(v, "none stands for no buttons, and others are listed with it", "write buttons: none, or remove none")
		case !slices.Contains(buttonNames(), name):
			hint := "write " + strings.Join(buttonNames(), ", ") + " or none"
			if near := steward.Nearest(name, buttonNames()); near != "" {
				hint = "did you mean " + near + "?"
			}
			r.fault(v, "there is no button \""+name+"\"", hint)
		case slices.Contains(s.Buttons, name):
			r.fault(v, "\""+name+"\" is listed twice", "remove one of them")
		default:
			s.Buttons = append(s.Buttons, name)
		}
	}
}

// choiceWords is how a choice reads; what is not among them reads as it is.
func choiceWords(choices []steward.Option, value string) string {
	for _, o := range choices {
		if o.Value == value {
			return strings.ToLower(o.Label[:1]) + o.Label[1:]
		}
	}
	return value
}
