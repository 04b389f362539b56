//go:build !crash

package main

import "steward/jobs"

// arm and mine do something in the build for the crash test only; see
// crash.go.

func arm(*app) {}

func mine(*jobs.Engine, func(string) string) {}
