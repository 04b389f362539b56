package steward

// A Picture is a metric over time, to be drawn small: as a chart of Slack's, an
// image, or a line of text, whichever the place allows.
type Picture struct {
	// Label is what it shows, such as "logins a day"; Alt says in a sentence what
	// there is to see, for people who do not see it.
	Label string `json:"label"`
	Alt   string `json:"alt"`
	// First is the day of the first value and Step how many days each stands for.
	First Day `json:"first"`
	Step  int `json:"step"`
	// Values are averages over Step days, oldest first, at most 20; unknown ones are
	// gaps.
	Values []Value `json:"values"`
	// Percent tells values that are shares.
	Percent bool `json:"percent,omitempty"`
	// Before is what the last value is to be compared with, where the condition
	// does; unknown for nothing.
	Before Value `json:"before,omitzero"`
}
