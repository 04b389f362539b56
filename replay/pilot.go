package replay

import (
	"math"

	"steward"
)

// A Measured is one subject's measure when a pilot began and now.
type Measured struct {
	In        bool // in the pilot, or of the rest
	Then, Now steward.Value
}

// A Side is one side of a pilot in figures. Its means are of those whose
// measure is known both then and now, as those that came or went would move
// them for another reason.
type Side struct {
	Subjects int     `json:"subjects"`
	Known    int     `json:"known"`
	Then     float64 `json:"then"`
	Now      float64 `json:"now"`
	Change   float64 `json:"change"`

	variance float64 // of the changes
}

// A Contrast is a pilot beside the rest.
type Contrast struct {
	Pilot Side `json:"pilot"`
	Rest  Side `json:"rest"`
	// Difference is by how much more the pilot changed than the rest. Told is
	// false where that cannot be said, with a side that nobody is known of.
	Difference float64 `json:"difference"`
	Told       bool    `json:"told"`
	// From and To are where the difference lies with 95 % confidence; both are
	// Difference itself where a side has fewer than two.
	From float64 `json:"from"`
	To   float64 `json:"to"`
	// Few tells that a side has too few for the figures to mean much.
	Few bool `json:"few"`
}

// fewSubjects is below how many on a side a comparison is called one of few.
const fewSubjects = 30

// ContrastPilot holds a pilot beside the rest: how the mean of each side changed, and
// the difference of the two. Its confidence is Welch's, with the normal
// distribution's 1.96, which is too narrow for a handful; Few says so.
func ContrastPilot(of []Measured) Contrast {
	var c Contrast
	c.Pilot, c.Rest = side(of, true), side(of, false)
	c.Few = c.Pilot.Known < fewSubjects || c.Rest.Known < fewSubjects
	if c.Pilot.Known == 0 || c.Rest.Known == 0 {
		return c
	}
	c.Told, c.Difference = true, c.Pilot.Change-c.Rest.Change
	c.From, c.To = c.Difference, c.Difference
	if c.Pilot.Known > 1 && c.Rest.Known > 1 {
		spread := 1.96 * math.Sqrt(c.Pilot.variance/float64(c.Pilot.Known)+c.Rest.variance/float64(c.Rest.Known))
		c.From, c.To = c.Difference-spread, c.Difference+spread
	}
	return c
}

func side(of []Measured, in bool) Side {
	var s Side
	var changes []float64
	for _, m := range of {
		if m.In != in {
			continue
		}
		s.Subjects++
		if !m.Then.Known || !m.Now.Known {
			continue
		}
		s.Known++
		s.Then, s.Now = s.Then+m.Then.Num, s.Now+m.Now.Num
		changes = append(changes, m.Now.Num-m.Then.Num)
	}
	if s.Known == 0 {
		return s
	}
	n := float64(s.Known)
	s.Then, s.Now = s.Then/n, s.Now/n
	s.Change = s.Now - s.Then
	for _, c := range changes {
		s.variance += (c - s.Change) * (c - s.Change)
	}
	if s.Known > 1 {
		s.variance /= n - 1
	}
	return s
}
