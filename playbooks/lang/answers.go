package lang

import "slices"

// An answer is a name for what somebody did about the enrolment that is looked
// at: it has no meaning elsewhere.
type answer struct {
	name string
	of   func(At) map[int]bool
	// tells says what it tells whether; yes and no are its two values as sentences.
	tells, yes, no string
}

// answers is all of them.
var answers = []answer{
	{"acked", func(at At) map[int]bool { return at.Acked }, "the card of this enrolment was taken", "the card was taken", "nobody took the card"},
	{"done", func(at At) map[int]bool { return at.Done }, "the task of this enrolment was done", "the task was done", "the task was not done"},
	{"replied", func(at At) map[int]bool { return at.Replied }, "somebody replied to a mail of this enrolment", "somebody replied to the mail", "nobody replied to the mail"},
}

func answerNamed(name string) (answer, bool) {
	i := slices.IndexFunc(answers, func(a answer) bool { return a.name == name })
	if i < 0 {
		return answer{}, false
	}
	return answers[i], true
}

// answer is whether it is so at a row.
func (n *node) answer(at At, row int) bool {
	a, ok := answerNamed(n.text)
	return ok && a.of(at)[row]
}

// UsesAcked tells whether it asks if the card was taken.
func (e *Expr) UsesAcked() bool { return slices.Contains(e.answers, "acked") }

// UsesDone tells whether it asks if the task was done.
func (e *Expr) UsesDone() bool { return slices.Contains(e.answers, "done") }

// UsesReplied tells whether it asks if somebody replied to the mail.
func (e *Expr) UsesReplied() bool { return slices.Contains(e.answers, "replied") }
