package replay_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"steward"
	"steward/replay"
)

func measured(in bool, then, now float64) replay.Measured {
	return replay.Measured{In: in, Then: steward.Num(then), Now: steward.Num(now)}
}

func TestContrast(t *testing.T) {
	unknown := steward.Unknown(steward.NumberKind)
	c := replay.ContrastPilot([]replay.Measured{
		measured(true, 10, 14), measured(true, 20, 22), {In: true, Then: unknown, Now: steward.Num(900)}, {In: true, Then: steward.Num(900), Now: unknown},
		measured(false, 10, 9), measured(false, 30, 30), measured(false, 20, 21),
	})
	if c.Pilot.Subjects != 4 || c.Pilot.Known != 2 || c.Pilot.Then != 15 || c.Pilot.Now != 18 || c.Pilot.Change != 3 {
		t.Errorf("the pilot is %+v", c.Pilot)
	}
	if c.Rest.Known != 3 || c.Rest.Change != 0 || c.Difference != 3 || !c.Told || !c.Few {
		t.Errorf("%+v", c)
	}
	// By hand: 1.96 × √(2/2 + 1/3).
	if half := (c.To - c.From) / 2; math.Abs(half-1.96*math.Sqrt(4.0/3)) > 1e-9 || math.Abs((c.To+c.From)/2-3) > 1e-9 {
		t.Errorf("from %g to %g", c.From, c.To)
	}
	if c := replay.ContrastPilot([]replay.Measured{measured(true, 1, 2)}); c.Told || !c.Few || c.Pilot.Change != 1 {
		t.Errorf("without a rest: %+v", c)
	}
	if c := replay.ContrastPilot(nil); c.Told || math.IsNaN(c.Difference) {
		t.Errorf("of nobody: %+v", c)
	}
}

// Where nothing sets the two sides apart, about one interval in twenty leaves
// nothing out.
func TestContrastIsHonest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const times = 2000
	missed := 0
	for range times {
		var of []replay.Measured
		for i := range 120 {
			then := 10 + 3*r.NormFloat64()
			of = append(of, measured(i < 40, then, then+1+2*r.NormFloat64()))
		}
		c := replay.ContrastPilot(of)
		if c.Few {
			t.Fatal("forty are called few")
		}
		if c.From > 0 || c.To < 0 {
			missed++
		}
	}
	if share := float64(missed) / times; share < 0.03 || share > 0.075 {
		t.Errorf("%.1f%% of the intervals leave out what is so, want about 5%%", share*100)
	}
}
