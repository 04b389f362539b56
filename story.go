package steward

// A Story is everything that is kept about what was decided, said and done about
// one account, as of one moment. Lists are newest first, and the longest of them
// end at a limit.
type Story struct {
	// Standing is the part of the engine's memory that concerns the account.
	Standing Standing
	// Ended are its enrolments that are over.
	Ended    []Enrolment
	Records  []Record
	Messages []Message
	Outreach []Outreach
	Acts     []Act
	Incoming []Incoming
	Tasks    []Task
	// Words is what people said of it and of its people.
	Words []Word
	// Suppressed is why mail to its people's addresses is not sent, by address in
	// lower case.
	Suppressed map[string]string
}
