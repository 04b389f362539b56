package notifytest

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// CheckForm holds a modal, as JSON, to Slack's limits; nil means that Slack would
// open it.
func CheckForm(raw []byte) error {
	if r := checkForm(raw); r != nil {
		return fmt.Errorf("%s: %s", r.word, r.detail)
	}
	return nil
}

func checkForm(raw []byte) *refusal {
	var v struct {
		Type            string           `json:"type"`
		Title           map[string]any   `json:"title"`
		Submit          map[string]any   `json:"submit"`
		Close           map[string]any   `json:"close"`
		Blocks          []map[string]any `json:"blocks"`
		PrivateMetadata string           `json:"private_metadata"`
		CallbackID      string           `json:"callback_id"`
		ExternalID      string           `json:"external_id"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return &refusal{"invalid_arguments", err.Error()}
	}
	c := checker{}
	if v.Type != "modal" {
		c.no("a view of type %q", v.Type)
	}
	c.text(v.Title, 24, "plain_text")
	if v.Close != nil {
		c.text(v.Close, 24, "plain_text")
	}
	if n := len(v.Blocks); n < 1 || n > 100 {
		c.no("%d blocks where 1 to 100 may stand", n)
	}
	if n := utf8.RuneCountInString(v.PrivateMetadata); n > 3000 {
		c.no("private_metadata of %d characters", n)
	}
	if utf8.RuneCountInString(v.CallbackID) > 255 || utf8.RuneCountInString(v.ExternalID) > 255 {
		c.no("callback_id or external_id is over 255 characters")
	}
	ids, inputs := map[string]bool{}, false
	for _, b := range v.Blocks {
		if id, _ := b["block_id"].(string); id != "" {
			if ids[id] || utf8.RuneCountInString(id) > 255 {
				c.no("block_id %q is too long or not unique", id)
			}
			ids[id] = true
		}
		if b["type"] == "input" {
			inputs = true
			c.input(b)
		} else {
			c.block(b)
		}
	}
	if inputs && v.Submit == nil {
		c.no("inputs, and nothing to send them with")
	}
	if v.Submit != nil {
		c.text(v.Submit, 24, "plain_text")
	}
	if c.fault != "" {
		return &refusal{"invalid_arguments", c.fault}
	}
	return nil
}

func (c *checker) input(b map[string]any) {
	c.text(b["label"], 2000, "plain_text")
	if b["hint"] != nil {
		c.text(b["hint"], 2000, "plain_text")
	}
	e, _ := b["element"].(map[string]any)
	if id, _ := e["action_id"].(string); id == "" || utf8.RuneCountInString(id) > 255 {
		c.no("an input's action_id of %d characters", utf8.RuneCountInString(id))
	}
	switch e["type"] {
	case "plain_text_input":
		most := 3000
		if m, ok := e["max_length"].(float64); ok {
			most = int(m)
		}
		if initial, _ := e["initial_value"].(string); most < 1 || most > 3000 || utf8.RuneCountInString(initial) > most {
			c.no("an input of %d characters with a maximum of %d", utf8.RuneCountInString(initial), most)
		}
	case "datepicker":
		if initial, ok := e["initial_date"].(string); ok {
			if _, err := time.Parse(time.DateOnly, initial); err != nil {
				c.no("initial_date %q", initial)
			}
		}
	case "static_select":
		c.options(e)
	default:
		c.no("an input of type %v", e["type"])
	}
}

// options holds a menu of a form to Slack's limits.
func (c *checker) options(e map[string]any) {
	options, _ := e["options"].([]any)
	if n := len(options); n < 1 || n > 100 {
		c.no("%d options where 1 to 100 may stand", n)
	}
	seen := map[string]bool{}
	for _, o := range options {
		m, _ := o.(map[string]any)
		c.text(m["text"], 75, "plain_text")
		v, _ := m["value"].(string)
		if n := utf8.RuneCountInString(v); n < 1 || n > 150 {
			c.no("an option's value of %d characters", n)
		}
		if seen[v] {
			c.no("two options have the value %q", v)
		}
		seen[v] = true
	}
	if initial, ok := e["initial_option"].(map[string]any); ok {
		found := false
		for _, o := range options {
			m, _ := o.(map[string]any)
			found = found || m["value"] == initial["value"] && textOf(m["text"]) == textOf(initial["text"])
		}
		if !found {
			c.no("initial_option is none of the options")
		}
	}
}
