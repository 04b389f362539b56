package main

import (
	"strings"
	"testing"

	"steward"
)

// Years later the worker forgets what is over, and nothing else: what was said
// for enrolments that are still open stays, and is not said again.
func TestTheWorkerPrunes(t *testing.T) {
	o := newOutpost(t, "")
	o.start()
	sent := func(kind steward.MessageKind) (ids []steward.MessageID) {
		for _, v := range o.outreach("--state", "sent") {
			if v.Kind == kind {
				ids = append(ids, v.ID)
			}
		}
		return ids
	}
	o.wait("cards and approvals are sent", func() bool { return len(sent(steward.Card)) > 0 && len(sent(steward.Approval)) > 0 })
	o.stop()
	cards, approvals := sent(steward.Card), sent(steward.Approval)

	o.setClock(begin.AddDate(0, 0, 800))
	o.start()
	o.wait("it prunes", func() bool { return strings.Contains(o.logs.String(), "what was over for long is gone") })
	o.stop()
	for _, id := range cards {
		if v := o.message(id); v.State != steward.Sent {
			t.Errorf("card %s, of an open enrolment, is %s", id, v.State)
		}
	}
	for _, id := range approvals {
		o.command(exitFailed, "outreach", string(id))
	}
	times := map[steward.MessageID]int{}
	for _, id := range o.posted() {
		if times[id]++; times[id] > 1 {
			t.Errorf("%s was posted twice", id)
		}
	}
}
