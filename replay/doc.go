// Package replay is the product's road without the world: a simulated
// portfolio whose true story is known, and the runner of the tests that ops
// people write beside their playbooks.
//
// The simulation gives days of believable customers as the files a CRM and a
// product would export, and as values for benchmarks. The runner lives through
// the days of a scenario on whatever Road it is handed and compares what was
// seen with what was expected.
//
// It knows no database, clock, queue or channel: the caller brings those in
// behind Road, so that a playbook test goes the road that production goes.
// Callers are the commands demo and test, and benchmarks.
package replay
