package strictyaml

import "steward"

// Accepted is one lint that a file's author has looked at and does not follow,
// as every kind of file can say it: accept: [{lint: …, because: …}].
type Accepted struct {
	Lint    Scalar `yaml:"lint,required" doc:"The lint's name, as check prints it in brackets."`
	Because Scalar `yaml:"because,required" doc:"Why it is not followed here, for whoever reads the file next."`
}

// Acceptances is what a file accepts, or (with about) a part of it. What lacks a
// key has been told by the decoder and accepts nothing.
func Acceptances(list []Accepted, file, about string, src []byte) []steward.Acceptance {
	var out []steward.Acceptance
	for _, a := range list {
		if a.Lint.Pos.IsZero() || a.Because.Pos.IsZero() {
			continue
		}
		out = append(out, steward.Acceptance{Lint: a.Lint.Value, Because: a.Because.Value, Files: []string{file}, About: about,
			Place: a.Lint.Problem(file, about, "", "", src)})
	}
	return out
}
