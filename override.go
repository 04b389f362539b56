package steward

import "time"

// A HealthOverride is a person's word on an account's health: for some days it
// stands in place of the score. What it stood for before stays recorded.
type HealthOverride struct {
	ID      int64     `json:"id"`
	Account AccountID `json:"account"`
	Health  float64   `json:"health"` // 0 to 100
	// From and Until are the first and the last day on which it stands.
	From    Day       `json:"from"`
	Until   Day       `json:"until"`
	Because string    `json:"because"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	// Cleared is the day from which somebody took it back; NoDay where nobody did.
	Cleared   Day    `json:"cleared"`
	ClearedBy string `json:"cleared_by,omitempty"`
}

// On tells whether it stands on a day.
func (o HealthOverride) On(d Day) bool {
	return o.From <= d && d <= o.Until && (o.Cleared == NoDay || d < o.Cleared)
}
