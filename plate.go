package steward

// A Plate is what is one person's to do.
type Plate struct {
	// Tasks are the open ones that are theirs, by the day they are due.
	Tasks []Task
	// Waiting are the mails that wait for an approval which they may give, longest
	// waiting first.
	Waiting []Message
	// Open are the enrolments that they took on, and those whose cards went to them
	// and that nobody took on, oldest first.
	Open []Enrolment
}
