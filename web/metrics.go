package web

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"steward"
)

// Feeds are where metrics take their figures from, each asked at every scrape
// and given a few seconds. A nil feed is left out; one that fails leaves its own
// figures out, says so in steward_feed_up and is logged when it begins to.
//
// Labels are names out of the workspace's files and states, never accounts or
// addresses: they are few, and no secret of a customer.
type Feeds struct {
	Messages   func(context.Context) (MessageFigures, error)
	Enrolments func(context.Context) (map[steward.EnrolmentState]int, error)
	Evaluation func(context.Context) (EvaluationFigures, error)
	Sources    func(context.Context) ([]SourceFigures, error)
	// Playbooks tells for each playbook that is loaded why it could not be
	// judged in the last run; "" when it could.
	Playbooks func(context.Context) (map[steward.PlaybookName]string, error)
	// Channels tells for each channel why it waits; "" while it is open.
	Channels func(context.Context) (map[steward.Channel]steward.Reason, error)
	// QueueDepth is how many tasks wait, run or are to be tried again.
	QueueDepth func(context.Context) (int, error)
	Jobs       func(context.Context) (map[string]JobFigures, error)
	// Mailbox is what came back by mail; nil where nothing is looked for.
	Mailbox func(context.Context) (MailboxFigures, error)
	// Slack is what comes in from there; nil where nothing does.
	Slack func(context.Context) (SlackFigures, error)
	// Now is the clock that ages are taken by; time.Now when nil.
	Now func() time.Time
}

// MessageFigures are how many messages stand in which state.
type MessageFigures struct {
	ByState map[steward.MessageState]int
	// OldestDue is when the message that waits longest was due; zero when none
	// waits.
	OldestDue time.Time
}

// EvaluationFigures are about the last finished evaluation; a zero Slot means
// that there was none yet.
type EvaluationFigures struct {
	Slot     steward.Slot
	Duration time.Duration
}

// SourceFigures are what is known of a source.
type SourceFigures struct {
	Name            string
	CompleteThrough steward.Day // NoDay before the first import
	ImportedAt      time.Time   // zero before the first import
	Stale           bool
}

// JobFigures count the runs of a job since the database began.
type JobFigures struct{ Runs, Failures int }

// MailboxFigures are about mail that came back.
type MailboxFigures struct {
	// Incoming counts what was kept by what it is, since the database began.
	Incoming map[steward.IncomingKind]int
	// Read is when the mailbox was last read; zero before, and where there is none.
	Read time.Time
}

// SlackFigures are about what people do in Slack.
type SlackFigures struct {
	// Listening tells that it can come in now.
	Listening bool
	// Gestures counts clicks, forms and commands by what came of them, since the
	// worker began.
	Gestures map[string]int
}

// feedLimit bounds the reading of one feed.
const feedLimit = 5 * time.Second

// States without messages are shown as 0: an alert on a series that does not
// exist never fires.
var (
	messageStates = [...]steward.MessageState{steward.AwaitingApproval, steward.Planned, steward.Enqueued, steward.Sending, steward.Sent,
		steward.Deferred, steward.Uncertain, steward.FailedToSend, steward.Suppressed, steward.Expired}
	waitReasons     = [...]steward.Reason{steward.ReasonChannelDown, steward.ReasonThrottled, steward.ReasonNotConfigured}
	incomingKinds   = [...]steward.IncomingKind{steward.Reply, steward.AutoReply, steward.HardBounce, steward.SoftBounce, steward.Complaint}
	enrolmentStates = [...]steward.EnrolmentState{steward.Quarantined, steward.Active, steward.Waiting, steward.Completed, steward.Exited, steward.Failed}
)

// figures is a prometheus.Collector over feeds.
type figures struct {
	feeds   Feeds
	version string
	log     *slog.Logger

	mu   sync.Mutex
	down map[string]bool // the feeds that failed at the last scrape

	build, feedUp                     *prometheus.Desc
	messages, oldest                  *prometheus.Desc
	enrolments                        *prometheus.Desc
	evalSlot, evalAge, evalDuration   *prometheus.Desc
	sourceStale, sourceDay, sourceAge *prometheus.Desc
	faulty, waits, depth              *prometheus.Desc
	runs, failures                    *prometheus.Desc
	listening, gestures               *prometheus.Desc
	incoming, mailboxAge              *prometheus.Desc
}

func newFigures(feeds Feeds, version string, log *slog.Logger) *figures {
	if feeds.Now == nil {
		feeds.Now = time.Now
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("steward_"+name, help, labels, nil)
	}
	return &figures{
		feeds: feeds, version: version, log: log, down: map[string]bool{},
		build:        desc("build_info", "Always 1; the version that runs.", "version"),
		feedUp:       desc("feed_up", "Whether the figures of this kind could be read (1) or are missing from this scrape (0).", "feed"),
		messages:     desc("messages", "Messages by state. Those in uncertain may or may not have reached somebody.", "state"),
		oldest:       desc("oldest_due_message_age_seconds", "How long the message that waits longest has been due; 0 when none waits."),
		enrolments:   desc("enrolments", "Enrolments by state.", "state"),
		evalSlot:     desc("evaluation_slot_timestamp_seconds", "The slot of the last finished evaluation."),
		evalAge:      desc("evaluation_age_seconds", "How long ago the slot of the last finished evaluation was."),
		evalDuration: desc("evaluation_duration_seconds", "How long the last finished evaluation took."),
		sourceStale:  desc("source_stale", "Whether the source is past its fresh_within (1), so that facts that read it are unknown.", "source"),
		sourceDay:    desc("source_complete_through_timestamp_seconds", "The start, in UTC, of the last day that the source declares whole.", "source"),
		sourceAge:    desc("source_import_age_seconds", "How long ago the source was last imported.", "source"),
		faulty:       desc("playbook_faulty", "Whether the playbook could not be judged in the last evaluation (1).", "playbook"),
		waits:        desc("channel_waits", "Whether nothing is sent on the channel for this reason (1): its provider is down, asks for patience, or refuses the credentials.", "channel", "reason"),
		depth:        desc("queue_depth", "Tasks that wait, run or are to be tried again."),
		runs:         desc("job_runs_total", "Runs of a job, failed ones included.", "job"),
		failures:     desc("job_failures_total", "Runs of a job that failed.", "job"),
		incoming:     desc("incoming_total", "Mail that came back, by what it is.", "kind"),
		mailboxAge:   desc("mailbox_age_seconds", "How long ago the mailbox was last read."),
		listening:    desc("slack_listening", "Whether clicks and commands in Slack can come in (1)."),
		gestures:     desc("gestures_total", "Clicks, forms and commands in Slack by what came of them, since the worker began.", "outcome"),
	}
}

// Describe names every metric, without asking a feed.
func (f *figures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.build, f.feedUp, f.messages, f.oldest, f.enrolments, f.evalSlot, f.evalAge, f.evalDuration,
		f.sourceStale, f.sourceDay, f.sourceAge, f.faulty, f.waits, f.depth, f.runs, f.failures, f.listening, f.gestures, f.incoming, f.mailboxAge} {
		ch <- d
	}
}

// Collect asks every feed.
func (f *figures) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	now := f.feeds.Now()
	gauge(f.build, 1, f.version)

	read(f, ch, "messages", f.feeds.Messages, func(m MessageFigures) {
		for _, s := range messageStates {
			gauge(f.messages, float64(m.ByState[s]), string(s))
		}
		gauge(f.oldest, age(now, m.OldestDue))
	})
	read(f, ch, "enrolments", f.feeds.Enrolments, func(m map[steward.EnrolmentState]int) {
		for _, s := range enrolmentStates {
			gauge(f.enrolments, float64(m[s]), string(s))
		}
	})
	read(f, ch, "evaluation", f.feeds.Evaluation, func(e EvaluationFigures) {
		if e.Slot.IsZero() {
			return
		}
		gauge(f.evalSlot, float64(e.Slot.Unix()))
		gauge(f.evalAge, age(now, e.Slot.Time()))
		gauge(f.evalDuration, e.Duration.Seconds())
	})
	read(f, ch, "sources", f.feeds.Sources, func(list []SourceFigures) {
		for _, s := range list {
			gauge(f.sourceStale, one(s.Stale), s.Name)
			if s.CompleteThrough != steward.NoDay {
				gauge(f.sourceDay, float64(s.CompleteThrough.Start(time.UTC).Unix()), s.Name)
			}
			if !s.ImportedAt.IsZero() {
				gauge(f.sourceAge, age(now, s.ImportedAt), s.Name)
			}
		}
	})
	read(f, ch, "playbooks", f.feeds.Playbooks, func(m map[steward.PlaybookName]string) {
		for name, fault := range m {
			gauge(f.faulty, one(fault != ""), string(name))
		}
	})
	read(f, ch, "channels", f.feeds.Channels, func(waits map[steward.Channel]steward.Reason) {
		for channel, why := range waits {
			for _, reason := range waitReasons {
				gauge(f.waits, one(why == reason), string(channel), string(reason))
			}
		}
	})
	read(f, ch, "queue", f.feeds.QueueDepth, func(n int) { gauge(f.depth, float64(n)) })
	read(f, ch, "slack", f.feeds.Slack, func(s SlackFigures) {
		gauge(f.listening, one(s.Listening))
		for outcome, n := range s.Gestures {
			counter(f.gestures, n, outcome)
		}
	})
	read(f, ch, "mailbox", f.feeds.Mailbox, func(m MailboxFigures) {
		for _, kind := range incomingKinds {
			counter(f.incoming, m.Incoming[kind], string(kind))
		}
		if !m.Read.IsZero() {
			gauge(f.mailboxAge, age(now, m.Read))
		}
	})
	read(f, ch, "jobs", f.feeds.Jobs, func(m map[string]JobFigures) {
		for name, j := range m {
			counter(f.runs, j.Runs, name)
			counter(f.failures, j.Failures, name)
		}
	})
}

// read asks one feed and shows what it gave. It is a function and not a method
// because methods take no type parameters.
func read[T any](f *figures, ch chan<- prometheus.Metric, name string, feed func(context.Context) (T, error), show func(T)) {
	if feed == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), feedLimit)
	defer cancel()
	got, err := feed(ctx)
	f.note(name, err)
	ch <- prometheus.MustNewConstMetric(f.feedUp, prometheus.GaugeValue, one(err == nil), name)
	if err == nil {
		show(got)
	}
}

// note logs a feed's failure when it begins, not at every scrape.
func (f *figures) note(name string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil && !f.down[name] {
		f.log.Warn("metrics are incomplete", "feed", name, "error", err)
	}
	f.down[name] = err != nil
}

func age(now, since time.Time) float64 {
	if since.IsZero() {
		return 0
	}
	return max(0, now.Sub(since).Seconds())
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
