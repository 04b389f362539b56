package facts

import "steward"

// A Question names a fact that is neither a field nor a plain window: one that
// a function of the language asks for, such as tickets('urgent'), or one that
// follows from others, such as health. Arguments that a question does not have
// are zero.
type Question struct {
	// Ask is the function's or the fact's name in the language.
	Ask string
	// Text is a role, feature, milestone, field, playbook or other name.
	Text string
	// Metric and Days are a metric's name and a window in days.
	Metric string
	Days   int
}

// Rules work out facts that follow from others and are not in the data: the
// health of an account, its stage. They speak of accounts; a view of other
// subjects has those of their accounts. Column and Value are two ways to the
// same answer, as Window and WindowAt are.
type Rules interface {
	// Kind is what the question gives, and whether the rules answer it.
	Kind(Question) (steward.Kind, bool)
	// Column is the answer for every account, read shift days back.
	Column(accounts *View, q Question, shift int) Column
	// Value is the answer for one account, worked out from the definition.
	Value(accounts *View, row int, q Question, shift int) steward.Value
	// Why says in a clause why Value is unknown.
	Why(accounts *View, row int, q Question, shift int) string
}

type askKey struct {
	Question
	shift int
}

// Ask is the answer to a question for every row, shift days back, computed once
// per frame. A question that nothing answers is unknown everywhere.
func (v *View) Ask(q Question, shift int) Column {
	key := askKey{q, shift}
	c, ok := v.asked[key]
	if ok {
		return c
	}
	switch _, derived := v.derived(q); {
	case derived && v.kind == steward.AboutAccount:
		c = v.frame.rules.Column(v, q, shift)
	case derived:
		c = v.gather(v.frame.View(steward.AboutAccount).Ask(q, shift))
	default:
		kind, _ := questionKind(q)
		c = columnOf(kind, v.Len(), func(row int) steward.Value { return v.answer(row, q, shift, true) })
	}
	v.asked[key] = c
	return c
}

// AskAt is the answer for one row.
func (v *View) AskAt(row int, q Question, shift int) steward.Value {
	if _, derived := v.derived(q); derived {
		return v.frame.rules.Value(v.frame.View(steward.AboutAccount), v.accountRow(row), q, shift)
	}
	return v.answer(row, q, shift, false)
}

// WhyAsk says in a clause for people why AskAt is unknown; "" when it is known.
func (v *View) WhyAsk(row int, q Question, shift int) string {
	if v.AskAt(row, q, shift).Known {
		return ""
	}
	if _, derived := v.derived(q); derived {
		return v.frame.rules.Why(v.frame.View(steward.AboutAccount), v.accountRow(row), q, shift)
	}
	return v.whyAnswer(row, q, shift)
}

func (v *View) derived(q Question) (steward.Kind, bool) {
	if v.frame.rules == nil {
		return steward.NoKind, false
	}
	return v.frame.rules.Kind(q)
}
