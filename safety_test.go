package steward_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What no file of the product may do, whoever reviews it. docs/threat-model.md
// leans on these.

// revealers are the only places that see a secret's text: each hands it to a
// provider or signs with it, and keeps it out of what it says.
var revealers = []string{"secret.go", "delivery.go", "notify/slack.go", "notify/slackfailure.go", "notify/inboundhttp.go", "notify/smtp.go", "notify/dkim.go", "notify/webhook.go", "notify/mailbox.go", "web/mailevents.go", "cmd/steward/run.go", "web/pagelink.go", "web/session.go"}

// withoutFiles are folders whose code opens no file, runs no program and calls
// nobody: what playbooks and messages say is read and judged there.
var withoutFiles = []string{"", "series", "facts", "playbooks", "playbooks/lang", "ingest", "configs/strictyaml"}

// runners are the only files that run another program: git, with arguments of
// their own, to read a version of the workspace that is not checked out. A git
// library would be as much code again as the whole program.
var runners = []string{"cmd/steward/gitversion.go"}

var machine = []string{"os", "os/exec", "io/ioutil", "net", "net/http", "syscall", "plugin", "golang.org/x/sys/unix"}

func TestWhatNoCodeMayDo(t *testing.T) {
	looked := 0
	for _, f := range parseAll(t) {
		if f.test || f.folder == "notify/notifytest" {
			continue
		}
		looked++
		tree, err := parser.ParseFile(token.NewFileSet(), f.place(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range unsafeUses(f, tree) {
			t.Error(v)
		}
	}
	if looked < 50 {
		t.Fatalf("only %d files were looked at", looked)
	}
}

// unsafeUses is what a file does and may not.
func unsafeUses(f source, tree *ast.File) []string {
	var out []string
	say := func(format string, args ...any) {
		out = append(out, f.place()+": "+fmt.Sprintf(format, args...))
	}
	for _, path := range f.imports {
		switch {
		case path == "os/exec" && slices.Contains(runners, f.place()):
		case slices.Contains([]string{"os/exec", "plugin", "unsafe", "net/http/pprof", "expvar"}, path):
			say("imports %s", path)
		case strings.HasPrefix(path, "math/rand") && f.folder != "replay":
			say("imports %s, whose numbers can be guessed; crypto/rand is for keys and ids", path)
		case slices.Contains(withoutFiles, f.folder) && slices.Contains(machine, path):
			say("imports %s, and this folder leaves the machine alone", path)
		}
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.SelectorExpr:
			on, _ := x.X.(*ast.Ident)
			switch name := x.Sel.Name; {
			case name == "InsecureSkipVerify":
				say("switches the check of certificates off")
			case name == "Reveal" && !slices.Contains(revealers, f.place()):
				say("reveals a secret; say in safety_test.go what for")
			case on != nil && on.Name == "http" && slices.Contains([]string{"Get", "Post", "PostForm", "Head", "ListenAndServe", "ListenAndServeTLS", "Handle", "HandleFunc", "DefaultServeMux"}, name):
				say("uses http.%s, which has no limits of its own", name)
			}
		case *ast.KeyValueExpr:
			if key, ok := x.Key.(*ast.Ident); ok && key.Name == "InsecureSkipVerify" {
				say("switches the check of certificates off")
			}
		case *ast.CompositeLit:
			if what, ok := x.Type.(*ast.SelectorExpr); ok && what.Sel.Name == "Config" && isIdent(what.X, "tls") && !modern(x) {
				say("a tls.Config without MinVersion: tls.VersionTLS12 or 13")
			}
		}
		return true
	})
	return out
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func modern(config *ast.CompositeLit) bool {
	for _, e := range config.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && isIdent(kv.Key, "MinVersion") {
			v, ok := kv.Value.(*ast.SelectorExpr)
			return ok && isIdent(v.X, "tls") && (v.Sel.Name == "VersionTLS12" || v.Sel.Name == "VersionTLS13")
		}
	}
	return false
}

func TestUnsafeUsesAreFound(t *testing.T) {
	for _, c := range []struct {
		path, src string
		want      []string
	}{
		{"notify/smtp.go", `package notify; import "crypto/tls"; var c = &tls.Config{MinVersion: tls.VersionTLS12}`, nil},
		{"notify/smtp.go", `package notify; import "crypto/tls"; var c = &tls.Config{}`, []string{"notify/smtp.go: a tls.Config without MinVersion: tls.VersionTLS12 or 13"}},
		{"notify/smtp.go", `package notify; import "crypto/tls"; var c = tls.Config{MinVersion: tls.VersionTLS10, InsecureSkipVerify: true}`,
			[]string{"notify/smtp.go: a tls.Config without MinVersion: tls.VersionTLS12 or 13", "notify/smtp.go: switches the check of certificates off"}},
		{"jobs/redis.go", `package jobs; func f(c *C) { c.InsecureSkipVerify = true }`, []string{"jobs/redis.go: switches the check of certificates off"}},
		{"web/serve.go", `package web; import ("net/http"; _ "net/http/pprof"); func f() { http.ListenAndServe("", nil) }`,
			[]string{"web/serve.go: imports net/http/pprof", "web/serve.go: uses http.ListenAndServe, which has no limits of its own"}},
		{"playbooks/wording.go", `package playbooks; import "os"`, []string{"playbooks/wording.go: imports os, and this folder leaves the machine alone"}},
		{"store/db.go", `package store; import "math/rand/v2"`, []string{"store/db.go: imports math/rand/v2, whose numbers can be guessed; crypto/rand is for keys and ids"}},
		{"web/health.go", `package web; func f(s S) string { return s.Reveal() }`, []string{"web/health.go: reveals a secret; say in safety_test.go what for"}},
	} {
		f, err := parseSource(c.path, []byte(c.src))
		if err != nil {
			t.Fatal(err)
		}
		tree, err := parser.ParseFile(token.NewFileSet(), c.path, c.src, 0)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, unsafeUses(f, tree)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.src, diff)
		}
	}
}
