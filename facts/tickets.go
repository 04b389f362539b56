package facts

import (
	"strings"

	"steward"
)

// ticketsOf is an account's tickets, gathered once.
func (f *Frame) ticketsOf(id steward.AccountID) []steward.Ticket {
	if f.tickets == nil {
		f.tickets = map[steward.AccountID][]steward.Ticket{}
		for _, t := range f.in.Portfolio.Tickets {
			f.tickets[t.Account] = append(f.tickets[t.Account], t)
		}
	}
	return f.tickets[id]
}

// urgent is what sources call a ticket that cannot wait.
var urgent = []string{"urgent", "critical", "blocker", "p1", "highest", "sev1"}

// isOf tells whether a ticket is one of those that tickets('…') counts.
func isOf(t steward.Ticket, which string) bool {
	if which == "open" {
		return true
	}
	if which == "urgent" {
		for _, u := range urgent {
			if strings.EqualFold(t.Priority, u) {
				return true
			}
		}
		return false
	}
	return strings.EqualFold(t.Priority, which)
}

// ticketCount is how many tickets of a kind were open on the day that is read.
func ticketCount(v *View, row int, q Question, shift int) steward.Value {
	if !v.frame.in.Portfolio.Feeds("tickets") {
		return steward.Value{}
	}
	n := 0
	for _, t := range v.frame.ticketsOf(v.Account(row).ID) {
		if t.OpenOn(v.Today(shift)) && isOf(t, q.Text) {
			n++
		}
	}
	return steward.Num(float64(n))
}

// oldestTicket is how long the oldest open ticket has been open; 0 when none
// is.
func oldestTicket(v *View, row int, _ Question, shift int) steward.Value {
	if !v.frame.in.Portfolio.Feeds("tickets") {
		return steward.Value{}
	}
	day := v.Today(shift)
	first := day
	for _, t := range v.frame.ticketsOf(v.Account(row).ID) {
		if t.OpenOn(day) {
			first = min(first, t.Opened)
		}
	}
	return steward.Days(float64(day - first))
}

func noTickets(*View, int, Question, int) string { return "no source feeds tickets" }
