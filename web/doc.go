// Package web is what Steward says over HTTP: to whoever runs it (health,
// readiness, metrics), to us, who look at an account or at what waits for a
// person (pages), and to a customer's person who wants no more mail.
//
// It knows no database, queue or playbook. What it shows comes through
// functions and Pages, and what it changes goes through Pages and Readers; cmd
// connects them. The
// public and the private side are separate handlers for separate listeners,
// because one of them faces the internet and the other shows how the business
// is doing.
package web
