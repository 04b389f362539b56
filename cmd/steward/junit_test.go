package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"steward"
	"steward/replay"
)

// junitSchema is the form that CI systems agree on (Jenkins' junit-10.xsd and
// what GitLab and GitHub's reporters read of it): the elements that each element
// may hold, in order, and its attributes, needed ones with a "!".
var junitSchema = map[string]struct {
	holds      []string
	attributes string
	text       bool
}{
	"testsuites": {[]string{"testsuite"}, "name tests failures errors disabled time", false},
	"testsuite":  {[]string{"properties", "testcase", "system-out", "system-err"}, "name! tests! failures errors time skipped disabled timestamp hostname id package file", false},
	"testcase":   {[]string{"skipped", "error", "failure", "system-out", "system-err"}, "name! classname! time assertions status file line", false},
	"failure":    {nil, "message type", true},
	"error":      {nil, "message type", true},
}

var junitForms = map[string]*regexp.Regexp{
	"tests": regexp.MustCompile(`^\d+$`), "failures": regexp.MustCompile(`^\d+$`), "errors": regexp.MustCompile(`^\d+$`), "skipped": regexp.MustCompile(`^\d+$`),
	"line": regexp.MustCompile(`^\d+$`), "time": regexp.MustCompile(`^\d+\.\d+$`), "timestamp": regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`),
}

// validJUnit holds a document to the schema, and the numbers in it to what is
// there. It reads the XML itself and knows nothing of how it was written.
func validJUnit(text string) error {
	type open struct {
		name     string
		after    int // the last kind of child that was seen
		tests    int
		failed   int
		declared map[string]string
	}
	var stack []*open
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = true
	for {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch x := token.(type) {
		case xml.StartElement:
			name := x.Name.Local
			rule, ok := junitSchema[name]
			if !ok {
				return fmt.Errorf("<%s> is no element of JUnit's", name)
			}
			if len(stack) == 0 && name != "testsuites" {
				return fmt.Errorf("the document is a <%s>", name)
			}
			o := &open{name: name, declared: map[string]string{}}
			for _, a := range x.Attr {
				if !slices.Contains(strings.Fields(strings.ReplaceAll(rule.attributes, "!", "")), a.Name.Local) {
					return fmt.Errorf("<%s> has no %s", name, a.Name.Local)
				}
				if form := junitForms[a.Name.Local]; form != nil && !form.MatchString(a.Value) {
					return fmt.Errorf("%s of <%s> is %q", a.Name.Local, name, a.Value)
				}
				o.declared[a.Name.Local] = a.Value
			}
			for _, a := range strings.Fields(rule.attributes) {
				if needed, ok := strings.CutSuffix(a, "!"); ok && o.declared[needed] == "" {
					return fmt.Errorf("<%s> lacks %s", name, needed)
				}
			}
			if len(stack) > 0 {
				parent := stack[len(stack)-1]
				place := slices.Index(junitSchema[parent.name].holds, name)
				if place < parent.after {
					return fmt.Errorf("<%s> has a <%s> where none may be", parent.name, name)
				}
				parent.after = place
				for _, up := range stack {
					if name == "testcase" {
						up.tests++
					} else if name == "failure" {
						up.failed++
					}
				}
			}
			stack = append(stack, o)
		case xml.EndElement:
			o := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			for attribute, counted := range map[string]int{"tests": o.tests, "failures": o.failed} {
				if said, ok := o.declared[attribute]; ok && said != strconv.Itoa(counted) {
					return fmt.Errorf("<%s> says %s %s and has %d", o.name, said, attribute, counted)
				}
			}
		case xml.CharData:
			if s := strings.TrimSpace(string(x)); s != "" && !junitSchema[stack[len(stack)-1].name].text {
				return fmt.Errorf("text in <%s>: %s", stack[len(stack)-1].name, s)
			}
		}
	}
}

func TestJUnitHasTheFormThatIsAgreedOn(t *testing.T) {
	hostile := "]]> <b> & \x1b[31m \x00 \xff \uffff ü"
	results := []testResult{
		{File: "tests/a.test.yaml", Playbook: "a", took: 1234 * time.Millisecond, Cases: []replay.Case{
			{Name: "2026-03-12 acme: phase clear", Line: 7},
			{Name: "2026-03-13 " + hostile, Line: 8, Failures: []replay.Failure{{File: "tests/a.test.yaml", Line: 8, Column: 3, Day: steward.Date(2026, 3, 13), Account: "acme",
				What: "phase", Want: "firing", Got: hostile, Explain: "acme, a: " + hostile + "\nand more"}}},
		}},
		{File: "tests/b.test.yaml", Playbook: "b", Error: "tests/b.test.yaml: " + hostile},
		{File: "tests/c.test.yaml", Playbook: "c"},
	}
	path := filepath.Join(t.TempDir(), "out.xml")
	if err := writeJUnit(path, results, time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := validJUnit(string(b)); err != nil {
		t.Errorf("%v:\n%s", err, b)
	}
	var back junitSuites
	if err := xml.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if back.Tests != 3 || back.Failures != 1 || back.Errors != 1 || back.Time != "1.234" || len(back.Suites) != 3 {
		t.Errorf("%+v", back)
	}
	text := back.Suites[0].Cases[1].Failure.Text
	for _, part := range []string{"tests/a.test.yaml:8:3: phase of acme on 2026-03-13", "expected: firing", "]]> <b> &", "  and more"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %q", part, text)
		}
	}
	// The schema in this file is one that can be broken.
	for broken, by := range map[string]string{`tests="3"`: `tests="4"`, `classname="a"`: ``, `<failure`: `<failed`, `time="1.234"`: `time="long"`} {
		if validJUnit(strings.ReplaceAll(string(b), broken, by)) == nil {
			t.Errorf("%s in place of %s is let pass", by, broken)
		}
	}
	if err := writeJUnit(filepath.Join(path, "no", "folder"), results, time.Time{}); err == nil {
		t.Error("results were written into a folder that is a file")
	}
}
