package replay

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"steward"
	"steward/configs/strictyaml"
)

// standingKeys is what a test may expect of an account beside a playbook.
type standingKeys struct {
	Stage  strictyaml.Scalar `yaml:"stage" doc:"The account's stage of the journey; unknown where nothing tells it."`
	Health strictyaml.Scalar `yaml:"health" doc:"The account's health: a number, met to the nearest whole one, a range such as 40..60, or unknown."`
	Grade  strictyaml.Scalar `yaml:"grade" doc:"The grade of the account's health." enum:"red|yellow|green|unknown"`
}

// An AccountStanding is how an account is: what its health and its journey come to.
// What is not known is "" or unknown.
type AccountStanding struct {
	Stage  string
	Health steward.Value
	Grade  string
}

// An ExpectedStanding is how an account should be. Parts that are empty are not
// looked at.
type ExpectedStanding struct {
	Stage, Health, Grade string

	stageAt, healthAt, gradeAt strictyaml.Pos
}

const unknown = "unknown"

// String is what is expected, such as "stage adoption, health 40..60".
func (e ExpectedStanding) String() string {
	var what []string
	for _, p := range [][2]string{{"stage", e.Stage}, {"health", e.Health}, {"grade", e.Grade}} {
		if p[1] != "" {
			what = append(what, p[0]+" "+p[1])
		}
	}
	return strings.Join(what, ", ")
}

func (r *scenarioReader) standing(f standingKeys) ExpectedStanding {
	e := ExpectedStanding{Stage: f.Stage.Value, Health: f.Health.Value, stageAt: f.Stage.Pos, healthAt: f.Health.Pos, gradeAt: f.Grade.Pos}
	e.Grade = oneOf(r, f.Grade, "grade", "red", "yellow", "green", unknown)
	if e.Health == "" || e.Health == unknown {
		return e
	}
	if _, _, ok := bounds(e.Health); !ok {
		r.wrong(f.Health, fmt.Sprintf("%q is not a health", e.Health), "write a number from 0 to 100, a range such as 40..60, or unknown")
	}
	return e
}

// bounds are the least and the most health that a test means.
func bounds(text string) (least, most float64, ok bool) {
	from, to, isRange := strings.Cut(text, "..")
	if !isRange {
		to = from
	}
	least, err := strconv.ParseFloat(from, 64)
	if err != nil {
		return 0, 0, false
	}
	most, err = strconv.ParseFloat(to, 64)
	return least, most, err == nil && least >= 0 && least <= most && most <= 100
}

// misses tells what of an account is not as expected.
func (e ExpectedStanding) misses(got AccountStanding, fail func(what, want, got string, at strictyaml.Pos)) {
	known := func(s string) string {
		if s == "" {
			return unknown
		}
		return s
	}
	if e.Stage != "" && e.Stage != known(got.Stage) {
		fail("stage", e.Stage, known(got.Stage), e.stageAt)
	}
	if e.Health != "" {
		health, met := unknown, e.Health == unknown
		if got.Health.Known {
			health = strconv.FormatFloat(math.Round(10*got.Health.Num)/10, 'f', -1, 64)
			x := got.Health.Num
			if !strings.Contains(e.Health, "..") {
				x = math.Round(x)
			}
			least, most, isNumber := bounds(e.Health)
			met = isNumber && x >= least && x <= most
		}
		if !met {
			fail("health", e.Health, health, e.healthAt)
		}
	}
	if e.Grade != "" && e.Grade != known(got.Grade) {
		fail("grade", e.Grade, known(got.Grade), e.gradeAt)
	}
}
