package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"steward"
	"steward/jobs"
	"steward/replay"
	"steward/store"
)

// A year of mornings in one process, with something opened, said and ended
// every day: what it keeps in memory, and what is in the database once old rows
// are pruned, stays what it was after the first months. What grows is only what
// has to: the history of fields and the daily series.
func TestAYearTakesNoMoreMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("a year of mornings takes a while; run without -short")
	}
	const days, settled = 365, 120 // after settled days it has to stay as it is
	ctx, dir := t.Context(), t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	sim := replay.Simulate(replay.SimOptions{Seed: 5, Accounts: 40, Days: days + 120})
	first := sim.Last - days
	must(writeExample(dir))
	must(os.WriteFile(filepath.Join(dir, "owners.yaml"), sim.OwnersYAML(), 0o644))
	must(os.WriteFile(filepath.Join(dir, "playbooks", "restless.yaml"), []byte(restlessPlaybook), 0o644))
	must(sim.Write(filepath.Join(dir, "data"), first))
	ws, book, problems := loadFrom(os.DirFS(dir), dir, func(string) string { return "" })
	if errs := problems.Errors(); len(errs) > 0 {
		t.Fatal(errs)
	}
	db, err := store.Open(ctx, ws.Database, store.Options{Lock: true})
	must(err)
	t.Cleanup(func() { db.Close() })
	var clock fakeClock
	h := &house{ws: ws, book: book, db: db, now: clock.now}
	engine := h.engine(nowhere{}, discardLog())
	opened := 0
	engine.Observe = func(r jobs.Report) {
		for _, tally := range r.Playbooks {
			opened += tally.Opened
		}
	}

	var heaps []uint64
	var kept []store.Counts
	for day := first + 1; day <= sim.Last; day++ {
		slot, err := slotOn(ws, day+1)
		must(err)
		clock.set(slot.Time())
		must(sim.WriteDay(filepath.Join(dir, "data"), day))
		for _, src := range ws.Sources {
			_, err := importSource(ctx, ws, db, src, importOptions{Now: clock.now(), Changed: true})
			must(err)
		}
		_, err = engine.Evaluate(ctx, slot)
		must(err)
		must(deliverDue(ctx, engine, db, clock.now))
		if n := int(day - first); n%30 == 0 {
			_, err := db.Prune(ctx, clock.now().Add(-90*24*time.Hour))
			must(err)
			if n >= settled {
				heaps = append(heaps, heap())
				c, err := db.Counts(ctx)
				must(err)
				kept = append(kept, c)
			}
		}
	}
	sent := func(c store.Counts) int { return c.ByState[string(steward.Sent)] }
	before, after := kept[0], kept[len(kept)-1]
	if opened < 1000 || sent(before) < 100 {
		t.Fatalf("the year was too quiet to tell: %d opened, %d messages kept", opened, sent(before))
	}
	if a, b := heaps[0], heaps[len(heaps)-1]; b > a+a/4 {
		t.Errorf("the heap went from %d KiB to %d KiB: %v", a>>10, b>>10, heaps)
	}
	if a, b := sent(before), sent(after); b > 2*a {
		t.Errorf("sent messages that are kept went from %d to %d", a, b)
	}
	t.Logf("%d opened; heap %d to %d KiB; messages kept %d to %d", opened, heaps[0]>>10, heaps[len(heaps)-1]>>10, sent(before), sent(after))
}

// restlessPlaybook opens and ends something on many days.
const restlessPlaybook = `playbook: restless
title: This week is busier than last
when: change(logins, 3d) > 10%
until: change(logins, 3d) < 0%
cooldown: 0
backfill: true
max_new: 1000
steps:
  - {id: nudge, slack: owner, message: login-drop}
`

// heap is how much is in use once all garbage is gone.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
