package main

import (
	"runtime/debug"
	"runtime/metrics"
)

// heapFloor is how much garbage the worker may hold before any is collected, in
// bytes. A small portfolio keeps a few megabytes alive, and Go would collect at
// each few megabytes more: a fifth of the work of sending.
const heapFloor = 64 << 20

// paceGC has garbage collected when the heap has doubled, and not before it has
// grown by heapFloor.
func paceGC() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetGCPercent(gcPercent(live[0].Value.Uint64()))
}

func gcPercent(live uint64) int {
	return int(max(100, min(100*heapFloor/max(live, 1), 800)))
}
