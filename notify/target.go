package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"steward"
)

// What a button or a form is about travels in it and comes back with the click.
// Slack gives each kind of element another place for that, of another size: a
// button has a value, of an option only the option comes back, and the action's
// id comes back with all of them.
const (
	maxButtonValue = 2000
	maxActionID    = 255
	maxOptionValue = 150
	maxFormTarget  = 3000
)

// Action ids begin with what the element is; the number after it keeps them
// apart within a block. A card that was sent keeps its ids for good, so that
// these are never renamed.
const (
	doAction   = "do-"   // a button: its target is its value
	pickAction = "pick-" // a menu: its target follows the bar in the id
	openAction = "open-" // a link: nothing is done with it
)

// writeTarget is a target as JSON; HTML is not escaped in it, since it is short
// of room and no HTML.
func writeTarget(t steward.Target) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(t); err != nil { // only unsupported Go types can fail, and there are none
		return ""
	}
	return strings.TrimSpace(b.String())
}

// FormTarget is a target as a form carries it: Slack's private_metadata. An error
// says that it does not fit.
func FormTarget(t steward.Target) (string, error) {
	s := writeTarget(t)
	if n := utf8.RuneCountInString(s); n > maxFormTarget {
		return "", fmt.Errorf("what the form is about takes %d characters, of %d", n, maxFormTarget)
	}
	return s, nil
}

// ReadFormTarget reads what FormTarget wrote.
func ReadFormTarget(s string) (steward.Target, error) { return readTarget(s) }

func readTarget(s string) (steward.Target, error) {
	var t steward.Target
	if err := json.Unmarshal([]byte(s), &t); err != nil || t.Verb == "" {
		return steward.Target{}, errors.New("what was clicked is not one of Steward's buttons, or one of another version")
	}
	return t, nil
}

// ReadAction reads what a click brings back: the action's id, the button's value
// or, of a menu, the value of the option that was picked. Choice is "" for a
// button. A link gives a Target without a verb: Slack tells of it, and nothing is
// to be done.
func ReadAction(id, value, picked string) (t steward.Target, choice string, err error) {
	switch {
	case strings.HasPrefix(id, openAction):
		return steward.Target{}, "", nil
	case strings.HasPrefix(id, doAction):
		t, err = readTarget(value)
		return t, "", err
	case strings.HasPrefix(id, pickAction):
		_, target, _ := strings.Cut(id, "|")
		if t, err = readTarget(target); err != nil {
			return steward.Target{}, "", err
		}
		verb, choice, ok := strings.Cut(picked, "=")
		if !ok || verb == "" {
			return steward.Target{}, "", errors.New("what was picked is not an option of Steward's")
		}
		t.Verb = steward.Verb(verb)
		return t, choice, nil
	}
	return steward.Target{}, "", errors.New("what was clicked is not one of Steward's buttons")
}

// pickID is the action id of the nth menu of a block, "" where its target does
// not fit: an id has less room than a value. What an enrolment or a message tells
// anyway is left out first.
func pickID(n int, t steward.Target) string {
	for _, t := range []steward.Target{t, leaner(t)} {
		if id := fmt.Sprintf("%s%d|%s", pickAction, n, writeTarget(t)); utf8.RuneCountInString(id) <= maxActionID {
			return id
		}
	}
	return ""
}

func leaner(t steward.Target) steward.Target {
	if t.Enrolment != "" || t.Message != "" || t.Task != "" {
		t.Account, t.Playbook = "", ""
	}
	return t
}

// doValue is the value of a button, "" where its target does not fit.
func doValue(t steward.Target) string {
	for _, t := range []steward.Target{t, leaner(t)} {
		if v := writeTarget(t); utf8.RuneCountInString(v) <= maxButtonValue {
			return v
		}
	}
	return ""
}

// optionValue is what comes back of one option: its verb, since one menu may
// offer several, and what was chosen. It is "" where that does not fit.
func optionValue(v steward.Verb, choice string) string {
	if s := string(v) + "=" + choice; utf8.RuneCountInString(s) <= maxOptionValue {
		return s
	}
	return ""
}
