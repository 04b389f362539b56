package replay

import "math"

// A Proportion is a share of some, with where it lies with 95 % confidence.
type Proportion struct {
	Of    int     `json:"of"`
	Count int     `json:"count"`
	Share float64 `json:"share"`
	From  float64 `json:"from"`
	To    float64 `json:"to"`
}

// z is the normal distribution's quantile of 95 % confidence, and power that of
// an answer in four of five cases.
const (
	z     = 1.959964
	power = 0.841621
)

// ProportionOf is count of of, with Wilson's score interval (E. B. Wilson, 1927,
// JASA 22), which stays within 0 and 1 and is honest about a handful.
func ProportionOf(count, of int) Proportion {
	p := Proportion{Of: of, Count: count, To: 1}
	if of == 0 {
		return p
	}
	n := float64(of)
	p.Share = float64(count) / n
	middle := (p.Share + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p.Share*(1-p.Share)/n+z*z/(4*n*n))
	p.From, p.To = max(0, middle-half), min(1, middle+half)
	return p
}

// A Lift is by how much more of those who heard from a playbook came to what it
// is for than of those who did not.
type Lift struct {
	Told    Proportion `json:"told"`
	Holdout Proportion `json:"holdout"`
	// Difference is of the shares, From and To where it lies with 95 % confidence.
	Difference float64 `json:"difference"`
	From       float64 `json:"from"`
	To         float64 `json:"to"`
	// Answered tells that zero lies outside From and To. Where it does not, Needed
	// is about how many customers it takes on both sides together for a lift of
	// LiftSought to show four times out of five; 0 where that cannot be said, as
	// one side has nobody.
	Answered bool `json:"answered"`
	Needed   int  `json:"needed,omitempty"`
}

// LiftSought is the lift that a comparison is planned to find: a tenth more of
// the customers. Less is hardly worth a playbook, and takes thousands to see.
const LiftSought = 0.1

// LiftOf compares told, of which so many reached the goal, with a holdout. The
// interval is Newcombe's hybrid of two of Wilson's (R. G. Newcombe, 1998,
// Statistics in Medicine 17, method 10), the number needed that of two
// proportions (J. L. Fleiss, Statistical Methods for Rates and Proportions).
func LiftOf(reached, told, reachedHeld, held int) Lift {
	l := Lift{Told: ProportionOf(reached, told), Holdout: ProportionOf(reachedHeld, held), From: -1, To: 1}
	if told == 0 || held == 0 {
		return l
	}
	a, b := l.Told, l.Holdout
	l.Difference = a.Share - b.Share
	l.From = l.Difference - math.Hypot(a.Share-a.From, b.To-b.Share)
	l.To = l.Difference + math.Hypot(a.To-a.Share, b.Share-b.From)
	l.Answered = l.From > 0 || l.To < 0
	if !l.Answered {
		l.Needed = needed(b, float64(held)/float64(told+held))
	}
	return l
}

// needed takes the holdout's share, drawn towards the middle as few are no proof
// of 0 or 1, and the other as LiftSought above it.
func needed(holdout Proportion, fraction float64) int {
	base := (float64(holdout.Count) + 1) / (float64(holdout.Of) + 2)
	other := min(base+LiftSought, 1)
	if other == 1 {
		base, other = 1-LiftSought, 1
	}
	variance := other*(1-other)/(1-fraction) + base*(1-base)/fraction
	return int(math.Ceil((z + power) * (z + power) * variance / (LiftSought * LiftSought)))
}
