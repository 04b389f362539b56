package main

import (
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"steward"
	"steward/facts"
	"steward/playbooks"
	"steward/playbooks/lang"
	"steward/series"
)

// tracedAt is an expression traced for one account: 20 logins a day, arr 48,000,
// segment smb, no plan.
func tracedAt(t *testing.T, src string) *lang.Trace {
	t.Helper()
	scope := lang.Scope{About: steward.AboutAccount, Fields: facts.BuiltinFields(steward.AboutAccount), Metrics: map[string]steward.MetricKind{"logins": steward.Count}}
	scope.Fields["plan"] = steward.TextKind
	e, problems := lang.Compile(src, scope, steward.NoKind)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", src, problems)
	}
	day := steward.Date(2026, 3, 10)
	values := make([]float64, 60)
	for i := range values {
		values[i] = 20
	}
	s, err := series.New(day-59, values)
	if err != nil {
		t.Fatal(err)
	}
	f := facts.At(facts.Input{Slot: steward.SlotAt((day + 1).Start(time.UTC).Add(6 * time.Hour)), Zone: time.UTC,
		Fields: []steward.FieldSpec{{Name: "plan", Kind: steward.TextKind}},
		Portfolio: steward.Portfolio{Accounts: []steward.Account{{ID: "acme", Name: "Acme", Segment: "smb", ARR: steward.Num(48000), Status: "customer",
			StartDate: day - 400, RenewalDate: day + 50, EscalationLevel: steward.Unknown(steward.NumberKind)}}},
		Metrics: []facts.Metric{{Spec: steward.MetricSpec{Name: "logins", Kind: steward.Count}, Through: day, Series: map[steward.AccountID]series.Series{"acme": s}}}})
	return e.Trace(f.View(steward.AboutAccount), 0, lang.At{})
}

func laidOut(t *testing.T, src string, width int, colour bool) string {
	var b strings.Builder
	e := explainer{app: &app{stdout: &b, colour: colour}, book: &playbooks.Book{}, width: width}
	e.condition(playbooks.ExplainedCondition{Name: "when", Text: src, Trace: tracedAt(t, src)})
	return b.String()
}

func TestConditionsAreLaidOut(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"parts under their words": {"drop(logins, 14d) >= 50% or arr > 1k and plan == 'pro'", `
when  unknown
  drop(logins, 14d) >= 50% or arr > 1k and plan == 'pro'
  └─────── false ────────┘    └ true ┘     └─ unknown ─┘
    drop(logins, 14d)  0%: logins did not change in 14 days:
                       20 a day
    arr                48,000
    plan               unknown: plan is not known
`},
		"a flag that a word does not fit under": {"not test and not (test or arr < 1k)", `
when  true
  not test and not (test or arr < 1k)
  └ true ┘          ----    └false─┘
    test  no
    arr   48,000
`},
		"a choice shows what it chose": {"segment == 'smb' ? arr > 50k : arr > 1k", `
when  false
  segment == 'smb' ? arr > 50k : arr > 1k
  └──── true ────┘   └ false ┘
    segment  smb
    arr      48,000
`},
		"its own lines are kept": {"arr > 1k\n  and segment == 'smb'", `
when  true
  arr > 1k
  └ true ┘
  and segment == 'smb'
      └──── true ────┘
    arr      48,000
    segment  smb
`},
		"broken between parts": {"segment in ['mid-market', 'enterprise', 'smb'] and drop(logins, 14d) >= 50% and arr > 1k", `
when  false
  segment in ['mid-market', 'enterprise', 'smb']
  └─────────────────── true ───────────────────┘
  and drop(logins, 14d) >= 50% and arr > 1k
      └─────── false ────────┘     └ true ┘
    segment            smb
    drop(logins, 14d)  0%: logins did not change in 14 days:
                       20 a day
    arr                48,000
`},
		"a long expression has its value on the next line": {"avg(logins, 14d) + avg(logins, 28d) + was(sum(logins, 14d) + arr * 2 + 1000, 14d) > 3", `
when  true
  avg(logins, 14d) + avg(logins, 28d) + was(sum(logins, 14d)
  └───────────────────────── true ─────────────────────────┘
  + arr * 2 + 1000, 14d) > 3
  └───────── true ─────────┘
    avg(logins, 14d)  20: logins averaged 20 a day over 14
                      days
    avg(logins, 28d)  20: logins averaged 20 a day over 28
                      days
    was(sum(logins, 14d) + arr * 2 + 1000, 14d)
                      97,280
`},
	} {
		if got := laidOut(t, c.src, 60, false); strings.TrimSpace(got) != strings.TrimSpace(c.want) {
			t.Errorf("%s:\ngot:\n%s\nwant:\n%s", name, got, c.want)
		}
	}
}

// In colour a condition stays as it is written: the verdicts are its colours.
func TestConditionsInColour(t *testing.T) {
	got := laidOut(t, "arr > 1k and segment == 'x' or plan == 'pro'", 80, true)
	for _, part := range []string{"\x1b[32marr > 1k\x1b[0m", "\x1b[31msegment == 'x'\x1b[0m", "\x1b[2m\x1b[33mplan == 'pro'\x1b[0m\x1b[0m"} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is not in %q", part, got)
		}
	}
	if strings.Contains(got, "└") {
		t.Errorf("marks and colours: %q", got)
	}
}

// Whatever the width, no line is wider, nothing of the text is lost, and no mark
// stands under anything but its part.
func TestLinesFitAndLoseNothing(t *testing.T) {
	const src = "segment in ['mid-market', 'enterprise'] and drop(logins, 14d) >= 50%\n  and (was(avg(logins, 14d), 14d) >= 1 or quiet_days(logins) >= 14d) and name != 'Größe & Söhne' and not test"
	parts := tracedAt(t, src).Parts()
	if len(parts) != 6 {
		t.Fatalf("%d parts", len(parts))
	}
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(8, 140).Draw(t, "width")
		var kept strings.Builder
		last := 0
		for _, at := range breakCondition(src, parts, width) {
			line := src[at.Start:at.End]
			if n := utf8.RuneCountInString(line); n > width || n == 0 || strings.Contains(line, "\n") {
				t.Fatalf("%d characters: %q", n, line)
			}
			if at.Start < last {
				t.Fatalf("%v begins before %d", at, last)
			}
			kept.WriteString(line)
			last = at.End
			under := []rune(strings.TrimRight(marks(src, at, parts), " "))
			if len(under) > utf8.RuneCountInString(line) {
				t.Fatalf("the marks are longer than\n%s\n%s", line, string(under))
			}
			column := 0
			for i := range src {
				if i < at.Start || i >= at.End {
					continue
				}
				inside := false
				for _, p := range parts {
					inside = inside || p.Span.Start <= i && i < p.Span.End
				}
				if !inside && column < len(under) && under[column] != ' ' {
					t.Fatalf("a mark under nothing:\n%s\n%s", line, string(under))
				}
				column++
			}
		}
		if squeezed := func(s string) string { return strings.Join(strings.Fields(s), "") }; squeezed(kept.String()) != squeezed(src) {
			t.Fatalf("what is shown is %q", kept.String())
		}
	})
}

func TestEventsInWords(t *testing.T) {
	at := time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC)
	date := func(t time.Time) string { return t.Format(time.DateOnly) }
	for _, c := range []struct {
		event event
		want  string
	}{
		{event{What: "opened", Detail: "no logins for 14 days"}, "opened: no logins for 14 days"},
		{event{What: "baseline", Detail: "no logins"}, "held back: no logins (baseline)"},
		{event{Step: "nudge", To: "Dana (owner)", What: "planned", Message: "m-1"}, "nudge to Dana (owner): planned"},
		{event{Step: "nudge", To: "Dana (owner)", What: "delivered", Message: "m-1"}, "nudge to Dana (owner): sent [m-1]"},
		{event{Step: "help", What: "if_false", Detail: "if does not hold: not acked"}, "help: if does not hold: not acked (if_false)"},
		{event{Step: "help", To: "Ann", What: "paused", Detail: "sending is paused", Times: 3, Last: at, Message: "m-2"}, "help to Ann: sending is paused (paused); 3 times, last 2026-03-14 [m-2]"},
		{event{What: "taken", Detail: "by pat"}, "taken on by pat"},
		{event{What: "recovered", Detail: "recovered: seats == 1"}, "recovered: seats == 1 (recovered)"},
	} {
		if got := c.event.words(date); got != c.want {
			t.Errorf("%+v:\ngot  %s\nwant %s", c.event, got, c.want)
		}
	}
	same := []event{{Step: "a", What: "paused", At: at}, {Step: "a", What: "paused", At: at.Add(time.Hour)}, {Step: "a", What: "delivered"}, {What: "x"}, {What: "x"}}
	if got := folded(same); len(got) != 4 || got[0].Times != 2 || !got[0].Last.Equal(at.Add(time.Hour)) {
		t.Errorf("%+v", got)
	}
}

// What docs/operations.md shows of explain is what explain shows.
func TestDocumentedExplanation(t *testing.T) {
	golden, err := os.ReadFile("testdata/script/explained.txtar")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, b := range docBlocks(t, "docs/operations.md") {
		if b.kind != "text" || !strings.HasPrefix(b.text, "when ") {
			continue
		}
		seen++
		if !strings.Contains(string(golden), b.text) {
			t.Errorf("%s:%d: this is not what explain shows:\n%s", b.page, b.line, b.text)
		}
	}
	if seen != 1 {
		t.Errorf("docs/operations.md shows %d explanations", seen)
	}
}
