package main

import (
	"steward/configs"
	"steward/playbooks"
)

// healthRules is the workspace's health as playbooks work it out.
func healthRules(h configs.Health) playbooks.HealthRules {
	out := playbooks.HealthRules{Red: h.Red, Yellow: h.Yellow, MinKnown: h.MinKnown}
	for _, c := range h.Scorecards {
		card := playbooks.ScorecardRule{Name: c.Name.Value, AppliesTo: c.AppliesTo}
		for _, p := range c.Parts {
			card.Parts = append(card.Parts, playbooks.PartRule{Name: p.Name.Value, Label: p.Label, Weight: p.Weight, Score: p.Score})
		}
		out.Scorecards = append(out.Scorecards, card)
	}
	return out
}

// journeyRules is the workspace's journey as playbooks work it out.
func journeyRules(j configs.Journey) playbooks.JourneyRules {
	var out playbooks.JourneyRules
	for _, s := range j.Stages {
		stage := playbooks.StageRule{Name: s.Name.Value, Enter: s.Enter, Target: s.Target, Owner: s.Owner.Value, Leading: s.Leading, Lagging: s.Lagging}
		for _, m := range s.Milestones {
			stage.Milestones = append(stage.Milestones, playbooks.MilestoneRule{Name: m.Name.Value, Within: m.Within, When: m.When})
		}
		out.Stages = append(out.Stages, stage)
	}
	for _, o := range j.Overlays {
		out.Overlays = append(out.Overlays, playbooks.OverlayRule{Name: o.Name.Value, When: o.When})
	}
	return out
}
