package steward

import (
	"fmt"
	"slices"
	"strings"
)

// A Lint is one kind of advice that check gives.
type Lint struct {
	Name string `json:"name"`
	// Means says what it is that was found, Do what to do about it.
	Means string `json:"means"`
	Do    string `json:"do"`
	// Data tells advice that comes from what was imported, not from the files
	// alone: it may come and go without an edit.
	Data bool `json:"data,omitempty"`
}

// An Acceptance is advice that a file's author has looked at and does not
// follow, with the reason.
type Acceptance struct {
	Lint, Because string
	// Files is the files it speaks for, and About the part of them, such as
	// "playbook login-drop"; "" is all.
	Files []string
	About string
	// Place is where it stands, for what is wrong with it.
	Place Problem
}

func (a Acceptance) covers(p Problem) bool {
	return p.Lint == a.Lint && slices.Contains(a.Files, p.File) && (a.About == "" || p.About == a.About)
}

// staleAcceptance is the lint of an acceptance that accepts nothing.
const staleAcceptance = "stale-acceptance"

// Accept leaves out the warnings that their files accept, and tells what is
// wrong with the acceptances: no reason, a lint that there is not, and, of the
// lints that were looked for in files without mistakes, one that does not occur.
// The second result is how many warnings were left out.
func (ps Problems) Accept(acceptances []Acceptance, lints []Lint, looked func(Lint) bool) (Problems, int) {
	var out Problems
	used := make([]bool, len(acceptances))
	for _, p := range ps {
		i := -1
		if p.Warning() {
			i = slices.IndexFunc(acceptances, func(a Acceptance) bool { return a.covers(p) })
		}
		if i < 0 {
			out = append(out, p)
			continue
		}
		used[i] = true
	}
	accepted := len(ps) - len(out)
	mistaken := len(ps.Errors()) > 0 // what has a mistake gets no advice yet
	for i, a := range acceptances {
		if p, wrong := a.problem(lints, looked, used[i] || mistaken); wrong {
			out = append(out, p)
		}
	}
	return out.Sorted(), accepted
}

func (a Acceptance) problem(lints []Lint, looked func(Lint) bool, used bool) (Problem, bool) {
	p := a.Place
	names := make([]string, len(lints))
	for i, l := range lints {
		names[i] = l.Name
	}
	i := slices.Index(names, a.Lint)
	switch {
	case i < 0:
		p.Message, p.Hint = fmt.Sprintf("there is no lint %q", a.Lint), "steward check --lints lists them"
		if near := Nearest(a.Lint, names); near != "" {
			p.Hint = fmt.Sprintf("did you mean %q?", near)
		}
	case strings.TrimSpace(a.Because) == "":
		p.Message, p.Hint = a.Lint+" is accepted without a reason", "say why in because:, for whoever reads the file next"
	case !used && looked(lints[i]):
		p.Lint, p.Message, p.Hint = staleAcceptance, a.Lint+" is accepted and does not occur here", "remove the acceptance"
	default:
		return p, false
	}
	return p, true
}
