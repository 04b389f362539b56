package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"steward/configs"
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

// The tables in the docs are of the packs as they are: each playbook has its
// row, and the figures beside limits keep them.
func TestTheYearIsDocumented(t *testing.T) {
	text := docText(t, "docs/packs.md")
	_, year, ok := strings.Cut(text, "<!-- rehearsal -->")
	year, _, closed := strings.Cut(year, "<!-- end of the rehearsal -->")
	if !ok || !closed {
		t.Fatal("docs/packs.md has lost the markers between which make rehearsal writes")
	}
	_, playbooks, ok := strings.Cut(year, "| playbook | opened |")
	if !ok {
		t.Fatal("there is no table of playbooks; run make rehearsal")
	}
	rows := 0
	for _, p := range configs.Packs() {
		for _, name := range p.Playbooks() {
			if rows++; !strings.Contains(playbooks, "\n| `"+name+"` | ") {
				t.Errorf("%s is in no row; run make rehearsal", name)
			}
		}
	}
	if n := strings.Count(playbooks, "\n| `"); n != rows {
		t.Errorf("%d rows for %d playbooks; run make rehearsal", n, rows)
	}
	for _, row := range []string{`cards to one owner in a day \| ([0-9]+) \| ([0-9]+) `, `mails to one address in 7 days \| ([0-9]+) \| ([0-9]+) `, `mails to one account in 7 days \| ([0-9]+) \| ([0-9]+) `} {
		found := regexp.MustCompile(row).FindStringSubmatch(playbooks)
		if found == nil {
			t.Errorf("no row says %s", row)
			continue
		}
		most, err := strconv.Atoi(found[1])
		limit, err2 := strconv.Atoi(found[2])
		if err != nil || err2 != nil || most == 0 || most > limit {
			t.Errorf("%s: %d, where the limit is %d", row, most, limit)
		}
	}
}
