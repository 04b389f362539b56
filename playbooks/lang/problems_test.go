package lang_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/playbooks/lang"
)

var update = flag.Bool("update", false, "write testdata/problems.txt anew")

// Every message that a person can meet, with the place it underlines. A source
// behind ~ is read where neither acked nor at_open may stand.
func TestProblems(t *testing.T) {
	const file = "testdata/problems.txt"
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(string(golden)) {
		if src, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "> "); ok {
			got.WriteString("> " + src + "\n" + told(src))
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(golden), got.String()); diff != "" {
		t.Errorf("problems differ (-want +got); go test -update writes them anew:\n%s", diff)
	}
}

func told(line string) string {
	src, s := line, scope(steward.AboutAccount)
	if strings.HasPrefix(line, "~") {
		src, s.Acked, s.AtOpen = line[1:], false, false
	}
	_, problems := lang.Compile(src, s, steward.FlagKind)
	if len(problems) == 0 {
		return "  fine\n\n"
	}
	var b strings.Builder
	for _, p := range problems {
		indent := utf8.RuneCountInString(line) - utf8.RuneCountInString(src) + utf8.RuneCountInString(src[:p.Start])
		fmt.Fprintf(&b, "  %s%s %s", strings.Repeat(" ", indent), strings.Repeat("^", utf8.RuneCountInString(src[p.Start:p.End])), p.Message)
		if p.Hint != "" {
			b.WriteString(" (" + p.Hint + ")")
		}
		b.WriteByte('\n')
	}
	return b.String() + "\n"
}

// What cannot be shown on one line of a golden file.
func TestLimits(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"empty", "", "the expression is empty"},
		{"blank", " \n\t ", "the expression is empty"},
		{"too long", strings.Repeat(" ", 5000) + "test", "the expression has 5004 bytes"},
		{"parentheses", strings.Repeat("(", 100) + "test" + strings.Repeat(")", 100), "nested more than 64 deep"},
		{"nots", strings.Repeat("not ", 300) + "test", "nested more than 64 deep"},
		{"minuses", strings.Repeat("-", 300) + "1 > 0", "nested more than 64 deep"},
		{"choices", strings.Repeat("test ? test : ", 200) + "test", "nested more than 64 deep"},
		{"calls", strings.Repeat("was(", 100) + "1" + strings.Repeat(",1d)", 100) + " > 0", "nested more than 64 deep"},
		{"parts", "1>0" + strings.Repeat("+1", 2000), "more than 2000 parts"},
		{"huge number", "arr > 1" + strings.Repeat("0", 400), "too large"},
		{"no UTF-8", "plan == \xff", "not UTF-8"},
		{"no UTF-8 in text", "plan == 'a\xffb'", "not UTF-8"},
		{"text over lines", "plan == 'a\nb'", "the text is not closed"},
		{"hard space", "arr >\u00a05", "not a plain one"},
		{"zero-width space", "arr\u200b > 5", "not a plain one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, problems := lang.Compile(c.src, scope(steward.AboutAccount), steward.FlagKind)
			if e != nil || len(problems) == 0 || !strings.Contains(problems[0].Message, c.want) {
				t.Fatalf("got %v and %+v, want a problem with %q", e, problems, c.want)
			}
			for _, p := range problems {
				checkSpan(t, c.src, p)
			}
		})
	}
}

func checkSpan(t testing.TB, src string, p lang.Problem) {
	t.Helper()
	if p.Start < 0 || p.Start > p.End || p.End > len(src) || p.Start == p.End && src != "" {
		t.Fatalf("%q: %q is told of %d to %d", src, p.Message, p.Start, p.End)
	}
	if p.Message == "" {
		t.Fatalf("%q: a problem without a message at %d", src, p.Start)
	}
}

// A long and = chain of fine conditions is no problem: limits stop nobody.
func TestLongConditions(t *testing.T) {
	src := "test" + strings.Repeat(" or arr > 10k", 300)
	e := compile(t, src, steward.AboutAccount)
	v := acme(t).View(steward.AboutAccount)
	if got := e.Value(v, 0, lang.At{}).String(); got != "true" {
		t.Errorf("got %s", got)
	}
}

func TestWantedKind(t *testing.T) {
	for _, c := range []struct {
		src  string
		want steward.Kind
		ok   bool
	}{
		{"renewal_date - 60d", steward.DateKind, true},
		{"renewal_date", steward.FlagKind, false},
		{"arr * 2", steward.NumberKind, true},
		{"arr > 2", steward.NumberKind, false},
		{"quiet_days(logins)", steward.DurationKind, true},
		{"3mo", steward.DurationKind, false},
		{"segment", steward.NoKind, true},
	} {
		if _, problems := lang.Compile(c.src, scope(steward.AboutAccount), c.want); (len(problems) == 0) != c.ok {
			t.Errorf("%s as %s: %+v", c.src, c.want, problems)
		}
	}
}

func FuzzCompile(f *testing.F) {
	golden, err := os.ReadFile("testdata/problems.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(golden)) {
		if src, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "> "); ok {
			f.Add(src)
		}
	}
	for _, d := range lang.Functions() {
		f.Add(d.Example)
	}
	frame := met(f)
	v := frame.View(steward.AboutAccount)
	s := scope(steward.AboutAccount)
	f.Fuzz(func(t *testing.T, src string) {
		e, problems := lang.Compile(src, s, steward.NoKind)
		if (e == nil) != (len(problems) > 0) {
			t.Fatalf("%q: %v with %+v", src, e, problems)
		}
		for _, p := range problems {
			checkSpan(t, src, p)
		}
		if e == nil {
			return
		}
		again, problems := lang.Compile(e.Canonical(), s, e.Kind())
		if len(problems) > 0 && len(e.Canonical()) <= 4096 {
			t.Fatalf("%q: canonical %q: %+v", src, e.Canonical(), problems)
		}
		if again != nil && again.Canonical() != e.Canonical() {
			t.Fatalf("%q: canonical %q, then %q", src, e.Canonical(), again.Canonical())
		}
		column := e.Column(v, lang.At{})
		for row := range v.Len() {
			want := e.Value(v, row, lang.At{})
			if got := column.Value(row); !same(got, want) {
				t.Fatalf("%q at %d: column %v, value %v", src, row, got, want)
			}
			trace := e.Trace(v, row, lang.At{})
			if !same(trace.Value, want) {
				t.Fatalf("%q at %d: trace %v, value %v", src, row, trace.Value, want)
			}
			lang.Evidence(trace)
		}
	})
}
