package strictyaml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A Schema is a JSON Schema (draft 2020-12) of what Decode accepts: what an
// editor completes, explains and underlines by while a file is written. Each
// keyword concerns values of its own type and leaves the others alone, so that
// a value of several shapes needs no alternatives.
type Schema struct {
	Dialect     string     `json:"$schema,omitempty"`
	Title       string     `json:"title,omitempty"`
	Description string     `json:"description,omitempty"`
	Type        ValueTypes `json:"type,omitempty"`
	// Text.
	Enum    []string `json:"enum,omitempty"`
	Pattern string   `json:"pattern,omitempty"`
	// PatternMessage is what editors that know it say in place of the pattern.
	PatternMessage string   `json:"patternErrorMessage,omitempty"`
	Examples       []string `json:"examples,omitempty"`
	// Numbers.
	Minimum *float64 `json:"minimum,omitempty"`
	Maximum *float64 `json:"maximum,omitempty"`
	// Blocks of keys. More is false, or what every other key's value is.
	Properties Properties `json:"properties,omitempty"`
	Required   []string   `json:"required,omitempty"`
	More       any        `json:"additionalProperties,omitempty"`
	// Lists.
	Items *Schema   `json:"items,omitempty"`
	AnyOf []*Schema `json:"anyOf,omitempty"`
}

// A Property is one key of a block and what its value may be.
type Property struct {
	Key    string
	Schema *Schema
}

// Properties is the keys of a block in the order of their declaration, which is
// the order that people write them in.
type Properties []Property

// MarshalJSON writes an object whose keys keep their order.
func (ps Properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // a condition that is shown has its > in it
	b.WriteByte('{')
	for i, p := range ps {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(p.Key); err != nil {
			return nil, fmt.Errorf("write the key %q of a schema: %w", p.Key, err)
		}
		b.WriteByte(':')
		if err := enc.Encode(p.Schema); err != nil {
			return nil, fmt.Errorf("write %q of a schema: %w", p.Key, err)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// ValueTypes is the types of JSON that a value may have. A single one is
// written without brackets, as people write it.
type ValueTypes []string

// MarshalJSON writes one type alone or the list.
func (v ValueTypes) MarshalJSON() ([]byte, error) {
	if len(v) == 1 {
		return json.Marshal(v[0])
	}
	return json.Marshal([]string(v))
}

// A Shaped type is a Decodable that says what it reads.
type Shaped interface {
	ShapeYAML(*Shaper) *Schema
}

// A Shaper makes one schema, by the reflection that Decode reads by.
type Shaper struct {
	path string
	gaps []string
}

const dialect = "https://json-schema.org/draft/2020-12/schema"

// SchemaOf is the schema of files that Decode reads into a value of v's type,
// and its gaps: keys that have no description and types that do not say what
// they read. A program without mistakes has no gaps.
//
// Struct fields are described by their tags: doc says in one sentence what a
// key is for; enum is the values it takes, separated by |; pattern is a regular
// expression that its text matches, want what to say where it does not, and
// type the types of JSON that it may have then, where that is more than text;
// least is the smallest number; values is what the keys of a block may hold, as
// enum; examples is texts to offer, separated by semicolons.
func SchemaOf(v any, title, description string) (*Schema, []string) {
	s := &Shaper{path: title}
	out := s.Shape(v)
	out.Dialect, out.Title, out.Description = dialect, title, description
	return out, s.gaps
}

// Shape is the schema of a part, for types that say what they read by what
// they decode.
func (s *Shaper) Shape(v any) *Schema {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return s.of(t)
}

func (s *Shaper) gap(format string, args ...any) {
	s.gaps = append(s.gaps, s.path+": "+fmt.Sprintf(format, args...))
}

// SingleValue is any value that is not a block or a list: what stands in YAML
// as text may look like a number to JSON.
func SingleValue() *Schema { return &Schema{Type: ValueTypes{"string", "number", "boolean"}} }

var (
	shapedType      = reflect.TypeFor[Shaped]()
	decodableType   = reflect.TypeFor[Decodable]()
	unmarshalerType = reflect.TypeFor[yaml.Unmarshaler]()
	nodeType        = reflect.TypeFor[yaml.Node]()
)

// of follows known: what it decodes, this describes.
func (s *Shaper) of(t reflect.Type) *Schema {
	p := reflect.PointerTo(t)
	switch {
	case t == nodeType:
		return &Schema{}
	case p.Implements(shapedType):
		return reflect.New(t).Interface().(Shaped).ShapeYAML(s)
	case p.Implements(decodableType), p.Implements(unmarshalerType):
		s.gap("the type %s does not say what it reads: give it ShapeYAML", t)
		return &Schema{}
	case t == dayType:
		return &Schema{Type: ValueTypes{"string"}, Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`, PatternMessage: "write year-month-day, such as 2026-03-12"}
	case t == stdType:
		return Duration(0).ShapeYAML(s)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Struct:
		return s.block(t)
	case reflect.Map:
		return &Schema{Type: ValueTypes{"object", "null"}, More: s.under("*", t.Elem())}
	case reflect.Slice:
		return &Schema{Type: ValueTypes{"array", "null"}, Items: s.under("-", t.Elem())}
	case reflect.Interface:
		return &Schema{}
	case reflect.String:
		return SingleValue()
	case reflect.Bool:
		return &Schema{Type: ValueTypes{"boolean"}}
	case reflect.Float32, reflect.Float64:
		return &Schema{Type: ValueTypes{"number"}}
	default:
		return &Schema{Type: ValueTypes{"integer"}}
	}
}

// under is a part's schema, with its place for what is told of it.
func (s *Shaper) under(key string, t reflect.Type) *Schema {
	outer := s.path
	s.path += "." + key
	if strings.Count(s.path, ".") > MaxDepth {
		panic("strictyaml: " + s.path + " holds itself; a file cannot") // a mistake in the declarations
	}
	out := s.of(t)
	s.path = outer
	return out
}

func (s *Shaper) block(t reflect.Type) *Schema {
	// A block whose lines are all commented out is an empty one.
	out := &Schema{Type: ValueTypes{"object", "null"}, More: false}
	for _, f := range fieldsOf(reflect.New(t).Elem()) {
		if f.pos {
			continue
		}
		part := s.under(f.name, f.value.Type())
		if f.tag.Get("doc") == "" {
			s.gap("the key %s has no doc tag", f.name)
		}
		out.Properties = append(out.Properties, Property{f.name, described(part, f.tag)})
		if f.required {
			out.Required = append(out.Required, f.name)
			out.Type = ValueTypes{"object"}
		}
	}
	return out
}

// described is a part's schema with what its field's tags say.
func described(s *Schema, tag reflect.StructTag) *Schema {
	s.Description = tag.Get("doc")
	if v := tag.Get("enum"); v != "" {
		one := &Schema{Type: ValueTypes{"string"}, Enum: strings.Split(v, "|")}
		if s.Items != nil { // one of them, or a list
			s.Type, s.Items, s.AnyOf = nil, nil, []*Schema{one, {Type: ValueTypes{"array"}, Items: one}}
		} else {
			s.Type, s.Enum = one.Type, one.Enum
		}
	}
	if v := tag.Get("pattern"); v != "" {
		s.Type, s.Pattern, s.PatternMessage = ValueTypes{"string"}, v, tag.Get("want")
	}
	if v := tag.Get("type"); v != "" {
		s.Type = strings.Split(v, ",")
	}
	if v := tag.Get("least"); v != "" {
		least, err := strconv.ParseFloat(v, 64)
		if err != nil {
			panic("strictyaml: the tag least:" + strconv.Quote(v) + " is no number") // a mistake in the declarations
		}
		s.Minimum = &least
	}
	if v := tag.Get("values"); v != "" {
		s.More = &Schema{Type: ValueTypes{"string"}, Enum: strings.Split(v, "|")}
	}
	if v := tag.Get("examples"); v != "" {
		s.Examples = strings.Split(v, ";")
	}
	return s
}

// ShapeYAML says that a scalar is any single value.
func (Scalar) ShapeYAML(*Shaper) *Schema { return SingleValue() }

// ShapeYAML says that an expression is text; a lone true or 1 reads as what it
// looks like.
func (Text) ShapeYAML(*Shaper) *Schema { return SingleValue() }

// ShapeYAML says that a list may be written as its single item.
func (OneOrMore) ShapeYAML(*Shaper) *Schema {
	s := SingleValue()
	s.Type = append(s.Type, "array")
	s.Items = SingleValue()
	return s
}

// ShapeYAML says that each key has a value of one kind.
func (Entries[T]) ShapeYAML(s *Shaper) *Schema {
	return &Schema{Type: ValueTypes{"object", "null"}, More: s.under("*", reflect.TypeFor[T]())}
}

// ShapeYAML says how durations are written. Zero needs no unit, and is a number
// then.
func (Duration) ShapeYAML(*Shaper) *Schema {
	zero := 0.0
	return &Schema{Type: ValueTypes{"string", "integer"}, Pattern: durationPattern(), Minimum: &zero, Maximum: &zero,
		PatternMessage: "write a whole number and w, d, h, m or s, such as 36h or 14d"}
}

// durationPattern is what ParseDuration reads: any unit first, smaller ones
// after it.
func durationPattern() string {
	var forms []string
	for i, first := range units {
		form := "[0-9]+" + first.name
		for _, u := range units[i+1:] {
			form += "([0-9]+" + u.name + ")?"
		}
		forms = append(forms, form)
	}
	return "^(0|" + strings.Join(forms, "|") + ")$"
}
