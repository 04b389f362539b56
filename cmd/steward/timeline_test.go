package main

import (
	"testing"
	"time"

	"steward"
)

// A mail that was approved and has not gone yet is due, after all that was done,
// and what let it go is not said twice. One that is put off says until when and
// why.
func TestTimelineEndsWithWhatIsOnItsWay(t *testing.T) {
	planned := time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
	approved, later := planned.Add(28*time.Hour), planned.Add(50*time.Hour)
	outreach := []steward.Outreach{{Step: "report", Message: "m-1"}, {Step: "offer", Message: "m-2"}, {Step: "nudge", Message: "m-3"}}
	got := pending(outreach, map[steward.MessageID]steward.Message{
		"m-1": {ID: "m-1", State: steward.Planned, Due: planned, Detail: "nobody stopped it in time"},
		"m-2": {ID: "m-2", State: steward.Deferred, Due: later, Detail: "mail for a commercial purpose is held"},
		"m-3": {ID: "m-3", State: steward.Sent, Due: planned},
	}, approved)
	if len(got) != 2 {
		t.Fatalf("%d are on their way, want 2: %v", len(got), got)
	}
	if ev := got[0]; ev.What != "due" || ev.Detail != "" || !ev.At.Equal(approved) {
		t.Errorf("approved: %s %q at %s", ev.What, ev.Detail, ev.At)
	}
	if ev := got[1]; ev.What != "deferred" || ev.Detail != "mail for a commercial purpose is held" || !ev.At.Equal(later) {
		t.Errorf("put off: %s %q at %s", ev.What, ev.Detail, ev.At)
	}
}
