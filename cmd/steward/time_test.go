package main

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/jobs"
	"steward/store"
)

// The whole worker when time is not as it should be.

// runs is the slots on record, oldest first, in the zone of begin.
func (o *outpost) runs() []string {
	o.Helper()
	db, err := store.Open(context.Background(), filepath.Join(o.dir, "steward.db"), store.Options{ReadOnly: true})
	o.must(err)
	defer db.Close()
	rows, err := db.Runs(context.Background(), jobs.Evaluation, 0)
	o.must(err)
	out := []string{}
	for _, r := range rows {
		out = append([]string{string(r.State) + " " + r.Slot.Time().In(begin.Location()).Format("2006-01-02 15:04")}, out...)
	}
	return out
}

// hears waits until Slack took a message to ops with these words, and returns
// how many there were.
func (o *outpost) hears(words string) int {
	o.Helper()
	n := 0
	o.wait("ops hears: "+words, func() bool {
		n = 0
		for _, p := range o.slack.Posts() {
			if p.Channel == "C0OPS" && strings.Contains(p.Text, words) {
				n++
			}
		}
		return n > 0
	})
	return n
}

// A machine starts with its clock a year ahead and gets the time a while later.
// Nothing is evaluated for a year, and everybody who should knows; a person who
// says what the date is has it go on, and a clock that is wrong is not believed.
func TestWorkerWhoseClockWasAYearAhead(t *testing.T) {
	o := newOutpost(t, "")
	right := o.ahead.Load()
	o.ahead.Add(int64(365 * 24 * time.Hour)) // the feed ends where it does
	o.start()
	o.wait("the wrong slot is evaluated", func() bool { return strings.Join(o.runs(), ",") == "done 2027-03-13 06:00" })

	o.ahead.Store(right)
	o.wait("/readyz says it", func() bool {
		status, body := o.get(o.private + "/readyz")
		return status == http.StatusOK && strings.Contains(body, "steward rewind") && strings.Contains(body, "13 March 2027")
	})
	o.hears("Nothing is evaluated before 13 March 2027 at 06:00")
	o.command(exitUsage, "rewind")
	if _, said := o.command(exitFailed, "rewind", "--today", "2027-03-13"); !strings.Contains(said, "says that it is 2026-03-13") || !strings.Contains(said, "nothing was changed") {
		t.Errorf("with another date than the clock's: %s", said)
	}
	if got := o.runs(); len(got) != 1 || got[0] != "done 2027-03-13 06:00" {
		t.Fatalf("before anybody said the date: %v", got)
	}
	o.stop()
	if _, said := o.command(exitFine, "rewind", "--today", "2026-03-13"); !strings.Contains(said, "Set aside 1 evaluation ") {
		t.Errorf("it says: %s", said)
	}
	if _, said := o.command(exitFine, "rewind", "--today", "2026-03-13"); !strings.Contains(said, "nothing was changed") {
		t.Errorf("again it says: %s", said)
	}
	o.start()
	defer o.stop()
	o.wait("the cards of the right day arrive", func() bool { return len(of(o.outreach("--state", "sent"), steward.Card, "acme")) == 1 })
	want := []string{"done 2026-03-13 06:00", "set_aside 2027-03-13 06:00"}
	if diff := cmp.Diff(want, o.runs()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, body := o.get(o.private + "/readyz"); strings.Contains(body, "rewind") {
		t.Errorf("/readyz still says: %s", body)
	}
}

// Down for three days: one evaluation, for the latest slot. Down until that slot
// is older than start_deadline: none, and ops hears of it once.
func TestWorkerThatMissedSlots(t *testing.T) {
	o := newOutpost(t, "")
	o.start()
	o.wait("the first day is evaluated", func() bool { return strings.Join(o.runs(), ",") == "done 2026-03-13 06:00" })
	o.stop()

	o.setClock(begin.Add(3 * 24 * time.Hour))
	o.start()
	o.wait("the latest slot is evaluated", func() bool { return strings.HasSuffix(strings.Join(o.runs(), ","), "done 2026-03-16 06:00") })
	o.stop()

	o.setClock(begin.Add(4*24*time.Hour + 13*time.Hour))
	for range 2 {
		o.start()
		if n := o.hears("The evaluation of 17 March 2026 at 06:00 is skipped"); n != 1 {
			t.Errorf("ops heard of it %d times", n)
		}
		o.stop()
	}
	want := []string{"done 2026-03-13 06:00", "done 2026-03-16 06:00"}
	if diff := cmp.Diff(want, o.runs()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
