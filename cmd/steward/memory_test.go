package main

import "testing"

func TestGarbageIsCollectedByTheSizeOfTheHeap(t *testing.T) {
	for live, want := range map[uint64]int{0: 800, 4 << 20: 800, 16 << 20: 400, 64 << 20: 100, 2 << 30: 100} {
		if got := gcPercent(live); got != want {
			t.Errorf("with %d MiB alive the heap may grow by %d %%, want %d", live>>20, got, want)
		}
	}
}
