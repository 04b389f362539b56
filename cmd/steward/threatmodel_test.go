package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var namedTest = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]*)`")

// The page of threats claims what tests hold. Each test that it names exists,
// and under "What is defended" no paragraph claims without one.
func TestThreatModelIsHeldByTests(t *testing.T) {
	const page = "docs/threat-model.md"
	text := docText(t, page)
	known := testNames(t)
	named := 0
	for i, line := range strings.Split(text, "\n") {
		for _, m := range namedTest.FindAllStringSubmatch(line, -1) {
			named++
			if !known[m[1]] {
				t.Errorf("%s:%d: there is no test %s", page, i+1, m[1])
			}
		}
	}
	_, rest, ok := strings.Cut(text, "\n## What is defended")
	defended, _, ends := strings.Cut(rest, "\n## ")
	if !ok || !ends || named < 20 {
		t.Fatalf("%s names %d tests; does it still have its headings?", page, named)
	}
	claims := 0
	for _, paragraph := range strings.Split(defended, "\n\n")[1:] {
		if strings.TrimSpace(paragraph) == "" {
			continue
		}
		claims++
		if !namedTest.MatchString(paragraph) {
			t.Errorf("%s claims without a test: %.80s…", page, paragraph)
		}
	}
	if claims < 5 {
		t.Errorf("%s has %d claims; are its paragraphs still apart?", page, claims)
	}
}

// testNames is every test and fuzz target of the module.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir(docsRoot, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if n := d.Name(); d.IsDir() && path != docsRoot && (n == "testdata" || strings.HasPrefix(n, ".")) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		tree, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range tree.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
