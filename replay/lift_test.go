package replay

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Figures of Wilson's interval as tables print them.
func TestProportionOf(t *testing.T) {
	for _, tt := range []struct {
		count, of int
		from, to  float64
	}{
		{0, 0, 0, 1},
		{0, 10, 0, 0.2775},
		{10, 10, 0.7225, 1},
		{5, 10, 0.2366, 0.7634},
		{81, 263, 0.2553, 0.3662}, // Newcombe 1998, table I
		{1, 29, 0.0061, 0.1718},   // the same
	} {
		p := ProportionOf(tt.count, tt.of)
		if math.Abs(p.From-tt.from) > 5e-4 || math.Abs(p.To-tt.to) > 5e-4 {
			t.Errorf("%d of %d lies between %.4f and %.4f, want %.4f and %.4f", tt.count, tt.of, p.From, p.To, tt.from, tt.to)
		}
	}
}

// Figures of Newcombe 1998 (the second paper), table II, method 10.
func TestLiftOf(t *testing.T) {
	for _, tt := range []struct {
		a, m, b, n int
		from, to   float64
	}{
		{56, 70, 48, 80, 0.0524, 0.3339},
		{9, 10, 3, 10, 0.1705, 0.8090},
		{10, 10, 0, 20, 0.6791, 1},
		{5, 56, 0, 29, -0.0381, 0.1926},
	} {
		l := LiftOf(tt.a, tt.m, tt.b, tt.n)
		if math.Abs(l.From-tt.from) > 5e-4 || math.Abs(l.To-tt.to) > 5e-4 {
			t.Errorf("%d/%d less %d/%d lies between %.4f and %.4f, want %.4f and %.4f", tt.a, tt.m, tt.b, tt.n, l.From, l.To, tt.from, tt.to)
		}
		if l.Answered != (tt.from > 0 || tt.to < 0) || l.Answered == (l.Needed > 0) {
			t.Errorf("%+v", l)
		}
	}
	if l := LiftOf(3, 10, 0, 0); l.Answered || l.Needed != 0 || l.From != -1 || l.To != 1 {
		t.Errorf("without a holdout: %+v", l)
	}
}

// Of as many customers as are said to be needed, four experiments out of five
// show the lift that is sought.
func TestAsManyAsNeededAreEnough(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	draw := func(n int, p float64) (hits int) {
		for range n {
			if r.Float64() < p {
				hits++
			}
		}
		return hits
	}
	const base, fraction = 0.3, 0.2
	n := LiftOf(38, 100, 30, 100).Needed
	if n == 0 {
		t.Fatal("a lift of 8 points of 100 customers a side is no answer")
	}
	// The estimate was made for two equal sides; ask again for these.
	n = needed(ProportionOf(300, 1000), fraction)
	shown := 0
	const trials = 2000
	for range trials {
		held := int(fraction * float64(n))
		if LiftOf(draw(n-held, base+LiftSought), n-held, draw(held, base), held).From > 0 {
			shown++
		}
	}
	if share := float64(shown) / trials; share < 0.75 || share > 0.86 {
		t.Errorf("of %d customers, %.0f%% of experiments show a lift of %v", n, 100*share, LiftSought)
	}
}
