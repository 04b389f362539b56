package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"steward"
)

// Slack's limits for forms, in runes.
const (
	maxFormTitle   = 24
	maxFormButton  = 24
	maxFormText    = 3000 // of a text, and of what is written
	maxFormLabel   = 2000
	maxFormOptions = 100
	maxOptionLabel = 75
	maxFieldName   = 255 // a field's name is its block's id
	maxFormWrong   = 300 // documented nowhere; more is not read either
)

// formValue is the action id of every field: the field's name is its block's.
const formValue = "value"

// FormView lays a form out for Slack. Labels and hints that are too long are cut,
// options that do not fit are left out; a text to edit is never cut, since sending
// the form would then cut what it is for: that is an error, in words for whoever
// asked for the form.
//
// card is the message that the form is about, and answers the place where its
// sender can be told something; both come back with it.
func FormView(f steward.Form, card, answers string) (slack.ModalViewRequest, error) {
	about, err := writeFormAbout(f.Target, card, answers)
	if err != nil {
		return slack.ModalViewRequest{}, err
	}
	view := slack.ModalViewRequest{
		Type: slack.VTModal, PrivateMetadata: about,
		Title:  formText(maxFormTitle, f.Title, "Steward"),
		Submit: formText(maxFormButton, f.Submit, "Send"),
		Close:  formText(maxFormButton, "Cancel"),
	}
	if intro := shorten(strings.TrimSpace(manyLines(f.Intro)), maxFormText); intro != "" {
		view.Blocks.BlockSet = append(view.Blocks.BlockSet, slack.NewSectionBlock(slack.NewTextBlockObject(slack.PlainTextType, intro, false, false), nil, nil))
	}
	for _, field := range f.Fields {
		block, err := formField(field)
		if err != nil {
			return slack.ModalViewRequest{}, err
		}
		if block != nil {
			view.Blocks.BlockSet = append(view.Blocks.BlockSet, block)
		}
	}
	return view, nil
}

// formText is plain text for a place that takes so much of it: the first of the
// texts that a reader would see anything of.
func formText(most int, texts ...string) *slack.TextBlockObject {
	for _, s := range append(texts, "—") {
		if s = shorten(oneLine(s), most); s != "" {
			return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
		}
	}
	return nil // the last is never empty
}

// formField is a field of a form; nil for a choice without anything to choose.
func formField(f steward.FormField) (slack.Block, error) {
	if n := utf8.RuneCountInString(f.Name); n == 0 || n > maxFieldName {
		return nil, fmt.Errorf("a field of the form has a name of %d characters", n)
	}
	var element slack.BlockElement
	switch f.Kind {
	case steward.OneOf:
		menu := formMenu(f)
		if len(menu.Options) == 0 {
			return nil, nil
		}
		element = menu
	case steward.ADate:
		date := slack.NewDatePickerBlockElement(formValue)
		if _, err := time.Parse(time.DateOnly, f.Value); err == nil {
			date.InitialDate = f.Value
		}
		element = date
	default:
		if n := utf8.RuneCountInString(f.Value); n > maxFormText {
			return nil, fmt.Errorf("%s is too long to be edited in Slack: %d characters, of %d", firstOf(f.Label, f.Name), n, maxFormText)
		}
		element = &slack.PlainTextInputBlockElement{Type: slack.METPlainTextInput, ActionID: formValue, InitialValue: f.Value,
			Multiline: f.Kind == steward.LongText, MaxLength: maxFormText}
	}
	block := slack.NewInputBlock(f.Name, formText(maxFormLabel, f.Label, f.Name), nil, element)
	if hint := oneLine(f.Hint); hint != "" {
		block.Hint = formText(maxFormLabel, hint)
	}
	block.Optional = f.Optional
	return block, nil
}

// formMenu is a choice. What is picked comes back as the option's value, so that
// one whose value does not fit is left out and no two have the same; what is
// picked at first stays, however many there are.
func formMenu(f steward.FormField) *slack.SelectBlockElement {
	menu := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, formValue)
	var seen []string
	for _, o := range f.Options {
		if n := utf8.RuneCountInString(o.Value); n == 0 || n > maxOptionValue || slices.Contains(seen, o.Value) {
			continue
		}
		option := slack.NewOptionBlockObject(o.Value, formText(maxOptionLabel, o.Label, o.Value), nil)
		if o.Value == f.Value {
			menu.InitialOption = option
		}
		switch {
		case len(menu.Options) < maxFormOptions:
			menu.Options = append(menu.Options, option)
		case o.Value == f.Value:
			menu.Options[maxFormOptions-1] = option
		}
		seen = append(seen, o.Value)
	}
	return menu
}

// formState is what was filled in, as Slack tells it: by block, then by action.
type formState struct {
	Values map[string]map[string]struct {
		Value          string `json:"value"`
		SelectedDate   string `json:"selected_date"`
		SelectedOption struct {
			Value string `json:"value"`
		} `json:"selected_option"`
	} `json:"values"`
}

// values is what was filled in by the names of fields, without what was left
// empty, and the names of all fields, in order.
func (s formState) values() (values map[string]string, asked []string) {
	values, asked = map[string]string{}, []string{}
	for name, element := range s.Values {
		asked = append(asked, name)
		v := element[formValue]
		if text := firstOf(v.Value, v.SelectedOption.Value, v.SelectedDate); text != "" {
			values[name] = text
		}
	}
	slices.Sort(asked)
	return values, asked
}

// formWrong is what is wrong with a form for Slack, which takes words about
// fields that it has and about no others: those go to the first one, sooner than
// to be lost.
func formWrong(wrong map[string]string, asked []string) map[string]string {
	if len(asked) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(wrong)) {
		at := name
		if !slices.Contains(asked, name) {
			at = asked[0]
		}
		out[at] = shorten(strings.TrimSpace(out[at]+" "+oneLine(wrong[name])), maxFormWrong)
	}
	return out
}

// formAbout is what a form carries and brings back.
type formAbout struct {
	Target  json.RawMessage `json:"t"`
	Card    string          `json:"c,omitempty"`
	Answers string          `json:"r,omitempty"`

	target steward.Target
}

// writeFormAbout is what fits into a form's private_metadata. Where that has no
// room for it, the place for answers is left out: there are others.
func writeFormAbout(t steward.Target, card, answers string) (string, error) {
	target, err := FormTarget(t)
	if err != nil {
		return "", err
	}
	for _, a := range []formAbout{{Card: card, Answers: answers}, {Card: card}, {}} {
		a.Target = json.RawMessage(target)
		text, err := json.Marshal(a)
		if err != nil {
			return "", fmt.Errorf("write what the form is about: %w", err)
		}
		if utf8.RuneCount(text) <= maxFormTarget {
			return string(text), nil
		}
	}
	return "", errors.New("what the form is about does not fit into it")
}

func readFormAbout(s string) (formAbout, error) {
	var a formAbout
	if err := json.Unmarshal([]byte(s), &a); err != nil {
		return a, errors.New("what was filled in is not one of Steward's forms, or one of another version")
	}
	var err error
	a.target, err = ReadFormTarget(string(a.Target))
	return a, err
}
