package notify

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"steward"
)

// Slack's limits on what can be pressed.
const (
	maxElements     = 25 // of one block of actions
	maxButtonLabel  = 75
	maxOptions      = 100 // of a menu with a label
	maxDots         = 5   // of a menu under three dots
	maxPlaceholder  = 150
	maxButtonURL    = 3000
	maxConfirmTitle = 100
	maxConfirmText  = 300
	maxConfirmWord  = 30
)

// appendActions adds what can be done. A block's id tells of its buttons: Slack
// keeps showing what was picked in a menu while the block's id stays.
func appendActions(out []slack.Block, id string, buttons []steward.Button) []slack.Block {
	var els []slack.BlockElement
	for i, b := range buttons {
		if el := element(i, b); el != nil && len(els) < maxElements {
			els = append(els, el)
		}
	}
	if len(els) == 0 {
		return out
	}
	return append(out, slack.NewActionBlock(id+"-"+fingerprint(els), els...))
}

func fingerprint(v any) string {
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(v) // only unsupported Go types can fail, and there are none
	return fmt.Sprintf("%x", h.Sum64())
}

// element is the nth button of a block; nil where what it is about has no room in
// it: a button that does something else would be worse than none.
func element(n int, b steward.Button) slack.BlockElement {
	label := shorten(oneLine(b.Label), maxButtonLabel)
	if label == "" {
		return nil
	}
	if len(b.Options) > 0 {
		menu := &slack.SelectBlockElement{Type: slack.OptTypeStatic, Placeholder: dataText(label), ActionID: pickID(n, b.Target), Options: options([]steward.Button{b}, false, maxOptions), Confirm: confirm(b)}
		if menu.ActionID == "" || len(menu.Options) == 0 {
			return nil
		}
		return menu
	}
	button := &slack.ButtonBlockElement{Type: slack.METButton, Text: dataText(label), Confirm: confirm(b), Style: slack.Style(b.Style)}
	if b.Link != "" {
		if button.URL = safeURL(b.Link); button.URL == "" || utf8.RuneCountInString(button.URL) > maxButtonURL {
			return nil
		}
		button.ActionID = fmt.Sprintf("%s%d", openAction, n)
		return button
	}
	button.ActionID, button.Value = fmt.Sprintf("%s%d", doAction, n), doValue(b.Target)
	if button.Value == "" {
		return nil
	}
	return button
}

// options are the options of one or more buttons as one menu; labelled tells
// those of several apart by their button's label.
func options(buttons []steward.Button, labelled bool, most int) (out []*slack.OptionBlockObject) {
	seen := map[string]bool{} // Slack takes no value twice
	add := func(label, value string) {
		if label = shorten(oneLine(label), maxButtonLabel); label != "" && value != "" && !seen[value] && len(out) < most {
			seen[value] = true
			out = append(out, slack.NewOptionBlockObject(value, dataText(label), nil))
		}
	}
	for _, b := range buttons {
		if len(b.Options) == 0 {
			add(b.Label, optionValue(b.Target.Verb, ""))
		}
		for _, o := range b.Options {
			label := o.Label
			if labelled {
				label = b.Label + ": " + lowerFirst(o.Label)
			}
			add(label, optionValue(b.Target.Verb, o.Value))
		}
	}
	return out
}

// lowerFirst is a label as it goes on after a colon; one that begins with an
// abbreviation stays.
func lowerFirst(s string) string {
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && !(s[1] >= 'A' && s[1] <= 'Z') {
		return string(s[0]+'a'-'A') + s[1:]
	}
	return s
}

func confirm(b steward.Button) *slack.ConfirmationBlockObject {
	text := shorten(oneLine(b.Confirm), maxConfirmText)
	if text == "" {
		return nil
	}
	return slack.NewConfirmationBlockObject(dataText(shorten(oneLine(b.Label), maxConfirmTitle)), dataText(text),
		dataText(shorten(oneLine(b.Label), maxConfirmWord)), dataText("Cancel"))
}

// canBePressed tells a face that offers something to do.
func canBePressed(f steward.Face) bool {
	does := func(b steward.Button) bool { return b.Link == "" }
	return f.Over == "" && (slices.ContainsFunc(f.Buttons, does) || slices.ContainsFunc(f.Parts, func(p steward.PartFace) bool { return slices.ContainsFunc(p.Buttons, does) }))
}

// muted is a face without what has to be heard of.
func muted(f steward.Face) steward.Face {
	links := func(in []steward.Button) (out []steward.Button) {
		for _, b := range in {
			if b.Link != "" {
				out = append(out, b)
			}
		}
		return out
	}
	f.Buttons = links(f.Buttons)
	f.Parts = slices.Clone(f.Parts)
	for i := range f.Parts {
		f.Parts[i].Buttons = links(f.Parts[i].Buttons)
	}
	return f
}
