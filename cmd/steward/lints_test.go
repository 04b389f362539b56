package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// toldLints is every lint that the code tells, by its literal: in a Problem, or
// as the argument of one of the functions that make one.
func toldLints(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	tells := map[string]int{"advise": 1, "line": 1, "Advice": 1, "tell": 2} // where the name stands among the arguments
	for _, folder := range []string{".", "configs", "playbooks", "replay", "cmd/steward"} {
		files, err := filepath.Glob(filepath.Join(docsRoot, folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			tree, err := parser.ParseFile(set, file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			tell := func(e ast.Expr) {
				if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if name, err := strconv.Unquote(lit.Value); err == nil {
						out[name] = set.Position(lit.Pos()).String()
					}
				}
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				switch x := n.(type) {
				case *ast.KeyValueExpr:
					if key, ok := x.Key.(*ast.Ident); ok && key.Name == "Lint" {
						tell(x.Value)
					}
				case *ast.AssignStmt:
					for i, left := range x.Lhs {
						if s, ok := left.(*ast.SelectorExpr); ok && s.Sel.Name == "Lint" && i < len(x.Rhs) {
							tell(x.Rhs[i])
						}
					}
				case *ast.CallExpr:
					name := ""
					switch f := x.Fun.(type) {
					case *ast.Ident:
						name = f.Name
					case *ast.SelectorExpr:
						name = f.Sel.Name
					}
					if i, ok := tells[name]; ok && i < len(x.Args) {
						tell(x.Args[i])
					}
				}
				return true
			})
		}
	}
	return out
}

func TestEveryLintIsListed(t *testing.T) {
	told := toldLints(t)
	told["stale-acceptance"] = "acceptance.go" // told by its constant
	listed := map[string]bool{}
	for _, l := range allLints() {
		if listed[l.Name] {
			t.Errorf("%s is listed twice", l.Name)
		}
		listed[l.Name] = true
		if told[l.Name] == "" {
			t.Errorf("%s is listed, and nothing tells it", l.Name)
		}
		if !strings.HasSuffix(l.Means, ".") || !strings.HasSuffix(l.Do, ".") {
			t.Errorf("%s: no sentences: %q %q", l.Name, l.Means, l.Do)
		}
	}
	for name, at := range told {
		if !listed[name] && strings.Contains(name, "-") && !strings.Contains(name, " ") {
			t.Errorf("%s: the lint %s is in no list", at, name)
		}
	}
}

func TestLintsAreDocumented(t *testing.T) {
	var want []string
	for _, data := range []bool{false, true} {
		for _, l := range allLints() {
			if l.Data == data {
				want = append(want, "| `"+l.Name+"` | "+l.Means+" | "+l.Do+" |")
			}
		}
	}
	var got []string
	for _, line := range strings.Split(docText(t, "docs/lints.md"), "\n") {
		if strings.HasPrefix(line, "| `") {
			got = append(got, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/lints.md is not what check --lints lists (-check +page):\n%s\nIt should read:\n%s", diff, strings.Join(want, "\n"))
	}
}

// TestTheExampleTakesItsOwnAdvice: what init writes gives no advice that it
// does not follow or accept.
func TestTheExampleTakesItsOwnAdvice(t *testing.T) {
	found := checkFiles(exampleWith(t, "tests/login-drop.test.yaml", exampleFile(t, "tests/login-drop.test.yaml")), "", func(string) string { return "" })
	for _, p := range found.problems {
		t.Errorf("%v [%s]", p, p.Lint)
	}
}

// acceptIn is a file with an acceptance in its own place for it.
func acceptIn(t *testing.T, file, accept string) string {
	t.Helper()
	text := exampleFile(t, file)
	if strings.HasSuffix(file, ".md") {
		return strings.Replace(text, "---\n", "---\n"+accept, 1)
	}
	return accept + text
}

func TestFilesAcceptAdviceWithAReason(t *testing.T) {
	without := func(file, part string) string {
		text := exampleFile(t, file)
		if !strings.Contains(text, part) {
			t.Fatalf("%s has no %q", file, part)
		}
		return strings.Replace(text, part, "", 1)
	}
	noCooldown := without(aPlaybook, "cooldown: 30d\n")
	for _, c := range []struct {
		name, file, text string
		want             []string // FILE lint or message
		accepted         int
	}{
		{"not accepted", aPlaybook, noCooldown, []string{"no-cooldown: without `cooldown` a subject that flaps is enrolled again at once"}, 0},
		{"accepted", aPlaybook, "accept: [{lint: no-cooldown, because: we ask them ourselves}]\n" + noCooldown, nil, 1},
		{"without a reason", aPlaybook, "accept: [{lint: no-cooldown}]\n" + noCooldown,
			[]string{`error: "because" is missing`}, 0},
		{"with an empty reason", aPlaybook, "accept: [{lint: no-cooldown, because: ' '}]\n" + noCooldown,
			[]string{"error: no-cooldown is accepted without a reason"}, 1},
		{"of a lint that there is not", aPlaybook, "accept: [{lint: no-cooldwon, because: x}]\n" + noCooldown,
			[]string{"error: there is no lint \"no-cooldwon\"", "no-cooldown: without `cooldown` a subject that flaps is enrolled again at once"}, 0},
		{"of what does not occur", aPlaybook, "accept: [{lint: idle-wait, because: x}]\n" + exampleFile(t, aPlaybook),
			[]string{"stale-acceptance: idle-wait is accepted and does not occur here"}, 0},
		{"beside a mistake", aPlaybook, "accept: [{lint: no-cooldown, because: x}]\n" + strings.Replace(noCooldown, "drop(", "dorp(", 1),
			[]string{"error: there is no function dorp"}, 0},
		{"of what only the data shows", aPlaybook, "accept: [{lint: unseen-value, because: x}]\n" + exampleFile(t, aPlaybook), nil, 0},
		{"in another file", "steward.yaml", "accept: [{lint: no-cooldown, because: x}]\n" + exampleFile(t, "steward.yaml"),
			[]string{"stale-acceptance: no-cooldown is accepted and does not occur here"}, 0},
		{"a message", "messages/spare.md", acceptIn(t, aMessage, "accept: [{lint: unused-message, because: kept for the autumn}]\n"), nil, 1},
		{"a test", aTest, acceptIn(t, aTest, "accept: [{lint: no-test, because: x}]\n"),
			[]string{"stale-acceptance: no-test is accepted and does not occur here"}, 0},
		{"one of two playbooks of a file", aPlaybook, "accept: [{lint: no-cooldown, because: x}]\n" + noCooldown + "---\n" + strings.Replace(noCooldown, "playbook: login-drop", "accept: [{lint: no-test, because: it is the same}]\nplaybook: another", 1),
			[]string{"no-cooldown: without `cooldown` a subject that flaps is enrolled again at once"}, 2},
	} {
		found := checkFiles(exampleWith(t, c.file, c.text), "", func(string) string { return "" })
		problems, accepted := found.settled(false)
		var got []string
		for _, p := range problems {
			name := p.Lint
			if name == "" {
				name = "error"
			}
			got = append(got, name+": "+p.Message)
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if diff := cmp.Diff(c.want, got); diff != "" || accepted != c.accepted {
			t.Errorf("%s: %d accepted, want %d (-want +got):\n%s", c.name, accepted, c.accepted, diff)
		}
	}
}

// What check accepts, the other commands do not tell either.
func TestAcceptanceHoldsForEveryCommand(t *testing.T) {
	text := strings.Replace(exampleFile(t, aPlaybook), "cooldown: 30d\n", "accept: [{lint: no-cooldown, because: x}]\n", 1)
	_, _, problems := loadFrom(exampleWith(t, aPlaybook, text), "", func(string) string { return "" })
	if len(problems) > 0 {
		t.Error(problems)
	}
	text = strings.Replace(text, "no-cooldown,", "no-such-lint,", 1)
	if _, _, problems := loadFrom(exampleWith(t, aPlaybook, text), "", func(string) string { return "" }); len(problems.Errors()) != 1 {
		t.Errorf("an unknown lint: %v", problems)
	}
}

func TestOldSchemasAreTold(t *testing.T) {
	files := exampleWith(t, aTest, exampleFile(t, aTest))
	for _, k := range schemaKinds() {
		text, err := k.text()
		if err != nil {
			t.Fatal(err)
		}
		entry := *files[aTest]
		entry.Data = text
		files[schemaDir+"/"+k.file()] = &entry
	}
	if problems := oldSchemas(files); len(problems) > 0 {
		t.Errorf("this program's own schemas: %v", problems)
	}
	files[schemaDir+"/test.schema.json"].Data = []byte("{}\n")
	if problems := oldSchemas(files); len(problems) != 1 || problems[0].Lint != "old-schema" {
		t.Errorf("an older schema: %v", problems)
	}
}
