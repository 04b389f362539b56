// Package jobs turns time into work: the clock (robfig/cron) says when a slot
// has come, the queue (asynq) carries small tasks, and the engine does them:
// sync, evaluate, advance, relay, deliver. It is thin. What to decide is
// playbooks' affair, what to remember the ledger's, how to say it the
// sender's; jobs puts them in the right order and writes down what came of it.
//
// The order that everything rests on: the database remembers first, the
// message goes second, the outcome is written third. The queue holds ids only
// and may be emptied at any time.
//
// It meets storage, sources and providers through the small interfaces declared
// here and knows neither SQL nor Slack. cmd wires it up.
package jobs
