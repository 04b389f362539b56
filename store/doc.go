// Package store remembers: what the sources said, where every enrolment
// stands, what was said to whom, and why. It is one SQLite file.
//
// It knows no playbook, provider or clock. Time comes in as an argument, and
// what to do comes in as data (a Batch, a Change, a Settlement) or as a pure
// function that decides inside a transaction (Claim). It is called by jobs and
// by the commands, which meet it through small interfaces of their own.
//
// One exported method is one transaction. The SQL stands whole where it is
// used, and the rows' shapes do not leave the package. Times are stored as
// seconds in UTC: an instant that was written with parts of a second is read
// back without them.
//
// One process at a time may hold the file as its worker (Options.Lock). The
// commands open it briefly beside the worker; SQLite's own lock keeps their
// writes apart.
package store
