package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"steward"
	"steward/series"
)

// held is what an import of the batch is held back for; none when it is made.
func held(t *testing.T, db *DB, b Batch) []Swing {
	t.Helper()
	_, err := db.Import(context.Background(), b)
	var h *HeldError
	if errors.As(err, &h) {
		return h.Swings
	}
	must(t, err)
	return nil
}

func kinds(swings []Swing) (out []SwingKind) {
	for _, s := range swings {
		out = append(out, s.Kind)
	}
	return out
}

// owned is a list of n accounts with their owners.
func owned(n int, owner func(i int) string) Batch {
	b := Batch{Source: "crm", At: start, AccountFields: []string{"owner"}, CompleteThrough: 20_000, NewestDay: steward.NoDay}
	for i := range n {
		b.Accounts = append(b.Accounts, steward.Account{ID: steward.AccountID(fmt.Sprintf("a-%04d", i)), Owner: steward.OwnerID(owner(i)), StartDate: steward.NoDay, RenewalDate: steward.NoDay})
	}
	return b
}

func all(owner string) func(int) string { return func(int) string { return owner } }

func TestOwnersThatChangeAllAtOnce(t *testing.T) {
	few := func(n int) func(int) string {
		return func(i int) string {
			if i < n {
				return ""
			}
			return "dana"
		}
	}
	for _, c := range []struct {
		what   string
		before func(int) string
		n      int
		after  func(int) string
		held   int // how many
	}{
		{"one in twenty", all("dana"), 200, few(10), 0},
		{"one more", all("dana"), 200, few(11), 11},
		{"nine of twelve", all("dana"), 12, few(9), 0},
		{"ten of twelve", all("dana"), 12, few(10), 10},
		{"the column is empty", all("dana"), 30, all(""), 30},
		{"everybody's first owner", all(""), 30, all("dana"), 0},
		{"shuffled", func(i int) string { return []string{"dana", "sam"}[i%2] }, 40, func(i int) string { return []string{"sam", "dana"}[i%2] }, 40},
	} {
		db := openTest(t)
		must(t, errors.Join(nil, func() error { _, err := db.Import(context.Background(), owned(c.n, c.before)); return err }()))
		before := dump(t, db)
		swings := held(t, db, owned(c.n, c.after))
		if c.held == 0 {
			if len(swings) > 0 {
				t.Errorf("%s: held for %v", c.what, swings)
			}
			continue
		}
		if !slices.Equal(kinds(swings), []SwingKind{SwingOwners}) || swings[0].Now != c.held || swings[0].Of != c.n || len(swings[0].Examples) != 5 {
			t.Errorf("%s: held for %+v", c.what, swings)
		}
		diff(t, c.what+": what was stored", before, dump(t, db))
		kept, err := db.Held(context.Background(), "crm")
		must(t, err)
		diff(t, c.what+": what is held", swings, kept)

		// It stays so however often it is tried, and goes with one word.
		diff(t, c.what+": again", swings, held(t, db, owned(c.n, c.after)))
		b := owned(c.n, c.after)
		if b.Accept = []SwingKind{SwingRows}; held(t, db, b) == nil {
			t.Errorf("%s: another kind let it pass", c.what)
		}
		b.Accept = []SwingKind{SwingOwners}
		if again := held(t, db, b); again != nil {
			t.Errorf("%s: accepted and held for %v", c.what, again)
		}
		if kept, err = db.Held(context.Background(), "crm"); err != nil || len(kept) > 0 {
			t.Errorf("%s: after it was let go: %v, %v", c.what, kept, err)
		}
		p, err := db.Portfolio(context.Background())
		must(t, err)
		for i, a := range p.Accounts {
			if string(a.Owner) != c.after(i) {
				t.Fatalf("%s: account %d belongs to %q", c.what, i, a.Owner)
			}
		}
	}
}

// A refused import that is withdrawn leaves nothing behind.
func TestARefusedImportIsWithdrawn(t *testing.T) {
	db, ctx := openTest(t), context.Background()
	must(t, db.Withdraw(ctx, "crm"))
	held(t, db, owned(30, all("dana")))
	if held(t, db, owned(30, all("sam"))) == nil {
		t.Fatal("it was not held")
	}
	must(t, db.Withdraw(ctx, "crm"))
	if kept, err := db.Held(ctx, "crm"); err != nil || len(kept) > 0 {
		t.Errorf("after it was withdrawn: %v, %v", kept, err)
	}
}

func TestAColumnThatSaysNothingAnyMore(t *testing.T) {
	fill := func(name string, rows, filled int) map[string]Fill {
		return map[string]Fill{name: {Rows: rows, Filled: filled, Unread: []string{"account_owner"}}}
	}
	for _, c := range []struct {
		what          string
		before, after map[string]Fill
		held          bool
	}{
		{"gone", fill("accounts.segment", 100, 100), fill("accounts.segment", 100, 0), true},
		{"gone for few", fill("accounts.segment", 6, 6), fill("accounts.segment", 6, 0), true},
		{"never filled for most", fill("accounts.stage", 100, 8), fill("accounts.stage", 100, 0), false},
		{"half as many", fill("accounts.stage", 100, 80), fill("accounts.stage", 100, 40), false},
		{"less than half", fill("accounts.stage", 100, 80), fill("accounts.stage", 100, 39), true},
		{"less than half of few", fill("accounts.stage", 12, 12), fill("accounts.stage", 12, 3), false},
		{"a shorter list", fill("contacts.email", 1000, 900), fill("contacts.email", 20, 18), false},
		{"an empty list", fill("contacts.email", 1000, 900), fill("contacts.email", 0, 0), false},
		{"no longer asked for", fill("metrics.logins", 100, 100), fill("metrics.exports", 100, 100), false},
		{"a metric's column", fill("metrics.logins", 100, 100), fill("metrics.logins", 100, 0), true},
	} {
		db := openTest(t)
		batch := func(columns map[string]Fill) Batch {
			return Batch{Source: "crm", At: start, CompleteThrough: 20_000, NewestDay: steward.NoDay, Columns: columns}
		}
		if s := held(t, db, batch(c.before)); s != nil {
			t.Fatalf("%s: the first import is held for %v", c.what, s)
		}
		s := held(t, db, batch(c.after))
		if (s != nil) != c.held {
			t.Errorf("%s: held for %v", c.what, s)
		}
		if c.held && (s[0].Kind != SwingColumns || !strings.Contains(s[0].String(), "columns that nothing reads: account_owner")) {
			t.Errorf("%s: %s", c.what, s[0])
		}
	}
}

func TestFilesThatBreakOff(t *testing.T) {
	db := openTest(t)
	batch := func(torn, unended []string) Batch {
		return Batch{Source: "crm", At: start, CompleteThrough: 20_000, NewestDay: steward.NoDay, Torn: torn, Unended: unended, Files: []FileMark{{Path: "a.csv"}, {Path: "b.csv"}}}
	}
	for i, c := range []struct {
		torn, unended []string
		want          []SwingKind
	}{
		{[]string{"a.csv:9"}, []string{"a.csv"}, nil}, // a first import is never held
		{nil, []string{"a.csv"}, nil},                 // a.csv never has a last line end
		{nil, []string{"b.csv"}, []SwingKind{SwingEnd}},
		{[]string{"b.csv:7"}, []string{"b.csv"}, []SwingKind{SwingEnd}},
		{nil, nil, nil},
		{nil, []string{"a.csv", "b.csv"}, []SwingKind{SwingEnd, SwingEnd}},
	} {
		if got := kinds(held(t, db, batch(c.torn, c.unended))); !slices.Equal(got, c.want) {
			t.Errorf("import %d: held for %v, want %v", i, got, c.want)
		}
	}
}

// A list that is not declared full is guarded once it has shown that it is; one
// that brings what changed is left alone.
func TestAListThatLosesHalf(t *testing.T) {
	db := openTest(t)
	for i, c := range []struct {
		rows int
		held bool
	}{{100, false}, {100, false}, {49, true}, {50, false}, {100, false}, {98, false}, {12, true}} {
		s := held(t, db, owned(c.rows, all("dana")))
		if (s != nil) != c.held || c.held && s[0].Kind != SwingRows {
			t.Errorf("import %d, of %d: held for %v", i, c.rows, s)
		}
	}
	deltas := openTest(t)
	for i, rows := range []int{100, 20, 3, 60, 1, 70, 2} {
		if s := held(t, deltas, owned(rows, all("dana"))); s != nil {
			t.Errorf("change list %d, of %d: held for %v", i, rows, s)
		}
	}
}

// usage is a batch in which so many accounts log in on each day from a Monday
// on; -1 leaves the day out.
func usage(from steward.Day, counts ...int) Batch {
	b := Batch{Source: "usage", At: start, Metrics: []string{"logins"}, Counts: []string{"logins"}, Series: map[SeriesKey]series.Series{},
		NewestDay: steward.NoDay, CompleteThrough: steward.NoDay, Columns: map[string]Fill{"metrics.day": {}}}
	builders := map[int]*series.Builder{}
	for i, n := range counts {
		if n > 0 {
			b.NewestDay = from + steward.Day(i)
			b.CompleteThrough = b.NewestDay
		}
		for a := range n {
			if builders[a] == nil {
				builders[a] = &series.Builder{}
			}
			builders[a].Add(from+steward.Day(i), 3)
		}
	}
	for a, builder := range builders {
		s, err := builder.Build()
		if err != nil {
			panic(err)
		}
		b.Series[SeriesKey{steward.AccountID(fmt.Sprintf("a-%03d", a)), "logins"}] = s
	}
	return b
}

const monday steward.Day = 20_521 // 2026-03-09

func weeks(n, weekday, weekend int) []int {
	var out []int
	for range n {
		out = append(out, weekday, weekday, weekday, weekday, weekday, weekend, weekend)
	}
	return out
}

func TestDaysThatAreNotBelieved(t *testing.T) {
	from := monday - 28
	history := weeks(4, 100, 12)
	small := weeks(4, 5, 0)
	type step struct {
		b       Batch
		through steward.Day
		held    bool
	}
	full := func(more ...int) Batch { return usage(from, append(slices.Clone(history), more...)...) }
	tiny := func(more ...int) Batch { return usage(from, append(slices.Clone(small), more...)...) }
	quiet := func(b Batch, through steward.Day) Batch { // nothing happened until then, says the export
		b.CompleteThrough = through
		return b
	}
	for what, steps := range map[string][]step{
		"as usual": {{full(), monday - 1, false}, {full(100), monday, false}, {full(100, 60), monday + 1, false}, {full(100, 60, 100, 100, 100, 12, 9), monday + 6, false}},
		"a day that was cut, and came whole": {{full(), monday - 1, false}, {full(100), monday, false}, {full(100, 30), monday, true},
			{full(100, 100), monday + 1, false}},
		"a day that was cut, and came whole a day later": {{full(), monday - 1, false}, {full(30), monday - 1, true}, {full(100, 100), monday + 1, false}},
		"a holiday": {{full(), monday - 1, false}, {full(8), monday - 1, true}, {full(8, 8), monday - 1, true}, {full(8, 8, 90), monday + 2, false}},
		"a quiet season, which is believed after a week": {{full(), monday - 1, false}, {full(20), monday - 1, true}, {full(20, 20, 20, 20, 20, 2, 2), monday - 1, true},
			{full(20, 20, 20, 20, 20, 2, 2, 20), monday + 7, false}, {full(20, 20, 20, 20, 20, 2, 2, 20, 20), monday + 8, false}},
		"a week without anything is not": {{full(), monday - 1, false}, {full(0, 0, 0, 0, 0, 0, 0, 0, 20), monday - 1, true}},
		// Only an export that goes on around a thin day shows that it is as it was.
		"a day that was cut, and never came again": {{full(), monday - 1, false}, {usage(monday, 30), monday - 1, true}, {usage(monday+1, 100), monday - 1, true},
			{usage(monday, 100), monday, false}},
		"three days that were not delivered":         {{full(), monday - 1, false}, {full(100, 0, 0, 0, 100), monday, true}, {full(100, 0, 0, 0, 100, 12), monday, true}, {full(100, 100, 100, 100, 100, 12), monday + 5, false}},
		"three days of zeros":                        {{full(), monday - 1, false}, {quiet(full(100), monday+3), monday, true}},
		"few accounts, three days not delivered":     {{tiny(), monday - 3, false}, {tiny(5, 0, 0, 0, 5), monday, true}, {tiny(5, 5, 5, 4, 5), monday + 4, false}},
		"few accounts, a holiday":                    {{tiny(), monday - 3, false}, {quiet(tiny(), monday), monday - 1, true}, {tiny(0, 5), monday + 1, false}},
		"few accounts, one goes":                     {{tiny(), monday - 3, false}, {tiny(1), monday, false}},
		"a first import":                             {{full(3), monday, false}},
		"no history to compare with":                 {{usage(monday-3, 100, 100, 100), monday - 1, false}, {usage(monday-3, 100, 100, 100, 20), monday, false}},
		"the export says less, then everything":      {{full(100), monday, false}, {usage(from, history[:10]...), from + 9, false}, {full(100, 100), monday + 1, false}},
		"the export says less, then much too little": {{full(100), monday, false}, {usage(from, history[:10]...), from + 9, false}, {full(100, 20), monday, true}},
	} {
		db, ctx := openTest(t), context.Background()
		for i, s := range steps {
			must(t, errors.Join(nil, func() error { _, err := db.Import(ctx, s.b); return err }()))
			states, err := db.Sources(ctx)
			must(t, err)
			swings, err := db.Held(ctx, "usage")
			must(t, err)
			if got := states[0].CompleteThrough; got != s.through || (len(swings) > 0) != s.held {
				t.Errorf("%s, import %d: complete through %s, want %s; held for %v", what, i+1, got, s.through, swings)
			}
			if s.held && (swings[0].Kind != SwingDays || swings[0].Day != s.through+1) {
				t.Errorf("%s, import %d: held for %+v", what, i+1, swings)
			}
		}
		// One word lets them go.
		last := steps[len(steps)-1].b
		last.Accept = []SwingKind{SwingDays}
		must(t, errors.Join(nil, func() error { _, err := db.Import(ctx, last); return err }()))
		states, err := db.Sources(ctx)
		must(t, err)
		if got := states[0].CompleteThrough; got != last.CompleteThrough {
			t.Errorf("%s: accepted, and complete through %s, want %s", what, got, last.CompleteThrough)
		}
		if swings, err := db.Held(ctx, "usage"); err != nil || len(swings) > 0 {
			t.Errorf("%s: accepted, and held for %v, %v", what, swings, err)
		}
	}
}

// A header and nothing below it is no usage, whatever it is complete through.
func TestMetricsWithoutAnyDay(t *testing.T) {
	db := openTest(t)
	held(t, db, usage(monday-28, weeks(4, 5, 0)...))
	s := held(t, db, usage(monday))
	if len(s) != 1 || s[0].Kind != SwingRows || !strings.Contains(s[0].String(), "no day at all, where they reached to 2026-03-06") {
		t.Errorf("held for %v", s)
	}
	states, err := db.Sources(context.Background())
	must(t, err)
	if states[0].CompleteThrough != monday-3 {
		t.Errorf("complete through %s", states[0].CompleteThrough)
	}
}

// Whatever order days come in, and whatever is missing meanwhile: no day is
// believed before it is there, and once all are there all are.
func TestGapsHoldWhatFollowsThem(t *testing.T) {
	db, ctx, run := openTest(t), context.Background(), 0
	rapid.Check(t, func(rt *rapid.T) {
		const n = 10
		run++
		name := fmt.Sprintf("usage-%d", run)
		history := weeks(4, 12, 12)
		through := func(counts []int) steward.Day {
			b := usage(monday-28, counts...)
			b.Source = name
			if _, err := db.Import(ctx, b); err != nil {
				rt.Fatal(err)
			}
			states, err := db.Sources(ctx)
			if err != nil {
				rt.Fatal(err)
			}
			i := slices.IndexFunc(states, func(s steward.SourceState) bool { return s.Name == name })
			return states[i].CompleteThrough
		}
		through(history)
		there := map[int]bool{}
		arrive := rapid.Permutation(slices.Collect(func(yield func(int) bool) {
			for d := range n {
				if !yield(d) {
					return
				}
			}
		})).Draw(rt, "order")
		for len(arrive) > 0 {
			k := rapid.IntRange(1, len(arrive)).Draw(rt, "together")
			for _, d := range arrive[:k] {
				there[d] = true
			}
			arrive = arrive[k:]
			days := slices.Clone(history)
			for d := range n {
				count := 0
				if there[d] {
					count = 12
				}
				days = append(days, count)
			}
			got := through(days)
			want := steward.Day(0)
			for there[int(want)] {
				want++
			}
			if got != monday+want-1 {
				rt.Fatalf("with days %v: complete through %s, want %s", there, got, monday+want-1)
			}
		}
	})
}
