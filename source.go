package steward

import "time"

// A FieldSpec declares a field of the workspace's own on accounts.
type FieldSpec struct {
	Name string
	Kind Kind
}

// A MetricKind says how the days that a source did not mention are read.
type MetricKind string

// A count's missing day is zero once the source has declared it complete; a
// gauge carries its last value forward for up to StaleAfter days.
const (
	Count MetricKind = "count"
	Gauge MetricKind = "gauge"
)

// A MetricSpec declares a daily series.
type MetricSpec struct {
	Name string
	Kind MetricKind
	// StaleAfter is how many days a gauge's value stands after it was seen.
	StaleAfter int
	// Feature names the product feature the metric is use of, if any.
	Feature string
}

// DefaultStaleAfter is how long a gauge carries forward where the workspace
// does not say: a weekly export with three days' grace.
const DefaultStaleAfter = 10

// A SourceState is what is known of a source after its imports.
type SourceState struct {
	Name string `json:"name"`
	// CompleteThrough is the last day the source declares whole; NoDay before
	// the first import.
	CompleteThrough Day `json:"complete_through"`
	// NewestDay is the newest day of any series row imported.
	NewestDay  Day       `json:"newest_day"`
	ImportedAt time.Time `json:"imported_at"`
	// Metrics is which series the source feeds.
	Metrics []string `json:"metrics,omitempty"`
	// Kinds is which kinds of row it has ever had a file of, such as accounts or
	// tickets, in order.
	Kinds []string `json:"kinds,omitempty"`
}
