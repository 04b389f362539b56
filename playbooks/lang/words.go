package lang

import (
	"fmt"
	"math"
	"strings"

	"steward"
)

// askWords is the answer to a question as a person would say it; "" where only
// "TEXT is VALUE" fits.
func askWords(n *node, x steward.Value) string {
	q := n.question()
	name, over := plainName(q.Text), plural(q.Days, "day")
	switch n.text {
	case "tickets":
		return ticketWords(q.Text, int(x.Num))
	case "oldest_ticket":
		if x.Num == 0 {
			return "no ticket has been open for a day"
		}
		return "the oldest open ticket has been open for " + Describe(x, false)
	case "people":
		return someone(int(x.Num), "is "+name, "are "+name)
	case "engaged":
		if x.Num == 0 {
			return fmt.Sprintf("nobody who is %s was active for %s", name, over)
		}
		return someone(int(x.Num), "who is "+name+" was active in "+over, "who are "+name+" were active in "+over)
	case "touches":
		if x.Num == 0 {
			return fmt.Sprintf("no touch with anybody who is %s for %s", name, over)
		}
		return fmt.Sprintf("%s with somebody who is %s in %s", touchesOf(int(x.Num)), name, over)
	case "days_since_touch":
		if name == "" {
			return "the last touch was " + ago(x.Num)
		}
		return fmt.Sprintf("the last touch with somebody who is %s was %s", name, ago(x.Num))
	case "nps":
		if name != "" {
			return fmt.Sprintf("NPS of those who are %s is %s", name, Describe(x, false))
		}
		return "NPS is " + Describe(x, false)
	case "csat":
		return fmt.Sprintf("%s of the answers in %s were satisfied", Describe(x, true), over)
	case "adopted":
		return name + yesOr(x, " was used in ", " was not used for ") + over
	case "adoption":
		return fmt.Sprintf("%s of the licensed features were used in %s", Describe(x, true), over)
	case "utilization":
		return fmt.Sprintf("active users averaged %s of the seats over %s", Describe(x, true), over)
	case "reached":
		return name + yesOr(x, " is reached", " is not reached")
	case "overdue":
		return name + yesOr(x, " is overdue", " is not overdue")
	case "days_since_reached":
		return name + " was reached " + ago(x.Num)
	case "health_of":
		return name + " in health is " + Describe(x, false)
	case "changed":
		return name + yesOr(x, " changed within ", " did not change for ") + over
	case "days_since_change":
		return name + " changed " + ago(x.Num)
	case "objective":
		return fmt.Sprintf("the objective '%s' is at %s", q.Text, Describe(x, true))
	case "objective_due":
		return fmt.Sprintf("the objective '%s' is due on %s", q.Text, Describe(x, false))
	case "fired":
		return q.Text + yesOr(x, " opened within ", " did not open for ") + over
	case "mailed":
		return yesOr(x, "mailed within ", "not mailed for ") + over
	}
	return ""
}

func ticketWords(which string, n int) string {
	kind := plainName(which) + " "
	if which == "open" {
		kind = ""
	}
	switch n {
	case 0:
		return "no " + kind + "ticket is open"
	case 1:
		return "1 " + kind + "ticket is open"
	}
	return fmt.Sprintf("%d %stickets are open", n, kind)
}

// someone is how many people something is true of.
func someone(n int, one, more string) string {
	switch n {
	case 0:
		return "nobody " + one
	case 1:
		return "1 person " + one
	}
	return fmt.Sprintf("%d people %s", n, more)
}

func touchesOf(n int) string {
	if n == 1 {
		return "1 touch"
	}
	return fmt.Sprintf("%d touches", n)
}

// ago is a number of days back.
func ago(days float64) string {
	switch days {
	case 0:
		return "today"
	case 1:
		return "yesterday"
	}
	return Describe(steward.Days(days), false) + " ago"
}

func yesOr(x steward.Value, yes, no string) string {
	if x.Num != 0 {
		return yes
	}
	return no
}

// trendWords tells of a rise or fall over a window.
func trendWords(m string, x float64, over string) string {
	switch {
	case x == 0:
		return fmt.Sprintf("%s are level over %s", m, over)
	case x < 0:
		return fmt.Sprintf("%s are falling: by %s of their mean over %s", m, Describe(steward.Num(-x), true), over)
	}
	return fmt.Sprintf("%s are rising: by %s of their mean over %s", m, Describe(steward.Num(x), true), over)
}

// unusualWords tells how far a window is from those before it.
func unusualWords(m string, x float64, over string) string {
	side := "above"
	switch {
	case x == 0:
		return fmt.Sprintf("%s over %s are as usual for the account", m, over)
	case x < 0:
		side = "below"
	}
	return fmt.Sprintf("%s over %s are %s deviations %s what is usual for the account", m, over, coarse(math.Abs(x)), side)
}

// peerWords tells a change from that of the segment.
func peerWords(m string, x float64, over string) string {
	side := "got ahead of"
	switch {
	case x == 0:
		return fmt.Sprintf("%s changed as is usual in the segment %s", m, over)
	case x < 0:
		side = "fell behind"
	}
	points := strings.TrimSuffix(Describe(steward.Num(math.Abs(x)), true), "%")
	return fmt.Sprintf("%s %s the segment by %s percentage points %s", m, side, points, over)
}

// familyWords tells what a family was rolled up to.
func familyWords(n *node, x steward.Value) string {
	what := canonical(n.kids[0])
	if n.kids[0].op == opField {
		what = plainName(n.kids[0].text)
	}
	switch how := n.kids[1].text; how {
	case "any":
		return fmt.Sprintf("%s: %s in the family", what, yesOr(x, "somebody", "nobody"))
	case "all":
		return fmt.Sprintf("%s: %s in the family", what, yesOr(x, "everybody", "not everybody"))
	case "sum":
		return fmt.Sprintf("%s of the family comes to %s", what, Describe(x, n.percent))
	default:
		kind := map[string]string{"avg": "mean", "min": "lowest", "max": "highest"}[how]
		return fmt.Sprintf("the %s %s of the family is %s", kind, what, Describe(x, n.percent))
	}
}
