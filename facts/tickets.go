package facts

import (
	"slices"
	"strings"

	"steward"
)

// urgent is what sources call a ticket that cannot wait.
var urgent = []string{"urgent", "critical", "blocker", "p1", "highest", "sev1"}

// isOf tells whether a ticket is one of those that tickets('…') counts.
func isOf(t steward.Ticket, which string) bool {
	switch which {
	case "open":
		return true
	case "urgent":
		return slices.ContainsFunc(urgent, func(u string) bool { return strings.EqualFold(t.Priority, u) })
	}
	return strings.EqualFold(t.Priority, which)
}

// ticketCount is how many tickets of a kind were open on the day that is read.
func ticketCount(r reading) steward.Value {
	if !r.feeds("tickets") {
		return steward.Value{}
	}
	n := 0
	for _, t := range r.own().tickets {
		if t.OpenOn(r.today()) && isOf(t, r.q.Text) {
			n++
		}
	}
	return steward.Num(float64(n))
}

// oldestTicket is how long the oldest open ticket has been open; 0 when none
// is.
func oldestTicket(r reading) steward.Value {
	if !r.feeds("tickets") {
		return steward.Value{}
	}
	first := r.today()
	for _, t := range r.own().tickets {
		if t.OpenOn(r.today()) {
			first = min(first, t.Opened)
		}
	}
	return steward.Days(float64(r.today() - first))
}

func noTickets(reading) string { return missing("tickets") }
