package facts

import "steward"

// An answer is how one question of the language about the people, tickets,
// surveys, objectives and dealings of an account is worked out. Their lists are
// short, so one way to the answer serves both columns and single rows.
type answer struct {
	kind  steward.Kind
	value func(v *View, row int, q Question, shift int) steward.Value
	// why says why the value is unknown.
	why func(v *View, row int, q Question, shift int) string
}

// answers is every question that facts answers itself, by its name in the
// language.
func answers(ask string) (answer, bool) {
	switch ask {
	case "tickets":
		return answer{steward.NumberKind, ticketCount, noTickets}, true
	case "oldest_ticket":
		return answer{steward.DurationKind, oldestTicket, noTickets}, true
	}
	return answer{}, false
}

func questionKind(q Question) (steward.Kind, bool) {
	a, ok := answers(q.Ask)
	return a.kind, ok
}

func (v *View) answer(row int, q Question, shift int) steward.Value {
	a, ok := answers(q.Ask)
	if !ok {
		return steward.Value{}
	}
	x := a.value(v, row, q, shift)
	if !x.Known {
		return steward.Unknown(a.kind)
	}
	return x
}

func (v *View) whyAnswer(row int, q Question, shift int) string {
	a, ok := answers(q.Ask)
	if !ok {
		return "nothing tells " + q.Ask
	}
	return a.why(v, row, q, shift)
}
