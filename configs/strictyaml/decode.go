package strictyaml

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"steward"
)

// A Decodable reads itself from a node and tells its mistakes to the decoder.
// Problems found in it must go through the Decoder, which knows the file.
type Decodable interface {
	DecodeYAML(d *Decoder, n *Node)
}

// Later is a struct that knows which keys belong to capabilities to come, so
// that they can be told from misspelt ones.
type Later interface {
	LaterKeys() []string
}

// Elsewhere is a struct that knows of keys that people look for in it and that
// stand in another place, each with where to write it.
type Elsewhere interface {
	ElsewhereKeys() map[string]string
}

// A Decoder is one reading of a file. It is not for use by several goroutines.
type Decoder struct {
	src      *source
	problems steward.Problems
	what     string // what is being read, for messages: `for`, item 2 of `steps`
	depth    int
}

// Problem tells a mistake at a node.
func (d *Decoder) Problem(n *Node, message, hint string) {
	length := 1
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		length = utf8.RuneCountInString(n.Value)
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
			length += 2
		}
	}
	switch n := len(d.problems); {
	case n < MaxProblems:
	case n == MaxProblems:
		message, hint = "there are more mistakes from here on", "mend those above first"
	default:
		return
	}
	d.problems = append(d.problems, d.src.problem(n.Line, n.Column, length, message, hint))
}

// What names the value being read, such as `for` or item 2 of `steps`.
func (d *Decoder) What() string { return d.what }

// Decode reads a node into what the pointer leads to.
func (d *Decoder) Decode(n *Node, into any) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		panic(fmt.Sprintf("strictyaml: Decode into %T: a pointer is needed", into)) // a mistake in the calling code, not in a file
	}
	if d.what == "" {
		d.what = "the file"
	}
	d.value(n, v.Elem())
}

// as reads a node under a name of its own.
func (d *Decoder) as(what string, n *Node, v reflect.Value) {
	outer := d.what
	d.what = what
	d.value(n, v)
	d.what = outer
}

// scalar checks that a node is a single value that is there.
func (d *Decoder) scalar(n *Node, wanted string) bool {
	if n.Kind != yaml.ScalarNode {
		d.Problem(n, fmt.Sprintf("%s wants %s, not %s", d.what, wanted, shape(n)), "")
		return false
	}
	if n.Tag == "!!null" {
		d.empty(n)
		return false
	}
	return true
}

// empty tells a key without a value, and the commonest reason of it: a # that
// was meant to be text.
func (d *Decoder) empty(n *Node) {
	hint := "give it one, or remove the line"
	rest := d.src.from(n.Line, n.Column)
	if i := strings.IndexByte(rest, '#'); n.Value == "" && i >= 0 && strings.Trim(rest[:i], " \t:") == "" && len(rest) > i+1 && rest[i+1] != ' ' {
		word, _, _ := strings.Cut(rest[i:], " ")
		hint = fmt.Sprintf("a # begins a comment; put it in quotes: %q", word)
	}
	d.Problem(n, d.what+" has no value", hint)
}

func shape(n *Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a block of keys"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	if utf8.RuneCountInString(n.Value) > 60 {
		return strconv.Quote(string([]rune(n.Value)[:60]) + "…")
	}
	return strconv.Quote(n.Value)
}

var (
	dayType = reflect.TypeFor[steward.Day]()
	stdType = reflect.TypeFor[time.Duration]()
	posType = reflect.TypeFor[Pos]()
)

func (d *Decoder) value(n *Node, v reflect.Value) {
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		n = n.Content[0]
	}
	if d.depth++; d.depth > 2*MaxDepth {
		d.Problem(n, "nested too deep", "")
	} else {
		d.known(n, v)
	}
	d.depth--
}

func (d *Decoder) known(n *Node, v reflect.Value) {
	if v.CanAddr() {
		switch x := v.Addr().Interface().(type) {
		case *yaml.Node:
			*x = *n
			return
		case Decodable:
			x.DecodeYAML(d, n)
			return
		case yaml.Unmarshaler:
			if err := x.UnmarshalYAML(n); err != nil {
				d.Problem(n, d.what+": "+err.Error(), "")
			}
			return
		}
	}
	switch v.Type() {
	case dayType:
		d.day(n, v)
		return
	case stdType:
		var x Duration
		x.DecodeYAML(d, n)
		v.SetInt(int64(x))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		d.value(n, p.Elem())
		v.Set(p)
	case reflect.Struct:
		d.structure(n, v)
	case reflect.Map:
		d.mapping(n, v)
	case reflect.Slice:
		d.sequence(n, v)
	case reflect.Interface:
		d.anything(n, v)
	case reflect.String:
		if d.scalar(n, "text") {
			v.SetString(n.Value)
		}
	case reflect.Bool:
		d.flag(n, v)
	default:
		d.number(n, v)
	}
}

func (d *Decoder) anything(n *Node, v reflect.Value) {
	var x any
	if err := n.Decode(&x); err != nil {
		d.Problem(n, d.what+" cannot be read", "")
		return
	}
	if x != nil {
		v.Set(reflect.ValueOf(x))
	}
}

func (d *Decoder) day(n *Node, v reflect.Value) {
	if !d.scalar(n, "a date such as 2026-03-12") {
		return
	}
	day, err := steward.ParseDay(n.Value)
	if err != nil {
		d.Problem(n, d.what+": "+err.Error(), "write year-month-day")
		return
	}
	v.Set(reflect.ValueOf(day))
}

func (d *Decoder) flag(n *Node, v reflect.Value) {
	if !d.scalar(n, "true or false") {
		return
	}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		d.Problem(n, d.what+" wants true or false, not text", "remove the quotes")
		return
	}
	switch n.Value {
	case "true":
		v.SetBool(true)
	case "false":
		v.SetBool(false)
	default:
		hint := ""
		switch strings.ToLower(n.Value) {
		case "yes", "y", "on", "1", "true":
			hint = "write true"
		case "no", "n", "off", "0", "false":
			hint = "write false"
		}
		d.Problem(n, d.what+" wants true or false, not "+shape(n), hint)
	}
}

func (d *Decoder) number(n *Node, v reflect.Value) {
	whole := v.CanInt() || v.CanUint()
	wanted := "a number"
	if whole {
		wanted = "a whole number"
	}
	if !d.scalar(n, wanted) {
		return
	}
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	wrong := func() { d.Problem(n, d.what+" wants "+wanted+", not "+shape(n), "") }
	switch {
	case quoted:
		d.Problem(n, d.what+" wants "+wanted+", not text", "remove the quotes")
	case v.CanInt():
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil || v.OverflowInt(i) {
			wrong()
			return
		}
		v.SetInt(i)
	case v.CanUint():
		i, err := strconv.ParseUint(n.Value, 10, 64)
		if err != nil || v.OverflowUint(i) {
			wrong()
			return
		}
		v.SetUint(i)
	case v.CanFloat():
		f, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			wrong()
			return
		}
		v.SetFloat(f)
	default:
		panic("strictyaml: cannot decode into " + v.Type().String()) // a mistake in the calling code
	}
}

// block checks that a node is a block of keys. Nothing at all (every line of
// the block commented out) is an empty one.
func (d *Decoder) block(n *Node) bool {
	if n.Kind == yaml.MappingNode {
		return true
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!null" {
		d.Problem(n, fmt.Sprintf("%s wants a block of keys (key: value), not %s", d.what, shape(n)), "")
	}
	return false
}

// pairs calls f with every key and value of a block, telling keys that are no
// plain words and keys given twice.
func (d *Decoder) pairs(n *Node, f func(key, value *Node)) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode {
			d.Problem(k, "a key must be a word, not "+shape(k), "")
			continue
		}
		if line, twice := first[k.Value]; twice {
			d.Problem(k, fmt.Sprintf("%q is given twice; the first is on line %d", k.Value, line), "remove one of them")
			continue
		}
		first[k.Value] = k.Line
		f(k, v)
	}
}

func (d *Decoder) structure(n *Node, v reflect.Value) {
	fields := fieldsOf(v)
	for _, f := range fields {
		if f.pos {
			f.value.Set(reflect.ValueOf(PosOf(n)))
		}
	}
	if !d.block(n) {
		return
	}
	seen := map[string]bool{}
	d.pairs(n, func(k, value *Node) {
		seen[k.Value] = true
		i := slices.IndexFunc(fields, func(f field) bool { return !f.pos && f.name == k.Value })
		if i < 0 {
			d.unknownKey(k, v, fields)
			return
		}
		d.as("`"+k.Value+"`", value, fields[i].value)
	})
	for _, f := range fields {
		if f.required && !seen[f.name] {
			d.Problem(n, fmt.Sprintf("%q is missing", f.name), "add "+f.name+": …")
		}
	}
}

func (d *Decoder) unknownKey(k *Node, v reflect.Value, fields []field) {
	if l, ok := v.Addr().Interface().(Later); ok && slices.Contains(l.LaterKeys(), k.Value) {
		d.Problem(k, fmt.Sprintf("%q is not in this version of Steward", k.Value), "remove it")
		return
	}
	var names []string
	for _, f := range fields {
		if !f.pos {
			names = append(names, f.name)
		}
	}
	slices.Sort(names)
	hint := "known here: " + strings.Join(names, ", ")
	if near := steward.Nearest(k.Value, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	if e, ok := v.Addr().Interface().(Elsewhere); ok && e.ElsewhereKeys()[k.Value] != "" {
		hint = e.ElsewhereKeys()[k.Value]
	}
	d.Problem(k, fmt.Sprintf("%q is not a key of %s", k.Value, d.what), hint)
}

// A field is a struct's field under the name it has in YAML.
type field struct {
	name          string
	value         reflect.Value
	required, pos bool
	tag           reflect.StructTag
}

func fieldsOf(v reflect.Value) []field {
	var out []field
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() && !f.Anonymous || name == "-" {
			continue
		}
		inline := strings.Contains(options, "inline") || f.Anonymous && name == ""
		switch {
		case inline && f.Type.Kind() == reflect.Struct:
			out = append(out, fieldsOf(v.Field(i))...)
		case strings.Contains(options, "pos") && f.Type == posType:
			out = append(out, field{value: v.Field(i), pos: true})
		default:
			if name == "" {
				name = strings.ToLower(f.Name)
			}
			out = append(out, field{name: name, value: v.Field(i), required: strings.Contains(options, "required"), tag: f.Tag})
		}
	}
	return out
}

func (d *Decoder) mapping(n *Node, v reflect.Value) {
	if !d.block(n) {
		return
	}
	t := v.Type()
	if t.Key().Kind() != reflect.String {
		panic("strictyaml: cannot decode into " + t.String() + ": keys are text")
	}
	m := reflect.MakeMapWithSize(t, len(n.Content)/2)
	d.pairs(n, func(k, value *Node) {
		item := reflect.New(t.Elem()).Elem()
		d.as("`"+k.Value+"`", value, item)
		m.SetMapIndex(reflect.ValueOf(k.Value).Convert(t.Key()), item)
	})
	v.Set(m)
}

func (d *Decoder) sequence(n *Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		if n.Kind != yaml.ScalarNode || n.Tag != "!!null" {
			hint := "write - before each item"
			if n.Kind == yaml.ScalarNode {
				hint = "write [" + n.Value + "]"
			}
			d.Problem(n, fmt.Sprintf("%s wants a list, not %s", d.what, shape(n)), hint)
		}
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	outer := d.what
	for i, c := range n.Content {
		d.as(fmt.Sprintf("item %d of %s", i+1, outer), c, list.Index(i))
	}
	v.Set(list)
}

// Entries is a block of keys in the order of the file, each key with its
// position: what a Go map loses.
type Entries[T any] []Entry[T]

// An Entry is one key of a block and its value.
type Entry[T any] struct {
	Key   Scalar
	Value T
}

// DecodeYAML reads a block of keys.
func (e *Entries[T]) DecodeYAML(d *Decoder, n *Node) {
	if !d.block(n) {
		return
	}
	*e = make(Entries[T], 0, len(n.Content)/2)
	d.pairs(n, func(k, value *Node) {
		entry := Entry[T]{Key: Scalar{Value: k.Value, Pos: PosOf(k)}}
		d.as("`"+k.Value+"`", value, reflect.ValueOf(&entry.Value).Elem())
		*e = append(*e, entry)
	})
}

// OneOrMore is a list that may be written as its single item alone:
// `email: champion` or `email: [champion, admin]`.
type OneOrMore []Scalar

// DecodeYAML reads one value or a list of them.
func (o *OneOrMore) DecodeYAML(d *Decoder, n *Node) {
	if n.Kind != yaml.SequenceNode {
		var s Scalar
		if s.DecodeYAML(d, n); !s.Pos.IsZero() {
			*o = OneOrMore{s}
		}
		return
	}
	list := make([]Scalar, len(n.Content))
	outer := d.what
	for i, c := range n.Content {
		d.as(fmt.Sprintf("item %d of %s", i+1, outer), c, reflect.ValueOf(&list[i]).Elem())
	}
	*o = list
}
