package steward

// Evidence is one part of a condition beside what was seen: the part as it was
// written, the value its left side had, and what the playbook asked for.
type Evidence struct {
	// Part is the comparison as written, such as "drop(logins, 14d) >= 50%".
	Part string `json:"part"`
	// Expr is its measured side, such as "drop(logins, 14d)".
	Expr string `json:"expr"`
	// Saw is the value Expr had.
	Saw Value `json:"saw"`
	// Wanted is the rest of the comparison, such as ">= 50%".
	Wanted string `json:"wanted"`
	// Verdict is what the comparison came to.
	Verdict Verdict `json:"verdict"`
	// Words says it as a person would: "logins fell 64% in 14 days: 42 → 15 a day".
	Words string `json:"words,omitempty"`
}

// A Finding is a playbook's condition holding for a subject, with what was
// seen.
type Finding struct {
	Playbook PlaybookName `json:"playbook"`
	Subject  Subject      `json:"subject"`
	Verdict  Verdict      `json:"verdict"`
	Evidence []Evidence   `json:"evidence"`
}
