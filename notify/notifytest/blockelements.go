package notifytest

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// elements holds what can be pressed or picked to Slack's limits: ids that differ
// within the block, and the sizes of everything that comes back.
func (c *checker) elements(els []any, types ...string) {
	ids := map[string]bool{}
	for _, e := range els {
		m, _ := e.(map[string]any)
		typ, _ := m["type"].(string)
		if !slices.Contains(types, typ) {
			c.no("an element of type %q", typ)
			return
		}
		id, _ := m["action_id"].(string)
		if ids[id] || utf8.RuneCountInString(id) > 255 {
			c.no("action_id %.300q is too long or not unique", id)
		}
		ids[id] = true
		if m["confirm"] != nil {
			c.confirm(m["confirm"])
		}
		switch typ {
		case "button":
			c.button(m)
		case "static_select":
			c.text(m["placeholder"], 150, "plain_text")
			c.choices(m["options"], 1, 100, "plain_text")
		case "overflow":
			c.choices(m["options"], 1, 5, "plain_text")
		}
	}
}

func (c *checker) button(m map[string]any) {
	c.text(m["text"], 75, "plain_text")
	if value, ok := m["value"].(string); ok && utf8.RuneCountInString(value) > 2000 {
		c.no("a button's value of %d characters", utf8.RuneCountInString(value))
	}
	if u, ok := m["url"].(string); ok && (len(u) > 3000 || !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://")) {
		c.no("a button that opens %.100q", u)
	}
	if style, ok := m["style"]; ok && style != "primary" && style != "danger" {
		c.no("a button of style %v", style)
	}
}

func (c *checker) choices(v any, least, most int, types ...string) {
	options, _ := v.([]any)
	if len(options) < least || len(options) > most {
		c.no("%d options where %d to %d may stand", len(options), least, most)
	}
	seen := map[string]bool{}
	for _, o := range options {
		m, _ := o.(map[string]any)
		c.text(m["text"], 75, types...)
		value, _ := m["value"].(string)
		if seen[value] {
			c.no("two options have the value %q", value)
		}
		seen[value] = true
		if n := utf8.RuneCountInString(value); n < 1 || n > 150 {
			c.no("an option's value of %d characters", n)
		}
		if d, ok := m["description"]; ok {
			c.text(d, 75, types...)
		}
	}
}

func (c *checker) confirm(v any) {
	m, _ := v.(map[string]any)
	c.text(m["title"], 100, "plain_text")
	c.text(m["text"], 300, "plain_text", "mrkdwn")
	c.text(m["confirm"], 30, "plain_text")
	c.text(m["deny"], 30, "plain_text")
}

func (c *checker) image(b map[string]any) {
	alt, _ := b["alt_text"].(string)
	if n := utf8.RuneCountInString(alt); n < 1 || n > 2000 {
		c.no("an image's alt_text of %d characters", n)
	}
	if b["title"] != nil {
		c.text(b["title"], 2000, "plain_text")
	}
	file, _ := b["slack_file"].(map[string]any)
	id, _ := file["id"].(string)
	if b["image_url"] != nil || id == "" { // Steward has no public place for images
		c.no("an image that is not an uploaded file")
	}
}

// chart holds Slack's chart of points in one or more series to its limits.
func (c *checker) chart(b map[string]any) {
	length := func(what string, v any, most int) string {
		s, _ := v.(string)
		if n := utf8.RuneCountInString(s); n < 1 || n > most {
			c.no("%s of %d characters where 1 to %d may stand", what, n, most)
		}
		return s
	}
	length("a chart's title", b["title"], 50)
	chart, _ := b["chart"].(map[string]any)
	if typ := chart["type"]; typ != "line" && typ != "bar" && typ != "area" {
		c.no("a chart of type %v", typ)
		return
	}
	axis, _ := chart["axis_config"].(map[string]any)
	names, _ := axis["categories"].([]any)
	categories := map[string]bool{}
	for _, n := range names {
		name := length("a category", n, 20)
		if categories[name] {
			c.no("category %q twice", name)
		}
		categories[name] = true
	}
	all, _ := chart["series"].([]any)
	if len(all) < 1 || len(all) > 6 {
		c.no("%d series", len(all))
	}
	for _, one := range all {
		m, _ := one.(map[string]any)
		length("a series' name", m["name"], 20)
		points, _ := m["data"].([]any)
		if len(points) < 1 || len(points) > 20 || len(points) != len(categories) {
			c.no("%d points for %d categories", len(points), len(categories))
		}
		for _, p := range points {
			m, _ := p.(map[string]any)
			label, _ := m["label"].(string)
			if value, ok := m["value"].(float64); !ok || math.IsNaN(value) || !categories[label] {
				c.no("a point %v that is of no category, or no number", p)
			}
		}
	}
}
