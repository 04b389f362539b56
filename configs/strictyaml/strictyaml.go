// Package strictyaml reads the YAML files that people write for Steward and
// tells every mistake in them at once, in people's words and with positions:
// keys that do not exist (and the nearest one that does), values of the wrong
// shape, keys given twice, and text that is not YAML at all.
//
// It accepts less than YAML does. Anchors, aliases, merge keys and tags are
// refused: a file that ops people review should read the same from top to
// bottom. Text that holds an expression of the language keeps its position, so
// that a mistake inside it can be underlined; spellings of it whose positions
// YAML loses (folded blocks, escapes) are refused with the spelling to use.
//
// It knows nothing of what the files mean. The configuration, the playbooks
// and the playbook tests are read through it.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"steward"
)

// Limits of one file. A workspace's largest file is a few hundred lines; these
// keep a wrong path (a data export, a binary) from costing more than a message.
const (
	MaxBytes     = 1 << 20
	MaxDepth     = 64
	MaxDocuments = 500
	// MaxProblems is how many mistakes of one document are told: a wrong file
	// should not scroll the right message away.
	MaxProblems = 200
)

// Node is a parsed piece of YAML with its position.
type Node = yaml.Node

// A Document is one of the documents of a file, which `---` lines separate.
type Document struct {
	// Node is its content: a mapping, sequence or scalar.
	Node *Node
	// Source is its text, without the separating line.
	Source string
	// Line is the line of the file on which Source begins, from 1.
	Line int
}

// Decode reads the one document of a file into a pointer to a struct, map or
// slice. What decodes without a mistake is set even when problems are returned,
// so that a caller can go on to find more of them.
//
// Struct fields are named by their yaml tag, else by their lower-case name.
// Tag options: "required" tells a missing key, "inline" spreads a struct's keys
// into its parent's, and "pos" (on a field of type Pos) receives where the
// struct stands. Keys of a struct that implements Later get a message of their
// own. A type with its own way of reading implements Decodable.
func Decode(file string, src []byte, into any) steward.Problems {
	docs, problems := Documents(file, src)
	if len(docs) == 0 {
		if len(problems) == 0 {
			problems = steward.Problems{{File: file, Message: "the file is empty", Hint: "write at least one key, or remove the file"}}
		}
		return problems
	}
	if len(docs) > 1 {
		s := newSource(file, src)
		problems = append(problems, s.problem(docs[1].Node.Line, docs[1].Node.Column, 1, "a second document begins here, after a line ---",
			"this file holds one document: remove the --- line"))
	}
	problems = append(problems, DecodeNode(file, src, docs[0].Node, into)...)
	return problems.Sorted()
}

// DecodeNode reads a part of a file, whose whole text src is, as Decode does.
func DecodeNode(file string, src []byte, n *Node, into any) steward.Problems {
	d := &Decoder{src: newSource(file, src)}
	d.Decode(n, into)
	return d.problems.Sorted()
}

// Documents parses the documents of a file. A document that is not YAML is
// told and left out, and the others are returned; one with nothing but
// comments is left out silently.
func Documents(file string, src []byte) ([]Document, steward.Problems) {
	if len(src) > MaxBytes {
		return nil, steward.Problems{{File: file, Message: fmt.Sprintf("the file is %d KiB long; %d KiB is the most that is read", len(src)>>10, MaxBytes>>10),
			Hint: "is this the file you meant? split it if it is"}}
	}
	s := newSource(file, src)
	if p, bad := s.badCharacter(); bad {
		return nil, steward.Problems{p}
	}
	var docs []Document
	var problems steward.Problems
	for _, part := range s.split() {
		if len(docs) == MaxDocuments {
			problems = append(problems, s.problem(part.Line, 1, 1, fmt.Sprintf("more than %d documents in one file", MaxDocuments), "split the file"))
			break
		}
		n, p, ok := s.parse(part)
		if !ok {
			problems = append(problems, p...)
			continue
		}
		if n == nil {
			continue
		}
		part.Node = n
		docs = append(docs, part)
		problems = append(problems, s.refused(n)...)
	}
	// A document with an alias or without end in depth is told above; walking it
	// is what the refusal is to prevent.
	docs = slices.DeleteFunc(docs, func(d Document) bool { return unwalkable(d.Node, 1) })
	return docs, problems
}

func unwalkable(n *Node, depth int) bool {
	if n.Kind == yaml.AliasNode || depth > MaxDepth {
		return true
	}
	for _, c := range n.Content {
		if unwalkable(c, depth+1) {
			return true
		}
	}
	return false
}

// parse parses one document and moves its positions to the file's. A nil node
// with ok is a document without content.
func (s *source) parse(part Document) (n *Node, problems steward.Problems, ok bool) {
	var root yaml.Node
	l, err := yaml.NewLoader(bytes.NewReader([]byte(part.Source)))
	if err == nil {
		err = l.Load(&root)
	}
	if errors.Is(err, io.EOF) {
		return nil, nil, true
	}
	if err != nil {
		var le *yaml.LoadError
		if errors.As(err, &le) && strings.Contains(le.Message, "no documents") {
			return nil, nil, true
		}
		return nil, steward.Problems{s.syntax(err, part)}, false
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) == 0 {
		return nil, nil, true
	}
	n = root.Content[0]
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" && n.Value == "" {
		return nil, nil, true
	}
	shift(n, part.Line-1, 0)
	return n, nil, true
}

// shift moves positions by whole lines. It stops below the depth that is
// refused in any case.
func shift(n *Node, lines, depth int) {
	if depth > MaxDepth+1 {
		return
	}
	n.Line += lines
	for _, c := range n.Content {
		shift(c, lines, depth+1)
	}
}

// refused tells the parts of YAML that are not read: anchors, aliases, merge
// keys, tags and too much depth.
func (s *source) refused(root *Node) steward.Problems {
	var out steward.Problems
	var walk func(n *Node, depth int)
	walk = func(n *Node, depth int) {
		switch {
		case depth > MaxDepth:
			out = append(out, s.problem(n.Line, n.Column, 1, fmt.Sprintf("nested more than %d deep", MaxDepth), "is a bracket left open?"))
			return
		case n.Kind == yaml.AliasNode:
			out = append(out, s.problem(n.Line, n.Column, 1+utf8.RuneCountInString(n.Value), "a YAML alias (*name) is not read here", "write the value out"))
			return
		case n.Anchor != "":
			out = append(out, s.problem(n.Line, n.Column, 1, "a YAML anchor (&name) is not read here", "remove it and write the value out where it was used"))
		case n.Style&yaml.TaggedStyle != 0:
			out = append(out, s.problem(n.Line, n.Column, 1, "a YAML tag ("+n.Tag+") is not read here", "remove it"))
		}
		for i, c := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 0 && c.Kind == yaml.ScalarNode && c.Value == "<<" && c.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
				out = append(out, s.problem(c.Line, c.Column, 2, "a YAML merge key (<<) is not read here", "write the keys out"))
			}
			walk(c, depth+1)
		}
	}
	walk(root, 1)
	return out
}
