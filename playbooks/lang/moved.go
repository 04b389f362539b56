package lang

import (
	"fmt"
	"math"

	"steward"
)

// movedBy is from which share on a figure has moved; leastPoints what one that is
// a share itself has to move by at least, so that noise around nothing is none.
const (
	movedBy     = 0.1
	leastPoints = 0.02
)

// Moved says what is another now than it was in an expression, in words: the
// first part that holds and did not, or does not and did, or whose figure moved by
// more than a tenth; "" where nothing did. Durations only grow older, and count by
// what they make of a comparison. What is not known at either time has not moved.
func Moved(was, is *Trace) string {
	a, b := was.Value, is.Value
	if len(was.Children) == len(is.Children) {
		for i, child := range is.Children {
			if what := Moved(was.Children[i], child); what != "" {
				return what
			}
		}
	}
	if !a.Known || !b.Known || a.Kind != b.Kind {
		return ""
	}
	switch a.Kind {
	case steward.DurationKind:
		return ""
	case steward.NumberKind:
		by := math.Abs(a.Num - b.Num)
		if by <= movedBy*math.Max(math.Abs(a.Num), math.Abs(b.Num)) || is.Percent && by < leastPoints {
			return ""
		}
	default:
		if a == b {
			return ""
		}
	}
	return fmt.Sprintf("%s was %s and is %s", is.Text, Describe(a, was.Percent), Describe(b, is.Percent))
}
