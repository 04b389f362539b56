package steward

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one mistake in a file that a person wrote, told so that they can
// mend it: where it is, what is wrong, and what to do. Line and Column count
// from 1, the column in characters; both are 0 where only the file is known.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Length int    `json:"length,omitempty"` // characters to underline; 0 means one
	// About names what the problem is in, such as "playbook login-drop".
	About string `json:"about,omitempty"`
	// Lint names the advice that a warning comes from; empty for errors.
	Lint    string `json:"lint,omitempty"`
	Message string `json:"message"`
	// Hint says what to do: the nearest name, the form expected.
	Hint string `json:"hint,omitempty"`
	// Snippet is the line of the file at Line, for the caret.
	Snippet string `json:"snippet,omitempty"`
}

// Warning tells advice (a lint) from a mistake that stops a load.
func (p Problem) Warning() bool { return p.Lint != "" }

// Error is the one-line form: file:line:col: about: message (hint).
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, max(p.Column, 1))
	}
	b.WriteString(": ")
	if p.About != "" {
		b.WriteString(p.About + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
	return b.String()
}

// Problems is every mistake found in one pass, in file order.
type Problems []Problem

// Error tells the first problem and how many more there are.
func (ps Problems) Error() string {
	switch len(ps) {
	case 0:
		return "no problems"
	case 1:
		return ps[0].Error()
	default:
		return fmt.Sprintf("%s (and %d more; run steward check)", ps[0].Error(), len(ps)-1)
	}
}

// Errors is the problems that stop a load: all but the warnings.
func (ps Problems) Errors() Problems {
	var out Problems
	for _, p := range ps {
		if !p.Warning() {
			out = append(out, p)
		}
	}
	return out
}

// Sorted orders by file, line and column, keeping the order of equals.
func (ps Problems) Sorted() Problems {
	out := slices.Clone(ps)
	slices.SortStableFunc(out, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column)
	})
	return out
}

// Nearest finds the candidate that name was probably meant to be, or "" when
// none is near: at most a third of its letters changed, swaps of neighbours
// counting once (optimal string alignment distance), case ignored.
func Nearest(name string, candidates []string) string {
	best, bestDistance := "", max(1, len([]rune(name))/3)+1
	for _, c := range candidates {
		// One past the best, so that as near as the best is told from "at least".
		if d := editDistance(strings.ToLower(name), strings.ToLower(c), bestDistance+1); d < bestDistance || d == bestDistance && best != "" && c < best {
			best, bestDistance = c, d
		}
	}
	return best
}

// editDistance is the optimal string alignment distance, or limit when it is
// at least that. Long strings are not compared: nobody misspells a paragraph.
func editDistance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 || len(x)-len(y) >= limit || len(y)-len(x) >= limit {
		return limit
	}
	before, prev, cur := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(x); i++ {
		cur[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return min(prev[len(y)], limit)
}
