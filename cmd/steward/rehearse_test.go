package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"steward/replay"
)

// Four months of a small portfolio with all packs: nobody gets more than the
// limits, what the packs are meant for is met, and little else is.
func TestPacksMeetTheirStories(t *testing.T) {
	if testing.Short() {
		t.Skip("four months take a while; run without -short")
	}
	t.Parallel()
	var out, errs bytes.Buffer
	a := &app{getenv: func(string) string { return "" }, stdout: &out, stderr: &errs, now: time.Now, json: true, dir: t.TempDir()}
	o := &rehearseOptions{app: a, packs: []string{"all"}, accounts: 60, days: 120, seed: 35}
	if err := o.run(t.Context()); err != nil && !errors.Is(err, errFindings) {
		t.Fatal(err, errs.String())
	}
	var r replay.Rehearsal
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Stories) < 7 {
		t.Errorf("only %d stories began in these months", len(r.Stories))
	}
	for _, s := range r.Stories {
		if s.Met < s.Accounts {
			t.Errorf("%s: %d of %d are met by %v; not: %v", s.Of, s.Met, s.Accounts, s.Meant, s.Not)
		}
	}
	for _, at := range r.Attention {
		if at.Over {
			t.Errorf("%s: %d for %s, over the limit of %s", at.What, at.Most, at.Who, at.Limit)
		}
	}
	opened := 0
	for _, al := range r.Alarms {
		opened += al.Opened
		if !al.Calendar && al.Falsely() > 8 {
			t.Errorf("%s opened %d times, %d of them where nothing called for it: %v", al.Playbook, al.Opened, al.Falsely(), al.False)
		}
	}
	if len(r.Alarms) < 18 || opened < 50 || r.Attention[0].Most == 0 || r.Attention[3].Most == 0 {
		t.Errorf("too little happened to tell: %d playbooks, %d openings, %+v", len(r.Alarms), opened, r.Attention)
	}
}
