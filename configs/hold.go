package configs

import (
	"fmt"
	"slices"
	"strings"

	"steward/configs/strictyaml"
)

// A Hold keeps mail of some purposes from a customer while a condition on the
// account holds, and for some days after.
type Hold struct {
	Purposes []string
	When     strictyaml.Text
	// AndFor is for how many days after the last day on which When held.
	AndFor int
}

// purposes are what a playbook can say that it is for.
var purposes = []string{"care", "risk", "commercial", "report"}

// longestHold is how far back a hold looks at most, in days: as far as windows.
const longestHold = 800

type holdBlock struct {
	Pos     strictyaml.Pos       `yaml:",pos"`
	Purpose strictyaml.OneOrMore `yaml:"purpose,required" doc:"Which playbooks' mail is held, by their purpose: care, risk, commercial or report; several in a list."`
	When    strictyaml.Text      `yaml:"when,required" doc:"A condition on the account. While it holds, or is not known, mail of the purpose waits."`
	AndFor  *strictyaml.Duration `yaml:"and_for" doc:"For how long the mail goes on waiting after the condition last held, in whole days such as 14d; not at all where it is left out."`
}

func (l *loader) holds(blocks []holdBlock) {
	for _, b := range blocks {
		h := Hold{When: b.When}
		for _, p := range b.Purpose {
			switch {
			case !slices.Contains(purposes, p.Value):
				l.wrong(p, fmt.Sprintf("%q is not a purpose", p.Value), "write "+strings.Join(purposes[:3], ", ")+" or "+purposes[3])
			case slices.Contains(h.Purposes, p.Value):
				l.wrong(p, fmt.Sprintf("%s is named twice", p.Value), "remove one")
			default:
				h.Purposes = append(h.Purposes, p.Value)
			}
		}
		if b.AndFor != nil {
			days := b.AndFor.Days()
			if h.AndFor = int(days); days != float64(h.AndFor) || days < 0 || h.AndFor > longestHold {
				l.problems = append(l.problems, b.Pos.Problem(FileName, "hold", 1, fmt.Sprintf("and_for has whole days, at most %d", longestHold), "write it as 14d", l.src))
				h.AndFor = 0
			}
		}
		l.w.Holds = append(l.w.Holds, h)
	}
}
